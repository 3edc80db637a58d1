"""``python -m benchmarks.validation``: the cost of a named measure compared with the bare function.

PSNR, SSIM and MS-SSIM of 8 RGB images of 512x512 are timed for:

- the function on float32 images;
- the measure under protocol ``basicsr`` (8 bit, border cut off, luma), on the same images and on
  uint8 images, in both precisions;
- earlier forms of the measure: images prepared by PyTorch's operations in float64, all at once, and
  images prepared by the native library and compared in float64.

Values are compared first. Contenders are called in turn. The processor time of all threads is
measured, since other processes change it less than the elapsed time.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from benchmarks import report
from ssimloss import functional as F
from ssimloss.conventions import Preparation
from ssimloss.conventions.preparation import equation
from ssimloss.metrics import SuperResolutionProtocol, measure
from ssimloss.metrics.batches import one_by_one
from ssimloss.metrics.protocol import Definition

SCALE = 4
BARE = "bare function, float32"
BEFORE = "PyTorch's operations, then float64"
PREPARED = "native preparation, then float64"
AGREES = {"psnr": 1e-10, "ssim": 3e-7, "ms_ssim": 3e-7}  # float32 against float64, on these images


def main() -> None:
    """Print the table, and write it with ``--out``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--side", type=int, default=512, help="of the images (default 512)")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--out", type=Path, help="folder for validation.json and validation.md")
    options = parser.parse_args()
    results = measured(options.images, options.side, options.rounds)
    text = markdown(results)
    print(text)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "validation.md").write_text(text, encoding="utf-8")
        (options.out / "validation.json").write_text(
            json.dumps(results, indent=1) + "\n", encoding="utf-8"
        )


def measured(images: int, side: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of every contender, and its ratio to the bare function."""
    about = report.metadata(torch.device("cpu"))  # measured before the benchmark adds to the load
    random = torch.Generator().manual_seed(0)
    target = torch.rand(images, 3, side, side, generator=random)
    noise = torch.randn(target.shape, generator=random)
    target, pred = (
        (255 * image).round().clamp(0, 255).to(torch.uint8)
        for image in (target, target + 0.05 * noise)
    )
    rows = {}
    with torch.no_grad():
        for metric in AGREES:
            calls = contenders(metric, pred, target)
            check(metric, calls)
            found = {name: statistics.median(times) for name, times in timed(calls, rounds).items()}
            rows[metric] = {
                name: {"processor_s": median, "ratio": median / found[BARE]}
                for name, median in found.items()
            }
    return {"metadata": about, "images": images, "side": side, "rows": rows}


def timed(calls: dict[str, Callable[[], Tensor]], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each call, all contenders in each round."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            before = time.process_time()
            call()
            taken[name].append(time.process_time() - before)
    return taken


def contenders(metric: str, pred: Tensor, target: Tensor) -> dict[str, Callable[[], Tensor]]:
    """The contenders; the first compares all channels, the others the luma."""
    x, y = pred / 255, target / 255
    protocol = SuperResolutionProtocol(SCALE)
    exact = measure(metric, protocol)
    fast = measure(metric, protocol, precision="float32")
    function = functools.partial(getattr(F, metric), reduction="image")

    definition = cast("Definition", metric)
    convention = protocol.convention(definition)
    compared = functools.partial(convention.table.function, **convention.options, reduction="image")
    steps = Preparation(clamp=True, quantize=True, crop=True, luma="bt601_studio").steps(
        x, data_range=1.0, crop_border=SCALE
    )

    def before() -> Tensor:
        return one_by_one(compared, *(equation(image, steps, torch.float64) for image in (x, y)))

    return {
        BARE: lambda: function(x, y),
        BEFORE: before,
        PREPARED: lambda: protocol.compared(compared, x, y, definition=definition),
        "measure": lambda: exact(x, y),
        "measure, uint8": lambda: exact(pred, target),
        "measure, precision='float32'": lambda: fast(x, y),
        "measure, precision='float32', uint8": lambda: fast(pred, target),
    }


def check(metric: str, calls: dict[str, Callable[[], Tensor]]) -> None:
    """Raise if a contender computes another value."""
    expected = calls[BEFORE]()
    for name, call in calls.items():
        difference = (call() - expected).abs().max().item()
        if name != BARE and not difference <= AGREES[metric]:
            raise RuntimeError(f"{name}: {metric} differs by {difference:.1e}")


def markdown(results: dict[str, Any]) -> str:
    """A table with a row for each contender and a column for each measure."""
    about, rows = results["metadata"], results["rows"]
    names = list(next(iter(rows.values())))
    lines = [
        f"# Validation: {about['device']}, {about['threads']} threads",
        "",
        f"{about['date']}, {about['system']}, {about['instructions']}, torch "
        f"{about['versions']['torch']}, ssimloss {about['versions']['ssimloss']}. "
        f"{results['images']} RGB images of {results['side']}x{results['side']}; "
        "milliseconds of processor time, median (ratio to the bare function). "
        f"Load average before: {about['load_average'][0]:.1f}."
        if about["load_average"]
        else "",
        "",
        f"| | {' | '.join(rows)} |",
        f"|---|{'---|' * len(rows)}",
    ]
    for name in names:
        cells = [
            f"{row[name]['processor_s'] * 1e3:.2f} ({row[name]['ratio']:.2f})"
            for row in rows.values()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
