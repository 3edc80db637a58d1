"""GMSD: the deviation of the similarity of gradient magnitudes.

``GMS = (2 g_x g_y + T) / (g_x^2 + g_y^2 + T)`` with ``g`` the Prewitt gradient magnitude of the
luma at half size; GMSD is the standard deviation of GMS over the image.

Xue, Zhang, Mou & Bovik, "Gradient magnitude similarity deviation: a highly efficient perceptual
image quality index", 2014. The original implementation is ``GMSD.m`` of the authors.
"""

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._roots import root
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._gradient_similarity import (
    DEVIATIONS,
    OF_LUMA,
    Deviation,
    backend_for,
    block_weight,
    channel_means,
    check_colors,
    gradient_weight,
    similarity_variance,
    weighs,
    without_masked,
)
from ssimloss.kernels import Backed
from ssimloss.measure import Measure


class GMSDOptions(Backed, Reduced, Ranged):
    """Options of GMSD.

    Args:
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        deviation: ``"sample"`` divides by the number of positions minus one, as MATLAB's ``std2``;
            ``"population"`` divides by their number (piq).
        backend: ``"auto"``, or the name of one, which runs or raises; kernels support no mask.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    t: float = 170.0
    deviation: Deviation = "sample"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.positive("t", self.t)
        _checks.choice("deviation", self.deviation, DEVIATIONS)


def _gmsd(
    pred: Tensor, target: Tensor, options: GMSDOptions, *, mask: Tensor | None = None
) -> Scores:
    """Gradient magnitude similarity deviation: 0 for equal images, larger for worse ones.

    Gray images are compared as they are, RGB images by their luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Images are halved by means of 2 x 2
    pixels, and their Prewitt gradients are compared with zero padding. The value depends on how
    unevenly the gradients differ, not on how much, so combine it with a pixel loss.

    Where ``pred`` is flat, its gradient magnitude has no derivative. The gradient used there points
    towards the image gradient of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 3
            pixels on the long side.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, an option value is
            unknown, or ``t`` is not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Xue et al. 2014. Agrees with the authors' code to float64 rounding, with piq as
    ``conventions.GMSD["piq"]``.
    """
    check_colors(pred, target, mask)
    _checks.long_side(pred, 3, "because one position, which is left after halving, has deviation 0")
    backend = backend_for(options.backend, pred, target, mask)
    dtype = native_dtype(pred, target)
    x, y, weight = without_masked(*promote(pred, target), mask, options.low)
    if weight is not None:
        weight = block_weight(weight, 2)
    x, y = (
        channel_means(image, OF_LUMA, 2, backend, low=options.low, scale=1 / options.span)
        for image in (x, y)
    )
    variance = similarity_variance(
        x,
        y,
        weight,
        "prewitt",
        options.t / 255**2,
        deviation=options.deviation,
        backend=backend,
    )
    return Scores(root(variance), weighs(gradient_weight(weight)), 1, dtype)


GMSD = Measure(
    "gmsd",
    "GMSD",
    "",
    "lower",
    0.0,
    (0.0, 0.71),
    "Xue et al. 2014",
    _gmsd,
    GMSDOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, means of 2 x 2 pixels, similarity "
    "(2 g_x g_y + T) / (g_x^2 + g_y^2 + T) of Prewitt gradient magnitudes with T = 170 / 255^2, "
    "sample standard deviation over positions (Xue et al. 2014)",
    module="GMSDLoss",
    metric="GMSD",
    takes_color=True,
    agrees="the authors' GMSD.m, piq: 1e-15",
)
gmsd = gmsd_loss = GMSD.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "GMSD",
    GMSD,
    (
        *PREPARATION,
        Attribute(
            "constant",
            ("t",),
            lambda s: f"T = {s['t']:g}",
            lambda s: (
                "means of 2 x 2 pixels, an odd side extended by zeros; "
                "(2 g_x g_y + T) / (g_x^2 + g_y^2 + T) of Prewitt gradient magnitudes, gain 1, "
                f"zeros beyond the border, T = {s['t']:g} on a scale of 255"
            ),
        ),
        choice(
            "deviation",
            "deviation",
            {
                "sample": ("N - 1", "the standard deviation over positions, divided by N - 1"),
                "population": ("N", "the standard deviation over positions, divided by N"),
            },
        ),
        OVER_BATCH,
    ),
    Convention(
        "xue2014",
        "the authors' code on gray images, or on the unrounded luma of RGB",
        "GMSD.m",
        "tests/reference.py",
        1e-12,
    ),
    Convention(
        "matlab",
        "gray 8-bit images in MATLAB, as in tables of image quality databases",
        "GMSD.m on rgb2gray(uint8)",
        "tests/reference.py",
        1e-12,
        preparation=p.MATLAB_GRAY,
        gray="xue2014",
    ),
    Convention(
        "piq",
        "piq: the deviation over N",
        "piq.gmsd(data_range=...)",
        p.PIQ,
        1e-12,
        options={"deviation": "population"},
        notes=("The gradient of the original code is NaN for flat and for equal images.",),
    ),
)
