"""FDL, sliced Wasserstein and projected distributions of features: against the reference, against
the formulas of the implementations, and where spectra vanish.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable

import battery
import discovery
import pytest
import reference
import torch
from deep import agree, of_one_layer, random_state
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import ssimloss
import ssimloss.functional as F
from ssimloss import _constants, conventions
from ssimloss.functional import contextual, projections
from ssimloss.functional.fdl import FDLOptions
from ssimloss.functional.sliced_wasserstein import SlicedWassersteinOptions

pytestmark = pytest.mark.usefixtures("one_thread")

FDL = of_one_layer(F.fdl_loss, projections=3, patch_size=2)
SLICED = of_one_layer(F.sliced_wasserstein_loss, projections=3)
PROJECTED = of_one_layer(F.projected_distribution_loss)
COBI = of_one_layer(F.contextual_bilateral_loss)
ALL = pytest.mark.parametrize(
    "loss", [FDL, SLICED, PROJECTED, COBI], ids=["fdl", "sliced", "projected", "cobi"]
)

DOUBLE = torch.empty(0, dtype=torch.float64)
GOLDEN = (0.68941379, -0.72436774)  # the first direction of two channels by the seed 0


def features(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return x, y


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", ["both", "amplitude"])
@pytest.mark.parametrize(("sides", "patch", "stride"), [((6, 5), 3, 1), ((7, 8), 2, 2)])
def test_fdl_is_the_reference(
    weighted: str, sides: tuple[int, int], patch: int, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once and, for the second image size, one projection at a time."""
    if stride == 2:
        monkeypatch.setattr(projections, "STEP", 1)
    x, y = features(2, 3, *sides)
    options = {"projections": 4, "patch_size": patch, "stride": stride, "seed": 5}
    drawn = FDLOptions(layers={"a": 1.0}, **options).drawn(3, DOUBLE)
    amplitude, phase = reference.frequency_distances(x.numpy(), y.numpy(), drawn.numpy(), stride)
    weight = {"both": 0.5, "amplitude": 1.0}[weighted]
    found = F.fdl_loss(
        {"a": x},
        {"a": y},
        layers={"a": 0.5},
        weighted=weighted,
        phase_weight=0.3,
        reduction="image",
        **options,
    )
    battery.close(found, torch.from_numpy(0.5 * amplitude + weight * 0.3 * phase), 1e-12)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("step", [projections.STEP, 1], ids=["at once", "in steps"])
def test_sliced_wasserstein_is_the_reference(
    power: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projections, "STEP", step)
    x, y = features(2, 5, 4, 6)
    drawn = SlicedWassersteinOptions(layers={"a": 1.0}, seed=3).drawn(5, DOUBLE)
    assert drawn.shape == (5, 5)  # as many as channels
    found = F.sliced_wasserstein_loss(
        {"a": x}, {"a": y}, layers={"a": 2.0}, power=power, seed=3, reduction="image"
    )
    expected = 2 * reference.sliced_wasserstein(x.numpy(), y.numpy(), drawn.numpy(), power)
    battery.close(found, torch.from_numpy(expected), 1e-12)


@pytest.mark.parametrize("step", [projections.STEP, 50], ids=["at once", "in steps"])
def test_projected_distribution_is_the_reference(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projections, "STEP", step)
    x, y = features(2, 5, 4, 6)
    found = PROJECTED(x, y, reduction="image")
    expected = reference.projected_distribution(x.numpy(), y.numpy())
    battery.close(found, torch.from_numpy(expected), 1e-12)


@pytest.mark.parametrize("distance", ["cosine", "l2"])
@pytest.mark.parametrize(("weight", "step"), [(0.1, contextual.STEP), (2.0, 70), (0.0, 70)])
def test_contextual_bilateral_is_the_reference(
    distance: str, weight: float, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contextual, "STEP", step)
    x, y = features(2, 6, 4, 5)
    options = {"spatial_weight": weight, "distance": distance}
    expected = reference.contextual_bilateral(x.numpy(), y.numpy(), **options)
    # 1e-10 beside a norm.
    battery.close(COBI(x, y, reduction="image", **options), torch.from_numpy(expected), 1e-8)


@pytest.mark.parametrize("distance", ["cosine", "l2"])
@pytest.mark.parametrize(("weight", "step"), [(0.1, contextual.STEP), (1.0, 70), (0.0, 70)])
def test_contextual_bilateral_of_the_program(
    distance: str, weight: float, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contextual, "STEP", step)
    x, y = features(2, 6, 4, 5)
    options = {"spatial_weight": weight, "distance": distance, "bandwidth": 0.3}
    expected = reference.contextual_bilateral_similarity(x.numpy(), y.numpy(), **options)
    found = COBI(x, y, reduction="image", form="similarity", **options)
    battery.close(found, torch.from_numpy(expected), 1e-8)
    if weight == 1.0:  # each position is its own
        battery.close(found, torch.zeros(2), 1e-12)
    else:
        pair = [values[:1, :, :2, :3].clone().requires_grad_() for values in (x, y)]
        loss = functools.partial(COBI, form="similarity", **options)
        assert torch.autograd.gradcheck(loss, pair, fast_mode=True)
        monkeypatch.undo()  # larger features in steps of 70 take 10 seconds
        battery.finite_everywhere(loss)


def test_the_similarity_has_a_weight_of_at_most_one() -> None:
    x, y = features(1, 2, 3, 3)
    with pytest.raises(ValueError, match=r"spatial_weight must be at most 1 with form=.*got 1.5"):
        COBI(x, y, form="similarity", spatial_weight=1.5)


def test_contextual_bilateral_minds_where_things_are() -> None:
    """Features two columns of eight away cost a quarter of the weight each, at most."""
    x, _ = features(1, 6, 4, 8)
    moved = COBI(x.roll(2, 3), x, spatial_weight=0.01)
    assert 0.5 * 0.0025 < moved < 0.01
    battery.close(COBI(x.roll(2, 3), x, spatial_weight=0.0) + 1, 1.0, 1e-9)


def program(layers: dict[str, float], drawn: dict[str, Tensor]) -> Callable[..., Tensor]:
    """FDL_pytorch's and neosr's ``forward``, of features that are multiplied by weights."""

    def once(x: Tensor, y: Tensor, vectors: Tensor) -> Tensor:
        sorted_ = [torch.conv2d(f, vectors.to(f)).flatten(2).sort(-1)[0] for f in (x, y)]
        return (sorted_[0] - sorted_[1]).abs().mean((1, 2))

    def loss(x: dict[str, Tensor], y: dict[str, Tensor]) -> Tensor:
        total = torch.zeros(())
        for name, weight in layers.items():
            spectra = [torch.fft.fftn(weight * f[name], dim=(-2, -1)) for f in (x, y)]
            for part in (torch.abs, torch.angle):
                total = total + once(part(spectra[0]), part(spectra[1]), drawn[name])
        return total.mean()

    return loss


@pytest.mark.parametrize("name", ["ni2024", "neosr"])
def test_conventions_are_the_programs(name: str) -> None:
    """On odd sides, where only the mean is a real frequency."""
    convention = dict(conventions.FDL[name])
    if name == "ni2024":  # of which 256 add nothing here
        convention |= {"projections": 7}
    layers = dict(list(convention["layers"].items())[:2])
    loss = ssimloss.FDLLoss(
        **convention | {"layers": layers}, weights=random_state("vgg19"), seed=2
    ).double()
    pred, target = (image[..., :27, :25] for image in battery.pictures(28, 26))
    theirs = program(layers, loss.directions)
    agree(loss, lambda x, y: theirs(loss.extract(x), loss.extract(y)), pred, target, tolerance=1e-9)
    assert tuple(convention["layers"]) == ssimloss.FDLLoss.usual.of_vgg


# --- properties -----------------------------------------------------------------------------------


@ALL
def test_equal_features_have_no_distance(loss: Callable[..., Tensor]) -> None:
    x, y = features(1, 4, 5, 6)
    battery.close(1 + loss(x, x), 1.0, 1e-12)
    assert loss(x, y) > 1e-3


@pytest.mark.parametrize("loss", [SLICED, PROJECTED], ids=["sliced", "projected"])
def test_positions_play_no_part(loss: Callable[..., Tensor]) -> None:
    x, _ = features(1, 4, 5, 6)
    battery.close(1 + loss(x.flip(2, 3), x), 1.0, 1e-12)


def test_a_shift_changes_no_amplitude() -> None:
    x, _ = features(1, 4, 8, 8)
    loss = functools.partial(FDL, phase_weight=0.0)
    battery.close(1 + loss(x.roll((2, 3), (2, 3)), x), 1.0, 1e-12)
    assert FDL(x.roll((2, 3), (2, 3)), x) > 0.01


@ALL
def test_gradient_is_the_derivative(loss: Callable[..., Tensor]) -> None:
    x, y = features(2, 2, 3, 4, seed=1)
    x.requires_grad_(), y.requires_grad_()
    assert torch.autograd.gradcheck(loss, (x, y), fast_mode=True)
    assert torch.autograd.gradgradcheck(loss, (x, y), fast_mode=True)


@ALL
@pytest.mark.parametrize("step", [projections.STEP, 1], ids=["at once", "in steps"])
def test_torch_func(
    loss: Callable[..., Tensor], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projections, "STEP", step)
    monkeypatch.setattr(contextual, "STEP", step)
    x, y = features(2, 3, 4, 5)
    battery.close(torch.func.grad(loss)(x, y), battery.differentiate(loss, x, y)[1], 1e-12)
    several = torch.stack([x, 2 * x, y + 1])
    mapped = torch.vmap(lambda z: loss(z, y))(several)
    battery.close(mapped, torch.stack([loss(z, y) for z in several]), 1e-12)


@ALL
def test_is_sound(loss: Callable[..., Tensor]) -> None:
    if loss is FDL:  # whose patches are larger than one pixel
        loss = of_one_layer(F.fdl_loss, projections=3, patch_size=1)
    battery.finite_everywhere(loss)
    battery.batch_is_singles(loss)
    for reduction, shape in (("mean", ()), ("sum", ()), ("image", (0,)), ("none", (0, 1))):
        pred = torch.zeros(0, 3, 8, 8, requires_grad=True)
        value = loss(pred, pred.detach(), reduction=reduction)
        value.sum().backward()
        assert tuple(value.shape) == shape
        assert value.sum() == 0


def test_a_black_prediction_learns() -> None:
    """The amplitude of 0 has a slope, and no phase is taken of rounding."""
    _, y = features(1, 3, 8, 8)
    for x in (torch.zeros_like(y), torch.full_like(y, 0.3)):
        x = x.float()
        value, gradient = battery.differentiate(FDL, x, y.float())
        assert value > 0
        assert gradient.isfinite().all()
        # A gradient of the phases of rounding would be about 1e6.
        assert 1e-4 < gradient.abs().max() < 10
    drawn = FDLOptions(layers={"l": 1.0}, projections=3, patch_size=2).drawn(3, DOUBLE)
    amplitudes, phases = reference.frequency_distances(
        torch.zeros_like(y).numpy(), y.numpy(), drawn.numpy()
    )
    battery.close(FDL(torch.zeros_like(y), y), float((amplitudes + phases)[0]), 1e-12)


@pytest.mark.parametrize("scale", [1e-44, 1e-40, 1e-36, 1e-31, 1e-25])
def test_tiny_features_have_a_finite_gradient(scale: float) -> None:
    """The derivative of a phase is the reciprocal of an amplitude."""
    x, y = (f.float() for f in features(1, 3, 6, 6))
    value, gradient = battery.differentiate(FDL, scale * x, y)
    assert value > 0
    assert gradient.isfinite().all()


def test_memory_is_bounded() -> None:
    """All 64 projections of one image would be 16 MiB in each tensor."""
    x, y = (f.float().requires_grad_() for f in features(1, 2, 64, 64))
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
        ) -> object:
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                largest = max(largest, result.numel())
            return result

    with pytest.MonkeyPatch.context() as patch, Watch():
        patch.setattr(projections, "STEP", 2**17)
        of_one_layer(F.fdl_loss, projections=64, patch_size=3)(x, y).backward()
    assert largest <= 2**17
    assert x.grad is not None
    assert x.grad.isfinite().all()


# --- directions -----------------------------------------------------------------------------------


def test_directions_follow_from_the_seed_alone() -> None:
    """Unit vectors, the same on every machine, and no draw from the process's generator."""
    state = torch.get_rng_state()
    build = functools.partial(discovery.build, "FDLLoss")
    _constants.KEPT_PLANES.clear()
    one, same, other = build(), build(), build(seed=1)
    assert not len(_constants.KEPT_PLANES)  # the losses keep them
    assert torch.equal(state, torch.get_rng_state())
    for name, vectors in one.directions.items():
        assert torch.equal(vectors, same.directions[name])
        assert not torch.equal(vectors, other.directions[name])
        battery.close(vectors.flatten(1).norm(dim=1), torch.ones(len(vectors)), 1e-6)
    drawn = SlicedWassersteinOptions(layers={"a": 1.0}).drawn(2, DOUBLE)
    battery.close(drawn[0], torch.tensor(GOLDEN), 1e-7)
    assert not one.state_dict()


def test_directions_stay_as_they_are() -> None:
    """Under casts and copies; they follow from options that are set."""
    loss = discovery.build("SlicedWassersteinLoss")
    half = copy.deepcopy(loss).half()
    pred, target = discovery.photos("SlicedWassersteinLoss")
    assert all(vectors.dtype is torch.float32 for vectors in half.directions.values())
    assert torch.equal(half(pred, target), loss(pred, target))
    loss.seed = 3
    of_seed = discovery.build("SlicedWassersteinLoss", seed=3)
    assert torch.equal(loss(pred, target), of_seed(pred, target))
    loss.layers = {loss.extractor.layers[-1]: 1.0}
    assert loss(pred, target).isfinite()


@pytest.mark.parametrize("name", ["FDLLoss", "SlicedWassersteinLoss"])
def test_directions_are_renewed_in_training(name: str) -> None:
    loss, fixed = discovery.build(name, renew=True), discovery.build(name)
    pred, target = discovery.photos(name)
    torch.manual_seed(4)
    values = [loss(pred, target) for _ in range(2)]
    torch.manual_seed(4)
    assert torch.equal(loss(pred, target), values[0])
    assert not torch.equal(*values)
    battery.close(torch.stack(values), fixed(pred, target).expand(2), 0.5)
    assert torch.equal(loss.eval()(pred, target), fixed(pred, target))
    assert "renew=True" in repr(loss)


def test_terms_share_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    network = discovery.small_network()
    layers = {"relu1": 1.0, "relu3": 1.0}
    criterion = ssimloss.CombinedLoss(
        content=ssimloss.Term(ssimloss.PerceptualLoss(network, layers=layers), 1.0),
        fdl=ssimloss.Term(ssimloss.FDLLoss(network, layers=layers, projections=3), 0.01),
        pdl=ssimloss.Term(ssimloss.ProjectedDistributionLoss(network, layers=layers), 1.0),
    )
    pred, target = discovery.photos("FDLLoss")
    extractors = [term.loss.extractor for term in criterion.terms.values()]
    assert len({id(extractor.network) for extractor in extractors}) == 1
    channels, plain = [], torch.nn.functional.conv2d

    def counted(x: Tensor, *rest: object, **options: object) -> Tensor:
        channels.append(x.shape[1])
        return plain(x, *rest, **options)

    monkeypatch.setattr(torch.nn.functional, "conv2d", counted)
    value = criterion(pred, target)
    assert channels.count(3) == 2  # the first layer, for the prediction and for the target
    alone = [
        w * term.loss(pred, target)
        for w, term in zip((1, 0.01, 1), criterion.terms.values(), strict=True)
    ]
    battery.close(value, sum(alone), 1e-5)


@ALL
def test_features_without_positions_are_named(loss: Callable[..., Tensor]) -> None:
    x = torch.rand(1, 3, 4, 0)
    with pytest.raises(ValueError, match=r"pred_features\['.*'\] must have at least one position"):
        loss(x, x)


def test_bad_input_is_named() -> None:
    x = {"a": torch.rand(1, 3, 4, 5)}
    fdl = functools.partial(F.fdl_loss, x, x, layers={"a": 1.0})
    sliced = functools.partial(F.sliced_wasserstein_loss, x, x, layers={"a": 1.0})
    for call, error, message in (
        (
            fdl,
            ValueError,
            r"patch_size must be at most 4, the shorter side of pred_features\['a'\].*"
            "set a smaller patch_size, leave out deep layers",
        ),
        (lambda: fdl(projections=0), ValueError, "projections must be at least 1, got 0"),
        (lambda: fdl(weighted="phase"), ValueError, "weighted must be one of 'both', 'amplitude'"),
        (lambda: fdl(seed=-1), ValueError, "seed must be at least 0"),
        (lambda: sliced(power=3), ValueError, "power must be 1 or 2, got 3"),
        (
            lambda: sliced(directions={"a": torch.rand(3, 4)}),
            ValueError,
            r"directions\['a'\] must be a tensor of shape \(3, 3\), which follows .*\(3, 4\)",
        ),
        (lambda: sliced(directions=[torch.rand(3, 3)]), TypeError, "must map names of layers"),
        (
            lambda: sliced(directions={"a": torch.ones(3, 3, dtype=torch.int64)}),
            ValueError,
            "must be floating point on the device of the features",
        ),
    ):
        with pytest.raises(error, match=message):
            call()
