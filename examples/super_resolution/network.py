"""A compact super-resolution network: it computes the residual over bicubic interpolation at low
resolution, and enlarges it with a pixel shuffle.

EDSR (Lim et al. 2017) without its width; the sub-pixel convolution is that of Shi et al. 2016.
"""

import torch
from torch import Tensor, nn

from super_resolution.photographs import enlarge


class ResidualBlock(nn.Module):
    """``x + conv(relu(conv(x)))``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x)))


class SuperResolver(nn.Module):
    """``(N, 3, h, w)`` to ``(N, 3, scale * h, scale * w)``, both in [0, 1]; untrained it is bicubic
    interpolation exactly.
    """

    def __init__(self, *, scale: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)

    def forward(self, low: Tensor) -> Tensor:
        features = torch.relu(self.head(low - 0.5))
        residual = nn.functional.pixel_shuffle(self.tail(self.body(features)), self.scale)
        return enlarge(low, self.scale) + residual
