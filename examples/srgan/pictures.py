"""The picture: details by each network, and curves of the two runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from runs.pictures import save
from super_resolution.evaluation import Result
from super_resolution.photographs import Photograph
from super_resolution.pictures import busiest_detail, caption_of, frame, show

from srgan.training import Trainer

SIDE = 64  # pixels of the truth
MOST_ROWS = 4
NOTE = "dB and SSIM are of the whole photograph, the crop is its busiest square"


def draw(
    path: Path,
    photographs: Sequence[Photograph],
    results: Mapping[str, Sequence[Result]],
    trainers: Mapping[str, Trainer],
    *,
    title: str,
    scale: int,
) -> None:
    """A detail of each photograph in truth and as each of ``results`` has it; PSNR, distance and
    the adversarial values below.
    """
    photographs = photographs[:MOST_ROWS]
    columns = 2 + len(results)
    figure = Figure(
        figsize=(3.0 * columns + 0.4, 3.25 * len(photographs) + 4.4), dpi=110, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    figure.suptitle(f"{title}\n{NOTE}", fontsize=12)
    upper, lower = figure.subfigures(2, 1, height_ratios=(3.25 * len(photographs), 3.8))
    rows = upper.subplots(
        len(photographs), columns, squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03}
    )
    for axes, column in zip(rows[0], ["Held-out photograph", "Truth", *results], strict=True):
        axes.set_title(column, fontsize=12, pad=8)
    for index, (axes, photograph) in enumerate(zip(rows, photographs, strict=True)):
        detail = busiest_detail(photograph, scale, SIDE)
        show(axes[0], photograph.truth, photograph.name.replace("_", " "))
        frame(axes[0], detail)
        show(axes[1], detail.of(photograph.truth), f"{detail.side} x {detail.side} pixels")
        for axis, of_all in zip(axes[2:], results.values(), strict=True):
            show(axis, detail.of(of_all[index].image), caption_of(of_all[index].scores))
    _draw_curves(lower, trainers)
    save(figure, path)


def _draw_curves(figure: Figure, trainers: Mapping[str, Trainer]) -> None:
    psnr, distance, terms = figure.subplots(1, 3, gridspec_kw={"wspace": 0.06})
    for index, (name, trainer) in enumerate(trainers.items()):
        style = {"marker": "o", "markersize": 4, "color": f"C{index}", "label": name}
        psnr.plot(trainer.history.score_steps, trainer.history.scores, **style)
        distance.plot(trainer.distances.score_steps, trainer.distances.scores, **style)
        for term, line in (("discriminator", "-"), ("adversarial", ":")):
            if term in trainer.history.terms:
                steps, values = zip(*trainer.history.terms[term], strict=True)
                terms.plot(steps, values, line, color=f"C{index}", label=f"{term} of {name}")
    psnr.set(title="Held-out photographs: mean PSNR-Y", ylabel="dB")
    distance.set(title="Held-out photographs: perceptual distance")
    terms.set(title="Training: adversarial terms, unweighted")
    for axes in (psnr, distance, terms):
        axes.set(xlabel="step", xlim=(0, None))
        axes.grid(alpha=0.25)
        axes.margins(y=0.2)
        axes.legend(frameon=False, fontsize=9)
