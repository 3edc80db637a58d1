"""The tensors that the gradient of a value would reach: the leaves of its autograd graph."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from ssimloss._torch import has_hooks

COMPILED = "CompiledFunctionBackward"
LEAF = "torch::autograd::AccumulateGrad"
Edge = tuple[Any, int]  # a node, and which of its inputs in the backward pass


class Reach(NamedTuple):
    """Where a graph ends.

    Attributes:
        at_output: whether one end is the output, ``pred``.
        leaves: the other ends: parameters and other tensors whose ``.grad`` would be filled.
        is_compiled: whether a part of the graph is compiled, and can be walked only once.
    """

    at_output: bool
    leaves: tuple[Tensor, ...]
    is_compiled: bool


def reach(value: Tensor, output: Tensor) -> Reach:
    """Follow the graph of ``value`` to its ends, but not beyond ``output``.

    No kernel runs; a node takes about a microsecond.
    """
    if value.grad_fn is None:
        is_leaf = value.requires_grad and value is not output
        return Reach(value is output, (value,) if is_leaf else (), False)
    leaves, passed, is_compiled = _walk(value, (output.grad_fn, output.output_nr))
    at_output = passed or leaves.pop(id(output), None) is not None
    return Reach(at_output, tuple(leaves.values()), is_compiled)


def leaves_behind(value: Tensor) -> list[Tensor]:
    """The leaves of the graph of ``value``."""
    return list(_walk(value, (None, 0))[0].values())


def _walk(value: Tensor, end: Edge) -> tuple[dict[int, Tensor], bool, bool]:
    """The leaves by id, whether the edge ``end`` was found, and whether a compiled part was."""
    leaves: dict[int, Tensor] = {}
    met = is_compiled = False
    edges: list[Edge] = [(value.grad_fn, value.output_nr)]
    seen = set()
    while edges:
        edge = edges.pop()
        node = edge[0]
        if node is None:
            continue
        if edge == end:
            met = True
        elif node not in seen:
            seen.add(node)
            name = node.name()
            if name == LEAF:
                leaves[id(node.variable)] = node.variable
            else:
                is_compiled = is_compiled or name == COMPILED
                edges.extend(node.next_functions)
    return leaves, met, is_compiled


def tensors_in(given: object) -> Iterator[Tensor]:
    """The tensors among an input, also within lists, tuples and dicts."""
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, (list, tuple)):
        for item in given:
            yield from tensors_in(item)
    elif isinstance(given, Mapping):
        yield from tensors_in(list(given.values()))


def needs_gradient(given: Iterable[object]) -> bool:
    """Whether autograd tracks one of the tensors."""
    return any(tensor.requires_grad for item in given for tensor in tensors_in(item))


def is_watched(tensor: Tensor) -> bool:
    """Whether other code handles the tensor's gradient: by a hook, or by ``retain_grad()``."""
    return tensor.retains_grad or has_hooks(tensor)


class KeepGrads:
    """A context in which gradients do not change a ``.grad`` kept by ``retain_grad()``."""

    def __init__(self, given: Iterable[object]) -> None:
        """``given`` are the inputs of the terms."""
        self._kept = [
            (tensor, tensor.grad)
            for item in given
            for tensor in tensors_in(item)
            if tensor.retains_grad
        ]

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *error: object) -> None:
        """Restore the gradients."""
        for tensor, before in self._kept:
            tensor.grad = before
