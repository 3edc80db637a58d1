"""Evaluation under torchrun, and killed: the numbers are those of one process to the last digit."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import photographs
import pytest
import torch
from oldest import needs_torch
from PIL import Image as Pillow
from processes import needs_gloo
from typer.testing import CliRunner

from ssimloss.cli._app import app
from ssimloss.evaluation import evaluate, sharding

METRICS = ("psnr", "ssim", "ms_ssim", "embedded")
# The command line with the arguments in a file, a line for each run; in the last one, a process
# kills itself after some images.
RUNS = """
import os, pathlib, runpy, signal, sys
from ssimloss import evaluation
dying, listed, whole = *sys.argv[1:], evaluation.evaluate
def show(finished, total):
    if os.environ.get("RANK", "0") == dying and finished >= 16:
        os.kill(os.getpid(), signal.SIGKILL)
def shown(*paths, on_progress, **options):
    return whole(*paths, on_progress=show, **options)

runs = pathlib.Path(listed).read_text().splitlines()
for run in runs:
    sys.argv[1:] = run.split("\\t")
    if run == runs[-1]:
        evaluation.evaluate = shown
    try:
        runpy.run_module("ssimloss.cli", run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            raise
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """101 pairs of four sizes, in uneven numbers; every tenth is large enough for MS-SSIM, one is
    damaged.
    """
    root = tmp_path_factory.mktemp("images")
    for folder in ("gt", "a"):
        (root / folder).mkdir()
    for i in range(101):
        height, width = [(176, 180), (40, 48), (33, 60), (40, 48), (41, 47)][
            0 if i % 10 == 0 else 1 + i % 4
        ]
        pred, target = photographs.pair("coffee", height, width, 2 * i, 3 * i)
        for folder, pixels in (("gt", target), ("a", pred)):
            Pillow.fromarray(pixels).save(root / folder / f"{i:03}.png", compress_level=1)
    (root / "a/050.png").write_bytes((root / "a/050.png").read_bytes()[:-40])
    return root


def arguments(images: Path, out: Path) -> list[str]:
    return [
        "evaluate",
        str(images / "gt"),
        str(images / "a"),
        "--metrics",
        ",".join(METRICS),
        "--out",
        str(out),
        "--no-report",
    ]


def command(*words: str, processes: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python, or under torchrun as many of them, which then have one thread each while the
    tests may have more.
    """
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    environment |= {"GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(Path(__file__).parents[1])}
    launcher = (
        []
        if processes is None
        else ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    )
    return subprocess.run(
        [sys.executable, *launcher, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def tables(out: Path) -> tuple[bytes, bytes]:
    return (out / "per_image.csv").read_bytes(), (out / "summary.csv").read_bytes()


@pytest.fixture(scope="module")
def alone(images: Path) -> tuple[bytes, bytes]:
    """One process with two threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    result = evaluate(
        images / "gt", images / "a", metrics=METRICS, out=images / "alone", report=False
    )
    torch.set_num_threads(threads)
    assert len(result.images) == 101
    assert [summary.count for summary in result.summaries] == [100, 100, 10, 100]
    return tables(images / "alone")


@pytest.fixture(scope="module")
def launched(
    images: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Two processes of torchrun, which evaluate into ``whole``, and then into ``killed`` until one
    of them kills itself.
    """
    folder = tmp_path_factory.mktemp("launched")
    (folder / "runs.py").write_text(RUNS)
    runs = ("\t".join(arguments(images, folder / out)) for out in ("whole", "killed"))
    (folder / "arguments").write_text("\n".join(runs))
    words = (str(folder / "runs.py"), "1", str(folder / "arguments"))
    return command(*words, processes=2), folder


@needs_gloo
@needs_torch(2, 7, "gloo may wait for ever in destroy_process_group")
def test_torchrun_equals_one_process(
    alone: tuple[bytes, bytes], launched: tuple[subprocess.CompletedProcess[str], Path]
) -> None:
    run, folder = launched
    assert (folder / "whole/per_image.csv").exists(), run.stderr
    assert tables(folder / "whole") == alone
    assert len(list((folder / "whole/journal").glob("rank-*.csv"))) == 2
    assert run.stdout.count("protocol: ") == 1, "one of them speaks"
    assert "\x1b" not in run.stderr + run.stdout, "no control characters where there is no terminal"


@needs_gloo
@needs_torch(2, 7, "gloo may wait for ever in destroy_process_group")
def test_one_process_killed(
    images: Path,
    alone: tuple[bytes, bytes],
    launched: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    """The others end with an error, and another number of processes finishes."""
    run, folder = launched
    out = folder / "killed"
    assert run.returncode != 0
    assert "SIGKILL" in run.stderr
    assert (
        "terminated (process 0)" in run.stderr
        or "another process than 0 of 2 has ended or was killed" in run.stderr
    ), run.stderr
    assert not (out / "per_image.csv").exists()
    assert (out / "journal/rank-1.jsonl").read_bytes().count(b"\n") >= 1
    assert (out / "journal/rank-1.csv").read_bytes().count(b"\n") > 16
    done: list[tuple[int, int]] = []
    evaluate(
        images / "gt",
        images / "a",
        metrics=METRICS,
        out=out,
        resume=True,
        report=False,
        on_progress=lambda *call: done.append(call),
    )
    assert done[-1][1] <= 101 - 16, "what the killed one had done counts"
    assert tables(out) == alone


@pytest.mark.sweep  # also where there is no torchrun; by the same journal as above
def test_the_process_killed(images: Path, alone: tuple[bytes, bytes], tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "runs.py").write_text(RUNS)
    (tmp_path / "arguments").write_text("\t".join(arguments(images, out)))
    run = command(str(tmp_path / "runs.py"), "0", str(tmp_path / "arguments"))
    assert run.returncode == -signal.SIGKILL
    assert (out / "journal/rank-0.csv").read_bytes().count(b"\n") > 16
    evaluate(images / "gt", images / "a", metrics=METRICS, out=out, resume=True, report=False)
    assert tables(out) == alone


def test_what_is_called_finished_survives_a_kill(images: Path, tmp_path: Path) -> None:
    """It is in the journal, the last batch too, before anybody hears of it."""
    journal, found = tmp_path / "out/journal/rank-0", []

    def show(finished: int, _total: int) -> None:
        lines = journal.with_suffix(".jsonl").read_text().splitlines()
        table = journal.with_suffix(".csv").read_text().splitlines()
        found.append((finished, sum(len(json.loads(line)["rows"]) for line in lines), len(table)))

    evaluate(images / "gt", images / "a", out=tmp_path / "out", report=False, on_progress=show)
    assert found == [(finished, finished, finished + 1) for finished, _, _ in found]
    assert found[-1][0] == 101


def test_mean_of_shuffled_files_is_the_same(images: Path) -> None:
    """Closed-form values do not depend on the other files in a batch."""
    values = [
        {
            image.reference: image.values
            for image in evaluate(images / "gt", images / "a", batch_size=size).images
        }
        for size in (1, 5, 16)
    ]
    assert values[0] == values[1] == values[2]
    assert np.isfinite(values[0][images / "gt/000.png"]["a"]["psnr"])


OF_JOB = {"MASTER_ADDR": "127.0.0.1"}


@needs_gloo
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE=2, but not RANK, MASTER_ADDR, MASTER_PORT; for one"),
        ({"WORLD_SIZE": "x"}, "WORLD_SIZE must be the number of processes, got 'x'; unset it"),
        ({"WORLD_SIZE": "2", "RANK": "0", **OF_JOB}, "RANK=0, but these processes did not join"),
        ({"WORLD_SIZE": "2", "RANK": "1", **OF_JOB}, "within 1 s at 127.0.0.1:.*unset WORLD_SIZE"),
    ],
)  # fmt: skip
def test_variables_of_an_earlier_job_are_told(
    images: Path, variables: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of waiting for processes that nobody has started."""
    monkeypatch.setattr(sharding, "_UNANNOUNCED", timedelta(seconds=1))
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    if "MASTER_ADDR" in variables:
        variables = variables | {"MASTER_PORT": free_port()}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if "MASTER_ADDR" not in variables:  # where nothing waits
        with pytest.raises(RuntimeError, match=told):
            evaluate(images / "gt/001.png", images / "a/001.png", metrics=["psnr"])
    result = CliRunner().invoke(
        app, ["evaluate", str(images / "gt/001.png"), str(images / "a/001.png"), "--metrics", "l1"]
    )
    assert result.exit_code == 1
    assert re.search(told, result.output)
    assert not torch.distributed.is_initialized()
