"""Constants of formulas, such as windows, converted once from Python numbers to tensors on the
device of the images.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss._torch import has_modes, is_traced, is_transformed

Matrix = tuple[tuple[float, ...], ...]
Values = tuple[float, ...] | Matrix


class Kept:
    """The tensors that were used last, of at most ``most`` bytes together.

    Beside these, the last two of more than that each are kept, as many as one call of FSIM needs.
    What a CUDA graph read while it was captured is kept for ever, as the graph reads it again.
    Threads may share a ``Kept``.
    """

    _BESIDE = 1024  # bytes that a tensor takes beside its numbers, about
    _MOST_LARGE = 2

    def __init__(self, most: int) -> None:
        self.most = most
        self.bytes = 0
        self._tensors: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._large: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._of_graphs: dict[Hashable, Tensor] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        """The tensor of this key, made if it is not there."""
        with self._lock:
            tensor = self._found(key)
        if tensor is None:
            with torch.inference_mode(False):
                tensor = make()
            with self._lock:
                tensor = self._added(key, tensor)
        if is_captured(tensor):
            with self._lock:
                self._of_graphs[key] = tensor
        return tensor

    def __len__(self) -> int:
        return len(self._tensors) + len(self._large)

    def clear(self) -> None:
        """Forget all but those of CUDA graphs."""
        with self._lock:
            self._tensors.clear()
            self._large.clear()
            self.bytes = 0

    def _found(self, key: Hashable) -> Tensor | None:
        for tensors in (self._tensors, self._large):
            if key in tensors:
                tensors.move_to_end(key)
                return tensors[key]
        return self._of_graphs.get(key)

    def _added(self, key: Hashable, tensor: Tensor) -> Tensor:
        """The tensor, or that of a thread which was faster."""
        there = self._found(key)
        if there is not None:
            return there
        if self._size(tensor) > self.most:
            self._large[key] = tensor
            if len(self._large) > self._MOST_LARGE:
                self._large.popitem(last=False)
            return tensor
        self._tensors[key] = tensor
        self.bytes += self._size(tensor)
        while self.bytes > self.most:
            self.bytes -= self._size(self._tensors.popitem(last=False)[1])
        return tensor

    def _size(self, tensor: Tensor) -> int:
        return tensor.numel() * tensor.element_size() + self._BESIDE


def is_captured(tensor: Tensor) -> bool:
    """Whether a CUDA graph is being captured, which will read the tensor."""
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()


# FSIM's filters for images of 256 x 256 take 4 MiB in float32. Small constants are kept apart: a
# stream of image sizes does not displace them.
KEPT = Kept(1 << 20)
KEPT_PLANES = Kept(64 << 20)


def constant(values: Values, like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Numbers as a tensor on the device of ``like``, in its dtype unless one is given. Callers must
    not change the tensor.

    The first call copies the numbers to the device and waits; later calls return the same tensor.
    While operations are traced or transformed, each call makes a new tensor.
    """
    dtype, device = like.dtype if dtype is None else dtype, like.device
    if torch.compiler.is_compiling() or has_modes() or is_transformed() or is_traced():
        return made(values, dtype, device)
    return KEPT.get((values, dtype, device), lambda: made(values, dtype, device))


def planes(build: Callable[..., NDArray[np.float64]], *arguments: float, like: Tensor) -> Tensor:
    """The array ``build(*arguments)``, computed on the host in float64, as :func:`constant`
    returns it.
    """
    dtype, device = like.dtype, like.device
    if torch.compiler.is_compiling():
        return made(build(*arguments), dtype, device)
    # torch.jit.trace has tensors for sizes.
    given = [each if isinstance(each, float) else int(each) for each in arguments]
    if has_modes() or is_transformed() or is_traced():
        return made(build(*given), dtype, device)
    key = (build, *given, dtype, device)
    return KEPT_PLANES.get(key, lambda: made(build(*given), dtype, device))


def made(values: Values | NDArray[np.float64], dtype: torch.dtype, device: torch.device) -> Tensor:
    """A new tensor, copied from the host."""
    return torch.tensor(values, dtype=dtype, device=device)
