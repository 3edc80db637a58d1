"""The report, as JSON and Markdown, written again after each result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ssimloss._files import write_text

Row = dict[str, Any]
# Section -> its columns and their headings.
TABLES: dict[str, dict[str, str]] = {
    "races": {
        "shape": "shape",
        "dtype": "dtype",
        "definition": "measure; SSIM by its border",
        "library": "library",
        "forward_ms": "forward, ms",
        "step_ms": "forward + backward, ms",
        "step_over_floor": "over the floor",
        "peak_mib": "peak, MiB",
        "first_s": "first call, s",
        "note": "",
    },
    "alternatives": {
        "shape": "shape",
        "dtype": "dtype",
        "lanes": "lanes",
        "warps": "warps",
        "row_strips": "row strips",
        "step_ms": "value and gradient, ms",
        "note": "",
    },
    "deep features": {
        "shape": "shape",
        "loss": "loss",
        "mode": "mode",
        "step_ms": "forward + backward, ms",
        "peak_mib": "peak, MiB",
        "note": "",
    },
}
FLOOR = (
    "The floor is the time to read both images and write one gradient at the measured copy "
    "bandwidth: 12 bytes per pixel and channel in float32."
)


class Document:
    """What was found so far."""

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        """Begin a report in a folder, which is created."""
        self._found: dict[str, Any] = {"about": about, "facts": {}, "tests": {}}
        self._found |= {section: [] for section in TABLES}
        self._found |= {"left out": [], "failures": {}, "seconds": {}}
        self._json, self.markdown_path = folder / "gpu.json", folder / "gpu.md"
        self._write()

    @property
    def facts(self) -> dict[str, Any]:
        """Of the machine."""
        facts: dict[str, Any] = self._found["facts"]
        return facts

    def know(self, section: str, **facts: Any) -> None:
        """Add to facts or tests."""
        self._found[section].update(facts)
        self._write()

    def add(self, section: str, row: Row) -> None:
        """Add a row to a table."""
        self._found[section].append(row)
        self._write()

    def leave_out(self, what: str, reason: str) -> None:
        """Record something that was not done."""
        self._found["left out"].append(f"{what}: {reason}")
        self._write()

    def failed(self, section: str, trace: str) -> None:
        """Record a section that stopped with an error."""
        self._found["failures"][section] = trace
        self._write()

    def took(self, section: str, seconds: float) -> None:
        """How long a section took."""
        self._found["seconds"][section] = round(seconds, 1)
        self._write()

    def has_failures(self) -> bool:
        """Whether a section stopped with an error, or a test failed."""
        return bool(self._found["failures"]) or self._found["tests"].get("status", 0) != 0

    def _write(self) -> None:
        write_text(self._json, json.dumps(self._found, indent=1) + "\n")
        write_text(self.markdown_path, self._markdown())

    def _markdown(self) -> str:
        found = self._found
        lines = ["# GPU", ""]
        lines += [f"- {name}: {value}" for name, value in found["facts"].items()]
        tests = found["tests"]
        if tests:
            lines += ["", "## Tests", "", tests["summary"]]
            if tests["status"]:
                lines += ["", "```", tests["output"], "```"]
        for section, columns in TABLES.items():
            if found[section]:
                lines += ["", f"## {section.capitalize()}", ""]
                lines += [FLOOR, ""] if section == "races" else []
                lines += _table(columns, found[section])
        for section, trace in found["failures"].items():
            lines += ["", f"## {section.capitalize()} stopped", "", "```", trace.rstrip(), "```"]
        if found["left out"]:
            lines += ["", "## Left out", "", *(f"- {what}" for what in found["left out"])]
        if found["seconds"]:
            parts = ", ".join(f"{name} {seconds} s" for name, seconds in found["seconds"].items())
            lines += ["", f"Took: {parts}."]
        return "\n".join(lines) + "\n"


def raised(error: Exception) -> str:
    """The note of a row whose call raised."""
    return f"raises {type(error).__name__}: {str(error).strip()[:160]}"


def _table(columns: dict[str, str], rows: list[Row]) -> list[str]:
    head = f"| {' | '.join(columns.values())} |"
    return [head, "|" + "---|" * len(columns), *(_line(columns, row) for row in rows)]


def _line(columns: dict[str, str], row: Row) -> str:
    return f"| {' | '.join(_cell(row.get(column)) for column in columns)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if value < 100 else f"{value:.0f}"
    return str(value).replace("|", "/").replace("\n", " ")
