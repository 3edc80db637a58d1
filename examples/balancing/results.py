"""The table and the picture of the study, and the answers to its questions."""

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from runs import tables
from runs.pictures import save

from balancing.running import METRICS

Result = Mapping[str, Any]
TITLES = {"psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS", "structure": "embedded distance"}
COLUMNS = [
    tables.Column("part", "part"),
    tables.Column("variant", "weights"),
    tables.Column("seeds", "seeds", "d"),
    tables.Column("psnr", "PSNR, dB", ".3f"),
    tables.Column("spread", "spread", ".3f"),
    tables.Column("ssim", "SSIM", ".4f"),
    tables.Column("lpips", "LPIPS", ".4f"),
    tables.Column("structure", "embedded distance", ".4f"),
    tables.Column("shares", "shares of the gradient at the end"),
]


def rows_of(results: Sequence[Result]) -> list[tables.Row]:
    """A row for each variant of each part, its means over the seeds."""
    rows: list[tables.Row] = []
    for (part, variant), runs in _grouped(results).items():
        psnr = [run["psnr"] for run in runs]
        rows.append(
            {
                "part": part,
                "variant": variant,
                "seeds": len(runs),
                **{metric: statistics.fmean(run[metric] for run in runs) for metric in METRICS},
                "spread": max(psnr) - min(psnr) if len(psnr) > 1 else math.nan,
                "shares": _shares(runs),
            }
        )
    return rows


def _grouped(results: Sequence[Result]) -> dict[tuple[str, str], list[Result]]:
    found: dict[tuple[str, str], list[Result]] = {}
    for run in results:
        found.setdefault((run["part"], run["variant"]), []).append(run)
    return found


def _shares(runs: Sequence[Result]) -> str:
    names = runs[0]["shares"]
    means = {name: statistics.fmean(run["shares"][name] for run in runs) for name in names}
    return ", ".join(f"{name} {100 * share:.1f} %" for name, share in means.items())


def answers(rows: Sequence[tables.Row]) -> list[str]:
    """Answers to the two questions of the study, for each part with the runs they need."""
    lines = []
    by_part: dict[str, dict[str, tables.Row]] = {}
    for row in rows:
        by_part.setdefault(str(row["part"]), {})[str(row["variant"])] = row
    for part, found in by_part.items():
        for name in ("by hand", "GradientShare"):
            scaled = [row for variant, row in found.items() if variant.startswith(f"{name}, one")]
            if name in found and scaled:
                worst = max(abs(row["psnr"] - found[name]["psnr"]) for row in scaled)  # type: ignore[operator]
                lines.append(
                    f"{part}: a term in other units changes the mean PSNR by up to {worst:.3f} dB "
                    f"with {name}"
                )
        if "by hand" in found and "GradientShare" in found:
            gain = found["GradientShare"]["psnr"] - found["by hand"]["psnr"]  # type: ignore[operator]
            lines.append(f"{part}: equal shares are {gain:+.3f} dB from the weights by hand")
    return lines


def draw(path: Path, results: Sequence[Result]) -> None:
    """PSNR and LPIPS of every run, a row for each variant, a column for each part."""
    parts = list(dict.fromkeys(run["part"] for run in results))
    most = max(len({run["variant"] for run in results if run["part"] == part}) for part in parts)
    size = (4.8 * len(parts), 0.56 * most + 1.6)
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    grid = figure.subplots(2, len(parts), squeeze=False)
    for column, part in enumerate(parts):
        of_part = [run for run in results if run["part"] == part]
        variants = list(dict.fromkeys(run["variant"] for run in of_part))
        for axes, metric in zip(grid[:, column], ("psnr", "lpips"), strict=True):
            for run in of_part:
                color = f"C{3 * ('GradientShare' in run['variant'])}"
                place = len(variants) - variants.index(run["variant"])
                axes.plot(run[metric], place, "o", color=color, markersize=5, alpha=0.8)
            axes.set_yticks(range(len(variants), 0, -1), variants)
            axes.set_xlabel(TITLES[metric] + (", dB" if metric == "psnr" else ", lower is better"))
            axes.grid(alpha=0.25)
        grid[0, column].set_title(part.replace("_", " "))
    save(figure, path)
