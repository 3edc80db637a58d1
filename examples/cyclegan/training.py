"""One training: two generators, two discriminators, and checkpoints that continue exactly.

Every step draws its crops from a generator seeded by seed and step, so that a checkpoint needs no
random state.
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
from super_resolution.photographs import Photograph, fingerprint
from torch import Tensor, nn

from cyclegan.domains import DOMAINS, Crops
from cyclegan.networks import Discriminator, Generator, ImagePool
from ssimloss import AdversarialLoss, CombinedLoss, CycleConsistencyLoss, Term, conventions

REPORT_EVERY = 20
INTO = {"day": "dusk", "dusk": "day"}  # the domain that the generator of a domain translates to


@dataclass(frozen=True)
class Settings:
    """All settings that affect the result; a run resumes only with the settings it began with."""

    steps: int = 2000
    batch: int = 4
    crop: int = 32
    width: int = 16
    blocks: int = 3
    pool: int = 50
    cycle: float = 10.0  # weight of the cycle term; the adversarial loss has weight 1
    identity: float = 0.5  # of the identity term, relative to it
    learning_rate: float = 1e-3
    seed: int = 0


class Trainer:
    """Generators (by the domain they start from), discriminators (by the domain they know), and
    everything needed to train them further.
    """

    def __init__(
        self, settings: Settings, photographs: Sequence[Photograph], device: torch.device
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.device = settings, device
        self.generators = nn.ModuleDict(
            {domain: Generator(width=settings.width, blocks=settings.blocks) for domain in DOMAINS}
        )
        self.discriminators = nn.ModuleDict(
            {domain: Discriminator(width=settings.width) for domain in DOMAINS}
        )
        for networks in (self.generators, self.discriminators):
            networks.to(device, memory_format=torch.channels_last)
        # Of the two discriminators.
        adversarial = AdversarialLoss(**{**conventions.ADVERSARIAL["cyclegan"], "scales": "sum"})
        self.discriminator_loss = adversarial.discriminator_loss
        self.criterion = CombinedLoss(
            adversarial=Term(adversarial.generator_loss, 1.0, inputs=("fake_logits",)),
            cycle=Term(
                CycleConsistencyLoss(identity_weight=settings.identity),
                settings.cycle,
                inputs=("back", "real", "identity"),
            ),
        )
        self.optimizers = {
            name: torch.optim.Adam(
                networks.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999)
            )
            for name, networks in (
                ("generators", self.generators),
                ("discriminators", self.discriminators),
            )
        }
        self.crops = Crops(photographs, crop=settings.crop, batch=settings.batch)
        self.pools = {domain: ImagePool(settings.pool) for domain in DOMAINS}
        self.photographs = fingerprint(photographs)
        self.step = 0
        self.history = History()
        self._unread = Unread()

    def run(
        self,
        *,
        on_report: Callable[[dict[str, float]], None],
        score: Callable[[nn.ModuleDict], float],
        score_every: int,
        checkpoint: Path,
        checkpoint_every: int,
    ) -> None:
        """Train to the last step; write ``checkpoint`` before the first step, every
        ``checkpoint_every`` steps, and after the last.
        """
        if self.step == 0:
            self.history.add_score(0, score(self.generators))
            self.save(checkpoint)
        while self.step < self.settings.steps:
            self._train_step()
            last = self.step == self.settings.steps
            checkpoint_due = last or self.step % checkpoint_every == 0
            if last or self.step % score_every == 0:
                self.history.add_score(self.step, score(self.generators))
            if checkpoint_due or self.step % REPORT_EVERY == 0:
                values = self._unread.read(
                    self.step, [*self.generators.parameters(), *self.discriminators.parameters()]
                )
                self.history.add_terms(self.step, values)
                if checkpoint_due:
                    self.save(checkpoint)
                on_report(values)

    def _train_step(self) -> None:
        for optimizer in self.optimizers.values():
            set_learning_rate(
                optimizer,
                self.settings.learning_rate * learning_rate_factor(self.step / self.settings.steps),
            )
        random = torch.Generator().manual_seed(1_000_003 * self.settings.seed + self.step)
        real = {
            domain: self.crops.draw(domain, random).to(
                self.device, memory_format=torch.channels_last, non_blocking=True
            )
            for domain in DOMAINS
        }

        self.discriminators.requires_grad_(False)
        fake, same = {}, {}
        for domain, network in self.generators.items():
            # Both in one pass: images to translate, and images that are in the output domain
            # already and should not change.
            fake[INTO[domain]], same[INTO[domain]] = network(
                torch.cat([real[domain], real[INTO[domain]]])
            ).chunk(2)
        back = {domain: self.generators[INTO[domain]](fake[INTO[domain]]) for domain in DOMAINS}
        loss = self.criterion(
            fake_logits=[self.discriminators[domain](fake[domain]) for domain in DOMAINS],
            back=[back[domain] for domain in DOMAINS],
            real=[real[domain] for domain in DOMAINS],
            identity=[same[domain] for domain in DOMAINS],
        )
        self._descend("generators", loss)
        self.discriminators.requires_grad_(True)

        shown = {domain: self.pools[domain].exchange(fake[domain], random) for domain in DOMAINS}
        discriminator = self.discriminator_loss(
            *[[self.discriminators[d](images[d]) for d in DOMAINS] for images in (real, shown)]
        )
        self._descend("discriminators", discriminator)
        self._unread.add({**self.criterion.last.values, "discriminator": discriminator})
        self.step += 1

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()

    def save(self, path: Path) -> None:
        """Write everything that ``load`` needs to continue exactly."""
        state = {
            "photographs": self.photographs,
            "step": self.step,
            "generators": self.generators.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "criterion": self.criterion.state_dict(),
            "optimizers": {
                name: optimizer.state_dict() for name, optimizer in self.optimizers.items()
            },
            "pools": {domain: pool.images for domain, pool in self.pools.items()},
            "history": dataclasses.asdict(self.history),
        }
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
        self.generators.load_state_dict(state["generators"])
        self.discriminators.load_state_dict(state["discriminators"])
        self.criterion.load_state_dict(state["criterion"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        for domain, images in state["pools"].items():
            self.pools[domain].images = images if images is None else images.to(self.device)
        self.history = History(**state["history"])
