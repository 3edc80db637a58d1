"""Parts shared by the scripts that train super-resolution: options, training with a progress bar,
and the description of a run.
"""

import argparse
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from runs.command_line import (
    add_device_option,
    add_file_options,
    machine,
    positive,
    positive_real,
)
from runs.progress import TrainingBar
from torch import nn

from super_resolution.photographs import HELP
from super_resolution.training import Settings, Trainer, choose_amp

DEFAULTS = Settings()


def add_options(parser: argparse.ArgumentParser, *, steps: int) -> None:
    """The options of a training run, except which loss it minimises."""
    add_file_options(parser, "photographs and files", data=HELP, checkpoint_every=200)

    what = parser.add_argument_group("network and training")
    what.add_argument(
        "--scale", type=int, choices=(2, 3, 4), default=DEFAULTS.scale, help="enlargement"
    )
    what.add_argument("--steps", type=positive, default=steps, help="training steps")
    what.add_argument("--batch", type=positive, default=DEFAULTS.batch, help="crops per step")
    what.add_argument(
        "--crop",
        type=positive,
        default=DEFAULTS.crop,
        help="side of a crop in pixels of the truth, divisible by --scale",
    )
    what.add_argument(
        "--channels", type=positive, default=DEFAULTS.channels, help="width of the network"
    )
    what.add_argument("--blocks", type=positive, default=DEFAULTS.blocks, help="residual blocks")
    what.add_argument(
        "--learning-rate",
        type=positive_real,
        default=DEFAULTS.learning_rate,
        help="its highest value",
    )
    what.add_argument(
        "--seed", type=int, default=DEFAULTS.seed, help="of the first weights and the crops"
    )

    where = parser.add_argument_group("machine")
    add_device_option(where)
    where.add_argument(
        "--amp",
        nargs="?",
        const="auto",
        default="off",
        choices=("off", "auto", "bf16", "fp16"),
        help="mixed precision: bfloat16, or on a CUDA device without it float16 with a gradient "
        "scaler",
    )
    where.add_argument(
        "--compile", action="store_true", help="run the network through torch.compile"
    )


def settings_from(arguments: argparse.Namespace, device: torch.device, loss: str) -> Settings:
    """The settings that the options name."""
    values = {
        field.name: getattr(arguments, field.name)
        for field in fields(Settings)
        if field.name not in ("amp", "loss")
    }
    return Settings(**values, loss=loss, amp=choose_amp(arguments.amp, device))


def train(
    trainer: Trainer,
    console: Console,
    score: Callable[[nn.Module], float],
    *,
    checkpoint: Path,
    checkpoint_every: int,
    scores: int = 10,
) -> float:
    """Train to the end under a progress bar, with a line of text at each of the ``scores``; returns
    steps per second.
    """
    steps = trainer.settings.steps

    def scored(network: nn.Module) -> float:
        value = score(network)
        note = " (bicubic)" if trainer.step == 0 else ""
        console.print(
            f"step {trainer.step:>{len(str(steps))}}  held-out PSNR-Y {value:.2f} dB{note}",
            highlight=False,
        )
        return value

    with TrainingBar(console, steps=steps, first_step=trainer.step) as bar:
        trainer.run(
            on_report=lambda values: bar.show(trainer.step, values),
            score=scored,
            score_every=max(1, steps // scores),
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )
        return bar.rate(trainer.step)


def about(settings: Settings, device: torch.device, steps_per_second: float) -> dict[str, Any]:
    """The settings that are needed to repeat the results."""
    return {
        "settings": asdict(settings),
        "steps_per_second": round(steps_per_second, 2),
        **machine(device),
    }
