"""Validation in training: exact means, one synchronisation, several processes, best checkpoints;
and the torchmetrics classes.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path

import battery
import numpy as np
import processes
import pytest
import torch
import validation
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F
from ssimloss import metrics
from ssimloss.metrics import BestCheckpoint, SuperResolutionProtocol, Validator, measure
from ssimloss.metrics._accumulate import Accumulator
from ssimloss.metrics.averages import exact_sum


@pytest.fixture(scope="module")
def pair() -> tuple[Tensor, Tensor]:
    return validation.images()


# --- values ---------------------------------------------------------------------------------------


def test_means_are_those_of_the_images(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    validator = validation.validator()
    first = validator.update(pred[:4], target[:4])
    assert {name: (value.shape, value.dtype) for name, value in first.items()} == dict.fromkeys(
        first, ((4,), torch.float64)
    )
    validator.update(pred[4:, :, :30], target[4:, :, :30])  # batches of another size
    psnr = [
        measure("psnr", SuperResolutionProtocol(2))(p[None], t[None])
        for p, t in zip(pred[:4], target[:4], strict=True)
    ]
    psnr += [
        measure("psnr", SuperResolutionProtocol(2))(p[None, :, :30], t[None, :, :30])
        for p, t in zip(pred[4:], target[4:], strict=True)
    ]
    scores = validator.compute()
    assert list(scores) == ["psnr", "ssim", "l2"]
    assert scores["psnr"] == pytest.approx(
        statistics.fmean(value.item() for value in psnr), rel=1e-14
    )
    assert scores == validator.compute()
    validator.reset()
    validator.update(pred[:4], target[:4])
    assert validator.compute()["psnr"] == pytest.approx(first["psnr"].mean().item(), rel=1e-14)


def test_with_indices_neither_batches_nor_order_nor_repetition_count(
    pair: tuple[Tensor, Tensor],
) -> None:
    pred, target = pair
    found = []
    for order, size in (
        ([*range(11)], 11),
        ([*range(11)], 1),
        ([10, 3, 0, 1, 2, 3, 4, 9, 8, 7, 6, 5, 10], 3),
        ([*range(11)] * 3, 5),
    ):
        validator = validation.validator()
        for start in range(0, len(order), size):
            some = order[start : start + size]
            validator.update(pred[some], target[some], torch.tensor(some))
        found.append(validator.compute())
    assert found[1:] == found[:-1]


def test_named_measures_share_the_prepared_images(
    pair: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ssimloss.conventions.preparation import Preparation

    calls, original = [], Preparation.__call__
    monkeypatch.setattr(
        Preparation, "__call__", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    Validator(["psnr", "ssim", "l1", "g_ssim"], SuperResolutionProtocol(2)).update(*pair)
    assert len(calls) == len(pair[0])  # on a CPU an image at a time


def test_ranges_gray_half_precision_and_graphs(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    expected = validation.validator().update(pred, target)["psnr"]
    for low, high in ((-1.0, 1.0), (0.0, 255.0)):
        scaled = [low + (high - low) * image for image in pair]
        # Halves may round otherwise.
        battery.close(
            validation.validator(data_range=(low, high)).update(*scaled)["psnr"], expected, 1e-4
        )
    gray = Validator(["psnr", "embedded"])
    gray.update(pred[:, :1].half(), target[:, :1].half())
    assert math.isfinite(gray.compute()["embedded"])
    validator = validation.validator()
    values = validator.update(pred.clone().requires_grad_(), target)
    assert not any(value.requires_grad for value in values.values())
    with torch.inference_mode():
        validator.update(pred, target)
    assert validator.compute() == validator.compute()


def test_what_is_no_number_is_not_hidden(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair[0].clone(), pair[1]
    pred[3, 0, 20, 20] = math.nan
    pred[5] = target[5]
    for index in (None, [*range(11)], [0, 1, 2, 3, 4, 5, 3, 7, 8, 9, 10]):
        validator = validation.validator()
        validator.update(pred, target, index)
        assert math.isnan(validator.compute()["psnr"])
    rows = Accumulator(1)
    rows.update(torch.tensor([[1.0], [math.nan], [1.0]]), [0, 1, 0])
    rows.update(torch.tensor([[1.0]]), [1])
    assert math.isnan(rows.compute().means[0])


@pytest.mark.parametrize("index", [None, [*range(11)], [0, 1, 2, 3, 4, 5, 5, 7, 8, 9, 10]])
def test_perfect_images_are_counted_and_not_averaged(
    index: list[int] | None, pair: tuple[Tensor, Tensor]
) -> None:
    """Also in the torchmetrics classes and in the summary of files: one rule for all of them."""
    pred, target = (image.clone() for image in pair)
    pred[5:7] = target[5:7] = 0
    rest = [i for i in range(11) if i not in (5, 6)]
    perfect = 2 if index is None or index[6] == 6 else 1
    expected = F.psnr(pred[rest], target[rest]).item()

    def mine(pred: Tensor, target: Tensor) -> Tensor:
        return F.psnr(pred, target, reduction="image")

    def known(pred: Tensor, target: Tensor) -> Tensor:
        return mine(pred, target)

    known.higher_is_better = True  # type: ignore[attr-defined]
    validator = Validator({"psnr": "psnr", "l1": "l1", "mine": mine, "known": known})
    validator.update(pred, target, index)
    scores = validator.compute()
    assert scores["psnr"] == pytest.approx(expected, rel=1e-6)
    assert scores["known"] == pytest.approx(expected, rel=1e-6)
    assert scores["mine"] == math.inf  # nobody knows whether that is good
    assert scores.infinite == {"psnr": perfect, "l1": 0, "mine": 0, "known": perfect}
    assert scores.count == 9 + perfect
    assert f"psnr of {perfect} of {9 + perfect} images is infinite" in repr(scores)
    for metric, direction in (
        (metrics.PSNR(), None),
        (metrics.LossMetric(lambda p, t: -mine(p, t)), -1),
        (metrics.LossMetric(mine, higher_is_better=True), 1),
    ):
        metric.update(pred[:7], target[:7], None if index is None else index[:7])
        metric.update(pred[7:], target[7:], None if index is None else index[7:])
        assert metric.compute().item() == pytest.approx((direction or 1) * expected, rel=1e-6)
        assert metric.infinite == perfect
    batch = metrics.PSNR()
    assert batch(pred[4:7], target[4:7]).item() == pytest.approx(
        F.psnr(pred[4:5], target[4:5]).item(), rel=1e-6
    )
    assert batch(pred[5:7], target[5:7]).item() == math.inf
    worse = metrics.LossMetric(mine)  # lower is better, so that this infinity is a fault
    worse.update(pred, target)
    assert (worse.compute().item(), worse.infinite) == (math.inf, 0)
    validator.reset()
    validator.update(pred[5:7], target[5:7])
    assert validator.compute()["psnr"] == math.inf
    assert validator.compute().infinite["psnr"] == 2


def test_a_wrong_index_is_an_error(pair: tuple[Tensor, Tensor]) -> None:
    """One that begins anew in each batch would leave most images out; roundings of another batch
    are let pass.
    """
    pred, target = pair
    wrong = validation.validator()
    metric = metrics.PSNR()
    for start in (0, 4):
        some = slice(start, start + 4)
        wrong.update(pred[some], target[some], [0, 1, 2, 3])
        metric.update(pred[some], target[some], torch.arange(4))
    for compute in (wrong.compute, metric.compute):
        with pytest.raises(
            ValueError,
            match="index must be the place of each image in the whole dataset, got 0 for different "
            "images",
        ):
            compute()
    metric.reset()
    metric.update(pred[:2], target[:2], [1, -2])
    with pytest.raises(ValueError, match="index must not be negative, got -2"):
        metric.compute()
    rows = Accumulator(2)
    rows.update(torch.tensor([[30.0, 1e-9], [math.inf, 0.5]]), [0, 1])
    # Also beside 0, and where two images were equal.
    rows.update(torch.tensor([[30.1, 3e-9], [90.0, 0.501]]), [0, 1])
    assert rows.compute().means == (math.inf, pytest.approx((3e-9 + 0.501) / 2))
    rows.update(torch.tensor([[30.0, 0.1]]), [0])  # one of them only
    with pytest.raises(ValueError, match="got 0 for different images"):
        rows.compute()


def test_memory_is_sixteen_bytes_an_image_and_measure() -> None:
    for index in (False, True):
        found = Accumulator(2)
        for i in range(2000):
            found.update(torch.full((1, 2), float(i)), [i] if index else None)
        assert sum(rows.numel() * 8 for rows in found._rows) == (2000 * 24 if index else 0)
        assert len(found._rows) <= 11
        totals = found.compute()
        assert (totals.means, totals.count) == ((999.5, 999.5), 2000)


# --- synchronisation ------------------------------------------------------------------------------


def test_updates_never_wait_and_compute_copies_once(
    pair: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    pred, target = (image[:3] for image in pair)
    copies, original = [], Tensor.cpu
    monkeypatch.setattr(
        Tensor, "cpu", lambda self: copies.append(tuple(self.shape)) or original(self)
    )
    with validation.Watch() as watch:
        target.sum().item()
        assert watch.waits == ["_local_scalar_dense"]  # it sees what it is there to see
        watch.waits.clear()
        for index in (None, torch.arange(3)):
            validator = Validator(["psnr", "ssim", "embedded"], SuperResolutionProtocol(2))
            copies.clear()
            watch.waits.clear()
            for _ in range(3):
                validator.update(pred, target, index)
            assert (watch.waits, copies) == ([], [])
            validator.compute()
            assert len(copies) == 1


@pytest.mark.cuda
def test_updates_never_wait_for_a_gpu(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = (image.cuda() for image in pair)
    on_cpu = Validator(["psnr", "ssim", "g_ssim", "l1"], SuperResolutionProtocol(2))
    on_cpu.update(*pair)
    for index in (None, [*range(11)]):
        validator = Validator(["psnr", "ssim", "g_ssim", "l1"], SuperResolutionProtocol(2))
        validator.update(pred, target, index)
        validator.reset()
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        try:
            validator.update(pred, target, index)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        for name, value in validator.compute().items():
            assert value == pytest.approx(on_cpu.compute()[name], rel=1e-9)


@processes.needs_gloo
def test_two_and_three_processes_equal_one(pair: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    """To the last digit with indices, uneven or padded; once exchanged; also processes without an
    image; and the torchmetrics classes.
    """
    processes.start(validation.__file__, tmp_path, 3)
    reports = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(3)]
    pred, target = pair
    alone = validation.validator()
    alone.update(pred, target, [*range(11)])
    psnr = metrics.PSNR(protocol=SuperResolutionProtocol(2), keep_values=True)
    ssim = metrics.SSIM(padding="reflect")
    psnr.update(pred, target, [*range(11)])
    ssim.update(pred, target, [*range(11)])
    for world in (2, 3):
        for padded in (False, True):
            for report in reports[:world]:
                assert report[f"{world} {padded}"] == alone.compute()
                assert report[f"{world} {padded} collectives"] == ["all_gather"]
                assert (
                    report[f"{world} {padded} psnr"]
                    == psnr.compute().item()
                    == alone.compute()["psnr"]
                )
                assert report[f"{world} {padded} values"] == psnr.values().tolist()
                # float32, of another batch.
                assert report[f"{world} {padded} ssim"] == pytest.approx(
                    ssim.compute().item(), rel=1e-7
                )
            mine = [
                i for rank in range(1, world) for i in validation.shard(rank, world, padded=padded)
            ]
            expected = (
                F.ssim(pred[mine], target[mine], padding="reflect", reduction="image")
                .double()
                .mean()
                .item()
            )
            assert reports[0][f"{world} {padded} plain"] == pytest.approx(expected, rel=1e-7)
    dealt = [i for rank in range(3) for i in validation.shard(rank, 3, padded=False)]
    for report in reports:
        for name, values in alone.values().items():
            assert report["kept values"][name] == values[dealt].tolist()
    some = [0, 2, 4, 2, 4, 6]
    plain = validation.validator()
    plain.update(pred[some], target[some])
    for report in reports:
        assert report["no index"] == {
            name: pytest.approx(value, rel=1e-13) for name, value in plain.compute().items()
        }
        assert report["many"] == [
            pytest.approx(math.fsum(math.sin(i) for i in range(12000)) / 12000, rel=1e-9),
            12000,
        ]
        assert report["many collectives"] == ["all_gather"] * 2
        assert "by every process, or in none" in report["mixed"]


# --- in a loop, in Lightning ----------------------------------------------------------------------


class _Shift(nn.Module):
    """A network that is another one in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.amount = nn.Parameter(torch.tensor(0.01))
        self.frozen = nn.Dropout(0.5).eval()

    def forward(self, image: Tensor) -> Tensor:
        return image + self.amount * (100 if self.training else 1)


def test_losses_and_measures_in_a_list_have_short_names() -> None:
    listed = ["PSNR", ssimloss.SSIMLoss(reduction="image"), measure("gmsd")]
    assert list(Validator(listed).metrics) == ["psnr", "SSIMLoss", "gmsd"]


def test_run_is_an_epoch_in_evaluation_mode(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    network, validator = _Shift(), validation.validator()
    expected = validation.validator()
    expected.update(pred + 0.01, target)
    for _ in range(2):
        scores = validator.run(network, [(pred[:6], target[:6]), (pred[6:], target[6:])])
        assert scores == {
            name: pytest.approx(value, rel=1e-6) for name, value in expected.compute().items()
        }
        assert (network.training, network.frozen.training) == (True, False)
    loader = torch.utils.data.DataLoader(
        [(p, t, i) for i, (p, t) in enumerate(zip(pred, target, strict=True))], batch_size=3
    )
    assert validator.run(network, loader)["psnr"] == pytest.approx(scores["psnr"], rel=1e-6)
    with pytest.raises(
        ValueError,
        match=r"loader must yield \(input, target\) or \(input, target, index\), got Tensor",
    ):
        validator.run(network, [pred])
    assert network.training


@pytest.mark.parametrize(
    ("batch", "unpack"),
    [
        (lambda p, t, _: {"lq": p, "gt": t, "lq_path": ["x"]}, None),
        (lambda p, t, i: {"gt": t, "lq": p, "index": i}, None),
        (lambda p, t, _: {"low": p, "high": t}, ("low", "high")),
        (lambda p, t, i: {"low": p, "high": t, "place": i}, ["low", "high", "place"]),
        (lambda p, t, i: [p, t, i, "more"], lambda batch: batch[:3]),
        (lambda p, t, _: {"image": (p, t)}, lambda batch: batch["image"]),
    ],
)  # fmt: skip
def test_run_takes_batches_of_other_forms(
    batch: Callable[..., object], unpack: object, pair: tuple[Tensor, Tensor]
) -> None:
    pred, target = pair
    validator = Validator(["psnr"], "basicsr", scale=2)
    order = [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    loader = [batch(pred[some], target[some], torch.tensor(some)) for some in order]
    scores = validator.run(nn.Identity(), loader, unpack=unpack)  # type: ignore[arg-type]
    expected = SuperResolutionProtocol(2).psnr(pred, target).mean().item()
    assert scores["psnr"] == pytest.approx(expected, rel=1e-14)


def test_batches_that_cannot_be_unpacked_are_told_the_way_out(
    pair: tuple[Tensor, Tensor],
) -> None:
    pred, target = pair
    wrong = [
        ({"image": pred, "label": target}, None, "lacks 'lq', it has 'image', 'label'; name the"),
        ({"lq": pred, "gt": target}, ("lq", "hq"), "lacks 'hq', it has 'lq', 'gt'"),
        ([pred, target], ("lq", "gt"), "are keys of a dict, but loader yields list"),
        ([pred, target, 0, 1], None, r"got 4 items; unpack=lambda batch: \(batch\[0\]"),
        ([pred, target], lambda _: pred, "unpack must return .input, target. or .* got Tensor"),
        ({"lq": pred, "gt": target}, ("lq",), "unpack must name the keys of input, target and"),
    ]
    for batch, unpack, message in wrong:
        with pytest.raises(ValueError, match=message):
            Validator(["psnr"]).run(nn.Identity(), [batch], unpack=unpack)  # type: ignore[arg-type]
    for unpack in ("lq", [0, 1]):
        with pytest.raises(TypeError, match="unpack must be a sequence of two or three keys"):
            Validator(["psnr"]).run(nn.Identity(), [[pred, target]], unpack=unpack)  # type: ignore[arg-type]


def test_values_of_images_on_request(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    expected = SuperResolutionProtocol(2).psnr(pred, target)
    kept = Validator(["psnr", "l1"], "basicsr", scale=2, keep_values=True)
    for some in ([3, 4, 5], [0], [1, 2]):
        kept.update(pred[some], target[some])
    battery.close(kept.values()["psnr"], expected[[3, 4, 5, 0, 1, 2]], 1e-12)
    assert kept.compute().index is None
    assert kept.compute()["psnr"] == pytest.approx(expected[:6].mean().item(), rel=1e-12)
    kept.reset()
    plain = Validator(["psnr"], "basicsr", scale=2)
    for validator in (kept, plain):
        for some in ([3, 4, 5], [0, 1], [1, 2]):
            validator.update(pred[some], target[some], some)
        battery.close(validator.values()["psnr"], expected[:6], 1e-12)
        assert validator.compute().index.tolist() == [0, 1, 2, 3, 4, 5]
    plain.reset()
    plain.update(pred, target)
    with pytest.raises(RuntimeError, match="no values are kept; build the Validator with keep_v"):
        plain.values()
    with pytest.raises(ValueError, match="index must be given in every update"):
        plain.update(pred, target, [*range(11)])


def test_in_lightning(pair: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    """The Validator and the torchmetrics classes in one LightningModule give the same numbers."""
    lightning = pytest.importorskip("lightning")
    pred, target = pair

    class Model(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = _Shift()
            self.validator = Validator(["psnr"], SuperResolutionProtocol(2))
            self.psnr = metrics.PSNR(protocol=SuperResolutionProtocol(2))

        def validation_step(self, batch: list[Tensor]) -> None:
            found = self.network(batch[0])
            self.validator.update(found, batch[1], batch[2])
            self.psnr.update(found, batch[1], batch[2])
            self.log("torchmetrics", self.psnr)

        def on_validation_epoch_end(self) -> None:
            self.log_dict(self.validator.compute())
            self.validator.reset()

    data = [(p, t, i) for i, (p, t) in enumerate(zip(pred, target, strict=True))]
    options = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's own: about workers of the loader
        trainer = lightning.Trainer(
            accelerator="cpu", devices=1, default_root_dir=tmp_path, **options
        )
        (scores,) = trainer.validate(
            Model(), torch.utils.data.DataLoader(data, batch_size=4), verbose=False
        )
    expected = validation.validator()
    expected.update(pred + 0.01, target)
    assert scores["psnr"] == pytest.approx(expected.compute()["psnr"], rel=1e-6)
    assert scores["torchmetrics"] == pytest.approx(expected.compute()["psnr"], rel=1e-6)


# --- best checkpoint ------------------------------------------------------------------------------


def test_the_best_checkpoint_is_kept(tmp_path: Path) -> None:
    network = _Shift()
    path = tmp_path / "run" / "best.pt"
    best = BestCheckpoint(path, "psnr")
    assert not best.update({"psnr": math.nan}, network)
    assert not path.exists()
    for value, better in (
        (20.0, True),
        (20.0, False),
        (19.0, False),
        (math.nan, False),
        (21.5, True),
    ):
        network.amount.data.fill_(value)
        assert best.update({"psnr": value, "l1": 0.1}, network) is better
    saved = torch.load(path, weights_only=True)
    assert (saved["metric"], saved["value"], saved["scores"], saved["state"]["amount"].item()) == (
        "psnr",
        21.5,
        {"psnr": 21.5, "l1": 0.1},
        21.5,
    )
    again = BestCheckpoint(path, "psnr", existing="replace")
    again.load_state_dict(best.state_dict())
    assert not again.update({"psnr": 21.0}, network)
    assert again.update({"psnr": math.inf}, {"anything": 1})
    assert [file.name for file in path.parent.iterdir()] == ["best.pt"]
    lower = BestCheckpoint(tmp_path / "l1.pt", "l1")
    assert [lower.update({"l1": value}, network) for value in (0.2, 0.3, 0.1)] == [
        True,
        False,
        True,
    ]
    assert BestCheckpoint(tmp_path / "x", "mine", higher_is_better=False).higher_is_better is False


@pytest.mark.parametrize("resumed", [None, "file", "state"])
def test_a_perfect_image_does_not_end_the_search_for_the_best(
    resumed: str | None, tmp_path: Path
) -> None:
    """Epochs are compared by the images that are perfect in neither."""
    target = torch.full((3, 3, 16, 16), 0.5)
    target[0] = 0  # a black frame

    def scores(*errors: float, indexed: bool = True) -> metrics.EpochScores:
        validator = Validator(["psnr"])
        pred = target + torch.tensor(errors).view(-1, 1, 1, 1)
        validator.update(pred, target, [0, 1, 2] if indexed else None)
        return validator.compute()

    path = tmp_path / "best.pt"
    best = BestCheckpoint(path, "psnr")
    assert best.update(scores(0, 0.2, 0.2), {"epoch": 0})
    assert best.update(scores(0, 0.1, 0.1), {"epoch": 1})
    if resumed:
        state = best.state_dict()
        best = BestCheckpoint(path, "psnr", existing="continue" if resumed == "file" else "replace")
        if resumed == "state":
            best.load_state_dict(state)
    # The mean of all finite values is higher, that of the two other images is not.
    nearly = scores(1e-4, 0.11, 0.11)
    assert nearly["psnr"] > best.value
    assert not best.update(nearly, {"epoch": 2})
    assert not best.update(scores(1e-4, 0.1, 0.1), {"epoch": 3})  # equal, but for the black frame
    assert best.update(scores(1e-4, 0.05, 0.05), {"epoch": 4})
    assert best.update(scores(0, 0.05, 0.05), {"epoch": 5})
    assert best.update(scores(0, 0, 0), {"epoch": 6})
    assert not best.update(scores(0, 0, 1e-4), {"epoch": 7})
    assert torch.load(path)["state"] == {"epoch": 6}
    # Without an index nobody knows which images they are: the mean of the rest decides.
    other = BestCheckpoint(tmp_path / "plain.pt", "psnr")
    assert other.update(scores(0, 0.2, 0.2, indexed=False), {})
    assert other.update(scores(0, 0.1, 0.1, indexed=False), {})


def test_an_infinite_score_of_elsewhere_is_told(tmp_path: Path) -> None:
    best = BestCheckpoint(tmp_path / "best.pt", "psnr")
    assert best.update({"psnr": math.inf}, {})
    for value in (30.0, math.inf):
        with pytest.warns(UserWarning, match=r"best psnr is inf.* average the finite values"):
            assert not best.update({"psnr": value}, {})
        best._told = False
    best = BestCheckpoint(tmp_path / "best.pt", "psnr", existing="continue")
    with pytest.warns(UserWarning, match="best psnr is inf"):
        assert not best.update({"psnr": 30.0}, {})
    assert not best.update({"psnr": 30.0}, {})  # once


@pytest.mark.parametrize(
    "score", [torch.tensor(20.5), torch.tensor([20.5]).double(), np.float64(20.5), np.float32(20.5)]
)
def test_a_score_may_be_a_tensor_or_a_numpy_scalar(score: Tensor, tmp_path: Path) -> None:
    """The file is read again, with the settings of ``torch.load`` that are the default."""
    path = tmp_path / "best.pt"
    assert BestCheckpoint(path, "psnr").update({"psnr": score, "ssim": np.float64(0.9)}, {})
    assert torch.load(path, weights_only=True)["scores"] == {"psnr": 20.5, "ssim": 0.9}
    best = BestCheckpoint(path, "psnr", existing="continue")
    assert (best.value, type(best.value)) == (20.5, float)
    assert not best.update({"psnr": 20}, {})
    torch.save({"metric": "psnr", "value": torch.tensor(20.5), "scores": {}, "state": {}}, path)
    assert BestCheckpoint(path, "psnr", existing="continue").value == 20.5
    for wrong in (torch.rand(2), "20", None):
        with pytest.raises(TypeError, match=r"scores\['psnr'\] must be a number, got"):
            BestCheckpoint(tmp_path / "x", "psnr").update({"psnr": wrong}, {})


def test_a_better_checkpoint_of_another_training_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    BestCheckpoint(path, "psnr").update({"psnr": 21.5}, _Shift())
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"best.pt' is there already.*existing='continue'"):
        BestCheckpoint(path, "psnr")
    best = BestCheckpoint(path, "psnr", existing="continue")
    assert best.value == 21.5
    # Of a training that was killed before the better one.
    best.load_state_dict({"metric": "psnr", "value": 20.0})
    best.load_state_dict({"metric": "psnr", "value": None})
    assert not best.update({"psnr": 21.0}, _Shift())
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="is not a file of the best 'ssim'; existing='replace'"):
        BestCheckpoint(path, "ssim", existing="continue")
    assert best.update({"psnr": 22.0}, _Shift())
    assert BestCheckpoint(path, "psnr", existing="replace").update({"psnr": 1.0}, _Shift())
    path.write_bytes(before[:100])
    with pytest.raises(ValueError, match="cannot be continued, for it cannot be read"):
        BestCheckpoint(path, "psnr", existing="continue")
    assert BestCheckpoint(tmp_path / "new.pt", "psnr", existing="continue").value is None
    with pytest.raises(ValueError, match="existing must be one of 'error', 'continue', 'replace'"):
        BestCheckpoint(path, "psnr", existing="keep")  # type: ignore[arg-type]


@pytest.mark.parametrize("rank", [0, 1])
def test_every_process_makes_the_state_dict_and_the_first_writes(
    rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a sharded module is a collective."""
    calls: list[int] = []

    class Sharded(nn.Module):
        def state_dict(self) -> dict[str, Tensor]:  # type: ignore[override]
            calls.append(1)
            return {}

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: rank)
    best = BestCheckpoint(tmp_path / "best.pt", "psnr")
    assert best.update({"psnr": 1.0}, Sharded())
    assert (calls, best.value, best.path.exists()) == ([1], 1.0, rank == 0)


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    best = BestCheckpoint(path, "psnr")
    best.update({"psnr": 1.0}, _Shift())
    before = path.read_bytes()

    class Unsaveable:
        def __reduce__(self) -> str:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        best.update({"psnr": 2.0}, {"state": Unsaveable()})
    assert path.read_bytes() == before
    assert best.value == 1.0
    assert [file.name for file in tmp_path.iterdir()] == ["best.pt"]


# --- errors ---------------------------------------------------------------------------------------


def test_bad_arguments_are_named(pair: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    pred, target = pair
    mixed = validation.validator()
    mixed.update(pred, target)
    other = validation.validator()
    other.update(pred, target, [*range(11)])
    wrong = [
        (
            RuntimeError,
            r"no image has been measured since the last reset\(\)",
            lambda: validation.validator().compute(),
        ),
        (
            RuntimeError,
            "no image has been measured",
            lambda: validation.validator().run(_Shift(), []),
        ),
        (
            TypeError,
            "metrics must be a list of names or a mapping, got str 'psnr'",
            lambda: Validator("psnr"),
        ),
        (ValueError, "metrics must name at least one metric", lambda: Validator([])),
        (ValueError, "each once", lambda: Validator(["psnr", "psnr"])),
        (ValueError, "measure must be one of", lambda: Validator(["psnr_y"])),
        (
            TypeError,
            r"metrics\['mine'\] must be a name, a measure or a function, got int 3",
            lambda: Validator({"mine": 3}),
        ),  # type: ignore[dict-item]
        (TypeError, "protocol must be a protocol", lambda: Validator(["psnr"], 3)),  # type: ignore[arg-type]
        (ValueError, "'basicsr' needs scale", lambda: Validator(["psnr"], "basicsr")),
        (ValueError, "protocol must be one of", lambda: Validator(["psnr"], "basicsrr")),
        (ValueError, "scale belongs to the name", lambda: Validator(["psnr"], scale=4)),
        (
            ValueError,
            "scale belongs to the name of a protocol; SuperResolutionProtocol",
            lambda: Validator(["psnr"], SuperResolutionProtocol(2), scale=4),
        ),
        (TypeError, "keep_values must be True", lambda: Validator(["psnr"], keep_values=1)),  # type: ignore[arg-type]
        (ValueError, "data_range must span", lambda: Validator(["psnr"], data_range=0.0)),
        (
            ValueError,
            r"metrics\['l1'\] must return one value for each of 11 images, got \(\)",
            lambda: Validator({"l1": F.l1}).update(pred, target),
        ),
        (
            ValueError,
            "target must have the shape of pred",
            lambda: validation.validator().update(pred, target[1:]),
        ),
        (
            ValueError,
            "index must be given in every update",
            lambda: mixed.update(pred, target, [*range(11)]),
        ),
        (ValueError, "index must be given in every update", lambda: other.update(pred, target)),
        (
            ValueError,
            "index must have one integer for each of 11 images",
            lambda: other.update(pred, target, [1, 2]),
        ),
        (TypeError, "index must be integers", lambda: other.update(pred, target, torch.rand(11))),
        (
            TypeError,
            "index must be the place of each image in the dataset, .* got 3; leave it out",
            lambda: other.update(pred, target, 3),
        ),
        (
            TypeError,
            "got 'name.png'; leave it out, or take other items of a batch with unpack=",
            lambda: other.run(torch.nn.Identity(), [(pred, target, "name.png")]),
        ),
        (
            TypeError,
            "network must be a torch.nn.Module.*got function; for a function, call update",
            lambda: other.run(lambda x: x, [(pred, target)]),
        ),
        (
            ValueError,
            "higher_is_better must be True or False for 'mine'",
            lambda: BestCheckpoint(tmp_path / "x", "mine"),
        ),
        (
            ValueError,
            "scores must hold 'psnr', got 'ssim'",
            lambda: BestCheckpoint(tmp_path / "x", "psnr").update({"ssim": 1.0}, {}),
        ),
        (
            ValueError,
            "state is of metric 'ssim'",
            lambda: BestCheckpoint(tmp_path / "x", "psnr").load_state_dict({"metric": "ssim"}),
        ),
    ]
    for error, message, call in wrong:
        with pytest.raises(error, match=message):
            call()


def test_the_description_names_every_metric() -> None:
    text = validation.validator().describe()
    assert text.startswith("psnr: PSNR: clamp")
    assert "\nl2: a function, <function" in text


def test_a_sum_does_not_depend_on_the_order() -> None:
    """Rounded once: added one after the other, these give 0, 1 or 2."""
    values = [1e16, 1.0, -1e16, 1.0]
    assert {exact_sum(order) for order in itertools.permutations(values)} == {2.0}
    assert exact_sum([1.0, math.inf]) == math.inf
