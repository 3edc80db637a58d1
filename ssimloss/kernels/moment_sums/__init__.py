"""Sums over positions of measures of local moments, with or without a mask."""

from ssimloss.kernels.moment_sums.local import Local, LocalKind
from ssimloss.kernels.moment_sums.operator import MOMENT_SUMS, moment_sums

__all__ = ["MOMENT_SUMS", "Local", "LocalKind", "moment_sums"]
