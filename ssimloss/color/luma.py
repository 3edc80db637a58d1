"""Luma and YCbCr, each with its matrix and range.

"Y" has several meanings in the literature. Super-resolution papers use BT.601 in studio range, for
which PSNR is 20 log10(255 / 219) = 1.32 dB higher than for the same luma in full range.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._precision import computing_dtype
from ssimloss.color.channels import check_image, weigh

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
YCBCR = tuple((red / 255, green / 255, blue / 255) for red, green, blue in _YCBCR)  # of differences
_YCBCR_ORIGIN = (16.0, 128.0, 128.0)


@keywords()
def luma(image: Tensor, standard: Luma = "bt601_studio", data_range: DataRange = 1.0) -> Tensor:
    """Luma of gamma-coded RGB: ``Y = w_R R + w_G G + w_B B + offset``.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``.
        standard: for R, G, B in [0, 1]:
            ``"bt601_studio"`` ``(65.481 R + 128.553 G + 24.966 B + 16) / 255``, from 16/255 to
            235/255: the Y of super-resolution papers, MATLAB's ``rgb2ycbcr`` and BasicSR;
            ``"bt601"`` ``.299 R + .587 G + .114 B``: Y of YIQ (piq, pyiqa) and JPEG;
            ``"matlab"`` is the same with the digits of MATLAB's ``rgb2gray``,
            ``.298936021293775 .587043074451121 .114020904255103`` (rounded in its manual to
            ``.2989 .5870 .1140``); ``"bt709"`` ``.2126 R + .7152 G + .0722 B``: HDTV.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the luma has the same scale:
            for 255, ``"bt601_studio"`` ranges from 16 to 235. Nothing is clamped or rounded.

    Returns:
        ``(N, 1, H, W)`` in the dtype of ``image``.

    Raises:
        ValueError: there are not three channels, or ``standard`` is unknown. Gray images raise too:
            they are luma in full range, and only the caller knows whether to convert them to
            studio range.
        TypeError: integer tensors.

    Source: ITU-R BT.601-7, BT.709-6. ``"bt601_studio"`` agrees with scikit-image's ``rgb2ycbcr``,
    ``"bt601"`` with kornia's ``rgb_to_y`` and scikit-image's ``rgb2yiq``, to float64 rounding.
    """
    _checks.choice("standard", standard, LUMAS)
    lo, span = _checks.data_range(data_range)
    check_image(image, "three channels (R, G, B)", data_range)
    unit = (image.to(computing_dtype(image)) - lo) / span
    weights, offset = LUMA[standard]
    return (lo + span * (weigh(unit, weights) + offset)).to(image.dtype)


@keywords()
def rgb_to_ycbcr(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """RGB to YCbCr of ITU-R BT.601 in studio range: Y from 16 to 235, Cb and Cr from 16 to 240, all
    divided by 255.

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
    check_image(image, "three channels (R, G, B)", data_range)
    unit = (image.to(computing_dtype(image)) - lo) / span
    codes = [weigh(unit, row) + origin for row, origin in zip(_YCBCR, _YCBCR_ORIGIN, strict=True)]
    return (lo + span / 255 * torch.cat(codes, 1)).to(image.dtype)


@keywords()
def ycbcr_to_rgb(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """The inverse of :func:`rgb_to_ycbcr`, to rounding.

    Args:
        image: float YCbCr ``(N, 3, H, W)`` as returned by :func:`rgb_to_ycbcr` for this
            ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        RGB ``(N, 3, H, W)`` in the dtype of ``image``, not clamped: codes that are no RGB colour
        lie outside ``data_range``.

    Raises:
        ValueError: there are not three channels.
        TypeError: integer tensors.

    Agrees with scikit-image's ``ycbcr2rgb`` to float64 rounding.
    """
    lo, span = _checks.data_range(data_range)
    check_image(image, "three channels (Y, Cb, Cr)", data_range)
    codes = (image.to(computing_dtype(image)) - lo) * (255 / span)
    centred = torch.cat([codes[:, i : i + 1] - origin for i, origin in enumerate(_YCBCR_ORIGIN)], 1)
    rgb = torch.cat([weigh(centred, row) for row in _inverse(_YCBCR)], 1)
    return (lo + span * rgb).to(image.dtype)


def _inverse(m: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    """Inverse of a 3x3 matrix by its cofactors."""

    def cofactor(i: int, j: int) -> float:
        (a, b), (c, d) = (
            (m[(i + k) % 3][(j + 1) % 3], m[(i + k) % 3][(j + 2) % 3]) for k in (1, 2)
        )
        return a * d - b * c

    determinant = sum(m[0][j] * cofactor(0, j) for j in range(3))
    return tuple(tuple(cofactor(j, i) / determinant for j in range(3)) for i in range(3))
