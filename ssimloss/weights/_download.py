"""Download a file: resumed where it broke off, summed up before it gets its name, once however many
processes ask for it.
"""

import errno
import http.client
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import BinaryIO

from ssimloss.weights._verify import sha256

_TIMEOUT = 30.0  # seconds without a byte
_CONNECTIONS = 5  # of which each goes on where the last one broke off
_PAUSE = 1.0  # seconds before the second, twice that before the third, ...
_CHUNK = 1 << 18  # bytes; at 1 MB/s the bar moves four times a second


class DownloadFailed(RuntimeError):
    """Why there is no file; what came so far is kept for the next try."""


def download(url: str, to: Path, expected: str, *, size: int) -> None:
    """Bring ``url`` to the file ``to``, whose SHA-256 must start with ``expected``; ``size`` in
    bytes is for the display.

    Under the name ``to`` the file is whole or absent. While it grows it is called ``<name>.part``,
    locked by the process that writes it; others wait, and find the file there. A bar on stderr
    shows how far it is.

    Raises:
        DownloadFailed: no connection, an answer other than the file, the disk refuses, or the bytes
            have another SHA-256.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if not _with_the_others(url, to, expected, size):
            _alone(url, to, expected, size)
    except OSError as error:
        place = error.filename or to
        raise DownloadFailed(
            f"cannot write {place}: {error.strerror or error}; the file takes {size / 1e6:.0f} MB"
        ) from error


def _with_the_others(url: str, to: Path, expected: str, size: int) -> bool:
    """Download to the file that every process uses, which may hold what an earlier one left; False
    where files cannot be locked.
    """
    path = to.with_name(f"{to.name}.part")
    while True:
        with path.open("a+b") as file:
            if not _lock(file, to.name):
                path.unlink(missing_ok=True)
                return False
            if not _is_still(path, file):
                continue
            try:
                if not to.is_file():  # else it came while this process waited
                    _complete(url, file, path, expected, _Bar(to.name, size))
                    path.replace(to)
            finally:
                if file.seek(0, os.SEEK_END) == 0:
                    path.unlink(missing_ok=True)
            return True


def _is_still(path: Path, file: BinaryIO) -> bool:
    """Whether the open file has that name; who held the lock before may have given it its final
    name, or deleted it.
    """
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _alone(url: str, to: Path, expected: str, size: int) -> None:
    """Download to a file of this process's own, which no other can go on with (Windows, some
    network file systems).
    """
    path = to.with_name(f"{to.name}.{uuid.uuid4().hex}.part")
    try:
        with path.open("a+b") as file:
            _complete(url, file, path, expected, _Bar(to.name, size))
        path.replace(to)
    finally:
        path.unlink(missing_ok=True)


def _lock(file: BinaryIO, name: str) -> bool:
    """Wait for the lock; False where there are none."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another process that downloads {name}", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            return False
        raise
    return True


def _complete(url: str, file: BinaryIO, path: Path, expected: str, bar: "_Bar") -> None:
    """Fill the file; bytes kept from an earlier try that turn out to be wrong are
    thrown away once.
    """
    resumed = file.seek(0, os.SEEK_END) > 0
    _receive(url, file, bar)
    found = sha256(path)
    if not found.startswith(expected) and resumed:
        print(
            f"{path.name}: what an earlier download left is damaged; starting again",
            file=sys.stderr,
            flush=True,
        )
        file.truncate(0)
        _receive(url, file, bar)
        found = sha256(path)
    if not found.startswith(expected):
        file.truncate(0)
        raise DownloadFailed(
            f"{url} sent bytes whose SHA-256 is {found}, expected one that starts with "
            f"{expected}; nothing of it was kept"
        )


def _receive(url: str, file: BinaryIO, bar: "_Bar") -> None:
    """Append to the file what it lacks, over as many connections as it takes, up to
    ``_CONNECTIONS``.
    """
    broken = ""
    for connection in range(_CONNECTIONS):
        time.sleep(_PAUSE * connection)
        answer = _open(url, file.seek(0, os.SEEK_END))
        if answer is None:
            return
        with answer:
            start, total = _extent(answer, file.tell())
            file.truncate(start)
            broken = _pour(answer, file, bar, start, total)
        file.flush()
        if not broken:
            os.fsync(file.fileno())
            return
    raise DownloadFailed(
        f"the connection broke off {_CONNECTIONS} times ({broken}); the {file.tell() / 1e6:.1f} "
        "MB that came are kept"
    )


def _open(url: str, start: int) -> http.client.HTTPResponse | None:
    """The server's answer from byte ``start`` on; None if it says that there is
    nothing after it.
    """
    request = urllib.request.Request(
        url, headers={"User-Agent": "ssimloss", **({"Range": f"bytes={start}-"} if start else {})}
    )
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:
            return None
        raise DownloadFailed(f"the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DownloadFailed(f"no connection: {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadFailed(f"no answer: {error or type(error).__name__}") from error
    return answer


def _extent(answer: http.client.HTTPResponse, asked: int) -> tuple[int, int | None]:
    """From which byte on the answer is, and how many bytes the file has, if the server says so."""
    length = answer.headers.get("Content-Length", "")
    rest = int(length) if length.isdecimal() else None
    if answer.status != 206:
        return 0, rest  # the whole file: this server cannot resume
    given = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    if given is None or int(given[1]) != asked:
        raise DownloadFailed(
            f"asked for the bytes from {asked} on, the server sends "
            f"{answer.headers.get('Content-Range')!r}"
        )
    return asked, None if rest is None else asked + rest


def _pour(
    answer: http.client.HTTPResponse, file: BinaryIO, bar: "_Bar", start: int, total: int | None
) -> str:
    """Write what comes until it ends; return why it ended too early, or nothing."""
    done = start
    bar.show(done, total)
    while True:
        try:
            chunk = answer.read(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            bar.end()
            return str(error) or type(error).__name__
        if not chunk:
            bar.end()
            return "" if total in (None, done) else f"closed after {done} of {total} bytes"
        file.write(chunk)
        done += len(chunk)
        bar.show(done, total)


class _Bar:
    """How far it is, on stderr: a bar that moves on a terminal, a line at the start elsewhere."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._began, self._first, self._drawn = 0.0, -1, 0.0  # seconds, bytes, seconds
        self._moves = sys.stderr is not None and sys.stderr.isatty()

    def show(self, done: int, total: int | None) -> None:
        """Draw, at most ten times a second."""
        total = total or max(self._size, 1)
        now = time.monotonic()
        is_first = self._first < 0
        if is_first:
            self._began, self._first = now, done
        if not self._moves:
            if is_first:
                print(
                    f"downloading {self._name}, {total / 1e6:.1f} MB, {done / 1e6:.1f} MB of it "
                    "here",
                    file=sys.stderr,
                    flush=True,
                )
        elif is_first or now - self._drawn > 0.1 or done >= total:
            self._drawn = now
            rate = max(done - self._first, 0) / 1e6 / max(now - self._began, 1e-3)
            before, after = (
                f"{self._name} |",
                f"| {min(done / total, 1):4.0%} of {total / 1e6:.1f} MB, {rate:.1f} MB/s",
            )
            room = (
                shutil.get_terminal_size().columns - 1 - len(before) - len(after)
            )  # a longer line would not be drawn over
            blocks = "#" * int(min(done / total, 1) * room)
            print(
                f"\r{before}{blocks:<{max(room, 0)}}{after}\x1b[K",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def end(self) -> None:
        """Leave the line that the bar is on."""
        if self._moves:
            print(file=sys.stderr, flush=True)
