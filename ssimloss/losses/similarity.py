"""Perceptual distances as modules: LPIPS and its family, and DISTS."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from ssimloss import _checks
from ssimloss import functional as F
from ssimloss._checks import DataRange
from ssimloss._reduce import Reduction, check_reduction
from ssimloss.functional.features import Features, unit_range
from ssimloss.functional.similarity import (
    FeatureDistance,
    channel_distances,
    check_deep_similarity_options,
    check_heads,
)
from ssimloss.judgements import Better, Fit, check_judgements, fit_heads
from ssimloss.losses._deep import FeatureLoss, constants, extractor_settings
from ssimloss.networks import (
    LPIPS_LAYERS,
    VGG16_LAYERS,
    FeatureExtractor,
    Gray,
    Normalization,
    Pooling,
    Weights,
    dists_weights,
    lpips_heads,
)

LPIPSNetwork = Literal["alexnet", "vgg16", "squeezenet1_1"]
IMAGE = "image"  # DISTS's first layer


class DeepPerceptualSimilarity(FeatureLoss):
    """Distance between deep features of two images at each position, of any network, layers and
    distance, with or without learned heads.

    LPIPS is one of the family: ``normalized_l2`` at five layers of a VGG, with heads. Which network
    and distance agree with people is not the same in each data set (Khatami & Mahmoudi-Aznaveh
    2023): measure it on yours, or let :meth:`fit_heads` weigh the channels.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer, see :func:`ssimloss.functional.deep_similarity` for
            this, ``distance`` and ``reduction``.
        heads: one 1-D tensor per layer, weights of its channels; 1 unless given. They are not
            trained with a model; ``heads`` returns them.
        spatial: a map of distances, resized to the images and added up over layers; reductions are
            then over the map.
        weights, data_range, normalization, gray, pooling, dtype, channels_last, checkpoint: as in
        :class:`PerceptualLoss`.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    def __init__(
        self,
        network: str | nn.Module = "vgg16",
        *,
        layers: Mapping[str, float] = dict.fromkeys(VGG16_LAYERS, 1.0),
        distance: FeatureDistance = "normalized_l2",
        heads: Sequence[Tensor] | None = None,
        spatial: bool = False,
        weights: Weights = "imagenet",
        data_range: DataRange = 1.0,
        normalization: Normalization = "imagenet",
        gray: Gray = "repeat",
        pooling: Pooling = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        settings = extractor_settings(locals())
        options: dict[str, Any] = {"distance": distance, "reduction": reduction}
        check_deep_similarity_options(layers=layers, **options)  # before a network is built
        extractor = FeatureExtractor(network, list(layers), **settings)
        super().__init__(
            extractor,
            {"spatial": spatial, **settings},
            check_deep_similarity_options,
            layers=dict(layers),
            **options,
        )
        self.spatial = spatial
        if heads is not None:
            check_heads("heads", heads, extractor.channels())
            self._constants["heads"] = constants(heads)

    @property
    def heads(self) -> list[Tensor] | None:
        """The weights of the channels, one 1-D tensor per layer; ``None`` for weights of 1."""
        return self._constants.get("heads")

    def forward(self, pred: Tensor, target: Tensor | Features) -> Tensor:
        found = self._both(pred, target)
        map_size = (pred.shape[2], pred.shape[3]) if self.spatial else None
        return self._native(
            F.deep_similarity(*found, heads=self.heads, map_size=map_size, **self.options),
            pred,
            target,
        )

    @torch.no_grad()
    def fit_heads(
        self,
        judgements: Iterable[Sequence[Tensor]],
        *,
        better: Better = "high",
        regularization: float = 1e-3,
        steps: int = 2000,
    ) -> Fit:
        """Set ``heads`` to the non-negative weights that agree best with people's judgements.

        The distance is linear in its heads, so this is a convex fit with one result: features are
        computed once, nothing is random.

        Args:
            judgements: batches, such as a ``DataLoader`` gives, all of one of two kinds.
                ``(reference, a, b, preference)``: three images ``(n, C, H, W)`` and the share
                ``(n,)`` of people who found ``b`` nearer to the reference.
                ``(reference, image, score)``: two images and a mean opinion score ``(n,)``.
            better: whether a ``"high"`` score is better (MOS), or a ``"low"`` one (DMOS); of scores
                only.
            regularization: weight of half the squared norm of the heads in units of each channel's
                spread; more for fewer judgements.
            steps: of the descent; it has converged when more change nothing.

        Returns:
            How well distances agreed with the judgements ``before`` and ``after``: the share of
            people agreed with, or the correlation of distances with scores.

        Raises:
            ValueError: no judgement, batches of neither kind or of both, not one finite number for
                each image, preferences that are no shares, scores that are all the same, judgements
                that no channel agrees with. The heads stay as they were.
        """
        tables: list[list[Tensor]] = []
        device = None
        for batch in judgements:
            *images, values = batch
            if len(images) not in (2, 3) or (tables and len(images) != len(tables[0])):
                raise ValueError(
                    "judgements must all be (reference, a, b, preference) or all (reference, "
                    f"image, score), got {len(batch)} tensors"
                )
            if isinstance(values, Tensor):
                values = values.flatten()
            check_judgements("scores" if len(images) == 2 else "preference", values, len(images[0]))
            reference = self.extract(images[0])
            for other in images[1:]:
                _checks.same_shape("each image of judgements", other, "its reference", images[0])
            options: dict[str, Any] = {"layers": self.layers, "distance": self.distance}
            found = [
                channel_distances(self.extract(other), reference, **options) for other in images[1:]
            ]
            device = found[0].device
            tables.append([column.double().cpu() for column in (*found, values)])
        columns = [torch.cat(parts) for parts in zip(*tables, strict=True)]
        channels = list(self.extractor.channels().values())
        heads, fit = fit_heads(
            columns, channels, self.heads, better=better, regularization=regularization, steps=steps
        )
        self._constants["heads"] = [head.to(device, torch.float32) for head in heads]
        return fit


class LPIPS(FeatureLoss):
    """LPIPS of two images (Zhang et al. 2018): equal to the package ``lpips``, with a finite
    gradient everywhere.

    Args:
        network: ``"alexnet"`` (what papers report), ``"vgg16"`` (what is mostly trained with) or
            ``"squeezenet1_1"``.
        weights: of the network: ``"imagenet"``, a path, a state dict in torchvision's layout, or
            ``"random"``.
        heads: ``"v0.1"``, which travel with the package, or one 1-D tensor per layer.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the package's own is
            ``(-1, 1)``.
        spatial: a map of distances, resized to the images and added up over layers; reductions are
            then over the map.
        gray, dtype, channels_last, checkpoint: as in :class:`PerceptualLoss`.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``: ``(N,)``, or the map
            ``(N, 1, H, W)``.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    def __init__(
        self,
        network: LPIPSNetwork = "alexnet",
        *,
        weights: Weights = "imagenet",
        heads: str | Sequence[Tensor] = "v0.1",
        data_range: DataRange = 1.0,
        spatial: bool = False,
        gray: Gray = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        settings = extractor_settings(locals())
        _checks.choice("network", network, LPIPS_LAYERS)
        check_reduction(reduction)
        found = lpips_heads(network, heads) if isinstance(heads, str) else heads
        extractor = FeatureExtractor(network, LPIPS_LAYERS[network], **settings)
        settings = {"heads": heads, "spatial": spatial, **settings}
        super().__init__(extractor, settings, _only_reduction, reduction=reduction)
        check_heads("heads", found, extractor.channels())
        self.spatial = spatial
        self._constants["heads"] = constants(found)

    @property
    def heads(self) -> list[Tensor]:
        """The weights of the channels, one 1-D tensor per layer."""
        return self._constants["heads"]

    def forward(self, pred: Tensor, target: Tensor | Features) -> Tensor:
        found = self._both(pred, target)
        map_size = (pred.shape[2], pred.shape[3]) if self.spatial else None
        return self._native(
            F.lpips(*found, heads=self.heads, map_size=map_size, **self.options), pred, target
        )


class DISTS(FeatureLoss):
    """DISTS of two images (Ding et al. 2020): equal to the package ``DISTS_pytorch``. Texture may
    differ in place, structure may not.

    It is in [0, 1.124] with the published weights: above 1 where structures are opposite, whose
    similarity is negative and weighs 0.124.

    Args:
        weights: of VGG16: ``"imagenet"``, a path, a state dict in torchvision's layout, or
            ``"random"``.
        alpha, beta: weights of texture and structure, one 1-D tensor for the image's channels and
            for each of five layers, or all 1475 in one tensor; the published ones, which travel
            with the package, unless given.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``.
        gray, dtype, channels_last, checkpoint: as in :class:`PerceptualLoss`.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, which both give ``(N,)``.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. The published numbers are of images with 256 pixels on the shorter side; nothing is
    resized here.
    """

    def __init__(
        self,
        *,
        weights: Weights = "imagenet",
        alpha: Tensor | Sequence[Tensor] | None = None,
        beta: Tensor | Sequence[Tensor] | None = None,
        data_range: DataRange = 1.0,
        gray: Gray = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        settings = extractor_settings(locals())
        check_reduction(reduction)
        extractor = FeatureExtractor("vgg16", VGG16_LAYERS, pooling="l2", **settings)
        super().__init__(extractor, settings, _only_reduction, reduction=reduction)
        published = dists_weights() if alpha is None or beta is None else (alpha, beta)
        channels = {IMAGE: 3, **extractor.channels()}
        for name, given, own in (("alpha", alpha, published[0]), ("beta", beta, published[1])):
            found = _split(own if given is None else given, channels)
            check_heads(name, found, channels)
            self._constants[name] = constants(found)

    @property
    def alpha(self) -> list[Tensor]:
        """Weights of texture, one 1-D tensor for the image and for each layer."""
        return self._constants["alpha"]

    @property
    def beta(self) -> list[Tensor]:
        """Weights of structure, one 1-D tensor for the image and for each layer."""
        return self._constants["beta"]

    def extract(self, image: Tensor) -> dict[str, Tensor]:
        """The image on a scale of [0, 1] and the features of VGG16, to be passed in place of a
        target.
        """
        found = super().extract(image)
        return {IMAGE: unit_range(image, self.data_range).expand(-1, 3, -1, -1), **found}

    def forward(self, pred: Tensor, target: Tensor | Features) -> Tensor:
        return self._native(
            F.dists(*self._both(pred, target), alpha=self.alpha, beta=self.beta, **self.options),
            pred,
            target,
        )


def _split(weights: Tensor | Sequence[Tensor], channels: Mapping[str, int]) -> Sequence[Tensor]:
    """One tensor of all weights, cut where the channels of an image and of the layers end; anything
    else is left to be checked.
    """
    if isinstance(weights, Tensor) and weights.numel() == sum(channels.values()):
        return torch.split(weights.flatten(), list(channels.values()))
    return cast("Sequence[Tensor]", weights)


def _only_reduction(*, reduction: str) -> None:
    check_reduction(reduction)
