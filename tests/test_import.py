"""What ``import ssimloss`` costs in a fresh interpreter: nothing beyond torch and
its own modules.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from oldest import needs_torch

ROOT = Path(__file__).parents[1]

# Everything is watched from before `import torch`, judged only after it: torch may import, warn and
# write as it likes.
SCRIPT = """
import json, socket, sys, warnings
import torch
report = {"audit": [], "cuda_before": torch.cuda.is_initialized()}
before = set(sys.modules)

WRITES = {"os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "os.putenv"}
WRITES |= {"tempfile.mkstemp", "tempfile.mkdtemp"}
PROCESSES = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}
FLAGS = 0o1 | 0o2 | 0o100  # O_WRONLY | O_RDWR | O_CREAT

def watch(event, arguments):
    opened = event == "open"
    written = opened and (set(str(arguments[1])) & set("wax+") or (arguments[2] or 0) & FLAGS)
    if written or event in WRITES | PROCESSES or event.startswith("socket."):
        report["audit"].append(f"{event} {arguments!r}")

sys.addaudithook(watch)
warnings.simplefilter("error")
PLANTED
import ssimloss
report["cuda"] = torch.cuda.is_initialized()
report["modules"] = sorted(set(sys.modules) - before)
report["threads"] = torch.get_num_threads()
report["default_dtype"] = str(torch.get_default_dtype())
report["audit"] = list(report["audit"])
print(json.dumps(report))
"""


def import_report(planted: str = "") -> dict[str, object]:
    """Import the package in a new interpreter, away from the repository, and tell what happened."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-B", "-c", SCRIPT.replace("PLANTED", planted)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def foreign(report: dict[str, object]) -> list[str]:
    """Top-level packages imported that are neither ours, nor torch, nor the standard library."""
    names = {str(name).split(".")[0] for name in report["modules"]}  # type: ignore[attr-defined]
    return sorted(names - {"ssimloss", "torch", "numpy"} - set(sys.stdlib_module_names))


@needs_torch(2, 7, "torch.library loads the compiler")
def test_import_costs_nothing() -> None:
    report = import_report()
    assert report["cuda"] == report["cuda_before"] == False  # noqa: E712 - both, and exactly False
    assert report["audit"] == [], (
        "importing ssimloss writes files, opens sockets or starts processes"
    )
    assert foreign(report) == [], "importing ssimloss imports these"
    compiler = [
        name
        for name in report["modules"]
        if str(name).startswith(("torch._dynamo", "torch._inductor"))
    ]  # type: ignore[attr-defined]
    assert compiler == [], (
        "importing ssimloss loads the compiler, which takes longer than torch itself"
    )


@needs_torch(2, 7, "torch.library loads the compiler")
def test_planted_costs_are_found(tmp_path: Path) -> None:
    """The watch above sees what it is there to see."""
    assert import_report(f"open({str(tmp_path / 'log')!r}, 'w').close()")["audit"]
    assert import_report("socket.socket().close()")["audit"]
    assert foreign(import_report("import PIL.Image")) == ["PIL"]
    assert any(
        "torch._dynamo" in str(name) for name in import_report("import torch._dynamo")["modules"]
    )  # type: ignore[attr-defined]


def test_version_needs_no_torch() -> None:
    code = (
        "import runpy, sys; print(runpy.run_path(sys.argv[1])['__version__'], 'torch' in "
        "sys.modules)"
    )
    path = ROOT / "ssimloss" / "_version.py"
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    version, imported = run.stdout.split()
    assert version.count(".") == 2
    assert imported == "False"
