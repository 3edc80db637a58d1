"""One minus DSS, as one number per image, and its gradients."""

from ssimloss.kernels.subband_errors.operator import SUBBAND_ERRORS, subband_errors
from ssimloss.kernels.subband_errors.subbands import Subbands

__all__ = ["SUBBAND_ERRORS", "Subbands", "subband_errors"]
