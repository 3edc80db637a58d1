"""A convention: the options and the preparation of images with which a function gives the number of
another program.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss.conventions._measures import Measure
from ssimloss.conventions._preparation import NOTHING, Preparation


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Convention(Mapping[str, Any]):
    """Options of a function, as another program has them.

    It is a mapping of keyword options,
    ``F.ssim(pred, target, data_range=1.0, **conventions.SSIM["skimage"])``, and it can be called,
    ``conventions.SSIM["basicsr"](pred, target, data_range=1.0, crop_border=4)``. One that prepares
    the images, or does something to the result, is more than options: used with ``**`` it raises
    and says to call it. ``print`` shows what is computed.
    """

    measure: Measure
    name: str
    title: str
    program: str  # and how it is called
    version: str  # that the number was compared with
    tolerance: float  # the largest difference allowed in the tests of this convention
    exact: str  # how closely it is met, in words
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    preparation: Preparation = NOTHING
    same_as: str | None = None
    gray: str | None = None  # the convention for gray images, where this one takes a luma of RGB
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the options."""
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    @property
    def full_name(self) -> str:
        """The name by which ``describe`` finds it, such as ``SSIM/basicsr``."""
        return f"{self.measure.key}/{self.name}"

    @property
    def must_be_called(self) -> bool:
        """Whether there is more to it than options of the function."""
        return (
            self.measure.call_only
            or bool(self.preparation)
            or not all(self.measure.is_public(option) for option in self.options)
        )

    @property
    def state(self) -> dict[str, Any]:
        """A value for every attribute of the measure."""
        return self.measure.defaults | dataclasses.asdict(self.preparation) | dict(self.options)

    def __call__(
        self,
        pred: Tensor,
        target: Tensor | None = None,
        *,
        data_range: DataRange = 1.0,
        crop_border: int | None = None,
        reduction: Literal["mean", "sum", "image"] | None = None,
    ) -> Tensor:
        """The program's number.

        Args:
            pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; total
                variation takes ``pred`` alone.
            data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; of measures that have one.
            crop_border: pixels that are cut off at every side, in conventions that cut;
                super-resolution papers cut as many as the scale.
            reduction: ``"image"`` for one number per image, ``"mean"`` or ``"sum"`` over images;
                what the program does unless given.

        Returns:
            A scalar, or ``(N,)``; in float64 where the images are prepared. Rounding has the
            gradient 0, so that a convention that rounds is for evaluation: its gradient is zero,
            not passed straight through.

        Raises:
            ValueError: as the function raises; a luma of images that are not RGB; a border larger
                than the images.
            TypeError: ``crop_border`` missing where the program cuts, or given where it does not;
                no ``target``.
        """
        check_arguments(self.measure, self.full_name, pred, target, data_range)
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
        return evaluate(self.measure, state, pred, target, data_range, crop_border)

    def check_luma(self, pred: Tensor) -> None:
        """Raise where a luma is asked of images that are not RGB."""
        channels = pred.shape[1]
        if self.preparation.luma is None or channels == 3:
            return
        ways_out = {
            1: f"a gray image is its own luma: use {self.measure.key}/{self.gray}, or, if it "
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
        return self._as_options()[key]

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
        from ssimloss.conventions._describe import describe

        return describe(self)

    def __reduce__(self) -> str | tuple[Any, ...]:
        from ssimloss.conventions._find import find

        return find, (self.full_name,)

    def _as_options(self) -> Mapping[str, Any]:
        if self.must_be_called:
            call = (
                f'conventions.{self.measure.key}["{self.name}"](pred, target, '
                f"{'crop_border=..., ' if self.preparation.crop else ''}...)"
            )
            what = (
                "prepares the images (clamp, rounding, crop or luma)"
                if self.preparation
                else "changes the result of the function"
            )
            raise TypeError(
                f"{self.full_name} {what}, which options cannot do; do not unpack it with **, "
                f"call it: {call}"
            )
        return self.options


def check_arguments(
    measure: Measure, name: str, pred: Tensor, target: Tensor | None, data_range: DataRange
) -> None:
    """Raise for arguments that the measure does not take."""
    if measure.takes_target and target is None:
        raise TypeError(f"{name} compares two images: target is missing")
    if not measure.takes_target and target is not None:
        raise TypeError(f"{name} looks at one image: leave target out")
    if not measure.takes_data_range and data_range != 1.0:
        raise TypeError(
            f"{name} has no data_range: it is computed in the images' own units; divide the "
            "images first"
        )
    _checks.image("pred", pred)


def evaluate(
    measure: Measure,
    state: Mapping[str, Any],
    pred: Tensor,
    target: Tensor | None,
    data_range: DataRange,
    crop_border: int | None,
) -> Tensor:
    """The measure with these values of its attributes."""
    prepared = {field.name for field in dataclasses.fields(Preparation)}
    preparation = Preparation(**{key: value for key, value in state.items() if key in prepared})
    options = {key: value for key, value in state.items() if key not in prepared}
    if measure.takes_data_range:
        options["data_range"] = data_range
    if target is None:
        return measure.function(pred, **options)
    if preparation:
        pred, target = preparation(pred, target, data_range=data_range, crop_border=crop_border)
        options["data_range"] = 1.0
    return measure.function(pred, target, **options)
