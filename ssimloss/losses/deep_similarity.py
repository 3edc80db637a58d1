"""The LPIPS family as a module, with heads that can be fitted to human judgements."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from ssimloss import _checks
from ssimloss.functional.deep_similarity import (
    DEEP_SIMILARITY,
    DeepSimilarityOptions,
    channel_distances,
)
from ssimloss.functional.features import check_heads
from ssimloss.judgements import Better, Fit, check_judgements, fit_heads
from ssimloss.losses._deep import OF_MEASURE, LayeredLoss, MaskedLoss, constants
from ssimloss.networks import VGG16_LAYERS, ExtractorOptions, UsualLayers


class DeepPerceptualSimilarity(
    MaskedLoss,
    LayeredLoss,
    records=(DeepSimilarityOptions, ExtractorOptions),
):
    """Distance between deep features of two images at each position, for any network, layers and
    distance, with or without learned heads.

    LPIPS is one member of this family: ``normalized_l2`` at five layers of a VGG, with heads. Which
    network and distance agree best with people depends on the data set (Khatami &
    Mahmoudi-Aznaveh 2023): compare them on yours, or fit the channel weights by :meth:`fit_heads`.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default for a VGG, AlexNet or SqueezeNet 1.1 is the
            layers of LPIPS, one or more per stage; for another network, the last layer of each
            stage up to stride 16. Layers of weight 0 are left out.
        heads: one 1-D tensor per layer with the weights of its channels; 1 by default. Training a
            model does not change them. The attribute ``heads`` returns them.
        spatial: compute a map of distances, resized to the images and summed over layers. The
            reduction then applies to the map.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``; pixels of weight 0 have
    no influence.
    """

    measure = DEEP_SIMILARITY
    usual = UsualLayers(VGG16_LAYERS, (2, 4, 8, 16))

    def __init__(
        self,
        network: str | nn.Module = "vgg16",
        *,
        heads: Sequence[Tensor] | None = None,
        spatial: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(network, **options)
        _checks.flag("spatial", spatial)
        self.spatial = spatial
        if heads is not None:
            check_heads("heads", heads, self.extractor.channels())
            self._constants["heads"] = constants(heads)
            self._given = ("heads",)

    @property
    def heads(self) -> list[Tensor] | None:
        """The weights of the channels, one 1-D tensor per layer; ``None`` for weights of 1."""
        return self._constants.get("heads")

    def _beside(self, pred: Tensor) -> dict[str, Any]:
        map_size = (pred.shape[2], pred.shape[3]) if self.spatial else None
        return {"heads": self.heads, "map_size": map_size}

    @torch.no_grad()
    def fit_heads(
        self,
        judgements: Iterable[Sequence[Tensor]],
        *,
        better: Better = "high",
        regularization: float = 1e-3,
        steps: int = 2000,
    ) -> Fit:
        """Set ``heads`` to the non-negative weights that agree best with human judgements.

        The distance is linear in its heads, so the fit is convex and has one result. Features are
        computed once, and nothing is random.

        Args:
            judgements: batches, for example a ``DataLoader``, all of the same one of two kinds.
                ``(reference, a, b, preference)``: three images ``(n, C, H, W)`` and the share
                ``(n,)`` of people who found ``b`` nearer to the reference.
                ``(reference, image, score)``: two images and a mean opinion score ``(n,)``.
            better: whether a ``"high"`` (MOS) or a ``"low"`` score (DMOS) is better. Used for
                scores only.
            regularization: weight of half the squared norm of the heads, in units of each channel's
                spread. Fewer judgements need more.
            steps: number of descent steps. The fit has converged if more steps change nothing.

        Returns:
            How well distances agreed with the judgements ``before`` and ``after`` the fit: the
            share of people agreed with, or the correlation of distances with scores.

        Raises:
            ValueError: there are no judgements; batches are of neither kind or of both; an image
                has no finite number; preferences are outside [0, 1]; all scores are equal; or no
                channel agrees with the judgements. The heads then stay as they were.
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
            layers, distance = self._compared.layers, self._compared.distance
            found = [
                channel_distances(self.extract(other), reference, layers=layers, distance=distance)
                for other in images[1:]
            ]
            device = found[0].device
            tables.append([column.cpu().double() for column in (*found, values)])
        columns = [torch.cat(parts) for parts in zip(*tables, strict=True)]
        channels = list(self.extractor.channels().values())
        heads, fit = fit_heads(
            columns, channels, self.heads, better=better, regularization=regularization, steps=steps
        )
        self._constants["heads"] = [head.to(device, torch.float32) for head in heads]
        self._given = ("heads",)
        return fit

    @property
    def _compared(self) -> DeepSimilarityOptions:
        return cast("DeepSimilarityOptions", self._records[OF_MEASURE])

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "spatial": self.spatial}
