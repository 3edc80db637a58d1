"""Image gradients: neighbour differences, Sobel, Scharr, Prewitt and Laplacian.

They are separable and computed by slices. ``erode`` returns their weights under a mask.

Convolutions are not used, because a 3x3 kernel on single channels is slower than slices on every
device. ``replication_pad2d`` is not used, because its CUDA gradient uses atomics and is not
deterministic.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks

Operator = Literal["sobel", "scharr", "prewitt"]
OPERATORS: tuple[str, ...] = get_args(Operator)
Padding = Literal["replicate", "valid"]
PADDINGS: tuple[str, ...] = get_args(Padding)

SMOOTHING: dict[str, tuple[int, int, int]] = {
    "sobel": (1, 2, 1),
    "scharr": (3, 10, 3),
    "prewitt": (1, 1, 1),
}
# The result of an operator for a ramp of 1 per pixel.
UNIT_RAMP: dict[str, int] = {"sobel": 8, "scharr": 32, "prewitt": 6}


def image_gradients(
    image: Tensor, operator: Operator = "sobel", padding: Padding = "replicate"
) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical gradient ``(dx, dy)`` of each channel with the published taps.

    ``dx`` is the difference ``[-1, 0, 1]`` along a row, smoothed down the columns by ``[1, 2, 1]``
    (Sobel), ``[3, 10, 3]`` (Scharr) or ``[1, 1, 1]`` (Prewitt); it is positive where the image
    brightens to the right. ``dy`` is its transpose, positive where the image brightens downwards.

    Args:
        image: ``(..., H, W)``, any floating dtype; computed in that dtype.
        operator: ``"sobel"``, ``"scharr"`` or ``"prewitt"``. For a ramp of 1 per pixel, the result
            is ``UNIT_RAMP[operator]``: 8, 32 and 6.
        padding: ``"replicate"`` repeats the border pixel and returns maps ``(..., H, W)``;
            ``"valid"`` returns ``(..., H-2, W-2)``.

    Raises:
        ValueError: unknown ``operator`` or ``padding``.

    Source: Sobel & Feldman 1968; Scharr 2000; Prewitt 1970. Agrees with ``scipy.ndimage.sobel`` and
    ``scipy.ndimage.prewitt`` (``mode="nearest"``) and, divided by 8, with kornia's
    ``spatial_gradient`` to float64 rounding.
    """
    _checks.choice("operator", operator, OPERATORS)
    _checks.choice("padding", padding, PADDINGS)
    if padding == "replicate":
        image = _replicate(image)
    side, middle, _ = SMOOTHING[operator]
    dx = (
        image[..., 2:] - image[..., :-2]
    )  # (..., H+2, W): differences first, which is exact for neighbours within a factor of 2
    dy = image[..., 2:, :] - image[..., :-2, :]  # (..., H, W+2)
    dx = side * (dx[..., :-2, :] + dx[..., 2:, :]) + middle * dx[..., 1:-1, :]
    dy = side * (dy[..., :-2] + dy[..., 2:]) + middle * dy[..., 1:-1]
    return dx, dy


def laplacian(image: Tensor, padding: Padding = "replicate") -> Tensor:
    """Laplacian of the four neighbours, kernel ``[[0, 1, 0], [1, -4, 1], [0, 1, 0]]``: the sum of
    the two second differences.

    Args:
        image: ``(..., H, W)``, any floating dtype; computed in that dtype.
        padding: ``"replicate"`` repeats the border pixel and returns ``(..., H, W)``; ``"valid"``
            returns ``(..., H-2, W-2)``.

    Raises:
        ValueError: unknown ``padding``.

    Agrees with ``scipy.ndimage.laplace(mode="nearest")`` to float64 rounding.
    """
    _checks.choice("padding", padding, PADDINGS)
    if padding == "replicate":
        image = _replicate(image)
    middle = image[..., 1:-1, 1:-1]
    horizontal = (image[..., 1:-1, 2:] - middle) + (image[..., 1:-1, :-2] - middle)
    vertical = (image[..., 2:, 1:-1] - middle) + (image[..., :-2, 1:-1] - middle)
    return horizontal + vertical


def forward_differences(image: Tensor, axes: int = 2) -> tuple[Tensor, ...]:
    """Differences of each pixel's right and lower neighbour and the pixel: ``(..., H, W-1)`` and
    ``(..., H-1, W)``. In general along the last ``axes`` dimensions, beginning with the last.
    """
    return tuple(after - before for after, before in neighbours(image, axes))


def forward_weights(mask: Tensor, axes: int = 2) -> tuple[Tensor, ...]:
    """Weights of :func:`forward_differences`: the product of both pixels' weights, so that a
    difference counts only if both are valid.
    """
    return tuple(after * before for after, before in neighbours(mask, axes))


def neighbours(image: Tensor, axes: int) -> list[tuple[Tensor, Tensor]]:
    """The image without its first and without its last row, along each axis, from the last one."""
    turned = [image.movedim(-1 - i, -1) for i in range(axes)]
    return [
        (each[..., 1:].movedim(-1, -1 - i), each[..., :-1].movedim(-1, -1 - i))
        for i, each in enumerate(turned)
    ]


def erode(mask: Tensor) -> Tensor:
    """Weights of 3x3 operators with a replicated border: the smallest weight among the pixels of
    the operator, with the same shape.
    """
    mask = _replicate(mask)
    mask = torch.minimum(torch.minimum(mask[..., 2:], mask[..., :-2]), mask[..., 1:-1])
    return torch.minimum(torch.minimum(mask[..., 2:, :], mask[..., :-2, :]), mask[..., 1:-1, :])


def _replicate(image: Tensor) -> Tensor:
    """Pad each side by a copy of the border: ``(..., H+2, W+2)``."""
    image = torch.cat((image[..., :1], image, image[..., -1:]), -1)
    return torch.cat((image[..., :1, :], image, image[..., -1:, :]), -2)
