"""Penalties on a discriminator: closed forms, second derivatives, loss scaling, compiled and
distributed discriminators.
"""

from __future__ import annotations

import functools

import pytest
import torch
from oldest import needs_torch
from torch import Tensor, nn

import ssimloss.functional as F
from ssimloss import CombinedLoss, Term


def images(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    real, fake = torch.rand(2, *(shape or (3, 2, 4, 5)), generator=generator, dtype=torch.float64)
    return real, fake


class Quadratic(nn.Module):
    """``sum a x^2 / 2``, whose gradient is ``a x``."""

    def __init__(self, shape: tuple[int, ...] = (2, 4, 5)) -> None:
        super().__init__()
        self.a = nn.Parameter(
            torch.rand(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64) + 0.5
        )

    def forward(self, x: Tensor) -> Tensor:
        return (self.a * x.square() / 2).flatten(1).sum(1)


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.Softplus(),
            nn.Conv2d(4, 1, 3),
            nn.Flatten(2),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
        )


def close(found: Tensor, expected: Tensor | float, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(
        found.detach().double(),
        torch.as_tensor(expected, dtype=torch.float64).detach(),
        rtol=tolerance,
        atol=tolerance,
    )


def parameter_gradients(module: nn.Module, loss: Tensor) -> list[Tensor]:
    found = torch.autograd.grad(loss, list(module.parameters()), allow_unused=True)
    return [
        torch.zeros_like(p) if g is None else g
        for p, g in zip(module.parameters(), found, strict=True)
    ]


# --- closed forms ---------------------------------------------------------------------------------


def test_linear_discriminator() -> None:
    """Its gradient is its weight, wherever it is looked at; the gradient of the penalty with it."""
    real, fake = images()
    w = torch.randn(
        2, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True
    )
    judge = lambda x: (w * x).flatten(1).sum(1)  # noqa: E731
    norm = w.norm()
    for target in (1.0, 2.5):
        close(F.gradient_penalty(judge, real, fake, target=target), (norm - target).square())
        found = torch.autograd.grad(F.gradient_penalty(judge, real, fake, target=target), w)[0]
        close(found, 2 * (norm - target) * w / norm)
    assert norm > 1
    close(
        F.gradient_penalty(judge, real, fake, target=2 * float(norm.detach()), sides="above"), 0.0
    )
    close(F.gradient_penalty(judge, real, fake, sides="above"), (norm - 1).square())
    for penalty in (
        F.gradient_penalty(judge, real, fake, target=0.0),
        F.r1_penalty(judge, real),
        F.r2_penalty(judge, fake),
    ):
        close(penalty, norm.square())
        close(torch.autograd.grad(penalty, w)[0], 2 * w)
    close(
        F.gradient_penalty(judge, real, fake, norm="channel"), (w.norm(dim=0) - 1).square().mean()
    )
    close(F.r1_penalty(judge, real, reduction="sum"), 3 * norm.square())
    assert (
        F.r1_penalty(judge, real, reduction="none").shape
        == F.gradient_penalty(judge, real, fake, reduction="image").shape
        == (3,)
    )
    assert F.gradient_penalty(judge, real, fake, norm="channel", reduction="none").shape == (
        3,
        1,
        4,
        5,
    )


def test_norm_of_channels_is_another_number() -> None:
    """BasicSR's: 0.79 against 0.009 on a gradient of norm about 1, which an image should have."""
    real, fake = images(2, 3, 16, 16)
    w = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    w = w / w.norm()
    judge = lambda x: (w * x).flatten(1).sum(1)  # noqa: E731
    assert F.gradient_penalty(judge, real, fake) < 1e-12
    assert F.gradient_penalty(judge, real, fake, norm="channel") > 0.7


def test_quadratic_discriminator() -> None:
    """Where it is looked at: at real images, at generated ones, and between, at a place drawn for
    each image.
    """
    real, fake = images()
    judge = Quadratic()
    a = judge.a.detach()
    close(F.r1_penalty(judge, real), (a * real).square().sum((1, 2, 3)).mean())
    close(F.r2_penalty(judge, fake), (a * fake).square().sum((1, 2, 3)).mean())
    close(parameter_gradients(judge, F.r1_penalty(judge, real))[0], (2 * a * real.square()).mean(0))
    draw = lambda: torch.Generator().manual_seed(9)  # noqa: E731
    u = torch.rand(3, 1, 1, 1, generator=draw(), dtype=torch.float64)
    assert u.unique().numel() == 3
    norms = (a * (u * real + (1 - u) * fake)).flatten(1).norm(dim=1)
    close(F.gradient_penalty(judge, real, fake, rng=draw()), (norms - 1).square().mean())
    close(
        F.gradient_penalty(judge, real, fake, rng=draw(), reduction="image"), (norms - 1).square()
    )
    assert F.gradient_penalty(judge, real, fake, rng=draw()) == F.gradient_penalty(
        judge, real, fake, rng=draw()
    )


def test_maps_and_lists() -> None:
    """Of a map of patches, the sum is differentiated; each tensor of a list has its own penalty."""
    real, _ = images()
    judge = Quadratic()
    patches = lambda x: judge.a[:1] * x[:, :1].square() / 2  # noqa: E731
    one = (judge.a[:1] * real[:, :1]).square().sum((1, 2, 3)).mean()
    close(F.r1_penalty(patches, real), one)
    close(F.r1_penalty(lambda x: patches(x).mean((2, 3)), real), one / 400)
    both = lambda x: [[judge(x), 2 * judge(x)], [patches(x)]]  # noqa: E731
    whole = F.r1_penalty(judge, real)
    close(F.r1_penalty(both, real), 5 / 4 * whole + one / 2)
    close(F.r1_penalty(both, real, scales="sum"), 5 * whole + one)


def test_penalties_leave_the_images_alone() -> None:
    real, fake = (image.requires_grad_() for image in images())
    loss = F.gradient_penalty(Quadratic(), real, fake) + F.r1_penalty(Quadratic(), real)
    assert torch.autograd.grad(loss, (real, fake), allow_unused=True) == (None, None)
    plain = images()[0]
    F.r1_penalty(Quadratic(), plain)
    assert not plain.requires_grad


def test_zero_gradient_is_no_nan() -> None:
    real, fake = images()
    judge = Quadratic()
    with torch.no_grad():
        judge.a.zero_()
    for penalty in (
        F.gradient_penalty(judge, real, fake),
        F.gradient_penalty(judge, real, fake, norm="channel"),
        F.r1_penalty(judge, real),
    ):
        assert parameter_gradients(judge, penalty)[0].isfinite().all()
    close(F.gradient_penalty(judge, real, fake), 1.0)


@pytest.mark.parametrize("name", ["r1", "r2", "gp", "one_sided", "channel"])
def test_derivative_is_right(name: str) -> None:
    """For the parameters, through the second derivative of a network."""
    real, fake = images(2, 2, 5, 5)
    judge = network().double()
    parameters = dict(judge.named_parameters())

    def penalty(*values: Tensor) -> Tensor:
        def called(x: Tensor) -> Tensor:
            return torch.func.functional_call(judge, dict(zip(parameters, values, strict=True)), x)

        if name in ("r1", "r2"):
            return {"r1": F.r1_penalty, "r2": F.r2_penalty}[name](called, real)
        options = {
            "gp": {},
            "one_sided": {"sides": "above", "target": 0.01},
            "channel": {"norm": "channel"},
        }[name]
        return F.gradient_penalty(
            called, real, fake, rng=torch.Generator().manual_seed(2), **options
        )

    assert torch.autograd.gradcheck(
        penalty, [p.detach().requires_grad_() for p in parameters.values()]
    )


# --- LeCam ----------------------------------------------------------------------------------------


def test_lecam() -> None:
    real, fake = torch.randn(
        2, 6, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    a_r, a_f = torch.tensor(0.4), torch.tensor(-0.3)
    clipped = (real - a_f).clamp(min=0).square().mean() + (a_r - fake).clamp(min=0).square().mean()
    close(F.lecam_penalty(real, fake, real_average=a_r, fake_average=a_f), clipped, 1e-7)
    square = (real + 0.3).square().mean() + (fake - 0.4).square().mean()
    close(F.lecam_penalty(real, fake, real_average=0.4, fake_average=-0.3, form="square"), square)
    close(
        F.lecam_penalty(
            [real, fake], [fake, real], real_average=0.0, fake_average=0.0, form="square"
        ),
        real.square().mean() + fake.square().mean(),
    )
    moved = a_r.clone().requires_grad_()
    assert not F.lecam_penalty(real, fake, real_average=moved, fake_average=a_f).requires_grad
    assert (
        F.lecam_penalty(real.half(), fake.half(), real_average=a_r, fake_average=a_f).dtype
        is torch.float32
    )
    pair = [x.clone().requires_grad_() for x in (real, fake)]
    assert torch.autograd.gradcheck(
        lambda r, f: F.lecam_penalty(r, f, real_average=0.1, fake_average=0.2), pair
    )
    with pytest.raises(ValueError, match="fake_average must be a floating point scalar"):
        F.lecam_penalty(real, fake, real_average=a_r, fake_average=torch.zeros(2))


# --- mixed precision ------------------------------------------------------------------------------


@pytest.mark.parametrize("scaled", [False, True], ids=["float32", "under the scaler"])
def test_under_a_grad_scaler(scaled: bool) -> None:
    """Gradients of the parameters, after unscaling, are those of float32; in float16 without the
    scale they would underflow.
    """
    real = images(3, 2, 8, 8)[0].float()
    expected = parameter_gradients(judge := network(), F.r1_penalty(judge, real))
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    optimizer = torch.optim.SGD(judge.parameters(), lr=0.0)
    with torch.autocast("cpu", dtype=torch.float16):
        penalty = F.r1_penalty(judge, real, scaler=scaler if scaled else None)
        assert penalty.dtype is torch.float32
        scaler.scale(penalty).backward()
    scaler.unscale_(optimizer)
    for parameter, truth in zip(judge.parameters(), expected, strict=True):
        found = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        assert (found - truth).norm() <= (2e-2 if scaled else 1e-6) * truth.norm()
    assert expected[0].norm() > 0
    scaler.step(optimizer)


def test_scale_is_taken_out() -> None:
    """A gradient of 1e-8 on its way through float16 is 0 without the scale, and itself with it."""
    judge = lambda x: ((x.half() * 1e-4).float() * 1e-4).sum(1, keepdim=True)  # noqa: E731
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    assert F.r1_penalty(judge, torch.ones(2, 4)) == 0
    torch.testing.assert_close(
        F.r1_penalty(judge, torch.ones(2, 4), scaler=scaler), torch.tensor(4e-16), rtol=5e-3, atol=0
    )


def test_half_images_are_taken_in_float32() -> None:
    real = images(3, 2, 8, 8)[0].half()
    judge = network()
    close(F.r1_penalty(judge, real), F.r1_penalty(judge, real.float()), 0)
    halved = network().bfloat16()
    found = F.r1_penalty(lambda x: halved(x.bfloat16()), real)
    assert found.dtype is torch.float32
    assert found.isfinite()


# --- compiled, without gradients, in a sum --------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_discriminators_run_uncompiled() -> None:
    """Code made by torch.compile has no second derivative; the network behind it has,
    and is taken.
    """
    real, fake = (image.float() for image in images(3, 2, 8, 8))
    expected = parameter_gradients(judge := network(), F.r1_penalty(judge, real))
    in_place = network()
    in_place.compile(backend="aot_eager")
    for compiled in (torch.compile(network(), backend="aot_eager"), in_place):
        compiled(real).sum().backward()  # compiled by now
        for found, truth in zip(
            parameter_gradients(compiled, F.r1_penalty(compiled, real)), expected, strict=True
        ):
            close(found, truth, 1e-6)
        assert F.gradient_penalty(compiled, real, fake).requires_grad
    wrapped = torch.compile(judge, backend="aot_eager")
    x = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(wrapped(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="double backward"):  # else this test is no longer needed
        gradient.square().sum().backward()


@needs_torch(2, 7, "errors in a compiled step lose their words")
@pytest.mark.filterwarnings("ignore")
def test_inside_a_compiled_step_it_says_so() -> None:
    judge = network()
    with pytest.raises(Exception, match="call them outside of the compiled step"):
        torch.compile(lambda x: F.r1_penalty(judge, x), backend="eager", fullgraph=True)(
            images(3, 2, 8, 8)[0].float()
        )


def test_values_without_gradients() -> None:
    judge, real = Quadratic(), images()[0]
    with torch.no_grad():
        found = F.r1_penalty(judge, real)
    assert not found.requires_grad
    assert found == F.r1_penalty(judge, real)


def test_lazy_in_a_combined_loss() -> None:
    """Every second step, twice as strong."""
    judge, (real, _) = Quadratic(), images()
    penalty = functools.partial(F.r1_penalty, judge)
    criterion = CombinedLoss(r1=Term(penalty, 2 * 10 / 2, inputs=("real",), interval=2))
    values = [criterion(real=real) for _ in range(4)]
    close(values[0], 10 * F.r1_penalty(judge, real))
    assert [float(value.detach()) > 0 for value in values] == [True, False, True, False]


# --- errors ---------------------------------------------------------------------------------------


def test_bad_input_is_named() -> None:
    judge, (real, fake) = Quadratic(), images()
    for call, error, message in (
        (lambda: F.r1_penalty(judge, real.long()), TypeError, "real must be floating point"),
        (lambda: F.r2_penalty(judge, None), TypeError, "fake must be a torch.Tensor"),
        (
            lambda: F.r1_penalty(judge, real[0, 0, 0]),
            ValueError,
            r"real must have shape \(N, ...\)",
        ),
        (
            lambda: F.gradient_penalty(judge, real, fake[:1]),
            ValueError,
            "fake must have the shape of real",
        ),
        (
            lambda: F.gradient_penalty(judge, real, fake, norm="image"),
            ValueError,
            "norm must be one of 'sample', 'channel'",
        ),
        (
            lambda: F.gradient_penalty(judge, real, fake, sides="one"),
            ValueError,
            "sides must be one of 'both', 'above'",
        ),
        (
            lambda: F.r1_penalty(judge, real, reduction="batch"),
            ValueError,
            "reduction must be one of",
        ),
        (lambda: F.r1_penalty(3, real), TypeError, "discriminator must be callable"),
        (
            lambda: F.r1_penalty(lambda x: judge(x.detach()), real),
            ValueError,
            "discriminator must depend on its images",
        ),
        (
            lambda: F.r1_penalty(lambda x: judge(x).detach(), real),
            ValueError,
            "discriminator must depend on its images",
        ),
        (
            lambda: F.r1_penalty(lambda x: x, real),
            ValueError,
            "the discriminator's logits must have shape",
        ),
    ):
        with pytest.raises(error, match=message):
            call()
