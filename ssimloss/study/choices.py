"""Agreement with choices between two images, and with pairs that may look the same.

Zhang et al. 2018.
"""

import math
from functools import partial

import numpy as np
import numpy.typing as npt

from ssimloss.study.bootstrap import Draws
from ssimloss.study.logistic import Array


def two_alternative_score(
    distance_a: npt.ArrayLike, distance_b: npt.ArrayLike, preference: npt.ArrayLike
) -> float:
    """The share of people that the measure agrees with, averaged over the triplets.

    Args:
        distance_a, distance_b: ``(n,)`` distances of the images a and b from the reference.
        preference: ``(n,)`` share of people who judged b to be closer. Equal distances count half.

    Returns:
        A value in [0, 1], NaN without triplets; :func:`human_score` is that of one more observer.
    """
    a, b, share = (np.asarray(v, dtype=np.float64) for v in (distance_a, distance_b, preference))
    return float(np.mean(per_triplet(a, b, share))) if len(a) else math.nan


def per_triplet(distance_a: Array, distance_b: Array, preference: Array) -> Array:
    """The share of people that the measure agrees with for each triplet ``(n,)``."""
    chosen = np.where(distance_b < distance_a, preference, 1.0 - preference)
    return np.where(distance_a == distance_b, 0.5, chosen)


def human_score(preference: npt.ArrayLike) -> float:
    """How often two people agree: ``mean(p^2 + (1 - p)^2)``."""
    share = np.asarray(preference, dtype=np.float64)
    return float(np.mean(share**2 + (1.0 - share) ** 2)) if len(share) else math.nan


def average_precision(distance: npt.ArrayLike, same: npt.ArrayLike) -> float:
    """Area under the curve of precision over recall, for pairs that people call the same.

    Small distances should be the pairs that look the same. Each pair counts as the same with the
    share of people who said so, and as different with the rest. Equal distances count together.

    Args:
        distance: ``(n,)``.
        same: ``(n,)`` shares in [0, 1].

    Returns:
        A value in [0, 1]; NaN if nobody called a pair the same.
    """
    d, share = (np.asarray(values, dtype=np.float64) for values in (distance, same))
    return float(_precision(d, share, np.ones((1, len(d))))[0]) if len(d) else math.nan


def resampled_scores(scores: Array, draws: Draws) -> tuple[float, Array]:
    """The mean of :func:`per_triplet`, and that of each resample."""
    if not len(scores):
        return math.nan, np.full(draws.resamples, math.nan)
    return float(scores.mean()), draws.resampled(lambda weights: weights @ scores / weights.sum(1))


def resampled_precision(distance: Array, same: Array, draws: Draws) -> tuple[float, Array]:
    """:func:`average_precision`, and that of each resample."""
    return average_precision(distance, same), draws.resampled(partial(_precision, distance, same))


def _precision(distance: Array, same: Array, weights: Array) -> Array:
    """Average precision for each row of weights ``(r,)``; NaN without a pair that is the same."""
    order = np.argsort(distance, kind="stable")
    ordered = distance[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    hits = np.cumsum(weights[:, order] * same[order], 1)[:, ends]
    asked = np.cumsum(weights[:, order], 1)[:, ends]
    total = hits[:, -1:]
    precision = hits / np.where(asked > 0, asked, 1.0)
    recall = hits / np.where(total > 0, total, 1.0)
    area = (np.diff(recall, axis=1, prepend=0.0) * precision).sum(1)
    return np.where(total[:, 0] > 0, area, np.nan)
