"""Losses as modules: one for every registered measure, and those with a network or other state."""

from ssimloss.losses import derived
from ssimloss.losses.adversarial import AdversarialLoss
from ssimloss.losses.contextual import ContextualLoss
from ssimloss.losses.deep_similarity import DeepPerceptualSimilarity
from ssimloss.losses.dists import DISTS
from ssimloss.losses.lpips import LPIPS
from ssimloss.losses.network_output import LandmarkLoss, PriorLoss
from ssimloss.losses.perceptual import PerceptualLoss
from ssimloss.losses.texture import TextureLoss

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
