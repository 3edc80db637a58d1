"""FLIP: the difference seen when flipping between two images at a viewing distance.

``dE = dE_c^(1 - dE_f)``: ``dE_c`` the colour difference of images filtered by the contrast
sensitivity of the eye, ``dE_f`` that of edges and points.

Andersson, Nilsson, Akenine-Moller, Oskarsson, Astrom & Fairchild, "FLIP: a difference evaluator for
alternating images", 2020; this is its form for images of low dynamic range. The original code is
NVlabs/flip.
"""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import constant
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores, slope_of
from ssimloss._roots import held_power, root
from ssimloss.color.channels import linear_light
from ssimloss.color.lab import LAB_EXACT, lab_curve
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import blur_along, pad
from ssimloss.functional._gradient_similarity import (
    Rows,
    check_colors,
    combined,
)
from ssimloss.functional._recomputation import computed_again
from ssimloss.kernels import FLIP_MEANS, Backed, Flip, flip_means, select
from ssimloss.measure import Measure

Filters = tuple[tuple[float, ...], ...]

# Linear RGB to X, Y, Z over the white, and back.
_WHITE = (0.950428545, 1.0, 1.088900371)
XYZ: Rows = (
    (
        10135552 / 24577794 / _WHITE[0],
        8788810 / 24577794 / _WHITE[0],
        4435075 / 24577794 / _WHITE[0],
    ),
    (2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897),
    (
        1425312 / 73733382 / _WHITE[2],
        8788810 / 73733382 / _WHITE[2],
        70074185 / 73733382 / _WHITE[2],
    ),
)
_RGB: Rows = (
    (3.241003275 * _WHITE[0], -1.537398934, -0.498615861 * _WHITE[2]),
    (-0.969224334 * _WHITE[0], 1.875930071, 0.041554224 * _WHITE[2]),
    (0.055639423 * _WHITE[0], -0.204011202, 1.057148933 * _WHITE[2]),
)
# Contrast sensitivity of luminance, red-green and blue-yellow (table 1): weight and width of
# Gaussians.
_SENSITIVITY = (((1.0, 0.0047),), ((1.0, 0.0053),), ((34.1, 0.04), (13.5, 0.025)))
_WIDEST = 0.04
_Q_C, _Q_F, _P_C, _P_T = 0.7, 0.5, 0.4, 0.95
_C_MAX = 41.276098411857355  # HyAB of green and blue to the power q_c
_SIGMA = 0.041  # degrees, half the width of the edge detector
# Edges and points up to this can come from rounding in float32. float64 uses the same bound, so
# that gradients do not depend on the dtype.
_NO_FEATURE = 64 * 2.0**-23
_STEP = 2**15  # elements of the planes that are compared at once on a CPU
_NO_CHROMA = 1e-3  # a difference of chroma that rounding makes of gray; people see about 1


class FLIPOptions(Backed, Reduced, Ranged):
    """Options of FLIP.

    Args:
        pixels_per_degree: pixels per degree of visual angle: ``d r pi / (180 w)`` for a display
            ``w`` meters and ``r`` pixels wide, seen from ``d`` meters. The default is a 4K display
            of 0.7 meters, seen from 0.7 meters.
        backend: ``"auto"``, or the name of one, which runs or raises. The kernel reduces.
    """

    pixels_per_degree: float = 3840 * math.pi / 180

    def __post_init__(self) -> None:
        """Check the options; an error names the one at fault."""
        super().__post_init__()
        if _checks.positive("pixels_per_degree", self.pixels_per_degree) < 1:
            raise ValueError(
                f"pixels_per_degree must be at least 1, got {self.pixels_per_degree!r}; it is the "
                "number of pixels that one degree covers, 67 by default"
            )


def _flip(pred: Tensor, target: Tensor, options: FLIPOptions) -> Scores:
    """FLIP of images of low dynamic range: 0 for equal images, at most 1.

    Images are sRGB. A gray image is treated as RGB with three equal channels. Values beyond the
    range are clamped as in the original and have the gradient 0: add a pixel loss. Border pixels
    are repeated.

    Powers below 1 are infinitely steep where colours or features are equal. Below a difference of
    1e-4 (colours) and 1e-6 (features) they have the slope at that difference. The gradient is 0 for
    equal images.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, a resolution below one
            pixel per degree.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Andersson et al. 2020. Agrees with flip-evaluator 1.7, which computes in float32, to
    1e-6.
    """
    check_colors(pred, target)
    dtype = native_dtype(pred, target)
    uncovered = "its kernel reduces, and reduction='none' needs every pixel"
    backend = select(
        options.backend,
        pred,
        target,
        FLIP_MEANS,
        uncovered=uncovered if options.reduction == "none" else None,
    )
    if backend == "eager":
        return Scores(_map(*promote(pred, target), options), None, 1, dtype)
    positions = pred.shape[2] * pred.shape[3]
    slope = slope_of(options.reduction, pred.shape[:1])
    if options.reduction == "sum":
        slope *= max(positions, 1)
    flip = Flip(float(options.low), float(options.span), *_windows(options.pixels_per_degree))
    equation = functools.partial(_means, options=options)
    means = flip_means(pred, target, flip, backend=backend, equation=equation, slope=slope)
    return Scores(means, None, positions, dtype)


def _means(x: Tensor, y: Tensor, options: FLIPOptions) -> Tensor:
    """The mean of each image, ``(N, 1)``: what the kernel computes."""
    return _map(*promote(x, y), options).flatten(1).mean(1, keepdim=True)


def _map(x: Tensor, y: Tensor, options: FLIPOptions) -> Tensor:
    """``dE`` of every pixel, ``(N, 1, H, W)``."""
    if not len(x):  # no channels to filter
        return (x + y).sum(1, keepdim=True)
    return _by_rows(_difference, *_filtered_planes(x, y, options))[0][:, None]


def _by_rows(function: Callable[..., Tensor], *planes: Tensor) -> Tensor:
    """``function`` of each position. On a CPU, it takes some rows at a time, which bounds the
    memory, and computes them again for the gradient.
    """
    n, channels, height, width = planes[0].shape
    step = max(_STEP // (n * channels * width), 1)
    if step >= height or planes[0].device.type != "cpu":
        return function(*planes)
    pieces = zip(*(torch.split(each, step, 2) for each in planes), strict=True)
    return torch.cat([computed_again(function, *some) for some in pieces], 2)


def _opponent(x: Tensor, y: Tensor, options: FLIPOptions) -> Tensor:
    """Y, X - Y and Y - Z of both images ``(N, 1 or 3, H, W)``: ``(2 N, 3, H, W)``."""
    unit = (torch.cat((x, y)) - options.low) / options.span
    # At the ends of the range, clamp itself has no slope.
    unit = torch.where((unit >= 0) & (unit <= 1), unit, unit.detach().clamp(0, 1))
    p_x, p_y, p_z = combined(linear_light(unit.expand(-1, 3, -1, -1)), XYZ).unbind(1)
    return torch.stack((p_y, p_x - p_y, p_y - p_z), 1)


def _filtered_planes(x: Tensor, y: Tensor, options: FLIPOptions) -> list[Tensor]:
    """Three planes of colours and four of features of both images, ``(1, 2 N, H, W)`` each."""
    # A batch is filtered as if it were channels: (1, 2 N, H, W), channels last.
    opponent = [
        _with_batch_as_channels(plane)
        for plane in _by_rows(functools.partial(_opponent, options=options), x, y).unbind(1)
    ]
    return [
        *_filtered_features(opponent[0], options.pixels_per_degree),
        *_filtered_colours(opponent, options.pixels_per_degree),
    ]


def _with_batch_as_channels(plane: Tensor) -> Tensor:
    """``(N, H, W)`` as ``(1, N, H, W)`` in channels last, the layout that is filtered fast."""
    rows = plane.permute(1, 2, 0).clone(memory_format=torch.contiguous_format)
    return rows.permute(2, 0, 1)[None]


def _difference(*filtered: Tensor) -> Tensor:
    """``dE`` of filtered planes of both images ``(1, 2 N, H, W)``: ``(1, N, H, W)``."""
    feature, colour = _feature_difference(*filtered[:4]), _colour_difference(*filtered[4:])
    feature = held_power(feature / math.sqrt(2), _Q_F, 1e-6)
    return held_power(colour, 1 - feature)


def _filtered_colours(opponent: list[Tensor], resolution: float) -> list[Tensor]:
    """``Y, X - Y, Y - Z`` of both images, each ``(1, 2 N, H, W)``, as the eye resolves them."""
    windows = iter(constant(_sensitivity(resolution), opponent[0]).unbind())
    filtered = []
    for plane, gaussians in zip(opponent, _SENSITIVITY, strict=True):
        down, across = next(windows), next(windows)
        extended = pad(plane, len(down) // 2, "replicate")
        found = _filtered(extended, down, across)
        for _ in gaussians[1:]:
            found = found + _filtered(extended, next(windows), next(windows))
        filtered.append(found)
    return filtered


def _colour_difference(f_y: Tensor, f_xy: Tensor, f_yz: Tensor) -> Tensor:
    """``dE_c`` of filtered opponent planes of both images ``(1, 2 N, H, W)``: ``(1, N, H, W)``."""
    rgb = [r * (f_y + f_xy) + g * f_y + b * (f_y - f_yz) for r, g, b in _RGB]
    # Within rounding of the box, colours keep their slope.
    slack = 16 * torch.finfo(f_y.dtype).eps
    red, green, blue = (plane.clamp(-slack, 1 + slack) for plane in rgb)
    f = [lab_curve(r * red + g * green + b * blue, LAB_EXACT) for r, g, b in XYZ]
    light = 116 * f[1] - 16
    hunt = 0.01 * light
    planes = light, hunt * (500 * (f[0] - f[1])), hunt * (200 * (f[1] - f[2]))
    d_l, d_a, d_b = [_of_pred(plane) - _of_target(plane) for plane in planes]
    difference = held_power(d_l.abs() + root(d_a * d_a + d_b * d_b, _NO_CHROMA**2), _Q_C)
    knee = _P_C * _C_MAX
    far = _P_T + (difference - knee) * ((1 - _P_T) / (_C_MAX - knee))
    return torch.where(difference < knee, difference * (_P_T / knee), far)


def _filtered_features(luminance: Tensor, resolution: float) -> list[Tensor]:
    """Edges across and down, and points across and down, of both images ``(1, 2 N, H, W)``."""
    gaussian, *detectors = constant(_detection(resolution), luminance).unbind()
    # The sum of a detector is 0. Without a pixel first, flat images are exactly 0.
    first = luminance[:, :, :1, :1].detach()
    luminance = luminance - torch.where(first.isfinite(), first, 0)
    extended = pad(luminance, len(gaussian) // 2, "replicate")
    return [
        _filtered(extended, *pair)
        for detector in detectors
        for pair in ((gaussian, detector), (detector, gaussian))
    ]


def _feature_difference(*features: Tensor) -> Tensor:
    """The larger difference of edges or points of both images ``(1, 2 N, H, W)``:
    ``(1, N, H, W)``.
    """
    differences = []
    for across, down in (features[:2], features[2:]):
        size = root(across * across + down * down, _NO_FEATURE**2)
        differences.append((_of_pred(size) - _of_target(size)).abs())
    return torch.maximum(*differences)


def _of_pred(both: Tensor) -> Tensor:
    return both[:, : both.shape[1] // 2]


def _of_target(both: Tensor) -> Tensor:
    return both[:, both.shape[1] // 2 :]


def _filtered(extended: Tensor, down: Tensor, across: Tensor) -> Tensor:
    return blur_along(blur_along(extended, across, 3), down, 2)


def _sensitivity(resolution: float) -> Filters:
    """Gaussians ``a sqrt(pi / b) exp(-pi^2 x^2 / b)``, ``x`` in degrees, of the opponent planes in
    turn, each as filters along columns and rows. The first holds the weight; those of one plane
    together have the sum 1.
    """
    places = _places(3 * math.sqrt(_WIDEST / (2 * math.pi**2)) * resolution)
    x = [place / resolution for place in places]
    found: list[tuple[float, ...]] = []
    for gaussians in _SENSITIVITY:
        taps = [[math.exp(-(math.pi**2) / b * at * at) for at in x] for _, b in gaussians]
        sums = [math.fsum(each) for each in taps]
        masses = [
            a * math.sqrt(math.pi / b) * total**2
            for (a, b), total in zip(gaussians, sums, strict=True)
        ]
        for mass, each, total in zip(masses, taps, sums, strict=True):
            across = [tap / total for tap in each]
            found += tuple([mass / sum(masses) * tap for tap in across]), tuple(across)
    return tuple(found)


def _detection(resolution: float) -> Filters:
    """A Gaussian of unit sum, and its first and second derivative, whose positive and negative taps
    have the sums 1 and -1.
    """
    sigma = _SIGMA * resolution
    x = [place / sigma for place in _places(3 * sigma)]
    gaussian = [math.exp(-0.5 * at * at) for at in x]
    total = math.fsum(gaussian)
    found = [tuple([tap / total for tap in gaussian])]
    for factors in ([-at for at in x], [at * at - 1 for at in x]):
        taps = [factor * tap for factor, tap in zip(factors, gaussian, strict=True)]
        above = math.fsum([max(tap, 0.0) for tap in taps])
        below = -math.fsum([min(tap, 0.0) for tap in taps])
        found.append(tuple([tap / (above if tap > 0 else below) for tap in taps]))
    return tuple(found)


def _places(radius: float) -> range:
    """Whole numbers from ``-ceil(radius)`` to ``ceil(radius)``."""
    half = math.ceil(radius)
    return range(-half, half + 1)


def _windows(resolution: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both groups of filters as the kernel reads them: flat, and all of one length."""
    made = _made_windows if torch.compiler.is_compiling() else _kept_windows
    return made(resolution)


def _made_windows(resolution: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    seen, detected = _sensitivity(resolution), _detection(resolution)
    beyond = (0.0,) * ((len(seen[0]) - len(detected[0])) // 2)
    return (
        tuple([tap for taps in seen for tap in taps]),
        tuple([tap for taps in detected for tap in (*beyond, *taps, *beyond)]),
    )


_kept_windows = functools.lru_cache(maxsize=16)(_made_windows)


FLIP = Measure(
    "flip",
    "FLIP",
    "",
    "lower",
    0.0,
    (0.0, 1.0),
    "Andersson et al. 2020",
    _flip,
    FLIPOptions,
    formula="mean over pixels of FLIP of sRGB images, at 67 pixels per degree of visual angle "
    "(Andersson et al. 2020)",
    module="FLIPLoss",
    metric="FLIP",
    takes_color=True,
    agrees="flip-evaluator: 1e-6, its float32",
)
flip = flip_loss = FLIP.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "FLIP",
    FLIP,
    (
        *PREPARATION,
        Attribute(
            "resolution",
            ("pixels_per_degree",),
            lambda s: f"{s['pixels_per_degree']:.5g} pixels per degree",
            lambda s: (
                "FLIP of sRGB images, border pixels repeated, at "
                f"{s['pixels_per_degree']:.5g} pixels per degree of visual angle; mean over pixels"
            ),
        ),
        OVER_BATCH,
    ),
    Convention("andersson2020", "the paper", "flip.py", "tests/reference.py", 1e-9),
    Convention(
        "flip_evaluator",
        "flip-evaluator with its defaults",
        'flip_evaluator.evaluate(target, pred, "LDR")',
        "flip-evaluator 1.7",
        2e-6,
        "the original code computes in float32",
        same_as="andersson2020",
    ),
    Convention(
        "frame_analytics",
        "frame-analytics: 67 pixels per degree",
        "frame_analytics.flip(pred, target, data_range=1.0)",
        "frame-analytics 0.7.0",
        1e-7,
        options={"pixels_per_degree": 67.0},
    ),
)
