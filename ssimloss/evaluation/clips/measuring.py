"""Clips to numbers: every measure of each frame, measures of clips in one stream, and their means.

Measures of images see each frame by itself: those that compare luma the Y plane as it is stored,
over its peak ``2^bits - 1``; those that compare colours RGB. Measures of clips get codes of luma.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ssimloss._precision import widened
from ssimloss.evaluation._values import info_of, values_of
from ssimloss.evaluation.clips.chunks import Alignment, Chunk, ClipOptions, agreed, chunks
from ssimloss.evaluation.clips.colors import WEIGHTS
from ssimloss.evaluation.clips.formats import ClipHeader
from ssimloss.evaluation.images import ImageError
from ssimloss.evaluation.plan import Batch
from ssimloss.evaluation.records import Row
from ssimloss.evaluation.result import ImageRecord, MetricInfo
from ssimloss.measure import LoggedStream
from ssimloss.metrics import ImageMeasure
from ssimloss.metrics.averages import average, perfect_infinity

OnFrames = Callable[[int, int], object]


@dataclass(frozen=True)
class _Pooling:
    """Another mean over frames beside the arithmetic one."""

    suffix: str  # of the measure's name
    name: str  # behind the measure's title
    words: str
    function: Callable[[Sequence[float]], float]


def _harmonic(scores: Sequence[float]) -> float:
    return len(scores) / math.fsum(1 / (score + 1) for score in scores) - 1


def _psnr_of_mean(values: Sequence[float]) -> float:
    error = math.fsum(10 ** (-value / 10) for value in values) / len(values)
    return -10 * math.log10(error) if error else math.inf


_HARMONIC = _Pooling(
    "harmonic",
    "harmonic mean",
    "over frames, of the score plus 1, less 1, as in libvmaf",
    _harmonic,
)
# By the name of a measure.
_POOLINGS = {
    "vmaf": _HARMONIC,
    "vmaf_neg": _HARMONIC,
    "psnr": _Pooling(
        "pooled",
        "pooled",
        "of the mean squared error over all frames, as FFmpeg's filter psnr reports it",
        _psnr_of_mean,
    ),
}


def planes_note(measures: Sequence[ImageMeasure]) -> dict[str, str]:
    """The planes that measures compare, as an entry of ``Evaluation.about``."""
    luma = [one.title for one in measures if one.compares_luma]
    color = [one.title for one in measures if not one.compares_luma]
    told = [f"{', '.join(luma)} of the Y plane as stored"] if luma else []
    told += [f"{', '.join(color)} of RGB"] if color else []
    return {"planes": "; ".join(told)}


def clip_infos(measures: Sequence[ImageMeasure]) -> list[MetricInfo]:
    """The measures of clips as results describe them: means over frames."""
    infos = []
    for one in measures:
        info = info_of(one)
        stream = one.stream(data_range=255.0)
        if stream is not None:
            what = f"{one.title}: codes of the Y plane as stored; {stream.describe()}"
        elif one.compares_luma:
            what = f"{info.description}; of each frame the Y plane as stored, over 2^bits - 1"
        else:
            what = (
                f"{info.description}; of each frame RGB in [0, 1], chroma enlarged bilinearly, by "
                "the matrix and range that the files state (otherwise BT.709 for references from "
                "720 lines or 1280 columns on, BT.601 for smaller ones; limited range)"
            )
        infos.append(replace(info, description=f"{what}; mean over frames"))
        if one.name in _POOLINGS:
            pooling = _POOLINGS[one.name]
            title = f"{one.title}, {pooling.name}"
            infos.append(
                replace(
                    info,
                    name=f"{one.name}_{pooling.suffix}",
                    title=title,
                    description=f"{title}: {pooling.words}; {what}",
                )
            )
    return infos


def measured_clips(
    batches: Sequence[Batch],
    records: Sequence[ImageRecord],
    measures: Sequence[ImageMeasure],
    device: torch.device,
    options: ClipOptions,
    pool: Executor,
    on_frames: OnFrames | None = None,
) -> Iterator[tuple[Batch, list[Row]]]:
    """Each clip with one row for each method: means over frames and the values of each frame, or
    why there are none.

    Args:
        on_frames: called with how many frames are done and how many there are, 0 where not all
            containers state it.
    """
    pairs = [pair for batch in batches for pair in _headers(batch)]
    stated = [max(x.frames, y.frames) for x, y in pairs if x.frames or y.frames]
    total = sum(stated) if len(stated) == len(pairs) else 0
    done = 0

    def count(number: int) -> None:
        nonlocal done
        done += number
        if on_frames is not None:
            on_frames(done, total)

    count(0)
    for batch in batches:
        record = records[batch.images[0]]
        rows = []
        for method, (header_x, header_y) in zip(batch.methods, _headers(batch), strict=True):
            files = (record.reference, header_x), (record.distorted[method], header_y)
            alignment = Alignment()
            source = chunks(*files, options, pool, alignment)
            clip = _Clip(measures, device, *agreed(header_x, header_y))
            try:
                with closing(source):
                    for chunk in source:
                        clip.add(chunk)
                        count(len(chunk))
                rows.append(clip.row(method, alignment.words()))
            except ImageError as error:
                rows.append(Row(0, method, error=str(error)))
            except torch.OutOfMemoryError as error:
                raise RuntimeError(
                    f"{device} has too little memory for chunks of {options.at_once} frames of "
                    f"{header_x.height}x{header_x.width}; a smaller batch_size (--batch-size) "
                    "needs less"
                ) from error
        yield batch, rows


def _headers(batch: Batch) -> list[tuple[ClipHeader, ClipHeader]]:
    """For each method, the headers of the reference and of the result."""
    found = []
    for header in batch.distorted:
        assert isinstance(batch.header, ClipHeader)
        assert isinstance(header, ClipHeader)
        found.append((batch.header, header))
    return found


class _Clip:
    """The values of one clip, frame by frame."""

    def __init__(
        self,
        measures: Sequence[ImageMeasure],
        device: torch.device,
        reference: ClipHeader,
        distorted: ClipHeader,
    ) -> None:
        self._measures = {one.name: one for one in measures}
        self._device, self._peak = device, reference.peak
        found = {one.name: one.stream(data_range=float(self._peak)) for one in measures}
        self._streams = {name: stream for name, stream in found.items() if stream is not None}
        rest = [one for one in measures if one.name not in self._streams]
        self._of_luma = [one for one in rest if one.compares_luma]
        self._of_color = [one for one in rest if not one.compares_luma]
        self._frames: dict[str, list[float]] = {one.name: [] for one in measures}
        self._errors: dict[str, str] = {}  # by measure
        for matrix in (reference.matrix, distorted.matrix):
            if reference.channels > 1 and matrix not in WEIGHTS:
                for one in self._of_color:
                    self._errors[one.name] = (
                        f"{matrix} is not converted to RGB, only {', '.join(WEIGHTS)}"
                    )
                self._of_color = []

    def add(self, chunk: Chunk) -> None:
        """The next frames."""
        if self._streams or self._of_luma:
            x, y = chunk.reference.luma(self._device), chunk.distorted.luma(self._device)
            for name, stream in self._streams.items():
                if name not in self._errors:
                    try:
                        stream.update(x, y)
                    except ValueError as error:  # too small for it; all frames are of one size
                        self._errors[name] = str(error).rpartition("; ")[0] or str(error)
            if self._of_luma:
                pair = widened(y) / self._peak, widened(x) / self._peak
                self._measure(self._of_luma, *pair, chunk.first)
        if self._of_color:
            pair = chunk.distorted.color(self._device), chunk.reference.color(self._device)
            self._measure(self._of_color, *pair, chunk.first)

    def _measure(
        self, measures: Sequence[ImageMeasure], pred: Tensor, target: Tensor, first: int
    ) -> None:
        for one, values in zip(measures, values_of(measures, pred, target), strict=True):
            self._keep(one.name, values, first)

    def _keep(self, name: str, values: Sequence[float | str], first: int) -> None:
        for number, value in enumerate(values, first):
            if isinstance(value, str):
                self._errors.setdefault(name, f"frame {number}: {value}")
            else:
                self._frames[name].append(value)

    def row(self, method: str, note: str) -> Row:
        """Means over frames and the values of each frame, without measures that failed."""
        for name, stream in self._streams.items():
            if name not in self._errors:
                scores = stream.score(pooling="none").tolist()
                self._keep(name, ["the result is not a number" if s != s else s for s in scores], 0)
        frames = {name: v for name, v in self._frames.items() if name not in self._errors}
        means: dict[str, float] = {}
        for name, values in frames.items():
            perfect = perfect_infinity(self._measures[name].higher_is_better)
            means[name] = average(values, perfect).mean
            if name in _POOLINGS:
                pooling = _POOLINGS[name]
                means[f"{name}_{pooling.suffix}"] = pooling.function(values)
        for name, stream in self._streams.items():
            if name in frames and isinstance(stream, LoggedStream):
                for key, logged in stream.log().items():
                    frames.setdefault(key, logged.tolist())  # a measure keeps its name
        told = [f"{self._measures[name].title}: {what}" for name, what in self._errors.items()]
        return Row(0, method, means, "; ".join(told), frames, note)
