"""Enhanced SSIM: the coefficient of variation of SSIM under square windows, after shrinking the
images to the size at which they are seen.

``CoV = std(SSIM) / mean(SSIM)`` over windows of equal weights. Images are first shrunk by
``round(d / 1.618)``, with ``d`` the viewing distance in heights of the image (self-adaptive scale
transform, Gu et al. 2013).

Venkataramanan, Wu, Bovik, Katsavounidis & Shahid, "A hitchhiker's guide to structural similarity",
2021. The original code is ``utlive/enhanced_ssim`` of the authors, written in C.
"""

import math
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ssimloss import _checks
from ssimloss._options import Reduced, derived
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._roots import root
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import make_window
from ssimloss.functional._gradient_similarity import (
    check_colors,
    luma_of,
    variance,
    weighs,
    weighted_mean,
    without_masked,
)
from ssimloss.functional._moments import local_statistics, shrunk, similarity_of
from ssimloss.functional._records import Stabilised
from ssimloss.measure import Measure

_HEIGHTS = 1.618  # the viewing distance in image heights at which an image keeps its size
_LEAST_MEAN = 0.01  # of SSIM, below which its reciprocal continues along the tangent


class EnhancedSSIMOptions(Reduced, Stabilised):
    """Options of enhanced SSIM.

    Args:
        window_size: side of the square window, in pixels of the shrunken image.
        stride: distance between windows, in the same pixels.
        viewing_distance: in heights of the image. Images are shrunk by
            ``round(viewing_distance / 1.618)``; up to 2.4 heights they keep their size.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    window_size: int = 11
    stride: int = 1
    viewing_distance: float = 6.0
    factor: int = derived()

    def __post_init__(self) -> None:
        """Check the options. Keep the factor of shrinking."""
        super().__post_init__()
        _checks.count("window_size", self.window_size)
        _checks.count("stride", self.stride)
        _checks.positive("viewing_distance", self.viewing_distance)
        self.derive(factor=max(1, math.floor(self.viewing_distance / _HEIGHTS + 0.5)))


def _enhanced_ssim(
    pred: Tensor, target: Tensor, options: EnhancedSSIMOptions, *, mask: Tensor | None = None
) -> Scores:
    """Enhanced SSIM, pooled by its coefficient of variation: 0 for equal images, larger for worse
    ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value depends on how unevenly images
    differ, not on how much: an image that is equally bad everywhere, such as a black one, is near
    0. Combine it with a pixel loss.

    The quotient jumps to infinity and becomes negative if the mean of SSIM does. Below a mean of
    0.01 its reciprocal continues along the tangent, so that worse images keep larger values. The
    deviation has the slope 0 where it is 0.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``. The shrunken
            image must hold a window: by default, 44 pixels on the short side do.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. Statistics
            are normalised convolutions over valid pixels only; the weight of a window is its share
            of valid pixels.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or smaller than a window, or an
            option is not positive.
        TypeError: integer tensors.

    Source: Venkataramanan et al. 2021. Agrees with the authors' code to 3e-6, the rounding of
    its float32 sums.
    """
    check_colors(pred, target, mask)
    _check_sides(pred, options)
    dtype = native_dtype(pred, target)
    x, y, weight = without_masked(*promote(pred, target), mask, options.low)
    x, y = (luma_of(image, options, options.span) for image in (x, y))
    if options.factor > 1:
        x, y, weight = shrunk(partial(_box, factor=options.factor), x, y, weight)
    window = make_window("uniform", options.window_size, 1.0, x)
    statistics = local_statistics(x, y, window, 1.0, weight)
    similarity = similarity_of(statistics, options.c1, options.c2, "ssim")
    step = options.stride
    similarity = similarity[..., ::step, ::step]
    mass = None if statistics.mass is None else statistics.mass[..., ::step, ::step]
    mean = weighted_mean(similarity, mass)
    deviation = root(variance(similarity, mass, "population"))
    near = mean < _LEAST_MEAN
    reciprocal = torch.where(
        near, (2 * _LEAST_MEAN - mean) / _LEAST_MEAN**2, 1 / torch.where(near, 1, mean)
    )
    return Scores(deviation * reciprocal, weighs(mass), 1, dtype)


def _check_sides(image: Tensor, options: EnhancedSSIMOptions) -> None:
    """Check that the shrunken image holds a window."""
    sides = [_kept(side, options.factor) for side in image.shape[2:]]
    if min(sides) < options.window_size:
        raise _checks.TooSmallError(
            f"pred and target of {tuple(image.shape[2:])} pixels, shrunk to {tuple(sides)}, are "
            f"smaller than the window of {options.window_size}; use larger crops, a smaller "
            "window_size, or a smaller viewing_distance"
        )


def _kept(side: int, factor: int) -> int:
    """Samples along an axis. The authors' code adds one for odd sides, rest or not."""
    return side if factor == 1 else side // factor + side % 2


def _box(image: Tensor, factor: int) -> Tensor:
    """Means about every ``factor``-th pixel, the first half a window before it; the image is
    mirrored at its edges.
    """
    before = factor // 2
    for axis in (2, 3):
        side = image.shape[axis]
        end = before + side  # of what is there
        wanted = factor * _kept(side, factor)
        parts = [image.narrow(axis, 0, before).flip(axis), image]
        if wanted > end:
            parts.append(image.narrow(axis, side - (wanted - end), wanted - end).flip(axis))
        image = torch.cat(parts, axis).narrow(axis, 0, wanted)
    return avg_pool2d(image, factor)


ENHANCED_SSIM = Measure(
    "enhanced_ssim",
    "Enhanced SSIM",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Venkataramanan, Wu, Bovik, Katsavounidis & Shahid 2021",
    _enhanced_ssim,
    EnhancedSSIMOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images shrunk by 4, for 6 image heights; "
    "SSIM under square windows of 11 pixels; its standard deviation over its mean "
    "(Venkataramanan et al. 2021)",
    module="EnhancedSSIMLoss",
    metric="EnhancedSSIM",
    takes_color=True,
    agrees="the authors' code: 3e-6, the rounding of its float32 sums",
)
enhanced_ssim = enhanced_ssim_loss = ENHANCED_SSIM.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "ENHANCED_SSIM",
    ENHANCED_SSIM,
    (
        *PREPARATION,
        Attribute(
            "size",
            ("viewing_distance",),
            lambda s: f"{s['viewing_distance']:g} image heights",
            lambda s: (
                "means of f x f pixels, f = round(d / 1.618), for a viewing distance of "
                f"{s['viewing_distance']:g} image heights"
            ),
        ),
        Attribute(
            "windows",
            ("window_size", "stride"),
            lambda s: f"{s['window_size']} pixels, stride {s['stride']}",
            lambda s: (
                f"square windows of {s['window_size']} pixels at every position"
                if s["stride"] == 1
                else f"square windows of {s['window_size']} pixels with a stride of {s['stride']}"
            ),
        ),
        Attribute(
            "constants",
            ("k1", "k2"),
            lambda s: f"{s['k1']:g}, {s['k2']:g}",
            lambda s: (
                f"SSIM with k1 = {s['k1']:g} and k2 = {s['k2']:g}, its standard deviation over its "
                "mean"
            ),
        ),
        OVER_BATCH,
    ),
    Convention(
        "venkataramanan2021",
        "the authors' code; of RGB, the unrounded luma",
        "ssim FMT W H REF DIST --spatial-aggregation-method cov",
        "utlive/enhanced_ssim fbd117b",
        5e-6,
        "its sums are float32",
        notes=(
            "Without --spatial-aggregation-method, the code overwrites its window type and "
            "leaves the pooling undefined.",
            "It reads the luma of video files.",
        ),
    ),
)
