"""``python -m benchmarks.family --out benchmarks/results``: time and memory of every registered
measure, beside piq, frame-analytics, torchmetrics and PyTorch.

Values and gradients are compared first; then all libraries are timed in turn, in one process.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks import report
from benchmarks.contenders import GRADIENT_TOLERANCE, OURS, VALUE_TOLERANCE, Shape
from benchmarks.family import cases, measuring
from benchmarks.family.inputs import takes_images
from benchmarks.family.measuring import Measured, Row
from benchmarks.family.report import markdown
from benchmarks.resident import return_freed_memory

SHAPES: list[Shape] = [(4, 3, 256, 256), (1, 3, 1080, 1920)]
QUICK_SHAPES: list[Shape] = [(1, 3, 176, 176)]


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run the benchmark; print and return the results, write them with ``--out``."""
    options = _parser().parse_args(arguments)
    shapes = options.shape or (QUICK_SHAPES if options.quick else SHAPES)
    effort = {"rounds": options.rounds, "slice_s": 0.1, "least_calls": 1, "tries": 2}
    if options.quick:
        effort |= {"rounds": 1, "slice_s": 0.0, "tries": 1}
    chosen = [case for case in cases.cases() if options.only in (None, case.measure.name)]
    if not chosen:
        raise SystemExit(f"no registered measure is called {options.only!r}")

    torch.set_num_threads(options.threads)
    about = report.metadata(torch.device("cpu"))  # measured before the benchmark adds to the load
    rows: list[Row] = []
    pending: list[Measured] = []
    results: dict[str, Any] = {
        "metadata": about,
        "settings": {
            **effort,
            "value_tolerance": VALUE_TOLERANCE,
            "gradient_tolerance": GRADIENT_TOLERANCE,
        },
        "rows": rows,
    }
    if options.resume:
        if options.out is None:
            raise SystemExit("--resume continues the run in --out, which is missing")
        before = json.loads((options.out / "family.json").read_text())
        changing = {"date": None, "load_average": None}
        if before["metadata"] | changing != about | changing:
            raise SystemExit(
                f"{options.out / 'family.json'} is of another machine or of other versions; leave "
                "out --resume"
            )
        rows += before["rows"]
    for number, shape in enumerate(shapes):
        if any(cases.COMPILING in case.peers for case in chosen):
            cases.compile_peers(not options.quick)
        for case in chosen:
            if number and not takes_images(case.measure):
                continue
            if there := measuring.resumed(case, shape, rows):
                pending += there
                continue
            known = [row for row in rows if row["definition"] == case.name]
            long = measuring.too_long(shape, known)
            if OURS in long:
                rows.append(_not_called(case, shape, long[OURS]))
                continue
            found = measuring.measured(case, shape, effort, long)
            rows += [each.row for each in found]
            pending += found
            print(_progress(found), flush=True)
            _write(results, options.out)  # a run that is cut short keeps what it had
    if not options.quick:
        return_freed_memory()
    measuring.take_memory(pending)
    if options.out is None:
        print(markdown(results))
    _write(results, options.out)
    return results


def _write(results: dict[str, Any], out: Path | None) -> None:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "family.json").write_text(json.dumps(results, indent=1) + "\n")
        (out / "family.md").write_text(markdown(results), encoding="utf-8")


def _not_called(case: cases.Case, shape: Shape, seconds: float) -> Row:
    return {
        "measure": case.measure.name,
        "definition": case.name,
        "shape": list(shape),
        "library": OURS,
        "too_long_s": seconds,
        "peak_bytes": None,
    }


def _progress(found: list[Measured]) -> str:
    row = found[0].row
    times = (
        f"{each['library']} {1e3 * each['backward']['median_s']:.1f} ms"
        for each, _ in found
        if "backward" in each
    )
    return f"{row['definition']} {tuple(row['shape'])}: {', '.join(times)}"


def _shape(text: str) -> Shape:
    n, c, height, width = map(int, text.split("x"))
    return n, c, height, width


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.family",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one call each on one small image, without the compiler of frame-analytics and with "
        "a coarser count of memory: a smoke test",
    )
    parser.add_argument("--only", metavar="MEASURE", help="name of a registered measure")
    parser.add_argument(
        "--shape", type=_shape, action="append", metavar="NxCxHxW", help="may be repeated"
    )
    parser.add_argument("--rounds", type=int, default=5, help="slices per library (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (default 1)")
    parser.add_argument(
        "--resume", action="store_true", help="keep the times that an earlier run left in --out"
    )
    parser.add_argument("--out", type=Path, help="folder of family.json and family.md")
    return parser


if __name__ == "__main__":
    main()
