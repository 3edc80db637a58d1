"""Distributions of features along one dimension: projections on directions, sorted and compared.

The distance of two sorted samples of equal size is the Wasserstein distance of their distributions.
"""

import functools
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import made, planes
from ssimloss._precision import computing_dtype, full_precision, promote
from ssimloss._references import are_kept, of_reference
from ssimloss._torch import assume_constant_result, is_observed, mark_static
from ssimloss.functional._inner_products import TOGETHER, inner_products
from ssimloss.functional._recomputation import in_steps
from ssimloss.functional.features import Features, Layered
from ssimloss.kernels import SORTED_MEANS, Backed, Backend, select
from ssimloss.kernels.autograd import Found, Primitive, means
from ssimloss.kernels.operators import or_nothing
from ssimloss.kernels.sorted_means import differentiated, sorted_means

Directions = Mapping[str, Tensor]
# Values that are projected at once: 32 MiB in float32 for each of about five tensors.
STEP = 2**23


class Projected(Backed, Layered):
    """Features projected on random directions.

    Args:
        seed: seed of the directions, which are the same in every call, process and run.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.count("seed", self.seed, least=0)

    def shape(self, channels: int) -> tuple[int, ...]:
        """Shape of the directions for a layer with ``channels`` channels, ``(K, C, ...)``."""
        raise NotImplementedError

    def drawn(self, channels: int, like: Tensor) -> Tensor:
        """The directions of a layer as a new tensor, with the device and the dtype of ``like``."""
        return made(_unit_vectors(self.seed, *self.shape(channels)), like.dtype, like.device)

    def of(self, features: Features, directions: Directions | None) -> dict[str, Tensor]:
        """The directions of each layer on the device of its features; by default from a cache."""
        if directions is None:
            return {
                name: unit_vectors(
                    self.seed,
                    *self.shape(values.shape[1]),
                    like=values.new_empty(0, dtype=computing_dtype(values)),
                )
                for name, values in ((name, features[name]) for name in self.layers)
            }
        if not isinstance(directions, Mapping):
            raise TypeError(
                "directions must map names of layers to tensors, got "
                f"{type(directions).__name__}; leave it out to draw them from the seed"
            )
        found = {}
        for name in self.layers:
            given, shape = directions.get(name), self.shape(features[name].shape[1])
            if not isinstance(given, Tensor) or tuple(given.shape) != shape:
                came = tuple(given.shape) if isinstance(given, Tensor) else repr(given)
                raise ValueError(
                    f"directions[{name!r}] must be a tensor of shape {shape}, which follows from "
                    f"the options and the channels of the layer, got {came}"
                )
            if not given.dtype.is_floating_point or given.device != features[name].device:
                raise ValueError(
                    f"directions[{name!r}] must be floating point on the device of the features "
                    f"({features[name].device}), got {given.dtype} on {given.device}"
                )
            found[name] = given
        return found


def unit_vectors(seed: int, *shape: int, like: Tensor) -> Tensor:
    """Random unit vectors ``(K, C, ...)`` of a seed, on the device and in the dtype of ``like``."""
    if torch.compiler.is_compiling():  # it draws its own random numbers
        return _constant_vectors(seed, shape).to(like)
    return planes(_unit_vectors, seed, *shape, like=like)


@assume_constant_result
def _constant_vectors(seed: int, shape: tuple[int, ...]) -> Tensor:
    return mark_static(torch.from_numpy(_unit_vectors(seed, *shape).astype(np.float32)))


def _unit_vectors(seed: int, *shape: int) -> NDArray[np.float64]:
    """``(K, C, ...)``, rounded to float32. The random state of the process is not changed."""
    vectors = np.random.Generator(np.random.PCG64(seed)).standard_normal(shape)
    lengths = np.linalg.norm(vectors.reshape(len(vectors), -1), axis=1)
    found: NDArray[np.float64] = (vectors.T / lengths).T.astype(np.float32).astype(np.float64)
    return found


def unit_directions(vectors: Tensor) -> Tensor:
    """Each of ``(K, ...)`` divided by its length."""
    length = vectors.square().sum(tuple(range(1, vectors.ndim)), keepdim=True).sqrt()
    return vectors / length


@full_precision
def sorted_distance(
    pred: Tensor,
    target: Tensor,
    directions: Tensor | None,
    *,
    power: int,
    stride: int = 1,
    backend: Backend = "auto",
) -> Tensor:
    """The mean over projections of ``mean_j |x_(j) - y_(j)|^power`` between sorted values,
    ``(N,)``.

    Args:
        pred, target: features ``(N, C, H, W)``.
        directions: ``(K, C, p, p)``, on which patches are projected; None for the channels
            themselves.
        power: 1 or 2.
        stride: between patches.
        backend: sorts and compares.

    Projections are taken in steps of bounded memory. The gradient of each step is computed with its
    value, because the value is linear in it: nothing is kept but the gradient of the features.
    """
    pred, target = promote(pred, target)
    chosen = select(backend, pred, target, SORTED_MEANS)
    given = None if directions is None else directions.to(pred.dtype)
    steps = _Steps(given, power, stride, chosen)
    if torch.compiler.is_compiling() or is_observed(pred, target) or not pred.numel():
        return steps.distance(pred, target)
    equation = steps._replace(backend="eager").distance
    return means(pred, target, _AHEAD, (steps,), chosen, equation)


class _Steps(NamedTuple):
    """What a sliced distance compares, a few projections at a time."""

    directions: Tensor | None
    power: int
    stride: int
    backend: Backend

    def count(self, features: Tensor) -> int:
        """The number of projections."""
        return features.shape[1] if self.directions is None else self.directions.shape[0]

    def projected(self, features: Tensor, first: int, last: int) -> Tensor:
        """Some of the projections, ``(N, last - first, H', W')``."""
        return _projected(features, *self._some(first, last))

    def _some(self, first: int, last: int) -> tuple[Tensor | None, int, int, int]:
        """Some of the directions, or which channels stand for them."""
        some = None if self.directions is None else self.directions[first:last]
        return some, self.stride, first, last

    def means(self, x: Tensor, y: Tensor) -> Tensor:
        """The distance of each projection, ``(N, K)``, differentiable any number of times."""
        equation = functools.partial(_sorted_means, power=self.power)
        if self.backend == "eager":
            return equation(x, y)
        return sorted_means(x, y, self.power, backend=self.backend, equation=equation)

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """The distance of the features; each step is computed again for the gradient."""
        n, count = len(pred), self.count(pred)
        step = min(max(STEP // max(n * math.prod(pred.shape[2:]), 1), 1), count)

        def of_some(pred: Tensor, target: Tensor, first: int, last: int) -> Tensor:
            x, y = (self.projected(features, first, last) for features in (pred, target))
            return self.means(x, y).sum(1)

        if step == count:
            return of_some(pred, target, 0, count) / count
        of_step = in_steps(of_some)
        sums = [
            of_step(pred, target, first, min(first + step, count))
            for first in range(0, count, step)
        ]
        return torch.stack(sums).sum(0) / count

    def differentiated(
        self, pred: Tensor, target: Tensor, want_x: bool, want_y: bool, slope: float = 1.0
    ) -> Found:
        """The distance of features in plain memory, and the requested gradients times ``slope``."""
        n, count, positions = len(pred), self.count(pred), math.prod(pred.shape[2:])
        # A convolution computes several projections in the time of one.
        least = max(min(TOGETHER, STEP // positions), TOGETHER // 2)
        step = min(max(STEP // (n * positions), least), count)
        images = max(STEP // (step * positions), 1)
        total = pred.new_zeros(n)
        gradients = [
            torch.zeros_like(features) if want else None
            for features, want in ((pred, want_x), (target, want_y))
        ]
        for begin in range(0, n, images):
            some = slice(begin, begin + images)
            for first in range(0, count, step):
                last = min(first + step, count)
                x = self.projected(pred[some], first, last)
                if want_y or self.backend == "eager" or not are_kept(target):
                    y = self.projected(target[some], first, last)
                else:  # the kernel passes over a row in order, and sorts others
                    y = of_reference(_in_order, target[some], *self._some(first, last))
                found, *slopes = differentiated(
                    x, y, self.power, want_x, want_y, self.means, self.backend
                )
                del x, y  # before the gradient takes memory
                total[some] += found.sum(1)
                for gradient, of_values in zip(gradients, slopes, strict=True):
                    if gradient is not None and of_values is not None:
                        self._add(gradient[some], of_values, first, last)
        for gradient in gradients:
            if gradient is not None:
                gradient.mul_(slope / count)
        to_pred, to_target = gradients
        return total / count, to_pred, to_target

    def _add(self, gradient: Tensor, of_values: Tensor, first: int, last: int) -> None:
        """Add the gradient of features from that of their projections."""
        if self.directions is None:
            gradient[:, first:last] += of_values
            return
        some = self.directions[first:last]
        gradient += inner_products(of_values, some, self.stride, *gradient.shape[2:])


def _projected(
    features: Tensor, directions: Tensor | None, stride: int, first: int, last: int
) -> Tensor:
    """Inner products with the directions, ``(N, K, H', W')``; without any, those channels."""
    if directions is None:
        return features[:, first:last]
    return inner_products(features, directions, stride)


def _in_order(
    features: Tensor, directions: Tensor | None, stride: int, first: int, last: int
) -> Tensor:
    """The projections with the values of each plane in order."""
    values = _projected(features, directions, stride, first, last)
    flat = values.detach().flatten(2).numpy()
    return torch.from_numpy(np.sort(flat, axis=2)).view_as(values)


def _ahead(
    pred: Tensor, target: Tensor, steps: _Steps, want_x: bool, want_y: bool, slope: float
) -> Found:
    return steps.differentiated(pred, target, want_x, want_y, slope)


def _ahead_anywhere(
    pred: Tensor,
    target: Tensor,
    steps: _Steps,
    want_x: bool,
    want_y: bool,
    slope: float,
    _backend: str = "eager",
) -> Found:
    found, *gradients = steps.differentiated(pred, target, want_x, want_y, slope)
    to_pred, to_target = (or_nothing(gradient, pred, target) for gradient in gradients)
    return found, to_pred, to_target


_AHEAD = Primitive(_ahead, _ahead_anywhere)


def _sorted_means(x: Tensor, y: Tensor, power: int) -> Tensor:
    """``mean_j |x_(j) - y_(j)|^power`` of each plane of ``(N, K, H, W)``, ``(N, K)``."""
    x, y = (torch.sort(values.flatten(2), dim=2, stable=True).values for values in (x, y))
    d = x - y
    if power == 1:
        # |d| whose slope is NaN at NaN, as in the kernel; that of abs() is 0.
        sign = torch.where(d.isnan(), d, d.sign()).detach()
        return (d * sign).mean(2)
    return d.square().mean(2)
