"""The two pictures: the gain of a trained network, and the effect of each loss on detail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from runs.pictures import save
from runs.values import History
from torch import Tensor

import ssimloss.functional as F
from super_resolution.evaluation import Result, Scores, luma
from super_resolution.photographs import Photograph

DETAIL = 96  # pixels of the truth; in the picture of the losses fewer, since they differ in little
SMALL_DETAIL = 60
MOST_ROWS = 4
MOST_COLUMNS = 8  # of the picture of the losses, beside the truth
NOTE = "dB and SSIM are of the whole photograph, the crop is its busiest square"
FRAME = "#00e5ff"  # a colour that photographs seldom have


@dataclass(frozen=True)
class Detail:
    """A square of a photograph, in pixels of the truth; place and side are multiples
    of the scale.
    """

    top: int
    left: int
    side: int

    def of(self, image: Tensor) -> Tensor:
        """The same square of any image of the truth's size."""
        return image[..., self.top : self.top + self.side, self.left : self.left + self.side]


def busiest_detail(photograph: Photograph, scale: int, side: int = DETAIL) -> Detail:
    """The square of the truth with the steepest luma on average: chosen by the photograph alone,
    not by anybody's result.
    """
    y = luma(photograph.truth)
    side = min(side, *y.shape[2:]) // scale * scale
    steepness = torch.zeros_like(y)
    steepness[..., :-1, :] += y.diff(dim=2).abs()
    steepness[..., :, :-1] += y.diff(dim=3).abs()
    means = torch.nn.functional.avg_pool2d(steepness, side, stride=2 * scale)
    row, column = divmod(int(means.argmax()), means.shape[3])
    return Detail(row * 2 * scale, column * 2 * scale, side)


def draw_panel(
    path: Path,
    photographs: Sequence[Photograph],
    bicubic: Sequence[Result],
    ours: Sequence[Result],
    *,
    title: str,
    scale: int,
    history: History,
) -> None:
    """Low resolution, bicubic, ours, truth and SSIM maps of one detail per photograph; training
    curves below.
    """
    photographs = photographs[:MOST_ROWS]
    figure = Figure(figsize=(17, 2.62 * len(photographs) + 4.2), dpi=110, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
    figure.suptitle(f"{title}\n{NOTE}", fontsize=12)
    upper, lower = figure.subfigures(
        2, 1, height_ratios=(2.62 * len(photographs), 4.0), hspace=0.04
    )
    rows = upper.subplots(
        len(photographs), 7, squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03}
    )
    columns = (
        "Held-out photograph",
        "Low resolution",
        "Bicubic",
        "Ours",
        "Truth",
        "SSIM map, bicubic",
        "SSIM map, ours",
    )
    for axes, column in zip(rows[0], columns, strict=True):
        axes.set_title(column, fontsize=12, pad=8)

    for axes, photograph, before, after in zip(rows, photographs, bicubic, ours, strict=False):
        detail = busiest_detail(photograph, scale)
        show(axes[0], photograph.truth, photograph.name.replace("_", " "))
        frame(axes[0], detail)
        low = Detail(detail.top // scale, detail.left // scale, detail.side // scale)
        show(axes[1], low.of(photograph.low), f"{low.side} x {low.side} pixels")
        show(axes[2], detail.of(before.image), caption_of(before.scores))
        show(axes[3], detail.of(after.image), caption_of(after.scores))
        show(axes[4], detail.of(photograph.truth), f"{detail.side} x {detail.side} pixels")
        for axis, result in ((axes[5], before), (axes[6], after)):
            similarity = detail.of(ssim_map(result.image, photograph.truth))
            mapped = show_map(axis, similarity, f"mean here {similarity.mean():.3f}", limits=(0, 1))
    upper.colorbar(
        mapped,
        ax=rows[:, 5:],
        location="right",
        label="SSIM of luma",
        shrink=0.9,
        pad=0.02,
        extend="min",
    )

    left, right = lower.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    _draw_terms(left, history)
    _draw_scores(right, history)
    save(figure, path)


def draw_losses(
    path: Path,
    photographs: Sequence[Photograph],
    bicubic: Sequence[Result],
    by_loss: Mapping[str, Sequence[Result]],
    *,
    title: str,
    scale: int,
) -> None:
    """A detail of the first and the last photograph as every loss renders it, and below each its
    distance from the truth; after ``MOST_COLUMNS`` losses further ones follow below.
    """
    names = ["bicubic", *by_loss]
    lines = [names[i : i + MOST_COLUMNS] for i in range(0, len(names), MOST_COLUMNS)]
    shown = sorted({0, len(photographs) - 1})
    wide, high = len(lines[0]) + 1, len(shown) * len(lines)
    figure = Figure(figsize=(2.35 * wide + 0.8, 5.3 * high + 0.5), dpi=110, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    figure.suptitle(f"{title}\n{NOTE}", fontsize=12)
    rows = figure.subplots(
        2 * high, wide, squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03}
    )
    for axes in rows.flat:
        axes.axis("off")

    pairs = iter(zip(rows[::2], rows[1::2], strict=True))
    for index in shown:
        photograph, detail = (
            photographs[index],
            busiest_detail(photographs[index], scale, SMALL_DETAIL),
        )
        results = {"bicubic": bicubic[index]} | {
            name: results[index] for name, results in by_loss.items()
        }
        for line in lines:
            crops, errors = next(pairs)
            for axes, column in zip(crops, ["truth", *line], strict=False):
                axes.set_title(column, fontsize=12, pad=8)
            show(crops[0], detail.of(photograph.truth), "")
            show(errors[0], photograph.truth, photograph.name.replace("_", " "))
            frame(errors[0], detail)
            for crop, error, name in zip(crops[1:], errors[1:], line, strict=False):
                show(crop, detail.of(results[name].image), caption_of(results[name].scores))
                difference = (luma(results[name].image) - luma(photograph.truth)).abs()[0, 0]
                distance = detail.of(difference)
                mapped = show_map(
                    error, distance, f"mean {distance.mean():.2f}", limits=(0, 48), colors="inferno"
                )
            figure.colorbar(
                mapped,
                ax=errors[1:],
                location="right",
                label="|Y - Y of the truth|, of 255",
                pad=0.01,
                extend="max",
            )
    save(figure, path)


def ssim_map(pred: Tensor, truth: Tensor) -> Tensor:
    """SSIM of the luma around every pixel, ``(H, W)``; the border is reflected so that the map is
    as large as the photograph.
    """
    return F.ssim(luma(pred), luma(truth), data_range=255, padding="reflect", reduction="none")[
        0, 0
    ]


def _draw_terms(axes: Axes, history: History) -> None:
    for index, (name, points) in enumerate(history.terms.items()):
        steps, values = zip(*points, strict=True)
        axes.plot(steps, values, linewidth=1, alpha=0.3, color=f"C{index}")
        axes.plot(steps, _smooth(values), linewidth=1.8, color=f"C{index}", label=name)
    axes.set(title="Training: each term, unweighted", xlabel="step", yscale="log", xlim=(0, None))
    axes.legend(frameon=False, loc="upper right", ncols=3)
    axes.margins(y=0.25)
    axes.grid(alpha=0.25, which="both")


def _draw_scores(axes: Axes, history: History) -> None:
    axes.plot(
        history.score_steps, history.scores, marker="o", markersize=4, color="C3", label="ours"
    )
    axes.axhline(
        history.scores[0],
        color="0.4",
        linestyle="--",
        linewidth=1.2,
        label="bicubic, where the network starts",
    )
    axes.set(title="Held-out photographs: mean PSNR-Y", xlabel="step", ylabel="dB", xlim=(0, None))
    axes.legend(frameon=False, loc="upper left")
    axes.margins(y=0.25)
    axes.grid(alpha=0.25)


def _smooth(values: Sequence[float], keep: float = 0.85) -> list[float]:
    """Moving average that begins at the first value."""
    smooth: list[float] = []
    for value in values:
        smooth.append(keep * smooth[-1] + (1 - keep) * value if smooth else value)
    return smooth


def caption_of(scores: Scores) -> str:
    return f"{scores.psnr_y:.2f} dB, SSIM {scores.ssim:.4f}"


def show(axes: Axes, image: Tensor, caption: str) -> None:
    axes.imshow(image.permute(1, 2, 0).numpy(), interpolation="nearest")
    label(axes, caption)


def show_map(
    axes: Axes,
    values: Tensor,
    caption: str,
    *,
    limits: tuple[float, float],
    colors: str = "viridis",
) -> AxesImage:
    mapped = axes.imshow(
        values.numpy(), interpolation="nearest", vmin=limits[0], vmax=limits[1], cmap=colors
    )
    label(axes, caption)
    return mapped


def label(axes: Axes, caption: str) -> None:
    axes.axis("on")
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(caption, fontsize=10, labelpad=4)
    axes.spines[:].set_visible(False)


def frame(axes: Axes, detail: Detail) -> None:
    axes.add_patch(
        Rectangle(
            (detail.left - 0.5, detail.top - 0.5),
            detail.side,
            detail.side,
            fill=False,
            edgecolor=FRAME,
            linewidth=2,
        )
    )
