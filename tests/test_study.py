"""The study: planted measures that the tables find out, its files and page, and runs that continue,
start again, or share the work. Its statistics and judgements have files of their own.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_report import browser, only_tab, open_page  # noqa: F401 - fixtures
from torch import Tensor
from typer.testing import CliRunner, Result

from ssimloss import metrics, study
from ssimloss._references import are_kept
from ssimloss.study import advice, fitness, journal, jury, run, tables, work
from ssimloss.study.aggregate import FACTORS, Aggregate
from ssimloss.study.agreement import (
    Agreements,
    MeasureOfChoices,
    MeasureOfOpinions,
    high_frequency_share,
)
from ssimloss.study.bootstrap import Interval, mean_interval
from ssimloss.study.correlations import Better, opinion_agreement
from ssimloss.study.cost import Cost
from ssimloss.study.examination import Distance, examine
from ssimloss.study.fitness import Sensitivity
from ssimloss.study.orderings import Trial
from ssimloss.study.page import page
from ssimloss.study.result import Fitness, MeasureResult, StudyResult, plain
from ssimloss.study.subjects import Subject, installed_subjects, subject

pytestmark = pytest.mark.usefixtures("one_thread")


SMALL = (1, 3, 48, 48)  # where costs are measured


# --- planted measures -----------------------------------------------------------------------------


def liar(pred: Tensor, target: Tensor) -> Tensor:
    """As people say, in steps: it has no gradient."""
    return (1000 * (pred - target).square().mean((1, 2, 3)).sqrt()).round() / 1000


def expensive(pred: Tensor, target: Tensor) -> Tensor:
    """Where its cost is measured, so that the rest of the study takes no longer."""
    if pred.shape[-1] == SMALL[-1]:
        time.sleep(0.1)
    return (pred - target).abs().mean((1, 2, 3))


def noisy(pred: Tensor, target: Tensor) -> Tensor:
    distance = (pred - target).square().mean((1, 2, 3))
    return torch.rand(len(pred), generator=_DICE, dtype=distance.dtype) + 0 * distance


def detached(pred: Tensor, target: Tensor) -> Tensor:
    """Without a gradient, and without a value of images of another size than the crops."""
    if pred.shape[-1] != work.SIDE:
        raise ValueError("only crops, please")
    return (pred - target).abs().mean((1, 2, 3)).detach()


for planted in (liar, expensive, noisy, detached):
    planted.higher_is_better = False  # type: ignore[attr-defined]
_DICE = torch.Generator().manual_seed(0)
PLANTED = [f"{__name__}:{name}" for name in ("liar", "expensive", "noisy")]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from skimage import data

    folder = tmp_path_factory.mktemp("photographs")
    for name, image in (("cat", data.chelsea()), ("cup", data.coffee())):
        Image.fromarray(image[60:270, 60:270]).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, photographs: Path) -> Path:
    """Noise of rising strength; people are right about it."""
    folder = tmp_path_factory.mktemp("judged")
    random = np.random.default_rng(0)
    lines = ["reference,distorted,mos,distortion"]
    for name in ("cat", "cup"):
        pixels = np.asarray(Image.open(photographs / f"{name}.png"))[:64, :64].astype(float)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{name}.png")
        for step in range(8):
            noisy_image = pixels + random.normal(0, 3 + 6 * step, pixels.shape)
            Image.fromarray(noisy_image.clip(0, 255).astype(np.uint8)).save(
                folder / f"{name}_{step}.png"
            )
            lines.append(
                f"{name}.png,{name}_{step}.png,{9 - step + random.normal(0, 0.1):.2f},noise"
            )
    (folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "people.csv"


@pytest.fixture(scope="module")
def small() -> work.Extent:
    return work.Extent(1, 1, ("blur",), 8, 50, SMALL)


@pytest.fixture
def quick(small: work.Extent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little work, for tests that do not depend on the measured values."""

    def one_trial(images: dict[str, Tensor], *_: object) -> list[Trial]:
        (image,) = images.values()
        crop = image[None, :, :64, :64]
        changed = {"right": crop * 0.9, "blur": crop * 0.5}
        return [Trial("shift", crop, changed, (("right", "blur"),))]

    monkeypatch.setattr(run, "QUICK", small)
    monkeypatch.setattr(work, "trials", one_trial)
    monkeypatch.setattr("ssimloss.study.cost.peak_bytes", lambda *_: 0)
    # Of scores that agree as well as these, a fit takes thousands of evaluations of its curve.
    monkeypatch.setattr("ssimloss.study.logistic._EVALUATIONS", 50)


@pytest.fixture(scope="module")
def planted_study(tmp_path_factory, photographs: Path, judged: Path, small: work.Extent):
    out = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "QUICK", small)
        patch.syspath_prepend(str(Path(__file__).parent))
        result = study.Study(
            photographs, [judged], measures=["l2", "ssim", *PLANTED], quick=True, out=out,
            overwrite=True,
        ).run()  # fmt: skip
    return result, out


def test_a_liar_is_found_out(planted_study) -> None:
    """It agrees with people, and trains nothing."""
    result, _ = planted_study
    name = PLANTED[0]
    (people,) = result.agreements
    assert people.measures[name].overall.srcc.value > 0.9
    fit = result.measures[name].fitness
    assert fit.dead == 1.0
    assert [one.error for one in fit.descents.values()] == ["the gradient is 0 everywhere"]
    assert fit.mean_rank > result.measures["l2"].fitness.mean_rank
    (table,) = (table for table in tables.tables_of(result) if table.name == "fitness")
    rows = {row[0]: row for row in table.rows}
    assert rows[name][-1] == "the gradient is 0 everywhere"
    (told,) = (sentence for sentence in result.advice if "no gradient" in sentence)
    assert f"{name} 100 %" in told


def test_an_expensive_measure_is_found_out(planted_study) -> None:
    result, _ = planted_study
    costs = {name: one.cost.step_ms for name, one in result.measures.items()}
    assert (
        max(costs, key=lambda name: costs[name] if costs[name] == costs[name] else 0) == PLANTED[1]
    )
    assert result.measures[PLANTED[1]].aggregate.factors["speed"] == 0.0


def test_a_noisy_measure_is_found_out(planted_study) -> None:
    result, _ = planted_study
    (people,) = result.agreements
    noise = people.measures[PLANTED[2]].overall
    assert noise.srcc.low < 0.5 < people.measures["l2"].overall.srcc.low
    worse = {
        row.p_holm for row in people.comparisons if {row.first, row.second} == {"l2", PLANTED[2]}
    }
    assert max(worse) < 0.05
    # Its residuals are large, so that few of them are outliers.
    (table,) = (table for table in tables.tables_of(result) if table.name == "agreement_people")
    directed = {column.title for column in table.columns if column.better}
    assert directed == {
        "SRCC (Spearman)", "KRCC (Kendall)", "PLCC (Pearson) after fit", "RMSE after fit"
    }  # fmt: skip
    assert result.measures[PLANTED[2]].orderings["mean"] < 0.75


def test_the_files_tell_the_same(planted_study) -> None:
    result, out = planted_study
    found = json.loads((out / "study.json").read_text(encoding="utf-8"))
    assert (
        found["measures"]["l2"]["fitness"]["mean_rank"] == result.measures["l2"].fitness.mean_rank
    )
    with (out / "tables" / "overview.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["measure"] for row in rows} == set(result.measures)
    assert rows[0]["measure"] == max(
        result.measures, key=lambda name: result.measures[name].aggregate.value
    )
    latex = (out / "study.tex").read_text(encoding="utf-8")
    assert (
        latex.count(r"\begin{tabular}")
        == latex.count(r"\end{tabular}")
        == len(tables.tables_of(result))
    )
    assert "test_study" not in latex
    assert r"test\_study" in latex
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_the_page_in_a_browser(planted_study, open_page) -> None:  # noqa: F811
    """No complaint and no request, which the fixture sees; sorting, the slider, and a phone."""
    _, out = planted_study
    page = out / "index.html"
    tab = open_page(page, scheme="dark")
    column = "#cost tbody tr td:nth-child(3)"
    tab.click("#cost thead th:nth-child(3) button")
    values = [float(word) for word in tab.locator(column).all_text_contents() if word != "-"]
    assert values == sorted(values)
    tab.click("#cost thead th:nth-child(3) button")
    turned = [float(word) for word in tab.locator(column).all_text_contents() if word != "-"]
    assert turned == values[::-1]
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = tab.evaluate(paper)
    before = tab.get_attribute("#over", "src")
    tab.select_option("#left", "ssim")
    assert tab.get_attribute("#over", "src") != before
    tab.fill("#split", "25")
    assert "75%" in tab.evaluate("document.getElementById('over').style.clipPath")
    phone = open_page(page, width=400)
    assert phone.evaluate(paper) != dark
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400
    assert phone.locator("svg").count() == 5


@pytest.mark.usefixtures("quick")
def test_a_measure_that_fails_is_told_and_stops_nothing(
    photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    name = f"{__name__}:detached"
    result = study.Study(photographs, measures=["l1", name], quick=True).run()
    one = result.measures[name]
    assert [descent.error for descent in one.fitness.descents.values()] == [
        "the loss has no gradient"
    ]
    assert math.isnan(one.cost.step_ms)
    assert math.isnan(one.aggregate.value)
    assert f"{name} has no cost: only crops, please" in result.problems
    assert result.measures["l1"].cost.step_ms > 0


@pytest.mark.usefixtures("quick")
def test_a_stopped_study_continues_to_the_same(
    tmp_path: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with infinite values: PSNR of a picture that was not moved from the reference."""
    monkeypatch.setattr(fitness, "starts", lambda reference, _: {"blur": reference.clone()})
    changed = shutil.copytree(photographs, tmp_path / "changed")
    options = {"images": photographs, "measures": ["l1", "psnr", "gmsd"], "quick": True}
    whole = study.Study(**options, out=tmp_path / "whole").run()
    (descent,) = whole.measures["l1"].fitness.descents.values()
    assert descent.final["psnr"] == math.inf
    assert math.isnan(whole.measures["psnr"].fitness.mean_rank)

    def stop(done: int, *_: object) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study.Study(**options, out=tmp_path / "parts").run(stop)
    with (tmp_path / "parts/journal/rank-0.jsonl").open("ab") as file:
        file.write(b'{"task": "half a li')  # as a killed process leaves it
    with pytest.raises(ValueError, match="already holds a study: resume continues it"):
        study.Study(**options, out=tmp_path / "parts").run()
    with pytest.raises(ValueError, match="other settings, which cannot be continued: seed was 0"):
        study.Study(**options, out=tmp_path / "parts", resume=True, seed=1).run()
    Image.fromarray(255 - np.asarray(Image.open(changed / "cat.png"))).save(changed / "cat.png")
    other = options | {"images": changed}
    with pytest.raises(ValueError, match="the image cat is another picture than before"):
        study.Study(**other, out=tmp_path / "parts", resume=True).run()
    other = options | {"measures": ["l1", "psnr", "ssim"]}
    with pytest.raises(ValueError, match=r"measures: without gmsd, with ssim. Choose another"):
        study.Study(**other, out=tmp_path / "parts", resume=True).run()
    keys: list[str] = []
    resumed = study.Study(**options, out=tmp_path / "parts", resume=True).run(
        lambda *told: keys.append(told[2])
    )
    # Orderings, sensitivity and cost of three measures, and descents of two.
    assert len(keys) == 3 * 3 + 2 - 6
    for name, one in whole.measures.items():
        found = resumed.measures[name]
        assert found.orderings == one.orderings
        assert plain(found.fitness) == plain(one.fitness)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    for file in (tmp_path / "parts").rglob("*.json*"):
        for line in (
            file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]
        ):
            if "half a li" not in line:
                json.loads(line, parse_constant=refuse)
    assert '"psnr": "inf"' in (tmp_path / "parts" / "study.json").read_text()


@pytest.mark.usefixtures("quick")
def test_overwrite_removes_the_files_of_the_study_before_and_no_others(
    tmp_path: Path, photographs: Path, judged: Path,
) -> None:  # fmt: skip
    out = tmp_path / "out"

    def files() -> set[str]:
        return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}

    study.Study(photographs, judged, measures=["l1", "l2"], quick=True, out=out).run()
    before = files()
    assert {"pictures/cat/blur/l1.png", "tables/agreement_people.csv"} < before
    kept = {"notes.txt", "tables/mine.csv", "pictures/cat/mine.png"}
    for name in kept:
        (out / name).write_text("mine")
    (tmp_path / "beside.txt").write_text("mine")
    with (out / "journal/rank-0.jsonl").open("a") as file:
        file.write(json.dumps({"writes": ["../beside.txt"]}) + "\n")
    only_cup = shutil.copy(photographs / "cup.png", tmp_path / "cup.png")
    study.Study(only_cup, measures="l2", quick=True, out=out, overwrite=True).run()
    after = files()
    assert kept < after
    assert (tmp_path / "beside.txt").exists()
    assert {name for name in after - kept if "cat" in name or "l1" in name} == set()
    assert "tables/agreement_people.csv" not in after
    assert "pictures/cup/blur/l2.png" in after
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<td>l1" not in page
    # A folder of somebody else is not taken over.
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "index.html").write_text("mine")
    with pytest.raises(ValueError, match=r"holds index.html without the journal of a study"):
        study.Study(only_cup, measures="l2", quick=True, out=foreign).run()
    (foreign / "journal").mkdir()
    (foreign / "journal" / "settings.json").write_text('{"metrics": ["psnr"]}')
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="the results of another command"):
            study.Study(only_cup, measures="l2", quick=True, out=foreign, overwrite=overwrite).run()
    (foreign / "journal" / "settings.json").write_text("half a fi")
    with pytest.raises(ValueError, match=r"cannot be read .* overwrite discards"):
        study.Study(only_cup, measures="l2", quick=True, out=foreign, resume=True).run()
    journal.prepare(foreign, {"seed": 0}, resume=False, overwrite=True)
    assert journal.read_journal(foreign) == {}


@pytest.mark.usefixtures("quick")
def test_a_continued_study_may_have_other_images_and_new_costs(
    tmp_path: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "QUICK", replace(run.QUICK, images=None))
    cat, cup = (photographs / f"{name}.png" for name in ("cat", "cup"))
    options = {"measures": ["l1", "l2"], "quick": True}
    whole = study.Study([cat, cup], **options).run()
    keys: list[str] = []

    def again(images: list[Path], **more: bool) -> StudyResult:
        keys.clear()
        one = study.Study(images, **options, out=tmp_path / "out", **more)
        return one.run(lambda *told: keys.append(told[2]))

    alone = again([cat])
    grown = again([cat, cup], resume=True)
    assert all("/cup/" in key for key in keys)
    for name, one in whole.measures.items():
        assert plain(grown.measures[name].fitness) == plain(one.fitness)
        assert set(one.fitness.by_image) == {"cat", "cup"}
        assert one.fitness.mean_rank == pytest.approx(np.mean([*one.fitness.by_image.values()]))
    smaller = again([cat], resume=True, cost_again=True)
    assert keys == ["cost/l1", "cost/l2"]
    assert plain(smaller.measures["l1"].fitness) == plain(alone.measures["l1"].fitness)

    # An interrupted measurement of the cost does not leave old costs beside new ones.
    def interrupted(done: int, _all: int, _key: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study.Study([cat], **options, out=tmp_path / "out", resume=True, cost_again=True).run(
            interrupted
        )
    again([cat], resume=True)
    assert keys == ["cost/l2"]
    assert "orderings/cat/l1" in journal.read_journal(tmp_path / "out")
    # The other image is still known: a picture in its place is not taken for it.
    Image.new("RGB", (210, 210)).save(tmp_path / "cup.png")
    with pytest.raises(ValueError, match="the image cup is another picture"):
        again([cat, tmp_path / "cup.png"], resume=True)
    with pytest.raises(ValueError, match="set resume as well"):
        again([cat], cost_again=True)


@pytest.mark.usefixtures("quick")
def test_changed_judged_images_are_not_resumed(
    tmp_path: Path, photographs: Path, judged: Path
) -> None:
    shutil.copytree(judged.parent, tmp_path / "judged")
    options = {"images": photographs, "judgements": tmp_path / "judged/people.csv", "quick": True,
               "measures": "l1", "out": tmp_path / "out"}  # fmt: skip
    study.Study(**options).run()
    shutil.copy(tmp_path / "judged/cat_7.png", tmp_path / "judged/cat_0.png")
    with pytest.raises(ValueError, match="judgements: people has other questions or im"):
        study.Study(**options, resume=True).run()


def test_processes_with_other_measures_are_refused(tmp_path: Path) -> None:
    settings = {"version": "1", "measures": {"l1": "L1", "lpips": "A"}, "seed": 0}
    other = settings | {"measures": {"l1": "L1", "lpips": "B", "dists": "C"}}

    class World(run.World):
        def gather(self, value):
            del value
            return [settings, other]

    out = tmp_path / "out"
    for rank, mine in enumerate((settings, other)):
        with pytest.raises(
            RuntimeError, match=r"'measures' of process 1 differs .* process 0 \(lpips, dists\); in"
        ):
            study.Study()._done(out, mine, World(rank, 2))
    assert not out.exists()


@pytest.mark.usefixtures("quick")
def test_references_are_kept_except_where_time_is_measured(photographs: Path) -> None:
    kept: dict[str, bool] = {}

    def on_progress(_done: int, _total: int, key: str) -> None:
        kept[key] = are_kept(torch.zeros(1))

    study.Study(photographs, measures=["l1", "ssim"], quick=True).run(on_progress)
    assert {key.startswith("cost/") for key in kept} == {True, False}
    assert all(was is not key.startswith("cost/") for key, was in kept.items())


@pytest.mark.usefixtures("quick")
def test_two_processes_share_the_tasks(
    tmp_path: Path, photographs: Path, judged: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Two threads that exchange objects as processes do; every task is done once."""
    meet, places = threading.Barrier(2, timeout=60), threading.local()
    shelf: list[object] = [None, None]

    class World(run.World):
        def gather(self, value):
            shelf[self.rank] = value
            meet.wait()
            found = list(shelf)
            meet.wait()
            return found

    @contextmanager
    def joined():
        yield World(places.rank, 2)

    options = {"images": photographs, "judgements": judged, "measures": ["l1", "psnr"],
               "quick": True}  # fmt: skip
    alone = study.Study(**options).run()
    monkeypatch.setattr(run, "joined", joined)
    results: list[StudyResult | None] = [None, None]
    keys: list[list[str]] = [[], []]
    in_time: list[str] = []

    def work_of(rank: int) -> None:
        places.rank = rank

        def on_progress(done: int, total: int, key: str) -> None:
            del done, total
            keys[rank].append(key)
            in_time.append(key)
            time.sleep(0.1 * rank)  # the second is the slower one

        results[rank] = study.Study(**options, out=tmp_path / "out").run(on_progress)

    threads = [threading.Thread(target=work_of, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = results
    assert plain(first) == plain(second)
    assert all(keys)
    assert len(keys[0] + keys[1]) == len(set(keys[0] + keys[1])) == 1 + 2 + 2 + 1 + 2
    # One process measures times, after both have done their other tasks.
    assert not any(key.startswith("cost/") for key in keys[1])
    assert all(key.startswith("cost/") for key in in_time[-2:])
    for name, one in alone.measures.items():
        assert plain(first.measures[name].fitness) == plain(one.fitness)
        assert first.measures[name].orderings == one.orderings
    assert plain(first.agreements) == plain(alone.agreements)
    done = journal.read_journal(tmp_path / "out")
    assert set(done) == set(keys[0] + keys[1])


@pytest.mark.usefixtures("quick")
def test_command(
    tmp_path: Path,
    photographs: Path,
    judged: Path,
) -> None:
    from ssimloss.cli._app import app

    def command(*options: str) -> Result:
        where = ("study", str(photographs), "--out", str(tmp_path / "out"), "--quick")
        return CliRunner().invoke(app, [*where, *options], env={"COLUMNS": "80"})

    options = (
        "--measures",
        "l1",
        "--measures",
        "ssim",
        "--judgements",
        str(judged),
        "--aggregate",
        "agreement=2,speed=1",
    )
    first = command(*options)
    assert first.exit_code == 0, first.output
    assert max(map(len, first.stdout.splitlines()[:-1])) <= 80
    assert first.stdout.splitlines()[-1] == f"wrote {tmp_path / 'out' / 'index.html'}"
    assert "On people " in first.stdout
    again = command(*options)
    assert again.exit_code == 2
    assert "already holds a study" in again.stderr
    assert command(*options, "--resume").exit_code == 0
    wrong = command("--measures", "l1", "--aggregate", "speed", "--overwrite")
    assert wrong.exit_code == 2
    assert "--aggregate must be NAME=NUMBER" in wrong.stderr
    single = command("--measures", "l1", "--overwrite")
    assert single.exit_code == 0
    # The line of progress where there is no terminal.
    assert "4 of 4 tasks, " in single.stderr


def test_bad_arguments(tmp_path: Path, photographs: Path) -> None:
    for options, said in (
        ({"images": tmp_path / "none"}, "does not exist"),
        ({"images": tmp_path}, "holds no image"),
        ({"images": photographs, "measures": ["l1", "l1"]}, "must be different, got 'l1' twice"),
        ({"images": photographs, "measures": ["l3"]}, "measure must be one of"),
        ({"images": photographs, "measures": []}, "at least one measure"),
        ({"images": photographs, "judged_images": photographs}, "pass judgements as well"),
        ({"images": photographs, "budget_ms": -3.0}, "budget_ms must be positive, got -3.0"),
        ({"images": photographs, "seed": -1}, "seed must be at least 0, got -1"),
        ({"images": photographs, "resume": True}, "need out, the folder"),
        ({"images": photographs, "aggregate_weights": {"beauty": 1.0}}, "got one of 'beauty'"),
        (
            {"images": photographs, "aggregate_weights": dict.fromkeys(FACTORS, 0.0)},
            "must be positive",
        ),
        (
            {
                "images": photographs,
                "aggregate_weights": {"orderings": 0.0, "fitness": 0.0, "speed": 0.0},
            },
            "only agreement with people, and there are no judgements",
        ),
    ):
        with pytest.raises(ValueError, match=said):
            study.Study(**options).run()
    Image.new("RGB", (24, 24)).save(tmp_path / "tiny.png")
    with pytest.raises(ValueError, match="24 x 24 pixels; both sides must be larger than 192"):
        study.Study(tmp_path, measures=["l1"]).run()


def test_without_names_every_measure_with_installed_weights_is_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is downloaded, and a wrong file of weights does not leave out every deep measure."""
    monkeypatch.setenv("SSIMLOSS_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("ssimloss.weights._store.download", lambda *_, **__: pytest.fail("loads"))
    found, left_out = installed_subjects()
    downloaded = {"lpips_vgg", "dists", "adists"}
    assert {one.name for one in found} == set(metrics.measures.known()) - downloaded
    assert {each.split()[0] for each in left_out} == downloaded
    said = "network 'vgg16' are not installed (528 MB): ssimloss weights fetch vgg16"
    assert all(each.endswith(said) for each in left_out), left_out
    with pytest.raises(RuntimeError, match=r"fit no deep measure; lpips is .* does not exist"):
        installed_subjects(weights=str(tmp_path / "none.pth"))


@pytest.mark.usefixtures("quick")
def test_a_single_name_is_a_list_of_one(photographs: Path, judged: Path) -> None:
    for path in (judged, str(judged)):
        one = study.Study(photographs, path, measures="l2", quick=True).run()
        assert list(one.measures) == ["l2"]
        assert [each.name for each in one.agreements] == ["people"]


# --- tables and advice ----------------------------------------------------------------------------


def measured(name: str, rank: float, step_ms: float, **factors: float) -> MeasureResult:
    whole = Sensitivity(rank, rank, rank)
    fit = Fitness({"judge": rank}, rank, {}, whole)
    value = sum(factors.values()) / len(factors) if factors else math.nan
    return MeasureResult(
        name, name.upper(), False, "", {"shift": value, "mean": value}, fit,
        Cost(step_ms, step_ms, 0), Aggregate(factors, value, 0.0 if math.isnan(value) else 0.5),
    )  # fmt: skip


def test_undefined_rows_come_last_and_never_win() -> None:
    """In every table, in the order of the measures that puts them first otherwise."""
    nan = math.nan
    measures = {
        one.name: one
        for one in (
            measured("lost", nan, nan, orderings=nan, fitness=nan, speed=nan),
            measured("fair", 2.0, 5.0, orderings=0.5, fitness=0.4, speed=0.3),
            measured("gone", nan, nan, orderings=nan, fitness=nan, speed=nan),
            measured("good", 1.0, 2.0, orderings=0.9, fitness=0.8, speed=0.7),
        )
    }
    result = StudyResult({}, measures, [], [], [])
    found = tables.tables_of(result)
    assert [table.name for table in found] == [
        "overview", "orderings", "fitness", "cross", "sensitivity", "cost"
    ]  # fmt: skip
    for table in found:
        assert [row[0] for row in table.rows] == ["good", "fair", "lost", "gone"], table.name
        good = next(row for row in table.rows if row[0] == "good")
        for index, best in table.best().items():
            assert good[index] == best
    html = page(result, found, Path("nowhere"))
    assert 'data-value="nan"' not in html
    told = " ".join(advice.advise(measures, [], budget_ms=10.0))
    assert "lost" not in told
    assert "gone" not in told
    assert "As a loss, good leads" in told


def test_infinite_numbers_are_shown_and_sorted() -> None:
    measures = {n: measured(n, r, 1.0, speed=0.5) for n, r in (("a", math.inf), ("b", 2.0))}
    (table,) = (
        table
        for table in tables.tables_of(StudyResult({}, measures, [], [], []))
        if table.name == "fitness"
    )
    assert [row[0] for row in table.rows] == ["b", "a"]
    html = page(StudyResult({}, measures, [], [], []), [table], Path("nowhere"))
    assert '<td data-value="Infinity">inf</td>' in html


def test_advice_is_never_more_certain_than_the_judgements() -> None:
    """Measures without a test, or without a significant difference, are listed with the best."""

    def judged(n: int, comparisons: list[Better], scenes: int = 10) -> Agreements:
        found = {
            name: MeasureOfOpinions(
                replace(undefined, srcc=Interval(srcc, srcc, srcc)), {}, {}, [], [], (0.0, 0.0, 1.0)
            )
            for name, srcc in (("a", 0.9), ("b", 0.8), ("c", 0.7), ("none", math.nan))
        }
        return Agreements("set", "opinions", n, found, [], scenes, comparisons)

    undefined = opinion_agreement([], [])
    few = advice.advise({}, [judged(3, [])])
    assert few == [
        "On set a (SRCC 0.900) agrees best with people, but 3 judgements do not distinguish it "
        "from b, c."
    ]
    tests = [Better("b", "a", -0.1, 0.04, 0.08), Better("a", "c", 0.2, 0.01, 0.03)]
    assert "not distinguish it from b." in advice.advise({}, [judged(9, tests)])[0]
    tests[0] = replace(tests[0], p_holm=0.02)
    assert advice.advise({}, [judged(9, tests)]) == [
        "On set a (SRCC 0.900) agrees best with people, and better than every other measure."
    ]
    few = advice.advise({}, [judged(9, tests, scenes=3)])
    assert few[0].endswith(
        "than every other measure. Only 3 references were judged; other scenes may differ."
    )
    # Constant opinions say why nothing is known.
    constant = opinion_agreement([1.0, 2.0, 3.0], [3.0, 3.0, 3.0])
    one = MeasureOfOpinions(constant, {}, {}, [], [], (0.0, 0.0, 1.0))
    assert advice.advise({}, [Agreements("set", "opinions", 3, {"a": one}, [], 1)]) == [
        "On set no measure has a defined agreement with people (opinions all the same)."
    ]
    # Of choices, the same tests.
    shares = {name: Interval(value, 0.5, 0.9) for name, value in (("a", 0.8), ("b", 0.7))}
    choices = Agreements(
        "set", "choices", 9, {name: MeasureOfChoices(one, 9) for name, one in shares.items()}, [],
        20, [Better("a", "b", 0.1, 0.01, 0.06)],
    )  # fmt: skip
    assert advice.advise({}, [choices])[0].endswith("do not distinguish it from b.")


def test_advice_on_losses_is_never_more_certain_than_the_images() -> None:
    """A paired test over images; the mean of one image, or of equal ones, proves nothing."""

    def losses(**ranks: tuple[float, ...]) -> str:
        measures = {}
        for name, values in ranks.items():
            one = measured(name, sum(values) / len(values), 1.0, speed=1.0)
            by_image = {str(index): value for index, value in enumerate(values)}
            fit = replace(one.fitness, by_image=by_image, interval=mean_interval(values))
            measures[name] = replace(one, fitness=fit)
        return advice.advise(measures, [])[1]

    few = losses(a=(1.0,), b=(2.0,))
    assert few.endswith(", followed by b; a single image proves no order.")
    four = {"a": (1.0, 1.2, 1.1, 1.3), "b": (1.0, 1.4, 1.0, 1.5), "c": (3.0, 3.4, 3.1, 3.5)}
    assert losses(**four) == (
        "As a loss, a leads to the results that the other measures rank best (mean rank 1.2, 95 % "
        "interval 0.9 to 1.4, of 3, 1.0 ms per step); 4 images do not distinguish it from b."
    )
    clear = losses(a=four["a"], c=four["c"])
    assert clear.endswith(", and better than those of every other loss on these 4 images.")
    assert losses(a=(1.0, 1.0), b=(2.0, 2.0)).endswith("do not distinguish it from b.")
    # The best is chosen from the same images, so that all pairs count: of three losses, p = 0.018
    # of a and b is 0.055 after correction. Corrected for the two pairs of a alone, it is 0.036.
    near = {"a": (1.0, 1.2, 1.1, 1.3), "b": (1.2, 1.3, 1.4, 1.6), "d": (1.1, 1.9, 1.2, 1.9)}
    assert losses(**near).endswith("do not distinguish it from b, d.")
    assert losses(a=near["a"], b=near["b"]).endswith("other loss on these 4 images.")
    many = {name: (place, place + 1.0) for place, name in enumerate("abcdefghijk")}
    assert losses(**many).endswith("do not distinguish it from b, c, d, e, f, g, h, i and 2 more.")


def test_advice_warns_of_trusted_measures_that_are_poor_losses() -> None:
    """Not if there are few losses, nor if the images leave it open."""

    def warned(count: int, *interval: float) -> bool:
        measures = {
            f"{place}": measured(f"{place}", place, 1.0, agreement=0.9, fitness=1 - place / count)
            for place in range(1, count + 1)
        }
        last = measures[f"{count}"]
        if interval:
            fit = replace(last.fitness, interval=Interval(float(count), *interval))
            measures[f"{count}"] = replace(last, fitness=fit)
        told = advice.advise(measures, [])
        return any(each.startswith(f"{count} agrees with people, but") for each in told)

    assert warned(8)
    assert warned(8, 4.6, 8.0)
    assert not warned(8, 4.4, 8.0)
    assert not warned(7)


def test_advice_within_a_budget() -> None:
    measures = {
        one.name: one
        for one in (measured("slow", 1.0, 50.0, speed=0.0), measured("fast", 2.0, 1.0, speed=1.0))
    }
    told = advice.advise(measures, [], budget_ms=10.0)
    assert "Within 10 ms per step, the best is fast (mean rank 2.0, 1.0 ms per step)." in told
    assert "No loss of the study takes at most 0.5 ms per step." in advice.advise(
        measures, [], budget_ms=0.5
    )
    assert not any("Within" in each for each in advice.advise(measures, [], budget_ms=60.0))


# --- parts ----------------------------------------------------------------------------------------


def test_no_measure_judges_its_own_results_nor_one_without_values() -> None:
    subjects = [replace(subject("l1"), name=name) for name in ("a", "b", "failed")]
    image = torch.zeros(3, 8, 8)
    extent = work.Extent(1, 1, ("blur",), 1, 1, (1, 3, 8, 8))
    one = work.Work(subjects, {"cat": image}, [], extent, 0, torch.device("cpu"), None)
    finals = {
        "a": {"a": 0.0, "b": 2.0, "failed": math.nan},
        "b": {"a": 1.0, "b": 0.0, "failed": math.nan},
        "failed": {"a": 3.0, "b": 3.0, "failed": math.nan},
    }
    done: journal.Done = {}
    for name, final in finals.items():
        descent = fitness.Descent(final, [], None, 0.0, 0.0)
        done |= {
            f"orderings/cat/{name}": {},
            f"sensitivity/cat/{name}": plain(Sensitivity(1.0, math.nan, 1.0)),
            f"fitness/cat/blur/{name}": plain(descent),
            f"cost/{name}": plain(Cost()),
        }
    found = {name: each.fitness for name, each in one.results(done).items()}
    assert found["a"].ranks == {"b": 2.0}
    assert found["b"].ranks == {"a": 2.0}
    assert found["failed"].ranks == {"a": 3.0, "b": 3.0}
    assert found["failed"].mean_rank == 3.0
    assert math.isnan(found["a"].sensitivity.scale)


def test_measures_that_say_the_same_have_one_vote() -> None:
    """PSNR with the squared error, in 40 results; of few results and of constants, nobody."""
    random = np.random.default_rng(0)
    error = random.random(40)
    distances = {
        "l2": error, "psnr": 10 * np.log10(error), "other": random.random(40),
        "flat": np.ones(40), "failed": np.full(40, math.nan),
    }  # fmt: skip
    groups = jury.families(distances)
    assert sorted(groups) == [["failed"], ["flat"], ["l2", "psnr"], ["other"]]
    few = jury.families({name: values[:29] for name, values in distances.items()})
    assert few == [[name] for name in distances]
    # Complete linkage: the ends of a chain are no family.
    chain = [error, error + 0.14 * random.random(40)]
    chain.append(chain[1] + 0.14 * random.random(40))
    ends, links = (
        [study.correlation("srcc", chain[a], chain[b], resamples=2).value for a, b in pairs]
        for pairs in ([(0, 2)], [(0, 1), (1, 2)])
    )
    assert ends[0] < jury.ALIKE < min(links)
    assert len(jury.families(dict(zip("abc", chain, strict=True)))) == 2
    ranks = {"psnr": 1.0, "l2": 3.0, "other": 5.0, "flat": 6.5}
    assert jury.vote(ranks, "loss", groups) == pytest.approx((2.0 + 5.0 + 6.5) / 3)
    assert jury.vote(ranks, "l2", groups) == pytest.approx((5.0 + 6.5) / 2)
    assert math.isnan(jury.vote({"psnr": 1.0}, "l2", groups))


def test_ranks_share_places() -> None:
    found = fitness.ranks({"a": 1.0, "b": 2.0, "c": 2.0, "d": math.nan}, higher_is_better=True)
    assert found == {"a": 3.0, "b": 1.5, "c": 1.5, "d": 4.0}
    # Infinite PSNR is the best; an infinite distance is the worst, and still before none.
    values = {"nan": math.nan, "inf": math.inf, "one": 1.0}
    assert fitness.ranks(values, higher_is_better=True) == {"inf": 1, "one": 2, "nan": 3}
    assert fitness.ranks(values, higher_is_better=False) == {"one": 1, "inf": 2, "nan": 3}


def test_an_infinite_distance_ties_with_none_but_its_equal() -> None:
    """PSNR of equal images, against a distorted one."""
    values = {"same": -math.inf, "again": -math.inf, "far": -30.0, "none": math.nan}
    pairs = (("same", "far"), ("far", "same"), ("same", "again"), ("same", "none"))
    image = torch.zeros(1, 3, 1, 1)
    candidates = {name: torch.full((1, 3, 1, 1), value) for name, value in values.items()}
    distance = Distance("psnr", lambda images: images, lambda _, images: images[:, 0, 0, 0])
    tallies = examine(distance, [Trial("shift", image, candidates, pairs)])
    right = {pair: tally.right for pair, tally in tallies["shift"].items()}
    assert right == {
        "same < far": 1.0, "far < same": 0.0, "same < again": 0.5, "same < none": 0.0
    }  # fmt: skip


def test_invented_and_high_frequencies() -> None:
    x = torch.arange(32.0)
    slow, fast = (torch.sin(2 * math.pi * f * x).expand(1, 1, 32, 32) for f in (1 / 16, 7 / 16))
    assert high_frequency_share(slow.double()) == pytest.approx(0, abs=1e-9)
    assert high_frequency_share((slow + fast).double()) == pytest.approx(0.5, abs=1e-6)
    assert fitness.invented_energy(slow + fast, slow) == pytest.approx(1, abs=1e-5)
    assert fitness.invented_energy(slow, slow + fast) == pytest.approx(0, abs=1e-9)


def test_a_descent_without_a_way() -> None:
    image = torch.rand(1, 3, 16, 16)
    judge = subject("l1")

    def flat(pred: Tensor, target: Tensor) -> Tensor:
        return (0 * (pred - target)).sum()

    found, picture = fitness.descend(
        Subject("flat", judge.measure, flat), image, image.roll(1, 3), [judge], steps=3
    )
    assert found.error == "the gradient is 0 everywhere"
    assert found.dead == 1.0
    assert torch.equal(picture, image)
    assert found.steps_to_90 is None


def test_every_measure_has_a_loss_or_says_why() -> None:
    from ssimloss import metrics

    for name in metrics.MEASURES:
        one = subject(
            name, weights="random" if name.startswith(("lpips", "dists", "adists")) else "imagenet"
        )
        assert (one.loss is None) == bool(one.why_no_loss), name
