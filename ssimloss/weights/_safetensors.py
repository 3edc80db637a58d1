"""The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes end to end,
all little endian.

Read strictly: what the file says about itself is believed only where its length, its offsets, its
shapes and its dtypes agree, so that a damaged, a truncated or a hostile file is an error and never
a wrong tensor. Nothing in such a file can be executed.

Source: the format as described in the README of huggingface/safetensors.
"""

import json
import math
import os
import sys
import uuid
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_LONGEST_HEADER = 100_000_000  # bytes, the format's own bound
_METADATA = "__metadata__"


class _Entry(NamedTuple):
    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int  # bytes from the end of the header
    end: int


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a file, each with memory of its own.

    Raises:
        RuntimeError: the file breaks the format in any way; the message names the file and what is
            wrong.
        OSError: the file cannot be opened or read.
    """
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        try:
            entries = _entries(file, length)
            # In the order of the file, which is contiguous: no seek, and nothing is read twice.
            return {entry.name: _tensor(file, entry) for entry in entries}
        except ValueError as error:
            raise RuntimeError(
                f"weights file {path} is damaged or no safetensors file: {error}"
            ) from error


def _entries(file: BufferedReader, length: int) -> list[_Entry]:
    """What the header promises, in the order of the file, after it was compared with the file's
    length; ValueError where they differ.
    """
    if sys.byteorder != "little":
        raise ValueError("its numbers are little endian, this machine is not")
    if length < 8:
        raise ValueError(f"it has {length} bytes, too few for a header")
    header_length = int.from_bytes(file.read(8), "little")
    if header_length > min(length - 8, _LONGEST_HEADER):
        raise ValueError(
            f"its header of {header_length} bytes does not fit into the file's {length}"
        )
    entries = sorted(_parsed(file.read(header_length)), key=lambda entry: (entry.begin, entry.end))
    position = 0
    for entry in entries:
        if entry.begin != position:
            raise ValueError(
                f"tensor {entry.name!r} starts at byte {entry.begin}, expected {position}: "
                "tensors overlap or leave a gap"
            )
        position = entry.end
    if position != length - 8 - header_length:
        raise ValueError(
            f"its tensors take {position} bytes, {length - 8 - header_length} are there: it is "
            "truncated or has a tail"
        )
    return entries


def _parsed(header: bytes) -> list[_Entry]:
    try:
        content = json.loads(header.decode("utf-8"), object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error
    if not isinstance(content, dict) or not header.startswith(b"{"):
        raise ValueError("its header is no JSON object")
    metadata = content.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(
        isinstance(value, str) for value in metadata.values()
    ):
        raise ValueError(f"{_METADATA} must map words to words")
    return [_entry(name, described) for name, described in content.items()]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("its header names something twice")
    return content


def _entry(name: str, described: object) -> _Entry:
    if not isinstance(described, dict) or set(described) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r} must be described by dtype, shape and data_offsets")
    word, shape, offsets = described["dtype"], described["shape"], described["data_offsets"]
    if not isinstance(word, str) or word not in _DTYPES:
        raise ValueError(f"tensor {name!r} has dtype {word!r}; {', '.join(_DTYPES)} can be read")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(
            f"tensor {name!r} has shape {shape!r} and offsets {offsets!r}, expected lists of "
            "non-negative integers"
        )
    begin, end = offsets
    dtype = _DTYPES[word]
    # The product without zeros as well: PyTorch computes strides even where a tensor is empty.
    if math.prod(size for size in shape if size) * dtype.itemsize >= 2**63:
        raise ValueError(f"tensor {name!r} has shape {shape!r}, beyond 64 bits")
    if math.prod(shape) * dtype.itemsize != end - begin:
        raise ValueError(
            f"tensor {name!r} of shape {shape!r} and dtype {word} does not take {end - begin} bytes"
        )
    return _Entry(name, dtype, tuple(shape), begin, end)


def _are_sizes(values: object) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _tensor(file: BufferedReader, entry: _Entry) -> Tensor:
    content = bytearray(entry.end - entry.begin)
    if file.readinto(content) != len(content):
        raise ValueError(f"it ends inside tensor {entry.name!r}")
    if not content:
        return torch.empty(entry.shape, dtype=entry.dtype)
    if entry.dtype is torch.bool and max(content) > 1:
        raise ValueError(f"tensor {entry.name!r} is BOOL and holds bytes other than 0 and 1")
    return torch.frombuffer(content, dtype=entry.dtype).reshape(entry.shape)


def write_safetensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors as safetensors; under the final name the file is whole or absent, whatever
    interrupts the writing.

    The same tensors give the same bytes, so that a checksum identifies the content.

    Args:
        path: the file; what is there is replaced.
        tensors: name to tensor, of any shape, device and memory layout, without gradient in the
            file.
        metadata: words about them, kept in the header.

    Raises:
        TypeError: a value is no tensor, or of a dtype that the format or this writer does not know.
        ValueError: a tensor is named ``__metadata__``, which the format keeps for itself.
        RuntimeError: the file cannot be written.
    """
    path = Path(path)
    content: dict[str, Any] = {}
    if metadata is not None:
        content[_METADATA] = dict(sorted(metadata.items()))
    position = 0
    plain = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) or tensor.dtype not in _NAMES:
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise TypeError(
                f"tensors[{name!r}] must be a tensor of "
                f"{', '.join(str(dtype) for dtype in _NAMES)}, got {kind}"
            )
        if name == _METADATA:
            raise ValueError(f"tensors must not hold the name {_METADATA!r}; rename it")
        plain[name] = tensor.detach().cpu().contiguous()
    # Wide dtypes first, so that every tensor starts at a multiple of its own item size and can be
    # mapped into memory.
    order = sorted(plain, key=lambda name: (-plain[name].dtype.itemsize, name))
    for name in order:
        tensor = plain[name]
        end = position + tensor.numel() * tensor.dtype.itemsize
        content[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [position, end],
        }
        position = end
    header = json.dumps(content, separators=(",", ":")).encode("utf-8")
    header += b" " * (-len(header) % 8)
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with partial.open("xb") as file:
            file.write(len(header).to_bytes(8, "little"))
            file.write(header)
            for name in order:
                file.write(plain[name].reshape(-1).view(torch.uint8).numpy().data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise RuntimeError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
