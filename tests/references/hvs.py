"""PSNR-HVS, PSNR-HVS-M and DSS, on blocks of the discrete cosine transform; MAD."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import Array, Range
from references.gradient_similarity import luma_255

# CSFCof and MaskCof of psnrhvsm.m.
HVS_SENSITIVITY = np.array(
    [
        [1.608443, 2.339554, 2.573509, 1.608443, 1.072295, 0.643377, 0.504610, 0.421887],
        [2.144591, 2.144591, 1.838221, 1.354478, 0.989811, 0.443708, 0.428918, 0.467911],
        [1.838221, 1.979622, 1.608443, 1.072295, 0.643377, 0.451493, 0.372972, 0.459555],
        [1.838221, 1.513829, 1.169777, 0.887417, 0.504610, 0.295806, 0.321689, 0.415082],
        [1.429727, 1.169777, 0.695543, 0.459555, 0.378457, 0.236102, 0.249855, 0.334222],
        [1.072295, 0.735288, 0.467911, 0.402111, 0.317717, 0.247453, 0.227744, 0.279729],
        [0.525206, 0.402111, 0.329937, 0.295806, 0.249855, 0.212687, 0.214459, 0.254803],
        [0.357432, 0.279729, 0.270896, 0.262603, 0.229778, 0.257351, 0.249855, 0.259950],
    ]
)


HVS_MASKING = np.array(
    [
        [0.390625, 0.826446, 1.000000, 0.390625, 0.173611, 0.062500, 0.038447, 0.026874],
        [0.694444, 0.694444, 0.510204, 0.277008, 0.147929, 0.029727, 0.027778, 0.033058],
        [0.510204, 0.591716, 0.390625, 0.173611, 0.062500, 0.030779, 0.021004, 0.031888],
        [0.510204, 0.346021, 0.206612, 0.118906, 0.038447, 0.013212, 0.015625, 0.026015],
        [0.308642, 0.206612, 0.073046, 0.031888, 0.021626, 0.008417, 0.009426, 0.016866],
        [0.173611, 0.081633, 0.033058, 0.024414, 0.015242, 0.009246, 0.007831, 0.011815],
        [0.041649, 0.024414, 0.016437, 0.013212, 0.009426, 0.006830, 0.006944, 0.009803],
        [0.019290, 0.011815, 0.011080, 0.010412, 0.007972, 0.010000, 0.009426, 0.010203],
    ]
)


def hvs_error(x: Array, y: Array, masks: bool) -> float:
    """Error of two gray images from 0 to 255 as ``psnrhvsm.m`` sums it, block by block."""
    k = np.arange(8)
    dct = np.cos(math.pi * k[:, None] * (2 * k + 1) / 16) * np.sqrt(np.where(k, 2, 1) / 8)[:, None]

    def scatter(part: Array) -> float:
        return part.var(ddof=1) * part.size

    def strength(block: Array, spectrum: Array) -> float:
        energy = (spectrum**2 * HVS_MASKING).sum() - spectrum[0, 0] ** 2 * HVS_MASKING[0, 0]
        whole = scatter(block)
        quarters = sum(scatter(block[i : i + 4, j : j + 4]) for i in (0, 4) for j in (0, 4))
        return math.sqrt(energy * (quarters / whole if whole else whole)) / 32

    errors = []
    for i, j in itertools.product(range(0, x.shape[0] - 7, 8), range(0, x.shape[1] - 7, 8)):
        blocks = [image[i : i + 8, j : j + 8] for image in (x, y)]
        spectra = [dct @ block @ dct.T for block in blocks]
        unlike = np.abs(spectra[0] - spectra[1])
        if masks:
            masked = max(map(strength, blocks, spectra)) / HVS_MASKING
            masked[0, 0] = 0
            unlike = np.maximum(unlike - masked, 0)
        errors.append(((unlike * HVS_SENSITIVITY) ** 2).mean())
    return float(np.mean(errors))


def psnr_hvs(x: Array, y: Array, *, data_range: Range = 1.0, masks: bool = False) -> Array:
    """PSNR-HVS of each image (Egiazarian et al. 2006), with ``masks`` PSNR-HVS-M (Ponomarenko et
    al. 2007).
    """
    pairs = zip(x, y, strict=True)
    errors = [hvs_error(*(luma_255(image, data_range) for image in pair), masks) for pair in pairs]
    return 10 * np.log10(255**2 / np.array(errors))


def dss(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    sigma: float = 1.55,
    worst: float = 0.05,
) -> Array:
    """DSS of each image (Balanov et al. 2015), subband by subband, position by position."""
    u = np.arange(8)
    dct = np.sqrt(np.where(u > 0, 2, 1) / 8)[:, None] * np.cos(
        np.pi * u[:, None] * (2 * u + 1) / 16
    )
    down, right = np.indices((3, 3)) - 1
    window_2d = np.exp(-(down**2 + right**2) / (2 * 1.5**2))
    window_2d /= window_2d.sum()
    values = []
    for pair in zip(x, y, strict=True):
        bands = []
        for image in pair:
            gray = luma_255(image, data_range)
            rows, columns = (side // 8 for side in gray.shape)
            tiles = gray[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8)
            bands.append(np.einsum("ki,ricj,mj->kmrc", dct, tiles, dct))
        total = weights = 0.0
        for k, m in itertools.product(range(8), range(8)):
            weight = math.exp(-((k + 0.5) ** 2 + (m + 0.5) ** 2) / (2 * sigma**2))
            if weight < 0.01:
                continue
            c = 300.0 if k or m else 1000.0
            left, right_terms = [], []
            a, b = (np.pad(band[k, m], 1) for band in bands)
            for i, j in itertools.product(range(rows), range(columns)):
                p, q = a[i : i + 3, j : j + 3], b[i : i + 3, j : j + 3]
                means = (window_2d * p).sum(), (window_2d * q).sum()
                s_p = max((window_2d * p * p).sum() - means[0] ** 2, 0)
                s_q = max((window_2d * q * q).sum() - means[1] ** 2, 0)
                s_pq = (window_2d * p * q).sum() - means[0] * means[1]
                left.append((2 * math.sqrt(s_p * s_q) + c) / (s_p + s_q + c))
                right_terms.append((s_pq + c) / (math.sqrt(s_p * s_q) + c))
            count = max(1, math.floor(worst * rows * columns + 0.5))
            similarity = np.sort(left)[:count].mean()
            if not k and not m:
                similarity *= np.sort(right_terms)[:count].mean()
            total, weights = total + weight * similarity, weights + weight
        values.append(total / weights)
    return np.array(values)


def mad(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    pixels_per_degree: float = 64.0,
    blend: tuple[float, float] = (2.55, 3.35),
    white: float = 255.0,
    pyiqa: bool = False,
) -> Array:
    """MAD of each image (Larson & Chandler 2010), pixel by pixel as ``MAD_index.m``; ``x`` is the
    distorted one. ``pyiqa`` as IQA-PyTorch computes it, of each channel.
    """
    values = []
    for pair in zip(x, y, strict=True):
        if pyiqa:
            images = [np.stack([luma_255(c[None], data_range) for c in image]) for image in pair]
        else:
            images = [luma_255(image, data_range)[None] for image in pair]
        distorted, reference = images
        detect = _mad_detection(distorted, reference, pixels_per_degree, white, pyiqa)
        appear = _mad_appearance(distorted, reference, pyiqa)
        share = 1 / (1 + math.exp(-blend[0] / blend[1]) * detect ** (1 / math.log(10) / blend[1]))
        values.append(np.mean(appear ** (1 - share) * detect**share))
    return np.array(values)


def _blocks(image: Array, size: int = 16) -> Array:
    """Blocks ``(C, H', W', size, size)`` at every fourth position where 16 x 16 pixels fit."""
    rows, columns = (side - 15 for side in image.shape[1:])
    return sliding_window_view(image, (size, size), (1, 2))[:, :rows:4, :columns:4]


def _over_pixels(blocks: Array, shape: tuple[int, ...]) -> Array:
    """A statistic of blocks at each pixel that counts: it fills the first 4 x 4 of its block."""
    return blocks.repeat(4, 1).repeat(4, 2)[:, 16 : shape[1] - 17, 16 : shape[2] - 17]


def _as_pyiqa_reads(blocks: Array) -> Array:
    return np.moveaxis(blocks, 0, 2).reshape(blocks.shape)


def _mad_detection(x: Array, y: Array, degree: float, white: float, pyiqa: bool) -> Array:
    h, w = x.shape[1:]
    rows, columns = (np.arange(side) - (side - 1) / 2 for side in (h, w))
    frequency = (rows[:, None] + 1j * columns) / w * degree
    radius = np.abs(frequency) / (0.15 * np.cos(4 * np.angle(frequency)) + 0.85)
    csf = 2.6 * (0.0192 + 0.114 * radius) * np.exp(-((0.114 * radius) ** 1.1))
    csf = np.where(radius < 7.8909, 0.9809, csf)
    if pyiqa:
        csf = np.ravel(csf.T).reshape(h, w)

    def seen(image: Array) -> Array:
        light = 0.02874 * np.sign(image) * np.minimum(np.abs(image), white) ** (2.2 / 3)
        return np.fft.ifft2(np.fft.ifftshift(np.fft.fftshift(np.fft.fft2(light)) * csf)).real

    ddof = 0 if pyiqa else 1
    reference = np.stack([seen(plane) for plane in y])
    error = np.stack([seen(plane) for plane in x]) - reference
    mean = _blocks(reference).mean((3, 4))
    of_error = _blocks(error).std((3, 4), ddof=ddof)
    small = _blocks(reference, 16 if pyiqa else 8).std((3, 4), ddof=ddof)
    if pyiqa:
        mean, of_error, small = (_as_pyiqa_reads(part) for part in (mean, of_error, small))
    least = small.copy()
    for i in range(small.shape[1]):
        for j in range(small.shape[2]):
            if pyiqa:
                near = small[:, max(i - 1, 0) : i + 1, max(j - 1, 0) : j + 1]
                least[:, i, j] = near.min((1, 2)) / 2
            else:  # the program asks whether a pixel one further is in range
                down = 2 if 4 * i + 5 < h - 15 else 1
                right = 2 if 4 * j + 5 < w - 15 else 1
                least[:, i, j] = small[:, i : i + down, j : j + right].min((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast, masking = np.log(of_error / mean), np.log(least / mean)
    above = contrast - np.maximum(masking, -5)
    above = np.where((mean >= 0.5) & (above > 0), above, 0)
    squares = sliding_window_view((x - y) ** 2, (16, 16), (1, 2)).mean((3, 4))
    if pyiqa:
        product = above * squares[:, ::4, ::4]
    else:  # windows from 7 pixels before each pixel on
        product = _over_pixels(above, x.shape) * squares[:, 9 : h - 24, 9 : w - 24]
    return 200 * np.sqrt((product**2).mean((1, 2)))


def _mad_appearance(x: Array, y: Array, pyiqa: bool) -> Array:
    h, w = x.shape[1:]
    v, u = np.meshgrid(
        np.arange(-h / 2, h / 2) / (h / 2), np.arange(-w / 2, w / 2) / (w / 2), indexing="ij"
    )
    radius, angle = np.hypot(u, v), np.arctan2(-v, u)
    if pyiqa:
        middle = (round(h / 2), round(w / 2))
        radius[round(h / 2 + 1), round(w / 2 + 1)] = 1
    else:
        middle = ((h + 1) // 2, (w + 1) // 2)
        radius[middle] = 1
    total = 0.0
    for o, s in itertools.product(range(4), range(5)):
        octave = np.log((radius + 1e-300) * 3 ** (s + 1) / 2)
        radial = np.exp(-(octave**2) / 2 / math.log(0.55) ** 2)
        radial[middle] = 0
        around = np.abs(np.angle(np.exp(1j * (angle - o * math.pi / 4))))
        transfer = np.fft.fftshift(radial * np.exp(-(around**2) / 2 / (math.pi / 6) ** 2))
        statistics = []
        for image in (x, y):
            blocks = _blocks(np.abs(np.fft.ifft2(np.fft.fft2(image) * transfer)))
            offset = blocks - blocks.mean((3, 4), keepdims=True)
            squares = offset * offset
            deviation = np.sqrt(squares.mean((3, 4)))
            skewness = (squares * offset).mean((3, 4)) / deviation**3
            kurtosis = (squares * squares).mean((3, 4)) / deviation**4
            sample = 1 if pyiqa else math.sqrt(256 / 255)
            statistics.append((sample * deviation, 2 * skewness, kurtosis))
        weight = (0.5, 0.75, 1, 5, 6)[o if pyiqa else s] / 13.25
        total = total + weight * sum(np.abs(a - b) for a, b in zip(*statistics, strict=True))
    total = _as_pyiqa_reads(total) if pyiqa else _over_pixels(total, x.shape)
    return np.sqrt((total**2).mean((1, 2)))
