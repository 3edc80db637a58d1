"""Errors that name the arguments of the interface in use, and shared checks."""

import functools
import re
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from torch import Tensor

from ssimloss import _checks

P = ParamSpec("P")
R = TypeVar("R")


def named(words: dict[str, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Replace names in the errors of a function.

    Args:
        words: name in this library -> name in the other interface.
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
    """Raise for images that are smaller than the window.

    Args:
        images: names of the two images.
        size: their spatial size.
        taps: length of the window.
        way_out: the alternative that the interface has.
    """
    if min(size) < taps:
        raise ValueError(
            f"{images} of {tuple(size)} pixels are smaller than the window of {taps}; use larger "
            f"images or {way_out}"
        )


def check_odd(name: str, value: int) -> None:
    """Check that the window is odd."""
    if _checks.count(name, value) % 2 == 0:
        raise ValueError(f"{name} must be odd, got {value}")


def check_pair(name: str, image: Tensor, other_name: str, other: Tensor) -> None:
    """Check that the images ``(N, C, H, W)`` have the same shape and device."""
    _checks.image(name, image)
    _checks.image(other_name, other)
    _checks.same_shape(other_name, other, name, image)
