"""FID, KID and Inception score: equal to torch-fidelity on one injected random Inception;
repetition, processes, dtypes, errors.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import battery
import photographs
import pytest
import torch
from torch import Tensor

from ssimloss import weights
from ssimloss.metrics import (
    InceptionMetrics,
    frechet_distance,
    inception_score,
    kernel_distance,
)

pytest.importorskip("torch_fidelity")

REAL, FAKE = 8, 7
SETS = ("real", "fake")
OPTIONS = {"weights": "random", "subsets": 3, "subset_size": 5, "splits": 2}


def images(count: int, of: int) -> Tensor:
    """uint8 crops of 90x100 pixels of photographs (1), or of their degraded copies (0)."""
    whole = torch.from_numpy(photographs.batch_u8()[of].transpose(0, 3, 1, 2).copy())
    return torch.stack(
        [whole[i % 3, :, 7 * i : 7 * i + 90, 11 * i : 11 * i + 100] for i in range(count)]
    )


@pytest.fixture(scope="module")
def metric() -> InceptionMetrics:
    return InceptionMetrics(**OPTIONS)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def features(metric: InceptionMetrics) -> tuple[Tensor, Tensor]:
    """Of the real and of the generated images."""
    return metric.extract(images(REAL, 1)), metric.extract(images(FAKE, 0))


@pytest.fixture
def known(
    metric: InceptionMetrics, features: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> InceptionMetrics:
    """The metric with its network replaced by a look-up: an image is its number, in all pixels."""
    rows = torch.cat(features)
    monkeypatch.setattr(metric, "extract", lambda numbers: rows[numbers[:, 0, 0, 0].long()])
    metric.reset()
    return metric


def numbers(*of: int) -> Tensor:
    return torch.tensor(of, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)


def test_the_network_is_that_of_torch_fidelity(
    metric: InceptionMetrics, features: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    """Its own class with the same weights; loaded from a state dict, too; the class resizes as
    TensorFlow 1 did.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    state = dict(metric.network.named_buffers())
    torch.save(state, tmp_path / "weights.pth")
    theirs = FeatureExtractorInceptionV3(
        "x", ["2048", "logits_unbiased"], feature_extractor_weights_path=tmp_path / "weights.pth"
    )
    found, logits = theirs(images(2, 1))
    battery.close(features[0][:2], found, 1e-6)
    battery.close(metric._logits(found), logits, 1e-6)
    assert found.std(0).max() > 1e-3, "images cannot be told apart"
    state["fc.bias"] = state["fc.bias"] + 1
    again = InceptionMetrics(["is"], weights=state)
    assert torch.equal(dict(again.network.named_buffers())["fc.bias"], state["fc.bias"])
    assert metric.state_dict() == again.state_dict() == {}
    assert list(metric.parameters()) == []


@pytest.fixture
def extractor(
    metric: InceptionMetrics, features: tuple[Tensor, Tensor], tmp_path: Path
) -> Iterator[str]:
    """By name, torch-fidelity's network with the same weights, which returns its features in
    float64. And by axes within the space of all images, where no covariance has the root of a
    rounded zero for further axes.
    """
    from torch_fidelity import register_feature_extractor, registry
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.save(dict(metric.network.named_buffers()), tmp_path / "weights.pth")
    axes = torch.linalg.qr(torch.cat(features).double().T).Q

    class Exact(FeatureExtractorInceptionV3):  # type: ignore[misc]
        def __init__(self, name: str, features_list: list[str], **options: object) -> None:
            del options
            own = [layer for layer in features_list if layer != "axes"]
            super().__init__(name, own, feature_extractor_weights_path=tmp_path / "weights.pth")
            self.features_list = features_list

        @staticmethod
        def get_provided_features_list() -> tuple[str, ...]:
            return (*FeatureExtractorInceptionV3.get_provided_features_list(), "axes")

        def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
            wanted, self.features_list = self.features_list, ["2048", "logits_unbiased"]
            found = {
                name: rows.double()
                for name, rows in zip(self.features_list, super().forward(pictures), strict=True)
            }
            self.features_list = wanted
            found["axes"] = found["2048"] @ axes
            return tuple(found[layer] for layer in wanted)

    register_feature_extractor("exact", Exact)
    yield "exact"
    del registry.FEATURE_EXTRACTORS_REGISTRY["exact"]


class Pictures(torch.utils.data.Dataset[Tensor]):
    """torch-fidelity takes nothing but datasets."""

    def __init__(self, all_of_them: Tensor) -> None:
        self.all_of_them = all_of_them

    def __len__(self) -> int:
        return len(self.all_of_them)

    def __getitem__(self, index: int) -> Tensor:
        return self.all_of_them[index]


def test_equals_torch_fidelity_from_images_to_numbers(
    known: InceptionMetrics, extractor: str
) -> None:
    """To 1e-6 of the value (found: 1e-7, 1e-14, 1e-15), with its features in float64; in float32,
    as it has them, KID is 7e-6 off.
    """
    import torch_fidelity

    known.update(numbers(*range(REAL)), real=True)
    known.update(numbers(*range(REAL, REAL + 3)), real=False)
    known.update(numbers(*range(REAL + 3, REAL + FAKE)), real=False)
    ours = known.compute()
    expected = torch_fidelity.calculate_metrics(
        input1=Pictures(images(FAKE, 0)),
        input2=Pictures(images(REAL, 1)),
        feature_extractor=extractor,
        feature_layer_fid="axes",
        fid=True,
        kid=True,
        isc=True,
        kid_subsets=3,
        kid_subset_size=5,
        isc_splits=2,
        batch_size=REAL,
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )
    battery.close(ours["fid"], expected["frechet_inception_distance"], 1e-6)
    battery.close(ours["kid"], expected["kernel_inception_distance_mean"], 1e-6)
    battery.close(ours["kid_std"], expected["kernel_inception_distance_std"], 1e-6)
    battery.close(ours["is"], expected["inception_score_mean"], 1e-6)
    battery.close(ours["is_std"], expected["inception_score_std"], 1e-6)
    assert {value.dtype for value in ours.values()} == {torch.float64}


def test_where_torch_fidelity_is_not_exact(features: tuple[Tensor, Tensor]) -> None:
    """Why its FID of few images differs: of each axis without variance its root of a rounded zero
    is left. Ours knows no axes.
    """
    from torch_fidelity import metric_fid

    real, fake = (rows.double() for rows in features)
    axes = torch.linalg.qr(torch.cat([real, fake]).T).Q
    theirs, ours = [], []
    for size in (15, 120, 480):
        turned = torch.linalg.qr(
            torch.randn(
                size, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(size)
            )
        ).Q.T
        sets = [rows @ axes @ turned for rows in (fake, real)]
        found = metric_fid.fid_statistics_to_metric(
            *map(metric_fid.fid_features_to_statistics, sets), False
        )
        theirs.append(
            abs(found["frechet_inception_distance"] / frechet_distance(real, fake).item() - 1)
        )
        ours.append(abs(frechet_distance(*sets) / frechet_distance(real, fake) - 1).item())
    assert max(ours) < 1e-10
    assert theirs[0] < 1e-6 < theirs[1] < theirs[2] < 1e-4, theirs


def test_an_image_that_is_no_number_has_no_features(metric: InceptionMetrics) -> None:
    """It would be black in 8 bit. Nothing of a set with it is a number, also where KID's subsets
    happen to leave it out.
    """
    spoilt = images(2, 0).float() / 255
    spoilt[1, 0, 5, 5] = math.nan
    found = metric.extract(spoilt)
    assert found.isnan().all(1).tolist() == [False, True]
    known = InceptionMetrics(
        weights=dict(metric.network.named_buffers()), subsets=1, subset_size=2, splits=1
    )
    known.extract = lambda rows: rows
    for index in (None, [0, 1]):
        for broken_is_real in (False, True):
            known.reset()
            known.update(found, real=broken_is_real, index=index)
            known.update(
                metric_rows(20), real=broken_is_real, index=None if index is None else range(2, 22)
            )
            known.update(metric_rows(4), real=not broken_is_real)
            values = known.compute()
            nan = {name for name, value in values.items() if value.isnan()}
            assert nan == (
                {"fid", "kid", "kid_std"}
                if broken_is_real
                else {"fid", "kid", "kid_std", "is", "is_std"}
            )


def metric_rows(count: int) -> Tensor:
    """Features of no images."""
    return torch.rand(count, 2048, generator=torch.Generator().manual_seed(count))


def test_a_wrong_index_is_an_error(known: InceptionMetrics) -> None:
    known.update(numbers(0, 1), real=True, index=[0, 1])
    known.update(numbers(2, 3), real=True, index=[0, 1])
    with pytest.raises(
        ValueError,
        match="index must be the place of each image in the whole dataset, got 0 for different "
        "images",
    ):
        known._set("real", 2)
    known.reset()
    known.update(numbers(0, 1), real=True, index=[0, -1])
    with pytest.raises(ValueError, match="index must not be negative, got -1"):
        known._set("real", 2)


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
    """What the others kept is joined; a process without images takes part with none, of the right
    shape.
    """
    known.update(numbers(*range(REAL)), real=True, index=[*range(REAL)])
    known.update(numbers(*range(REAL, REAL + FAKE)), real=False, index=[*range(FAKE)])
    expected = known.compute()
    shapes = []

    def gathered(tensor: Tensor, group: object) -> list[Tensor]:  # noqa: ARG001 - as torchmetrics calls it
        shapes.append((tuple(tensor.shape), tensor.dtype))
        return [tensor, tensor[2:]]

    known.sync(dist_sync_fn=gathered, distributed_available=lambda: True)
    assert shapes == [
        ((8, 2048), torch.float32),
        ((8, 1), torch.float64),
        ((7, 2048), torch.float32),
        ((7, 1), torch.float64),
    ]
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


def test_float_images_are_rounded_to_eight_bit(
    metric: InceptionMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(
        metric, "_run", lambda pictures: seen.append(pictures) or torch.zeros(len(pictures), 1)
    )
    whole = images(2, 1)
    metric.extract(whole)
    metric.extract(whole.float() / 255 + 0.3 / 255)
    metric.extract((whole.float() / 255).half())
    monkeypatch.setattr(metric, "data_range", (-1, 1))
    metric.extract((whole.double() / 255 * 2 - 1) * 1.000001)
    assert [torch.equal(found, whole) for found in seen] == [True] * 4
    metric.extract(whole[:, :1])
    assert torch.equal(seen[-1], whole[:, :1].expand(-1, 3, -1, -1))


def test_what_is_kept_is_no_graph_and_moves_without_losing_precision(
    known: InceptionMetrics,
) -> None:
    known.update(numbers(0, 1), real=True, index=[0, 1])
    holder = torch.nn.ModuleList([known]).to(torch.bfloat16)
    assert holder[0].real_features[0].dtype is torch.float32
    assert next(iter(known.network.buffers())).dtype is torch.float32
    assert not known.real_features[0].requires_grad


def test_bad_arguments_are_named(
    known: InceptionMetrics, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    known.update(numbers(), real=False)
    with pytest.raises(
        RuntimeError, match=r"generated images: update.images, real=False.; there were 0"
    ):
        known.compute()
    known.update(numbers(8, 9, 10), real=False)
    with pytest.raises(
        RuntimeError,
        match=r"fid, kid, is need at least 2 images of the data set: update.images, real=True.; "
        r"there were 0",
    ):
        known.compute()
    known.update(numbers(0, 1, 2), real=True, index=[0, 1, 2])
    with pytest.raises(
        ValueError, match="subset_size must be at most the number of rows, got 5 for 3 and 3"
    ):
        known.compute()
    known.update(numbers(3), real=True)
    with pytest.raises(ValueError, match="index must be given in every update"):
        known.compute()
    monkeypatch.undo()
    wrong = [
        (
            ValueError,
            "measures must be one of 'fid', 'kid', 'is', got 'lpips'",
            lambda: InceptionMetrics(["lpips"]),
        ),  # type: ignore[list-item]
        (ValueError, "measures must be a list", lambda: InceptionMetrics("fid")),  # type: ignore[arg-type]
        (ValueError, "splits must be at least 1", lambda: InceptionMetrics(splits=0)),
        (TypeError, "real must be True or False", lambda: known.update(numbers(1), real=1)),  # type: ignore[arg-type]
        (
            ValueError,
            r"images must have shape \(N, 3, H, W\)",
            lambda: InceptionMetrics.extract(known, torch.zeros(2, 4, 5, 5)),
        ),
        (
            TypeError,
            "images must be floating point, got torch.int64",
            lambda: InceptionMetrics.extract(known, torch.zeros(2, 3, 5, 5).long()),
        ),
    ]
    for error, message, call in wrong:
        with pytest.raises(error, match=message):
            call()


def test_weights_that_are_not_here_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the file, its digits and the command; a file of that name with other bytes
    is refused.
    """
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    with pytest.raises(
        RuntimeError,
        match=r"6726825d.pth \(95.6 MB\)[\s\S]*weights fetch inception[\s\S]*offline .*network=",
    ):
        InceptionMetrics()
    torch.save({"fc.bias": torch.zeros(1008)}, tmp_path / weights.INCEPTION.file)
    with pytest.raises(RuntimeError, match="is damaged or another file"):
        InceptionMetrics()
    with pytest.raises(RuntimeError, match="is damaged or another file"):
        InceptionMetrics(weights=tmp_path / weights.INCEPTION.file)
    with pytest.raises(ValueError, match="does not fit network 'inception': it lacks"):
        InceptionMetrics(weights={"fc.bias": torch.zeros(1008)})


# --- a network of the caller's own ----------------------------------------------------------------


class Small(torch.nn.Module):
    """Features are means of thirds of the image; it would train, and drop some."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(3)
        self.mix = torch.nn.Linear(12, 7)
        self.drop = torch.nn.Dropout(0.5)
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        pooled = torch.nn.functional.adaptive_avg_pool2d(self.norm(images), 2).flatten(1)
        found: Tensor = self.drop(self.mix(pooled))
        return found


def test_a_network_of_the_callers_own() -> None:
    """A frozen copy: its features, in evaluation mode, of images in [0, 1] that were rounded as for
    the Inception; statistics as of these features.
    """
    network, head = Small(), torch.nn.Linear(7, 4)
    pictures = torch.cat([images(6, 1), images(6, 0)])
    metric = InceptionMetrics(network=network, head=head, subset_size=4, splits=2, shuffle=False)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    for some in (slice(0, 2), slice(2, 6)):
        metric.update(pictures[some], real=True)
        metric.update(pictures[6:][some].float() / 255, real=False)
    found = metric.compute()
    network.eval()
    with torch.no_grad():
        real, fake = network(pictures[:6] / 255), network(pictures[6:] / 255)
        logits = head(fake)
    battery.close(found["fid"], frechet_distance(real, fake), 1e-9)
    battery.close(found["kid"], kernel_distance(fake, real, subset_size=4)[0], 1e-9)
    battery.close(found["is"], inception_score(logits, splits=2)[0], 1e-9)
    assert metric.extract(pictures[:, :1]).shape == (12, 7)
    assert metric.extract(pictures[:0]).shape == (0, 7)
    assert metric.state_dict() == {}
    assert list(metric.parameters()) == []
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert torch.equal(metric.network.seen[0], pictures[:2].float() / 255)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and much used
        flatten = torch.jit.trace(torch.nn.Flatten(), pictures[:2] / 255)
    scripted = InceptionMetrics(["fid"], network=flatten)
    scripted.update(pictures[:6], real=True)
    scripted.update(pictures[6:], real=False)
    expected = frechet_distance(*(half.flatten(1).float() / 255 for half in pictures.split(6)))
    battery.close(scripted.compute()["fid"], expected, 1e-6)


def test_several_processes_with_a_network_of_the_callers_own() -> None:
    """One without an image does not know how many features there are."""
    pictures = images(6, 1)
    alone = InceptionMetrics(["fid"], network=Small())
    network = alone.network
    alone.update(pictures[:3], real=True)
    alone.update(pictures[3:], real=False)
    expected = alone.compute()["fid"]
    empty = InceptionMetrics(["fid"], network=network)
    theirs = [torch.cat(getattr(alone, f"{n}_{w}")) for n in SETS for w in ("features", "index")]

    def gathered(state: Tensor, group: object) -> list[Tensor]:  # noqa: ARG001 - as it is called
        return [state, theirs.pop(0)]

    empty.sync(dist_sync_fn=gathered, distributed_available=lambda: True)
    battery.close(type(empty).compute(empty)["fid"], expected, 1e-12)


def test_what_such_a_network_must_not_be() -> None:
    pictures = images(4, 1)
    wrong: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (TypeError, "network must be a torch.nn.Module, got type", lambda: built(network=Small)),
        (TypeError, "head must be a torch.nn.Module", lambda: built(network=Small(), head=len)),
        (ValueError, "weights must be left out", lambda: built(network=Small(), weights="random")),
        (ValueError, "head must be None", lambda: built(head=Small(), weights="random")),
        (
            ValueError,
            "measures with 'is' need head",
            lambda: InceptionMetrics(["fid", "is"], network=Small()),
        ),
        (
            ValueError,
            r"network must return features \(N, D\) of 4 images, got \(4, 3, 8, 8\); pool and",
            lambda: built(network=torch.nn.Identity()).extract(pictures[..., :8, :8]),
        ),
    ]
    for error, message, call in wrong:
        with pytest.raises(error, match=message):
            call()
    metric = built(network=torch.nn.Flatten())
    metric.update(pictures[..., :8, :8], real=True)
    with pytest.raises(ValueError, match="as many features for all images, got 48 after 192"):
        metric.update(pictures[..., :4, :4], real=True)


def built(**options: Any) -> InceptionMetrics:
    return InceptionMetrics(["fid"], **options)


def test_too_few_images_for_the_splits_are_told(
    known: InceptionMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words of images, not of logits that nobody passed."""
    known.update(numbers(0, 1), real=True)
    known.update(numbers(1, 2), real=False)
    monkeypatch.setattr(known, "splits", 10)
    monkeypatch.setattr(known, "measures", ("is",))
    with pytest.raises(
        ValueError, match="splits must be at most the number of generated images, 2"
    ):
        known.compute()
