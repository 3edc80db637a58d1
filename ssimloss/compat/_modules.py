"""Modules that keep their options as attributes, under the names of the other interface."""

from typing import Any

from torch import nn


class WithOptions(nn.Module):
    """A module whose options can be read and set like those of the original."""

    def __init__(self, **options: Any) -> None:
        """Keep the options."""
        super().__init__()
        for name, value in options.items():
            setattr(self, name, value)
        self._names = tuple(options)

    @property
    def options(self) -> dict[str, Any]:
        """The current options."""
        return {name: getattr(self, name) for name in self._names}

    def extra_repr(self) -> str:
        """Show the options."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())
