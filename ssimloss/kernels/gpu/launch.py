"""Launches of the Triton kernels, each ready to run or to be compiled.

The cost of a walk per pixel and channel, counted for SSIM with 11 taps, float32 and the gradient to
x, is 12 bytes of memory traffic (two images read, one gradient written) and 154 multiply-adds
(2 * 11 for each of 4 maps filtered forward and 3 backward). Compiled for compute capability 8.0, a
step down a strip has 416 instructions per column: 245 of floating-point arithmetic, including the
products and the equation, and 61 reads, nearly all from the L1 cache. Strips share 10 columns, and
21 rows if planes are divided to fill the GPU. This takes about 4 clocks of a multiprocessor per
pixel: instructions are the limit, not memory. Products with banded matrices on tensor cores would
need 30 times the multiplications, three times for float32 precision. Filters in separate passes
would move four times the bytes.

Launches run on the current stream, copy nothing from the host and do not wait: a CUDA graph can
capture them. Sums have a fixed order.
"""

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from ssimloss.filters import Padding, rounded_weights
from ssimloss.kernels.comparison import SIMILARITY_ALONE, Comparison, Mixed
from ssimloss.kernels.gpu.machine import current, processors
from ssimloss.kernels.operators import check_images, least_size

EquationName = Literal[
    "ssim", "contrast_structure", "structure", "information", "shared_information"
]
# rows of a strip; fewer spend most of their time on the rows that strips share, and there must be
# at least as many as a border has
_LEAST_ROWS = 32
LANES = (128, 64)  # threads per strip, one for each of its columns
_NO_STRIDES = (0, 0, 0, 0)
_THREADS = 512  # number of threads for which a multiprocessor has registers
_BLOCK = 1024  # elements per program of the decimation


class Moments(NamedTuple):
    """The equation of local moments and its options."""

    equation: EquationName  # one of ``equations.EQUATIONS``
    window: tuple[float, ...]  # of unit sum
    constants: tuple[float, ...]  # of the equation
    low: float  # where the data range begins
    padding: Padding

    @property
    def comparison(self) -> Comparison:
        """The comparison for checks of sizes."""
        return Comparison(self.window, 0.0, 0.0, self.low, "ssim", self.padding)


def similarity_of(comparison: Comparison) -> Moments:
    """SSIM, or contrast and structure."""
    window, c1, c2, low, part, padding = comparison
    return Moments(part, window, (c1, c2), low, padding)


class Division(NamedTuple):
    """The division of planes into strips."""

    lanes: int  # columns of a strip, a power of two
    row_strips: int
    warps: int | None = None  # one thread per lane


class Launch(NamedTuple):
    """A launch that is ready."""

    kernel: Any
    device: torch.device
    programs: int
    arguments: tuple[Any, ...]
    num_warps: int
    result: Tensor  # for a walk, the sums of each strip, (sums, N, C, strips)

    def run(self) -> Tensor:
        """Run the kernel and return ``result``."""
        with current(self.device):
            self.kernel[(self.programs,)](*self.arguments, **self._options())
        return self.result

    def compile(self) -> Any:
        """Compile the kernel without using the device, and return Triton's compiled kernel."""
        with current(self.device):
            return self.kernel.warmup(*self.arguments, grid=(self.programs,), **self._options())

    def _options(self) -> dict[str, Any]:
        # Rows are read again after they were written: no load may be moved to an earlier step.
        return {"num_warps": self.num_warps, "num_stages": 1, "enable_fp_fusion": True}


def empty_gradients(
    x: Tensor, y: Tensor, want_x: bool, want_y: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Empty tensors for the gradients; ``None`` for a gradient that is not needed."""
    grad_x = torch.empty_like(x, dtype=torch.float32) if want_x else None
    return grad_x, torch.empty_like(y, dtype=torch.float32) if want_y else None


def prepare(
    x: Tensor,
    y: Tensor,
    gradients: tuple[Tensor | None, Tensor | None],
    moments: Moments,
    *,
    columns: int,
    mixed: Mixed = SIMILARITY_ALONE,
    mask: Tensor | None = None,
    upstream: Tensor | None = None,
    factors: Tensor | None = None,
    values: Tensor | None = None,
    division: Division | None = None,
) -> Launch:
    """The launch of a walk over all planes.

    Args:
        x, y: ``(N, C, H, W)`` of one shape, float32, float16 or bfloat16 with any strides; not
            empty.
        gradients: outputs for the gradients, float32.
        columns: number of columns with something to compute.
        mixed: its weights are the factors of the sums of values and pixel distance.
        mask: with the shape of the images, float32 with any strides.
        upstream: factors of the derivatives, with the shape of the map.
        factors: factors of the derivatives of each sum of each plane, ``(N C, sums)``.
        values: output for the map.
        division: replaces the division that should take the least time.
    """
    from ssimloss.kernels.gpu.equations import EQUATIONS
    from ssimloss.kernels.gpu.walk import walk

    check_images(x, y, least_size(moments.comparison))
    n, c, h, w = x.shape
    equation = EQUATIONS[moments.equation]
    taps = len(moments.window)
    halo = 1 << max(taps - 2, 0).bit_length()
    wanted = sum(gradient is not None for gradient in gradients)
    crossed = equation.fields != "sum_and_difference"
    staged = 2 + (mask is not None) + (0, 3, 4 + crossed)[wanted]
    overlap = taps - 1 if wanted else 0  # columns of derivatives needed by two strips
    multiprocessors, threads_per_warp = processors(x.device)
    if division is None:
        division = _divide(n * c, h, columns, taps, overlap, multiprocessors)
    lanes, row_strips, warps = division
    column_strips = _quotient(columns, lanes - overlap)
    strips = row_strips * column_strips

    scratch = x.new_empty(n * c * strips * 2 * staged * (lanes + halo), dtype=torch.float32)
    sums = 1 if mask is None else 2
    partials = x.new_empty((max(sums, equation.sums), n, c, strips), dtype=torch.float32)
    images = (x, y, mask, upstream, *gradients)
    arguments = (
        *images[:4],
        factors,
        *gradients,
        values,
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
        rounded_weights(moments.window),
        moments.constants,
        moments.low,
        mixed.eps,
        mixed.similarity_weight,
        mixed.pixel_weight,
        taps,
        equation.point,
        equation.fields,
        equation.sums,
        moments.padding,
        mixed.pixel,
        lanes,
        halo,
    )
    num_warps = warps or max(1, lanes // threads_per_warp)
    return Launch(walk, x.device, n * c * strips, arguments, num_warps, partials)


def prepare_halving(
    fine: Tensor, coarse: Tensor, window: tuple[float, ...], padding: Padding, axis: int
) -> Launch:
    """The launch that writes ``coarse``: planes ``(M, 1, H, W)`` filtered and subsampled by 2 along
    an axis.
    """
    from ssimloss.kernels.gpu.decimation import decimate

    return _along(decimate, fine, coarse, coarse, window, padding, axis)


def prepare_transposed_halving(
    fine: Tensor,
    coarse: Tensor,
    window: tuple[float, ...],
    padding: Padding,
    axis: int,
    *,
    adds: bool,
) -> Launch:
    """The launch that applies the transpose of the halving to ``coarse``, and writes the result to
    ``fine`` or ``adds`` it there.
    """
    from ssimloss.kernels.gpu.decimation import undecimate

    return _along(undecimate, fine, coarse, fine, window, padding, axis, adds)


def _along(
    kernel: Any,
    fine: Tensor,
    coarse: Tensor,
    written: Tensor,
    window: tuple[float, ...],
    padding: Padding,
    axis: int,
    *more: bool,
) -> Launch:
    other = 5 - axis
    strides = [tensor.stride(a) for tensor in (fine, coarse) for a in (0, axis, other)]
    sizes = fine.shape[0], fine.shape[axis], coarse.shape[axis], fine.shape[other]
    fixed = rounded_weights(window), len(window), padding, axis == 2, _BLOCK, *more
    programs = _quotient(written.numel(), _BLOCK)
    arguments = (fine, coarse, *strides, *sizes, *fixed)
    _, threads_per_warp = processors(fine.device)
    return Launch(kernel, fine.device, programs, arguments, 128 // threads_per_warp, written)


@lru_cache(maxsize=1024)
def _divide(
    planes: int, rows: int, columns: int, taps: int, overlap: int, multiprocessors: int
) -> Division:
    """The division that should take the least time.

    Args:
        overlap: columns that neighbouring strips share.
    """

    def time(lanes: int, row_strips: int) -> int:
        programs = planes * row_strips * _quotient(columns, lanes - overlap)
        in_turn = max(
            _quotient(programs, multiprocessors), _THREADS // lanes
        )  # a partly filled multiprocessor is not faster
        return in_turn * lanes * (_quotient(rows, row_strips) + 2 * taps)

    row_strips_allowed = [1 << i for i in range(max(1, rows // _LEAST_ROWS).bit_length())]
    lanes, row_strips = min(
        ((lanes, row_strips) for lanes in LANES for row_strips in row_strips_allowed),
        key=lambda way: time(*way),
    )
    return Division(lanes, row_strips)


def _quotient(a: int, b: int) -> int:
    """``a / b`` rounded up."""
    return -(-a // b)
