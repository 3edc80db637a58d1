"""MS-SSIM as implementations compute it."""

from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional.ms_ssim import MS_SSIM, WANG_2003

_ATTRIBUTES = (
    *PREPARATION,
    Attribute(
        "window",
        ("window_size", "sigma"),
        lambda s: f"Gaussian {s['window_size']}, sigma {s['sigma']:g}",
        lambda s: (
            f"at every scale a Gaussian window of {s['window_size']} taps, sigma {s['sigma']:g}, "
            "whole windows only"
        ),
    ),
    choice(
        "halving at odd sizes",
        "pooling",
        {
            "floor": (
                "last row dropped",
                "2 x 2 means between scales, an odd last row or column dropped",
            ),
            "zeros": (
                "zeros counted",
                "2 x 2 means between scales, an odd size extended by zeros at both sides, which "
                "count in the mean",
            ),
            "replicate": (
                "first row repeated",
                "2 x 2 means between scales, first row and column repeated if either size is odd",
            ),
            "symmetric": (
                "last row repeated",
                "2 x 2 means between scales, the last row or column of an odd size repeated",
            ),
        },
    ),
    choice(
        "border of the coarsest scale",
        "coarsest_padding",
        {
            "valid": ("whole windows only", ""),
            "reflect": ("reflected", "images of the coarsest scale reflected at the border"),
        },
    ),
    choice(
        "negative terms",
        "negative",
        {
            "clamp": (
                "bent to stay positive",
                "a mean contrast-structure below 1e-3 is bent so that it stays positive",
            ),
            "relu": ("0", "a negative mean contrast-structure counts as 0"),
            "relu_map": (
                "0 at every position",
                "contrast-structure below 0 counts as 0 at every position",
            ),
            "shift": ("(t + 1) / 2", "every mean contrast-structure t becomes (t + 1) / 2"),
        },
    ),
    choice(
        "channels",
        "channels",
        {
            "separate": (
                "averaged last",
                "scales are joined per channel, then channels are averaged",
            ),
            "joint": (
                "averaged first",
                "channels are averaged at each scale, then scales are joined",
            ),
        },
    ),
    choice(
        "combination",
        "combination",
        {
            "product": (
                "product of powers",
                "product over scales of mean contrast-structure ^ weight, times luminance at the "
                "coarsest",
            ),
            "weighted_sum": (
                "weighted sum",
                "mean over scales of contrast-structure by weight, with luminance at the coarsest",
            ),
        },
    ),
    Attribute(
        "scale weights",
        ("scale_weights",),
        lambda s: (
            " ".join(f"{w:.4f}".removeprefix("0") for w in s["scale_weights"])
            + f", sum {sum(s['scale_weights']):.4f}"
        ),
        lambda s: (
            "scale weights, finest first: " + " ".join(f"{w:.6g}" for w in s["scale_weights"])
        ),
    ),
    OVER_BATCH,
)

_MATLAB = {"pooling": "symmetric"}
_PYIQA = {"pooling": "zeros", "channels": "joint", "negative": "relu_map"}

CONVENTIONS = Table(
    "MS_SSIM",
    MS_SSIM,
    _ATTRIBUTES,
    Convention(
        "wang2003",
        "the paper's definition",
        "Wang's msssim.m, method 'product', on gray images",
        p.OCTAVE,
        1e-12,
        options=_MATLAB,
        notes=(
            "The weights sum to 1.0001 and are used as printed.",
            "A negative mean, on which the original code becomes complex, is bent to stay positive "
            "here, for the gradient's sake.",
        ),
    ),
    Convention(
        "matlab_wang",
        "gray 8-bit images in MATLAB",
        "Wang's msssim.m, method 'product', on rgb2gray(uint8)",
        p.OCTAVE,
        1e-12,
        options=_MATLAB,
        preparation=p.MATLAB_GRAY,
        gray="wang2003",
    ),
    Convention(
        "matlab_weighted_sum",
        "gray 8-bit images in MATLAB, a sum instead of the product",
        "Wang's msssim.m, method 'wtd_sum', on rgb2gray(uint8)",
        p.OCTAVE,
        1e-12,
        options=_MATLAB | {"combination": "weighted_sum"},
        preparation=p.MATLAB_GRAY,
        notes=("The weights are divided by their sum.",),
    ),
    Convention(
        "matlab_old",
        "Wang's older code: the coarsest scale has the weight 1, odd rows are dropped",
        "Wang's ssim_mscale_new.m, method 'product', on rgb2gray(uint8)",
        p.OCTAVE,
        1e-12,
        options={"scale_weights": (*WANG_2003[:4], 1.0)},
        preparation=p.MATLAB_GRAY,
    ),
    Convention(
        "tensorflow",
        "TensorFlow",
        "tf.image.ssim_multiscale",
        p.TENSORFLOW,
        1e-12,
        "in float64; it computes in float32: 1e-5",
        options={"pooling": "symmetric", "negative": "relu"},
    ),
    Convention(
        "pytorch_msssim",
        "pytorch-msssim",
        "ms_ssim(data_range=...)",
        p.PYTORCH_MSSSIM,
        1e-5,
        p.FLOAT32_WINDOW,
        options={"pooling": "zeros", "negative": "relu"},
        notes=("Its data_range is 255 unless given.",),
    ),
    Convention(
        "piq",
        "piq",
        "piq.multi_scale_ssim(data_range=...)",
        p.PIQ,
        1e-12,
        options={"pooling": "replicate", "negative": "relu"},
    ),
    Convention(
        "torchmetrics",
        "torchmetrics: reflected border at the coarsest scale, channels averaged first",
        "multiscale_structural_similarity_index_measure(data_range=...)",
        p.TORCHMETRICS,
        1e-9,
        "its weights are float32",
        options={"channels": "joint", "coarsest_padding": "reflect", "negative": "relu"},
    ),
    Convention(
        "monai",
        "MONAI: channels averaged first",
        "MultiScaleSSIMMetric(spatial_dims=2)",
        p.MONAI,
        5e-5,
        "the original code computes in float32 for any dtype",
        options={"channels": "joint", "negative": "relu"},
    ),
    Convention(
        "pyiqa",
        "IQA-PyTorch's 'ms_ssim': Y of YIQ, rounded",
        "MS_SSIM(); create_metric('ms_ssim')",
        p.PYIQA,
        1e-6,
        p.FLOAT32_WINDOW,
        options=_PYIQA,
        preparation=p.PYIQA_YIQ,
        gray="pyiqa_rgb",
        notes=p.PYIQA_NOTE,
    ),
    Convention(
        "pyiqa_ycbcr",
        "IQA-PyTorch on Y of YCbCr, rounded",
        "MS_SSIM(color_space='ycbcr')",
        p.PYIQA,
        1e-6,
        p.FLOAT32_WINDOW,
        options=_PYIQA,
        preparation=p.PYIQA_YCBCR,
        gray="pyiqa_rgb",
        notes=p.PYIQA_NOTE,
    ),
    Convention(
        "pyiqa_rgb",
        "IQA-PyTorch on all channels, rounded",
        "MS_SSIM(test_y_channel=False)",
        p.PYIQA,
        1e-6,
        p.FLOAT32_WINDOW,
        options=_PYIQA,
        preparation=p.PYIQA_RGB,
        notes=p.PYIQA_NOTE,
    ),
)
