"""Is a file whole? Its SHA-256 against the one that is known, before anything in it is used."""

import hashlib
import time
from pathlib import Path

from ssimloss.weights._catalogue import WeightsFile

# Of large files that were read before in this process, by what changes when they are written: half
# a gigabyte takes a second to sum up.
_KNOWN: dict[tuple[int, int, int, int], str] = {}
_SETTLED = 2_000_000_000  # nanoseconds
# Bytes; smaller files, such as all that travel with the package, are summed up each time.
_LARGE = 16 << 20


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    state = path.stat()
    key = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
    if key in _KNOWN:
        return _KNOWN[key]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    # A file that is still being written can change once more within one tick of the file system's
    # clock.
    if state.st_size > _LARGE and abs(time.time_ns() - state.st_mtime_ns) > _SETTLED:
        _KNOWN[key] = digest.hexdigest()
    return digest.hexdigest()


def demand_whole(entry: WeightsFile, path: Path) -> Path:
    """Return ``path`` if its bytes are those of ``entry``.

    Raises:
        RuntimeError: they are not, or cannot be read; the message names the file and the way to a
            whole one.
    """
    try:
        found = sha256(path)
    except OSError as error:
        raise RuntimeError(
            f"weights file {path} cannot be read: {error.strerror or error}"
        ) from error
    if not found.startswith(entry.sha256):
        way_out = (
            "delete it, or install the package again"
            if entry.url is None
            else f"delete it and run: {entry.fetch_command}"
        )
        raise RuntimeError(
            f"weights file {path} is damaged or another file: its SHA-256 is {found}, that of "
            f"{entry.title} {'is' if len(entry.sha256) == 64 else 'starts with'} {entry.sha256}; "
            f"{way_out}"
        )
    return path
