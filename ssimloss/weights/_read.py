"""Weights from a file or from the caller: a dictionary of tensors, and nothing that could run.

Pickles (``.pth``, ``.pt``) are read with PyTorch's restricted unpickler, which builds tensors and
plain containers and calls nothing else.
"""

import os
import pickle
import re
import struct
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ssimloss._torch import copy_metadata

# What the unpickler and the zip reader raise at bytes that were changed: whatever Python raises
# where it is told to build nonsense. The list is what mutated files raised in the tests, so an
# error of another kind is a defect of this library and comes through as it is.
_UNREADABLE = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    EOFError,
    MemoryError,
    OverflowError,
    pickle.UnpicklingError,
    struct.error,
)


def read(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The state dict in a file: ``.safetensors``, or anything else as ``torch.save`` writes it.
    Tensors are on the CPU.

    Raises:
        RuntimeError: there is no such file, it is damaged, truncated, holds code, or holds
            something other than named tensors.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise RuntimeError(
            f"weights file {path} {'is not a file' if path.exists() else 'does not exist'}; pass "
            "the path of a state dict"
        )
    try:
        loaded = _from_safetensors(path) if path.suffix == ".safetensors" else _unpickled(path)
    except OSError as error:
        raise RuntimeError(
            f"weights file {path} cannot be read: {error.strerror or error}"
        ) from error
    return named_tensors(loaded, f"weights file {path}", RuntimeError)


def _from_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    # Not load_file, which maps the file: a file that shrinks later would end the process.
    content = path.read_bytes()
    try:
        # In the order of the names; that of the library is random.
        return dict(sorted(load(content).items()))
    except (SafetensorError, *_UNREADABLE) as error:
        # The library looks the dtype up in a dict. PyTorch's messages go on with a C++ traceback.
        unknown = isinstance(error, KeyError)
        fault = f"dtype {error} is not supported" if unknown else str(error).partition("\n")[0]
        raise RuntimeError(
            f"weights file {path} is damaged or not a safetensors file: {fault}"
        ) from error


def _unpickled(path: Path) -> object:
    with path.open("rb") as file:
        start = file.read(24)
    try:
        with warnings.catch_warnings():
            # Deprecated storage classes in old files, TorchScript archives: the first is no concern
            # of the user, the second an error below.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        code = re.search(r"nsupported (?:global: )?GLOBAL ([\w.]+)", str(error))
        fault = (
            f"it calls {code[1]}"
            if code
            else f"it is damaged, truncated, or not a file of tensors (it starts with {start!r})"
        )
        # Without the cause: its advice, to repeat the call with weights_only=False, is what such a
        # file waits for.
        raise RuntimeError(
            f"weights file {path} is refused, and nothing in it was executed: {fault}"
        ) from None


def named_tensors(value: object, what: str, kind: type[Exception]) -> dict[str, Tensor]:
    """A state dict as a dictionary of dense tensors without gradient; ``kind`` is raised with
    ``what`` where it is none.
    """
    if not isinstance(value, Mapping):
        raise kind(
            f"{what} holds {_described(value)}, expected a state dict: names and tensors; save "
            "model.state_dict()"
        )
    wrong = [
        name
        for name, item in value.items()
        if not isinstance(name, str) or not isinstance(item, Tensor)
    ]
    if wrong or not value:
        holds = f"holds {wrong[0]!r}: {_described(value[wrong[0]])}" if wrong else "is empty"
        nested = next((name for name in wrong if isinstance(value[name], Mapping)), None)
        way_out = f"pass its [{nested!r}]" if nested is not None else "pass model.state_dict()"
        raise kind(f"{what} {holds}, expected a state dict: names and tensors; {way_out}")
    dense = {
        name: tensor
        for name, tensor in value.items()
        if tensor.layout is torch.strided and not tensor.is_quantized
    }
    if len(dense) != len(value):
        raise kind(
            f"{what} holds sparse or quantised tensors "
            f"({next(iter(value.keys() - dense.keys()))!r}), expected dense ones"
        )
    state = OrderedDict((name, tensor.detach()) for name, tensor in dense.items())
    # Versions of the modules, which some of torchvision's networks demand of a state dict and
    # others use to convert an old one.
    copy_metadata(value, state)
    return state


def _described(value: object) -> str:
    if isinstance(value, torch.nn.Module):
        return f"a module ({type(value).__name__})"
    return f"a {type(value).__name__}"
