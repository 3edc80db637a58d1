"""Human judgements of images: opinion scores, choices between two images, and pairs that may look
the same; read from a CSV file that names the images.

The header of the file determines the kind. Other columns are ignored, such as the index that
pandas writes.

- opinions: ``reference, distorted`` and ``mos`` (higher is better) or ``dmos`` (lower is better);
- choices: ``reference, a, b, preference``, the share of people who judged ``b`` to be closer;
- sameness: ``a, b, same``, the share of people who saw no difference.

Opinions may have the columns ``distortion`` and ``strength``; results are then also reported for
each of their values. Paths are relative to the CSV file.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ssimloss._files import MissingFileError
from ssimloss.evaluation import csv_files

Kind = Literal["opinions", "choices", "sameness"]
Direction = Literal["higher", "lower"]

_SHOWN: Final = 5  # faults that an error message lists


@dataclass(frozen=True)
class Judgement:
    """One row: the images of a question, and people's answer.

    Args:
        images: paths of reference and distorted, of reference, a and b, or of a and b.
        answer: an opinion score, or a share in [0, 1].
        row: its place in the source, for errors: ``"line 7"``.
        distortion, strength: of an opinion; empty if unknown.
    """

    images: tuple[Path, ...]
    answer: float
    row: str
    distortion: str = ""
    strength: str = ""

    @property
    def reference(self) -> Path:
        """The image that the others are compared with."""
        return self.images[0]


@dataclass(frozen=True)
class Judgements:
    """All rows of one kind.

    Args:
        name: of the data set, for titles.
        kind: ``"opinions"``, ``"choices"`` or ``"sameness"``.
        rows: at least one.
        better: whether higher or lower opinion scores are better.
        source: the file or folder.
        missing: messages about rows that were left out because an image does not exist.
    """

    name: str
    kind: Kind
    rows: tuple[Judgement, ...]
    better: Direction = "higher"
    source: Path = Path()
    missing: tuple[str, ...] = ()


class JudgementError(ValueError):
    """A source of judgements that cannot be used; the message names the rows and a fix."""


class MissingJudgementsError(JudgementError, MissingFileError):
    """A source of judgements that does not exist."""


_COLUMNS: Final[Mapping[Kind, tuple[tuple[str, ...], str]]] = {
    # Columns of the images, and of the answer; opinions have one of _SCORES instead.
    "opinions": (("reference", "distorted"), ""),
    "choices": (("reference", "a", "b"), "preference"),
    "sameness": (("a", "b"), "same"),
}
_SCORES: Final[Mapping[str, Direction]] = {"mos": "higher", "dmos": "lower"}


def read_table(path: str | Path, *, images: str | Path | None = None) -> Judgements:
    """Read a CSV file of judgements.

    Columns are recognised by their names, in upper or lower case and in any order. The encoding is
    UTF-8, with or without a byte order mark.

    Args:
        path: of the CSV file.
        images: the folder that its paths are relative to; default: the folder of the file.

    Raises:
        JudgementError: the columns fit none of the three kinds; a value is not a number, a share is
            outside [0, 1], or a path is empty; a question occurs twice; or no image exists. The
            message names the lines.
    """
    file = Path(path).expanduser()
    folder = file.parent if images is None else Path(images).expanduser()
    header, records = read_csv(file)
    kind, answer = _kind(file, header)
    columns, _ = _COLUMNS[kind]
    rows, faults = [], []
    for number, values in records:
        line = f"line {number}"
        try:
            if len(values) > len(header):
                raise ValueError("it has more cells than the header")
            cells = dict(zip(header, values, strict=False))
            rows.append(_row(cells, columns, answer, kind, folder, line))
        except ValueError as error:
            faults.append(f"{line}: {error}")
    _refuse(file, faults)
    better = _SCORES.get(answer, "higher")
    return checked(Judgements(file.stem, kind, tuple(rows), better, file))


def read_csv(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read a CSV file: its header in lower case, and each record with the number of its last line.

    Args:
        file: UTF-8, with any line ends and a byte order mark or none. Empty lines are skipped.

    Raises:
        JudgementError: the file cannot be read, or is not CSV.
    """
    try:
        found = csv_files.read_csv(file)
    except ValueError as error:
        raise JudgementError(str(error)) from error
    records = [(number, [cell.strip() for cell in cells]) for number, cells in found]
    header = [name.lower() for name in records[0][1]] if records else []
    return header, records[1:]


def checked(judgements: Judgements) -> Judgements:
    """Check the rows, and leave out those whose images do not exist.

    Raises:
        JudgementError: a question occurs twice, two references in different folders have the same
            name, or no row is left.
    """
    source = judgements.source
    seen: dict[tuple[Path, ...], Judgement] = {}
    faults = []
    for row in judgements.rows:
        # Spellings of one path, such as "./a.png" and "a.png", are the same question.
        question = tuple(Path(os.path.normpath(image)) for image in row.images)
        if question in seen:
            names = " and ".join(image.name for image in row.images)
            faults.append(f"{row.row} repeats {seen[question].row} ({names})")
        seen.setdefault(question, row)
    _refuse(source, faults, "keep one row per question, such as the mean of its answers")
    _refuse_twins(source, [row.reference for row in judgements.rows])
    exists: dict[Path, bool] = {}
    kept, missing = [], []
    for row in judgements.rows:
        for image in row.images:
            if image not in exists:
                exists[image] = image.is_file()
        gone = [image for image in row.images if not exists[image]]
        if gone:
            missing.append(f"{row.row}: {gone[0]} does not exist")
        else:
            kept.append(row)
    if not kept:
        gone_once = dict.fromkeys(words.partition(": ")[2] for words in missing)
        told = "; ".join([*gone_once][:_SHOWN]) or "it has no rows"
        raise JudgementError(
            f"{source} names no image that exists ({told}); paths are relative to the file, or "
            "to the folder passed as images"
        )
    return Judgements(
        judgements.name, judgements.kind, tuple(kept), judgements.better, source, tuple(missing)
    )


def _kind(file: Path, header: Sequence[str]) -> tuple[Kind, str]:
    """The kind of judgements, and the column of the answers."""
    for kind, (columns, answer) in _COLUMNS.items():
        answers = [answer] if answer else [name for name in _SCORES if name in header]
        if len(answers) > 1:
            raise JudgementError(
                f"{file} has both mos and dmos; remove the column that does not count"
            )
        if answers and {*columns, answers[0]} <= set(header):
            used = {*columns, answers[0], "distortion", "strength"}
            twice = [name for name in header if name in used and header.count(name) > 1]
            if twice:
                raise JudgementError(f"{file} has the column {twice[0]!r} twice; rename one")
            return kind, answers[0]
    found = ", ".join(name or "(one without a name)" for name in header) or "none"
    raise JudgementError(
        f"{file} must have the columns reference, distorted and mos or dmos; or reference, a, b, "
        f"preference; or a, b, same; separated by commas. Its columns are: {found}"
    )


def _row(
    cells: Mapping[str, str],
    columns: Sequence[str],
    answer: str,
    kind: Kind,
    folder: Path,
    line: str,
) -> Judgement:
    empty = [name for name in (*columns, answer) if not cells.get(name)]
    if empty:
        raise ValueError(f"{empty[0]} is empty")
    found = cells[answer]
    try:
        value = float(found)
    except ValueError:
        raise ValueError(f"{answer} must be a number, got {found!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"{answer} must be finite, got {found!r}")
    if kind != "opinions" and not 0 <= value <= 1:
        raise ValueError(f"{answer} must be a share in [0, 1], got {found!r}")
    return Judgement(
        tuple(folder / cells[name] for name in columns),
        value,
        line,
        cells.get("distortion", ""),
        cells.get("strength", ""),
    )


def _refuse(source: Path, faults: Sequence[str], way_out: str = "correct these rows") -> None:
    if faults:
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise JudgementError(f"{source}: {'; '.join(faults[:_SHOWN])}{more}; {way_out}")


def _refuse_twins(source: Path, references: Iterable[Path]) -> None:
    """Results are reported by name, so that two references with one name would be one."""
    by_name: dict[str, Path] = {}
    for path in references:
        other = by_name.setdefault(path.name, path)
        if os.path.normpath(other) != os.path.normpath(path):
            raise JudgementError(
                f"{source} has two references named {path.name}, {other} and {path}; rename one, "
                "since results are reported by name"
            )
