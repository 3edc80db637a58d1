"""The result in one table: the mean of each method and metric, the best one, and whether it is
significantly better than each other; as data of the page, as LaTeX and as CSV.
"""

import csv
import io
import math
from dataclasses import dataclass

from ssimloss.evaluation.fairness import fair_means
from ssimloss.evaluation.result import Evaluation, MetricInfo

LEVEL = 0.05  # of the corrected p-value below which a difference is called significant

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        **{character: f"\\{character}" for character in "&%$#_{}"},
    }
)


@dataclass(frozen=True)
class Column:
    """One metric of all methods."""

    metric: MetricInfo
    means: dict[str, float]  # by method; over the same images wherever there are such
    common: int | None  # how many images those are, where the methods have unequal sets of them
    best: tuple[str, ...]  # none where no means can be compared
    is_significant: bool  # one is best, and significantly better than each other method


def columns_of(evaluation: Evaluation) -> list[Column]:
    """One for each metric, in their order."""
    fair = {found.metric: found for found in fair_means(evaluation)}
    found = []
    for metric in evaluation.metrics:
        own = {row.method: row.mean for row in evaluation.summaries if row.metric == metric.name}
        common = fair.get(metric.name)
        means = common.means if common is not None and common.means else own
        comparable = common is None or bool(common.means)
        values = [mean for mean in means.values() if not math.isnan(mean)]
        best: tuple[str, ...] = ()
        if comparable and len(values) > 1:
            top = max(values) if metric.higher_is_better else min(values)
            best = tuple(method for method, mean in means.items() if mean == top)
        found.append(
            Column(
                metric,
                means,
                common.count if common is not None and common.means else None,
                best,
                len(best) == 1
                and all(
                    _is_apart(evaluation, metric.name, best[0], other)
                    for other in means
                    if other not in best
                ),
            )
        )
    return found


def _is_apart(evaluation: Evaluation, metric: str, best: str, other: str) -> bool:
    """Whether a comparison shows a difference between two methods."""
    return any(
        row.p_holm < LEVEL
        for row in evaluation.comparisons
        if row.metric == metric and {row.first, row.second} == {best, other}
    )


def latex(evaluation: Evaluation) -> str:
    """A ``tabular`` of the means: the best bold, with ``*`` if it is significantly better than each
    other method.
    """
    columns = columns_of(evaluation)
    heads = ["Method"] + [
        f"{_escaped(_titled(column.metric))} "
        rf"$\{'uparrow' if column.metric.higher_is_better else 'downarrow'}$"
        for column in columns
    ]
    lines = [
        rf"\begin{{tabular}}{{l{'c' * len(columns)}}}",
        r"\hline",
        " & ".join(heads) + r" \\",
        r"\hline",
    ]
    for method in evaluation.methods:
        cells = [_cell(column, method) for column in columns]
        lines.append(" & ".join([_escaped(method), *cells]) + r" \\")
    lines += [r"\hline", r"\end{tabular}"]
    notes = _notes(evaluation, columns)
    return "\n".join([*(f"% {note}" for note in notes), *lines]) + "\n"


def _notes(evaluation: Evaluation, columns: list[Column]) -> list[str]:
    noun = "clips" if evaluation.clips else "images"
    notes = [f"Means over {len(evaluation.images)} {noun}; bold: the best."]
    if any(column.is_significant for column in columns):
        notes.append(f"*: better than each other method, p < {LEVEL:g} (sign flips, Holm).")
    notes += [
        f"{_titled(column.metric)}: over the {column.common} {noun} that all methods have."
        for column in columns
        if column.common is not None
    ]
    notes += [
        f"{_titled(column.metric)}: over unequal sets of {noun}; these cannot be compared."
        for column in columns
        if len(column.means) > 1 and not column.best
    ]
    return [" ".join(note.split()) for note in notes]


def table_csv(evaluation: Evaluation) -> str:
    """A row for each method, a column for each metric, with all digits."""
    columns = columns_of(evaluation)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", *(_titled(column.metric) for column in columns)])
    for method in evaluation.methods:
        writer.writerow([method, *(column.means.get(method, "") for column in columns)])
    return text.getvalue()


def _titled(metric: MetricInfo) -> str:
    return f"{metric.title} ({metric.unit})" if metric.unit else metric.title


def _digits(column: Column) -> int:
    """After the point: two from 10 on (PSNR, VMAF), else four."""
    large = any(math.isfinite(mean) and abs(mean) >= 10 for mean in column.means.values())
    return 2 if column.metric.unit == "dB" or large else 4


def _cell(column: Column, method: str) -> str:
    mean = column.means.get(method, math.nan)
    if math.isnan(mean):
        return "--"
    if math.isinf(mean):
        text = r"$\infty$" if mean > 0 else r"$-\infty$"
    else:
        text = f"{mean:.{_digits(column)}f}".replace("-", "$-$")
    if method not in column.best:
        return text
    return rf"\textbf{{{text}}}" + (r"$^{*}$" if column.is_significant else "")


def _escaped(text: str) -> str:
    """Names come from anywhere; what ends a line becomes a space."""
    return " ".join(text.split()).translate(_LATEX)
