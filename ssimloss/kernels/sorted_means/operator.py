"""``mean_j |x_(j) - y_(j)|^power`` between the sorted values of each plane, ``(N, C)``, and the
gradients: the Wasserstein distance of the planes as distributions, to the power.

NaN is sorted last, and equal values keep their order.
"""

import torch
from torch import Tensor

from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Backend, Kernel, Kernels, kernel
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    means_backward,
    or_nothing,
    register_one_by_one,
)
from ssimloss.kernels.sorted_means import cpu

SORTED_MEANS: Kernels = {"cpu": Kernel(cpu.why_not, cpu.sorted_means)}
POWERS = (1, 2)

torch.library.define(
    "ssimloss::sorted_means",
    f"(Tensor x, Tensor y, int power, {WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
)


def sorted_means(x: Tensor, y: Tensor, power: int, *, backend: str, equation: Equation) -> Tensor:
    """The means ``(N, C)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device.
        power: of the differences, 1 or 2.
        backend: one of ``SORTED_MEANS``.
        equation: the same means in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (power,), backend, equation)


def differentiated(
    x: Tensor,
    y: Tensor,
    power: int,
    want_x: bool,
    want_y: bool,
    equation: Equation,
    backend: Backend,
) -> Found:
    """The means of plain memory and the gradients of their sum, which are None if not wanted; for
    functions that add up gradients themselves.
    """
    if backend == "eager":
        with torch.enable_grad():
            pair = x.detach().requires_grad_(want_x), y.detach().requires_grad_(want_y)
            found = equation(*pair)
            wanted = [values for values in pair if values.requires_grad]
            slopes = iter(torch.autograd.grad(found.sum(), wanted) if wanted else ())
        return found.detach(), next(slopes) if want_x else None, next(slopes) if want_y else None
    result: Found = kernel(SORTED_MEANS, backend, x, y).run(x, y, power, want_x, want_y)
    return result


def _dispatched(
    x: Tensor,
    y: Tensor,
    power: int,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.sorted_means(x, y, power, want_x, want_y, backend)
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.sorted_means, _dispatched)


@torch.library.register_fake("ssimloss::sorted_means")
def _empty(
    x: Tensor, y: Tensor, _power: int, want_x: bool, want_y: bool, _backend: str
) -> tuple[Tensor, Tensor, Tensor]:
    found = x.new_empty(x.shape[:2], dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::sorted_means", "default")
def _sorted_means(
    x: Tensor, y: Tensor, power: int, want_x: bool, want_y: bool, backend: Backend
) -> tuple[Tensor, Tensor, Tensor]:
    if power not in POWERS:
        raise ValueError(f"power must be one of {POWERS}, got {power}")
    run = kernel(SORTED_MEANS, backend, x, y).run
    if not x.numel():
        found, *gradients = _empty(x, y, power, want_x, want_y, backend)
        return found.fill_(torch.nan), *gradients  # the mean of no values
    found, grad_x, grad_y = run(x, y, power, want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


torch.library.register_autograd(
    "ssimloss::sorted_means", means_backward("sorted_means"), setup_context=keep
)
register_one_by_one("sorted_means")
