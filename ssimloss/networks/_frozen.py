"""A frozen copy of a network: without parameters or entries in a checkpoint, always in ``eval()``,
and with a digest of what it computes.
"""

import copy
import functools
import hashlib
import types
import uuid
from collections.abc import Hashable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ssimloss._torch import hooks, keep_buffers_out_of_state_dict, own_buffers, own_parameters

# Attributes that nn.Module keeps in each instance. They are not settings of the network; tensors
# and children are compared separately.
_BOOKKEEPING = frozenset(vars(nn.Module()))
_TOKEN = "_ssimloss_identity"


def frozen(network: nn.Module, *, copied: bool) -> nn.Module:
    """The network in ``eval()``, with its parameters turned into non-persistent buffers.

    Args:
        copied: whether the network is already a copy that no other code holds. Otherwise it is
            copied first.
    """
    if not copied:
        network = copy.deepcopy(network, _leaves(network))
    network.eval().requires_grad_(False)
    buffers: dict[int, Tensor] = {}  # keeps parameters shared that are used in several places
    for module in network.modules():
        parameters, own = own_parameters(module), own_buffers(module)
        for name, parameter in list(parameters.items()):
            if parameter is not None:
                del parameters[name]
                own[name] = buffers.setdefault(id(parameter), parameter.detach())
        keep_buffers_out_of_state_dict(module)
    vars(network)[_TOKEN] = uuid.uuid4().hex
    return network


def _leaves(network: nn.Module) -> dict[int, Any]:
    """The memo of a deep copy, with a leaf for each tensor that is not a leaf, because ``deepcopy``
    cannot copy those.

    A forward pass may store such tensors as attributes: the normalised weight of
    ``torch.nn.utils.spectral_norm`` and ``weight_norm``, or features that a network keeps.
    """
    memo: dict[int, Any] = {}
    waiting: list[Any] = [vars(module) for module in network.modules()]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor) and not value.is_leaf:
            memo[id(value)] = value.detach().clone()
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            waiting += value
    return memo


def in_dtype(network: nn.Module, dtype: torch.dtype, *, channels_last: bool) -> nn.Module:
    """The network with its floating point tensors in this dtype and layout. If it already has the
    dtype, it is changed in place and returned.
    """
    layout = torch.channels_last if channels_last else torch.preserve_format

    def change(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            return tensor
        return tensor.to(dtype, memory_format=layout if tensor.ndim == 4 else torch.preserve_format)

    tensors = {id(tensor): change(tensor) for tensor in network.buffers()}
    if all(tensors[id(tensor)].dtype == tensor.dtype for tensor in network.buffers()):
        for module in network.modules():
            own = own_buffers(module)
            for name, tensor in own.items():
                if tensor is not None:
                    own[name] = tensors[id(tensor)]
        return network
    # The memo makes the copy use the converted tensors.
    return copy.deepcopy(network, dict(tensors))


def identity(network: nn.Module) -> Hashable:
    """A digest that is equal for networks that compute the same: of types, settings and the bytes
    of every tensor.

    With a setting that cannot be compared (a lambda, an object), a network only equals its own
    copies.
    """
    digest = hashlib.sha256()
    kinds = []
    for path, module in network.named_modules(remove_duplicate=False):
        kinds.append(type(module))
        settings = {
            name: value
            for name, value in vars(module).items()
            if name not in _BOOKKEEPING and name != _TOKEN
        }
        described = "\n".join(
            f"{name}={_described(settings[name], network)}" for name in sorted(settings)
        )
        digest.update(f"{path}\n{described}\n".encode())
        if any(hooks(module)):
            digest.update(_token(network).encode())
        for name, tensor in own_buffers(module).items():
            if tensor is not None:
                digest.update(f"{path}.{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(bytes_of(tensor))
    return tuple(kinds), digest.hexdigest()


def bytes_of(tensor: Tensor) -> bytes:
    """The bytes of the values, in the order of the dimensions."""
    plain = tensor.detach().cpu().contiguous().flatten()
    return plain.view(torch.uint8).numpy().tobytes()


def _described(value: Any, network: nn.Module) -> str:
    """A text that is equal for equal settings."""
    if value is None or isinstance(
        value, bool | int | float | complex | str | bytes | torch.dtype | torch.device | torch.Size
    ):
        return repr(value)
    if isinstance(value, Tensor):
        return f"{value.dtype}{tuple(value.shape)}{hashlib.sha256(bytes_of(value)).hexdigest()}"
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = [_described(item, network) for item in value]
        ordered = sorted(parts) if isinstance(value, (set, frozenset)) else parts
        return f"{type(value).__name__}[{', '.join(ordered)}]"
    if isinstance(value, dict):
        items = ", ".join(f"{key!r}: {_described(item, network)}" for key, item in value.items())
        return f"{{{items}}}"
    if isinstance(value, functools.partial):
        parts = [_described(part, network) for part in (value.func, value.args, value.keywords)]
        return f"partial({', '.join(parts)})"
    if (
        isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType))
        and "<" not in value.__qualname__
    ):
        return f"{value.__module__}.{value.__qualname__}"
    return _token(network)


def _token(network: nn.Module) -> str:
    """A unique name, which copies and pickles of the frozen network keep."""
    token: str = vars(network)[_TOKEN]
    return token
