"""The training loop: settings, checkpoints that continue exactly, and the final weights.

Every step draws its batch from a generator seeded by seed and step, so that a checkpoint needs no
random state.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from runs import checkpoints
from runs.files import InputError
from runs.learning_rate import learning_rate_factor, set_learning_rate
from runs.values import NonFiniteError
from torch import Generator, Tensor, nn

from embedded_network import photographs
from embedded_network.objectives import Objectives
from embedded_network.pictures import VALIDATION, Pictures
from ssimloss.networks import embedded_network

WEIGHTS = {"ranking": 1.0, "belonging": 1.0, "kind": 0.1, "strength": 0.5}  # of the objectives
LARGEST_GRADIENT = 5.0  # largest norm of the gradient
SIDE = 160  # of the drawn pictures
SELDOM = 0.1  # of the mean of all channels: one that fires less is not made larger beyond that
SCORE_BATCHES = 12  # drawn from steps that training never reaches


@dataclass(frozen=True)
class Settings:
    """All settings that affect the result; a run resumes only with the settings it began with."""

    steps: int = 2000
    crops: int = 8  # per step, that are distorted
    pairs: int = 24  # per step, of crops of one picture
    crop: int = 64
    drawings: int = 900
    learning_rate: float = 1e-3
    seed: int = 0
    validation: bool = False  # leave some photographs out of the training, and score on those


@dataclass
class Progress:
    """Step, and the means of all values since the last report."""

    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def add(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            number = value.item()
            if not math.isfinite(number):
                raise NonFiniteError(f"step {self.step}: {name} is not finite")
            self.sums[name] = self.sums.get(name, 0.0) + number
        self.count += 1

    def take(self) -> dict[str, float]:
        means = {name: total / self.count for name, total in self.sums.items()}
        self.sums, self.count = {}, 0
        return means


class Trainer:
    """The network, its objectives, and everything needed to train it further."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        names = [
            name
            for name in photographs.TRAINING
            if not (settings.validation and name in VALIDATION)
        ]
        self.pictures = Pictures(names, drawings=settings.drawings, side=SIDE, seed=settings.seed)
        self.scored = self.pictures
        if settings.validation:
            self.scored = Pictures(
                VALIDATION, drawings=settings.drawings // 10, side=SIDE, seed=settings.seed + 1
            )
        torch.manual_seed(settings.seed)
        self.network = embedded_network().to(memory_format=torch.channels_last)
        self.objectives = Objectives()
        self.optimizer = torch.optim.AdamW(
            [*self.network.parameters(), *self.objectives.parameters()], weight_decay=1e-4
        )
        self.progress = Progress()
        self.before = self.score()

    def run(
        self,
        *,
        on_report: Callable[[dict[str, float]], None],
        report_every: int,
        checkpoint: Path,
        checkpoint_every: int,
    ) -> None:
        """Train to the last step; write ``checkpoint`` before the first step, every
        ``checkpoint_every`` steps, and after the last.
        """
        if self.progress.step == 0:
            self.save(checkpoint)
        while self.progress.step < self.settings.steps:
            self._train_step()
            last = self.progress.step == self.settings.steps
            if last or self.progress.step % checkpoint_every == 0:
                self.save(checkpoint)
            if last or self.progress.step % report_every == 0:
                on_report(self.progress.take())

    def _train_step(self) -> None:
        set_learning_rate(
            self.optimizer,
            self.settings.learning_rate
            * learning_rate_factor(self.progress.step / self.settings.steps),
        )
        values = self._values(self.pictures, self.progress.step)
        loss = torch.stack([weight * values[name] for name, weight in WEIGHTS.items()]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(
            self.network.parameters(), LARGEST_GRADIENT, error_if_nonfinite=True
        )
        self.optimizer.step()
        self.progress.step += 1
        self.progress.add(values)

    def _values(self, pictures: Pictures, step: int) -> dict[str, Tensor]:
        generator = Generator().manual_seed(1_000_003 * self.settings.seed + step)
        batch = pictures.batch(
            generator, crops=self.settings.crops, pairs=self.settings.pairs, crop=self.settings.crop
        )
        return self.objectives(self.network, batch, generator)

    @torch.no_grad()
    def score(self) -> dict[str, float]:
        """How often each order is right, on pictures that are drawn for this only."""
        found = [self._values(self.scored, 900_000 + index) for index in range(SCORE_BATCHES)]
        return {
            name.removeprefix("right: "): torch.stack([values[name] for values in found])
            .mean()
            .item()
            for name in found[0]
            if name.startswith("right: ")
        }

    @torch.no_grad()
    def trained(self) -> dict[str, Tensor]:
        """The weights to keep, in half precision: scaled so that every channel after a ReLU is 1 on
        average (as Gatys et al. 2015 did VGG).

        The network computes the same but for these scales; with them Gram matrices and differences
        weigh all channels alike.
        """
        generator = Generator().manual_seed(1_000_003 * self.settings.seed + 800_000)
        images = self.pictures.batch(generator, crops=64, pairs=1, crop=SIDE // 2).crops
        mean, std = (
            torch.tensor(values).view(1, 3, 1, 1)
            for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        )
        features = (images - mean) / std
        scaled: dict[str, Tensor] = {}
        scale = torch.ones(3)  # of the channels that come in
        for name, module in self.network.named_children():
            before, features = scale, module(features)
            if isinstance(module, nn.Conv2d):
                means = features.relu().mean((0, 2, 3))
                scale = 1 / means.clamp(min=SELDOM * means.mean())
                scaled[f"{name}.weight"] = (
                    module.weight * scale.view(-1, 1, 1, 1) / before.view(1, -1, 1, 1)
                )
                scaled[f"{name}.bias"] = module.bias * scale
        return {name: weight.half().contiguous() for name, weight in scaled.items()}

    def save(self, path: Path) -> None:
        """Write everything that ``load`` needs to continue exactly."""
        state = {
            "pictures": self.pictures.fingerprint(),
            "network": self.network.state_dict(),
            "objectives": self.objectives.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": dataclasses.asdict(self.progress),
        }
        checkpoints.write(path, self.settings, state)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint of the same settings and pictures.

        Raises:
            InputError: there is no checkpoint, it cannot be read, or it belongs to another run.
        """
        state = checkpoints.read(path, self.settings)
        if state["pictures"] != self.pictures.fingerprint():
            raise InputError(
                f"--resume: {path} is of other photographs: other versions of scikit-image or "
                "scikit-learn; leave out --resume"
            )
        self.network.load_state_dict(state["network"])
        self.objectives.load_state_dict(state["objectives"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
