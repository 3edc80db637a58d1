"""FSIM: similarity of phase congruency and gradient magnitude, weighted by phase congruency.

``FSIM = sum(S_PC S_G (S_I S_Q)^0.03 PC_m) / sum(PC_m)``, ``PC_m`` the larger phase congruency of
both images, ``S`` similarities ``(2 a b + T) / (a^2 + b^2 + T)``.

Zhang, Zhang, Mou & Zhang, "FSIM: a feature similarity index for image quality assessment", 2011;
phase congruency: Kovesi, "Image features from phase congruency", 1999. The original code is
``FeatureSIM.m`` of the authors.
"""

import math
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import planes as constant_planes
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._roots import real_power, root
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
from ssimloss.functional._log_gabor import angular, radial
from ssimloss.kernels import Backed, Backend, phase_congruency
from ssimloss.measure import Measure

Array = NDArray[np.float64]
Planes = Literal["yiq", "luma"]
PLANES: tuple[str, ...] = get_args(Planes)

_T1, _T2, _T3, _LAMBDA = 0.85, 160.0, 200.0, 0.03  # for images from 0 to 255
_SCALES, _ORIENTATIONS = 4, 4
_CHUNK = 65536  # pixels whose responses are computed together
_LEAST = 16  # pixels: the filters have wavelengths of 6 to 48


class FSIMOptions(Backed, Reduced, Ranged):
    """Options of FSIM.

    Args:
        planes: ``"yiq"`` also compares the colour planes I and Q of RGB images (FSIMc); ``"luma"``
            compares the luma alone.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels compute the shrunk
            luma, I and Q, and phase congruency.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    planes: Planes = "yiq"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("planes", self.planes, PLANES)


def _fsim(pred: Tensor, target: Tensor, options: FSIMOptions) -> Scores:
    """Feature similarity index: 1 for equal images, lower for worse ones.

    For RGB images this is FSIMc: luma, I and Q of YIQ, not rounded. Gray images are compared as
    they are. Images of more than 384 pixels on the short side are first shrunk to about 256, as in
    the authors' code. Phase congruency does not depend on contrast, and its gradient is 0 where
    an image is flat; the gradient of a flat image comes from gradients and colours. If both images
    are flat, all positions have equal weights.

    By definition, the gradient is many times as large on faint crops as on others, since phase
    congruency is relative to the amplitude. The similarity of the colours is raised to 0.03, which
    is infinitely steep at 0. Below 1e-4 its slope is that at 1e-4, so gradients of colours that
    differ much are smaller than the derivative.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small,
            unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Zhang, Mou & Zhang 2011. Agrees with the authors' code on five pairs of
    TID2013 to the four digits that it printed. ``conventions.FSIM["piq"]`` agrees with piq to 1e-12
    in float64.
    """
    return fsim_of(pred, target, options)


def fsim_of(
    pred: Tensor,
    target: Tensor,
    options: FSIMOptions,
    *,
    blocks: Literal["zeros", "drop"] = "zeros",
    yiq: str = "three digits",
    median: Literal["middle", "lower"] = "middle",
    negative: Literal["real", "magnitude"] = "real",
    epsilon: float = 1e-4,
    angles: Literal["columns", "rows"] = "columns",
) -> Scores:
    """FSIM with options for the details in which implementations differ."""
    check_colors(pred, target)
    check_least_side(pred, _LEAST, "for filters of 6 to 48 pixels")
    backend = backend_for(options.backend, pred, target, None)
    dtype = native_dtype(pred, target)
    x, y = promote(pred, target)
    if not len(x):  # an empty batch has no Fourier transform
        return Scores((x + y).flatten(1).sum(1), None, 1, dtype)
    short = min(pred.shape[2:])
    factor = factor_to_256(x) if blocks == "zeros" else max(1, round(short / 256))
    color = options.planes == "yiq" and x.shape[1] == 3
    rows = (BT601, *IQ[yiq]) if color else (BT601,)
    x, y = (
        channel_means(
            image,
            rows,
            factor,
            backend,
            low=options.low,
            scale=255 / options.span,
            border=blocks,
        )
        for image in (x, y)
    )
    gray_x, gray_y = x[:, :1], y[:, :1]
    details = {"median": median, "epsilon": epsilon, "angles": angles}
    pc_x, pc_y = (_phase_congruency(gray, backend, **details) for gray in (gray_x, gray_y))
    values = similarity(pc_x, pc_y, _T1) * gradient_similarity(gray_x, gray_y, "scharr", _T2)
    if color:
        s_iq = similarity(x[:, 1:], y[:, 1:], _T3)
        s_c = s_iq[:, 0:1] * s_iq[:, 1:2]
        values = values * real_power(s_c if negative == "real" else s_c.abs(), _LAMBDA)
    # Two flat images have no phase congruency at all; every position then counts alike.
    weight = torch.maximum(pc_x, pc_y) + torch.finfo(x.dtype).eps
    found = (values * weight).flatten(1).sum(1) / weight.flatten(1).sum(1)
    return Scores(found, None, 1, dtype)


def _phase_congruency(gray: Tensor, backend: Backend, **details: Any) -> Tensor:
    """Phase congruency of ``(N, 1, H, W)`` on a scale of 255, in [0, 1] (Kovesi's PC_2)."""
    # The filters are 0 at the mean. Transforms of sides with large prime factors spread its
    # rounding over all frequencies, which for a flat image would be taken for structure.
    gray = gray - gray.detach().mean(3, keepdim=True).mean(2, keepdim=True)
    if backend == "eager":
        parts = torch.split(gray, _images_at_once(gray))
        return torch.cat([_congruency(part, **details) for part in parts])
    h, w = gray.shape[2:]
    transposed = _is_transposed(details["angles"])
    return phase_congruency(
        gray,
        constant_planes(grouped_filters, h, w, transposed, like=gray),
        constant_planes(noise_factors, h, w, transposed, like=gray),
        epsilon=details["epsilon"],
        lower_median=details["median"] == "lower",
        backend=backend,
        equation=partial(_congruency, **details),
    )


def _images_at_once(gray: Tensor) -> int:
    """How many images are transformed together: on a CPU, so many that maps stay in its cache."""
    if gray.device.type != "cpu" or torch.compiler.is_compiling():
        return len(gray)
    return max(1, _CHUNK // (gray.shape[2] * gray.shape[3]))


def _congruency(gray: Tensor, *, median: str, epsilon: float, angles: str) -> Tensor:
    """Phase congruency of images of mean 0, from the half spectra of the real images."""
    h, w = gray.shape[2:]
    transposed = _is_transposed(angles)
    factors = constant_planes(noise_factors, h, w, transposed, like=gray)
    filters = constant_planes(half_filters, h, w, transposed, like=gray)[..., None]
    half = torch.view_as_real(torch.fft.rfft2(gray))  # (N, 1, H, W // 2 + 1, 2)
    turned = torch.stack((half[..., 1], -half[..., 0]), -1)  # times -i
    energies, amplitudes = [], []
    for factor, of_even, of_odd in zip(factors, *filters.unbind(), strict=True):
        # One orientation at a time: memory that fits is used again.
        energy, amplitude, first = _energy(
            _filtered(half, of_even, w), _filtered(turned, of_odd, w), epsilon
        )
        threshold = _median(first.flatten(1), median) * factor
        energies.append((energy + -threshold.view(-1, 1, 1, 1)).relu())
        amplitudes.append(amplitude)
    # Responses as small as the rounding of a transform of codes up to 255 have no phase.
    rounding = 4096 * torch.finfo(gray.dtype).eps
    return torch.stack(energies).sum(0) / (torch.stack(amplitudes).sum(0) + rounding)


def _is_transposed(angles: str) -> int:
    return int(angles == "rows")


def _energy(even: Tensor, odd: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Energy, sum of amplitudes and first amplitude of responses ``(N, S, H, W)``.

    With ``z_s`` the complex responses of the scales of one orientation and ``Z`` their sum, the
    energy ``sum_s A_s (cos - |sin|)`` of the deviations from the mean phase is
    ``(|Z|^2 - sum_s |Im(z_s conj(Z))|) / |Z|``.
    """
    tiny = torch.finfo(even.dtype).tiny  # lengths keep a finite slope at 0
    mean_even, mean_odd = even.sum(1, keepdim=True), odd.sum(1, keepdim=True)
    across = (odd * mean_even).addcmul(even, mean_odd, value=-1).abs().sum(1, keepdim=True)
    squares = mean_even * mean_even + mean_odd * mean_odd
    energy = (squares - across) / ((squares + tiny).sqrt() + epsilon)
    amplitude = ((even * even).addcmul(odd, odd) + tiny).sqrt()
    return energy, amplitude.sum(1, keepdim=True), amplitude[:, :1]


def _filtered(half: Tensor, transfer: Tensor, width: int) -> Tensor:
    """Real planes of half spectra ``(N, 1, H, W // 2 + 1, 2)`` under filters ``(S, ...)``."""
    size = (half.shape[2], width)
    found: Tensor = torch.fft.irfft2(torch.view_as_complex(half * transfer), s=size)
    return found


def _median(values: Tensor, median: str) -> Tensor:
    """Root of the median of squares of ``(N, P)``: ``(N,)``."""
    count = values.shape[-1]
    lower = values.kthvalue((count + 1) // 2, -1, keepdim=True).values
    if median == "lower" or count % 2:
        return lower[..., 0]
    # The next value, unless the lower one occurs again; faster than another kthvalue.
    above = values > lower
    again = above.sum(-1, keepdim=True) < count // 2
    following = torch.where(above, values, torch.inf).amin(-1, keepdim=True)
    upper = torch.where(again, lower, following)
    return root((lower * lower + upper * upper) / 2)[..., 0]


def log_gabor(h: int, w: int) -> Array:
    """Transfer functions of one-sided log-Gabor filters: ``(O, S, H, W)``, lowest frequency first.

    Wavelengths of 6, 12, 24 and 48 pixels, a ratio of bandwidth of 0.55; orientations of 0, 45, 90
    and 135 degrees, whose spread is a Gaussian of ``pi / 4 / 1.2``.
    """
    u, v = np.meshgrid(_frequencies(h), _frequencies(w), indexing="ij")
    radius, angle = np.hypot(u, v), np.arctan2(-u, v)
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1.0
    scales = [radial(radius, 6 * 2**s, math.log(0.55)) * low_pass for s in range(_SCALES)]
    step = math.pi / _ORIENTATIONS
    directions = [angular(angle, o * step, step / 1.2) for o in range(_ORIENTATIONS)]
    filters = np.stack(scales) * np.stack(directions)[:, None]
    filters[:, :, 0, 0] = 0.0
    return filters


def half_filters(h: int, w: int, transposed: int) -> Array:
    """The even and the odd part of the filters, on the half of the plane that determines a real
    image: ``(2, O, S, H, W // 2 + 1)``.
    """
    filters = _filters(h, w, transposed)
    mirrored = np.roll(np.flip(filters, (2, 3)), 1, (2, 3))
    parts = np.stack((filters + mirrored, filters - mirrored)) / 2
    return parts[..., : w // 2 + 1]


def grouped_filters(h: int, w: int, transposed: int) -> Array:
    """The filters of the whole plane as the kernel reads them, in groups of 16 columns with zeros
    beyond the last: ``(O, S, ceil(W / 16), H, 16)``.
    """
    # torch.compile cannot trace np.pad.
    filters = np.zeros((_ORIENTATIONS, _SCALES, h, w + -w % 16))
    filters[..., :w] = _filters(h, w, transposed)
    groups = filters.reshape(_ORIENTATIONS, _SCALES, h, -1, 16)
    return np.ascontiguousarray(groups.swapaxes(2, 3))


def _filters(h: int, w: int, transposed: int) -> Array:
    """The filters, or those of the transposed image, transposed: ``(O, S, H, W)``."""
    return log_gabor(w, h).swapaxes(2, 3) if transposed else log_gabor(h, w)


def _frequencies(size: int) -> Array:
    """Frequencies of the Fourier transform as in the authors' code: an odd axis ends at 1/2."""
    steps = np.arange(size, dtype=np.float64)
    steps[(size + 1) // 2 :] -= size
    return steps / (size - size % 2)


def noise_factors(h: int, w: int, transposed: int) -> Array:
    """By orientation, the noise threshold divided by the root of the median energy of the finest
    scale: mean and two deviations of a Rayleigh distribution, divided by 1.7.
    """
    filters = _filters(h, w, transposed)
    impulses = np.fft.ifft2(filters).real.sum(1) * math.sqrt(h * w)
    power = (impulses**2).sum((1, 2)) / (filters[:, 0] ** 2).sum((1, 2)) / math.log(2)
    rayleigh = math.sqrt(math.pi / 2) + 2 * math.sqrt(2 - math.pi / 2)
    factors: Array = np.sqrt(power) * rayleigh / 1.7
    return factors


FSIM = Measure(
    "fsim",
    "FSIM",
    "",
    "higher",
    1.0,
    (0.0, 1.0),
    "Zhang, Zhang, Mou & Zhang 2011",
    _fsim,
    FSIMOptions,
    formula="images shrunk to about 256 pixels, similarity of phase congruency (T1 = 0.85), Scharr "
    "gradient magnitude (T2 = 160) and, of colour images, I and Q of YIQ (T3 = T4 = 200, power "
    "0.03), weighted by phase congruency (Zhang, Zhang, Mou & Zhang 2011)",
    module="FSIMLoss",
    metric="FSIM",
    takes_color=True,
    agrees="piq: 1e-12; the authors' FeatureSIM.m: its four printed digits",
)
fsim, fsim_loss = FSIM.score, FSIM.loss
