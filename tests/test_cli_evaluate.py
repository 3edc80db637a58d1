"""``ssimloss evaluate``: what it prints, what it writes, and with which status it ends."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import photographs
import pytest
import torch
from PIL import Image as Pillow
from rich.console import Console
from typer.testing import CliRunner, Result

from ssimloss import evaluation
from ssimloss.cli import _evaluate
from ssimloss.cli._app import app
from ssimloss.cli._told import shown
from ssimloss.metrics import measure

pytestmark = pytest.mark.usefixtures("one_thread")

Run = Callable[..., Result]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for folder in ("gt", "a", "b"):
        (tmp_path / folder).mkdir()
    for i in range(3):
        pred, target = photographs.pair("chelsea", 40, 48, 20 * i, 30 * i)
        for folder, pixels in (("gt", target), ("a", pred), ("b", photographs.degrade(pred))):
            Pillow.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    return tmp_path


@pytest.fixture
def run(images: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(images)

    def run(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, ["evaluate", *arguments])
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def test_a_method_without_a_name_is_called_as_its_folder(run: Run) -> None:
    """Also beside one that has a name, and wherever it lies."""
    shutil.copytree("a", "results/a")
    lines = run("gt", "results/a", "B=b", "--metrics", "psnr").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["a", "B"]


def test_measures_that_need_no_download(run: Run) -> None:
    """The suite has no network; LPIPS and all else that they need is in the package."""
    for folder, image in zip(
        ("gt", "a"), reversed(photographs.pair("coffee", 120, 118)), strict=True
    ):
        for old in Path(folder).iterdir():
            old.unlink()
        Pillow.fromarray(image).save(f"{folder}/0.png")
    printed = run(
        "gt", "a", "--metrics", "lpips,flip,vif,ssimulacra2", "--protocol", "plain"
    ).stdout
    means = [float(re.split(r"  +", line)[2]) for line in printed.splitlines()[1:5]]
    pred, target = (
        torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        for image in photographs.pair("coffee", 120, 118)
    )
    names = ("lpips", "flip", "vif", "ssimulacra2")
    assert means == [round(measure(name)(pred, target).item(), 4) for name in names]


def test_prints_tables_and_writes_files(run: Run, images: Path) -> None:
    result = run(
        "gt",
        "a",
        "B=b",
        "--metrics",
        "psnr, ssim",
        "--protocol",
        "basicsr",
        "--scale",
        "2",
        "--out",
        "report",
    )
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "method",
        "metric",
        "mean",
        "95",
        "%",
        "interval",
        "std",
        "best",
        "worst",
        "images",
        "better",
    ]
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["a", "PSNR"],
        ["B", "PSNR"],
        ["a", "SSIM"],
        ["B", "SSIM"],
    ]
    assert [line.split()[-1] for line in lines[1:5]] == ["high"] * 4
    assert run("gt/0.png", "a/0.png", "--metrics", "l1").stdout.splitlines()[1].split()[-1] == "low"
    found = evaluation.Evaluation.from_json((images / "report/per_image.json").read_text())
    assert f"{found.summaries[0].mean:.4f}" in lines[1]
    assert any(line.startswith("a - B") for line in lines)
    assert lines[-1] == "wrote report/index.html"
    assert "3 of 3 images, " in result.stderr
    assert "\x1b" not in result.output
    assert "\r" not in result.output
    assert {path.name for path in (images / "report").iterdir()} == {
        "index.html",
        "per_image.csv",
        "per_image.json",
        "summary.csv",
        "summary.json",
        "journal",
    }


def test_without_out_nothing_is_written(run: Run, images: Path) -> None:
    before = sorted(images.rglob("*"))
    assert "wrote" not in run("gt", "a").output
    assert sorted(images.rglob("*")) == before


def test_failures_and_unmatched_are_told(run: Run, images: Path) -> None:
    (images / "a/1.png").write_bytes((images / "a/1.png").read_bytes()[:-40])
    (images / "gt/[red]9.png").write_bytes((images / "gt/0.png").read_bytes())
    output = run("gt", "a").output
    assert "1, a: a/1.png: " in output
    assert "1 of 3 pairs lack a value and are in no mean of it" in output
    assert "unmatched: gt/[red]9.png has no file of a" in output
    assert "truncated" in run("gt", "a", "--on-damaged", "stop", status=1).stderr
    for path in (images / "a").iterdir():
        path.write_bytes(b"")
    assert (
        "error: no image could be measured: a/0.png: is empty (and 2 more)"
        in run("gt", "a", status=1).stderr
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gt", "nowhere"], "error: nowhere: there is no such file or folder"),
        (["gt"], "error: distorted is missing"),
        (["gt", "gt"], "error: gt is compared with itself"),
        (["gt", "a", "--metrics", "snr"], "got 'snr'"),
        (["gt", "a", "--metrics", ","], "at least one metric"),
        (["gt", "a", "--protocol", "basicsr"], "needs scale"),
        (["gt", "a", "--device", "toaster"], "error: device must be 'auto', 'cpu', "),
        (["gt", "a", "--device", "meta"], "error: device must be 'auto', 'cpu', "),
        (["gt", "x" * 300], "xxx: there is no such file or folder"),
        (["gt", "a", "--overwrite"], "overwrite discards what out holds"),
        (
            ["gt", "missing/x=1/*.png"],
            "error: x=1: missing/x=1/*.png is a pattern, but gt is a folder",
        ),
        (["gt", "missing/x=1"], "error: missing/x=1: there is no such file or folder"),
        (["gt", "a", "--alpha", "white"], "alpha must be one of"),
        (["gt", "a", "--batch-size", "0"], "batch_size must be at least 1"),
        (["gt", "a", "--resume"], "resume continues what out holds"),
        (["gt", "x=a", "x=b"], "two methods have the same name"),
        ([], "Missing argument"),
    ],
)
def test_commands_that_make_no_sense(run: Run, arguments: list[str], words: str) -> None:
    assert words in run(*arguments, status=2).stderr


def test_resume(run: Run) -> None:
    run("gt", "a", "--out", "report", "--no-report")
    assert "already holds an evaluation" in run("gt", "a", "--out", "report", status=2).stderr
    assert (
        "batch_size was 16, is now 2"
        in run("gt", "a", "--out", "report", "--resume", "--batch-size", "2", status=2).stderr
    )
    assert run("gt", "a", "--out", "report", "--resume").stdout.endswith(
        "wrote report/index.html\n"
    )
    run("gt", "b", "--out", "report", "--overwrite")


def test_name_with_an_equals_sign_may_be_a_path(run: Run, images: Path) -> None:
    (images / "a").rename(images / "x=1")
    assert run("gt", "x=1").stdout.splitlines()[1].startswith("x=1 ")


def test_a_name_holds_no_folder(run: Run, images: Path) -> None:
    """Experiments are often called by their settings."""
    (images / "lr=1").mkdir()
    (images / "a").rename(images / "lr=1/a")
    assert run("gt", "./lr=1/a").stdout.splitlines()[1].startswith("a ")
    assert run("gt/[0-9].png", "lr=1/a/[0-9].png").stdout.splitlines()[1].startswith("a ")
    assert run("gt", "A=lr=1/a").stdout.splitlines()[1].startswith("A ")


def test_command_is_told_as_it_is_typed(
    run: Run, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["/somewhere/ssimloss/cli/__main__.py", "evaluate", "gt", "a b"]
    )
    run("gt", "a", "--out", "report")
    found = evaluation.Evaluation.from_json((images / "report/per_image.json").read_text())
    assert found.about["command"] == "ssimloss evaluate gt 'a b'"


def test_names_do_not_command_the_terminal(run: Run, images: Path) -> None:
    """Escape sequences, ends of lines, changes of direction, bytes that are no text: seen, not
    obeyed.
    """
    names = ["\x1b[2J", "two\nlines", "\u202egnp.exe", "\udcff", "漢字 é"]
    for i, name in enumerate(names):
        for folder in ("gt", "a"):
            (images / folder / f"{name}.png").write_bytes(
                (images / folder / f"{i % 3}.png").read_bytes()
            )
    for i, name in enumerate(names):
        shutil.copy(images / f"gt/{i % 3}.png", images / f"gt/{name}-alone.png")
        (images / f"a/{name}.png").write_bytes(b"")
    (images / "\x1b]0;b").mkdir()
    shutil.copy(images / "a/0.png", images / "\x1b]0;b/\x1b[2J.png")
    output = (
        run("gt", "a", "\x1b]0;b").output + run("gt/\x1b[2J.png", "a/\x1b[2J.png", status=1).stderr
    )
    assert not {"\x1b", "\u202e", "\udcff"} & set(output)
    for words in (r"\x1b[2J, a: a/\x1b[2J.png: is empty", r"two\nlines, a: ", r"\x1b]0;b "):
        assert words in output
    assert shown("漢字 é\u3000\u202e\udcff") == "漢字 é\u3000\\u202e\\udcff"


def test_one_image_has_no_interval(run: Run) -> None:
    lines = run("gt/0.png", "a/0.png", "b/0.png").stdout.splitlines()
    assert lines[1].split()[4:6] == ["-", "0.0000"]
    assert lines[-1].split()[-3:] == ["-", "1.0000", "1"]


@pytest.mark.usefixtures("ctrl_c_interrupts")
@pytest.mark.parametrize(
    ("stop", "status", "words"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "told to end")],
)
def test_stopped_from_outside(
    run: Run, monkeypatch: pytest.MonkeyPatch, stop: signal.Signals, status: int, words: str
) -> None:
    before = signal.getsignal(stop)

    def stopped(*paths: Any, **options: Any) -> None:
        del paths, options
        os.kill(os.getpid(), stop)

    monkeypatch.setattr(evaluation, "evaluate", stopped)
    result = run("gt", "a", "--out", "report", status=status)
    assert words in result.stderr
    assert "what was computed is in report/journal, --resume continues" in result.stderr
    assert signal.getsignal(stop) == before


def test_lines_now_and_then_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    file = io.StringIO()
    with _evaluate._shown(Console(file=file, force_terminal=False)) as show:
        for finished in range(2, 101, 2):
            now += 1
            show(finished, 100)
    assert file.getvalue().splitlines() == [
        *(
            f"{finished} of 100 images, 2.0 images/s, {(100 - finished) // 2} s left"
            for finished in (20, 40, 60, 80)
        ),
        "100 of 100 images, 2.0 images/s",
    ]


def test_bar_on_a_terminal() -> None:
    file = io.StringIO()
    with _evaluate._shown(Console(file=file, force_terminal=True, width=100)) as show:
        show(50, 100)
        show(100, 100)
    shown = file.getvalue()
    assert "images/s" in shown
    assert "100/100" in shown


def test_names_are_not_markup(images: Path, run: Run) -> None:
    for folder in ("gt", "a"):
        for i in range(3):
            (images / folder / f"{i}.png").rename(images / folder / f"[red]{i}.png")
    assert "[red]" in run("gt", "a").stdout
    assert np.all([path.name.startswith("[red]") for path in (images / "a").iterdir()])


def test_what_a_measure_raises_is_not_taken_for_a_small_image(
    run: Run, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An own ValueError is told as it is; other errors name the measure and the line."""
    (images / "own_measures.py").write_text(
        "def refuses(pred, target):\n"
        "    raise ValueError('weights must be positive; check the file')\n"
        "def fails(pred, target):\n"
        "    return pred.mean((1, 2, 3)) + 'x'\n"
        "refuses.higher_is_better = fails.higher_is_better = True\n"
    )
    monkeypatch.syspath_prepend(str(images))
    told = run("gt", "a", "--metrics", "psnr,own_measures:refuses").stdout
    assert "own_measures:refuses: weights must be positive; check the file\n" in told
    assert "larger images" not in told
    failed = run("gt", "a", "--metrics", "own_measures:fails", status=1).stderr
    assert "measure 'own_measures:fails' raised TypeError in fails, line 4 of " in failed
    assert "larger images" in run("gt", "a", "--metrics", "psnr,ms_ssim").stdout
