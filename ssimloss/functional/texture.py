"""Texture loss: a distance between Gram matrices of deep features, of whole images or of patches.

Gatys, Ecker & Bethge 2016; Johnson, Alahi & Fei-Fei 2016; patches as in EnhanceNet (Sajjadi,
Schölkopf & Hirsch 2017).
"""

import functools
from collections.abc import Mapping
from typing import Literal, get_args

import torch
import torch.utils.checkpoint
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision, promote
from ssimloss._reduce import Reduction, check_reduction
from ssimloss._torch import is_transformed
from ssimloss.functional.features import (
    GRAM_NORMALIZATIONS,
    Features,
    GramNormalization,
    check_features,
    check_layers,
    gram,
    native_dtype,
    reduce_terms,
    root,
    window_counts,
    window_grams,
)

GramDistance = Literal["l1", "l2", "frobenius", "squared_frobenius"]
GRAM_DISTANCES: tuple[str, ...] = get_args(GramDistance)
# Numbers that the patches of one step and their matrices may hold: 64 MiB in float32.
STEP = 2**24


def check_texture_options(
    *,
    layers: Mapping[str, float],
    gram: str,
    distance: str,
    patch_size: int | Mapping[str, int] | None,
    stride: int | Mapping[str, int] | None,
    reduction: str,
) -> None:
    """Raise for options that ``texture_loss`` refuses."""
    check_layers(layers)
    _checks.choice("gram", gram, GRAM_NORMALIZATIONS)
    _checks.choice("distance", distance, GRAM_DISTANCES)
    for name, value in (("patch_size", patch_size), ("stride", stride)):
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
    if patch_size is None and stride is not None:
        raise ValueError(
            f"stride must be None without patch_size, got {stride!r}; pass patch_size, or leave "
            "stride out"
        )
    check_reduction(reduction)
    if gram == "bchw" and (reduction == "image" or patch_size is not None):
        other = (
            'reduction must not be "image"' if reduction == "image" else "patch_size must be None"
        )
        raise ValueError(
            f'{other} with gram="bchw", which mixes all images into one matrix; use gram="chw"'
        )


def texture_loss(
    pred_features: Features,
    target_features: Features,
    *,
    layers: Mapping[str, float],
    gram: GramNormalization = "chw",
    distance: GramDistance = "l1",
    patch_size: int | Mapping[str, int] | None = None,
    stride: int | Mapping[str, int] | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Distance between Gram matrices, ``sum_l w_l d(G(P_l), G(T_l))`` over the layers ``l``: like
    texture, wherever it sits.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights ``w_l`` of the layers to compare; others are not looked at.
        gram: normalisation of :func:`gram_matrix`. ``"bchw"`` makes one matrix of the whole batch.
        distance: over the elements of a matrix: mean of ``"l1"`` or ``"l2"`` (squared),
            ``"frobenius"`` (the root of the sum of squares) or ``"squared_frobenius"`` (the sum).
        patch_size: compare patch by patch, in positions of the layer: one number for all layers, or
            one per layer. The patches of 16 x 16 image pixels of EnhanceNet are
            ``{"relu1_1": 16, "relu2_1": 8, "relu3_1": 4}`` in VGG, whose sides halve between these.
            The loss of an image is the mean over its patches.
        stride: from patch to patch, ``patch_size`` unless given; what is left over at the far
            borders is in no patch.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` (not with ``"bchw"``); ``(N, L)`` for
        ``"none"``: the weighted term of each layer (``N = 1`` with ``"bchw"``). The memory for
        patches is bounded: where more would be needed they are taken in steps, and computed again
        for the gradient.

    Raises:
        ValueError: a layer that is missing or differs in shape, a patch larger than a layer,
            unknown words, a negative weight.
        TypeError: features that are no mapping or not floating point.

    Agrees with BasicSR's (mmagic's) style loss and piq's to float64 rounding, see
    ``conventions.GRAM``.
    """
    check_texture_options(
        layers=layers,
        gram=gram,
        distance=distance,
        patch_size=patch_size,
        stride=stride,
        reduction=reduction,
    )
    check_features(pred_features, target_features, layers)
    terms = []
    for layer, weight in layers.items():
        pred, target = pred_features[layer], target_features[layer]
        size = _of_layer(patch_size, layer)
        if size is None:
            term = _whole(pred, target, gram, distance)
        else:
            window_counts(f"pred_features[{layer!r}]", pred, size, 1)
            term = _patches(pred, target, gram, distance, size, _of_layer(stride, layer) or size)
        terms.append(weight * term)
    return reduce_terms(
        torch.stack(terms, 1), reduction, native_dtype(pred_features, target_features)
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
    """The mean over patches, ``(N,)``, in as many steps over rows of patches as the memory asks
    for.
    """
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
    again = functools.partial(
        torch.utils.checkpoint.checkpoint, total, use_reentrant=False, preserve_rng_state=False
    )
    of_rows = total if is_transformed() else again
    sums = []
    for first in range(0, rows, step):
        # Cut before the windows are made: the gradient of a slice is then as large as the features,
        # not as all the windows.
        inside = slice(first * stride, (min(first + step, rows) - 1) * stride + size)
        sums.append(of_rows(pred[:, :, inside], target[:, :, inside]))
    return torch.stack(sums).sum(0) / (rows * columns)


def _distance(pred: Tensor, target: Tensor, distance: GramDistance) -> Tensor:
    """Over the elements of matrices ``(B, C, C)``: ``(B,)``."""
    difference = (pred - target).flatten(1)
    elements = max(difference.shape[1], 1)  # none in an empty batch that "bchw" mixes
    if distance == "l1":
        return difference.abs().sum(1) / elements
    squared = difference.square().sum(1)
    if distance == "l2":
        return squared / elements
    return squared if distance == "squared_frobenius" else root(squared)
