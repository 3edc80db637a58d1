"""What is compared: ways to choose the weights of four losses, on two tasks.

A scaled term is the same loss in other units: for example its value times 10,000, as if pixels
ranged from 0 to 255 instead of 0 to 1, or a mean became a sum.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from srgan.losses import CONTENT, TEXTURE, adversarial_loss
from super_resolution.losses import PATCHES, combined, texture
from torch import Tensor, nn

from ssimloss import (
    DWA,
    AdaptiveAdversarial,
    AdversarialLoss,
    Balance,
    CAGrad,
    CombinedLoss,
    GradientShare,
    GradNorm,
    L1Loss,
    PCGrad,
    PerceptualLoss,
    Term,
    TextureLoss,
    Uncertainty,
)

# By hand, for super-resolution as in the demo with its texture term, and for the fine-tuning as in
# train_srgan.py.
BY_HAND = {
    "super_resolution": {"charbonnier": 1.0, "ms_ssim": 0.1, "edge": 0.1, "texture": 1.0},
    "fine_tuning": {"pixel": 1.0, "content": 3e-3, "texture": 0.2, "adversarial": 5e-3},
}
SCALED = {"super_resolution": "texture", "fine_tuning": "content"}
SCALES = (1e-4, 1e4)


@dataclass(frozen=True)
class Variant:
    """A way to choose the weights.

    Attributes:
        name: in the table.
        by_hand: the weights of ``BY_HAND``; otherwise all are 1.
        balance: makes the strategy, or None.
        scale: of the value of the term that ``SCALED`` names.
    """

    name: str
    by_hand: bool = False
    balance: Callable[[], Balance] | None = None
    scale: float = 1.0


def _scaled(name: str, by_hand: bool, balance: Callable[[], Balance] | None) -> list[Variant]:
    return [Variant(f"{name}, one term x {scale:.0e}", by_hand, balance, scale) for scale in SCALES]


COMPARED = [
    Variant("by hand", by_hand=True),
    Variant("all 1"),
    Variant("GradientShare", balance=GradientShare),
    *_scaled("by hand", True, None),
    *_scaled("GradientShare", False, GradientShare),
]
OTHERS = [
    Variant("Uncertainty", balance=Uncertainty),
    Variant("GradNorm", balance=GradNorm),
    Variant("DWA", balance=lambda: DWA(window=20)),
    Variant("PCGrad", balance=PCGrad),
    Variant("CAGrad", balance=CAGrad),
]
ADVERSARIAL = [
    # As in VQGAN: the other weights by hand, and 0.8 of their gradient for the adversarial term
    Variant("AdaptiveAdversarial", by_hand=True, balance=AdaptiveAdversarial),
]


class Scaled(nn.Module):
    """A loss in other units."""

    def __init__(self, loss: nn.Module, scale: float) -> None:
        super().__init__()
        self.loss, self.scale = loss, scale

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return self.scale * self.loss(pred, target)


def super_resolution(variant: Variant) -> CombinedLoss:
    """Charbonnier, MS-SSIM, edges, and texture on the embedded network."""
    losses = {name: term.loss for name, term in combined().items()} | {"texture": texture()}
    return _criterion("super_resolution", losses, {}, variant)


def fine_tuning(variant: Variant) -> tuple[CombinedLoss, AdversarialLoss]:
    """Pixels, deep features, texture and an adversarial term, as in ESRGAN."""
    adversarial = adversarial_loss()
    losses = {
        "pixel": L1Loss(),
        "content": PerceptualLoss("embedded", layers=CONTENT, weights="embedded"),
        "texture": TextureLoss("embedded", layers=TEXTURE, patch_size=PATCHES, weights="embedded"),
    }
    generator = {"adversarial": adversarial.generator_loss}
    return _criterion("fine_tuning", losses, generator, variant), adversarial


def _criterion(
    task: str,
    losses: Mapping[str, Callable[..., Tensor]],
    of_logits: Mapping[str, Callable[..., Tensor]],
    variant: Variant,
) -> CombinedLoss:
    weights = BY_HAND[task] if variant.by_hand else dict.fromkeys(BY_HAND[task], 1.0)
    if variant.name == "AdaptiveAdversarial":
        weights = {**weights, "adversarial": 0.8}
    terms = {}
    for name, loss in losses.items():
        if name == SCALED[task] and variant.scale != 1.0:
            assert isinstance(loss, nn.Module)
            loss = Scaled(loss, variant.scale)
        terms[name] = Term(loss, weights[name])
    for name, loss in of_logits.items():
        terms[name] = Term(loss, weights[name], inputs=("fake_logits", "real_logits"))
    balance = None if variant.balance is None else variant.balance()
    return CombinedLoss(**terms, balance=balance, diagnose_every=20)
