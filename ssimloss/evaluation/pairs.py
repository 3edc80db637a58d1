"""Which file is compared with which: folders by name, single files, glob patterns, or a table; one
method or several.
"""

import csv
import glob
import itertools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ssimloss.evaluation.clips.files import SUFFIXES as CLIP_SUFFIXES
from ssimloss.evaluation.images import ARRAY_SUFFIXES, SUFFIXES

Source = str | Path
Sources = Source | Sequence[Source] | Mapping[str, Source]
_Lister = Callable[[Source, Sequence[str]], dict[str, Path]]

_ALL_SUFFIXES = (*SUFFIXES, *ARRAY_SUFFIXES, *CLIP_SUFFIXES)
_MAGIC = re.compile(r"[*?[]")
_WILDCARD = re.compile(r"\*\*/|\*\*?|\?|\[!?\]?[^\]]*\]")


@dataclass(frozen=True)
class Pair:
    """A reference and what each method made of it; a method without a file for it is missing."""

    name: str
    reference: Path
    distorted: dict[str, Path]


@dataclass(frozen=True)
class Pairing:
    """All pairs in order of their names, and what found no partner or was left out, in words."""

    pairs: list[Pair]
    methods: list[str]
    unmatched: list[str]
    clips: bool = False  # whether the files are clips, not still images
    missing: int = 0  # files that a method has not, of the references that there are


def find_pairs(reference: Source, distorted: Sources | None = None, *, suffix: str = "") -> Pairing:
    """Find out what to compare.

    Args:
        reference: a folder, a file, a glob pattern (``"gt/*/clean.png"``), or a ``.csv`` file with
            the columns ``reference`` and one for each method, paths relative to that file; a column
            ``name`` is taken for the names. A folder of images and clips is one of images.
        distorted: of the same kind as ``reference``, and nothing for a table. A list or
            ``{method: path}`` compares several methods. In folders and their subfolders, links
            among them, files match by their path without its ending: ``set5/baby.png`` and
            ``set5/baby.jpg``. Glob patterns match by what their wildcards stand for. ``~`` is the
            home folder, here and in a table.
        suffix: what the distorted files have behind the name of the reference: ``"x4"`` matches
            ``0801.png`` and ``0801x4.png``.

    Raises:
        ValueError: a path that does not exist, holds no images, or is compared with itself; two
            files of one name in one folder; nothing that matches; a table without its columns.
        OSError: a folder that cannot be listed.
    """
    reference = os.path.expanduser(reference)
    is_table = str(reference).lower().endswith(".csv")
    if suffix and (is_table or os.path.isfile(reference)):
        raise ValueError(
            f"suffix={suffix!r} is for files that are matched by name; {reference} says itself "
            "what is compared"
        )
    if is_table:
        if distorted is not None:
            raise ValueError(
                f"{reference} is a table of pairs and names the distorted images itself; leave "
                "distorted away"
            )
        return _demanded(_from_table(Path(reference)), suffix)
    if distorted is None:
        raise ValueError(
            f"distorted is missing: {reference} is compared with what? Only a .csv file names both"
        )
    sources = _named(distorted)
    files = _lister(reference)
    clips = bool(_of_clips(reference))
    for method, source in sources.items():
        if _lister(source) is not files:
            raise ValueError(
                f"{method}: {source} is {_KINDS[_lister(source)]}, but {reference} is "
                f"{_KINDS[files]}; compare like with like"
            )
        if _of_clips(source) is (not clips):
            kinds = "images", "clips"
            raise ValueError(
                f"{method}: {source} is of {kinds[not clips]}, but {reference} of {kinds[clips]}; "
                "compare like with like"
            )
    taken = {
        source: CLIP_SUFFIXES if clips else _image_suffixes(source)
        for source in (reference, *sources.values())
    }
    if files is _single:
        single = _single_files(
            Path(reference), {method: Path(source) for method, source in sources.items()}
        )
        return replace(_demanded(single, suffix), clips=clips)
    pairing = _matched(
        reference,
        files(reference, taken[reference]),
        {m: (s, files(s, taken[s])) for m, s in sources.items()},
        suffix,
    )
    if files is _folder:
        pairing.unmatched.extend(
            words
            for folder in (reference, *sources.values())
            if (words := _left_out(folder, taken[folder]))
        )
    return replace(_demanded(pairing, suffix), clips=clips)


def _named(distorted: Sources) -> dict[str, str]:
    """Methods by name: the given one, or the shortest end of the path that tells them apart."""
    if isinstance(distorted, Mapping):
        named = {str(method): os.path.expanduser(source) for method, source in distorted.items()}
    else:
        several = [distorted] if isinstance(distorted, (str, Path)) else distorted
        sources = [os.path.expanduser(source) for source in several]
        parts = [_told(source).parts for source in sources]
        longest = max(map(len, parts), default=0)
        names = next(
            (
                names
                for n in range(1, longest + 1)
                if len(names := {"/".join(p[-n:]): None for p in parts}) == len(parts)
            ),
            None,
        )
        if names is None and sources:
            raise ValueError(f"distorted names the same path twice: {', '.join(map(str, sources))}")
        named = dict(zip(names or {}, sources, strict=True))
    if not named:
        raise ValueError("distorted must name at least one folder, file or pattern, got none")
    return named


def _told(source: Source) -> Path:
    """What a method is called by: for a pattern the folder it starts from, unless the wildcards
    come at once.
    """
    path = Path(os.path.abspath(source))
    if _MAGIC.search(str(source)) and not path.exists():
        fixed = [part for part in path.parts[:-1] if not _MAGIC.search(part)]
        return Path(*fixed)
    return path.with_suffix("") if path.suffix.lower() in _ALL_SUFFIXES else path


def _of_clips(source: Source) -> bool | None:
    """Whether a source is of clips; a folder of images and clips is one of images, and one of
    neither is ``None``.
    """
    if not os.path.isdir(source) and os.path.exists(source):
        return Path(source).suffix.lower() in CLIP_SUFFIXES
    kinds = _endings(source)
    if kinds & set(SUFFIXES):
        return False
    if kinds & set(CLIP_SUFFIXES):
        return True
    return False if kinds & set(ARRAY_SUFFIXES) else None


def _endings(source: Source) -> set[str]:
    """Those of the files in a folder or behind a pattern."""
    if os.path.isdir(source):
        return {path.suffix.lower() for path in _below(source)}
    return {Path(name).suffix.lower() for name in glob.glob(str(source), recursive=True)}


def _image_suffixes(source: Source) -> tuple[str, ...]:
    """Of the files taken from a folder or a pattern: arrays only where there is no picture."""
    return SUFFIXES if _endings(source) & set(SUFFIXES) else (*SUFFIXES, *ARRAY_SUFFIXES)


def _lister(source: Source) -> _Lister:
    if os.path.isdir(source):
        return _folder
    if os.path.exists(source):  # False also for what no system takes as a name
        return _single
    if _MAGIC.search(str(source)):
        return _pattern
    raise ValueError(f"{source}: there is no such file or folder")


def _folder(folder: Source, suffixes: Sequence[str]) -> dict[str, Path]:
    """Every file of these endings in it and below, by its path without its ending."""
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


def _left_out(folder: Source, suffixes: Sequence[str]) -> str:
    """What a folder holds besides files of these endings, in words."""
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
    """All files in order, without hidden ones, also behind links to folders, unless one leads back
    to where it stands.

    Raises:
        OSError: a folder that cannot be listed, which ``os.walk`` alone would leave out silently.
    """
    # Folder -> it and those it was reached through.
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
    """Raise for a folder that ``glob`` has to list for a pattern and cannot: it would leave out
    silently what is inside.

    Raises:
        OSError: with the folder's name.
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


def _pattern(pattern: Source, suffixes: Sequence[str]) -> dict[str, Path]:
    """Every file that matches, by what the wildcards stand for."""
    pattern = str(pattern)
    at, expression = 0, ""
    for wildcard in _WILDCARD.finditer(pattern):
        text = wildcard.group()
        group = {"**/": r"(?:(.*)/)?", "**": "(.*)", "*": "([^/]*)", "?": "([^/])"}.get(
            text, f"({text.replace('[!', '[^')})"
        )
        if text == "*" and pattern.endswith(".*") and wildcard.end() == len(pattern):
            group = "[^/]*"  # the ending tells no images apart
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


def _single(file: Source, suffixes: Sequence[str]) -> dict[str, Path]:
    del suffixes  # a file that is named is taken, whatever it is called
    return {Path(file).stem: Path(file)}


_KINDS: dict[_Lister, str] = {_folder: "a folder", _pattern: "a pattern", _single: "a file"}


def _add(files: dict[str, Path], key: str, path: Path) -> None:
    key = unicodedata.normalize("NFC", key)  # some systems store an accent as a letter of its own
    if key in files:
        raise ValueError(
            f"{files[key]} and {path} have the same name; which of them is meant? Remove one, or "
            "name the pairs in a .csv file"
        )
    files[key] = path


def _single_files(reference: Path, distorted: dict[str, Path]) -> Pairing:
    return Pairing([Pair(_printable(reference.stem), reference, distorted)], list(distorted), [])


def _matched(
    reference: Source,
    files: dict[str, Path],
    methods: dict[str, tuple[Source, dict[str, Path]]],
    suffix: str,
) -> Pairing:
    unmatched = []
    found: dict[str, dict[str, Path]] = {key: {} for key in files}
    for method, (source, theirs) in methods.items():
        if os.path.realpath(source) == os.path.realpath(reference):
            raise ValueError(f"{source} is compared with itself; name two different folders")
        for name, path in theirs.items():
            key = name.removesuffix(suffix)
            if name.endswith(suffix) and key in found:
                found[key][method] = path
            else:
                unmatched.append(f"{path} has no reference")
    pairs = [Pair(_printable(key), files[key], found[key]) for key in sorted(files) if found[key]]
    lacking = [
        f"{files[key]} has no file of {method}"
        for key in sorted(files)
        for method in methods
        if method not in found[key]
    ]
    return Pairing(pairs, list(methods), lacking + unmatched, missing=len(lacking))


def _from_table(path: Path) -> Pairing:
    pairs, unmatched = [], []
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = csv.DictReader(file, strict=True, skipinitialspace=True)
            rows.fieldnames = [column.strip() for column in rows.fieldnames or ()]
            methods = [column for column in rows.fieldnames if column not in ("reference", "name")]
            if (
                "reference" not in rows.fieldnames
                or not methods
                or len(set(methods)) < len(methods)
            ):
                raise ValueError(
                    f"{path}: the first line must name the columns, reference and one of its own "
                    "name for each method (reference,distorted), got "
                    f"{','.join(rows.fieldnames) or 'nothing'}"
                )
            for row in rows:
                if None in row or not row["reference"]:
                    raise ValueError(
                        f"{path}, line {rows.line_num}: "
                        f"{'more cells than columns' if None in row else 'no reference'}"
                    )
                distorted = {
                    method: path.parent / os.path.expanduser(row[method])
                    for method in methods
                    if row[method]
                }
                unmatched += [
                    f"{row['reference']} (line {rows.line_num}) has no file of {m}"
                    for m in methods
                    if m not in distorted
                ]
                if distorted:
                    name = row.get("name") or Path(row["reference"]).with_suffix("").as_posix()
                    image = path.parent / os.path.expanduser(row["reference"])
                    pairs.append(Pair(_printable(name), image, distorted))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file or folder") from error
    except (OSError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
    if not pairs:
        raise ValueError(
            f"{path} names no pair: "
            f"{'; '.join(unmatched[:6]) or 'there is no row below its first line'}"
        )
    kinds = {
        path.suffix.lower() in CLIP_SUFFIXES
        for pair in pairs
        for path in (pair.reference, *pair.distorted.values())
    }
    if len(kinds) > 1:
        raise ValueError(
            f"{path} names images and clips ({' '.join(CLIP_SUFFIXES)}); make a table for each"
        )
    return Pairing(pairs, methods, unmatched, kinds == {True}, missing=len(unmatched))


def _told_apart(pairs: list[Pair]) -> list[Pair]:
    """Of pairs with one name the second is called ``name (2)``, unless another is."""
    taken = {pair.name for pair in pairs}
    numbers: dict[str, Iterator[int]] = {}
    several = []
    for pair in pairs:
        name = pair.name
        if name in numbers:
            name = next(
                other for n in numbers[pair.name] if (other := f"{pair.name} ({n})") not in taken
            )
            taken.add(name)
        numbers.setdefault(pair.name, itertools.count(2))
        several.append(Pair(name, pair.reference, pair.distorted))
    return several


def _demanded(pairing: Pairing, suffix: str) -> Pairing:
    """At least one pair, none of a file with itself, each with a name of its own."""
    if not pairing.pairs:
        listed = "; ".join(pairing.unmatched[:6]) + ("; ..." if len(pairing.unmatched) > 6 else "")
        way_out = (
            f"is suffix={suffix!r} right?"
            if suffix
            else "suffix='x4' matches 0801.png with 0801x4.png, a .csv file any names"
        )
        raise ValueError(f"no two files match by name: {listed}; {way_out}")
    for pair in pairing.pairs:
        paths = {"the reference": pair.reference, **pair.distorted}
        real: dict[str, str] = {}
        for method, path in paths.items():
            other = real.setdefault(os.path.realpath(path), method)
            if other != method:
                raise ValueError(
                    f"{path} stands for both {other} and {method}; an image compared with itself "
                    "tells nothing"
                )
    return replace(pairing, pairs=_told_apart(pairing.pairs))


def _printable(name: str) -> str:
    """A name of bytes that are no text gets question marks in their place; the path keeps them."""
    return name.encode("utf-8", "replace").decode()
