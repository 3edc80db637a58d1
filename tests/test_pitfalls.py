"""Reports of users of SSIM libraries, one test per report, named after the symptom, with the
project and issue number. Where the fault can be shown in a released library, the test does so: this
shows that its inputs would have found it.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable

import photographs
import pytest
import torch
import torch.nn.functional as torch_functional
from battery import close, differentiate, hole, pictures
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss.kernels import why_not

Loss = Callable[..., Tensor]

DOCUMENTED = ssimloss.SSIMLoss.__doc__ or ""
MS_SSIM = functools.partial(F.ms_ssim_loss, min_size="fewer_scales")
LOSSES: dict[str, Loss] = {
    "ssim": F.ssim_loss,
    "ms_ssim": MS_SSIM,
    "ms_ssim_l1": functools.partial(F.ms_ssim_l1_loss, window_size=11, sigmas=(0.5, 1.0, 1.5)),
    "gradient_ssim": F.gradient_ssim_loss,
    "structure_correlation": F.structure_correlation_loss,
}
every_loss = pytest.mark.parametrize("name", LOSSES)


pytestmark = pytest.mark.usefixtures("one_thread")


def photo(side: int = 64) -> Tensor:
    return photographs.tensors("odd", torch.float32)[1][..., :side, :side].contiguous()


def dead_channels(loss: Loss, pred: Tensor, target: Tensor) -> int:
    """How many planes are left without any gradient."""
    _, gradient = differentiate(loss, pred, target)
    assert gradient.isfinite().all()
    return int((gradient.abs().amax((2, 3)) == 0).sum())


# --- NaN and dead gradients -----------------------------------------------------------------------


@pytest.mark.parametrize("negative", ["clamp", "relu", "relu_map", "shift"])
def test_ms_ssim_turns_nan(negative: str) -> None:
    """pytorch-msssim 7, 16; tensorflow 50400, 57353: a negative contrast term to a fractional
    power, and the infinite slope at 0.
    """
    target = photo()
    flat = torch.full_like(target, 0.3)
    for pred in (
        1 - target,
        flat,
        target.clone(),
        torch.zeros_like(target),
        torch.rand(target.shape),
        flat + 1e-6 * (0.5 - target),
    ):
        for pair in ((pred, target), (target, pred), (pred, pred.clone())):
            value, gradient = differentiate(MS_SSIM, *pair, negative=negative)
            assert value.isfinite()
            assert gradient.isfinite().all()


def test_ms_ssim_stops_training() -> None:
    """One-sixth/ms_ssim_pytorch 3: a negative term set to 0 takes its whole channel along. White
    noise is where a network begins.
    """
    pytorch_msssim = pytest.importorskip("pytorch_msssim")
    generator = torch.Generator().manual_seed(0)
    smooth = torch_functional.interpolate(
        torch.rand(4, 3, 3, 3, generator=generator), size=192, mode="bicubic"
    ).clamp(0, 1)
    noise = torch.rand(4, 3, 192, 192, generator=generator)
    assert dead_channels(F.ms_ssim_loss, noise, smooth) == 0
    assert dead_channels(functools.partial(F.ms_ssim_loss, channels="joint"), noise, smooth) == 0
    theirs = functools.partial(pytorch_msssim.ms_ssim, data_range=1.0)
    assert dead_channels(theirs, noise, smooth) == 3, (
        "of 12: the inputs do not show the fault any more"
    )
    assert dead_channels(functools.partial(F.ms_ssim_loss, negative="relu"), noise, smooth) == 3, (
        "as asked for by name"
    )

    # Descent from there reaches all channels; with the others the dead ones stay noise.
    pred = noise.clone().requires_grad_()
    optimizer = torch.optim.Adam([pred], lr=0.05)
    before = F.ms_ssim(pred, smooth, reduction="none").detach()
    for _ in range(4):
        optimizer.zero_grad()
        F.ms_ssim_loss(pred, smooth).backward()
        optimizer.step()
    assert (F.ms_ssim(pred, smooth, reduction="none") > before).all()


@every_loss
def test_gradient_nan_on_flat_images(name: str) -> None:
    """piq 308 (GMSD): the root of a zero variance or gradient."""
    flat, image = torch.full((1, 3, 40, 40), 0.5), photo(40)
    half_flat = torch.where(torch.arange(40) < 20, image, flat)
    for pred, target in (
        (flat, flat.clone()),
        (flat, image),
        (image, flat),
        (half_flat, half_flat.flip(3)),
        (flat * 0, flat * 0 + 1),
    ):
        value, gradient = differentiate(LOSSES[name], pred, target)
        assert value.isfinite()
        assert gradient.isfinite().all()


def test_psnr_of_equal_images_poisons_the_batch() -> None:
    """The logarithm of 0: infinite as it should be, but no NaN in the gradient of the
    other images.
    """
    pred, target = pictures()
    pred[0] = target[0]
    pred.requires_grad_()
    values = F.psnr(pred, target, reduction="image")
    assert values[0] == math.inf
    (gradient,) = torch.autograd.grad(values[1:].sum() + values[0], pred)
    assert (gradient[0] == 0).all()
    assert gradient.isfinite().all()
    assert (gradient[1:].abs().amax((1, 2, 3)) > 0).all()


@every_loss
def test_gradient_to_the_second_image_is_silently_none(name: str) -> None:
    """fused-ssim: not implemented, not said. Both images may ask, as in cycle consistency."""
    pred, target = (image.requires_grad_() for image in pictures())
    gradients = torch.autograd.grad(LOSSES[name](pred, target), (pred, target))
    assert all(gradient.norm() > 0 for gradient in gradients)
    swapped = torch.autograd.grad(LOSSES[name](target, pred), (target, pred))
    close(gradients[0], swapped[1], 1e-9)


# --- impossible numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_ssim_of_053_or_110_in_half_precision(dtype: torch.dtype) -> None:
    """pytorch-msssim 17, 45; torchmetrics 1453: E[x^2] - E[x]^2 in half. See
    ``test_half_precision`` for the other libraries.
    """
    flat = 0.9 + 0.002 * torch.randn(1, 3, 64, 64)
    pred, target = (flat + 1e-3 * torch.rand(flat.shape)).to(dtype), flat.to(dtype)
    exact = F.ssim(pred.double(), target.double())
    assert exact > 0.99
    assert abs(F.ssim(pred, target).double() - exact) < 1e-5
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert abs(F.ssim(pred, target).double() - exact) < 1e-5


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_ssim_above_1_or_at_minus_100(level: float) -> None:
    """fused-ssim PR 37; Po-Hsun-Su/pytorch-ssim 33: variances below 0 from cancellation, on flat
    regions in float32.
    """
    faint = 1e-4 * torch.randn(2, 3, 48, 48)
    for pred, target in (
        (level + faint, level + faint.roll(1, 3)),
        (level + faint, level + faint),
        (level + 0 * faint, level + faint),
    ):
        for function in (
            F.ssim_map,
            functools.partial(F.ssim_map, padding="zeros"),
            functools.partial(F.ssim_map, exponents=(1, 1, 0.5)),
        ):
            values = function(pred, target)
            # A variance off by float32 rounding of values up to 1, over C2 = 9e-4.
            assert values.max() <= 1 + 1e-4
            assert values.min() >= 0.9
    # Bright beside dark: the mean of the plane is far from both.
    step = torch.where(torch.arange(48) < 24, 0.0, 1.0) + faint
    values = F.ssim_map(step, step.roll(1, 2))
    assert values.max() <= 1 + 1e-4
    assert values.min() > 0.5


@pytest.mark.parametrize("bits", [torch.float16, torch.bfloat16], ids=str)
def test_map_in_half_precision_stays_below_1(bits: torch.dtype) -> None:
    target = photo().to(bits)
    assert F.ssim_map(target, target).max() <= 1
    assert F.ms_ssim(target, target, min_size="fewer_scales", reduction="none").max() <= 1


# --- sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [128, 64, 32])
def test_ms_ssim_refuses_128x128_crops(side: int) -> None:
    """pytorch-msssim 2, 13, 28, 40: five scales of an 11 tap window need 176 pixels (161 with
    padding). The message has the way out.
    """
    target = photo(128)[..., :side, :side]
    pred = (target + 0.1 * torch.rand(target.shape)).requires_grad_()
    with pytest.raises(
        ValueError,
        match=rf"\({side}, {side}\) pixels are too small.*at least 176.*min_size='fewer_scales'",
    ):
        F.ms_ssim_loss(pred, target)
    loss = ssimloss.MSSSIMLoss(min_size="fewer_scales")(pred, target)
    loss.backward()
    assert 0 < loss < 1
    assert (pred.grad.abs().amax((2, 3)) > 0).all()


def test_small_image_silently_changes_the_definition() -> None:
    """A smaller window or another border only ever by its name."""
    small = torch.rand(1, 3, 8, 8)
    for function in (F.ssim, F.gradient_ssim, F.structure_correlation, F.ms_ssim_l1_loss):
        with pytest.raises(ValueError, match="window_size"):
            function(small, small)


# --- ranges ---------------------------------------------------------------------------------------


@every_loss
def test_data_range_is_guessed(name: str) -> None:
    """scikit-image PR 6595; pytorch-msssim 8, 14; LlamaGen 72: default 255, or the largest value of
    the batch.
    """
    function = LOSSES[name].func if isinstance(LOSSES[name], functools.partial) else LOSSES[name]
    assert inspect.signature(function).parameters["data_range"].default == 1.0
    assert inspect.signature(F.psnr).parameters["data_range"].default == 1.0
    pred, target = pictures()
    # A dark batch, or one image with a bright pixel beside it, changes nothing for the others.
    alone = LOSSES[name](pred[:1] * 0.3, target[:1] * 0.3)
    beside = [torch.cat((image[:1] * 0.3, image[1:2] * 200)) for image in (pred, target)]
    close(LOSSES[name](*beside, reduction="image")[0], alone)
    if name != "structure_correlation":  # which has no constants
        assert abs(LOSSES[name](pred * 255, target * 255) - LOSSES[name](pred, target)) > 1e-4
        close(LOSSES[name](pred * 255, target * 255, data_range=255), LOSSES[name](pred, target))


@every_loss
def test_images_from_minus_1_to_1(name: str) -> None:
    """piq 235, piqa 30: SSIM is not shift invariant; tanh outputs say so."""
    pred, target = pictures()
    expected = LOSSES[name](pred, target)
    close(LOSSES[name](pred * 2 - 1, target * 2 - 1, data_range=(-1, 1)), expected)
    if name in ("ssim", "gradient_ssim"):
        assert abs(LOSSES[name](pred * 2 - 1, target * 2 - 1, data_range=2.0) - expected) > 1e-3


@every_loss
def test_training_killed_by_an_output_of_1_0001(name: str) -> None:
    """piqa 19, torchmetrics 1592: an assertion on values, which costs a synchronisation besides."""
    target = photo()
    for excess in (1e-4, 0.5, 100.0):
        pred = (target + excess * (2 * torch.rand(target.shape) - 1)).requires_grad_()
        loss = LOSSES[name](pred, target)
        loss.backward()
        assert loss.isfinite()
        assert pred.grad.isfinite().all()


def test_image_goes_grey_under_ssim_alone() -> None:
    """pytorch-msssim 26: a bright image whose colours are off by 3 % costs SSIM next to nothing.
    The mix with L1 charges for it.
    """
    target = 0.6 + 0.4 * photo()
    cast = target - torch.tensor([0.05, 0.0, -0.05]).view(1, 3, 1, 1)
    blurred = torch_functional.avg_pool2d(
        torch_functional.pad(target, [1] * 4, mode="replicate"), 3, 1
    )
    assert F.ssim_loss(cast, target) < 0.003
    assert F.ssim_loss(cast, target) < 0.04 * F.ssim_loss(blurred, target)
    assert F.ms_ssim_l1_loss(cast, target) > 0.16 * 0.9 * F.l1_loss(cast, target)
    assert F.ms_ssim_l1_loss(cast, target) > 3 * F.ssim_loss(cast, target)
    # The documentation says so, and names a loss that charges for it.
    said = re.search(r"hardly constrains brightness and colou?r.*?:class:`(\w+)`", DOCUMENTED, re.S)
    assert said is not None, DOCUMENTED
    assert getattr(ssimloss, said[1])()(cast, target) > 3 * ssimloss.SSIMLoss()(cast, target)


# --- definitions ----------------------------------------------------------------------------------


def test_differs_from_scikit_image() -> None:
    """pytorch-msssim 23, 30; piq 39; SeeSR 60; Restormer 55: every difference is an option.
    ``test_parity`` has the whole list.
    """
    metrics = pytest.importorskip("skimage.metrics")
    x, y = (image[0].numpy() for image in photographs.tensors("gray"))
    pred, target = photographs.tensors("gray")
    theirs = metrics.structural_similarity(
        x,
        y,
        channel_axis=0,
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    close(F.ssim(pred, target), theirs, 1e-12)
    default = metrics.structural_similarity(x, y, channel_axis=0, data_range=1)
    close(
        F.ssim(pred, target, window="uniform", window_size=7, covariance="sample"), default, 1e-12
    )
    assert abs(theirs - default) > 1e-3


@every_loss
def test_masks(name: str) -> None:
    """pytorch-msssim 50, PR 53; kornia 3575: masking before the convolution sees an edge that is
    not there, masking after sees the hole.
    """
    pred, target = pictures()
    mask = hole(pred.shape)
    value, gradient = differentiate(LOSSES[name], pred, target, mask=mask)
    for garbage in (0.0, 1.0, math.nan):
        spoilt = [image.masked_fill(~mask, garbage) for image in (pred, target)]
        found = differentiate(LOSSES[name], *spoilt, mask=mask)
        close(found[0], value, 0)
        close(found[1], gradient, 0)
    before = LOSSES[name](pred * mask, target * mask)
    assert abs(value - before) > 1e-5


@every_loss
def test_no_map_and_no_value_per_image(name: str) -> None:
    """fused-ssim 12; pytorch-msssim 29: a scalar only."""
    pred, target = pictures()
    images = LOSSES[name](pred, target, reduction="image")
    unreduced = LOSSES[name](pred, target, reduction="none")
    assert images.shape == (3,)
    assert unreduced.shape[:2] == (3, 3)
    assert unreduced.ndim == (2 if name == "ms_ssim" else 4)
    close(unreduced.flatten(1).mean(1), images)
    assert images.unique().numel() == 3


def test_sum_of_a_loss_is_one_minus_the_sum_of_scores() -> None:
    """The loss of each element, then the sum."""
    pred, target = pictures()
    scores = F.ssim_map(pred, target)
    close(F.ssim_loss(pred, target, reduction="sum"), (1 - scores).sum(), 1e-11)


def test_psnr_depends_on_the_batch_size() -> None:
    """piq 281; pytorch/examples 522: the logarithm of the batch's mean error. Pooling is there by
    its name.
    """
    pred, target = pictures()
    pred[1] = target[1] + 0.3 * (pred[1] - target[1])
    singles = torch.stack([F.psnr(pred[i : i + 1], target[i : i + 1]) for i in range(3)])
    close(F.psnr(pred, target), singles.mean())
    close(F.psnr(pred, target, reduction="image"), singles)
    pooled = F.psnr(pred, target, pooling="batch")
    close(pooled, -10 * torch.log10((pred - target).square().mean()))
    assert singles.mean() - pooled > 0.5


# --- cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ssim", "ms_ssim"])
def test_out_of_memory_in_training(name: str) -> None:
    """kornia 1850; PL4NN 5; MONAI 1127: five full maps kept for backward. Kept here: the images and
    the gradient of the one that asks.
    """
    pred, target = torch.rand(1, 3, 128, 128, requires_grad=True), torch.rand(1, 3, 128, 128)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = LOSSES[name](pred, target)
        # MS-SSIM has a pyramid, a third more.
        assert sum(kept.values()) / (pred.numel() * 4) < (3.1 if name == "ssim" else 4.3)
        loss.backward()


def test_needs_a_compiler_to_install() -> None:
    """fused-ssim 3, 5, 30, 36, 40, 42; gsplat 812: kernels are chosen at run time, and one that is
    not there is refused with the reason.
    """
    image = photo()
    close(F.ssim(image, image, backend="auto"), F.ssim(image, image, backend="eager"), 0)
    for backend in ("cpu", "triton"):
        reason = why_not(backend)
        if reason is None:
            close(F.ssim(image, image, backend=backend), 1, 1e-5)
        else:
            with pytest.raises(
                RuntimeError, match=f"backend='{backend}' cannot run: .*use backend='auto'"
            ):
                F.ssim(image, image, backend=backend)
