"""Distance between deep features at each position: the LPIPS family with any network, layers,
distance and heads.

Zhang et al. 2018 (LPIPS); the family as in Khatami & Mahmoudi-Aznaveh 2023.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision, product, promote
from ssimloss._reduce import Scores, reduce
from ssimloss.functional.features import (
    Features,
    Heads,
    Layered,
    check_features,
    check_heads,
    check_weights,
    native_dtype,
    unit_vectors,
    weighted,
)
from ssimloss.measure import Measure

FeatureDistance = Literal["l1", "l2", "cosine", "normalized_l2"]
FEATURE_DISTANCES: tuple[str, ...] = get_args(FeatureDistance)


class DeepSimilarityOptions(Layered):
    """Options of the distance between feature vectors.

    Args:
        distance: between two vectors, summed over channels: ``"l1"`` is ``|p - t|``, ``"l2"`` is
            ``(p - t)^2``, ``"normalized_l2"`` is ``"l2"`` of unit vectors as in LPIPS, and
            ``"cosine"`` is half of that, one minus the cosine (0 for two zero vectors).
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.
    """

    distance: FeatureDistance = "normalized_l2"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("distance", self.distance, FEATURE_DISTANCES)


def _deep_similarity(
    pred_features: Features,
    target_features: Features,
    options: DeepSimilarityOptions,
    *,
    heads: Heads | None = None,
    map_size: tuple[int, int] | None = None,
    mask: Tensor | None = None,
) -> Scores:
    """Distance between the feature vectors at each position, averaged over positions and summed
    over layers.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        heads: one 1-D tensor per layer, in the order of ``layers``: weights of the channels in that
            sum; 1 by default.
        map_size: size ``(H, W)`` of a map of distances, usually that of the images. The layers'
            maps are resized to it bilinearly and added.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position. With ``map_size``, the mask must have that size and
            weights the map. An image whose weights are all 0 has the distance 0.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` ``(N,)``, or the map
        ``(N, 1, H, W)``.

    Raises:
        ValueError: a layer is missing or differs in shape, heads do not fit, or an option value is
            unknown.
        TypeError: features are not a mapping, or not floating point.
    """
    return distance_of_layers(pred_features, target_features, options, heads, map_size, mask)


def distance_of_layers(
    pred_features: Features,
    target_features: Features,
    options: DeepSimilarityOptions,
    heads: Heads | None,
    map_size: tuple[int, int] | None,
    mask: Tensor | None,
) -> Scores:
    """The sum over layers, ``(N,)``, or the map ``(N, 1, H, W)``."""
    layers = options.layers
    check_features(pred_features, target_features, layers)
    check_weights(mask, {layer: pred_features[layer] for layer in layers})
    if heads is not None:
        check_heads("heads", heads, {layer: pred_features[layer].shape[1] for layer in layers})
    if map_size is not None:
        for side in map_size:
            _checks.count("map_size", side)
        if mask is not None and tuple(mask.shape[2:]) != tuple(map_size):
            raise ValueError(
                f"mask must have the sides {tuple(map_size)} of map_size, got {tuple(mask.shape)}"
            )
    total = None
    for i, (layer, weight) in enumerate(layers.items()):
        pred, target, mass = weighted(pred_features[layer], target_features[layer], mask)
        head = None if heads is None else heads[i]
        at_positions = _at_positions(pred, target, options.distance, head)
        values = weight * (
            reduce(at_positions, "image", mass)
            if map_size is None
            else _resize(at_positions, map_size)
        )
        total = values if total is None else total + values
    assert total is not None
    weights = None
    if map_size is not None and mask is not None:
        weights = mask.to(total.dtype).mean(1, keepdim=True)
    return Scores(total, weights, dtype=native_dtype(pred_features, target_features))


def channel_distances(
    pred_features: Features,
    target_features: Features,
    *,
    layers: Mapping[str, float],
    distance: FeatureDistance,
) -> Tensor:
    """The quantities that heads weight: the distance of each channel of each layer, averaged over
    positions and weighted by layer, ``(N, sum of channels)``.
    """
    DeepSimilarityOptions(layers=layers, distance=distance)  # checks them
    check_features(pred_features, target_features, layers)
    return torch.cat(
        [
            w * _per_channel(pred_features[layer], target_features[layer], distance).mean((2, 3))
            for layer, w in layers.items()
        ],
        1,
    )


@full_precision
def _at_positions(
    pred: Tensor, target: Tensor, distance: FeatureDistance, head: Tensor | None
) -> Tensor:
    """``(N, 1, H, W)``."""
    values = _per_channel(pred, target, distance)
    if head is not None:
        values = values * head.to(values.dtype).view(-1, 1, 1)
    return values.sum(1, keepdim=True)


@full_precision
def _per_channel(pred: Tensor, target: Tensor, distance: FeatureDistance) -> Tensor:
    """``(N, C, H, W)``, whose sum over channels is the distance of two vectors."""
    pred, target = promote(pred, target)
    if distance in ("cosine", "normalized_l2"):
        pred, target = unit_vectors(pred), unit_vectors(target)
    if distance == "l1":
        return (pred - target).abs()
    squared = (pred - target).square()
    return squared / 2 if distance == "cosine" else squared


@full_precision
def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """``(N, 1, h, w)`` resized bilinearly to ``(N, 1, *size)``, corners not aligned.

    Matrices are used because the backward pass of torch's own resizing uses atomics on CUDA.
    """
    rows, columns = (
        _interpolation(maps.shape[2 + i], size[i], maps).expand(len(maps), -1, -1) for i in (0, 1)
    )
    return product(product(rows, maps.squeeze(1)), columns.mT).unsqueeze(1)


def _interpolation(size: int, to: int, like: Tensor) -> Tensor:
    """``(to, size)`` weights of linear interpolation."""
    centres = (torch.arange(to, device=like.device, dtype=like.dtype) + 0.5) * (size / to) - 0.5
    distance = centres.clamp(0, size - 1).unsqueeze(1) - torch.arange(
        size, device=like.device, dtype=like.dtype
    )
    return (1 - distance.abs()).clamp_min(0)


DEEP_SIMILARITY = Measure(
    "deep_similarity",
    "deep similarity",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Khatami & Mahmoudi-Aznaveh 2023",
    _deep_similarity,
    DeepSimilarityOptions,
    role="index",
    autocast=True,
)
deep_similarity = DEEP_SIMILARITY.loss
