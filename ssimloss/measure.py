"""Measures: one record per measure, from which everything else is derived.

A measure compares images by an equation and a record of options. Its functions are derived from its
:class:`Measure`; so are, through the registry, its module, its name in ``ssimloss.metrics``, its
metric class, the command line and tables of the documentation.
"""

import importlib
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor

from ssimloss import _debug, _options
from ssimloss._documentation import function_documentation
from ssimloss._keywords import by_keyword
from ssimloss._options import Options as Options  # "as": for those who register a measure
from ssimloss._options import Ranged as Ranged
from ssimloss._options import Reduced as Reduced
from ssimloss._precision import computing_dtype, device_type_of
from ssimloss._reduce import Scores as Scores
from ssimloss._spellings import image_of, of_images
from ssimloss._torch import plain

Better = Literal["higher", "lower"]
Role = Literal["score", "distance", "index", "loss"]
Equation = Callable[..., "Scores | Tensor"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_REGISTRY: "dict[str, Measure]" = {}
_RESERVED: set[str] = set()  # names of measures that are not registered here
_HOMES = ("functional", "video")  # rooms that register measures and tables of conventions


class Stream(Protocol):
    """A measure of a clip that comes in chunks, the reference first."""

    def update(self, reference: Tensor, distorted: Tensor) -> None:
        """Add the next frames, float luma ``(T, 1, H, W)`` each."""

    def score(self, *, pooling: Literal["none"]) -> Tensor:
        """One value for each frame so far, ``(T,)``."""

    def describe(self) -> str:
        """A description of what is computed from the luma."""


@runtime_checkable
class LoggedStream(Stream, Protocol):
    """A stream that keeps more than one value for each frame."""

    def log(self) -> dict[str, Tensor]:
        """Name to ``(T,)``: what the scores of the frames so far were made of."""


@dataclass(frozen=True, eq=False, kw_only=False)
class Measure:
    """One measure; creating it registers it under its name.

    Args:
        name: name of its function in ``ssimloss.functional``.
        title: name in tables.
        unit: unit of its values; empty without one.
        better: whether ``"higher"`` or ``"lower"`` values are better.
        perfect: its value for equal images; None if that is not defined.
        range: smallest and largest value.
        source: the publication.
        equation: ``(*images, [options,] *, mask=None, ...)``, whose positional parameters name the
            images; keyword-only ones are tensors, required without a default. With ``options`` it
            takes the record after the images, and returns :class:`Scores`, or a tensor reduced as
            ``options.reduction`` asks. Without, it returns one value per image or element,
            ``(N, ...)``, which are then reduced.
        options: the record of its options.
        formula: a description of the computation, for descriptions of a metric.
        role: ``"score"``: the loss is ``perfect - score``, taken before the reduction.
            ``"distance"``: minimised as it is. ``"index"``: has no loss. ``"loss"``: has no name as
            a measure. By default a score if higher is better, else a distance.
        module: name of the module; None if there is no module.
        metric: name of the metric class; None if there is no class.
        metric_name: its name in ``ssimloss.metrics`` and on the command line, if not ``name``.
        agrees: other implementations, and how closely each agrees.
        advice: text that is added to the documentation of the module.
        autocast: True if the equation handles autocast itself.
        takes_color: its definition converts colour images itself; protocols then keep all channels.
        stream: for measures that use more of a clip than single frames: a function of
            ``data_range=`` that returns a :class:`Stream`. ``ssimloss evaluate`` passes the clip to
            it in chunks, and tables of frames contain the log of a :class:`LoggedStream`. Without
            ``stream``, clips are measured frame by frame.
        clips: whether it compares neighbouring frames of clips, not images.
        definition: the definition of a protocol (``"psnr"``, ``"ssim"``, ``"ms_ssim"``) whose
            preparation of the images it uses.

    Raises:
        ValueError: the name is taken, ``better`` or ``role`` is unknown, or a score has no finite
            ``perfect``.
        TypeError: the parameters of the equation do not have this form.
    """

    name: str
    title: str
    unit: str
    better: Better
    perfect: float | None
    range: tuple[float, float]
    source: str
    equation: Equation
    options: type[Options] | None = None
    formula: str = ""
    role: Role | None = None
    module: str | None = None
    metric: str | None = None
    metric_name: str | None = None
    agrees: str = ""
    advice: str = ""
    autocast: bool = False
    takes_color: bool = False
    clips: bool = False
    definition: str = "psnr"
    stream: Callable[..., Stream] | None = None
    images: tuple[inspect.Parameter, ...] = field(init=False, repr=False)
    tensors: tuple[inspect.Parameter, ...] = field(init=False, repr=False)
    # The names again: torch.compile of PyTorch 2.6 cannot ask a Parameter for its own.
    image_names: tuple[str, ...] = field(init=False, repr=False)
    tensor_names: tuple[str, ...] = field(init=False, repr=False)
    required_tensors: tuple[str, ...] = field(init=False, repr=False)
    record: type[Options] = field(init=False, repr=False)
    score: Callable[..., Tensor] = field(init=False, repr=False)
    loss: Callable[..., Tensor] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the equation's parameters, build the functions, register."""
        if not getattr(self.equation, "__module__", "").startswith(f"{__package__}."):
            complete()  # so that a name that the package has is taken
        self._check()
        parameters = _options.signature_of(self.equation).parameters.values()
        positional = [p for p in parameters if p.kind in _POSITIONAL and p.default is p.empty]
        if self.options is not None:
            positional = positional[:-1]
        if not positional:
            raise TypeError(f"equation of {self.name!r} must take at least one image by position")
        beside = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        record = Reduced if self.options is None else self.options
        if twice := [p.name for p in beside if p.name in _options.names(record)]:
            raise TypeError(
                f"equation of {self.name!r} must not take {twice[0]!r} by keyword, which is an "
                "option; put options into a record and pass it as options="
            )
        values = {
            "images": tuple(positional),
            "tensors": tuple(beside),
            "image_names": tuple([p.name for p in positional]),
            "tensor_names": tuple([p.name for p in beside]),
            "required_tensors": tuple([p.name for p in beside if p.default is p.empty]),
            "record": record,
            "role": self.role or ("score" if self.better == "higher" else "distance"),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        loss = _function(self, self.name if self.role == "index" else f"{self.name}_loss", True)
        score = _function(self, self.name, False) if self.role == "score" else loss
        object.__setattr__(self, "score", score)
        object.__setattr__(self, "loss", loss)
        _REGISTRY[self.name] = self

    def _check(self) -> None:
        """Raise for unsupported values and for names that are taken."""
        for name, value, choices in (
            ("better", self.better, get_args(Better)),
            ("role", self.role, (None, *get_args(Role))),
        ):
            if value not in choices:
                allowed = ", ".join(repr(choice) for choice in choices if choice is not None)
                raise ValueError(f"{name} must be one of {allowed}, got {value!r}")
        is_score = self.role == "score" or (self.role is None and self.better == "higher")
        if is_score and (self.perfect is None or not math.isfinite(self.perfect)):
            raise ValueError(
                "perfect must be a finite number for a score, whose loss is perfect - score, got "
                f"{self.perfect!r}; role='index' has no loss"
            )
        if not callable(self.equation):
            raise TypeError(f"equation must be callable, got {type(self.equation).__name__}")
        is_record = isinstance(self.options, type) and issubclass(self.options, Options)
        if self.options is not None and not is_record:
            raise TypeError(
                f"options must be a subclass of ssimloss.measure.Options, got {self.options!r}"
            )
        taken = _RESERVED | {name for each in _REGISTRY.values() for name in each.public_names}
        for name in self.public_names:
            if not name.isidentifier():
                raise ValueError(f"the names of a measure must be identifiers, got {name!r}")
            if name in taken:
                raise ValueError(
                    f"a measure named {name!r} exists already; choose another name, or forget it "
                    "with ssimloss.measure.unregister(...)"
                )

    @property
    def public_names(self) -> tuple[str, ...]:
        """All its names: function, name in ``ssimloss.metrics``, module and metric class."""
        names = (self.name, self.metric_name, self.module, self.metric)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def takes_data_range(self) -> bool:
        """Whether it has the option ``data_range``."""
        return "data_range" in _options.fields(self.record)

    @property
    def takes_target(self) -> bool:
        """Whether it compares ``pred`` with ``target``."""
        return self.image_names == ("pred", "target")

    @property
    def is_named(self) -> bool:
        """Whether it is available in ``ssimloss.metrics.measure`` and on the command line."""
        return self.takes_target and self.role != "loss"

    def evaluate(
        self,
        images: tuple[Any, ...],
        options: Options,
        tensors: Mapping[str, Any],
        as_loss: bool,
    ) -> Tensor:
        """The equation with a checked record, reduced; without autocast.

        Results are plain tensors, whatever subclass of Tensor the images are of.
        """
        if _debug.STATE.enabled:
            self.check_values(images, options, tensors)
        # A separate function, so that torch.compile resumes here after a graph break in ``plain``.
        given = tensors and plain(tensors)
        return self._without_autocast(plain(images), options, given, as_loss)

    def check_values(
        self, images: tuple[Any, ...], options: Options, tensors: Mapping[str, Any]
    ) -> None:
        """Raise for values that are not finite or do not fit the range, see ``ssimloss.debug``."""
        named = dict(zip(self.image_names, images, strict=False))
        data_range = options.range_in_use
        _debug.check(self.name, named, data_range=data_range, mask=tensors.get("mask"))

    def _without_autocast(
        self,
        images: tuple[Any, ...],
        options: Options,
        tensors: Mapping[str, Any],
        as_loss: bool,
    ) -> Tensor:
        if self.autocast:
            return self._evaluate(images, options, tensors, as_loss)
        kind = device_type_of(images)
        if torch.compiler.is_compiling() or torch.is_autocast_enabled(kind):
            with torch.autocast(kind, enabled=False):
                return self._evaluate(images, options, tensors, as_loss)
        return self._evaluate(images, options, tensors, as_loss)

    def _evaluate(
        self,
        images: tuple[Any, ...],
        options: Options,
        tensors: Mapping[str, Any],
        as_loss: bool,
    ) -> Tensor:
        if self.options is None:
            # The equation of a user need not care for half precision.
            wide = [i.to(computing_dtype(i)) if isinstance(i, Tensor) else i for i in images]
            result: Scores | Tensor = Scores.of(self.equation(*wide, **tensors))
        else:
            result = self.equation(*images, options, **tensors)
        if isinstance(result, Tensor):
            return result
        if as_loss and self.role == "score":
            assert self.perfect is not None
            result = result.complement(self.perfect)
        return result.reduce(options.reduction)  # type: ignore[attr-defined]  # by its contract

    def bind(
        self, args: tuple[Any, ...], given: dict[str, Any], caller: str
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the images in order, passed by position or by name, and the optional tensors.
        Both are removed from ``given``, which then holds the options.

        Raises:
            TypeError: an image is missing, or there are further positional arguments.
        """
        for name in self.image_names[: len(args)]:
            if name in given:
                raise TypeError(f"{caller}() got {name} twice, by position and by keyword")
        if len(args) != len(self.image_names):
            args = self._images(args, given, caller)
        tensors = {}
        for name in self.tensor_names:
            if name in given:
                tensors[name] = given.pop(name)
        return args, tensors

    def _images(self, args: tuple[Any, ...], given: dict[str, Any], caller: str) -> tuple[Any, ...]:
        names = self.image_names
        if len(args) > len(names):
            shared = ("reduction", "backend")  # which every other function has, too
            own = [name for name in _options.names(self.record) if name not in shared]
            beside = by_keyword([*own, *self.tensor_names, *shared])
            raise TypeError(
                f"{caller}() takes {', '.join(names)} by position and everything else by keyword"
                f"{beside}, got {len(args)} positional arguments"
            )
        rest = names[len(args) :]
        missing = [name for name in rest if name not in given]
        if missing:
            theirs = {image_of(name): name for name in given}
            renamed = [f"{theirs[name]!r} is {name!r} here" for name in missing if name in theirs]
            told = f"; {', '.join(renamed)}" if renamed else ""
            raise TypeError(f"{caller}() needs {' and '.join(missing)}{told}")
        return (*args, *(given.pop(name) for name in rest))

    def __repr__(self) -> str:
        """Name and title."""
        return f"<measure {self.name}: {self.title}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """By name: pickles and copies are the registered measure."""
        return find, (self.name, self.equation.__module__)


def complete() -> None:
    """Import the rooms that register the measures of this package."""
    for room in _HOMES:
        importlib.import_module(f"{__package__}.{room}")


def find(name: str, home: str | None = None) -> Measure:
    """The registered measure of this name.

    Args:
        name: name of the measure.
        home: the module that registers it, imported if the name is unknown.

    Raises:
        ValueError: the name is unknown; the error lists all names.
    """
    if name not in _REGISTRY and home is not None:
        importlib.import_module(home)
    if name not in _REGISTRY:
        complete()
    if name not in _REGISTRY:
        raise ValueError(f"measure must be one of {', '.join(map(repr, _REGISTRY))}, got {name!r}")
    return _REGISTRY[name]


def reserve(*names: str) -> None:
    """Reserve names of measures that are not registered here, such as those with a network."""
    _RESERVED.update(names)


def registered() -> Iterator[Measure]:
    """Every measure, in the order of registration."""
    complete()
    return iter(list(_REGISTRY.values()))


def unregister(name: str) -> None:
    """Remove a measure from the registry, so that its name is free again."""
    del _REGISTRY[find(name).name]


# --- functions ------------------------------------------------------------------------------------


def _function(measure: Measure, name: str, as_loss: bool) -> Callable[..., Tensor]:
    """The function of a measure: images by position, everything else by keyword."""
    record, count = measure.record, len(measure.images)
    _options.names(record)  # cached now, because torch.compile cannot trace it
    needs = bool(_options.required(record) or measure.required_tensors)
    beside = (*measure.image_names, *measure.tensor_names)

    def function(*args: Any, **given: Any) -> Tensor:
        if len(args) == count and not given and not needs:
            return measure.evaluate(args, _options.default(record), {}, as_loss)
        images, tensors = measure.bind(args, given, name)
        options = record.make(given, name, beside=beside)
        for needed in measure.required_tensors:
            if needed not in tensors:
                raise TypeError(
                    f"{name}() needs {needed}: {name}(..., {needed}=...){of_images(name)}"
                )
        return measure.evaluate(images, options, tensors, as_loss)

    _options.sign(function, measure.images, _options.fields(record), measure.tensors)
    function.__name__ = function.__qualname__ = name
    rises = measure.better == "higher" and not (as_loss and measure.role == "score")
    function.__dict__["higher_is_better"] = rises
    # Functions of the package are pickled by their public place, others by that of their equation.
    home = measure.equation.__module__
    is_own = home.startswith("ssimloss.")
    function.__module__ = ".".join(home.split(".")[:2]) if is_own else home
    function.__doc__ = function_documentation(measure, as_loss)
    return function
