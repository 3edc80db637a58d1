"""The images of an examination: a picture drawn by formula, and ways to damage it.

Natural images consist of objects that occlude each other, with sizes that follow a power law (dead
leaves; Lee, Mumford & Huang 2001). The picture follows this model: opaque discs, each with its own
shading and texture, and a little noise. Its power spectrum falls like that of a photograph, and it
needs no file. A user's photograph can replace it.
"""

import functools

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor

HEIGHT, WIDTH = 320, 384
_DISCS = 1500
_SMALLEST, _LARGEST = 4.0, 110.0  # radii in pixels; their density falls with the cube
_SEED = 20


@functools.cache
def drawn() -> Tensor:
    """The picture, ``(1, 3, 320, 384)`` float64 in [0, 1]; the same on every machine."""
    generator = np.random.Generator(np.random.PCG64(_SEED))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    picture = np.full((3, HEIGHT, WIDTH), 0.45)
    for _ in range(_DISCS):
        centre_y, centre_x = generator.random() * HEIGHT, generator.random() * WIDTH
        share = generator.random()
        radius = (_SMALLEST**-2 + share * (_LARGEST**-2 - _SMALLEST**-2)) ** -0.5
        light = 0.08 + 0.84 * generator.random()
        color = np.clip(light + 0.12 * generator.standard_normal(3), 0.03, 0.97)
        slope = 0.25 * generator.standard_normal(2)
        angle, period = np.pi * generator.random(), 2.5 + 8 * generator.random()
        strength = 0.06 * generator.random()
        top, bottom = int(max(centre_y - radius - 1, 0)), int(centre_y + radius + 2)
        left, right = int(max(centre_x - radius - 1, 0)), int(centre_x + radius + 2)
        part = (slice(top, bottom), slice(left, right))
        dy, dx = y[part] - centre_y, x[part] - centre_x
        cover = np.clip(radius + 0.5 - np.hypot(dy, dx), 0, 1)  # a border of one pixel
        shading = (slope[0] * dy + slope[1] * dx) / radius
        wave = strength * np.sin(2 * np.pi * (np.cos(angle) * dx + np.sin(angle) * dy) / period)
        leaf = color[:, None, None] + shading + wave
        picture[(slice(None), *part)] += cover * (leaf - picture[(slice(None), *part)])
    picture += 0.006 * generator.standard_normal(picture.shape)
    return torch.from_numpy(np.clip(picture, 0, 1))[None]


def crops(image: Tensor, count: int, height: int, width: int) -> Tensor:
    """Different crops of an image ``(N, C, H, W)``, as ``(count, C, height, width)``.

    Raises:
        ValueError: the image is smaller than a crop.
    """
    n, _, all_height, all_width = image.shape
    if all_height < height or all_width < width:
        raise ValueError(
            f"image must be at least {height} x {width} for this loss, got "
            f"{all_height} x {all_width}; pass a larger one"
        )
    parts = []
    for i in range(count):
        # Spread over the image, and mirrored if there is room for only one crop.
        top = (all_height - height) * ((2 * i + 1) % 5) // 5
        left = (all_width - width) * ((3 * i + 1) % 7) // 7
        part = image[i % n, :, top : top + height, left : left + width]
        parts.append(part.flip(-1) if i % 2 else part)
    return torch.stack(parts)


def noise(shape: tuple[int, ...], seed: int) -> Tensor:
    """Standard normal numbers in float64, the same on every machine."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return torch.from_numpy(generator.standard_normal(shape))


def noisy(image: Tensor) -> Tensor:
    """Add noise of a tenth of the range."""
    return image + 0.1 * noise(tuple(image.shape), 1).to(image)


def blurred(image: Tensor) -> Tensor:
    """Blur, lower the contrast and change the colour."""
    n, c, height, width = image.shape
    blur = nnf.avg_pool2d(nnf.pad(image, (2, 2, 2, 2), mode="replicate"), 5, 1)
    shift = torch.linspace(0.06, -0.03, c).to(image)[:, None, None]
    return 0.5 + 0.85 * (blur - 0.5) + shift + 0.004 * noise((n, c, height, width), 2).to(image)


def unrelated(image: Tensor) -> Tensor:
    """Noise around gray, like the output of an untrained network."""
    return 0.5 + 0.1 * noise(tuple(image.shape), 3).to(image)


STARTS = {"noisy": noisy, "blurred": blurred, "noise": unrelated}
