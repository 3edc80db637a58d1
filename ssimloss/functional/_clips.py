"""Clips ``(N, T, C, H, W)``, or one clip ``(T, C, H, W)``, and values of neighbouring frames."""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._reduce import Scores
from ssimloss.functional._distance import Distance, check_distance


class Temporal(Reduced):
    """Distances of neighbouring frames.

    Args:
        distance: per pixel, ``"l1"``, ``"l2"`` (squared) or ``"charbonnier"``.
        eps: of ``"charbonnier"``, in the frames' own units.
        reduction: ``"mean"`` or ``"sum"`` over all pixels; ``"image"`` the mean of each clip
            ``(N,)``; ``"none"`` a value per pixel of each pair of neighbouring frames.
    """

    distance: Distance = "l1"
    eps: float = 1e-3

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_distance(self.distance, self.eps)


def check_clip(name: str, clip: Tensor) -> None:
    """Check for a floating point clip of at least two frames."""
    _checks.floating(name, clip)
    if clip.ndim not in (4, 5):
        raise ValueError(
            f"{name} must have shape (N, T, C, H, W) or (T, C, H, W), got {tuple(clip.shape)}; "
            "torch.stack(frames, 1) makes a clip of frames (N, C, H, W)"
        )
    if clip.shape[-4] < 2:
        raise _checks.TooSmallError(
            f"{name} must have at least 2 frames, got {tuple(clip.shape)}; neighbouring frames are "
            "compared"
        )


def check_pairs(name: str, value: Tensor, clip: Tensor, channels: tuple[int, ...]) -> None:
    """Check for ``(N, T - 1, C, H, W)`` for the pairs of neighbouring frames of a clip, with one of
    these numbers of channels.
    """
    if not isinstance(value, Tensor):
        raise _checks.not_a_tensor(name, value)
    _checks.dense(name, value)
    *batch, frames, _, height, width = clip.shape
    shapes = [(*batch, frames - 1, count, height, width) for count in channels]
    if tuple(value.shape) not in shapes:
        raise ValueError(
            f"{name} must have shape {' or '.join(map(str, shapes))}, one entry for each pair of "
            f"neighbouring frames, got {tuple(value.shape)}"
        )
    if value.device != clip.device:
        raise ValueError(
            f"{name} must be on the device of pred ({clip.device}), got {value.device}; move it "
            "with .to(pred.device)"
        )


def check_weights(mask: Tensor | None, clip: Tensor) -> None:
    """Check for weights of the pairs of neighbouring frames, ``(N, T - 1, 1 or C, H, W)``."""
    if mask is None:
        return
    check_pairs("mask", mask, clip, (1, clip.shape[-3]))
    if mask.dtype is not torch.bool and not mask.dtype.is_floating_point:
        raise TypeError(
            f"mask must be bool or floating point weights, got {mask.dtype}; use mask.bool()"
        )


def of_clips(
    values: Tensor, weight: Tensor | None, options: Temporal, dtype: torch.dtype
) -> Tensor:
    """Reduced values per pixel of pairs; a single clip ``(T - 1, C, H, W)`` is an image."""
    if values.ndim == 4 and options.reduction != "none":
        values, weight = values[None], None if weight is None else weight[None]
    return Scores(values, weight, dtype=dtype).reduce(options.reduction)
