"""The options of ``haar_means``."""

from typing import NamedTuple


class Haar(NamedTuple):
    """The options of the operator, in its order."""

    c: float  # the constant of the similarity, on the planes' scale
    alpha: float  # of the logistic curve
