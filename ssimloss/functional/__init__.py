"""Tensors in, tensors out: every equation of the library as a pure function.

Names of losses end in ``_loss``. A distance has both names (``l1`` is ``l1_loss``); a score has its
own loss (``ssim_loss = 1 - ssim``). ``__init__.pyi`` holds types and documentation for editors;
``make generate`` writes it.
"""

from ssimloss._spellings import no_attribute
from ssimloss.functional.adists import adists
from ssimloss.functional.adversarial import (
    adversarial_discriminator_loss,
    adversarial_generator_loss,
)
from ssimloss.functional.average import average, average_loss
from ssimloss.functional.charbonnier import charbonnier, charbonnier_loss
from ssimloss.functional.ciede2000 import ciede2000, ciede2000_loss
from ssimloss.functional.clipped import clipped, clipped_loss
from ssimloss.functional.color_consistency import color_consistency, color_consistency_loss
from ssimloss.functional.contextual import contextual_loss
from ssimloss.functional.contextual_bilateral import contextual_bilateral_loss
from ssimloss.functional.cosine_distance import cosine_distance, cosine_distance_loss
from ssimloss.functional.cw_ssim import cw_ssim, cw_ssim_loss
from ssimloss.functional.cycle_consistency import cycle_consistency_loss
from ssimloss.functional.deep_similarity import deep_similarity
from ssimloss.functional.dists import dists
from ssimloss.functional.dss import dss, dss_loss
from ssimloss.functional.edge import edge, edge_loss
from ssimloss.functional.enhanced_ssim import enhanced_ssim, enhanced_ssim_loss
from ssimloss.functional.fdl import fdl_loss
from ssimloss.functional.feature_matching import feature_matching_loss
from ssimloss.functional.features import gram_matrix
from ssimloss.functional.fft import fft, fft_loss
from ssimloss.functional.flip import flip, flip_loss
from ssimloss.functional.focal_frequency import focal_frequency, focal_frequency_loss
from ssimloss.functional.fourier_magnitude import fourier_magnitude, fourier_magnitude_loss
from ssimloss.functional.frechet import frechet_distance
from ssimloss.functional.fsim import fsim, fsim_loss
from ssimloss.functional.gmsd import gmsd, gmsd_loss
from ssimloss.functional.gradient_difference import gradient_difference, gradient_difference_loss
from ssimloss.functional.gradient_ssim import gradient_ssim, gradient_ssim_loss
from ssimloss.functional.gradient_variance import gradient_variance, gradient_variance_loss
from ssimloss.functional.haarpsi import haarpsi, haarpsi_loss
from ssimloss.functional.heatmaps import heatmap_loss, soft_argmax
from ssimloss.functional.hsluv import hsluv, hsluv_loss
from ssimloss.functional.huber import huber, huber_loss
from ssimloss.functional.iw_ssim import iw_ssim, iw_ssim_loss
from ssimloss.functional.kernel_distances import cmmd_loss, kernel_distance_loss
from ssimloss.functional.l1 import l1, l1_loss
from ssimloss.functional.l2 import l2, l2_loss
from ssimloss.functional.laplacian_pyramid import laplacian_pyramid, laplacian_pyramid_loss
from ssimloss.functional.ldl import ldl, ldl_loss
from ssimloss.functional.logits import class_logits
from ssimloss.functional.lpips import lpips
from ssimloss.functional.mad import mad, mad_loss
from ssimloss.functional.mdsi import mdsi, mdsi_loss
from ssimloss.functional.ms_gmsd import ms_gmsd, ms_gmsd_loss
from ssimloss.functional.ms_ssim import ms_ssim, ms_ssim_loss
from ssimloss.functional.ms_ssim_db import ms_ssim_db
from ssimloss.functional.ms_ssim_l1 import ms_ssim_l1_loss
from ssimloss.functional.ms_swd import ms_swd, ms_swd_loss
from ssimloss.functional.ncc import ncc, ncc_loss
from ssimloss.functional.network_output import prior_loss
from ssimloss.functional.nlpd import nlpd, nlpd_loss
from ssimloss.functional.penalties import gradient_penalty, lecam_penalty, r1_penalty, r2_penalty
from ssimloss.functional.perceptual import perceptual_loss
from ssimloss.functional.projected_distribution import projected_distribution_loss
from ssimloss.functional.psnr import psnr
from ssimloss.functional.psnr_hvs import psnr_hvs, psnr_hvs_m
from ssimloss.functional.sliced_wasserstein import sliced_wasserstein_loss
from ssimloss.functional.sr_sim import sr_sim, sr_sim_loss
from ssimloss.functional.ssim import ssim, ssim_loss, ssim_map
from ssimloss.functional.ssim_l1 import ssim_l1_loss
from ssimloss.functional.ssimulacra2 import ssimulacra2, ssimulacra2_loss
from ssimloss.functional.structure_correlation import (
    structure_correlation,
    structure_correlation_loss,
)
from ssimloss.functional.temporal_difference import temporal_difference_loss
from ssimloss.functional.texture import texture_loss
from ssimloss.functional.total_variation import total_variation, total_variation_loss
from ssimloss.functional.vif import vif, vif_loss
from ssimloss.functional.vif_wavelet import vif_wavelet, vif_wavelet_loss
from ssimloss.functional.vsi import vsi, vsi_loss
from ssimloss.functional.warping_error import warping_error_loss
from ssimloss.functional.wavelet import (
    wavelet,
    wavelet_guidance,
    wavelet_loss,
    wavelet_transform,
)
from ssimloss.resize import imresize

# isort: split
# Importing these registers their tables in ssimloss.conventions. Tables of other measures are in
# the files of the measures.
from ssimloss.functional import (
    adversarial_conventions,
    dssim_conventions,
    fsim_conventions,
    iw_ssim_conventions,
    mad_conventions,
    ms_ssim_conventions,
    perceptual_conventions,
    ssim_conventions,
    texture_conventions,
    vsi_conventions,
)


def __getattr__(name: str) -> object:
    """Raise the error for an unknown name, with another library's name translated."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise no_attribute(__name__, name, __all__)


__all__ = sorted(
    name
    for name, value in globals().items()
    if callable(value) and not name.startswith("_") and value is not no_attribute
)
