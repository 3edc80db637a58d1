"""The Triton kernel's ``moment_sums``: SSIM and r*, with or without a mask."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from ssimloss.kernels.autograd import Found
from ssimloss.kernels.gpu.launch import (
    Division,
    EquationName,
    Launch,
    Moments,
    empty_gradients,
    prepare,
)
from ssimloss.kernels.gpu.machine import environment
from ssimloss.kernels.gpu.trials import Setting, Way, flat_variance, results, trial
from ssimloss.kernels.moment_sums.local import Local
from ssimloss.kernels.proof import Proof, Results, Trial, Use

Wanted = tuple[bool, bool]


def moment_sums(
    x: Tensor,
    y: Tensor,
    mask: Tensor | None,
    local: Local,
    want_x: bool,
    want_y: bool,
    division: Division | None = None,
) -> Found:
    """Sums ``(2, N, C)`` of images that are not empty, and the requested gradients; all float32."""
    launch, gradients = _prepared(x, y, mask, local, want_x, want_y, division)
    sums = launch.run().sum(-1)
    if mask is None:
        height, width = local.widest().map_size(*x.shape[2:])
        sums = torch.cat((sums, torch.full_like(sums, height * width)))
    return sums, *gradients


def _prepared(
    x: Tensor,
    y: Tensor,
    mask: Tensor | None,
    local: Local,
    want_x: bool,
    want_y: bool,
    division: Division | None = None,
) -> tuple[Launch, tuple[Tensor | None, Tensor | None]]:
    """The launch, and the gradients that it writes."""
    equation: EquationName = "ssim" if local.kind == "similarity" else "structure"
    gradients = empty_gradients(x, y, want_x, want_y)
    launch = prepare(
        x,
        y,
        gradients,
        Moments(equation, local.windows, (local.c1, local.c2), local.low, local.padding),
        columns=x.shape[3] if want_x or want_y else local.widest().map_size(*x.shape[2:])[1],
        mask=None if mask is None else mask.to(torch.float32).expand(x.shape),
        division=division,
    )
    return launch, gradients


# --- what it has to pass before "auto" takes it ---------------------------------------------------


def _specialise(local: Local, is_masked: bool) -> tuple[str, int, str, str]:
    masked = "masked" if is_masked else "no mask"
    return local.kind, len(local.windows), local.padding, masked


def _trial(use: Use, device: torch.device) -> Trial:
    used, is_masked = use.options

    def options(setting: Setting, device: torch.device) -> tuple[Tensor | None, Local]:
        window, c1, c2, low, _, padding = setting.comparison
        if used.kind == "structure":
            c1 = flat_variance(setting)
        local = Local(used.kind, window, (len(window),), c1, c2, low, padding)
        return setting.mask(device) if is_masked else None, local

    def launches(x: Tensor, y: Tensor, setting: Setting, wanted: Wanted) -> Sequence[Launch]:
        return [_prepared(x, y, *options(setting, device), *wanted, setting.division)[0]]

    def run(x: Tensor, y: Tensor, setting: Setting, wanted: Wanted, _: Tensor | None) -> Results:
        given = options(setting, device)
        sums, *gradients = moment_sums(x, y, *given, *wanted, setting.division)
        return results(sums, gradients)

    def differentiable(
        x: Tensor, y: Tensor, mask: Tensor | None, local: Local, equation: Callable[..., Tensor]
    ) -> Tensor:
        # Imported here, because that module imports this one.
        from ssimloss.kernels.moment_sums.operator import moment_sums as operator

        fixed = partial(equation, mask=mask, local=local)
        return operator(x, y, mask, local, backend="triton", equation=fixed)

    of_structure = used.kind == "structure"
    way = Way(
        launches,
        run,
        differentiable,
        options,
        least=4 if of_structure else 1,  # two pixels correlate by 1 or -1, with gradient 0
        has_flat=of_structure,
    )
    return trial(used.widest(), use, device, way)


PROOF = Proof(_specialise, _trial, environment)
