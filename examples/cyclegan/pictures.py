"""The picture: translations and reconstructions of held-out photographs, and training curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from runs.pictures import save
from runs.values import History
from torch import Tensor

from cyclegan.evaluation import Way

MOST_ROWS = 4


def draw(
    path: Path,
    names: Sequence[str],
    pairs: Mapping[str, Tensor],
    found: Mapping[str, Way],
    history: History,
    *,
    title: str,
) -> None:
    """A row for each photograph: day, day to dusk, and back; dusk, dusk to day, and back; curves
    below.
    """
    names = names[:MOST_ROWS]
    height = 2.75 * len(names)
    figure = Figure(figsize=(15, height + 4.2), dpi=110, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    figure.suptitle(title, fontsize=12)
    upper, lower = figure.subfigures(2, 1, height_ratios=(height, 3.9), hspace=0.03)
    rows = upper.subplots(
        len(names), 6, squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03}
    )
    columns = ("A: day", "A → B", "A → B → A", "B: dusk", "B → A", "B → A → B")
    for axes, column in zip(rows[0], columns, strict=True):
        axes.set_title(column, fontsize=12, pad=8)
    for index, (name, row) in enumerate(zip(names, rows, strict=True)):
        for axes, domain in ((row[:3], "day"), (row[3:], "dusk")):
            way = found[domain]
            _show(axes[0], pairs[domain][index], name.replace("_", " "))
            of_nothing = f"(doing nothing: {way.nothing[index]:.1f})"
            _show(
                axes[1],
                way.there[index],
                f"{way.translation[index]:.1f} dB from the truth\n{of_nothing}",
            )
            _show(axes[2], way.back[index], f"{way.cycle[index]:.1f} dB from the start")

    left, right = lower.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    for index, (name, points) in enumerate(history.terms.items()):
        steps, values = zip(*points, strict=True)
        left.plot(steps, values, linewidth=1.5, color=f"C{index}", label=name)
    left.set(title="Training: each term, unweighted", xlabel="step", yscale="log", xlim=(0, None))
    left.legend(frameon=False, ncols=3)
    right.plot(history.score_steps, history.scores, marker="o", markersize=4, color="C3")
    right.axhline(history.scores[0], color="0.4", linestyle="--", linewidth=1.2, label="untrained")
    right.set(
        title="Held-out photographs, there and back: mean PSNR of both ways",
        xlabel="step",
        ylabel="dB",
        xlim=(0, None),
    )
    right.legend(frameon=False)
    for axes in (left, right):
        axes.margins(y=0.2)
        axes.grid(alpha=0.25, which="both")
    save(figure, path)


def _show(axes: Axes, image: Tensor, caption: str) -> None:
    axes.imshow(((image + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy(), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(caption, fontsize=10, labelpad=4)
    axes.spines[:].set_visible(False)
