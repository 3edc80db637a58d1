"""MS-SSIM of each plane, ``(N, C)``, or image, ``(N, 1)``, and its gradients in one call."""

from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    keep,
    means_backward,
    or_nothing,
    register_one_by_one,
)
from ssimloss.kernels.pyramid_scores import cpu
from ssimloss.kernels.pyramid_scores.shapes import Scales

PYRAMID_SCORES: Kernels = {"cpu": Kernel(library.why_not_for, cpu.pyramid_scores)}
_FINEST = "Tensor x, Tensor y, float[] window, float c1, float c2, float low"
_SCALES = "str pooling, float[] weights, str combination, str negative, str channels"

torch.library.define(
    "ssimloss::pyramid_scores",
    f"({_FINEST}, {_SCALES}, {WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
)


def pyramid_scores(
    x: Tensor, y: Tensor, finest: Comparison, scales: Scales, *, backend: str, equation: Equation
) -> Tensor:
    """The scores in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device, large enough for all scales.
        finest: the comparison at the finest scale; its part and padding are not read.
        backend: one of ``PYRAMID_SCORES``.
        equation: the same scores in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (finest, scales), backend, equation)


def _dispatched(
    x: Tensor,
    y: Tensor,
    finest: Comparison,
    scales: Scales,
    want_x: bool,
    want_y: bool,
    _slope: float,
    backend: str = "cpu",
) -> Found:
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.ssimloss.pyramid_scores(
        x, y, finest.window, finest.c1, finest.c2, finest.low, *scales, want_x, want_y, backend
    )
    return found


_PRIMITIVE = Primitive(cpu.pyramid_scores, _dispatched)


@torch.library.register_fake("ssimloss::pyramid_scores")
def _empty(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, channels, want_x, want_y, _backend = options
    scores = x.new_empty(
        (x.shape[0], 1 if channels == "joint" else x.shape[1]), dtype=computing_dtype(x, y)
    )
    return (
        scores,
        scores.new_empty(x.shape if want_x else 0),
        scores.new_empty(x.shape if want_y else 0),
    )


@torch.library.impl("ssimloss::pyramid_scores", "default")
def _pyramid_scores(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    window, c1, c2, low, pooling, weights, *words, want_x, want_y, backend = options
    finest = Comparison(tuple(window), c1, c2, low, "ssim", "valid")
    run = kernel(PYRAMID_SCORES, backend, x, y).run
    if not x.numel():
        nothing: tuple[Tensor, Tensor, Tensor] = _empty(x, y, *options)
        return nothing
    scales = Scales(pooling, tuple(weights), *words)
    found, grad_x, grad_y = run(x, y, finest, scales, want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


torch.library.register_autograd(
    "ssimloss::pyramid_scores", means_backward("pyramid_scores"), setup_context=keep
)
register_one_by_one("pyramid_scores")
