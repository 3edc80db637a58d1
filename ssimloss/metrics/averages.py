"""The mean over images: infinite values of perfect images are counted, not averaged.

Equal images have an infinite PSNR, and one of them would make the mean infinite. The mean therefore
excludes them. An infinity in the worse direction stays in the mean, and so does NaN.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Average(NamedTuple):
    """A mean, and the number of infinite values that it excludes."""

    mean: float
    infinite: int


def perfect_infinity(higher_is_better: bool | None) -> float:
    """The infinite value that a perfect image may have; NaN, which equals no value, if neither
    direction is better.
    """
    if higher_is_better is None:
        return math.nan
    return math.inf if higher_is_better else -math.inf


def exact_sum(values: Sequence[float]) -> float:
    """The sum, rounded once and so independent of the order; infinite or NaN if a value is."""
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


def average(values: Sequence[float], perfect: float) -> Average:
    """The mean of the values that differ from ``perfect``; ``perfect`` if all are equal to it.

    Args:
        values: at least one value.
        perfect: the result of :func:`perfect_infinity`.
    """
    rest = [value for value in values if value != perfect]
    infinite = len(values) - len(rest)
    return Average(exact_sum(rest) / len(rest) if rest else perfect, infinite)
