"""Curves of a criterion as PNG files, drawn without a display. Needs matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ssimloss import _files
from ssimloss.combined.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = Sequence[tuple[int, float]]
POINTS = 2000  # at most, of a schedule
DEFAULT_STEPS = 1000
# Line styles of the terms in turn. Lines of equal weights show through each other's gaps.
STYLES = ("solid", (0, (5, 3)), (0, (1.5, 3)))


def draw_curves(
    path: Path,
    panels: Mapping[str, Mapping[str, Curve]],
    *,
    drawstyle: Literal["default", "steps-post"] = "default",
) -> None:
    """Draw panels one below the other, each with one line per term over the steps.

    Args:
        path: the PNG file.
        panels: title -> term -> ``(step, number)``.
        drawstyle: of matplotlib; ``"steps-post"`` for numbers that jump.
    """
    figure, axes = _figure(len(panels))
    order: dict[str, int] = {}
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, curve in curves.items():
            place = order.setdefault(name, len(order))
            color, style = f"C{place % 10}", STYLES[place % len(STYLES)]
            steps, numbers = zip(*curve, strict=True)
            line: dict[str, Any] = {
                "color": color,
                "linestyle": style,
                "drawstyle": drawstyle,
                "linewidth": 1.4,
            }
            ax.plot(steps, numbers, label=name, **line)
        if curves:
            _scale(ax, [number for curve in curves.values() for _, number in curve])
            ax.legend(fontsize=8, frameon=False, ncols=2)
        ax.set_ylabel(title)
        ax.grid(alpha=0.25)
    axes[-1].set_xlabel("step")
    _save(figure, path)


def draw_schedule(plan: Plan, path: Path, steps: int | None) -> None:
    """The scheduled weights from step 0 on."""
    last = _length(plan) if steps is None else steps
    stride = max(1, last // POINTS)
    shown = range(0, last + 1, stride)
    curves: dict[str, Curve] = {}
    for name, term in plan.terms.items():
        # A term that waits is drawn as if its condition were met at step 0.
        met = plan if name in plan.reached else plan.with_reached(name, 0)
        label = name if term.plan.condition is None else f"{name} (after {term.plan.condition})"
        curves[label] = [(step, met.weight_at(name, step)) for step in shown]
    draw_curves(path, {"weight": curves}, drawstyle="steps-post")


def _length(plan: Plan) -> int:
    """The number of steps after which every schedule has ended, and a tenth more."""
    ends = [0]
    for term in plan.terms.values():
        schedule = term.plan
        ends += [schedule.start + schedule.ramp, schedule.end or 0]
        ends += [step + schedule.ramp for step in schedule.stages]
    return math.ceil(1.1 * max(ends)) or DEFAULT_STEPS


def _scale(ax: Axes, numbers: Sequence[float]) -> None:
    """Use a logarithmic axis if numbers are positive and span a wide range."""
    positive = [n for n in numbers if n > 0 and math.isfinite(n)]
    if len(positive) == len(numbers) and max(positive) > 30 * min(positive):
        ax.set_yscale("log")


def _figure(rows: int) -> tuple[Any, list[Axes]]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RuntimeError(
            "drawing needs matplotlib, which is not installed: pip install 'ssimloss[cli]'"
        ) from error
    figure = Figure(figsize=(8, 2.6 * rows), dpi=120, layout="constrained")
    return figure, list(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])


def _save(figure: Any, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    _files.write(path, canvas.print_png)
