"""The options of ``edge_means``."""

from typing import Literal, NamedTuple, get_args

EdgeFilter = Literal["prewitt", "scharr", "sobel", "laplacian", "neighbours"]
# With the slopes p of x and q of y, each across and down:
#   similarity  1 - ((2 - a) |p| |q| + c) / (|p|^2 + |q|^2 - a |p| |q| + c), numbers (c, a)
#   l1, l2, charbonnier  the distance of each component, numbers (eps, _), weighted
#   length  sqrt(p0^2 + p1^2), times the first weight
#   strength, strength_squared  ||p| - |q|| of each component, or its square, weighted
Curve = Literal["similarity", "l1", "l2", "charbonnier", "length", "strength", "strength_squared"]
Pooling = Literal["sum", "variance", "sample_variance"]
FILTERS: tuple[str, ...] = get_args(EdgeFilter)
CURVES: tuple[str, ...] = get_args(Curve)
POOLINGS: tuple[str, ...] = get_args(Pooling)
BORDERS = ("zeros", "replicate")
COMPARING = ("similarity", "strength", "strength_squared")  # curves that need both images


class Edges(NamedTuple):
    """The options of the operator, in its order.

    ``"neighbours"`` are the differences of each pixel from its right and lower neighbour, or 0
    without a neighbour. Other filters have the taps of :mod:`ssimloss.image_gradients`.
    """

    filter: EdgeFilter
    border: Literal["zeros", "replicate"]
    curve: Curve
    differs: bool = False  # the slopes are those of unit * (x - y)
    unit: float = 1.0
    numbers: tuple[float, float] = (0.0, 0.0)
    weights: tuple[float, float] = (1.0, 1.0)
    pooling: Pooling = "sum"  # "variance" is for curves that compare


OPTIONS = (
    "str filter, str border, str curve, bool differs, float unit, float[] numbers, "
    "float[] weights, str pooling"
)
