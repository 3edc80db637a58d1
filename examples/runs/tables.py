"""One table in several forms: on the terminal, as Markdown, and as CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from runs import files

Row = Mapping[str, str | float]


@dataclass(frozen=True)
class Column:
    """``format`` is a format specification for the numbers on paper; CSV and JSON
    keep all digits.
    """

    key: str
    title: str
    format: str = ""

    def text(self, row: Row) -> str:
        value = row[self.key]
        if isinstance(value, str):
            return value
        return format(value, self.format) if math.isfinite(value) else "-"


def terminal_table(
    columns: Sequence[Column], rows: Sequence[Row], *, last_is_summary: bool = False
) -> Table:
    """The table as rich prints it; a summary row is set apart."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for column in columns:
        numeric = column.format != ""  # a narrow terminal wraps the names and cuts nothing
        table.add_column(
            column.title, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold"
        )
    for index, row in enumerate(rows):
        summary = last_is_summary and index == len(rows) - 1
        if summary:
            table.add_section()
        table.add_row(*(column.text(row) for column in columns), style="bold" if summary else None)
    return table


def write_table(
    folder: Path,
    stem: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    about: Mapping[str, Any],
) -> list[Path]:
    """Write ``stem.md``, ``stem.csv`` and ``stem.json`` (which also holds ``about``: settings,
    versions, times); returns their paths.
    """
    paths = [folder / f"{stem}.{suffix}" for suffix in ("md", "csv", "json")]
    files.write_text(paths[0], _markdown(title, columns, rows))
    files.write_text(paths[1], _csv(columns, rows))
    files.write_text(
        paths[2],
        json.dumps({"title": title, **about, "rows": [_without_nan(row) for row in rows]}, indent=2)
        + "\n",
    )
    return paths


def _markdown(title: str, columns: Sequence[Column], rows: Sequence[Row]) -> str:
    titles = [column.title.replace("\n", " ") for column in columns]
    lines = [f"# {title}", "", _markdown_row(titles)]
    lines.append(_markdown_row(["---:" if column.format else "---" for column in columns]))
    lines += [_markdown_row([column.text(row) for column in columns]) for row in rows]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _csv(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    text = io.StringIO()
    # What rows hold beside the columns is in the JSON file.
    keys = [column.key for column in columns]
    writer = csv.DictWriter(text, keys, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_without_nan(row) for row in rows)
    return text.getvalue()


def _without_nan(row: Row) -> dict[str, str | float | None]:
    """JSON has no NaN, and a CSV cell without a value is empty."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
