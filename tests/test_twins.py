"""Each module is its function with the options bound: same names, same defaults, same values,
checked when it is built.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from discovery import (
    GIVEN,
    LOSSES,
    alternatives,
    build,
    evaluate,
    function_of,
    functions,
    options,
    photos,
    recipe,
)

import ssimloss

TWINS = [name for name in LOSSES if recipe(name).twin]
# Functions to be minimised that need more than images and are not meant as modules, each with its
# reason.
WITHOUT_MODULE = (
    dict.fromkeys(
        (
            *("perceptual_loss", "texture_loss", "contextual_loss", "contextual_bilateral_loss"),
            *("fdl_loss", "sliced_wasserstein_loss", "projected_distribution_loss"),
            *("prior_loss", "heatmap_loss"),
        ),
        "takes features; the module of this name takes images and owns the network",
    )
    | dict.fromkeys(
        ("adversarial_generator_loss", "adversarial_discriminator_loss"),
        "both are methods of AdversarialLoss",
    )
    | dict.fromkeys(
        ("kernel_distance_loss", "cmmd_loss"), "the module has a memory: test_set_losses.py"
    )
    | dict.fromkeys(
        ("temporal_difference_loss", "warping_error_loss"), "they take clips: test_temporal.py"
    )
)
# Options that change nothing on ordinary photographs with the other options at their defaults.
IDLE = {
    # L1 has no range; and there is no identity here, see test_consistency.py.
    "CycleConsistencyLoss": {"data_range", "identity_weight"},
    "CWSSIMLoss": {"k"},  # a quarter of a level is lost beside the energies of photographs
    "MSSSIMLoss": {"min_size"},  # the images are large enough
    "StructureCorrelationLoss": {"data_range"},  # a correlation has no scale
}

pytestmark = pytest.mark.filterwarnings("error")


def outcome(call: Any) -> Any:
    """The value, or the type of what was raised."""
    try:
        return call()
    except (TypeError, ValueError, RuntimeError) as error:
        return type(error)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    return bool(a == b)


def test_every_loss_function_has_a_module() -> None:
    losses = {each.__name__ for each in functions() if each.__name__.endswith("_loss")}
    assert losses - WITHOUT_MODULE.keys() == {
        function_of(name).__name__ for name in TWINS if function_of(name)
    }


@pytest.mark.parametrize("name", TWINS)
def test_module_has_the_options_of_its_function(name: str) -> None:
    function = function_of(name)
    assert function is not None, (
        f"{name} has no function of its name; export one, or give it a Recipe(twin=False) with "
        "the reason"
    )
    bound = {option: p for option, p in options(function).items() if option not in GIVEN}
    own = options(LOSSES[name])
    assert list(own) == list(bound)
    for option, parameter in bound.items():
        assert same(own[option].default, parameter.default), option
        assert own[option].annotation == parameter.annotation
    assert len(inspect.signature(LOSSES[name]).parameters) == len(own), (
        "a module takes options by keyword only"
    )


@pytest.mark.parametrize("name", TWINS)
def test_forward_takes_what_its_function_takes(name: str) -> None:
    function, forward = function_of(name), inspect.signature(LOSSES[name].forward).parameters
    images = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    assert list(forward) == [
        "self",
        *images,
        *(name for name in GIVEN if name in options(function)),
    ]


@pytest.mark.parametrize("name", TWINS)
def test_same_value(name: str) -> None:
    """With the defaults, and with one option at a time changed; where the function refuses an
    option, so does the module.
    """
    function, (pred, target) = function_of(name), photos(name)
    small = recipe(name).small if recipe(name).always_small else {}
    default = evaluate(name, functools.partial(function, **small), pred, target)
    assert same(evaluate(name, build(name), pred, target), default)
    without_effect = set(options(LOSSES[name]))
    for option, value in alternatives(function):
        expected = outcome(
            lambda: evaluate(
                name,
                lambda *images: function(*images, **{**small, option: value}),  # noqa: B023
                pred,
                target,
            )
        )
        found = outcome(lambda: evaluate(name, build(name, **{option: value}), pred, target))  # noqa: B023
        assert same(found, expected), (
            f"{option}={value!r}: the module gives {found}, the function {expected}"
        )
        if not same(expected, default):
            without_effect.discard(option)
    # Of an option without effect here, this test could not tell that the module drops it.
    assert without_effect <= {"backend", *recipe(name).idle} | IDLE.get(name, set())


@pytest.mark.parametrize("name", [name for name in TWINS if "mask" in options(function_of(name))])
def test_mask_goes_to_forward(name: str) -> None:
    function, (pred, target) = function_of(name), photos(name)
    mask = torch.ones_like(pred[:, :1]).tril()
    expected = evaluate(name, lambda *images: function(*images, mask=mask), pred, target)
    assert same(
        evaluate(name, lambda *images: build(name)(*images, mask=mask), pred, target), expected
    )
    assert not same(expected, evaluate(name, function, pred, target))


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in TWINS for option in options(LOSSES[name])]
)
def test_options_are_checked_when_the_module_is_built(name: str, option: str) -> None:
    for junk in ("no such word", object()):
        with pytest.raises((TypeError, ValueError), match=option):
            build(name, **{option: junk})


@pytest.mark.parametrize("name", TWINS)
def test_settings_are_shown(name: str) -> None:
    for option, value in alternatives(LOSSES[name]):
        module = outcome(lambda: build(name, **{option: value}))  # noqa: B023
        if isinstance(module, torch.nn.Module) and not isinstance(value, torch.Tensor):
            assert f"{option}={value!r}" in repr(module)


# --- the tests themselves: a fault planted under each ---------------------------------------------


class OtherDefault(ssimloss.CharbonnierLoss):
    def __init__(self, *, eps: float = 1e-6, at_zero: str = "eps", **options: Any) -> None:
        super().__init__(eps=eps, at_zero=at_zero, **options)


class DropsAnOption(ssimloss.CharbonnierLoss):
    def __init__(self, *, eps: float = 1e-3, **options: Any) -> None:
        del eps
        super().__init__(**options)


class ShowsNothing(ssimloss.CharbonnierLoss):
    def extra_repr(self) -> str:
        return ""


class ChecksLate(ssimloss.CharbonnierLoss):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"eps": 1e-3} if isinstance(options.get("eps"), str) else options)


class IgnoresItsMask(ssimloss.CharbonnierLoss):
    def forward(
        self, pred: torch.Tensor, target: torch.Tensor, *, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        del mask
        return super().forward(pred, target)


class OtherNames(ssimloss.CharbonnierLoss):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return super().forward(x, y)


@pytest.mark.parametrize(
    ("fault", "check", "arguments"),
    [
        (OtherDefault, test_module_has_the_options_of_its_function, ()),
        (DropsAnOption, test_same_value, ()),
        (ShowsNothing, test_settings_are_shown, ()),
        (ChecksLate, test_options_are_checked_when_the_module_is_built, ("eps",)),
        (IgnoresItsMask, test_mask_goes_to_forward, ()),
        (OtherNames, test_forward_takes_what_its_function_takes, ()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_planted_fault_is_found(
    fault: type[torch.nn.Module],
    check: Callable[..., None],
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault.__name__ = "CharbonnierLoss"  # which a module shows
    monkeypatch.setitem(LOSSES, "CharbonnierLoss", fault)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check("CharbonnierLoss", *arguments)
    monkeypatch.undo()
    check("CharbonnierLoss", *arguments)
