"""Every loss the package exports, found by looking, so that one added later cannot escape the tests
over all of them.

A class called with ``(pred, target)`` needs no entry here. Any other needs a :class:`Recipe`;
without one, the tests fail.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import photographs
import torch
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F

# Keyword options of functions that belong to the images, not to the settings: the module takes them
# when it is called.
GIVEN = ("identity", "mask")


@dataclass(frozen=True)
class Recipe:
    """How a loss is built, called and what it is spared, each with its reason beside the entry."""

    build: Callable[..., nn.Module] | None = None
    call: Callable[[nn.Module, Tensor, Tensor], Tensor] = lambda module, pred, target: module(
        pred, target
    )
    takes_target: bool = True
    # Small, of different length, divisible by small numbers (patches).
    sides: tuple[int, int] = (48, 60)
    channels: int = 3
    names: tuple[str, str] = ("pred", "target")  # what errors call the two inputs
    is_distance: bool = True  # falls as pred goes to target
    # Options that change nothing on these inputs with the others at their defaults.
    idle: tuple[str, ...] = ()
    twin: bool = True
    has_reduction: bool = True
    is_derivative: bool = True
    compiler: str | None = None


def _combined(**options: Any) -> nn.Module:
    parts = {
        name: ssimloss.Term(getattr(ssimloss, name)(), weight)
        for name, weight in (("CharbonnierLoss", 1.0), ("SSIMLoss", 0.25), ("EdgeLoss", 0.5))
    }
    return ssimloss.CombinedLoss(**parts, **options)


def small_network() -> nn.Sequential:
    """Seven layers with weights that are the same on every machine, fast and of three resolutions;
    named as a VGG's are.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, 8, 3, padding=1),
                relu1=nn.ReLU(inplace=True),
                pool1=nn.MaxPool2d(2, ceil_mode=True),
                conv2=nn.Conv2d(8, 12, 3, padding=1),
                relu2=nn.ReLU(inplace=True),
                conv3=nn.Conv2d(12, 16, 3, stride=2, padding=1),
                relu3=nn.ReLU(inplace=True),
            )
        )


def _deep(name: str, **defaults: Any) -> Recipe:
    """A loss over the features of a network: of a small one, as the promises asked for here are
    about the loss. Its function, of features and not of images, is no twin.
    """
    return Recipe(
        build=lambda **options: getattr(ssimloss, name)(small_network(), **(defaults | options)),
        twin=False,
    )


class _Judged(nn.Module):
    """Both methods of an adversarial loss as one call, of maps of logits: of real images in place
    of pred, of generated ones for target.
    """

    def __init__(self, loss: ssimloss.AdversarialLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return self.loss.discriminator_loss(real_logits, fake_logits) + self.loss.generator_loss(
            fake_logits
        )


RECIPES = {
    "TotalVariationLoss": Recipe(
        call=lambda module, pred, _target: module(pred), takes_target=False
    ),
    # Five scales of an 11-tap window need 176 pixels on the short side.
    "MSSSIMLoss": Recipe(sides=(176, 180)),
    # Its options are its terms; each term has a reduction of its own.
    "CombinedLoss": Recipe(build=_combined, twin=False, has_reduction=False),
    # The paper's weight matrix is held constant (Jiang et al. 2021, section 3.3), so the gradient
    # is not the value's derivative.
    "FocalFrequencyLoss": Recipe(is_derivative=False),
    "PerceptualLoss": _deep("PerceptualLoss", layers={"conv2": 1.0, "relu3": 0.5}),
    "TextureLoss": _deep("TextureLoss", layers={"relu1": 1.0, "relu3": 0.5}),
    "ContextualLoss": _deep("ContextualLoss", layers={"relu3": 1.0}),
    "DeepPerceptualSimilarity": _deep(
        "DeepPerceptualSimilarity", layers={"relu1": 1.0, "relu3": 0.5}
    ),
    # Two methods and no forward; test_adversarial.py holds what is asked of twins. Of the
    # relativistic average, an image has no loss alone.
    "AdversarialLoss": Recipe(
        build=lambda **options: _Judged(ssimloss.AdversarialLoss("cross_entropy", **options)),
        channels=1,
        names=("real_logits", "fake_logits"),
        is_distance=False,
        twin=False,
    ),
    # Takes lists of maps, and the real side for a constant unless told; of one map in one list,
    # these options change nothing.
    "FeatureMatchingLoss": Recipe(
        call=lambda module, pred, target: module([pred], [target]),
        takes_target=False,
        idle=("layers", "scales", "detach_target"),
    ),
    "PriorLoss": _deep("PriorLoss"),
    "LandmarkLoss": _deep("LandmarkLoss"),
    # Their networks are part of what they are. Code for those is generated in a minute, and rounds
    # otherwise in each of many layers.
    "LPIPS": Recipe(
        build=lambda **options: ssimloss.LPIPS(**({"weights": "random"} | options)),
        twin=False,
        compiler="aot_eager",
    ),
    "DISTS": Recipe(
        build=lambda **options: ssimloss.DISTS(**({"weights": "random"} | options)),
        sides=(32, 36),
        twin=False,
        compiler="aot_eager",
    ),
}

LOSSES: dict[str, type[nn.Module]] = {
    name: value
    for name, value in ((name, getattr(ssimloss, name)) for name in ssimloss.__all__)
    if inspect.isclass(value) and issubclass(value, nn.Module)
}


def recipe(name: str) -> Recipe:
    """The entry of a loss; for two images, none is needed."""
    if name in RECIPES:
        return RECIPES[name]
    positional = [
        p.name
        for p in inspect.signature(LOSSES[name].forward).parameters.values()
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    ]
    assert positional == ["self", "pred", "target"], (
        f"{name} takes {positional[1:]}: give it a Recipe in {__name__}.RECIPES"
    )
    return Recipe()


def build(name: str, **options: Any) -> nn.Module:
    """The loss with these options."""
    return (recipe(name).build or LOSSES[name])(**options)


def photos(name: str, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Two different colour photographs and their degraded copies, ``(2, C, H, W)`` in about [0, 1],
    as large as the loss needs.

    A little noise takes them off the 8-bit levels: equal neighbours are corners of ``|x|``, where a
    gradient is any of many.
    """
    pred, target = (
        image[:, : recipe(name).channels] for image in photographs.batch(*recipe(name).sides)
    )
    generator = torch.Generator().manual_seed(0)
    pred, target = (
        image[:2] + 0.01 * torch.rand(image[:2].shape, dtype=torch.float64, generator=generator)
        for image in (pred, target)
    )
    return pred.to(dtype), target.to(dtype)


def evaluate(name: str, module: Callable[..., Tensor], pred: Tensor, target: Tensor) -> Tensor:
    """The value of the loss."""
    return recipe(name).call(module, pred, target)  # type: ignore[arg-type]


def value_and_gradients(
    name: str, module: Callable[..., Tensor], pred: Tensor, target: Tensor, *, scale: float = 1.0
) -> tuple[Tensor, list[Tensor]]:
    """The value (detached), and the gradient of ``scale`` times its sum to each image that the loss
    takes.
    """
    images = [pred.detach().requires_grad_(), target.detach().requires_grad_()]
    value = evaluate(name, module, *images)
    asked = images if recipe(name).takes_target else images[:1]
    return value.detach(), list(torch.autograd.grad(value, asked, torch.full_like(value, scale)))


def function_of(name: str) -> Callable[..., Tensor] | None:
    """The function whose module this is: ``MSSSIML1Loss`` and ``ms_ssim_l1_loss`` differ in case
    and underscores only.
    """
    return next((getattr(F, f) for f in F.__all__ if f.replace("_", "") == name.lower()), None)


def options(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword-only parameters; of a class, those of its constructor."""
    return {
        p.name: p
        for p in inspect.signature(function, eval_str=True).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


def alternatives(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """For each option every other word of a closed set, another number, another form of value:
    ``(option, value)``.
    """
    for name, parameter in options(function).items():
        if name not in GIVEN:
            for value in _others(parameter.annotation, parameter.default):
                yield name, value


def _others(annotation: Any, default: Any) -> Iterator[Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        yield from (word for word in arguments if word != default)
    elif origin in (typing.Union, types.UnionType):
        for argument in arguments:
            yield from _others(argument, default)
    elif annotation is bool:
        yield not default
    elif annotation is int:
        yield default + 2 if isinstance(default, int) else 2
    elif annotation is float:
        yield default * 0.75 if isinstance(default, float) and default else 0.25
    elif origin is tuple and isinstance(default, tuple):
        yield tuple(value * (0.75 + 0.125 * i) for i, value in enumerate(default))
    elif origin is tuple and len(arguments) == 2 and Ellipsis not in arguments:
        yield (-1.0, 1.0)
    elif annotation is Tensor:
        yield torch.tensor([1.0, 2.0, 4.0, 2.0, 1.0], dtype=torch.float64)
    elif typing.get_origin(annotation) is not None and isinstance(default, list | tuple):
        yield tuple(value * (0.75 + 0.125 * i) for i, value in enumerate(default))
