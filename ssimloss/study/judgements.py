"""What people said of images: opinion scores, choices between two images, and pairs that look the
same; read from a table with the paths of the images.

A table is a CSV file with a header. Its columns say which kind it is:

- opinions: ``reference, distorted`` and ``mos`` (higher is better) or ``dmos`` (lower is better);
- choices: ``reference, a, b, preference``, the share of people who took ``b`` for nearer;
- sameness: ``a, b, same``, the share of people who saw no difference.

``distortion`` and ``strength`` are optional columns of opinions; results are then also reported by
them. Paths are relative to the table.
"""

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Kind = Literal["opinions", "choices", "sameness"]
Direction = Literal["higher", "lower"]

_SHOWN: Final = 5  # faults that an error lists


@dataclass(frozen=True)
class Judgement:
    """One row: the images of a question, and what people answered.

    Args:
        images: paths; reference and distorted, or reference, a and b, or a and b.
        answer: an opinion score, or a share in [0, 1].
        row: where it stands, for errors: ``"line 7"``.
        distortion, strength: of an opinion, empty where unknown.
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
        better: of opinions, whether higher scores are better.
        source: what it was read from.
        missing: rows that were left out because an image is not there.
    """

    name: str
    kind: Kind
    rows: tuple[Judgement, ...]
    better: Direction = "higher"
    source: Path = Path()
    missing: tuple[str, ...] = ()


class JudgementError(ValueError):
    """A table that cannot be used; the words name the rows and the way out."""


_COLUMNS: Final[Mapping[Kind, tuple[tuple[str, ...], str]]] = {
    # the columns of the images, and that of the answer where it has one name
    "opinions": (("reference", "distorted"), ""),
    "choices": (("reference", "a", "b"), "preference"),
    "sameness": (("a", "b"), "same"),
}
_SCORES: Final[Mapping[str, Direction]] = {"mos": "higher", "dmos": "lower"}


def read_table(path: str | Path, *, images: str | Path | None = None) -> Judgements:
    """Read a table of judgements.

    Args:
        path: of the CSV file.
        images: the folder that its paths are relative to; the table's own by default.

    Raises:
        JudgementError: not a table of one of the three kinds; a row with a number that is none, a
            share outside [0, 1], or a path that is empty; one question twice; no row whose images
            are there. The error names the lines.
    """
    file = Path(path).expanduser()
    folder = file.parent if images is None else Path(images).expanduser()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise JudgementError(f"{file} cannot be read: {error}") from error
    reader = csv.DictReader(text.splitlines(), restkey="")
    header = [name.strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = header
    kind, answer = _kind(file, header)
    columns, _ = _COLUMNS[kind]
    rows, faults = [], []
    for cells in reader:
        line = f"line {reader.line_num}"
        try:
            rows.append(_row(cells, columns, answer, kind, folder, line))
        except ValueError as error:
            faults.append(f"{line}: {error}")
    _refuse(file, faults)
    better = _SCORES.get(answer, "higher")
    return checked(Judgements(file.stem, kind, tuple(rows), better, file))


def checked(judgements: Judgements) -> Judgements:
    """The same without rows of missing images, after a look at what must not be.

    Raises:
        JudgementError: a question that stands twice, two references of one name in different
            folders, or no row whose images are there.
    """
    source = judgements.source
    seen: dict[tuple[Path, ...], Judgement] = {}
    faults = []
    for row in judgements.rows:
        # Equal words for one file, such as "./a.png" and "a.png", are one question.
        question = tuple(Path(os.path.normpath(image)) for image in row.images)
        if question in seen:
            names = " and ".join(image.name for image in row.images)
            faults.append(f"{row.row} repeats {seen[question].row} ({names})")
        seen.setdefault(question, row)
    _refuse(source, faults, "keep one row per question, such as the mean of its answers")
    _refuse_twins(source, [row.reference for row in judgements.rows])
    there: dict[Path, bool] = {}
    kept, missing = [], []
    for row in judgements.rows:
        gone = [image for image in row.images if not there.setdefault(image, image.is_file())]
        if gone:
            missing.append(f"{row.row}: {gone[0]} does not exist")
        else:
            kept.append(row)
    if not kept:
        told = "; ".join(missing[:_SHOWN]) or "the table has no rows"
        raise JudgementError(
            f"{source} names no image that is there ({told}); paths are relative to the table, or "
            "to the folder given as images"
        )
    return Judgements(
        judgements.name, judgements.kind, tuple(kept), judgements.better, source, tuple(missing)
    )


def _kind(file: Path, header: Sequence[str]) -> tuple[Kind, str]:
    """Which kind of table it is, and its column of answers."""
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise JudgementError(f"{file} has the column {twice[0]!r} twice")
    for kind, (columns, answer) in _COLUMNS.items():
        answers = [answer] if answer else [name for name in _SCORES if name in header]
        if len(answers) > 1:
            raise JudgementError(f"{file} has both mos and dmos; keep the one that is meant")
        if answers and {*columns, answers[0]} <= set(header):
            return kind, answers[0]
    raise JudgementError(
        f"{file} must have the columns reference, distorted and mos or dmos; or reference, a, b, "
        f"preference; or a, b, same; it has {', '.join(header) or 'none'}"
    )


def _row(
    cells: Mapping[str, str | None],
    columns: Sequence[str],
    answer: str,
    kind: Kind,
    folder: Path,
    line: str,
) -> Judgement:
    if "" in cells:
        raise ValueError("it has more cells than the header")
    empty = [name for name in (*columns, answer) if not (cells.get(name) or "").strip()]
    if empty:
        raise ValueError(f"{empty[0]} is empty")
    said = str(cells[answer]).strip()
    try:
        value = float(said)
    except ValueError:
        raise ValueError(f"{answer} must be a number, got {said!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"{answer} must be finite, got {said!r}")
    if kind != "opinions" and not 0 <= value <= 1:
        raise ValueError(f"{answer} must be a share in [0, 1], got {said!r}")
    return Judgement(
        tuple(folder / str(cells[name]).strip() for name in columns),
        value,
        line,
        (cells.get("distortion") or "").strip(),
        (cells.get("strength") or "").strip(),
    )


def _refuse(source: Path, faults: Sequence[str], way_out: str = "mend these rows") -> None:
    if faults:
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise JudgementError(f"{source}: {'; '.join(faults[:_SHOWN])}{more}; {way_out}")


def _refuse_twins(source: Path, references: Iterable[Path]) -> None:
    """Two references of one name would be one in every table and picture."""
    by_name: dict[str, Path] = {}
    for path in references:
        other = by_name.setdefault(path.name, path)
        if os.path.normpath(other) != os.path.normpath(path):
            raise JudgementError(
                f"{source} has two references named {path.name}, {other} and {path}; rename one, "
                "since results are reported by name"
            )
