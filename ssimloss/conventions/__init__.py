"""The conventions of other programs as named option sets, so that a number is the one you meant.

Each table maps a name to a :class:`Convention`, which is a mapping of options and can be called::

    F.ssim(pred, target, data_range=1.0, **conventions.SSIM["skimage"])
    conventions.PSNR["basicsr"](pred, target, data_range=1.0, crop_border=4)
    print(conventions.describe("PSNR/basicsr"))
    print(conventions.explain_difference("PSNR/pyiqa_y", "PSNR/basicsr", pred, target))

Losses over deep features own a network, and an adversarial loss is two, so that these are options
of the module::

    ssimloss.PerceptualLoss(**conventions.CONTENT["esrgan"])
    ssimloss.TextureLoss(**conventions.GRAM["basicsr"])
    ssimloss.AdversarialLoss(**conventions.ADVERSARIAL["esrgan"])

Each is compared with the program it names in ``tests/test_parity.py``,
``tests/test_perceptual.py``, ``tests/test_adversarial.py``. No convention guesses the data range.
"""

from ssimloss.conventions._adversarial import ADVERSARIAL
from ssimloss.conventions._content import CONTENT, GRAM, FeatureConvention
from ssimloss.conventions._convention import Convention
from ssimloss.conventions._describe import describe
from ssimloss.conventions._difference import Difference, Step, explain_difference
from ssimloss.conventions._find import TABLES
from ssimloss.conventions._ms_ssim import MS_SSIM, MS_SSIM_L1
from ssimloss.conventions._pixel import CHARBONNIER, PSNR, TOTAL_VARIATION
from ssimloss.conventions._ssim import DSSIM, SSIM

__all__ = [
    "SSIM",
    "DSSIM",
    "MS_SSIM",
    "MS_SSIM_L1",
    "PSNR",
    "CHARBONNIER",
    "TOTAL_VARIATION",
    "CONTENT",
    "GRAM",
    "ADVERSARIAL",
    "TABLES",
    "Convention",
    "FeatureConvention",
    "describe",
    "explain_difference",
    "Difference",
    "Step",
]
