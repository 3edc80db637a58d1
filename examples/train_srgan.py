"""Fine-tune a super-resolution network in the ESRGAN manner, and show what it gained and lost
against pixels alone.

    python examples/train_srgan.py --out outputs/srgan

One network is trained on pixels (or taken from the demo with ``--start outputs/demo/network.pt``).
From there it is trained twice for the same number of steps on the same crops: on pixels alone, and
on pixels, deep features and an adversarial loss. Writes into ``--out``: ``panel.png``,
``table.md``, ``table.csv``, ``table.json``, ``network.pt`` and a folder with the checkpoint of each
training.
"""

import argparse
import time
from dataclasses import asdict, fields
from pathlib import Path

import torch
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
from srgan import pictures
from srgan.evaluation import Perception
from srgan.losses import LOSSES
from srgan.training import Scores, Settings, Trainer
from super_resolution import command_line, photographs
from super_resolution import training as pretraining
from super_resolution.evaluation import (
    Result,
    bicubic_result,
    gradient_ratio,
    mean_psnr_y,
    mean_psnr_y_of,
    mean_scores,
    network_result,
    super_resolve,
)
from super_resolution.network import SuperResolver
from super_resolution.photographs import Photograph
from torch import nn

DEFAULTS = Settings()
SMALLEST_CROP = 16
NAMES = {"pixel": "pixels alone", "gan": "GAN"}
COLUMNS = [
    tables.Column("network", "network"),
    tables.Column("psnr_y", "PSNR-Y", ".2f"),
    tables.Column("ssim", "SSIM", ".4f"),
    tables.Column("structure", "perceptual\ndistance", ".4f"),
    tables.Column("lpips", "LPIPS", ".4f"),
    tables.Column("gradient", "gradient\nof truth's", ".1%"),
]


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Fine-tune a super-resolution network in the ESRGAN manner, against pixels "
        "alone.",
        formatter_class=Formatter,
    )
    data = add_file_options(
        parser,
        "photographs and files",
        data="your photographs, as for train_super_resolution.py",
        checkpoint_every=100,
    )
    data.add_argument(
        "--start",
        type=Path,
        metavar="FILE",
        help="the network.pt of a finished train_super_resolution.py, in place of --start-steps",
    )
    data.add_argument(
        "--embedded-weights",
        default=DEFAULTS.embedded_weights,
        metavar="WEIGHTS",
        help="of the network behind the deep terms: embedded, random, or a file",
    )

    what = parser.add_argument_group("network and training")
    start = pretraining.Settings()
    what.add_argument(
        "--start-steps",
        type=positive,
        default=1000,
        metavar="STEPS",
        help="of the first training, on pixels",
    )
    what.add_argument(
        "--steps",
        type=positive,
        default=DEFAULTS.steps,
        help="of each of the two trainings from there on",
    )
    what.add_argument(
        "--scale", type=int, choices=(2, 3, 4), default=start.scale, help="enlargement"
    )
    what.add_argument("--batch", type=positive, default=DEFAULTS.batch, help="crops per step")
    what.add_argument(
        "--crop",
        type=positive,
        default=DEFAULTS.crop,
        help="side of a crop in pixels of the truth, divisible by --scale",
    )
    what.add_argument(
        "--channels", type=positive, default=start.channels, help="width of the network"
    )
    what.add_argument("--blocks", type=positive, default=start.blocks, help="residual blocks")
    what.add_argument(
        "--learning-rate",
        type=positive_real,
        default=DEFAULTS.learning_rate,
        help="of the network, at its highest",
    )
    what.add_argument(
        "--discriminator-learning-rate",
        type=positive_real,
        default=DEFAULTS.discriminator_learning_rate,
        help="at its highest",
    )
    what.add_argument("--seed", type=int, default=DEFAULTS.seed, help="of first weights and crops")
    add_device_option(what)
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    began = time.perf_counter()
    device = choose_device(arguments.device)
    out = files.output_folder(arguments.out)
    start = None if arguments.start is None else read_start(arguments.start)
    scale = arguments.scale if start is None else start.scale
    training, held_out = photographs.load_all(arguments.data, scale, arguments.crop)
    if arguments.crop < SMALLEST_CROP:
        raise files.InputError(
            f"--crop must be at least {SMALLEST_CROP}, the side of a patch of the texture term; "
            f"got {arguments.crop}"
        )
    perception = perception_of(arguments, held_out, device)
    if start is None:
        console.rule("the start: pixels alone")
        start = train_start(arguments, training, held_out, device, console)

    trainers: dict[str, Trainer] = {}
    results: dict[str, list[Result]] = {
        "bicubic": [bicubic_result(photograph, scale) for photograph in held_out]
    }
    for loss in LOSSES:
        console.rule(f"from there on: {NAMES[loss]}")
        trainer = Trainer(settings_from(arguments, loss), start, training, device)
        console.print(trainer.criterion, highlight=False, soft_wrap=True)
        train(trainer, console, held_out, perception, arguments)
        trainers[NAMES[loss]] = trainer
        results[NAMES[loss]] = [
            network_result(trainer.trained, photograph, scale, device) for photograph in held_out
        ]
    kept = {"settings": asdict(trainer.settings), "network": trainer.trained.state_dict()}
    files.write(out / "network.pt", lambda file: torch.save(kept, file))

    rows = [row(name, found, held_out, perception) for name, found in results.items()]
    title = (
        f"x{scale} super-resolution of held-out photographs, {arguments.steps} steps from one "
        "start; the perceptual distance is DISTS on the embedded network, which the GAN's content "
        "and texture terms look through too"
    )
    console.print(f"\n{title}\n", highlight=False)
    console.print(tables.terminal_table(COLUMNS, rows))
    written = tables.write_table(
        out,
        "table",
        title,
        COLUMNS,
        rows,
        {"settings": asdict(trainer.settings), **machine(device)},
    )
    pictures.draw(
        out / "panel.png",
        held_out,
        results,
        trainers,
        title=f"x{scale} super-resolution, pixels alone and with a discriminator",
        scale=scale,
    )
    for path in (out / "panel.png", out / "network.pt", *written):
        console.print(f"wrote {path}", soft_wrap=True)
    console.print(f"{time.perf_counter() - began:.0f} s")


def perception_of(
    arguments: argparse.Namespace, held_out: list[Photograph], device: torch.device
) -> Perception:
    """The perceptual distances.

    Raises:
        InputError: the weights of a network cannot be used.
    """
    try:
        perception = Perception(held_out, arguments.embedded_weights, device)
    except (RuntimeError, ValueError) as error:
        raise files.InputError(
            f"--embedded-weights {arguments.embedded_weights}: {error}"
        ) from error
    return perception


def read_start(path: Path) -> SuperResolver:
    """The network of a finished demo.

    Raises:
        InputError: the file does not exist or has other content.
    """
    state = checkpoints.read_any(path, option="--start")
    try:
        settings = state["settings"]
        network = SuperResolver(
            scale=settings["scale"], channels=settings["channels"], blocks=settings["blocks"]
        )
        network.load_state_dict(state["network"])
    except (KeyError, RuntimeError) as error:
        raise files.InputError(
            f"--start: {path} is not the network.pt of train_super_resolution.py"
        ) from error
    return network


def train_start(
    arguments: argparse.Namespace,
    training: list[Photograph],
    held_out: list[Photograph],
    device: torch.device,
    console: Console,
) -> SuperResolver:
    """The network that both runs start from, trained like the demo, on L1 alone."""
    same = {
        name: getattr(arguments, name)
        for name in ("scale", "batch", "crop", "channels", "blocks", "seed")
    }
    settings = pretraining.Settings(loss="l1", steps=arguments.start_steps, **same)
    trainer = pretraining.Trainer(settings, training, device)
    checkpoint = arguments.out / "start" / "checkpoint.pt"
    checkpoints.begin(trainer, console, checkpoint, resume=arguments.resume)
    command_line.train(
        trainer,
        console,
        lambda network: mean_psnr_y(network, held_out, settings.scale),
        checkpoint=checkpoint,
        checkpoint_every=arguments.checkpoint_every,
        scores=2,
    )
    return trainer.trained


def settings_from(arguments: argparse.Namespace, loss: str) -> Settings:
    return Settings(
        loss=loss,
        **{
            field.name: getattr(arguments, field.name)
            for field in fields(Settings)
            if field.name != "loss"
        },
    )


def train(
    trainer: Trainer,
    console: Console,
    held_out: list[Photograph],
    perception: Perception,
    arguments: argparse.Namespace,
) -> None:
    """To the end, under a progress bar, with a line of text at each score."""
    checkpoint = arguments.out / trainer.settings.loss / "checkpoint.pt"
    resume = arguments.resume and checkpoint.exists()
    checkpoints.begin(trainer, console, checkpoint, resume=resume)

    def score(network: nn.Module) -> Scores:
        images = [super_resolve(network, photograph, trainer.device) for photograph in held_out]
        scores = Scores(
            mean_psnr_y_of(images, held_out, trainer.sampler.scale), perception.structure(images)
        )
        at = f"{trainer.step:>{len(str(trainer.settings.steps))}}"
        console.print(
            f"step {at}  held-out PSNR-Y {scores.psnr_y:.2f} dB, perceptual distance "
            f"{scores.distance:.4f}",
            highlight=False,
        )
        return scores

    with TrainingBar(console, steps=trainer.settings.steps, first_step=trainer.step) as bar:
        trainer.run(
            on_report=lambda values: bar.show(trainer.step, values),
            score=score,
            score_every=max(1, trainer.settings.steps // 4),
            checkpoint=checkpoint,
            checkpoint_every=arguments.checkpoint_every,
        )


def row(
    name: str, results: list[Result], held_out: list[Photograph], perception: Perception
) -> tables.Row:
    """The means over the held-out photographs."""
    mean = mean_scores([result.scores for result in results])
    ratios = [
        gradient_ratio(result.image, photograph.truth)
        for result, photograph in zip(results, held_out, strict=True)
    ]
    return {
        "network": name,
        "psnr_y": mean.psnr_y,
        "ssim": mean.ssim,
        "gradient": sum(ratios) / len(ratios),
        **perception.distances(results),
    }


if __name__ == "__main__":
    main()
