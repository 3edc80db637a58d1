"""Table and pictures of the study: what each added loss changed, and the spread of the seeds."""

import io
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image
from runs import files, tables
from runs.pictures import save
from super_resolution.pictures import show
from torch import Tensor

from added_losses.running import BASE, METRICS, label_of

Result = Mapping[str, Any]
TITLES = {
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "lpips": "LPIPS",
    "structure": "DISTS, embedded",
    "ciede2000": "CIEDE2000",
    "flip": "FLIP",
}
DIGITS = {
    "psnr": ".3f",
    "ssim": ".4f",
    "lpips": ".4f",
    "structure": ".4f",
    "ciede2000": ".3f",
    "flip": ".4f",
}
LEGEND = (
    "First row: values. Other rows: what the added loss changed, mean over the seeds.",
    "▲ better, ▼ worse: more than the seeds differ, both of the base and of the change.",
    "△ better, ▽ worse: more than the change differs between seeds, but less than the base does.",
    "In parentheses: less than the change differs between seeds. No mark: one seed.",
    "Time of a step: 1 is the base alone. Weight: of the added loss where the base has 1.",
)
MARKS = {
    "better": "{} ▲",
    "slightly better": "{} △",
    "worse": "{} ▼",
    "slightly worse": "{} ▽",
    "unclear": "({})",
    "single": "{}",
}
COLORS = {
    "better": "#1a9850",
    "slightly better": "#91cf60",
    "worse": "#d73027",
    "slightly worse": "#fc8d59",
    "unclear": "0.6",
    "single": "0.2",
}
AMPLIFIED = 8  # the change from the base in the picture of details


class Change(tables.Column):
    """A value of the base, or what a loss changed: in parentheses where that is unclear."""

    def text(self, row: tables.Row) -> str:
        told = row.get(f"{self.key}_verdict")
        if told is None:
            return format(row[self.key], self.format)
        return MARKS[str(told)].format(format(row[self.key], "+" + self.format))


COLUMNS = [
    tables.Column("added", "added loss"),
    tables.Column("seeds", "seeds", "d"),
    *(Change(metric, title, DIGITS[metric]) for metric, title in TITLES.items()),
    tables.Column("step", "time of\na step", ".1f"),
    tables.Column("weight", "weight", ".2g"),
]


def spreads(results: Sequence[Result]) -> dict[str, float]:
    """Largest minus smallest value of the base over its seeds."""
    base = [run for run in results if not run["added"]]
    if len(base) < 2:
        return dict.fromkeys(METRICS, math.nan)
    return {
        metric: max(run[metric] for run in base) - min(run[metric] for run in base)
        for metric in METRICS
    }


def changes(results: Sequence[Result], added: str, metric: str) -> list[float]:
    """The run with the loss minus the run of the same seed without it, for each seed."""
    base = {run["seed"]: run[metric] for run in results if not run["added"]}
    return [
        run[metric] - base[run["seed"]]
        for run in results
        if run["added"] == added and run["seed"] in base
    ]


def verdict(differences: Sequence[float], spread: float, more_is_better: bool) -> str:
    """What the changes of the seeds show, a word of ``MARKS``.

    ``"unclear"``: the mean change is not larger than the changes differ among themselves.
    ``"better"``, ``"worse"``: it is, and larger than the base differs among the seeds.
    ``"slightly better"``, ``"slightly worse"``: it is, but another seed changes more.
    ``"single"``: there is one seed, and nothing to compare with.
    """
    if len(differences) < 2 or math.isnan(spread):
        return "single"
    mean = statistics.fmean(differences)
    if abs(mean) <= max(differences) - min(differences):
        return "unclear"
    word = "better" if (mean > 0) == more_is_better else "worse"
    return word if abs(mean) > spread else f"slightly {word}"


def rows_of(results: Sequence[Result]) -> list[tables.Row]:
    """First the base and its values, then what every added loss changed, means over the seeds."""
    base = [run for run in results if not run["added"]]
    spread = spreads(results)
    first: dict[str, Any] = {"added": f"{BASE} alone", "seeds": len(base)}
    for metric in METRICS:
        first[metric] = statistics.fmean(run[metric] for run in base)
        first[f"{metric}_spread"] = spread[metric]
    rows: list[tables.Row] = [{**first, "step": 1.0, "weight": math.nan}]
    for added in dict.fromkeys(run["added"] for run in results if run["added"]):
        runs = [run for run in results if run["added"] == added]
        row: dict[str, Any] = {"added": label_of(added), "seeds": len(runs)}
        for metric, more_is_better in METRICS.items():
            differences = changes(results, added, metric)
            told = verdict(differences, spread[metric], more_is_better)
            row[metric] = statistics.fmean(differences)
            row[f"{metric}_spread"] = max(differences) - min(differences)
            row[f"{metric}_verdict"] = told
        row["step"] = statistics.median(run["step_ms"] / run["base_step_ms"] for run in runs)
        row["weight"] = statistics.fmean(run["weight"] for run in runs)
        rows.append(row)
    return rows


def answers(rows: Sequence[tables.Row]) -> list[str]:
    """What the rows say of each measure, the largest change first."""
    lines = []
    for metric, title in TITLES.items():
        for told in ("better", "slightly better", "slightly worse", "worse"):
            found = [row for row in rows[1:] if row[f"{metric}_verdict"] == told]
            found.sort(key=lambda row: -abs(float(row[metric])))
            if found:
                names = (f"{row['added']} {row[metric]:+{DIGITS[metric]}}" for row in found)
                lines.append(f"{title}, {told}: {'; '.join(names)}")
    unclear = [
        str(row["added"])
        for row in rows[1:]
        if all(row[f"{metric}_verdict"] == "unclear" for metric in METRICS)
    ]
    lines.append(f"unclear in every measure: {'; '.join(unclear) or 'none'}")
    return lines


def draw(path: Path, results: Sequence[Result]) -> None:
    """The change of each seed, a row for each loss, a panel for each measure; the band is the
    spread of the base.
    """
    names = list(dict.fromkeys(run["added"] for run in results if run["added"]))
    spread = spreads(results)
    figure = Figure(figsize=(15, 0.27 * len(names) + 1.4), dpi=90, layout="constrained")
    figure.suptitle(
        f"Change by a loss added to {BASE}, a dot for each seed. Green: better, red: worse, pale: "
        "less than the base differs between seeds, gray: unclear, black: one seed"
    )
    panels = figure.subplots(1, len(METRICS), sharey=True)
    for axes, (metric, more_is_better) in zip(panels, METRICS.items(), strict=True):
        if math.isfinite(spread[metric]):
            axes.axvspan(-spread[metric], spread[metric], color="0.88", label="spread of the base")
        axes.axvline(0, color="0.5", linewidth=0.8)
        for place, added in enumerate(names):
            differences = changes(results, added, metric)
            told = verdict(differences, spread[metric], more_is_better)
            color = COLORS[told]
            axes.plot(
                differences, [place] * len(differences), "o", color=color, markersize=5, alpha=0.8
            )
        axes.set_yticks(range(len(names)), [label_of(name) for name in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel(f"{TITLES[metric]}, {'more' if more_is_better else 'less'} is better")
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.tick_params(axis="x", labelsize=8)
        axes.grid(alpha=0.25)
    if math.isfinite(spread["psnr"]):
        panels[0].legend(loc="lower left", fontsize=8)
    save(figure, path)


def draw_details(path: Path, shown: Mapping[str, Tensor], captions: Mapping[str, str]) -> None:
    """A detail as each loss renders it, and beside it what differs from the base, amplified."""
    base = shown[f"{BASE} alone"].float()
    pairs = 4
    rows = math.ceil(len(shown) / pairs)
    figure = Figure(figsize=(12.5, 1.85 * rows + 0.5), dpi=100, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03)
    figure.suptitle(
        f"Right of each: its difference from {BASE} alone, {AMPLIFIED} times, around gray"
    )
    grid = figure.subplots(rows, 2 * pairs, squeeze=False).reshape(-1, 2)
    for axes in grid.flat:
        axes.axis("off")
    for (image, change), (name, detail) in zip(grid, shown.items(), strict=False):
        show(image, detail, captions.get(name, ""))
        image.set_title(name, fontsize=9, pad=3)
        amplified = 128 + AMPLIFIED * (detail.float() - base)
        show(change, amplified.clamp(0, 255).to(torch.uint8), "")
        image.xaxis.label.set_fontsize(8)
    canvas, buffer = FigureCanvasAgg(figure), io.BytesIO()
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "webp", quality=70)
    files.write(path, lambda file: file.write(buffer.getvalue()))
