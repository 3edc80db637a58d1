"""The scales of a pyramid: how they are made and combined, and their sizes."""

import functools
from typing import NamedTuple


class Scales(NamedTuple):
    """Options of the operator, in its order; see ``functional.ms_ssim``."""

    pooling: str
    weights: tuple[float, ...]  # finest scale first
    combination: str
    negative: str
    channels: str


class Pyramid(NamedTuple):
    """Sizes of the scales, and how each is halved to the next."""

    sizes: tuple[tuple[int, int], ...]
    # Rows and columns by which the blocks of a halving begin before the image.
    before: tuple[tuple[int, int], ...]
    outside: str  # pixels beyond the image: "none" (never reached), "zeros" or "edge"


@functools.lru_cache(maxsize=64)
def pyramid_shapes(height: int, width: int, scales: int, pooling: str) -> Pyramid:
    """The shapes of an image's scales; ``pooling`` treats odd sizes as in
    :func:`ssimloss.functional.ms_ssim`.
    """
    sizes: list[tuple[int, int]] = [(height, width)]
    before: list[tuple[int, int]] = []
    for _ in range(scales - 1):
        height, width = sizes[-1]
        odd = (height % 2, width % 2)
        begin = {"zeros": odd, "replicate": (max(odd), max(odd))}.get(pooling, (0, 0))
        added = odd if pooling == "symmetric" else begin
        before.append(begin)
        sizes.append(((height + added[0]) // 2, (width + added[1]) // 2))
    outside = {"floor": "none", "zeros": "zeros"}.get(pooling, "edge")
    return Pyramid(tuple(sizes), tuple(before), outside)
