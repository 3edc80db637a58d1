"""``sqrt(blur(x^2) + 1e-12)`` at every second position, and other replacements of max pooling.

Source: L2 pooling with a Hanning window as in DISTS (Ding et al. 2020), after Hénaff & Simoncelli
2016; average pooling as in Gatys et al. 2016.
"""

from typing import Any, Final, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssimloss._constants import constant
from ssimloss._precision import autocast_off
from ssimloss._torch import is_transformed, own_children

Pooling = Literal["max", "average", "l2"]
POOLINGS: tuple[str, ...] = get_args(Pooling)
EPS: Final = 1e-12
_TAPS = (0.25, 0.5, 0.25)
WINDOW: Final = tuple(tuple(row * column for column in _TAPS) for row in _TAPS)


class L2Pool(nn.Module):
    """Root of the weighted mean of squares, with weights ``[1, 2, 1] / 4`` in both directions and
    zero padding: ``(N, C, ceil(H/2), ceil(W/2))``.

    The weights are the five-point Hanning window without its ends, which are 0. ``1e-12`` inside
    the root keeps the gradient finite at 0.
    """

    def __init__(self, stride: int | tuple[int, int] = 2) -> None:
        """``stride`` is that of the replaced pooling."""
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Pool ``(N, C, H, W)``."""
        window = constant(WINDOW, x).expand(x.shape[1], 1, 3, 3)
        if torch.compiler.is_compiling() or is_transformed():
            return _l2_pool(x, window, self.stride)
        pooled: Tensor = _L2Pool.apply(x, window, self.stride)
        return pooled


class _L2Pool(torch.autograd.Function):
    """``y = sqrt(blur(x^2) + eps)``, whose gradient ``x * blur^T(g / y)`` needs neither the squares
    nor their mean.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, window: Tensor, stride: int | tuple[int, int]) -> Tensor:
        y = _l2_pool(x, window, stride)
        ctx.stride = stride
        ctx.save_for_backward(x, y, window)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None]:
        x, y, window = ctx.saved_tensors
        # The backward pass may run inside an autocast region.
        with autocast_off(x):
            return _L2Pool._pull(x, y, window, ctx.stride, gradient), None, None

    @staticmethod
    def _pull(
        x: Tensor, y: Tensor, window: Tensor, stride: int | tuple[int, int], gradient: Tensor
    ) -> Tensor:
        if torch.is_grad_enabled():  # a graph of this gradient is needed, and it depends on x
            (found,) = torch.autograd.grad(
                _l2_pool(x, window, stride), x, gradient, create_graph=True
            )
            return found
        stride = (stride, stride) if isinstance(stride, int) else stride
        reach = [x.shape[2 + i] - ((y.shape[2 + i] - 1) * stride[i] + 1) for i in (0, 1)]
        spread = F.conv_transpose2d(gradient / y, window, None, stride, 1, reach, x.shape[1])
        return spread.mul_(x)


def _l2_pool(x: Tensor, window: Tensor, stride: int | tuple[int, int]) -> Tensor:
    return torch.sqrt(F.conv2d(x.square(), window, None, stride, 1, groups=x.shape[1]) + EPS)


def replace_max_pools(network: nn.Module, pooling: Pooling) -> nn.Module:
    """Replace every ``nn.MaxPool2d`` of the network, in place, and return the network."""
    if pooling == "max":
        return network
    count = 0
    for module in list(network.modules()):
        for name, child in own_children(module).items():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, _pool_like(child, pooling))
                count += 1
    if not count:
        raise ValueError(
            f"pooling={pooling!r} replaces nn.MaxPool2d layers, and this network has none; use "
            "pooling='max'"
        )
    return network


def _pool_like(pool: nn.MaxPool2d, pooling: Pooling) -> nn.Module:
    if pooling == "l2":
        return L2Pool(pool.stride)
    return nn.AvgPool2d(
        pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode, count_include_pad=False
    )
