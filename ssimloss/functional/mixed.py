"""MS-SSIM mixed with L1, as one loss per pixel."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._precision import full_precision, native_dtype
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss.filters import PADDINGS, Padding, blur, make_window
from ssimloss.functional._similarity import bordered, contrast_structure, local_statistics, luminance, valid_pixels

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
            raise ValueError(f"window_size must be odd, so that the windows of all scales share a centre, got {self.window_size}")
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
    """``alpha * (1 - MS-SSIM) + (1 - alpha) * G |pred - target|``, the mix that restores contrast and colour alike.

    Its MS-SSIM has no pyramid: the scales are Gaussians of growing width at full resolution, ``luminance_M * prod_j contrast_structure_j``
    at every pixel, each channel by itself, and G is the widest of them.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        alpha: weight of MS-SSIM against L1.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the L1 part is divided by its span.
        sigmas: standard deviations of the scales in pixels, finest first.
        window_size: taps of the widest window, odd; narrow Gaussians are cut where they vanish.
        k1, k2: the stabilising constants, both above 0.
        padding: as for :func:`ssim`; ``"reflect"`` keeps the map the size of the images, and needs them larger than half a window.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``.

    Raises:
        ValueError: images too small for the window, shapes differ, unknown words.

    Source: Zhao, Gallo, Frosio & Kautz, "Loss functions for image restoration with neural networks", 2017. With ``padding="valid"`` and
    a window the size of an odd patch it is the authors' layer.
    """
    MSSSIML1Options(alpha, data_range, sigmas, window_size, k1, k2, padding, reduction)
    x, y, mask = valid_pixels(pred, target, data_range, mask)
    x, y, mask = bordered(x, y, mask, window_size, padding)
    _, span = _checks.data_range(data_range)
    similarity: Tensor | None = None
    reach = math.sqrt(-2 * math.log(torch.finfo(x.dtype).eps))  # deviations beyond which a Gaussian is below rounding: 5.6 or 8.5
    for sigma in sigmas:
        taps = min(window_size, 2 * math.ceil(reach * sigma) + 1)
        window = make_window("gaussian", taps, sigma, x)
        inset = (window_size - taps) // 2
        statistics = local_statistics(_inset(x, inset), _inset(y, inset), window, 1.0, None if mask is None else _inset(mask, inset))
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


def _inset(image: Tensor, amount: int) -> Tensor:
    """Without ``amount`` pixels at every side."""
    return image[:, :, amount : image.shape[2] - amount, amount : image.shape[3] - amount]
