"""How a loss is called: its inputs, found from its signature."""

import functools
import inspect
from collections.abc import Callable, Iterator

from torch import Tensor, nn

Loss = Callable[..., Tensor]

BOTH = ("pred", "target")
_MOST_LINES = 8  # a module's repr with more lines is shortened
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def signature_of(loss: Loss) -> inspect.Signature | None:
    """The parameters of a call, or None where Python does not know them (functions written in C).

    Raises:
        TypeError: ``loss`` is a module without ``forward``.
    """
    if isinstance(loss, nn.Module) and _is_missing(loss.forward):
        methods = ", ".join(f"Term(loss.{name}, inputs=...)" for name in _own_methods(loss))
        way_out = f"pass a method of it: {methods}" if methods else "define it"
        raise TypeError(f"{named(loss)} has no forward; {way_out}")
    called: Loss = loss
    if isinstance(loss, nn.Module):
        called = loss.forward
    elif isinstance(loss, functools.partial) and isinstance(loss.func, nn.Module):
        called = functools.partial(loss.func.forward, *loss.args, **loss.keywords)
    try:
        return inspect.signature(called)
    except (TypeError, ValueError):
        return None


def default_inputs(loss: Loss, signature: inspect.Signature | None) -> tuple[str, ...]:
    """``("pred", "target")`` for exactly two required positional parameters of any name, without an
    optional one; ``("pred",)`` for a single positional parameter named ``pred``.

    Raises:
        TypeError: the signature is another one, or cannot be read.
    """
    if signature is not None and not _required_by_keyword(signature):
        found = by_position(signature)
        if len(found) == 2 and all(map(is_required, found)):
            return BOTH
        if [p.name for p in found] == ["pred"] and found[0].kind in POSITIONAL:
            return ("pred",)
    raise TypeError(
        f"inputs must be given for {named(loss)}{shape(signature)}: only a loss of exactly two "
        "required positional parameters is called with (pred, target) by default, and one of a "
        "single parameter named pred with (pred); write "
        f"Term(loss, inputs={_suggestion(signature)!r})"
    )


def by_position(signature: inspect.Signature) -> list[inspect.Parameter]:
    """The positional parameters, including ``*args``."""
    kinds = (*POSITIONAL, inspect.Parameter.VAR_POSITIONAL)
    return [p for p in signature.parameters.values() if p.kind in kinds]


def is_required(parameter: inspect.Parameter) -> bool:
    """Whether a call must pass this parameter."""
    variadic = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and parameter.kind not in variadic


def shape(signature: inspect.Signature | None) -> str:
    """The names of the parameters, ``(pred, target, mask=...)``."""
    if signature is None:
        return ", whose signature cannot be read"
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    shown = [p if p.default is p.empty else p.replace(default=_ELIDED) for p in bare]
    return str(signature.replace(parameters=shown, return_annotation=inspect.Signature.empty))


def describe(loss: Loss) -> str:
    """A loss and its settings on one line: ``CharbonnierLoss(eps=0.001)``,
    ``AdversarialLoss(kind='hinge').generator_loss``, ``partial(l1_loss, eps=2)``, ``l1_loss``.
    """
    if isinstance(loss, functools.partial):
        keywords = (f"{name}={value!r}" for name, value in loss.keywords.items())
        return f"partial({', '.join([describe(loss.func), *map(repr, loss.args), *keywords])})"
    if isinstance(loss, nn.Module):
        return _on_one_line(loss)
    owner = getattr(loss, "__self__", None)
    if owner is not None and hasattr(loss, "__func__"):
        whose = _on_one_line(owner) if isinstance(owner, nn.Module) else type(owner).__name__
        return f"{whose}.{loss.__name__}"
    return str(getattr(loss, "__qualname__", type(loss).__name__))


def named(loss: Loss) -> str:
    """A loss in an error: ``CharbonnierLoss``, ``AdversarialLoss.generator_loss``, ``l1_loss``."""
    if isinstance(loss, functools.partial):
        return f"partial({named(loss.func)})"
    owner = getattr(loss, "__self__", None)
    if owner is not None and hasattr(loss, "__func__"):
        return f"{type(owner).__name__}.{loss.__name__}"
    return str(getattr(loss, "__qualname__", type(loss).__name__))


def instead_of_metric(loss: Loss) -> str:
    """For a metric of this library, an error that names its loss; empty for everything else."""
    trained = getattr(loss, "training_loss", None)
    if not isinstance(trained, str):
        return ""
    what = getattr(loss, "name", type(loss).__name__)
    way_out = f"the loss, Term({trained})" if trained else "a loss"
    return f"{what} is a metric, whose values have no gradient; pass {way_out}"


def _on_one_line(module: nn.Module) -> str:
    """The ``repr`` of a module; for a large network only its ``extra_repr``."""
    lines = [line.strip() for line in repr(module).split("\n")]
    if len(lines) <= _MOST_LINES:
        return " ".join(lines).replace("( ", "(").replace(" )", ")")
    own = module.extra_repr()
    return f"{type(module).__name__}({f'{own}, ' if own else ''}...)"


class _Elided:
    """Shown in place of a default."""

    def __repr__(self) -> str:
        return "..."


_ELIDED = _Elided()


def _is_missing(forward: object) -> bool:
    """Whether ``method`` is the ``forward`` of ``nn.Module``, which only raises."""
    return getattr(forward, "__func__", None) is nn.Module.forward


def _own_methods(module: nn.Module) -> Iterator[str]:
    """Names of the public methods that a module adds to those of ``nn.Module``."""
    for name in dir(type(module)):
        is_own = not name.startswith("_") and not hasattr(nn.Module, name)
        if is_own and inspect.isfunction(getattr(type(module), name)):
            yield name


def _required_by_keyword(signature: inspect.Signature) -> list[str]:
    parameters = signature.parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and is_required(p)]


def _suggestion(signature: inspect.Signature | None) -> tuple[str, ...]:
    """Inputs to suggest in the error."""
    if signature is None:
        return BOTH
    positional = [p.name for p in by_position(signature) if is_required(p)]
    keyword = _required_by_keyword(signature)
    if not keyword and len(positional) in (0, 2):
        return BOTH
    return (*positional, *keyword)
