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
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as nnf
from torch import Tensor

import ssimloss.functional as F
from benchmarks import plain, report
from benchmarks.contenders import images
from ssimloss._memory import peak_bytes
from ssimloss.functional.projections import unit_vectors

Loss = Callable[[Tensor, Tensor], Tensor]
VALUE, GRADIENT = 2e-5, 5e-3  # largest differences, absolute and relative L2


class Pair(NamedTuple):
    """A loss and the plain code, as functions of ``pred``."""

    ours: Callable[[Tensor], Tensor]
    plain: Callable[[Tensor], Tensor]
    pred: Tensor
    gradient: float = GRADIENT  # largest relative difference of gradients


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
    if options.only and options.out and (options.out / "leanest.json").exists():
        kept = json.loads((options.out / "leanest.json").read_text())
        results["losses"] = kept["losses"]  # rows of another run, until they are measured again
    for name, pair in pairs().items():
        if options.only is None or name in options.only:
            row = results["losses"][name] = measured(pair, options.rounds)
            print(f"{name}: {row['ratio']:.2f}", flush=True)
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
    if abs(value - expected) > VALUE or error > pair.gradient:
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
    return of_images() | of_clips() | of_features() | of_sets()


def of_images() -> dict[str, Pair]:
    pred, target = images((8, 3, 256, 256), torch.device("cpu"))
    pred.requires_grad_()
    one, of_one = (image.detach()[:1, :, :128, :128].contiguous() for image in (pred, target))
    one.requires_grad_()

    def pair(ours: Loss, theirs: Loss) -> Pair:
        return Pair(lambda x: ours(x, target), lambda x: theirs(x, target), pred)

    def colours(convert: Callable[[Tensor], Tensor], **options: Any) -> Pair:
        return pair(
            partial(F.color_consistency, **options),
            lambda x, y: (convert(x) - convert(y))[:, 1:].norm(dim=1).mean(),
        )

    return {
        "huber": pair(F.huber, nnf.huber_loss),
        "clipped": pair(F.clipped, lambda x, y: (x - y).abs().clamp(min=1 / 255).mean()),
        "average, bilinear": pair(
            partial(F.average, filter="bilinear"),
            lambda x, y: (
                nnf.interpolate(x - y, scale_factor=0.25, mode="bilinear", antialias=True)
                .abs()
                .mean()
            ),
        ),
        "ncc": pair(F.ncc_loss, plain.correlation_loss),
        "cosine_distance": pair(F.cosine_distance, plain.cosine),
        "gradient_variance": pair(F.gradient_variance, plain.gradient_variance),
        "laplacian_pyramid": pair(F.laplacian_pyramid, plain.laplacian_pyramid),
        "ldl": pair(F.ldl, plain.ldl),
        "focal_frequency": pair(F.focal_frequency, plain.focal_frequency),
        "fft": pair(
            F.fft_loss, lambda x, y: torch.view_as_real(torch.fft.fft2(x - y)).abs().mean()
        ),
        "fft, onesided": pair(
            partial(F.fft_loss, onesided=True),
            lambda x, y: torch.view_as_real(torch.fft.rfft2(x - y)).abs().mean(),
        ),
        "color_consistency, CIELAB": colours(plain.lab),
        "color_consistency, Oklab": colours(plain.oklab, space="oklab"),
        "color_consistency, YCbCr": pair(
            partial(F.color_consistency, space="ycbcr", distance="l1"),
            lambda x, y: (plain.chroma(x) - plain.chroma(y)).abs().mean(),
        ),
        # In float32, near gray, the gradient of the plain form is wrong by 1.6 %, ours by 1e-5.
        "hsluv": pair(F.hsluv, plain.hsluv_loss)._replace(gradient=0.02),
        "wavelet, stationary": pair(F.wavelet, partial(plain.haar, decimated=False)),
        "wavelet, decimated": pair(
            partial(F.wavelet, transform="decimated"), partial(plain.haar, decimated=True)
        ),
        "wavelet_guidance": Pair(
            lambda x: F.wavelet_guidance(x).square().mean(),
            lambda x: plain.wavelet_bands(x).square().mean(),
            pred,
        ),
        "ms_swd": Pair(
            lambda x: F.ms_swd(x, of_one), lambda x: plain.swd_of_images(x, of_one), one
        ),
    }


def of_clips() -> dict[str, Pair]:
    pred, target = (image[None] for image in images((8, 3, 256, 256), torch.device("cpu")))
    pred.requires_grad_()
    flow = 3 * torch.randn(1, 7, 2, 256, 256, generator=torch.Generator().manual_seed(0))
    return {
        "warping_error": Pair(
            lambda x: F.warping_error_loss(x, flow=flow), lambda x: plain.sampled(x, flow), pred
        ),
        "temporal_difference": Pair(
            lambda x: F.temporal_difference_loss(x, target),
            lambda x: (x - target).diff(dim=1).abs().mean(),
            pred,
        ),
    }


def of_features() -> dict[str, Pair]:
    generator = torch.Generator().manual_seed(0)
    deep, of_deep = torch.randn(2, 4, 64, 64, 64, generator=generator).unbind()
    small, of_small = (features[:2, :, :32, :48].contiguous() for features in (deep, of_deep))
    for features in (deep, small):
        features.requires_grad_()
    vectors = unit_vectors(0, 64, 64, like=of_deep)
    patches = unit_vectors(0, 256, 64, 5, 5, like=of_small)

    def ours(loss: Callable[..., Tensor], target: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda x: loss({"a": x}, {"a": target}, layers={"a": 1.0})

    return {
        "sliced_wasserstein": Pair(
            ours(F.sliced_wasserstein_loss, of_deep),
            lambda x: (
                plain.sorted_difference(
                    torch.einsum("kc,nchw->nkhw", vectors, x),
                    torch.einsum("kc,nchw->nkhw", vectors, of_deep),
                )
                .square()
                .mean()
            ),
            deep,
        ),
        "projected_distribution": Pair(
            ours(F.projected_distribution_loss, of_deep),
            lambda x: plain.sorted_difference(x, of_deep).abs().mean(),
            deep,
        ),
        "fdl": Pair(ours(F.fdl_loss, of_small), lambda x: plain.fdl(x, of_small, patches), small),
        "contextual": Pair(
            ours(F.contextual_loss, of_small), lambda x: plain.contextual(x, of_small), small
        ),
        "contextual_bilateral": Pair(
            ours(F.contextual_bilateral_loss, of_small),
            lambda x: plain.bilateral(x, of_small),
            small,
        ),
    }


def of_sets() -> dict[str, Pair]:
    generator = torch.Generator().manual_seed(0)
    many, of_many = torch.randn(2, 1024, 256, generator=generator).unbind()
    few, of_few = torch.randn(2, 64, 2048, generator=generator).unbind()
    for features in (many, few):
        features.mul_(1.1).requires_grad_()

    def pair(ours: Loss, theirs: Loss) -> Pair:
        return Pair(lambda x: ours(x, of_many), lambda x: theirs(x, of_many), many)

    return {
        "frechet_distance": pair(F.frechet_distance, plain.frechet_by_covariances),
        "frechet_distance, few rows": Pair(
            lambda x: F.frechet_distance(x, of_few),
            lambda x: plain.frechet_by_rows(x, of_few),
            few,
        ),
        "kernel_distance": pair(F.kernel_distance_loss, plain.kid),
        "cmmd": pair(F.cmmd_loss, plain.cmmd),
    }


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
