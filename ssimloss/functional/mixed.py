"""SSIM and MS-SSIM mixed with a distance per pixel."""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss.filters import PADDINGS, Padding, blur, make_window
from ssimloss.functional._distance import Distance
from ssimloss.functional._similarity import (
    bordered,
    check_inputs,
    contrast_structure,
    local_statistics,
    luminance,
    valid_pixels,
)
from ssimloss.functional.local_similarity import mixed_mean
from ssimloss.functional.pixel import LEAST_EPS, charbonnier_loss, check_charbonnier_eps, l1_loss
from ssimloss.functional.structure import SSIMOptions, comparison, map_size, ssim_loss, uncovered
from ssimloss.kernels import SIMILARITY_MEANS, Backend, Mixed, select, similarity_means

ZHAO_2017 = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class MSSSIML1Options:
    """The options of :func:`ms_ssim_l1_loss`, checked."""

    alpha: float = 0.84
    data_range: DataRange = 1.0
    sigmas: tuple[float, ...] = ZHAO_2017
    window_size: int = 33
    k1: float = 0.01
    k2: float = 0.03
    padding: Padding = "reflect"
    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        """Raise for what cannot be computed, naming the option."""
        _checks.fraction("alpha", self.alpha)
        _checks.data_range(self.data_range)
        for i, sigma in enumerate(_checks.weights("sigmas", self.sigmas)):
            _checks.positive(f"sigmas[{i}]", sigma)
        _checks.count("window_size", self.window_size)
        if self.window_size % 2 == 0:
            raise ValueError(
                "window_size must be odd, so that the windows of all scales share a centre, got "
                f"{self.window_size}"
            )
        _checks.choice("padding", self.padding, PADDINGS)
        _checks.positive("k1", self.k1)
        _checks.positive("k2", self.k2)
        check_reduction(self.reduction)


@full_precision
def ms_ssim_l1_loss(
    pred: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.84,
    data_range: DataRange = 1.0,
    sigmas: tuple[float, ...] = ZHAO_2017,
    window_size: int = 33,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: Padding = "reflect",
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """``alpha * (1 - MS-SSIM) + (1 - alpha) * G |pred - target|``, the mix that restores contrast
    and colour alike.

    Its MS-SSIM has no pyramid: the scales are Gaussians of growing width at full resolution,
    ``luminance_M * prod_j contrast_structure_j`` at every pixel, each channel by itself, and G is
    the widest of them.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        alpha: weight of MS-SSIM against L1.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the L1 part is divided by its
            span.
        sigmas: standard deviations of the scales in pixels, finest first.
        window_size: taps of the widest window, odd; narrow Gaussians are cut where they vanish.
        k1, k2: the stabilising constants, both above 0.
        padding: as for :func:`ssim`; ``"reflect"`` keeps the map the size of the images, and needs
            them larger than half a window.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``.

    Raises:
        ValueError: images too small for the window, shapes differ, unknown words.

    Source: Zhao, Gallo, Frosio & Kautz, "Loss functions for image restoration with neural
    networks", 2017. With ``padding="valid"`` and a window the size of an odd patch it is the
    authors' layer.
    """
    MSSSIML1Options(alpha, data_range, sigmas, window_size, k1, k2, padding, reduction)
    x, y, mask = valid_pixels(pred, target, data_range, mask)
    x, y, mask = bordered(x, y, mask, window_size, padding)
    _, span = _checks.data_range(data_range)
    similarity: Tensor | None = None
    reach = math.sqrt(
        -2 * math.log(torch.finfo(x.dtype).eps)
    )  # deviations beyond which a Gaussian is below rounding: 5.6 or 8.5
    for sigma in sigmas:
        taps = min(window_size, 2 * math.ceil(reach * sigma) + 1)
        window = make_window("gaussian", taps, sigma, x)
        inset = (window_size - taps) // 2
        statistics = local_statistics(
            _inset(x, inset),
            _inset(y, inset),
            window,
            1.0,
            None if mask is None else _inset(mask, inset),
        )
        cs = contrast_structure(statistics, (k2 * span) ** 2)
        similarity = cs if similarity is None else similarity * cs
    assert similarity is not None
    similarity = similarity * luminance(statistics, (k1 * span) ** 2)
    window = make_window("gaussian", window_size, sigmas[-1], x)
    difference = (x - y).abs() / span
    mass = statistics.mass
    if mask is not None:
        mass = blur(mask, window)
        difference = blur(difference * mask, window) / torch.where(mass > 0, mass, 1)
    else:
        difference = blur(difference, window)
    values = alpha * (1 - similarity) + (1 - alpha) * difference
    return reduce(values, reduction, mass, dtype=native_dtype(pred, target))


@dataclass(frozen=True)
class SSIML1Options:
    """The options of :func:`ssim_l1_loss`, checked."""

    weight: float = 0.2
    eps: float | None = None
    data_range: DataRange = 1.0
    window_size: int = 11
    sigma: float = 1.5
    k1: float = 0.01
    k2: float = 0.03
    padding: Padding = "zeros"
    reduction: Reduction = "mean"
    backend: Backend = "auto"

    def __post_init__(self) -> None:
        """Raise for what cannot be computed, naming the option."""
        _checks.fraction("weight", self.weight)
        if self.eps is not None:
            check_charbonnier_eps(self.eps)
        if self.reduction == "none" and self.padding == "valid":
            raise ValueError(
                "reduction='none' needs an SSIM map of the size of the images; use another "
                "padding than 'valid'"
            )
        _ = self.similarity

    @property
    def similarity(self) -> SSIMOptions:
        """The options of the SSIM part."""
        return SSIMOptions(
            data_range=self.data_range,
            window_size=self.window_size,
            sigma=self.sigma,
            k1=self.k1,
            k2=self.k2,
            padding=self.padding,
            reduction=self.reduction,
            backend=self.backend,
        )


@full_precision
def ssim_l1_loss(
    pred: Tensor,
    target: Tensor,
    *,
    weight: float = 0.2,
    eps: float | None = None,
    data_range: DataRange = 1.0,
    window_size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: Padding = "zeros",
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
    backend: Backend = "auto",
) -> Tensor:
    """``(1 - weight) * L1 + weight * (1 - SSIM)``, the loss that Gaussian splatting is trained
    with, in one pass over the images.

    Each part is reduced by itself, as ``l1_loss`` and ``ssim_loss`` do; the difference is taken of
    images whose range has length 1.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        weight: of ``1 - SSIM``, in [0, 1].
        eps: ``None`` for L1; a number puts the Charbonnier distance in its place, ``eps`` in units
            of the data range.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        window_size, sigma, k1, k2, padding: as for :func:`ssim`.
        mask: ``(N, 1 or C, H, W)`` weights of both parts.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; one pass serves ``"mean"`` and
            ``"image"``.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, unknown words, ``reduction="none"`` with valid borders.
        RuntimeError: a named backend that cannot run.

    Source: Kerbl, Kopanas, Leimkühler & Drettakis, "3D Gaussian splatting for real-time radiance
    field rendering", 2023: weight 0.2.
    """
    options = SSIML1Options(
        weight, eps, data_range, window_size, sigma, k1, k2, padding, reduction, backend
    )
    similarity = options.similarity
    low, span = _checks.data_range(data_range)
    check_inputs(pred, target, mask, ndim=(4,))
    reason = uncovered(similarity, mask, pred.ndim)
    if eps is not None and eps * span < LEAST_EPS:
        reason = reason or "its kernel works in the images' own units, in which eps would vanish"
    chosen = select(backend, pred, target, SIMILARITY_MEANS, uncovered=reason)
    if chosen != "eager" and reduction in ("mean", "image"):
        map_size(pred.shape[2:], similarity)
        distance: Distance = "l1" if eps is None else "charbonnier"
        # -weight * SSIM + (1 - weight) / span * sqrt((x - y)^2 + (eps span)^2), and the weight that
        # 1 - SSIM has more
        compared = comparison(similarity)
        mixed = Mixed(distance, (eps or 0.0) * span, -weight, (1 - weight) / span)
        equation = partial(mixed_mean, comparison=compared, mixed=mixed)
        means = similarity_means(
            pred, target, compared, backend=chosen, equation=equation, mixed=mixed
        )
        return reduce(weight + means, reduction)
    x, y = promote(pred, target)
    x, y = (x - low) / span, (y - low) / span
    parts: Backend = "eager" if chosen == "eager" else "auto"
    if eps is None:
        pixels = l1_loss(x, y, mask=mask, reduction=reduction, backend=parts)
    else:
        pixels = charbonnier_loss(x, y, eps=eps, mask=mask, reduction=reduction, backend=parts)
    structure = ssim_loss(
        x,
        y,
        window_size=window_size,
        sigma=sigma,
        k1=k1,
        k2=k2,
        padding=padding,
        mask=mask,
        reduction=reduction,
        backend=chosen,
    )
    values = (1 - weight) * pixels + weight * structure
    return values.to(native_dtype(pred, target)) if reduction == "none" else values


def _inset(image: Tensor, amount: int) -> Tensor:
    """Without ``amount`` pixels at every side."""
    return image[:, :, amount : image.shape[2] - amount, amount : image.shape[3] - amount]
