"""Strategies that set the weights of a CombinedLoss: their formulas, what they remember, and what
several processes do.
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import processes
import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ssimloss import (
    DWA,
    AdaptiveAdversarial,
    Balance,
    CAGrad,
    CombinedLoss,
    Fixed,
    GradientShare,
    GradNorm,
    PCGrad,
    Term,
    Uncertainty,
)

pytestmark = pytest.mark.usefixtures("one_thread")

STRATEGIES: dict[str, Callable[[], Any]] = {
    "fixed": Fixed,
    "GradientShare": GradientShare,
    "Uncertainty": Uncertainty,
    "GradNorm": GradNorm,
    "DWA": lambda: DWA(window=2),
    "AdaptiveAdversarial": AdaptiveAdversarial,
    "PCGrad": PCGrad,
    "CAGrad": CAGrad,
}


def l1(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean()


def l2(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).square().mean()


def against(pred: Tensor, target: Tensor) -> Tensor:
    """Pulls away from the target, where it is dark."""
    return -((pred - target) * (1 - target)).square().mean() + (pred.mean((1, 2, 3)) ** 2).mean()


def fooled(fake_logits: Tensor) -> Tensor:
    return nn.functional.softplus(-fake_logits).mean()


class Training:
    """A generator, a frozen discriminator, a criterion of four terms and an optimiser."""

    def __init__(self, balance: Any, dtype: torch.dtype = torch.float32, **options: Any) -> None:
        torch.manual_seed(0)
        self.generator: nn.Module = nn.Conv2d(3, 3, 3, padding=1).to(dtype)
        self.discriminator = nn.Conv2d(3, 1, 4, 2).to(dtype).requires_grad_(False)
        self.criterion = CombinedLoss(
            pixel=Term(l1, 1.0),
            square=Term(l2, 0.5, start=1, ramp=4),
            against=Term(against, 0.3),
            adversarial=Term(fooled, 0.1, inputs=("fake_logits",), interval=2),
            balance=balance,
            diagnose_every=1,
            **options,
        )
        trained = [*self.generator.parameters(), *self.criterion.parameters()]
        self.optimizer = torch.optim.SGD(trained, lr=0.1)

    def images(self, step: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(step)
        low, target = torch.rand(2, 4, 3, 12, 12, generator=generator, dtype=torch.float64)
        dtype = next(self.generator.parameters()).dtype
        return low.to(dtype), target.to(dtype)

    def step(self, number: int, part: slice = slice(None), *, update: bool = True) -> Tensor:
        low, target = (images[part] for images in self.images(number))
        pred = self.generator(low)
        loss: Tensor = self.criterion(pred, target, fake_logits=self.discriminator(pred))
        loss.backward()
        if update:
            self.optimizer.step()
            self.optimizer.zero_grad()
        return loss.detach()

    def report(self) -> dict[str, Tensor]:
        last = self.criterion.last
        found = {f"weight/{n}": torch.as_tensor(w) for n, w in last.weights.items()}
        found |= {f"share/{n}": share for n, share in last.gradient_shares.items()}
        return {**found, "total": last.total}

    def state(self) -> dict[str, Any]:
        return {
            "generator": self.generator.state_dict(),
            "criterion": self.criterion.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["generator"])
        self.criterion.load_state_dict(state["criterion"])
        self.optimizer.load_state_dict(state["optimizer"])


def vectors(training: Training, number: int) -> dict[str, Tensor]:
    """The gradient of each active term at the output, weighted as its schedule has it."""
    low, target = training.images(number)
    pred = training.generator(low).detach().requires_grad_()
    given = {"pred": pred, "target": target, "fake_logits": training.discriminator(pred)}
    return {
        name: term.weight_at(number)
        * torch.autograd.grad(term.evaluate(given), pred, retain_graph=True)[0].flatten()
        for name, term in training.criterion.terms.items()
        if term.is_active(number)
    }


def factors(training: Training, number: int) -> dict[str, float]:
    """What the strategy made of the weights of the last call, which was of this step."""
    terms = training.criterion.terms
    return {
        name: float(weight) / terms[name].weight_at(number)
        for name, weight in training.criterion.last.weights.items()
    }


# ---- formulas ------------------------------------------------------------------------------------


def test_gradient_share_gives_shares_by_weight() -> None:
    training = Training(GradientShare(decay=0.0), torch.float64)
    for number in range(6):
        training.step(number)
        terms = training.criterion.terms
        weights = {n: terms[n].weight_at(number) for n in training.criterion.last.weights}
        for name, share in training.criterion.last.gradient_shares.items():
            expected = weights[name] / sum(weights.values())
            assert float(share) == pytest.approx(expected, rel=1e-9), (number, name)


def test_gradient_share_counts_in_units_of_l1() -> None:
    pred, target = torch.rand(2, 2, 3, 16, 16)
    criterion = CombinedLoss(pixel=Term(l1, 0.7), same=Term(l1, 0.2), balance=GradientShare())
    criterion(pred.requires_grad_(), target)
    assert {n: float(w) for n, w in criterion.last.weights.items()} == pytest.approx(
        {"pixel": 0.7, "same": 0.2}, rel=1e-5
    )


def test_the_scale_of_a_term_does_not_matter_to_gradient_share() -> None:
    """And ruins a training with fixed weights."""
    ends: dict[bool, list[Tensor]] = {True: [], False: []}
    for balanced, kept in ends.items():
        for scale in (1.0, 1e-4, 1e4):
            training = Training(None)

            def scaled(pred: Tensor, target: Tensor, scale: float = scale) -> Tensor:
                return scale * l2(pred, target)

            training.criterion = CombinedLoss(
                pixel=l1,
                square=Term(scaled, inputs=("pred", "target")),
                balance=GradientShare() if balanced else None,
            )
            for number in range(8):
                low, target = training.images(number)
                training.criterion(training.generator(low), target).backward()
                training.optimizer.step()
                training.optimizer.zero_grad()
            kept.append(nn.utils.parameters_to_vector(training.generator.parameters()).detach())
    for one in ends[True][1:]:
        torch.testing.assert_close(one, ends[True][0], rtol=1e-4, atol=1e-6)
    assert not torch.allclose(ends[False][2], ends[False][0], rtol=0.5)


def test_gradient_share_takes_medians_skips_and_bounds() -> None:
    share = GradientShare(decay=0.75, bounds=(1e-3, 1e3))
    share.attach(("a", "b", "c"))
    share.prepare((1.0, 1.0, 1.0), 4)
    nothing = torch.zeros(3, 3)

    def ask(*norms: float) -> list[float]:
        return share.weights(torch.tensor(norms), nothing, nothing[0], 0).tolist()

    assert ask(2.0, 1e-9, 0.0) == [0.25, 1e3, 0.0]  # 1 / (sqrt(4) norm), bounded; never seen
    then = pytest.approx([1 / 4.0, 1e3, 1 / 16.0])  # of 2 and 4, the lower
    assert ask(4.0, 1e-9, 8.0) == then
    for _ in range(5):  # as many calls as are remembered
        assert ask(float("nan"), float("inf"), 0.0) == then
    assert ask(2.5e6, 1.0, 8.0)[0] == pytest.approx(1e-3)  # at the bound


@pytest.mark.parametrize("name", ["GradientShare", "AdaptiveAdversarial"])
def test_one_large_gradient_does_not_change_the_weights_after_it(name: str) -> None:
    """Wherever it occurs, and several calls in a row; lasting changes are followed."""

    def ask(norms: list[float]) -> list[float]:
        """The factors of a term with these norms."""
        strategy = STRATEGIES[name]()
        strategy.attach(("pixel", "adversarial"))
        strategy.prepare((1.0, 1.0), 1)
        unit, rest = torch.eye(2), torch.ones(2)
        each = [strategy.weights(torch.tensor([1.0, n]), unit, rest, 0)[1] for n in norms]
        return torch.stack(each).tolist()

    assert ask([3.0] * 30) == pytest.approx([1 / 3] * 30)
    for first, last in ((0, 1), (1, 2), (20, 21), (20, 25)):
        norms = [400.0 if first <= call < last else 1.0 for call in range(40)]
        found = ask(norms)
        assert found[:first] + found[last:] == [1.0] * (40 - last + first)
        # In the calls themselves, the share is at most 10 times too large; at first, 400 is normal.
        largest = max(factor * norm for factor, norm in zip(found, norms, strict=True))
        assert largest == pytest.approx(10.0 if first else 1.0)
    # A change by 1 % per call lags by five calls; a jump is followed after six.
    slope = [1.01**call for call in range(40)]
    assert ask(slope)[20:] == pytest.approx([1.01**5 / n for n in slope[20:]])
    assert ask([1.0] * 20 + [50.0] * 6)[-1] == pytest.approx(1 / 50)


def test_earlier_checkpoints_and_other_decays_are_continued() -> None:
    nothing = torch.zeros(1, 1)
    share = GradientShare(decay=0.75)
    share.load_state_dict({"norms": torch.tensor([4.0])})  # a moving average
    assert share.weights(torch.tensor([5.0]), nothing, nothing[0], 0).tolist() == [0.25]
    for decay, expected in ((0.9, 0.2), (0.0, 0.125)):  # the median of 4, 5 and 8, and 8
        other = GradientShare(decay=decay)
        other.load_state_dict(share.state_dict())
        found = other.weights(torch.tensor([8.0]), nothing, nothing[0], 0)
        assert found.tolist() == pytest.approx([expected])


def test_uncertainty_is_the_papers_loss() -> None:
    training = Training(Uncertainty(), torch.float64)
    strategy = training.criterion.balance
    log_variance = strategy.log_variance  # type: ignore[union-attr]
    assert [id(p) for p in training.criterion.parameters()] == [id(log_variance)]
    with torch.no_grad():
        log_variance.copy_(torch.tensor([0.3, -0.2, 0.1, 0.5]))
    training.criterion.step = 2
    loss = training.step(2, update=False)
    own = log_variance.detach().double().requires_grad_()
    terms, values = training.criterion.terms, training.criterion.last.values
    assert list(values) == list(terms)
    expected = sum(
        terms[name].weight_at(2) * value * torch.exp(-own[i]) / 2 + own[i] / 2
        for i, (name, value) in enumerate(values.items())
    )
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)
    (gradient,) = torch.autograd.grad(expected, own)  # type: ignore[arg-type]
    torch.testing.assert_close(log_variance.grad.double(), gradient, rtol=1e-5, atol=1e-7)


def test_grad_norm_makes_norms_equal_whatever_their_scale() -> None:
    strategy = GradNorm(alpha=0.0, rate=0.1)
    strategy.attach(("a", "b", "c"))
    strategy.prepare((1.0, 1.0, 1.0), 1)
    norms, nothing = torch.tensor([1.0, 1e3, 0.0]), torch.zeros(3, 3)
    values = torch.tensor([2.0, 3.0, 0.0])
    for step in range(300):
        factors = strategy.weights(norms, nothing, values, step)
    assert factors[0] / factors[1] == pytest.approx(1e3, rel=0.25)
    assert factors[:2].mean() == pytest.approx(1.0, rel=1e-5)
    assert factors[2] == 1.0


def test_grad_norm_pulls_the_term_that_lags() -> None:
    strategy = GradNorm(alpha=1.0, rate=0.05)
    strategy.attach(("fast", "slow"))
    strategy.prepare((1.0, 1.0), 1)
    norms, nothing = torch.ones(2), torch.zeros(2, 2)
    strategy.weights(norms, nothing, torch.tensor([4.0, 4.0]), 0)
    for step in range(1, 400):
        factors = strategy.weights(norms, nothing, torch.tensor([1.0, 3.0]), step)
    # r is 0.25 and 0.75 over their mean of 0.5
    assert factors.tolist() == pytest.approx([0.5, 1.5], rel=0.1)


def test_dwa_is_the_papers_softmax() -> None:
    strategy = DWA(window=2, temperature=2.0)
    strategy.attach(("a", "b"))
    nothing = torch.zeros(2, 2)
    seen = [[4.0, 1.0], [2.0, 1.0], [1.0, 1.0], [2.0, 0.8], [9.0, 9.0]]
    found = [
        strategy.weights(torch.ones(2), nothing, torch.tensor(values), step)
        for step, values in enumerate(seen)
    ]
    for early in found[:4]:
        assert early.tolist() == [1.0, 1.0]
    ratios = torch.tensor([1.5 / 3.0, 0.9 / 1.0])  # the means of the second window over the first
    torch.testing.assert_close(found[4], 2 * torch.softmax(ratios / 2.0, 0))


def test_adaptive_adversarial_is_the_ratio_of_gradients() -> None:
    training = Training(AdaptiveAdversarial(decay=0.0), torch.float64)
    for number in range(3):
        expected = vectors(training, number)
        training.step(number)
        found = factors(training, number)
        if "adversarial" in expected:
            own = expected.pop("adversarial").norm() / 0.1
            ratio = float(sum(expected.values()).norm() / own)  # type: ignore[union-attr]
            assert found.pop("adversarial") == pytest.approx(ratio, rel=1e-9)
        assert all(factor == pytest.approx(1.0) for factor in found.values())
    with pytest.raises(ValueError, match=r"'gan'.*has pixel.*AdaptiveAdversarial\('pixel'\)"):
        CombinedLoss(pixel=l1, balance=AdaptiveAdversarial("gan"))


def test_pcgrad_is_the_papers_surgery() -> None:
    training = Training(PCGrad(), torch.float64)
    for number in range(4):
        given = vectors(training, number)
        training.step(number, update=False)
        weights = training.criterion.last.weights
        terms = training.criterion.terms
        found = sum((float(weights[n]) / terms[n].weight_at(number)) * v for n, v in given.items())
        names, order = list(terms), list(range(len(terms)))
        random.Random(number).shuffle(order)
        expected = torch.zeros_like(next(iter(given.values())))
        for name, vector in given.items():
            kept = vector.clone()
            for j in order:
                other = given.get(names[j])
                if other is not None and names[j] != name and kept @ other < 0:
                    kept -= (kept @ other) / (other @ other) * other
            expected += kept
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-12)
    assert any(a @ b < 0 for a in given.values() for b in given.values())


@pytest.mark.parametrize("c", [0.0, 0.4, 0.8])
def test_cagrad_is_the_papers_direction(c: float) -> None:
    torch.manual_seed(1)
    vectors = torch.randn(3, 40, dtype=torch.float64) * torch.tensor([[1.0], [3.0], [0.2]])
    vectors[1] -= 2 * vectors[0]
    norms = vectors.norm(dim=1)
    cosines = (vectors @ vectors.T) / norms / norms[:, None]
    strategy = CAGrad(c)
    strategy.attach(("a", "b", "c"))
    strategy.prepare((1.0, 1.0, 1.0), 1)
    found = (strategy.weights(norms, cosines, torch.zeros(3), 0)[:, None] * vectors).sum(0)
    mean = vectors.mean(0)

    def direction(mix: Tensor) -> Tensor:
        mixed = (mix[:, None] * vectors).sum(0)
        return mean + c * mean.norm() * mixed / mixed.norm()

    def objective(mix: Tensor) -> float:
        mixed = (mix[:, None] * vectors).sum(0)
        return float(mixed @ mean + c * mean.norm() * mixed.norm())

    grid = [
        torch.tensor([i, j, 200 - i - j], dtype=torch.float64) / 200
        for i in range(201)
        for j in range(201 - i)
    ]
    best = min(grid, key=objective)
    expected = 3 * direction(best) / (1 + c**2)
    assert float((found - expected).norm() / expected.norm()) < 0.02
    worst = min(float(found @ vector) for vector in vectors)
    assert c == 0.0 or worst > min(float(mean @ vector) * 3 for vector in vectors)


def test_a_strategy_of_ones_own() -> None:
    class Halving(Balance):
        """Halves a term whenever its gradient points against the largest one."""

        def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
            factors = self.recall("factors", norms, first=1.0)
            conflict = cosines[norms.argmax()] < 0
            self.keep(factors=torch.where(conflict, 0.5 * factors, factors))
            return factors

    training = Training(Halving())
    for number in range(4):
        training.step(number)
    assert set(factors(training, 3).values()) != {1.0}
    twin = Training(Halving())
    twin.criterion.load_state_dict(training.criterion.state_dict())
    assert torch.equal(
        twin.criterion.balance.recall("factors", torch.zeros(4)),  # type: ignore[union-attr]
        training.criterion.balance.recall("factors", torch.zeros(4)),  # type: ignore[union-attr]
    )


def test_a_strategy_without_a_base_class() -> None:
    seen: list[tuple[tuple[int, ...], ...]] = []

    class Mine:
        def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:
            seen.append((norms.shape, cosines.shape, values.shape, (step,)))
            return torch.full_like(norms, 2.0)

    training = Training(Mine())
    training.step(0)
    assert seen == [((4,), (4, 4), (4,), (0,))]
    assert list(factors(training, 0).values()) == pytest.approx([2.0] * 3)
    weighted = training.criterion.last.weighted
    torch.testing.assert_close(sum(weighted.values()), training.criterion.last.total)


@pytest.mark.parametrize(
    ("balance", "error", "message"),
    [
        (GradientShare, TypeError, r"is the class GradientShare; build it: .*GradientShare\(\)"),
        (object(), TypeError, r"must be a strategy such as GradientShare\(\), with a method"),
        ("shares", TypeError, "must be a strategy"),
    ],
)
def test_what_is_no_strategy(balance: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CombinedLoss(pixel=l1, balance=balance)


def test_a_strategy_of_another_criterion_and_one_that_returns_nonsense() -> None:
    share = GradientShare()
    CombinedLoss(pixel=l1, balance=share)
    with pytest.raises(ValueError, match="balances the terms pixel of another CombinedLoss"):
        CombinedLoss(square=l2, balance=share)

    class Wrong(Balance):
        def weights(self, *of_terms: Any) -> Any:
            return [1.0] * len(of_terms)

    pred = torch.rand(1, 3, 8, 8, requires_grad=True)
    with pytest.raises(ValueError, match=r"must return a tensor of shape \(1,\).*got list"):
        CombinedLoss(pixel=l1, balance=Wrong())(pred, torch.rand(1, 3, 8, 8))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GradientShare(decay=1.0), r"decay must lie in \[0, 0\.9999\]"),
        (lambda: GradientShare(bounds=(2.0, 1.0)), "bounds must be in order"),
        (lambda: GradNorm(rate=0.0), "rate must be positive"),
        (lambda: DWA(window=0), "window must be at least 1"),
        (lambda: CAGrad(1.0), r"c must lie in \[0, 1\)"),
    ],
)
def test_bad_settings(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


# ---- what is remembered --------------------------------------------------------------------------


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_resumed_run_is_an_unbroken_one(name: str) -> None:
    """Broken within an accumulation; weights, shares, counters and networks, bit for bit."""

    def run(broken: bool) -> tuple[list[dict[str, Tensor]], dict[str, Any]]:
        training, reports = Training(STRATEGIES[name](), accumulate=2, check_every=2), []
        for number in range(11):
            training.step(number, update=number % 2 == 1)
            if number == 2:
                training.criterion.set_weight("square", 0.8)
            reports.append(training.report())
            if broken and number == 6:
                file = io.BytesIO()
                gradients = [p.grad for p in training.generator.parameters()]
                of_criterion = [p.grad for p in training.criterion.parameters()]
                torch.save(training.state(), file)
                file.seek(0)
                training = Training(STRATEGIES[name](), accumulate=2, check_every=2)
                training.load(torch.load(file, weights_only=True))
                for module, kept in (
                    (training.generator, gradients),
                    (training.criterion, of_criterion),
                ):
                    for parameter, gradient in zip(module.parameters(), kept, strict=True):
                        parameter.grad = gradient
        return reports, training.state()

    (expected, state), (found, of_resumed) = run(False), run(True)
    for number, (a, b) in enumerate(zip(expected, found, strict=True)):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a), number
    for part in ("generator", "criterion"):
        assert state[part].keys() == of_resumed[part].keys()
        for key, tensor in state[part].items():
            assert torch.equal(tensor.nan_to_num(-7), of_resumed[part][key].nan_to_num(-7)), key
    assert int(state["criterion"]["_extra_state"]) == 5


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_step_that_is_not_finite_is_forgotten(name: str) -> None:
    reports = []
    for poison in (False, True):
        training = Training(STRATEGIES[name](), on_nonfinite="skip_step", check_every=1000)
        for number in range(4):
            if number == 2:
                low, target = training.images(9)
                target[0, 0, 0, 0] = torch.nan if poison else 0.5
                pred = training.generator(low)
                logits = training.discriminator(pred)
                training.criterion.step = 2
                loss = training.criterion(pred, target, fake_logits=logits)
                loss.backward()
                gradient = training.generator.weight.grad
                assert gradient.isfinite().all()
                assert not poison or gradient.abs().sum() == 0
                training.optimizer.zero_grad()
            else:
                training.step(number)
        reports.append(training.report())
    assert all(number.isfinite() for number in reports[1].values())


def test_evaluation_uses_the_last_weights() -> None:
    training = Training(GradientShare())
    training.step(0)
    used = training.criterion.last.weights
    low, target = training.images(0)
    pred = training.generator(low)
    training.criterion.eval()
    with torch.no_grad():
        total = training.criterion(pred, target, fake_logits=training.discriminator(pred))
    last = training.criterion.last
    factor = float(used["pixel"]) / 1.0
    assert float(last.weights["pixel"]) == pytest.approx(factor)
    torch.testing.assert_close(total, sum(last.weighted.values()))


# ---- two processes -------------------------------------------------------------------------------

STEPS = 3


def trained(name: str, rank: int | None) -> list[dict[str, Tensor]]:
    """Some steps, with half of each batch, or all of it in one process."""
    training = Training(STRATEGIES[name](), torch.float64)
    part = slice(None) if rank is None else slice(2 * rank, 2 * rank + 2)
    if rank is not None:
        training.generator = DistributedDataParallel(training.generator)
    reports = []
    for number in range(STEPS):
        training.step(number, part)
        norms = training.criterion.last.gradient_norms
        report = training.report() | {f"norm/{n}": norm for n, norm in norms.items()}
        report["network"] = nn.utils.parameters_to_vector(training.generator.parameters())
        reports.append({key: value.detach() for key, value in report.items()})
    return reports


def worker(rank: int, folder: Path) -> None:
    processes.meet(folder, rank)
    found = {name: trained(name, rank) for name in STRATEGIES}
    torch.save(found, folder / f"found.{rank}")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def of_two_processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("balance")
    processes.start(__file__, folder)
    return [torch.load(folder / f"found.{rank}") for rank in range(2)]


@processes.needs_gloo
@pytest.mark.parametrize("name", STRATEGIES)
def test_two_processes_balance_as_one(of_two_processes: list[dict[str, Any]], name: str) -> None:
    one = trained(name, None)
    for number in range(STEPS):
        ours, theirs = (found[name][number] for found in of_two_processes)
        for key, expected in one[number].items():
            if key != "total":
                assert torch.equal(ours[key], theirs[key]), (key, "differs between the processes")
                torch.testing.assert_close(ours[key], expected, rtol=1e-5, atol=1e-9)


if __name__ == "__main__":
    worker(int(sys.argv[2]), Path(sys.argv[1]))
