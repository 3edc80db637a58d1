"""The options of ``color_means``."""

from typing import NamedTuple


class Colors(NamedTuple):
    """The options of the operator, in its order."""

    low: float = 0.0  # of the data range
    span: float = 1.0
    k_l: float = 1.0  # tolerances of lightness, chroma and hue
    k_c: float = 1.0
    k_h: float = 1.0
