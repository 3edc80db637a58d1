"""The result as a table for a paper, methods by metrics: LaTeX, Markdown or CSV."""

import csv
import io
import math
from collections.abc import Sequence
from typing import Literal, get_args

from ssimloss import _checks
from ssimloss.evaluation.columns import METHOD, mark
from ssimloss.evaluation.escapes import latex, markdown
from ssimloss.evaluation.fairness import fair_means, part_notes
from ssimloss.evaluation.ranking import LEVEL, Standing, standings
from ssimloss.evaluation.result import Evaluation

TableFormat = Literal["latex", "markdown", "csv"]
FORMATS: tuple[str, ...] = get_args(TableFormat)


def paper_table(evaluation: Evaluation, form: TableFormat) -> str:
    """The means of each method by each metric, the best in bold, with ``*`` if it is significantly
    better than each other method.

    Where methods have values of different images, the means are over the images that all have.

    Args:
        form: ``"latex"`` (needs ``\\usepackage{booktabs}``), ``"markdown"``, or ``"csv"`` with all
            digits and a column of marks, ``best`` and ``best*``, for each metric.

    Raises:
        ValueError: an unknown form.
    """
    _checks.choice("form", form, FORMATS)
    found = standings(evaluation)
    columns = _columns(evaluation)
    if form == "csv":
        return _as_csv(evaluation.methods, columns, found)
    notes = [evaluation.about["protocol"]] if "protocol" in evaluation.about else []
    if any(one.is_significant for one in found.values()):
        notes.append(f"*: better than each other method, p < {LEVEL:g} (sign flips, Holm)")
    if uneven := [one.metric for one in fair_means(evaluation) if one.means]:
        labels = [label for name, label, _ in columns if name in uneven]
        notes.append(f"{', '.join(labels)}: mean of the images that all methods have")
    notes += part_notes(evaluation)
    formatted = {
        metric: _formatted([found.get((m, metric)) for m in evaluation.methods])
        for metric, _, _ in columns
    }
    rows = [
        (method, [(formatted[metric][i], found.get((method, metric))) for metric, _, _ in columns])
        for i, method in enumerate(evaluation.methods)
    ]
    return (
        _as_latex(columns, rows, notes) if form == "latex" else _as_markdown(columns, rows, notes)
    )


_Column = tuple[str, str, bool]  # name, label, whether higher is better
_Row = tuple[str, list[tuple[str, Standing | None]]]


def _columns(evaluation: Evaluation) -> list[_Column]:
    columns = [(one.name, one.label, one.higher_is_better) for one in evaluation.metrics]
    sets = {row.metric: (row.metric, row.label, row.higher_is_better) for row in evaluation.sets}
    return [*columns, *sets.values()]


def digits(values: Sequence[float]) -> int:
    """How many decimals show values of one metric: two from 10 on (PSNR, VMAF, FID), else four, and
    more if all are below 0.01.
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=1.0)
    if largest >= 10:
        return 2
    return 4 if largest >= 0.01 or largest == 0 else min(12, 3 - math.floor(math.log10(largest)))


def _formatted(cells: Sequence[Standing | None]) -> list[str]:
    places = digits([cell.mean for cell in cells if cell is not None])
    return [
        "--" if cell is None or math.isnan(cell.mean) else f"{cell.mean:.{places}f}"
        for cell in cells
    ]


def _as_csv(
    methods: Sequence[str], columns: Sequence[_Column], found: dict[tuple[str, str], Standing]
) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    heads = [head for _, label, _ in columns for head in (label, mark(label))]
    writer.writerow([METHOD, *heads])
    for method in methods:
        cells = []
        for name, _, _ in columns:
            cell = found.get((method, name))
            cells += ["" if cell is None else repr(cell.mean), _standing(cell)]
        writer.writerow([method, *cells])
    return text.getvalue()


def _standing(cell: Standing | None) -> str:
    if cell is None or not cell.is_best:
        return ""
    return "best*" if cell.is_significant else "best"


def _as_markdown(columns: Sequence[_Column], rows: Sequence[_Row], notes: Sequence[str]) -> str:
    heads = [f"{markdown(label)} {'↑' if higher else '↓'}" for _, label, higher in columns]
    lines = [f"| {METHOD} | {' | '.join(heads)} |", f"|---|{'---:|' * len(columns)}"]
    for method, cells in rows:
        shown = [_in_markdown(number, cell) for number, cell in cells]
        lines.append(f"| {markdown(method)} | {' | '.join(shown)} |")
    lines += ["", *(markdown(note) + "  " for note in notes)] if notes else []
    return "\n".join(lines).rstrip() + "\n"


def _in_markdown(number: str, cell: Standing | None) -> str:
    if cell is None or not cell.is_best:
        return number
    return f"**{number}**{chr(92) + '*' if cell.is_significant else ''}"


def _as_latex(columns: Sequence[_Column], rows: Sequence[_Row], notes: Sequence[str]) -> str:
    arrows = {True: r"$\uparrow$", False: r"$\downarrow$"}
    heads = [f"{latex(label)} {arrows[higher]}" for _, label, higher in columns]
    lines = [
        r"% needs \usepackage{booktabs}",
        *(f"% {' '.join(note.split())}" for note in notes),
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        f"Method & {' & '.join(heads)} \\\\",
        r"\midrule",
    ]
    for method, cells in rows:
        shown = [_in_latex(number, cell) for number, cell in cells]
        lines.append(f"{latex(method)} & {' & '.join(shown)} \\\\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _in_latex(number: str, cell: Standing | None) -> str:
    if number in ("inf", "-inf"):
        number = f"${number.replace('inf', chr(92) + 'infty')}$"
    if cell is None or not cell.is_best:
        return number
    return rf"\textbf{{{number}}}{'$^{*}$' if cell.is_significant else ''}"
