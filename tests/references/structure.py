"""SSIM, MS-SSIM and their family, and downsampling as their code computes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references import basics
from references.basics import (
    MS_SSIM_WEIGHTS,
    Array,
    Range,
    local_moments,
    pad,
    reduce,
    span,
    taps,
)
from references.edges import sobel
from references.gradient_similarity import luma_255


def average_pool(x: Array, factor: int) -> Array:
    """Means of non-overlapping blocks; rows and columns that do not fill a block are dropped."""
    lengths = [length // factor for length in x.shape[2:]]
    x = x[(..., *(slice(0, length * factor) for length in lengths))]
    for axis, length in enumerate(lengths, start=2):
        x = x.reshape(*x.shape[:axis], length, factor, *x.shape[axis + 1 :]).mean(axis=axis + 1)
    return x


def matlab_pool(x: Array, factor: int) -> Array:
    """MATLAB's ``imfilter(x, ones(f)/f^2, 'symmetric', 'same')(1:f:end, 1:f:end)``; an even box
    leans one pixel to the far side.
    """
    near = (factor + 1) // 2 - 1
    padded = np.pad(
        x, [(0, 0), (0, 0)] + [(near, factor - 1 - near)] * (x.ndim - 2), mode="symmetric"
    )
    box = sum(weight * padded[at] for weight, at in taps(np.full(factor, 1 / factor), padded.shape))
    return box[(..., *[slice(None, None, factor)] * (x.ndim - 2))]


def halve(x: Array, pooling: str = "floor") -> Array:
    """2x2 means between MS-SSIM scales; ``pooling`` names what happens to an odd side."""
    odd = [length % 2 for length in x.shape[2:]]
    none = [(0, 0), (0, 0)]
    if pooling == "zeros":  # pytorch-msssim
        x = np.pad(x, none + [(o, o) for o in odd])
    elif pooling == "replicate":  # piq: one odd side moves both axes by a pixel
        x = np.pad(x, none + [(max(odd), 0)] * len(odd), mode="edge")
    elif pooling == "symmetric":  # TensorFlow, MATLAB
        x = np.pad(x, none + [(0, o) for o in odd], mode="symmetric")
    elif pooling != "floor":
        raise ValueError(pooling)
    return average_pool(x, 2)


def _resample(
    x: Array, y: Array, mask: Array | None, pool: Callable[[Array], Array]
) -> tuple[Array, Array, Array | None]:
    """Pools both images; under a mask each coarse pixel is the mean of its valid fine pixels and
    its mask their share.
    """
    if mask is None:
        return pool(x), pool(y), None
    share = pool(mask)
    divisor = np.where(share > 0, share, 1.0)
    x, y = (pool(np.where(mask > 0, image * mask, 0.0)) / divisor for image in (x, y))
    return x, y, share


def downsampling_factor(shape: Sequence[int], downsample: int | str | None) -> int:
    """1 for ``None``. ``auto`` is Python's ``round`` (2.5 -> 2), as in piq; ``matlab`` rounds half
    up (2.5 -> 3).
    """
    if downsample is None or isinstance(downsample, int):
        return downsample or 1
    ratio = min(shape[2:]) / 256
    return max(1, {"auto": round(ratio), "matlab": math.floor(ratio + 0.5)}[downsample])


def downsampled(
    x: Array, y: Array, mask: Array | None, downsample: int | str | None
) -> tuple[Array, Array, Array | None]:
    factor = downsampling_factor(x.shape, downsample)
    pool = matlab_pool if downsample == "matlab" else average_pool
    return (
        (x, y, mask) if factor == 1 else _resample(x, y, mask, lambda values: pool(values, factor))
    )


def signed_power(base: Array, power: float) -> Array:
    return base**power if float(power).is_integer() else np.sign(base) * np.abs(base) ** power


def _padded_moments(x, y, mask, kind, window_size, sigma, padding, covariance):
    taps_1d = basics.window(kind, window_size, sigma)
    size = len(taps_1d)
    if mask is not None:
        # an all-one mask must change nothing, so zeros outside the image count as valid pixels
        mask = 1 - pad(1 - mask, size, padding)
    mu_x, mu_y, var_x, var_y, cov_xy, mass = local_moments(
        pad(x, size, padding), pad(y, size, padding), taps_1d, mask
    )
    if covariance == "sample":
        count = size ** (x.ndim - 2)
        var_x, var_y, cov_xy = (moment * count / (count - 1) for moment in (var_x, var_y, cov_xy))
    elif covariance != "population":
        raise ValueError(covariance)
    return mu_x, mu_y, var_x, var_y, cov_xy, mass


def ssim_terms(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    window: str | Sequence[float] = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: str = "valid",
    covariance: str = "population",
    downsample: int | str | None = None,
    mask: Array | None = None,
) -> tuple[Array, Array, Array, Array]:
    """Luminance, contrast and structure of every window (Wang et al. 2004, eq. 6, 9, 10), and the
    weight of each position in the mean.

    The weight is the mask's mass under the window (1 without a mask, 0 where no pixel is valid),
    for every padding.
    """
    lo, length = span(data_range)
    x, y, mask = downsampled(x - lo, y - lo, mask, downsample)
    mu_x, mu_y, var_x, var_y, cov_xy, mass = _padded_moments(
        x, y, mask, window, window_size, sigma, padding, covariance
    )

    c1, c2 = (k1 * length) ** 2, (k2 * length) ** 2
    c3 = c2 / 2
    deviations = np.sqrt(var_x * var_y)
    luminance = (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)
    contrast = (2 * deviations + c2) / (var_x + var_y + c2)
    structure = (cov_xy + c3) / (deviations + c3)
    return luminance, contrast, structure, np.broadcast_to(mass, structure.shape)


def ssim_map_and_weight(
    x: Array,
    y: Array,
    *,
    exponents: tuple[float, float, float] = (1.0, 1.0, 1.0),
    **options,
) -> tuple[Array, Array]:
    """SSIM of every window, l^alpha c^beta s^gamma (Wang et al. 2004, eq. 12), and the weight of
    each position in the mean; other options as in ``ssim_terms``.
    """
    *terms, weight = ssim_terms(x, y, **options)
    luminance, contrast, structure = map(signed_power, terms, exponents)
    return luminance * contrast * structure, weight


def ssim_map(x: Array, y: Array, **options) -> Array:
    """The map of ``ssim_map_and_weight``, same options."""
    return ssim_map_and_weight(x, y, **options)[0]


def ssim(x: Array, y: Array, *, reduction: str = "mean", **options) -> Array | float:
    """Weighted mean of the map; options of ``ssim_map_and_weight``."""
    return reduce(*ssim_map_and_weight(x, y, **options), reduction)


def alive(term: Array, negative: str = "clamp") -> Array:
    """A term made fit for a fractional power. ``clamp`` leaves terms from 1e-3 up and bends
    smoothly to stay positive below.
    """
    if negative == "clamp":
        return np.where(term >= 1e-3, term, 1e-6 / (2e-3 - np.minimum(term, 1e-3)))
    if negative == "relu":
        return np.maximum(term, 0.0)
    if negative == "shift":
        return (term + 1) / 2
    raise ValueError(negative)


def ms_ssim_terms(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    scales: int = 5,
    pooling: str = "floor",
    mask: Array | None = None,
) -> Array:
    """``(scales, N, C)``: the spatial mean of contrast-structure at each scale, of the whole SSIM
    at the coarsest that fits.
    """
    lo, length = span(data_range)
    c1, c2 = (k1 * length) ** 2, (k2 * length) ** 2
    x, y = x - lo, y - lo
    spatial = tuple(range(2, x.ndim))
    structures, wholes = [], []
    while len(structures) < scales and min(x.shape[2:]) >= window_size:
        mu_x, mu_y, var_x, var_y, cov_xy, mass = _padded_moments(
            x, y, mask, "gaussian", window_size, sigma, "valid", "population"
        )
        contrast_structure = (2 * cov_xy + c2) / (var_x + var_y + c2)
        luminance = (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)
        total = np.broadcast_to(mass, x.shape[:2] + mass.shape[2:]).sum(axis=spatial)
        structures.append((contrast_structure * mass).sum(axis=spatial) / total)
        wholes.append((contrast_structure * luminance * mass).sum(axis=spatial) / total)
        x, y, mask = _resample(x, y, mask, lambda values: halve(values, pooling))
    return np.stack(structures[:-1] + wholes[-1:])


def ms_ssim(
    x: Array,
    y: Array,
    *,
    scale_weights: Sequence[float] = MS_SSIM_WEIGHTS,
    negative: str = "clamp",
    min_size: str = "error",
    method: str = "product",
    **options,
) -> Array:
    """``(N, C)``: product over scales of term^weight (Wang et al. 2003, eq. 7).

    ``min_size="fewer_scales"`` keeps the scales whose image is no smaller than the window and
    divides their weights by their sum. ``method="wtd_sum"`` is the MATLAB program's other method: a
    sum of the raw terms with weights divided by their sum. Other options as in ``ms_ssim_terms``.
    """
    terms = ms_ssim_terms(x, y, scales=len(scale_weights), **options)
    weights = np.asarray(scale_weights, dtype=np.float64)
    if len(terms) < len(weights):
        if min_size != "fewer_scales":
            raise ValueError(f"only {len(terms)} of {len(weights)} scales fit")
        weights = weights[: len(terms)] / weights[: len(terms)].sum()
    if method == "wtd_sum":
        return np.tensordot(weights / weights.sum(), terms, axes=1)
    return np.prod(alive(terms, negative) ** weights[:, None, None], axis=0)


def gradient_magnitude(x: Array) -> Array:
    """|Gx| + |Gy| of unnormalised Sobel operators, replicated border."""
    gx, gy = sobel(x)
    return np.abs(gx) + np.abs(gy)


def gradient_ssim(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    window: str | Sequence[float] = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: str = "valid",
    reduction: str = "mean",
) -> Array | float:
    """G-SSIM (Chen, Yang & Xie 2006): luminance of the images times contrast and structure of their
    gradient magnitudes.

    The constants are SSIM's, from the images' own range, although a Sobel magnitude may reach 8 L.
    """
    lo, length = span(data_range)
    c1, c2 = (k1 * length) ** 2, (k2 * length) ** 2
    mu_x, mu_y, *_ = _padded_moments(
        x - lo, y - lo, None, window, window_size, sigma, padding, "population"
    )
    gradients = gradient_magnitude(x), gradient_magnitude(y)
    _, _, var_x, var_y, cov_xy, _ = _padded_moments(
        *gradients, None, window, window_size, sigma, padding, "population"
    )
    values = (
        (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1) * (2 * cov_xy + c2) / (var_x + var_y + c2)
    )
    return reduce(values, None, reduction)


def structure_correlation(
    x: Array,
    y: Array,
    *,
    window: str | Sequence[float] = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: str = "valid",
    reduction: str = "mean",
) -> Array | float:
    """r* (Rouse & Hemami 2008): the correlation within each window; 1 where both deviations are
    zero, 0 where one is.
    """
    _, _, var_x, var_y, cov_xy, _ = _padded_moments(
        x, y, None, window, window_size, sigma, padding, "population"
    )
    flat_x, flat_y = var_x == 0, var_y == 0
    deviations = np.sqrt(var_x) * np.sqrt(var_y)
    values = np.where(
        flat_x & flat_y,
        1.0,
        np.where(flat_x | flat_y, 0.0, cov_xy / np.where(deviations > 0, deviations, 1.0)),
    )
    return reduce(values, None, reduction)


def enhanced_ssim(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    window_size: int = 11,
    stride: int = 1,
    viewing_distance: float = 6.0,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Array:
    """Coefficient of variation of SSIM (Venkataramanan et al. 2021), window by window, as the
    authors' C program shrinks and pools.
    """
    factor = max(1, math.floor(viewing_distance / 1.618 + 0.5))
    values = []
    for pair in zip(x, y, strict=True):
        a, b = (_decimated(luma_255(image, data_range), factor) for image in pair)
        blocks = [
            sliding_window_view(image, (window_size, window_size))[::stride, ::stride]
            for image in (a, b)
        ]
        mu_a, mu_b = (block.mean((2, 3)) for block in blocks)
        off_a, off_b = (block - block.mean((2, 3), keepdims=True) for block in blocks)
        c1, c2 = (k1 * 255) ** 2, (k2 * 255) ** 2
        similarity = (2 * mu_a * mu_b + c1) / (mu_a**2 + mu_b**2 + c1)
        similarity *= 2 * (off_a * off_b).mean((2, 3)) + c2
        similarity /= (off_a**2).mean((2, 3)) + (off_b**2).mean((2, 3)) + c2
        values.append(similarity.std() / similarity.mean())
    return np.array(values)


def _decimated(image: Array, factor: int) -> Array:
    """Means from ``factor // 2`` pixels before each ``factor``-th pixel on, mirrored at the edges;
    one position more on odd sides.
    """
    if factor == 1:
        return image

    def mirrored(at: int, side: int) -> int:
        return -1 - at if at < 0 else 2 * side - 1 - at if at >= side else at

    def indices(side: int) -> Array:
        return np.array(
            [
                [mirrored(factor * k - factor // 2 + tap, side) for tap in range(factor)]
                for k in range(side // factor + side % 2)
            ]
        )

    rows, columns = (indices(side) for side in image.shape)
    return image[rows[:, None, :, None], columns[None, :, None, :]].mean((2, 3))
