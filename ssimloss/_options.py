"""Option records: an option's name, type, default, check and documentation at one place.

A record is a frozen dataclass with keyword-only fields whose docstring documents each field in a
section ``Args:``. Functions, modules and metric classes take their signatures and their
documentation from it, and check nothing a second time.
"""

import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor
from typing_extensions import Self, dataclass_transform

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._docstrings import after_sections, arguments, entries, joined, section, summary
from ssimloss._keywords import by_keyword, without_numpy
from ssimloss._keywords import unknown as unknown
from ssimloss._reduce import Reduction, check_reduction

_OWN = (str, float, int, bool, type(None))
LAST = ("reduction", "backend")  # options that end every signature
_MISSING = inspect.Parameter.empty
T = TypeVar("T")


def derived(*, init: Literal[False] = False) -> Any:
    """A field that is not an option: ``__post_init__`` computes it from the options."""
    return dataclasses.field(init=init, repr=False)


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field, derived)
)
class Options:
    """Base of every record; a subclass is made a frozen, keyword-only dataclass."""

    def __init_subclass__(cls) -> None:
        """Turn the subclass into a dataclass."""
        dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=True)(cls)

    def __post_init__(self) -> None:
        """Check the options."""

    @classmethod
    def make(cls, given: Mapping[str, Any], caller: str, beside: Sequence[str] = ()) -> Self:
        """Create the record. Numbers of NumPy are converted to Python's, sequences to tuples.

        Args:
            given: options by name.
            caller: name of the function or class in errors.
            beside: keyword arguments of ``caller`` that are not options.

        Raises:
            TypeError: ``caller`` does not have an option, or an option is missing.
            ValueError: the record does not support a value.
        """
        known = names(cls)
        for name in given:
            if name not in known:
                raise unknown(name, caller, known, beside=beside)
        for name in required(cls):
            if name not in given:
                raise TypeError(f"{caller}() needs the option {name!r}: {caller}(..., {name}=...)")
        return cls(**{name: _own(value) for name, value in given.items()})

    def derive(self, **values: Any) -> None:
        """Set fields made by :func:`derived`, in ``__post_init__`` only."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def range_in_use(self) -> DataRange | None:
        """The data range that the images must have; None if any range is supported."""
        return getattr(self, "data_range", None)

    def as_dict(self) -> dict[str, Any]:
        """The options by name, in the order of the signature."""
        return {name: getattr(self, name) for name in names(type(self))}


class Ranged(Options):
    """Images with a data range.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
    """

    data_range: DataRange = 1.0
    low: float = derived()
    span: float = derived()

    def __post_init__(self) -> None:
        """Check the range; store its lower end and its length, the ``L`` of the literature."""
        super().__post_init__()
        low, span = _checks.data_range(self.data_range)
        self.derive(low=low, span=span)


class Reduced(Options):
    """A result that is reduced.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
    """

    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        """Check the reduction."""
        super().__post_init__()
        check_reduction(self.reduction)


def _own(value: Any) -> Any:
    """Convert a sequence to a tuple, so that later changes to the caller's sequence have no effect
    and pickles do not depend on its type. Convert numbers of NumPy to Python's.
    """
    if type(value) in _OWN:  # by far the most
        return value
    if isinstance(value, (str, Tensor, Mapping)) or not isinstance(value, Sequence):
        return without_numpy(value)
    return tuple(map(_own, value))


# --- fields and documentation of a record ---------------------------------------------------------


_FIELDS: dict[type[Options], dict[str, inspect.Parameter]] = {}
_NAMES: dict[type[Options], tuple[str, ...]] = {}
_REQUIRED: dict[type[Options], tuple[str, ...]] = {}
_DEFAULTS: dict[type[Options], Options] = {}


def fields(record: type[Options]) -> dict[str, inspect.Parameter]:
    """The options as keyword-only parameters."""
    if record not in _FIELDS:
        _FIELDS[record] = _read(record)
    return _FIELDS[record]


def required(record: type[Options]) -> tuple[str, ...]:
    """The options without a default."""
    if record not in _REQUIRED:
        without = (name for name, p in fields(record).items() if p.default is p.empty)
        _REQUIRED[record] = tuple(without)
    return _REQUIRED[record]


def default(record: type[Options]) -> Options:
    """The record with the default of every option, for a record without required ones."""
    if torch.compiler.is_compiling():  # compiled code cannot keep a record that it makes
        return record()
    if record not in _DEFAULTS:
        _DEFAULTS[record] = record()
    return _DEFAULTS[record]


def _read(record: type[Options]) -> dict[str, inspect.Parameter]:
    hints = typing.get_type_hints(record)
    return {
        field.name: inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_MISSING if field.default is dataclasses.MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(record)  # type: ignore[arg-type]  # a dataclass, see above
        if field.init
    }


def names(record: type[Options]) -> tuple[str, ...]:
    """The names of the options, in the order of the signature."""
    if record not in _NAMES:
        _NAMES[record] = tuple(fields(record))
    return _NAMES[record]


def documentation(record: type[Options]) -> dict[str, str]:
    """The text on each option, without indentation, from the nearest class that documents it."""
    found: dict[str, str] = {}
    for cls in record.__mro__:
        if issubclass(cls, Options):
            for name, text in entries(section(cls.__doc__, "Args")).items():
                found.setdefault(name, text)
    return found


def differing(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values that differ from their defaults."""
    found = {}
    for name, value in values.items():
        default = defaults.get(name, _MISSING)
        if value is default:
            continue
        if isinstance(value, Tensor) or isinstance(default, Tensor) or value != default:
            found[name] = value
    return found


def telling(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values to show: all except defaults that switch something off (None, False, 0), leave a
    choice to the library (``"auto"``) or are usual in PyTorch (``reduction="mean"``).
    """
    changed = differing(values, defaults)
    return {
        name: value
        for name, value in values.items()
        if name in changed or not _goes_without_saying(name, value)
    }


def _goes_without_saying(name: str, value: object) -> bool:
    """Whether a default is left out of what is shown."""
    if isinstance(value, str):
        return value == "auto" or (name == "reduction" and value == "mean")
    return value is None or (isinstance(value, (bool, int, float)) and not value)


# --- signatures and documentation of functions and classes ----------------------------------------


def signature(
    positional: Sequence[inspect.Parameter],
    optional: Mapping[str, inspect.Parameter],
    keyword_only: Sequence[inspect.Parameter] = (),
    returns: Any = _MISSING,
) -> inspect.Signature:
    """Positional parameters, options, and other keyword-only ones before the last options."""
    first = [parameter for name, parameter in optional.items() if name not in LAST]
    last = [parameter for name, parameter in optional.items() if name in LAST]
    return inspect.Signature([*positional, *first, *keyword_only, *last], return_annotation=returns)


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The signature, with types in place of their names where these can be looked up."""
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # a name imported for type checkers only
        return inspect.signature(function)


def parameters_of(cls: type) -> list[inspect.Parameter]:
    """The parameters of ``__init__`` besides ``self``."""
    initialise: Callable[..., Any] = cls.__init__  # type: ignore[misc]
    return list(signature_of(initialise).parameters.values())[1:]


def inherited_signature(cls: type) -> inspect.Signature:
    """The signature of a subclass of a class whose signature was set.

    Its own ``__init__`` counts; ``**options`` in it stands for the options of the next class.
    """
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if "__signature__" in vars(owner):
        found: inspect.Signature = vars(owner)["__signature__"]
        return found
    own = parameters_of(cls)
    passes_on = own and own[-1].kind is inspect.Parameter.VAR_KEYWORD
    behind = cls.__mro__[cls.__mro__.index(owner) + 1 :]
    parent = next((base for base in behind if "__signature__" in vars(base)), None)
    if not passes_on or parent is None:
        return inspect.Signature(own)
    named = {parameter.name for parameter in own}
    options = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in vars(parent)["__signature__"].parameters.items()
        if name not in named
    ]
    return inspect.Signature([*own[:-1], *options])


def with_default(parameter: inspect.Parameter, default: Any) -> inspect.Parameter:
    """The parameter with another default; None is then among its types."""
    kind = parameter.annotation | None if default is None else parameter.annotation
    return parameter.replace(default=default, annotation=kind)


def positional(name: str, annotation: Any) -> inspect.Parameter:
    """A positional parameter."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, kind, annotation=annotation)


def sign(
    function: Callable[..., Any],
    positional: Sequence[inspect.Parameter],
    optional: Mapping[str, inspect.Parameter],
    keyword_only: Sequence[inspect.Parameter] = (),
) -> None:
    """Set the signature and the annotations of a function that returns a tensor."""
    found = signature(positional, optional, keyword_only, Tensor)
    function.__signature__ = found  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in found.parameters.values()}
    function.__annotations__["return"] = Tensor


def class_signature(cls: type, options: Mapping[str, inspect.Parameter]) -> inspect.Signature:
    """The signature of a class whose ``__init__`` takes options as ``**options``: its own
    parameters, then the options that it does not name.
    """
    own = [p for p in parameters_of(cls) if p.kind is not p.VAR_KEYWORD]
    named = {p.name for p in own}
    return signature(
        [p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD],
        {name: parameter for name, parameter in options.items() if name not in named},
        [p for p in own if p.kind is p.KEYWORD_ONLY],
    )


def document(cls: type, shown: inspect.Signature, records: Sequence[type[Options]]) -> None:
    """Complete the docstring of a class from its records: the text of each option in ``shown``,
    and, unless it has its own ``Raises:``, that of the last record that has one.
    """
    texts: dict[str, str] = {}
    for record in records:
        texts = documentation(record) | texts
    texts |= entries(section(cls.__doc__, "Args"))
    raises = [section(each.__doc__, "Raises") for each in (cls, *reversed(records))]
    errors = next((text for text in raises if text), "")
    cls.__doc__ = joined(
        summary(cls.__doc__),
        arguments({name: texts.get(name, "") for name in shown.parameters}),
        errors and f"Raises:\n{textwrap.indent(errors, '    ')}",
        after_sections(cls.__doc__),
    )


def sign_init(cls: type, shown: inspect.Signature) -> None:
    """Set an ``__init__`` with the signature of the class. It raises for an unknown keyword before
    it raises for a missing argument.
    """
    initialise: Callable[..., None] = cls.__init__  # type: ignore[misc]
    names = [p.name for p in shown.parameters.values() if p.kind is not p.KEYWORD_ONLY]

    def __init__(self: Any, *args: Any, **options: Any) -> None:
        if len(args) > len(names):
            by_position = f"{', '.join(names)} by position and " if names else ""
            listed = by_keyword([name for name in shown.parameters if name not in names])
            raise TypeError(
                f"{type(self).__name__}() takes {by_position}options by keyword{listed}, got "
                f"{len(args)} positional argument{'s' if len(args) > 1 else ''}"
            )
        for name in options:
            if name not in shown.parameters:
                raise unknown(name, type(self).__name__, shown.parameters)
        initialise(self, *args, **options)

    __init__.__doc__ = "Options are documented at the class."
    this = positional("self", inspect.Parameter.empty)
    signed: Any = __init__
    signed.__signature__ = inspect.Signature([this, *shown.parameters.values()])
    cls.__init__ = __init__  # type: ignore[misc]


def takes(record: type[Options]) -> Callable[[type[T]], type[T]]:
    """Sign and document a class whose ``__init__`` takes a record as ``**options``."""

    def signed(cls: type[T]) -> type[T]:
        shown = class_signature(cls, fields(record))
        document(cls, shown, (record,))
        sign_init(cls, shown)
        return cls

    return signed


def without(record: type[Options], left_out: Collection[str]) -> dict[str, inspect.Parameter]:
    """The options without those ``left_out``."""
    return {name: parameter for name, parameter in fields(record).items() if name not in left_out}
