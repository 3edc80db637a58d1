"""The options of ``subband_errors``."""

from typing import NamedTuple


class Subbands(NamedTuple):
    """The options of the operator, in its order."""

    weights: tuple[float, ...]  # of the frequencies, row by row, the mean first; 0: left out
    window: tuple[float, ...]  # of three blocks along each axis
    channels: tuple[float, ...]  # their weights; the sum, from 0 to 255, is compared
    # C of the mean and of the others, and a deviation below which values come from rounding.
    constants: tuple[float, ...]
    worst: int  # positions that count in each subband
    low: float
    span: float  # of the data range
