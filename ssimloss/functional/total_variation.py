"""Smoothness: total variation in the conventions in use.

Rudin, Osher & Fatemi 1992.
"""

import functools
from collections.abc import Iterable
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import computing_dtype
from ssimloss._reduce import Reduction, reduce, slope_of
from ssimloss._roots import root
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._edges import difference_weights, edge_numbers
from ssimloss.functional._pixel import not_reduced
from ssimloss.image_gradients import forward_differences, forward_weights, neighbours
from ssimloss.kernels import EDGE_MEANS, Backed, Backend, Edges, select
from ssimloss.measure import Measure

VariationNorm = Literal["anisotropic", "isotropic", "squared", "image_l2"]
VARIATION_NORMS: tuple[str, ...] = get_args(VariationNorm)
WithinImage = Literal["mean", "sum"]
WITHIN_IMAGE: tuple[str, ...] = get_args(WithinImage)
_CURVES: dict[VariationNorm, Literal["l1", "length", "l2"]] = {  # of the kernel
    "anisotropic": "l1",
    "isotropic": "length",
    "squared": "l2",
    "image_l2": "l2",
}


class TotalVariationOptions(Backed, Reduced):
    """Options of total variation.

    Args:
        norm: ``"anisotropic"`` is ``|dx| + |dy|``; ``"isotropic"`` is ``sqrt(dx^2 + dy^2)`` at each
            pixel, with differences of 0 across the far border; ``"squared"`` is ``dx^2 + dy^2``;
            ``"image_l2"`` is the root of the ``"squared"`` total of each image. Volumes add ``dz``.
        within_image: the value of one image. ``"mean"`` is the mean over its dx plus the mean over
            its dy (for ``"isotropic"``, the mean over its pixels), which does not grow with the
            size of the image. ``"sum"`` adds all of them.
        reduction: ``"image"`` returns the values of the images ``(N,)``, ``"mean"`` their mean.
            With a mask, the mean of means is weighted over the batch, so that images without valid
            pixels do not count. ``"sum"`` adds all terms of the batch for any ``within_image``
            (for ``"image_l2"``, the values of the images). ``"none"`` is the map.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce images, and
            support neither masks nor volumes.
    """

    norm: VariationNorm = "anisotropic"
    within_image: WithinImage = "mean"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("norm", self.norm, VARIATION_NORMS)
        _checks.choice("within_image", self.within_image, WITHIN_IMAGE)


def _total_variation(
    pred: Tensor, options: TotalVariationOptions, *, mask: Tensor | None = None
) -> Tensor:
    """Total variation of an image: the differences ``dx``, ``dy`` of each pixel to its right and
    lower neighbour; for a volume, also ``dz`` to the next slice.

    Args:
        pred: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights. The weight of a difference is the product of its two
            pixels' weights. For ``"isotropic"``, each pixel has its own weight, and differences to
            invalid pixels are 0. With a mask of a rectangle, the result is the total variation of
            that rectangle.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``. For ``"none"``, the unscaled terms at each
        pixel, with the shape of ``pred``, without dx in the last column and dy in the last row.
        ``norm="image_l2"`` has no map: ``"none"`` returns ``(N,)``.

    Raises:
        ValueError: ``pred`` does not have four or five dimensions, or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Rudin, Osher & Fatemi 1992 (``"isotropic"``). Agrees to float64 rounding with BasicSR
    and kornia's mean (``"mean"``); torchmetrics, TensorFlow, piq's ``l1`` and, added over channels,
    kornia (``"sum"``); piq's ``l2_squared`` (``"squared"``, ``"sum"``) and ``l2`` (``"image_l2"``,
    ``"sum"``).
    """
    _checks.image("pred", pred, ndim=_checks.VOLUMES)
    _checks.mask(mask, pred)
    backend = select(
        options.backend, pred, pred, EDGE_MEANS, uncovered=_uncovered(pred, options, mask)
    )
    if backend != "eager":
        return _by_kernel(pred, options, backend)
    image = pred.to(computing_dtype(pred))
    if mask is not None:
        mask = mask.to(image.dtype)
        image = torch.where(mask != 0, image, 0)

    axes = image.ndim - 2
    differences = forward_differences(image, axes)
    terms: list[tuple[Tensor, Tensor | None]]
    if options.norm == "isotropic":
        terms = [(_gradient_length(differences, image, mask), mask)]
    else:
        weights = (None,) * axes if mask is None else forward_weights(mask, axes)
        terms = [
            (d.abs() if options.norm == "anisotropic" else d.square(), w)
            for d, w in zip(differences, weights, strict=True)
        ]

    within_image, reduction = options.within_image, options.reduction
    if options.norm == "image_l2":
        squares = _add(_total(*term, within_image, "image") for term in terms)
        return reduce(root(squares), reduction)
    if reduction == "none":
        maps = [_full_size(reduce(values, "none", weight), image) for values, weight in terms]
        return _add(maps).to(pred.dtype)
    return _add(_total(*term, within_image, reduction) for term in terms)


def _uncovered(pred: Tensor, options: TotalVariationOptions, mask: Tensor | None) -> str | None:
    """Why no kernel supports this call, None if one does."""
    if pred.ndim == 5:
        return "no kernel supports volumes"
    return not_reduced(mask, "image" if options.norm == "image_l2" else options.reduction)


def _by_kernel(image: Tensor, options: TotalVariationOptions, backend: Backend) -> Tensor:
    mean = options.within_image == "mean"
    if options.reduction == "sum" and options.norm != "image_l2":
        mean = False
    curve = _CURVES[options.norm]
    weights = difference_weights(image, mean)
    if curve == "length":  # one for each pixel
        weights = (1 / max(image.shape[2] * image.shape[3], 1) if mean else 1.0, 0.0)
    edges = Edges("neighbours", "replicate", curve, weights=weights)
    slope = slope_of(options.reduction, image.shape[: 2 if mean else 1])
    if options.norm == "image_l2":
        slope = 1.0
    planes = edge_numbers(image, image.detach(), edges, backend, slope)  # the second is not read
    images = reduce(planes, "image") if mean else planes.sum(1)
    return reduce(root(images) if options.norm == "image_l2" else images, options.reduction)


def _add(parts: Iterable[Tensor]) -> Tensor:
    return functools.reduce(torch.add, parts)


def _total(
    values: Tensor, weight: Tensor | None, within_image: WithinImage, reduction: Reduction
) -> Tensor:
    """The value of one direction per image, reduced over images."""
    if within_image == "mean" or reduction == "sum":
        return reduce(values, reduction, weight)
    weighted = values if weight is None else values * weight
    return reduce(weighted.flatten(1).sum(1), reduction)


def _gradient_length(differences: tuple[Tensor, ...], image: Tensor, mask: Tensor | None) -> Tensor:
    """``sqrt(dx^2 + dy^2)`` at each pixel, with the shape of the image. Differences across the
    border and to neighbours of weight 0 are 0.
    """
    if mask is not None:
        behind = [after for after, _ in neighbours(mask, len(differences))]
        differences = tuple(
            torch.where(weight != 0, d, 0) for d, weight in zip(differences, behind, strict=True)
        )
    return root(_add(_full_size(d.square(), image) for d in differences))


def _full_size(values: Tensor, image: Tensor) -> Tensor:
    """Zeros for the last column, row or slice that has no neighbour."""
    amounts = [(0, image.shape[i] - values.shape[i]) for i in range(image.ndim - 1, 1, -1)]
    return pad(values, [side for amount in amounts for side in amount])


TOTAL_VARIATION = Measure(
    "total_variation",
    "total variation",
    "",
    "lower",
    None,
    (0.0, float("inf")),
    "Rudin, Osher & Fatemi 1992",
    _total_variation,
    TotalVariationOptions,
    module="TotalVariationLoss",
    agrees="BasicSR, kornia, torchmetrics, piq: 1e-15",
)
total_variation = total_variation_loss = TOTAL_VARIATION.loss

# --- conventions ----------------------------------------------------------------------------------

_ATTRIBUTES = (
    choice(
        "norm",
        "norm",
        {
            "anisotropic": (
                "|dx| + |dy|",
                "|dx| + |dy|, the differences to the right and lower neighbour",
            ),
            "isotropic": (
                "sqrt(dx^2 + dy^2)",
                "sqrt(dx^2 + dy^2) at every pixel, a difference across the far border being 0",
            ),
            "squared": ("dx^2 + dy^2", "dx^2 + dy^2"),
            "image_l2": (
                "root of all",
                "the square root of the sum of all dx^2 + dy^2 of an image",
            ),
        },
    ),
    choice(
        "within an image",
        "within_image",
        {
            "mean": (
                "mean",
                "within an image the mean over dx plus the mean over dy, each over its own "
                "number of differences",
            ),
            "sum": ("sum", "within an image the sum over all pixels and channels"),
        },
    ),
    OVER_BATCH,
)

CONVENTIONS = Table(
    "TOTAL_VARIATION",
    TOTAL_VARIATION,
    _ATTRIBUTES,
    Convention(
        "basicsr",
        "mean |dx| + mean |dy|",
        "WeightedTVLoss()",
        "BasicSR 1.4.2; its formula",
        1e-12,
    ),
    Convention(
        "kornia",
        "the sum, its default",
        "kornia.losses.total_variation().sum(1)",
        p.KORNIA,
        1e-9,
        options={"within_image": "sum", "reduction": "image"},
        notes=(
            "The original code returns a value per image and channel, (N, C); added over channels "
            "they are this, (N,).",
        ),
    ),
    Convention(
        "kornia_mean",
        "the mean",
        "kornia.losses.total_variation(reduction='mean').mean(1)",
        p.KORNIA,
        1e-9,
        options={"reduction": "image"},
        notes=(
            "The original code returns a value per image and channel, (N, C); averaged over "
            "channels they are this, (N,).",
        ),
    ),
    Convention(
        "torchmetrics",
        "the sum over the whole batch, its default",
        "total_variation()",
        p.TORCHMETRICS,
        1e-9,
        options={"within_image": "sum", "reduction": "sum"},
    ),
    Convention(
        "tensorflow",
        "the sum of each image",
        "tf.image.total_variation",
        p.TENSORFLOW,
        1e-9,
        options={"within_image": "sum", "reduction": "image"},
    ),
    Convention(
        "piq",
        "the root of all squares of an image, its default",
        "piq.total_variation()",
        p.PIQ,
        1e-9,
        options={"norm": "image_l2", "within_image": "sum"},
    ),
    Convention(
        "piq_l1",
        "the sum of an image",
        "piq.total_variation(norm_type='l1')",
        p.PIQ,
        1e-9,
        options={"within_image": "sum"},
    ),
    Convention(
        "piq_l2_squared",
        "the sum of squares of an image",
        "piq.total_variation(norm_type='l2_squared')",
        p.PIQ,
        1e-9,
        options={"norm": "squared", "within_image": "sum"},
    ),
    Convention(
        "rudin_osher_fatemi",
        "isotropic, the sum of an image",
        "none to run; its equation (1992)",
        "tests/reference.py",
        1e-9,
        options={"norm": "isotropic", "within_image": "sum"},
    ),
)
