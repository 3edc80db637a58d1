"""MS-GMSD: the deviation of the similarity of gradient magnitudes on several scales.

``MS-GMSD = sqrt(sum_j w_j sigma_j^2)`` with ``sigma_j`` the standard deviation of
``((2 - a) g_x g_y + T) / (g_x^2 + g_y^2 - a g_x g_y + T)`` at scale ``j``. Each scale has half the
size of the previous one.

Zhang, Sander & Bermak, "Gradient magnitude similarity deviation on multiple scales for color image
quality assessment", ICASSP 2017.
"""

from typing import Literal, get_args

import torch
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
    IQ,
    OF_LUMA,
    backend_for,
    block_weight,
    channel_means,
    check_colors,
    check_least_side,
    gradient_weight,
    similarity_variance,
    weighs,
    weighted_mean,
    without_masked,
)
from ssimloss.kernels import Backed
from ssimloss.measure import Measure

Planes = Literal["luma", "yiq", "yiq_coarsest"]
PLANES: tuple[str, ...] = get_args(Planes)

_BETA = (0.01, 0.32, 15.0)  # beta_1, beta_2, beta_3 of the paper, for images from 0 to 255


class MSGMSDOptions(Backed, Reduced, Ranged):
    """Options of MS-GMSD.

    Args:
        scale_weights: ``w_j``, from the images' own size to the coarsest scale, divided by
            their sum.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        masking: ``a``, how much strong gradients mask differences; 0 is the similarity of GMSD.
        planes: ``"luma"``, or ``"yiq"`` for MS-GMSDc, which adds the difference of the colour
            planes I and Q of RGB images; ``"yiq_coarsest"`` adds it at the last scale (piq).
        backend: ``"auto"``, or the name of one, which runs or raises; kernels support no mask.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    scale_weights: tuple[float, ...] = (0.096, 0.596, 0.289, 0.019)
    t: float = 170.0
    masking: float = 0.5
    planes: Planes = "luma"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.weights("scale_weights", self.scale_weights)
        _checks.positive("t", self.t)
        if not 0 <= _checks.number("masking", self.masking) < 2:
            raise ValueError(f"masking must be at least 0 and less than 2, got {self.masking!r}")
        _checks.choice("planes", self.planes, PLANES)


def _ms_gmsd(
    pred: Tensor, target: Tensor, options: MSGMSDOptions, *, mask: Tensor | None = None
) -> Scores:
    """Gradient magnitude similarity deviation on several scales: 0 for equal images.

    Gray images are compared as they are, RGB images by their luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The first scale is the image itself; each
    further scale has means of 2 x 2 pixels. As for GMSD, the value depends on how unevenly
    gradients differ, not on how much, so combine it with a pixel loss.

    Where ``pred`` is flat, its gradient magnitude has no derivative. The gradient used there points
    towards the image gradient of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``2^scales`` pixels on the short side, 16 by default.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, an option value is
            unknown, or ``t`` is not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Sander & Bermak 2017. Agrees with piq as ``conventions.MS_GMSD["piq"]``.
    """
    check_colors(pred, target, mask)
    weights = options.scale_weights
    check_least_side(pred, 2 ** len(weights), f"for {len(weights)} scales")
    backend = backend_for(options.backend, pred, target, mask)
    dtype = native_dtype(pred, target)
    x, y, weight = without_masked(*promote(pred, target), mask, options.low)
    color, color_weight, valid = None, weight, gradient_weight(weight)
    coarsest = options.planes == "yiq_coarsest"
    if options.planes != "luma" and pred.shape[1] == 3:
        color = channel_means(
            x - y,
            IQ["four digits"],
            2 ** (len(weights) - 1) if coarsest else 1,
            backend,
            scale=255 / options.span,
            border="zeros_after",
        )  # the planes of the difference
        valid = valid if coarsest else weight
    x, y = (
        channel_means(image, OF_LUMA, 1, backend, low=options.low, scale=1 / options.span)
        for image in (x, y)
    )
    total = x.new_zeros(len(x))
    for scale, share in enumerate(weights):
        if scale:
            x, y = (channel_means(plane, OF_LUMA, 2, backend) for plane in (x, y))
            weight = None if weight is None else block_weight(weight, 2)
            color_weight = weight if coarsest else color_weight
        total = total + share * similarity_variance(
            x,
            y,
            weight,
            "prewitt",
            options.t / 255**2,
            deviation="population",
            backend=backend,
            masking=options.masking,
        )
    found = root(total / sum(weights))
    if color is not None:
        beta_1, beta_2, beta_3 = _BETA
        gamma = 2 / (1 + beta_2 * torch.exp(-beta_3 * found)) - 1
        squares = color.square().sum(1, keepdim=True)
        distance = beta_1 * root(weighted_mean(squares, color_weight))
        found = gamma * found + (1 - gamma) * distance
    return Scores(found, weighs(valid), 1, dtype)


MS_GMSD = Measure(
    "ms_gmsd",
    "MS-GMSD",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Zhang, Sander & Bermak 2017",
    _ms_gmsd,
    MSGMSDOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, similarity "
    "(1.5 g_x g_y + T) / (g_x^2 + g_y^2 - 0.5 g_x g_y + T) of Prewitt gradient magnitudes with "
    "T = 170 / 255^2 on four scales, root of the weighted mean of variances (Zhang, Sander & "
    "Bermak 2017)",
    module="MSGMSDLoss",
    metric="MSGMSD",
    takes_color=True,
    agrees="piq: 1e-15",
)
ms_gmsd = ms_gmsd_loss = MS_GMSD.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "MS_GMSD",
    MS_GMSD,
    (
        *PREPARATION,
        choice(
            "planes",
            "planes",
            {
                "luma": ("luma", "luma 0.299 R + 0.587 G + 0.114 B of colour images"),
                "yiq": ("luma, I and Q", "luma, and colour planes I and Q, of colour images"),
                "yiq_coarsest": (
                    "luma, I and Q of the last scale",
                    "luma, and colour planes I and Q at the last scale, of colour images",
                ),
            },
        ),
        Attribute(
            "similarity",
            ("t", "masking"),
            lambda s: f"T = {s['t']:g}, a = {s['masking']:g}",
            lambda s: (
                "((2 - a) g_x g_y + T) / (g_x^2 + g_y^2 - a g_x g_y + T) of Prewitt gradient "
                "magnitudes, gain 1, zeros beyond the border, "
                f"T = {s['t']:g} on a scale of 255, a = {s['masking']:g}"
            ),
        ),
        Attribute(
            "scales",
            ("scale_weights",),
            lambda s: ", ".join(f"{w:g}" for w in s["scale_weights"]),
            lambda s: (
                "root of the weighted mean of the variances over positions, divided by N, weights "
                + ", ".join(f"{w:g}" for w in s["scale_weights"])
            ),
        ),
        OVER_BATCH,
    ),
    Convention(
        "zhang2017",
        "the paper: luma",
        "the equation",
        "tests/reference.py",
        1e-12,
    ),
    Convention(
        "zhang2017_color",
        "the paper's MS-GMSDc: luma and colour",
        "the equation",
        "tests/reference.py",
        1e-12,
        options={"planes": "yiq"},
    ),
    Convention(
        "piq",
        "piq: luma",
        "piq.multi_scale_gmsd(data_range=...)",
        p.PIQ,
        1e-12,
        same_as="zhang2017",
        notes=("The gradient of the original code is NaN for flat and for equal images.",),
    ),
    Convention(
        "piq_color",
        "piq with chromatic=True",
        "piq.multi_scale_gmsd(chromatic=True)",
        p.PIQ,
        1e-12,
        options={"planes": "yiq_coarsest"},
        notes=("It takes the difference of colour planes at the coarsest scale.",),
    ),
)
