"""The gradient of each term at the output, and one way into the network for their weighted sum.

``torch.autograd.grad`` differentiates each term up to ``pred`` and no further. The weighted sum of
these gradients enters the network behind ``pred`` through one node, whose value is the weighted sum
of the terms: a plain scalar to ``backward()``, DistributedDataParallel and a ``GradScaler``.

A term whose graph has other ends, such as the parameters of a discriminator that was not frozen,
is differentiated with respect to them in the same pass, and the node hands them their part. Where
a gradient may not be taken ahead of time, since hooks wait for it or it reaches the network around
``pred`` as well, the term is measured and then added as it is, and so is one that does not reach
``pred``.

Half precision: terms see a float32 copy of ``pred``, and every value is scaled by a power of two
while gradients pass, since those of single pixels underflow in float16.
"""

import contextlib
import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ssimloss._torch import plain
from ssimloss.combined.graph import KeepGrads, is_watched, leaves_behind, reach, tensors_in

HALF = (torch.float16, torch.bfloat16)
MOST_SCALE = 2**12  # beyond, the sum of an error over an image would overflow float16
Weight = float | Tensor


class Part(NamedTuple):
    """A term in one call.

    Attributes:
        value: the scalar that it returned, with its graph unless it is fed.
        at_output: its gradient at ``pred``, at least float32, times the scale; None if it does not
            reach ``pred``.
        leaves, at_leaves: the other ends of its graph, and its gradients there, times the scale.
        is_fed: whether its gradients enter by the node; otherwise the value is added as it is.
    """

    value: Tensor
    at_output: Tensor | None = None
    leaves: tuple[Tensor, ...] = ()
    at_leaves: tuple[Tensor | None, ...] = ()
    is_fed: bool = False


class Output:
    """``pred`` of one call, as the terms see it and as their gradients reach it.

    Attributes:
        given: the inputs of the terms, with ``pred`` in float32 at least.
        scale: the power of two by which gradients are scaled.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        """``given`` holds ``pred``, a tensor that needs a gradient."""
        pred = given["pred"]
        if not isinstance(pred, Tensor):
            raise TypeError(f"pred must be a tensor, got {type(pred).__name__}")
        self.pred, self.given = pred, dict(given)
        self.scale = _scale(pred, given)
        self._gate = _Gate()
        self._seen = pred
        self._all = tuple(tensors_in(list(given.values())))
        if pred.dtype in HALF:
            self._seen = _Float32.apply(pred, self._gate)
            for name, value in given.items():
                if value is pred:
                    self.given[name] = self._seen
                elif isinstance(value, Tensor) and value.dtype in HALF and not value.requires_grad:
                    # Beside a float32 pred, losses of torch want all of their images so.
                    self.given[name] = value.float()

    def differentiate(self, value: Tensor, inputs: list[object], *, feed_all: bool) -> Part:
        """The gradients of a term's value.

        Args:
            value: the term's value.
            inputs: what the term was given.
            feed_all: whether a term that does not reach ``pred`` enters by the node, too.
        """
        if not value.requires_grad:
            return Part(value)
        found = reach(value, self.pred)
        if not found.at_output and not feed_all:
            return Part(value)
        handled = any(is_watched(t) for t in (*tensors_in(inputs), *found.leaves, self.pred))
        # A gradient to parameters behind pred would hold what passes through pred a second time.
        around = found.at_output and any(id(leaf) in self._behind for leaf in found.leaves)
        is_fed = not handled and not around
        leaves = found.leaves if is_fed else ()
        ends = (self.pred,) if self._seen is self.pred else (self.pred, self._seen)
        with KeepGrads(self._all), self._gate, _without_autocast(value):
            gradients = plain(
                torch.autograd.grad(
                    value,
                    (*ends, *leaves),
                    torch.full_like(value, self.scale),
                    # Whoever else holds this graph may still need it; a compiled one is for once.
                    retain_graph=not is_fed or not found.is_compiled,
                    allow_unused=True,
                )
            )
        here = [g.to(self._seen.dtype) for g in gradients[: len(ends)] if g is not None]
        at_output = here[0] + here[1] if len(here) == 2 else here[0] if here else None
        value = value.detach() if is_fed else value
        return Part(value, at_output, leaves, gradients[len(ends) :], is_fed)

    @functools.cached_property
    def _behind(self) -> set[int]:
        """The parameters of the network that made ``pred``."""
        if self.pred.grad_fn is None:
            return set()
        return {id(leaf) for leaf in leaves_behind(self.pred)}

    def enter(
        self, parts: list[tuple[Part, Weight]], finite: list[Tensor | None], value: Tensor
    ) -> Tensor:
        """``value`` with the weighted sum of the gradients of all fed parts behind it.

        Args:
            parts: the fed parts with their weights.
            finite: for each, a scalar that is False where its gradients count as 0, or None.
            value: the weighted sum of their values, without a graph.
        """
        sums: dict[int, tuple[Tensor, list[tuple[Weight, Tensor, Tensor | None]]]] = {}
        for (part, weight), ok in zip(parts, finite, strict=True):
            weight = weight / self.scale
            ends = ((self.pred, part.at_output), *zip(part.leaves, part.at_leaves, strict=True))
            for tensor, gradient in ends:
                if gradient is not None:
                    sums.setdefault(id(tensor), (tensor, []))[1].append((weight, gradient, ok))
        tensors = [tensor for tensor, _ in sums.values()]
        gradients = [_weighted_sum(terms) for _, terms in sums.values()]
        result: Tensor = _Enter.apply(value, len(tensors), *tensors, *gradients)
        return plain(result)


def _scale(pred: Tensor, given: Mapping[str, object]) -> float:
    """A power of two near the number of elements over which a term may take its mean."""
    sizes = [pred.numel()]
    for tensor in tensors_in(list(given.values())):
        if tensor.requires_grad and tensor.dtype in HALF:
            sizes.append(tensor.numel())
    return float(min(MOST_SCALE, 2 ** int(math.log2(max(1, min(sizes))))))


def _weighted_sum(terms: list[tuple[Weight, Tensor, Tensor | None]]) -> Tensor:
    total: Tensor | None = None
    for weight, gradient, ok in terms:
        if ok is not None:
            gradient = torch.where(ok, gradient, 0.0)
        if isinstance(weight, Tensor):
            weight = weight.to(gradient.dtype)
        if total is None or gradient.is_sparse:
            part = gradient * weight
            total = part if total is None else total + part
        elif isinstance(weight, Tensor):
            total.addcmul_(gradient, weight)
        else:
            total.add_(gradient, alpha=weight)
    assert total is not None
    return total


def _without_autocast(value: Tensor) -> contextlib.AbstractContextManager[Any]:
    """Gradients pass in the precision of the forward pass: autocast would lower the products of a
    backward pass that runs within its region.
    """
    if torch.is_autocast_enabled(value.device.type):
        return torch.autocast(value.device.type, enabled=False)
    return contextlib.nullcontext()


class _Gate:
    """Closed while gradients are measured: then none passes from the float32 copy to ``pred``."""

    def __init__(self) -> None:
        self.is_closed = False

    def __enter__(self) -> None:
        self.is_closed = True

    def __exit__(self, *error: object) -> None:
        self.is_closed = False


class _Float32(torch.autograd.Function):
    """A float32 copy, whose own gradient is read in float32 and not rounded on its way."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, gate: _Gate) -> Tensor:
        ctx.gate, ctx.dtype = gate, image.dtype
        return image.float()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None]:
        return None if ctx.gate.is_closed else gradient.to(ctx.dtype), None


class _Enter(torch.autograd.Function):
    """A value whose gradient at each tensor is known."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, count: int, *tensors_and_gradients: Tensor) -> Tensor:
        tensors, gradients = tensors_and_gradients[:count], tensors_and_gradients[count:]
        ctx.save_for_backward(*gradients)
        ctx.dtypes = [tensor.dtype for tensor in tensors]
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "CombinedLoss keeps the first derivative of a step that it balances or diagnoses, "
                "and has no second one; differentiate twice with create_graph=True through a "
                "CombinedLoss without balance, diagnose_every, check_every and on_nonfinite"
            )
        entering = [
            (known * gradient.to(known)).to(dtype)
            for known, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        ]
        return (None, None, *entering, *(None for _ in entering))
