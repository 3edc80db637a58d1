"""``image(x + u, y + v)``, interpolated bilinearly, for the flow ``(u, v)`` in pixels.

Beyond an image, its border is repeated. Where the flow is NaN, so is the result, and the gradient
of the flow is 0.
"""

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Pair, maps
from ssimloss.kernels.backends import Backend, Kernel, Kernels, kernel
from ssimloss.kernels.operators import keep, maps_backward, register_one_by_one
from ssimloss.kernels.warped import cpu

WARPED: Kernels = {"cpu": Kernel(library.why_not_for, cpu.warped)}
WARPED_BACKWARD: Kernels = {"cpu": Kernel(library.why_not_for, cpu.warped_backward)}
_DTYPES = (torch.float32, torch.float64)

torch.library.define("ssimloss::warped", "(Tensor images, Tensor flow, str backend) -> Tensor")
torch.library.define(
    "ssimloss::warped_backward",
    "(Tensor upstream, Tensor images, Tensor flow, bool want_images, bool want_flow, str backend) "
    "-> (Tensor, Tensor)",
)


def warped(images: Tensor, flow: Tensor, *, backend: str, equation: Equation) -> Tensor:
    """The warped images, differentiable any number of times.

    Args:
        images: ``(N, C, H, W)``, float32 or float64.
        flow: ``(N, 2, H, W)`` in the dtype of the images: to the right, then down.
        backend: one of ``WARPED``.
        equation: the same in plain PyTorch.
    """
    return maps(images, flow, _PAIR, (), backend, equation)


_PAIR = Pair(torch.ops.ssimloss.warped, torch.ops.ssimloss.warped_backward)


@torch.library.register_fake("ssimloss::warped")
def _empty(images: Tensor, _flow: Tensor, _backend: str) -> Tensor:
    return torch.empty_like(images, memory_format=torch.contiguous_format)


@torch.library.impl("ssimloss::warped", "default")
def _warped(images: Tensor, flow: Tensor, backend: Backend) -> Tensor:
    run = kernel(WARPED, backend, images, flow).run
    _check(images, flow)
    found: Tensor = run(images, flow) if images.numel() else _empty(images, flow, backend)
    return found


@torch.library.register_fake("ssimloss::warped_backward")
def _empty_backward(
    _upstream: Tensor,
    images: Tensor,
    flow: Tensor,
    want_images: bool,
    want_flow: bool,
    _backend: str,
) -> tuple[Tensor, Tensor]:
    to_images, to_flow = (
        given.new_empty(given.shape if want else 0)
        for given, want in ((images, want_images), (flow, want_flow))
    )
    return to_images, to_flow


@torch.library.impl("ssimloss::warped_backward", "default")
def _warped_backward(
    upstream: Tensor,
    images: Tensor,
    flow: Tensor,
    want_images: bool,
    want_flow: bool,
    backend: Backend,
) -> tuple[Tensor, Tensor]:
    run = kernel(WARPED_BACKWARD, backend, images, flow).run
    _check(images, flow)
    if upstream.shape != images.shape or upstream.dtype is not images.dtype:
        raise ValueError(
            f"upstream must be {tuple(images.shape)} of {images.dtype}, got "
            f"{tuple(upstream.shape)} of {upstream.dtype}"
        )
    nothing = _empty_backward(upstream, images, flow, want_images, want_flow, backend)
    if not images.numel() or not (want_images or want_flow):
        return nothing[0], nothing[1].zero_()
    found = run(upstream, images, flow, want_images, want_flow)
    to_images, to_flow = (
        empty if gradient is None else gradient
        for gradient, empty in zip(found, nothing, strict=True)
    )
    return to_images, to_flow


def _check(images: Tensor, flow: Tensor) -> None:
    """Check shapes and dtypes, because kernels read memory without checks."""
    if images.ndim != 4 or flow.shape != (images.shape[0], 2, *images.shape[2:]):
        raise ValueError(
            "images must be (N, C, H, W) and flow (N, 2, H, W), got "
            f"{tuple(images.shape)} and {tuple(flow.shape)}"
        )
    if images.dtype not in _DTYPES or flow.dtype is not images.dtype:
        raise ValueError(
            f"images and flow must both be float32 or float64, got {images.dtype} and {flow.dtype}"
        )


torch.library.register_autograd("ssimloss::warped", maps_backward("warped"), setup_context=keep)
register_one_by_one("warped")
register_one_by_one("warped_backward")
