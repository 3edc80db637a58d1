"""Modules made of option records, which check, show and document their settings."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from ssimloss import _options
from ssimloss._checks import DataRange
from ssimloss._options import Options
from ssimloss._precision import moved
from ssimloss._torch import FollowsMoves, device_of, own_buffers


class ImageLoss(FollowsMoves):
    """A module whose keyword options are those of one record or of several.

    Options are attributes. Setting one builds its record again, with its checks. Tensors among them
    are buffers outside the state dict, which move with the module and keep their dtype.

    A subclass names its records in its class statement, ``class TextureLoss(ImageLoss,
    records=(TextureOptions,))``, and passes ``**options`` on; the class then shows their signature
    and their documentation. ``left_out`` names the options that it sets itself. ``defaults``
    replaces defaults of the records; for None, the class computes the default.
    """

    records: ClassVar[tuple[type[Options], ...]] = ()
    _places: ClassVar[Mapping[str, int]] = {}  # option -> index of the record that has it
    _defaults: ClassVar[Mapping[str, Any]] = {}
    _records: tuple[Options, ...]
    _held: tuple[str, ...]  # options that are tensors or modules, which other code may replace

    def __init_subclass__(
        cls,
        records: tuple[type[Options], ...] | None = None,
        left_out: Collection[str] = (),
        defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Set the signature and the documentation of a class that names its records."""
        super().__init_subclass__(**kwargs)
        if records is None:
            cls.__signature__ = _options.inherited_signature(cls)  # type: ignore[attr-defined]
            return
        options: dict[str, inspect.Parameter] = {}
        places: dict[str, int] = {}
        for index, record in enumerate(records):
            for name, parameter in _options.without(record, left_out).items():
                if defaults and name in defaults:
                    parameter = _options.with_default(parameter, defaults[name])
                options[name], places[name] = parameter, index
        shown = _options.class_signature(cls, options)
        cls.__signature__ = shown  # type: ignore[attr-defined]
        in_order = [name for name in shown.parameters if name in places]
        cls.records, cls._places = records, {name: places[name] for name in in_order}
        cls._defaults = {name: p.default for name, p in shown.parameters.items()}
        _options.sign_init(cls, shown)
        _options.document(cls, shown, records)

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
            self._keep(name, getattr(made[place], name))
        self._renew(made)

    @property
    def options(self) -> dict[str, Any]:
        """The options by name."""
        return {name: getattr(self, name) for name in self._places}

    @property
    def range_in_use(self) -> DataRange | None:
        """The data range that the images must have; None if any range is supported."""
        return next((r.range_in_use for r in self._records if r.range_in_use is not None), None)

    def record(self, place: int = 0) -> Options:
        """The checked options in force."""
        kept = self._records[place]
        for name in self._held:  # replaced, for example by ``torch.func.functional_call``
            if self._places[name] == place and getattr(self, name) is not getattr(kept, name):
                return self._record(place, {})
        return kept

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. For an option, build its record again, which checks the value."""
        if name not in self._places or "_records" not in self.__dict__:
            super().__setattr__(name, value)
            return
        made = list(self._records)
        made[self._places[name]] = self._record(self._places[name], {name: value})
        self._keep(name, getattr(made[self._places[name]], name))
        self._renew(made)

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """Register a submodule. For an option that is a module, do the same as assignment."""
        if name in self._places and "_records" in self.__dict__:
            setattr(self, name, module)
        else:
            super().add_module(name, module)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes without the records, which follow from the attributes."""
        return {name: value for name, value in self.__dict__.items() if name != "_records"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the attributes. Options that the saving version lacked keep their defaults."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        for name in self._places:
            if not hasattr(self, name):
                self._keep(name, self._defaults[name])
        self._renew([self._record(place, {}) for place in range(len(self.records))])

    def extra_repr(self) -> str:
        """Show the options that decide the result, as the class takes them."""
        shown = _options.telling(self._settings(), self._defaults)
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())

    def _settings(self) -> dict[str, Any]:
        """What ``extra_repr`` may show."""
        return self.options

    def _left_alone(self) -> Collection[str]:
        """The tensors among the options. :meth:`_moved` moves them, because a model's ``.half()``
        would round them and its ``.to_empty()`` would erase them.
        """
        return self._places.keys() & own_buffers(self).keys()

    def _moved(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Move tensors among the options, without a cast."""
        super()._moved(fn)
        tensors = self._left_alone()
        for name in tensors:
            tensor = getattr(self, name)
            own_buffers(self)[name] = moved(tensor, device_of(fn, tensor))
        if tensors:
            self._renew(self._records)

    def _keep(self, name: str, value: Any) -> None:
        """Store an option as a buffer, a submodule or a plain attribute."""
        if hasattr(self, name):
            delattr(self, name)
        if isinstance(value, Tensor):
            self.register_buffer(name, value.detach(), persistent=False)
        elif isinstance(value, nn.Module):
            super().add_module(name, value)
        else:
            self.__dict__[name] = value

    def _renew(self, made: Iterable[Options]) -> None:
        """Use these records, with the tensors that this module holds."""
        kept = tuple(made)
        held = [n for n in self._places if isinstance(getattr(self, n), (Tensor, nn.Module))]
        self.__dict__["_held"], self.__dict__["_records"] = tuple(held), kept
        if held:
            self.__dict__["_records"] = tuple(self.record(place) for place in range(len(kept)))

    def _record(self, place: int, changed: Mapping[str, Any]) -> Options:
        kept = {name: getattr(self, name) for name, at in self._places.items() if at == place}
        return self.records[place].make({**kept, **changed}, type(self).__name__)
