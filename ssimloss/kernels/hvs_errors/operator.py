"""The mean over the blocks of 8 x 8 pixels of each image of squared differences of DCT
coefficients, weighted by the sensitivity of the eye, less what the block masks: ``(N, 1)``, and the
gradients.
"""

from torch import Tensor

from ssimloss.kernels.autograd import Equation, means
from ssimloss.kernels.hvs_errors import cpu
from ssimloss.kernels.hvs_errors.hvs import HVS
from ssimloss.kernels.reducing import operator


def hvs_errors(x: Tensor, y: Tensor, hvs: HVS, *, backend: str, equation: Equation) -> Tensor:
    """The errors ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device, at least 8 pixels on each side.
        backend: one of ``HVS_ERRORS``.
        equation: the same errors in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (hvs,), backend, equation)


def _check(x: Tensor, hvs: HVS) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got {tuple(x.shape)}")
    counts = {"sensitivity": (64,), "masking": (0, 64), "weights": (0, x.shape[1])}
    for (name, expected), numbers in zip(counts.items(), hvs, strict=True):
        if len(numbers) not in expected:
            allowed = " or ".join(map(str, expected))
            raise ValueError(f"{name} must have {allowed} numbers, got {len(numbers)}")


HVS_ERRORS, _PRIMITIVE = operator(
    "hvs_errors",
    "float[] sensitivity, float[] masking, float[] weights",
    HVS,
    _check,
    cpu.hvs_errors,
)
