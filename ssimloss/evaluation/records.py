"""What is on the disk: a journal that grows batch by batch and survives a killed run, and the
tables that are written once it is whole.

In the folder ``journal``: ``settings.json``, and for each process ``rank-0.jsonl`` (what ``resume``
reads) and ``rank-0.csv`` (for people).
"""

import csv
import io
import itertools
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import IO, Any

from ssimloss import _files
from ssimloss.evaluation.columns import PER_FRAME, PER_IMAGE
from ssimloss.evaluation.plan import Batch
from ssimloss.evaluation.result import Evaluation, ImageRecord, Summary, jsonable


@dataclass(frozen=True)
class Row:
    """One image of one method."""

    image: int  # place in its batch, which does not depend on other batches
    method: str
    values: dict[str, float] = field(default_factory=dict)
    error: str = ""
    # Of a clip: values of each frame by metric and by what it logs, and how frames were paired.
    frames: dict[str, list[float]] = field(default_factory=dict)
    pairing: str = ""

    def as_dict(self) -> dict[str, Any]:
        """What a journal keeps of it."""
        kept = {
            "image": self.image,
            "method": self.method,
            "values": self.values,
            "error": self.error,
        }
        return kept | ({"frames": self.frames, "pairing": self.pairing} if self.frames else {})

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "Row":
        """The inverse of :meth:`as_dict`."""
        return cls(
            kept["image"],
            kept["method"],
            {name: float(value) for name, value in kept["values"].items()},
            kept["error"],
            {name: list(map(float, v)) for name, v in kept.get("frames", {}).items()},
            kept.get("pairing", ""),
        )


_SUMMARIES = ("summary.csv", "summary.json")
_TABLES = ("per_image.csv", "per_image.json", *_SUMMARIES)
_CLIP_TABLES = ("per_clip.csv", "per_clip.json", *_SUMMARIES, "per_frame.csv")
_WRITTEN = tuple(dict.fromkeys((*_TABLES, *_CLIP_TABLES, "index.html")))

Done = dict[str, list[Row]]  # signature of a batch -> its rows


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a system error into one that states how to continue."""
    try:
        yield
    except OSError as error:
        raise RuntimeError(
            f"cannot write {path} ({error.strerror}); what was written before is kept: make room, "
            "then resume, or choose another folder"
        ) from error


class Journal:
    """The files of one process, to which each batch is added whole or not at all; without a folder,
    nothing.
    """

    def __init__(self, out: Path | None, rank: int, metrics: Sequence[str]) -> None:
        """Open for adding, in a folder that :func:`prepare` has made."""
        self._metrics = metrics
        self._files: tuple[Appended, ...] = ()
        if out is not None:
            lines, table = (out / "journal" / f"rank-{rank}.{kind}" for kind in ("jsonl", "csv"))
            self._files = Appended(lines), Appended(table, header=_table([[*PER_IMAGE, *metrics]]))

    def add(self, batch: Batch, rows: Sequence[Row], images: Sequence[ImageRecord]) -> None:
        """Keep the rows of a batch."""
        if self._files:
            lines, table = self._files
            listed = [row.as_dict() for row in rows]
            lines.add(
                json.dumps(jsonable({"batch": batch.signature, "rows": listed})).encode() + b"\n"
            )
            members = [images[index] for index in batch.images]
            table.add(
                _table(
                    _cells(members[row.image], row.method, row.values, row.error, self._metrics)
                    for row in rows
                )
            )

    def close(self) -> None:
        """Close the files; nothing is held back that could be lost."""
        for file in self._files:
            file.close()


class Appended:
    """A file to which whole records are added; one that does not fit on the disk is removed."""

    def __init__(self, path: Path, header: bytes = b"") -> None:
        """Open ``path`` for adding; a new file begins with the header."""
        self._path = path
        with writing(path):
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
            content = self._file.read()
            # A killed process may have left half a line.
            self._end = content.rfind(b"\n") + 1
            self._file.truncate(self._end)
        if self._end == 0:
            self.add(header)

    def add(self, record: bytes) -> None:
        """Add a record, whole or not at all."""
        left = memoryview(record)
        with writing(self._path):
            try:
                self._file.seek(self._end)
                while left:
                    left = left[self._file.write(left) :]
            except OSError:
                self._file.truncate(self._end)
                raise
        self._end += len(record)

    def close(self) -> None:
        """Close the file; nothing is held back that could be lost."""
        self._file.close()


def prepare(out: Path, settings: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Make the folder for a journal, or demand that its journal is of the same evaluation.

    Raises:
        ValueError: there is a journal and neither ``resume`` nor ``overwrite``; with ``resume``, a
            journal of other settings; files of an evaluation without its settings; the journal of
            another command.
        RuntimeError: the folder cannot be written.
    """
    folder, known = out / "journal", out / "journal" / "settings.json"
    with writing(out):
        before = read_settings(known, overwrite=overwrite)
        old = [
            *folder.glob("rank-*"),
            *(path for name in _WRITTEN if os.path.lexists(path := out / name)),
        ]
    if before and "command" in before:
        raise ValueError(
            f"{out} holds the results of another command, {before['command']}; choose another "
            "folder"
        )
    if before is not None and not overwrite:
        if not resume:
            raise ValueError(
                f"{out} already holds an evaluation: resume continues it, overwrite discards it, "
                "another folder keeps both (on the command line --resume, --overwrite)"
            )
        changed = [name for name in settings if before.get(name) != jsonable(settings[name])]
        if changed:
            listed = "; ".join(
                f"{name} was {before.get(name)!r}, is now {settings[name]!r}" for name in changed
            )
            raise ValueError(
                f"{out} holds an evaluation with other settings, which cannot be continued: "
                f"{listed}"
            )
        return
    if old and not overwrite:
        found, lacking = old[0].relative_to(out), known.relative_to(out)
        raise ValueError(
            f"{out} holds {found} without {lacking}, which resuming needs; overwrite discards it"
        )
    with writing(folder):
        for path in old:
            path.unlink(missing_ok=True)
        _files.write_text(known, json.dumps(jsonable(settings), indent=1) + "\n")


def read_settings(path: Path, *, overwrite: bool) -> dict[str, Any] | None:
    """The settings of a journal: None if there are none, empty if they are damaged and may be
    discarded.

    Raises:
        ValueError: the file is damaged, and ``overwrite`` is not set.
    """
    if not path.exists():
        return None
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if overwrite:
            return {}
        raise ValueError(
            f"{path} cannot be read ({error}); overwrite discards what is there"
        ) from error
    return loaded if isinstance(loaded, dict) else {}


def read_journal(out: Path) -> Done:
    """The rows of all processes and runs, without batches that have an image without any value:
    those are tried again.

    An error of one measure stays, because the measure would fail again.
    """
    done: Done = {}
    for path in sorted((out / "journal").glob("rank-*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
                rows = [Row.from_dict(row) for row in entry["rows"]]
                signature = entry["batch"]
            except (ValueError, TypeError, KeyError):
                continue  # half a line, of a process that was killed while writing it
            if all(row.values or not row.error for row in rows):
                done[signature] = rows
    return done


def write_tables(out: Path, evaluation: Evaluation) -> None:
    """``per_image.csv``, ``per_image.json`` (the whole evaluation), ``summary.csv`` and
    ``summary.json``; of clips ``per_clip.csv``, ``per_clip.json`` and ``per_frame.csv``. A file
    that cannot be written completely stays as it was.

    Raises:
        RuntimeError: the disk is full, or the folder cannot be written.
    """
    names = [metric.name for metric in evaluation.metrics]
    rows = (
        _cells(image, method, image.values.get(method, {}), image.errors.get(method, ""), names)
        for image in evaluation.images
        for method in evaluation.methods
    )
    summary = [[field.name for field in fields(Summary)]]
    summary += [
        [_text(getattr(row, field.name)) for field in fields(Summary)] for row in evaluation.rows
    ]
    nothing = {"low": math.nan, "high": math.nan, "best": "", "worst": "", "infinite": 0}
    for of_set in evaluation.sets:
        cells = {**vars(of_set), "mean": of_set.value, **nothing}
        summary.append([_text(cells[field.name]) for field in fields(Summary)])
    contents = [
        _table([[*PER_IMAGE, *names], *rows]),
        evaluation.to_json().encode(),
        _table(summary),
        evaluation.to_json(images=False).encode(),
    ]
    if evaluation.clips:
        contents.append(_table(_frame_rows(evaluation)))
    tables = _CLIP_TABLES if evaluation.clips else _TABLES
    for name, content in zip(tables, contents, strict=True):
        with writing(out / name):
            _files.write(out / name, partial(_put, content))


def _frame_rows(evaluation: Evaluation) -> Iterator[list[str]]:
    """Clip, method, number of the frame from 0, the value of each metric, and what measures log."""
    found = dict.fromkeys(
        name for clip in evaluation.clips for of in clip.frames.values() for name in of
    )
    names = [metric.name for metric in evaluation.metrics if metric.name in found]
    names += [name for name in found if name not in names]
    yield [*PER_FRAME, *names]
    for clip in evaluation.clips:
        for method, values in clip.frames.items():
            columns = [values.get(name, []) for name in names]
            for number, numbers in enumerate(itertools.zip_longest(*columns)):
                cells = ["" if value is None else _text(value) for value in numbers]
                yield [clip.name, method, str(number), *cells]


def _put(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _cells(
    image: ImageRecord, method: str, values: dict[str, float], error: str, metrics: Sequence[str]
) -> list[str]:
    status = "error" if error else "ok"
    distorted = image.distorted.get(method, "")
    numbers = [_text(values[metric]) if metric in values else "" for metric in metrics]
    tags = image.orientation, image.orientations.get(method, 1)
    return [
        *map(str, (image.index, image.name, method, image.reference, distorted, *image.size)),
        *map(str, tags),
        status,
        error,
        *numbers,
    ]


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _table(rows: Iterable[Sequence[str]]) -> bytes:
    """CSV in UTF-8; bytes of a file name that are no text are kept."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")
