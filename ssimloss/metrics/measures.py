"""Measures of a pair of images by name, under a protocol: one number for each image, in float64,
and what it is in words.
"""

import functools
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, cast, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss import measure as measures
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._precision import in_ieee, widened
from ssimloss._torch import plain
from ssimloss.measure import Measure, Stream
from ssimloss.metrics._functions import networks_in, takes_target
from ssimloss.metrics.batches import gains_nothing
from ssimloss.metrics.deep_features import DISTANCES
from ssimloss.metrics.protocol import Definition, Prepared, Protocol, range_in_use, resolved
from ssimloss.networks import Weights
from ssimloss.networks.sources import weights_digest

Precision = Literal["float64", "float32"]
PRECISIONS: Final[tuple[str, ...]] = get_args(Precision)
_DTYPES: Final[dict[Precision, torch.dtype | None]] = {"float64": None, "float32": torch.float32}


def _in_precision(steps: list[str], precision: Precision) -> list[str]:
    """What is done to the images, with the precision where it is not the usual one."""
    if precision == "float64":
        return steps
    return [step.replace(", in float64", "") for step in steps] + ["prepared, compared in float32"]


class ImageMeasure(ABC):
    """A measure of two images.

    ``measure(pred, target, data_range=1.0)`` takes images ``(N, C, H, W)``, floating point or
    uint8, and returns ``(N,)`` float64 on their device, without a graph; NaN stays NaN. ``pickle``
    and ``copy`` work.
    """

    name: str
    title: str
    unit: str = ""
    higher_is_better: bool
    protocol: Protocol
    # Whether the value of an image has nothing to do with its batch, which networks gain from.
    is_closed_form = True

    @torch.no_grad()
    @in_ieee
    def __call__(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange | None = None,
        memory: Prepared | None = None,
    ) -> Tensor:
        """One value for each image, ``(N,)`` float64.

        Args:
            pred, target: images ``(N, C, H, W)`` with values in ``data_range``, both floating
                point or both uint8.
            data_range: ``L`` for ``[0, L]``, or ``(lo, hi)``. None is 1 for floating point and 255
                for uint8.
            memory: a dict in which measures of the same two batches share the prepared images; an
                empty one for each pair of batches.

        Raises:
            ValueError: shapes differ; images too small for the measure; channels that the protocol
                does not know.
            TypeError: integer tensors other than uint8; uint8 beside floating point.
        """
        values = self._values(plain(pred), plain(target), data_range, memory)
        return widened(plain(values))

    @abstractmethod
    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange | None, memory: Prepared | None
    ) -> Tensor:
        """``(N,)``."""

    @abstractmethod
    def describe(self) -> str:
        """In words, everything that decides the number."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the parameters of the networks that it holds; empty if it holds none. Two
        measures of one description may differ in it.
        """
        held = [network for value in vars(self).values() for network in networks_in(value)]
        return weights_digest(*held)

    @property
    def compares_luma(self) -> bool:
        """Whether it compares the luma of clips as it is stored; otherwise their colours."""
        return False

    def stream(self, *, data_range: DataRange) -> Stream | None:
        """A measure of a clip in chunks of luma with values in ``data_range``, of measures that see
        more of a clip than its frames.
        """
        del data_range
        return None

    def to(self, device: torch.device | str) -> "ImageMeasure":
        """Move the network, of a measure that owns one; returns the measure itself."""
        del device
        return self

    def __repr__(self) -> str:
        """The name, and all that decides the number."""
        return f"<measure {self.name}: {self.describe()}>"


class _Defined(ImageMeasure):
    """PSNR, SSIM and MS-SSIM as the protocol defines them."""

    higher_is_better = True

    def __init__(self, name: Definition, protocol: Protocol, precision: Precision) -> None:
        self.name: Definition = name
        self.protocol = protocol
        self.precision: Precision = precision
        table = protocol.convention(name).table
        self.title, self.unit = table.title, table.unit

    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange | None, memory: Prepared | None
    ) -> Tensor:
        return self.protocol.compute(
            self.name,
            pred,
            target,
            data_range=data_range,
            memory=memory,
            dtype=_DTYPES[self.precision],
        )

    @property
    def compares_luma(self) -> bool:
        return True

    def describe(self) -> str:
        steps = _in_precision(self.protocol.steps(self.name), self.precision)
        return f"{self.title}: {'; '.join(steps + self.protocol.formula(self.name))}"


class _Registered(ImageMeasure):
    """A registered measure of the images that the protocol prepares."""

    def __init__(
        self, found: Measure, protocol: Protocol, precision: Precision = "float64"
    ) -> None:
        self.measure = found
        self.precision: Precision = precision
        self.name = name_of(found)
        self.title, self.unit = found.title, found.unit
        self.higher_is_better = found.better == "higher"
        self.protocol = protocol
        # Their preparation is that of a definition of the protocol; data_range is then 1.
        self.record = found.record.make({"reduction": "image"}, self.name)

    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange | None, memory: Prepared | None
    ) -> Tensor:
        return self.protocol.compared(
            self._compared,
            pred,
            target,
            data_range=data_range,
            definition=self._definition,
            color=self.measure.takes_color,
            memory=memory,
            dtype=_DTYPES[self.precision],
        )

    @property
    def compares_luma(self) -> bool:
        return not self.measure.takes_color or self.measure.stream is not None

    def stream(self, *, data_range: DataRange) -> Stream | None:
        if self.measure.stream is None:
            return None
        return self.measure.stream(data_range=data_range)

    def _compared(self, x: Tensor, y: Tensor) -> Tensor:
        return self.measure.evaluate((x, y), self.record, {}, False)

    @property
    def _definition(self) -> Definition:
        return cast("Definition", self.measure.definition)

    def describe(self) -> str:
        steps = self.protocol.steps(self._definition, color=self.measure.takes_color)
        words = "; ".join(_in_precision(steps, self.precision))
        return f"{self.title}: {words}; {self.measure.formula or self.measure.source}"


class _Called(ImageMeasure):
    """A function ``(pred, target) -> (N,)`` of somebody else, given the prepared colour images."""

    is_closed_form = False

    def __init__(self, path: str, function: Callable[..., Tensor], protocol: Protocol):
        self.name = self.title = path
        self.function = function
        self.takes_target = takes_target(path, function)
        self.protocol = protocol
        direction = getattr(function, "higher_is_better", None)
        if not isinstance(direction, bool):
            raise ValueError(
                f"{path} does not say which way is better; set the attribute higher_is_better of "
                "the function to True or False, or register a ssimloss.Measure"
            )
        self.higher_is_better = direction

    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange | None, memory: Prepared | None
    ) -> Tensor:
        x, y = self.protocol.prepared(
            pred, target, data_range=data_range, color=True, memory=memory
        )
        images = (x.float(), y.float())
        values = self.function(*images) if self.takes_target else self.function(images[0])
        if not isinstance(values, Tensor) or tuple(values.shape) != (len(x),):
            shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise ValueError(
                f"{self.name} must return one value per image, ({len(x)},), got {shape}"
            )
        return values

    def describe(self) -> str:
        steps = "; ".join(self.protocol.steps("psnr", color=True))
        return f"{self.title}: {steps}; the function {self.name}, in float32"


class _Deep(ImageMeasure):
    """A distance of deep features, of all channels of the images, in the precision of
    the network.
    """

    higher_is_better = False
    is_closed_form = False

    def __init__(self, name: str, protocol: Protocol, weights: Weights) -> None:
        self.name = name
        self.protocol = protocol
        self.distance = DISTANCES[name](weights=weights)
        self.weights = weights if isinstance(weights, str) else type(weights).__name__
        self.title = self.distance.title

    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange | None, memory: Prepared | None
    ) -> Tensor:
        x, y = self.protocol.prepared(
            pred, target, data_range=data_range, color=True, memory=memory
        )
        values: Tensor = self.distance(x.float(), y.float())
        return values

    def describe(self) -> str:
        steps = "; ".join(self.protocol.steps("psnr", color=True))
        return (
            f"{self.title}: {steps}; gray images stand for all three channels; "
            f"{self.distance.describe()}{self._whose}; in float32"
        )

    @functools.cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the network's parameters."""
        return weights_digest(self.distance)

    @property
    def _whose(self) -> str:
        """Which weights they are, if the word for them does not tell."""
        if self.weights in ("imagenet", "random"):
            return ""
        return f" (SHA-256 of its parameters {self.weights_sha256[:16]})"

    def to(self, device: torch.device | str) -> ImageMeasure:
        self.distance.to(device)
        return self


def values_of(
    found: Mapping[str, ImageMeasure],
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange | None = None,
) -> dict[str, Tensor]:
    """The values of several measures of one batch, ``(N,)`` each, which share prepared images.

    On a CPU measures in closed form take one image after the other: all of them compare it while
    it is in the cache, and no batch of prepared images is in memory.
    """
    alone = [name for name, one in found.items() if one.is_closed_form and gains_nothing(pred)]
    memory: Prepared = {}
    values = {
        name: one(pred, target, data_range=data_range, memory=memory)
        for name, one in found.items()
        if name not in alone
    }
    if alone:
        range_in_use(pred, target, data_range)
        rows = []
        for x, y in zip(torch.split(pred, 1), torch.split(target, 1), strict=True):
            memory = {}
            rows.append([found[name](x, y, data_range=data_range, memory=memory) for name in alone])
        columns = zip(*rows, strict=True)
        values |= {name: torch.cat(column) for name, column in zip(alone, columns, strict=True)}
    return {name: values[name] for name in found}


_DEFINED: Final = ("psnr", "ssim", "ms_ssim")  # which a protocol defines


measures.reserve(*DISTANCES)


def name_of(found: Measure) -> str:
    """The name of a registered measure in this room."""
    return found.metric_name or found.name


def registered() -> dict[str, Measure]:
    """The registered measures of two images by name."""
    return {name_of(each): each for each in measures.registered() if each.is_named}


def known() -> list[str]:
    """Every name that :func:`measure` knows now, those registered by users included."""
    return [*_DEFINED, *(name for name in registered() if name not in _DEFINED), *DISTANCES]


class _Directions(Mapping[str, bool]):
    """Whether higher is better, by name, of every measure that is known now."""

    def __getitem__(self, name: str) -> bool:
        if name in DISTANCES:
            return False
        return registered()[name].better == "higher"

    def __iter__(self) -> Iterator[str]:
        return iter(known())

    def __len__(self) -> int:
        return len(known())


MEASURES: Final = tuple(known())  # that come with the package
HIGHER_IS_BETTER: Final[Mapping[str, bool]] = _Directions()


_NO_OPTIONS = (
    "a measure follows from its name, such as 'lpips_vgg', and its protocol; metric classes take "
    "the options of their functions, such as metrics.SSIM(window_size=7)"
)


@keywords(_NO_OPTIONS)
def measure(
    name: str,
    protocol: str | Protocol | None = None,
    *,
    scale: int | None = None,
    weights: Weights = "imagenet",
    precision: Precision = "float64",
) -> ImageMeasure:
    """A measure by its name.

    Args:
        name: one of ``MEASURES``: ``"psnr"``, ``"ssim"``, ``"ms_ssim"`` as the protocol defines
            them; ``"g_ssim"``, ``"l1"`` and the other registered measures of the images that the
            protocol prepares; ``"lpips"`` (AlexNet, what papers report), ``"lpips_vgg"``,
            ``"lpips_squeeze"``, ``"dists"`` and ``"embedded"`` (the network that travels with the
            package) of all channels, rounded and cut as the protocol says. Also a measure that you
            registered, and ``"module:attribute"`` for a :class:`ssimloss.Measure` or a function
            ``(pred, target) -> (N,)`` with an attribute ``higher_is_better``.
        protocol: a name of :data:`PROTOCOLS`, with ``scale`` where it needs one; or a protocol.
            ``None`` is ``"plain"``.
        scale: the factor of enlargement, for the name of a protocol.
        weights: of the network of a deep measure: ``"imagenet"``, a path, a state dict, or
            ``"random"``; others have none.
        precision: of measures in closed form. ``"float32"`` is faster. SSIM then differs by up to
            3e-7 on photographs and 2e-6 where bright flat areas stand beside dark ones; PSNR by
            3e-6 dB, or 1e-3 dB if all pixels differ by less than one level. Networks run in float32
            in any case.

    Raises:
        ValueError: an unknown name; weights that do not fit; a module or attribute that is missing;
            a scale that is missing or of no use; ``precision="float32"`` for what is not in closed
            form.
        TypeError: ``protocol`` is none.
        RuntimeError: weights that are not here; the error says how to get them.
    """
    protocol = resolved(protocol, scale)
    _checks.choice("precision", precision, PRECISIONS)
    if isinstance(name, str) and ":" in name:
        found = _imported(name, protocol, precision)
    else:
        _checks.choice("measure", name, known())
        if name in DISTANCES:
            found = _Deep(name, protocol, weights)
        elif name in _DEFINED:
            found = _Defined(cast("Definition", name), protocol, precision)
        else:
            found = _Registered(registered()[name], protocol, precision)
    if precision != "float64" and getattr(found, "precision", None) != precision:
        raise ValueError(
            f"precision is for measures in closed form, and {name!r} has its own; leave it out"
        )
    return found


def _imported(path: str, protocol: Protocol, precision: Precision) -> ImageMeasure:
    """The measure or the function at ``module:attribute``."""
    module, _, attribute = path.partition(":")
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"measure {path!r} cannot be imported: {error}; give 'module:attribute' of a module on "
            "PYTHONPATH"
        ) from error
    if isinstance(found, Measure):
        if not found.takes_target:
            raise ValueError(
                f"measure {path!r} must compare pred with target, but takes "
                f"{' and '.join(found.image_names)}"
            )
        return _Registered(found, protocol, precision)
    if isinstance(found, ImageMeasure):
        return found
    if not callable(found):
        raise ValueError(f"measure {path!r} must be a Measure or a function, got {found!r}")
    return _Called(path, found, protocol)
