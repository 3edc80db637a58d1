"""r*, the correlation of two images under a sliding window: the structure term of SSIM alone.

Rouse & Hemami, "Understanding and simplifying the structural similarity metric", ICIP 2008.
"""

from functools import partial

import torch
from torch import Tensor

from ssimloss._precision import computing_dtype, native_dtype
from ssimloss._reduce import Scores
from ssimloss.filters import make_window, window_weights
from ssimloss.functional import _local_sums
from ssimloss.functional._moments import (
    bordered,
    check_inputs,
    correlation,
    flat_variance,
    local_statistics,
    valid_pixels,
)
from ssimloss.functional._records import Windowed
from ssimloss.kernels import MOMENT_SUMS, Backed, Local, select
from ssimloss.measure import Measure

_LOW_CONTRAST = 0.03  # of the data range: a deviation whose slope one flat window gets


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

    1 where both windows are flat, 0 where only one is; flat means a variance that float rounding
    could have made, below ``4 eps L^2`` (a deviation of 1/1450 of the range in float32). The
    gradient of a window where only one image is flat is that of a deviation of 0.03 of the range,
    not the infinite one of the definition. Blind to brightness and contrast: weigh it with a pixel
    loss.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; each channel is compared by itself.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words.
        TypeError: integer tensors.

        RuntimeError: a named backend that cannot run.

    Source: Rouse & Hemami 2008.
    """
    check_inputs(pred, target, mask)
    reason = _local_sums.uncovered(pred, mask, options.window, options.taps, options.reduction)
    backend = select(options.backend, pred, target, MOMENT_SUMS, uncovered=reason)
    if backend == "eager":
        return _map(pred, target, options, mask)
    return _local_sums.local_scores(
        pred,
        target,
        mask,
        _local(options, flat_variance(computing_dtype(pred, target), options.span)),
        partial(_map, options=options, mask=mask),
        backend=backend,
        reduction=options.reduction,
    )


def _local(options: StructureCorrelationOptions, flat: float) -> Local:
    assert isinstance(options.window, str)
    window = window_weights(options.window, options.window_size, options.sigma)
    low_contrast = (_LOW_CONTRAST * options.span) ** 2
    return Local(
        "structure", window, (options.taps,), flat, low_contrast, options.low, options.padding
    )


def _map(
    pred: Tensor, target: Tensor, options: StructureCorrelationOptions, mask: Tensor | None
) -> Scores:
    x, y, mask = valid_pixels(pred, target, options.low, mask)
    x, y, mask = bordered(x, y, mask, options.taps, options.padding)
    window = make_window(options.window, options.window_size, options.sigma, x)
    statistics = local_statistics(x, y, window, 1.0, mask, separate=True)
    flat = flat_variance(x.dtype, options.span)
    assert statistics.var_x is not None
    assert statistics.var_y is not None
    varies_x, varies_y = statistics.var_x > flat, statistics.var_y > flat
    held = correlation(statistics, float((_LOW_CONTRAST * options.span) ** 2))
    # 0, with the slope of a low contrast, so that a flat image can learn structure
    one_is_flat = held - held.detach()
    values = torch.where(
        varies_x & varies_y,
        correlation(statistics, flat),
        torch.where(varies_x | varies_y, one_is_flat, 1),
    )
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
