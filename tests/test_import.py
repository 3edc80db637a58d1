"""What importing ssimloss costs in a fresh interpreter: nothing before a name is used, then torch
and its own modules. Whatever is imported first, the names are the same.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

from oldest import needs_torch

import ssimloss

ROOT = Path(__file__).parents[1]

# Each in a separate process, which has imported torch but nothing of ssimloss: torch is imported
# once, and may import, warn and write as it likes.
IN_PROCESSES = """
import json, os, sys, torch
for name, statements in json.load(sys.stdin).items():
    assert not [module for module in sys.modules if module.startswith("ssimloss")]
    if os.fork() == 0:
        exec(statements)
        sys.stdout.flush()
        os._exit(0)
    if os.wait()[1]:
        sys.exit(name)
"""

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
from ssimloss import *
report["cuda"] = torch.cuda.is_initialized()
report["modules"] = sorted(set(sys.modules) - before)
report["threads"] = torch.get_num_threads()
report["default_dtype"] = str(torch.get_default_dtype())
report["audit"] = list(report["audit"])
print(json.dumps(report), flush=True)
"""


# An SSIMLoss(window_size=7), of a process that is not this one.
PICKLED = pickle.dumps(ssimloss.SSIMLoss(window_size=7))


def in_processes(**statements: str) -> str:
    """What the statements print, each in a process of its own, away from the repository."""
    run = subprocess.run(
        [sys.executable, "-B", "-c", IN_PROCESSES],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def foreign(report: dict[str, object]) -> list[str]:
    """Top-level packages that are imported and belong to none of ssimloss, torch and the standard
    library.
    """
    names = {str(name).split(".")[0] for name in report["modules"]}  # type: ignore[attr-defined]
    return sorted(names - {"ssimloss", "torch", "numpy"} - set(sys.stdlib_module_names))


@needs_torch(2, 7, "torch.library loads the compiler")
def test_import_costs_nothing_and_costs_are_seen(tmp_path: Path) -> None:
    planted = (
        f"open({str(tmp_path / 'log')!r}, 'w').close(); socket.socket().close(); "
        "import PIL.Image, torch._dynamo"
    )
    printed = in_processes(
        plain=SCRIPT.replace("PLANTED", ""), planted=SCRIPT.replace("PLANTED", planted)
    )
    report, of_planted = map(json.loads, printed.splitlines())
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
    # The watch sees what it is there to see.
    events = " ".join(of_planted["audit"])
    assert "log" in events
    assert "socket.__new__" in events
    assert "PIL" in foreign(of_planted)
    assert any("torch._dynamo" in str(name) for name in of_planted["modules"])


_MEASURES = "{each.name for each in registered()}"
# Statements of which each is the first to import something of ssimloss in its process.
FIRST = {
    "a name": """
import ssimloss
assert 'SSIMLoss' not in vars(ssimloss) and not hasattr(ssimloss, '__wrapped__')
assert ssimloss.networks and ssimloss.SSIMLoss is ssimloss.losses.SSIMLoss
assert {'SSIMLoss', 'metrics'} <= set(dir(ssimloss)) and not hasattr(ssimloss, 'nothing')
""",
    "tables": "from ssimloss.conventions import PSNR, TABLES; assert 'MS_SSIM' in TABLES",
    "registry": f"from ssimloss.measure import registered; assert 'vmaf' in {_MEASURES}",
    "pickled": f"import pickle; assert pickle.loads({PICKLED!r}).window_size == 7",
    "taken": """
from ssimloss.measure import Measure
fields = dict(title='', unit='', better='lower', perfect=0.0, range=(0, 1), source='')
try:
    Measure(name='l1', equation=lambda pred, target: pred, **fields)
except ValueError as error:
    assert 'exists already' in str(error)
else:
    raise AssertionError('the name of a measure of the package was taken')
""",
}


def test_the_first_import_may_be_any() -> None:
    assert in_processes(**FIRST) == ""


# Commands and the status of each; none needs a tensor.
WITHOUT_TORCH = {
    "": 2,
    "--help": 0,
    "--version": 0,
    "evaluate --help": 0,
    "compare --help": 0,
    "doctor --help": 0,
    "weights --help": 0,
    "weights list": 0,
    "weights list --all": 0,
    "weights where": 0,
    "weights where dists": 0,
    "no-such-command": 2,
    "evaluate": 2,
    "evaluate a b --no-such-option": 2,
    "evaluate a b --scale four": 2,
    "evaluate a b --metrics snr": 2,
    "evaluate a b --protocol basic": 2,
    "evaluate a b --protocol basicsr": 2,
    "evaluate a b --alpha white": 2,
    "evaluate a b --table html": 2,
    "evaluate a b --compare a b": 2,
}


def test_commands_that_need_no_tensor_import_no_torch() -> None:
    script = f"""
import contextlib, io, sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision"):
            raise RuntimeError("torch is imported")
sys.meta_path.insert(0, Refused())
from ssimloss.cli import main
for command, status in {WITHOUT_TORCH!r}.items():
    sys.argv = ["ssimloss", *command.split()]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main()
    except SystemExit as end:
        if (end.code or 0) != status:
            print(command, "ends with", end.code)
    except RuntimeError as error:
        print(command, ":", error)
sys.argv = ["ssimloss", "evaluate", "a", "b"]
try:
    main()
except (RuntimeError, SystemExit) as error:  # so that it would be seen
    assert "torch is imported" in str(error), error
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SSIMLOSS_WEIGHTS": str(ROOT / "weights")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


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
