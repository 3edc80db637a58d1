"""GMSD: the deviation of the similarity of gradient magnitudes.

``GMS = (2 g_x g_y + T) / (g_x^2 + g_y^2 + T)`` with ``g`` the Prewitt gradient magnitude of the
luma at half size; GMSD is the standard deviation of GMS over the image.

Xue, Zhang, Mou & Bovik, "Gradient magnitude similarity deviation: a highly efficient perceptual
image quality index", 2014. The original program is ``GMSD.m`` of the authors.
"""

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.color import LUMA
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._corners import length
from ssimloss.image_gradients import erode, image_gradients
from ssimloss.measure import Measure

Deviation = Literal["sample", "population"]
DEVIATIONS: tuple[str, ...] = get_args(Deviation)
OddSizes = Literal["zeros", "zeros_both"]
ODD_SIZES: tuple[str, ...] = get_args(OddSizes)


class GMSDOptions(Reduced, Ranged):
    """Options of GMSD.

    Args:
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        deviation: ``"sample"`` divides by the number of positions less one, as MATLAB's ``std2``;
            ``"population"`` by their number (piq).
        odd_sizes: halving extends an odd side by a row of ``"zeros"``; ``"zeros_both"`` extends
            both sides if either is odd (piq).
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    t: float = 170.0
    deviation: Deviation = "sample"
    odd_sizes: OddSizes = "zeros"

    def __post_init__(self) -> None:
        """Raise for what cannot be computed, naming the option."""
        super().__post_init__()
        _checks.positive("t", self.t)
        _checks.choice("deviation", self.deviation, DEVIATIONS)
        _checks.choice("odd_sizes", self.odd_sizes, ODD_SIZES)


def _gmsd(
    pred: Tensor, target: Tensor, options: GMSDOptions, *, mask: Tensor | None = None
) -> Scores:
    """Gradient magnitude similarity deviation: 0 for equal images, larger for worse ones.

    Gray images are compared as they are, of RGB images the luma ``0.299 R + 0.587 G + 0.114 B``,
    which is not rounded. Means of 2 x 2 pixels at every second position are compared by their
    Prewitt gradients, with zeros beyond the border. The value of an image depends on how evenly its
    gradients differ, not on how much: weigh it with a pixel loss.

    Where ``pred`` is flat, the slope of its gradient magnitude has no direction. It is taken
    towards the gradient of ``target`` there, so that a flat image learns.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, unknown words, a ``t`` that
            is not positive.
        TypeError: integer tensors.

    Source: Xue et al. 2014. Agrees with the authors' program to float64 rounding, with piq as
    ``conventions.GMSD["piq"]``.
    """
    _checks.images(pred, target)
    _checks.mask(mask, pred)
    if pred.shape[1] not in (1, 3):
        raise ValueError(
            f"pred must be gray (N, 1, H, W) or RGB (N, 3, H, W), got {tuple(pred.shape)}; drop an "
            "alpha channel with [:, :3]"
        )
    dtype = native_dtype(pred, target)
    x, y = promote(pred, target)
    weight = None
    if mask is not None:
        x, y = torch.where(mask != 0, x, options.low), torch.where(mask != 0, y, options.low)
        weight = mask.to(x.dtype).amin(1, keepdim=True)
        # The smallest weight of a block; what extends an odd side counts as the image does.
        weight = erode(-max_pool2d(-_extended(weight, options.odd_sizes, 1.0), 2))
    x, y = (_halved_luma(image, options) for image in (x, y))  # (N, 1, H/2, W/2)
    gradients_x, gradients_y = _gradients(x), _gradients(y)
    g_x = length(*gradients_x, towards=gradients_y)
    g_y = length(*gradients_y, towards=gradients_x)
    t = options.t / 255**2
    similarity = (2 * g_x * g_y + t) / (g_x.square() + g_y.square() + t)
    return Scores(_deviation(similarity, weight, options.deviation), None, 1, dtype)


def _halved_luma(image: Tensor, options: GMSDOptions) -> Tensor:
    """Means of 2 x 2 pixels of the luma on a scale of [0, 1]."""
    if image.shape[1] == 3:
        red, green, blue = LUMA["bt601"][0]
        image = red * image[:, 0:1] + green * image[:, 1:2] + blue * image[:, 2:3]
    return avg_pool2d(_extended((image - options.low) / options.span, options.odd_sizes, 0.0), 2)


def _extended(image: Tensor, odd_sizes: OddSizes, value: float) -> Tensor:
    """Another row and column after the last where a side is odd."""
    odd_h, odd_w = image.shape[2] % 2, image.shape[3] % 2
    if odd_sizes == "zeros_both":
        odd_h = odd_w = max(odd_h, odd_w)
    return pad(image, (0, odd_w, 0, odd_h), value=value) if odd_h or odd_w else image


def _gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    """Prewitt gradients with a gain of 1 over three rows, zeros beyond the border."""
    dx, dy = image_gradients(pad(image, (1, 1, 1, 1)), "prewitt", "valid")
    return dx / 3, dy / 3


def _deviation(values: Tensor, weight: Tensor | None, deviation: Deviation) -> Tensor:
    """The standard deviation of each image ``(N, 1, H, W)``, with the slope 0 at 0: ``(N,)``."""
    # One row for each image: PyTorch 2.6 compiles sums over three dimensions to a backward that
    # writes beyond its memory.
    values = values.flatten(1)
    ones = torch.ones_like(values) if weight is None else weight.flatten(1)
    mass = ones.sum(1)
    mean = (ones * values).sum(1) / torch.where(mass > 0, mass, 1)
    squares = (ones * (values - mean.view(-1, 1)).square()).sum(1)
    if deviation == "sample":  # N - 1 for weights of 1
        mass = mass - ones.square().sum(1) / torch.where(mass > 0, mass, 1)
    variance = squares / torch.where(mass > 0, mass, 1)
    flat = variance == 0
    return torch.where(flat, 0, torch.where(flat, 1, variance).sqrt())


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
        choice(
            "halving at odd sizes",
            "odd_sizes",
            {
                "zeros": ("zeros", "means of 2 x 2 pixels, an odd side extended by zeros"),
                "zeros_both": (
                    "zeros at both sides",
                    "means of 2 x 2 pixels, both sides extended by zeros if either is odd",
                ),
            },
        ),
        Attribute(
            "constant",
            ("t",),
            lambda s: f"T = {s['t']:g}",
            lambda s: (
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
        "the authors' program on gray images, or on the unrounded luma of RGB",
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
        options={"deviation": "population", "odd_sizes": "zeros_both"},
        notes=("The gradient of the program is NaN for flat and for equal images.",),
    ),
)
