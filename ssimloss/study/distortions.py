"""Distortions of images ``(N, C, H, W)`` in [0, 1] with a strength ``(N,)``, each in its own unit.

At strength 0, or the smallest one, the image is unchanged.

Results are not clamped. Random distortions take a generator, so that two strengths can use the same
random draws.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad

Distortion = Callable[[Tensor, Tensor, torch.Generator], Tensor]
BLOCK = 8  # pixels of a side of the blocks of JPEG
WAVE = 32  # pixels of a period of the warp
LONGEST_TAIL = 3.0  # standard deviations of a Gaussian that its window covers


def brightness(image: Tensor, shift: Tensor, _: torch.Generator) -> Tensor:
    """Brighter if the image is dark, darker if it is bright."""
    sign = torch.where(image.mean((1, 2, 3)) < 0.5, 1.0, -1.0)
    return image + _each(sign * shift)


def contrast(image: Tensor, stretch: Tensor, _: torch.Generator) -> Tensor:
    """Stretched about the mean of each channel by ``1 + stretch``."""
    mean = image.mean((2, 3), keepdim=True)
    return image + _each(stretch) * (image - mean)


def colour_cast(image: Tensor, shift: Tensor, _: torch.Generator) -> Tensor:
    """Red up, blue down."""
    return image + _each(shift) * torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)


def gaussian_blur(image: Tensor, sigma: Tensor, _: torch.Generator) -> Tensor:
    """Blur by a Gaussian with a deviation of ``sigma`` pixels; the border is mirrored."""
    radius = min(max(1, math.ceil(LONGEST_TAIL * float(sigma.max()))), min(image.shape[2:]) - 1)
    taps = torch.exp(
        -0.5 * (torch.arange(-radius, radius + 1) / sigma.clamp(min=1e-3)[:, None]).square()
    )
    return _filtered(image, taps / taps.sum(1, keepdim=True))


def motion_blur(image: Tensor, length: Tensor, _: torch.Generator) -> Tensor:
    """The mean along a row over ``length`` pixels; the outermost count in part."""
    radius = min(max(1, math.ceil((float(length.max()) - 1) / 2)), image.shape[3] - 1)
    reach = (length[:, None] - 2 * torch.arange(-radius, radius + 1).abs() + 1) / 2
    taps = reach.clamp(0, 1)
    return _filtered(image, taps / taps.sum(1, keepdim=True), rows_only=True)


def gaussian_noise(image: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """Independent in every value, of standard deviation ``sigma``."""
    return image + _each(sigma) * torch.randn(image.shape, generator=generator)


def impulse_noise(image: Tensor, fraction: Tensor, generator: torch.Generator) -> Tensor:
    """A ``fraction`` of the pixels becomes black or white. Stronger noise includes the pixels of
    weaker noise.
    """
    shape = (image.shape[0], 1, *image.shape[2:])
    order, colour = (torch.rand(shape, generator=generator) for _ in range(2))
    return torch.where(order < _each(fraction), (colour < 0.5).to(image.dtype), image)


def blocking(image: Tensor, step: Tensor, _: torch.Generator) -> Tensor:
    """Cosine coefficients of 8x8 blocks, rounded as in JPEG: to multiples of ``step`` for the
    lowest and of ``5.7 step`` for the highest frequency. Sides are padded with the border.
    """
    height, width = image.shape[2:]
    whole = pad(image, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    n, c, h, w = whole.shape
    blocks = whole.view(n, c, h // BLOCK, BLOCK, w // BLOCK, BLOCK)
    frequency = torch.arange(BLOCK)
    basis = torch.cos(
        math.pi / BLOCK * (frequency[None, :] + 0.5) * frequency[:, None]
    ) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)  # (frequency, pixel), orthonormal
    coefficients = torch.einsum("ui,vj,ncaibj->ncaubv", basis, basis, blocks)
    steps = step.view(-1, 1, 1, 1, 1, 1).clamp(min=1e-6) * (
        1 + (frequency[:, None] + frequency[None, :]) / 3
    ).view(BLOCK, 1, BLOCK)
    rounded = (coefficients / steps).round() * steps
    return torch.einsum("ui,vj,ncaubv->ncaibj", basis, basis, rounded).reshape(n, c, h, w)[
        ..., :height, :width
    ]


def posterisation(image: Tensor, step: Tensor, _: torch.Generator) -> Tensor:
    """Values rounded to multiples of ``step``."""
    steps = _each(step.clamp(min=1e-6))
    return (image / steps).round() * steps


def pixelation(image: Tensor, side: Tensor, _: torch.Generator) -> Tensor:
    """Squares of about ``side`` pixels, each in its mean colour."""
    height, width = image.shape[2:]

    def one(single: Tensor, pixels: float) -> Tensor:
        size = max(1, round(height / pixels)), max(1, round(width / pixels))
        return interpolate(
            interpolate(single[None], size=size, mode="area"), size=(height, width), mode="nearest"
        )[0]

    return torch.stack(
        [one(single, max(1.0, pixels)) for single, pixels in zip(image, side.tolist(), strict=True)]
    )


def warp(image: Tensor, amplitude: Tensor, generator: torch.Generator) -> Tensor:
    """Displaced along waves of ``amplitude`` pixels with random phases."""
    n, _, height, width = image.shape
    phase = 2 * math.pi * torch.rand(2, n, 1, 1, generator=generator)
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    moved_x = x + amplitude.view(-1, 1, 1) * torch.sin(2 * math.pi / WAVE * y + phase[0])
    moved_y = y + amplitude.view(-1, 1, 1) * torch.sin(2 * math.pi / WAVE * x + phase[1])
    grid = torch.stack([2 * moved_x / (width - 1) - 1, 2 * moved_y / (height - 1) - 1], dim=-1)
    return grid_sample(image, grid, mode="bicubic", padding_mode="reflection", align_corners=True)


def sharpening(image: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Unsharp masking: adds ``amount`` times the difference from a blur of one pixel."""
    return image + _each(amount) * (
        image - gaussian_blur(image, torch.ones(image.shape[0]), generator)
    )


def desaturation(image: Tensor, part: Tensor, _: torch.Generator) -> Tensor:
    """Mixed with gray; a ``part`` of 1 is gray."""
    return image + _each(part) * (image.mean(1, keepdim=True) - image)


def low_frequency_noise(image: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """Blotches of about ten pixels, of standard deviation ``sigma``."""
    n, c, height, width = image.shape
    coarse = torch.randn(n, c, height // 4 + 4, width // 4 + 4, generator=generator)
    blotches = interpolate(
        avg_pool2d(coarse, 3, stride=1), size=(height, width), mode="bilinear", align_corners=False
    )
    return image + _each(sigma) * blotches / blotches.std((2, 3), keepdim=True)


def grid_lines(image: Tensor, shift: Tensor, _: torch.Generator) -> Tensor:
    """Every eighth row and column brighter by ``shift``, as after a faulty upscaling."""
    height, width = image.shape[2:]
    rows, columns = (torch.arange(side) % BLOCK == 0 for side in (height, width))
    return image + _each(shift) * (rows[:, None] | columns[None, :]).to(image.dtype)


def erasing(image: Tensor, part: Tensor, generator: torch.Generator) -> Tensor:
    """A square that covers a ``part`` of the image becomes the mean colour."""
    n, _, height, width = image.shape
    centre = torch.rand(n, 2, 1, 1, generator=generator)
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij"
    )
    inside = (
        torch.maximum((y - centre[:, 0]).abs(), (x - centre[:, 1]).abs())
        < part.sqrt().view(-1, 1, 1) / 2
    )
    return torch.where(inside[:, None], image.mean((2, 3), keepdim=True), image)


def _each(values: Tensor) -> Tensor:
    """``(N,)`` to ``(N, 1, 1, 1)``."""
    return values.view(-1, 1, 1, 1)


def _filtered(image: Tensor, taps: Tensor, *, rows_only: bool = False) -> Tensor:
    """Each image convolved with its own odd filter ``(N, 2 R + 1)``, along rows and then columns;
    the border is mirrored.
    """
    n, c, height, width = image.shape
    radius = taps.shape[1] // 2
    weights = taps.repeat_interleave(c, 0)
    planes = pad(image, (radius, radius, 0, 0), mode="reflect").view(1, n * c, height, -1)
    planes = torch.conv2d(planes, weights.view(n * c, 1, 1, -1), groups=n * c)
    if not rows_only:
        planes = pad(planes, (0, 0, radius, radius), mode="reflect")
        planes = torch.conv2d(planes, weights.view(n * c, 1, -1, 1), groups=n * c)
    return planes.view(n, c, height, width)
