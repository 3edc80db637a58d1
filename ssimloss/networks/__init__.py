"""Frozen feature extractors: VGG, ResNet, AlexNet, SqueezeNet, any torchvision classification
model, the embedded network, any module.
"""

from ssimloss.networks._embedded import embedded_network
from ssimloss.networks._heads import dists_weights, lpips_heads
from ssimloss.networks.extractor import FeatureExtractor

__all__ = ["FeatureExtractor", "dists_weights", "embedded_network", "lpips_heads"]
