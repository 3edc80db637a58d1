"""The measures that conventions are about, and the words for each of their attributes.

An attribute is what two conventions can differ in: a few keys of the preparation or of the
function, and words for their values.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from ssimloss import functional as F
from ssimloss.conventions._preparation import Preparation

State = Mapping[str, Any]  # a value for every key
Reduction = Literal["mean", "sum", "image"]


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One thing that is changed at a time: ``words`` names it in a table, ``sentence`` in a
    description (empty where nothing is done).
    """

    name: str
    keys: tuple[str, ...]
    words: Callable[[State], str]
    sentence: Callable[[State], str]


@dataclasses.dataclass(frozen=True)
class Measure:
    """A quantity and the order in which its attributes are walked through."""

    key: str
    title: str
    unit: str
    function: Callable[..., Tensor]
    public: Callable[..., Tensor] | None  # the function whose keyword options a convention's are
    attributes: tuple[Attribute, ...]
    takes_target: bool = True
    takes_data_range: bool = True
    call_only: bool = False  # the public function with the same options is another measure

    @property
    def defaults(self) -> dict[str, Any]:
        """A value for every key that an attribute names: nothing is prepared, options as the
        function has them.
        """
        values = {
            name: p.default
            for name, p in inspect.signature(self.function).parameters.items()
            if p.default is not p.empty
        }
        if self.public is not None:
            values = {
                name: p.default for name, p in inspect.signature(self.public).parameters.items()
            } | values
        values |= dataclasses.asdict(Preparation())
        return {key: values[key] for attribute in self.attributes for key in attribute.keys}

    def is_public(self, option: str) -> bool:
        """Whether the function of the package has this option, or only the convention."""
        return self.public is not None and option in inspect.signature(self.public).parameters


def _reduced(values: Tensor, reduction: Reduction) -> Tensor:
    if reduction == "mean":
        return values.mean()
    return (
        values.sum() if reduction == "sum" else values.mean(3).mean(2).mean(1)
    )  # axis by axis: alike in every batch


def _ssim(
    pred: Tensor,
    target: Tensor,
    *,
    negative_structure: str = "keep",
    reduction: Reduction = "mean",
    **options: Any,
) -> Tensor:
    if negative_structure == "keep":
        return F.ssim(pred, target, reduction=reduction, **options)
    options.pop("exponents", None)
    light = F.ssim_map(pred, target, exponents=(1.0, 0.0, 0.0), **options)
    structure = F.ssim_map(pred, target, exponents=(0.0, 1.0, 1.0), **options)
    return _reduced(light * structure.relu(), reduction)


def _dssim(
    pred: Tensor, target: Tensor, *, reduction: Reduction = "mean", **options: Any
) -> Tensor:
    return _reduced(((1 - F.ssim_map(pred, target, **options)) / 2).clamp(0, 1), reduction)


def _ms_ssim_l1(pred: Tensor, target: Tensor, *, factor: float = 1.0, **options: Any) -> Tensor:
    return factor * F.ms_ssim_l1_loss(pred, target, **options)


# --- words ----------------------------------------------------------------------------------------

_LUMA_WORDS = {
    None: "all channels",
    "bt601_studio": "Y, BT.601 studio range",
    "bt601": "Y, BT.601 full range",
    "bt601_float32": "Y, BT.601 full range",
    "matlab": "MATLAB's rgb2gray",
}
_LUMA_SENTENCES = {
    None: "",
    "bt601_studio": "luma of ITU-R BT.601 in studio range: Y = 65.481 R + 128.553 G + 24.966 B + "
    "16, from 16 to 235 on a scale of 255",
    "bt601": "luma of ITU-R BT.601 in full range (Y of YIQ): 0.299 R + 0.587 G + 0.114 B",
    "bt601_float32": "luma of ITU-R BT.601 in full range (Y of YIQ): 0.299 R + 0.587 G + 0.114 "
    "B, the weights rounded to float32",
    "matlab": "gray as MATLAB's rgb2gray: 0.2989 R + 0.5870 G + 0.1140 B, with all its digits",
}


def _switch(name: str, key: str, words: str, sentence: str) -> Attribute:
    return Attribute(
        name, (key,), lambda s: words if s[key] else "no", lambda s: sentence if s[key] else ""
    )


def _choice(name: str, key: str, choices: Mapping[Any, tuple[str, str]]) -> Attribute:
    return Attribute(name, (key,), lambda s: choices[s[key]][0], lambda s: choices[s[key]][1])


PREPARATION = (
    _switch("clamp", "clamp", "to data_range", "clamp to [0, 1]"),
    _switch("8-bit rounding", "quantise", "256 levels", "round to 256 levels, as in an 8-bit file"),
    _switch("crop", "crop", "crop_border", "cut crop_border pixels off every side"),
    Attribute(
        "luma", ("luma",), lambda s: _LUMA_WORDS[s["luma"]], lambda s: _LUMA_SENTENCES[s["luma"]]
    ),
    _switch("rounded luma", "round", "whole codes", "round to whole codes on a scale of 255"),
)

_OVER_BATCH = _choice(
    "over the batch",
    "reduction",
    {
        "mean": ("mean of images", "mean over the images"),
        "sum": ("sum of images", "sum over the images"),
        "image": ("one per image", "one number per image"),
    },
)


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
_BORDER = _choice(
    "border",
    "padding",
    {
        "valid": (
            "whole windows only",
            "whole windows only: the map is smaller than the images by window_size - 1",
        ),
        "reflect": ("reflected", "images reflected at the border, and the whole map counts"),
        "replicate": ("replicated", "border pixels repeated, and the whole map counts"),
        "zeros": ("zeros", "zeros beyond the border, and the whole map counts"),
    },
)
_SHRINK = "shrink by f = max(1, round(min(H, W) / 256))"
_SSIM_MAP = (
    _choice(
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
    _BORDER,
    _choice(
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
_SSIM_ATTRIBUTES = (
    *PREPARATION,
    *_SSIM_MAP,
    _FORMULA,
    _choice(
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
    _OVER_BATCH,
)

_MS_SSIM_ATTRIBUTES = (
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
    _choice(
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
    _choice(
        "border of the coarsest scale",
        "coarsest_padding",
        {
            "valid": ("whole windows only", ""),
            "reflect": ("reflected", "images of the coarsest scale reflected at the border"),
        },
    ),
    _choice(
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
    _choice(
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
    _choice(
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
    _OVER_BATCH,
)

_PSNR_ATTRIBUTES = (
    *PREPARATION,
    Attribute(
        "eps",
        ("eps",),
        lambda s: f"{s['eps']:g}",
        lambda s: (
            f"10 log10(1 / (MSE + {s['eps']:g})) of images scaled to [0, 1], at most "
            f"{-10 * torch.tensor(s['eps']).log10():.0f} dB"
            if s["eps"]
            else "10 log10(L^2 / MSE), infinite for equal images"
        ),
    ),
    _choice(
        "pooling over the batch",
        "pooling",
        {
            "image": ("mean of images' dB", "one PSNR per image, then their mean"),
            "batch": ("one MSE for all", "one MSE over the whole batch, and its PSNR"),
        },
    ),
)

SSIM = Measure("SSIM", "SSIM", "", _ssim, F.ssim, _SSIM_ATTRIBUTES)
DSSIM = Measure(
    "DSSIM",
    "DSSIM, a loss",
    "",
    _dssim,
    F.ssim,
    (
        *PREPARATION,
        *_SSIM_MAP,
        Attribute(
            "formula",
            (),
            lambda _: "",
            lambda _: (
                "the map s of (2 mu_x mu_y + C1) (2 cov_xy + C2) / (...) becomes (1 - s) / 2, "
                "clamped to [0, 1], then its mean"
            ),
        ),
        _OVER_BATCH,
    ),
    call_only=True,
)
MS_SSIM = Measure("MS_SSIM", "MS-SSIM", "", F.ms_ssim, F.ms_ssim, _MS_SSIM_ATTRIBUTES)
MS_SSIM_L1 = Measure(
    "MS_SSIM_L1",
    "MS-SSIM + L1, a loss",
    "",
    _ms_ssim_l1,
    F.ms_ssim_l1_loss,
    (
        Attribute(
            "window",
            ("window_size", "sigmas"),
            lambda s: f"{s['window_size']} taps",
            lambda s: (
                f"Gaussians of sigma {', '.join(f'{v:g}' for v in s['sigmas'])} at full "
                f"resolution, {s['window_size']} taps"
            ),
        ),
        _BORDER,
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
        _OVER_BATCH,
    ),
)
PSNR = Measure("PSNR", "PSNR", "dB", F.psnr, F.psnr, _PSNR_ATTRIBUTES)
CHARBONNIER = Measure(
    "CHARBONNIER",
    "Charbonnier distance",
    "",
    F.charbonnier,
    F.charbonnier,
    (
        Attribute(
            "eps",
            ("eps",),
            lambda s: f"{s['eps']:g}",
            lambda s: f"sqrt((x - y)^2 + {s['eps']:g}^2) at every pixel",
        ),
        _choice(
            "at zero error",
            "at_zero",
            {"eps": ("eps", ""), "zero": ("0", "minus eps, so that it is 0 for equal images")},
        ),
        _OVER_BATCH,
    ),
    takes_data_range=False,
)
TOTAL_VARIATION = Measure(
    "TOTAL_VARIATION",
    "total variation",
    "",
    F.total_variation,
    F.total_variation,
    (
        _choice(
            "norm",
            "norm",
            {
                "anisotropic": (
                    "|dx| + |dy|",
                    "|dx| + |dy|, the differences to the right and lower neighbour",
                ),
                "isotropic": (
                    "sqrt(dx^2 + dy^2)",
                    "sqrt(dx^2 + dy^2) at every pixel, a difference across the far border being 0",
                ),
                "squared": ("dx^2 + dy^2", "dx^2 + dy^2"),
                "image_l2": (
                    "root of all",
                    "the square root of the sum of all dx^2 + dy^2 of an image",
                ),
            },
        ),
        _choice(
            "within an image",
            "within_image",
            {
                "mean": (
                    "mean",
                    "within an image the mean over dx plus the mean over dy, each over its own "
                    "number of differences",
                ),
                "sum": ("sum", "within an image the sum over all pixels and channels"),
            },
        ),
        _OVER_BATCH,
    ),
    takes_target=False,
    takes_data_range=False,
)
