"""The mean over each image of the colour differences CIEDE2000 of sRGB pixels, ``(N, 1 or 3, H,
W)``, as ``(N, 1)``, and the gradients.
"""

from torch import Tensor

from ssimloss.kernels.autograd import Equation, means
from ssimloss.kernels.color_means import cpu
from ssimloss.kernels.color_means.colors import Colors
from ssimloss.kernels.reducing import operator


def color_means(
    x: Tensor,
    y: Tensor,
    colors: Colors,
    *,
    backend: str,
    equation: Equation,
    slope: float = 1.0,
) -> Tensor:
    """The means ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, 1 or 3, H, W)`` of one shape on one device.
        backend: one of ``COLOR_MEANS``.
        equation: the same means in plain PyTorch.
        slope: see :func:`ssimloss.kernels.autograd.means`.
    """
    return means(x, y, _PRIMITIVE, (colors,), backend, equation, slope)


def _check(x: Tensor, colors: Colors) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"x must be (N, 1 or 3, H, W), got {tuple(x.shape)}")
    if not min(colors[1:]) > 0:
        raise ValueError(f"span and tolerances must be positive, got {colors[1:]}")


COLOR_MEANS, _PRIMITIVE = operator(
    "color_means",
    "float low, float span, float k_l, float k_c, float k_h",
    Colors,
    _check,
    cpu.color_means,
)
