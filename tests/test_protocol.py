"""Protocols: BasicSR's numbers, the NumPy reference, scikit-image, the conventions they are made
of; batches, sizes, dtypes, errors.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import battery
import numpy as np
import photographs
import pytest
import reference
import torch
from torch import Tensor

from ssimloss import conventions
from ssimloss.metrics import PROTOCOLS, SuperResolutionProtocol, in_buckets, protocol

BASICSR = json.loads((Path(__file__).parent / "goldens" / "basicsr.json").read_text())["values"]


def everything(name: str) -> dict[str, object]:
    return {"scale": 2} if name in ("basicsr", "basicsr_rgb", "edsr") else {}


def small(rows: int = 3, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Three photographs of 181x193 pixels."""
    pred, target = photographs.batch(181, 193, dtype=dtype)
    return pred[:rows], target[:rows]


# --- the numbers of BasicSR -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [row for row in BASICSR if row["options"]["crop_border"]],
    ids=lambda r: f"{r['case']}-{r['options']}",
)
def test_equals_basicsr(row: dict) -> None:
    """What the original code printed; its luma is float32, which moves less than a millionth."""
    border = row["options"]["crop_border"]
    luma = "bt601_studio" if row["options"]["test_y_channel"] else None
    of = SuperResolutionProtocol(min(border, 4), luma, border=border)
    function = of.psnr if row["quantity"] == "calculate_psnr" else of.ssim
    value = function(*photographs.tensors(row["case"], torch.float32))
    assert value.dtype is torch.float64
    assert abs(value.item() - row["value"]) <= 1e-6


@pytest.mark.parametrize(("case", "scale"), [("odd", 3), ("mixed", 2), ("mixed", 4)])
def test_equals_the_reference_on_odd_sizes(case: str, scale: int) -> None:
    of = protocol("basicsr", scale=scale)
    x, y = reference.super_resolution_pair(*photographs.case(case), crop_border=scale)
    images = photographs.tensors(case)
    battery.close(of.psnr(*images), reference.psnr(x, y, data_range=255.0), 1e-12)
    battery.close(of.ssim(*images), [reference.ssim(x, y, data_range=255.0)], 1e-11)
    expected = reference.ms_ssim(x, y, data_range=255.0, pooling="symmetric")
    battery.close(of.ms_ssim(*images), torch.as_tensor(expected).flatten(), 1e-11)


def test_a_planted_fault_is_found() -> None:
    """A border one pixel wider, another luma, or no rounding of an image that is not 8 bit: all
    beyond the tolerance.
    """
    images = photographs.tensors("odd")
    expected = next(
        r["value"]
        for r in BASICSR
        if r["case"] == "odd" and r["options"] == {"crop_border": 3, "test_y_channel": True}
    )
    assert abs(SuperResolutionProtocol(3).psnr(*images).item() - expected) <= 1e-6
    for wrong in (
        SuperResolutionProtocol(3, border=4),
        SuperResolutionProtocol(3, luma="bt601"),
        SuperResolutionProtocol(3, luma=None),
    ):
        assert abs(wrong.psnr(*images).item() - expected) > 1e-4
    pred = images[0] + 0.3 / 255
    assert SuperResolutionProtocol(3).psnr(pred, images[1]) == SuperResolutionProtocol(3).psnr(
        *images
    )
    assert SuperResolutionProtocol(3, quantize=False).psnr(
        pred, images[1]
    ) != SuperResolutionProtocol(3).psnr(*images)


# --- presets --------------------------------------------------------------------------------------


def test_presets_are_the_conventions_they_name() -> None:
    """A protocol adds up squared errors in another order."""
    pred, target = small()
    for name in ("pyiqa", "skimage"):
        of = protocol(name)
        battery.close(
            of.psnr(pred, target), conventions.PSNR[name](pred, target, reduction="image"), 1e-15
        )
        battery.close(
            of.ssim(pred, target), conventions.SSIM[name](pred, target, reduction="image"), 0
        )
    battery.close(
        protocol("pyiqa").ms_ssim(pred, target),
        conventions.MS_SSIM["pyiqa"](pred, target, reduction="image"),
        0,
    )
    for name, crop_border in (("basicsr", 3), ("basicsr_rgb", 3)):
        of = protocol(name, scale=3)
        battery.close(
            of.psnr(pred, target),
            conventions.PSNR[name](pred, target, crop_border=crop_border, reduction="image"),
            1e-15,
        )
        battery.close(
            of.ssim(pred, target),
            conventions.SSIM[name](pred, target, crop_border=crop_border, reduction="image"),
            0,
        )
    edsr = conventions.PSNR["basicsr_rgb"](pred, target, crop_border=9, reduction="image")
    battery.close(protocol("edsr", scale=3).psnr(pred, target), edsr, 1e-15)
    plain = protocol("plain")
    battery.close(
        plain.psnr(pred, target),
        conventions.PSNR["skimage"](pred, target, reduction="image"),
        1e-15,
    )
    battery.close(
        plain.ssim(pred, target), conventions.SSIM["wang2004"](pred, target, reduction="image"), 0
    )
    battery.close(
        plain.ms_ssim(pred, target),
        conventions.MS_SSIM["wang2003"](pred, target, reduction="image"),
        1e-15,
    )


def test_skimage_is_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    pred, target = small(2)
    pairs = [
        (p.permute(1, 2, 0).numpy(), t.permute(1, 2, 0).numpy())
        for p, t in zip(pred, target, strict=True)
    ]
    theirs = [metrics.structural_similarity(t, p, data_range=1.0, channel_axis=2) for p, t in pairs]
    battery.close(protocol("skimage").ssim(pred, target), theirs, 1e-12)
    theirs = [metrics.peak_signal_noise_ratio(t, p, data_range=1.0) for p, t in pairs]
    battery.close(protocol("skimage").psnr(pred, target), theirs, 1e-12)


def test_plain_psnr_is_that_of_torchmetrics_per_image() -> None:
    program = pytest.importorskip("torchmetrics.functional.image")
    pred, target = small()
    theirs = [
        program.peak_signal_noise_ratio(p[None], t[None], data_range=1.0)
        for p, t in zip(pred, target, strict=True)
    ]
    battery.close(protocol("plain").psnr(pred, target), torch.stack(theirs), 1e-7)


def test_protocols_are_listed_and_made() -> None:
    assert protocol("basicsr", scale=4) == SuperResolutionProtocol(4)
    assert protocol("edsr", scale=4) == SuperResolutionProtocol(4, luma=None, border=10)
    assert len({protocol(name, **everything(name)).describe() for name in PROTOCOLS}) == len(
        PROTOCOLS
    )


# --- gray, dtypes, ranges, batches ----------------------------------------------------------------


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_gray_image_is_its_own_luma(name: str) -> None:
    pred, target = (image[:, :1] for image in small(2))
    of = protocol(name, **everything(name))
    border = of.crop_border
    x, y = (
        image[..., border : image.shape[2] - border, border : image.shape[3] - border].numpy()
        for image in (pred, target)
    )
    if name in ("basicsr", "basicsr_rgb", "edsr"):
        x, y = (np.round(image * 255) / 255 for image in (x, y))
    eps = 1e-8 if name == "pyiqa" else 0
    battery.close(of.psnr(pred, target), torch.from_numpy(reference.psnr(x, y, eps=eps)), 1e-12)
    assert of.ssim(pred, target).shape == of.ms_ssim(pred, target).shape == (2,)


def test_rounding_is_in_the_precision_of_the_images() -> None:
    """As a program does that saves them: 0.5 / 255 in float32 is half a level there, and rounds to
    even.
    """
    pred = torch.full((1, 3, 20, 20), 0.5 / 255, dtype=torch.float32)
    prepared, _ = SuperResolutionProtocol(1, luma=None).prepare(pred, pred)
    assert (prepared * 255 == torch.from_numpy((pred.numpy() * 255).round())[..., 1:-1, 1:-1]).all()


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("data_range", [(-1.0, 1.0), 255.0, (0.25, 1.25)], ids=str)
def test_the_data_range_is_only_a_scale(name: str, data_range: float | tuple[float, float]) -> None:
    pred, target = small(2)
    low, high = data_range if isinstance(data_range, tuple) else (0.0, data_range)
    of = protocol(name, **everything(name))
    for function in (of.psnr, of.ssim, of.ms_ssim):
        there = function(
            *(low + (high - low) * image for image in (pred, target)), data_range=data_range
        )
        battery.close(there, function(pred, target), 1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_half_precision_is_computed_in_float64(dtype: torch.dtype) -> None:
    pred, target = (image.to(dtype) for image in small(2))
    for of in (protocol("plain"), protocol("basicsr", scale=4), protocol("pyiqa")):
        for function in (of.psnr, of.ssim, of.ms_ssim):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                value = function(pred, target)
            assert value.dtype is torch.float64
            battery.close(value, function(pred.float(), target.float()), 0)
            battery.close(
                value, function(pred.double(), target.double()), 1e-6 if of.crop_border else 0
            )


@pytest.mark.parametrize("backend", ["native library", "eager"])
def test_values_do_not_depend_on_the_batch_or_on_threads(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last digit: shards of any size add up to the same numbers. Large enough for threads to
    share one image.
    """
    if backend == "eager":
        from ssimloss.kernels import backends

        monkeypatch.setattr(backends, "AUTOMATIC", {})
    pred, target = small(2)
    threads = torch.get_num_threads()
    try:
        for of in (protocol("plain"), protocol("basicsr", scale=2), protocol("pyiqa")):
            for function in (of.psnr, of.ssim, of.ms_ssim):
                torch.set_num_threads(1)
                expected = function(pred, target)
                torch.set_num_threads(3)  # more threads than images
                assert torch.equal(function(pred, target), expected)
                alone = torch.cat(
                    [function(p[None], t[None]) for p, t in zip(pred, target, strict=True)]
                )
                assert torch.equal(alone, expected), (
                    of.title,
                    function.__name__,
                    (alone - expected).abs().max().item(),
                )
    finally:
        torch.set_num_threads(threads)


def test_no_graph_and_inference_mode() -> None:
    pred, target = small(1)
    of = protocol("basicsr", scale=4)
    assert not of.psnr(pred.requires_grad_(), target).requires_grad
    assert not of.prepare(pred, target)[0].requires_grad
    with torch.inference_mode():
        battery.close(of.ssim(pred.detach(), target), of.ssim(pred, target), 0)


def test_equal_images_and_numbers_that_are_none() -> None:
    _, target = small(2)
    assert protocol("basicsr", scale=4).psnr(target, target).tolist() == [math.inf] * 2
    battery.close(protocol("pyiqa").psnr(target, target), torch.full((2,), 80.0), 1e-9)
    spoiled = target.clone()
    spoiled[0, 0, 90, 90] = math.nan
    for name in PROTOCOLS:
        of = protocol(name, **everything(name))
        for function in (of.psnr, of.ssim, of.ms_ssim):
            assert function(spoiled, target).isnan().tolist() == [True, False], (
                name,
                function.__name__,
            )


def test_prepared_images_are_shared() -> None:
    pred, target = small(1)
    of, memory = protocol("basicsr", scale=4), {}
    for name in ("ssim", "psnr"):  # which reads the images themselves, and has the same digits
        battery.close(
            of.compute(name, pred, target, memory=memory), of.compute(name, pred, target), 0
        )
        assert len(memory) == 1
    of.prepared(pred, target, color=True, memory=memory)
    protocol("plain").compute("ssim", pred, target, memory=memory)
    assert len(memory) == 3


# --- mixed sizes ----------------------------------------------------------------------------------


def test_mixed_sizes_in_buckets() -> None:
    pred, target = (image[..., -60:, -70:] for image in small())
    preds = [pred[0], pred[1, :, :50], pred[2], pred[0, :, :50], pred[1]]
    targets = [target[0], target[1, :, :50], target[2], target[0, :, :50], target[1]]
    seen: list[int] = []

    def psnr(x: Tensor, y: Tensor) -> Tensor:
        seen.append(len(x))
        return protocol("plain").psnr(x, y)

    values = in_buckets(psnr, preds, targets, batch_size=2)
    battery.close(
        values,
        torch.cat(
            [protocol("plain").psnr(x[None], y[None]) for x, y in zip(preds, targets, strict=True)]
        ),
        0,
    )
    assert sorted(seen) == [1, 2, 2]
    assert in_buckets(psnr, [], []).shape == (0,)


# --- words and errors -----------------------------------------------------------------------------


def test_the_description_says_what_decides_the_number() -> None:
    text = protocol("basicsr", scale=3).describe()
    for words in (
        "x3",
        "round to 256 levels",
        "cut 3 pixels off every side",
        "65.481 R",
        "gray images are their own luma",
        "Gaussian 11, sigma 1.5",
    ):
        assert words in text
    assert "cut" not in SuperResolutionProtocol(2, border=0).describe()
    assert "luma of" not in protocol("edsr", scale=2).describe()
    assert "cut 8 pixels" in protocol("edsr", scale=2).describe()
    assert "round to 256" not in SuperResolutionProtocol(2, quantize=False).describe()


def test_bad_arguments_are_named() -> None:
    pred, target = (image[..., :40, :40] for image in small(1))
    of = protocol("basicsr", scale=4)
    wrong = [
        (ValueError, "protocol must be one of 'plain', 'basicsr'", lambda: protocol("matlab")),
        (ValueError, "protocol 'basicsr' needs scale", lambda: protocol("basicsr")),
        (
            ValueError,
            "scale must be left out for protocol 'plain', which crops no border",
            lambda: protocol("plain", scale=4),
        ),
        (TypeError, "scale must be an integer", lambda: protocol("edsr", scale="4")),  # type: ignore[arg-type]
        (ValueError, "scale must be at least 1", lambda: SuperResolutionProtocol(0)),
        (ValueError, "luma must be one of 'bt601_studio'", lambda: SuperResolutionProtocol(2, "y")),  # type: ignore[arg-type]
        (
            TypeError,
            "quantize must be True or False",
            lambda: SuperResolutionProtocol(2, quantize=1),
        ),  # type: ignore[arg-type]
        (ValueError, "border must be at least 0", lambda: SuperResolutionProtocol(2, border=-1)),
        (ValueError, "pred is gray and target in colour", lambda: of.psnr(pred[:, :1], target)),
        (ValueError, "target is gray and pred in colour", lambda: of.psnr(pred, target[:, :1])),
        (
            ValueError,
            "takes the luma of RGB images.*got 2 channels",
            lambda: of.psnr(pred[:, :2], target[:, :2]),
        ),
        (ValueError, "target must have the shape of pred", lambda: of.psnr(pred, target[..., 1:])),
        (TypeError, "pred must be floating point", lambda: of.psnr(pred.int(), target.int())),
        (TypeError, "both be floating point or both uint8", lambda: of.psnr(pred.byte(), target)),
        (
            ValueError,
            "crop_border=20 leaves nothing",
            lambda: SuperResolutionProtocol(20).psnr(pred, target),
        ),
        (ValueError, "too small: 5 scales", lambda: of.ms_ssim(pred, target)),
        (
            ValueError,
            r"preds\[1\] must be one image, a tensor \(C, H, W\)",
            lambda: in_buckets(of.psnr, [pred[0], pred], [target[0], target]),
        ),
        (
            ValueError,
            "targets must be as many as preds, 1, got 0",
            lambda: in_buckets(of.psnr, [pred[0]], []),
        ),
        (
            ValueError,
            r"targets\[0\] must have the shape",
            lambda: in_buckets(of.psnr, [pred[0]], [target[0, :, 1:]]),
        ),
    ]
    for error, message, call in wrong:
        with pytest.raises(error, match=message):
            call()
