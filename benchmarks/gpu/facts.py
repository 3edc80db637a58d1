"""The machine and its measured limits."""

from __future__ import annotations

import platform
import shutil
import subprocess
from datetime import datetime, timezone

import torch

from benchmarks import limits
from benchmarks.contenders import version
from benchmarks.gpu.document import Document
from benchmarks.gpu.effort import Budget, Effort
from ssimloss import __version__
from ssimloss.kernels import proof, why_not

LIBRARIES = ("triton", "numpy", "torchvision", "pytorch-msssim", "torchmetrics", "frame-analytics")
_ASKED = ("clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit", "temperature.gpu")


def gather(document: Document, effort: Effort, budget: Budget) -> None:
    """GPU, driver, clocks, versions, then the measured limits."""
    device = effort.device
    document.know(
        "facts",
        date=datetime.now(timezone.utc).isoformat(timespec="minutes"),
        system=platform.platform(),
        python=platform.python_version(),
        ssimloss=__version__,
        torch=torch.__version__,
        **{name: version(name) for name in LIBRARIES},
    )
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        document.know(
            "facts",
            GPU=properties.name,
            capability=f"{properties.major}.{properties.minor}",
            multiprocessors=properties.multi_processor_count,
            memory_gib=round(properties.total_memory / 2**30, 1),
        )
    for backend in ("cpu", "triton"):
        document.know("facts", **{f"backend {backend}": why_not(backend) or "runs"})
    if why_not("triton") is None:
        document.know("facts", **proof.PROOFS["similarity_means"].environment(device))
    document.know("facts", clocks=_clocks(device))
    if budget.is_spent():
        document.leave_out("limits of the machine", "no time was left")
        return
    machine = limits.measure(
        device, megabytes=effort.copied_megabytes, side=effort.product_side, tries=5
    )
    document.know(
        "facts",
        copied_bytes_per_s=machine.bytes_per_s,
        float32_flops_per_s=machine.flops_per_s,
        clocks_under_load=_clocks(device),
    )


def _clocks(device: torch.device) -> str:
    program = shutil.which("nvidia-smi")
    if device.type != "cuda" or program is None:
        return "unknown"
    index = torch.cuda.current_device() if device.index is None else device.index
    command = [program, f"--id={index}", f"--query-gpu={','.join(_ASKED)}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"unknown: {error}"
    values = answer.stdout.strip().split(", ")
    return ", ".join(f"{name} {value}" for name, value in zip(_ASKED, values, strict=False))
