"""SR-SIM: similarity of spectral residual saliency and gradient magnitude, weighted by saliency.

``SR-SIM = sum(S_V S_G^a V_m) / sum(V_m)``. ``V_m`` is the larger saliency of the two images, and
``S`` are similarities ``(2 a b + C) / (a^2 + b^2 + C)``. The saliency is
``|F^-1(F / exp(mean log |F|))|^2`` of the spectrum ``F`` at a quarter of the size, smoothed.

Zhang & Li, "SR-SIM: a fast and high performance IQA index based on spectral residual", 2012;
saliency: Hou & Zhang, "Saliency detection: a spectral residual approach", 2007. The original code
is ``SR_SIM.m`` of the authors.
"""

import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._roots import held_power, real_power
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, YIQ_MATRIX, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.filters import blur, make_window
from ssimloss.filters import pad as extended
from ssimloss.functional._gradient_similarity import (
    BT601,
    IQ,
    backend_for,
    channel_means,
    check_colors,
    check_least_side,
    factor_to_256,
    gradient_similarity,
    similarity,
)
from ssimloss.functional._resizing import cubic, quarter, resized
from ssimloss.functional._spectra import with_mean
from ssimloss.kernels import Backed
from ssimloss.measure import Measure

Planes = Literal["luma", "yiq"]
PLANES: tuple[str, ...] = get_args(Planes)

_C1, _C2, _C3, _LAMBDA = 0.40, 225.0, 200.0, 0.03  # for images from 0 to 255
_TAPS, _SIGMA = 10, 3.8  # of the saliency
_STEEPEST = 1e-2  # below this magnitude, slopes are constant
# Magnitudes up to this, in codes, can come from rounding in float32. float64 uses the same bound,
# so that values and gradients do not depend on the dtype.
_NONE = 4096 * 2.0**-23
_LEAST = 16  # pixels, four of the saliency


class SRSIMOptions(Backed, Reduced, Ranged):
    """Options of SR-SIM.

    Args:
        planes: ``"luma"`` compares the luma only; ``"yiq"`` also compares the colour planes I and Q
            of RGB images, as FSIMc does.
        alpha: exponent of the similarity of gradients.
        backend: computes luma, I and Q of the shrunk images; ``"auto"``, or a name, which runs or
            raises.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    planes: Planes = "luma"
    alpha: float = 0.5

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("planes", self.planes, PLANES)
        _checks.fraction("alpha", self.alpha)


def _sr_sim(pred: Tensor, target: Tensor, options: SRSIMOptions) -> Scores:
    """Spectral residual based similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' code. Saliency is computed at a
    quarter of that size and interpolated, so it may lie slightly outside [0, 1].

    The logarithm of a spectrum is infinite where the spectrum is 0. Magnitudes are therefore
    bounded below by the rounding of a transform in float32, in every dtype. Below a hundredth of a
    code, the slopes of the logarithm and of the division are constant: flat images have a saliency
    and a gradient. A black image has no saliency; for two black images, all positions have equal
    weight.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``alpha`` is
            outside [0, 1], or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang & Li 2012; ``planes="yiq"`` as piq has it. Agrees with piq as
    ``conventions.SR_SIM["piq"]``.
    """
    return _sr_sim_of(pred, target, options)


def _sr_sim_of(
    pred: Tensor,
    target: Tensor,
    options: SRSIMOptions,
    *,
    yiq: str = "three digits",
    negative: Literal["real", "magnitude"] = "real",
) -> Scores:
    """SR-SIM with the details in which implementations differ."""
    check_colors(pred, target)
    check_least_side(pred, _LEAST, "for a saliency of 4 x 4")
    backend = backend_for(options.backend, pred, target, None)
    dtype = native_dtype(pred, target)
    x, y = promote(pred, target)
    if not len(x):  # an empty batch has no Fourier transform
        return Scores((x + y).flatten(1).sum(1), None, 1, dtype)
    factor = factor_to_256(x)
    color = options.planes == "yiq" and x.shape[1] == 3
    rows = (BT601, *IQ[yiq]) if color else (BT601,)
    x, y = (
        channel_means(image, rows, factor, backend, low=options.low, scale=255 / options.span)
        for image in (x, y)
    )
    gray_x, gray_y = x[:, :1], y[:, :1]
    saliency = _saliency(torch.cat((gray_x, gray_y)))
    vs_x, vs_y = saliency[: len(x)], saliency[len(x) :]
    s_g = gradient_similarity(gray_x, gray_y, "scharr", _C2)
    values = similarity(vs_x, vs_y, _C1) * held_power(s_g, options.alpha)
    if color:
        s_iq = similarity(x[:, 1:], y[:, 1:], _C3)
        s_c = s_iq[:, 0:1] * s_iq[:, 1:2]
        values = values * real_power(s_c if negative == "real" else s_c.abs(), _LAMBDA)
    # Without any saliency, all positions have equal weight.
    weight = torch.maximum(vs_x, vs_y) + torch.finfo(x.dtype).eps
    found = (values * weight).flatten(1).sum(1) / weight.flatten(1).sum(1)
    return Scores(found, None, 1, dtype)


def _saliency(gray: Tensor) -> Tensor:
    """Spectral residual saliency of ``(N, 1, H, W)`` on a scale of 255, about in [0, 1]."""
    h, w = gray.shape[2:]
    parts = _spectrum(gray)
    logarithm = _log_magnitude(parts.square().sum(-1))
    around = blur(extended(logarithm, 1, "replicate"), make_window("uniform", 3, 1.0, gray))
    residual = torch.view_as_complex(_divided(parts, around.unsqueeze(-1)))
    energy = torch.view_as_real(torch.fft.ifft2(residual, norm="ortho")).square().sum(-1)
    before, behind = (_TAPS - 1) // 2, _TAPS // 2
    wide = pad(energy, (before, behind, before, behind))
    smooth = blur(wide, make_window("gaussian", _TAPS, _SIGMA, gray))
    low = smooth.amin((2, 3), keepdim=True)
    extent = smooth.amax((2, 3), keepdim=True) - low
    # Energies are about 1, unless the image is black.
    unit = (smooth - low) / (extent + torch.finfo(gray.dtype).eps)
    return resized(unit, (h, w), cubic)


def _spectrum(gray: Tensor) -> Tensor:
    """Real and imaginary parts of the spectrum at a quarter of the size, ``(N, 1, H', W', 2)``."""
    h, w = (-(-side // 4) for side in gray.shape[2:])
    mean = gray.detach().mean((2, 3), keepdim=True)
    spectrum = torch.fft.fft2(resized(gray - mean, (h, w), quarter), norm="ortho")
    return torch.view_as_real(with_mean(spectrum, mean, h * w))


def _log_magnitude(power: Tensor) -> Tensor:
    """``log |F|`` from ``|F|^2``. Its slope is infinite at 0; for ``|F|`` below 0.01 codes, the
    slope at 0.01 is used.
    """
    near = power < _STEEPEST**2
    fixed = power.detach()
    inside = 0.5 * fixed.clamp(min=_NONE**2).log() + (power - fixed) / (2 * _STEEPEST**2)
    return torch.where(near, inside, 0.5 * torch.where(near, 1, power).log())


def _divided(parts: Tensor, logarithm: Tensor) -> Tensor:
    """``F / exp(logarithm)``, with the slope of a division by at least 0.01 codes."""
    near = logarithm < math.log(_STEEPEST)
    fixed = parts.detach()
    inverse = (-logarithm).exp()
    return torch.where(near, fixed * inverse + (parts - fixed) / _STEEPEST, parts * inverse)


SR_SIM = Measure(
    "sr_sim",
    "SR-SIM",
    "",
    "higher",
    1.0,
    (0.0, 1.0),
    "Zhang & Li 2012",
    _sr_sim,
    SRSIMOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images shrunk to about 256 pixels, "
    "similarity of spectral residual saliency (C1 = 0.4) and of Scharr gradient magnitude "
    "(C2 = 225, power 0.5), weighted by saliency (Zhang & Li 2012)",
    module="SRSIMLoss",
    metric="SRSIM",
    takes_color=True,
    agrees="piq: 1e-6, the rounding of its float32 resize",
)
sr_sim, sr_sim_loss = SR_SIM.score, SR_SIM.loss

# --- conventions ----------------------------------------------------------------------------------


_PIQ_NOTES = (
    "The original code resizes in float32 whatever the images are.",
    "It scales the saliency of a whole batch to [0, 1]; here each image is scaled separately, as "
    "the original code does with one image.",
    "It rounds halves of the shrinking factor to even, as at 640 pixels.",
)
CONVENTIONS = Table(
    "SR_SIM",
    SR_SIM,
    (
        *PREPARATION,
        Attribute(
            "similarity",
            ("alpha",),
            lambda s: f"alpha = {s['alpha']:g}",
            lambda s: (
                "means of f x f pixels, f = max(1, round(min(H, W) / 256)), zeros beyond the "
                "border; similarity of spectral residual saliency at a quarter of the size "
                f"(C1 = 0.4) and of Scharr gradients (C2 = 225) to the power {s['alpha']:g}"
            ),
        ),
        choice(
            "planes",
            "planes",
            {
                "luma": ("luma", "luma 0.299 R + 0.587 G + 0.114 B of colour images"),
                "yiq": (
                    "Y, I and Q",
                    "Y of colour images, and similarity of I and Q to the power 0.03",
                ),
            },
        ),
        YIQ_MATRIX,
        choice(
            "negative similarity of colours",
            "negative",
            {
                "real": ("real part", "the real part of powers of negative similarities"),
                "magnitude": ("magnitude", "powers of the magnitude of similarities"),
            },
        ),
        OVER_BATCH,
    ),
    Convention("zhang2012", "the authors' code", "SR_SIM.m", "tests/reference.py", 1e-10),
    Convention(
        "matlab",
        "8-bit images in MATLAB: the values of RGB files",
        "SR_SIM.m on uint8",
        "tests/reference.py",
        1e-10,
        preparation=p.MATLAB_RGB,
    ),
    Convention(
        "piq",
        "piq with its defaults: of the luma",
        "piq.srsim(data_range=...)",
        p.PIQ,
        1e-6,
        exact="the original code resizes in float32",
        same_as="zhang2012",
        notes=_PIQ_NOTES,
    ),
    Convention(
        "piq_color",
        "piq with I and Q",
        "piq.srsim(data_range=..., chromatic=True)",
        p.PIQ,
        1e-6,
        exact="the original code resizes in float32",
        options={"planes": "yiq", "yiq": "four digits", "negative": "magnitude"},
        notes=("The original code refuses gray images.", *_PIQ_NOTES),
    ),
    function=with_details(SR_SIM, _sr_sim_of),
)
