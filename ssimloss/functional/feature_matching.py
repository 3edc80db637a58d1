"""Feature matching: the distance between what a discriminator's layers say of a generated and of a
real image.

Wang et al. 2018 (pix2pixHD), equation 4, after Salimans et al. 2016.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss.functional._logits import Scales, check_scales, over_scales

Maps = Sequence[Tensor] | Sequence[Sequence[Tensor]]
Layers = Literal["sum", "mean"]
LAYERS: tuple[str, ...] = get_args(Layers)
MapDistance = Literal["l1", "l2"]
MAP_DISTANCES: tuple[str, ...] = get_args(MapDistance)


def check_feature_matching_options(
    *, distance: str, layers: str, scales: str, detach_target: bool, reduction: str
) -> None:
    """Raise for options that ``feature_matching_loss`` refuses."""
    _checks.choice("distance", distance, MAP_DISTANCES)
    _checks.choice("layers", layers, LAYERS)
    check_scales(scales)
    if not isinstance(detach_target, bool):
        raise TypeError(
            f"detach_target must be True or False, got {type(detach_target).__name__} "
            f"{detach_target!r}"
        )
    check_reduction(reduction)


def feature_matching_loss(
    pred: Maps,
    target: Maps,
    *,
    distance: MapDistance = "l1",
    layers: Layers = "sum",
    scales: Scales = "mean",
    detach_target: bool = True,
    reduction: Reduction = "mean",
) -> Tensor:
    """Distance between a discriminator's feature maps of generated and of real images, layer by
    layer.

    Args:
        pred, target: maps ``(N, C, H, W)`` of the layers, of generated and of real images: a list
            over layers, or a list over scales of such. All are compared: pix2pixHD leaves out the
            last of each list, which are the logits, ``[maps[:-1] for maps in outputs]``.
        distance: ``"l1"`` or ``"l2"`` (squared).
        layers: ``"sum"`` of the layers' distances (the paper; the program multiplies it by
            ``4 / (n_layers_D + 1)``, which is 1 unless changed), or their ``"mean"``.
        scales: ``"mean"`` over scales (the program), or ``"sum"`` (the paper).
        detach_target: take the maps of real images as constants, so that no graph of the
            discriminator is kept for them.
        reduction: of each map, ``"mean"``, ``"sum"``, ``"image"`` or (of a single map) ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, an empty list, unknown words.
        TypeError: no lists of tensors, integers.
    """
    check_feature_matching_options(
        distance=distance,
        layers=layers,
        scales=scales,
        detach_target=detach_target,
        reduction=reduction,
    )
    found, expected = _scales("pred", pred), _scales("target", target)
    _check_length("target", expected, "pred", found)
    share_of_scale = 1 / len(found) if scales == "mean" else 1.0
    values = []
    for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        _check_length(f"target[{i}]", theirs, f"pred[{i}]", ours)
        weight = share_of_scale / len(ours) if layers == "mean" else share_of_scale
        for j, (x, y) in enumerate(zip(ours, theirs, strict=True)):
            _checks.image(f"pred[{i}][{j}]", x)
            _checks.image(f"target[{i}][{j}]", y)
            _checks.same_shape(f"target[{i}][{j}]", y, f"pred[{i}][{j}]", x)
            values.append(
                (weight, _map_distance(x, y.detach() if detach_target else y, distance, reduction))
            )
    return over_scales(values, reduction)


@full_precision
def _map_distance(x: Tensor, y: Tensor, distance: MapDistance, reduction: Reduction) -> Tensor:
    dtype = native_dtype(x, y)
    x, y = promote(x, y)
    difference = x - y
    return reduce(
        difference.abs() if distance == "l1" else difference.square(), reduction, dtype=dtype
    )


def _scales(name: str, maps: Maps) -> list[Sequence[Tensor]]:
    """A list over scales of lists over layers."""
    if not isinstance(maps, list | tuple):
        raise TypeError(
            f"{name} must be a list of feature maps, or a list of lists over scales, got "
            f"{type(maps).__name__}"
        )
    inner = [isinstance(entry, list | tuple) for entry in maps]
    if any(inner) and not all(inner):
        raise TypeError(f"{name} must hold feature maps only, or lists of them only")
    found = [entry for entry in maps if isinstance(entry, list | tuple)] if any(inner) else [maps]
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
