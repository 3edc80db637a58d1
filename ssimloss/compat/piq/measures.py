"""SSIM, MS-SSIM, PSNR, GMSD and total variation with the interfaces of piq.

Images are ``(N, C, H, W)`` with values in ``[0, data_range]``. Unlike in piq, values beyond that
range raise no error, and complex images ``(N, C, H, W, 2)`` raise one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from ssimloss import _checks
from ssimloss import functional as F
from ssimloss.color import luma
from ssimloss.compat._arguments import check_odd, check_pair, check_window, named
from ssimloss.compat.piq.reductions import Reduction, reduced

_IMAGES = {"pred": "x", "target": "y"}
_WINDOW = {"window_size": "kernel_size", "sigma": "kernel_sigma"}
_NO_OPTION = {" min_size='fewer_scales',": ""}
_PSNR_EPS = 1e-8
_NORMS = {"l1": "anisotropic", "l2": "image_l2", "l2_squared": "squared"}


@named(_IMAGES | _WINDOW)
def of_ssim(
    measure: Callable[..., Tensor],
    x: Tensor,
    y: Tensor,
    *,
    kernel_size: int,
    kernel_sigma: float,
    downsample: bool,
    **options: Any,
) -> Tensor:
    """A measure of SSIM's kind, with piq's options."""
    check_odd("kernel_size", kernel_size)
    _checks.flag("downsample", downsample)
    check_pair("x", x, "y", y)
    check_window("x and y", x.shape[2:], kernel_size, "a smaller kernel_size")
    options |= {"window_size": kernel_size, "sigma": kernel_sigma}
    options["downsample"] = "auto" if downsample else None
    return reduced(measure, x, y, **options)


def ssim(
    x: Tensor,
    y: Tensor,
    kernel_size: int = 11,
    kernel_sigma: float = 1.5,
    data_range: float = 1.0,
    reduction: Reduction = "mean",
    full: bool = False,
    downsample: bool = True,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor | list[Tensor]:
    """SSIM under whole Gaussian windows.

    Args:
        x, y: images ``(N, C, H, W)``.
        kernel_size, kernel_sigma: odd number of taps, and standard deviation of the window.
        data_range: largest value.
        reduction: ``"none"``, ``"mean"`` or ``"sum"`` over images.
        full: return ``[ssim, cs]``; ``cs`` is SSIM without the luminance.
        downsample: first shrink images of 384 pixels and more on the shorter side.
        k1, k2: the stabilising constants.

    Returns:
        A scalar, or ``(N,)`` for ``reduction="none"``; two of them with ``full``.

    Raises:
        ValueError: shapes differ, images are smaller than the window, the window is even, or a
            reduction is unknown.
        TypeError: tensors have integers.

    Source: piq 0.8.0. Agrees to float64 rounding.
    """
    options: dict[str, Any] = {
        "kernel_size": kernel_size,
        "kernel_sigma": kernel_sigma,
        "data_range": data_range,
        "reduction": reduction,
        "downsample": downsample,
        "k1": k1,
        "k2": k2,
    }
    score = of_ssim(F.ssim, x, y, **options)
    return [score, of_ssim(F.ssim, x, y, exponents=(0, 1, 1), **options)] if full else score


@named(_IMAGES | _WINDOW | _NO_OPTION)
def of_ms_ssim(
    measure: Callable[..., Tensor],
    x: Tensor,
    y: Tensor,
    *,
    kernel_size: int,
    kernel_sigma: float,
    scale_weights: Tensor | Sequence[float] | None,
    **options: Any,
) -> Tensor:
    """A measure of MS-SSIM's kind, with piq's options."""
    check_odd("kernel_size", kernel_size)
    check_pair("x", x, "y", y)
    if scale_weights is not None:
        listed = scale_weights.tolist() if isinstance(scale_weights, Tensor) else scale_weights
        given = _checks.weights("scale_weights", listed)
        options["scale_weights"] = tuple(weight / sum(given) for weight in given)
    options |= {"window_size": kernel_size, "sigma": kernel_sigma}
    return reduced(measure, x, y, pooling="replicate", negative="relu", **options)


def multi_scale_ssim(
    x: Tensor,
    y: Tensor,
    kernel_size: int = 11,
    kernel_sigma: float = 1.5,
    data_range: float = 1.0,
    reduction: Reduction = "mean",
    scale_weights: Tensor | Sequence[float] | None = None,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """MS-SSIM, with the arguments of :func:`ssim` and ``scale_weights``.

    Args:
        scale_weights: weights of the scales, finest first, which are divided by their sum. The
            default, Wang's five with a sum of 1.0001, is not divided. A tensor on a GPU is copied
            to the host.

    Source: piq 0.8.0. Agrees to float64 rounding.
    """
    return of_ms_ssim(
        F.ms_ssim,
        x,
        y,
        kernel_size=kernel_size,
        kernel_sigma=kernel_sigma,
        data_range=data_range,
        reduction=reduction,
        scale_weights=scale_weights,
        k1=k1,
        k2=k2,
    )


@named(_IMAGES)
def psnr(
    x: Tensor,
    y: Tensor,
    data_range: float = 1.0,
    reduction: Reduction = "mean",
    convert_to_greyscale: bool = False,
) -> Tensor:
    """PSNR of each image in dB, at most 80.

    Args:
        x, y: images ``(N, C, H, W)``.
        data_range: largest value.
        reduction: ``"none"``, ``"mean"`` or ``"sum"`` over images.
        convert_to_greyscale: compare the luma ``.299 R + .587 G + .114 B`` of RGB images.

    Source: piq 0.8.0. Agrees to float64 rounding.
    """
    _checks.flag("convert_to_greyscale", convert_to_greyscale)
    check_pair("x", x, "y", y)
    if convert_to_greyscale and x.shape[1] == 3:
        x, y = (luma(image, standard="bt601", data_range=data_range) for image in (x, y))
    return reduced(F.psnr, x, y, data_range=data_range, reduction=reduction, eps=_PSNR_EPS)


@named(_IMAGES)
def gmsd(
    x: Tensor,
    y: Tensor,
    reduction: Reduction = "mean",
    data_range: float = 1.0,
    t: float = 170 / 255.0**2,
) -> Tensor:
    """GMSD of gray or RGB images.

    Args:
        x, y: images ``(N, 1 or 3, H, W)``.
        reduction: ``"none"``, ``"mean"`` or ``"sum"`` over images.
        data_range: largest value.
        t: the stabilising constant for images in [0, 1].

    Source: piq 0.8.0. Agrees to float64 rounding. The gradient is finite where images are flat or
    equal, where piq's is NaN.
    """
    check_pair("x", x, "y", y)
    return reduced(
        F.gmsd,
        x,
        y,
        data_range=data_range,
        reduction=reduction,
        t=_checks.positive("t", t) * 255**2,
        deviation="population",
    )


@named(_IMAGES)
def total_variation(x: Tensor, reduction: Reduction = "mean", norm_type: str = "l2") -> Tensor:
    """Total variation, summed over the pixels and channels of an image.

    Args:
        x: images ``(N, C, H, W)``.
        reduction: ``"none"``, ``"mean"`` or ``"sum"`` over images.
        norm_type: ``"l1"`` sums ``|dx| + |dy|``, ``"l2_squared"`` sums ``dx^2 + dy^2``, and
            ``"l2"`` is the square root of the latter sum.

    Source: piq 0.8.0. Agrees to float64 rounding. The gradient is finite for flat images, where
    piq's is NaN.
    """
    _checks.choice("norm_type", norm_type, _NORMS)
    _checks.image("x", x)
    norm = _NORMS[norm_type]
    return reduced(F.total_variation, x, norm=norm, within_image="sum", reduction=reduction)
