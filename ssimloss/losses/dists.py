"""DISTS and A-DISTS as modules: the network of Ding et al. 2020, and its weights for DISTS."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from ssimloss._options import Reduced
from ssimloss.functional.adists import ADISTS as ADISTS_MEASURE
from ssimloss.functional.adists import ADISTSOptions
from ssimloss.functional.dists import DISTS as MEASURE
from ssimloss.functional.features import check_heads, unit_range
from ssimloss.losses._deep import OF_EXTRACTOR, FeatureLoss, MaskedLoss, constants
from ssimloss.networks import DISTS_CHANNELS, VGG16_LAYERS, ExtractorOptions, dists_weights

IMAGE = "image"  # the first layer


class ImageAndFeatures(FeatureLoss):
    """A measure of the image itself and of the layers of VGG16 with L2 pooling."""

    def _features(self, image: Tensor) -> dict[str, Tensor]:
        """The image on a scale of [0, 1], and the features of VGG16."""
        found = super()._features(image)
        data_range = cast("ExtractorOptions", self._records[OF_EXTRACTOR]).data_range
        return {IMAGE: unit_range(image, data_range).expand(-1, 3, -1, -1), **found}


class DISTS(
    ImageAndFeatures,
    MaskedLoss,
    records=(Reduced, ExtractorOptions),
    left_out=("normalization", "pooling"),
):
    """DISTS of two images (Ding et al. 2020), equal to the package ``DISTS_pytorch``. It compares
    texture by its statistics and structure position by position.

    With the published weights, values lie in [0, 1.124]. They exceed 1 only for opposite
    structures: their similarity is negative and has a weight of 0.124.

    :class:`ssimloss.metrics.DISTS` is a torchmetrics metric of the same values, without a gradient.

    Args:
        alpha, beta: weights of texture and structure: one 1-D tensor for the image's channels and
            one for each of five layers, or one tensor with all 1475 weights. The default is the
            published weights, which are part of the package.
        weights: of the network: ``"imagenet"`` as in the published DISTS, a path, a state dict in
            torchvision's layout, or ``"random"``, which is the same random numbers every time and
            leaves the global random generators alone.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``. The last two return ``(N,)``.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)`` of all statistics; pixels
    of weight 0 have no influence. Published results resize images to 256 pixels on the shorter
    side; this module does not resize.
    """

    measure = MEASURE

    def __init__(
        self,
        *,
        alpha: Tensor | Sequence[Tensor] | None = None,
        beta: Tensor | Sequence[Tensor] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        published = dists_weights() if alpha is None or beta is None else (alpha, beta)
        channels = dict(zip((IMAGE, *VGG16_LAYERS), DISTS_CHANNELS, strict=True))
        checked = {}
        for name, given, own in (("alpha", alpha, published[0]), ("beta", beta, published[1])):
            found = _split(own if given is None else given, channels)
            check_heads(name, found, channels)
            checked[name] = constants(found)
        self._extract_with("vgg16", VGG16_LAYERS, pooling="l2")  # may download
        self._constants |= checked
        self._given = tuple(
            name for name, given in (("alpha", alpha), ("beta", beta)) if given is not None
        )

    @property
    def alpha(self) -> list[Tensor]:
        """Weights of texture, one 1-D tensor for the image and for each layer."""
        return self._constants["alpha"]

    @property
    def beta(self) -> list[Tensor]:
        """Weights of structure, one 1-D tensor for the image and for each layer."""
        return self._constants["beta"]

    def _beside(self, pred: Tensor) -> dict[str, Any]:
        del pred
        return {"alpha": self.alpha, "beta": self.beta}


class ADISTS(
    ImageAndFeatures,
    records=(ADISTSOptions, ExtractorOptions),
    left_out=("normalization", "pooling"),
):
    """A-DISTS of two images (Ding et al. 2021), equal to the authors' code: DISTS with local
    statistics, which compares edges by structure and texture by its statistics.

    There are no learned weights beside those of the network. The content of one image decides how
    positions and channels are weighted, so ``pred`` and ``target`` must not be exchanged.

    :class:`ssimloss.metrics.ADISTS` is a torchmetrics metric of the same values, without a
    gradient.

    Args:
        weights: of the network: ``"imagenet"`` as in the published A-DISTS, a path, a state dict in
            torchvision's layout, or ``"random"``, which is the same random numbers every time and
            leaves the global random generators alone.
        adapts_to: the image whose content decides: ``"target"`` as in the authors' example, which
            passes the reference first, or ``"pred"`` as in traiNNer-redux.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``. The last two return ``(N,)``.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Layers smaller than the window, such as all layers of images below 21 pixels, are
    compared as a whole. The authors' code scales larger images to 256 pixels on the shorter
    side; this module does not resize. A mask is not supported, because the weights are relative to
    the content of the whole image.
    """

    measure = ADISTS_MEASURE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._extract_with("vgg16", VGG16_LAYERS, pooling="l2")  # may download


def _split(weights: Tensor | Sequence[Tensor], channels: Mapping[str, int]) -> Sequence[Tensor]:
    """Split one tensor of all weights into those of the image and of each layer. Other values are
    returned unchanged and checked later.
    """
    if isinstance(weights, Tensor) and weights.numel() == sum(channels.values()):
        return torch.split(weights.flatten(), list(channels.values()))
    return cast("Sequence[Tensor]", weights)
