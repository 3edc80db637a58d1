"""The tables of a study, and the files that hold them."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from ssimloss import _files
from ssimloss.study.agreement import FEWEST_SCENES, Agreements, MeasureOfOpinions
from ssimloss.study.correlations import Interval
from ssimloss.study.result import MeasureResult, StudyResult, plain
from ssimloss.study.table import Cell, Column, Table, as_csv, as_latex, as_markdown, file_name


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


def write(result: StudyResult, folder: Path) -> None:
    """``study.json``, ``study.md``, ``study.tex``, a CSV file for each table."""
    found = tables_of(result)
    _files.write_text(folder / "study.json", json.dumps(plain(result), indent=1) + "\n")
    for table in found:
        _files.write_text(folder / "tables" / f"{table.name}.csv", as_csv(table))
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
    ordered = sorted(measures, key=_by_aggregate)
    names = list(ordered[0].aggregate.factors) if ordered and ordered[0].aggregate else []
    return Table(
        "overview",
        "Overview",
        [
            Column("measure"),
            *(Column(name, ".2f", "higher") for name in names),
            Column("aggregate", ".2f", "higher"),
            Column("first of all weightings", ".0%", "higher"),
        ],
        [
            [
                one.name,
                *(one.aggregate.factors[name] if one.aggregate else None for name in names),
                one.aggregate.value if one.aggregate else None,
                one.aggregate.first if one.aggregate else None,
            ]
            for one in ordered
        ],
        "Every factor is a share, 1 for the best. The aggregate is their weighted mean; the last "
        "column says in how many random weightings of the factors the measure is first.",
    )


def _by_aggregate(one: MeasureResult) -> tuple[bool, float]:
    value = one.aggregate.value if one.aggregate else math.nan
    return (not math.isfinite(value), -value if math.isfinite(value) else 0.0)


def _agreement(one: Agreements) -> Table:
    name = file_name(one.name.lower().replace(" ", "_"))
    if one.kind != "opinions":
        title = "two-alternative score" if one.kind == "choices" else "average precision"
        people = f" One more observer reaches {one.people:.3f}." if one.kind == "choices" else ""
        rows: list[list[Cell]] = [
            [key, found.score.value, _between(found.score)]
            for key, found in one.measures.items()
            if not isinstance(found, MeasureOfOpinions)
        ]
        return Table(
            f"agreement_{name}",
            f"Agreement with people: {one.name}",
            [Column("measure"), Column(title, ".3f", "higher"), Column("95 % interval")],
            sorted(rows, key=_descending),
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
            len(found.outliers),
            found.high_frequencies[0],
            found.high_frequencies[1],
            found.high_frequencies[2],
        ]
        for key, found in one.measures.items()
        if isinstance(found, MeasureOfOpinions)
    ]
    return Table(
        f"agreement_{name}",
        f"Agreement with people: {one.name}",
        [
            Column("measure"),
            Column("SRCC", ".3f", "higher"),
            Column("95 % interval"),
            Column("KRCC", ".3f", "higher"),
            Column("PLCC", ".3f", "higher"),
            Column("RMSE", ".3f", "lower"),
            Column("outliers", "d", "lower"),
            Column("high frequencies, outliers", ".1%"),
            Column("high frequencies, all", ".1%"),
            Column("p", ".2g"),
        ],
        sorted(judged, key=_descending),
        f"{one.count} judged images of {one.scenes} references, the same for every measure."
        f"{_drawn(one)} PLCC and RMSE after the logistic "
        "fit with five parameters. Outliers lie more than two standard deviations from it; their "
        "share of energy above a quarter of a cycle per pixel beside that of all images, and the p "
        "of Mann and Whitney that it is the same.",
    )


def _drawn(one: Agreements) -> str:
    if one.kind == "sameness" or one.scenes >= FEWEST_SCENES:
        return ""
    return (
        f" Fewer than {FEWEST_SCENES} references: the intervals draw single images and are too "
        "narrow for other scenes."
    )


def _parts(one: Agreements) -> list[Table]:
    found = {
        name: each for name, each in one.measures.items() if isinstance(each, MeasureOfOpinions)
    }
    name = file_name(one.name.lower().replace(" ", "_"))
    tables = []
    for what in ("distortion", "strength"):
        parts = {key: getattr(each, f"by_{what}") for key, each in found.items()}
        labels = list(dict.fromkeys(label for part in parts.values() for label in part))
        if labels:
            tables.append(
                Table(
                    f"agreement_{name}_by_{what}",
                    f"SRCC by {what}: {one.name}",
                    [Column("measure"), *(Column(label, ".2f", "higher") for label in labels)],
                    [[key, *(part.get(label) for label in labels)] for key, part in parts.items()],
                    "Of few images each; a hint, not a proof.",
                )
            )
    return tables


def _comparisons(one: Agreements) -> Table:
    return Table(
        f"comparisons_{file_name(one.name.lower().replace(' ', '_'))}",
        f"Which differences are real: {one.name}",
        [
            Column("measure"),
            Column("other"),
            Column("difference of SRCC", "+.3f"),
            Column("p", ".2g"),
            Column("p, corrected", ".2g"),
        ],
        [[row.first, row.second, row.difference, row.p, row.p_holm] for row in one.comparisons],
        "Paired bootstrap; corrected for all pairs by Holm's method.",
    )


def _orderings(measures: Sequence[MeasureResult]) -> Table:
    groups = list(measures[0].orderings) if measures else []
    groups = [g for g in groups if any(math.isfinite(m.orderings[g]) for m in measures)]
    return Table(
        "orderings",
        "Orderings that everybody agrees on",
        [Column("measure"), *(Column(group, ".0%", "higher") for group in groups)],
        sorted(
            [[one.name, *(one.orderings[group] for group in groups)] for one in measures],
            key=lambda row: _descending(row, -1),
        ),
        "Share of the comparisons in which the less visible change is nearer; a tie counts half, "
        "so that guessing gives 50 %. Visibility: changes of one mean squared error. Strength: "
        "weaker before stronger. Shift: one pixel aside before blur of the same error.",
    )


def _fitness(measures: Sequence[MeasureResult]) -> Table:
    rows: list[list[Cell]] = []
    for one in measures:
        if one.fitness is None:
            continue
        last = [d for d in one.fitness.descents.values() if d.error]
        note = one.fitness.why_none or (last[0].error if last else "")
        rows.append(
            [
                one.name, one.fitness.mean_rank, one.fitness.steps_to_90, one.fitness.invented,
                one.fitness.dead, note,
            ]
        )  # fmt: skip
    return Table(
        "fitness",
        "Fitness as a loss",
        [
            Column("measure"),
            Column("mean rank", ".1f", "lower"),
            Column("steps to 90 %", ".0f", "lower"),
            Column("invented frequencies", ".1%", "lower"),
            Column("dead pixels", ".0%", "lower"),
            Column("note"),
        ],
        sorted(rows, key=lambda row: -_descending(row)),
        "Pixels descend each measure by Adam from changed images towards their reference; the "
        "others rank the pictures, 1 for the best, and none its own. Invented: energy above a "
        "quarter of a cycle per pixel that the reference lacks. Dead: pixels without a gradient at "
        "a start.",
    )


def _cross(measures: Sequence[MeasureResult]) -> Table:
    losses = [one for one in measures if one.fitness is not None and one.fitness.ranks]
    return Table(
        "cross",
        "What each measure says of the pictures of each loss",
        [Column("loss"), *(Column(one.name, ".1f", "lower") for one in measures)],
        [
            [one.name, *(one.fitness.ranks.get(judge.name) for judge in measures)]
            for one in sorted(losses, key=lambda one: one.fitness.mean_rank if one.fitness else 0)
            if one.fitness is not None
        ],
        "Mean place of the loss of a row among all by the measure of the column.",
    )


def _sensitivity(measures: Sequence[MeasureResult]) -> Table:
    return Table(
        "sensitivity",
        "Changes that hardly anybody sees",
        [
            Column("measure"),
            Column("shift by 1 pixel", ".2f", "lower"),
            Column("enlarged by 1 %", ".2f", "lower"),
            Column("brighter by 2/255", ".2f", "lower"),
        ],
        [
            [
                one.name,
                one.fitness.sensitivity.shift,
                one.fitness.sensitivity.scale,
                one.fitness.sensitivity.brightness,
            ]
            for one in measures
            if one.fitness is not None
        ],
        "How far the measure moves, in parts of what blur of 1.5 pixels does to it.",
    )


def _cost(measures: Sequence[MeasureResult]) -> Table:
    rows: list[list[Cell]] = [
        [
            one.name,
            one.cost.forward_ms,
            one.cost.step_ms,
            one.cost.peak_bytes / 2**20 if one.cost.peak_bytes >= 0 else None,
        ]
        for one in measures
        if one.cost is not None
    ]
    return Table(
        "cost",
        "Cost on this machine",
        [
            Column("measure"),
            Column("value, ms", ".1f", "lower"),
            Column("value and gradient, ms", ".1f", "lower"),
            Column("memory, MiB", ".1f", "lower"),
        ],
        sorted(rows, key=lambda row: -_descending(row, 2)),
        "Median of five calls; memory of PyTorch's allocations in a step beyond the images.",
    )


def _descending(row: Sequence[Cell], index: int = 1) -> float:
    value = row[index]
    if isinstance(value, (int, float)) and math.isfinite(value):
        return -float(value)
    return math.inf


def _between(interval: Interval) -> str:
    if not math.isfinite(interval.low):
        return "-"
    return f"{interval.low:.3f} to {interval.high:.3f}"
