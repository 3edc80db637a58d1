"""Errors that name the arguments of the call form in use, and the checks that several share."""

import functools
import re
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from torch import Tensor

from ssimloss import _checks

P = ParamSpec("P")
R = TypeVar("R")


def named(words: dict[str, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Replace words in the errors of a function.

    Args:
        words: name of this library -> name in the call form.
    """
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words))

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except (TypeError, ValueError, RuntimeError) as error:
                if error.args and isinstance(error.args[0], str):
                    text = pattern.sub(lambda found: words[found[0]], error.args[0])
                    error.args = (text, *error.args[1:])
                raise

        return call

    return decorate


def check_window(images: str, size: Sequence[int], taps: int, way_out: str) -> None:
    """Raise for images that no whole window fits in.

    Args:
        images: names of the two.
        size: their spatial size.
        taps: length of the window.
        way_out: what the call form offers.
    """
    if min(size) < taps:
        raise ValueError(
            f"{images} of {tuple(size)} pixels are smaller than the window of {taps}; use larger "
            f"images or {way_out}"
        )


def check_odd(name: str, value: int) -> None:
    """Demand an odd window."""
    if _checks.count(name, value) % 2 == 0:
        raise ValueError(f"{name} must be odd, got {value}")


def check_pair(name: str, image: Tensor, other_name: str, other: Tensor) -> None:
    """Demand two images ``(N, C, H, W)`` of one shape on one device."""
    _checks.image(name, image)
    _checks.image(other_name, other)
    _checks.same_shape(other_name, other, name, image)
