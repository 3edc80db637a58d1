"""The table of accuracies, as Markdown and as JSON."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from benchmarks.orderings.held_out import UNSEEN
from benchmarks.orderings.measures import RANDOM_SEEDS
from ssimloss.study.examination import Tallies, accuracies
from ssimloss.study.orderings import GROUPS


@dataclass(frozen=True)
class Row:
    """One measure, or several that differ only in their random weights."""

    name: str
    results: tuple[Tallies, ...]

    def mean(self, key: str) -> float:
        """Accuracy in a group, or ``"mean"`` of all groups; the mean over random weights."""
        return fmean(accuracies(tallies)[key] for tallies in self.results)

    def cell(self, key: str) -> str:
        """Per cent, with the smallest and the largest if there are several."""
        values = [100 * accuracies(tallies)[key] for tallies in self.results]
        spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
        return f"{fmean(values):.1f}{spread}"


def markdown(table: list[Row]) -> str:
    """The table of the groups, and one of the distortions of (b) and the pairs of (a) for the
    measures that are compared.
    """
    counts = {
        group: sum(tally.asked for tally in table[0].results[0][group].values()) for group in GROUPS
    }
    lines = [
        "# Perceptual orderings of held-out photographs",
        "",
        "Per cent of the comparisons in which a measure agrees; a tie counts half, so that "
        f"guessing gives 50. Of random weights the mean over {len(RANDOM_SEEDS)} seeds (least to "
        "greatest). The last column is the mean of the four before it.",
        "",
        "| measure | " + " | ".join(f"{group} ({counts[group]})" for group in GROUPS) + " | mean |",
        "|---|" + "---:|" * (len(GROUPS) + 1),
        *(
            f"| {row.name} | " + " | ".join(row.cell(key) for key in (*GROUPS, "mean")) + " |"
            for row in table
        ),
        "",
        *(f"- {group}: {what}." for group, what in GROUPS.items()),
    ]
    for group in ("visibility", "strength", "texture", "shift"):
        parts = by_part(table, group)
        lines += [
            "",
            f"## {group.capitalize()}, in parts",
            "",
            "| measure | " + " | ".join(parts) + " |",
            "|---|" + "---:|" * len(parts),
        ]
        lines += [
            f"| {row.name} | " + " | ".join(f"{parts[part][index]:.1f}" for part in parts) + " |"
            for index, row in enumerate(table)
        ]
    return "\n".join(lines) + "\n"


def by_part(table: list[Row], group: str) -> dict[str, list[float]]:
    """Per cent of each measure in each part of a group: a pair, a distortion (all its strengths), a
    texture (against all others).
    """

    def part_of(comparison: str) -> str:
        near = comparison.split(" < ")[0]
        return {"strength": near.rsplit(" ", 1)[0], "texture": near}.get(group, comparison)

    parts = dict.fromkeys(map(part_of, table[0].results[0][group]))
    found: dict[str, list[float]] = {}
    for part in parts:
        mine = [
            [t for row_part, t in tallies[group].items() if part_of(row_part) == part]
            for row in table
            for tallies in row.results
        ]
        sums = iter(
            100 * sum(t.right for t in tallies) / max(1, sum(t.asked for t in tallies))
            for tallies in mine
        )
        title = f"{part} (unseen)" if group == "strength" and part in UNSEEN else part
        found[title] = [fmean(next(sums) for _ in row.results) for row in table]
    return found


def write(table: list[Row], folder: Path) -> list[Path]:
    """``orderings.md``, and ``orderings.json`` with every tally."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "torch": torch.__version__,
        "seeds": list(RANDOM_SEEDS),
    }
    measures = [
        {
            "name": row.name,
            "accuracies": {key: row.mean(key) for key in (*GROUPS, "mean")},
            "tallies": _plain(row),
        }
        for row in table
    ]
    paths = [folder / "orderings.md", folder / "orderings.json"]
    paths[0].write_text(markdown(table), encoding="utf-8")
    paths[1].write_text(
        json.dumps({**about, "measures": measures}, indent=1) + "\n", encoding="utf-8"
    )
    return paths


def _plain(row: Row) -> list[dict[str, dict[str, list[float]]]]:
    return [
        {
            group: {key: [t.right, t.asked] for key, t in found.items()}
            for group, found in tallies.items()
        }
        for tallies in row.results
    ]
