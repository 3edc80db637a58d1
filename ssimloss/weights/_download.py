"""Download a file once for any number of processes, and verify its SHA-256 before naming it."""

import contextlib
import errno
import http.client
import os
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path

from ssimloss import _files

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP)  # some network file systems


class DownloadFailed(RuntimeError):
    """Why the file could not be downloaded."""


def download(url: str, to: Path, expected: str, *, size: int) -> None:
    """Download ``url`` to the file ``to``, whose SHA-256 must start with ``expected``.

    The file ``to`` is complete or absent. One process downloads; the others wait and then find the
    file. A bar shows the progress if stderr is a terminal.

    Args:
        url: what to download.
        to: the file; missing folders are made.
        expected: the first hexadecimal digits of the SHA-256, or all of them.
        size: in bytes, for messages.

    Raises:
        DownloadFailed: no connection, an HTTP error, an error of the disk, or the bytes have
            another SHA-256.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with _locked(to):
            if not to.is_file():  # else another process downloaded it in the meantime
                print(f"downloading {to.name}, {size / 1e6:.1f} MB", file=sys.stderr, flush=True)
                with _files.replacing(to) as partial:
                    _receive(url, partial, expected)
    except OSError as error:
        place = error.filename or to
        raise DownloadFailed(
            f"cannot write {place}: {error.strerror or error}; the file takes {size / 1e6:.0f} MB"
        ) from error


@contextlib.contextmanager
def _locked(to: Path) -> Iterator[None]:
    """Hold the lock of a file. If the file system has no locks, each process downloads."""
    from filelock import FileLock, Timeout

    path = to.with_name(f".{to.name}.lock")
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(
                f"waiting for another process that downloads {to.name}", file=sys.stderr, flush=True
            )
            lock.acquire()
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        # Before the release, so that no process deletes the lock of another. Windows refuses to
        # delete an open file; filelock does it there.
        with contextlib.suppress(OSError):
            path.unlink()
        lock.release()


def _receive(url: str, to: Path, expected: str) -> None:
    import torch

    try:
        torch.hub.download_url_to_file(
            url, os.fspath(to), expected, progress=sys.stderr is not None and sys.stderr.isatty()
        )
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadFailed(f"the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DownloadFailed(f"no connection: {error.reason}") from error
    except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
        raise DownloadFailed(f"the connection was lost: {error or type(error).__name__}") from error
    except RuntimeError as error:  # raised for a wrong SHA-256
        raise DownloadFailed(
            f"{url} sent other bytes, or the connection was lost: {error}; nothing was kept"
        ) from error
