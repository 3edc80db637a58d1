"""PSNR-HVS and PSNR-HVS-M: PSNR of the differences of DCT coefficients, weighted by the sensitivity
of the eye to each frequency. PSNR-HVS-M subtracts the part that the block itself masks.

``PSNR-HVS = 10 log10(255^2 / mean((c |X - Y|)^2))`` over blocks of 8 x 8 pixels, ``X`` and ``Y``
their DCT, ``c`` the sensitivity. PSNR-HVS-M takes ``max(|X - Y| - e / m, 0)`` for ``|X - Y|`` of
all but the mean, with ``e`` the masking energy of the stronger block: ``e^2 = sum(m X^2) d / 1024``
over all but the mean, with ``d`` the variances of the four quarters over that of the block.

Egiazarian et al., "New full-reference quality metrics based on HVS", 2006, and Ponomarenko et al.,
"On between-coefficient contrast masking of DCT basis functions", 2007. The original code is
``psnrhvsm.m`` of the authors.
"""

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from ssimloss._constants import constant
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, product, promote
from ssimloss._reduce import Scores
from ssimloss._roots import root
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.functional._dct import DCT_2D, FREQUENCIES, SIDE, blocks_of, transformed
from ssimloss.functional._gradient_similarity import (
    BT601,
    check_colors,
    check_least_side,
    luma_of,
)
from ssimloss.functional.psnr import decibel
from ssimloss.kernels import HVS, HVS_ERRORS, Backed, hvs_errors, select
from ssimloss.measure import Measure

# Sensitivities of the authors' code; the mean is the first.
_SENSITIVITY = (
    (1.608443, 2.339554, 2.573509, 1.608443, 1.072295, 0.643377, 0.504610, 0.421887),
    (2.144591, 2.144591, 1.838221, 1.354478, 0.989811, 0.443708, 0.428918, 0.467911),
    (1.838221, 1.979622, 1.608443, 1.072295, 0.643377, 0.451493, 0.372972, 0.459555),
    (1.838221, 1.513829, 1.169777, 0.887417, 0.504610, 0.295806, 0.321689, 0.415082),
    (1.429727, 1.169777, 0.695543, 0.459555, 0.378457, 0.236102, 0.249855, 0.334222),
    (1.072295, 0.735288, 0.467911, 0.402111, 0.317717, 0.247453, 0.227744, 0.279729),
    (0.525206, 0.402111, 0.329937, 0.295806, 0.249855, 0.212687, 0.214459, 0.254803),
    (0.357432, 0.279729, 0.270896, 0.262603, 0.229778, 0.257351, 0.249855, 0.259950),
)
_MASKING = (
    (0.390625, 0.826446, 1.000000, 0.390625, 0.173611, 0.062500, 0.038447, 0.026874),
    (0.694444, 0.694444, 0.510204, 0.277008, 0.147929, 0.029727, 0.027778, 0.033058),
    (0.510204, 0.591716, 0.390625, 0.173611, 0.062500, 0.030779, 0.021004, 0.031888),
    (0.510204, 0.346021, 0.206612, 0.118906, 0.038447, 0.013212, 0.015625, 0.026015),
    (0.308642, 0.206612, 0.073046, 0.031888, 0.021626, 0.008417, 0.009426, 0.016866),
    (0.173611, 0.081633, 0.033058, 0.024414, 0.015242, 0.009246, 0.007831, 0.011815),
    (0.041649, 0.024414, 0.016437, 0.013212, 0.009426, 0.006830, 0.006944, 0.009803),
    (0.019290, 0.011815, 0.011080, 0.010412, 0.007972, 0.010000, 0.009426, 0.010203),
)
# The sum of the squares of what this makes of a block is the mean of those of the differences.
_WEIGHTED_DCT = tuple(
    tuple(_SENSITIVITY[k][m] / SIDE * value for value in row)
    for (k, m), row in zip(FREQUENCIES, DCT_2D, strict=True)
)
# Each pixel less the mean of its quarter.
_ABOUT_QUARTERS = tuple(
    tuple(
        float(i == j and k == m) - ((i // 4, k // 4) == (j // 4, m // 4)) / 16
        for j, m in FREQUENCIES
    )
    for i, k in FREQUENCIES
)
# The mean neither masks nor is masked.
_MASKS = (0.0, *[_MASKING[k][m] for k, m in FREQUENCIES[1:]])
_MASKED_BY = (
    0.0,
    *[_SENSITIVITY[k][m] / (SIDE * _MASKING[k][m]) for k, m in FREQUENCIES[1:]],
)
_TABLES = tuple(tuple(v for row in table for v in row) for table in (_SENSITIVITY, _MASKING))
_VARIES = (0.0, *[1.0] * 63)
_QUARTERS = (16 / 15) / (64 / 63)  # variances are divided by their number of samples less one


class PSNRHVSOptions(Backed, Reduced, Ranged):
    """Options of PSNR-HVS and PSNR-HVS-M.

    Args:
        backend: ``"auto"``, or the name of one, which runs or raises.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """


def _psnr_hvs(pred: Tensor, target: Tensor, options: PSNRHVSOptions) -> Scores:
    """PSNR weighted by the sensitivity of the eye, in dB: larger for better images.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns beyond the last whole
    block of 8 x 8 pixels are ignored. The value is infinite for equal images, with the gradient 0;
    the authors' code returns 100000 there.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Egiazarian et al. 2006. ``conventions.PSNR_HVS["frame_analytics"]`` agrees with
    frame-analytics, which computes in float32, to 1e-6 dB.
    """
    return _of_blocks(pred, target, options, masks=False)


def _psnr_hvs_m(pred: Tensor, target: Tensor, options: PSNRHVSOptions) -> Scores:
    """PSNR weighted by the sensitivity of the eye, without differences that the block masks, in dB:
    larger for better images.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns beyond the last whole
    block of 8 x 8 pixels are ignored. The value is infinite if all differences are masked, with the
    gradient 0; the authors' code returns 100000 there. Masked differences have the gradient 0:
    add a pixel loss.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Ponomarenko et al. 2007. ``conventions.PSNR_HVS_M["frame_analytics"]`` agrees with
    frame-analytics, which computes in float32, to 1e-6 dB.
    """
    return _of_blocks(pred, target, options, masks=True)


def _of_blocks(
    pred: Tensor,
    target: Tensor,
    options: PSNRHVSOptions,
    *,
    masks: bool,
    channels: Literal["luma", "each"] = "luma",
) -> Scores:
    """Both measures, with the detail in which implementations differ."""
    check_colors(pred, target)
    check_least_side(pred, SIDE, "for blocks of 8 x 8")
    dtype = native_dtype(pred, target)
    backend = select(options.backend, pred, target, HVS_ERRORS)
    equation = partial(_errors, options=options, masks=masks, channels=channels)
    if backend == "eager":
        error = equation(pred, target)
    else:
        weights: tuple[float, ...] = ()
        if channels == "luma" and pred.shape[1] == 3:
            weights = BT601
        hvs = HVS(_TABLES[0], _TABLES[1] if masks else (), weights)
        error = hvs_errors(pred, target, hvs, backend=backend, equation=equation)
    return Scores(decibel(error[:, 0] / options.span**2), None, 1, dtype)


def _errors(
    x: Tensor, y: Tensor, options: PSNRHVSOptions, masks: bool, channels: Literal["luma", "each"]
) -> Tensor:
    """The mean error of the blocks of each image, ``(N, 1)``."""
    x, y = promote(x, y)
    if channels == "luma":
        x, y = (luma_of(image, options, options.span) for image in (x, y))
    unlike = transformed(blocks_of(x - y), _WEIGHTED_DCT)  # (N, B, 64)
    if masks:
        energy = torch.maximum(_masking(blocks_of(x)), _masking(blocks_of(y)))  # (N, B, 1)
        unlike = (unlike.abs() - energy * constant(_MASKED_BY, x)).relu()
    return unlike.square().sum(2).mean(1, keepdim=True)


def _masking(blocks: Tensor) -> Tensor:
    """The masking energy of each block: ``(N, B, 1)``."""
    energies = transformed(blocks, DCT_2D).square()
    weights = constant((_MASKS, _VARIES), blocks).mT.expand(len(blocks), -1, -1)
    sums = product(energies, weights)
    masked, whole = sums[..., :1], sums[..., 1:]
    inside = transformed(blocks, _ABOUT_QUARTERS).square().sum(2, keepdim=True)
    varies = whole > torch.finfo(whole.dtype).tiny ** 0.5  # whose square divides the gradient
    share = torch.where(varies, _QUARTERS * inside, 0) / torch.where(varies, whole, 1)
    return root(masked * share) / 32


PSNR_HVS = Measure(
    "psnr_hvs",
    "PSNR-HVS",
    "dB",
    "higher",
    float("inf"),
    (float("-inf"), float("inf")),
    "Egiazarian et al. 2006",
    _psnr_hvs,
    PSNRHVSOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, PSNR of the DCT of blocks of 8 x 8 "
    "weighted by the sensitivity of the eye (Egiazarian et al. 2006, psnrhvsm.m)",
    role="index",
    metric="PSNRHVS",
    takes_color=True,
    agrees="the authors' psnrhvsm.m as a formula; frame-analytics: 1e-6 dB",
)
PSNR_HVS_M = Measure(
    "psnr_hvs_m",
    "PSNR-HVS-M",
    "dB",
    "higher",
    float("inf"),
    (float("-inf"), float("inf")),
    "Ponomarenko et al. 2007",
    _psnr_hvs_m,
    PSNRHVSOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, PSNR of the DCT of blocks of 8 x 8 "
    "weighted by the sensitivity of the eye, less what the block masks "
    "(Ponomarenko et al. 2007, psnrhvsm.m)",
    role="index",
    metric="PSNRHVSM",
    takes_color=True,
    agrees="the authors' psnrhvsm.m as a formula; frame-analytics: 1e-6 dB",
)
psnr_hvs, psnr_hvs_m = PSNR_HVS.score, PSNR_HVS_M.score

# --- conventions ----------------------------------------------------------------------------------


def _table(measure: Measure, paper: str, described: str, *, masks: bool) -> Table:
    return Table(
        measure.name.upper(),
        measure,
        (
            *PREPARATION,
            choice(
                "channels",
                "channels",
                {
                    "luma": (
                        "luma",
                        f"luma 0.299 R + 0.587 G + 0.114 B of colour images; {described}",
                    ),
                    "each": ("all", f"one error of all channels; {described}"),
                },
            ),
            OVER_BATCH,
        ),
        Convention(
            paper,
            "the authors' code on gray images, or on the unrounded luma of RGB",
            "psnrhvsm.m",
            "tests/reference.py",
            1e-10,
        ),
        Convention(
            "matlab",
            "gray 8-bit images in MATLAB",
            "psnrhvsm.m on rgb2gray(uint8)",
            "tests/reference.py",
            1e-10,
            preparation=p.MATLAB_GRAY,
            gray=paper,
        ),
        Convention(
            "frame_analytics",
            "frame-analytics: one error of all channels",
            f"frame_analytics.psnrhvs.{measure.name}(target, pred, data_range=...)",
            p.FRAME_ANALYTICS,
            1e-6,
            "it computes in float32",
            options={"channels": "each"},
        ),
        function=with_details(measure, partial(_of_blocks, masks=masks)),
    )


CONVENTIONS = (
    _table(
        PSNR_HVS,
        "egiazarian2006",
        "PSNR of the DCT of blocks of 8 x 8, weighted by the sensitivity of the eye",
        masks=False,
    ),
    _table(
        PSNR_HVS_M,
        "ponomarenko2007",
        "PSNR of the DCT of blocks of 8 x 8, weighted by the sensitivity of the eye, less what the "
        "stronger block masks",
        masks=True,
    ),
)
