"""Modules and measures on option records: options set later, copies, subclasses, names."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
from typing import TYPE_CHECKING

import battery
import pytest
import torch
from discovery import small_network
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F
from ssimloss import Measure, SSIMLoss, metrics
from ssimloss.measure import Reduced, Scores, unregister

if TYPE_CHECKING:
    from nowhere import Unknown


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    return battery.pictures(24, 31, torch.float32)


# --- options of a built module --------------------------------------------------------------------


def test_an_option_is_checked_before_it_is_set(pair: tuple[Tensor, Tensor]) -> None:
    loss = SSIMLoss()
    loss.window_size = 7
    assert loss(*pair) == F.ssim_loss(*pair, window_size=7)
    assert repr(loss) == repr(SSIMLoss(window_size=7)) != repr(SSIMLoss())
    with pytest.raises(ValueError, match="sigma must be positive, got -1"):
        loss.sigma = -1.0
    assert loss.sigma == 1.5
    assert loss(*pair) == F.ssim_loss(*pair, window_size=7)


def test_a_shallow_copy_does_not_change_its_original(pair: tuple[Tensor, Tensor]) -> None:
    loss = SSIMLoss()
    before = loss(*pair)
    other = copy.copy(loss)
    other.window_size = 7
    assert loss(*pair) == before
    assert other(*pair) == F.ssim_loss(*pair, window_size=7)


def test_a_window_of_the_caller(pair: tuple[Tensor, Tensor]) -> None:
    """A buffer that moves and keeps its dtype; it may be exchanged by assignment, by name, and by a
    functional call.
    """
    first, second = torch.tensor([1.0, 2.0, 1.0]), torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0])
    loss = SSIMLoss(window=first)
    assert loss(*pair) == F.ssim_loss(*pair, window=first)
    assert not loss.state_dict()
    called = torch.func.functional_call(loss, {"window": second}, pair)
    assert called == F.ssim_loss(*pair, window=second)
    assert loss(*pair) == F.ssim_loss(*pair, window=first)
    loss.double()
    assert loss.window.dtype is torch.float32
    loss.window = "uniform"
    assert loss(*pair) == F.ssim_loss(*pair, window="uniform")
    assert not list(loss.buffers())
    loss.window = second
    assert [name for name, _ in loss.named_buffers()] == ["window"]
    assert loss(*pair) == F.ssim_loss(*pair, window=second)


@pytest.mark.parametrize("window", ["gaussian", torch.tensor([1.0, 2.0, 1.0])], ids=["word", "own"])
def test_copies_and_pickles_compute_the_same(
    window: str | Tensor, pair: tuple[Tensor, Tensor]
) -> None:
    loss = SSIMLoss(window=window, data_range=2.0)
    file = io.BytesIO()
    torch.save(loss, file)
    file.seek(0)
    again = (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)))
    for other in (*again, torch.load(file, weights_only=False)):
        assert other(*pair) == loss(*pair)
        assert repr(other) == repr(loss)


def test_a_pickle_of_an_older_version_gets_the_new_option() -> None:
    """An option that the pickled module did not have has its default."""
    loss = SSIMLoss(window_size=7)
    state = loss.__getstate__()
    del state["covariance"]
    older = SSIMLoss.__new__(SSIMLoss)
    older.__setstate__(state)
    assert (older.covariance, older.window_size) == ("population", 7)


def test_layers_of_a_built_loss() -> None:
    loss = ssimloss.PerceptualLoss("embedded", layers={"relu1_2": 1.0, "relu2_2": 1.0})
    loss.layers = {"relu2_2": 0.5}
    with pytest.raises(ValueError, match=r"layers must be among those that PerceptualLoss was"):
        loss.layers = {"relu3_3": 1.0}
    with pytest.raises(AttributeError, match="weights must be set when PerceptualLoss is built"):
        loss.weights = "random"


# --- subclasses -----------------------------------------------------------------------------------


def test_signatures_of_subclasses() -> None:
    """Their own ``__init__`` counts, and ``**options`` in it stands for the parent's options."""

    class Weighted(SSIMLoss):
        def __init__(self, weight: float = 2.0, **options: object) -> None:
            super().__init__(**options)
            self.weight = weight

        def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
            return self.weight * super().forward(pred, target, mask=mask)

    class Fixed(metrics.SSIM):
        def __init__(self) -> None:
            super().__init__(window_size=7)

    class Mixin:
        def __init__(self, *args: object, extra: int = 0, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[call-arg]
            self.extra = extra

    class Mixed(Mixin, SSIMLoss):
        pass

    class Typed(SSIMLoss):
        def __init__(self, of: Unknown = None, **options: object) -> None:
            super().__init__(**options)
            self.of = of

    assert list(inspect.signature(Weighted).parameters)[:2] == ["weight", "data_range"]
    inspect.signature(Weighted).bind(3.0, window_size=7)
    weighted = repr(Weighted(3.0, window_size=7))
    assert weighted == repr(SSIMLoss(window_size=7)).replace("SSIMLoss", "Weighted")
    assert not inspect.signature(Fixed).parameters
    assert Fixed().options["window_size"] == 7
    assert {"extra", "window_size"} <= inspect.signature(Mixed).parameters.keys()
    assert Mixed(extra=1, window_size=7).window_size == 7
    assert next(iter(inspect.signature(Typed).parameters)) == "of"
    for cls in (SSIMLoss, ssimloss.PerceptualLoss, metrics.LPIPS):
        assert "reduction" in inspect.signature(cls).parameters or cls is metrics.LPIPS
    assert list(inspect.signature(SSIMLoss.__init__).parameters)[:2] == ["self", "data_range"]


def test_repr_of_subclasses_that_name_no_option() -> None:
    """Their own ``__init__`` takes nothing that the record has; options are shown all the same."""

    class Own(SSIMLoss):
        def __init__(self, strength: float = 2.0) -> None:
            super().__init__(window_size=7)
            self.strength = strength

    class Content(ssimloss.PerceptualLoss):
        def __init__(self, network: nn.Module) -> None:
            super().__init__(network, layers={"relu1": 1.0})

    class Judge(ssimloss.AdversarialLoss):
        def __init__(self) -> None:
            super().__init__("hinge")

    class Sum(ssimloss.CombinedLoss):
        def __init__(self, weight: float = 1.0) -> None:
            super().__init__(ssim=ssimloss.Term(Own(), weight))

    own = repr(SSIMLoss(window_size=7)).replace("SSIMLoss", "Own")
    assert repr(Own(3.0)) == repr(copy.deepcopy(Own(3.0))) == own
    assert repr(Content(small_network())).startswith("Content(\n  layers={'relu1': 1.0}, ")
    assert repr(Judge()).startswith("Judge(kind='hinge', ")
    assert own in " ".join(repr(Sum()).split())  # the table breaks long lines
    held = ssimloss.CombinedLoss(a=Own(), b=Content(small_network()))
    assert own in " ".join(repr(held).split())
    assert "  Content(layers={'relu1': 1.0}, " in repr(held)


# --- calls ----------------------------------------------------------------------------------------


def test_misplaced_arguments_are_named(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    cases = [
        (lambda: F.ssim(pred, target, target=target), r"ssim\(\) got target twice"),
        (lambda: F.ssim(pred, pred=pred), r"ssim\(\) got pred twice"),
        (lambda: F.ssim(pred), r"ssim\(\) needs target"),
        (lambda: F.ssim(pred, target, pred), r"everything else by keyword \(data_range=, window"),
        (lambda: SSIMLoss(7), r"takes options by keyword \(data_range=, .*got 1 positional"),
        (
            lambda: SSIMLoss()(pred, target, mask_=None),
            r"has no input 'mask_'; did you mean 'mask'",
        ),
        (lambda: SSIMLoss()(pred, target, pred), r"SSIMLoss\(\) takes pred, target by position"),
        (
            lambda: metrics.SSIM(protocl=None),
            r"SSIM\(\) has no option 'protocl'; did you mean 'pro",
        ),
    ]
    for call, message in cases:
        with pytest.raises(TypeError, match=message):
            call()


# --- measures from outside ------------------------------------------------------------------------


def jumps(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean((1, 2, 3))


def registered(**changed: object) -> Measure:
    """A measure as a user registers one."""
    values = {"name": "jumps", "title": "Jumps", "unit": "", "better": "lower", "perfect": 0.0}
    values |= {"range": (0.0, 1.0), "source": "a test", "equation": jumps}
    return Measure(**(values | changed))


def test_a_measure_from_outside_is_derived_in_full(pair: tuple[Tensor, Tensor]) -> None:
    measure = registered(module="JumpsLoss", metric="Jumps")
    try:
        loss = ssimloss.JumpsLoss(reduction="sum")
        assert type(loss) is ssimloss.losses.JumpsLoss
        battery.close(loss(*pair), jumps(*pair).sum())
        for other in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
            battery.close(other(*pair), loss(*pair), 0)
        metric = metrics.Jumps()
        metric.update(*pair)
        battery.close(metric.compute(), jumps(*pair).mean().double(), 1e-6)
        half = [image.half() for image in pair]
        assert measure.loss(*half).dtype is torch.float32
        assert pickle.loads(pickle.dumps(metrics.measure("jumps"))).name == "jumps"
    finally:
        unregister("jumps")
    assert not hasattr(ssimloss, "Jumpers")


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"name": "ssim"}, ValueError, "a measure named 'ssim' exists already"),
        ({"metric_name": "l1"}, ValueError, "a measure named 'l1' exists already"),
        ({"metric_name": "g_ssim"}, ValueError, "a measure named 'g_ssim' exists already"),
        ({"metric": "SSIM"}, ValueError, "a measure named 'SSIM' exists already"),
        ({"name": "embedded"}, ValueError, "a measure named 'embedded' exists already"),
        ({"name": "my measure"}, ValueError, "names of a measure must be identifiers"),
        (
            {"role": "metric"},
            ValueError,
            "role must be one of 'score', 'distance', 'index', 'loss'",
        ),
        ({"better": "low"}, ValueError, "better must be one of 'higher', 'lower', got 'low'"),
        ({"better": "higher", "perfect": None}, ValueError, "perfect must be a finite number for"),
        ({"options": dict}, TypeError, "options must be a subclass of ssimloss.measure.Options"),
        ({"equation": F.l1_loss}, TypeError, "must not take 'reduction' by keyword"),
        ({"equation": 3}, TypeError, "equation must be callable, got int"),
    ],
)
def test_a_measure_that_cannot_be_meant(
    changed: dict[str, object], error: type[Exception], message: str
) -> None:
    before = [each.name for each in ssimloss.measure.registered()]
    with pytest.raises(error, match=message):
        registered(**changed)
    assert [each.name for each in ssimloss.measure.registered()] == before


def test_a_record_of_the_users(pair: tuple[Tensor, Tensor]) -> None:
    class PowerOptions(Reduced):
        power: float = 2.0

    def power(pred: Tensor, target: Tensor, options: PowerOptions) -> Scores:
        return Scores((pred - target).abs() ** options.power)

    measure = registered(name="power", equation=power, options=PowerOptions, module="PowerLoss")
    try:
        battery.close(measure.loss(*pair), F.l2(*pair), 1e-6)
        battery.close(ssimloss.PowerLoss(power=1.0)(*pair), F.l1(*pair), 1e-6)
        assert isinstance(ssimloss.PowerLoss(), nn.Module)
    finally:
        unregister("power")


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_name_that_was_free_again(factor: float, pair: tuple[Tensor, Tensor]) -> None:
    """A notebook registers a measure once more: its classes are those of the new equation."""

    def scaled(pred: Tensor, target: Tensor) -> Tensor:
        return factor * (pred - target).abs()

    registered(name="scaled", equation=scaled, module="ScaledLoss", metric="Scaled")
    try:
        expected = factor * F.l1(*pair)
        battery.close(ssimloss.ScaledLoss()(*pair), expected, 1e-6)
        metric = metrics.Scaled()
        metric.update(*pair)
        battery.close(metric.compute(), expected.double(), 1e-6)
    finally:
        unregister("scaled")
