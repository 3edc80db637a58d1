"""``ssimloss evaluate``: what it prints, what it writes, and with which status it ends."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import photographs
import pytest
import torch
from PIL import Image as Pillow
from rich.console import Console
from typer.testing import CliRunner, Result

from ssimloss import evaluation
from ssimloss.cli._app import app
from ssimloss.cli._names import CHOICES, METRICS, PROTOCOLS
from ssimloss.cli._progress import progress
from ssimloss.cli._result import print_result
from ssimloss.cli._told import shown
from ssimloss.evaluation.clips.chunks import FramePairing, Timestamps
from ssimloss.evaluation.images import Alpha, Orientation
from ssimloss.evaluation.run import OnDamaged
from ssimloss.evaluation.runs import compare_runs, read_run
from ssimloss.evaluation.tables import FORMATS
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
    """Also next to a named folder, and wherever it lies."""
    shutil.copytree("a", "results/a")
    lines = run("gt", "results/a", "B=b", "--metrics", "psnr").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["a", "B"]


def test_measures_that_need_no_download(run: Run) -> None:
    """The suite has no network; LPIPS and all else that they need is in the package."""
    for folder, image in zip(
        ("gt", "a"), reversed(photographs.pair("coffee", 120, 118)), strict=True
    ):
        for old in Path(folder).iterdir():
            old.unlink()
        Pillow.fromarray(image).save(f"{folder}/0.png")
    names = ("lpips", "flip", "vif", "ssimulacra2")
    printed = run("gt", "a", "--metrics", ",".join(names), "--table", "csv").stdout
    (row,) = csv.DictReader(printed.splitlines())
    means = [float(row[METRICS[name]]) for name in names]
    pred, target = (
        torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        for image in photographs.pair("coffee", 120, 118)
    )
    expected = [measure(name)(pred, target).item() for name in names]
    assert means == pytest.approx(expected, rel=1e-6)


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
    assert lines[0] == "protocol: super-resolution x2, luma bt601_studio, 8-bit levels, border 2"
    assert lines[1].split() == ["method", "metric", "mean", "std", "images"]
    assert [line.split()[:2] for line in lines[2:6]] == [
        ["a", "PSNR"],
        ["B", "PSNR"],
        ["a", "SSIM"],
        ["B", "SSIM"],
    ]
    assert [" best " in line for line in lines[2:6]] == [True, False, True, False]
    assert all("↑" in line for line in lines[2:6])
    assert "L1 ↓" in run("gt/0.png", "a/0.png", "--metrics", "l1").stdout.splitlines()[2]
    found = evaluation.Evaluation.from_json((images / "report/per_image.json").read_text())
    assert f"{found.summaries[0].mean:.4f}" in lines[2]
    assert f"{found.summaries[0].low:.4f} .. {found.summaries[0].high:.4f}" in result.stdout
    compared = [line.split() for line in lines if line.startswith("a - B")]
    assert [line[-2:] for line in compared] == [["3:0", "3"]] * 2
    assert lines[-2:] == ["values: report/per_image.csv", "report: report/index.html"]
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
    output = run("gt", "a").output
    assert "values:" not in output
    assert "report:" not in output
    assert sorted(images.rglob("*")) == before


def test_failures_and_unmatched_are_told(run: Run, images: Path) -> None:
    (images / "a/1.png").write_bytes((images / "a/1.png").read_bytes()[:-40])
    (images / "gt/[red]9.png").write_bytes((images / "gt/0.png").read_bytes())
    output = run("gt", "a").output
    assert "1, a: a/1.png: " in output
    assert "1 of 3 pairs lack a value and are not in its mean" in output
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
        (["gt"], "error: distorted is missing"),
        (["gt", "gt"], "error: gt would be compared with itself"),
        (["gt", "a", "--metrics", "snr"], "got 'snr'"),
        (["gt", "a", "--metrics", ","], "at least one metric"),
        (["gt", "a", "--protocol", "basicsr"], "needs scale"),
        (["gt", "a", "--device", "toaster"], "error: device must be 'auto', 'cpu', "),
        (["gt", "a", "--device", "meta"], "error: device must be 'auto', 'cpu', "),
        (["gt", "a", "--overwrite"], "overwrite discards what out holds"),
        (
            ["gt", "missing/x=1/*.png"],
            "error: x=1: missing/x=1/*.png must be a folder like gt, got a pattern",
        ),
        (["gt", "a", "--alpha", "white"], "alpha must be one of"),
        (["gt", "a", "--batch-size", "0"], "batch_size must be at least 1"),
        (["gt", "a", "--resume"], "resume continues what out holds"),
        (["gt", "x=a", "x=b"], "two methods have the same name"),
        (["gt", "a", "--protocol", "basic"], "did you mean 'basicsr'?"),
        (["gt", "a", "--table", "html"], "--table must be one of 'latex', 'markdown', 'csv'"),
        (["gt", "a", "--data-range", "1"], "is for floating-point files, and these hold integers"),
        (["gt", "a", "--inception", "random"], "inception is the network of fid, kid, is, and"),
        (["gt", "a", "--metrics", "fid", "--protocol", "pyiqa"], "fid alone, which take the files"),
        ([], "reference is missing"),
        (["--compare", "gt", "a"], "gt holds no finished evaluation"),
        (["gt", "a", "--compare", "gt", "a"], "as they are, not reference, distorted"),
    ],
)
def test_commands_that_make_no_sense(run: Run, arguments: list[str], words: str) -> None:
    assert words in run(*arguments, status=2).stderr


def test_a_path_that_does_not_exist(run: Run) -> None:
    """The status of a file that cannot be read, as for the other commands."""
    for path in ("nowhere", "x" * 300, "missing/x=1"):
        told = run("gt", path, status=1).stderr
        assert f"error: {path}: there is no such file or folder" in told


def test_resume(run: Run) -> None:
    run("gt", "a", "--out", "report", "--no-report")
    assert "already holds an evaluation" in run("gt", "a", "--out", "report", status=2).stderr
    assert (
        "batch_size was 16, is now 2"
        in run("gt", "a", "--out", "report", "--resume", "--batch-size", "2", status=2).stderr
    )
    assert run("gt", "a", "--out", "report", "--resume").stdout.endswith(
        "report: report/index.html\n"
    )
    run("gt", "b", "--out", "report", "--overwrite")


def test_name_with_an_equals_sign_may_be_a_path(run: Run, images: Path) -> None:
    (images / "a").rename(images / "x=1")
    assert run("gt", "x=1").stdout.splitlines()[2].startswith("x=1 ")


def test_a_name_holds_no_folder(run: Run, images: Path) -> None:
    """Experiments are often called by their settings."""
    (images / "lr=1").mkdir()
    (images / "a").rename(images / "lr=1/a")
    assert run("gt", "./lr=1/a").stdout.splitlines()[2].startswith("a ")
    assert run("gt/[0-9].png", "lr=1/a/[0-9].png").stdout.splitlines()[2].startswith("a ")
    assert run("gt", "A=lr=1/a").stdout.splitlines()[2].startswith("A ")


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
    assert lines[2].split()[-2:] == ["0.0000", "1"]
    assert "95 % interval" not in "".join(lines[:7])
    assert lines[-1].split()[-4:] == ["-", "1.0000", "1:0", "1"]


@pytest.mark.usefixtures("ctrl_c_interrupts")
@pytest.mark.parametrize(
    ("stop", "status", "words"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
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
    with progress(Console(file=file, force_terminal=False)) as show:
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
    with progress(Console(file=file, force_terminal=True, width=100)) as show:
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
    """A ValueError of the measure is shown as it is; other errors name the measure and the line."""
    (images / "own_measures.py").write_text(
        "def refuses(pred, target):\n"
        "    raise ValueError('weights must be positive; check the file')\n"
        "def fails(pred, target):\n"
        "    return pred.mean((1, 2, 3)) + 'x'\n"
        "refuses.higher_is_better = fails.higher_is_better = True\n"
    )
    monkeypatch.syspath_prepend(str(images))
    told = run("gt", "a", "--metrics", "psnr,own_measures:refuses", status=1).stdout
    line = "0, a and 2 more: own_measures:refuses: weights must be positive; check the file\n"
    assert line in told
    assert told.count("check the file") == 1
    assert "larger images" not in told
    failed = run("gt", "a", "--metrics", "own_measures:fails", status=1).stderr
    assert "measure 'own_measures:fails' raised TypeError in fails, line 4 of " in failed
    assert "larger images" in run("gt", "a", "--metrics", "psnr,ms_ssim", status=1).stdout


def test_a_metric_without_any_value_keeps_its_rows(
    run: Run, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that returns a scalar, beside PSNR: a row of dashes, the reason once, status 1."""
    (images / "scalar_measure.py").write_text(
        "def mean(pred, target):\n    return (pred - target).mean()\n"
        "def lost(pred, target):\n    return {}['scale']\n"
        "mean.higher_is_better = lost.higher_is_better = False\n"
    )
    monkeypatch.syspath_prepend(str(images))
    command = ("gt", "a", "B=b", "--metrics", "psnr,scalar_measure:mean")
    found = run(*command, "--out", "kept", status=1)
    rows = [line.split() for line in found.stdout.splitlines() if "scalar_measure:mean" in line]
    assert rows[:2] == [[method, "scalar_measure:mean", "↓", "-", "-", "0"] for method in "aB"]
    assert found.stdout.count("one value per image") == 1
    assert "best" in found.stdout
    for form, cells in (("markdown", "| -- |"), ("latex", "& -- "), ("csv", ",,\n")):
        table = run(*command, "--table", form, status=1).stdout
        assert "scalar" in table
        assert table.count(cells) == 2
    summary = (images / "kept/summary.csv").read_text()
    assert "a,scalar_measure:mean,0,nan,nan,nan,nan,,,0" in summary
    raised = run("gt", "a", "--metrics", "psnr,scalar_measure:lost", status=1).stderr
    assert "'scalar_measure:lost' raised KeyError in lost, line 4 of " in raised


def test_words_of_options_are_those_of_the_library(run: Run) -> None:
    """Which are listed without importing it; names and words may be in any case."""
    assert {
        "alpha": get_args(Alpha),
        "orientation": get_args(Orientation),
        "frames": get_args(FramePairing),
        "timestamps": get_args(Timestamps),
        "on-damaged": get_args(OnDamaged),
        "table": FORMATS,
    } == CHOICES
    usual = run("gt", "a", "--metrics", "g_ssim", "--protocol", "basicsr_rgb", "--scale", "2")
    cased = run("gt", "a", "--metrics", "G-SSIM", "--protocol", "BasicSR-RGB", "--scale", "2")
    assert cased.stdout == usual.stdout


def test_help_lists_names_and_examples(run: Run) -> None:
    told = " ".join(run("--help").output.split())
    assert all(name in told for name in (*METRICS, *PROTOCOLS))
    assert told.count("ssimloss evaluate ") == 3


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: [(path.parents[1] / method / path.name).unlink() for method in "ab"],
    ],
    ids=["damaged", "missing", "missing from all"],
)
def test_strict(run: Run, images: Path, harm: Callable[[Path], object]) -> None:
    run("gt", "a", "b", "--strict")
    harm(images / "b/1.png")
    run("gt", "a", "b")
    run("gt", "a", "b", "--strict", status=1)


def test_no_name_is_cut_at_80_columns(run: Run, images: Path) -> None:
    names = ["a_method_with_a_name_of_more_than_thirty_characters", "b" * 50]
    for name, folder in zip(names, "ab", strict=True):
        (images / folder).rename(images / name)
    run("gt", *names, "--out", "report")
    found = evaluation.read_run(images / "report")
    file = io.StringIO()
    print_result(found, Console(file=file, width=80, force_terminal=True, color_system=None))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in file.getvalue()
    at = next(i for i, line in enumerate(lines) if line.startswith("b"))
    broken = [line.split()[0] for line in lines[at : at + 2]]
    assert "".join(broken) == names[1]


def test_table_alone_is_on_stdout(run: Run, images: Path) -> None:
    (images / "a/1.png").write_bytes(b"")
    result = run("gt", "a", "B=b", "--table", "CSV", "--out", "report")
    assert result.stdout.splitlines()[0] == "method,PSNR (dB),PSNR (dB) mark,SSIM,SSIM mark"
    assert len(result.stdout.splitlines()) == 3
    assert "is empty" in result.stderr
    assert "values: report/per_image.csv" in result.stderr


def test_two_finished_runs(run: Run) -> None:
    """To the last digit as methods of one run; methods with one name get the name of their run."""
    whole = run("gt", "a", "B=b").stdout
    run("gt", "a", "--out", "first")
    run("gt", "B=b", "--out", "second")
    result = run("--compare", "first", "second", "--strict")
    assert result.stdout == whole
    run("gt", "B=a", "--out", "third", "--metrics", "psnr")
    methods = run("--compare", "second", "third", "--table", "csv").stdout.splitlines()[1:]
    assert [line.split(",")[0] for line in methods] == ["B (second)", "B (third)"]
    run("gt", "a", "--out", "rounded", "--protocol", "basicsr", "--scale", "2")
    told = run("--compare", "first", "rounded", status=2).stderr
    assert "error: runs must have the same definition of 'psnr'" in told
    assert "itself" in run("--compare", "first", "first", status=2).stderr
    run("gt/[01].png", "a/[01].png", "--out", "fewer")
    told = run("--compare", "first", "fewer", status=2).stderr
    assert "fewer lacks 1 of the 3 of first (2)" in told
    run("gt", "a", "--out", "other", "--metrics", "l1")
    assert "a metric in common" in run("--compare", "first", "other", status=2).stderr


def test_runs_are_of_the_same_references_by_their_content(run: Run, images: Path) -> None:
    """Wherever the files are and whenever they were written, also once they are gone."""
    run("gt", "a", "--out", "first")
    shutil.copytree(images / "gt", images / "copy")
    run("copy", "B=b", "--out", "second")
    shutil.rmtree(images / "copy")
    run("--compare", "first", "second")
    before = (images / "gt/1.png").stat()
    content = (images / "gt/1.png").read_bytes()
    (images / "gt/1.png").write_bytes((images / "b/1.png").read_bytes())
    os.utime(images / "gt/1.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    run("gt", "B=b", "--out", "third")
    (images / "gt/1.png").write_bytes(content)
    told = run("--compare", "first", "third", status=2).stderr
    merged = compare_runs(images / "first", images / "second").images
    assert [one.reference_sha256 for one in merged] == [
        one.reference_sha256 for one in read_run(images / "first").images
    ]
    digest = hashlib.sha256(content).hexdigest()[:12]
    assert "error: runs must have the same references: 1 of 3 differ ('1' is gt/1.png" in told
    assert f"(SHA-256 {digest}...) in first, gt/1.png (SHA-256 " in told
    assert digest not in told.partition(" in first, ")[2]


def test_a_run_of_an_older_version_is_refused(run: Run, images: Path) -> None:
    """It kept no digests of references, so that nothing shows whether they are the same."""
    for name in ("first", "second"):
        run("gt", f"{name}=a", "--out", name)
        path = images / name / "per_image.json"
        kept = json.loads(path.read_text())
        for image in kept["images"]:
            del image["reference_sha256"]
        path.write_text(json.dumps(kept))
    told = run("--compare", "first", "second", status=2).stderr
    assert "error: first was written by an older version" in told
    assert "evaluate it again" in told


def test_runs_read_files_alike(run: Run, images: Path) -> None:
    for folder in ("gt", "a"):
        np.save(images / folder / "9.npy", np.full((40, 48), 0.25, np.float32))
    for name, white in (("one", "1"), ("three", "3")):
        run("gt/*.npy", "a/*.npy", "--out", name, "--data-range", white, "--metrics", "l1")
    told = run("--compare", "one", "three", status=2).stderr
    words = "the same data_range (--data-range), got 1.0 in one and 3.0 in three"
    assert words in told
