"""The torchmetrics classes: equal to the functions and modules, in collections, with forward; several processes are in test_validator."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import battery
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


def cases() -> dict[str, tuple[Callable[[], metrics.ImageMetric], Callable[[Tensor, Tensor], Tensor], bool]]:
    """By name: the metric, the values it averages, whether higher is better."""
    options = {"window": "uniform", "window_size": 7, "covariance": "sample"}
    small = {"min_size": "fewer_scales", "pooling": "zeros"}
    layers = {"relu1_2": 1.0, "relu2_2": 0.5}
    similarity = ssimloss.DeepPerceptualSimilarity("embedded", layers=layers, distance="cosine", reduction="image")
    return {
        "psnr": (metrics.PSNR, lambda p, t: F.psnr(p, t, reduction="image"), True),
        "psnr eps": (
            lambda: metrics.PSNR(eps=1e-8, data_range=2),
            lambda p, t: F.psnr(p, t, eps=1e-8, data_range=2, reduction="image"),
            True,
        ),
        "psnr y": (lambda: metrics.PSNR(protocol=SuperResolutionProtocol(2)), SuperResolutionProtocol(2).psnr, True),
        "ssim": (lambda: metrics.SSIM(**options), lambda p, t: F.ssim(p, t, reduction="image", **options), True),
        "ms_ssim": (lambda: metrics.MSSSIM(**small), lambda p, t: F.ms_ssim(p, t, reduction="image", **small), True),
        "g_ssim": (metrics.GradientSSIM, lambda p, t: F.gradient_ssim(p, t, reduction="image"), True),
        "lpips": (lambda: metrics.LPIPS(weights="random"), ssimloss.LPIPS(weights="random", reduction="image"), False),
        "deep": (lambda: metrics.DeepSimilarity("embedded", layers=layers, distance="cosine"), similarity, False),
        "a mean": (lambda: metrics.LossMetric(ssimloss.SSIMLoss()), ssimloss.SSIMLoss(reduction="image"), False),
        "images": (lambda: metrics.LossMetric(ssimloss.L1Loss(reduction="image")), ssimloss.L1Loss(reduction="image"), False),
        "measure": (lambda: metrics.LossMetric(measure("g_ssim"), higher_is_better=True), measure("g_ssim"), True),
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
    battery.close(metric.compute(), function(pred[:2].half().float(), target[:2].half().float()).double().mean(), 1e-6)


def test_dists(pair: tuple[Tensor, Tensor]) -> None:
    metric = metrics.DISTS(weights="random", data_range=(-1, 1))
    metric.update(pair[0][:2] * 2 - 1, pair[1][:2] * 2 - 1)
    battery.close(metric.compute(), ssimloss.DISTS(weights="random")(pair[0][:2], pair[1][:2]), 1e-5)


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
    """Two measures whose first values are equal (1, of equal images) are not taken for one; two of the same may share."""
    torchmetrics = pytest.importorskip("torchmetrics")
    pred, target = pair
    collection = torchmetrics.MetricCollection(
        {"ssim": metrics.SSIM(), "uniform": metrics.SSIM(window="uniform"), "again": metrics.SSIM(), "psnr": metrics.PSNR(eps=1e-8)}
    )
    collection.update(target, target)
    assert sorted(map(sorted, collection.compute_groups.values())) == [["again", "ssim"], ["psnr"], ["uniform"]]
    collection.update(pred, target, index=None)
    found = collection.compute()
    for name, options in (("ssim", {}), ("again", {}), ("uniform", {"window": "uniform"})):
        battery.close(found[name], (1 + F.ssim(pred, target, **options)) / 2, 1e-7)
    assert collection.clone(prefix="val_")(pred, target).keys() == {"val_ssim", "val_uniform", "val_again", "val_psnr"}


def test_forward_is_the_batch_and_counts(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    metric = metrics.PSNR()
    for some in ([0, 1, 2], [3, 4]):
        battery.close(metric(pred[some], target[some]), F.psnr(pred[some], target[some]).double(), 1e-6)
    battery.close(metric.compute(), F.psnr(pred, target).double(), 1e-6)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda metric: pickle.loads(pickle.dumps(metric)), lambda metric: metric.clone()])
def test_copies_go_on(copied: Callable[[metrics.ImageMetric], metrics.ImageMetric], pair: tuple[Tensor, Tensor]) -> None:
    metric = metrics.SSIM()
    metric.update(pair[0][:2], pair[1][:2], [0, 1])
    again = copied(metric)
    again.update(pair[0][2:], pair[1][2:], [2, 3, 4])
    battery.close(again.compute(), F.ssim(*pair), 1e-6)
    assert metric.state_dict() == {}


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
        (ValueError, "index must have one integer for each of 5 images", lambda: metrics.PSNR().update(pred, target, [1])),
        (ValueError, "sigma must be left out with a protocol", lambda: metrics.SSIM(protocol=SuperResolutionProtocol(2), sigma=1.0)),
        (ValueError, "data_range must span", lambda: metrics.PSNR(data_range=0)),
        (ValueError, "target must have the shape of pred", lambda: metrics.PSNR().update(pred, target[1:])),
        (ValueError, "target must have the shape of pred", lambda: metrics.LPIPS(weights="random").update(pred, target[1:])),
        (ValueError, "network must be one of 'alexnet'", lambda: metrics.LPIPS("vgg19")),
        (TypeError, "function must be callable", lambda: metrics.LossMetric(3)),  # type: ignore[arg-type]
        (
            ValueError,
            "function must give a scalar or one number for each image",
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
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert run.stdout == "ssimloss.metrics.PSNR needs torchmetrics, which is not installed: pip install 'ssimloss[metrics]'\n"
