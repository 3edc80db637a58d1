"""Luma and colour transforms, each with its matrix and range.

"Y" has several meanings in the literature. Super-resolution papers use BT.601 in studio range, for
which PSNR is 20 log10(255 / 219) = 1.32 dB higher than for the same luma in full range.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks, _debug
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._precision import computing_dtype

Luma = Literal["bt601_studio", "bt601", "matlab", "bt709"]
LUMAS: tuple[str, ...] = get_args(Luma)

# weights of R, G, B, and offset, for R, G, B in [0, 1]
LUMA: dict[str, tuple[tuple[float, float, float], float]] = {
    "bt601_studio": (
        (65.481 / 255, 128.553 / 255, 24.966 / 255),
        16 / 255,
    ),  # ITU-R BT.601, 8-bit codes 16 to 235
    "bt601": ((0.299, 0.587, 0.114), 0.0),  # ITU-R BT.601 in full range; Y of YIQ, YUV and JPEG
    "matlab": (
        (0.298936021293775, 0.587043074451121, 0.114020904255103),
        0.0,
    ),  # rgb2gray: first row of the inverse NTSC matrix
    "bt709": ((0.2126, 0.7152, 0.0722), 0.0),  # ITU-R BT.709
}

# rows Y, Cb, Cr; columns R, G, B in [0, 1]; ITU-R BT.601 as 8-bit codes, as in MATLAB's rgb2ycbcr
_YCBCR = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
_YCBCR_ORIGIN = (16.0, 128.0, 128.0)


# Linear RGB of ITU-R BT.709 to X, Y, Z over the white D65, as in IEC 61966-2-1.
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
_KNEE = 0.04045  # of sRGB: linear up to it, a power above
_STEEPEST = 1e-4  # responses below it use its derivative of the cube root


@keywords()
def luma(image: Tensor, standard: Luma = "bt601_studio", data_range: DataRange = 1.0) -> Tensor:
    """Luma of gamma-coded RGB: ``Y = w_R R + w_G G + w_B B + offset``.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``.
        standard: for R, G, B in [0, 1]:
            ``"bt601_studio"`` ``(65.481 R + 128.553 G + 24.966 B + 16) / 255``, from 16/255 to
            235/255: the Y of super-resolution papers, MATLAB's ``rgb2ycbcr`` and BasicSR;
            ``"bt601"`` ``.299 R + .587 G + .114 B``: Y of YIQ (piq, pyiqa) and JPEG;
            ``"matlab"`` the same with the digits of MATLAB's ``rgb2gray``,
            ``.298936021293775 .587043074451121 .114020904255103`` (rounded in its manual to
            ``.2989 .5870 .1140``); ``"bt709"`` ``.2126 R + .7152 G + .0722 B``: HDTV.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the luma has the same scale, so
            that ``"bt601_studio"`` goes from 16 to 235 for 255. Nothing is clamped or rounded.

    Returns:
        ``(N, 1, H, W)`` in the dtype of ``image``.

    Raises:
        ValueError: there are not three channels, or ``standard`` is unknown. Gray images raise too:
            they are luma in full range already, and only the caller knows whether they should be
            converted to studio range.
        TypeError: integer tensors.

    Source: ITU-R BT.601-7, BT.709-6. ``"bt601_studio"`` agrees with scikit-image's ``rgb2ycbcr``,
    ``"bt601"`` with kornia's ``rgb_to_y`` and scikit-image's ``rgb2yiq``, to float64 rounding.
    """
    _checks.choice("standard", standard, LUMAS)
    lo, span = _checks.data_range(data_range)
    _check_image(image, "three channels (R, G, B)", data_range)
    unit = (image.to(computing_dtype(image)) - lo) / span
    weights, offset = LUMA[standard]
    return (lo + span * (_weigh(unit, weights) + offset)).to(image.dtype)


@keywords()
def rgb_to_ycbcr(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """RGB to YCbCr of ITU-R BT.601 in studio range: Y from 16 to 235, Cb and Cr from 16 to 240, all
    over 255.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the result is on the same
            scale.

    Returns:
        ``(N, 3, H, W)`` in the dtype of ``image``, not clamped; its first channel is
        ``luma(image, "bt601_studio")``.

    Raises:
        ValueError: there are not three channels.
        TypeError: integer tensors.

    Agrees with scikit-image's ``rgb2ycbcr`` (that of MATLAB) to float64 rounding.
    """
    lo, span = _checks.data_range(data_range)
    _check_image(image, "three channels (R, G, B)", data_range)
    unit = (image.to(computing_dtype(image)) - lo) / span
    codes = [_weigh(unit, row) + origin for row, origin in zip(_YCBCR, _YCBCR_ORIGIN, strict=True)]
    return (lo + span / 255 * torch.cat(codes, 1)).to(image.dtype)


@keywords()
def ycbcr_to_rgb(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """The inverse of :func:`rgb_to_ycbcr`, to rounding.

    Args:
        image: float YCbCr ``(N, 3, H, W)`` as returned by :func:`rgb_to_ycbcr` for this
            ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        RGB ``(N, 3, H, W)`` in the dtype of ``image``, not clamped: codes without a colour are
        outside ``data_range``.

    Raises:
        ValueError: there are not three channels.
        TypeError: integer tensors.

    Agrees with scikit-image's ``ycbcr2rgb`` to float64 rounding.
    """
    lo, span = _checks.data_range(data_range)
    _check_image(image, "three channels (Y, Cb, Cr)", data_range)
    codes = (image.to(computing_dtype(image)) - lo) * (255 / span)
    centred = torch.cat([codes[:, i : i + 1] - origin for i, origin in enumerate(_YCBCR_ORIGIN)], 1)
    rgb = torch.cat([_weigh(centred, row) for row in _inverse(_YCBCR)], 1)
    return (lo + span * rgb).to(image.dtype)


@keywords()
def rgb_to_lab(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """Gamma-coded sRGB to CIELAB under D65: L from 0 to 100, a and b from about -108 to 99.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``; others are converted by the
            same formulas.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        ``(N, 3, H, W)`` in the dtype of ``image``.

    Raises:
        ValueError: there are not three channels.
        TypeError: integer tensors.

    Source: IEC 61966-2-1, CIE 15. Agrees with scikit-image's ``rgb2lab`` to float64 rounding.
    """
    lo, span = _checks.data_range(data_range)
    _check_image(image, "three channels (R, G, B)", data_range)
    return lab_of((image.to(computing_dtype(image)) - lo) / span).to(image.dtype)


@keywords()
def rgb_to_oklab(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """Gamma-coded sRGB to Oklab: L from 0 to 1, a and b from about -0.31 to 0.28.

    The derivative of the cube root is infinite at 0. Below a response of 1e-4, the derivative at
    1e-4 is used, so that black has a finite gradient.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``; others are converted by the
            same formulas.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        ``(N, 3, H, W)`` in the dtype of ``image``.

    Raises:
        ValueError: there are not three channels.
        TypeError: integer tensors.

    Source: Ottosson 2020, with its matrices from linear sRGB.
    """
    lo, span = _checks.data_range(data_range)
    _check_image(image, "three channels (R, G, B)", data_range)
    return oklab_of((image.to(computing_dtype(image)) - lo) / span).to(image.dtype)


def lab_of(image: Tensor) -> Tensor:
    """``L, a, b`` of sRGB in [0, 1], without checks."""
    linear = linear_light(image)
    xyz = torch.cat([_weigh(linear, row) for row in _XYZ], 1)
    dark = xyz <= 0.008856
    f = torch.where(dark, 7.787 * xyz + 16 / 116, torch.where(dark, 1, xyz) ** (1 / 3))
    f_x, f_y, f_z = f[:, 0:1], f[:, 1:2], f[:, 2:3]
    return torch.cat((116 * f_y - 16, 500 * (f_x - f_y), 200 * (f_y - f_z)), 1)


def oklab_of(image: Tensor) -> Tensor:
    """``L, a, b`` of Oklab of sRGB in [0, 1], without checks."""
    linear = linear_light(image)
    roots = _cube_root(torch.cat([_weigh(linear, row) for row in _CONES], 1))
    return torch.cat([_weigh(roots, row) for row in _OKLAB], 1)


def linear_light(encoded: Tensor) -> Tensor:
    """sRGB values, black 0 and white 1, to linear light (IEC 61966-2-1). Both curves continue
    beyond the range.
    """
    power = ((encoded.clamp(min=_KNEE) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= _KNEE, encoded / 12.92, power)


def _cube_root(values: Tensor) -> Tensor:
    """The real cube root, with a bounded derivative near 0."""
    near = values.abs() < _STEEPEST
    fixed = values.detach()
    slope = _STEEPEST ** (-2 / 3) / 3
    inside = fixed.sign() * fixed.abs() ** (1 / 3) + slope * (values - fixed)
    far = torch.where(near, 1, values)
    return torch.where(near, inside, far.sign() * far.abs() ** (1 / 3))


def _weigh(image: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Weighted sum of the channels, ``(N, 1, H, W)``. Weights are Python numbers, because tensors
    would be copied to the device.
    """
    first, second, third = (weight * image[:, i : i + 1] for i, weight in enumerate(weights))
    return first + second + third


def _inverse(m: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    """Inverse of a 3x3 matrix by its cofactors."""

    def cofactor(i: int, j: int) -> float:
        (a, b), (c, d) = (
            (m[(i + k) % 3][(j + 1) % 3], m[(i + k) % 3][(j + 2) % 3]) for k in (1, 2)
        )
        return a * d - b * c

    determinant = sum(m[0][j] * cofactor(0, j) for j in range(3))
    return tuple(tuple(cofactor(j, i) / determinant for j in range(3)) for i in range(3))


def _check_image(image: Tensor, expected: str, data_range: DataRange) -> None:
    _checks.image("image", image)
    channels = image.shape[1]
    if channels == 3:
        if _debug.STATE.enabled:
            _debug.check("color", {"image": image}, data_range=data_range)
        return
    way_out = {
        1: "a gray image is its own luma in full range; use it as it is, or expand it to three "
        "channels with .expand(-1, 3, -1, -1)",
        4: "remove the alpha channel by image[:, :3]",
    }.get(channels, "channels are the second dimension, (N, 3, H, W)")
    raise ValueError(
        f"image must have {expected}, got {channels} in shape {tuple(image.shape)}; {way_out}"
    )
