"""The tasks of a study, each with a key under which its result is kept, and the results that follow
from all of them.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import torch
from torch import Tensor

from ssimloss.study import fitness, journal, jury
from ssimloss.study.agreement import score_rows
from ssimloss.study.bootstrap import Interval, mean_interval
from ssimloss.study.cost import Cost, cost
from ssimloss.study.examination import Distance, Tally, accuracies, examine
from ssimloss.study.fitness import Descent, Sensitivity
from ssimloss.study.judgements import Judgements
from ssimloss.study.orderings import FLAT, GROUPS, crops_at, squares, trials
from ssimloss.study.pictures import to_png
from ssimloss.study.result import Fitness, MeasureResult, number
from ssimloss.study.subjects import Subject
from ssimloss.study.table import file_name

COST: Final = "cost/"  # how the keys of tasks begin that measure time and memory
SIDE: Final = 192  # of the crops, in pixels: MS-SSIM has its five scales
_ROWS: Final = 16  # judged rows per task

# The ranks of each loss, by image and judge, over the starts.
_Places = dict[str, dict[str, dict[str, list[float]]]]


@dataclass(frozen=True)
class Extent:
    """How much is computed."""

    images: int | None  # at most; None for all
    crops: int  # per image, for the orderings
    starts: tuple[str, ...]
    steps: int
    resamples: int
    size: tuple[int, int, int, int]  # of the images that the cost is measured on


FULL: Final = Extent(
    None, 2, ("noise", "blur", "compression", "downscaling"), 200, 1000, (1, 3, 512, 512)
)
QUICK: Final = Extent(1, 1, ("blur", "compression"), 20, 200, (1, 3, 256, 256))


@dataclass(frozen=True)
class Task:
    """A piece of the study whose result is kept under its key."""

    key: str
    run: Callable[[], Any]
    files: tuple[str, ...] = ()  # that it may write, in the output folder


class Work:
    """The tasks of a study, and the results that follow from them."""

    def __init__(
        self,
        examined: Sequence[Subject],
        pictures: Mapping[str, Tensor],
        judgements: Sequence[Judgements],
        extent: Extent,
        seed: int,
        device: torch.device,
        folder: Path | None,
    ) -> None:
        """Keep what the tasks need. ``folder`` is the output folder; None writes no pictures."""
        self.subjects = list(examined)
        self.pictures = dict(pictures)
        self.judgements = list(judgements)
        self.extent = extent
        self.seed = seed
        self.device = device
        self.folder = folder
        # Tasks of one image follow each other, and its trials are made once.
        self._trials = lru_cache(maxsize=1)(self._made_trials)

    def shared(self) -> Iterator[Task]:
        """Tasks for any process, image by image.

        The tasks of an image are shuffled: cheap and expensive ones alternate, so that the time
        left can be estimated early, and the shares of several processes take equally long.
        """
        judged = list(self._judged())
        shuffle = random.Random(self.seed).shuffle
        for place, name in enumerate(self.pictures):
            tasks = [*judged[place :: len(self.pictures)], *self._of_picture(name)]
            shuffle(tasks)
            yield from tasks

    def _judged(self) -> Iterator[Task]:
        measures = {one.name: one.measure for one in self.subjects}
        for one in self.judgements:
            for first in range(0, len(one.rows), _ROWS):
                rows = range(first, min(first + _ROWS, len(one.rows)))
                run = partial(score_rows, one, measures, rows, self.device)
                yield Task(f"agreement/{one.name}/{first}", run)

    def _of_picture(self, name: str) -> Iterator[Task]:
        for each in self.subjects:
            yield Task(f"orderings/{name}/{each.name}", partial(self._examined, name, each))
            yield Task(f"sensitivity/{name}/{each.name}", partial(self._sensitivity, name, each))
            for start in self.extent.starts if each.loss is not None else ():
                descend = partial(self._descended, name, start, each)
                files = tuple(_pictures(name, start, each.name).values())
                yield Task(f"fitness/{name}/{start}/{each.name}", descend, files)

    def alone(self) -> Iterator[Task]:
        """Tasks that measure time."""
        for each in self.subjects:
            yield Task(f"{COST}{each.name}", partial(cost, each, self.extent.size, self.device))

    def problems(self, done: journal.Done) -> list[str]:
        """Messages about what could not be measured."""
        told = []
        for each in self.subjects:
            for name in self.pictures:
                error = done[f"orderings/{name}/{each.name}"].get("error")
                if error:
                    told.append(f"{each.name} has no orderings of {name}: {error}")
            if error := done[f"{COST}{each.name}"]["error"]:
                told.append(f"{each.name} has no cost: {error}")
        return told

    def scores(self, one: Judgements, done: journal.Done) -> list[Any]:
        """The scores of each row of a set, in order."""
        return [
            row
            for start in range(0, len(one.rows), _ROWS)
            for row in done[f"agreement/{one.name}/{start}"]
        ]

    def results(self, done: journal.Done) -> dict[str, MeasureResult]:
        """The results of each measure, without agreement and aggregate."""
        places, groups = self._ranks(done), self.families(done)
        return {
            each.name: MeasureResult(
                each.name,
                each.measure.title,
                each.higher_is_better,
                each.measure.describe(),
                self._orderings(each, self.pictures, done),
                self._fitness(each, done, places, groups),
                _cost(done[f"{COST}{each.name}"]),
                orderings_by_image={
                    name: self._orderings(each, [name], done)["mean"] for name in self.pictures
                },
            )
            for each in self.subjects
        }

    def families(self, done: journal.Done) -> list[list[str]]:
        """Measures that order the results of all losses alike; see :mod:`~ssimloss.study.jury`."""
        finals = [
            _numbers(done[f"fitness/{name}/{start}/{one.name}"]["final"])
            for name in self.pictures
            for start in self.extent.starts
            for one in self._losses()
        ]
        return jury.families(
            {
                judge.name: [
                    -final[judge.name] if judge.higher_is_better else final[judge.name]
                    for final in finals
                ]
                for judge in self.subjects
            }
        )

    def _losses(self) -> list[Subject]:
        return [one for one in self.subjects if one.loss is not None]

    def _made_trials(self, name: str) -> list[Any]:
        return list(trials({name: self.pictures[name]}, {}, self.extent.crops, SIDE))

    def _crop(self, name: str) -> Tensor:
        """The first square with enough contrast, or the one at the top left."""
        image = self.pictures[name]
        place = (squares(image, SIDE, 1, flat=FLAT) or [(0, 0)])[0]
        return crops_at(image, [place], SIDE).to(self.device)

    def _examined(self, name: str, each: Subject) -> dict[str, Any]:
        distance = Distance(
            each.name,
            lambda images: images.to(self.device),
            lambda a, b: each.distance(b, a).cpu(),
        )
        try:
            tallies = examine(distance, self._trials(name))
        except (ValueError, TypeError, RuntimeError) as error:
            return {"error": str(error)}
        return {
            group: {key: [t.right, t.asked] for key, t in found.items()}
            for group, found in tallies.items()
        }

    def _sensitivity(self, name: str, each: Subject) -> Sensitivity:
        return fitness.sensitivity(each, self._crop(name))

    def _orderings(
        self, each: Subject, pictures: Iterable[str], done: journal.Done
    ) -> dict[str, float]:
        total: dict[str, dict[str, Tally]] = {group: {} for group in GROUPS}
        for name in pictures:
            for group, found in done[f"orderings/{name}/{each.name}"].items():
                if group == "error":
                    continue
                for key, (right, asked) in found.items():
                    tally = total[group].setdefault(key, Tally())
                    tally.right, tally.asked = tally.right + right, tally.asked + int(asked)
        return accuracies(total)

    def _descended(self, name: str, start: str, each: Subject) -> Descent:
        reference = self._crop(name)
        begin = fitness.starts(reference.cpu(), self.seed)[start].to(self.device)
        descent, picture = fitness.descend(
            each, begin, reference, self.subjects, steps=self.extent.steps
        )
        if self.folder is not None:
            places = _pictures(name, start, each.name)
            to_png(picture, self.folder / places["picture"])
            for kind, image in (("reference", reference), ("start", begin)):
                if not (self.folder / places[kind]).exists():
                    to_png(image, self.folder / places[kind])
        return descent

    def _ranks(self, done: journal.Done) -> _Places:
        places: _Places = {one.name: {name: {} for name in self.pictures} for one in self._losses()}
        for name in self.pictures:
            for start in self.extent.starts:
                found = {
                    one.name: _numbers(done[f"fitness/{name}/{start}/{one.name}"]["final"])
                    for one in self._losses()
                }
                for judge in self.subjects:
                    values = {loss: final[judge.name] for loss, final in found.items()}
                    if all(map(math.isnan, values.values())):
                        continue  # a judge without any value ranks nothing
                    ranked = fitness.ranks(values, higher_is_better=judge.higher_is_better)
                    for loss, place in ranked.items():
                        # No measure judges its own images: it wins at what it minimises.
                        if loss != judge.name:
                            places[loss][name].setdefault(judge.name, []).append(place)
        return places

    def _fitness(
        self, each: Subject, done: journal.Done, places: _Places, groups: Sequence[Sequence[str]]
    ) -> Fitness:
        sensitivity = Sensitivity(
            **_means([done[f"sensitivity/{name}/{each.name}"] for name in self.pictures])
        )
        if each.loss is None:
            return Fitness({}, math.nan, {}, sensitivity, each.why_no_loss)
        descents = {
            f"{name}, {start}": _descent(done[f"fitness/{name}/{start}/{each.name}"])
            for name in self.pictures
            for start in self.extent.starts
        }
        by_image = {
            name: jury.vote(
                {judge: fmean(all_) for judge, all_ in found.items()}, each.name, groups
            )
            for name, found in places[each.name].items()
        }
        judges = dict.fromkeys(judge for found in places[each.name].values() for judge in found)
        ranks = {
            judge: fmean(p for found in places[each.name].values() for p in found.get(judge, ()))
            for judge in judges
        }
        known = [value for value in by_image.values() if math.isfinite(value)]
        mean = mean_interval(known)
        last = len(self._losses())
        interval = Interval(mean.value, max(mean.low, 1.0), min(mean.high, float(last)))
        return Fitness(ranks, mean.value, descents, sensitivity, "", by_image, interval)


def _pictures(image: str, start: str, measure: str) -> dict[str, str]:
    """Where the pictures of a descent are written, in the output folder."""
    folder = f"pictures/{image}"
    return {
        "reference": f"{folder}/reference.png",
        "start": f"{folder}/{start}/start.png",
        "picture": f"{folder}/{start}/{file_name(measure)}.png",
    }


def _numbers(found: Mapping[str, Any]) -> dict[str, float]:
    return {name: number(value) for name, value in found.items()}


def _cost(found: Mapping[str, Any]) -> Cost:
    times = {name: number(found[name]) for name in ("forward_ms", "step_ms")}
    return Cost(**{**found, **times})


def _descent(found: Mapping[str, Any]) -> Descent:
    known = {name: number(found[name]) for name in ("invented", "dead")}
    curve = [number(value) for value in found["curve"]]
    return Descent(**{**found, **known, "curve": curve, "final": _numbers(found["final"])})


def _means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean of each number over the rows, without NaN."""
    means = {}
    for key in rows[0]:
        known = [value for row in rows if not math.isnan(value := number(row[key]))]
        means[key] = sum(known) / len(known) if known else math.nan
    return means
