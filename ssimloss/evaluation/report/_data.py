"""The data passed to the page's script. Methods, metrics and images are referred to by their index
in lists.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np

from ssimloss._version import __version__
from ssimloss.evaluation._maps import SSIM_WORDS
from ssimloss.evaluation._orientations import UPRIGHT, orientation_words
from ssimloss.evaluation.fairness import fair_means
from ssimloss.evaluation.ranking import standings
from ssimloss.evaluation.result import Evaluation, ImageRecord, SetSummary, jsonable
from ssimloss.evaluation.tables import paper_table

COLORS = {"ssim": "viridis", "error": "inferno"}
_DIGITS = 9  # significant digits of a value: enough to read, fewer than float64 prints


def page_data(
    evaluation: Evaluation,
    *,
    worst: int,
    thumbnails: list[str | None],
    pictures: Mapping[int, Mapping[str, Any]],
    tables: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything except the pictures, ready for JSON. ``tables`` names files in the same folder
    that hold the same values.
    """
    methods, metrics, images = (
        evaluation.methods,
        [metric.name for metric in evaluation.metrics],
        evaluation.images,
    )
    places = {image.name: place for place, image in enumerate(images)}
    data = {
        "about": [*evaluation.about.items(), *_of_sets(evaluation)],
        "metrics": [
            {
                "name": m.name,
                "title": m.title,
                "label": m.label,
                "unit": m.unit,
                "higher": m.higher_is_better,
                "description": m.description,
            }
            for m in evaluation.metrics
        ],
        "methods": methods,
        "names": [image.name for image in images],
        "sizes": [image.size if all(image.size) else None for image in images],
        "values": [
            [[_value(image, method, metric) for image in images] for metric in metrics]
            for method in methods
        ],
        "turned": [_turned(image, evaluation) for image in images],
        "references": [image.reference for image in images],
        "distorted": [[image.distorted.get(method) for image in images] for method in methods],
        "failures": [
            {"image": place, "method": methods.index(method), "reason": reason}
            for place, image in enumerate(images)
            for method, reason in image.errors.items()
            if method in methods
        ],
        "summaries": [
            {
                "method": methods.index(row.method),
                "metric": metrics.index(row.metric),
                "count": row.count,
                "mean": row.mean,
                "std": row.std,
                "low": row.low,
                "high": row.high,
                "infinite": row.infinite,
                "best": places.get(row.best),
                "worst": places.get(row.worst),
            }
            for row in evaluation.summaries
        ],
        "result": _result(evaluation),
        "copies": {
            "LaTeX": paper_table(evaluation, "latex"),
            "CSV": paper_table(evaluation, "csv"),
        },
        "fair": [
            {
                "metric": metrics.index(fair.metric),
                "count": fair.count,
                "means": [fair.means.get(method) for method in methods],
            }
            for fair in fair_means(evaluation)
        ],
        "comparisons": [
            {
                "metric": metrics.index(row.metric),
                "first": methods.index(row.first),
                "second": methods.index(row.second),
                "count": row.count,
                "difference": row.difference,
                "low": row.low,
                "high": row.high,
                "p": row.p,
                "p_holm": row.p_holm,
            }
            for row in evaluation.comparisons
        ],
        "unmatched": evaluation.unmatched,
        "thumbnails": thumbnails,
        "pictured": list(pictures),
        "pictures_note": pictures_note(len(pictures), worst),
        "worst": worst,
        "orientation": evaluation.orientation,
        "colors": {kind: _color_table(name) for kind, name in COLORS.items()},
        "scales": {"ssim": {"low": 0, "high": 1, "unit": SSIM_WORDS}, "error": {"low": 0}},
        "colophon": " ".join([f"Made by ssimloss {__version__}.", *tables_note(tables)]),
    }
    plain: dict[str, Any] = jsonable(data)
    return plain


def tables_note(tables: Sequence[str]) -> list[str]:
    """A sentence that names the tables in the same folder; empty without tables."""
    return [f"The same values are in {' and '.join(tables)} next to this page."] if tables else []


def pictures_note(number: int, worst: int, noun: str = "image", files: str = "files") -> str:
    """The note on what the page's pictures show, and how exact they are."""
    return (
        f"This page contains full pictures of {number} {noun}{'' if number == 1 else 's'}: up to "
        f"{worst} per metric and method, worst first, as far as they fit. The pictures are "
        f"compressed (WebP); all values were computed from the {files}. Maps show the images "
        "before the protocol crops or converts them; they are exact to about 1 % of their scale."
    )


def _turned(image: ImageRecord, evaluation: Evaluation) -> str | None:
    """The effect of an image's orientation tags, for each method that has values."""
    words = [
        (method, told)
        for method in evaluation.methods
        if method in image.values
        and (
            told := orientation_words(
                image.orientation,
                image.orientations.get(method, UPRIGHT),
                evaluation.orientation,
            )
        )
    ]
    return "\n".join(f"{method}: {told}" for method, told in words) or None


def _value(image: ImageRecord, method: str, metric: str) -> float | None:
    value = image.values.get(method, {}).get(metric)
    return None if value is None else float(f"{value:.{_DIGITS}g}")


def _color_table(name: str) -> str:
    """A colormap of 256 colours: R, G, B bytes in base64."""
    colors = matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
    return base64.b64encode(np.ascontiguousarray(colors).tobytes()).decode()


def _result(evaluation: Evaluation) -> list[dict[str, Any]]:
    """For each metric, the mean of each method and which is best. If methods lack different images,
    the means are over the images that all methods have.
    """
    found = standings(evaluation)
    common = {fair.metric: fair.count for fair in fair_means(evaluation) if fair.means}
    rows = []
    for metric in evaluation.metrics:
        column = [found.get((method, metric.name)) for method in evaluation.methods]
        rows.append(
            {
                "means": [None if one is None else one.mean for one in column],
                "common": common.get(metric.name),
                "best": [place for place, one in enumerate(column) if one and one.is_best],
                "significant": any(one is not None and one.is_significant for one in column),
            }
        )
    return rows


def _of_sets(evaluation: Evaluation) -> list[tuple[str, str]]:
    """FID, KID and the Inception score, which have one value for all images of a method."""
    words: dict[str, list[str]] = {}
    for one in evaluation.sets:
        words.setdefault(one.label, []).append(_of_set(one))
    return [(label, ", ".join(values)) for label, values in words.items()]


def _of_set(one: SetSummary) -> str:
    if one.error:
        return f"{one.method} no value: {one.error}"
    part = f" ({one.count} of {one.reference_count} images)" if one.is_part else ""
    return f"{one.method} {one.value:.4g}{part}"
