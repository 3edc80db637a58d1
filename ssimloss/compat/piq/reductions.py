"""The reductions of piq: ``"none"``, ``"mean"`` and ``"sum"`` over one value per image."""

from collections.abc import Callable
from typing import Any, Literal, get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._reduce import reduce

Reduction = Literal["none", "mean", "sum"]
REDUCTIONS: tuple[str, ...] = get_args(Reduction)


def check_reduction(reduction: Reduction) -> None:
    """Raise for an unknown reduction."""
    _checks.choice("reduction", reduction, REDUCTIONS)


def reduced(
    measure: Callable[..., Tensor], *images: Any, reduction: Reduction, **options: Any
) -> Tensor:
    """A measure of images whose values ``(N,)`` are reduced as in piq."""
    check_reduction(reduction)
    if reduction == "mean":
        return measure(*images, reduction="mean", **options)
    values = measure(*images, reduction="image", **options)
    return reduce(values, "sum") if reduction == "sum" else values
