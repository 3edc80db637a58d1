"""Sums of the responses of small filters: the plain equation, and the call of its kernel."""

from functools import partial

from torch import Tensor
from torch.nn.functional import pad

from ssimloss._precision import promote
from ssimloss._roots import root
from ssimloss.functional._corners import absolute
from ssimloss.functional._distance import charbonnier_curve
from ssimloss.image_gradients import forward_differences, image_gradients, laplacian
from ssimloss.kernels import Backend, Edges, edge_means


def edge_numbers(x: Tensor, y: Tensor, edges: Edges, backend: Backend, slope: float) -> Tensor:
    """Sums ``(N, C)`` by a kernel; ``slope`` is the derivative that each will probably get."""
    equation = partial(edge_sums, edges=edges)
    return edge_means(x, y, edges, backend=backend, equation=equation, slope=slope)


def difference_weights(image: Tensor, mean: bool) -> tuple[float, float]:
    """The factors of sums over differences to the right and to the lower neighbours of a plane: the
    inverse of their numbers for a mean, else 1.
    """
    if not mean:
        return 1.0, 1.0
    height, width = image.shape[2:]
    return 1 / max(height * (width - 1), 1), 1 / max((height - 1) * width, 1)


def edge_sums(x: Tensor, y: Tensor, edges: Edges) -> Tensor:
    """The sums of the kernel ``edge_means`` for each plane, ``(N, C)``, with any curve except
    ``"similarity"``.
    """
    x, y = promote(x, y)
    of_x = _slopes((x - y) * edges.unit if edges.differs else x, edges)
    if edges.curve == "length":
        across, down = of_x
        squares = pad(across.square(), (0, 1)) + pad(down.square(), (0, 0, 0, 1))
        return edges.weights[0] * root(squares).sum((2, 3))
    of_y = _slopes(y, edges) if edges.curve.startswith("strength") else of_x
    total = x.new_zeros(x.shape[:2])
    for p, q, weight in zip(of_x, of_y, edges.weights, strict=False):
        total = total + weight * _curve(p, q, edges).sum((2, 3))
    return total


def _slopes(image: Tensor, edges: Edges) -> tuple[Tensor, ...]:
    if edges.filter == "neighbours":
        return forward_differences(image)
    if edges.filter == "laplacian":
        return (laplacian(image),)
    return image_gradients(image, edges.filter)


def _curve(p: Tensor, q: Tensor, edges: Edges) -> Tensor:
    if edges.curve == "charbonnier":
        return charbonnier_curve(p, edges.numbers[0])
    if edges.curve == "l1":
        return p.abs()
    if edges.curve == "l2":
        return p.square()
    values = absolute(p, q) - absolute(q, p)
    return values.abs() if edges.curve == "strength" else values.square()
