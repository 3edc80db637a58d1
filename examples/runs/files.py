"""What a run writes: files that are whole or absent, into a folder that can be one."""

from pathlib import Path

from ssimloss._files import write, write_text

__all__ = ["InputError", "output_folder", "write", "write_text"]


class InputError(Exception):
    """Something the user gave cannot be used; the message says what, why and the way out."""


def output_folder(path: Path) -> Path:
    """Make the folder, or say why it cannot be one."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {path}: cannot be used as a folder ({error.strerror})") from error
    return path
