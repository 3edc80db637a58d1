"""The arithmetic of a loss: at least float32, autocast off.

Half precision holds 8 to 11 bits, fewer than the variance of a flat bright patch needs, and
autocast would lower the convolutions of a loss without asking.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate ``function(image, ...)`` so that its body runs with autocast off on the image's
    device.
    """

    @functools.wraps(function)
    def without_autocast(*args: P.args, **kwargs: P.kwargs) -> R:
        device_type = _device_type((*args, *kwargs.values()))
        if not torch.compiler.is_compiling() and not torch.is_autocast_enabled(
            device_type
        ):  # switching off what is off takes its time
            return function(*args, **kwargs)
        with torch.autocast(device_type, enabled=False):
            return function(*args, **kwargs)

    return without_autocast


def _device_type(arguments: tuple[object, ...]) -> str:
    """Of the first tensor; what is not a tensor is refused by the function itself, and "meta" has
    no autocast.
    """
    for argument in arguments:
        if isinstance(argument, Tensor) and not argument.is_meta:
            return argument.device.type
    return "cpu"


def computing_dtype(*tensors: Tensor) -> torch.dtype:
    """The widest dtype of the tensors, and at least float32."""
    return functools.reduce(torch.promote_types, (t.dtype for t in tensors), torch.float32)


def promote(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both images in their computing dtype (the same tensors where that is theirs already)."""
    dtype = computing_dtype(pred, target)
    return pred.to(dtype), target.to(dtype)


def native_dtype(pred: Tensor, target: Tensor) -> torch.dtype:
    """The dtype of unreduced results: that of the images, the wider one where they differ."""
    return torch.promote_types(pred.dtype, target.dtype)
