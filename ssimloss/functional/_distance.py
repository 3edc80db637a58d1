"""Distances per pixel, as functions of the difference."""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks

AtZero = Literal["eps", "zero"]
Distance = Literal["l1", "l2", "charbonnier"]
DISTANCES: tuple[str, ...] = get_args(Distance)
LEAST_EPS = 1e-18  # a smaller one vanishes in float32 when squared


def check_distance(distance: str, eps: float) -> None:
    """Raise for an unknown distance, and for an ``eps`` that is too small."""
    _checks.choice("distance", distance, DISTANCES)
    check_charbonnier_eps(eps)


def check_charbonnier_eps(eps: float) -> None:
    """Raise for an ``eps`` whose square vanishes in float32: the gradient at 0 would be NaN."""
    if _checks.positive("eps", eps) < LEAST_EPS:
        raise ValueError(
            f"eps must be at least {LEAST_EPS} (a smaller one vanishes in float32 when squared), "
            f"got {eps!r}; use l1_loss"
        )


def distance_of(difference: Tensor, distance: Distance, eps: float) -> Tensor:
    """``|d|``, ``d^2`` or ``sqrt(d^2 + eps^2)`` per element."""
    if distance == "charbonnier":
        return charbonnier_curve(difference, eps)
    return difference.abs() if distance == "l1" else difference.square()


def charbonnier_curve(d: Tensor, eps: float, at_zero: AtZero = "eps") -> Tensor:
    """``sqrt(d^2 + eps^2)`` per element; for ``at_zero="zero"`` minus ``eps``, in a form without
    cancellation.
    """
    root = torch.sqrt(d.square() + eps**2)
    return root if at_zero == "eps" else d.square() / (root + eps)
