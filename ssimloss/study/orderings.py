"""Orderings that everybody agrees on, so that no judgements are needed.

At equal mean squared error, a shift of brightness is less visible than noise (Wang et al. 2004,
figure 2). More blur is more visible than less. Two crops of grass are more alike than a crop of
grass and one of gravel. Nobody sees a shift by one pixel.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ssimloss.study import distortions
from ssimloss.study.distortions import Distortion

CROP: Final = 128
CROPS: Final = 4  # of each photograph
FLAT: Final = 0.05  # smallest standard deviation of the values in a crop
ERRORS = (0.2, 0.4)  # root of the mean squared error, in standard deviations of the crop
SHIFTS = {"right": (0, 1), "down": (1, 0)}  # pixels (down, right)
TEXTURE_CROP = 64
# Of every crop of a texture, so that neither brightness nor contrast distinguishes them.
TEXTURE_MEAN, TEXTURE_STD = 0.5, 0.15
TRIPLETS = 8  # for each ordered pair of textures

# (a) From the least visible to the most visible. Distortions of one row are not compared.
BY_VISIBILITY: tuple[dict[str, Distortion], ...] = (
    {"brightness": distortions.brightness},
    {"contrast": distortions.contrast},
    {
        "blur": distortions.gaussian_blur,
        "noise": distortions.gaussian_noise,
        "blocking": distortions.blocking,
    },
)

# (b) Each from hardly visible to clearly visible.
STRENGTHS: dict[str, tuple[Distortion, tuple[float, ...]]] = {
    "brightness": (distortions.brightness, (0.02, 0.04, 0.08, 0.16, 0.32)),
    "contrast": (distortions.contrast, (0.1, 0.2, 0.4, 0.8, 1.6)),
    "colour cast": (distortions.colour_cast, (0.015, 0.03, 0.06, 0.12, 0.24)),
    "Gaussian blur": (distortions.gaussian_blur, (0.5, 0.8, 1.3, 2.1, 3.4)),
    "motion blur": (distortions.motion_blur, (2.0, 3.5, 6.0, 10.0, 17.0)),
    "Gaussian noise": (distortions.gaussian_noise, (0.01, 0.02, 0.04, 0.08, 0.16)),
    "impulse noise": (distortions.impulse_noise, (0.003, 0.01, 0.03, 0.09, 0.27)),
    "blocking": (distortions.blocking, (0.03, 0.06, 0.12, 0.24, 0.48)),
    "posterisation": (distortions.posterisation, (0.03, 0.06, 0.1, 0.16, 0.25)),
    "pixelation": (distortions.pixelation, (2.0, 3.0, 4.0, 8.0, 16.0)),
    "warp": (distortions.warp, (0.5, 1.0, 2.0, 4.0, 8.0)),
    "sharpening": (distortions.sharpening, (0.3, 0.6, 1.2, 2.4, 4.8)),
}

GROUPS = {
    "visibility": "at equal error: brightness < contrast < blur, noise, blocking",
    "strength": "twelve distortions: weaker < stronger",
    "texture": "two crops of one texture < crops of two",
    "shift": "one pixel to the side < blur of equal error",
}


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Trial:
    """References ``(N, 3, H, W)`` and their distorted versions. In each pair of ``order``, the
    first should be closer to the reference.
    """

    group: str
    reference: Tensor
    candidates: Mapping[str, Tensor]
    order: Pairs
    # ``(N,)`` whether an image has this candidate; every image has those that are not listed.
    exists: Mapping[str, Tensor] = field(default_factory=dict)


def trials(
    images: Mapping[str, Tensor],
    textures: Mapping[str, Tensor],
    crops: int = CROPS,
    side: int = CROP,
) -> Iterator[Trial]:
    """All trials on photographs ``(3, H, W)`` in [0, 1] and textures ``(1, H, W)``. Photographs
    that are also textures are not used for (a).

    Args:
        images: by name.
        textures: by name; without textures, group (c) is empty.
        crops: of each photograph, at most.
        side: of the crops, in pixels.
    """
    places = {name: squares(image, side, crops, flat=FLAT) for name, image in images.items()}
    cut = {name: crops_at(images[name], found, side) for name, found in places.items() if found}
    plain = [found for name, found in cut.items() if name not in textures]
    if plain:
        yield from visibility(torch.cat(plain))
    if not cut:
        return
    yield from strength(torch.cat(list(cut.values())))
    yield from texture(textures)
    for direction, (down, right) in SHIFTS.items():
        moved = [crops_at(images[name][:, down:, right:], places[name], side) for name in cut]
        yield shift(direction, torch.cat(list(cut.values())), torch.cat(moved))


def visibility(crops: Tensor) -> Iterator[Trial]:
    """(a) At equal error, every distortion of a row of ``BY_VISIBILITY`` should be closer than
    those of the rows below.
    """
    order = tuple(
        pair
        for rows in itertools.combinations(BY_VISIBILITY, 2)
        for pair in itertools.product(*rows)
    )
    for part in ERRORS:
        error = part * crops.std((1, 2, 3))
        changed = {
            name: at_error(change, crops, error)
            for row in BY_VISIBILITY
            for name, change in row.items()
        }
        candidates, exists = ({name: pair[i] for name, pair in changed.items()} for i in range(2))
        yield Trial("visibility", crops, candidates, order, exists)


def strength(crops: Tensor) -> Iterator[Trial]:
    """(b) Every strength should be closer than the next."""
    for name, (change, values) in STRENGTHS.items():
        changed = {
            f"{name} {value:g}": distorted(change, crops, torch.full((len(crops),), value))
            for value in values
        }
        yield Trial("strength", crops, changed, tuple(itertools.pairwise(changed)))


def texture(textures: Mapping[str, Tensor]) -> Iterator[Trial]:
    """(c) Another crop of the same texture should be closer than a crop of another texture."""
    cut = {name: texture_crops(image) for name, image in textures.items()}
    generator = torch.Generator().manual_seed(0)
    for name, other in itertools.permutations(cut, 2):
        pairs = torch.stack(
            [torch.randperm(len(cut[name]), generator=generator)[:2] for _ in range(TRIPLETS)]
        )
        others = torch.randint(len(cut[other]), (TRIPLETS,), generator=generator)
        candidates = {name: cut[name][pairs[:, 1]], other: cut[other][others]}
        yield Trial("texture", cut[name][pairs[:, 0]], candidates, ((name, other),))


def texture_crops(image: Tensor) -> Tensor:
    """Adjacent squares of a texture ``(1, H, W)``, as gray ``(N, 3, side, side)`` with equal mean
    and standard deviation.
    """
    side = TEXTURE_CROP
    squares = image.unfold(1, side, side).unfold(2, side, side).reshape(-1, 1, side, side)
    std, mean = torch.std_mean(squares, (1, 2, 3), keepdim=True)
    return (TEXTURE_MEAN + TEXTURE_STD * (squares - mean) / std).clamp(0, 1).expand(-1, 3, -1, -1)


def shift(side: str, crops: Tensor, moved: Tensor) -> Trial:
    """(d) The crop shifted by one pixel should be closer than a blur with the same error."""
    blurred, reached = at_error(distortions.gaussian_blur, crops, rms(moved - crops))
    return Trial(
        "shift", crops, {side: moved, "blur": blurred}, ((side, "blur"),), {"blur": reached}
    )


def distorted(change: Distortion, crops: Tensor, strength: Tensor) -> Tensor:
    """The distorted images, clamped to [0, 1]. Random draws are the same for every strength."""
    changed: Tensor = change(crops, strength, torch.Generator().manual_seed(0))
    return changed.clamp(0, 1)


def at_error(change: Distortion, crops: Tensor, error: Tensor) -> tuple[Tensor, Tensor]:
    """The distorted images whose root mean squared error is ``error`` ``(N,)``, and whether it is
    reached ``(N,)``.

    Bisection of the logarithm of the strength between 0.001 and 30. A remaining deviation of at
    most 3 %, as distortions with rounding have, is scaled away.
    """
    low, high = (torch.full((len(crops),), value).log() for value in (1e-3, 30.0))
    for _ in range(16):
        middle = (low + high) / 2
        weak = rms(distorted(change, crops, middle.exp()) - crops) < error
        low, high = torch.where(weak, middle, low), torch.where(weak, high, middle)
    difference = distorted(change, crops, high.exp()) - crops
    scale = error / rms(difference)
    return crops + scale.view(-1, 1, 1, 1) * difference, (scale - 1).abs() < 0.03


def rms(difference: Tensor) -> Tensor:
    """Root mean square of each image ``(N,)``."""
    return difference.square().mean((1, 2, 3)).sqrt()


def squares(photograph: Tensor, side: int, count: int, *, flat: float) -> list[tuple[int, int]]:
    """``(top, left)`` of at most ``count`` disjoint squares, spread evenly over those with a
    standard deviation above ``flat``.

    Each leaves a margin of one pixel below and to the right.
    """
    height, width = photograph.shape[1:]
    grid = [
        (top, left)
        for top in range(0, height - side, side)
        for left in range(0, width - side, side)
    ]
    lively = [
        (top, left)
        for top, left in grid
        if photograph[:, top : top + side, left : left + side].std() > flat
    ]
    return [
        lively[round(index)] for index in np.linspace(0, len(lively) - 1, min(count, len(lively)))
    ]


def crops_at(photograph: Tensor, places: Sequence[tuple[int, int]], side: int) -> Tensor:
    """The squares at ``places`` as ``(N, 3, side, side)``."""
    return torch.stack(
        [photograph[:, top : top + side, left : left + side] for top, left in places]
    )
