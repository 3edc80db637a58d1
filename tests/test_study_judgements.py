"""Judgements of a study: CSV files as other tools write them, and the layouts of published sets."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssimloss import study
from ssimloss.study.agreement import agreements, score_rows
from ssimloss.study.judgements import Judgement, JudgementError, Judgements, read_table
from ssimloss.study.subjects import subjects

pytestmark = pytest.mark.usefixtures("one_thread")


def save(path: Path, value: float = 0.5, side: int = 24) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pattern = np.add.outer(np.arange(side), np.arange(side)) % 7 * 20 + int(100 * value)
    Image.fromarray(np.stack([pattern] * 3, -1).astype(np.uint8)).save(path)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name in ("r", "a", "b"):
        save(tmp_path / f"{name}.png")
    return tmp_path / "scores.csv"


# --- CSV files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        # DataFrame.to_csv(): the index is a column without a name
        b",reference,distorted,mos\n0,r.png,a.png,3.5\n1,r.png,b.png,2.0\n",
        # index=False, encoding="utf-8-sig", lineterminator="\r\n", as on Windows
        b"\xef\xbb\xbfreference,distorted,mos\r\nr.png,a.png,3.5\r\nr.png,b.png,2.0\r\n",
        # quoting=csv.QUOTE_ALL
        b'"","reference","distorted","mos"\n"0","r.png","a.png","3.5"\n"1","r.png","b.png","2.0"\n',
        # two levels of index, other columns with commas and line breaks in them, another order
        b',,note,MOS,Distorted,Reference\n0,x,"a, ""b""\nc",3.5,a.png,r.png\n'
        b"0,y,,2.0,b.png,r.png\n",
        # spaces, and an empty line at the end
        b"Reference , Distorted, MOS\nr.png, a.png, 3.5\nr.png, b.png, 2.0\n\n",
    ],
    ids=["index", "windows", "quoted", "columns", "spaces"],
)
def test_csv_files_as_pandas_writes_them(table: Path, content: bytes) -> None:
    table.write_bytes(content)
    found = read_table(table)
    assert (found.kind, found.better) == ("opinions", "higher")
    named = [(row.images[0].name, row.images[1].name, row.answer) for row in found.rows]
    assert named == [("r.png", "a.png", 3.5), ("r.png", "b.png", 2.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reference,distorted,mos\nr.png,a.png,bad\n", "line 2: mos must be a number, got 'bad'"),
        ("reference,distorted,mos\nr.png,a.png,nan\n", "line 2: mos must be finite"),
        ("reference,distorted,mos\nr.png,a.png,\n", "line 2: mos is empty"),
        ("reference,distorted,mos\nr.png,,3\n", "line 2: distorted is empty"),
        ("reference,distorted,mos\nr.png,a.png\n", "line 2: mos is empty"),
        ("reference,distorted,mos\nr.png,a.png,3,4\n", "line 2: it has more cells"),
        (
            "reference,distorted,mos\nr.png,a.png,3\nr.png,b.png,2\nr.png,./a.png,4\n",
            r"line 4 repeats line 2 \(r.png and a.png\)",
        ),
        (
            "reference,distorted,mos\ngone.png,a.png,3\ngone.png,b.png,3\n",
            r"names no image that exists \(\S*gone.png does not exist\); paths are relative to",
        ),
        ("reference,distorted,mos,dmos\nr.png,a.png,3,4\n", "has both mos and dmos"),
        ("reference,distorted,mos,MOS\nr.png,a.png,3,4\n", "has the column 'mos' twice"),
        (
            ",reference,Name\n0,r.png,a.png\n",
            r"must have the columns reference, distorted and mos or dmos; .* Its columns are: "
            r"\(one without a name\), reference, name",
        ),
        ("reference;distorted;mos\nr.png;a.png;3\n", "separated by commas. Its columns are: refer"),
        ("reference,a,b,preference\nr.png,a.png,b.png,1.5\n", r"line 2: .* share in \[0, 1\]"),
        ("", "Its columns are: none"),
        ("reference,distorted,mos\n", "it has no rows"),
        ('reference,distorted,mos\n"r.png"x,a.png,3\n', "cannot be read as CSV"),
        (
            "reference,distorted,mos\nr.png,a.png,3\nsub/r.png,b.png,3\n",
            "two references named r.png",
        ),
    ],
)
def test_csv_files_that_cannot_be_used(table: Path, text: str, said: str) -> None:
    table.write_text(text, encoding="utf-8")
    with pytest.raises(JudgementError, match=said):
        read_table(table)


def test_a_missing_image_is_left_out_and_reported(table: Path) -> None:
    table.write_text("Reference,Distorted,DMOS\nr.png,a.png,3\nr.png,c.png,2\n", encoding="utf-8")
    found = read_table(table)
    assert (found.kind, found.better, len(found.rows)) == ("opinions", "lower", 1)
    assert found.missing == (f"line 3: {table.parent / 'c.png'} does not exist",)


# --- published sets -------------------------------------------------------------------------------


def tid2013(folder: Path) -> None:
    """Index, distorted and reference images differ in case, and in the last scene again."""
    lines = []
    for scene, kind, level in ((1, 1, 1), (1, 24, 5), (25, 1, 1)):
        reference = "i25.bmp" if scene == 25 else f"I{scene:02}.BMP"
        save(folder / "reference_images" / reference)
        save(folder / "distorted_images" / f"i{scene:02}_{kind:02}_{level}.bmp", 0.3)
        lines.append(f"{5.51429 - kind / 10:.5f} I{scene:02}_{kind:02}_{level}.bmp\r\n")
    (folder / "mos_with_names.txt").write_bytes("".join(lines).encode())
    (folder / "mos.txt").write_text("5.51429\n")
    (folder / "mos_std.txt").write_text("0.13013\n")


def kadid(folder: Path) -> None:
    for name in ("I01", "I01_02_03"):
        save(folder / "images" / f"{name}.png")
    (folder / "dmos.csv").write_text(
        "dist_img,ref_img,dmos,var\nI01_02_03.png,I01.png,4.57,0.496\n"
    )


def live(folder: Path) -> None:
    from scipy.io import savemat

    scores, marks = np.zeros((1, 982)), np.ones((1, 982), dtype=np.uint8)
    names = np.empty((1, 982), dtype=object)
    names[:] = "house.bmp"
    scores[0, 227], marks[0, 227] = 33.0, 0  # the first JPEG
    scores[0, 981], marks[0, 981] = 61.5, 0  # the last image of fast fading
    deviations = np.ones((1, 982))
    savemat(
        folder / "dmos_realigned.mat",
        {"dmos_new": scores, "dmos_std": deviations, "orgs": marks},
    )
    savemat(folder / "dmos.mat", {"dmos": scores + 1, "orgs": marks})
    savemat(folder / "refnames_all.mat", {"refnames_all": names})
    save(folder / "refimgs" / "house.bmp")
    save(folder / "jpeg" / "img1.bmp")
    save(folder / "fastfading" / "img174.bmp")


def csiq(folder: Path) -> None:
    """The table begins in the fourth row and column; names and levels are numbers or text."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "all_by_distortion"
    sheet = book.create_sheet("all_by_image")
    sheet["D2"] = "CSIQ DMOS"
    rows = [
        ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"],
        [1600, 1, "noise", 1, 0.05, 0.062],
        ["aerial_city", 3, "jpeg 2000", 2, 0.1, 0.25],
        ["aerial_city", 6, "contrast", 5, 0.1, 0.41],
    ]
    for row, cells in enumerate(rows, 4):
        for column, cell in enumerate(cells, 4):
            sheet.cell(row, column, cell)
    book.save(folder / "csiq.DMOS.xlsx")
    for name in ("1600", "aerial_city"):
        save(folder / "src_imgs" / f"{name}.png")
    for name in ("awgn/1600.AWGN.1", "jpeg2000/aerial_city.jpeg2000.2"):
        save(folder / "dst_imgs" / f"{name}.png")
    save(folder / "dst_imgs" / "contrast" / "aerial_city.contrast.5.png")


def pipal(folder: Path) -> None:
    """Four archives of distorted images, of which some unpack into a folder within a folder."""
    (folder / "Train_Label").mkdir()
    for scene, place in (("A0001", "Distortion_1"), ("A0185", "Distortion_4/Distortion_4")):
        save(folder / "Train_Ref" / f"{scene}.bmp")
        save(folder / place / f"{scene}_03_02.bmp")
        (folder / "Train_Label" / f"{scene}.txt").write_text(f"{scene}_03_02.bmp,1520.0648\n")


def bapps(folder: Path) -> None:
    for half, kind, columns, answer, share in (
        ("2afc", "cnn", ("ref", "p0", "p1"), "judge", 0.8),
        ("2afc", "superres", ("ref", "p0", "p1"), "judge", 0.0),
        ("jnd", "cnn", ("p0", "p1"), "same", 1 / 3),
    ):
        part = folder / half / "val" / kind
        for column in columns:
            save(part / column / "000000.png")
        (part / answer).mkdir()
        np.save(part / answer / "000000.npy", np.array([share], dtype=np.float32))


SETS = [
    (
        tid2013, "TID2013", "higher",
        [(5.41429, "01", "1"), (3.11429, "24", "5"), (5.41429, "01", "1")],
    ),
    (kadid, "KADID-10k", "higher", [(4.57, "02", "03")]),
    (live, "LIVE", "lower", [(33.0, "jpeg", ""), (61.5, "fastfading", "")]),
    (
        csiq, "CSIQ", "lower",
        [(0.062, "noise", "1"), (0.25, "jpeg 2000", "2"), (0.41, "contrast", "5")],
    ),
    (pipal, "PIPAL", "higher", [(1520.0648, "03", "02")] * 2),
]  # fmt: skip


@pytest.mark.parametrize(("make", "name", "better", "expected"), SETS, ids=[one[1] for one in SETS])
def test_sets_of_opinions(tmp_path: Path, make, name: str, better: str, expected) -> None:
    make(tmp_path)
    (found,) = study.read_judgements(tmp_path)
    assert (found.name, found.kind, found.better) == (name, "opinions", better)
    assert [(row.distortion, row.strength) for row in found.rows] == [one[1:] for one in expected]
    assert [row.answer for row in found.rows] == pytest.approx([one[0] for one in expected])
    assert not found.missing
    for row in found.rows:
        assert all(image.is_file() for image in row.images)
        # The reference is another file, of the same scene.
        reference, distorted = row.images
        scene = reference.stem.lower()
        assert name == "LIVE" or distorted.stem.lower().startswith(scene)
        assert distorted != reference


def test_live_without_realigned_scores(tmp_path: Path) -> None:
    live(tmp_path)
    (tmp_path / "dmos_realigned.mat").unlink()
    (found,) = study.read_judgements(tmp_path)
    assert [row.answer for row in found.rows] == [34.0, 62.5]


def test_bapps(tmp_path: Path) -> None:
    bapps(tmp_path)
    found = study.read_judgements(tmp_path)
    assert [(one.name, one.kind, one.rows[0].answer) for one in found] == [
        ("BAPPS 2afc/val/cnn", "choices", pytest.approx(0.8)),
        ("BAPPS 2afc/val/superres", "choices", 0.0),
        ("BAPPS jnd/val/cnn", "sameness", pytest.approx(1 / 3)),
    ]
    assert [image.parent.name for image in found[0].rows[0].images] == ["ref", "p0", "p1"]
    # One part by itself has the same form.
    (part,) = study.read_judgements(tmp_path / "jnd" / "val" / "cnn")
    assert (part.name, part.kind) == ("BAPPS", "sameness")
    np.save(tmp_path / "jnd/val/cnn/same/000000.npy", np.array([1.5]))
    with pytest.raises(JudgementError, match=r"000000.npy must hold a share in \[0, 1\], got 1.5"):
        study.read_judgements(tmp_path)


def _without_heading(folder: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(folder / "csiq.DMOS.xlsx")
    book["all_by_image"]["D4"] = "picture"
    book.save(folder / "csiq.DMOS.xlsx")


@pytest.mark.parametrize(
    ("make", "harm", "said"),
    [
        (
            tid2013,
            lambda f: (f / "mos_with_names.txt").write_text("5.5 I01_01_1.bmp\nI01_24_5.bmp\n"),
            "line 2: expected 'MOS NAME', got 'I01_24_5.bmp'",
        ),
        (
            kadid,
            lambda f: (f / "dmos.csv").write_text("dist_img,ref_img,dmos,var\nI.png,I.png,x,1\n"),
            "line 2: the score must be a finite number, got 'x'",
        ),
        (
            live,
            lambda f: shutil.copy(f / "dmos.mat", f / "dmos_realigned.mat"),
            "no variable 'dmos_new'",
        ),
        (csiq, _without_heading, "no row with the headings image, dst_type, dst_lev, dmos"),
        (csiq, lambda f: (f / "csiq.DMOS.xlsx").write_bytes(b"PK"), "cannot be read as an Excel"),
        (
            pipal,
            lambda f: (f / "Train_Label/A0185.txt").write_text("A0185_03_02.bmp 1520\n"),
            "A0185.txt, line 1: expected 'NAME,SCORE'",
        ),
    ],
)  # fmt: skip
def test_a_damaged_index_names_the_place(tmp_path: Path, make, harm, said: str) -> None:
    make(tmp_path)
    harm(tmp_path)
    with pytest.raises(JudgementError, match=said):
        study.read_judgements(tmp_path)


def test_a_folder_without_a_known_index_lists_them(tmp_path: Path) -> None:
    # Files with the names of an index and another content, such as a user's own table.
    (tmp_path / "dmos.csv").write_text("reference,distorted,dmos\nr.png,a.png,3\n")
    (tmp_path / "mos_with_names.txt").write_text("name mos\n")
    with pytest.raises(JudgementError, match=r"TID2013 \(mos_with_names.txt\); KADID-10k \(dmos"):
        study.read_judgements(tmp_path)
    with pytest.raises(JudgementError, match="does not exist"):
        study.read_judgements(tmp_path / "none")
    bapps(tmp_path)
    with pytest.raises(JudgementError, match="images is for CSV files"):
        study.read_judgements(tmp_path, images=tmp_path)


# --- scores ---------------------------------------------------------------------------------------


def test_what_a_measure_cannot_measure_is_never_averaged_away(table: Path) -> None:
    """A small image that one measure refuses, and an equal one, of which PSNR is infinite."""
    save(table.parent / "small.png", side=8)
    save(table.parent / "c.png", 0.3)
    table.write_text(
        "reference,distorted,mos\nr.png,a.png,3\nr.png,b.png,2\nr.png,c.png,1\nr.png,small.png,1\n",
        encoding="utf-8",
    )
    judged = read_table(table)
    examined = {one.name: one.measure for one in subjects(["l1", "psnr"])}
    scores = score_rows(judged, examined, range(4))
    found = agreements(judged, scores, {"l1": False, "psnr": True}, resamples=10)
    assert found.count == 1
    assert found.left_out[:2] == [
        "line 2: psnr: PSNR is inf, of equal images",
        "line 3: psnr: PSNR is inf, of equal images",
    ]
    assert found.left_out[2].startswith("line 5: l1: target must have the shape of pred ")


def test_agreement_on_parts_is_defined_or_undefined(monkeypatch: pytest.MonkeyPatch) -> None:
    """By distortion: many images, few images, and constant opinions; without any resampling."""
    monkeypatch.setattr(
        "ssimloss.study.agreement._high_frequencies", lambda rows: [0.0] * len(rows)
    )
    random = np.random.default_rng(0)
    labels = ["blur"] * 12 + ["noise"] * 7 + ["flat"] * 9 + [""] * 4
    opinions = np.where(np.array(labels) == "flat", 3.0, random.random(len(labels)))
    images = (Path("r.png"), Path("a.png"))
    rows = tuple(
        Judgement(images, float(opinion), "", label, "1" if label else "")
        for label, opinion in zip(labels, opinions, strict=True)
    )
    judged = Judgements("set", "opinions", rows, "lower")
    values = random.random(len(rows))
    scores = [{"l1": [float(value)]} for value in values]
    drawn: list[int] = []
    monkeypatch.setattr(
        "ssimloss.study.bootstrap.Draws.resampled",
        lambda self, _: drawn.append(self.count) or np.zeros(self.resamples),
    )
    found = agreements(judged, scores, {"l1": False}, resamples=5).measures["l1"]
    assert set(drawn) == {len(rows)}
    from scipy.stats import spearmanr

    parts = found.by_distortion
    assert {name: part.count for name, part in parts.items()} == {"blur": 12, "noise": 7, "flat": 9}
    assert parts["blur"].srcc == pytest.approx(spearmanr(values[:12], opinions[:12])[0])
    assert math.isnan(parts["noise"].srcc)
    assert math.isnan(parts["flat"].srcc)
    assert found.by_strength["1"].count == 28
