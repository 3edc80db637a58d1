"""PyTorch's precision flags: a context in which float32 is that of IEEE 754.

By default cuDNN multiplies in TF32, which keeps 10 bits of each factor, and
``torch.set_float32_matmul_precision`` allows TF32 or bfloat16 in matrix products on any device.

The flags belong to the process, not to a thread. Threads may be inside at the same time, as in
``nn.DataParallel`` and in backward passes on several devices. They share one change: the first
thread to enter makes it, the last one to leave reverts it.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import torch

_Restore = Callable[[], None]
_EXACT = ("ieee", "none")  # values of ``fp32_precision``; "none" allows nothing
_cudnn: Any = torch.backends.cudnn
_cuda: Any = torch.backends.cuda
_onednn: Any = torch.backends.mkldnn


class _IEEE:
    """The context manager. It is reentrant, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._restore: list[_Restore] = []

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._restore = _forbid()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._take_back()

    def _take_back(self) -> None:
        for restore in self._restore:
            restore()
        self._restore = []

    def after_fork(self) -> None:
        """Reset the state in a child process, which has none of the parent's other threads."""
        self._lock = threading.Lock()
        self._inside = 0
        self._take_back()


IEEE = _IEEE()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=IEEE.after_fork)


def _forbid() -> list[_Restore]:
    """Disable every flag that allows less than float32, and return functions that restore them.

    Older versions of PyTorch have no ``fp32_precision``. In newer ones, the old names raise an
    error after the new one has been used.
    """
    found = [] if not getattr(_onednn, "allow_tf32", False) else [_changed_tf32(_onednn)]
    if not hasattr(torch.backends, "fp32_precision"):
        if _cudnn.allow_tf32:
            found.append(_changed_tf32(_cudnn))
        precision = torch.get_float32_matmul_precision()
        if precision != "highest":
            torch.set_float32_matmul_precision("highest")
            found.append(lambda: torch.set_float32_matmul_precision(precision))
        return found
    for flag, parent in (
        (_cudnn.conv, _cudnn),
        (_cuda.matmul, _cudnn),
        (_onednn.conv, _onednn),
        (_onednn.matmul, _onednn),
    ):
        if flag.fp32_precision not in _EXACT:
            found.append(_changed_precision(flag, parent))
    return found


def _changed_tf32(flag: Any) -> _Restore:
    flag.allow_tf32 = False

    def restore() -> None:
        flag.allow_tf32 = True

    return restore


def _changed_precision(flag: Any, parent: Any) -> _Restore:
    """Change one flag. If it had inherited its value, it is restored to "none", so that it follows
    the flag of its backend or the global one again.
    """
    before = flag.fp32_precision
    inherited = parent.fp32_precision == before
    flag.fp32_precision = "ieee"

    def restore() -> None:
        flag.fp32_precision = "none" if inherited else before

    return restore
