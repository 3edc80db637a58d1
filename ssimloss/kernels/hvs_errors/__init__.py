"""Weighted errors of PSNR-HVS and PSNR-HVS-M in blocks of 8 x 8 pixels, and their gradients."""

from ssimloss.kernels.hvs_errors.hvs import HVS
from ssimloss.kernels.hvs_errors.operator import HVS_ERRORS, hvs_errors

__all__ = ["HVS", "HVS_ERRORS", "hvs_errors"]
