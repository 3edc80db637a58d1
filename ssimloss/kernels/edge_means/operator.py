"""Responses of a small filter to ``x`` and ``y``, ``(N, C, H, W)``, as a number per plane
``(N, C)``, and the gradients.
"""

from torch import Tensor

from ssimloss import _checks
from ssimloss.kernels.autograd import Equation, means
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
from ssimloss.kernels.reducing import operator


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


def _check(_x: Tensor, edges: Edges) -> None:
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


EDGE_MEANS, _PRIMITIVE = operator(
    "edge_means", OPTIONS, Edges, _check, cpu.edge_means, per_plane=True
)
