"""The built wheel: complete, and only the package; installed elsewhere, it computes a loss."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import ssimloss

ROOT = Path(__file__).parents[1]

SCRIPT = """
import importlib.metadata, pathlib, sys
import torch, ssimloss
assert pathlib.Path(ssimloss.__file__).is_relative_to(sys.prefix), ssimloss.__file__
assert importlib.metadata.version("ssimloss") == ssimloss.__version__
assert (pathlib.Path(ssimloss.__file__).parent / "py.typed").is_file()
pred = torch.rand(2, 3, 32, 32, requires_grad=True)
for loss in (ssimloss.CharbonnierLoss(), ssimloss.SSIMLoss()):
    value = loss(pred, torch.rand(2, 3, 32, 32))
    value.backward()
    assert value.isfinite() and pred.grad.isfinite().all()
print("computed")
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the whole tree, so that what should stay out of the wheel is there to get in."""
    source, out = tmp_path_factory.mktemp("build") / "source", tmp_path_factory.mktemp("dist")
    unwanted = shutil.ignore_patterns(".*", "build", "dist", "outputs", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=unwanted)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, cwd=source)
    (path,) = out.glob("*.whl")
    return path


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {"ssimloss", f"ssimloss-{ssimloss.__version__}.dist-info"}
    package = ROOT / "ssimloss"
    expected = {str(path.relative_to(ROOT)) for path in package.rglob("*.py")} | {"ssimloss/py.typed"}
    assert expected - names == set(), "missing from the wheel"
    assert wheel.name.endswith("-py3-none-any.whl"), "nothing is compiled for one platform"


def test_wheel_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = f"ssimloss-{ssimloss.__version__}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    required = {line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line}
    assert {line.split()[1].split(">")[0] for line in required} == {"torch", "torchvision", "numpy"}
    assert "Requires-Python: >=3.10" in metadata


def test_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed without the repository in sight; torch and numpy are borrowed from the environment of the tests."""
    environment, elsewhere = tmp_path / "env", tmp_path / "elsewhere"
    elsewhere.mkdir()
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    install = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps")
    run(*install, wheel, cwd=elsewhere)
    # A path file adds a folder without running the path files in it, so that an editable install there stays out of sight.
    purelib = sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)})
    Path(purelib, "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    assert run(python, "-c", SCRIPT, cwd=elsewhere).strip() == "computed"
