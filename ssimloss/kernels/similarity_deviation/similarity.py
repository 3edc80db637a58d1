"""The options of ``similarity_deviation``."""

from typing import NamedTuple


class SimilarityOptions(NamedTuple):
    """The options of the operator, in its order."""

    alpha: float  # weight of the gradients; that of the colours is 1 - alpha
    # Of the similarity of gradients with integer taps, of that of each image with their mean, and
    # of that of colours.
    constants: tuple[float, float, float]
