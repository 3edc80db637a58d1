"""Distances between sets of images, on features: kernel distance, Inception score; the Frechet
distance is :func:`ssimloss.functional.frechet_distance`.

Binkowski et al. 2018; Salimans et al. 2016.
Which network makes the features is the caller's choice, and part of the definition: the values of
two networks cannot be compared. Features on Apple's GPUs, which have no float64, are copied to the
host, where the results then are.
"""

import math

import numpy as np
import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss._precision import to_float64_device
from ssimloss._torch import plain
from ssimloss.functional.frechet import frechet_distance
from ssimloss.functional.kernel_distances import kernel_distance_loss

__all__ = ["frechet_distance", "inception_score", "kernel_distance"]


@keywords()
@torch.no_grad()
def kernel_distance(
    features_a: Tensor,
    features_b: Tensor,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    degree: int = 3,
    gamma: float | None = None,
    coef0: float = 1.0,
    seed: int = 2020,
) -> tuple[Tensor, Tensor]:
    """KID: the unbiased squared maximum mean discrepancy under
    ``k(x, y) = (gamma x.y + coef0)^degree``, over random subsets.

    ``sum_{i != j} k(a_i, a_j) / (m (m - 1)) + the same of b - 2 mean k(a_i, b_j)`` of ``m`` rows of
    each set, in float64. Unlike the Frechet distance it is not biased by the number of rows; it can
    be slightly negative.

    Args:
        features_a, features_b: ``(N_a, D)`` and ``(N_b, D)``, one row per image, any scale.
        subsets: number of subsets; each has ``subset_size`` rows of both sets, drawn without
            replacement.
        subset_size: number of rows per subset, at least 2 and at most the rows of the smaller set.
        degree, gamma, coef0: parameters of the kernel; ``gamma`` is ``1 / D`` by default.
        seed: seed of NumPy's legacy generator, which draws the subsets as torch-fidelity does.

    Returns:
        Mean and standard deviation (of the population: divided by ``subsets``) over the subsets,
        two float64 scalars.

    Raises:
        ValueError: features do not have two dimensions, have fewer rows than ``subset_size``, or
            differ in ``D`` or device.
        TypeError: features are not floating point.

    Source: Binkowski et al. 2018; subsets, their seed and the deviation as in torch-fidelity, which
    multiplies in float32.
    """
    features_a, features_b = plain(features_a), plain(features_b)
    _checks.feature_sets("features_a", features_a, "features_b", features_b)
    _checks.count("subsets", subsets)
    _checks.count("subset_size", subset_size, least=2)
    rows_a, rows_b = len(features_a), len(features_b)
    if subset_size > min(rows_a, rows_b):
        raise ValueError(
            f"subset_size must be at most the number of rows, got {subset_size} for {rows_a} and "
            f"{rows_b}; gather more images, or use subset_size={min(rows_a, rows_b)}, whose value "
            "is not comparable with others"
        )
    a, b = (to_float64_device(features).double() for features in (features_a, features_b))
    random = np.random.RandomState(seed)
    found = []
    for _ in range(subsets):
        some_a, some_b = (
            set_[
                torch.from_numpy(random.choice(len(set_), subset_size, replace=False)).to(
                    set_.device
                )
            ]
            for set_ in (a, b)
        )
        found.append(kernel_distance_loss(some_a, some_b, degree=degree, gamma=gamma, coef0=coef0))
    values = torch.stack(found)
    return values.mean(), values.std(correction=0)


@keywords()
@torch.no_grad()
def inception_score(logits: Tensor, *, splits: int = 10) -> tuple[Tensor, Tensor]:
    """Inception score, ``exp(mean_x KL(p(y|x) || p(y)))`` of a classifier: high if it is certain of
    each image and all classes occur.

    Args:
        logits: ``(N, K)``, before the softmax. Their order must not depend on the classes; shuffle
            them if it does.
        splits: number of consecutive parts of about equal size; each has a score.

    Returns:
        Mean and standard deviation (of the population: divided by ``splits``) over the parts, two
        float64 scalars. The score lies in ``[1, min(K, N / splits)]``.

    Raises:
        ValueError: logits do not have two dimensions or have fewer rows than ``splits``, or
            ``splits`` is below 1.
        TypeError: logits are not floating point.

    Source: Salimans et al. 2016; parts and deviation as in their code and in torch-fidelity.
    torchmetrics divides by ``splits - 1``.
    """
    logits = plain(logits)
    _checks.count("splits", splits)
    _checks.matrix("logits", logits, rows=splits)
    log_p = torch.log_softmax(to_float64_device(logits).double(), 1)
    rows = len(log_p)
    scores = torch.stack(
        [_score(log_p[rows * i // splits : rows * (i + 1) // splits]) for i in range(splits)]
    )
    return scores.mean(), scores.std(correction=0)


def _score(log_p: Tensor) -> Tensor:
    log_marginal = torch.logsumexp(log_p, 0) - math.log(len(log_p))
    p = log_p.exp()
    return torch.where(p == 0, 0, p * (log_p - log_marginal)).sum(1).mean().exp()
