"""The adversarial examples in short runs: they run from end to end, continue exactly after SIGKILL,
and explain errors. Networks are tiny and steps few, so that a run takes seconds. Two results take
minutes and are in docs/examples.md: each default run reaches at most half the Frechet distance of
an untrained generator, and the effect of fine-tuning on photographs.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import photographs as test_photographs
import pytest
import torch
import train_dcgan
import train_srgan
from dcgan import images
from dcgan import training as dcgan_training
from dcgan.judge import Judge
from dcgan.pictures import mosaic
from example_runs import (
    End,
    assert_same,
    call,
    ends_early,
    error_of,
    kill_after,
    partial_files,
    run,
)
from PIL import Image
from runs.files import InputError
from runs.values import NonFiniteError, Unread
from srgan import training as srgan_training
from srgan.evaluation import Perception
from super_resolution import photographs
from super_resolution import training as pretraining
from super_resolution.evaluation import bicubic_result
from super_resolution.network import SuperResolver
from torch import Tensor

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
DCGAN_TINY = (
    "--steps",
    24,
    "--batch",
    8,
    "--latent",
    4,
    "--width",
    4,
    "--classifier-steps",
    3,
    "--checkpoint-every",
    4,
    "--device",
    "cpu",
)
SRGAN_TINY = (
    "--start-steps",
    4,
    "--steps",
    12,
    "--batch",
    2,
    "--crop",
    24,
    "--channels",
    4,
    "--blocks",
    1,
    "--checkpoint-every",
    3,
)
SRGAN_MACHINE = ("--embedded-weights", "random", "--device", "cpu")

ErrorOf = Callable[..., str]


@pytest.fixture
def error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ErrorOf:
    return lambda script, *options: error_of(monkeypatch, capsys, script, *options)


def rows_of(path: Path, *, without: str = "") -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [
            {key: value for key, value in row.items() if key != without}
            for row in csv.DictReader(file)
        ]


def check_picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()
        assert min(picture.size) > 700
        assert np.asarray(picture.convert("L")).std() > 20  # not blank


# -- DCGAN
# --------------------------------------------------------------------------------------------------


@pytest.mark.sweep  # by the same code as SRGAN's, below
def test_a_killed_dcgan_resumes_to_the_same_weights_and_table(tmp_path: Path) -> None:
    options = ("--kind", "hinge", "wasserstein", *DCGAN_TINY)  # with and without a penalty
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    printed = run("train_dcgan.py", "--out", whole, *options)
    assert "held out; the classifier that judges samples is right on" in " ".join(printed.split())
    check_picture(whole / "samples.png")

    # At step 0, 4, 8.
    step = kill_after(
        killed / "wasserstein" / "checkpoint.pt", 3, "train_dcgan.py", "--out", killed, *options
    )["step"]
    assert 0 < step < 24
    assert not (killed / "table.md").exists()
    printed = run("train_dcgan.py", "--out", killed, *options, "--resume")
    assert "hinge/checkpoint.pt at step 24 of 24" in "".join(printed.split("\n"))
    assert f"at step {step} of 24" in printed
    assert partial_files(killed) == []

    for kind in ("hinge", "wasserstein"):
        one, other = (
            torch.load(out / kind / "checkpoint.pt", weights_only=True) for out in (whole, killed)
        )
        assert_same({**one, "seconds": 0}, {**other, "seconds": 0})
    rows = rows_of(whole / "table.csv", without="seconds")
    assert [row["run"] for row in rows] == ["(real, held out)", "hinge", "wasserstein"]
    assert rows == rows_of(killed / "table.csv", without="seconds")
    assert json.loads((whole / "table.json").read_text())["rows"][0]["seconds"] is None


def test_every_kind_and_every_form_trains_and_ssim_is_an_ablation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the relativistic forms a kind without a penalty and the one with it."""
    forms = ("--relativistic", "average", "paired", "--kind", "least_squares", "wasserstein")
    names: list[str] = []
    for options in ((), forms, ("--kind", "hinge", "--ssim", 0.5)):
        call(monkeypatch, train_dcgan, "--out", tmp_path, *options, *DCGAN_TINY, "--steps", 2)
        names += [row["run"] for row in rows_of(tmp_path / "table.csv")][1:]
    assert len(names) == 5 + 2 * 2 + 2
    assert {
        "softplus",
        "hinge-ssim_0.5",
        "wasserstein-relativistic_average",
        "least_squares-relativistic_paired",
    } <= set(names)
    for name in names:
        state = torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)
        assert ("ssim" in state["history"]["terms"]) == ("ssim" in name)
        assert state["step"] == 2


def test_your_own_images_are_taken_in_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = image_folder(tmp_path / "data")
    call(
        monkeypatch,
        train_dcgan,
        "--data",
        folder,
        "--out",
        tmp_path / "out",
        "--kind",
        "softplus",
        *DCGAN_TINY,
        "--steps",
        2,
    )
    check_picture(tmp_path / "out" / "samples.png")
    found = images.load(folder, None)
    assert found.classes == ["chelsea", "coffee"]
    assert found.training.shape == (18, 3, 32, 32)
    assert found.held_out_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert -1 <= found.training.min() < -0.5 < found.training.max() <= 1


def image_folder(folder: Path) -> Path:
    for name in ("coffee", "chelsea"):
        (folder / name).mkdir(parents=True)
        whole = test_photographs.photograph(name)
        for index in range(12):
            Image.fromarray(whole[10 * index : 10 * index + 40, 50:98]).save(
                folder / name / f"{index}.png"
            )
    return folder


@pytest.fixture(scope="module")
def digits() -> images.Images:
    return images.load(None, None)


@pytest.fixture(scope="module")
def judge(digits: images.Images) -> Judge:
    return Judge(digits, steps=150, seed=0, device=CPU)


def test_the_judge_knows_digits_and_notices_noise_and_collapse(
    digits: images.Images, judge: Judge
) -> None:
    assert judge.accuracy > 0.93
    real = judge.scores(digits.held_out)
    assert real.covered == 10
    assert real.score > 8
    noise = judge.scores(torch.rand(400, 1, 8, 8) * 2 - 1)
    assert noise.frechet > 20 * real.frechet
    collapsed = judge.scores(digits.training[digits.training_labels == 3])
    assert collapsed.covered == 1
    assert collapsed.score < 1.5
    assert collapsed.frechet > 20 * real.frechet


def test_the_judge_leaves_no_trace_in_random_numbers(digits: images.Images) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    Judge(digits, steps=2, seed=0, device=CPU)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_fifth_of_each_class_is_held_out(digits: images.Images) -> None:
    assert len(digits.training) + len(digits.held_out) == 1797
    held_out, all_of = (
        torch.bincount(labels, minlength=10)
        for labels in (digits.held_out_labels, digits.training_labels)
    )
    assert ((held_out / (held_out + all_of) - 0.2).abs() < 0.01).all()
    assert (digits.training.min(), digits.training.max()) == (-1, 1)


def test_nearest_is_the_one_with_the_smallest_difference(digits: images.Images) -> None:
    real = digits.training[:32]
    order = torch.randperm(32)
    assert torch.equal(
        dcgan_training.nearest(real[order] + 0.05 * torch.randn(32, 1, 8, 8), real), real[order]
    )


def test_a_mosaic_shows_each_image_in_its_place() -> None:
    squares = torch.arange(10.0).view(10, 1, 1, 1).expand(10, 1, 4, 4) / 5 - 1
    whole = mosaic(squares)
    assert whole.shape == (2 * 5 - 1, 8 * 5 - 1, 3)
    assert whole[1, 5 * 3 + 1, 0] == pytest.approx(0.3)
    assert whole[6, 5 * 1 + 2, 2] == pytest.approx(0.9)
    assert whole[4, 2, 0] == whole[1, 4, 0] == whole[7, 30, 0] == 0.5


def test_a_run_that_diverges_is_named_and_does_not_reach_the_checkpoint(
    error: ErrorOf, tmp_path: Path
) -> None:
    options = ("--out", tmp_path, "--kind", "least_squares", *DCGAN_TINY, "--learning-rate", 1e30)
    assert error(train_dcgan, *options).startswith("error: least_squares diverged at step ")
    state = torch.load(tmp_path / "least_squares" / "checkpoint.pt", weights_only=True)
    assert all(weight.isfinite().all() for weight in state["generator"].values())


def test_errors_of_dcgan_name_the_option_and_the_way_out(error: ErrorOf, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    assert "the following arguments are required: --out" in error(train_dcgan)
    assert "argument --kind: invalid choice: 'lsgan'" in error(train_dcgan, *out, "--kind", "lsgan")
    assert "argument --ssim: must be above 0, got 0.0" in error(train_dcgan, *out, "--ssim", 0)
    assert "argument --side: invalid choice: 12" in error(train_dcgan, *out, "--side", 12)
    assert (
        error(train_dcgan, *out, "--data", tmp_path / "nowhere")
        == f"error: --data {tmp_path / 'nowhere'}: no such folder"
    )
    folder = image_folder(tmp_path / "data")
    (folder / "chelsea" / "3.png").write_bytes(b"not an image")
    assert f"{folder / 'chelsea' / '3.png'}: not a readable image" in error(
        train_dcgan, *out, "--data", folder
    )
    for index in range(3):
        (folder / "chelsea" / f"{index}.png").unlink()
    assert "needs at least 10 images of each class, found 9 of chelsea" in error(
        train_dcgan, *out, "--data", folder
    )
    assert "needs a subfolder of images for each class, at least two, found 0" in error(
        train_dcgan, *out, "--data", folder / "chelsea"
    )


def test_resuming_dcgan_from_what_is_not_there_or_another_run_is_refused(
    error: ErrorOf, tmp_path: Path
) -> None:
    options = ("--out", tmp_path, "--kind", "hinge", *DCGAN_TINY, "--steps", 2, "--resume")
    checkpoint = tmp_path / "hinge" / "checkpoint.pt"
    assert (
        error(train_dcgan, *options)
        == f"error: --resume: there is no {checkpoint}; leave out --resume to start a new run"
    )
    found = images.load(None, None)
    settings = dcgan_training.Settings(kind="hinge", steps=2, batch=8, latent=4, width=4)
    dcgan_training.Trainer(settings, found, Judge(found, steps=1, seed=0, device=CPU), CPU).save(
        checkpoint
    )
    assert "(--steps was 2, now 3); give those, or leave out --resume" in error(
        train_dcgan, *options, "--steps", 3
    )
    assert "is of other images; give its --data and --side" in error(
        train_dcgan, *options, "--side", 16
    )
    whole = checkpoint.read_bytes()
    for content in (b"", b"words", whole[: len(whole) // 2]):
        checkpoint.write_bytes(content)
        assert f"--resume: {checkpoint} cannot be read" in error(train_dcgan, *options)
    torch.save([1, 2], checkpoint)
    assert f"--resume: {checkpoint} is not a checkpoint of this program" in error(
        train_dcgan, *options
    )


def test_values_are_read_together_and_name_what_is_not_finite() -> None:
    unread = Unread()
    for value in (1.0, 3.0):
        unread.add({"a": torch.tensor(value), "b": torch.tensor(-value)})
    assert unread.read(2, [torch.ones(2)]) == {"a": 2.0, "b": -2.0}
    for value in (0.0, float("nan")):
        unread.add({"a": torch.tensor(0.0), "b": torch.tensor(value)})
    with pytest.raises(NonFiniteError, match="step 4: the loss is not finite in the term b"):
        unread.read(4, [torch.ones(2)])
    unread.add({"a": torch.tensor(0.0)})
    with pytest.raises(NonFiniteError, match="step 5: every term is finite but the network is not"):
        unread.read(5, [torch.full((2,), float("inf"))])


# -- SRGAN
# --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small photographs, of which the first is held out."""
    folder = tmp_path_factory.mktemp("srgan")
    for index, name in enumerate(("astronaut", "coffee", "chelsea", "motorcycle")):
        Image.fromarray(test_photographs.photograph(name)[100:164, 60:132]).save(
            folder / f"{index}.png"
        )
    return folder


@pytest.fixture(scope="module")
def training(data: Path) -> list[photographs.Photograph]:
    return photographs.load_all(data, 2, 24)[0]


@ends_early
def test_a_killed_srgan_resumes_to_the_same_weights_table_and_picture(
    end: End,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--data", data, *SRGAN_TINY, *SRGAN_MACHINE)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    call(monkeypatch, train_srgan, "--out", whole, *options)
    check_picture(whole / "panel.png")
    assert [row["network"] for row in rows_of(whole / "table.csv")] == [
        "bicubic",
        "pixels alone",
        "GAN",
    ]
    assert (
        "which the GAN's content and texture terms look through too"
        in (whole / "table.md").read_text()
    )

    # At step 0, 3, 6.
    step = end(killed / "gan" / "checkpoint.pt", 3, "train_srgan.py", "--out", killed, *options)[
        "step"
    ]
    assert 0 < step < 12
    assert not (killed / "network.pt").exists()
    capsys.readouterr()
    call(monkeypatch, train_srgan, "--out", killed, *options, "--resume")
    assert f"at step {step} of 12" in capsys.readouterr().out
    assert partial_files(killed) == []
    for path in ("start/checkpoint.pt", "pixel/checkpoint.pt", "gan/checkpoint.pt", "network.pt"):
        assert_same(
            torch.load(whole / path, weights_only=True),
            torch.load(killed / path, weights_only=True),
        )
    assert (whole / "table.csv").read_text() == (killed / "table.csv").read_text()
    assert (whole / "panel.png").read_bytes() == (killed / "panel.png").read_bytes()


def test_a_network_of_the_demo_is_a_start(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: ErrorOf
) -> None:
    settings = pretraining.Settings(scale=3, channels=4, blocks=1)
    network = SuperResolver(scale=3, channels=4, blocks=1)
    torch.nn.init.normal_(network.tail.weight, std=1e-3)
    torch.save(
        {"settings": vars(settings), "network": network.state_dict()}, tmp_path / "network.pt"
    )
    options = (
        "--data",
        data,
        "--out",
        tmp_path / "out",
        *SRGAN_TINY,
        *SRGAN_MACHINE,
        "--start",
        tmp_path / "network.pt",
        "--steps",
        1,
    )
    call(monkeypatch, train_srgan, *options)
    assert not (tmp_path / "out" / "start").exists()
    one, other = (
        torch.load(tmp_path / "out" / loss / "checkpoint.pt", weights_only=True)
        for loss in ("pixel", "gan")
    )
    assert one["data"] == other["data"]
    assert one["history"]["scores"][0] == other["history"]["scores"][0]
    assert not torch.equal(one["network"]["tail.weight"], other["network"]["tail.weight"])

    torch.nn.init.normal_(network.tail.weight, std=2e-3)
    torch.save(
        {"settings": vars(settings), "network": network.state_dict()}, tmp_path / "network.pt"
    )
    assert "is of another start or other photographs; give its --start and --data" in error(
        train_srgan, *options, "--resume"
    )
    torch.save({"settings": {}, "network": {}}, tmp_path / "network.pt")
    assert "is not the network.pt of train_super_resolution.py" in error(train_srgan, *options)
    (tmp_path / "network.pt").write_bytes(b"words")
    assert f"--start: {tmp_path / 'network.pt'} cannot be read" in error(train_srgan, *options)


def test_errors_of_srgan_name_the_option_and_the_way_out(
    error: ErrorOf, data: Path, tmp_path: Path
) -> None:
    options = ("--data", data, "--out", tmp_path, *SRGAN_TINY, *SRGAN_MACHINE)
    assert "argument --steps: must be at least 1, got 0" in error(
        train_srgan, *options, "--steps", 0
    )
    assert (
        error(train_srgan, *options, "--crop", 25)
        == "error: --crop 25 is not divisible by --scale 2"
    )
    assert "--crop must be at least 16" in error(train_srgan, *options, "--crop", 12)
    assert error(train_srgan, *options, "--start", tmp_path / "no.pt").startswith(
        f"error: --start: there is no {tmp_path / 'no.pt'}"
    )
    assert "error: --embedded-weights" in error(
        train_srgan, *options, "--embedded-weights", tmp_path / "no.safetensors"
    )
    assert f"error: --resume: there is no {tmp_path / 'start' / 'checkpoint.pt'}" in error(
        train_srgan, *options, "--resume"
    )


def test_resuming_a_fine_tuning_of_other_settings_is_refused(
    training: list[photographs.Photograph], tmp_path: Path
) -> None:
    start = SuperResolver(scale=2, channels=4, blocks=1)
    settings = {"batch": 2, "crop": 24, "embedded_weights": "random"}
    srgan_training.Trainer(srgan_training.Settings(**settings, steps=3), start, training, CPU).save(
        tmp_path / "checkpoint.pt"
    )
    other = srgan_training.Trainer(
        srgan_training.Settings(**settings, steps=4), start, training, CPU
    )
    with pytest.raises(InputError, match="--steps was 3, now 4"):
        other.load(tmp_path / "checkpoint.pt")
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        other.load(tmp_path / "checkpoint.pt")


def test_the_adversarial_term_reaches_the_network_and_not_the_discriminator(
    training: list[photographs.Photograph],
) -> None:
    settings = srgan_training.Settings(
        batch=2, crop=24, embedded_weights="random", steps=5, discriminator_learning_rate=1e-12
    )
    trainer = srgan_training.Trainer(
        settings, SuperResolver(scale=2, channels=4, blocks=1), training, CPU
    )
    trainer._train_step()
    assert trainer.discriminator is not None
    before = weights_of(trainer.discriminator)
    trainer._train_step()
    torch.testing.assert_close(weights_of(trainer.discriminator), before, rtol=0, atol=1e-9)
    assert trainer.network.tail.weight.abs().sum() > 0
    values = trainer._unread.read(2, [before])
    assert list(values) == ["pixel", "content", "texture", "adversarial", "discriminator"]
    assert all(value > 0 for value in values.values())


def weights_of(network: torch.nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def test_the_perceptual_distance_is_nothing_at_the_truth_and_more_for_bicubic(data: Path) -> None:
    held_out = photographs.load_all(data, 2, 24)[1]
    perception = Perception(held_out, "random", CPU)
    assert perception.structure([photograph.truth for photograph in held_out]) == pytest.approx(
        0, abs=1e-6
    )
    assert (
        perception.structure([bicubic_result(photograph, 2).image for photograph in held_out])
        > 1e-3
    )
