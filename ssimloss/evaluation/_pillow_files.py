"""PNG, JPEG, TIFF of integers, WebP and BMP through Pillow, decoded completely or refused."""

import io
import struct
import sys
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image as Pillow
from PIL.PngImagePlugin import ChunkStream
from torch import Tensor

from ssimloss.evaluation._image_errors import DECODER_ERRORS, ImageError, worded
from ssimloss.evaluation._image_kinds import Alpha, Header, Image
from ssimloss.evaluation._orientations import (
    UPRIGHT,
    Orientation,
    as_stored,
    upright,
)
from ssimloss.evaluation._structure import (
    LOSSLESS_TIFF,
    TIFF_LAYOUT,
    DamagedError,
    demand_filled_webp,
    demand_whole_tiff,
    padded_jpeg,
)

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_ORIENTATION = 0x0112
# TIFF tags.
_WIDTH, _LENGTH, _BITS_PER_SAMPLE, _COMPRESSION = 256, 257, 258, 259
_PHOTOMETRIC, _SAMPLE_FORMAT = 262, 339
_TIFF_TAGS = (_BITS_PER_SAMPLE, _COMPRESSION, _PHOTOMETRIC, _SAMPLE_FORMAT, *TIFF_LAYOUT)
_CHANNELS = dict.fromkeys(("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"), 1)
_CHANNELS |= dict.fromkeys(("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"), 3)
# How 16-bit colours of a TIFF are unpacked, and with the bytes the other way round.
_SWAPPED = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
_DEEP_COLORS = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA")
    for order, other in _SWAPPED.items()
}
_PNG_HEADER = len(b"\x89PNG\r\n\x1a\n")
# Pillow does not compare the checksum of this last chunk.
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def pillow_header(path: Path, file: IO[bytes]) -> Header:
    """The header of a file that Pillow opens; the size is the stored one."""
    with worded(path, *DECODER_ERRORS):
        image = Pillow.open(file, formats=_FORMATS)
    with image:
        header = _header(path, image)
        with worded(path, *DECODER_ERRORS):
            # The getexif() of a PNG decodes the pixels, in case a chunk behind them has EXIF.
            early = image.format == "PNG" and not _metadata_follow_pixels(file)
            exif = Pillow.Image.getexif(image) if early else image.getexif()
            return replace(header, orientation=_orientation(exif))


def pillow_image(path: Path, content: bytes, alpha: Alpha, orientation: Orientation) -> Image:
    """Decode the whole file."""
    with worded(path, *DECODER_ERRORS):
        image = Pillow.open(io.BytesIO(content), formats=_FORMATS)
        if image.format == "PNG" and image.tile:
            image.verify()  # load() does not compare the checksums of the pixels
            image = Pillow.open(io.BytesIO(content), formats=("PNG",))
    with image:
        header = _header(path, image)
        with worded(path, DamagedError):
            if image.format == "PNG" and _PNG_END not in content:
                raise DamagedError(f"it is truncated: {len(content)} bytes, and no end")
            if image.format == "TIFF":
                demand_whole_tiff(_tags(path, image), len(content))
            if image.format == "WEBP":
                demand_filled_webp(content)
        with worded(path, *DECODER_ERRORS):
            before = _orientation(image.getexif()) if image.format == "TIFF" else UPRIGHT
            image.load()
            left = _orientation(image.getexif())  # a TIFF is turned already, and has none left
        tag = before if image.format == "TIFF" else left
        if image.format in ("JPEG", "MPO"):
            _demand_whole_jpeg(path, image, content)
        if header.bit_depth == 16 and image.format == "PNG":
            pixels = _deep_png(path, content, image, header, alpha)
        elif header.bit_depth == 16 and header.channels == 3:
            pixels = _deep_tiff(path, content, image, alpha)
        else:
            pixels = _planes(path, image, alpha)
    if orientation == "apply":
        pixels = upright(pixels, left)
    elif left != tag:
        pixels = as_stored(pixels, tag)
    return Image(pixels.contiguous(), header.bit_depth, tag)


def _tags(path: Path, image: Pillow.Image) -> Mapping[int, tuple[int, ...]]:
    """Those of a TIFF that decide here, which are numbers, one or several; Pillow decodes each when
    it is asked for.
    """
    with worded(path, *DECODER_ERRORS):
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
    """Raise if the header is unsupported. The size is the stored one; ``image`` is not loaded."""
    with worded(path, *DECODER_ERRORS):
        mode, frames = image.mode, getattr(image, "n_frames", 1)  # looks through the file
    if frames > 1 and image.format != "MPO":  # the second picture of a camera's JPEG is a preview
        raise ImageError(
            path, f"holds {frames} frames or pages; save the one to compare as a separate file"
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
                "is a TIFF of signed or mixed numbers, whose range the file does not state; save "
                "it as PNG, or as .npy of float32",
            )
        gray = mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == (1,)
        if max(bits) > 8 and not (bits == {16} and (gray or _is_deep_color(image))):
            raise ImageError(
                path,
                f"is a TIFF of {max(bits)} bit, laid out in a way that Pillow reads in part (one "
                "plane after the other, or alpha multiplied in); save it as 16-bit PNG",
            )
        if tags.get(_COMPRESSION, (1,))[0] not in LOSSLESS_TIFF:
            raise ImageError(
                path,
                "is a TIFF with JPEG or fax compression, whose decoders do not report missing "
                "data; save it as PNG",
            )
        depth = 16 if bits == {16} else 8
        width, height = tags[_WIDTH][0], tags[_LENGTH][0]  # Pillow's own are turned already
    if any(tile[0] == "bmp_rle" for tile in getattr(image, "tile", ())):
        raise ImageError(
            path,
            "is a run-length coded BMP, whose decoders do not report missing data; save it as PNG",
        )
    if mode not in _CHANNELS or (depth == 8 and mode.startswith("I")):
        raise ImageError(
            path, f"has pixels of kind {mode!r}; convert it to gray or RGB of 8 or 16 bit"
        )
    return Header(height, width, _CHANNELS[mode], depth)


def _metadata_follow_pixels(png: IO[bytes]) -> bool:
    """Whether EXIF data or text follow the pixels, found without reading the pixels."""
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
    with worded(path, DamagedError):
        padded = padded_jpeg(content)
    with (
        worded(path, *DECODER_ERRORS),
        Pillow.open(io.BytesIO(padded), formats=("JPEG",)) as other,
    ):
        if other.tobytes() != image.tobytes():
            raise DamagedError("its data end before the last pixel")


def _deep_png(
    path: Path, content: bytes, image: Pillow.Image, header: Header, alpha: Alpha
) -> Tensor:
    """16 bit per channel. Pillow keeps the upper byte of colours alone; asked for the other byte
    order, it keeps the lower one.
    """
    if header.channels == 3:
        with (
            worded(path, *DECODER_ERRORS),
            Pillow.open(io.BytesIO(content), formats=("PNG",)) as lower,
        ):
            lower.tile = [lower.tile[0]._replace(args=f"{lower.mode};16L")]
            pixels = _channels(image).int() * 256 + _channels(lower)
    elif image.mode in ("LA", "RGBA"):  # gray with alpha: in the file the same as RGBA of 8 bit
        at = content.index(b"IHDR")
        head = content[at : at + 12] + b"\x08\x06" + content[at + 14 : at + 17]
        rgba = content[:at] + head + zlib.crc32(head).to_bytes(4, "big") + content[at + 21 :]
        with (
            worded(path, *DECODER_ERRORS),
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


def _is_deep_color(image: Pillow.Image) -> bool:
    """Whether the tiles of a TIFF hold pixels of 16 bit per channel, RGB or RGBA."""
    tiles = image.tile  # type: ignore[attr-defined]  # only files have them
    return bool(tiles) and all(_raw_mode(tile.args) in _DEEP_COLORS for tile in tiles)


def _raw_mode(arguments: object) -> str:
    """The raw mode by which a tile is unpacked."""
    return str(arguments[0]) if isinstance(arguments, tuple) and arguments else ""


def _swapped(arguments: object) -> tuple[object, ...]:
    """The same of a 16-bit colour with its bytes the other way round."""
    rest = arguments[1:] if isinstance(arguments, tuple) else ()
    return (_DEEP_COLORS[_raw_mode(arguments)], *rest)


def _deep_tiff(path: Path, content: bytes, image: Pillow.Image, alpha: Alpha) -> Tensor:
    """RGB or RGBA of 16 bit per channel, in two halves as :func:`_deep_png`."""
    with (
        worded(path, *DECODER_ERRORS),
        Pillow.open(io.BytesIO(content), formats=("TIFF",)) as lower,
    ):
        lower.tile = [tile._replace(args=_swapped(tile.args)) for tile in lower.tile]
        pixels = _channels(image).int() * 256 + _channels(lower)
    if len(pixels) == 4:
        return _without_alpha(path, pixels[:-1], bool((pixels[-1] == 65535).all()), alpha)
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
        with worded(path, *DECODER_ERRORS):
            pixels = _channels(image.convert("LA" if mode in ("1", "L", "LA", "La") else "RGBA"))
        return _without_alpha(path, pixels[:-1], bool((pixels[-1] == 255).all()), alpha)
    with worded(path, *DECODER_ERRORS):
        return _channels(
            image if mode in ("L", "RGB") else image.convert("L" if mode == "1" else "RGB")
        )


def _channels(image: Pillow.Image) -> Tensor:
    pixels = torch.from_numpy(np.array(image))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def _without_alpha(path: Path, pixels: Tensor, opaque: bool, alpha: Alpha) -> Tensor:
    if not opaque and alpha == "error":
        way_out = (
            "flatten it onto a background, or compare the colours alone: alpha='drop', on the "
            "command line --alpha drop"
        )
        raise ImageError(path, f"has transparent pixels; {way_out}")
    return pixels


def _orientation(exif: Pillow.Exif) -> int:
    """The orientation tag, 1 (upright) to 8."""
    value = exif.get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
