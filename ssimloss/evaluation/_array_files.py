"""Arrays of NumPy (``.npy``, without pickle) and TIFF of floating-point numbers through tifffile,
whole or not at all.
"""

import math
import tokenize
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.lib import format as npy

from ssimloss.evaluation._image_errors import DECODER_ERRORS, ImageError, worded
from ssimloss.evaluation._image_kinds import FLOAT, Header
from ssimloss.evaluation._orientations import UPRIGHT
from ssimloss.evaluation._structure import (
    LOSSLESS_TIFF,
    TIFF_LAYOUT,
    DamagedError,
    demand_whole_tiff,
)

NPY = npy.MAGIC_PREFIX

_DEPTHS = {("u", 1): 8, ("u", 2): 16, ("f", 4): FLOAT}
_STORED = {1: np.uint8, 2: np.int32, 4: np.float32}  # by bytes of a value
_NPY_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_COMPRESSION, _ORIENTATION = 259, 274  # tags of TIFF
_GRAY, _RGB = 1, 2  # values of its tag for the kind of colour


def npy_header(path: Path, file: IO[bytes]) -> Header:
    """The header of an array; leaves ``file`` at the first value."""
    shape, _, dtype = _npy(path, file)
    return _header(path, shape, dtype)


def npy_pixels(path: Path, file: IO[bytes], size: int) -> torch.Tensor:
    """The pixels of an array ``(C, H, W)``; ``size`` is that of the file, in bytes."""
    shape, fortran, dtype = _npy(path, file)
    _header(path, shape, dtype)
    start, needed = file.tell(), math.prod(shape) * dtype.itemsize
    with worded(path, DamagedError):
        if size != start + needed:
            raise DamagedError(f"its header says {start + needed} bytes, and the file has {size}")
    values = np.frombuffer(file.read(), dtype).reshape(shape, order="F" if fortran else "C")
    return _channels_first(values if values.ndim == 2 else values.transpose(2, 0, 1))


def _npy(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """The shape, whether columns are stored first, and the type of the values."""
    # NumPy parses the header as Python does.
    with worded(path, *DECODER_ERRORS, tokenize.TokenError):
        version = npy.read_magic(file)
        read = _NPY_HEADERS.get(version)
        if read is None:  # such as that of records with names
            raise DamagedError(f"it is an array file of version {version}, and not of an image")
        return read(file)


def float_tiff_header(path: Path, file: IO[bytes]) -> Header:
    """The header of a TIFF of floating-point numbers; the size is the stored one."""
    return _float_tiff(path, file, decode=False)[0]


def float_tiff_pixels(path: Path, file: IO[bytes], size: int) -> tuple[torch.Tensor, int]:
    """Pixels ``(C, H, W)`` as stored, and the orientation tag; ``size`` of the file is in bytes."""
    header, values = _float_tiff(path, file, decode=True, size=size)
    return _channels_first(values), header.orientation


def _float_tiff(
    path: Path, file: IO[bytes], *, decode: bool, size: int = 0
) -> tuple[Header, np.ndarray]:
    try:
        from tifffile import TiffFile
    except ModuleNotFoundError as error:
        raise ImageError(
            path,
            "is a TIFF of floating-point numbers, which needs tifffile: pip install "
            "'ssimloss[cli]'",
        ) from error
    with worded(path, *DECODER_ERRORS), TiffFile(file) as tiff:
        number, page = len(tiff.pages), tiff.pages.first
        tags = {int(tag.code): _numbers(tag.value) for tag in page.tags}
        shape, planar = tuple(map(int, page.shape)), page.axes == "SYX"
        dtype, photometric = page.dtype, int(page.photometric)
        compression = int(page.compression)
        if decode:
            demand_whole_tiff({tag: tags[tag] for tag in TIFF_LAYOUT if tag in tags}, size)
        values = page.asarray() if decode else np.empty(0, np.float32)
    if number > 1:
        raise ImageError(
            path, f"holds {number} frames or pages; save the one to compare as a separate file"
        )
    if photometric not in (_GRAY, _RGB) or dtype is None:
        raise ImageError(path, "is a TIFF that is neither gray nor RGB; convert it to one of them")
    if compression not in LOSSLESS_TIFF:
        raise ImageError(
            path, "is a TIFF whose compression is not known to be lossless; save it uncompressed"
        )
    if planar:
        shape, values = (*shape[1:], shape[0]), values
    elif values.ndim == 3:
        values = values.transpose(2, 0, 1)
    header = _header(path, shape, dtype)
    (tag,) = tags.get(_ORIENTATION, (UPRIGHT,))
    return (
        Header(
            header.height,
            header.width,
            header.channels,
            header.bit_depth,
            tag if 1 <= tag <= 8 else UPRIGHT,
        ),
        values,
    )


def _numbers(value: object) -> tuple[int, ...]:
    """The values of a tag of numbers; empty for text and fractions."""
    values = value if isinstance(value, tuple) else (value,)
    return tuple(map(int, values)) if all(isinstance(one, int) for one in values) else ()


def _header(path: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Header:
    depth = _DEPTHS.get((dtype.kind, dtype.itemsize))
    if depth is None:
        raise ImageError(
            path,
            f"holds values of type {dtype.name}; save it as uint8, uint16 or float32, such as by "
            "numpy.save(path, array.astype(numpy.float32))",
        )
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) != 3 or shape[2] not in (1, 3) or min(shape) < 1:
        raise ImageError(
            path,
            f"has shape {shape}; a gray image is (height, width), a colour image "
            "(height, width, 3)",
        )
    return Header(shape[0], shape[1], shape[2], depth)


def _channels_first(values: np.ndarray) -> torch.Tensor:
    """``(H, W)`` or ``(C, H, W)`` of any byte order, copied to uint8, int32 or float32."""
    planes = values[None] if values.ndim == 2 else values
    return torch.from_numpy(np.array(planes, _STORED[values.dtype.itemsize], order="C"))
