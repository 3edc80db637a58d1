"""FLIP."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import Array, Range, span
from references.ssimulacra2 import linear_light


def exact_lab(rgb: Array) -> Array:
    """Linear RGB ``(3, ...)`` to CIELAB with no constant rounded."""
    f = []
    for channel in _flip_xyz(rgb):
        root = 29 * channel / 3 * 29 / 36 + 4 / 29
        f.append(np.where(channel > (6 / 29) ** 3, np.cbrt(channel), root))
    return np.stack([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _flip_lab(rgb: Array) -> Array:
    """CIELAB whose chroma grows with lightness (Hunt)."""
    light, a, b = exact_lab(rgb)
    return np.stack([light, 0.01 * light * a, 0.01 * light * b])


_FLIP_WHITE = np.array([0.950428545, 1.0, 1.088900371])


_FLIP_RGB_TO_XYZ = (
    np.array(
        [
            [10135552 * 3, 8788810 * 3, 4435075 * 3],
            [2613072 * 6, 8788810 * 6, 887015 * 6],
            [1425312, 8788810, 70074185],
        ]
    )
    / 73733382
)


_FLIP_XYZ_TO_RGB = np.array(  # as the original code has it
    [
        [3.241003275, -1.537398934, -0.498615861],
        [-0.969224334, 1.875930071, 0.041554224],
        [0.055639423, -0.204011202, 1.057148933],
    ]
)


def _flip_xyz(rgb: Array) -> Array:
    """Over the white."""
    xyz = np.tensordot(_FLIP_RGB_TO_XYZ, rgb, 1)
    return xyz / _FLIP_WHITE.reshape(3, *[1] * (rgb.ndim - 1))


def _flip_filtered(plane: Array, kernel: Array) -> Array:
    padded = np.pad(plane, len(kernel) // 2, mode="edge")
    return np.einsum("hwij,ij->hw", sliding_window_view(padded, kernel.shape), kernel[::-1, ::-1])


def flip(
    x: Array, y: Array, *, data_range: Range = 1.0, pixels_per_degree: float = 3840 * np.pi / 180
) -> Array:
    """The mean FLIP of each image at low dynamic range (Andersson et al. 2020), with kernels in two
    dimensions.
    """
    lo, length = span(data_range)
    ppd = pixels_per_degree

    def grid(half: int) -> tuple[Array, Array]:
        return np.meshgrid(np.arange(-half, half + 1), np.arange(-half, half + 1))

    u, v = grid(math.ceil(3 * math.sqrt(0.04 / (2 * math.pi**2)) * ppd))
    kernels = []
    for gaussians in ([(1, 0.0047)], [(1, 0.0053)], [(34.1, 0.04), (13.5, 0.025)]):
        kernel = sum(
            a * math.sqrt(math.pi / b) * np.exp(-(math.pi**2) * (u**2 + v**2) / ppd**2 / b)
            for a, b in gaussians
        )
        kernels.append(kernel / kernel.sum())
    sigma = 0.5 * 0.082 * ppd
    u, v = grid(math.ceil(3 * sigma))
    bell = np.exp(-(u**2 + v**2) / (2 * sigma**2))
    detectors = []
    for kernel in (-u * bell, (u**2 / sigma**2 - 1) * bell):
        above, below = kernel[kernel > 0].sum(), -kernel[kernel < 0].sum()
        detectors.append(np.where(kernel > 0, kernel / above, kernel / below))

    def seen(image: Array) -> tuple[Array, list[Array]]:
        unit = np.clip((image - lo) / length, 0, 1)
        one, two, three = _flip_xyz(linear_light(np.broadcast_to(unit, (3, *unit.shape[1:]))))
        opponent = (116 * two - 16, 500 * (one - two), 200 * (two - three))
        luma_f, red_f, blue_f = (
            _flip_filtered(p, k) for p, k in zip(opponent, kernels, strict=True)
        )
        grey = (luma_f + 16) / 116
        xyz = np.stack([grey + red_f / 500, grey, grey - blue_f / 200])
        rgb = np.clip(np.tensordot(_FLIP_XYZ_TO_RGB, xyz * _FLIP_WHITE[:, None, None], 1), 0, 1)
        features = [
            np.hypot(_flip_filtered(two, kernel), _flip_filtered(two, kernel.T))
            for kernel in detectors
        ]
        return _flip_lab(rgb), features

    def hyab(one: Array, two: Array) -> Array:
        return abs(one[0] - two[0]) + np.hypot(one[1] - two[1], one[2] - two[2])

    largest = hyab(*(_flip_lab(np.array(rgb)) for rgb in ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]))) ** 0.7
    values = []
    for pair in zip(x, y, strict=True):
        (lab_x, features_x), (lab_y, features_y) = (seen(image) for image in pair)
        colour = hyab(lab_x, lab_y) ** 0.7 / largest
        colour = np.where(colour < 0.4, 0.95 * colour / 0.4, 0.95 + 0.05 * (colour - 0.4) / 0.6)
        feature = np.max([abs(a - b) for a, b in zip(features_x, features_y, strict=True)], axis=0)
        values.append((colour ** (1 - np.sqrt(feature / math.sqrt(2)))).mean())
    return np.array(values)
