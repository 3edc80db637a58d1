"""Warnings of a criterion. Each names the term and is issued once per event."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ssimloss import _checks
from ssimloss._warnings import warn

OnNonFinite = Literal["raise", "skip_term", "skip_step", "warn"]
Kind = Literal["zero", "against", "small", "value", "gradient", "unreached", "constant", "unused"]
KINDS: tuple[Kind, ...] = (
    "zero",
    "against",
    "small",
    "value",
    "gradient",
    "unreached",
    "constant",
    "unused",
)


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """Bounds beyond which a criterion warns. Numbers of steps count consecutive measured steps.

    Args:
        zero_steps: warn after this many steps in which a term's gradient is exactly 0.
        cosine, cosine_steps: warn after ``cosine_steps`` steps in which the cosine between a term's
            gradient and the total is below ``cosine``.
        share, share_steps: warn after ``share_steps`` steps in which a term's share of the gradient
            is below ``share``.
        timed: measure the time of each term, and report it in the warning about a small share.

    Raises:
        TypeError: a number of steps is not an integer, a bound is not a number.
        ValueError: a number of steps is below 1, or a bound is outside its range.
    """

    zero_steps: int = 10
    cosine: float = -0.5
    cosine_steps: int = 100
    share: float = 1e-3
    share_steps: int = 500
    timed: bool = False

    def __post_init__(self) -> None:
        """Check the settings; see the class."""
        for name in ("zero_steps", "cosine_steps", "share_steps"):
            _checks.count(name, getattr(self, name))
        if not -1.0 <= _checks.number("cosine", self.cosine) <= 1.0:
            raise ValueError(f"cosine must lie in [-1, 1], got {self.cosine!r}")
        _checks.fraction("share", self.share)
        _checks.flag("timed", self.timed)


class LossWarning(UserWarning):
    """A term of a :class:`CombinedLoss` contributes nothing, or something harmful."""


class Events:
    """Events that have been reported. An event that ended is reported again when it recurs."""

    def __init__(self) -> None:
        """Start without reported events."""
        self.reported: set[tuple[Kind, str]] = set()

    def report(self, kind: Kind, term: str, message: str) -> None:
        """Warn, unless this event has been reported."""
        if (kind, term) not in self.reported:
            self.reported.add((kind, term))
            warn(f"term {term!r}: {message}", LossWarning)

    def over(self, kind: Kind, term: str) -> None:
        """The event ended."""
        self.reported.discard((kind, term))

    def as_numbers(self, names: Iterable[str]) -> list[list[int]]:
        """For each term and kind of event: 1 if it has been reported, else 0."""
        return [[int((kind, name) in self.reported) for kind in KINDS] for name in names]

    def from_numbers(self, names: Iterable[str], numbers: list[list[int]]) -> None:
        """Restore what ``as_numbers`` returned."""
        self.reported = {
            (kind, name)
            for name, of_term in zip(names, numbers, strict=True)
            for kind, reported in zip(KINDS, of_term, strict=True)
            if reported
        }
