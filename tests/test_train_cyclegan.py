"""The CycleGAN example, short: from end to end, continued exactly after SIGKILL, its domains
without a common pixel, its errors.

That the default run gains 6 dB is not tested here (it takes minutes); that a few steps gain
something is.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import photographs as test_photographs
import pytest
import torch
import train_cyclegan
from cyclegan import domains, evaluation
from cyclegan.networks import ImagePool
from cyclegan.training import Settings, Trainer
from example_runs import End, assert_same, call, ends_early, error_of, partial_files
from PIL import Image
from super_resolution import photographs
from test_examples import crops

TINY = Settings(steps=30, batch=2, crop=16, width=4, blocks=1, pool=3)
TINY_OPTIONS = (
    "--batch",
    "2",
    "--crop",
    "16",
    "--width",
    "4",
    "--blocks",
    "1",
    "--pool",
    "3",
    "--device",
    "cpu",
)
CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crops(tmp_path_factory.mktemp("cyclegan") / "data")


@pytest.fixture(scope="module")
def training(data: Path) -> list[photographs.Photograph]:
    return photographs.load_all(data, 1, 2 * TINY.crop)[0]


def train(trainer: Trainer, checkpoint: Path, *, until: int | None = None) -> None:
    """In this process; ``until`` stops after that step, a multiple of 10, as a crash would."""

    class Crash(Exception):
        pass

    def on_report(_: dict[str, float]) -> None:
        if trainer.step == until:
            raise Crash

    try:
        trainer.run(
            on_report=on_report,
            score=lambda _: 0.0,
            score_every=1000,
            checkpoint=checkpoint,
            checkpoint_every=10,
        )
    except Crash:
        assert until is not None


# -- end to end
# --------------------------------------------------------------------------------------------------


@ends_early
def test_a_killed_run_resumes_to_the_same_weights_table_and_picture(
    end: End,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--data", data, *TINY_OPTIONS, "--steps", 60, "--checkpoint-every", 5)
    call(monkeypatch, train_cyclegan, "--out", tmp_path / "whole", *options)
    check_outputs(tmp_path / "whole")
    capsys.readouterr()

    out = tmp_path / "killed"
    # Written at step 0, 5, 10.
    killed = end(out / "checkpoint.pt", 3, "train_cyclegan.py", "--out", out, *options)
    step = killed["step"]
    assert 0 < step < 60
    assert not (out / "generators.pt").exists()

    capsys.readouterr()
    call(monkeypatch, train_cyclegan, "--out", out, *options, "--resume")
    assert f"at step {step} of 60" in " ".join(capsys.readouterr().out.split())
    check_outputs(out)
    assert partial_files(out) == []
    for name in ("generators.pt", "checkpoint.pt"):
        assert_same(
            *(torch.load(folder / name, weights_only=True) for folder in (tmp_path / "whole", out))
        )
    assert (tmp_path / "whole" / "table.csv").read_text() == (out / "table.csv").read_text()
    # Seen once: of equal data, one caption drawn a fraction of a pixel elsewhere.
    pictures = [
        np.asarray(Image.open(folder / "panel.png").convert("RGB")).astype(int)
        for folder in (tmp_path / "whole", out)
    ]
    difference = np.abs(pictures[0] - pictures[1])
    assert difference.max() <= 16
    assert (difference > 0).mean() < 1e-3


def check_outputs(out: Path) -> None:
    with Image.open(out / "panel.png") as panel:
        panel.load()
        assert min(panel.size) > 800
        assert np.asarray(panel.convert("L")).std() > 20  # not blank
    with (out / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["photograph"] for row in rows] == ["00", "10", "mean"]
    for row in rows:
        for domain in domains.DOMAINS:
            gain = float(row[f"{domain}_cycle"]) - float(row[f"{domain}_cycle_untrained"])
            assert math.isclose(gain, float(row[f"{domain}_cycle_gain"]), abs_tol=1e-9)
    assert float(rows[-1]["day_cycle_gain"]) + float(rows[-1]["dusk_cycle_gain"]) > 1, (
        "it learned nothing"
    )
    assert json.loads((out / "table.json").read_text())["settings"]["width"] == 4


def test_resuming_continues_everything(
    training: list[photographs.Photograph], tmp_path: Path
) -> None:
    """Pools that are filling, and such that are full."""
    whole, stopped, resumed = (Trainer(TINY, training, CPU) for _ in range(3))
    train(whole, tmp_path / "whole.pt")
    train(stopped, tmp_path / "stopped.pt", until=10)
    resumed.load(tmp_path / "stopped.pt")
    assert resumed.step == resumed.criterion.step == 10
    train(resumed, tmp_path / "stopped.pt")
    assert_same(
        *(torch.load(tmp_path / name, weights_only=True) for name in ("whole.pt", "stopped.pt"))
    )


def test_one_seed_gives_one_pair_of_generators_and_another_seed_another(
    training: list[photographs.Photograph], tmp_path: Path
) -> None:
    weights = []
    for seed in (0, 0, 1):
        trainer = Trainer(Settings(**{**vars(TINY), "steps": 3, "seed": seed}), training, CPU)
        train(trainer, tmp_path / "checkpoint.pt")
        weights.append(
            torch.cat([weight.detach().flatten() for weight in trainer.generators.parameters()])
        )
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_step_trains_all_four_networks_and_no_discriminator_by_the_generators_loss(
    training: list[photographs.Photograph],
) -> None:
    trainer = Trainer(TINY, training, CPU)
    before = {
        name: [p.clone() for p in getattr(trainer, name).parameters()]
        for name in ("generators", "discriminators")
    }
    trainer._train_step()
    for name, weights in before.items():
        assert all(
            (new != old).any()
            for new, old in zip(getattr(trainer, name).parameters(), weights, strict=True)
        ), name
    assert all(p.requires_grad for p in trainer.discriminators.parameters())


# -- domains and the pool
# --------------------------------------------------------------------------------------------------


def test_no_pixel_is_in_both_domains() -> None:
    """Columns are numbered by colour: dusk, undone but for its blur, comes from the other half."""
    height, width = 40, 100
    numbered = torch.arange(width).mul(2).expand(3, height, width).to(torch.uint8).contiguous()
    for turn, both in enumerate(([numbered], [numbered[..., :50], numbered])):
        loaded = [
            photographs.Photograph(str(index), image, image) for index, image in enumerate(both)
        ]
        halves = domains.Crops(loaded, crop=16, batch=2).halves
        last = len(both) - 1
        day, dusk = (halves[domain][last] for domain in domains.DOMAINS)
        assert day.shape[2] + dusk.shape[2] == width
        whole = domains.dusk(photographs.to_float(numbered[None]))[0]
        left_is_day = turn == 0
        assert torch.equal(
            day,
            photographs.to_float(numbered)[..., :50]
            if left_is_day
            else photographs.to_float(numbered)[..., 50:],
        )
        interior = (..., slice(4, -4))
        torch.testing.assert_close(
            dusk[interior], (whole[..., 50:] if left_is_day else whole[..., :50])[interior]
        )


def test_dusk_is_darker_softer_and_in_range() -> None:
    day = photographs.to_float(
        torch.from_numpy(test_photographs.photograph("coffee")).permute(2, 0, 1)[
            None, :, 100:200, 100:220
        ]
    )
    dusk = domains.dusk(day)
    assert dusk.shape == day.shape
    assert 0 <= dusk.min() <= dusk.max() <= 1
    assert dusk.mean() < day.mean() - 0.02
    assert dusk.diff(dim=3).abs().mean() < 0.6 * day.diff(dim=3).abs().mean()
    white, black = domains.dusk(torch.ones(1, 3, 8, 8)), domains.dusk(torch.zeros(1, 3, 8, 8))
    for image, colour in (
        (white, [a + b for a, b in zip(domains.LIGHT, domains.HAZE, strict=True)]),
        (black, domains.HAZE),
    ):
        torch.testing.assert_close(image, torch.tensor(colour).view(1, 3, 1, 1).expand_as(image))


def test_the_pool_fills_and_then_exchanges_half() -> None:
    pool, random = ImagePool(50), torch.Generator().manual_seed(0)
    numbered = torch.arange(2050.0).view(-1, 1, 1, 1)
    assert torch.equal(pool.exchange(numbered[:50], random), numbered[:50])
    shown = pool.exchange(numbered[50:], random)
    assert len(torch.cat([shown, pool.images]).unique()) == 2050, (
        "each image is shown at most once, and none is lost"
    )
    assert 0.45 < (shown < numbered[50:]).float().mean() < 0.55
    assert not pool.exchange(torch.ones(1, 1, 1, 1, requires_grad=True), random).requires_grad


def test_a_generator_that_does_nothing_comes_back_whole_and_is_no_translation() -> None:
    """So the PSNR of a cycle alone is not informative; the table has the other one too."""
    day = torch.rand(2, 3, 16, 16)
    pairs = {"day": day * 2 - 1, "dusk": domains.dusk(day) * 2 - 1}
    nothing = torch.nn.ModuleDict({domain: torch.nn.Identity() for domain in domains.DOMAINS})
    for way in evaluation.ways(nothing, pairs, CPU).values():
        assert way.cycle == [math.inf, math.inf]
        assert way.translation == way.nothing
        assert max(way.nothing) < 25


# -- errors
# --------------------------------------------------------------------------------------------------


def test_errors_name_the_option_and_the_way_out(
    data: Path,
    training: list[photographs.Photograph],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def error(*options: object) -> str:
        return error_of(
            monkeypatch, capsys, train_cyclegan, "--device", "cpu", "--out", tmp_path, *options
        )

    tiny = ("--data", data, *TINY_OPTIONS)
    assert "argument --steps: must be at least 1, got 0" in error("--steps", 0)
    assert "argument --identity: must be above 0, got -1.0" in error("--identity", -1)
    assert error(*tiny, "--crop", 18) == "error: --crop 18 is not divisible by 4"
    assert error(*tiny, "--crop", 32).endswith(
        "41x53 pixels, needs at least 64x64 for one crop; remove it or lower --crop"
    )
    assert f"error: --resume: there is no {tmp_path / 'checkpoint.pt'}" in error(*tiny, "--resume")
    Trainer(TINY, training, CPU).save(tmp_path / "checkpoint.pt")
    assert "(--steps was 30, now 31; --seed was 0, now 7)" in error(
        *tiny, "--resume", "--steps", 31, "--seed", 7
    )
    (crops(tmp_path / "others") / "03.png").unlink()
    assert "other training photographs" in error(
        *tiny, "--steps", 30, "--resume", "--data", tmp_path / "others"
    )
