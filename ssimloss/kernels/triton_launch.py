"""Similarity of images on GPUs, in Triton: value, map and gradients, each in one launch;
``triton_kernel`` is what runs there.

What it costs, counted for 11 taps, float32 and the gradient to x, per pixel and channel: 12 bytes
of memory traffic, both images read and one gradient written; 2 * 11 multiply-adds for each of 4
maps filtered forward and 3 backward, 154 in all. Compiled for compute capability 8.0, a step down a
strip is 415 instructions per column, 229 of them floating-point arithmetic with the products and
the equation, and 61 of them reads, nearly all from the L1 cache. Strips share 10 columns, and 21
rows where a plane is cut to fill the machine. That makes about 4 clocks of a multiprocessor per
pixel: it is bound by instructions, not by memory. Products with banded matrices on tensor cores
would multiply some 30 times as much, three times over for the digits of float32; filters in
separate passes would move four times the bytes.

Runs on the current stream, copies nothing from the host and waits for nothing: it can be captured
in a CUDA graph. Sums are taken in a fixed order.
"""

import contextlib
import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ssimloss._torch import assume_constant_result
from ssimloss.kernels.comparison import Comparison, Mixed
from ssimloss.kernels.operators import check_images, least_size

_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_OLDEST = (3, 3)  # the first Triton whose kernels take tuples
_OLDEST_CAPABILITY = (7, 0)
# of a strip; fewer spend most of their time on the rows that strips share, and must not be fewer
# than a border has
_LEAST_ROWS = 32
LANES = (128, 64)  # threads per strip, one for each of its columns
_NO_STRIDES = (0, 0, 0, 0)
# Files that name the version of the driver: NVIDIA's and AMD's.
_DRIVERS = {
    "/proc/driver/nvidia/version": r"\b(\d{3,}\.\d+(?:\.\d+)?)\b",
    "/sys/module/amdgpu/version": r"(\S+)",
}
_THREADS = 512  # that a multiprocessor has registers for


@assume_constant_result
def why_not() -> str | None:
    """Why this machine cannot run Triton kernels, ``None`` if it can."""
    return _why_not()


@assume_constant_result
def why_not_device(device: torch.device) -> str | None:
    """Why tensors on this device cannot be served, ``None`` if they can."""
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
        return f"it serves tensors on a GPU, and these are on {device}"
    if torch.version.hip is None and torch.cuda.get_device_capability(device) < _OLDEST_CAPABILITY:
        return (
            f"Triton needs a GPU of compute capability {'.'.join(map(str, _OLDEST_CAPABILITY))}, "
            f"and {torch.cuda.get_device_name(device)} has "
            f"{'.'.join(map(str, torch.cuda.get_device_capability(device)))}"
        )
    return None


def why_not_for(x: Tensor, y: Tensor) -> str | None:
    """Why the kernels cannot serve these images, ``None`` if they can."""
    for image in (x, y):
        if image.dtype is torch.float64:
            return "it computes in float32, and float64 was given"
        if image.dtype not in _DTYPES:
            return f"no kernel knows {image.dtype}"
    return why_not_device(x.device)


def environment(device: torch.device) -> dict[str, str]:
    """What the kernels' speed and correctness on a device may depend on."""
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
    """Version of the GPU's driver, as far as the system tells."""
    for place, pattern in _DRIVERS.items():
        with contextlib.suppress(OSError):
            found = re.search(pattern, Path(place).read_text(encoding="utf-8", errors="replace"))
            if found:
                return found[1]
    return "unknown"


def _interpreted() -> bool:
    """Whether TRITON_INTERPRET=1 was set when the kernel was imported."""
    import triton

    return not isinstance(_kernel(), triton.JITFunction)


def _kernel() -> Any:
    from ssimloss.kernels.triton_kernel import similarity_kernel

    return similarity_kernel


def empty_gradients(
    x: Tensor, y: Tensor, want_x: bool, want_y: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients to be written, ``None`` where not wanted."""
    grad_x = torch.empty_like(x, dtype=torch.float32) if want_x else None
    return grad_x, torch.empty_like(y, dtype=torch.float32) if want_y else None


class Division(NamedTuple):
    """How the work is cut."""

    lanes: int  # columns of a strip, a power of two
    row_strips: int
    warps: int | None = None  # one thread per lane


class Launch(NamedTuple):
    """A launch that is ready."""

    device: torch.device
    programs: int
    arguments: tuple[Any, ...]
    num_warps: int
    partials: Tensor  # what each strip adds to the mean of its plane, (N, C, strips)

    def run(self) -> Tensor:
        """Run the kernel; returns ``partials``."""
        with _current(self.device):
            _kernel()[(self.programs,)](*self.arguments, **self._options())
        return self.partials

    def compile(self) -> Any:
        """Compile the kernel and leave the device alone; returns what Triton knows of it."""
        with _current(self.device):
            return _kernel().warmup(*self.arguments, grid=(self.programs,), **self._options())

    def _options(self) -> dict[str, Any]:
        # Rows are read again after they were written: no load may be moved to an earlier step.
        return {"num_warps": self.num_warps, "num_stages": 1, "enable_fp_fusion": True}


def prepare(
    x: Tensor,
    y: Tensor,
    gradients: tuple[Tensor | None, Tensor | None],
    comparison: Comparison,
    mixed: Mixed,
    *,
    columns: int,
    upstream: Tensor | None = None,
    similarity: Tensor | None = None,
    division: Division | None = None,
) -> Launch:
    """The launch of the kernel over all planes.

    Args:
        x, y: ``(N, C, H, W)`` of one shape, float32, float16 or bfloat16 with any strides; not
            empty.
        gradients: to be written, float32.
        mixed: its weights are the factors of the sums of similarity and pixel distance.
        columns: how many of them there is something to compute for.
        upstream: what multiplies the derivatives, of the map's shape.
        similarity: the map, to be written.
        division: other than the one that should take the least time.
    """
    check_images(x, y, least_size(comparison))
    n, c, h, w = x.shape
    window, c1, c2, low, part, padding = comparison
    taps = len(window)
    halo = 1 << max(taps - 2, 0).bit_length()
    wanted = sum(gradient is not None for gradient in gradients)
    overlap = taps - 1 if wanted else 0  # columns of derivatives that two strips need
    processors, threads_per_warp = _machine(x.device)
    if division is None:
        division = _divide(n * c, h, columns, taps, overlap, processors)
    lanes, row_strips, warps = division
    column_strips = _quotient(columns, lanes - overlap)
    strips = row_strips * column_strips

    scratch = x.new_empty(
        n * c * strips * 2 * (2 + (2 + wanted if wanted else 0)) * (lanes + halo),
        dtype=torch.float32,
    )
    partials = x.new_empty((n, c, strips), dtype=torch.float32)
    images = (x, y, upstream, *gradients)
    arguments = (
        *images,
        similarity,
        partials,
        scratch,
        *(
            stride
            for image in images
            for stride in (_NO_STRIDES if image is None else image.stride())
        ),
        c,
        h,
        w,
        row_strips,
        column_strips,
        window,
        c1,
        c2,
        low,
        mixed.eps,
        mixed.similarity_weight,
        mixed.pixel_weight,
        taps,
        part,
        padding,
        mixed.pixel,
        lanes,
        halo,
    )
    num_warps = warps or max(1, lanes // threads_per_warp)
    return Launch(x.device, n * c * strips, arguments, num_warps, partials)


def _current(device: torch.device) -> contextlib.AbstractContextManager[object]:
    return torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext()


@lru_cache(maxsize=1024)
def _divide(
    planes: int, rows: int, columns: int, taps: int, overlap: int, processors: int
) -> Division:
    """The division that should take the least time.

    Args:
        overlap: columns that neighbouring strips share.
    """

    def time(lanes: int, row_strips: int) -> int:
        programs = planes * row_strips * _quotient(columns, lanes - overlap)
        in_turn = max(
            _quotient(programs, processors), _THREADS // lanes
        )  # a multiprocessor that is not full is not faster
        return in_turn * lanes * (_quotient(rows, row_strips) + 2 * taps)

    row_strips_allowed = [1 << i for i in range(max(1, rows // _LEAST_ROWS).bit_length())]
    lanes, row_strips = min(
        ((lanes, row_strips) for lanes in LANES for row_strips in row_strips_allowed),
        key=lambda way: time(*way),
    )
    return Division(lanes, row_strips)


def _machine(device: torch.device) -> tuple[int, int]:
    """Multiprocessors, and threads per warp."""
    if device.type != "cuda":
        return 1, 32
    properties = torch.cuda.get_device_properties(device)
    return properties.multi_processor_count, properties.warp_size


def _quotient(a: int, b: int) -> int:
    """``a / b`` rounded up."""
    return -(-a // b)
