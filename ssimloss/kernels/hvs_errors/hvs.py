"""The options of ``hvs_errors``."""

from typing import NamedTuple


class HVS(NamedTuple):
    """The options of the operator, in its order."""

    sensitivity: tuple[float, ...]  # of the eye to each frequency, row by row
    masking: tuple[float, ...] = ()  # likewise; empty if nothing is masked
    weights: tuple[float, ...] = ()  # of the channels, whose sum is compared; empty: each is
