"""VIF in the pixel domain: the information that the distorted image shares with the reference.

``VIF = sum log(1 + g^2 var_y / (var_v + N)) / sum log(1 + var_y / N)`` over windows and scales,
with ``g = cov_xy / var_y`` the gain of the distortion, ``var_v = var_x - g cov_xy`` its noise and
``N`` the noise of the eye; ``x`` is distorted, ``y`` the reference.

Sheikh & Bovik, "Image information and visual quality", 2006. The original implementation is
``vifp_mscale.m`` of the authors; their VIF in the wavelet domain, ``vifvec.m``, is another measure,
and so is the VIF of VMAF.
"""

from functools import partial

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import constant
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.filters import blur_along, window_weights
from ssimloss.functional._gradient_similarity import (
    OF_LUMA,
    channel_means,
    check_colors,
    check_least_side,
)
from ssimloss.functional._moments import local_statistics
from ssimloss.kernels import (
    BLOCK_MEANS,
    LEAST_SIDE,
    SCALE_SUMS,
    Backed,
    Measured,
    Reference,
    Use,
    scale_sums,
    select,
    use,
)
from ssimloss.measure import Measure

_TAPS = (17, 9, 5, 3)  # of Gaussians with a deviation of a fifth
_WINDOWS = tuple(weight for taps in _TAPS for weight in window_weights("gaussian", taps, taps / 5))
_FLAT = 1e-10  # a variance on a scale of 255


class VIFOptions(Backed, Reduced, Ranged):
    """Options of VIF.

    Args:
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    noise: float = 2.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.positive("noise", self.noise)


def _vif(pred: Tensor, target: Tensor, options: VIFOptions) -> Scores:
    """Visual information fidelity in the pixel domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Windows are whole. What is shared rises
    with the square of the shared detail, so a flat image, or the negative of the target, has the
    gradient 0: add a pixel loss. If the target is flat, the score is 1. Windows count as flat if
    rounding can have made their variance. The information of the target is the denominator, so that
    by definition, the gradient against a nearly flat crop can be hundreds of times as large as
    against most crops. In a sum of losses, ``GradientShare`` bounds it.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            41 pixels on the short side. The measure is not symmetric.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, noise that is
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sheikh & Bovik 2006. Agrees with piq as ``conventions.VIF["piq"]``.
    """
    return _vif_of(pred, target, options)


def _vif_of(pred: Tensor, target: Tensor, options: VIFOptions, *, epsilon: float = _FLAT) -> Scores:
    """VIF with the constant in which implementations differ."""
    check_colors(pred, target)
    check_least_side(pred, LEAST_SIDE["shared_information"], "for four scales")
    dtype = native_dtype(pred, target)
    x, y = promote(pred, target)
    measured = measured_of(x.dtype, options.noise, epsilon)
    kernels, uses = SCALE_SUMS["shared_information"], partial(_uses, x, y, measured)
    backend = select(options.backend, x, y, kernels, uses=uses)
    of_luma = backend if backend in BLOCK_MEANS else "eager"
    x, y = (
        channel_means(image, OF_LUMA, 1, of_luma, low=options.low, scale=255 / options.span)
        for image in (x, y)
    )
    if backend == "eager":
        sums = vif_sums(x, y, measured)
    else:
        equation = partial(vif_sums, measured=measured)
        sums = scale_sums(x, y, measured, backend=backend, equation=equation)
    shared, whole = sums.sum(1).unbind(-1)
    return Scores((shared + epsilon) / (whole + epsilon), None, 1, dtype)


def measured_of(dtype: torch.dtype, noise: float = 2.0, epsilon: float = _FLAT) -> Measured:
    """What kernels and :func:`vif_sums` measure of planes of a dtype."""
    flat = max(epsilon, torch.finfo(dtype).eps * 255**2 / 4)  # what rounding can make
    return Measured("shared_information", float("inf"), (*_WINDOWS, noise, flat, epsilon))


def vif_sums(x: Tensor, y: Tensor, measured: Measured) -> Tensor:
    """What is shared and what the reference holds at each scale, ``(N, 4, 2)``."""
    *windows, noise, flat, epsilon = measured.numbers
    x, y = promote(x, y)
    sums, first = [], 0
    for taps in _TAPS:
        window = constant(tuple(windows[first : first + taps]), x)
        if first:
            both = torch.cat((x, y), 1)
            both = blur_along(both, window, 2)[:, :, ::2]
            both = blur_along(both, window, 3)[..., ::2]
            x, y = both[:, 0:1], both[:, 1:2]
        first += taps
        s = local_statistics(x, y, window, 1.0, None, separate=True)
        assert s.var_x is not None
        assert s.var_y is not None
        assert s.cov_xy is not None
        varies = s.var_y >= flat
        shares = varies & (s.var_x >= flat) & (s.cov_xy > 0)
        g = torch.where(shares, s.cov_xy, 0) / (s.var_y + epsilon)
        rest = (s.var_x - g * s.cov_xy).clamp(min=epsilon) + noise
        shared = torch.log1p(g * g * s.var_y / rest)
        whole = torch.log1p(torch.where(varies, s.var_y, 0) / noise)
        sums.append(torch.stack([part.flatten(1).sum(1) for part in (shared, whole)], -1))
    return torch.stack(sums, 1)


def _uses(x: Tensor, y: Tensor, measured: Measured) -> list[Use]:
    return [use(x, y, (measured,), Reference(vif_sums, vif_sums))]


VIF = Measure(
    "vif",
    "VIF, pixel domain",
    "",
    "higher",
    1.0,
    (0.0, float("inf")),
    "Sheikh & Bovik 2006",
    _vif,
    VIFOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, information shared under Gaussian "
    "windows of 17, 9, 5 and 3 taps on four scales, noise of 2 on a scale of 255, whole windows "
    "(Sheikh & Bovik 2006, vifp_mscale.m)",
    module="VIFLoss",
    metric="VIF",
    takes_color=True,
    agrees="the authors' vifp_mscale.m as a formula, piq: 1e-12",
)
vif, vif_loss = VIF.score, VIF.loss

# --- conventions ----------------------------------------------------------------------------------


CONVENTIONS = Table(
    "VIF",
    VIF,
    (
        *PREPARATION,
        Attribute(
            "noise",
            ("noise",),
            lambda s: f"{s['noise']:g}",
            lambda s: (
                "Gaussian windows of 17, 9, 5 and 3 taps on four scales, whole windows only; "
                f"noise of {s['noise']:g} on a scale of 255"
            ),
        ),
        Attribute(
            "flat",
            ("epsilon",),
            lambda s: f"{s['epsilon']:g}",
            lambda s: f"variances below {s['epsilon']:g} count as 0",
        ),
        OVER_BATCH,
    ),
    Convention(
        "sheikh2006",
        "the authors' code on gray images, or on the unrounded luma of RGB",
        "vifp_mscale.m",
        "tests/reference.py",
        1e-10,
    ),
    Convention(
        "matlab",
        "gray 8-bit images in MATLAB",
        "vifp_mscale.m on rgb2gray(uint8)",
        "tests/reference.py",
        1e-10,
        preparation=p.MATLAB_GRAY,
        gray="sheikh2006",
    ),
    Convention(
        "piq",
        "piq with its defaults",
        "piq.vif_p(data_range=...)",
        p.PIQ,
        1e-10,
        options={"epsilon": 1e-8},
        notes=("Its loss cuts the score to [0, 1], which stops at higher contrast.",),
    ),
    function=with_details(VIF, _vif_of),
)
