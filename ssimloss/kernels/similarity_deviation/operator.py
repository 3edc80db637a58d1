"""The mean deviation ``mean |z - mean(z)|`` of the fourth root ``z`` of the similarity of gradients
and colours of planes ``(N, 3, H, W)``, as ``(N, 1)``, and the gradients.
"""

from torch import Tensor

from ssimloss.kernels.autograd import Equation, means
from ssimloss.kernels.reducing import operator
from ssimloss.kernels.similarity_deviation import cpu
from ssimloss.kernels.similarity_deviation.similarity import SimilarityOptions


def similarity_deviation(
    x: Tensor, y: Tensor, options: SimilarityOptions, *, backend: str, equation: Equation
) -> Tensor:
    """The deviations ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: luma and two colour planes, ``(N, 3, H, W)`` of one shape on one device.
        backend: one of ``SIMILARITY_DEVIATION``.
        equation: the same deviations in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (options,), backend, equation)


def _check(x: Tensor, options: SimilarityOptions) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] != 3:
        raise ValueError(f"x must be (N, 3, H, W), got {tuple(x.shape)}")
    constants = options.constants
    if len(constants) != 3 or not all(c > 0 for c in constants):
        raise ValueError(f"constants must be three positive numbers, got {constants}")


SIMILARITY_DEVIATION, _PRIMITIVE = operator(
    "similarity_deviation",
    "float alpha, float[] constants",
    SimilarityOptions,
    _check,
    cpu.similarity_deviation,
)
