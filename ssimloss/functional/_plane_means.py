"""The mean SSIM or contrast-structure of every plane, with a gradient computed from seven filtered
maps and without a stored graph.

The symbols are those of ``_moments``; ``var_x`` and ``var_y`` only occur as their sum, so four maps
are filtered forward: ``s = x + y``, ``d = x - y`` and their squares. With S the map whose mean is
taken and W the transpose of V, the derivatives of the mean with respect to x and y are, up to 1
over the number of positions::

    W(dS/dV(s) + dS/dV(d)) + 2 s W(dS/dV(s^2)) + 2 d W(dS/dV(d^2))
    W(dS/dV(s) - dS/dV(d)) + 2 s W(dS/dV(s^2)) - 2 d W(dS/dV(d^2))

Both images use the last two filtered maps. The result is one number per plane, so the forward pass
knows the gradient up to one factor per plane. It computes the gradient for a few planes or rows at
a time in reused buffers, and backward scales it. For a second derivative, backward differentiates
the plain equation instead.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss._precision import autocast_off
from ssimloss._torch import dispatches, is_batched_or_dual
from ssimloss.filters import blur_transposed
from ssimloss.functional._moments import local_statistics, offset_of, similarity_of
from ssimloss.kernels import Part

# Elements of a map per step. On a CPU, about 15 such maps should stay in the cache; elsewhere, a
# launch costs more than its memory traffic.
_CHUNK_CPU = 1 << 17
_CHUNK_ELSEWHERE = 1 << 24


def plane_means(
    x: Tensor, y: Tensor, window: Tensor, *, c1: float, c2: float, sample_factor: float, part: Part
) -> Tensor:
    """Mean of the similarity map of each plane, without borders.

    Args:
        x, y: ``(N, C, H, W)`` of one dtype, float32 or float64, at least as large as the window.
        window: 1-D, with unit sum.
        c1, c2: the stabilising constants ``(k L)^2``.
        sample_factor: factor of variances and covariance; 1 for population statistics.
        part: ``"ssim"`` or ``"contrast_structure"``.

    Returns:
        ``(N, C)``.
    """
    # The compiler fuses the plain equation and derives its gradient; ``_PlaneMeans`` has neither a
    # rule for torch.vmap nor a forward-mode derivative. Tensors whose class dispatches operations
    # cannot be written into buffers of another class.
    plain = torch.compiler.is_compiling() or is_batched_or_dual(x, y)
    if plain or dispatches(x, y, fake=dispatches(x) is not dispatches(y)):
        return _plain(x, y, window, c1, c2, sample_factor, part)
    wants = tuple(torch.is_grad_enabled() and image.requires_grad for image in (x, y))
    means: Tensor = _PlaneMeans.apply(x, y, window, c1, c2, sample_factor, part, *wants)[0]
    return means


def _plain(
    x: Tensor, y: Tensor, window: Tensor, c1: float, c2: float, sample_factor: float, part: Part
) -> Tensor:
    """The same numbers, for automatic differentiation."""
    statistics = local_statistics(x, y, window, sample_factor, None)
    return similarity_of(statistics, c1, c2, part).mean((2, 3))


class _PlaneMeans(torch.autograd.Function):
    @staticmethod
    def forward(
        x: Tensor,
        y: Tensor,
        window: Tensor,
        c1: float,
        c2: float,
        sample_factor: float,
        part: Part,
        want_x: bool,
        want_y: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Means ``(N, C)`` and the requested gradients, with the shape of the images."""
        n, c, h, w = x.shape
        planes_x, planes_y = x.reshape(-1, h, w), y.reshape(-1, h, w)
        means = x.new_zeros(n * c)
        grad_x = torch.zeros_like(planes_x) if want_x else None
        grad_y = torch.zeros_like(planes_y) if want_y else None
        overlap = window.numel() - 1
        positions = (h - overlap) * (w - overlap)
        chunk = _CHUNK_CPU if x.device.type == "cpu" else _CHUNK_ELSEWHERE
        planes = max(1, chunk // max(1, h * w))
        rows = max(
            4 * overlap, chunk // max(1, w) - overlap, 1
        )  # of the map; neighbouring bands share ``overlap`` rows of the image
        for first in range(0, n * c, planes):
            for top in range(0, h - overlap, rows):
                some = (slice(first, first + planes), slice(top, top + rows + overlap))
                means[some[0]] += _chunk(
                    planes_x[some],
                    planes_y[some],
                    window,
                    c1,
                    c2,
                    sample_factor,
                    part,
                    positions,
                    None if grad_x is None else grad_x[some],
                    None if grad_y is None else grad_y[some],
                )
        return (
            means.view(n, c),
            None if grad_x is None else grad_x.view(x.shape),
            None if grad_y is None else grad_y.view(y.shape),
        )

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor | None, Tensor | None]
    ) -> None:
        x, y, window, *ctx.constants, _, _ = inputs
        gradients = output[1:]
        ctx.mark_non_differentiable(*(g for g in gradients if g is not None))
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, y, window, *gradients)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:
        x, y, window, grad_x, grad_y = ctx.saved_tensors
        nothing = (None,) * 7
        if upstream is None:
            return None, None, *nothing
        if torch.is_grad_enabled():  # a graph of this backward is needed
            # Views, so that derivatives stay partial if one image was computed from the other or
            # both are the same tensor.
            pair = x.view_as(x), y.view_as(y)
            with autocast_off(x):
                means = _plain(*pair, window, *ctx.constants)
            # it does not after torch.func.vjp, which has left its level; nothing can be asked of it
            # there
            if means.requires_grad:
                wanted = [
                    image
                    for image, needed in zip(pair, ctx.needs_input_grad, strict=False)
                    if needed
                ]
                found = iter(torch.autograd.grad(means, wanted, upstream, create_graph=True))
                return *(
                    next(found) if needed else None for needed in ctx.needs_input_grad[:2]
                ), *nothing
        factor = upstream[:, :, None, None]
        return (
            None if grad_x is None else grad_x * factor,
            None if grad_y is None else grad_y * factor,
            *nothing,
        )


def _chunk(
    x: Tensor,
    y: Tensor,
    window: Tensor,
    c1: float,
    c2: float,
    u: float,
    part: Part,
    positions: int,
    grad_x: Tensor | None,
    grad_y: Tensor | None,
) -> Tensor:
    """The contribution of planes ``(P, H, W)`` to a mean over ``positions``. Adds its gradients to
    ``grad_x`` and ``grad_y``.

    The arithmetic is in place where possible, because memory traffic is the main cost. Maps are
    ``(P, W', H')``, transposed by the filter.
    """
    p, h, w = x.shape
    # Axis by axis, also below: threads split a sum over both axes only in a batch of one, which
    # would change its rounding.
    offset_x, offset_y = (
        offset_of(image.mean(2, keepdim=True).mean(1, keepdim=True)) for image in (x, y)
    )
    maps = x.new_empty(4, p, h, w)
    x, y = torch.sub(x, offset_x, out=maps[2]), torch.sub(y, offset_y, out=maps[3])
    s, d = torch.add(x, y, out=maps[0]), torch.sub(x, y, out=maps[1])
    torch.mul(s, s, out=maps[2])
    torch.mul(d, d, out=maps[3])
    filtered = blur_transposed(maps.view(-1, h, w), window)
    v_s, v_d, v_ss, v_dd = filtered.view(4, p, *filtered.shape[1:]).unbind()

    var_s, var_d = v_ss.addcmul_(v_s, v_s, value=-1), v_dd.addcmul_(v_d, v_d, value=-1)
    varies, differs = var_s > 0, var_d > 0
    var_s.clamp_(min=0)
    var_d.clamp_(min=0).mul_(u)
    # 1 / (var_x + var_y + C2)
    inverse = var_s.mul_(u).add_(var_d).mul_(0.5).add_(c2).reciprocal_()
    unlike = var_d.mul_(inverse)  # 1 - cs
    cs = 1 - unlike
    if part == "ssim":
        mu_s, mu_d = v_s + (offset_x + offset_y), v_d + (offset_x - offset_y)
        inverse_l = (
            torch.mul(mu_s, mu_s).addcmul_(mu_d, mu_d).mul_(0.5).add_(c1).reciprocal_()
        )  # 1 / (mu_x^2 + mu_y^2 + C1)
        unlike_l = torch.mul(mu_d, mu_d).mul_(inverse_l)
        lum = 1 - unlike_l
        means = (lum * cs).sum(2).sum(1) / positions
    else:
        means = cs.sum(2).sum(1) / positions
    if grad_x is None and grad_y is None:
        return means

    # Derivatives of the mean with respect to V(s^2) and V(d^2), doubled; then to V(s) and V(d),
    # whose sum belongs to x, and whose difference belongs to y.
    per_position = 1 / positions
    to_filter = x.new_empty(2 + (grad_x is not None) + (grad_y is not None), p, *v_s.shape[1:])
    slope = inverse.mul_(u * per_position)
    if part == "ssim":
        slope.mul_(lum)
        inverse_l.mul_(cs).mul_(per_position)
        of_s = mu_s.mul_(unlike_l).mul_(inverse_l)
        of_d = mu_d.mul_(unlike_l.sub_(2)).mul_(inverse_l)
    d_s = torch.mul(slope, unlike, out=to_filter[0])
    d_d = torch.sub(d_s, slope, alpha=2, out=to_filter[1]).mul_(differs)
    d_s.mul_(varies)
    if part == "ssim":
        of_s.addcmul_(v_s, d_s, value=-1)
        of_d.addcmul_(v_d, d_d, value=-1)
    else:
        of_s, of_d = v_s.mul_(d_s).neg_(), v_d.mul_(d_d).neg_()
    if grad_x is not None:
        torch.add(of_s, of_d, out=to_filter[2])
    if grad_y is not None:
        torch.sub(of_s, of_d, out=to_filter[-1])
    spread = blur_transposed(
        to_filter.view(-1, *v_s.shape[1:]), window.flip(0), padding=window.numel() - 1
    )
    spread = spread.view(-1, p, h, w)
    if grad_x is not None:
        grad_x.add_(spread[2]).addcmul_(s, spread[0]).addcmul_(d, spread[1])
    if grad_y is not None:
        grad_y.add_(spread[-1]).addcmul_(s, spread[0]).addcmul_(d, spread[1], value=-1)
    return means
