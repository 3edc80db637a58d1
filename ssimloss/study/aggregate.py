"""One value for each measure, and how much it depends on the weights of its factors.

Every factor runs from 0 (worst) to 1 (best):

- ``agreement``: the mean over the sets of judgements of the SRCC, of twice the two-alternative
  score minus 1, or of the average precision; at least 0.
- ``orderings``: twice the share of correct orderings minus 1, so that guessing is 0; at least 0.
- ``fitness``: from the mean rank of the images that the loss produces; 1 if all other measures
  rank them first, 0 if all rank them last.
- ``speed``: from the logarithm of the time of value and gradient; 1 for the fastest measure of the
  study, 0 for the slowest.

The aggregate is the weighted mean of the factors with a positive weight. If a measure lacks one of
them (it has no loss, or no judgements), its aggregate is undefined: the mean of the others would
count the missing factor as a strength.

The aggregate depends on the weights. They are therefore also drawn at random, from the Dirichlet
distribution whose mean is the chosen weighting and whose parameters sum to the number of weighted
factors. With equal weights, all weightings are then equally likely.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ssimloss.study.logistic import Array

FACTORS: Final = ("agreement", "orderings", "fitness", "speed")
DEFAULT_WEIGHTS: Final[Mapping[str, float]] = dict.fromkeys(FACTORS, 1.0)
WEIGHTINGS: Final = 10_000


@dataclass(frozen=True)
class Aggregate:
    """The aggregate of one measure.

    Args:
        factors: by name, in [0, 1]; NaN where the measure lacks one.
        value: their weighted mean; NaN if a factor with a positive weight is missing.
        first: the share of random weightings in which the measure has the largest aggregate. Tied
            measures share a weighting, so that the shares of all measures sum to 1.
    """

    factors: dict[str, float]
    value: float
    first: float


def aggregate(
    factors: Mapping[str, Mapping[str, float]],
    weights: Mapping[str, float] = DEFAULT_WEIGHTS,
    *,
    weightings: int = WEIGHTINGS,
    seed: int = 0,
) -> dict[str, Aggregate]:
    """The weighted mean of each measure's factors, and its sensitivity to the weights.

    Args:
        factors: of each measure, by name of the factor; NaN or missing where it has none.
        weights: of the factors, not negative; 1 for those that are not given. Only their
            proportions count.
        weightings: number of random weightings; see the module for their distribution.
        seed: of the random weightings.

    Raises:
        ValueError: a weight of an unknown factor, a negative one, or all of them 0.
    """
    complete = complete_weights(weights)
    names = [n for n in FACTORS if any(math.isfinite(f.get(n, math.nan)) for f in factors.values())]
    table = np.array(
        [[found.get(name, math.nan) for name in names] for found in factors.values()],
        dtype=np.float64,
    ).reshape(len(factors), len(names))
    chosen = np.array([complete[name] for name in names])
    weighted = table[:, chosen > 0]
    proportions = chosen[chosen > 0] / chosen.sum() if chosen.any() else chosen[:0]
    known = np.isfinite(weighted).all(1) & bool(len(proportions))
    values, first = np.full(len(factors), math.nan), np.zeros(len(factors))
    if known.any():
        values[known] = weighted[known] @ proportions
        drawn = random_weightings(proportions, weightings, seed)
        scores = drawn @ weighted[known].T  # (weightings, measures)
        best = scores == scores.max(1, keepdims=True)
        first[known] = (best / best.sum(1, keepdims=True)).mean(0)
    return {
        name: Aggregate(dict(zip(names, row.tolist(), strict=True)), float(value), float(share))
        for name, row, value, share in zip(factors, table, values, first, strict=True)
    }


def complete_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights of all factors, 1 for those that are not given.

    Raises:
        ValueError: a weight of an unknown factor, a negative one, or all of them 0.
    """
    unknown = [name for name in weights if name not in FACTORS]
    if unknown:
        raise ValueError(f"weights must be of {', '.join(FACTORS)}, got one of {unknown[0]!r}")
    wrong = {n: w for n, w in weights.items() if not (math.isfinite(w) and w >= 0)}
    if wrong:
        name, weight = next(iter(wrong.items()))
        raise ValueError(f"the weight of {name} must be finite and not negative, got {weight!r}")
    complete = {**DEFAULT_WEIGHTS, **weights}
    if not any(complete.values()):
        raise ValueError("at least one weight must be positive, got 0 for all factors")
    return complete


def random_weightings(proportions: Array, count: int, seed: int) -> Array:
    """Random weightings ``(count, factors)`` about the chosen one; see the module.

    Args:
        proportions: positive, with sum 1.
        count: number of weightings.
        seed: of the random draws.
    """
    return np.random.default_rng(seed).dirichlet(len(proportions) * proportions, size=count)


def speed_factors(milliseconds: Mapping[str, float]) -> dict[str, float]:
    """1 for the fastest, 0 for the slowest, by the logarithm of the time; NaN stays NaN."""
    known = [math.log(value) for value in milliseconds.values() if math.isfinite(value)]
    if not known:
        return dict.fromkeys(milliseconds, math.nan)
    low = min(known)
    span = max(known) - low or 1.0
    return {
        name: 1.0 - (math.log(value) - low) / span if math.isfinite(value) else math.nan
        for name, value in milliseconds.items()
    }


def fitness_factors(mean_ranks: Mapping[str, float]) -> dict[str, float]:
    """1 for a mean rank of 1, 0 for the last rank; NaN stays NaN."""
    last = max(sum(math.isfinite(rank) for rank in mean_ranks.values()) - 1, 1)
    return {name: 1.0 - (rank - 1.0) / last for name, rank in mean_ranks.items()}
