"""The layers of a frozen chain. For the gradient to its input, each keeps one byte per element or
nothing.

PyTorch keeps the input of every convolution, for a weight gradient that a frozen network does not
need, and 64-bit indices for every max pooling. The gradient to the image needs one bit for a ReLU
and one of four places for a 2x2 maximum; both are kept in a byte. Every ``pull`` consists of
differentiable operations on the incoming gradient. The layers are linear or piecewise linear, so a
second derivative needs nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssimloss._torch import hooks
from ssimloss.networks import _winograd
from ssimloss.networks._bytes import DEAD, alive, halve, is_memory, let_through, spread

Kept = tuple[Tensor, ...]


class Operation(Protocol):
    """One layer, or several fused ones. The output is new memory, or the memory of an ``owned``
    input.
    """

    def plain(self, x: Tensor) -> Tensor:
        """The layer in PyTorch's own differentiable operations; ``x`` is not changed."""

    def push(self, x: Tensor, *, owned: bool, keep: bool) -> tuple[Tensor, Kept]:
        """The layer without a graph, and, if ``keep``, the tensors that ``pull`` needs. ``x`` may
        be overwritten if ``owned``.
        """

    def pull(self, gradient: Tensor, kept: Kept, shape: Sequence[int], *, owned: bool) -> Tensor:
        """The gradient to the input of this shape. The incoming gradient may be overwritten if
        ``owned``.
        """


@dataclass(frozen=True)
class Convolution:
    """``nn.Conv2d`` with zero padding."""

    module: nn.Conv2d
    padding: tuple[int, int]

    @property
    def _is_plain_3x3(self) -> bool:
        """Whether it is a 3x3 convolution of stride 1 with centred outputs."""
        m = self.module
        return (
            _pair(m.kernel_size) == (3, 3)
            and self.padding == _pair(m.stride) == _pair(m.dilation) == (1, 1)
            and m.groups == 1
        )

    def plain(self, x: Tensor) -> Tensor:
        """See :class:`Operation`."""
        m = self.module
        return F.conv2d(
            x, m.weight, m.bias, _pair(m.stride), self.padding, _pair(m.dilation), m.groups
        )

    def push(self, x: Tensor, *, owned: bool, keep: bool) -> tuple[Tensor, Kept]:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`; keeps nothing."""
        m = self.module
        if self._is_plain_3x3 and _winograd.pays(x, m.weight):
            return _winograd.convolve(x, m.weight, m.bias), ()
        return self.plain(x), ()

    def pull(self, gradient: Tensor, kept: Kept, shape: Sequence[int], *, owned: bool) -> Tensor:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`."""
        m = self.module
        if self._is_plain_3x3 and is_memory(gradient) and _winograd.pays(gradient, m.weight):
            return _winograd.convolve_transposed(gradient, m.weight)
        stride, dilation, kernel = _pair(m.stride), _pair(m.dilation), _pair(m.kernel_size)
        reach = [
            shape[2 + i]
            - (
                (gradient.shape[2 + i] - 1) * stride[i]
                - 2 * self.padding[i]
                + dilation[i] * (kernel[i] - 1)
                + 1
            )
            for i in (0, 1)
        ]
        return F.conv_transpose2d(
            gradient, m.weight, None, stride, self.padding, reach, m.groups, dilation
        )


@dataclass(frozen=True)
class Rectifier:
    """``nn.ReLU``: keeps whether each element is not 0."""

    def plain(self, x: Tensor) -> Tensor:
        """See :class:`Operation`."""
        return F.relu(x)

    def push(self, x: Tensor, *, owned: bool, keep: bool) -> tuple[Tensor, Kept]:
        """See :class:`Operation`."""
        y = F.relu_(x) if owned else F.relu(x)
        return y, (alive(y),) if keep else ()

    def pull(self, gradient: Tensor, kept: Kept, shape: Sequence[int], *, owned: bool) -> Tensor:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`."""
        return let_through(gradient, kept[0], owned=owned)


@dataclass(frozen=True)
class MaxPool:
    """``nn.MaxPool2d``: keeps the place of each maximum in its window; of equal values, the first,
    as in PyTorch.

    ``rectified`` includes the ReLU before it. A maximum of rectified values is the rectified
    maximum, so the ReLU runs on the smaller map. Where the ReLU stops the gradient, the place is
    :data:`DEAD`.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    ceil_mode: bool
    rectified: bool

    @property
    def _is_halving(self) -> bool:
        return (
            self.kernel == self.stride == (2, 2) and self.padding == (0, 0) and not self.ceil_mode
        )

    def plain(self, x: Tensor) -> Tensor:
        """See :class:`Operation`."""
        y = F.max_pool2d(x, self.kernel, self.stride, self.padding, 1, self.ceil_mode)
        return F.relu(y) if self.rectified else y

    def push(self, x: Tensor, *, owned: bool, keep: bool) -> tuple[Tensor, Kept]:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`."""
        if not keep:
            y = F.max_pool2d(x, self.kernel, self.stride, self.padding, 1, self.ceil_mode)
            return F.relu_(y) if self.rectified else y, ()
        if self._is_halving and min(x.shape[2:]) >= 2:
            y, place = halve(x, rectified=self.rectified)
        else:
            y, place = self._places(x)
        return y, (place,)

    def _places(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The maxima, and the row-major place of each in its window as ``uint8``."""
        y, index = F.max_pool2d_with_indices(
            x, self.kernel, self.stride, self.padding, (1, 1), self.ceil_mode
        )
        row, column = index // x.shape[3], index % x.shape[3]
        top = torch.arange(y.shape[2], device=x.device)[:, None] * self.stride[0] - self.padding[0]
        left = torch.arange(y.shape[3], device=x.device) * self.stride[1] - self.padding[1]
        place = ((row - top) * self.kernel[1] + (column - left)).to(torch.uint8)
        if self.rectified:
            F.relu_(y)
            place.masked_fill_(y <= 0, DEAD)
        return y, place

    def pull(self, gradient: Tensor, kept: Kept, shape: Sequence[int], *, owned: bool) -> Tensor:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`. Overlapping windows are added one place after another, without
        atomics, so that results are reproducible to the bit.
        """
        (place,) = kept
        if self._is_halving:
            return spread(gradient, place, shape[2], shape[3])
        (kh, kw), (sh, sw), (ph, pw) = self.kernel, self.stride, self.padding
        h, w = place.shape[2:]
        height, width = max((h - 1) * sh + kh, shape[2] + ph), max((w - 1) * sw + kw, shape[3] + pw)
        whole = gradient.new_zeros((*shape[:2], height, width))
        for i in range(kh):
            for j in range(kw):
                window = whole[:, :, i : i + (h - 1) * sh + 1 : sh, j : j + (w - 1) * sw + 1 : sw]
                window += torch.where(place == i * kw + j, gradient, 0)
        return whole.narrow(2, ph, shape[2]).narrow(3, pw, shape[3])


@dataclass(frozen=True)
class AveragePool:
    """``nn.AvgPool2d``: linear, keeps nothing."""

    module: nn.AvgPool2d

    def plain(self, x: Tensor) -> Tensor:
        """See :class:`Operation`."""
        y: Tensor = self.module(x)
        return y

    def push(self, x: Tensor, *, owned: bool, keep: bool) -> tuple[Tensor, Kept]:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`."""
        return self.plain(x), ()

    def pull(self, gradient: Tensor, kept: Kept, shape: Sequence[int], *, owned: bool) -> Tensor:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`."""
        m = self.module
        pulled: Tensor = torch.ops.aten.avg_pool2d_backward(
            gradient,
            gradient.new_empty(()).expand(tuple(shape)),  # only its shape is used
            _pair(m.kernel_size),
            _pair(m.stride),
            _pair(m.padding),
            m.ceil_mode,
            m.count_include_pad,
            m.divisor_override,
        )
        return pulled


@dataclass(frozen=True)
class Normalization:
    """``nn.BatchNorm2d`` in ``eval()``: a factor and an offset per channel."""

    module: nn.BatchNorm2d

    def plain(self, x: Tensor) -> Tensor:
        """See :class:`Operation`."""
        m = self.module
        return F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias, False, 0.0, m.eps)

    def push(self, x: Tensor, *, owned: bool, keep: bool) -> tuple[Tensor, Kept]:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`."""
        return self.plain(x), ()

    def pull(self, gradient: Tensor, kept: Kept, shape: Sequence[int], *, owned: bool) -> Tensor:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`."""
        m = self.module
        assert m.running_var is not None
        factor = torch.rsqrt(m.running_var + m.eps)
        if m.weight is not None:
            factor = factor * m.weight
        return gradient * factor[:, None, None]


@dataclass(frozen=True)
class Fire:
    """SqueezeNet's module: a narrow convolution, then a 1x1 and a 3x3 one in parallel, each with a
    ReLU.
    """

    squeeze: Convolution
    narrow: Convolution
    wide: Convolution

    def plain(self, x: Tensor) -> Tensor:
        """See :class:`Operation`."""
        x = F.relu(self.squeeze.plain(x))
        return F.relu(torch.cat([self.narrow.plain(x), self.wide.plain(x)], 1))

    def push(self, x: Tensor, *, owned: bool, keep: bool) -> tuple[Tensor, Kept]:  # noqa: ARG002 - the protocol's
        """See :class:`Operation`."""
        x = F.relu_(self.squeeze.plain(x))
        y = F.relu_(torch.cat([self.narrow.plain(x), self.wide.plain(x)], 1))
        return y, (alive(x), alive(y)) if keep else ()

    def pull(self, gradient: Tensor, kept: Kept, shape: Sequence[int], *, owned: bool) -> Tensor:
        """See :class:`Operation`."""
        squeezed, rectified = kept
        gradient = let_through(gradient, rectified, owned=owned)
        sides = torch.split(
            gradient, [self.narrow.module.out_channels, self.wide.module.out_channels], 1
        )
        narrow, wide = (
            c.pull(g, (), squeezed.shape, owned=False)
            for c, g in zip((self.narrow, self.wide), sides, strict=True)
        )
        return self.squeeze.pull(
            let_through(narrow + wide, squeezed, owned=is_memory(gradient)),
            (),
            shape,
            owned=True,
        )


def operation_of(module: nn.Module) -> Operation | None:
    """The operation of a layer; ``None`` for a layer that PyTorch's autograd runs.

    Types must match exactly, because a subclass may compute something else.
    """
    kind = type(module)
    if has_hooks(module):
        return None
    if isinstance(module, nn.Conv2d) and kind is nn.Conv2d:
        return _convolution(module)
    if kind is nn.ReLU:
        return Rectifier()
    if isinstance(module, nn.MaxPool2d) and kind is nn.MaxPool2d:
        return _max_pool(module)
    if isinstance(module, nn.AvgPool2d) and kind is nn.AvgPool2d:
        return AveragePool(module)
    if (
        isinstance(module, nn.BatchNorm2d)
        and kind is nn.BatchNorm2d
        and module.running_mean is not None
    ):
        return Normalization(module)
    if kind.__module__ == "torchvision.models.squeezenet" and kind.__name__ == "Fire":
        parts = [
            _convolution(child)
            for child in (module.squeeze, module.expand1x1, module.expand3x3)
            if isinstance(child, nn.Conv2d)
        ]
        if len(parts) == 3 and None not in parts:
            return Fire(*(part for part in parts if part is not None))
    return None


def _convolution(module: nn.Conv2d) -> Convolution | None:
    if (
        module.padding_mode != "zeros"
        or isinstance(module.padding, str)
        or hasattr(module, "parametrizations")
    ):
        return None
    return Convolution(module, _pair(module.padding))


def _max_pool(module: nn.MaxPool2d) -> MaxPool | None:
    kernel = _pair(module.kernel_size)
    if module.return_indices or _pair(module.dilation) != (1, 1) or kernel[0] * kernel[1] > DEAD:
        return None
    return MaxPool(
        kernel, _pair(module.stride), _pair(module.padding), module.ceil_mode, rectified=False
    )


def has_hooks(module: nn.Module) -> bool:
    """Whether a module has hooks. They see and change results, so it must be called as a module."""
    return any(hooks(module))


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
