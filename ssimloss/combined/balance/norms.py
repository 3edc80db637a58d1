"""Gradient norms and other positive numbers on the device, which may be missing or not finite."""

import torch
from torch import Tensor

from ssimloss import _checks


def is_usable(numbers: Tensor) -> Tensor:
    """Where numbers are positive and finite."""
    return (numbers > 0) & numbers.isfinite()


def inverse(numbers: Tensor) -> Tensor:
    """1 / numbers, and 0 where they are 0."""
    return torch.where(numbers > 0, 1.0 / numbers, torch.zeros_like(numbers))


def checked_bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    """Raise unless ``bounds`` are two numbers of at least 0, in order."""
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise TypeError(f"bounds must be (least, largest), got {bounds!r}")
    least, largest = (_checks.non_negative(f"bounds[{i}]", bound) for i, bound in enumerate(bounds))
    if largest <= least:
        raise ValueError(f"bounds must be in order, least first, got {bounds!r}")
    return least, largest
