"""LDL: the distance of images where their residual looks like an artifact.

``mean |w d|`` with ``d = pred - target``, ``r = sum over channels of |d|`` and
``w = var(r)^(1/5) var_7x7(r)``, the variance of the image times that of the window; ``w = 0`` where
the output of the moving-average network is farther from the target than ``pred``.

Liang, Zeng & Zhang, "Details or artifacts: a locally discriminative learning approach to realistic
image super-resolution", 2022, eq. 3-6. The code is ``get_refined_artifact_map`` of the authors,
which BasicSR has too.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._roots import flat_power
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import make_window, pad
from ssimloss.functional._distance import distance_of
from ssimloss.functional._gradient_similarity import (
    check_least_side,
    variance,
    weighted_mean,
    without_masked,
)
from ssimloss.functional._moments import local_mean
from ssimloss.measure import Measure

Distance = Literal["l1", "l2"]
DISTANCES: tuple[str, ...] = get_args(Distance)


class LDLOptions(Reduced, Ranged):
    """Options of LDL.

    Args:
        window_size: side of the window of the local variance, odd and at least 3.
        exponent: exponent of the variance of the image, positive; 1/5 in the paper.
        distance: ``"l1"`` ``|w d|``, or ``"l2"`` ``(w d)^2``.
    """

    window_size: int = 7
    exponent: float = 0.2
    distance: Distance = "l1"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if _checks.count("window_size", self.window_size, least=3) % 2 == 0:
            raise ValueError(f"window_size must be odd, got {self.window_size!r}; 7 in the paper")
        _checks.positive("exponent", self.exponent)
        _checks.choice("distance", self.distance, DISTANCES)


def _ldl(
    pred: Tensor,
    target: Tensor,
    options: LDLOptions,
    *,
    pred_ema: Tensor | None = None,
    mask: Tensor | None = None,
) -> Scores:
    """Locally discriminative learning: the distance of images, weighted by the variance of their
    residual, which is high at artifacts.

    The weight is the variance of the residual in a window times a power of its variance in the
    image; the residual is the sum of ``|pred - target|`` over channels, mirrored at the border. The
    gradient passes through the weight, as in the authors' code. It is finite where the residual
    is constant, where the power is infinitely steep. The value is small: 1e-5 to 3e-4 for
    degraded photographs.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``, larger than half
            the window on both sides.
        pred_ema: what the moving average of the network returns for the same input,
            ``(N, C, H, W)``. Where it is farther from the target than ``pred``, the weight is 0:
            ``pred`` improves there. It receives no gradient. Without it, no weight is set to 0.
        mask: ``(N, 1 or C, H, W)`` weights; the variances count each pixel by the smallest weight
            of its channels.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images are too small to be mirrored, ``window_size``
            is even, ``exponent`` is not positive, or an option value is unknown.
        TypeError: integer tensors.

    Source: Liang, Zeng & Zhang 2022, eq. 3-6. Agrees with BasicSR, neosr and traiNNer-redux to
    1e-14 in float64; neosr has no ``pred_ema``.
    """
    _checks.images(pred, target)
    _checks.mask(mask, pred)
    if pred_ema is not None:
        _checks.image("pred_ema", pred_ema)
        _checks.same_shape("pred_ema", pred_ema, "pred", pred)
    border = options.window_size // 2
    check_least_side(pred, border + 1, f"for windows of {options.window_size} pixels")
    dtype = native_dtype(pred, target)
    x, y, valid = without_masked(*promote(pred, target), mask, options.low)
    difference = (x - y) / options.span
    residual = difference.abs().sum(1, keepdim=True)
    info = torch.finfo(x.dtype)
    weight = variance(residual, valid, "sample")
    weight = flat_power(weight, options.exponent, info.tiny / info.eps).view(-1, 1, 1, 1)
    weight = weight * _local_variance(residual, valid, options.window_size)
    if pred_ema is not None:
        of_ema = ((pred_ema.detach().to(x.dtype) - y) / options.span).abs()
        if mask is not None:
            of_ema = torch.where(mask != 0, of_ema, 0)
        of_ema = of_ema.sum(1, keepdim=True)
        weight = torch.where(of_ema.isnan(), of_ema, weight)
        weight = torch.where(residual < of_ema, 0, weight)
    return Scores(distance_of(weight * difference, options.distance, 0.0), mask, 1, dtype)


def _local_variance(residual: Tensor, valid: Tensor | None, window_size: int) -> Tensor:
    """Sample variance of ``(N, 1, H, W)`` in the window around each pixel."""
    border, taps = window_size // 2, window_size**2
    # What is subtracted does not change the variance, and keeps the digits of its difference.
    centre = weighted_mean(residual, valid).detach().view(-1, 1, 1, 1)
    centred = pad(residual - centre, border, "reflect")
    counted = None if valid is None else pad(valid, border, "reflect")
    window = make_window("uniform", window_size, 1.0, residual)
    mean = local_mean(centred, window, counted)
    square = local_mean(centred * centred, window, counted)
    return (square - mean * mean).clamp(min=0) * (taps / (taps - 1))


LDL = Measure(
    "ldl",
    "LDL",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Liang, Zeng & Zhang 2022",
    _ldl,
    LDLOptions,
    formula="mean of w |x - y| of images on a scale of [0, 1], w the variance of the residual in "
    "7 x 7 windows times the fifth root of its variance in the image (Liang, Zeng & Zhang 2022)",
    module="LDLLoss",
    metric="LDL",
    agrees="BasicSR, neosr, traiNNer-redux: 1e-14",
)
ldl = ldl_loss = LDL.loss

# --- conventions ----------------------------------------------------------------------------------

_WITH_EMA = ("Pass pred_ema= to the function, as the original does; without it, no weight is 0.",)

CONVENTIONS = Table(
    "LDL",
    LDL,
    (
        *PREPARATION,
        Attribute(
            "weight",
            ("window_size", "exponent"),
            lambda s: f"{s['window_size']} x {s['window_size']}, exponent {s['exponent']:g}",
            lambda s: (
                "weight: sample variance of the residual, summed over channels, in windows of "
                f"{s['window_size']} x {s['window_size']} pixels, mirrored at the border, times "
                f"its variance in the image to the power {s['exponent']:g}"
            ),
        ),
        Attribute(
            "distance",
            ("distance",),
            lambda s: s["distance"],
            lambda s: f"mean {s['distance'].upper()} distance of the weighted images",
        ),
        OVER_BATCH,
    ),
    Convention(
        "liang2022", "the paper", "the equations", "tests/reference.py", 1e-16, notes=_WITH_EMA
    ),
    Convention(
        "basicsr",
        "BasicSR as Real-ESRGAN's model weighs it, with L1",
        "get_refined_artifact_map(gt, output, output_ema, 7)",
        p.BASICSR,
        1e-16,
        same_as="liang2022",
        notes=(
            *_WITH_EMA,
            "The gradient of the original is NaN where the residual of an image is constant, as at "
            "equal images.",
        ),
    ),
    Convention(
        "neosr",
        "neosr with its defaults",
        'ldl_loss(criterion="l1")',
        p.NEOSR,
        1e-16,
        same_as="liang2022",
        notes=(
            "The original code has no pred_ema: it weighs details that improve like artifacts.",
            "The gradient of the original code is NaN where the residual of an image is constant.",
        ),
    ),
    Convention(
        "neosr_l2",
        "neosr with squares",
        'ldl_loss(criterion="l2")',
        p.NEOSR,
        1e-20,
        options={"distance": "l2"},
        notes=("The original code has no pred_ema.",),
    ),
    Convention(
        "trainner",
        "traiNNer-redux with its defaults",
        'LDLLoss(criterion="l1")',
        p.TRAINNER,
        1e-16,
        same_as="liang2022",
        notes=(
            *_WITH_EMA,
            "The gradient of the original code is NaN where the residual of an image is constant.",
        ),
    ),
)
