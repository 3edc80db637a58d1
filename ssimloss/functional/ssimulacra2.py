"""SSIMULACRA 2: errors of structure, added edges and lost edges in a perceptual colour space.

``d = 1 - (1 - (mu_x - mu_y)^2) (2 cov_xy + C2) / (var_x + var_y + C2)`` and
``e = (1 + |x - mu_x|) / (1 + |y - mu_y|) - 1`` of the planes X, Y and B - Y of XYB at six scales.
Means and 4-norms of ``d``, of ``max(e, 0)`` (ringing) and of ``max(-e, 0)`` (blur) are 108 numbers;
with their weighted sum ``s``, the score is
``100 - 10 (2.3268 s - 0.020885 s^2 + 6.2485e-5 s^3)^0.62763``.

Sneyers (Cloudinary), 2022, version 2.1 of 2023; there is no paper. The original implementation is
``ssimulacra2.cc``.
"""

from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from ssimloss import _checks
from ssimloss._constants import Matrix, constant
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, product, promote, widened
from ssimloss._reduce import Scores
from ssimloss._roots import flat_power, held_power
from ssimloss.color.channels import linear_light
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import blur_along, correlate
from ssimloss.functional._gradient_similarity import (
    check_colors,
)
from ssimloss.kernels import VISIBLE_ERRORS, Backed, Visible, select, visible_errors
from ssimloss.measure import Measure

MinSize = Literal["error", "fewer_scales"]
MIN_SIZES: tuple[str, ...] = get_args(MinSize)

_SCALES = 6
_LEAST = 8  # pixels at the scale before
_C2 = 0.0009
# Linear light to the responses of three kinds of cones, and the bias that is added to them.
_CONES: Matrix = (
    (0.30, 0.622, 0.078),
    (0.23, 0.692, 0.078),
    (0.24342268924547819, 0.20476744424496821, 0.55180986650955360),
)
_BIAS = 0.0037930732552754493
# Cube roots of these responses to X, Y and B - Y, each about 0 to 1.
_OPPONENT: Matrix = ((7.0, -7.0, 0.0), (0.5, 0.5, 0.0), (-0.5, -0.5, 1.0))
_ORIGIN = (0.42, 0.01 - _BIAS ** (1 / 3), 0.55)
# Response of the recursive Gaussian of Charalampidis 2016 with a deviation of 1.5: the sum of
# cosines b_k cos(k pi t / 10), k = 1, 3, 5, with the sum 1 and the variance 1.5^2 whose b_k are
# nearest to those of the Gaussian. At t = 5, all cosines are 0.
_HALF = (0.21292859201042227, 0.10933537277746035, 0.03601111465836439, 0.009414367809653733)
_WINDOW = (*_HALF[::-1], 0.2646211054881986, *_HALF)
# Of each plane and scale: weights of the means of structure, ringing and blur, then of the 4-norms.
_WEIGHTS: tuple[Matrix, ...] = (
    (
        (0.0, 0.0007376606707406586, 0.0, 0.0, 0.0007793481682867309, 0.0),
        (
            0.0,
            0.0004371155730107379,
            0.0,
            1.1041726426657346,
            0.00066284834129271,
            0.00015231632783718752,
        ),
        (0.0, 0.0016406437456599754, 0.0, 1.8422455520539298, 11.441172603757666, 0.0),
        (
            0.0007989109436015163,
            0.000176816438078653,
            0.0,
            1.8787594979546387,
            10.94906990605142,
            0.0,
        ),
        (
            0.0007289346991508072,
            0.9677937080626833,
            0.0,
            0.00014003424285435884,
            0.9981766977854967,
            0.00031949755934435053,
        ),
        (0.0004550992113792063, 0.0, 0.0, 0.0013648766163243398, 0.0, 0.0),
    ),
    (
        (0.0, 0.0, 0.0, 7.466890328078848, 0.0, 17.445833984131262),
        (
            0.0006235601634041466,
            0.0,
            0.0,
            6.683678146179332,
            0.00037724407979611296,
            1.027889937768264,
        ),
        (
            225.20515300849274,
            0.0,
            0.0,
            19.213238186143016,
            0.0011401524586618361,
            0.001237755635509985,
        ),
        (
            176.39317598450694,
            0.0,
            0.0,
            24.43300999870476,
            0.28520802612117757,
            0.0004485436923833408,
        ),
        (0.0, 0.0, 0.0, 34.77906344483772, 44.835625328877896, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ),
    (
        (0.0, 0.0008680556573291698, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0005313191874358747, 0.0, 0.00016533814161379112, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0004179171803251336, 0.0017290828234722833, 0.0),
        (0.0020827005846636437, 0.0, 0.0, 8.826982764996862, 23.19243343998926, 0.0),
        (
            95.1080498811086,
            0.9863978034400682,
            0.9834382792465353,
            0.0012286405048278493,
            171.2667255897307,
            0.9807858872435379,
        ),
        (0.0, 0.0, 0.0, 0.0005130064588990679, 0.0, 0.00010854057858411537),
    ),
)


class SSIMULACRA2Options(Backed, Reduced, Ranged):
    """Options of SSIMULACRA 2.

    Args:
        min_size: for images of fewer than 113 pixels on a side, which have no six scales:
            ``"error"``, or ``"fewer_scales"`` as the original computes them from 8 pixels on. It
            then counts the weights off from the first, so that they belong to other planes and
            scales than those they were fitted to.
        backend: ``"auto"``, or the name of one, which runs or raises.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    min_size: MinSize = "error"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("min_size", self.min_size, MIN_SIZES)


def _ssimulacra2(pred: Tensor, target: Tensor, options: SSIMULACRA2Options) -> Scores:
    """SSIMULACRA 2 (version 2.1): 100 for equal images, about 90 if no difference is visible, 70
    for high quality, 50 for medium, 30 for low, and no lower limit.

    Images are sRGB. A gray image is treated as RGB with three equal channels. The filter has the
    response of the original's recursive filter (sigma 1.5, zeros beyond the border). The original
    runs it in float32, whose rounding moves its score by up to 0.02. With the filter replaced by
    its response, the original's score differs from this one by at most 0.001.

    Below black, the curves of the colour space continue as lines. The score is infinitely steep at
    100. Where the weighted error is below 1e-4, it has the slope at 1e-4. The gradient is 0 for
    equal images.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            113 pixels on the short side, or 8 with ``min_size="fewer_scales"``. ``pred`` is the
            distorted image: the measure is not symmetric.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sneyers, ``ssimulacra2.cc`` of cloudinary/ssimulacra2. Agrees with it to 0.02, and with
    frame-analytics to 1e-9 in float64.
    """
    check_colors(pred, target)
    scales = _fitting(pred, options)
    dtype = native_dtype(pred, target)
    x, y = promote(pred, target)
    if not len(x):  # no channels to filter
        return Scores((x + y).flatten(1).sum(1), None, 1, dtype)
    backend = select(options.backend, x, y, VISIBLE_ERRORS)
    if backend == "eager":
        return Scores(_score(_weighted_errors(x, y, options, scales)[:, 0]), None, 1, dtype)
    numbers = (number for rows in _weights(scales) for row in rows for number in row)
    visible = Visible(tuple(numbers), float(options.low), float(options.span))

    equation = partial(_weighted_errors, options=options, scales=scales)
    error = visible_errors(x, y, visible, backend=backend, equation=equation)
    return Scores(_score(error[:, 0]), None, 1, dtype)


def _weighted_errors(x: Tensor, y: Tensor, options: Ranged, scales: int) -> Tensor:
    """The weighted sum of the errors of all scales, ``(N, 1)``."""
    x, y = _linear(x, options), _linear(y, options)
    window = constant(_WINDOW, x)
    error = x.new_zeros(x.shape[2])
    for scale, rows in enumerate(_weights(scales)):
        if scale:
            x, y = _halved(x), _halved(y)
        weights = constant(rows, x)  # (3, 6)
        error = error + (_errors(_planes(x), _planes(y), window) * weights.T[:, None]).sum((0, 2))
    return error[:, None]


def _fitting(image: Tensor, options: SSIMULACRA2Options) -> int:
    """How many scales an image has: each needs 8 pixels at the scale before it."""
    side, scales = min(image.shape[2:]), 0
    while scales < _SCALES and side >= _LEAST:
        scales += 1
        side = (side + 1) // 2 if scales > 1 else side
    if scales == _SCALES or (scales and options.min_size == "fewer_scales"):
        return scales
    raise _checks.TooSmallError(
        "pred and target must have at least 113 pixels on the short side for six scales, got "
        f"{tuple(image.shape[2:])}; use larger crops, or min_size='fewer_scales' from 8 pixels on"
    )


def _weights(scales: int) -> list[Matrix]:
    """Weights ``(3, 6)`` of each scale, counted off from the first in the order plane, scale."""
    every = [row for plane in _WEIGHTS for row in plane]
    return [tuple(every[plane * scales + scale] for plane in range(3)) for scale in range(scales)]


def _linear(image: Tensor, options: Ranged) -> Tensor:
    """Linear light of RGB, ``(H, W, N, 3)``: a batch is filtered as if it were channels."""
    light = linear_light((image - options.low) / options.span).permute(2, 3, 0, 1)
    return light.expand(-1, -1, -1, 3).clone(memory_format=torch.contiguous_format)


def _halved(light: Tensor) -> Tensor:
    """Means of 2 x 2 pixels; an odd side repeats its last pixel."""
    h, w = light.shape[:2]
    image = _as_image(light)
    if h % 2 or w % 2:
        image = pad(image, (0, w % 2, 0, h % 2), mode="replicate")
    halves = avg_pool2d(image, 2)
    return halves[0].permute(1, 2, 0).reshape(*halves.shape[2:], *light.shape[2:])


def _as_image(planes: Tensor) -> Tensor:
    """``(H, W, N, C)`` as ``(1, N C, H, W)``, channels last."""
    return planes.flatten(2).permute(2, 0, 1)[None]


def _planes(light: Tensor) -> Tensor:
    """``X``, ``Y`` and ``B - Y``, each about 0 to 1: ``(H, W, N, 3)``."""
    responses = _mixed(light, _CONES) + _BIAS
    inside = responses.clamp(min=_BIAS)  # what sRGB can show
    slope = _BIAS ** (-2 / 3) / 3
    roots = inside ** (1 / 3) + slope * (responses - inside)
    return _mixed(roots, _OPPONENT) + constant(_ORIGIN, light)


def _mixed(planes: Tensor, rows: Matrix) -> Tensor:
    """Weighted sums of three planes, one for each row."""
    matrix = constant(tuple(zip(*rows, strict=True)), planes)
    return product(planes.reshape(1, -1, 3), matrix[None]).view(planes.shape)


def _errors(x: Tensor, y: Tensor, window: Tensor) -> Tensor:
    """Means of structure, ringing and blur, then their 4-norms, of each image and plane:
    ``(6, N, 3)``.
    """
    mu_x, mu_y = _blur(x, window), _blur(y, window)
    q = (mu_x - mu_y).square()
    var_sum = (_blur(x * x + y * y, window) - mu_x * mu_x - mu_y * mu_y).clamp(min=0)
    # The variance of x - y, var_x + var_y - 2 cov_xy, which rounding keeps within its bounds.
    unlike = (_blur((x - y).square(), window) - q).clamp(min=0)
    unlike = torch.minimum(unlike, 2 * var_sum)
    bottom = var_sum + _C2
    d = ((unlike + q * (bottom - unlike)) / bottom).relu()
    edge_x, edge_y = (x - mu_x).abs(), (y - mu_y).abs()
    e = (edge_x - edge_y) / (1 + edge_y)
    maps = d, e.relu(), (-e).relu()
    return torch.stack([*(_mean(m) for m in maps), *(_norm4(m) for m in maps)])


def _blur(planes: Tensor, window: Tensor) -> Tensor:
    """Filtered along both axes, zeros beyond the border."""
    half = len(window) // 2
    image = _as_image(planes)
    if image.dtype is torch.float64:
        image = pad(image, (half,) * 4)
        image = blur_along(blur_along(image, window, 2), window, 3)
    else:
        image = correlate(correlate(image, window, 2, half), window, 3, half)
    return image[0].permute(1, 2, 0).reshape(planes.shape)


def _mean(planes: Tensor) -> Tensor:
    """``(H, W, N, 3)`` to ``(N, 3)``."""
    return planes.flatten(0, 1).mean(0)


def _norm4(planes: Tensor) -> Tensor:
    """The fourth root of the mean of fourth powers, in units of the largest value, so that no power
    overflows; ``(N, 3)``. Its slope at 0 is 0.
    """
    largest = planes.detach().flatten(0, 1).amax(0)
    unit = torch.where(largest > 0, largest, 1)
    mean = _mean((planes / unit).square().square())
    return unit * flat_power(mean, 0.25)


def _score(error: Tensor) -> Tensor:
    """The score of weighted errors ``(N,)``."""
    s = 0.9562382616834844 * widened(error)
    s = s * (2.326765642916932 + s * (6.248496625763138e-05 * s - 0.020884521182843837))
    return (100 - 10 * held_power(s, 0.6276336467831387)).to(error.dtype)


SSIMULACRA2 = Measure(
    "ssimulacra2",
    "SSIMULACRA 2",
    "",
    "higher",
    100.0,
    (float("-inf"), 100.0),
    "Sneyers 2023",
    _ssimulacra2,
    SSIMULACRA2Options,
    formula="sRGB to XYB, errors of structure, ringing and blur at six scales, their means and "
    "4-norms weighted (SSIMULACRA 2.1, Sneyers 2023)",
    module="SSIMULACRA2Loss",
    metric="SSIMULACRA2",
    takes_color=True,
    agrees="the original implementation: 0.02, its float32; frame-analytics: 1e-9",
)
ssimulacra2, ssimulacra2_loss = SSIMULACRA2.score, SSIMULACRA2.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "SSIMULACRA2",
    SSIMULACRA2,
    (
        *PREPARATION,
        choice(
            "small images",
            "min_size",
            {
                "error": ("refused", ""),
                "fewer_scales": (
                    "fewer scales",
                    "images below 113 pixels have fewer scales, and the weights of other scales",
                ),
            },
        ),
        OVER_BATCH,
    ),
    Convention("sneyers2023", "version 2.1", "ssimulacra2.cc", "tests/reference.py", 1e-9),
    Convention(
        "libjxl",
        "the original implementation on 8-bit files",
        "ssimulacra2 target.png pred.png",
        "cloudinary/ssimulacra2 81feacf",
        0.02,
        "its recursive filter is in float32",
        options={"min_size": "fewer_scales"},
        notes=("It blends an alpha channel with two backgrounds, which is not done here.",),
    ),
)
