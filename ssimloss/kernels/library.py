"""The native CPU library: found, loaded and called.

It is one shared library with a C interface (``native/library.cpp``). Wheels contain it; installing
from source builds it if there is a compiler. It does not depend on Python or PyTorch, and calls
release the GIL.

Each call takes the address of one structure. ``struct`` packs it in a single step, in a sixth of
the time of ``ctypes.Structure``.
"""

import ctypes
import functools
import struct
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ssimloss.kernels.comparison import Comparison

LIBRARY = Path(__file__).with_name("libssimloss.so")
DTYPES = {torch.float32: 0, torch.float64: 1, torch.float16: 2, torch.bfloat16: 3}
_CODES = {**DTYPES, torch.uint8: 4}  # dtypes that it can read
MAX_TAPS = 33
MAX_SCALES = 16
PIXELS = {"none": 0, "l1": 1, "l2": 2, "charbonnier": 3, "huber": 4}

INTERFACE = 15  # ssimloss_interface() of the library that fits this file
# The structures of native/library.cpp, in the order of ssimloss_size_of(). "4x" is the padding at
# the end of a nested structure; ``struct`` adds the other padding like the compiler.
IMAGE = "P4qi4x"  # data, strides, dtype
HALVING = "2q3i4x"  # fine_h, fine_w, before_h, before_w, outside
PAIR = f"4q{IMAGE}{IMAGE}3dP4i"  # shape, x, y, low, c1, c2, window, taps, part, border, threads
MEANS_CALL = f"{PAIR}i4d{IMAGE}{IMAGE}P"  # pixel, eps, 2 weights, slope, grad_x, grad_y, means
MAP_CALL = f"{PAIR}{IMAGE}{IMAGE}{IMAGE}{IMAGE}"  # map, upstream, grad_x, grad_y
# scales, joint, combination, negative, halvings, sizes, weights, scores, grad_x, grad_y
PYRAMID_CALL = f"{PAIR}4i4P{IMAGE}{IMAGE}"
# shape, x, y, pixel, threads, eps, low, high, clipped, slope, grad, means
PIXEL_CALL = f"4q{IMAGE}{IMAGE}2i3did{IMAGE}P"
# limit, numbers, sums, upstream, grad_x, grad_y
SCALES_CALL = f"{PAIR}d3P{IMAGE}{IMAGE}"
# shape, x, y, crop, low, span, clamp, quantize, round, to_double, threads, weights, out
PREPARATION_CALL = f"4q{IMAGE}{IMAGE}q2d5i2P"
# mask, measured, scales, lengths, weight, distance_weight, slope, grad_x, grad_y, sums
MOMENTS_CALL = f"{PAIR}{IMAGE}2iP3d{IMAGE}{IMAGE}P"
# shape, x, y, filter, border, curve, differs, pooling, threads, unit, 2 numbers, 2 weights, slope,
# grad_x, grad_y, pooled
EDGE_CALL = f"4q{IMAGE}{IMAGE}6i6d{IMAGE}{IMAGE}P"
# shape, image, blocks, rows, factor, before, 2 sizes, weights, low, repeated, transposed, threads
BLOCKS_CALL = f"4q{IMAGE}{IMAGE}5qPd3i4x"
# shape, x, y, power, threads, slope, grad_x, grad_y, means
SORTED_CALL = f"4q{IMAGE}{IMAGE}2id{IMAGE}{IMAGE}P"
# shape, image, flow, threads, upstream, out, grad_image, grad_flow
WARP_CALL = f"4q{IMAGE}{IMAGE}i4x{IMAGE}{IMAGE}{IMAGE}{IMAGE}"
# shape, x, y, scales, threads, low, unit, weights, slope, grad_x, grad_y, found, room, elements
VISIBLE_CALL = f"4q{IMAGE}{IMAGE}2i2dPd{IMAGE}{IMAGE}2Pq"
# shape, x, y, c, alpha, least, slope, grad_x, grad_y, means, threads
HAAR_CALL = f"4q{IMAGE}{IMAGE}4d{IMAGE}{IMAGE}Pq"
# shape, image, filters, factors, epsilon, tiny, least, congruency, amplitude, above, noise,
# upstream, gradient, lower_median, is_double, threads
PHASE_CALL = "3q3P3d6P3i4x"
# shape, x, y, low, unit, 3 tolerances, slope, grad_x, grad_y, means, threads
COLOR_CALL = f"4q{IMAGE}{IMAGE}6d{IMAGE}{IMAGE}Pq"
# shape, x, y, low, unit, sensitivity, detection, taps, slope, grad_x, grad_y, means, threads
FLIP_CALL = f"4q{IMAGE}{IMAGE}2d2Pqd{IMAGE}{IMAGE}Pq"
# shape, x, y, sensitivity, masking, weights, slope, grad_x, grad_y, means, threads
HVS_CALL = f"4q{IMAGE}{IMAGE}3Pd{IMAGE}{IMAGE}Pq"
# shape, x, y, alpha, 3 constants, slope, grad_x, grad_y, means, roots, threads
DEVIATION_CALL = f"4q{IMAGE}{IMAGE}5d{IMAGE}{IMAGE}2Pq"
# shape, x, y, parent, factor, variances, upstream, out, noise, flat, least, is_double, threads
MIXTURE_CALL = "3q7P3d2i"
# shape, x, y, weights, window, channel weights, low, span, c_mean, c_detail, still, worst, slope,
# grad_x, grad_y, errors, room, elements, threads
SUBBAND_CALL = f"4q{IMAGE}{IMAGE}3P5dqd{IMAGE}{IMAGE}2P2q"
LAYOUTS = (
    IMAGE,
    HALVING,
    PAIR,
    MEANS_CALL,
    MAP_CALL,
    PYRAMID_CALL,
    PIXEL_CALL,
    SCALES_CALL,
    PREPARATION_CALL,
    MOMENTS_CALL,
    EDGE_CALL,
    BLOCKS_CALL,
    SORTED_CALL,
    WARP_CALL,
    VISIBLE_CALL,
    HAAR_CALL,
    PHASE_CALL,
    COLOR_CALL,
    FLIP_CALL,
    HVS_CALL,
    DEVIATION_CALL,
    MIXTURE_CALL,
    SUBBAND_CALL,
)
# Functions that take one of these calls and return 0, or 1 if memory could not be allocated.
FUNCTIONS = (
    "ssimloss_similarity_means",
    "ssimloss_similarity_map",
    "ssimloss_pyramid",
    "ssimloss_pixel_means",
    "ssimloss_information",
    "ssimloss_detail",
    "ssimloss_change",
    "ssimloss_prepare",
    "ssimloss_squared_errors",
    "ssimloss_moments",
    "ssimloss_edge_means",
    "ssimloss_block_means",
    "ssimloss_sorted_means",
    "ssimloss_warp",
    "ssimloss_visible_errors",
    "ssimloss_haar_means",
    "ssimloss_phase_congruency",
    "ssimloss_color_means",
    "ssimloss_flip_means",
    "ssimloss_hvs_errors",
    "ssimloss_subband_errors",
    "ssimloss_similarity_deviation",
    "ssimloss_neighbour_products",
    "ssimloss_information_map",
)
NO_IMAGE = (0,) * 6

BORDERS = {"valid": 0, "reflect": 1, "replicate": 2, "zeros": 3}
_PARTS = {"ssim": 0, "contrast_structure": 1}
_OTHER_VERSION = (
    "the native library belongs to another version of ssimloss; run pip install --force-reinstall "
    "--no-deps ssimloss"
)


def load(path: Path) -> tuple[ctypes.CDLL | None, str | None]:
    """The library, or the reason why there is none."""
    if not path.exists():
        return None, _absent(path)
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        return (
            None,
            f"the native library cannot be loaded: {error}; run pip install --force-reinstall "
            "--no-deps ssimloss",
        )
    try:
        library.ssimloss_size_of.restype = ctypes.c_int64
        sizes = [library.ssimloss_size_of(index) for index in range(len(LAYOUTS) + 1)]
        if library.ssimloss_interface() != INTERFACE or sizes != [
            *map(struct.calcsize, LAYOUTS),
            0,
        ]:
            return None, _OTHER_VERSION
        library.ssimloss_instructions.restype = ctypes.c_char_p
        library.ssimloss_threads.restype = ctypes.c_char_p
        library.ssimloss_scratch_bytes.restype = ctypes.c_int64
        library.ssimloss_scratch_bytes.argtypes = [ctypes.c_int32, ctypes.c_bool]
        library.ssimloss_use_instructions.restype = ctypes.c_bool
        library.ssimloss_use_instructions.argtypes = [ctypes.c_char_p]
        for name in FUNCTIONS:
            getattr(library, name).argtypes = [ctypes.c_char_p]
    except AttributeError:  # a function is missing
        return None, _OTHER_VERSION
    return library, None


def _absent(path: Path) -> str:
    """Why there is no file, and the ways out."""
    compiler = "GCC or Clang (on Debian and Ubuntu: apt install g++)"
    if path.with_name("native").is_dir():  # only a source tree has the sources of the library
        package = path.parent.parent
        return (
            f"Python imported the source tree {package}, where the native library {path.name} is "
            "not built; if ssimloss is installed elsewhere, run Python outside the folder "
            f"{package.parent}, or else run pip install -e . or python setup.py build_ext "
            f"--inplace there, which need {compiler}"
        )
    return (
        f"the native library {path.name} was not built when ssimloss was installed, because "
        f"building needs {compiler}; install a compiler and run pip install --force-reinstall "
        "--no-deps ssimloss, or install a wheel"
    )


# Loaded at import, not at the first use, because torch.compile cannot trace the search.
_library, _reason = load(LIBRARY)


def use(path: Path) -> None:
    """Use another build of the library from now on, for tests.

    Raises:
        RuntimeError: the build cannot be loaded.
    """
    global _library, _reason
    library, reason = load(path)
    if library is None:
        raise RuntimeError(reason)
    _library, _reason = library, None


def why_not() -> str | None:
    """Why the library does not run on this machine, ``None`` if it does."""
    return _reason


def why_not_for(x: Tensor, y: Tensor) -> str | None:
    """Why the library cannot compare these images, ``None`` if it can."""
    return _why_not_of(x, y, DTYPES)


def why_not_reading(x: Tensor, y: Tensor) -> str | None:
    """Why the library cannot prepare these images, ``None`` if it can."""
    if x.dtype != y.dtype:
        return f"it prepares images of one dtype, and these are {x.dtype} and {y.dtype}"
    return _why_not_of(x, y, _CODES)


def _why_not_of(x: Tensor, y: Tensor, dtypes: Collection[torch.dtype]) -> str | None:
    for image in (x, y):
        if image.dtype not in dtypes:
            return f"no kernel supports {image.dtype}"
        if not image.is_cpu:
            return f"it needs tensors on the CPU, and these are on {image.device}"
    return _reason


def describe() -> str:
    """The instruction set and number of threads of the library."""
    library = _loaded()
    return (
        f"{library.ssimloss_instructions().decode()} instructions, "
        f"{library.ssimloss_threads().decode()}"
    )


def scratch_bytes(taps: int = 11, dtype: torch.dtype = torch.float32) -> int:
    """Working memory per thread that the library keeps after a comparison with a window of
    ``taps``.
    """
    size: int = _loaded().ssimloss_scratch_bytes(taps, dtype is torch.float64)
    return size


def use_instructions(name: str) -> None:
    """Use the instruction set ``"avx512"``, ``"avx2"`` or ``"baseline"`` from now on, or the best
    one for ``""``; for tests and benchmarks.
    """
    if not _loaded().ssimloss_use_instructions(name.encode()):
        raise ValueError(
            f"this processor or this build has no instruction set {name!r}; use 'baseline', or '' "
            "for the best available one"
        )


def call(function: str, structure: bytes) -> None:
    """Call a function of ``FUNCTIONS``."""
    if getattr(_library or _loaded(), function)(structure) != 0:
        raise MemoryError("the native library of ssimloss could not allocate its working memory")


def image(tensor: Tensor | None) -> tuple[int, ...]:
    """The fields of an ``Image``; all are 0 for ``None``. The tensor must be plain memory."""
    if tensor is None:
        return NO_IMAGE
    return _address(tensor), *tensor.stride(), _CODES[tensor.dtype]


def _address(tensor: Tensor) -> int:
    """The address of the elements of a tensor that is not empty.

    Raises:
        RuntimeError: the tensor has no memory. PyTorch's own operations crash in this case.
    """
    address = tensor.data_ptr()
    if not address:
        raise RuntimeError(
            f"a tensor of shape {tuple(tensor.shape)} no longer has memory: its storage was "
            "resized to 0, as in sharded training after gathered parameters are freed; compute the "
            "loss earlier"
        )
    return address


class Constants(NamedTuple):
    """The constant part of a ``Pair``; ``window`` keeps its address valid."""

    numbers: tuple[Any, ...]
    window: "ctypes.Array[ctypes.c_double]"


@functools.lru_cache(maxsize=64)
def constants(comparison: Comparison) -> Constants:
    """The fields of a ``Pair`` from ``low`` to ``border``; keep the result until the call ends."""
    window, c1, c2, low, part, padding = comparison
    weights = doubles(window)
    address = ctypes.addressof(weights)
    return Constants((low, c1, c2, address, len(window), _PARTS[part], BORDERS[padding]), weights)


def pair(x: Tensor, y: Tensor, fixed: Constants) -> tuple[Any, ...]:
    """The fields of a ``Pair``."""
    return (
        *x.shape,
        _address(x),
        *x.stride(),
        DTYPES[x.dtype],
        _address(y),
        *y.stride(),
        DTYPES[y.dtype],
        *fixed.numbers,
        torch.get_num_threads(),
    )


def doubles(values: tuple[float, ...]) -> "ctypes.Array[ctypes.c_double]":
    """An array that the library can read."""
    return (ctypes.c_double * len(values))(*values)


def _loaded() -> ctypes.CDLL:
    if _library is None:
        raise RuntimeError(_reason)
    return _library
