"""The distances under test: on the features of a network, and without a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

import ssimloss.functional as F
from ssimloss.networks import EMBEDDED_LAYERS
from ssimloss.study.examination import Distance

RANDOM_SEEDS = range(5)
Features = Mapping[str, Tensor]  # by layer, (N, C, H, W)


def pixel_l2() -> Distance:
    """Mean squared error; by design it cannot tell equal errors apart."""
    return Distance(
        "pixel L2", lambda images: images, lambda a, b: F.l2_loss(a, b, reduction="image")
    )


def ssim() -> Distance:
    """1 - SSIM of Wang et al. 2004, mean over the colours."""
    return Distance(
        "SSIM", lambda images: images, lambda a, b: F.ssim_loss(a, b, reduction="image")
    )


def ms_ssim() -> Distance:
    """1 - MS-SSIM with the scales that fit."""
    return Distance(
        "MS-SSIM",
        lambda images: images,
        lambda a, b: F.ms_ssim_loss(a, b, min_size="fewer_scales", reduction="image"),
    )


def of_network(
    name: str, network: nn.Sequential, compare: Callable[[Features, Features], Tensor]
) -> Distance:
    """A distance of the features in ``EMBEDDED_LAYERS``."""
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )

    @torch.no_grad()
    def describe(images: Tensor) -> Features:
        features: Tensor = (images - mean) / std
        found = {}
        for layer, module in network.named_children():
            features = module(features)
            if layer in EMBEDDED_LAYERS:
                found[layer] = features
        return found

    return Distance(name, describe, compare)


def structure_and_texture(a: Features, b: Features) -> Tensor:
    """The distance under test: DISTS (Ding et al. 2020) with equal weights for all layers and
    channels, without the image itself.

    ``1 - (l + s) / 2`` of each channel, with texture
    ``l = (2 mu_x mu_y + c) / (mu_x^2 + mu_y^2 + c)`` and structure
    ``s = (2 cov_xy + c) / (var_x + var_y + c)``.
    """
    c = 1e-6
    distances = []
    for x, y in zip(a.values(), b.values(), strict=True):
        (var_x, mu_x), (var_y, mu_y) = (torch.var_mean(z, (2, 3), correction=0) for z in (x, y))
        cov_xy = ((x - mu_x[..., None, None]) * (y - mu_y[..., None, None])).mean((2, 3))
        texture = (2 * mu_x * mu_y + c) / (mu_x.square() + mu_y.square() + c)
        structure = (2 * cov_xy + c) / (var_x + var_y + c)
        distances.append(1 - (texture + structure).mean(1) / 2)
    return torch.stack(distances).mean(0)


def unit_differences(a: Features, b: Features) -> Tensor:
    """LPIPS (Zhang et al. 2018) without learned heads: squared difference of unit feature vectors
    at each position.
    """
    unit = torch.nn.functional.normalize
    return torch.stack(
        [
            (unit(x) - unit(y)).square().sum(1).mean((1, 2))
            for x, y in zip(a.values(), b.values(), strict=True)
        ]
    ).mean(0)


def gram_differences(a: Features, b: Features) -> Tensor:
    """Texture as in Gatys et al. 2015: L1 between Gram matrices, each divided by the sum of their
    norms.
    """
    distances = []
    for x, y in zip(a.values(), b.values(), strict=True):
        gram_x, gram_y = (torch.einsum("nchw,ndhw->ncd", z, z) for z in (x, y))
        size = gram_x.abs().sum((1, 2)) + gram_y.abs().sum((1, 2))
        distances.append((gram_x - gram_y).abs().sum((1, 2)) / size)
    return torch.stack(distances).mean(0)
