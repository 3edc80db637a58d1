"""``pytest -m cuda`` in a separate process."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.gpu.document import Document
from benchmarks.gpu.effort import Budget, Effort

ROOT = Path(__file__).parents[2]
_KEPT = 8_000  # characters of the output that are kept


def run(document: Document, effort: Effort, budget: Budget) -> None:
    """Run as many of the tests that need a GPU as the time allows."""
    if importlib.util.find_spec("pytest") is None:
        document.leave_out("tests", "pytest is not installed")
        return
    files = effort.tests or _files()
    command = [sys.executable, "-m", "pytest", "-q", "-m", "cuda", "-p", "no:cacheprovider", *files]
    if not effort.tests and importlib.util.find_spec("xdist") is not None:
        # Most of the time is spent compiling kernels on the host.
        command += ["--numprocesses", str(min(8, os.cpu_count() or 1)), "--dist", "worksteal"]
    try:
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=max(1.0, budget.left_s)
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        text = output if isinstance(output, str) else output.decode(errors="replace")
        document.know("tests", status=0, summary="stopped: the time was up", output=text[-_KEPT:])
        document.leave_out("tests", "the time ran out before the last test")
        return
    lines = result.stdout.strip().splitlines()
    document.know(
        "tests",
        # 5: no test was found
        status=0 if result.returncode == 5 else result.returncode,
        summary=lines[-1] if lines else result.stderr[-_KEPT:],
        output=(result.stdout + result.stderr)[-_KEPT:],
    )


def _files() -> list[str]:
    """The shared files last: they have a test for every loss."""
    holding = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").glob("test_*.py"))
        if "mark.cuda" in path.read_text(encoding="utf-8")
    ]
    return sorted(holding, key=lambda name: ("every_loss" in name, name))
