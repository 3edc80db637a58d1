"""L2: the squared error."""

import torch
from torch import Tensor

from ssimloss._reduce import Scores
from ssimloss.functional._pixel import PixelOptions, distances
from ssimloss.kernels import Pixelwise
from ssimloss.measure import Measure


def _l2(
    pred: Tensor, target: Tensor, options: PixelOptions, *, mask: Tensor | None = None
) -> Scores:
    """Squared error ``(pred - target)^2``; its mean is the MSE.

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
    return distances(pred, target, options, mask, Pixelwise("l2"), torch.square)


L2 = Measure(
    "l2",
    "L2",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "",
    _l2,
    PixelOptions,
    formula="mean of (x - y)^2 of images on a scale of [0, 1]",
    module="L2Loss",
    metric="L2",
    agrees="torch: 1e-15, in float32 1e-7",
)
l2 = l2_loss = L2.loss
