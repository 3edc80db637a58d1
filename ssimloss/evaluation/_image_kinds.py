"""What files hold: the header of an image, and its pixels."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from ssimloss.evaluation._orientations import UPRIGHT

Alpha = Literal["error", "drop"]
FLOAT = 32  # the bit depth of floating-point values


@dataclass(frozen=True)
class Header:
    """The header of an image without alpha; the size is that after ``orientation``."""

    height: int
    width: int
    channels: int  # 1 or 3
    bit_depth: int  # 8 or 16; 32 for floating point
    # The tag, 1 (upright or none) to 8; of two files that differ in it alone the headers are equal.
    orientation: int = field(default=UPRIGHT, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """``(H, W)``."""
        return self.height, self.width


@dataclass(frozen=True)
class Image:
    """A decoded image."""

    pixels: Tensor  # (C, H, W), C is 1 or 3; uint8, int32 (16 bit) or float32
    bit_depth: int
    orientation: int = UPRIGHT  # the tag of the file, whether it was applied or not
    peak: float | None = None  # of floating-point values, the largest one as the user named it

    @property
    def data_range(self) -> float:
        """The largest value a pixel can have: 255, 65535, or that of floating-point values."""
        return self.levels if self.peak is None else self.peak

    @property
    def levels(self) -> int:
        """What errors are shown in: levels of integers, 255ths of a floating-point range."""
        return 255 if self.bit_depth == FLOAT else (1 << self.bit_depth) - 1

    @property
    def kind(self) -> str:
        """How values are stored, in words."""
        return kind_words(self.bit_depth)


def kind_words(bit_depth: int) -> str:
    """A bit depth in words."""
    return "floating point" if bit_depth == FLOAT else f"{bit_depth} bit"
