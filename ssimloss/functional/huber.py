"""Huber distance: ``d^2 / 2`` up to ``|d| = delta``, ``delta (|d| - delta / 2)`` beyond."""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import huber_loss as huber_loss_of

from ssimloss import _checks
from ssimloss._reduce import Scores
from ssimloss._torch import is_batched_or_dual
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._pixel import PixelOptions, distances
from ssimloss.kernels import Pixelwise
from ssimloss.measure import Measure


class HuberOptions(PixelOptions):
    """Options of the Huber distance.

    Args:
        delta: where the curve turns from L2 to L1, in the images' own units.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.positive("delta", self.delta)


def _huber(
    pred: Tensor, target: Tensor, options: HuberOptions, *, mask: Tensor | None = None
) -> Scores:
    """Huber distance: L2 for small errors, L1 for large ones.

    With ``delta=1``, images in [0, 1] have no large errors, and the value is half of L2.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``delta`` is not positive, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Huber 1964. Agrees with ``huber_loss`` of PyTorch; ``smooth_l1_loss(beta=delta)`` is
    this value divided by ``delta``.
    """
    curve = partial(_curve, delta=options.delta)
    return distances(pred, target, options, mask, Pixelwise("huber", options.delta), curve)


def _curve(difference: Tensor, delta: float) -> Tensor:
    """Per element."""
    if torch.compiler.is_compiling() or is_batched_or_dual(difference):
        size = difference.abs()
        near = size.clamp(max=delta)
        return near * (size - near / 2)
    # The same in one pass; its gradient has no forward-mode derivative.
    zero = torch.zeros_like(difference)
    return huber_loss_of(difference, zero, reduction="none", delta=delta)


HUBER = Measure(
    "huber",
    "Huber distance",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Huber 1964",
    _huber,
    HuberOptions,
    formula="mean of (x - y)^2 / 2, or |x - y| - 1 / 2 beyond 1, of images on a scale of [0, 1]",
    module="HuberLoss",
    metric="Huber",
    agrees="torch: 1e-15",
)
huber = huber_loss = HUBER.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "HUBER",
    HUBER,
    (
        Attribute(
            "delta",
            ("delta",),
            lambda s: f"{s['delta']:g}",
            lambda s: f"d^2 / 2 up to |d| = {s['delta']:g}, a line beyond, at every pixel",
        ),
        OVER_BATCH,
    ),
    Convention("pytorch", "PyTorch with its defaults", "huber_loss(pred, target)", "torch", 1e-14),
    Convention(
        "neosr",
        "neosr with its defaults",
        "HuberLoss()",
        p.NEOSR,
        1e-14,
        same_as="pytorch",
        notes=("For images in [0, 1] it is half of L2, as no error passes delta = 1.",),
    ),
)
