"""Image files to tensors, decoded completely or refused: PNG, JPEG, TIFF, WebP, BMP and arrays of
NumPy, of 8 and 16 bit, and of floating point if the data range is given.

Nothing is converted silently: formats without a single meaning as a gray or RGB image (CMYK,
transparency, several frames, OpenEXR) raise an error that names the format and a fix. Colour
profiles and gamma are not applied; values are compared as they are stored.
"""

import io
import stat
from dataclasses import replace
from pathlib import Path
from typing import IO, Literal, get_args

from ssimloss import _checks
from ssimloss.evaluation._array_files import (
    NPY,
    float_tiff_header,
    float_tiff_pixels,
    npy_header,
    npy_pixels,
)
from ssimloss.evaluation._image_errors import ImageError, worded
from ssimloss.evaluation._image_kinds import FLOAT, Alpha, Header, Image
from ssimloss.evaluation._orientations import (
    ORIENTATIONS,
    UPRIGHT,
    Orientation,
    turned_size,
    upright,
)
from ssimloss.evaluation._pillow_files import pillow_header, pillow_image
from ssimloss.evaluation._structure import is_float_tiff, strict_pillow

__all__ = [
    "ARRAY_SUFFIXES",
    "SUFFIXES",
    "Alpha",
    "Header",
    "Image",
    "ImageError",
    "Orientation",
    "inspect",
    "read",
]

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".webp", ".bmp")
# Taken where there is no picture: such files also lie beside pictures, as caches.
ARRAY_SUFFIXES = (".npy", ".exr")

_EXR = b"\x76\x2f\x31\x01"


def inspect(
    path: str | Path, *, orientation: Orientation = "apply", data_range: float | None = None
) -> Header:
    """Read only the header: size and kind, without decoding.

    Args:
        path: as for :func:`read`.
        orientation: ``"apply"`` returns the size after the orientation tag is applied,
            ``"ignore"`` that of the stored pixels.
        data_range: as for :func:`read`.

    Raises:
        ImageError: there is no such file, it is no image, or of a kind that :func:`read` refuses.
            Damage behind the header is not seen.
        OSError: the system cannot read files: it has too many open, no memory, or a disk that
            fails.
    """
    _check(orientation, data_range)
    path = Path(path).expanduser()
    _demand_file(path)
    with strict_pillow, worded(path, OSError), path.open("rb") as file:
        kind = _kind(path, file)
        if kind == "npy":
            header = npy_header(path, file)
        elif kind == "float_tiff":
            header = float_tiff_header(path, file)
        else:
            header = pillow_header(path, file)
    _demand_range(path, header, data_range)
    tag = header.orientation
    height, width = turned_size(header.size, tag) if orientation == "apply" else header.size
    return replace(header, height=height, width=width)


def read(
    path: str | Path,
    *,
    alpha: Alpha = "error",
    orientation: Orientation = "apply",
    data_range: float | None = None,
) -> Image:
    """Decode a file completely.

    A palette becomes RGB, and an opaque alpha channel is left out.

    Args:
        path: a PNG, JPEG, TIFF, WebP, BMP or ``.npy`` file, whatever its name ends in. Arrays are
            ``(H, W)`` or ``(H, W, 3)`` of uint8, uint16 or float32, and are read without pickle.
        alpha: for an alpha channel that is not opaque: ``"error"`` refuses the file, ``"drop"``
            returns the colours as they are stored.
        orientation: what to do with an orientation tag of EXIF, or of XMP where EXIF has none:
            ``"apply"`` turns the image upright, ``"ignore"`` returns the pixels as stored.
        data_range: of floating-point files, the value of white, such as 1.0; no file states it.
            Integers have 255 or 65535, by their bit depth.

    Returns:
        ``pixels`` ``(C, H, W)``: gray has one channel, colour three; uint8, int32 in 0..65535 for
        16 bit, or float32 as stored.

    Raises:
        ImageError: the file is missing, damaged, truncated, or of a kind that has no single meaning
            as gray or RGB; floating-point values without ``data_range``, or not finite.
        OSError: the system cannot read files: it has too many open, no memory, or a disk that
            fails.
    """
    _checks.choice("alpha", alpha, get_args(Alpha))
    _check(orientation, data_range)
    path = Path(path).expanduser()
    _demand_file(path)
    with worded(path, OSError):
        content = path.read_bytes()
    with strict_pillow:
        file = io.BytesIO(content)
        kind = _kind(path, file)
        if kind == "pillow":
            return pillow_image(path, content, alpha, orientation)
        tag = UPRIGHT
        if kind == "npy":
            header = npy_header(path, file)
            _demand_range(path, header, data_range)
            file.seek(0)
            pixels = npy_pixels(path, file, len(content))
        else:
            header = float_tiff_header(path, file)
            _demand_range(path, header, data_range)
            file.seek(0)
            pixels, tag = float_tiff_pixels(path, file, len(content))
    if header.bit_depth == FLOAT and not bool(pixels.isfinite().all()):
        raise ImageError(
            path, "holds values that are NaN or infinite; replace them before comparing"
        )
    if orientation == "apply":
        pixels = upright(pixels, tag).contiguous()
    return Image(pixels, header.bit_depth, tag, data_range if header.bit_depth == FLOAT else None)


def _check(orientation: str, data_range: float | None) -> None:
    _checks.choice("orientation", orientation, ORIENTATIONS)
    if data_range is not None:
        _checks.positive("data_range", data_range)


def _kind(path: Path, file: IO[bytes]) -> Literal["npy", "float_tiff", "pillow"]:
    """The reader of the file, by its first bytes; ``file`` stays at its beginning."""
    head = file.read(max(len(NPY), len(_EXR)))
    file.seek(0)
    if head.startswith(_EXR):
        raise ImageError(
            path,
            "is an OpenEXR file, which is not read; save its gray or RGB channels as a .npy of "
            "float32, and pass the value of white: data_range=1.0, on the command line "
            "--data-range 1.0",
        )
    if head.startswith(NPY):
        return "npy"
    is_float = is_float_tiff(file)
    file.seek(0)
    return "float_tiff" if is_float else "pillow"


def _demand_range(path: Path, header: Header, data_range: float | None) -> None:
    if header.bit_depth == FLOAT and data_range is None:
        raise ImageError(
            path,
            "holds floating-point numbers, whose range no file states; pass the value of white: "
            "data_range=1.0, on the command line --data-range 1.0",
        )


def _demand_file(path: Path) -> None:
    """Refuse pipes, sockets and devices, which may never end."""
    with worded(path, OSError):
        mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a folder raises
        raise ImageError(
            path, "is not a regular file but a pipe, socket or device; copy its content to a file"
        )
