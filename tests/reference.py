"""Slow float64 NumPy reference of the package's equations, written from the papers; imports nothing
from ``ssimloss``.

Images are ``(N, C, H, W)``, volumes ``(N, C, D, H, W)``. Windows are summed tap by tap with the
full n-dimensional window and moments are taken in two passes about each window's own mean, so
nothing here shares a shortcut (separable filters, E[x^2] - E[x]^2) with the package. Where the
papers leave a choice open, the docstring says which one is made.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = np.ndarray
Range = float | tuple[float, float]

# Wang, Simoncelli & Bovik 2003; they sum to 1.0001.
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
PAD_MODES = {"reflect": "reflect", "replicate": "edge", "zeros": "constant"}


def span(data_range: Range) -> tuple[float, float]:
    """``(lo, L)``: the value that counts as black, and the width of the range."""
    lo, hi = data_range if isinstance(data_range, tuple) else (0.0, data_range)
    return lo, hi - lo


def reduce(values: Array, weight: Array | None = None, reduction: str = "mean") -> Array | float:
    """``mean`` is one weighted mean over everything; ``image`` one per image, ``(N,)``; a weight is
    broadcast over the channels.
    """
    weight = np.ones_like(values) if weight is None else np.broadcast_to(weight, values.shape)
    axes = tuple(range(1, values.ndim))
    if reduction == "mean":
        return float((values * weight).sum() / weight.sum())
    if reduction == "sum":
        return float((values * weight).sum())
    if reduction == "image":
        return (values * weight).sum(axis=axes) / weight.sum(axis=axes)
    if reduction == "none":
        return values
    raise ValueError(reduction)


# --- windows and local moments --------------------------------------------------------------------


def window(kind: str | Sequence[float] | Array, size: int = 11, sigma: float = 1.5) -> Array:
    """1-D window of sum 1: ``gaussian``, ``uniform``, or any taps given (divided by their sum)."""
    if isinstance(kind, str):
        if kind not in ("gaussian", "uniform"):
            raise ValueError(kind)
        distance = np.arange(size) - (size - 1) / 2
        taps = np.exp(-(distance**2) / (2 * sigma**2)) if kind == "gaussian" else np.ones(size)
    else:
        taps = np.asarray(kind, dtype=np.float64)
    return taps / taps.sum()


_window = window  # the functions below have an option of that name


def pad(x: Array, size: int, padding: str) -> Array:
    """The spatial axes grown by ``size - 1`` so that windows of ``size`` give one result per pixel;
    ``valid`` grows nothing.
    """
    if padding == "valid":
        return x
    near = (size - 1) // 2
    return np.pad(
        x, [(0, 0), (0, 0)] + [(near, size - 1 - near)] * (x.ndim - 2), mode=PAD_MODES[padding]
    )


def taps(taps_1d: Array, shape: Sequence[int]):
    """Each tap of the n-dimensional window: its weight, and the slices of an array of ``shape``
    that it meets at all positions.
    """
    size, dims = len(taps_1d), len(shape) - 2
    for offsets in itertools.product(range(size), repeat=dims):
        weight = math.prod(float(taps_1d[offset]) for offset in offsets)
        yield (
            weight,
            (
                ...,
                *(
                    slice(offset, length - size + 1 + offset)
                    for offset, length in zip(offsets, shape[2:], strict=True)
                ),
            ),
        )


def local_moments(
    x: Array, y: Array, taps_1d: Array, mask: Array | None = None
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """``mu_x, mu_y, var_x, var_y, cov_xy, mass`` of every window that lies inside the arrays.

    With a mask the window's weights are multiplied by it and renormalised; ``mass`` is their sum
    before that. Values are taken relative to each window's middle pixel first, so the moments of a
    constant window are exactly zero.
    """
    size = len(taps_1d)
    middle = (
        ...,
        *(slice((size - 1) // 2, (size - 1) // 2 + length - size + 1) for length in x.shape[2:]),
    )
    if mask is None:
        mass = divisor = np.ones_like(x[:, :1][middle])
    else:
        x, y = np.where(mask > 0, x, 0.0), np.where(mask > 0, y, 0.0)
        mass = sum(weight * mask[at] for weight, at in taps(taps_1d, x.shape))
        divisor = np.where(mass > 0, mass, 1.0)
    origin_x, origin_y = x[middle], y[middle]

    def expectation(value: Callable[[tuple], Array]) -> Array:
        if mask is None:
            return sum(weight * value(at) for weight, at in taps(taps_1d, x.shape))
        return sum(weight * mask[at] * value(at) for weight, at in taps(taps_1d, x.shape)) / divisor

    shift_x = expectation(lambda at: x[at] - origin_x)
    shift_y = expectation(lambda at: y[at] - origin_y)
    var_x = expectation(lambda at: (x[at] - origin_x - shift_x) ** 2)
    var_y = expectation(lambda at: (y[at] - origin_y - shift_y) ** 2)
    cov_xy = expectation(lambda at: (x[at] - origin_x - shift_x) * (y[at] - origin_y - shift_y))
    return origin_x + shift_x, origin_y + shift_y, var_x, var_y, cov_xy, mass


# --- downsampling ---------------------------------------------------------------------------------


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


# --- SSIM family ----------------------------------------------------------------------------------


def signed_power(base: Array, power: float) -> Array:
    return base**power if float(power).is_integer() else np.sign(base) * np.abs(base) ** power


def _padded_moments(x, y, mask, kind, window_size, sigma, padding, covariance):
    taps_1d = _window(kind, window_size, sigma)
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


def ssim_map_and_weight(
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
    exponents: tuple[float, float, float] = (1.0, 1.0, 1.0),
    downsample: int | str | None = None,
    mask: Array | None = None,
) -> tuple[Array, Array]:
    """SSIM of every window, l^alpha c^beta s^gamma (Wang et al. 2004, eq. 12), and the weight of
    each position in the mean.

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
    alpha, beta, gamma = exponents
    values = (
        signed_power(luminance, alpha)
        * signed_power(contrast, beta)
        * signed_power(structure, gamma)
    )
    return values, np.broadcast_to(mass, values.shape)


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


# --- pixels ---------------------------------------------------------------------------------------


def l1(x: Array, y: Array) -> Array:
    return np.abs(x - y)


def l2(x: Array, y: Array) -> Array:
    return (x - y) ** 2


def ldl(
    x: Array,
    y: Array,
    *,
    ema: Array | None = None,
    data_range: Range = 1.0,
    window_size: int = 7,
    exponent: float = 0.2,
    distance: str = "l1",
) -> Array:
    """LDL of each image (Liang et al. 2022), window by window."""
    values, border = [], window_size // 2
    for n in range(len(x)):
        difference = (x[n] - y[n]) / span(data_range)[1]
        residual = np.abs(difference).sum(0)
        wide = np.pad(residual, border, mode="reflect")
        weight = sliding_window_view(wide, (window_size, window_size)).var((2, 3), ddof=1)
        weight = weight * residual.var(ddof=1) ** exponent
        if ema is not None:
            behind = np.abs(ema[n] - y[n]).sum(0) / span(data_range)[1]
            weight = np.where(residual < behind, 0, weight)
        distances = np.abs(weight * difference) ** {"l1": 1, "l2": 2}[distance]
        values.append(distances.mean())
    return np.array(values)


def charbonnier(x: Array, y: Array, *, eps: float = 1e-3, form: str = "eps_squared") -> Array:
    """``eps_squared``: sqrt(d^2 + eps^2), LapSRN; ``eps``: sqrt(d^2 + eps), BasicSR (1e-12);
    ``barron``: sqrt(d^2 + 1) - 1, kornia.
    """
    squared = (x - y) ** 2
    if form == "barron":
        return np.sqrt(squared + 1) - 1
    return np.sqrt(squared + {"eps_squared": eps**2, "eps": eps}[form])


def psnr(x: Array, y: Array, *, data_range: Range = 1.0, eps: float = 0.0) -> Array:
    """``(N,)`` decibels, one per image, infinite where the images are equal; ``eps`` is what some
    programs add to MSE / L^2.
    """
    mse = ((x - y) ** 2).mean(axis=tuple(range(1, x.ndim))) / span(data_range)[1] ** 2
    with np.errstate(divide="ignore"):
        return -10 * np.log10(mse + eps)


def psnr_pooled(x: Array, y: Array, *, data_range: Range = 1.0, eps: float = 0.0) -> float:
    """PSNR of the error pooled over the whole batch."""
    return float(psnr(x[None], y[None], data_range=data_range, eps=eps)[0])


# --- smoothness, edges, gradients -----------------------------------------------------------------


def total_variation(x: Array, *, kind: str = "mean") -> Array:
    """``(N,)``, of neighbour differences dx, dy inside the image.

    ``mean``: mean|dx| + mean|dy| (BasicSR); ``sum``: the sums (kornia, torchmetrics, TensorFlow);
    ``l2``: sqrt(sum dx^2 + sum dy^2) (piq); ``squared``: sum dx^2 + sum dy^2; ``isotropic``: sum
    over all pixels of sqrt(dx^2 + dy^2), differences across the far border being 0 (Rudin, Osher &
    Fatemi 1992).
    """
    axes = (1, 2, 3)
    dx, dy = np.diff(x, axis=3), np.diff(x, axis=2)
    if kind == "mean":
        return np.abs(dx).mean(axis=axes) + np.abs(dy).mean(axis=axes)
    if kind == "sum":
        return np.abs(dx).sum(axis=axes) + np.abs(dy).sum(axis=axes)
    if kind == "squared":
        return (dx**2).sum(axis=axes) + (dy**2).sum(axis=axes)
    if kind == "l2":
        return np.sqrt(total_variation(x, kind="squared"))
    if kind == "isotropic":
        dx, dy = np.diff(x, axis=3, append=x[..., -1:]), np.diff(x, axis=2, append=x[:, :, -1:])
        return np.sqrt(dx**2 + dy**2).sum(axis=axes)
    raise ValueError(kind)


def correlate3(x: Array, kernel: Sequence[Sequence[float]]) -> Array:
    """3x3 correlation, replicated border, same size."""
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="edge")
    height, width = x.shape[2:]
    return sum(
        kernel[i][j] * padded[..., i : i + height, j : j + width]
        for i in range(3)
        for j in range(3)
    )


def sobel(x: Array) -> tuple[Array, Array]:
    """``(Gx, Gy)``, unnormalised: a unit ramp reads 8. Gx grows to the right, Gy downwards."""
    kernel = np.outer([1, 2, 1], [-1, 0, 1])
    return correlate3(x, kernel), correlate3(x, kernel.T)


def scharr(x: Array) -> tuple[Array, Array]:
    """``(Gx, Gy)`` with smoothing taps 3, 10, 3, unnormalised: a unit ramp reads 32."""
    kernel = np.outer([3, 10, 3], [-1, 0, 1])
    return correlate3(x, kernel), correlate3(x, kernel.T)


def laplacian(x: Array) -> Array:
    """Four-neighbour Laplacian."""
    return correlate3(x, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])


def gradient_difference_maps(x: Array, y: Array, *, alpha: float = 1.0) -> tuple[Array, Array]:
    """``(vertical, horizontal)``: ||y_i - y_i-1| - |x_i - x_i-1||^alpha."""
    vertical, horizontal = (
        np.abs(np.abs(np.diff(x, axis=axis)) - np.abs(np.diff(y, axis=axis))) ** alpha
        for axis in (2, 3)
    )
    return vertical, horizontal


def gradient_difference(
    x: Array, y: Array, *, alpha: float = 1.0, reduction: str = "mean"
) -> Array | float:
    """Image gradient difference (Mathieu, Couprie & LeCun 2016): the two directions are each
    reduced, then added; the paper sums.
    """
    vertical, horizontal = gradient_difference_maps(x, y, alpha=alpha)
    return reduce(vertical, None, reduction) + reduce(horizontal, None, reduction)


# --- wavelets -------------------------------------------------------------------------------------


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


# --- frequency ------------------------------------------------------------------------------------


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


def fourier_magnitude_l1(x: Array, y: Array) -> Array:
    """| |Fx| - |Fy| | of orthonormal spectra, full (not half) plane, ``(N, C, H, W)``."""
    return np.abs(np.abs(dft2(x)) - np.abs(dft2(y)))


# --- luma and the super-resolution protocol -------------------------------------------------------

LUMA = {
    # weights of R, G, B and offset, for values in [0, 1]
    "bt601_studio": ((65.481 / 255, 128.553 / 255, 24.966 / 255), 16 / 255),
    "bt601": ((0.299, 0.587, 0.114), 0.0),  # also Y of YIQ
    # As documented; the program uses more digits, below.
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

    The program itself takes luma in float32 and so differs by about 1e-5 of a gray level.
    """
    inside = slice(crop_border, -crop_border or None)
    pair = [images(image[inside, inside]) for image in (pred, target)]
    if y_channel and pair[0].shape[1] == 3:
        pair = [luma(image / 255) * 255 for image in pair]
    return pair[0], pair[1]


# --- deep features --------------------------------------------------------------------------------


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


# --- adversarial losses ---------------------------------------------------------------------------


def _says_real(kind: str, x: Array, target: float) -> Array:
    """What it costs that a logit which should say "real" is ``x``."""
    if kind in ("cross_entropy", "softplus"):
        return np.logaddexp(0, -x)
    if kind == "least_squares":
        return (x - target) ** 2
    return np.maximum(0, 1 - x) if kind == "hinge" else -x


def _says_fake(kind: str, x: Array, target: float) -> Array:
    if kind in ("cross_entropy", "softplus"):
        return np.logaddexp(0, x)
    if kind == "least_squares":
        return (x - target) ** 2
    return np.maximum(0, 1 + x) if kind == "hinge" else x


def discriminator_loss(kind: str, form: str | None, real: Array, fake: Array) -> float:
    """Of all logits; least squares with the halves of Mao et al. 2017, in relativistic forms
    without (Jolicoeur-Martineau 2018).
    """
    if form is None:
        half = 0.5 if kind == "least_squares" else 1.0
        return half * float(_says_real(kind, real, 1.0).mean() + _says_fake(kind, fake, 0.0).mean())
    if form == "paired":
        return float(_says_real(kind, real - fake, 1.0).mean())
    return float(
        _says_real(kind, real - fake.mean(), 1.0).mean()
        + _says_fake(kind, fake - real.mean(), -1.0).mean()
    )


def generator_loss(kind: str, form: str | None, real: Array, fake: Array) -> float:
    """The loss that does not saturate."""
    if form is None:
        if kind in ("hinge", "wasserstein"):
            return float(-fake.mean())
        return (0.5 if kind == "least_squares" else 1.0) * float(_says_real(kind, fake, 1.0).mean())
    if form == "paired":
        return float(_says_real(kind, fake - real, 1.0).mean())
    return float(
        _says_fake(kind, real - fake.mean(), -1.0).mean()
        + _says_real(kind, fake - real.mean(), 1.0).mean()
    )


# --- resizing -------------------------------------------------------------------------------------


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


# --- sets of images -------------------------------------------------------------------------------


def symmetric_root(matrix: Array) -> Array:
    """The root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def frechet(mean_a: Array, cov_a: Array, mean_b: Array, cov_b: Array) -> float:
    """Dowson & Landau 1982; ``(S_a S_b)^(1/2)`` has the trace of
    ``(S_a^(1/2) S_b S_a^(1/2))^(1/2)``, which is symmetric.
    """
    root_a = symmetric_root(cov_a)
    return float(
        ((mean_a - mean_b) ** 2).sum()
        + np.trace(cov_a)
        + np.trace(cov_b)
        - 2 * np.trace(symmetric_root(root_a @ cov_b @ root_a))
    )


def kernel_distance(
    a: Array, b: Array, *, degree: int = 3, gamma: float | None = None, coef0: float = 1.0
) -> float:
    """Binkowski et al. 2018, eq. 4, pair by pair: the unbiased squared discrepancy of two sets of
    ``m`` rows ``(m, D)``.
    """
    gamma = 1 / a.shape[1] if gamma is None else gamma
    m, total = len(a), 0.0
    for i in range(m):
        for j in range(m):
            within = (
                0.0
                if i == j
                else (gamma * a[i] @ a[j] + coef0) ** degree
                + (gamma * b[i] @ b[j] + coef0) ** degree
            )
            total += within / (m * (m - 1)) - 2 * (gamma * a[i] @ b[j] + coef0) ** degree / m**2
    return total


def inception_score(logits: Array, splits: int) -> tuple[float, float]:
    """Salimans et al. 2016, from the probabilities, image by image."""
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    scores = []
    for i in range(splits):
        part = p[i * len(p) // splits : (i + 1) * len(p) // splits]
        marginal = part.mean(0)
        scores.append(np.exp(np.mean([(row * np.log(row / marginal)).sum() for row in part])))
    return float(np.mean(scores)), float(np.std(scores))


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
    small = np.zeros((wide.shape[0] // 2, wide.shape[1] // 2))
    for i in range(small.shape[0]):
        for j in range(small.shape[1]):
            small[i, j] = wide[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean()
    return small


def gradient_length(gray: Array, smoothing: Sequence[float]) -> Array:
    """Length of the gradient under ``[1, 0, -1]`` and a smoothing of sum 1, zeros around."""
    wide, weights = np.pad(gray, 1), np.asarray(smoothing) / sum(smoothing)
    magnitude = np.zeros_like(gray)
    for i in range(gray.shape[0]):
        for j in range(gray.shape[1]):
            block = wide[i : i + 3, j : j + 3]
            dx = ((block[:, 0] - block[:, 2]) * weights).sum()
            dy = ((block[0] - block[2]) * weights).sum()
            magnitude[i, j] = math.hypot(dx, dy)
    return magnitude


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
    wide = np.pad(gray, factor)
    rows = range(0, gray.shape[0], factor)
    columns = range(0, gray.shape[1], factor)
    return np.array(
        [
            [
                wide[i : i + factor, j : j + factor].mean()
                for j in (column + factor - before for column in columns)
            ]
            for i in (row + factor - before for row in rows)
        ]
    )


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


def vif(x: Array, y: Array, *, data_range: Range = 1.0, noise: float = 2.0) -> Array:
    """VIF in the pixel domain of each image, as vifp_mscale.m: ``x`` is the distorted one."""
    values = []
    for pair in zip(x, y, strict=True):
        dist, ref = (luma_255(image, data_range) for image in pair)
        shared = whole = 0.0
        for scale, size in enumerate((17, 9, 5, 3)):
            taps_1d = window("gaussian", size, size / 5)
            weights = np.outer(taps_1d, taps_1d)

            def mean(image: Array, weights: Array = weights) -> Array:
                return (sliding_window_view(image, weights.shape) * weights).sum((2, 3))

            if scale:
                dist, ref = mean(dist)[::2, ::2], mean(ref)[::2, ::2]
            var_d = np.maximum(mean(dist**2) - mean(dist) ** 2, 0)
            var_r = np.maximum(mean(ref**2) - mean(ref) ** 2, 0)
            cov = mean(dist * ref) - mean(dist) * mean(ref)
            gain = cov / (var_r + 1e-10)
            rest = var_d - gain * cov
            flat_r, flat_d = var_r < 1e-10, var_d < 1e-10
            gain[flat_r], rest[flat_r], var_r[flat_r] = 0, var_d[flat_r], 0
            gain[flat_d], rest[flat_d] = 0, 0
            rest[gain < 0] = var_d[gain < 0]
            gain[gain < 0] = 0
            rest = np.maximum(rest, 1e-10)
            shared += np.log10(1 + gain**2 * var_r / (rest + noise)).sum()
            whole += np.log10(1 + var_r / noise).sum()
        values.append(shared / whole)
    return np.array(values)


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


def information_weight(x: Array, y: Array, parent: Array | None, noise: float) -> Array:
    """``info_content_weight_map.m`` of one band; ``y`` is the reference. The outermost positions
    are left out.
    """
    windows_x, windows_y = (sliding_window_view(band, (3, 3)) for band in (x, y))
    mu_x, mu_y = windows_x.mean((2, 3)), windows_y.mean((2, 3))
    off_x, off_y = windows_x - mu_x[..., None, None], windows_y - mu_y[..., None, None]
    var_x, var_y = (off_x**2).mean((2, 3)), (off_y**2).mean((2, 3))
    cov = (off_x * off_y).mean((2, 3))
    g = np.where((var_x < 1e-15) | (var_y < 1e-15), 0, cov / (var_y + 1e-15))
    var_v = np.where(var_x < 1e-15, 0, var_x - g * cov)
    around = windows_y.reshape(*mu_y.shape, 9)
    if parent is not None:
        inside = imenlarge2(parent)[: y.shape[0], : y.shape[1]][1:-1, 1:-1]
        around = np.concatenate((around, inside[..., None]), 2)
    rows = around.reshape(-1, around.shape[2])
    covariance = rows.T @ rows / len(rows)
    s2 = ((rows @ np.linalg.inv(covariance)) * rows).sum(1).reshape(mu_y.shape) / rows.shape[1]
    total = np.zeros_like(s2)
    for variance in np.linalg.eigvalsh(covariance):
        signal = (var_v + (1 + g**2) * noise) * s2 * variance
        total += np.log2(1 + (signal + noise * var_v) / noise**2)
    return total


def iw_ssim(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    scale_weights: Sequence[float] = MS_SSIM_WEIGHTS,
    noise: float = 0.4,
    even: bool = False,
    normalised: bool = True,
) -> Array:
    """IW-SSIM of each image (Wang & Li 2011); ``x`` is the distorted one.

    ``even`` as in ``laplacian_pyramid``; ``normalised`` divides the weights by their sum.
    """
    values, count = [], len(scale_weights)
    total = sum(scale_weights) if normalised else 1.0
    for pair in zip(x, y, strict=True):
        dist, ref = (laplacian_pyramid(luma_255(image, data_range), count, even) for image in pair)
        value = 1.0
        for scale, exponent in enumerate(scale_weights):
            bands = [band[scale][None, None] for band in (dist, ref)]
            part = (0, 1, 1) if scale < count - 1 else (1, 1, 1)
            similarity = ssim_map(*bands, data_range=255.0, exponents=part)[0, 0]
            weight = np.ones_like(similarity)
            if scale < count - 1:
                parent = ref[scale + 1] if scale < count - 2 else None
                weight = information_weight(dist[scale], ref[scale], parent, noise)[4:-4, 4:-4]
            mean = (similarity * weight).sum() / weight.sum()
            value *= mean ** (exponent / total)
        values.append(value)
    return np.array(values)


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


def lab(rgb: Sequence[float]) -> list[float]:
    """sRGB in [0, 1] to CIELAB under D65."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    rows = (
        (0.412453, 0.357580, 0.180423),
        (0.212671, 0.715160, 0.072169),
        (0.019334, 0.119193, 0.950227),
    )
    f = []
    for row, white in zip(rows, (0.95047, 1.0, 1.08883), strict=True):
        t = sum(weight * c for weight, c in zip(row, linear, strict=True)) / white
        f.append(t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116)
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


def ciede2000(
    x: Array, y: Array, *, data_range: Range = 1.0, k: Sequence[float] = (1.0, 1.0, 1.0)
) -> Array:
    """The mean CIEDE2000 of each image, pixel by pixel."""
    lo, length = span(data_range)
    values = []
    for pair in zip(x, y, strict=True):
        one, two = (
            np.broadcast_to((image - lo) / length, (3, *image.shape[1:])).reshape(3, -1).T
            for image in pair
        )
        found = [ciede2000_of_lab(lab(p), lab(q), k) for p, q in zip(one, two, strict=True)]
        values.append(np.mean(found))
    return np.array(values)


# --- SSIMULACRA 2 ---------------------------------------------------------------------------------

# Weights that are not 0, in the order of the program: plane, scale, norm, map.
_SSIMULACRA2_WEIGHTS = {
    1: 0.0007376606707406586,
    4: 0.0007793481682867309,
    7: 0.0004371155730107379,
    9: 1.1041726426657346,
    10: 0.00066284834129271,
    11: 0.00015231632783718752,
    13: 0.0016406437456599754,
    15: 1.8422455520539298,
    16: 11.441172603757666,
    18: 0.0007989109436015163,
    19: 0.000176816438078653,
    21: 1.8787594979546387,
    22: 10.94906990605142,
    24: 0.0007289346991508072,
    25: 0.9677937080626833,
    27: 0.00014003424285435884,
    28: 0.9981766977854967,
    29: 0.00031949755934435053,
    30: 0.0004550992113792063,
    33: 0.0013648766163243398,
    39: 7.466890328078848,
    41: 17.445833984131262,
    42: 0.0006235601634041466,
    45: 6.683678146179332,
    46: 0.00037724407979611296,
    47: 1.027889937768264,
    48: 225.20515300849274,
    51: 19.213238186143016,
    52: 0.0011401524586618361,
    53: 0.001237755635509985,
    54: 176.39317598450694,
    57: 24.43300999870476,
    58: 0.28520802612117757,
    59: 0.0004485436923833408,
    63: 34.77906344483772,
    64: 44.835625328877896,
    73: 0.0008680556573291698,
    79: 0.0005313191874358747,
    81: 0.00016533814161379112,
    87: 0.0004179171803251336,
    88: 0.0017290828234722833,
    90: 0.0020827005846636437,
    93: 8.826982764996862,
    94: 23.19243343998926,
    96: 95.1080498811086,
    97: 0.9863978034400682,
    98: 0.9834382792465353,
    99: 0.0012286405048278493,
    100: 171.2667255897307,
    101: 0.9807858872435379,
    105: 0.0005130064588990679,
    107: 0.00010854057858411537,
}


def linear_light(encoded: Array) -> Array:
    """sRGB in [0, 1] to linear light (IEC 61966-2-1)."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def recursive_gaussian(sigma: float) -> Array:
    """The response of a recursive Gaussian (Charalampidis 2016): cosines that are 0 at +-N, of sum
    1 and variance sigma^2, with the amplitudes nearest to those of the Gaussian.
    """
    radius = round(3.2795 * sigma + 0.2546)
    t = np.arange(-radius, radius + 1)
    omega = np.pi * np.array([1, 3, 5]) / (2 * radius)
    cosines = np.cos(np.outer(omega, t))  # (3, T)
    amplitudes = np.exp(-((sigma * omega) ** 2) / 2) / radius
    conditions = np.stack([cosines.sum(1), (cosines * t**2).sum(1)])
    missing = np.array([1, sigma**2]) - conditions @ amplitudes
    return (amplitudes + np.linalg.pinv(conditions) @ missing) @ cosines


def ssimulacra2(x: Array, y: Array, *, data_range: Range = 1.0) -> Array:
    """SSIMULACRA 2.1 of each image, as ssimulacra2.cc: ``x`` is the distorted one, ``y`` the
    original.
    """
    lo, length = span(data_range)
    taps_1d = recursive_gaussian(1.5)
    window_2d = np.outer(taps_1d, taps_1d)
    values = []
    for pair in zip(x, y, strict=True):
        dist, orig = (
            linear_light(np.broadcast_to((image - lo) / length, (3, *image.shape[1:])))
            for image in pair
        )
        numbers = np.empty((3, 6, 2, 3))  # plane, scale, norm, map
        for scale in range(6):
            if scale:
                dist, orig = _halved_light(dist), _halved_light(orig)
            for plane, (a, b) in enumerate(zip(_xyb(dist), _xyb(orig), strict=True)):
                maps = _ssimulacra2_maps(a, b, window_2d)
                for norm, power in enumerate((1, 4)):
                    means = [np.mean(m**power) ** (1 / power) for m in maps]
                    numbers[plane, scale, norm] = means
        flat = numbers.ravel()
        s = 0.9562382616834844 * sum(w * flat[i] for i, w in _SSIMULACRA2_WEIGHTS.items())
        s = 2.326765642916932 * s - 0.020884521182843837 * s**2 + 6.248496625763138e-05 * s**3
        values.append(100 - 10 * max(s, 0) ** 0.6276336467831387)
    return np.array(values)


def _halved_light(planes: Array) -> Array:
    """Means of 2 x 2 pixels; beyond an odd side, the last one counts twice."""
    _, h, w = planes.shape
    rows, columns = np.arange(0, h, 2), np.arange(0, w, 2)
    below, right = np.minimum(rows + 1, h - 1), np.minimum(columns + 1, w - 1)
    corners = [planes[:, r][:, :, c] for r in (rows, below) for c in (columns, right)]
    return sum(corners) / 4


def _xyb(light: Array) -> Array:
    """Linear RGB ``(3, H, W)`` to X, Y and B - Y of XYB, shifted and scaled to about [0, 1]."""
    rows = [(0.3, 0.622, 0.078), (0.23, 0.692, 0.078)]
    rows.append(
        (
            0.24342268924547819,
            0.20476744424496821,
            1 - sum((0.24342268924547819, 0.20476744424496821)),
        )
    )
    bias = 0.0037930732552754493
    cones = np.cbrt(np.maximum(np.einsum("kc,chw->khw", np.array(rows), light) + bias, 0))
    long, medium, short = cones - np.cbrt(bias)
    x, y = (long - medium) / 2, (long + medium) / 2
    return np.stack([14 * x + 0.42, y + 0.01, short - y + 0.55])


def _ssimulacra2_maps(a: Array, b: Array, window_2d: Array) -> tuple[Array, Array, Array]:
    """Errors of structure, added edges and lost edges of a plane, ``a`` the distorted one."""

    def mean(plane: Array) -> Array:
        padded = np.pad(plane, len(window_2d) // 2)
        return (sliding_window_view(padded, window_2d.shape) * window_2d).sum((2, 3))

    mu_a, mu_b = mean(a), mean(b)
    var_a, var_b, cov = mean(a * a) - mu_a**2, mean(b * b) - mu_b**2, mean(a * b) - mu_a * mu_b
    similarity = (1 - (mu_a - mu_b) ** 2) * (2 * cov + 0.0009) / (var_a + var_b + 0.0009)
    edges = (1 + abs(a - mu_a)) / (1 + abs(b - mu_b)) - 1
    return np.maximum(1 - similarity, 0), np.maximum(edges, 0), np.maximum(-edges, 0)


# --- FLIP -----------------------------------------------------------------------------------------


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
_FLIP_XYZ_TO_RGB = np.array(  # as the program has it
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


# --- VMAF -----------------------------------------------------------------------------------------

# Feature windows, wavelet and viewing conditions of VMAF v0.6.1; codes of 8 bits.
_DB2_LOW = (0.482962913144690, 0.836516303737469, 0.224143868041857, -0.129409522550921)
_DB2_HIGH = (-0.129409522550921, -0.224143868041857, 0.836516303737469, -0.482962913144690)
_MOTION_WINDOW = (0.054488685, 0.244201342, 0.402619947, 0.244201342, 0.054488685)
# Amplitudes of the 9-7 basis functions (Watson, Yang, Solomon & Villasenor 1997): H and V, D.
_AMPLITUDES = (
    (0.67234, 0.72709),
    (0.41317, 0.49428),
    (0.22727, 0.28688),
    (0.11792, 0.15214),
)


def _mirrored(length: int, before: int, after: int, far: str) -> Array:
    """Indices of an axis extended by mirroring: without the edge at the near end, and at the far
    end without ("reflect") or with it ("symmetric").
    """
    indices = []
    for i in range(-before, length + after):
        if i < 0:
            indices.append(min(-i, length - 1))
        elif i >= length:
            indices.append(2 * length - 2 - i if far == "reflect" else 2 * length - 1 - i)
        else:
            indices.append(i)
    return np.array(indices)


def _weighted(image: Array, taps: Sequence[float]) -> Array:
    """Separable window over ``(H, W)``, mirrored without the edge at all sides."""
    half = len(taps) // 2
    rows = _mirrored(image.shape[0], half, half, "reflect")
    columns = _mirrored(image.shape[1], half, half, "reflect")
    wide = image[np.ix_(rows, columns)]
    h, w = image.shape
    total = np.zeros_like(image)
    for i, a in enumerate(taps):
        for j, b in enumerate(taps):
            total += a * b * wide[i : i + h, j : j + w]
    return total


def vmaf_vif(ref: Array, dist: Array, gain_limit: float = 100.0) -> list[float]:
    """VIF of one frame ``(H, W)`` at four scales, as VMAF defines it."""
    x, y = ref - 128.0, dist - 128.0
    found = []
    for scale in range(4):
        size = 2 ** (4 - scale) + 1
        taps = window("gaussian", size, size / 5)
        if scale:
            half = tuple(side // 2 for side in x.shape)
            x, y = (_weighted(i, taps)[::2, ::2][: half[0], : half[1]] for i in (x, y))
        mu_x, mu_y = _weighted(x, taps), _weighted(y, taps)
        var_x = np.maximum(_weighted(x * x, taps) - mu_x**2, 0)
        var_y = np.maximum(_weighted(y * y, taps) - mu_y**2, 0)
        cov = _weighted(x * y, taps) - mu_x * mu_y
        num = np.zeros_like(x)
        den = np.zeros_like(x)
        for at in np.ndindex(x.shape):
            s1, s2, s12 = var_x[at], var_y[at], cov[at]
            if s1 < 2.0:
                num[at], den[at] = 1 - s2 * 4 / 65025, 1.0
                continue
            g, noise = s12 / (s1 + 1e-10), 0.0
            noise = s2 - g * s12
            if s2 < 1e-10:
                g, noise = 0.0, 0.0
            if g < 0:
                g, noise = 0.0, s2
            noise, g = max(noise, 1e-10), min(g, gain_limit)
            num[at] = 0.0 if s12 < 0 else math.log2(1 + g * g * s1 / (noise + 2.0))
            den[at] = math.log2(1 + s1 / 2.0)
        found.append(float(num.sum() / den.sum()))
    return found


def _db2(image: Array) -> tuple[Array, Array, Array, Array]:
    """One level of the wavelet: approximation, then bands H (rows high), V (columns high), D."""
    h, w = image.shape
    rows = _mirrored(h, 1, 2, "symmetric")
    columns = _mirrored(w, 1, 2, "symmetric")
    bands = []
    for down, across in (
        (_DB2_LOW, _DB2_LOW),
        (_DB2_HIGH, _DB2_LOW),
        (_DB2_LOW, _DB2_HIGH),
        (_DB2_HIGH, _DB2_HIGH),
    ):
        lines = np.stack(
            [sum(down[k] * image[rows[2 * i + k]] for k in range(4)) for i in range((h + 1) // 2)]
        )
        bands.append(
            np.stack(
                [
                    sum(across[k] * lines[:, columns[2 * i + k]] for k in range(4))
                    for i in range((w + 1) // 2)
                ],
                axis=1,
            )
        )
    return tuple(bands)


def vmaf_adm(ref: Array, dist: Array, gain_limit: float = 100.0) -> tuple[float, list[float]]:
    """ADM of one frame ``(H, W)``: ``adm2``, and the values of its four scales."""
    x, y = ref - 128.0, dist - 128.0
    distance = 3.0 * 1080 * math.pi / 180  # pixels per degree
    nums, dens = [], []
    for scale in range(4):
        (x, *of_x), (y, *of_y) = _db2(x), _db2(y)
        weights = []
        for band in range(3):
            orientation = 0.534 if band == 2 else 1.0
            octave = math.log10(2 ** (scale + 1) * 0.401 * orientation / distance)
            quantum = 2 * 0.495 * 10 ** (0.466 * octave**2) / _AMPLITUDES[scale][band == 2]
            weights.append(1 / quantum)
        h, w = x.shape
        restored = [
            np.clip(t, np.minimum(o, 0), np.maximum(o, 0)) for o, t in zip(of_x, of_y, strict=True)
        ]
        dot = of_x[0] * of_y[0] + of_x[1] * of_y[1]
        norms = (of_x[0] ** 2 + of_x[1] ** 2) * (of_y[0] ** 2 + of_y[1] ** 2)
        same = (dot >= 0) & (dot**2 >= math.cos(math.pi / 180) ** 2 * norms)
        for r, t in zip(restored, of_y, strict=True):
            for at in zip(*np.nonzero(same), strict=True):
                if r[at] > 0:
                    r[at] = min(gain_limit * r[at], t[at])
                elif r[at] < 0:
                    r[at] = max(gain_limit * r[at], t[at])
        added = sum(f * np.abs(t - r) for f, t, r in zip(weights, of_y, restored, strict=True))
        wide = added[np.ix_(_mirrored(h, 1, 1, "symmetric"), _mirrored(w, 1, 1, "symmetric"))]
        threshold = added / 30
        for i, j in itertools.product(range(3), range(3)):
            threshold = threshold + wide[i : i + h, j : j + w] / 30
        top, left = int(h * 0.1 - 0.5), int(w * 0.1 - 0.5)
        inside = (slice(top, h - top), slice(left, w - left))
        constant = ((h - 2 * top) * (w - 2 * left) / 32) ** (1 / 3)
        num = den = 0.0
        for f, o, r in zip(weights, of_x, restored, strict=True):
            masked = np.maximum(np.abs(f * r) - threshold, 0)[inside]
            num += (masked**3).sum() ** (1 / 3) + constant
            den += (np.abs(f * o)[inside] ** 3).sum() ** (1 / 3) + constant
        nums.append(num)
        dens.append(den)
    return sum(nums) / sum(dens), [n / d for n, d in zip(nums, dens, strict=True)]


def vmaf_motion(frames: Array) -> tuple[list[float], list[float]]:
    """``motion`` and ``motion2`` of reference frames ``(T, H, W)``."""
    blurred = [_weighted(frame - 128.0, _MOTION_WINDOW) for frame in frames]
    motion = [0.0]
    motion += [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(blurred)]
    later = [*motion[1:], motion[-1]]
    return motion, [0.0] + [min(one, two) for one, two in zip(motion[1:], later[1:], strict=True)]


def vmaf_svr(model: dict, features: dict[str, float]) -> float:
    """The unclipped score of a model file of libvmaf for the features of one frame."""
    parts = model["model_dict"]
    lines = parts["model"].split("\n")
    head = dict(line.split(" ", 1) for line in lines[: lines.index("SV")])
    slopes, intercepts = parts["slopes"], parts["intercepts"]
    x = [
        slopes[i + 1] * features[name.rsplit("feature_", 1)[1].removesuffix("_score")]
        + intercepts[i + 1]
        for i, name in enumerate(parts["feature_names"])
    ]
    y = -float(head["rho"])
    for line in lines[lines.index("SV") + 1 :]:
        if not line.strip():
            continue
        coefficient, *entries = line.split()
        vector = [0.0] * len(x)
        for entry in entries:
            index, value = entry.split(":")
            vector[int(index) - 1] = float(value)
        distance = sum((a - b) ** 2 for a, b in zip(vector, x, strict=True))
        y += float(coefficient) * math.exp(-float(head["gamma"]) * distance)
    return (y - intercepts[0]) / slopes[0]


def vmaf_features(ref: Array, dist: Array, gain_limit: float = 100.0) -> dict[str, list[float]]:
    """Every feature of clips ``(T, H, W)`` of 8-bit codes, a list over frames each."""
    motion, motion2 = vmaf_motion(ref)
    found: dict[str, list[float]] = {"motion": motion, "motion2": motion2}
    for x, y in zip(ref, dist, strict=True):
        adm2, adm_scales = vmaf_adm(x, y, gain_limit)
        row = {"adm2": adm2}
        row |= {f"adm_scale{s}": value for s, value in enumerate(adm_scales)}
        row |= {f"vif_scale{s}": v for s, v in enumerate(vmaf_vif(x, y, gain_limit))}
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found


def oklab(rgb: Sequence[float]) -> list[float]:
    """Oklab of an sRGB colour in [0, 1] (Ottosson 2020)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    cones = (
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    )
    roots = [math.cbrt(sum(w * c for w, c in zip(row, linear, strict=True))) for row in cones]
    rows = (
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    )
    return [sum(w * c for w, c in zip(row, roots, strict=True)) for row in rows]


def ycbcr(rgb: Sequence[float]) -> list[float]:
    """YCbCr of ITU-R BT.601 in studio range over 255, of RGB in [0, 1], with MATLAB's digits."""
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
            np.apply_along_axis(
                convert, 0, np.broadcast_to((image - lo) / length, (3, *image.shape[1:]))
            )
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
