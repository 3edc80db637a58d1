"""The options of ``scale_sums``, which compares two planes, such as a distorted one and its
reference.
"""

from typing import Literal, NamedTuple

SumKind = Literal["information", "shared_information", "detail", "change"]
SCALES = 4
# Shape of the sums of one plane.
SHAPES: dict[str, tuple[int, ...]] = {
    "information": (SCALES, 2),
    "shared_information": (SCALES, 2),
    "detail": (SCALES, 2, 3),
    "change": (1,),
}
WITHOUT_GRADIENT = ("change",)
# Rows and columns of an image that the coarsest scale needs.
LEAST = {"information": 16, "shared_information": 41, "detail": 16, "change": 16}
LENGTHS = (17, 9, 5, 3)  # of VIF's windows


class Measured(NamedTuple):
    """The options of the operators, in their order."""

    kind: SumKind
    limit: float  # of the gain
    # "information", VMAF's VIF: the windows of the scales, one after the other.
    # "shared_information", VIF in the pixel domain: the same, then the noise, the variance of a
    # flat window, and a constant that keeps ratios finite.
    # "detail": the weights of the bands H, V and D of each scale, then the squared cosine between
    # bands that differ in contrast.
    # "change": a symmetric window.
    numbers: tuple[float, ...]
