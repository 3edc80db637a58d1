"""Fused primitives, chosen by ``backend``: one front door.

A kernel is an optimisation: the equations in ``ssimloss.functional`` say what is computed.
``"auto"`` takes the first backend that covers device, dtype and options, and the eager equations
where none does; it never raises for lack of one. A backend asked for by name runs or raises with
the reason, and is never replaced silently. ``python -m ssimloss.kernels`` prints what runs on this
machine.
"""

from collections.abc import Callable
from typing import Literal, TypeVar, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss.kernels import _cpu, _ops

Backend = Literal["auto", "eager", "cpu", "triton"]
BACKENDS: tuple[str, ...] = get_args(Backend)
KERNELS: tuple[Backend, ...] = ("cpu", "triton")
# What "auto" takes. The Triton kernels agree with the equations in Triton's interpreter and compile
# for every GPU that was tried, but have not run on one: until they have, they serve whoever names
# them.
AUTOMATIC: tuple[Backend, ...] = ("cpu",)
MAX_TAPS = _cpu.MAX_TAPS
MAX_SCALES = _cpu.MAX_SCALES

computing_dtype = _ops.computing_dtype
similarity_means_here = _ops.similarity_means_here


def check_backend(backend: Backend) -> None:
    """Raise ``ValueError`` for an unknown backend, ``RuntimeError`` for one that this machine
    cannot run.
    """
    _checks.choice("backend", backend, BACKENDS)
    _raise_for(backend, why_not(backend))


def why_not(backend: str) -> str | None:
    """Why a backend does not run on this machine at all, ``None`` if it does."""
    reason: str | None = None
    if backend == "cpu":
        reason = _cpu.why_not()
    elif backend == "triton":
        reason = _why_not_triton()
    return reason


def why_not_for(backend: str, x: Tensor, y: Tensor, *, uncovered: str | None = None) -> str | None:
    """Why a backend cannot serve these images, ``None`` if it can.

    Args:
        uncovered: an option that no kernel knows, in words.
    """
    if backend in ("auto", "eager"):
        return None
    if uncovered is not None:
        return uncovered
    for image in (x, y):
        if image.dtype not in _cpu.DTYPES:
            return f"no kernel knows {image.dtype}"
    if backend == "cpu":
        return (
            f"it serves tensors on the CPU, and these are on {x.device}"
            if x.device.type != "cpu"
            else why_not("cpu")
        )
    if torch.float64 in (x.dtype, y.dtype):
        return "it computes in float32, and float64 was given"
    return _why_not_triton_device(x.device)


def select(
    backend: Backend,
    x: Tensor,
    y: Tensor,
    *,
    uncovered: str | None = None,
    among: tuple[Backend, ...] = KERNELS,
) -> Backend:
    """The backend that computes: ``"eager"``, ``"cpu"`` or ``"triton"``.

    Args:
        uncovered: an option that no kernel knows, in words.
        among: the backends that have this primitive.

    Raises:
        RuntimeError: one was asked for by name and cannot serve.
    """
    if backend == "auto":
        if _is_transformed(x) or _is_transformed(y):
            return "eager"
        for candidate in AUTOMATIC:
            if candidate in among and why_not_for(candidate, x, y, uncovered=uncovered) is None:
                return candidate
        return "eager"
    if backend != "eager" and backend not in among:
        _raise_for(backend, "it has no kernel for this")
    _raise_for(backend, why_not_for(backend, x, y, uncovered=uncovered))
    return backend


def _is_transformed(image: Tensor) -> bool:
    """Whether ``torch.vmap`` batches the image or forward-mode differentiation is on: the equations
    know how, kernels do not.
    """
    if torch.compiler.is_compiling():
        return False
    if torch.autograd.forward_ad._current_level >= 0:
        return True
    while torch._C._functorch.is_functorch_wrapped_tensor(image):
        if torch._C._functorch.is_batchedtensor(image):
            return True
        image = torch._C._functorch.get_unwrapped(image)
    return False


def _raise_for(backend: str, reason: str | None) -> None:
    if reason is not None:
        raise RuntimeError(f"backend={backend!r} cannot run: {reason}; use backend='auto'")


F = TypeVar("F", bound=Callable[..., object])


def _constant(function: F) -> F:
    """``torch.compiler.assume_constant_result``, without the compiler, whose import takes longer
    than that of PyTorch itself.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


@_constant
def _why_not_triton() -> str | None:
    from ssimloss.kernels import _triton

    return _triton.why_not()


@_constant
def _why_not_triton_device(device: torch.device) -> str | None:
    from ssimloss.kernels import _triton

    return _triton.why_not_device(device)
