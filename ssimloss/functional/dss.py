"""DSS: similarity of the local contrast of DCT subbands, at the worst positions of each subband.

``DSS = sum(w_k S_k)``. ``S_k`` is the mean of the lowest 5 % of
``(2 s_x s_y + C) / (s_x^2 + s_y^2 + C)``, where ``s`` is the deviation of the coefficients of one
frequency over neighbouring blocks. For the means of blocks, ``S_k`` is multiplied by the mean of
the lowest 5 % of ``(s_xy + C) / (s_x s_y + C)``.

Balanov, Schwartz, Moshe & Peleg, "Image quality assessment based on DCT subband similarity", 2015.
The original code is the authors', in MATLAB.
"""

import math
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import constant
from ssimloss._options import Ranged, Reduced, derived
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._roots import root_of_product
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import blur, make_window, pad, window_weights
from ssimloss.functional._dct import DCT_2D, FREQUENCIES, SIDE, blocks_of, transformed
from ssimloss.functional._gradient_similarity import (
    BT601,
    OF_LUMA,
    channel_means,
    check_colors,
    check_least_side,
)
from ssimloss.kernels import SUBBAND_ERRORS, Backed, Subbands, select, subband_errors
from ssimloss.measure import Measure

Halves = Literal["up", "even"]

_C_MEAN, _C_DETAIL = 1000.0, 300.0  # for images from 0 to 255
_LEAST_WEIGHT = 1e-2
_TAPS, _SIGMA = 3, 1.5  # of the window over blocks
# Deviations of coefficients up to this can come from rounding in float32. float64 uses the same
# bound, so that gradients do not depend on the dtype.
_STILL = 64 * 255 * 2.0**-23


class DSSOptions(Backed, Reduced, Ranged):
    """Options of DSS.

    Args:
        sigma: of the Gaussian that weights frequencies, in frequencies of 8 x 8 blocks.
            Frequencies with a weight below 0.01 are left out.
        worst: the share of positions that count in each subband: the worst ones.
        backend: ``"auto"``, or the name of one, which runs or raises.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    sigma: float = 1.55
    worst: float = 0.05
    weights: tuple[tuple[int, float], ...] = derived()

    def __post_init__(self) -> None:
        """Check the options; an error names the one at fault. Store the weight of each frequency
        that counts, the mean first.
        """
        super().__post_init__()
        _checks.positive("sigma", self.sigma)
        if _checks.fraction("worst", self.worst) == 0:
            raise ValueError("worst must be above 0, got 0; no position would count")
        found = [
            (i, math.exp(-((k + 0.5) ** 2 + (m + 0.5) ** 2) / (2 * self.sigma**2)))
            for i, (k, m) in enumerate(FREQUENCIES)
        ]
        kept = [(i, weight) for i, weight in found if weight >= _LEAST_WEIGHT]
        if not kept:
            raise ValueError(
                f"sigma must be at least 0.24, so that a frequency counts, got {self.sigma!r}"
            )
        total = math.fsum([weight for _, weight in kept])
        self.derive(weights=tuple([(i, weight / total) for i, weight in kept]))


def _dss(pred: Tensor, target: Tensor, options: DSSOptions) -> Scores:
    """DCT subband similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns that do not
    fill a block of 8 x 8 pixels are left out. Only the worst positions of each subband have a
    gradient, so a step improves few blocks: add a pixel loss.

    The deviation of a flat neighbourhood has no slope. There, the gradient of the covariance is
    used, so that a flat image learns the contrast of the other image.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side. With fewer than 10 blocks, only the worst one counts.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``sigma`` leaves
            no frequency, or ``worst`` is outside (0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Balanov et al. 2015. Agrees with piq as ``conventions.DSS["piq"]``.
    """
    return _dss_of(pred, target, options)


def _dss_of(pred: Tensor, target: Tensor, options: DSSOptions, *, halves: Halves = "up") -> Scores:
    """DSS with the detail in which implementations differ."""
    check_colors(pred, target)
    check_least_side(pred, SIDE, f"for a block of {SIDE} x {SIDE}")
    dtype = native_dtype(pred, target)
    amount = options.worst * (pred.shape[2] // SIDE) * (pred.shape[3] // SIDE)
    count = max(1, math.floor(amount + 0.5) if halves == "up" else round(amount))
    backend = select(options.backend, pred, target, SUBBAND_ERRORS)
    equation = partial(_errors, options=options, count=count)
    if backend == "eager":
        error = equation(pred, target)
    else:
        weights = dict(options.weights)
        subbands = Subbands(
            tuple([weights.get(i, 0.0) for i in range(SIDE**2)]),
            window_weights("gaussian", _TAPS, _SIGMA),
            tuple([255 / options.span * w for w in (BT601 if pred.shape[1] == 3 else (1.0,))]),
            (_C_MEAN, _C_DETAIL, _STILL),
            count,
            options.low,
            options.span,
        )
        error = subband_errors(pred, target, subbands, backend=backend, equation=equation)
    return Scores(1 - error[:, 0], None, 1, dtype)


def _errors(pred: Tensor, target: Tensor, options: DSSOptions, count: int) -> Tensor:
    """One minus the similarity of each image, ``(N, 1)``: exactly 0 for equal images.

    Args:
        count: of the positions that count in each subband.
    """
    matrix = tuple([DCT_2D[i] for i, _ in options.weights])
    luma = partial(channel_means, rows=OF_LUMA, factor=1, backend="eager", low=options.low)
    (x, offset_x), (y, offset_y) = (
        _subbands(luma(image, scale=255 / options.span), matrix) for image in promote(pred, target)
    )  # the means first
    var_x, var_y, cov = _moments(x, offset_x, y, offset_y)
    deviations = _deviations(var_x, var_y, cov)
    constants = constant((_C_MEAN, *[_C_DETAIL] * (len(matrix) - 1)), x).view(-1, 1, 1)
    sums = var_x + var_y
    contrast = 1 - _worst((sums - 2 * deviations) / (sums + constants), count)  # (N, K)
    product, cov = deviations[:, :1], cov[:, :1]
    # A covariance is at most that product. Its rounding errors are larger where an image far beyond
    # the range is flat.
    limit, found = product.detach(), cov.detach()
    cov = cov + (found.clamp(-limit, limit) - found)
    structure = 1 - _worst((product - cov) / (product + _C_MEAN), count)  # (N, 1)
    weights = constant(tuple([weight for _, weight in options.weights]), x)
    similarity = torch.cat((contrast[:, :1] * structure, contrast[:, 1:]), 1)
    return ((1 - similarity) * weights).sum(1, keepdim=True)


def _subbands(gray: Tensor, matrix: tuple[tuple[float, ...], ...]) -> tuple[Tensor, Tensor]:
    """The coefficients of some frequencies over the blocks, ``(N, K, H / 8, W / 8)``, of the image
    without its mean, and what the mean adds to them, ``(N, K, 1, 1)``.

    The mean only meets the first frequency. Computed apart, it leaves more digits, and a flat image
    has hardly any coefficients. Rounded to a code, it keeps equal pixels of both images equal.
    Any number in its place leaves the result as it is: NaN in pixels that fill no block, which are
    left out, must not enter it.
    """
    rows, columns = gray.shape[2] // SIDE, gray.shape[3] // SIDE
    finite = gray.detach().nan_to_num(0.0, 0.0, 0.0)
    mean = finite.mean((2, 3), keepdim=True).round()
    found = transformed(blocks_of(gray - mean), matrix)  # (N, B, K)
    gains = constant((float(SIDE), *[0.0] * (len(matrix) - 1)), gray)
    return found.mT.reshape(len(gray), len(matrix), rows, columns), gains.view(-1, 1, 1) * mean


def _moments(
    d: Tensor, offset_x: Tensor, e: Tensor, offset_y: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Variances and covariance of ``d + offset_x`` and ``e + offset_y`` under the window, zeros
    beyond the border.

    Where only a share ``m`` of the window lies inside, ``(1 - m) (p E[d] + o E[e] + m o p)`` is
    added to ``E[d e] - E[d] E[e]`` for offsets ``o`` and ``p``.
    """
    window = make_window("gaussian", _TAPS, _SIGMA, d)
    moments = blur(pad(torch.cat((d, e, d * d, e * e, d * e), 1), 1, "zeros"), window)
    mu_d, mu_e, dd, ee, de = moments.chunk(5, 1)
    share = blur(pad(torch.ones_like(d[:1, :1]), 1, "zeros"), window)
    beyond_x, beyond_y = (1 - share) * offset_x, (1 - share) * offset_y
    var_x = dd - mu_d * mu_d + beyond_x * (mu_d + mu_d + share * offset_x)
    var_y = ee - mu_e * mu_e + beyond_y * (mu_e + mu_e + share * offset_y)
    cov = de - mu_d * mu_e + beyond_y * mu_d + beyond_x * (mu_e + share * offset_y)
    return var_x.relu(), var_y.relu(), cov


def _deviations(var_x: Tensor, var_y: Tensor, cov: Tensor) -> Tensor:
    """``s_x s_y``, where one of them is 0 to rounding with the slope of the covariance."""
    found = root_of_product(var_x, var_y, lambda: torch.zeros_like(cov))
    still = torch.minimum(var_x, var_y) < _STILL**2
    return torch.where(still, found.detach() + (cov - cov.detach()), found)


def _worst(losses: Tensor, count: int) -> Tensor:
    """The mean of the largest values of each plane: ``(N, K)``."""
    return losses.flatten(2).topk(count, 2, sorted=False).values.mean(2)


DSS = Measure(
    "dss",
    "DSS",
    "",
    "higher",
    1.0,
    (-1.0, 1.0),
    "Balanov, Schwartz, Moshe & Peleg 2015",
    _dss,
    DSSOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, DCT of blocks of 8 x 8, similarity "
    "of the deviations of each low frequency over 3 x 3 blocks (C = 1000 for the mean, 300 else), "
    "mean of the worst 5 % of positions, weighted by a Gaussian of frequencies with sigma 1.55 "
    "(Balanov et al. 2015)",
    module="DSSLoss",
    metric="DSS",
    takes_color=True,
    agrees="piq: 1e-7, the rounding of its float32 sums",
)
dss, dss_loss = DSS.score, DSS.loss

# --- conventions ----------------------------------------------------------------------------------


def _of_a_program(pred: Tensor, target: Tensor, *, halves: Halves = "up", **options: Any) -> Tensor:
    record = DSSOptions.make(options, "dss")
    return _dss_of(pred, target, record, halves=halves).reduce(record.reduction)


CONVENTIONS = Table(
    "DSS",
    DSS,
    (
        *PREPARATION,
        Attribute(
            "frequencies",
            ("sigma",),
            lambda s: f"sigma = {s['sigma']:g}",
            lambda s: (
                "luma 0.299 R + 0.587 G + 0.114 B of colour images; DCT of blocks of 8 x 8; "
                "similarity of deviations over 3 x 3 blocks (C = 1000 for the mean, 300 else), "
                f"weighted by a Gaussian of frequencies with sigma {s['sigma']:g}"
            ),
        ),
        Attribute(
            "worst positions",
            ("worst",),
            lambda s: f"{100 * s['worst']:g} %",
            lambda s: f"mean of the worst {100 * s['worst']:g} % of positions",
        ),
        choice(
            "halves of their number",
            "halves",
            {
                "up": ("up", "their number rounded, halves up"),
                "even": ("to even", "their number rounded, halves to even"),
            },
        ),
        OVER_BATCH,
    ),
    Convention(
        "balanov2015",
        "the authors' code on gray images, or on the unrounded luma of RGB",
        "dss_index.m",
        "tests/reference.py",
        1e-10,
    ),
    Convention(
        "matlab",
        "gray 8-bit images in MATLAB",
        "dss_index.m on rgb2gray(uint8)",
        "tests/reference.py",
        1e-10,
        preparation=p.MATLAB_GRAY,
        gray="balanov2015",
    ),
    Convention(
        "piq",
        "piq with its defaults",
        "piq.dss(data_range=...)",
        p.PIQ,
        1e-6,
        exact="it sums similarities in float32",
        options={"halves": "even"},
        notes=("Its gradient is not finite where a neighbourhood is flat.",),
    ),
    function=_of_a_program,
)
