"""Bootstrap of judged pairs: how often each resample draws each pair, and the intervals.

A resample is a row of weights: how many times it contains each pair. Every statistic of this room
is a function of such weights, so that all resamples are computed at once.

Resamples of K independent units (pairs or scenes) vary too little: the variance of a mean is
``(K - 1) / K`` times the sampling variance. The standard deviation of the resamples is therefore
multiplied by ``sqrt(K / (K - 1))``, and the quantiles are those of Student's distribution with
``K - 1`` degrees of freedom (Hesterberg 2015).

Efron & Tibshirani 1993; standard errors on Fisher's scale: Fisher 1921, Fieller, Hartley & Pearson
1957, Bonett & Wright 2000. Means over few photographs: Student 1908.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ssimloss.study.logistic import Array

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 1000
_ROOM: Final = 2_000_000  # weights held at a time
# With fewer pairs, resamples of a strong correlation are often perfect and vary too little.
_FEW: Final = 20

Weighted = Callable[[Array], Array]  # weights (r, n) of r resamples to their statistics (r,)


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval, which always contains it; NaN where undefined."""

    value: float
    low: float
    high: float


UNDEFINED: Final = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Draws:
    """The resamples of one study; the same object always draws the same.

    Args:
        count: number of pairs.
        clusters: a label for each pair, usually its reference image. Resamples draw whole clusters,
            since images of one scene are not independent. None draws single pairs.
        resamples: number of resamples.
        seed: of the random draws.

    Raises:
        ValueError: ``clusters`` has another length than ``count``.
    """

    count: int
    clusters: Sequence[object] | None = None
    resamples: int = RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the labels."""
        if self.clusters is not None and len(self.clusters) != self.count:
            raise ValueError(
                f"clusters must have one label per pair, got {len(self.clusters)} for {self.count}"
            )

    @property
    def units(self) -> int:
        """Number of independent units: of distinct labels, or of pairs."""
        return self.count if self.clusters is None else len(set(self.clusters))

    def weights(self) -> Iterator[Array]:
        """Yield weights ``(r, count)`` of successive resamples."""
        labels = range(self.count) if self.clusters is None else self.clusters
        number = {label: index for index, label in enumerate(dict.fromkeys(labels))}
        cluster = np.array([number[label] for label in labels], dtype=np.intp)
        random = np.random.default_rng(self.seed)
        at_once = max(1, _ROOM // max(1, self.count))
        for start in range(0, self.resamples, at_once):
            rows = min(at_once, self.resamples - start)
            drawn = random.integers(len(number), size=(rows, len(number)))
            drawn += len(number) * np.arange(rows)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=rows * len(number))
            yield counts.reshape(rows, -1)[:, cluster].astype(np.float64)

    def resampled(self, statistic: Weighted) -> Array:
        """The statistic of each resample ``(resamples,)``; NaN where it is undefined."""
        if not self.count:
            return np.full(self.resamples, math.nan)
        return np.concatenate([statistic(weights) for weights in self.weights()])


def percentile_interval(value: float, resampled: Array, units: int) -> Interval:
    """Percentiles of the resamples, extended to the estimate if it lies outside.

    With few units, the percentiles lie farther out than 2.5 and 97.5 (Hesterberg 2015).

    Args:
        value: the estimate.
        resampled: the statistic of each resample; NaN is ignored.
        units: number of independent units that were resampled; with fewer than two, the interval
            is undefined.
    """
    known = resampled[np.isfinite(resampled)]
    if len(known) < 2 or units < 2 or not math.isfinite(value):
        return Interval(value, math.nan, math.nan)
    below = float(scipy_stats().norm.cdf(-_reach(units)))
    low, high = np.quantile(known, [below, 1 - below])
    return Interval(value, min(float(low), value), max(float(high), value))


def correlation_interval(
    name: str, value: float, resampled: Array, count: int, units: int
) -> Interval:
    """The bootstrap standard interval on Fisher's scale, ``atanh(r)``, transformed back.

    Correlations near 1 are skewed, and their Fisher transform is not. The interval is centred on
    the estimate there, so that it contains it; percentiles need not. With fewer than 20 pairs the
    standard error is at least that of normal samples: a perfect correlation has resamples that are
    all perfect and no spread.

    Args:
        name: ``"srcc"``, ``"krcc"`` or ``"plcc"``.
        value: the estimate.
        resampled: the correlation of each resample; NaN is ignored.
        count: number of pairs.
        units: number of independent units that were resampled; with fewer than two, the interval
            is undefined.
    """
    known = resampled[np.isfinite(resampled)]
    if len(known) < 2 or units < 2 or not math.isfinite(value):
        return Interval(value, math.nan, math.nan)
    reach = _reach(units) * float(fisher(known, count, name).std(ddof=1))
    if count < _FEW:
        normal = float(scipy_stats().norm.ppf((1 + CONFIDENCE) / 2))
        reach = max(reach, normal * _normal_error(name, value, count))
    centre = float(fisher(np.array([value]), count, name)[0])
    low, high = math.tanh(centre - reach), math.tanh(centre + reach)
    return Interval(value, min(low, value), max(high, value))


def mean_interval(values: npt.ArrayLike) -> Interval:
    """The mean of independent values with Student's interval; no interval for a single value.

    Args:
        values: ``(n,)``, finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        return UNDEFINED
    mean = float(array.mean())
    if len(array) < 2:
        return Interval(mean, math.nan, math.nan)
    quantile = float(scipy_stats().t.ppf((1 + CONFIDENCE) / 2, len(array) - 1))
    reach = quantile * float(array.std(ddof=1)) / math.sqrt(len(array))
    return Interval(mean, mean - reach, mean + reach)


def paired_p(differences: npt.ArrayLike) -> float:
    """Two-sided p-value of Student's test that the mean of paired differences is 0.

    It is undefined for a single difference, and for equal differences other than 0: neither shows
    how much they would vary.

    Args:
        differences: ``(n,)``, finite.
    """
    array = np.asarray(differences, dtype=np.float64)
    if len(array) < 2:
        return math.nan
    if np.ptp(array) <= 1e-12 * float(np.abs(array).max()):  # their deviation is rounding alone
        return 1.0 if not array.any() else math.nan
    return float(scipy_stats().ttest_1samp(array, 0.0).pvalue)


def difference_p(difference: float, resampled: Array, units: int) -> float:
    """Two-sided p-value of a difference, by Student's distribution with the standard deviation of
    its resamples.

    It is undefined if all resamples differ by the same amount, or with fewer than two units: they
    do not show how much the difference would vary.

    Args:
        difference: the estimate.
        resampled: the difference in each resample; NaN is ignored.
        units: number of independent units that were resampled.
    """
    known = resampled[np.isfinite(resampled)]
    if len(known) < 2 or units < 2 or not math.isfinite(difference):
        return math.nan
    if (known == known[0]).all():  # their deviation is 0 only up to rounding
        return 1.0 if difference == 0 else math.nan
    error = _inflation(units) * float(known.std(ddof=1))
    return float(2 * scipy_stats().t.sf(abs(difference) / error, units - 1))


def fisher(correlations: Array, count: int, name: str = "srcc") -> Array:
    """Fisher's transform ``atanh(r)`` of correlations of ``count`` pairs.

    It is infinite at 1. The rank correlation next to 1 is ``1 - 12 / (n (n^2 - 1))`` (Spearman) or
    ``1 - 4 / (n (n - 1))`` (Kendall); a perfect correlation is moved half that step away from 1.
    Fewer than two pairs have no correlation, and the result is NaN.
    """
    if count < 2:
        return np.full(correlations.shape, math.nan)
    step = 4.0 / (count * (count - 1.0)) if name == "krcc" else 12.0 / (count * (count**2 - 1.0))
    return np.arctanh(np.clip(correlations, step / 2 - 1.0, 1.0 - step / 2))


def scipy_stats() -> Any:
    """Import ``scipy.stats``."""
    try:
        from scipy import stats
    except ImportError as error:
        raise ModuleNotFoundError("a study needs scipy: pip install 'ssimloss[study]'") from error
    return stats


def _inflation(units: int) -> float:
    """Sampling deviation over that of the resamples."""
    return math.sqrt(units / (units - 1))


def _reach(units: int) -> float:
    """Half the length of an interval, in standard deviations of the resamples."""
    quantile = float(scipy_stats().t.ppf((1 + CONFIDENCE) / 2, units - 1))
    return _inflation(units) * quantile


def _normal_error(name: str, value: float, count: int) -> float:
    """Standard error of ``atanh(r)`` for normal samples; infinite for too few pairs."""
    free = count - (4 if name == "krcc" else 3)
    if free <= 0:
        return math.inf
    variance = {"srcc": 1.0 + value**2 / 2.0, "krcc": 0.437, "plcc": 1.0}[name]
    return math.sqrt(variance / free)
