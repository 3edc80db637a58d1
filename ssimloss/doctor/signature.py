"""How a loss is called: the kind of each argument, found from its name and its annotation."""

import dataclasses
import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from ssimloss import _checks
from ssimloss.combined.calls import (
    BOTH,
    by_position,
    is_required,
    shape,
    signature_of,
)
from ssimloss.combined.calls import (
    named as called,
)

Loss = Callable[..., Any]
Kind = Literal["pred", "target", "fake_logits", "real_logits", "is_real"]
KINDS: tuple[str, ...] = get_args(Kind)
Form = Literal["tensor", "list", "mapping"]
Role = Literal["pair", "single", "generator", "discriminator"]

_LOGITS = re.compile(r"logit|score|pred|output|judg|^d_|_d$")


@dataclass(frozen=True)
class Argument:
    """One argument of the loss."""

    name: str
    kind: Kind
    by_keyword: bool = False
    form: Form = "tensor"


def arguments_named(inputs: Sequence[str]) -> tuple[Argument, ...]:
    """Words such as ``"pred"`` by position and ``"name=real_logits"`` by keyword."""
    found = []
    for text in [inputs] if isinstance(inputs, str) else inputs:
        name, equals, kind = text.partition("=")
        kind = kind if equals else name
        _checks.choice("inputs", kind, KINDS)
        found.append(Argument(name, cast("Kind", kind), bool(equals)))
    if not any(a.kind in ("pred", "fake_logits") for a in found):
        raise ValueError(f"inputs must hold 'pred' or 'fake_logits', got {list(inputs)!r}")
    return tuple(found)


def arguments_of(loss: Loss) -> tuple[Argument, ...]:
    """The arguments, found from their names and from how many are required."""
    signature = signature_of(loss)
    if signature is None:
        return (Argument("pred", "pred"), Argument("target", "target"))
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found, images = [], []
    for p in by_position(signature):
        if p.kind in variadic or not (is_required(p) or p.name in BOTH):
            continue
        kind = _kind_of(p.name)
        if kind is None:
            images.append(p.name)
            kind = "pred" if len(images) == 1 else "target"
        found.append(Argument(p.name, kind, form=_form_of(p)))
    if len(images) == 1 and any(a.kind == "is_real" for a in found):  # BasicSR's GANLoss
        found = [
            dataclasses.replace(a, kind="fake_logits") if a.kind == "pred" else a for a in found
        ]
        images = []
    parameters = signature.parameters.values()
    beside = [p for p in parameters if p.kind is p.KEYWORD_ONLY and is_required(p)]
    fits = len(images) in (1, 2) if images else any(a.kind == "fake_logits" for a in found)
    if not fits or beside or (images and len(images) < len(found)):
        raise TypeError(
            f"inputs must be given for {called(loss)}{shape(signature)}: the doctor calls losses "
            "of (pred, target), of (pred), and of logits (fake_logits, real_logits); pass "
            f"inputs= (--inputs), one of {', '.join(KINDS)} for each argument, or wrap the loss in "
            "a function of (pred, target)"
        )
    if not images:  # relativistic losses need both kinds of logits
        named = {a.name for a in found}
        for p in signature.parameters.values():
            if p.name not in named and p.kind not in variadic and _kind_of(p.name) == "real_logits":
                found.append(Argument(p.name, "real_logits", by_keyword=True))
    return tuple(found)


def _kind_of(name: str) -> Kind | None:
    """The kind of logits that a name means, None for other names."""
    if name == "target_is_real":
        return "is_real"
    if name == "logits":
        return "fake_logits"
    if not _LOGITS.search(name):
        return None
    return "fake_logits" if "fake" in name else "real_logits" if "real" in name else None


def _form_of(parameter: inspect.Parameter) -> Form:
    """Whether the argument takes features instead of a tensor."""
    kinds = {typing.get_origin(each) for each in _members(parameter.annotation)}
    if parameter.name.endswith("_features") or (kinds and kinds <= {Mapping, dict}):
        return "mapping"
    if kinds and kinds <= {Sequence, list, tuple}:
        return "list"
    return "tensor"


def _members(annotation: Any) -> list[Any]:
    """The members of a union, which Python writes in two ways."""
    if isinstance(annotation, str) or annotation is inspect.Parameter.empty:
        return []
    is_union = isinstance(annotation, type(int | str)) or (
        typing.get_origin(annotation) is typing.Union
    )
    return list(get_args(annotation)) if is_union else [annotation]
