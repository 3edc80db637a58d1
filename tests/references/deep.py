"""Losses of deep features."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import Array, reduce


def gram(features: Array, normalization: str = "chw") -> Array:
    """Gram matrices ``(N, C, C)`` entry by entry; ``bchw`` is one ``(N C, N C)`` matrix of all
    images' channels.
    """
    n, c, h, w = features.shape
    if normalization == "bchw":
        features, n, c, divisor = features.reshape(1, n * c, h, w), 1, n * c, n * c * h * w
    else:
        divisor = {"chw": c * h * w, "hw": h * w, "none": 1, "gatys": 2 * c * h * w}[normalization]
    matrices = np.empty((n, c, c))
    for image, a, b in itertools.product(range(n), range(c), range(c)):
        matrices[image, a, b] = (features[image, a] * features[image, b]).sum() / divisor
    return matrices


def windows(features: Array, size: int, stride: int) -> Array:
    """All ``size x size`` windows that fit, row by row: ``(N, P, C, size, size)``."""
    height, width = features.shape[2:]
    corners = itertools.product(
        range(0, height - size + 1, stride), range(0, width - size + 1, stride)
    )
    return np.stack([features[:, :, i : i + size, j : j + size] for i, j in corners], axis=1)


def matrix_distance(a: Array, b: Array, distance: str) -> Array:
    """Over the last two axes: mean of ``l1`` or ``l2``, ``frobenius`` norm or its square."""
    difference = a - b
    return {
        "l1": np.abs(difference).mean(axis=(-2, -1)),
        "l2": (difference**2).mean(axis=(-2, -1)),
        "frobenius": np.sqrt((difference**2).sum(axis=(-2, -1))),
        "squared_frobenius": (difference**2).sum(axis=(-2, -1)),
    }[distance]


def unit(features: Array) -> Array:
    """Vectors along axis 1 divided by their norm + 1e-10 (Zhang et al. 2018; the constant is their
    program's).
    """
    return features / (np.sqrt((features**2).sum(axis=1, keepdims=True)) + 1e-10)


def content(
    x: Array, y: Array, distance: str = "l1", eps: float = 1e-3, weight: Array | None = None
) -> Array:
    """One layer's distance, per image; ``weight`` is ``(N, 1, H, W)``. The cosine of a zero vector
    with any is taken as undefined.
    """
    if distance == "cosine":
        dots = (x * y).sum(axis=1, keepdims=True)
        values = 1 - dots / np.sqrt(
            (x**2).sum(axis=1, keepdims=True) * (y**2).sum(axis=1, keepdims=True)
        )
    else:
        d = x - y
        values = {"l1": np.abs(d), "l2": d**2, "charbonnier": np.sqrt(d**2 + eps**2)}[distance]
    return np.asarray(reduce(values, weight, "image"))


def lpips(xs: Sequence[Array], ys: Sequence[Array], heads: Sequence[Array]) -> Array:
    """Zhang et al. 2018, eq. 1: per image, the sum over layers of the mean over positions of
    ``w . (x - y)^2`` of unit vectors.
    """
    total = np.zeros(len(xs[0]))
    for x, y, head in zip(xs, ys, heads, strict=True):
        squared = (unit(x) - unit(y)) ** 2
        total += np.einsum("nchw,c->nhw", squared, head).mean(axis=(1, 2))
    return total


def alexnet(images: Array, state: Mapping[str, Array]) -> list[Array]:
    """relu1 .. relu5 of AlexNet (Krizhevsky 2014, as in torchvision) of ``(N, 3, H, W)``."""
    x, found = images, []
    for place, stride, padding in ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)):
        kernel, bias = state[f"features.{place}.weight"], state[f"features.{place}.bias"]
        if place in (3, 6):
            x = sliding_window_view(x, (3, 3), (2, 3))[:, :, ::2, ::2].max((4, 5))
        edges = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
        patches = sliding_window_view(np.pad(x, edges), kernel.shape[2:], (2, 3))
        patches = patches[:, :, ::stride, ::stride]
        x = np.tensordot(patches, kernel.astype(np.float64), ((1, 4, 5), (1, 2, 3)))
        x = np.maximum(x + bias, 0).transpose(0, 3, 1, 2)
        found.append(x)
    return found


def dists(
    xs: Sequence[Array],
    ys: Sequence[Array],
    alpha: Sequence[Array],
    beta: Sequence[Array],
    c: float = 1e-6,
) -> Array:
    """Ding et al. 2020, eq. 5: per image ``1 - sum (alpha l + beta s)``, global moments, weights
    divided by their sum.
    """
    total, score = sum(w.sum() for w in (*alpha, *beta)), np.zeros(len(xs[0]))
    for x, y, a, b in zip(xs, ys, alpha, beta, strict=True):
        for image, channel in itertools.product(range(len(x)), range(x.shape[1])):
            p, t = x[image, channel], y[image, channel]
            texture = (2 * p.mean() * t.mean() + c) / (p.mean() ** 2 + t.mean() ** 2 + c)
            covariance = ((p - p.mean()) * (t - t.mean())).mean()
            structure = (2 * covariance + c) / (p.var() + t.var() + c)
            score[image] += (a[channel] * texture + b[channel] * structure) / total
    return 1 - score


def adists(
    xs: Sequence[Array], ys: Sequence[Array], size: int = 21, content: str = "target"
) -> Array:
    """Ding et al. 2021 as their program A-DISTS.py: per image ``1 - sum w ((1 - p) l + p s)``. The
    dispersion of the content's features makes ``p``, the entropy of its channels ``w``.

    What the program leaves to rounding is decided: a constant dispersion makes ``p = 0``, and a
    window of a single position counts as none.
    """
    score = []
    for image in range(len(xs[0])):
        x, y = ([layer[image] for layer in layers] for layers in (xs, ys))
        of = y if content == "target" else x
        shares, weights = _structure_shares(of, size), _entropy_weights(of)
        total = 0.0
        for p, t, share, weight in zip(x, y, shares, weights, strict=True):
            for channel in range(len(p)):
                a, b = p[channel], t[channel]
                a, b = (plane / max(np.sqrt((plane**2).sum()), 1e-12) for plane in (a, b))
                (mu_a, mu_b), covariance = _window_moments(a, b, size)
                texture = (2 * mu_a * mu_b + 1e-6) / (mu_a**2 + mu_b**2 + 1e-6)
                (var_a, var_b) = (_window_moments(v, v, size)[1] for v in (a, b))
                structure = (2 * covariance + 1e-6) / (var_a + var_b + 1e-6)
                similarity = (1 - share) * texture + share * structure
                total += weight[channel] * similarity.mean()
        score.append(1 - total)
    return np.array(score)


def _window_moments(a: Array, b: Array, size: int) -> tuple[list[Array], Array]:
    """Means and covariance of planes under a Gaussian of sigma ``size / 3``, about the window's own
    means; of the whole planes, as 1 x 1 maps, where there are not two windows.
    """
    rows, columns = (side - size + 1 for side in a.shape)
    if min(rows, columns) < 1 or rows * columns == 1:
        cuts, weight = [v[None, None] for v in (a, b)], np.full(a.shape, 1 / a.size)
    else:
        distance = np.arange(size) - size // 2
        taps = np.exp(-(distance**2) / (2 * (size / 3) ** 2))
        weight = np.outer(taps, taps) / taps.sum() ** 2
        cuts = [sliding_window_view(v, (size, size)) for v in (a, b)]
    means = [np.einsum("ijkl,kl->ij", cut, weight) for cut in cuts]
    covariance = np.zeros(means[0].shape)
    for row in range(len(covariance)):  # a row at a time, which bounds the memory
        p, t = (cut[row] - mean[row][:, None, None] for cut, mean in zip(cuts, means, strict=True))
        covariance[row] = np.einsum("jkl,jkl,kl->j", p, t, weight)
    return means, covariance


def _structure_shares(layers: Sequence[Array], size: int) -> list[Array]:
    """``p`` of each layer, ``(h, w)``."""
    found: list[Array] = []
    for layer in reversed(layers):
        pairs = [_window_moments(plane, plane, size) for plane in layer]
        gamma = np.mean([variance / (means[0] + 1e-12) for means, variance in pairs], axis=0)
        scales = gamma.size > 1
        if scales:
            deviation = gamma.std(ddof=1)
            constant = deviation < 1e-13 * np.abs(layer).max()
            gamma = (gamma - gamma.mean()) * (0 if constant else 1 / (deviation + 1e-12))
        share = 1 / (1 + np.exp(-gamma))
        if scales:
            share = _to_unit_range(share)
        if found:
            share = share * _corner_to_corner(found[-1], share.shape)
        found.append(_to_unit_range(share) if scales else share)
    return found[::-1]


def _to_unit_range(values: Array) -> Array:
    return (values - values.min()) / (values.max() - values.min() + 1e-12)


def _interpolated(values: Array, places: Array, knots: Array) -> Array:
    return np.interp(places, knots, values)


def _corner_to_corner(values: Array, shape: tuple[int, ...]) -> Array:
    """Bilinear, the corners on the corners."""
    for axis in (0, 1):
        places = np.linspace(0, values.shape[axis] - 1, shape[axis])
        if shape[axis] == 1:
            places = np.zeros(1)
        knots = np.arange(values.shape[axis])
        values = np.apply_along_axis(_interpolated, axis, values, places, knots)
    return values


def _entropy_weights(layers: Sequence[Array]) -> list[Array]:
    """``w`` of the channels, 1-D for each layer."""
    found = []
    for layer in layers:
        entropies = []
        for plane in np.maximum(layer, 0):
            share = plane / max(plane.sum(), 1e-300)
            entropies.append(-(share * np.log2(share + 1e-12)).sum())
        found.append(len(layer) * np.array(entropies) / (np.sum(entropies) + 1e-12))
    weights = np.concatenate(found) / np.sum(np.concatenate(found))
    weights = np.clip(
        weights, weights.mean() - weights.std() / 2, weights.mean() + weights.std() / 2
    )
    return np.split(weights / weights.sum(), np.cumsum([len(layer) for layer in layers])[:-1])


def contextual(x: Array, y: Array, bandwidth: float = 0.5, distance: str = "cosine") -> Array:
    """Mechrez et al. 2018, eq. 1-5, per image: ``-log mean_j max_i CX_ij``, the target's mean taken
    out of both (of each image alone).
    """
    losses = []
    for p, t in zip(x, y, strict=True):
        mean = t.mean(axis=(1, 2), keepdims=True)
        # (positions, channels)
        p, t = ((features - mean).reshape(len(features), -1).T for features in (p, t))
        if distance == "cosine":
            cosines = p @ t.T / np.linalg.norm(p, axis=1)[:, None] / np.linalg.norm(t, axis=1)
            d = (1 - cosines) / 2
        else:
            d = ((p[:, None] - t[None]) ** 2).sum(axis=2)
        relative = d / (d.min(axis=1, keepdims=True) + 1e-5)
        w = np.exp((1 - relative) / bandwidth)
        losses.append(-np.log((w / w.sum(axis=1, keepdims=True)).max(axis=0).mean()))
    return np.array(losses)


def soft_argmax(heatmaps: Array, sharpness: float) -> Array:
    """``(N, K, 2)``: x and y of the mean position under the softmax, centres of positions at
    ``(i + 1/2) / side``.
    """
    n, k, height, width = heatmaps.shape
    points = np.empty((n, k, 2))
    for image, landmark in itertools.product(range(n), range(k)):
        weight = np.exp(sharpness * (heatmaps[image, landmark] - heatmaps[image, landmark].max()))
        weight /= weight.sum()
        points[image, landmark, 0] = sum(
            weight[:, j].sum() * (j + 0.5) / width for j in range(width)
        )
        points[image, landmark, 1] = sum(
            weight[i].sum() * (i + 0.5) / height for i in range(height)
        )
    return points
