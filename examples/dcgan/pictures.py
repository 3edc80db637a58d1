"""The picture: samples of each run next to real images, and training curves."""

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from runs.pictures import save
from runs.values import History
from torch import Tensor

GRID = 8  # images a side


def draw_samples(
    path: Path,
    real: Tensor,
    samples: Mapping[str, Tensor],
    histories: Mapping[str, History],
    *,
    title: str,
) -> None:
    """A grid of real images and one of each run; the Frechet distances of all; each run's
    discriminator and generator losses.
    """
    panels = {"real images": real, **samples}
    columns = min(len(panels), max(3, math.ceil(math.sqrt(len(panels)))))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.1 * columns + 0.4, 4.3 * rows + 4.2), dpi=110, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    figure.suptitle(title, fontsize=13)
    upper, lower = figure.subfigures(2, 1, height_ratios=(4.3 * rows, 4.0))
    grids = upper.subplots(rows, columns, squeeze=False).flatten()
    for axes in grids[len(panels) :]:
        axes.set_visible(False)
    for axes, (name, images) in zip(grids, panels.items(), strict=False):
        _show(axes, mosaic(images))
        axes.set_title(name, fontsize=12)

    left, right = lower.subplots(1, 2)
    for index, (name, history) in enumerate(histories.items()):
        left.plot(
            history.score_steps,
            history.scores,
            marker="o",
            markersize=3,
            color=f"C{index}",
            label=name,
        )
        for term, style in (("discriminator", "-"), ("generator", ":")):
            steps, values = zip(*history.terms[term], strict=True)
            right.plot(steps, values, style, linewidth=1.2, color=f"C{index}")
    left.set(
        title="Frechet distance to the training images", xlabel="step", yscale="log", xlim=(0, None)
    )
    right.set(title="Losses: discriminator (line), generator (dots)", xlabel="step", xlim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.25, which="both")
    many = len(histories) > 8
    left.legend(frameon=False, fontsize=6 if many else 9, ncols=2 if many else 1).set_in_layout(
        False
    )
    save(figure, path)


def mosaic(images: Tensor) -> Tensor:
    """The first ``GRID``^2 images in [-1, 1] as one, ``(H, W, 3)`` in [0, 1], a pixel of gray
    between them.
    """
    images = images[: GRID**2].cpu().expand(-1, 3, -1, -1)
    count, channels, side, _ = images.shape
    rows = -(-count // GRID)
    whole = torch.full((rows * GRID, channels, side + 1, side + 1), 0.5)
    whole[:count, :, :side, :side] = (images + 1) / 2
    whole = whole.view(rows, GRID, channels, side + 1, side + 1).permute(0, 3, 1, 4, 2)
    return whole.reshape(rows * (side + 1), GRID * (side + 1), channels)[:-1, :-1]


def _show(axes: Axes, image: Tensor) -> None:
    axes.imshow(image.numpy(), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
