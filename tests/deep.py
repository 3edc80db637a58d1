"""What tests of losses over deep features share: random weights, the networks of torchvision with
them, photographs, agreement.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import battery
import torch
from torch import Tensor, nn


@functools.cache
def random_state(kind: str) -> dict[str, Tensor]:
    """A float32 state dict in torchvision's layout, random but for the classifier of a VGG or
    AlexNet, which no layer here needs.
    """
    from torchvision.models import get_model

    generator = torch.Generator().manual_seed(3)
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in get_model(kind, weights=None).state_dict().items()}
    found = {}
    for name, shape in shapes.items():
        if name.startswith("classifier") and len(shape) != 4:
            found[name] = torch.zeros(1).expand(shape)
        elif name.endswith("weight"):
            found[name] = torch.randn(shape, generator=generator) * math.sqrt(
                2 / math.prod(shape[1:])
            )
        else:
            found[name] = 0.1 * torch.randn(shape, generator=generator)
    return found


@functools.cache
def torchvision_features(kind: str) -> nn.Sequential:
    """The ``features`` of torchvision's network with those weights, in float64; the same object
    each time, not to be changed.
    """
    from torchvision.models import get_model

    with torch.device("meta"):
        chain: nn.Sequential = get_model(kind, weights=None).features
    chain = chain.to_empty(device="cpu")
    chain.load_state_dict(
        {
            k.removeprefix("features."): v
            for k, v in random_state(kind).items()
            if k.startswith("features.")
        }
    )
    return chain.double().requires_grad_(False)


def images(height: int = 33, width: int = 32) -> tuple[Tensor, Tensor]:
    """Two photographs and their degraded copies, float64, an odd and an even side unless told."""
    pred, target = battery.pictures(height, width)
    return pred[:2], target[:2]


def of_one_layer(loss: Callable[..., Tensor], **options: object) -> Callable[..., Tensor]:
    """The loss of two images that are themselves the features."""
    return lambda pred, target, **more: loss(
        {"l": pred}, {"l": target}, layers={"l": 1.0}, **options, **more
    )


def agree(
    ours: Callable[..., Tensor],
    theirs: Callable[..., Tensor],
    *pair: Tensor,
    tolerance: float = 1e-10,
) -> None:
    """The values, and the gradients to both images."""

    def everything(loss: Callable[..., Tensor]) -> list[Tensor]:
        leaves = [image.detach().clone().requires_grad_() for image in pair]
        value = loss(*leaves)
        return [value, *torch.autograd.grad(value.sum(), leaves)]

    for actual, expected in zip(everything(ours), everything(theirs), strict=True):
        battery.close(actual, expected, tolerance)
