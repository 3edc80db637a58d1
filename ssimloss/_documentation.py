"""Documentation of the functions and the module of a measure, from the docstring of its equation
and that of its options.
"""

import inspect
import textwrap
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

from torch import Tensor

from ssimloss._docstrings import after_sections, arguments, entries, joined, section, summary
from ssimloss._options import Options, documentation, fields, sign, signature, without


class Documented(Protocol):
    """A measure, as far as its documentation asks."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str | None: ...
    @property
    def perfect(self) -> float | None: ...
    @property
    def advice(self) -> str: ...
    @property
    def equation(self) -> Callable[..., Any]: ...
    @property
    def record(self) -> type[Options]: ...
    @property
    def images(self) -> Sequence[inspect.Parameter]: ...
    @property
    def tensors(self) -> Sequence[inspect.Parameter]: ...
    @property
    def image_names(self) -> Sequence[str]: ...
    @property
    def tensor_names(self) -> Sequence[str]: ...


def function_documentation(measure: Documented, as_loss: bool) -> str:
    """The equation's docstring with the documentation of its options."""
    order = signature(measure.images, fields(measure.record), measure.tensors)
    return joined(
        _summary(measure, as_loss),
        arguments(_texts(measure, order.parameters)),
        *_sections(measure, "Returns", "Raises"),
        after_sections(measure.equation.__doc__),
    )


def module_documentation(measure: Documented) -> str:
    """The same for the module: options when it is built, images when it is called."""
    images = ", ".join(measure.image_names)
    beside = "".join(f", {name}=None" for name in measure.tensor_names)
    called = [*measure.image_names, *measure.tensor_names]
    inputs = arguments(_texts(measure, called)).split("\n", 1)[1]
    return joined(
        _summary(measure, as_loss=True),
        measure.advice,
        arguments(_texts(measure, fields(measure.record))),
        f"``forward({images}{', *' if beside else ''}{beside})``:\n{inputs}",
        *_sections(measure, "Returns", "Raises"),
        after_sections(measure.equation.__doc__),
    )


def _summary(measure: Documented, as_loss: bool) -> str:
    head = summary(measure.equation.__doc__)
    if not as_loss or measure.role != "score":
        return head
    return f"``{measure.perfect:g} - {measure.name}``, taken before the reduction.\n\n{head}"


def _texts(measure: Documented, names: Iterable[str]) -> dict[str, str]:
    own = entries(section(measure.equation.__doc__, "Args"))
    texts = documentation(measure.record)
    return {name: own.get(name, texts.get(name, "")) for name in names}


def _sections(measure: Documented, *titles: str) -> list[str]:
    parts = []
    for title in titles:
        body = section(measure.equation.__doc__, title)
        if body:
            parts.append(f"{title}:\n{textwrap.indent(body, '    ')}")
    return parts


def sign_without(
    function: Callable[..., Tensor], measure: Documented, left_out: Collection[str]
) -> None:
    """Sign and document a function that takes the options of a measure but some."""
    options = without(measure.record, left_out)
    sign(function, measure.images, options, measure.tensors)
    shown = [name for name in function.__annotations__ if name != "return"]
    function.__doc__ = joined(
        inspect.cleandoc(function.__doc__ or ""),
        arguments(_texts(measure, shown)),
        *_sections(measure, "Raises"),
    )
