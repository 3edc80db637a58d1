"""Perceptual distances from deep features: LPIPS and its family, and DISTS.

Zhang et al. 2018 (LPIPS); Ding et al. 2020 (DISTS); the family over networks, layers and distances
as in Khatami & Mahmoudi-Aznaveh 2023.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision, product, promote
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss.functional.features import (
    Features,
    check_features,
    check_layers,
    native_dtype,
    unit_vectors,
)

FeatureDistance = Literal["l1", "l2", "cosine", "normalized_l2"]
FEATURE_DISTANCES: tuple[str, ...] = get_args(FeatureDistance)
Heads = Sequence[Tensor]
DISTS_C = 1e-6  # both of its constants


def check_heads(name: str, heads: Heads, channels: Mapping[str, int]) -> None:
    """Demand one 1-D tensor of weights for each of the layers, as long as the layer
    has channels.
    """
    if isinstance(heads, (str, Tensor)) or not isinstance(heads, Sequence):
        raise TypeError(
            f"{name} must be a list of 1-D tensors, one per layer, got {type(heads).__name__}; "
            "Tensor.split makes one"
        )
    found = [
        tuple(head.shape) if isinstance(head, Tensor) else type(head).__name__ for head in heads
    ]
    if found != [(count,) for count in channels.values()]:
        raise ValueError(
            f"{name} must be {len(channels)} 1-D tensors with the numbers of weights "
            f"{dict(channels)}, got shapes {found}"
        )
    for i, head in enumerate(heads):
        if not head.dtype.is_floating_point:
            raise TypeError(
                f"{name}[{i}] must be floating point, got {head.dtype}; cast it with .float()"
            )


# --- LPIPS and its family -------------------------------------------------------------------------


def check_deep_similarity_options(
    *, layers: Mapping[str, float], distance: str, reduction: str
) -> None:
    """Raise for options that ``deep_similarity`` refuses."""
    check_layers(layers)
    _checks.choice("distance", distance, FEATURE_DISTANCES)
    check_reduction(reduction)


def deep_similarity(
    pred_features: Features,
    target_features: Features,
    *,
    layers: Mapping[str, float],
    distance: FeatureDistance = "normalized_l2",
    heads: Heads | None = None,
    map_size: tuple[int, int] | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Distance between the feature vectors at each position, averaged over positions and summed
    over layers.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights of the layers to compare; others are not looked at.
        distance: between two vectors, the sum over channels of ``"l1"``: ``|p - t|``; ``"l2"``:
            ``(p - t)^2``; ``"normalized_l2"``: the same of unit vectors, as in LPIPS; ``"cosine"``:
            half of that, which is one minus the cosine (0 for two zero vectors).
        heads: one 1-D tensor per layer, in the order of ``layers``: weights of the channels in that
            sum, 1 unless given.
        map_size: ``(H, W)`` of a map of distances, usually of the images: the layers' maps are
            resized to it bilinearly and added.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` ``(N,)``, or the map
        ``(N, 1, H, W)``.

    Raises:
        ValueError: a layer that is missing or differs in shape, heads that do not fit, unknown
            words.
        TypeError: features that are no mapping or not floating point.
    """
    check_deep_similarity_options(layers=layers, distance=distance, reduction=reduction)
    check_features(pred_features, target_features, layers)
    if heads is not None:
        check_heads("heads", heads, {layer: pred_features[layer].shape[1] for layer in layers})
    if map_size is not None:
        for side in map_size:
            _checks.count("map_size", side)
    dtype = native_dtype(pred_features, target_features)
    total = None
    for i, (layer, weight) in enumerate(layers.items()):
        at_positions = _at_positions(
            pred_features[layer],
            target_features[layer],
            distance,
            None if heads is None else heads[i],
        )
        values = weight * (
            reduce(at_positions, "image") if map_size is None else _resize(at_positions, map_size)
        )
        total = values if total is None else total + values
    assert total is not None
    return reduce(total, reduction, dtype=dtype)


def lpips(
    pred_features: Features,
    target_features: Features,
    *,
    heads: Heads,
    map_size: tuple[int, int] | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """LPIPS: squared distances of unit feature vectors, channels weighed by learned heads, averaged
    over positions, summed over layers.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``; the layers are
            those of ``pred_features``, in its order.
        heads: one 1-D tensor per layer.
        map_size: ``(H, W)`` of a map, see :func:`deep_similarity`.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` ``(N,)``, or the map
        ``(N, 1, H, W)``.

    Raises:
        ValueError: layers that differ, heads that do not fit, unknown ``reduction``.
        TypeError: features that are no mapping or not floating point.

    Source: Zhang et al. 2018, eq. 1. Agrees with the package ``lpips`` to float64 rounding, except
    that the gradient at a zero vector, NaN there, is 0.
    """
    layers = dict.fromkeys(pred_features, 1.0) if isinstance(pred_features, Mapping) else {"": 1.0}
    return deep_similarity(
        pred_features,
        target_features,
        layers=layers,
        heads=heads,
        map_size=map_size,
        reduction=reduction,
    )


def channel_distances(
    pred_features: Features,
    target_features: Features,
    *,
    layers: Mapping[str, float],
    distance: FeatureDistance,
) -> Tensor:
    """What heads weigh: the weighted distance of each channel of each layer, averaged over
    positions, ``(N, sum of channels)``.
    """
    check_deep_similarity_options(layers=layers, distance=distance, reduction="none")
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

    By matrices, because the backward pass of torch's own resizing adds with atomics on CUDA.
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


# --- DISTS ----------------------------------------------------------------------------------------


def dists(
    pred_features: Features,
    target_features: Features,
    *,
    alpha: Heads,
    beta: Heads,
    reduction: Reduction = "mean",
) -> Tensor:
    """DISTS: one minus a weighted mean of texture and structure similarities of each channel,
    global over the image.

    ``l = (2 mu_x mu_y + c) / (mu_x^2 + mu_y^2 + c)`` is weighed by ``alpha``,
    ``s = (2 cov_xy + c) / (var_x + var_y + c)`` by ``beta``.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``; the original's are
            the image on a scale of [0, 1] and five layers of VGG16 with L2 pooling.
        alpha, beta: one 1-D tensor per layer, in the order of ``pred_features``; divided by the sum
            of all.
        reduction: ``"mean"`` and ``"sum"`` over images; ``"image"`` and ``"none"`` give ``(N,)``.

    Returns:
        A scalar, or ``(N,)``. Of features that are not negative an image's is in ``[0, 1 + b]``,
        where ``b`` is the share of ``beta`` in the sum of all weights, 0.124 as published: ``s`` is
        negative of opposite structures. ``l`` is so of means of opposite sign.

    Raises:
        ValueError: layers that differ, weights that do not fit, unknown ``reduction``.
        TypeError: features that are no mapping or not floating point.

    Source: Ding et al. 2020, eq. 3-5, c = 1e-6. Agrees with ``DISTS_pytorch`` and torchmetrics to
    their rounding: they subtract from 1, and ``E[xy] - E[x] E[y]``, where differences are taken
    first here.
    """
    check_reduction(reduction)
    check_features(
        pred_features, target_features, pred_features if isinstance(pred_features, Mapping) else ()
    )
    channels = {layer: features.shape[1] for layer, features in pred_features.items()}
    check_heads("alpha", alpha, channels)
    check_heads("beta", beta, channels)
    dtype = native_dtype(pred_features, target_features)
    wide = torch.promote_types(dtype, torch.float32)
    alpha, beta = ([head.to(wide) for head in heads] for heads in (alpha, beta))
    total = torch.cat([*alpha, *beta]).sum()
    parts = [
        _unlike(pred_features[layer], target_features[layer], a / total, b / total)
        for layer, a, b in zip(pred_features, alpha, beta, strict=True)
    ]
    return reduce(torch.stack(parts, 1).sum(1), reduction, dtype=dtype)


@full_precision
def _unlike(pred: Tensor, target: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """``sum_c alpha (1 - l) + beta (1 - s)`` of one layer, ``(N,)``, each ``1 -`` carried out in
    the numerator.
    """
    pred, target = promote(pred, target)
    mu_x, mu_y = (features.mean((2, 3), keepdim=True) for features in (pred, target))
    x, y = pred - mu_x, target - mu_y
    texture = (mu_x - mu_y).square() / (mu_x.square() + mu_y.square() + DISTS_C)
    spread = x.square().mean((2, 3)) + y.square().mean((2, 3))
    structure = (x - y).square().mean((2, 3)) / (spread + DISTS_C)
    return (texture.flatten(1) * alpha.to(pred.dtype) + structure * beta.to(pred.dtype)).sum(1)
