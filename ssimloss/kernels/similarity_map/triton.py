"""The Triton kernel's ``similarity_map`` and its backward."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.gpu.launch import Division, Launch, empty_gradients, prepare, similarity_of
from ssimloss.kernels.gpu.machine import environment
from ssimloss.kernels.gpu.trials import Setting, Way, results, trial
from ssimloss.kernels.proof import Proof, Results, Trial, Use

Gradients = tuple[Tensor | None, Tensor | None]
Wanted = tuple[bool, bool]


def similarity_map(
    x: Tensor, y: Tensor, comparison: Comparison, division: Division | None = None
) -> Tensor:
    """The map ``(N, C, H', W')`` of images that are not empty, in float32."""
    launch, found = _forward(x, y, comparison, division)
    launch.run()
    return found


def similarity_map_backward(
    upstream: Tensor,
    x: Tensor,
    y: Tensor,
    comparison: Comparison,
    want_x: bool,
    want_y: bool,
    division: Division | None = None,
) -> Gradients:
    """The requested gradients, at least one, of ``sum(upstream * map)``. ``upstream`` is float32
    with any strides.
    """
    launch, gradients = _backward(upstream, x, y, comparison, want_x, want_y, division)
    launch.run()
    return gradients


def _forward(
    x: Tensor, y: Tensor, comparison: Comparison, division: Division | None
) -> tuple[Launch, Tensor]:
    map_h, map_w = comparison.map_size(*x.shape[2:])
    found = x.new_empty((*x.shape[:2], map_h, map_w), dtype=torch.float32)
    launch = prepare(
        x,
        y,
        (None, None),
        similarity_of(comparison),
        columns=map_w,
        values=found,
        division=division,
    )
    return launch, found


def _backward(
    upstream: Tensor,
    x: Tensor,
    y: Tensor,
    comparison: Comparison,
    want_x: bool,
    want_y: bool,
    division: Division | None,
) -> tuple[Launch, Gradients]:
    gradients = empty_gradients(x, y, want_x, want_y)
    launch = prepare(
        x,
        y,
        gradients,
        similarity_of(comparison),
        columns=x.shape[3],
        upstream=upstream,
        division=division,
    )
    return launch, gradients


# --- what they have to pass before "auto" takes them ----------------------------------------------


def _specialise(comparison: Comparison) -> tuple[int, str, str]:
    return len(comparison.window), comparison.part, comparison.padding


def _trial(use: Use, device: torch.device) -> Trial:
    def launches(x: Tensor, y: Tensor, setting: Setting, wanted: Wanted) -> Sequence[Launch]:
        forward, found = _forward(x, y, setting.comparison, setting.division)
        if not any(wanted):
            return [forward]
        return [forward, _backward(found, x, y, setting.comparison, *wanted, setting.division)[0]]

    def run(
        x: Tensor, y: Tensor, setting: Setting, wanted: Wanted, upstream: Tensor | None
    ) -> Results:
        found = similarity_map(x, y, setting.comparison, setting.division)
        gradients: Gradients = (None, None)
        if any(wanted):
            assert upstream is not None
            gradients = similarity_map_backward(
                upstream, x, y, setting.comparison, *wanted, setting.division
            )
        return results(found, gradients)

    def differentiable(
        x: Tensor, y: Tensor, comparison: Comparison, equation: Callable[..., Tensor]
    ) -> Tensor:
        # Imported here, because that module imports this one.
        from ssimloss.kernels.similarity_map.operator import similarity_map as operator

        fixed = partial(equation, comparison=comparison)
        return operator(x, y, comparison, backend="triton", equation=fixed)

    def options(setting: Setting, _: torch.device) -> tuple[Comparison]:
        return (setting.comparison,)

    def size(setting: Setting) -> Sequence[int]:
        return *setting.shape[:2], *setting.comparison.map_size(*setting.shape[2:])

    way = Way(launches, run, differentiable, options, size)
    (comparison,) = use.options
    return trial(comparison, use, device, way)


PROOF = Proof(_specialise, _trial, environment)
