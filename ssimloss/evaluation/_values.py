"""The measures of an evaluation, and their values of one batch of pairs, which is prepared once for
all measures; an error in words for an image that a measure cannot take.
"""

import math
import traceback
from collections.abc import Sequence

import torch
from torch import Tensor

from ssimloss._checks import TooSmallError
from ssimloss.evaluation.result import MetricInfo
from ssimloss.metrics import ImageMeasure, Protocol, measure
from ssimloss.metrics.protocol import Prepared
from ssimloss.metrics.protocols import resolved


def measures_of(
    metrics: Sequence[str | ImageMeasure],
    protocol: str | Protocol | None,
    scale: int | None = None,
) -> list[ImageMeasure]:
    """The measures, those that are named under the protocol.

    Raises:
        ValueError: an unknown name, one twice, none; a scale or a protocol that would be ignored.
        TypeError: one string.
    """
    if isinstance(metrics, str):
        raise TypeError(
            f"metrics must be a sequence of names, got the string {metrics!r}; write ({metrics!r},)"
        )
    rules = None if protocol is None and scale is None else resolved(protocol, scale)
    if metrics and rules is not None and not any(isinstance(one, str) for one in metrics):
        raise ValueError(
            f"protocol={protocol!r} is for metrics that are named; measures have their own: "
            "measure('psnr', protocol)"
        )
    measures = [one if isinstance(one, ImageMeasure) else measure(one, rules) for one in metrics]
    names = [one.name for one in measures]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"metrics must name at least one metric and none twice, got {names}")
    return measures


def info_of(one: ImageMeasure) -> MetricInfo:
    """A measure as results describe it."""
    return MetricInfo(one.name, one.title, one.unit, one.higher_is_better, one.describe())


def values_of(
    measures: Sequence[ImageMeasure], pred: Tensor, target: Tensor
) -> list[list[float | str]]:
    """For each measure, the value of each image, or in words why there is none.

    Args:
        pred, target: ``(N, C, H, W)`` of files: uint8, or float64 in [0, 1].
    """
    memory: Prepared = {}
    return [_values(one, pred, target, memory) for one in measures]


def _values(one: ImageMeasure, pred: Tensor, target: Tensor, memory: Prepared) -> list[float | str]:
    try:
        values = one(pred, target, memory=memory).tolist()
    except TooSmallError as error:  # all of them, which are of one size
        # After the semicolon is a way out for callers of the function; files have no such options.
        what = str(error).rpartition("; ")[0] or str(error)
        return [f"{what}; it takes larger images, or metrics without {one.name!r}"] * len(pred)
    except ValueError as error:
        return [str(error) or "it raised a ValueError"] * len(pred)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # which the command line would show without a place
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise RuntimeError(
            f"the measure {one.name!r} raised {type(error).__name__} in {at.name}, line "
            f"{at.lineno} of {at.filename}: {error}"
        ) from error
    return ["the result is not a number" if math.isnan(value) else value for value in values]
