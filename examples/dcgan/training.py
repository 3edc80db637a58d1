"""One training: two networks, the adversarial loss between them, and checkpoints that continue
exactly.

Every step draws its images and latents from a generator seeded by seed and step, so that a
checkpoint needs no random state. The generator that is scored is the moving average of the trained
one (Karras et al. 2018).
"""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from runs import checkpoints
from runs.files import InputError
from runs.values import History, NonFiniteError, Unread
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import ssimloss
import ssimloss.functional as F
from dcgan.images import Images
from dcgan.judge import Judge, Scores
from dcgan.networks import Discriminator, Generator, begin_as_dcgan

REPORT_EVERY = 20
AVERAGE_DECAY = 0.99
GRADIENT_PENALTY_WEIGHT = 10.0  # Gulrajani et al. 2017; wasserstein needs it
R1_WEIGHT = 0.1  # half of gamma (Mescheder et al. 2018)
# With softplus as in StyleGAN: without it, softplus is cross_entropy. With least_squares, which
# otherwise loses a class of the digits.
WITH_R1 = ("softplus", "least_squares")
KINDS = ("cross_entropy", "least_squares", "hinge", "wasserstein", "softplus")
SSIM_WINDOW = {"window_size": 5, "sigma": 1.0}  # fits the 8 pixels of a digit


@dataclass(frozen=True)
class Settings:
    """All settings that affect the result; a run resumes only with the settings it began with."""

    kind: str = "cross_entropy"
    relativistic: str | None = None
    ssim: float = 0.0  # weight of the term towards the nearest real image of the batch
    steps: int = 1500
    batch: int = 64
    latent: int = 32
    width: int = 24
    learning_rate: float = 1e-3
    seed: int = 0

    @property
    def name(self) -> str:
        """Of the run: its folder, and its row in the table."""
        parts = [
            self.kind,
            self.relativistic and f"relativistic_{self.relativistic}",
            self.ssim and f"ssim_{self.ssim:g}",
        ]
        return "-".join(part for part in parts if part)


class Trainer:
    """Generator, its moving average, discriminator, and everything needed to train them further."""

    def __init__(
        self, settings: Settings, images: Images, judge: Judge, device: torch.device
    ) -> None:
        self.settings, self.images, self.judge, self.device = settings, images, judge, device
        torch.manual_seed(settings.seed)
        channels, side = images.training.shape[1:3]
        self.generator = Generator(
            side=side, channels=channels, latent=settings.latent, width=settings.width
        ).to(device)
        self.discriminator = Discriminator(side=side, channels=channels, width=settings.width).to(
            device
        )
        begin_as_dcgan(self.generator)
        self.average = AveragedModel(
            self.generator, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY)
        )
        self.adversarial = ssimloss.AdversarialLoss(settings.kind, settings.relativistic)
        self.ssim = ssimloss.SSIMLoss(data_range=(-1, 1), **SSIM_WINDOW)
        self.optimizers = {
            name: torch.optim.Adam(
                network.parameters(), lr=settings.learning_rate, betas=(0.5, 0.99)
            )
            for name, network in (
                ("generator", self.generator),
                ("discriminator", self.discriminator),
            )
        }
        self.training = images.training.to(device)
        self.step, self.seconds = 0, 0.0  # spent in steps, by all processes that trained this run
        self.history = History()
        self._unread = Unread()

    def run(
        self,
        *,
        on_report: Callable[[dict[str, float]], None],
        score_every: int,
        checkpoint: Path,
        checkpoint_every: int,
    ) -> None:
        """Train to the last step; write ``checkpoint`` before the first step, every
        ``checkpoint_every`` steps, and after the last.
        """
        if self.step == 0:
            self.history.add_score(0, self.scores().frechet)
            self.save(checkpoint)
        while self.step < self.settings.steps:
            began = time.perf_counter()
            self._train_step()
            self.seconds += time.perf_counter() - began
            last = self.step == self.settings.steps
            checkpoint_due = last or self.step % checkpoint_every == 0
            if last or checkpoint_due or self.step % REPORT_EVERY == 0:
                values = self._unread.read(
                    self.step, [*self.generator.parameters(), *self.discriminator.parameters()]
                )
                self.history.add_terms(self.step, values)
                on_report(values)
            if last or self.step % score_every == 0:
                self.history.add_score(self.step, self.scores().frechet)
            if checkpoint_due:
                self.save(checkpoint)

    def _train_step(self) -> None:
        random = torch.Generator().manual_seed(1_000_003 * self.settings.seed + self.step)
        values: dict[str, Tensor] = {}

        real = self.training[
            torch.randint(len(self.training), (self.settings.batch,), generator=random).to(
                self.device
            )
        ]
        with torch.no_grad():
            fake = self.generator(self._latents(self.settings.batch, random))
        values["discriminator"] = self.adversarial.discriminator_loss(
            self.discriminator(real), self.discriminator(fake)
        )
        loss = values["discriminator"]
        if self.settings.kind == "wasserstein":
            values["penalty"] = F.gradient_penalty(self.discriminator, real, fake, rng=random)
            loss = loss + GRADIENT_PENALTY_WEIGHT * values["penalty"]
        if self.settings.kind in WITH_R1:
            values["penalty"] = F.r1_penalty(self.discriminator, real)
            loss = loss + R1_WEIGHT * values["penalty"]
        self._descend("discriminator", loss)

        self.discriminator.requires_grad_(False)
        fake = self.generator(self._latents(self.settings.batch, random))
        with torch.no_grad():
            real_logits = self.discriminator(real) if self.settings.relativistic else None
        values["generator"] = self.adversarial.generator_loss(
            self.discriminator(fake), real_logits=real_logits
        )
        loss = values["generator"]
        if self.settings.ssim:
            values["ssim"] = self.ssim(fake, nearest(fake, real))
            loss = loss + self.settings.ssim * values["ssim"]
        self._descend("generator", loss)
        self.discriminator.requires_grad_(True)

        self.average.update_parameters(self.generator)
        self._unread.add(values)
        self.step += 1

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()

    def _latents(self, count: int, random: torch.Generator) -> Tensor:
        return torch.randn(count, self.settings.latent, generator=random).to(self.device)

    @torch.no_grad()
    def samples(self, count: int) -> Tensor:
        """Images of the averaged generator, the same latents each time."""
        latents = self._latents(count, torch.Generator().manual_seed(self.settings.seed))
        generator: nn.Module = self.average.module.eval()
        return torch.cat([generator(part) for part in latents.split(512)])

    def scores(self) -> Scores:
        images = self.samples(self.judge.samples)
        if not images.isfinite().all():
            raise NonFiniteError(f"step {self.step}: samples of the generator are not finite")
        return self.judge.scores(images)

    def save(self, path: Path) -> None:
        """Write everything that ``load`` needs to continue exactly."""
        state = {
            "images": self.images.fingerprint(),
            "step": self.step,
            "seconds": self.seconds,
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": {
                name: optimizer.state_dict() for name, optimizer in self.optimizers.items()
            },
            "history": dataclasses.asdict(self.history),
        }
        checkpoints.write(path, self.settings, state)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint of the same settings and images.

        Raises:
            InputError: there is no checkpoint, it cannot be read, or it belongs to other settings
                or images.
        """
        state = checkpoints.read(path, self.settings)
        if state["images"] != self.images.fingerprint():
            raise InputError(
                f"--resume: {path} is of other images; give its --data and --side, or leave out "
                "--resume"
            )
        self.step, self.seconds = state["step"], state["seconds"]
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.history = History(**state["history"])


def nearest(fake: Tensor, real: Tensor) -> Tensor:
    """For each of ``fake`` the one of ``real`` with the smallest squared difference."""
    return real[torch.cdist(fake.detach().flatten(1), real.flatten(1)).argmin(1)]
