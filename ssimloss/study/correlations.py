"""How well a measure agrees with people: rank correlations, Pearson's correlation and the error
after the logistic fit, with bootstrap intervals, and whether one measure agrees better than
another.

Spearman 1904, Kendall 1945 (tau-b), Pearson 1895; the fit as VQEG 2000. Bootstrap: Efron &
Tibshirani 1993. Several comparisons: Holm 1979.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ssimloss import _checks
from ssimloss.evaluation.statistics import holm
from ssimloss.study.logistic import Array, Curve, Fit, fit_logistic

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 1000
_STATISTICS: Final = ("srcc", "krcc", "plcc", "rmse")


@dataclass(frozen=True)
class Interval:
    """An estimate and where it would lie in 95 % of samples like this one; NaN is undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """How well the scores of one measure agree with opinion scores.

    ``srcc`` and ``krcc`` are positive where the measure orders images as people do, whichever
    direction either of them counts in; ``plcc`` is that of the fitted scores, and ``rmse`` is in
    the unit of the opinion scores.
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
    """Two measures of the same images: does one order them more as people do?"""

    first: str
    second: str
    difference: float  # of their SRCC
    p: float
    p_holm: float


def opinion_agreement(
    scores: npt.ArrayLike,
    opinions: npt.ArrayLike,
    *,
    same_direction: bool = True,
    curve: Curve = "logistic5",
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """The four statistics of a measure's scores, with intervals.

    What is undefined is NaN, and the note says why: scores or opinions that are all the same have
    no correlation, and fewer pairs than parameters no fit.

    Args:
        scores, opinions: ``(n,)`` finite numbers.
        same_direction: whether both count the same way, such as SSIM and MOS; False for a distance
            beside MOS, or a score beside DMOS.
        curve: that is fitted before Pearson's correlation and the error are taken.
        clusters: of each pair a label, usually its reference image. Whole clusters are drawn, since
            images of one scene are not independent. None draws single pairs.
        resamples: bootstrap draws. The curve is not fitted again in each of them.
        seed: of the draws.

    Raises:
        ValueError: shapes differ, or a number is not finite.
        ModuleNotFoundError: scipy is not installed.
    """
    x, q = _finite_pairs(scores, opinions)
    undefined = Interval(math.nan, math.nan, math.nan)
    constant = [
        name
        for name, values in (("scores", x), ("opinions", q))
        if len(values) and (values == values[0]).all()
    ]
    if len(x) < 2 or constant:
        note = f"{' and '.join(constant)} all the same" if constant else f"{len(x)} judged images"
        return Agreement(len(x), undefined, undefined, undefined, undefined, None, note)
    direction = 1.0 if same_direction else -1.0
    fit, note = None, ""
    try:
        fit = fit_logistic(x, q, curve=curve)
    except ValueError as error:
        note = str(error)
    drawn = _draws(len(x), clusters, resamples, seed)
    intervals = {}
    for name in _STATISTICS:
        if fit is None and name in ("plcc", "rmse"):
            intervals[name] = undefined
            continue
        fitted = x if fit is None else fit(x)
        values = fitted if name in ("plcc", "rmse") else direction * x
        intervals[name] = _interval(name, values, q, drawn)
    return Agreement(len(x), **intervals, fit=fit, note=note)


def compare(
    scores: Mapping[str, npt.ArrayLike],
    opinions: npt.ArrayLike,
    *,
    same_direction: Mapping[str, bool],
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Better]:
    """Every pair of measures: the difference of their SRCC, and how likely chance alone makes it.

    The same draws are taken of both measures, which are correlated; the test takes Fisher's
    transform of both, with the spread of their difference over the draws, as normal. P-values are
    corrected for all pairs by Holm's method.

    Args:
        scores: ``(n,)`` of each measure, of the same images.
        opinions: ``(n,)``.
        same_direction: of each measure, as in :func:`opinion_agreement`.
        clusters, resamples, seed: as in :func:`opinion_agreement`.

    Raises:
        ValueError: shapes differ, or a number is not finite.
    """
    q = np.asarray(opinions, dtype=np.float64)
    drawn = _draws(len(q), clusters, resamples, seed)
    centre, spread = {}, {}
    for name, values in scores.items():
        x, q = _finite_pairs(values, opinions)
        x = x if same_direction[name] else -x
        centre[name] = _fisher(np.array([statistic("srcc", x, q)]), len(q))[0]
        spread[name] = _fisher(_resampled("srcc", x, q, drawn), len(q))
    rows = []
    for first, second in itertools.combinations(scores, 2):
        difference = math.tanh(centre[first]) - math.tanh(centre[second])
        p = _normal_p(centre[first] - centre[second], spread[first] - spread[second])
        rows.append((first, second, difference, p))
    # What is undefined is no comparison, and counts as none in the correction.
    known = [index for index, row in enumerate(rows) if math.isfinite(row[3])]
    corrected = dict(zip(known, holm([rows[index][3] for index in known]), strict=True))
    return [Better(*row, corrected.get(index, math.nan)) for index, row in enumerate(rows)]


def statistic(name: str, x: Array, q: Array) -> float:
    """One of ``"srcc"``, ``"krcc"``, ``"plcc"``, ``"rmse"``; NaN where it is undefined."""
    _checks.choice("statistic", name, _STATISTICS)
    if name == "rmse":
        return float(np.sqrt(np.mean((x - q) ** 2)))
    if (x == x[0]).all() or (q == q[0]).all():
        return math.nan
    stats = _scipy_stats()
    if name == "krcc":
        return float(stats.kendalltau(x, q)[0])
    if name == "srcc":
        x, q = stats.rankdata(x), stats.rankdata(q)
    x, q = x - x.mean(), q - q.mean()
    return float(x @ q / math.sqrt((x @ x) * (q @ q)))


def correlation(
    name: str,
    scores: npt.ArrayLike,
    opinions: npt.ArrayLike,
    *,
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """One statistic with its bootstrap interval, of scores as they are.

    Args:
        name: ``"srcc"``, ``"krcc"``, ``"plcc"`` or ``"rmse"``.
        scores, opinions: ``(n,)`` finite numbers.
        clusters, resamples, seed: as in :func:`opinion_agreement`.

    Raises:
        ValueError: an unknown name, shapes differ, or a number is not finite.
    """
    x, q = _finite_pairs(scores, opinions)
    return _interval(name, x, q, _draws(len(x), clusters, resamples, seed))


def two_alternative_score(
    distance_a: npt.ArrayLike, distance_b: npt.ArrayLike, preference: npt.ArrayLike
) -> float:
    """The share of people a measure agrees with, on average over the triplets (Zhang et al. 2018).

    Args:
        distance_a, distance_b: ``(n,)`` of the reference from each image, smaller is nearer.
        preference: ``(n,)`` share of people who took ``b`` for nearer. A tie of the distances
            counts half.

    Returns:
        In [0, 1]; :func:`human_score` is what one more observer would reach.
    """
    a, b, share = (np.asarray(v, dtype=np.float64) for v in (distance_a, distance_b, preference))
    return float(np.mean(per_triplet(a, b, share))) if len(a) else math.nan


def per_triplet(distance_a: Array, distance_b: Array, preference: Array) -> Array:
    """The share of people that the measure agrees with, of each triplet ``(n,)``."""
    chosen = np.where(distance_b < distance_a, preference, 1.0 - preference)
    return np.where(distance_a == distance_b, 0.5, chosen)


def human_score(preference: npt.ArrayLike) -> float:
    """How often two people agree: ``mean(p^2 + (1 - p)^2)``."""
    share = np.asarray(preference, dtype=np.float64)
    return float(np.mean(share**2 + (1.0 - share) ** 2)) if len(share) else math.nan


def average_precision(distance: npt.ArrayLike, same: npt.ArrayLike) -> float:
    """Of just noticeable differences: the area under precision over recall, where small distances
    ought to be the pairs that people call the same.

    Pairs of one distance count together. Each pair counts as the same by the share of people who
    said so, and as different by the rest.

    Args:
        distance: ``(n,)``.
        same: ``(n,)`` shares in [0, 1].

    Returns:
        In [0, 1]; NaN where nobody called a pair the same.
    """
    d, share = (np.asarray(values, dtype=np.float64) for values in (distance, same))
    if not share.sum() > 0:
        return math.nan
    levels, place = np.unique(d, return_inverse=True)
    hits = np.cumsum(np.bincount(place, share, len(levels)))
    misses = np.cumsum(np.bincount(place, 1.0 - share, len(levels)))
    precision, recall = hits / (hits + misses), hits / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def mean_interval(
    values: npt.ArrayLike,
    *,
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """The mean with its bootstrap interval."""
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        return Interval(math.nan, math.nan, math.nan)
    means = [array[chosen].mean() for chosen in _draws(len(array), clusters, resamples, seed)]
    return _percentiles(float(array.mean()), np.array(means))


# --- draws ----------------------------------------------------------------------------------------


def _draws(
    count: int, clusters: Sequence[object] | None, resamples: int, seed: int
) -> list[npt.NDArray[np.intp]]:
    """Indices of each draw with replacement: of single pairs, or of whole clusters."""
    random = np.random.default_rng(seed)
    if clusters is None:
        return [random.integers(count, size=count) for _ in range(resamples)]
    if len(clusters) != count:
        raise ValueError(f"clusters must have one label per pair, got {len(clusters)} for {count}")
    members: dict[object, list[int]] = {}
    for index, label in enumerate(clusters):
        members.setdefault(label, []).append(index)
    groups = [np.array(indices, dtype=np.intp) for indices in members.values()]
    return [
        np.concatenate([groups[i] for i in random.integers(len(groups), size=len(groups))])
        for _ in range(resamples)
    ]


def _resampled(name: str, x: Array, q: Array, drawn: list[npt.NDArray[np.intp]]) -> Array:
    return np.array([statistic(name, x[chosen], q[chosen]) for chosen in drawn])


def _interval(name: str, x: Array, q: Array, drawn: list[npt.NDArray[np.intp]]) -> Interval:
    value, values = statistic(name, x, q), _resampled(name, x, q, drawn)
    if name == "rmse":
        return _percentiles(value, values)
    # Correlations are skewed near 1: the spread is taken of Fisher's transform, where it is not.
    centre = _fisher(np.array([value]), len(q))[0]
    low, high = _normal_interval(centre, _fisher(values, len(q)))
    return Interval(value, math.tanh(low), math.tanh(high))


def _percentiles(value: float, values: Array) -> Interval:
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, float(low), float(high))


def _normal_interval(centre: float, values: Array) -> tuple[float, float]:
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return math.nan, math.nan
    reach = float(_scipy_stats().norm.ppf((1 + CONFIDENCE) / 2) * values.std(ddof=1))
    return centre - reach, centre + reach


def _normal_p(difference: float, spread: Array) -> float:
    """Two-sided, of a difference whose draws are ``spread``."""
    spread = spread[np.isfinite(spread)]
    if len(spread) < 2 or not math.isfinite(difference):
        return math.nan
    deviation = float(spread.std(ddof=1))
    if deviation == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * _scipy_stats().norm.sf(abs(difference) / deviation))


def _fisher(correlations: Array, count: int) -> Array:
    """Fisher's transform of correlations of ``count`` pairs.

    A correlation of exactly 1, which has none, is taken for half a step below: the rank correlation
    next to 1 is ``1 - 12 / (n (n^2 - 1))``.
    """
    limit = 1.0 - 6.0 / (count * (count**2 - 1.0))
    return np.arctanh(np.clip(correlations, -limit, limit))


def _finite_pairs(scores: npt.ArrayLike, opinions: npt.ArrayLike) -> tuple[Array, Array]:
    x, q = (np.asarray(values, dtype=np.float64) for values in (scores, opinions))
    if x.ndim != 1 or x.shape != q.shape:
        raise ValueError(f"scores and opinions must have one shape (n,), got {x.shape}, {q.shape}")
    for name, values in (("scores", x), ("opinions", q)):
        if not np.isfinite(values).all():
            index = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(f"{name} must be finite, got {values[index]} at index {index}")
    return x, q


def _scipy_stats() -> Any:
    """The module."""
    try:
        from scipy import stats
    except ImportError as error:
        raise ModuleNotFoundError(
            "correlations need scipy: pip install 'ssimloss[study]'"
        ) from error
    return stats
