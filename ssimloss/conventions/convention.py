"""Conventions and their tables: the options and the preparation of images with which a function,
or a module, computes the value of another implementation.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

from torch import Tensor

from ssimloss import _checks, _debug, _options
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._words import near
from ssimloss.conventions.attributes import Attribute, State
from ssimloss.conventions.description import entry, steps
from ssimloss.conventions.preparation import NOTHING, Preparation
from ssimloss.measure import Measure, complete

TABLES: "dict[str, Table]" = {}  # of measures, by key
MODULE_TABLES: "dict[str, Table]" = {}  # of options of modules

_PREPARED = tuple(field.name for field in dataclasses.fields(Preparation))


def tables() -> "dict[str, Table]":
    """Every table that is registered by now, of measures and of modules, by key."""
    return TABLES | MODULE_TABLES


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Convention(Mapping[str, Any]):
    """Options with which a function or a module computes the value of another implementation.

    It is a mapping of keyword options,
    ``F.ssim(pred, target, data_range=1.0, **conventions.SSIM["skimage"])`` or
    ``PerceptualLoss(**conventions.CONTENT["esrgan"])``. One of a measure can also be called,
    ``conventions.SSIM["basicsr"](pred, target, data_range=1.0, crop_border=4)``. If it prepares
    the images or changes the result, options alone cannot express it: ``**`` raises an error that
    shows the call. ``print`` shows what is computed.

    Args:
        name: name in the table.
        title: short description.
        program: the original code, and how it is called.
        version: version of the original code that values were compared with.
        tolerance: largest difference that the tests of this convention allow.
        exact: why the values differ by that much.
        options: options of the function or module that differ from its defaults.
        preparation: preparation of the images, before the function.
        same_as: the convention of this table with the same definition.
        gray: the convention for gray images, if this one takes a luma of RGB.
        notes: what else a user of the original code should know.
        in_table: the table that holds it; a table sets this.
    """

    name: str
    title: str
    program: str
    version: str = ""
    tolerance: float | None = None
    exact: str = "float64 rounding"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    preparation: Preparation = NOTHING
    same_as: str | None = None
    gray: str | None = None
    notes: tuple[str, ...] = ()
    in_table: "Table | None" = None

    def __post_init__(self) -> None:
        """Freeze the options."""
        frozen = {
            name: MappingProxyType(dict(value)) if isinstance(value, Mapping) else value
            for name, value in self.options.items()
        }
        object.__setattr__(self, "options", MappingProxyType(frozen))

    @property
    def table(self) -> "Table":
        """The table that holds it.

        Raises:
            ValueError: there is none.
        """
        if self.in_table is None:
            raise ValueError(f"convention {self.name!r} is in no table; create one with Table(...)")
        return self.in_table

    @property
    def measure(self) -> Measure:
        """The measure whose options these are.

        Raises:
            TypeError: they are options of a module.
        """
        return self.table.measure

    @property
    def full_name(self) -> str:
        """The name by which ``describe`` finds it, such as ``SSIM/basicsr``."""
        return f"{self.table.key}/{self.name}"

    @property
    def must_be_called(self) -> bool:
        """Whether options of the function alone do not express it."""
        return self._must_be_called

    @functools.cached_property
    def _must_be_called(self) -> bool:
        """Cached, because ``**`` reads it for each option."""
        if self.table.module:
            return False
        public = _options.fields(self.measure.record)
        return (
            self.table.call_only
            or bool(self.preparation)
            or not all(option in public for option in self.options)
        )

    @property
    def state(self) -> dict[str, Any]:
        """A value for every key of the attributes."""
        return dict(self._state)

    @functools.cached_property
    def _state(self) -> dict[str, Any]:
        """The state, computed once, because measures read it for every batch."""
        return self.table.defaults | dataclasses.asdict(self.preparation) | dict(self.options)

    @keywords("a convention fixes everything else")
    def __call__(
        self,
        pred: Tensor,
        target: Tensor | None = None,
        *,
        data_range: DataRange = 1.0,
        crop_border: int | None = None,
        reduction: Literal["mean", "sum", "image"] | None = None,
    ) -> Tensor:
        """The value that the original code computes.

        Args:
            pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; total
                variation takes ``pred`` alone.
            data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``, for measures that have a
                data range.
            crop_border: number of pixels to crop at each side, for conventions that crop; ``scale``
                in super-resolution papers.
            reduction: ``"image"`` for one value per image, ``"mean"`` or ``"sum"`` over images; by
                default, that of the original code.

        Returns:
            A scalar, or ``(N,)``; float64 if the convention prepares the images. Conventions that
            round are for evaluation: rounding has the gradient 0, not a straight-through gradient.

        Raises:
            ValueError: the function raises it, the convention needs a luma and images are not RGB,
                or the border is larger than the images.
            TypeError: the original crops and ``crop_border`` is missing, or it is given and the
                original does not crop; ``target`` is missing; or the convention is one of a module.
        """
        self.table.check_arguments(self.full_name, pred, target, data_range)
        if self.preparation.crop and crop_border is None:
            raise TypeError(
                f"{self.full_name} cuts the border off and needs crop_border: papers cut as many "
                "pixels as the scale, crop_border=4 for x4; crop_border=0 cuts nothing"
            )
        if crop_border is not None and not self.preparation.crop:
            raise TypeError(
                f"{self.full_name} cuts no border; leave crop_border out, or crop the images before"
            )
        self.check_luma(pred)
        state = self.state if reduction is None else self.state | {"reduction": reduction}
        return self.table.evaluate(state, pred, target, data_range, crop_border)

    def check_luma(self, pred: Tensor) -> None:
        """Raise if the luma of images that are not RGB is needed."""
        channels = pred.shape[1]
        if self.preparation.luma is None or channels == 3:
            return
        ways_out = {
            1: f"a gray image is its own luma: use {self.table.key}/{self.gray}, or, if it "
            "stands for a colour image, .expand(-1, 3, -1, -1)",
            4: "drop the alpha channel with [:, :3]",
        }
        raise ValueError(
            f"{self.full_name} takes the luma of RGB images (N, 3, H, W), got {channels} channels "
            f"in shape {tuple(pred.shape)}; "
            f"{ways_out.get(channels, 'channels are the second dimension')}"
        )

    def keys(self) -> Any:
        """Names of the options, for ``**``."""
        return self._as_options().keys()

    def __getitem__(self, key: str) -> Any:
        value = self._as_options()[key]
        return dict(value) if isinstance(value, Mapping) else value  # the caller may change it

    def __iter__(self) -> Iterator[str]:
        return iter(self._as_options())

    def __len__(self) -> int:
        return len(self.options)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<convention {self.full_name}>"

    def __str__(self) -> str:
        table, unit = self.table, f" {self.table.unit}" if self.table.unit else ""
        lines = [f"{self.full_name}: {f'{table.title}, ' if table.title else ''}{self.title}"]
        lines += entry("program", self.program + (f" ({self.version})" if self.version else ""))
        matched = self.exact
        if self.tolerance is not None:
            matched = f"{self.tolerance:g}{unit} ({self.exact})"
        lines += entry("matched", f"to {matched}")
        if self.same_as:
            lines += entry("same as", f"{table.key}/{self.same_as}")
        if table.module:
            for number, (name, value) in enumerate(self.items()):
                lines += entry("" if number else "options", f"{name}={value!r}")
        computed = [] if table.module else steps(table.attributes, self.state, self.preparation)
        for number, step in enumerate(computed, 1):
            lines += entry("computes" if number == 1 else "", f"{number}. {step}", hanging=3)
        lines += entry("use", self._usage())
        if self.preparation.quantize or self.preparation.round:
            lines += entry(
                "gradient",
                "zero: rounding is constant almost everywhere; a convention that rounds is for "
                "evaluation, not for training",
            )
        if self.gray:
            lines += entry("gray", f"a gray image has no such luma: {table.key}/{self.gray}")
        for note in self.notes:
            lines += entry("note", note)
        return "\n".join(lines)

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _registered, (self.table.key, self.name)

    def _usage(self) -> str:
        table = self.table
        place = f'conventions.{table.key}["{self.name}"]'
        if table.module:
            return f"ssimloss.{table.module}(**{place})"
        images = "pred, target" if self.measure.takes_target else "pred"
        data_range = ", data_range=1.0" if self.measure.takes_data_range else ""
        if self.must_be_called:
            crop_border = ", crop_border=4" if self.preparation.crop else ""
            return f"{place}({images}{data_range}{crop_border})"
        return f"functional.{self.measure.score.__name__}({images}{data_range}, **{place})"

    def _as_options(self) -> Mapping[str, Any]:
        if self.must_be_called:
            call = (
                f'conventions.{self.table.key}["{self.name}"](pred, target, '
                f"{'crop_border=..., ' if self.preparation.crop else ''}...)"
            )
            what = (
                "prepares the images (clamp, rounding, crop or luma)"
                if self.preparation
                else "changes the result of the function"
            )
            raise TypeError(
                f"{self.full_name} {what}, which options cannot do; do not unpack it with **, "
                f"call it: {call}; as a metric: metrics.LossMetric(functools.partial("
                f'conventions.{self.table.key}["{self.name}"], reduction="image"))'
            )
        return self.options


FeatureConvention = Convention  # the name that conventions of modules had before


class Table(dict[str, Convention]):
    """The conventions of one measure, or of the options of one module, by name.

    Creating it registers it: ``ssimloss.conventions`` has it under its key. An unknown name raises
    an error that lists the names.

    Args:
        key: name in ``ssimloss.conventions``, such as ``"SSIM"``.
        of: the measure, or the name of the module that has these options.
        attributes: in what two conventions can differ, in the order of computation.
        conventions: the conventions.
        title: title of the quantity; by default that of the measure.
        function: ``(pred, target, **options)``; by default the function of the measure. Its further
            keyword arguments are options that only conventions have.
        call_only: the function computes another quantity than the measure, so that its options
            must not be unpacked into the measure's function.

    Raises:
        ValueError: the key is taken.
    """

    def __init__(
        self,
        key: str,
        of: Measure | str,
        attributes: tuple[Attribute, ...],
        *conventions: Convention,
        title: str | None = None,
        function: Callable[..., Tensor] | None = None,
        call_only: bool = False,
    ) -> None:
        super().__init__((c.name, dataclasses.replace(c, in_table=self)) for c in conventions)
        if key in TABLES or key in MODULE_TABLES:
            raise ValueError(f"a table of conventions {key!r} exists already; choose another key")
        self.key, self.attributes, self.call_only = key, attributes, call_only
        self.module = of if isinstance(of, str) else ""
        self._measure = None if isinstance(of, str) else of
        self._function = function
        self.title = title or (self._measure.title if self._measure else "")
        self.unit = self._measure.unit if self._measure else ""
        (MODULE_TABLES if self.module else TABLES)[key] = self

    @property
    def measure(self) -> Measure:
        """The measure whose options the conventions are.

        Raises:
            TypeError: they are options of a module.
        """
        if self._measure is None:
            raise TypeError(
                f"conventions.{self.key} holds options of the module {self.module} and computes "
                f"nothing; use ssimloss.{self.module}(**conventions.{self.key}[...])"
            )
        return self._measure

    @property
    def function(self) -> Callable[..., Tensor]:
        """``(pred, target, **options)``: computes a convention of images that are prepared."""
        return self._function or self.measure.score

    @functools.cached_property
    def defaults(self) -> dict[str, Any]:
        """A value for every key of the attributes: no preparation, options at their defaults."""
        own = inspect.signature(self.function).parameters
        values = {name: p.default for name, p in _options.fields(self.measure.record).items()}
        values |= {name: p.default for name, p in own.items() if p.default is not p.empty}
        values |= dataclasses.asdict(Preparation())
        return {key: values[key] for attribute in self.attributes for key in attribute.keys}

    def check_arguments(
        self, name: str, pred: Tensor, target: Tensor | None, data_range: DataRange
    ) -> None:
        """Raise for arguments that the measure does not take."""
        if self.measure.takes_target and target is None:
            raise TypeError(f"{name} compares two images: target is missing")
        if not self.measure.takes_target and target is not None:
            raise TypeError(f"{name} looks at one image: leave target out")
        if not self.measure.takes_data_range and data_range != 1.0:
            raise TypeError(
                f"{name} has no data_range: it is computed in the images' own units; divide the "
                "images first"
            )
        _checks.image("pred", pred)

    def evaluate(
        self,
        state: State,
        pred: Tensor,
        target: Tensor | None,
        data_range: DataRange,
        crop_border: int | None,
    ) -> Tensor:
        """The measure with these values of its attributes."""
        preparation = Preparation(**{key: state[key] for key in _PREPARED if key in state})
        options = {key: value for key, value in state.items() if key not in _PREPARED}
        if self.measure.takes_data_range:
            options["data_range"] = data_range
        if _debug.STATE.enabled:  # before a preparation clamps them
            images = {"pred": pred} if target is None else {"pred": pred, "target": target}
            known = data_range if preparation else options.get("data_range")
            _debug.check(self.measure.name, images, data_range=known)
        if target is None:
            return self.function(pred, **options)
        if preparation:
            _checks.images(pred, target)
            pred, target = preparation(pred, target, data_range=data_range, crop_border=crop_border)
            options["data_range"] = 1.0
        return self.function(pred, target, **options)

    def __missing__(self, name: str) -> Convention:
        close = near(name, self) if isinstance(name, str) else []
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise KeyError(f"no convention {name!r}; there are {', '.join(self)}{meant}")

    def __reduce__(self) -> tuple[Any, ...]:
        """By key: pickles and copies are the registered table."""
        return _registered, (self.key,)


def _registered(key: str, name: str | None = None) -> Table | Convention:
    """The table of this key, or a convention in it."""
    complete()
    table = tables()[key]
    return table if name is None else table[name]
