"""Data sets of judgements, recognised by the index files they are published with.

TID2013 (Ponomarenko et al. 2015), KADID-10k (Lin, Hosu & Saupe 2019), LIVE release 2 (Sheikh et al.
2006), CSIQ (Larson & Chandler 2010), PIPAL (Gu et al. 2020), and the two halves of BAPPS (Zhang et
al. 2018). Nothing is downloaded; a folder that was unpacked as published is read as it is.
"""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from ssimloss.study.judgements import Judgement, JudgementError, Judgements, checked, read_table

# LIVE's folders in the order of its vector of scores, each with its number of images.
_LIVE: Final = (("jp2k", 227), ("jpeg", 233), ("wn", 174), ("gblur", 174), ("fastfading", 174))
# CSIQ's spelling in its table, and in its names of folders and files.
_CSIQ: Final = {
    "noise": ("awgn", "AWGN"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
    "fnoise": ("fnoise", "fnoise"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
}


def read_judgements(path: str | Path, *, images: str | Path | None = None) -> list[Judgements]:
    """Judgements in a CSV file, or in the folder of a published data set.

    Args:
        path: a table as :func:`~ssimloss.study.judgements.read_table` takes it, or a folder.
        images: of a table, the folder that its paths are relative to.

    Returns:
        One item; several for BAPPS, whose kinds of distortion are separate studies.

    Raises:
        JudgementError: a folder of no known layout, or whose index does not fit; see
            :func:`~ssimloss.study.judgements.read_table`.
    """
    place = Path(path).expanduser()
    if not place.exists():
        raise JudgementError(f"judgements must be a CSV file or a folder, {place} does not exist")
    if place.is_file():
        return [read_table(place, images=images)]
    if images is not None:
        raise JudgementError(
            f"images is for tables; {place} is a folder, whose layout says where its images are"
        )
    for recognise, read in _LAYOUTS.values():
        if recognise(place):
            return [checked(found) for found in read(place)]
    raise JudgementError(
        f"{place} has the index file of no data set that is known here ({', '.join(_LAYOUTS)}); "
        "write a CSV file with the columns reference, distorted and mos or dmos"
    )


# --- opinions -------------------------------------------------------------------------------------


def _tid2013(folder: Path) -> Iterator[Judgements]:
    """Lines ``5.51429 I01_01_1.bmp``; names are of another case in the folders."""
    index = folder / "mos_with_names.txt"
    distorted, references = (
        _by_lower_name(folder / name) for name in ("distorted_images", "reference_images")
    )
    rows = []
    for number, line in enumerate(_lines(index), 1):
        match = re.fullmatch(r"(\S+)\s+(i(\d+)_(\d+)_(\d+)\.bmp)", line.strip(), re.IGNORECASE)
        if match is None:
            raise JudgementError(f"{index}, line {number}: expected 'MOS NAME', got {line!r}")
        score, name, scene, distortion, strength = match.groups()
        original = f"i{scene}.bmp".lower()
        images = (
            references.get(original, folder / "reference_images" / original),
            distorted.get(name.lower(), folder / "distorted_images" / name),
        )
        rows.append(
            Judgement(images, _number(score, index, number), f"line {number}", distortion, strength)
        )
    yield Judgements("TID2013", "opinions", tuple(rows), "higher", index)


def _kadid10k(folder: Path) -> Iterator[Judgements]:
    """Columns ``dist_img, ref_img, dmos, var``; its scores rise with quality, whatever their name:
    1 is bad, 5 excellent.
    """
    index = folder / "dmos.csv"
    rows = []
    for number, cells in enumerate(csv.DictReader(_lines(index)), 2):
        name = cells["dist_img"]
        match = re.fullmatch(r"I\d+_(\d+)_(\d+)\.png", name)
        distortion, strength = match.groups() if match else ("", "")
        images = (folder / "images" / cells["ref_img"], folder / "images" / name)
        score = _number(cells["dmos"], index, number)
        rows.append(Judgement(images, score, f"line {number}", distortion, strength))
    yield Judgements("KADID-10k", "opinions", tuple(rows), "higher", index)


def _live(folder: Path) -> Iterator[Judgements]:
    """``dmos_realigned.mat`` (or ``dmos.mat``) and ``refnames_all.mat``: 982 entries in the order
    of the five folders, of which those that are the reference itself are marked and left out.
    """
    index = next(
        path for path in (folder / "dmos_realigned.mat", folder / "dmos.mat") if path.exists()
    )
    content, names = _matlab(index), _matlab(folder / "refnames_all.mat")
    scores = np.ravel(content["dmos_new" if "dmos_new" in content else "dmos"])
    marks = content if "orgs" in content else _matlab(folder / "dmos.mat")
    originals = np.ravel(marks["orgs"])
    references = [str(np.ravel(cell)[0]) for cell in np.ravel(names["refnames_all"])]
    total = sum(count for _, count in _LIVE)
    if not len(scores) == len(originals) == len(references) == total:
        raise JudgementError(
            f"{index} must have {total} scores, as many marks and names of references, got "
            f"{len(scores)}, {len(originals)}, {len(references)}"
        )
    rows, entry = [], 0
    for distortion, count in _LIVE:
        for place in range(1, count + 1):
            if not originals[entry]:
                images = (
                    folder / "refimgs" / references[entry],
                    folder / distortion / f"img{place}.bmp",
                )
                rows.append(
                    Judgement(images, float(scores[entry]), f"entry {entry + 1}", distortion)
                )
            entry += 1
    yield Judgements("LIVE", "opinions", tuple(rows), "lower", index)


def _csiq(folder: Path) -> Iterator[Judgements]:
    """The sheet ``all_by_image`` of ``csiq.DMOS.xlsx``, from its fourth row and column on: image,
    number of the distortion, its name, strength, deviation, DMOS.
    """
    index = folder / "csiq.DMOS.xlsx"
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{index} is an Excel sheet: pip install openpyxl, or export it as a CSV file with the "
            "columns reference, distorted, dmos"
        ) from error
    book = load_workbook(index, read_only=True, data_only=True)
    sheet = book["all_by_image"]
    rows = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        found = [cell for cell in cells if cell is not None]
        if len(found) < 6 or str(found[2]).strip().lower() not in _CSIQ:
            continue  # titles and notes
        image, _, word, level, _, score = (str(cell).strip().lower() for cell in found[:6])
        # Names that are numbers may come as 1600.0.
        image, strength = (cell.removesuffix(".0") for cell in (image, level))
        place, spelled = _CSIQ[word]
        name = f"{image}.{spelled}.{strength}.png"
        images = (folder / "src_imgs" / f"{image}.png", folder / "dst_imgs" / place / name)
        opinion = _number(score, index, number)
        rows.append(Judgement(images, opinion, f"row {number}", word, strength))
    book.close()
    yield Judgements("CSIQ", "opinions", tuple(rows), "lower", index)


def _pipal(folder: Path) -> Iterator[Judgements]:
    """Files ``Train_Label/A0001.txt`` with lines ``A0001_00_00.bmp,1410.1``; scores are Elo
    ratings, higher is better.
    """
    distorted = _by_lower_name(
        *sorted(folder.glob("Distortion_*")), *sorted(folder.glob("Train_Dist*"))
    )
    rows = []
    for label in sorted((folder / "Train_Label").glob("*.txt")):
        for number, line in enumerate(_lines(label), 1):
            name, _, score = (part.strip() for part in line.partition(","))
            if not name:
                continue
            images = (
                folder / "Train_Ref" / f"{label.stem}.bmp",
                distorted.get(name.lower(), folder / name),
            )
            kind = re.fullmatch(r"A\d+_(\d+)_(\d+)\.bmp", name)
            distortion, strength = kind.groups() if kind else ("", "")
            where = f"{label.name}, line {number}"
            rows.append(
                Judgement(images, _number(score, label, number), where, distortion, strength)
            )
    yield Judgements("PIPAL", "opinions", tuple(rows), "higher", folder / "Train_Label")


# --- BAPPS ----------------------------------------------------------------------------------------


def _bapps(folder: Path) -> Iterator[Judgements]:
    """For each kind of distortion the folders ``ref, p0, p1, judge``, where ``judge/000000.npy`` is
    the share of people who took ``p1``; or ``p0, p1, same``, where it is that of people who saw no
    difference.
    """
    for judge in _answers(folder, "judge"):
        yield _bapps_part(folder, judge, "choices", ("ref", "p0", "p1"))
    for same in _answers(folder, "same"):
        yield _bapps_part(folder, same, "sameness", ("p0", "p1"))


def _answers(folder: Path, name: str) -> list[Path]:
    """Folders of this name beside one of images, here or up to three folders below."""
    depths = ("", "*/", "*/*/", "*/*/*/")
    found = [path for depth in depths for path in folder.glob(f"{depth}{name}")]
    return sorted(path for path in found if path.is_dir() and (path.parent / "p1").is_dir())


def _bapps_part(folder: Path, answers: Path, kind: Any, columns: tuple[str, ...]) -> Judgements:
    rows = []
    for file in sorted(answers.glob("*.npy")):
        try:
            share = float(np.ravel(np.load(file, allow_pickle=False))[0])
        except (OSError, ValueError, IndexError) as error:
            raise JudgementError(f"{file} is no array with one share: {error}") from error
        images = tuple(answers.parent / column / f"{file.stem}.png" for column in columns)
        rows.append(Judgement(images, share, str(file.relative_to(folder))))
    name = str(answers.parent.relative_to(folder))
    title = "BAPPS" if name == "." else f"BAPPS {name}"
    return Judgements(title, kind, tuple(rows), source=answers)


# --- files ----------------------------------------------------------------------------------------


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise JudgementError(f"{path} cannot be read: {error}") from error


def _number(word: str, path: Path, line: int) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise JudgementError(f"{path}, line {line}: the score must be a number, got {word!r}")
    return value


def _matlab(path: Path) -> dict[str, Any]:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{path} is a MATLAB file, which scipy reads: pip install 'ssimloss[study]'"
        ) from error
    try:
        content: dict[str, Any] = loadmat(path)
    except (OSError, ValueError, TypeError) as error:
        raise JudgementError(f"{path} cannot be read: {error}") from error
    return content


def _by_lower_name(*folders: Path) -> dict[str, Path]:
    """Files by their name in lower case: archives were packed where case does not matter."""
    return {
        path.name.lower(): path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
    }


_LAYOUTS: Final[
    dict[str, tuple[Callable[[Path], bool], Callable[[Path], Iterator[Judgements]]]]
] = {
    "TID2013": (lambda folder: (folder / "mos_with_names.txt").is_file(), _tid2013),
    "KADID-10k": (lambda folder: (folder / "dmos.csv").is_file(), _kadid10k),
    "LIVE": (lambda folder: (folder / "refnames_all.mat").is_file(), _live),
    "CSIQ": (lambda folder: (folder / "csiq.DMOS.xlsx").is_file(), _csiq),
    "PIPAL": (lambda folder: (folder / "Train_Label").is_dir(), _pipal),
    "BAPPS": (lambda f: bool(_answers(f, "judge") or _answers(f, "same")), _bapps),
}
