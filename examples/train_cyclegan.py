"""Train CycleGAN between photographs by day and others at dusk, without pairs, and show the
reconstructions.

    python examples/train_cyclegan.py --out outputs/cyclegan

Writes into ``--out``: ``panel.png``, ``table.md``, ``table.csv``, ``table.json``, ``generators.pt``
and ``checkpoint.pt``. Dusk is made from day by grading and blur, so the truth of the held-out
photographs is known. Only the table uses it.
"""

import argparse
import dataclasses
import time
from dataclasses import fields
from pathlib import Path

import torch
from cyclegan import pictures
from cyclegan.domains import held_out_pairs
from cyclegan.evaluation import Way, mean_cycle, ways
from cyclegan.training import Settings, Trainer
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
from super_resolution import photographs
from torch import nn

DEFAULTS = Settings()
SIDE = 192  # pixels of the centre crops of held-out photographs
SCORES = 10  # measured during training
WAYS = {"day": "A → B", "dusk": "B → A"}
COLUMNS = [tables.Column("photograph", "photograph")] + [
    tables.Column(f"{domain}_{key}", f"{title}\n{of}", digits)
    for domain, there in WAYS.items()
    for title, of, key, digits in (
        (f"{there} → {there[0]}", "untrained", "cycle_untrained", ".2f"),
        (f"{there} → {there[0]}", "trained", "cycle", ".2f"),
        (f"{there} → {there[0]}", "gain", "cycle_gain", "+.2f"),
        (there, "doing nothing", "nothing", ".2f"),
        (there, "trained", "translation", ".2f"),
    )
]


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train CycleGAN between photographs by day and others at dusk.",
        formatter_class=Formatter,
    )
    add_file_options(parser, "photographs and files", data=photographs.HELP, checkpoint_every=100)

    what = parser.add_argument_group("networks and training")
    for name, meaning in (
        ("steps", "training steps"),
        ("batch", "crops of each domain per step"),
        ("crop", "side of a crop in pixels, divisible by 4"),
        ("width", "of the networks"),
        ("blocks", "residual blocks of a generator"),
        ("pool", "images made before that the discriminators are shown again"),
    ):
        what.add_argument(f"--{name}", type=positive, default=getattr(DEFAULTS, name), help=meaning)
    what.add_argument(
        "--cycle",
        type=positive_real,
        default=DEFAULTS.cycle,
        help="weight of the way there and back",
    )
    what.add_argument(
        "--identity",
        type=positive_real,
        default=DEFAULTS.identity,
        help="weight of the identity term, a part of --cycle",
    )
    what.add_argument(
        "--learning-rate",
        type=positive_real,
        default=DEFAULTS.learning_rate,
        help="its highest value, of all networks",
    )
    what.add_argument("--seed", type=int, default=DEFAULTS.seed, help="of first weights and crops")
    add_device_option(what)
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    began = time.perf_counter()
    device = choose_device(arguments.device)
    settings = Settings(
        **{field.name: getattr(arguments, field.name) for field in fields(Settings)}
    )
    if settings.crop % 4:
        raise files.InputError(f"--crop {settings.crop} is not divisible by 4")
    out = files.output_folder(arguments.out)
    training, held_out = photographs.load_all(arguments.data, 1, 2 * settings.crop)
    trainer = Trainer(settings, training, device)
    pairs = held_out_pairs(held_out, SIDE)
    console.print(
        f"{len(training)} photographs to train on, one half of each by day and the other at dusk, "
        f"{len(held_out)} held out"
    )
    console.print(trainer.criterion, highlight=False, soft_wrap=True)

    untrained = ways(trainer.generators, pairs, device)
    checkpoint = out / "checkpoint.pt"
    checkpoints.begin(trainer, console, checkpoint, resume=arguments.resume)
    steps_per_second = train(
        trainer,
        console,
        checkpoint,
        arguments.checkpoint_every,
        lambda networks: mean_cycle(networks, pairs, device),
    )

    weights = {
        "settings": dataclasses.asdict(settings),
        "generators": trainer.generators.state_dict(),
    }
    files.write(out / "generators.pt", lambda file: torch.save(weights, file))
    trained = ways(trainer.generators, pairs, device)
    names = [photograph.name for photograph in held_out]
    rows = comparison(names, untrained, trained)
    title = (
        "Day (A) and dusk (B) without pairs: PSNR in dB of held-out photographs after "
        f"{settings.steps} steps"
    )
    console.print(f"\n{title}\n", highlight=False)
    console.print(tables.terminal_table(COLUMNS, rows, last_is_summary=True))
    about = {
        "settings": dataclasses.asdict(settings),
        "steps_per_second": round(steps_per_second, 2),
        **machine(device),
    }
    written = tables.write_table(out, "table", title, COLUMNS, rows, about)
    pictures.draw(out / "panel.png", names, pairs, trained, trainer.history, title=title)
    for path in (out / "panel.png", *written):
        console.print(f"wrote {path}", soft_wrap=True)
    console.print(f"{time.perf_counter() - began:.0f} s")


def train(
    trainer: Trainer, console: Console, checkpoint: Path, checkpoint_every: int, score: object
) -> float:
    """Train to the end under a progress bar, with a line of text at each score; returns steps per
    second.
    """
    steps = trainer.settings.steps

    def scored(networks: nn.ModuleDict) -> float:
        value = score(networks)
        note = " (untrained)" if trainer.step == 0 else ""
        console.print(
            f"step {trainer.step:>{len(str(steps))}}  held-out PSNR there and back {value:.2f} "
            f"dB{note}",
            highlight=False,
        )
        return value

    with TrainingBar(console, steps=steps, first_step=trainer.step) as bar:
        trainer.run(
            on_report=lambda values: bar.show(trainer.step, values),
            score=scored,
            score_every=max(1, steps // SCORES),
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )
        return bar.rate(trainer.step)


def comparison(
    names: list[str], untrained: dict[str, Way], trained: dict[str, Way]
) -> list[tables.Row]:
    """One row per photograph and one for the mean."""
    rows: list[dict[str, str | float]] = []
    for index, name in enumerate(names):
        row: dict[str, str | float] = {"photograph": name}
        for domain in WAYS:
            before, after = untrained[domain].cycle[index], trained[domain].cycle[index]
            row |= {
                f"{domain}_cycle_untrained": before,
                f"{domain}_cycle": after,
                f"{domain}_cycle_gain": after - before,
            }
            row |= {
                f"{domain}_nothing": trained[domain].nothing[index],
                f"{domain}_translation": trained[domain].translation[index],
            }
        rows.append(row)
    mean = {column.key: sum(row[column.key] for row in rows) / len(rows) for column in COLUMNS[1:]}
    return [*rows, {"photograph": "mean", **mean}]


if __name__ == "__main__":
    main()
