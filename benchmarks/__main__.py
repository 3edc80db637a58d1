"""``python -m benchmarks``: check that all libraries compute the same value, time them in turn, and
write the report; then the table of every registered measure, ``python -m benchmarks.family``.
"""

from __future__ import annotations

import argparse
import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.contenders import (
    GRADIENT_TOLERANCE,
    OURS,
    VALUE_TOLERANCE,
    Definition,
    Peer,
    Score,
    Shape,
    definitions,
    difference,
    images,
    native_bytes,
)
from benchmarks.family import __main__ as family
from benchmarks.limits import Machine, least_work, measure
from benchmarks.timing import synchronizer, time_interleaved
from ssimloss._memory import peak_bytes
from ssimloss.kernels import use_instructions

SHAPES: list[Shape] = [(16, 3, 128, 128), (8, 3, 256, 256), (1, 3, 1080, 1920)]
QUICK_SHAPES: list[Shape] = [(1, 3, 176, 176)]


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run the benchmarks chosen on the command line; return the results."""
    options = _parser().parse_args(arguments)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if options.instructions:
        use_instructions(options.instructions)
    shapes = options.shape or (QUICK_SHAPES if options.quick else SHAPES)
    effort = (
        {"rounds": 2, "slice_s": 0.01, "tries": 1}
        if options.quick
        else {"rounds": options.rounds, "slice_s": options.slice, "tries": options.tries}
    )

    about = report.metadata(device)  # measured before the benchmark adds to the load
    machine = measure(device, **({"megabytes": 32, "side": 512} if options.quick else {}))
    rows: list[report.Row] = []
    asked: dict[str, Definition] = {}
    for shape in shapes:
        for definition in definitions(shape, compiled=options.compile):
            if options.only and definition.name not in options.only:
                continue
            known = asked.setdefault(definition.name, definition)
            asked[definition.name] = dataclasses.replace(
                known, absent={**known.absent, **definition.absent}
            )
            rows += compare(definition, shape, device, machine, effort)
    results = {
        "metadata": about,
        "settings": {
            **effort,
            "value_tolerance": VALUE_TOLERANCE,
            "gradient_tolerance": GRADIENT_TOLERANCE,
        },
        "limits": dataclasses.asdict(machine),
        "definitions": [
            {"name": d.name, "title": d.title, "absent": d.absent} for d in asked.values()
        ],
        "rows": rows,
    }
    if options.out or not options.quick:
        folder = options.out or Path(__file__).parent / "results"
        for path in report.write(results, folder, options.name or device.type):
            print(f"wrote {path}")
        chosen = options.only or options.shape or options.instructions or options.name
        if device.type == "cpu" and not (options.quick or chosen):
            family.main(["--out", str(folder)])
    else:
        print(report.markdown(results))
    return results


def compare(
    definition: Definition,
    shape: Shape,
    device: torch.device,
    machine: Machine,
    effort: dict[str, Any],
) -> list[report.Row]:
    """One row per library: whether it computes our value, and if so, its time and memory.

    ``effort`` holds the rounds, slices and tries of :func:`time_interleaved`.
    """
    pred, target = images(shape, device)
    rows: dict[str, report.Row] = {}
    scores: dict[str, Score] = {}
    for library, peer in {OURS: Peer(definition.ours), **definition.peers}.items():
        row: report.Row = {"definition": definition.name, "shape": list(shape), "library": library}
        rows[library] = row
        try:
            value, gradient = difference(peer, definition.ours, pred, target)
        # Exceptions of libraries for sizes that they do not accept.
        except (AssertionError, RuntimeError, ValueError) as error:
            if library == OURS:
                raise
            row["refused"] = f"refuses: {error}"
            continue
        row |= {"value_difference": value, "gradient_difference": gradient}
        if value <= VALUE_TOLERANCE and gradient <= GRADIENT_TOLERANCE:
            scores[library] = peer.score
        else:
            row["refused"] = f"another value (off by {value:.1e}, gradient by {gradient:.1e})"
        print(
            f"{definition.name} {shape} {library}: value {value:.1e}, gradient {gradient:.1e} "
            "from ours",
            flush=True,
        )

    for mode, make in (("forward", _forward), ("backward", _forward_and_backward)):
        calls = {library: make(score, pred, target) for library, score in scores.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # once, by the peers
            times = time_interleaved(calls, **effort, synchronize=synchronizer(device))
            for library, call in calls.items():
                rows[library][mode] = times[library].summary()
                if mode == "backward":
                    rows[library]["peak_bytes"] = peak_bytes(call, device)
                    if library.startswith(OURS) and device.type == "cpu":
                        rows[library]["peak_bytes"] += native_bytes(definition, shape)
                print(
                    f"  {mode} {library}: {1e3 * rows[library][mode]['median_s']:.2f} ms",
                    flush=True,
                )
    for mode in ("forward", "backward"):
        work = least_work(
            shape, taps=definition.taps, scales=definition.scales, backward=mode == "backward"
        )
        for library in scores:
            rows[library]["limit_share"] = (
                machine.least_seconds(work) / rows[library][mode]["median_s"]
            )
    return list(rows.values())


def _forward(score: Score, pred: Tensor, target: Tensor) -> Callable[[], object]:
    def call() -> Tensor:
        with torch.no_grad():
            return score(pred, target)

    return call


def _forward_and_backward(score: Score, pred: Tensor, target: Tensor) -> Callable[[], object]:
    """The gradient to the first image, as in training."""
    asking = pred.detach().clone().requires_grad_()
    return lambda: torch.autograd.grad(score(asking, target), asking)


def _shape(text: str) -> Shape:
    n, c, height, width = map(int, text.split("x"))
    return n, c, height, width


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small images and few rounds, printed but not written: a smoke test",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda if available")
    parser.add_argument(
        "--shape",
        type=_shape,
        action="append",
        metavar="NxCxHxW",
        help="may be given several times",
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="DEFINITION",
        help="ssim, ssim_reflect, ms_ssim, ms_ssim_joint, l1, charbonnier or ssim_l1; may be "
        "repeated",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="also pytorch-msssim, torch and ours under torch.compile",
    )
    parser.add_argument(
        "--instructions",
        choices=("avx512", "avx2", "baseline"),
        help="of our native library (default: the best)",
    )
    parser.add_argument("--rounds", type=int, default=7, help="slices per library (default 7)")
    parser.add_argument(
        "--slice",
        type=float,
        default=0.5,
        metavar="SECONDS",
        help="length of a slice (default 0.5)",
    )
    parser.add_argument(
        "--tries",
        type=int,
        default=4,
        help="how often a slice disturbed by other processes is measured (default 4)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="folder of the report (default benchmarks/results)",
    )
    parser.add_argument("--name", help="name of the report (default: the device)")
    return parser


if __name__ == "__main__":
    main()
