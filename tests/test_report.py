"""The report: the data of the page, and its behaviour in a browser, opened from disk."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import photographs
import pytest
import torch
from clips import luma, y4m
from evaluations import DISTANCE, HOSTILE, LONG, noisy, on_disk, save, summed, without_files
from PIL import Image

from ssimloss import functional as F
from ssimloss.evaluation import Evaluation, evaluate, write_report
from ssimloss.evaluation._maps import error_limit, worst_region
from ssimloss.evaluation.records import write_tables
from ssimloss.evaluation.report import _pictures
from ssimloss.evaluation.report._clips import curves, draw_shots, shot_record, worst_shots
from ssimloss.evaluation.report._data import page_data
from ssimloss.evaluation.report._page import page
from ssimloss.evaluation.result import SetSummary
from ssimloss.evaluation.tables import paper_table

METHODS = ["ours <b>&", "theirs", "bicubic"]
pytestmark = pytest.mark.usefixtures("one_thread")


class Parts(HTMLParser):
    """The elements of a page, as an HTML parser sees them: attributes, and the text of scripts by
    id.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script":
            name = self.elements[-1][1].get("id") or "code"
            self.scripts[name] = self.scripts.get(name, "") + data


def decoded(uri: str) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(uri.partition("base64,")[2]))))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return on_disk(tmp_path_factory.mktemp("three"), METHODS)


@pytest.fixture(scope="module")
def three_page(three: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(three, tmp_path_factory.mktemp("report") / "ä ' #report", worst=4)


@pytest.fixture(scope="module")
def gray_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gray")
    return write_report(on_disk(folder, ["ours"], number=7, gray=True), folder / "report")


# --- the file -------------------------------------------------------------------------------------


def test_page_is_one_file_that_asks_for_nothing(three_page: Path) -> None:
    assert [path.name for path in three_page.parent.iterdir()] == ["index.html"]
    text = three_page.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'`)]*", text)) == {"http://www.w3.org/2000/svg"}, (
        "only the name of SVG's namespace"
    )
    parts = Parts(text)
    for tag, attributes in parts.elements:
        assert not {"src", "srcset", "style", "onclick", "onerror"} & attributes.keys(), (
            tag,
            attributes,
        )
        assert (attributes.get("href") or "#").startswith(("#", "data:"))
    (policy,) = [
        a["content"]
        for tag, a in parts.elements
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_names_are_text_and_come_back_as_they_were(three: Evaluation, three_page: Path) -> None:
    text = three_page.read_text(encoding="utf-8")
    assert "<script>window.hacked" not in text
    assert text.count("</script>") == 3, "data, pictures, code"
    data = json.loads(Parts(text).scripts["data"])
    assert data["names"][1:3] == [HOSTILE, LONG]
    assert data["methods"] == METHODS
    assert data["names"] == [image.name for image in three.images]


def test_names_that_are_no_unicode_are_written(three: Evaluation) -> None:
    """As Python has the bytes of a file name that are no UTF-8."""
    named = dataclasses.replace(three, unmatched=["\udcff"])
    text = page(page_data(named, worst=0, thumbnails=[None] * 12, pictures={}), {}, title="\udcff")
    assert json.loads(Parts(text.encode().decode()).scripts["data"])["unmatched"] == ["\udcff"]


def test_numbers_survive(three: Evaluation, three_page: Path) -> None:
    data = json.loads(Parts(three_page.read_text(encoding="utf-8")).scripts["data"])
    assert data["values"][1][0][3] == "inf"
    assert data["values"][1][1][5] == "nan"
    assert data["values"][1][0][4] is None
    assert data["values"][1][0][0] == pytest.approx(
        three.images[0].values["theirs"]["psnr"], rel=1e-8
    )
    assert [(row["image"], METHODS[row["method"]]) for row in data["failures"]] == [
        (4, method) for method in METHODS
    ]


def test_worst_are_taken_in_turns() -> None:
    evaluation = without_files(6, ["a", "b"])
    psnr = {"a": [30, math.inf, 20, 21, 40, 41], "b": [25, 26, 27, 24, 23, math.nan]}
    for image, a, b in zip(evaluation.images, psnr["a"], psnr["b"], strict=True):
        image.values = {
            "a": {"psnr": a, "ssim": image.index / 10},
            "b": {"psnr": b, "ssim": 1 - image.index / 10},
        }
    del evaluation.images[5].values["a"]
    assert _pictures.worst_images(evaluation, 1) == [2, 4, 0, 5], "PSNR of a and b, SSIM of a and b"
    assert _pictures.worst_images(evaluation, 2) == [2, 4, 0, 5, 3, 1]
    assert _pictures.worst_images(evaluation, 0) == []
    evaluation.metrics[0] = DISTANCE
    evaluation.images[0].values["b"]["l1"] = 3.0
    evaluation.images[1].values["b"]["l1"] = 4.0
    assert _pictures.worst_images(evaluation, 1)[0] == 1, "of a distance the largest"


def test_maps_are_those_of_the_files(three: Evaluation) -> None:
    picture = _pictures.draw_picture(three.images[1], METHODS)
    assert picture is not None
    truth, seen = (
        np.array(Image.open(path))
        for path in (three.images[1].reference, three.images[1].distorted["theirs"])
    )
    assert np.array_equal(decoded(picture["reference"]), truth)
    assert np.array_equal(decoded(picture["results"][1]), seen)
    error = np.abs(seen.astype(float) - truth).mean(2)
    shown = decoded(picture["error"][1])[..., 0] * (picture["limit"] / 255)
    assert (
        np.abs(shown - error.clip(max=picture["limit"])).max() <= picture["limit"] / 255 / 2 + 1e-4
    )
    pred, target = (
        torch.tensor(image).permute(2, 0, 1)[None].double() / 255 for image in (seen, truth)
    )
    similarity = F.ssim_map(pred, target, padding="reflect")[0].mean(0).numpy()
    assert (
        np.abs(decoded(picture["ssim"][1])[..., 0] / 255 - similarity.clip(0, 1)).max()
        <= 0.5 / 255 + 1e-4
    )


def test_large_image_becomes_the_crop_around_its_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pictures, "LARGEST", 64)
    truth = photographs.photograph("chelsea")
    seen = noisy(truth, 2, 0)
    seen[200:210, 300:312] = 255 - seen[200:210, 300:312]
    evaluation = on_disk(tmp_path, ["ours"], number=6)
    record = evaluation.images[0]
    record.reference, record.distorted["ours"] = (
        save(tmp_path / "a.png", truth),
        save(tmp_path / "b.png", seen),
    )
    picture = _pictures.draw_picture(record, ["ours"])
    assert picture is not None
    top, left = picture["corner"]
    assert picture["shape"] == (64, 64)
    assert abs(top + 32 - 205) <= 6
    assert abs(left + 32 - 306) <= 6
    assert f"64 × 64 pixels (height × width) from x {left}, y {top}," in picture["note"]
    assert np.array_equal(decoded(picture["results"][0]), seen[top : top + 64, left : left + 64])
    pred, target = (
        torch.tensor(image).permute(2, 0, 1)[None].double() / 255 for image in (seen, truth)
    )
    similarity = (
        F.ssim_map(pred, target, padding="reflect")[0, :, top : top + 64, left : left + 64]
        .mean(0)
        .numpy()
    )
    assert (
        np.abs(decoded(picture["ssim"][0])[..., 0] / 255 - similarity.clip(0, 1)).max()
        <= 0.5 / 255 + 1e-4
    ), "no border at the crop"


def test_sixteen_bit_is_shown_by_its_range(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 3000, 64 * 64).reshape(64, 64)
    evaluation = on_disk(tmp_path, ["ours"], number=6)
    record = evaluation.images[0]
    record.reference = save(tmp_path / "a.png", ramp.astype(np.uint16))
    record.distorted["ours"] = save(tmp_path / "b.png", (ramp + 100).astype(np.uint16))
    picture = _pictures.draw_picture(record, ["ours"])
    assert picture is not None
    shown = decoded(picture["reference"])
    assert shown.min() == 0
    assert shown.max() == 255
    assert "from 1001 to 2998 of 65535" in picture["note"]
    assert picture["unit"].endswith("of 65535")
    assert picture["limit"] == 1024
    assert np.abs(decoded(picture["error"][0])[..., 0] / 255 * 1024 - 100).max() < 5


def test_limits_of_the_scale() -> None:
    assert error_limit([torch.full((8, 8), 3 / 255)], 255) == 4
    assert error_limit([torch.full((8, 8), 5 / 255), torch.zeros(8, 8)], 255) == 8
    assert error_limit([torch.ones(8, 8)], 255) == 255
    assert error_limit([], 255) == 4
    assert worst_region([], (9, 5), largest=(3, 3)) == (3, 1, 3, 3)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (1499, 0), (700, 2002), (1499, 2002)])
def test_worst_region_of_a_large_image_holds_its_fault(top: int, left: int) -> None:
    """Odd sides, and faults in its corners: the region is searched in coarse steps."""
    error = torch.zeros(1, 1500, 2003)
    error[:, top, left] = 1
    y, x, height, width = worst_region([error], (1500, 2003), largest=(360, 480))
    assert (height, width) == (360, 480)
    assert max(0, top - 359) <= y <= min(top, 1500 - 360)
    assert max(0, left - 479) <= x <= min(left, 2003 - 480)


def test_thumbnail_of_a_jpeg_is_upright_and_quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = without_files(1, ["ours"]).images[0]
    record.reference = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the right
    Image.fromarray(photographs.photograph("coffee")).save(record.reference, exif=exif, quality=95)
    slow = decoded(_pictures._thumbnail(dataclasses.replace(record, values={}), 96) or "").astype(
        int
    )
    reads = []
    monkeypatch.setattr(_pictures, "_read", lambda *given: reads.append(given[0]))
    quick = decoded(_pictures._thumbnail(record, 96) or "").astype(int)
    assert reads == []
    assert quick.shape == slow.shape == (96, 64, 3)
    assert np.abs(quick - slow).mean() < 8
    record.reference.write_bytes(record.reference.read_bytes()[:-3000])
    assert _pictures._thumbnail(record, 96) is None
    assert reads == [record.reference], "what is no whole JPEG is read as everything else"


def test_other_bit_depth_is_noted(tmp_path: Path) -> None:
    evaluation = on_disk(tmp_path, ["ours", "theirs"], number=6)
    record = evaluation.images[0]
    ramp = np.linspace(1000, 60000, 64 * 64).reshape(64, 64)
    record.reference = save(tmp_path / "a.png", ramp.astype(np.uint16))
    record.distorted["ours"] = save(tmp_path / "b.png", (ramp / 257).round().astype(np.uint8))
    record.distorted["theirs"] = record.reference
    picture = _pictures.draw_picture(record, evaluation.methods)
    assert picture is not None
    assert (
        "ours: reference of 16 bit, result of 8 bit: each counts over its own range, 65535 and 255"
        in picture["note"]
    )
    assert "theirs: " not in picture["note"]


def test_page_stays_within_its_size(three: Evaluation) -> None:
    every = _pictures.worst_images(three, 99)
    one = _pictures.characters(_pictures.draw_pictures(three, every[:1], 10**9)[every[0]])
    assert list(_pictures.draw_pictures(three, every, int(1.5 * one))) == every[:1]
    thumbnails = _pictures.draw_thumbnails(three, 10**9)
    assert all(thumbnails)
    kept = _pictures.draw_thumbnails(three, len(thumbnails[0] or "") + 1)
    assert [bool(thumbnail) for thumbnail in kept] == [True] + [False] * 11


def test_files_that_are_gone_or_of_another_size_have_no_picture(tmp_path: Path) -> None:
    evaluation = on_disk(tmp_path, ["ours", "theirs"], number=6)
    evaluation.images[0].reference.unlink()
    save(evaluation.images[1].distorted["ours"], np.zeros((5, 5, 3), np.uint8))
    evaluation.images[2].distorted["theirs"].write_bytes(b"")
    assert _pictures.draw_picture(evaluation.images[0], evaluation.methods) is None
    assert [
        bool(p)
        for p in (_pictures.draw_picture(evaluation.images[1], evaluation.methods) or {})["results"]
    ] == [False, True]
    assert [
        bool(p)
        for p in (_pictures.draw_picture(evaluation.images[2], evaluation.methods) or {})["results"]
    ] == [True, False]
    assert write_report(evaluation, tmp_path / "report").is_file()


def test_images_smaller_than_the_window_have_no_similarity_map(tmp_path: Path) -> None:
    evaluation = on_disk(tmp_path, ["ours"], number=6)
    for path in (evaluation.images[0].reference, evaluation.images[0].distorted["ours"]):
        save(path, np.arange(25 * 3, dtype=np.uint8).reshape(5, 5, 3))
    picture = _pictures.draw_picture(evaluation.images[0], ["ours"])
    assert picture is not None
    assert picture["ssim"] == [None]
    assert picture["error"] != [None]


def test_worst_is_checked(three: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="worst must be at least 0, got -1"):
        write_report(three, tmp_path, worst=-1)


def test_page_promises_only_files_that_are_there(tmp_path: Path) -> None:
    evaluation = without_files(2, ["ours"])
    words = "The same values are in "

    def promised() -> list[str]:
        text = write_report(evaluation, tmp_path, worst=0).read_text(encoding="utf-8")
        found = re.findall(f'{words}([^<"]*?) next to this page', text)
        assert text.count(words) == len(found), "in the colophon, and where scripts are off"
        return found

    assert promised() == []
    (tmp_path / "per_image.csv").write_text("of something else")
    assert promised() == []
    (tmp_path / "summary.json").write_text(evaluation.to_json(images=False), encoding="utf-8")
    assert promised() == ["summary.json and per_image.csv"] * 2
    (tmp_path / "summary.json").write_text(
        without_files(3, ["ours"]).to_json(images=False), encoding="utf-8"
    )
    assert promised() == []
    write_tables(tmp_path, evaluation)
    assert promised() == ["summary.json and per_image.csv"] * 2


def judged(methods: list[str]) -> Evaluation:
    """Three methods of which the first leads in PSNR, and the last two share the best SSIM."""
    evaluation = without_files(4, methods)
    for image in evaluation.images:
        for k, method in enumerate(methods):
            image.values[method] = {"psnr": 31.004 - k, "ssim": (0.5, 0.75, 0.75)[k]}
    evaluation = summed(evaluation.metrics, methods, evaluation.images)
    probabilities = iter((0.049, 0.01, 1.0, 0.01, 0.01, 1.0))
    evaluation.comparisons = [
        dataclasses.replace(row, p_holm=next(probabilities)) for row in evaluation.comparisons
    ]
    return evaluation


def results(evaluation: Evaluation) -> list[dict[str, Any]]:
    empty = [None] * len(evaluation.images)
    return page_data(evaluation, worst=0, thumbnails=empty, pictures={})["result"]


def test_result_says_which_is_best() -> None:
    evaluation = judged(["ours", "theirs", "bicubic"])
    psnr, ssim = results(evaluation)
    assert (psnr["best"], psnr["significant"]) == ([0], True)
    assert (ssim["best"], ssim["significant"]) == ([1, 2], False), "two share it"
    assert psnr["means"] == pytest.approx([31.004, 30.004, 29.004])
    evaluation.comparisons[0] = dataclasses.replace(evaluation.comparisons[0], p_holm=0.05)
    assert not results(evaluation)[0]["significant"]


def test_scores_of_sets_are_told() -> None:
    evaluation = judged(["ours", "theirs", "bicubic"])
    evaluation.sets = [
        SetSummary(method, "fid", "FID", False, value, math.nan, 4, 4, "of features")
        for method, value in (("ours", 12.25), ("theirs", 30.5))
    ]
    empty = [None] * len(evaluation.images)
    about = page_data(evaluation, worst=0, thumbnails=empty, pictures={})["about"]
    assert ["FID", "ours 12.25, theirs 30.5"] in [list(entry) for entry in about]


def test_result_of_unequal_sets_is_over_the_common_images() -> None:
    evaluation = without_files(30, ["ours", "theirs"])
    for place, image in enumerate(evaluation.images):
        image.values = {"ours": {"psnr": 10.0 + place}, "theirs": {"psnr": 20.0}}
        if place < 10:
            del image.values["theirs"]
    evaluation = summed(evaluation.metrics[:1], evaluation.methods, evaluation.images)
    (column,) = results(evaluation)
    assert (column["means"], column["common"], column["best"]) == ([29.5, 20.0], 20, [0])
    for image in evaluation.images[10:]:
        del image.values["ours"]
    (column,) = results(summed(evaluation.metrics, evaluation.methods, evaluation.images))
    assert (column["best"], column["common"]) == ([], None)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Two clips of two methods; one is whole, the other has no result of the second."""
    pytest.importorskip("av")
    folder = tmp_path_factory.mktemp("clips")
    for name in ("truth", "ours", "theirs"):
        (folder / name).mkdir()
    for number in (12, 5):
        x, y = luma(number)
        y4m(folder / "truth" / f"{number}.y4m", x)
        y4m(folder / "ours" / f"{number}.y4m", y)
    y4m(folder / "theirs" / "5.y4m", luma(5)[1][::-1])
    sources = [folder / "ours", folder / "theirs"]
    return evaluate(folder / "truth", sources, metrics=["vmaf", "psnr"], on_damaged="skip")


def test_worst_frames_are_shown_and_curves_hold_every_frame(clips: Evaluation) -> None:
    """Of each metric and method the worst first; of a long clip no frame of a stretch is worse than
    its point.
    """
    (shot, *_) = worst_shots(clips, 1)
    ours = [clip.frames["ours"]["vmaf"] for clip in clips.clips]
    assert ours[shot.clip][shot.frame] == min(map(min, ours))
    record = shot_record(clips, shot)
    assert record.values["ours"]["vmaf"] == min(map(min, ours))
    assert record.name == f"{clips.images[shot.clip].name}, frame {shot.frame}"
    drawn = draw_shots(clips, [shot], 10**9)[shot][1]
    assert drawn["shape"] == (48, 64)
    whole, nothing = curves(clips)[0]
    assert [value for _, value in whole[0]] == pytest.approx(ours[0], rel=1e-5)
    assert nothing[0] == []
    long = dataclasses.replace(clips.clips[0], frames={"ours": {"vmaf": [*range(3000), -1.0]}})
    found = curves(dataclasses.replace(clips, images=[long]))[0][0][0]
    assert len(found) <= 1200
    assert found[0] == [0, 0]
    assert found[-1] == [3000, -1]


# --- the browser ----------------------------------------------------------------------------------

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync = pytest.importorskip("playwright.sync_api")
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        pytest.skip("no Chromium here")
    quiet = ("quic", "gpu", "background-networking", "component-update", "sync")
    with sync.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--headless",
                "--no-sandbox",
                "--no-first-run",
                *(f"--disable-{word}" for word in quiet),
            ],
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def only_tab(browser: Any) -> Iterator[Any]:
    """One for all tests. It jumps to where it scrolls, instead of gliding there."""
    tab = browser.new_page(reduced_motion="reduce")
    tab.set_default_timeout(10_000)
    yield tab
    tab.close()


@pytest.fixture
def open_page(only_tab: Any) -> Iterator[Open]:
    """Opens a report from disk, as if for the first time; after the test no page may have
    complained or asked for anything.
    """
    tab = only_tab
    opened, complaints = [], []
    listeners = {
        "console": lambda message: complaints.append(f"{message.type}: {message.text}"),
        "pageerror": lambda error: complaints.append(str(error)),
        "dialog": lambda dialog: (complaints.append(dialog.message), dialog.dismiss()),
        "request": lambda request: (
            None
            if request.url.startswith(("data:", *opened[-1:]))
            else complaints.append(request.url)
        ),
    }

    def leave() -> None:
        assert tab.evaluate("window.hacked") is None
        tab.evaluate("localStorage.clear()")

    def open_page(
        path: Path, *, width: int = 1200, height: int = 800, scheme: str = "light"
    ) -> Any:
        if opened:
            leave()
        opened.append(path.as_uri())
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        tab.goto("about:blank")  # or a page that is open would keep what was typed into it
        tab.goto(path.as_uri())
        tab.wait_for_selector("html[data-ready]", state="attached")
        return tab

    for event, listener in listeners.items():
        tab.on(event, listener)
    yield open_page
    if opened:
        leave()
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)
    assert complaints == []


def column(tab: Any, number: int) -> list[str]:
    return tab.eval_on_selector_all(
        f"#images tbody tr[data-position] > :nth-child({number})",
        "cells => cells.map(c => c.textContent)",
    )


def names(tab: Any) -> list[str]:
    return tab.eval_on_selector_all("#images .name", "all => all.map(name => name.title)")


def test_page_opens_and_shows_names_as_text(open_page: Open, three_page: Path) -> None:
    tab = open_page(three_page)
    assert HOSTILE in names(tab)
    assert "<i>4.png</i>: is damaged" in tab.text_content("#damaged")
    assert "extra_<b>9</b>.png" in tab.text_content("#unmatched")
    assert "<b>Command</b>" in tab.text_content("#about")
    assert METHODS[0] in tab.text_content("#summary")
    assert tab.locator("#comparisons tbody tr:not(.group)").count() == 9
    assert tab.locator("#distributions svg").count() == 3
    assert "1 infinite" in tab.text_content("#distributions")
    tab.get_by_label(f"Open {HOSTILE}", exact=True).first.click()
    assert tab.text_content("#viewer-name") == HOSTILE


def test_result_comes_first_and_is_copied(open_page: Open, tmp_path: Path) -> None:
    evaluation = judged(["ours", "theirs", "bicubic"])
    tab = open_page(write_report(evaluation, tmp_path, worst=0))
    sections = tab.eval_on_selector_all("main > section", "all => all.map(one => one.id)")
    assert sections[:2] == ["result", "worst"]
    assert tab.inner_text("h1") == ("ours has the best mean of PSNR, theirs and bicubic of SSIM")
    assert tab.locator(".result .best").all_inner_texts() != []
    cells = tab.eval_on_selector_all(
        ".result td",
        "all => all.map(cell => [cell.firstChild.data, cell.className, !!"
        "cell.querySelector('sup')])",
    )
    assert cells == [
        ["31.00", "number best", True],
        ["0.5000", "number", False],
        ["30.00", "number", False],
        ["0.7500", "number best", False],
        ["29.00", "number", False],
        ["0.7500", "number best", False],
    ]
    # Pages from disk may not have the clipboard: then the text is there, selected.
    tab.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    tab.evaluate("void (document.execCommand = () => false)")
    tab.click("text=Copy as LaTeX")
    tab.wait_for_selector("textarea.copy")
    assert "Ctrl+C" in tab.inner_text(".copies output")
    assert tab.evaluate("getSelection().toString()") == paper_table(evaluation, "latex")
    tab.evaluate("void (navigator.clipboard.writeText = async (text) => (window.copied = text))")
    tab.click("text=Copy as CSV")
    tab.wait_for_selector("textarea.copy", state="hidden")
    assert tab.evaluate("window.copied") == paper_table(evaluation, "csv")


def test_worst_of_each_method_under_one_slider(
    open_page: Open, three: Evaluation, three_page: Path
) -> None:
    tab = open_page(three_page)
    tiles = tab.locator(".tile")
    assert tiles.count() == 3
    psnr = [
        min(image.values[m]["psnr"] for image in three.images if m in image.values) for m in METHODS
    ]
    for tile, value in zip(tiles.all(), psnr, strict=True):
        assert f"PSNR {value:.2f} dB" in tile.inner_text()
    tiles.first.locator(".handle").focus()
    tab.keyboard.press("Home")
    shown = "all => all.map(handle => handle.ariaValueNow)"
    assert tab.eval_on_selector_all(".tile .handle", shown) == ["0"] * 3
    tab.click("#worst label[title=L1]")
    largest = max(
        image.values[METHODS[1]]["l1"] for image in three.images if METHODS[1] in image.values
    )
    assert f"L1 {largest:.4f}" in tiles.nth(1).inner_text()
    tiles.nth(1).locator("button").click()
    assert tab.text_content("#viewer .tag.right") == "theirs"


def test_all_methods_side_by_side_at_one_place(
    open_page: Open, three: Evaluation, three_page: Path
) -> None:
    tab = open_page(three_page)
    tab.locator(".name").nth(1).press("Enter")
    tab.keyboard.press("a")
    panes = tab.locator("#viewer .all-panes .stage")
    assert panes.count() == 4
    assert tab.locator("#viewer .all-panes .tag:visible").all_inner_texts() == [
        "reference",
        *METHODS,
    ]
    assert share(tab) == 0, "all results are whole at first"
    tab.keyboard.press("End")
    assert share(tab) == 100
    for _ in range(4):
        tab.keyboard.press("+")
    panes.nth(1).evaluate("pane => pane.scrollTo(123, 45)")
    place = "panes => panes.map(pane => [pane.scrollLeft, pane.scrollTop, pane.scrollWidth])"
    frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    tab.evaluate(frame)  # events of scrolling come with the next one
    assert tab.eval_on_selector_all("#viewer .all-panes .stage", place) == [[123, 45, 720]] * 4
    tab.keyboard.press("0")
    tab.keyboard.press("e")
    tab.wait_for_selector("#viewer .all-panes .frame:last-child canvas[width='90']")
    picture = _pictures.draw_picture(three.images[1], METHODS)
    assert picture is not None
    box = tab.locator("#viewer .sheet").nth(4).bounding_box()
    tab.mouse.move(box["x"] + 60.5 / 90 * box["width"], box["y"] + 30.5 / 60 * box["height"])
    error = decoded(picture["error"][2])[30, 60, 0] / 255 * picture["limit"]
    words = tab.text_content(".readout").split()
    assert words[:4] == ["x", "60,", "y", "30"]
    assert float(words[-1]) == pytest.approx(error, rel=0.05)


def test_names_are_never_cut_to_the_same(open_page: Open, tmp_path: Path) -> None:
    """Names that differ only at the end or in the middle stay different everywhere; on a phone they
    stay visible.
    """
    same = "experiments/swinir_charbonnier_patch192_batch32_" * 2
    evaluation = without_files(9, [f"{same}seed1", f"{same}seed2"])
    for image in evaluation.images:
        start, end = ("", f"_{image.index}.png") if image.index % 2 else (image.index, ".png")
        image.name = f"{same}{start}{'_x' * 90}{end}"
    evaluation = summed(evaluation.metrics, evaluation.methods, evaluation.images)
    page = write_report(evaluation, tmp_path, worst=9)
    texts = "all => all.map(one => one.textContent.replace(/[0-9.]+ dB/, ''))"
    cut = "all => all.filter(n => n.scrollHeight > n.clientHeight + 1).length"
    for width in (1200, 400):
        tab = open_page(page, width=width)
        for part, number in (("#images .name", 9), (".card-name", 9), (".result th[scope=row]", 2)):
            assert len(set(tab.eval_on_selector_all(part, texts))) == number, part
        heads = tab.eval_on_selector_all("#images thead th[aria-sort]", texts)
        assert len(set(heads)) == 4
        assert tab.eval_on_selector_all("#images .name", cut) == 0
    first = tab.locator("#images tbody th").first
    before = first.bounding_box()["x"]
    tab.eval_on_selector(".scroller", "box => box.scrollTo(300, 0)")
    assert tab.evaluate("document.querySelector('.scroller').scrollLeft") > 0
    assert first.bounding_box()["x"] == before


def test_best_mean_is_of_the_same_images(open_page: Open, tmp_path: Path) -> None:
    evaluation = without_files(30, ["ours", "theirs"])
    for image in evaluation.images:
        image.values = {"ours": {"psnr": 31.0, "ssim": 0.5}, "theirs": {"psnr": 30.0, "ssim": 0.6}}
    for image in evaluation.images[:10]:  # hard ones
        image.values["ours"]["psnr"] = 10.0
        del image.values["theirs"]["psnr"]
        image.errors["theirs"] = "is damaged"
    evaluation = summed(evaluation.metrics, evaluation.methods, evaluation.images)
    tab = open_page(write_report(evaluation, tmp_path, worst=0))
    best = tab.locator("#summary .best").all_text_contents()
    assert best == ["31.00 of 20", "0.6000"], (
        "30.00 over 20 images is more than 24.00 over 30, and means nothing"
    )
    assert tab.locator("#summary td.mean small").all_text_contents() == [
        "31.00 of 20",
        "30.00 of 20",
    ]
    assert (
        "PSNR: these means are over unequal sets of images and cannot be compared"
        in tab.text_content("#summary")
    )
    assert "SSIM: these means" not in tab.text_content("#summary")
    for place, image in enumerate(evaluation.images):
        if place >= 10:
            del image.values["ours"]["psnr"]
    evaluation = summed(evaluation.metrics[:1], evaluation.methods, evaluation.images)
    tab = open_page(write_report(evaluation, tmp_path / "none", worst=0))
    assert tab.locator("#summary .best").count() == 0
    assert "no best mean is marked" in tab.text_content("#summary")


def test_table_sorts_numbers_and_leaves_the_missing_last(open_page: Open, three_page: Path) -> None:
    tab = open_page(three_page)
    head = tab.locator("#images thead th[aria-sort]")
    assert names(tab)[0] == "photograph_0.png"
    head.nth(2).locator("button").click()  # PSNR of the first method, worst first
    assert head.nth(2).get_attribute("aria-sort") == "ascending"
    cells = column(tab, 3)
    assert [float(cell) for cell in cells[:10]] == sorted(float(cell) for cell in cells[:10])
    assert cells[10:] == ["∞", "–"]
    head.nth(2).locator("button").click()
    assert head.nth(2).get_attribute("aria-sort") == "descending"
    cells = column(tab, 3)
    assert cells[0] == "∞"
    assert cells[11] == "–"
    head.nth(5).locator("button").click()  # SSIM, with one that is no number
    assert column(tab, 6)[-2:] == ["NaN", "–"]
    assert head.nth(2).get_attribute("aria-sort") == "none"
    head.nth(8).locator("button").press("Enter")  # L1, of which the largest is worst
    assert head.nth(8).get_attribute("aria-sort") == "descending"
    head.nth(0).locator("button").click()
    assert names(tab)[-2:] == ["photograph_10.png", "photograph_11.png"], (
        "numbers in names count as numbers"
    )


def test_table_is_filtered(open_page: Open, three_page: Path) -> None:
    tab = open_page(three_page)
    tab.keyboard.press("/")
    tab.keyboard.type("PHOTO _1")
    assert names(tab) == ["photograph_10.png", "photograph_11.png"]
    assert tab.text_content("#images .tally") == "2 of 12 images"
    tab.fill("#filter", "psnr<24")
    low = column(tab, 3)
    assert 0 < len(low) < 12
    tab.fill("#filter", "psnr>=0 </script>")
    assert names(tab) == [HOSTILE]
    tab.fill("#filter", "nothing of this kind")
    assert tab.is_visible(".empty")
    tab.fill("#filter", "")
    tab.click("#images label[title=Incomplete]")
    assert names(tab) == ["photograph_4.png"]
    tab.click("#images label[title=All]")
    tab.locator("#distributions .bar").first.click()
    assert 0 < len(names(tab)) < 12
    tab.click("#images .chip")
    assert len(names(tab)) == 12


def test_many_images_are_drawn_in_windows(open_page: Open, tmp_path: Path) -> None:
    evaluation = without_files(5000, ["a", "b", "c"])
    data = page_data(evaluation, worst=12, thumbnails=[None] * 5000, pictures={})
    (tmp_path / "index.html").write_text(page(data, {}, title="many"), encoding="utf-8")
    tab = open_page(tmp_path / "index.html")
    assert tab.locator("#images tbody tr").count() < 60
    assert tab.get_attribute(".grid", "aria-rowcount") == "5002"
    tab.locator(".name").first.focus()
    tab.keyboard.press("End")
    assert tab.evaluate("document.activeElement.textContent") == "set1/image_4999.png"
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate("document.activeElement.closest('tr').ariaRowIndex") == "5001"
    tab.keyboard.press("Home")
    assert tab.evaluate("document.activeElement.textContent") == "set0/image_0.png"
    tab.locator("#images thead button").nth(2).click()
    worst = min(image.values["a"]["psnr"] for image in evaluation.images)
    assert float(column(tab, 3)[0]) == pytest.approx(worst, abs=0.006)
    tab.fill("#filter", "set3/ psnr<20")
    assert 0 < len(names(tab)) < 60
    tab.locator(".name").first.press("Enter")
    assert "This page has pictures of 0 images only" in tab.text_content("dialog")


def share(tab: Any) -> float:
    """Where the border is, in per cent; that of every pane of the open image."""
    cut = "all => all.map(over => parseFloat(over.style.clipPath.match(/([\\d.]+)%\\)/)[1]))"
    now = "all => all.map(handle => Number(handle.ariaValueNow))"
    (told,) = set(tab.eval_on_selector_all("#viewer .handle", now))
    (shown,) = set(tab.eval_on_selector_all("#viewer .over", cut))
    assert told == pytest.approx(shown, abs=0.5)
    return float(told)


def test_slider_moves_by_mouse_and_by_keys(open_page: Open, three_page: Path) -> None:
    tab = open_page(three_page)
    tab.locator(".name").first.press("Enter")
    assert tab.evaluate("document.activeElement.getAttribute('role')") == "slider"
    assert share(tab) == 50
    tab.keyboard.press("ArrowLeft")
    assert share(tab) == 48
    tab.keyboard.press("Shift+ArrowRight")
    assert share(tab) == 58
    tab.keyboard.press("End")
    assert share(tab) == 100
    tab.keyboard.press(" ")
    assert share(tab) == 0
    box = tab.locator("#viewer .sheet").first.bounding_box()
    tab.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 40)
    tab.mouse.down()
    assert share(tab) == pytest.approx(20, abs=1)
    tab.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 60, steps=4)
    tab.mouse.up()
    assert share(tab) == pytest.approx(70, abs=1)
    tab.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 60)
    assert share(tab) == pytest.approx(70, abs=1), "the button is up"
    assert (
        tab.get_attribute("#viewer .handle", "aria-valuetext")
        == f"70 % reference, the rest {METHODS[0]}"
    )


def test_keys_lead_through_the_images(open_page: Open, three_page: Path) -> None:
    tab = open_page(three_page)
    tab.locator(".name").first.focus()
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    assert tab.text_content("#viewer-name") == HOSTILE
    tab.keyboard.press("n")
    assert tab.text_content("#viewer-name") == LONG
    assert tab.text_content(".place").startswith("3 of 12")
    for _ in range(2):
        tab.keyboard.press("n")
    assert "is damaged" in tab.text_content(".alone")
    assert not tab.is_visible("#viewer .stage")
    assert tab.evaluate("document.activeElement.ariaLabel") == "Close (Esc)", (
        "what is hidden cannot keep the focus"
    )
    for _ in range(4):
        tab.keyboard.press("p")
    assert tab.text_content("#viewer-name") == "photograph_0.png"
    assert tab.is_disabled("dialog .buttons button:first-child")
    tab.keyboard.press("3")
    assert tab.text_content("#viewer .tag.right") == "bicubic"
    tab.select_option("dialog select", "2")
    assert tab.text_content("#viewer .tag.left") == "theirs"
    tab.keyboard.press("+")
    assert tab.evaluate("document.querySelector('#viewer .sheet').style.width") == "48px"
    tab.keyboard.press("Escape")
    assert not tab.is_visible("dialog")
    assert tab.evaluate("document.activeElement.title") == HOSTILE, "focus is back where it was"
    tab.keyboard.press("?")
    tab.keyboard.press("t")
    assert tab.get_attribute("html", "data-theme") == "light"


def test_maps_are_coloured_and_read(open_page: Open, three: Evaluation, three_page: Path) -> None:
    import matplotlib

    tab = open_page(three_page)
    tab.locator(".name").nth(1).press("Enter")
    tab.keyboard.press("e")
    tab.wait_for_selector("#viewer .over canvas[width='90']")
    picture = _pictures.draw_picture(three.images[1], METHODS)
    assert picture is not None
    level = decoded(picture["error"][0])[30, 60, 0]
    expected = [int(c) for c in matplotlib.colormaps["inferno"](int(level), bytes=True)]
    assert (
        tab.evaluate(
            "[...document.querySelector('#viewer .over canvas').getContext('2d')"
            ".getImageData(60, 30, 1, 1).data]"
        )
        == expected
    )
    assert tab.eval_on_selector_all(
        ".map:last-of-type .ticks span", "all => all.map(e => e.textContent)"
    ) == [
        "0",
        f"{picture['limit'] / 2:g}",
        f"≥ {picture['limit']}",
    ]
    assert "in levels of 255" in tab.text_content("dialog")
    box = tab.locator("#viewer .sheet").first.bounding_box()
    tab.mouse.move(box["x"] + 60.5 / 90 * box["width"], box["y"] + 30.5 / 60 * box["height"])
    words = tab.text_content(".readout").split()
    assert words[:4] == ["x", "60,", "y", "30"]
    assert float(words[-1]) == pytest.approx(level / 255 * picture["limit"], rel=0.05)


def test_light_and_dark(open_page: Open, three_page: Path) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    tab = open_page(three_page)
    light, dark = "rgb(253, 253, 251)", "rgb(22, 23, 21)"
    assert tab.evaluate(paper) == light
    tab.click("#theme label[title=Dark]")
    assert tab.evaluate(paper) == dark
    tab = open_page(three_page, scheme="dark")
    assert tab.evaluate(paper) == dark
    tab.click("#theme label[title=Light]")
    assert tab.evaluate(paper) == light


@pytest.mark.parametrize(
    ("name", "width"),
    [("three_page", 400), ("three_page", 800), ("three_page", 1600), ("gray_page", 400)],
)
def test_nothing_is_wider_than_the_page(
    open_page: Open, name: str, width: int, request: pytest.FixtureRequest
) -> None:
    tab = open_page(request.getfixturevalue(name), width=width)
    wider = "part => part.scrollWidth - part.clientWidth"
    assert tab.eval_on_selector("html", wider) == 0
    if width >= 800:  # made narrower, as a phone that is turned
        tab.set_viewport_size({"width": width // 2, "height": 800})
        tab.evaluate("new Promise(requestAnimationFrame)")
        assert tab.eval_on_selector("html", wider) == 0
        tab.set_viewport_size({"width": width, "height": 800})
    tab.locator("#worst .card").nth(2).click()  # the longest name
    assert tab.eval_on_selector("dialog", wider) == 0
    over = (
        "(s) => { const b = document.querySelector(s).getBoundingClientRect(); return b.left "
        ">= 0 && b.right <= innerWidth; }"
    )
    assert all(
        tab.evaluate(over, part)
        for part in (".title", ".buttons", "#viewer .stage", ".controls", ".tile", ".copies")
    )


def test_images_that_were_turned_are_marked(open_page: Open, tmp_path: Path) -> None:
    evaluation = on_disk(tmp_path, ["ours"], number=6)
    marked, failed = evaluation.images[0], evaluation.images[4]
    marked.orientation = failed.orientation = 3
    exif = Image.Exif()
    exif[0x0112] = 3
    with Image.open(marked.reference) as opened:
        opened.save(marked.reference, exif=exif)
    failed.values["ours"] = {"psnr": 30.0}
    evaluation.about = evaluation.about | {"orientation": "ours, 2 images: as told"}
    tab = open_page(write_report(evaluation, tmp_path / "report"))
    flags = tab.locator("#images .flag.turned")
    assert flags.all_text_contents() == ["rotated by its tag"] * 2
    assert "has orientation tag 3 (turned by 180 degrees)" in flags.first.get_attribute("title")
    assert "ours, 2 images: as told" in tab.text_content("#about")
    heights = tab.eval_on_selector_all(
        "#images tbody tr[data-position]", "rows => rows.map(row => row.offsetHeight)"
    )
    assert set(heights) == {52}, "rows of two flags are as high as all others"
    tab.get_by_label(f"Open {marked.name}", exact=True).first.click()
    assert "orientation tag 3" in tab.text_content("dialog")


def test_one_method_has_no_comparison(open_page: Open, gray_page: Path) -> None:
    tab = open_page(gray_page)
    assert not tab.is_visible("#comparisons")
    assert "Methods compared" not in tab.text_content("nav")
    assert tab.locator("#images thead tr").count() == 1
    tab.locator("#worst .card").first.click()
    tab.keyboard.press("s")
    tab.wait_for_selector("#viewer .over canvas[width='48']")
    assert not tab.is_visible("dialog .methods")


def test_planted_request_and_script_are_stopped(
    browser: Any, three: Evaluation, tmp_path: Path
) -> None:
    """What the fixture listens for is heard, and the policy stops what escaping did not."""
    data = page_data(three, worst=0, thumbnails=[None] * 12, pictures={})
    text = page(data, {}, title="planted").replace(
        "<main>", "<main><script>window.hacked = 3</script><img src='http://127.0.0.1:9/x.png'>"
    )
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    tab, heard = browser.new_page(), []
    tab.on("console", lambda message: heard.append(message.text))
    tab.goto((tmp_path / "index.html").as_uri())
    tab.wait_for_selector("html[data-ready]", state="attached")
    assert tab.evaluate("window.hacked") is None
    assert sum("Content Security Policy" in words for words in heard) == 2
    tab.close()


def test_a_page_of_clips_has_scores_over_time(
    clips: Evaluation, tmp_path: Path, open_page: Open
) -> None:
    tab = open_page(write_report(clips, tmp_path, worst=2))
    assert "2 clips" in tab.inner_text("#gist")
    curves = tab.locator("#curves figure")
    assert curves.count() == 4, "a plot of each clip and metric that frames have"
    assert tab.locator("#curves .curve").count() == 8
    tab.locator("#curves .shot").first.dispatch_event("click")
    assert ", frame " in tab.inner_text("#viewer-name")
    assert "as RGB of 8 bit" in tab.inner_text("#viewer .note")
    assert "harmonic" not in tab.inner_text("#viewer .values")
    tab.keyboard.press("Escape")
    assert names(tab) == [clip.name for clip in clips.clips], "frames are no rows of the table"
    tab.locator("#images .name").first.click()
    assert tab.inner_text("#viewer-name").startswith(f"{clips.images[0].name}, frame ")
