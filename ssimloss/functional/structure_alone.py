"""Two relatives of SSIM that look at structure alone: G-SSIM, of image gradients, and r*, the
correlation under a window.

Chen, Yang & Xie 2006; Rouse & Hemami 2008. A score is averaged as it is; the loss made of it is
``1 - score``, taken before the reduction.
"""

import torch
from torch import Tensor

from ssimloss._checks import DataRange
from ssimloss._precision import full_precision, native_dtype
from ssimloss._reduce import Reduction
from ssimloss.filters import Padding, WindowName, make_window
from ssimloss.functional._similarity import (
    bordered,
    contrast_structure,
    correlation,
    local_mean,
    local_statistics,
    luminance_of,
    valid_pixels,
)
from ssimloss.functional.structure import Covariance, Scores, SSIMOptions, flat_variance, prepared
from ssimloss.gradients import erode, image_gradients


@full_precision
def gradient_ssim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange = 1.0,
    window: WindowName | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: Padding = "valid",
    covariance: Covariance = "population",
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """G-SSIM: luminance of the images times contrast and structure of their gradient magnitudes.

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with replicated border. More
    sensitive to blur than SSIM.

    Args, Returns, Raises: as for :func:`ssim`, images ``(N, C, H, W)`` only. Under a mask a
    gradient counts where its whole 3 x 3 neighbourhood is valid.

    Source: Chen, Yang & Xie, "Gradient-based structural similarity for image quality assessment",
    ICIP 2006.
    """
    options = SSIMOptions(
        data_range,
        window,
        window_size,
        sigma,
        k1,
        k2,
        (1.0, 1.0, 1.0),
        padding,
        covariance,
        None,
        reduction,
    )
    return _gradient_ssim_scores(pred, target, options, mask).reduce(reduction)


@full_precision
def gradient_ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange = 1.0,
    window: WindowName | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: Padding = "valid",
    covariance: Covariance = "population",
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """``1 - gradient_ssim``, reduced afterwards. Arguments as for :func:`gradient_ssim`."""
    options = SSIMOptions(
        data_range,
        window,
        window_size,
        sigma,
        k1,
        k2,
        (1.0, 1.0, 1.0),
        padding,
        covariance,
        None,
        reduction,
    )
    return _gradient_ssim_scores(pred, target, options, mask).as_loss().reduce(reduction)


@full_precision
def structure_correlation(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange = 1.0,
    window: WindowName | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Padding = "valid",
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Structure term without constants, ``r* = cov_xy / (sigma_x sigma_y)``, in [-1, 1].

    1 where both windows are flat, 0 where only one is; flat means a variance that float rounding
    could have made, below ``4 eps L^2`` (a deviation of 1/1450 of the range in float32). The
    gradient of a window where only one image is flat is that of a deviation of 0.03 of the range,
    not the infinite one of the definition. Blind to brightness and contrast: weigh it with a pixel
    loss.

    Args, Returns, Raises: as for :func:`ssim`.

    Source: Rouse & Hemami, "Understanding and simplifying the structural similarity metric", ICIP
    2008.
    """
    options = SSIMOptions(
        data_range, window, window_size, sigma, padding=padding, reduction=reduction
    )
    return _correlation_scores(pred, target, options, mask).reduce(reduction)


@full_precision
def structure_correlation_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange = 1.0,
    window: WindowName | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Padding = "valid",
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """``1 - structure_correlation``, reduced afterwards, in [0, 2]. Arguments as for
    :func:`structure_correlation`.
    """
    options = SSIMOptions(
        data_range, window, window_size, sigma, padding=padding, reduction=reduction
    )
    return _correlation_scores(pred, target, options, mask).as_loss().reduce(reduction)


def _gradient_ssim_scores(
    pred: Tensor, target: Tensor, options: SSIMOptions, mask: Tensor | None
) -> Scores:
    x, y, mask = valid_pixels(pred, target, options.data_range, mask)
    magnitudes = []
    for image in (x, y):
        dx, dy = image_gradients(image, "sobel")
        magnitudes.append(dx.abs() + dy.abs())
    inner = None if mask is None else erode(mask)  # where the 3 x 3 stencil is valid
    if inner is not None:
        magnitudes = [torch.where(inner != 0, m, 0) for m in magnitudes]
    x, y, mask = bordered(x, y, mask, options.taps, options.padding)
    g_x, g_y, inner = bordered(magnitudes[0], magnitudes[1], inner, options.taps, options.padding)
    window = make_window(options.window, options.window_size, options.sigma, x)
    of_gradients = local_statistics(g_x, g_y, window, options.sample_factor(2), inner)
    of_images = luminance_of(local_mean(x, window, mask), local_mean(y, window, mask), options.c1)
    values = of_images * contrast_structure(of_gradients, options.c2)
    return Scores(values, of_gradients.mass, 1, native_dtype(pred, target))


def _correlation_scores(
    pred: Tensor, target: Tensor, options: SSIMOptions, mask: Tensor | None
) -> Scores:
    x, y, mask, window = prepared(pred, target, options, mask)
    statistics = local_statistics(x, y, window, 1.0, mask, separate=True)
    flat = flat_variance(x, options)
    assert statistics.var_x is not None
    assert statistics.var_y is not None
    varies_x, varies_y = statistics.var_x > flat, statistics.var_y > flat
    held = correlation(statistics, options.c2)
    one_is_flat = (
        held - held.detach()
    )  # 0, with the slope of a low contrast, so that a flat image can learn structure
    values = torch.where(
        varies_x & varies_y,
        correlation(statistics, flat),
        torch.where(varies_x | varies_y, one_is_flat, 1),
    )
    return Scores(values, statistics.mass, 1, native_dtype(pred, target))
