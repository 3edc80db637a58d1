"""Counts images outside the data range of the losses that compare them, on the device at every
100th step, and warns once without waiting for the device.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor

from ssimloss import _ranges
from ssimloss._checks import DataRange
from ssimloss._torch import is_observed, plain
from ssimloss._warnings import warn
from ssimloss.combined.alarms import LossWarning
from ssimloss.combined.term import Term

EVERY = 100
IMAGES = ("pred", "target")


class _Asked(NamedTuple):
    """Images, and the terms that compare them in one data range."""

    data_range: DataRange
    images: tuple[str, ...]
    terms: tuple[str, ...]


class _Counted(NamedTuple):
    """Counts on their way to the host."""

    asked: _Asked
    images: list[str]
    counts: Tensor
    arrival: torch.cuda.Event | None


class RangeWatch:
    """The images of one criterion."""

    def __init__(self, terms: Mapping[str, Term]) -> None:
        """Find the terms whose module has a ``data_range``."""
        found: dict[tuple[DataRange, tuple[str, ...]], list[str]] = {}
        for name, term in terms.items():
            data_range = getattr(term.module, "data_range", None)
            images = tuple(key for key in term.inputs if key in IMAGES)
            # A mask hides pixels of any value.
            if images and isinstance(data_range, (int, float, tuple)) and "mask" not in term.inputs:
                found.setdefault((data_range, images), []).append(name)
        self._asked = [_Asked(*key, tuple(names)) for key, names in found.items()]
        self._counted: list[_Counted] = []
        self._reported: set[_Asked] = set()

    def count(self, step: int, given: Mapping[str, object]) -> None:
        """Count, if this step is one of those that count."""
        if torch.compiler.is_compiling() or is_observed() or step % EVERY:
            return
        for asked in self._asked:
            images = {name: plain(given.get(name)) for name in asked.images}
            tensors = [image for image in images.values() if _is_countable(image)]
            if asked not in self._reported and len(tensors) == len(images):
                counts = _ranges.count(*tensors, data_range=asked.data_range)
                self._counted.append(_sent(asked, list(images), counts))

    def warn(self, *, wait: bool = False) -> None:
        """Warn of counts that have arrived, or of all if ``wait``."""
        ready: list[_Counted] = []
        waiting: list[_Counted] = []
        for counted in self._counted:
            (ready if wait or _has_arrived(counted) else waiting).append(counted)
        self._counted = waiting
        for asked, images, counts, arrival in ready:
            if arrival is not None:
                arrival.synchronize()
            words = _ranges.describe(counts, asked.data_range, images)
            if words and asked not in self._reported:
                self._reported.add(asked)
                of = ", ".join(repr(name) for name in asked.terms)
                plural = "s" * (len(asked.terms) > 1)
                warn(f"term{plural} {of}: {words}; {_ranges.WAY_OUT}", LossWarning)

    def __getstate__(self) -> dict[str, Any]:
        """Copies drop counts that have not arrived yet."""
        return {**self.__dict__, "_counted": []}


def _is_countable(image: object) -> TypeGuard[Tensor]:
    """Whether it is a tensor with values, outside of tracing and transforms."""
    if not isinstance(image, Tensor) or image.is_meta or is_observed(image):
        return False
    return image.is_floating_point()


def _sent(asked: _Asked, images: list[str], counts: Tensor) -> _Counted:
    """Start the copy to the host without waiting for it."""
    if counts.device.type != "cuda":
        return _Counted(asked, images, counts, None)
    stream = torch.cuda.current_stream(counts.device)
    copy = counts.to("cpu", non_blocking=True)
    arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrival.record(stream)
    return _Counted(asked, images, copy, arrival)


def _has_arrived(counted: _Counted) -> bool:
    return counted.arrival is None or bool(counted.arrival.query())  # type: ignore[no-untyped-call]
