"""The fraction of a step's time that each term takes for its value and its gradient at ``pred``.

On a CUDA device, times are measured between events, which are read when the device is read anyway.
Elsewhere they are measured by the clock, since calls return when they are done.
"""

import time

import torch

Mark = float | torch.cuda.Event


class Stopwatch:
    """Times of the last measured step, which lasts from the end of one call to that of the next."""

    def __init__(self) -> None:
        """Nothing was timed."""
        self._end: Mark | None = None
        self._before: Mark | None = None
        self._laps: dict[str, tuple[Mark, Mark]] = {}
        self._running: dict[str, tuple[Mark, Mark]] = {}
        self._step: tuple[Mark, Mark] | None = None

    def begin(self, device: torch.device) -> None:
        """Called when a measured call begins to evaluate its terms."""
        self._running, self._before = {}, _mark(device)

    def lap(self, name: str, device: torch.device) -> None:
        """Called when a term is done."""
        now = _mark(device)
        if self._before is not None:
            self._running[name] = self._before, now
        self._before = now

    def end(self, device: torch.device) -> None:
        """Called at the end of every call, measured or not."""
        now = _mark(device)
        if self._running and self._end is not None:
            self._laps, self._step = self._running, (self._end, now)
        self._end, self._running = now, {}

    def parts(self) -> dict[str, float]:
        """By term, its fraction of a step's time; empty before the second call."""
        whole = 0.0 if self._step is None else _seconds(*self._step)
        return {name: _seconds(*lap) / whole for name, lap in self._laps.items() if whole > 0}


def _mark(device: torch.device) -> Mark:
    if device.type != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    return event


def _seconds(begin: Mark, end: Mark) -> float:
    if isinstance(begin, torch.cuda.Event) and isinstance(end, torch.cuda.Event):
        end.synchronize()  # of an earlier step, or of this one, which has just been read
        return float(begin.elapsed_time(end)) / 1e3
    if isinstance(begin, float) and isinstance(end, float):
        return end - begin
    return 0.0  # the two events are on different devices
