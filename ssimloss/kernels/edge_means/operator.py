"""Responses of a small filter to ``x`` and ``y``, ``(N, C, H, W)``, as a number per plane
``(N, C)``, and the gradients.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.edge_means import cpu
from ssimloss.kernels.edge_means.edges import (
    BORDERS,
    COMPARING,
    CURVES,
    FILTERS,
    OPTIONS,
    POOLINGS,
    Edges,
)
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    means_backward,
    or_nothing,
    register_one_by_one,
)

EDGE_MEANS: Kernels = {"cpu": Kernel(library.why_not_for, cpu.edge_means)}

torch.library.define(
    "ssimloss::edge_means",
    f"(Tensor x, Tensor y, {OPTIONS}, {WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
)


def edge_means(
    x: Tensor, y: Tensor, edges: Edges, *, backend: str, equation: Equation, slope: float = 1.0
) -> Tensor:
    """The numbers ``(N, C)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device. A curve of one image does not read ``y``.
        backend: one of ``EDGE_MEANS``.
        equation: the same numbers in plain PyTorch.
        slope: the derivative with respect to each number that backward will probably get. If it
            does, backward need not scale the gradient.
    """
    return means(x, y, _PRIMITIVE, (edges,), backend, equation, slope)


def _dispatched(
    x: Tensor,
    y: Tensor,
    edges: Edges,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.edge_means(x, y, *edges, want_x, want_y, backend)
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.edge_means, _dispatched)


@torch.library.register_fake("ssimloss::edge_means")
def _empty(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    found = x.new_empty(x.shape[:2], dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::edge_means", "default")
def _edge_means(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    name, border, curve, differs, unit, numbers, weights, pooling, *rest = options
    edges = Edges(name, border, curve, differs, unit, tuple(numbers), tuple(weights), pooling)
    want_x, want_y, backend = rest
    _check(edges, want_y)
    run = kernel(EDGE_MEANS, backend, x, y).run
    if not x.numel():
        found, *gradients = _empty(x, y, *options)
        return found.zero_(), *gradients
    found, grad_x, grad_y = run(x, y, edges, want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


def _check(edges: Edges, want_y: bool) -> None:
    """Raise for options that the kernel does not support."""
    _checks.choice("filter", edges.filter, FILTERS)
    _checks.choice("border", edges.border, BORDERS)
    _checks.choice("curve", edges.curve, CURVES)
    _checks.choice("pooling", edges.pooling, POOLINGS)
    if len(edges.numbers) != 2 or len(edges.weights) != 2:
        raise ValueError(
            "numbers and weights must be pairs, got "
            f"{len(edges.numbers)} and {len(edges.weights)} numbers"
        )
    compares = edges.curve in COMPARING
    if edges.differs and compares:
        raise ValueError(f"curve {edges.curve!r} compares two images; differs must be False")
    if edges.unit != 1 and not edges.differs:
        raise ValueError(
            f"unit must be 1 without differences of two images (differs=False), got {edges.unit}"
        )
    if edges.pooling != "sum" and not compares:
        raise ValueError(
            f"pooling={edges.pooling!r} is for curves that compare two images, {COMPARING}; "
            f"curve {edges.curve!r} needs 'sum'"
        )
    if want_y and not (compares or edges.differs):
        raise ValueError(f"curve {edges.curve!r} of x alone has no gradient for y")


torch.library.register_autograd(
    "ssimloss::edge_means", means_backward("edge_means"), setup_context=keep
)
register_one_by_one("edge_means")
