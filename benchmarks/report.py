"""Results as JSON, with the conditions of the measurement, and as a Markdown table."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from benchmarks.contenders import OURS, version
from ssimloss.kernels import describe, why_not

LIBRARIES = (
    "torch",
    "ssimloss",
    "pytorch-msssim",
    "piq",
    "torchmetrics",
    "kornia",
    "frame-analytics",
    "vmaf-torch",
)
Row = dict[str, Any]


def metadata(device: torch.device) -> dict[str, Any]:
    """The machine in general terms, versions, threads, date and load; no names of hosts, users or
    folders.
    """
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else _processor(),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "native": why_not("cpu") or describe(),
        "python": platform.python_version(),
        "versions": {library: version(library) for library in LIBRARIES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def write(results: dict[str, Any], folder: Path, name: str) -> list[Path]:
    """Write ``name.json`` and ``name.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.json", folder / f"{name}.md"]
    for path, text in zip(
        paths, (json.dumps(results, indent=1) + "\n", markdown(results)), strict=True
    ):
        path.write_text(text, encoding="utf-8")
    return paths


def markdown(results: dict[str, Any]) -> str:
    """One table per definition, after a list of the cases where another library is better."""
    about, rows = results["metadata"], results["rows"]
    limits = results["limits"]
    lines = [
        f"# {about['device']}, {about['threads']} threads",
        "",
        f"{about['date']}, {about['system']}, {about['instructions']}, Python {about['python']}, "
        + ", ".join(f"{library} {number}" for library, number in about["versions"].items())
        + ".",
        f"Native library of ssimloss: {about['native']}.",
        f"Measured limits: copy {limits['bytes_per_s'] / 1e9:.1f} GB/s, float32 matrix product "
        f"{limits['flops_per_s'] / 1e9:.0f} GFLOP/s.",
        "",
        "Milliseconds per call: median (quartiles). *Ratio*: forward + backward time over ours, "
        "above 1 where we are faster. *Peak*: most memory live at once in forward + backward, the "
        "native library's own included. *Limit*: the least time of the definition on this machine "
        "as a share of the measured time. A star marks times taken while other processes computed.",
        "",
        *_losses(rows),
    ]
    for definition in results["definitions"]:
        mine = [row for row in rows if row["definition"] == definition["name"]]
        lines += ["", f"## {definition['title']}", ""]
        lines += [
            "| shape | library | forward | forward + backward | ratio | peak MiB | limit |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_line(row, _ours(rows, row)) for row in mine]
        notes = {f"{library}: {reason}" for library, reason in definition["absent"].items()}
        lines += ["", *(f"- {note}." for note in sorted(notes))] if notes else []
    return "\n".join(lines) + "\n"


def _ours(rows: list[Row], row: Row) -> Row:
    return next(other for other in rows if other["library"] == OURS and _case(other) == _case(row))


def _case(row: Row) -> tuple[str, tuple[int, ...]]:
    return row["definition"], tuple(row["shape"])


def _losses(rows: list[Row]) -> list[str]:
    """The cases where another library is faster or needs less memory."""
    found = []
    for row in rows:
        ours = _ours(rows, row)
        if row["library"].startswith(OURS) or "refused" in row:
            continue
        for what in ("forward", "backward"):
            theirs, mine = row[what]["median_s"], ours[what]["median_s"]
            if theirs < mine:
                title = "forward" if what == "forward" else "forward + backward"
                found.append(
                    f"- {row['definition']} {_shape(row)}, {title}: {row['library']} is "
                    f"{mine / theirs:.2f} times as fast as ours."
                )
        if row["peak_bytes"] < ours["peak_bytes"]:
            found.append(
                f"- {row['definition']} {_shape(row)}: {row['library']} needs less memory than "
                "ours."
            )
    return (
        ["Where others win:", "", *found]
        if found
        else ["No library measured here is faster than ours or needs less memory."]
    )


def _shape(row: Row) -> str:
    return "x".join(map(str, row["shape"]))


def _line(row: Row, ours: Row) -> str:
    if "refused" in row:
        return f"| {_shape(row)} | {row['library']} | not timed: {row['refused']} | | | | |"
    ratio = row["backward"]["median_s"] / ours["backward"]["median_s"]
    cells = [
        _shape(row),
        row["library"],
        _time(row["forward"]),
        _time(row["backward"]),
        f"{ratio:.2f}",
        f"{row['peak_bytes'] / 2**20:.1f}",
        f"{100 * row['limit_share']:.1f} %",
    ]
    return f"| {' | '.join(cells)} |"


def _time(times: dict[str, Any]) -> str:
    median, low, high = (
        1e3 * times[key] for key in ("median_s", "lower_quartile_s", "upper_quartile_s")
    )
    return f"{median:.2f} ({low:.2f}-{high:.2f}){'' if times['quiet'] else '*'}"
