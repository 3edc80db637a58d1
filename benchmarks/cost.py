"""``python -m benchmarks.cost --out benchmarks/results``: the cost of each measure as a loss.

Every registered measure of images with a module is timed in turn with PyTorch's ``l1_loss``,
forward and backward, in one process. The ratio also applies to other machines.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ssimloss
from benchmarks import report
from benchmarks.contenders import images
from benchmarks.timing import time_interleaved
from ssimloss import measure

SHAPE = (8, 3, 256, 256)
BASELINE = "torch l1_loss"


def main() -> None:
    """Print the table; write it with ``--out``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="folder for cost.json and cost.md")
    options = parser.parse_args()
    pred, target = images(SHAPE, torch.device("cpu"))
    pred.requires_grad_()
    calls = {BASELINE: step(torch.nn.functional.l1_loss, pred, target)}
    for each in measure.registered():
        if (
            each.module
            and not each.clips
            and all(image.annotation is Tensor for image in each.images)
        ):
            pair = (pred, target)[: len(each.images)]
            calls[each.name] = step(module_of(each), *pair)
    samples = time_interleaved(calls, rounds=options.rounds, slice_s=0.1)
    found = {name: each.summary() for name, each in samples.items()}
    results = {
        "metadata": report.metadata(torch.device("cpu")),
        "shape": SHAPE,
        "measures": {
            name: {
                "ms": 1000 * each["median_s"],
                "ratio": each["median_s"] / found[BASELINE]["median_s"],
                "quiet": each["quiet"],
            }
            for name, each in found.items()
        },
    }
    text = markdown(results)
    print(text)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "cost.json").write_text(json.dumps(results, indent=1) + "\n")
        (options.out / "cost.md").write_text(text, encoding="utf-8")


def module_of(each: measure.Measure) -> torch.nn.Module:
    """The module of a measure with its defaults."""
    module: torch.nn.Module = getattr(ssimloss, str(each.module))()
    return module


def step(loss: Callable[..., Tensor], *pair: Tensor) -> Callable[[], object]:
    """Forward and backward."""

    def run() -> None:
        pair[0].grad = None
        torch.autograd.backward(loss(*pair))

    return run


def markdown(results: dict[str, Any]) -> str:
    """The table, cheapest first."""
    about = results["metadata"]
    shape = "x".join(map(str, results["shape"]))
    lines = [
        f"# Cost of each measure: {about['device']}, {about['threads']} threads",
        "",
        f"{about['date']}, {about['system']}, {about['instructions']}, torch "
        f"{about['versions']['torch']}, ssimloss {about['versions']['ssimloss']}. Forward and "
        f"backward, {shape}, float32, each measure with its default options. A star marks times "
        "taken while other processes computed; the ratios are of times taken in turn.",
        "",
        "| measure | ms | times PyTorch's `l1_loss` |",
        "|---|---|---|",
    ]
    for name, row in sorted(results["measures"].items(), key=lambda item: item[1]["ms"]):
        star = "" if row["quiet"] else "*"
        lines.append(f"| {name} | {row['ms']:.2f}{star} | {row['ratio']:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
