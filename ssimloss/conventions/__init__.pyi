# Written by tests/generate.py from the measures; edit those.
"""Conventions of other implementations as named sets of options: the value is the one you meant.

Each table maps a name to a :class:`Convention`, which is a mapping of options and can be called::

    F.ssim(pred, target, data_range=1.0, **conventions.SSIM["skimage"])
    conventions.PSNR["basicsr"](pred, target, data_range=1.0, crop_border=4)
    print(conventions.describe("PSNR/basicsr"))
    print(conventions.explain_difference("PSNR/pyiqa_y", "PSNR/basicsr", pred, target))

Losses over deep features own a network, and an adversarial loss is two functions. Their conventions
are options of the module::

    ssimloss.PerceptualLoss(**conventions.CONTENT["esrgan"])
    ssimloss.TextureLoss(**conventions.GRAM["basicsr"])
    ssimloss.AdversarialLoss(**conventions.ADVERSARIAL["esrgan"])

Each is compared with the original code it names in ``tests/test_parity.py``,
``tests/test_perceptual.py``, ``tests/test_adversarial.py``. No convention guesses the data range.

This room holds how conventions are described, prepared and compared. The tables stand with their
measures in ``ssimloss.functional``: a :class:`Table` that is created is an attribute here.
"""

from ssimloss.conventions.attributes import Attribute as Attribute
from ssimloss.conventions.convention import TABLES as TABLES
from ssimloss.conventions.convention import Convention as Convention
from ssimloss.conventions.convention import FeatureConvention as FeatureConvention
from ssimloss.conventions.convention import Table as Table
from ssimloss.conventions.difference import Difference as Difference
from ssimloss.conventions.difference import Step as Step
from ssimloss.conventions.difference import explain_difference as explain_difference
from ssimloss.conventions.lookup import describe as describe
from ssimloss.conventions.lookup import find as find
from ssimloss.conventions.preparation import Preparation as Preparation

__all__ = [
    "AVERAGE",
    "CHARBONNIER",
    "CIEDE2000",
    "CLIPPED",
    "COLOR_CONSISTENCY",
    "COSINE_DISTANCE",
    "CW_SSIM",
    "DSS",
    "ENHANCED_SSIM",
    "FFT",
    "FLIP",
    "GMSD",
    "GRADIENT_VARIANCE",
    "HAARPSI",
    "HSLUV",
    "HUBER",
    "LAPLACIAN_PYRAMID",
    "LDL",
    "MDSI",
    "MS_GMSD",
    "PSNR",
    "MS_SSIM_L1",
    "MS_SWD",
    "NCC",
    "NLPD",
    "PSNR_HVS",
    "PSNR_HVS_M",
    "SR_SIM",
    "SSIMULACRA2",
    "TOTAL_VARIATION",
    "VIF",
    "VIF_WAVELET",
    "WAVELET",
    "SSIM",
    "DSSIM",
    "FSIM",
    "IW_SSIM",
    "MAD",
    "MS_SSIM",
    "VSI",
    "CONTEXTUAL_BILATERAL",
    "FDL",
    "ADVERSARIAL",
    "CONTENT",
    "GRAM",
    "TABLES",
    "Table",
    "Convention",
    "FeatureConvention",
    "Attribute",
    "Preparation",
    "find",
    "describe",
    "explain_difference",
    "Difference",
    "Step",
]

AVERAGE: Table

CHARBONNIER: Table

CIEDE2000: Table

CLIPPED: Table

COLOR_CONSISTENCY: Table

COSINE_DISTANCE: Table

CW_SSIM: Table

DSS: Table

ENHANCED_SSIM: Table

FFT: Table

FLIP: Table

GMSD: Table

GRADIENT_VARIANCE: Table

HAARPSI: Table

HSLUV: Table

HUBER: Table

LAPLACIAN_PYRAMID: Table

LDL: Table

MDSI: Table

MS_GMSD: Table

PSNR: Table

MS_SSIM_L1: Table

MS_SWD: Table

NCC: Table

NLPD: Table

PSNR_HVS: Table

PSNR_HVS_M: Table

SR_SIM: Table

SSIMULACRA2: Table

TOTAL_VARIATION: Table

VIF: Table

VIF_WAVELET: Table

WAVELET: Table

SSIM: Table

DSSIM: Table

FSIM: Table

IW_SSIM: Table

MAD: Table

MS_SSIM: Table

VSI: Table

CONTEXTUAL_BILATERAL: Table

FDL: Table

ADVERSARIAL: Table

CONTENT: Table

GRAM: Table
