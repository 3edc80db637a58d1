"""One number for each measure, and how much it hangs on the weights of what went into it.

Every factor is a share from 0 (the worst that makes sense) to 1 (the best):

- ``agreement``: the mean over the sets of judgements of the SRCC, of twice the two-alternative
  score minus 1, or of the average precision; never below 0.
- ``orderings``: twice the share of orderings minus 1, so that guessing is 0.
- ``fitness``: of the ranks that all other measures give the pictures a loss leads to, from 1 for
  the first place everywhere to 0 for the last.
- ``speed``: of the time of value and gradient on a logarithmic scale, from 1 for the fastest of
  the study to 0 for the slowest.

The aggregate is their weighted mean. A measure without one of them (no loss, no judgements) has no
aggregate in a study that has it for others: leaving a factor out would be taken for a strength.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

FACTORS: Final = ("agreement", "orderings", "fitness", "speed")
DEFAULT_WEIGHTS: Final[Mapping[str, float]] = dict.fromkeys(FACTORS, 1.0)
WEIGHTINGS: Final = 10_000


@dataclass(frozen=True)
class Aggregate:
    """The aggregate of one measure.

    Args:
        factors: by name, in [0, 1]; those that the study has.
        value: their weighted mean; NaN if one is missing.
        first: in which share of random weightings, all equally likely, the measure is first.
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
        weights: of the factors, not negative; only their proportions count.
        weightings: random weightings for the sensitivity, drawn evenly from all that sum to 1.
        seed: of those.

    Raises:
        ValueError: a weight of an unknown factor, or a negative one; all of them 0.
    """
    _check(weights)
    names = [n for n in FACTORS if any(math.isfinite(f.get(n, math.nan)) for f in factors.values())]
    table = np.array(
        [[found.get(name, math.nan) for name in names] for found in factors.values()],
        dtype=np.float64,
    ).reshape(len(factors), len(names))
    chosen = np.array([weights.get(name, 0.0) for name in names])
    whole = np.isfinite(table).all(1) & bool(names)
    values = np.full(len(factors), math.nan)
    if chosen.sum() > 0:
        values[whole] = table[whole] @ (chosen / chosen.sum())
    first = np.zeros(len(factors))
    if whole.any():
        drawn = np.random.default_rng(seed).dirichlet(np.ones(len(names)), size=weightings)
        scores = drawn @ table[whole].T  # (weightings, measures)
        best = scores == scores.max(1, keepdims=True)
        first[whole] = (best / best.sum(1, keepdims=True)).mean(0)
    return {
        name: Aggregate(dict(zip(names, row.tolist(), strict=True)), float(value), float(share))
        for name, row, value, share in zip(factors, table, values, first, strict=True)
    }


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
    """1 for the first place everywhere, 0 for the last; NaN stays NaN."""
    last = max(sum(math.isfinite(rank) for rank in mean_ranks.values()) - 1, 1)
    return {name: 1.0 - (rank - 1.0) / last for name, rank in mean_ranks.items()}


def _check(weights: Mapping[str, float]) -> None:
    unknown = [name for name in weights if name not in FACTORS]
    if unknown:
        raise ValueError(f"weights must be of {', '.join(FACTORS)}, got one of {unknown[0]!r}")
    wrong = {n: w for n, w in weights.items() if not (math.isfinite(w) and w >= 0)}
    if wrong:
        name, weight = next(iter(wrong.items()))
        raise ValueError(f"the weight of {name} must not be negative, got {weight!r}")
    if not any(weights.values()):
        raise ValueError("at least one weight must be positive")
