"""Frozen feature extractors: VGG, ResNet, AlexNet, SqueezeNet, any torchvision classification
model, the embedded network, any module.
"""

from ssimloss.networks.embedded import EMBEDDED_LAYERS, embedded_network
from ssimloss.networks.extractor import ExtractorOptions, FeatureExtractor, Gray, Normalization
from ssimloss.networks.heads import (
    DISTS_CHANNELS,
    LPIPS_CHANNELS,
    LPIPS_LAYERS,
    VGG16_LAYERS,
    dists_weights,
    lpips_heads,
    lpips_network,
)
from ssimloss.networks.pooling import Pooling
from ssimloss.networks.stages import UsualLayers
from ssimloss.weights import Weights

__all__ = [
    "FeatureExtractor",
    "ExtractorOptions",
    "Gray",
    "Normalization",
    "Pooling",
    "UsualLayers",
    "Weights",
    "embedded_network",
    "EMBEDDED_LAYERS",
    "lpips_heads",
    "lpips_network",
    "LPIPS_LAYERS",
    "LPIPS_CHANNELS",
    "VGG16_LAYERS",
    "dists_weights",
    "DISTS_CHANNELS",
]
