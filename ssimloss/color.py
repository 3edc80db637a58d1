"""Luma, colour transforms and the encoding of HDR luminance, each with its matrix and range.

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
from ssimloss._roots import cube_root

Luma = Literal["bt601_studio", "bt601", "matlab", "bt709"]
LUMAS: tuple[str, ...] = get_args(Luma)
PU21 = Literal["banding", "banding_glare", "peaks", "peaks_glare"]
PU21S: tuple[str, ...] = get_args(PU21)

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
# p1 to p7 of PU21, as the authors' program has them.
_PU21: dict[str, tuple[float, ...]] = {
    "banding": (
        1.070275272,
        0.4088273932,
        0.153224308,
        0.2520326168,
        1.063512885,
        1.14115047,
        521.4527484,
    ),
    "banding_glare": (
        0.353487901,
        0.3734658629,
        8.277049286e-05,
        0.9062562627,
        0.09150303166,
        0.9099517204,
        596.3148142,
    ),
    "peaks": (
        1.043882782,
        0.6459495343,
        0.3194584211,
        0.374025247,
        1.114783422,
        1.095360363,
        384.9217577,
    ),
    "peaks_glare": (
        816.885024,
        1479.463946,
        0.001253215609,
        0.9329636822,
        0.06746643971,
        1.573435413,
        419.6006374,
    ),
}
_DARKEST, _BRIGHTEST = 0.005, 10000.0  # cd/m^2 that PU21 is defined for
# The same with the digits of HSLuv, not divided by the white, and u', v' of its white.
_HSLUV_XYZ = (
    (0.41239079926595, 0.35758433938387, 0.18048078840183),
    (0.21263900587151, 0.71516867876775, 0.072192315360733),
    (0.019330818715591, 0.11919477979462, 0.95053215224966),
)
_LUV_WHITE = (0.19783000664283, 0.46831999493879)
# Weights of linear RGB in g = (X + 15 Y + 3 Z) v_white / 9, which is Y at gray, and in the
# numerators of u' and v' less those of white. The latter have the sum 0, so that they are exact for
# gray if they weigh differences of channels.
_LUV_Y = _HSLUV_XYZ[1]
_LUV_SUM = tuple(x + 15 * y + 3 * z for x, y, z in zip(*_HSLUV_XYZ, strict=True))
_LUV_G = tuple(_LUV_WHITE[1] / 9 * total for total in _LUV_SUM)
_LUV_G_LESS_Y = tuple(g - y for g, y in zip(_LUV_G, _LUV_Y, strict=True))
_LUV_U = tuple(
    4 * x - _LUV_WHITE[0] * total for x, total in zip(_HSLUV_XYZ[0], _LUV_SUM, strict=True)
)
_LUV_V = tuple(-9 * difference for difference in _LUV_G_LESS_Y)
_LUV_SLOPE = 9.032962962  # of L / 100 up to Y = 0.0088564516
_NO_LIGHT = 1e-10  # linear light, below which nothing has a colour
_KNEE = 0.04045  # of sRGB: a line up to it, a power above
# The curve of CIELAB: a cube root, and up to a small t the line m t + n. In the rounded digits that
# scikit-image has, and without rounding.
LabCurve = tuple[float, float, float]  # the largest t of the line, m, n
LAB_ROUNDED: LabCurve = (0.008856, 7.787, 16 / 116)
LAB_EXACT: LabCurve = ((6 / 29) ** 3, (29 / 6) ** 2 / 3, 4 / 29)


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


@keywords()
def pu21_encode(image: Tensor, *, variant: PU21 = "banding_glare") -> Tensor:
    """PU21: absolute linear luminance or RGB to values that look equally spaced.

    ``V = p7 (((p1 + p2 Y^p4) / (1 + p3 Y^p4))^p5 - p6)``. Encode both images of high dynamic range,
    then compare them with any measure and ``data_range=256``: 100 cd/m^2, the white of a standard
    display, has a code near 256, and brighter pixels have larger codes.

    ``Y`` is clamped to 0.005 ... 10000 cd/m^2. Values beyond have the gradient of the nearer end
    instead of none, so that a pixel that a network drives below black or beyond the peak returns.

    Args:
        image: float ``(N, C, H, W)`` in cd/m^2: luminance, or linear RGB whose white (L, L, L) has
            the luminance L. Relative values must be scaled to those of a display first.
        variant: ``"banding_glare"``, which the authors recommend; ``"banding"`` without the glare
            of the eye; ``"peaks"`` and ``"peaks_glare"`` from the peaks of contrast sensitivity.

    Returns:
        ``(N, C, H, W)`` in float32 or wider: from 0 to 595 for ``"banding_glare"``, to 520, 381 and
        408 for ``"banding"``, ``"peaks"`` and ``"peaks_glare"``.

    Raises:
        ValueError: unknown ``variant``.
        TypeError: integer tensors.

    Source: Mantiuk & Azimi 2021, with the parameters of the authors' program.
    """
    _checks.choice("variant", variant, PU21S)
    _checks.image("image", image)
    if _debug.STATE.enabled:
        _debug.check("pu21_encode", {"image": image})
    p1, p2, p3, p4, p5, p6, p7 = _PU21[variant]
    wide = image.to(computing_dtype(image))
    finite = torch.where(wide.isinf(), 0, wide)
    step = finite - finite.detach()  # 0, with the gradient that a clamp stops
    power = (wide.detach().clamp(_DARKEST, _BRIGHTEST) + step) ** p4
    return p7 * (((p1 + p2 * power) / (1 + p3 * power)) ** p5 - p6)


def rgb_to_hsluv(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """Gamma-coded sRGB to HSLuv: hue from 0 to 360, saturation and lightness from 0 to 100.

    The lightness and the hue are those of CIELUV under D65. The saturation is the chroma in percent
    of the largest one that sRGB has at this lightness and hue. Hue and saturation of gray, black
    and white are 0, with a finite gradient.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``. Values beyond it are
            clamped and have no gradient, as no other colour has a saturation.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        ``(N, 3, H, W)`` in the dtype of ``image``.

    Raises:
        ValueError: not three channels.
        TypeError: integer tensors.

    Source: HSLuv 4 (Boronine 2012), CIE 15. Agrees with the package hsluv 5.0.5 to 1e-8.
    """
    lo, span = _checks.data_range(data_range)
    _check_image(image, "three channels (R, G, B)", data_range)
    unit = (image.to(computing_dtype(image)) - lo) / span
    light = clamped_light(unit)
    direction, saturation, lightness = hsluv_parts(light, light)
    u, v = direction[:, 0:1], direction[:, 1:2]
    u = torch.where(saturation.detach() > 0, u, 1)
    hue = torch.rad2deg(torch.atan2(v, u)).remainder(360)
    return torch.cat((hue, 100 * saturation, 100 * lightness), 1).to(image.dtype)


def lab_of(image: Tensor) -> Tensor:
    """``L, a, b`` of sRGB in [0, 1], without checks."""
    linear = linear_light(image)
    return lab_of_xyz(torch.cat([_weigh(linear, row) for row in _XYZ], 1), LAB_ROUNDED)


def lab_of_xyz(xyz: Tensor, curve: LabCurve) -> Tensor:
    """``L, a, b`` of ``X, Y, Z`` over those of the white, ``(N, 3, H, W)``."""
    f = lab_curve(xyz, curve)
    f_x, f_y, f_z = f[:, 0:1], f[:, 1:2], f[:, 2:3]
    return torch.cat((116 * f_y - 16, 500 * (f_x - f_y), 200 * (f_y - f_z)), 1)


def lab_curve(t: Tensor, curve: LabCurve) -> Tensor:
    """The cube root of CIELAB, which is a line near 0 and below."""
    knee, m, n = curve
    dark = t <= knee
    return torch.where(dark, m * t + n, torch.where(dark, 1, t) ** (1 / 3))


def oklab_of(image: Tensor) -> Tensor:
    """``L, a, b`` of Oklab of sRGB in [0, 1], without checks."""
    linear = linear_light(image)
    roots = cube_root(torch.cat([_weigh(linear, row) for row in _CONES], 1))
    return torch.cat([_weigh(roots, row) for row in _OKLAB], 1)


def clamped_light(image: Tensor) -> Tensor:
    """Linear light of sRGB, clamped to [0, 1]; beyond, without a gradient."""
    inside = (image >= 0) & (image <= 1)
    return linear_light(torch.where(inside, image, image.detach().clamp(0, 1)))


def hsluv_parts(light: Tensor, towards: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """HSLuv of linear RGB from 0 to 1, in parts that have no corner at gray, without checks.

    Returns:
        The unit vector of the hue ``(N, 2, H, W)``, 0 where there is none; the saturation and the
        lightness from 0 to 1, ``(N, 1, H, W)``. The slope of the saturation at gray is that
        ``towards`` the colours of another image.

    Along a ray from white of equal luminance ``Y``, the first channel that becomes 0 or 1 bounds
    the chroma. So ``1 - S`` is the smaller one of ``min(RGB) / g`` and
    ``Y (1 - max(RGB)) / (g (1 - Y))``, where ``g`` is ``X + 15 Y + 3 Z``, scaled to ``Y`` at gray.
    """
    gray = light.amax(1, keepdim=True) == light.amin(1, keepdim=True)
    along = torch.where(gray, towards, light).detach()
    red, green, blue = along[:, 0:1], along[:, 1:2], along[:, 2:3]
    # argmin and argmax over three channels take longer than everything else here.
    lowest = (red <= green) & (red <= blue), green <= blue
    highest = (red >= green) & (red >= blue), green >= blue
    g, y = _weigh(light, _LUV_G), _weigh(light, _LUV_Y)
    below_white = _weigh(1 - light, _LUV_Y)  # 1 - Y
    dark, bright = g < _NO_LIGHT, below_white < _NO_LIGHT
    g, below_white = torch.where(dark, 1, g), torch.where(bright, 1, below_white)

    def bounds(colour: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the lowest and the highest channel make of g S, and the channels less the lowest."""
        above = colour - _channel(colour, *lowest)
        below = _channel(colour, *highest) - colour
        to_one = _weigh(above, _LUV_G_LESS_Y) + y * _weigh(below, _LUV_G)
        return _weigh(above, _LUV_G), to_one / below_white, above

    to_zero, to_one, above = bounds(light)
    with torch.no_grad():
        zero_bounds, one_bounds, _ = bounds(along)
    saturation = torch.where(zero_bounds >= one_bounds, to_zero, to_one) / g
    u, v = _weigh(above, _LUV_U), _weigh(above, _LUV_V)
    squares = u * u + v * v
    none = squares < _NO_LIGHT**2
    length = torch.where(none, 1, squares).sqrt()
    colourless = dark | bright | none
    direction = torch.where(colourless, 0, torch.cat((u, v), 1) / length)
    saturation = torch.where(dark | bright, 0, saturation)
    line = y <= 0.0088564516
    lightness = torch.where(line, _LUV_SLOPE * y, 1.16 * torch.where(line, 1, y) ** (1 / 3) - 0.16)
    return direction, saturation, lightness


def _channel(colour: Tensor, is_red: Tensor, is_green: Tensor) -> Tensor:
    """Red where it is that, else green where it is that, else blue."""
    red, green, blue = colour[:, 0:1], colour[:, 1:2], colour[:, 2:3]
    return torch.where(is_red, red, torch.where(is_green, green, blue))


def linear_light(encoded: Tensor) -> Tensor:
    """sRGB values, black 0 and white 1, to linear light (IEC 61966-2-1). Both curves continue
    beyond the range.
    """
    power = ((encoded.clamp(min=_KNEE) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= _KNEE, encoded / 12.92, power)


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
