"""Laplacian and steerable pyramids, and the measures on them."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import Array, Range
from references.gradient_similarity import luma_255


def laplacian_pyramid(image: Array, levels: int, even: bool = False) -> list[Array]:
    """``buildLpyr`` of matlabPyrTools: its filter "binom5", mirrored at the outermost samples.

    ``even`` mirrors what is expanded at an even size, which is cut afterwards, as piq does.
    """
    taps_1d = np.array([1, 4, 6, 4, 1]) * math.sqrt(2) / 16
    weights = np.outer(taps_1d, taps_1d)

    def filtered(plane: Array) -> Array:
        wide = np.pad(plane, 2, mode="reflect")
        return (sliding_window_view(wide, (5, 5)) * weights).sum((2, 3))

    bands = []
    for _ in range(levels - 1):
        coarse = filtered(image)[::2, ::2]
        h, w = image.shape
        sparse = np.zeros((h + h % 2, w + w % 2) if even else (h, w))
        sparse[::2, ::2] = coarse
        bands.append(image - filtered(sparse)[:h, :w])
        image = coarse
    return [*bands, image]


def imenlarge2(band: Array) -> Array:
    """``imenlarge2.m`` of IW-SSIM, rows and then columns."""
    for _ in range(2):
        size = len(band)
        wanted = 4 * size - 3
        at = (np.arange(wanted) + 0.5) * size / wanted - 0.5  # as imresize, clamped at the border
        rows = np.array(
            [np.interp(at, np.arange(size), column) for column in band.T]
        ).T  # (4 size - 3, other)
        first, last = 2 * rows[0] - rows[1], 2 * rows[-1] - rows[-2]
        band = np.concatenate((first[None], rows, last[None]))[::2].T
    return band


def nlpd(x: Array, y: Array, *, data_range: Range = 1.0, wide: bool = True) -> Array:
    """NLPD of each image (Laparra et al. 2016), as ``NLP_dist.m``; ``wide`` with the filters of
    5 x 5, of which the finest band's has one tap outside 3 x 3.

    On the five pairs of TID2013 in IQA-PyTorch's table of MATLAB's results this returned all
    fifteen digits there, of the luma rounded as rgb2gray does.
    """
    sigmas = (0.0248, 0.0185, 0.0179, 0.0191, 0.0220, 0.2782)
    filters = np.zeros((6, 5, 5))  # convolved, that is turned by 180 degrees
    filters[:, 1, 2] = 0.1011, 0.0757, 0.0477, 0, 0, 0
    filters[:, 2, 1] = 0.1493, 0.1986, 0.2138, 0.2503, 0.2598, 0.2215
    filters[:, 2, 3] = 0.1460, 0.1846, 0.2243, 0.2616, 0.2552, 0.0717
    filters[:, 3, 2] = 0.1015, 0.0837, 0.0467, 0, 0, 0
    filters[0, 2, 4] = 0.0072 if wide else 0
    taps_1d = np.array([0.05, 0.25, 0.4, 0.25, 0.05])

    def filtered(plane: Array, weights: Array, mode: str) -> Array:
        return (sliding_window_view(np.pad(plane, 2, mode=mode), (5, 5)) * weights).sum((2, 3))

    def normalised(image: Array) -> list[Array]:
        found = []
        for level in range(6):
            band = image
            if level < 5:
                image = filtered(image, np.outer(taps_1d, taps_1d), "symmetric")[::2, ::2]
                sparse = np.zeros((2 * image.shape[0] + 4, 2 * image.shape[1] + 4))
                sparse[::2, ::2] = 4 * np.pad(image, 1, mode="edge")
                grown = filtered(sparse, np.outer(taps_1d, taps_1d), "constant")
                band = band - grown[2 : 2 + band.shape[0], 2 : 2 + band.shape[1]]
            around = filtered(np.abs(band), filters[level, ::-1, ::-1], "constant")
            found.append(band / (sigmas[level] + around))
        return found

    values = []
    for pair in zip(x, y, strict=True):
        bands = [normalised(luma_255(image, data_range) / 255) for image in pair]
        values.append(
            np.mean([math.sqrt(((a - b) ** 2).mean()) for a, b in zip(*bands, strict=True)])
        )
    return np.array(values)


def steerable_bands(image: Array, levels: int, orientations: int) -> list[Array]:
    """Complex bands of the coarsest level, as ``buildSCFpyr`` of matlabPyrTools, level by level."""
    steps = math.pi * np.arange(-257, 2) / 512
    raised = np.cos(steps) ** 2
    raised[0], raised[-1] = raised[1], raised[-2]
    octaves = -0.5 + 2 / math.pi * (steps + math.pi / 4)
    high, low = np.sqrt(raised), np.sqrt(1 - raised)
    turns = math.pi * np.arange(-2049, 1026) / 1024
    order = orientations - 1
    gain = 2 ** (2 * order) * math.factorial(order) ** 2
    gain /= orientations * math.factorial(2 * order)
    away = (math.pi + turns) % (2 * math.pi) - math.pi
    lobe = 2 * math.sqrt(gain) * np.cos(turns) ** order * (np.abs(away) < math.pi / 2)

    rows, columns = image.shape
    middle = [math.ceil((size + 0.5) / 2) - 1 for size in image.shape]
    u, v = np.meshgrid(
        (np.arange(columns) - middle[1]) / (columns / 2), (np.arange(rows) - middle[0]) / (rows / 2)
    )
    angle, radius = np.arctan2(v, u), np.hypot(u, v)
    radius[middle[0], middle[1]] = radius[middle[0], middle[1] - 1]
    octave = np.log2(radius)
    spectrum = np.fft.fftshift(np.fft.fft2(image)) * np.interp(octave, octaves, low)
    for level in range(1, levels):
        cut = []
        for size in spectrum.shape:
            kept = math.ceil((size - 0.5) / 2)
            first = math.ceil((size + 0.5) / 2) - math.ceil((kept + 0.5) / 2)
            cut.append(slice(first, first + kept))
        octave, angle, spectrum = octave[tuple(cut)], angle[tuple(cut)], spectrum[tuple(cut)]
        spectrum = spectrum * np.interp(octave, octaves - level, low)
    bands = []
    for o in range(orientations):
        turned = np.interp(angle, turns + math.pi * o / orientations, lobe)
        band = (-1j) ** order * spectrum * turned * np.interp(octave, octaves - levels, high)
        bands.append(np.fft.ifft2(np.fft.ifftshift(band)))
    return bands


def cw_ssim(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    levels: int = 4,
    orientations: int = 8,
    k: float = 0.0,
) -> Array:
    """CW-SSIM of each image (Sampat et al. 2009), as ``cwssim_index.m``.

    On the five pairs of TID2013 in IQA-PyTorch's table of MATLAB's results the package returned
    the four digits there, 0.2763, 0.9996, 1.0000, 0.9068 and 0.8658.
    """

    def sums(band: Array) -> Array:
        return sliding_window_view(band, (7, 7)).mean((2, 3))

    values = []
    for pair in zip(x, y, strict=True):
        bands = [
            steerable_bands(luma_255(image, data_range), levels, orientations) for image in pair
        ]
        found = []
        for a, b in zip(*bands, strict=True):
            top = 2 * np.abs(sums(a * b.conj())) + k
            alikes = top / (sums(np.abs(a) ** 2 + np.abs(b) ** 2) + k)
            off = [np.arange(size) - (size - 1) / 2 for size in alikes.shape]
            weights = np.exp(-(off[0][:, None] ** 2 + off[1] ** 2) / (2 * (len(a) / 4) ** 2))
            found.append((alikes * weights).sum() / weights.sum())
        values.append(np.mean(found))
    return np.array(values)
