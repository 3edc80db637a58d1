"""Statistics over images: mean, deviation, confidence interval, and whether one method is better
than another.

Bootstrap intervals: Efron and Tibshirani 1993, percentiles. Sign-flip permutation test of paired
differences: Fisher 1935. Several comparisons: Holm 1979. Everything random is seeded, so that the
same inputs return the same values.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ssimloss.evaluation.result import Comparison, ImageRecord, MetricInfo, Summary
from ssimloss.metrics.averages import average, perfect_infinity

RESAMPLES = 10_000
CONFIDENCE = 0.95

_Array = npt.NDArray[np.float64]
_ROOM = 4_000_000  # numbers drawn at a time
_EXACT = 13  # up to so many differences all sign flips are tried: 8192


def summarise(
    images: Sequence[ImageRecord], methods: Sequence[str], metrics: Sequence[MetricInfo]
) -> list[Summary]:
    """One summary for each method and metric that has a value."""
    rows = []
    for metric in metrics:
        for method in methods:
            named = [
                (image.values[method][metric.name], image.name)
                for image in images
                if metric.name in image.values.get(method, {})
            ]
            if named:
                rows.append(
                    _summary(
                        method, metric, [value for value, _ in named], [name for _, name in named]
                    )
                )
    return rows


def compare_methods(
    images: Sequence[ImageRecord], methods: Sequence[str], metrics: Sequence[MetricInfo]
) -> list[Comparison]:
    """Every pair of methods by every metric, over the images with finite values of all methods."""
    rows = []
    for metric in metrics:
        values = np.array(
            [
                [image.values[method][metric.name] for method in methods]
                for image in images
                if all(
                    math.isfinite(image.values.get(method, {}).get(metric.name, math.nan))
                    for method in methods
                )
            ],
            dtype=np.float64,
        ).reshape(-1, len(methods))
        for first, second in itertools.combinations(range(len(methods)), 2):
            differences = values[:, first] - values[:, second]
            if len(differences):
                low, high = bootstrap_interval(differences)
                p = sign_flip_p(differences)
                rows.append(
                    (
                        metric.name,
                        methods[first],
                        methods[second],
                        len(differences),
                        mean(differences),
                        low,
                        high,
                        p,
                    )
                )
    corrected = holm([row[-1] for row in rows])
    return [Comparison(*row, p_holm) for row, p_holm in zip(rows, corrected, strict=True)]


def mean(values: npt.ArrayLike) -> float:
    """The mean, correctly rounded whatever the order; NaN for no values."""
    listed = np.asarray(values, dtype=np.float64).tolist()
    return math.fsum(listed) / len(listed) if listed else math.nan


def bootstrap_interval(
    values: npt.ArrayLike, *, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The confidence interval of the mean: percentiles of the means of resamples.

    Args:
        values: ``(N,)``, finite. Both ends are NaN for a single value.
    """
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2:
        return math.nan, math.nan
    centre = mean(array)
    deviations = array - centre  # equal values then give their mean exactly
    random = np.random.default_rng(0)
    at_once = max(1, _ROOM // len(array))
    means = np.concatenate(
        [
            deviations[
                random.integers(len(array), size=(min(at_once, resamples - start), len(array)))
            ].mean(1)
            for start in range(0, resamples, at_once)
        ]
    )
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(centre + low), float(centre + high)


def sign_flip_p(differences: npt.ArrayLike, *, resamples: int = RESAMPLES) -> float:
    """The two-sided p-value of the mean difference under the hypothesis that neither method is
    better.

    Under that hypothesis each difference could have the other sign. All sign flips are tried if
    there are at most 8192; otherwise ``resamples`` of them are drawn, and the smallest possible
    value is ``1 / (resamples + 1)``.

    Args:
        differences: ``(N,)``, finite.
    """
    array = np.asarray(differences, dtype=np.float64)
    # Sums of the same numbers in another order count as equal.
    seen = abs(array.sum()) * (1 - 1e-12)
    if len(array) <= _EXACT:
        flips = np.array(list(itertools.product((1.0, -1.0), repeat=len(array)))).reshape(
            -1, len(array)
        )
        return float((np.abs(flips @ array) >= seen).mean())
    random = np.random.default_rng(0)
    at_once = max(1, _ROOM // len(array))
    extreme = 0
    for start in range(0, resamples, at_once):
        signs = random.integers(
            2, size=(min(at_once, resamples - start), len(array)), dtype=np.int8
        )
        extreme += int((np.abs((2.0 * signs - 1) @ array) >= seen).sum())
    return (extreme + 1) / (resamples + 1)


def holm(p: Sequence[float]) -> list[float]:
    """P-values corrected for several comparisons: the smallest times their number, the next times
    one less, never decreasing.
    """
    corrected = [0.0] * len(p)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        largest = max(largest, min(1.0, p[index] * (len(p) - rank)))
        corrected[index] = largest
    return corrected


def _summary(method: str, metric: MetricInfo, values: list[float], names: list[str]) -> Summary:
    found = average(values, perfect_infinity(metric.higher_is_better))
    rest = [value for value in values if math.isfinite(value)]
    if math.isfinite(found.mean):
        low, high = bootstrap_interval(rest)
        deviation = math.sqrt(mean([(value - found.mean) ** 2 for value in rest]))
    else:
        low = high = found.mean
        deviation = 0.0 if found.infinite == len(values) else math.nan
    order = sorted(range(len(values)), key=lambda i: values[i], reverse=metric.higher_is_better)
    return Summary(
        method=method,
        metric=metric.name,
        count=len(values),
        mean=found.mean,
        std=deviation,
        low=low,
        high=high,
        best=names[order[0]],
        worst=names[order[-1]],
        infinite=found.infinite,
    )
