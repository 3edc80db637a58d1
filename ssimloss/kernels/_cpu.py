"""The native CPU library: found, loaded and called.

It is one shared library with a C interface (``native/library.cpp``), built when the package is
installed where there is a compiler, and carried by wheels. It knows nothing of Python or PyTorch
and is called with the GIL released.
"""

import ctypes
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

LIBRARY = Path(__file__).with_name("libssimloss.so")
DTYPES = {torch.float32: 0, torch.float64: 1, torch.float16: 2, torch.bfloat16: 3}
MAX_TAPS = 33
MAX_SCALES = 16
INTERFACE = 4  # ssimloss_interface() of the library that goes with this file
_OTHER_VERSION = (
    "the native library is of another version of ssimloss; run pip install --force-reinstall "
    "--no-deps ssimloss"
)
_BORDERS = {"valid": 0, "reflect": 1, "replicate": 2, "zeros": 3}
_PARTS = {"ssim": 0, "contrast_structure": 1}
_PIXELS = {"none": 0, "l1": 1, "l2": 2, "charbonnier": 3}
_OUTSIDE = {"none": 0, "zeros": 1, "edge": 2}
_COMBINATIONS = {"product": 0, "weighted_sum": 1}
_NEGATIVES = {"clamp": 0, "relu": 1, "shift": 2}


class _Image(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("stride", ctypes.c_int64 * 4),
        ("dtype", ctypes.c_int32),
    ]


class _Halving(ctypes.Structure):
    _fields_ = [
        ("fine_h", ctypes.c_int64),
        ("fine_w", ctypes.c_int64),
        ("before_h", ctypes.c_int32),
        ("before_w", ctypes.c_int32),
        ("outside", ctypes.c_int32),
    ]


class _Pair(ctypes.Structure):
    _fields_ = [
        ("shape", ctypes.c_int64 * 4),
        ("x", _Image),
        ("y", _Image),
        ("low", ctypes.c_double),
        ("c1", ctypes.c_double),
        ("c2", ctypes.c_double),
        ("window", ctypes.POINTER(ctypes.c_double)),
        ("taps", ctypes.c_int32),
        ("part", ctypes.c_int32),
        ("border", ctypes.c_int32),
        ("threads", ctypes.c_int32),
    ]


class _MeansCall(ctypes.Structure):
    _fields_ = [
        ("pair", _Pair),
        ("pixel", ctypes.c_int32),
        ("eps", ctypes.c_double),
        ("similarity_weight", ctypes.c_double),
        ("pixel_weight", ctypes.c_double),
        ("slope", ctypes.c_double),
        ("grad_x", _Image),
        ("grad_y", _Image),
        ("means", ctypes.c_void_p),
    ]


class _MapCall(ctypes.Structure):
    _fields_ = [
        ("pair", _Pair),
        ("map", _Image),
        ("upstream", _Image),
        ("grad_x", _Image),
        ("grad_y", _Image),
    ]


class _PyramidCall(ctypes.Structure):
    _fields_ = [
        ("pair", _Pair),
        ("scales", ctypes.c_int32),
        ("joint", ctypes.c_int32),
        ("combination", ctypes.c_int32),
        ("negative", ctypes.c_int32),
        ("halvings", ctypes.POINTER(_Halving)),
        ("sizes", ctypes.POINTER(ctypes.c_int64)),
        ("weights", ctypes.POINTER(ctypes.c_double)),
        ("scores", ctypes.c_void_p),
        ("grad_x", _Image),
        ("grad_y", _Image),
    ]


class _PixelCall(ctypes.Structure):
    _fields_ = [
        ("shape", ctypes.c_int64 * 4),
        ("x", _Image),
        ("y", _Image),
        ("pixel", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("eps", ctypes.c_double),
        ("grad", _Image),
        ("means", ctypes.c_void_p),
    ]


_STRUCTURES = (_Image, _Halving, _Pair, _MeansCall, _MapCall, _PyramidCall, _PixelCall)


def _load() -> tuple[ctypes.CDLL | None, str | None]:
    """The library, or why there is none."""
    if not LIBRARY.exists():
        return None, (
            f"the native library {LIBRARY.name} was not built when ssimloss was installed, which "
            "takes GCC or Clang (on Debian and Ubuntu: apt install g++); install a compiler and "
            "run pip install --force-reinstall --no-deps ssimloss, or install a wheel"
        )
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        return (
            None,
            f"the native library cannot be loaded: {error}; run pip install --force-reinstall "
            "--no-deps ssimloss",
        )
    try:
        library.ssimloss_size_of.restype = ctypes.c_int64
        sizes = [library.ssimloss_size_of(index) for index in range(len(_STRUCTURES) + 1)]
        if library.ssimloss_interface() != INTERFACE or sizes != [
            *map(ctypes.sizeof, _STRUCTURES),
            0,
        ]:
            return None, _OTHER_VERSION
        library.ssimloss_instructions.restype = ctypes.c_char_p
        library.ssimloss_threads.restype = ctypes.c_char_p
        library.ssimloss_scratch_bytes.restype = ctypes.c_int64
        library.ssimloss_scratch_bytes.argtypes = [ctypes.c_int32, ctypes.c_bool]
        library.ssimloss_use_instructions.restype = ctypes.c_bool
        library.ssimloss_use_instructions.argtypes = [ctypes.c_char_p]
    except AttributeError:  # a function that it does not have
        return None, _OTHER_VERSION
    return library, None


# When this is imported, not when it is first needed: torch.compile could not follow the search.
_LIBRARY, _REASON = _load()


def why_not() -> str | None:
    """Why the library does not run on this machine, ``None`` if it does."""
    return _REASON


def describe() -> str:
    """Which instructions and threads the library uses."""
    library = _library()
    return (
        f"{library.ssimloss_instructions().decode()} instructions, "
        f"{library.ssimloss_threads().decode()}"
    )


def scratch_bytes(taps: int = 11, dtype: torch.dtype = torch.float32) -> int:
    """Working memory that the library keeps for each thread once it has compared with a window of
    ``taps``.
    """
    size: int = _library().ssimloss_scratch_bytes(taps, dtype is torch.float64)
    return size


def use_instructions(name: str) -> None:
    """Use the instruction set ``"avx512"``, ``"avx2"`` or ``"baseline"`` from now on, ``""`` for
    the best; for tests and benchmarks.
    """
    if not _library().ssimloss_use_instructions(name.encode()):
        raise ValueError(
            f"this processor or this build has no instruction set {name!r}; use 'baseline', or '' "
            "for the best there is"
        )


# Of a comparison, everywhere below: window, c1, c2, low, part, padding.
Options = Sequence[Any]


def similarity_means(
    x: Tensor,
    y: Tensor,
    options: Options,
    mixed: Sequence[Any],
    grad_x: Tensor | None,
    grad_y: Tensor | None,
    means: Tensor,
    slope: float = 1.0,
) -> None:
    """Fill ``means`` ``(N, C)`` and the gradients that are given, times ``slope``.

    ``mixed``: pixel, eps, similarity_weight, pixel_weight.
    """
    if grad_x is None and grad_y is not None:  # the library's first image is the one that asks
        x, y, grad_x, grad_y = y, x, grad_y, None
    pixel, eps, similarity_weight, pixel_weight = mixed
    call = _MeansCall(
        pair=_pair(x, y, options),
        pixel=_PIXELS[pixel],
        eps=eps,
        similarity_weight=similarity_weight,
        pixel_weight=pixel_weight,
        slope=slope,
        grad_x=_image(grad_x),
        grad_y=_image(grad_y),
        means=means.data_ptr(),
    )
    _check(_library().ssimloss_similarity_means(ctypes.byref(call)))


def similarity_map(x: Tensor, y: Tensor, options: Options, similarities: Tensor) -> None:
    """Fill ``similarities`` ``(N, C, H', W')``, contiguous."""
    call = _MapCall(pair=_pair(x, y, options), map=_image(similarities))
    _check(_library().ssimloss_similarity_map(ctypes.byref(call)))


def similarity_map_backward(
    upstream: Tensor,
    x: Tensor,
    y: Tensor,
    options: Options,
    grad_x: Tensor | None,
    grad_y: Tensor | None,
) -> None:
    """Fill the gradients that are given."""
    if grad_x is None:
        x, y, grad_x, grad_y = y, x, grad_y, None
    call = _MapCall(
        pair=_pair(x, y, options),
        upstream=_image(upstream),
        grad_x=_image(grad_x),
        grad_y=_image(grad_y),
    )
    _check(_library().ssimloss_similarity_map(ctypes.byref(call)))


@dataclass(frozen=True)
class Pyramid:
    """Sizes of the scales, and how each is halved to the next."""

    sizes: tuple[tuple[int, int], ...]
    before: tuple[
        tuple[int, int], ...
    ]  # rows and columns that the blocks of a halving begin before the image
    outside: str  # what a block finds beyond the image: "none" (never reached), "zeros" or "edge"


def pyramid(
    x: Tensor,
    y: Tensor,
    options: Options,
    shapes: Pyramid,
    combined: Sequence[Any],
    grad_x: Tensor | None,
    grad_y: Tensor | None,
    scores: Tensor,
) -> None:
    """Fill ``scores`` ``(N, C)``, or ``(N, 1)``, and the gradients that are given.

    ``combined``: weights, combination, negative, channels.
    """
    if grad_x is None and grad_y is not None:
        x, y, grad_x, grad_y = y, x, grad_y, None
    weights, combination, negative, channels = combined
    call = _PyramidCall(
        pair=_pair(x, y, options),
        scales=len(shapes.sizes),
        joint=channels == "joint",
        combination=_COMBINATIONS[combination],
        negative=_NEGATIVES[negative],
        halvings=_halvings(shapes),
        sizes=_sizes(shapes),
        weights=_doubles(tuple(weights)),
        scores=scores.data_ptr(),
        grad_x=_image(grad_x),
        grad_y=_image(grad_y),
    )
    _check(_library().ssimloss_pyramid(ctypes.byref(call)))


def pixel_means(
    x: Tensor, y: Tensor, kind: str, eps: float, grad: Tensor | None, means: Tensor
) -> None:
    """Fill ``means`` ``(N,)`` and the gradient to ``x``, if given."""
    call = _PixelCall(
        shape=tuple(x.shape),
        x=_image(x),
        y=_image(y),
        pixel=_PIXELS[kind],
        threads=torch.get_num_threads(),
        eps=eps,
        grad=_image(grad),
        means=means.data_ptr(),
    )
    _check(_library().ssimloss_pixel_means(ctypes.byref(call)))


def _library() -> ctypes.CDLL:
    if _LIBRARY is None:
        raise RuntimeError(_REASON)
    return _LIBRARY


def _check(status: int) -> None:
    if status != 0:
        raise MemoryError("the native library of ssimloss could not allocate its working memory")


def _image(tensor: Tensor | None) -> _Image:
    if tensor is None:
        return _Image()
    return _Image(tensor.data_ptr(), tensor.stride(), DTYPES[tensor.dtype])


@functools.lru_cache(maxsize=64)
def _doubles(values: tuple[float, ...]) -> "ctypes.Array[ctypes.c_double]":
    return (ctypes.c_double * len(values))(*values)


@functools.lru_cache(maxsize=64)
def _sizes(shapes: Pyramid) -> "ctypes.Array[ctypes.c_int64]":
    return (ctypes.c_int64 * (2 * len(shapes.sizes)))(
        *(length for size in shapes.sizes for length in size)
    )


@functools.lru_cache(maxsize=64)
def _halvings(shapes: Pyramid) -> "ctypes.Array[_Halving]":
    outside = _OUTSIDE[shapes.outside]
    return (_Halving * len(shapes.before))(
        *(
            _Halving(*fine, *before, outside)
            for fine, before in zip(shapes.sizes[:-1], shapes.before, strict=True)
        )
    )


def _pair(x: Tensor, y: Tensor, options: Options) -> _Pair:
    window, c1, c2, low, part, padding = options
    return _Pair(
        tuple(x.shape),
        _image(x),
        _image(y),
        low,
        c1,
        c2,
        _doubles(tuple(window)),
        len(window),
        _PARTS[part],
        _BORDERS[padding],
        torch.get_num_threads(),
    )
