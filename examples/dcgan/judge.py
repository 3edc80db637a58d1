"""Scores of samples: a small classifier trained on the real images, and three values computed from
it.

Frechet distance (Heusel et al. 2017) and Inception score (Salimans et al. 2016) use its features
and predictions, not those of Inception: they compare these generators only, not published ones.
"""

from dataclasses import dataclass

import torch
from runs.learning_rate import learning_rate_factor, set_learning_rate
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dcgan.images import Images
from dcgan.networks import Classifier
from ssimloss.metrics import frechet_distance, inception_score

BATCH, LEARNING_RATE = 64, 2e-3
COVERED = 0.02  # the least share of samples for a class to count as covered


@dataclass(frozen=True)
class Scores:
    """``frechet`` is the distance to the training images; ``covered`` is the number of classes that
    at least 2 % of samples belong to.
    """

    frechet: float
    score: float
    score_deviation: float
    covered: int


class Judge:
    """The trained classifier with the real images' features."""

    def __init__(self, images: Images, *, steps: int, seed: int, device: torch.device) -> None:
        self.device, self.classes = device, len(images.classes)
        # The classifier has its own seed, which does not affect the runs.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Classifier(channels=images.training.shape[1], classes=self.classes)
        self.network = (
            _trained(network.to(device), images, steps=steps, seed=seed, device=device)
            .eval()
            .requires_grad_(False)
        )
        self.real_features, _ = self._looked_at(images.training)
        _, answers = self._looked_at(images.held_out)
        self.accuracy = (answers.argmax(1) == images.held_out_labels).double().mean().item()

    @property
    def samples(self) -> int:
        """The number of samples is that of the training images: the distance depends on it."""
        return len(self.real_features)

    def scores(self, images: Tensor) -> Scores:
        """Of images ``(N, C, side, side)`` in [-1, 1], in random order."""
        features, answers = self._looked_at(images)
        mean, deviation = inception_score(answers, splits=min(10, len(images)))
        shares = torch.bincount(answers.argmax(1), minlength=self.classes) / len(images)
        distance = frechet_distance(features, self.real_features)
        return Scores(
            distance.item(), mean.item(), deviation.item(), int((shares >= COVERED).sum())
        )

    @torch.no_grad()
    def _looked_at(self, images: Tensor) -> tuple[Tensor, Tensor]:
        parts = [self.network.features(part.to(self.device)) for part in images.split(512)]
        return torch.cat(parts).cpu(), torch.cat(
            [self.network.answer(part) for part in parts]
        ).cpu()


def _trained(
    network: nn.Module, images: Images, *, steps: int, seed: int, device: torch.device
) -> nn.Module:
    """Cross-entropy on random batches of the training images."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    for step in range(steps):
        set_learning_rate(optimizer, LEARNING_RATE * learning_rate_factor(step / steps))
        chosen = torch.randint(len(images.training), (BATCH,), generator=generator)
        loss = cross_entropy(
            network(images.training[chosen].to(device)), images.training_labels[chosen].to(device)
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return network
