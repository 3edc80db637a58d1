"""MS-SSIM in decibels, ``-10 log10(1 - MS-SSIM)``, as papers on compression plot it.

Balle, Minnen, Singh, Hwang & Johnston, "Variational image compression with a scale hyperprior",
2018, figure 5.
"""

from torch import Tensor

from ssimloss._reduce import Scores
from ssimloss.functional._gradient_similarity import weighs
from ssimloss.functional.ms_ssim import MSSSIMOptions, ms_ssim_scores
from ssimloss.functional.psnr import decibel
from ssimloss.measure import Measure


class MSSSIMDecibelOptions(MSSSIMOptions):
    """Options of MS-SSIM in decibels.

    Args:
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """


def _ms_ssim_db(
    pred: Tensor, target: Tensor, options: MSSSIMDecibelOptions, *, mask: Tensor | None = None
) -> Scores:
    """MS-SSIM of each image in dB, ``-10 log10(1 - MS-SSIM)``: 10 dB for 0.9, 20 dB for 0.99.

    It is infinite for equal images, with gradient 0. The mean is taken over decibels.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``. Five scales of an
            11 pixel window need 176 pixels.
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: images too small, shapes differ, unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang, Simoncelli & Bovik 2003; Balle et al. 2018.
    """
    similarity = ms_ssim_scores(pred, target, options, mask=mask)
    found = decibel((1 - similarity.reduce("image")).clamp(min=0))
    return Scores(found, weighs(similarity.weight))


MS_SSIM_DB = Measure(
    "ms_ssim_db",
    "MS-SSIM in dB",
    "dB",
    "higher",
    float("inf"),
    (0.0, float("inf")),
    "Wang, Simoncelli & Bovik 2003; Balle et al. 2018",
    _ms_ssim_db,
    MSSSIMDecibelOptions,
    role="index",
    metric="MSSSIMDecibel",
    formula="-10 log10(1 - MS-SSIM) of each image",
)
ms_ssim_db = MS_SSIM_DB.score
