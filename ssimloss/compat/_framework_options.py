"""Losses built from the option names of neosr and traiNNer-redux.

Values that have no counterpart raise an error that names the option.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ssimloss import _checks, losses
from ssimloss.functional import fdl


def charbonnier(*, eps: float = 1e-12, reduction: Any = "mean") -> losses.CharbonnierLoss:
    return losses.CharbonnierLoss(eps=math.sqrt(eps), reduction=reduction)


def ms_ssim_of_neosr(
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


def ms_ssim_of_redux(
    *,
    channels: int = 3,  # noqa: ARG001 - follows from the images here
    downsample: bool = False,
    is_prod: bool = True,
) -> losses.MSSSIMLoss:
    if downsample:
        raise ValueError("downsample=True has no counterpart")
    combination: Any = "product" if is_prod else "weighted_sum"
    return losses.MSSSIMLoss(combination=combination, negative="relu_map", pooling="zeros")


def ms_ssim_l1(
    *,
    gaussian_sigmas: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0),
    data_range: float = 1.0,
    k: Sequence[float] = (0.01, 0.03),
    alpha: float = 0.1,
    cuda_dev: int = 0,  # noqa: ARG001 - traiNNer-redux does not use it
) -> losses.MSSSIML1Loss:
    taps = int(4 * gaussian_sigmas[-1] + 1)
    if taps % 2 == 0:
        raise ValueError(
            "4 times the last of gaussian_sigmas must be even, as a window of "
            f"{taps} has no centre, got {gaussian_sigmas[-1]}"
        )
    k1, k2 = k
    return losses.MSSSIML1Loss(
        alpha=alpha,
        sigmas=tuple(gaussian_sigmas),
        data_range=data_range,
        k1=k1,
        k2=k2,
        window_size=taps,
        padding="zeros",
    )


def ms_swd(
    *, num_scale: int = 3, num_proj: int = 24, patch_size: int = 11, stride: int = 1, c: int = 3
) -> losses.MSSWDLoss:
    if stride != 1:
        raise ValueError(f"stride must be 1, as every patch is compared, got {stride}")
    if c != 3:
        raise ValueError(f"c must be 3, as CIELAB has three channels, got {c}")
    return losses.MSSWDLoss(scales=num_scale, projections=num_proj, patch_size=patch_size)


def focal_frequency(
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


def dists(*, as_loss: bool = True, load_weights: bool = True) -> losses.DISTS:
    if not (as_loss and load_weights):
        raise ValueError("as_loss and load_weights must be True")
    return losses.DISTS()


def adists(*, window_size: int = 21, resize_input: bool = False) -> losses.ADISTS:
    if resize_input:
        raise ValueError("resize_input must be False, as no loss here resizes its images")
    return losses.ADISTS(window_size=window_size, adapts_to="pred")


def ldl_of_neosr(*, criterion: str = "l1", ksize: int = 7) -> losses.LDLLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    if _checks.count("ksize", ksize, least=3) % 2 == 0:
        raise ValueError(f"ksize must be odd, got {ksize}")
    return losses.LDLLoss(distance=criterion, window_size=ksize)  # type: ignore[arg-type]  # checked


def ldl_of_redux(*, criterion: str = "l1") -> losses.LDLLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    return losses.LDLLoss(distance=criterion)  # type: ignore[arg-type]  # checked


def clipped_of_neosr(
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


def consistency(
    *,
    criterion: str = "chc",
    blur: bool = True,  # noqa: ARG001 - see the difference
    cosim: bool = True,  # noqa: ARG001 - see the difference
    saturation: float = 1.0,
    brightness: float = 1.0,
) -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1", "chc"))
    if (saturation, brightness) != (1, 1):
        raise ValueError("saturation and brightness must be 1, as the target is taken as it is")
    return losses.ColorConsistencyLoss(space="oklab", planes="all", distance="l1")


def hsluv(
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


def average(*, criterion: str = "l1", scale: int = 4) -> losses.AverageLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    return losses.AverageLoss(downscale=scale, **_distance(criterion))


def bicubic(*, criterion: str = "l1", scale: int = 4) -> losses.AverageLoss:
    return losses.AverageLoss(downscale=scale, filter="bicubic", **_distance(criterion))


def color(*, criterion: str = "l1", scale: float = 4) -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1",))
    if int(_checks.positive("scale", scale)) < 1:  # traiNNer-redux truncates it to an integer
        raise ValueError(f"scale must be at least 1, got {scale}")
    return losses.ColorConsistencyLoss(space="ycbcr", distance="l1", downscale=int(scale))


def luma(*, criterion: str = "l1") -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1",))
    return losses.ColorConsistencyLoss(space="cielab", planes="lightness", distance="l1")


def gradient_variance(
    *, patch_size: int = 16, criterion: str = "charbonnier"
) -> losses.GradientVarianceLoss:
    return losses.GradientVarianceLoss(patch_size=patch_size, **_distance(criterion))


def _distance(criterion: str) -> dict[str, Any]:
    """Of traiNNer-redux, whose Charbonnier names the square of eps."""
    _checks.choice("criterion", criterion, ("l1", "l2", "charbonnier"))
    return {"distance": criterion, "eps": 1e-6}


_VGG19 = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}
_VGG19_ACTIVATIONS = {name.replace("conv", "relu"): weight for name, weight in _VGG19.items()}


def perceptual_of_neosr(
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


def perceptual_of_redux(
    *,
    layer_weights: Mapping[str, float] | None = None,
    criterion: str = "charbonnier",
    w_lambda: float = 0.01,
    num_proj_fd: int = 256,
    phase_weight_fd: float = 1.0,
    stride_fd: int = 1,
) -> losses.PerceptualLoss | losses.FDLLoss:
    _checks.choice("criterion", criterion, ("l1", "charbonnier", "fd"))
    if criterion == "fd":
        weights = _VGG19_ACTIVATIONS if layer_weights is None else layer_weights
        return losses.FDLLoss(
            "vgg19",
            layers={name: w_lambda * weight for name, weight in weights.items()},
            projections=num_proj_fd,
            phase_weight=phase_weight_fd,
            stride=stride_fd,
        )
    layer_weights = _VGG19 if layer_weights is None else layer_weights
    distance: Any = criterion
    return losses.PerceptualLoss("vgg19", layers=layer_weights, distance=distance, eps=1e-6)


_FDL_VGG19: Mapping[str, float] = fdl.CONVENTIONS["neosr"]["layers"]
# neosr's models of fdl_loss; DINOv2 is not a network of torchvision.
_FDL_LAYERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "vgg": ("vgg19", tuple(_FDL_VGG19)),
    "resnet": ("resnet101", ("relu", "layer1", "layer2", "layer3")),
    "effnet": ("efficientnet_b7", tuple(f"features.{i}" for i in range(1, 6))),
    "dinov2": ("vgg19", tuple(_FDL_VGG19)),
}
_FDL_DIFFERS = {
    "dinov2": "neosr compares features of DINOv2, which this library does not load; the nearest is "
    "VGG19, with another scale",
    "resnet": "neosr leaves the network in training mode, which normalizes by the batch",
    "effnet": "neosr leaves the network in training mode, which normalizes by the batch",
}


def fdl_differs(options: Mapping[str, Any]) -> str:
    return _FDL_DIFFERS.get(str(options.get("model", "dinov2")).lower(), "")


def fdl_of_neosr(
    *,
    patch_size: int = 4,
    stride: int = 1,
    num_proj: int = 24,
    model: str = "dinov2",
    vgg_weights: Sequence[float] | None = None,
    phase_weight: float = 1.0,
) -> losses.FDLLoss:
    _checks.choice("model", model.lower(), _FDL_LAYERS)
    network, layers = _FDL_LAYERS[model.lower()]
    weights = dict.fromkeys(layers, 1.0)
    if network == "vgg19":
        given = tuple(_FDL_VGG19.values() if vgg_weights is None else vgg_weights)
        if len(given) != len(layers):
            raise ValueError(f"vgg_weights must have {len(layers)} numbers, got {len(given)}")
        weights = dict(zip(layers, given, strict=True))
    return losses.FDLLoss(
        network,
        layers=weights,
        projections=num_proj,
        patch_size=patch_size,
        stride=stride,
        phase_weight=phase_weight,
        weighted="amplitude",
    )


_KINDS: dict[str, dict[str, Any]] = {
    "bce": {"kind": "cross_entropy"},
    "mse": {"kind": "least_squares", "square_weight": 1.0},
    "vanilla": {"kind": "cross_entropy"},
    "lsgan": {"kind": "least_squares", "square_weight": 1.0},
    "hinge": {"kind": "hinge"},
    "wgan": {"kind": "wasserstein"},
    "wgan_softplus": {"kind": "softplus"},
}


def adversarial_of_neosr(*, gan_type: str = "bce") -> losses.AdversarialLoss:
    _checks.choice("gan_type", gan_type, ("bce", "mse"))
    return losses.AdversarialLoss(**_KINDS[gan_type])


def adversarial_of_redux(*, gan_type: str = "vanilla") -> losses.AdversarialLoss:
    known = ("vanilla", "lsgan", "hinge", "wgan", "wgan_softplus")
    _checks.choice("gan_type", gan_type, known)
    return losses.AdversarialLoss(**_KINDS[gan_type])
