"""The equations of ``ssimloss.functional`` as modules."""

from ssimloss.losses.adversarial import AdversarialLoss, FeatureMatchingLoss
from ssimloss.losses.consistency import CycleConsistencyLoss
from ssimloss.losses.frequency import FocalFrequencyLoss, FourierMagnitudeLoss
from ssimloss.losses.gradient import EdgeLoss, GradientDifferenceLoss
from ssimloss.losses.perceptual import PerceptualLoss
from ssimloss.losses.pixel import CharbonnierLoss, L1Loss, L2Loss
from ssimloss.losses.prior import LandmarkLoss, PriorLoss
from ssimloss.losses.similarity import DISTS, LPIPS, DeepPerceptualSimilarity
from ssimloss.losses.smoothness import TotalVariationLoss
from ssimloss.losses.structure import (
    GradientSSIMLoss,
    MSSSIML1Loss,
    MSSSIMLoss,
    SSIML1Loss,
    SSIMLoss,
    StructureCorrelationLoss,
)
from ssimloss.losses.texture import ContextualLoss, TextureLoss

__all__ = [
    "SSIMLoss",
    "MSSSIMLoss",
    "MSSSIML1Loss",
    "SSIML1Loss",
    "GradientSSIMLoss",
    "StructureCorrelationLoss",
    "L1Loss",
    "L2Loss",
    "CharbonnierLoss",
    "TotalVariationLoss",
    "EdgeLoss",
    "GradientDifferenceLoss",
    "FocalFrequencyLoss",
    "FourierMagnitudeLoss",
    "PerceptualLoss",
    "TextureLoss",
    "ContextualLoss",
    "LPIPS",
    "DISTS",
    "DeepPerceptualSimilarity",
    "CycleConsistencyLoss",
    "PriorLoss",
    "LandmarkLoss",
    "AdversarialLoss",
    "FeatureMatchingLoss",
]
