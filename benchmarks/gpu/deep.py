"""Steps of losses on deep features: LPIPS on AlexNet and a content loss on VGG19. The weights are
random, which costs the same.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.contenders import images
from benchmarks.gpu.document import Document, raised
from benchmarks.gpu.effort import Budget, Effort, milliseconds
from benchmarks.gpu.races import text
from ssimloss import LPIPS, PerceptualLoss
from ssimloss._memory import peak_bytes

LOSSES: dict[str, Callable[[], nn.Module]] = {
    "LPIPS, AlexNet": lambda: LPIPS("alexnet"),
    "content, VGG19 conv5_4": lambda: PerceptualLoss(
        "vgg19", layers={"conv5_4": 1.0}, weights="random"
    ),
}
MODES = ("float32", "channels_last", "autocast bfloat16")


def run(document: Document, effort: Effort, budget: Budget) -> None:
    """Each loss in each mode."""
    if importlib.util.find_spec("torchvision") is None:
        document.leave_out("deep features", "torchvision is not installed")
        return
    shape, device = effort.deep_shape, effort.device
    for name, build in LOSSES.items():
        loss = build().to(device)
        for mode in MODES:
            if budget.is_spent():
                document.leave_out(f"{name}, {mode}", "no time was left")
                continue
            layout = torch.channels_last if mode == "channels_last" else torch.contiguous_format
            x, y = (image.contiguous(memory_format=layout) for image in images(shape, device))
            step = partial(_step, loss, x.requires_grad_(), y, mode)
            row: dict[str, object] = {"shape": text(shape), "loss": name, "mode": mode}
            try:
                row["step_ms"] = milliseconds({name: step}, effort)[name]
                row["peak_mib"] = peak_bytes(step, device) / 2**20
            except RuntimeError as error:
                row["note"] = raised(error)
            document.add("deep features", row)


def _step(loss: nn.Module, x: Tensor, y: Tensor, mode: str) -> Tensor:
    half = torch.autocast(x.device.type, torch.bfloat16)
    with half if mode.startswith("autocast") else contextlib.nullcontext():
        value = loss(x, y)
    (gradient,) = torch.autograd.grad(value, x)
    return gradient
