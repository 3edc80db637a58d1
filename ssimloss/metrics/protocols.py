"""Protocols by name: those of super-resolution papers, and the defaults of libraries."""

import dataclasses
import functools
from typing import Final, Literal, get_args

from ssimloss import _checks, conventions
from ssimloss._keywords import keywords
from ssimloss._words import named
from ssimloss.conventions.convention import Convention
from ssimloss.conventions.preparation import Preparation
from ssimloss.metrics.protocol import Definition, Protocol

ProtocolLuma = Literal["bt601_studio", "bt601", "matlab"]
LUMAS: tuple[str, ...] = get_args(ProtocolLuma)

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


@dataclasses.dataclass(frozen=True)
class SuperResolutionProtocol(Protocol):
    """The protocol of super-resolution papers: 8-bit images without their border, PSNR and SSIM
    (Wang et al. 2004) of the luma.

    With the defaults, PSNR and SSIM equal BasicSR's ``calculate_psnr`` and
    ``calculate_ssim(..., test_y_channel=True)``, and thereby those of MATLAB scripts. MS-SSIM is
    Wang's ``msssim.m``.

    Args:
        scale: the upscaling factor.
        luma: ``"bt601_studio"`` is the Y of MATLAB's ``rgb2ycbcr``, 16 to 235; ``"bt601"`` full
            range; ``"matlab"`` ``rgb2gray``; ``None`` compares all channels. A gray image is its
            own luma.
        quantize: round to 256 levels, as in an 8-bit file. Values are always clamped to the data
            range.
        border: number of pixels to crop at each side; ``None`` means ``scale``.

    Raises:
        ValueError: ``scale`` is not positive, ``border`` is negative, or ``luma`` is unknown.
        TypeError: ``scale`` or ``border`` is not an integer, or ``quantize`` is not a bool.
    """

    scale: int
    luma: ProtocolLuma | None = "bt601_studio"
    quantize: bool = True
    border: int | None = None

    def __post_init__(self) -> None:
        """Check the options."""
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
        """``border``, or ``scale`` by default."""
        return self.scale if self.border is None else self.border

    def convention(self, definition: Definition, *, gray: bool = False) -> Convention:
        """As in BasicSR and ``msssim.m``, on images prepared as the options define."""
        luma = None if gray else self.luma
        return _super_resolution(definition, self.quantize, luma)


@functools.lru_cache
def _super_resolution(
    definition: Definition, quantize: bool, luma: ProtocolLuma | None
) -> Convention:
    base = {
        "psnr": conventions.PSNR["basicsr_rgb"],
        "ssim": conventions.SSIM["basicsr_rgb"],
        "ms_ssim": conventions.MS_SSIM["wang2003"],
    }
    return dataclasses.replace(
        base[definition],
        preparation=Preparation(clamp=True, quantize=quantize, crop=True, luma=luma),
        same_as=None,
    )


# After the class statement, because the decorator reads the signature of the dataclass.
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
        "scikit-image's defaults; MS-SSIM is Wang's msssim.m",
        "skimage",
        "skimage",
        "wang2003",
    ),
}


@keywords()
def protocol(name: str, *, scale: int | None = None) -> Protocol:
    """A protocol by its name.

    Args:
        name: in any case. ``"plain"``: all channels as they are; SSIM of Wang et al. 2004, MS-SSIM
            of Wang et al. 2003, per channel. ``"basicsr"``: super-resolution papers: 8 bit,
            ``scale`` pixels of border cropped, luma in studio range. ``"basicsr_rgb"``: the same
            with all channels. ``"edsr"``: DIV2K as in EDSR (Lim et al. 2017): RGB, ``scale + 6``
            pixels of border cropped. ``"pyiqa"``, ``"skimage"``: the defaults of these libraries.
        scale: the factor of super-resolution, which the first three after ``"plain"`` need and no
            other takes.

    Raises:
        ValueError: an unknown name; ``scale`` missing for a protocol that crops by it, or given for
            another.
    """
    name = named("protocol", name, PROTOCOLS)
    if name not in OF_SCALE:
        if scale is not None:
            raise ValueError(
                f"scale must be left out for protocol {name!r}, which crops no border, got "
                f"{scale!r}; {', '.join(OF_SCALE)} take one"
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
        ValueError: an unknown name; ``scale`` missing for a name that needs it, or given for
            anything else.
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
