"""The options of ``flip_means``."""

from typing import NamedTuple


class Flip(NamedTuple):
    """The options of the operator, in its order."""

    low: float  # of the data range
    span: float
    # Filters down and across of Y, X - Y and, twice, Y - Z: (4, 2, taps), flat.
    sensitivity: tuple[float, ...]
    # A Gaussian, and its first and second derivative: (3, taps), flat.
    detection: tuple[float, ...]
