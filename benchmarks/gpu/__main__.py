"""``python -m benchmarks.gpu --out FOLDER``: describe this GPU, run the tests on it, time our
losses and other libraries, and find the best configuration of the kernel.

It needs a checkout, torch, numpy and, for the kernels, triton. Tests need pytest, and other
libraries are timed if they can be imported. Nothing is downloaded. ``--peers FOLDER`` adds others:
wheels, and sources that are built with the nvcc of the machine. ``gpu.json`` and ``gpu.md`` are
written after each result, so that an interrupted run keeps its results.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.gpu import alternatives, deep, facts, peers, races, suite
from benchmarks.gpu.document import Document
from benchmarks.gpu.effort import Budget, Effort


def main(given: list[str] | None = None) -> int:
    """Run as much as the time allows; return the exit status."""
    options = _parsed(given)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("error: torch sees no CUDA GPU; --device cpu --quick tries the command out")
        return 2
    effort = Effort.quick(device) if options.quick else Effort.full(device)
    budget = Budget(options.seconds)
    document = Document(options.out, {"command": sys.argv[1:] if given is None else given})
    others = peers.found(options.peers, effort.libraries)
    # Shares of the remaining time when a section begins.
    sections: tuple[tuple[str, float, Callable[[Budget], None]], ...] = (
        ("facts", 0.2, lambda part: facts.gather(document, effort, part)),
        ("tests", 0.4, lambda part: suite.run(document, effort, part)),
        ("races", 0.7, lambda part: races.run(document, effort, part, others)),
        ("alternatives", 0.6, lambda part: alternatives.run(document, effort, part)),
        ("deep features", 1.0, lambda part: deep.run(document, effort, part)),
    )
    for name, share, section in sections:
        began = time.monotonic()
        print(f"{name} ({budget.left_s:.0f} s left)", flush=True)
        try:
            section(budget.part(share))
        except Exception:  # the sections after it still run, and the report shows the error
            document.failed(name, traceback.format_exc())
            traceback.print_exc()
        document.took(name, time.monotonic() - began)
    print(document.markdown_path.read_text(encoding="utf-8"))
    return 1 if document.has_failures() else 0


def _parsed(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for the report")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu")
    parser.add_argument("--quick", action="store_true", help="tiny images, to try the command out")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="wheels and sources of others")
    parser.add_argument(
        "--seconds", type=float, default=460.0, help="time limit (default: %(default)s)"
    )
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
