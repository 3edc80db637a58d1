"""``Study``: runs small tasks whose results are kept one by one, then makes the tables."""

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

from ssimloss import _checks
from ssimloss._memory import settled
from ssimloss._references import kept_references
from ssimloss._version import __version__
from ssimloss.evaluation.plan import file_state
from ssimloss.evaluation.sharding import World, joined
from ssimloss.networks import Weights
from ssimloss.study import journal, tables
from ssimloss.study.advice import advise
from ssimloss.study.aggregate import (
    DEFAULT_WEIGHTS,
    aggregate,
    complete_weights,
    fitness_factors,
    speed_factors,
)
from ssimloss.study.agreement import Agreements, MeasureOfOpinions, agreements
from ssimloss.study.bootstrap import scipy_stats
from ssimloss.study.judgements import Judgements
from ssimloss.study.layouts import read_judgements
from ssimloss.study.page import write_page
from ssimloss.study.pictures import find_pictures, load_pictures
from ssimloss.study.result import MeasureResult, StudyResult, plain
from ssimloss.study.subjects import Subject, installed_subjects, subjects
from ssimloss.study.work import COST, FULL, QUICK, SIDE, Task, Work

OnProgress = Callable[[int, int, str], object]


@dataclass
class Study:
    """Which measure to trust and to train with, on your images and judgements.

    Args:
        images: a folder, a file, a list of them, or None for photographs of scikit-image.
        judgements: one or several CSV files or folders of published data sets; may be empty.
        judged_images: the folder that the paths in CSV files are relative to.
        measures: one or several names of ``metrics.MEASURES`` or ``"module:attribute"``; None for
            every measure whose weights are installed.
        weights: of the networks of deep measures.
        quick: one image, two starts and few steps; takes minutes on a small machine.
        aggregate_weights: of the factors of the aggregate; 1 for those that are not given.
        budget_ms: the longest acceptable time of a training step, for the advice.
        out: the folder for tables, pictures, the page and the journal; None writes nothing.
        resume, overwrite: continue or discard the study in ``out``. A study that is continued may
            have more images than before, or fewer.
        cost_again: with ``resume``, measure the cost once more, such as on a machine that has no
            other work now.
        seed: of everything random.
        device: ``"auto"``, or a device of PyTorch.

    Raises:
        ValueError: an argument is wrong, raised by :meth:`run`; see
            :func:`~ssimloss.study.layouts.read_judgements` and
            :func:`~ssimloss.study.pictures.find_pictures`.
    """

    images: str | Path | Sequence[str | Path] | None = None
    judgements: str | Path | Sequence[str | Path] = ()
    judged_images: str | Path | None = None
    measures: str | Sequence[str] | None = None
    weights: Weights = "imagenet"
    quick: bool = False
    aggregate_weights: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    budget_ms: float | None = None
    out: str | Path | None = None
    resume: bool = False
    overwrite: bool = False
    cost_again: bool = False
    seed: int = 0
    device: str = "auto"

    def run(self, on_progress: OnProgress | None = None) -> StudyResult:
        """Run the tasks that have no result yet, and make the tables.

        Under ``torchrun`` each process takes a share; all return the same result.

        Args:
            on_progress: called with the number of finished tasks of this process, of all its
                tasks, and the last key.

        Raises:
            RuntimeError: the disk is full, another process was lost, or processes have different
                measures or files.
        """
        folder = None if self.out is None else Path(self.out).expanduser()
        judged = _listed(self.judgements)
        self._check(folder, judged)
        extent = QUICK if self.quick else FULL
        with joined() as world:
            device = world.device(self.device)
            # First what takes no time: networks are loaded for seconds.
            pictures, unusable = load_pictures(find_pictures(self.images), SIDE, extent.images)
            sets = [
                one for path in judged for one in read_judgements(path, images=self.judged_images)
            ]
            _different(sets)
            examined, problems = self._subjects(device)
            settings = {
                "version": __version__,
                "measures": {one.name: one.measure.describe() for one in examined},
                "images": {name: _digest(pixels.numpy()) for name, pixels in pictures.items()},
                "judgements": {one.name: _digest_of(one) for one in sets},
                "extent": asdict(extent),
                "seed": self.seed,
            }
            done = self._done(folder, settings, world)
            if self.cost_again:
                done = {key: one for key, one in done.items() if not key.startswith(COST)}
            work = Work(examined, pictures, sets, extent, self.seed, device, folder)
            todo = [task for task in work.shared() if task.key not in done]
            share = todo[world.rank :: world.size]
            # One process measures the cost while the others wait.
            alone = [task for task in work.alone() if task.key not in done]
            mine = [*share, *(alone if world.rank == 0 else [])]
            fresh: journal.Done = {}

            def do(tasks: Sequence[Task]) -> None:
                for task in tasks:
                    kept.announce(task.files)
                    fresh[task.key] = _round_trip(task.run())
                    kept.add(task.key, fresh[task.key])
                    if on_progress is not None:
                        on_progress(len(fresh), len(mine), task.key)

            with closing(journal.Journal(folder, world.rank)) as kept:
                if self.cost_again and world.rank == 0:
                    kept.discard(COST)  # an interrupted run must not leave old costs beside new
                with kept_references():  # of an image that tasks share, not where time is measured
                    do(share)
                world.gather(None)
                with settled():
                    do(mine[len(share) :])
                for part in world.gather(fresh):
                    done |= part
                told = [*problems, *unusable, *work.problems(done)]
                result = self._summed(work, done, told, device)
                if folder is not None and world.rank == 0:
                    found = tables.tables_of(result)
                    kept.announce(tables.files(found))
                    tables.write(result, found, folder)
                    write_page(result, folder)
            world.gather(None)  # no process leaves before the files are written
        return result

    def _check(self, folder: Path | None, judged: Sequence[str | Path]) -> None:
        """Check the arguments, so that no error follows after hours of work."""
        if (self.resume or self.overwrite) and folder is None:
            raise ValueError("resume and overwrite need out, the folder that holds a study")
        if self.resume and self.overwrite:
            raise ValueError("resume continues the study in out, overwrite discards it; set one")
        if self.cost_again and not self.resume:
            raise ValueError(
                "cost_again measures the cost of a study once more; set resume as well"
            )
        if self.measures is not None and not _listed(self.measures):
            raise ValueError("measures must name at least one measure, got none")
        if self.judged_images is not None and not judged:
            raise ValueError(
                "judged_images is the folder of the images in judgements, and there are none; pass "
                "judgements as well"
            )
        if self.budget_ms is not None:
            _checks.positive("budget_ms", self.budget_ms)
        _checks.count("seed", self.seed, least=0)
        scipy_stats()
        weights = complete_weights(self.aggregate_weights)
        if not judged and not any(weights[name] for name in weights if name != "agreement"):
            raise ValueError(
                "aggregate_weights counts only agreement with people, and there are no judgements; "
                "pass judgements, or a positive weight of another factor"
            )

    def _subjects(self, device: torch.device) -> tuple[list[Subject], list[str]]:
        if self.measures is not None:
            names = [str(name) for name in _listed(self.measures)]
            return _moved(subjects(names, weights=self.weights), device), []
        found, problems = installed_subjects(weights=self.weights)
        return _moved(found, device), problems

    def _done(self, folder: Path | None, settings: dict[str, Any], world: World) -> journal.Done:
        _demand_same_settings(world.gather(settings))  # before anything is discarded
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
            "threads": str(torch.get_num_threads()),
            "measures with one vote together": _together(work.families(done)),
            "weights of the aggregate": ", ".join(
                f"{name} {weight:g}"
                for name, weight in complete_weights(self.aggregate_weights).items()
            ),
        }
        about = {name: words for name, words in about.items() if words}
        advice = advise(measures, found, budget_ms=self.budget_ms)
        return StudyResult(about, measures, found, advice, problems)


def _together(families: Sequence[Sequence[str]]) -> str:
    return "; ".join(", ".join(group) for group in families if len(group) > 1)


def _round_trip(found: Any) -> Any:
    """What the journal will return: a resumed study equals an uninterrupted one exactly."""
    return json.loads(json.dumps(plain(found), allow_nan=False))


def _listed(one_or_several: str | Path | Sequence[str | Path]) -> list[str | Path]:
    """A single name or path is a list of one, not a list of its characters."""
    if isinstance(one_or_several, (str, Path)):
        return [one_or_several]
    return list(one_or_several)


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
    """A digest of the ordered questions and of the states of their images. It does not include the
    answers, so that the journal does not depend on them.
    """
    states = {image: file_state(image) for row in judgements.rows for image in row.images}
    questions = [[states[image] for image in row.images] for row in judgements.rows]
    return hashlib.sha256(repr(questions).encode()).hexdigest()[:16]


def _demand_same_settings(everyone: Sequence[Mapping[str, Any]]) -> None:
    """Check that all processes have the same tasks.

    Raises:
        RuntimeError: a setting of a process differs from that of process 0.
    """
    for rank, theirs in enumerate(everyone):
        for name, value in everyone[0].items():
            if theirs[name] == value:
                continue
            entries = ""
            if isinstance(value, dict):
                unlike = [
                    one for one in value | theirs[name] if value.get(one) != theirs[name].get(one)
                ]
                entries = f" ({', '.join(unlike)})"
            raise RuntimeError(
                f"all processes must run the same study, but {name!r} of process {rank} differs "
                f"from that of process 0{entries}; install the same package and weights for all "
                "processes, and give them the same arguments and files"
            )


def _different(sets: Sequence[Judgements]) -> None:
    names = [one.name for one in sets]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"judgements must have different names, got {twice[0]!r} twice")


def _moved(found: Sequence[Subject], device: torch.device) -> list[Subject]:
    return [Subject(one.name, one.measure.to(device), one.loss, one.why_no_loss) for one in found]
