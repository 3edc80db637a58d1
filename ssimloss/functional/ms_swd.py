"""MS-SWD: multi-scale sliced Wasserstein distance of patches of CIELAB, a colour difference of
images that need not be aligned.

``MS-SWD = mean over scales and directions w of mean |sort(w * x) - sort(w * y)|``. ``x`` and ``y``
are all patches of 11 x 11 pixels at one scale of a Gaussian pyramid, in CIELAB; ``w`` are random
unit vectors.

He, Wang, Wang, Liu, Fang, Sun & Ma, "Multiscale sliced Wasserstein distances as perceptual color
difference measures", 2024. The original code is ``MS_SWD.py`` of the authors; its learned form is
not included.
"""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.color.channels import linear_light
from ssimloss.color.lab import LAB_EXACT, lab_of_xyz
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import pad
from ssimloss.functional._gradient_similarity import check_colors, check_least_side, combined
from ssimloss.functional._moments import offset_of
from ssimloss.functional._pyramids import reduced
from ssimloss.functional.flip import XYZ
from ssimloss.functional.projections import sorted_distance, unit_vectors
from ssimloss.kernels import Backed
from ssimloss.measure import Measure

_OUTER = 1 / 16  # tap of the pyramid


class MSSWDOptions(Backed, Reduced, Ranged):
    """Options of MS-SWD.

    Args:
        scales: number of scales, each half as large as the one before.
        projections: number of random directions at each scale.
        patch_size: side of the patches in pixels, odd.
        seed: seed of the directions, which are the same in every call. The value depends on the
            seed; with more projections, it depends less.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    scales: int = 5
    projections: int = 128
    patch_size: int = 11
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.count("scales", self.scales)
        _checks.count("projections", self.projections)
        if _checks.count("patch_size", self.patch_size) % 2 == 0:
            raise ValueError(
                f"patch_size must be odd, got {self.patch_size}; an even patch has no centre"
            )
        _checks.count("seed", self.seed, least=0)


def _ms_swd(pred: Tensor, target: Tensor, options: MSSWDOptions) -> Scores:
    """Multi-scale sliced Wasserstein distance: 0 for equal images, larger for other colours.

    Images are sRGB. A gray image is treated as RGB with three equal channels. Values beyond the
    range are converted by the same formulas. Patches are compared as sets, so a shift changes the
    value little: add a pixel loss if positions matter. The authors' command shrinks images to 256
    pixels on the short side first; their module and this function do not.

    The order of equal patches is arbitrary, so a flat image learns the colours of the target, not
    their places. Projections are taken in steps of bounded memory.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, more than
            ``patch_size // 2 * 2 ** (scales - 1)`` pixels on the short side: 81 by default.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``patch_size`` is
            even, a count is below 1, or ``seed`` is negative.
        TypeError: integer tensors.

    Source: He et al. 2024, without its learned form. Given the same directions, it agrees with the
    authors' code to 1e-7, the rounding of its white point.
    """
    check_colors(pred, target)
    side = options.patch_size
    half = side // 2
    least = max(half, int(options.scales > 1)) * 2 ** (options.scales - 1) + 1
    check_least_side(pred, least, f"for {options.scales} scales and patches of {side} x {side}")
    dtype = native_dtype(pred, target)
    x, y = ((image - options.low) / options.span for image in promote(pred, target))
    count = options.scales * options.projections
    directions = unit_vectors(options.seed, count, 3, side, side, like=x)
    total = x.new_zeros(len(x))
    for scale, of_scale in enumerate(torch.split(directions, options.projections)):
        if scale:
            x, y = (reduced(image, _OUTER, "reflect") for image in (x, y))
        of_x, of_y = _lab(x), _lab(y)
        # The same number off both leaves their differences, and projections round less.
        offset = offset_of(of_y.detach().mean((2, 3), keepdim=True))
        of_x, of_y = (pad(image - offset, half, "reflect") for image in (of_x, of_y))
        total = total + sorted_distance(of_x, of_y, of_scale, power=1, backend=options.backend)
    return Scores(total / options.scales, None, 1, dtype)


def _lab(image: Tensor) -> Tensor:
    """CIELAB of sRGB in [0, 1]: ``(N, 3, H, W)``."""
    return lab_of_xyz(combined(linear_light(image.expand(-1, 3, -1, -1)), XYZ), LAB_EXACT)


MS_SWD = Measure(
    "ms_swd",
    "MS-SWD",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "He, Wang, Wang, Liu, Fang, Sun & Ma 2024",
    _ms_swd,
    MSSWDOptions,
    formula="five scales of a Gaussian pyramid in CIELAB, patches of 11 x 11 pixels projected on "
    "128 random directions, mean difference of sorted projections, mean over scales "
    "(He et al. 2024)",
    module="MSSWDLoss",
    metric="MSSWD",
    takes_color=True,
    agrees="the authors' MS_SWD.py with the same directions: 1e-7",
)
ms_swd = ms_swd_loss = MS_SWD.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "MS_SWD",
    MS_SWD,
    (
        *PREPARATION,
        Attribute(
            "projections",
            ("scales", "projections", "patch_size", "seed"),
            lambda s: (
                f"{s['scales']} scales, {s['projections']} directions of {s['patch_size']} x "
                f"{s['patch_size']} pixels, seed {s['seed']}"
            ),
            lambda s: (
                f"{s['scales']} scales of a Gaussian pyramid of sRGB, CIELAB of each, patches of "
                f"{s['patch_size']} x {s['patch_size']} pixels on {s['projections']} random "
                f"directions of seed {s['seed']}; mean difference of sorted projections"
            ),
        ),
        OVER_BATCH,
    ),
    Convention(
        "he2024",
        "the authors' module, with directions from a seed",
        "MS_SWD(num_scale=5, num_proj=128)",
        "MS-SWD 5e878dc",
        1e-7,
        exact="the inverse of its white point has ten digits",
        notes=(
            "The original draws new directions in each call; here they depend on the seed only.",
            "Its command line shrinks images to 256 pixels on the short side first.",
        ),
    ),
)
