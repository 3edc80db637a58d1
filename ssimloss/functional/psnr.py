"""PSNR: the peak signal-to-noise ratio."""

import math
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._reduce import Scores
from ssimloss._torch import is_forward_mode, is_observed
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.preparation import Preparation
from ssimloss.functional._pixel import PixelOptions, distances
from ssimloss.kernels import Pixelwise
from ssimloss.measure import Measure

Pooling = Literal["image", "batch"]
POOLINGS: tuple[str, ...] = get_args(Pooling)
# Of the mean squared error.
_ERRORS = {"image": PixelOptions(reduction="image"), "batch": PixelOptions(reduction="mean")}


class PSNROptions(Reduced, Ranged):
    """Options of PSNR.

    Args:
        pooling: ``"image"`` computes one PSNR per image and reduces them, so that the result does
            not depend on the batch size. ``"batch"`` computes the PSNR of the MSE over the whole
            batch (torchmetrics, kornia): a single number for any reduction.
        eps: added to the MSE of images with a range of length 1. 0 is the definition; 1e-8 caps
            the PSNR at 80 dB (pyiqa, piq).
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    pooling: Pooling = "image"
    eps: float = 0.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("pooling", self.pooling, POOLINGS)
        _checks.non_negative("eps", self.eps)


def _psnr(
    pred: Tensor, target: Tensor, options: PSNROptions, *, mask: Tensor | None = None
) -> Scores | Tensor:
    """Peak signal-to-noise ratio in dB, ``10 log10(L^2 / (MSE + eps L^2))``.

    It is infinite for equal images, with gradient 0.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``.
        mask: ``(N, 1 or C, ...)`` weights of the MSE; an image without any has the value 0, and
            does not count in the mean.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, unknown option values, an empty ``data_range``.

    Agrees with scikit-image, piq (``eps=1e-8``) and kornia (``"batch"``) to float64 rounding, with
    torchmetrics (``"batch"``) to 2e-6 dB.
    """
    per_image = options.pooling == "image"
    record = _ERRORS[options.pooling]
    error = distances(pred, target, record, mask, Pixelwise("l2"), torch.square).reduce(
        record.reduction
    )
    if options.span != 1:
        error = error / options.span**2
    if options.eps:
        error = error + options.eps
    found = decibel(error)
    weight = None
    if mask is not None:
        weight = (mask.flatten(1).sum(1) > 0).to(found.dtype)
        # Where no pixel counts, images are not equal.
        found = torch.where(weight > 0 if per_image else weight.sum() > 0, found, 0)
    return Scores(found, weight) if per_image else found


def decibel(error: Tensor) -> Tensor:
    """``-10 log10`` of mean squared errors of images with a range of length 1; infinite for 0. The
    gradient of an infinite PSNR is 0, not NaN.
    """
    if not error.requires_grad and not is_forward_mode():
        return error.log10().mul(-10)
    if torch.compiler.is_compiling() or is_observed(error):
        differs = error != 0
        return torch.where(differs, -10 * torch.log10(torch.where(differs, error, 1)), torch.inf)
    found: Tensor = _Decibel.apply(error)
    return found


class _Decibel(torch.autograd.Function):
    """The same with one step in the graph; each of the equation's five takes as long as a tenth of
    the pass over a small image.
    """

    @staticmethod
    def forward(ctx: Any, error: Tensor) -> Tensor:
        ctx.save_for_backward(error)
        return error.log10().mul(-10)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tensor:
        error: Tensor = ctx.saved_tensors[0]
        return upstream * (-10 / math.log(10)) / error.masked_fill(error == 0, torch.inf)


PSNR = Measure(
    "psnr",
    "PSNR",
    "dB",
    "higher",
    float("inf"),
    (float("-inf"), float("inf")),
    "",
    _psnr,
    PSNROptions,
    role="index",
    metric="PSNR",
    agrees="scikit-image, piq, kornia: 1e-10 dB; torchmetrics: 2e-6 dB",
)
psnr = PSNR.score

# --- conventions ----------------------------------------------------------------------------------

_ATTRIBUTES = (
    *PREPARATION,
    Attribute(
        "eps",
        ("eps",),
        lambda s: f"{s['eps']:g}",
        lambda s: (
            f"10 log10(1 / (MSE + {s['eps']:g})) of images scaled to [0, 1], at most "
            f"{-10 * math.log10(s['eps']):.0f} dB"
            if s["eps"]
            else "10 log10(L^2 / MSE), infinite for equal images"
        ),
    ),
    choice(
        "pooling over the batch",
        "pooling",
        {
            "image": ("mean of images' dB", "one PSNR per image, then their mean"),
            "batch": ("one MSE for all", "one MSE over the whole batch, and its PSNR"),
        },
    ),
)

CONVENTIONS = Table(
    "PSNR",
    PSNR,
    _ATTRIBUTES,
    Convention(
        "basicsr",
        "the PSNR of super-resolution papers, on the Y channel",
        "calculate_psnr(crop_border=..., test_y_channel=True)",
        p.BASICSR,
        1e-5,
        "its luma is float32",
        preparation=p.BASICSR_Y,
        gray="basicsr_rgb",
        notes=p.BASICSR_NOTE,
    ),
    Convention(
        "basicsr_rgb",
        "BasicSR on all channels",
        "calculate_psnr(crop_border=..., test_y_channel=False)",
        p.BASICSR,
        1e-10,
        preparation=p.BASICSR_RGB,
        notes=p.BASICSR_NOTE,
    ),
    Convention(
        "pyiqa",
        "IQA-PyTorch's 'psnr': all channels",
        "PSNR(); create_metric('psnr')",
        p.PYIQA,
        1e-6,
        options={"eps": 1e-8},
        notes=("Nothing is clamped or rounded; 80 dB for equal images.",),
    ),
    Convention(
        "pyiqa_y",
        "IQA-PyTorch's 'psnry': Y of YIQ, full range",
        "PSNR(test_y_channel=True); create_metric('psnry')",
        p.PYIQA,
        1e-6,
        "its luma weights are float32",
        options={"eps": 1e-8},
        preparation=Preparation(luma="bt601_float32"),
        gray="pyiqa",
        notes=(
            "Reads 20 log10(255 / 219) = 1.322 dB lower than the studio luma of the papers.",
            "Nothing is clamped or rounded.",
        ),
    ),
    Convention(
        "pyiqa_ycbcr",
        "IQA-PyTorch on Y of YCbCr, the luma of the papers",
        "PSNR(test_y_channel=True, color_space='ycbcr')",
        p.PYIQA,
        1e-6,
        options={"eps": 1e-8},
        preparation=Preparation(luma="bt601_studio"),
        gray="pyiqa",
        notes=("Nothing is clamped or rounded.",),
    ),
    Convention(
        "piq",
        "piq with its defaults",
        "piq.psnr(data_range=...)",
        p.PIQ,
        1e-10,
        options={"eps": 1e-8},
    ),
    Convention(
        "piq_gray",
        "piq on the luma",
        "piq.psnr(convert_to_greyscale=True)",
        p.PIQ,
        1e-10,
        options={"eps": 1e-8},
        preparation=Preparation(luma="bt601"),
        gray="piq",
    ),
    Convention(
        "torchmetrics",
        "torchmetrics with its defaults: one error for the whole batch",
        "peak_signal_noise_ratio(data_range=...)",
        p.TORCHMETRICS,
        2e-6,
        "the original code takes the logarithm of 10 in float32: 4.5e-8 of the value",
        options={"pooling": "batch"},
        notes=("With dim=(1, 2, 3) it is the mean of per-image values: skimage.",),
    ),
    Convention(
        "kornia",
        "kornia: one error for the whole batch",
        "kornia.metrics.psnr(max_val=...)",
        p.KORNIA,
        1e-10,
        options={"pooling": "batch"},
        same_as="torchmetrics",
    ),
    Convention(
        "skimage",
        "the definition, one image at a time",
        "peak_signal_noise_ratio(data_range=...)",
        p.SKIMAGE,
        1e-10,
    ),
    Convention(
        "tensorflow",
        "TensorFlow",
        "tf.image.psnr",
        p.TENSORFLOW,
        1e-5,
        "it computes in float32",
        same_as="skimage",
    ),
    Convention("monai", "MONAI", "PSNRMetric(max_val=...)", p.MONAI, 1e-10, same_as="skimage"),
)
