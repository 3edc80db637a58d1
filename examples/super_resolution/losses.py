"""The available training losses, each a ``CombinedLoss``, so that every term has a name and a value
to show.
"""

from collections.abc import Callable

from ssimloss import (
    CharbonnierLoss,
    CombinedLoss,
    EdgeLoss,
    L1Loss,
    L2Loss,
    MSSSIML1Loss,
    MSSSIMLoss,
    SSIMLoss,
    Term,
    TextureLoss,
)


def combined() -> dict[str, Term]:
    """Crops of 48 pixels have room for three of the five scales of MS-SSIM; "fewer_scales" allows
    this.
    """
    return {
        "charbonnier": Term(CharbonnierLoss(), 1.0),
        "ms_ssim": Term(MSSSIMLoss(min_size="fewer_scales"), 0.1),
        "edge": Term(EdgeLoss(), 0.1),
    }


def texture() -> TextureLoss:
    """Statistics of the features of the embedded network, in patches of 16x16 pixels as in
    EnhanceNet.
    """
    return TextureLoss(
        "embedded",
        layers={"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0},
        patch_size=PATCHES,
        weights="embedded",
    )


PATCHES = {"relu1_2": 16, "relu2_2": 8, "relu3_3": 4}

# By name, made with options of CombinedLoss such as ``diagnose_every``.
LOSSES: dict[str, Callable[..., CombinedLoss]] = {
    "combined": lambda **options: CombinedLoss(**combined(), **options),
    "texture": lambda **options: CombinedLoss(
        **combined(), texture=Term(texture(), 1.0), **options
    ),
    "l2": lambda **options: CombinedLoss(l2=Term(L2Loss()), **options),
    "l1": lambda **options: CombinedLoss(l1=Term(L1Loss()), **options),
    "charbonnier": lambda **options: CombinedLoss(charbonnier=Term(CharbonnierLoss()), **options),
    "ssim": lambda **options: CombinedLoss(ssim=Term(SSIMLoss()), **options),
    "ms_ssim": lambda **options: CombinedLoss(
        ms_ssim=Term(MSSSIMLoss(min_size="fewer_scales")), **options
    ),
    "ms_ssim_l1": lambda **options: CombinedLoss(ms_ssim_l1=Term(MSSSIML1Loss()), **options),
}

# The comparison for a loss: the same loss without the term that it is named after.
WITHOUT = {"texture": "combined"}
