# Written by tests/generate.py from the measures; edit those.
"""Video clips: VMAF, its features, and its model."""

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from ssimloss.video.adm import adm as adm
from ssimloss.video.features import vmaf_features as vmaf_features
from ssimloss.video.motion import motion as motion
from ssimloss.video.motion import motion2 as motion2
from ssimloss.video.stream import VMAFStream as VMAFStream
from ssimloss.video.svr import SVR as SVR
from ssimloss.video.vif import vif as vif
from ssimloss.video.vmaf import vmaf as vmaf

__all__ = [
    "vmaf_loss",
    "vmaf_neg",
    "vmaf",
    "vmaf_features",
    "vif",
    "adm",
    "motion",
    "motion2",
    "SVR",
    "VMAFStream",
]

def vmaf_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    matrix: Literal["bt709", "bt601"] = "bt709",
    luma_range: Literal["limited", "full"] = "limited",
    model: Literal["v0.6.1", "v0.6.1neg"] | SVR = "v0.6.1",
    feature_weights: Mapping[str, float] | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``100 - vmaf``, taken before the reduction.

    VMAF v0.6.1 of the luma of images or clips: 0 to 100, higher is better. The loss is
    ``100 - VMAF``, not clipped, so that its gradient does not vanish at a score of 100.

    Images are frames without motion; clips have the motion of ``target``. Equal frames without
    motion score 97.43, not 100. VMAF rewards sharpening: train with ``model="v0.6.1neg"`` or add a
    pixel loss, and see ``docs/vmaf.md``.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` or clips ``(N, T, 1 or 3, H, W)`` with
            values in ``data_range``, at least 16 pixels a side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: black and white of RGB. For
            gray images, 255, 1023, 4095 and 65535 mean codes of 8, 10, 12 and 16 bits, which are
            divided by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        matrix: the luma of RGB images: ``"bt709"`` or ``"bt601"``.
        luma_range: the luma codes of RGB images: ``"limited"`` from 16 to 235, as videos are
            stored, or ``"full"`` from 0 to 255. Gray images are compared as they are.
        model: ``"v0.6.1"``; ``"v0.6.1neg"``, which does not reward sharpening and added contrast;
            or a :class:`ssimloss.video.SVR`.
        feature_weights: weights by name of the features ``vif_scale0`` .. ``vif_scale3``,
            ``adm2``, ``adm_scale0`` .. ``adm_scale3``. The score is then 100 times their weighted
            mean instead of the regression.
        reduction: ``"mean"`` or ``"sum"`` over frames, ``"image"`` for the mean of each clip
            ``(N,)``, ``"none"`` for one value per frame.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N,)`` or ``(N, T)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, a side has fewer than 16 pixels,
            or an option has an unknown value.
        TypeError: tensors have integers.

    Source: Li et al. 2016. Agrees with libvmaf 3, whose order is ``(reference, distorted)``, to
    0.03.
    """

def vmaf_neg(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    matrix: Literal["bt709", "bt601"] = "bt709",
    luma_range: Literal["limited", "full"] = "limited",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """VMAF with the model ``v0.6.1neg``, which does not reward sharpening and added contrast: 0 to
    100, higher is better. The loss is ``VMAFLoss(model="v0.6.1neg")``.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` or clips ``(N, T, 1 or 3, H, W)`` with
            values in ``data_range``, at least 16 pixels a side. ``pred`` comes first; in
            ``video.vmaf`` the reference does.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: black and white of RGB. For
            gray images, 255, 1023, 4095 and 65535 mean codes of 8, 10, 12 and 16 bits, which are
            divided by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        matrix: the luma of RGB images: ``"bt709"`` or ``"bt601"``.
        luma_range: the luma codes of RGB images: ``"limited"`` from 16 to 235, as videos are
            stored, or ``"full"`` from 0 to 255. Gray images are compared as they are.
        reduction: ``"mean"`` or ``"sum"`` over frames, ``"image"`` for the mean of each clip
            ``(N,)``, ``"none"`` for one value per frame.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N,)`` or ``(N, T)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, a side has fewer than 16 pixels,
            or an option has an unknown value.
        TypeError: tensors have integers.

    Source: Li et al. 2020, "Toward a better quality metric for the video community". Agrees with
    libvmaf 3 to 0.03.
    """
