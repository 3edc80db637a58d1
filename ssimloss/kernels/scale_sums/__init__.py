"""Sums over positions at the four scales of VMAF's features of a frame, and their gradients."""

from ssimloss.kernels.scale_sums.measured import LEAST_SIDE, Measured, SumKind
from ssimloss.kernels.scale_sums.operator import SCALE_SUMS, scale_sums

__all__ = ["LEAST_SIDE", "SCALE_SUMS", "Measured", "SumKind", "scale_sums"]
