"""The plain equations of the kernels, differentiable any number of times.

Kernels are tested against them, and second derivatives differentiate them.
"""

import torch
from torch import Tensor

from ssimloss._constants import constant
from ssimloss._precision import promote
from ssimloss._reduce import Scores
from ssimloss.filters import average_pool, pad
from ssimloss.functional._distance import Distance, distance_of
from ssimloss.functional._local_sums import sums_of
from ssimloss.functional._moments import (
    bordered,
    local_statistics,
    similarity_of,
    structure,
    valid_pixels,
)
from ssimloss.functional._plane_means import plane_means
from ssimloss.kernels import Comparison, Local, Mixed, Part, Reference


def similarity(x: Tensor, y: Tensor, comparison: Comparison) -> Tensor:
    """The map ``(N, C, H', W')`` in the computing dtype."""
    x, y = promote(x, y)
    window, low = comparison.window, comparison.low
    amount = (len(window) - 1) // 2
    x, y = pad(x - low, amount, comparison.padding), pad(y - low, amount, comparison.padding)
    weights = constant(window, x)
    statistics = local_statistics(x, y, weights, 1.0, None)
    return similarity_of(statistics, comparison.c1, comparison.c2, comparison.part)


def masked_similarity(x: Tensor, y: Tensor, mask: Tensor, comparison: Comparison) -> Scores:
    """The map and its weights, by normalised convolution."""
    window = comparison.window
    x, y, weights = valid_pixels(x, y, comparison.low, mask)
    x, y, weights = bordered(x, y, weights, len(window), comparison.padding)
    statistics = local_statistics(x, y, constant(window, x), 1.0, weights)
    values = similarity_of(statistics, comparison.c1, comparison.c2, comparison.part)
    return Scores(values, statistics.mass)


def similarity_mean(x: Tensor, y: Tensor, comparison: Comparison) -> Tensor:
    """The mean of each plane's map, ``(N, C)``."""
    return similarity(x, y, comparison).mean((2, 3))


def mixed_mean(x: Tensor, y: Tensor, comparison: Comparison, mixed: Mixed) -> Tensor:
    """``similarity_weight * mean(map) + pixel_weight * mean(distance)`` of each plane."""
    means = mixed.similarity_weight * similarity_mean(x, y, comparison)
    if mixed.pixel == "none":
        return means
    return means + mixed.pixel_weight * distances(x, y, mixed.pixel, mixed.eps).mean((2, 3))


def mixed_mean_by_hand(x: Tensor, y: Tensor, comparison: Comparison, mixed: Mixed) -> Tensor:
    """:func:`mixed_mean` with the gradient of :mod:`_plane_means`, which losses use without a
    kernel.
    """
    x, y = promote(x, y)
    c1, c2, low, part = comparison.c1, comparison.c2, comparison.low, comparison.part
    taps, padding = len(comparison.window), comparison.padding
    centred_x, centred_y, _ = bordered(x - low, y - low, None, taps, padding)
    window = constant(comparison.window, x)
    means = plane_means(centred_x, centred_y, window, c1=c1, c2=c2, sample_factor=1.0, part=part)
    means = mixed.similarity_weight * means
    if mixed.pixel == "none":
        return means
    return means + mixed.pixel_weight * distances(x, y, mixed.pixel, mixed.eps).mean((2, 3))


def local_sums(x: Tensor, y: Tensor, mask: Tensor | None, local: Local) -> Tensor:
    """Sums ``(2, N, C)`` of SSIM or r*, and of the weights that the mask has in each window."""
    taps, c1, c2 = len(local.windows), local.c1, local.c2
    x, y, mask = valid_pixels(x, y, local.low, mask)
    x, y, mask = bordered(x, y, mask, taps, local.padding)
    window, separate = constant(local.windows, x), local.kind == "structure"
    statistics = local_statistics(x, y, window, 1.0, mask, separate=separate)
    if separate:
        values = structure(statistics, c1, c2)
    else:
        values = similarity_of(statistics, c1, c2, "ssim")
    return sums_of(Scores(values, statistics.mass))


# The references of the kernels' proofs.
MEANS = Reference(mixed_mean, mixed_mean_by_hand)
MAP = Reference(similarity, similarity)
LOCAL_SUMS = Reference(local_sums, local_sums)


def pyramid_means(x: Tensor, y: Tensor, finest: Comparison, scales: int, pooling: str) -> Tensor:
    """Mean of each plane's map at each scale, ``(S, N, C)``.

    The map is contrast and structure, and at the coarsest scale the whole of SSIM.
    """
    x, y = promote(x, y)
    x, y = x - finest.low, y - finest.low
    means = []
    for scale in range(scales):
        part: Part = "ssim" if scale == scales - 1 else "contrast_structure"
        comparison = Comparison(finest.window, finest.c1, finest.c2, 0.0, part, "valid")
        means.append(similarity(x, y, comparison).mean((2, 3)))
        if scale < scales - 1:
            x, y = halve(x, pooling), halve(y, pooling)
    return torch.stack(means)


def halve(image: Tensor, pooling: str) -> Tensor:
    """2 x 2 mean, with an option for odd sizes."""
    odd_h, odd_w = image.shape[2] % 2, image.shape[3] % 2
    if pooling == "zeros":
        return torch.nn.functional.avg_pool2d(image, 2, padding=(odd_h, odd_w))
    # F.pad is not used, because its gradient for replication uses atomics on CUDA.
    if pooling == "replicate" and (odd_h or odd_w):
        image = torch.cat((image[..., :1], image), -1)
        image = torch.cat((image[..., :1, :], image), -2)
    elif pooling == "symmetric" and (odd_h or odd_w):
        image = torch.cat((image, image[..., image.shape[-1] - odd_w :]), -1)
        image = torch.cat((image, image[..., image.shape[-2] - odd_h :, :]), -2)
    return average_pool(image, 2)


def distances(x: Tensor, y: Tensor, distance: Distance, eps: float) -> Tensor:
    """The distance per pixel in the computing dtype."""
    x, y = promote(x, y)
    return distance_of(x - y, distance, eps)
