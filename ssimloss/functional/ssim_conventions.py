"""SSIM as implementations compute it.

``tolerance`` is what ``tests/test_parity.py`` allows against the original code, or against values
that it printed.
"""

from typing import Any

from torch import Tensor

from ssimloss._reduce import Reduction
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import (
    OVER_BATCH,
    PADDING,
    PREPARATION,
    Attribute,
    State,
    choice,
)
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional.ssim import SSIM, ssim_map


def reduced(values: Tensor, reduction: Reduction) -> Tensor:
    """A map over images: a scalar, or ``(N,)`` for ``"image"``."""
    if reduction == "mean":
        return values.mean()
    if reduction == "sum":
        return values.sum()
    return values.mean(3).mean(2).mean(1)  # axis by axis: the same rounding in every batch


def _ssim(
    pred: Tensor,
    target: Tensor,
    *,
    negative_structure: str = "keep",
    reduction: Reduction = "mean",
    **options: Any,
) -> Tensor:
    if negative_structure == "keep":
        return SSIM.score(pred, target, reduction=reduction, **options)
    options.pop("exponents", None)
    light = ssim_map(pred, target, exponents=(1.0, 0.0, 0.0), **options)
    structure = ssim_map(pred, target, exponents=(0.0, 1.0, 1.0), **options)
    return reduced(light * structure.relu(), reduction)


def _window_words(s: State) -> str:
    if s["window"] == "uniform":
        return f"uniform {s['window_size']}"
    return f"Gaussian {s['window_size']}, sigma {s['sigma']:g}"


_WINDOW = Attribute(
    "window",
    ("window", "window_size", "sigma"),
    _window_words,
    lambda s: (
        f"local means, variances and covariance of each channel under a window: {_window_words(s)}"
    ),
)
_SHRINK = "shrink by f = max(1, round(min(H, W) / 256))"
MAP = (  # attributes of all measures computed from the map of SSIM
    choice(
        "downsampling",
        "downsample",
        {
            None: ("none", ""),
            "auto": (
                "block means",
                f"{_SHRINK}: means of f x f blocks, an incomplete last block dropped",
            ),
            "matlab": (
                "box filter",
                f"{_SHRINK}: f x f box filter, border mirrored, then every f-th sample",
            ),
        },
    ),
    _WINDOW,
    PADDING,
    choice(
        "covariance",
        "covariance",
        {
            "population": ("population", ""),
            "sample": (
                "sample",
                "variances and covariance times N / (N - 1), N the number of pixels under the "
                "window",
            ),
        },
    ),
)
_FORMULA = Attribute(
    "formula",
    (),
    lambda _: "",
    lambda _: (
        "(2 mu_x mu_y + C1) (2 cov_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2)) with "
        "C1 = (0.01 L)^2, C2 = (0.03 L)^2, averaged over positions and channels"
    ),
)
_ATTRIBUTES = (
    *PREPARATION,
    *MAP,
    _FORMULA,
    choice(
        "negative structure",
        "negative_structure",
        {
            "keep": ("kept", ""),
            "zero": (
                "0",
                "contrast-structure below 0 counts as 0 at every position before the average",
            ),
        },
    ),
    OVER_BATCH,
)

CONVENTIONS = Table(
    "SSIM",
    SSIM,
    _ATTRIBUTES,
    Convention(
        "wang2004",
        "the paper's definition, without downsampling",
        "Wang's ssim_index.m",
        p.OCTAVE,
        1e-12,
        notes=(
            "Also what pytorch-msssim, TensorFlow, MONAI, piq without downsampling and kornia "
            "with padding='valid' compute.",
        ),
    ),
    Convention(
        "matlab_wang",
        "Wang's program of 2009, which shrinks large images first",
        "Wang's ssim.m",
        p.OCTAVE,
        1e-12,
        options={"downsample": "matlab"},
        notes=(
            "Takes gray images on a scale of 0 to 255; matlab_ssim_downsampled makes them of RGB.",
            "piq shrinks by the same factor but another filter, and rounds 2.5 down where "
            "MATLAB rounds up.",
        ),
    ),
    Convention(
        "matlab_ssim",
        "gray 8-bit images in MATLAB, as in tables of image quality databases",
        "Wang's ssim_index.m on rgb2gray(uint8)",
        p.OCTAVE,
        1e-12,
        preparation=p.MATLAB_GRAY,
        gray="wang2004",
    ),
    Convention(
        "matlab_ssim_downsampled",
        "gray 8-bit images in MATLAB, shrunk first",
        "Wang's ssim.m on rgb2gray(uint8)",
        p.OCTAVE,
        1e-12,
        options={"downsample": "matlab"},
        preparation=p.MATLAB_GRAY,
        gray="matlab_wang",
    ),
    Convention(
        "skimage",
        "scikit-image with its defaults",
        "structural_similarity(data_range=..., channel_axis=...)",
        p.SKIMAGE,
        1e-12,
        options={"window": "uniform", "window_size": 7, "covariance": "sample"},
        notes=(
            "It reflects the border, crops the map by 3 and averages: only whole windows count.",
        ),
    ),
    Convention(
        "skimage_gaussian",
        "scikit-image with Gaussian weights and its own covariance",
        "structural_similarity(gaussian_weights=True)",
        p.SKIMAGE,
        1e-12,
        options={"covariance": "sample"},
    ),
    Convention(
        "skimage_wang",
        "scikit-image as its manual describes to match the paper",
        "structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)",
        p.SKIMAGE,
        1e-12,
        same_as="wang2004",
    ),
    Convention(
        "pytorch_msssim",
        "pytorch-msssim",
        "ssim(data_range=...)",
        p.PYTORCH_MSSSIM,
        1e-5,
        p.FLOAT32_WINDOW,
        same_as="wang2004",
        notes=(
            "Its data_range is 255 unless given, its nonnegative_ssim clamps the mean of a "
            "channel at 0 where asked to.",
        ),
    ),
    Convention(
        "tensorflow",
        "TensorFlow",
        "tf.image.ssim",
        p.TENSORFLOW,
        1e-12,
        "in float64; it computes in float32: 5e-5",
        same_as="wang2004",
    ),
    Convention(
        "monai",
        "MONAI",
        "SSIMMetric(spatial_dims=2), SSIMLoss is 1 - it",
        p.MONAI,
        5e-5,
        "the original code computes in float32 for any dtype, and E[x^2] - E[x]^2 cancels there",
        same_as="wang2004",
    ),
    Convention(
        "piq",
        "piq with its defaults: shrinks large images first",
        "piq.ssim(data_range=...)",
        p.PIQ,
        1e-12,
        options={"downsample": "auto"},
        notes=("Images of 384 pixels and more on the shorter side are shrunk.",),
    ),
    Convention(
        "piq_full_size",
        "piq without downsampling",
        "piq.ssim(downsample=False)",
        p.PIQ,
        1e-12,
        same_as="wang2004",
    ),
    Convention(
        "torchmetrics",
        "torchmetrics with its defaults: reflected border",
        "structural_similarity_index_measure(data_range=...)",
        p.TORCHMETRICS,
        1e-12,
        options={"padding": "reflect"},
        notes=(
            "The window has 2 int(3.5 sigma + 0.5) + 1 taps: 11 for sigma 1.5, for "
            "any kernel_size.",
            "Without data_range it takes the largest difference in the batch; a data_range "
            "(lo, hi) clamps, but does not subtract lo.",
        ),
    ),
    Convention(
        "kornia",
        "kornia with its defaults: reflected border",
        "kornia.metrics.ssim(window_size=11, max_val=...).mean()",
        p.KORNIA,
        1e-6,
        p.DENOMINATOR,
        options={"padding": "reflect"},
        notes=("Its loss is defined differently: DSSIM/kornia. Its window_size has no default.",),
    ),
    Convention(
        "kornia_valid",
        "kornia with whole windows only",
        "kornia.metrics.ssim(window_size=11, padding='valid').mean()",
        p.KORNIA,
        1e-6,
        p.DENOMINATOR,
        same_as="wang2004",
    ),
    Convention(
        "fused_ssim",
        "fused-ssim and 3D Gaussian Splatting: zeros beyond the border",
        "_ssim of utils/loss_utils.py in gaussian-splatting",
        "gaussian-splatting 15d64e6",
        1e-12,
        "with a float64 window; the original code's float32 window sums to 1 - 7e-8: 2e-5",
        options={"padding": "zeros"},
        notes=(
            "The implementations take images in [0, 1] only. fused-ssim itself, which needs CUDA, "
            "was not run.",
        ),
    ),
    Convention(
        "gaussian_splatting",
        "3D Gaussian Splatting",
        "ssim of utils/loss_utils.py",
        "gaussian-splatting 15d64e6",
        2e-5,
        "its float32 window sums to 1 - 7e-8",
        options={"padding": "zeros"},
        same_as="fused_ssim",
    ),
    Convention(
        "basicsr",
        "the SSIM of super-resolution papers, on the Y channel",
        "calculate_ssim(crop_border=..., test_y_channel=True)",
        p.BASICSR,
        1e-6,
        "its luma is float32",
        preparation=p.BASICSR_Y,
        gray="basicsr_rgb",
        notes=p.BASICSR_NOTE,
    ),
    Convention(
        "basicsr_rgb",
        "BasicSR on all channels",
        "calculate_ssim(crop_border=..., test_y_channel=False)",
        p.BASICSR,
        1e-12,
        preparation=p.BASICSR_RGB,
        notes=p.BASICSR_NOTE,
    ),
    Convention(
        "pyiqa",
        "IQA-PyTorch's 'ssim': Y of YIQ, rounded",
        "SSIM(); create_metric('ssim')",
        p.PYIQA,
        1e-6,
        p.FLOAT32_WINDOW,
        options={"negative_structure": "zero"},
        preparation=p.PYIQA_YIQ,
        gray="pyiqa_rgb",
        notes=p.PYIQA_NOTE,
    ),
    Convention(
        "pyiqa_ycbcr",
        "IQA-PyTorch on Y of YCbCr, rounded",
        "SSIM(color_space='ycbcr')",
        p.PYIQA,
        1e-6,
        p.FLOAT32_WINDOW,
        options={"negative_structure": "zero"},
        preparation=p.PYIQA_YCBCR,
        gray="pyiqa_rgb",
        notes=p.PYIQA_NOTE,
    ),
    Convention(
        "pyiqa_downsampled",
        "IQA-PyTorch with downsample=True: Y of YIQ, rounded, shrunk",
        "SSIM(downsample=True)",
        p.PYIQA,
        1e-6,
        p.FLOAT32_WINDOW,
        options={"negative_structure": "zero", "downsample": "auto"},
        preparation=p.PYIQA_YIQ,
        gray="pyiqa_rgb",
        notes=p.PYIQA_NOTE,
    ),
    Convention(
        "pyiqa_rgb",
        "IQA-PyTorch's 'ssimc': all channels, rounded",
        "SSIM(test_y_channel=False); create_metric('ssimc')",
        p.PYIQA,
        1e-6,
        p.FLOAT32_WINDOW,
        options={"negative_structure": "zero"},
        preparation=p.PYIQA_RGB,
        notes=p.PYIQA_NOTE,
    ),
    function=_ssim,
)
