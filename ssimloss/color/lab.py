"""CIELAB and Oklab: colour spaces in which distances approximate perceived differences."""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._precision import computing_dtype
from ssimloss._roots import cube_root
from ssimloss.color.channels import check_image, linear_light, weigh

# Linear RGB of ITU-R BT.709 to X, Y, Z divided by the white point D65, as in IEC 61966-2-1.
_WHITE = (0.95047, 1.0, 1.08883)
_XYZ = (
    (0.412453 / _WHITE[0], 0.357580 / _WHITE[0], 0.180423 / _WHITE[0]),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / _WHITE[2], 0.119193 / _WHITE[2], 0.950227 / _WHITE[2]),
)

# Linear RGB to responses of cones, and their cube roots to L, a, b (Ottosson 2020).
_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_OKLAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
# The curve of CIELAB: a cube root, and for small t the line m t + n. With the rounded constants of
# scikit-image, and without rounding.
LabCurve = tuple[float, float, float]  # the largest t of the line, m, n
LAB_ROUNDED: LabCurve = (0.008856, 7.787, 16 / 116)
LAB_EXACT: LabCurve = ((6 / 29) ** 3, (29 / 6) ** 2 / 3, 4 / 29)


@keywords()
def rgb_to_lab(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """Gamma-coded sRGB to CIELAB under D65: L from 0 to 100, a and b from about -108 to 99.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``; other values are converted
            by the same formulas.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        ``(N, 3, H, W)`` in the dtype of ``image``.

    Raises:
        ValueError: there are not three channels.
        TypeError: integer tensors.

    Source: IEC 61966-2-1, CIE 15. Agrees with scikit-image's ``rgb2lab`` to float64 rounding.
    """
    lo, span = _checks.data_range(data_range)
    check_image(image, "three channels (R, G, B)", data_range)
    return lab_of((image.to(computing_dtype(image)) - lo) / span).to(image.dtype)


@keywords()
def rgb_to_oklab(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """Gamma-coded sRGB to Oklab: L from 0 to 1, a and b from about -0.31 to 0.28.

    The derivative of the cube root is infinite at 0. Below a response of 1e-4, the derivative at
    1e-4 is used, so that black has a finite gradient.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``; other values are converted
            by the same formulas.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        ``(N, 3, H, W)`` in the dtype of ``image``.

    Raises:
        ValueError: there are not three channels.
        TypeError: integer tensors.

    Source: Ottosson 2020, with its matrices from linear sRGB.
    """
    lo, span = _checks.data_range(data_range)
    check_image(image, "three channels (R, G, B)", data_range)
    return oklab_of((image.to(computing_dtype(image)) - lo) / span).to(image.dtype)


def lab_of(image: Tensor) -> Tensor:
    """``L, a, b`` from sRGB in [0, 1], without checks."""
    linear = linear_light(image)
    return lab_of_xyz(torch.cat([weigh(linear, row) for row in _XYZ], 1), LAB_ROUNDED)


def lab_of_xyz(xyz: Tensor, curve: LabCurve) -> Tensor:
    """``L, a, b`` from ``X, Y, Z`` divided by those of the white point, ``(N, 3, H, W)``."""
    f = lab_curve(xyz, curve)
    f_x, f_y, f_z = f[:, 0:1], f[:, 1:2], f[:, 2:3]
    return torch.cat((116 * f_y - 16, 500 * (f_x - f_y), 200 * (f_y - f_z)), 1)


def lab_curve(t: Tensor, curve: LabCurve) -> Tensor:
    """The curve of CIELAB: a cube root, and a line for ``t`` near 0 and below."""
    knee, m, n = curve
    dark = t <= knee
    return torch.where(dark, m * t + n, torch.where(dark, 1, t) ** (1 / 3))


def oklab_of(image: Tensor) -> Tensor:
    """``L, a, b`` in Oklab from sRGB in [0, 1], without checks."""
    linear = linear_light(image)
    roots = cube_root(torch.cat([weigh(linear, row) for row in _CONES], 1))
    return torch.cat([weigh(roots, row) for row in _OKLAB], 1)
