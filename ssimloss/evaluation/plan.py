"""Which files are measured together: decided from their headers, before anything is computed, and
the same for any number of processes.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ssimloss.evaluation._orientations import UPRIGHT, Orientation, size_way_out
from ssimloss.evaluation.images import Header, ImageError, inspect
from ssimloss.evaluation.pairs import Pair, Pairing
from ssimloss.evaluation.result import ImageRecord

_PIXELS = 1 << 23  # in the references of a batch, unless one image alone has more


@dataclass(frozen=True)
class Batch:
    """Images of one size and kind that are measured together, or one clip."""

    images: tuple[int, ...]  # indices of records
    methods: tuple[str, ...]  # those whose files fit, the same for all images here
    header: Header  # of the references
    distorted: tuple[Header, ...]  # of each method's files
    signature: str  # changes when one of the files does, not when others come or go


@dataclass(frozen=True)
class Plan:
    """Records with sizes and the errors known so far, and the batches that fill in the values."""

    records: list[ImageRecord]
    batches: list[Batch]
    damaged: list[str]  # errors of headers, in words

    @property
    def bit_depths(self) -> set[int]:
        """Those of all files that are measured."""
        headers = (one for batch in self.batches for one in (batch.header, *batch.distorted))
        return {header.bit_depth for header in headers}


def make_plan(
    pairing: Pairing,
    *,
    batch_size: int,
    pool: Executor,
    orientation: Orientation = "apply",
    data_range: float | None = None,
) -> Plan:
    """Read the header of every file and put images of one size and kind together, in order, at most
    ``batch_size`` at a time.

    A pair that cannot be compared becomes an error in its record.
    """
    paths = pairing.files
    look = partial(inspect, orientation=orientation, data_range=data_range)
    headers = dict(zip(paths, pool.map(partial(_inspected, look), paths), strict=True))
    records: list[ImageRecord] = []
    damaged: list[str] = []
    buckets: dict[tuple[tuple[str, ...], Header, tuple[Header, ...]], list[int]] = {}
    for index, pair in enumerate(pairing.pairs):
        reference = headers[pair.reference]
        size = reference.size if isinstance(reference, Header) else (0, 0)
        errors = {
            method: words
            for method in pairing.methods
            if (words := _against(pair, method, headers, orientation))
        }
        damaged += [words for method, words in errors.items() if method in pair.distorted]
        tags = {method: _tag(headers[path]) for method, path in pair.distorted.items()}
        records.append(
            ImageRecord(
                index,
                pair.name,
                pair.reference,
                pair.distorted,
                size,
                errors=errors,
                orientation=_tag(reference),
                orientations={method: tag for method, tag in tags.items() if tag != UPRIGHT},
            )
        )
        fine = {
            method: headers[pair.distorted[method]]
            for method in pairing.methods
            if method not in errors
        }
        # All of them, as none has an error.
        kinds = tuple(header for header in fine.values() if isinstance(header, Header))
        if fine and isinstance(reference, Header):
            buckets.setdefault((tuple(fine), reference, kinds), []).append(index)
    batches = []
    for (methods, reference, kinds), members in buckets.items():
        step = max(1, min(batch_size, _PIXELS // max(1, reference.height * reference.width)))
        for start in range(0, len(members), step):
            images = tuple(members[start : start + step])
            batches.append(
                Batch(
                    images,
                    methods,
                    reference,
                    kinds,
                    signature([records[i] for i in images], methods),
                )
            )
    return Plan(
        records, sorted(batches, key=lambda batch: batch.images), list(dict.fromkeys(damaged))
    )


def _inspected(look: Callable[[Path], Header], path: Path) -> Header | ImageError:
    try:
        return look(path)
    except ImageError as error:
        return error


def _tag(header: Header | ImageError) -> int:
    return header.orientation if isinstance(header, Header) else UPRIGHT


def _crop_way_out(reference: Header, distorted: Header) -> str:
    """What to do about different sizes. A reference that is a few pixels larger had a side that is
    no multiple of the scale; papers crop it.
    """
    more = reference.height - distorted.height, reference.width - distorted.width
    if all(0 <= pixels < 16 for pixels in more):
        return (
            f"crop the reference to {distorted.height}x{distorted.width}, from its top left "
            "corner, as papers do if a side is no multiple of the scale"
        )
    return "resize or crop one of them"


def _against(
    pair: Pair,
    method: str,
    headers: dict[Path, Header | ImageError],
    orientation: Orientation,
) -> str:
    """Why the pair cannot be compared; empty if it can."""
    if method not in pair.distorted:
        return "has no file for this image"
    reference, distorted = headers[pair.reference], headers[pair.distorted[method]]
    if isinstance(reference, ImageError):
        return f"reference {reference}"
    if isinstance(distorted, ImageError):
        return str(distorted)
    if reference.size != distorted.size:
        sizes = " and ".join(f"{header.height}x{header.width}" for header in (distorted, reference))
        way_out = size_way_out(
            (reference.size, distorted.size),
            (reference.orientation, distorted.orientation),
            orientation,
        )
        return (
            f"{pair.distorted[method]}: its size and that of its reference differ, {sizes} "
            f"(height x width); {way_out or _crop_way_out(reference, distorted)}"
        )
    if reference.channels != distorted.channels:
        this, other = (
            "gray" if header.channels == 1 else "in colour" for header in (distorted, reference)
        )
        return (
            f"{pair.distorted[method]}: it is {this} and its reference is {other}; save both as "
            "the same kind"
        )
    return ""


def signature(records: Sequence[ImageRecord], methods: Sequence[str]) -> str:
    """A digest of the paths, sizes in bytes and times of all files."""
    digest = hashlib.sha256(repr(methods).encode())
    for record in records:
        for path in (record.reference, *(record.distorted[method] for method in methods)):
            digest.update(repr(file_state(path)).encode())
    return digest.hexdigest()[:24]


def file_state(path: Path) -> tuple[str | int, ...]:
    """The absolute path, size in bytes and time of a file, which change when its content does."""
    place = os.path.abspath(path)
    try:
        state = os.stat(path)
    except FileNotFoundError:  # gone since its header was read; decoding it will raise
        return (place,)
    return place, state.st_size, state.st_mtime_ns
