"""Mean difference of two rate-distortion curves, over the part that both have.

``BD-rate = 100 (exp(mean_q(log R_B(q) - log R_A(q))) - 1)`` percent and
``BD-quality = mean_r(Q_B(r) - Q_A(r))`` over the common interval of qualities ``q`` and of
logarithms of rates ``r``.

Bjontegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001 (a cubic
polynomial through four points); piecewise cubic: JCTVC-B055 and VCEG-AI11.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssimloss import _checks
from ssimloss._keywords import keywords

Array = NDArray[np.float64]
CurveMethod = Literal["cubic", "pchip", "akima"]
CURVE_METHODS: tuple[str, ...] = get_args(CurveMethod)
_LEAST = {"cubic": 4, "pchip": 2, "akima": 3}  # points


@dataclass(frozen=True)
class RateCurve:
    """Points of one codec on one image or clip, in any order.

    Args:
        rate: positive rates, in any unit that is the same for both curves.
        quality: any measure that rises or falls monotonically with the rate.
    """

    rate: Sequence[float] | Array
    quality: Sequence[float] | Array


# After the class statement, because the decorator reads the signature of the dataclass.
RateCurve.__init__ = keywords()(RateCurve.__init__)  # type: ignore[method-assign]


@keywords()
def bd_rate(anchor: RateCurve, test: RateCurve, *, method: CurveMethod = "cubic") -> float:
    """Bjontegaard's difference in rate: how much more rate ``test`` needs for equal quality, in
    percent.

    Args:
        anchor, test: points of both curves, at least four for ``"cubic"``.
        method: ``"cubic"`` one polynomial of degree 3 by least squares, the original; ``"pchip"``
            and ``"akima"`` piecewise cubics through all points, which need SciPy.

    Returns:
        Percent; negative if ``test`` needs less.

    Raises:
        ValueError: there are too few points, values are not finite, rates are not positive,
            qualities are not monotonic, or the curves have no common quality.
        ModuleNotFoundError: SciPy is not installed.

    Source: VCEG-M33. Agrees with the package bjontegaard to 1e-9.
    """
    a, b = _points("anchor", anchor, method), _points("test", test, method)
    mean = _mean_difference((a[1], a[0]), (b[1], b[0]), method, "quality")
    return 100 * math.expm1(mean)


@keywords()
def bd_quality(anchor: RateCurve, test: RateCurve, *, method: CurveMethod = "cubic") -> float:
    """Bjontegaard's difference in quality (BD-PSNR for PSNR): how much more ``test`` has at equal
    rate.

    Args:
        anchor, test: points of both curves, at least four for ``"cubic"``.
        method: as for :func:`bd_rate`.

    Returns:
        The difference, in the unit of the quality.

    Raises:
        ValueError: as for :func:`bd_rate`, or the curves have no common rate.
        ModuleNotFoundError: SciPy is not installed.

    Source: VCEG-M33. Agrees with the package bjontegaard to 1e-9.
    """
    a, b = _points("anchor", anchor, method), _points("test", test, method)
    return _mean_difference(a, b, method, "rate")


def _points(name: str, curve: RateCurve, method: str) -> tuple[Array, Array]:
    """Logarithms of the rates in ascending order, and the qualities."""
    _checks.choice("method", method, CURVE_METHODS)
    if not isinstance(curve, RateCurve):
        raise TypeError(
            f"{name} must be a RateCurve, got {type(curve).__name__}; RateCurve(rates, qualities)"
        )
    rate, quality = _numbers(name, "rate", curve.rate), _numbers(name, "quality", curve.quality)
    if len(rate) != len(quality):
        raise ValueError(
            f"{name} must have a quality for each rate, got {len(rate)} rates and {len(quality)} "
            "qualities"
        )
    if len(rate) < _LEAST[method]:
        raise ValueError(
            f"{name} must have at least {_LEAST[method]} points for method={method!r}, got "
            f"{len(rate)}; add points, or use method='pchip', on the command line "
            "--method pchip"
        )
    if not (rate > 0).all():
        raise ValueError(f"rates of {name} must be positive, got {rate.min():g}")
    order = np.argsort(rate)
    rate, quality = rate[order], quality[order]
    steps = np.diff(quality)
    if not (np.diff(rate) > 0).all() or not ((steps > 0).all() or (steps < 0).all()):
        shown = ", ".join(f"{r:g}: {q:g}" for r, q in zip(rate, quality, strict=True))
        raise ValueError(
            f"quality of {name} must rise, or fall, all along with its rate, got {shown}; remove "
            "points that do not"
        )
    return np.log(rate), quality


def _numbers(name: str, what: str, values: ArrayLike) -> Array:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise ValueError(f"{what} of {name} must be a list of finite numbers, got {values!r}")
    return numbers


def _mean_difference(
    a: tuple[Array, Array], b: tuple[Array, Array], method: str, what: str
) -> float:
    """The mean of ``b - a`` over the common interval of their arguments."""
    low, high = max(a[0].min(), b[0].min()), min(a[0].max(), b[0].max())
    if low >= high:
        ends = ["{:g} to {:g}".format(*_shown(x, what)) for x, _ in (a, b)]
        raise ValueError(
            f"anchor and test must have a common range of {what}, got {ends[0]} and {ends[1]}; "
            "measure both at similar rates"
        )
    areas = [_integral(x, y, method)(low, high) for x, y in (a, b)]
    return float((areas[1] - areas[0]) / (high - low))


def _shown(x: Array, what: str) -> tuple[float, float]:
    ends = float(x.min()), float(x.max())
    return (math.exp(ends[0]), math.exp(ends[1])) if what == "rate" else ends


def _integral(x: Array, y: Array, method: str) -> Callable[[float, float], float]:
    """The integral of the curve between two arguments."""
    if method == "cubic":
        whole = np.polynomial.Polynomial.fit(x, y, 3).integ()
        return lambda low, high: float(whole(high) - whole(low))
    order = np.argsort(x)
    interpolate = _scipy(method)
    pieces: Any = interpolate(x[order], y[order])
    return lambda low, high: float(pieces.integrate(low, high))


def _scipy(method: str) -> Any:
    try:
        from scipy import interpolate
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"method={method!r} needs SciPy, which is not installed: pip install scipy; or use "
            "method='cubic'",
            name="scipy",
        ) from error
    return {
        "pchip": interpolate.PchipInterpolator,
        "akima": interpolate.Akima1DInterpolator,
    }[method]
