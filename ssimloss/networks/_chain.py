"""A chain of layers, run in order up to the deepest requested one.

If the image needs a gradient, consecutive layers with an
:mod:`operation <ssimloss.networks._operations>` run in one ``autograd.Function``, which keeps bytes
instead of activations. Other layers run in PyTorch's autograd in between. ``torch.compile``,
``torch.func`` and forward-mode differentiation need plain operations; these then run, with the
same results.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from ssimloss._precision import autocast_off
from ssimloss._torch import dispatches, is_transformed, own_children
from ssimloss.networks import _checkpoint
from ssimloss.networks._bytes import is_memory
from ssimloss.networks._operations import (
    Kept,
    MaxPool,
    Operation,
    Rectifier,
    has_hooks,
    operation_of,
)


@dataclass(frozen=True)
class Step:
    """One layer, or several fused ones, and the path under which the output is requested."""

    run: Operation | nn.Module
    tap: bool  # whether its output is requested


def steps_of(network: nn.Sequential, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Path and module of each layer, with nested ``nn.Sequential`` expanded. A layer that is used
    twice appears twice.
    """
    for name, child in own_children(network).items():
        assert child is not None
        path = f"{prefix}{name}"
        if type(child) is nn.Sequential and len(child) and not has_hooks(child):
            yield from steps_of(child, f"{path}.")
        else:
            yield path, child


def is_chain(network: nn.Module) -> TypeGuard[nn.Sequential]:
    """Whether a network only applies its layers one after another."""
    return type(network) is nn.Sequential and not has_hooks(network)


def is_plain_chain(network: nn.Module) -> bool:
    """Whether a network is a chain of PyTorch's own layers, which accept any memory layout."""
    if not is_chain(network):
        return False
    return all(
        operation_of(module) is not None or _is_known(module) for _, module in steps_of(network)
    )


def positions(network: nn.Sequential) -> dict[str, int]:
    """Module path -> the index of the layer with this output. An expanded ``nn.Sequential`` has the
    output of its last layer.
    """
    found: dict[str, int] = {}
    for index, (path, _) in enumerate(steps_of(network)):
        parts = path.split(".")
        for depth in range(1, len(parts) + 1):
            found[".".join(parts[:depth])] = index
    return found


class Chain:
    """Runs ``network`` up to the deepest of ``paths`` and returns ``{path: features}``."""

    def __init__(self, network: nn.Sequential, paths: Sequence[str], *, checkpoint: bool) -> None:
        index_of = positions(network)
        self.outputs = {path: index_of[path] for path in paths}
        taps = sorted(set(self.outputs.values()))
        self.order = {index: place for place, index in enumerate(taps)}
        self.checkpoint = checkpoint
        modules = [module for _, module in steps_of(network)][: taps[-1] + 1]
        self.steps = _together(
            [
                Step(operation_of(module) or module, index in self.order)
                for index, module in enumerate(modules)
            ]
        )

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Features by path; equal paths share a tensor."""
        if self.checkpoint and _checkpoint.pays(image):
            found = self._checkpointed(image)
        else:
            found = _run(self.steps, image)
        return {path: found[self.order[index]] for path, index in self.outputs.items()}

    def _checkpointed(self, x: Tensor) -> list[Tensor]:
        """Run from tap to tap; the backward pass runs each part again."""
        found: list[Tensor] = []
        start = 0
        for index, step in enumerate(self.steps):
            if step.tap:
                part = self.steps[start : index + 1]
                x = _checkpoint.run_again(functools.partial(_last, part), x)
                found.append(x)
                start = index + 1
        return found


def _together(steps: list[Step]) -> tuple[Step, ...]:
    """Fuse a ReLU into a max pooling if only the pooling uses its output."""
    joined: list[Step] = []
    for step in steps:
        before = joined[-1] if joined else None
        if (
            isinstance(step.run, MaxPool)
            and before is not None
            and isinstance(before.run, Rectifier)
            and not before.tap
        ):
            joined[-1] = Step(replace(step.run, rectified=True), step.tap)
        else:
            joined.append(step)
    return tuple(joined)


def _last(steps: Sequence[Step], x: Tensor) -> Tensor:
    return _run(steps, x)[-1]


def _run(steps: Sequence[Step], x: Tensor) -> list[Tensor]:
    """The requested outputs, in order."""
    if torch.compiler.is_compiling() or is_transformed() or dispatches(x, fake=False):
        return _run_plain(steps, x)
    found: list[Tensor] = []
    for is_stretch, part in _stretches(steps):
        if not is_stretch:
            x = _call(part[0], x)
            found += [x] if part[0].tap else []
        elif torch.is_grad_enabled() and x.requires_grad:
            *taps, x = _Stretch.apply(x, part)
            found += [*taps, x] if part[-1].tap else taps
        else:
            taps, x, _, _ = _push(part, x, keep=False)
            found += taps
    return found


def _run_plain(steps: Sequence[Step], x: Tensor) -> list[Tensor]:
    found = []
    for step in steps:
        x = _call(step, x) if isinstance(step.run, nn.Module) else step.run.plain(x)
        if step.tap:
            found.append(x)
    return found


def _call(step: Step, x: Tensor) -> Tensor:
    """A layer without an operation, run as a module."""
    assert isinstance(step.run, nn.Module)
    y = step.run(x.clone() if _may_overwrite(step.run) else x)
    if not isinstance(y, Tensor):
        raise TypeError(
            f"a layer of a chain must return a tensor, {type(step.run).__name__} returned "
            f"{type(y).__name__}"
        )
    return y


def _may_overwrite(module: nn.Module) -> bool:
    """Whether a layer may change its input in place. The input may be a tap or the user's image."""
    return not _is_known(module) or any(
        getattr(part, "inplace", False) for part in module.modules()
    )


def _is_known(module: nn.Module) -> bool:
    """Whether a layer and all its submodules are classes of PyTorch or of this package."""
    return all(
        type(part).__module__.startswith(("torch.nn.", "ssimloss.")) for part in module.modules()
    )


def _stretches(steps: Sequence[Step]) -> Iterator[tuple[bool, tuple[Step, ...]]]:
    """Split into runs of operations (``True``) and single modules (``False``)."""
    part: list[Step] = []
    for step in steps:
        if isinstance(step.run, nn.Module):
            if part:
                yield True, tuple(part)
            part = []
            yield False, (step,)
        else:
            part.append(step)
    if part:
        yield True, tuple(part)


def _push(
    steps: Sequence[Step], x: Tensor, *, keep: bool
) -> tuple[list[Tensor], Tensor, list[Kept], list[torch.Size]]:
    """Run operations without a graph. Return the requested outputs, the last output, the tensors
    kept by each operation, and the shapes of their inputs.
    """
    taps: list[Tensor] = []
    kept: list[Kept] = []
    shapes: list[torch.Size] = []
    owned = False
    for step in steps:
        assert not isinstance(step.run, nn.Module)
        shapes.append(x.shape)
        x, bytes_ = step.run.push(x, owned=owned, keep=keep)
        kept.append(bytes_)
        owned = not step.tap
        if step.tap:
            taps.append(x)
    return taps, x, kept, shapes


class _Stretch(torch.autograd.Function):
    """Consecutive operations. Returns the requested outputs before the last one, and the last."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, steps: Sequence[Step]) -> tuple[Tensor, ...]:
        taps, last, kept, ctx.shapes = _push(steps, x, keep=True)
        ctx.steps = steps
        ctx.counts = [len(k) for k in kept]
        ctx.save_for_backward(*(tensor for k in kept for tensor in k))
        ctx.set_materialize_grads(False)
        return (*(taps[:-1] if steps[-1].tap else taps), last)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor | None) -> tuple[Tensor | None, None]:
        # The backward pass may run inside an autocast region.
        with autocast_off(*(tensor for tensor in upstream if tensor is not None)):
            return _Stretch._pull(ctx, upstream), None

    @staticmethod
    def _pull(ctx: Any, upstream: Sequence[Tensor | None]) -> Tensor | None:
        *tapped, gradient = upstream
        saved = list(ctx.saved_tensors)
        in_place = all(is_memory(tensor) for tensor in upstream if tensor is not None)
        owned = False
        for index in reversed(range(len(ctx.steps))):
            step = ctx.steps[index]
            if step.tap and index < len(ctx.steps) - 1:
                tap = tapped.pop()
                if gradient is None:
                    gradient, owned = tap, False
                elif tap is not None:
                    gradient, owned = gradient + tap, in_place
            kept = tuple(saved[len(saved) - ctx.counts[index] :])
            del saved[len(saved) - ctx.counts[index] :]
            if gradient is not None:
                gradient = step.run.pull(gradient, kept, ctx.shapes[index], owned=owned)
                owned = in_place
        return gradient


class Single(nn.Module):
    """One operation as a layer of a graph.

    Args:
        inplace: whether it may overwrite its input if there is no graph.
    """

    def __init__(self, operation: Operation, *, inplace: bool) -> None:
        super().__init__()
        self.inplace = inplace
        self.steps = (Step(operation, True),)

    def forward(self, x: Tensor) -> Tensor:
        """Run it."""
        if not (
            torch.compiler.is_compiling()
            or is_transformed()
            or dispatches(x, fake=False)
            or (torch.is_grad_enabled() and x.requires_grad)
        ):
            operation = self.steps[0].run
            assert not isinstance(operation, nn.Module)
            return operation.push(x, owned=self.inplace, keep=False)[0]
        return _run(self.steps, x)[0]
