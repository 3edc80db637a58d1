"""Kernels as differentiable functions.

A kernel that reduces computes the gradient in its forward pass, up to one factor per mean. Backward
scales the gradient in place, because a second tensor would cost more than the pass. If the factor
was predicted correctly (``slope``), backward returns the gradient as it is. The gradient is then no
longer kept, and a second backward through a retained graph computes it again.

A kernel that does not reduce to means keeps the images alone, and a second operator computes the
gradient for any upstream one in backward (``maps``).

The kernels have no second derivative. If a graph of the gradient is needed, backward differentiates
the plain equation instead. The caller passes the equation, and every kernel is tested against it.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import torch
from torch import Tensor

from ssimloss._precision import autocast_off
from ssimloss._torch import is_observed, is_plain_memory
from ssimloss.kernels.operators import typed

P = ParamSpec("P")
R = TypeVar("R")
Equation = Callable[[Tensor, Tensor], Tensor]
# Means, and their gradients to x and to y; a gradient that is not needed is None or empty.
Found = tuple[Tensor, Tensor | None, Tensor | None]


class Primitive(NamedTuple):
    """Two functions that compute the means of an operator and their gradients."""

    # From plain memory on the CPU: x, y, (mask,) options, want_x, want_y, slope.
    direct: Callable[..., Found]
    # From any tensors, by the registered operator: the same, and backend.
    dispatched: Callable[..., Found]
    opposite: bool = False  # the gradient to y is minus that to x, and only that to x is computed
    # Takes a mask, or None; returns (2, N, C), whose second half does not depend on x and y.
    weighed: bool = False


def means(
    x: Tensor,
    y: Tensor,
    primitive: Primitive,
    options: tuple[Any, ...],
    backend: str,
    equation: Equation,
    slope: float = 1.0,
    mask: Tensor | None = None,
) -> Tensor:
    """The means that a primitive computes, differentiable any number of times.

    Args:
        options: options of the primitive.
        equation: the same means in plain PyTorch.
        slope: the derivative with respect to each mean that backward will probably get. If it does,
            backward need not scale the gradient.
        mask: weights of the pixels, for a primitive that is ``weighed``. It has no gradient.
    """
    images = (x, y, mask) if primitive.weighed else (x, y)
    present = (x, y) if mask is None else (x, y, mask)
    enabled = torch.is_grad_enabled()  # ctx.needs_input_grad is true under no_grad as well
    want_x, want_y = enabled and x.requires_grad, enabled and y.requires_grad
    found: Tensor
    if torch.compiler.is_compiling():
        found = primitive.dispatched(*images, *options, want_x, want_y, 1.0, backend)[0]
    elif backend != "cpu" or is_observed(*present) or not x.numel():
        anywhere = (*options, want_x, want_y, 1.0, backend)
        found = _Means.apply(x, y, mask, primitive, anywhere, equation, 1.0)[0]
    elif want_x or want_y:  # the dispatcher takes as long as a small image
        job = (*options, want_x, want_y, slope)
        found = _DirectMeans.apply(x, y, mask, primitive, job, equation, slope)
    else:
        found = primitive.direct(*images, *options, False, False, slope)[0]
    return found


class Pair(NamedTuple):
    """An operator and the one that computes its gradients, both called as
    ``torch.ops.ssimloss.NAME(...)``.
    """

    forward: Callable[..., Tensor]  # x, y, options, backend
    backward: Callable[
        ..., tuple[Tensor, Tensor]
    ]  # upstream, x, y, options, want_x, want_y, backend


def maps(
    x: Tensor,
    y: Tensor,
    pair: Pair,
    options: tuple[Any, ...],
    backend: str,
    equation: Equation,
) -> Tensor:
    """What the forward operator of a pair computes, differentiable any number of times. Only the
    images are kept for backward.

    Args:
        options: options of both operators.
        equation: the same in plain PyTorch.
    """
    if torch.compiler.is_compiling():
        return pair.forward(x, y, *options, backend)
    found: Tensor = _Maps.apply(x, y, pair, options, backend, equation)
    return found


def signed(function: Callable[P, R]) -> Callable[P, R]:
    """Skip what ``Function.apply`` does at every call: inspect the signature and bind all arguments
    by name.
    """
    function.__signature__ = _ANY  # type: ignore[attr-defined]
    return function


_FEW = 64  # values are read faster one by one than reduced first
_ANY = inspect.Signature([inspect.Parameter("inputs", inspect.Parameter.VAR_POSITIONAL)])


def second_order(
    ctx: Any, x: Tensor, y: Tensor, equation: Equation, upstream: Tensor
) -> tuple[Tensor | None, Tensor | None] | None:
    """The gradients with their own graph; ``None`` for a gradient that is not needed."""
    # Views, so that derivatives stay partial if one image was computed from the other or both are
    # the same tensor.
    pair = x.view_as(x), y.view_as(y)
    with autocast_off(x):
        value = equation(*pair)
    if (
        not value.requires_grad
    ):  # after torch.func.vjp has left its level, the tensor cannot be differentiated there
        return None
    need_x, need_y = ctx.needs_input_grad[:2]
    wanted = [image for image, need in zip(pair, (need_x, need_y), strict=True) if need]
    found = iter(torch.autograd.grad(value, wanted, upstream, create_graph=True))
    return next(found) if need_x else None, next(found) if need_y else None


def _backward(
    ctx: Any, upstream: Tensor | None, *_: Any
) -> tuple[Tensor | None, Tensor | None, None, None, None, None, None]:
    if upstream is None:
        return None, None, None, None, None, None, None
    x, y, mask, grad_x, grad_y = ctx.saved_tensors
    if torch.is_grad_enabled():
        with_graph = second_order(ctx, x, y, ctx.equation, upstream)
        if with_graph is not None:
            return *with_graph, None, None, None, None, None
    primitive: Primitive = ctx.primitive
    if primitive.weighed:
        upstream = upstream[0]
    observed = is_observed(upstream)
    in_place = not observed or is_plain_memory(upstream)
    if ctx.given_away:
        images = (x, y, mask) if primitive.weighed else (x, y)
        direct = ctx.direct and not is_observed(*(i for i in images if i is not None))
        compute = primitive.direct if direct else primitive.dispatched
        grad_x, grad_y = compute(*images, *ctx.job)[1:]
    factor = _factor(upstream, ctx.slope, x.ndim, observed)
    if grad_x is not None:
        grad_x = _scaled(ctx, x, grad_x, factor, in_place)
    if grad_y is not None:
        grad_y = _scaled(ctx, y, grad_y, factor, in_place)
    if primitive.opposite and grad_x is not None:
        need_x, need_y = ctx.needs_input_grad[:2]
        if need_y:
            grad_y = (grad_x.neg() if need_x or not in_place else grad_x.neg_()).to(y.dtype)
        if not need_x:
            grad_x = None
    return (
        None if grad_x is None else grad_x.to(x.dtype),
        None if grad_y is None else grad_y.to(y.dtype),
        None,
        None,
        None,
        None,
        None,
    )


def _scaled(
    ctx: Any, image: Tensor, gradient: Tensor, factor: Tensor | float | None, in_place: bool
) -> Tensor | None:
    """The gradient times ``factor``; ``None`` if it is not needed."""
    if gradient.shape != image.shape:
        return None
    if in_place and is_plain_memory(gradient):
        ctx.given_away = True
        # .data: does not change the version counter; the tensor is saved for this backward alone
        return gradient.data if factor is None else gradient.data.mul_(factor)
    return gradient if factor is None else gradient * factor


def _factor(upstream: Tensor, slope: float, ndim: int, observed: bool) -> Tensor | float | None:
    """The remaining factor of gradients that were multiplied by ``slope``: ``None`` for 1, a number
    if it is the same for all means.
    """
    if upstream.is_cpu and not observed and upstream.numel():
        # On other devices, reading values would wait for the device.
        if upstream.numel() <= _FEW:
            values = upstream.flatten().tolist()
        else:
            values = [value.item() for value in upstream.aminmax()]
        if all(value == values[0] for value in values):  # not if one is NaN
            factor: float = values[0] / slope
            return None if abs(factor - 1) < torch.finfo(upstream.dtype).eps else factor
    if slope != 1:
        upstream = upstream / slope
    return upstream[(...,) + (None,) * (ndim - upstream.ndim)]


class _DirectMeans(torch.autograd.Function):
    """Means of images in plain memory, without ``setup_context``, which takes as long as the rest.

    The gradients that the primitive returns are multiplied by ``slope``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor,
        mask: Tensor | None,
        primitive: Primitive,
        job: tuple[Any, ...],
        equation: Equation,
        slope: float,
    ) -> Tensor:
        images = (x, y, mask) if primitive.weighed else (x, y)
        found, grad_x, grad_y = primitive.direct(*images, *job)
        ctx.primitive, ctx.job, ctx.equation, ctx.slope = primitive, job, equation, slope
        ctx.direct, ctx.given_away = True, False
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, y, mask, grad_x, grad_y)
        return found

    backward = staticmethod(_backward)


class _Means(torch.autograd.Function):
    """Means of any images, including those in a transform of ``torch.func``."""

    generate_vmap_rule = True

    @staticmethod
    @signed
    def forward(
        x: Tensor,
        y: Tensor,
        mask: Tensor | None,
        primitive: Primitive,
        job: tuple[Any, ...],
        _equation: Equation,
        _slope: float,
    ) -> Found:
        images = (x, y, mask) if primitive.weighed else (x, y)
        return primitive.dispatched(*images, *job)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, y, mask, ctx.primitive, ctx.job, ctx.equation, ctx.slope = inputs
        ctx.direct, ctx.given_away = False, False
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, y, mask, *output[1:])

    backward = staticmethod(_backward)


class _Maps(torch.autograd.Function):
    """Maps or sums of any images, whose gradient a second operator computes."""

    generate_vmap_rule = True

    @staticmethod
    @signed
    def forward(
        x: Tensor,
        y: Tensor,
        pair: Pair,
        options: tuple[Any, ...],
        backend: str,
        _equation: Equation,
    ) -> Tensor:
        return pair.forward(x, y, *options, backend)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _output: Tensor) -> None:
        x, y, ctx.pair, ctx.job, ctx.backend, ctx.equation = inputs
        ctx.save_for_backward(x, y)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, y = ctx.saved_tensors
        if torch.is_grad_enabled():
            with_graph = second_order(ctx, x, y, ctx.equation, upstream)
            if with_graph is not None:
                return *with_graph, None, None, None, None
        needed = ctx.needs_input_grad[:2]
        found = ctx.pair.backward(upstream, x, y, *ctx.job, *needed, ctx.backend)
        return *typed(found, (x, y), needed), None, None, None, None
