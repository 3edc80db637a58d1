"""The study: its statistics against scipy, scikit-learn and planted data, judgements in every
layout, planted measures that the tables find out, and a run that continues.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import optimize, stats
from test_report import browser, open_page  # noqa: F401 - fixtures
from torch import Tensor
from typer.testing import CliRunner, Result

from ssimloss import study
from ssimloss.study import correlations, fitness, run, tables, work
from ssimloss.study.aggregate import aggregate, fitness_factors, speed_factors
from ssimloss.study.agreement import agreements, high_frequency_share, score_rows
from ssimloss.study.judgements import JudgementError, read_table
from ssimloss.study.logistic import CURVES, fit_logistic
from ssimloss.study.subjects import Subject, subject, subjects

pytestmark = pytest.mark.usefixtures("one_thread")


def correlated(n: int, r: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x, noise = random.standard_normal((2, n))
    return x, r * x + math.sqrt(1 - r * r) * noise


# --- statistics -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_statistics_are_those_of_scipy(ties: bool) -> None:
    x, q = correlated(80, 0.7, 0)
    if ties:
        x, q = np.round(x), np.round(2 * q)
    found = study.opinion_agreement(x, q, resamples=20)
    assert found.srcc.value == pytest.approx(stats.spearmanr(x, q)[0], abs=1e-12)
    assert found.krcc.value == pytest.approx(stats.kendalltau(x, q)[0], abs=1e-12)
    fitted = found.fit(x)
    assert found.plcc.value == pytest.approx(stats.pearsonr(fitted, q)[0], abs=1e-12)
    assert found.rmse.value == pytest.approx(math.sqrt(np.mean((fitted - q) ** 2)), abs=1e-12)
    # A distance beside opinions counts the other way, and the fit does not care.
    turned = study.opinion_agreement(-x, q, same_direction=False, resamples=20)
    assert turned.srcc == found.srcc
    assert turned.plcc.value == pytest.approx(found.plcc.value, abs=1e-6)


@pytest.mark.parametrize("curve", CURVES)
def test_the_fit_finds_a_planted_curve(curve: str) -> None:
    x = np.linspace(0.2, 0.98, 60)
    q = 12 + 70 / (1 + np.exp(-(x - 0.8) / 0.05)) + (8 * x if curve == "logistic5" else 0)
    assert fit_logistic(x, q, curve=curve)(x) == pytest.approx(q, abs=0.05)
    # As well where high is bad, and in any unit.
    assert fit_logistic(-1e4 * x, -q, curve=curve)(-1e4 * x) == pytest.approx(-q, abs=0.05)


@pytest.mark.parametrize("curve", CURVES)
def test_no_other_search_fits_better(curve: str) -> None:
    """A global search of another kind, with the equations written down again."""
    x, q = correlated(50, 0.6, 3)

    def equation(b: np.ndarray) -> np.ndarray:
        if curve == "logistic4":
            return b[1] + (b[0] - b[1]) / (1 + np.exp(-(x - b[2]) / max(abs(b[3]), 0.02)))
        return b[0] * (0.5 - 1 / (1 + np.exp(b[1] * (x - b[2])))) + b[3] * x + b[4]

    bounds = [(-6, 6), (-6, 6), (-3, 3), (-3, 3), (-3, 3)][: 4 if curve == "logistic4" else 5]
    end = optimize.differential_evolution(
        lambda b: np.mean((equation(b) - q) ** 2), bounds, seed=0, maxiter=150, popsize=10
    )
    ours = np.mean((fit_logistic(x, q, curve=curve)(x) - q) ** 2)
    assert ours <= 1.005 * end.fun


def test_undefined_statistics_say_why() -> None:
    constant = study.opinion_agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    assert math.isnan(constant.srcc.value)
    assert constant.note == "scores all the same"
    few = study.opinion_agreement([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], resamples=10)
    assert few.srcc.value == pytest.approx(0.5)
    assert math.isnan(few.plcc.value)
    assert "needs as many pairs" in few.note
    assert study.opinion_agreement([], []).note == "0 judged images"
    with pytest.raises(ValueError, match="opinions must be finite, got nan at index 1"):
        study.opinion_agreement([1.0, 2.0], [1.0, math.nan])
    with pytest.raises(ValueError, match=r"one shape \(n,\)"):
        study.opinion_agreement([1.0, 2.0], [1.0])


def test_average_precision_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score

    random = np.random.default_rng(0)
    distance, same = np.round(random.random(60), 1), random.random(60)
    labels = np.repeat([1, 0], 60)
    expected = average_precision_score(
        labels, -np.tile(distance, 2), sample_weight=np.concatenate((same, 1 - same))
    )
    assert study.average_precision(distance, same) == pytest.approx(expected, abs=1e-12)


def test_two_alternative_score_by_hand() -> None:
    # b is nearer and 0.9 prefer it; a is nearer and 0.8 prefer b; a tie.
    score = study.two_alternative_score([2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [0.9, 0.8, 0.3])
    assert score == pytest.approx((0.9 + 0.2 + 0.5) / 3)
    assert correlations.human_score([0.5, 1.0]) == pytest.approx(0.75)


def thurstone(truth: np.ndarray, observers: int, random: np.random.Generator) -> np.ndarray:
    """Mean scores of observers whose judgements scatter about the truth with deviation 1."""
    return (truth + random.standard_normal((observers, len(truth)))).mean(0)


def test_intervals_cover_the_truth_of_simulated_observers() -> None:
    """500 studies of 60 stimuli: the truth is that of a million."""
    observers, spread = 10, 0.6

    def stimuli(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        truth = random.standard_normal(n)
        return truth + spread * random.standard_normal(n), thurstone(truth, observers, random)

    truth = stats.spearmanr(*stimuli(1_000_000, np.random.default_rng(1)))[0]
    covered = 0
    for seed in range(500):
        x, q = stimuli(60, np.random.default_rng(1000 + seed))
        found = study.correlation("srcc", x, q, resamples=60, seed=seed)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 500 <= 0.98


def test_simulated_observers_give_back_the_planted_order() -> None:
    random = np.random.default_rng(0)
    truth = random.standard_normal(400)
    opinions = thurstone(truth, 20, random)
    noise = {"good": 0.2, "fair": 0.6, "twin": 0.6, "poor": 1.5}
    scores = {n: truth + s * random.standard_normal(400) for n, s in noise.items()}
    found = {
        name: study.correlation("srcc", x, opinions, resamples=2).value
        for name, x in scores.items()
    }
    assert found["good"] > max(found["fair"], found["twin"]) > found["poor"]
    rows = study.compare(
        scores, opinions, same_direction=dict.fromkeys(scores, True), resamples=200
    )
    p = {(row.first, row.second): row.p_holm for row in rows}
    assert p["good", "fair"] < 0.01
    assert p["fair", "poor"] < 0.01
    assert p["twin", "poor"] < 0.01
    assert p["fair", "twin"] > 0.05


def test_images_of_one_scene_are_drawn_together() -> None:
    """Copies of one stimulus tell nothing new: intervals must not shrink."""
    x, q = correlated(20, 0.7, 5)
    alone = study.correlation("srcc", x, q, resamples=400)
    copies = study.correlation(
        "srcc", np.tile(x, 9), np.tile(q, 9), clusters=[*range(20)] * 9, resamples=400
    )
    assert copies.high - copies.low == pytest.approx(alone.high - alone.low, rel=0.15)
    fooled = study.correlation("srcc", np.tile(x, 9), np.tile(q, 9), resamples=400)
    assert fooled.high - fooled.low < 0.6 * (alone.high - alone.low)


# --- judgements -----------------------------------------------------------------------------------


def save(path: Path, value: float = 0.5, side: int = 24) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pattern = np.add.outer(np.arange(side), np.arange(side)) % 7 * 20 + int(100 * value)
    Image.fromarray(np.stack([pattern] * 3, -1).astype(np.uint8)).save(path)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name in ("r", "a", "b"):
        save(tmp_path / f"{name}.png")
    return tmp_path / "scores.csv"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reference,distorted,mos\nr.png,a.png,bad\n", "line 2: mos must be a number, got 'bad'"),
        ("reference,distorted,mos\nr.png,a.png,nan\n", "line 2: mos must be finite"),
        ("reference,distorted,mos\nr.png,,3\n", "line 2: distorted is empty"),
        ("reference,distorted,mos\nr.png,a.png,3,4\n", "line 2: it has more cells"),
        (
            "reference,distorted,mos\nr.png,a.png,3\nr.png,b.png,2\nr.png,./a.png,4\n",
            r"line 4 repeats line 2 \(r.png and a.png\)",
        ),
        ("reference,distorted,mos\nr.png,gone.png,3\n", r"names no image that is there \(line 2"),
        ("reference,distorted,mos,dmos\nr.png,a.png,3,4\n", "has both mos and dmos"),
        (
            "reference,distorted\nr.png,a.png\n",
            "must have the columns reference",
        ),
        ("reference,a,b,preference\nr.png,a.png,b.png,1.5\n", r"line 2: .* share in \[0, 1\]"),
        ("", "it has none"),
        ("reference,distorted,mos\n", "the table has no rows"),
        (
            "reference,distorted,mos\nr.png,a.png,3\nsub/r.png,b.png,3\n",
            "two references named r.png",
        ),
    ],
)
def test_tables_that_cannot_be_used(table: Path, text: str, said: str) -> None:
    table.write_text(text, encoding="utf-8")
    with pytest.raises(JudgementError, match=said):
        read_table(table)


def test_a_missing_image_is_left_out_and_told(table: Path) -> None:
    table.write_text("Reference,Distorted,DMOS\nr.png,a.png,3\nr.png,c.png,2\n", encoding="utf-8")
    found = read_table(table)
    assert (found.kind, found.better, len(found.rows)) == ("opinions", "lower", 1)
    assert found.missing == (f"line 3: {table.parent / 'c.png'} does not exist",)


def tid2013(folder: Path) -> None:
    lines = []
    for scene, kind, level in ((1, 1, 1), (1, 2, 1), (2, 1, 1)):
        save(folder / "reference_images" / f"I{scene:02}.BMP")
        save(folder / "distorted_images" / f"i{scene:02}_{kind:02}_{level}.bmp", 0.3)
        lines.append(f"{5.5 - kind} I{scene:02}_{kind:02}_{level}.bmp")
    (folder / "mos_with_names.txt").write_text("\n".join(lines))


def kadid(folder: Path) -> None:
    for name in ("I01", "I01_02_03"):
        save(folder / "images" / f"{name}.png")
    (folder / "dmos.csv").write_text("dist_img,ref_img,dmos,var\nI01_02_03.png,I01.png,4.57,0.4\n")


def live(folder: Path) -> None:
    from scipy.io import savemat

    scores, marks = np.zeros((1, 982)), np.ones((1, 982))
    names = np.empty((1, 982), dtype=object)
    names[:] = "house.bmp"
    scores[0, 227], marks[0, 227] = 33.0, 0  # the first JPEG
    savemat(folder / "dmos_realigned.mat", {"dmos_new": scores, "orgs": marks})
    savemat(folder / "refnames_all.mat", {"refnames_all": names})
    save(folder / "refimgs" / "house.bmp")
    save(folder / "jpeg" / "img1.bmp")


def csiq(folder: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "all_by_image"
    for _ in range(3):
        sheet.append(["a title"])
    sheet.append([None, None, None, 1600, 4, "jpeg 2000", 2, 0.1, 0.25])
    book.save(folder / "csiq.DMOS.xlsx")
    save(folder / "src_imgs" / "1600.png")
    save(folder / "dst_imgs" / "jpeg2000" / "1600.jpeg2000.2.png")


def pipal(folder: Path) -> None:
    save(folder / "Train_Ref" / "A0001.bmp")
    save(folder / "Distortion_1" / "A0001_03_02.bmp")
    (folder / "Train_Label").mkdir()
    (folder / "Train_Label" / "A0001.txt").write_text("A0001_03_02.bmp,1410.1\n")


def bapps(folder: Path) -> None:
    part = folder / "2afc" / "val" / "cnn"
    for place in ("ref", "p0", "p1"):
        save(part / place / "000000.png")
    (part / "judge").mkdir()
    np.save(part / "judge" / "000000.npy", np.array([0.8], dtype=np.float32))
    part = folder / "jnd" / "val" / "cnn"
    for place in ("p0", "p1"):
        save(part / place / "000000.png")
    (part / "same").mkdir()
    np.save(part / "same" / "000000.npy", np.array([0.33], dtype=np.float32))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (tid2013, [("TID2013", "opinions", "higher", 3, 4.5, "01", "1")]),
        (kadid, [("KADID-10k", "opinions", "higher", 1, 4.57, "02", "03")]),
        (live, [("LIVE", "opinions", "lower", 1, 33.0, "jpeg", "")]),
        (csiq, [("CSIQ", "opinions", "lower", 1, 0.25, "jpeg 2000", "2")]),
        (pipal, [("PIPAL", "opinions", "higher", 1, 1410.1, "03", "02")]),
        (
            bapps,
            [
                ("BAPPS 2afc/val/cnn", "choices", "higher", 1, 0.8, "", ""),
                ("BAPPS jnd/val/cnn", "sameness", "higher", 1, 0.33, "", ""),
            ],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_layouts_are_recognised(tmp_path: Path, make, expected) -> None:
    make(tmp_path)
    found = study.read_judgements(tmp_path)
    for one, (name, kind, better, count, answer, distortion, strength) in zip(
        found, expected, strict=True
    ):
        assert (one.name, one.kind, one.better, len(one.rows)) == (name, kind, better, count)
        first = one.rows[0]
        assert first.answer == pytest.approx(answer)
        assert (first.distortion, first.strength) == (distortion, strength)
        assert all(image.is_file() for image in first.images)


def test_an_unknown_folder_lists_the_layouts(tmp_path: Path) -> None:
    with pytest.raises(JudgementError, match="TID2013, KADID-10k, LIVE, CSIQ, PIPAL, BAPPS"):
        study.read_judgements(tmp_path)


def test_what_a_measure_cannot_measure_is_never_averaged_away(table: Path) -> None:
    save(table.parent / "small.png", side=8)
    table.write_text(
        "reference,distorted,mos\nr.png,a.png,3\nr.png,b.png,2\nr.png,small.png,1\n",
        encoding="utf-8",
    )
    judged = read_table(table)
    examined = {one.name: one.measure for one in subjects(["l1", "ssim"])}
    scores = score_rows(judged, examined, range(3))
    found = agreements(judged, scores, {"l1": False, "ssim": True}, resamples=10)
    assert found.count == 2
    assert len(found.left_out) == 1
    assert found.left_out[0].startswith("line 4: l1: ")


# --- planted measures -----------------------------------------------------------------------------


def liar(pred: Tensor, target: Tensor) -> Tensor:
    """As people say, in steps: it has no gradient."""
    return (1000 * (pred - target).square().mean((1, 2, 3)).sqrt()).round() / 1000


def expensive(pred: Tensor, target: Tensor) -> Tensor:
    for _ in range(2):
        torch.linalg.svdvals(pred.detach())
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
    return work.Extent(1, 1, ("blur",), 8, 50, (1, 3, 48, 48))


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
    rows = {row[0]: row for row in tables.tables_of(result)[-1].rows} and {
        row[0]: row for table in tables.tables_of(result) if table.name == "fitness"
        for row in table.rows
    }  # fmt: skip
    assert rows[name][-1] == "the gradient is 0 everywhere"
    assert any(
        sentence.startswith(f"{name} has no gradient on 100 %") for sentence in result.advice
    )


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
    dark, light = (
        each.evaluate("getComputedStyle(document.body).backgroundColor")
        for each in (tab, open_page(page))
    )
    assert dark != light
    before = tab.get_attribute("#over", "src")
    tab.select_option("#left", "ssim")
    assert tab.get_attribute("#over", "src") != before
    tab.fill("#split", "25")
    assert "75%" in tab.evaluate("document.getElementById('over').style.clipPath")
    phone = open_page(page, width=400)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400
    assert phone.locator("svg").count() == 5


def test_a_measure_that_fails_is_told_and_stops_nothing(
    photographs: Path, small: work.Extent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "QUICK", small)
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


def test_a_stopped_study_continues_to_the_same(
    tmp_path: Path, photographs: Path, small: work.Extent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "QUICK", small)
    changed = shutil.copytree(photographs, tmp_path / "changed")
    options = {"images": photographs, "measures": ["l1", "ssim", "gmsd"], "quick": True}
    whole = study.Study(**options, out=tmp_path / "whole").run()

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
    with pytest.raises(ValueError, match="other settings, which cannot be continued: images was"):
        study.Study(**other, out=tmp_path / "parts", resume=True).run()
    keys: list[str] = []
    resumed = study.Study(**options, out=tmp_path / "parts", resume=True).run(
        lambda *told: keys.append(told[2])
    )
    assert len(keys) == len(whole.measures) * 4 - 6
    for name in whole.measures:
        assert resumed.measures[name].fitness == whole.measures[name].fitness
        assert resumed.measures[name].orderings == whole.measures[name].orderings


def test_command(
    tmp_path: Path,
    photographs: Path,
    judged: Path,
    small: work.Extent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ssimloss.cli._app import app

    monkeypatch.setattr(run, "QUICK", small)

    def command(*options: str) -> Result:
        where = ("study", str(photographs), "--out", str(tmp_path / "out"), "--quick")
        return CliRunner().invoke(app, [*where, *options], env={"COLUMNS": "80"})

    options = (
        "--measures",
        "l1,ssim",
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


def test_bad_arguments(tmp_path: Path, photographs: Path) -> None:
    for options, said in (
        ({"images": tmp_path / "none"}, "does not exist"),
        ({"images": tmp_path}, "holds no image"),
        ({"images": photographs, "measures": ["l1", "l1"]}, "must be different, got 'l1' twice"),
        ({"images": photographs, "measures": ["l3"]}, "measure must be one of"),
        ({"images": photographs, "resume": True}, "they need out"),
        ({"images": photographs, "aggregate_weights": {"beauty": 1.0}}, "got one of 'beauty'"),
        ({"images": photographs, "aggregate_weights": {"speed": 0.0}}, "must be positive"),
    ):
        with pytest.raises(ValueError, match=said):
            study.Study(**options).run()
    save(tmp_path / "tiny.png")
    with pytest.raises(ValueError, match="24 x 24 pixels; crops of 192 x 192 need more"):
        study.Study(tmp_path, measures=["l1"]).run()


# --- parts ----------------------------------------------------------------------------------------


def test_aggregate_and_its_sensitivity() -> None:
    factors = {
        "good": {"orderings": 0.9, "speed": 0.2},
        "fast": {"orderings": 0.1, "speed": 1.0},
        "never": {"orderings": 0.1, "speed": 0.1},
        "without": {"orderings": 0.9, "speed": math.nan},
    }
    found = aggregate(factors, {"orderings": 3.0, "speed": 1.0})
    assert found["good"].value == pytest.approx((3 * 0.9 + 0.2) / 4)
    assert math.isnan(found["without"].value)
    assert found["without"].first == 0
    # good wins where its weight w has 0.9 w + 0.2 (1 - w) > 0.1 w + (1 - w), w above 1/2.
    assert found["good"].first == pytest.approx(0.5, abs=0.02)
    assert found["never"].first == 0
    assert found["good"].first + found["fast"].first == pytest.approx(1)
    assert speed_factors({"a": 1.0, "b": 10.0, "c": 100.0}) == pytest.approx(
        {"a": 1.0, "b": 0.5, "c": 0.0}
    )
    assert speed_factors({"alone": 2.0, "unknown": math.nan})["alone"] == 1.0
    assert fitness_factors({"a": 1.0, "b": 2.0, "c": 3.0}) == {"a": 1.0, "b": 0.5, "c": 0.0}


def test_ranks_share_places() -> None:
    found = fitness.ranks({"a": 1.0, "b": 2.0, "c": 2.0, "d": math.nan}, higher_is_better=True)
    assert found == {"a": 3.0, "b": 1.5, "c": 1.5, "d": 4.0}


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
        one = subject(name, weights="random" if name.startswith(("lpips", "dists")) else "imagenet")
        assert (one.loss is None) == bool(one.why_no_loss), name
