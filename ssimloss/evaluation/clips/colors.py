"""Y, Cb and Cr as codes to R, G and B (ITU-T H.273): for measures that compare colours.

Chroma is brought to the size of luma by bilinear interpolation, its samples centred between those
of luma.
"""

import torch
from torch import Tensor

from ssimloss.evaluation.clips.formats import ClipHeader

# Of red and blue in luma, by matrix.
WEIGHTS = {"BT.709": (0.2126, 0.0722), "BT.601": (0.299, 0.114), "BT.2020": (0.2627, 0.0593)}


def rgb(luma: Tensor, chroma: Tensor, header: ClipHeader) -> Tensor:
    """``(T, 3, H, W)`` in [0, 1], cut there.

    Args:
        luma: codes ``(T, 1, H, W)``.
        chroma: codes of Cb and Cr ``(T, 2, H', W')``.
    """
    step = 2.0 ** (header.bit_depth - 8)
    if header.luma_range == "full":
        y, c = luma / header.peak, (chroma - 128 * step) / header.peak
    else:
        y, c = (luma - 16 * step) / (219 * step), (chroma - 128 * step) / (224 * step)
    if c.shape[-2:] != y.shape[-2:]:
        c = torch.nn.functional.interpolate(
            c, size=y.shape[-2:], mode="bilinear", align_corners=False
        )
    of_red, of_blue = WEIGHTS[header.coding_matrix]
    red = y + 2 * (1 - of_red) * c[:, 1:]
    blue = y + 2 * (1 - of_blue) * c[:, :1]
    green = (y - of_red * red - of_blue * blue) / (1 - of_red - of_blue)
    return torch.cat((red, green, blue), 1).clamp(0, 1)
