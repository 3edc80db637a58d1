"""Peak memory of a call as the operating system counts it: whatever library allocated it, and by
whatever allocator.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from pathlib import Path

_LEAST_MAPPED = 1 << 16  # bytes
_M_MMAP_THRESHOLD = -3  # as malloc.h numbers it
_OWN = Path("/proc/self")


def is_measured() -> bool:
    """Whether this system counts the peak of a process and can start counting again: Linux."""
    return sys.platform == "linux" and (_OWN / "clear_refs").exists()


def return_freed_memory() -> None:
    """From now on in this process, glibc gives blocks of 64 KiB and more back when they are freed.

    It keeps freed blocks otherwise, and a later call that takes them would seem to need nothing.
    Allocations then take longer: call this after the times are taken.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LEAST_MAPPED)
        libc.malloc_trim(0)


def peak_resident_bytes(call: Callable[[], object]) -> int:
    """The most memory of this process during the call, minus that before the call.

    Only pages that the call writes to are counted. Memory that a library keeps from earlier calls
    counts as there before.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    (_OWN / "clear_refs").write_text("5", encoding="ascii")  # the peak is what is resident now
    before = _status("VmRSS")
    call()
    return max(0, _status("VmHWM") - before)


def _status(name: str) -> int:
    """A line of the process's status in bytes."""
    lines = (_OWN / "status").read_text(encoding="ascii").splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return 1024 * int(found)
