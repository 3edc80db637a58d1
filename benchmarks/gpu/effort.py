"""How much is measured, and the time limit."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.contenders import Shape
from benchmarks.timing import synchronizer


class Budget:
    """The seconds that remain."""

    def __init__(self, seconds: float) -> None:
        """Start now."""
        self._until = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """What is left of them."""
        return max(0.0, self._until - time.monotonic())

    def part(self, share: float) -> Budget:
        """A budget with a share of the remaining time."""
        return Budget(share * self.left_s)

    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.left_s == 0


@dataclass(frozen=True)
class Effort:
    """Sizes and repetitions."""

    device: torch.device
    shapes: tuple[Shape, ...]
    dtypes: tuple[torch.dtype, ...]
    deep_shape: Shape
    measured_shape: Shape  # of measures other than SSIM
    rounds: int
    slice_s: float
    copied_megabytes: int
    product_side: int
    lanes: tuple[int, ...]
    row_strips: tuple[int, ...]
    tests: tuple[str, ...]  # files; empty: every file with such tests
    libraries: tuple[str, ...]  # empty: all that are there

    @classmethod
    def full(cls, device: torch.device) -> Effort:
        """The full measurement of a GPU."""
        return cls(
            device=device,
            shapes=((1, 3, 1080, 1920), (4, 3, 1080, 1920), (16, 3, 256, 256), (1, 3, 2160, 3840)),
            dtypes=(torch.float32, torch.bfloat16),
            deep_shape=(4, 3, 256, 256),
            measured_shape=(1, 3, 1080, 1920),
            rounds=5,
            slice_s=0.02,
            copied_megabytes=1024,
            product_side=8192,
            lanes=(32, 64, 128, 256),
            row_strips=(1, 2, 4, 8, 16, 32),
            tests=(),
            libraries=(),
        )

    @classmethod
    def quick(cls, device: torch.device) -> Effort:
        """Just enough to run every line."""
        return cls(
            device=device,
            shapes=((1, 1, 16, 20),),
            dtypes=(torch.float32, torch.bfloat16),
            deep_shape=(1, 3, 40, 40),
            measured_shape=(1, 1, 42, 44),
            rounds=1,
            slice_s=0.0,
            copied_megabytes=1,
            product_side=64,
            lanes=(32, 64),
            row_strips=(1,),
            tests=("tests/test_alarms.py",),
            libraries=("pytorch-msssim",),
        )


def milliseconds(calls: dict[str, Callable[[], object]], effort: Effort) -> dict[str, float]:
    """Median time of each call over rounds in which the calls alternate.

    A slice is as many calls as fit into ``slice_s``, with one wait for the device at its end: as in
    a training step, the host runs ahead.
    """
    wait = synchronizer(effort.device)
    counts = {}
    for name, call in calls.items():
        call()  # compiles
        counts[name] = max(1, min(1000, int(effort.slice_s / max(_seconds(call, 2, wait), 1e-7))))
    taken: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(effort.rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            taken[name].append(1e3 * _seconds(calls[name], counts[name], wait))
    return {name: statistics.median(times) for name, times in taken.items()}


def _seconds(call: Callable[[], object], count: int, wait: Callable[[], None]) -> float:
    wait()
    began = time.perf_counter()
    for _ in range(count):
        call()
    wait()
    return (time.perf_counter() - began) / count
