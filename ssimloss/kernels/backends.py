"""The choice of a backend: ``"auto"`` uses a kernel that supports the call and has proved itself; a
named backend runs or raises.

A backend has one line in ``MACHINE``, and one line in the table of each operator that it computes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Options
from ssimloss._torch import dispatches, is_batched_or_dual, is_exporting, is_forward_mode
from ssimloss.kernels import library
from ssimloss.kernels.gpu import machine
from ssimloss.kernels.proof import Use, earned

Backend = Literal["auto", "eager", "cpu", "triton"]
BACKENDS: tuple[str, ...] = get_args(Backend)
# Backend -> the reason why it does not run on this machine at all, None if it does.
MACHINE: dict[Backend, Callable[[], str | None]] = {
    "cpu": library.why_not,
    "triton": machine.why_not,
}
# The backend that "auto" tries, by the type of device.
AUTOMATIC: dict[str, Backend] = {"cpu": "cpu", "cuda": "triton"}


class Kernel(NamedTuple):
    """One backend of one operator."""

    why_not: Callable[[Tensor, Tensor], str | None]  # why it does not support these images
    run: Callable[..., Any]  # takes the images and the operator's options
    # The operator's name in ``proof.PROOFS``, for kernels that "auto" uses only after they have
    # proved themselves; None for kernels that are proved by the tests of the package.
    proof: str | None = None


Kernels = Mapping[Backend, Kernel]


def check_backend(backend: Backend) -> None:
    """Raise ``ValueError`` for an unknown backend, and ``RuntimeError`` for one that this machine
    cannot run.
    """
    if backend != "auto":
        _checks.choice("backend", backend, BACKENDS)
        _raise_for(backend, why_not(backend))


class Backed(Options):
    """A measure with kernels.

    Args:
        backend: ``"auto"``, or the name of one, which runs or raises.
    """

    backend: Backend = "auto"

    def __post_init__(self) -> None:
        """Check that the backend runs on this machine."""
        super().__post_init__()
        check_backend(self.backend)


def why_not(backend: Backend) -> str | None:
    """Why a backend does not run on this machine at all, ``None`` if it does."""
    reason = MACHINE.get(backend)
    return None if reason is None else reason()


def select(
    backend: Backend,
    x: Tensor,
    y: Tensor,
    kernels: Kernels,
    *,
    uncovered: str | None = None,
    uses: Callable[[], Iterable[Use]] | None = None,
) -> Backend:
    """The backend that computes: ``"eager"`` or one of ``kernels``.

    Args:
        kernels: the table of the operator, for example ``SIMILARITY_MEANS``.
        uncovered: a message that names an option which no kernel of this operator supports.
        uses: the arguments of the operator, for kernels that must prove themselves.

    Raises:
        RuntimeError: the backend was named and does not support these images.
    """
    if backend == "auto":
        # Tensor subclasses with their own dispatch know PyTorch's operators, not the kernels'.
        equation_only = is_batched_or_dual(x, y) or dispatches(x, y, fake=False)
        # An exported program runs on other devices and without this package.
        if uncovered is None and not equation_only and not is_exporting():
            candidate = AUTOMATIC.get(x.device.type)
            if (
                candidate is not None
                and candidate in kernels
                and _may_serve(kernels[candidate], x, y, uses)
            ):
                return candidate
        return "eager"
    if backend != "eager":
        if backend not in kernels:
            _raise_for(backend, "it has no kernel for this")
        _raise_for(backend, uncovered or kernels[backend].why_not(x, y))
        if is_forward_mode():
            _raise_for(backend, "no kernel has a forward-mode derivative (torch.func.jvp, hessian)")
    return backend


def _may_serve(
    kernel: Kernel, x: Tensor, y: Tensor, uses: Callable[[], Iterable[Use]] | None
) -> bool:
    if kernel.why_not(x, y) is not None:
        return False
    name = kernel.proof
    if name is None:
        return True
    return uses is not None and all(earned(name, use, x.device) for use in uses())


def kernel(kernels: Kernels, backend: Backend, x: Tensor, y: Tensor) -> Kernel:
    """The kernel of a named backend.

    Raises:
        ValueError: the backend has no kernel.
        RuntimeError: the kernel does not support these images.
    """
    _checks.choice("backend", backend, kernels)
    found = kernels[backend]
    _raise_for(backend, found.why_not(x, y))
    return found


def _raise_for(backend: str, reason: str | None) -> None:
    if reason is not None:
        raise RuntimeError(f"backend={backend!r} cannot run: {reason}; use backend='auto'")
