"""Agreement of measures with people: the scores of each measure on the judged images, and their
statistics.
"""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ssimloss.color import luma
from ssimloss.evaluation.images import ImageError, read
from ssimloss.evaluation.statistics import holm
from ssimloss.metrics import ImageMeasure
from ssimloss.study.bootstrap import RESAMPLES, Draws, Interval, percentile_interval
from ssimloss.study.choices import (
    human_score,
    per_triplet,
    resampled_precision,
    resampled_scores,
)
from ssimloss.study.correlations import (
    Agreement,
    Better,
    compare,
    compare_resampled,
    opinion_agreement,
    statistic,
)
from ssimloss.study.judgements import Judgement, Judgements
from ssimloss.study.logistic import Array, Curve

# For one judged row: the values of each measure, one per compared image, or an error message.
Scores = dict[str, "list[float] | str"]
_OUTLIER: Final = 2.0  # standard deviations of the residuals
# Resampling whole scenes needs several scenes. With fewer, single images are resampled, and the
# intervals are too narrow if images of one scene resemble each other.
FEWEST_SCENES: Final = 10
FEWEST_IMAGES: Final = 8  # of a distortion or a strength; with fewer, its SRCC is undefined


@dataclass(frozen=True)
class Outlier:
    """An image whose opinion score lies far from the fitted score of a measure."""

    distorted: Path
    reference: Path
    opinion: float
    fitted: float
    deviations: float
    high_frequencies: float


@dataclass(frozen=True)
class Part:
    """Agreement on the images of one distortion or strength; NaN for fewer than 8 images, and for
    scores or opinions that are all the same.
    """

    count: int
    srcc: float


@dataclass(frozen=True)
class MeasureOfOpinions:
    """One measure on one set of opinions."""

    overall: Agreement
    by_distortion: dict[str, Part]
    by_strength: dict[str, Part]
    scores: list[float]  # of the judged images that count
    outliers: list[Outlier]
    # Mean share of high frequencies in the outliers and in all images, and p that they are equal,
    # corrected for the number of measures.
    high_frequencies: tuple[float, float, float]


@dataclass(frozen=True)
class MeasureOfChoices:
    """One measure on triplets, or on pairs that may look the same."""

    score: Interval
    count: int


@dataclass(frozen=True)
class Agreements:
    """All measures on one set of judgements, on the rows that every measure could process."""

    name: str
    kind: str
    count: int
    measures: Mapping[str, "MeasureOfOpinions | MeasureOfChoices"]
    answers: list[float]  # of people, for the rows that count
    scenes: int  # number of references; below FEWEST_SCENES, single images are resampled
    comparisons: list[Better] = field(default_factory=list)
    people: float = math.nan  # score of one more observer, for choices
    # Rows that no statistic contains: missing images, and those that a measure could not process.
    left_out: list[str] = field(default_factory=list)


# --- scores ---------------------------------------------------------------------------------------


def score_rows(
    judgements: Judgements,
    measures: Mapping[str, ImageMeasure],
    rows: Iterable[int],
    device: torch.device | str = "cpu",
) -> list[Scores]:
    """The values of each measure on these rows. A failure is returned as its message."""
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
                found[name] = str(error)
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
    curve: Curve = "monotonic5",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Agreements:
    """All statistics of one set of judgements.

    Every measure is judged on the same rows: those on which all measures have finite values. A
    measure that failed on every row is left out and reported.

    Args:
        judgements: the rows.
        scores: what :func:`score_rows` returned for each row.
        higher_is_better: for each measure.
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
    clusters = None if few else scenes
    about: dict[str, Any] = {
        "name": judgements.name,
        "kind": judgements.kind,
        "count": len(rows),
        "answers": answers.tolist(),
        "scenes": len(set(scenes)),
    }
    if judgements.kind == "opinions":
        draws: dict[str, Any] = {"clusters": clusters, "resamples": resamples, "seed": seed}
        same = {n: higher_is_better[n] == (judgements.better == "higher") for n in names}
        x = {name: values[name][:, 0] for name in names}
        spectra = _high_frequencies(rows) if names else []
        found: dict[str, Any] = {
            name: _opinions(rows, x[name], answers, same[name], spectra, curve, draws)
            for name in names
        }
        found = _corrected(found)
        comparisons = compare(x, answers, same_direction=same, **draws) if len(rows) > 3 else []
        return Agreements(**about, measures=found, comparisons=comparisons, left_out=left_out)
    drawn = Draws(len(rows), clusters, resamples, seed)
    distances = {n: -values[n] if higher_is_better[n] else values[n] for n in names}
    if judgements.kind == "choices":
        drawn_scores = {
            name: resampled_scores(per_triplet(d[:, 0], d[:, 1], answers), drawn)
            for name, d in distances.items()
        }
        about["people"] = human_score(answers)
    else:
        drawn_scores = {
            name: resampled_precision(d[:, 0], answers, drawn) for name, d in distances.items()
        }
    found = {
        name: MeasureOfChoices(percentile_interval(*one, drawn.units), len(rows))
        for name, one in drawn_scores.items()
    }
    comparisons = compare_resampled(
        {name: (value, value, resampled) for name, (value, resampled) in drawn_scores.items()},
        drawn.units,
    )
    return Agreements(**about, measures=found, comparisons=comparisons, left_out=left_out)


def _usable(
    judgements: Judgements, scores: Sequence[Scores], measures: Iterable[str]
) -> tuple[list[str], list[int], list[str]]:
    """Measures that processed any row, the rows that all of them processed, and messages about the
    others.
    """
    left_out = list(judgements.missing)
    names = []
    for name in measures:
        errors = [row[name] for row in scores if isinstance(row[name], str)]
        if len(errors) == len(scores):
            left_out.append(f"{name} could process no row: {errors[0] if errors else 'no rows'}")
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
    x: Array,
    q: Array,
    same_direction: bool,
    spectra: Sequence[float],
    curve: Curve,
    draws: dict[str, Any],
) -> MeasureOfOpinions:
    overall = opinion_agreement(x, q, same_direction=same_direction, curve=curve, **draws)
    ranked = x if same_direction else -x
    by_distortion = _parts([row.distortion for row in rows], ranked, q)
    by_strength = _parts([row.strength for row in rows], ranked, q)
    outliers: list[Outlier] = []
    frequencies = (math.nan, math.nan, math.nan)
    if overall.fit is not None:
        fitted = overall.fit(x)
        residual = q - fitted
        deviation = float(residual.std())
        far = np.abs(residual) > _OUTLIER * deviation if deviation else np.zeros(len(q), bool)
        order = np.argsort(-np.abs(residual), kind="stable")
        outliers = [
            Outlier(
                rows[i].images[1], rows[i].reference, float(q[i]), float(fitted[i]),
                float(residual[i] / deviation), spectra[i],
            )
            for i in order
            if far[i]
        ]  # fmt: skip
        frequencies = _frequencies_of_outliers(np.array(spectra), far)
    return MeasureOfOpinions(overall, by_distortion, by_strength, x.tolist(), outliers, frequencies)


def _corrected(found: dict[str, MeasureOfOpinions]) -> dict[str, MeasureOfOpinions]:
    """With the p-values of the outliers corrected for the number of measures."""
    known = {
        name: one.high_frequencies[2]
        for name, one in found.items()
        if math.isfinite(one.high_frequencies[2])
    }
    p = dict(zip(known, holm(list(known.values())), strict=True))
    return {
        name: replace(one, high_frequencies=(*one.high_frequencies[:2], p[name]))
        if name in p
        else one
        for name, one in found.items()
    }


def _parts(labels: Sequence[str], ranked: Array, q: Array) -> dict[str, Part]:
    """The SRCC of the images with each label, without intervals: many numbers, each a hint."""
    members: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        if label:
            members.setdefault(label, []).append(index)
    return {
        label: Part(
            len(inside),
            statistic("srcc", ranked[inside], q[inside])
            if len(inside) >= FEWEST_IMAGES
            else math.nan,
        )
        for label, inside in members.items()
    }


def _frequencies_of_outliers(
    spectra: Array, far: np.ndarray[Any, np.dtype[np.bool_]]
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
    """The share of the energy above a quarter of a cycle per pixel, without the mean.

    Args:
        plane: one image ``(1, 1, H, W)``.

    Returns:
        A value in [0, 1]; 0 for a constant image.
    """
    energy = torch.fft.fft2(plane - plane.mean()).abs().square()
    rows, columns = (torch.fft.fftfreq(side, dtype=plane.dtype) for side in plane.shape[-2:])
    high = torch.hypot(rows[:, None], columns[None, :]) > 0.25
    total = float(energy.sum())
    return float(energy[..., high].sum()) / total if total > 0 else 0.0
