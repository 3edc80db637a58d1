"""Interleaved timing: all contenders run in one process, in turn, round after round. Slices that
other processes disturbed are measured again.

Contenders timed one after another meet different clocks, caches and neighbours. Here each round
gives every contender a short slice, in an order that rotates, so that a slow minute is slow for all
of them.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

# A slice counts as disturbed if other processes used the processors, or the host took them away,
# for more than these shares of its wall time.
OTHERS_SHARE = 0.05
STOLEN_SHARE = 0.03
# /proc/stat counts in ticks of 10 ms: this much is allowed in addition, so that one tick does not
# spoil a short slice.
TICKS_ALLOWED = 2


@dataclass
class Samples:
    """Seconds per call of one contender."""

    quiet: list[float] = field(default_factory=list)
    disturbed: list[float] = field(default_factory=list)
    discarded: int = 0  # slices

    @property
    def is_quiet(self) -> bool:
        """Whether all slices that count were undisturbed."""
        return bool(self.quiet) and not self.disturbed

    def summary(self) -> dict[str, float | int | bool]:
        """Median and quartiles in seconds; disturbed slices count only if there is no quiet one."""
        calls = self.quiet or self.disturbed
        low, middle, high = (
            statistics.quantiles(calls, n=4, method="inclusive") if len(calls) > 1 else calls * 3
        )
        return {
            "median_s": middle,
            "lower_quartile_s": low,
            "upper_quartile_s": high,
            "calls": len(calls),
            "quiet": bool(self.quiet),
            "discarded_slices": self.discarded,
        }


class Neighbours:
    """The share of the processors that other processes use; ``None`` if the system does not report
    it (only Linux does).
    """

    def __init__(self) -> None:
        """Start watching."""
        self._wall = time.perf_counter()
        self._own = time.process_time()
        self._system = _busy_and_stolen()

    def disturbed(self) -> bool | None:
        """Whether other processes took more than their share since the start."""
        before, after = self._system, _busy_and_stolen()
        if before is None or after is None:
            return None
        wall, own = time.perf_counter() - self._wall, time.process_time() - self._own
        tick = 1 / os.sysconf("SC_CLK_TCK")
        others, stolen = after[0] - before[0] - own, after[1] - before[1]
        return (
            others > OTHERS_SHARE * wall + TICKS_ALLOWED * tick
            or stolen > STOLEN_SHARE * wall + TICKS_ALLOWED * tick
        )


def _busy_and_stolen() -> tuple[float, float] | None:
    """Processor seconds used by all processes, and taken by the host, since boot."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(
                int, file.readline().split()[1:9]
            )
    except (OSError, ValueError):
        return None
    tick = 1 / os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) * tick, steal * tick


def time_interleaved(
    calls: dict[str, Callable[[], object]],
    *,
    rounds: int,
    slice_s: float,
    least_calls: int = 3,
    tries: int = 4,
    wait_s: float = 0.5,
    warm_up: bool = True,
    synchronize: Callable[[], None] = lambda: None,
) -> dict[str, Samples]:
    """Seconds per call of each contender, from ``rounds`` slices of at least ``slice_s`` seconds
    and ``least_calls`` calls each.

    Args:
        calls: what to time, by name.
        tries: how often a disturbed slice is measured again before its last try is kept as
            disturbed.
        wait_s: seconds of rest before each new try.
        warm_up: call each for ``slice_s`` seconds first, to compile, allocate and fill the caches.
        synchronize: waits for the device.
    """
    for call in calls.values() if warm_up else ():
        until = time.perf_counter() + slice_s
        call()
        while time.perf_counter() < until:
            call()
    samples = {name: Samples() for name in calls}
    names = list(calls)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            for attempt in range(tries):
                seconds, disturbed = _slice(calls[name], slice_s, least_calls, synchronize)
                if not disturbed or attempt == tries - 1:
                    break
                samples[name].discarded += 1
                time.sleep(wait_s)
            (samples[name].disturbed if disturbed else samples[name].quiet).extend(seconds)
    return samples


def _slice(
    call: Callable[[], object], slice_s: float, least_calls: int, synchronize: Callable[[], None]
) -> tuple[list[float], bool]:
    seconds: list[float] = []
    synchronize()
    neighbours, start = Neighbours(), time.perf_counter()
    while len(seconds) < least_calls or time.perf_counter() - start < slice_s:
        before = time.perf_counter()
        call()
        synchronize()
        seconds.append(time.perf_counter() - before)
    return seconds, bool(neighbours.disturbed())


def synchronizer(device: torch.device) -> Callable[[], None]:
    """A function that waits for the device; it does nothing on a CPU."""
    return torch.cuda.synchronize if device.type == "cuda" else lambda: None
