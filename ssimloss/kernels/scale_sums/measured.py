"""The options of ``scale_sums``, which compares two planes, such as a distorted one and its
reference.
"""

from typing import Literal, NamedTuple

from ssimloss.filters import Padding

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
LENGTHS = (17, 9, 5, 3)  # of VIF's windows
# Rows and columns that an image needs, so that something is left at the coarsest scale.
LEAST_SIDE: dict[SumKind, int] = {
    "information": 16,
    "shared_information": 41,
    "detail": 16,
    "change": 16,
}
# How many numbers are windows, and how many come after them; None: any.
_COUNTS: dict[SumKind, tuple[int | None, int]] = {
    "information": (sum(LENGTHS), 0),
    "shared_information": (sum(LENGTHS), 3),
    "detail": (0, 3 * SCALES + 1),
    "change": (None, 0),
}


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

    @property
    def padding(self) -> Padding:
        """The border of the windows."""
        return "valid" if self.kind == "shared_information" else "reflect"

    def parts(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The windows, and the other numbers.

        Raises:
            ValueError: there are more or fewer numbers than kernels read.
        """
        windows, others = _COUNTS[self.kind]
        if windows is None:
            windows = len(self.numbers)
        if len(self.numbers) != windows + others:
            raise ValueError(
                f"numbers of kind {self.kind!r} must be {windows + others}, got {len(self.numbers)}"
            )
        return self.numbers[:windows], self.numbers[windows:]
