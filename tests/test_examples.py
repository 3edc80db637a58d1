"""The examples in short runs: they run from end to end, continue exactly after SIGKILL, leave no
half-written file, and explain errors. A tiny network is trained on crops of real photographs, so
that a run takes seconds. Whether the default run is 1 dB better than bicubic takes minutes and is
not tested here; ``make demo`` prints it.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import added_loss_study
import compare_losses
import numpy as np
import photographs as test_photographs
import pytest
import torch
import train_super_resolution
import train_vmaf_prefilter
from added_losses import results
from added_losses.running import METRICS
from example_runs import assert_same, call, error_of, kill_after, partial_files, run
from PIL import Image
from runs.learning_rate import learning_rate_factor
from runs.values import NonFiniteError
from super_resolution import evaluation, photographs
from super_resolution.losses import LOSSES, criterion_of, single_losses
from super_resolution.network import SuperResolver
from super_resolution.training import Settings, Trainer

import ssimloss
from ssimloss import CombinedLoss, L1Loss, Term

TINY = Settings(steps=60, batch=2, crop=24, channels=4, blocks=1)
TINY_OPTIONS = (
    "--batch",
    "2",
    "--crop",
    "24",
    "--channels",
    "4",
    "--blocks",
    "1",
    "--device",
    "cpu",
)
CPU = torch.device("cpu")
SCRIPT = "train_super_resolution.py"


def crops(folder: Path) -> Path:
    """Twelve small photographs: the 1st and 11th are held out, one of them too small
    for MS-SSIM.
    """
    folder.mkdir()
    names = ("astronaut", "coffee", "chelsea", "motorcycle")
    for index in range(12):
        whole = test_photographs.photograph(names[index % 4])
        height, width = (181, 190) if index == 0 else (41, 53)
        Image.fromarray(whole[100 : 100 + height, 60 + 10 * index : 60 + 10 * index + width]).save(
            folder / f"{index:02d}.png"
        )
    return folder


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crops(tmp_path_factory.mktemp("examples") / "data")


@pytest.fixture(scope="module")
def training(data: Path) -> list[photographs.Photograph]:
    return photographs.load_all(data, TINY.scale, TINY.crop)[0]


def options(data: Path, out: Path) -> tuple[object, ...]:
    return ("--data", data, "--out", out, *TINY_OPTIONS, "--steps", 60, "--checkpoint-every", 3)


def weights(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "network.pt", weights_only=True)["network"]


def run_quietly(
    trainer: Trainer, checkpoint: Path, *, until: int | None = None, every: int = 1000
) -> None:
    """Train in this process; ``until`` stops after that step as a crash would."""

    class Crash(Exception):
        pass

    def on_report(_: dict[str, float]) -> None:
        if until is not None and trainer.step >= until:
            raise Crash

    try:
        trainer.run(
            on_report=on_report,
            score=lambda _: 0.0,
            score_every=1000,
            checkpoint=checkpoint,
            checkpoint_every=every,
        )
    except Crash:
        assert trainer.step == until


# -- end to end
# --------------------------------------------------------------------------------------------------


def test_a_killed_run_resumes_to_the_same_weights_table_and_picture(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call(monkeypatch, train_super_resolution, *options(data, tmp_path / "whole"))
    check_outputs(tmp_path / "whole", capsys.readouterr().out)

    out = tmp_path / "killed"
    # At step 0, 3, 6.
    step = kill_after(out / "checkpoint.pt", 3, SCRIPT, *options(data, out))["step"]
    assert 0 < step < 60
    assert not (out / "network.pt").exists()

    printed = run(SCRIPT, *options(data, out), "--resume")
    assert f"at step {step} of 60" in printed
    check_outputs(out, printed)
    assert partial_files(out) == []

    one, other = weights(tmp_path / "whole"), weights(out)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (tmp_path / "whole" / "table.csv").read_text() == (out / "table.csv").read_text()
    assert (tmp_path / "whole" / "panel.png").read_bytes() == (out / "panel.png").read_bytes()


def check_outputs(out: Path, printed: str) -> None:
    with Image.open(out / "panel.png") as panel:
        panel.load()
        assert min(panel.size) > 800
        assert np.asarray(panel.convert("L")).std() > 20  # not blank
    with (out / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["photograph"] for row in rows] == ["00", "10", "mean"]
    # The second is too small for five scales.
    assert [bool(row["ms_ssim_ours"]) for row in rows] == [True, False, True]
    for row in rows:
        assert math.isclose(
            float(row["psnr_y_ours"]) - float(row["psnr_y_bicubic"]),
            float(row["psnr_y_gain"]),
            abs_tol=1e-9,
        )
    about = json.loads((out / "table.json").read_text())
    assert about["rows"][1]["ms_ssim_gain"] is None
    assert about["settings"]["channels"] == 4
    markdown = (out / "table.md").read_text().splitlines()
    assert [line.count("|") for line in markdown[2:]] == [11] * 5
    assert f"{float(rows[2]['psnr_y_bicubic']):.2f}" in markdown[-1]
    assert f"{float(rows[2]['psnr_y_bicubic']):.2f}" in printed
    assert "charbonnier" in printed


def test_compare_losses_writes_a_row_per_loss_and_a_picture(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(
        monkeypatch,
        compare_losses,
        "--data",
        data,
        "--out",
        tmp_path,
        *TINY_OPTIONS,
        "--steps",
        3,
        "--losses",
        "l2",
        "hsluv",
        "ms_ssim_l1+gmsd@0.1",
    )
    names = ["bicubic", "l2", "hsluv", "ms_ssim_l1+gmsd@0.1"]
    with (tmp_path / "losses.csv").open(newline="") as file:
        assert [row["loss"] for row in csv.DictReader(file)] == names
    with Image.open(tmp_path / "losses.png") as picture:
        picture.load()
        assert min(picture.size) > 800
    assert partial_files(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "gmsdd",
            r"no loss is called 'gmsdd'; choose from combined, .*, gmsd, .*, or a sum of two",
        ),
        ("l1+psnr", r"no loss is called 'psnr'; choose from"),
        ("l1+gmsd@1.5", r"the share after @ must be a number between 0 and 1, got '1.5'"),
        ("l1+iw_ssim", r"'l1\+iw_ssim' cannot be trained on crops of 24 pixels: .* at least 161"),
    ],
)
def test_a_loss_that_cannot_be_compared_is_named_before_anything_is_trained(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    message: str,
) -> None:
    options = ("--out", tmp_path, *TINY_OPTIONS, "--losses", "l2", name)
    assert re.search(message, error_of(monkeypatch, capsys, compare_losses, *options))
    assert not list(tmp_path.iterdir())


def test_every_loss_of_two_images_has_a_name_in_the_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, compare_losses, "--list")
    assert ended.value.code == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line[0] == " "}
    assert listed == {*LOSSES, *single_losses()}

    downloads = ("dists", "adists")
    made = {
        type(loss.make()).__name__
        for name, loss in single_losses().items()
        if name not in downloads
    }
    # Of other inputs, of clips, of feature maps; L1 by another name; made for CLIP's features; its
    # networks are downloads.
    beyond = {"AdversarialLoss", "PriorLoss", "LandmarkLoss"}
    beyond |= {"TemporalDifferenceLoss", "WarpingErrorLoss", "FeatureMatchingLoss"}
    beyond |= {"CycleConsistencyLoss", "CMMDLoss", "DISTS", "ADISTS"}
    assert set(ssimloss.losses.__all__) - made == beyond


def test_the_second_loss_of_a_sum_has_its_share_of_the_gradient() -> None:
    pred, target = torch.rand(2, 2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    for name, share in (("l1+gmsd", 0.25), ("combined+gmsd@0.1", 0.1)):
        criterion = criterion_of(name)
        criterion(pred.clone().requires_grad_(), target).backward()
        assert criterion.last.gradient_shares["gmsd"].item() == pytest.approx(share, abs=1e-4)


def test_the_study_of_added_losses_trains_each_once_and_compares_by_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for index, name in enumerate(("astronaut", "coffee", "chelsea")):
        whole = test_photographs.photograph(name)
        Image.fromarray(whole[:76, :64]).save(folder / f"{index}.png")
    out = tmp_path / "out"
    options = ("--out", out, "--data", folder, "--quick", "--device", "cpu", "--losses", "gmsd")
    call(monkeypatch, added_loss_study, *options, "ncc@0.5", "--seeds", 0, 1)
    files = sorted((out / "runs").glob("*.json"))
    names = [f"{name}_seed{seed}" for name in ("base", "gmsd", "ncc@0.5") for seed in (0, 1)]
    assert [path.stem for path in files] == names
    base, with_gmsd = (
        [json.loads((out / "runs" / f"{name}_seed{seed}.json").read_text()) for seed in (0, 1)]
        for name in ("base", "gmsd")
    )
    table = json.loads((out / "added_losses.json").read_text())
    assert [row["added"] for row in table["rows"]] == [
        "charbonnier alone",
        "gmsd",
        "ncc, share 0.5",
    ]
    expected = [one["psnr"] - other["psnr"] for one, other in zip(with_gmsd, base, strict=True)]
    assert table["rows"][1]["psnr"] == pytest.approx(sum(expected) / 2)
    assert any(expected)
    for picture in ("added_losses.png", "added_losses_details.webp"):
        with Image.open(out / picture) as opened:
            assert np.asarray(opened.convert("L")).std() > 20  # not blank

    before = [path.stat().st_mtime_ns for path in files]
    capsys.readouterr()
    call(monkeypatch, added_loss_study, *options, "--seeds", 0)
    assert [path.stat().st_mtime_ns for path in files] == before
    assert "ncc, share 0.5" in capsys.readouterr().out  # the report is of everything finished
    # Other photographs are another study: nothing is taken from the finished one.
    pixels = np.asarray(Image.open(folder / "1.png"))
    Image.fromarray(np.where(pixels < 255, pixels + 1, pixels).astype(np.uint8)).save(
        folder / "1.png"
    )
    call(monkeypatch, added_loss_study, *options, "--seeds", 0)
    changed = [path.stem for path, time in zip(files, before, strict=True)
               if path.stat().st_mtime_ns != time]  # fmt: skip
    assert changed == ["base_seed0", "gmsd_seed0"]
    assert len(list((out / "runs").glob("start_seed0_*.pt"))) == 2
    assert "ncc, share 0.5" not in capsys.readouterr().out
    assert partial_files(tmp_path) == []


def test_a_change_within_the_spread_of_the_seeds_is_called_so() -> None:
    """The base differs by 0.02 between its seeds."""

    def run(added: str, seed: int, psnr: float) -> dict[str, object]:
        values = dict.fromkeys(METRICS, 0.0) | {"psnr": psnr}
        return {"added": added, "seed": seed, "step_ms": 2, "base_step_ms": 1, "weight": 1} | values

    cases = {
        "better": (0.03, 0.031),
        "slightly better": (0.01, 0.012),
        "unclear": (0.0, 0.06),
        "slightly worse": (-0.01, -0.01),
        "worse": (-0.1, -0.1),
    }
    runs = [run("", 0, 30.0), run("", 1, 30.02), run("single", 0, 31.0)]
    for name, changes in cases.items():
        runs += [run(name, 0, 30.0 + changes[0]), run(name, 1, 30.02 + changes[1])]
    verdicts = {row["added"]: row["psnr_verdict"] for row in results.rows_of(runs)[1:]}
    assert verdicts == {name: name for name in ("single", *cases)}
    assert results.verdict([0.03, 0.031], 0.02, more_is_better=False) == "worse"


def test_vmaf_prefilter_raises_neg_and_shows_psnr(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few steps; a longer run is in docs/vmaf.md."""
    options = ("--data", data, "--out", tmp_path, "--steps", 12, "--crop", 32, "--device", "cpu")
    call(monkeypatch, train_vmaf_prefilter, *options)
    with (tmp_path / "prefilter.csv").open(newline="") as file:
        rows = {row["trained"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["nothing", "L1", "VMAF", "VMAF-NEG"]
    assert len({row["vmaf"] for row in rows.values()}) == 4
    assert float(rows["VMAF-NEG"]["vmaf_neg"]) > float(rows["nothing"]["vmaf_neg"]) + 1
    assert all(20 < float(row["psnr"]) < 60 for row in rows.values()), "none runs away"
    with Image.open(tmp_path / "prefilter.png") as picture:
        picture.load()
    assert partial_files(tmp_path) == []


def test_the_texture_loss_is_shown_beside_the_same_without_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--data", data, "--out", tmp_path, *TINY_OPTIONS, "--steps", 4, "--loss", "texture")
    call(monkeypatch, train_super_resolution, *options)
    without = torch.load(tmp_path / "without_texture.pt", weights_only=True)
    assert without["settings"]["loss"] == "combined"
    assert not any("texture" in name for name in without["history"]["terms"])
    assert (
        "texture" in torch.load(tmp_path / "checkpoint.pt", weights_only=True)["history"]["terms"]
    )
    with Image.open(tmp_path / "texture.png") as picture:
        picture.load()
        assert min(picture.size) > 600
        assert np.asarray(picture.convert("L")).std() > 20  # not blank
    before = (tmp_path / "texture.png").read_bytes()
    # Both, and nothing is left to train.
    call(monkeypatch, train_super_resolution, *options, "--resume")
    assert (tmp_path / "texture.png").read_bytes() == before
    assert partial_files(tmp_path) == []


# -- training
# --------------------------------------------------------------------------------------------------


def test_one_seed_gives_one_network_and_another_seed_another(
    training: list[photographs.Photograph], tmp_path: Path
) -> None:
    networks = []
    for seed in (0, 0, 1):
        trainer = Trainer(Settings(**{**vars(TINY), "steps": 8, "seed": seed}), training, CPU)
        run_quietly(trainer, tmp_path / "checkpoint.pt")
        networks.append(
            torch.cat([weight.detach().flatten() for weight in trainer.network.parameters()])
        )
    assert torch.equal(networks[0], networks[1])
    assert not torch.equal(networks[0], networks[2])


@pytest.mark.parametrize("amp", ["off", "bf16"])
def test_resuming_continues_everything(
    training: list[photographs.Photograph], tmp_path: Path, amp: str
) -> None:
    settings = Settings(**{**vars(TINY), "amp": amp})
    whole, stopped, resumed = (Trainer(settings, training, CPU) for _ in range(3))
    run_quietly(whole, tmp_path / "whole.pt", every=30)
    run_quietly(stopped, tmp_path / "stopped.pt", until=40, every=30)
    resumed.load(tmp_path / "stopped.pt")
    assert resumed.step == resumed.criterion.step == 30
    run_quietly(resumed, tmp_path / "stopped.pt", every=30)
    assert_same(
        torch.load(tmp_path / "whole.pt", weights_only=True),
        torch.load(tmp_path / "stopped.pt", weights_only=True),
    )


def test_assert_same_notices_one_bit() -> None:
    with pytest.raises(AssertionError):
        assert_same(
            {"a": [torch.tensor(1.0)]},
            {"a": [torch.nextafter(torch.tensor(1.0), torch.tensor(2.0))]},
        )


def test_a_loss_that_is_not_finite_is_named_and_does_not_reach_the_checkpoint(
    training: list[photographs.Photograph], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(1, 100))

    def broken(pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (pred - target).abs().mean() * (math.nan if next(calls) == 25 else 1)

    monkeypatch.setitem(
        LOSSES, "combined", lambda: CombinedLoss(pixel=Term(L1Loss()), edge=Term(broken))
    )
    trainer = Trainer(TINY, training, CPU)
    with pytest.raises(NonFiniteError, match=r"step 25: the loss is not finite in the term edge$"):
        run_quietly(trainer, tmp_path / "checkpoint.pt", every=10)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["step"] == 20
    assert all(weight.isfinite().all() for weight in state["network"].values())


def test_every_named_loss_trains(training: list[photographs.Photograph], tmp_path: Path) -> None:
    for loss in LOSSES:
        trainer = Trainer(Settings(**{**vars(TINY), "loss": loss, "steps": 2}), training, CPU)
        run_quietly(trainer, tmp_path / "checkpoint.pt")
        assert trainer.network.tail.weight.abs().sum() > 0


def test_learning_rate_rises_then_falls_to_nothing() -> None:
    factors = [learning_rate_factor(step / 1000) for step in range(1001)]
    assert max(factors) == pytest.approx(1, abs=1e-3)
    assert factors.index(max(factors)) == 50
    assert 0 < factors[0] < 0.2
    assert factors[-1] == pytest.approx(0, abs=1e-12)


def test_an_untrained_network_is_bicubic_interpolation(
    training: list[photographs.Photograph],
) -> None:
    low = photographs.to_float(training[0].low[None])
    for scale in (2, 3, 4):
        assert torch.equal(
            SuperResolver(scale=scale, channels=4, blocks=1)(low), photographs.enlarge(low, scale)
        )


# -- photographs and protocol
# --------------------------------------------------------------------------------------------------


def test_the_default_photographs_are_in_the_wheels_and_none_is_on_both_sides() -> None:
    training_files, held_out_files = photographs.shipped_files()
    assert all(path.is_file() for path in training_files + held_out_files)
    assert {path.suffix for path in held_out_files} == {".png"}
    scenes = [
        {path.stem.replace("_left", "").replace("_right", "") for path in paths}
        for paths in (training_files, held_out_files)
    ]
    assert scenes[0].isdisjoint(scenes[1])


def test_a_crop_is_the_same_place_in_both_resolutions() -> None:
    """A constant photograph per colour would not notice; a ramp along both sides does, under every
    flip and turn.
    """
    y, x = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    truth = torch.stack([4 * y, 4 * x, 2 * (x + y)]).to(torch.uint8)
    low = photographs.to_uint8(photographs.reduce(photographs.to_float(truth[None]), 2))[0]
    sampler = photographs.PatchSampler(
        [photographs.Photograph("ramp", truth, low)], scale=2, crop=16, batch=64, seed=0
    )
    low_crops, crops = sampler.draw()
    assert low_crops.shape == (64, 3, 8, 8)
    inside = (photographs.reduce(crops, 2) - low_crops)[..., 1:-1, 1:-1]
    assert inside.abs().max() < 2.5 / 255


def test_scores_are_those_of_the_papers() -> None:
    """scikit-image on the studio-range Y, cropped by the scale."""
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    pred, truth = test_photographs.pair("chelsea", 191, 253, 40, 120)
    scores = evaluation.measure(
        torch.from_numpy(pred).permute(2, 0, 1), torch.from_numpy(truth).permute(2, 0, 1), 3
    )
    y, y_true = (rgb2ycbcr(image)[3:-3, 3:-3, 0] for image in (pred, truth))
    assert scores.psnr_y == pytest.approx(
        peak_signal_noise_ratio(y_true, y, data_range=255), abs=1e-9
    )
    ssim = structural_similarity(
        y_true, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert scores.ssim == pytest.approx(ssim, abs=1e-9)


def test_photographs_of_every_8_bit_kind_are_read_as_rgb(tmp_path: Path) -> None:
    colour = Image.fromarray(test_photographs.photograph("coffee")[:50, :61])
    for index, kind in enumerate(("RGB", "L", "RGBA", "LA", "P", "CMYK")):
        path = tmp_path / f"{index}.{'tif' if kind == 'CMYK' else 'png'}"
        colour.convert(kind).save(path)
        photograph = photographs.load(path, 3, smallest=40, reason="")
        assert photograph.truth.shape == (3, 48, 60)
        assert photograph.low.shape == (3, 16, 20)
        assert photograph.truth.dtype == photograph.low.dtype == torch.uint8


# -- errors
# --------------------------------------------------------------------------------------------------


@pytest.fixture
def error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[object]:
    return lambda *options: error_of(
        monkeypatch, capsys, train_super_resolution, "--device", "cpu", *options
    )


def test_errors_name_the_option_and_the_way_out(error: object, data: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "the following arguments are required: --out" in error()
    assert "argument --steps: must be at least 1, got 0" in error(*out, "--steps", 0)
    assert "argument --learning-rate: must be above 0, got -1.0" in error(
        *out, "--learning-rate", -1
    )
    assert "argument --learning-rate: invalid number value: 'fast'" in error(
        *out, "--learning-rate", "fast"
    )
    assert "argument --loss: invalid choice: 'lpips'" in error(*out, "--loss", "lpips")
    assert (
        error(*out, "--data", tmp_path / "nowhere")
        == f"error: --data {tmp_path / 'nowhere'}: no such folder"
    )
    assert "needs at least two photographs" in error(*out, "--data", empty)
    assert "found 0" in error(*out, "--data", empty)
    assert (
        error(*out, "--data", data, "--crop", 25)
        == "error: --crop 25 is not divisible by --scale 2"
    )
    assert error(*out, "--data", data).endswith(
        "01.png: 41x53 pixels, needs at least 48x48 for one crop; remove it or lower --crop"
    )
    assert "--amp fp16 needs CUDA" in error(*out, "--amp", "fp16")
    (tmp_path / "file").touch()
    assert error("--out", tmp_path / "file").startswith(
        f"error: --out {tmp_path / 'file'}: cannot be used as a folder"
    )
    if not torch.cuda.is_available():
        assert "torch finds no CUDA device" in error(*out, "--device", "cuda")


def test_an_unreadable_image_is_named(error: object, tmp_path: Path) -> None:
    folder = crops(tmp_path / "data")
    whole = (folder / "05.png").read_bytes()
    for content in (b"", b"not an image", whole[: len(whole) // 2]):
        (folder / "05.png").write_bytes(content)
        assert f"{folder / '05.png'}: not a readable image" in error(
            "--out", tmp_path / "out", "--data", folder, *TINY_OPTIONS
        )
    Image.fromarray(np.full((41, 53), 40000, np.uint16)).save(folder / "05.png")
    assert "convert the photograph to 8 bit first" in error(
        "--out", tmp_path / "out", "--data", folder, *TINY_OPTIONS
    )


def test_resuming_what_is_not_there_or_another_run_is_refused(
    error: object, data: Path, training: list, tmp_path: Path
) -> None:
    options = ("--out", tmp_path, "--data", data, "--resume", *TINY_OPTIONS, "--steps", TINY.steps)
    assert (
        f"error: --resume: there is no {tmp_path / 'checkpoint.pt'}; leave out --resume"
        in error(*options)
    )

    Trainer(TINY, training, CPU).save(tmp_path / "checkpoint.pt")
    assert "(--steps was 60, now 61); give those, or leave out --resume" in error(
        *options, "--steps", 61
    )
    assert "--loss was combined, now l1; --seed was 0, now 7" in error(
        *options, "--loss", "l1", "--seed", 7
    )

    (crops(tmp_path / "others") / "03.png").unlink()
    assert "other training photographs; give its --data" in error(
        *options, "--data", tmp_path / "others"
    )

    whole = (tmp_path / "checkpoint.pt").read_bytes()
    for content in (b"", b"words", whole[: len(whole) // 2]):
        (tmp_path / "checkpoint.pt").write_bytes(content)
        assert f"--resume: {tmp_path / 'checkpoint.pt'} cannot be read" in error(*options)


def test_a_new_run_moves_the_old_checkpoint_aside(
    data: Path, training: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trainer(TINY, training, CPU).save(tmp_path / "checkpoint.pt")
    before = (tmp_path / "checkpoint.pt").read_bytes()
    call(
        monkeypatch,
        train_super_resolution,
        "--data",
        data,
        "--out",
        tmp_path,
        *TINY_OPTIONS,
        "--steps",
        2,
    )
    assert (tmp_path / "previous_checkpoint.pt").read_bytes() == before
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 2
