"""Luma, colour spaces and differences of colours, and the protocol of super-resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from references.basics import Array, Range, span

LUMA = {
    # weights of R, G, B and offset, for values in [0, 1]
    "bt601_studio": ((65.481 / 255, 128.553 / 255, 24.966 / 255), 16 / 255),
    "bt601": ((0.299, 0.587, 0.114), 0.0),  # also Y of YIQ
    # As documented; the original code uses more digits, below.
    "matlab_gray": ((0.2989, 0.5870, 0.1140), 0.0),
}


def luma(rgb: Array, kind: str = "bt601_studio") -> Array:
    """``(N, 3, H, W)`` in [0, 1] to ``(N, 1, H, W)``; studio luma runs from 16/255 to 235/255."""
    weights, offset = LUMA[kind]
    return (
        sum(weight * rgb[:, channel : channel + 1] for channel, weight in enumerate(weights))
        + offset
    )


def matlab_rgb2gray(rgb: Array) -> Array:
    """MATLAB's and Octave's ``rgb2gray`` of uint8 ``(H, W, 3)``: first row of the inverse NTSC
    matrix, rounded, uint8 ``(H, W)``.
    """
    weights = np.linalg.inv([[1.0, 0.956, 0.621], [1.0, -0.272, -0.647], [1.0, -1.106, 1.703]])[0]
    return np.floor(rgb.astype(np.float64) @ weights + 0.5).astype(np.uint8)


def images(u8: Array) -> Array:
    """uint8 ``(H, W, C)`` or ``(H, W)`` to float64 ``(1, C, H, W)``, still 0..255."""
    u8 = u8[..., None] if u8.ndim == 2 else u8
    return u8.transpose(2, 0, 1)[None].astype(np.float64)


def super_resolution_pair(
    pred: Array, target: Array, *, crop_border: int = 0, y_channel: bool = True
) -> tuple[Array, Array]:
    """BasicSR's preparation of two uint8 images: crop, luma if asked and in colour; float64
    ``(1, C, H, W)`` in 0..255.

    The original code itself takes luma in float32 and so differs by about 1e-5 of a gray level.
    """
    inside = slice(crop_border, -crop_border or None)
    pair = [images(image[inside, inside]) for image in (pred, target)]
    if y_channel and pair[0].shape[1] == 3:
        pair = [luma(image / 255) * 255 for image in pair]
    return pair[0], pair[1]


def ciede2000_of_lab(
    one: Sequence[float], two: Sequence[float], k: Sequence[float] = (1.0, 1.0, 1.0)
) -> float:
    """CIEDE2000 of two colours in CIELAB, step by step as Sharma, Wu & Dalal 2005, in degrees."""
    (l_1, a_1, b_1), (l_2, a_2, b_2) = one, two
    mean = (math.hypot(a_1, b_1) + math.hypot(a_2, b_2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    a_1, a_2 = (1 + g) * a_1, (1 + g) * a_2
    c_1, c_2 = math.hypot(a_1, b_1), math.hypot(a_2, b_2)
    h_1, h_2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a_1, b_1), (a_2, b_2)))
    difference, total = h_2 - h_1, h_1 + h_2
    if c_1 * c_2 == 0:
        difference, hue = 0.0, total
    elif abs(difference) <= 180:
        hue = total / 2
    else:
        difference += 360 if difference < 0 else -360
        hue = (total + 360) / 2 if total < 360 else (total - 360) / 2
    d_h = 2 * math.sqrt(c_1 * c_2) * math.sin(math.radians(difference / 2))
    light, chroma = (l_1 + l_2) / 2, (c_1 + c_2) / 2
    cosine = [math.cos(math.radians(angle)) for angle in (hue - 30, 2 * hue, 3 * hue + 6)]
    t = 1 - 0.17 * cosine[0] + 0.24 * cosine[1] + 0.32 * cosine[2]
    t -= 0.20 * math.cos(math.radians(4 * hue - 63))
    turn = 30 * math.exp(-(((hue - 275) / 25) ** 2))
    r_c = 2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    r_t = -math.sin(math.radians(2 * turn)) * r_c
    light = (l_2 - l_1) / (k[0] * (1 + 0.015 * (light - 50) ** 2 / math.hypot(light - 50, 20**0.5)))
    colour = (c_2 - c_1) / (k[1] * (1 + 0.045 * chroma))
    d_h /= k[2] * (1 + 0.015 * chroma * t)
    return math.sqrt(max(light**2 + colour**2 + d_h**2 + r_t * colour * d_h, 0))


def _linear(rgb: Array) -> list[Array]:
    """Of each channel of sRGB in [0, 1]; the knee is that of the standard."""
    return [
        np.where(c <= 0.04045, c / 12.92, (np.maximum(c + 0.055, 0) / 1.055) ** 2.4) for c in rgb
    ]


def lab(rgb: Array) -> list[Array]:
    """sRGB in [0, 1], the channels first, to CIELAB under D65."""
    linear = _linear(rgb)
    rows = (
        (0.412453, 0.357580, 0.180423),
        (0.212671, 0.715160, 0.072169),
        (0.019334, 0.119193, 0.950227),
    )
    f = []
    for row, white in zip(rows, (0.95047, 1.0, 1.08883), strict=True):
        t = sum(weight * c for weight, c in zip(row, linear, strict=True)) / white
        f.append(np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116))
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


def ciede2000(
    x: Array, y: Array, *, data_range: Range = 1.0, k: Sequence[float] = (1.0, 1.0, 1.0)
) -> Array:
    """The mean CIEDE2000 of each image, pixel by pixel."""
    lo, length = span(data_range)
    values = []
    for pair in zip(x, y, strict=True):
        one, two = (
            np.transpose(lab(np.broadcast_to((image - lo) / length, (3, *image.shape[1:]))))
            for image in pair
        )  # (W, H, 3)
        pixels = zip(one.reshape(-1, 3), two.reshape(-1, 3), strict=True)
        found = [ciede2000_of_lab(p.tolist(), q.tolist(), k) for p, q in pixels]
        values.append(np.mean(found))
    return np.array(values)


def oklab(rgb: Array) -> list[Array]:
    """Oklab of sRGB colours in [0, 1], the channels first (Ottosson 2020)."""
    linear = _linear(rgb)
    cones = (
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    )
    roots = [np.cbrt(sum(w * c for w, c in zip(row, linear, strict=True))) for row in cones]
    rows = (
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    )
    return [sum(w * c for w, c in zip(row, roots, strict=True)) for row in rows]


def ycbcr(rgb: Array) -> list[Array]:
    """YCbCr of ITU-R BT.601 in studio range over 255, of RGB in [0, 1], the channels first, with
    MATLAB's digits.
    """
    rows = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
    return [
        (origin + sum(w * c for w, c in zip(row, rgb, strict=True))) / 255
        for row, origin in zip(rows, (16, 128, 128), strict=True)
    ]


def color_consistency(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    space: str = "cielab",
    planes: str = "chroma",
    distance: str = "euclidean",
    downscale: int = 1,
) -> Array:
    """Of each image the mean distance of colours, block by block."""
    convert = {"cielab": lab, "oklab": oklab, "ycbcr": ycbcr}[space]
    lo, length = span(data_range)
    values = []
    for pair in zip(x, y, strict=True):
        a, b = (
            np.array(convert(np.broadcast_to((image - lo) / length, (3, *image.shape[1:]))))
            for image in pair
        )
        kept = {"chroma": slice(1, 3), "lightness": slice(0, 1), "all": slice(0, 3)}[planes]
        difference = (a - b)[kept]
        size = downscale
        height, width = (side // size * size for side in difference.shape[1:])
        blocks = difference[:, :height, :width].reshape(
            len(difference), height // size, size, width // size, size
        )
        means = blocks.mean((2, 4))
        found = np.abs(means) if distance == "l1" else np.sqrt((means**2).sum(0))
        values.append(found.mean())
    return np.array(values)
