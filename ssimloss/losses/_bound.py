"""A pure function with its options bound: what every loss module is."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class ImageLoss(nn.Module):
    """Keeps the keyword options of one function as attributes, checked when the module is built.

    A subclass lists the options with their defaults in ``__init__`` and calls the function in
    ``forward`` with ``**self.options``.
    """

    def __init__(self, check: Callable[..., object], **options: Any) -> None:
        super().__init__()
        check(**options)
        self._option_names = tuple(options)
        for name, value in options.items():
            if isinstance(value, Tensor):
                self.register_buffer(name, value.detach(), persistent=False)
            else:
                setattr(self, name, value)

    @property
    def options(self) -> dict[str, Any]:
        """The keyword options of the function, by name."""
        return {name: getattr(self, name) for name in self._option_names}

    def extra_repr(self) -> str:
        """Show the options that differ from their defaults."""
        defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(type(self)).parameters.items()
        }
        return ", ".join(
            f"{name}={value!r}"
            for name, value in self.options.items()
            if value is not defaults[name] and value != defaults[name]
        )
