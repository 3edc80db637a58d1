"""NLPD: the distance of normalised Laplacian pyramids.

``NLPD = 1 / K sum_k sqrt(mean((y_k - z_k)^2))``, with ``y_k = x_k / (sigma_k + sum_j p_kj |x_kj|)``
of the bands ``x_k`` of one image and its neighbours ``j``, and ``z_k`` of the other one.

Laparra, Balle, Berardino & Simoncelli, "Perceptual image quality assessment using a normalized
Laplacian pyramid", 2016. The original implementation is ``NLP_dist.m`` of the authors.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._roots import root
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.conventions.preparation import Preparation
from ssimloss.functional._gradient_similarity import (
    check_colors,
    check_least_side,
    luma_of,
)
from ssimloss.functional._pyramids import expanded, reduced
from ssimloss.measure import Measure

Neighbours = Literal["5 x 5", "3 x 3"]

_OUTER = 0.05  # of the taps 0.05, 0.25, 0.4, 0.25, 0.05
# Of each band, the finest first: sigma, and the weights of the neighbours above, below, left,
# right and two to the left, as the original code's convolutions apply them.
_NORMALISATION = (
    (0.0248, 0.1015, 0.1011, 0.1460, 0.1493, 0.0072),
    (0.0185, 0.0837, 0.0757, 0.1846, 0.1986, 0.0),
    (0.0179, 0.0467, 0.0477, 0.2243, 0.2138, 0.0),
    (0.0191, 0.0, 0.0, 0.2616, 0.2503, 0.0),
    (0.0220, 0.0, 0.0, 0.2552, 0.2598, 0.0),
    (0.2782, 0.0, 0.0, 0.0717, 0.2215, 0.0),
)
_LEAST = 17  # pixels, of which the last reduction takes 2


class NLPDOptions(Reduced, Ranged):
    """Options of NLPD.

    Args:
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """


def _nlpd(pred: Tensor, target: Tensor, options: NLPDOptions) -> Scores:
    """Normalised Laplacian pyramid distance: 0 for equal images, larger for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Both are scaled to [0, 1]. The last of
    six bands is the low-pass rest.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 17
            pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.

    Source: Laparra et al. 2016. ``conventions.NLPD["matlab"]`` agrees with the authors' code on
    five pairs of TID2013 to the fifteen digits that it printed.
    """
    return _nlpd_of(pred, target, options)


def _nlpd_of(
    pred: Tensor, target: Tensor, options: NLPDOptions, *, neighbours: Neighbours = "5 x 5"
) -> Scores:
    """NLPD with the detail in which implementations differ."""
    check_colors(pred, target)
    check_least_side(pred, _LEAST, "for six bands")
    dtype = native_dtype(pred, target)
    x, y = (_normalised(luma_of(image, options), neighbours) for image in promote(pred, target))
    squares = [(a - b).square().flatten(1).mean(1) for a, b in zip(x, y, strict=True)]
    return Scores(root(torch.stack(squares)).mean(0), None, 1, dtype)


def _normalised(image: Tensor, neighbours: Neighbours) -> list[Tensor]:
    """The bands of ``(N, 1, H, W)``, each divided by the magnitudes around."""
    found = []
    for level, (sigma, *weights) in enumerate(_NORMALISATION):
        band = image
        if level < len(_NORMALISATION) - 1:
            image = reduced(image, _OUTER, "symmetric")
            band = band - expanded(image, _OUTER, band.shape[2:], "replicate")
        if neighbours == "3 x 3":
            weights[-1] = 0.0
        found.append(band / (sigma + _around(band.abs(), weights)))
    return found


def _around(magnitude: Tensor, weights: list[float]) -> Tensor:
    """The weighted sum of neighbours, zeros beyond the border."""
    h, w = magnitude.shape[2:]
    wide = pad(magnitude, (2, 1, 1, 1))
    total = torch.zeros_like(magnitude)
    for weight, row, column in zip(weights, (0, 2, 1, 1, 1), (2, 2, 1, 3, 0), strict=True):
        if weight:
            total = total + weight * wide[:, :, row : row + h, column : column + w]
    return total


NLPD = Measure(
    "nlpd",
    "NLPD",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Laparra, Balle, Berardino & Simoncelli 2016",
    _nlpd,
    NLPDOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images from 0 to 1, six bands of a "
    "Laplacian pyramid divided by the magnitudes around, mean over bands of their root mean square "
    "difference (Laparra et al. 2016, NLP_dist.m)",
    module="NLPDLoss",
    metric="NLPD",
    takes_color=True,
    agrees="the authors' NLP_dist.m: its fifteen printed digits; pyiqa: 1e-8",
)
nlpd = nlpd_loss = NLPD.loss

# --- conventions ----------------------------------------------------------------------------------


CONVENTIONS = Table(
    "NLPD",
    NLPD,
    (
        *PREPARATION,
        choice(
            "neighbours",
            "neighbours",
            {
                "5 x 5": (
                    "5 x 5",
                    "six bands of a Laplacian pyramid divided by magnitudes around, in the finest "
                    "also by that two pixels to the left; mean over bands of their root mean "
                    "square difference",
                ),
                "3 x 3": (
                    "3 x 3",
                    "six bands of a Laplacian pyramid divided by magnitudes within 3 x 3 pixels; "
                    "mean over bands of their root mean square difference",
                ),
            },
        ),
        OVER_BATCH,
    ),
    Convention(
        "laparra2016",
        "the authors' code on gray images, or on the unrounded luma of RGB",
        "NLP_dist.m",
        "tests/reference.py",
        1e-12,
    ),
    Convention(
        "matlab",
        "gray 8-bit images in MATLAB",
        "NLP_dist.m on rgb2gray(uint8)",
        "tests/reference.py",
        1e-12,
        preparation=p.MATLAB_GRAY,
        gray="laparra2016",
    ),
    Convention(
        "pyiqa",
        "IQA-PyTorch's 'nlpd': one neighbour less",
        "NLPD(); create_metric('nlpd')",
        p.PYIQA,
        1e-8,
        "its filters and luma weights are float32",
        options={"neighbours": "3 x 3"},
        preparation=Preparation(luma="bt601_float32"),
        gray="laparra2016",
        notes=("The original code takes RGB images only.",),
    ),
    function=with_details(NLPD, _nlpd_of),
)
