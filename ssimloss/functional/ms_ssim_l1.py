"""MS-SSIM without a pyramid, mixed with Gaussian-weighted L1.

Zhao, Gallo, Frosio & Kautz, "Loss functions for image restoration with neural networks", 2017.
"""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import computing_dtype, native_dtype
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PADDING, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import PADDINGS, Padding, blur, make_window, window_weights
from ssimloss.functional import _local_sums
from ssimloss.functional._moments import (
    bordered,
    check_inputs,
    contrast_structure,
    local_statistics,
    luminance,
    valid_pixels,
)
from ssimloss.functional._records import Stabilised
from ssimloss.kernels import MOMENT_SUMS, Backed, Local, select
from ssimloss.measure import Measure

ZHAO_2017 = (0.5, 1.0, 2.0, 4.0, 8.0)


class MSSSIML1Options(Backed, Stabilised, Reduced):
    """Options of MS-SSIM + L1.

    Args:
        alpha: weight of MS-SSIM against L1.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the L1 part is divided by its
            span.
        sigmas: standard deviations of the scales in pixels, finest first.
        window_size: taps of the widest window, odd; narrow Gaussians are truncated at float
            rounding.
        padding: the border: ``"valid"`` uses only whole windows, ``"replicate"`` repeats the edge,
            ``"zeros"`` adds zeros. ``"reflect"`` mirrors without repeating the edge, and needs
            images larger than half a window.
    """

    alpha: float = 0.84
    sigmas: tuple[float, ...] = ZHAO_2017
    window_size: int = 33
    padding: Padding = "reflect"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.fraction("alpha", self.alpha)
        for i, sigma in enumerate(_checks.weights("sigmas", self.sigmas)):
            _checks.positive(f"sigmas[{i}]", sigma)
        _checks.count("window_size", self.window_size)
        if self.window_size % 2 == 0:
            raise ValueError(
                "window_size must be odd, so that the windows of all scales share a centre, got "
                f"{self.window_size}"
            )
        _checks.choice("padding", self.padding, PADDINGS)


def _ms_ssim_l1(
    pred: Tensor, target: Tensor, options: MSSSIML1Options, *, mask: Tensor | None = None
) -> Scores:
    """``alpha * (1 - MS-SSIM) + (1 - alpha) * G |pred - target|``: restores contrast and colour.

    Its MS-SSIM has no pyramid: the scales are Gaussians of growing width at full resolution. It is
    ``luminance_M * prod_j contrast_structure_j`` at every pixel of each channel. G is a blur by the
    widest Gaussian.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``.

    Raises:
        ValueError: images too small for the window, shapes differ, unknown option values.
        RuntimeError: a named backend that cannot run.

    Source: Zhao, Gallo, Frosio & Kautz 2017. With ``padding="valid"`` and a window the size of an
    odd patch it is the authors' layer.
    """
    check_inputs(pred, target, mask, ndim=(4,))
    reason = _local_sums.uncovered(
        pred, mask, "gaussian", options.window_size, options.reduction, masks=False
    )
    backend = select(
        options.backend, pred, target, MOMENT_SUMS["scales_and_distance"], uncovered=reason
    )
    if backend == "eager":
        return _map(pred, target, options, mask)
    return _local_sums.local_scores(
        pred,
        target,
        None,
        _local(options, computing_dtype(pred, target)),
        partial(_map, options=options, mask=None),
        backend=backend,
        reduction=options.reduction,
        minimised=True,
    )


def _lengths(options: MSSSIML1Options, dtype: torch.dtype) -> list[int]:
    """The taps of the scales. Gaussians are truncated at 5.6 or 8.5 deviations, where they fall
    below rounding.
    """
    reach = math.sqrt(-2 * math.log(torch.finfo(dtype).eps))
    return [min(options.window_size, 2 * math.ceil(reach * s) + 1) for s in options.sigmas]


def _local(options: MSSSIML1Options, dtype: torch.dtype) -> Local:
    lengths = (*_lengths(options, dtype), options.window_size)
    windows = [
        window_weights("gaussian", taps, sigma)
        for taps, sigma in zip(lengths, (*options.sigmas, options.sigmas[-1]), strict=True)
    ]
    return Local(
        "scales_and_distance",
        tuple(weight for window in windows for weight in window),
        lengths,
        options.c1,
        options.c2,
        options.low,
        options.padding,
        (options.alpha, (1 - options.alpha) / options.span),
    )


def _map(pred: Tensor, target: Tensor, options: MSSSIML1Options, mask: Tensor | None) -> Scores:
    x, y, mask = valid_pixels(pred, target, options.low, mask)
    x, y, mask = bordered(x, y, mask, options.window_size, options.padding)
    similarity: Tensor | None = None
    for sigma, taps in zip(options.sigmas, _lengths(options, x.dtype), strict=True):
        window = make_window("gaussian", taps, sigma, x)
        inset = (options.window_size - taps) // 2
        statistics = local_statistics(
            _inset(x, inset),
            _inset(y, inset),
            window,
            1.0,
            None if mask is None else _inset(mask, inset),
        )
        cs = contrast_structure(statistics, options.c2)
        similarity = cs if similarity is None else similarity * cs
    assert similarity is not None
    similarity = similarity * luminance(statistics, options.c1)
    window = make_window("gaussian", options.window_size, options.sigmas[-1], x)
    difference = (x - y).abs() / options.span
    mass = statistics.mass
    if mask is not None:
        mass = blur(mask, window)
        difference = blur(difference * mask, window) / torch.where(mass > 0, mass, 1)
    else:
        difference = blur(difference, window)
    values = options.alpha * (1 - similarity) + (1 - options.alpha) * difference
    return Scores(values, mass, 1, native_dtype(pred, target))


MS_SSIM_L1 = Measure(
    "ms_ssim_l1",
    "MS-SSIM + L1",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Zhao et al. 2017",
    _ms_ssim_l1,
    MSSSIML1Options,
    role="loss",
    module="MSSSIML1Loss",
    agrees="the authors' layer, as a formula: 1e-12",
)
ms_ssim_l1_loss = MS_SSIM_L1.loss


def _inset(image: Tensor, amount: int) -> Tensor:
    """Remove ``amount`` pixels at every side."""
    return image[:, :, amount : image.shape[2] - amount, amount : image.shape[3] - amount]


# --- conventions ----------------------------------------------------------------------------------


def _scaled(pred: Tensor, target: Tensor, *, factor: float = 1.0, **options: Any) -> Tensor:
    return factor * ms_ssim_l1_loss(pred, target, **options)


_ATTRIBUTES = (
    Attribute(
        "window",
        ("window_size", "sigmas"),
        lambda s: f"{s['window_size']} taps",
        lambda s: (
            f"Gaussians of sigma {', '.join(f'{v:g}' for v in s['sigmas'])} at full "
            f"resolution, {s['window_size']} taps"
        ),
    ),
    PADDING,
    Attribute(
        "alpha",
        ("alpha",),
        lambda s: f"{s['alpha']:g}",
        lambda s: (
            "alpha (1 - MS-SSIM) + (1 - alpha) |x - y| / L blurred by the widest Gaussian, "
            f"alpha = {s['alpha']:g}, per channel"
        ),
    ),
    Attribute(
        "factor",
        ("factor",),
        lambda s: f"{s['factor']:g}",
        lambda s: f"times {s['factor']:g}" if s["factor"] != 1 else "",
    ),
    OVER_BATCH,
)

CONVENTIONS = Table(
    "MS_SSIM_L1",
    MS_SSIM_L1,
    _ATTRIBUTES,
    Convention(
        "zhao2017",
        "the paper's definition, at every pixel",
        "none to run; its equation",
        "tests/reference.py",
        1e-7,
        "Gaussians are cut at 6 sigma",
    ),
    Convention(
        "kornia",
        "kornia: zeros beyond the border, another alpha, times 200",
        "kornia.losses.MS_SSIMLoss()",
        p.KORNIA,
        2e-5,
        "1e-6 of the value; its windows are float32",
        options={"padding": "zeros", "alpha": 0.025, "factor": 200.0},
        notes=("Older releases paired channels with the wrong scales.",),
    ),
    title="MS-SSIM + L1, a loss",
    function=_scaled,
)
