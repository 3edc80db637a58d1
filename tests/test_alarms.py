"""What a CombinedLoss warns of, when, and how often; steps that are not finite; bad input."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ssimloss import (
    Alarms,
    CombinedLoss,
    GradientShare,
    LossWarning,
    SSIMLoss,
    Term,
    TotalVariationLoss,
    _ranges,
    metrics,
)

pytestmark = pytest.mark.usefixtures("one_thread")
BOTH = ("pred", "target")


def l1(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean()


class Switch(nn.Module):
    """A loss that misbehaves as ``mode`` selects."""

    def __init__(self, mode: str = "fine") -> None:
        super().__init__()
        self.mode = mode

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        value = (pred - target).square().mean()
        if self.mode == "zero":
            return 0.0 * value
        if self.mode == "small":
            return 1e-6 * value
        if self.mode == "against":
            return -value
        if self.mode == "NaN":
            return value * torch.nan
        if self.mode == "NaN in the gradient":  # of a finite value: the slope of a root at 0
            return value + (pred - pred.detach()).square().sum().sqrt()
        return value


def run(criterion: CombinedLoss, steps: int, *, seed: int = 0) -> list[warnings.WarningMessage]:
    """The warnings of some steps."""
    generator = torch.Generator().manual_seed(seed)
    pred, target = torch.rand(2, 1, 3, 8, 8, generator=generator)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(steps):
            criterion((pred * 1.0).requires_grad_(), target).backward()
    assert all(w.category is LossWarning for w in caught)
    return caught


def words(caught: list[warnings.WarningMessage]) -> list[str]:
    return [str(warning.message) for warning in caught]


# ---- which, and once -----------------------------------------------------------------------------

ALARMS = {
    "zero": (Alarms(zero_steps=3), "was exactly 0 in the last"),
    "small": (
        Alarms(share_steps=3),
        "its share of the gradient is 2.6e-05 %, below 0.1 % for 5 measured steps; ",
    ),
    "against": (Alarms(cosine_steps=3), "its gradient opposed the sum of all terms, with a cosine"),
    "NaN": (Alarms(), "its value was NaN or infinite at step 0"),
    "NaN in the gradient": (Alarms(), "its gradient at pred was NaN or infinite at step 0"),
}


@pytest.mark.parametrize("mode", ALARMS)
def test_an_event_is_told_once_with_the_name_and_again_when_it_comes_back(mode: str) -> None:
    alarms, message = ALARMS[mode]
    odd = Switch(mode)
    criterion = CombinedLoss(
        fine=Term(l1, 3.0), odd=odd, alarms=alarms, diagnose_every=1, check_every=4
    )
    first = words(run(criterion, 12))
    assert len(first) == (2 if mode == "NaN" else 1)
    assert all(text.startswith("term 'odd': ") for text in first)
    assert re.search(message, first[0])
    odd.mode = "fine"
    assert run(criterion, 9) == []
    odd.mode = mode
    assert len(run(criterion, 12)) == len(first)


def test_nothing_is_told_of_terms_that_are_fine() -> None:
    criterion = CombinedLoss(a=l1, b=Switch(), c=Term(Switch(), 0.1, start=3), check_every=2)
    assert run(criterion, 12) == []
    assert run(CombinedLoss(a=l1, b=Switch(), balance=GradientShare()), 120) == []


def test_a_weight_of_zero() -> None:
    criterion = CombinedLoss(a=l1, b=Term(Switch(), 0.0), check_every=3)
    assert run(criterion, 3) == []
    (text,) = words(run(criterion, 9))
    assert text.startswith("term 'b': its weight is 0")
    assert "criterion.set_weight('b', ...)" in text
    criterion.set_weight("b", 1.0)
    assert run(criterion, 6) == []


def test_no_gradient_at_pred_is_told_at_once() -> None:
    parameter = nn.Parameter(torch.ones(()))

    def detached(pred: Tensor, target: Tensor) -> Tensor:
        return parameter * l1(pred.detach(), target)

    criterion = CombinedLoss(fine=l1, odd=detached, diagnose_every=1)
    (text,) = words(run(criterion, 3))
    assert text.startswith("term 'odd': its gradient does not reach pred, although pred is among")
    assert list(criterion.last.gradient_norms) == ["fine"]
    assert "does not reach pred" in str(criterion.last)


def test_a_generator_loss_without_a_gradient_is_told() -> None:
    """The logits were made in torch.no_grad(): nothing learns from them."""
    criterion = CombinedLoss(
        fine=l1,
        adversarial=Term(lambda logits: -logits.mean(), 0.1, inputs=("fake_logits",)),
        diagnose_every=1,
    )
    pred = torch.rand(1, 3, 8, 8, requires_grad=True)
    with pytest.warns(LossWarning, match=r"term 'adversarial': .*fake_logits.* does; .*no_grad"):
        criterion(pred, torch.rand(1, 3, 8, 8), fake_logits=torch.ones(2))
    criterion(pred, torch.rand(1, 3, 8, 8), fake_logits=torch.ones(2))  # once


def test_what_belongs_to_others_is_a_plain_summand() -> None:
    """A discriminator's own loss, and a penalty on another output."""
    judge = nn.Conv2d(3, 1, 1)
    criterion = CombinedLoss(
        fine=l1,
        judge=Term(lambda real: judge(real).square().mean(), 0.5, inputs=("real",)),
        penalty=Term(lambda extra: extra.square().mean(), 2.0, inputs=("extra",)),
        balance=GradientShare(),
    )
    pred, extra = torch.rand(1, 3, 8, 8, requires_grad=True), torch.ones(3, requires_grad=True)
    real = torch.rand(1, 3, 8, 8)
    criterion(pred, real, real=real, extra=extra).backward()
    assert criterion.last.weights["penalty"] == 2.0
    torch.testing.assert_close(extra.grad, 2.0 * 2 * extra.detach() / 3)
    expected = torch.autograd.grad(0.5 * judge(real).square().mean(), judge.weight)
    torch.testing.assert_close(judge.weight.grad, expected[0])


def test_alarms_go_on_after_a_resumption() -> None:
    def build() -> CombinedLoss:
        return CombinedLoss(
            fine=l1,
            odd=Switch("zero"),
            alarms=Alarms(zero_steps=6),
            check_every=4,
            diagnose_every=1,
        )

    half, twin, told = build(), build(), build()
    assert run(half, 5) == []
    twin.load_state_dict(half.state_dict())
    assert len(run(twin, 6)) == 1
    told.load_state_dict(twin.state_dict())
    assert run(told, 6) == []


class Synchronisations(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        reads = {"aten::_local_scalar_dense", "aten::item", "aten::is_nonzero", "aten::equal"}
        self.count += func.name() in reads | {"aten::nonzero"}
        return func(*args, **kwargs or {})


@pytest.mark.parametrize("balance", [None, GradientShare()])
def test_one_reading_per_interval(balance: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = []
    to_list = Tensor.tolist

    def counted(self: Tensor) -> Any:
        readings.append(self.shape)
        return to_list(self)

    monkeypatch.setattr(Tensor, "tolist", counted)
    criterion = CombinedLoss(
        a=l1,
        b=Switch(),
        balance=copy.deepcopy(balance),
        diagnose_every=1,
        check_every=5,
        on_nonfinite="skip_term",
    )
    with Synchronisations() as seen:
        run(criterion, 20)
        _ = criterion.last.values, criterion.last.weights, criterion.last.weighted
        _ = criterion.last.gradient_norms, criterion.last.gradient_shares, criterion.last.cosines
        _ = repr(criterion.last), criterion.step
    assert [shape for shape in readings if len(shape) == 2 and shape[0] > 2] == 4 * [(7, 2)]
    assert seen.count == 0


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_no_synchronisation_between_readings_on_cuda() -> None:
    criterion = CombinedLoss(a=l1, b=Switch(), balance=GradientShare(), check_every=100).cuda()
    pred, target = torch.rand(2, 1, 3, 8, 8, device="cuda")
    for step in range(40):
        if step == 1:
            torch.cuda.set_sync_debug_mode("error")
        try:
            criterion((pred * 1.0).requires_grad_(), target).backward()
        finally:
            if step == 39:
                torch.cuda.set_sync_debug_mode("default")
    assert len(criterion.last.gradient_shares) == 2


def test_a_costly_term_of_a_small_share() -> None:
    odd, alarms = Switch("small"), Alarms(share_steps=3, timed=True)
    criterion = CombinedLoss(fine=l1, odd=odd, alarms=alarms, diagnose_every=2, check_every=4)
    (text,) = words(run(criterion, 9))
    found = re.search(r"it takes (\d+) % of the time of a step", text)
    assert found is not None
    assert 0 < int(found[1]) < 100


# ---- steps that are not finite -------------------------------------------------------------------


def poisoned(on_nonfinite: Any, mode: str, **options: Any) -> tuple[CombinedLoss, Tensor, Tensor]:
    """A step in which one of two terms is not finite: criterion, loss, gradient."""
    criterion = CombinedLoss(
        fine=Term(l1, 2.0), odd=Term(Switch(mode), 0.5), on_nonfinite=on_nonfinite, **options
    )
    generator = torch.Generator().manual_seed(0)
    pred, target = torch.rand(2, 1, 3, 8, 8, generator=generator)
    pred.requires_grad_()
    loss = criterion(pred, target)
    loss.backward()
    assert pred.grad is not None
    return criterion, loss.detach(), pred.grad


NOT_FINITE = pytest.mark.parametrize("mode", ["NaN", "NaN in the gradient"])


@NOT_FINITE
def test_a_term_is_skipped(mode: str) -> None:
    with pytest.warns(LossWarning, match="term 'odd': its .*; the term was left out"):
        criterion, loss, gradient = poisoned("skip_term", mode)
    _, expected, gradient_alone = poisoned("warn", "zero")
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient, gradient_alone)
    weights = {name: float(weight) for name, weight in criterion.last.weights.items()}
    assert weights == {"fine": 2.0, "odd": 0.0}
    torch.testing.assert_close(sum(criterion.last.weighted.values()), loss)


@NOT_FINITE
def test_a_step_is_skipped(mode: str) -> None:
    with pytest.warns(LossWarning, match="term 'odd': its .*; the step was left out"):
        criterion, loss, gradient = poisoned("skip_step", mode)
    assert loss == 0.0
    assert gradient.abs().sum() == 0.0
    assert {float(weight) for weight in criterion.last.weights.values()} == {0.0}


@NOT_FINITE
def test_an_error_names_the_term(mode: str) -> None:
    with pytest.raises(RuntimeError, match=r"term 'odd': its .* was NaN or infinite at step 0"):
        poisoned("raise", mode, check_every=1)


def test_a_trained_parameter_of_a_skipped_term_keeps_its_gradient_finite() -> None:
    class Headed(Switch):
        def __init__(self) -> None:
            super().__init__("NaN")
            self.head = nn.Parameter(torch.ones(()))

        def forward(self, pred: Tensor, target: Tensor) -> Tensor:
            return super().forward(self.head * pred, target)

    headed = Headed()
    extra = torch.zeros((), requires_grad=True)
    criterion = CombinedLoss(
        fine=l1,
        headed=headed,
        elsewhere=Term(lambda extra: extra.sqrt(), inputs=("extra",)),  # slope: infinite
        on_nonfinite="skip_term",
        check_every=1000,
    )
    pred, target = torch.rand(2, 1, 3, 8, 8)
    criterion.step = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        criterion(pred.requires_grad_(), target, extra=extra).backward()
    assert headed.head.grad == 0.0
    assert pred.grad is not None
    assert pred.grad.isfinite().all()


def test_values_between_measured_steps_are_watched() -> None:
    odd = Switch()
    criterion = CombinedLoss(fine=l1, odd=odd, check_every=10)
    run(criterion, 4)
    odd.mode = "NaN"
    assert run(criterion, 1) == []
    odd.mode = "fine"
    assert words(run(criterion, 6)) == ["term 'odd': its value was NaN or infinite at step 4"]


def test_without_pred_the_values_are_watched() -> None:
    """As where a criterion takes lists of images, and there is no output to measure at."""
    criterion = CombinedLoss(
        cycle=Term(lambda back: torch.stack([x.mean() for x in back]).sum(), inputs=("back",)),
        check_every=1,
    )
    back = [torch.ones(3, requires_grad=True), torch.ones(2, requires_grad=True)]
    criterion(back=back).backward()
    with pytest.warns(LossWarning, match="term 'cycle': its value was NaN or infinite at step 1"):
        criterion(back=[x * torch.nan for x in back])


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"diagnose_every": 1}, {"balance": GradientShare()}])
@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda pred: pred, ValueError, r"term 'odd' must return a scalar, .*reduction=\"mean\""),
        (lambda pred: 0.5, TypeError, "term 'odd' must return a scalar tensor, got float"),  # noqa: ARG005
        (lambda pred: pred.detach().mean(), ValueError, "term 'odd' trains nothing: .*pred does"),
        (lambda pred: pred.mean().long(), TypeError, "'odd' must return a floating point scalar"),
    ],
)
def test_what_a_term_returns(
    options: dict[str, Any], loss: Callable[..., Any], error: type[Exception], message: str
) -> None:
    criterion = CombinedLoss(pixel=l1, odd=loss, **copy.deepcopy(options))
    with pytest.raises(error, match=message):
        criterion(torch.rand(1, 3, 8, 8, requires_grad=True), torch.rand(1, 3, 8, 8))


def test_a_metric_as_a_term_is_refused() -> None:
    """It logs a plausible value, and trains nothing."""
    pytest.importorskip("torchmetrics")
    pred, target = torch.rand(1, 3, 32, 32, requires_grad=True), torch.rand(1, 3, 32, 32)
    criterion = CombinedLoss(pixel=l1, lpips=Term(metrics.LPIPS(), inputs=BOTH))
    with pytest.raises(ValueError, match=r"'lpips' trains nothing.* Term\(ssimloss.LPIPS\("):
        criterion(pred, target)
    with torch.no_grad():
        criterion(pred, target)


def test_terms_that_rightly_need_no_gradient() -> None:
    pred, target = torch.rand(1, 3, 8, 8, requires_grad=True), torch.rand(1, 3, 8, 8)
    criterion = CombinedLoss(
        pixel=l1,
        constant=Term(lambda other, target: l1(other, target), inputs=("other", "target")),
        quiet=Term(lambda pred: 0.0 * pred.sum(), 1.0),
    )
    criterion(pred, target, other=target * 0.5).backward()


OUTPUTS = {
    "missing": (None, TypeError, "pred is missing: .*pass the network's output as pred"),
    "a list": ([torch.ones(3, 8, 8)], TypeError, "pred must be one tensor, got list: .*inputs="),
    "no output": (torch.rand(1, 3, 8, 8), ValueError, r"needs no gradient.*criterion\.eval\(\)"),
}


@pytest.mark.parametrize("options", [{"diagnose_every": 1}, {"balance": GradientShare()}])
@pytest.mark.parametrize("case", OUTPUTS)
def test_what_is_no_output(case: str, options: dict[str, Any]) -> None:
    pred, error, message = OUTPUTS[case]
    criterion = CombinedLoss(
        first=Term(lambda pred, target: l1(pred[0], target[0]).sum(), inputs=BOTH),
        **copy.deepcopy(options),
    )
    with pytest.raises(error, match=message):
        criterion(pred, torch.rand(1, 3, 8, 8))
    if case != "missing":
        criterion.eval()(pred, torch.rand(1, 3, 8, 8))  # validation may be anything


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"diagnose_every": 0}, ValueError, "diagnose_every must be at least 1"),
        ({"check_every": 1.5}, TypeError, "check_every must be an integer"),
        ({"on_nonfinite": "ignore"}, ValueError, "on_nonfinite must be one of 'raise', 'skip_term"),
        ({"accumulate": 0}, ValueError, "accumulate must be at least 1"),
        ({"diagnose_evry": 5}, TypeError, "did you mean the option 'diagnose_every'"),
        ({"alarms": {}}, TypeError, r"alarms must be an Alarms.*Alarms\(\.\.\.\)"),
    ],
)
def test_bad_settings(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CombinedLoss(pixel=l1, **options)


# ---- images outside of the data range ------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"diagnose_every": 1}])
def test_a_wrong_data_range_is_told_once(options: dict[str, Any]) -> None:
    """Images of [0, 255] are compared in [0, 1], or those of [0, 1] in [0, 255]."""
    images = torch.rand(2, 1, 3, 32, 32)
    for scale, data_range, message in (
        (
            255.0,
            1.0,
            r"terms 'a', 'b': .*target: 9\d.*% of the pixels lie outside data_range \[0, ",
        ),
        (1.0, 255.0, "use less than a hundredth of data_range.*likely data_range=1.0"),
    ):
        loss = SSIMLoss(data_range=data_range)
        criterion = CombinedLoss(a=loss, b=Term(copy.deepcopy(loss), 0.1), c=l1, **options)
        pred, target = scale * images
        criterion(pred.requires_grad_(), target)
        with pytest.warns(LossWarning, match=message):
            _ = criterion.last
        for _ in range(3):
            criterion(pred, target)
            criterion.log()


def test_images_in_their_range_are_fine_and_counted_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    count = _ranges.count
    monkeypatch.setattr(
        _ranges, "count", lambda *images, **how: (counted.append(how), count(*images, **how))[1]
    )
    criterion = CombinedLoss(a=SSIMLoss(), b=SSIMLoss(data_range=(-1, 1)), c=TotalVariationLoss())
    pred, target = torch.rand(2, 1, 3, 16, 16)
    for _ in range(101):
        criterion(pred.requires_grad_(), target)
        _ = criterion.last
    assert [how["data_range"] for how in counted] == 2 * [1.0, (-1, 1)]
    criterion.eval()(255 * pred, 255 * target)
    _ = criterion.last
