"""Measures by name: each equals the function, or the module, that it stands for; deep ones on
random weights; words and errors.
"""

from __future__ import annotations

import contextlib
import copy
import math
import pickle

import battery
import photographs
import pytest
import torch
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import conventions
from ssimloss._checks import TooSmallError
from ssimloss.metrics import MEASURES, ImageMeasure, SuperResolutionProtocol, measure, protocol
from ssimloss.metrics.measures import registered

DEEP = ("lpips", "lpips_vgg", "lpips_squeeze", "dists", "adists", "embedded")
SLOW = ("lpips_vgg", "dists", "adists", "ms_swd")  # VGG16, and 128 sorts of each pixel


@pytest.fixture(scope="module")
def deep() -> dict[str, ImageMeasure]:
    return {name: measure(name, weights="random") for name in DEEP}


def images(rows: int = 2, *, small: bool = False) -> tuple[Tensor, Tensor]:
    """Photographs, large enough for five scales unless they are small."""
    size = (96, 99) if small else (181, 193)
    pred, target = photographs.batch(*size, dtype=torch.float32)
    return pred[:rows], target[:rows]


def test_closed_forms_are_the_functions() -> None:
    pred, target = (image.double() for image in images())
    expected = {
        "psnr": F.psnr(pred, target, reduction="image"),
        "ssim": F.ssim(pred, target, reduction="image"),
        "ms_ssim": torch.cat(
            [
                conventions.MS_SSIM["wang2003"](p[None], t[None]).view(1)
                for p, t in zip(pred, target, strict=True)
            ]
        ),
        "ms_ssim_db": -10 * torch.log10(1 - F.ms_ssim(pred, target, reduction="image")),
        "g_ssim": F.gradient_ssim(pred, target, reduction="image"),
        "l1": F.l1(pred, target, reduction="image"),
    }
    for name, value in expected.items():
        # A protocol adds up the squared errors of a PSNR in another order.
        battery.close(measure(name)(pred, target), value, 1e-15 if name == "psnr" else 0)


@pytest.mark.usefixtures("one_thread")
def test_deep_measures_are_the_modules(deep: dict[str, ImageMeasure]) -> None:
    pred, target = images(small=True)
    modules = {
        "lpips": ssimloss.LPIPS(weights="random", reduction="image"),
        "lpips_vgg": ssimloss.LPIPS("vgg16", weights="random", reduction="image"),
        "lpips_squeeze": ssimloss.LPIPS("squeezenet1_1", weights="random", reduction="image"),
        "dists": ssimloss.DISTS(weights="random", reduction="image"),
        "adists": ssimloss.ADISTS(weights="random", reduction="image"),
    }
    for name, module in modules.items():
        value = deep[name](pred, target)
        assert value.dtype is torch.float64
        battery.close(value, module(pred, target), 1e-6)
    gray = deep["lpips"](pred[:, :1], target[:, :1])
    battery.close(
        gray,
        modules["lpips"](pred[:, :1].expand(-1, 3, -1, -1), target[:, :1].expand(-1, 3, -1, -1)),
        1e-6,
    )


def test_the_embedded_measure_is_the_distance_that_was_examined() -> None:
    """``1 - (l + s) / 2`` averaged over the channels of all layers; 0 for equal images; offline."""
    pred, target = images()
    extractor = ssimloss.networks.FeatureExtractor(
        "embedded", ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
    )
    unlike = []
    for x, y in zip(extractor(pred).values(), extractor(target).values(), strict=True):
        x, y = x.double(), y.double()
        mu_x, mu_y = x.mean((2, 3)), y.mean((2, 3))
        cov = ((x - mu_x[..., None, None]) * (y - mu_y[..., None, None])).mean((2, 3))
        var = x.var((2, 3), correction=0) + y.var((2, 3), correction=0)
        unlike.append(
            1
            - (
                (2 * mu_x * mu_y + 1e-6) / (mu_x**2 + mu_y**2 + 1e-6)
                + (2 * cov + 1e-6) / (var + 1e-6)
            )
            / 2
        )
    battery.close(measure("embedded")(pred, target), torch.cat(unlike, 1).mean(1), 1e-5)
    assert measure("embedded")(target, target).abs().max() <= 1e-7


def test_deep_measures_see_what_the_protocol_leaves_of_the_colours(
    deep: dict[str, ImageMeasure],
) -> None:
    pred, target = images(1)
    under = measure("embedded", SuperResolutionProtocol(4), weights="random")
    cut = [
        (image[..., 4:-4, 4:-4].double() * 255).round().div(255).float() for image in (pred, target)
    ]
    battery.close(
        under((pred * 2 - 1) + 0.001, target * 2 - 1, data_range=(-1, 1)),
        deep["embedded"](*cut),
        1e-6,
    )


@pytest.mark.parametrize("name", MEASURES)
def test_images_that_are_too_small_are_told_as_such(
    name: str, deep: dict[str, ImageMeasure]
) -> None:
    """By the type of the error, which ``evaluate`` asks for; others have values."""
    found = deep.get(name) or measure(name)
    for side in (1, 3, 5, 15):
        image = torch.rand(1, 3, side, side + 2)
        with contextlib.suppress(TooSmallError):
            assert found(image, image).shape == (1,)


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure(name: str, deep: dict[str, ImageMeasure]) -> None:
    """One float64 number per image without a graph, the same for each alone; NaN stays NaN; words;
    pickles; better where nearer.
    """
    found = deep.get(name) or measure(name)
    pred, target = images(small=name in SLOW)
    pred[0, :, 90, 90] = math.nan
    values = found(pred.requires_grad_(), target)
    assert (values.dtype, values.shape, values.requires_grad) == (torch.float64, (2,), False)
    assert values.isnan().tolist() == [True, False]
    pred = pred.detach()
    nearer = found((pred[1:] + target[1:]) / 2, target[1:])
    assert (nearer > values[1]) == found.higher_is_better
    alone = found(pred[1:], target[1:])
    battery.close(alone, values[1:], 1e-6 if name in DEEP else 0)
    with torch.inference_mode():
        battery.close(found(pred[1:], target[1:]), values[1:], 1e-6 if name in DEEP else 0)
    battery.close(
        found(pred[1:].half(), target[1:].half()),
        found(pred[1:].half().float(), target[1:].half().float()),
        0,
    )
    assert found.describe().startswith(found.title)
    assert found.to("cpu") is found
    for again in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        battery.close(again(pred[1:], target[1:]), alone, 0)
    if name in ("psnr", "ssim", "ms_ssim"):
        assert found.unit == ("dB" if name == "psnr" else "")


@pytest.mark.parametrize("name", [name for name in registered() if "vmaf" not in name])
@pytest.mark.usefixtures("one_thread")
def test_equal_images_are_perfect_far_beyond_the_range(name: str) -> None:
    """In float32 at 1e7 times the range, where products of squares overflow. A frame that stands
    still is not perfect by VMAF, which clamps its features.
    """
    found = registered()[name]
    options = found.record.make({"reduction": "image"}, name)
    image = images(1)[1]
    hard = ((torch.arange(181)[:, None] // 16 + torch.arange(193) // 16) % 2).expand_as(image)
    target = torch.cat((image, hard))
    pred = (1e7 * target).requires_grad_()
    value = found.evaluate((pred, 1e7 * target), options, {}, False)
    perfect = [found.perfect] * 2
    if found.perfect is None:  # as within the range
        perfect = found.evaluate((target, target), options, {}, False).tolist()
    assert value.tolist() == pytest.approx(perfect, abs=1e-6)
    value.sum().backward()
    assert pred.grad is not None
    assert pred.grad.isfinite().all()


KERNELS = [
    name for name, m in registered().items() if hasattr(m.record, "backend") and "vmaf" not in name
]


@pytest.mark.parametrize("name", KERNELS)
def test_equal_flat_blocks_are_perfect_without_a_kernel(name: str) -> None:
    """In float32, within the range and at 100 times it. There, the rounding errors of a covariance
    are as large as the constants that hold it.
    """
    found = registered()[name]
    options = found.record.make({"reduction": "image", "backend": "eager"}, name)
    side = 96 if name == "ms_swd" else 181  # it sorts each pixel 128 times
    hard = ((torch.arange(side)[:, None] // 16 + torch.arange(side) // 16) % 2).float()
    pair = torch.stack((hard, 100 * hard))[:, None].expand(-1, 3, -1, -1)
    value = found.evaluate((pair, pair.clone()), options, {}, False)
    perfect = [found.perfect] * 2
    if found.perfect is None:
        perfect = found.evaluate((pair.double(), pair.double()), options, {}, False).tolist()
    assert value.tolist() == pytest.approx(perfect, abs=1e-6)


@pytest.mark.parametrize("name", ["lpips", "dists", "embedded"])
def test_with_the_batch_networks_move_by_roundings_only(name: str) -> None:
    """On small images, which change most: 3e-6 of the value was measured (docs/metrics.md)."""
    pred, target = photographs.batch(64, 64, dtype=torch.float32)
    found = measure(name, weights="imagenet" if name == "embedded" else "random")
    alone = torch.cat([found(p[None], t[None]) for p, t in zip(pred, target, strict=True)])
    battery.close(found(pred, target), alone, 1e-5)


def test_the_embedded_measure_does_not_depend_on_threads() -> None:
    pred, target = images()
    found, threads = measure("embedded"), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = found(pred, target)
        for count in (2, 3):
            torch.set_num_threads(count)
            assert torch.equal(found(pred, target), expected)
    finally:
        torch.set_num_threads(threads)


def test_measures_share_what_is_prepared() -> None:
    pred, target = images(1)
    of, memory = protocol("basicsr", scale=4), {}
    for name in ("psnr", "ssim", "l1"):
        battery.close(
            measure(name, of)(pred, target, memory=memory), measure(name, of)(pred, target), 0
        )
    assert len(memory) == 1


def test_bad_arguments_are_named() -> None:
    with pytest.raises(
        ValueError,
        match=r"measure must be one of 'psnr', 'ssim', 'ms_ssim', .*'g_ssim', .*'lpips'",
    ):
        measure("fid")
    with pytest.raises(ValueError, match=r"protocol 'basicsr' needs scale, .*; scale=4 for x4"):
        measure("psnr", "basicsr")
    with pytest.raises(TypeError, match=r"protocol must be .*, got int 4; protocol="):
        measure("psnr", 4)  # type: ignore[arg-type]
    pred, target = (image[..., :40, :40] for image in images(1))
    with pytest.raises(ValueError, match=r"\(40, 40\) pixels are too small: 5 scales"):
        measure("ms_ssim")(pred, target)
    with pytest.raises(ValueError, match="target must have the shape of pred"):
        measure("l1")(pred, target[..., 1:])
