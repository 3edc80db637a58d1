"""Measures that compare gradients, phase congruency or saliency."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import Array, Range, span
from references.ssimulacra2 import linear_light
from references.transforms import imresize


def planes(image: Array, rows: Sequence[Sequence[float]], data_range: Range = 1.0) -> Array:
    """Weighted sums of the channels of an RGB image ``(3, H, W)`` on a scale of 255."""
    lo, length = span(data_range)
    return np.tensordot(np.asarray(rows), 255 * (image - lo) / length, 1)


YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def luma_255(image: Array, data_range: Range = 1.0) -> Array:
    """``0.299 R + 0.587 G + 0.114 B`` of ``(3, H, W)``, or the gray image, on a scale of 255."""
    if len(image) == 3:
        return planes(image, YIQ[:1], data_range)[0]
    lo, length = span(data_range)
    return 255 * (image[0] - lo) / length


def halved(gray: Array) -> Array:
    """Means of 2 x 2 pixels at every second position, zeros beyond an odd side."""
    height, width = gray.shape
    wide = np.zeros((height + height % 2, width + width % 2))
    wide[:height, :width] = gray
    return sliding_window_view(wide, (2, 2))[::2, ::2].mean((2, 3))


def gradient_length(gray: Array, smoothing: Sequence[float]) -> Array:
    """Length of the gradient under ``[1, 0, -1]`` and a smoothing of sum 1, zeros around."""
    wide, weights = np.pad(gray, 1), np.asarray(smoothing) / sum(smoothing)
    blocks = sliding_window_view(wide, (3, 3))  # (H, W, 3, 3)
    dx = (blocks[..., 0] - blocks[..., 2]) @ weights
    dy = (blocks[..., 0, :] - blocks[..., 2, :]) @ weights
    return np.hypot(dx, dy)


def alike(a: Array, b: Array, c: float, masking: float = 0.0) -> Array:
    """``((2 - m) a b + c) / (a^2 + b^2 - m a b + c)``."""
    return ((2 - masking) * a * b + c) / (a**2 + b**2 - masking * a * b + c)


def gmsd(x: Array, y: Array, *, data_range: Range = 1.0, t: float = 170.0) -> Array:
    """GMSD of each image (Xue et al. 2014), position by position; ``t`` is on a scale of 255.

    On the 8-bit pictures goldhill (gray) and I01 of TID2013 against its distortion 01_5, this
    returned 0.138012587141798 and 0.094124655829098, the numbers of the authors' GMSD.m.
    """
    values = []
    for pair in zip(x, y, strict=True):
        a, b = (gradient_length(halved(luma_255(image, data_range)), (1, 1, 1)) for image in pair)
        values.append(np.std(alike(a, b, t), ddof=1))
    return np.array(values)


def ms_gmsd(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    scale_weights: Sequence[float] = (0.096, 0.596, 0.289, 0.019),
    color: bool = False,
) -> Array:
    """MS-GMSD of each image (Zhang, Sander & Bermak 2017), with colour MS-GMSDc."""
    values = []
    for pair in zip(x, y, strict=True):
        grays = [luma_255(image, data_range) for image in pair]
        total = 0.0
        for scale, weight in enumerate(scale_weights):
            if scale:
                grays = [halved(gray) for gray in grays]
            a, b = (gradient_length(gray, (1, 1, 1)) for gray in grays)
            total += weight * np.var(alike(a, b, 170.0, 0.5))
        value = math.sqrt(total)
        if color:
            (i, q), (j, r) = (planes(image, YIQ[1:], data_range) for image in pair)
            distance = math.sqrt(np.mean((i - j) ** 2) + np.mean((q - r) ** 2))
            share = 2 / (1 + 0.32 * math.exp(-15 * value)) - 1
            value = share * value + (1 - share) * 0.01 * distance
        values.append(value)
    return np.array(values)


def block_means(gray: Array, factor: int) -> Array:
    """``conv2(gray, ones(f) / f^2, "same")``, every f-th position from the first."""
    before = (factor - 1) // 2
    wide = np.pad(gray, (before, factor - 1 - before))
    return sliding_window_view(wide, (factor, factor))[::factor, ::factor].mean((2, 3))


def to_256(gray: Array) -> Array:
    """Shrunk to about 256 pixels on the short side; halves of the factor are rounded up."""
    return block_means(gray, max(1, math.floor(min(gray.shape) / 256 + 0.5)))


def _centred(size: int) -> Array:
    """Frequencies of a spectrum with 0 in its middle, as Kovesi's programs have them."""
    if size % 2:
        return np.arange(-(size - 1) / 2, (size - 1) / 2 + 1) / (size - 1)
    return np.arange(-size / 2, size / 2) / size


def phase_congruency(gray: Array) -> Array:
    """Kovesi's PC_2 with the parameters of FSIM, scale by scale."""
    rows, columns = gray.shape
    u, v = np.meshgrid(_centred(columns), _centred(rows))
    radius, theta = np.hypot(u, v), np.arctan2(-v, u)
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    middle = (rows // 2, columns // 2)
    radius[middle] = 1
    spectrum = np.fft.fft2(gray)
    energy_all, amplitude_all = np.zeros_like(gray), np.zeros_like(gray)
    for o in range(4):
        angle = o * math.pi / 4
        sine = np.sin(theta) * math.cos(angle) - np.cos(theta) * math.sin(angle)
        cosine = np.cos(theta) * math.cos(angle) + np.sin(theta) * math.sin(angle)
        distance = np.abs(np.arctan2(sine, cosine))
        spread = np.exp(-(distance**2) / (2 * (math.pi / 4 / 1.2) ** 2))
        responses, impulses = [], []
        for s in range(4):
            radial = np.exp(-(np.log(radius * 6 * 2**s) ** 2) / (2 * math.log(0.55) ** 2))
            transfer = radial * low_pass * spread
            transfer[middle] = 0
            transfer = np.fft.ifftshift(transfer)
            responses.append(np.fft.ifft2(spectrum * transfer))
            impulses.append(np.fft.ifft2(transfer).real * math.sqrt(rows * columns))
            if s == 0:
                noise = -np.median(np.abs(responses[0]) ** 2) / math.log(0.5)
                noise /= (transfer**2).sum()
        total = sum(responses)
        length = np.abs(total) + 1e-4
        mean_even, mean_odd = total.real / length, total.imag / length
        energy = np.zeros_like(gray)
        for response in responses:
            even, odd = response.real, response.imag
            energy += even * mean_even + odd * mean_odd
            energy -= np.abs(even * mean_odd - odd * mean_even)
        crosses = sum((a * b).sum() for a, b in itertools.combinations(impulses, 2))
        noise_energy = 2 * noise * sum((a**2).sum() for a in impulses) + 4 * noise * crosses
        tau = math.sqrt(noise_energy / 2)
        threshold = tau * math.sqrt(math.pi / 2) + 2 * math.sqrt((2 - math.pi / 2) * tau**2)
        energy_all += np.maximum(energy - threshold / 1.7, 0)
        amplitude_all += sum(np.abs(response) for response in responses)
    return energy_all / amplitude_all


# I and Q of FeatureSIM.m.
IQ = ((0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def fsim(x: Array, y: Array, *, data_range: Range = 1.0, color: bool = True) -> Array:
    """FSIM of each gray image, FSIMc of RGB ones (Zhang et al. 2011).

    On the five pairs of TID2013 in IQA-PyTorch's table of MATLAB's results this returned 0.6890,
    0.9702, 0.9927, 0.9575 and 0.8220, the numbers there.
    """
    values = []
    for pair in zip(x, y, strict=True):
        grays = [to_256(luma_255(image, data_range)) for image in pair]
        a, b = (phase_congruency(gray) for gray in grays)
        alikes = alike(a, b, 0.85)
        alikes *= alike(*(gradient_length(gray, (3, 10, 3)) for gray in grays), 160.0)
        if color and len(pair[0]) == 3:
            (i, q), (j, r) = (
                [to_256(plane) for plane in planes(image, IQ, data_range)] for image in pair
            )
            product = alike(i, j, 200.0) * alike(q, r, 200.0)
            alikes *= np.real(product.astype(complex) ** 0.03)
        weight = np.maximum(a, b)
        values.append((alikes * weight).sum() / weight.sum())
    return np.array(values)


def residual_saliency(gray: Array) -> Array:
    """``spectralResidueSaliency`` of SR_SIM.m: magnitudes and phases apart, tap by tap."""
    spectrum = np.fft.fft2(imresize(gray, scale=0.25))
    magnitude, phase = np.log(np.abs(spectrum)), np.angle(spectrum)
    height, width = magnitude.shape
    wide = np.pad(magnitude, 1, mode="edge")
    mean = sum(wide[i : i + height, j : j + width] for i in range(3) for j in range(3)) / 9
    energy = np.abs(np.fft.ifft2(np.exp(magnitude - mean + 1j * phase))) ** 2
    # fspecial('gaussian', [10 10], 3.8), whose centre is the fifth of ten taps
    down, right = np.indices((10, 10)) - 4.5
    kernel = np.exp(-(down**2 + right**2) / (2 * 3.8**2))
    wide = np.pad(energy, (4, 5))
    taps_2d = sliding_window_view(wide, (10, 10))
    smooth = np.einsum("hwij,ij->hw", taps_2d, kernel / kernel.sum())
    return imresize((smooth - smooth.min()) / np.ptp(smooth), size=gray.shape)


def sr_sim(
    x: Array, y: Array, *, data_range: Range = 1.0, alpha: float = 0.5, color: bool = False
) -> Array:
    """SR-SIM of each image (Zhang & Li 2012), as SR_SIM.m; ``color`` adds I and Q as FSIMc."""
    values = []
    for pair in zip(x, y, strict=True):
        grays = [to_256(luma_255(image, data_range)) for image in pair]
        a, b = (residual_saliency(gray) for gray in grays)
        alikes = alike(a, b, 0.4)
        alikes *= alike(*(gradient_length(gray, (3, 10, 3)) for gray in grays), 225.0) ** alpha
        if color and len(pair[0]) == 3:
            (i, q), (j, r) = (
                [to_256(plane) for plane in planes(image, IQ, data_range)] for image in pair
            )
            product = alike(i, j, 200.0) * alike(q, r, 200.0)
            alikes *= np.real(product.astype(complex) ** 0.03)
        weight = np.maximum(a, b)
        values.append((alikes * weight).sum() / weight.sum())
    return np.array(values)


def mdsi(x: Array, y: Array, *, data_range: Range = 1.0, alpha: float = 0.6) -> Array:
    """MDSI of each image (Nafchi et al. 2016); ``x`` is the distorted one."""
    rows = ((0.2989, 0.587, 0.114), (0.3, 0.04, -0.35), (0.34, -0.6, 0.17))
    values = []
    for pair in zip(x, y, strict=True):
        (l_d, h_d, m_d), (l_r, h_r, m_r) = (
            [
                to_256(plane)
                for plane in planes(np.broadcast_to(image, (3, *image.shape[1:])), rows, data_range)
            ]
            for image in pair
        )
        g_d, g_r, g_f = (gradient_length(gray, (1, 1, 1)) for gray in (l_d, l_r, (l_d + l_r) / 2))
        gs = alike(g_r, g_d, 140.0) + alike(g_d, g_f, 55.0) - alike(g_r, g_f, 55.0)
        cs = (2 * (h_r * h_d + m_r * m_d) + 550) / (h_r**2 + h_d**2 + m_r**2 + m_d**2 + 550)
        roots = (alpha * gs + (1 - alpha) * cs).astype(complex) ** 0.25
        values.append(np.abs(roots - roots.mean()).mean() ** 0.25)
    return np.array(values)


def bilinear(plane: Array, height: int, width: int) -> Array:
    """``imresize(plane, [height width], 'bilinear')``, one row of the result after the other."""
    for wanted in (height, width):
        size = len(plane)
        reach = max(1.0, size / wanted)
        rows = []
        for k in range(wanted):
            centre = (k + 0.5) * size / wanted - 0.5
            at = np.arange(math.floor(centre - reach), math.ceil(centre + reach) + 1)
            weights = np.clip(1 - np.abs(at - centre) / reach, 0, None)
            inside = np.pad(np.arange(size), (0, size))  # and mirrored, of period 2 size
            inside[size:] = inside[:size][::-1]
            rows.append(weights @ plane[inside[at % (2 * size)]] / weights.sum())
        plane = np.array(rows).T
    return plane


def sdsp(rgb: Array, full: bool = False) -> Array:
    """Saliency of an sRGB image ``(3, H, W)`` in [0, 1] as SDSP of VSI.m, in [0, 1]; ``full`` as
    IQA-optimization: not at 256 x 256, counted from 0, and times the white of D65.
    """
    if full:
        small, first = linear_light(rgb), 0
        to_xyz = [
            [0.412453 * 0.950456, 0.357580 * 0.950456, 0.180423 * 0.950456],
            [0.212671, 0.715160, 0.072169],
            [0.019334 * 1.088754, 0.119193 * 1.088754, 0.950227 * 1.088754],
        ]
    else:
        small, first = linear_light(np.stack([bilinear(plane, 256, 256) for plane in rgb])), 1
        to_xyz = [
            [0.4124564 / 0.9642, 0.3575761 / 0.9642, 0.1804375 / 0.9642],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339 / 0.8251, 0.1191920 / 0.8251, 0.9503041 / 0.8251],
        ]
    knee, slope = ((6 / 29) ** 3, 24389 / 27) if full else (0.008856, 903.3)
    f_x, f_y, f_z = (
        np.where(t > knee, np.cbrt(t), (slope * t + 16) / 116)
        for t in np.tensordot(to_xyz, small, 1)
    )
    lab = 116 * f_y - 16, 500 * (f_x - f_y), 200 * (f_y - f_z)
    height, width = f_y.shape
    radius = np.hypot(*np.meshgrid(_centred(width), _centred(height)))
    radius[(radius > 0.5) | (radius == 0)] = 1e-300  # which the filter stops
    band = np.fft.ifftshift(np.exp(-(np.log(radius / 0.021) ** 2) / (2 * 1.34**2)))
    s_f = np.sqrt(sum(np.fft.ifft2(np.fft.fft2(plane) * band).real ** 2 for plane in lab))
    row, column = np.indices((height, width)) + first
    s_d = np.exp(-((row - height / 2) ** 2 + (column - width / 2) ** 2) / 145**2)
    warm = sum(((plane - plane.min()) / np.ptp(plane)) ** 2 for plane in lab[1:])
    found = s_f * s_d * (1 - np.exp(-warm / 0.001**2))
    found = found if full else bilinear(found, *rgb.shape[1:])
    return (found - found.min()) / np.ptp(found)


def vsi(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    alpha: float = 0.4,
    beta: float = 0.02,
    full: bool = False,
) -> Array:
    """VSI of each image (Zhang, Shen & Li 2014), as VSI.m; ``full`` as :func:`sdsp`.

    On the five pairs of TID2013 in IQA-PyTorch's table of results this returned, with ``full``,
    0.91383, 0.96196, 0.99220, 0.95711 and 0.92621; the numbers there, of IQA-optimization, are
    0.9139, 0.9620, 0.9922, 0.9571 and 0.9262.
    """
    lo, length = span(data_range)
    rows = ((0.06, 0.63, 0.27), (0.30, 0.04, -0.35), (0.34, -0.60, 0.17))
    values = []
    for pair in zip(x, y, strict=True):
        rgbs = [np.broadcast_to(image, (3, *image.shape[1:])) for image in pair]
        vs_x, vs_y = (to_256(sdsp((rgb - lo) / length, full)) for rgb in rgbs)
        (l_x, m_x, n_x), (l_y, m_y, n_y) = (
            [to_256(plane) for plane in planes(rgb, rows, data_range)] for rgb in rgbs
        )
        colors = alike(m_x, m_y, 130.0) * alike(n_x, n_y, 130.0)
        alikes = alike(vs_x, vs_y, 1.27) * np.real(colors.astype(complex) ** beta)
        alikes *= alike(*(gradient_length(luma, (3, 10, 3)) for luma in (l_x, l_y)), 386.0) ** alpha
        weight = np.maximum(vs_x, vs_y)
        values.append((alikes * weight).sum() / weight.sum())
    return np.array(values)


def haar(gray: Array, size: int) -> Array:
    """``conv2(gray, haar, "same")`` of a filter that is negative in its upper half, up to sign."""
    sign = np.repeat((-1.0, 1.0), size // 2)[:, None] / size * np.ones(size)
    wide = np.pad(gray, (size // 2 - 1, size // 2))
    return (sliding_window_view(wide, (size, size)) * sign).sum((2, 3))


def haarpsi(
    x: Array, y: Array, *, data_range: Range = 1.0, c: float = 30.0, alpha: float = 4.2
) -> Array:
    """HaarPSI of each image (Reisenhofer et al. 2018)."""
    values = []
    for pair in zip(x, y, strict=True):
        a, b = (halved(luma_255(image, data_range)) for image in pair)
        maps, weights = [], []
        for first, second in ((a, b), (a.T, b.T)):
            (p, q, r), (s, t, u) = (
                [np.abs(haar(gray, size)) for size in (2, 4, 8)] for gray in (first, second)
            )
            turn = np.transpose if first is not a else np.asarray
            maps.append(turn((alike(p, s, c) + alike(q, t, c)) / 2))
            weights.append(turn(np.maximum(r, u)))
        if len(pair[0]) == 3:
            (i, q), (j, r) = (
                [
                    sliding_window_view(np.pad(halved(plane), (0, 1)), (2, 2)).mean((2, 3))
                    for plane in planes(image, IQ, data_range)
                ]
                for image in pair
            )
            maps.append((alike(abs(i), abs(j), c) + alike(abs(q), abs(r), c)) / 2)
            weights.append(sum(weights) / 2)
        logistic = [1 / (1 + np.exp(-alpha * each)) for each in maps]
        mean = sum((m * w).sum() for m, w in zip(logistic, weights, strict=True))
        mean /= sum(w.sum() for w in weights)
        values.append((math.log(mean / (1 - mean)) / alpha) ** 2)
    return np.array(values)
