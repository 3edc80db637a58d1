"""``python -m benchmarks.gpu`` on the CPU with tiny images: every section, what it refuses, what it
leaves out, and what a run that is cut short leaves.
"""

from __future__ import annotations

import json
import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import ssimloss.functional as F
from benchmarks.gpu import __main__ as benchmark
from benchmarks.gpu import alternatives, document, effort, peers, races
from ssimloss.kernels import verdicts
from ssimloss.kernels.gpu.launch import Division
from ssimloss.kernels.similarity_means import cpu

CPU = torch.device("cpu")
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # the profiler's own
]


def stand_in(x: Tensor, y: Tensor, *options: Any) -> Any:
    """The native library; one division computes another value, another one cannot run."""
    division = options[4] if len(options) > 4 else None
    if division == Division(64, 1, 1):
        raise ValueError("out of registers")
    means, slope, other = cpu.similarity_means(x, y, *options[:4])
    return means * (1.1 if division and division.warps == 2 else 1.0), slope, other


def test_the_whole_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(verdicts.FOLDER, str(tmp_path / "cache"))
    monkeypatch.setattr(alternatives, "similarity_means", stand_in)
    monkeypatch.setattr(alternatives, "why_not", lambda _: None)
    status = benchmark.main(["--device", "cpu", "--quick", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert (status, found["failures"]) == (0, {}), printed
    assert found["facts"]["copied_bytes_per_s"] > 0
    assert "deselected" in found["tests"]["summary"]
    libraries = {(row["library"], row["dtype"]) for row in found["races"]}
    assert libraries >= {
        (name, dtype)
        for name in ("ssimloss, auto", "ssimloss, eager", "pytorch-msssim")
        for dtype in ("float32", "bfloat16")
    }
    for row in found["races"]:
        if row["dtype"] == "float32":
            assert row["note"] is None, row
            assert min(row["forward_ms"], row["step_ms"], row["peak_mib"]) > 0
            assert row["step_over_floor"] > 1
    usual, right, wrong, raising = found["alternatives"]
    assert min(usual["step_ms"], right["step_ms"]) > 0
    assert "another value" in wrong["note"]
    assert raising["note"] == "raises ValueError: out of registers"
    assert len(found["deep features"]) == 2 * 3
    assert all(row["step_ms"] > 0 for row in found["deep features"])
    text = (tmp_path / "gpu.md").read_text()
    for heading in ("# GPU", "## Tests", "## Races", "## Alternatives", "## Deep features"):
        assert f"{heading}\n" in text
    assert {row["definition"] for row in found["races"]} == {*races.MEASURES}
    shapes = text.count("| 1x1x16x20 |") + text.count("| 1x1x42x44 |")
    assert shapes == len(found["races"]) + len(found["alternatives"])


def test_time_that_is_up_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a section that stops does not stop the others."""

    def stop(*_: Any) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(benchmark.suite, "run", stop)
    options = ["--device", "cpu", "--quick", "--out", str(tmp_path), "--seconds", "0"]
    assert benchmark.main(options) == 1
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["races"] == []
    assert "planted" in found["failures"]["tests"]
    assert found["facts"]["torch"] == torch.__version__
    left_out = "\n".join(found["left out"])
    for what in ("limits of the machine", "races at 1x1x16x20 in float32, valid", "LPIPS"):
        assert what in left_out
    assert "## Tests stopped" in (tmp_path / "gpu.md").read_text()


def test_what_another_library_computes_is_compared_first(tmp_path: Path) -> None:
    def refuse(x: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError(f"no {x.dtype} and {y.dtype}")

    scores = {"right": F.ssim, "wrong": partial(F.ssim, sigma=1.4), "refuses": refuse}
    written = document.Document(tmp_path, {})
    quick = effort.Effort.quick(CPU)
    races._race(written, quick, (1, 1, 20, 24), torch.float32, "valid", scores)
    right, wrong, refuses = json.loads((tmp_path / "gpu.json").read_text())["races"]
    assert right["step_ms"] > 0
    assert "another value: off by" in wrong["note"]
    assert refuses["note"] == "raises NotImplementedError: no torch.float32 and torch.float32"
    assert "step_ms" not in wrong.keys() | refuses.keys()


def test_a_folder_brings_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel is unpacked, a source is built without a network, what fails is reported."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    code = "import ssimloss.functional as F\n\ndef fused_ssim(x, y, padding):\n"
    code += "    return F.ssim(x, y, padding=padding)\n"
    with zipfile.ZipFile(tmp_path / "fussim-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("fussim.py", code)
    (tmp_path / "broken").mkdir()
    found = peers.found(tmp_path, ("fussim", "fused-ssim"))
    definition, score = found.scores["fussim"]
    x, y = torch.rand(2, 1, 1, 20, 20)
    assert definition == "valid"
    assert torch.equal(score(x, y), F.ssim(x, y))
    assert found.absent["broken"].startswith("does not build: ")
    assert found.absent["fused-ssim"] == "not installed; --peers FOLDER adds it"
    sys.modules.pop("fussim")
    assert peers.install(tmp_path / "none") == {str(tmp_path / "none"): "is no folder"}


def test_milliseconds_take_turns() -> None:
    order: list[str] = []
    calls = {name: partial(order.append, name) for name in "ab"}
    found = effort.milliseconds(calls, effort.Effort.quick(CPU))
    assert order == ["a"] * 3 + ["b"] * 3 + ["a", "b"]
    assert all(taken > 0 for taken in found.values())
