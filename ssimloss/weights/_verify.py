"""Whether a file is whole: its SHA-256 is compared with the known one before the file is used."""

from pathlib import Path

from ssimloss import _files
from ssimloss.weights._catalogue import WeightsFile


def demand_whole(entry: WeightsFile, path: Path) -> Path:
    """Return ``path`` if its bytes are those of ``entry``.

    Raises:
        RuntimeError: they are not, or cannot be read; the message names the file and the way to a
            whole one.
    """
    try:
        found = _files.sha256(path)
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
