"""Losses as modules: one for every registered measure, and those with a network or other state."""

from typing import Any

import ssimloss.video  # noqa: F401  # registers VMAF
from ssimloss import measure
from ssimloss.losses import derived
from ssimloss.losses.adversarial import AdversarialLoss
from ssimloss.losses.contextual import ContextualBilateralLoss, ContextualLoss
from ssimloss.losses.deep_similarity import DeepPerceptualSimilarity
from ssimloss.losses.distributions import (
    FDLLoss,
    ProjectedDistributionLoss,
    SlicedWassersteinLoss,
)
from ssimloss.losses.dists import ADISTS, DISTS
from ssimloss.losses.lpips import LPIPS
from ssimloss.losses.network_output import LandmarkLoss, PriorLoss
from ssimloss.losses.perceptual import PerceptualLoss
from ssimloss.losses.sets import CMMDLoss, FrechetLoss, KernelDistanceLoss
from ssimloss.losses.texture import TextureLoss

_DERIVED = derived.modules()
globals().update(_DERIVED)

__all__ = [
    *_DERIVED,
    "PerceptualLoss",
    "TextureLoss",
    "ContextualLoss",
    "ContextualBilateralLoss",
    "FDLLoss",
    "SlicedWassersteinLoss",
    "ProjectedDistributionLoss",
    "LPIPS",
    "DISTS",
    "ADISTS",
    "DeepPerceptualSimilarity",
    "PriorLoss",
    "LandmarkLoss",
    "AdversarialLoss",
    "FrechetLoss",
    "KernelDistanceLoss",
    "CMMDLoss",
]


def __getattr__(name: str) -> Any:
    """Return the module of a measure that was registered after this import."""
    for each in measure.registered():
        if each.module == name:
            return derived.module_of(each)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
