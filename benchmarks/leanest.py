"""``python -m benchmarks.leanest --out benchmarks/results``: losses beside the plainest PyTorch
that computes the same number.

Forward and backward, in turn, in one process; values and gradients are compared first. The time is
processor time, so that other processes of a busy machine count little, and the memory is the most
bytes that PyTorch's allocator had given out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as nnf
from torch import Tensor

import ssimloss.functional as F
from benchmarks import report
from benchmarks.contenders import images
from ssimloss._memory import peak_bytes
from ssimloss.filters import pad
from ssimloss.functional._pyramids import reduced
from ssimloss.functional.ms_swd import _OUTER, _lab
from ssimloss.functional.projections import unit_vectors

VALUE, GRADIENT = 2e-5, 5e-3  # largest differences, absolute and relative L2


class Pair(NamedTuple):
    """A loss and the plain code, as functions of ``pred``."""

    ours: Callable[[Tensor], Tensor]
    plain: Callable[[Tensor], Tensor]
    pred: Tensor


def main() -> None:
    """Print the table; write it with ``--out``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="names of losses")
    parser.add_argument("--out", type=Path, help="where leanest.json and leanest.md go")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results: dict[str, Any] = {"metadata": report.metadata(torch.device("cpu")), "losses": {}}
    for name, pair in pairs().items():
        if options.only is None or name in options.only:
            results["losses"][name] = measured(pair, options.rounds)
    text = markdown(results)
    print(text)
    if options.out is not None:
        (options.out / "leanest.json").write_text(json.dumps(results, indent=1) + "\n")
        (options.out / "leanest.md").write_text(text, encoding="utf-8")


def measured(pair: Pair, rounds: int) -> dict[str, Any]:
    """Medians of both and of their ratio, after a check that they are equal."""
    steps = [step(loss, pair.pred) for loss in (pair.ours, pair.plain)]
    (value, gradient), (expected, of_expected) = (run() for run in steps)
    error = float((gradient - of_expected).norm() / of_expected.norm())
    if abs(value - expected) > VALUE or error > GRADIENT:
        raise SystemExit(f"{value} is not {expected}, or gradients differ by {error:.1e}")
    seconds: list[list[float]] = [[], []]
    for number in range(rounds):
        for index in (0, 1) if number % 2 else (1, 0):
            begun = time.process_time()
            calls = 0
            while not calls or time.process_time() - begun < 0.03:
                steps[index]()
                calls += 1
            seconds[index].append((time.process_time() - begun) / calls)
    return {
        "shape": list(pair.pred.shape),
        "ms": 1000 * statistics.median(seconds[0]),
        "plain_ms": 1000 * statistics.median(seconds[1]),
        "ratio": statistics.median(a / b for a, b in zip(*seconds, strict=True)),
        "peak_bytes": peak_bytes(steps[0], torch.device("cpu")),
        "plain_peak_bytes": peak_bytes(steps[1], torch.device("cpu")),
    }


def step(loss: Callable[[Tensor], Tensor], pred: Tensor) -> Callable[[], tuple[float, Tensor]]:
    """Forward and backward."""

    def run() -> tuple[float, Tensor]:
        value = loss(pred)
        (gradient,) = torch.autograd.grad(value, pred)
        return float(value.detach()), gradient

    return run


def pairs() -> dict[str, Pair]:
    """What is compared, by the name of the loss."""
    pred, target = images((8, 3, 256, 256), torch.device("cpu"))
    pred.requires_grad_()
    one, of_one = (image.detach()[:1, :, :128, :128].contiguous() for image in (pred, target))
    one.requires_grad_()
    generator = torch.Generator().manual_seed(0)
    deep, of_deep = torch.randn(2, 4, 64, 64, 64, generator=generator).unbind()
    deep.requires_grad_()
    clip, flow = (
        pred.detach()[None].requires_grad_(),
        3 * torch.randn(1, 7, 2, 256, 256, generator=generator),
    )
    layers = {"a": 1.0}
    vectors = unit_vectors(0, 64, 64, like=deep.detach())
    return {
        "huber": Pair(lambda x: F.huber(x, target), lambda x: nnf.huber_loss(x, target), pred),
        "clipped": Pair(
            lambda x: F.clipped(x, target),
            lambda x: (x - target).abs().clamp(min=1 / 255).mean(),
            pred,
        ),
        "average, bilinear": Pair(
            lambda x: F.average(x, target, filter="bilinear"),
            lambda x: (
                nnf.interpolate(x - target, scale_factor=0.25, mode="bilinear", antialias=True)
                .abs()
                .mean()
            ),
            pred,
        ),
        "ncc": Pair(lambda x: F.ncc_loss(x, target), lambda x: correlation_loss(x, target), pred),
        "ms_swd": Pair(lambda x: F.ms_swd(x, of_one), lambda x: swd_of_images(x, of_one), one),
        "sliced_wasserstein": Pair(
            lambda x: F.sliced_wasserstein_loss({"a": x}, {"a": of_deep}, layers=layers),
            lambda x: (
                sorted_difference(
                    torch.einsum("kc,nchw->nkhw", vectors, x),
                    torch.einsum("kc,nchw->nkhw", vectors, of_deep),
                )
                .square()
                .mean()
            ),
            deep,
        ),
        "projected_distribution": Pair(
            lambda x: F.projected_distribution_loss({"a": x}, {"a": of_deep}, layers=layers),
            lambda x: sorted_difference(x, of_deep).abs().mean(),
            deep,
        ),
        "warping_error": Pair(
            lambda x: F.warping_error_loss(x, flow=flow), lambda x: sampled(x, flow), clip
        ),
    }


def correlation_loss(x: Tensor, y: Tensor, c: float = 1e-4) -> Tensor:
    """One minus the correlation coefficient of each plane, with ``c`` in all three moments."""
    x, y = (image - image.mean((2, 3), keepdim=True) for image in (x, y))
    covariance, var_x, var_y = ((a * b).mean((2, 3)) + c for a, b in ((x, y), (x, x), (y, y)))
    return (1 - covariance / (var_x * var_y).sqrt()).mean()


def sorted_difference(x: Tensor, y: Tensor) -> Tensor:
    """Of the values of each plane."""
    return x.flatten(2).sort(2).values - y.flatten(2).sort(2).values


def swd_of_images(x: Tensor, y: Tensor) -> Tensor:
    """MS-SWD with all projections of a scale at once, as in the authors' code."""
    directions = unit_vectors(0, 5 * 128, 3, 11, 11, like=x.detach())
    total = x.new_zeros(())
    for scale, of_scale in enumerate(torch.split(directions, 128)):
        if scale:
            x, y = (reduced(image, _OUTER, "reflect") for image in (x, y))
        both = (nnf.conv2d(pad(_lab(image), 5, "reflect"), of_scale) for image in (x, y))
        total = total + sorted_difference(*both).abs().mean()
    return total / 5


def sampled(clip: Tensor, flow: Tensor) -> Tensor:
    """The warping error by ``grid_sample``."""
    height, width = clip.shape[-2:]
    moving, displacement = clip[:, :-1].flatten(0, 1), flow.flatten(0, 1)
    x = torch.arange(width) + displacement[:, 0]
    y = torch.arange(height)[:, None] + displacement[:, 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    grid = torch.stack((2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1), -1)
    warped = nnf.grid_sample(moving, grid, align_corners=True, padding_mode="border")
    difference = (clip[:, 1:].flatten(0, 1) - warped).abs() * inside[:, None]
    return difference.sum() / (clip.shape[2] * inside.sum())


def markdown(results: dict[str, Any]) -> str:
    """The table, in the order of the ratio."""
    about = results["metadata"]
    lines = [
        f"# Losses beside the plainest PyTorch: {about['device']}, threads: {about['threads']}",
        "",
        f"{about['date']}, {about['system']}, {about['instructions']}, torch "
        f"{about['versions']['torch']}, ssimloss {about['versions']['ssimloss']}, load "
        f"{about['load_average'][0]:.0f}. Forward and backward, float32; processor time, medians "
        "of calls in turn; peak memory beyond the inputs.",
        "",
        "| loss | shape | ms | plain PyTorch, ms | ratio | peak MiB | plain PyTorch, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in sorted(results["losses"].items(), key=lambda item: item[1]["ratio"]):
        shape = "x".join(map(str, row["shape"]))
        lines.append(
            f"| {name} | {shape} | {row['ms']:.2f} | {row['plain_ms']:.2f} | {row['ratio']:.2f} | "
            f"{row['peak_bytes'] / 2**20:.1f} | {row['plain_peak_bytes'] / 2**20:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
