"""The training loop: settings, checkpoints that continue exactly, and values that are read without
stopping the device.

Nothing in a step waits for the device. The values of the terms stay tensors and are read together
every ``REPORT_EVERY`` steps. Only then the display changes, values that are not finite are
detected, and checkpoints are written.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from runs import checkpoints
from runs.files import InputError
from runs.learning_rate import learning_rate_factor, set_learning_rate
from runs.values import History, Unread
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import ssimloss
from ssimloss import CombinedLoss
from super_resolution.losses import criterion_of
from super_resolution.network import SuperResolver
from super_resolution.photographs import PatchSampler, Photograph, fingerprint

REPORT_EVERY = 20
AVERAGE_DECAY = 0.998  # per step, of the moving average of the weights that is evaluated


@dataclass(frozen=True)
class Settings:
    """All settings that affect the result; a run resumes only with the settings it began with."""

    scale: int = 2
    loss: str = "combined"
    steps: int = 1500
    batch: int = 16
    crop: int = 48  # pixels of the truth
    channels: int = 32
    blocks: int = 4
    learning_rate: float = 2e-3
    seed: int = 0
    amp: str = "off"  # or "bf16", "fp16"


class Trainer:
    """A network, its moving average, and everything needed to train it further."""

    def __init__(
        self,
        settings: Settings,
        photographs: Sequence[Photograph],
        device: torch.device,
        *,
        compiled: bool = False,
        diagnose_every: int | None = None,
        criterion: CombinedLoss | None = None,
    ) -> None:
        """``criterion`` takes the place of the one that ``settings.loss`` names."""
        torch.manual_seed(settings.seed)
        self.settings, self.device = settings, device
        network = SuperResolver(
            scale=settings.scale, channels=settings.channels, blocks=settings.blocks
        )
        self.network = network.to(device, memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY))
        if criterion is None:
            options = {} if diagnose_every is None else {"diagnose_every": diagnose_every}
            criterion = criterion_of(settings.loss, **options)
        self.criterion = criterion.to(device)
        # Parameters of the criterion that a strategy trains; most criteria have none.
        trained = [*self.network.parameters(), *self.criterion.parameters()]
        self.optimizer = torch.optim.Adam(trained, lr=settings.learning_rate)
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.amp == "fp16")
        self.sampler = PatchSampler(
            photographs,
            scale=settings.scale,
            crop=settings.crop,
            batch=settings.batch,
            seed=settings.seed,
        )
        self.photographs = fingerprint(photographs)
        self.forward: Callable[[Tensor], Tensor] = (
            torch.compile(self.network) if compiled else self.network
        )
        self.step = 0
        self.history = History()
        self.curves = ssimloss.History()  # of the terms: values, weights, shares of the gradient
        self._unread = Unread()

    def run(
        self,
        *,
        on_report: Callable[[dict[str, float]], None],
        score: Callable[[nn.Module], float],
        score_every: int,
        checkpoint: Path,
        checkpoint_every: int,
    ) -> None:
        """Train to the last step; write ``checkpoint`` before the first step, every
        ``checkpoint_every`` steps, and after the last.
        """
        if self.step == 0:
            self._score(score)
            self.save(checkpoint)
        while self.step < self.settings.steps:
            self.train_step()
            last = self.step == self.settings.steps
            checkpoint_due = last or self.step % checkpoint_every == 0
            if last or self.step % score_every == 0:
                self._score(score)
            if checkpoint_due or self.step % REPORT_EVERY == 0:
                values = self._read_values()
                if checkpoint_due:
                    self.save(checkpoint)
                on_report(values)

    def train_step(self) -> None:
        set_learning_rate(
            self.optimizer,
            self.settings.learning_rate * learning_rate_factor(self.step / self.settings.steps),
        )
        low, truth = (
            images.to(self.device, memory_format=torch.channels_last, non_blocking=True)
            for images in self.sampler.draw()
        )
        dtype = torch.float16 if self.settings.amp == "fp16" else torch.bfloat16
        with torch.autocast(self.device.type, dtype, enabled=self.settings.amp != "off"):
            pred = self.forward(low)
        loss = self.criterion(pred.float(), truth)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update_parameters(self.network)
        self._unread.add(self.criterion.last.values)
        self.step += 1

    def _read_values(self) -> dict[str, float]:
        """The mean of each term since the last report, read from the device at once and checked."""
        self.curves.add(self.criterion)
        means = self._unread.read(self.step, self.network.parameters())
        self.history.add_terms(self.step, means)
        return means

    def _score(self, score: Callable[[nn.Module], float]) -> None:
        self.history.add_score(self.step, score(self.trained))

    @property
    def trained(self) -> nn.Module:
        """The network to use: the moving average of the weights."""
        return self.average.module

    def save(self, path: Path) -> None:
        """Write everything that ``load`` needs to continue exactly.

        The learning rate is not in it: it is a function of the step.
        """
        state = {
            "photographs": self.photographs,
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "criterion": self.criterion.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "sampler": self.sampler.state_dict(),
            "random": {"cpu": torch.get_rng_state()},
            "history": dataclasses.asdict(self.history),
            "curves": self.curves.state_dict(),
        }
        if self.device.type == "cuda":
            state["random"]["cuda"] = torch.cuda.get_rng_state(self.device)
        checkpoints.write(path, self.settings, state)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint of the same settings and photographs.

        Raises:
            InputError: there is no checkpoint, it cannot be read, or it belongs to other settings
                or photographs.
        """
        state = checkpoints.read(path, self.settings)
        if state["photographs"] != self.photographs:
            raise InputError(
                f"--resume: {path} is of other training photographs; give its --data, or leave "
                "out --resume"
            )
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.criterion.load_state_dict(state["criterion"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.sampler.load_state_dict(state["sampler"])
        self.history = History(**state["history"])
        self.curves.load_state_dict(state["curves"])
        torch.set_rng_state(state["random"]["cpu"])
        if self.device.type == "cuda" and "cuda" in state["random"]:
            torch.cuda.set_rng_state(state["random"]["cuda"], self.device)


def choose_amp(word: str, device: torch.device) -> str:
    """``auto`` is bfloat16 where the device computes in it, else float16 with a gradient scaler."""
    if word == "auto":
        return "fp16" if device.type == "cuda" and not torch.cuda.is_bf16_supported() else "bf16"
    if word == "fp16" and device.type == "cpu":
        raise InputError("--amp fp16 needs CUDA; on a CPU use --amp bf16")
    return word
