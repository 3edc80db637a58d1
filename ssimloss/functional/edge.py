"""Distance between edge maps: Sobel, Scharr, Laplacian.

Charbonnier distance of edges as in MPRNet (Zamir et al. 2021).
"""

from typing import Literal, get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype
from ssimloss._reduce import Scores, slope_of
from ssimloss.functional._distance import Distance, check_distance, distance_of
from ssimloss.functional._edges import edge_numbers
from ssimloss.functional._pixel import masked_difference, not_reduced
from ssimloss.image_gradients import UNIT_RAMP, erode, image_gradients, laplacian
from ssimloss.kernels import EDGE_MEANS, Backed, Edges, select
from ssimloss.measure import Measure

EdgeOperator = Literal["sobel", "scharr", "laplacian"]
EDGE_OPERATORS: tuple[str, ...] = get_args(EdgeOperator)


class EdgeOptions(Backed, Reduced):
    """Options of the edge distance.

    Args:
        operator: ``"sobel"``, ``"scharr"`` or ``"laplacian"``.
        distance: ``rho``: ``"charbonnier"`` for ``sqrt(d^2 + eps^2)``, ``"l1"`` for ``|d|``, or
            ``"l2"`` for ``d^2``.
        eps: ``eps`` of Charbonnier, in the images' own units per pixel; the value for equal images
            is ``eps``, not 0.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.
    """

    operator: EdgeOperator = "sobel"
    distance: Distance = "charbonnier"
    eps: float = 1e-3

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("operator", self.operator, EDGE_OPERATORS)
        check_distance(self.distance, self.eps)


def _edge(
    pred: Tensor, target: Tensor, options: EdgeOptions, *, mask: Tensor | None = None
) -> Scores:
    """Distance between edge maps: ``(rho(dx pred - dx target) + rho(dy pred - dy target)) / 2``, or
    ``rho`` of the Laplacians' difference.

    The operators are linear and scaled to derivatives per pixel, so that a loss weight and ``eps``
    have the same meaning for each. A ramp of 1 per pixel has the value 1 for Sobel (kernel / 8) and
    Scharr (kernel / 32). The Laplacian (four neighbours, kernel as published) is the sum of both
    second derivatives. Each channel is filtered separately, and the border is replicated.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        mask: ``(N, 1 or C, H, W)`` weights. The weight of a position is the smallest one in its 3x3
            neighbourhood, so that gradients next to invalid pixels do not count.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images of one pixel, ``eps`` is not positive or its
            square vanishes in float32, unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier distance of edges as in MPRNet (Zamir et al. 2021), which uses the Laplacian
    of a Gaussian pyramid instead. With ``distance="l1"`` and ``"sobel"``, it agrees with the L1
    of kornia's ``spatial_gradient`` to float64 rounding.
    """
    _checks.images(pred, target)
    _checks.long_side(pred, 2, "because a single pixel has no edge")
    _checks.mask(mask, pred)
    dtype = native_dtype(pred, target)
    uncovered = not_reduced(mask, options.reduction)
    backend = select(options.backend, pred, target, EDGE_MEANS, uncovered=uncovered)
    if backend != "eager":
        positions = pred.shape[2] * pred.shape[3]
        slope = slope_of(options.reduction, pred.shape[:2])
        if options.reduction == "sum":
            slope = float(positions)
        numbers = edge_numbers(pred, target, _edges(options, positions), backend, slope)
        return Scores(numbers, None, positions, dtype)
    difference = masked_difference(pred, target, mask)
    if options.operator == "laplacian":
        values = _rho(laplacian(difference), options)
    else:
        dx, dy = image_gradients(difference / UNIT_RAMP[options.operator], options.operator)
        values = (_rho(dx, options) + _rho(dy, options)) / 2
    weight = None if mask is None else erode(mask.to(values.dtype))
    return Scores(values, weight, 1, dtype)


def _edges(options: EdgeOptions, positions: int) -> Edges:
    """The mean over positions, for a kernel."""
    one = 1 / max(positions, 1)
    whole = options.operator == "laplacian"
    return Edges(
        options.operator,
        "replicate",
        options.distance,
        differs=True,
        unit=1.0 if whole else 1 / UNIT_RAMP[options.operator],
        numbers=(options.eps, 0.0),
        weights=(one, 0.0) if whole else (one / 2, one / 2),
    )


def _rho(d: Tensor, options: EdgeOptions) -> Tensor:
    return distance_of(d, options.distance, options.eps)


EDGE = Measure(
    "edge",
    "edge distance",
    "",
    "lower",
    None,
    (0.0, float("inf")),
    "Zamir et al. 2021",
    _edge,
    EdgeOptions,
    formula="mean Charbonnier distance of Sobel gradients of images on a scale of [0, 1]",
    module="EdgeLoss",
    metric="Edge",
    agrees="kornia's gradients: 1e-15",
)
edge = edge_loss = EDGE.loss
