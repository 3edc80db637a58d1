"""What a study has found so far and which files it has written, so that a killed run can continue
and a discarded one leaves nothing behind.

``OUT/journal`` holds ``settings.json`` and one file ``rank-0.jsonl`` per process. A line is a
finished task (``task`` and ``found``), a list of files that are about to be written (``writes``),
or a prefix of tasks whose earlier results no longer count (``discards``).
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ssimloss import _files
from ssimloss.evaluation.records import Appended, read_settings, writing
from ssimloss.study.result import plain

Done = dict[str, Any]  # key of a task -> its result
_STUDY: Final = "study"
# Files that every study writes; without a journal they belong to somebody else.
RESULTS: Final = ("index.html", "study.json", "study.md", "study.tex")


class Journal:
    """The journal of one process; without a folder, nothing is kept."""

    def __init__(self, out: Path | None, rank: int) -> None:
        """Open for appending, in a folder that :func:`prepare` has made."""
        self._file = None if out is None else Appended(out / "journal" / f"rank-{rank}.jsonl")

    def add(self, key: str, found: Any) -> None:
        """Keep the result of a task."""
        self._add({"task": key, "found": plain(found)})

    def announce(self, files: Iterable[str]) -> None:
        """Note files that are about to be written, as paths in the output folder."""
        if listed := list(files):
            self._add({"writes": listed})

    def discard(self, prefix: str) -> None:
        """Note that earlier results of tasks with this prefix no longer count."""
        self._add({"discards": prefix})

    def _add(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.add(json.dumps(entry, allow_nan=False).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def prepare(out: Path, settings: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Make the output folder, or check that it holds the same study.

    Args:
        out: the output folder.
        settings: everything that decides the results.
        resume: continue the study in the folder, with the same images, more, or fewer.
        overwrite: discard it: remove the files that its journal lists, and no others.

    Raises:
        ValueError: the folder holds a study and neither ``resume`` nor ``overwrite`` is set; it
            holds a study with other settings and ``resume`` is set; or its files belong to
            something else.
        RuntimeError: the folder cannot be written.
    """
    known = out / "journal" / "settings.json"
    settings = {"command": _STUDY, **plain(dict(settings))}
    before = read_settings(known, overwrite=overwrite)
    if before is None:
        foreign = [name for name in RESULTS if (out / name).exists()]
        if foreign and not overwrite:
            raise ValueError(
                f"{out} holds {foreign[0]} without the journal of a study; choose another folder, "
                "or set overwrite to replace it"
            )
    elif before and before.get("command") != _STUDY:
        raise ValueError(
            f"{out} holds the results of another command than study; choose another folder"
        )
    elif not overwrite:
        if not resume:
            raise ValueError(
                f"{out} already holds a study: resume continues it, overwrite discards it, another "
                "folder keeps both (on the command line --resume, --overwrite)"
            )
        seen = before.get("images", {})
        changed = [
            name for name in settings if name != "images" and before.get(name) != settings[name]
        ]
        # Results are kept by the name of the image, which must be the same picture as before.
        now = settings.get("images", {})
        replaced = [name for name in now if seen.get(name, now[name]) != now[name]]
        told = [_changed(name, before.get(name), settings[name]) for name in changed]
        told += [f"the image {name} is another picture than before" for name in replaced]
        if told:
            raise ValueError(
                f"{out} holds a study with other settings, which cannot be continued: "
                f"{'; '.join(told)}. Choose another folder, or overwrite to discard it"
            )
        if not now.items() <= seen.items():
            with writing(known.parent):
                _write(known, settings | {"images": {**seen, **now}})
        return
    with writing(known.parent):
        _discard(out)
        _write(known, settings)


def _changed(name: str, before: Any, now: Any) -> str:
    """How a setting differs; of several entries, those that do."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return f"{name} was {before!r}, is now {now!r}"
    told = (
        [f"without {', '.join(gone)}"]
        if (gone := [one for one in before if one not in now])
        else []
    )
    if added := [one for one in now if one not in before]:
        told.append(f"with {', '.join(added)}")
    told += [
        f"{one} has other questions or images"
        if name == "judgements"
        else f"{one} was {before[one]!r}, is now {now[one]!r}"
        for one in now
        if one in before and before[one] != now[one]
    ]
    return f"{name}: {', '.join(told)}"


def _write(known: Path, settings: Mapping[str, Any]) -> None:
    _files.write_text(known, json.dumps(settings, indent=1, allow_nan=False) + "\n")


def read_journal(out: Path) -> Done:
    """The results of all processes and all runs, without those that a later entry discards."""
    done: Done = {}
    for entry in _entries(out):
        if "discards" in entry:
            done = {key: one for key, one in done.items() if not key.startswith(entry["discards"])}
        elif "found" in entry:
            done[entry["task"]] = entry["found"]
    return done


def _discard(out: Path) -> None:
    """Remove what the journals of the folder list, folders that become empty, and the journals."""
    place = out.resolve()
    written = [out / name for entry in _entries(out) for name in entry.get("writes", ())]
    # A path that leads out of the folder was not written by a study.
    written = [path for path in written if path.resolve().is_relative_to(place)]
    for path in written:
        path.unlink(missing_ok=True)
    folders = {parent for path in written for parent in path.parents if out in parent.parents}
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        with contextlib.suppress(OSError):  # it holds files of somebody else, or is gone
            folder.rmdir()
    for path in (out / "journal").glob("rank-*.jsonl"):
        path.unlink()


def _entries(out: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((out / "journal").glob("rank-*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # half a line of a process that was killed while writing it
            if isinstance(entry, dict):
                yield entry
