"""The training images: crops of photographs and of drawn pictures, determined by step and seed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from embedded_network import photographs, procedural

# Of the training photographs, left out of training where choices are compared.
VALIDATION = ("camera", "china", "rocket", "coins")
TEXTURE_MEAN, TEXTURE_STD = 0.5, 0.15
# Parts of the crops; drawings are the same in both crops of a pair more often.
PHOTOGRAPHS_DISTORTED, PHOTOGRAPHS_PAIRED = 0.6, 0.3
BARE = 0.7  # part of the batches in which pairs are bare textures
TRIES = 5  # to find a crop that is not flat
FLAT = 0.03


@dataclass(frozen=True)
class Batch:
    """Crops ``(N, 3, S, S)`` in [0, 1], the same one pixel beside, and pairs of crops of one
    picture each, all in colour or all bare.
    """

    crops: Tensor
    moved: Tensor
    first: Tensor
    second: Tensor


class Pictures:
    """Photographs, each also at half its size, and drawn pictures, all uint8 ``(3, H, W)``."""

    def __init__(self, names: Sequence[str], *, drawings: int, side: int, seed: int) -> None:
        self.photographs: list[Tensor] = []
        for name in names:
            whole = photographs.read(photographs.TRAINING[name])
            half = interpolate(whole[None], scale_factor=0.5, mode="bicubic", antialias=True)[0]
            self.photographs += [
                _bytes(image) for image in (whole, half) if min(image.shape[1:]) >= side
            ]
        self.drawings = [_bytes(procedural.draw(index, side, seed)) for index in range(drawings)]
        self.side = side

    def batch(self, generator: Generator, *, crops: int, pairs: int, crop: int) -> Batch:
        """Draw a batch; ``crop`` is at most half of ``side``."""
        windows = [self._window(generator, crop + 1, PHOTOGRAPHS_DISTORTED) for _ in range(crops)]
        down, right = ((0, 1), (1, 0))[_index(2, generator)]
        fixed = torch.stack([window[:, :crop, :crop] for window in windows])
        moved = torch.stack(
            [window[:, down : down + crop, right : right + crop] for window in windows]
        )
        halves = [
            _halves(self._window(generator, 2 * crop, PHOTOGRAPHS_PAIRED), crop, generator)
            for _ in range(pairs)
        ]
        first, second = (torch.stack(parts) for parts in zip(*halves, strict=True))
        if torch.rand(1, generator=generator) < BARE:
            first, second = bare_texture(first), bare_texture(second)
        return Batch(fixed, moved, first, second)

    def _window(self, generator: Generator, side: int, part_of_photographs: float) -> Tensor:
        """A square of a picture, turned, flipped, and darker or brighter."""
        for _ in range(TRIES):
            of = (
                self.photographs
                if torch.rand(1, generator=generator) < part_of_photographs
                else self.drawings
            )
            picture = of[_index(len(of), generator)]
            top, left = (_index(length - side + 1, generator) for length in picture.shape[1:])
            window = picture[:, top : top + side, left : left + side].float() / 255
            if window.std() > FLAT:
                break
        turned = torch.rot90(window, _index(4, generator), (1, 2))
        turned = turned.flip(2) if _index(2, generator) else turned
        gamma = 2 ** (torch.rand(1, generator=generator) - 0.5)
        return turned**gamma

    def fingerprint(self) -> str:
        """A short hash of every pixel, so that a resumed run can tell that its pictures changed."""
        digest = hashlib.sha256()
        for picture in (*self.photographs, *self.drawings):
            digest.update(repr(tuple(picture.shape)).encode())
            digest.update(picture.numpy().tobytes())
        return digest.hexdigest()[:16]


def bare_texture(crops: Tensor) -> Tensor:
    """Gray, of one mean and one standard deviation: what is left to tell two apart is their
    texture.
    """
    gray = crops.mean(1, keepdim=True)
    std, mean = torch.std_mean(gray, (2, 3), keepdim=True)
    return (
        (TEXTURE_MEAN + TEXTURE_STD * (gray - mean) / std.clamp(min=0.01))
        .clamp(0, 1)
        .expand_as(crops)
    )


def _halves(window: Tensor, crop: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two crops that do not overlap: one above or left of the other, each anywhere along the other
    direction.
    """
    places = [_index(crop + 1, generator) for _ in range(2)]
    if _index(2, generator):
        window = window.transpose(1, 2)
    first, second = (
        window[:, half * crop : (half + 1) * crop, place : place + crop]
        for half, place in enumerate(places)
    )
    return first, second


def _index(count: int, generator: Generator) -> int:
    return int(torch.randint(count, (1,), generator=generator))


def _bytes(image: Tensor) -> Tensor:
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)
