"""SSIM with the interface of fused-ssim (rahul-goel/fused-ssim)."""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss import functional as F
from ssimloss.compat._arguments import check_window, named
from ssimloss.filters import Padding

WINDOW = 11
_BORDERS: dict[str, Padding] = {"same": "zeros", "valid": "valid"}


def check_unit_image(name: str, value: Tensor) -> None:
    """Check that values are floating point; the original functions only take images in [0, 1]."""
    if isinstance(value, Tensor) and not value.dtype.is_floating_point:
        raise TypeError(
            f"{name} must be floating point in [0, 1], got {value.dtype}; divide 8-bit values by "
            f"255: {name} / 255"
        )


@named({"pred": "img1", "target": "img2"})
def fused_ssim(img1: Tensor, img2: Tensor, padding: str = "same", train: bool = True) -> Tensor:
    """Mean SSIM of images in [0, 1] under a Gaussian window of 11 pixels, sigma 1.5.

    Args:
        img1, img2: ``(N, C, H, W)`` or ``(C, H, W)``, of any strides. The gradient reaches both.
        padding: ``"same"`` pads the images with zeros; ``"valid"`` uses only whole windows.
        train: ``False`` computes without a graph.

    Returns:
        A scalar.

    Raises:
        ValueError: shapes differ, or images are below 11 pixels with ``"valid"``, for which the
            original returns NaN.
        TypeError: tensors have integers.

    Source: fused-ssim 0ac916a. Agrees with its definition to float64 rounding.
    """
    if isinstance(img1, Tensor) and isinstance(img2, Tensor) and img1.ndim == img2.ndim == 3:
        img1, img2 = img1[None], img2[None]
    return _mean(img1, img2, padding, train, ndim=4)


@named({"pred": "img1", "target": "img2"})
def fused_ssim3d(img1: Tensor, img2: Tensor, padding: str = "same", train: bool = True) -> Tensor:
    """Mean SSIM of volumes ``(N, C, D, H, W)`` in [0, 1]; otherwise as :func:`fused_ssim`."""
    return _mean(img1, img2, padding, train, ndim=5)


def _mean(img1: Tensor, img2: Tensor, padding: str, train: bool, *, ndim: int) -> Tensor:
    _checks.choice("padding", padding, _BORDERS)
    _checks.flag("train", train)
    for name, image in (("img1", img1), ("img2", img2)):
        check_unit_image(name, image)
        _checks.image(name, image, ndim=(ndim,))
    if padding == "valid":
        check_window("img1 and img2", img1.shape[2:], WINDOW, "padding='same'")
    with torch.set_grad_enabled(train and torch.is_grad_enabled()):
        return F.ssim(img1, img2, padding=_BORDERS[padding])
