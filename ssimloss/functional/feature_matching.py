"""Feature matching: the distance between a discriminator's features of generated and real images.

Wang et al. 2018 (pix2pixHD), equation 4, after Salimans et al. 2016.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import full_precision, native_dtype
from ssimloss._reduce import reduce
from ssimloss.functional._distance import distance_of
from ssimloss.functional.features import check_weights, weighted
from ssimloss.functional.logits import Scaled, over_scales
from ssimloss.measure import Measure

Maps = Sequence[Tensor] | Sequence[Sequence[Tensor]]
Layers = Literal["sum", "mean"]
LAYERS: tuple[str, ...] = get_args(Layers)
MapDistance = Literal["l1", "l2"]
MAP_DISTANCES: tuple[str, ...] = get_args(MapDistance)


class FeatureMatchingOptions(Scaled, Reduced):
    """Options of feature matching.

    Args:
        distance: ``"l1"`` or ``"l2"`` (squared).
        layers: ``"sum"`` of the layers' distances (the paper; the code multiplies it by
            ``4 / (n_layers_D + 1)``, which is 1 by default), or their ``"mean"``.
        scales: ``"mean"`` over scales (the code), or ``"sum"`` (the paper).
        detach_target: treat the maps of real images as constants, so that no graph of the
            discriminator is kept for them.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` of each map; ``"none"`` only for
            a single map.
    """

    distance: MapDistance = "l1"
    layers: Layers = "sum"
    detach_target: bool = True

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("distance", self.distance, MAP_DISTANCES)
        _checks.choice("layers", self.layers, LAYERS)
        _checks.flag("detach_target", self.detach_target)


def _feature_matching(
    pred: Maps, target: Maps, options: FeatureMatchingOptions, *, mask: Tensor | None = None
) -> Tensor:
    """Distance between a discriminator's feature maps of generated and of real images, layer by
    layer.

    Args:
        pred, target: feature maps of generated and of real images: ``(N, C, H, W)``, of volumes
            ``(N, C, D, H, W)``, or of signals ``(N, C, L)``, in a list over layers or a list of
            such lists over scales. All maps are compared. pix2pixHD leaves out the last one of each
            list, the logits: ``[maps[:-1] for maps in outputs]``.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position of a map. A position also depends on pixels outside
            its area. To hide pixels completely, make them equal in both images before the
            discriminator. Maps of volumes and signals do not support a mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, a list is empty, or an option value is
            unknown.
        TypeError: the inputs are not lists of tensors, or tensors have integers.

    Source: Wang et al. 2018 (pix2pixHD), equation 4.
    """
    found, expected = _scales("pred", pred), _scales("target", target)
    _check_length("target", expected, "pred", found)
    share_of_scale = 1 / len(found) if options.scales == "mean" else 1.0
    values = []
    for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        _check_length(f"target[{i}]", theirs, f"pred[{i}]", ours)
        weight = share_of_scale / len(ours) if options.layers == "mean" else share_of_scale
        for j, (x, y) in enumerate(zip(ours, theirs, strict=True)):
            _checks.maps(f"pred[{i}][{j}]", x, ndim=(3, 4, 5))
            _checks.maps(f"target[{i}][{j}]", y, ndim=(3, 4, 5))
            _checks.same_shape(f"target[{i}][{j}]", y, f"pred[{i}][{j}]", x)
            check_weights(mask, {f"pred[{i}][{j}]": x})
            constant = y.detach() if options.detach_target else y
            values.append((weight, _map_distance(x, constant, options, mask)))
    return over_scales(values, options.reduction)


FEATURE_MATCHING = Measure(
    "feature_matching",
    "feature matching",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Wang et al. 2018",
    _feature_matching,
    FeatureMatchingOptions,
    role="loss",
    module="FeatureMatchingLoss",
    autocast=True,  # disabled for each map of a list, because maps may be on any device
)
feature_matching_loss = FEATURE_MATCHING.loss


@full_precision
def _map_distance(
    x: Tensor, y: Tensor, options: FeatureMatchingOptions, mask: Tensor | None
) -> Tensor:
    dtype = native_dtype(x, y)
    x, y, weight = weighted(x, y, mask)
    values = distance_of(x - y, options.distance, 0.0)
    return reduce(values, options.reduction, weight, dtype=dtype)


def _scales(name: str, maps: Maps) -> list[Sequence[Tensor]]:
    """A list over scales of lists over layers."""
    if not isinstance(maps, (list, tuple)):
        raise TypeError(
            f"{name} must be a list of feature maps, or a list of lists over scales, got "
            f"{type(maps).__name__}"
        )
    inner = [isinstance(entry, (list, tuple)) for entry in maps]
    if any(inner) and not all(inner):
        raise TypeError(f"{name} must hold feature maps only, or lists of them only")
    found = [entry for entry in maps if isinstance(entry, (list, tuple))] if any(inner) else [maps]
    if not all(found):
        raise ValueError(
            f"{name} must hold at least one feature map at every scale, got an empty list"
        )
    return found  # type: ignore[return-value]


def _check_length(
    name: str, found: Sequence[object], other_name: str, other: Sequence[object]
) -> None:
    if len(found) != len(other):
        raise ValueError(
            f"{name} must be as long as {other_name} ({len(other)}), got {len(found)}; pass maps "
            "of one discriminator"
        )
