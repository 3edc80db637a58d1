"""The primitives of ``ssimloss.kernels`` as differentiable functions.

A kernel that reduces makes the gradient in its forward pass, complete up to one factor per mean.
Backward scales it where it lies, since a second tensor would cost more than the pass, or leaves it
where the factor was foreseen (``slope``). Then it is given away, and a second backward through a
retained graph computes it again.

The kernels have no second derivative. Where a graph of the gradient is asked for, backward
differentiates the plain equation instead, which is also what every kernel is tested against.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from ssimloss._precision import promote
from ssimloss.filters import Padding, average_pool, pad
from ssimloss.functional._distance import Distance, distance_of
from ssimloss.functional._moments import contrast_structure, local_statistics, luminance
from ssimloss.functional._plane_means import Part
from ssimloss.kernels import similarity_means_here

P = ParamSpec("P")
R = TypeVar("R")
Primitive = Callable[..., tuple[Tensor, ...]]
Equation = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Comparison:
    """What is compared of two images ``(N, C, H, W)`` at one scale, by a kernel or by the plain
    equation.
    """

    window: tuple[float, ...]  # of unit sum
    c1: float
    c2: float
    low: float  # where the data range begins
    part: Part
    padding: Padding

    def options(self) -> tuple[Any, ...]:
        """As the operators take them."""
        return list(self.window), self.c1, self.c2, self.low, self.part, self.padding

    def equation(self, x: Tensor, y: Tensor) -> Tensor:
        """The map ``(N, C, H', W')`` in the computing dtype, differentiable any number of times."""
        x, y = promote(x, y)
        amount = (len(self.window) - 1) // 2
        x, y = pad(x - self.low, amount, self.padding), pad(y - self.low, amount, self.padding)
        statistics = local_statistics(
            x, y, torch.tensor(self.window, dtype=x.dtype, device=x.device), 1.0, None
        )
        similarity = contrast_structure(statistics, self.c2)
        return luminance(statistics, self.c1) * similarity if self.part == "ssim" else similarity


def similarity_means(
    x: Tensor, y: Tensor, comparison: Comparison, backend: str, slope: float = 1.0
) -> Tensor:
    """Mean of each plane's map, ``(N, C)`` in the computing dtype.

    Args:
        slope: the derivative with respect to each mean that backward is likely to bring, which then
            leaves it nothing to do.
    """
    return mixed_means(x, y, comparison, None, 0.0, 1.0, 0.0, backend, slope)


def mixed_means(
    x: Tensor,
    y: Tensor,
    comparison: Comparison,
    distance: Distance | None,
    eps: float,
    similarity_weight: float,
    distance_weight: float,
    backend: str,
    slope: float = 1.0,
) -> Tensor:
    """Per plane ``similarity_weight * mean(map) + distance_weight * mean(distance)``, ``(N, C)``,
    in one pass over the images.
    """

    def equation(x: Tensor, y: Tensor) -> Tensor:
        means = similarity_weight * comparison.equation(x, y).mean((2, 3))
        return (
            means
            if distance is None
            else means + distance_weight * _distances(x, y, distance, eps).mean((2, 3))
        )

    options = (*comparison.options(), distance or "none", eps, similarity_weight, distance_weight)
    wants = _wanted(x, y)
    operator = torch.ops.ssimloss.similarity_means
    if torch.compiler.is_compiling():
        means: Tensor = operator(x, y, *options, *wants, backend)[0]
        return means
    if backend != "cpu" or _is_followed(x, y):
        slope = 1.0

    def primitive(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        if backend == "cpu" and not _is_followed(
            x, y
        ):  # the way through the dispatcher takes as long as a small image
            return similarity_means_here(x, y, *options, *wants, backend, slope=slope)
        means, *gradients = operator(x, y, *options, *wants, backend)
        return means, *(gradients if slope == 1 else [slope * gradient for gradient in gradients])

    return _means(x, y, primitive, equation, opposite=False, slope=slope)


def pixel_means(x: Tensor, y: Tensor, distance: Distance, eps: float) -> Tensor:
    """Mean distance of each image, ``(N,)`` in the computing dtype."""
    want = any(_wanted(x, y))
    operator = torch.ops.ssimloss.pixel_means
    if torch.compiler.is_compiling():
        means: Tensor = operator(x, y, distance, eps, want)[0]
        return means

    def primitive(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        means, grad = operator(x, y, distance, eps, want)
        return means, grad, grad.new_empty(0)

    return _means(
        x, y, primitive, lambda x, y: _distances(x, y, distance, eps).mean((1, 2, 3)), opposite=True
    )


def similarity_map(x: Tensor, y: Tensor, comparison: Comparison, backend: str) -> Tensor:
    """The map ``(N, C, H', W')`` in the computing dtype; nothing but the images is kept for
    backward.
    """
    if torch.compiler.is_compiling():
        similarities: Tensor = torch.ops.ssimloss.similarity_map(
            x, y, *comparison.options(), backend
        )
        return similarities
    found: Tensor = _Map.apply(x, y, comparison, backend)
    return found


def pyramid_scores(
    x: Tensor,
    y: Tensor,
    finest: Comparison,
    pooling: str,
    weights: tuple[float, ...],
    words: tuple[str, str, str],
    combine: Callable[[Tensor], Tensor],
) -> Tensor:
    """The means of all scales, combined to ``(N, C)`` or ``(N, 1)``; ``words`` (combination,
    negative, channels) tell a kernel how.
    """
    options = (*finest.options()[:4], pooling, list(weights), *words, *_wanted(x, y))
    operator = torch.ops.ssimloss.pyramid_scores
    if torch.compiler.is_compiling():
        scores: Tensor = operator(x, y, *options)[0]
        return scores

    def equation(x: Tensor, y: Tensor) -> Tensor:
        return combine(_pyramid_means(x, y, finest, len(weights), pooling))

    return _means(x, y, lambda x, y: operator(x, y, *options), equation, opposite=False)


def halve(image: Tensor, pooling: str) -> Tensor:
    """2 x 2 mean with one of the ways to treat an odd size."""
    odd_h, odd_w = image.shape[2] % 2, image.shape[3] % 2
    if pooling == "zeros":
        return torch.nn.functional.avg_pool2d(image, 2, padding=(odd_h, odd_w))
    if pooling == "replicate" and (odd_h or odd_w):
        image = torch.nn.functional.pad(image, (1, 0, 1, 0), mode="replicate")
    elif pooling == "symmetric" and (odd_h or odd_w):
        image = torch.nn.functional.pad(image, (0, odd_w, 0, odd_h), mode="replicate")
    return average_pool(image, 2)


def _pyramid_means(x: Tensor, y: Tensor, finest: Comparison, scales: int, pooling: str) -> Tensor:
    """Mean of each plane's map at each scale, ``(S, N, C)``: contrast and structure, at the
    coarsest scale all of SSIM.
    """
    x, y = promote(x, y)
    x, y = x - finest.low, y - finest.low
    means = []
    for scale in range(scales):
        part: Part = "ssim" if scale == scales - 1 else "contrast_structure"
        comparison = Comparison(finest.window, finest.c1, finest.c2, 0.0, part, "valid")
        means.append(comparison.equation(x, y).mean((2, 3)))
        if scale < scales - 1:
            x, y = halve(x, pooling), halve(y, pooling)
    return torch.stack(means)


def _distances(x: Tensor, y: Tensor, distance: Distance, eps: float) -> Tensor:
    x, y = promote(x, y)
    return distance_of(x - y, distance, eps)


def _wanted(x: Tensor, y: Tensor) -> tuple[bool, bool]:
    """``ctx.needs_input_grad`` would say yes under ``no_grad`` as well."""
    enabled = torch.is_grad_enabled()
    return enabled and x.requires_grad, enabled and y.requires_grad


def _means(
    x: Tensor,
    y: Tensor,
    primitive: Primitive,
    equation: Equation,
    *,
    opposite: bool,
    slope: float = 1.0,
) -> Tensor:
    means: Tensor = _Means.apply(x, y, primitive, equation, opposite, slope)[0]
    return means


def _is_memory(tensor: Tensor) -> bool:
    """Whether a tensor is plain memory, not one that a transform or a compiler follows."""
    if type(tensor) not in (Tensor, torch.nn.Parameter):
        return False
    functorch = torch._C._functorch
    return not (
        functorch.is_functorch_wrapped_tensor(tensor) or functorch.is_legacy_batchedtensor(tensor)
    )


def _is_followed(*tensors: Tensor) -> bool:
    """Whether somebody looks at what is done to these: a transform, a compiler, a mode,
    ``torch.jit.trace``.
    """
    if torch._C._len_torch_dispatch_stack() or torch._C._get_tracing_state():
        return True
    return not all(_is_memory(tensor) for tensor in tensors)


def _second_order(
    ctx: Any, x: Tensor, y: Tensor, equation: Equation, upstream: Tensor
) -> tuple[Tensor | None, ...] | None:
    """The gradients with a graph of their own, ``None`` where none is asked for."""
    if not torch.is_grad_enabled():
        return None
    # Views, so that the derivatives stay partial where one image was computed from the other or is
    # the same tensor.
    pair = x.view_as(x), y.view_as(y)
    with torch.autocast(x.device.type, enabled=False):
        value = equation(*pair)
    if (
        not value.requires_grad
    ):  # after torch.func.vjp, which has left its level: nothing can be asked of it there
        return None
    needed = ctx.needs_input_grad[:2]
    wanted = [image for image, need in zip(pair, needed, strict=True) if need]
    found = iter(torch.autograd.grad(value, wanted, upstream, create_graph=True))
    gradients = []
    for need in needed:
        gradients.append(next(found) if need else None)
    return tuple(gradients)


_ANY = inspect.Signature([inspect.Parameter("inputs", inspect.Parameter.VAR_POSITIONAL)])


def _signed(function: Callable[P, R]) -> Callable[P, R]:
    """Keeps ``Function.apply`` from working out the signature and binding every argument by name,
    at every call.
    """
    function.__signature__ = _ANY  # type: ignore[attr-defined]
    return function


class _Means(torch.autograd.Function):
    """Means whose gradients the primitive has made, times ``slope``; with ``opposite``, that to
    ``y`` is minus that to ``x``.
    """

    @staticmethod
    @_signed
    def forward(
        x: Tensor,
        y: Tensor,
        primitive: Primitive,
        _equation: Equation,
        _opposite: bool,
        _slope: float,
    ) -> tuple[Tensor, ...]:
        return primitive(x, y)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, y, ctx.primitive, ctx.equation, ctx.opposite, ctx.slope = inputs
        ctx.given_away = False
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, y, *output[1:])

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:
        nothing = (None,) * 4
        if upstream is None:
            return None, None, *nothing
        x, y, *gradients = ctx.saved_tensors
        with_graph = _second_order(ctx, x, y, ctx.equation, upstream)
        if with_graph is not None:
            return *with_graph, *nothing
        if ctx.given_away:
            _, *gradients = ctx.primitive(x, y)
        factor = _factor(upstream, ctx.slope, x.ndim)
        in_place = _is_memory(upstream)
        scaled: list[Tensor | None] = []
        for image, gradient in zip((x, y), gradients, strict=True):
            if gradient.shape != image.shape:  # not wanted
                scaled.append(None)
            elif in_place and _is_memory(gradient):
                ctx.given_away = True
                # .data: not seen by the version counter, saved for this backward alone
                scaled.append(gradient.data if factor is None else gradient.data.mul_(factor))
            elif factor is None:
                scaled.append(gradient)
            else:
                scaled.append(gradient * factor)
        if ctx.opposite and scaled[0] is not None:
            need_x, need_y = ctx.needs_input_grad[:2]
            scaled[1] = (
                None
                if not need_y
                else scaled[0].neg()
                if need_x or not in_place
                else scaled[0].neg_()
            )
            scaled[0] = scaled[0] if need_x else None
        return *_typed(scaled, (x, y), [gradient is not None for gradient in scaled]), *nothing


def _factor(upstream: Tensor, slope: float, ndim: int) -> Tensor | None:
    """What gradients times ``slope`` are still to be multiplied by; ``None`` for 1."""
    can_look = (
        upstream.device.type == "cpu" and upstream.numel() > 0 and not _is_followed(upstream)
    )  # elsewhere that would wait for the device
    if can_look and all(
        abs(bound.item() / slope - 1) < torch.finfo(upstream.dtype).eps
        for bound in upstream.aminmax()
    ):
        return None
    if slope != 1:
        upstream = upstream / slope
    return upstream[(...,) + (None,) * (ndim - upstream.ndim)]


class _Map(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, y: Tensor, comparison: Comparison, backend: str) -> Tensor:
        similarities: Tensor = torch.ops.ssimloss.similarity_map(
            x, y, *comparison.options(), backend
        )
        return similarities

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _output: Tensor) -> None:
        x, y, ctx.comparison, ctx.backend = inputs
        ctx.save_for_backward(x, y)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, y = ctx.saved_tensors
        with_graph = _second_order(ctx, x, y, ctx.comparison.equation, upstream)
        if with_graph is not None:
            return *with_graph, None, None
        needed = ctx.needs_input_grad[:2]
        found = torch.ops.ssimloss.similarity_map_backward(
            upstream, x, y, *ctx.comparison.options(), *needed, ctx.backend
        )
        return *_typed(found, (x, y), needed), None, None


def _typed(gradients: Any, images: tuple[Tensor, Tensor], wanted: Any) -> tuple[Tensor | None, ...]:
    """Each in the dtype of its image, ``None`` where it is not wanted."""
    typed = []
    for gradient, image, want in zip(gradients, images, wanted, strict=True):
        typed.append(gradient.to(image.dtype) if want else None)
    return tuple(typed)


# --- the operators called without the functions above: by a compiler, or by hand ------------------


def _no_second_order(operator: str) -> None:
    if torch.is_grad_enabled():
        raise RuntimeError(
            f"ssimloss::{operator} has no second derivative; call the loss function outside "
            "torch.compile, which then differentiates the eager equation, or use backend='eager'"
        )


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor | tuple[Tensor, ...]) -> None:
    """The images, and the gradients that an operator returns after its means."""
    x, y, *ctx.options = inputs
    gradients = output[1:] if isinstance(output, tuple) else ()
    ctx.mark_non_differentiable(*gradients)
    ctx.save_for_backward(x, y, *gradients)


def _means_backward(operator: str) -> Callable[..., tuple[Tensor | None, ...]]:
    """Of an operator that makes the gradients of its means or scores along with them; its options
    are not differentiable.
    """

    def backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        _no_second_order(operator)
        x, y, *gradients = ctx.saved_tensors
        factor = upstream[:, :, None, None]
        scaled = [gradient * factor if gradient.numel() else gradient for gradient in gradients]
        wanted = [gradient.shape == x.shape for gradient in gradients]
        return *_typed(scaled, (x, y), wanted), *(None,) * len(ctx.options)

    return backward


def _pixel_means_backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    _no_second_order("pixel_means")
    x, y, gradient = ctx.saved_tensors
    if not gradient.numel() and x.numel():
        return (None,) * (2 + len(ctx.options))
    scaled = gradient * upstream[:, None, None, None]
    return *_typed((scaled, -scaled), (x, y), ctx.needs_input_grad[:2]), *(None,) * len(ctx.options)


def _similarity_map_backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    _no_second_order("similarity_map")
    x, y = ctx.saved_tensors
    *options, backend = ctx.options
    needed = ctx.needs_input_grad[:2]
    found = torch.ops.ssimloss.similarity_map_backward(upstream, x, y, *options, *needed, backend)
    return *_typed(found, (x, y), needed), *(None,) * len(ctx.options)


for _operator in ("similarity_means", "pyramid_scores"):
    torch.library.register_autograd(
        f"ssimloss::{_operator}", _means_backward(_operator), setup_context=_keep
    )
torch.library.register_autograd("ssimloss::pixel_means", _pixel_means_backward, setup_context=_keep)
torch.library.register_autograd(
    "ssimloss::similarity_map", _similarity_map_backward, setup_context=_keep
)
