"""HSLuv: hue and lightness of CIELUV, and the chroma in percent of the largest one in sRGB."""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._precision import computing_dtype
from ssimloss.color.channels import check_image, linear_light, weigh

# Linear RGB to X, Y, Z with the digits of HSLuv, and u', v' of its white.
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
_NO_LIGHT = 1e-10  # linear light; below it, colours count as black


@keywords()
def rgb_to_hsluv(image: Tensor, data_range: DataRange = 1.0) -> Tensor:
    """Gamma-coded sRGB to HSLuv: hue in [0, 360), saturation and lightness from 0 to 100.

    Lightness and hue are those of CIELUV under D65. The saturation is the chroma in percent of the
    largest chroma that sRGB has at this lightness and hue. Hue and saturation of gray, black
    and white are 0, with a finite gradient.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``. Values beyond it are
            clamped and have no gradient, because HSLuv is defined for sRGB colours only.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        ``(N, 3, H, W)`` in the dtype of ``image``.

    Raises:
        ValueError: there are not three channels.
        TypeError: integer tensors.

    Source: HSLuv 4 (Boronine 2012), CIE 15. Agrees with the package hsluv 5.0.5 to 1e-8.
    """
    lo, span = _checks.data_range(data_range)
    check_image(image, "three channels (R, G, B)", data_range)
    unit = (image.to(computing_dtype(image)) - lo) / span
    light = clamped_light(unit)
    direction, saturation, lightness = hsluv_parts(light, light)
    u, v = direction[:, 0:1], direction[:, 1:2]
    u = torch.where(saturation.detach() > 0, u, 1)
    hue = torch.rad2deg(torch.atan2(v, u)).remainder(360).to(image.dtype)
    hue = torch.where(hue < 360, hue, hue - 360)  # rounding turns small negative angles into 360
    rest = 100 * torch.cat((saturation, lightness), 1)
    return torch.cat((hue, rest.to(image.dtype)), 1)


def clamped_light(image: Tensor) -> Tensor:
    """Linear light of sRGB, clamped to [0, 1]; values beyond have no gradient."""
    inside = (image >= 0) & (image <= 1)
    return linear_light(torch.where(inside, image, image.detach().clamp(0, 1)))


def hsluv_parts(light: Tensor, towards: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """HSLuv of linear RGB in [0, 1], in parts that are smooth at gray, without checks.

    Returns:
        The unit vector of the hue ``(N, 2, H, W)``, 0 where there is no hue; the saturation and the
        lightness in [0, 1], ``(N, 1, H, W)``. At gray, the saturation has the slope in the
        direction of the colours of the image ``towards``.

    Along a ray from white of equal luminance ``Y``, the first channel that becomes 0 or 1 bounds
    the chroma. So ``1 - S`` is the smaller of ``min(RGB) / g`` and
    ``Y (1 - max(RGB)) / (g (1 - Y))``, where ``g`` is ``X + 15 Y + 3 Z``, scaled to ``Y`` at gray.
    """
    gray = light.amax(1, keepdim=True) == light.amin(1, keepdim=True)
    along = torch.where(gray, towards, light).detach()
    red, green, blue = along[:, 0:1], along[:, 1:2], along[:, 2:3]
    # argmin and argmax over three channels take longer than everything else here.
    lowest = (red <= green) & (red <= blue), green <= blue
    highest = (red >= green) & (red >= blue), green >= blue
    g, y = weigh(light, _LUV_G), weigh(light, _LUV_Y)
    below_white = weigh(1 - light, _LUV_Y)  # 1 - Y
    dark, bright = g < _NO_LIGHT, below_white < _NO_LIGHT
    g, below_white = torch.where(dark, 1, g), torch.where(bright, 1, below_white)

    def bounds(colour: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``g S`` by the lowest and by the highest channel; the channels minus the lowest."""
        above = colour - _channel(colour, *lowest)
        below = _channel(colour, *highest) - colour
        to_one = weigh(above, _LUV_G_LESS_Y) + y * weigh(below, _LUV_G)
        return weigh(above, _LUV_G), to_one / below_white, above

    to_zero, to_one, above = bounds(light)
    with torch.no_grad():
        zero_bounds, one_bounds, _ = bounds(along)
    saturation = torch.where(zero_bounds >= one_bounds, to_zero, to_one) / g
    u, v = weigh(above, _LUV_U), weigh(above, _LUV_V)
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
    """Red where ``is_red``, else green where ``is_green``, else blue."""
    red, green, blue = colour[:, 0:1], colour[:, 1:2], colour[:, 2:3]
    return torch.where(is_red, red, torch.where(is_green, green, blue))
