"""Losses of discriminators and generators."""

from __future__ import annotations

import numpy as np
from references.basics import Array


def _says_real(kind: str, x: Array, target: float) -> Array:
    """What it costs that a logit which should say "real" is ``x``."""
    if kind in ("cross_entropy", "softplus"):
        return np.logaddexp(0, -x)
    if kind == "least_squares":
        return (x - target) ** 2
    return np.maximum(0, 1 - x) if kind == "hinge" else -x


def _says_fake(kind: str, x: Array, target: float) -> Array:
    if kind in ("cross_entropy", "softplus"):
        return np.logaddexp(0, x)
    if kind == "least_squares":
        return (x - target) ** 2
    return np.maximum(0, 1 + x) if kind == "hinge" else x


def discriminator_loss(kind: str, form: str | None, real: Array, fake: Array) -> float:
    """Of all logits; least squares with the halves of Mao et al. 2017, in relativistic forms
    without (Jolicoeur-Martineau 2018).
    """
    if form is None:
        half = 0.5 if kind == "least_squares" else 1.0
        return half * float(_says_real(kind, real, 1.0).mean() + _says_fake(kind, fake, 0.0).mean())
    if form == "paired":
        return float(_says_real(kind, real - fake, 1.0).mean())
    return float(
        _says_real(kind, real - fake.mean(), 1.0).mean()
        + _says_fake(kind, fake - real.mean(), -1.0).mean()
    )


def generator_loss(kind: str, form: str | None, real: Array, fake: Array) -> float:
    """The loss that does not saturate."""
    if form is None:
        if kind in ("hinge", "wasserstein"):
            return float(-fake.mean())
        return (0.5 if kind == "least_squares" else 1.0) * float(_says_real(kind, fake, 1.0).mean())
    if form == "paired":
        return float(_says_real(kind, fake - real, 1.0).mean())
    return float(
        _says_fake(kind, real - fake.mean(), -1.0).mean()
        + _says_real(kind, fake - real.mean(), 1.0).mean()
    )
