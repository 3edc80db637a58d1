"""``Study``: a list of small tasks, each with a key, kept as they are done; then the tables."""

import hashlib
import json
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch

from ssimloss import metrics
from ssimloss._version import __version__
from ssimloss.evaluation.sharding import World, joined
from ssimloss.networks import Weights
from ssimloss.study import journal, tables
from ssimloss.study.advice import advise
from ssimloss.study.aggregate import (
    DEFAULT_WEIGHTS,
    aggregate,
    fitness_factors,
    speed_factors,
)
from ssimloss.study.agreement import Agreements, MeasureOfOpinions, agreements
from ssimloss.study.judgements import Judgements
from ssimloss.study.layouts import read_judgements
from ssimloss.study.page import write_page
from ssimloss.study.pictures import find_pictures, load_pictures
from ssimloss.study.result import MeasureResult, StudyResult, plain
from ssimloss.study.subjects import Subject, subject, subjects
from ssimloss.study.work import FULL, QUICK, SIDE, Task, Work

OnProgress = Callable[[int, int, str], object]


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
                "images": {name: _digest(pixels.numpy()) for name, pixels in pictures.items()},
                "judgements": {one.name: _digest_of(one) for one in sets},
                "extent": asdict(extent),
                "seed": self.seed,
            }
            done = self._done(folder, settings, world)
            work = Work(examined, pictures, sets, extent, self.seed, place, folder)
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
            result = self._summed(work, done, [*problems, *unusable, *work.problems(done)], place)
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
        self, work: Work, done: journal.Done, problems: list[str], device: torch.device
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


def _digest(pixels: npt.NDArray[Any]) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()[:16]


def _digest_of(judgements: Judgements) -> str:
    """Of the questions in their order; people's answers are no part of what is kept."""
    questions = "\n".join(" ".join(map(str, row.images)) for row in judgements.rows)
    return hashlib.sha256(questions.encode("utf-8", "replace")).hexdigest()[:16]


def _different(sets: Sequence[Judgements]) -> None:
    names = [one.name for one in sets]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"judgements must have different names, got {twice[0]!r} twice")


def _moved(found: Sequence[Subject], device: torch.device) -> list[Subject]:
    return [Subject(one.name, one.measure.to(device), one.loss, one.why_no_loss) for one in found]
