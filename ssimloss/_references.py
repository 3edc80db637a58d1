"""What measures compute from a reference alone, kept while many images are compared with it.

A measure passes the part of its equation that sees only the reference to :func:`of_reference`.
Outside :func:`kept_references`, that is a plain call.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, TypeVar

import torch
from torch import Tensor

from ssimloss._torch import is_observed

T = TypeVar("T")

MOST: Final = 512 << 20  # bytes of all results that are kept
_ALIKE: Final = 16  # results of one function for arguments of one kind


class _Entry(NamedTuple):
    references: list[Tensor]
    result: Any
    bytes: int


class _Kept:
    """The results that were used last, of at most ``most`` bytes together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.bytes = 0
        self.entries: OrderedDict[tuple[Hashable, int], _Entry] = OrderedDict()
        self.numbers: dict[Hashable, list[int]] = {}
        self.count = 0

    def get(self, key: Hashable, references: Sequence[Tensor], make: Callable[[], T]) -> T:
        """The result for tensors of equal values, made if it is not there."""
        numbers = self.numbers.setdefault(key, [])
        for number in reversed(numbers):
            entry = self.entries[key, number]
            if all(map(torch.equal, entry.references, references)):
                self.entries.move_to_end((key, number))
                found: T = entry.result
                return found
        result = make()
        made = list(_tensors_in(result))
        size = sum(each.nbytes for each in (*made, *references))
        # A graph, such as that of a network in training, is for one backward pass.
        if size <= self.most and not any(each.requires_grad for each in made):
            if len(numbers) == _ALIKE:
                self._forget(key, numbers[0])
            self.count += 1
            numbers.append(self.count)
            self.entries[key, self.count] = _Entry([r.clone() for r in references], result, size)
            self.bytes += size
            while self.bytes > self.most:
                self._forget(*next(iter(self.entries)))
        return result

    def _forget(self, key: Hashable, number: int) -> None:
        self.bytes -= self.entries.pop((key, number)).bytes
        self.numbers[key].remove(number)


_KEPT: ContextVar[_Kept | None] = ContextVar("kept references", default=None)


@contextmanager
def kept_references(most: int = MOST) -> Iterator[None]:
    """Within it, what measures compute from a reference alone is computed once for equal values.

    Values do not change. Networks must not change either.

    Args:
        most: bytes of all results that are kept, those that were used last.
    """
    token = _KEPT.set(_Kept(most))
    try:
        yield
    finally:
        _KEPT.reset(token)


def of_reference(function: Callable[..., T], *arguments: Tensor | Hashable) -> T:
    """``function(*arguments)``; callers must not change the result.

    Args:
        function: of tensors and hashable values, a global function or a method.
        arguments: its arguments. Tensors, which were computed from the reference or are constant,
            are compared by their values.
    """
    if torch.compiler.is_compiling() or (kept := _KEPT.get()) is None:
        return function(*arguments)
    tensors = [each for each in arguments if isinstance(each, Tensor)]
    if not are_kept(*tensors):
        return function(*arguments)
    # Operations may take another path where a gradient is recorded.
    rest = tuple([None if isinstance(each, Tensor) else each for each in arguments])
    kinds = tuple([(each.shape, each.dtype) for each in tensors])
    key = (function, rest, kinds, torch.is_grad_enabled())
    return kept.get(key, tensors, lambda: function(*arguments))


def are_kept(*tensors: Tensor) -> bool:
    """Whether results of these tensors are kept: within :func:`kept_references`, on a CPU, without
    a gradient.
    """
    return not (
        torch.compiler.is_compiling()
        or _KEPT.get() is None
        or torch.is_inference_mode_enabled()
        or any(each.requires_grad or each.device.type != "cpu" for each in tensors)
        or is_observed(*tensors)
    )


def _tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors_in(each)
