"""Devices that are not here: fake tensors of CUDA and Apple's GPUs, which have shapes, dtypes and
devices and no values, and a mode that notes what would go wrong on the real ones.

The autograd engine refuses fake devices, so backward passes run on meta tensors, whose operations
are those of any GPU.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from ssimloss import _constants, _precision

# Operators that wait for the device, since the host needs a value or a shape that follows from it.
WAITS = re.compile(
    r"_local_scalar_dense|nonzero|masked_select|unique|bincount|aten\.equal\b|is_nonzero|"
    r"repeat_interleave\.Tensor|_linalg_check_errors|linalg_(svd|eigh?|qr|inv|solve|det)|allclose"
)
# Operators whose float32 products the precision flags lower.
MULTIPLIES = re.compile(
    r"aten\.(_?convolution|convolution_backward|_conv_depthwise2d|conv_depthwise3d|mm|bmm|addmm|"
    r"baddbmm|addbmm|mv|addmv|dot|vdot|linear|matmul|_cdist|_scaled_dot)"
)


def in_tf32() -> bool:
    """Whether a flag in force allows less than float32 in convolutions or matrix products."""
    if hasattr(torch.backends, "fp32_precision"):
        flags = (
            torch.backends.cudnn.conv,
            torch.backends.cuda.matmul,
            torch.backends.mkldnn.conv,
            torch.backends.mkldnn.matmul,
        )
        return any(flag.fp32_precision not in ("ieee", "none") for flag in flags)
    return torch.backends.cudnn.allow_tf32 or torch.get_float32_matmul_precision() != "highest"


@contextlib.contextmanager
def tf32_allowed() -> Iterator[None]:
    """Every flag, by whichever interface this version has, as a trainer in a hurry sets them."""
    flags: list[Any] = []
    if hasattr(torch.backends, "fp32_precision"):
        onednn = torch.backends.mkldnn
        flags = [torch.backends.cuda.matmul, onednn.matmul, onednn.conv]
        for flag in flags:
            flag.fp32_precision = "tf32"
    else:
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        for flag in flags:
            flag.fp32_precision = "none"
        if not flags:
            torch.set_float32_matmul_precision("highest")


@dataclasses.dataclass
class Watch(TorchDispatchMode):
    """Notes what operators do that a step on a GPU must not do, each with the operator's name.

    Args:
        device: where everything has to happen.
        float64: whether the device has it, or asks for it.
        tf32: whether convolutions and products may run in it.
        host: whether the host may wait for the device, or copy to it.
    """

    device: torch.device
    float64: bool = True
    tf32: bool = False
    host: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.operators: set[str] = set()
        self.multiplied = 0
        self.constants = False  # while one is being made, which happens once for each device

    @contextlib.contextmanager
    def moving(self) -> Iterator[None]:
        """The host may copy meanwhile; everything else is looked at."""
        host, self.host = self.host, True
        with self:
            yield
        self.host = host

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = str(func)
        result = func(*args, **(kwargs or {}))
        if name.startswith("prim.device"):
            return result
        given = [*_tensors(args), *_tensors(kwargs or {})]
        made = _tensors(result)
        self.operators.add(name)
        if not self.constants:
            self._look(name, given, made)
        return result

    def _look(self, name: str, given: list[Tensor], made: list[Tensor]) -> None:
        everything = [*given, *made]
        beside = {t.device for t in everything if t.device.type == self.device.type} - {self.device}
        if beside:
            self.found.append(f"{name} on {beside}")
        if not self.host:
            self._look_at_host(name, given, made)
        wide = [t for t in made if t.dtype is torch.float64 and t.device == self.device]
        if wide and not self.float64:
            self.found.append(f"{name} makes float64")
        if MULTIPLIES.match(name) and any(t.dtype is torch.float32 for t in given):
            self.multiplied += 1
            if not self.tf32 and in_tf32():
                self.found.append(f"{name} may run in TF32")

    def _look_at_host(self, name: str, given: list[Tensor], made: list[Tensor]) -> None:
        by_mask = name.startswith("aten.index") and any(t.dtype is torch.bool for t in given[1:])
        if by_mask or WAITS.search(name):
            self.found.append(f"{name} waits for the device")
        # Numbers wrapped as tensors are arguments of a kernel, and nothing is copied.
        outside = [t for t in (*given, *made) if t.device.type != self.device.type and t.numel()]
        crosses = len({t.device.type for t in (*given, *made)}) > 1
        if crosses and ("copy" in name or any(t.ndim for t in outside)):
            self.found.append(f"{name} copies between devices")
        elif not crosses and any(t.ndim for t in outside):
            self.found.append(f"{name} on {outside[0].device}")


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in _tensors(item)]
    return []


class _Operators(TorchFunctionMode):
    """Indexing and ``~`` in PyTorch's operators: builds without Apple's GPUs refuse their tensors
    in Python's.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.__getitem__:
            return _indexed(*args)
        if func is Tensor.__setitem__:
            tensor, index, value = args
            part = _indexed(tensor, index)
            return part.add_(value) if isinstance(value, Tensor) else part.fill_(value)
        if func is Tensor.__invert__:
            return torch.bitwise_not(*args)
        return func(*args, **(kwargs or {}))


def _indexed(tensor: Tensor, index: Any) -> Tensor:
    parts = list(index) if isinstance(index, tuple) else [index]
    taken = sum(part is not None and part is not Ellipsis for part in parts)
    if Ellipsis not in [part for part in parts if not isinstance(part, Tensor)]:
        parts.append(Ellipsis)
    place = next(i for i, part in enumerate(parts) if part is Ellipsis)
    parts[place : place + 1] = [slice(None)] * (tensor.ndim - taken)
    found, dim = tensor, 0
    advanced: list[Tensor | None] = []
    for part in parts:
        if part is None:
            found = found.unsqueeze(dim)
        elif isinstance(part, int):
            found = found.select(dim, part)
            continue
        elif isinstance(part, slice):
            if part != slice(None):
                size = found.shape[dim]
                start, stop, step = part.indices(size)
                found = torch.ops.aten.slice.Tensor(found, dim, start, max(start, stop), step)
        else:
            advanced += [None] * (dim - len(advanced)) + [part]
        dim += 1
    return torch.ops.aten.index.Tensor(found, advanced) if advanced else found


@contextlib.contextmanager
def watched(
    device: str, monkeypatch: pytest.MonkeyPatch, *, values: bool = False, **allowed: bool
) -> Iterator[Watch]:
    """Inside, tensors on the device are fake (meta tensors stay meta tensors), or
    :class:`Elsewhere` with ``values``, which the host can read.
    """
    place = torch.device(device)
    if place.type != "meta" and place.index is None:
        place = torch.device(device, 0)
    wide = place.type not in _precision.WITHOUT_FLOAT64
    watch = Watch(place, float64=wide, **allowed)
    made = _constants.made

    def once(*arguments: Any) -> Tensor:
        watch.constants = True
        try:
            return made(*arguments)
        finally:
            watch.constants = False

    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(monkeypatch.context())
        patch.setattr(_constants, "made", once)
        stack.enter_context(tf32_allowed())
        if values:
            stack.enter_context(_without_driver(patch))
            stack.enter_context(_Factories())
        elif place.type != "meta":
            stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        if place.type == "mps":
            stack.enter_context(_Operators())
        if values:
            stack.enter_context(_Reads())
        yield watch


@contextlib.contextmanager
def without_float64(monkeypatch: pytest.MonkeyPatch, stands_in: str = "meta") -> Iterator[None]:
    """Meta tensors, or others, stand for those of a device without float64."""
    with monkeypatch.context() as patch:
        patch.setattr(_precision, "WITHOUT_FLOAT64", ("mps", stands_in))
        yield


def step(watch: Watch, run: Callable[[], Any]) -> list[str]:
    """What the mode notes while this runs."""
    with watch:
        run()
    return watch.found


# --- tensors with values that say they are elsewhere ----------------------------------------------


class Elsewhere(Tensor):
    """A tensor on the host that reports another device, so that a test has values to compare."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor, device: torch.device) -> Elsewhere:
        return Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), dtype=held.dtype, device=device
        )

    def __init__(self, held: Tensor, device: torch.device) -> None:  # noqa: ARG002
        self.held = held

    def __repr__(self, **_: Any) -> str:
        return f"{self.held!r} on {self.device}"

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _elsewhere(func, args, kwargs or {})


_READS = (
    Tensor.item, Tensor.tolist, Tensor.numpy,
    Tensor.__bool__, Tensor.__int__, Tensor.__float__, Tensor.__index__, Tensor.__format__,
)  # fmt: skip


class _Reads(TorchFunctionMode):
    """Values are copied to the host before it reads them: PyTorch asks for the device's own code
    otherwise.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in _READS and isinstance(args[0], Elsewhere):
            args = (args[0].cpu(), *args[1:])
        return func(*args, **(kwargs or {}))


class _Factories(TorchDispatchMode):
    """Tensors made on, or moved to, a device that is not here are :class:`Elsewhere`."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _elsewhere(func, args, kwargs or {})


def _elsewhere(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The operator on the values, and its results where they would be."""
    if "pin_memory" in str(func):
        return args[0]
    given = [t for t in (*_tensors(args), *_tensors(kwargs)) if isinstance(t, Elsewhere)]
    place = given[0].device if given else torch.device("cpu")
    if kwargs.get("device") is not None:
        place = torch.device(kwargs["device"])
    if place.type != "cpu" and place.index is None:
        place = torch.device(place.type, 0)

    def of(value: Any) -> Any:
        return value.held if isinstance(value, Elsewhere) else value

    def wrapped(value: Any) -> Any:
        here = place.type == "cpu" or not isinstance(value, Tensor)
        return value if here else Elsewhere(value, place)

    inside = {name: tree_map(of, value) for name, value in kwargs.items()}
    if inside.get("device") is not None:
        inside["device"] = torch.device("cpu")
    if inside.get("pin_memory"):
        inside["pin_memory"] = False
    found = func(*tree_map(of, args), **inside)
    if func._schema.is_mutable:
        return kwargs.get("out", args[0] if args else found)
    return tree_map(wrapped, found)


@contextlib.contextmanager
def _without_driver(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in ``FakeTensorMode``: ``torch.tensor`` makes its values on the host and moves them, and
    nothing asks for a GPU.
    """
    patch.setattr(torch.cuda, "_lazy_init", lambda: None)
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    torch._C._ensureCUDADeviceGuardSet()
    try:
        yield
    finally:
        torch._C._set_only_lift_cpu_tensors(before)
