"""``python -m benchmarks.training_step``: the cost of our SSIM inside a training step, compared
with L1.

A kernel that is fast alone may be slow inside a step: its own threads would compete with those of
PyTorch, which spin while they wait for work. Therefore the step of the demo (network, loss,
backward, optimiser) is timed with L1 and with SSIM. A step takes twenty times as long as the loss
and varies by more than the loss takes. Steps with each loss alternate, and are compared in pairs.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

import ssimloss.functional as F

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from super_resolution.network import SuperResolver  # the demo's own

Loss = Callable[[Tensor, Tensor], Tensor]
BASE = "L1 (torch)"
WARM_UP = 10


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument(
        "--crop", type=int, default=48, help="pixels of the high-resolution crops (default 48)"
    )
    parser.add_argument("--rounds", type=int, default=500)
    options = parser.parse_args()
    losses: dict[str, Loss] = {
        BASE: torch.nn.functional.l1_loss,
        "SSIM": F.ssim_loss,
        "SSIM + L1": F.ssim_l1_loss,
    }
    steps = milliseconds(
        {name: step(loss, options.batch, options.crop) for name, loss in losses.items()},
        options.rounds,
    )
    own = milliseconds(
        {name: alone(loss, options.batch, options.crop) for name, loss in losses.items()},
        options.rounds,
    )
    print(
        f"{options.batch} crops of 3x{options.crop}x{options.crop}, {torch.get_num_threads()} "
        f"threads, {options.rounds} rounds, ms\n"
    )
    print(
        "| loss | step | loss alone, forward + backward | step over the step with L1 (95 % "
        "interval of the median) |\n|---|---|---|---|"
    )
    for name in losses:
        middle, low, high = median([a - b for a, b in zip(steps[name], steps[BASE], strict=True)])
        took = f"{statistics.median(steps[name]):.2f} | {statistics.median(own[name]):.2f}"
        print(f"| {name} | {took} | {middle:+.2f} ({low:+.2f} to {high:+.2f}) |")


def milliseconds(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """One call of each per round, in a new random order."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(WARM_UP):
            call()
    order, draw = list(calls), random.Random(0)
    for _ in range(rounds):
        draw.shuffle(order)
        for name in order:
            start = time.perf_counter()
            calls[name]()
            taken[name].append(1e3 * (time.perf_counter() - start))
    return taken


def median(differences: list[float]) -> tuple[float, float, float]:
    """The median, and the order statistics that enclose the median of the distribution in 95 % of
    cases.
    """
    ranked = sorted(differences)
    reach = 0.98 * len(ranked) ** 0.5
    middle = len(ranked) / 2
    return (
        statistics.median(ranked),
        ranked[max(0, int(middle - reach))],
        ranked[min(len(ranked) - 1, int(middle + reach))],
    )


def step(loss: Loss, batch: int, crop: int) -> Callable[[], object]:
    """One step of training the demo's network."""
    torch.manual_seed(0)
    network = SuperResolver(scale=2, channels=32, blocks=4).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    low, high = images(batch, crop // 2), images(batch, crop)

    def run() -> None:
        optimiser.zero_grad()
        torch.autograd.backward(loss(network(low), high))
        optimiser.step()

    return run


def images(batch: int, side: int) -> Tensor:
    """Images in the memory layout of the demo's training."""
    return torch.rand(batch, 3, side, side).to(memory_format=torch.channels_last)


def alone(loss: Loss, batch: int, crop: int) -> Callable[[], object]:
    """The loss and its gradient, of images of the same size."""
    pred, target = images(batch, crop).requires_grad_(), images(batch, crop)
    return lambda: torch.autograd.grad(loss(pred, target), pred)


if __name__ == "__main__":
    main()
