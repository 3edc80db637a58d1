"""The modules derived from the registered measures: functions with their options bound."""

import functools
from typing import Any, ClassVar

from torch import Tensor

from ssimloss import _options, measure
from ssimloss._documentation import module_documentation
from ssimloss._keywords import unknown_input
from ssimloss.losses._base import ImageLoss
from ssimloss.measure import Measure


class MeasureLoss(ImageLoss):
    """The loss of one measure as a module."""

    measure: ClassVar[Measure]


@functools.cache  # a class is one object
def module_of(found: Measure) -> type[MeasureLoss]:
    """The module of a measure: its options are checked when it is built."""
    name = found.module or f"{found.name}_loss"
    members = {"__module__": "ssimloss.losses", "measure": found, "forward": _forward(found, name)}
    new: Any = type(MeasureLoss)
    cls: type[MeasureLoss] = new(name, (MeasureLoss,), members, records=(found.record,))
    cls.__doc__ = module_documentation(found)
    return cls


def _forward(found: Measure, name: str) -> Any:
    """``forward`` with the signature of this measure."""
    count = len(found.images)
    needed = found.required_tensors

    def forward(self: MeasureLoss, *images: Any, **tensors: Any) -> Tensor:
        if tensors or len(images) != count:
            images, given = found.bind(images, tensors, name)
            if tensors:  # what bind() left
                inputs = (*found.image_names, *found.tensor_names)
                raise unknown_input(next(iter(tensors)), name, inputs, self._places)
            tensors = given
        for tensor in needed:
            if tensor not in tensors:
                raise TypeError(f"{name} needs {tensor}: loss(..., {tensor}={tensor})")
        options = self.record() if self._held else self._records[0]
        return found.evaluate(images, options, tensors, True)

    this = _options.positional("self", MeasureLoss)
    _options.sign(forward, (this, *found.images), {}, found.tensors)
    forward.__qualname__ = f"{name}.forward"
    return forward


def modules() -> dict[str, type[MeasureLoss]]:
    """The module of every registered measure that has one, by name."""
    return {each.module: module_of(each) for each in measure.registered() if each.module}
