"""Heads of a perceptual distance from people's judgements: convex fits of non-negative weights.

A distance ``d = w . z`` is linear in its heads ``w``, where ``z`` are the distances of the
channels, so both fits are convex and have one result whatever the start: two-alternative choices by
logistic regression (Bradley & Terry 1952), opinion scores by least squares. Zhang et al. 2018 train
the same heads by descent, together with a small network in place of the logistic curve.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from ssimloss import _checks

Slope = Callable[[Tensor], Tensor]
Better = Literal["high", "low"]
BETTERS: tuple[str, ...] = get_args(Better)


@torch.no_grad()
def fit_preference_heads(
    distances_a: Tensor,
    distances_b: Tensor,
    preference: Tensor,
    *,
    regularization: float = 1e-3,
    steps: int = 2000,
) -> Tensor:
    """Non-negative ``w`` such that the nearer of two images is the preferred:
    ``P(b) = 1 / (1 + exp(-w . (z_a - z_b)))``.

    Args:
        distances_a, distances_b: ``(n, K)`` distances of the channels between a reference and each
            of two images.
        preference: ``(n,)`` share of people who preferred ``b``, in [0, 1].
        regularization: weight of half the squared norm of ``w``, in units of the spread of each
            channel, against the mean cross entropy.
        steps: of accelerated projected gradient descent.

    Returns:
        ``(K,)`` float64. ``w . z`` is a distance in units of log odds.

    Raises:
        ValueError: shapes differ, no judgement, numbers that are not finite or no shares, options
            out of range.
    """
    _check_table("distances_a", distances_a)
    _check_table("distances_b", distances_b)
    if distances_a.shape != distances_b.shape:
        raise ValueError(
            f"distances_b must have the shape of distances_a {tuple(distances_a.shape)}, got "
            f"{tuple(distances_b.shape)}"
        )
    check_judgements("preference", preference, len(distances_a))
    if not ((preference >= 0) & (preference <= 1)).all():
        low, high = float(preference.min()), float(preference.max())
        raise ValueError(
            f"preference must be shares in [0, 1], 1 where all prefer b, got values from {low:g} "
            f"to {high:g}"
        )
    difference, scale = _scaled(distances_a.double() - distances_b.double())
    share = preference.double()

    def slope(w: Tensor) -> Tensor:
        return difference.T @ (torch.sigmoid(difference @ w) - share) / len(share)

    return _descend(slope, difference, 0.25, regularization, steps) / scale


@torch.no_grad()
def fit_score_heads(
    distances: Tensor,
    scores: Tensor,
    *,
    better: Better = "high",
    regularization: float = 1e-3,
    steps: int = 2000,
) -> Tensor:
    """Non-negative ``w`` such that the distance foretells opinion scores: ``score = b - w . z``, or
    ``b + w . z`` if low is better.

    Args:
        distances: ``(n, K)`` distances of the channels between references and images.
        scores: ``(n,)`` mean opinion scores.
        better: ``"high"`` for opinion scores, ``"low"`` for scores of degradation (DMOS).
        regularization: weight of half the squared norm of ``w``, in units of the spread of channels
            and scores, against half the mean squared error.
        steps: of accelerated projected gradient descent.

    Returns:
        ``(K,)`` float64. ``w . z`` is a distance in units of the scores.

    Raises:
        ValueError: shapes differ, no two different judgements, numbers that are not finite, unknown
            word, options out of range.
    """
    _check_table("distances", distances)
    check_judgements("scores", scores, len(distances))
    _checks.choice("better", better, BETTERS)
    if (scores == scores[0]).all():
        raise ValueError(
            f"scores must not all be the same, or no distance can be fitted, got {len(scores)} of "
            f"{float(scores[0]):g}"
        )
    centred, scale = _scaled(distances.double() - distances.double().mean(0))
    worse = (scores.double() - scores.double().mean()) * (-1 if better == "high" else 1)
    spread = worse.square().mean().sqrt()
    worse = worse / spread

    def slope(w: Tensor) -> Tensor:
        return centred.T @ (centred @ w - worse) / len(worse)

    return _descend(slope, centred, 1.0, regularization, steps) / scale * spread


class Fit(NamedTuple):
    """How well distances agree with judgements, before the fit and after it: the larger the better,
    at most 1.

    Of scores, distances that are all the same agree 0.
    """

    before: float
    after: float


def fit_heads(
    columns: Sequence[Tensor],
    channels: Sequence[int],
    heads: Sequence[Tensor] | None,
    *,
    better: Better = "high",
    regularization: float = 1e-3,
    steps: int = 2000,
) -> tuple[list[Tensor], Fit]:
    """Heads of each layer and how well they do, from ``(z_a, z_b, preference)`` or ``(z, score)``.

    Args:
        columns: distances of the channels of all layers ``(n, K)`` of one image or two, and the
            judgements ``(n,)``.
        channels: of each layer.
        heads: those before the fit, 1 unless given.
        better, regularization, steps: of :func:`fit_preference_heads` and :func:`fit_score_heads`.

    Raises:
        ValueError: no judgement, numbers that do not fit, options out of range, judgements that no
            channel's distance agrees with.
    """
    if not columns:
        raise ValueError("judgements must hold at least one batch, got none")
    *tables, judged = columns
    if len(tables) == 2:
        fitted = fit_preference_heads(
            tables[0], tables[1], judged, regularization=regularization, steps=steps
        )
    else:
        fitted = fit_score_heads(
            tables[0], judged, better=better, regularization=regularization, steps=steps
        )
    if not fitted.float().isfinite().all():
        raise ValueError(
            "judgements must be of moderate size, got distances up to "
            f"{max(float(table.max()) for table in tables):g}"
        )
    if not fitted.any():
        raise ValueError(
            "judgements must agree with the distance of some channel, got none: images that do "
            "not differ, no preference, or scores of which the other end is better, see better="
        )
    old = (
        torch.ones_like(fitted) if heads is None else torch.cat([head.to(fitted) for head in heads])
    )
    before, after = (
        _agreement([table.double() @ w for table in tables], judged.double(), better)
        for w in (old, fitted)
    )
    return list(torch.split(fitted, list(channels))), Fit(before, after)


def _agreement(distances: list[Tensor], judged: Tensor, better: Better) -> float:
    """The share of people agreed with, half of them at equal distances; or the correlation with
    scores.
    """
    if len(distances) == 2:
        nearer = (1 + torch.sign(distances[0] - distances[1])) / 2  # 1 where b is
        return float((nearer * judged + (1 - nearer) * (1 - judged)).mean())
    x, y = (values - values.mean() for values in (distances[0], judged))
    size = x.norm() * y.norm()
    correlation = torch.dot(x, y) / torch.where(size > 0, size, 1)
    return float(-correlation if better == "high" else correlation)


def _check_table(name: str, distances: Tensor) -> None:
    if (
        not isinstance(distances, Tensor)
        or not distances.dtype.is_floating_point
        or distances.ndim != 2
        or not len(distances)
    ):
        shape = (
            tuple(distances.shape) if isinstance(distances, Tensor) else type(distances).__name__
        )
        raise ValueError(
            f"{name} must be a floating point table (n, K) with at least one judgement, got {shape}"
        )
    _check_finite(name, distances)


def check_judgements(name: str, values: Tensor, count: int) -> None:
    """Check for ``count`` finite numbers. This reads values, since it is not a training step."""
    if not isinstance(values, Tensor) or values.shape != (count,):
        shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(
            f"{name} must be a tensor of one value for each of the {count} judgements, got {shape}"
        )
    _check_finite(name, values)


def _check_finite(name: str, values: Tensor) -> None:
    if not values.isfinite().all():
        bad = int((~values.isfinite()).sum())
        raise ValueError(
            f"{name} must be finite, got {bad} of {values.numel()} numbers that are not; leave "
            "those judgements out"
        )


def _scaled(table: Tensor) -> tuple[Tensor, Tensor]:
    """Columns divided by their root mean square, and that; a column of zeros stays."""
    size = table.square().mean(0).sqrt()
    size = torch.where(size > 0, size, 1)
    return table / size, size


def _descend(
    slope: Slope, table: Tensor, curvature: float, regularization: float, steps: int
) -> Tensor:
    """Minimise over ``w >= 0``: projected gradient descent with momentum that restarts where it
    points uphill (O'Donoghue & Candès).
    """
    _checks.positive("regularization", regularization)
    _checks.count("steps", steps)
    steepest = curvature * torch.linalg.matrix_norm(table, 2).square() / len(table) + regularization
    w = table.new_zeros(table.shape[1])
    ahead, pace = w, 1.0
    for _ in range(steps):
        following = (ahead - (slope(ahead) + regularization * ahead) / steepest).clamp_min(0)
        if torch.dot(ahead - following, following - w) > 0:
            pace = 1.0
        faster = (1 + (1 + 4 * pace**2) ** 0.5) / 2
        ahead = following + (pace - 1) / faster * (following - w)
        w, pace = following, faster
    return w
