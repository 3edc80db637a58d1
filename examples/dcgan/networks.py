"""Generator and discriminator of DCGAN (Radford et al. 2016), and a classifier, for images of 8 to
64 pixels a side.

The discriminator has no batch normalization, because penalties need the gradient of each image
alone (Gulrajani et al. 2017, section 4).
"""

import itertools
import math

import torch
from torch import Tensor, nn


def halvings(side: int) -> int:
    """How often a side is halved until it is 2."""
    return int(math.log2(side)) - 1


class Generator(nn.Module):
    """Latents ``(N, latent)`` to images ``(N, channels, side, side)`` in [-1, 1]: transposed
    convolutions from 2x2 on.
    """

    def __init__(self, *, side: int, channels: int, latent: int, width: int) -> None:
        super().__init__()
        doublings = halvings(side)
        widths = [width * 2 ** max(0, doublings - 1 - i) for i in range(doublings + 1)]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent, widths[0], 2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        for wide, narrow in itertools.pairwise(widths):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
            ]
        layers += [nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor) -> Tensor:
        return self.layers(latents[..., None, None])


class Discriminator(nn.Module):
    """Images to logits ``(N,)``: strided convolutions down to 2x2."""

    def __init__(self, *, side: int, channels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.2)]
        for i in range(halvings(side)):
            layers += [
                nn.Conv2d(width * 2**i, width * 2 ** (i + 1), 4, stride=2, padding=1),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(4 * width * 2 ** halvings(side), 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)[:, 0]


class Classifier(nn.Module):
    """Images to logits ``(N, classes)``; ``features`` are the 64 values from which
    they are made.
    """

    def __init__(self, *, channels: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(16 * 64, 64),
            nn.ReLU(),
        )
        self.answer = nn.Linear(64, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.answer(self.features(images))


@torch.no_grad()
def begin_as_dcgan(network: nn.Module) -> None:
    """Weights from N(0, 0.02), scales of normalizations from N(1, 0.02), biases 0, as
    in the paper.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)
