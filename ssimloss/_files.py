"""Files that are whole or absent: written beside their place, flushed to the disk, then renamed
onto it.

A process killed while it writes leaves at most a hidden ``.name.*.partial``, which the next write
of the same file removes; the file itself is always the old one or the new one.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write(path: Path, save: Callable[[IO[bytes]], object]) -> None:
    """Let ``save`` write into a binary file that takes the place of ``path`` once it is complete;
    missing folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_over in path.parent.glob(f".{path.name}.*.partial"):
        left_over.unlink(missing_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            save(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8."""
    write(path, lambda file: file.write(text.encode()))


def _flush_folder(folder: Path) -> None:
    """The rename itself survives a power cut only once the folder is on the disk; not every system
    can open one.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
