"""FID and Inception score of folders: equal to the metric fed by hand, features kept by content,
errors before anything is measured.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import photographs
import pytest
import torch
from PIL import Image as Pillow
from torch import Tensor, nn
from typer.testing import CliRunner

from ssimloss.cli._app import app
from ssimloss.evaluation import Evaluation, compare_runs, evaluate, paper_table
from ssimloss.evaluation.ranking import standings
from ssimloss.metrics import InceptionMetrics, inception
from ssimloss.networks.sources import load_inception

pytest.importorskip("torch_fidelity")
pytestmark = pytest.mark.usefixtures("one_thread")

COUNT = 10


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten crops, two of another size, and their degraded copies; features are cached in a folder
    next to them.
    """
    monkeypatch.setenv("SSIMLOSS_CACHE", str(tmp_path / "cache"))
    for name in ("gt", "a"):
        (tmp_path / name).mkdir()
    for i in range(COUNT):
        pred, target = photographs.pair("chelsea", 24 + i // 8, 32, 7 * i, 11 * i)
        Pillow.fromarray(target).save(tmp_path / f"gt/{i}.png")
        Pillow.fromarray(pred).save(tmp_path / f"a/{i}.png")
    return tmp_path


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In place of a random Inception, which takes seconds: fixed random projections, and how many
    images they saw.
    """
    seen: list[int] = []
    small = nn.Module()
    small.fc = nn.Module()
    weight = torch.randn(10, 2048, generator=torch.Generator().manual_seed(1)) / 1e4
    small.fc.register_buffer("weight", weight)
    axes = torch.rand(3, 64, generator=torch.Generator().manual_seed(0))

    def project(metric: InceptionMetrics, batch: Tensor) -> Tensor:
        del metric
        seen.append(len(batch))
        means = torch.nn.functional.adaptive_avg_pool2d(batch.float(), 8).mean(2)
        return (means.transpose(1, 2) @ axes).sum(1).repeat(1, 32)

    def load(build: Any, weights: Any) -> nn.Module:
        return small if weights == "random" else load_inception(build, weights)

    monkeypatch.setattr(InceptionMetrics, "_run", project)
    monkeypatch.setattr(inception, "load_inception", load)
    return seen


def fed_by_hand(folder: Path) -> dict[str, Tensor]:
    metric = InceptionMetrics(["fid", "is"], weights="random")
    for name in ("gt", "a"):
        for path in sorted((folder / name).iterdir(), key=lambda path: path.name):
            pixels = torch.from_numpy(np.array(Pillow.open(path))).permute(2, 0, 1)[None]
            metric.update(pixels, real=name == "gt")
    return metric.compute()


def test_equals_the_metric_and_keeps_features(folders: Path, network: list[int]) -> None:
    def evaluated(**options: Any) -> Evaluation:
        names = ["psnr", "fid", "is"]
        paths = folders / "gt", folders / "a"
        return evaluate(*paths, metrics=names, inception="random", **options)

    found = evaluated(out=folders / "out")
    assert sum(network) == 2 * COUNT
    network.clear()
    values = {row.metric: row for row in found.sets}
    expected = fed_by_hand(folders)
    for name in ("fid", "is"):
        assert values[name].value == pytest.approx(expected[name].item(), rel=1e-9)
    assert values["is"].std == pytest.approx(expected["is_std"].item(), rel=1e-9)
    assert [row.metric for row in found.summaries] == ["psnr"]
    assert (values["fid"].count, values["fid"].reference_count) == (COUNT, COUNT)
    assert "random weights" in values["fid"].description
    text = (folders / "out/per_image.json").read_text()
    assert str(Evaluation.from_json(text).sets) == str(found.sets)
    assert f"a,fid,{COUNT}," in (folders / "out/summary.csv").read_text()
    network.clear()
    (folders / "a/0.png").write_bytes((folders / "a/1.png").read_bytes())
    again = evaluated()
    assert network == [], "a file that is known by its content is not computed again"
    Pillow.fromarray(photographs.pair("chelsea", 24, 32, 0, 0)[0][::-1].copy()).save(
        folders / "a/0.png"
    )
    assert evaluated().sets != again.sets
    assert network == [1]


def test_what_has_no_fid(folders: Path, network: list[int]) -> None:
    """Said before anything is measured."""
    paths = folders / "gt", folders / "a"
    with pytest.raises(ValueError, match="'kid' needs at least 1000 images in a set, got 10"):
        evaluate(*paths, metrics=["kid"], inception="random")
    with pytest.raises(ValueError, match="none twice"):
        evaluate(*paths, metrics=["fid", "FID"], inception="random")
    with pytest.raises(ValueError, match="fid alone, which take the files as they are"):
        evaluate(*paths, metrics=["fid"], inception="random", protocol="basicsr", scale=2)
    assert network == []


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("harmed", ["a/3.png", "gt/3.png"])
def test_a_damaged_file_leaves_no_value(folders: Path, harmed: str) -> None:
    """Of every set that the file belongs to; others and pairs are measured, and --strict fails."""
    shutil.copytree(folders / "gt", folders / "b")
    (folders / harmed).write_bytes((folders / harmed).read_bytes()[:-30])
    paths = folders / "gt", [folders / "a", folders / "b"]
    found = evaluate(*paths, metrics=["psnr", "fid"], inception="random", out=folders / "out")
    refused = {row.method: row.error for row in found.sets if row.error}
    assert refused.keys() == ({"a"} if harmed[0] == "a" else {"a", "b"})
    assert all(f"{folders / harmed}: " in words for words in refused.values())
    assert all(math.isnan(row.value) == (row.method in refused) for row in found.sets)
    assert not found.is_complete
    assert "| a | " in paper_table(found, "markdown")
    assert "FID of a has no value: " in paper_table(found, "markdown")
    assert found.summaries
    command = ["evaluate", *map(str, (paths[0], *paths[1])), "--inception", "random"]
    command += ["--metrics", "fid"]
    told = CliRunner().invoke(app, [*command, "--strict"])
    assert told.exit_code == 1
    expected = (
        "FID of a has no value: " if harmed[0] == "a" else "error: no set could be measured: "
    )
    assert expected in told.output
    assert f"{harmed}: " in told.output
    assert CliRunner().invoke(app, command).exit_code == (0 if harmed[0] == "a" else 1)
    with pytest.raises(RuntimeError, match=r"3\.png: .*(damaged|truncated)"):
        evaluate(*paths, metrics=["fid"], inception="random", on_damaged="stop")


@pytest.mark.usefixtures("network")
def test_a_part_of_a_set_is_not_ranked(folders: Path) -> None:
    shutil.copytree(folders / "a", folders / "b")
    for name in ("gt", "a", "b"):
        shutil.copy(folders / name / "0.png", folders / name / "more.png")
    paths = folders / "gt", [folders / "a", folders / "b"]
    whole = evaluate(*paths, metrics=["fid"], inception="random")
    assert [one.is_best for one in standings(whole).values()] == [True, True]
    (folders / "b/more.png").unlink()
    part = evaluate(*paths, metrics=["fid"], inception="random")
    assert [one.is_best for one in standings(part).values()] == [False, False]
    assert "FID of b is over 10 of 11 images and is not ranked" in paper_table(part, "latex")
    assert not part.is_complete


@pytest.mark.usefixtures("network")
def test_floats_have_the_range_that_is_named(folders: Path) -> None:
    """FID of files of floats equals that of the same 8-bit images."""
    for name in ("gt", "a"):
        (folders / f"{name}_float").mkdir()
        for path in (folders / name).iterdir():
            pixels = np.array(Pillow.open(path)).astype(np.float32) / 255 * 4
            np.save(folders / f"{name}_float" / f"{path.stem}.npy", pixels)
    options: Any = {"metrics": ["fid"], "inception": "random"}
    (of_codes,) = evaluate(folders / "gt", folders / "a", **options).sets
    paths = folders / "gt_float", folders / "a_float"
    (of_floats,) = evaluate(*paths, data_range=4.0, **options).sets
    assert of_floats.value == of_codes.value


@pytest.mark.usefixtures("network")
def test_runs_compare_sets_of_one_definition(folders: Path) -> None:
    shutil.copytree(folders / "a", folders / "b")
    for name in ("a", "b"):
        paths = folders / "gt", folders / name
        metrics = ["psnr", "fid", *(["is"] if name == "a" else [])]  # which is in one run only
        evaluate(*paths, metrics=metrics, inception="random", out=folders / f"run_{name}")
    found = compare_runs(folders / "run_a", folders / "run_b")
    assert [(row.method, row.metric) for row in found.sets] == [("a", "fid"), ("b", "fid")]
    path = folders / "run_b/per_image.json"
    path.write_text(path.read_text().replace("random weights", "weights 0123"))
    with pytest.raises(ValueError, match="the same definition of 'fid'"):
        compare_runs(folders / "run_a", folders / "run_b")


def test_on_the_command_line(
    folders: Path, network: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing weights are reported before anything is measured."""
    monkeypatch.chdir(folders)
    command = ["evaluate", "gt", "a", "--metrics", "psnr,FID"]
    told = CliRunner().invoke(app, [*command, "--inception", "random"])
    assert "FID ↓" in told.stdout
    assert "random weights), 10 images against 10" in told.stdout
    table = CliRunner().invoke(app, [*command, "--inception", "random", "--table", "latex"])
    assert r"& FID $\downarrow$ \\" in table.stdout
    network.clear()
    monkeypatch.setenv("TORCH_HOME", str(folders))
    monkeypatch.setenv("SSIMLOSS_WEIGHTS", str(folders))
    refused = CliRunner().invoke(app, [*command, "--out", "out"])
    assert refused.exit_code == 1
    assert "ssimloss weights fetch inception" in refused.stderr
    assert not (folders / "out").exists()
    assert network == []
