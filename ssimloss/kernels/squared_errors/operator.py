"""The mean squared error of each pair of images, ``(N,)`` float64, in one pass. Images are first
cropped, scaled to [0, 1], clamped, rounded to 8 bit and converted to luma. Sums are float64. There
is no gradient.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss._torch import is_observed
from ssimloss.kernels import library
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.operators import register_one_by_one
from ssimloss.kernels.prepared_images import Steps, check_steps
from ssimloss.kernels.squared_errors import cpu

SQUARED_ERRORS: Kernels = {"cpu": Kernel(library.why_not_reading, cpu.squared_errors)}

torch.library.define(
    "ssimloss::squared_errors",
    "(Tensor x, Tensor y, float low, float span, bool clamp, bool quantize, bool round, int crop, "
    "float[] weights, str backend) -> Tensor",
)


def squared_errors(x: Tensor, y: Tensor, steps: Steps, *, backend: str) -> Tensor:
    """The means ``(N,)`` in float64; 0 for images without pixels.

    Args:
        x, y: ``(N, C, H, W)`` of one shape and dtype, floating point or uint8, on one device.
        steps: the preparation; ``round`` must be False.
        backend: one of ``SQUARED_ERRORS``.
    """
    if torch.compiler.is_compiling() or is_observed(x, y) or not x.numel():
        found: Tensor = torch.ops.ssimloss.squared_errors(x, y, *steps, backend)
        return found
    return cpu.squared_errors(x, y, steps)


@torch.library.register_fake("ssimloss::squared_errors")
def _empty(x: Tensor, _y: Tensor, *_options: Any) -> Tensor:
    return x.new_empty(x.shape[0], dtype=torch.float64)


@torch.library.impl("ssimloss::squared_errors", "default")
def _squared_errors(x: Tensor, y: Tensor, *options: Any) -> Tensor:
    *given, backend = options
    steps = Steps(*given)
    run = kernel(SQUARED_ERRORS, backend, x, y).run
    check_steps(x, y, steps)
    if steps.round:
        raise ValueError("squared_errors does not support rounded luma; pass round=False")
    if not x.numel():
        nothing: Tensor = _empty(x, y).zero_()
        return nothing
    found: Tensor = run(x, y, steps)
    return found


register_one_by_one("squared_errors")
