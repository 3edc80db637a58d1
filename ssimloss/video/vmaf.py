"""VMAF: features of a clip and their regression to a score.

Li, Aaron, Katsavounidis, Moorthy & Manohara, "Toward a practical perceptual video quality metric",
2016. The original implementation is libvmaf.
"""

from typing import Literal, get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss.kernels import Backend
from ssimloss.video.features import vmaf_features
from ssimloss.video.svr import Model, model_of, scores_of

Pooling = Literal["mean", "harmonic", "none"]
POOLINGS: tuple[str, ...] = get_args(Pooling)


def vmaf(
    reference: Tensor,
    distorted: Tensor,
    *,
    model: Model = "v0.6.1",
    pooling: Pooling = "mean",
    clip: bool = True,
    data_range: DataRange = 255.0,
    backend: Backend = "auto",
) -> Tensor:
    """VMAF of a clip: 0 to 100, higher is better. The reference comes first.

    A static clip that equals its reference scores 97.43, because it has no motion; so does a single
    frame. The first frame of a clip has no motion and scores less than the next ones.

    Args:
        reference, distorted: float luma ``(..., T, 1, H, W)`` with values in ``data_range``, at
            least 16 pixels a side. ``ssimloss.color.luma`` converts RGB; the range of the luma,
            limited or full, is not corrected.
        model: ``"v0.6.1"``; ``"v0.6.1neg"``, which does not reward sharpening and added contrast;
            or an :class:`SVR` from another file.
        pooling: over frames: ``"mean"``, ``"harmonic"`` (the harmonic mean of ``1 + score``, minus
            1, as in libvmaf), or ``"none"``.
        clip: clip the score of each frame to [0, 100] as in libvmaf. The gradient is 0 where a
            score is clipped.
        data_range: 255, 1023, 4095 and 65535 are codes of 8, 10, 12 and 16 bits, which are divided
            by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        backend: backend of VIF and ADM: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        ``(...)``; with ``pooling="none"`` one score per frame ``(..., T)``.

    Raises:
        ValueError: shapes differ, there is more than one channel or no frame, a side has fewer than
            16 pixels, or ``model`` or ``pooling`` is unknown.
        TypeError: tensors have integers.

    Source: Li et al. 2016. Agrees with libvmaf 3: its float model to 0.03, its integer model to
    0.10.
    """
    _checks.choice("pooling", pooling, POOLINGS)
    regression = model_of(model)
    features = vmaf_features(
        reference, distorted, model=regression, data_range=data_range, backend=backend
    )
    return pooled(scores_of(regression, features), regression.limits if clip else None, pooling)


def pooled(scores: Tensor, limits: tuple[float, float] | None, pooling: Pooling) -> Tensor:
    """Scores of frames ``(..., T)``, clipped to ``limits`` and pooled over frames."""
    if limits is not None:
        scores = scores.clamp(*limits)
    if pooling == "none":
        return scores
    if not scores.shape[-1]:
        raise ValueError("reference must have at least one frame, got none; pass pooling='none'")
    if pooling == "mean":
        return scores.mean(-1)
    return 1 / (1 / (scores + 1)).mean(-1) - 1
