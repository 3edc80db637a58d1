"""Landmarks from heatmaps: the peak of each, and the distance between those of two images.

Heatmaps as in Super-FAN (Bulat & Tzimiropoulos 2018); coordinates by soft-argmax (Sun et al. 2018,
"integral regression").
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss._options import Reduced
from ssimloss._precision import computing_dtype, full_precision, native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.measure import Measure

Compared = Literal["heatmaps", "coordinates"]
COMPARED: tuple[str, ...] = get_args(Compared)


@keywords()
@full_precision
def soft_argmax(heatmaps: Tensor, *, sharpness: float = 50.0) -> Tensor:
    """The peak of each heatmap, differentiable: the mean position under
    ``softmax(sharpness * heatmap)``.

    Args:
        heatmaps: ``(N, K, H, W)``, one map per landmark.
        sharpness: in units of 1 / heatmap. Larger values are nearer to the exact peak. Large maps
            with a peak of 1 need values of 10 to 100.

    Returns:
        ``(N, K, 2)``: ``x`` and ``y`` as fractions of the width and the height; the centre of
        position ``i`` is ``(i + 1/2) / W``. At least float32.

    Raises:
        ValueError: the heatmaps do not have four dimensions, or the sharpness is not positive.
        TypeError: integer tensors.
    """
    _checks.maps("heatmaps", heatmaps)
    _checks.positive("sharpness", sharpness)
    values = heatmaps.to(computing_dtype(heatmaps))
    height, width = values.shape[2:]
    weight = torch.softmax(values.flatten(2) * sharpness, 2).view(values.shape)
    x, y = (
        (torch.arange(side, device=values.device, dtype=values.dtype) + 0.5) / side
        for side in (width, height)
    )
    return torch.stack([(weight.sum(2) * x).sum(2), (weight.sum(3) * y).sum(2)], 2)


class HeatmapOptions(Reduced):
    """Options of the distance between landmarks.

    Args:
        compare: ``"heatmaps"`` is the squared difference, averaged over positions.
            ``"coordinates"`` is the squared distance between the :func:`soft_argmax` of both, where
            each side of a map has length 1.
        sharpness: sharpness of the soft-argmax.
        reduction: ``"mean"`` and ``"sum"`` over landmarks and images, ``"image"`` or ``"none"``.
    """

    compare: Compared = "heatmaps"
    sharpness: float = 50.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("compare", self.compare, COMPARED)
        _checks.positive("sharpness", self.sharpness)


def _heatmap(pred_heatmaps: Tensor, target_heatmaps: Tensor, options: HeatmapOptions) -> Scores:
    """Squared distance between landmarks: between their heatmaps, or between the peaks.

    Args:
        pred_heatmaps, target_heatmaps: ``(N, K, H, W)``, one map per landmark.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, K)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, the sharpness is not positive, or an option value is
            unknown.
        TypeError: integer tensors.

    Source: Bulat & Tzimiropoulos 2018, eq. 3, with a mean over positions instead of a sum.
    """
    _checks.maps("pred_heatmaps", pred_heatmaps)
    _checks.maps("target_heatmaps", target_heatmaps)
    _checks.same_shape("target_heatmaps", target_heatmaps, "pred_heatmaps", pred_heatmaps)
    dtype = native_dtype(pred_heatmaps, target_heatmaps)
    pred, target = promote(pred_heatmaps, target_heatmaps)
    if options.compare == "coordinates":
        x, y = (soft_argmax(maps, sharpness=options.sharpness) for maps in (pred, target))
        squared = (x - y).square().sum(2)
    else:
        squared = (pred - target).square().mean((2, 3))
    return Scores(squared, dtype=dtype)


HEATMAP = Measure(
    "heatmap",
    "distance of landmarks",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Bulat & Tzimiropoulos 2018",
    _heatmap,
    HeatmapOptions,
    role="loss",
)
heatmap_loss = HEATMAP.loss
