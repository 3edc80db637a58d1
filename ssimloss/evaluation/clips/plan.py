"""Which clips can be compared, by their headers and first frames; and what the files state, in
words.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from ssimloss.evaluation.clips.chunks import ClipOptions, rates_differ
from ssimloss.evaluation.clips.files import inspect
from ssimloss.evaluation.clips.formats import RAW, ClipHeader, Raw
from ssimloss.evaluation.images import ImageError
from ssimloss.evaluation.pairs import Pair, Pairing
from ssimloss.evaluation.plan import Batch, Plan, signature
from ssimloss.evaluation.result import ClipRecord, ImageRecord

_Headers = dict[Path, ClipHeader | ImageError]


def make_clip_plan(pairing: Pairing, options: ClipOptions, pool: Executor) -> Plan:
    """Look at every file; each clip with the methods that fit it is a batch of its own.

    A pair that cannot be compared becomes an error in its record.

    Raises:
        ValueError: a size and a pixel format, and no raw file.
    """
    paths = pairing.files
    if options.raw is not None and not any(path.suffix.lower() == RAW for path in paths):
        raise ValueError(
            f"size and pixel_format describe raw {RAW} files, and none is compared; leave them out"
        )
    found = pool.map(partial(_inspected, options.raw), paths)
    headers: _Headers = dict(zip(paths, found, strict=True))
    records: list[ImageRecord] = []
    batches: list[Batch] = []
    damaged: list[str] = []
    for index, pair in enumerate(pairing.pairs):
        reference = headers[pair.reference]
        errors = {
            method: words
            for method in pairing.methods
            if (words := _against(pair, method, headers, options))
        }
        damaged += [words for method, words in errors.items() if method in pair.distorted]
        files = {"reference": pair.reference, **pair.distorted}
        record = ClipRecord(
            index,
            pair.name,
            pair.reference,
            pair.distorted,
            reference.size if isinstance(reference, ClipHeader) else (0, 0),
            errors=errors,
            reading=options.reading(),
            streams={
                name: header.words()
                for name, path in files.items()
                if isinstance(header := headers[path], ClipHeader)
            },
        )
        records.append(record)
        methods = tuple(method for method in pairing.methods if method not in errors)
        fine = [headers[pair.distorted[method]] for method in methods]
        # All of them, as none has an error.
        kinds = tuple(header for header in fine if isinstance(header, ClipHeader))
        if methods and isinstance(reference, ClipHeader):
            batches.append(Batch((index,), methods, reference, kinds, signature([record], methods)))
    return Plan(records, batches, list(dict.fromkeys(damaged)))


def clip_note(records: Sequence[ImageRecord]) -> dict[str, str]:
    """The description of the files: an entry of ``Evaluation.about``."""
    found = Counter(
        (name, words)
        for record in records
        if isinstance(record, ClipRecord)
        for name, words in record.streams.items()
    )
    several = len(records) > 1
    lines = [
        f"{name}{f', {count} clips' if several else ''}: {words}"
        for (name, words), count in found.items()
    ]
    return {"clips": "\n".join(lines)} if lines else {}


def _inspected(raw: Raw | None, path: Path) -> ClipHeader | ImageError:
    try:
        return inspect(path, raw)
    except ImageError as error:
        return error


def _against(pair: Pair, method: str, headers: _Headers, options: ClipOptions) -> str:
    """Why the pair cannot be compared; empty if it can."""
    if method not in pair.distorted:
        return "has no file for this clip"
    path = pair.distorted[method]
    x, y = headers[pair.reference], headers[path]
    if isinstance(x, ImageError):
        return f"reference {x}"
    if isinstance(y, ImageError):
        return str(y)
    both = f"{path}: it and its reference {pair.reference}"
    if x.rotation != y.rotation:
        return (
            f"{both} are rotated by {y.rotation} and {x.rotation} degrees, and frames are compared "
            "as they are stored; ffmpeg turns the frames where it encodes anew"
        )
    if x.size != y.size and options.scale_distorted is None:
        return (
            f"{both} are {y.width}x{y.height} and {x.width}x{x.height} (width x height); "
            "--scale-distorted bicubic (scale_distorted='bicubic') brings it to the size of the "
            "reference, as a player shows it"
        )
    if x.bit_depth != y.bit_depth:
        return (
            f"{both} have {y.bit_depth} and {x.bit_depth} bit; ffmpeg -i {path.name} -pix_fmt "
            f"{x.pixel_format} -f yuv4mpegpipe -strict -1 {path.stem}.y4m converts it"
        )
    if x.channels != y.channels:
        kinds = ["gray" if header.channels == 1 else "in colour" for header in (y, x)]
        return f"{both} are {kinds[0]} and {kinds[1]}; convert one of them with ffmpeg -pix_fmt"
    if x.luma_range and y.luma_range and x.luma_range != y.luma_range:
        return (
            f"{both} have luma in {y.luma_range} and in {x.luma_range} range, of which the codes "
            "mean other brightness; ffmpeg -vf scale=out_range=limited converts one of them"
        )
    if rates_differ(x, y) and options.timestamps == "compare":
        return (
            f"{both} have {_rate(y)} and {_rate(x)} frames per second; convert one of them, or "
            "--timestamps ignore (timestamps='ignore') pairs the frames by their order"
        )
    return ""


def _rate(header: ClipHeader) -> str:
    assert header.rate is not None
    return f"{float(header.rate):.6g}"
