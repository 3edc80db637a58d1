"""Errors of structure, ringing and blur of SSIMULACRA 2, as one number per image, and gradients."""

from ssimloss.kernels.visible_errors.operator import VISIBLE_ERRORS, visible_errors
from ssimloss.kernels.visible_errors.visible import Visible

__all__ = ["VISIBLE_ERRORS", "Visible", "visible_errors"]
