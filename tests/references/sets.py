"""Distances between sets of images."""

from __future__ import annotations

import numpy as np
from references.basics import Array


def symmetric_root(matrix: Array) -> Array:
    """The root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def frechet(mean_a: Array, cov_a: Array, mean_b: Array, cov_b: Array) -> float:
    """Dowson & Landau 1982; ``(S_a S_b)^(1/2)`` has the trace of
    ``(S_a^(1/2) S_b S_a^(1/2))^(1/2)``, which is symmetric.
    """
    root_a = symmetric_root(cov_a)
    return float(
        ((mean_a - mean_b) ** 2).sum()
        + np.trace(cov_a)
        + np.trace(cov_b)
        - 2 * np.trace(symmetric_root(root_a @ cov_b @ root_a))
    )


def kernel_distance(
    a: Array, b: Array, *, degree: int = 3, gamma: float | None = None, coef0: float = 1.0
) -> float:
    """Binkowski et al. 2018, eq. 4, pair by pair: the unbiased squared discrepancy of two sets of
    ``m`` rows ``(m, D)``.
    """
    gamma = 1 / a.shape[1] if gamma is None else gamma
    m, total = len(a), 0.0
    for i in range(m):
        for j in range(m):
            within = (
                0.0
                if i == j
                else (gamma * a[i] @ a[j] + coef0) ** degree
                + (gamma * b[i] @ b[j] + coef0) ** degree
            )
            total += within / (m * (m - 1)) - 2 * (gamma * a[i] @ b[j] + coef0) ** degree / m**2
    return total


def inception_score(logits: Array, splits: int) -> tuple[float, float]:
    """Salimans et al. 2016, from the probabilities, image by image."""
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    scores = []
    for i in range(splits):
        part = p[i * len(p) // splits : (i + 1) * len(p) // splits]
        marginal = part.mean(0)
        scores.append(np.exp(np.mean([(row * np.log(row / marginal)).sum() for row in part])))
    return float(np.mean(scores)), float(np.std(scores))
