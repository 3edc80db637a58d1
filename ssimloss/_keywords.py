"""Keyword arguments: what is said of one that is unknown, and NumPy's numbers as Python's."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ssimloss._spellings import advice, nearest
from ssimloss._words import near

P = ParamSpec("P")
T = TypeVar("T")


def unknown(
    name: str,
    caller: str,
    known: Iterable[str],
    kind: str = "option",
    *,
    beside: Sequence[str] = (),
    otherwise: str = "",
) -> TypeError:
    """The error for an option, or another kind of keyword, that ``caller`` does not have: what it
    is called here if another library has it, what it may be a misspelling of, or what there is.

    Args:
        beside: keywords that are known too, but not listed.
        otherwise: what to say in place of the list.
    """
    known = list(known)
    hint = _hint(name, [*known, *beside])
    hint = hint or otherwise or f"the {kind}s are {', '.join(known) or 'none'}"
    return TypeError(f"{caller}() has no {kind} {name!r}; {hint}")


def unknown_input(
    name: str, caller: str, inputs: Sequence[str], options: Iterable[str]
) -> TypeError:
    """The error for what a module is not called with, be it an option that it is built with."""
    options = list(options)
    way_out = _hint(name, inputs)
    if name in options:
        way_out = f"it is an option, set when the loss is built: {caller}({name}=...)"
    elif not way_out and advice(name, options):
        way_out = f"of the options when it is built, {advice(name, options)}"
    listed = f"the inputs are {', '.join(inputs)}"
    return TypeError(f"{caller}() has no input {name!r}; {way_out or listed}")


def _hint(name: str, known: Sequence[str]) -> str:
    """What may be meant, empty if nothing comes near."""
    close = near(name, known)
    misspelt = f"did you mean {close[0]!r}?" if close else ""
    return advice(name, known) or misspelt or advice(nearest(name), known)


def keywords(
    otherwise: str = "", *, beside: Sequence[str] = ()
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """For a function that refuses unknown keywords as a record does, and takes NumPy's numbers for
    Python's. Of ``__init__``, the class is named.

    Args:
        otherwise: what to say of a keyword that comes near none.
        beside: keywords that the function takes by ``**``, which are known, but not listed.
    """

    def decorated(function: Callable[P, T]) -> Callable[P, T]:
        parameters = list(inspect.signature(function).parameters.values())
        by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        known = tuple(p.name for p in parameters if p.kind in by_name and p.name != "self")
        is_open = any(p.kind is p.VAR_KEYWORD for p in parameters) and not beside
        caller = function.__qualname__.removesuffix(".__init__").removesuffix(".__call__")

        @functools.wraps(function)
        def checked(*args: P.args, **given: P.kwargs) -> T:
            for name in given:
                if name not in known and name not in beside and not is_open:
                    raise unknown(name, caller, known, beside=beside, otherwise=otherwise)
            if has_numpy_numbers((*args, *given.values())):
                args = tuple(without_numpy(value) for value in args)  # type: ignore[assignment]
                given = {k: without_numpy(v) for k, v in given.items()}  # type: ignore[assignment]
            return function(*args, **given)

        return checked

    return decorated


def inputs(forward: Callable[P, T]) -> Callable[P, T]:
    """For a ``forward`` whose module tells unknown inputs from options that it was built with."""
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
    """Whether one of the values is a number of NumPy."""
    return any(isinstance(value, np.generic) for value in values)


def without_numpy(value: Any) -> Any:
    """A scalar of NumPy as Python's, also inside a tuple, list or dictionary; anything else as it
    is.
    """
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (tuple, list) and has_numpy_numbers(value):
        return type(value)(without_numpy(item) for item in value)
    if type(value) is dict and has_numpy_numbers(value.values()):
        return {key: without_numpy(item) for key, item in value.items()}
    return value
