"""The limits of the machine: its measured bandwidth and arithmetic rate, and the least bytes and
FLOPs of a definition.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.timing import synchronizer

POINTWISE_FLOPS = 30  # one SSIM from five local means: products, sums, a division
POINTWISE_BACKWARD_FLOPS = 40  # its derivatives to the local means
PIXEL_FLOPS = 4  # a difference, its square, a root, a sum
PIXEL_BACKWARD_FLOPS = 2
MAPS = 4  # filtered maps: x, y, x^2 + y^2, xy
BACKWARD_MAPS = 3  # filtered back for one image: the derivatives to mu_x, to x^2 + y^2 and to xy


@dataclass(frozen=True)
class Machine:
    """Measured limits."""

    bytes_per_s: float
    flops_per_s: float

    def least_seconds(self, work: Work) -> float:
        """The least time of the work on this machine, if every byte is streamed and every
        multiplication is fused.
        """
        return max(work.bytes / self.bytes_per_s, work.flops / self.flops_per_s)


@dataclass(frozen=True)
class Work:
    """The least cost of a definition."""

    bytes: int
    flops: int


def measure(
    device: torch.device, *, megabytes: int = 256, side: int = 2048, tries: int = 5
) -> Machine:
    """Bandwidth of a copy (read and written bytes both count) and the rate of a float32 matrix
    product, best of several tries each.
    """
    wait = synchronizer(device)
    source = torch.ones(megabytes * 2**20 // 4, device=device)
    target = torch.empty_like(source)
    a, b = torch.rand(side, side, device=device), torch.rand(side, side, device=device)
    product = torch.empty_like(a)

    def best(call: Callable[[], object]) -> float:
        shortest = math.inf
        for _ in range(tries):
            wait()
            start = time.perf_counter()
            call()
            wait()
            shortest = min(shortest, time.perf_counter() - start)
        return shortest

    copied = best(lambda: target.copy_(source))
    multiplied = best(lambda: torch.mm(a, b, out=product))
    return Machine(bytes_per_s=2 * source.nbytes / copied, flops_per_s=2 * side**3 / multiplied)


def least_work(
    shape: tuple[int, int, int, int], *, taps: int, scales: int, backward: bool, itemsize: int = 4
) -> Work:
    """Bytes and FLOPs of (MS-)SSIM by separable filters, same-size maps; ``taps=0`` is a distance
    per pixel.

    Bytes: both images are read once and the gradient to one of them is written once; whatever lies
    between is assumed to stay in cache. FLOPs: ``2 * taps`` per tap pass, two passes per map, and
    the pointwise formula, over all scales.
    """
    n, c, height, width = shape
    pixels = [n * c * (height >> scale) * (width >> scale) for scale in range(scales)]
    reads = 2 * pixels[0] * itemsize
    written = pixels[0] * itemsize if backward else 0
    if taps == 0:
        return Work(
            bytes=reads + written,
            flops=pixels[0] * (PIXEL_FLOPS + (PIXEL_BACKWARD_FLOPS if backward else 0)),
        )
    flops = sum(pixels) * (MAPS * 2 * 2 * taps + POINTWISE_FLOPS)
    if not backward:
        return Work(bytes=reads, flops=flops)
    flops += sum(pixels) * (BACKWARD_MAPS * 2 * 2 * taps + POINTWISE_BACKWARD_FLOPS)
    return Work(bytes=reads + written, flops=flops)
