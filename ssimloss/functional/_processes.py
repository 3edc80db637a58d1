"""A mean over the processes of ``torch.distributed``, differentiable."""

from typing import Any

import torch
from torch import Tensor


class _Sum(torch.autograd.Function):
    """The sum over all processes. Its gradient is summed over all processes as well, because each
    process contributes to every loss.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004
        value = value.clone()
        torch.distributed.all_reduce(value)
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:  # noqa: ARG004
        return _Sum.apply(gradients[0])


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of one scalar per process; the scalar itself if there is only one process."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    total: Tensor = _Sum.apply(value)
    return total / torch.distributed.get_world_size()
