"""Which file is compared with which, of one method or several: folders by name, single files, glob
patterns, or a table.
"""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ssimloss.evaluation.clips.formats import SUFFIXES as CLIP_SUFFIXES
from ssimloss.evaluation.columns import NAME, REFERENCE
from ssimloss.evaluation.csv_files import read_csv
from ssimloss.evaluation.listing import (
    KINDS,
    Source,
    called,
    folder_files,
    image_suffixes,
    is_of_clips,
    left_out,
    lister_of,
    single_file,
)

Sources = Source | Sequence[Source] | Mapping[str, Source]

_LISTED = 6  # files without a partner, in an error


@dataclass(frozen=True)
class Pair:
    """A reference and the file of each method; a method without a file is not in the mapping."""

    name: str
    reference: Path
    distorted: dict[str, Path]


@dataclass(frozen=True)
class Pairing:
    """All pairs, ordered by name, and the files that are not compared, in words."""

    pairs: list[Pair]
    methods: list[str]
    unmatched: list[str]
    clips: bool = False  # whether the files are clips, not still images
    missing: int = 0  # pairs of a reference and a method that lack the method's file

    @property
    def files(self) -> list[Path]:
        """Every file once, in order."""
        files = (path for pair in self.pairs for path in (pair.reference, *pair.distorted.values()))
        return list(dict.fromkeys(files))


def find_pairs(reference: Source, distorted: Sources | None = None, *, suffix: str = "") -> Pairing:
    """Match the files of methods with their references.

    Args:
        reference: a folder, a file, a glob pattern (``"gt/*/clean.png"``), or a ``.csv`` file with
            a column ``reference`` and one column for each method. Paths in it are relative to that
            file; an optional column ``name`` names the pairs. In a folder that holds images and
            clips, the clips are left out.
        distorted: of the same kind as ``reference``; None for a table. A list or
            ``{method: path}`` compares several methods. Folders are read with their subfolders,
            through links; files match by their path without its ending: ``set5/baby.png`` and
            ``set5/baby.jpg``. Glob patterns match by the text that their wildcards stand for.
            ``~`` is the home folder, also in a table.
        suffix: the end that names of distorted files have and those of references lack: ``"x4"``
            matches ``0801.png`` with ``0801x4.png``.

    Raises:
        MissingFileError: a path does not exist.
        ValueError: a path holds no images, or is compared with itself; two files of
            one folder have the same name; nothing matches; a table lacks its columns.
        OSError: a folder that cannot be listed.
    """
    reference = os.path.expanduser(reference)
    is_table = str(reference).lower().endswith(".csv")
    if suffix and (is_table or os.path.isfile(reference)):
        raise ValueError(
            f"suffix={suffix!r} is for files that are matched by name, and {reference} names its "
            "files; leave it out"
        )
    if is_table:
        if distorted is not None:
            raise ValueError(
                f"distorted must be left out, because {reference} is a table that names the "
                "distorted files"
            )
        return _demanded(_from_table(Path(reference)), suffix)
    if distorted is None:
        raise ValueError(
            f"distorted is missing: name what is compared with {reference}, or a .csv file of pairs"
        )
    sources = _named(distorted)
    files = lister_of(reference)
    clips = bool(is_of_clips(reference))
    for method, source in sources.items():
        if lister_of(source) is not files:
            raise ValueError(
                f"{method}: {source} must be {KINDS[files]} like {reference}, got "
                f"{KINDS[lister_of(source)]}"
            )
        if is_of_clips(source) is (not clips):
            kinds = "images", "clips"
            raise ValueError(
                f"{method}: {source} must hold {kinds[clips]} like {reference}, got "
                f"{kinds[not clips]}"
            )
    taken = {
        source: CLIP_SUFFIXES if clips else image_suffixes(source)
        for source in (reference, *sources.values())
    }
    if files is single_file:
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
    if files is folder_files:
        folders = (reference, *sources.values())
        told = (left_out(folder, taken[folder]) for folder in folders)
        pairing.unmatched.extend(words for words in told if words)
    return replace(_demanded(pairing, suffix), clips=clips)


def _named(distorted: Sources) -> dict[str, str]:
    """Methods by name: the given one, or the shortest end of the path that is unique."""
    if isinstance(distorted, Mapping):
        named = {str(method): os.path.expanduser(source) for method, source in distorted.items()}
    else:
        several = [distorted] if isinstance(distorted, (str, Path)) else distorted
        sources = [os.path.expanduser(source) for source in several]
        parts = [called(source).parts for source in sources]
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
            raise ValueError(f"{source} would be compared with itself; name two different folders")
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
    records = read_csv(path, errors="surrogateescape")
    columns = [column.strip() for column in records[0][1]] if records else []
    methods = [column for column in columns if column not in (REFERENCE, NAME)]
    if REFERENCE not in columns or not methods or len(set(methods)) < len(methods):
        raise ValueError(
            f"{path}: the first line must name a column {REFERENCE} and a column for each method, "
            f"such as {REFERENCE},ours,theirs, got {','.join(columns) or 'nothing'}"
        )
    for number, cells in records[1:]:
        row = dict(zip(columns, cells, strict=False))
        if len(cells) > len(columns) or not row.get(REFERENCE):
            raise ValueError(
                f"{path}, line {number}: "
                f"{'more cells than columns' if len(cells) > len(columns) else 'no reference'}"
            )
        distorted = {
            method: path.parent / os.path.expanduser(row[method])
            for method in methods
            if row.get(method)
        }
        unmatched += [
            f"{row[REFERENCE]} (line {number}) has no file of {m}"
            for m in methods
            if m not in distorted
        ]
        if distorted:
            name = row.get(NAME) or Path(row[REFERENCE]).with_suffix("").as_posix()
            image = path.parent / os.path.expanduser(row[REFERENCE])
            pairs.append(Pair(_printable(name), image, distorted))
    if not pairs:
        raise ValueError(
            f"{path} names no pair: "
            f"{'; '.join(unmatched[:_LISTED]) or 'there is no row below its first line'}"
        )
    kinds = {
        path.suffix.lower() in CLIP_SUFFIXES
        for pair in pairs
        for path in (pair.reference, *pair.distorted.values())
    }
    if len(kinds) > 1:
        raise ValueError(
            f"{path} must name images or clips ({' '.join(CLIP_SUFFIXES)}), got both; make a table "
            "for each"
        )
    return Pairing(pairs, methods, unmatched, kinds == {True}, missing=len(unmatched))


def _told_apart(pairs: list[Pair]) -> list[Pair]:
    """Pairs with unique names: the second pair of a name becomes ``name (2)``, or the next number
    that is free.
    """
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
    """The pairing with unique names.

    Raises:
        ValueError: there is no pair, or one of a file with itself.
    """
    if not pairing.pairs:
        more = "; ..." if len(pairing.unmatched) > _LISTED else ""
        listed = "; ".join(pairing.unmatched[:_LISTED]) + more
        way_out = (
            f"check suffix={suffix!r}, on the command line --suffix {suffix}"
            if suffix
            else "suffix='x4', on the command line --suffix x4, matches 0801.png with 0801x4.png; "
            "a .csv file matches any names"
        )
        raise ValueError(f"no two files match by name: {listed}; {way_out}")
    for pair in pairing.pairs:
        paths = {"the reference": pair.reference, **pair.distorted}
        real: dict[str, str] = {}
        for method, path in paths.items():
            other = real.setdefault(os.path.realpath(path), method)
            if other != method:
                raise ValueError(f"{path} is both {other} and {method}; name two different files")
    return replace(pairing, pairs=_told_apart(pairing.pairs))


def _printable(name: str) -> str:
    """The name with question marks for bytes that are no text; the path keeps the bytes."""
    return name.encode("utf-8", "replace").decode()
