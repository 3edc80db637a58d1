"""Conventions as values: unpacked, called, described, and walked between. Against the original code
themselves: ``test_parity.py``.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import math
import pickle
import re
from pathlib import Path

import photographs
import pytest
import torch
from covering import one_word_at_a_time
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import conventions
from ssimloss.conventions import (
    CHARBONNIER,
    DSSIM,
    MS_SSIM,
    MS_SSIM_L1,
    PSNR,
    SSIM,
    TABLES,
    TOTAL_VARIATION,
    Convention,
    Table,
    describe,
    explain_difference,
    find,
)

DOCS = Path(__file__).parents[1] / "docs"
EVERY = [convention for table in TABLES.values() for convention in table.values()]


def by_name(convention: object) -> str:
    return convention.full_name if isinstance(convention, Convention) else str(convention)


def crops(side: int = 48, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Three unequal colour photographs, of the right half where none is equal to its copy; MS-SSIM
    needs 176 pixels.
    """
    pred, target = photographs.batch(176, 180, dtype)
    return pred[..., :side, -side - 4 :].clone(), target[..., :side, -side - 4 :].clone()


# What the least images of these measures need.
SIDES = {
    "MS_SSIM": 176,
    "IW_SSIM": 176,
    "SSIMULACRA2": 116,
    "CW_SSIM": 72,
    "VIF_WAVELET": 72,
    "MS_SWD": 84,
}


def fitting(convention: Convention) -> tuple[Tensor, ...]:
    pred, target = crops(SIDES.get(convention.table.key, 48))
    if convention.table.key == "MS_SWD":  # sorts each pixel 128 times
        pred, target = pred[1:], target[1:]
    return (pred, target) if convention.measure.takes_target else (pred,)


def border(convention: Convention) -> int | None:
    return 4 if convention.preparation.crop else None


# --- unpacked and called --------------------------------------------------------------------------


@pytest.mark.parametrize("convention", [c for c in EVERY if not c.must_be_called], ids=by_name)
def test_unpacks_into_its_function(convention: Convention) -> None:
    images = fitting(convention)
    assert torch.equal(convention.measure.score(*images, **convention), convention(*images))
    assert dict(convention) == dict(convention.options)
    assert len(convention) == len(convention.options)


@pytest.mark.parametrize("convention", [c for c in EVERY if c.must_be_called], ids=by_name)
def test_what_options_cannot_do_is_not_unpacked(convention: Convention) -> None:
    """Options alone would silently return another value."""
    for unpack in (
        lambda: F.ssim(*crops(), **convention),
        lambda: dict(convention),
        convention.keys,
        lambda: list(convention),
    ):
        with pytest.raises(
            TypeError,
            match=re.escape(
                f'call it: conventions.{convention.full_name.replace("/", "[" + chr(34))}"]('
            ),
        ):
            unpack()


@pytest.mark.parametrize("convention", EVERY, ids=by_name)
def test_debug_checks_the_images_of_every_convention(convention: Convention) -> None:
    pred, *target = fitting(convention)
    pred = pred.clone()
    pred[0, 0, 0, 0] = torch.nan
    options = {} if border(convention) is None else {"crop_border": border(convention)}
    with ssimloss.debug(), pytest.raises(ValueError, match="pred must be finite"):
        convention(pred, *target, **options)


def test_modules_take_conventions() -> None:
    pred, target = crops()
    options = SSIM["skimage"]
    assert torch.equal(
        ssimloss.SSIMLoss(**options)(pred, target), F.ssim_loss(pred, target, **options)
    )
    assert torch.equal(
        ssimloss.CharbonnierLoss(**CHARBONNIER["kornia"])(pred, target),
        CHARBONNIER["kornia"](pred, target),
    )
    assert torch.equal(
        ssimloss.TotalVariationLoss(**TOTAL_VARIATION["piq"])(pred), TOTAL_VARIATION["piq"](pred)
    )


# Tables without a metric class, and conventions that their metric class refuses.
NO_METRIC = {
    "MS_SSIM_L1": "a loss that mixes two quantities is no measure",
    "TOTAL_VARIATION": "a metric compares two images; some of these also set the reduction",
}


@pytest.mark.parametrize("convention", [c for c in EVERY if not c.must_be_called], ids=by_name)
def test_unpacks_into_its_metric_class(convention: Convention) -> None:
    """The metric over batches is the convention's own number of all images together."""
    pytest.importorskip("torchmetrics")
    assert (convention.measure.metric is None) is (convention.table.key in NO_METRIC)
    if convention.measure.metric is None:
        return
    metric = getattr(ssimloss.metrics, convention.measure.metric)
    pred, target = fitting(convention)
    found = metric(**convention)
    found.update(pred[:1], target[:1])
    found.update(pred[1:], target[1:])
    torch.testing.assert_close(found.compute(), convention(pred, target), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("convention", [c for c in EVERY if c.must_be_called], ids=by_name)
def test_what_does_not_unpack_is_a_metric_all_the_same(convention: Convention) -> None:
    """As the error message states."""
    pytest.importorskip("torchmetrics")
    metrics = ssimloss.metrics
    if not convention.measure.takes_target:
        return
    with pytest.raises(TypeError, match=r"as a metric: metrics.LossMetric\(functools.partial"):
        dict(**convention)
    cut = {"crop_border": border(convention)} if convention.preparation.crop else {}
    found = metrics.LossMetric(functools.partial(convention, reduction="image", **cut))
    pred, target = fitting(convention)
    found.update(pred[:1], target[:1])
    found.update(pred[1:], target[1:])
    expected = convention(pred, target, reduction="mean", **cut)
    torch.testing.assert_close(found.compute(), expected, atol=1e-12, rtol=1e-12)


def test_no_convention_sets_the_data_range() -> None:
    assert not any("data_range" in convention.options for convention in EVERY)


@pytest.mark.parametrize(
    "convention", one_word_at_a_time(c for c in EVERY if c.measure.takes_data_range)
)
def test_data_range_is_what_the_caller_says(convention: Convention) -> None:
    pred, target = fitting(convention)
    expected = convention(pred, target, crop_border=border(convention))
    for data_range, images in (
        (255.0, (pred * 255, target * 255)),
        ((-1.0, 1.0), (pred * 2 - 1, target * 2 - 1)),
    ):
        torch.testing.assert_close(
            convention(*images, data_range=data_range, crop_border=border(convention)),
            expected,
            atol=1e-9,
            rtol=1e-9,
        )


@pytest.mark.parametrize("convention", one_word_at_a_time(EVERY))
def test_one_number_per_image(convention: Convention) -> None:
    """``reduction="image"`` returns the value of each image alone; a pooled PSNR has one value
    only.
    """
    images = fitting(convention)
    found = convention(*images, crop_border=border(convention), reduction="image")
    if convention.state.get("pooling") == "batch" and convention.table.key == "PSNR":
        assert found.shape == ()
        return
    alone = [
        convention(*(image[i : i + 1] for image in images), crop_border=border(convention)).sum()
        for i in range(len(images[0]))
    ]
    torch.testing.assert_close(found, torch.stack(alone), atol=1e-12, rtol=1e-12)


def test_known_names_are_listed_for_an_unknown_one() -> None:
    with pytest.raises(KeyError, match="no convention 'matlab'; there are wang2004, matlab_wang"):
        SSIM["matlab"]
    assert "matlab" not in SSIM
    assert SSIM.get("matlab") is None


@pytest.mark.parametrize(
    "convention", [SSIM["basicsr"], DSSIM["kornia"], SSIM["skimage"]], ids=by_name
)
def test_copies_are_the_convention_itself(convention: Convention) -> None:
    assert pickle.loads(pickle.dumps(convention)) is convention
    assert copy.deepcopy(convention) is convention
    assert {convention: 1}[convention] == 1
    assert repr(convention) == f"<convention {convention.full_name}>"


def test_a_convention_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SSIM["skimage"].name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        SSIM["skimage"].options["sigma"] = 2.0  # type: ignore[index]


# --- tables ---------------------------------------------------------------------------------------


def test_a_new_table_is_an_attribute() -> None:
    """As the file of a new measure adds ``conventions.GMSD``, with no edit elsewhere."""
    capped = Convention("capped", "at most 40 dB", "none", options={"eps": 1e-4})
    with pytest.raises(ValueError, match="'capped' is in no table"):
        capped.full_name  # noqa: B018
    toy = Table("TOY", PSNR["skimage"].measure, PSNR["skimage"].table.attributes, capped)
    try:
        assert conventions.TOY is toy is TABLES["TOY"]
        assert "TOY" in conventions.__all__
        assert "TOY" in dir(conventions)
        pred, target = crops()
        assert toy["capped"](pred, target) == F.psnr(pred, target, eps=1e-4)
        assert find("capped") is toy["capped"]
        assert describe("TOY/capped").startswith("TOY/capped: PSNR, at most 40 dB")
        with pytest.raises(ValueError, match="'TOY' exists already"):
            Table("TOY", PSNR["skimage"].measure, ())
    finally:
        del TABLES["TOY"]
    with pytest.raises(AttributeError, match="no attribute 'TOY'"):
        conventions.TOY  # noqa: B018


def test_tables_are_copied_by_key() -> None:
    for key in ("SSIM", "CONTENT"):
        table = getattr(conventions, key)
        assert pickle.loads(pickle.dumps(table)) is copy.deepcopy(table) is table


def test_options_of_a_module_are_not_called() -> None:
    pred, target = crops()
    esrgan = conventions.CONTENT["esrgan"]
    assert isinstance(esrgan, conventions.FeatureConvention)
    assert find("CONTENT/esrgan") is esrgan
    assert not esrgan.must_be_called
    with pytest.raises(TypeError, match=r"use ssimloss.PerceptualLoss\(\*\*conventions.CONTENT"):
        esrgan(pred, target)
    with pytest.raises(ValueError, match="CONTENT/esrgan holds options of the module Perceptual"):
        explain_difference("CONTENT/esrgan", "CONTENT/srgan", pred, target)


# --- preparation ----------------------------------------------------------------------------------


def test_eight_bit_images_are_those_that_would_be_saved() -> None:
    """Clamp, times 255 in the images' own precision, round half to even; then the
    luma of the crop.
    """
    pred, target = crops(dtype=torch.float32)
    pred = pred * 1.2 - 0.1  # leaves [0, 1] at both ends
    codes = [torch.from_numpy((image.numpy().clip(0, 1) * 255).round()) for image in (pred, target)]
    saved = [image.double()[..., 3:-3, 3:-3] for image in codes]
    y = [(65.481 * i[:, :1] + 128.553 * i[:, 1:2] + 24.966 * i[:, 2:]) / 255 + 16 for i in saved]
    expected = 10 * torch.log10(255**2 / (y[0] - y[1]).square().mean((1, 2, 3))).mean()
    torch.testing.assert_close(
        PSNR["basicsr"](pred, target, crop_border=3), expected, atol=1e-10, rtol=0
    )
    expected = F.ssim(y[0], y[1], data_range=255.0)
    torch.testing.assert_close(
        SSIM["basicsr"](pred, target, crop_border=3), expected, atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_prepared_conventions_compute_in_float64(dtype: torch.dtype) -> None:
    pred, target = (image.to(dtype) for image in crops())
    value = SSIM["basicsr"](pred, target, crop_border=4)
    assert value.dtype is torch.float64
    assert value == SSIM["basicsr"](pred.float(), target.float(), crop_border=4)
    assert SSIM["skimage"](pred, target).dtype is torch.float32


def test_negative_structure_counts_as_zero() -> None:
    pred, target = (
        torch.rand(1, 1, 40, 40, dtype=torch.float64),
        torch.rand(1, 1, 40, 40, dtype=torch.float64),
    )
    codes = [torch.round(image * 255) / 255 for image in (pred, target)]
    expected = F.ssim_map(*codes, exponents=(1.0, 0.0, 0.0)) * F.ssim_map(
        *codes, exponents=(0.0, 1.0, 1.0)
    ).clamp(min=0)
    value = SSIM["pyiqa_rgb"](pred, target)
    torch.testing.assert_close(value, expected.mean(), atol=1e-12, rtol=0)
    assert value > F.ssim(pred, target) + 0.01
    multiscale = F.ms_ssim(*codes, scale_weights=(1.0,), negative="relu_map")
    torch.testing.assert_close(multiscale, expected.mean(), atol=1e-12, rtol=0)
    mask = torch.ones_like(pred)
    torch.testing.assert_close(
        F.ms_ssim(*codes, scale_weights=(1.0,), negative="relu_map", mask=mask),
        multiscale,
        atol=1e-12,
        rtol=0,
    )


def test_kornia_loss_is_half_of_ours() -> None:
    pred, target = crops()
    torch.testing.assert_close(
        DSSIM["kornia"](pred, target),
        F.ssim_loss(pred, target, padding="reflect") / 2,
        atol=1e-12,
        rtol=0,
    )


def test_a_luma_needs_rgb() -> None:
    pred, target = crops()
    with pytest.raises(
        ValueError,
        match=r"SSIM/basicsr takes the luma of RGB images.*use SSIM/basicsr_rgb, or.*expand",
    ):
        SSIM["basicsr"](pred[:, :1], target[:, :1], crop_border=4)
    with pytest.raises(ValueError, match=r"drop the alpha channel"):
        PSNR["piq_gray"](torch.rand(1, 4, 8, 8), torch.rand(1, 4, 8, 8))
    with pytest.raises(ValueError, match=r"PSNR/pyiqa_y takes the luma"):
        explain_difference("PSNR/pyiqa", "PSNR/pyiqa_y", pred[:, :1], target[:, :1])
    for convention in EVERY:
        assert (
            bool(convention.preparation.luma) <= bool(convention.gray)
            or convention.name
            in (
                "matlab_weighted_sum",
                "matlab_old",
                "korkmaz2024",
            )
            or convention.full_name == "MAD/matlab"
        )
        if convention.gray:
            assert TABLES[convention.table.key][convention.gray].preparation.luma is None


def test_the_border_is_cut_where_it_is_asked_for_and_nowhere_else() -> None:
    pred, target = crops()
    inside = (..., slice(5, -5), slice(5, -5))
    assert PSNR["basicsr_rgb"](pred, target, crop_border=5) == PSNR["basicsr_rgb"](
        pred[inside], target[inside], crop_border=0
    )
    with pytest.raises(TypeError, match=r"PSNR/basicsr cuts the border off and needs crop_border"):
        PSNR["basicsr"](pred, target)
    with pytest.raises(TypeError, match=r"SSIM/skimage cuts no border"):
        SSIM["skimage"](pred, target, crop_border=4)
    with pytest.raises(ValueError, match=r"crop_border=24 leaves nothing of images of \(48, 52\)"):
        PSNR["basicsr"](pred, target, crop_border=24)
    with pytest.raises(ValueError, match="crop_border must be at least 0"):
        PSNR["basicsr"](pred, target, crop_border=-1)


def test_arguments_a_measure_does_not_take() -> None:
    pred, target = crops()
    with pytest.raises(TypeError, match="target is missing"):
        SSIM["skimage"](pred)
    with pytest.raises(TypeError, match="looks at one image"):
        TOTAL_VARIATION["piq"](pred, target)
    with pytest.raises(TypeError, match="has no data_range"):
        CHARBONNIER["kornia"](pred, target, data_range=255.0)
    with pytest.raises(TypeError, match="pred must be floating point"):
        PSNR["basicsr"](pred.byte(), target.byte(), crop_border=4)
    with pytest.raises(ValueError, match="target must have the shape of pred"):
        PSNR["basicsr"](pred, target[:1], crop_border=4)


# --- gradient -------------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", one_word_at_a_time(EVERY))
def test_gradient_is_zero_through_rounding_and_alive_elsewhere(convention: Convention) -> None:
    pred, *target = fitting(convention)
    pred.requires_grad_()
    convention(pred, *target, crop_border=border(convention)).sum().backward()
    rounds = convention.preparation.quantize or convention.preparation.round
    assert pred.grad is not None
    assert pred.grad.isfinite().all()
    assert bool(pred.grad.any()) is not rounds
    assert (
        "for evaluation, not for training" in re.sub(r"\s+", " ", describe(convention))
    ) is rounds


# --- describe -------------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", EVERY, ids=by_name)
def test_description(convention: Convention) -> None:
    text = describe(convention.full_name)
    assert text == str(convention) == describe(convention)
    flat = re.sub(r"\s+", " ", text)
    for part in (
        convention.full_name,
        convention.program,
        convention.version,
        f"{convention.tolerance:g}",
        convention.exact,
        *convention.notes,
    ):
        assert part in flat
    assert max(len(line) for line in text.splitlines()) <= 110
    use = re.search(r"  use       (.*(?:\n {12}.*)*)", text)  # a long call is wrapped
    assert use
    images = fitting(convention)
    names = {"conventions": conventions, "functional": F, "pred": images[0], "target": images[-1]}
    assert torch.equal(eval(use[1], names), convention(*images, crop_border=border(convention)))


def test_what_is_computed_is_said() -> None:
    flat = re.sub(r"\s+", " ", describe("PSNR/basicsr"))
    words = [
        "clamp",
        "256 levels",
        "cut crop_border",
        "65.481 R + 128.553 G + 24.966 B + 16",
        "float64",
        "infinite for equal images",
        "mean",
    ]
    assert [flat.index(word) for word in words] == sorted(flat.index(word) for word in words)
    assert "N / (N - 1)" in describe("SSIM/skimage")
    assert "N / (N - 1)" not in describe("SSIM/wang2004")


def test_aliases_are_what_they_say() -> None:
    for convention in EVERY:
        if convention.same_as:
            same = TABLES[convention.table.key][convention.same_as]
            assert convention.state == same.state
            assert f"{convention.table.key}/{same.name}" in describe(convention)


def test_names() -> None:
    assert describe("skimage_gaussian") == describe("SSIM/skimage_gaussian")
    with pytest.raises(
        KeyError,
        match=r"several conventions are called 'basicsr': CHARBONNIER/basicsr, LDL/basicsr, "
        r"PSNR/basicsr, TOTAL_VARIATION/basicsr, SSIM/basicsr; name the one you mean",
    ):
        describe("basicsr")
    with pytest.raises(
        KeyError, match=r"no convention 'lpips'; there are AVERAGE/trainner.*, SSIM/wang2004"
    ):
        describe("lpips")
    with pytest.raises(
        KeyError, match=r"no measure 'LPIPS' in 'LPIPS/alex'; there are .*PSNR.*GRAM"
    ):
        describe("LPIPS/alex")
    with pytest.raises(KeyError, match=r"no convention 'nobody'; there are wang2004"):
        describe("SSIM/nobody")
    with pytest.raises(TypeError, match="named by a string"):
        describe(3)  # type: ignore[arg-type]


# --- explain_difference ---------------------------------------------------------------------------


@pytest.mark.parametrize("second", EVERY, ids=by_name)
def test_changes_add_up(second: Convention) -> None:
    """From the first convention of the table to each of the others; both ends equal the called
    conventions.
    """
    first = next(iter(TABLES[second.table.key].values()))
    images = fitting(second)
    crop = border(first) or border(second)
    found = explain_difference(first, second, *images, crop_border=crop)
    assert found.value_a == pytest.approx(
        first(*images, crop_border=border(first)).mean().item(), abs=1e-12
    )
    assert found.value_b == pytest.approx(
        second(*images, crop_border=border(second)).mean().item(), abs=1e-9
    )
    assert math.fsum(step.change for step in found.steps) == pytest.approx(
        found.difference, abs=1e-9
    )
    assert found.difference == found.value_b - found.value_a
    assert [step.value for step in found.steps][-1:] in ([found.value_b], [])
    assert all(step.before != step.after for step in found.steps)
    assert bool(found.steps) is (first.state != second.state)


def test_the_luma_of_papers_is_1_322_db_above_full_range() -> None:
    pred, target = crops()
    found = explain_difference("PSNR/pyiqa_y", PSNR["basicsr"], pred, target, crop_border=4)
    steps = {step.name: step for step in found.steps}
    assert list(steps) == ["clamp", "8-bit rounding", "crop", "luma", "eps"]
    assert steps["luma"].change == pytest.approx(20 * math.log10(255 / 219), abs=1e-4)
    assert (steps["luma"].before, steps["luma"].after) == (
        "Y, BT.601 full range",
        "Y, BT.601 studio range",
    )
    text = str(found)
    assert "PSNR, dB" in text
    assert "+1.3219" in text
    assert f"{found.value_b:.4f}" in text.splitlines()[-1]


def test_the_border_is_named() -> None:
    found = explain_difference("SSIM/wang2004", "SSIM/torchmetrics", *crops())
    (step,) = found.steps
    assert (step.name, step.before, step.after) == ("border", "whole windows only", "reflected")
    assert abs(step.change) > 1e-4


def test_pooling_over_the_batch_is_named() -> None:
    pred, target = crops()
    pred[0] = target[0] + 1e-4  # one image nearly perfect
    found = explain_difference("PSNR/skimage", "PSNR/torchmetrics", pred, target)
    (step,) = found.steps
    assert step.name == "pooling over the batch"
    assert step.change < -10


def test_definitions_that_are_one_have_no_steps() -> None:
    found = explain_difference("SSIM/wang2004", "SSIM/tensorflow", *crops())
    assert found.steps == ()
    assert found.difference == 0
    assert "the same definition" in str(found)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value_a = 0.0  # type: ignore[misc]


def test_equal_images() -> None:
    _, target = crops()
    found = explain_difference("PSNR/skimage", "PSNR/basicsr", target, target, crop_border=4)
    assert found.value_a == found.value_b == math.inf
    assert all(step.change == 0 for step in found.steps)
    assert "inf" in str(found)
    found = explain_difference("PSNR/piq", "PSNR/skimage", target, target)
    assert (found.value_a, found.value_b, found.difference) == (
        pytest.approx(80),
        math.inf,
        math.inf,
    )


def test_what_cannot_be_compared() -> None:
    pred, target = crops()
    with pytest.raises(
        ValueError, match="SSIM/basicsr and PSNR/basicsr are different measures, SSIM and PSNR"
    ):
        explain_difference("SSIM/basicsr", "PSNR/basicsr", pred, target, crop_border=4)
    with pytest.raises(TypeError, match="one of them cuts the border off and needs crop_border"):
        explain_difference("PSNR/skimage", "PSNR/basicsr", pred, target)
    with pytest.raises(TypeError, match="neither cuts the border"):
        explain_difference("PSNR/skimage", "PSNR/piq", pred, target, crop_border=4)
    with pytest.raises(KeyError, match="several conventions"):
        explain_difference("basicsr", "SSIM/piq", pred, target, crop_border=4)
    with pytest.raises(TypeError, match="target is missing"):
        explain_difference("PSNR/skimage", "PSNR/piq", pred)


def test_explaining_needs_no_gradient_and_no_float64() -> None:
    pred, target = crops(dtype=torch.float32)
    found = explain_difference(
        "MS_SSIM_L1/zhao2017", MS_SSIM_L1["kornia"], pred.requires_grad_(), target
    )
    assert [step.name for step in found.steps] == ["border", "alpha", "factor"]
    assert explain_difference("TOTAL_VARIATION/basicsr", "TOTAL_VARIATION/tensorflow", pred).steps


# --- the page -------------------------------------------------------------------------------------


def test_page_runs() -> None:
    """All blocks of the page in order, in one namespace."""
    blocks = re.findall(
        r"```python\n(.*?)```",
        (DOCS / "conventions.md").read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    assert len(blocks) > 3
    exec(compile("\n".join(blocks), "docs/conventions.md", "exec"), {})


def test_page_names_every_convention() -> None:
    text = (DOCS / "conventions.md").read_text(encoding="utf-8")
    missing = [c.full_name for c in EVERY if f"`{c.name}`" not in text]
    assert missing == []
    assert MS_SSIM["wang2003"].name in text
