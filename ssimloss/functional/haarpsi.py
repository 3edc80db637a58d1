"""HaarPSI: similarity of Haar wavelet coefficients, weighted by those of a coarser scale.

``HaarPSI = (logit_a(sum(sigmoid(a s) w) / sum(w)) / a)^2``: ``s`` the mean similarity of the two
finest scales of one orientation, ``w`` the larger magnitude of both images at the third.

Reisenhofer, Bosse, Kutyniok & Wiegand, "A Haar wavelet-based perceptual similarity index for image
quality assessment", 2018. The authors' code is in MATLAB and Python.
"""

import math
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, YIQ_MATRIX, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.functional._gradient_similarity import (
    BT601,
    IQ,
    backend_for,
    block_weight,
    channel_means,
    check_colors,
    check_least_side,
    without_masked,
)
from ssimloss.kernels import Backed, Haar, haar_means
from ssimloss.measure import Measure

_LEAST = 16  # pixels: filters of 8 pixels at half size
_LARGEST_ALPHA = 40  # exp(-alpha) and its square are normal numbers in float32


class HaarPSIOptions(Backed, Reduced, Ranged):
    """Options of HaarPSI.

    Args:
        c: the constant ``C`` that keeps the similarity finite, for images on a scale of 0 to 255.
        alpha: how much more low similarities count than high ones, at most 40.
        backend: ``"auto"``, or the name of one, which runs or raises. No kernel supports a mask.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    c: float = 30.0
    alpha: float = 4.2

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.positive("c", self.c)
        if _checks.positive("alpha", self.alpha) > _LARGEST_ALPHA:
            raise ValueError(
                f"alpha must be at most {_LARGEST_ALPHA}, got {self.alpha!r}; there, the "
                "lowest similarity alone counts, and the paper has 4.2"
            )


def _haarpsi(
    pred: Tensor, target: Tensor, options: HaarPSIOptions, *, mask: Tensor | None = None
) -> Scores:
    """Haar wavelet-based perceptual similarity: 1 for equal images, lower for worse ones.

    RGB images are compared in luma, I and Q of YIQ, not rounded. Gray images are compared as they
    are. Images are first halved, as in the authors' code for the usual viewing distance. If both
    images are flat, all positions have equal weights.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small,
            a constant that is not positive, an ``alpha`` above 40.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Reisenhofer et al. 2018. ``conventions.HAARPSI["piq"]`` agrees with piq to 1e-12 in
    float64.
    """
    return _haarpsi_of(pred, target, options, mask=mask)


def _haarpsi_of(
    pred: Tensor,
    target: Tensor,
    options: HaarPSIOptions,
    *,
    mask: Tensor | None = None,
    yiq: str = "three digits",
) -> Scores:
    """HaarPSI with options for the details in which implementations differ."""
    check_colors(pred, target, mask)
    check_least_side(pred, _LEAST, "for filters of 8 pixels at half size")
    backend = backend_for(options.backend, pred, target, mask)
    dtype = native_dtype(pred, target)
    x, y, valid = without_masked(*promote(pred, target), mask, options.low)
    if valid is not None:  # the smallest weight under the filters of 8 pixels
        valid = pad(block_weight(valid, 2), (3, 4, 3, 4), mode="replicate")
        valid = -max_pool2d(-valid, 8, 1)
    rows = (BT601, *IQ[yiq]) if x.shape[1] == 3 else (BT601,)
    x, y = (
        channel_means(image, rows, 2, backend, low=options.low, scale=255 / options.span)
        for image in (x, y)
    )
    if backend == "eager":
        mean, mass = _mean(x, y, valid, options)
        weight = None if valid is None else (mass > 0).to(mass.dtype)
        return Scores(_score(mean, options.alpha), weight, 1, dtype)

    equation = partial(_mean_alone, options=options)
    haar = Haar(float(options.c), float(options.alpha))
    mean = haar_means(x, y, haar, backend=backend, equation=equation)[:, 0]
    return Scores(_score(mean, options.alpha), None, 1, dtype)


def _mean(
    x: Tensor, y: Tensor, valid: Tensor | None, options: HaarPSIOptions
) -> tuple[Tensor, Tensor]:
    """The weighted mean ``M`` of :func:`_score` over luma, or luma, I and Q, ``(N,)``, and the sum
    of the weights.
    """
    *fine, coarse = zip(_coefficients(x[:, :1]), _coefficients(y[:, :1]), strict=True)
    parts = [
        _dissimilarity(a, b, size**2 * options.c) for (a, b), size in zip(fine, (2, 4), strict=True)
    ]
    unlike = (parts[0] + parts[1]) / 2  # (N, 2, H', W'): of both orientations
    weight = torch.maximum(coarse[0].abs(), coarse[1].abs()) / 8
    if x.shape[1] == 3:
        colors = _dissimilarity(_means(x[:, 1:]), _means(y[:, 1:]), options.c)
        unlike = torch.cat((unlike, colors.mean(1, keepdim=True)), 1)
        weight = torch.cat((weight, weight.mean(1, keepdim=True)), 1)
    # Without any weight, every position counts alike.
    weight = weight + torch.finfo(weight.dtype).eps
    if valid is not None:
        weight = weight * valid
    k = math.exp(-options.alpha)
    u = -torch.expm1(-options.alpha * unlike)  # 1 - u would cancel
    mass = weight.flatten(1).sum(1)
    total = (weight * (u / (k + torch.exp(-options.alpha * unlike)))).flatten(1).sum(1)
    mean = total / torch.where(mass > 0, mass, 1)
    return mean, mass


def _mean_alone(x: Tensor, y: Tensor, options: HaarPSIOptions) -> Tensor:
    """The mean without a mask, ``(N, 1)``."""
    return _mean(x, y, None, options)[0][:, None]


def _score(mean: Tensor, alpha: float) -> Tensor:
    """The score ``(N,)`` of the mean of dissimilarities ``1 - s``.

    With ``k = exp(-a)`` and ``u = 1 - exp(-a (1 - s))``, the logistic mean is
    ``m = sigmoid(a) - k M / (1 + k)``, where ``M`` is the mean of ``u / (k + 1 - u)``. So
    ``logit(m) = a + log(1 - k M) - log(1 + M)``, which is exactly ``a`` for equal images.
    """
    k = math.exp(-alpha)
    return (1 + (torch.log1p(-k * mean) - torch.log1p(mean)) / alpha).square()


def _dissimilarity(a: Tensor, b: Tensor, c: float) -> Tensor:
    """``1 - (2 |a b| + c) / (a^2 + b^2 + c)``, as ``(|a| - |b|)^2 / (a^2 + b^2 + c)``; where one is
    0, the slope is towards the other one.
    """
    sign = torch.where(a.detach() * b.detach() < 0, -1.0, 1.0).to(a.dtype)
    difference = a.addcmul(sign, b, value=-1)  # (|a| - |b|) times the sign of a
    return difference * difference / ((a * a).addcmul(b, b) + c)


def _coefficients(gray: Tensor) -> list[Tensor]:
    """Haar coefficients of the scales of 2, 4 and 8 pixels times these, zeros beyond the border:
    ``(N, 2, H, W)`` each, differences of rows and of columns.
    """
    sums, found = pad(gray, (3, 4, 3, 4)), []
    for half in (1, 2, 4):  # sums of half x half pixels
        before, behind = _apart(sums, half, 3)
        above, below = _apart(before + behind, half, 2)
        columns = torch.add(*_apart(behind - before, half, 2))
        # The border is as wide as the largest squares need it.
        found.append(pad(torch.cat((below - above, columns), 1), (half - 4,) * 4))
        sums = above + below
    return found


def _apart(image: Tensor, step: int, axis: int) -> tuple[Tensor, Tensor]:
    """The image without its last, and without its first rows or columns."""
    length = image.shape[axis] - step
    return image.narrow(axis, 0, length), image.narrow(axis, step, length)


def _means(planes: Tensor) -> Tensor:
    """Means of 2 x 2 pixels at every position, zeros beyond the border."""
    rows = torch.add(*_apart(pad(planes, (0, 1, 0, 1)), 1, 2))
    return torch.add(*_apart(rows, 1, 3)) / 4


HAARPSI = Measure(
    "haarpsi",
    "HaarPSI",
    "",
    "higher",
    1.0,
    (0.0, 1.0),
    "Reisenhofer, Bosse, Kutyniok & Wiegand 2018",
    _haarpsi,
    HaarPSIOptions,
    formula="halved images, similarity of Haar coefficients of 2 and 4 pixels (C = 30) weighted by "
    "those of 8 pixels, and of I and Q of colour images, logistic mean with alpha = 4.2 "
    "(Reisenhofer et al. 2018)",
    module="HaarPSILoss",
    metric="HaarPSI",
    takes_color=True,
    agrees="piq: 1e-12",
)
haarpsi, haarpsi_loss = HAARPSI.score, HAARPSI.loss

# --- conventions ----------------------------------------------------------------------------------


CONVENTIONS = Table(
    "HAARPSI",
    HAARPSI,
    (
        *PREPARATION,
        YIQ_MATRIX,
        Attribute(
            "similarity",
            ("c", "alpha"),
            lambda s: f"C = {s['c']:g}, alpha = {s['alpha']:g}",
            lambda s: (
                "means of 2 x 2 pixels, an odd side extended by zeros; Haar coefficients of 2, 4 "
                f"and 8 pixels, C = {s['c']:g}, logistic mean with alpha = {s['alpha']:g}"
            ),
        ),
        OVER_BATCH,
    ),
    Convention(
        "reisenhofer2018",
        "the authors' code",
        "HaarPSI.m",
        "tests/reference.py",
        1e-12,
    ),
    Convention(
        "piq",
        "piq with its defaults",
        "piq.haarpsi(data_range=...)",
        p.PIQ,
        1e-12,
        options={"yiq": "four digits"},
    ),
    function=with_details(HAARPSI, _haarpsi_of),
)
