"""Clip files to planes of codes, through PyAV: what a header states, and frame after frame.

Planes are taken as they are stored. Formats with one plane each for Y, Cb and Cr are read, those
that interleave the same samples (nv12, p010) are taken apart; RGB, palettes and alpha have no Y
plane and are refused.
"""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssimloss.evaluation._image_errors import SYSTEM_ERRORS
from ssimloss.evaluation.clips.formats import (
    RAW,
    REPACKED,
    SCALERS,
    ClipHeader,
    Raw,
    Scaled,
    frame_bytes,
    planar_format,
    pyav,
)
from ssimloss.evaluation.images import ImageError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

_SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0"}
_SUBSAMPLING |= {(4, 1): "4:1:1", (4, 4): "4:1:0"}
# ITU-T H.273, where two numbers stand for BT.601; the second line cannot be converted to RGB here.
_MATRICES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020"}
_MATRICES |= {4: "FCC", 7: "SMPTE 240M", 8: "YCgCo", 10: "BT.2020 constant luminance", 14: "ICtCp"}
_RANGES = {1: "limited", 2: "full"}
_Array = npt.NDArray[np.uint8] | npt.NDArray[np.int32]


@dataclass(frozen=True)
class Frame:
    """One decoded frame: the planes as codes, and when it is shown."""

    planes: tuple[_Array, ...]  # Y, and where the clip has colour Cb and Cr: (H, W)
    seconds: float | None  # since the first frame; None where the file has no timestamps


def inspect(path: Path, raw: Raw | None = None) -> ClipHeader:
    """Look at the container and the first frame.

    Raises:
        ImageError: there is no such file, it is no clip, holds no frame, or has no Y plane.
        OSError: the system cannot read files.
        ModuleNotFoundError: PyAV is not installed.
    """
    with _worded(path), _opened(path, raw) as container:
        stream = container.streams.video[0]
        first = next(iter(container.decode(stream)), None)
        if first is None:
            raise ImageError(path, "holds no frame")
        kind = planar_format(path, first.format.name)
        width, height = kind.chroma_width(1 << 8), kind.chroma_height(1 << 8)
        gray = len(kind.components) == 1
        timed = path.suffix.lower() != RAW and first.pts is not None
        full = first.format.name.startswith("yuvj")
        count = stream.frames
        if container.format.name == "yuv4mpegpipe":
            count = _y4m_frames(path, frame_bytes(kind.name, first.width, first.height))
        elif raw is not None and path.suffix.lower() == RAW:
            count = _raw_frames(path, raw)
        return ClipHeader(
            height=first.height,
            width=first.width,
            channels=1 if gray else 3,
            bit_depth=kind.components[0].bits,
            pixel_format=first.format.name,
            subsampling="none"
            if gray
            else _SUBSAMPLING.get((256 // width, 256 // height), f"{256 // width}x{256 // height}"),
            matrix=_MATRICES.get(int(first.colorspace), ""),
            luma_range="full" if full else _RANGES.get(int(first.color_range), ""),
            rate=stream.average_rate if timed else None,
            frames=count,
            rotation=int(first.rotation),
            interlaced=bool(first.interlaced_frame),
        )


def frames(
    path: Path, header: ClipHeader, raw: Raw | None = None, scaled: "Scaled | None" = None
) -> Generator[Frame, None, None]:
    """Decode a clip frame by frame, completely or with an error.

    Args:
        header: of :func:`inspect`, which every frame has to fit.
        scaled: another size, and how to get there.

    Raises:
        ImageError: damage, a frame of another size or format, an end before the stated one.
        OSError: the system cannot read files.
    """
    with _worded(path), _opened(path, raw) as container:
        stream = container.streams.video[0]
        # Concealed damage would be a wrong picture.
        stream.codec_context.options = {"err_detect": "explode"}
        stream.thread_type = "AUTO"
        clock = _Clock(header.rate)
        found, packets = 0, 0
        for packet in container.demux(stream):
            packets += packet.size > 0
            for frame in packet.decode():
                _demand_same(path, found, frame, header)
                yield Frame(_planes(frame, header, scaled), clock.seconds(frame))
                found += 1
        _demand_whole(path, container, header, packets, clock)


@contextmanager
def _worded(path: Path) -> Iterator[None]:
    """Turn errors of FFmpeg into those of the file, unless the system failed."""
    av = pyav()
    try:
        yield
    except av.error.FFmpegError as error:
        if error.errno in SYSTEM_ERRORS:
            raise
        if isinstance(error, FileNotFoundError):
            raise ImageError(path, "there is no such file") from error
        raise ImageError(
            path,
            f"cannot be decoded ({error.strerror}); the file is damaged, truncated or not a clip",
        ) from error


@contextmanager
def _opened(path: Path, raw: Raw | None) -> "Iterator[InputContainer]":
    av = pyav()
    if path.suffix.lower() == RAW:
        if raw is None:
            raise ImageError(
                path,
                "is raw video, which states neither size nor format: --size 1920x1080 "
                "--pixel-format yuv420p10le",
            )
        _raw_frames(path, raw)
        size = f"{raw.width}x{raw.height}"
        container = av.open(
            str(path),
            format="rawvideo",
            options={"video_size": size, "pixel_format": raw.pixel_format},
        )
    else:
        if path.is_file() and not path.stat().st_size:
            raise ImageError(path, "is empty")
        container = av.open(str(path))
    with container:
        if not container.streams.video:
            raise ImageError(path, "holds no video")
        yield container


def _demand_same(path: Path, number: int, frame: "av.VideoFrame", header: ClipHeader) -> None:
    if frame.is_corrupt:
        raise ImageError(path, f"is damaged at frame {number}")
    if (frame.height, frame.width, frame.format.name) != (*header.size, header.pixel_format):
        raise ImageError(
            path,
            f"changes at frame {number} from {header.width}x{header.height} {header.pixel_format} "
            f"to {frame.width}x{frame.height} {frame.format.name}; cut it there",
        )


def _planes(
    frame: "av.VideoFrame", header: ClipHeader, scaled: Scaled | None
) -> tuple[_Array, ...]:
    name = REPACKED.get(header.pixel_format, header.pixel_format)
    if name != header.pixel_format:
        frame = frame.reformat(format=name)
    if scaled is not None:
        frame = frame.reformat(
            width=scaled.width,
            height=scaled.height,
            interpolation=SCALERS[scaled.filter],
        )
    deep = header.bit_depth > 8
    kind = np.dtype(">u2" if frame.format.is_big_endian else "<u2") if deep else np.dtype("u1")
    found: list[_Array] = []
    for plane in frame.planes[: header.channels]:
        codes = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)[:, : plane.width]
        found.append(codes.astype(np.int32) if deep else codes.astype(np.uint8))
    return tuple(found)


class _Clock:
    """The times of frames, of files that state them."""

    def __init__(self, rate: Fraction | None) -> None:
        self._rate = rate
        self.start: float | None = None
        self.last: float | None = None  # of the file's own clock
        self.step = float(1 / rate) if rate else 0.0  # the longest between two frames

    def seconds(self, frame: "av.VideoFrame") -> float | None:
        """The time of the next frame since the first one."""
        if self._rate is None or frame.pts is None or frame.time_base is None:
            return None
        now = float(frame.pts * frame.time_base)
        if self.start is None or self.last is None:
            self.start = now
        else:
            self.step = max(self.step, now - self.last)
        self.last = now
        return now - self.start


def _demand_whole(
    path: Path, container: "InputContainer", header: ClipHeader, packets: int, clock: _Clock
) -> None:
    """Raise if a file ends before the length that its container states."""
    if header.frames and packets < header.frames:
        raise ImageError(
            path,
            f"is truncated: its container states {header.frames} frames and holds {packets}",
        )
    stated = _seconds(container.streams.video[0].metadata.get("DURATION", ""))
    if stated is None and len(container.streams) == 1 and container.duration:
        stated = container.duration / 1e6 if "matroska" in container.format.name else None
    # The last frame is shown for one step.
    if stated is not None and clock.last is not None and clock.last + 1.5 * clock.step < stated:
        raise ImageError(
            path,
            f"is truncated: its container states {stated:.3f} s, and the last frame is shown at "
            f"{clock.last:.3f} s",
        )


def _seconds(duration: str) -> float | None:
    """The seconds of ``00:00:00.400000000``, as Matroska writes them."""
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", duration)
    return None if found is None else 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3])


def _raw_frames(path: Path, raw: Raw) -> int:
    """The number of frames in a raw file.

    Raises:
        ImageError: not a whole number of them.
    """
    if not path.is_file():
        raise ImageError(path, "there is no such file")
    planar_format(path, raw.pixel_format)
    size, each = path.stat().st_size, frame_bytes(raw.pixel_format, raw.width, raw.height)
    if not size or size % each:
        raise ImageError(
            path,
            f"holds {size / each:.2f} frames of {raw.width}x{raw.height} {raw.pixel_format} "
            f"({each} bytes each); it is truncated, or of another size or pixel format",
        )
    return size // each


def _y4m_frames(path: Path, each: int) -> int:
    """Walk over the frames of ``each`` bytes of a y4m file, of which FFmpeg drops a cut one
    silently.

    Raises:
        ImageError: the last one is cut.
    """
    size, count = path.stat().st_size, 0
    with path.open("rb") as file:
        end = len(file.readline())
        while end < size:
            file.seek(end)
            head = file.readline(4096)
            end += len(head) + each
            if not head.startswith(b"FRAME"):
                raise ImageError(path, f"is damaged: frame {count} has no header")
            if end > size:
                raise ImageError(
                    path, f"is truncated: frame {count} lacks {end - size} of {each} bytes"
                )
            count += 1
    return count
