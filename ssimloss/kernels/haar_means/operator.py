"""The weighted mean over each image of ``(1 - t) / (exp(-alpha) + t)``, ``t = exp(-alpha d)``, with
the dissimilarities ``d`` of Haar coefficients of planes ``(N, 1 or 3, H, W)``, as ``(N, 1)``, and
the gradients.
"""

from torch import Tensor

from ssimloss.kernels.autograd import Equation, means
from ssimloss.kernels.haar_means import cpu
from ssimloss.kernels.haar_means.haar import Haar
from ssimloss.kernels.reducing import operator

MOST = 40  # exp(-alpha) and its square are normal numbers in float32


def haar_means(x: Tensor, y: Tensor, haar: Haar, *, backend: str, equation: Equation) -> Tensor:
    """The means ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: luma, or luma, I and Q, ``(N, 1 or 3, H, W)`` of one shape on one device.
        backend: one of ``HAAR_MEANS``.
        equation: the same means in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (haar,), backend, equation)


def _check(x: Tensor, haar: Haar) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"x must be (N, 1 or 3, H, W), got {tuple(x.shape)}")
    if not (haar.c > 0 and 0 < haar.alpha <= MOST):
        raise ValueError(
            f"c must be positive and alpha in (0, {MOST}], got {haar.c} and {haar.alpha}"
        )


HAAR_MEANS, _PRIMITIVE = operator(
    "haar_means",
    "float c, float alpha",
    Haar,
    _check,
    cpu.haar_means,
)
