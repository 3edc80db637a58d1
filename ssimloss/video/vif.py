"""Visual information fidelity as VMAF defines it, at four scales.

With local variances ``s1`` of the reference, ``s2`` of the distorted frame and their covariance
``s12`` under a Gaussian window of 17, 9, 5 or 3 taps::

    g = min(s12 / s1, gain limit),  sv = s2 - s12^2 / s1
    vif = sum log2(1 + g^2 s1 / (sv + 2)) / sum log2(1 + s1 / 2)

Sheikh & Bovik, "Image information and visual quality", 2006. The special cases are those of
libvmaf; ``docs/vmaf.md`` describes them.
"""

from functools import partial

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._constants import constant
from ssimloss._precision import full_precision
from ssimloss.filters import blur, rounded_weights, window_weights
from ssimloss.kernels import (
    SCALE_SUMS,
    Backend,
    Measured,
    Reference,
    Use,
    check_backend,
    scale_sums,
    select,
    use,
)
from ssimloss.video._planes import centred, check_pair, codes, mirrored

SCALES = 4
NOISE = 2.0  # variance of the neural noise, on the scale of 8-bit codes
EPS = 1e-10
FLAT_SLOPE = NOISE**2 / 255**2  # loss per variance of the distorted plane, for a flat reference
WINDOWS = tuple(
    window_weights("gaussian", taps, taps / 5)
    for taps in (2 ** (SCALES - scale) + 1 for scale in range(SCALES))
)

_NUMBERS = tuple(weight for window in WINDOWS for weight in window)
_WINDOWS32 = tuple(map(rounded_weights, WINDOWS))


@full_precision
def vif(
    reference: Tensor,
    distorted: Tensor,
    *,
    enhancement_gain_limit: float = 100.0,
    data_range: DataRange = 255.0,
    backend: Backend = "auto",
) -> Tensor:
    """Visual information fidelity of luma planes at the four scales of VMAF.

    Args:
        reference, distorted: float luma ``(..., 1, H, W)`` with values in ``data_range``, at least
            16 pixels a side.
        enhancement_gain_limit: the largest gain that counts: 100 in VMAF, 1 in its NEG models,
            which do not reward contrast and sharpening.
        data_range: 255, 1023, 4095 and 65535 are codes of 8, 10, 12 and 16 bits, which are divided
            by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        ``(..., 4)``: ``vif_scale0`` to ``vif_scale3``. Equal planes have 1. Noise on a flat
        reference has a value below 0.

    Raises:
        ValueError: shapes differ, there is more than one channel, a side has fewer than 16 pixels,
            or the gain limit is below 1.
        TypeError: tensors have integers.

    Source: Sheikh & Bovik 2006, as in libvmaf. Agrees with its float extractor to 2e-4.
    """
    check_pair(reference, distorted)
    check_gain_limit(enhancement_gain_limit)
    check_backend(backend)
    x, y = codes(reference, data_range, "reference"), codes(distorted, data_range, "distorted")
    return vif_of(x, y, enhancement_gain_limit, backend).reshape(*reference.shape[:-3], SCALES)


def check_gain_limit(limit: float) -> None:
    """Raise for a limit below 1, which would penalise an exact copy."""
    _checks.positive("enhancement_gain_limit", limit)
    if limit < 1:
        raise ValueError(
            f"enhancement_gain_limit must be at least 1, the gain of an equal frame, got {limit!r}"
        )


def vif_of(x: Tensor, y: Tensor, limit: float, backend: Backend) -> Tensor:
    """The values ``(M, 4)`` of planes of codes ``(M, 1, H, W)``."""
    measured = measured_of(limit)
    uses = partial(_uses, y, x, measured)
    chosen = select(backend, y, x, SCALE_SUMS["information"], uses=uses)
    if chosen == "eager":
        sums = vif_sums(x, y, limit)
    else:
        equation = partial(sums_of_distorted, measured=measured)
        sums = scale_sums(y, x, measured, backend=chosen, equation=equation)
    num, den = sums.unbind(-1)
    return num / den


def measured_of(limit: float) -> Measured:
    """What kernels measure, with the largest gain that counts."""
    return Measured("information", limit, _NUMBERS)


def sums_of_distorted(y: Tensor, x: Tensor, measured: Measured) -> Tensor:
    """:func:`vif_sums` in the order of kernels."""
    return vif_sums(x, y, measured.limit)


def _uses(y: Tensor, x: Tensor, measured: Measured) -> list[Use]:
    return [use(y, x, (measured,), Reference(sums_of_distorted, sums_of_distorted))]


def vif_sums(x: Tensor, y: Tensor, limit: float) -> Tensor:
    """Numerators and denominators ``(M, 4, 2)``, sums over the positions of each scale."""
    x, y = centred(x), centred(y)
    pair = torch.cat((x, x - y), 1)
    sums = []
    for scale in range(SCALES):
        window = window_of(scale, pair)
        if scale:
            pair = _halved(pair, window)
        of_x, of_d = pair.chunk(2, 1)
        sums.append(_sums(of_x, of_d, window, limit))
    return torch.stack(sums, 1)


def window_of(scale: int, like: Tensor) -> Tensor:
    """The Gaussian window of a scale, with unit sum."""
    weights = WINDOWS[scale] if like.dtype is torch.float64 else _WINDOWS32[scale]
    return constant(weights, like)


def _halved(planes: Tensor, window: Tensor) -> Tensor:
    """Filter, then take every second sample from the first on. An odd last one is dropped."""
    height, width = planes.shape[-2] // 2, planes.shape[-1] // 2
    filtered = _local_mean(planes, window)
    return filtered[..., ::2, ::2][..., :height, :width]


def _local_mean(planes: Tensor, window: Tensor) -> Tensor:
    return blur(mirrored(planes, window.numel() // 2), window)


def _sums(x: Tensor, d: Tensor, window: Tensor, limit: float) -> Tensor:
    """Sums ``(M, 2)`` from a reference and its difference from the distorted frame."""
    maps = _local_mean(torch.cat((x, d, x * x, d * d, x * d), 1), window)
    mu_x, mu_d, square_x, square_d, product = maps.chunk(5, 1)
    var_x = (square_x - mu_x * mu_x).clamp(min=0)
    var_d = (square_d - mu_d * mu_d).clamp(min=0)
    num, den = information(var_x, var_d, product - mu_x * mu_d, limit)
    return torch.stack([part.sum(-1).sum(-1).squeeze(1) for part in (num, den)], -1)


def information(
    var_x: Tensor, var_d: Tensor, cov_xd: Tensor, limit: float
) -> tuple[Tensor, Tensor]:
    """The information that the distorted frame keeps and that of the reference, per position, in
    bits.

    They are computed from the difference ``d = x - y``, so that equal frames have no rounding
    error: ``s12 = var_x - cov_xd``, ``s2 = var_x - 2 cov_xd + var_d``, and the variance that no
    gain explains is ``s2 - s12^2 / s1 = var_d - cov_xd^2 / var_x``.
    """
    flat = var_x < NOISE
    s1 = torch.where(flat, NOISE, var_x)
    s2 = (var_x - 2 * cov_xd + var_d).clamp(min=0)
    gain = 1 - cov_xd / s1
    residue = var_d - cov_xd * cov_xd / s1
    silent, opposed = s2 < EPS, gain < 0
    residue = torch.where(silent, 0, torch.where(opposed, s2, residue)).clamp(min=EPS)
    gain = torch.where(silent | opposed, 0, gain).clamp(max=limit)
    num = torch.log2(1 + gain * gain * s1 / (residue + NOISE))
    den = torch.log2(1 + s1 / NOISE)
    return torch.where(flat, 1 - s2 * FLAT_SLOPE, num), torch.where(flat, 1, den)
