"""Helpers, and checks of functions that ``test_every_loss.py`` does not reach: of features, of
pairs that are no pairs of images; ``test_pixel.py`` shows each check to fail on a planted fault.

What ``test_every_loss.py`` asks of the modules is not asked again here. A loss here is ``loss(pred,
target, *, reduction="mean", mask=None)``, with its other options bound; every check raises
``AssertionError``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import photographs
import pytest
import torch
from torch import Tensor

Loss = Callable[..., Tensor]

HALF = (torch.float16, torch.bfloat16)


def pictures(
    height: int = 24, width: int = 31, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    """Detailed middles of three different photographs and their degraded copies, the last perfect
    at its left; odd width unless told.
    """
    pred, target = photographs.batch(dtype=dtype)
    inside = (..., slice(60, 60 + height), slice(90, 90 + width))
    return pred[inside].clone(), target[inside].clone()


def hole(shape: torch.Size) -> Tensor:
    """Bool ``(N, 1, H, W)``: True but for a block that touches no border in the first image, and a
    corner in the others.
    """
    mask = torch.ones(shape[0], 1, *shape[2:], dtype=torch.bool)
    mask[0, :, 5:12, 8:15] = False
    mask[1:, :, :6, -9:] = False
    return mask


def close(actual: Tensor | float, expected: Tensor | float, tolerance: float = 1e-12) -> None:
    """Equal shapes, and a difference of relative L2 norm of at most ``tolerance`` (absolute where
    ``expected`` is 0).
    """
    actual, expected = (
        torch.as_tensor(value, dtype=torch.float64).detach() for value in (actual, expected)
    )
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    scale = expected.norm().item() or 1.0
    error = (actual - expected).norm().item() / scale
    assert error <= tolerance, f"off by {error:.3g} of {scale:.6g}, more than {tolerance:.3g}"


def differentiate(
    loss: Loss, pred: Tensor, target: Tensor, **options: object
) -> tuple[Tensor, Tensor]:
    """The value, and the gradient of its sum for ``pred``."""
    pred = pred.detach().requires_grad_()
    value = loss(pred, target, **options)
    (gradient,) = torch.autograd.grad(value.sum(), pred)
    return value.detach(), gradient


def both_gradients(loss: Loss) -> None:
    """Either image alone gets the gradient that it gets when both ask."""
    pred, target = (image.requires_grad_() for image in pictures())
    together = torch.autograd.grad(loss(pred, target), (pred, target))
    close(torch.autograd.grad(loss(pred, target.detach()), pred)[0], together[0])
    close(torch.autograd.grad(loss(pred.detach(), target), target)[0], together[1])
    assert all(gradient.norm() > 0 for gradient in together), "no gradient"


def derivative_is_right(loss: Loss) -> None:
    """Against finite differences, for both images."""
    pred, target = (
        torch.rand(2, 2, 4, 5, dtype=torch.float64, requires_grad=True) for _ in range(2)
    )
    assert torch.autograd.gradcheck(loss, (pred, target), raise_exception=False), (
        "the gradient is not the derivative"
    )


def finite_everywhere(loss: Loss) -> None:
    """Value and gradient at the inputs that turn careless formulas into NaN."""
    image = pictures(dtype=torch.float32)[1]
    flat, black = torch.full_like(image, 0.7), torch.zeros_like(image)
    awkward = {
        "identical": (image, image.clone()),
        "constant": (flat, image),
        "equal constants": (flat, flat.clone()),
        "black": (black, black.clone()),
        "black prediction": (black, image),
        "black target": (image, black),
        "anti-correlated": (1 - image, image),
        "out of range": (image * 1e4 - 5e3, image),
        "tiny": (image * 1e-20, image * 2e-20),
        "one pixel": (image[..., :1, :1], flat[..., :1, :1]),
    }
    for name, (pred, target) in awkward.items():
        value, gradient = differentiate(loss, pred, target)
        assert value.isfinite(), f"{name}: value {value}"
        assert gradient.isfinite().all(), (
            f"{name}: {gradient.isfinite().logical_not().sum()} gradients are not finite"
        )


def half_precision(loss: Loss) -> None:
    """Half precision inputs are computed in float32, and autocast changes nothing.

    The float64 truth takes the same rounded inputs, so a value is off by float32 rounding only, a
    gradient or a map by the rounding of its own dtype. The gradient is that of the sum: that of a
    mean over thousands of pixels is itself at the edge of float16.
    """
    for dtype in HALF:
        pred, target = (image.to(dtype) for image in pictures())
        truth, true_gradient = differentiate(loss, pred.double(), target.double(), reduction="sum")
        value, gradient = differentiate(loss, pred, target, reduction="sum")
        assert value.dtype is torch.float32, f"sum in {value.dtype}"
        close(value, truth, 2e-6)
        assert gradient.dtype is dtype
        close(gradient, true_gradient, torch.finfo(dtype).eps)
        unreduced = loss(pred, target, reduction="none")
        assert unreduced.dtype is dtype
        close(
            unreduced,
            loss(pred.double(), target.double(), reduction="none"),
            torch.finfo(dtype).eps,
        )

        pred, target = pictures(dtype=torch.float32)
        with torch.autocast("cpu", dtype=dtype):
            under_autocast = differentiate(loss, pred, target)
        assert under_autocast[0].dtype is torch.float32
        for actual, expected in zip(under_autocast, differentiate(loss, pred, target), strict=True):
            close(actual, expected, 0)


def float32_is_close_to_float64(loss: Loss) -> None:
    pred, target = pictures(dtype=torch.float32)
    truth, value = loss(pred.double(), target.double()), loss(pred, target)
    assert (truth.dtype, value.dtype) == (torch.float64, torch.float32)
    close(value, truth, 2e-6)


def batch_is_singles(loss: Loss) -> None:
    """An image's value does not depend on its company."""
    pred, target = pictures()
    images = loss(pred, target, reduction="image")
    close(images, torch.stack([loss(pred[i : i + 1], target[i : i + 1]) for i in range(3)]))
    close(loss(pred, target), images.mean())


def reductions(loss: Loss, *, mean_of_map: bool = True) -> None:
    """The map has the images' shape and adds up to the sum; its mean is the mean unless the loss
    says otherwise.
    """
    pred, target = pictures()
    values = loss(pred, target, reduction="none")
    assert values.shape == pred.shape, values.shape
    close(loss(pred, target, reduction="sum"), values.sum())
    if mean_of_map:
        close(loss(pred, target), values.mean())
        close(loss(pred, target, reduction="image"), values.mean((1, 2, 3)))


def masks(loss: Loss, *, relative: bool = True) -> None:
    """What every mask must do: see ``mask_is_a_crop`` for what it must leave. ``relative``: a
    multiple of the weights is as good.
    """
    pred, target = pictures()
    for everything in (torch.ones_like(pred), torch.ones(3, 1, *pred.shape[2:], dtype=torch.bool)):
        for reduction in ("mean", "sum", "image", "none"):
            close(
                loss(pred, target, mask=everything, reduction=reduction),
                loss(pred, target, reduction=reduction),
            )

    mask = hole(pred.shape)
    value, gradient = differentiate(loss, pred, target, mask=mask)
    assert (gradient.masked_select(mask.logical_not()) == 0).all()
    assert gradient.norm() > 0
    for garbage in (math.nan, math.inf, 1e30):
        spoilt = (image.masked_fill(mask.logical_not(), garbage) for image in (pred, target))
        actual = differentiate(loss, *spoilt, mask=mask)
        close(actual[0], value, 0)
        close(actual[1], gradient, 0)

    close(loss(pred, target, mask=mask.expand_as(pred)), value)
    close(loss(pred, target, mask=mask.half()), value)
    unequal = mask * torch.linspace(0.1, 1, 31) ** 3
    if relative:
        close(loss(pred, target, mask=unequal.float()), loss(pred, target, mask=3 * unequal), 1e-6)
    assert (loss(pred, target, mask=unequal) - value).abs() > 1e-4 * value, "weights do nothing"

    nothing = torch.zeros_like(mask)
    for reduction in ("mean", "sum", "image", "none"):
        value, gradient = differentiate(loss, pred, target, mask=nothing, reduction=reduction)
        assert (value == 0).all()
        assert (gradient == 0).all()


def mask_is_a_crop(loss: Loss) -> None:
    """Masking all but a rectangle is the loss of that rectangle."""
    pred, target = pictures()
    inside = (..., slice(4, 20), slice(7, 29))
    mask = torch.zeros(3, 1, *pred.shape[2:])
    mask[inside] = 1
    for reduction in ("mean", "sum", "image"):
        close(
            loss(pred, target, mask=mask, reduction=reduction),
            loss(pred[inside], target[inside], reduction=reduction),
        )


def memory_layout(loss: Loss) -> None:
    """Strides change nothing."""
    pred, target = pictures(24, 32)
    value, gradient = differentiate(loss, pred, target)
    strided = (
        pred.transpose(2, 3).contiguous().transpose(2, 3),
        torch.stack((target, target), -1)[..., 0],
    )
    for images in (
        (pred.to(memory_format=torch.channels_last), target.to(memory_format=torch.channels_last)),
        strided,
    ):
        actual = differentiate(loss, *images)
        close(actual[0], value)
        close(actual[1], gradient)


def empty_batch(loss: Loss) -> None:
    """No image: 0 where there is one number, nothing where there is one per image, and a backward
    pass that runs.
    """
    pred = torch.zeros(0, 3, 8, 8, requires_grad=True)
    for reduction, shape in (("mean", ()), ("sum", ()), ("image", (0,)), ("none", (0, 3, 8, 8))):
        value = loss(pred, pred.detach(), reduction=reduction)
        assert tuple(value.shape) == shape
        assert (value == 0).all(), f"{reduction} of nothing is {value}"
        assert torch.autograd.grad(value.sum(), pred)[0].shape == pred.shape


def rejects_bad_input(loss: Loss, *, second: bool = True, masked: bool = True) -> None:
    """Errors name the argument, what came, and the way out. ``second``: there is a target;
    ``masked``: there is a mask.
    """
    image = torch.rand(2, 3, 8, 9)
    wrong: list[tuple[type[Exception], str, tuple[object, object], dict[str, object]]] = [
        (TypeError, "pred must be a torch.Tensor, got list", ([1.0], image), {}),
        (TypeError, "pred must be floating point, got torch.uint8", (image.byte(), image), {}),
        (
            ValueError,
            r"pred must have shape \(N, C, H, W\), got \(3, 8, 9\)",
            (image[0], image),
            {},
        ),
        (
            ValueError,
            "reduction must be one of 'mean', 'sum', 'image', 'none', got 'batchmean'",
            (image, image),
            {"reduction": "batchmean"},
        ),
    ]
    if second:
        wrong += [
            (
                TypeError,
                "target must be floating point, got torch.int64",
                (image, image.long()),
                {},
            ),
            (
                ValueError,
                r"target must have the shape of pred .* got \(2, 1, 8, 9\)",
                (image, image[:, :1]),
                {},
            ),
            (ValueError, "target must be on the device of pred", (image, image.to("meta")), {}),
        ]
    if masked:
        wrong += [
            (
                TypeError,
                "mask must be bool or floating point weights, got torch.uint8",
                (image, image),
                {"mask": image[:, :1].byte()},
            ),
            (
                ValueError,
                r"mask must have shape \(2, 1, 8, 9\) or \(2, 3, 8, 9\)",
                (image, image),
                {"mask": image[:, :2]},
            ),
        ]
    for error, message, images, options in wrong:
        try:
            loss(*images, **options)
        except error as raised:
            pytest.raises(error, match=message).matches(raised)
        # any other type is the finding, and the planted faults look for an AssertionError
        except Exception as raised:
            raise AssertionError(
                f"expected {error.__name__} {message!r}, got {raised!r}"
            ) from raised
        else:
            raise AssertionError(f"expected {error.__name__} {message!r}, nothing was raised")


def compiles(loss: Loss, backend: str) -> None:
    """One graph, and eager's value and gradient to float32 rounding."""
    images = pictures(dtype=torch.float32)
    expected = differentiate(loss, *images)
    torch.compiler.reset()
    actual = differentiate(torch.compile(loss, fullgraph=True, backend=backend), *images)
    close(actual[0], expected[0], 1e-5)
    close(actual[1], expected[1], 1e-5)
