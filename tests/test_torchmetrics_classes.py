"""The torchmetrics classes: equal to the functions and modules, in collections, with forward;
several processes are in test_validator.
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import battery
import deep
import pytest
import torch
import validation
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import metrics
from ssimloss.metrics import SuperResolutionProtocol, measure

pytest.importorskip("torchmetrics")


@pytest.fixture(scope="module")
def pair() -> tuple[Tensor, Tensor]:
    return validation.images(5)


def cases() -> dict[
    str, tuple[Callable[[], metrics.ImageMetric], Callable[[Tensor, Tensor], Tensor], bool]
]:
    """By name: the metric, the values it averages, whether higher is better."""
    options = {"window": "uniform", "window_size": 7, "covariance": "sample"}
    small = {"min_size": "fewer_scales", "pooling": "zeros"}
    layers = {"relu1_2": 1.0, "relu2_2": 0.5}
    similarity = ssimloss.DeepPerceptualSimilarity(
        "embedded", layers=layers, distance="cosine", reduction="image"
    )
    return {
        "psnr": (metrics.PSNR, lambda p, t: F.psnr(p, t, reduction="image"), True),
        "psnr eps": (
            lambda: metrics.PSNR(eps=1e-8, data_range=2),
            lambda p, t: F.psnr(p, t, eps=1e-8, data_range=2, reduction="image"),
            True,
        ),
        "psnr y": (
            lambda: metrics.PSNR(protocol=SuperResolutionProtocol(2)),
            SuperResolutionProtocol(2).psnr,
            True,
        ),
        "ssim": (
            lambda: metrics.SSIM(**options),
            lambda p, t: F.ssim(p, t, reduction="image", **options),
            True,
        ),
        "ms_ssim": (
            lambda: metrics.MSSSIM(**small),
            lambda p, t: F.ms_ssim(p, t, reduction="image", **small),
            True,
        ),
        "g_ssim": (
            metrics.GradientSSIM,
            lambda p, t: F.gradient_ssim(p, t, reduction="image"),
            True,
        ),
        "lpips": (
            lambda: metrics.LPIPS(weights="random"),
            ssimloss.LPIPS(weights="random", reduction="image"),
            False,
        ),
        "deep": (
            lambda: metrics.DeepSimilarity("embedded", layers=layers, distance="cosine"),
            similarity,
            False,
        ),
        "a mean": (
            lambda: metrics.LossMetric(ssimloss.SSIMLoss()),
            ssimloss.SSIMLoss(reduction="image"),
            False,
        ),
        "images": (
            lambda: metrics.LossMetric(ssimloss.L1Loss(reduction="image")),
            ssimloss.L1Loss(reduction="image"),
            False,
        ),
        "measure": (
            lambda: metrics.LossMetric(measure("g_ssim"), higher_is_better=True),
            measure("g_ssim"),
            True,
        ),
    }


@pytest.mark.parametrize("name", cases())
def test_the_mean_of_the_function(name: str, pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    make, function, higher_is_better = cases()[name]
    metric = make()
    expected = function(pred, target).detach().double()
    assert metric.higher_is_better is higher_is_better
    metric.update(pred[:2].clone().requires_grad_(), target[:2])
    metric.update(pred[2:], target[2:])
    assert metric.compute().dtype is torch.float64
    assert not metric.compute().requires_grad
    battery.close(metric.compute(), expected.mean(), 1e-6)
    metric.reset()
    metric.update(pred[:2].half(), target[:2].half())
    battery.close(
        metric.compute(),
        function(pred[:2].half().float(), target[:2].half().float()).double().mean(),
        1e-6,
    )


def test_dists(pair: tuple[Tensor, Tensor]) -> None:
    metric = metrics.DISTS(weights="random", data_range=(-1, 1))
    metric.update(pair[0][:2] * 2 - 1, pair[1][:2] * 2 - 1)
    battery.close(
        metric.compute(), ssimloss.DISTS(weights="random")(pair[0][:2], pair[1][:2]), 1e-5
    )


def test_heads_of_the_callers_own(pair: tuple[Tensor, Tensor]) -> None:
    """The options are those of the modules, but the ones that a metric sets itself."""
    pred, target = (image[:2] for image in pair)
    heads = [2 * head for head in ssimloss.networks.lpips_heads("alexnet", "v0.1")]
    alpha, beta = (torch.cat(found) for found in ssimloss.networks.dists_weights())
    for name, options in (("LPIPS", {"heads": heads}), ("DISTS", {"alpha": beta, "beta": alpha})):
        own = getattr(metrics, name)(weights="random", **options)
        own.update(pred, target)
        module = getattr(ssimloss, name)(weights="random", **options)
        battery.close(own.compute(), module(pred, target), 1e-6)
        assert not torch.equal(own.identity, getattr(metrics, name)(weights="random").identity)
        assert "of the caller" in own.distance.describe()
        with pytest.raises(TypeError, match=f"{name}.* has no option 'checkpoint'"):
            getattr(metrics, name)(weights="random", checkpoint=True)


def test_values_are_kept_where_asked_for(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    expected = F.psnr(pred, target, reduction="image").double()
    metric = metrics.PSNR(keep_values=True)
    for i in range(5):
        metric.update(pred[i : i + 1], target[i : i + 1])
    battery.close(metric.values(), expected, 1e-7)
    metric.reset()
    for some in ([4, 3], [0, 1], [2, 4]):
        metric.update(pred[some], target[some], some)
    battery.close(metric.values(), expected, 1e-7)
    battery.close(metric.compute(), expected.mean(), 1e-7)
    with pytest.raises(RuntimeError, match="keep_values=True"):
        metrics.PSNR().values()


def test_memory_does_not_grow_without_indices(pair: tuple[Tensor, Tensor]) -> None:
    metric = metrics.PSNR()
    indexed = metrics.PSNR()
    for i in range(300):
        metric.update(pair[0][:1], pair[1][:1])
        indexed.update(pair[0][:1], pair[1][:1], [i])
    assert metric.rows == []
    assert sum(rows.numel() * 8 for rows in indexed.rows) == 16 * 300
    assert len(indexed.rows) <= 9
    battery.close(indexed.compute(), metric.compute(), 1e-12)


def test_in_a_collection(pair: tuple[Tensor, Tensor]) -> None:
    """Two measures whose first values are equal (1, of equal images) are not taken for one; two of
    the same may share.
    """
    torchmetrics = pytest.importorskip("torchmetrics")
    pred, target = pair
    collection = torchmetrics.MetricCollection(
        {
            "ssim": metrics.SSIM(),
            "uniform": metrics.SSIM(window="uniform"),
            "again": metrics.SSIM(),
            "psnr": metrics.PSNR(eps=1e-8),
        }
    )
    collection.update(target, target)
    assert sorted(map(sorted, collection.compute_groups.values())) == [
        ["again", "ssim"],
        ["psnr"],
        ["uniform"],
    ]
    collection.update(pred, target, index=None)
    found = collection.compute()
    for name, options in (("ssim", {}), ("again", {}), ("uniform", {"window": "uniform"})):
        battery.close(found[name], (1 + F.ssim(pred, target, **options)) / 2, 1e-7)
    assert collection.clone(prefix="val_")(pred, target).keys() == {
        "val_ssim",
        "val_uniform",
        "val_again",
        "val_psnr",
    }


def test_a_collection_tells_weights_and_windows_apart(pair: tuple[Tensor, Tensor]) -> None:
    """No name identifies the caller's own weights, and the ``repr`` of a long tensor leaves out its
    middle.
    """
    torchmetrics = pytest.importorskip("torchmetrics")
    weights = deep.random_state("squeezenet1_1")
    others = {name: value * 1.5 for name, value in weights.items()}
    window = torch.rand(1501, generator=torch.Generator().manual_seed(0))
    other = window.index_fill(0, torch.tensor([750]), 2.0)
    heads = [[torch.full((64,), value)] for value in (1.0, 1.0, 2.0)]
    similarity = {"layers": {"relu1_2": 1.0}, "distance": "normalized_l2"}
    channels = ssimloss.networks.FeatureExtractor("embedded", ["relu1_2"]).channels()["relu1_2"]
    made = {
        "own": metrics.LPIPS("squeezenet1_1", weights=weights),
        "same": metrics.LPIPS("squeezenet1_1", weights={**weights}),
        "other": metrics.LPIPS("squeezenet1_1", weights=others),
        "range": metrics.LPIPS("squeezenet1_1", weights=weights, data_range=2),
        "window": metrics.SSIM(window=window, padding="zeros"),
        "window again": metrics.SSIM(window=window.clone(), padding="zeros"),
        "other window": metrics.SSIM(window=other, padding="zeros"),
    }
    for name, (head,) in zip(("heads", "heads again", "other heads"), heads, strict=True):
        made[name] = metrics.DeepSimilarity("embedded", heads=[head[:channels]], **similarity)
    identity = {name: metric.identity.tolist() for name, metric in made.items()}
    groups = [sorted(other for other in made if identity[other] == identity[name]) for name in made]
    assert [group for i, group in enumerate(groups) if group not in groups[:i]] == [
        ["own", "same"],
        ["other"],
        ["range"],
        ["window", "window again"],
        ["other window"],
        ["heads", "heads again"],
        ["other heads"],
    ]
    collection = torchmetrics.MetricCollection(
        {name: made[name] for name in ("own", "same", "other")}
    )
    collection.update(pair[1][:1], pair[1][:1])  # 0 by all of them
    assert sorted(map(sorted, collection.compute_groups.values())) == [["other"], ["own", "same"]]
    collection.update(pair[0][:1], pair[1][:1])
    found = collection.compute()
    assert found["own"] == found["same"] != found["other"]


def test_a_function_is_called_once_for_each_image_and_may_give_numbers(
    pair: tuple[Tensor, Tensor],
) -> None:
    pred, target = pair
    seen: list[int] = []

    def l1(p: Tensor, t: Tensor, convert: Callable[[Tensor], object]) -> object:
        seen.append(len(p))
        return convert((p - t).abs().mean((1, 2, 3)))

    expected = F.l1(pred, target, reduction="image")
    forms: list[tuple[Callable[[Tensor], object], list[int]]] = [
        (lambda values: values, [1, 4, 5]),
        (lambda values: values.mean(), [1] * 10),
        (lambda values: values.mean().item(), [1] * 10),
        (lambda values: values.mean().numpy()[()], [1] * 10),
    ]
    for convert, calls in forms:
        metric = metrics.LossMetric(functools.partial(l1, convert=convert), keep_values=True)
        seen.clear()
        metric.update(pred, target)
        metric.update(pred, target)
        assert seen == calls
        battery.close(metric.values(), torch.cat([expected, expected]).double(), 1e-6)
    with pytest.raises(TypeError, match="function must return a tensor or a number, got tuple"):
        metrics.LossMetric(lambda p, t: (p, t)).update(pred, target)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match=r"one value for each image, got \(\)"):
        metrics.LossMetric(
            lambda p, t: F.l1(p, t, reduction="image" if len(p) == 1 else "mean")
        ).update(pred, target)


def test_a_measure_goes_where_its_metric_goes() -> None:
    class Recorded(metrics.ImageMeasure):
        name, title, higher_is_better = "r", "R", False
        places: ClassVar[list[torch.device | str]] = []

        def _values(self, *arguments: object) -> Tensor:
            raise NotImplementedError

        def describe(self) -> str:
            return "nothing"

        def to(self, device: torch.device | str) -> metrics.ImageMeasure:
            self.places.append(device)
            return self

    torch.nn.ModuleList([metrics.LossMetric(Recorded())]).to("meta", torch.bfloat16)
    assert Recorded.places[-1] == torch.device("meta")


@pytest.mark.cuda
def test_a_measure_follows_to_a_gpu(pair: tuple[Tensor, Tensor]) -> None:
    metric = metrics.LossMetric(measure("embedded")).cuda()
    metric.update(pair[0].cuda(), pair[1].cuda())
    battery.close(metric.compute().cpu(), measure("embedded")(*pair).mean(), 1e-4)


def test_forward_is_the_batch_and_counts(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    metric = metrics.PSNR()
    for some in ([0, 1, 2], [3, 4]):
        battery.close(
            metric(pred[some], target[some]), F.psnr(pred[some], target[some]).double(), 1e-6
        )
    battery.close(metric.compute(), F.psnr(pred, target).double(), 1e-6)


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        lambda metric: pickle.loads(pickle.dumps(metric)),
        lambda metric: metric.clone(),
    ],
)
def test_copies_go_on(
    copied: Callable[[metrics.ImageMetric], metrics.ImageMetric], pair: tuple[Tensor, Tensor]
) -> None:
    metric = metrics.SSIM()
    metric.update(pair[0][:2], pair[1][:2], [0, 1])
    again = copied(metric)
    again.update(pair[0][2:], pair[1][2:], [2, 3, 4])
    battery.close(again.compute(), F.ssim(*pair), 1e-6)
    assert metric.state_dict() == {}


# --- as torchmetrics' own -------------------------------------------------------------------------


def metric_classes() -> list[str]:
    """All that need no arguments, and those that take a network."""
    return [name for name in metrics.__all__ if getattr(getattr(metrics, name), "measure", None)]


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("index", [False, True])
def test_pooled_psnr_is_that_of_torchmetrics(
    unequal: bool, index: bool, pair: tuple[Tensor, Tensor]
) -> None:
    """One error for all pixels of all batches, also of images of unequal size and of one that a
    sampler repeats; an equal image is not infinite.
    """
    torchmetrics = pytest.importorskip("torchmetrics")
    pred, target = (image.clone() for image in pair)
    pred[1] = target[1]
    batches = [(pred[:3], target[:3]), (pred[3:], target[3:])]
    if unequal:
        batches[1] = (pred[3:, :, :20, :30], target[3:, :, :20, :30])
    theirs = torchmetrics.image.PeakSignalNoiseRatio(data_range=1.0)
    ours = metrics.PSNR(**ssimloss.conventions.PSNR["torchmetrics"])
    for start, batch in zip((0, 3), batches, strict=True):
        places = [start + i for i in range(len(batch[0]))] if index else None
        battery.close(ours(*batch, places), theirs(*batch).double(), 1e-5)
        if index:
            ours.update(batch[0][:1], batch[1][:1], places[:1])
    battery.close(ours.compute(), theirs.compute().double(), 1e-5)
    assert ours.infinite == 0
    battery.close(
        metrics.PSNR(pooling="batch", eps=1e-3, data_range=2)(pred, target),
        F.psnr(pred, target, pooling="batch", eps=1e-3, data_range=2).double(),
        1e-6,
    )
    with pytest.raises(ValueError, match="keep_values must be False with pooling='batch'"):
        metrics.PSNR(pooling="batch", keep_values=True)


def gathering(other: metrics.ImageMetric) -> Callable[[Tensor, object], list[Tensor]]:
    """In place of a collective: one's own state and that of another process, which come in
    order.
    """
    waiting: list[Tensor] = []

    def gathered(state: Tensor, group: object) -> list[Tensor]:  # noqa: ARG001 - as it is called
        if not waiting:
            waiting.extend(getattr(other, name) for name in other._reductions if name != "rows")
            waiting.append(other._all_rows())
        return [state, waiting.pop(0)]

    return gathered


def test_pooled_psnr_of_several_processes(pair: tuple[Tensor, Tensor]) -> None:
    """One without an image takes part with rows of the same width."""
    for mine, index in itertools.product((5, 3), (False, True)):
        metric, other = metrics.PSNR(pooling="batch"), metrics.PSNR(pooling="batch")
        metric.update(pair[0][:mine], pair[1][:mine], [*range(mine)] if index else None)
        other.update(pair[0][mine:], pair[1][mine:], [*range(mine, 5)] if index else None)
        metric.sync(dist_sync_fn=gathering(other), distributed_available=lambda: True)
        value = type(metric).compute(metric)  # of the states as they are
        battery.close(value, F.psnr(*pair, pooling="batch").double(), 1e-6)


def test_in_a_collection_with_their_names(pair: tuple[Tensor, Tensor]) -> None:
    """``update(preds=..., target=...)`` reaches all of them; so do ``imgs`` and ``real``."""
    torchmetrics = pytest.importorskip("torchmetrics")
    pred, target = pair
    theirs = torchmetrics.image.PeakSignalNoiseRatio(data_range=1.0)
    ours = {"ours": metrics.PSNR(pooling="batch"), "loss": metrics.LossMetric(ssimloss.L1Loss())}
    collection = torchmetrics.MetricCollection({"theirs": theirs, **ours})
    collection.update(preds=pred[:2], target=target[:2])
    batch = collection(preds=pred[2:], target=target[2:])
    assert batch["ours"].item() == pytest.approx(batch["theirs"].item(), rel=1e-5)
    found = collection.compute()
    assert found["ours"].item() == pytest.approx(found["theirs"].item(), rel=1e-5)
    assert found["loss"].item() == pytest.approx(F.l1(pred, target).item(), rel=1e-5)
    metric = metrics.PSNR()
    metric.update(pred=pred, target=target)
    for arguments, message in (
        ({"preds": pred}, r"PSNR.update\(\) needs target"),
        ({"target": target}, r"PSNR.update\(\) needs pred"),
        ({"pred": pred, "preds": pred, "target": target}, "got both pred and preds"),
    ):
        with pytest.raises(TypeError, match=message):
            metric.update(**arguments)


def test_keyword_arguments_of_torchmetrics(pair: tuple[Tensor, Tensor]) -> None:
    """Of every class; where they decide something they do."""
    calls: list[int] = []

    def gathered(state: Tensor, group: object) -> list[Tensor]:  # noqa: ARG001
        calls.append(1)
        return [state, state]

    options = {
        "compute_on_cpu": True,
        "dist_sync_on_step": False,
        "dist_sync_fn": gathered,
        "distributed_available_fn": lambda: True,
        "sync_on_compute": False,
        "compute_with_cache": False,
    }
    similarity = {"network": "embedded", "layers": {"relu1_2": 1.0}}
    made = [getattr(metrics, name)(**options) for name in metric_classes()]
    made += [
        metrics.LPIPS("squeezenet1_1", weights="random", **options),
        metrics.DeepSimilarity(similarity["network"], layers=similarity["layers"], **options),
        metrics.LossMetric(ssimloss.L1Loss(), **options),
    ]
    assert len(made) > 12
    for metric in made:
        assert {name: getattr(metric, name) for name in options} == options
        with pytest.raises(TypeError, match="has no option 'sync_on_compte'; did you mean 'sync_"):
            type(metric)(
                sync_on_compte=True, **({"function": len} if "Loss" in str(metric) else {})
            )
    alone = made[-1]
    alone.update(*pair, [*range(5)])
    alone.compute()
    assert (calls, alone._computed) == ([], None)
    together = metrics.PSNR(dist_sync_fn=gathered, distributed_available_fn=lambda: True)
    together.update(*pair)
    together.compute()
    assert calls
    with pytest.raises(ValueError, match="sync_on_compute"):
        metrics.PSNR(sync_on_compute="yes")  # type: ignore[arg-type]


def test_each_step_may_be_that_of_all_processes(pair: tuple[Tensor, Tensor]) -> None:
    """``dist_sync_on_step``: the value of a batch counts the others' batches, and the epoch this
    process's own.
    """
    pred, target = pair
    other = metrics.SSIM()
    other.update(pred[3:], target[3:])
    metric = metrics.SSIM(
        dist_sync_on_step=True,
        sync_on_compute=False,
        dist_sync_fn=gathering(other),
        distributed_available_fn=lambda: True,
    )
    battery.close(metric(pred[:3], target[:3]), F.ssim(pred, target).double(), 1e-6)
    metric(pred[:1], target[:1])
    own = F.ssim(pred[[0, 1, 2, 0]], target[[0, 1, 2, 0]]).double()
    battery.close(metric.compute(), own, 1e-6)
    assert metric._counts is not None
    assert metric._counts[:, 0].tolist() == [4, 4]


def test_values_are_drawn(pair: tuple[Tensor, Tensor]) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    metric = metrics.SSIM()
    values = [metric(pair[0][i : i + 1], pair[1][i : i + 1]) for i in range(3)]
    figure, axes = metric.plot()
    assert axes.get_ylim()[0] < metric.compute().item() < axes.get_ylim()[1]
    _, again = metric.plot(values, ax=axes)
    assert again is axes
    assert (metrics.SSIM.plot_lower_bound, metrics.SSIM.plot_upper_bound) == (-1.0, 1.0)
    assert (metrics.L1.plot_lower_bound, metrics.L1.plot_upper_bound) == (0.0, None)
    matplotlib.pyplot.close("all")
    assert figure is not None


# --- values that are no number, and errors --------------------------------------------------------


def test_what_is_no_number_shows(pair: tuple[Tensor, Tensor]) -> None:
    spoilt = pair[0].clone()
    spoilt[1, 0, 9, 9] = math.nan
    for index in (None, [*range(5)]):
        metric = metrics.SSIM()
        metric.update(spoilt, pair[1], index)
        assert metric.compute().isnan()


def test_bad_arguments_are_named(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    mixed = metrics.PSNR()
    mixed.update(pred, target)
    mixed.update(pred, target, [*range(5)])
    empty = metrics.PSNR()
    empty.update(pred[:0], target[:0])
    wrong = [
        (RuntimeError, r"no image has been measured since the last reset\(\)", empty.compute),
        (ValueError, "index must be given in every update", mixed.compute),
        (
            ValueError,
            "index must have one integer for each of 5 images",
            lambda: metrics.PSNR().update(pred, target, [1]),
        ),
        (
            ValueError,
            "sigma must be left out with a protocol",
            lambda: metrics.SSIM(protocol=SuperResolutionProtocol(2), sigma=1.0),
        ),
        (ValueError, "data_range must span", lambda: metrics.PSNR(data_range=0)),
        (
            ValueError,
            "data_range must span",
            lambda: metrics.PSNR(protocol=SuperResolutionProtocol(2), data_range=0),
        ),
        (ValueError, "eps must not be negative", lambda: metrics.PSNR(eps=-1)),
        (ValueError, "window_size must be at least 1", lambda: metrics.SSIM(window_size=0)),
        (ValueError, "sigma must be positive", lambda: metrics.SSIM(sigma=-1)),
        (ValueError, "padding must be one of", lambda: metrics.SSIM(padding="foo")),  # type: ignore[arg-type]
        (ValueError, "covariance must be one of", lambda: metrics.GradientSSIM(covariance="foo")),  # type: ignore[arg-type]
        (ValueError, "min_size must be one of", lambda: metrics.MSSSIM(min_size="foo")),  # type: ignore[arg-type]
        (
            ValueError,
            "target must have the shape of pred",
            lambda: metrics.PSNR().update(pred, target[1:]),
        ),
        (
            ValueError,
            "target must have the shape of pred",
            lambda: metrics.LPIPS(weights="random").update(pred, target[1:]),
        ),
        (ValueError, "network must be one of 'alexnet'", lambda: metrics.LPIPS("vgg19")),
        (TypeError, "function must be callable", lambda: metrics.LossMetric(3)),  # type: ignore[arg-type]
        (
            ValueError,
            "function must return a scalar or one value for each image",
            lambda: metrics.LossMetric(torch.sub).update(pred, target),
        ),
    ]
    for error, message, call in wrong:
        with pytest.raises(error, match=message):
            call()


def test_without_torchmetrics_the_error_says_what_to_install() -> None:
    """And nothing else of the package needs it."""
    code = (
        "import sys; sys.modules['torchmetrics'] = None\n"
        "from ssimloss import metrics\nmetrics.Validator(['psnr'])\n"
        "try: metrics.PSNR\nexcept ModuleNotFoundError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert (
        run.stdout
        == "ssimloss.metrics.PSNR needs torchmetrics, which is not installed: pip install "
        "'ssimloss[metrics]'\n"
    )


def test_a_metric_is_told_from_the_loss_of_its_name() -> None:
    """It has no gradient: in place of the loss it would train nothing."""
    from torchmetrics import MetricCollection

    metric, loss = metrics.LPIPS(weights="random"), ssimloss.LPIPS(weights="random")
    assert repr(metric).startswith("metrics.LPIPS(")
    assert repr(loss).startswith("LPIPS(")
    assert "(a): metrics.SSIM(" in repr(MetricCollection({"a": metrics.SSIM()}))
    pred = torch.rand(1, 3, 64, 64, requires_grad=True)
    assert loss(pred, pred.detach() / 2).requires_grad
    assert not metric(pred, pred.detach() / 2).requires_grad
    for name in ("LPIPS", "DISTS"):
        documented = getattr(metrics, name).__doc__ or ""
        assert f"no gradient: train with :class:`ssimloss.{name}`" in documented
        assert f"metrics.{name}" in (getattr(ssimloss, name).__doc__ or "")
    with pytest.raises(
        TypeError, match=r"distance must have a gradient, .*metrics\.\w+\.LPIPS has none"
    ):
        ssimloss.CycleConsistencyLoss(distance=metric)
