"""Correlations and errors of weighted pairs, for many sets of weights at once.

A weight counts how often a pair occurs, so that the rows of weights of a bootstrap yield the
statistics of all resamples: Pearson 1895; Spearman 1904 on mid-ranks; Kendall's tau-b (1945), its
discordant pairs counted by merging as in Knight 1966.
"""

import numpy as np
import numpy.typing as npt

from ssimloss.study.logistic import Array

_Places = npt.NDArray[np.intp]
_CONSTANT = 1e-12  # variance of a resample, in parts of that of all pairs, that is rounding alone


def pearson(x: Array, q: Array, weights: Array) -> Array:
    """Pearson's correlation for each row of weights.

    Args:
        x, q: ``(n,)``.
        weights: ``(r, n)``, not negative.

    Returns:
        ``(r,)``; NaN where one of the two is constant.
    """
    x, q = x - x.mean(), q - q.mean()
    total = weights.sum(1)
    mean_x, mean_q = weights @ x / total, weights @ q / total
    var_x = weights @ x**2 / total - mean_x**2
    var_q = weights @ q**2 / total - mean_q**2
    varies = (var_x > _CONSTANT * np.mean(x**2)) & (var_q > _CONSTANT * np.mean(q**2))
    cov = weights @ (x * q) / total - mean_x * mean_q
    return _ratio(cov, np.sqrt(np.where(varies, var_x * var_q, 0.0)))


def spearman(x: Array, q: Array, weights: Array) -> Array:
    """Pearson's correlation of the mid-ranks; arguments as in :func:`pearson`."""
    middle = (weights.sum(1, keepdims=True) + 1) / 2
    rank_x, rank_q = (_midranks(_places(values), weights) - middle for values in (x, q))
    var_x, var_q = (weights * rank_x**2).sum(1), (weights * rank_q**2).sum(1)
    return _ratio((weights * rank_x * rank_q).sum(1), np.sqrt(var_x * var_q))


def kendall(x: Array, q: Array, weights: Array) -> Array:
    """Kendall's tau-b; arguments as in :func:`pearson`."""
    place_x, place_q = _places(x), _places(q)
    both = _places(place_x * (place_q.max() + 1) + place_q)
    total = weights.sum(1)
    pairs = total * (total - 1) / 2
    tied_x, tied_q, tied = (
        (counts * (counts - 1) / 2).sum(1)
        for counts in (_per_level(place, weights) for place in (place_x, place_q, both))
    )
    surplus = pairs - tied_x - tied_q + tied - 2 * _discordant(place_x, place_q, weights)
    return _ratio(surplus, np.sqrt((pairs - tied_x) * (pairs - tied_q)))


def root_mean_square(errors: Array, weights: Array) -> Array:
    """Root of the weighted mean of the squares of ``errors`` ``(n,)``, for each row of weights."""
    root: Array = np.sqrt(weights @ errors**2 / weights.sum(1))
    return root


def _ratio(numerator: Array, denominator: Array) -> Array:
    """The quotient in [-1, 1], NaN where the denominator is 0."""
    known = denominator > 0
    quotient = numerator / np.where(known, denominator, 1.0)
    return np.where(known, np.clip(quotient, -1.0, 1.0), np.nan)


def _places(values: npt.NDArray[np.generic]) -> _Places:
    """The place of each value among the distinct ones, from 0."""
    places: _Places = np.unique(values, return_inverse=True)[1].astype(np.intp)
    return places


def _per_level(place: _Places, weights: Array) -> Array:
    """The weight of each distinct value ``(r, levels)``."""
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    return np.add.reduceat(weights[:, order], starts, axis=1)


def _midranks(place: _Places, weights: Array) -> Array:
    """Ranks from 1, the mean rank for equal values ``(r, n)``."""
    counts = _per_level(place, weights)
    return (np.cumsum(counts, 1) - (counts - 1) / 2)[:, place]


def _discordant(place_x: _Places, place_q: _Places, weights: Array) -> Array:
    """Weighted number of pairs that ``x`` and ``q`` order differently ``(r,)``.

    With the pairs in the order of ``x``, neighbouring blocks of 1, 2, 4, ... are merged by ``q``.
    The merges do not depend on the weights, which only add up.
    """
    order = np.lexsort((place_q, place_x))
    q, weights = place_q[order], weights[:, order]
    index = np.arange(len(q))
    found = np.zeros(len(weights))
    size = 1
    while size < len(q):
        block, right = index // (2 * size), index // size % 2 == 1
        # Larger q first; of equal q, those of the right half first, which makes them no pair.
        merged = np.lexsort((~right, -q, block))
        left = np.where(right[merged], 0.0, weights[:, merged])
        larger = np.cumsum(left, 1)
        # The sum restarts with each block.
        before = (larger - left)[:, np.searchsorted(block, block)]
        found += np.where(right[merged], weights[:, merged] * (larger - before), 0.0).sum(1)
        size *= 2
    return found
