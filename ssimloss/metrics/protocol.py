"""Protocols: what is done to two images before they are compared, and by which definitions.

The same two images read 25.0 or 26.3 dB depending on the luma; border and rounding move the other
digits. A protocol fixes all of it, batched on the device of the images, and says in words what it
fixed. Its definitions are those of ``ssimloss.conventions``.
"""

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks, _debug, conventions
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss.conventions.attributes import PREPARATION
from ssimloss.conventions.convention import Convention
from ssimloss.conventions.preparation import Preparation
from ssimloss.metrics.batches import one_by_one

Definition = Literal["psnr", "ssim", "ms_ssim"]
DEFINITIONS: tuple[Definition, ...] = get_args(Definition)
ProtocolLuma = Literal["bt601_studio", "bt601", "matlab"]
LUMAS: tuple[str, ...] = get_args(ProtocolLuma)
# Prepared images of one pair of batches, by preparation, border and data range.
Prepared = dict[Hashable, tuple[Tensor, Tensor]]

PROTOCOLS: Final = ("plain", "basicsr", "basicsr_rgb", "edsr", "pyiqa", "skimage")
# Each in a line, for lists.
SUMMARIES: Final = {
    "plain": "all channels as they are, SSIM of Wang et al. 2004",
    "basicsr": "8-bit luma (Y of BT.601), SCALE pixels of border cut off: most SR papers",
    "basicsr_rgb": "8-bit RGB, SCALE pixels of border cut off",
    "edsr": "8-bit RGB, SCALE + 6 pixels of border cut off: DIV2K as in EDSR",
    "pyiqa": "the defaults of IQA-PyTorch",
    "skimage": "the defaults of scikit-image",
}
OF_SCALE: Final = ("basicsr", "basicsr_rgb", "edsr")


class Protocol(ABC):
    """What is measured of two images: how they are prepared, and the definitions of PSNR, SSIM and
    MS-SSIM.

    Images are ``(N, C, H, W)``, floating point of any precision or uint8, with values in
    ``data_range``: ``L`` for ``[0, L]``, or ``(lo, hi)``; by default ``[0, 1]``, for uint8
    ``[0, 255]``. Whatever is computed is computed in float64, without a graph, for each image by
    itself.
    """

    @property
    @abstractmethod
    def title(self) -> str:
        """The protocol in a few words."""

    @property
    def crop_border(self) -> int:
        """Pixels that are cut off every side."""
        return 0

    @abstractmethod
    def convention(self, definition: Definition, *, gray: bool = False) -> Convention:
        """The definition, with its preparation; of gray images where ``gray``."""

    def prepare(
        self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None
    ) -> tuple[Tensor, Tensor]:
        """Both images as their PSNR is taken: float64 on a scale of [0, 1],
        ``(N, 1 or C, H', W')``.

        Raises:
            ValueError: shapes differ, a luma of images that are neither gray nor RGB, a border that
                leaves nothing.
            TypeError: integer tensors.
        """
        return self.prepared(pred, target, data_range=data_range)

    def prepare_color(
        self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None
    ) -> tuple[Tensor, Tensor]:
        """The same without a luma: all channels, ``(N, C, H', W')``."""
        return self.prepared(pred, target, data_range=data_range, color=True)

    @torch.no_grad()
    def prepared(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange | None = None,
        definition: Definition = "psnr",
        color: bool = False,
        memory: Prepared | None = None,
        dtype: torch.dtype | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Both images as a definition takes them.

        Args:
            color: leave the luma out.
            memory: where images that were prepared the same way are looked up and left; one for
                each pair of batches.
            dtype: of the result; None for float64.
        """
        prepare = self._preparing(pred, target, data_range, definition, color, dtype)
        if memory is None:
            return prepare(pred, target)
        key = prepare.func, tuple(prepare.keywords.items())
        if key not in memory:
            memory[key] = prepare(pred, target)
        return memory[key]

    def _preparing(
        self,
        pred: Tensor,
        target: Tensor,
        data_range: DataRange | None,
        definition: Definition,
        color: bool,
        dtype: torch.dtype | None,
    ) -> "functools.partial[tuple[Tensor, Tensor]]":
        """What prepares these images, or some of the batch, which are checked here."""
        data_range = range_in_use(pred, target, data_range)
        channels = pred.shape[1]
        preparation = self.convention(definition, gray=channels == 1).preparation
        if color:
            preparation = dataclasses.replace(preparation, luma=None, round=False)
        if preparation.luma is not None and channels != 3:
            raise ValueError(
                f"{self.title} takes the luma of RGB images (N, 3, H, W) or of gray ones (N, 1, "
                f"H, W), got {channels} channels; drop an alpha channel with [:, :{channels - 1}]"
            )
        if _debug.STATE.enabled:
            _debug.check(self.title, {"pred": pred, "target": target}, data_range=data_range)
        return functools.partial(
            preparation,
            data_range=data_range,
            crop_border=self.crop_border,
            dtype=dtype,
        )

    @torch.no_grad()
    def compared(
        self,
        function: Callable[[Tensor, Tensor], Tensor],
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange | None = None,
        definition: Definition = "psnr",
        color: bool = False,
        memory: Prepared | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """What ``function`` returns for the prepared images, ``(N,)``.

        Without ``memory``, a CPU prepares and compares one image after the other, so that a
        prepared one is still in its cache when it is compared.

        Args:
            definition, color, memory, dtype: as in :meth:`prepared`.
        """
        if memory is None:
            prepare = self._preparing(pred, target, data_range, definition, color, dtype)
            room: list[Tensor] = []

            def value(x: Tensor, y: Tensor) -> Tensor:
                # A copy, lest the value is a view of an image that the next one is written over.
                return function(*prepare(x, y, room=room)).clone()

            return one_by_one(value, pred, target)
        x, y = self.prepared(
            pred,
            target,
            data_range=data_range,
            definition=definition,
            color=color,
            memory=memory,
            dtype=dtype,
        )
        return one_by_one(function, x, y)

    @torch.no_grad()
    def compute(
        self,
        definition: Definition,
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange | None = None,
        memory: Prepared | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """One of the definitions, ``(N,)`` on the device of the images.

        Args:
            memory, dtype: as in :meth:`prepared`; the computation is in that dtype.
        """
        _checks.choice("definition", definition, DEFINITIONS)
        range_in_use(pred, target, data_range)
        convention = self.convention(definition, gray=pred.shape[1] == 1)
        options = {**convention.options, "data_range": 1.0, "reduction": "image"}
        return self.compared(
            functools.partial(convention.table.function, **options),
            pred,
            target,
            data_range=data_range,
            definition=definition,
            memory=memory,
            dtype=dtype,
        )

    def psnr(self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None) -> Tensor:
        """PSNR of each image in dB, ``(N,)`` float64; infinite for equal images unless the protocol
        caps it.
        """
        return self.compute("psnr", pred, target, data_range=data_range)

    def ssim(self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None) -> Tensor:
        """SSIM of each image, ``(N,)`` float64; images smaller than the window are a ValueError."""
        return self.compute("ssim", pred, target, data_range=data_range)

    def ms_ssim(
        self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None
    ) -> Tensor:
        """MS-SSIM of each image, ``(N,)`` float64; images too small for five scales (161 to 176
        pixels) are a ValueError.
        """
        return self.compute("ms_ssim", pred, target, data_range=data_range)

    def steps(self, definition: Definition, *, color: bool = False) -> list[str]:
        """What is done to the images before this definition, in words."""
        state = self._state(definition)
        if color:
            state |= {"luma": None, "round": False}
        steps = [sentence for attribute in PREPARATION if (sentence := attribute.sentence(state))]
        if not steps:
            return ["the images as they are, in float64"]
        steps = [
            step.replace(
                "crop_border pixels",
                f"{self.crop_border} pixel{'s' if self.crop_border != 1 else ''}",
            )
            for step in steps
        ]
        gray = ["gray images are their own luma"] if state["luma"] is not None else []
        return [step for step in steps if step != "cut 0 pixels off every side"] + gray

    def formula(self, definition: Definition) -> list[str]:
        """What is computed of the prepared images, in words."""
        state = self._state(definition)
        attributes = self.convention(definition).table.attributes
        return [
            sentence
            for attribute in attributes
            if attribute not in PREPARATION and (sentence := attribute.sentence(state))
        ]

    def describe(self) -> str:
        """In words, everything that decides the numbers: a line for the protocol, for what is done
        to the images, for each definition.
        """
        steps = {definition: "; ".join(self.steps(definition)) for definition in DEFINITIONS}
        alike = len(set(steps.values())) == 1
        lines = [self.title, *([f"images: {steps['psnr']}"] if alike else [])]
        for definition in DEFINITIONS:
            words = "; ".join(self.formula(definition))
            lines.append(
                f"{self.convention(definition).table.title}: "
                f"{words if alike else f'{steps[definition]}; {words}'}"
            )
        return "\n".join(lines)

    def _state(self, definition: Definition) -> dict[str, object]:
        return self.convention(definition).state | {"reduction": "image"}


@dataclasses.dataclass(frozen=True)
class SuperResolutionProtocol(Protocol):
    """How super-resolution papers measure: 8-bit images, the border cut off, PSNR and SSIM (Wang et
    al. 2004) of the luma.

    With its defaults the PSNR and SSIM of BasicSR's ``calculate_psnr`` and
    ``calculate_ssim(..., test_y_channel=True)``, and so those of MATLAB scripts; MS-SSIM is Wang's
    ``msssim.m``.

    Args:
        scale: the factor of enlargement.
        luma: ``"bt601_studio"`` is the Y of MATLAB's ``rgb2ycbcr``, 16 to 235; ``"bt601"`` full
            range; ``"matlab"`` ``rgb2gray``; ``None`` compares all channels. A gray image is its
            own luma.
        quantize: round to 256 levels, as in an 8-bit file. Values are clamped to the data range in
            any case.
        border: pixels cut off every side; ``None`` for as many as the scale.

    Raises:
        ValueError, TypeError: no positive integer, no such luma.
    """

    scale: int
    luma: ProtocolLuma | None = "bt601_studio"
    quantize: bool = True
    border: int | None = None

    def __post_init__(self) -> None:
        """Raise for what cannot be meant, naming the argument."""
        _checks.count("scale", self.scale)
        if self.luma is not None:
            _checks.choice("luma", self.luma, LUMAS)
        if not isinstance(self.quantize, bool):
            raise TypeError(f"quantize must be True or False, got {self.quantize!r}")
        if self.border is not None:
            _checks.count("border", self.border, least=0)

    @property
    def title(self) -> str:
        """Scale and options."""
        luma = "all channels" if self.luma is None else f"luma {self.luma}"
        levels = "8-bit levels" if self.quantize else "not rounded"
        return f"super-resolution x{self.scale}, {luma}, {levels}, border {self.crop_border}"

    @property
    def crop_border(self) -> int:
        """As many pixels as the scale unless said otherwise."""
        return self.scale if self.border is None else self.border

    def convention(self, definition: Definition, *, gray: bool = False) -> Convention:
        """As in BasicSR and ``msssim.m``, on images prepared as the options say."""
        base = {
            "psnr": conventions.PSNR["basicsr_rgb"],
            "ssim": conventions.SSIM["basicsr_rgb"],
            "ms_ssim": conventions.MS_SSIM["wang2003"],
        }
        luma = None if gray else self.luma
        return dataclasses.replace(
            base[definition],
            preparation=Preparation(clamp=True, quantize=self.quantize, crop=True, luma=luma),
            same_as=None,
        )


# As of a dataclass, it knows its fields only when the class is there.
SuperResolutionProtocol.__init__ = keywords()(SuperResolutionProtocol.__init__)  # type: ignore[method-assign]


@dataclasses.dataclass(frozen=True)
class ProgramProtocol(Protocol):
    """The definitions of one program, each under its name in ``ssimloss.conventions``;
    :func:`protocol` makes them.
    """

    name: str
    words: str
    psnr_name: str
    ssim_name: str
    ms_ssim_name: str

    @property
    def title(self) -> str:
        """Name and words."""
        return f"{self.name}: {self.words}"

    def convention(self, definition: Definition, *, gray: bool = False) -> Convention:
        """The convention, or that for gray images where it takes a luma."""
        table, name = {
            "psnr": (conventions.PSNR, self.psnr_name),
            "ssim": (conventions.SSIM, self.ssim_name),
            "ms_ssim": (conventions.MS_SSIM, self.ms_ssim_name),
        }[definition]
        found = table[name]
        return table[found.gray] if gray and found.gray is not None else found


PLAIN: Final = ProgramProtocol(
    "plain",
    "all channels, nothing rounded or cut; Wang 2004 and 2003",
    "skimage",
    "wang2004",
    "wang2003",
)
_PROGRAMS: Final = {
    "plain": PLAIN,
    "pyiqa": ProgramProtocol(
        "pyiqa", "IQA-PyTorch's 'psnr', 'ssim' and 'ms_ssim'", "pyiqa", "pyiqa", "pyiqa"
    ),
    "skimage": ProgramProtocol(
        "skimage",
        "scikit-image as it comes; MS-SSIM is Wang's msssim.m",
        "skimage",
        "skimage",
        "wang2003",
    ),
}


@keywords()
def protocol(name: str, *, scale: int | None = None) -> Protocol:
    """A protocol by its name.

    Args:
        name: ``"plain"``: all channels as they are; SSIM of Wang et al. 2004, MS-SSIM of Wang et
            al. 2003, per channel. ``"basicsr"``: of super-resolution papers: 8 bit, ``scale``
            pixels of border cut off, luma in studio range. ``"basicsr_rgb"``: the same of all
            channels. ``"edsr"``: DIV2K as in EDSR (Lim et al. 2017): RGB, ``scale + 6`` pixels of
            border. ``"pyiqa"``, ``"skimage"``: these programs as they come.
        scale: the factor of enlargement, which the first three after ``"plain"`` need and no other
            takes.

    Raises:
        ValueError: no such protocol; ``scale`` missing where it decides the border, or given where
            nothing is cut.
    """
    _checks.choice("protocol", name, PROTOCOLS)
    if name not in OF_SCALE:
        if scale is not None:
            raise ValueError(
                f"protocol {name!r} cuts no border and takes no scale, got scale={scale!r}; "
                f"{', '.join(OF_SCALE)} do"
            )
        return _PROGRAMS[name]
    if scale is None:
        raise ValueError(
            f"protocol {name!r} needs scale, the factor of enlargement, by which the border is "
            "cut; scale=4 for x4"
        )
    if name == "basicsr":
        return SuperResolutionProtocol(scale)
    _checks.count("scale", scale)
    return SuperResolutionProtocol(scale, luma=None, border=scale + 6 if name == "edsr" else None)


def resolved(given: "str | Protocol | None", scale: int | None = None) -> Protocol:
    """The protocol that an argument ``protocol`` means: a protocol, its name, or None for
    ``"plain"``.

    Raises:
        ValueError: an unknown name; ``scale`` missing where the name needs it, or given where
            nothing takes it.
        TypeError: it is none of these.
    """
    if isinstance(given, str):
        return protocol(given, scale=scale)
    if given is not None and not isinstance(given, Protocol):
        raise TypeError(
            f"protocol must be a protocol or the name of one, got {type(given).__name__} "
            f"{given!r}; protocol='basicsr', scale=4 for example"
        )
    if scale is not None:
        has_its_own = "None stands for 'plain'" if given is None else f"{given!r} has its own"
        raise ValueError(f"scale belongs to the name of a protocol; {has_its_own}")
    return PLAIN if given is None else given


def range_in_use(pred: Tensor, target: Tensor, given: DataRange | None) -> DataRange:
    """The data range of two images: the one that is given, else that of their kind.

    Raises:
        ValueError: they have two shapes; one is gray and the other in colour.
        TypeError: integer tensors other than uint8; one of uint8 beside one in floating point.
    """
    _checks.stored_image("pred", pred)
    _checks.stored_image("target", target)
    stored = pred.dtype is torch.uint8
    if stored != (target.dtype is torch.uint8):
        raise TypeError(
            f"pred and target must both be floating point or both uint8, got {pred.dtype} and "
            f"{target.dtype}; divide the one of uint8 by 255 if the other lies in [0, 1]"
        )
    if {pred.shape[1], target.shape[1]} == {1, 3} and pred.shape[2:] == target.shape[2:]:
        gray, colour = ("pred", "target") if pred.shape[1] == 1 else ("target", "pred")
        raise ValueError(
            f"{gray} is gray and {colour} in colour, which no protocol compares; make both gray, "
            f"or {gray}.expand(-1, 3, -1, -1)"
        )
    _checks.same_shape("target", target, "pred", pred)
    if given is None:
        return 255.0 if stored else 1.0
    low, span = _checks.data_range(given)
    return (low, low + span) if low else span
