"""Similarity of images on GPUs, in Triton: value, map and gradients, each in one launch;
``_triton_kernel`` is what runs there.

What it costs, counted for 11 taps, float32 and the gradient to x, per pixel and channel: 12 bytes
of memory traffic, both images read and one gradient written; 2 * 11 multiply-adds for each of 4
maps filtered forward and 3 backward, 154 in all. Compiled for compute capability 8.0, a step down a
strip is 415 instructions per column, 229 of them floating-point arithmetic with the products and
the equation, and 61 of them reads, nearly all from the L1 cache. Strips share 10 columns, and 21
rows where a plane is cut to fill the machine. That makes about 4 clocks of a multiprocessor per
pixel: it is bound by instructions, not by memory. Products with banded matrices on tensor cores
would multiply some 30 times as much, three times over for the digits of float32; filters in
separate passes would move four times the bytes.

Runs on the current stream, copies nothing from the host and waits for nothing: it can be captured
in a CUDA graph. Sums are taken in a fixed order.
"""

import contextlib
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch import Tensor

Part = Literal["ssim", "contrast_structure"]
Padding = Literal["valid", "reflect", "replicate", "zeros"]
Pixel = Literal["none", "l1", "charbonnier"]

_OLDEST = (3, 3)  # the first Triton whose kernels take tuples
_OLDEST_CAPABILITY = (7, 0)
# of a strip; fewer spend most of their time on the rows that strips share, and must not be fewer
# than a border has
_LEAST_ROWS = 32
_LANES = (128, 64)  # threads per strip, one for each of its columns
_NO_STRIDES = (0, 0, 0, 0)
_THREADS = 512  # that a multiprocessor has registers for


@cache
def why_not() -> str | None:
    """Why this machine cannot run Triton kernels, ``None`` if it can."""
    if find_spec("triton") is None:
        return (
            "Triton is not installed; it comes with PyTorch for CUDA or ROCm on Linux "
            "(https://pytorch.org/get-started)"
        )
    import triton

    version = tuple(int(number) for number in triton.__version__.split(".")[:2])
    if version < _OLDEST:
        return (
            f"it needs Triton {'.'.join(map(str, _OLDEST))} or newer (PyTorch 2.7), and "
            f"{triton.__version__} is installed"
        )
    if not _interpreted() and not torch.cuda.is_available():
        return (
            "PyTorch sees no GPU; to try the kernels on the CPU, slowly, set TRITON_INTERPRET=1 "
            "before Python starts"
        )
    return None


@cache
def why_not_device(device: torch.device) -> str | None:
    """Why tensors on this device cannot be served, ``None`` if they can."""
    reason = why_not()
    if reason is not None or _interpreted():
        return reason
    if device.type != "cuda":
        return f"it serves tensors on a GPU, and these are on {device}"
    if torch.version.hip is None and torch.cuda.get_device_capability(device) < _OLDEST_CAPABILITY:
        return (
            f"Triton needs a GPU of compute capability {'.'.join(map(str, _OLDEST_CAPABILITY))}, "
            f"and {torch.cuda.get_device_name(device)} has "
            f"{'.'.join(map(str, torch.cuda.get_device_capability(device)))}"
        )
    return None


def similarity_means(
    x: Tensor,
    y: Tensor,
    window: tuple[float, ...],
    c1: float,
    c2: float,
    lo: float,
    part: Part,
    padding: Padding,
    pixel: Pixel,
    eps: float,
    similarity_weight: float,
    pixel_weight: float,
    want_x: bool,
    want_y: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Weighted sum of the mean similarity and the mean pixel loss of every plane, and its gradients
    where wanted.

    Args:
        x, y: ``(N, C, H, W)`` of one shape, float32, float16 or bfloat16 with any strides; not
            empty.
        window: up to 33 taps of unit sum, applied along both axes; an odd number of them where
            there is a border.
        c1, c2: the stabilising constants ``(k L)^2``.
        lo: value of a pixel that luminance counts as 0; what ``padding="zeros"`` fills in.
        part: whose mean is taken.
        padding: border of half a window, or none.
        pixel: pixel loss added, or none.
        eps: of the Charbonnier loss ``sqrt((x - y)^2 + eps^2)``.
        similarity_weight, pixel_weight: weights of the two means.
        want_x, want_y: which gradients to compute.

    Returns:
        Means ``(N, C)``, and the gradients of each with respect to its plane, of the shape of x, or
        ``None``; all float32.
    """
    h, w = x.shape[2:]
    map_h, map_w = _map_size(x, window, padding)
    gradients = _empty_gradients(x, y, want_x, want_y)
    columns = map_w if pixel == "none" and not want_x and not want_y else w
    partials = _launch(
        x,
        y,
        gradients,
        window,
        (c1, c2, lo, eps, similarity_weight / (map_h * map_w), pixel_weight / (h * w)),
        (part, padding, pixel),
        columns=columns,
    )
    return partials.sum(-1), *gradients


def similarity_map(
    x: Tensor,
    y: Tensor,
    window: tuple[float, ...],
    c1: float,
    c2: float,
    lo: float,
    part: Part,
    padding: Padding,
) -> Tensor:
    """The similarity at every position, ``(N, C, H', W')`` in float32; arguments as for
    :func:`similarity_means`.
    """
    map_h, map_w = _map_size(x, window, padding)
    similarity = x.new_empty((*x.shape[:2], map_h, map_w), dtype=torch.float32)
    _launch(
        x,
        y,
        (None, None),
        window,
        (c1, c2, lo, 0.0, 1.0, 0.0),
        (part, padding, "none"),
        columns=map_w,
        similarity=similarity,
    )
    return similarity


def similarity_map_backward(
    upstream: Tensor,
    x: Tensor,
    y: Tensor,
    window: tuple[float, ...],
    c1: float,
    c2: float,
    lo: float,
    part: Part,
    padding: Padding,
    want_x: bool,
    want_y: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of ``sum(upstream * similarity_map(...))``; ``upstream`` is float32 with any
    strides.
    """
    gradients = _empty_gradients(x, y, want_x, want_y)
    if want_x or want_y:
        constants = (c1, c2, lo, 0.0, 1.0, 0.0)
        _launch(
            x,
            y,
            gradients,
            window,
            constants,
            (part, padding, "none"),
            columns=x.shape[3],
            upstream=upstream,
        )
    return gradients


def _interpreted() -> bool:
    """Whether TRITON_INTERPRET=1 was set when the kernel was imported."""
    import triton

    return not isinstance(_kernel(), triton.JITFunction)


def _kernel() -> Any:
    from ssimloss.kernels._triton_kernel import similarity_kernel

    return similarity_kernel


def _map_size(x: Tensor, window: tuple[float, ...], padding: Padding) -> tuple[int, int]:
    lost = len(window) - 1 if padding == "valid" else 0
    return x.shape[2] - lost, x.shape[3] - lost


def _empty_gradients(
    x: Tensor, y: Tensor, want_x: bool, want_y: bool
) -> tuple[Tensor | None, Tensor | None]:
    grad_x = torch.empty_like(x, dtype=torch.float32) if want_x else None
    return grad_x, torch.empty_like(y, dtype=torch.float32) if want_y else None


def _launch(
    x: Tensor,
    y: Tensor,
    gradients: tuple[Tensor | None, Tensor | None],
    window: tuple[float, ...],
    constants: tuple[float, ...],
    words: tuple[Part, Padding, Pixel],
    *,
    columns: int,
    upstream: Tensor | None = None,
    similarity: Tensor | None = None,
) -> Tensor:
    """Run the kernel over all planes.

    Args:
        constants: c1, c2, lo, eps, and the factors of the sums of similarity and pixel loss.
        words: part, padding, pixel loss.
        columns: how many of them there is something to compute for.
        upstream: what multiplies the derivatives, of the map's shape.
        similarity: the map, to be written.

    Returns:
        What each strip adds to the mean of its plane, ``(N, C, strips)``.
    """
    n, c, h, w = x.shape
    taps = len(window)
    halo = 1 << max(taps - 2, 0).bit_length()
    wanted = sum(gradient is not None for gradient in gradients)
    overlap = taps - 1 if wanted else 0  # columns of derivatives that two strips need
    processors, threads_per_warp = _machine(x.device)
    lanes, row_strips, column_strips = _divide(n * c, h, columns, taps, overlap, processors)
    strips = row_strips * column_strips

    scratch = x.new_empty(
        n * c * strips * 2 * (2 + (2 + wanted if wanted else 0)) * (lanes + halo),
        dtype=torch.float32,
    )
    partials = x.new_empty((n, c, strips), dtype=torch.float32)
    images = (x, y, upstream, *gradients)
    with torch.cuda.device(x.device) if x.is_cuda else contextlib.nullcontext():
        _kernel()[(n * c * strips,)](
            *images,
            similarity,
            partials,
            scratch,
            *(
                stride
                for image in images
                for stride in (_NO_STRIDES if image is None else image.stride())
            ),
            c,
            h,
            w,
            row_strips,
            column_strips,
            window,
            *constants,
            taps,
            *words,
            lanes,
            halo,
            num_warps=max(1, lanes // threads_per_warp),
            # rows are read again after they were written: no load may be moved to an earlier step
            num_stages=1,
            enable_fp_fusion=True,
        )
    return partials


@lru_cache(maxsize=1024)
def _divide(
    planes: int, rows: int, columns: int, taps: int, overlap: int, processors: int
) -> tuple[int, int, int]:
    """Threads per strip, and the strips of rows and of columns, that should take the least time.

    Args:
        overlap: columns that neighbouring strips share.
    """

    def time(lanes: int, row_strips: int) -> int:
        programs = planes * row_strips * _quotient(columns, lanes - overlap)
        in_turn = max(
            _quotient(programs, processors), _THREADS // lanes
        )  # a multiprocessor that is not full is not faster
        return in_turn * lanes * (_quotient(rows, row_strips) + 2 * taps)

    row_strips_allowed = [1 << i for i in range(max(1, rows // _LEAST_ROWS).bit_length())]
    lanes, row_strips = min(
        ((lanes, row_strips) for lanes in _LANES for row_strips in row_strips_allowed),
        key=lambda way: time(*way),
    )
    return lanes, row_strips, _quotient(columns, lanes - overlap)


def _machine(device: torch.device) -> tuple[int, int]:
    """Multiprocessors, and threads per warp."""
    if device.type != "cuda":
        return 1, 32
    properties = torch.cuda.get_device_properties(device)
    return properties.multi_processor_count, properties.warp_size


def _quotient(a: int, b: int) -> int:
    """``a / b`` rounded up."""
    return -(-a // b)
