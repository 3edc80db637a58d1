"""Whether Triton kernels run on a device, and the versions that their results may depend on."""

import contextlib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from ssimloss._torch import assume_constant_result

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_OLDEST = (3, 3)  # the first Triton whose kernels take tuples
_OLDEST_CAPABILITY = (7, 0)
# Files with the version of the driver: NVIDIA's and AMD's.
_DRIVERS = {
    "/proc/driver/nvidia/version": r"\b(\d{3,}\.\d+(?:\.\d+)?)\b",
    "/sys/module/amdgpu/version": r"(\S+)",
}


@assume_constant_result
def why_not() -> str | None:
    """Why this machine cannot run Triton kernels, ``None`` if it can."""
    return _why_not()


@assume_constant_result
def why_not_device(device: torch.device) -> str | None:
    """Why kernels do not support tensors on this device, ``None`` if they do."""
    return _why_not_device(device)


@cache
def _why_not() -> str | None:
    if find_spec("triton") is None:
        return (
            "Triton is not installed; it comes with PyTorch for CUDA or ROCm on Linux "
            "(https://pytorch.org/get-started)"
        )
    import triton

    version = tuple(int(number) for number in triton.__version__.split(".")[:2])
    if version < _OLDEST:
        return (
            f"it needs Triton {'.'.join(map(str, _OLDEST))} or newer (PyTorch 2.7), and "
            f"{triton.__version__} is installed"
        )
    if not _interpreted() and not torch.cuda.is_available():
        return (
            "PyTorch sees no GPU; to try the kernels on the CPU, slowly, set TRITON_INTERPRET=1 "
            "before Python starts"
        )
    return None


@cache
def _why_not_device(device: torch.device) -> str | None:
    reason = _why_not()
    if reason is not None or _interpreted():
        return reason
    if device.type != "cuda":
        return f"it needs tensors on a GPU, and these are on {device}"
    if torch.version.hip is None and torch.cuda.get_device_capability(device) < _OLDEST_CAPABILITY:
        return (
            f"Triton needs a GPU of compute capability {'.'.join(map(str, _OLDEST_CAPABILITY))}, "
            f"and {torch.cuda.get_device_name(device)} has "
            f"{'.'.join(map(str, torch.cuda.get_device_capability(device)))}"
        )
    return None


def why_not_for(x: Tensor, y: Tensor) -> str | None:
    """Why the kernels do not support these images, ``None`` if they do."""
    for image in (x, y):
        if image.dtype is torch.float64:
            return "it computes in float32, and float64 was given"
        if image.dtype not in DTYPES:
            return f"no kernel supports {image.dtype}"
    return why_not_device(x.device)


def environment(device: torch.device) -> dict[str, str]:
    """The versions and settings that the kernels' speed and correctness may depend on."""
    import triton

    if device.type != "cuda":
        return {"device": f"{device.type}, interpreted", "triton": triton.__version__}
    return {
        "device": torch.cuda.get_device_name(device),
        "driver": _driver(),
        "runtime": f"ROCm {torch.version.hip}"
        if torch.version.hip
        else f"CUDA {torch.version.cuda}",
        "triton": triton.__version__,
    }


@cache
def _driver() -> str:
    """Version of the GPU's driver, if the system reports it."""
    for place, pattern in _DRIVERS.items():
        with contextlib.suppress(OSError):
            found = re.search(pattern, Path(place).read_text(encoding="utf-8", errors="replace"))
            if found:
                return found[1]
    return "unknown"


def _interpreted() -> bool:
    """Whether TRITON_INTERPRET=1 was set when the kernels were imported."""
    import triton

    from ssimloss.kernels.gpu.walk import walk

    return not isinstance(walk, triton.JITFunction)


def current(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """A context in which a device is the current one."""
    return torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext()


def processors(device: torch.device) -> tuple[int, int]:
    """The numbers of multiprocessors and of threads per warp."""
    if device.type != "cuda":
        return 1, 32
    properties = torch.cuda.get_device_properties(device)
    return properties.multi_processor_count, properties.warp_size
