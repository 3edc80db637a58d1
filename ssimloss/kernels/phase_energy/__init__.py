"""Energy and amplitudes of complex responses, as phase congruency needs them."""

from ssimloss.kernels.phase_energy.operator import PHASE_ENERGY, phase_energy

__all__ = ["PHASE_ENERGY", "phase_energy"]
