"""The torchmetrics classes that follow from the registered measures."""

import functools
import inspect
import math
from typing import Any, ClassVar, cast

from torch import Tensor
from torch.distributed import ProcessGroup

from ssimloss import _docstrings, _options
from ssimloss import functional as F
from ssimloss._documentation import function_documentation
from ssimloss._precision import widened
from ssimloss.functional.psnr import PSNROptions, decibel
from ssimloss.measure import Measure, Options
from ssimloss.metrics._image_metric import (
    OF_TORCHMETRICS,
    TAKES_OF_TORCHMETRICS,
    TEXTS,
    ImageMetric,
    exactly,
    unknown_option,
)
from ssimloss.metrics._measure_kinds import name_of
from ssimloss.metrics.measures import measure
from ssimloss.metrics.protocol import Protocol

FIXED = ("reduction", "backend")  # options that a metric sets itself
_TEXTS = {
    "protocol": "the definition of a protocol or its name instead, such as ``'basicsr'`` with\n"
    "    ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.",
    "scale": "the factor of enlargement, for the name of a protocol.",
    **TEXTS,
}


class MeasureMetric(ImageMetric):
    """Mean over images of one measure, or of a protocol's definition of it."""

    measure: ClassVar[Measure]

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **options: Any,
    ) -> None:
        found, caller = self.measure, type(self).__name__
        known = _options.without(found.record, FIXED)
        for name in options:
            if name not in known and name not in OF_TORCHMETRICS:
                raise unknown_option(name, type(self))
        of_torchmetrics = {name: options.pop(name) for name in OF_TORCHMETRICS if name in options}
        record = found.record.make({**options, "reduction": "image"}, caller)
        if isinstance(record, PSNROptions) and record.pooling == "batch" and keep_values:
            raise ValueError(
                "keep_values must be False with pooling='batch', which has one value for all "
                "images; pooling='image' has one for each"
            )
        in_force = {name: getattr(record, name) for name in known}
        defaults = {name: parameter.default for name, parameter in known.items()}
        given = _options.differing(in_force, defaults)
        given.pop("data_range", None)
        if protocol is not None and given:
            raise ValueError(
                f"{', '.join(given)} must be left out with a protocol, which fixes the definition"
            )
        of_protocol = None
        if protocol is not None or scale is not None:
            of_protocol = measure(name_of(found), protocol, scale=scale)
        described = f"{name_of(found)} {exactly(in_force)}"
        if of_protocol is not None:
            described = f"{of_protocol.describe()} {in_force.get('data_range', 1.0)}"
        super().__init__(
            described,
            keep_values=keep_values,
            process_group=process_group,
            declared_range=record.range_in_use,
            **of_torchmetrics,
        )
        self.options = in_force
        self.record = record
        self.of_protocol = of_protocol

    def extra_repr(self) -> str:
        """The protocol, or the options."""
        defaults = {n: p.default for n, p in _options.without(self.measure.record, FIXED).items()}
        shown = _options.telling(self.options, defaults)
        if self.of_protocol is not None:
            data_range = {"data_range": shown["data_range"]} if "data_range" in shown else {}
            shown = {"protocol": self.of_protocol.protocol, **data_range}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())

    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        if self.of_protocol is not None:
            data_range = self.options.get("data_range", 1.0)
            return self.of_protocol(pred, target, data_range=data_range)
        if self._pools:
            return _scaled_errors(pred, target, self.record)
        return self.measure.evaluate((pred, target), self.record, {}, False)

    @property
    def _pools(self) -> bool:
        """Whether the PSNR is computed from one error of all images."""
        return isinstance(self.record, PSNROptions) and self.record.pooling == "batch"

    def _finished(self, mean: Tensor) -> Tensor:
        """The PSNR of the error of all images if the metric pools; otherwise the mean."""
        return decibel(mean + cast("PSNROptions", self.record).eps) if self._pools else mean


def _scaled_errors(pred: Tensor, target: Tensor, record: Options) -> Tensor:
    """The mean squared error of each image scaled to span 1, ``(N,)``."""
    span = cast("PSNROptions", record).span
    return widened(F.l2(pred, target, reduction="image")) / span**2


@functools.cache  # a class is one object
def metric_of(found: Measure) -> type[MeasureMetric]:
    """The metric class of a measure."""
    own = inspect.signature(MeasureMetric, eval_str=True).parameters
    known = _options.without(found.record, FIXED)
    parameters = [
        own["protocol"],
        own["scale"],
        *known.values(),
        own["keep_values"],
        own["process_group"],
        TAKES_OF_TORCHMETRICS,
    ]
    low, high = found.range
    texts = _options.documentation(found.record)
    order = {p.name: _TEXTS.get(p.name, texts.get(p.name, "")) for p in parameters}
    summary = _docstrings.summary(function_documentation(found, False))
    head = "Mean over images, as a torchmetrics metric."
    members = {
        "__module__": "ssimloss.metrics",
        "__doc__": f"{head}\n\n{summary}\n\n{_docstrings.arguments(order)}",
        "__signature__": inspect.Signature(parameters),
        "measure": found,
        "training_loss": f"ssimloss.{found.module}()" if found.module else "",
        "higher_is_better": found.better == "higher",
        "plot_lower_bound": low if math.isfinite(low) else None,
        "plot_upper_bound": high if math.isfinite(high) else None,
    }
    new: Any = type(MeasureMetric)
    cls: type[MeasureMetric] = new(found.metric, (MeasureMetric,), members)
    return cls
