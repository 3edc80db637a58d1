"""Agreement of measures with people: what each measure says of the judged images, and the
statistics of that.
"""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ssimloss.color import luma
from ssimloss.evaluation.images import ImageError, read
from ssimloss.metrics import ImageMeasure
from ssimloss.study.correlations import (
    RESAMPLES,
    Agreement,
    Better,
    Interval,
    average_precision,
    compare,
    human_score,
    mean_interval,
    opinion_agreement,
    per_triplet,
)
from ssimloss.study.judgements import Judgement, Judgements
from ssimloss.study.logistic import Curve

# Of one judged row: for each measure its numbers, one per image that it compares, or an error.
Scores = dict[str, "list[float] | str"]
_OUTLIER: Final = 2.0  # standard deviations of the residuals
# Draws of whole scenes need a number of them; with fewer, single images are drawn, whose intervals
# are too narrow where images of one scene resemble each other.
FEWEST_SCENES: Final = 10
_FEWEST: Final = 8  # images of a distortion or a strength that are worth a number of their own


@dataclass(frozen=True)
class Outlier:
    """An image that a measure places far from where people do."""

    distorted: Path
    reference: Path
    opinion: float
    foretold: float
    deviations: float
    high_frequencies: float


@dataclass(frozen=True)
class MeasureOfOpinions:
    """One measure on one set of opinions."""

    overall: Agreement
    by_distortion: dict[str, float]  # SRCC
    by_strength: dict[str, float]
    scores: list[float]  # of the judged images that it could measure
    outliers: list[Outlier]
    # Mean share of high frequencies in the outliers and in all images, and whether they differ.
    high_frequencies: tuple[float, float, float]


@dataclass(frozen=True)
class MeasureOfChoices:
    """One measure on triplets, or on pairs that look the same."""

    score: Interval
    count: int


@dataclass(frozen=True)
class Agreements:
    """All measures on one set of judgements, over the rows that every measure could measure."""

    name: str
    kind: str
    count: int
    measures: Mapping[str, "MeasureOfOpinions | MeasureOfChoices"]
    answers: list[float]  # of people, of the rows that count
    scenes: int  # reference images; with fewer than FEWEST_SCENES, intervals are of single images
    comparisons: list[Better] = field(default_factory=list)
    people: float = math.nan  # what one more observer reaches, of choices
    # Rows that are in no number: missing images, and those that a measure could not measure.
    left_out: list[str] = field(default_factory=list)


# --- scores ---------------------------------------------------------------------------------------


def score_rows(
    judgements: Judgements,
    measures: Mapping[str, ImageMeasure],
    rows: Iterable[int],
    device: torch.device | str = "cpu",
) -> list[Scores]:
    """What each measure says of these rows; a failure is its words, and stops nothing."""
    load = functools.lru_cache(maxsize=8)(lambda path: read(path))
    return [_scored(judgements.rows[row], measures, load, device) for row in rows]


def _scored(
    row: Judgement,
    measures: Mapping[str, ImageMeasure],
    load: Callable[[Path], Any],
    device: torch.device | str,
) -> Scores:
    try:
        first, *others = (load(path) for path in row.images)
        batches = [(image.pixels[None].to(device), image.data_range) for image in (*others, first)]
    except ImageError as error:
        return dict.fromkeys(measures, str(error))
    *compared, (reference, in_range) = batches
    found: Scores = {}
    for name, one in measures.items():
        values: list[float] = []
        for pixels, out_range in compared:
            x, y = _same_range(pixels, out_range, reference, in_range)
            try:
                values.append(float(one(x, y)))
            except (ValueError, TypeError, RuntimeError) as error:
                found[name] = f"{one.title}: {error}"
                break
        else:
            found[name] = values if all(map(math.isfinite, values)) else _told(one, values)
    return found


def _told(measure: ImageMeasure, values: Sequence[float]) -> str:
    wrong = next(value for value in values if not math.isfinite(value))
    perfect = math.inf if measure.higher_is_better else -math.inf
    return f"{measure.title} is {wrong}{', of equal images' if wrong == perfect else ''}"


def _same_range(x: Tensor, range_x: int, y: Tensor, range_y: int) -> tuple[Tensor, Tensor]:
    if range_x == range_y and x.dtype == y.dtype == torch.uint8:
        return x, y
    return x.double() / range_x, y.double() / range_y


# --- statistics -----------------------------------------------------------------------------------


def agreements(
    judgements: Judgements,
    scores: Sequence[Scores],
    higher_is_better: Mapping[str, bool],
    *,
    curve: Curve = "logistic5",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Agreements:
    """All statistics of one set of judgements.

    Every measure is judged on the same rows: those that all of them could measure, with a finite
    number. A measure that failed on every row is left out, and said to be.

    Args:
        judgements: the rows.
        scores: of each row what :func:`score_rows` returned.
        higher_is_better: of each measure.
        curve, resamples, seed: as in :func:`~ssimloss.study.correlations.opinion_agreement`.
    """
    names, usable, left_out = _usable(judgements, scores, higher_is_better)
    rows = [judgements.rows[index] for index in usable]
    answers = np.array([row.answer for row in rows], dtype=np.float64)
    values = {
        name: np.array([scores[index][name] for index in usable], dtype=np.float64)
        for name in names
    }  # (n, images compared)
    scenes = [str(row.reference) for row in rows]
    few = len(set(scenes)) < FEWEST_SCENES
    draws: dict[str, Any] = {
        "clusters": None if few else scenes,
        "resamples": resamples,
        "seed": seed,
    }
    about: dict[str, Any] = {
        "name": judgements.name,
        "kind": judgements.kind,
        "count": len(rows),
        "answers": answers.tolist(),
        "scenes": len(set(scenes)),
    }
    if judgements.kind == "opinions":
        same = {n: higher_is_better[n] == (judgements.better == "higher") for n in names}
        x = {name: values[name][:, 0] for name in names}
        spectra = _high_frequencies(rows) if names else []
        found: dict[str, Any] = {
            name: _opinions(rows, x[name], answers, same[name], spectra, curve, draws)
            for name in names
        }
        comparisons = compare(x, answers, same_direction=same, **draws) if len(rows) > 3 else []
        return Agreements(**about, measures=found, comparisons=comparisons, left_out=left_out)
    distances = {n: -values[n] if higher_is_better[n] else values[n] for n in names}
    if judgements.kind == "choices":
        found = {
            name: MeasureOfChoices(
                mean_interval(per_triplet(d[:, 0], d[:, 1], answers), **draws), len(rows)
            )
            for name, d in distances.items()
        }
        return Agreements(**about, measures=found, people=human_score(answers), left_out=left_out)
    found = {
        name: MeasureOfChoices(_precision(d[:, 0], answers, resamples, seed), len(rows))
        for name, d in distances.items()
    }
    return Agreements(**about, measures=found, left_out=left_out)


def _usable(
    judgements: Judgements, scores: Sequence[Scores], measures: Iterable[str]
) -> tuple[list[str], list[int], list[str]]:
    """Measures that measured anything, the rows that all of those measured, and words on the
    rest.
    """
    left_out = list(judgements.missing)
    names = []
    for name in measures:
        errors = [row[name] for row in scores if isinstance(row[name], str)]
        if len(errors) == len(scores):
            left_out.append(f"{name} could measure no image: {errors[0] if errors else 'none'}")
        else:
            names.append(name)
    usable = []
    for index, row in enumerate(scores):
        told = [f"{name}: {row[name]}" for name in names if isinstance(row[name], str)]
        if told:
            left_out.append(f"{judgements.rows[index].row}: {told[0]}")
        else:
            usable.append(index)
    return names, usable, left_out


def _opinions(
    rows: Sequence[Judgement],
    x: np.ndarray[Any, np.dtype[np.float64]],
    q: np.ndarray[Any, np.dtype[np.float64]],
    same_direction: bool,
    spectra: Sequence[float],
    curve: Curve,
    draws: dict[str, Any],
) -> MeasureOfOpinions:
    overall = opinion_agreement(x, q, same_direction=same_direction, curve=curve, **draws)
    parts: list[dict[str, float]] = []
    for labels in ([row.distortion for row in rows], [row.strength for row in rows]):
        part: dict[str, float] = {}
        for label in dict.fromkeys(filter(None, labels)):
            chosen = np.array([other == label for other in labels])
            if chosen.sum() >= _FEWEST:
                # Without draws: a table of many numbers, each a hint.
                inside = opinion_agreement(
                    x[chosen], q[chosen], same_direction=same_direction, curve=curve, resamples=2
                )
                part[label] = inside.srcc.value
        parts.append(part)
    outliers: list[Outlier] = []
    frequencies = (math.nan, math.nan, math.nan)
    if overall.fit is not None:
        foretold = overall.fit(x)
        residual = q - foretold
        deviation = float(residual.std())
        far = np.abs(residual) > _OUTLIER * deviation if deviation else np.zeros(len(q), bool)
        order = np.argsort(-np.abs(residual), kind="stable")
        outliers = [
            Outlier(
                rows[i].images[1], rows[i].reference, float(q[i]), float(foretold[i]),
                float(residual[i] / deviation), spectra[i],
            )
            for i in order
            if far[i]
        ]  # fmt: skip
        frequencies = _frequencies_of_outliers(np.array(spectra), far)
    return MeasureOfOpinions(overall, parts[0], parts[1], x.tolist(), outliers, frequencies)


def _frequencies_of_outliers(
    spectra: np.ndarray[Any, np.dtype[np.float64]], far: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[float, float, float]:
    """Mean share of high frequencies in outliers and in all images; p of Mann & Whitney 1947."""
    if not far.any() or far.all():
        return math.nan, float(spectra.mean()) if len(spectra) else math.nan, math.nan
    from scipy.stats import mannwhitneyu

    p = float(mannwhitneyu(spectra[far], spectra[~far]).pvalue)
    return float(spectra[far].mean()), float(spectra.mean()), p


def _high_frequencies(rows: Sequence[Judgement]) -> list[float]:
    return [high_frequency_share(_luma(row.images[1])) for row in rows]


def _luma(path: Path) -> Tensor:
    image = read(path)
    pixels = image.pixels[None].double() / image.data_range
    return luma(pixels, "bt601") if pixels.shape[1] == 3 else pixels


@torch.no_grad()
def high_frequency_share(plane: Tensor) -> float:
    """The share of the energy, mean taken away, at more than a quarter of a cycle per pixel.

    Args:
        plane: one image ``(1, 1, H, W)``.

    Returns:
        In [0, 1]; 0 for an image of one value.
    """
    energy = torch.fft.fft2(plane - plane.mean()).abs().square()
    rows, columns = (torch.fft.fftfreq(side, dtype=plane.dtype) for side in plane.shape[-2:])
    high = torch.hypot(rows[:, None], columns[None, :]) > 0.25
    total = float(energy.sum())
    return float(energy[..., high].sum()) / total if total > 0 else 0.0


def _precision(
    distance: np.ndarray[Any, np.dtype[np.float64]],
    same: np.ndarray[Any, np.dtype[np.float64]],
    resamples: int,
    seed: int,
) -> Interval:
    value = average_precision(distance, same)
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        chosen = random.integers(len(same), size=len(same))
        drawn.append(average_precision(distance[chosen], same[chosen]))
    known = np.array(drawn)[np.isfinite(drawn)]
    if len(known) < 2:
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(known, (0.025, 0.975))
    return Interval(value, float(low), float(high))
