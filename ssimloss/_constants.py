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

    A tensor of more than that is made at each call. Threads may share it.
    """

    _BESIDE = 1024  # bytes that a tensor takes beside its numbers, about

    def __init__(self, most: int) -> None:
        self.most = most
        self.bytes = 0
        self._tensors: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        """The tensor of this key, made if it is not there."""
        with self._lock:
            found = self._tensors.get(key)
            if found is not None:
                self._tensors.move_to_end(key)
                return found
        with torch.inference_mode(False):
            tensor = make()
        with self._lock:
            if key not in self._tensors and self._size(tensor) <= self.most:
                self._tensors[key] = tensor
                self.bytes += self._size(tensor)
                while self.bytes > self.most:
                    self.bytes -= self._size(self._tensors.popitem(last=False)[1])
        return tensor

    def __len__(self) -> int:
        return len(self._tensors)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._tensors.clear()
            self.bytes = 0

    def _size(self, tensor: Tensor) -> int:
        return tensor.numel() * tensor.element_size() + self._BESIDE


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
    if torch.compiler.is_compiling() or has_modes() or is_transformed():
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
