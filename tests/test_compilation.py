"""Every loss under ``torch.compile`` with shapes and options that change, ``torch.export`` and
``torch.jit.trace``. ``test_every_loss.py`` compiles each for one shape.
"""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any

import pytest
import torch
from discovery import LOSSES, evaluate, fresh, photos, recipe
from oldest import needs_torch
from torch import Tensor, nn

from ssimloss import measure

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore")]

MEASURES = {each.name: each for each in measure.registered() if each.takes_target}


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=2e-5, atol=1e-6)


def pair(name: str) -> tuple[Tensor, Tensor]:
    return photos(name) if recipe(name).is_deep else shrunk(name)


def shrunk(name: str) -> tuple[Tensor, Tensor]:
    """Images of two sides that are divisible by 4, no larger than needed."""
    pred, target = photos(name)
    height, width = recipe(name).small_sides or (24, 28)
    return pred[..., :height, :width], target[..., :height, :width]


class Called(nn.Module):
    """A loss behind one signature."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.loss = name, fresh(name, **recipe(name).small)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return evaluate(self.name, self.loss, pred, target)


# --- options --------------------------------------------------------------------------------------


def changed(annotation: Any, default: Any, factor: float) -> Any:
    """Another value of an option that is a float, or a tuple of floats; None for other options."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is float:
        return factor * (default if isinstance(default, float) and default else 0.25)
    if origin in (typing.Union, types.UnionType):
        found = (changed(argument, default, factor) for argument in arguments)
        return next((value for value in found if value is not None), None)
    if origin is tuple and arguments[0] is float and isinstance(default, tuple):
        return tuple(factor * value for value in default)
    return None


def floats(name: str, factor: float) -> dict[str, Any]:
    """Every such option of a loss that takes the value."""
    found = {}
    for parameter in inspect.signature(MEASURES[name].loss, eval_str=True).parameters.values():
        value = changed(parameter.annotation, parameter.default, factor)
        try:
            MEASURES[name].record.make({parameter.name: value}, name)
        except (TypeError, ValueError):
            continue
        found |= {} if value is None else {parameter.name: value}
    return found


WITH_FLOATS = [name for name in MEASURES if floats(name, 1.0)]


READS = needs_torch(2, 7, "its compiler fails at the function that reads a model")


# Each is traced twice, in 2 to 20 seconds. One of each kind of option: added to a root, constants
# and exponents of a similarity, weights of scales, of terms and of features, a threshold, weights
# of colours. `make sweep` does the rest.
FLOATS_SAMPLED = {
    "charbonnier", "ms_ssim", "ssim_l1", "gmsd", "vmaf", "huber", "hsluv", "focal_frequency",
}  # fmt: skip


def float_marks(name: str) -> list[pytest.MarkDecorator]:
    marks = [READS] if name.startswith("vmaf") else []
    return marks if name in FLOATS_SAMPLED else [*marks, pytest.mark.sweep]


def test_samples_are_there() -> None:
    assert set(WITH_FLOATS) >= FLOATS_SAMPLED
    assert LOSSES.keys() >= SAMPLED


@pytest.mark.parametrize("name", [pytest.param(n, marks=float_marks(n)) for n in WITH_FLOATS])
def test_float_options_may_change_between_compiled_calls(name: str) -> None:
    """From the second value on, the compiler follows numbers by symbols."""
    torch.compiler.reset()
    loss = MEASURES[name].loss
    options = {"window_size": 3} if name.startswith("ms_ssim") else {}
    options |= {"ssimulacra2": {"min_size": "fewer_scales"}, "cw_ssim": {"levels": 3}}.get(name, {})
    options |= {"vif_wavelet": {"levels": 2}}.get(name, {})
    options |= {"ms_swd": {"scales": 2, "projections": 8}}.get(name, {})
    height = 161 if name == "iw_ssim" else 48  # whose five weights ask for five scales
    count = 2 if name == "temporal_difference" else 1  # frames of one clip
    pred, target = torch.rand(2, count, 3, height, height + 4)
    compiled = torch.compile(
        lambda x, y, given: loss(x, y, **given, **options), backend="eager", fullgraph=True
    )
    for factor in (1.0, 1.05, 1.1):
        given = floats(name, factor)
        close(compiled(pred, target, given), loss(pred, target, **given, **options))
    option, value = next(iter(given.items()))
    spoilt = (float("nan"),) * len(value) if isinstance(value, tuple) else float("nan")
    with pytest.raises(Exception, match="finite"):
        loss(pred, target, **{option: spoilt})


@pytest.mark.parametrize("name", ["CharbonnierLoss", "SSIML1Loss"])
def test_options_of_modules_may_be_set_between_compiled_calls(name: str) -> None:
    torch.compiler.reset()
    module, (pred, target) = fresh(name), pair(name)
    option = {"CharbonnierLoss": "eps", "SSIML1Loss": "weight"}[name]
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    seen = []
    for value in (0.25, 0.375, 0.5):
        setattr(module, option, value)
        seen.append(compiled(pred, target))
        close(seen[-1], module(pred, target))
    assert len({float(value) for value in seen}) == 3


# --- shapes ---------------------------------------------------------------------------------------


# Each is traced in 2 to 30 seconds. One of each kind: of neighbours, of several scales, of a
# wavelet transform, of a Fourier transform, of resized images, of features, of logits, a sum of
# others, which are of pixels, of windows and of edges. `make sweep` does the rest.
SAMPLED = {
    "TotalVariationLoss", "MSSSIMLoss", "WaveletLoss", "FocalFrequencyLoss",
    "CycleConsistencyLoss", "PerceptualLoss", "AdversarialLoss", "CombinedLoss",
}  # fmt: skip
NEEDS = dict.fromkeys(
    ("FocalFrequencyLoss", "FourierMagnitudeLoss"),
    needs_torch(2, 7, "its compiler knows no Fourier transform of a size that may change"),
) | {"MSSWDLoss": needs_torch(2, 7, "its compiler takes the options for sizes that may change")}


def sampled(needs: dict[str, pytest.MarkDecorator]) -> list[Any]:
    """Every loss, with the marks of each."""
    return [
        pytest.param(
            name,
            marks=[
                *([needs[name]] if name in needs else []),
                *([] if name in SAMPLED else [pytest.mark.sweep]),
            ],
        )
        for name in LOSSES
    ]


@pytest.mark.parametrize("name", sampled(NEEDS))
def test_compiled_for_any_shape(name: str) -> None:
    torch.compiler.reset()
    module, (pred, target) = Called(name), pair(name)
    compiled = torch.compile(Called(name), dynamic=True, fullgraph=True, backend="eager")
    for some in ((pred, target), (pred[:1, ..., :-4], target[:1, ..., :-4])):
        close(compiled(*some), module(*some))


# --- graphs that outlive the call -----------------------------------------------------------------


@pytest.mark.parametrize("name", sampled({}))
def test_exported(name: str) -> None:
    module, (pred, target) = Called(name), pair(name)
    exported = torch.export.export(Called(name), (pred, target), strict=False).module()
    close(exported(0.9 * pred, target), module(0.9 * pred, target))


def check_traced(name: str, check_trace: bool) -> None:
    module, (pred, target) = Called(name), pair(name)
    traced = torch.jit.trace(Called(name), (pred, target), check_trace=check_trace)
    close(traced(0.9 * pred, target), module(0.9 * pred, target))


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "CombinedLoss"])
def test_traced(name: str) -> None:
    check_traced(name, check_trace=False)


@pytest.mark.parametrize("name", ["L1Loss", "GMSDLoss"])  # one value per image, then their mean
def test_traced_with_one_image_runs_for_a_batch(name: str) -> None:
    """The reduction of one value must be a mean as well."""
    module, (pred, target) = Called(name), pair(name)
    assert len(pred) > 1
    traced = torch.jit.trace(Called(name), (pred[:1], target[:1]), check_trace=False)
    close(traced(pred, target), module(pred, target))


@pytest.mark.parametrize("name", [p for p in sampled({}) if p.values != ("CombinedLoss",)])
def test_two_calls_make_the_same_graph(name: str) -> None:
    """PyTorch's own check, which traces again, in more time than all the rest."""
    check_traced(name, check_trace=True)
