"""Contracts between rooms, with the real parts: every loss as a term of a sum, in a metric and in
validation equals itself.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from discovery import LOSSES, build, evaluate, fewer_pixels, photos, recipe
from torch import Tensor

import ssimloss.functional as F
from ssimloss import AdversarialLoss, CombinedLoss, Term, TotalVariationLoss, metrics

pytest.importorskip("torchmetrics")

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("error")]

# All inputs of a CombinedLoss are optional, so that as a term it needs their names.
INPUTS = {"CombinedLoss": ("pred", "target")}
# Lists of feature maps are no images.
TAKES_LISTS = {"FeatureMatchingLoss"}
OF_IMAGES = [name for name in LOSSES if name not in TAKES_LISTS]


@pytest.fixture(autouse=True)
def _fewer_pixels() -> Iterator[None]:
    """Also where another module calls the loss."""
    with fewer_pixels():
        yield


def images(name: str) -> tuple[Tensor, Tensor]:
    """Two pairs as large as the loss needs."""
    pred, target = photos(name)
    return pred.requires_grad_(), target


@pytest.mark.parametrize("name", LOSSES)
def test_a_term_equals_its_loss(name: str) -> None:
    loss, (pred, target) = build(name), images(name)
    expected = 0.5 * evaluate(name, loss, pred, target)
    criterion = CombinedLoss(term=Term(loss, 0.5, inputs=INPUTS.get(name)))
    lists = name in TAKES_LISTS
    found = criterion([pred] if lists else pred, [target] if lists else target)  # type: ignore[arg-type]
    assert torch.equal(found, expected)
    (gradient,) = torch.autograd.grad(found, pred)
    (expected_gradient,) = torch.autograd.grad(expected, pred)
    assert torch.equal(gradient, expected_gradient)


@pytest.mark.parametrize("name", OF_IMAGES)
@torch.no_grad()
def test_a_metric_is_the_mean_of_its_loss(name: str) -> None:
    loss, (pred, target) = build(name), images(name)
    metric = metrics.LossMetric(loss)
    metric.update(pred, target)
    of_images = [
        evaluate(name, loss, pred[i : i + 1], target[i : i + 1]).double() for i in range(len(pred))
    ]
    torch.testing.assert_close(metric.compute(), torch.stack(of_images).mean())


@pytest.mark.parametrize("name", [name for name in OF_IMAGES if recipe(name).has_reduction])
@torch.no_grad()
def test_validation_is_the_mean_of_its_loss(name: str) -> None:
    loss, (pred, target) = build(name, reduction="image"), images(name)
    validator = metrics.Validator({"loss": loss})
    expected = evaluate(name, loss, pred, target).double()
    assert torch.equal(validator.update(pred, target)["loss"], expected)
    assert validator.compute()["loss"] == pytest.approx(float(expected.mean()), rel=1e-12)
    metric = metrics.LossMetric(loss)
    metric.update(pred, target)
    torch.testing.assert_close(float(metric.compute()), float(expected.mean()), rtol=1e-6, atol=0)


# --- what LossMetric and Validator call with pred and target, or with pred alone ------------------

AS_MEASURE = {
    "metric": lambda function: metrics.LossMetric(function),
    "validator": lambda function: metrics.Validator({"name": function}),
}
as_measure = pytest.mark.parametrize("make", AS_MEASURE.values(), ids=AS_MEASURE)


def value_of(measured: metrics.LossMetric | metrics.Validator) -> float:
    found = measured.compute()
    return found["name"] if isinstance(found, dict) else float(found)


def per_image(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean((1, 2, 3))


def with_options(first: Tensor, second: Tensor, power: int = 1, *, scale: float = 1.0) -> Tensor:
    return scale * per_image(first, second) ** power


CALLABLE = {
    "total variation": (
        TotalVariationLoss(reduction="image"),
        lambda pred, _: F.total_variation(pred, reduction="image"),
    ),
    "optional parameters": (with_options, per_image),
    "a bound one": (functools.partial(with_options, power=1), per_image),
    "any number": (lambda *images: per_image(*images), per_image),
    "pred and target optional": (
        lambda pred=None, target=None: per_image(pred, target),
        per_image,
    ),
}


@as_measure
@pytest.mark.parametrize("case", CALLABLE)
def test_images_that_a_function_gets(case: str, make: Callable[[object], Any]) -> None:
    function, expected = CALLABLE[case]
    pred, target = (image.detach() for image in images("L1Loss"))
    measured = make(function)
    measured.update(pred, target)
    values = expected(pred, target)
    assert value_of(measured) == pytest.approx(float(values.double().mean()), rel=1e-6)


NOT_CALLABLE = {
    "logits": (
        AdversarialLoss("hinge").generator_loss,
        r"must be callable with \(pred, target\), or with pred alone, got "
        r"AdversarialLoss\(.*\)\.generator_loss\(fake_logits, \*, real_logits=\.\.\., "
        r"labels=\.\.\.\); "
        "wrap it: lambda pred, target: ",
    ),
    "no forward": (AdversarialLoss("hinge"), "has no forward; pass a method of it"),
    "a class": (TotalVariationLoss, r"is the class TotalVariationLoss; build it: Total.*\(...\)"),
    "three images": (torch.nn.CosineEmbeddingLoss(), r"got .*\(input1, input2, target\)"),
    "a mask by position": (
        lambda pred, mask=None: per_image(pred, 0 * pred if mask is None else mask),
        r"got <lambda>\(pred, mask=\.\.\.\)",
    ),
    "one image": (lambda x: x.mean((1, 2, 3)), r"got <lambda>\(x\)"),
    "nothing": (lambda: 0.0, r"got <lambda>\(\)"),
}


@as_measure
@pytest.mark.parametrize("case", NOT_CALLABLE)
def test_what_cannot_be_called_says_so_when_built(
    case: str, make: Callable[[object], object]
) -> None:
    function, message = NOT_CALLABLE[case]
    with pytest.raises(TypeError, match=message):
        make(function)


def test_functions_by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("measures_of_mine")
    module.variation = functools.partial(F.total_variation, reduction="image")
    module.logits = lambda logits: logits.mean((1, 2, 3))
    for function in (module.variation, module.logits):
        function.higher_is_better = False
    monkeypatch.setitem(sys.modules, "measures_of_mine", module)
    pred, target = (image.detach() for image in images("L1Loss"))
    found = metrics.measure("measures_of_mine:variation")(pred, target)
    torch.testing.assert_close(found.float(), F.total_variation(pred, reduction="image"))
    with pytest.raises(TypeError, match=r"measures_of_mine:logits must be callable with \(pred, "):
        metrics.measure("measures_of_mine:logits")
