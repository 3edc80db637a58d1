"""Peak memory of a call: the most bytes live at once, minus the bytes live before the call."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.profiler import ProfilerActivity, profile


def peak_bytes(call: Callable[[], object], device: torch.device) -> int:
    """The peak of PyTorch's allocations during the call.

    On a CPU, the profiler records all allocations and releases, which are summed in order of time.
    On CUDA, the allocator keeps the peak. Memory that a library does not allocate by PyTorch's
    allocator is not counted.
    """
    call()  # objects that are made only once (packed weights, plans) are not part of a step
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        call()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        call()
    events = recorded.profiler.kineto_results.events()
    live = peak = 0
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


@contextmanager
def settled() -> Iterator[None]:
    """Within it, :func:`peak_bytes` collects only garbage that is made from now on. Otherwise each
    call looks at all objects of the process, which takes longer than most losses.
    """
    if gc.get_freeze_count():  # the caller's own, which unfreezing would end
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
