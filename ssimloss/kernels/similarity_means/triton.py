"""The Triton kernel's ``similarity_means``."""

from torch import Tensor

from ssimloss.kernels.autograd import Found
from ssimloss.kernels.comparison import Comparison, Mixed
from ssimloss.kernels.triton_launch import empty_gradients, launch


def similarity_means(
    x: Tensor, y: Tensor, comparison: Comparison, mixed: Mixed, want_x: bool, want_y: bool
) -> Found:
    """Means ``(N, C)`` of images that are not empty, and the gradients that are wanted; all
    float32.
    """
    h, w = x.shape[2:]
    map_h, map_w = comparison.map_size(h, w)
    gradients = empty_gradients(x, y, want_x, want_y)
    partials = launch(
        x,
        y,
        gradients,
        comparison,
        mixed._replace(
            similarity_weight=mixed.similarity_weight / (map_h * map_w),
            pixel_weight=mixed.pixel_weight / (h * w),
        ),
        columns=map_w if mixed.pixel == "none" and not want_x and not want_y else w,
    )
    return partials.sum(-1), *gradients
