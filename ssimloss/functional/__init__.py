"""Tensors in, tensors out: every equation of the library as a pure function.

What is to be minimised ends in ``_loss``; a distance has both names (``l1`` is ``l1_loss``), a
score has a loss of its own (``ssim_loss = 1 - ssim``).
"""

from ssimloss.functional._logits import class_logits
from ssimloss.functional.adversarial import (
    adversarial_discriminator_loss,
    adversarial_generator_loss,
)
from ssimloss.functional.consistency import cycle_consistency_loss
from ssimloss.functional.contextual import contextual_loss
from ssimloss.functional.feature_matching import feature_matching_loss
from ssimloss.functional.features import gram_matrix
from ssimloss.functional.frequency import (
    focal_frequency,
    focal_frequency_loss,
    fourier_magnitude,
    fourier_magnitude_loss,
)
from ssimloss.functional.gradient import (
    edge,
    edge_loss,
    gradient_difference,
    gradient_difference_loss,
)
from ssimloss.functional.mixed import ms_ssim_l1_loss, ssim_l1_loss
from ssimloss.functional.multiscale import ms_ssim, ms_ssim_loss
from ssimloss.functional.penalties import gradient_penalty, lecam_penalty, r1_penalty, r2_penalty
from ssimloss.functional.perceptual import perceptual_loss
from ssimloss.functional.pixel import charbonnier, charbonnier_loss, l1, l1_loss, l2, l2_loss, psnr
from ssimloss.functional.prior import heatmap_loss, prior_loss, soft_argmax
from ssimloss.functional.resize import imresize
from ssimloss.functional.similarity import deep_similarity, dists, lpips
from ssimloss.functional.smoothness import total_variation, total_variation_loss
from ssimloss.functional.structure import ssim, ssim_loss, ssim_map
from ssimloss.functional.structure_alone import (
    gradient_ssim,
    gradient_ssim_loss,
    structure_correlation,
    structure_correlation_loss,
)
from ssimloss.functional.texture import texture_loss

__all__ = [
    "ssim",
    "ssim_loss",
    "ssim_map",
    "ms_ssim",
    "ms_ssim_loss",
    "ms_ssim_l1_loss",
    "ssim_l1_loss",
    "gradient_ssim",
    "gradient_ssim_loss",
    "structure_correlation",
    "structure_correlation_loss",
    "l1",
    "l1_loss",
    "l2",
    "l2_loss",
    "charbonnier",
    "charbonnier_loss",
    "psnr",
    "total_variation",
    "total_variation_loss",
    "edge",
    "edge_loss",
    "gradient_difference",
    "gradient_difference_loss",
    "focal_frequency",
    "focal_frequency_loss",
    "fourier_magnitude",
    "fourier_magnitude_loss",
    "gram_matrix",
    "perceptual_loss",
    "texture_loss",
    "contextual_loss",
    "lpips",
    "dists",
    "deep_similarity",
    "prior_loss",
    "heatmap_loss",
    "soft_argmax",
    "adversarial_generator_loss",
    "adversarial_discriminator_loss",
    "class_logits",
    "feature_matching_loss",
    "gradient_penalty",
    "r1_penalty",
    "r2_penalty",
    "lecam_penalty",
    "cycle_consistency_loss",
    "imresize",
]
