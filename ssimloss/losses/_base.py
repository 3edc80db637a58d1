"""Modules made of option records: settings checked once, shown, and documented by the records."""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from ssimloss import _options
from ssimloss._options import Options
from ssimloss._torch import FollowsMoves


class ImageLoss(FollowsMoves):
    """A module whose keyword options are those of one record or of several.

    Options are attributes. Setting one builds its record again, with its checks. Tensors among them
    are buffers outside the state dict, which move with the module.

    A subclass names its records in its class statement, ``class TextureLoss(ImageLoss,
    records=(TextureOptions,))``, and passes ``**options`` on; the class then shows their signature
    and their documentation. ``left_out`` are options that it sets itself, ``defaults`` those whose
    default differs from that of the record.
    """

    records: ClassVar[tuple[type[Options], ...]] = ()
    _places: ClassVar[Mapping[str, int]] = {}  # option -> index of the record that has it
    _defaults: ClassVar[Mapping[str, Any]] = {}
    _records: list[Options]

    def __init_subclass__(
        cls,
        records: tuple[type[Options], ...] | None = None,
        left_out: Collection[str] = (),
        defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Set the signature and the documentation of a class that names its records."""
        super().__init_subclass__(**kwargs)
        own = _own_parameters(cls)
        if records is None:
            if "__init__" in vars(cls):  # whose signature is not the one inherited
                cls.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
            return
        named = {p.name for p in own}
        places: dict[str, int] = {}
        parameters: dict[str, inspect.Parameter] = {}
        texts: dict[str, str] = {}
        for index, record in enumerate(records):
            for name, parameter in _options.without(record, left_out).items():
                places[name] = index
                default = (defaults or {}).get(name, parameter.default)
                if name not in named:
                    parameters[name] = parameter.replace(default=default)
            texts = _options.documentation(record) | texts
        positional = [p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD]
        keyword_only = [p for p in own if p.kind is p.KEYWORD_ONLY]
        shown = _options.signature(positional, parameters, keyword_only)
        cls.__signature__ = shown  # type: ignore[attr-defined]
        cls.records, cls._places = records, places
        cls._defaults = {name: p.default for name, p in shown.parameters.items()}
        texts |= _options.entries(_options.section(cls.__doc__, "Args"))
        parts = (
            _options.summary(cls.__doc__),
            _options.arguments({name: texts.get(name, "") for name in shown.parameters}),
            _options.after_sections(cls.__doc__),
        )
        cls.__doc__ = "\n\n".join(part for part in parts if part)

    def __init__(self, **options: Any) -> None:
        super().__init__()
        given: list[dict[str, Any]] = [{} for _ in self.records]
        empty = inspect.Parameter.empty
        values = {k: v for k, v in self._defaults.items() if k in self._places and v is not empty}
        for name, value in (values | options).items():
            if name not in self._places:
                raise _options.unknown(name, type(self).__name__, self._defaults)
            given[self._places[name]][name] = value
        caller = type(self).__name__
        made = [record.make(some, caller) for record, some in zip(self.records, given, strict=True)]
        for name, place in self._places.items():
            value = getattr(made[place], name)
            if isinstance(value, Tensor):
                self.register_buffer(name, value.detach(), persistent=False)
            else:
                super().__setattr__(name, value)
        self._records = made

    @property
    def options(self) -> dict[str, Any]:
        """The options by name."""
        return {name: getattr(self, name) for name in self._places}

    def __setattr__(self, name: str, value: Any) -> None:
        """As in any module; the record of an option is built again, which checks it."""
        place = self._places.get(name)
        if place is not None and "_records" in self.__dict__:
            self._records[place] = self._record(place, {name: value})
        super().__setattr__(name, value)

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """As in any module, and like assignment for an option that is a module."""
        if name in self._places:
            setattr(self, name, module)
        else:
            super().add_module(name, module)

    def _moved(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Take moved tensors into the records."""
        super()._moved(fn)
        for name, place in self._places.items():
            if isinstance(getattr(self, name), Tensor):
                self._records[place] = self._record(place, {})

    def extra_repr(self) -> str:
        """Show the options that differ from their defaults."""
        shown = _options.differing(self._settings(), self._defaults)
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())

    def _settings(self) -> dict[str, Any]:
        """What ``extra_repr`` may show."""
        return self.options

    def _record(self, place: int, changed: Mapping[str, Any]) -> Options:
        kept = {name: getattr(self, name) for name, at in self._places.items() if at == place}
        return self.records[place].make({**kept, **changed}, type(self).__name__)


def _own_parameters(cls: type) -> list[inspect.Parameter]:
    """The parameters of ``__init__`` besides ``self`` and ``**options``."""
    parameters = inspect.signature(cls.__init__, eval_str=True).parameters.values()  # type: ignore[misc]
    return [p for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD]
