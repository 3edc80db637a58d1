"""Losses and functions of images as measures: whether they are called with the target too."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from ssimloss.combined.calls import BOTH, by_position, describe, is_required, shape, signature_of


def takes_target(name: str, function: Callable[..., Any]) -> bool:
    """Whether a function is called with ``(pred, target)``; False for one whose only positional
    parameter is ``pred``.

    Raises:
        TypeError: it cannot be called in either way, or the target would be taken for an option.
    """
    if isinstance(function, type):
        raise TypeError(
            f"{name} is the class {function.__name__}; build it: {function.__name__}(...)"
        )
    signature = signature_of(function)
    if signature is None:
        return True
    found = by_position(signature)
    inputs = ("pred",) if [p.name for p in found] == ["pred"] else BOTH
    if not _fits(signature, found, inputs):
        raise TypeError(
            f"{name} must be callable with (pred, target), or with pred alone, got "
            f"{describe(function)}{shape(signature)}; wrap it: lambda pred, target: ..."
        )
    return inputs == BOTH


def networks_in(value: Any) -> list[nn.Module]:
    """The networks that a value is, or that a function is bound to or given."""
    if isinstance(value, nn.Module):
        return [value]
    if isinstance(value, functools.partial):
        parts = (value.func, *value.args, *value.keywords.values())
        return [network for part in parts for network in networks_in(part)]
    if inspect.ismethod(value):
        return networks_in(value.__self__)
    return []


def _fits(
    signature: inspect.Signature, found: list[inspect.Parameter], inputs: tuple[str, ...]
) -> bool:
    try:
        signature.bind(*inputs)
    except TypeError:
        return False
    if found[0].kind is found[0].VAR_POSITIONAL:
        return True
    first = found[: len(inputs)]
    return tuple(p.name for p in first) == inputs or all(map(is_required, first))
