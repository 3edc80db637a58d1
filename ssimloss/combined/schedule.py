"""The weight of a term at step t, described by data::

    weight(t) = 0                       before start, from end on, and between intervals
                weight * level(t)       elsewhere

The level is 1, or the factor of the stage at t. Every change of the level, including the first one
from 0 at ``start``, takes ``ramp`` steps, linearly or along half a cosine. Between intervals means
``(t - start) mod interval != 0``.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar, get_args

import torch

from ssimloss import _checks
from ssimloss._keywords import unknown

Shape = Literal["linear", "cosine"]
Number: TypeAlias = float | Callable[[int], float]
Record = TypeVar("Record", "Reached", "Schedule")


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A condition on another term: the moving average of its value is below or above a bound.

    A criterion checks it every ``check_every`` steps.

    Args:
        term: the name of the other term.
        below, above: the bound; exactly one of the two.

    Raises:
        TypeError: ``term`` is not a string, or the bound is not a number.
        ValueError: both bounds or none are given, or a bound is not finite.
    """

    term: str
    below: float | None = None
    above: float | None = None

    def __post_init__(self) -> None:
        """Check the settings; see the class."""
        if not isinstance(self.term, str):
            raise TypeError(f"term must be the name of a term, got {self.term!r}")
        if (self.below is None) == (self.above is None):
            raise ValueError(
                f"exactly one of below and above must be given, got below={self.below!r} and "
                f"above={self.above!r}"
            )
        if self.below is not None:
            _checks.number("below", self.below)
        if self.above is not None:
            _checks.number("above", self.above)

    def is_met(self, value: float) -> bool:
        """Whether ``value`` has passed the bound; False for NaN."""
        if self.below is not None:
            return value < self.below
        return self.above is not None and value > self.above

    def __str__(self) -> str:
        """``pixel<0.02``."""
        return (
            f"{self.term}>{self.above:g}" if self.below is None else f"{self.term}<{self.below:g}"
        )


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The weight of a term as a function of the step; see the module.

    Args:
        weight: any finite number, or a callable of the step that returns one.
        start: first step, counted from 0, at which the term is evaluated.
        end: first step at which the term is no longer evaluated; None for never.
        ramp: number of steps over which the weight rises from 0: it is ``weight / ramp`` at
            ``start`` and ``weight`` from ``start + ramp - 1`` on. With ``stages``, every change
            takes ``ramp`` steps. 0 and 1 mean full weight at once.
        shape: shape of the ramp, ``"linear"`` or ``"cosine"``.
        interval: evaluate at steps ``start, start + interval, ...`` only. The weight is not
            multiplied by it.
        stages: step -> factor of the weight from that step on; 1 before the first.
        after: a :class:`Reached`, or a dict of its options. The term waits for this condition, and
            the steps above are then counted from the step at which it was met.

    Raises:
        TypeError: a step is not an integer, or a weight or factor is not a number.
        ValueError: a number is not finite, a step is negative, ``end`` is not above ``start``,
            ``interval`` is below 1, or ``shape`` is unknown.
    """

    weight: Number = 1.0
    start: int = 0
    end: int | None = None
    ramp: int = 0
    shape: Shape = "linear"
    interval: int = 1
    stages: Mapping[int, float] = field(default_factory=dict)
    after: Reached | Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Check the settings; see the class."""

        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        if not callable(self.weight):
            put("weight", _checks.number("weight", self.weight))
        for name, least in (("start", 0), ("ramp", 0), ("interval", 1)):
            put(name, _checks.count(name, getattr(self, name), least=least))
        if self.end is not None:
            put("end", _checks.count("end", self.end, least=0))
            if self.end <= self.start:
                raise ValueError(f"end must be above start, {self.start}, got {self.end}")
        _checks.choice("shape", self.shape, get_args(Shape))
        put("stages", _checked_stages(self.stages))
        if isinstance(self.after, Mapping):
            put("after", from_options(Reached, self.after))
        elif self.after is not None and not isinstance(self.after, Reached):
            raise TypeError(
                f"after must be a Reached, a dict of its options, or None, got {self.after!r}"
            )

    @property
    def condition(self) -> Reached | None:
        """The condition that the term waits for."""
        return self.after if isinstance(self.after, Reached) else None

    @property
    def is_constant(self) -> bool:
        """Whether the weight is the same number at every step."""
        return self == Schedule(weight=self.weight) and not callable(self.weight)

    def is_active(self, step: int, weight: float | None = None) -> bool:
        """Whether the term is evaluated ``step`` steps after it stopped waiting, which means that
        the weight is not 0. ``weight`` replaces the schedule's own.
        """
        if weight is None and not callable(self.weight):
            weight = self.weight
        if weight == 0.0 or step < self.start or (self.end is not None and step >= self.end):
            return False
        if self.interval != 1 and (step - self.start) % self.interval != 0:
            return False
        if weight is None or self.stages:
            return self._at(step, weight) != 0.0
        return True

    def at(self, step: int, weight: float | None = None) -> float:
        """The weight ``step`` steps after the term stopped waiting; 0 where it is not evaluated."""
        return self._at(step, weight) if self.is_active(step, weight) else 0.0

    def _at(self, step: int, weight: float | None) -> float:
        full = _full(self.weight, step) if weight is None else weight
        if self.ramp <= 1 and not self.stages:
            return full
        return full * self._level(step)

    def _level(self, step: int) -> float:
        before, level, since = 0.0, 1.0, self.start
        for at, factor in self.stages.items():
            if at <= self.start:
                level = factor
            elif at <= step:
                before, level, since = level, factor, at
        if self.ramp <= 1:
            return level
        part = min(step - since + 1, self.ramp) / self.ramp
        if self.shape == "cosine":
            part = 0.5 - 0.5 * math.cos(math.pi * part)
        return before + (level - before) * part

    def __str__(self) -> str:
        """The settings that were given, or ``"always"`` if there are none."""
        shown = {
            name: getattr(self, name)
            for name in ("start", "end", "ramp", "shape", "interval")
            if getattr(self, name) != getattr(_PLAIN, name)
        }
        if self.stages:
            shown["stages"] = ", ".join(f"{step}: {f:g}" for step, f in self.stages.items())
            shown["stages"] = f"{{{shown['stages']}}}"
        if self.after is not None:
            shown["after"] = str(self.after)
        return ", ".join(f"{name}={value}" for name, value in shown.items()) or "always"


def from_options(cls: type[Record], options: Mapping[str, Any]) -> Record:
    """``cls(**options)``; the error for an unknown option names it."""
    known = [each.name for each in dataclasses.fields(cls)]
    for name in options:
        if name not in known:
            raise unknown(str(name), cls.__name__, known)
    return cls(**options)


def _full(weight: Number, step: int) -> float:
    """The number, or what the callable returns."""
    if not callable(weight):
        return weight
    found = weight(step)
    return found if torch.compiler.is_compiling() else _checks.number(f"weight({step})", found)


def _checked_stages(stages: Mapping[int, float]) -> dict[int, float]:
    if not isinstance(stages, Mapping):
        raise TypeError(f"stages must be a dict of step -> factor, got {stages!r}")
    checked = {
        _checks.count("a step in stages", step, least=0): _checks.number(f"stages[{step}]", factor)
        for step, factor in stages.items()
    }
    return dict(sorted(checked.items()))


_PLAIN = Schedule()
