"""Tensors in, tensors out: every equation of the library as a pure function.

What is to be minimised ends in ``_loss``. A distance has both names (``l1`` is ``l1_loss``), a
score has a loss of its own (``ssim_loss = 1 - ssim``). Types and documentation for editors are in
``__init__.pyi``, which ``make stubs`` writes.
"""

from ssimloss.functional.adversarial import (
    adversarial_discriminator_loss,
    adversarial_generator_loss,
)
from ssimloss.functional.charbonnier import charbonnier, charbonnier_loss
from ssimloss.functional.ciede2000 import ciede2000, ciede2000_loss
from ssimloss.functional.color_consistency import color_consistency, color_consistency_loss
from ssimloss.functional.contextual import contextual_loss
from ssimloss.functional.cw_ssim import cw_ssim, cw_ssim_loss
from ssimloss.functional.cycle_consistency import cycle_consistency_loss
from ssimloss.functional.deep_similarity import deep_similarity
from ssimloss.functional.dists import dists
from ssimloss.functional.edge import edge, edge_loss
from ssimloss.functional.feature_matching import feature_matching_loss
from ssimloss.functional.features import gram_matrix
from ssimloss.functional.flip import flip, flip_loss
from ssimloss.functional.focal_frequency import focal_frequency, focal_frequency_loss
from ssimloss.functional.fourier_magnitude import fourier_magnitude, fourier_magnitude_loss
from ssimloss.functional.frechet import frechet_distance
from ssimloss.functional.fsim import fsim, fsim_loss
from ssimloss.functional.gmsd import gmsd, gmsd_loss
from ssimloss.functional.gradient_difference import gradient_difference, gradient_difference_loss
from ssimloss.functional.gradient_ssim import gradient_ssim, gradient_ssim_loss
from ssimloss.functional.haarpsi import haarpsi, haarpsi_loss
from ssimloss.functional.heatmaps import heatmap_loss, soft_argmax
from ssimloss.functional.iw_ssim import iw_ssim, iw_ssim_loss
from ssimloss.functional.kernel_distances import cmmd_loss, kernel_distance_loss
from ssimloss.functional.l1 import l1, l1_loss
from ssimloss.functional.l2 import l2, l2_loss
from ssimloss.functional.ldl import ldl, ldl_loss
from ssimloss.functional.logits import class_logits
from ssimloss.functional.lpips import lpips
from ssimloss.functional.mdsi import mdsi, mdsi_loss
from ssimloss.functional.ms_gmsd import ms_gmsd, ms_gmsd_loss
from ssimloss.functional.ms_ssim import ms_ssim, ms_ssim_loss
from ssimloss.functional.ms_ssim_db import ms_ssim_db
from ssimloss.functional.ms_ssim_l1 import ms_ssim_l1_loss
from ssimloss.functional.network_output import prior_loss
from ssimloss.functional.nlpd import nlpd, nlpd_loss
from ssimloss.functional.penalties import gradient_penalty, lecam_penalty, r1_penalty, r2_penalty
from ssimloss.functional.perceptual import perceptual_loss
from ssimloss.functional.psnr import psnr
from ssimloss.functional.psnr_hvs import psnr_hvs, psnr_hvs_m
from ssimloss.functional.ssim import ssim, ssim_loss, ssim_map
from ssimloss.functional.ssim_l1 import ssim_l1_loss
from ssimloss.functional.ssimulacra2 import ssimulacra2, ssimulacra2_loss
from ssimloss.functional.structure_correlation import (
    structure_correlation,
    structure_correlation_loss,
)
from ssimloss.functional.texture import texture_loss
from ssimloss.functional.total_variation import total_variation, total_variation_loss
from ssimloss.functional.vif import vif, vif_loss
from ssimloss.functional.vsi import vsi, vsi_loss
from ssimloss.functional.wavelet import wavelet, wavelet_loss, wavelet_transform
from ssimloss.resize import imresize

# isort: split
# Importing these registers their tables in ssimloss.conventions. Tables of other measures stand in
# the files of the measures.
from ssimloss.functional import (
    adversarial_conventions,
    dssim_conventions,
    fsim_conventions,
    iw_ssim_conventions,
    ms_ssim_conventions,
    perceptual_conventions,
    ssim_conventions,
    texture_conventions,
    vsi_conventions,
)

__all__ = sorted(
    name for name, value in globals().items() if callable(value) and not name.startswith("_")
)
