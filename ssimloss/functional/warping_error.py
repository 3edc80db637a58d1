"""Warping error: the difference of frames after one is moved by the optical flow to the other.

Lai, Huang, Wang, Shechtman, Yumer & Yang 2018 ("Learning blind video temporal consistency").
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import computing_dtype
from ssimloss.functional._clips import Temporal, check_clip, check_pairs, check_weights, of_clips
from ssimloss.functional._distance import distance_of
from ssimloss.kernels import WARPED, Backed, Backend, select, warped
from ssimloss.measure import Measure

Direction = Literal["backward", "forward"]
DIRECTIONS: tuple[str, ...] = get_args(Direction)


class WarpingErrorOptions(Backed, Temporal):
    """Options of the warping error.

    Args:
        direction: ``"backward"``: the flow of frame ``t + 1`` to frame ``t``, which is warped to
            frame ``t + 1``; ``"forward"``: the flow of frame ``t`` to frame ``t + 1``, which is
            warped to frame ``t``. An estimator called with (first, second) returns the flow of the
            first.
    """

    direction: Direction = "backward"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("direction", self.direction, DIRECTIONS)


def _warping_error(
    pred: Tensor, options: WarpingErrorOptions, *, flow: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Warping error, ``d(p_{t+1}(x, y), p_t(x + u, y + v))`` of neighbouring frames for the flow
    ``(u, v)``: a point should look the same wherever it moves.

    The other frame is interpolated bilinearly. Points that come from outside of it have no weight.
    Without a target, a clip of one colour is perfect: this is a term beside a loss of the frames,
    or, with ``reduction="image"``, a measure of the consistency of a clip.

    Args:
        pred: float clips ``(N, T, C, H, W)``, or one clip ``(T, C, H, W)``, of at least two frames,
            any range.
        flow: ``(N, T - 1, 2, H, W)``, or ``(T - 1, 2, H, W)`` of one clip, in pixels: first to the
            right, then down. Usually that of the target, which does not move while training.
        mask: weights ``(N, T - 1, 1 or C, H, W)`` of the pixels of the frame that is not warped; 0
            where something covers or uncovers them.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``, where one clip has ``N = 1``; for ``"none"``
        ``(N, T - 1, C, H, W)``, or ``(T - 1, C, H, W)`` of one clip, weighted. Means are over the
        weights; the mean over no weight is 0. Gradients reach the frames and the flow.

    Raises:
        ValueError: there are fewer than two frames, the flow or the mask has another shape or
            device, or an option value is unknown.
        TypeError: integer tensors.

    Source: Lai et al. 2018, eq. 2 and 11, who square the differences, ``distance="l2"``, of images
    in [0, 1], and weigh with a mask of occlusions.
    """
    check_clip("pred", pred)
    _checks.floating("flow", flow)
    check_pairs("flow", flow, pred, (2,))
    check_weights(mask, pred)
    dtype = computing_dtype(pred, flow)
    frames, displacement = pred.to(dtype), flow.to(dtype)
    if mask is not None:  # also blocks NaN in the gradients of frames and flow
        displacement = torch.where((mask != 0).any(-3, keepdim=True), displacement, 0)
    pairs = frames.shape[-4] - 1
    earlier, later = frames.narrow(-4, 0, pairs), frames.narrow(-4, 1, pairs)
    fixed, moving = (later, earlier) if options.direction == "backward" else (earlier, later)
    found, inside = warp(
        moving.flatten(0, -4), displacement.flatten(0, -4), backend=options.backend
    )
    weight = inside.view(*fixed.shape[:-3], 1, *fixed.shape[-2:]).to(dtype)
    weight = weight if mask is None else weight * mask
    difference = torch.where(weight != 0, fixed - found.view_as(fixed), 0)
    values = distance_of(difference, options.distance, options.eps)
    return of_clips(values, weight, options, pred.dtype)


def warp(images: Tensor, flow: Tensor, *, backend: Backend = "auto") -> tuple[Tensor, Tensor]:
    """``image(x + u, y + v)`` of ``(N, C, H, W)`` by ``(N, 2, H, W)`` in pixels, and where that
    lies inside, ``(N, 1, H, W)``; elsewhere the border is repeated. NaN flow counts as inside.
    """
    height, width = images.shape[2:]
    x, y = _positions(flow)
    outside = (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)
    chosen = select(backend, images, flow, WARPED)
    if chosen == "eager":
        found = _interpolated(images, flow)
    else:
        found = warped(images, flow, backend=chosen, equation=_interpolated)
    return found, ~outside.unsqueeze(1)


def _positions(flow: Tensor) -> tuple[Tensor, Tensor]:
    """Columns and rows that pixels come from, ``(N, H, W)``."""
    height, width = flow.shape[2:]
    across = torch.arange(width, device=flow.device, dtype=flow.dtype)
    down = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    return across + flow[:, 0], down + flow[:, 1]


def _interpolated(images: Tensor, flow: Tensor) -> Tensor:
    n, _, height, width = images.shape
    x, y = _positions(flow)
    left, right, to_right = _neighbours(x, width)
    top, bottom, to_bottom = _neighbours(y, height)
    # Indexed and not sampled by grid_sample, whose gradient has no fixed order on a GPU and no
    # derivative.
    image, pixels = torch.arange(n, device=flow.device)[:, None, None], images.movedim(1, -1)
    upper, lower = (
        torch.lerp(pixels[image, row, left], pixels[image, row, right], to_right)
        for row in (top, bottom)
    )
    return torch.lerp(upper, lower, to_bottom).movedim(-1, 1)


def _neighbours(position: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """The whole positions before and behind, inside the image, and the share ``(..., 1)`` of the
    latter; NaN of a NaN.
    """
    # As clamp, whose gradient at its bounds depends on the version of PyTorch; 0 in grid_sample.
    moves = (position > 0) & (position < side - 1)
    position = torch.where(moves, position, position.detach().clamp(0, side - 1))
    before = position.detach().nan_to_num(0).floor().clamp(max=max(side - 2, 0))
    share = (position - before).unsqueeze(-1)
    first = before.long()
    return first, (first + 1).clamp(max=side - 1), share


WARPING_ERROR = Measure(
    "warping_error",
    "warping error of clips",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Lai et al. 2018",
    _warping_error,
    WarpingErrorOptions,
    role="loss",
    module="WarpingErrorLoss",
    clips=True,
    agrees="NumPy: 1e-10",
)
warping_error_loss = WARPING_ERROR.loss
