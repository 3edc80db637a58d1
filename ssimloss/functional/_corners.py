"""Absolute values and lengths whose gradient at 0 points towards the target.

``|d|`` and ``|z|`` have no derivative at 0. Automatic differentiation uses 0, so that a flat or
black prediction would never change. Any slope up to 1 is a subgradient there. These functions use
the one that points towards the other image.
"""

import torch
from torch import Tensor

from ssimloss._torch import is_forward_mode


def absolute(d: Tensor, towards: Tensor) -> Tensor:
    """``|d|``; its slope at 0 is the sign of ``towards``."""
    return d * torch.where(d == 0, towards, d).detach().sign()


def length(
    x: Tensor, y: Tensor, towards: tuple[Tensor, Tensor], least: Tensor | None = None
) -> Tensor:
    """``sqrt(x^2 + y^2)`` to rounding, even for small numbers. Its gradient at 0 is the unit vector
    ``towards``, or 0 if ``towards`` is 0.

    Lengths below ``least``, which rounding can have made, count as 0, for the gradient and as
    ``towards``.
    """
    found = torch.hypot(x.detach(), y.detach())
    # For smaller numbers, the derivative of hypot multiplies denormal numbers.
    info = torch.finfo(x.dtype)
    normal = info.tiny / info.eps
    bound = normal if least is None else least.clamp(min=normal)
    corner = found < bound
    to_x, to_y = (other.detach() for other in towards)
    other = torch.hypot(to_x, to_y)
    scale = torch.where(other < bound, torch.inf, other)
    along = torch.where(corner, x, 0) * (to_x / scale) + torch.where(corner, y, 0) * (to_y / scale)
    return torch.where(
        corner,
        found + (along - along.detach()),
        torch.hypot(torch.where(corner, 1, x), torch.where(corner, 0, y)),
    )


def modulus(z: Tensor, towards: Tensor, least: Tensor | None = None) -> Tensor:
    """``|z|`` of complex numbers, by :func:`length` if a gradient is needed, which takes longer.

    ``z.abs()`` is not used, because it squares small numbers to 0.
    """
    if not z.requires_grad and not is_forward_mode():
        return torch.hypot(z.real, z.imag)
    return length(z.real, z.imag, (towards.real, towards.imag), least)
