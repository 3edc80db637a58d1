"""The losses of neosr and their counterparts here, with the option names of neosr.

Names and options were read in its source.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ssimloss import _checks, losses
from ssimloss.compat._counterpart import (
    GENERATOR,
    MIXED,
    VGG19,
    Counterpart,
    dists,
    focal_frequency,
)
from ssimloss.functional import fdl as fdl_measure

GUIDED = "wavelet_guided"  # an option of neosr's [train] that changes its adversarial loss


def _ms_ssim(
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


def _ms_swd(
    *, num_scale: int = 3, num_proj: int = 24, patch_size: int = 11, stride: int = 1, c: int = 3
) -> losses.MSSWDLoss:
    if stride != 1:
        raise ValueError(f"stride must be 1, as every patch is compared, got {stride}")
    if c != 3:
        raise ValueError(f"c must be 3, as CIELAB has three channels, got {c}")
    return losses.MSSWDLoss(scales=num_scale, projections=num_proj, patch_size=patch_size)


def _ldl(*, criterion: Literal["l1", "l2"] = "l1", ksize: int = 7) -> losses.LDLLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    if _checks.count("ksize", ksize, least=3) % 2 == 0:
        raise ValueError(f"ksize must be odd, got {ksize}")
    return losses.LDLLoss(distance=criterion, window_size=ksize)


def _clipped(
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
    cosim: bool = True,  # noqa: ARG001 - see the difference
    saturation: float = 1.0,
    brightness: float = 1.0,
) -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1", "chc"))
    if (saturation, brightness) != (1, 1):
        raise ValueError("saturation and brightness must be 1, as the target is taken as it is")
    return losses.ColorConsistencyLoss(space="oklab", planes="all", distance="l1")


def _perceptual(
    *,
    layer_weights: Mapping[str, float] = VGG19,
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


_FDL_VGG19: Mapping[str, float] = fdl_measure.CONVENTIONS["neosr"]["layers"]
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


def _fdl_differs(options: Mapping[str, Any]) -> str:
    return _FDL_DIFFERS.get(str(options.get("model", "dinov2")).lower(), "")


def _fdl(
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


def _adversarial(*, gan_type: str = "bce") -> losses.AdversarialLoss:
    _checks.choice("gan_type", gan_type, ("bce", "mse"))
    if gan_type == "bce":
        return losses.AdversarialLoss("cross_entropy")
    return losses.AdversarialLoss("least_squares", square_weight=1.0)


NEOSR_LOSSES = {
    "L1Loss": Counterpart(losses.L1Loss, weight=1.0),
    "MSELoss": Counterpart(losses.L2Loss, weight=1.0),
    "HuberLoss": Counterpart(losses.HuberLoss, weight=1.0),
    "chc_loss": Counterpart(_clipped, weight=1.0),
    "ncc_loss": Counterpart(losses.NCCLoss, f"neosr {MIXED}", weight=1.0, factor=0.5),
    "consistency_loss": Counterpart(
        _consistency,
        "neosr compares CIE L* of blurred images and clamped a and b of Oklab, and adds their "
        "cosine where it is small",
        weight=1.0,
    ),
    "mssim_loss": Counterpart(
        _ms_ssim,
        "neosr pads with zeros and averages over the batch before it multiplies scales",
        weight=1.0,
    ),
    "ff_loss": Counterpart(focal_frequency, weight=1.0),
    "msswd_loss": Counterpart(
        _ms_swd,
        "neosr compares the coarsest scale alone, divides by the number of scales, and draws "
        "new directions in every call",
        weight=1.0,
        factor=0.1,
    ),
    "dists_loss": Counterpart(
        dists, "neosr does not normalize the images for the network", weight=1.0
    ),
    "ldl_loss": Counterpart(_ldl, weight=1.0),
    "vgg_perceptual_loss": Counterpart(_perceptual, weight=1.0),
    "fdl_loss": Counterpart(_fdl, _fdl_differs, weight=1.0, factor=0.01),
    "gan_loss": Counterpart(_adversarial, weight=0.1, **GENERATOR),
    GUIDED: Counterpart(
        _adversarial,
        "neosr passes the bands to the step of the discriminator alone, and the image to that "
        "of the generator, whose adversarial loss has no gradient there",
        weight=0.1,
        inputs=("guided_logits",),
        method="generator_loss",
    ),
}

# Losses that it has and this library does not.
NEOSR_ABSENT = {
    "kl_loss": "it treats the colours of a pixel as logits of three classes; a term can be any "
    "function of (pred, target)",
}
