"""Losses in plain PyTorch, as functions of ``(pred, target)``, for comparison with ours.

They compute the number of our defaults on ordinary images and features: no masks, other options,
half precision, or finite gradients at flat, equal, gray and black images.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as nnf
from torch import Tensor

from ssimloss.filters import pad
from ssimloss.functional._pyramids import reduced
from ssimloss.functional._wavelets import filters
from ssimloss.functional.ms_swd import _OUTER, _lab
from ssimloss.functional.projections import unit_vectors

# --- images ---------------------------------------------------------------------------------------


def correlation_loss(x: Tensor, y: Tensor, c: float = 1e-4) -> Tensor:
    """One minus the correlation coefficient of each plane, with ``c`` in all three moments."""
    x, y = (image - image.mean((2, 3), keepdim=True) for image in (x, y))
    covariance, var_x, var_y = ((a * b).mean((2, 3)) + c for a, b in ((x, y), (x, x), (y, y)))
    return (1 - covariance / (var_x * var_y).sqrt()).mean()


def cosine(x: Tensor, y: Tensor, offset: float = 0.01) -> Tensor:
    """Cosine distance of the colours of pixels."""
    return 1 - nnf.cosine_similarity(x + offset, y + offset, dim=1).mean()


def gradient_variance(x: Tensor, y: Tensor, patch: int = 8) -> Tensor:
    """Squared difference of the variances of Sobel gradients in patches of the luma."""
    along = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernels = torch.stack((along, along.T))[:, None]
    weights = torch.tensor([0.2989, 0.5870, 0.1140]).view(1, 3, 1, 1)

    def variances(image: Tensor) -> Tensor:
        gradients = nnf.conv2d(nnf.conv2d(image, weights), kernels, padding=1)
        patches = gradients.unfold(2, patch, patch).unfold(3, patch, patch)
        return patches.flatten(4).var(4)

    return (variances(x) - variances(y)).square().sum(1).mean()


def laplacian_pyramid(x: Tensor, y: Tensor, levels: int = 5) -> Tensor:
    """Absolute differences of the bands of two Laplacian pyramids, which are linear."""
    taps = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    kernel = torch.outer(taps, taps)[None, None]
    rest = (x - y).flatten(0, 1)[:, None]  # (N C, 1, H, W)
    total = x.new_zeros(())
    for _ in range(levels - 1):
        coarse = nnf.conv2d(nnf.pad(rest, (2, 2, 2, 2), "reflect"), kernel, stride=2)
        spread = coarse.new_zeros(rest.shape)
        spread[..., ::2, ::2] = coarse
        low = nnf.conv2d(nnf.pad(spread, (2, 2, 2, 2), "reflect"), 4 * kernel)
        total = total + (rest - low).abs().mean()
        rest = coarse
    return total + rest.abs().mean()


def ldl(x: Tensor, y: Tensor, size: int = 7) -> Tensor:
    """Distance weighted by the variance of the residual in windows and in the image."""
    difference = x - y
    residual = difference.abs().sum(1, keepdim=True)
    wide = nnf.pad(residual, (size // 2,) * 4, "reflect")
    mean, square = (nnf.avg_pool2d(image, size, 1) for image in (wide, wide.square()))
    local = (square - mean.square()) * (size**2 / (size**2 - 1))
    weight = residual.var((1, 2, 3), keepdim=True) ** 0.2 * local
    return (weight * difference).abs().mean()


def focal_frequency(x: Tensor, y: Tensor) -> Tensor:
    """Squared difference of spectra, weighted by itself."""
    spectrum = torch.fft.fft2(x - y, norm="ortho")
    squares: Tensor = spectrum.real.square() + spectrum.imag.square()
    weight = squares.detach().sqrt()
    return (weight / weight.amax((2, 3), keepdim=True) * squares).mean()


def linear_light(image: Tensor) -> Tensor:
    """Of sRGB."""
    power: Tensor = ((image.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(image <= 0.04045, image / 12.92, power)


def _times(matrix: list[list[float]], image: Tensor) -> Tensor:
    """The channels of each pixel times a matrix."""
    return nnf.conv2d(image, torch.tensor(matrix)[:, :, None, None])


def lab(image: Tensor) -> Tensor:
    """CIELAB of sRGB under D65."""
    xyz = _times(
        [
            [0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047],
            [0.212671, 0.715160, 0.072169],
            [0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883],
        ],
        linear_light(image),
    )
    curve = torch.where(xyz > 0.008856, xyz.clamp(min=0.008856) ** (1 / 3), 7.787 * xyz + 4 / 29)
    return _times([[0.0, 116, 0], [500, -500, 0], [0, 200, -200]], curve)


def oklab(image: Tensor) -> Tensor:
    """Oklab of sRGB."""
    cones = _times(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ],
        linear_light(image),
    )
    return _times(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ],
        cones ** (1 / 3),
    )


def chroma(image: Tensor) -> Tensor:
    """Cb and Cr of ITU-R BT.601 in studio range, less their constant."""
    rows = [[-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
    return _times([[entry / 255 for entry in row] for row in rows], image)


_HSLUV = (
    (3.240969941904521, -1.537383177570093, -0.498610760293),
    (-0.96924363628087, 1.87596750150772, 0.041555057407175),
    (0.055630079696993, -0.20397695888897, 1.056971514242878),
)


def hsluv(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue as an angle, saturation and lightness in [0, 1], by the lines that bound the chroma."""
    xyz = _times(
        [
            [0.41239079926595, 0.35758433938387, 0.18048078840183],
            [0.21263900587151, 0.71516867876775, 0.072192315360733],
            [0.019330818715591, 0.11919477979462, 0.95053215224966],
        ],
        linear_light(image),
    )
    x, y, z = xyz.unbind(1)
    light = torch.where(y > 0.0088564516, 116 * y ** (1 / 3) - 16, 903.2962962 * y)
    total = x + 15 * y + 3 * z
    u = 13 * light * (4 * x / total - 0.19783000664283)
    v = 13 * light * (9 * y / total - 0.46831999493879)
    hue, length = torch.atan2(v, u), torch.hypot(u, v)
    cosine, sine = u / length, v / length
    cubed = (light + 16) ** 3 / 1560896
    sub = torch.where(cubed > 0.0088564516, cubed, light / 903.2962962)
    bounds = []
    for m1, m2, m3 in _HSLUV:
        for bound in (0, 1):
            top_1 = (284517 * m1 - 94839 * m3) * sub
            top_2 = (838422 * m3 + 769860 * m2 + 731718 * m1) * light * sub
            top_2 = top_2 - 769860 * bound * light
            bottom = (632260 * m3 - 126452 * m2) * sub + 126452 * bound
            far = (top_2 / bottom) / (sine - top_1 / bottom * cosine)
            bounds.append(torch.where(far < 0, math.inf, far))
    return hue, length / torch.stack(bounds).amin(0), light / 100


def hsluv_loss(x: Tensor, y: Tensor) -> Tensor:
    """A third of the differences of hue, colourfulness and lightness."""
    (hue_x, saturation_x, light_x), (hue_y, saturation_y, light_y) = hsluv(x), hsluv(y)
    turn = (hue_x - hue_y).abs() / math.pi
    turn = torch.minimum(turn, 2 - turn)
    colour_x = saturation_x * (1 - (2 * light_x - 1).abs())
    colour_y = saturation_y * (1 - (2 * light_y - 1).abs())
    parts = turn * torch.minimum(colour_x, colour_y), colour_x - colour_y, light_x - light_y
    return (parts[0] + parts[1].abs() + parts[2].abs()).mean() / 3


def haar(x: Tensor, y: Tensor, *, decimated: bool, levels: int = 3, eps: float = 1e-3) -> Tensor:
    """Charbonnier distance of Haar coefficients, which are linear."""

    def halves(image: Tensor, dim: int, step: int) -> tuple[Tensor, Tensor]:
        if decimated:
            first, second = torch.unflatten(image, dim, (-1, 2)).unbind(dim + 1)
        else:
            first, second = image, image.roll(-step, dim)
        return (first + second) / math.sqrt(2), (first - second) / math.sqrt(2)

    rest, total = x - y, x.new_zeros(())
    for level in range(levels):
        low, high = halves(rest, 3, 2**level)
        rest, *details = (*halves(low, 2, 2**level), *halves(high, 2, 2**level))
        for band in details:
            total = total + (band.square() + eps**2).sqrt().mean()
    return total + (rest.square() + eps**2).sqrt().mean()


def wavelet_bands(image: Tensor, wavelet: str = "sym19") -> Tensor:
    """LH, HL and HH of the luma by two convolutions, times neosr's weights."""
    weights = torch.tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1)
    y = nnf.conv2d(image, weights) + 16
    low, high = (torch.tensor(taps) for taps in filters(wavelet))
    before, after = len(low) // 2 - 1, len(low) // 2
    along = nnf.conv2d(
        nnf.pad(y, (before, after, before, after), "circular"),
        torch.stack((low, high))[:, None, None],
    )
    # A group for each of them: low along columns and high along columns.
    down = torch.stack((low, high, low, high))[:, None, :, None]
    bands = nnf.conv2d(along, down, groups=2)[:, 1:]  # LH, HL, HH
    gains = torch.tensor([0.035 / math.sqrt(2), 0.025 / math.sqrt(2), 0.02])
    return bands * gains.view(1, 3, 1, 1)


def swd_of_images(x: Tensor, y: Tensor) -> Tensor:
    """MS-SWD with all projections of a scale at once, as in the authors' code."""
    directions = unit_vectors(0, 5 * 128, 3, 11, 11, like=x.detach())
    total = x.new_zeros(())
    for scale, of_scale in enumerate(torch.split(directions, 128)):
        if scale:
            x, y = (reduced(image, _OUTER, "reflect") for image in (x, y))
        both = (nnf.conv2d(pad(_lab(image), 5, "reflect"), of_scale) for image in (x, y))
        total = total + sorted_difference(*both).abs().mean()
    return total / 5


def sampled(clip: Tensor, flow: Tensor) -> Tensor:
    """The warping error by ``grid_sample``."""
    height, width = clip.shape[-2:]
    moving, displacement = clip[:, :-1].flatten(0, 1), flow.flatten(0, 1)
    x = torch.arange(width) + displacement[:, 0]
    y = torch.arange(height)[:, None] + displacement[:, 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    grid = torch.stack((2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1), -1)
    warped = nnf.grid_sample(moving, grid, align_corners=True, padding_mode="border")
    difference = (clip[:, 1:].flatten(0, 1) - warped).abs() * inside[:, None]
    return difference.sum() / (clip.shape[2] * inside.sum())


# --- features -------------------------------------------------------------------------------------


def sorted_difference(x: Tensor, y: Tensor) -> Tensor:
    """Of the values of each plane."""
    return x.flatten(2).sort(2).values - y.flatten(2).sort(2).values


def fdl(x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
    """Sliced distances of amplitudes and phases, each with all projections at once."""
    height, width = x.shape[2:]

    def spectrum(features: Tensor) -> tuple[Tensor, Tensor]:
        found = torch.fft.fft2(features)
        imaginary = found.imag.clone()  # of frequencies that are real, it is rounding
        imaginary[..., :: height // 2, :: width // 2] = 0
        return found.abs(), torch.atan2(imaginary, found.real)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        both = nnf.conv2d(a, directions), nnf.conv2d(b, directions)
        return sorted_difference(*both).abs().mean()

    amplitudes, phases = zip(spectrum(x), spectrum(y), strict=True)
    return distance(*amplitudes) + distance(*phases)


def cosine_distances(x: Tensor, y: Tensor) -> Tensor:
    """Of all pairs of positions, ``(N, HW, HW)``."""
    mean = y.mean((2, 3), keepdim=True)
    x, y = (nnf.normalize((features - mean).flatten(2), dim=1) for features in (x, y))
    return ((1 - x.mT @ y) / 2).clamp(min=0)


def contextual(x: Tensor, y: Tensor, bandwidth: float = 0.5) -> Tensor:
    """Contextual loss with all pairs at once."""
    d = cosine_distances(x, y)
    similarity = torch.softmax(-d / (d.amin(2, keepdim=True) + 1e-5) / bandwidth, 2)
    return -similarity.amax(1).mean(1).log().mean()


def bilateral(x: Tensor, y: Tensor, spatial_weight: float = 0.1) -> Tensor:
    """CoBi with all pairs at once."""
    height, width = x.shape[2:]
    rows, columns = torch.meshgrid(
        torch.arange(height) / height, torch.arange(width) / width, indexing="ij"
    )
    places = torch.stack((rows, columns), -1).flatten(0, 1)
    return (cosine_distances(x, y) + spatial_weight * torch.cdist(places, places)).amin(2).mean()


# --- sets of features, in float64 like ours -------------------------------------------------------


def frechet_by_covariances(a: Tensor, b: Tensor) -> Tensor:
    """By the eigenvalues of the product of covariances, for more rows than columns."""
    a, b = a.double(), b.double()
    cov_a, cov_b = a.T.cov(), b.T.cov()
    factor = torch.linalg.cholesky(cov_b)
    root: Tensor = torch.linalg.eigvalsh(factor.T @ cov_a @ factor).sqrt().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * root


def frechet_by_rows(a: Tensor, b: Tensor) -> Tensor:
    """By singular values, for fewer rows than columns."""
    a, b = a.double(), b.double()
    mean_a, mean_b = a.mean(0), b.mean(0)
    a, b = (a - mean_a) / math.sqrt(len(a) - 1), (b - mean_b) / math.sqrt(len(b) - 1)
    root: Tensor = torch.linalg.svdvals(a @ b.T).sum()
    return (mean_a - mean_b).square().sum() + a.square().sum() + b.square().sum() - 2 * root


def kid(a: Tensor, b: Tensor) -> Tensor:
    """The unbiased squared discrepancy under a polynomial kernel."""
    a, b = a.double(), b.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        power: Tensor = (x @ y.T / x.shape[1] + 1) ** 3
        return power

    def within(x: Tensor) -> Tensor:
        values = kernel(x, x)
        return (values.sum() - values.trace()) / (len(x) * (len(x) - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()


def cmmd(a: Tensor, b: Tensor, sigma: float = 10.0) -> Tensor:
    """The squared discrepancy under a Gaussian kernel."""
    a, b = a.double(), b.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        squares: Tensor = x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T
        return (-squares / (2 * sigma**2)).exp().mean()

    return 1000 * (kernel(a, a) + kernel(b, b) - 2 * kernel(a, b))
