"""Functions and losses of piq (photosynthesis-team/piq) for the measures that exist here."""

from ssimloss.compat.piq.criteria import GMSDLoss, MultiScaleSSIMLoss, SSIMLoss, TVLoss
from ssimloss.compat.piq.measures import gmsd, multi_scale_ssim, psnr, ssim, total_variation
from ssimloss.compat.piq.networks import DISTS, LPIPS, ContentLoss, StyleLoss

__all__ = [
    "ssim",
    "SSIMLoss",
    "multi_scale_ssim",
    "MultiScaleSSIMLoss",
    "psnr",
    "gmsd",
    "GMSDLoss",
    "total_variation",
    "TVLoss",
    "ContentLoss",
    "StyleLoss",
    "LPIPS",
    "DISTS",
]
