"""Schedules as data, weights that change during training, and steps of the optimiser; and how they
are reported.
"""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ssimloss import (
    CombinedLoss,
    GradientShare,
    History,
    Reached,
    Schedule,
    SSIMLoss,
    Term,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def l1(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean()


def l2(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).square().mean()


def images() -> tuple[Tensor, Tensor]:
    pred, target = torch.rand(2, 1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    return pred.requires_grad_(), target


def run(criterion: CombinedLoss, steps: int) -> list[dict[str, float]]:
    """The weights that were used."""
    pred, target = images()
    found = []
    for _ in range(steps):
        criterion(pred, target).backward()
        found.append({name: float(w) for name, w in criterion.last.weights.items()})
    return found


def of(term: Term, steps: int) -> list[float]:
    """Its weights in a criterion, 0 where it was not evaluated."""
    return [weights.get("b", 0.0) for weights in run(CombinedLoss(a=l1, b=term), steps)]


# ---- schedules as data ---------------------------------------------------------------------------


def test_end_stages_and_shapes() -> None:
    assert of(Term(l2, 2.0, start=1, end=3), 5) == [0, 2, 2, 0, 0]
    assert of(Term(l2, 2.0, stages={2: 0.5, 4: 0.0}), 6) == [2, 2, 1, 1, 0, 0]
    # A change of stage takes as long as the ramp, from where it was.
    found = of(Term(l2, 2.0, ramp=2, stages={3: 0.5}), 6)
    assert found == pytest.approx([1.0, 2.0, 2.0, 1.5, 1.0, 1.0])
    found = of(Term(l2, ramp=4, shape="cosine"), 5)
    parts = [0.5 - 0.5 * math.cos(math.pi * part) for part in (0.25, 0.5, 0.75, 1.0, 1.0)]
    assert found == pytest.approx(parts)
    assert of(Term(l2, start=1, interval=2, end=5), 7) == [0, 1, 0, 1, 0, 0, 0]
    assert of(Term(l2, start=3, stages={1: 0.25}), 5) == [0, 0, 0, 0.25, 0.25]


def test_a_callable_of_the_step_is_reported_as_it_was_used() -> None:
    calls = []

    def decays(step: int) -> float:
        calls.append(step)
        return 0.5**step + 1e-6 * len(calls)  # not even a function of the step alone

    criterion = CombinedLoss(a=l1, b=Term(l2, decays, end=3))
    weights = run(criterion, 4)
    assert [w.get("b") is not None for w in weights] == [True, True, True, False]
    assert [w["b"] for w in weights[:3]] == pytest.approx([1.0, 0.5, 0.25], abs=1e-4)
    criterion.step = 1
    pred, target = images()
    total = criterion(pred, target)
    first = criterion.last.weights["b"]
    torch.testing.assert_close(total, l1(pred, target) + first * l2(pred, target))
    assert criterion.last.weights["b"] == first
    with pytest.raises(TypeError, match=r"weight\(0\) must be a number, got str"):
        run(CombinedLoss(a=Term(l1, lambda step: "1")), 1)  # type: ignore[arg-type, return-value]  # noqa: ARG005


def test_a_schedule_may_be_an_object_or_a_dict() -> None:
    data = {"weight": 0.4, "start": 2, "ramp": 2, "stages": {5: 2.0}, "end": 7}
    expected = of(Term(l2, 0.4, start=2, ramp=2, stages={5: 2.0}, end=7), 8)
    assert of(Term(l2, Schedule(**data)), 8) == of(Term(l2, data), 8) == expected
    assert expected == pytest.approx([0, 0, 0.2, 0.4, 0.4, 0.6, 0.8, 0])
    term = Term(l2, data)
    assert term.schedule == "start=2, end=7, ramp=2, stages={5: 2}"
    assert (term.weight, term.start, term.ramp, term.interval) == (0.4, 2, 2, 1)
    assert pickle.loads(pickle.dumps(term)).plan == copy.deepcopy(term).plan == term.plan


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"end": 3, "start": 3}, ValueError, "end must be above start, 3, got 3"),
        ({"shape": "sine"}, ValueError, "shape must be one of 'linear', 'cosine'"),
        ({"stages": {1.5: 1.0}}, TypeError, "a step in stages must be an integer"),
        ({"stages": {1: "a"}}, TypeError, r"stages\[1\] must be a number"),
        ({"stages": [1.0]}, TypeError, "stages must be a dict of step -> factor"),
        ({"weight": {"weigth": 1.0}}, TypeError, "has no option 'weigth'; did you mean 'weight'"),
        ({"weight": Schedule(), "start": 3}, TypeError, r"Schedule\(weight=..., start=3\)"),
        ({"after": "pixel"}, TypeError, "after must be a Reached, a dict"),
        ({"after": {"term": "a"}}, ValueError, "exactly one of below and above"),
        ({"after": {"term": "a", "under": 1.0}}, TypeError, "has no option 'under'"),
    ],
)
def test_bad_schedules(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Term(l2, **settings)


# ---- weights that change -------------------------------------------------------------------------


def test_set_weight_replaces_the_weight_and_leaves_the_schedule() -> None:
    criterion = CombinedLoss(a=l1, b=Term(l2, 2.0, start=1, ramp=2))
    before = criterion(*images()), criterion.last
    criterion.set_weight("b", 8.0)
    criterion.set_weight("a", 0.0)
    assert before[1].weights == {"a": 1.0}
    assert run(criterion, 2) == [{"b": 4.0}, {"b": 8.0}]
    assert not criterion.is_active("a")
    criterion.set_weight("a", 3.0)
    twin = CombinedLoss(a=l1, b=Term(l2, 2.0, start=1, ramp=2))
    twin.load_state_dict(criterion.state_dict())
    assert run(twin, 1) == run(criterion, 1) == [{"a": 3.0, "b": 8.0}]
    for name, weight, error, message in (
        ("c", 1.0, KeyError, "no term 'c'; the terms are a, b"),
        ("a", Schedule(), TypeError, "weight must be a number"),
        ("a", float("nan"), ValueError, "weight must be finite"),
    ):
        with pytest.raises(error, match=message):
            criterion.set_weight(name, weight)  # type: ignore[arg-type]


def test_set_weight_moves_the_shares_of_a_strategy() -> None:
    criterion = CombinedLoss(a=l1, b=l2, balance=GradientShare())
    run(criterion, 1)
    assert float(criterion.last.gradient_shares["b"]) == pytest.approx(0.5)
    criterion.set_weight("b", 3.0)
    run(criterion, 1)
    assert float(criterion.last.gradient_shares["b"]) == pytest.approx(0.75)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_set_weight_reaches_compiled_code() -> None:
    torch.compiler.reset()
    criterion = CombinedLoss(a=l1, b=Term(l2, 2.0, start=1))
    compiled = torch.compile(criterion, fullgraph=True, backend="aot_eager")
    pred, target = images()
    compiled(pred, target)
    criterion.set_weight("b", 5.0)
    torch.testing.assert_close(compiled(pred, target), l1(pred, target) + 5 * l2(pred, target))
    assert criterion.last.weights == {"a": 1.0, "b": 5.0}


def test_is_active_tells_whether_to_run_the_discriminator() -> None:
    ran = []

    def discriminator(image: Tensor) -> Tensor:
        ran.append(criterion.step)
        return image.mean((1, 2, 3))

    fooled = Term(lambda logits: -logits.mean(), 0.1, inputs=("logits",), start=2, interval=2)
    criterion = CombinedLoss(pixel=l1, adversarial=fooled)
    pred, target = images()
    for _ in range(6):
        active = criterion.is_active("adversarial")
        logits = {"logits": discriminator(pred)} if active else {}
        criterion(pred, target, **logits)
        assert ("adversarial" in criterion.last.values) == active
    assert ran == [2, 4]
    with pytest.raises(KeyError, match="no term 'gan'"):
        criterion.is_active("gan")


def test_a_term_waits_for_the_value_of_another() -> None:
    def build() -> CombinedLoss:
        late = Term(l1, 0.5, ramp=2, after=Reached(term="pixel", below=0.1))
        return CombinedLoss(pixel=l2, late=late, check_every=2)

    target = torch.rand(1, 3, 8, 8)
    criterion, twin, seen = build(), build(), []
    for step in range(12):
        distance = 1.0 if step < 5 else 1e-6
        if step == 9:
            twin.load_state_dict(criterion.state_dict())
        for each in (criterion, twin) if step >= 9 else (criterion,):
            each((target + distance).requires_grad_(), target).backward()
        seen.append(criterion.last.weights.get("late", 0.0))
        if step >= 9:
            assert twin.last.weights == criterion.last.weights
    # The moving average is slow: 0.98 per call.
    assert seen == [0.0] * 12
    criterion = CombinedLoss(
        pixel=l2, late=Term(l1, 0.5, ramp=2, after={"term": "pixel", "above": 0.5}), check_every=2
    )
    weights = []
    for _ in range(5):
        criterion((target + 1.0).requires_grad_(), target).backward()
        weights.append(criterion.last.weights.get("late", 0.0))
    assert weights == [0.0, 0.25, 0.5, 0.5, 0.5]  # met at step 0, from step 1 on
    assert "after=pixel>0.5" in repr(criterion)
    with pytest.raises(ValueError, match="waits for the value of the term 'pixl'; name another"):
        CombinedLoss(pixel=l1, late=Term(l1, after=Reached(term="pixl", below=1.0)))


# ---- steps of the optimiser ----------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"diagnose_every": 2}])
def test_accumulated_calls_are_a_step(options: dict[str, Any]) -> None:
    criterion = CombinedLoss(a=l1, b=Term(l2, start=1), accumulate=3, **options)
    assert [list(w) for w in run(criterion, 7)] == [["a"]] * 3 + [["a", "b"]] * 4
    assert criterion.step == 2
    criterion.advance()  # the last, incomplete one of an epoch
    assert criterion.step == 3
    criterion.advance()  # between two steps
    assert criterion.step == 3
    criterion.step = 10
    run(criterion, 2)
    twin = CombinedLoss(a=l1, b=Term(l2, start=1), accumulate=3, **options)
    twin.load_state_dict(criterion.state_dict())
    for each in (criterion, twin):
        run(each, 1)
        assert each.step == 11


def test_steps_are_counted_by_hand() -> None:
    criterion = CombinedLoss(a=l1, b=Term(l2, start=1), accumulate=None)
    assert [list(w) for w in run(criterion, 4)] == [["a"]] * 4
    criterion.advance()
    assert criterion.step == 1
    default = CombinedLoss(a=l1)
    for step in range(1, 4):
        run(default, 3)
        default.advance()
        assert default.step == step
    twin = CombinedLoss(a=l1)
    twin.load_state_dict(default.state_dict())
    run(twin, 3)
    assert twin.step == 3


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_accumulation_does_not_compile_again() -> None:
    torch.compiler.reset()
    graphs = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> object:  # noqa: ARG001
        graphs.append(graph)
        return graph.forward

    criterion = CombinedLoss(a=l1, b=Term(l2, ramp=40), accumulate=2)
    compiled = torch.compile(criterion, fullgraph=True, backend=backend)
    pred, target = images()
    for call in range(10):
        compiled(pred, target)
        assert criterion.last.weights["b"] == pytest.approx((call // 2 + 1) / 40)
    assert criterion.step == 5
    assert len(graphs) <= 2


# ---- what is saved -------------------------------------------------------------------------------


class Restorer(nn.Module):
    def __init__(self, criterion: CombinedLoss | None) -> None:
        super().__init__()
        self.network = nn.Conv2d(3, 3, 1)
        if criterion is not None:
            self.criterion = criterion


def test_a_criterion_in_one_of_two_models() -> None:
    """Training had it, inference has not; or the start of a fine-tuning had none."""
    with_one, without = Restorer(CombinedLoss(a=l1, b=SSIMLoss())), Restorer(None)
    run(with_one.criterion, 2)
    without.load_state_dict(with_one.state_dict())
    with_one.load_state_dict(without.state_dict())
    scheduled = Restorer(CombinedLoss(a=l1, b=Term(l2, start=5)))
    scheduled.load_state_dict(without.state_dict())
    # One that has to go on where it was keeps its state, which another model does not know.
    scheduled.criterion.step = 4
    other = Restorer(CombinedLoss(a=l1, b=Term(l2, start=5)))
    other.load_state_dict(scheduled.state_dict())
    assert other.criterion.step == 4
    with pytest.raises(RuntimeError, match=r"criterion\._extra_state"):
        without.load_state_dict(scheduled.state_dict())


def test_the_state_of_other_terms_is_refused() -> None:
    state = CombinedLoss(a=l1, b=Term(l2, start=5)).state_dict()
    other = CombinedLoss(a=l1, c=Term(l2, start=5))
    with pytest.raises(RuntimeError, match=r'"terms \(saved: a, b; here: a, c\)"'):
        other.load_state_dict(state)
    other.load_state_dict(state, strict=False)
    balanced = CombinedLoss(a=l1, b=Term(l2, start=5), balance=GradientShare())
    with pytest.raises(RuntimeError, match=r"balance \(saved: None; here: GradientShare\)"):
        balanced.load_state_dict(state)
    of_model = Restorer(CombinedLoss(a=l1, b=Term(l2, start=5))).state_dict()
    with pytest.raises(RuntimeError, match=r"criterion.terms \(saved: a, b; here: a, c\)"):
        Restorer(other).load_state_dict(of_model)


def test_a_state_of_plain_tensors_loads() -> None:
    """As from a safetensors file, without the metadata."""
    criterion = CombinedLoss(a=l1, b=Term(l2, start=5), balance=GradientShare(), check_every=2)
    run(criterion, 3)
    criterion.set_weight("b", 7.0)
    state = criterion.state_dict()
    assert all(isinstance(value, Tensor) for value in state.values())
    twin = CombinedLoss(a=l1, b=Term(l2, start=5), balance=GradientShare(), check_every=2)
    twin.load_state_dict(dict(state))
    assert twin.state_dict().keys() == state.keys()
    assert run(twin, 4) == run(criterion, 4)


def test_diagnosis_may_be_switched_on_and_off_between_runs() -> None:
    plain, watched = CombinedLoss(a=l1), CombinedLoss(a=l1, diagnose_every=1)
    run(watched, 3)
    plain.load_state_dict(watched.state_dict())
    assert plain.step == 3
    watched.load_state_dict(plain.state_dict())


# ---- what is shown -------------------------------------------------------------------------------


def test_last_is_no_attribute_before_the_first_call() -> None:
    criterion = CombinedLoss(a=l1)
    assert not hasattr(criterion, "last")
    assert getattr(criterion, "last", None) is None
    with pytest.raises(AttributeError, match="has no attribute 'first'"):
        _ = criterion.first
    run(criterion, 1)
    assert hasattr(criterion, "last")


def test_log_is_flat_and_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    criterion = CombinedLoss(a=l1, b=Term(l2, 0.5), balance=GradientShare(), check_every=1000)
    run(criterion, 2)
    readings = []
    to_list = Tensor.tolist
    monkeypatch.setattr(Tensor, "tolist", lambda self: (readings.append(1), to_list(self))[1])
    found = criterion.log("train/")
    assert len(readings) == 1
    kinds = ("value", "weight", "weighted", "gradient_norm", "gradient_share", "cosine")
    expected = {f"train/{kind}/{name}" for kind in kinds for name in "ab"}
    assert set(found) == expected | {"train/total", "train/cosine/a,b"}
    assert all(type(number) is float for number in found.values())
    assert found["train/gradient_share/b"] == pytest.approx(1 / 3, rel=1e-5)
    weighted = found["train/weighted/a"] + found["train/weighted/b"]
    assert found["train/total"] == pytest.approx(weighted)
    plain = CombinedLoss(a=l1)
    run(plain, 1)
    assert set(plain.log()) == {"total", "value/a", "weight/a", "weighted/a"}


def test_the_report_is_a_table() -> None:
    criterion = CombinedLoss(pixel=l1, square=Term(l2, 0.5), diagnose_every=3)
    run(criterion, 2)
    lines = str(criterion.last).splitlines()
    assert lines[0].startswith("step 1, total ")
    assert lines[0].endswith("; gradients of step 0")
    header = "term value weight weighted gradient share cosine with pixel"
    assert lines[1].split() == header.split()
    assert [line.split()[0] for line in lines[2:]] == ["pixel", "square"]
    shares = [float(line.split("%")[0].split()[-1]) for line in lines[2:]]
    assert sum(shares) == pytest.approx(100.0, abs=0.02)


def test_describe_tells_the_plan() -> None:
    criterion = CombinedLoss(
        pixel=l1,
        late=Term(l2, 0.5, start=10, ramp=5),
        called=Term(l2, math.sqrt, inputs=("pred", "target"), start=1),
        waits=Term(l2, after=Reached(term="pixel", below=0.1)),
        balance=GradientShare(),
    )
    criterion.step = 12
    text = criterion.describe()
    rows = {line.split()[0]: line.split() for line in text.splitlines()[2:6]}
    assert [rows[name][2] for name in ("pixel", "late", "called", "waits")] == [
        "1",
        "0.3",
        "3.4641",
        "waits",
    ]
    assert "balance=GradientShare(" in text
    assert "start=10, ramp=5" in text


def test_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    criterion = CombinedLoss(
        pixel=l1, late=Term(l2, 0.5, start=3, ramp=5, stages={12: 0.1}), diagnose_every=2
    )
    criterion.plot_schedule(tmp_path / "plan.png")
    criterion.plot_schedule(str(tmp_path / "longer.png"), steps=5000)
    history = History()
    with pytest.raises(ValueError, match=r"call history\.add\(criterion\) first"):
        history.draw(tmp_path / "curves.png")
    pred, target = images()
    for _ in range(6):
        criterion(pred, target).backward()
        history.add(criterion)
    history.draw(tmp_path / "curves.png")
    for name in ("plan", "longer", "curves"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert [step for step, _ in history.curves["value/pixel"]] == list(range(6))
    assert [step for step, _ in history.curves["gradient_share/pixel"]] == [0, 2, 4]
    assert [weight for _, weight in history.curves["weight/late"]] == pytest.approx([0.1, 0.2, 0.3])
    seldom = History()
    for _ in range(5):
        criterion(pred, target)
    seldom.add(criterion)
    assert [step for step, _ in seldom.curves["value/pixel"]] == [10]
    criterion(pred, target)
    seldom.add(criterion)  # of step 11, and of the measured step 10 no second time
    assert [step for step, _ in seldom.curves["gradient_share/pixel"]] == [10]
    twin = History()
    twin.load_state_dict(history.state_dict())
    assert twin.curves == history.curves


def test_a_history_does_not_wait_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    criterion, history = CombinedLoss(a=l1), History()
    pred, target = images()
    readings = []
    to_list = Tensor.tolist
    monkeypatch.setattr(Tensor, "tolist", lambda self: (readings.append(1), to_list(self))[1])
    for _ in range(20):
        criterion(pred, target)
        history.add(criterion)
    assert readings == []
    assert len(history.curves["total"]) == 20
    assert readings == [1]


# ---- in a plain loop, and in Lightning -----------------------------------------------------------


def test_a_plain_loop() -> None:
    torch.manual_seed(0)
    network = nn.Conv2d(3, 3, 3, padding=1)
    criterion = CombinedLoss(
        pixel=l1,
        structure=Term(SSIMLoss(), 0.3, start=4, ramp=4),
        balance=GradientShare(),
        check_every=5,
    )
    optimizer, history, totals = torch.optim.Adam(network.parameters(), 1e-2), History(), []
    low = torch.rand(2, 3, 16, 16)
    target = 1 - low
    for _ in range(30):
        loss = criterion(network(low), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.add(criterion)
        totals.append(criterion.log()["value/pixel"])
    assert totals[-1] < 0.7 * totals[0]
    assert len(history.curves["gradient_share/structure"]) == 26


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Lightning, on the size of the machine
def test_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning")
    from ssimloss.combined.lightning import CombinedLossLogger

    logged: list[dict[str, float]] = []

    class Model(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = nn.Conv2d(3, 3, 1)
            self.criterion = CombinedLoss(
                pixel=l1, square=Term(l2, 0.5, start=2), balance=GradientShare()
            )

        def training_step(self, batch: list[Tensor], _: int) -> Tensor:
            return self.criterion(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    class Logger(lightning.pytorch.loggers.logger.DummyLogger):
        def log_metrics(self, metrics: dict[str, float], *_: object, **__: object) -> None:
            logged.append(metrics)

    images = torch.utils.data.TensorDataset(*torch.rand(2, 12, 3, 8, 8))
    model = Model()
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=1,
        accumulate_grad_batches=3,
        log_every_n_steps=1,
        logger=Logger(),
        callbacks=[CombinedLossLogger(every=2)],
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(model, torch.utils.data.DataLoader(images, batch_size=1))
    assert trainer.global_step == model.criterion.step == 4
    keys = {key for metrics in logged for key in metrics}
    assert {"train/value/pixel", "train/gradient_share/square", "train/weight/pixel"} <= keys
