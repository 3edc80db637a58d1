"""The results of a study, as records that can be written as JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from ssimloss.study.aggregate import Aggregate
from ssimloss.study.agreement import Agreements
from ssimloss.study.bootstrap import UNDEFINED, Interval
from ssimloss.study.cost import Cost
from ssimloss.study.fitness import Descent, Sensitivity


@dataclass(frozen=True)
class Fitness:
    """One measure as a loss, over all images and starts.

    Args:
        ranks: mean rank of its results by each other measure, by name; 1 is the best.
        mean_rank: the mean over the families of judges other than its own (see
            :mod:`~ssimloss.study.jury`); NaN without any.
        descents: by ``"image, start"``.
        sensitivity: mean over the images.
        why_none: why it has no descents; empty if it has.
        by_image: the mean rank on each image.
        interval: of the mean rank, over the images.
    """

    ranks: dict[str, float]
    mean_rank: float
    descents: dict[str, Descent]
    sensitivity: Sensitivity
    why_none: str = ""
    by_image: dict[str, float] = field(default_factory=dict)
    interval: Interval = UNDEFINED

    @property
    def dead(self) -> float:
        """Largest share of pixel values without a gradient over all starts."""
        known = [one.dead for one in self.descents.values()]
        return max(known) if known else math.nan

    @property
    def invented(self) -> float:
        """Mean relative energy of high frequencies that the references lack."""
        return _mean([one.invented for one in self.descents.values()])

    @property
    def steps_to_90(self) -> float:
        """Mean number of steps to nine tenths of the decrease, over descents that decreased."""
        return _mean([n for one in self.descents.values() if (n := one.steps_to_90) is not None])


@dataclass(frozen=True)
class MeasureResult:
    """The results of one measure, without agreement with people (see :class:`StudyResult`)."""

    name: str
    title: str
    higher_is_better: bool
    description: str
    orderings: dict[str, float] = field(default_factory=dict)  # accuracy by group, and "mean"
    fitness: Fitness | None = None
    cost: Cost | None = None
    aggregate: Aggregate | None = None
    orderings_by_image: dict[str, float] = field(default_factory=dict)  # the mean on each image


@dataclass(frozen=True)
class StudyResult:
    """The whole study.

    Args:
        about: settings and versions.
        measures: results by name of the measure.
        agreements: one for each set of judgements.
        advice: recommendations, the most important first.
        problems: messages about what could not be measured.
    """

    about: dict[str, str]
    measures: dict[str, MeasureResult]
    agreements: list[Agreements]
    advice: list[str]
    problems: list[str]

    @property
    def images(self) -> list[str]:
        """The names of the studied images."""
        return list(
            dict.fromkeys(n for one in self.measures.values() for n in one.orderings_by_image)
        )


def plain(value: Any) -> Any:
    """Convert records to what strict JSON can hold.

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
    """Read a number that :func:`plain` wrote; exact."""
    return math.nan if found is None else float(found)


def _mean(values: list[float] | list[int]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
