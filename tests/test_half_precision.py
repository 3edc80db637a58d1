"""Half precision in hard cases: a flat bright patch, whose variance is all cancellation, and
photographs that hardly differ. ``python -m pytest tests/test_half_precision.py -s`` prints the
values of each library. Rounding an image to half precision changes the image: bfloat16 keeps 8
bits, and near 0.9 its step of 1/256 is 0.4 of the noise of the flat patch. No loss can undo that.
Therefore a value is compared with float64 on the same rounded images; the effect of the rounding
alone is printed next to it. Under autocast the images are not rounded, and both are the same.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

import photographs
import pytest
import torch
from torch import Tensor

import ssimloss.functional as F

pytestmark = pytest.mark.usefixtures("one_thread")


Score = Callable[[Tensor, Tensor], Tensor]
HALF = (torch.float16, torch.bfloat16)

MODES: dict[str, tuple[torch.dtype, torch.dtype, torch.dtype | None]] = {
    # dtype of pred, of target, and of the autocast region
    "float16": (torch.float16, torch.float16, None),
    "bfloat16": (torch.bfloat16, torch.bfloat16, None),
    "autocast, float32 images": (torch.float32, torch.float32, torch.bfloat16),
    "autocast, bfloat16 output": (torch.bfloat16, torch.float32, torch.bfloat16),
    "autocast, float16 output": (torch.float16, torch.float32, torch.float16),
}


@functools.cache
def inputs() -> dict[str, tuple[Tensor, Tensor]]:
    """Float32 pairs ``(1, 3, H, W)`` in [0, 1]."""
    noise = torch.Generator().manual_seed(0)
    flat = 0.9 + 0.01 * torch.randn(1, 3, 64, 65, generator=noise)
    target = photographs.tensors("odd", torch.float32)[1][..., :64, :65].contiguous()
    step = torch.randint(-1, 2, target.shape, generator=noise) / 255
    return {
        "flat and bright": (flat[..., :-1].contiguous(), flat[..., 1:].contiguous()),
        "near-identical": ((target + step).clamp(0, 1), target),
        "photographs": tuple(
            image[..., :64, :65].contiguous() for image in photographs.tensors("odd", torch.float32)
        ),
    }


SCORES: dict[str, Score] = {
    "ssim": F.ssim,
    "ssim, reflect": functools.partial(F.ssim, padding="reflect"),
    "ssim, masked": lambda pred, target: F.ssim(
        pred, target, mask=torch.ones_like(target[:, :1], dtype=torch.bool)
    ),
    "ms_ssim": functools.partial(F.ms_ssim, min_size="fewer_scales"),
    "ms_ssim_l1": lambda pred, target: 1 - F.ms_ssim_l1_loss(pred, target),
    "gradient_ssim": F.gradient_ssim,
}


def value_and_gradient(
    score: Score, pred: Tensor, target: Tensor, autocast: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """Of one image, scaled by its number of pixels as a loss scaler does: a mean over pixels alone
    falls below float16's range.
    """
    pred = pred.detach().requires_grad_()
    with torch.autocast("cpu", dtype=autocast) if autocast else contextlib.nullcontext():
        value = score(pred, target)
    (gradient,) = torch.autograd.grad(value, pred, torch.full_like(value, float(pred.numel() // 8)))
    return value.detach().double(), gradient.double()


def errors(score: Score, name: str, mode: str, truth: Score) -> tuple[float, float, float]:
    """Error of the value; relative L2 error of the gradient; and what the rounding of the images
    alone has done to the value.
    """
    pred, target = inputs()[name]
    pred_dtype, target_dtype, autocast = MODES[mode]
    rounded = pred.to(pred_dtype), target.to(target_dtype)
    exact, exact_gradient = value_and_gradient(truth, *(image.double() for image in rounded))
    found, gradient = value_and_gradient(score, *rounded, autocast)
    unrounded = truth(pred.double(), target.double())
    return (
        float(found - exact),
        float((gradient - exact_gradient).norm() / exact_gradient.norm()),
        float(exact - unrounded),
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["flat and bright", "near-identical", "photographs"])
def test_half_precision(name: str, mode: str) -> None:
    """Ours are off by float32 rounding, far inside the bounds of 2e-3 and 2e-2; the gradient by the
    rounding of its own dtype.
    """
    for which, score in SCORES.items():
        value, gradient, _ = errors(score, name, mode, score)
        assert abs(value) < 2e-5, f"{which}: value off by {value:.1e}"
        own_rounding = torch.finfo(MODES[mode][0]).eps
        # The slope of |Sobel| jumps at 0, where 8-bit photographs often are: float32 and float64
        # may fall on different sides.
        assert abs(gradient) < (2e-2 if which == "gradient_ssim" else own_rounding + 1e-3), (
            f"{which}: gradient off by {gradient:.1e}"
        )


@pytest.mark.parametrize("name", ["near-identical", "photographs"])
def test_rounding_of_the_images(name: str) -> None:
    """On photographs the bound holds even against the images before they were rounded to half
    precision.
    """
    for mode in MODES:
        value, _, rounding = errors(F.ssim, name, mode, F.ssim)
        assert abs(value + rounding) < 2e-3, mode


def test_a_network_output_in_bfloat16() -> None:
    """A convolution under autocast, the loss inside the region: the weights get the gradient of the
    same output in float64.
    """
    torch.manual_seed(0)
    target = inputs()["photographs"][1]
    network = torch.nn.Conv2d(3, 3, 3, padding=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(target)
        assert output.dtype is torch.bfloat16
        loss = F.ssim_loss(output, target)
        assert loss.dtype is torch.float32
    (gradient,) = torch.autograd.grad(loss, output, retain_graph=True)
    leaf = output.detach().double().requires_grad_()
    exact = F.ssim_loss(leaf, target.double())
    (truth,) = torch.autograd.grad(exact, leaf)
    assert abs(loss.double() - exact) < 2e-5
    assert (gradient.double() - truth).norm() / truth.norm() < 5e-3
    loss.backward()
    assert all(
        parameter.grad.isfinite().all() and parameter.grad.norm() > 0
        for parameter in network.parameters()
    )


@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_small_weights_of_a_sum_do_not_underflow(dtype: torch.dtype) -> None:
    """The gradient is rounded once, at the end: with a scaled loss every channel keeps one, in the
    range of float16 too.
    """
    pred, target = (image.to(dtype).requires_grad_() for image in inputs()["photographs"])
    gradients = torch.autograd.grad(1024 * F.ssim_loss(pred, target), (pred, target))
    for gradient in gradients:
        assert gradient.dtype is dtype
        assert gradient.isfinite().all()
        assert (gradient != 0).double().mean() > 0.9


# --- the same for others --------------------------------------------------------------------------


def peers() -> dict[str, tuple[Score, Score]]:
    """Each library's SSIM, and that definition in float64 by this package, which agrees with the
    library's own float64.
    """
    import kornia
    import piq
    import pytorch_msssim
    import torchmetrics.functional.image

    reflected = functools.partial(F.ssim, padding="reflect")
    return {
        "ssimloss": (F.ssim, F.ssim),
        "pytorch-msssim": (functools.partial(pytorch_msssim.ssim, data_range=1.0), F.ssim),
        "piq": (functools.partial(piq.ssim, data_range=1.0, downsample=False), F.ssim),
        "torchmetrics": (
            functools.partial(
                torchmetrics.functional.image.structural_similarity_index_measure, data_range=1.0
            ),
            reflected,
        ),
        "kornia": (lambda pred, target: kornia.metrics.ssim(pred, target, 11).mean(), reflected),
    }


def table() -> list[tuple[str, str, str, float | None, float | None, float]]:
    """Rows ``(input, mode, library, error of the value, error of the gradient, what rounding
    did)``; None where the library refuses.
    """
    rows = []
    for name in ("flat and bright", "near-identical"):
        for mode in MODES:
            for library, (score, truth) in peers().items():
                *_, rounding = errors(truth, name, mode, truth)
                try:
                    value, gradient, _ = errors(score, name, mode, truth)
                except (RuntimeError, TypeError, ValueError, AssertionError):
                    value = gradient = None
                rows.append((name, mode, library, value, gradient, rounding))
    return rows


@pytest.mark.filterwarnings("ignore")  # the peers' own
def test_table() -> None:
    """Printed with ``-s``; the definition compared with is each library's own, as its float64
    shows. Only ours is held to the bounds.
    """
    for library, (score, truth) in peers().items():
        pair = [image.double() for image in inputs()["photographs"]]
        assert abs(score(*pair) - truth(*pair)) < 1e-5, library
    rows = table()
    print(
        "\nSSIM against float64 on the same images: error of the value | relative L2 error of the "
        "gradient"
    )
    for name in dict.fromkeys(row[0] for row in rows):
        print(
            f"\n{name:27}"
            + "".join(f"{library:>22}" for library in peers())
            + "   (rounding of the images)"
        )
        for mode in MODES:
            some = [row for row in rows if row[:2] == (name, mode)]
            cells = [
                "refuses" if value is None else f"{value:+.1e} | {gradient:.1e}"
                for *_, value, gradient, _ in some
            ]
            print(
                f"{mode:27}" + "".join(f"{cell:>22}" for cell in cells) + f"   {some[0][-1]:+.1e}"
            )
    within = {
        library: all(
            value is not None and gradient is not None and abs(value) < 2e-3 and gradient < 2e-2
            for *_, whose, value, gradient, _ in rows
            if whose == library
        )
        for library in peers()
    }
    assert within["ssimloss"]
    print(
        "\nwithin 2e-3 and 2e-2 everywhere:",
        ", ".join(f"{library} {'yes' if inside else 'no'}" for library, inside in within.items()),
    )
