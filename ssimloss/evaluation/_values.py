"""Measures of one batch of pairs: images are prepared once for all of them, and a measure that cannot serve says why."""

import math
from collections.abc import Sequence

from torch import Tensor

from ssimloss.metrics import ImageMeasure
from ssimloss.metrics.protocol import Prepared


def values_of(measures: Sequence[ImageMeasure], pred: Tensor, target: Tensor) -> list[list[float | str]]:
    """For each measure the value of each image, or in words why it has none.

    Args:
        pred, target: ``(N, C, H, W)`` float64 in [0, 1], of files.
    """
    memory: Prepared = {}
    return [_values(measure, pred, target, memory) for measure in measures]


def _values(measure: ImageMeasure, pred: Tensor, target: Tensor, memory: Prepared) -> list[float | str]:
    try:
        values = measure(pred, target, memory=memory).tolist()
    except ValueError as error:  # too small for it; they are all of one size
        # What stands behind the semicolon is the way out of who calls the function, with options that files do not have.
        what = str(error).rpartition("; ")[0] or str(error)
        return [f"{what}; it takes larger images, or metrics without {measure.name!r}"] * len(pred)
    return ["the result is not a number" if math.isnan(value) else value for value in values]
