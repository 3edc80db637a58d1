"""Images at the positions that a flow moves."""

from ssimloss.kernels.warped.operator import WARPED, warped

__all__ = ["WARPED", "warped"]
