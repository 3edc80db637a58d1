"""The options of ``visible_errors``."""

from typing import NamedTuple


class Visible(NamedTuple):
    """The options of the operator, in its order."""

    # By scale, opponent plane and error: weights of the means of structure, ringing and blur, then
    # of their 4-norms.
    weights: tuple[float, ...]
    low: float = 0.0
    span: float = 1.0

    @property
    def scales(self) -> int:
        """The number of scales."""
        return len(self.weights) // PER_SCALE


PER_SCALE = 18  # three planes with six weights
