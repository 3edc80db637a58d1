"""SSIM at one scale.

``ssim = luminance^alpha * contrast^beta * structure^gamma`` under a sliding window, per channel
(Wang, Bovik, Sheikh & Simoncelli 2004, eq. 12). A score is averaged as it is; the loss made of it
is ``1 - score``, taken before the reduction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, check_reduction, reduce, slope_of
from ssimloss.filters import (
    Padding as Padding,
)  # "as": part of the signatures here, and so of what this module exports
from ssimloss.filters import WindowName as WindowName
from ssimloss.filters import (
    average_pool,
    box_subsample,
    check_border,
    check_window_options,
    make_window,
    window_length,
    window_weights,
)
from ssimloss.functional._plane_means import plane_means
from ssimloss.functional._similarity import (
    bordered,
    check_holds_window,
    check_inputs,
    contrast_structure,
    deviation_product,
    local_statistics,
    luminance,
    signed_power,
    valid_pixels,
)
from ssimloss.functional.local_similarity import similarity, similarity_mean
from ssimloss.kernels import (
    MAX_TAPS,
    SIMILARITY_MAP,
    SIMILARITY_MEANS,
    Comparison,
    check_backend,
    select,
    similarity_map,
    similarity_means,
)
from ssimloss.kernels import Backend as Backend

Covariance = Literal["population", "sample"]
COVARIANCES: tuple[str, ...] = get_args(Covariance)
Downsample = int | Literal["auto", "matlab"] | None
Exponents = tuple[float, float, float]


@dataclass(frozen=True)
class SSIMOptions:
    """The options of :func:`ssim`, checked."""

    data_range: DataRange = 1.0
    window: WindowName | Tensor = "gaussian"
    window_size: int = 11
    sigma: float = 1.5
    k1: float = 0.01
    k2: float = 0.03
    exponents: Exponents = (1.0, 1.0, 1.0)
    padding: Padding = "valid"
    covariance: Covariance = "population"
    downsample: Downsample = None
    reduction: Reduction = "mean"
    backend: Backend = "auto"

    def __post_init__(self) -> None:
        """Raise for what cannot be computed, naming the option."""
        _checks.data_range(self.data_range)
        check_window_options(
            window=self.window, window_size=self.window_size, sigma=self.sigma, padding=self.padding
        )
        _checks.positive("k1", self.k1)
        _checks.positive("k2", self.k2)
        if len(_checks.weights("exponents", self.exponents)) != 3:
            raise ValueError(
                "exponents must be three numbers (luminance, contrast, structure), got "
                f"{self.exponents!r}"
            )
        _checks.choice("covariance", self.covariance, COVARIANCES)
        if self.covariance == "sample" and self.taps < 2:
            raise ValueError(
                "covariance='sample' divides by the number of window taps less one; use a window "
                "of at least 2 taps"
            )
        if isinstance(self.downsample, str):
            _checks.choice("downsample", self.downsample, ("auto", "matlab"))
        elif self.downsample is not None:
            _checks.count("downsample", self.downsample)
        check_reduction(self.reduction)
        check_backend(self.backend)

    @property
    def taps(self) -> int:
        """Length of the window."""
        return window_length(self.window, self.window_size)

    @property
    def c1(self) -> float:
        """Stabiliser of the luminance term."""
        return float((self.k1 * _checks.data_range(self.data_range)[1]) ** 2)

    @property
    def c2(self) -> float:
        """Stabiliser of the contrast and structure terms."""
        return float((self.k2 * _checks.data_range(self.data_range)[1]) ** 2)

    def sample_factor(self, axes: int) -> float:
        """What variances and covariance are multiplied by."""
        count = self.taps**axes
        return count / (count - 1) if self.covariance == "sample" else 1.0


@full_precision
def ssim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange = 1.0,
    window: WindowName | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    exponents: Exponents = (1.0, 1.0, 1.0),
    padding: Padding = "valid",
    covariance: Covariance = "population",
    downsample: Downsample = None,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
    backend: Backend = "auto",
) -> Tensor:
    """Structural similarity: 1 for equal images, in [-1, 1] for images of non-negative values.

    ``(2 mu_x mu_y + C1) (2 cov_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2))`` with
    ``C = (k L)^2``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; each channel is compared by itself. float16 and bfloat16 are computed in
            float32.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        k1, k2: the stabilising constants, both above 0.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A negative term to a power keeps its sign, ``sign(s) |s|^gamma``; an
            exponent of 0 leaves the term out.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        covariance: ``"population"``, or ``"sample"``: times ``N / (N - 1)`` with N the number of
            window taps over all axes.
        downsample: shrink first: an ``int`` averages blocks of that factor, ``"auto"`` those of
            ``f = max(1, round(min(H, W) / 256))`` (piq), ``"matlab"`` does as ``ssim.m``: the same
            f, a box filter with symmetric border, then every f-th sample.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; a window counts as much as the mask leaves of it.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words, constants that are
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang et al. 2004. The options of other programs, and how closely each is met, are in
    ``ssimloss.conventions.SSIM``.
    """
    options = SSIMOptions(
        data_range,
        window,
        window_size,
        sigma,
        k1,
        k2,
        exponents,
        padding,
        covariance,
        downsample,
        reduction,
        backend,
    )
    return _ssim_scores(pred, target, options, mask).reduce(reduction)


@full_precision
def ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange = 1.0,
    window: WindowName | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    exponents: Exponents = (1.0, 1.0, 1.0),
    padding: Padding = "valid",
    covariance: Covariance = "population",
    downsample: Downsample = None,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
    backend: Backend = "auto",
) -> Tensor:
    """``1 - ssim``, reduced afterwards: 0 for equal images, up to 2 for opposite ones. Arguments as
    for :func:`ssim`.
    """
    options = SSIMOptions(
        data_range,
        window,
        window_size,
        sigma,
        k1,
        k2,
        exponents,
        padding,
        covariance,
        downsample,
        reduction,
        backend,
    )
    return _ssim_scores(pred, target, options, mask, sign=-1).as_loss().reduce(reduction)


@full_precision
def ssim_map(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange = 1.0,
    window: WindowName | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    exponents: Exponents = (1.0, 1.0, 1.0),
    padding: Padding = "valid",
    covariance: Covariance = "population",
    downsample: Downsample = None,
    mask: Tensor | None = None,
    backend: Backend = "auto",
) -> Tensor:
    """The unreduced map ``(N, C, H', W')`` of :func:`ssim`; ``padding="reflect"`` keeps it the size
    of the images.
    """
    options = SSIMOptions(
        data_range,
        window,
        window_size,
        sigma,
        k1,
        k2,
        exponents,
        padding,
        covariance,
        downsample,
        "none",
        backend,
    )
    return _ssim_scores(pred, target, options, mask).reduce("none")


@dataclass(frozen=True)
class Scores:
    """Scores before their reduction: a map ``(N, C, ...)`` or, where only means are asked for, the
    means ``(N, C)`` of its planes.
    """

    values: Tensor
    weight: Tensor | None
    positions: int  # map elements that one value stands for
    dtype: torch.dtype  # of an unreduced result

    def as_loss(self) -> "Scores":
        """One minus each."""
        return Scores(1 - self.values, self.weight, self.positions, self.dtype)

    def reduce(self, reduction: Reduction) -> Tensor:
        """As the word says; a sum over maps that were averaged counts their positions."""
        result = reduce(self.values, reduction, self.weight, dtype=self.dtype)
        return result * self.positions if reduction == "sum" else result


def _ssim_scores(
    pred: Tensor, target: Tensor, options: SSIMOptions, mask: Tensor | None, sign: int = 1
) -> Scores:
    """The scores; ``sign`` is that with which they will enter the result."""
    check_inputs(pred, target, mask)
    kernels = SIMILARITY_MAP if options.reduction == "none" else SIMILARITY_MEANS
    reason = uncovered(options, mask, pred.ndim)
    backend = select(options.backend, pred, target, kernels, uncovered=reason)
    if backend != "eager":
        return _fused_scores(pred, target, options, backend, sign)
    x, y, mask, window = prepared(pred, target, options, mask)
    axes = x.ndim - 2
    factor, dtype = options.sample_factor(axes), native_dtype(pred, target)
    plain = tuple(options.exponents) == (1, 1, 1)
    if plain and mask is None and axes == 2 and options.reduction != "none":
        means = plane_means(
            x, y, window, c1=options.c1, c2=options.c2, sample_factor=factor, part="ssim"
        )
        return Scores(
            means, None, (x.shape[2] - options.taps + 1) * (x.shape[3] - options.taps + 1), dtype
        )
    statistics = local_statistics(x, y, window, factor, mask, separate=not plain)
    if plain:
        values = luminance(statistics, options.c1) * contrast_structure(statistics, options.c2)
    else:
        alpha, beta, gamma = options.exponents
        c2, deviations = options.c2, deviation_product(statistics, flat_variance(x, options))
        contrast = (2 * deviations + c2) / (statistics.var_sum + c2)
        structure = (statistics.cov_xy + c2 / 2) / (deviations + c2 / 2)
        values = (
            signed_power(luminance(statistics, options.c1), alpha)
            * signed_power(contrast, beta)
            * signed_power(structure, gamma)
        )
    return Scores(values, statistics.mass, 1, dtype)


def uncovered(options: SSIMOptions, mask: Tensor | None, ndim: int) -> str | None:
    """The option that no kernel knows, in words."""
    if mask is not None:
        return "no kernel knows masks"
    if ndim != 4:
        return "no kernel knows volumes"
    if tuple(options.exponents) != (1, 1, 1):
        return "no kernel knows exponents other than 1"
    if isinstance(options.window, Tensor):
        return "no kernel takes a window from a tensor, whose values would have to be fetched"
    if options.taps > MAX_TAPS:
        return f"kernels have windows of up to {MAX_TAPS} taps, and window_size is {options.taps}"
    return None


def comparison(options: SSIMOptions) -> Comparison:
    """What a kernel is told."""
    assert isinstance(options.window, str)
    low, _ = _checks.data_range(options.data_range)
    weights = window_weights(options.window, options.window_size, options.sigma)
    # (2 u cov + C2) / (u var + C2) for the sample factor u
    return Comparison(
        weights, options.c1, options.c2 / options.sample_factor(2), low, "ssim", options.padding
    )


def map_size(space: Sequence[int], options: SSIMOptions) -> tuple[int, int]:
    """Height and width of the map of images of this size, which are checked."""
    amount = 0 if options.padding == "valid" else (options.taps - 1) // 2
    check_border(space, amount, options.padding)
    bordered_size = (space[0] + 2 * amount, space[1] + 2 * amount)
    check_holds_window(bordered_size, options.taps)
    return bordered_size[0] - options.taps + 1, bordered_size[1] - options.taps + 1


def _fused_scores(
    pred: Tensor, target: Tensor, options: SSIMOptions, backend: str, sign: int
) -> Scores:
    dtype, x, y = native_dtype(pred, target), pred, target
    if options.downsample is not None:
        x, y = promote(pred, target)
        x, y, _ = _downsampled(x, y, None, options.downsample)
    height, width = map_size(x.shape[2:], options)
    compared = comparison(options)
    if options.reduction == "none":
        equation = partial(similarity, comparison=compared)
        values = similarity_map(x, y, compared, backend=backend, equation=equation)
        return Scores(values, None, 1, dtype)
    positions = height * width
    slope = (
        sign
        * slope_of(options.reduction, x.shape[:2])
        * (positions if options.reduction == "sum" else 1)
    )
    equation = partial(similarity_mean, comparison=compared)
    values = similarity_means(x, y, compared, backend=backend, equation=equation, slope=slope)
    return Scores(values, None, positions, dtype)


def flat_variance(x: Tensor, options: SSIMOptions) -> float:
    """The variance below which a window is flat: what rounding can make of a constant within the
    data range.
    """
    return float(4 * torch.finfo(x.dtype).eps * _checks.data_range(options.data_range)[1] ** 2)


def prepared(
    pred: Tensor, target: Tensor, options: SSIMOptions, mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """Checked, in the computing dtype, from 0 up, downsampled and with their border; and the
    window.
    """
    x, y, mask = valid_pixels(pred, target, options.data_range, mask, ndim=(4, 5))
    x, y, mask = _downsampled(x, y, mask, options.downsample)
    x, y, mask = bordered(x, y, mask, options.taps, options.padding)
    return x, y, mask, make_window(options.window, options.window_size, options.sigma, x)


def _downsampled(
    x: Tensor, y: Tensor, mask: Tensor | None, downsample: Downsample
) -> tuple[Tensor, Tensor, Tensor | None]:
    if downsample is None:
        return x, y, mask
    shortest = min(x.shape[2:])
    if downsample == "matlab":
        if x.ndim != 4:
            raise ValueError(
                "downsample='matlab' is defined for images (N, C, H, W) only; give volumes an "
                "integer factor"
            )
        factor = max(1, int(shortest / 256 + 0.5))
    else:
        factor = max(1, round(shortest / 256)) if downsample == "auto" else downsample
    if factor == 1:
        return x, y, mask
    if factor > shortest:
        raise ValueError(
            f"downsample={factor} is larger than the images {tuple(x.shape[2:])}; use a smaller "
            "factor"
        )
    shrink = box_subsample if downsample == "matlab" else average_pool
    if mask is None:
        return shrink(x, factor), shrink(y, factor), None
    mass = shrink(mask, factor)
    whole = torch.where(mass > 0, mass, 1)
    return shrink(x * mask, factor) / whole, shrink(y * mask, factor) / whole, mass
