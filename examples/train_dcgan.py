"""Train DCGAN on small real images with each adversarial loss, and show which of them learns what.

    python examples/train_dcgan.py --out outputs/dcgan

Writes into ``--out``: ``samples.png``, ``table.md``, ``table.csv``, ``table.json`` and a folder
with the checkpoint of each run. The images are scikit-learn's handwritten digits. ``--ssim 1``
repeats each run with an SSIM term between each sample and the nearest real image.
"""

import argparse
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

import torch
from dcgan import images, pictures
from dcgan.judge import COVERED, Judge, Scores
from dcgan.training import KINDS, Settings, Trainer
from rich.console import Console
from runs import checkpoints, files, tables
from runs.command_line import (
    Formatter,
    add_device_option,
    add_file_options,
    choose_device,
    explained,
    machine,
    positive,
    positive_real,
)
from runs.progress import TrainingBar
from runs.values import NonFiniteError

DEFAULTS = Settings()
COLUMNS = [
    tables.Column("run", "adversarial loss"),
    tables.Column("frechet_untrained", "Frechet distance,\nuntrained", ".0f"),
    tables.Column("frechet", "trained", ".1f"),
    tables.Column("score", "score", ".2f"),
    tables.Column("score_deviation", "±", ".2f"),
    tables.Column("covered", "classes\ncovered", ".0f"),
    tables.Column("seconds", "seconds", ".0f"),
]


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train DCGAN on small real images with each adversarial loss.",
        formatter_class=Formatter,
    )
    data = add_file_options(
        parser,
        "images and files",
        data="your images, a subfolder for each class; without it, the digits inside the "
        "scikit-learn wheel",
        checkpoint_every=200,
    )
    data.add_argument(
        "--side",
        type=int,
        choices=images.SIDES,
        help="pixels; without it 8 for the digits, 32 for --data",
    )

    loss = parser.add_argument_group("losses")
    loss.add_argument(
        "--kind",
        nargs="+",
        choices=(*KINDS, "all"),
        default=["all"],
        help="adversarial losses, one run each",
    )
    loss.add_argument(
        "--relativistic",
        nargs="+",
        choices=("none", "average", "paired"),
        default=["none"],
        help="whether logits are of an image alone, or of real ones against generated ones; a run "
        "for each",
    )
    loss.add_argument(
        "--ssim",
        type=positive_real,
        metavar="WEIGHT",
        help="make each run again with an SSIM term towards the nearest real image",
    )

    what = parser.add_argument_group("networks and training")
    for name, meaning in (
        ("steps", "training steps of each run"),
        ("batch", "images per step"),
        ("latent", "numbers that an image is made from"),
        ("width", "of the networks"),
    ):
        what.add_argument(f"--{name}", type=positive, default=getattr(DEFAULTS, name), help=meaning)
    what.add_argument(
        "--classifier-steps",
        type=positive,
        default=500,
        metavar="STEPS",
        help="of the classifier that judges samples",
    )
    what.add_argument(
        "--learning-rate",
        type=positive_real,
        default=DEFAULTS.learning_rate,
        help="of both networks",
    )
    what.add_argument(
        "--seed", type=int, default=DEFAULTS.seed, help="of first weights, batches and latents"
    )
    add_device_option(what)
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    began = time.perf_counter()
    device = choose_device(arguments.device)
    out = files.output_folder(arguments.out)
    runs = runs_of(arguments)
    paths = [out / settings.name / "checkpoint.pt" for settings in runs]
    if arguments.resume:
        check_checkpoints(runs, paths)
    real = images.load(arguments.data, arguments.side)
    judge = Judge(real, steps=arguments.classifier_steps, seed=arguments.seed, device=device)
    console.print(
        f"{len(real.training)} images of {len(real.classes)} classes to train on, "
        f"{len(real.held_out)} held out; the classifier that judges samples is right on "
        f"{judge.accuracy:.1%} of those",
        highlight=False,
    )
    rows = [row_of("(real, held out)", judge.scores(real.held_out))]
    trained: dict[str, Trainer] = {}
    for settings, checkpoint in zip(runs, paths, strict=True):
        console.rule(settings.name)
        trainer = Trainer(settings, real, judge, device)
        train(trainer, console, checkpoint, arguments)
        rows.append(
            row_of(
                settings.name,
                trainer.scores(),
                untrained=trainer.history.scores[0],
                seconds=trainer.seconds,
            )
        )
        trained[settings.name] = trainer

    title = (
        f"DCGAN after {arguments.steps} steps; the classifier behind distance and score is right "
        f"on {judge.accuracy:.1%} of held-out images"
    )
    console.print(f"\n{title}\n", highlight=False)
    console.print(tables.terminal_table(COLUMNS, rows))
    about = {"settings": asdict(settings), "accuracy": judge.accuracy, **machine(device)}
    written = tables.write_table(out, "table", title, COLUMNS, rows, about)
    pictures.draw_samples(
        out / "samples.png",
        real.training[
            torch.randperm(len(real.training), generator=torch.Generator().manual_seed(0))
        ],
        {name: trainer.samples(pictures.GRID**2) for name, trainer in trained.items()},
        {name: trainer.history for name, trainer in trained.items()},
        title=f"DCGAN after {arguments.steps} steps with each adversarial loss",
    )
    for path in (out / "samples.png", *written):
        console.print(f"wrote {path}", soft_wrap=True)
    console.print(verdict(rows[1:], len(real.classes)), highlight=False, soft_wrap=True)
    console.print(f"{time.perf_counter() - began:.0f} s")


def check_checkpoints(runs: list[Settings], paths: list[Path]) -> None:
    """Refuse to resume before anything is trained, the judge included."""
    there = [(settings, path) for settings, path in zip(runs, paths, strict=True) if path.exists()]
    if not there:
        raise files.InputError(
            f"--resume: there is no {paths[0]}; leave out --resume to start a new run"
        )
    for settings, path in there:
        checkpoints.read(path, settings)


def runs_of(arguments: argparse.Namespace) -> list[Settings]:
    """One run of each kind and relativistic form; with ``--ssim``, each also with the SSIM term."""
    kinds = KINDS if "all" in arguments.kind else dict.fromkeys(arguments.kind)
    forms = [None if word == "none" else word for word in dict.fromkeys(arguments.relativistic)]
    shared = {
        field.name: getattr(arguments, field.name)
        for field in fields(Settings)
        if field.name not in ("kind", "relativistic", "ssim")
    }
    plain = [Settings(kind=kind, relativistic=form, **shared) for kind in kinds for form in forms]
    if arguments.ssim is None:
        return plain
    return [settings for one in plain for settings in (one, replace(one, ssim=arguments.ssim))]


def train(
    trainer: Trainer, console: Console, checkpoint: Path, arguments: argparse.Namespace
) -> None:
    """To the end, under a progress bar."""
    resume = arguments.resume and checkpoint.exists()
    checkpoints.begin(trainer, console, checkpoint, resume=resume)
    try:
        with TrainingBar(
            console, steps=trainer.settings.steps, first_step=trainer.step, digits=3
        ) as bar:
            trainer.run(
                on_report=lambda values: bar.show(trainer.step, values),
                score_every=max(1, trainer.settings.steps // 10),
                checkpoint=checkpoint,
                checkpoint_every=arguments.checkpoint_every,
            )
    except NonFiniteError as error:
        raise NonFiniteError(f"{trainer.settings.name} diverged at {error}") from error


def row_of(
    name: str, scores: Scores, *, untrained: float = float("nan"), seconds: float = float("nan")
) -> tables.Row:
    return {"run": name, "frechet_untrained": untrained, **asdict(scores), "seconds": seconds}


def verdict(rows: list[tables.Row], classes: int) -> str:
    """Check every run: at most half the distance of an untrained generator, and every class."""
    far = [
        str(row["run"])
        for row in rows
        if float(row["frechet"]) > float(row["frechet_untrained"]) / 2
    ]
    collapsed = [str(row["run"]) for row in rows if float(row["covered"]) < classes]
    if not far and not collapsed:
        return (
            "every run is at most half as far as untrained, and covers every class with at least "
            f"{COVERED:.0%} of its samples"
        )
    parts = [f"not half as far as untrained: {', '.join(far)}"] * bool(far) + [
        f"classes missing: {', '.join(collapsed)}"
    ] * bool(collapsed)
    return "; ".join(parts)


if __name__ == "__main__":
    main()
