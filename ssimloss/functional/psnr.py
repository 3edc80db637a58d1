"""PSNR: the peak signal-to-noise ratio."""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._reduce import reduce
from ssimloss.functional.l2 import l2_loss
from ssimloss.measure import Measure

Pooling = Literal["image", "batch"]
POOLINGS: tuple[str, ...] = get_args(Pooling)


class PSNROptions(Reduced, Ranged):
    """Options of PSNR.

    Args:
        pooling: ``"image"`` takes one PSNR per image and reduces those, so that the result does not
            depend on the batch size; ``"batch"`` takes the PSNR of the MSE of the whole batch
            (torchmetrics, kornia): one number, whatever the reduction.
        eps: added to the MSE of images scaled to span 1. 0 is the definition; 1e-8 caps at 80 dB
            (pyiqa, piq).
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    pooling: Pooling = "image"
    eps: float = 0.0

    def __post_init__(self) -> None:
        """Raise for what cannot be computed, naming the option."""
        super().__post_init__()
        _checks.choice("pooling", self.pooling, POOLINGS)
        _checks.non_negative("eps", self.eps)


def _psnr(
    pred: Tensor, target: Tensor, options: PSNROptions, *, mask: Tensor | None = None
) -> Tensor:
    """Peak signal-to-noise ratio in dB, ``10 log10(L^2 / (MSE + eps L^2))``.

    It is infinite for equal images, with gradient 0.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        mask: ``(N, 1 or C, H, W)`` weights of the MSE.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, unknown words, an empty ``data_range``.

    Agrees with scikit-image, piq (``eps=1e-8``) and kornia (``"batch"``) to float64 rounding, with
    torchmetrics (``"batch"``) to 2e-6 dB.
    """
    per_image = options.pooling == "image"
    mse = l2_loss(pred, target, mask=mask, reduction="image" if per_image else "mean")
    error = mse / options.span**2 + options.eps
    differs = error != 0  # an infinite PSNR has no slope; its gradient is 0, not NaN
    decibel = torch.where(differs, -10 * torch.log10(torch.where(differs, error, 1)), torch.inf)
    return reduce(decibel, options.reduction) if per_image else decibel


PSNR = Measure(
    "psnr",
    "PSNR",
    "dB",
    "higher",
    float("inf"),
    (float("-inf"), float("inf")),
    "",
    _psnr,
    PSNROptions,
    role="index",
    metric="PSNR",
    agrees="scikit-image, piq, kornia: 1e-10 dB; torchmetrics: 2e-6 dB",
)
psnr = PSNR.score
