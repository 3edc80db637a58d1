"""Fused operators, chosen by ``backend``.

A kernel is an optimisation: the equations in ``ssimloss.functional`` define the results. Each
folder holds one operator, with one file per backend; ``docs/kernels.md`` describes how to add one.
``python -m ssimloss.kernels`` prints which kernels run on this machine.
"""

from ssimloss.kernels.backends import (
    BACKENDS,
    Backed,
    Backend,
    Kernel,
    Kernels,
    check_backend,
    select,
    why_not,
)
from ssimloss.kernels.block_means import BLOCK_MEANS, BlockBorder, Blocks, block_means
from ssimloss.kernels.color_means import COLOR_MEANS, Colors, color_means
from ssimloss.kernels.comparison import (
    SIMILARITY_ALONE,
    Comparison,
    Mixed,
    Part,
    Pixel,
    Pixelwise,
)
from ssimloss.kernels.edge_means import EDGE_MEANS, EdgeFilter, Edges, edge_means
from ssimloss.kernels.flip_means import FLIP_MEANS, Flip, flip_means
from ssimloss.kernels.haar_means import HAAR_MEANS, Haar, haar_means
from ssimloss.kernels.hvs_errors import HVS, HVS_ERRORS, hvs_errors
from ssimloss.kernels.information_map import (
    INFORMATION_MAP,
    information_map,
    neighbour_products,
)
from ssimloss.kernels.library import MAX_SCALES, MAX_TAPS, describe, scratch_bytes, use_instructions
from ssimloss.kernels.moment_sums import MOMENT_SUMS, Local, moment_sums
from ssimloss.kernels.phase_congruency import PHASE_CONGRUENCY, phase_congruency
from ssimloss.kernels.pixel_means import PIXEL_MEANS, pixel_means
from ssimloss.kernels.prepared_images import PREPARED_IMAGES, Steps, prepared_images
from ssimloss.kernels.proof import Reference, Use, use
from ssimloss.kernels.pyramid_scores import PYRAMID_SCORES, Scales, pyramid_scores
from ssimloss.kernels.scale_sums import LEAST_SIDE, SCALE_SUMS, Measured, scale_sums
from ssimloss.kernels.similarity_deviation import (
    SIMILARITY_DEVIATION,
    SimilarityOptions,
    similarity_deviation,
)
from ssimloss.kernels.similarity_map import SIMILARITY_MAP, similarity_map
from ssimloss.kernels.similarity_means import SIMILARITY_MEANS, similarity_means
from ssimloss.kernels.sorted_means import SORTED_MEANS, sorted_means
from ssimloss.kernels.squared_errors import SQUARED_ERRORS, squared_errors
from ssimloss.kernels.subband_errors import SUBBAND_ERRORS, Subbands, subband_errors
from ssimloss.kernels.visible_errors import VISIBLE_ERRORS, Visible, visible_errors
from ssimloss.kernels.warped import WARPED, warped

__all__ = [
    # choice of a backend
    "BACKENDS",
    "Backed",
    "Backend",
    "Kernel",
    "Kernels",
    "check_backend",
    "select",
    "why_not",
    # proof of kernels
    "Reference",
    "Use",
    "use",
    # what is computed
    "LEAST_SIDE",
    "MAX_SCALES",
    "MAX_TAPS",
    "SIMILARITY_ALONE",
    "BlockBorder",
    "Blocks",
    "Colors",
    "Comparison",
    "EdgeFilter",
    "Edges",
    "Flip",
    "HVS",
    "Haar",
    "Local",
    "Measured",
    "Mixed",
    "Part",
    "Pixel",
    "Pixelwise",
    "Scales",
    "SimilarityOptions",
    "Steps",
    "Subbands",
    "Visible",
    # operators, each with its table of backends
    "BLOCK_MEANS",
    "COLOR_MEANS",
    "EDGE_MEANS",
    "FLIP_MEANS",
    "HAAR_MEANS",
    "HVS_ERRORS",
    "INFORMATION_MAP",
    "MOMENT_SUMS",
    "PHASE_CONGRUENCY",
    "PIXEL_MEANS",
    "PREPARED_IMAGES",
    "PYRAMID_SCORES",
    "SCALE_SUMS",
    "SIMILARITY_DEVIATION",
    "SIMILARITY_MAP",
    "SIMILARITY_MEANS",
    "SORTED_MEANS",
    "SQUARED_ERRORS",
    "SUBBAND_ERRORS",
    "WARPED",
    "VISIBLE_ERRORS",
    "block_means",
    "color_means",
    "edge_means",
    "flip_means",
    "haar_means",
    "hvs_errors",
    "information_map",
    "moment_sums",
    "neighbour_products",
    "phase_congruency",
    "pixel_means",
    "prepared_images",
    "pyramid_scores",
    "scale_sums",
    "similarity_deviation",
    "similarity_map",
    "similarity_means",
    "sorted_means",
    "squared_errors",
    "subband_errors",
    "warped",
    "visible_errors",
    # the native library
    "describe",
    "scratch_bytes",
    "use_instructions",
]
