"""VMAF as a loss: ``100 - VMAF``, not clipped, of images and of clips."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced, derived
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.color.luma import LUMA
from ssimloss.kernels import Backed
from ssimloss.measure import Measure
from ssimloss.video._planes import check_size, scaled
from ssimloss.video.features import features_of
from ssimloss.video.stream import VMAFStream
from ssimloss.video.svr import FEATURES, SVR, ModelName, model_of, scores_of

Matrix = Literal["bt709", "bt601"]
MATRICES: tuple[str, ...] = get_args(Matrix)
LumaRange = Literal["limited", "full"]
LUMA_RANGES: tuple[str, ...] = get_args(LumaRange)
# Codes of black, and from black to white.
_RANGES: dict[str, tuple[float, float]] = {"limited": (16.0, 219.0), "full": (0.0, 255.0)}
NEG: ModelName = "v0.6.1neg"
_WEIGHABLE = tuple(name for name in FEATURES if not name.startswith("motion"))


class LumaOptions(Backed, Reduced, Ranged):
    """Options of the luma that VMAF compares.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: black and white of RGB. For
            gray images, 255, 1023, 4095 and 65535 mean codes of 8, 10, 12 and 16 bits, which are
            divided by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        matrix: the luma of RGB images: ``"bt709"`` or ``"bt601"``.
        luma_range: the luma codes of RGB images: ``"limited"`` from 16 to 235, as videos are
            stored, or ``"full"`` from 0 to 255. Gray images are compared as they are.
        reduction: ``"mean"`` or ``"sum"`` over frames, ``"image"`` for the mean of each clip
            ``(N,)``, ``"none"`` for one value per frame.
    """

    matrix: Matrix = "bt709"
    luma_range: LumaRange = "limited"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("matrix", self.matrix, MATRICES)
        _checks.choice("luma_range", self.luma_range, LUMA_RANGES)


class VMAFOptions(LumaOptions):
    """Options of VMAF.

    Args:
        model: ``"v0.6.1"``; ``"v0.6.1neg"``, which does not reward sharpening and added contrast;
            or a :class:`ssimloss.video.SVR`.
        feature_weights: weights by name of the features ``vif_scale0`` .. ``vif_scale3``,
            ``adm2``, ``adm_scale0`` .. ``adm_scale3``. The score is then 100 times their weighted
            mean instead of the regression.
    """

    model: ModelName | SVR = "v0.6.1"
    feature_weights: Mapping[str, float] | None = None
    regression: SVR = derived()

    def __post_init__(self) -> None:
        """Check the options, and read the model."""
        super().__post_init__()
        if self.feature_weights is not None:
            _check_weights(self.feature_weights)
        self.derive(regression=model_of(self.model))


def _check_weights(weights: object) -> None:
    if not isinstance(weights, Mapping):
        raise TypeError(
            "feature_weights must be a mapping of names to numbers, got "
            f"{type(weights).__name__}; {{'vif_scale0': 1.0, 'adm2': 1.0}}"
        )
    for name in weights:
        _checks.choice("the names in feature_weights", name, _WEIGHABLE)
    _checks.weights("feature_weights", tuple(weights.values()))


def _vmaf(pred: Tensor, target: Tensor, options: VMAFOptions) -> Scores:
    """VMAF v0.6.1 of the luma of images or clips: 0 to 100, higher is better. The loss is
    ``100 - VMAF``, not clipped, so that its gradient does not vanish at a score of 100.

    Images are frames without motion; clips have the motion of ``target``. Equal frames without
    motion score 97.43, not 100. VMAF rewards sharpening: train with ``model="v0.6.1neg"`` or add a
    pixel loss, and see ``docs/vmaf.md``.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` or clips ``(N, T, 1 or 3, H, W)`` with
            values in ``data_range``, at least 16 pixels a side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N,)`` or ``(N, T)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, a side has fewer than 16 pixels,
            or an option has an unknown value.
        TypeError: tensors have integers.

    Source: Li et al. 2016. Agrees with libvmaf 3, whose order is ``(reference, distorted)``, to
    0.03.
    """
    return _scores(pred, target, options, options.regression, options.feature_weights)


def _vmaf_neg(pred: Tensor, target: Tensor, options: LumaOptions) -> Scores:
    """VMAF with the model ``v0.6.1neg``, which does not reward sharpening and added contrast: 0 to
    100, higher is better. The loss is ``VMAFLoss(model="v0.6.1neg")``.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` or clips ``(N, T, 1 or 3, H, W)`` with
            values in ``data_range``, at least 16 pixels a side. ``pred`` comes first; in
            ``video.vmaf`` the reference does.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N,)`` or ``(N, T)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, a side has fewer than 16 pixels,
            or an option has an unknown value.
        TypeError: tensors have integers.

    Source: Li et al. 2020, "Toward a better quality metric for the video community". Agrees with
    libvmaf 3 to 0.03.
    """
    return _scores(pred, target, options, model_of(NEG))


def _scores(
    pred: Tensor,
    target: Tensor,
    options: LumaOptions,
    model: SVR,
    feature_weights: Mapping[str, float] | None = None,
) -> Scores:
    _check(pred, target)
    dtype = native_dtype(pred, target)
    x, y = (_luma(image, options) for image in promote(target, pred))
    features = features_of(x, y, model.enhancement_gain_limit, options.backend)
    if feature_weights is None:
        scores = scores_of(model, features)
    else:
        total = math.fsum(feature_weights.values())
        weighted = [
            100 * weight / total * features[name] for name, weight in feature_weights.items()
        ]
        scores = torch.stack(weighted).sum(0)
    if pred.ndim == 4:
        scores = scores.squeeze(-1)
    return Scores(scores, None, 1, dtype, model.limits)


def _check(pred: Tensor, target: Tensor) -> None:
    for name, image in (("pred", pred), ("target", target)):
        _checks.floating(name, image)
    for name, image in (("pred", pred), ("target", target)):
        if image.ndim not in (4, 5):
            raise ValueError(
                f"{name} must have shape (N, C, H, W) or (N, T, C, H, W), got "
                f"{tuple(image.shape)}; add the missing dimensions with {name}.unsqueeze(0)"
            )
        if image.ndim == 4:
            _checks.image(name, image)  # with its channels first
    _checks.same_shape("target", target, "pred", pred)
    if pred.shape[-3] not in (1, 3):
        way_out = "drop an alpha channel with pred[..., :3, :, :]"
        if pred.shape[-1] in (1, 3):
            way_out = "pred.movedim(-1, -3) puts the channels there"
        raise ValueError(
            "pred must be gray or RGB, one or three channels before the sides, got "
            f"{tuple(pred.shape)}; {way_out}"
        )
    check_size("pred", pred)


def _luma(image: Tensor, options: LumaOptions) -> Tensor:
    """Clips ``(N, T, 1, H, W)`` of 8-bit codes; T is 1 for images."""
    clips = image if image.ndim == 5 else image.unsqueeze(1)
    if clips.shape[2] == 1:
        return scaled(clips, options.low, options.span)
    unit = (clips - options.low) / options.span
    red, green, blue = LUMA[options.matrix][0]
    black, gain = _RANGES[options.luma_range]
    weighted = red * unit[:, :, 0:1] + green * unit[:, :, 1:2] + blue * unit[:, :, 2:3]
    return black + gain * weighted


VMAF = Measure(
    "vmaf",
    "VMAF",
    "",
    "higher",
    100.0,
    (0.0, 100.0),
    "Li et al. 2016",
    _vmaf,
    VMAFOptions,
    formula="luma of BT.709 from 16 to 235 of colour images, gray images as 8-bit codes; VIF at "
    "four scales and ADM by model v0.6.1, without motion; cut to [0, 100] (Li et al. 2016)",
    module="VMAFLoss",
    metric="VMAF",
    takes_color=True,
    agrees="libvmaf 3: 0.03",
    stream=VMAFStream,
)
vmaf_loss = VMAF.loss

VMAF_NEG = Measure(
    "vmaf_neg",
    "VMAF-NEG",
    "",
    "higher",
    100.0,
    (0.0, 100.0),
    "Li et al. 2020",
    _vmaf_neg,
    LumaOptions,
    role="index",
    formula="luma of BT.709 from 16 to 235 of colour images, gray images as 8-bit codes; VIF at "
    "four scales and ADM by model v0.6.1neg, without motion; cut to [0, 100] (Li et al. 2020)",
    metric="VMAFNEG",
    takes_color=True,
    agrees="libvmaf 3: 0.03",
    stream=partial(VMAFStream, model=NEG),
)
vmaf_neg = VMAF_NEG.score
