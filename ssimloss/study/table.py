"""A table of text and numbers, written as CSV, Markdown and LaTeX."""

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ssimloss.evaluation.escapes import latex, markdown

Cell = str | float | int | None


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        title: the heading.
        format: of its numbers, such as ``".3f"``; empty for text.
        better: ``"higher"``, ``"lower"``, or ``""`` if neither is better.
    """

    title: str
    format: str = ""
    better: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells; an undefined number is None or NaN.

    Args:
        name: of its file.
        title: the caption.
        columns: one per cell of a row.
        rows: in the order in which they are shown.
        note: what the columns mean.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    def best(self) -> dict[int, float]:
        """The best finite number of each column that has a direction, by index."""
        found = {}
        for index, column in enumerate(self.columns):
            known = [
                value
                for row in self.rows
                if isinstance(value := row[index], (int, float)) and math.isfinite(value)
            ]
            if column.better and known:
                found[index] = max(known) if column.better == "higher" else min(known)
        return found

    def is_best(self, row: Sequence[Cell], index: int, best: Mapping[int, float]) -> bool:
        """Whether a cell prints as the best of its column does: of equal numbers, all are best."""
        column = self.columns[index]
        return index in best and shown(row[index], column) == shown(best[index], column)


def as_csv(table: Table) -> str:
    """CSV with all digits; an undefined number is empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.title for column in table.columns])
    for row in table.rows:
        writer.writerow(["" if _undefined(cell) else cell for cell in row])
    return buffer.getvalue()


def as_markdown(table: Table) -> str:
    """Markdown with the best number of each column in bold."""
    aligned = ["---:" if column.format else "---" for column in table.columns]
    lines = [
        "| " + " | ".join(column.title for column in table.columns) + " |",
        "|" + "|".join(aligned) + "|",
    ]
    for cells in _worded(table, lambda word: f"**{word}**", markdown):
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def as_latex(table: Table) -> str:
    """A LaTeX ``table`` that needs no package, with the best number of each column in bold."""
    aligned = "".join("r" if column.format else "l" for column in table.columns)
    heads = " & ".join(latex(column.title) for column in table.columns)
    rows = [
        " & ".join(cells) + r" \\" for cells in _worded(table, lambda w: rf"\textbf{{{w}}}", latex)
    ]
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{latex(table.title)}}}",
            rf"\begin{{tabular}}{{{aligned}}}",
            r"\hline",
            heads + r" \\",
            r"\hline",
            *rows,
            r"\hline",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def shown(cell: Cell, column: Column) -> str:
    """The text of a cell: a number in the column's format, a dash if it is undefined."""
    if _undefined(cell):
        return "-"
    return format(cell, column.format) if isinstance(cell, (int, float)) else str(cell)


def file_name(name: str) -> str:
    """The name of a measure as the name of a file."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)


def _undefined(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _worded(
    table: Table, bold: Callable[[str], str], escape: Callable[[str], str]
) -> list[list[str]]:
    best = table.best()
    rows = []
    for row in table.rows:
        cells = []
        for index, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            word = escape(shown(cell, column))
            cells.append(bold(word) if table.is_best(row, index, best) else word)
        rows.append(cells)
    return rows
