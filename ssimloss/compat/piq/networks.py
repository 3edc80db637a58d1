"""Losses of piq over features of a VGG: content, style, LPIPS, DISTS."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn

from ssimloss import _checks, losses
from ssimloss import functional as F
from ssimloss._reduce import reduce
from ssimloss.compat._arguments import check_pair
from ssimloss.compat.piq.reductions import Reduction, check_reduction, reduced
from ssimloss.functional.features import unit_vectors
from ssimloss.networks import FeatureExtractor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_NETWORKS = ("vgg16", "vgg19")
_DISTANCES = {"mse": "l2", "mae": "l1"}
_LARGEST = 256  # pixels on the shorter side; DISTS shrinks larger images


class ContentLoss(nn.Module):
    """Distance between features of a frozen network, summed over channels, averaged over positions.

    Args:
        feature_extractor: ``"vgg16"``, ``"vgg19"`` with ImageNet's weights, or a module, of which a
            frozen copy is made.
        layers: names of layers; for a module, module paths. The features of a convolution are those
            before its activation, which the original overwrites.
        weights: one number per layer.
        replace_pooling: use average pooling instead of max pooling.
        distance: ``"mse"`` or ``"mae"``.
        reduction: ``"none"``, ``"mean"`` or ``"sum"`` over images.
        mean, std: mean and standard deviation for normalising images in [0, 1].
        normalize_features: compare unit vectors.
        allow_layers_weights_mismatch: use as many layers as there are weights.
    """

    def __init__(
        self,
        feature_extractor: str | nn.Module = "vgg16",
        layers: Collection[str] = ("relu3_3",),
        weights: Sequence[float | Tensor] = (1.0,),
        replace_pooling: bool = False,
        distance: str = "mse",
        reduction: Reduction = "mean",
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        normalize_features: bool = False,
        allow_layers_weights_mismatch: bool = False,
    ) -> None:
        """Build the network; see the class."""
        super().__init__()
        if len(layers) != len(weights) and not allow_layers_weights_mismatch:
            raise ValueError(
                f"weights must have one number for each of the {len(layers)} layers, got "
                f"{len(weights)}"
            )
        if isinstance(feature_extractor, str):
            _checks.choice("feature_extractor", feature_extractor, _NETWORKS)
        _checks.choice("distance", distance, _DISTANCES)
        check_reduction(reduction)
        self.layers = {layer: float(weight) for layer, weight in zip(layers, weights, strict=False)}
        self.distance = distance
        self.reduction = reduction
        self.normalize_features = normalize_features
        self.extractor = FeatureExtractor(
            feature_extractor,
            list(self.layers),
            normalization=(tuple(mean), tuple(std)),
            pooling="average" if replace_pooling else "max",
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare images ``(N, C, H, W)``."""
        x_features, y_features = self._features(x, y)
        # The original sums over channels; the average is multiplied by their number.
        layers = {
            layer: weight * x_features[layer].shape[1] for layer, weight in self.layers.items()
        }
        return reduced(
            F.perceptual_loss,
            x_features,
            y_features,
            layers=layers,
            distance=_DISTANCES[self.distance],
            reduction=self.reduction,
        )

    def _features(self, x: Tensor, y: Tensor) -> list[dict[str, Tensor]]:
        check_pair("x", x, "y", y)
        found = [self.extractor(image) for image in (x, y)]
        if not self.normalize_features:
            return found
        return [{layer: unit_vectors(f) for layer, f in features.items()} for features in found]


class StyleLoss(ContentLoss):
    """Distance between Gram matrices of features, not normalised; see :class:`ContentLoss`."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare images ``(N, C, H, W)``."""
        return reduced(
            F.texture_loss,
            *self._features(x, y),
            layers=self.layers,
            gram="none",
            distance=_DISTANCES[self.distance],
            reduction=self.reduction,
        )


class LPIPS(nn.Module):
    """LPIPS over VGG16 of images in [0, 1].

    Args:
        replace_pooling, distance, mean, std: must have their defaults, for which the heads were
            published; other values raise an error.
        reduction: ``"none"``, ``"mean"`` or ``"sum"`` over images.
    """

    def __init__(
        self,
        replace_pooling: bool = False,
        distance: str = "mse",
        reduction: Reduction = "mean",
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        """Build the network; see the class."""
        super().__init__()
        _as_published("replace_pooling", replace_pooling, False)
        _as_published("distance", distance, "mse")
        _as_published("mean", tuple(mean), IMAGENET_MEAN)
        _as_published("std", tuple(std), IMAGENET_STD)
        check_reduction(reduction)
        self.reduction = reduction
        self.lpips = losses.LPIPS("vgg16", reduction="image")

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare images ``(N, 3, H, W)``."""
        check_pair("x", x, "y", y)
        return reduce(self.lpips(x, y), self.reduction)


class DISTS(nn.Module):
    """DISTS of images in [0, 1]. Images with more than 256 pixels on the shorter side are shrunk.

    Args:
        reduction: ``"none"``, ``"mean"`` or ``"sum"`` over images.
        mean, std: must have their defaults, for which the weights were published.
    """

    def __init__(
        self,
        reduction: Reduction = "mean",
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        """Build the network; see the class."""
        super().__init__()
        _as_published("mean", tuple(mean), IMAGENET_MEAN)
        _as_published("std", tuple(std), IMAGENET_STD)
        check_reduction(reduction)
        self.reduction = reduction
        self.dists = losses.DISTS(reduction="image")

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare images ``(N, 3, H, W)``."""
        check_pair("x", x, "y", y)
        return reduce(self.dists(_shrunk(x), _shrunk(y)), self.reduction)


def _as_published(name: str, value: object, expected: object) -> None:
    if value != expected:
        raise ValueError(
            f"{name} must be {expected!r}, for which the weights were published, got {value!r}; "
            "scale the images to [0, 1]"
        )


def _shrunk(image: Tensor) -> Tensor:
    shortest = min(image.shape[2:])
    if shortest <= _LARGEST:
        return image
    return torch.nn.functional.interpolate(
        image, scale_factor=_LARGEST / shortest, recompute_scale_factor=False, mode="bilinear"
    )
