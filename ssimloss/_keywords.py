"""Keyword arguments: errors for unknown ones, and conversion of NumPy numbers to Python numbers."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ssimloss._spellings import advice, nearest
from ssimloss._words import near

P = ParamSpec("P")
T = TypeVar("T")
_LISTED = 4  # keywords in an error about arguments by position


def unknown(
    name: str,
    caller: str,
    known: Iterable[str],
    kind: str = "option",
    *,
    beside: Sequence[str] = (),
    otherwise: str = "",
) -> TypeError:
    """The error for an option, or another kind of keyword, that ``caller`` does not have. It names
    the option here for another library's keyword, else a similar keyword, else lists all.

    Args:
        beside: further known keywords that are not listed.
        otherwise: text that replaces the list.
    """
    known = list(known)
    hint = _hint(name, [*known, *beside])
    hint = hint or otherwise or f"the {kind}s are {', '.join(known) or 'none'}"
    return TypeError(f"{caller}() has no {kind} {name!r}; {hint}")


def unknown_input(
    name: str, caller: str, inputs: Sequence[str], options: Iterable[str]
) -> TypeError:
    """The error for an unknown input of a module, which may be an option of its constructor."""
    options = list(options)
    way_out = _hint(name, inputs)
    if name in options:
        way_out = f"it is an option, set when the loss is built: {caller}({name}=...)"
    elif not way_out and advice(name, options):
        way_out = f"of the options when it is built, {advice(name, options)}"
    listed = f"the inputs are {', '.join(inputs)}"
    return TypeError(f"{caller}() has no input {name!r}; {way_out or listed}")


def _hint(name: str, known: Sequence[str]) -> str:
    """A suggestion; empty if no keyword is similar."""
    close = near(name, known)
    misspelt = f"did you mean {close[0]!r}?" if close else ""
    return advice(name, known) or misspelt or advice(nearest(name), known)


def by_keyword(names: Sequence[str]) -> str:
    """The first keywords in parentheses, for an error: ``" (eps=, mask=, ...)"``."""
    listed = [f"{name}=" for name in names[:_LISTED]] + ["..."] * (len(names) > _LISTED)
    return f" ({', '.join(listed)})" if listed else ""


def keywords(
    otherwise: str = "", *, beside: Sequence[str] = ()
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function so that unknown keywords raise the error of a record, and NumPy numbers
    become Python numbers. For ``__init__``, errors name the class.

    Args:
        otherwise: text of the error if no keyword is similar.
        beside: keywords that the function takes by ``**``; they are known, but not listed.
    """

    def decorated(function: Callable[P, T]) -> Callable[P, T]:
        parameters = list(inspect.signature(function).parameters.values())
        by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        known = tuple(p.name for p in parameters if p.kind in by_name and p.name != "self")
        is_open = any(p.kind is p.VAR_KEYWORD for p in parameters) and not beside
        caller = function.__qualname__.removesuffix(".__init__").removesuffix(".__call__")
        positional = [p.name for p in parameters if p.kind in by_position]
        most = inf if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional)
        of_call = [name for name in positional if name != "self"]
        rest = by_keyword([name for name in known if name not in of_call])

        @functools.wraps(function)
        def checked(*args: P.args, **given: P.kwargs) -> T:
            for name in given:
                if name not in known and name not in beside and not is_open:
                    raise unknown(name, caller, known, beside=beside, otherwise=otherwise)
            if len(args) > most:
                count = len(args) - len(positional) + len(of_call)
                raise TypeError(
                    f"{caller}() takes {', '.join(of_call) or 'nothing'} by position and "
                    f"everything else by keyword{rest}, got {count} positional "
                    f"argument{'s' if count > 1 else ''}"
                )
            if has_numpy_numbers((*args, *given.values())):
                args = tuple(without_numpy(value) for value in args)  # type: ignore[assignment]
                given = {k: without_numpy(v) for k, v in given.items()}  # type: ignore[assignment]
            return function(*args, **given)

        return checked

    return decorated


def inputs(forward: Callable[P, T]) -> Callable[P, T]:
    """Decorate a ``forward`` so that its errors distinguish unknown inputs from options."""
    known = tuple(inspect.signature(forward).parameters)[1:]

    @functools.wraps(forward)
    def checked(*args: P.args, **given: P.kwargs) -> T:
        for name in given:
            if name not in known:
                module: Any = args[0]
                raise unknown_input(name, type(module).__name__, known, module.options)
        return forward(*args, **given)

    return checked


def has_numpy_numbers(values: Iterable[Any]) -> bool:
    """Whether one of the values is a NumPy number."""
    return any(isinstance(value, np.generic) for value in values)


def without_numpy(value: Any) -> Any:
    """Convert a NumPy scalar to a Python number, also inside a tuple, list or dictionary. Other
    values are returned unchanged.
    """
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (tuple, list) and has_numpy_numbers(value):
        return type(value)(without_numpy(item) for item in value)
    if type(value) is dict and has_numpy_numbers(value.values()):
        return {key: without_numpy(item) for key, item in value.items()}
    return value
