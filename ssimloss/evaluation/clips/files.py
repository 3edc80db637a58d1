"""Clip files to planes of codes, through PyAV: what a header states, and frame after frame.

Planes are taken as they are stored. Formats with one plane each for Y, Cb and Cr are read, those
that interleave the same samples (nv12, p010) are taken apart; RGB, palettes and alpha have no Y
plane and are refused.
"""

import errno
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssimloss.evaluation.images import Header, ImageError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

RAW = ".yuv"
_STREAMS = (".ivf", ".obu", ".h264", ".264", ".h265", ".265", ".hevc")
_CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".nut", ".mxf", ".ts", ".mpg")
SUFFIXES = (".y4m", RAW, *_CONTAINERS, ".mpeg", *_STREAMS)
BITS = (8, 10, 12, 16)
SCALERS = {"bicubic": "BICUBIC", "bilinear": "BILINEAR", "lanczos": "LANCZOS"}

# Formats that hold the samples of another one in another order.
_REPACKED = {"nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "nv24": "yuv444p"}
_REPACKED |= {"yuyv422": "yuv422p", "uyvy422": "yuv422p", "p010le": "yuv420p10le"}
_SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0"}
_SUBSAMPLING |= {(4, 1): "4:1:1", (4, 4): "4:1:0"}
# ITU-T H.273, where two numbers stand for BT.601; the second line cannot be converted to RGB here.
_MATRICES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020"}
_MATRICES |= {4: "FCC", 7: "SMPTE 240M", 8: "YCgCo", 10: "BT.2020 constant luminance", 14: "ICtCp"}
_RANGES = {1: "limited", 2: "full"}
_SYSTEM = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENOMEM}
_Array = npt.NDArray[np.uint8] | npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class ClipHeader(Header):
    """What a file states about its clip; the size is the stored one, before any rotation."""

    pixel_format: str  # as FFmpeg calls it
    subsampling: str  # "4:2:0", or "none" of a gray clip
    matrix: str  # such as "BT.709", or empty where the file does not state it
    luma_range: str  # "limited", "full", or empty where the file does not state it
    rate: Fraction | None  # frames per second, None of raw files and streams without a clock
    frames: int  # as the container states, 0 where it does not
    rotation: int  # degrees, of the display matrix
    interlaced: bool

    @property
    def peak(self) -> int:
        """The largest code: 255, 1023, 4095 or 65535."""
        return int((1 << self.bit_depth) - 1)

    @property
    def coding_matrix(self) -> str:
        """That of a conversion to RGB: the stated one, otherwise by size as players do."""
        return self.matrix or ("BT.709" if self.height >= 720 or self.width >= 1280 else "BT.601")

    def words(self) -> str:
        """All of it in one line."""
        rate = "no frame rate" if self.rate is None else f"{float(self.rate):.6g} frames/s"
        matrix = self.matrix or "matrix not stated"
        luma = f"{self.luma_range} range" if self.luma_range else "range not stated"
        more = [f"rotated by {self.rotation} degrees, compared as stored"] if self.rotation else []
        more += ["interlaced, compared as stored"] if self.interlaced else []
        return ", ".join(
            [
                f"{self.width}x{self.height}",
                f"{self.pixel_format} (chroma {self.subsampling}, {self.bit_depth} bit, "
                f"peak {self.peak})",
                matrix,
                luma,
                rate,
                *more,
            ]
        )


@dataclass(frozen=True)
class Frame:
    """One decoded frame: the planes as codes, and when it is shown."""

    planes: tuple[_Array, ...]  # Y, and where the clip has colour Cb and Cr: (H, W)
    seconds: float | None  # since the first frame; None where the file has no timestamps


@dataclass(frozen=True)
class Raw:
    """What a raw file does not state itself."""

    width: int
    height: int
    pixel_format: str

    @classmethod
    def parse(cls, size: str | None, pixel_format: str | None) -> "Raw | None":
        """Of the options ``size`` and ``pixel_format``, which go together.

        Raises:
            ValueError: one without the other, a size of another form, an unknown pixel format.
        """
        if size is None and pixel_format is None:
            return None
        if size is None or pixel_format is None:
            raise ValueError(
                f"size and pixel_format describe raw {RAW} files together, got size={size!r} and "
                f"pixel_format={pixel_format!r}; --size 1920x1080 --pixel-format yuv420p10le"
            )
        found = re.fullmatch(r"([1-9][0-9]*)x([1-9][0-9]*)", size)
        if found is None:
            raise ValueError(f"size must be WIDTHxHEIGHT such as '1920x1080', got {size!r}")
        try:
            _av().VideoFormat(pixel_format)
        except ValueError as error:
            raise ValueError(
                f"pixel_format must be a name of FFmpeg such as 'yuv420p10le', got {pixel_format!r}"
            ) from error
        return cls(int(found[1]), int(found[2]), pixel_format)

    def options(self) -> dict[str, str]:
        """The inverse of :meth:`parse`."""
        return {"size": f"{self.width}x{self.height}", "pixel_format": self.pixel_format}


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
        kind = _format(path, first.format.name)
        width, height = kind.chroma_width(1 << 8), kind.chroma_height(1 << 8)
        gray = len(kind.components) == 1
        timed = path.suffix.lower() != RAW and first.pts is not None
        full = first.format.name.startswith("yuvj")
        count = stream.frames
        if container.format.name == "yuv4mpegpipe":
            count = _y4m_frames(path, _frame_bytes(kind.name, first.width, first.height))
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
    """Decode a clip frame by frame, wholly or not at all.

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


@dataclass(frozen=True)
class Scaled:
    """The size of the reference, and the name of libswscale's filter."""

    height: int
    width: int
    filter: str


def _av() -> Any:
    """PyAV.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        if error.name != "av":
            raise
        raise ModuleNotFoundError(
            "reading clips needs av, which is not installed: pip install 'ssimloss[video]'",
            name="av",
        ) from error
    return av


@contextmanager
def _worded(path: Path) -> Iterator[None]:
    """Word what FFmpeg reports, unless the system is at fault."""
    av = _av()
    try:
        yield
    except av.error.FFmpegError as error:
        if error.errno in _SYSTEM:
            raise
        if isinstance(error, FileNotFoundError):
            raise ImageError(path, "there is no such file") from error
        raise ImageError(
            path,
            f"cannot be decoded ({error.strerror}); the file is damaged, truncated or no clip",
        ) from error


@contextmanager
def _opened(path: Path, raw: Raw | None) -> "Iterator[InputContainer]":
    av = _av()
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


def _format(path: Path, name: str) -> "av.VideoFormat":
    """The format that a frame has once it is taken apart.

    Raises:
        ImageError: it has no Y plane of whole codes.
    """
    found: av.VideoFormat = _av().VideoFormat(_REPACKED.get(name, name), 256, 256)
    parts = found.components
    if found.is_rgb or found.has_palette or any(part.is_alpha for part in parts):
        what = "is RGB" if found.is_rgb or found.has_palette else "has alpha"
        raise ImageError(
            path,
            f"{what} ({name}), and measures of clips compare a Y plane; ffmpeg -i {path.name} -vf "
            f"scale=out_color_matrix=bt709 -pix_fmt yuv444p {path.stem}.y4m converts it by the "
            "matrix that you choose",
        )
    planes = {part.plane for part in parts}
    depths = {part.bits for part in parts}
    if len(parts) not in (1, 3) or len(planes) != len(parts) or not depths <= set(BITS):
        raise ImageError(
            path,
            f"is {name}, which is not read; ffmpeg -pix_fmt yuv420p (or yuv444p10le, ...) converts "
            f"it to planes of {', '.join(map(str, BITS[:-1]))} or {BITS[-1]} bit",
        )
    return found


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
    name = _REPACKED.get(header.pixel_format, header.pixel_format)
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
    """When frames are shown, of files that state it."""

    def __init__(self, rate: Fraction | None) -> None:
        self._rate = rate
        self.start: float | None = None
        self.last: float | None = None  # of the file's own clock
        self.step = float(1 / rate) if rate else 0.0  # the longest between two frames

    def seconds(self, frame: "av.VideoFrame") -> float | None:
        """Of the next frame, since the first one."""
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
    """Raise where a file ends before the end that its container states."""
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
    """Of ``00:00:00.400000000``, as Matroska has it."""
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", duration)
    return None if found is None else 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3])


def _raw_frames(path: Path, raw: Raw) -> int:
    """How many frames a raw file holds.

    Raises:
        ImageError: not a whole number of them.
    """
    if not path.is_file():
        raise ImageError(path, "there is no such file")
    _format(path, raw.pixel_format)
    size, each = path.stat().st_size, _frame_bytes(raw.pixel_format, raw.width, raw.height)
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


def _frame_bytes(pixel_format: str, width: int, height: int) -> int:
    """Of one frame in a raw or y4m file."""
    name = _REPACKED.get(pixel_format, pixel_format)
    parts = _av().VideoFormat(name, width, height).components
    return sum(part.width * part.height * (1 if part.bits == 8 else 2) for part in parts)
