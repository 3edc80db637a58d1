"""A measured step of CombinedLoss, which takes the gradient of each term at ``pred``, trains as the
plain weighted sum does, whatever stands before and behind ``pred``.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ssimloss import CharbonnierLoss, CombinedLoss, SSIMLoss, Term
from ssimloss.networks import FeatureExtractor

pytestmark = pytest.mark.usefixtures("one_thread")


class Generator(nn.Module):
    """An image, and a map that does not pass it."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Conv2d(3, 8, 3, padding=1)
        self.image = nn.Conv2d(8, 3, 3, padding=1)
        self.map = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, low: Tensor) -> tuple[Tensor, Tensor]:
        features = torch.tanh(self.trunk(low))
        return low + self.image(features), self.map(features)


class Layerwise(nn.Module):
    """A loss on the features of a frozen network, which two terms share."""

    def __init__(self, network: nn.Module, layer: str) -> None:
        super().__init__()
        self.extractor = FeatureExtractor(network, [layer])

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        ours, theirs = self.extractor(pred), self.extractor(target)
        return sum(((ours[layer] - theirs[layer]) ** 2).mean() for layer in ours)  # type: ignore[return-value]


class Headed(nn.Module):
    """A loss with trainable parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 2, 1)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (self.head(pred) - self.head(target)).square().mean()


class World:
    """Networks and images of one training step."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        torch.manual_seed(0)
        self.generator = Generator().to(dtype)
        self.discriminator = nn.Sequential(
            nn.Conv2d(3, 8, 4, 2), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4, 2)
        ).to(dtype)
        self.judge = nn.Conv2d(3, 1, 4, 2).to(dtype)  # within a term, and trained
        self.frozen = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3)).to(dtype)
        self.headed = Headed().to(dtype)
        self.low, self.target = torch.rand(2, 3, 3, 32, 28).to(dtype)
        self.forward: Callable[[Tensor], tuple[Tensor, Tensor]] = self.generator

    def modules(self) -> dict[str, nn.Module]:
        names = ("generator", "discriminator", "judge", "headed")
        return {name: getattr(self, name) for name in names}

    def criterion(self, **options: Any) -> CombinedLoss:
        def fooled(fake_logits: Tensor) -> Tensor:
            return nn.functional.softplus(-fake_logits).mean()

        def smooth(extra: Tensor) -> Tensor:
            return extra.square().mean()

        def both(pred: Tensor, extra: Tensor) -> Tensor:
            return (pred.mean(1, keepdim=True) * extra).square().mean()

        return CombinedLoss(
            pixel=Term(CharbonnierLoss(), 1.0),
            structure=Term(SSIMLoss(), 0.3),
            shallow=Term(Layerwise(self.frozen, "0"), 0.5),
            deep=Term(Layerwise(self.frozen, "2"), 0.7),
            adversarial=Term(fooled, 0.1, inputs=("fake_logits",)),
            again=Term(fooled, 0.05, inputs=("fake_logits",)),  # one graph for two terms
            judged=Term(lambda pred: self.judge(pred).mean(), -0.02, inputs=("pred",)),
            headed=Term(self.headed, 0.2),
            smooth=Term(smooth, 0.4, inputs=("extra",)),  # does not reach pred
            both=Term(both, 0.6, inputs=("pred", "extra")),  # one way by pred, one around it
            **options,
        )

    def loss(self, criterion: nn.Module) -> Tensor:
        pred, extra = self.forward(self.low)
        return criterion(pred, self.target, fake_logits=self.discriminator(pred), extra=extra)

    def gradients(self) -> dict[str, Tensor]:
        return {
            f"{where}.{name}": parameter.grad.clone()
            for where, module in self.modules().items()
            for name, parameter in module.named_parameters()
            if parameter.grad is not None
        }


def step(world: World, criterion: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
    for module in world.modules().values():
        module.zero_grad()
    loss = world.loss(criterion)
    loss.backward()
    return loss.detach(), world.gradients()


def difference(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest relative distance of a parameter's gradient, beside which one that is 0 but for
    rounding counts as a thousandth of the largest.
    """
    assert found.keys() == expected.keys()
    norms = {name: gradient.double().norm() for name, gradient in expected.items()}
    least = 1e-3 * max(norms.values())
    return max(
        float((found[k].double() - expected[k].double()).norm() / norms[k].clamp(min=least))
        for k in expected
    )


def same(world: World, *, rounding: float = 1e-5, wrap: Callable[..., Any] = lambda c: c) -> None:
    """A measured step equals a plain one, value and gradients of all parameters."""
    plain, measured = world.criterion(), world.criterion(diagnose_every=1)
    value, expected = step(world, plain)
    found_value, found = step(world, wrap(measured))
    torch.testing.assert_close(found_value, value, rtol=1e-6, atol=0)
    assert difference(found, expected) < rounding
    assert len(measured.last.gradient_norms) == 9  # all but "smooth"


# ---- what surrounds the criterion ----------------------------------------------------------------


@pytest.mark.parametrize("discriminator", ["frozen", "trained"])
def test_float32(discriminator: str) -> None:
    world = World()
    world.discriminator.requires_grad_(discriminator == "trained")
    same(world)
    names = {name.split(".")[0] for name in world.gradients()}
    assert ("discriminator" in names) == (discriminator == "trained")


def test_float64_is_exact() -> None:
    same(World(torch.float64), rounding=1e-14)


def test_a_difference_would_be_found() -> None:
    world = World()
    _, expected = step(world, world.criterion())
    other = world.criterion(diagnose_every=1)
    other.set_weight("adversarial", 0.1 * (1 + 1e-4))
    assert difference(step(world, other)[1], expected) > 1e-5


def test_batch_norm_and_channels_last() -> None:
    world = World(torch.float64)
    norm = nn.BatchNorm2d(8, dtype=torch.float64)
    world.generator.trunk = nn.Sequential(world.generator.trunk, norm)  # type: ignore[assignment]
    world.generator.to(memory_format=torch.channels_last)
    world.low = world.low.to(memory_format=torch.channels_last)
    same(world, rounding=1e-12)


@pytest.mark.parametrize("reentrant", [False, True])
def test_generator_behind_activation_checkpoints(reentrant: bool) -> None:
    world = World()
    world.low.requires_grad_()
    world.forward = lambda low: checkpoint(world.generator, low, use_reentrant=reentrant)  # type: ignore[return-value]
    same(world)


def test_discriminator_behind_activation_checkpoints() -> None:
    world = World()
    network = world.discriminator
    world.discriminator = lambda image: checkpoint(network, image, use_reentrant=False)  # type: ignore[assignment]
    world.modules = lambda: {"generator": world.generator, "discriminator": network}  # type: ignore[method-assign]
    same(world)


def test_accumulation() -> None:
    world = World()
    expected: dict[str, Tensor] = {}
    for options in ({}, {"diagnose_every": 1}):
        criterion = world.criterion(**options, accumulate=3)
        for module in world.modules().values():
            module.zero_grad()
        for part in range(3):
            world.low = torch.rand(3, 3, 32, 28, generator=torch.Generator().manual_seed(part))
            (world.loss(criterion) / 3).backward()
        assert criterion.step == 1
        expected = expected or world.gradients()
    assert difference(world.gradients(), expected) < 1e-5


def test_scaler() -> None:
    """With power of two scales nothing changes at all, and the optimiser makes the same step."""
    world = World()
    parameters: list[Tensor] = []
    for options in ({}, {"diagnose_every": 1}):
        twin = copy.deepcopy(world)
        optimizer = torch.optim.SGD(twin.generator.parameters(), lr=1.0)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
        scaler.scale(twin.loss(twin.criterion(**options))).backward()
        scaler.step(optimizer)
        scaler.update()
        parameters.append(nn.utils.parameters_to_vector(twin.generator.parameters()).detach())
    before = nn.utils.parameters_to_vector(world.generator.parameters())
    torch.testing.assert_close(parameters[0] - before, parameters[1] - before, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast(dtype: torch.dtype) -> None:
    """As near to float64 as the plain sum under autocast, value and gradients."""
    truth = World(torch.float64)
    value, expected = step(truth, truth.criterion())
    world = World()
    world.discriminator.requires_grad_(False)
    truth_of_rest = {k: g for k, g in expected.items() if not k.startswith("discriminator")}
    errors = []
    for options in ({}, {"diagnose_every": 1}):
        for module in world.modules().values():
            module.zero_grad()
        with torch.autocast("cpu", dtype):
            loss = world.loss(world.criterion(**options))
        (1024 * loss).backward()  # as a GradScaler does
        torch.testing.assert_close(loss.double(), value, rtol=2e-2, atol=0)
        found = {name: gradient / 1024 for name, gradient in world.gradients().items()}
        errors.append(difference(found, truth_of_rest))
    assert errors[1] < 1.1 * errors[0] < 0.2


def test_the_criterion_within_the_region_of_autocast_or_outside() -> None:
    world = World()
    found = []
    for inside in (True, False):
        with torch.autocast("cpu", torch.bfloat16):
            pred, extra = world.forward(world.low)
            logits = world.discriminator(pred)
        criterion = world.criterion(diagnose_every=1)
        with torch.autocast("cpu", torch.bfloat16) if inside else contextlib.nullcontext():
            criterion(pred, world.target, fake_logits=logits, extra=extra)
        found.append(criterion.last.gradient_norms)
    for name, norm in found[0].items():
        torch.testing.assert_close(norm, found[1][name], rtol=3e-2, atol=0)


@pytest.fixture
def compiler() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


# Of torch.compile, where a graph breaks.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("what", ["generator", "criterion", "frozen discriminator"])
def test_compiled(what: str) -> None:
    world = World()
    if what == "generator":
        world.forward = torch.compile(world.generator, backend="aot_eager")
    if what == "frozen discriminator":
        # Compiled for inference or training, its graph can be walked once.
        network = world.discriminator.requires_grad_(False)
        world.discriminator = torch.compile(network, backend="aot_eager")  # type: ignore[assignment]
        world.modules = lambda: {"generator": world.generator}  # type: ignore[method-assign]
        world.criterion = functools.partial(_one_adversarial, world)  # type: ignore[method-assign]
        _, expected = step(world, world.criterion())
        assert difference(step(world, world.criterion(diagnose_every=1))[1], expected) < 1e-5
        return
    compiled = functools.partial(torch.compile, backend="aot_eager")
    same(world, wrap=compiled if what == "criterion" else lambda c: c)


def _one_adversarial(world: World, **options: Any) -> CombinedLoss:
    del world
    return CombinedLoss(
        pixel=Term(CharbonnierLoss(), inputs=("pred", "target")),
        adversarial=Term(lambda x: (1 - x).relu().mean(), 0.1, inputs=("fake_logits",)),
        rest=Term(lambda x: x.square().mean(), 0.1, inputs=("extra",)),
        **options,
    )


def test_hooks_act_as_in_the_plain_sum() -> None:
    world = World()

    def hooked(low: Tensor) -> tuple[Tensor, Tensor]:
        pred, extra = world.generator(low)
        pred.register_hook(lambda gradient: gradient.clamp(-1e-3, 1e-3))
        return pred, extra

    world.forward = hooked
    world.judge.weight.register_hook(lambda gradient: 0.5 * gradient)
    same(world)


def test_retained_gradients_are_those_of_the_backward_pass() -> None:
    world, kept = World(), []
    for options in ({}, {"diagnose_every": 1}):
        pred, extra = world.forward(world.low)
        logits = world.discriminator(pred)
        pred.retain_grad()
        logits.retain_grad()
        criterion = world.criterion(**options)
        loss = criterion(pred, world.target, fake_logits=logits, extra=extra)
        assert pred.grad is None
        loss.backward()
        kept.append((pred.grad, logits.grad))
    for found, expected in zip(*kept, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9)


def test_a_graph_that_others_need_as_well() -> None:
    """Logits that also enter a loss outside of the criterion."""
    world, found = World(), []
    for options in ({}, {"diagnose_every": 1}):
        for module in world.modules().values():
            module.zero_grad()
        pred, extra = world.forward(world.low)
        logits = world.discriminator(pred)
        loss = world.criterion(**options)(pred, world.target, fake_logits=logits, extra=extra)
        (loss + logits.square().mean()).backward(retain_graph=True)
        loss.backward()
        found.append(world.gradients())
    assert difference(found[1], found[0]) < 1e-5


def test_an_image_that_is_optimised_itself() -> None:
    pred = torch.rand(1, 3, 16, 16, requires_grad=True)
    target = torch.rand(1, 3, 16, 16)
    gradients = []
    for options in ({}, {"diagnose_every": 1}):
        criterion = CombinedLoss(pixel=CharbonnierLoss(), structure=SSIMLoss(), **options)
        gradients += torch.autograd.grad(criterion(pred, target), pred)
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-10)


def test_a_sum_within_a_sum() -> None:
    world = World()
    pred, _ = world.forward(world.low)
    expected = torch.autograd.grad(
        CharbonnierLoss()(pred, world.target) + 0.6 * SSIMLoss()(pred, world.target), pred
    )
    for of_inner in ({}, {"diagnose_every": 1}):
        for of_outer in ({}, {"diagnose_every": 1}):
            inner = CombinedLoss(structure=Term(SSIMLoss(), 2.0), **of_inner)
            outer = CombinedLoss(
                pixel=CharbonnierLoss(),
                inner=Term(inner, 0.3, inputs=("pred", "target")),
                **of_outer,
            )
            found = torch.autograd.grad(outer(pred, world.target), pred, retain_graph=True)
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9)


# ---- what cannot be had --------------------------------------------------------------------------


def test_second_derivatives_are_refused() -> None:
    world = World()
    loss = world.loss(world.criterion(diagnose_every=1))
    with pytest.raises(RuntimeError, match=r"has no second derivative.*without balance"):
        loss.backward(create_graph=True)
    plain = world.loss(world.criterion())
    (gradient,) = torch.autograd.grad(plain, world.generator.image.weight, create_graph=True)
    gradient.square().sum().backward()


def test_transforms_are_refused() -> None:
    criterion = CombinedLoss(pixel=lambda pred: pred.square().mean(), diagnose_every=1)
    with pytest.raises(RuntimeError, match=r"torch\.func.*without balance"):
        torch.func.grad(criterion)(torch.rand(3))


def test_reentrant_checkpoints_in_a_discriminator_are_named() -> None:
    world = World()
    network = world.discriminator
    world.discriminator = lambda image: checkpoint(network, image, use_reentrant=True)  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match=r"term 'adversarial': .*use_reentrant"):
        world.loss(world.criterion(diagnose_every=1))


# ---- half precision ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["direct", "by another network"])
def test_gradients_of_single_pixels_do_not_underflow(way: str) -> None:
    """An L1 mean over 3 million numbers has gradients of 3e-7, and 5 steps of float16 there."""
    torch.manual_seed(0)
    pred = torch.rand(1, 3, 1024, 1024, dtype=torch.float16).requires_grad_()
    target = torch.rand(1, 3, 1024, 1024, dtype=torch.float16)
    soft = nn.functional.smooth_l1_loss
    if way == "direct":
        criterion = CombinedLoss(pixel=Term(soft, inputs=("pred", "target")), diagnose_every=1)
        loss = criterion(pred, target)
    else:
        criterion = CombinedLoss(
            pixel=Term(lambda x, y: soft(x.float(), y.float()), inputs=("moved", "target")),
            rest=Term(lambda pred: pred.mean(), 0.0),
            diagnose_every=1,
        )
        loss = criterion(pred, target, moved=pred * 1.0)
    exact = pred.detach().double().requires_grad_()
    (truth,) = torch.autograd.grad(soft(exact, target.double()), exact)
    norm = float(criterion.last.gradient_norms["pixel"])
    assert norm == pytest.approx(float(truth.norm()), rel=1e-3)
    (gradient,) = torch.autograd.grad(2.0**16 * loss, pred)  # as a GradScaler does
    error = (gradient.double() / 2**16 - truth).norm() / truth.norm()
    assert float(error) < 1e-3


def test_terms_see_float32_of_a_half_precision_output() -> None:
    seen = []

    def looks(pred: Tensor, target: Tensor) -> Tensor:
        seen.append((pred.dtype, target.dtype))
        return (pred - target).square().mean()

    pred = torch.rand(1, 3, 8, 8, dtype=torch.bfloat16).requires_grad_()
    criterion = CombinedLoss(square=looks, torch=nn.MSELoss(), diagnose_every=2)
    for _ in range(2):
        criterion(pred, torch.rand(1, 3, 8, 8).bfloat16()).backward()
    assert seen == [(torch.float32, torch.float32), (torch.bfloat16, torch.bfloat16)]
    assert pred.grad is not None
    assert pred.grad.dtype is torch.bfloat16


# ---- what is measured ----------------------------------------------------------------------------


def test_norms_shares_and_cosines_are_those_of_the_gradients() -> None:
    world = World(torch.float64)
    criterion = world.criterion(diagnose_every=1)
    pred, extra = world.forward(world.low)
    given = {"fake_logits": world.discriminator(pred), "extra": extra}
    criterion(pred, world.target, **given)
    last, vectors = criterion.last, {}
    for name, term in criterion.terms.items():
        value = term.evaluate({"pred": pred, "target": world.target, **given})
        (gradient,) = torch.autograd.grad(value, pred, retain_graph=True, allow_unused=True)
        if gradient is not None:
            vectors[name] = term.weight * gradient.flatten()  # type: ignore[operator]
            torch.testing.assert_close(
                last.gradient_norms[name], gradient.norm(), rtol=1e-10, atol=0
            )
    assert list(vectors) == list(last.gradient_norms) == list(last.gradient_shares)
    lengths = {name: vector.norm() for name, vector in vectors.items()}
    whole, total = sum(lengths.values()), sum(vectors.values())
    for name, vector in vectors.items():
        torch.testing.assert_close(last.gradient_shares[name], lengths[name] / whole)
        cosine = vector @ total / (lengths[name] * total.norm())  # type: ignore[union-attr]
        torch.testing.assert_close(last.cosines[name], cosine, rtol=1e-8, atol=1e-10)
        for other, second in vectors.items():
            if other != name:
                cosine = vector @ second / (lengths[name] * lengths[other])
                torch.testing.assert_close(last.cosines[name, other], cosine, rtol=1e-8, atol=1e-10)


def test_small_gradients_are_measured() -> None:
    """1e-8 of an L1 loss squared is near the end of float32."""
    pred, target = torch.rand(2, 1, 3, 64, 64)
    pred.requires_grad_()
    criterion = CombinedLoss(
        pixel=nn.L1Loss(),
        tiny=Term(lambda pred, target: 1e-12 * (pred - target).abs().mean()),
        diagnose_every=1,
    )
    criterion(pred, target)
    norms = criterion.last.gradient_norms
    assert float(norms["tiny"] / norms["pixel"]) == pytest.approx(1e-12, rel=1e-5)
    assert float(criterion.last.cosines["tiny", "pixel"]) == pytest.approx(1.0, rel=1e-5)
    assert "pixel" in criterion.last.cosines


def test_measured_every_so_many_steps() -> None:
    pred, target = torch.rand(2, 1, 3, 16, 16)
    criterion = CombinedLoss(pixel=nn.L1Loss(), structure=SSIMLoss(), diagnose_every=3)
    plain = CombinedLoss(pixel=nn.L1Loss())
    pred.requires_grad_()
    measured = []
    for _ in range(7):
        criterion(pred, target)
        measured.append(criterion.last.measured_at)
    assert measured == [0, 0, 0, 3, 3, 3, 6]
    plain(pred, target)
    assert plain.last.measured_at is None
    assert plain.last.gradient_norms == plain.last.gradient_shares == plain.last.cosines == {}


def test_validation_is_not_measured() -> None:
    pred, target = torch.rand(2, 1, 3, 16, 16)
    criterion = CombinedLoss(pixel=nn.L1Loss(), diagnose_every=1)
    with torch.no_grad():
        criterion(pred, target)
    criterion.eval()(pred, target)
    criterion(pred.requires_grad_(), target).backward()
    assert criterion.last.measured_at is None
    assert criterion.step == 0
