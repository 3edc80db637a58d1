"""Private names of PyTorch: the only file that uses them, each with the public API it replaces.

A new PyTorch may break any function in this file, so check it first. The tests run them on the
oldest and the newest supported version.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

Function = TypeVar("Function", bound=Callable[..., object])
T = TypeVar("T")

# --- tensors --------------------------------------------------------------------------------------

_functorch = torch._C._functorch
_PLAIN = (Tensor, nn.Parameter)


def is_plain_memory(*tensors: Tensor) -> bool:
    """Whether ``data_ptr()`` points at the values of each tensor.

    False for subclasses, for tensors wrapped by ``torch.func``, and for lazily negated or
    conjugated views. Public API: none; ``torch.func`` does not show which tensors it wraps.
    """
    for tensor in tensors:
        if (
            type(tensor) not in _PLAIN
            or tensor.is_neg()
            or tensor.is_conj()
            or tensor._is_zerotensor()
            or _functorch.is_functorch_wrapped_tensor(tensor)
            or _functorch.is_legacy_batchedtensor(tensor)
        ):
            return False
    return True


def dispatches(*tensors: Tensor, fake: bool = True) -> bool:
    """Whether the class of a tensor redefines operations by ``__torch_dispatch__``.

    Examples are distributed and jagged tensors and, with ``fake``, those of ``FakeTensorMode``.
    Public API: none; ``torch.utils._python_dispatch`` reads the same attribute.
    """
    for tensor in tensors:
        kind = type(tensor)
        if kind not in _PLAIN and kind.__torch_dispatch__ is not Tensor.__torch_dispatch__:
            module = sys.modules.get("torch._subclasses.fake_tensor")
            if fake or module is None or not isinstance(tensor, module.FakeTensor):
                return True
    return False


def plain(value: T) -> T:
    """Convert a tensor of a subclass to a plain one with the same memory and graph, also in lists
    and dicts.

    While gradients are recorded, tensors made in inference mode are copied, because autograd cannot
    save them; ``torch.compile`` cannot check for this mode. Tensors whose class dispatches
    operations, and all other values, are returned unchanged. Public API:
    ``Tensor.as_subclass(Tensor)``, which does not check whether a class has memory.
    """
    kind = type(value)
    found: Any = value
    if kind in _PLAIN:
        if torch.compiler.is_compiling() or not found.is_inference():
            return value
        return found.clone() if torch.is_grad_enabled() else value
    if isinstance(value, Tensor):
        return value if dispatches(value) else plain(found.as_subclass(Tensor))
    if kind is tuple:
        found = tuple([plain(part) for part in found])
    elif kind is list:
        found = [plain(part) for part in found]
    elif isinstance(value, dict):
        found = {name: plain(part) for name, part in value.items()}
    return found  # type: ignore[no-any-return]


def is_observed(*tensors: Tensor) -> bool:
    """Whether operations on these tensors are recorded or replaced: by a dispatch mode,
    ``torch.jit.trace``, ``torch.func``, forward-mode differentiation, or a tensor that is not plain
    memory.

    Public API: ``torch.compiler.is_compiling`` and ``torch.jit.is_tracing``, which ignore modes.
    """
    return bool(
        torch._C._len_torch_dispatch_stack()
        or torch._C._get_tracing_state()
        or torch._C._are_functorch_transforms_active()
        or torch.autograd.forward_ad._current_level >= 0
        or not is_plain_memory(*tensors)
    )


def has_modes() -> bool:
    """Whether a dispatch mode such as ``FakeTensorMode`` is active. Public API: none."""
    return torch._C._len_torch_dispatch_stack() > 0


def is_traced() -> bool:
    """Whether ``torch.jit.trace`` is recording. Public API: ``torch.jit.is_tracing``, which has no
    types.
    """
    return bool(torch._C._get_tracing_state())


def is_forward_mode() -> bool:
    """Whether forward-mode differentiation is active. Public API: none."""
    return not torch.compiler.is_compiling() and torch.autograd.forward_ad._current_level >= 0


def is_transformed() -> bool:
    """Whether ``torch.func``, ``torch.vmap`` or forward-mode differentiation is active.

    Public API: none.
    """
    if torch.compiler.is_compiling():
        return False
    return is_forward_mode() or torch._C._are_functorch_transforms_active()


def is_batched_or_dual(*tensors: Tensor) -> bool:
    """Whether ``torch.vmap`` batches one of these or forward-mode differentiation is active.

    Public API: none.
    """
    if torch.compiler.is_compiling():
        return False
    if is_forward_mode():
        return True
    for tensor in tensors:
        # Of torch.autograd.functional.jacobian(vectorize=True) and grad(is_grads_batched=True).
        if _functorch.is_legacy_batchedtensor(tensor):
            return True
        while _functorch.is_functorch_wrapped_tensor(tensor):
            if _functorch.is_batchedtensor(tensor):
                return True
            tensor = _functorch.get_unwrapped(tensor)
    return False


def version(tensor: Tensor) -> int:
    """How often the tensor was changed in place.

    Public API: none; autograd's own check reads the same counter.
    """
    return tensor._version


def has_hooks(tensor: Tensor) -> bool:
    """Whether ``tensor.register_hook`` was called and the hook is still there. Public API: none."""
    return bool(tensor._backward_hooks)


# --- torch.compile --------------------------------------------------------------------------------

_is_exporting = getattr(torch.compiler, "is_exporting", None)


def assume_constant_result(function: Function) -> Function:
    """``torch.compiler.assume_constant_result``, whose import of the compiler takes seconds."""
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def mark_static(tensor: Tensor) -> Tensor:
    """``torch._dynamo.mark_static(tensor)``, whose import of the compiler takes seconds.

    The compiler gives no symbols to the sizes of a constant that it meets while it traces.
    """
    tensor._dynamo_static_indices = set(range(tensor.ndim))  # type: ignore[attr-defined]
    return tensor


def mark_length_dynamic(tensor: Tensor) -> Tensor:
    """``torch._dynamo.maybe_mark_dynamic(tensor, 0)``, whose import of the compiler takes seconds.

    Without it the second compiled step compiles once more; nothing else changes.
    """
    tensor._dynamo_weak_dynamic_indices = {0}  # type: ignore[attr-defined]
    return tensor


def never_compile(function: Function, reason: str) -> Function:
    """``torch.compiler.disable(reason=...)``, whose import of the compiler takes seconds. PyTorch
    before 2.7 shows no reason.
    """
    function._torchdynamo_disable = True  # type: ignore[attr-defined]
    function._torchdynamo_disable_msg = reason  # type: ignore[attr-defined]
    return function


def is_exporting() -> bool:
    """``torch.compiler.is_exporting``, which PyTorch 2.6 does not have: False there."""
    return _is_exporting is not None and _is_exporting()


def apart(function: Function, reason: str) -> Function:
    """A function that is not compiled, including all functions that it calls. Compiled code breaks
    its graph at the call, or raises an error with the reason under ``fullgraph=True``. With
    :func:`never_compile`, called functions may be compiled.

    Public API: ``torch.compiler.disable``, whose import of the compiler takes seconds.
    """
    disabled: list[Callable[..., Any]] = []

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if not disabled:
            disabled.append(torch.compiler.disable(function))  # type: ignore[no-untyped-call]
        return disabled[0](*args, **kwargs)

    # PyTorch 2.6 would compile the wrapper itself, with a warning.
    skip = getattr(torch._C._dynamo.eval_frame, "skip_code", None)
    if skip is not None:
        skip(called.__code__)  # type: ignore[attr-defined]
    return never_compile(cast(Function, called), reason)


def is_in_backward() -> bool:
    """Whether this runs inside a backward pass, as a checkpointed function does the second time.

    Public API: none.
    """
    return bool(torch._C._current_graph_task_id() != -1)


def is_compiler_loaded() -> bool:
    """Whether this process has loaded ``torch.compile``. Public API: none that does not load it."""
    return "torch._dynamo" in sys.modules


# --- modules --------------------------------------------------------------------------------------


def is_replica(module: nn.Module) -> bool:
    """Whether this is a replica that ``nn.DataParallel`` makes per device and call. Public API:
    none.
    """
    return bool(getattr(module, "_is_replica", False))


def own_parameters(module: nn.Module) -> dict[str, nn.Parameter | None]:
    """The module's own dict of parameters, to change in place.

    Public API: ``named_parameters(recurse=False)``, which leaves out repeated ones and None.
    """
    return module._parameters


def own_buffers(module: nn.Module) -> dict[str, Tensor | None]:
    """The module's own dict of buffers, to change in place.

    Public API: ``named_buffers(recurse=False)``, which leaves out repeated ones and None.
    """
    return module._buffers


def own_children(module: nn.Module) -> dict[str, nn.Module | None]:
    """The module's own dict of children.

    Public API: ``named_children()``, which leaves out the second use of a module.
    """
    return module._modules


def keep_buffers_out_of_state_dict(module: nn.Module) -> None:
    """Make every buffer of the module itself non-persistent.

    Public API: ``register_buffer(..., persistent=False)``, for a new buffer only.
    """
    module._non_persistent_buffers_set.update(module._buffers)


def hooks(module: nn.Module) -> list[Mapping[int, Callable[..., Any]]]:
    """The dicts of hooks that run with ``forward`` or ``backward``. Public API: none."""
    return [
        module._forward_hooks,
        module._forward_pre_hooks,
        module._backward_hooks,
        module._backward_pre_hooks,
    ]


def apply_to_tensors(module: nn.Module, fn: Callable[[Tensor], Tensor]) -> None:
    """``module.to(...)`` with any function, for modules that are not children. Public API: none."""
    module._apply(fn)  # type: ignore[no-untyped-call]


class FollowsMoves(nn.Module):
    """A module with a hook for moves and casts, such as ``.to()``, ``.half()``, ``to_empty()``.

    Public API: none; all of these call ``_apply``.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "FollowsMoves":
        kept = {name: self._buffers.pop(name) for name in self._left_alone()}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._buffers.update(kept)
        self._moved(fn)
        return self

    def _left_alone(self) -> Iterable[str]:
        """Names of own buffers to which ``fn`` is not applied."""
        return ()

    def _moved(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Apply ``fn`` to the excluded buffers, and to tensors that are not parameters, buffers or
        part of a child.
        """


class HasState(nn.Module):
    """A module with further tensors in ``state_dict()``, beside parameters and buffers.

    Public API: ``get_extra_state`` for a single entry that always exists, and hooks that must be
    registered on every instance.
    """

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        self._save_own(destination, prefix)
        metadata = getattr(destination, "_metadata", None)
        if isinstance(metadata, dict):
            metadata[prefix[:-1]].update(self._about())

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        own = self._take_own(state_dict, prefix)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        problem = self._load_own(own, local_metadata)
        if problem is not None:  # only this list is ignored with strict=False
            unexpected_keys.append(f"{prefix}{problem}")
        for key in self._may_lack(prefix):
            if key in missing_keys:
                missing_keys.remove(key)

    def _save_own(self, destination: dict[str, Any], prefix: str) -> None:
        """Add entries to ``destination``, or remove some."""

    def _take_own(self, state_dict: dict[str, Any], prefix: str) -> dict[str, Tensor]:
        """Remove own entries from ``state_dict`` and return them without the prefix."""
        del state_dict, prefix
        return {}

    def _load_own(self, own: Mapping[str, Tensor], about: Mapping[str, Any]) -> str | None:
        """Use the entries; return a description of a problem with them, or None.

        ``about`` is what :meth:`_about` returned when they were saved; empty if that was lost.
        """

    def _about(self) -> dict[str, Any]:
        """Text for the metadata of the state dict, which some formats drop."""
        return {}

    def _may_lack(self, prefix: str) -> tuple[str, ...]:
        """Keys that may be missing in a state dict."""
        del prefix
        return ()


def device_of(fn: Callable[[Tensor], Tensor], like: Tensor) -> torch.device:
    """The device to which the ``fn`` of :meth:`FollowsMoves._moved` takes a tensor."""
    return fn(torch.empty(0, dtype=torch.float32, device=like.device)).device


def copy_metadata(source: object, state: Any) -> None:
    """Versions of modules in a ``state_dict()``, which some modules need for loading.

    Public API: none; ``Module.load_state_dict`` reads the same attribute.
    """
    metadata = getattr(source, "_metadata", None)
    if isinstance(metadata, Mapping):
        state._metadata = metadata


# --- observation ----------------------------------------------------------------------------------


def watching_operations(
    after: Callable[[str, Any, Any, Any], None],
) -> contextlib.AbstractContextManager[Any]:
    """Call ``after(name, args, kwargs, result)`` with every operator that runs in the context.

    Public API: ``torch.overrides.TorchFunctionMode``, which sees calls from Python but not the
    operators of a backward pass.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watching(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            after(str(func), args, kwargs or {}, result)
            return result

    return Watching()  # type: ignore[no-untyped-call]


def explain_graph(
    function: Callable[..., Any], args: Iterable[Any], kwargs: Mapping[str, Any]
) -> list[str]:
    """The reason of each graph break of ``torch.compile``.

    Public API: ``torch.compile(fullgraph=True)``, which stops at the first one.
    """
    import torch._dynamo

    def called(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    explained = torch._dynamo.explain(called)(*args, **kwargs)
    torch._dynamo.reset()
    return [" ".join(str(each.reason).split())[:300] for each in explained.break_reasons]
