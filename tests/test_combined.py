"""CombinedLoss and Term, with losses written here in plain torch, so that only the combination is
tested.
"""

import copy
import functools
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import ssimloss
import ssimloss.functional as F
from ssimloss import metrics
from ssimloss.combined import CombinedLoss, LossWarning, Term

BOTH = ("pred", "target")


def l1(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean()


def l2(pred: Tensor, target: Tensor) -> Tensor:
    return ((pred - target) ** 2).mean()


def variation(pred: Tensor, *, mask: Tensor | None = None) -> Tensor:
    step = (pred[..., 1:] - pred[..., :-1]).abs()
    return step.mean() if mask is None else (step * mask[..., 1:]).mean()


class Scaled(nn.Module):
    """A loss with a buffer and a parameter, to see them travel."""

    def __init__(self, scale: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale))
        self.shift = nn.Parameter(torch.zeros(()), requires_grad=False)

    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        square = (pred - target) ** 2
        return self.scale * (square if mask is None else square * mask).mean() + self.shift


class Adversary(nn.Module):
    """The shape of AdversarialLoss: the loss is a method."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("margin", torch.tensor(1.0))

    def generator_loss(self, fake_logits: Tensor, *, real_logits: Tensor | None = None) -> Tensor:
        real = 0.0 if real_logits is None else real_logits.mean()
        return nn.functional.softplus(real + self.margin - fake_logits).mean()


class Counted:
    """A loss that is no module and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        self.calls += 1
        return l1(pred, target)


def images(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred = (
        torch.rand(2, 3, 8, 7, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    )
    return pred, torch.rand(2, 3, 8, 7, generator=generator, dtype=torch.float64).to(dtype)


def run(criterion: CombinedLoss, steps: int, **named: object) -> list[dict[str, float]]:
    """The weights of each step."""
    pred, target = images()
    weights = []
    for _ in range(steps):
        criterion(pred, target, **named)
        weights.append(criterion.last.weights)
    return weights


# ---- value and gradient


def test_weighted_sum_and_its_gradient() -> None:
    pred, target = images(torch.float64)
    criterion = CombinedLoss(pixel=Term(l1, 2.0), square=Term(l2, 0.25), flat=Term(variation, -0.5))
    total = criterion(pred, target)
    (gradient,) = torch.autograd.grad(total, pred)

    expected = 2.0 * l1(pred, target) + 0.25 * l2(pred, target) - 0.5 * variation(pred)
    (expected_gradient,) = torch.autograd.grad(expected, pred)
    assert total.shape == ()
    torch.testing.assert_close(total, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-12, atol=1e-15)


def test_bare_callables_have_weight_one() -> None:
    pred, target = images()
    assert CombinedLoss(pixel=l1, square=Scaled())(pred, target).item() == pytest.approx(
        (l1(pred, target) + 0.5 * l2(pred, target)).item()
    )


def test_named_inputs_reach_only_the_terms_that_ask() -> None:
    pred, target = images()
    fake, real = torch.tensor([0.3, -0.2], requires_grad=True), torch.tensor([0.5, 0.7])
    adversary = Adversary()
    criterion = CombinedLoss(
        pixel=l1,
        single=Term(adversary.generator_loss, 0.1, inputs=("fake_logits",)),
        paired=Term(adversary.generator_loss, 0.2, inputs=("fake_logits", "real_logits")),
    )
    total = criterion(pred, target, real_logits=real, fake_logits=fake)
    expected = (
        l1(pred, target)
        + 0.1 * adversary.generator_loss(fake)
        + 0.2 * adversary.generator_loss(fake, real_logits=real)
    )
    torch.testing.assert_close(total, expected)
    for ours, theirs in zip(
        torch.autograd.grad(total, (pred, fake)),
        torch.autograd.grad(expected, (pred, fake)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_inputs_that_are_no_tensors_pass_through() -> None:
    def over_scales(logits: list[Tensor]) -> Tensor:
        return torch.stack([item.mean() for item in logits]).sum()

    scales = [torch.ones(2), torch.full((3,), 2.0)]
    assert CombinedLoss(scales=Term(over_scales, inputs=("logits",)))(logits=scales).item() == 3.0


def test_keyword_only_inputs_are_passed_by_keyword() -> None:
    pred, target = images()
    mask = (torch.arange(7) > 3).float()
    criterion = CombinedLoss(
        square=Term(Scaled(), inputs=("pred", "target", "mask")),
        flat=Term(variation, inputs=("mask", "pred")),  # the order of keyword inputs is free
        dictionary=Term(lambda pred, **rest: l1(pred, rest["target"]), inputs=("pred", "target")),
    )
    total = criterion(pred, target, mask=mask)
    expected = Scaled()(pred, target, mask=mask) + variation(pred, mask=mask) + l1(pred, target)
    torch.testing.assert_close(total, expected)
    # The mask matters here.
    assert not torch.isclose(total, CombinedLoss(a=Scaled(), b=variation, c=l1)(pred, target))


def test_positional_inputs_keep_the_order_given() -> None:
    def signed(first: Tensor, second: Tensor) -> Tensor:
        return (first - second).mean()

    pred, target = images()
    forth = CombinedLoss(a=signed)(pred, target)
    back = CombinedLoss(a=Term(signed, inputs=("target", "pred")))(pred, target)
    assert forth.item() == -back.item() != 0.0


def like_lpips(in0: Tensor, in1: Tensor, retPerLayer: bool = False) -> Tensor:
    assert retPerLayer is False
    return l1(in0, in1)


def needs_scale(pred: Tensor, target: Tensor, *, scale: Tensor) -> Tensor:
    return scale * l1(pred, target)


# Losses of this library are among them with the kinds of parameters that theirs have.
CALLED_WITHOUT_INPUTS = {
    "two, by any name": (nn.L1Loss(), ("pred", "target")),
    "two of a lambda": (lambda a, b: l1(a, b), ("pred", "target")),
    "optional by keyword only": (Scaled(), ("pred", "target")),
    "the rest bound": (functools.partial(nn.CosineEmbeddingLoss(), torch.ones(1)), BOTH),
    "bound by keyword": (functools.partial(Scaled(), mask=torch.ones(7)), ("pred", "target")),
    "pred alone": (variation, ("pred",)),
    "pred and any keyword": (lambda pred, **_: pred.mean(), ("pred",)),
    "total variation": (ssimloss.TotalVariationLoss(), ("pred",)),
    "function of this library": (F.ssim_loss, ("pred", "target")),
}


@pytest.mark.parametrize("case", CALLED_WITHOUT_INPUTS)
def test_what_is_called_without_inputs(case: str) -> None:
    loss, inputs = CALLED_WITHOUT_INPUTS[case]
    assert Term(loss).inputs == inputs
    assert Term(loss, inputs=inputs).inputs == inputs


NEEDS_INPUTS = {
    "optional by position": (like_lpips, r"like_lpips\(in0, in1, retPerLayer=\.\.\.\)", BOTH),
    "of torch": (nn.functional.mse_loss, r"mse_loss\(input, target, size_average=", BOTH),
    "partial": (functools.partial(nn.functional.huber_loss, delta=0.1), r"partial\(huber", BOTH),
    "one of another name": (
        ssimloss.AdversarialLoss("hinge").generator_loss,
        r"AdversarialLoss\.generator_loss\(fake_logits, \*, real_logits=\.\.\., labels=",
        ("fake_logits",),
    ),
    "an image by any name": (nn.Sequential(nn.Identity()), r"\(input\)", ("input",)),
    "three": (
        nn.CosineEmbeddingLoss(),
        r"\(input1, input2, target\)",
        ("input1", "input2", "target"),
    ),
    "required by keyword": (needs_scale, r"\*, scale\)", ("pred", "target", "scale")),
    "any number": (lambda *images: l1(*images), r"\(\*images\)", BOTH),
    "pred and any number": (lambda pred, *_: pred.mean(), r"\(pred, \*_\)", ("pred",)),
    "all optional": (CombinedLoss(inner=l1), r"\(pred=\.\.\., target=\.\.\., ", BOTH),
    "unreadable": (torch.dist, ", whose signature cannot be read", BOTH),  # written in C
}


@pytest.mark.parametrize("case", NEEDS_INPUTS)
def test_what_needs_inputs_says_so_when_built(case: str) -> None:
    loss, shown, suggested = NEEDS_INPUTS[case]
    with pytest.raises(TypeError, match=f"inputs must be given for .*{shown}") as caught:
        Term(loss, start=5000)
    assert f"Term(loss, inputs={suggested!r})" in str(caught.value)
    with pytest.raises(TypeError, match=r"term 'odd': inputs must be given for"):
        CombinedLoss(pixel=l1, odd=loss)
    assert Term(loss, inputs=suggested).inputs == suggested


def test_a_module_of_methods_is_no_loss_by_itself() -> None:
    gan = ssimloss.AdversarialLoss("hinge")
    for inputs in (None, ("pred", "target")):
        with pytest.raises(
            TypeError,
            match=r"AdversarialLoss has no forward; pass a method of it: "
            r"Term\(loss.discriminator_loss, inputs=\.\.\.\), Term\(loss.generator_loss, ",
        ):
            Term(gan, start=5000, inputs=inputs)
    with pytest.raises(TypeError, match=r"Module has no forward; define it"):
        Term(nn.Module())


def test_a_module_of_methods_names_them_when_called() -> None:
    """As the ``GANLoss`` of other programs is called; torch's message named ``forward``."""
    for arguments in ((torch.zeros(2, 1), True), (torch.zeros(2, 1),)):
        with pytest.raises(TypeError, match=r"call generator_loss.* discriminator_loss\("):
            ssimloss.AdversarialLoss("hinge")(*arguments)


@pytest.mark.parametrize(
    ("metric", "loss"),
    [
        (lambda: metrics.measure("ssim"), r"ssim is .* Term\(ssimloss.SSIMLoss\(\)\)"),
        (lambda: metrics.measure("gmsd"), r"gmsd is .* Term\(ssimloss.GMSDLoss\(\)\)"),
        (lambda: metrics.measure("lpips"), r"lpips is .* Term\(ssimloss.LPIPS\(\)\)"),
        (lambda: metrics.measure("embedded"), "embedded is .* pass a loss"),
        (lambda: metrics.measure("psnr"), "psnr is .* pass a loss"),
        (lambda: metrics.LPIPS(), r"LPIPS is .* Term\(ssimloss.LPIPS\(\)\)"),
        (lambda: metrics.SSIM(), r"SSIM is .* Term\(ssimloss.SSIMLoss\(\)\)"),
    ],
)
def test_a_metric_is_no_term(metric: Callable[[], Any], loss: str) -> None:
    """It has no gradient; advice about ``reduction`` and ``inputs`` led nowhere."""
    with pytest.raises(TypeError, match=f"term 'a': {loss}"):
        CombinedLoss(a=metric())


def test_one_graph_cannot_measure() -> None:
    """The error of ``fullgraph=True`` shows why."""
    criterion = CombinedLoss(a=l1, b=l2, diagnose_every=1)
    compiled = torch.compile(criterion, fullgraph=True, backend="eager")
    pred, target = images()
    with pytest.raises(torch._dynamo.exc.Unsupported) as told:
        compiled(pred.requires_grad_(), target)
    if "(reason: " in str(told.value):  # PyTorch before 2.7 shows none
        assert "reason: balance and diagnose_every measure gradients" in str(told.value)


def test_warnings_show_the_line_of_the_caller() -> None:
    """And not a file of this package or of torch."""
    criterion = CombinedLoss(pixel=l1, dead=Term(l2, 0.0), diagnose_every=1, check_every=1)
    pred, target = images()
    with pytest.warns(LossWarning, match="is a score") as told:
        Term(F.ssim, 1.0)
    assert [one.filename for one in told] == [__file__]
    criterion(pred.requires_grad_(), target)
    with pytest.warns(LossWarning, match="'dead': its weight is 0") as told:
        criterion(pred, target)
    assert [one.filename for one in told] == [__file__]


def test_total_variation_sees_pred_only() -> None:
    """Its second positional parameter was the mask, which then was the target."""
    pred, target = images()
    assert CombinedLoss(tv=ssimloss.TotalVariationLoss())(pred, target) == F.total_variation(pred)


def every_kind_of_callable() -> dict[str, Term]:
    return {
        "function": Term(l1),
        "module": Term(Scaled()),
        "torch_module": Term(nn.SmoothL1Loss()),
        "torch_function": Term(nn.functional.mse_loss, inputs=BOTH),
        "builtin": Term(torch.dist, inputs=BOTH),
        "object": Term(Counted()),
        "method": Term(Adversary().generator_loss, inputs=("pred",)),
        "partial": Term(functools.partial(nn.functional.huber_loss, delta=0.1), inputs=BOTH),
        "partial_of_module": Term(functools.partial(Scaled(), mask=torch.ones(7))),
        "nested": Term(CombinedLoss(inner=l1), inputs=BOTH),
        "compiled": Term(torch.compile(Scaled(), backend="eager"), inputs=("pred", "target")),
    }


@pytest.mark.parametrize("kind", every_kind_of_callable())
def test_any_callable_may_be_a_term(kind: str) -> None:
    pred, target = images()
    term = every_kind_of_callable()[kind]
    total = CombinedLoss(**{kind: Term(term.loss, 3.0, inputs=term.inputs)})(pred, target)
    arguments = {"pred": pred, "target": target}
    torch.testing.assert_close(total, 3.0 * term.loss(*[arguments[name] for name in term.inputs]))
    assert torch.autograd.grad(total, pred)[0].abs().sum() > 0


# ---- schedules


def test_ramp_reaches_the_weight_at_exact_steps() -> None:
    term = Term(l1, 2.0, start=3, ramp=4)
    assert [term.weight_at(step) for step in range(9)] == [
        0.0,
        0.0,
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        2.0,
        2.0,
    ]
    assert [Term(l1, 2.0, ramp=2).weight_at(step) for step in range(3)] == [1.0, 2.0, 2.0]
    for at_once in (0, 1):
        assert [Term(l1, 2.0, start=2, ramp=at_once).weight_at(step) for step in range(4)] == [
            0.0,
            0.0,
            2.0,
            2.0,
        ]


def test_interval_counts_from_start_and_leaves_the_weight_alone() -> None:
    assert [Term(l1, 2.0, interval=3).weight_at(step) for step in range(7)] == [
        2.0,
        0.0,
        0.0,
        2.0,
        0.0,
        0.0,
        2.0,
    ]
    assert [Term(l1, 2.0, start=2, interval=3).weight_at(step) for step in range(7)] == [
        0.0,
        0.0,
        2.0,
        0.0,
        0.0,
        2.0,
        0.0,
    ]
    # With a ramp, the ramp goes on between the evaluations.
    assert [Term(l1, 4.0, start=1, ramp=4, interval=2).weight_at(step) for step in range(7)] == [
        0.0,
        1.0,
        0.0,
        3.0,
        0.0,
        4.0,
        0.0,
    ]


def test_the_sum_follows_the_schedule() -> None:
    pred, target = images(torch.float64)
    criterion = CombinedLoss(pixel=l1, square=Term(l2, 2.0, start=1, ramp=2))
    totals = torch.stack([criterion(pred, target) for _ in range(4)])
    expected = torch.stack(
        [l1(pred, target) + weight * l2(pred, target) for weight in (0.0, 1.0, 2.0, 2.0)]
    )
    torch.testing.assert_close(totals, expected, rtol=1e-12, atol=0)


def test_a_term_that_is_off_is_not_called_and_its_inputs_are_not_asked_for() -> None:
    late, rare, never = Counted(), Counted(), Counted()
    criterion = CombinedLoss(
        pixel=l1,
        late=Term(late, start=4),
        rare=Term(rare, interval=3),
        never=Term(never, 0.0),
        adversarial=Term(Adversary().generator_loss, start=6, inputs=("fake_logits",)),
    )
    run(criterion, 6)
    assert (late.calls, rare.calls, never.calls) == (2, 2, 0)
    pred, target = images()
    with pytest.raises(TypeError, match="'adversarial' needs the input 'fake_logits'"):
        criterion(pred, target)


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "scalar"])
def test_no_active_term_gives_a_zero_with_a_zero_gradient(layout: str) -> None:
    pred, target = images()
    values = {"contiguous": pred, "transposed": pred.transpose(1, 3), "scalar": pred.sum()}[layout]
    with torch.no_grad():
        pred[0, 0, 0, 0] = torch.inf  # 0 * inf would be NaN
    criterion = CombinedLoss(late=Term(l1, start=1))
    total = criterion(values, target)
    assert total.item() == 0.0
    assert total.dtype is torch.float32
    (gradient,) = torch.autograd.grad(total, pred)
    assert gradient.abs().sum().item() == 0.0
    assert criterion.last.values == {}
    assert criterion.last.total.item() == 0.0


def test_no_active_term_and_no_pred() -> None:
    fake = torch.ones(3, dtype=torch.float16, requires_grad=True)
    criterion = CombinedLoss(
        late=Term(Adversary().generator_loss, start=2, inputs=("fake_logits",))
    )
    criterion(fake_logits=fake).backward()
    assert fake.grad is not None
    with pytest.raises(TypeError, match="pass pred"):
        criterion()


def test_only_training_calls_with_gradients_are_counted() -> None:
    pred, target = images()
    criterion = CombinedLoss(pixel=l1)
    criterion(pred, target)
    assert criterion.step == 1
    with torch.no_grad():
        criterion(pred, target)
    with torch.inference_mode():
        criterion(pred, target)
    criterion.eval()(pred, target)
    assert criterion.step == 1
    criterion.train()(pred, target)
    assert criterion.step == 2


def test_a_failed_call_is_not_counted() -> None:
    pred, target = images()
    criterion = CombinedLoss(pixel=l1, shape=Term(lambda pred: pred))
    with pytest.raises(ValueError, match="scalar"):
        criterion(pred, target)
    assert criterion.step == 0


def test_step_can_be_set() -> None:
    criterion = CombinedLoss(pixel=l1, late=Term(l2, start=10**10))
    criterion.step = 10**10 - 1
    assert [list(weights) for weights in run(criterion, 2)] == [["pixel"], ["pixel", "late"]]
    assert criterion.step == 10**10 + 1
    criterion.step = 0
    assert criterion.step == 0


@pytest.mark.parametrize(
    ("step", "error"), [(-1, ValueError), (1.0, TypeError), (True, TypeError), ("3", TypeError)]
)
def test_bad_step(step: object, error: type[Exception]) -> None:
    criterion = CombinedLoss(pixel=l1)
    with pytest.raises(error, match="step"):
        criterion.step = step  # type: ignore[assignment]


# ---- last


def test_last_holds_values_weights_and_total() -> None:
    pred, target = images()
    criterion = CombinedLoss(
        pixel=Term(l1, 2.0), square=Term(Scaled(), 0.5, ramp=2), late=Term(l2, start=5)
    )
    total = criterion(pred, target)
    last = criterion.last
    assert list(last.values) == ["pixel", "square"]  # what was not evaluated is absent
    torch.testing.assert_close(last.values["pixel"], l1(pred, target).detach())
    torch.testing.assert_close(last.values["square"], 0.5 * l2(pred, target).detach())
    assert last.weights == {"pixel": 2.0, "square": 0.25}
    torch.testing.assert_close(last.weighted["square"], 0.125 * l2(pred, target).detach())
    torch.testing.assert_close(last.weighted["pixel"] + last.weighted["square"], last.total)
    torch.testing.assert_close(last.total, total.detach())
    assert not any(
        tensor.requires_grad
        for tensor in (*last.values.values(), *last.weighted.values(), last.total)
    )
    assert last.step == 0

    criterion(pred, target)
    assert criterion.last.weights == {"pixel": 2.0, "square": 0.5}
    assert last.weights == {"pixel": 2.0, "square": 0.25}  # an earlier report does not change


def test_last_reports_evaluation_calls_too() -> None:
    pred, target = images()
    criterion = CombinedLoss(pixel=l1)
    criterion(pred, target)
    criterion.eval()(pred, pred.detach())
    assert criterion.last.total.item() == 0.0


def test_last_before_the_first_call() -> None:
    with pytest.raises(RuntimeError, match="call the criterion first"):
        _ = CombinedLoss(pixel=l1).last


class Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.append(func.name())
        return func(*args, **kwargs or {})


SYNCHRONISING = {
    "aten::_local_scalar_dense",
    "aten::item",
    "aten::is_nonzero",
    "aten::equal",
    "aten::nonzero",
}


def test_nothing_synchronises() -> None:
    pred, target = images()
    criterion = CombinedLoss(
        pixel=l1, square=Term(Scaled(), ramp=3, interval=2), late=Term(l2, start=2)
    )
    with Recorder() as recorder:
        for _ in range(4):
            criterion(pred, target).backward()
            _ = (
                criterion.last.values,
                criterion.last.weighted,
                criterion.last.weights,
                criterion.last.total,
                repr(criterion.last),
            )
            _ = criterion.step, repr(criterion)
    assert recorder.names
    assert not SYNCHRONISING & set(recorder.names)

    with Recorder() as recorder:  # the recorder sees what it is to find
        criterion.last.total.item()
    assert SYNCHRONISING & set(recorder.names)


# ---- dtypes and devices


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_terms_are_summed_in_float32(dtype: torch.dtype) -> None:
    def one(pred: Tensor) -> Tensor:
        return (pred * 0 + 1).mean()

    pred = torch.zeros(4, dtype=dtype, requires_grad=True)
    total = CombinedLoss(big=one, small=Term(one, 2.0**-16))(pred)
    assert total.dtype is torch.float32
    assert total.item() == 1 + 2.0**-16  # lost in half precision
    total.backward()
    assert pred.grad is not None
    assert pred.grad.dtype is dtype


def test_a_float64_term_gives_a_float64_sum() -> None:
    pred, target = images(torch.float64)
    assert CombinedLoss(a=l1, b=l2)(pred, target).dtype is torch.float64
    assert (
        CombinedLoss(a=lambda pred: pred.float().mean(), b=l2)(pred, target).dtype is torch.float64
    )
    assert CombinedLoss(late=Term(l1, start=1))(pred, target).dtype is torch.float64


def test_autocast() -> None:
    class Lowered(nn.Module):
        def forward(self, pred: Tensor, target: Tensor) -> Tensor:
            # A matrix product: bfloat16 under autocast.
            return torch.nn.functional.linear(pred, target[0, 0])[0, 0, 0, 0]

    pred, target = images()
    criterion = CombinedLoss(lowered=Lowered(), pixel=Term(l1, 1e-4))
    with torch.autocast("cpu", torch.bfloat16):
        total = criterion(pred, target)
    lowered = criterion.last.values["lowered"]
    assert lowered.item() == lowered.bfloat16().item()
    assert total.dtype is torch.float32
    torch.testing.assert_close(
        total.detach(), lowered + 1e-4 * criterion.last.values["pixel"], rtol=1e-7, atol=0
    )
    total.backward()
    assert pred.grad is not None
    assert pred.grad.isfinite().all()


def test_modules_behind_terms_move_with_the_criterion() -> None:
    adversary = Adversary()
    criterion = CombinedLoss(
        square=Scaled(),
        adversarial=Term(adversary.generator_loss, inputs=("fake_logits",)),
        partial=functools.partial(Scaled(), mask=torch.ones(7)),
        method_of_partial=Term(
            functools.partial(Adversary().generator_loss), inputs=("fake_logits",)
        ),
    )
    criterion.to(torch.float64)
    assert adversary.margin.dtype is torch.float64
    assert all(buffer.dtype is torch.float64 for buffer in criterion.buffers())
    assert len(list(criterion.buffers())) == 4
    criterion.eval()
    assert not adversary.training
    criterion.to("meta")
    assert adversary.margin.is_meta
    criterion.step = 7
    assert criterion.get_extra_state().device.type == "cpu"
    assert criterion.step == 7


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_cuda_without_synchronisation() -> None:
    pred, target = (tensor.detach().cuda() for tensor in images())
    pred.requires_grad_()
    criterion = CombinedLoss(pixel=l1, square=Term(Scaled(), ramp=3), late=Term(l2, start=2)).cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(4):
            criterion(pred, target).backward()
            _ = criterion.last.weighted
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert criterion.last.total.is_cuda
    assert criterion.step == 4


# ---- saving and copying


def trained() -> CombinedLoss:
    criterion = CombinedLoss(
        pixel=l1,
        square=Term(Scaled(0.7), 2.0, start=2, ramp=3),
        adversarial=Term(Adversary().generator_loss, 0.1, inputs=("fake_logits",)),
    )
    run(criterion, 4, fake_logits=torch.ones(2))
    return criterion


def fresh() -> CombinedLoss:
    return CombinedLoss(
        pixel=l1,
        square=Term(Scaled(0.1), 2.0, start=2, ramp=3),
        adversarial=Term(Adversary().generator_loss, 0.1, inputs=("fake_logits",)),
    )


def test_state_dict_round_trip() -> None:
    saved, loaded = trained(), fresh()
    state = saved.state_dict()
    assert set(state) == {"_extra_state", "square.scale", "square.shift", "adversarial.margin"}
    # Also fits formats that hold tensors only.
    assert all(isinstance(value, Tensor) for value in state.values())
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    assert loaded.load_state_dict(torch.load(file, weights_only=True), strict=True)
    assert loaded.step == 4
    assert run(loaded, 2, fake_logits=torch.ones(2)) == run(saved, 2, fake_logits=torch.ones(2))
    pred, target = images()
    fake = torch.ones(2)
    torch.testing.assert_close(
        loaded(pred, target, fake_logits=fake), saved(pred, target, fake_logits=fake)
    )


def test_state_dict_inside_a_larger_module() -> None:
    model, other = nn.ModuleDict({"criterion": trained()}), nn.ModuleDict({"criterion": fresh()})
    other.load_state_dict(model.state_dict())
    assert other["criterion"].step == 4


def test_state_dict_is_strict() -> None:
    state = trained().state_dict()
    without_step = {key: value for key, value in state.items() if key != "_extra_state"}
    with pytest.raises(RuntimeError, match="_extra_state"):
        fresh().load_state_dict(without_step)
    with pytest.raises(RuntimeError, match="unknown"):
        fresh().load_state_dict({**state, "unknown": torch.ones(())})
    kept = fresh()
    kept.step = 9
    kept.load_state_dict(without_step, strict=False)
    assert kept.step == 9


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (3, TypeError),
        (torch.tensor(3.0), TypeError),
        (torch.tensor([3]), TypeError),
        (torch.tensor(-3), ValueError),
    ],
)
def test_bad_step_in_a_state_dict(step: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="step"):
        fresh().load_state_dict({**fresh().state_dict(), "_extra_state": step})


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "oldest pickle", "torch.save"])
def test_copies_are_whole_and_independent(how: str) -> None:
    criterion = trained()
    if how == "deepcopy":
        twin = copy.deepcopy(criterion)
    elif how == "torch.save":
        file = io.BytesIO()
        torch.save(criterion, file)
        file.seek(0)
        twin = torch.load(file, weights_only=False)
    else:
        twin = pickle.loads(
            pickle.dumps(
                criterion, protocol=0 if how == "oldest pickle" else pickle.HIGHEST_PROTOCOL
            )
        )
    pred, target = images()
    fake = torch.ones(2)
    assert twin.step == 4
    torch.testing.assert_close(
        twin(pred, target, fake_logits=fake), criterion(pred, target, fake_logits=fake)
    )
    twin(pred, target, fake_logits=fake)
    assert (criterion.step, twin.step) == (5, 6)
    # The callable and the registered module are still one object, and not the original's.
    assert twin.terms["adversarial"].loss.__self__ is twin.adversarial is not criterion.adversarial
    assert twin.terms["square"].loss is twin.square is not criterion.square


def test_copies_leave_the_last_call_behind() -> None:
    twin = copy.deepcopy(trained())
    with pytest.raises(RuntimeError, match="call the criterion first"):
        _ = twin.last


def test_distributed_data_parallel_carries_it(tmp_path: object) -> None:
    class Trained(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = nn.Conv2d(3, 3, 1)
            self.criterion = CombinedLoss(pixel=l1, square=Term(Scaled(), ramp=2))

        def forward(self, low: Tensor, target: Tensor) -> Tensor:
            return self.criterion(self.network(low), target)

    assert not [p for p in CombinedLoss(pixel=l1).parameters()]
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    try:
        model = nn.parallel.DistributedDataParallel(Trained())
        pred, target = images()
        for _ in range(3):
            model(pred.detach(), target).backward()
        assert model.module.criterion.step == 3
    finally:
        torch.distributed.destroy_process_group()


# ---- torch.compile


class Counting:
    """A backend that counts compiled graphs; forward and backward pass through AOTAutograd."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, inputs: list[Tensor]) -> object:
        self.graphs += 1
        return torch._dynamo.lookup_backend("aot_eager")(graph, inputs)


# Compiled graphs in 20 steps: one per set of terms evaluated together, told apart by why a term is
# off (not started, between intervals). The step itself never compiles again.
SCHEDULES = {
    "constant": (1, dict),
    "ramp": (1, lambda: {"ramp": 30}),
    "start": (2, lambda: {"start": 5}),
    "start at 1": (2, lambda: {"start": 1}),
    "start and ramp": (2, lambda: {"start": 5, "ramp": 30}),
    "interval": (2, lambda: {"interval": 4}),
    "all": (3, lambda: {"start": 5, "ramp": 30, "interval": 4}),
}


@pytest.mark.parametrize(
    ("schedule", "inside"),
    [*((schedule, "criterion") for schedule in SCHEDULES), ("all", "training step")],
)
def test_compiled_equals_eager_and_compiles_once_per_set_of_terms(
    schedule: str, inside: str
) -> None:
    graphs, settings = SCHEDULES[schedule]

    def build() -> CombinedLoss:
        adversarial = Term(Adversary().generator_loss, 0.1, inputs=("fake_logits",))
        return CombinedLoss(
            pixel=Term(l1, 0.5), square=Term(Scaled(), 2.0, **settings()), adversarial=adversarial
        )

    torch._dynamo.reset()
    eager, traced, backend = build(), build(), Counting()
    if inside == "criterion":
        compiled = torch.compile(traced, fullgraph=True, backend=backend)
    else:
        compiled = torch.compile(
            lambda pred, target, **named: traced(pred * 1.0, target, **named),
            fullgraph=True,
            backend=backend,
        )
    pred, target = images()
    fake = torch.tensor([0.2, -0.4])
    for step in range(20):
        ours, expected = (
            compiled(pred, target, fake_logits=fake),
            eager(pred, target, fake_logits=fake),
        )
        torch.testing.assert_close(ours, expected)
        torch.testing.assert_close(
            torch.autograd.grad(ours, pred), torch.autograd.grad(expected, pred)
        )
        assert traced.last.step == step
        assert traced.last.weights == eager.last.weights
        torch.testing.assert_close(traced.last.values, eager.last.values)
        torch.testing.assert_close(traced.last.weighted, eager.last.weighted)
        torch.testing.assert_close(traced.last.total, expected.detach())
        assert traced.last.total.grad_fn is None
        assert traced.step == step + 1
        assert type(traced.step) is int
    assert backend.graphs == graphs


def test_compiled_through_the_end_of_a_ramp() -> None:
    torch._dynamo.reset()
    criterion, backend = CombinedLoss(pixel=l1, square=Term(l2, 2.0, ramp=6)), Counting()
    compiled = torch.compile(criterion, fullgraph=True, backend=backend)
    pred, target = images()
    for step in range(12):
        expected = l1(pred, target) + min(step + 1, 6) / 6 * 2.0 * l2(pred, target)
        torch.testing.assert_close(compiled(pred, target), expected)
    assert backend.graphs <= 2  # one; torch 2.6 compiles once more where the ramp ends


def test_compiled_step_is_set_saved_and_not_advanced_in_evaluation() -> None:
    torch._dynamo.reset()
    criterion = CombinedLoss(pixel=l1, late=Term(l2, start=50))
    compiled = torch.compile(criterion, fullgraph=True, backend="aot_eager")
    pred, target = images()
    compiled(pred, target)
    compiled.step = 50
    assert criterion.step == 50
    torch.testing.assert_close(compiled(pred, target), l1(pred, target) + l2(pred, target))
    assert int(criterion.state_dict()["_extra_state"]) == 51
    compiled.eval()
    compiled(pred, target)
    with torch.no_grad():
        compiled.train()(pred, target)
    assert criterion.step == 51
    fresh = CombinedLoss(pixel=l1, late=Term(l2, start=50))
    fresh.load_state_dict(criterion.state_dict())
    assert fresh.step == 51


def test_compiled_with_no_active_term() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(
        CombinedLoss(late=Term(l1, start=1)), fullgraph=True, backend="aot_eager"
    )
    pred, target = images()
    (gradient,) = torch.autograd.grad(compiled(pred, target), pred)
    assert gradient.abs().sum().item() == 0.0
    torch.testing.assert_close(compiled(pred, target), l1(pred, target))


# From torch.compile, where it takes up after the break.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_compiled_around_a_term_that_cannot_be_traced() -> None:
    def reads_a_value(pred: Tensor, target: Tensor) -> Tensor:
        torch._dynamo.graph_break()
        return l2(pred, target)

    torch._dynamo.reset()
    criterion = CombinedLoss(pixel=l1, other=Term(reads_a_value, 2.0))
    compiled = torch.compile(criterion, backend="aot_eager")
    pred, target = images()
    for step in range(3):
        torch.testing.assert_close(
            compiled(pred, target), l1(pred, target) + 2.0 * l2(pred, target)
        )
        assert criterion.step == step + 1
        assert list(criterion.last.values) == ["pixel", "other"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Skipping serialization")  # torch 2.6, of its own settings
def test_compiled_by_the_default_backend() -> None:
    torch._dynamo.reset()
    criterion = CombinedLoss(pixel=l1, square=Term(Scaled(), 2.0, ramp=5))  # one graph
    compiled = torch.compile(criterion, fullgraph=True)
    eager = copy.deepcopy(criterion)
    pred, target = images()
    for _ in range(6):
        ours, expected = compiled(pred, target), eager(pred, target)
        torch.testing.assert_close(ours, expected)
        torch.testing.assert_close(
            torch.autograd.grad(ours, pred), torch.autograd.grad(expected, pred)
        )
        torch.testing.assert_close(criterion.last.weighted, eager.last.weighted)
    assert criterion.step == 6


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Skipping serialization")  # torch 2.6, of its own settings
@pytest.mark.parametrize("accumulate", [1, 2])
def test_compiled_loss_keeps_its_gradient_beside_the_detached_values(accumulate: int) -> None:
    # A factor of 1 is folded away, which made the sum and its detached twin one tensor, without a
    # gradient.
    torch._dynamo.reset()
    criterion = CombinedLoss(pixel=l1)
    compiled = torch.compile(
        lambda pred, target: criterion(pred, target) / accumulate, fullgraph=True
    )
    pred, target = images()
    (gradient,) = torch.autograd.grad(compiled(pred, target), pred)
    torch.testing.assert_close(
        gradient, torch.autograd.grad(l1(pred, target) / accumulate, pred)[0]
    )
    torch.testing.assert_close(criterion.last.total, l1(pred, target).detach())


# ---- nesting and looks


def test_a_combined_loss_may_be_a_term() -> None:
    pred, target = images()
    fake = torch.tensor([0.2, -0.4])
    adversary = Adversary()
    inner = CombinedLoss(
        pixel=Term(l1, 3.0), adversarial=Term(adversary.generator_loss, inputs=("fake_logits",))
    )
    outer = CombinedLoss(
        inner=Term(inner, 0.5, inputs=("pred", "target", "fake_logits"), start=1), square=l2
    )
    torch.testing.assert_close(outer(pred, target), l2(pred, target))
    total = outer(pred, target, fake_logits=fake)
    torch.testing.assert_close(
        total, 0.5 * (3.0 * l1(pred, target) + adversary.generator_loss(fake)) + l2(pred, target)
    )
    assert list(outer.inner.last.values) == ["pixel", "adversarial"]
    assert (outer.step, inner.step) == (2, 1)  # the inner one counts its own calls
    assert {"_extra_state", "inner._extra_state", "inner.adversarial.margin"} == set(
        outer.state_dict()
    )
    with pytest.raises(
        TypeError, match="term 'inner': term 'adversarial' needs the input 'fake_logits'"
    ):
        CombinedLoss(inner=Term(inner, inputs=BOTH))(pred, target)


def test_repr_is_a_table() -> None:
    class Charbonnier(nn.Module):
        def forward(self, pred: Tensor, target: Tensor) -> Tensor:
            return l1(pred, target)

        def extra_repr(self) -> str:
            return "eps=0.001"

    criterion = CombinedLoss(
        pixel=Charbonnier(),
        flat=Term(functools.partial(variation, mask=None), 0.05, interval=4),
        adversarial=Term(
            Adversary().generator_loss, 5e-3, inputs=("fake_logits",), start=10_000, ramp=2_000
        ),
        many=Term(nn.Sequential(nn.Identity()), inputs=("pred",)),
    )
    criterion.step = 12
    expected = """\
CombinedLoss(step=12
  name         weight  inputs       schedule                loss
  pixel        1       pred, target  always                  Charbonnier(eps=0.001)
  flat         0.05    pred         interval=4              partial(variation, mask=None)
  adversarial  0.005   fake_logits  start=10000, ramp=2000  Adversary().generator_loss
  many         1       pred         always                  Sequential((0): Identity())
)"""
    assert [line.split() for line in repr(criterion).splitlines()] == [
        line.split() for line in expected.splitlines()
    ]
    long = repr(CombinedLoss(a=ssimloss.MSSSIMLoss(), b=ssimloss.SSIMLoss())).splitlines()
    assert max(map(len, long)) <= 100, "options go on below"
    assert "".join(long).replace(" ", "").count("sigma=1.5") == 2
    columns = [line.index("always") for line in repr(criterion).splitlines() if "always" in line]
    assert len(set(columns)) == 1
    assert (
        repr(criterion.terms["flat"])
        == "Term(partial(variation, mask=None), 0.05, inputs=('pred',), interval=4)"
    )
    assert "(criterion): CombinedLoss(step=12" in repr(nn.ModuleDict({"criterion": criterion}))


# ---- errors


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"weight": float("nan")}, ValueError, "weight must be finite"),
        ({"weight": float("inf")}, ValueError, "weight must be finite"),
        ({"weight": True}, TypeError, "weight must be a number"),
        ({"weight": "1"}, TypeError, "weight must be a number"),
        ({"weight": torch.tensor(1.0)}, TypeError, "weight must be a number"),
        ({"start": -1}, ValueError, "start must be at least 0"),
        ({"start": 1.0}, TypeError, "start must be an integer"),
        ({"start": True}, TypeError, "start must be an integer"),
        ({"ramp": -1}, ValueError, "ramp must be at least 0"),
        ({"ramp": 0.5}, TypeError, "ramp must be an integer"),
        ({"interval": 0}, ValueError, "interval must be at least 1"),
        ({"interval": None}, TypeError, "interval must be an integer"),
        (
            {"inputs": "pred"},
            TypeError,
            r"inputs must be a tuple of names, got 'pred'; write \('pred',\)",
        ),
        ({"inputs": ("pred", 3)}, TypeError, "inputs must be a tuple of names"),
        ({"inputs": ()}, ValueError, "inputs must name at least one"),
        ({"inputs": ("pred", "fake logits")}, ValueError, "'fake logits'"),
        ({"inputs": ("pred", "lambda")}, ValueError, "'lambda'"),
        (
            {"inputs": ("pred",)},
            TypeError,
            r"inputs \('pred',\) do not fit the call l1.*missing a required argument",
        ),
        (
            {"inputs": ("pred", "target", "mask")},
            TypeError,
            "do not fit the call l1.*too many positional",
        ),
        ({"loss": 3}, TypeError, "loss must be callable"),
        ({"loss": Scaled}, TypeError, r"loss is the class Scaled.*Term\(Scaled\(...\)\)"),
    ],
)
def test_bad_terms(settings: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Term(**{"loss": l1, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "score",
    [F.ssim, F.psnr, functools.partial(F.ms_ssim, min_size="fewer_scales")],
    ids=["ssim", "psnr", "partial"],
)
@pytest.mark.parametrize("weight", [0.1, {"weight": 0.1, "start": 5}], ids=["number", "schedule"])
def test_a_score_that_training_would_lower(score: Callable[..., Tensor], weight: Any) -> None:
    with pytest.warns(LossWarning, match="is a score.*a positive weight lowers it; use its loss"):
        Term(score, weight)


def test_scores_and_losses_that_training_improves() -> None:
    """Warnings are errors in the tests."""
    Term(F.ssim, -0.1)
    Term(F.ssim, 0.0)
    Term(F.ssim, lambda step: -0.1 * step)
    Term(F.ssim, 0.1, stages={0: -1.0})

    @functools.wraps(F.ssim)  # which copies the attribute
    def complement(pred: Tensor, target: Tensor) -> Tensor:
        return 1 - F.ssim(pred, target)

    Term(complement)
    for loss in (F.ssim_loss, F.gmsd, F.charbonnier, ssimloss.SSIMLoss()):
        Term(loss)
    directions = {f.__name__: getattr(f, "higher_is_better", None) for f in (F.ssim, F.ssim_loss)}
    assert directions == {"ssim": True, "ssim_loss": False}


def test_terms_are_frozen() -> None:
    term = Term(l1, 1.0)
    with pytest.raises(AttributeError, match=r"Term\.weight is fixed"):
        term.weight = 2.0
    with pytest.raises(AttributeError, match=r"Term\.weight is fixed"):
        del term.weight
    criterion = CombinedLoss(pixel=term, square=Scaled())
    with pytest.raises(TypeError):
        criterion.terms["pixel"] = Term(l2)  # type: ignore[index]
    for name in criterion.terms:  # an assignment that would change nothing
        with pytest.raises(AttributeError, match="is fixed when CombinedLoss is built"):
            setattr(criterion, name, Scaled(2.0))
    criterion.note = "anything else may be set"


@pytest.mark.parametrize(
    "name",
    [
        "forward",
        "training",
        "train",
        "to",
        "step",
        "last",
        "terms",
        "_terms",
        "_parameters",
        "_progress",
    ],
)
def test_term_names_do_not_shadow_the_module(name: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be named '{name}'"):
        CombinedLoss(**{name: l1})


@pytest.mark.parametrize("name", ["two words", "1st", "", "a.b", "class"])
def test_term_names_are_identifiers(name: str) -> None:
    with pytest.raises(ValueError, match="must be an identifier"):
        CombinedLoss(**{name: l1})


def test_bad_construction() -> None:
    with pytest.raises(ValueError, match="at least one term"):
        CombinedLoss()
    with pytest.raises(TypeError, match="term 'pixel' must be a Term or a callable, got float"):
        CombinedLoss(pixel=1.0)  # type: ignore[arg-type]


def test_missing_input() -> None:
    pred, target = images()
    criterion = CombinedLoss(
        pixel=l1, adversarial=Term(Adversary().generator_loss, inputs=("fake_logits",))
    )
    with pytest.raises(
        TypeError,
        match=r"term 'adversarial' needs the input 'fake_logits'; given: pred, "
        r"target;.*fake_logits=\.\.\.",
    ):
        criterion(pred, target)
    with pytest.raises(
        TypeError, match="term 'pixel' needs the input 'target'; given: pred, fake_logits"
    ):
        criterion(pred, fake_logits=torch.ones(2))
    with pytest.raises(TypeError, match="term 'pixel' needs the input 'pred'; given: nothing"):
        criterion()


def test_unknown_input() -> None:
    pred, target = images()
    adversary = Adversary()
    criterion = CombinedLoss(
        pixel=l1,
        one=Term(adversary.generator_loss, inputs=("fake_logits",)),
        two=Term(adversary.generator_loss, inputs=("fake_logits",)),
    )
    with pytest.raises(
        TypeError, match=r"'fake_logit'.*pred \(pixel\), target \(pixel\), fake_logits \(one, two\)"
    ):
        criterion(pred, target, fake_logit=torch.ones(2), fake_logits=torch.ones(2))
    CombinedLoss(flat=variation)(pred, target)  # pred and target may always be given


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            torch.zeros(2, 3),
            ValueError,
            r"term 'odd' must return a scalar, got shape \(2, 3\).*reduction=\"mean\"",
        ),
        (torch.zeros(1), ValueError, r"term 'odd' must return a scalar, got shape \(1,\)"),
        (
            torch.tensor(3),
            TypeError,
            "term 'odd' must return a floating point scalar, got torch.int64",
        ),
        (0.5, TypeError, "term 'odd' must return a scalar tensor, got float"),
        (None, TypeError, "term 'odd' must return a scalar tensor, got NoneType"),
        ((torch.tensor(1.0),), TypeError, "term 'odd' must return a scalar tensor, got tuple"),
    ],
)
def test_what_a_term_returns(value: object, error: type[Exception], message: str) -> None:
    pred, target = images()
    with pytest.raises(error, match=message):
        CombinedLoss(pixel=l1, odd=Term(lambda pred: value))(pred, target)  # type: ignore[arg-type, return-value]  # noqa: ARG005


class OutOfRoom(RuntimeError):
    def __init__(self, message: str, room: int) -> None:
        super().__init__(message, room)


@pytest.mark.parametrize(
    "error",
    [
        TypeError("odd"),
        ValueError("odd"),
        RuntimeError("odd"),
        OutOfRoom("odd", 3),
        torch.OutOfMemoryError("odd"),
    ],
)
def test_errors_inside_a_term_name_it_and_keep_their_type(error: Exception) -> None:
    def fails(*images: Tensor) -> Tensor:  # noqa: ARG001
        raise error

    pred, target = images()
    with pytest.raises(type(error), match="term 'faulty': odd") as caught:
        CombinedLoss(pixel=l1, faulty=Term(fails, inputs=BOTH))(pred, target)
    assert caught.value is error
    assert caught.traceback[-1].name == "fails"
    assert not isinstance(error, OutOfRoom) or error.args[1] == 3


def test_errors_without_a_message_and_other_errors() -> None:
    def silent(pred: Tensor) -> Tensor:  # noqa: ARG001
        raise ValueError

    def interrupted(pred: Tensor) -> Tensor:  # noqa: ARG001
        raise KeyError("left alone")

    pred, _ = images()
    with pytest.raises(ValueError, match="term 'faulty': "):
        CombinedLoss(faulty=silent)(pred)
    with pytest.raises(KeyError, match=r"^'left alone'$"):
        CombinedLoss(faulty=interrupted)(pred)
