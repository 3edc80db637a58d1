"""MS-SSIM: the means of all scales of a pyramid, combined."""

from ssimloss.kernels.pyramid_scores.operator import PYRAMID_SCORES, pyramid_scores
from ssimloss.kernels.pyramid_scores.shapes import Scales, pyramid_shapes

__all__ = ["PYRAMID_SCORES", "Scales", "pyramid_scores", "pyramid_shapes"]
