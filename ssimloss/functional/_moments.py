"""Local statistics of a pair of images, and similarity maps computed from them, in plain
differentiable form.

With ``V`` the mean weighted by the window at every position, ``x`` and ``y`` the images, ``u`` 1 or
the sample factor ``N / (N - 1)``::

    mu_x = V(x),  var_x = u (V(x^2) - V(x)^2),  cov_xy = u (V(x y) - V(x) V(y))
    luminance          = (2 mu_x mu_y + C1) / (mu_x^2 + mu_y^2 + C1)
                       = 1 - (mu_x - mu_y)^2 / (mu_x^2 + mu_y^2 + C1)
    contrast_structure = (2 cov_xy + C2) / (var_x + var_y + C2)
                       = 1 - var_d / (var_x + var_y + C2)

The second form of each is computed. With ``s = x + y`` and ``d = x - y``, the sum of both variances
is ``(var_s + var_d) / 2``. Equal images are similar to exactly 1, and no similarity leaves [-1, 1],
whatever the rounding of the moments.

A constant per plane is subtracted before squaring. The variances do not depend on it, and in
float32 those of bright flat patches keep their digits. Under a mask, V is the normalised
convolution ``V(m x) / V(m)`` (Knutsson & Westin 1993).

Source: Wang, Bovik, Sheikh & Simoncelli 2004.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import promote
from ssimloss.filters import Padding, blur, check_border, pad
from ssimloss.kernels import Part


def valid_pixels(
    pred: Tensor, target: Tensor, low: float, mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Checked images in the computing dtype, minus ``low``, and 0 where the mask is 0."""
    x, y = promote(pred, target)
    if low != 0:
        x, y = x - low, y - low
    if mask is None:
        return x, y, None
    mask = mask.to(x.dtype)
    return torch.where(mask != 0, x, 0), torch.where(mask != 0, y, 0), mask


def check_inputs(
    pred: Tensor, target: Tensor, mask: Tensor | None, *, ndim: tuple[int, ...] = (4, 5)
) -> None:
    """Check for a pair of images or volumes, and for a mask that fits them."""
    _checks.images(pred, target, ndim=ndim)
    _checks.mask(mask, pred)


def shrunk(
    shrink: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Two images and their mask, made smaller by ``shrink``, which averages pixels. Under a mask,
    the means are weighted; 0 without any weight.
    """
    if mask is None:
        return shrink(x), shrink(y), None
    mass = shrink(mask)
    whole = torch.where(mass > 0, mass, 1)
    return shrink(x * mask) / whole, shrink(y * mask) / whole, mass


def bordered(
    x: Tensor, y: Tensor, mask: Tensor | None, taps: int, padding: Padding
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Pad images by half a window, so that whole windows fit at every position."""
    amount = (taps - 1) // 2
    if mask is not None:
        mask = pad(mask, amount, padding, zero=1)  # zeros beyond the border are pixels like others
    x, y = pad(x, amount, padding), pad(y, amount, padding)
    check_holds_window(x.shape[2:], taps)
    return x, y, mask


def check_holds_window(space: Sequence[int], taps: int) -> None:
    """Raise for images that are smaller than the window, padding included."""
    if min(space) < taps:
        clip = (
            "; of clips (N, C, T, H, W), compare the frames, pred.movedim(2, 1).flatten(0, 1)"
            if len(space) == 3
            else ""
        )
        raise _checks.TooSmallError(
            f"pred and target of {tuple(space)} pixels are smaller than the window of {taps}; use "
            f"larger crops, a smaller window_size, or padding='replicate'{clip}"
        )


def map_size(space: Sequence[int], taps: int, padding: Padding) -> tuple[int, int]:
    """Height and width of the map for images of this size, after a check of the size."""
    amount = 0 if padding == "valid" else (taps - 1) // 2
    check_border(space, amount, padding)
    height, width = (length + 2 * amount for length in space)
    check_holds_window((height, width), taps)
    return height - taps + 1, width - taps + 1


@dataclass(frozen=True)
class Statistics:
    """Local moments of two images, each ``(N, C, ...)``. The mean of the image is
    ``offset + mu``.
    """

    mu_x: Tensor
    mu_y: Tensor
    offset_x: Tensor
    offset_y: Tensor
    var_sum: Tensor
    mass: Tensor | None  # the filtered mask, (N, 1 or C, ...)
    var_difference: Tensor | None  # of x - y; None if separate moments were requested
    var_x: Tensor | None = None  # these three only if they were
    var_y: Tensor | None = None
    cov_xy: Tensor | None = None


def local_statistics(
    x: Tensor,
    y: Tensor,
    window: Tensor,
    sample_factor: float,
    mask: Tensor | None,
    *,
    separate: bool = False,
) -> Statistics:
    """Means, variances and covariance under the window at every position.

    ``var_x``, ``var_y`` and ``cov_xy`` need a fifth filtered map; most similarities need only the
    variances of sum and difference (``separate=False``).
    """
    offset_x, offset_y = _plane_mean(x, mask), _plane_mean(y, mask)
    x, y = x - offset_x, y - offset_y
    if separate:
        maps = [x, y, x * x, y * y, x * y]
    else:
        both, difference = x + y, x - y
        maps = [both, difference, both * both, difference * difference]
    mass = None
    if mask is not None:
        maps = [m * mask for m in maps]
        mass = blur(mask, window)
    count = len(maps)
    filtered = blur(torch.cat(maps, dim=1), window)
    means = list(filtered.chunk(count, dim=1))
    if mass is not None:
        means = [m / torch.where(mass > 0, mass, 1) for m in means]
    first, second = (
        sample_factor * (squared - mean * mean)
        for mean, squared in zip(means[:2], means[2:4], strict=True)
    )
    if not separate:
        mu_x, mu_y = (means[0] + means[1]) / 2, (means[0] - means[1]) / 2
        first, second = _from_zero(first, means[2]), _from_zero(second, means[3])
        var_sum = (first + second) / 2
        return Statistics(mu_x, mu_y, offset_x, offset_y, var_sum, mass, second)
    mu_x, mu_y, _, _, product = means
    first, second = first.clamp(min=0), second.clamp(min=0)
    var_sum = first + second
    # |cov_xy| is at most the mean of the variances. Where a variance was cut to 0, the rounding
    # errors of the covariance are cut as well; its gradient stays.
    cov_xy = sample_factor * (product - mu_x * mu_y)
    limit, found = var_sum.detach() / 2, cov_xy.detach()
    cov_xy = cov_xy + (found.clamp(-limit, limit) - found)
    return Statistics(mu_x, mu_y, offset_x, offset_y, var_sum, mass, None, first, second, cov_xy)


def _from_zero(variance: Tensor, squares: Tensor) -> Tensor:
    """The variance of local mean squares ``squares``, at least 0.

    Where it is below 0 by rounding alone, because a sum or difference of images is constant, it
    keeps its derivatives, of which the second is not 0. A window with negative weights has
    variances below that, which have no slope.
    """
    rounding = 64 * torch.finfo(squares.dtype).eps * squares.detach().abs()
    constant = (variance - variance.detach()) * (variance > -rounding)
    return torch.where(variance < 0, constant, variance)


def local_mean(image: Tensor, window: Tensor, mask: Tensor | None) -> Tensor:
    """Mean under the window at every position, without other moments; 0 where the mask covers the
    whole window.
    """
    if mask is None:
        return blur(image, window)
    mass = blur(mask, window)
    return blur(image * mask, window) / torch.where(mass > 0, mass, 1)


def luminance(s: Statistics, c1: float) -> Tensor:
    """Similarity of the local means, 1 where they are equal."""
    return luminance_of(s.mu_x + s.offset_x, s.mu_y + s.offset_y, c1)


def luminance_of(mu_x: Tensor, mu_y: Tensor, c1: float) -> Tensor:
    """The same for given means."""
    return 1 - (mu_x - mu_y).square() / (mu_x * mu_x + mu_y * mu_y + c1)


def contrast_structure(s: Statistics, c2: float) -> Tensor:
    """Contrast times structure with ``C3 = C2 / 2``, 1 where both images vary alike."""
    assert s.var_difference is not None
    return 1 - s.var_difference / (s.var_sum + c2)


def similarity_of(s: Statistics, c1: float, c2: float, part: Part) -> Tensor:
    """Contrast and structure, multiplied by the luminance for ``part="ssim"``."""
    similarity = contrast_structure(s, c2)
    return luminance(s, c1) * similarity if part == "ssim" else similarity


def deviation_product(s: Statistics, least: float) -> Tensor:
    """``sigma_x sigma_y``; for variances below ``least``, the value goes linearly to 0, down to the
    magnitude of the covariance.

    There the gradient is that of the covariance, which equals the product where both images vary
    alike. The gradient of the root is not finite there, and with a gradient of 0 a flat image would
    never gain contrast.
    """
    assert s.var_x is not None
    assert s.var_y is not None
    assert s.cov_xy is not None
    product = (s.var_x / torch.sqrt(s.var_x.clamp(min=least))) * (
        s.var_y / torch.sqrt(s.var_y.clamp(min=least))
    )
    flat = (s.var_x < least) | (s.var_y < least)
    cov = s.cov_xy.detach()
    towards = torch.maximum(product.detach(), cov.abs()) + (s.cov_xy - cov)
    return torch.where(flat, towards, product)


def flat_variance(dtype: torch.dtype, span: float) -> float:
    """The variance below which a window counts as flat: that of a constant with rounding errors."""
    return float(4 * torch.finfo(dtype).eps * span**2)


def correlation(s: Statistics, least: float) -> Tensor:
    """``cov_xy / (sigma_x sigma_y)`` in [-1, 1], with each variance at least ``least``."""
    assert s.var_x is not None
    assert s.var_y is not None
    assert s.cov_xy is not None
    deviations = torch.sqrt(s.var_x.clamp(min=least)) * torch.sqrt(s.var_y.clamp(min=least))
    return (s.cov_xy / deviations).clamp(-1, 1)


def structure(s: Statistics, flat: float, low_contrast: float) -> Tensor:
    """r*: the correlation, and 1 where both variances are at most ``flat``.

    Where only one is, the value is 0. Its gradient there uses variances of at least
    ``low_contrast``, so that a flat image can gain structure.
    """
    assert s.var_x is not None
    assert s.var_y is not None
    assert s.cov_xy is not None
    flat_x, flat_y = s.var_x <= flat, s.var_y <= flat  # False for NaN
    held = correlation(s, low_contrast)
    one_is_flat = held - held.detach()
    values = torch.where(flat_x | flat_y, one_is_flat, correlation(s, flat))
    return torch.where(flat_x & flat_y, 1, values)


def signed_power(base: Tensor, exponent: float) -> Tensor:
    """``base^exponent`` for an integer exponent, else ``sign(base) |base|^exponent`` with a finite
    derivative at 0.
    """
    if float(exponent).is_integer():
        return base ** int(exponent)
    guard = torch.finfo(base.dtype).eps ** 2
    return base * (base.square() + guard) ** ((exponent - 1) / 2)


def _plane_mean(image: Tensor, mask: Tensor | None) -> Tensor:
    """``(N, C, 1, ...)``, without a gradient: a constant that cancels."""
    image = image.detach()
    if mask is None:
        return offset_of(_plane_sum(image) / math.prod(image.shape[2:]))
    mass = _plane_sum(mask)
    return offset_of(_plane_sum(image * mask) / torch.where(mass > 0, mass, 1))


def offset_of(mean: Tensor) -> Tensor:
    """What to subtract from a plane of this mean.

    In float32 it is rounded to eight bits, so that subtracting it from most pixels is exact, and
    images of about the same brightness have the same offset.
    """
    return mean.to(torch.bfloat16).to(mean.dtype) if mean.dtype is torch.float32 else mean


def _plane_sum(image: Tensor) -> Tensor:
    """The mean axis by axis, which has the same rounding in every batch; see ``_reduce``."""
    for axis in range(image.ndim - 1, 1, -1):
        image = image.sum(axis, keepdim=True)
    return image
