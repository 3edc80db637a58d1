"""Temporal difference: the change from frame to frame, compared with that of the target."""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import native_dtype, promote
from ssimloss.functional._clips import Temporal, check_clip, check_weights, of_clips
from ssimloss.functional._distance import distance_of
from ssimloss.measure import Measure


class TemporalDifferenceOptions(Temporal):
    """Options of the temporal difference."""


def _temporal_difference(
    pred: Tensor, target: Tensor, options: TemporalDifferenceOptions, *, mask: Tensor | None = None
) -> Tensor:
    """Temporal difference, ``d(p_{t+1} - p_t, q_{t+1} - q_t)`` of neighbouring frames: flicker that
    the target does not have, and motion that the prediction lacks.

    An error that is the same in each frame costs nothing, so add a loss on frames. It needs no
    optical flow. As a measure, ``reduction="image"`` returns a value per clip.

    Args:
        pred, target: float clips ``(N, T, C, H, W)``, or one clip ``(T, C, H, W)``, of at least two
            frames, any range.
        mask: weights ``(N, T - 1, 1 or C, H, W)`` of the pairs of neighbouring frames.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``, where one clip has ``N = 1``; for ``"none"``
        ``(N, T - 1, C, H, W)``, or ``(T - 1, C, H, W)`` of one clip.

    Raises:
        ValueError: shapes or devices differ, there are fewer than two frames, or an option value is
            unknown.
        TypeError: integer tensors.
    """
    check_clip("pred", pred)
    check_clip("target", target)
    _checks.same_shape("target", target, "pred", pred)
    check_weights(mask, pred)
    dtype, (x, y) = native_dtype(pred, target), promote(pred, target)
    change = torch.diff(x - y, dim=-4)  # the same value, with one subtraction less
    if mask is not None:
        change = torch.where(mask != 0, change, 0)
    values = distance_of(change, options.distance, options.eps)
    return of_clips(values, mask, options, dtype)


TEMPORAL_DIFFERENCE = Measure(
    "temporal_difference",
    "temporal difference of clips",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "",
    _temporal_difference,
    TemporalDifferenceOptions,
    role="loss",
    module="TemporalDifferenceLoss",
    clips=True,
    agrees="NumPy: 1e-14",
)
temporal_difference_loss = TEMPORAL_DIFFERENCE.loss
