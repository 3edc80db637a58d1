"""The command line: ``ssimloss weights ...``, ``ssimloss doctor``, and errors without the extra."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from rich.console import Console
from typer.testing import CliRunner, Result

import ssimloss
from ssimloss import weights
from ssimloss.cli import main
from ssimloss.cli._app import app
from ssimloss.cli._weights import _print_rows
from ssimloss.kernels.__main__ import report
from ssimloss.weights import _catalogue, _store

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torchvision's cache, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("SSIMLOSS_WEIGHTS", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def run(home: Path) -> Run:  # noqa: ARG001 - set up first
    def run(*arguments: str | Path, status: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    torch.save({"features.0.weight": torch.rand(64, 3, 3, 3)}, tmp_path / "made")
    return (tmp_path / "made").read_bytes()


@pytest.fixture
def entry(content: bytes, monkeypatch: pytest.MonkeyPatch) -> weights.WeightsFile:
    """torchvision's table lists ``content`` as SqueezeNet's file, at an address where no server
    answers.
    """
    file = f"squeezenet1_1-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    published = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.value
    monkeypatch.setattr(published, "url", f"http://127.0.0.1:9/{file}")
    entry = weights.published("squeezenet1_1")
    rows = (entry, *(row for row in _catalogue.recorded() if row.name != "squeezenet1_1"))
    for room in (_catalogue, weights):
        monkeypatch.setattr(room, "recorded", lambda: rows)
    return entry


def rows(output: str) -> dict[str, list[str]]:
    """File name -> the cells of its row."""
    cells = [re.split(r" {2,}", line.strip()) for line in output.splitlines()]
    return {row[2]: row for row in cells if len(row) == 6}


def test_list(
    run: Run,
    entry: weights.WeightsFile,
    content: bytes,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = run("weights", "list").output
    assert listed.count("ssimloss weights fetch NAME") == 1
    shown = rows(listed)
    assert shown["dists.safetensors"] == [
        "dists",
        "bundled",
        "dists.safetensors",
        "0.012",
        "here: bundled",
        "MIT",
    ]
    assert shown["vgg19-dcbb9e9d.pth"] == [
        "vgg19",
        "IMAGENET1K_V1",
        "vgg19-dcbb9e9d.pth",
        "548.1",
        "not here",
        "BSD-3-Clause, terms of ImageNet",
    ]
    assert {row.file for row in weights.BUNDLED} <= shown.keys()
    assert not any("convnext" in file for file in shown)
    everything = rows(run("weights", "list", "--all").output)
    assert everything.keys() == {"file"} | {row.file for row in weights.catalogue()}
    home.mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    (home / "convnext_tiny-983f1562.pth").write_bytes(b"")
    for folder in (home, tmp_path / "mine"):
        (folder / entry.file).write_bytes(content)
    monkeypatch.setenv("SSIMLOSS_WEIGHTS", str(tmp_path / "mine"))
    shown = rows(run("weights", "list").output)
    assert shown[entry.file][4] == "here: SSIMLOSS_WEIGHTS, cache"
    assert shown["convnext_tiny-983f1562.pth"][4] == "here: cache", "what is here is listed"


def test_list_is_not_cut_on_a_terminal() -> None:
    """Of 80 columns: names of files whole, so that they can be copied, and no line wrapped."""
    file = io.StringIO()
    _print_rows(
        Console(file=file, width=80),
        [
            ("a" * 24, "b" * 13, "c" * 41, "548.1", "bundled, cache", licence)
            for licence in ("MIT", "https://" + 40 * "x")
        ],
    )
    assert file.getvalue().splitlines() == [
        f"{'a' * 24}  {'b' * 13}  548.1 MB  bundled, cache",
        f"  {'c' * 41}  MIT",
        f"{'a' * 24}  {'b' * 13}  548.1 MB  bundled, cache",
        f"  {'c' * 41}",
        f"  {'https://' + 40 * 'x'}",
    ]


@pytest.mark.parametrize("set_", [("TORCH_HOME",), ("XDG_CACHE_HOME",), ()])
def test_the_cache_is_found_without_torch(
    set_: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where torch.hub has it, as ``~`` or unset."""
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in set_:
        monkeypatch.setenv(name, "~/elsewhere")
    assert _store._usual_hub() == torch.hub.get_dir()


def test_where(
    run: Run,
    entry: weights.WeightsFile,
    content: bytes,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = run("weights", "where").output.splitlines()
    assert lines[0].split() == ["SSIMLOSS_WEIGHTS", "not", "set"]
    assert lines[1].startswith("bundled  ")
    assert lines[2] == f"{'cache':<16} {home}    (does not exist)"
    assert run("weights", "where", "dists").output.endswith("dists.safetensors\n")
    result = run("weights", "where", "squeezenet1_1", status=1)
    assert (
        f"error: {entry.file} is in none of the folders; run: ssimloss weights fetch squeezenet1_1"
        in result.output
    )
    home.mkdir(parents=True)
    (home / entry.file).write_bytes(content)
    assert run("weights", "where", "squeezenet1_1").output == f"{home / entry.file}\n"
    monkeypatch.setenv("SSIMLOSS_WEIGHTS", str(tmp_path))
    assert run("weights", "where").output.splitlines()[0] == f"SSIMLOSS_WEIGHTS {tmp_path}"


def test_fetch(
    run: Run, entry: weights.WeightsFile, content: bytes, home: Path, tmp_path: Path
) -> None:
    result = run("weights", "fetch", "squeezenet1_1", status=1)
    assert (
        "error: weights 'IMAGENET1K_V1' of network 'squeezenet1_1' are not on this machine"
        in result.output
    )
    assert "Connection refused" in result.output
    (tmp_path / "shared").mkdir()
    for folder in (home, tmp_path / "shared"):
        # As a download leaves it, which tests/test_weights.py tests.
        (folder / entry.file).write_bytes(content)
    assert run("weights", "fetch", "squeezenet1_1", "dists").output.splitlines()[0] == str(
        home / entry.file
    )
    result = run("weights", "fetch", "squeezenet1_1", "--to", tmp_path / "shared")
    assert result.output == f"{tmp_path / 'shared' / entry.file}\n"
    (home / entry.file).write_bytes(content[:-1])
    assert (
        f"weights file {home / entry.file} is damaged"
        in run("weights", "fetch", "squeezenet1_1", status=1).output
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("where", "--weights", "IMAGENET1K_V2"), "needs the name of a network"),
        (("verify", "--weights", "IMAGENET1K_V2"), "needs the name of a network"),
        (("where", "dists", "--weights", "IMAGENET1K_V2"), "dists has one; leave it out"),
        (("fetch", "inception", "--weights", "IMAGENET1K_V2"), "inception has one; leave it out"),
        (("fetch", "dists", "--to", "here"), "--to is for downloads, and dists comes with"),
    ],
)
def test_options_that_would_be_ignored(run: Run, arguments: tuple[str, ...], words: str) -> None:
    assert words in run("weights", *arguments, status=2).output


def test_names_in_any_spelling(run: Run, home: Path) -> None:
    home.mkdir(parents=True)
    path = home / "resnet50-0676ba61.pth"
    path.write_bytes(b"")
    assert run("weights", "where", "ResNet50").output == f"{path}\n"
    assert run("weights", "where", "Alexnet Features").output.endswith("features.safetensors\n")


def test_misspelt_names(run: Run) -> None:
    output = run("weights", "fetch", "vgg18", status=2).output
    assert "no weights are called 'vgg18'; close to it: vgg19," in output
    output = run("weights", "where", "qqq", status=2).output
    assert "ssimloss weights list --all shows all" in output
    result = run("weights", "fetch", "resnet50", "--weights", "IMAGENET1K_V9", status=2)
    assert "'IMAGENET1K_V1', 'IMAGENET1K_V2', 'DEFAULT', got 'IMAGENET1K_V9'" in result.output
    run("weights", "fetch", status=2)
    run("weights", "no-such-command", status=2)


def test_verify(run: Run, entry: weights.WeightsFile, content: bytes, home: Path) -> None:
    lines = run("weights", "verify").output.splitlines()
    assert len(lines) == len(weights.BUNDLED)
    assert all(line.startswith("ok       ") for line in lines)
    assert run("weights", "verify", "squeezenet1_1", status=1).output == f"MISSING  {entry.file}\n"
    home.mkdir(parents=True)
    (home / entry.file).write_bytes(content)
    assert run("weights", "verify", "squeezenet1_1").output == f"ok       {home / entry.file}\n"
    (home / entry.file).write_bytes(content[:-1] + b"\1")
    output = run("weights", "verify", status=1).output
    assert f"DAMAGED  {home / entry.file}\n" in output
    assert (
        f"starts with {entry.sha256}; delete it and run: ssimloss weights fetch squeezenet1_1"
        in output
    )
    assert "ok  " in output, "the others are verified all the same"


def test_import(
    run: Run, entry: weights.WeightsFile, content: bytes, home: Path, tmp_path: Path
) -> None:
    brought = tmp_path / "download (1).bin"
    brought.write_bytes(content)
    result = run("weights", "import", brought)
    assert (
        result.output
        == f"{home / entry.file}: weights 'IMAGENET1K_V1' of network 'squeezenet1_1'\n"
    )
    assert [path.read_bytes() for path in home.iterdir()] == [content]
    assert weights.load_network("squeezenet1_1", "imagenet").keys() == {"features.0.weight"}
    run("weights", "import", brought, "--to", tmp_path / "shared")
    assert (tmp_path / "shared" / entry.file).read_bytes() == content
    (tmp_path / entry.file).write_bytes(content[:-5])
    assert (
        f"weights file {tmp_path / entry.file} is damaged"
        in run("weights", "import", tmp_path / entry.file, status=1).output
    )
    brought.write_bytes(b"something else")
    assert (
        "must be a file that ssimloss weights list --all shows"
        in run("weights", "import", brought, status=1).output
    )
    assert (
        "No such file or directory"
        in run("weights", "import", tmp_path / "nowhere.pth", status=1).output
    )
    brought.write_bytes(content)
    (tmp_path / "file").write_bytes(b"")
    assert (
        "cannot import"
        in run("weights", "import", brought, "--to", tmp_path / "file", status=1).output
    )
    assert [path.name for path in home.iterdir()] == [entry.file]


def test_doctor_says_what_the_kernels_say(run: Run) -> None:
    told = " ".join(run("doctor").output.split())
    reasons = [line.split("does not run: ")[1] for line in report() if "does not run: " in line]
    assert all(reason in told for reason in reasons), told


def test_version_and_help(run: Run) -> None:
    assert run("--version").output == f"ssimloss {ssimloss.__version__}\n"
    assert {"weights", "doctor"} <= set(run("--help").output.split())
    assert {"list", "where", "fetch", "verify", "import"} <= set(
        run("weights", "--help").output.split()
    )


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_a_missing_extra_is_one_line(package: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None\nfrom ssimloss.cli import main\nmain()"
    root = str(Path(ssimloss.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == f"ssimloss: the command line needs {package}, which is not installed: pip install "
        "'ssimloss[cli]'\n"
    )


def test_other_missing_modules_are_not_explained_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ssimloss.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("ssimloss.cli._app")
    monkeypatch.setitem(sys.modules, "ssimloss.cli._told", None)
    with pytest.raises(ModuleNotFoundError, match="_told"):
        main()
