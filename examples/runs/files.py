"""Output of a run: atomic files, and a check of the output folder."""

from pathlib import Path

from ssimloss._files import write, write_text

__all__ = ["InputError", "output_folder", "write", "write_text"]


class InputError(Exception):
    """An input of the user cannot be used; the message names it, the reason and a fix."""


def output_folder(path: Path) -> Path:
    """Create the folder, or raise an error with the reason."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {path}: cannot be used as a folder ({error.strerror})") from error
    return path
