"""Measures of local moments by the kernel ``moment_sums``: whether it supports a call, and the
scores.

A measure passes the options of the kernel, and the same measure in plain PyTorch for second
derivatives.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ssimloss._precision import native_dtype
from ssimloss._reduce import Reduction, Scores, slope_of
from ssimloss.functional._moments import map_size
from ssimloss.kernels import MAX_TAPS, Local, moment_sums


def uncovered(
    pred: Tensor,
    mask: Tensor | None,
    window: object,
    taps: int,
    reduction: Reduction,
    *,
    masks: bool = True,
) -> str | None:
    """Why the kernel does not support a call, ``None`` if it does.

    Args:
        window: a name, or the tensor that was given.
        masks: whether the kernel supports this measure under a mask.
    """
    if pred.ndim != 4:
        return "no kernel supports volumes"
    if mask is not None and not masks:
        return "no kernel supports masks for this measure"
    if mask is not None and mask.requires_grad and torch.is_grad_enabled():
        return "no kernel has a gradient to the mask"
    if reduction == "none":
        return "no kernel computes this map; use another reduction"
    if isinstance(window, Tensor):
        return "no kernel supports a window tensor, since its values would have to be read"
    if taps > MAX_TAPS:
        return f"kernels have windows of up to {MAX_TAPS} taps, and window_size is {taps}"
    return None


def local_scores(
    pred: Tensor,
    target: Tensor,
    mask: Tensor | None,
    local: Local,
    plain: Callable[[Tensor, Tensor], Scores],
    *,
    backend: str,
    reduction: Reduction,
    minimised: bool = False,
) -> Scores:
    """The means of the planes, ``(N, C)``, and, with a mask, their weights.

    Args:
        plain: the map in plain PyTorch, with its weights.
        reduction: the caller's reduction, whose factor the gradient includes.
        minimised: whether the value itself is the loss, and not a score.
    """
    height, width = map_size(pred.shape[2:], local.lengths[-1], local.padding)
    positions, dtype = height * width, native_dtype(pred, target)
    slope = 1.0 if reduction == "sum" else slope_of(reduction, pred.shape[:2]) / positions
    sums, mass = moment_sums(
        pred,
        target,
        mask,
        local,
        backend=backend,
        equation=partial(_sums, plain=plain),
        slope=1.0 if mask is not None else slope if minimised else -slope,
    ).unbind()
    if mask is None:
        return Scores(sums / positions, None, positions, dtype)
    return Scores(sums / torch.where(mass > 0, mass, 1), mass, 1, dtype)


def _sums(x: Tensor, y: Tensor, plain: Callable[[Tensor, Tensor], Scores]) -> Tensor:
    return sums_of(plain(x, y))


def sums_of(scores: Scores) -> Tensor:
    """``(2, N, C)`` of a map: the sums of its values times their weight, and of the weights."""
    weight = torch.ones_like(scores.values) if scores.weight is None else scores.weight
    weight = weight.expand_as(scores.values)
    return torch.stack(((scores.values * weight).sum((2, 3)), weight.sum((2, 3))))
