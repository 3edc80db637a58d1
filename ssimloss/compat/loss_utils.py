"""``utils/loss_utils.py`` of 3D Gaussian Splatting (graphdeco-inria/gaussian-splatting)."""

from torch import Tensor

from ssimloss import _checks
from ssimloss import functional as F
from ssimloss._reduce import Reduction
from ssimloss.compat._arguments import named
from ssimloss.compat._fused import check_unit_image

__all__ = ["l1_loss", "l2_loss", "ssim"]


@named({"pred": "img1", "target": "img2"})
def ssim(img1: Tensor, img2: Tensor, window_size: int = 11, size_average: bool = True) -> Tensor:
    """SSIM of images in [0, 1] under a Gaussian window of sigma 1.5, with zero padding.

    Args:
        img1, img2: ``(N, C, H, W)`` or ``(C, H, W)``, of any strides. The gradient reaches both.
        window_size: odd number of taps.
        size_average: ``False`` returns one value for each image.

    Returns:
        A scalar; with ``size_average=False`` ``(N,)`` for ``(N, C, H, W)``.

    Raises:
        ValueError: shapes differ, or the window is even.
        TypeError: tensors have integers.

    Source: gaussian-splatting 15d64e6. Agrees with its definition to float64 rounding. The original
    window is float32 and sums to 1 - 7e-8, which changes its value by up to 2e-5.
    """
    _checks.flag("size_average", size_average)
    for name, image in (("img1", img1), ("img2", img2)):
        check_unit_image(name, image)
    single = isinstance(img1, Tensor) and isinstance(img2, Tensor) and img1.ndim == img2.ndim == 3
    if single:
        img1, img2 = img1[None], img2[None]
    reduction: Reduction = "mean" if size_average or single else "image"
    return F.ssim(img1, img2, window_size=window_size, padding="zeros", reduction=reduction)


def l1_loss(network_output: Tensor, gt: Tensor) -> Tensor:
    """Mean absolute error of tensors of one shape, any number of dimensions."""
    return F.l1_loss(*_rows(network_output, gt))


def l2_loss(network_output: Tensor, gt: Tensor) -> Tensor:
    """Mean squared error of tensors of one shape, any number of dimensions."""
    return F.l2_loss(*_rows(network_output, gt))


def _rows(network_output: Tensor, gt: Tensor) -> tuple[Tensor, Tensor]:
    """Both tensors as one row of pixels; a mean does not depend on the layout."""
    _checks.floating("network_output", network_output)
    _checks.floating("gt", gt)
    _checks.same_shape("gt", gt, "network_output", network_output)
    return network_output.reshape(1, 1, 1, -1), gt.reshape(1, 1, 1, -1)
