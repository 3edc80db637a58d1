"""CSV files that users write: pairs of files, judgements, rate-distortion curves."""

import csv
import io
from pathlib import Path
from typing import Literal

from ssimloss._files import MissingFileError

Records = list[tuple[int, list[str]]]


def read_csv(path: Path, *, errors: Literal["strict", "surrogateescape"] = "strict") -> Records:
    """Read each record with the number of its last line.

    Args:
        path: UTF-8, with any line ends and a byte order mark or none. Empty lines are skipped, and
            spaces after a comma.
        errors: ``"surrogateescape"`` keeps bytes that are not UTF-8, for names of files.

    Raises:
        MissingFileError: the file does not exist.
        ValueError: the file cannot be read, or is not CSV in UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", errors=errors, newline="") as file:
            text = file.read()
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
        return [(reader.line_num, cells) for cells in reader if cells]
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: there is no such file or folder") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as CSV in UTF-8: {error}; save it so") from error
