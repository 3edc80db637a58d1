"""Distances per pixel, as functions of the difference."""

from typing import Literal

import torch
from torch import Tensor

AtZero = Literal["eps", "zero"]
Distance = Literal["l1", "l2", "charbonnier"]


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
