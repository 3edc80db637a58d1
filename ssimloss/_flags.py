"""PyTorch's precision flags: a region in which float32 is that of IEEE 754.

By default cuDNN multiplies in TF32, which keeps 10 bits of each factor, and
``torch.set_float32_matmul_precision`` allows TF32 or bfloat16 in matrix products on any device.

The flags belong to the process, not to a thread. Threads that are inside at the same time, as in
``nn.DataParallel`` and in backward passes on several devices, share one change: the first one in
makes it, the last one out takes it back.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import torch

_Restore = Callable[[], None]
_EXACT = ("ieee", "none")  # of ``fp32_precision``; with "none", nobody has allowed anything
_cudnn: Any = torch.backends.cudnn
_cuda: Any = torch.backends.cuda
_onednn: Any = torch.backends.mkldnn


class _IEEE:
    """The region, for ``with``; may be entered again inside itself, in any thread."""

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
        """In a child process, whose parent's other threads are gone."""
        self._lock = threading.Lock()
        self._inside = 0
        self._take_back()


IEEE = _IEEE()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=IEEE.after_fork)


def _forbid() -> list[_Restore]:
    """Set every flag that allows less than float32; returns what sets them back.

    Older versions of PyTorch know no ``fp32_precision``. Newer ones refuse the old names once
    somebody has used the new one.
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
    """Change one flag. It goes back to "none" where that means the same, so that it follows the
    flag of its backend, or that of all, as it did before.
    """
    before = flag.fp32_precision
    inherited = parent.fp32_precision == before
    flag.fp32_precision = "ieee"

    def restore() -> None:
        flag.fp32_precision = "none" if inherited else before

    return restore
