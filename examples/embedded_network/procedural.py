"""Images drawn by rule ``(3, side, side)`` in [0, 1]: dead leaves, 1/f noise, shapes, and textures
of many kinds.

Each kind draws its parameters from the generator, so that one generator is one picture.
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

Drawing = Callable[[int, Generator], Tensor]


def dead_leaves(side: int, generator: Generator) -> Tensor:
    """Shapes that cover one another, as many small as large ones in the ratio of photographs (Lee,
    Mumford, Huang 2001).
    """
    picture = _colour(generator).expand(3, side, side).clone()
    y, x = _places(side)
    roughness = 0.15 * _number(generator)
    for _ in range(160):
        radius = 4 / math.sqrt(0.004 + _number(generator))  # density r^-3, 4 to 63 pixels
        inside = _shape(
            x - side * _number(generator), y - side * _number(generator), radius, generator
        )
        grain = roughness * _number(generator) * torch.randn(1, side, side, generator=generator)
        picture = torch.where(inside, _colour(generator) + grain, picture)
    return picture


def noise(side: int, generator: Generator) -> Tensor:
    """Noise with a spectrum of 1/f^a, stretched in one direction or not, its colours mixed at
    random.
    """
    planes = torch.stack(
        [_power_noise(side, generator, _between(0.4, 2.2, generator)) for _ in range(3)]
    )
    mixing = torch.randn(3, 3, generator=generator) * 0.5 + 1
    return 0.5 + 0.13 * _standardised(torch.einsum("ij,jhw->ihw", mixing, planes))


def shapes(side: int, generator: Generator) -> Tensor:
    """Few large shapes before a gradient."""
    y, x = _places(side)
    slope = torch.randn(3, 2, 1, 1, generator=generator) * 0.3 / side
    picture = _colour(generator) + slope[:, 0] * x + slope[:, 1] * y
    for _ in range(2 + int(12 * _number(generator))):
        inside = _shape(
            x - side * _number(generator),
            y - side * _number(generator),
            side * _between(0.03, 0.3, generator),
            generator,
        )
        picture = torch.where(inside, _colour(generator), picture)
    return picture


def gratings(side: int, generator: Generator) -> Tensor:
    """A sum of waves, sharpened towards stripes or checks."""
    y, x = _places(side)
    wave = torch.zeros(side, side)
    for _ in range(1 + int(3 * _number(generator))):
        angle, period = math.pi * _number(generator), _between(3, 30, generator)
        wave += torch.sin(
            2 * math.pi / period * (x * math.cos(angle) + y * math.sin(angle))
            + 6.3 * _number(generator)
        )
    return _between_colours(torch.sigmoid(wave * _between(1, 8, generator)), generator)


def cells(side: int, generator: Generator) -> Tensor:
    """Cells about random points: stones, cracks or scales, by which distance colours them."""
    spacing = _between(5, 22, generator)
    count = int((side / spacing + 2) ** 2)
    points = (torch.rand(count, 2, generator=generator) * (side + 2 * spacing) - spacing).T
    y, x = _places(side)
    stretch = _between(0.4, 1, generator)
    distance = (
        (x.reshape(-1, 1) - points[0]).square()
        + (stretch * (y.reshape(-1, 1) - points[1])).square()
    ).sqrt()
    nearest = distance.topk(2, largest=False)
    first, second = (nearest.values[:, i].view(side, side) for i in range(2))
    shade = torch.rand(count, generator=generator)[nearest.indices[:, 0]].view(side, side)
    edge = ((second - first) / (0.3 * spacing)).clamp(0, 1)
    kind = int(3 * _number(generator))
    return _between_colours((shade * edge, edge, 1 - first / (1.2 * spacing))[kind], generator)


def strokes(side: int, generator: Generator) -> Tensor:
    """Short strokes over one another, about one direction or in all: grass, fur, straw."""
    y, x = _places(side)
    picture = _colour(generator).expand(3, side, side).clone()
    base, along = _colour(generator), math.pi * _number(generator)
    spread, length, width = (
        _between(0.05, 1.6, generator),
        _between(5, 25, generator),
        _between(0.6, 2.5, generator),
    )
    for _ in range(int(2.5 * side * side / (length * width * 8))):
        angle = along + spread * float(torch.randn(1, generator=generator))
        u, v = x - side * _number(generator), y - side * _number(generator)
        a, b = u * math.cos(angle) + v * math.sin(angle), v * math.cos(angle) - u * math.sin(angle)
        picture = torch.where(
            (a.abs() < length) & (b.abs() < width), base * _between(0.4, 1.5, generator), picture
        )
    return picture


def marble(side: int, generator: Generator) -> Tensor:
    """Stripes pushed aside by noise: marble, wood, water."""
    y, x = _places(side)
    angle, period = math.pi * _number(generator), _between(4, 30, generator)
    pushed = _power_noise(side, generator, _between(1.2, 2.2, generator)) * _between(
        0.3, 3, generator
    )
    wave = torch.sin(2 * math.pi / period * (x * math.cos(angle) + y * math.sin(angle)) + pushed)
    grain = 0.2 * _number(generator) * _power_noise(side, generator, 0.6)
    return _between_colours(0.5 + 0.5 * wave + grain, generator)


def tiles(side: int, generator: Generator) -> Tensor:
    """Rectangles in rows, each row moved, with joints: bricks, panes, cloth."""
    y, x = _places(side)
    angle = _between(-0.4, 0.4, generator)
    x, y = x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
    height = _between(4, 24, generator)
    width, joint, move = (
        height * _between(0.8, 3, generator),
        _between(0.05, 0.25, generator),
        _number(generator),
    )
    row = (y / height).floor()
    column = (x / width + move * row).floor()
    inside = ((y / height - row) > joint) & (
        (x / width + move * row - column) > joint * height / width
    )
    # A number of its own for every tile.
    shade = torch.sin(12.9898 * row + 78.233 * column + 6.3 * _number(generator)) * 43758.5453
    shade = 1 - _between(0, 0.6, generator) * (shade - shade.floor())
    grain = 0.1 * _number(generator) * _power_noise(side, generator, 0.8)
    return _between_colours(torch.where(inside, shade + grain, grain), generator)


def dots(side: int, generator: Generator) -> Tensor:
    """Dots or rings on a grid that is more or less disturbed."""
    spacing = _between(5, 20, generator)
    jitter, radius = (
        spacing * _between(0, 0.6, generator),
        spacing * _between(0.15, 0.45, generator),
    )
    steps = torch.arange(-1, int(side / spacing) + 2) * spacing
    centres = torch.cartesian_prod(steps, steps)
    centres = centres + jitter * torch.randn(centres.shape, generator=generator)
    y, x = _places(side)
    distance = torch.full((side, side), math.inf)
    for chunk in centres.split(64):
        offset = torch.stack([x[None] - chunk[:, 0, None, None], y[None] - chunk[:, 1, None, None]])
        distance = torch.minimum(distance, offset.square().sum(0).amin(0))
    ring = 0.5 * radius if _number(generator) < 0.3 else 0.0
    return _between_colours(torch.sigmoid(radius - (distance.sqrt() - ring).abs()), generator)


DRAWINGS: tuple[Drawing, ...] = (
    dead_leaves,
    noise,
    shapes,
    gratings,
    cells,
    strokes,
    marble,
    tiles,
    dots,
)


def draw(index: int, side: int, seed: int) -> Tensor:
    """Picture number ``index`` of a ``seed``; the kinds take turns. Sometimes softened, as a lens
    would.
    """
    generator = torch.Generator().manual_seed(1_000_003 * seed + index)
    picture = DRAWINGS[index % len(DRAWINGS)](side, generator).clamp(0, 1)
    if _number(generator) < 0.5:
        picture = torch.nn.functional.avg_pool2d(
            picture[None], 3, stride=1, padding=1, count_include_pad=False
        )[0]
    return picture


def _number(generator: Generator) -> float:
    return float(torch.rand(1, generator=generator))


def _between(low: float, high: float, generator: Generator) -> float:
    """Uniform in the logarithm where both are positive, else uniform."""
    part = _number(generator)
    return low * (high / low) ** part if low > 0 else low + (high - low) * part


def _colour(generator: Generator) -> Tensor:
    """``(3, 1, 1)``: a brightness, and around it a tint."""
    return (
        torch.rand(1, 1, 1, generator=generator) + 0.15 * torch.randn(3, 1, 1, generator=generator)
    ).clamp(0, 1)


def _between_colours(values: Tensor, generator: Generator) -> Tensor:
    """``(H, W)`` in [0, 1] to the colours between two."""
    dark, bright = _colour(generator), _colour(generator)
    return dark + values * (bright - dark)


def _places(side: int) -> tuple[Tensor, Tensor]:
    """``y`` and ``x`` of every pixel, ``(side, side)``."""
    y, x = torch.meshgrid(torch.arange(side).float(), torch.arange(side).float(), indexing="ij")
    return y, x


def _shape(x: Tensor, y: Tensor, radius: float, generator: Generator) -> Tensor:
    """Where a disc, an ellipse or a turned rectangle about the origin is, ``(H, W)``."""
    angle, aspect = math.pi * _number(generator), _between(0.3, 1, generator)
    u, v = (
        x * math.cos(angle) + y * math.sin(angle),
        (y * math.cos(angle) - x * math.sin(angle)) / aspect,
    )
    return (
        u.square() + v.square() < radius**2
        if _number(generator) < 0.6
        else torch.maximum(u.abs(), v.abs()) < radius
    )


def _power_noise(side: int, generator: Generator, exponent: float) -> Tensor:
    """``(side, side)`` with mean 0 and standard deviation 1 and a spectrum of ``1 / f^exponent``,
    at times longer in one direction.
    """
    fy, fx = torch.meshgrid(torch.fft.fftfreq(side), torch.fft.rfftfreq(side), indexing="ij")
    angle, stretch = (
        math.pi * _number(generator),
        _between(1, 5, generator) if _number(generator) < 0.4 else 1.0,
    )
    u, v = fx * math.cos(angle) + fy * math.sin(angle), fy * math.cos(angle) - fx * math.sin(angle)
    frequency = (u.square() + (v * stretch).square()).sqrt().clamp(min=1 / side)
    spectrum = torch.fft.rfft2(torch.randn(side, side, generator=generator)) / frequency**exponent
    return _standardised(torch.fft.irfft2(spectrum, s=(side, side)))


def _standardised(values: Tensor) -> Tensor:
    std, mean = torch.std_mean(values, (-2, -1), keepdim=True)
    return (values - mean) / std.clamp(min=1e-6)
