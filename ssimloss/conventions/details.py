"""Options of a measure that only conventions have: the details in which implementations differ."""

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ssimloss import _options
from ssimloss._precision import full_precision
from ssimloss._reduce import Scores
from ssimloss._torch import plain
from ssimloss.measure import Measure


def with_details(measure: Measure, scores: Callable[..., Scores]) -> Callable[..., Tensor]:
    """The function of a table of conventions.

    Args:
        measure: the measure of the table.
        scores: ``(pred, target, options, **details)`` with the record of the measure. Each detail
            is a keyword argument with a default.

    Returns:
        ``(pred, target, **options)``, whose keyword arguments are the options of the record and the
        details.
    """
    known = _options.names(measure.record)
    equation = full_precision(scores)

    @functools.wraps(scores)
    def function(pred: Tensor, target: Tensor, **given: Any) -> Tensor:
        details = {name: given.pop(name) for name in tuple(given) if name not in known}
        options = measure.record.make(given, measure.name)
        found = equation(plain(pred), plain(target), options, **details)
        return found.reduce(options.reduction)  # type: ignore[attr-defined]  # by its contract

    return function
