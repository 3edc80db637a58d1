"""Image files to tensors, whole or not at all: PNG, JPEG, TIFF, WebP and BMP, 8 and 16 bit.

Nothing is converted silently: what has no single meaning as a gray or RGB image (CMYK,
transparency, several frames, floating point) is an error that says the way out. Colour profiles and
gamma are not applied; values are compared as they are stored.
"""

import errno
import io
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Literal, get_args

import numpy as np
import torch
from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from PIL.PngImagePlugin import ChunkStream
from torch import Tensor

from ssimloss import _checks
from ssimloss.evaluation._orientations import (
    ORIENTATIONS,
    UPRIGHT,
    as_stored,
    turned_size,
    upright,
)
from ssimloss.evaluation._orientations import Orientation as Orientation
from ssimloss.evaluation._structure import (
    TIFF_LAYOUT,
    DamagedError,
    demand_filled_webp,
    demand_whole_tiff,
    padded_jpeg,
    strict_pillow,
    tiff_numbers,
)

Alpha = Literal["error", "drop"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".webp", ".bmp")
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")

# What Pillow raises for bytes that are no image, over years of damaged files; a warning is one
# where warnings are errors.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    EOFError,
    struct.error,
    zlib.error,
    Pillow.DecompressionBombError,
    Warning,
)
# These errors say nothing about the file, and the next file would meet them too.
_SYSTEM = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENOMEM}
_ORIENTATION = 0x0112
# TIFF tags.
_WIDTH, _LENGTH, _BITS_PER_SAMPLE, _COMPRESSION = 256, 257, 258, 259
_PHOTOMETRIC, _SAMPLE_FORMAT = 262, 339
_TIFF_TAGS = (_BITS_PER_SAMPLE, _COMPRESSION, _PHOTOMETRIC, _SAMPLE_FORMAT, *TIFF_LAYOUT)
# None, LZW, deflate, PackBits, deflate, LZMA, Zstandard.
_LOSSLESS_TIFF = {1, 5, 8, 32773, 32946, 34925, 50000}
_CHANNELS = dict.fromkeys(("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"), 1)
_CHANNELS |= dict.fromkeys(("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"), 3)
_PNG_HEADER = len(b"\x89PNG\r\n\x1a\n")
# Pillow does not compare the checksum of this last chunk.
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


class ImageError(RuntimeError):
    """A file that cannot be compared; the words name the file, what is wrong, and the way out."""

    def __init__(self, path: Path, what: str) -> None:
        """``what`` follows the file's name."""
        super().__init__(f"{path}: {what}")
        self.path = path
        self.what = what


@dataclass(frozen=True)
class Header:
    """What a file says about its image, without alpha; the size is that after ``orientation``."""

    height: int
    width: int
    channels: int  # 1 or 3
    bit_depth: int  # 8 or 16
    # The tag, 1 (upright or none) to 8; of two files that differ in it alone the headers are equal.
    orientation: int = field(default=UPRIGHT, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """``(H, W)``."""
        return self.height, self.width


@dataclass(frozen=True)
class Image:
    """A decoded image."""

    pixels: Tensor  # (C, H, W), C is 1 or 3; uint8 for 8 bit, int32 for 16
    bit_depth: int
    orientation: int = UPRIGHT  # the tag of the file, whether it was applied or not

    @property
    def data_range(self) -> int:
        """The largest value a pixel can have: 255 or 65535."""
        return (1 << self.bit_depth) - 1


def inspect(path: str | Path, *, orientation: Orientation = "apply") -> Header:
    """Read only the header: size and kind, without decoding.

    Args:
        path: as for :func:`read`.
        orientation: ``"apply"`` returns the size after the orientation tag is applied,
            ``"ignore"`` that of the stored pixels.

    Raises:
        ImageError: there is no such file, it is no image, or of a kind that :func:`read` refuses.
            Damage behind the header is not seen.
        OSError: the system cannot read files: it has too many open, no memory, or a disk that
            fails.
    """
    _checks.choice("orientation", orientation, ORIENTATIONS)
    path = Path(path).expanduser()
    _demand_file(path)
    with strict_pillow, _worded(path, OSError), path.open("rb") as file:
        with _worded(path, *_DECODER_ERRORS):
            image = Pillow.open(file, formats=_FORMATS)
        with image:
            header = _header(path, image)
            with _worded(path, *_DECODER_ERRORS):
                # The getexif() of a PNG decodes the pixels, in case a chunk behind them has EXIF.
                early = image.format == "PNG" and not _metadata_follow_pixels(file)
                exif = Pillow.Image.getexif(image) if early else image.getexif()
                tag = _orientation(exif)
    height, width = turned_size(header.size, tag) if orientation == "apply" else header.size
    return replace(header, height=height, width=width, orientation=tag)


def read(path: str | Path, *, alpha: Alpha = "error", orientation: Orientation = "apply") -> Image:
    """Decode a file wholly.

    A palette becomes RGB, and an opaque alpha channel is left out.

    Args:
        path: a PNG, JPEG, TIFF, WebP or BMP file, whatever its name ends in.
        alpha: what to do with an alpha channel that is not opaque: ``"drop"`` takes the colours as
            they are stored.
        orientation: what to do with an orientation tag of EXIF, or of XMP where EXIF has none:
            ``"apply"`` turns the image upright, ``"ignore"`` returns the pixels as stored.

    Returns:
        ``pixels`` ``(C, H, W)``: gray has one channel, colour three; uint8, or int32 in 0..65535
        for 16-bit PNG and gray TIFF.

    Raises:
        ImageError: the file is missing, damaged, truncated, or of a kind that has no single meaning
            as gray or RGB.
        OSError: the system cannot read files: it has too many open, no memory, or a disk that
            fails.
    """
    _checks.choice("alpha", alpha, get_args(Alpha))
    _checks.choice("orientation", orientation, ORIENTATIONS)
    path = Path(path).expanduser()
    _demand_file(path)
    with _worded(path, OSError):
        content = path.read_bytes()
    with strict_pillow:
        return _decoded(path, content, alpha, orientation)


def _decoded(path: Path, content: bytes, alpha: Alpha, orientation: Orientation) -> Image:
    with _worded(path, *_DECODER_ERRORS):
        image = Pillow.open(io.BytesIO(content), formats=_FORMATS)
        if image.format == "PNG" and image.tile:
            image.verify()  # load() does not compare the checksums of the pixels
            image = Pillow.open(io.BytesIO(content), formats=("PNG",))
    with image:
        header = _header(path, image)
        with _worded(path, DamagedError):
            if image.format == "PNG" and _PNG_END not in content:
                raise DamagedError(f"it is truncated: {len(content)} bytes, and no end")
            if image.format == "TIFF":
                demand_whole_tiff(_tags(path, image), len(content))
            if image.format == "WEBP":
                demand_filled_webp(content)
        with _worded(path, *_DECODER_ERRORS):
            before = _orientation(image.getexif()) if image.format == "TIFF" else UPRIGHT
            image.load()
            left = _orientation(image.getexif())  # a TIFF is turned already, and has none left
        tag = before if image.format == "TIFF" else left
        if image.format in ("JPEG", "MPO"):
            _demand_whole_jpeg(path, image, content)
        deep_png = image.format == "PNG" and header.bit_depth == 16
        pixels = (
            _deep_png(path, content, image, header, alpha)
            if deep_png
            else _planes(path, image, alpha)
        )
    if orientation == "apply":
        pixels = upright(pixels, left)
    elif left != tag:
        pixels = as_stored(pixels, tag)
    return Image(pixels.contiguous(), header.bit_depth, tag)


def _demand_file(path: Path) -> None:
    """Refuse pipes, sockets and devices, which may never end."""
    with _worded(path, OSError):
        mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a folder raises
        raise ImageError(
            path, "is not a regular file but a pipe, socket or device; copy its content to a file"
        )


@contextmanager
def _worded(path: Path, *errors: type[BaseException]) -> Iterator[None]:
    """What these ``errors`` say about the file; within stand calls whose errors are the file's, so
    that one of ours passes as it is.
    """
    try:
        yield
    except errors as error:
        if isinstance(error, OSError) and error.errno in _SYSTEM:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise ImageError(path, _words(path, error)) from error


def _words(path: Path, error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    # A damaged header makes Pillow ask for what the system calls invalid.
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return f"cannot be read ({error.strerror})"
    if isinstance(error, UnidentifiedImageError):
        if path.stat().st_size == 0:
            return "is empty"
        with path.open("rb") as file:
            numbers = tiff_numbers(file)
        if numbers is not None:
            return f"is a TIFF of {numbers}, which Pillow does not read; save it as PNG"
        return "is no PNG, JPEG, TIFF, WebP or BMP image, or its header is damaged"
    if isinstance(error, (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning)):
        return (
            f"is larger than Pillow opens ({error}); compare crops of it or, if you trust it, "
            "raise PIL.Image.MAX_IMAGE_PIXELS in Python"
        )
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, ValueError) and "MAX_TEXT" in str(error):
        return (
            f"holds more text or a larger colour profile than Pillow reads ({error}); save it "
            "without metadata"
        )
    if isinstance(error, DamagedError):
        return f"is damaged: {error}"
    return f"cannot be decoded ({error or type(error).__name__}); the file is damaged or truncated"


def _tags(path: Path, image: Pillow.Image) -> Mapping[int, tuple[int, ...]]:
    """Those of a TIFF that decide here, which are numbers, one or several; Pillow decodes each when
    it is asked for.
    """
    with _worded(path, *_DECODER_ERRORS):
        tags = image.tag_v2  # type: ignore[attr-defined]  # only its TIFF subclass has them
        found = {number: tags[number] for number in _TIFF_TAGS if number in tags}
        numbers = {
            number: values if isinstance(values, tuple) else (values,)
            for number, values in found.items()
        }
        for number, values in numbers.items():
            if not values or not all(isinstance(value, int) for value in values):
                raise DamagedError(f"its tag {number} holds no number")
    return numbers


def _header(path: Path, image: Pillow.Image) -> Header:
    """Refuse by what the header says; the size is the stored one. ``image`` is not loaded yet."""
    with _worded(path, *_DECODER_ERRORS):
        mode, frames = image.mode, getattr(image, "n_frames", 1)  # looks through the file
    if frames > 1 and image.format != "MPO":  # the second picture of a camera's JPEG is a preview
        raise ImageError(
            path, f"holds {frames} frames or pages; save the one to compare as a file of its own"
        )
    if mode == "CMYK":
        raise ImageError(path, "is CMYK; convert it to RGB with the colour profile it was made for")
    height, width, depth = image.height, image.width, 8
    if image.format == "PNG":
        tiles = image.tile  # type: ignore[attr-defined]  # only files have them
        if not tiles:
            raise ImageError(path, "is damaged: it has no pixels")
        stored = str(tiles[0].args)  # such as "LA;16B"
        return Header(height, width, 1 if stored[0] in "1LI" else 3, 16 if ";16" in stored else 8)
    if image.format == "TIFF":
        tags = _tags(path, image)
        bits, kind = set(tags.get(_BITS_PER_SAMPLE, (1,))), set(tags.get(_SAMPLE_FORMAT, (1,)))
        if kind != {1} and not (kind == {4} and bits == {8}):
            raise ImageError(
                path,
                "is a TIFF of floating point or signed numbers, whose range nothing says; save it "
                "as PNG",
            )
        if max(bits) > 8 and not (
            bits == {16} and mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == (1,)
        ):
            raise ImageError(
                path,
                f"is a TIFF of {max(bits)} bit that Pillow cannot read in full; save it as 16-bit "
                "PNG",
            )
        if tags.get(_COMPRESSION, (1,))[0] not in _LOSSLESS_TIFF:
            raise ImageError(
                path,
                "is a TIFF with JPEG or fax inside, of which decoders do not say whether it is "
                "whole; save it as PNG",
            )
        depth = 16 if bits == {16} else 8
        width, height = tags[_WIDTH][0], tags[_LENGTH][0]  # Pillow's own are turned already
    if any(tile[0] == "bmp_rle" for tile in getattr(image, "tile", ())):
        raise ImageError(
            path,
            "is a run-length coded BMP, of which decoders do not say whether it is whole; save it "
            "as PNG",
        )
    if mode not in _CHANNELS or (depth == 8 and mode.startswith("I")):
        raise ImageError(
            path, f"has pixels of kind {mode!r}; convert it to gray or RGB of 8 or 16 bit"
        )
    return Header(height, width, _CHANNELS[mode], depth)


def _metadata_follow_pixels(png: IO[bytes]) -> bool:
    """Whether EXIF data or text stand behind the pixels, found without reading these."""
    png.seek(_PNG_HEADER)
    pixels = False
    with ChunkStream(png) as chunks:
        while True:
            try:
                kind, at, length = chunks.read()
            except (struct.error, SyntaxError):  # damage, which only read() reports
                return False
            if kind == b"IEND":
                return False
            pixels |= kind == b"IDAT"
            if pixels and kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                return True
            png.seek(at + length + 4)


def _demand_whole_jpeg(path: Path, image: Pillow.Image, content: bytes) -> None:
    with _worded(path, DamagedError):
        padded = padded_jpeg(content)
    with (
        _worded(path, *_DECODER_ERRORS),
        Pillow.open(io.BytesIO(padded), formats=("JPEG",)) as other,
    ):
        if other.tobytes() != image.tobytes():
            raise DamagedError("its data end before the picture does")


def _deep_png(
    path: Path, content: bytes, image: Pillow.Image, header: Header, alpha: Alpha
) -> Tensor:
    """16 bit per channel. Pillow keeps the upper byte of colours alone; asked for the other byte
    order, it keeps the lower one.
    """
    if header.channels == 3:
        with (
            _worded(path, *_DECODER_ERRORS),
            Pillow.open(io.BytesIO(content), formats=("PNG",)) as lower,
        ):
            lower.tile = [lower.tile[0]._replace(args=f"{lower.mode};16L")]
            pixels = _channels(image).int() * 256 + _channels(lower)
    elif image.mode in ("LA", "RGBA"):  # gray with alpha: in the file the same as RGBA of 8 bit
        at = content.index(b"IHDR")
        head = content[at : at + 12] + b"\x08\x06" + content[at + 14 : at + 17]
        rgba = content[:at] + head + zlib.crc32(head).to_bytes(4, "big") + content[at + 21 :]
        with (
            _worded(path, *_DECODER_ERRORS),
            Pillow.open(io.BytesIO(rgba), formats=("PNG",)) as bytewise,
        ):
            pixels = _channels(bytewise).int()
        pixels = pixels[::2] * 256 + pixels[1::2]
    else:
        pixels = torch.from_numpy(np.asarray(image).astype(np.int32))[None]
    if len(pixels) in (2, 4):
        return _without_alpha(path, pixels[:-1], bool((pixels[-1] == 65535).all()), alpha)
    if "transparency" in image.info:  # one colour that counts as transparent
        color = torch.tensor(image.info["transparency"], dtype=torch.int32).reshape(-1, 1, 1)
        return _without_alpha(path, pixels, not bool((pixels == color).all(0).any()), alpha)
    return pixels


def _planes(path: Path, image: Pillow.Image, alpha: Alpha) -> Tensor:
    """The pixels of a decoded Pillow image of a kind that :func:`_header` let pass."""
    mode = image.mode
    if mode.startswith("I;16"):
        return torch.from_numpy(np.asarray(image).astype(np.int32))[None]
    if (
        mode in ("LA", "La", "PA", "RGBA", "RGBa")
        or "transparency" in image.info
        or (image.palette and image.palette.mode == "RGBA")
    ):
        with _worded(path, *_DECODER_ERRORS):
            pixels = _channels(image.convert("LA" if mode in ("1", "L", "LA", "La") else "RGBA"))
        return _without_alpha(path, pixels[:-1], bool((pixels[-1] == 255).all()), alpha)
    with _worded(path, *_DECODER_ERRORS):
        return _channels(
            image if mode in ("L", "RGB") else image.convert("L" if mode == "1" else "RGB")
        )


def _channels(image: Pillow.Image) -> Tensor:
    pixels = torch.from_numpy(np.array(image))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def _without_alpha(path: Path, pixels: Tensor, opaque: bool, alpha: Alpha) -> Tensor:
    if not opaque and alpha == "error":
        way_out = (
            "flatten it onto a background, or compare its colours alone: alpha='drop', on the "
            "command line --alpha drop"
        )
        raise ImageError(path, f"is transparent in places; {way_out}")
    return pixels


def _orientation(exif: Pillow.Exif) -> int:
    """How the camera was held, 1 (upright) to 8."""
    value = exif.get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
