"""How well a measure agrees with opinion scores: rank correlations, Pearson's correlation and the
error after the logistic fit, and whether one measure agrees better than another.

The fit follows VQEG 2000; several comparisons are corrected as in Holm 1979.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from ssimloss import _checks
from ssimloss.evaluation.statistics import holm
from ssimloss.study.bootstrap import (
    RESAMPLES,
    UNDEFINED,
    Draws,
    Interval,
    Weighted,
    correlation_interval,
    difference_p,
    fisher,
    percentile_interval,
)
from ssimloss.study.logistic import Array, Curve, Fit, fit_logistic
from ssimloss.study.weighted import kendall, pearson, root_mean_square, spearman

_CORRELATIONS: Final = {"srcc": spearman, "krcc": kendall, "plcc": pearson}
_STATISTICS: Final = (*_CORRELATIONS, "rmse")


@dataclass(frozen=True)
class Agreement:
    """How well the scores of one measure agree with opinion scores.

    ``srcc`` and ``krcc`` are positive if the measure ranks images as people do, also if lower is
    better for one of the two. ``plcc`` is the correlation of the fitted scores, and ``rmse`` is in
    the unit of the opinion scores. ``note`` states why a statistic is undefined.
    """

    count: int
    srcc: Interval
    krcc: Interval
    plcc: Interval
    rmse: Interval
    fit: Fit | None
    note: str = ""


@dataclass(frozen=True)
class Better:
    """Two measures of the same images: does the first agree more with people?"""

    first: str
    second: str
    difference: float  # of their SRCC, or of the score of another kind of judgements
    p: float
    p_holm: float


def opinion_agreement(
    scores: npt.ArrayLike,
    opinions: npt.ArrayLike,
    *,
    same_direction: bool = True,
    curve: Curve = "monotonic5",
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """The four statistics of a measure's scores, with intervals.

    An undefined statistic is NaN, and the note states why: constant scores or opinions have no
    correlation, and the fit needs as many pairs as it has parameters.

    Args:
        scores, opinions: ``(n,)`` finite numbers.
        same_direction: whether higher is better for both, or lower for both, as for SSIM and MOS.
            False for a distance and MOS, or for a score and DMOS.
        curve: fitted before Pearson's correlation and the error are computed; see
            :mod:`~ssimloss.study.logistic`.
        clusters: a label for each pair, usually its reference image. The bootstrap draws whole
            clusters, since images of one scene are not independent. None draws single pairs.
        resamples: number of bootstrap resamples. The curve is not fitted again in each of them.
        seed: of the resamples.

    Raises:
        ValueError: shapes differ, or a number is not finite.
        ModuleNotFoundError: scipy is not installed.
    """
    x, q = _finite_pairs(scores, opinions)
    draws = Draws(len(x), clusters, resamples, seed)
    constant = [
        name
        for name, values in (("scores", x), ("opinions", q))
        if len(values) and (values == values[0]).all()
    ]
    if len(x) < 2 or constant:
        note = f"{' and '.join(constant)} all the same" if constant else f"{len(x)} judged images"
        return Agreement(len(x), UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, None, note)
    fit, note = None, ""
    try:
        fit = fit_logistic(x, q, curve=curve)
    except ValueError as error:
        note = str(error)
    ranked = x if same_direction else -x
    fitted = None if fit is None else fit(x)
    return Agreement(
        len(x),
        _interval("srcc", ranked, q, draws),
        _interval("krcc", ranked, q, draws),
        UNDEFINED if fitted is None else _interval("plcc", fitted, q, draws),
        UNDEFINED if fitted is None else _interval("rmse", fitted, q, draws),
        fit,
        note,
    )


def compare(
    scores: Mapping[str, npt.ArrayLike],
    opinions: npt.ArrayLike,
    *,
    same_direction: Mapping[str, bool],
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Better]:
    """Every pair of measures: the difference of their SRCC and its p-value.

    Both measures are resampled together, since they judge the same images. The test takes the
    difference of their Fisher transforms as normal, and its standard deviation from the resamples
    of the clusters or pairs (Student's distribution). Holm's method corrects the p-values for the
    number of pairs. Fewer than two images have neither a difference nor a p-value: both are NaN.

    Args:
        scores: ``(n,)`` for each measure, of the same images.
        opinions: ``(n,)``.
        same_direction: for each measure, as in :func:`opinion_agreement`.
        clusters, resamples, seed: as in :func:`opinion_agreement`.

    Raises:
        ValueError: shapes differ, or a number is not finite.
    """
    draws = Draws(np.size(opinions), clusters, resamples, seed)
    centre, spread = {}, {}
    for name, values in scores.items():
        x, q = _finite_pairs(values, opinions)
        x = x if same_direction[name] else -x
        centre[name] = fisher(np.array([statistic("srcc", x, q)]), len(q))[0]
        spread[name] = fisher(draws.resampled(_weighted("srcc", x, q)), len(q))
    return compare_resampled(
        {name: (math.tanh(centre[name]), centre[name], spread[name]) for name in scores},
        draws.units,
    )


def compare_resampled(found: Mapping[str, tuple[float, float, Array]], units: int) -> list[Better]:
    """Every pair of measures, from resamples of the same questions.

    Args:
        found: for each measure its score, and the score and its resamples ``(r,)`` on the scale
            that is tested.
        units: number of independent units that were resampled.
    """
    rows = []
    for first, second in itertools.combinations(found, 2):
        (a, centre_a, spread_a), (b, centre_b, spread_b) = found[first], found[second]
        p = difference_p(centre_a - centre_b, spread_a - spread_b, units)
        rows.append((first, second, a - b, p))
    # An undefined comparison does not count in the correction.
    known = [index for index, row in enumerate(rows) if math.isfinite(row[3])]
    corrected = dict(zip(known, holm([rows[index][3] for index in known]), strict=True))
    return [Better(*row, corrected.get(index, math.nan)) for index, row in enumerate(rows)]


def statistic(name: str, x: Array, q: Array) -> float:
    """One of ``"srcc"``, ``"krcc"``, ``"plcc"``, ``"rmse"``; NaN if it is undefined."""
    weighted = _weighted(name, x, q)
    return float(weighted(np.ones((1, len(x))))[0]) if len(x) else math.nan


def correlation(
    name: str,
    scores: npt.ArrayLike,
    opinions: npt.ArrayLike,
    *,
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """One statistic of the scores as they are, with its bootstrap interval.

    Args:
        name: ``"srcc"``, ``"krcc"``, ``"plcc"`` or ``"rmse"``.
        scores, opinions: ``(n,)`` finite numbers.
        clusters, resamples, seed: as in :func:`opinion_agreement`.

    Raises:
        ValueError: an unknown name, shapes differ, or a number is not finite.
    """
    x, q = _finite_pairs(scores, opinions)
    return _interval(name, x, q, Draws(len(x), clusters, resamples, seed))


def _weighted(name: str, x: Array, q: Array) -> Weighted:
    """The statistic as a function of weights of the pairs."""
    _checks.choice("statistic", name, _STATISTICS)
    if name == "rmse":
        return partial(root_mean_square, x - q)
    return partial(_CORRELATIONS[name], x, q)


def _interval(name: str, x: Array, q: Array, draws: Draws) -> Interval:
    value, resampled = statistic(name, x, q), draws.resampled(_weighted(name, x, q))
    if name == "rmse":
        return percentile_interval(value, resampled, draws.units)
    return correlation_interval(name, value, resampled, len(q), draws.units)


def _finite_pairs(scores: npt.ArrayLike, opinions: npt.ArrayLike) -> tuple[Array, Array]:
    x, q = (np.asarray(values, dtype=np.float64) for values in (scores, opinions))
    if x.ndim != 1 or x.shape != q.shape:
        raise ValueError(f"scores and opinions must have one shape (n,), got {x.shape}, {q.shape}")
    for name, values in (("scores", x), ("opinions", q)):
        if not np.isfinite(values).all():
            index = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(f"{name} must be finite, got {values[index]} at index {index}")
    return x, q
