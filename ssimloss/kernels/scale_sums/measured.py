"""What is measured of two planes, such as a distorted one and its reference: numbers and words."""

from typing import Literal, NamedTuple

SumKind = Literal["information", "detail", "change"]
SCALES = 4
# Shape of the sums of one plane.
SHAPES: dict[str, tuple[int, ...]] = {
    "information": (SCALES, 2),
    "detail": (SCALES, 2, 3),
    "change": (1,),
}
WITHOUT_GRADIENT = ("change",)
LEAST = 16  # rows and columns that the coarsest scale needs


class Measured(NamedTuple):
    """The fields are the options of the operators, in their order."""

    kind: SumKind
    limit: float  # of the gain
    # "information": the windows of the scales, one after the other. "detail": the weights of the
    # bands H, V and D of each scale, then the squared cosine between bands of other contrast.
    # "change": a symmetric window.
    numbers: tuple[float, ...]
