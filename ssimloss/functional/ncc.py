"""NCC: normalised cross-correlation, ``(cov + C) / sqrt((var_x + C) (var_y + C))`` of each plane,
with ``C = (k L)^2``.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, Attribute, switch
from ssimloss.conventions.convention import Convention, Table
from ssimloss.measure import Measure

_LEAST_K = 1e-12  # the gradient of flat images is up to k^-3, which must be finite in float32


class NCCOptions(Reduced, Ranged):
    """Options of NCC.

    Args:
        k: the constant ``C`` is ``(k L)^2``, which bounds the gradient of flat images. Two flat
            images have the correlation 1.
        reduction: ``"mean"`` or ``"sum"`` over planes; ``"image"`` returns one value per image,
            ``"none"`` one per plane.
    """

    k: float = 0.01

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if _checks.positive("k", self.k) < _LEAST_K:
            raise ValueError(f"k must be at least {_LEAST_K}, got {self.k!r}")


def _ncc(
    pred: Tensor, target: Tensor, options: NCCOptions, *, mask: Tensor | None = None
) -> Scores:
    """Normalised cross-correlation of whole planes, in [-1, 1].

    It ignores brightness and contrast: add a pixel loss. The correlation under a
    sliding window is ``structure_correlation``.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; each channel is
            compared separately.
        mask: ``(N, 1 or C, H, W)`` weights of the pixels.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images of one pixel, ``k`` is below 1e-12, or ``reduction``
            is unknown.
        TypeError: integer tensors.

    Source: the correlation coefficient; with a small ``k``, that of SciPy and, for one image, of
    ``ncc_loss`` of neosr and ``NCCLoss`` of traiNNer-redux, to 1e-12.
    """
    _checks.images(pred, target)
    _checks.long_side(pred, 2, "because a single pixel has no correlation")
    _checks.mask(mask, pred)
    dtype = native_dtype(pred, target)
    # One row for each plane, see _gradient_similarity.variance.
    x, y = (image.flatten(2) for image in promote(pred, target))
    if options.span != 1:
        x, y = x / options.span, y / options.span
    weight = None
    if mask is not None:
        weight = mask.to(x.dtype).expand(-1, pred.shape[1], -1, -1).flatten(2)
        x, y = (torch.where(weight != 0, image, 0) for image in (x, y))
    x, y = (image - _mean(image, weight) for image in (x, y))
    c = options.k**2
    scale_x, scale_y = ((_mean(image.square(), weight) + c).rsqrt() for image in (x, y))
    # 1 - r is half the squared distance of unit vectors, with C as one more component. Equal planes
    # then have exactly r = 1, and small differences keep their digits.
    difference = torch.addcmul(-scale_y * y, scale_x, x)
    apart = _mean(difference.square(), weight) + c * (scale_x - scale_y).square()
    covered = None if weight is None else (weight.sum(2) > 0).to(x.dtype)
    return Scores(1 - apart.squeeze(2) / 2, covered, 1, dtype)


def _mean(planes: Tensor, weight: Tensor | None) -> Tensor:
    """The mean of each row, ``(N, C, 1)``; 0 without any weight."""
    if weight is None:
        return planes.sum(2, keepdim=True) / max(planes.shape[2], 1)
    mass = weight.sum(2, keepdim=True)
    return (weight * planes).sum(2, keepdim=True) / torch.where(mass > 0, mass, 1)


NCC = Measure(
    "ncc",
    "NCC",
    "",
    "higher",
    1.0,
    (-1.0, 1.0),
    "",
    _ncc,
    NCCOptions,
    formula="covariance of planes over the root of the product of their variances, each plus "
    "0.0001 for images on a scale of [0, 1], mean over channels",
    module="NCCLoss",
    metric="NCC",
    agrees="SciPy, neosr and traiNNer-redux (one image): 1e-12",
)
ncc, ncc_loss = NCC.score, NCC.loss

# --- conventions ----------------------------------------------------------------------------------


def _of_a_program(pred: Tensor, target: Tensor, *, halved: bool = False, **options: Any) -> Tensor:
    return ncc_loss(pred, target, **options) / 2 if halved else ncc(pred, target, **options)


_LOSS = (
    "The original writes the memory of a batch as C planes: each holds parts of several images. "
    "Here each image is compared separately.",
    "The gradient of the original code is NaN where a plane is flat.",
)
CONVENTIONS = Table(
    "NCC",
    NCC,
    (
        Attribute(
            "constant",
            ("k",),
            lambda s: f"({s['k']:g} L)^2",
            lambda s: (
                f"correlation coefficient of planes, variances and covariance plus "
                f"({s['k']:g} L)^2, mean over channels"
            ),
        ),
        switch("halved loss", "halved", "(1 - r) / 2", "as a loss, (1 - r) / 2"),
        OVER_BATCH,
    ),
    Convention("constant", "finite for flat images", "the equations", "tests/reference.py", 1e-13),
    Convention(
        "scipy",
        "the correlation coefficient",
        "scipy.stats.pearsonr of each plane",
        "SciPy",
        1e-12,
        options={"k": 1e-12},
    ),
    Convention(
        "trainner",
        "traiNNer-redux with its defaults, of one image",
        "NCCLoss(1.0)",
        p.TRAINNER,
        1e-12,
        options={"k": 1e-12, "halved": True},
        notes=_LOSS,
    ),
    Convention(
        "neosr",
        "neosr with its defaults, of one image",
        "ncc_loss()",
        p.NEOSR,
        1e-12,
        options={"k": 1e-12, "halved": True},
        same_as="trainner",
        notes=_LOSS,
    ),
    function=_of_a_program,
)
