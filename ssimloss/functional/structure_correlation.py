"""r*, the correlation of two images under a sliding window: the structure term of SSIM alone.

Rouse & Hemami, "Understanding and simplifying the structural similarity metric", ICIP 2008.
"""

from functools import partial

from torch import Tensor

from ssimloss._precision import computing_dtype, native_dtype
from ssimloss._reduce import Scores
from ssimloss.filters import make_window, window_weights
from ssimloss.functional import _local_sums
from ssimloss.functional._equations import LOCAL_SUMS
from ssimloss.functional._moments import (
    bordered,
    check_inputs,
    flat_variance,
    local_statistics,
    structure,
    valid_pixels,
)
from ssimloss.functional._records import Windowed
from ssimloss.kernels import MOMENT_SUMS, Backed, Local, Use, select, use
from ssimloss.measure import Measure

_LOW_CONTRAST = 0.03  # of the data range: least deviation for the gradient of one flat window


class StructureCorrelationOptions(Backed, Windowed):
    """Options of r*.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
    """


def _structure_correlation(
    pred: Tensor,
    target: Tensor,
    options: StructureCorrelationOptions,
    *,
    mask: Tensor | None = None,
) -> Scores:
    """Structure term without constants, ``r* = cov_xy / (sigma_x sigma_y)``, in [-1, 1].

    It is 1 where both windows are flat, and 0 where only one is. Flat means a variance below
    ``4 eps L^2``, which float rounding can cause (a deviation of 1/1450 of the range in float32).
    Where only one image is flat, the gradient of the definition is infinite; the gradient used
    there is that for a deviation of 0.03 of the range. The measure ignores brightness and contrast,
    so combine it with a pixel loss.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, or an option value is
            unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Rouse & Hemami 2008.
    """
    check_inputs(pred, target, mask)
    reason = _local_sums.uncovered(pred, mask, options.window, options.taps, options.reduction)
    kernels, uses = MOMENT_SUMS["structure"], partial(_uses, pred, target, mask, options)
    backend = select(options.backend, pred, target, kernels, uncovered=reason, uses=uses)
    if backend == "eager":
        return _map(pred, target, options, mask)
    return _local_sums.local_scores(
        pred,
        target,
        mask,
        _local(pred, target, options),
        partial(_map, options=options, mask=mask),
        backend=backend,
        reduction=options.reduction,
    )


def _local(pred: Tensor, target: Tensor, options: StructureCorrelationOptions) -> Local:
    assert isinstance(options.window, str)
    window = window_weights(options.window, options.window_size, options.sigma)
    flat = flat_variance(computing_dtype(pred, target), options.span)
    low_contrast = (_LOW_CONTRAST * options.span) ** 2
    return Local(
        "structure", window, (options.taps,), flat, low_contrast, options.low, options.padding
    )


def _uses(
    pred: Tensor, target: Tensor, mask: Tensor | None, options: StructureCorrelationOptions
) -> list[Use]:
    called = _local(pred, target, options), mask is not None
    return [use(pred, target, called, LOCAL_SUMS)]


def _map(
    pred: Tensor, target: Tensor, options: StructureCorrelationOptions, mask: Tensor | None
) -> Scores:
    x, y, mask = valid_pixels(pred, target, options.low, mask)
    x, y, mask = bordered(x, y, mask, options.taps, options.padding)
    window = make_window(options.window, options.window_size, options.sigma, x)
    statistics = local_statistics(x, y, window, 1.0, mask, separate=True)
    low_contrast = float((_LOW_CONTRAST * options.span) ** 2)
    values = structure(statistics, flat_variance(x.dtype, options.span), low_contrast)
    return Scores(values, statistics.mass, 1, native_dtype(pred, target))


STRUCTURE_CORRELATION = Measure(
    "structure_correlation",
    "r*",
    "",
    "higher",
    1.0,
    (-1.0, 1.0),
    "Rouse & Hemami 2008",
    _structure_correlation,
    StructureCorrelationOptions,
    formula="covariance over the product of deviations under a Gaussian window of 11 taps, sigma "
    "1.5, whole windows only, averaged over positions and channels (Rouse & Hemami 2008)",
    module="StructureCorrelationLoss",
    metric="StructureCorrelation",
    definition="ssim",
    agrees="the paper's formula: 1e-12",
)
structure_correlation = STRUCTURE_CORRELATION.score
structure_correlation_loss = STRUCTURE_CORRELATION.loss
