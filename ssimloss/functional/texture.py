"""Texture loss: a distance between Gram matrices of deep features, of whole images or of patches.

Gatys, Ecker & Bethge 2016; Johnson, Alahi & Fei-Fei 2016; patches as in EnhanceNet (Sajjadi,
Schölkopf & Hirsch 2017).
"""

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision, promote
from ssimloss._roots import root
from ssimloss.functional._recomputation import in_steps
from ssimloss.functional.features import (
    GRAM_NORMALIZATIONS,
    Features,
    GramNormalization,
    Layered,
    check_features,
    gram,
    native_dtype,
    reduce_terms,
    window_counts,
    window_grams,
)
from ssimloss.measure import Measure

GramDistance = Literal["l1", "l2", "frobenius", "squared_frobenius"]
GRAM_DISTANCES: tuple[str, ...] = get_args(GramDistance)
# Largest number of elements of the patches of one step and their matrices: 64 MiB in float32.
STEP = 2**24


class TextureOptions(Layered):
    """Options of the texture loss.

    Args:
        layers: weights ``w_l`` of the layers to compare; others are ignored.
        gram: normalisation of :func:`gram_matrix`. ``"bchw"`` makes one matrix of the whole batch.
        distance: over the elements of a matrix: mean of ``"l1"`` or ``"l2"`` (squared),
            ``"frobenius"`` (the root of the sum of squares) or ``"squared_frobenius"`` (the sum).
        patch_size: compare patches of this side in positions of the layer: one number for all
            layers, or one per layer. EnhanceNet's patches of 16 x 16 image pixels are
            ``{"relu1_1": 16, "relu2_1": 8, "relu3_1": 4}`` in VGG, whose sides halve between these
            layers. The loss of an image is the mean over its patches.
        stride: distance between patches, ``patch_size`` by default. Positions left over at the far
            borders are in no patch.
    """

    gram: GramNormalization = "chw"
    distance: GramDistance = "l1"
    patch_size: int | Mapping[str, int] | None = None
    stride: int | Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("gram", self.gram, GRAM_NORMALIZATIONS)
        _checks.choice("distance", self.distance, GRAM_DISTANCES)
        for name, value in (("patch_size", self.patch_size), ("stride", self.stride)):
            _check_sizes(name, value, self.layers)
        if self.patch_size is None and self.stride is not None:
            raise ValueError(
                f"stride must be None without patch_size, got {self.stride!r}; pass patch_size, or "
                "leave stride out"
            )
        of_images = self.reduction == "image"
        if self.gram == "bchw" and (of_images or self.patch_size is not None):
            other = 'reduction must not be "image"' if of_images else "patch_size must be None"
            raise ValueError(
                f'{other} with gram="bchw", which mixes all images into one matrix; use gram="chw"'
            )


def _check_sizes(
    name: str, value: int | Mapping[str, int] | None, layers: Mapping[str, float]
) -> None:
    """Check for a count, or one for each of the layers."""
    if isinstance(value, Mapping):
        if missing := [layer for layer in layers if layer not in value]:
            raise ValueError(
                f"{name} must have a number for each of the layers {list(layers)}, got none "
                f"for {missing}"
            )
        for layer, size in value.items():
            _checks.count(f"{name}[{layer!r}]", size)
    elif value is not None:
        _checks.count(name, value)


def _texture(pred_features: Features, target_features: Features, options: TextureOptions) -> Tensor:
    """Distance between Gram matrices, ``sum_l w_l d(G(P_l), G(T_l))`` over the layers ``l``. It
    compares texture, independent of the position.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` (not with ``"bchw"``); ``(N, L)`` for
        ``"none"``: the weighted term of each layer (``N = 1`` with ``"bchw"``). The memory for
        patches is bounded: if they need more, they are processed in steps, which the backward pass
        computes again.

    Raises:
        ValueError: a layer is missing or differs in shape, a patch is larger than a layer, an
            option value is unknown, or a weight is negative.
        TypeError: features are not a mapping, or not floating point.

    Agrees with BasicSR's (mmagic's) style loss and piq's to float64 rounding, see
    ``conventions.GRAM``.
    """
    check_features(pred_features, target_features, options.layers)
    gram, distance = options.gram, options.distance
    terms = []
    for layer, weight in options.layers.items():
        pred, target = pred_features[layer], target_features[layer]
        size = _of_layer(options.patch_size, layer)
        if size is None:
            term = _whole(pred, target, gram, distance)
        else:
            window_counts(f"pred_features[{layer!r}]", pred, size, 1)
            stride = _of_layer(options.stride, layer) or size
            term = _patches(pred, target, gram, distance, size, stride)
        terms.append(weight * term)
    return reduce_terms(
        torch.stack(terms, 1), options.reduction, native_dtype(pred_features, target_features)
    )


def _of_layer(sizes: int | Mapping[str, int] | None, layer: str) -> int | None:
    return sizes[layer] if isinstance(sizes, Mapping) else sizes


@full_precision
def _whole(
    pred: Tensor, target: Tensor, normalization: GramNormalization, distance: GramDistance
) -> Tensor:
    """``(N,)``, or ``(1,)`` for ``"bchw"``."""
    pred, target = promote(pred, target)
    return _distance(gram(pred, normalization), gram(target, normalization), distance)


@full_precision
def _patches(
    pred: Tensor,
    target: Tensor,
    normalization: GramNormalization,
    distance: GramDistance,
    size: int,
    stride: int,
) -> Tensor:
    """The mean over patches, ``(N,)``, in steps over rows of patches that bound the memory."""
    pred, target = promote(pred, target)
    n, channels = pred.shape[:2]
    rows, columns = window_counts("pred", pred, size, stride)
    per_row = n * columns * channels * (size**2 + channels)
    step = min(max(STEP // max(per_row, 1), 1), rows)

    def total(pred: Tensor, target: Tensor) -> Tensor:
        grams = [window_grams(features, normalization, size, stride) for features in (pred, target)]
        values = _distance(grams[0], grams[1], distance)
        return values.reshape(n, -1).sum(1) if n else values

    if step == rows:
        return total(pred, target) / (rows * columns)
    of_rows = in_steps(total)
    sums = []
    for first in range(0, rows, step):
        # Slice before making windows: the gradient of a slice then has the size of the features,
        # not of all windows.
        inside = slice(first * stride, (min(first + step, rows) - 1) * stride + size)
        sums.append(of_rows(pred[:, :, inside], target[:, :, inside]))
    return torch.stack(sums).sum(0) / (rows * columns)


def _distance(pred: Tensor, target: Tensor, distance: GramDistance) -> Tensor:
    """The distance over the elements of matrices ``(B, C, C)``: ``(B,)``."""
    difference = (pred - target).flatten(1)
    elements = max(difference.shape[1], 1)  # 0 for "bchw" with an empty batch
    if distance == "l1":
        return difference.abs().sum(1) / elements
    squared = difference.square().sum(1)
    if distance == "l2":
        return squared / elements
    return squared if distance == "squared_frobenius" else root(squared)


TEXTURE = Measure(
    "texture",
    "texture loss",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Gatys, Ecker & Bethge 2016",
    _texture,
    TextureOptions,
    role="loss",
    autocast=True,
)
texture_loss = TEXTURE.loss
