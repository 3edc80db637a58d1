"""The networks of CycleGAN (Zhu et al. 2017), small: a residual generator and a discriminator of
patches.

They have no instance normalisation: it would remove the brightness of a crop, which distinguishes
dusk from day. They have no skip connection from input to output: an untrained generator keeps
nothing of the image.
"""

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """``x + conv(relu(conv(x)))``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")
        self.second = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x)))


class Generator(nn.Module):
    """``(N, 3, H, W)`` in [-1, 1] to the same; sides divisible by 2."""

    def __init__(self, *, width: int, blocks: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 5, padding=2, padding_mode="reflect"),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.ReLU(),
            *(ResidualBlock(2 * width) for _ in range(blocks)),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1, padding_mode="reflect"),
            nn.PixelShuffle(2),
            nn.ReLU(),
            nn.Conv2d(width, 3, 5, padding=2, padding_mode="reflect"),
            nn.Tanh(),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class Discriminator(nn.Module):
    """``(N, 3, H, W)`` to logits ``(N, 1, H / 4 - 1, W / 4 - 1)``, each of a patch of 22 pixels."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 4, padding=1),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class ImagePool:
    """A pool of earlier generated images, which replace half of the new ones for a discriminator
    (Shrivastava et al. 2017).

    It consists of two tensors, so that a checkpoint can store it.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.images: Tensor | None = None

    def exchange(self, images: Tensor, random: torch.Generator) -> Tensor:
        """As many images as were passed, without a gradient; the pool is filled first."""
        images = images.detach()
        if self.images is None:
            self.images = images[:0]
        shown = []
        for image in images:
            if len(self.images) < self.capacity:
                self.images = torch.cat([self.images, image[None]])
                shown.append(image)
                continue
            old, place = torch.rand(2, generator=random).tolist()
            if old < 0.5:
                index = int(place * self.capacity)
                shown.append(self.images[index].clone())
                self.images[index] = image
            else:
                shown.append(image)
        return torch.stack(shown)
