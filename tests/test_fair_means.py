"""What makes numbers of methods incomparable is said: means over unequal sets of images, and other
bit depths.
"""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluations import DISTANCE, PSNR, SSIM, save, summed, without_files
from rich.console import Console

from ssimloss.cli._result import print_result
from ssimloss.evaluation import Evaluation, evaluate
from ssimloss.evaluation.fairness import FairMeans, fair_means
from ssimloss.evaluation.report._data import page_data

pytestmark = pytest.mark.usefixtures("one_thread")
METHODS = ["steady", "lucky", "third"]


@pytest.fixture
def unequal() -> Evaluation:
    """The second method lacks the image that is hard for all methods, so it has the best PSNR on
    its own images.
    """
    images = without_files(4, METHODS).images
    for image, values in zip(
        images, ([31, 30, 29], [33, 32, 31], [35, 34, 33], [11, None, 9]), strict=True
    ):
        image.values = {
            m: {"psnr": float(v), "l1": 1 / v}
            for m, v in zip(METHODS, values, strict=True)
            if v is not None
        }
    for method in METHODS:
        images[0].values[method]["ssim"] = 0.5
    images[3].errors["lucky"] = "is damaged"
    return summed([PSNR, DISTANCE], METHODS, images)


def test_means_are_of_the_images_that_all_methods_have(unequal: Evaluation) -> None:
    assert {row.method: row.mean for row in unequal.summaries if row.metric == "psnr"} == {
        "steady": 27.5,
        "lucky": 32,
        "third": 25.5,
    }
    psnr, distance = fair_means(unequal)
    assert psnr == FairMeans("psnr", 3, {"steady": 33, "lucky": 32, "third": 31})
    assert distance.count == 3
    assert distance.means["lucky"] == pytest.approx((1 / 30 + 1 / 32 + 1 / 34) / 3, rel=1e-15)


def test_as_many_images_need_not_be_the_same(unequal: Evaluation) -> None:
    for place, method in ((0, "steady"), (1, "third")):
        del unequal.images[place].values[method]
    again = summed([PSNR], METHODS, unequal.images)
    assert {row.count for row in again.summaries} == {3}
    assert fair_means(again) == [FairMeans("psnr", 1, {"steady": 35, "lucky": 34, "third": 33})]


def test_infinite_values_make_sets_unequal(unequal: Evaluation) -> None:
    """The mean of PSNR leaves them out."""
    unequal.images = unequal.images[:3]
    assert fair_means(summed([PSNR], METHODS, unequal.images)) == []
    unequal.images[0].values["third"]["psnr"] = math.inf
    (found,) = fair_means(summed([PSNR], METHODS, unequal.images))
    assert found == FairMeans("psnr", 2, {"steady": 34, "lucky": 33, "third": 32})


def test_no_image_of_all_methods(unequal: Evaluation) -> None:
    for place, method in enumerate(METHODS):
        del unequal.images[place].values[method]["psnr"]
    again = summed([PSNR, SSIM], METHODS, unequal.images[:3])
    assert fair_means(again) == [FairMeans("psnr", 0, {})]
    assert page_data(again, worst=0, thumbnails=[], pictures={})["fair"] == [
        {"metric": 0, "count": 0, "means": [None] * 3}
    ]


def printed(evaluation: Evaluation) -> str:
    file = io.StringIO()
    print_result(evaluation, Console(file=file, width=200))
    return file.getvalue()


def test_terminal_table_has_them(unequal: Evaluation) -> None:
    """With the number of images that they are over; the winner is by them."""
    lines = printed(unequal).splitlines()
    assert [line.split()[3:] for line in lines[1:4]] == [
        ["↑", "33.0000", "best*", unequal_std(unequal, "steady"), "3"],
        ["↑", "32.0000", unequal_std(unequal, "lucky"), "3"],
        ["↑", "31.0000", unequal_std(unequal, "third"), "3"],
    ]
    told = "methods have values of different images; means are over the 3 that all methods have"
    assert [line.split(":")[0] for line in lines if told in line] == ["PSNR (dB)", "L1"]
    equal = printed(summed([PSNR, DISTANCE], METHODS, unequal.images[:3]))
    assert "different images" not in equal


def unequal_std(evaluation: Evaluation, method: str) -> str:
    return f"{next(row.std for row in evaluation.summaries if row.method == method):.4f}"


def test_interval_of_one_image_is_a_dash(unequal: Evaluation) -> None:
    """Where another has an infinite value, which is counted; with one image there is no table."""
    unequal.images[1].values["steady"]["psnr"] = math.inf
    two = summed([PSNR], ["steady"], unequal.images[:2])
    two.summaries = [replace(row, low=math.nan, high=math.nan) for row in two.summaries]
    lines = printed(two).splitlines()
    assert lines[1].split()[3:] == ["↑", "31.0000", "0.0000", "2"]
    assert lines[2] == (
        "steady, PSNR (dB): 1 of 2 values are infinite (equal images) and not in the mean"
    )
    assert lines[-1].split()[3] == "-"
    assert "95 %" not in printed(summed([PSNR], ["steady"], unequal.images[:1]))


def test_other_bit_depths_are_told(tmp_path: Path) -> None:
    """In the record, and under the table; a method of the same depth is not."""
    for i in range(3):
        truth = np.linspace(0, 65535, 32 * 32 * (i + 1)).reshape(32, -1).astype(np.uint16)
        save(tmp_path / "gt" / f"{i}.png", truth)
        save(tmp_path / "deep" / f"{i}.png", truth // 2)
        save(tmp_path / "[b]" / f"{i}.png", (truth / 257).round().astype(np.uint8))
    found = evaluate(tmp_path / "gt", [tmp_path / "deep", tmp_path / "[b]"], metrics=["psnr"])
    words = (
        "reference of 16 bit, result of 8 bit: each counts over its own range, 65535 and 255; "
        "rounding to 8 bit alone leaves a PSNR"
    )
    assert found.about["bit depths"] == f"[b], 3 images: {words} of about 59 dB"
    assert found.summaries[1].mean == pytest.approx(59, abs=0.5), "as it says"
    assert f"bit depths: [b], 3 images: {words}" in " ".join(printed(found).split())
    assert "bit depths" not in evaluate(tmp_path / "gt", tmp_path / "deep", metrics=["psnr"]).about
