"""Which numbers of several methods may be compared: means over the same images, and metrics of
whole sets.
"""

import math
from dataclasses import dataclass

from ssimloss.evaluation.result import Evaluation


@dataclass(frozen=True)
class FairMeans:
    """The means of one metric over the images for which all methods have finite values. Methods
    without any value are left out.
    """

    metric: str
    count: int
    means: dict[str, float]  # by method; empty where there is no such image


def fair_means(evaluation: Evaluation) -> list[FairMeans]:
    """Fair means of each metric whose means in the summary are over different images."""
    return [
        found
        for metric in evaluation.metrics
        if (found := _fair(evaluation, metric.name)) is not None
    ]


def part_notes(evaluation: Evaluation) -> list[str]:
    """A sentence for each metric and method whose set lacks images or has no value."""
    notes = []
    for one in evaluation.sets:
        if one.error:
            notes.append(f"{one.label} of {one.method} has no value: {one.error}")
        elif one.is_part:
            notes.append(
                f"{one.label} of {one.method} is over {one.count} of {one.reference_count} images "
                "and is not ranked"
            )
    return notes


def _fair(evaluation: Evaluation, metric: str) -> FairMeans | None:
    values = {
        row.method: {
            i: image.values.get(row.method, {}).get(metric, math.nan)
            for i, image in enumerate(evaluation.images)
        }
        for row in evaluation.summaries
        if row.metric == metric
    }
    sets = [
        frozenset(i for i, value in column.items() if math.isfinite(value))
        for column in values.values()
    ]
    if len(set(sets)) < 2:
        return None
    shared = frozenset.intersection(*sets)
    means = (
        {
            method: math.fsum(column[i] for i in shared) / len(shared)
            for method, column in values.items()
        }
        if shared
        else {}
    )
    return FairMeans(metric, len(shared), means)
