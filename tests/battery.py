"""Helpers, and checks of functions that ``test_every_loss.py`` does not reach: of features, of
pairs that are no pairs of images; ``test_pixel.py`` shows each check to fail on a planted fault.

What ``test_every_loss.py`` asks of the modules is not asked again here. A loss here is ``loss(pred,
target, *, reduction="mean", mask=None)``, with its other options bound; every check raises
``AssertionError``.
"""

from __future__ import annotations

from collections.abc import Callable

import photographs
import pytest
import torch
from torch import Tensor

Loss = Callable[..., Tensor]


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
            (
                ValueError,
                r"got \(2, 8, 9\); add the channels with mask.unsqueeze\(1\)",
                (image, image),
                {"mask": image[:, 0]},
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
