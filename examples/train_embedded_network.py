"""Train the embedded network, without labels, on drawn pictures and the photographs inside
scikit-image and scikit-learn.

    python examples/train_embedded_network.py --out outputs/embedded

Writes into ``--out``: ``embedded.safetensors`` (the weights, in half precision), ``table.md``,
``table.csv``, ``table.json`` and ``checkpoint.pt``. A killed run continues with ``--resume``.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import torch
from embedded_network.training import Settings, Trainer
from rich.console import Console
from runs import files, tables
from runs.command_line import explained, machine, positive, positive_real
from runs.progress import TrainingBar

from ssimloss import weights

DEFAULTS = Settings()
COLUMNS = [
    tables.Column("order", "nearer < farther"),
    tables.Column("before", "random weights", ".3f"),
    tables.Column("after", "trained", ".3f"),
]


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where checkpoint, weights and table go",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the run whose checkpoint is in --out"
    )
    parser.add_argument(
        "--checkpoint-every",
        type=positive,
        default=50,
        metavar="STEPS",
        help="a killed run loses at most this many (50)",
    )
    for name, what in (
        ("steps", "training steps"),
        ("crops", "crops per step that are distorted"),
        ("pairs", "pairs of crops per step"),
        ("crop", "pixels of a side of a crop"),
        ("drawings", "drawn pictures"),
    ):
        parser.add_argument(
            f"--{name}",
            type=positive,
            default=getattr(DEFAULTS, name),
            help=f"{what} ({getattr(DEFAULTS, name)})",
        )
    parser.add_argument(
        "--learning-rate",
        type=positive_real,
        default=DEFAULTS.learning_rate,
        help=f"highest ({DEFAULTS.learning_rate:g})",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=DEFAULTS.seed,
        help="of the first weights, the drawings and the crops (0)",
    )
    parser.add_argument(
        "--validation",
        action="store_true",
        help="keep some photographs from the training, and score on those: for choices",
    )
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    began = time.perf_counter()
    out = files.output_folder(arguments.out)
    settings = Settings(
        **{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Settings)}
    )
    trainer = Trainer(settings)
    console.print(
        f"{len(trainer.pictures.photographs)} photographs and halves of them, "
        f"{len(trainer.pictures.drawings)} drawings; a network of "
        f"{sum(weight.numel() for weight in trainer.network.parameters()):,} weights"
    )
    checkpoint = out / "checkpoint.pt"
    if arguments.resume:
        trainer.load(checkpoint)
        console.print(
            f"continuing {checkpoint} at step {trainer.progress.step} of {settings.steps}"
        )
    train(trainer, console, checkpoint, arguments.checkpoint_every)

    kept = out / "embedded.safetensors"
    weights.write_safetensors(kept, trainer.trained())
    after = trainer.score()
    rows = [
        {"order": name, "before": before, "after": after[name]}
        for name, before in trainer.before.items()
    ]
    title = (
        f"Orders that are right after {settings.steps} steps, on "
        f"{'photographs left out' if settings.validation else 'other crops'}"
    )
    console.print(f"\n{title}\n", highlight=False)
    console.print(tables.terminal_table(COLUMNS, rows))
    about = {
        "settings": dataclasses.asdict(settings),
        "seconds": round(time.perf_counter() - began),
        **machine(torch.device("cpu")),
    }
    for path in (kept, *tables.write_table(out, "table", title, COLUMNS, rows, about)):
        console.print(f"wrote {path}", soft_wrap=True)


def train(trainer: Trainer, console: Console, checkpoint: Path, checkpoint_every: int) -> None:
    """To the end, under a progress bar."""
    with TrainingBar(
        console, steps=trainer.settings.steps, first_step=trainer.progress.step, digits=3
    ) as bar:

        def on_report(values: dict[str, float]) -> None:
            losses = {name: value for name, value in values.items() if not name.startswith("right")}
            bar.show(trainer.progress.step, losses)
            if not console.is_terminal:
                console.print(f"step {trainer.progress.step}  {bar.worded(losses)}", soft_wrap=True)

        trainer.run(
            on_report=on_report,
            report_every=20,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )


if __name__ == "__main__":
    main()
