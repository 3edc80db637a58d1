"""Phase congruency of gray images."""

from ssimloss.kernels.phase_congruency.operator import PHASE_CONGRUENCY, phase_congruency

__all__ = ["PHASE_CONGRUENCY", "phase_congruency"]
