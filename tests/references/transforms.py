"""Wavelets, Fourier transforms and resizing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from references.basics import Array


def wavelet_split(
    x: Array, axis: int, low: Sequence[float], high: Sequence[float], *, step: int, decimated: bool
) -> tuple[Array, Array]:
    """Low and high frequencies of a periodic signal, whose odd length repeats its last sample if
    every second coefficient is dropped: ``sum_t h[t] x[k + step (t - L/2 + 1)]``.
    """
    if decimated and x.shape[axis] % 2:
        x = np.concatenate((x, np.take(x, [-1], axis)), axis)
    kept = np.arange(0, x.shape[axis], 2 if decimated else 1)
    found = []
    for taps in (low, high):
        at = (step * (t - len(taps) // 2 + 1) for t in range(len(taps)))
        shifted = (np.take(x, (kept + shift) % x.shape[axis], axis) for shift in at)
        found.append(sum(tap * part for tap, part in zip(taps, shifted, strict=True)))
    return found[0], found[1]


def wavelet_join(
    low: Array, high: Array, axis: int, h: Sequence[float], g: Sequence[float], *, decimated: bool
) -> Array:
    """The inverse of ``wavelet_split`` with step 1 at even lengths, by the dual filters: those of
    the other band, every second sign turned.
    """
    length = low.shape[axis] * (2 if decimated else 1)
    kept = np.arange(0, length, 2 if decimated else 1)
    low, high = np.moveaxis(low, axis, -1), np.moveaxis(high, axis, -1)
    found = np.zeros((*low.shape[:-1], length))
    taps = len(h)
    for t in range(taps):
        at = (kept + t - taps // 2 + 1) % length
        found[..., at] += low * (-1) ** (t + 1) * g[taps - 1 - t]
        found[..., at] += high * (-1) ** t * h[taps - 1 - t]
    return np.moveaxis(found if decimated else found / 2, -1, axis)


def wavelet(
    x: Array,
    y: Array,
    low: Sequence[float],
    high: Sequence[float],
    *,
    decimated: bool = False,
    level_weights: Sequence[float] = (1.0, 1.0, 1.0),
    band_weights: Sequence[float] = (1.0, 1.0, 1.0),
    approximation_weight: float = 1.0,
) -> Array:
    """Weighted sum of the mean absolute differences of sub-bands, per image."""

    def mean(a: Array, b: Array) -> Array:
        return np.abs(a - b).mean((1, 2, 3))

    total = np.zeros(len(x))
    for level, level_weight in enumerate(level_weights):
        how = {"step": 1 if decimated else 2**level, "decimated": decimated}
        bands = []
        for image in (x, y):
            rows = wavelet_split(image, 3, low, high, **how)
            bands.append([wavelet_split(half, 2, low, high, **how) for half in rows])
        ((x, lh_x), (hl_x, hh_x)), ((y, lh_y), (hl_y, hh_y)) = bands
        pairs = ((lh_x, lh_y), (hl_x, hl_y), (hh_x, hh_y))
        for weight, pair in zip(band_weights, pairs, strict=True):
            total = total + level_weight * weight * mean(*pair)
    return total + approximation_weight * mean(x, y)


def daubechies(moments: int) -> Array:
    """The scaling filter with so many vanishing moments and its zeros within the unit circle, by
    spectral factorisation (Daubechies 1992, section 6.1).
    """
    ours = [1.0]
    for _ in range(moments):
        ours = np.convolve(ours, [0.5, 0.5])
    powers = [math.comb(moments - 1 + k, k) for k in range(moments)]  # of y = (2 - z - 1/z) / 4
    for y in np.roots(powers[::-1]):
        pair = np.roots([1, 4 * y - 2, 1])
        z = pair[np.argmin(np.abs(pair))]
        ours = np.convolve(ours, [1, -z]) / (1 - z)
    return math.sqrt(2) * np.real(ours)


def dft2(x: Array) -> Array:
    """Orthonormal 2-D DFT of the last two axes, by matrices."""

    def matrix(length: int) -> Array:
        index = np.arange(length)
        return np.exp(-2j * np.pi * (np.outer(index, index) % length) / length) / np.sqrt(length)

    return matrix(x.shape[-2]) @ x @ matrix(x.shape[-1])


def focal_frequency(
    x: Array,
    y: Array,
    *,
    alpha: float = 1.0,
    patch_factor: int = 1,
    ave_spectrum: bool = False,
    log_matrix: bool = False,
    batch_matrix: bool = False,
) -> float:
    """Focal frequency loss (Jiang et al. 2021, eq. 8-9): mean of w |Fx - Fy|^2, w = |Fx - Fy|^alpha
    scaled to at most 1 and held constant.

    The weight is scaled by its largest entry per spectrum (image, patch and channel), or over the
    batch with ``batch_matrix``; ``patch_factor`` cuts each side into that many patches;
    ``ave_spectrum`` averages spectra over the batch first.
    """
    height, width = x.shape[2] // patch_factor, x.shape[3] // patch_factor

    def spectrum(image: Array) -> Array:
        cuts = itertools.product(range(patch_factor), repeat=2)
        patches = [
            image[..., i * height : (i + 1) * height, j * width : (j + 1) * width] for i, j in cuts
        ]
        spectra = np.stack([dft2(patch) for patch in patches], axis=1)  # (N, P, C, h, w)
        return spectra.mean(axis=0, keepdims=True) if ave_spectrum else spectra

    distance = np.abs(spectrum(x) - spectrum(y)) ** 2
    weight = np.sqrt(distance) ** alpha
    if log_matrix:
        weight = np.log(weight + 1)
    largest = weight.max() if batch_matrix else weight.max(axis=(-2, -1), keepdims=True)
    weight = np.where(largest > 0, weight / np.where(largest > 0, largest, 1.0), 0.0)
    return float((np.clip(weight, 0, 1) * distance).mean())


def fft_l1(x: Array, y: Array, *, norm: str = "backward", onesided: bool = False) -> Array:
    """The mean of |Re(Fx - Fy)| and |Im(Fx - Fy)|, full plane or the columns of the half one."""
    height, width = x.shape[2:]
    difference = dft2(x) - dft2(y)
    found = (np.abs(difference.real) + np.abs(difference.imag)) / 2
    if norm == "backward":
        found = found * math.sqrt(height * width)
    return found[..., : width // 2 + 1] if onesided else found


def fourier_magnitude_l1(x: Array, y: Array) -> Array:
    """| |Fx| - |Fy| | of orthonormal spectra, full (not half) plane, ``(N, C, H, W)``."""
    return np.abs(np.abs(dft2(x)) - np.abs(dft2(y)))


def cubic(x: float) -> float:
    """Keys 1981 with a = -1/2."""
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def interpolation(length: int, out_length: int, scale: float, antialias: bool) -> Array:
    """MATLAB's weights of one axis ``(out_length, length)``: input sample by input sample, mirrored
    until it lies inside.
    """
    shrink = min(scale, 1.0) if antialias else 1.0
    weights = np.zeros((out_length, length))
    for i in range(out_length):
        centre = (i + 0.5) / scale - 0.5
        reach = math.ceil(2 / shrink) + 1
        for j in range(math.floor(centre) - reach, math.floor(centre) + reach + 1):
            inside = j
            while not 0 <= inside < length:
                inside = -1 - inside if inside < 0 else 2 * length - 1 - inside
            weights[i, inside] += cubic(shrink * (centre - j))
        weights[i] /= weights[i].sum()
    return weights


def imresize(
    x: Array,
    *,
    scale: float | Sequence[float] | None = None,
    size: Sequence[int] | None = None,
    antialias: bool = True,
) -> Array:
    """MATLAB's ``imresize`` of doubles ``(..., H, W)``."""
    lengths = x.shape[-2:]
    if scale is None:
        scales, sizes = [out / length for out, length in zip(size, lengths, strict=True)], size
    else:
        scales = [scale, scale] if isinstance(scale, int | float) else scale
        sizes = [math.ceil(factor * length) for factor, length in zip(scales, lengths, strict=True)]
    rows, columns = (
        interpolation(*axis, antialias) for axis in zip(lengths, sizes, scales, strict=True)
    )
    return rows @ x @ columns.T
