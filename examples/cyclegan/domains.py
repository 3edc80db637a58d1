"""Two domains without pairs: photographs by day, and others at dusk.

Dusk is made from day by grading and blur, so the true translation of held-out photographs is known.
Training never uses it: each training photograph is cut into two halves, one for day and one for
dusk, so that no pixel is in both domains.
"""

from collections.abc import Sequence

import torch
from super_resolution.photographs import Photograph, to_float
from torch import Tensor

from ssimloss import filters

GAMMA = 1.3  # of the tone curve
LIGHT = (0.72, 0.52, 0.62)  # factors of red, green and blue
HAZE = (0.14, 0.06, 0.16)
BLUR = 1.0  # standard deviation in pixels
DOMAINS = ("day", "dusk")


def dusk(day: Tensor) -> Tensor:
    """Turn photographs ``(N, 3, H, W)`` in [0, 1] into dusk."""
    window = filters.make_window("gaussian", 7, BLUR, day)
    soft = filters.blur(filters.pad(day, 3, "replicate"), window).clamp(0, 1)
    light, haze = (
        torch.tensor(color, dtype=day.dtype, device=day.device).view(3, 1, 1)
        for color in (LIGHT, HAZE)
    )
    return soft**GAMMA * light + haze


def held_out_pairs(photographs: Sequence[Photograph], side: int) -> dict[str, Tensor]:
    """The middles of the held-out photographs by day and at dusk, ``(N, 3, side, side)`` in [-1,
    1]; ``side`` shrinks to the smallest.
    """
    side = (
        min(side, *(length for photograph in photographs for length in photograph.truth.shape[1:]))
        // 4
        * 4
    )
    middles = []
    for photograph in photographs:
        top, left = ((length - side) // 2 for length in photograph.truth.shape[1:])
        middles.append(photograph.truth[:, top : top + side, left : left + side])
    day = to_float(torch.stack(middles))
    return {"day": day * 2 - 1, "dusk": dusk(day) * 2 - 1}


class Crops:
    """Random crops of each domain, in [-1, 1]: left halves are day and right halves dusk, in every
    second photograph the other way.
    """

    def __init__(self, photographs: Sequence[Photograph], *, crop: int, batch: int) -> None:
        self.crop, self.batch = crop, batch
        self.halves: dict[str, list[Tensor]] = {domain: [] for domain in DOMAINS}
        for index, photograph in enumerate(photographs):
            day = to_float(photograph.truth)
            middle = day.shape[2] // 2
            parts = day[..., :middle], day[..., middle:]
            self.halves["day"].append(parts[index % 2])
            self.halves["dusk"].append(dusk(parts[1 - index % 2][None])[0])

    def draw(self, domain: str, random: torch.Generator) -> Tensor:
        """``(batch, 3, crop, crop)``: random crops, mirrored at random; photographs by area."""
        halves = self.halves[domain]
        areas = torch.tensor([float(half[0].numel()) for half in halves])
        chosen = torch.multinomial(areas, self.batch, replacement=True, generator=random).tolist()
        places = torch.rand(self.batch, 3, generator=random).tolist()
        crops = []
        for index, (down, right, mirror) in zip(chosen, places, strict=True):
            half = halves[index]
            top, left = (
                int(share * (length - self.crop + 1))
                for share, length in zip((down, right), half.shape[1:], strict=True)
            )
            patch = half[:, top : top + self.crop, left : left + self.crop]
            crops.append(patch.flip(2) if mirror < 0.5 else patch)
        return torch.stack(crops) * 2 - 1
