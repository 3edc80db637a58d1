"""Train one small network with several losses, everything else equal, and show what each loss does
to detail.

    python examples/compare_losses.py --out outputs/losses
    python examples/compare_losses.py --out outputs/losses --losses l1 gmsd charbonnier+gmsd
    python examples/compare_losses.py --list

Any loss of the package can be named, and a sum of two with ``+``, in which the second has a quarter
of the gradient (``charbonnier+gmsd@0.1``: a tenth).

All runs have the same initial weights and the same crops in the same order. Writes into ``--out``:
``losses.png``, ``losses.md``, ``losses.csv``, ``losses.json`` and a folder with the checkpoint of
each loss.
"""

import argparse
import time

from rich.console import Console
from runs import checkpoints, files, tables
from runs.command_line import Formatter, choose_device, explained
from super_resolution import photographs, pictures
from super_resolution.command_line import about, add_options, settings_from, train
from super_resolution.evaluation import (
    Result,
    bicubic_result,
    gradient_ratio,
    mean_psnr_y,
    mean_scores,
    network_result,
)
from super_resolution.losses import SHARE, ListLosses, check
from super_resolution.photographs import Photograph
from super_resolution.training import Trainer

COLUMNS = [
    tables.Column("loss", "trained with"),
    tables.Column("psnr_y", "PSNR-Y", ".2f"),
    tables.Column("ssim", "SSIM", ".4f"),
    tables.Column("ms_ssim", "MS-SSIM", ".4f"),
    tables.Column("gradient", "gradient\nof truth's", ".1%"),
]


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train one small network with several losses and compare what each does to "
        "detail.",
        formatter_class=Formatter,
    )
    add_options(parser, steps=1000)
    default = ["l2", "l1", "charbonnier", "ssim", "ms_ssim_l1"]
    parser.add_argument(
        "--losses",
        nargs="+",
        metavar="NAME",
        default=default,
        help="which ones: names of --list, and sums such as charbonnier+gmsd, in which the second "
        f"has {SHARE:.0%} of the gradient".replace("%", "%%"),
    )
    parser.add_argument("--list", action=ListLosses, help="list the names, and end")
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    began = time.perf_counter()
    device, scale, out = (
        choose_device(arguments.device),
        arguments.scale,
        files.output_folder(arguments.out),
    )
    names = list(dict.fromkeys(arguments.losses))
    for loss in names:
        check(loss, arguments.crop)
    training, held_out = photographs.load_all(arguments.data, scale, arguments.crop)
    bicubic = [bicubic_result(photograph, scale) for photograph in held_out]
    rows = [scores_row("bicubic", held_out, bicubic)]
    by_loss: dict[str, list[Result]] = {}
    for loss in names:
        console.rule(loss)
        settings = settings_from(arguments, device, loss)
        trainer = Trainer(settings, training, device, compiled=arguments.compile)
        checkpoint = out / loss / "checkpoint.pt"
        checkpoints.begin(
            trainer, console, checkpoint, resume=arguments.resume and checkpoint.exists()
        )
        steps_per_second = train(
            trainer,
            console,
            lambda network: mean_psnr_y(network, held_out, scale),
            checkpoint=checkpoint,
            checkpoint_every=arguments.checkpoint_every,
            scores=2,
        )
        by_loss[loss] = [
            network_result(trainer.trained, photograph, scale, device) for photograph in held_out
        ]
        rows.append(scores_row(loss, held_out, by_loss[loss]))

    title = f"One x{scale} network, {arguments.steps} steps of each loss, held-out photographs"
    console.print(f"\n{title}\n", highlight=False)
    console.print(tables.terminal_table(COLUMNS, rows))
    written = tables.write_table(
        out, "losses", title, COLUMNS, rows, about(settings, device, steps_per_second)
    )
    pictures.draw_losses(out / "losses.png", held_out, bicubic, by_loss, title=title, scale=scale)
    for path in (out / "losses.png", *written):
        console.print(f"wrote {path}", soft_wrap=True)
    console.print(f"{time.perf_counter() - began:.0f} s")


def scores_row(name: str, held_out: list[Photograph], results: list[Result]) -> tables.Row:
    """The means over the held-out photographs."""
    mean = mean_scores([result.scores for result in results])
    ratios = [
        gradient_ratio(result.image, photograph.truth)
        for result, photograph in zip(results, held_out, strict=True)
    ]
    return {
        "loss": name,
        "psnr_y": mean.psnr_y,
        "ssim": mean.ssim,
        "ms_ssim": mean.ms_ssim,
        "gradient": sum(ratios) / len(ratios),
    }


if __name__ == "__main__":
    main()
