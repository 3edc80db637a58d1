"""Scores of one image after the other, with the gradient in the forward pass."""

import torch
from torch import Tensor

from ssimloss._references import are_kept
from ssimloss._torch import is_observed
from ssimloss.kernels.autograd import Equation, Found, Primitive, means


def one_by_one(equation: Equation, x: Tensor, y: Tensor) -> Tensor:
    """``equation(x, y)``, one score per image ``(N, 1)``, differentiable any number of times.

    For gradients on a CPU, each image of a batch is computed alone, and its graph is freed before
    the next one. Only the images and their gradients are kept for backward. Compiled and
    transformed calls (``torch.func``) keep what PyTorch keeps.

    Args:
        equation: of images that do not depend on the others of the batch.
        x, y: ``(N, C, H, W)``, not empty.
    """
    if torch.compiler.is_compiling() or is_observed(x, y):
        return equation(x, y)
    return means(x, y, _ONE_BY_ONE, (equation,), "cpu", equation)


def _scores(
    x: Tensor, y: Tensor, equation: Equation, want_x: bool, want_y: bool, slope: float
) -> Found:
    """The scores, and their gradients times ``slope``."""
    alone = (want_x or want_y) and len(x) > 1 and x.device.type == "cpu"
    if not alone or are_kept(y):  # what is kept of a reference is kept of a batch
        return _at_once(x, y, equation, want_x, want_y, slope)
    scores = []
    grad_x = torch.empty_like(x) if want_x else None
    grad_y = torch.empty_like(y) if want_y else None
    for n in range(len(x)):
        own = slice(n, n + 1)
        score, slope_x, slope_y = _at_once(x[own], y[own], equation, want_x, want_y, slope)
        scores.append(score)
        if grad_x is not None and slope_x is not None:
            grad_x[own] = slope_x
        if grad_y is not None and slope_y is not None:
            grad_y[own] = slope_y
    return torch.cat(scores), grad_x, grad_y


def _at_once(
    x: Tensor, y: Tensor, equation: Equation, want_x: bool, want_y: bool, slope: float
) -> Found:
    x, y = x.detach().requires_grad_(want_x), y.detach().requires_grad_(want_y)
    with torch.set_grad_enabled(want_x or want_y):
        scores = equation(x, y)
    asking = [image for image in (x, y) if image.requires_grad]
    upstream = torch.full_like(scores, slope)
    slopes = iter(torch.autograd.grad(scores, asking, upstream) if asking else ())
    return scores.detach(), next(slopes) if want_x else None, next(slopes) if want_y else None


_ONE_BY_ONE = Primitive(_scores, _scores)
