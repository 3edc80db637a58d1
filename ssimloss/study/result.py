"""What a study found, as records that become JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from ssimloss.study.aggregate import Aggregate
from ssimloss.study.agreement import Agreements
from ssimloss.study.cost import Cost
from ssimloss.study.fitness import Descent, Sensitivity


@dataclass(frozen=True)
class Fitness:
    """One measure as a loss, over all images and starts.

    Args:
        ranks: mean place of its pictures by each other measure, by name.
        mean_rank: the mean of those.
        descents: by ``"image, start"``.
        sensitivity: mean over the images.
        why_none: why it was not descended; empty if it was.
    """

    ranks: dict[str, float]
    mean_rank: float
    descents: dict[str, Descent]
    sensitivity: Sensitivity
    why_none: str = ""

    @property
    def dead(self) -> float:
        """Largest share of pixels without a gradient at a start."""
        known = [one.dead for one in self.descents.values()]
        return max(known) if known else math.nan

    @property
    def invented(self) -> float:
        """Mean energy in high frequencies that the references lack."""
        return _mean([one.invented for one in self.descents.values()])

    @property
    def steps_to_90(self) -> float:
        """Mean number of steps to nine tenths of the fall, of the descents that fell."""
        return _mean([n for one in self.descents.values() if (n := one.steps_to_90) is not None])


@dataclass(frozen=True)
class MeasureResult:
    """All about one measure but its agreement with people, which is by set of judgements."""

    name: str
    title: str
    higher_is_better: bool
    description: str
    orderings: dict[str, float] = field(default_factory=dict)  # accuracy by group, and "mean"
    fitness: Fitness | None = None
    cost: Cost | None = None
    aggregate: Aggregate | None = None


@dataclass(frozen=True)
class StudyResult:
    """The whole study.

    Args:
        about: settings and versions, in words.
        measures: by name.
        agreements: one for each set of judgements.
        advice: sentences.
        problems: what could not be measured, in words.
    """

    about: dict[str, str]
    measures: dict[str, MeasureResult]
    agreements: list[Agreements]
    advice: list[str]
    problems: list[str]


def plain(value: Any) -> Any:
    """The records as strict JSON knows them.

    NaN becomes null, infinities become the strings ``"inf"`` and ``"-inf"``, and paths become
    strings. :func:`number` reads such numbers.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(float(value))
    return value


def number(found: float | str | None) -> float:
    """A number that :func:`plain` made, back to the last digit."""
    return math.nan if found is None else float(found)


def _mean(values: list[float] | list[int]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
