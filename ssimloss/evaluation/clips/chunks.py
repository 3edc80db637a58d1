"""The sample of a clip: chunks of frames of reference and result, paired by their order, decoded in
threads ahead of the device.
"""

import math
from collections.abc import Generator, Sequence
from concurrent.futures import Executor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import widened
from ssimloss.evaluation.clips.colors import rgb
from ssimloss.evaluation.clips.files import Frame, frames
from ssimloss.evaluation.clips.formats import SCALERS, ClipHeader, Raw, Scaled
from ssimloss.evaluation.images import ImageError

FramePairing = Literal["equal", "shortest"]
Timestamps = Literal["compare", "ignore"]

_PIXELS = 1 << 23  # of a chunk, unless one frame has more
_RATE_TOLERANCE = 2e-4  # 24 and 24000/1001 frames per second are 1e-3 apart
_MILLISECONDS = 2e-3  # Matroska rounds to one
_T = TypeVar("_T")


@dataclass(frozen=True)
class ClipOptions:
    """How clips are read and paired.

    Args:
        raw: what raw files do not state.
        scale_distorted: the filter of libswscale that brings the result to the size of the
            reference; ``None`` refuses other sizes.
        frames: ``"equal"`` refuses clips of other lengths, ``"shortest"`` cuts the longer one.
        timestamps: ``"compare"`` refuses frames that are paired but shown at other times,
            ``"ignore"`` pairs by order alone.
        at_once: the most frames of a chunk.

    Raises:
        ValueError: an option value is unknown.
    """

    raw: Raw | None = None
    scale_distorted: str | None = None
    frames: FramePairing = "equal"
    timestamps: Timestamps = "compare"
    at_once: int = 16

    def __post_init__(self) -> None:
        """Raise for unknown option values."""
        if self.scale_distorted is not None:
            _checks.choice("scale_distorted", self.scale_distorted, SCALERS)
        _checks.choice("frames", self.frames, get_args(FramePairing))
        _checks.choice("timestamps", self.timestamps, get_args(Timestamps))

    def reading(self) -> dict[str, str]:
        """The options that a report needs to read the files again."""
        given = {} if self.raw is None else self.raw.options()
        scaled = self.scale_distorted
        return given if scaled is None else given | {"scale_distorted": scaled}


@dataclass(frozen=True)
class Planes:
    """Frames of one clip, as codes."""

    planes: tuple[Tensor, ...]  # Y, Cb and Cr, or Y alone: integers (T, 1, H, W)
    header: ClipHeader

    def luma(self, device: torch.device) -> Tensor:
        """The Y plane as it is stored: float32 codes ``(T, 1, H, W)``, from 0 to the peak."""
        return self.planes[0].to(device).to(torch.float32)

    def color(self, device: torch.device) -> Tensor:
        """RGB in [0, 1] in float64, ``(T, 3, H, W)``; of a gray clip its luma
        ``(T, 1, H, W)``.
        """
        luma, *chroma = (widened(plane.to(device)) for plane in self.planes)
        return rgb(luma, torch.cat(chroma, 1), self.header) if chroma else luma / self.header.peak


@dataclass(frozen=True)
class Chunk:
    """Frames of the reference and those of the result that belong to them."""

    reference: Planes
    distorted: Planes
    first: int  # number of the first frame, from 0

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.reference.planes[0])


@dataclass
class Alignment:
    """What pairing frames by their order meant, known once the last chunk has come."""

    frames: int = 0
    cut: str = ""  # which clip is longer and was cut
    timed: int = 0  # pairs of which both frames have a timestamp
    apart: float = 0.0  # seconds between the frames of a pair, at most
    least: float = math.inf  # seconds between frames
    most: float = 0.0
    before: float | None = None  # seconds of the last frame of the reference

    def add(self, x: Frame, y: Frame) -> float:
        """The next pair; how many seconds its frames are shown apart."""
        self.frames += 1
        if x.seconds is None or y.seconds is None:
            return 0.0
        self.timed += 1
        if self.before is not None:
            self.least = min(self.least, x.seconds - self.before)
            self.most = max(self.most, x.seconds - self.before)
        self.before = x.seconds
        self.apart = max(self.apart, abs(x.seconds - y.seconds))
        return abs(x.seconds - y.seconds)

    def words(self) -> str:
        """The alignment in one line."""
        told = [f"{self.frames} frame{'' if self.frames == 1 else 's'} paired by their order"]
        if self.timed < self.frames:
            told.append("without timestamps")
        elif self.apart > _MILLISECONDS:
            told.append(f"shown up to {self.apart:.3f} s apart")
        else:
            told.append("shown at the same times")
        if self.most - self.least > 2 * _MILLISECONDS:
            told.append(f"variable frame rate ({self.least:.3f} to {self.most:.3f} s)")
        cut = f"; {self.cut} is longer, and its last frames are not compared" if self.cut else ""
        return ", ".join(told) + cut


def rates_differ(reference: ClipHeader, distorted: ClipHeader) -> bool:
    """Whether both state a frame rate and the rates differ."""
    x, y = reference.rate, distorted.rate
    return x is not None and y is not None and abs(x - y) > _RATE_TOLERANCE * max(x, y)


def chunks(
    reference: tuple[Path, ClipHeader],
    distorted: tuple[Path, ClipHeader],
    options: ClipOptions,
    pool: Executor,
    alignment: Alignment,
) -> Generator[Chunk, None, None]:
    """A clip in chunks, in order; of each file, two are in memory, one of them being decoded.

    Args:
        reference, distorted: files and their headers.
        pool: its threads decode, one for each file.
        alignment: is filled in on the way.

    Raises:
        ImageError: damage, another number of frames, timestamps that do not agree.
        OSError: the system cannot read files.
    """
    (path_x, header_x), (path_y, header_y) = reference, distorted
    header_x, header_y = agreed(header_x, header_y)
    scaled = None
    if header_x.size != header_y.size and options.scale_distorted is not None:
        scaled = Scaled(*header_x.size, options.scale_distorted)
    at_once = max(1, min(options.at_once, _PIXELS // (header_x.height * header_x.width)))
    decoded = (
        frames(path_x, header_x, options.raw),
        frames(path_y, header_y, options.raw, scaled),
    )
    first, second = (_ahead(_listed(each, at_once), pool) for each in decoded)
    with closing(first), closing(second):
        while True:
            x, y = next(first, []), next(second, [])
            start = alignment.frames
            if len(x) != len(y) and options.frames == "equal":
                counts = [start + len(x) + sum(map(len, first)), start + len(y)]
                counts[1] += sum(map(len, second))
                raise ImageError(
                    path_y,
                    f"has {counts[1]} frames, and its reference {path_x} has {counts[0]}; "
                    "--frames shortest (frames='shortest') leaves out what is beyond the shorter "
                    "one, if both begin with the same frame",
                )
            if len(x) != len(y):
                alignment.cut = "the reference" if len(x) > len(y) else "the result"
            for frame_x, frame_y in zip(x, y, strict=False):
                apart = alignment.add(frame_x, frame_y)
                if options.timestamps == "compare" and apart > _allowed(header_x):
                    raise ImageError(
                        path_y,
                        f"frame {alignment.frames - 1} is shown at {frame_y.seconds:.3f} s, and "
                        f"that of its reference {path_x} at {frame_x.seconds:.3f} s: one of them "
                        "has dropped or repeated frames; --timestamps ignore "
                        "(timestamps='ignore') pairs by order alone",
                    )
            number = min(len(x), len(y))
            if number:
                yield Chunk(_stacked(x[:number], header_x), _stacked(y[:number], header_y), start)
            if len(x) != len(y) or not number:
                return


def agreed(reference: ClipHeader, distorted: ClipHeader) -> tuple[ClipHeader, ClipHeader]:
    """Both with the coding of colours that only one of them states, or that neither states and the
    size of the reference suggests.
    """
    x = replace(
        reference,
        matrix=reference.matrix or distorted.matrix or reference.coding_matrix,
        luma_range=reference.luma_range or distorted.luma_range,
    )
    y = replace(
        distorted,
        matrix=distorted.matrix or x.matrix,
        luma_range=distorted.luma_range or x.luma_range,
    )
    return x, y


def _allowed(header: ClipHeader) -> float:
    """The duration of half a frame, in seconds."""
    return 0.5 / float(header.rate) if header.rate else math.inf


def _listed(
    decoded: Generator[Frame, None, None], at_once: int
) -> Generator[list[Frame], None, None]:
    with closing(decoded):
        while some := list(islice(decoded, at_once)):
            yield some


def _ahead(source: Generator[_T, None, None], pool: Executor) -> Generator[_T, None, None]:
    """The same, each item made by a thread while the one before is in use."""
    waiting = pool.submit(next, source, None)
    try:
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, source, None)
            yield item
    finally:
        waiting.cancel()
        wait([waiting])
        source.close()


def _stacked(some: Sequence[Frame], header: ClipHeader) -> Planes:
    planes = zip(*(frame.planes for frame in some), strict=True)
    return Planes(tuple(torch.from_numpy(np.stack(each)).unsqueeze(1) for each in planes), header)
