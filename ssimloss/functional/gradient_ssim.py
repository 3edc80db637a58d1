"""G-SSIM: luminance of the images times contrast and structure of their gradient magnitudes.

Chen, Yang & Xie, "Gradient-based structural similarity for image quality assessment", ICIP 2006.
"""

from functools import partial

import torch
from torch import Tensor

from ssimloss._precision import native_dtype
from ssimloss._reduce import Scores
from ssimloss.filters import make_window, window_weights
from ssimloss.functional import _local_sums
from ssimloss.functional._corners import absolute
from ssimloss.functional._moments import (
    bordered,
    check_inputs,
    contrast_structure,
    local_mean,
    local_statistics,
    luminance_of,
    valid_pixels,
)
from ssimloss.functional._records import Stabilised, Windowed
from ssimloss.functional.ssim import Covariance, check_covariance, sample_factor
from ssimloss.image_gradients import erode, image_gradients
from ssimloss.kernels import MOMENT_SUMS, Backed, Local, select
from ssimloss.measure import Measure


class GradientSSIMOptions(Backed, Stabilised, Windowed):
    """Options of G-SSIM.

    Args:
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over both axes.
    """

    covariance: Covariance = "population"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_covariance(self.covariance, self.taps)


def _gradient_ssim(
    pred: Tensor, target: Tensor, options: GradientSSIMOptions, *, mask: Tensor | None = None
) -> Scores:
    """G-SSIM: luminance of the images times contrast and structure of their gradient magnitudes.

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with a replicated border.
    G-SSIM is more sensitive to blur than SSIM. Where an image gradient of ``pred`` is 0, the
    derivative points towards that of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; channels are
            compared separately.
        mask: ``(N, 1 or C, H, W)`` weights. An image gradient counts if its whole 3 x 3
            neighbourhood is valid.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Chen, Yang & Xie 2006.
    """
    check_inputs(pred, target, mask, ndim=(4,))
    reason = _local_sums.uncovered(
        pred, mask, options.window, options.taps, options.reduction, masks=False
    )
    backend = select(
        options.backend, pred, target, MOMENT_SUMS["edge_similarity"], uncovered=reason
    )
    if backend == "eager":
        return _map(pred, target, options, mask)
    return _local_sums.local_scores(
        pred,
        target,
        None,
        _local(options),
        partial(_map, options=options, mask=None),
        backend=backend,
        reduction=options.reduction,
    )


def _local(options: GradientSSIMOptions) -> Local:
    assert isinstance(options.window, str)
    window = window_weights(options.window, options.window_size, options.sigma)
    # (2 u cov + C2) / (u var + C2) for the sample factor u
    c2 = options.c2 / sample_factor(options.covariance, options.taps, 2)
    return Local(
        "edge_similarity", window, (options.taps,), options.c1, c2, options.low, options.padding
    )


def _map(pred: Tensor, target: Tensor, options: GradientSSIMOptions, mask: Tensor | None) -> Scores:
    x, y, mask = valid_pixels(pred, target, options.low, mask)
    slopes = image_gradients(x, "sobel"), image_gradients(y, "sobel")
    magnitudes = [
        absolute(dx, to_x) + absolute(dy, to_y)
        for (dx, dy), (to_x, to_y) in zip(slopes, reversed(slopes), strict=True)
    ]
    inner = None if mask is None else erode(mask)  # where the 3 x 3 stencil is valid
    if inner is not None:
        magnitudes = [torch.where(inner != 0, m, 0) for m in magnitudes]
    x, y, mask = bordered(x, y, mask, options.taps, options.padding)
    g_x, g_y, inner = bordered(magnitudes[0], magnitudes[1], inner, options.taps, options.padding)
    window = make_window(options.window, options.window_size, options.sigma, x)
    factor = sample_factor(options.covariance, options.taps, 2)
    of_gradients = local_statistics(g_x, g_y, window, factor, inner)
    of_images = luminance_of(local_mean(x, window, mask), local_mean(y, window, mask), options.c1)
    values = of_images * contrast_structure(of_gradients, options.c2)
    return Scores(values, of_gradients.mass, 1, native_dtype(pred, target))


GRADIENT_SSIM = Measure(
    "gradient_ssim",
    "G-SSIM",
    "",
    "higher",
    1.0,
    (-1.0, 1.0),
    "Chen, Yang & Xie 2006",
    _gradient_ssim,
    GradientSSIMOptions,
    formula="luminance of the images times contrast and structure of their Sobel gradient "
    "magnitudes |Gx| + |Gy| under a Gaussian window of 11 taps, sigma 1.5, whole windows only, "
    "averaged over positions and channels (Chen et al. 2006)",
    module="GradientSSIMLoss",
    metric="GradientSSIM",
    metric_name="g_ssim",
    definition="ssim",
    agrees="the paper's formula: 1e-12",
)
gradient_ssim, gradient_ssim_loss = GRADIENT_SSIM.score, GRADIENT_SSIM.loss
