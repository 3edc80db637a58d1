"""The losses of traiNNer-redux and their counterparts here, with its option names.

Names and options were read in its source.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from torch import Tensor

from ssimloss import _checks, losses
from ssimloss.color import luma
from ssimloss.compat._counterpart import (
    GENERATOR,
    MIXED,
    VGG19,
    Counterpart,
    adversarial,
    charbonnier,
    dists,
    focal_frequency,
)
from ssimloss.functional import edge, psnr


def _ms_ssim(
    *,
    channels: int = 3,  # noqa: ARG001 - follows from the images here
    downsample: bool = False,
    is_prod: bool = True,
) -> losses.MSSSIMLoss:
    if downsample:
        raise ValueError("downsample=True has no counterpart")
    combination: Any = "product" if is_prod else "weighted_sum"
    return losses.MSSSIMLoss(combination=combination, negative="relu_map", pooling="zeros")


def _ms_ssim_l1(
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


def _adists(*, window_size: int = 21, resize_input: bool = False) -> losses.ADISTS:
    if resize_input:
        raise ValueError("resize_input must be False, as no loss here resizes its images")
    return losses.ADISTS(window_size=window_size, adapts_to="pred")


def _ldl(*, criterion: Literal["l1", "l2"] = "l1") -> losses.LDLLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    return losses.LDLLoss(distance=criterion)


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


def _color(*, criterion: str = "l1", scale: float = 4) -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1",))
    if int(_checks.positive("scale", scale)) < 1:  # traiNNer-redux truncates it to an integer
        raise ValueError(f"scale must be at least 1, got {scale}")
    return losses.ColorConsistencyLoss(space="ycbcr", distance="l1", downscale=int(scale))


def _luma(*, criterion: str = "l1") -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1",))
    return losses.ColorConsistencyLoss(space="cielab", planes="lightness", distance="l1")


def _gradient_variance(
    *, patch_size: int = 16, criterion: str = "charbonnier"
) -> losses.GradientVarianceLoss:
    return losses.GradientVarianceLoss(patch_size=patch_size, **_distance(criterion))


def _distance(criterion: str) -> dict[str, Any]:
    """The options of a distance of traiNNer-redux, which specifies the square of ``eps``."""
    _checks.choice("criterion", criterion, ("l1", "l2", "charbonnier"))
    return {"distance": criterion, "eps": 1e-6}


_ACTIVATIONS = {name.replace("conv", "relu"): weight for name, weight in VGG19.items()}


def _perceptual(
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
        weights = _ACTIVATIONS if layer_weights is None else layer_weights
        return losses.FDLLoss(
            "vgg19",
            layers={name: w_lambda * weight for name, weight in weights.items()},
            projections=num_proj_fd,
            phase_weight=phase_weight_fd,
            stride=stride_fd,
        )
    layer_weights = VGG19 if layer_weights is None else layer_weights
    distance: Any = criterion
    return losses.PerceptualLoss("vgg19", layers=layer_weights, distance=distance, eps=1e-6)


def _psnr(*, reduction: str = "mean", to_y: bool = False) -> Callable[[Tensor, Tensor], Tensor]:
    """PSNR in dB, of which the term has a negative weight."""
    _checks.choice("reduction", reduction, ("mean",))
    return _psnr_of_luma if to_y else _psnr_of_all


def _psnr_of_all(pred: Tensor, target: Tensor) -> Tensor:
    return psnr(pred, target, eps=1e-8)


def _psnr_of_luma(pred: Tensor, target: Tensor) -> Tensor:
    return psnr(luma(pred), luma(target), eps=1e-8)


def _ssim(
    *,
    channels: int = 3,  # noqa: ARG001 - follows from the images here
    downsample: bool = False,
    test_y_channel: bool = True,  # noqa: ARG001 - see the difference
    color_space: str = "yiq",  # noqa: ARG001 - see the difference
    crop_border: int = 0,
) -> losses.SSIMLoss:
    if downsample or crop_border:
        raise ValueError("downsample and crop_border must be off, as images are compared whole")
    return losses.SSIMLoss()


def _contextual(
    *,
    layer_weights: Mapping[str, float] | None = None,
    crop_quarter: bool = False,
    max_1d_size: int = 100,  # noqa: ARG001 - all positions are compared here
    distance_type: str = "cosine",
    b: float = 1.0,  # noqa: ARG001 - it cancels
    band_width: float = 0.5,
    use_vgg: bool = True,
    net: str = "vgg19",
    calc_type: str = "regular",
    z_norm: bool = False,
) -> losses.ContextualLoss | losses.ContextualBilateralLoss:
    _checks.choice("distance_type", distance_type, ("cosine", "l2"))
    _checks.choice("calc_type", calc_type, ("regular", "bilateral"))
    if crop_quarter or not use_vgg:
        raise ValueError("crop_quarter must be off and use_vgg on")
    options: dict[str, Any] = {
        "layers": {"conv3_2": 1.0, "conv4_2": 1.0} if layer_weights is None else layer_weights,
        "distance": distance_type,
        "bandwidth": band_width,
        "normalization": "imagenet" if z_norm else ((0.5,) * 3, (0.5,) * 3),
        "data_range": (-1.0, 1.0) if z_norm else 1.0,
    }
    if calc_type == "regular":
        return losses.ContextualLoss(net, **options)
    return losses.ContextualBilateralLoss(net, form="similarity", **options)


def _sobel_edge() -> Callable[[Tensor, Tensor], Tensor]:
    return _edges_of_luma


def _edges_of_luma(pred: Tensor, target: Tensor) -> Tensor:
    return edge(luma(pred, "bt601"), luma(target, "bt601"), distance="l2")


_ADVERSARIAL = partial(adversarial, gan_type="vanilla")  # its default, BasicSR has none
_PADS = "traiNNer-redux pads the first convolution with the pixels of the border"

REDUX_LOSSES = {
    "L1Loss": Counterpart(losses.L1Loss),
    "MSELoss": Counterpart(losses.L2Loss),
    "CharbonnierLoss": Counterpart(charbonnier),
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
    "NCCLoss": Counterpart(losses.NCCLoss, f"traiNNer-redux {MIXED}", factor=0.5),
    "MSSIMLoss": Counterpart(
        _ms_ssim,
        "traiNNer-redux compares the Y channel of YIQ, clipped to [0, 1], and leaves out the "
        "luminance",
    ),
    "MSSSIML1Loss": Counterpart(
        _ms_ssim_l1,
        "traiNNer-redux compares red at the finest scales alone, green at the middle ones and "
        "blue at the coarsest, and multiplies all",
    ),
    "SSIMLoss": Counterpart(
        _ssim,
        "traiNNer-redux returns the similarity, which training then lowers, of the Y channel, and "
        "one value for each image",
        weight=1.0,
    ),
    "PSNRLoss": Counterpart(_psnr, factor=-1.0),
    "FFLoss": Counterpart(focal_frequency),
    "FFTLoss": Counterpart(partial(losses.FFTLoss, onesided=True), weight=1.0),
    "SobelEdgeLoss": Counterpart(
        _sobel_edge,
        "traiNNer-redux compares edges with zeros beyond the border, and so the border itself",
        weight=1.0,
        factor=4.0,
    ),
    "DISTSLoss": Counterpart(dists),
    "ADISTSLoss": Counterpart(_adists),
    "PerceptualLoss": Counterpart(_perceptual, _PADS),
    "PerceptualFP16Loss": Counterpart(_perceptual, f"{_PADS}, and follows autocast"),
    "ContextualLoss": Counterpart(
        _contextual,
        "traiNNer-redux compares no layer whose name has the form conv3_2, so that its loss is 0, "
        "and raises an error for conv_3_2",
    ),
    "LDLLoss": Counterpart(_ldl, inputs=("pred", "target", "pred_ema")),
    "FLIPLoss": Counterpart(
        losses.FLIPLoss,
        "traiNNer-redux adds 1e-4 under the root of the colour difference and holds the "
        "difference of features above 1e-4",
        weight=1.0,
    ),
    "GANLoss": Counterpart(_ADVERSARIAL, **GENERATOR),
    "MultiScaleGANLoss": Counterpart(_ADVERSARIAL, **GENERATOR),
}

# Losses that it has and this library does not.
REDUX_ABSENT = {
    "StructureTextureLoss": "it weights MS-SSIM and features by the edges of the target; the "
    "nearest terms are mssimloss and perceptualloss",
    "AESOPLoss": "it needs the weights of an autoencoder; PerceptualLoss takes one as a module",
    "LineDistillerLoss": "it needs the weights of a network that draws lines; PerceptualLoss takes "
    "one as a module",
    "PerceptualAnimeLoss": "it needs the weights of a ResNet-50 that was trained on drawings; "
    'PerceptualLoss("resnet50", weights=PATH) takes them',
    "BCEWithLogitsDiceLoss": "it is a loss of segmentation; a term can be any function of "
    "(pred, target)",
}
