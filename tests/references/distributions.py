"""Distributions of features, and warped frames."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import Array, Range, span
from references.flip import exact_lab
from references.ssimulacra2 import linear_light


def projected(features: Array, directions: Array, stride: int = 1) -> Array:
    """``(K, positions)`` of one image ``(C, H, W)``: patch by patch, inner products."""
    size = directions.shape[-1]
    _, height, width = features.shape
    rows, columns = range(0, height - size + 1, stride), range(0, width - size + 1, stride)
    patches = [features[:, i : i + size, j : j + size] for i, j in itertools.product(rows, columns)]
    return np.array([[(patch * direction).sum() for patch in patches] for direction in directions])


def wasserstein(x: Array, y: Array, power: int = 1) -> float:
    """Of two samples of one size in one dimension: by quantiles."""
    return float(np.mean(np.abs(np.sort(x) - np.sort(y)) ** power))


def sliced_wasserstein(x: Array, y: Array, directions: Array, power: int = 2) -> Array:
    """Heitz et al. 2021, eq. 5-8, of one layer, per image."""
    found = []
    for p, t in zip(x, y, strict=True):
        both = [np.tensordot(directions, f.reshape(len(f), -1), 1) for f in (p, t)]  # (K, HW)
        found.append(np.mean([wasserstein(a, b, power) for a, b in zip(*both, strict=True)]))
    return np.array(found)


def ms_swd(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    scales: int = 5,
    projections: int = 128,
    patch_size: int = 11,
    seed: int = 0,
) -> Array:
    """He et al. 2024, per image: the sliced Wasserstein distance of all patches of each scale."""
    lo, length = span(data_range)
    levels = [np.broadcast_to((i - lo) / length, (len(i), 3, *i.shape[2:])) for i in (x, y)]
    drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal(
        (scales, projections, 3, patch_size, patch_size)
    )
    found = []
    for directions in drawn.reshape(scales, projections, -1):
        unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        unit = unit.astype(np.float32).astype(np.float64)
        patches = [
            _patches(np.stack([exact_lab(linear_light(image)) for image in level]), patch_size)
            for level in levels
        ]
        found.append(sliced_wasserstein(*patches, unit, power=1))
        levels = [_binomial(level)[:, :, ::2, ::2] for level in levels]
    return np.mean(found, axis=0)


def _patches(images: Array, size: int) -> Array:
    """The values about each pixel, mirrored at the border pixel: ``(N, C size size, H, W)``."""
    border = [(0, 0), (0, 0), *[(size // 2, size // 2)] * 2]
    around = sliding_window_view(np.pad(images, border, mode="reflect"), (size, size), (2, 3))
    n, _, h, w = images.shape
    return around.transpose(0, 1, 4, 5, 2, 3).reshape(n, -1, h, w)


def _binomial(images: Array) -> Array:
    taps = np.array([1, 4, 6, 4, 1]) / 16
    n, c, h, w = images.shape
    around = _patches(images, 5).reshape(n, c, 5, 5, h, w)
    return np.einsum("ncijhw,i,j->nchw", around, taps, taps)


def projected_distribution(x: Array, y: Array) -> Array:
    """Delbracio et al. 2021, the mean over channels of one layer, per image."""
    return np.array(
        [
            np.mean([wasserstein(a.ravel(), b.ravel()) for a, b in zip(p, t, strict=True)])
            for p, t in zip(x, y, strict=True)
        ]
    )


def frequency_distances(
    x: Array, y: Array, directions: Array, stride: int = 1
) -> tuple[Array, Array]:
    """Ni et al. 2024, of one layer, per image: of amplitudes and of phases."""
    found = []
    for p, t in zip(x, y, strict=True):
        spectra = [np.fft.fft2(features) for features in (p, t)]
        for spectrum in spectra:  # frequencies that are their own negative are real
            _, h, w = spectrum.shape
            for i, j in itertools.product(range(h), range(w)):
                if (-i % h, -j % w) == (i, j):
                    spectrum[:, i, j] = spectrum[:, i, j].real
        parts = (
            [np.abs(spectrum) for spectrum in spectra],
            [np.arctan2(spectrum.imag + 0.0, spectrum.real) for spectrum in spectra],
        )
        found.append(
            [
                np.mean(
                    [
                        wasserstein(a, b)
                        for a, b in zip(
                            *(projected(part, directions, stride) for part in pair), strict=True
                        )
                    ]
                )
                for pair in parts
            ]
        )
    amplitudes, phases = np.array(found).T
    return amplitudes, phases


def contextual_bilateral_similarity(
    x: Array,
    y: Array,
    spatial_weight: float = 0.1,
    bandwidth: float = 0.5,
    distance: str = "cosine",
) -> Array:
    """The program of Zhang et al. 2019, per image: exponentials of relative distances, divided by
    their sums; positions on a scale of 255; 1e-3 beside each least distance.
    """
    losses = []
    for p, t in zip(x, y, strict=True):
        _, height, width = p.shape
        grid = 255 * np.array([(i / height, j / width) for i, j in np.ndindex(height, width)])
        mean = t.mean(axis=(1, 2), keepdims=True) if distance == "cosine" else 0.0
        rows, columns = ((features - mean).reshape(len(features), -1).T for features in (p, t))
        if distance == "cosine":
            unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (rows, columns)]
            d = (1 - unit[0] @ unit[1].T) / 2
        else:
            d = ((rows[:, None] - columns[None]) ** 2).sum(2)
        parts = []
        for raw in (d, ((grid[:, None] - grid[None]) ** 2).sum(2)):
            scaled = np.exp((1 - raw / (raw.min(1, keepdims=True) + 1e-3)) / bandwidth)
            parts.append(scaled / scaled.sum(1, keepdims=True))
        mixed = (1 - spatial_weight) * parts[0] + spatial_weight * parts[1]
        losses.append(-np.log(mixed.max(0).mean()))
    return np.array(losses)


def contextual_bilateral(
    x: Array, y: Array, spatial_weight: float = 0.1, distance: str = "cosine"
) -> Array:
    """Zhang et al. 2019, eq. 3, per image: the target's mean taken out of both for cosines;
    positions in shares of the sides.
    """
    losses = []
    for p, t in zip(x, y, strict=True):
        _, height, width = p.shape
        places = [(i / height, j / width) for i in range(height) for j in range(width)]
        mean = t.mean(axis=(1, 2), keepdims=True)
        rows = [(features - mean).reshape(len(features), -1).T for features in (p, t)]
        nearest = []
        for vector, place in zip(rows[0], places, strict=True):
            found = []
            for other, elsewhere in zip(rows[1], places, strict=True):
                if distance == "cosine":
                    lengths = np.linalg.norm(vector) * np.linalg.norm(other)
                    d = (1 - vector @ other / lengths) / 2
                else:
                    d = ((vector - other) ** 2).sum()
                found.append(d + spatial_weight * np.hypot(*np.subtract(place, elsewhere)))
            nearest.append(min(found))
        losses.append(np.mean(nearest))
    return np.array(losses)


def warped(frame: Array, flow: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """``frame(x + u, y + v)`` of ``(C, H, W)`` by ``(2, H, W)`` in pixels, bilinearly, and where
    that lies inside.
    """
    _, height, width = frame.shape
    out, inside = np.zeros_like(frame), np.zeros((height, width), dtype=bool)
    for i, j in itertools.product(range(height), range(width)):
        x, y = j + flow[0, i, j], i + flow[1, i, j]
        inside[i, j] = 0 <= x <= width - 1 and 0 <= y <= height - 1
        if inside[i, j]:
            left, top = min(int(x), width - 2), min(int(y), height - 2)
            a, b = x - left, y - top
            upper = (1 - a) * frame[:, top, left] + a * frame[:, top, left + 1]
            lower = (1 - a) * frame[:, top + 1, left] + a * frame[:, top + 1, left + 1]
            out[:, i, j] = (1 - b) * upper + b * lower
    return out, inside
