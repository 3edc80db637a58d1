"""What is done of a study, kept on the disk as it is found, so that a killed run continues.

In ``OUT/journal``: ``settings.json``, and for each process ``rank-0.jsonl`` with a line for each
finished task.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssimloss import _files
from ssimloss.evaluation.records import Appended, writing
from ssimloss.study.result import plain

Done = dict[str, Any]  # key of a task -> what it found


class Journal:
    """The file of one process; without a folder, nothing."""

    def __init__(self, out: Path | None, rank: int) -> None:
        """Open for adding, in a folder that :func:`prepare` has made."""
        self._file = None if out is None else Appended(out / "journal" / f"rank-{rank}.jsonl")

    def add(self, key: str, found: Any) -> None:
        """Keep what a task found."""
        if self._file is not None:
            self._file.add(json.dumps({"task": key, "found": plain(found)}).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def prepare(out: Path, settings: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Make the folder, or see that the one there is of the same study.

    Raises:
        ValueError: there is one and neither ``resume`` nor ``overwrite`` was said; with ``resume``,
            one of other settings.
        RuntimeError: the folder cannot be written.
    """
    known = out / "journal" / "settings.json"
    if known.exists() and not overwrite:
        if not resume:
            raise ValueError(
                f"{out} already holds a study: resume continues it, overwrite discards it, another "
                "folder keeps both"
            )
        try:
            before = json.loads(known.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{known} cannot be read ({error}); overwrite discards what is there"
            ) from error
        changed = [name for name in settings if before.get(name) != plain(settings[name])]
        if changed:
            listed = "; ".join(
                f"{name} was {before.get(name)!r}, is now {settings[name]!r}" for name in changed
            )
            raise ValueError(
                f"{out} holds a study with other settings, which cannot be continued: {listed}"
            )
        return
    with writing(known.parent):
        for path in known.parent.glob("rank-*.jsonl"):
            path.unlink()
        _files.write_text(known, json.dumps(plain(dict(settings)), indent=1) + "\n")


def read_journal(out: Path) -> Done:
    """What all processes of all runs have found."""
    done: Done = {}
    for path in sorted((out / "journal").glob("rank-*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
                done[entry["task"]] = entry["found"]
            except (ValueError, TypeError, KeyError):
                continue  # half a line, of a process that was killed while writing it
    return done
