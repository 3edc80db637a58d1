"""Luma, colour transforms and the encoding of HDR luminance."""

from ssimloss.color.hsluv import rgb_to_hsluv
from ssimloss.color.lab import rgb_to_lab, rgb_to_oklab
from ssimloss.color.luma import Luma, luma, rgb_to_ycbcr, ycbcr_to_rgb
from ssimloss.color.pu21 import PU21, pu21_encode

__all__ = [
    "PU21",
    "Luma",
    "luma",
    "pu21_encode",
    "rgb_to_hsluv",
    "rgb_to_lab",
    "rgb_to_oklab",
    "rgb_to_ycbcr",
    "ycbcr_to_rgb",
]
