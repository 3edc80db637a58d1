"""Files that are complete or absent: written under another name in the same folder, flushed to the
disk, then renamed. And the SHA-256 of a file.

Several processes may write one file at the same time; the last one to finish wins. A process that
is killed while writing leaves a hidden ``.name.*.partial``. The next write of the same file removes
it. If the process ran on another machine, the first write after a day removes it.
"""

import contextlib
import glob
import hashlib
import os
import platform
import re
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_ABANDONED = 86_400.0  # seconds since the last change of a partial file
# SHA-256 of large files that this process has read, by what changes when a file is written: half a
# gigabyte takes a second.
_DIGESTS: dict[tuple[int, int, int, int], str] = {}
_LARGE = 16 << 20  # bytes; the SHA-256 of a smaller file is computed each time
_SETTLED = 2_000_000_000  # nanoseconds since the last change


class MissingFileError(FileNotFoundError, ValueError):
    """A path that was passed does not exist. The command line exits with status 1, as for any file
    that cannot be read.
    """


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    state = path.stat()
    key = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
    if key in _DIGESTS:
        return _DIGESTS[key]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    # A file that is still being written can change again within one tick of the file system's
    # clock.
    if state.st_size > _LARGE and abs(time.time_ns() - state.st_mtime_ns) > _SETTLED:
        _DIGESTS[key] = digest.hexdigest()
    return digest.hexdigest()


def write(path: Path, save: Callable[[IO[bytes]], object]) -> None:
    """Call ``save`` with a binary file that replaces ``path`` once it is complete. Missing folders
    are made.
    """
    with replacing(path) as partial, partial.open("xb") as file:
        save(file)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8."""
    write(path, lambda file: file.write(text.encode()))


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Return a free name beside ``path``. The file written there replaces ``path`` when the block
    ends; if the block raises, the file is deleted and ``path`` stays as it was. Missing folders are
    made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_overs(path)
    writer = f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    partial = path.with_name(f".{path.name}.{writer}.partial")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _remove_left_overs(path: Path) -> None:
    for left_over in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        # Another process may remove it first; a file that cannot be removed does no harm.
        with contextlib.suppress(OSError):
            if _is_abandoned(left_over):
                left_over.unlink()


def _is_abandoned(left_over: Path) -> bool:
    """Whether the process that wrote the file has ended, or has not changed it for a day."""
    writer = re.search(rf"\.{_machine()}-(\d{{1,9}})-[0-9a-f]{{8}}\.partial", left_over.name)
    if writer and not _is_alive(int(writer[1])):
        return True
    return time.time() - left_over.stat().st_mtime > _ABANDONED


def _is_alive(process: int) -> bool:
    if os.name != "posix":
        return True  # on this system, os.kill would end the process
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # a process of another user
    return True


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _flush_folder(folder: Path) -> None:
    """Flush the folder, without which a rename may be lost in a power cut. Some systems cannot open
    folders.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
