"""Write weights as safetensors: a complete file or none, and equal bytes for equal tensors."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ssimloss import _files

_DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)
_METADATA = "__metadata__"


def write_safetensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors as safetensors; under the final name the file is whole or absent, whatever
    interrupts the writing.

    The same tensors give the same bytes, so that a checksum identifies the content.

    Args:
        path: the file, which is replaced if it exists; its folder must exist.
        tensors: name to tensor, of any shape, device and memory layout. Gradients are not written.
        metadata: name to text, kept in the header.

    Raises:
        TypeError: a value is no tensor, or its dtype is not supported.
        ValueError: a tensor is named ``__metadata__``, which the format reserves.
        RuntimeError: the file cannot be written.
    """
    from safetensors.torch import save

    path = Path(path)
    owned = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) or tensor.dtype not in _DTYPES:
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise TypeError(
                f"tensors[{name!r}] must be a tensor of {', '.join(map(str, _DTYPES))}, got {kind}"
            )
        if name == _METADATA:
            raise ValueError(f"tensors must not hold the name {_METADATA!r}; rename it")
        # safetensors refuses tensors that share memory, as tied weights do.
        owned[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    content = save(owned, None if metadata is None else dict(metadata))
    if not path.parent.is_dir():
        raise RuntimeError(f"cannot write {path}: there is no folder {path.parent}")
    try:
        _files.write(path, lambda file: file.writelines(_with_sorted_metadata(content)))
    except OSError as error:
        raise RuntimeError(f"cannot write {path}: {error.strerror or error}") from error


def _with_sorted_metadata(content: bytes) -> tuple[bytes, memoryview]:
    """A safetensors file with the keys of its metadata in alphabetical order; the library orders
    them at random. The file is 8 bytes of header length, the header in JSON, and the tensors.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    if _METADATA in header:
        header[_METADATA] = dict(sorted(header[_METADATA].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, memoryview(content)[end:]
