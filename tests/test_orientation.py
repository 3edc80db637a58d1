"""Orientation tags: applied or ignored, and said wherever numbers depend on them."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path

import numpy as np
import photographs
import pytest
import torch
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner

import ssimloss.functional as F
from ssimloss.cli._app import app
from ssimloss.evaluation import Evaluation, ImageError, compare, evaluate, inspect, read
from ssimloss.evaluation._orientations import as_stored, upright
from ssimloss.evaluation.report import _pictures
from ssimloss.evaluation.report._data import page_data

ORIENTATION = 0x0112
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    'syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"><tiff:Orientation>6'
    "</tiff:Orientation></rdf:Description></rdf:RDF></x:xmpmeta>"
)
pytestmark = pytest.mark.usefixtures("one_thread")


def save(path: Path, pixels: np.ndarray, tag: int = 1) -> Path:
    exif = Pillow.Exif()
    exif[ORIENTATION] = tag
    path.parent.mkdir(exist_ok=True)
    Pillow.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """References with a tag, results of a program that dropped it, and one of a program that kept
    it; images of unequal sides.
    """
    monkeypatch.chdir(tmp_path)
    for tag, name in ((3, "half"), (6, "quarter"), (1, "plain")):
        truth, seen = photographs.pair("astronaut", 40, 56)
        save(tmp_path / "gt" / f"{name}.png", truth, tag)
        save(tmp_path / "dropped" / f"{name}.png", seen)
        save(tmp_path / "kept" / f"{name}.png", seen, tag)
    return tmp_path


def stored() -> float:
    truth, seen = (
        torch.from_numpy(image).permute(2, 0, 1)[None].double() / 255
        for image in photographs.pair("astronaut", 40, 56)
    )
    return F.psnr(seen, truth).item()


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_pixels_as_stored_or_upright(tmp_path: Path, suffix: str) -> None:
    """In each format that has tags; Pillow rotates one of them itself."""
    blocks = np.random.default_rng(0).integers(0, 2, (3, 2, 1)).astype(np.uint8)
    pixels = np.kron(blocks, np.full((16, 16, 3), 200, np.uint8)) + np.uint8(20)
    plain = torch.from_numpy(pixels).permute(2, 0, 1)
    for tag in range(1, 9):
        path = save(tmp_path / f"{tag}.{suffix}", pixels, tag)
        turned, as_it_is = read(path), read(path, orientation="ignore")
        assert turned.orientation == as_it_is.orientation == tag
        assert torch.equal(upright(as_it_is.pixels, tag), turned.pixels)
        assert torch.equal(as_stored(turned.pixels, tag), as_it_is.pixels)
        assert (as_it_is.pixels.int() - plain.int()).abs().max() < 30
        for image, option in ((turned, "apply"), (as_it_is, "ignore")):
            header = inspect(path, orientation=option)  # type: ignore[arg-type]
            assert header.size == tuple(image.pixels.shape[1:])
            assert header.orientation == tag
    for call in (read, inspect):
        with pytest.raises(ValueError, match="orientation must be one of 'apply', 'ignore'"):
            call(path, orientation="turn")  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_a_tag_in_xmp_alone_counts(tmp_path: Path, suffix: str) -> None:
    image, path = Pillow.new("RGB", (60, 40)), tmp_path / f"a.{suffix}"
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    options = {"png": {"pnginfo": info}, "tif": {"tiffinfo": {700: XMP.encode()}}}
    image.save(path, **options.get(suffix, {"xmp": XMP.encode()}))
    assert (inspect(path).size, inspect(path).orientation) == ((60, 40), 6)
    assert read(path).pixels.shape[1:] == (60, 40)
    assert inspect(path, orientation="ignore").size == (40, 60)
    assert read(path, orientation="ignore").pixels.shape[1:] == (40, 60)


@pytest.mark.usefixtures("folders")
def test_evaluation_says_what_was_turned() -> None:
    result = evaluate("gt", ["dropped", "kept"], metrics=["psnr"], out="out")
    half, plain, quarter = (image.values for image in result.images)
    assert plain["dropped"]["psnr"] == plain["kept"]["psnr"] == pytest.approx(stored())
    assert half["kept"]["psnr"] == pytest.approx(stored())
    assert half["dropped"]["psnr"] < 15
    assert list(quarter) == ["kept"]
    assert (
        "with orientation='ignore', on the command line --orientation ignore their sizes"
        in (result.images[2].errors["dropped"])
    )
    assert "resize" not in result.images[2].errors["dropped"]
    told = result.about["orientation"].splitlines()
    assert told[0].startswith(
        "dropped, 1 image: reference has orientation tag 3 (turned by 180 degrees), result has no "
        "orientation tag; images were turned upright. If a program dropped the tag"
    )
    assert told[1:] == [
        "kept, 1 image: reference and result have orientation tag 3 (turned by 180 degrees), "
        "applied to both",
        "kept, 1 image: reference and result have orientation tag 6 (turned by 90 degrees "
        "clockwise), applied to both",
    ]
    with Path("out/per_image.csv").open(newline="") as file:
        rows = {(row["name"], row["method"]): row for row in csv.DictReader(file)}
    tags = ("reference_orientation", "distorted_orientation")
    assert [[rows["half", m][tag] for tag in tags] for m in ("dropped", "kept")] == [
        ["3", "1"],
        ["3", "3"],
    ]
    data = json.loads(Path("out/per_image.json").read_text())
    assert data["orientation"] == "apply"
    assert [(row["orientation"], row["orientations"]) for row in data["images"]] == [
        (3, {"kept": 3}),
        (1, {}),
        (6, {"kept": 6}),
    ]
    read_again = Evaluation.from_json(Path("out/per_image.json").read_text())
    assert (read_again.images, read_again.orientation) == (result.images, "apply")
    older = json.loads(result.to_json())
    del older["orientation"]
    for row in older["images"]:
        del row["orientation"], row["orientations"]
    assert Evaluation.from_json(json.dumps(older)).images[0].orientation == 1


def test_ignored_tags_give_the_numbers_of_the_stored_pixels(folders: Path) -> None:
    result = evaluate("gt", ["dropped", "kept"], metrics=["psnr"], orientation="ignore", out="out")
    for image in result.images:
        assert image.errors == {}
        assert image.size == (40, 56)
        for method in ("dropped", "kept"):
            assert image.values[method]["psnr"] == pytest.approx(stored())
    assert "compared as they are stored" in result.about["orientation"]
    assert "ignored in both" in result.about["orientation"]
    with pytest.raises(ValueError, match="orientation was 'ignore', is now 'apply'"):
        evaluate("gt", ["dropped", "kept"], metrics=["psnr"], out="out", resume=True)
    with pytest.raises(ValueError, match="orientation must be one of 'apply', 'ignore', got 'no'"):
        evaluate("gt", "dropped", orientation="no")  # type: ignore[arg-type]
    # The other way round: a program that turned the pixels and kept no tag.
    truth, seen = photographs.pair("astronaut", 40, 56)
    save(folders / "gt/quarter.png", np.ascontiguousarray(truth), 6)
    save(folders / "dropped/quarter.png", np.ascontiguousarray(np.rot90(seen, -1)))
    pair = evaluate("gt", "dropped", metrics=["psnr"], orientation="ignore")
    assert (
        "with orientation='apply', on the command line --orientation apply their sizes"
        in (pair.images[2].errors["dropped"])
    )
    turned = evaluate("gt", "dropped", metrics=["psnr"])
    assert turned.images[2].values["dropped"]["psnr"] == pytest.approx(stored())


def test_sizes_that_differ_for_another_reason_are_told_as_before(folders: Path) -> None:
    save(folders / "dropped/quarter.png", photographs.photograph("coffee")[:30, :50])
    result = evaluate("gt", "dropped", metrics=["psnr"])
    assert "resize or crop one of them" in result.images[2].errors["dropped"]
    assert "orientation" not in result.images[2].errors["dropped"]


@pytest.mark.usefixtures("folders")
def test_one_pair() -> None:
    found = compare("gt/half.png", "dropped/half.png")
    assert found.orientation_note.startswith("reference has orientation tag 3 (turned by 180 deg")
    assert "\norientation    reference has orientation tag 3" in str(found)
    assert found.values["psnr"] < 15
    ignored = compare("gt/half.png", "dropped/half.png", orientation="ignore")
    assert ignored.values["psnr"] == pytest.approx(stored())
    assert "as they are stored" in str(ignored)
    assert compare("gt/plain.png", "dropped/plain.png").orientation_note == ""
    with pytest.raises(ImageError, match=r"tag 6 .*--orientation ignore their sizes are equal"):
        compare("gt/quarter.png", "dropped/quarter.png")
    assert compare("gt/quarter.png", "kept/quarter.png").size == (56, 40)


def test_on_the_command_line(folders: Path) -> None:
    def run(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == status, result.output
        return " ".join(result.output.split())

    told = run("evaluate", "gt", "dropped", "--metrics", "psnr")
    assert "orientation: dropped, 1 image: reference has orientation tag 3 (turned by 180" in told
    told = run("evaluate", "gt", "dropped", "--metrics", "psnr", "--orientation", "ignore")
    assert f"{stored():.4f} .. {stored():.4f}" in told
    assert "reference has orientation tag 3 (turned by 180 degrees), result has no" in told
    assert "orientation must be one of" in run(
        "evaluate", "gt", "dropped", "--orientation", "x", status=2
    )
    told = run("compare", "gt/quarter.png", "dropped/quarter.png", status=1)
    assert "--orientation ignore" in told
    told = run("compare", "gt/quarter.png", "dropped/quarter.png", "--orientation", "ignore")
    assert f"PSNR {stored():.4f} dB" in told
    assert (folders / "comparison.png").exists()


@pytest.mark.parametrize("orientation", ["apply", "ignore"])
def test_pictures_of_the_report_are_what_was_compared(folders: Path, orientation: str) -> None:
    truth, seen = photographs.pair("coffee", 40, 56)
    for folder, image in (("gt", truth), ("kept", seen)):
        save(folders / folder / "photo.jpg", image, 6)
    result = evaluate("gt", "kept", metrics=["psnr"], orientation=orientation)  # type: ignore[arg-type]
    shape = [56, 40] if orientation == "apply" else [40, 56]
    data = page_data(result, worst=1, thumbnails=[None] * 4, pictures={})
    for record, turned in zip(result.images, data["turned"], strict=True):
        if record.name == "plain":
            assert turned is None
            continue
        picture = _pictures.draw_picture(record, ["kept"], result.orientation)
        assert picture is not None
        expected = shape if record.name in ("quarter", "photo") else [40, 56]
        assert list(picture["shape"]) == expected, record.name
        assert "reference and result have orientation tag" in picture["note"]
        assert turned.startswith("kept: reference and result have orientation tag")
    thumbnails = _pictures.draw_thumbnails(result, 10**6)
    sizes = [Pillow.open(io.BytesIO(base64.b64decode(t.split(",")[1]))).size for t in thumbnails]
    assert [size[0] < size[1] for size in sizes] == [
        orientation == "apply" and record.name in ("quarter", "photo") for record in result.images
    ]
