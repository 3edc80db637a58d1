"""One term of a sum of losses: a callable, its inputs and its schedule."""

import functools
import inspect
import keyword
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from torch import Tensor, nn

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss._warnings import warn
from ssimloss.combined.alarms import LossWarning
from ssimloss.combined.calls import (
    Loss,
    by_position,
    default_inputs,
    describe,
    instead_of_metric,
    named,
    signature_of,
)
from ssimloss.combined.schedule import Number, Reached, Schedule, Shape, from_options

Weight: TypeAlias = Number | Schedule | Mapping[str, Any]


class Term:
    """One named part of a :class:`CombinedLoss`; its settings do not change after it is built.

    Args:
        loss: any callable that returns a scalar tensor: a module, a function, a bound method,
            another library's loss. If it is a module, a method of one, or a ``functools.partial``
            of either, ``CombinedLoss`` registers that module.
        weight: full weight: any finite number, a callable of the step that returns one, or a
            :class:`Schedule`, which may be a dict of its options. A term of weight 0 is not
            called.
        inputs: names of what ``loss`` is called with, in this order. A name that is a keyword-only
            parameter of ``loss`` (``mask`` in this library) is passed by keyword, and so is a name
            beyond its positional parameters where it takes ``**kwargs``; all others are passed by
            position. ``None`` means ``("pred", "target")`` for a loss of exactly two required
            positional parameters and no optional one, whatever their names, and ``("pred",)`` for a
            loss of one positional parameter, named ``pred``. Every other loss needs ``inputs``.
        start: first step, counted from 0, at which the term is evaluated.
        ramp: number of steps from ``start`` on over which the weight rises:
            ``weight / ramp`` at step ``start``, ``weight`` from step ``start + ramp - 1`` on. 0 and
            1 mean full weight at once.
        interval: evaluate at steps ``start, start + interval, start + 2 * interval, ...`` only. The
            weight is not multiplied by ``interval``. Lazy regularisation of the same strength is
            ``Term(loss, interval * weight, interval=interval)``.
        end: first step at which the term is no longer evaluated.
        shape: shape of the ramp, ``"linear"`` or ``"cosine"``.
        stages: step -> factor of the weight from that step on; each change takes ``ramp`` steps.
        after: the condition that the term waits for, a :class:`Reached` or a dict of its options.
            The steps above are then counted from the step at which it was met.

    Warns:
        LossWarning: ``loss`` has the attribute ``higher_is_better``, as scores of this library
            have, and ``weight`` is a positive number: training would lower the score.

    Raises:
        TypeError: ``loss`` is not callable, is a class, has no ``forward``, does not accept these
            inputs or needs ``inputs``; ``weight`` is not a number, callable or schedule; ``inputs``
            is not a tuple of strings; a step is not an integer.
        ValueError: ``weight`` is not finite, a step is negative, ``interval`` is below 1, or
            ``inputs`` is empty or holds something that is not an identifier.
    """

    loss: Loss
    plan: Schedule
    inputs: tuple[str, ...]
    _by_position: tuple[str, ...]
    _by_keyword: tuple[str, ...]

    @keywords()
    def __init__(
        self,
        loss: Loss,
        weight: Weight = 1.0,
        *,
        inputs: Sequence[str] | None = None,
        start: int = 0,
        ramp: int = 0,
        interval: int = 1,
        end: int | None = None,
        shape: Shape = "linear",
        stages: Mapping[int, float] | None = None,
        after: Reached | Mapping[str, Any] | None = None,
    ) -> None:
        """Check the settings; see the class."""
        _check_loss(loss)
        if inputs is None and (way_out := instead_of_metric(loss)):
            raise TypeError(way_out)
        signature = signature_of(loss)
        names = default_inputs(loss, signature) if inputs is None else _checked_inputs(inputs)
        by_keyword = _by_keyword(names, signature)
        _check_call(loss, signature, names, by_keyword)
        timing = {
            "start": start,
            "ramp": ramp,
            "interval": interval,
            "end": end,
            "shape": shape,
            "stages": {} if stages is None else stages,
            "after": after,
        }
        self.__dict__.update(
            loss=loss,
            plan=_planned(weight, timing),
            inputs=names,
            _by_position=tuple(name for name in names if name not in by_keyword),
            _by_keyword=by_keyword,
        )
        if _is_lowered_score(loss, self.plan):
            warn(
                f"{named(loss)} is a score, higher for better images, and a positive weight lowers "
                "it; use its loss, such as ssim_loss for ssim, or a negative weight",
                LossWarning,
            )

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a term is checked once, when it is built."""
        raise AttributeError(f"Term.{name} is fixed when the term is built; build a new Term")

    def __delattr__(self, name: str) -> None:
        """Refuse: a term is checked once, when it is built."""
        raise AttributeError(f"Term.{name} is fixed when the term is built; build a new Term")

    def __repr__(self) -> str:
        """Show the settings that were given and the inputs."""
        schedule = "" if self.schedule == "always" else f", {self.schedule}"
        weight = number_text(self.weight)
        return f"Term({describe(self.loss)}, {weight}, inputs={self.inputs!r}{schedule})"

    @property
    def module(self) -> nn.Module | None:
        """The module behind ``loss``: itself, the owner of the bound method, or that of the
        ``functools.partial``.
        """
        loss = _unwrap(self.loss)
        owner = loss if isinstance(loss, nn.Module) else getattr(loss, "__self__", None)
        return owner if isinstance(owner, nn.Module) else None

    @property
    def weight(self) -> Number:
        """The full weight: a number or a callable of the step."""
        return self.plan.weight

    @property
    def start(self) -> int:
        """First step at which the term is evaluated."""
        return self.plan.start

    @property
    def ramp(self) -> int:
        """Number of steps over which the weight rises."""
        return self.plan.ramp

    @property
    def interval(self) -> int:
        """Steps from one evaluation to the next."""
        return self.plan.interval

    @property
    def schedule(self) -> str:
        """The schedule in words, ``"always"`` where there is none."""
        return str(self.plan)

    def is_active(self, step: int) -> bool:
        """Whether the term is evaluated at ``step``, counted from the end of its waiting."""
        return self.plan.is_active(step)

    def weight_at(self, step: int) -> float:
        """The weight at ``step``; 0 where the term is not evaluated."""
        return self.plan.at(step)

    def evaluate(self, given: Mapping[str, object]) -> Tensor:
        """Call the loss with its inputs, taken by name from ``given``."""
        return self.loss(
            *[given[name] for name in self._by_position],
            **{name: given[name] for name in self._by_keyword},
        )


def number_text(weight: Number) -> str:
    """A weight as it is shown: the number, or the name of the callable."""
    return named(weight) if callable(weight) else f"{weight:g}"  # type: ignore[arg-type]


def _planned(weight: Weight, timing: dict[str, Any]) -> Schedule:
    """One schedule of a weight and of the keyword arguments of a term."""
    if not isinstance(weight, (Schedule, Mapping)):
        return Schedule(weight=weight, **timing)
    defaults = Schedule()
    twice = [name for name, value in timing.items() if value != getattr(defaults, name)]
    if twice:
        raise TypeError(
            f"the weight is a schedule, which has its own {twice[0]!r}; set it there: "
            f"Schedule(weight=..., {twice[0]}={timing[twice[0]]!r})"
        )
    return weight if isinstance(weight, Schedule) else from_options(Schedule, weight)


def _unwrap(loss: Loss) -> Loss:
    while isinstance(loss, functools.partial):
        loss = loss.func
    return loss


def _is_lowered_score(loss: Loss, plan: Schedule) -> bool:
    """Whether the sum would minimise something that is to be maximised.

    A function under ``functools.wraps`` has the attribute of the function that it wraps, and may
    return its complement.
    """
    found = _unwrap(loss)
    is_score = getattr(found, "higher_is_better", None) is True
    if not is_score or hasattr(found, "__wrapped__") or callable(plan.weight):
        return False
    return plan.weight > 0 and all(factor >= 0 for factor in plan.stages.values())


def _check_loss(loss: object) -> None:
    if isinstance(loss, type):
        raise TypeError(
            f"loss is the class {loss.__name__}, not a loss; build it: Term({loss.__name__}(...))"
        )
    if not callable(loss):
        way_out = "; pass its attribute loss" if callable(getattr(loss, "loss", None)) else ""
        raise TypeError(
            f"loss must be callable (a module, a function, a method), got {type(loss).__name__}"
            f"{way_out}"
        )


def _checked_inputs(inputs: Sequence[str]) -> tuple[str, ...]:
    if not _checks.is_sequence(inputs) or not all(isinstance(name, str) for name in inputs):
        way_out = f"; write ({inputs!r},)" if isinstance(inputs, str) else ""
        raise TypeError(f"inputs must be a tuple of names, got {inputs!r}{way_out}")
    if not inputs:
        raise ValueError("inputs must name at least one input, got an empty tuple")
    for name in inputs:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(
                "inputs must hold identifiers, since they are passed as criterion(..., "
                f"name=value), got {name!r}"
            )
    return tuple(inputs)


def _by_keyword(names: tuple[str, ...], signature: inspect.Signature | None) -> tuple[str, ...]:
    """The inputs that can only be passed by keyword."""
    if signature is None:
        return ()
    kinds = {parameter.name: parameter.kind for parameter in signature.parameters.values()}
    keyword_only = [name for name in names if kinds.get(name) is inspect.Parameter.KEYWORD_ONLY]
    positional = by_position(signature)
    is_open = inspect.Parameter.VAR_POSITIONAL in kinds.values()
    if not is_open and inspect.Parameter.VAR_KEYWORD in kinds.values():
        keyword_only += [name for name in names if name not in keyword_only][len(positional) :]
    return tuple(keyword_only)


def _check_call(
    loss: Loss,
    signature: inspect.Signature | None,
    names: tuple[str, ...],
    by_keyword: tuple[str, ...],
) -> None:
    if signature is None:
        return
    try:
        signature.bind(
            *[name for name in names if name not in by_keyword],
            **{name: name for name in by_keyword},
        )
    except TypeError as error:
        raise TypeError(
            f"inputs {names} do not fit the call {named(loss)}{signature}: {error}; name what "
            "it takes with inputs=(...)"
        ) from error
