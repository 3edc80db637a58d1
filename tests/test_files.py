"""Files are whole or absent, whatever interrupts the writing and however many processes write."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from ssimloss import _files

# Writes the file given as the first argument again and again; without torch, which takes a second.
ENDLESS = f"""
import sys
sys.path.insert(0, {str(Path(_files.__file__).parent)!r})
import _files, pathlib
path, letters = pathlib.Path(sys.argv[1]), sys.argv[2].encode()
while True:
    for letter in letters:
        _files.write(path, lambda file: [file.write(bytes([letter]) * 4096) for _ in range(64)])
        print("written", flush=True)
"""


def writer(path: Path, letters: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-S", "-c", ENDLESS, str(path), letters], stdout=subprocess.PIPE, text=True
    )


def content(path: Path) -> set[int]:
    """The different bytes of the file, which has the length of a whole one."""
    written = path.read_bytes()
    assert len(written) == 64 * 4096
    return set(written)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "table.md"
    _files.write_text(path, "old")

    def fails(file: IO[bytes]) -> None:
        file.write(b"half")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        _files.write(path, fails)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_killed_at_any_moment_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for delay in (0.0, 0.003, 0.007):
        with writer(path, "abcdefgh") as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
        assert len(content(path)) == 1
    _files.write_text(path, "next")
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_write_one_file_at_once(tmp_path: Path) -> None:
    """Both succeed each time, and the file is one of the two versions at any moment."""
    path, seen = tmp_path / "file", set()
    with writer(path, "a") as first, writer(path, "b") as second:
        for _ in range(20):
            for process in (first, second):
                assert process.stdout is not None
                assert process.stdout.readline() == "written\n"
            (letter,) = content(path)
            seen.add(letter)
        assert first.poll() is second.poll() is None
        first.kill()
        second.kill()
    assert seen <= set(b"ab")
    _files.write_text(path, "next")
    assert list(tmp_path.iterdir()) == [path]


def test_left_overs_go_once_no_process_can_still_write_them(tmp_path: Path) -> None:
    """Only those of this file: of a dead process at once, of another machine after a day."""
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()
    here, elsewhere = _files._machine(), f"{int(_files._machine(), 16) ^ 1:08x}"
    dying = {
        f".a[0].{here}-{dead.pid}-00000000.partial": 0,
        f".a[0].{here}-{dead.pid}-00000000.partial.0123456789abcdef.partial": 0,  # of torch.hub
        f".a[0].{elsewhere}-1-00000000.partial": 90_000,
        f".a[0].{dead.pid}.partial": 90_000,  # of an earlier version
    }
    kept = {
        f".a[0].{here}-{os.getpid()}-00000000.partial": 0,
        f".a[0].{here}-1-00000000.partial": 0,  # of a process of another user, perhaps
        f".a[0].{elsewhere}-{dead.pid}-00000000.partial": 0,
        f".a0.{here}-{dead.pid}-00000000.partial": 0,  # of another file
        ".a[0].lock": 90_000,
    }
    for name, age in (dying | kept).items():
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    _files.write_text(tmp_path / "a[0]", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"a[0]", *kept}
