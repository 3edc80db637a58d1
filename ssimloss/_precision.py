"""The arithmetic of a loss: at least float32, autocast and TF32 off.

Half precision has 8 to 11 bits, fewer than the variance of a flat bright patch needs. Autocast and
TF32, which keeps 10 bits of each factor, would silently lower the precision of a loss's
convolutions.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from ssimloss._flags import IEEE
from ssimloss._torch import is_exporting

P = ParamSpec("P")
R = TypeVar("R")
WITHOUT_FLOAT64 = ("mps",)  # types of devices: Apple's GPUs


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate ``function(image, ...)`` so that its body runs with autocast off on the image's
    device.
    """

    @functools.wraps(function)
    def without_autocast(*args: P.args, **kwargs: P.kwargs) -> R:
        device_type = device_type_of((*args, *kwargs.values()))
        # Disabling autocast when it is already off costs as much as a small loss.
        if not torch.compiler.is_compiling() and not torch.is_autocast_enabled(device_type):
            return function(*args, **kwargs)
        with torch.autocast(device_type, enabled=False):
            return function(*args, **kwargs)

    return without_autocast


def device_type_of(arguments: tuple[object, ...]) -> str:
    """The device type of the first tensor among the arguments, for autocast.

    It is "cpu" if there is no tensor; the function itself raises an error for other values. The
    device "meta" has no autocast.
    """
    for argument in arguments:
        if isinstance(argument, Tensor) and not argument.is_meta:
            return argument.device.type
    return "cpu"


def computing_dtype(*tensors: Tensor) -> torch.dtype:
    """The widest dtype of the tensors, at least float32."""
    return functools.reduce(torch.promote_types, (t.dtype for t in tensors), torch.float32)


def promote(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both images in their computing dtype; images that already have it are returned unchanged."""
    dtype = computing_dtype(pred, target)
    return pred.to(dtype), target.to(dtype)


def widest_dtype(device: torch.device) -> torch.dtype:
    """float64, or float32 on devices without float64."""
    return torch.float32 if device.type in WITHOUT_FLOAT64 else torch.float64


def widened(tensor: Tensor) -> Tensor:
    """The tensor in the widest dtype of its device."""
    return tensor.to(widest_dtype(tensor.device))


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device; float64 becomes float32 if the device has no float64."""
    wide = tensor.dtype is torch.float64 and widest_dtype(device) is not torch.float64
    return (tensor.float() if wide else tensor).to(device)


def to_float64_device(tensor: Tensor) -> Tensor:
    """The tensor itself; moved to the host if its device has no float64."""
    return tensor if widest_dtype(tensor.device) is torch.float64 else tensor.cpu()


def native_dtype(pred: Tensor, target: Tensor) -> torch.dtype:
    """The dtype of unreduced results: the wider dtype of the images."""
    return torch.promote_types(pred.dtype, target.dtype)


def autocast_off(*tensors: Tensor) -> AbstractContextManager[object]:
    """A context without autocast on the device of the tensors; not for compiled code."""
    device_type = device_type_of(tensors)
    if not torch.is_autocast_enabled(device_type):
        return nullcontext()
    return torch.autocast(device_type, enabled=False)


def in_ieee(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that its float32 products are those of IEEE 754, without TF32.

    Compiled code follows PyTorch's flags, which it cannot change.
    """

    @functools.wraps(function)
    def without_tf32(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.compiler.is_compiling():
            return function(*args, **kwargs)
        with IEEE:
            return function(*args, **kwargs)

    return without_tf32


def exact(*tensors: Tensor) -> AbstractContextManager[object]:
    """A context without autocast and TF32, for convolutions and matrix products; not for compiled
    code.
    """
    stack = ExitStack()
    stack.enter_context(autocast_off(*tensors))
    stack.enter_context(IEEE)
    return stack


# --- matrix products ------------------------------------------------------------------------------


def product(a: Tensor, b: Tensor) -> Tensor:
    """``a @ b`` for ``(B, n, k)`` and ``(B, k, m)``, never under autocast or in TF32.

    The same holds for its derivatives; those of PyTorch's product depend on the flags and the
    autocast region of the backward pass. Compiled code calls this as one operator. An exported
    program, which may run without this package, contains PyTorch's product.
    """
    if is_exporting():
        return _product(a, b)
    if torch.compiler.is_compiling():
        compiled: Tensor = torch.ops.ssimloss.product(a, b)
        return compiled
    result: Tensor = _Product.apply(a, b)
    return result


def _product(a: Tensor, b: Tensor) -> Tensor:
    with exact(a):
        return torch.bmm(a, b)


def _product_gradients(
    ctx: Any, gradient: Tensor, product: Callable[[Tensor, Tensor], Tensor] = product
) -> tuple[Tensor | None, Tensor | None]:
    a, b = ctx.saved_tensors
    to_a = product(gradient, b.mT) if ctx.needs_input_grad[0] else None
    to_b = product(a.mT, gradient) if ctx.needs_input_grad[1] else None
    return to_a, to_b


def _operator_gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Call the operator: is_compiling() is False while PyTorch 2.6 traces a backward pass."""
    return _product_gradients(ctx, gradient, torch.ops.ssimloss.product)


def _keep_factors(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:  # noqa: ARG001
    """Each factor is needed for the gradient of the other one."""
    (a, b), (to_a, to_b) = inputs, ctx.needs_input_grad[:2]  # an operator has more
    ctx.save_for_backward(a if to_b else None, b if to_a else None)


class _Product(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        return _product(a, b)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        _keep_factors(ctx, inputs, output)
        ctx.save_for_forward(*inputs)

    backward = staticmethod(_product_gradients)

    @staticmethod
    def jvp(ctx: Any, to_a: Tensor | None, to_b: Tensor | None) -> Tensor | None:
        a, b = ctx.saved_tensors
        of_a = None if to_a is None else product(to_a, b)
        of_b = None if to_b is None else product(a, to_b)
        return of_b if of_a is None else of_a if of_b is None else of_a + of_b


torch.library.define("ssimloss::product", "(Tensor a, Tensor b) -> Tensor")
torch.library.impl("ssimloss::product", "default")(_product)
torch.library.register_autograd(
    "ssimloss::product", _operator_gradients, setup_context=_keep_factors
)


def _empty_product(a: Tensor, b: Tensor) -> Tensor:
    return a.new_empty(a.shape[0], a.shape[1], b.shape[2])


torch.library.register_fake("ssimloss::product")(_empty_product)
