"""Every loss the package exports, found by looking, so that one added later cannot escape the tests
over all of them.

A class called with ``(pred, target)`` needs no entry here. Any other needs a :class:`Recipe`;
without one, the tests fail.

Options from closed sets are covered pairwise: ``VARIANTS`` are losses with such options, under
names such as ``"SSIMLoss window=uniform padding=zeros"``. Every function here takes such a name in
place of the name of a loss.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import importlib
import inspect
import itertools
import types
import typing
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import photographs
import pytest
import torch
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F

# Keyword options of functions that belong to the images, not to the settings: the module takes them
# when it is called.
GIVEN = ("identity", "pred_ema", "mask")
# Closed sets that are no part of the definition: reductions have tests of their own, a backend may
# be missing, "gray" decides about gray images only, and "on_nonfinite" about values that are not
# finite: test_alarms.py.
NOT_COVERED = ("reduction", "backend", "gray", "on_nonfinite")


@dataclass(frozen=True)
class Recipe:
    """How a loss is built, called and what it is spared, each with its reason beside the entry."""

    build: Callable[..., nn.Module] | None = None
    call: Callable[[nn.Module, Tensor, Tensor], Tensor] = lambda module, pred, target: module(
        pred, target
    )
    takes_target: bool = True
    # Small, of different length, divisible by small numbers (patches).
    sides: tuple[int, int] = (48, 60)
    channels: int = 3
    names: tuple[str, str] = ("pred", "target")  # what errors call the two inputs
    is_distance: bool = True  # falls as pred goes to target
    # Options that change nothing on these inputs with the others at their defaults.
    idle: tuple[str, ...] = ()
    ranks: tuple[int, ...] = (4,)  # of the images that it takes
    twin: bool = True
    has_reduction: bool = True
    is_derivative: bool = True
    generates: bool = True  # the compiler makes code of it (none of complex numbers)
    step: float = 1e-8  # of finite differences, smaller where values exchange their ranks
    is_deep: bool = False  # compares features of a network
    shared: bool = False  # built once for the same options, because that is expensive
    # Further options, and sides, with which variants stay cheap.
    small: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    small_sides: tuple[int, int] | None = None
    always_small: bool = False  # these options instead of the defaults, which take long
    # Variants beyond those of closed sets: name -> options, and how the images are passed.
    more: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    calls: Mapping[str, Callable[..., Tensor]] = dataclasses.field(default_factory=dict)
    # Variants to which some promise does not apply, by the options in their names:
    batched: tuple[str, ...] = ()  # the images of a batch depend on each other
    without_map: tuple[str, ...] = ()  # refused with reduction="none"
    rough: tuple[str, ...] = ()  # float32 rounds more than is allowed to the defaults
    fills: tuple[str, ...] = ()  # count what they add at the border, unless there is a mask
    absolute: tuple[str, ...] = ()  # not only the ratio of the weights in a mask counts
    without_mask: tuple[str, ...] = ()  # a mask of another shape


def _combined(**options: Any) -> nn.Module:
    parts = {
        name: ssimloss.Term(getattr(ssimloss, name)(), weight)
        for name, weight in (("CharbonnierLoss", 1.0), ("SSIMLoss", 0.25), ("EdgeLoss", 0.5))
    }
    return ssimloss.CombinedLoss(**parts, **options)


def small_network() -> nn.Sequential:
    """Seven layers with weights that are the same on every machine, fast and of three resolutions;
    named as a VGG's are.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, 8, 3, padding=1),
                relu1=nn.ReLU(inplace=True),
                pool1=nn.MaxPool2d(2, ceil_mode=True),
                conv2=nn.Conv2d(8, 12, 3, padding=1),
                relu2=nn.ReLU(inplace=True),
                conv3=nn.Conv2d(12, 16, 3, stride=2, padding=1),
                relu3=nn.ReLU(inplace=True),
            )
        )


def _deep(
    name: str, *, batched: tuple[str, ...] = (), rough: tuple[str, ...] = (), **defaults: Any
) -> Recipe:
    """A loss over the features of a network: of a small one, as the promises asked for here are
    about the loss. Its function, of features and not of images, is no twin.
    """
    return Recipe(
        build=lambda **options: getattr(ssimloss, name)(small_network(), **(defaults | options)),
        twin=False,
        is_deep=True,
        batched=batched,
        rough=rough,
    )


class _Judged(nn.Module):
    """Both methods of an adversarial loss as one call, of maps of logits: of real images in place
    of pred, of generated ones for target.
    """

    def __init__(self, loss: ssimloss.AdversarialLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return self.loss.discriminator_loss(real_logits, fake_logits) + self.loss.generator_loss(
            fake_logits
        )


class _Narrow:
    """In place of VGG16, whose arithmetic would take nine tenths of the time."""

    def _extract_with(self, _network: str, _layers: Sequence[str], **fixed: Any) -> None:
        layers = ("relu1", "relu2", "relu3")
        super()._extract_with(small_network(), layers, **fixed)


class DISTS(_Narrow, ssimloss.DISTS):
    """With the published weights of as many channels as the network has."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, weights in self._constants.items():
            self._constants[name] = [w[:n] for w, n in zip(weights, (3, 8, 12, 16), strict=False)]


class ADISTS(_Narrow, ssimloss.ADISTS):
    pass


@contextlib.contextmanager
def fewer_pixels() -> Iterator[None]:
    """The saliency of VSI is computed at 256 x 256 pixels, whatever the size of the images; inside,
    at 64 x 64.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("ssimloss.functional.vsi"), "_SIDE", 64)
        yield


def _on_fewer_pixels(module: nn.Module, pred: Tensor, target: Tensor) -> Tensor:
    with fewer_pixels():
        return module(pred, target)


ZEROS = ("padding=zeros",)  # which are pixels of weight 1 beyond the border
RECIPES = {
    "TotalVariationLoss": Recipe(
        call=lambda module, pred, _target: module(pred),
        takes_target=False,
        absolute=("within_image=sum",),
    ),
    "CharbonnierLoss": Recipe(more={"eps=0.01": {"eps": 1e-2, "at_zero": "zero"}}),
    # Powers of terms of any sign.
    "SSIMLoss": Recipe(
        more={
            "exponents=fractional": {
                "exponents": (0.5, 1.5, 0.7),
                "padding": "replicate",
                "window_size": 5,
            },
            "exponents=contrast": {"exponents": (0.0, 1.0, 0.0)},
        },
        absolute=ZEROS,
    ),
    "GradientSSIMLoss": Recipe(absolute=ZEROS),
    "StructureCorrelationLoss": Recipe(absolute=ZEROS),
    "MSSSIML1Loss": Recipe(absolute=ZEROS),
    "GradientDifferenceLoss": Recipe(more={"alpha=1.5": {"alpha": 1.5}}),
    "CycleConsistencyLoss": Recipe(
        more={"identity=pred": {}, "downscale=2": {"downscale": 2}},
        calls={
            "identity=pred": lambda module, pred, target: module(pred, target, identity=pred),
            "downscale=2": lambda module, pred, target: module(pred, target[..., ::2, ::2]),
        },
        without_mask=("downscale=2",),
    ),
    # Five scales of an 11-tap window need 176 pixels on the short side, of a 3-tap window 48.
    "MSSSIMLoss": Recipe(
        sides=(176, 180), small={"window_size": 3}, small_sides=(48, 60), fills=("pooling=zeros",)
    ),
    "VIFLoss": Recipe(small_sides=(48, 60)),  # 41 pixels at least
    # 72 pixels at least, of two levels 18.
    "VIFWaveletLoss": Recipe(
        sides=(24, 28), small={"levels": 2}, small_sides=(20, 24), always_small=True
    ),
    # 161 pixels at least, of three scales 41.
    "IWSSIMLoss": Recipe(
        sides=(44, 48),
        small={"scale_weights": (0.2, 0.3, 0.5)},
        small_sides=(44, 48),
        always_small=True,
    ),
    # 64 pixels at least, of two levels 16.
    "CWSSIMLoss": Recipe(
        sides=(68, 74), generates=False, small={"levels": 2}, small_sides=(24, 28)
    ),
    # At the full sides, one L1 difference of 17,280 lies within a step of its corner.
    "ColorConsistencyLoss": Recipe(
        small_sides=(20, 22),
        more={"downscale=3": {"downscale": 3}},
        rough=("distance=l1",),
    ),
    "AverageLoss": Recipe(
        idle=("eps",), without_mask=("filter=bilinear", "filter=bicubic"), rough=("distance=l1",)
    ),
    # Photographs differ by less than delta = 1, or a high beyond it. Half precision is asked about
    # errors of a level, whose squares the default of low clips.
    "ClippedLoss": Recipe(idle=("eps", "high"), ranks=(4, 5), small={"low": 1e-6}),
    "HuberLoss": Recipe(idle=("delta",), ranks=(4, 5)),
    "GradientVarianceLoss": Recipe(idle=("eps",), small_sides=(24, 32)),
    "LaplacianPyramidLoss": Recipe(idle=("eps",), rough=("distance=l1",)),
    # eps is of one distance, which is not the default.
    "HSLuvLoss": Recipe(small_sides=(20, 22), idle=("eps",)),
    # 113 pixels at least, for six scales.
    "SSIMULACRA2Loss": Recipe(
        sides=(120, 118),
        idle=("min_size",),
        small={"min_size": "fewer_scales"},
        small_sides=(24, 28),
    ),
    # Coefficients near 0, where the slope of |d| is any, are as common as smooth places.
    "WaveletLoss": Recipe(
        sides=(20, 24),
        small={"level_weights": (1.0,)},
        small_sides=(10, 12),
        rough=("distance=l1",),
    ),
    "FSIMLoss": Recipe(generates=False),
    "VSILoss": Recipe(call=_on_fewer_pixels),
    "MADLoss": Recipe(sides=(42, 46), generates=False, small_sides=(40, 44)),  # 34 pixels at least
    "EnhancedSSIMLoss": Recipe(sides=(52, 64), small_sides=(48, 60)),  # 44 pixels at least
    # So many blocks that another share of them is another number.
    "DSSLoss": Recipe(sides=(120, 128), small_sides=(24, 28)),
    # By default, 81 pixels at least and 640 projections.
    "MSSWDLoss": Recipe(
        sides=(24, 28),
        small={"scales": 2, "projections": 8, "patch_size": 5},
        always_small=True,
        step=1e-10,
    ),
    # The weights of features replace the regression; they are no closed set.
    "VMAFLoss": Recipe(
        idle=("feature_weights",),
        more={"feature_weights=two": {"feature_weights": {"vif_scale1": 1.0, "adm_scale2": 3.0}}},
    ),
    "SSIML1Loss": Recipe(absolute=ZEROS, without_map=("padding=valid",)),
    # Its options are its terms; each term has a reduction of its own.
    "CombinedLoss": Recipe(build=_combined, twin=False, has_reduction=False),
    # The paper's weight matrix is held constant (Jiang et al. 2021, section 3.3), so the gradient
    # is not the value's derivative.
    "FocalFrequencyLoss": Recipe(
        is_derivative=False,
        batched=("spectrum=batch_mean", "peak=batch"),
        more={"alpha=0.5": {"alpha": 0.5, "weighting": "log"}},
    ),
    "PerceptualLoss": _deep("PerceptualLoss", layers={"conv2": 1.0, "relu3": 0.5}),
    "TextureLoss": _deep(
        "TextureLoss",
        layers={"relu1": 1.0, "relu3": 0.5},
        batched=("gram=bchw",),
        rough=("gram=none",),  # sums of products in the hundreds, compared
    ),
    "ContextualLoss": _deep("ContextualLoss", layers={"relu3": 1.0}, rough=("pooling=l2",)),
    "ContextualBilateralLoss": _deep("ContextualBilateralLoss", layers={"relu3": 1.0}),
    # The slopes of phases amplify rounding. The gradient of differences of ranks is any of two
    # where a rounded pair is equal.
    "FDLLoss": dataclasses.replace(
        _deep(
            "FDLLoss",
            layers={"relu1": 1.0, "relu3": 0.5},
            projections=3,
            patch_size=2,
            phase_weight=0.02,
        ),
        step=1e-10,
    ),
    "SlicedWassersteinLoss": dataclasses.replace(
        _deep("SlicedWassersteinLoss", layers={"relu1": 1.0, "relu3": 0.5}), step=1e-9
    ),
    "ProjectedDistributionLoss": _deep("ProjectedDistributionLoss", layers={"relu3": 0.5}),
    "DeepPerceptualSimilarity": _deep(
        "DeepPerceptualSimilarity", layers={"relu1": 1.0, "relu3": 0.5}
    ),
    # Two methods and no forward; test_adversarial.py holds what is asked of twins. Of the
    # relativistic average, an image has no loss alone.
    "AdversarialLoss": Recipe(
        build=lambda **options: _Judged(ssimloss.AdversarialLoss("cross_entropy", **options)),
        channels=1,
        names=("real_logits", "fake_logits"),
        is_distance=False,
        twin=False,
        rough=("total=mean",),  # two gradients, rounded and added in half precision, nearly cancel
    ),
    # Takes lists of maps, and the real side for a constant unless told; of one map in one list,
    # these options change nothing.
    "FeatureMatchingLoss": Recipe(
        call=lambda module, pred, target: module([pred], [target]),
        takes_target=False,
        ranks=(3, 4, 5),
        idle=("layers", "scales", "detach_target"),
    ),
    "PriorLoss": _deep("PriorLoss"),
    "LandmarkLoss": _deep("LandmarkLoss"),
    # Its network is part of what it is. Generated code rounds otherwise in each of many layers.
    "LPIPS": Recipe(
        build=lambda **options: ssimloss.LPIPS(**({"weights": "random"} | options)),
        twin=False,
        generates=False,
        is_deep=True,
        shared=True,
    ),
    # With VGG16 in test_lpips_dists.py. The window has several positions in the image and in the
    # first layer.
    "DISTS": Recipe(build=DISTS, sides=(18, 20), twin=False, generates=False, is_deep=True),
    "ADISTS": Recipe(build=ADISTS, sides=(24, 26), twin=False, generates=False, is_deep=True),
}

# Of a set of features, no row has a value alone: what is asked of these is in test_set_losses.py.
OF_SETS = {"FrechetLoss", "KernelDistanceLoss", "CMMDLoss"}
# A batch of images is one clip: what is asked of these is in test_temporal.py.
OF_CLIPS = {"TemporalDifferenceLoss", "WarpingErrorLoss"}
LOSSES: dict[str, type[nn.Module]] = {
    name: value
    for name, value in ((name, getattr(ssimloss, name)) for name in ssimloss.__all__)
    if inspect.isclass(value) and issubclass(value, nn.Module) and name not in OF_SETS | OF_CLIPS
}


def base(name: str) -> str:
    """The loss that a variant is one of."""
    return VARIANTS[name][0] if name in VARIANTS else name


@functools.cache
def recipe(name: str) -> Recipe:
    """The entry of a loss; for two images, none is needed."""
    if name in VARIANTS:
        found = recipe(base(name))
        call = found.calls.get(name.split()[1], found.call)
        return dataclasses.replace(found, sides=found.small_sides or found.sides, call=call)
    if name in RECIPES:
        return RECIPES[name]
    positional = [
        p.name
        for p in inspect.signature(LOSSES[name].forward).parameters.values()
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    ]
    assert positional == ["self", "pred", "target"], (
        f"{name} takes {positional[1:]}: give it a Recipe in {__name__}.RECIPES"
    )
    return Recipe()


def has(name: str, words: Sequence[str]) -> bool:
    """Whether a loss or a variant has one of the options ``"option=word"``."""
    defaults = {option: sets[0] for option, sets in closed_sets(base(name)).items()}
    settings = defaults | (VARIANTS[name][1] if name in VARIANTS else {})
    found = {f"{option}={word}" for option, word in settings.items()} | set(name.split())
    return not found.isdisjoint(words)


def build(name: str, **options: Any) -> nn.Module:
    """The loss with these options. Do not change it: take :func:`fresh` for that."""
    if recipe(name).shared:
        return _shared(name, tuple(sorted(options.items())))
    return _built(name, options)


def fresh(name: str, **options: Any) -> nn.Module:
    """The loss with these options, for this test alone."""
    module = build(name, **options)
    return copy.deepcopy(module) if recipe(name).shared else module


@functools.cache
def _shared(name: str, options: tuple[tuple[str, Any], ...]) -> nn.Module:
    return _built(name, dict(options))


def _built(name: str, options: Mapping[str, Any]) -> nn.Module:
    words = VARIANTS[name][1] if name in VARIANTS else {}
    small = recipe(name).small if recipe(name).always_small else {}
    return (recipe(name).build or LOSSES[base(name)])(**{**small, **words, **options})


def photos(name: str, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Two different colour photographs and their degraded copies, ``(2, C, H, W)`` in about [0, 1],
    as large as the loss needs.

    A little noise takes them off the 8-bit levels: equal neighbours are corners of ``|x|``, where a
    gradient is any of many.
    """
    found = _photos(recipe(name).sides, recipe(name).channels)
    pred, target = (image.to(dtype, copy=True) for image in found)
    return pred, target


@functools.cache
def _photos(sides: tuple[int, int], channels: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred, target = (
        image[:2, :channels].contiguous()
        + 0.01 * torch.rand(2, channels, *sides, dtype=torch.float64, generator=generator)
        for image in photographs.batch(*sides)
    )
    return pred, target


def evaluate(name: str, module: Callable[..., Tensor], pred: Tensor, target: Tensor) -> Tensor:
    """The value of the loss."""
    return recipe(name).call(module, pred, target)  # type: ignore[arg-type]


def value_and_gradients(
    name: str, module: Callable[..., Tensor], pred: Tensor, target: Tensor, *, scale: float = 1.0
) -> tuple[Tensor, list[Tensor]]:
    """The value (detached), and the gradient of ``scale`` times its sum to each image that the loss
    takes.
    """
    images = [pred.detach().requires_grad_(), target.detach().requires_grad_()]
    value = evaluate(name, module, *images)
    asked = images if recipe(name).takes_target else images[:1]
    return value.detach(), list(torch.autograd.grad(value, asked, torch.full_like(value, scale)))


def function_of(name: str) -> Callable[..., Tensor] | None:
    """The function whose module this is: ``MSSSIML1Loss`` and ``ms_ssim_l1_loss`` differ in case
    and underscores only.
    """
    return next((f for f in functions() if f.__name__.replace("_", "") == name.lower()), None)


def functions() -> list[Callable[..., Tensor]]:
    """Every function that is exported beside the modules."""
    rooms = (F, ssimloss.video)
    return [
        value
        for room in rooms
        for value in (getattr(room, name) for name in room.__all__)
        if inspect.isroutine(value)
    ]


def options(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword-only parameters; of a class, those of its constructor."""
    return {
        p.name: p
        for p in inspect.signature(function, eval_str=True).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


def alternatives(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """For each option every other word of a closed set, another number, another form of value:
    ``(option, value)``.
    """
    for name, parameter in options(function).items():
        if name not in GIVEN:
            for value in _others(parameter.annotation, parameter.default):
                yield name, value


def _others(annotation: Any, default: Any) -> Iterator[Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        yield from (word for word in arguments if word != default)
    elif origin in (typing.Union, types.UnionType):
        for argument in arguments:
            yield from _others(argument, default)
    elif annotation is bool:
        yield not default
    elif annotation is int:
        yield default + 2 if isinstance(default, int) else 2
    elif annotation is float:
        yield default * 0.75 if isinstance(default, float) and default else 0.25
    elif origin is tuple and isinstance(default, tuple):
        yield tuple(value * (0.75 + 0.125 * i) for i, value in enumerate(default))
    elif origin is tuple and len(arguments) == 2 and Ellipsis not in arguments:
        yield (-1.0, 1.0)
    elif annotation is Tensor:
        yield torch.tensor([1.0, 2.0, 4.0, 2.0, 1.0], dtype=torch.float64)
    elif typing.get_origin(annotation) is not None and isinstance(default, list | tuple):
        yield tuple(value * (0.75 + 0.125 * i) for i, value in enumerate(default))


# --- variants -------------------------------------------------------------------------------------


def pairwise(
    sets: Mapping[str, Sequence[Any]],
    allowed: Callable[[Mapping[str, Any]], bool] = lambda row: True,  # noqa: ARG005
) -> list[dict[str, Any]]:
    """Few rows that hold each pair of words of two options; the first row has the first words.

    Greedy, so short but not the shortest; the same rows on every machine. A pair that is not
    ``allowed`` with the first words of the other options is left out.
    """
    first = {name: words[0] for name, words in sets.items()}
    size = min(2, len(sets))
    missing = [
        dict(zip(names, words, strict=True))
        for names in itertools.combinations(sets, size)
        for words in itertools.product(*(sets[name] for name in names))
    ]
    rows: list[dict[str, Any]] = []
    row: dict[str, Any] | None = first
    while row is not None:
        rows.append(row)
        missing = [pair for pair in missing if not pair.items() <= row.items()]
        row = None
        while missing and row is None:
            wanted = _filled(missing[0], sets, missing)
            row = next((r for r in (wanted, {**first, **missing[0]}) if allowed(r)), None)
            if row is None:
                missing.pop(0)
            else:
                row = {name: row[name] for name in sets}
    return rows


def _filled(
    start: Mapping[str, Any], sets: Mapping[str, Sequence[Any]], missing: list[dict[str, Any]]
) -> dict[str, Any]:
    """A row that begins with a pair and, option by option, takes the word that adds most."""
    row = dict(start)

    def added(name: str, word: Any) -> int:
        longer = {**row, name: word}
        return sum(name in pair and pair.items() <= longer.items() for pair in missing)

    for name, words in sets.items():
        if name not in row:
            row[name] = max(words, key=lambda word: added(name, word))
    return row


def words_of(annotation: Any) -> tuple[Any, ...]:
    """The words of the closed sets in a type."""
    if typing.get_origin(annotation) is typing.Literal:
        return typing.get_args(annotation)
    return tuple(word for argument in typing.get_args(annotation) for word in words_of(argument))


@functools.cache
def closed_sets(name: str) -> dict[str, tuple[Any, ...]]:
    """The options of a loss that are chosen from a closed set, the default first."""
    found = {}
    for option, parameter in options(LOSSES[name]).items():
        words = words_of(parameter.annotation)
        if words and option not in NOT_COVERED:
            default = parameter.default
            found[option] = (default, *(word for word in words if word != default))
    return found


def _is_allowed(name: str, row: Mapping[str, Any]) -> bool:
    try:
        build(name, **row)
    except ValueError:
        return False
    return True


def _variants() -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    for name in LOSSES:
        sets = closed_sets(name)
        for row in pairwise(sets, functools.partial(_is_allowed, name))[1:]:
            changed = {option: word for option, word in row.items() if word != sets[option][0]}
            words = " ".join(f"{option}={word}" for option, word in changed.items())
            yield f"{name} {words}", (name, {**recipe(name).small, **changed})
        for words, changed in recipe(name).more.items():
            yield f"{name} {words}", (name, dict(changed))


# Name of a variant -> the loss, and its options.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {}
VARIANTS.update(_variants())


def _every_word() -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for name in VARIANTS:
        words = {(base(name), word) for word in name.split()[1:]}
        if words - seen:
            yield name
        seen |= words


# The variants that together hold every word of every option. The others add pairs of words.
EVERY_WORD = set(_every_word())


def one_word_at_a_time(names: Iterable[str]) -> list[Any]:
    """Losses and variants for a test in which options hardly depend on each other: `make sweep`
    does the variants that only add pairs of words.
    """
    pairs = VARIANTS.keys() - EVERY_WORD
    return [pytest.param(n, marks=pytest.mark.sweep) if n in pairs else n for n in sorted(names)]
