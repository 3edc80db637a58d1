"""Energy, sum of amplitudes and first amplitude ``(N, 3, H, W)`` of the complex responses of four
scales, ``(N, 4, H, W, 2)``, and the gradient for any upstream map.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import signed
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.operators import no_second_order, register_one_by_one
from ssimloss.kernels.phase_energy import cpu

PHASE_ENERGY: Kernels = {"cpu": Kernel(library.why_not_for, cpu.phase_energy)}
PHASE_ENERGY_BACKWARD: Kernels = {"cpu": Kernel(library.why_not_for, cpu.phase_energy_backward)}
SCALES = 4

torch.library.define(
    "ssimloss::phase_energy", "(Tensor responses, float epsilon, str backend) -> Tensor"
)
torch.library.define(
    "ssimloss::phase_energy_backward",
    "(Tensor upstream, Tensor responses, float epsilon, str backend) -> Tensor",
)


def phase_energy(
    responses: Tensor, epsilon: float, *, backend: str, equation: Callable[[Tensor], Tensor]
) -> Tensor:
    """The maps, differentiable any number of times. Only the responses are kept for backward.

    Args:
        responses: ``(N, 4, H, W, 2)`` of float32 or float64.
        epsilon: added to the length of the sum of the responses.
        backend: one of ``PHASE_ENERGY``.
        equation: the same maps in plain PyTorch.
    """
    if torch.compiler.is_compiling():
        compiled: Tensor = torch.ops.ssimloss.phase_energy(responses, epsilon, backend)
        return compiled
    found: Tensor = _Energy.apply(responses, epsilon, backend, equation)
    return found


class _Energy(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    @signed
    def forward(responses: Tensor, epsilon: float, backend: str, _equation: Any) -> Tensor:
        found: Tensor = torch.ops.ssimloss.phase_energy(responses, epsilon, backend)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _output: Tensor) -> None:
        responses, ctx.epsilon, ctx.backend, ctx.equation = inputs
        ctx.save_for_backward(responses)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        (responses,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            given = responses.view_as(responses)
            value = ctx.equation(given)
            if value.requires_grad:
                (found,) = torch.autograd.grad(value, given, upstream, create_graph=True)
                return found, None, None, None
        found = torch.ops.ssimloss.phase_energy_backward(
            upstream, responses, ctx.epsilon, ctx.backend
        )
        return found, None, None, None


@torch.library.register_fake("ssimloss::phase_energy")
def _empty(responses: Tensor, _epsilon: float, _backend: str) -> Tensor:
    n, _, height, width, _ = responses.shape
    return responses.new_empty((n, 3, height, width))


@torch.library.impl("ssimloss::phase_energy", "default")
def _phase_energy(responses: Tensor, epsilon: float, backend: Any) -> Tensor:
    run = kernel(PHASE_ENERGY, backend, responses, responses).run
    _check(responses)
    if not responses.numel():
        nothing: Tensor = _empty(responses, epsilon, backend)
        return nothing
    found: Tensor = run(responses.contiguous(), epsilon)
    return found


def _check(responses: Tensor) -> None:
    shape = responses.shape
    if len(shape) != 5 or shape[1] != SCALES or shape[4] != 2:
        raise ValueError(f"responses must be (N, {SCALES}, H, W, 2), got {tuple(shape)}")
    if responses.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"responses must be float32 or float64, got {responses.dtype}")


@torch.library.register_fake("ssimloss::phase_energy_backward")
def _empty_backward(_upstream: Tensor, responses: Tensor, _epsilon: float, _backend: str) -> Tensor:
    return responses.new_empty(responses.shape)


@torch.library.impl("ssimloss::phase_energy_backward", "default")
def _phase_energy_backward(
    upstream: Tensor, responses: Tensor, epsilon: float, backend: Any
) -> Tensor:
    run = kernel(PHASE_ENERGY_BACKWARD, backend, responses, responses).run
    _check(responses)
    n, _, height, width, _ = responses.shape
    if upstream.shape != (n, 3, height, width) or upstream.dtype is not responses.dtype:
        raise ValueError(
            f"upstream must be {(n, 3, height, width)} of {responses.dtype}, got "
            f"{tuple(upstream.shape)} of {upstream.dtype}"
        )
    if not responses.numel():
        nothing: Tensor = _empty_backward(upstream, responses, epsilon, backend)
        return nothing
    found: Tensor = run(upstream.contiguous(), responses.contiguous(), epsilon)
    return found


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    responses, *ctx.options = inputs
    ctx.save_for_backward(responses)


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    no_second_order("phase_energy")
    (responses,) = ctx.saved_tensors
    found = torch.ops.ssimloss.phase_energy_backward(upstream, responses, *ctx.options)
    return found, None, None


torch.library.register_autograd("ssimloss::phase_energy", _backward, setup_context=_keep)
register_one_by_one("phase_energy")
register_one_by_one("phase_energy_backward")
