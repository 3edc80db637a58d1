"""Formats of clip files: endings, pixel formats, and what a file states or the caller names."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssimloss.evaluation.images import Header, ImageError

if TYPE_CHECKING:
    import av

RAW = ".yuv"
_STREAMS = (".ivf", ".obu", ".h264", ".264", ".h265", ".265", ".hevc")
_CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".nut", ".mxf", ".ts", ".mpg")
SUFFIXES = (".y4m", RAW, *_CONTAINERS, ".mpeg", *_STREAMS)
BITS = (8, 10, 12, 16)
SCALERS = {"bicubic": "BICUBIC", "bilinear": "BILINEAR", "lanczos": "LANCZOS"}

# Formats that hold the samples of another one in another order.
REPACKED = {"nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "nv24": "yuv444p"}
REPACKED |= {"yuyv422": "yuv422p", "uyvy422": "yuv422p", "p010le": "yuv420p10le"}


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
        """The matrix for RGB: the stated one, or the usual one for the size, as players choose."""
        return self.matrix or ("BT.709" if self.height >= 720 or self.width >= 1280 else "BT.601")

    def words(self) -> str:
        """The whole header in one line."""
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
class Raw:
    """Size and format of a raw file, which states neither."""

    width: int
    height: int
    pixel_format: str

    @classmethod
    def parse(cls, size: str | None, pixel_format: str | None) -> "Raw | None":
        """The value of the options ``size`` and ``pixel_format``, which are given together.

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
            pyav().VideoFormat(pixel_format)
        except ValueError as error:
            raise ValueError(
                f"pixel_format must be a name of FFmpeg such as 'yuv420p10le', got {pixel_format!r}"
            ) from error
        return cls(int(found[1]), int(found[2]), pixel_format)

    def options(self) -> dict[str, str]:
        """The inverse of :meth:`parse`."""
        return {"size": f"{self.width}x{self.height}", "pixel_format": self.pixel_format}


@dataclass(frozen=True)
class Scaled:
    """The size of the reference, and the name of libswscale's filter."""

    height: int
    width: int
    filter: str


def pyav() -> Any:
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


def planar_format(path: Path, name: str) -> "av.VideoFormat":
    """The format of a frame once interleaved planes are separated.

    Raises:
        ImageError: it has no Y plane of whole codes.
    """
    found: av.VideoFormat = pyav().VideoFormat(REPACKED.get(name, name), 256, 256)
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


def frame_bytes(pixel_format: str, width: int, height: int) -> int:
    """The size of one frame in a raw or y4m file, in bytes."""
    name = REPACKED.get(pixel_format, pixel_format)
    parts = pyav().VideoFormat(name, width, height).components
    return sum(part.width * part.height * (1 if part.bits == 8 else 2) for part in parts)
