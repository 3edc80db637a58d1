"""The mean over each image of FLIP of sRGB pixels, ``(N, 1 or 3, H, W)``, as ``(N, 1)``, and the
gradients.
"""

from torch import Tensor

from ssimloss.kernels.autograd import Equation, means
from ssimloss.kernels.flip_means import cpu
from ssimloss.kernels.flip_means.flip import Flip
from ssimloss.kernels.reducing import operator


def flip_means(
    x: Tensor, y: Tensor, flip: Flip, *, backend: str, equation: Equation, slope: float = 1.0
) -> Tensor:
    """The means ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, 1 or 3, H, W)`` of one shape on one device.
        backend: one of ``FLIP_MEANS``.
        equation: the same means in plain PyTorch.
        slope: see :func:`ssimloss.kernels.autograd.means`.
    """
    return means(x, y, _PRIMITIVE, (flip,), backend, equation, slope)


def _check(x: Tensor, flip: Flip) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"x must be (N, 1 or 3, H, W), got {tuple(x.shape)}")
    if not flip.span > 0:
        raise ValueError(f"span must be positive, got {flip.span}")
    found, taps = (len(flip.sensitivity), len(flip.detection)), len(flip.detection) // 3
    if taps % 2 == 0 or found != (8 * taps, 3 * taps):
        raise ValueError(
            "sensitivity and detection must have 8 and 3 numbers for each of an odd number of "
            f"taps, got {found[0]} and {found[1]}"
        )


FLIP_MEANS, _PRIMITIVE = operator(
    "flip_means",
    "float low, float span, float[] sensitivity, float[] detection",
    Flip,
    _check,
    cpu.flip_means,
)
