"""Train super-resolution on real photographs with a weighted sum of losses, and show what it gained
over bicubic.

    python examples/train_super_resolution.py --out outputs/demo

Writes into ``--out``: ``panel.png``, ``terms.png``, ``table.md``, ``table.csv``, ``table.json``,
``network.pt`` and ``checkpoint.pt``. With ``--loss texture`` the same network is trained without
that term too, and ``texture.png`` shows what the term does to detail.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import torch
from rich.console import Console
from runs import checkpoints, files, tables
from runs.command_line import Formatter, choose_device, explained, positive
from super_resolution import photographs, pictures
from super_resolution.command_line import about, add_options, settings_from, train
from super_resolution.evaluation import (
    METRICS,
    Result,
    bicubic_result,
    mean_psnr_y,
    mean_scores,
    network_result,
)
from super_resolution.losses import LOSSES, WITHOUT
from super_resolution.training import Settings, Trainer

COLUMNS = [tables.Column("photograph", "photograph")] + [
    tables.Column(f"{metric}_{who}", f"{title}\n{who}", sign + digits if who == "gain" else digits)
    for metric, title, digits in (
        ("psnr_y", "PSNR-Y", ".2f"),
        ("ssim", "SSIM", ".4f"),
        ("ms_ssim", "MS-SSIM", ".4f"),
    )
    for who, sign in (("bicubic", ""), ("ours", ""), ("gain", "+"))
]


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train super-resolution on real photographs and compare it with bicubic "
        "interpolation.",
        formatter_class=Formatter,
    )
    add_options(parser, steps=Settings().steps)
    parser.add_argument(
        "--loss",
        choices=sorted(LOSSES),
        default="combined",
        help="combined is Charbonnier + MS-SSIM + edge",
    )
    parser.add_argument(
        "--diagnose-every",
        type=positive,
        metavar="STEPS",
        help="measure the gradient of each term so often: its share in terms.png and at the end",
    )
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    began = time.perf_counter()
    device = choose_device(arguments.device)
    settings = settings_from(arguments, device, arguments.loss)
    scale, out = settings.scale, files.output_folder(arguments.out)
    training, held_out = photographs.load_all(arguments.data, scale, settings.crop)
    trainer = Trainer(
        settings,
        training,
        device,
        compiled=arguments.compile,
        diagnose_every=arguments.diagnose_every,
    )
    weights = sum(weight.numel() for weight in trainer.network.parameters())
    console.print(
        f"{len(training)} photographs to train on, {len(held_out)} held out; x{scale} network of "
        f"{weights:,} weights on {device.type}"
    )

    def results(trainer: Trainer, checkpoint: Path, *, resume: bool) -> tuple[list[Result], float]:
        """Train to the end: the held-out photographs enlarged, and steps per second."""
        console.print(trainer.criterion, highlight=False, soft_wrap=True)
        checkpoints.begin(trainer, console, checkpoint, resume=resume)
        steps_per_second = train(
            trainer,
            console,
            lambda network: mean_psnr_y(network, held_out, scale),
            checkpoint=checkpoint,
            checkpoint_every=arguments.checkpoint_every,
        )
        return [
            network_result(trainer.trained, photograph, scale, device) for photograph in held_out
        ], steps_per_second

    ours, steps_per_second = results(trainer, out / "checkpoint.pt", resume=arguments.resume)
    weights_only = {
        "settings": dataclasses.asdict(settings),
        "network": trainer.trained.state_dict(),
    }
    files.write(out / "network.pt", lambda file: torch.save(weights_only, file))

    bicubic = [bicubic_result(photograph, scale) for photograph in held_out]
    rows = comparison([photograph.name for photograph in held_out], bicubic, ours)
    title = (
        f"x{scale} super-resolution of held-out photographs, {settings.steps} steps of "
        f"{settings.loss}"
    )
    console.print(f"\n{title}\n", highlight=False)
    console.print(tables.terminal_table(COLUMNS, rows, last_is_summary=True))
    written = tables.write_table(
        out, "table", title, COLUMNS, rows, about(settings, device, steps_per_second)
    )
    pictures.draw_panel(
        out / "panel.png",
        held_out,
        bicubic,
        ours,
        title=title,
        scale=scale,
        history=trainer.history,
    )
    trainer.curves.draw(out / "terms.png")
    if arguments.diagnose_every is not None:
        console.print(str(trainer.criterion.last), highlight=False, soft_wrap=True)
    for path in (out / "panel.png", out / "terms.png", *written):
        console.print(f"wrote {path}", soft_wrap=True)

    if settings.loss in WITHOUT:
        console.rule(f"the same without {settings.loss}")
        checkpoint = out / f"without_{settings.loss}.pt"
        other = Trainer(
            settings_from(arguments, device, WITHOUT[settings.loss]),
            training,
            device,
            compiled=arguments.compile,
        )
        plain, _ = results(other, checkpoint, resume=arguments.resume and checkpoint.exists())
        path = out / f"{settings.loss}.png"
        by_loss = {f"without {settings.loss}": plain, f"with {settings.loss}": ours}
        pictures.draw_losses(
            path,
            held_out,
            bicubic,
            by_loss,
            title=f"{title}: what the term {settings.loss} does",
            scale=scale,
        )
        console.print(f"wrote {path}", soft_wrap=True)
    console.print(f"took {time.perf_counter() - began:.0f} s")
    console.print(f"look at {out / 'panel.png'}", soft_wrap=True)


def comparison(names: list[str], bicubic: list[Result], ours: list[Result]) -> list[tables.Row]:
    """One row per photograph and one for the mean: each metric before, after, and the
    difference.
    """
    before, after = ([result.scores for result in results] for results in (bicubic, ours))
    rows: list[tables.Row] = []
    for name, a, b in zip(
        [*names, "mean"], [*before, mean_scores(before)], [*after, mean_scores(after)], strict=True
    ):
        row: dict[str, str | float] = {"photograph": name}
        for metric in METRICS:
            x, y = getattr(a, metric), getattr(b, metric)
            row |= {f"{metric}_bicubic": x, f"{metric}_ours": y, f"{metric}_gain": y - x}
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
