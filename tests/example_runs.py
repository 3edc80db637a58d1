"""The examples as programs: run in this process or in one of their own, killed, and asked what is
wrong.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import files

End = Callable[..., dict[str, Any]]  # of a run before its last step
ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def environment() -> dict[str, str]:
    """One thread, so that runs are equal to the last bit whatever else the machine does; the
    repository's package, installed or not.
    """
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "COLUMNS": "80"}


def run(script: str, *options: object) -> str:
    """To the end in a process of its own; returns what it printed."""
    ended = subprocess.run(
        _command(script, options), env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


def kill_after(checkpoint: Path, times: int, script: str, *options: object) -> dict[str, Any]:
    """SIGKILL as soon as ``checkpoint`` was written so often; returns what it holds."""
    process = subprocess.Popen(
        _command(script, options),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    written = set()
    while len(written) < times and process.poll() is None:
        if checkpoint.exists():
            written.add(checkpoint.stat().st_mtime_ns)
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    _, stderr = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"it ended before it was killed: {stderr}"
    # Whole, though killed at any moment.
    return dict(torch.load(checkpoint, weights_only=True))


def stop_after(checkpoint: Path, times: int, script: str, *options: object) -> dict[str, Any]:
    """As :func:`kill_after` in this process: end the run when it is about to write ``checkpoint``
    once more, so that the steps since the last time are lost.
    """

    class Stopped(BaseException):
        pass

    write, written = files.write, 0

    def stopping(path: Path, content: Callable[..., object]) -> None:
        nonlocal written
        if path == checkpoint:
            if written == times:
                raise Stopped
            written += 1
        write(path, content)

    example = importlib.import_module(script.removesuffix(".py"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "write", stopping)
        with pytest.raises(Stopped):
            call(patch, example, *options)
    return dict(torch.load(checkpoint, weights_only=True))


# All checkpoints are written by one function, so `make test` kills one example, `make sweep` the
# others too.
ends_early = pytest.mark.parametrize(
    "end", [stop_after, pytest.param(kill_after, marks=pytest.mark.sweep)]
)


def call(monkeypatch: pytest.MonkeyPatch, script: object, *options: object) -> None:
    """To the end in this process, which has its imports done. In one thread its numbers are those
    of a process of its own.
    """
    monkeypatch.setattr(sys, "argv", ["example", *map(str, options)])
    script.main()  # type: ignore[attr-defined]


def error_of(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: object,
    *options: object,
) -> str:
    """The line that the program ends with."""
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, script, *options)
    assert ended.value.code not in (0, None)
    return (
        str(ended.value.code)
        if isinstance(ended.value.code, str)
        else capsys.readouterr().err.strip().splitlines()[-1]
    )


def partial_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.partial"))


def assert_same(one: object, other: object) -> None:
    """Equal to the last bit, through dicts and lists."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other


def _command(script: str, options: tuple[object, ...]) -> list[str]:
    return [sys.executable, str(EXAMPLES / script), *map(str, options)]
