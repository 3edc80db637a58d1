"""The built wheel: complete, and only the package; installed elsewhere, it computes a loss."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

import ssimloss
from ssimloss import weights
from ssimloss.metrics import measure

ROOT = Path(__file__).parents[1]
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None and shutil.which("clang++") is None, reason="no C++ compiler"
)

SCRIPT = """
import importlib.metadata, pathlib, sys
import torch, ssimloss
assert pathlib.Path(ssimloss.__file__).is_relative_to(sys.prefix), ssimloss.__file__
assert importlib.metadata.version("ssimloss") == ssimloss.__version__
assert (pathlib.Path(ssimloss.__file__).parent / "py.typed").is_file()
from ssimloss.kernels import why_not
assert (why_not("cpu") is None) == (sys.argv[1] == "native"), why_not("cpu")
pred = torch.rand(2, 3, 32, 32, requires_grad=True)
for loss in (ssimloss.CharbonnierLoss(), ssimloss.SSIMLoss()):
    value = loss(pred, torch.rand(2, 3, 32, 32))
    value.backward()
    assert value.isfinite() and pred.grad.isfinite().all()
print("computed")
import runpy
sys.argv = ["ssimloss.kernels"]
runpy.run_module("ssimloss.kernels", run_name="__main__", alter_sys=True)
"""

# The files that travel with the package, where there is no repository to find them in.
WEIGHTS = """
import sys, ssimloss, pathlib, importlib.metadata
opened = []
def hook(event, arguments):
    if event == "open":
        opened.append(str(arguments[0]))
sys.addaudithook(hook)
from ssimloss import weights
assert not [path for path in opened if "safetensors" in path or "MANIFEST" in path], opened
folder = weights.folders()["bundled"]
assert folder.is_relative_to(pathlib.Path(ssimloss.__file__).parent), folder
assert (folder / "MANIFEST.toml").is_file() and (folder / "licenses" / "lpips.txt").is_file()
for row in weights.BUNDLED:
    if row.file.endswith(".json"):
        assert weights.bundled_text(row.name)
    else:
        assert all(tensor.isfinite().all() for tensor in weights.load_bundled(row.name).values())
    print(row.name)
print("read")
"""

# What prints tables, one command after the other in one process.
COMMANDS = """
import sys
from ssimloss.cli import main
for command in sys.argv[1:]:
    sys.argv = ["ssimloss", *command.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (command, end.code)
    print("end of a table")
"""

# Every process of the environment refuses to connect.
REFUSED = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise OSError(f"no network: {event} {arguments[1:]}")
sys.addaudithook(refuse)
"""

LPIPS = """
import socket, torch, ssimloss
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError as error:
    print("refused" if "no network" in str(error) else error)
pred = torch.rand(2, 3, 64, 64, requires_grad=True)
ssimloss.LPIPS()(pred, torch.rand(2, 3, 64, 64)).backward()
assert pred.grad.isfinite().all() and pred.grad.any()
print("computed")
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, **environment},
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a source distribution of the whole tree, so that what should stay out of the wheel
    is there to get in.
    """

    def made(folder: Path) -> None:
        copy_sources(folder / "source")
        # What is in the wheel and whether it loads depends neither on the level of optimisation nor
        # on the number of instruction sets.
        quick = {"SSIMLOSS_CXXFLAGS": "-O0", "SSIMLOSS_INSTRUCTIONS": "baseline"}
        build(folder / "source", folder / "dist", **quick)

    (path,) = (once(tmp_path_factory, "wheel", made) / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_without_compiler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built where no compiler can be found."""

    def made(folder: Path) -> None:
        copy_sources(folder / "source")
        empty = folder / "bin"
        empty.mkdir()
        build(folder / "source", folder / "dist", "--wheel", PATH=str(empty), CC="cc", CXX="c++")

    (path,) = (once(tmp_path_factory, "bare", made) / "dist").glob("*.whl")
    return path


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that ``make`` fills, for all processes of the test run."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, done = base / name, base / f"{name}.done"
    with FileLock(base / f"{name}.lock"):
        if not done.exists():
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def copy_sources(to: Path) -> None:
    """The tree without what was built or computed in it."""
    shutil.copytree(
        ROOT,
        to,
        ignore=shutil.ignore_patterns(
            ".*", "*.so", "build", "dist", "outputs", "*.egg-info", "__pycache__"
        ),
    )


def build(source: Path, out: Path, *options: str, **environment: str) -> Path:
    command = (sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", out)
    run(*command, cwd=source, **environment)
    (path,) = out.glob("*.whl")
    return path


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {
        "ssimloss",
        f"ssimloss-{ssimloss.__version__}.dist-info",
    }
    package = ROOT / "ssimloss"
    pages = [package / "evaluation" / "report" / "page", package / "study" / "page"]
    parts = [part for page in pages for part in page.glob("*.*")]
    sources = [*package.rglob("*.py"), *package.rglob("*.pyi"), *package.glob("*/*.json"), *parts]
    expected = {str(path.relative_to(ROOT)) for path in sources} | {"ssimloss/py.typed"} | bundled()
    assert expected - names == set(), "missing from the wheel"
    assert "-py3-none-" in wheel.name, (
        "the library is no extension module: one wheel serves every Python"
    )
    assert not wheel.name.endswith("-any.whl"), "it serves one platform"
    assert names - expected - {"ssimloss/kernels/libssimloss.so"} == {
        name for name in names if ".dist-info/" in name
    }


def bundled() -> set[str]:
    """What the folder weights/ of the repository is called in the wheel."""
    rows = [(ROOT / "weights" / row.file) for row in weights.BUNDLED]
    files = [ROOT / "weights" / "MANIFEST.toml", *rows, *(ROOT / "weights" / "licenses").iterdir()]
    return {f"ssimloss/weights/bundled/{path.relative_to(ROOT / 'weights')}" for path in files}


def test_wheel_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = f"ssimloss-{ssimloss.__version__}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        assert {
            f"{info}/licenses/{name}"
            for name in (
                "LICENSE",
                *(f"weights/licenses/{name}.txt" for name in ("lpips", "DISTS", "torchvision")),
            )
        } <= set(archive.namelist())
        assert "ssimloss = ssimloss.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
    required = {
        line
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist:") and "extra ==" not in line
    }
    assert {line.split()[1].split(">")[0] for line in required} == {
        "torch",
        "torchvision",
        "numpy",
        "safetensors",
        "filelock",
        "typing_extensions",
    }
    assert "Requires-Python: >=3.10" in metadata


def install(wheel: Path, folder: Path) -> tuple[Path, Path]:
    """Install into a separate environment that cannot see the repository; return its Python and a
    folder to run it in. torch and numpy come from the environment of the tests.
    """
    environment, elsewhere = folder / "env", folder / "elsewhere"
    elsewhere.mkdir()
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    pip = (
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-compile",  # what is imported is compiled anyway
    )
    run(*pip, wheel, cwd=elsewhere)
    # A path file adds a folder without running the path files in it, so that an editable install
    # there stays out of sight.
    purelib = sysconfig.get_path(
        "purelib", vars={"base": str(environment), "platbase": str(environment)}
    )
    Path(purelib, "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return python, elsewhere


@pytest.mark.slow
@needs_compiler
def test_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """Losses and the command, where no socket connects and no cache has a file. The command's
    values are those of this source tree: all are computed in float64.
    """
    python, elsewhere = install(wheel, tmp_path)
    Path(elsewhere, "refused.py").write_text(REFUSED, encoding="utf-8")
    images = np.random.default_rng(0).integers(0, 256, (2, 120, 130, 3), np.uint8)
    folders = {"a": images, "b": images // 2 + np.uint8(40)}
    for folder, (first, second) in folders.items():
        Path(elsewhere, folder).mkdir()
        Image.fromarray(first).save(elsewhere / folder / "0.png")
        Image.fromarray(second).save(elsewhere / folder / "1.png")
    (purelib,) = python.parents[1].glob("lib/python*/site-packages")
    Path(purelib, "refused.pth").write_text(f"{elsewhere}\nimport refused\n", encoding="utf-8")
    empty = {"TORCH_HOME": str(elsewhere / "cache")}
    told = run(python, "-c", LPIPS + SCRIPT, "native", cwd=elsewhere, **empty)
    assert told.startswith("refused\ncomputed\ncomputed\n")
    assert "cpu     runs: " in told
    names = ("lpips", "flip", "vif", "ssimulacra2")
    command = (python.with_name("ssimloss"), "evaluate", "a", "b", "--metrics", ",".join(names))
    table = run(*command, "--out", "out", "--no-report", cwd=elsewhere, **empty)
    assert re.search(r"^b +LPIPS \S+ +0\.\d+", table, re.MULTILINE), table
    rows = csv.DictReader((elsewhere / "out/per_image.csv").read_text("utf-8").splitlines())
    found = [[float(row[name]) for name in names] for row in rows]
    target, pred = (torch.from_numpy(images).permute(0, 3, 1, 2) for images in folders.values())
    expected = torch.stack([measure(name)(pred, target) for name in names], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert not (elsewhere / "cache").exists()


@pytest.mark.slow
def test_install_without_a_compiler(wheel_without_compiler: Path, tmp_path: Path) -> None:
    """It works, slower, and states why and what to do."""
    assert (
        "ssimloss/kernels/libssimloss.so" not in zipfile.ZipFile(wheel_without_compiler).namelist()
    )
    python, elsewhere = install(wheel_without_compiler, tmp_path)
    names = [row.name for row in weights.BUNDLED]
    verify = " ".join(("weights verify", *names))
    told = run(python, "-c", WEIGHTS + SCRIPT, "eager", cwd=elsewhere)
    read, report = told.split("\nread\ncomputed\n")
    assert read.split() == names
    told = run(python, "-c", COMMANDS, verify, "doctor", cwd=elsewhere)
    verified, told, _ = told.split("end of a table\n")
    assert verified.count("ok  ") == len(names)
    told = " ".join(told.split())
    assert "cpu absent does not run: the native library libssimloss.so was not built" in told
    assert "broken" not in told
    assert "cpu     does not run: the native library libssimloss.so was not built" in report
    assert "install a compiler" in report


def test_a_source_tree_hides_the_installed_package(tmp_path: Path) -> None:
    """Python imports the sources of its folder first: both reports name them, not a compiler that
    was missing at installation.
    """
    source = tmp_path / "source"
    copy_sources(source)
    script = """
import ssimloss.kernels.__main__
from ssimloss.doctor import machine
print(*ssimloss.kernels.__main__.report(), *machine().lines, sep="\\n")
"""
    told = run(sys.executable, "-c", script, cwd=source)
    cause = f"does not run: Python imported the source tree {source / 'ssimloss'}, where the native"
    ways_out = f"run Python outside the folder {source}, or else run pip install -e . or python"
    assert told.count(cause) == told.count(ways_out) == 2
    assert "when ssimloss was installed" not in told


@needs_compiler
def test_wheel_holds_the_library(wheel: Path) -> None:
    assert "ssimloss/kernels/libssimloss.so" in zipfile.ZipFile(wheel).namelist()


def test_a_library_can_be_demanded(tmp_path: Path) -> None:
    """``SSIMLOSS_BUILD=require``, as for wheels: without a compiler the build fails."""
    copy_sources(tmp_path / "source")
    (tmp_path / "bin").mkdir()
    with pytest.raises(
        AssertionError, match=r"No such file or directory: 'c\+\+'|command 'c\+\+' failed"
    ):
        build(
            tmp_path / "source",
            tmp_path / "dist",
            "--wheel",
            PATH=str(tmp_path / "bin"),
            CC="cc",
            CXX="c++",
            SSIMLOSS_BUILD="require",
        )
