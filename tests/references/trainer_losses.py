"""Losses that training frameworks have, from their definitions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from references.basics import Array, Range, span
from references.edges import correlate3
from references.pyramids import laplacian_pyramid
from references.ssimulacra2 import linear_light

_TO_RGB = (
    (3.240969941904521, -1.537383177570093, -0.498610760293),
    (-0.96924363628087, 1.87596750150772, 0.041555057407175),
    (0.055630079696993, -0.20397695888897, 1.056971514242878),
)


_TO_XYZ = (
    (0.41239079926595, 0.35758433938387, 0.18048078840183),
    (0.21263900587151, 0.71516867876775, 0.072192315360733),
    (0.019330818715591, 0.11919477979462, 0.95053215224966),
)


_WHITE_U, _WHITE_V = 0.19783000664283, 0.46831999493879


def hsluv_of(rgb: Array) -> Array:
    """Hue from 0 to 360, saturation and lightness from 0 to 100 of sRGB in [0, 1], ``(3, ...)``."""
    x, y, z = np.tensordot(_TO_XYZ, linear_light(rgb), 1)
    lightness = np.where(y > 0.0088564516, 116 * np.cbrt(y) - 16, 903.2962962 * y)
    divisor = np.maximum(x + 15 * y + 3 * z, 1e-300)
    u = 13 * lightness * (4 * x / divisor - _WHITE_U)
    v = 13 * lightness * (9 * y / divisor - _WHITE_V)
    chroma, hue = np.hypot(u, v), np.arctan2(v, u)
    none = (chroma < 1e-8) | (lightness < 1e-7) | (lightness > 100 - 1e-7)
    saturation = 100 * chroma / np.where(none, 1, _largest_chroma(lightness, hue))
    hue, saturation = np.where(none, 0, np.degrees(hue) % 360), np.where(none, 0, saturation)
    return np.stack((hue, saturation, lightness))


def _largest_chroma(lightness: Array, hue: Array) -> Array:
    """Along the ray of a hue to the first line where a channel of linear RGB is 0 or 1."""
    luminance = (lightness + 16) ** 3 / 1560896
    luminance = np.where(luminance > 0.0088564516, luminance, lightness / 903.2962962)
    least = np.full_like(lightness, np.inf)
    for m_1, m_2, m_3 in _TO_RGB:
        for bound in (0, 1):
            bottom = (632260 * m_3 - 126452 * m_2) * luminance + 126452 * bound
            above = (284517 * m_1 - 94839 * m_3) * luminance
            intercept = (838422 * m_3 + 769860 * m_2 + 731718 * m_1) * lightness * luminance
            intercept -= 769860 * bound * lightness
            with np.errstate(divide="ignore", invalid="ignore"):
                slope, intercept = above / bottom, intercept / bottom
                length = intercept / (np.sin(hue) - slope * np.cos(hue))
            least = np.where((length >= 0) & (length < least), length, least)
    return least


def _distance(difference: Array, distance: str, eps: float) -> Array:
    if distance == "charbonnier":
        return np.hypot(difference, eps)
    return np.abs(difference) if distance == "l1" else difference**2


def hsluv(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    weights: Sequence[float] = (1 / 3, 1 / 3, 1 / 3),
    distance: str = "l1",
    eps: float = 1e-3,
    edges: str = "continuous",
    white_test: str = "both",
) -> Array:
    """HSLuv consistency of each image; ``edges`` and ``white_test`` as in the conventions."""
    lo, length = span(data_range)
    values = []
    for pair in zip(x, y, strict=True):
        (h_x, s_x, l_x), (h_y, s_y, l_y) = (
            hsluv_of(np.clip(np.broadcast_to((image - lo) / length, (3, *image.shape[1:])), 0, 1))
            / np.array([360, 100, 100]).reshape(3, 1, 1)
            for image in pair
        )
        turn = np.abs(h_x - h_y)
        hue = 2 * np.minimum(turn, 1 - turn)
        chord_x, chord_y = 1 - np.abs(2 * l_x - 1), 1 - np.abs(2 * l_y - 1)
        if edges == "continuous":
            hue = hue * np.minimum(s_x * chord_x, s_y * chord_y)
            saturation = _distance(s_x * chord_x - s_y * chord_y, distance, eps)
        else:
            hue = np.where((s_x < 0.1) & (s_y < 0.1), 0, hue)
            hue = np.where((s_x < 0.1) != (s_y < 0.1), np.maximum(s_x, s_y), hue)
            hue = np.where((l_x < 0.1) & (l_y < 0.1), 0, hue)
            hue = np.where((l_x > 0.9) & ((l_y > 0.9) | (white_test == "pred")), 0, hue)
            saturation = _distance(s_x - s_y, distance, eps) * (chord_x + chord_y) / 2
        parts = (hue, saturation, _distance(l_x - l_y, distance, eps))
        values.append(sum(w * part.mean() for w, part in zip(weights, parts, strict=True)))
    return np.array(values)


def _kernel(name: str, offset: float) -> float:
    t = abs(offset)
    if name == "bilinear":
        return max(1 - t, 0)
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0


def downscaled(image: Array, factor: int, name: str) -> Array:
    """``(N, C, H, W)``, tap by tap; kernels are widened by the factor and cut off at the border."""
    for axis in (2, 3):
        length = image.shape[axis]
        rows = []
        for out in range(length // factor):
            if name == "area":
                weights = [float(out * factor <= i < (out + 1) * factor) for i in range(length)]
            else:
                centre = (out + 0.5) * factor - 0.5
                weights = [_kernel(name, (i - centre) / factor) for i in range(length)]
            rows.append(np.array(weights) / sum(weights))
        image = np.moveaxis(np.tensordot(np.array(rows), image, (1, axis)), 0, axis)
    return image


def average(
    x: Array,
    y: Array,
    *,
    factor: int = 4,
    name: str = "area",
    distance: str = "l1",
    eps: float = 1e-3,
) -> Array:
    """The distance of downscaled images, each by itself."""
    difference = downscaled(x, factor, name) - downscaled(y, factor, name)
    return _distance(difference, distance, eps).mean((1, 2, 3))


def huber(x: Array, y: Array, *, delta: float = 1.0) -> Array:
    """The integral of the error cut to ``[-delta, delta]``, of each image."""
    size = np.abs(x - y)
    beyond = np.maximum(size - delta, 0)
    return ((size - beyond) ** 2 / 2 + delta * beyond).mean(tuple(range(1, x.ndim)))


def clipped(
    x: Array,
    y: Array,
    *,
    distance: str = "l1",
    eps: float = 1e-3,
    low: float = 1 / 255,
    high: float = np.inf,
) -> Array:
    """A distance between two limits, of each image."""
    values = np.clip(_distance(x - y, distance, eps), low, high)
    return values.mean(tuple(range(1, x.ndim)))


def cosine_distance(
    x: Array, y: Array, *, data_range: Range = 1.0, offset: float = 0.01, factor: float = 1.0
) -> Array:
    """One minus the cosine between vectors of channels, of each image."""
    lo, length = span(data_range)
    x, y = ((image - lo) / length + offset for image in (x, y))
    norms = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    return factor * (1 - ((x * y).sum(1) / norms).mean((1, 2)))


def ncc(
    x: Array, y: Array, *, data_range: Range = 1.0, k: float = 0.01, weight: Array | None = None
) -> Array:
    """The correlation of planes with a constant, ``(N, C)``."""
    c = (k * span(data_range)[1]) ** 2
    found = np.empty(x.shape[:2])
    for n, channel in np.ndindex(found.shape):
        a, b = x[n, channel].ravel(), y[n, channel].ravel()
        share = None if weight is None else weight[n, channel].ravel()
        cov = np.cov(a, b, bias=True, aweights=share)
        found[n, channel] = (cov[0, 1] + c) / np.sqrt((cov[0, 0] + c) * (cov[1, 1] + c))
    return found


def gradient_variance(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    patch_size: int = 8,
    distance: str = "l2",
    eps: float = 1e-3,
) -> Array:
    """Of each image, patch by patch."""
    lo, length = span(data_range)
    values = []
    for pair in zip(x, y, strict=True):
        variances = []
        for image in pair:
            unit = (image - lo) / length
            gray = unit[0]
            if len(unit) == 3:
                gray = 0.2989 * unit[0] + 0.5870 * unit[1] + 0.1140 * unit[2]
            wide = np.pad(gray, 1)[None, None]
            for kernel in (
                ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
                ((1, 2, 1), (0, 0, 0), (-1, -2, -1)),
            ):
                edges = correlate3(wide, kernel)[0, 0, 1:-1, 1:-1]
                rows, columns = (side // patch_size for side in gray.shape)
                variances += [
                    np.var(
                        edges[
                            i * patch_size : (i + 1) * patch_size,
                            j * patch_size : (j + 1) * patch_size,
                        ],
                        ddof=1,
                    )
                    for i in range(rows)
                    for j in range(columns)
                ]
        half = len(variances) // 2
        difference = np.array(variances[:half]) - np.array(variances[half:])
        values.append(2 * _distance(difference, distance, eps).mean())
    return np.array(values)


def pyramid_distance(
    x: Array,
    y: Array,
    *,
    level_weights: Sequence[float] = (1, 1, 1, 1, 1),
    distance: str = "l1",
    eps: float = 1e-3,
) -> Array:
    """Of each image, channel by channel; bands of matlabPyrTools double with every level."""
    values = np.zeros(len(x))
    for n, channel in np.ndindex(*x.shape[:2]):
        pyramids = [laplacian_pyramid(image[n, channel], len(level_weights)) for image in (x, y)]
        for level, (a, b) in enumerate(zip(*pyramids, strict=True)):
            found = _distance((a - b) / 2**level, distance, eps).mean()
            values[n] += level_weights[level] * found / x.shape[1]
    return values
