"""Cost on this machine: time of the value, time of value and gradient, and memory of a step."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ssimloss._memory import peak_bytes
from ssimloss.study.subjects import Subject

_RUNS: Final = 5


@dataclass(frozen=True)
class Cost:
    """The cost of one call; NaN milliseconds and -1 bytes if it cannot be measured."""

    forward_ms: float = float("nan")
    step_ms: float = float("nan")  # value and gradient
    peak_bytes: int = -1  # of value and gradient, without the images
    error: str = ""  # why it cannot be measured


def cost(subject: Subject, size: tuple[int, int, int, int], device: torch.device) -> Cost:
    """Medians over a few runs, after one that does not count.

    Args:
        subject: a measure, with a loss or without.
        size: of the images ``(N, C, H, W)``.
        device: of the images.
    """
    generator = torch.Generator().manual_seed(0)
    pred, target = (torch.rand(size, generator=generator).to(device) for _ in range(2))
    loss = subject.loss

    def value() -> Tensor:
        with torch.no_grad():
            return subject.measure(pred, target) if loss is None else loss(pred, target)

    def step() -> Tensor:
        assert loss is not None
        leaf = pred.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(leaf, target), leaf)
        return gradient

    forward = float("nan")
    try:
        forward = _milliseconds(value, device)
        if loss is None:
            return Cost(forward)
        return Cost(forward, _milliseconds(step, device), peak_bytes(step, device))
    except (ValueError, TypeError, RuntimeError) as error:
        return Cost(forward, error=str(error))


def _milliseconds(call: Callable[[], Tensor], device: torch.device) -> float:
    times = []
    for _ in range(_RUNS + 1):
        _wait(device)
        begin = time.perf_counter()
        call()
        _wait(device)
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
