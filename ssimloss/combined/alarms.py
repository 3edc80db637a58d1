"""What a criterion warns of, with the term's name and once per event."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ssimloss import _checks

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
    """When a criterion warns. Steps are those that are measured, one after another.

    Args:
        zero_steps: a gradient that is exactly 0 for so many.
        cosine, cosine_steps: a term whose cosine with the total is below this for so many.
        share, share_steps: a term whose share of the gradient is below this for so many.
        timed: measure how long each term takes, and tell it with a small share.

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
    """A term of a :class:`CombinedLoss` does not do what it is there for."""


class Events:
    """What has been told already. An event that ended may be told again."""

    def __init__(self) -> None:
        """Nothing was told."""
        self.told: set[tuple[Kind, str]] = set()

    def report(self, kind: Kind, term: str, message: str) -> None:
        """Warn, unless this event was told."""
        if (kind, term) not in self.told:
            self.told.add((kind, term))
            warnings.warn(f"term {term!r}: {message}", LossWarning, stacklevel=2)

    def over(self, kind: Kind, term: str) -> None:
        """The event ended."""
        self.told.discard((kind, term))

    def as_numbers(self, names: Iterable[str]) -> list[list[int]]:
        """For each term, a 1 for each kind that was told."""
        return [[int((kind, name) in self.told) for kind in KINDS] for name in names]

    def from_numbers(self, names: Iterable[str], numbers: list[list[int]]) -> None:
        """Take up what ``as_numbers`` returned."""
        self.told = {
            (kind, name)
            for name, of_term in zip(names, numbers, strict=True)
            for kind, told in zip(KINDS, of_term, strict=True)
            if told
        }
