"""The Triton kernel's ``similarity_means``."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from ssimloss.kernels.autograd import Found
from ssimloss.kernels.comparison import Comparison, Mixed
from ssimloss.kernels.gpu.launch import Division, Launch, empty_gradients, prepare, similarity_of
from ssimloss.kernels.gpu.machine import environment
from ssimloss.kernels.gpu.trials import Setting, Way, results, trial
from ssimloss.kernels.proof import Proof, Results, Trial, Use

Wanted = tuple[bool, bool]


def similarity_means(
    x: Tensor,
    y: Tensor,
    comparison: Comparison,
    mixed: Mixed,
    want_x: bool,
    want_y: bool,
    division: Division | None = None,
) -> Found:
    """Means ``(N, C)`` of images that are not empty, and the requested gradients; all float32."""
    launch, gradients = _prepared(x, y, comparison, mixed, want_x, want_y, division)
    return launch.run()[0].sum(-1), *gradients


def _prepared(
    x: Tensor,
    y: Tensor,
    comparison: Comparison,
    mixed: Mixed,
    want_x: bool,
    want_y: bool,
    division: Division | None = None,
) -> tuple[Launch, tuple[Tensor | None, Tensor | None]]:
    """The launch, and the gradients that it writes."""
    h, w = x.shape[2:]
    map_h, map_w = comparison.map_size(h, w)
    gradients = empty_gradients(x, y, want_x, want_y)
    launch = prepare(
        x,
        y,
        gradients,
        similarity_of(comparison),
        mixed=mixed._replace(
            similarity_weight=mixed.similarity_weight / (map_h * map_w),
            pixel_weight=mixed.pixel_weight / (h * w),
        ),
        columns=map_w if mixed.pixel == "none" and not want_x and not want_y else w,
        division=division,
    )
    return launch, gradients


# --- what it has to pass before "auto" takes it ---------------------------------------------------


def _specialise(comparison: Comparison, mixed: Mixed) -> tuple[int, str, str, str]:
    return len(comparison.window), comparison.part, comparison.padding, mixed.pixel


def _trial(use: Use, device: torch.device) -> Trial:
    comparison, mixed = use.options
    weights = (1.0, 0.0) if mixed.pixel == "none" else (-0.7, 0.3)
    mixed = Mixed(mixed.pixel, 1e-3, *weights)

    def launches(x: Tensor, y: Tensor, setting: Setting, wanted: Wanted) -> Sequence[Launch]:
        return [_prepared(x, y, setting.comparison, mixed, *wanted, setting.division)[0]]

    def run(x: Tensor, y: Tensor, setting: Setting, wanted: Wanted, _: Tensor | None) -> Results:
        means, *gradients = similarity_means(
            x, y, setting.comparison, mixed, *wanted, setting.division
        )
        return results(means, gradients)

    def differentiable(
        x: Tensor, y: Tensor, comparison: Comparison, mixed: Mixed, equation: Callable[..., Tensor]
    ) -> Tensor:
        # Imported here, because that module imports this one.
        from ssimloss.kernels.similarity_means.operator import similarity_means as operator

        fixed = partial(equation, comparison=comparison, mixed=mixed)
        return operator(x, y, comparison, backend="triton", equation=fixed, mixed=mixed)

    def options(setting: Setting, _: torch.device) -> tuple[Comparison, Mixed]:
        return setting.comparison, mixed

    way = Way(launches, run, differentiable, options)
    return trial(comparison, use, device, way)


PROOF = Proof(_specialise, _trial, environment)
