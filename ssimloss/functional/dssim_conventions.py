"""DSSIM, half of 1 - SSIM, as implementations compute it."""

from typing import Any

from torch import Tensor

from ssimloss._reduce import Reduction
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional.ssim import SSIM, ssim_map
from ssimloss.functional.ssim_conventions import MAP, reduced


def _dssim(
    pred: Tensor, target: Tensor, *, reduction: Reduction = "mean", **options: Any
) -> Tensor:
    return reduced(((1 - ssim_map(pred, target, **options)) / 2).clamp(0, 1), reduction)


_ATTRIBUTES = (
    *PREPARATION,
    *MAP,
    Attribute(
        "formula",
        (),
        lambda _: "",
        lambda _: (
            "the map s of (2 mu_x mu_y + C1) (2 cov_xy + C2) / (...) becomes (1 - s) / 2, "
            "clamped to [0, 1], then its mean"
        ),
    ),
    OVER_BATCH,
)

CONVENTIONS = Table(
    "DSSIM",
    SSIM,
    _ATTRIBUTES,
    Convention(
        "kornia",
        "kornia's SSIM loss: half of 1 - SSIM",
        "kornia.losses.ssim_loss(window_size=11)",
        p.KORNIA,
        1e-6,
        p.DENOMINATOR,
        options={"padding": "reflect"},
        notes=(
            "It is half of ssim_loss, so the same weight has half the effect beside other losses.",
        ),
    ),
    Convention(
        "kornia_valid",
        "kornia's SSIM loss, whole windows only",
        "kornia.losses.ssim_loss(window_size=11, padding='valid')",
        p.KORNIA,
        1e-6,
        p.DENOMINATOR,
    ),
    title="DSSIM, a loss",
    function=_dssim,
    call_only=True,
)
