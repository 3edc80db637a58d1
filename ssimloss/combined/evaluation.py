"""One call of the terms: their inputs, and checks of what they return."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ssimloss._spellings import image_of
from ssimloss._torch import plain
from ssimloss.combined.calls import instead_of_metric
from ssimloss.combined.graph import needs_gradient
from ssimloss.combined.term import Term


def given_inputs(
    pred: Tensor | None,
    target: Tensor | None,
    named: Mapping[str, object],
    asked: Mapping[str, tuple[str, ...]],
) -> dict[str, object]:
    """The inputs of a call by name; ``asked`` lists the terms that take each.

    Raises:
        TypeError: no term takes an input.
    """
    given: dict[str, object] = {}
    if pred is not None:
        given["pred"] = pred
    if target is not None:
        given["target"] = target
    for name, value in named.items():
        if name not in asked:
            known = ", ".join(f"{key} ({', '.join(terms)})" for key, terms in asked.items())
            meant = f"did you mean {image_of(name)!r}? " if image_of(name) in asked else ""
            raise TypeError(
                f"no term takes the input {name!r}; {meant}the inputs, and the terms that take "
                f"them, are: {known}"
            )
        given[name] = value
    return given


def evaluate(name: str, term: Term, given: Mapping[str, object]) -> object:
    """Call a term. An error that it raises keeps its type and traceback and gets the term's name.

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
    """Check the value of a term, which must be a floating point scalar with a gradient.

    Raises:
        TypeError: the value is not a tensor, or not floating point.
        ValueError: the value is not a scalar, or needs no gradient although an input does.
    """
    value = plain(found)
    if not isinstance(value, Tensor):
        raise TypeError(f"term {name!r} must return a scalar tensor, got {type(value).__name__}")
    if value.ndim != 0:
        raise ValueError(
            f"term {name!r} must return a scalar, got shape {tuple(value.shape)}; "
            + (instead_of_metric(term.loss) or 'build its loss with reduction="mean"')
        )
    if not value.dtype.is_floating_point:
        raise TypeError(f"term {name!r} must return a floating point scalar, got {value.dtype}")
    if not value.requires_grad and torch.is_grad_enabled():
        inputs = [key for key in term.inputs if needs_gradient([given[key]])]
        if inputs:
            advice = instead_of_metric(term.loss)
            told = f" ({advice})" if advice else ""
            raise ValueError(
                f"term {name!r} trains nothing: its value needs no gradient, although "
                f"{', '.join(inputs)} does; use a loss instead of a metric, without detach(), "
                f".data or torch.no_grad() inside{told}. A value for monitoring belongs in a "
                "Validator. "
                f"A term that is sometimes 0 should then return 0.0 * {inputs[0]}.sum()"
            )
    return value


def zero(given: Mapping[str, object]) -> Tensor:
    """A 0 connected to pred, or else to the first tensor given. It is the sum over an empty slice,
    so that infinite elements do not matter.
    """
    for value in (given.get("pred"), *given.values()):
        if isinstance(value, Tensor):
            nothing = plain(value).unsqueeze(0)[:0]
            return nothing.to(torch.promote_types(value.dtype, torch.float32)).sum()
    raise TypeError(
        "no term is evaluated at this step, and no tensor was given that the returned zero could "
        "be connected to; pass pred"
    )


def name_term(error: Exception, term: str) -> None:
    """Put the term's name in front of the message."""
    message, *rest = error.args or ("",)
    error.args = (f"term {term!r}: {message}", *rest)
