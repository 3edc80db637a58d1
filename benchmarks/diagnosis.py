"""``python -m benchmarks.diagnosis``: the cost of measuring what each term of a CombinedLoss does.

The step of the demo (network, three losses, backward, optimiser) with a plain weighted sum, with
the gradients of the terms measured, and with a strategy that sets the weights. Steps of
each kind alternate and are compared in pairs, since steps vary by more than the difference that is
measured. The memory is that of the criterion alone, forward and backward, in images of the batch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.report import metadata
from benchmarks.training_step import images, median, milliseconds
from ssimloss import CAGrad, CombinedLoss, GradientShare, PCGrad
from ssimloss._memory import peak_bytes

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from super_resolution.losses import combined  # the demo's own
from super_resolution.network import SuperResolver

PLAIN = "plain sum"
KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    PLAIN: dict,
    "diagnose_every=1": lambda: {"diagnose_every": 1},
    "diagnose_every=50": lambda: {"diagnose_every": 50},
    "GradientShare": lambda: {"balance": GradientShare()},
    "PCGrad": lambda: {"balance": PCGrad()},
    "CAGrad": lambda: {"balance": CAGrad()},
}
MEMORY_SHAPE = (4, 256)  # batch and side: large compared with the working memory of the kernels


def main() -> None:
    """Print the table; write it with ``--out``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--crop", type=int, default=48, help="pixels of the crops (default 48)")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--out", type=Path, help="folder for diagnosis.json and diagnosis.md")
    options = parser.parse_args()
    calls = {
        kind: step(settings(), options.batch, options.crop) for kind, settings in KINDS.items()
    }
    taken = milliseconds(calls, options.rounds)
    rows = []
    plain_memory = memory({})
    for kind, settings in KINDS.items():
        ratios = [a / b for a, b in zip(taken[kind], taken[PLAIN], strict=True)]
        middle, low, high = median(ratios)
        rows.append(
            {
                "criterion": kind,
                "step_ms": statistics.median(taken[kind]),
                "added_percent": 100 * (middle - 1),
                "added_low": 100 * (low - 1),
                "added_high": 100 * (high - 1),
                "added_images": memory(settings()) - plain_memory,
            }
        )
    about = metadata(torch.device("cpu"))
    text = markdown(rows, options.batch, options.crop, options.rounds)
    print(text)
    if options.out is not None:
        found = {"metadata": about, "rows": rows, "rounds": options.rounds}
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "diagnosis.json").write_text(json.dumps(found, indent=1) + "\n")
        (options.out / "diagnosis.md").write_text(text)


def markdown(rows: list[dict[str, Any]], batch: int, crop: int, rounds: int) -> str:
    """The table, below a line with the conditions."""
    lines = [
        "# Diagnosis of a CombinedLoss in a training step",
        "",
        f"{batch} crops of 3x{crop}x{crop}, Charbonnier + MS-SSIM + edge, "
        f"{torch.get_num_threads()} threads, {rounds} rounds, torch {torch.__version__}",
        "",
        "| criterion | step, ms | over the plain sum (95 % interval of the median) | "
        "peak memory over the plain sum, images |",
        "|---|---|---|---|",
    ]
    for row in rows:
        added = (
            f"{row['added_percent']:+.2f} % ({row['added_low']:+.2f} to {row['added_high']:+.2f})"
        )
        lines.append(
            f"| {row['criterion']} | {row['step_ms']:.2f} | "
            f"{'' if row['criterion'] == PLAIN else added} | {row['added_images']:+.1f} |"
        )
    return "\n".join(lines) + "\n"


def step(settings: dict[str, Any], batch: int, crop: int) -> Callable[[], object]:
    """One step of training the demo's network."""
    torch.manual_seed(0)
    network = SuperResolver(scale=2, channels=32, blocks=4).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    criterion = CombinedLoss(**combined(), **settings)
    low, high = images(batch, crop // 2), images(batch, crop)

    def run() -> None:
        optimiser.zero_grad()
        criterion(network(low), high).backward()
        optimiser.step()

    return run


def memory(settings: dict[str, Any]) -> float:
    """Peak of the criterion, forward and backward, in sizes of ``pred``."""
    batch, side = MEMORY_SHAPE
    criterion = CombinedLoss(**combined(), **settings)
    pred, target = images(batch, side).requires_grad_(), images(batch, side)

    def run() -> None:
        pred.grad = None
        criterion(pred, target).backward()

    return peak_bytes(run, torch.device("cpu")) / (pred.numel() * pred.element_size())


if __name__ == "__main__":
    main()
