"""One call of the terms: which inputs they are given, and what they may return."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ssimloss._torch import plain
from ssimloss.combined.graph import needs_gradient
from ssimloss.combined.term import Term


def given_inputs(
    pred: Tensor | None,
    target: Tensor | None,
    named: Mapping[str, object],
    asked: Mapping[str, tuple[str, ...]],
) -> dict[str, object]:
    """The inputs of a call by name; ``asked`` tells which terms ask for each.

    Raises:
        TypeError: no term asks for an input.
    """
    given: dict[str, object] = {}
    if pred is not None:
        given["pred"] = pred
    if target is not None:
        given["target"] = target
    for name, value in named.items():
        if name not in asked:
            known = ", ".join(f"{key} ({', '.join(terms)})" for key, terms in asked.items())
            raise TypeError(
                f"no term asks for the input {name!r}; the inputs, and the terms that ask for "
                f"them, are: {known}"
            )
        given[name] = value
    return given


def evaluate(name: str, term: Term, given: Mapping[str, object]) -> object:
    """Call a term. What it raises keeps its type and traceback and gets the term's name.

    Raises:
        TypeError: an input is missing.
    """
    for key in term.inputs:
        if key not in given:
            have = ", ".join(given) or "nothing"
            raise TypeError(
                f"term {name!r} needs the input {key!r}; given: {have}; pass it as "
                f"criterion(..., {key}=...)"
            )
    try:
        return term.evaluate(given)
    except (TypeError, ValueError, RuntimeError) as error:
        name_term(error, name)
        raise


def checked_value(name: str, term: Term, found: object, given: Mapping[str, object]) -> Tensor:
    """The value of a term, which is a floating point scalar with a gradient.

    Raises:
        TypeError: it is not a tensor, or not floating point.
        ValueError: it is not a scalar, or needs no gradient although an input does.
    """
    value = plain(found)
    if not isinstance(value, Tensor):
        raise TypeError(f"term {name!r} must return a scalar tensor, got {type(value).__name__}")
    if value.ndim != 0:
        raise ValueError(
            f"term {name!r} must return a scalar, got shape {tuple(value.shape)}; build its "
            'loss with reduction="mean"'
        )
    if not value.dtype.is_floating_point:
        raise TypeError(f"term {name!r} must return a floating point scalar, got {value.dtype}")
    if not value.requires_grad and torch.is_grad_enabled():
        inputs = [key for key in term.inputs if needs_gradient([given[key]])]
        if inputs:
            raise ValueError(
                f"term {name!r} trains nothing: its value needs no gradient, although "
                f"{', '.join(inputs)} does; use a loss in place of a metric, and no detach(), "
                ".data or torch.no_grad() in it. What is only to be looked at belongs into a "
                f"Validator. A term that is 0 at times returns 0.0 * {inputs[0]}.sum() then"
            )
    return value


def zero(given: Mapping[str, object]) -> Tensor:
    """A 0 connected to pred, or to the first tensor given: the sum of none of its elements, so
    infinities do not matter.
    """
    for value in (given.get("pred"), *given.values()):
        if isinstance(value, Tensor):
            nothing = plain(value).unsqueeze(0)[:0]
            return nothing.to(torch.promote_types(value.dtype, torch.float32)).sum()
    raise TypeError(
        "no term is evaluated at this step, and no tensor was given to connect the zero to; pass "
        "pred"
    )


def name_term(error: Exception, term: str) -> None:
    """Put the term's name in front of the message."""
    message, *rest = error.args or ("",)
    error.args = (f"term {term!r}: {message}", *rest)
