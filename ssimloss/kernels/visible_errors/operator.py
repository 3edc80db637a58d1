"""Weighted errors of SSIMULACRA 2 between ``x`` and ``y``, ``(N, 1 or 3, H, W)``, as ``(N, 1)``,
and the gradients.
"""

from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, means
from ssimloss.kernels.reducing import operator
from ssimloss.kernels.visible_errors import cpu
from ssimloss.kernels.visible_errors.visible import PER_SCALE, Visible


def visible_errors(
    x: Tensor, y: Tensor, visible: Visible, *, backend: str, equation: Equation
) -> Tensor:
    """The errors ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, 1 or 3, H, W)`` of one shape on one device.
        backend: one of ``VISIBLE_ERRORS``.
        equation: the same numbers in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (visible,), backend, equation)


def _check(x: Tensor, visible: Visible) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"x must be (N, 1 or 3, H, W), got {tuple(x.shape)}")
    if (
        not visible.scales
        or len(visible.weights) % PER_SCALE
        or visible.scales > library.MAX_SCALES
    ):
        raise ValueError(
            f"weights must be {PER_SCALE} for each of 1 to {library.MAX_SCALES} scales, got "
            f"{len(visible.weights)}"
        )
    if not visible.span > 0:
        raise ValueError(f"span must be positive, got {visible.span}")


VISIBLE_ERRORS, _PRIMITIVE = operator(
    "visible_errors",
    "float[] weights, float low, float span",
    Visible,
    _check,
    cpu.visible_errors,
)
