"""The tables of a study, and the files that hold them."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ssimloss import _files
from ssimloss.study.aggregate import WEIGHTINGS
from ssimloss.study.agreement import (
    FEWEST_IMAGES,
    FEWEST_SCENES,
    Agreements,
    MeasureOfOpinions,
    Part,
)
from ssimloss.study.bootstrap import Interval
from ssimloss.study.journal import RESULTS
from ssimloss.study.jury import ALIKE
from ssimloss.study.result import MeasureResult, StudyResult, plain
from ssimloss.study.table import Cell, Column, Table, as_csv, as_latex, as_markdown, file_name

_FACTORS: Final = {
    "agreement": "agreement with people",
    "orderings": "correct orderings",
    "fitness": "fitness as a loss",
    "speed": "speed",
}
_SCORES: Final = {
    "opinions": "SRCC",
    "choices": "two-alternative score",
    "sameness": "average precision",
}
_GROUPS: Final = {
    "visibility": "equal error, less visible first",
    "strength": "weaker distortion first",
    "texture": "same texture first",
    "shift": "shift before blur",
    "mean": "mean",
}


def tables_of(result: StudyResult) -> list[Table]:
    """All tables, the most important first."""
    measures = list(result.measures.values())
    return [
        _overview(measures),
        *(_agreement(one) for one in result.agreements),
        *(table for one in result.agreements for table in _parts(one)),
        _orderings(measures),
        _fitness(measures),
        _cross(measures),
        _sensitivity(measures),
        _cost(measures),
        *(_comparisons(one) for one in result.agreements if one.comparisons),
    ]


def files(found: Sequence[Table]) -> list[str]:
    """What a study writes into its folder beside pictures."""
    return [*RESULTS, *(_csv_name(table) for table in found)]


def write(result: StudyResult, found: Sequence[Table], folder: Path) -> None:
    """Write ``study.json``, ``study.md``, ``study.tex`` and a CSV file for each table."""
    content = json.dumps(plain(result), indent=1, allow_nan=False)
    _files.write_text(folder / "study.json", content + "\n")
    for table in found:
        _files.write_text(folder / _csv_name(table), as_csv(table))
    _files.write_text(folder / "study.md", report(result, found))
    _files.write_text(folder / "study.tex", "\n".join(map(as_latex, found)))


def report(result: StudyResult, found: Sequence[Table]) -> str:
    """The study in Markdown."""
    lines = [
        "# Which measure to trust, and to train with",
        "",
        *(f"- {sentence}" for sentence in result.advice),
        "",
        *(f"{name}: {words}  " for name, words in result.about.items()),
    ]
    for table in found:
        lines += ["", f"## {table.title}", "", table.note, "", as_markdown(table)]
    if result.problems:
        lines += ["", "## Left out", "", *(f"- {words}" for words in result.problems)]
    return "\n".join(lines) + "\n"


def _overview(measures: Sequence[MeasureResult]) -> Table:
    one_of = next((one.aggregate for one in measures if one.aggregate is not None), None)
    names = list(one_of.factors) if one_of is not None else []
    rows: list[list[Cell]] = [
        [
            one.name,
            *(one.aggregate.factors[name] if one.aggregate else None for name in names),
            one.aggregate.value if one.aggregate else None,
            # Without an aggregate a measure does not compete.
            one.aggregate.first if one.aggregate and math.isfinite(one.aggregate.value) else None,
        ]
        for one in measures
    ]
    return Table(
        "overview",
        "Overview",
        [
            Column("measure"),
            *(Column(_FACTORS[name], ".2f", "higher") for name in names),
            Column("aggregate", ".2f", "higher"),
            Column("first in random weightings", ".0%", "higher"),
        ],
        _ordered(rows, -2, "higher"),
        "Every factor runs from 0 (worst) to 1 (best). The aggregate is their weighted mean. The "
        f"last column is the share of {WEIGHTINGS:,} random weightings in which the measure has "
        "the largest aggregate; the weightings scatter about the chosen one (Dirichlet "
        "distribution), and tied measures share. A dash marks what is undefined.",
    )


def _agreement(one: Agreements) -> Table:
    name = file_name(one.name.lower().replace(" ", "_"))
    if one.kind != "opinions":
        title = _SCORES[one.kind]
        people = f" One more person would reach {one.people:.3f}." if one.kind == "choices" else ""
        rows: list[list[Cell]] = [
            [key, found.score.value, _between(found.score)]
            for key, found in one.measures.items()
            if not isinstance(found, MeasureOfOpinions)
        ]
        return Table(
            f"agreement_{name}",
            f"Agreement with people: {one.name}",
            [Column("measure"), Column(title, ".3f", "higher"), Column("95 % interval")],
            _ordered(rows, 1, "higher"),
            f"{one.count} questions, the same for every measure.{people}{_drawn(one)}",
        )
    judged: list[list[Cell]] = [
        [
            key,
            found.overall.srcc.value,
            _between(found.overall.srcc),
            found.overall.krcc.value,
            found.overall.plcc.value,
            found.overall.rmse.value,
            len(found.outliers) if found.overall.fit is not None else None,
            *found.high_frequencies,
            found.overall.note,
        ]
        for key, found in one.measures.items()
        if isinstance(found, MeasureOfOpinions)
    ]
    return Table(
        f"agreement_{name}",
        f"Agreement with people: {one.name}",
        [
            Column("measure"),
            Column("SRCC (Spearman)", ".3f", "higher"),
            Column("95 % interval of SRCC"),
            Column("KRCC (Kendall)", ".3f", "higher"),
            Column("PLCC (Pearson) after fit", ".3f", "higher"),
            Column("RMSE after fit", ".3f", "lower"),
            # Counted relative to the measure's own residuals, so that fewer are not better.
            Column("outliers", "d"),
            Column("high frequencies in outliers", ".1%"),
            Column("high frequencies in all images", ".1%"),
            Column("p, outliers as all others, corrected", ".2g"),
            Column("note"),
        ],
        _ordered(judged, 1, "higher"),
        f"{one.count} judged images of {one.scenes} references, the same for every measure."
        f"{_drawn(one)} The fit is monotonic, a logistic curve with five parameters. Outliers lie "
        "more than two standard deviations from it. High frequencies: the share of an image's "
        "energy above a quarter of a cycle per pixel. p: Mann-Whitney test that outliers have the "
        "same share as "
        "the other images, corrected for the number of measures (Holm).",
    )


def _drawn(one: Agreements) -> str:
    if one.kind == "sameness" or one.scenes >= FEWEST_SCENES:
        return ""
    return (
        f" Fewer than {FEWEST_SCENES} references: the intervals resample single images and are too "
        "narrow for other scenes."
    )


def _parts(one: Agreements) -> list[Table]:
    found = {
        name: each for name, each in one.measures.items() if isinstance(each, MeasureOfOpinions)
    }
    name = file_name(one.name.lower().replace(" ", "_"))
    ranked = _ordered([[key, each.overall.srcc.value] for key, each in found.items()], 1, "higher")
    tables = []
    for what in ("distortion", "strength"):
        parts: dict[str, dict[str, Part]] = {
            str(key): getattr(found[str(key)], f"by_{what}") for key, _ in ranked
        }
        counts = {label: part.count for inside in parts.values() for label, part in inside.items()}
        if counts:
            tables.append(
                Table(
                    f"agreement_{name}_by_{what}",
                    f"SRCC by {what}: {one.name}",
                    [
                        Column("measure"),
                        *(
                            Column(f"{label} ({count} images)", ".2f", "higher")
                            for label, count in counts.items()
                        ),
                    ],
                    [[key, *(inside[label].srcc for label in counts)] for key, inside in
                     parts.items()],
                    "Few images each: a hint, not a proof. A dash: fewer than "
                    f"{FEWEST_IMAGES} images, or scores or opinions that are all the same.",
                )
            )  # fmt: skip
    return tables


def _comparisons(one: Agreements) -> Table:
    rows: list[list[Cell]] = [
        [row.first, row.second, row.difference, row.p, row.p_holm] for row in one.comparisons
    ]
    return Table(
        f"comparisons_{file_name(one.name.lower().replace(' ', '_'))}",
        f"Which differences are real: {one.name}",
        [
            Column("measure"),
            Column("other measure"),
            Column(f"difference of {_SCORES[one.kind]}", "+.3f"),
            Column("p", ".2g"),
            Column("p, corrected", ".2g"),
        ],
        _ordered(rows, 4, "lower"),
        "Positive: the first measure agrees better. Paired bootstrap; Holm's method corrects p for "
        f"the number of pairs.{_drawn(one)}",
    )


def _orderings(measures: Sequence[MeasureResult]) -> Table:
    groups = list(measures[0].orderings) if measures else []
    groups = [g for g in groups if any(math.isfinite(m.orderings[g]) for m in measures)]
    return Table(
        "orderings",
        "Orderings that everybody agrees on",
        [
            Column("measure"),
            *(Column(_GROUPS[group], ".0%", "higher") for group in groups),
            Column("lowest mean of an image", ".0%", "higher"),
        ],
        _ordered(
            [
                [
                    one.name,
                    *(one.orderings[group] for group in groups),
                    min(filter(math.isfinite, one.orderings_by_image.values()), default=None),
                ]
                for one in measures
            ],
            -2,
            "higher",
        ),
        "Share of correctly ordered pairs of images; a tie counts half, so that guessing reaches "
        "50 %. Equal error: changes with the same mean squared error, where brightness is less "
        "visible than contrast, and contrast less than blur, noise and blocking. Weaker: one "
        "distortion at two strengths. Shift: by one pixel, before blur with the same error.",
    )


def _fitness(measures: Sequence[MeasureResult]) -> Table:
    rows: list[list[Cell]] = []
    for one in measures:
        if one.fitness is None:
            continue
        failed = [d.error for d in one.fitness.descents.values() if d.error]
        note = one.fitness.why_none or (failed[0] if failed else "")
        rows.append(
            [
                one.name, one.fitness.mean_rank, _between(one.fitness.interval, 1),
                one.fitness.steps_to_90, one.fitness.invented, one.fitness.dead, note,
            ]
        )  # fmt: skip
    return Table(
        "fitness",
        "Fitness as a loss",
        [
            Column("measure"),
            Column("mean rank by the other measures", ".1f", "lower"),
            Column("95 % interval"),
            Column("steps to 90 % of the decrease", ".0f", "lower"),
            Column("invented high frequencies", ".1%", "lower"),
            Column("pixels without gradient", ".0%", "lower"),
            Column("note"),
        ],
        _ordered(rows, 1, "lower"),
        "Adam minimises each measure over the pixels of a distorted image. The other measures rank "
        "the results, 1 for the best. Measures that order all results alike (Spearman above "
        f"{ALIKE:g}) have one vote together and do not judge each other. Interval: Student's, over "
        "the images. Invented: energy above a quarter of a cycle per pixel that the reference "
        "lacks, relative to the reference's energy. Without gradient: at the start, the worst case "
        "of all images.",
    )


def _cross(measures: Sequence[MeasureResult]) -> Table:
    losses: list[tuple[MeasureResult, dict[str, float], float]] = [
        (one, one.fitness.ranks, one.fitness.mean_rank)
        for one in measures
        if one.fitness is not None and one.fitness.ranks
    ]
    ranked = sorted(losses, key=lambda found: _key(found[2], "lower"))
    return Table(
        "cross",
        "How each measure ranks the results of each loss",
        [Column("loss"), *(Column(f"by {one.name}", ".1f", "lower") for one in measures)],
        [[one.name, *(ranks.get(judge.name) for judge in measures)] for one, ranks, _ in ranked],
        "Mean rank of the loss in the row among all losses, by the measure in the column; 1 is the "
        "best. No measure ranks its own results.",
    )


def _sensitivity(measures: Sequence[MeasureResult]) -> Table:
    rows: list[list[Cell]] = [
        [
            one.name,
            one.fitness.sensitivity.shift,
            one.fitness.sensitivity.scale,
            one.fitness.sensitivity.brightness,
        ]
        for one in measures
        if one.fitness is not None
    ]
    return Table(
        "sensitivity",
        "Sensitivity to changes that hardly anybody sees",
        [
            Column("measure"),
            Column("shift by 1 pixel", ".2f", "lower"),
            Column("enlarged by 1 %", ".2f", "lower"),
            Column("brighter by 2/255", ".2f", "lower"),
        ],
        _ordered(rows, 1, "lower"),
        "Change of the measure relative to its change under visible blur (sigma 1.5 pixels).",
    )


def _cost(measures: Sequence[MeasureResult]) -> Table:
    rows: list[list[Cell]] = [
        [
            one.name,
            one.cost.forward_ms,
            one.cost.step_ms,
            one.cost.peak_bytes / 2**20 if one.cost.peak_bytes >= 0 else None,
            one.cost.error,
        ]
        for one in measures
        if one.cost is not None
    ]
    return Table(
        "cost",
        "Cost on this machine",
        [
            Column("measure"),
            Column("value (ms)", ".1f", "lower"),
            Column("value and gradient (ms)", ".1f", "lower"),
            Column("memory of a step (MiB)", ".1f", "lower"),
            Column("note"),
        ],
        _ordered(rows, 2, "lower"),
        "Median of five calls. Memory: peak of PyTorch's allocations during value and gradient, "
        "without the images.",
    )


def _ordered(rows: list[list[Cell]], index: int, better: str) -> list[list[Cell]]:
    """Rows with the best cell of a column first, and undefined ones last."""
    return sorted(rows, key=lambda row: _key(row[index], better))


def _key(cell: Cell, better: str) -> tuple[bool, float]:
    if not isinstance(cell, (int, float)) or math.isnan(cell):
        return True, 0.0
    return False, -float(cell) if better == "higher" else float(cell)


def _csv_name(table: Table) -> str:
    return f"tables/{table.name}.csv"


def _between(interval: Interval, digits: int = 3) -> str:
    if not math.isfinite(interval.low):
        return "-"
    return f"{interval.low:.{digits}f} to {interval.high:.{digits}f}"
