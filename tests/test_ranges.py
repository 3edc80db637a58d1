"""Values of images against their data range: counted without waiting for the device, told once by
metrics, checked at once in ``ssimloss.debug()``.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import validation
from oldest import needs_torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

import ssimloss
import ssimloss.functional as F
from ssimloss import _debug, _ranges, color, metrics, video
from ssimloss import measure as measures

WITH_METRIC = [each.metric for each in measures.registered() if each.metric]


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """In [0, 1], but for predictions that overshoot a little and a black frame in both."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(6, 3, 32, 48, generator=generator)
    pred = target + 0.03 * torch.randn(target.shape, generator=generator)
    pred[0] = target[0] = 0
    return pred, target


@pytest.fixture(autouse=True)
def checks_are_off() -> Iterator[None]:
    assert not _debug.STATE.enabled
    yield
    _debug.STATE.enabled = False


# --- counting -------------------------------------------------------------------------------------


def test_counts_are_those_of_numpy(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = (image * 2 - 1 for image in pair)
    found = _ranges.count(pred, target, data_range=1.0)
    assert (found.shape, found.dtype) == ((2, 6), torch.float32)
    for row, image in zip(found.numpy(), (pred.numpy(), target.numpy()), strict=True):
        outside = (image < -0.1) | (image > 1.1)
        extents = image.reshape(6, -1)
        varied = np.ptp(extents, 1) > 0
        expected = [6, outside.mean() * 6, varied.sum(), 0, -image.min(), image.max()]
        np.testing.assert_allclose(row, expected, rtol=1e-5)
    narrow = _ranges.count(target, data_range=255)[0]
    assert narrow[2:4].tolist() == [5, 5]  # the black frame says nothing


def test_parts_add_up_and_nothing_is_nothing(pair: tuple[Tensor, Tensor]) -> None:
    whole = _ranges.count(*pair, data_range=1.0)
    parts = [_ranges.count(*(i[n : n + 2] for i in pair), data_range=1.0) for n in (0, 2, 4)]
    empty = _ranges.count(*(image[:0] for image in pair), data_range=1.0)
    assert torch.equal(empty, _ranges.nothing(2))
    torch.testing.assert_close(_ranges.add(empty, *parts), whole)
    torch.testing.assert_close(_ranges.combine(torch.stack([*parts, empty])), whole)
    assert _ranges.describe(empty, 1.0) == ""


def test_what_is_not_finite_or_masked_is_in_no_extreme(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = (image.clone() for image in pair)
    pred[1, 0, 3, 3], pred[2, 0, 3, 3] = math.nan, math.inf
    least, largest = _ranges.count(pred, data_range=1.0)[0, 4:].tolist()
    assert -0.2 < -least < largest < 1.2
    mask = torch.ones(6, 1, 32, 48)
    mask[..., :20] = 0
    target[..., :20] = -99
    whole = _ranges.count(target[..., 20:], data_range=1.0)
    torch.testing.assert_close(_ranges.count(target, data_range=1.0, mask=mask), whole)
    assert _ranges.describe(_ranges.count(pred, target, data_range=1.0), 1.0)
    assert not _ranges.describe(_ranges.count(pred, target, data_range=1.0, mask=mask), 1.0)


@pytest.mark.parametrize("shape", [(2, 3, 700, 500), (2, 400_000), (2, 1, 9, 300, 200), (300_000,)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_large_images_are_sampled(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    image = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    if len(shape) == 4:
        image = image.to(memory_format=layout)
    assert _ranges._sampled(image)[0].numel() <= 1.2 * _ranges._MOST
    outside = _ranges.count(image, data_range=(0, 0.5))[0]
    assert outside[1] / outside[0] == pytest.approx(0.45, abs=0.02)


def test_nothing_waits_for_the_device(pair: tuple[Tensor, Tensor]) -> None:
    """It also creates no 64-bit value, which Apple's GPUs do not support."""
    made: list[torch.dtype] = []

    class Watch(validation.Watch):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            found = super().__torch_dispatch__(func, types, args, kwargs)
            made.extend([found.dtype] if isinstance(found, Tensor) else [])
            return found

    with Watch() as watch:
        for mask in (None, torch.ones(6, 1, 32, 48)):
            counts = _ranges.count(*pair, data_range=(-1, 1), mask=mask)
            _ranges.add(_ranges.nothing(2), counts)
        assert watch.waits == []
        assert torch.float64 not in made
        counts.sum().item()
        assert watch.waits


@needs_torch(2, 7, "fake CUDA tensors ask for a driver")
def test_counts_stay_on_the_device() -> None:
    with FakeTensorMode(allow_non_fake_inputs=False):
        fake = torch.empty(4, 3, 256, 256, device="cuda", dtype=torch.float16)
        assert _ranges.add(_ranges.count(fake, fake, data_range=255)).device.type == "cuda"


@pytest.mark.parametrize(
    ("change", "data_range", "told"),
    [
        (lambda x: x, 1.0, ""),
        (lambda x: x * 255, 255, ""),
        (lambda x: x * 2 - 1, (-1, 1), ""),
        (lambda x: x * 255, 1.0, r"\d\d\.\d % of the pixels .* \[0, 1\], .*data_range=255$"),
        (lambda x: x, 255, r"100 % of the images use less .* \[0, 255\], .*data_range=1.0$"),
        (lambda x: x * 2 - 1, 1.0, r"% of the pixels lie outside .*data_range=\(-1.0, 1.0\)$"),
        (lambda x: x * 65535, 255, r"% of the pixels lie outside .*data_range=65535 \(16 bit\)$"),
        (lambda x: x / 255, 1.0, r"100 % of the images .*data_range=0.00392 .*once more\)$"),
        (lambda x: (x - 0.45) / 0.22, 1.0, "likely images normalised by a mean and a standard"),
        (lambda x: x * 3, 1.0, r"target: [56]\d\.?\d* % of .*, with values from 0 to 3$"),
    ],
)
def test_the_likely_range_is_told(
    change: Callable[[Tensor], Tensor], data_range: Any, told: str, pair: tuple[Tensor, Tensor]
) -> None:
    pred, target = map(change, pair)
    words = _ranges.describe(_ranges.count(pred, target, data_range=data_range), data_range)
    assert bool(words) == bool(told)
    assert re.search(told, words), words
    if told:
        assert words.startswith("pred: ")
        assert "; target: " in words


def test_a_network_that_is_not_trained_yet_is_no_wrong_range(pair: tuple[Tensor, Tensor]) -> None:
    """It returns nearly one colour, or anything; constant images say nothing either. One that fills
    another usual range is told, as of a last layer ``tanh``.
    """
    target, noise = pair[1], torch.randn(pair[1].shape, generator=torch.Generator().manual_seed(1))
    flat = torch.zeros_like(target)
    for pred in (flat + 0.5, 0.5 + 1e-3 * noise, 1e-3 * noise, noise, 0.1 * noise, 1 + 0.3 * noise):
        assert not _ranges.describe(_ranges.count(pred, target, data_range=1.0), 1.0)
    assert not _ranges.describe(_ranges.count(flat, flat, data_range=255), 255)
    for pred, told in ((2 * target - 1, r"\(-1.0, 1.0\)"), (255 * target + 10 * noise, "255")):
        words = _ranges.describe(_ranges.count(pred, target, data_range=1.0), 1.0)
        assert re.fullmatch(f"pred: [^;]*; likely data_range={told}", words), words
    words = _ranges.describe(_ranges.count(target, 255 * target, data_range=255), 255)
    assert re.fullmatch("pred: 100 % of the images [^;]*; likely data_range=1.0", words), words


# --- metrics --------------------------------------------------------------------------------------


def told_once(metric: Any, feed: Callable[[float, float], object], data_range: str) -> None:
    """It is silent for what fits, and warns once of what does not, naming the likely range."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        feed(1.0, 0.0)
        metric.compute()
    metric.reset()
    feed(2.0, -1.0)
    with pytest.warns(UserWarning, match=rf"% of the pixels .*data_range={data_range}.*; pass the"):
        metric.compute()
    feed(2.0, -1.0)
    metric.compute()
    metric.reset()
    feed(2.0, -1.0)
    metric.compute()


@pytest.mark.parametrize("index", [None, [*range(6)]])
def test_validator_tells_a_wrong_range_once(
    index: list[int] | None, pair: tuple[Tensor, Tensor]
) -> None:
    validator = metrics.Validator(["psnr", "ssim"], metrics.SuperResolutionProtocol(2))
    told_once(
        validator,
        lambda a, b: validator.update(*(a * image + b for image in pair), index),
        r"\(-1.0, 1.0\)",
    )
    fits = metrics.Validator(["psnr"], data_range=(-1, 1))
    fits.update(*(2 * image - 1 for image in pair))
    fits.compute()
    as_they_are = metrics.Validator({"l1": lambda p, t: (p - t).abs().mean((1, 2, 3))})
    as_they_are.update(*(255 * image for image in pair))
    as_they_are.compute()


def least_side(name: str) -> int:
    """Of images that a measure takes, at least 48 pixels."""
    short = name.lower().replace("_", "")
    least = {
        "msswd": 81,
        "msgmsd": 48,
        "ms": 192,
        "iwssim": 161,
        "ssimulacra2": 113,
        "cwssim": 64,
        "vifwavelet": 72,
    }
    return next((side for start, side in least.items() if short.startswith(start)), 48)


@pytest.mark.parametrize("name", [*WITH_METRIC, "LPIPS", "DeepSimilarity", "LossMetric", "measure"])
def test_metric_classes_tell_a_wrong_range_once(name: str, pair: tuple[Tensor, Tensor]) -> None:
    pytest.importorskip("torchmetrics")
    sides = 2 * (least_side(name),)
    large = [nn.functional.interpolate(image[:2], sides, mode="nearest") for image in pair]
    if name == "LossMetric":
        metric = metrics.LossMetric(ssimloss.GMSDLoss())
    elif name == "measure":
        metric = metrics.LossMetric(metrics.measure("ssim"))
    elif name == "LPIPS":
        metric = metrics.LPIPS("squeezenet1_1", weights="random")
    elif name == "DeepSimilarity":
        metric = metrics.DeepSimilarity("embedded", layers={"relu1_2": 1.0})
    else:
        metric = getattr(metrics, name)(**({"projections": 4} if name == "MSSWD" else {}))
        if "data_range" not in inspect.signature(type(metric)).parameters:
            metric.update(*(255 * image for image in large))
            metric.compute()
            return
    told_once(
        metric, lambda a, b: metric.update(*(a * image + b for image in large)), r"\(-1.0, 1.0\)"
    )


def test_inception_metrics_tell_a_wrong_range_once() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    metric = metrics.InceptionMetrics(["is"], network=network, head=nn.Linear(4, 5), splits=1)
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    told_once(metric, lambda a, b: metric.update(a * images + b, real=False), r"\(-1.0, 1.0\)")
    metric.reset()
    metric.update((255 * images).to(torch.uint8), real=False)
    metric.compute()


def test_a_criterion_that_is_read_rarely(pair: tuple[Tensor, Tensor]) -> None:
    """Several counts of one term wait for the first reading, as with ``log()`` every 500 steps."""
    criterion = ssimloss.CombinedLoss(ssim=ssimloss.SSIMLoss())
    for step in (0, 100, 200):
        criterion.step = step
        criterion(*(255 * image.requires_grad_() for image in pair))
    with pytest.warns(UserWarning, match="likely data_range=255"):
        assert criterion.last.step == 200


def test_counts_are_no_state(pair: tuple[Tensor, Tensor]) -> None:
    """So that neither checkpoints nor exchanges between processes change."""
    pytest.importorskip("torchmetrics")
    metric = metrics.SSIM()
    metric.update(*(255 * image for image in pair))
    assert metric.state_dict() == {}
    assert set(metric._defaults) == {"identity", "total", "count", "perfect", "rows", "lost"}
    again = metric.clone()
    metric.reset()
    metric.update(*pair)
    metric.compute()  # forgotten
    with pytest.warns(UserWarning, match="likely data_range=255"):
        again.compute()


# --- debug ----------------------------------------------------------------------------------------


def functions() -> dict[str, Callable[[], Callable[..., Tensor]]]:
    """What builds each that has a data range: functions, and modules of losses."""
    found: dict[str, Callable[[], Callable[..., Tensor]]] = {}
    for name in F.__all__:
        function = getattr(F, name)
        if name == "wavelet_guidance":
            continue  # of one image, which is checked where its luma is computed
        if inspect.isroutine(function) and "data_range" in inspect.signature(function).parameters:
            found[name] = functools.partial(getattr, F, name)
    for name in ssimloss.losses.__all__:
        parameters = inspect.signature(getattr(ssimloss, name)).parameters
        if "data_range" in parameters:
            found[name] = functools.partial(_built, name, parameters)
    return found


def _built(name: str, parameters: Any) -> nn.Module:
    options: dict[str, Any] = {"reduction": "mean"}
    if "network" in parameters and parameters["network"].default is not inspect.Parameter.empty:
        options |= {"network": "embedded"} if name not in ("LPIPS", "DISTS", "ADISTS") else {}
    elif "network" in parameters:
        return getattr(ssimloss, name)(nn.Conv2d(3, 4, 3))
    if name == "LPIPS":
        options = {"network": "squeezenet1_1", "weights": "random"}
    if "layers" in parameters and name not in ("LPIPS", "DISTS", "ADISTS"):
        options["layers"] = {"relu1_2": 1.0}
    if name in ("DISTS", "ADISTS"):
        options = {"weights": "random"}
    if name == "CycleConsistencyLoss":
        options["distance"] = "ssim"
    return getattr(ssimloss, name)(**options)


@pytest.mark.parametrize("name", functions())
def test_debug_checks_everything_that_has_a_range(name: str) -> None:
    function = functions()[name]()
    side = least_side(name)
    images = torch.rand(2, 1, 3, side, side, generator=torch.Generator().manual_seed(0))
    options = {"distance": "ssim"} if name == "cycle_consistency_loss" else {}
    function(*images, **options)
    function(*(255 * images), **options)  # without debug no value is read
    with ssimloss.debug():
        function(*images, **options)
        for wrong in ((255 * images[0], images[1]), (images[0], 255 * images[1])):
            which = "pred" if wrong[0].max() > 1 else "target"
            with pytest.raises(
                ValueError, match=rf"{which}: 99\.\d* % of .* likely data_range=255; pass the right"
            ):
                function(*wrong, **options)
        spoilt = images[0].clone()
        spoilt[0, 0, 3, 5] = math.nan
        with pytest.raises(ValueError, match="pred must be finite, got NaN or infinity in 1 of "):
            function(spoilt, images[1], **options)
    function(*(255 * images), **options)


def test_debug_checks_what_is_no_loss() -> None:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    extractor = ssimloss.networks.FeatureExtractor("embedded", ["relu1_2"])
    calls: list[Callable[[], object]] = [
        lambda: color.luma(255 * image),
        lambda: color.rgb_to_ycbcr(255 * image),
        lambda: color.ycbcr_to_rgb(255 * image),
        lambda: extractor(255 * image),
        lambda: metrics.measure("psnr", metrics.SuperResolutionProtocol(2))(image, 255 * image),
        lambda: metrics.protocol("plain").ssim(image, 255 * image),
        lambda: ssimloss.conventions.PSNR["basicsr"](image, image * 255, crop_border=2),
    ]
    luma = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with ssimloss.debug():
        for function in (video.vmaf, video.vmaf_features, video.vif, video.adm):
            function(255 * luma, 255 * luma)
            for wrong in ((255 * luma, luma), (luma, 255 * luma)):
                name = "distorted" if wrong[1] is luma else "reference"
                with pytest.raises(ValueError, match=f"{name}: 100 % of the images use less than"):
                    function(*wrong)
        with pytest.raises(ValueError, match=r"reference: .* likely data_range=1\.0"):
            video.motion(luma)
        for call in calls:
            with pytest.raises(ValueError, match="likely data_range=255"):
                call()
        with pytest.raises(ValueError, match=r"pred_features\[0\] must be finite"):
            F.lpips([image * math.inf], [image], heads=[torch.ones(3)])
        F.l1(255 * image, 255 * image)  # in the images' own units
        F.cycle_consistency_loss(2 * image - 1, 2 * image - 1)


def test_debug_is_a_switch_and_a_context() -> None:
    image = torch.rand(1, 1, 16, 16)

    def checks() -> bool:
        try:
            F.ssim(255 * image, 255 * image)
        except ValueError:
            return True
        return False

    assert not checks()
    ssimloss.debug()
    assert checks()
    with ssimloss.debug(False):
        assert not checks()
        with ssimloss.debug():
            assert checks()
        assert not checks()
    assert checks()
    ssimloss.debug(False)
    assert not checks()
    with pytest.raises(RuntimeError, match="planted"), ssimloss.debug():
        raise RuntimeError("planted")
    assert not checks()
    with pytest.raises(TypeError, match="enabled must be True or False"):
        ssimloss.debug(1)  # type: ignore[arg-type]


def test_debug_leaves_alone_what_it_cannot_read(pair: tuple[Tensor, Tensor]) -> None:
    """Masked pixels, and values that nobody has: of the compiler, of transforms, of meta tensors.
    A wrong mask is still an error of the loss.
    """
    pred, target = (image.clone() for image in pair)
    mask = torch.ones(6, 1, 32, 48)
    mask[..., :20] = 0
    pred[..., :20] = math.nan
    target[..., :20] = -99
    with ssimloss.debug():
        F.ssim(pred, target, mask=mask)
        ssimloss.PerceptualLoss("embedded", layers={"relu1_2": 1.0})(pred, target, mask=mask)
        with pytest.raises(ValueError, match="mask must have shape"):
            F.ssim(pair[0], pair[1], mask=mask[1:])
        F.ssim(pair[0].to("meta"), pair[1].to("meta"))
        torch.vmap(F.gmsd)(*(255 * image[None] for image in pair))
        compiled = torch.compile(lambda p, t: F.gmsd(p, t), backend="eager", fullgraph=True)
        compiled(*(255 * image for image in pair))
        with pytest.raises(TypeError, match="pred must be floating point"):
            F.ssim(pair[0].int(), pair[1].int())
