"""FID, KID and Inception score: equal to torch-fidelity on one injected random Inception; repetition, processes, dtypes, errors."""

from __future__ import annotations

from pathlib import Path

import battery
import photographs
import pytest
import torch
from torch import Tensor

from ssimloss import weights
from ssimloss.metrics import InceptionMetrics

pytest.importorskip("torch_fidelity")

REAL, FAKE = 8, 7
OPTIONS = {"weights": "random", "subsets": 3, "subset_size": 5, "splits": 2}


def images(count: int, of: int) -> Tensor:
    """uint8 crops of 90x100 pixels of photographs (1), or of their degraded copies (0)."""
    whole = torch.from_numpy(photographs.batch_u8()[of].transpose(0, 3, 1, 2).copy())
    return torch.stack([whole[i % 3, :, 7 * i : 7 * i + 90, 11 * i : 11 * i + 100] for i in range(count)])


@pytest.fixture(scope="module")
def metric() -> InceptionMetrics:
    return InceptionMetrics(**OPTIONS)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def features(metric: InceptionMetrics) -> tuple[Tensor, Tensor]:
    """Of the real and of the generated images."""
    return metric.extract(images(REAL, 1)), metric.extract(images(FAKE, 0))


@pytest.fixture
def known(metric: InceptionMetrics, features: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch) -> InceptionMetrics:
    """The metric with its network replaced by a look-up: an image is its number, in all pixels."""
    rows = torch.cat(features)
    monkeypatch.setattr(metric, "extract", lambda numbers: rows[numbers[:, 0, 0, 0].long()])
    metric.reset()
    return metric


def numbers(*of: int) -> Tensor:
    return torch.tensor(of, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)


def test_the_network_is_that_of_torch_fidelity(metric: InceptionMetrics, features: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    """Its own class with the same weights; loaded from a state dict, too; the class resizes as TensorFlow 1 did."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    state = dict(metric.network.named_buffers())
    torch.save(state, tmp_path / "weights.pth")
    theirs = FeatureExtractorInceptionV3("x", ["2048", "logits_unbiased"], feature_extractor_weights_path=tmp_path / "weights.pth")
    found, logits = theirs(images(2, 1))
    battery.close(features[0][:2], found, 1e-6)
    battery.close(metric._logits(found), logits, 1e-6)
    assert found.std(0).max() > 1e-3, "images cannot be told apart"
    state["fc.bias"] = state["fc.bias"] + 1
    again = InceptionMetrics(["is"], weights=state)
    assert torch.equal(dict(again.network.named_buffers())["fc.bias"], state["fc.bias"])
    assert metric.state_dict() == again.state_dict() == {}
    assert list(metric.parameters()) == []


def test_equals_torch_fidelity(known: InceptionMetrics, features: tuple[Tensor, Tensor]) -> None:
    """To 1e-6 of the value. FID knows no axes: theirs is taken in the space that the images span, since roots of 2048 x 2048 take long."""
    from torch_fidelity import metric_fid, metric_isc, metric_kid

    real, fake = (rows.double() for rows in features)
    known.update(numbers(*range(REAL)), real=True)
    known.update(numbers(*range(REAL, REAL + 3)), real=False)
    known.update(numbers(*range(REAL + 3, REAL + FAKE)), real=False)
    ours = known.compute()
    basis = torch.linalg.qr(torch.cat([real, fake]).T).Q
    statistics = [metric_fid.fid_features_to_statistics(rows @ basis) for rows in (fake, real)]
    expected = metric_fid.fid_statistics_to_metric(*statistics, False)
    expected |= metric_kid.kid_features_to_metric(fake, real, kid_subsets=3, kid_subset_size=5, verbose=False)
    expected |= metric_isc.isc_features_to_metric(known._logits(features[1]), 2, True, 2020)
    battery.close(ours["fid"], expected["frechet_inception_distance"], 1e-6)
    battery.close(ours["kid"], expected["kernel_inception_distance_mean"], 1e-6)
    battery.close(ours["kid_std"], expected["kernel_inception_distance_std"], 1e-6)
    battery.close(ours["is"], expected["inception_score_mean"], 1e-6)
    assert abs(ours["is_std"] - expected["inception_score_std"]) <= 1e-6
    assert {value.dtype for value in ours.values()} == {torch.float64}


def test_with_indices_repetition_and_order_do_not_count(known: InceptionMetrics) -> None:
    def computed(real: list[int], fake: list[int]) -> dict[str, float]:
        known.reset()
        for name, order, first in ((True, real, 0), (False, fake, REAL)):
            for start in range(0, len(order), 3):
                some = order[start : start + 3]
                known.update(numbers(*(first + i for i in some)), real=name, index=some)
        return {key: value.item() for key, value in known.compute().items()}

    expected = computed([*range(REAL)], [*range(FAKE)])
    assert computed([*range(REAL)[::-1], 3, 4], [5, 5, 0, 1, 2, 3, 4, 6, 6]) == expected
    known.reset()
    known.update(numbers(*range(REAL)), real=True)
    known.update(numbers(*range(REAL, REAL + FAKE)), real=False)
    assert {key: value.item() for key, value in known.compute().items()} == expected


def test_several_processes(known: InceptionMetrics) -> None:
    """What the others kept is joined; a process without images takes part with none, of the right shape."""
    known.update(numbers(*range(REAL)), real=True, index=[*range(REAL)])
    known.update(numbers(*range(REAL, REAL + FAKE)), real=False, index=[*range(FAKE)])
    expected = known.compute()
    shapes = []

    def gathered(tensor: Tensor, group: object) -> list[Tensor]:  # noqa: ARG001 - as torchmetrics calls it
        shapes.append((tuple(tensor.shape), tensor.dtype))
        return [tensor, tensor[2:]]

    known.sync(dist_sync_fn=gathered, distributed_available=lambda: True)
    assert shapes == [((8, 2048), torch.float32), ((8, 1), torch.float64), ((7, 2048), torch.float32), ((7, 1), torch.float64)]
    assert len(known.real_features) == 14
    again = known._set("real", 2), known._set("fake", 2)
    known.unsync()
    assert [len(rows) for rows in again] == [REAL, FAKE]
    known._computed = None
    assert known.compute() == expected
    known.reset()
    shapes.clear()
    known.sync(dist_sync_fn=gathered, distributed_available=lambda: True)
    known.unsync()
    assert [shape for shape, _ in shapes] == [(0, 2048), (0, 1)] * 2


def test_float_images_are_rounded_to_eight_bit(metric: InceptionMetrics, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(metric, "_run", lambda pictures: seen.append(pictures))
    whole = images(2, 1)
    metric.extract(whole)
    metric.extract(whole.float() / 255 + 0.3 / 255)
    metric.extract((whole.float() / 255).half())
    monkeypatch.setattr(metric, "data_range", (-1, 1))
    metric.extract((whole.double() / 255 * 2 - 1) * 1.000001)
    assert [torch.equal(found, whole) for found in seen] == [True] * 4
    metric.extract(whole[:, :1])
    assert torch.equal(seen[-1], whole[:, :1].expand(-1, 3, -1, -1))


def test_what_is_kept_is_no_graph_and_moves_without_losing_precision(known: InceptionMetrics) -> None:
    known.update(numbers(0, 1), real=True, index=[0, 1])
    holder = torch.nn.ModuleList([known]).to(torch.bfloat16)
    assert holder[0].real_features[0].dtype is torch.float32
    assert next(iter(known.network.buffers())).dtype is torch.float32
    assert not known.real_features[0].requires_grad


def test_bad_arguments_are_named(known: InceptionMetrics, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    known.update(numbers(), real=False)
    with pytest.raises(RuntimeError, match=r"generated images: update.images, real=False.; there were 0"):
        known.compute()
    known.update(numbers(8, 9, 10), real=False)
    with pytest.raises(RuntimeError, match=r"fid, kid, is need at least 2 images of the data set: update.images, real=True.; there were 0"):
        known.compute()
    known.update(numbers(0, 1, 2), real=True, index=[0, 1, 2])
    with pytest.raises(ValueError, match="subset_size must be at most the number of rows, got 5 for 3 and 3"):
        known.compute()
    known.update(numbers(3), real=True)
    with pytest.raises(ValueError, match="index must be given in every update"):
        known.compute()
    monkeypatch.undo()
    wrong = [
        (ValueError, "measures must be one of 'fid', 'kid', 'is', got 'lpips'", lambda: InceptionMetrics(["lpips"])),  # type: ignore[list-item]
        (ValueError, "measures must be a list", lambda: InceptionMetrics("fid")),  # type: ignore[arg-type]
        (ValueError, "splits must be at least 1", lambda: InceptionMetrics(splits=0)),
        (TypeError, "real must be True or False", lambda: known.update(numbers(1), real=1)),  # type: ignore[arg-type]
        (ValueError, r"images must have shape \(N, 3, H, W\)", lambda: InceptionMetrics.extract(known, torch.zeros(2, 4, 5, 5))),
        (
            TypeError,
            "images must be floating point, got torch.int64",
            lambda: InceptionMetrics.extract(known, torch.zeros(2, 3, 5, 5).long()),
        ),
    ]
    for error, message, call in wrong:
        with pytest.raises(error, match=message):
            call()


def test_weights_that_are_not_here_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the file, its digits and the command; a file of that name with other bytes is refused."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    with pytest.raises(RuntimeError, match=r"6726825d.pth \(95.6 MB\)[\s\S]*ssimloss weights fetch inception"):
        InceptionMetrics()
    torch.save({"fc.bias": torch.zeros(1008)}, tmp_path / weights.INCEPTION.file)
    with pytest.raises(RuntimeError, match="is damaged or another file"):
        InceptionMetrics()
    with pytest.raises(RuntimeError, match="is damaged or another file"):
        InceptionMetrics(weights=tmp_path / weights.INCEPTION.file)
    with pytest.raises(ValueError, match="does not fit network 'inception': it lacks"):
        InceptionMetrics(weights={"fc.bias": torch.zeros(1008)})
