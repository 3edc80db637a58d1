"""The kinds of measures: defined by a protocol, registered, of deep features, and functions of the
user.
"""

import functools
from collections.abc import Callable
from typing import Final, Literal, cast, get_args

import torch
from torch import Tensor

from ssimloss._checks import DataRange
from ssimloss.measure import Measure, Stream, find
from ssimloss.metrics._functions import takes_target
from ssimloss.metrics.deep_features import DISTANCES
from ssimloss.metrics.image_measure import ImageMeasure
from ssimloss.metrics.protocol import Definition, Prepared, Protocol
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


class Defined(ImageMeasure):
    """PSNR, SSIM and MS-SSIM as the protocol defines them."""

    higher_is_better = True

    def __init__(self, name: Definition, protocol: Protocol, precision: Precision) -> None:
        self.name: Definition = name
        self.protocol = protocol
        self.precision: Precision = precision
        table = protocol.convention(name).table
        self.title, self.unit = table.title, table.unit

    @property
    def training_loss(self) -> str:
        return loss_of(find(self.name))

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
        precision = "float64" if self.name == "psnr" else self.precision
        steps = _in_precision(self.protocol.steps(self.name), precision)
        if precision == "float32":
            steps[-1] += ", up to 1e-6 from float64 on photographs, 2e-4 on flat areas"
        return f"{self.title}: {'; '.join(steps + self.protocol.formula(self.name))}"


class Registered(ImageMeasure):
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

    @property
    def training_loss(self) -> str:
        return loss_of(self.measure)

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


class Called(ImageMeasure):
    """A function ``(pred, target) -> (N,)`` of the user, called with the prepared colour images."""

    is_closed_form = False

    def __init__(self, path: str, function: Callable[..., Tensor], protocol: Protocol):
        self.name = self.title = path
        self.function = function
        self.takes_target = takes_target(path, function)
        self.protocol = protocol
        direction = getattr(function, "higher_is_better", None)
        if not isinstance(direction, bool):
            raise ValueError(
                f"{path} must have an attribute higher_is_better, True or False; set it on the "
                "function, or register a ssimloss.Measure"
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
            raise ValueError(f"{self.name} must return one value per image, (N,), got {shape}")
        return values

    def describe(self) -> str:
        steps = "; ".join(self.protocol.steps("psnr", color=True))
        return f"{self.title}: {steps}; the function {self.name}, in float32"


class Deep(ImageMeasure):
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

    @property
    def training_loss(self) -> str:
        module = type(self.distance.module)
        is_loss = module.__module__.startswith("ssimloss.losses")
        return f"ssimloss.{module.__name__}()" if is_loss else ""

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
        """The digest of the weights, unless their name identifies them."""
        if self.weights in ("imagenet", "random"):
            return ""
        return f" (SHA-256 of its parameters {self.weights_sha256[:16]})"

    def to(self, device: torch.device | str) -> ImageMeasure:
        self.distance.to(device)
        return self


def loss_of(found: Measure) -> str:
    """The module of a registered measure, empty if it has none."""
    return f"ssimloss.{found.module}()" if found.module else ""


def name_of(found: Measure) -> str:
    """The name of a registered measure in this room."""
    return found.metric_name or found.name
