"""``Study``: a list of small tasks, each with a key, kept as they are done; then the tables."""

import json
import math
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ssimloss import metrics
from ssimloss._version import __version__
from ssimloss.evaluation.sharding import World, joined
from ssimloss.networks import Weights
from ssimloss.study import fitness, journal, tables
from ssimloss.study.advice import advise
from ssimloss.study.aggregate import (
    DEFAULT_WEIGHTS,
    aggregate,
    fitness_factors,
    speed_factors,
)
from ssimloss.study.agreement import Agreements, MeasureOfOpinions, agreements, score_rows
from ssimloss.study.cost import Cost, cost
from ssimloss.study.examination import Distance, Tally, accuracies, examine
from ssimloss.study.fitness import Descent, Sensitivity
from ssimloss.study.judgements import Judgements
from ssimloss.study.layouts import read_judgements
from ssimloss.study.orderings import FLAT, GROUPS, crops_at, squares, trials
from ssimloss.study.page import write_page
from ssimloss.study.pictures import find_pictures, load_pictures, to_png
from ssimloss.study.result import Fitness, MeasureResult, StudyResult, plain
from ssimloss.study.subjects import Subject, subject, subjects

SIDE: Final = 192  # of the crops, in pixels: MS-SSIM has its five scales
_ROWS: Final = 16  # judged rows of a task

OnProgress = Callable[[int, int, str], object]


@dataclass(frozen=True)
class Extent:
    """How much is done."""

    images: int | None  # at most; None for all
    crops: int  # of each image, for the orderings
    starts: tuple[str, ...]
    steps: int
    resamples: int
    size: tuple[int, int, int, int]  # of the images whose cost is measured


FULL: Final = Extent(
    None, 2, ("noise", "blur", "compression", "downscaling"), 200, 1000, (1, 3, 512, 512)
)
QUICK: Final = Extent(1, 1, ("blur", "compression"), 30, 200, (1, 3, 256, 256))


@dataclass(frozen=True)
class Task:
    """A piece of the study whose result is kept under its key."""

    key: str
    run: Callable[[], Any]


@dataclass
class Study:
    """Which measure to trust, and to train with, on your images and judgements.

    Args:
        images: a folder, files, or None for photographs of scikit-image.
        judgements: tables or folders of published data sets; may be empty.
        judged_images: the folder that paths in tables are relative to.
        measures: names of ``metrics.MEASURES`` or ``"module:attribute"``; None takes all whose
            weights are here.
        weights: of the networks of deep measures.
        quick: one image, two starts and few steps: minutes on a small machine.
        aggregate_weights: of the factors of the aggregate.
        budget_ms: of a training step, for the recommendation.
        out: a folder for tables, pictures, the page, and the journal; None writes nothing.
        resume, overwrite: continue or discard what ``out`` holds.
        seed: of everything random.
        device: ``"auto"``, or a device of torch.

    Raises:
        ValueError: arguments that make no sense, raised by :meth:`run`; see
            :func:`~ssimloss.study.layouts.read_judgements` and
            :func:`~ssimloss.study.pictures.find_pictures`.
    """

    images: str | Path | Sequence[str | Path] | None = None
    judgements: Sequence[str | Path] = ()
    judged_images: str | Path | None = None
    measures: Sequence[str] | None = None
    weights: Weights = "imagenet"
    quick: bool = False
    aggregate_weights: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    budget_ms: float | None = None
    out: str | Path | None = None
    resume: bool = False
    overwrite: bool = False
    seed: int = 0
    device: str = "auto"

    def run(self, on_progress: OnProgress | None = None) -> StudyResult:
        """Do what is left to do, and sum up.

        Under ``torchrun`` each process takes a share; all return the same.

        Args:
            on_progress: called with tasks done, tasks in all of this process, and the last key.

        Raises:
            RuntimeError: no room on the disk, a process that was lost.
        """
        folder = None if self.out is None else Path(self.out).expanduser()
        if (self.resume or self.overwrite) and folder is None:
            raise ValueError("resume and overwrite are about what out holds: they need out")
        if self.resume and self.overwrite:
            raise ValueError("resume continues what out holds and overwrite discards it; give one")
        aggregate({}, self.aggregate_weights, weightings=1)  # checks the weights first
        extent = QUICK if self.quick else FULL
        with joined() as world:
            place = world.device(self.device)
            examined, problems = self._subjects(place)
            sets = [
                one
                for path in self.judgements
                for one in read_judgements(path, images=self.judged_images)
            ]
            _different(sets)
            pictures, unusable = load_pictures(find_pictures(self.images), SIDE, extent.images)
            settings = {
                "version": __version__,
                "measures": {one.name: one.measure.describe() for one in examined},
                "images": sorted(pictures),
                "judgements": {one.name: len(one.rows) for one in sets},
                "extent": asdict(extent),
                "seed": self.seed,
            }
            done = self._done(folder, settings, world)
            work = _Work(examined, pictures, sets, extent, self.seed, place, folder)
            todo = [task for task in work.shared() if task.key not in done]
            share = todo[world.rank :: world.size]
            # Times are taken by one process while the others wait.
            alone = [task for task in work.alone() if task.key not in done]
            mine = [*share, *(alone if world.rank == 0 else [])]
            fresh: journal.Done = {}
            with closing(journal.Journal(folder, world.rank)) as kept:
                for count, task in enumerate(share, 1):
                    _do(task, kept, fresh)
                    if on_progress is not None:
                        on_progress(count, len(mine), task.key)
                world.gather(None)
                for count, task in enumerate(mine[len(share) :], len(share) + 1):
                    _do(task, kept, fresh)
                    if on_progress is not None:
                        on_progress(count, len(mine), task.key)
            for part in world.gather(fresh):
                done |= part
            result = self._summed(work, done, [*problems, *unusable], place)
            if folder is not None and world.rank == 0:
                tables.write(result, folder)
                write_page(result, folder)
            world.gather(None)  # nobody leaves before the files are there
        return result

    def _subjects(self, device: torch.device) -> tuple[list[Subject], list[str]]:
        if self.measures is not None:
            return _moved(subjects(self.measures, weights=self.weights), device), []
        found, problems = [], []
        for name in metrics.measures.known():
            try:
                found.append(subject(name, weights=self.weights))
            except RuntimeError as error:
                problems.append(f"{name} is left out: {str(error).splitlines()[0]}")
        return _moved(found, device), problems

    def _done(self, folder: Path | None, settings: dict[str, Any], world: World) -> journal.Done:
        refused = None
        if folder is not None and world.rank == 0:
            try:
                journal.prepare(folder, settings, resume=self.resume, overwrite=self.overwrite)
            except (ValueError, RuntimeError) as error:
                refused = error
        told = world.gather(refused)
        if told[0] is not None:
            raise told[0]
        done: journal.Done = {}
        known = journal.read_journal(folder) if folder is not None and self.resume else {}
        for part in world.gather(known):
            done |= part
        return done

    def _summed(
        self, work: "_Work", done: journal.Done, problems: list[str], device: torch.device
    ) -> StudyResult:
        found = [
            agreements(
                one,
                work.scores(one, done),
                {each.name: each.higher_is_better for each in work.subjects},
                resamples=work.extent.resamples,
                seed=self.seed,
            )
            for one in work.judgements
        ]
        measures = work.results(done)
        factors = _factors(measures, found)
        together = aggregate(factors, self.aggregate_weights, seed=self.seed)
        measures = {name: replace(one, aggregate=together[name]) for name, one in measures.items()}
        for one in found:
            problems.extend(f"{one.name}: {words}" for words in one.left_out)
        about = {
            "version": __version__,
            "torch": torch.__version__,
            "device": f"{device.type} ({platform.machine()})",
            "images": ", ".join(work.pictures),
            "extent": "quick" if self.quick else "full",
            "seed": str(self.seed),
            "weights of the aggregate": ", ".join(
                f"{name} {weight:g}" for name, weight in self.aggregate_weights.items()
            ),
        }
        advice = advise(measures, found, budget_ms=self.budget_ms)
        return StudyResult(about, measures, found, advice, problems)


class _Work:
    """The tasks of a study, and what their results say together."""

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
        """Tasks that any process can do."""
        measures = {one.name: one.measure for one in self.subjects}
        for one in self.judgements:
            for first in range(0, len(one.rows), _ROWS):
                rows = range(first, min(first + _ROWS, len(one.rows)))
                run = partial(score_rows, one, measures, rows, self.device)
                yield Task(f"agreement/{one.name}/{first}", run)
        for name in self.pictures:
            for each in self.subjects:
                yield Task(f"orderings/{name}/{each.name}", partial(self._examined, name, each))
        for name in self.pictures:
            for each in self.subjects:
                moved = partial(self._sensitivity, name, each)
                yield Task(f"sensitivity/{name}/{each.name}", moved)
                for start in self.extent.starts if each.loss is not None else ():
                    descend = partial(self._descended, name, start, each)
                    yield Task(f"fitness/{name}/{start}/{each.name}", descend)

    def alone(self) -> Iterator[Task]:
        """Tasks that measure time."""
        for each in self.subjects:
            yield Task(f"cost/{each.name}", partial(cost, each, self.extent.size, self.device))

    def scores(self, one: Judgements, done: journal.Done) -> list[Any]:
        """Of each row of a set, in order."""
        return [
            row
            for start in range(0, len(one.rows), _ROWS)
            for row in done[f"agreement/{one.name}/{start}"]
        ]

    def results(self, done: journal.Done) -> dict[str, MeasureResult]:
        """All but agreement and aggregate."""
        places = self._ranks(done)
        return {
            each.name: MeasureResult(
                each.name,
                each.measure.title,
                each.higher_is_better,
                each.measure.describe(),
                self._orderings(each, done),
                self._fitness(each, done, places),
                Cost(**_numbers(done[f"cost/{each.name}"])),
            )
            for each in self.subjects
        }

    def _made_trials(self, name: str) -> list[Any]:
        return list(trials({name: self.pictures[name]}, {}, self.extent.crops, SIDE))

    def _crop(self, name: str) -> Tensor:
        """The first lively square; the one at the top left where none is."""
        image = self.pictures[name]
        place = (squares(image, SIDE, 1, flat=FLAT) or [(0, 0)])[0]
        return crops_at(image, [place], SIDE).to(self.device)

    def _examined(self, name: str, each: Subject) -> dict[str, dict[str, list[float]]]:
        distance = Distance(
            each.name,
            lambda images: images.to(self.device),
            lambda a, b: each.distance(b, a).cpu(),
        )
        try:
            tallies = examine(distance, self._trials(name))
        except (ValueError, TypeError, RuntimeError) as error:
            return {"error": {str(error): []}}
        return {
            group: {key: [t.right, t.asked] for key, t in found.items()}
            for group, found in tallies.items()
        }

    def _sensitivity(self, name: str, each: Subject) -> Sensitivity:
        return fitness.sensitivity(each, self._crop(name))

    def _orderings(self, each: Subject, done: journal.Done) -> dict[str, float]:
        total: dict[str, dict[str, Tally]] = {group: {} for group in GROUPS}
        for name in self.pictures:
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
            folder = self.folder / "pictures" / name
            to_png(picture, folder / start / f"{tables.file_name(each.name)}.png")
            if not (folder / "reference.png").exists():
                to_png(reference, folder / "reference.png")
            if not (folder / start / "start.png").exists():
                to_png(begin, folder / start / "start.png")
        return descent

    def _ranks(self, done: journal.Done) -> dict[str, dict[str, list[float]]]:
        """Of each measure by each judge: its places over images and starts."""
        places: dict[str, dict[str, list[float]]] = {one.name: {} for one in self.subjects}
        descended = [one for one in self.subjects if one.loss is not None]
        for name in self.pictures:
            for start in self.extent.starts:
                found = {
                    one.name: _numbers(done[f"fitness/{name}/{start}/{one.name}"]["final"])
                    for one in descended
                }
                for judge in self.subjects:
                    values = {loss: final[judge.name] for loss, final in found.items()}
                    ranked = fitness.ranks(values, higher_is_better=judge.higher_is_better)
                    for loss, place in ranked.items():
                        # Nobody judges its own pictures: a measure wins at what it minimises.
                        if loss != judge.name:
                            places[loss].setdefault(judge.name, []).append(place)
        return places

    def _fitness(
        self, each: Subject, done: journal.Done, places: dict[str, dict[str, list[float]]]
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
        ranks = {judge: sum(all_) / len(all_) for judge, all_ in places[each.name].items()}
        mean = sum(ranks.values()) / len(ranks) if ranks else math.nan
        return Fitness(ranks, mean, descents, sensitivity)


def _do(task: Task, kept: journal.Journal, fresh: journal.Done) -> None:
    found = plain(task.run())
    # As it will be read again: a resumed study and one in a piece are the same to the last digit.
    found = json.loads(json.dumps(found))
    kept.add(task.key, found)
    fresh[task.key] = found


def _factors(
    measures: Mapping[str, MeasureResult], found: Sequence[Agreements]
) -> dict[str, dict[str, float]]:
    ranks = {
        name: one.fitness.mean_rank if one.fitness is not None else math.nan
        for name, one in measures.items()
    }
    times = {
        name: one.cost.step_ms if one.cost is not None else math.nan
        for name, one in measures.items()
    }
    fit, fast = fitness_factors(ranks), speed_factors(times)
    factors: dict[str, dict[str, float]] = {}
    for name, one in measures.items():
        score = one.orderings.get("mean", math.nan)
        factors[name] = {
            "orderings": max(0.0, 2 * score - 1) if math.isfinite(score) else math.nan,
            "fitness": fit[name],
            "speed": fast[name],
        }
        if found:
            shares = [_share(each, name) for each in found]
            whole = all(map(math.isfinite, shares))
            factors[name]["agreement"] = sum(shares) / len(shares) if whole else math.nan
    return factors


def _share(one: Agreements, name: str) -> float:
    found = one.measures.get(name)
    if found is None:
        return math.nan
    if isinstance(found, MeasureOfOpinions):
        value = found.overall.srcc.value
    elif one.kind == "choices":
        value = 2 * found.score.value - 1
    else:
        value = found.score.value
    return max(0.0, value) if math.isfinite(value) else math.nan


def _different(sets: Sequence[Judgements]) -> None:
    names = [one.name for one in sets]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"judgements must have different names, got {twice[0]!r} twice")


def _moved(found: Sequence[Subject], device: torch.device) -> list[Subject]:
    return [Subject(one.name, one.measure.to(device), one.loss, one.why_no_loss) for one in found]


def _numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    """NaN again where JSON has null."""
    return {name: math.nan if value is None else value for name, value in found.items()}


def _descent(found: Mapping[str, Any]) -> Descent:
    known = _numbers(found) | {
        "final": _numbers(found["final"]),
        "steps_to_90": found["steps_to_90"],  # None is none
    }
    return Descent(**known)


def _means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    means = {}
    for key in rows[0]:
        known = [row[key] for row in rows if row[key] is not None]
        means[key] = sum(known) / len(known) if known else math.nan
    return means


__all__ = ["FULL", "QUICK", "Extent", "OnProgress", "Study"]
