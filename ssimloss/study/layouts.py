"""Published sets of judgements, recognised by the names and the form of their own index files.

TID2013 (Ponomarenko et al. 2015; TID2008 has the same form), KADID-10k (Lin, Hosu & Saupe 2019),
LIVE release 2 (Sheikh et al. 2006), CSIQ (Larson & Chandler 2010), PIPAL (Gu et al. 2020), and both
halves of BAPPS (Zhang et al. 2018). Nothing is downloaded: a folder is read as it was unpacked.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from ssimloss.study.judgements import (
    Judgement,
    JudgementError,
    Judgements,
    MissingJudgementsError,
    checked,
    read_csv,
    read_table,
)

# LIVE's folders in the order of its vector of scores, each with its number of images.
_LIVE: Final = (("jp2k", 227), ("jpeg", 233), ("wn", 174), ("gblur", 174), ("fastfading", 174))
# CSIQ's names of distortions: in its sheet, of the folder, and in names of files.
_CSIQ: Final = {
    "noise": ("awgn", "AWGN"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
    "fnoise": ("fnoise", "fnoise"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
}
_TID_LINE: Final = re.compile(r"(\S+)\s+(i(\d+)_(\d+)_(\d+)\.bmp)", re.IGNORECASE)
_PIPAL_LINE: Final = re.compile(r"((A\d+)_(\d+)_(\d+)\.bmp)\s*,\s*(\S+)", re.IGNORECASE)
_KADID_COLUMNS: Final = ("dist_img", "ref_img", "dmos")
_CSIQ_COLUMNS: Final = ("image", "dst_type", "dst_lev", "dmos")


@dataclass(frozen=True)
class _Layout:
    """A published set: its name, its index for messages, and how to recognise and read it."""

    name: str
    index: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Iterator[Judgements]]


def read_judgements(path: str | Path, *, images: str | Path | None = None) -> list[Judgements]:
    """Read a CSV file of judgements, or the folder of a published set.

    Args:
        path: a file for :func:`~ssimloss.study.judgements.read_table`, or a folder.
        images: for a CSV file, the folder that its paths are relative to.

    Returns:
        One item; several for BAPPS, one for each kind of distortion.

    Raises:
        MissingJudgementsError: ``path`` does not exist.
        JudgementError: the folder has no known layout, or its index is damaged; see also
            :func:`~ssimloss.study.judgements.read_table`.
        ModuleNotFoundError: a package that reads the index is not installed.
    """
    place = Path(path).expanduser()
    if not place.exists():
        raise MissingJudgementsError(
            f"judgements must be a CSV file or a folder, {place} does not exist"
        )
    if place.is_file():
        return [read_table(place, images=images)]
    if images is not None:
        raise JudgementError(
            f"images is for CSV files; {place} is a folder, whose layout determines its images"
        )
    for layout in _LAYOUTS:
        if layout.recognises(place):
            return [checked(found) for found in layout.read(place)]
    known = "; ".join(f"{layout.name} ({layout.index})" for layout in _LAYOUTS)
    raise JudgementError(
        f"{place} has the index of no known data set. Known are {known}. For other sets, write a "
        "CSV file with the columns reference, distorted and mos or dmos"
    )


# --- opinions -------------------------------------------------------------------------------------


def _is_tid(folder: Path) -> bool:
    return _first_line_fits(folder / "mos_with_names.txt", _TID_LINE)


def _tid(folder: Path) -> Iterator[Judgements]:
    """Lines ``5.51429 I01_01_1.bmp``: scene, distortion and strength."""
    index = folder / "mos_with_names.txt"
    # The index and the folders differ in the case of names.
    distorted, references = (
        _by_lower_name(folder / name) for name in ("distorted_images", "reference_images")
    )
    rows = []
    for number, line in _lines(index):
        match = _TID_LINE.fullmatch(line)
        if match is None:
            raise JudgementError(f"{index}, line {number}: expected 'MOS NAME', got {line!r}")
        score, name, scene, distortion, strength = match.groups()
        original = f"i{scene}.bmp"
        images = (
            references.get(original, folder / "reference_images" / original),
            distorted.get(name.lower(), folder / "distorted_images" / name),
        )
        opinion = _number(score, f"{index}, line {number}")
        rows.append(Judgement(images, opinion, f"line {number}", distortion, strength))
    # TID2008 has four strengths, TID2013 five.
    year = "TID2013" if any(row.strength == "5" for row in rows) else "TID2008"
    yield Judgements(year, "opinions", tuple(rows), "higher", index)


def _is_kadid10k(folder: Path) -> bool:
    index = folder / "dmos.csv"
    return index.is_file() and set(_KADID_COLUMNS) <= set(read_csv(index)[0])


def _kadid10k(folder: Path) -> Iterator[Judgements]:
    """Columns ``dist_img, ref_img, dmos, var``. Despite the name ``dmos``, higher is better: 1 is
    bad, 5 is excellent.
    """
    index = folder / "dmos.csv"
    header, records = read_csv(index)
    columns = [header.index(name) for name in _KADID_COLUMNS]
    rows = []
    for number, values in records:
        if len(values) != len(header):
            raise JudgementError(
                f"{index}, line {number}: expected {len(header)} cells, got {len(values)}"
            )
        distorted, reference, score = (values[column] for column in columns)
        match = re.fullmatch(r"I\d+_(\d+)_(\d+)\.png", distorted, re.IGNORECASE)
        distortion, strength = match.groups() if match else ("", "")
        images = (folder / "images" / reference, folder / "images" / distorted)
        opinion = _number(score, f"{index}, line {number}")
        rows.append(Judgement(images, opinion, f"line {number}", distortion, strength))
    yield Judgements("KADID-10k", "opinions", tuple(rows), "higher", index)


def _is_live(folder: Path) -> bool:
    scores = ("dmos_realigned.mat", "dmos.mat")
    return (folder / "refnames_all.mat").is_file() and any(
        (folder / name).is_file() for name in scores
    )


def _live(folder: Path) -> Iterator[Judgements]:
    """``dmos_new`` and ``orgs`` of ``dmos_realigned.mat``, or ``dmos`` and ``orgs`` of
    ``dmos.mat``; ``refnames_all`` of ``refnames_all.mat``: 982 entries in the order of the folders.
    Entries with ``orgs`` are references and left out.
    """
    realigned = folder / "dmos_realigned.mat"
    index = realigned if realigned.is_file() else folder / "dmos.mat"
    scores = _vector(index, "dmos_new" if index == realigned else "dmos")
    originals = _vector(index, "orgs")
    names = folder / "refnames_all.mat"
    references = [str(np.ravel(cell)[0]) for cell in _vector(names, "refnames_all")]
    total = sum(count for _, count in _LIVE)
    if not len(scores) == len(originals) == len(references) == total:
        raise JudgementError(
            f"{index} and {names.name} must have {total} scores, marks and names, got "
            f"{len(scores)}, {len(originals)} and {len(references)}"
        )
    places = [
        (distortion, f"img{number}.bmp")
        for distortion, count in _LIVE
        for number in range(1, count + 1)
    ]
    rows = []
    for entry, (distortion, image) in enumerate(places):
        if originals[entry]:
            continue
        images = (folder / "refimgs" / references[entry], folder / distortion / image)
        opinion = _number(scores[entry], f"{index}, entry {entry + 1}")
        rows.append(Judgement(images, opinion, f"entry {entry + 1}", distortion))
    yield Judgements("LIVE", "opinions", tuple(rows), "lower", index)


def _csiq(folder: Path) -> Iterator[Judgements]:
    """The sheet ``all_by_image``, whose heading stands below some titles: ``image, dst_idx,
    dst_type, dst_lev, dmos_std, dmos``.
    """
    index = folder / "csiq.DMOS.xlsx"
    sheet = enumerate(_sheet(index, "all_by_image"), 1)
    columns: list[int] = []
    for _, cells in sheet:
        header = [_text(cell) for cell in cells]
        if set(_CSIQ_COLUMNS) <= set(header):
            columns = [header.index(name) for name in _CSIQ_COLUMNS]
            break
    if not columns:
        raise JudgementError(
            f"{index}: the sheet all_by_image has no row with the headings "
            f"{', '.join(_CSIQ_COLUMNS)}"
        )
    distorted = _by_lower_name(folder / "dst_imgs", *sorted((folder / "dst_imgs").glob("*/")))
    rows = []
    for number, cells in sheet:
        # A name that is a number may come as 1600.0.
        image, kind, strength, score = (
            _text(cells[column] if column < len(cells) else None).removesuffix(".0")
            for column in columns
        )
        if not image:
            continue
        if kind not in _CSIQ:
            raise JudgementError(
                f"{index}, row {number}: dst_type must be one of {', '.join(_CSIQ)}, got {kind!r}"
            )
        place, spelled = _CSIQ[kind]
        name = f"{image}.{spelled}.{strength}.png"
        images = (
            folder / "src_imgs" / f"{image}.png",
            distorted.get(name.lower(), folder / "dst_imgs" / place / name),
        )
        opinion = _number(score, f"{index}, row {number}")
        rows.append(Judgement(images, opinion, f"row {number}", kind, strength))
    yield Judgements("CSIQ", "opinions", tuple(rows), "lower", index)


def _is_pipal(folder: Path) -> bool:
    labels = sorted((folder / "Train_Label").glob("*.txt"))
    return bool(labels) and _first_line_fits(labels[0], _PIPAL_LINE)


def _pipal(folder: Path) -> Iterator[Judgements]:
    """Files ``Train_Label/A0001.txt`` with lines ``A0001_03_02.bmp,1410.1``: reference, distortion
    and strength. The scores are Elo ratings, higher is better.
    """
    # The four archives Distortion_1 to Distortion_4 unpack into a folder within a folder or not.
    places = [
        path for path in folder.iterdir() if path.name.lower().startswith(("dist", "train_d"))
    ]
    distorted = {
        path.name.lower(): path for place in sorted(places) for path in place.rglob("*.bmp")
    }
    references = _by_lower_name(folder / "Train_Ref")
    rows = []
    for label in sorted((folder / "Train_Label").glob("*.txt")):
        for number, line in _lines(label):
            match = _PIPAL_LINE.fullmatch(line)
            if match is None:
                raise JudgementError(f"{label}, line {number}: expected 'NAME,SCORE', got {line!r}")
            name, scene, distortion, strength, score = match.groups()
            original = f"{scene}.bmp"
            images = (
                references.get(original.lower(), folder / "Train_Ref" / original),
                distorted.get(name.lower(), folder / name),
            )
            where = f"{label.name}, line {number}"
            opinion = _number(score, f"{label}, line {number}")
            rows.append(Judgement(images, opinion, where, distortion, strength))
    yield Judgements("PIPAL", "opinions", tuple(rows), "higher", folder / "Train_Label")


# --- BAPPS ----------------------------------------------------------------------------------------


def _is_bapps(folder: Path) -> bool:
    return bool(_answers(folder, "judge") or _answers(folder, "same"))


def _bapps(folder: Path) -> Iterator[Judgements]:
    """For each kind of distortion the folders ``ref, p0, p1, judge``, where ``judge/000000.npy`` is
    the share of people who preferred ``p1``; or ``p0, p1, same``, where it is the share of people
    who saw no difference.
    """
    for judge in _answers(folder, "judge"):
        yield _bapps_part(folder, judge, "choices", ("ref", "p0", "p1"))
    for same in _answers(folder, "same"):
        yield _bapps_part(folder, same, "sameness", ("p0", "p1"))


def _answers(folder: Path, name: str) -> list[Path]:
    """Folders of this name beside one of images, here or up to three folders below."""
    depths = ("", "*/", "*/*/", "*/*/*/")
    found = [path for depth in depths for path in folder.glob(f"{depth}{name}")]
    return sorted(
        path for path in found if (path.parent / "p1").is_dir() and any(path.glob("*.npy"))
    )


def _bapps_part(
    folder: Path, answers: Path, kind: Literal["choices", "sameness"], columns: tuple[str, ...]
) -> Judgements:
    rows = []
    for file in sorted(answers.glob("*.npy")):
        try:
            (share,) = np.ravel(np.load(file, allow_pickle=False)).tolist()
        except (OSError, ValueError) as error:
            raise JudgementError(f"{file} is not an array with one share: {error}") from error
        if not 0 <= share <= 1:
            raise JudgementError(f"{file} must hold a share in [0, 1], got {share!r}")
        images = tuple(answers.parent / column / f"{file.stem}.png" for column in columns)
        rows.append(Judgement(images, float(share), str(file.relative_to(folder))))
    name = answers.parent.relative_to(folder).as_posix()
    title = "BAPPS" if name == "." else f"BAPPS {name}"
    return Judgements(title, kind, tuple(rows), source=answers)


# --- files ----------------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise JudgementError(f"{path} cannot be read: {error}") from error
    return ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())


def _first_line_fits(path: Path, form: re.Pattern[str]) -> bool:
    if not path.is_file():
        return False
    first = next(_lines(path), (0, ""))[1]
    return form.fullmatch(first) is not None


def _number(found: Any, where: str) -> float:
    try:
        value = float(found)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise JudgementError(f"{where}: the score must be a finite number, got {found!r}")
    return value


def _vector(path: Path, name: str) -> np.ndarray[Any, Any]:
    """A variable of a MATLAB file, as a vector."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{path} is a MATLAB file, which scipy reads: pip install 'ssimloss[study]'"
        ) from error
    try:
        return np.ravel(loadmat(path, variable_names=[name])[name])
    except KeyError as error:
        raise JudgementError(f"{path} has no variable {name!r}") from error
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        raise JudgementError(f"{path} cannot be read: {error}") from error


def _sheet(path: Path, name: str) -> list[tuple[Any, ...]]:
    """The rows of a sheet of an Excel file."""
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{path} is an Excel file, which openpyxl reads: pip install 'ssimloss[study]', or "
            "export it as a CSV file with the columns reference, distorted, dmos"
        ) from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, zipfile.BadZipFile, InvalidFileException) as error:
        raise JudgementError(f"{path} cannot be read as an Excel file: {error}") from error
    try:
        if name not in book.sheetnames:
            raise JudgementError(f"{path} has no sheet {name!r}, only {', '.join(book.sheetnames)}")
        return list(book[name].iter_rows(values_only=True))
    finally:
        book.close()


def _text(cell: Any) -> str:
    """A cell of a sheet in lower case; empty cells are None."""
    return "" if cell is None else str(cell).strip().lower()


def _by_lower_name(*folders: Path) -> dict[str, Path]:
    """Files by their name in lower case: the sets were packed on systems that ignore case."""
    return {
        path.name.lower(): path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
    }


_LAYOUTS: Final = (
    _Layout("TID2013", "mos_with_names.txt", _is_tid, _tid),
    _Layout("KADID-10k", "dmos.csv", _is_kadid10k, _kadid10k),
    _Layout("LIVE", "refnames_all.mat", _is_live, _live),
    _Layout("CSIQ", "csiq.DMOS.xlsx", lambda path: (path / "csiq.DMOS.xlsx").is_file(), _csiq),
    _Layout("PIPAL", "Train_Label/A0001.txt", _is_pipal, _pipal),
    _Layout("BAPPS", "judge/000000.npy or same/000000.npy", _is_bapps, _bapps),
)
