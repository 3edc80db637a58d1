"""The losses of neosr and traiNNer-redux that exist here, with the option names of the frameworks.

Their names and options were read in their sources; the table :data:`COUNTERPARTS` holds one entry
for each.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ssimloss import _checks, losses

NEOSR, REDUX = "neosr", "traiNNer-redux"


@dataclass(frozen=True)
class Counterpart:
    """What stands here for a loss of a framework.

    Args:
        build: the loss, called with the options that a section has, under their names there.
        differs: what the framework computes otherwise; empty if it is the same.
        weight: the framework's default of ``loss_weight``, None if it has none.
        adversarial: whether it is the generator's loss of logits, ``fake_logits``.
        factor: what the framework multiplies the loss by, beside its weight.
        factor_option: the option of the framework that is this factor, empty for none.
    """

    build: Callable[..., Any]
    differs: str = ""
    weight: float | None = None
    adversarial: bool = False
    factor: float = 1.0
    factor_option: str = ""


def _charbonnier(*, eps: float = 1e-12, reduction: Any = "mean") -> losses.CharbonnierLoss:
    return losses.CharbonnierLoss(eps=math.sqrt(eps), reduction=reduction)


def _ms_ssim_of_neosr(
    *,
    window_size: int = 11,
    in_channels: int = 3,  # noqa: ARG001 - follows from the images here
    sigma: float = 1.5,
    K1: float = 0.01,
    K2: float = 0.03,
    L: float = 1,
) -> losses.MSSSIMLoss:
    return losses.MSSSIMLoss(
        window_size=window_size, sigma=sigma, k1=K1, k2=K2, data_range=L, pooling="zeros"
    )


def _ms_ssim_of_redux(
    *,
    channels: int = 3,  # noqa: ARG001 - follows from the images here
    downsample: bool = False,
    is_prod: bool = True,
) -> losses.MSSSIMLoss:
    if downsample:
        raise ValueError("downsample=True has no counterpart")
    combination: Any = "product" if is_prod else "weighted_sum"
    return losses.MSSSIMLoss(combination=combination, negative="relu_map", pooling="zeros")


def _focal_frequency(
    *,
    alpha: float = 1.0,
    patch_factor: int = 1,
    ave_spectrum: bool = True,
    log_matrix: bool = False,
    batch_matrix: bool = False,
) -> losses.FocalFrequencyLoss:
    return losses.FocalFrequencyLoss(
        alpha=alpha,
        patch_factor=patch_factor,
        spectrum="batch_mean" if ave_spectrum else "image",
        weighting="log" if log_matrix else "power",
        peak="batch" if batch_matrix else "spectrum",
    )


def _dists(*, as_loss: bool = True, load_weights: bool = True) -> losses.DISTS:
    if not (as_loss and load_weights):
        raise ValueError("as_loss and load_weights must be True")
    return losses.DISTS()


def _ldl_of_neosr(*, criterion: str = "l1", ksize: int = 7) -> losses.LDLLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    return losses.LDLLoss(distance=criterion, window_size=ksize)  # type: ignore[arg-type]  # checked


def _clipped_of_neosr(
    *,
    reduction: str = "mean",  # noqa: ARG001 - neosr takes the mean whatever it is
    criterion: str = "huber",
    loss_lambda: float = 0,
    clip_min: float = 0.003921,
    clip_max: float = 0.996078,
) -> losses.ClippedLoss:
    _checks.choice("criterion", criterion, ("l1", "huber"))
    if loss_lambda:
        raise ValueError(
            "loss_lambda must be 0, as a cosine term before clipping has no counterpart"
        )
    distance: Any = "charbonnier" if criterion == "huber" else "l1"
    return losses.ClippedLoss(distance=distance, eps=1e-6, low=clip_min, high=clip_max)


def _consistency(
    *,
    criterion: str = "chc",
    blur: bool = True,  # noqa: ARG001 - see the difference
    cosim: bool = True,  # noqa: ARG001
    saturation: float = 1.0,
    brightness: float = 1.0,
) -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1", "chc"))
    if (saturation, brightness) != (1, 1):
        raise ValueError("saturation and brightness must be 1, as the target is taken as it is")
    return losses.ColorConsistencyLoss(space="oklab", planes="all", distance="l1")


def _hsluv(
    *,
    hue_weight: float = 1 / 3,
    saturation_weight: float = 1 / 3,
    lightness_weight: float = 1 / 3,
    criterion: str = "l1",
    downscale_factor: int = 1,
    blur_strength: int = 0,
) -> losses.HSLuvLoss:
    if downscale_factor > 1 or blur_strength:
        raise ValueError("downscale_factor and blur_strength must be off")
    return losses.HSLuvLoss(
        hue_weight=hue_weight,
        saturation_weight=saturation_weight,
        lightness_weight=lightness_weight,
        edges="thresholds",
        **_distance(criterion),
    )


def _average(*, criterion: str = "l1", scale: int = 4) -> losses.AverageLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    return losses.AverageLoss(downscale=scale, **_distance(criterion))


def _bicubic(*, criterion: str = "l1", scale: int = 4) -> losses.AverageLoss:
    return losses.AverageLoss(downscale=scale, filter="bicubic", **_distance(criterion))


def _color(*, criterion: str = "l1", scale: int = 4) -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1",))
    return losses.ColorConsistencyLoss(space="ycbcr", distance="l1", downscale=scale)


def _luma(*, criterion: str = "l1") -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1",))
    return losses.ColorConsistencyLoss(space="cielab", planes="lightness", distance="l1")


def _gradient_variance(
    *, patch_size: int = 16, criterion: str = "charbonnier"
) -> losses.GradientVarianceLoss:
    return losses.GradientVarianceLoss(patch_size=patch_size, **_distance(criterion))


def _distance(criterion: str) -> dict[str, Any]:
    """Of traiNNer-redux, whose Charbonnier names the square of eps."""
    _checks.choice("criterion", criterion, ("l1", "l2", "charbonnier"))
    return {"distance": criterion, "eps": 1e-6}


_VGG19 = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}


def _perceptual_of_neosr(
    *,
    layer_weights: Mapping[str, float] = _VGG19,
    vgg_type: str = "vgg19",
    criterion: str = "chc",
    patchloss: bool = False,
) -> losses.PerceptualLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    if patchloss:
        raise ValueError("patchloss=True has no counterpart; it has no gradient in neosr")
    distance: Any = criterion
    return losses.PerceptualLoss(
        vgg_type, layers=layer_weights, distance=distance, feature_scale=0.1
    )


def _perceptual_of_redux(
    *, layer_weights: Mapping[str, float] = _VGG19, criterion: str = "charbonnier"
) -> losses.PerceptualLoss:
    _checks.choice("criterion", criterion, ("l1", "charbonnier"))
    distance: Any = criterion
    return losses.PerceptualLoss("vgg19", layers=layer_weights, distance=distance, eps=1e-6)


_KINDS: dict[str, dict[str, Any]] = {
    "bce": {"kind": "cross_entropy"},
    "mse": {"kind": "least_squares", "square_weight": 1.0},
    "vanilla": {"kind": "cross_entropy"},
    "lsgan": {"kind": "least_squares", "square_weight": 1.0},
    "hinge": {"kind": "hinge"},
    "wgan": {"kind": "wasserstein"},
    "wgan_softplus": {"kind": "softplus"},
}


def _adversarial_of_neosr(*, gan_type: str = "bce") -> losses.AdversarialLoss:
    _checks.choice("gan_type", gan_type, ("bce", "mse"))
    return losses.AdversarialLoss(**_KINDS[gan_type])


def _adversarial_of_redux(*, gan_type: str = "vanilla") -> losses.AdversarialLoss:
    known = ("vanilla", "lsgan", "hinge", "wgan", "wgan_softplus")
    _checks.choice("gan_type", gan_type, known)
    return losses.AdversarialLoss(**_KINDS[gan_type])


_MIXED = (
    "writes the memory of a batch as C planes, which mixes its images, and its gradient is NaN at "
    "flat images"
)

# framework -> type -> what stands for it here. A loss that is added to this library gets its line.
COUNTERPARTS: dict[str, dict[str, Counterpart]] = {
    NEOSR: {
        "L1Loss": Counterpart(losses.L1Loss, weight=1.0),
        "MSELoss": Counterpart(losses.L2Loss, weight=1.0),
        "HuberLoss": Counterpart(losses.HuberLoss, weight=1.0),
        "chc_loss": Counterpart(_clipped_of_neosr, weight=1.0),
        "ncc_loss": Counterpart(losses.NCCLoss, f"neosr {_MIXED}", weight=1.0, factor=0.5),
        "consistency_loss": Counterpart(
            _consistency,
            "neosr compares CIE L* of blurred images and clamped a and b of Oklab, and adds their "
            "cosine where it is small",
            weight=1.0,
        ),
        "mssim_loss": Counterpart(
            _ms_ssim_of_neosr,
            "neosr pads with zeros and averages over the batch before it multiplies scales",
            weight=1.0,
        ),
        "ff_loss": Counterpart(_focal_frequency, weight=1.0),
        "dists_loss": Counterpart(
            _dists, "neosr does not normalize the images for the network", weight=1.0
        ),
        "ldl_loss": Counterpart(_ldl_of_neosr, weight=1.0),
        "vgg_perceptual_loss": Counterpart(_perceptual_of_neosr, weight=1.0),
        "gan_loss": Counterpart(_adversarial_of_neosr, weight=0.1, adversarial=True),
    },
    REDUX: {
        "L1Loss": Counterpart(losses.L1Loss),
        "MSELoss": Counterpart(losses.L2Loss),
        "CharbonnierLoss": Counterpart(_charbonnier),
        "HSLuvLoss": Counterpart(_hsluv),
        "AverageLoss": Counterpart(_average),
        "BicubicLoss": Counterpart(_bicubic),
        "ColorLoss": Counterpart(_color),
        "LumaLoss": Counterpart(
            _luma,
            "traiNNer-redux takes the square of dark values for their lightness, and clamps",
            factor=0.01,
        ),
        "GradientVarianceLoss": Counterpart(_gradient_variance),
        "CosimLoss": Counterpart(
            losses.CosineDistanceLoss,
            "traiNNer-redux adds no offset, so that its gradient grows without bound towards black",
            factor=5.0,
            factor_option="cosim_lambda",
        ),
        "NCCLoss": Counterpart(losses.NCCLoss, f"traiNNer-redux {_MIXED}", factor=0.5),
        "MSSIMLoss": Counterpart(
            _ms_ssim_of_redux,
            "traiNNer-redux compares the Y channel of YIQ, clipped to [0, 1], and leaves out the "
            "luminance",
        ),
        "FFLoss": Counterpart(_focal_frequency),
        "DISTSLoss": Counterpart(_dists),
        "PerceptualLoss": Counterpart(
            _perceptual_of_redux,
            "traiNNer-redux pads the first convolution with the pixels of the border",
        ),
        "GANLoss": Counterpart(_adversarial_of_redux, adversarial=True),
    },
}
