"""Losses as modules: one for every registered measure, and those with a network or other state."""

from ssimloss.losses import derived
from ssimloss.losses.adversarial import AdversarialLoss
from ssimloss.losses.perceptual import PerceptualLoss
from ssimloss.losses.prior import LandmarkLoss, PriorLoss
from ssimloss.losses.similarity import DISTS, LPIPS, DeepPerceptualSimilarity
from ssimloss.losses.texture import ContextualLoss, TextureLoss

_DERIVED = derived.modules()
globals().update(_DERIVED)

__all__ = [
    *_DERIVED,
    "PerceptualLoss",
    "TextureLoss",
    "ContextualLoss",
    "LPIPS",
    "DISTS",
    "DeepPerceptualSimilarity",
    "PriorLoss",
    "LandmarkLoss",
    "AdversarialLoss",
]
