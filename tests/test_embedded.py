"""The embedded network: small, loaded from the package, alive in its gradient, better at its
examination than what needs no training.

The whole examination takes minutes (``python -m benchmarks.orderings``); here are a crop of each
photograph and every third pair of textures.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
import train_embedded_network
from embedded_network import photographs as shipped
from embedded_network import pictures, procedural
from embedded_network.objectives import (
    KNOWN,
    Objectives,
    all_distances,
    at_error,
    distance,
    statistics,
)
from embedded_network.training import InputError, Settings, Trainer
from example_runs import ROOT, End, call, ends_early, partial_files
from torch import Tensor

from benchmarks.orderings import held_out, measures, report
from benchmarks.orderings.__main__ import untrained_networks
from ssimloss import PerceptualLoss, TextureLoss, weights
from ssimloss.networks import EMBEDDED_LAYERS, FeatureExtractor, embedded_network
from ssimloss.study import distortions, examination, orderings

TINY = Settings(steps=12, crops=2, pairs=2, crop=24, drawings=9)
TINY_OPTIONS = ("--steps", "12", "--crops", "2", "--pairs", "2", "--crop", "24", "--drawings", "9")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def trained() -> torch.nn.Sequential:
    network = embedded_network()
    network.load_state_dict(weights.load_bundled("embedded"))
    return network


# -- the network
# --------------------------------------------------------------------------------------------------


def test_it_is_as_small_as_promised(trained: torch.nn.Sequential) -> None:
    assert sum(weight.numel() for weight in trained.parameters()) == 478_032 <= 1_500_000
    file = weights.find(weights.bundled("embedded"))
    assert file is not None
    assert file.stat().st_size <= 4_000_000


def test_layers_are_named_as_those_of_vgg_and_halve_the_sides() -> None:
    extractor = FeatureExtractor("embedded", EMBEDDED_LAYERS)
    assert extractor.channels() == {"relu1_2": 16, "relu2_2": 32, "relu3_3": 64, "relu4_3": 128}
    features = extractor(torch.rand(2, 3, 49, 34))
    assert {name: tuple(value.shape[2:]) for name, value in features.items()} == {
        "relu1_2": (49, 34),
        "relu2_2": (24, 17),
        "relu3_3": (12, 8),
        "relu4_3": (6, 4),
    }


def test_two_extractors_compute_the_same(trained: torch.nn.Sequential) -> None:
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    one, other = (FeatureExtractor("embedded", EMBEDDED_LAYERS)(image) for _ in range(2))
    own = measures.of_network("", trained, measures.structure_and_texture).describe(image)
    for layer in EMBEDDED_LAYERS:
        assert torch.equal(one[layer], other[layer])
        # What a sum of products is rounded by, however small it comes out.
        size = own[layer].abs().max().item()
        torch.testing.assert_close(one[layer], own[layer], rtol=0, atol=1e-5 * size)


def test_every_layer_is_of_size_one_on_photographs() -> None:
    """So that losses weigh them alike; held-out photographs, hence the wide bounds."""
    photographs = [
        shipped.read(shipped.HELD_OUT[name])[None, :, :256, :256]
        for name in ("astronaut", "coffee", "grass")
    ]
    features = FeatureExtractor("embedded", EMBEDDED_LAYERS)(torch.cat(photographs))
    for value in features.values():
        assert 0.3 < value.mean() < 3
        # Channels that fire; docs/embedded_network.md has their numbers.
        assert (value.amax((0, 2, 3)) > 0).double().mean() > 0.5


@pytest.mark.parametrize("loss", [PerceptualLoss, TextureLoss])
@pytest.mark.parametrize("case", ["different", "identical", "black", "constant"])
def test_the_gradient_reaches_the_image(
    loss: type[PerceptualLoss] | type[TextureLoss], case: str
) -> None:
    target = torch.rand(1, 3, 32, 32)
    pred = {
        "different": torch.rand(1, 3, 32, 32),
        "identical": target.clone(),
        "black": 0 * target,
        "constant": 0 * target + 0.7,
    }[case]
    pred.requires_grad_()
    layers = dict.fromkeys(EMBEDDED_LAYERS, 1.0)
    loss("embedded", layers=layers)(pred, target).backward()
    assert pred.grad is not None
    assert pred.grad.isfinite().all()
    assert (pred.grad.abs().sum() > 0) == (case != "identical")


# -- the examination
# --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick() -> list[orderings.Trial]:
    every = list(held_out.held_out_trials(crops=1))
    textures = [trial for trial in every if trial.group == "texture"]
    return [trial for trial in every if trial.group != "texture"] + textures[::3]


@pytest.mark.slow
def test_it_beats_random_weights_pixel_l2_and_ssim(
    trained: torch.nn.Sequential, quick: list[orderings.Trial]
) -> None:
    def mean(measure: examination.Distance) -> float:
        return examination.accuracies(examination.examine(measure, some))["mean"]

    embedded = measures.of_network("embedded", trained, measures.structure_and_texture)
    # Every measure here orders the strengths of one distortion: that tells none from another, and
    # one photograph is enough.
    strengths = [first(trial) for trial in quick if trial.group == "strength"]
    assert examination.accuracies(examination.examine(embedded, strengths))["strength"] == 1

    some = [trial for trial in quick if trial.group != "strength"]
    ours = mean(embedded)
    assert ours > mean(measures.pixel_l2())
    assert ours > mean(measures.ssim())
    (other,) = untrained_networks([0])
    assert ours > mean(measures.of_network("random", other, measures.structure_and_texture))


def first(trial: orderings.Trial) -> orderings.Trial:
    candidates = {name: images[:1] for name, images in trial.candidates.items()}
    assert not trial.exists
    return orderings.Trial(trial.group, trial.reference[:1], candidates, trial.order)


def test_the_published_table_says_the_same() -> None:
    results = json.loads(
        (ROOT / "benchmarks" / "results" / "orderings.json").read_text(encoding="utf-8")
    )
    means = {row["name"]: row["accuracies"]["mean"] for row in results["measures"]}
    ours = means["embedded, structure and texture"]
    assert ours > max(
        means["random weights, structure and texture"], means["pixel L2"], means["SSIM"]
    )


def test_pixel_l2_cannot_tell_equal_errors_apart(quick: list[orderings.Trial]) -> None:
    """Half of the answers are right for equal errors; a measure without information is half right
    everywhere.
    """
    visibility = [trial for trial in quick if trial.group in ("visibility", "shift")]
    assert (
        examination.accuracies(examination.examine(measures.pixel_l2(), visibility))["visibility"]
        == 0.5
    )
    assert (
        examination.accuracies(examination.examine(measures.pixel_l2(), visibility))["shift"] == 0.5
    )
    silent = examination.Distance("silent", lambda images: images, lambda a, _: torch.zeros(len(a)))
    assert set(examination.accuracies(examination.examine(silent, quick)).values()) == {0.5}


def test_right_wrong_tied_missing_and_not_a_number() -> None:
    """One comparison of each kind, counted by hand."""

    def images(*values: float) -> Tensor:
        return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)

    near, far = images(0.1, 0.3, 0.2, 0.1, torch.nan), images(0.2, 0.2, 0.2, 0.9, 0.2)
    exists = torch.tensor([True, True, True, False, True])
    trial = orderings.Trial(
        "shift",
        images(0, 0, 0, 0, 0),
        {"near": near, "far": far},
        (("near", "far"),),
        {"far": exists},
    )
    size = examination.Distance(
        "size", lambda images: images, lambda a, b: (a - b).abs().mean((1, 2, 3))
    )
    tally = examination.examine(size, [trial])["shift"]["near < far"]
    assert (tally.right, tally.asked) == (1.5, 4)


def test_nothing_held_out_is_trained_on() -> None:
    assert set(shipped.HELD_OUT.values()).isdisjoint(shipped.TRAINING.values())
    assert "motorcycle_right" not in str(shipped.TRAINING)
    assert set(held_out.UNSEEN) < set(orderings.STRENGTHS)
    known = {change for change, *_ in KNOWN.values()}
    for name, (change, _) in orderings.STRENGTHS.items():
        assert (change in known) == (name not in held_out.UNSEEN)


def test_the_report_counts_every_comparison(quick: list[orderings.Trial], tmp_path: Path) -> None:
    table = [
        report.Row(measure.name, (examination.examine(measure, quick),))
        for measure in (measures.pixel_l2(), measures.ssim())
    ]
    written = report.write(table, tmp_path)
    assert [path.name for path in written] == ["orderings.md", "orderings.json"]
    text = written[0].read_text(encoding="utf-8")
    counts = {
        group: sum(
            len(trial.reference) * len(trial.order) for trial in quick if trial.group == group
        )
        for group in orderings.GROUPS
    }
    assert all(f"{group} ({count})" in text for group, count in counts.items())
    assert "| pixel L2 | 50.0 |" in text
    assert "impulse noise (unseen)" in text


# -- the training
# --------------------------------------------------------------------------------------------------


def test_distortions_change_nothing_at_strength_0_and_more_with_more() -> None:
    image = shipped.read(shipped.TRAINING["china"])[None, :, :64, :80]
    ranges = {
        name: (change, strengths[0], strengths[-1])
        for name, (change, strengths) in orderings.STRENGTHS.items()
    } | KNOWN
    assert len(ranges) == 16
    for name, (change, least, most) in ranges.items():
        errors = [
            (change(image, torch.tensor([strength]), torch.Generator().manual_seed(0)) - image)
            .abs()
            .mean()
            for strength in (0.0, least, most)
        ]
        assert errors[0] < 1e-5 < errors[1] < errors[2], name


def test_pixels_are_squares_of_their_mean() -> None:
    image = torch.rand(1, 3, 8, 8)
    squares = distortions.pixelation(image, torch.tensor([4.0]), torch.Generator())
    assert squares[0, :, :4, :4].std((1, 2)).max() == 0
    torch.testing.assert_close(squares[0, :, 0, 0], image[0, :, :4, :4].mean((1, 2)))


def test_errors_are_equal_to_a_thousandth() -> None:
    crops = (
        shipped.read(shipped.TRAINING["china"])
        .unfold(1, 64, 64)
        .unfold(2, 64, 64)
        .permute(1, 2, 0, 3, 4)
        .reshape(-1, 3, 64, 64)[20:28]
    )
    error = 0.3 * crops.std((1, 2, 3))
    for name, (change, *_) in KNOWN.items():
        if name in ("Gaussian blur", "Gaussian noise", "blocking", "brightness"):
            for images, reached in (
                orderings.at_error(change, crops, error),
                at_error(name, crops, error, seed=0),
            ):
                assert reached.any()
                torch.testing.assert_close(
                    orderings.rms(images - crops)[reached], error[reached], rtol=1e-3, atol=0
                )


def test_all_distances_are_those_of_each_pair(trained: torch.nn.Sequential) -> None:
    images = [
        torch.stack([procedural.draw(index, 32, seed) for index in range(3)]) for seed in (0, 1)
    ]
    with torch.no_grad():
        a, b = (statistics(trained, stack) for stack in images)
        every = all_distances(a, b)
        for i in range(3):
            same = statistics(trained, images[0][i : i + 1].expand(3, -1, -1, -1))
            torch.testing.assert_close(every[i], distance(same, b), rtol=1e-4, atol=1e-6)
        examined = measures.of_network("", trained, measures.structure_and_texture)
        torch.testing.assert_close(
            every.diagonal(),
            examined.compare(*map(examined.describe, images)),
            rtol=1e-4,
            atol=1e-6,
        )


def test_drawings_and_batches_are_the_same_every_time() -> None:
    for index in range(len(procedural.DRAWINGS)):
        one, other = (procedural.draw(index, 48, 3) for _ in range(2))
        assert torch.equal(one, other)
        assert one.shape == (3, 48, 48)
        assert 0 <= one.min() <= one.max() <= 1
        assert one.std() > 0
    of = pictures.Pictures(["china"], drawings=4, side=64, seed=0)
    one, other = (
        of.batch(torch.Generator().manual_seed(5), crops=2, pairs=2, crop=24) for _ in range(2)
    )
    assert torch.equal(one.crops, other.crops)
    assert torch.equal(one.second, other.second)
    assert one.first.shape == one.moved.shape == (2, 3, 24, 24)


def test_the_objectives_teach() -> None:
    """A few steps on one batch lower every one of them."""
    torch.manual_seed(0)
    network, objectives = embedded_network(), Objectives()
    batch = pictures.Pictures(["china", "camera"], drawings=9, side=64, seed=0).batch(
        torch.Generator().manual_seed(0), crops=4, pairs=4, crop=32
    )
    optimizer = torch.optim.Adam([*network.parameters(), *objectives.parameters()], lr=1e-3)
    names = ("ranking", "belonging", "kind", "strength")
    history = []
    for _ in range(25):
        values = objectives(network, batch, torch.Generator().manual_seed(1))
        history.append({name: values[name].item() for name in names})
        optimizer.zero_grad()
        sum(values[name] for name in names).backward()
        optimizer.step()
    assert all(history[-1][name] < 0.8 * history[0][name] for name in names), (
        history[0],
        history[-1],
    )


@pytest.fixture(scope="module")
def tiny() -> Trainer:
    return Trainer(TINY)


@ends_early
def test_a_killed_training_resumes_to_the_same_weights(
    end: End,
    tiny: Trainer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = copy.deepcopy(tiny)
    whole.run(
        on_report=lambda _: None,
        report_every=20,
        checkpoint=tmp_path / "whole.pt",
        checkpoint_every=12,
    )

    out = tmp_path / "killed"
    options = ("--out", out, *TINY_OPTIONS)
    killed = end(
        out / "checkpoint.pt", 4, "train_embedded_network.py", *options, "--checkpoint-every", 1
    )
    capsys.readouterr()
    step = killed["progress"]["step"]
    assert 0 < step < TINY.steps

    call(monkeypatch, train_embedded_network, *options, "--resume")
    printed = capsys.readouterr().out
    assert f"at step {step} of 12" in printed
    assert "brightness < contrast" in printed
    one, other = whole.trained(), weights.read(out / "embedded.safetensors")
    assert one.keys() == other.keys() == embedded_network().state_dict().keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert partial_files(out) == []


def test_what_is_kept_computes_the_same_up_to_a_scale_of_each_channel(tiny: Trainer) -> None:
    kept = embedded_network()
    kept.load_state_dict(tiny.trained())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        for before, after in zip(
            *(
                measures.of_network("", net, measures.ssim).describe(image).values()
                for net in (tiny.network, kept)
            ),
            strict=True,
        ):
            ratios = after.mean((0, 2, 3)) / before.mean((0, 2, 3)).clamp(min=1e-9)
            assert orderings.rms(after - before * ratios.view(1, -1, 1, 1)) < 0.01 * orderings.rms(
                after
            )


def test_resuming_what_is_not_there_or_another_run_is_refused(
    tiny: Trainer, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"there is no .*checkpoint\.pt; leave out --resume"):
        tiny.load(tmp_path / "checkpoint.pt")
    tiny.save(tmp_path / "checkpoint.pt")
    other = Trainer(Settings(**{**vars(TINY), "steps": 13}))
    with pytest.raises(InputError, match="--steps was 12, now 13"):
        other.load(tmp_path / "checkpoint.pt")
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        tiny.load(tmp_path / "checkpoint.pt")
