"""PSNR of held-out photographs: of reconstructions against the input, and of translations against
the true dusk or day.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import ssimloss.functional as F
from cyclegan.domains import DOMAINS
from cyclegan.training import INTO


@dataclass(frozen=True)
class Way:
    """From one domain to the other and back: images ``(N, 3, H, W)`` in [-1, 1], PSNR in dB, one
    per photograph.
    """

    there: Tensor
    back: Tensor
    cycle: list[float]  # of the reconstruction, against the input
    translation: list[float]  # of the translation, against the truth
    # Of the input, against that truth: the score of a generator that does nothing.
    nothing: list[float]


def psnr(pred: Tensor, target: Tensor) -> list[float]:
    return F.psnr(pred, target, data_range=(-1, 1), reduction="image").tolist()


@torch.no_grad()
def ways(
    generators: nn.ModuleDict, pairs: Mapping[str, Tensor], device: torch.device
) -> dict[str, Way]:
    """By the domain they start from."""
    found = {}
    for domain in DOMAINS:
        start, truth = pairs[domain], pairs[INTO[domain]]
        there = generators[domain](start.to(device, memory_format=torch.channels_last))
        back = generators[INTO[domain]](there).cpu().contiguous()
        there = there.cpu().contiguous()
        found[domain] = Way(there, back, psnr(back, start), psnr(there, truth), psnr(start, truth))
    return found


def mean_cycle(
    generators: nn.ModuleDict, pairs: Mapping[str, Tensor], device: torch.device
) -> float:
    """The mean PSNR of both reconstructions."""
    values = [value for way in ways(generators, pairs, device).values() for value in way.cycle]
    return sum(values) / len(values)
