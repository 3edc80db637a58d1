"""DISTS: texture and structure of deep features.

Ding et al. 2020, https://github.com/dingkeyan93/DISTS.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ssimloss._precision import full_precision
from ssimloss._reduce import Scores
from ssimloss.functional.features import (
    Features,
    Heads,
    check_features,
    check_heads,
    check_weights,
    native_dtype,
    weighted,
)
from ssimloss.measure import Measure

DISTS_C = 1e-6  # both of its constants


def _dists(
    pred_features: Features,
    target_features: Features,
    *,
    alpha: Heads,
    beta: Heads,
    mask: Tensor | None = None,
) -> Scores:
    """DISTS: one minus a weighted mean of texture and structure similarities of each channel,
    global over the image.

    The weight of ``l = (2 mu_x mu_y + c) / (mu_x^2 + mu_y^2 + c)`` is ``alpha``, that of
    ``s = (2 cov_xy + c) / (var_x + var_y + c)`` is ``beta``.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``. The original uses
            the image on a scale of [0, 1] and five layers of VGG16 with L2 pooling.
        alpha, beta: one 1-D tensor per layer, in the order of ``pred_features``; divided by the sum
            of all.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position; means, variances and covariance are weighted. An
            image whose weights are all 0 has the distance 0.
        reduction: ``"mean"`` and ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar, or ``(N,)``. For non-negative features, values lie in ``[0, 1 + b]``, where ``b``
        is the share of ``beta`` in the sum of all weights, 0.124 as published. They exceed 1 only
        for opposite structures, whose ``s`` is negative. For means of opposite signs, ``l`` is
        negative too.

    Raises:
        ValueError: layers differ, weights do not fit, or ``reduction`` is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Ding et al. 2020, eq. 3-5, c = 1e-6. Agrees with ``DISTS_pytorch`` and torchmetrics to
    their rounding. They compute ``1 - s`` and ``E[xy] - E[x] E[y]``; differences are taken first
    here.
    """
    check_features(
        pred_features, target_features, pred_features if isinstance(pred_features, Mapping) else ()
    )
    channels = {layer: features.shape[1] for layer, features in pred_features.items()}
    check_heads("alpha", alpha, channels)
    check_heads("beta", beta, channels)
    check_weights(mask, pred_features)
    dtype = native_dtype(pred_features, target_features)
    wide = torch.promote_types(dtype, torch.float32)
    alpha, beta = ([head.to(wide) for head in heads] for heads in (alpha, beta))
    total = torch.cat([*alpha, *beta]).sum()
    parts = [
        _unlike(pred_features[layer], target_features[layer], a / total, b / total, mask)
        for layer, a, b in zip(pred_features, alpha, beta, strict=True)
    ]
    return Scores(torch.stack(parts, 1).sum(1), dtype=dtype)


@full_precision
def _unlike(
    pred: Tensor, target: Tensor, alpha: Tensor, beta: Tensor, mask: Tensor | None
) -> Tensor:
    """``sum_c alpha (1 - l) + beta (1 - s)`` of one layer, ``(N,)``, with each ``1 -`` computed in
    the numerator.
    """
    pred, target, weight = weighted(pred, target, mask)
    mu_x, mu_y = _mean(pred, weight), _mean(target, weight)
    x, y = pred - mu_x, target - mu_y
    texture = (mu_x - mu_y).square() / (mu_x.square() + mu_y.square() + DISTS_C)
    spread = _mean(x.square(), weight) + _mean(y.square(), weight)
    structure = _mean((x - y).square(), weight) / (spread + DISTS_C)
    unlike = texture.flatten(1) * alpha.to(pred.dtype) + structure.flatten(1) * beta.to(pred.dtype)
    return unlike.sum(1)


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """The mean over positions, ``(N, C, 1, 1)``; 0 if all weights are 0."""
    if weight is None:
        return values.mean((2, 3), keepdim=True)
    mass = weight.sum((2, 3), keepdim=True)
    return (values * weight).sum((2, 3), keepdim=True) / torch.where(mass > 0, mass, 1)


DISTS = Measure(
    "dists",
    "DISTS",
    "",
    "lower",
    0.0,
    (0.0, 2.0),
    "Ding et al. 2020",
    _dists,
    role="index",
    autocast=True,
)
dists = DISTS.loss
