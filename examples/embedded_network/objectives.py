"""The training objectives, which need no labels: the order of distances, which crops belong
together, and how an image was distorted.

The distance is the one that the network is used with: that of DISTS (Ding et al. 2020) with equal
weights, ``1 - (l + s) / 2`` in the mean over channels and layers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from embedded_network.pictures import Batch
from ssimloss.networks.embedded import EMBEDDED_LAYERS, STAGES
from ssimloss.study import distortions
from ssimloss.study.distortions import Distortion

C = 1e-6  # of l and s
CHANNELS = sum(widths[-1] for widths in STAGES)
TEMPERATURE, MARGIN = 0.1, 0.15  # of the logarithm of the ratio of two distances

# With the least and the greatest strength. The battery's motion blur, impulse noise, posterisation
# and sharpening are not among them.
KNOWN: dict[str, tuple[Distortion, float, float]] = {
    "brightness": (distortions.brightness, 0.02, 0.35),
    "contrast": (distortions.contrast, 0.08, 1.8),
    "colour cast": (distortions.colour_cast, 0.015, 0.25),
    "Gaussian blur": (distortions.gaussian_blur, 0.4, 4.0),
    "Gaussian noise": (distortions.gaussian_noise, 0.008, 0.2),
    "blocking": (distortions.blocking, 0.025, 0.6),
    "pixelation": (distortions.pixelation, 1.5, 16.0),
    "warp": (distortions.warp, 0.4, 9.0),
    "desaturation": (distortions.desaturation, 0.1, 1.0),
    "blotches": (distortions.low_frequency_noise, 0.01, 0.2),
    "grid lines": (distortions.grid_lines, 0.02, 0.4),
    "erasing": (distortions.erasing, 0.01, 0.3),
}
# Distortions that are more visible than a contrast stretch of equal error.
VISIBLE = ("Gaussian blur", "Gaussian noise", "blocking", "pixelation")
ORDER = (
    ("brightness", "contrast"),
    ("brightness", "visible 0"),
    ("brightness", "visible 1"),
    ("contrast", "visible 0"),
    ("contrast", "visible 1"),
    ("moved", "blurred"),
    ("weak", "strong"),
)
LADDER = 7  # strengths tried to reach an error


@dataclass(frozen=True)
class Statistics:
    """Of one layer: mean and variance ``(N, C)``, and what varies ``(N, C, H W)``."""

    mean: Tensor
    variance: Tensor
    centred: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Statistics":
        flat = features.flatten(2)
        mean = flat.mean(2)
        centred = flat - mean[..., None]
        return cls(mean, centred.square().mean(2), centred)

    def split(self, counts: Sequence[int]) -> list["Statistics"]:
        """Of the first so many images, of the next, and so on; unlike that of slices, the gradient
        of all is one copy.
        """
        parts = (tensor.split(list(counts)) for tensor in (self.mean, self.variance, self.centred))
        return [Statistics(*of) for of in zip(*parts, strict=True)]


def statistics(network: nn.Sequential, images: Tensor) -> list[Statistics]:
    """Of each of ``EMBEDDED_LAYERS``."""
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    features = ((images - mean) / std).contiguous(memory_format=torch.channels_last)
    found = []
    for name, module in network.named_children():
        features = module(features)
        if name in EMBEDDED_LAYERS:
            found.append(Statistics.of(features))
    return found


def similarities(a: Statistics, b: Statistics) -> tuple[Tensor, Tensor]:
    """``l`` and ``s`` of image i of ``a`` with image i of ``b``, ``(N, C)``."""
    texture = (2 * a.mean * b.mean + C) / (a.mean.square() + b.mean.square() + C)
    structure = (2 * (a.centred * b.centred).mean(2) + C) / (a.variance + b.variance + C)
    return texture, structure


def distance(a: list[Statistics], b: list[Statistics]) -> Tensor:
    """Of image i of ``a`` from image i of ``b``, ``(N,)``."""
    layers = [
        1 - (texture + structure).mean(1) / 2 for texture, structure in map(similarities, a, b)
    ]
    return torch.stack(layers).mean(0)


def all_distances(a: list[Statistics], b: list[Statistics]) -> Tensor:
    """Of every image of ``a`` from every image of ``b``, ``(N, M)``."""
    layers = []
    for x, y in zip(a, b, strict=True):
        texture = (2 * x.mean[:, None] * y.mean + C) / (
            x.mean[:, None].square() + y.mean.square() + C
        )
        covariance = torch.einsum("ncp,mcp->nmc", x.centred, y.centred) / x.centred.shape[2]
        structure = (2 * covariance + C) / (x.variance[:, None] + y.variance + C)
        layers.append(1 - (texture + structure).mean(2) / 2)
    return torch.stack(layers).mean(0)


class Objectives(nn.Module):
    """The losses, with the two linear maps and the scale that are needed for training only."""

    def __init__(self) -> None:
        super().__init__()
        self.standard = nn.LayerNorm(4 * CHANNELS, elementwise_affine=False)
        self.kind = nn.Linear(4 * CHANNELS, len(KNOWN))
        self.strength = nn.Linear(4 * CHANNELS, len(KNOWN))
        self.scale = nn.Parameter(torch.tensor(math.log(60.0)))

    def forward(
        self, network: nn.Sequential, batch: Batch, generator: Generator
    ) -> dict[str, Tensor]:
        """One loss of each objective, and how often orders and pairs are right."""
        changed, reached, kinds, strengths = candidates(batch, generator)
        pairs = len(batch.first)
        images = {"crops": batch.crops, **changed, "first": batch.first, "second": batch.second}
        layers = statistics(network, torch.cat(list(images.values())))
        parts = [layer.split([len(part) for part in images.values()]) for layer in layers]
        of = {name: [layer[index] for layer in parts] for index, name in enumerate(images)}

        distances = {name: distance(of["crops"], of[name]) for name in changed}
        # (orders, N)
        ratios = torch.stack(
            [(distances[far] + C).log() - (distances[near] + C).log() for near, far in ORDER]
        )
        valid = torch.stack([reached[near] & reached[far] for near, far in ORDER])
        ranking = softplus((MARGIN - ratios) / TEMPERATURE)
        right = {
            f"{near} < {far}": _mean(row > 0, mask)
            for (near, far), row, mask in zip(ORDER, ratios, valid, strict=True)
        }

        logits = -self.scale.exp() * all_distances(of["first"], of["second"])
        own = torch.arange(pairs)
        belonging = (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2
        nearer = (logits.diagonal()[:, None] > logits) | torch.eye(pairs, dtype=torch.bool)
        right["own < other"] = (nearer.sum() - pairs) / (pairs * (pairs - 1))

        described = torch.cat(
            [self._describe(of["crops"], of[name]) for name in ("weak", "strong")]
        )
        kinds = kinds.repeat(2)
        guessed = self.strength(described).gather(1, kinds[:, None])[:, 0]
        return {
            "ranking": _mean(ranking, valid),
            "belonging": belonging,
            "kind": cross_entropy(self.kind(described), kinds),
            "strength": (guessed - strengths).square().mean(),
            **{f"right: {name}": value.detach() for name, value in right.items()},
        }

    def _describe(self, a: list[Statistics], b: list[Statistics]) -> Tensor:
        """``l``, ``s`` and by what factor mean and variance grew, of every channel ``(N, 4 C)``."""
        described = []
        for x, y in zip(a, b, strict=True):
            grown = [
                ((p + 1e-4) / (q + 1e-4)).log()
                for p, q in ((y.mean, x.mean), (y.variance, x.variance))
            ]
            described += [*similarities(x, y), *grown]
        return self.standard(torch.cat(described, dim=1))


def candidates(
    batch: Batch, generator: Generator
) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor], Tensor, Tensor]:
    """What the crops are compared with, by the names of ``ORDER``; where each exists; the kind of
    distortion ``(N,)`` of weak and strong, and their strengths ``(2 N,)`` in parts of the range of
    the kind."""
    crops, count = batch.crops, len(batch.crops)
    seed = int(torch.randint(2**31, (1,), generator=generator))
    error = crops.std((1, 2, 3)) * 0.1 * 7 ** torch.rand(count, generator=generator)
    visible = [
        VISIBLE[index] for index in torch.randperm(len(VISIBLE), generator=generator)[:2].tolist()
    ]
    names = {
        "brightness": "brightness",
        "contrast": "contrast",
        "visible 0": visible[0],
        "visible 1": visible[1],
    }
    changed, reached = {}, {}
    for name, distortion in names.items():
        changed[name], reached[name] = at_error(distortion, crops, error, seed)
    changed["moved"], reached["moved"] = batch.moved, torch.ones(count, dtype=torch.bool)
    changed["blurred"], reached["blurred"] = at_error(
        "Gaussian blur", crops, _rms(batch.moved - crops), seed
    )

    kinds = torch.randint(len(KNOWN), (count,), generator=generator)
    strong = 0.15 + 0.85 * torch.rand(count, generator=generator)
    weak = strong - (0.1 + 0.25 * torch.rand(count, generator=generator)).minimum(strong)
    for name, part in (("weak", weak), ("strong", strong)):
        changed[name] = torch.empty_like(crops)
        reached[name] = torch.ones(count, dtype=torch.bool)
        for index, (change, least, most) in enumerate(KNOWN.values()):
            mine = kinds == index
            if mine.any():
                strength = least * (most / least) ** part[mine]
                changed[name][mine] = change(crops[mine], strength, Generator().manual_seed(seed))
    return (
        {name: images.clamp(0, 1) for name, images in changed.items()},
        reached,
        kinds,
        torch.cat([weak, strong]),
    )


def at_error(name: str, crops: Tensor, error: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """The weakest of some strengths that reaches the root mean squared error, scaled down to it,
    and whether one does ``(N,)``.
    """
    change, least, most = KNOWN[name]
    differences = []
    for step in range(LADDER):
        strength = torch.full((len(crops),), least * (most / least) ** (step / (LADDER - 1)))
        differences.append(change(crops, strength, Generator().manual_seed(seed)) - crops)
    errors = torch.stack([_rms(difference) for difference in differences])  # (LADDER, N)
    enough = errors >= error
    reached = enough.any(0) & (error > 1e-3)
    weakest = torch.where(reached, enough.int().argmax(0), LADDER - 1)
    images = torch.arange(len(crops))
    difference = torch.stack(differences)[weakest, images]
    scale = (error / errors[weakest, images].clamp(min=1e-6)).clamp(max=1)
    return crops + scale.view(-1, 1, 1, 1) * difference, reached


def _rms(difference: Tensor) -> Tensor:
    return difference.square().mean((1, 2, 3)).sqrt()


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    """Over what is valid; 0 where nothing is."""
    return (values * valid).sum() / valid.sum().clamp(min=1)
