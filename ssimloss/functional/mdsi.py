"""MDSI: the mean deviation of the similarity of gradients and chromaticity.

``MDSI = mean |z - mean(z)|^(1/4)`` with ``z = (a GS + (1 - a) CS)^(1/4)``, ``GS`` the gradient
similarity of both images, corrected by that of each with their mean, and ``CS`` the similarity of
two colour planes.

Nafchi, Shahkolaei, Hedjam & Cheriet, "Mean deviation similarity index: efficient and reliable
full-reference image quality evaluator", 2016. The original code is ``MDSI.m`` of the authors.
"""

import math
from functools import partial

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._roots import flat_power, held_power
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._gradient_similarity import (
    GAIN,
    Rows,
    backend_for,
    block_weight,
    channel_means,
    check_colors,
    check_least_side,
    factor_to_256,
    gradient_weight,
    gradients,
    length_similarity,
    squared_length,
    weighs,
    weighted_mean,
    without_masked,
)
from ssimloss.kernels import Backed, SimilarityOptions, similarity_deviation
from ssimloss.measure import Measure

# Luma and the colour planes H and M, and constants for images from 0 to 1, whose squares fit into
# float32 even for images far beyond the range.
_LHM: Rows = ((0.2989, 0.587, 0.114), (0.3, 0.04, -0.35), (0.34, -0.6, 0.17))
_C1, _C2, _C3 = 140 / 255**2, 55 / 255**2, 550 / 255**2
_LEAST = 3  # pixels


class MDSIOptions(Backed, Reduced, Ranged):
    """Options of MDSI.

    Args:
        alpha: weight of the gradients, from 0 to 1; the weight of the colours is ``1 - alpha``.
        backend: ``"auto"``, or the name of one, which runs or raises. No kernel supports a mask.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    alpha: float = 0.6

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.fraction("alpha", self.alpha)


def _mdsi(
    pred: Tensor, target: Tensor, options: MDSIOptions, *, mask: Tensor | None = None
) -> Scores:
    """Mean deviation similarity index: 0 for equal images, larger for worse ones.

    A gray image counts as RGB with three equal channels. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' code. The value depends
    on how unevenly the images differ, not on how much, so combine it with a pixel loss.

    The fourth root has an infinite derivative where the similarity is 0. Below 1e-4, the derivative
    at 1e-4 is used; it is 0 for equal images. Where ``pred`` is flat, the gradient points towards
    the image gradient of ``target``.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            3 pixels on the short side. ``pred`` is the distorted image: the measure is not
            symmetric.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, or ``alpha`` is
            outside [0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Nafchi et al. 2016. Agrees with piq to float64 rounding.
    """
    check_colors(pred, target, mask)
    check_least_side(pred, _LEAST, "for gradients")
    backend = backend_for(options.backend, pred, target, mask)
    dtype = native_dtype(pred, target)
    x, y, weight = without_masked(*promote(pred, target), mask, options.low)
    factor = factor_to_256(x)
    weight = None if weight is None else gradient_weight(block_weight(weight, factor))
    x, y = (
        channel_means(image, _LHM, factor, backend, low=options.low, scale=1 / options.span)
        for image in (x, y)
    )
    if backend == "eager":
        found = _deviation(_similarity(x, y, options.alpha), weight)
    else:
        gain = GAIN["prewitt"] ** 2
        given = SimilarityOptions(float(options.alpha), (_C1 * gain, _C2 * gain, _C3))
        equation = partial(_deviation_alone, alpha=options.alpha)
        found = similarity_deviation(x, y, given, backend=backend, equation=equation)[:, 0]
    return Scores(flat_power(found, 0.25), weighs(weight), 1, dtype)


def _similarity(x: Tensor, y: Tensor, alpha: float) -> Tensor:
    """``a GS + (1 - a) CS`` of ``L``, ``H`` and ``M``: ``(N, 1, H, W)``."""
    (l_x, h_x, m_x), (l_y, h_y, m_y) = (torch.split(planes, 1, 1) for planes in (x, y))
    d_x, d_y = gradients(l_x, "prewitt"), gradients(l_y, "prewitt")
    d_f = (d_x[0] + d_y[0]) / 2, (d_x[1] + d_y[1]) / 2  # of the mean of both images
    g2_x, g2_y, g2_f = squared_length(d_x), squared_length(d_y), squared_length(d_f)
    gain = GAIN["prewitt"] ** 2
    gs = length_similarity(d_x, d_y, g2_x, g2_y, _C1 * gain)
    gs = gs + (
        length_similarity(d_x, d_f, g2_x, g2_f, _C2 * gain)
        - length_similarity(d_y, d_f, g2_y, g2_f, _C2 * gain)
    )
    h, m = h_x - h_y, m_x - m_y
    cs = 1 - (h * h + m * m) / (h_x * h_x + h_y * h_y + m_x * m_x + m_y * m_y + _C3)
    return cs + alpha * (gs - cs)


def _deviation(gcs: Tensor, weight: Tensor | None) -> Tensor:
    """The mean distance of complex fourth roots from their mean: ``(N,)``."""
    size = held_power(gcs.abs(), 0.25)
    negative = gcs < 0  # the root of -1 is exp(i pi / 4)
    real = torch.where(negative, math.sqrt(0.5) * size, size)
    imaginary = torch.where(negative, math.sqrt(0.5) * size, 0)
    n = len(gcs)
    real = real - weighted_mean(real, weight).view(n, 1, 1, 1)
    imaginary = imaginary - weighted_mean(imaginary, weight).view(n, 1, 1, 1)
    tiny = torch.finfo(gcs.dtype).tiny  # makes the derivative of the distance 0 at 0
    distance = (real * real + imaginary * imaginary + tiny).sqrt() - math.sqrt(tiny)
    return weighted_mean(distance, weight)


def _deviation_alone(x: Tensor, y: Tensor, alpha: float) -> Tensor:
    """The mean distance without weights, ``(N, 1)``."""
    return _deviation(_similarity(x, y, alpha), None)[:, None]


MDSI = Measure(
    "mdsi",
    "MDSI",
    "",
    "lower",
    0.0,
    (0.0, 1.0),
    "Nafchi, Shahkolaei, Hedjam & Cheriet 2016",
    _mdsi,
    MDSIOptions,
    formula="images shrunk to about 256 pixels, similarity of Prewitt gradient magnitudes of the "
    "luma and of two colour planes, weighted 0.6 and 0.4, fourth root of the mean deviation of its "
    "fourth root (Nafchi et al. 2016)",
    module="MDSILoss",
    metric="MDSI",
    takes_color=True,
    agrees="piq: 1e-12",
)
mdsi = mdsi_loss = MDSI.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "MDSI",
    MDSI,
    (
        *PREPARATION,
        Attribute(
            "similarity",
            ("alpha",),
            lambda s: f"alpha = {s['alpha']:g}",
            lambda s: (
                "means of f x f pixels, f = max(1, round(min(H, W) / 256)), zeros beyond the "
                "border; similarity of Prewitt gradients (C1 = 140, C2 = 55) and of colour planes "
                f"(C3 = 550), weighted {s['alpha']:g} and {1 - s['alpha']:g}; mean deviation of "
                "its fourth root, and the fourth root of that"
            ),
        ),
        OVER_BATCH,
    ),
    Convention("nafchi2016", "the paper", "MDSI.m", "tests/reference.py", 1e-12),
    Convention(
        "piq",
        "piq with its defaults",
        "piq.mdsi(data_range=...)",
        p.PIQ,
        1e-12,
        same_as="nafchi2016",
        notes=(
            "The gradient of the original code is not finite where a position equals the mean.",
            "It rounds halves of the shrinking factor to even, as at 640 pixels.",
        ),
    ),
)
