"""What a measure is timed on: images, or features, logits, heatmaps and clips where it compares
these.
"""

from __future__ import annotations

import collections.abc
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.contenders import Shape, images
from ssimloss import _options
from ssimloss.measure import Measure

FEATURES = (2, 64, 32, 32)
LOGITS = (4, 1, 30, 30)
HEATMAPS = (4, 68, 64, 64)
VECTORS = (256, 512)
CLIPS = (1, 4, 3, 128, 128)

# Options and further tensors that a measure needs, by its name.
_NEEDED: dict[str, Callable[[], dict[str, Any]]] = {
    "adversarial_discriminator": lambda: {"kind": "cross_entropy"},
    "adversarial_generator": lambda: {"kind": "cross_entropy"},
    "dists": lambda: {
        name: [torch.full((FEATURES[1],), 1 / FEATURES[1])] for name in ("alpha", "beta")
    },
    "lpips": lambda: {"heads": [torch.full((FEATURES[1],), 1 / FEATURES[1])]},
    "warping_error": lambda: {"flow": 3 * _random((CLIPS[0], CLIPS[1] - 1, 2, *CLIPS[3:]))},
}


class Inputs(NamedTuple):
    """Arguments of a measure; the gradient is asked of the first tensor."""

    shape: tuple[int, ...]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    asking: Tensor


def takes_images(each: Measure) -> bool:
    """Whether it compares two images, or judges one."""
    return not each.clips and each.image_names in (("pred", "target"), ("pred",)) and _plain(each)


def inputs(each: Measure, shape: Shape) -> Inputs:
    """Arguments of a measure: images of this shape, or its own kind of input at a fixed size."""
    options = _NEEDED[each.name]() if each.name in _NEEDED else {}
    if takes_images(each) or each.name == "cycle_consistency":
        pair = images(shape, torch.device("cpu"))
        pred = pair[0].requires_grad_()
        return Inputs(shape, (pred, *pair[1:])[: len(each.images)], options, pred)
    own = _own_shape(each)
    asking, *others = (_random(own, seed) for seed in range(len(each.images)))
    asking.requires_grad_()
    tensors = [asking, *others]
    kind = typing.get_origin(each.images[0].annotation)
    if kind is collections.abc.Mapping:
        if "layers" in _options.fields(each.record):
            options["layers"] = {"features": 1.0}
        return Inputs(own, tuple({"features": one} for one in tensors), options, asking)
    if each.name == "feature_matching":
        return Inputs(own, tuple([one] for one in tensors), options, asking)
    return Inputs(own, tuple(tensors), options, asking)


def _own_shape(each: Measure) -> tuple[int, ...]:
    """The shape of inputs that are no images.

    Raises:
        ValueError: for a new kind of input.
    """
    if each.clips:
        return CLIPS
    for word, shape in (
        ("logits", LOGITS),
        ("heatmaps", HEATMAPS),
        ("features_", VECTORS),
        ("_features", FEATURES),
        ("_output", FEATURES),
    ):
        if word in each.image_names[0]:
            return shape
    if each.name == "feature_matching":
        return FEATURES
    raise ValueError(
        f"benchmarks/family/inputs.py knows no input for {each.name!r}, which compares "
        f"{', '.join(each.image_names)}; add its shape"
    )


def _plain(each: Measure) -> bool:
    return all(image.annotation is Tensor for image in each.images)


def _random(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))
