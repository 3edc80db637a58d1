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
    """The infinity that a perfect image may have; NaN, which equals nothing, where neither
    direction is better.
    """
    if higher_is_better is None:
        return math.nan
    return math.inf if higher_is_better else -math.inf


def exact_sum(values: Sequence[float]) -> float:
    """The sum, rounded once and so independent of the order; infinite or NaN where a value is."""
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


def average(values: Sequence[float], perfect: float) -> Average:
    """The mean of the values that differ from ``perfect``; ``perfect`` if there are only such.

    Args:
        values: at least one.
        perfect: of :func:`perfect_infinity`.
    """
    rest = [value for value in values if value != perfect]
    infinite = len(values) - len(rest)
    return Average(exact_sum(rest) / len(rest) if rest else perfect, infinite)
