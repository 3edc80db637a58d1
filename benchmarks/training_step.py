"""``python -m benchmarks.training_step``: what our SSIM costs inside a training step, beside L1.

A kernel may be fast alone and slow in company: threads of its own would compete with those of PyTorch, which wait for their next work by
spinning. So the step of the demo (network, loss, backward, optimiser) is timed with L1 and with SSIM, in turn, and so is the loss alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import ssimloss.functional as F
from benchmarks.timing import time_interleaved

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from super_resolution.network import SuperResolver  # the demo's own

Loss = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--crop", type=int, default=48, help="pixels of the high-resolution crops (default 48)")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    losses: dict[str, Loss] = {"L1 (torch)": torch.nn.functional.l1_loss, "SSIM": F.ssim_loss, "SSIM + L1": F.ssim_l1_loss}
    calls: dict[str, Callable[[], object]] = {}
    for name, loss in losses.items():
        calls[f"step with {name}"] = step(loss, options.batch, options.crop)
        calls[f"{name} alone"] = alone(loss, options.batch, options.crop)
    samples = time_interleaved(calls, rounds=options.rounds, slice_s=0.4)
    median = {name: 1e3 * float(sample.summary()["median_s"]) for name, sample in samples.items()}
    threads = torch.get_num_threads()
    print(f"{options.batch} crops of 3x{options.crop}x{options.crop}, {threads} threads, median ms of {options.rounds} rounds\n")
    print("| loss | step | loss alone, forward + backward | step over the step with L1 |\n|---|---|---|---|")
    reference = median["step with L1 (torch)"]
    for name in losses:
        took = median[f"step with {name}"]
        print(f"| {name} | {took:.2f} | {median[f'{name} alone']:.2f} | {took - reference:+.2f} |")


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
    """In the layout that the demo trains in."""
    return torch.rand(batch, 3, side, side).to(memory_format=torch.channels_last)


def alone(loss: Loss, batch: int, crop: int) -> Callable[[], object]:
    """The loss and its gradient, of images of the same size."""
    pred, target = images(batch, crop).requires_grad_(), images(batch, crop)
    return lambda: torch.autograd.grad(loss(pred, target), pred)


if __name__ == "__main__":
    main()
