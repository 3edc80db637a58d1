"""Gradient variance: ``mean rho(v_x - v_y)``, the distance of the variances of image gradients in
patches, added over both directions.

Abrahamyan, Truong, Philips & Deligiannis, "Gradient variance loss for structure-enhanced image
super-resolution", 2022. The original code is ``gradient_variance_loss.py`` of the authors.
"""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, distance
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import average_pool
from ssimloss.functional._distance import Distance, check_distance, distance_of
from ssimloss.functional._gradient_similarity import (
    check_colors,
    check_least_side,
    combined,
    gradient_weight,
    gradients,
    without_masked,
)
from ssimloss.measure import Measure

_LUMA = (0.2989, 0.5870, 0.1140)  # rgb2gray as rounded in MATLAB's manual; the sum is 0.9999


class GradientVarianceOptions(Reduced, Ranged):
    """Options of gradient variance.

    Args:
        patch_size: side of the patches; incomplete ones at the lower and right border are dropped.
        distance: distance of variances: ``"l2"`` ``d^2``, ``"l1"`` ``|d|``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier; for equal images the value is ``2 eps``, not 0.
    """

    patch_size: int = 8
    distance: Distance = "l2"
    eps: float = 1e-3

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.count("patch_size", self.patch_size, least=2)
        check_distance(self.distance, self.eps)


def _gradient_variance(
    pred: Tensor, target: Tensor, options: GradientVarianceOptions, *, mask: Tensor | None = None
) -> Scores:
    """Distance of the variances of Sobel gradients in patches: it rewards sharp edges.

    RGB images are converted to the luma ``0.2989 R + 0.587 G + 0.114 B``. The border is padded
    with black. A variance is stationary where gradients are constant, so a flat patch has no
    gradient: add a pixel loss.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``patch_size`` pixels on the short side.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A gradient
            has the smallest weight of its 3 x 3 pixels, a patch the mean weight of its gradients.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, 1, H', W')`` with sides
        divided by ``patch_size``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or smaller than a patch, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: Abrahamyan et al. 2022. Agrees with the authors' code and with the
    ``GradientVarianceLoss`` of traiNNer-redux to 1e-10.
    """
    check_colors(pred, target, mask)
    size = options.patch_size
    check_least_side(pred, size, f"for patches of {size} pixels")
    dtype = native_dtype(pred, target)
    x, y, valid = without_masked(*promote(pred, target), mask, options.low)
    weight = gradient_weight(valid)
    total = None
    for of_x, of_y in zip(_gradients(x, options), _gradients(y, options), strict=True):
        difference = _variances(of_x, weight, size) - _variances(of_y, weight, size)
        values = distance_of(difference, options.distance, options.eps)
        total = values if total is None else total + values
    assert total is not None
    return Scores(total, None if weight is None else average_pool(weight, size), 1, dtype)


def _gradients(image: Tensor, options: GradientVarianceOptions) -> tuple[Tensor, Tensor]:
    unit = (image - options.low) / options.span
    return gradients(combined(unit, (_LUMA,)) if image.shape[1] == 3 else unit, "sobel")


def _patches(plane: Tensor, size: int) -> Tensor:
    """``(N, 1, H', W', size^2)``; incomplete patches are dropped."""
    rows, columns = plane.shape[2] // size, plane.shape[3] // size
    whole = plane[:, :, : rows * size, : columns * size]
    parts = whole.reshape(-1, 1, rows, size, columns, size)
    return parts.transpose(3, 4).flatten(4)


def _variances(plane: Tensor, weight: Tensor | None, size: int) -> Tensor:
    """Sample variance of each patch, ``(N, 1, H', W')``; 0 without any weight."""
    values = _patches(plane, size)
    if weight is None:
        centred = values - values.mean(4, keepdim=True)
        return centred.square().sum(4) / (size**2 - 1)
    share = _patches(weight, size)
    mass = share.sum(4, keepdim=True)
    mass = torch.where(mass > 0, mass, 1)
    centred = values - (share * values).sum(4, keepdim=True) / mass
    free = mass - share.square().sum(4, keepdim=True) / mass  # N - 1 for weights of 1
    squares = (share * centred.square()).sum(4)
    return squares / torch.where(free > 0, free, 1).squeeze(4)


GRADIENT_VARIANCE = Measure(
    "gradient_variance",
    "gradient variance",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Abrahamyan et al. 2022",
    _gradient_variance,
    GradientVarianceOptions,
    formula="mean squared difference of the variances of Sobel gradients of the luma in patches of "
    "8 x 8 pixels, added over both directions, of images on a scale of [0, 1] (Abrahamyan et al. "
    "2022)",
    module="GradientVarianceLoss",
    metric="GradientVariance",
    takes_color=True,
    agrees="the authors' code, traiNNer-redux: 1e-10",
)
gradient_variance = gradient_variance_loss = GRADIENT_VARIANCE.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "GRADIENT_VARIANCE",
    GRADIENT_VARIANCE,
    (
        *PREPARATION,
        Attribute(
            "patches",
            ("patch_size",),
            lambda s: f"{s['patch_size']} x {s['patch_size']}",
            lambda s: (
                "sample variance of Sobel gradients of the luma in patches of "
                f"{s['patch_size']} x {s['patch_size']} pixels, zeros beyond the border"
            ),
        ),
        distance("mean {} distance of variances, added over both directions"),
        OVER_BATCH,
    ),
    Convention(
        "abrahamyan2022",
        "the authors' code",
        "GradientVariance(patch_size=8)(output, target)",
        "tests/reference.py",
        1e-10,
    ),
    Convention(
        "trainner",
        "traiNNer-redux with its defaults",
        "GradientVarianceLoss(1.0)",
        p.TRAINNER,
        1e-10,
        options={"patch_size": 16, "distance": "charbonnier", "eps": 1e-6},
    ),
    Convention(
        "trainner_l1",
        "with absolute differences",
        'GradientVarianceLoss(1.0, criterion="l1")',
        p.TRAINNER,
        1e-10,
        options={"patch_size": 16, "distance": "l1"},
    ),
    Convention(
        "trainner_l2",
        "with squares",
        'GradientVarianceLoss(1.0, criterion="l2")',
        p.TRAINNER,
        1e-10,
        options={"patch_size": 16},
    ),
)
