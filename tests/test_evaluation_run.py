"""Folders in, tables out: values, errors, journal and resume; in one process."""

from __future__ import annotations

import csv
import errno
import functools
import json
import math
import os
import resource
import shutil
import sys
import types
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import deep
import numpy as np
import photographs
import pytest
import torch
from PIL import Image as Pillow
from processes import needs_gloo
from test_evaluation_images import png16

import ssimloss
from ssimloss import functional as F
from ssimloss.evaluation import Evaluation, evaluate, inspect
from ssimloss.evaluation import records as on_disk
from ssimloss.evaluation.sharding import World
from ssimloss.metrics import ImageMeasure, measure, protocol

pytestmark = pytest.mark.usefixtures("one_thread")

SIZES = [(40, 48), (41, 47), (40, 48), (40, 48), (33, 60), (40, 48), (41, 47)]


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels.squeeze()).save(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    for i, (height, width) in enumerate(SIZES):
        pred, target = photographs.pair("chelsea", height, width, 20 * i, 30 * i)
        save(root / "gt" / f"{i}.png", target)
        save(root / "a" / f"{i}.png", pred)
        save(root / "b" / f"{i}.png", photographs.degrade(pred, i))
    return root


@pytest.fixture
def images(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(made, tmp_path / "images")
    return tmp_path / "images"


def content(path: Path) -> torch.Tensor:
    with Pillow.open(path) as opened:
        return torch.from_numpy(np.array(opened)).permute(2, 0, 1)[None].double() / 255


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


# Sizes mixed, batches of one and of many: the values are those of each pair by itself.
@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_values_are_those_of_each_pair(made: Path, batch_size: int) -> None:
    result = evaluate(
        made / "gt", [made / "a", made / "b"], metrics=("psnr", "ssim", "l1"), batch_size=batch_size
    )
    assert [image.name for image in result.images] == [str(i) for i in range(len(SIZES))]
    for i, image in enumerate(result.images):
        assert image.size == SIZES[i]
        assert image.errors == {}
        target = content(made / "gt" / f"{i}.png")
        for method in ("a", "b"):
            pred = content(made / method / f"{i}.png")
            assert image.values[method]["psnr"] == pytest.approx(
                F.psnr(pred, target).item(), rel=1e-12
            )
            assert image.values[method]["ssim"] == pytest.approx(
                F.ssim(pred, target).item(), rel=1e-12
            )
            assert image.values[method]["l1"] == pytest.approx(
                (pred - target).abs().mean().item(), rel=1e-12
            )
    assert [(row.method, row.metric, row.count) for row in result.summaries[:2]] == [
        ("a", "psnr", 7),
        ("b", "psnr", 7),
    ]
    assert result.summaries[0].mean == pytest.approx(
        np.mean([image.values["a"]["psnr"] for image in result.images])
    )
    assert [(row.metric, row.first, row.second, row.count) for row in result.comparisons] == [
        (m, "a", "b", 7) for m in ("psnr", "ssim", "l1")
    ]


def test_batches_change_no_digit(made: Path) -> None:
    one, many = (
        evaluate(
            made / "gt", made / "a", metrics=("psnr", "ssim", "g_ssim", "l1"), batch_size=n
        ).images
        for n in (1, 16)
    )
    assert one == many


def test_protocol_decides(made: Path) -> None:
    result = evaluate(
        made / "gt",
        made / "a",
        protocol="basicsr",
        scale=4,
        metrics=["psnr", measure("ssim", protocol("plain"))],
    )
    pred, target = (content(made / folder / "2.png") for folder in ("a", "gt"))
    assert (
        result.images[2].values["a"]["psnr"]
        == protocol("basicsr", scale=4).psnr(pred, target).item()
    )
    assert result.images[2].values["a"]["ssim"] == protocol("plain").ssim(pred, target).item()
    assert "bt601_studio" in result.about["protocol"]
    assert (
        "border" in result.metrics[0].description or "cut 4 pixels" in result.metrics[0].description
    )
    assert {"versions", "device", "date"} <= result.about.keys()
    assert "command" not in result.about


def test_16_bit_takes_its_range_from_the_file(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    target = random.integers(0, 65536, (20, 24, 3))
    pred = np.clip(target + random.integers(-900, 900, target.shape), 0, 65535)
    for name, pixels in (("gt.png", target), ("pred.png", pred)):
        (tmp_path / name).write_bytes(png16(pixels))
    save(tmp_path / "pred8.png", (pred // 257).astype(np.uint8))
    truth = 10 * math.log10(65535**2 / ((target - pred) ** 2).mean())
    result = evaluate(
        tmp_path / "gt.png", [tmp_path / "pred.png", tmp_path / "pred8.png"], metrics=["psnr"]
    )
    assert result.images[0].values["pred"]["psnr"] == pytest.approx(truth, rel=1e-12)
    assert result.images[0].values["pred8"]["psnr"] == pytest.approx(truth, abs=1), (
        "8 bit beside 16: each by its own range"
    )


def test_files_written_say_the_same(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    calls: list[tuple[int, int]] = []
    result = evaluate(
        made / "gt",
        {"ä,\n": made / "a"},
        out=out,
        batch_size=2,
        on_progress=lambda *call: calls.append(call),
    )
    assert calls == [(2, 7), (4, 7), (6, 7), (7, 7)]
    read = Evaluation.from_json((out / "per_image.json").read_text())
    assert (read.images, read.summaries, read.about) == (
        result.images,
        result.summaries,
        result.about,
    )
    rows = read_csv(out / "per_image.csv")
    assert [row["name"] for row in rows] == [image.name for image in result.images]
    assert [float(row["psnr"]) for row in rows] == [
        image.values["ä,\n"]["psnr"] for image in result.images
    ]
    assert {row["status"] for row in rows} == {"ok"}
    assert sorted(read_csv(out / "journal/rank-0.csv"), key=lambda row: int(row["index"])) == rows
    assert float(read_csv(out / "summary.csv")[0]["mean"]) == result.summaries[0].mean
    assert Evaluation.from_json((out / "summary.json").read_text()).summaries == result.summaries
    assert (out / "index.html").stat().st_size > 1000


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


def _other_size(path: Path) -> None:
    save(path, np.zeros((40, 49, 3), np.uint8))


def _gray(path: Path) -> None:
    save(path, np.zeros((40, 48), np.uint8))


def _transparent(path: Path) -> None:
    save(path, np.zeros((40, 48, 4), np.uint8))


def _cmyk(path: Path) -> None:
    Pillow.new("CMYK", (48, 40)).save(path, format="JPEG")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_truncated, r"2.png: .*truncated"),
        (_other_size, r"2.png: its size and that of its reference differ, 40x49 and 40x48"),
        (_gray, r"2.png: it is gray and its reference is in colour"),
        (_transparent, r"2.png: has transparent pixels; .*alpha='drop'"),
        (_cmyk, r"2.png: is CMYK"),
        (Path.unlink, None),
        (lambda path: path.write_text("no image"), r"2.png: is no PNG"),
    ],
)
def test_what_cannot_be_compared_is_an_error_and_in_no_mean(
    images: Path, spoil: Callable[[Path], None], words: str | None
) -> None:
    clean = evaluate(images / "gt", [images / "a", images / "b"])
    spoil(images / "a/2.png")
    result = evaluate(images / "gt", [images / "a", images / "b"], out=images / "out")
    assert result.failures == 1
    if words is None:
        assert result.images[2].errors == {"a": "has no file for this image"}
        assert result.unmatched == [f"{images}/gt/2.png has no file of a"]
    else:
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(result.images[2].errors["a"])
        with pytest.raises(RuntimeError, match=words):
            evaluate(images / "gt", [images / "a", images / "b"], on_damaged="stop")
    assert result.images[2].values == {"b": clean.images[2].values["b"]}
    left = [image.values["a"]["psnr"] for i, image in enumerate(clean.images) if i != 2]
    assert (result.summaries[0].count, result.summaries[0].mean) == (6, math.fsum(left) / 6)
    assert result.summaries[1] == clean.summaries[1], "the other method has all its images"
    assert result.comparisons[0].count == 6
    row = next(
        row
        for row in read_csv(images / "out/per_image.csv")
        if (row["index"], row["method"]) == ("2", "a")
    )
    assert (row["status"], row["psnr"]) == ("error", "")


def test_file_that_changes_between_its_header_and_its_pixels(images: Path) -> None:
    def rewrite(finished: int, total: int) -> None:
        del total
        if finished == 1:  # the next batches are being decoded; the last one is not
            for folder in ("gt", "a"):
                shutil.copy(images / folder / "0.png", images / folder / "6.png")

    result = evaluate(images / "gt", images / "a", batch_size=1, workers=1, on_progress=rewrite)
    assert result.failures == 1
    assert "6.png: changed after its header was read" in result.images[6].errors["a"]


def test_damaged_reference(images: Path) -> None:
    _truncated(images / "gt/0.png")
    result = evaluate(images / "gt", [images / "a", images / "b"])
    assert result.images[0].errors.keys() == {"a", "b"}
    assert result.images[0].errors["a"].startswith(f"reference {images}/gt/0.png: ")
    assert "truncated" in result.images[0].errors["b"]


def test_measure_that_cannot_serve_an_image(images: Path) -> None:
    """The others can."""
    pred, target = photographs.pair("chelsea", 176, 180)
    save(images / "gt/7.png", target)
    save(images / "a/7.png", pred)
    result = evaluate(images / "gt", images / "a", metrics=("psnr", "ms_ssim"))
    assert set(result.images[0].values["a"]) == {"psnr"}
    assert result.images[0].errors["a"].startswith("MS-SSIM: ")
    assert set(result.images[7].values["a"]) == {"psnr", "ms_ssim"}
    assert [(row.metric, row.count) for row in result.summaries] == [("psnr", 8), ("ms_ssim", 1)]
    with pytest.raises(RuntimeError, match="MS-SSIM: "):
        evaluate(images / "gt", images / "a", metrics=("psnr", "ms_ssim"), on_damaged="stop")


def test_nothing_left_is_an_error_and_its_records_are_kept(images: Path) -> None:
    for path in (images / "a").iterdir():
        _truncated(path)
    with pytest.raises(
        RuntimeError, match=r"no image could be measured: .*0.png: .*truncated.* \(and 6 more\)"
    ):
        evaluate(images / "gt", images / "a", out=images / "out")
    assert {row["status"] for row in read_csv(images / "out/per_image.csv")} == {"error"}


def test_equal_images_are_infinite_and_not_in_the_mean(images: Path) -> None:
    shutil.copy(images / "gt/3.png", images / "a/3.png")
    result = evaluate(images / "gt", images / "a", out=images / "out", metrics=("psnr",))
    assert result.images[3].values["a"]["psnr"] == math.inf
    assert (result.summaries[0].count, result.summaries[0].infinite, result.summaries[0].best) == (
        7,
        1,
        "3",
    )
    assert math.isfinite(result.summaries[0].mean)
    assert read_csv(images / "out/per_image.csv")[3]["psnr"] == "inf"


def test_names_beyond_ascii(images: Path) -> None:
    names = ["é", "日本", 'comma, "quote"', "line\nbreak", "[bold]", "\udcff"]
    for i, name in enumerate(names):
        for folder in ("gt", "a"):
            (images / folder / f"{i}.png").rename(images / folder / f"{name}.png")
    result = evaluate(images / "gt", images / "a", out=images / "out")
    assert result.failures == 0
    rows = read_csv(images / "out/per_image.csv")
    assert {Path(row["reference"]).stem for row in rows} == {*names, "6"}
    assert Evaluation.from_json((images / "out/per_image.json").read_text()).images == result.images


class Stop(Exception):
    """Of a test that ends a run."""


def _stopped(after: int) -> Callable[[int, int], None]:
    def show(finished: int, total: int) -> None:
        del total
        if finished >= after:
            raise Stop

    return show


def tables(out: Path) -> tuple[bytes, bytes]:
    return (out / "per_image.csv").read_bytes(), (out / "summary.csv").read_bytes()


def test_floats_are_measured_over_the_range_that_is_named(images: Path, tmp_path: Path) -> None:
    """White of 2.0, against results of 8 bit: the numbers of the files they were made from."""
    for path in sorted((images / "gt").iterdir()):
        pixels = np.asarray(Pillow.open(path)).astype(np.float32) * np.float32(2 / 255)
        (images / "float").mkdir(exist_ok=True)
        np.save(images / "float" / path.with_suffix(".npy").name, pixels)
    (images / "gt" / "0.npy").write_bytes(b"a cache of something")
    options = {"metrics": ["psnr", "ssim"], "on_damaged": "stop"}
    whole = evaluate(images / "gt", images / "a", **options)
    assert len(whole.unmatched) == 1, "arrays beside pictures are left out, in words"
    out = tmp_path / "out"
    found = evaluate(images / "float", images / "a", data_range=2.0, out=out, **options)
    for image, other in zip(found.images, whole.images, strict=True):
        for name, value in image.values["a"].items():
            assert value == pytest.approx(other.values["a"][name], rel=1e-5)
    assert "reference of floating point, result of 8 bit" in found.about["bit depths"]
    assert Evaluation.from_json(found.to_json()).data_range == 2.0
    text = (out / "index.html").read_text(encoding="utf-8")
    assert "in 255ths of the data range 2" in text, "pictures are read with it again"
    with pytest.raises(ValueError, match="data_range"):
        evaluate(images / "float", images / "a", data_range=1.0, out=out, resume=True, **options)
    with pytest.raises(RuntimeError, match=r"0.npy: holds floating-point numbers, whose range"):
        evaluate(images / "float", images / "a", **options)


def test_resume(images: Path) -> None:
    """Existing values are not decoded again, half a line is ignored, and the values equal those of
    an uninterrupted run.
    """
    options: dict[str, Any] = {"batch_size": 2, "report": False}
    out, whole = images / "out", images / "whole"
    evaluate(images / "gt", images / "a", out=whole, **options)
    with pytest.raises(Stop):
        evaluate(images / "gt", images / "a", out=out, on_progress=_stopped(4), **options)
    assert len(read_csv(out / "journal/rank-0.csv")) == 4, "streamed"
    with (out / "journal/rank-0.jsonl").open("ab") as file:
        file.write(b'{"batch": "half a li')
    with pytest.raises(
        ValueError, match="already holds an evaluation: resume continues it, overwrite discards it"
    ):
        evaluate(images / "gt", images / "a", out=out, **options)
    calls: list[tuple[int, int]] = []
    evaluate(
        images / "gt",
        images / "a",
        out=out,
        resume=True,
        on_progress=lambda *call: calls.append(call),
        **options,
    )
    assert calls[-1] == (3, 3), "four were there"
    assert tables(out) == tables(whole)
    assert sorted(row["index"] for row in read_csv(out / "journal/rank-0.csv")) == [
        str(i) for i in range(7)
    ]
    evaluate(images / "gt", images / "a", out=out, resume=True, on_progress=_stopped(0), **options)
    assert tables(out) == tables(whole), "a whole one has nothing to do"


def test_resume_measures_anew_what_has_changed_or_failed(images: Path) -> None:
    out = images / "out"
    good = (images / "a/2.png").read_bytes()
    _truncated(images / "a/2.png")
    assert evaluate(images / "gt", images / "a", out=out, batch_size=1).failures == 1
    (images / "a/2.png").write_bytes(good)
    save(images / "a/4.png", photographs.degrade(photographs.pair("chelsea", *SIZES[4])[1]))
    calls: list[tuple[int, int]] = []
    result = evaluate(
        images / "gt",
        images / "a",
        out=out,
        batch_size=1,
        resume=True,
        on_progress=lambda *call: calls.append(call),
    )
    assert calls == [(1, 2), (2, 2)]
    assert result.images == evaluate(images / "gt", images / "a").images


def test_resume_measures_anew_under_another_name(images: Path) -> None:
    out = images / "out"
    evaluate(images / "gt", {"old": images / "a"}, out=out, metrics=["l1"], report=False)
    found = evaluate(images / "gt", {"new": images / "a"}, out=out, metrics=["l1"], resume=True)
    assert {row.method for row in found.summaries} == {"new"}


def test_resume_measures_anew_what_was_touched_or_resized(images: Path) -> None:
    """A file of as many bytes but another time, and one of the same time but other bytes."""
    out, calls = images / "out", []
    evaluate(images / "gt", images / "a", out=out, batch_size=1)
    os.utime(images / "a/1.png", ns=(0, 1))
    times = (images / "gt/3.png").stat().st_atime_ns, (images / "gt/3.png").stat().st_mtime_ns
    save(images / "gt/3.png", photographs.degrade(photographs.pair("chelsea", *SIZES[3])[1]))
    os.utime(images / "gt/3.png", ns=times)
    evaluate(
        images / "gt",
        images / "a",
        out=out,
        batch_size=1,
        resume=True,
        on_progress=lambda *call: calls.append(call),
    )
    assert calls == [(1, 2), (2, 2)]


def test_resume_tries_again_what_could_not_be_read(images: Path) -> None:
    """Also where the file looks as before: a network drive that was away."""
    path, out = images / "a/2.png", images / "out"
    good, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(good[:-20] + bytes([good[-20] ^ 1]) + good[-19:])
    os.utime(path, ns=times)
    assert evaluate(images / "gt", images / "a", out=out, batch_size=1).failures == 1
    path.write_bytes(good)
    os.utime(path, ns=times)
    assert evaluate(images / "gt", images / "a", out=out, batch_size=1, resume=True).failures == 0


def test_resume_refuses_other_settings_by_name(images: Path) -> None:
    out = images / "out"
    evaluate(images / "gt", images / "a", out=out, report=False)
    with pytest.raises(
        ValueError, match=r"other settings, which cannot be continued: batch_size was 16, is now 2"
    ):
        evaluate(images / "gt", images / "a", out=out, resume=True, batch_size=2)
    with pytest.raises(ValueError, match=r"metrics was {'psnr': .*, is now {'psnr': .*studio"):
        evaluate(images / "gt", images / "a", out=out, resume=True, protocol="basicsr", scale=2)
    evaluate(images / "gt", images / "b", out=out, overwrite=True, report=False)
    assert {row["method"] for row in read_csv(out / "per_image.csv")} == {"b"}
    with pytest.raises(Stop):
        evaluate(
            images / "gt",
            images / "a",
            out=out,
            overwrite=True,
            on_progress=_stopped(1),
            batch_size=1,
        )
    assert not (out / "per_image.csv").exists(), "discarded is what was there before"
    (out / "journal/settings.json").write_text("{")
    with pytest.raises(ValueError, match=r"settings.json cannot be read .*; overwrite discards"):
        evaluate(images / "gt", images / "b", out=out, resume=True)


def test_full_disk_while_measuring(images: Path) -> None:
    """The kernel refuses at a limit, in the middle of a write; what was kept before is whole, and
    resume goes on from it.
    """
    options: dict[str, Any] = {"batch_size": 1, "report": False}
    whole = evaluate(images / "gt", images / "a", out=images / "whole", **options)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(finished: int, total: int) -> None:
        del total
        if finished == 3:
            size = (images / "out/journal/rank-0.jsonl").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, before[1]))

    try:
        with pytest.raises(
            RuntimeError,
            match=r"cannot write .*rank-0.*; what was written before is kept: make room, then",
        ):
            evaluate(images / "gt", images / "a", out=images / "out", on_progress=fill, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    lines = (images / "out/journal/rank-0.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    assert all(json.loads(line)["rows"] and line.endswith(b"\n") for line in lines)
    calls: list[tuple[int, int]] = []
    result = evaluate(
        images / "gt",
        images / "a",
        out=images / "out",
        resume=True,
        on_progress=lambda *call: calls.append(call),
        **options,
    )
    assert calls[-1] == (7 - len(lines),) * 2
    assert result.images == whole.images
    assert tables(images / "out") == tables(images / "whole")


def test_full_disk_while_writing_tables(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of before stay."""
    out = images / "out"
    evaluate(images / "gt", images / "a", out=out, report=False)
    before = tables(out)
    save(images / "a/0.png", np.zeros((40, 48, 3), np.uint8))

    def full(descriptor: int) -> None:
        del descriptor
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(
            RuntimeError,
            match=r"cannot write .*per_image.csv \(No space left on device\); what was written "
            r"before is kept",
        ):
            evaluate(images / "gt", images / "a", out=out, resume=True, report=False)
    assert tables(out) == before
    assert not list(out.glob(".*partial"))
    evaluate(images / "gt", images / "a", out=out, resume=True, report=False)
    assert tables(out) != before


def test_folder_that_cannot_be_written(images: Path) -> None:
    (images / "file").touch()
    with pytest.raises(RuntimeError, match=r"cannot write .*file.* \(Not a directory\)"):
        evaluate(images / "gt", images / "a", out=images / "file")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (
            {"metrics": "psnr"},
            TypeError,
            "metrics must be a sequence of names, got the string 'psnr'",
        ),
        ({"metrics": []}, ValueError, "at least one metric"),
        ({"metrics": ["psnr", "psnr"]}, ValueError, "none twice"),
        ({"metrics": ["snr"]}, ValueError, "must be one of 'psnr', .*got 'snr'"),
        ({"protocol": "basicsr"}, ValueError, "needs scale"),
        ({"protocol": protocol("plain"), "scale": 2}, ValueError, "scale belongs to the name"),
        (
            {"on_damaged": "ignore"},
            ValueError,
            "on_damaged must be one of 'skip', 'stop', got 'ignore'",
        ),
        ({"alpha": "white"}, ValueError, "alpha must be one of"),
        ({"device": "toaster"}, ValueError, "device must be 'auto', 'cpu', .*, got 'toaster'"),
        (
            {"device": "meta"},
            ValueError,
            "device must be 'auto', 'cpu', .* computes in float64 here, got 'meta'",
        ),
        ({"overwrite": True}, ValueError, "overwrite discards what out holds; pass out"),
        (
            {"metrics": [measure("psnr")], "protocol": "basicsr", "scale": 2},
            ValueError,
            "is for metrics that are named",
        ),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"workers": 0}, ValueError, "workers must be at least 1"),
        ({"resume": True}, ValueError, "resume continues what out holds; pass out"),
        (
            {"resume": True, "overwrite": True, "out": "x"},
            ValueError,
            "leave overwrite out, which discards it",
        ),
    ],
)
def test_arguments(made: Path, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        evaluate(made / "gt", made / "a", **options)


def test_resume_goes_on_though_images_have_gone(images: Path) -> None:
    """Places in the order change, what was measured does not; the same files twice
    are two images.
    """
    (images / "pairs.csv").write_text(
        "reference,a\n" + "".join(f"gt/{i}.png,a/{i}.png\n" for i in (6, 0, 1, 0, 2, 4))
    )
    out, whole = images / "out", images / "whole"
    evaluate(images / "pairs.csv", out=out, batch_size=1)
    (images / "pairs.csv").write_text(
        "reference,a\n" + "".join(f"gt/{i}.png,a/{i}.png\n" for i in (0, 1, 0, 4, 5))
    )
    calls: list[tuple[int, int]] = []
    evaluate(
        images / "pairs.csv",
        out=out,
        batch_size=1,
        resume=True,
        on_progress=lambda *call: calls.append(call),
    )
    assert calls == [(1, 1)], "one was added"
    evaluate(images / "pairs.csv", out=whole, batch_size=1)
    assert tables(out) == tables(whole)
    assert len(read_csv(whole / "per_image.csv")) == 5


def test_resume_does_not_repeat_what_never_can_be_measured(images: Path) -> None:
    out, calls = images / "out", list[tuple[int, int]]()
    metrics = ("psnr", "ms_ssim")
    first = evaluate(images / "gt", images / "a", out=out, metrics=metrics)
    again = evaluate(
        images / "gt",
        images / "a",
        out=out,
        metrics=metrics,
        resume=True,
        on_progress=lambda *call: calls.append(call),
    )
    assert (again.images, calls) == (first.images, [])


@pytest.mark.parametrize("left", ["journal/rank-0.jsonl", "index.html", "per_image.csv"])
@pytest.mark.parametrize("resume", [False, True])
def test_files_of_an_evaluation_without_its_settings_are_not_touched(
    images: Path, left: str, resume: bool
) -> None:
    out = images / "out"
    (out / left).parent.mkdir(parents=True)
    (out / left).write_text("of somebody")
    with pytest.raises(
        ValueError,
        match=rf"holds {left} without journal/settings.json, which resuming needs; "
        r"overwrite discards",
    ):
        evaluate(images / "gt", images / "a", out=out, resume=resume)
    assert (out / left).read_text() == "of somebody"
    evaluate(images / "gt", images / "a", out=out, overwrite=True)


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"overwrite": True}])
def test_the_journal_of_another_command_is_not_discarded(images: Path, options: Any) -> None:
    journal = images / "out/journal"
    journal.mkdir(parents=True)
    for name, text in (("settings.json", '{"command": "study"}'), ("rank-0.jsonl", "{}\n")):
        (journal / name).write_text(text)
    with pytest.raises(ValueError, match="results of another command, study; choose another fold"):
        evaluate(images / "gt", images / "a", out=images / "out", **options)
    assert (journal / "rank-0.jsonl").read_text() == "{}\n"
    (journal / "settings.json").write_text("{")
    if "overwrite" in options:
        assert evaluate(images / "gt", images / "a", out=images / "out", **options).summaries
        assert json.loads((journal / "settings.json").read_text())["device"] == "cpu"


def test_report_of_other_numbers_does_not_stay(images: Path) -> None:
    out = images / "out"
    evaluate(images / "gt", images / "a", out=out)
    assert (out / "index.html").exists()
    save(images / "a/4.png", photographs.degrade(photographs.pair("chelsea", *SIZES[4])[1]))
    evaluate(images / "gt", images / "a", out=out, resume=True, report=False)
    assert not (out / "index.html").exists()
    evaluate(images / "gt", images / "a", out=out, resume=True)
    with pytest.raises(Stop):
        evaluate(images / "gt", images / "b", out=out, overwrite=True, on_progress=_stopped(1))
    assert {path.name for path in out.iterdir()} == {"journal"}, (
        "killed before anything new was written"
    )


class Gray(torch.nn.Module):
    """A measure with a parameter, and perhaps a feature extractor."""

    higher_is_better = False

    def __init__(self, value: float, inside: torch.nn.Module | None = None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((3, 1, 1), value))
        self.inside = inside

    def forward(self, pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return ((pred - target) * self.weight).abs().mean((1, 2, 3)).detach()


def test_other_weights_are_another_evaluation(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the description: of weights at one path, and of networks in functions."""
    path = images / "weights.pt"
    states = [deep.random_state("squeezenet1_1"), deep.random_state("squeezenet1_1")]
    states[1] = {name: value * 1.01 for name, value in states[1].items()}
    module = types.ModuleType("own_measures")
    monkeypatch.setitem(sys.modules, "own_measures", module)
    extractors = [
        ssimloss.networks.FeatureExtractor(network, ["0"])
        for network in (torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1)) for _ in range(2))
    ]

    def of_file(number: int) -> ImageMeasure:
        torch.save(states[number], path)
        return measure("lpips_squeeze", weights=path)

    def of_function(function: Callable[[int], object]) -> Callable[[int], ImageMeasure]:
        def made(number: int) -> ImageMeasure:
            module.measure = function(number)  # type: ignore[attr-defined]
            return measure("own_measures:measure")

        return made

    partial = functools.partial
    makers = {
        "file": of_file,
        "module": of_function(lambda n: Gray(1.0 + n)),
        "method": of_function(lambda n: Gray(1.0 + n).forward),
        "inside": of_function(lambda n: Gray(1.0, extractors[n])),
    }
    monkeypatch.setattr(Gray.forward, "higher_is_better", False, raising=False)
    for name, make in makers.items():
        first = make(0)
        evaluate(images / "gt", images / "a", metrics=[first], out=images / name)
        again = partial(evaluate, images / "gt", images / "a", out=images / name, resume=True)
        again(metrics=[make(0)])
        with pytest.raises(ValueError, match=rf"weights was \{{.*{first.weights_sha256}.* is now"):
            again(metrics=[make(1)])
    assert make(0).describe() == make(1).describe()
    assert first.weights_sha256 != makers["module"](0).weights_sha256
    assert measure("psnr").weights_sha256 == ""
    own = measure("lpips_squeeze", weights=states[0])
    assert own.weights_sha256[:16] in own.describe()
    assert "SHA" not in measure("lpips_squeeze", weights="random").describe()


def test_file_that_goes_after_its_header_was_read(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inspect_and_lose(path: Path, **options: Any) -> object:
        header = inspect(path, **options)
        if path == images / "a/3.png":
            path.unlink()
        return header

    monkeypatch.setattr("ssimloss.evaluation.plan.inspect", inspect_and_lose)
    result = evaluate(images / "gt", images / "a")
    assert result.images[3].errors == {"a": f"{images}/a/3.png: there is no such file"}


def test_a_system_that_fails_ends_the_run(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is no reason to leave images out."""

    def fail(path: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OSError, match=r"Too many open files: .*0\.png"):
        evaluate(images / "gt", images / "a")


def test_device_out_of_memory_names_the_way_out(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise torch.OutOfMemoryError(f"CUDA out of memory. {len(arguments)}")

    monkeypatch.setattr("ssimloss.evaluation.measuring._on_device", full)
    with pytest.raises(
        RuntimeError,
        match=r"cpu has too little memory for 4 images of 40x48 at once; a smaller batch_size "
        r"\(--batch-size\)",
    ):
        evaluate(made / "gt", made / "a")


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr("torch.ones", Mock(return_value=torch.tensor(1.0)))
    assert World(rank=1, size=2).device("cuda:3") == torch.device("cuda:3")
    assert (
        World(rank=1, size=2).device("cuda")
        == World(rank=1, size=2).device("auto")
        == torch.device("cuda:1")
    )
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert World(rank=6, size=8).device("cuda") == torch.device("cuda:2")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(
        ValueError,
        match="device must be available, got 'cuda', and torch sees no GPU; 'auto' takes",
    ):
        World().device("cuda")


@needs_gloo
def test_a_script_in_which_one_process_alone_evaluates(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It raises an error instead of waiting for days."""
    from torch.testing._internal.distributed import fake_pg  # noqa: F401  # its import makes the backend known

    monkeypatch.setattr("ssimloss.evaluation.sharding._MEETING", timedelta(seconds=0.5))
    torch.distributed.init_process_group(
        "fake", rank=0, world_size=2, store=torch.distributed.HashStore()
    )
    try:
        with pytest.raises(
            RuntimeError,
            match=r"every process .* must call evaluate, and not all 2 did within 0:00:00\.5",
        ):
            evaluate(made / "gt", made / "a")
    finally:
        torch.distributed.destroy_process_group()


def test_journal_of_another_evaluation_counts_for_nothing(images: Path) -> None:
    """Lines of another run, of text, of another kind of JSON."""
    out = images / "out"
    expected = evaluate(images / "gt", images / "a", out=out, report=False)
    journal = out / "journal/rank-0.jsonl"
    journal.write_bytes(
        b"\xff\n[]\n{}\n1\n" + journal.read_bytes().replace(b'"batch": "', b'"batch": "0')
    )
    assert on_disk.read_journal(out)
    assert (
        evaluate(images / "gt", images / "a", out=out, report=False, resume=True).images
        == expected.images
    )


@needs_gloo
def test_inside_a_script_that_has_joined_others_itself(made: Path, tmp_path: Path) -> None:
    """Its group is used, and left as it was."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1
    )
    try:
        assert evaluate(made / "gt", made / "a").images == evaluate(made / "gt", made / "a").images
        assert torch.distributed.is_initialized()
    finally:
        torch.distributed.destroy_process_group()
