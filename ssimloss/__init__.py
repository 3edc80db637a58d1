"""Differentiable image losses for super-resolution, restoration and GAN training."""

from ssimloss import color, conventions, functional
from ssimloss._version import __version__
from ssimloss.combined import CombinedLoss, Term
from ssimloss.losses import (
    CharbonnierLoss,
    EdgeLoss,
    FocalFrequencyLoss,
    FourierMagnitudeLoss,
    GradientDifferenceLoss,
    GradientSSIMLoss,
    L1Loss,
    L2Loss,
    MSSSIML1Loss,
    MSSSIMLoss,
    SSIML1Loss,
    SSIMLoss,
    StructureCorrelationLoss,
    TotalVariationLoss,
)

__all__ = [
    "__version__",
    "color",
    "conventions",
    "functional",
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
    "CombinedLoss",
    "Term",
]
