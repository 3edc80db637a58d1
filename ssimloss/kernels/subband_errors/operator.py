"""One minus the similarity of the local contrast of DCT subbands at their worst positions,
``(N, 1)``, and the gradients.
"""

from torch import Tensor

from ssimloss.kernels.autograd import Equation, means
from ssimloss.kernels.reducing import operator
from ssimloss.kernels.subband_errors import cpu
from ssimloss.kernels.subband_errors.subbands import Subbands


def subband_errors(
    x: Tensor, y: Tensor, subbands: Subbands, *, backend: str, equation: Equation
) -> Tensor:
    """The errors ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device, at least 8 pixels on each side.
        backend: one of ``SUBBAND_ERRORS``.
        equation: the same errors in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (subbands,), backend, equation)


def _check(x: Tensor, subbands: Subbands) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got {tuple(x.shape)}")
    counts = {"weights": 64, "window": 3, "channels": x.shape[1], "constants": 3}
    for (name, expected), numbers in zip(counts.items(), subbands[:4], strict=True):
        if len(numbers) != expected:
            raise ValueError(f"{name} must have {expected} numbers, got {len(numbers)}")
    if not subbands.weights[0] > 0:
        raise ValueError(f"the first weight must be positive, got {subbands.weights[0]}")
    positions = (x.shape[2] // cpu.SIDE) * (x.shape[3] // cpu.SIDE)
    if positions and not 1 <= subbands.worst <= positions:
        raise ValueError(f"worst must be from 1 to {positions}, got {subbands.worst}")
    if not subbands.span > 0:
        raise ValueError(f"span must be positive, got {subbands.span}")


SUBBAND_ERRORS, _PRIMITIVE = operator(
    "subband_errors",
    "float[] weights, float[] window, float[] channels, float[] constants, int worst, float low, "
    "float span",
    Subbands,
    _check,
    cpu.subband_errors,
)
