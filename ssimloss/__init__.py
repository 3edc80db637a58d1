"""Differentiable image losses for super-resolution, restoration and GAN training."""

from ssimloss import color, conventions, functional, losses, metrics
from ssimloss._version import __version__
from ssimloss.combined import CombinedLoss, Term
from ssimloss.losses import *  # noqa: F403  # its __all__ follows from the measures
from ssimloss.measure import Measure

__all__ = [
    "__version__",
    "color",
    "conventions",
    "functional",
    "metrics",
    "CombinedLoss",
    "Term",
    "Measure",
]
__all__ += losses.__all__
