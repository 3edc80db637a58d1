"""The additive distortion measure of VMAF (ADM, the detail loss of DLM), at four scales.

A Daubechies-2 wavelet decomposes both frames into bands. The distorted bands ``T`` are split into a
restored part ``R`` of the reference bands ``O`` and an added part ``A``::

    R = T clipped to [0, O],  A = T - R
    adm = (sum_b |max(|f_b R_b| - threshold(A), 0)|_3 + c) / (sum_b |f_b O_b|_3 + c)

Li, Zhang, Ma & Ngan, "Image quality assessment by separately evaluating detail losses and additive
impairments", 2011; wavelet thresholds of Watson et al. 1997. Borders and constants are those of
libvmaf; ``docs/vmaf.md`` describes them.
"""

import math
from functools import partial

import torch
from torch import Tensor

from ssimloss._checks import DataRange
from ssimloss._constants import constant
from ssimloss._precision import full_precision, widened
from ssimloss.kernels import SCALE_SUMS, Backend, Measured, check_backend, scale_sums, select
from ssimloss.video._planes import centred, check_pair, codes
from ssimloss.video.vif import check_gain_limit

SCALES = 4
LOW = (0.482962913144690, 0.836516303737469, 0.224143868041857, -0.129409522550921)
HIGH = (-0.129409522550921, -0.224143868041857, 0.836516303737469, -0.482962913144690)
COS_SQUARED = math.cos(math.radians(1)) ** 2  # limit for bands that differ in contrast alone
# Amplitudes of the 9-7 wavelet per scale: for bands H and V, and for D.
_AMPLITUDES = ((0.67234, 0.72709), (0.41317, 0.49428), (0.22727, 0.28688), (0.11792, 0.15214))
_PIXELS_PER_DEGREE = 3.0 * 1080 * math.pi / 180  # 1080 lines viewed from three picture heights


def _sensitivity(scale: int, orientation: float, amplitude: float) -> float:
    """The reciprocal of the visible step of a coefficient (Watson et al. 1997, equation 9)."""
    octave = math.log10(2 ** (scale + 1) * 0.401 * orientation / _PIXELS_PER_DEGREE)
    return float(amplitude / (2 * 0.495 * 10 ** (0.466 * octave * octave)))


# Per scale: weights of the bands H, V and D.
SENSITIVITIES = tuple(
    (*(_sensitivity(scale, 1.0, straight),) * 2, _sensitivity(scale, 0.534, diagonal))
    for scale, (straight, diagonal) in enumerate(_AMPLITUDES)
)

_NUMBERS = (*(weight for weights in SENSITIVITIES for weight in weights), COS_SQUARED)


@full_precision
def adm(
    reference: Tensor,
    distorted: Tensor,
    *,
    enhancement_gain_limit: float = 100.0,
    data_range: DataRange = 255.0,
    backend: Backend = "auto",
) -> Tensor:
    """Additive distortion measure of luma planes, over all scales and at each scale.

    Args:
        reference, distorted: float luma ``(..., 1, H, W)`` with values in ``data_range``, at least
            16 pixels a side.
        enhancement_gain_limit: the largest contrast gain that counts as restored: 100 in VMAF, 1 in
            its NEG models.
        data_range: 255, 1023, 4095 and 65535 are codes of 8, 10, 12 and 16 bits, which are divided
            by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        ``(..., 5)``: ``adm2``, then ``adm_scale0`` to ``adm_scale3``. Equal planes have 1; added
        contrast raises the value.

    Raises:
        ValueError: shapes differ, there is more than one channel, a side has fewer than 16 pixels,
            or the gain limit is below 1.
        TypeError: tensors have integers.

    Source: Li et al. 2011, as in libvmaf. Agrees with its float extractor to 3e-4.
    """
    check_pair(reference, distorted)
    check_gain_limit(enhancement_gain_limit)
    check_backend(backend)
    x, y = codes(reference, data_range, "reference"), codes(distorted, data_range, "distorted")
    return adm_of(x, y, enhancement_gain_limit, backend).reshape(*reference.shape[:-3], 1 + SCALES)


def adm_of(x: Tensor, y: Tensor, limit: float, backend: Backend) -> Tensor:
    """The values ``(M, 5)`` for planes of codes ``(M, 1, H, W)``."""
    chosen = select(backend, y, x, SCALE_SUMS["detail"])
    if chosen == "eager":
        sums = adm_sums(x, y, limit)
    else:
        measured = measured_of(limit)
        equation = partial(sums_of_distorted, measured=measured)
        sums = scale_sums(y, x, measured, backend=chosen, equation=equation)
    return adm_of_sums(sums, x.shape[-2], x.shape[-1])


def measured_of(limit: float) -> Measured:
    """What kernels measure, with the largest gain that counts."""
    return Measured("detail", limit, _NUMBERS)


def sums_of_distorted(y: Tensor, x: Tensor, measured: Measured) -> Tensor:
    """:func:`adm_sums` in the order of kernels."""
    return adm_sums(x, y, measured.limit)


def adm_of_sums(sums: Tensor, height: int, width: int) -> Tensor:
    """The values ``(M, 5)`` from sums of cubes ``(M, 4, 2, 3)``."""
    total = _cube_root(widened(sums)).sum(-1)  # (M, 4, 2)
    total = total + constant(_constants(height, width), total)
    together = torch.cat((total.sum(1, keepdim=True), total), 1)
    return (together[..., 0] / together[..., 1]).to(sums.dtype)


def _constants(height: int, width: int) -> tuple[tuple[float], ...]:
    """The constant added to both sums of each scale."""
    constants = []
    for _ in range(SCALES):
        height, width = (height + 1) // 2, (width + 1) // 2
        area = (height - 2 * _border(height)) * (width - 2 * _border(width))
        constants.append((3 * (area / 32) ** (1 / 3),))
    return tuple(constants)


def adm_sums(x: Tensor, y: Tensor, limit: float) -> Tensor:
    """Sums of the cubes of visible coefficients ``(M, 4, 2, 3)``: per scale, for the restored and
    the reference bands H, V and D.
    """
    x, y = centred(x), centred(y)
    sums = []
    for weights in SENSITIVITIES:
        (x, *bands_x), (y, *bands_y) = _wavelet(x), _wavelet(y)
        sums.append(_sums(bands_x, bands_y, weights, limit))
    return torch.stack(sums, 1)


def _sums(
    bands_x: list[Tensor], bands_y: list[Tensor], weights: tuple[float, ...], limit: float
) -> Tensor:
    """``(M, 2, 3)``."""
    restored = _restored(bands_x, bands_y, limit)
    added = torch.stack(
        [w * (t - r).abs() for w, t, r in zip(weights, bands_y, restored, strict=True)]
    ).sum(0)
    threshold = _threshold(added)
    visible = [
        (w * r.abs() - threshold).clamp(min=0) for w, r in zip(weights, restored, strict=True)
    ]
    original = [w * o.abs() for w, o in zip(weights, bands_x, strict=True)]
    height, width = added.shape[-2:]
    top, left = _border(height), _border(width)
    inside = (..., slice(top, height - top), slice(left, width - left))
    cubes = [
        torch.stack([(b * b * b)[inside].sum(-1).sum(-1).squeeze(1) for b in bands], -1)
        for bands in (visible, original)
    ]
    return torch.stack(cubes, 1)


def _restored(bands_x: list[Tensor], bands_y: list[Tensor], limit: float) -> list[Tensor]:
    """The part of the reference's bands H, V and D that the distorted frame keeps."""
    zero = torch.zeros_like(bands_x[0])
    # The gradient of minimum and maximum is halved at ties: each of two equal bands gets half.
    found = [
        torch.maximum(torch.minimum(t, torch.maximum(o, zero)), torch.minimum(o, zero))
        for o, t in zip(bands_x, bands_y, strict=True)
    ]
    (o_h, o_v, _), (t_h, t_v, _) = bands_x, bands_y
    dot = o_h * t_h + o_v * t_v
    norms = (o_h * o_h + o_v * o_v) * (t_h * t_h + t_v * t_v)
    same = (dot >= 0) & (dot * dot >= COS_SQUARED * norms)
    enhanced = []
    for r, t in zip(found, bands_y, strict=True):
        more = torch.where(r > 0, torch.minimum(limit * r, t), torch.maximum(limit * r, t))
        enhanced.append(torch.where(same & (r != 0), more, r))
    return enhanced


def _threshold(added: Tensor) -> Tensor:
    """Masking by the added part: 1/30 of each of the eight neighbours and 1/15 of the centre."""
    wide = _extended(added, 1, 1)
    h, w = added.shape[-2:]
    rows = wide[..., :h, :] + wide[..., 1 : h + 1, :] + wide[..., 2:, :]
    box = rows[..., :w] + rows[..., 1 : w + 1] + rows[..., 2:]
    return (box + added) / 30


def _wavelet(planes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One level: the approximation and bands H, V and D, with ``ceil(n / 2)`` samples a side."""
    height, width = planes.shape[-2:]
    wide = _extended(planes, 1 + height % 2, 1 + width % 2)
    return _filtered(wide, height, width)


def _filtered(wide: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rows, columns = (height + 1) // 2, (width + 1) // 2
    down = [wide[..., k : k + 2 * rows - 1 : 2, :] for k in range(4)]
    low, high = (sum_of(taps, down) for taps in (LOW, HIGH))
    parts = []
    for lines in (low, high):
        across = [lines[..., k : k + 2 * columns - 1 : 2] for k in range(4)]
        parts += [sum_of(LOW, across), sum_of(HIGH, across)]
    a, v, h, d = parts
    return a, h, v, d


def sum_of(taps: tuple[float, ...], parts: list[Tensor]) -> Tensor:
    """``sum taps[k] parts[k]``."""
    total = taps[0] * parts[0]
    for tap, part in zip(taps[1:], parts[1:], strict=True):
        total = total + tap * part
    return total


def _extended(planes: Tensor, below: int, right: int) -> Tensor:
    """Pad by one row above and one column on the left, reflected without the edge, and by ``below``
    rows and ``right`` columns at the other sides, reflected with the edge.
    """
    for axis, after in ((-2, below), (-1, right)):
        size = planes.shape[axis]
        first = planes.narrow(axis, min(1, size - 1), 1)
        last = planes.narrow(axis, size - after, after).flip(axis)
        planes = torch.cat((first, planes, last), axis)
    return planes


def _border(size: int) -> int:
    """Samples that are ignored at each side of a band: a tenth, rounded as in libvmaf."""
    return max(int(size * 0.1 - 0.5), 0)


def _cube_root(value: Tensor) -> Tensor:
    """The cube root, with the slope 0 at 0."""
    positive = ~(value <= 0)  # NaN stays NaN
    return torch.where(positive, torch.where(positive, value, 1) ** (1 / 3), 0)
