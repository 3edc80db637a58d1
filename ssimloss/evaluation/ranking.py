"""Which method is best by each metric, and whether the difference is significant."""

import math
from dataclasses import dataclass

from ssimloss.evaluation.fairness import fair_means
from ssimloss.evaluation.result import Comparison, Evaluation

LEVEL = 0.05  # of the corrected p-value below which a difference is called significant


@dataclass(frozen=True)
class Standing:
    """One metric of one method, beside those of the others."""

    mean: float  # over the images of all methods, where a method lacks some of them
    count: int  # of the images that the mean is over, infinite ones included
    is_best: bool  # of several methods
    is_significant: bool  # best, and significantly better than each other method


NO_VALUE = Standing(math.nan, 0, False, False)


def standings(evaluation: Evaluation) -> dict[tuple[str, str], Standing]:
    """By method and metric, where an image has a value. If the means of a metric cannot be
    compared, no method is best.
    """
    fair = {found.metric: found for found in fair_means(evaluation)}
    found = {}
    for metric in evaluation.metrics:
        rows = [row for row in evaluation.summaries if row.metric == metric.name]
        common = fair.get(metric.name)
        means = {row.method: row.mean for row in rows} if common is None else common.means
        numbers = [mean for mean in means.values() if not math.isnan(mean)]
        best = (max if metric.higher_is_better else min)(numbers, default=math.nan)
        for row in rows:
            method = row.method
            is_best = len(means) > 1 and means.get(method) == best
            rivals = [name for name in means if name != method]
            found[method, metric.name] = Standing(
                means.get(method, row.mean),
                common.count if common is not None and common.means else row.count,
                is_best,
                is_best
                and all(
                    _is_better(evaluation, metric.name, metric.higher_is_better, method, rival)
                    for rival in rivals
                ),
            )
    for one in evaluation.sets:
        # A part of a set and a set are not comparable; refused ones have no value.
        whole = {
            row.method: row.value
            for row in evaluation.sets
            if row.metric == one.metric and not row.error and not row.is_part
        }
        best = (max if one.higher_is_better else min)(whole.values(), default=math.nan)
        is_best = len(whole) > 1 and whole.get(one.method) == best
        found[one.method, one.metric] = Standing(one.value, one.count, is_best, False)
    return found


def wins(evaluation: Evaluation, row: Comparison) -> tuple[int, int]:
    """On how many of the compared images the first and the second method is better."""
    higher = next(one.higher_is_better for one in evaluation.metrics if one.name == row.metric)
    first = second = 0
    for image in evaluation.images:
        values = [
            image.values.get(method, {}).get(row.metric, math.nan) for method in evaluation.methods
        ]
        if all(map(math.isfinite, values)):
            x, y = (image.values[method][row.metric] for method in (row.first, row.second))
            first += (x > y) if higher else (x < y)
            second += (y > x) if higher else (y < x)
    return first, second


def _is_better(
    evaluation: Evaluation, metric: str, higher_is_better: bool, method: str, rival: str
) -> bool:
    for row in evaluation.comparisons:
        if row.metric == metric and {row.first, row.second} == {method, rival}:
            ahead = (row.difference > 0) == higher_is_better
            return row.p_holm < LEVEL and ahead == (row.first == method)
    return False
