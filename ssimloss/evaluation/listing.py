"""The files that a source names: a folder, a glob pattern or a single file; of images or clips."""

import glob
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ssimloss._files import MissingFileError
from ssimloss.evaluation.clips.formats import SUFFIXES as CLIP_SUFFIXES
from ssimloss.evaluation.images import ARRAY_SUFFIXES, SUFFIXES

Source = str | Path
Lister = Callable[[Source, Sequence[str]], dict[str, Path]]

_ALL_SUFFIXES = (*SUFFIXES, *ARRAY_SUFFIXES, *CLIP_SUFFIXES)
_MAGIC = re.compile(r"[*?[]")
_WILDCARD = re.compile(r"\*\*/|\*\*?|\?|\[!?\]?[^\]]*\]")


def called(source: Source) -> Path:
    """The path that a method is named after; of a pattern, the folders before a wildcard."""
    path = Path(os.path.abspath(source))
    if _MAGIC.search(str(source)) and not path.exists():
        fixed = [part for part in path.parts[:-1] if not _MAGIC.search(part)]
        return Path(*fixed)
    return path.with_suffix("") if path.suffix.lower() in _ALL_SUFFIXES else path


def is_of_clips(source: Source) -> bool | None:
    """Whether a source holds clips: False if it holds images too, None if it holds neither."""
    if not os.path.isdir(source) and os.path.exists(source):
        return Path(source).suffix.lower() in CLIP_SUFFIXES
    kinds = _endings(source)
    if kinds & set(SUFFIXES):
        return False
    if kinds & set(CLIP_SUFFIXES):
        return True
    return False if kinds & set(ARRAY_SUFFIXES) else None


def _endings(source: Source) -> set[str]:
    """The endings of the files in a folder or of a pattern."""
    if os.path.isdir(source):
        return {path.suffix.lower() for path in _below(source)}
    return {Path(name).suffix.lower() for name in glob.glob(str(source), recursive=True)}


def image_suffixes(source: Source) -> tuple[str, ...]:
    """The endings to take from a folder or a pattern: arrays only if there is no picture."""
    return SUFFIXES if _endings(source) & set(SUFFIXES) else (*SUFFIXES, *ARRAY_SUFFIXES)


def lister_of(source: Source) -> Lister:
    """The function that lists a source of its kind.

    Raises:
        MissingFileError: there is no such file or folder.
    """
    if os.path.isdir(source):
        return folder_files
    if os.path.exists(source):  # False also for what no system takes as a name
        return single_file
    if _MAGIC.search(str(source)):
        return pattern_files
    raise MissingFileError(f"{source}: there is no such file or folder")


def folder_files(folder: Source, suffixes: Sequence[str]) -> dict[str, Path]:
    """The files with these endings in a folder and below, by their path without the ending.

    Raises:
        ValueError: there is none, or two have the same name.
    """
    files: dict[str, Path] = {}
    for path in _below(folder):
        if path.suffix.lower() in suffixes:
            _add(files, path.relative_to(folder).with_suffix("").as_posix(), path)
    if not files:
        raise ValueError(
            f"{folder} holds no images ({' '.join(SUFFIXES)}) and no clips "
            f"({' '.join(CLIP_SUFFIXES)})"
        )
    return files


def left_out(folder: Source, suffixes: Sequence[str]) -> str:
    """The files of a folder that do not have these endings, in words; empty if there are none."""
    others = Counter(
        path.suffix.lower() or "no ending"
        for path in _below(folder)
        if path.suffix.lower() not in suffixes
    )
    return (
        f"{folder}: left out {others.total()} of other kinds ({', '.join(sorted(others))})"
        if others
        else ""
    )


def _below(folder: Source) -> Iterator[Path]:
    """All files below a folder in order, without hidden ones. Links to folders are followed unless
    they lead back to a folder above.

    Raises:
        OSError: a folder cannot be listed; ``os.walk`` alone would skip it silently.
    """
    # Folder -> real paths of itself and of the folders above.
    above = {str(folder): {os.path.realpath(folder)}}
    for at, below, names in os.walk(folder, onerror=_raise, followlinks=True):
        through = above.pop(at)
        real = {
            name: os.path.realpath(os.path.join(at, name))
            for name in below
            if not name.startswith(".")
        }
        below[:] = sorted(name for name in real if real[name] not in through)
        above |= {os.path.join(at, name): through | {real[name]} for name in below}
        yield from (Path(at, name) for name in sorted(names) if not name.startswith("."))


def _raise(error: OSError) -> None:
    raise error


def _demand_listing(pattern: str) -> None:
    """Check that every folder of a pattern can be listed; ``glob`` would skip it silently.

    Raises:
        OSError: a folder cannot be listed; the error names it.
    """
    parts = Path(pattern).parts
    for at, part in enumerate(parts):
        if not _MAGIC.search(part):
            continue
        above = str(Path(*parts[:at]))
        for folder in glob.glob(above, recursive=True) if _MAGIC.search(above) else [above]:
            if part == "**":
                for _ in os.walk(folder, onerror=_raise):
                    pass
            elif os.path.isdir(folder):
                os.listdir(folder)


def pattern_files(pattern: Source, suffixes: Sequence[str]) -> dict[str, Path]:
    """The files that match, by the text that the wildcards stand for.

    Raises:
        ValueError: there is none, or two have the same name.
    """
    pattern = str(pattern)
    at, expression = 0, ""
    for wildcard in _WILDCARD.finditer(pattern):
        text = wildcard.group()
        group = {"**/": r"(?:(.*)/)?", "**": "(.*)", "*": "([^/]*)", "?": "([^/])"}.get(
            text, f"({text.replace('[!', '[^')})"
        )
        if text == "*" and pattern.endswith(".*") and wildcard.end() == len(pattern):
            group = "[^/]*"  # the ending is no part of the name
        expression += re.escape(pattern[at : wildcard.start()]) + group
        at = wildcard.end()
    expression += re.escape(pattern[at:])
    _demand_listing(pattern)
    files: dict[str, Path] = {}
    for name in sorted(glob.glob(pattern, recursive=True)):
        found = re.fullmatch(expression, name, re.DOTALL)
        if found and Path(name).is_file():
            key = "/".join(group for group in found.groups() if group)
            _add(
                files,
                key.removesuffix(Path(key).suffix) if Path(key).suffix.lower() in suffixes else key,
                Path(name),
            )
    if not files:
        raise ValueError(f"{pattern}: no file matches this pattern")
    return files


def single_file(file: Source, suffixes: Sequence[str]) -> dict[str, Path]:
    """The file itself, whatever its ending."""
    del suffixes
    return {Path(file).stem: Path(file)}


KINDS: dict[Lister, str] = {
    folder_files: "a folder",
    pattern_files: "a pattern",
    single_file: "a file",
}


def _add(files: dict[str, Path], key: str, path: Path) -> None:
    key = unicodedata.normalize("NFC", key)  # some systems store an accent as a separate letter
    if key in files:
        raise ValueError(
            f"{files[key]} and {path} have the same name; remove one of them, or name the pairs in "
            "a .csv file"
        )
    files[key] = path
