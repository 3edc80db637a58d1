"""Equations of local moments for ``walk.py``, one function each.

The arguments of an equation are the local means and variances of two rows ``a`` and ``b``
(``FIELDS``) and their covariance, which is 0 if ``a`` and ``b`` are sum and difference; its
constants; and the factors of its sums. It returns the values at each position, and the derivatives
of their weighted sum with respect to the moments, in the same order. Derivatives with respect to
variances are doubled. NaN stays NaN.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# ruff: noqa: ARG001 - all equations have the same arguments

from typing import Any, NamedTuple

import triton
import triton.language as tl

PER_BIT = tl.constexpr(1.4426950408889634)
NOISE = tl.constexpr(2.0)  # of VMAF's VIF, on the scale of 8-bit codes
FLAT_SLOPE = tl.constexpr(4.0 / 65025.0)
LEAST = tl.constexpr(1e-10)


@triton.jit
def contrast_structure(means, variances, constants, factors):
    """``(2 cov_xy + C2) / (var_x + var_y + C2)`` as ``1 - var_d / (var_x + var_y + C2)``, with
    ``a = x + y`` and ``b = d = x - y``. For equal images it is exactly 1, with gradient 0.

    ``var_x + var_y`` is the mean of both variances, so no rounding takes the similarity out of
    [-1, 1].
    """
    var_a, var_b, _ = variances
    _, c2 = constants
    flat, alike = var_a <= 0, var_b <= 0
    var_a, var_b = tl.where(flat, 0.0, var_a), tl.where(alike, 0.0, var_b)
    over = 1.0 / (0.5 * (var_a + var_b) + c2)  # 1 / (var_x + var_y + C2)
    loss = var_b * over
    slope = factors[0] * over
    of_a = tl.where(flat, 0.0, slope * loss)
    of_b = tl.where(alike, 0.0, slope * (loss - 2.0))
    return (1.0 - loss,), (0.0, 0.0, of_a, of_b, 0.0)


@triton.jit
def ssim(means, variances, constants, factors):
    """Contrast and structure times luminance, ``1 - (mu_x - mu_y)^2 / (mu_x^2 + mu_y^2 + C1)``."""
    mean_a, mean_b = means
    c1, _ = constants
    over = 1.0 / (0.5 * (mean_a * mean_a + mean_b * mean_b) + c1)
    loss = mean_b * mean_b * over
    luminance = 1.0 - loss
    similarity, slopes = contrast_structure(means, variances, constants, (factors[0] * luminance,))
    slope = factors[0] * similarity[0] * over
    of_a, of_b = slope * mean_a * loss, -slope * mean_b * (1.0 + luminance)
    return (luminance * similarity[0],), (of_a, of_b, slopes[2], slopes[3], 0.0)


@triton.jit
def structure(means, variances, constants, factors):
    """``r* = cov_xy / (sigma_x sigma_y)`` with ``a = x`` and ``b = y``.

    It is 1 where both windows are flat, and 0 where one is. There, the derivative uses variances
    of at least that of low contrast.
    """
    var_x, var_y, cov = variances
    least, low_contrast = constants
    flat_x, flat_y = var_x <= least, var_y <= least
    flat, one_is_flat = flat_x & flat_y, flat_x ^ flat_y
    floor = tl.where(one_is_flat, low_contrast, least)
    held_x, held_y = var_x < floor, var_y < floor
    over_x = 1.0 / tl.sqrt(tl.where(held_x, floor, var_x))
    over_y = 1.0 / tl.sqrt(tl.where(held_y, floor, var_y))
    over = over_x * over_y
    r = cov * over
    high, low = r > 1.0, r < -1.0
    value = tl.where(high, 1.0, tl.where(low, -1.0, r))
    value = tl.where(flat, 1.0, tl.where(one_is_flat, 0.0, value))
    slope = tl.where(flat | high | low, 0.0, factors[0])
    of_x = tl.where(held_x, 0.0, -slope * r * over_x * over_x)
    of_y = tl.where(held_y, 0.0, -slope * r * over_y * over_y)
    return (value,), (0.0, 0.0, of_x, of_y, slope * over)


@triton.jit
def _log1p(value):
    """``log(1 + value)`` of non-negative numbers, to rounding."""
    rounded = 1.0 + value
    lost = rounded == 1.0
    ratio = value / tl.where(lost, 1.0, rounded - 1.0)
    return tl.where(lost, value, tl.log(rounded) * ratio)


@triton.jit
def _kept(s1, share, over, gain, rest, noise, silent, strong, rests, factors):
    """The signal ``g^2 s1 / (rest + N)``, whose logarithm is the kept information, and the
    derivatives of the weighted logarithms with respect to ``s1``, the variance of the difference,
    and the covariance.

    Args:
        share, over: ``cov / s1`` and ``1 / s1``.
        silent, strong: where no information is kept, and where the gain is clipped.
        rests: where ``rest`` has a derivative.
        factors: factors of the kept information and of the derivative of the total information.
    """
    over_noise = 1.0 / (tl.where(rests, rest, LEAST) + noise)
    signal = gain * gain * s1 * over_noise
    slope = factors[0] / (1.0 + signal)
    of_gain = tl.where(silent | strong, 0.0, 2.0 * slope * gain * s1 * over_noise)
    of_rest = tl.where(rests, -slope * signal * over_noise, 0.0)
    of_s1 = slope * gain * gain * over_noise + of_gain * share * over + of_rest * share * share
    return signal, of_s1 + factors[1], of_rest, -of_gain * over - 2.0 * of_rest * share


@triton.jit
def information(means, variances, constants, factors):
    """VMAF's VIF in bits, with ``a = y``, the reference, and ``b = d = y - x``.

    ``s1 = var_y``, ``g = 1 - cov / s1`` at most the limit, ``rest = var_d - cov^2 / s1``. The kept
    information is ``log2(1 + g^2 s1 / (rest + 2))``, the total is ``log2(1 + s1 / 2)``. A reference
    with a variance below 2 is flat: it keeps ``1 - s2 4 / 255^2`` with
    ``s2 = s1 - 2 cov + var_d``, and the total is 1.
    """
    raw_a, raw_b, cov = variances
    (limit,) = constants
    still, alike = raw_a <= 0, raw_b <= 0
    var_a, var_b = tl.where(still, 0.0, raw_a), tl.where(alike, 0.0, raw_b)
    flat = var_a < NOISE
    s1 = tl.where(flat, NOISE, var_a)
    over = 1.0 / s1
    share = cov * over
    raw_s2 = var_a - 2.0 * cov + var_b
    quiet = raw_s2 <= 0
    s2 = tl.where(quiet, 0.0, raw_s2)
    raw_gain = 1.0 - share
    silent = (s2 < LEAST) | (raw_gain < 0)
    strong = raw_gain > limit
    gain = tl.where(silent, 0.0, tl.where(strong, limit, raw_gain))
    raw_rest = var_b - cov * share
    # Where no information is kept, ``rest`` has no effect.
    rests = (raw_rest >= LEAST) & (silent == 0)
    kept = factors[0] * PER_BIT
    held = factors[1] * PER_BIT / (s1 + NOISE)
    signal, of_a, of_b, of_ab = _kept(
        s1, share, over, gain, raw_rest, NOISE, silent, strong, rests, (kept, held)
    )
    slope = tl.where(quiet, 0.0, -factors[0] * FLAT_SLOPE)
    of_a = tl.where(still, 0.0, tl.where(flat, slope, of_a))
    of_b = tl.where(alike, 0.0, tl.where(flat, slope, of_b))
    of_ab = tl.where(flat, -2.0 * slope, of_ab)
    values = (
        tl.where(flat, 1.0 - s2 * FLAT_SLOPE, _log1p(signal) * PER_BIT),
        tl.where(flat, 1.0, tl.log(1.0 + s1 * (1.0 / NOISE)) * PER_BIT),
    )
    return values, (0.0, 0.0, 2.0 * of_a, 2.0 * of_b, of_ab)


@triton.jit
def shared_information(means, variances, constants, factors):
    """VIF in the pixel domain in nats, with ``a = y``, the reference, and ``b = d = y - x``.

    As above without a limit of the gain. Windows with a variance below ``least`` share no
    information, and a reference below it has none.
    """
    raw_a, raw_b, cov = variances
    noise, least, epsilon = constants
    varies = raw_a >= least
    s1 = tl.where(varies, raw_a, 1.0)
    over = 1.0 / (s1 + epsilon)
    share = cov * over
    alike = raw_b <= 0
    var_b = tl.where(alike, 0.0, raw_b)
    silent = (raw_a - 2.0 * cov + var_b < least) | (raw_a - cov <= 0) | (raw_a < least)
    gain = tl.where(silent, 0.0, (raw_a - cov) * over)
    raw_rest = var_b - cov * share
    rests = (raw_rest >= epsilon) & (silent == 0)
    signal, of_a, of_b, of_ab = _kept(
        s1,
        share,
        over,
        gain,
        raw_rest,
        noise,
        silent,
        silent,
        rests,
        (factors[0], factors[1] / (s1 + noise)),
    )
    of_a, of_b = tl.where(varies, of_a, 0.0), tl.where(alike, 0.0, of_b)
    held = tl.where(varies, _log1p(s1 / noise), 0.0)
    kept = tl.where(cov == cov, _log1p(signal), cov)
    return (kept, held), (0.0, 0.0, 2.0 * of_a, 2.0 * of_b, of_ab)


class Equation(NamedTuple):
    """A function of moments, and its arguments."""

    point: Any  # a function of this module
    fields: str  # the meaning of a and b
    sums: int = 1  # number of sums of its values


EQUATIONS: dict[str, Equation] = {
    "ssim": Equation(ssim, "sum_and_difference"),
    "contrast_structure": Equation(contrast_structure, "sum_and_difference"),
    "structure": Equation(structure, "images"),
    "information": Equation(information, "reference_and_difference", sums=2),
    "shared_information": Equation(shared_information, "reference_and_difference", sums=2),
}
