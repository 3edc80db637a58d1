"""Everything runs on the caller's current CUDA stream: the source of the package uses no other
stream, and waits for the device only where a test states the reason. A launch on the default stream
would race with a step on another one, and cannot be captured in a CUDA graph. Since there may be no
GPU, the source is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ssimloss"
# Names that make, choose or replace a stream.
STREAMS = {"default_stream", "set_stream", "Stream", "ExternalStream", "StreamContext"}
# File -> why it may wait for the device.
MAY_WAIT = {
    "kernels/proof.py": "a kernel is timed once, before it is used",
    "combined/ranges.py": "counts of an earlier step that have arrived, or are asked for",
    "_memory.py": "the peak of a whole step is asked for",
    "study/cost.py": "a step is timed",
    "combined/timing.py": "prices of terms are read at a step that is logged",
}
# The one place that launches kernels.
LAUNCHES = {"kernels/gpu/launch.py"}


def faults(source: str, file: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in STREAMS:
            yield f"{file}:{node.lineno} names {node.attr}"
        of_cuda = isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch")
        if of_cuda and {alias.name for alias in node.names} & STREAMS:
            yield f"{file}:{node.lineno} imports a stream"
        if not isinstance(node, ast.Call):
            continue
        waits = isinstance(node.func, ast.Attribute) and node.func.attr == "synchronize"
        if waits and file not in MAY_WAIT:
            yield f"{file}:{node.lineno} waits for the device"
        launches = isinstance(node.func, ast.Subscript) and isinstance(node.func.slice, ast.Tuple)
        if launches and file not in LAUNCHES:
            yield f"{file}:{node.lineno} launches a kernel"
        if any(keyword.arg == "stream" and is_a_number(keyword.value) for keyword in node.keywords):
            yield f"{file}:{node.lineno} launches on a fixed stream"


def is_a_number(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant)


def test_the_package_stays_on_the_current_stream() -> None:
    found = [
        fault
        for path in sorted(PACKAGE.rglob("*.py"))
        for fault in faults(path.read_text(encoding="utf-8"), str(path.relative_to(PACKAGE)))
    ]
    assert not found


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("with torch.cuda.stream(torch.cuda.default_stream()): f()", "names default_stream"),
        ("kernel[(n,)](x, num_warps=4)", "launches a kernel"),
        ("kernel[(n,)](x, stream=0)", "launches on a fixed stream"),
        ("from torch.cuda import Stream", "imports a stream"),
        ("torch.cuda.synchronize()", "waits for the device"),
    ],
)
def test_planted_fault_is_found(source: str, fault: str) -> None:
    assert any(fault in found for found in faults(source, "functional/ssim.py"))
