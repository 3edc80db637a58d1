"""The gradient of each term at the output, and one node that passes their weighted sum on.

``torch.autograd.grad`` differentiates each term up to ``pred`` and no further. One node passes the
weighted sum of these gradients to the network behind ``pred``. Its value is the weighted sum of the
terms, a plain scalar for ``backward()``, DistributedDataParallel and ``GradScaler``.

A term's graph may have other leaves, such as the parameters of a discriminator that is not frozen.
The term is differentiated with respect to them in the same pass, and the node passes on their
gradients. Some gradients must not be computed ahead of time, because hooks wait for them or because
they reach the network by a path around ``pred``. Such a term is measured and then added as it is,
like a term that does not reach ``pred``.

Half precision: terms get a float32 copy of ``pred``. Every value is scaled by a power of two during
the backward pass, because gradients of single pixels underflow in float16.
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
        leaves, at_leaves: the other leaves of its graph, and its gradients there, times the scale.
        is_fed: whether the node passes on its gradients; otherwise the value is added as it is.
    """

    value: Tensor
    at_output: Tensor | None = None
    leaves: tuple[Tensor, ...] = ()
    at_leaves: tuple[Tensor | None, ...] = ()
    is_fed: bool = False


class Output:
    """``pred`` of one call: the copy that the terms get, and the way their gradients take to it.

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
                    # With a float32 pred, losses of torch need float32 images throughout.
                    self.given[name] = value.float()

    def differentiate(self, value: Tensor, inputs: list[object], *, feed_all: bool) -> Part:
        """The gradients of a term's value.

        Args:
            value: the term's value.
            inputs: what the term was given.
            feed_all: whether the node also passes on gradients of a term that does not reach
                ``pred``.
        """
        if not value.requires_grad:
            return Part(value)
        found = reach(value, self.pred)
        if not found.at_output and not feed_all:
            return Part(value)
        handled = any(is_watched(t) for t in (*tensors_in(inputs), *found.leaves, self.pred))
        # A gradient to parameters behind pred would count the path through pred a second time.
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
                    # Other code may still need this graph; a compiled one can be used only once.
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
        """Return ``value`` with a node that passes on the weighted gradients of all fed parts.

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
    """Disable autocast for the backward pass: within its region, autocast would lower the precision
    of the products.
    """
    if torch.is_autocast_enabled(value.device.type):
        return torch.autocast(value.device.type, enabled=False)
    return contextlib.nullcontext()


class _Gate:
    """While gradients are measured, stops them from passing from the float32 copy to ``pred``."""

    def __init__(self) -> None:
        self.is_closed = False

    def __enter__(self) -> None:
        self.is_closed = True

    def __exit__(self, *error: object) -> None:
        self.is_closed = False


class _Float32(torch.autograd.Function):
    """A float32 copy. Its gradient can be read in float32, before it is rounded."""

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
                "a step that CombinedLoss balances or diagnoses has no second derivative; to use "
                "create_graph=True, build the CombinedLoss without balance, diagnose_every, "
                "check_every and on_nonfinite"
            )
        entering = [
            (known * gradient.to(known)).to(dtype)
            for known, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        ]
        return (None, None, *entering, *(None for _ in entering))
