"""L1: the absolute error."""

import torch
from torch import Tensor

from ssimloss._reduce import Scores
from ssimloss.functional._pixel import PixelOptions, distances
from ssimloss.kernels import Pixelwise
from ssimloss.measure import Measure


def _l1(
    pred: Tensor, target: Tensor, options: PixelOptions, *, mask: Tensor | None = None
) -> Scores:
    """Absolute error ``|pred - target|``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is weighted, and values of weight
            0 are ignored.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.
    """
    return distances(pred, target, options, mask, Pixelwise("l1"), torch.abs)


L1 = Measure(
    "l1",
    "L1",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "",
    _l1,
    PixelOptions,
    formula="mean of |x - y| of images on a scale of [0, 1]",
    module="L1Loss",
    metric="L1",
    agrees="torch: 1e-15, in float32 1e-7",
)
l1 = l1_loss = L1.loss
