"""Similarity of gradient magnitudes, ``(2 g_x g_y + T) / (g_x^2 + g_y^2 + T)``, as used by GMSD and
later measures: planes, means of blocks, gradients and their deviation.
"""

import functools
import math
from collections.abc import Sequence
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from ssimloss import _checks
from ssimloss._options import Ranged
from ssimloss._roots import root_of_product
from ssimloss.color.luma import LUMA
from ssimloss.image_gradients import Operator, erode, image_gradients
from ssimloss.kernels import EDGE_MEANS, Backend, BlockBorder, Blocks, Edges, edge_means, select
from ssimloss.kernels import block_means as block_means_of

Deviation = Literal["sample", "population"]
DEVIATIONS: tuple[str, ...] = get_args(Deviation)
Rows = Sequence[tuple[float, float, float]]

BT601 = LUMA["bt601"][0]
OF_LUMA: Rows = (BT601,)
# I and Q of YIQ: as MATLAB programs have them, and piq and pyiqa.
IQ = {
    "three digits": ((0.596, -0.274, -0.322), (0.211, -0.523, 0.312)),
    "four digits": ((0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)),
}


def check_colors(pred: Tensor, target: Tensor, mask: Tensor | None = None) -> None:
    """Check for gray or RGB images of one shape."""
    _checks.images(pred, target)
    _checks.mask(mask, pred)
    if pred.shape[1] not in (1, 3):
        raise ValueError(
            f"pred must be gray (N, 1, H, W) or RGB (N, 3, H, W), got {tuple(pred.shape)}; drop an "
            "alpha channel with [:, :3]"
        )


def check_least_side(pred: Tensor, least: int, why: str) -> None:
    """Check for images of at least so many pixels on the short side."""
    if min(pred.shape[2:]) < least:
        raise _checks.TooSmallError(
            f"pred and target must have at least {least} pixels on the short side, {why}, got "
            f"{tuple(pred.shape[2:])}; use larger crops"
        )


def without_masked(
    x: Tensor, y: Tensor, mask: Tensor | None, low: float
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The images, black where the mask is 0, and the weight of each pixel ``(N, 1, H, W)``: the
    smallest over its channels.
    """
    if mask is None:
        return x, y, None
    valid = mask != 0
    weight = mask.to(x.dtype).amin(1, keepdim=True)
    return torch.where(valid, x, low), torch.where(valid, y, low), weight


def luma_of(image: Tensor, options: Ranged, scale: float = 1.0) -> Tensor:
    """The gray image, or the luma of an RGB one, from 0 to ``scale``."""
    return (combined(image, OF_LUMA) - options.low) * (scale / options.span)


def backend_for(backend: Backend, pred: Tensor, target: Tensor, mask: Tensor | None) -> Backend:
    """Which backend computes planes and their gradients; no kernel supports masks."""
    uncovered = None if mask is None else "no kernel supports masks"
    return select(backend, pred, target, EDGE_MEANS, uncovered=uncovered)


def channel_means(
    image: Tensor,
    rows: Rows,
    factor: int,
    backend: Backend,
    *,
    low: float = 0.0,
    scale: float = 1.0,
    border: BlockBorder = "zeros",
) -> Tensor:
    """:func:`block_means` of weighted sums of the channels of ``scale * (image - low)``, one for
    each row: ``(N, len(rows), H', W')``. A gray image counts as three equal channels.
    """
    if backend != "eager":
        weights = tuple(scale * weight for row in _of_channels(image, rows) for weight in row)
        return block_means_of(image, Blocks(weights, float(low), factor, border), backend=backend)
    if low != 0 or scale != 1:
        image = (image - low) * scale
    if len(rows) == 1:  # the planes that are fewer are averaged
        return block_means(combined(image, rows), factor, border)
    return combined(block_means(image, factor, border), rows)


def combined(image: Tensor, rows: Rows) -> Tensor:
    """Weighted sums of the channels, one for each row: ``(N, len(rows), H, W)``. A gray image
    counts as three equal channels.
    """
    planes = []
    for row in _of_channels(image, rows):
        weighed = zip(row, torch.split(image, 1, 1), strict=True)
        parts = [plane if weight == 1 else weight * plane for weight, plane in weighed]
        planes.append(functools.reduce(torch.add, parts))
    return torch.cat(planes, 1) if len(planes) > 1 else planes[0]


def _of_channels(image: Tensor, rows: Rows) -> Sequence[Sequence[float]]:
    """The weights of the channels that the image has."""
    return [(math.fsum(row),) for row in rows] if image.shape[1] == 1 else rows


def block_means(image: Tensor, factor: int, border: BlockBorder = "zeros") -> Tensor:
    """Means of ``factor`` x ``factor`` pixels at every ``factor``-th position.

    ``"zeros"`` is MATLAB's ``conv2(image, ones(f) / f^2, 'same')`` followed by ``(1:f:end,
    1:f:end)``: the first block begins ``floor((f - 1) / 2)`` before the image, and zeros lie beyond
    it. ``"zeros_after"`` begins at the first pixel, as means of 2 x 2 do after each other.
    ``"replicate"`` repeats the border pixels, ``floor(f / 2)`` before the image and the rest of
    ``f - 1`` behind. ``"drop"`` begins at the first pixel. Both leave an incomplete last block out.
    """
    if factor == 1:
        return image
    if border == "replicate":
        before, behind = factor // 2, (factor - 1) // 2
        wide = pad(image, (before, behind, before, behind), mode="replicate")
        return avg_pool2d(wide, factor)
    around = [] if border == "drop" else _around(image, factor, border)
    return avg_pool2d(pad(image, around) if any(around) else image, factor)


def block_weight(weight: Tensor, factor: int) -> Tensor:
    """The smallest weight of each block; what lies beyond the border counts as the border does."""
    if factor == 1:
        return weight
    around = _around(weight, factor)
    if any(around):
        weight = pad(weight, around, mode="replicate")
    return -max_pool2d(-weight, factor)


def _around(image: Tensor, factor: int, border: BlockBorder = "zeros") -> list[int]:
    """Rows and columns beyond the image that blocks include."""
    before, amounts = Blocks((), factor=factor, border=border).before, []
    for size in (image.shape[3], image.shape[2]):
        blocks = -(-size // factor)
        amounts += [before, max(0, blocks * factor - before - size)]
    return amounts


def factor_to_256(image: Tensor) -> int:
    """The factor by which measures for images of 256 pixels shrink:
    ``max(1, round(min(H, W) / 256))``, with halves rounded up.
    """
    return max(1, (2 * min(image.shape[2:]) + 256) // 512)


def gradient_weight(weight: Tensor | None) -> Tensor | None:
    """Weights of gradients: the smallest one among the pixels of a 3 x 3 operator."""
    return None if weight is None else erode(weight)


def weighs(weight: Tensor | None) -> Tensor | None:
    """1 for each image with a position that has weight, else 0: ``(N,)``."""
    return None if weight is None else (weight.flatten(1).sum(1) > 0).to(weight.dtype)


GAIN: dict[str, int] = {"prewitt": 3, "scharr": 16}  # integer taps divided by the published ones


def gradients(image: Tensor, operator: Operator) -> tuple[Tensor, Tensor]:
    """Gradients with integer taps, ``GAIN`` times the published ones; zeros beyond the border."""
    return image_gradients(pad(image, (1, 1, 1, 1)), operator, "valid")


def squared_length(gradient: tuple[Tensor, Tensor]) -> Tensor:
    """``g^2 = dx^2 + dy^2``."""
    dx, dy = gradient
    return dx * dx + dy * dy


def product_of_lengths(
    x: tuple[Tensor, Tensor], y: tuple[Tensor, Tensor], g2_x: Tensor, g2_y: Tensor
) -> Tensor:
    """``g_x g_y`` of two gradients with the squared lengths ``g2_x`` and ``g2_y``. It is exactly
    ``g2_x`` for equal gradients.

    The length of a zero vector has no derivative. The derivative used there is that of the scalar
    product of both vectors: for ``x``, it is ``g_y`` times the unit vector of ``y``. A flat image
    thus gets a gradient towards the other one.
    """
    return root_of_product(g2_x, g2_y, lambda: x[0] * y[0] + x[1] * y[1])


def gradient_similarity(
    x: Tensor, y: Tensor, operator: Operator, constant: float, masking: float = 0.0
) -> Tensor:
    """``((2 - a) g_x g_y + T) / (g_x^2 + g_y^2 - a g_x g_y + T)`` of planes ``(N, 1, H, W)``, with
    ``T`` for the operator's published taps and ``a = masking``.
    """
    d_x, d_y = gradients(x, operator), gradients(y, operator)
    return length_similarity(
        d_x, d_y, squared_length(d_x), squared_length(d_y), constant * GAIN[operator] ** 2, masking
    )


def similarity_variance(
    x: Tensor,
    y: Tensor,
    weight: Tensor | None,
    operator: Literal["prewitt", "scharr"],
    constant: float,
    *,
    deviation: Deviation,
    backend: Backend,
    masking: float = 0.0,
) -> Tensor:
    """The variance of :func:`gradient_similarity` over the positions of each plane: ``(N,)``.

    Args:
        weight: weights of the pixels; only for the backend ``"eager"``.
    """
    if backend == "eager":
        values = gradient_similarity(x, y, operator, constant, masking)
        return variance(values, gradient_weight(weight), deviation)
    edges = Edges(
        operator,
        "zeros",
        "similarity",
        numbers=(constant * GAIN[operator] ** 2, masking),
        pooling="sample_variance" if deviation == "sample" else "variance",
    )
    equation = partial(
        _variances, operator=operator, constant=constant, masking=masking, deviation=deviation
    )
    return edge_means(x, y, edges, backend=backend, equation=equation).squeeze(1)


def _variances(
    x: Tensor, y: Tensor, operator: Operator, constant: float, masking: float, deviation: Deviation
) -> Tensor:
    values = gradient_similarity(x, y, operator, constant, masking)
    return variance(values, None, deviation).unsqueeze(1)


def length_similarity(
    x: tuple[Tensor, Tensor],
    y: tuple[Tensor, Tensor],
    g2_x: Tensor,
    g2_y: Tensor,
    constant: float,
    masking: float = 0.0,
) -> Tensor:
    """The same for two gradients with the squared lengths ``g2_x`` and ``g2_y``; exactly 1 if both
    are equal.
    """
    product = product_of_lengths(x, y, g2_x, g2_y)
    sums = g2_x + g2_y
    bottom = sums + constant
    return 1 - (sums - 2 * product) / (bottom - masking * product if masking else bottom)


def similarity(x: Tensor, y: Tensor, constant: float) -> Tensor:
    """``(2 x y + c) / (x^2 + y^2 + c)``."""
    return (2 * x * y + constant) / (x * x + y * y + constant)


def weighted_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """The mean of each image ``(N, 1, H, W)``: ``(N,)``; 0 over nothing."""
    values = values.flatten(1)
    if weight is None:
        return values.mean(1)
    weight = weight.flatten(1)
    mass = weight.sum(1)
    return (weight * values).sum(1) / torch.where(mass > 0, mass, 1)


def variance(values: Tensor, weight: Tensor | None, deviation: Deviation) -> Tensor:
    """The variance of each image ``(N, 1, H, W)``: ``(N,)``."""
    # One row per image: for sums over three dimensions, PyTorch 2.6 compiles a backward that writes
    # out of bounds.
    values = values.flatten(1)
    if weight is None:
        squares = (values - values.mean(1, keepdim=True)).square().sum(1)
        return squares / max(values.shape[1] - int(deviation == "sample"), 1)
    weight = weight.flatten(1)
    mass = weight.sum(1)
    mean = (weight * values).sum(1) / torch.where(mass > 0, mass, 1)
    squares = (weight * (values - mean.view(-1, 1)).square()).sum(1)
    if deviation == "sample":  # N - 1 for weights of 1
        mass = mass - weight.square().sum(1) / torch.where(mass > 0, mass, 1)
    return squares / torch.where(mass > 0, mass, 1)
