"""The second training: from the same weights with one of two losses, everything else equal. It
continues exactly after a kill.

Every step draws its crops from a generator seeded by seed and step, so that both losses see the
same crops, and a checkpoint needs no random state.
"""

import copy
import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from runs import checkpoints
from runs.files import InputError
from runs.learning_rate import learning_rate_factor, set_learning_rate
from runs.values import History, Unread
from super_resolution.network import SuperResolver
from super_resolution.photographs import PatchSampler, Photograph, fingerprint
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from srgan import losses
from srgan.discriminator import Discriminator
from srgan.losses import adversarial_loss
from ssimloss import AdversarialLoss, CombinedLoss

REPORT_EVERY = 10
AVERAGE_DECAY = 0.99
BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Settings:
    """All settings that affect the result; a run resumes only with the settings it began with."""

    loss: str = "gan"  # or "pixel"
    steps: int = 400
    batch: int = 16
    crop: int = 48  # pixels of the truth
    learning_rate: float = 5e-4
    discriminator_learning_rate: float = 2e-4
    embedded_weights: str = "embedded"
    seed: int = 0


@dataclass
class Scores:
    """On the held-out photographs: mean PSNR-Y in dB, and mean perceptual distance."""

    psnr_y: float
    distance: float


class Trainer:
    """A copy of the start and its moving average, a discriminator if the loss has one, and
    everything needed to train them further.
    """

    def __init__(
        self,
        settings: Settings,
        start: SuperResolver,
        photographs: Sequence[Photograph],
        device: torch.device,
        *,
        criterion: tuple[CombinedLoss, AdversarialLoss] | None = None,
    ) -> None:
        """``criterion``, with the adversarial loss within it, takes the place of the one that
        ``settings.loss`` names.
        """
        torch.manual_seed(settings.seed)
        self.settings, self.device = settings, device
        self.network = copy.deepcopy(start).to(device, memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY))
        if criterion is None:
            self.adversarial = adversarial_loss()
            made = losses.criterion(settings.loss, self.adversarial, settings.embedded_weights)
        else:
            made, self.adversarial = criterion
        self.criterion = made.to(device)
        # Parameters of the criterion that a strategy trains; most criteria have none.
        trained = [*self.network.parameters(), *self.criterion.parameters()]
        self.optimizer = torch.optim.Adam(trained, betas=BETAS)
        self.discriminator: nn.Module | None = None
        if settings.loss == "gan":
            self.discriminator = Discriminator().to(device, memory_format=torch.channels_last)
            self.discriminator_optimizer = torch.optim.Adam(
                self.discriminator.parameters(), betas=BETAS
            )
        self.sampler = PatchSampler(
            photographs, scale=start.scale, crop=settings.crop, batch=settings.batch, seed=0
        )
        self.data = f"{fingerprint(photographs)} {_fingerprint(start)}"
        self.step = 0
        self.history, self.distances = History(), History()
        self._unread = Unread()

    def run(
        self,
        *,
        on_report: Callable[[dict[str, float]], None],
        score: Callable[[nn.Module], Scores],
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
            self._train_step()
            last = self.step == self.settings.steps
            checkpoint_due = last or self.step % checkpoint_every == 0
            if checkpoint_due or self.step % REPORT_EVERY == 0:
                values = self._unread.read(self.step, self._weights())
                self.history.add_terms(self.step, values)
                on_report(values)
            if last or self.step % score_every == 0:
                self._score(score)
            if checkpoint_due:
                self.save(checkpoint)

    def _train_step(self) -> None:
        self.sampler.generator.manual_seed(1_000_003 * self.settings.seed + self.step)
        factor = learning_rate_factor(self.step / self.settings.steps)
        set_learning_rate(self.optimizer, self.settings.learning_rate * factor)
        low, truth = (
            images.to(self.device, memory_format=torch.channels_last)
            for images in self.sampler.draw()
        )
        pred = self.network(low)

        values: dict[str, Tensor] = {}
        logits: dict[str, Tensor] = {}
        if self.discriminator is not None:
            set_learning_rate(
                self.discriminator_optimizer, self.settings.discriminator_learning_rate * factor
            )
            values["discriminator"] = self.adversarial.discriminator_loss(
                self.discriminator(truth), self.discriminator(pred.detach())
            )
            self.discriminator_optimizer.zero_grad(set_to_none=True)
            values["discriminator"].backward()
            self.discriminator_optimizer.step()
            self.discriminator.requires_grad_(False)
            with torch.no_grad():
                real_logits = self.discriminator(truth)
            logits = {"fake_logits": self.discriminator(pred), "real_logits": real_logits}

        loss = self.criterion(pred, truth, **logits)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if self.discriminator is not None:
            self.discriminator.requires_grad_(True)
        self.average.update_parameters(self.network)
        self._unread.add({**self.criterion.last.values, **values})
        self.step += 1

    def _weights(self) -> list[Tensor]:
        return [
            *self.network.parameters(),
            *(self.discriminator.parameters() if self.discriminator is not None else ()),
        ]

    def _score(self, score: Callable[[nn.Module], Scores]) -> None:
        scores = score(self.trained)
        self.history.add_score(self.step, scores.psnr_y)
        self.distances.add_score(self.step, scores.distance)

    @property
    def trained(self) -> nn.Module:
        """The network to use: the moving average of the weights."""
        return self.average.module

    def save(self, path: Path) -> None:
        """Write everything that ``load`` needs to continue exactly."""
        state = {
            "data": self.data,
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "criterion": self.criterion.state_dict(),
            "history": dataclasses.asdict(self.history),
            "distances": dataclasses.asdict(self.distances),
        }
        if self.discriminator is not None:
            state["discriminator"] = self.discriminator.state_dict()
            state["discriminator_optimizer"] = self.discriminator_optimizer.state_dict()
        checkpoints.write(path, self.settings, state)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint of the same settings, start and photographs.

        Raises:
            InputError: there is no checkpoint, it cannot be read, or it belongs to another run.
        """
        state = checkpoints.read(path, self.settings)
        if state["data"] != self.data:
            raise InputError(
                f"--resume: {path} is of another start or other photographs; give its --start and "
                "--data, or leave out --resume"
            )
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.criterion.load_state_dict(state["criterion"])
        self.history, self.distances = History(**state["history"]), History(**state["distances"])
        if self.discriminator is not None:
            self.discriminator.load_state_dict(state["discriminator"])
            self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])


def _fingerprint(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for weight in network.state_dict().values():
        digest.update(weight.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
