"""Charbonnier distance: ``sqrt((pred - target)^2 + eps^2)``."""

from functools import partial
from typing import get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._distance import AtZero, charbonnier_curve, check_charbonnier_eps
from ssimloss.functional._pixel import PixelOptions, distances
from ssimloss.kernels import Pixelwise
from ssimloss.measure import Measure

AT_ZERO: tuple[str, ...] = get_args(AtZero)


class CharbonnierOptions(PixelOptions):
    """Options of the Charbonnier distance.

    Args:
        eps: the error at which the curve changes from L2 to L1, in the images' own units.
        at_zero: value at zero error: ``"eps"`` (the formula as published) or ``"zero"`` (``eps``
            subtracted; same gradient).
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            neither masks nor ``at_zero="zero"``.
    """

    eps: float = 1e-3
    at_zero: AtZero = "eps"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_charbonnier_eps(self.eps)
        _checks.choice("at_zero", self.at_zero, AT_ZERO)


def _charbonnier(
    pred: Tensor, target: Tensor, options: CharbonnierOptions, *, mask: Tensor | None = None
) -> Scores:
    """Charbonnier distance, a smooth L1: ``sqrt((pred - target)^2 + eps^2)``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is weighted.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``eps`` is not positive or its square vanishes in float32,
            unknown option values.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier et al. 1994; eps as in LapSRN (Lai et al. 2017). BasicSR's ``eps=1e-12`` is
    eps squared, see ``conventions.CHARBONNIER``.
    """
    # Subtracting eps from the mean would cancel where errors are small.
    uncovered = "no kernel supports at_zero='zero'" if options.at_zero == "zero" else None
    distance = Pixelwise("charbonnier", options.eps)
    curve = partial(charbonnier_curve, eps=options.eps, at_zero=options.at_zero)
    return distances(pred, target, options, mask, distance, curve, uncovered=uncovered)


CHARBONNIER = Measure(
    "charbonnier",
    "Charbonnier distance",
    "",
    "lower",
    None,
    (0.0, float("inf")),
    "Charbonnier et al. 1994; Lai et al. 2017",
    _charbonnier,
    CharbonnierOptions,
    formula="mean of sqrt((x - y)^2 + 0.001^2) of images on a scale of [0, 1]",
    module="CharbonnierLoss",
    metric="Charbonnier",
    agrees="BasicSR, kornia: 1e-15",
)
charbonnier = charbonnier_loss = CHARBONNIER.loss

# --- conventions ----------------------------------------------------------------------------------

_ATTRIBUTES = (
    Attribute(
        "eps",
        ("eps",),
        lambda s: f"{s['eps']:g}",
        lambda s: f"sqrt((x - y)^2 + {s['eps']:g}^2) at every pixel",
    ),
    choice(
        "at zero error",
        "at_zero",
        {"eps": ("eps", ""), "zero": ("0", "minus eps, so that it is 0 for equal images")},
    ),
    OVER_BATCH,
)

CONVENTIONS = Table(
    "CHARBONNIER",
    CHARBONNIER,
    _ATTRIBUTES,
    Convention(
        "lapsrn",
        "the formula as published, eps = 1e-3",
        "LapSRN (Lai et al. 2017)",
        "tests/reference.py",
        1e-12,
    ),
    Convention(
        "basicsr",
        "eps = 1e-12 under the root is 1e-6 in front of it",
        "CharbonnierLoss()",
        "BasicSR 1.4.2; its formula",
        1e-12,
        options={"eps": 1e-6},
        notes=(
            "The original code writes sqrt(d^2 + 1e-12), which is 0 in float16 and has no gradient "
            "there; here it is computed in float32.",
            "Also mmagic and pyiqa, and sqrt(d^2 + eps^2) with eps = 1e-6.",
        ),
    ),
    Convention(
        "kornia",
        "eps = 1, 0 for equal images: nearly L2 for images in [0, 1]",
        "kornia.losses.charbonnier_loss(reduction='mean')",
        p.KORNIA,
        1e-12,
        options={"eps": 1.0, "at_zero": "zero"},
        notes=("The original code's default reduction is 'none'.",),
    ),
)
