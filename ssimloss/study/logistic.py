"""Logistic curves of the Video Quality Experts Group, from scores of a measure to opinions.

They are fitted by least squares before Pearson's correlation and the error are computed:

- four parameters (VQEG 2000): ``q(x) = b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|))``, a monotonic
  curve between ``b2`` and ``b1``.
- five parameters (Sheikh, Sabir & Bovik 2006):
  ``q(x) = b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5``, which need not be monotonic.
- the same five parameters among monotonic curves, as VQEG 2000 demands of the mapping: ``b4`` has
  the sign of ``b1 b2``. With few images the unrestricted curve follows single scores up and down,
  which raises Pearson's correlation. If it is monotonic for all x, not only over the data, both are
  the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from ssimloss import _checks

Array = npt.NDArray[np.float64]
Curve = Literal["logistic4", "logistic5", "monotonic5"]
CURVES: Final[tuple[str, ...]] = get_args(Curve)
# Of the error, in each search. A search that needs more follows a valley of almost equal errors, to
# ever larger parameters.
_EVALUATIONS: Final = 300
_PARAMETERS: Final[dict[str, int]] = {"logistic4": 4, "logistic5": 5, "monotonic5": 5}


@dataclass(frozen=True)
class Fit:
    """A fitted curve.

    Args:
        curve: its name.
        parameters: ``b1, b2, ...`` for standardised ``x`` and ``q``.
        x_centre, x_spread, q_centre, q_spread: means and standard deviations of the data.
    """

    curve: Curve
    parameters: tuple[float, ...]
    x_centre: float
    x_spread: float
    q_centre: float
    q_spread: float

    def __call__(self, x: npt.ArrayLike) -> Array:
        """The opinion score that the curve assigns to each score of the measure."""
        z = (np.asarray(x, dtype=np.float64) - self.x_centre) / self.x_spread
        q: Array = self.q_centre + self.q_spread * _EQUATIONS[self.curve](z, *self.parameters)
        return q


def fit_logistic(x: npt.ArrayLike, q: npt.ArrayLike, *, curve: Curve = "logistic5") -> Fit:
    """Fit opinion scores ``q`` to scores ``x`` of a measure by least squares.

    The search starts from several slopes and centres and keeps the best result. Nothing in it is
    random.

    Args:
        x, q: ``(n,)`` finite numbers, neither constant.
        curve: ``"logistic4"``, ``"logistic5"`` or ``"monotonic5"``.

    Raises:
        ValueError: fewer pairs than parameters, a number that is not finite, or constant numbers.
        ModuleNotFoundError: scipy is not installed.
    """
    _checks.choice("curve", curve, CURVES)
    x, q = _checked(x, q, curve)
    least_squares = _scipy_optimize().least_squares
    x_centre, x_spread, q_centre, q_spread = x.mean(), x.std(), q.mean(), q.std()
    z, target = (x - x_centre) / x_spread, (q - q_centre) / q_spread
    equation = _EQUATIONS[curve]
    direction = 1.0 if float((z * target).sum()) >= 0 else -1.0

    def misses(parameters: Array) -> Array:
        return np.asarray(equation(z, *parameters) - target, dtype=np.float64)

    # A monotonic curve is searched in the direction of the data: b1, b2 and b4 are not negative.
    method: dict[str, Any] = {"method": "lm"}
    if curve == "monotonic5":
        z = direction * z
        low = (0.0, 0.0, -np.inf, 0.0, -np.inf)
        method = {"method": "trf", "bounds": (low, np.inf)}
    starts = _starts(curve, z, target)
    ends = [least_squares(misses, start, max_nfev=_EVALUATIONS, **method) for start in starts]
    best = min(ends, key=lambda end: end.cost)
    found = best.x
    if curve == "monotonic5":
        found = found * (direction, 1.0, direction, direction, 1.0)
    return Fit(
        curve, tuple(map(float, found)), float(x_centre), float(x_spread), float(q_centre),
        float(q_spread),
    )  # fmt: skip


def _scipy_optimize() -> Any:
    """The module."""
    try:
        from scipy import optimize
    except ImportError as error:
        raise ModuleNotFoundError(
            "the logistic fit needs scipy: pip install 'ssimloss[study]'"
        ) from error
    return optimize


def _checked(x: npt.ArrayLike, q: npt.ArrayLike, curve: Curve) -> tuple[Array, Array]:
    scores, opinions = (np.asarray(values, dtype=np.float64) for values in (x, q))
    if scores.ndim != 1 or scores.shape != opinions.shape:
        raise ValueError(f"x and q must have one shape (n,), got {scores.shape}, {opinions.shape}")
    for name, values in (("x", scores), ("q", opinions)):
        if not np.isfinite(values).all():
            index = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(f"{name} must be finite, got {values[index]} at index {index}")
    needed = _PARAMETERS[curve]
    if len(scores) < needed:
        raise ValueError(
            f"{curve} has {needed} parameters and needs as many pairs at least, got {len(scores)}"
        )
    for name, values in (("x", scores), ("q", opinions)):
        if (values == values[0]).all():
            raise ValueError(f"{name} must not be all the same, got {len(values)} of {values[0]:g}")
    return scores, opinions


def _sigmoid(z: Array) -> Array:
    # tanh neither overflows nor warns
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def _logistic4(z: Array, b1: float, b2: float, b3: float, b4: float) -> Array:
    # Where the search passes 0 the curve is a step, not a division by it.
    slope = 1.0 / max(abs(b4), 1e-6)
    return b2 + (b1 - b2) * _sigmoid(slope * (z - b3))


def _logistic5(z: Array, b1: float, b2: float, b3: float, b4: float, b5: float) -> Array:
    return b1 * (_sigmoid(b2 * (z - b3)) - 0.5) + b4 * z + b5


_EQUATIONS: Final[dict[str, Callable[..., Array]]] = {
    "logistic4": _logistic4,
    "logistic5": _logistic5,
    "monotonic5": _logistic5,
}


def _starts(curve: Curve, z: Array, target: Array) -> list[tuple[float, ...]]:
    """Gentle and steep curves about three places of the data, in the direction of the data."""
    direction = 1.0 if float((z * target).sum()) >= 0 else -1.0
    low, high = float(target.min()), float(target.max())
    centres = np.quantile(z, (0.25, 0.5, 0.75)).tolist()
    if curve == "logistic4":
        ends = (high, low) if direction > 0 else (low, high)
        return [(*ends, centre, width) for centre in centres for width in (0.1, 0.3, 1.0)]
    return [
        (direction * (high - low), slope, centre, 0.0, 0.0)
        for centre in centres
        for slope in (1.0, 3.0, 10.0)
    ]
