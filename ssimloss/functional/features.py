"""Functions of deep features: Gram matrices, unit vectors, weights at their resolution.

Features are a mapping from layer names to tensors ``(N, C, H, W)`` with that layer's size. Losses
over several layers have one term per image and layer, ``(N, L)``; an image's loss is the sum of its
terms.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._options import Reduced
from ssimloss._precision import computing_dtype, full_precision, product, promote
from ssimloss._reduce import Reduction, reduce

Features = Mapping[str, Tensor]
Heads = Sequence[Tensor]
GramNormalization = Literal["chw", "hw", "none", "bchw", "gatys"]
GRAM_NORMALIZATIONS: tuple[str, ...] = get_args(GramNormalization)
LEAST_NORM = 1e-10  # added to the norm before the division, as in LPIPS


class Layered(Reduced):
    """A distance between features, layer by layer.

    Args:
        layers: weights of the layers to compare; others are ignored.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.
    """

    layers: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check the layers."""
        check_layers(self.layers)
        super().__post_init__()


def check_layers(layers: Mapping[str, float]) -> None:
    """Check for a mapping of layer names to weights, none negative, not all zero."""
    if not isinstance(layers, Mapping):
        raise TypeError(
            f"layers must map names to weights, such as {{'conv5_4': 1.0}}, got "
            f"{type(layers).__name__} {layers!r}"
        )
    if not layers:
        raise ValueError("layers must name at least one layer, such as {'conv5_4': 1.0}, got none")
    if not any(
        [_checks.non_negative(f"layers[{name!r}]", weight) for name, weight in layers.items()]
    ):
        raise ValueError(f"layers must have a weight other than 0, got {dict(layers)!r}")


def check_features(
    pred_features: Features,
    target_features: Features,
    layers: Iterable[str],
    *,
    spatial: bool = True,
) -> None:
    """Check that both hold these layers, as floating point tensors of one shape and device; with
    ``spatial``, as ``(N, C, H, W)`` of at least one position.
    """
    layers = tuple(layers)
    for name, features in (("pred_features", pred_features), ("target_features", target_features)):
        if not isinstance(features, Mapping):
            raise TypeError(
                f"{name} must map names of layers to tensors, got {type(features).__name__}"
            )
        if missing := [layer for layer in layers if layer not in features]:
            raise ValueError(
                f"{name} must hold the layers {list(layers)}, got {list(features)}; extract "
                f"{missing} too"
            )
        for layer in layers:
            _check_tensor(f"{name}[{layer!r}]", features[layer], spatial)
    for layer in layers:
        pred, target = pred_features[layer], target_features[layer]
        if pred.shape != target.shape:
            raise ValueError(
                f"target_features[{layer!r}] must have the shape of pred_features[{layer!r}] "
                f"{tuple(pred.shape)}, got {tuple(target.shape)}; precomputed features belong to "
                "one batch and one image size"
            )
        if pred.device != target.device:
            raise ValueError(
                f"target_features[{layer!r}] must be on the device of pred_features[{layer!r}] "
                f"({pred.device}), got {target.device}; move it with .to({str(pred.device)!r})"
            )


def _check_tensor(name: str, value: Tensor, spatial: bool) -> None:
    if not isinstance(value, Tensor) or not value.dtype.is_floating_point:
        raise TypeError(
            f"{name} must be a floating point tensor, got "
            f"{value.dtype if isinstance(value, Tensor) else type(value).__name__}"
        )
    _checks.dense(name, value)
    if value.ndim != 4 if spatial else value.ndim < 2:
        raise ValueError(
            f"{name} must have shape {'(N, C, H, W)' if spatial else '(N, C, ...)'}, got "
            f"{tuple(value.shape)}"
        )
    if spatial and 0 in value.shape[2:]:
        raise _checks.TooSmallError(
            f"{name} must have at least one position, got {tuple(value.shape)}; leave the layer "
            "out, or use larger images"
        )


def check_heads(name: str, heads: Heads, channels: Mapping[str, int]) -> None:
    """Check for one 1-D tensor of weights per layer, with one weight per channel."""
    if isinstance(heads, (str, Tensor)) or not isinstance(heads, Sequence):
        raise TypeError(
            f"{name} must be a list of 1-D tensors, one per layer, got {type(heads).__name__}; "
            "Tensor.split makes one"
        )
    found = [
        tuple(head.shape) if isinstance(head, Tensor) else type(head).__name__ for head in heads
    ]
    if found != [(count,) for count in channels.values()]:
        raise ValueError(
            f"{name} must be {len(channels)} 1-D tensors with the numbers of weights "
            f"{dict(channels)}, got shapes {found}"
        )
    for i, head in enumerate(heads):
        if not head.dtype.is_floating_point:
            raise TypeError(
                f"{name}[{i}] must be floating point, got {head.dtype}; cast it with .float()"
            )


def reduce_terms(terms: Tensor, reduction: Reduction, dtype: torch.dtype) -> Tensor:
    """Reduce ``(N, L)`` terms. Reductions over images use the sum of each image's terms. The result
    for ``"none"`` has ``dtype``.
    """
    return terms.to(dtype) if reduction == "none" else reduce(terms.sum(1), reduction)


def native_dtype(pred_features: Features, target_features: Features) -> torch.dtype:
    """The widest dtype of all features, which unreduced results have."""
    dtypes = [
        features.dtype
        for mapping in (pred_features, target_features)
        for features in mapping.values()
    ]
    widest = dtypes[0]
    for dtype in dtypes[1:]:
        widest = torch.promote_types(widest, dtype)
    return widest


def unit_vectors(features: Tensor) -> Tensor:
    """``x / (|x| + 1e-10)`` over the channels, dimension 1. A zero vector stays zero and has the
    gradient 0.

    The square root has an infinite derivative at 0, which makes the gradient of LPIPS NaN. Here the
    root of 0 is avoided.
    """
    squared = features.square().sum(1, keepdim=True)
    some = squared > 0
    norm = torch.where(some, squared, 1).sqrt()
    return features * torch.where(some, 1 / (norm + LEAST_NORM), 0)


# --- Gram matrices --------------------------------------------------------------------------------


def check_gram_options(*, normalization: str, patch_size: int | None, stride: int | None) -> None:
    """Check the options of ``gram_matrix``."""
    _checks.choice("normalization", normalization, GRAM_NORMALIZATIONS)
    if patch_size is not None:
        _checks.count("patch_size", patch_size)
    if stride is not None:
        _checks.count("stride", stride)
        if patch_size is None:
            raise ValueError(
                f"stride must be None without patch_size, got {stride}; pass patch_size, or leave "
                "stride out"
            )
    if normalization == "bchw" and patch_size is not None:
        raise ValueError(
            'patch_size must be None with normalization="bchw", which mixes all images into one '
            'matrix; use "chw"'
        )


@keywords()
@full_precision
def gram_matrix(
    features: Tensor,
    *,
    normalization: GramNormalization = "chw",
    patch_size: int | None = None,
    stride: int | None = None,
) -> Tensor:
    """Gram matrix of features, ``G_ab = sum_p F_a(p) F_b(p)`` over the positions ``p``. It measures
    which channels occur together, independent of the position.

    Args:
        features: ``(N, C, H, W)``.
        normalization: the divisor of the sum: ``"chw"`` (Johnson et al. 2016; BasicSR, mmagic),
            ``"hw"``, or ``"none"`` (piq). ``"gatys"`` divides by ``2 C H W``, so that the squared
            Frobenius distance has the factor ``1 / (4 C^2 (HW)^2)`` of Gatys et al. 2016.
            ``"bchw"`` also multiplies channels of different images, and divides by ``N C H W``, as
            in PyTorch's style transfer tutorial, where ``N`` is 1.
        patch_size: compute one matrix per square window with this side in positions; ``H`` and
            ``W`` are then those of the window.
        stride: distance between windows, ``patch_size`` by default. Positions left over at the far
            borders are in no window.

    Returns:
        ``(N, C, C)``; ``(N, P, C, C)`` for ``P`` windows, row by row; ``(1, N C, N C)`` for
        ``"bchw"``. At least float32, because half precision overflows without a divisor.

    Raises:
        ValueError: the features do not have four dimensions, a window is larger than the features,
            or the normalization is unknown.
        TypeError: integer tensors.

    Source: Gatys, Ecker & Bethge 2016; windows as in EnhanceNet (Sajjadi et al. 2017).
    """
    check_gram_options(normalization=normalization, patch_size=patch_size, stride=stride)
    _check_tensor("features", features, spatial=True)
    features = features.to(computing_dtype(features))
    if patch_size is None:
        return gram(features, normalization)
    rows, columns = window_counts("features", features, patch_size, stride or patch_size)
    grams = window_grams(features, normalization, patch_size, stride or patch_size)
    return grams.view(len(features), rows * columns, *grams.shape[1:])


def gram(features: Tensor, normalization: GramNormalization) -> Tensor:
    """``(N, C, C)`` of checked features, or ``(1, N C, N C)`` for ``"bchw"``."""
    flat = features.flatten(2)  # (N, C, HW)
    if normalization == "bchw":
        flat = flat.flatten(0, 1).unsqueeze(0)
    channels, positions = flat.shape[1:]
    divisor = {"none": 1, "hw": positions, "gatys": 2 * channels * positions}.get(
        normalization, channels * positions
    )
    return product(flat, flat.mT) / max(divisor, 1)


def window_counts(name: str, features: Tensor, patch_size: int, stride: int) -> tuple[int, int]:
    """The numbers of windows that fit along rows and columns."""
    height, width = features.shape[2:]
    if patch_size > min(height, width):
        raise _checks.TooSmallError(
            f"patch_size must be at most {min(height, width)}, the shorter side of {name} "
            f"{tuple(features.shape)}, got {patch_size}; set a smaller patch_size, leave out deep "
            "layers, or use larger images"
        )
    return (height - patch_size) // stride + 1, (width - patch_size) // stride + 1


def window_grams(
    features: Tensor, normalization: GramNormalization, patch_size: int, stride: int
) -> Tensor:
    """Gram matrices of all windows, image by image and row by row: ``(N P, C, C)``."""
    windows = features.unfold(2, patch_size, stride).unfold(
        3, patch_size, stride
    )  # (N, C, rows, columns, p, p)
    n, channels, rows, columns = windows.shape[:4]
    patches = windows.permute(0, 2, 3, 1, 4, 5).reshape(
        n * rows * columns, channels, patch_size, patch_size
    )
    return gram(patches, normalization)


# --- masks and ranges -----------------------------------------------------------------------------


def without_masked_pixels(image: Tensor, mask: Tensor | None, data_range: DataRange) -> Tensor:
    """The image, set to the middle of the range where the weight is 0. Otherwise the features of
    nearby positions would depend on these pixels.
    """
    lo, span = _checks.data_range(data_range)
    return image if mask is None else torch.where(mask != 0, image, lo + span / 2)


def area_weights(mask: Tensor, features: Tensor) -> Tensor:
    """Weights at the resolution of the features: the mean over each position's area of the image,
    ``(N, 1, H, W)``.
    """
    weights = mask.to(features.dtype).mean(1, keepdim=True)
    return torch.nn.functional.adaptive_avg_pool2d(weights, (features.shape[2], features.shape[3]))


def weighted(
    pred: Tensor, target: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Features in the computing dtype, 0 where the weight is 0, and their weights."""
    pred, target = promote(pred, target)
    if mask is None:
        return pred, target, None
    weight = area_weights(mask, pred)
    return torch.where(weight != 0, pred, 0), torch.where(weight != 0, target, 0), weight


def check_weights(mask: Tensor | None, features: Features) -> None:
    """Check for ``(N, C, H, W)`` weights at image resolution, bool or floating point. Their batch
    size and device must be those of the features.
    """
    if mask is None:
        return
    if not isinstance(mask, Tensor):
        raise TypeError(f"mask must be a torch.Tensor or None, got {type(mask).__name__}")
    if mask.dtype is not torch.bool and not mask.dtype.is_floating_point:
        raise TypeError(
            f"mask must be bool or floating point weights, got {mask.dtype}; use mask.bool()"
        )
    for layer, values in features.items():
        if values.ndim != 4:
            raise ValueError(
                f"mask must be None for features that are not (N, C, H, W), such as {layer!r} of "
                f"shape {tuple(values.shape)}"
            )
        if mask.ndim != 4 or len(mask) != len(values) or mask.device != values.device:
            raise ValueError(
                f"mask must have shape (N, C, H, W) with the N={len(values)} of the features and "
                f"be on {values.device}, got {tuple(mask.shape)} on {mask.device}"
            )
        if mask.shape[2] < values.shape[2] or mask.shape[3] < values.shape[3]:
            raise ValueError(
                f"mask must have the resolution of the images, at least {tuple(values.shape[2:])} "
                f"of {layer!r}, got {tuple(mask.shape)}"
            )


def unit_range(image: Tensor, data_range: DataRange) -> Tensor:
    """The image on a scale of [0, 1], in its computing dtype."""
    lo, span = _checks.data_range(data_range)
    image = image.to(computing_dtype(image))
    return image if (lo, span) == (0.0, 1.0) else (image - lo) / span


def check_precomputed(target: Features, pred_features: Features) -> None:
    """Check that precomputed features of a target belong to the same loss."""
    if list(target) != list(pred_features):
        raise ValueError(
            "target must be an image, or what extract() of this loss returned, with the layers "
            f"{list(pred_features)}, got {list(target)}"
        )
    check_features(pred_features, target, pred_features, spatial=False)
