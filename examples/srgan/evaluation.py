"""Perceptual distances of whole photographs: on the embedded network, and LPIPS.

The content and texture terms also use the embedded network, with other quantities. A result may be
good only by the network it was trained with; therefore the gradient of the luma and LPIPS are
reported as well.
"""

from collections.abc import Sequence

import torch
from super_resolution.evaluation import Result
from super_resolution.photographs import Photograph, to_float
from torch import Tensor

import ssimloss.functional as F
from ssimloss import LPIPS
from ssimloss.networks import FeatureExtractor

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")  # the ends of the stages


class Perception:
    """Distances of images from the truth of photographs, whose features are computed once."""

    def __init__(
        self, photographs: Sequence[Photograph], weights: str, device: torch.device
    ) -> None:
        self.device = device
        self.extractor = FeatureExtractor("embedded", LAYERS, weights=weights).to(device)
        self.heads = [
            torch.full((channels,), 1 / channels, device=device)
            for channels in self.extractor.channels().values()
        ]
        self.truths = [to_float(photograph.truth[None]).to(device) for photograph in photographs]
        with torch.no_grad():
            self.features = [self.extractor(truth) for truth in self.truths]
        self.alexnet = LPIPS("alexnet").to(device)

    @torch.no_grad()
    def structure(self, images: Sequence[Tensor]) -> float:
        """DISTS (Ding et al. 2020) on the embedded network, all layers and channels alike, of uint8
        images ``(3, H, W)``.
        """
        distances = [
            F.dists(
                self.extractor(to_float(image[None]).to(self.device)),
                features,
                alpha=self.heads,
                beta=self.heads,
            )
            for image, features in zip(images, self.features, strict=True)
        ]
        return torch.stack(distances).mean().item()

    @torch.no_grad()
    def distances(self, results: Sequence[Result]) -> dict[str, float]:
        """Means over photographs by the name of the distance."""
        images = [result.image for result in results]
        values = [
            self.alexnet(to_float(image[None]).to(self.device), truth)
            for image, truth in zip(images, self.truths, strict=True)
        ]
        return {"structure": self.structure(images), "lpips": torch.stack(values).mean().item()}
