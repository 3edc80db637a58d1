"""A frozen copy of a network: no parameter, nothing in a checkpoint, always in ``eval()``, and a
digest of what it computes.
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

# What nn.Module keeps in each instance: not settings of the network, save the tensors and children,
# which are looked at by themselves.
_BOOKKEEPING = frozenset(vars(nn.Module()))
_TOKEN = "_ssimloss_identity"


def frozen(network: nn.Module, *, copied: bool) -> nn.Module:
    """The network in ``eval()``, its parameters turned into non-persistent buffers; a copy unless
    it is ours already.

    Args:
        copied: whether nobody else holds the network or its tensors.
    """
    if not copied:
        network = copy.deepcopy(network, _leaves(network))
    network.eval().requires_grad_(False)
    buffers: dict[int, Tensor] = {}  # of parameters that are used in several places
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
    """The memo of a deep copy that holds a leaf for each tensor which is the result of an
    operation: those alone cannot be copied.

    A forward pass leaves such tensors behind as attributes: the normalised weight of
    ``torch.nn.utils.spectral_norm`` and ``weight_norm``, or the features that a network keeps.
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
    """The network with its floating point tensors in this dtype and layout; the same one, changed
    in place, where the dtype is its own.
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
    # The memo: where the copy meets a tensor, it takes the changed one.
    return copy.deepcopy(network, dict(tensors))


def identity(network: nn.Module) -> Hashable:
    """Equal for networks that compute the same: types, settings and the bytes of every tensor.

    A setting that cannot be compared (a lambda, an object) makes a network equal to its own copies
    only.
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
    """The values in memory, in the order of the dimensions."""
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
    """A name of its own, which copies and pickles of the frozen network carry along."""
    token: str = vars(network)[_TOKEN]
    return token
