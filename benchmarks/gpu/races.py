"""SSIM by each of our backends and by other libraries, and other measures of local moments by our
backends: milliseconds, memory, and time relative to the limit of the memory bandwidth.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

import ssimloss.functional as F
from benchmarks import limits
from benchmarks.contenders import Score, Shape, images
from benchmarks.gpu.document import Document, raised
from benchmarks.gpu.effort import Budget, Effort, milliseconds
from benchmarks.gpu.peers import Found
from benchmarks.timing import synchronizer
from ssimloss import video
from ssimloss._memory import peak_bytes
from ssimloss.filters import Padding
from ssimloss.kernels import (
    MOMENT_SUMS,
    SCALE_SUMS,
    SIMILARITY_MEANS,
    Backend,
    Kernels,
    proof,
    why_not,
)

DEFINITIONS: tuple[Padding, ...] = ("valid", "reflect")


class Raced(NamedTuple):
    """One of our measures that takes ``backend``."""

    score: Callable[..., Tensor]
    kernels: Kernels


def _masked_ssim(x: Tensor, y: Tensor, backend: Backend = "auto") -> Tensor:
    mask = torch.ones_like(x[:, :1])
    mask[..., ::3, :] = 0.5
    return F.ssim(x, y, mask=mask, backend=backend)


def _vmaf_vif(x: Tensor, y: Tensor, backend: Backend = "auto") -> Tensor:
    x, y = (image.flatten(0, 1)[:, None] for image in (x, y))
    return video.vif(y, x, data_range=1.0, backend=backend).mean()


MEASURES: dict[str, Raced] = {
    **{
        str(padding): Raced(partial(F.ssim, padding=padding), SIMILARITY_MEANS)
        for padding in DEFINITIONS
    },
    "masked": Raced(_masked_ssim, MOMENT_SUMS["similarity"]),
    "r*": Raced(F.structure_correlation, MOMENT_SUMS["structure"]),
    "VIF": Raced(F.vif, SCALE_SUMS["shared_information"]),
    "VIF of VMAF": Raced(_vmaf_vif, SCALE_SUMS["information"]),
}
# How far a library's value and gradient (relative L2) may be from ours in float64, by dtype: some
# compute in the dtype of the images.
ALLOWED = {torch.float32: (2e-5, 5e-3), torch.bfloat16: (1e-3, 3e-2)}


def run(document: Document, effort: Effort, budget: Budget, others: Found) -> None:
    """Every shape and dtype, the most important first."""
    for name, reason in others.absent.items():
        document.leave_out(name, reason)
    for dtype in effort.dtypes:
        for shape in effort.shapes:
            for definition in DEFINITIONS:
                what = f"races at {text(shape)} in {word(dtype)}, {definition}"
                if budget.is_spent():
                    document.leave_out(what, "no time was left")
                    continue
                scores = ours(definition, effort.device) | {
                    name: score for name, (of, score) in others.scores.items() if of == definition
                }
                _race(document, effort, shape, dtype, definition, scores)
    for measure in list(MEASURES)[len(DEFINITIONS) :]:
        if budget.is_spent():
            document.leave_out(f"races of {measure}", "no time was left")
            continue
        scores = ours(measure, effort.device)
        _race(document, effort, effort.measured_shape, torch.float32, measure, scores)


def ours(measure: str, device: torch.device) -> dict[str, Score]:
    """Our function by backend, for the backends that run here."""
    native: Backend = "cpu" if device.type == "cpu" else "triton"
    names: tuple[Backend, ...] = ("auto", "eager", native)
    return {
        f"ssimloss, {name}": partial(MEASURES[measure].score, backend=name)
        for name in names
        if name in ("auto", "eager") or (name in MEASURES[measure].kernels and not why_not(name))
    }


def _race(
    document: Document,
    effort: Effort,
    shape: Shape,
    dtype: torch.dtype,
    definition: str,
    scores: dict[str, Score],
) -> None:
    x, y = (image.to(dtype) for image in images(shape, effort.device))
    asking = x.clone().requires_grad_()
    about = {"shape": text(shape), "dtype": word(dtype), "definition": definition}
    exact = differentiated(MEASURES[definition].score, x.double(), y.double())
    steps: dict[str, Callable[[], object]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name, score in scores.items():
        began = time.perf_counter()
        try:
            # "auto" meets this shape's kernels for the first time: not within five seconds.
            with proof.without_limit():
                found = differentiated(score, x, y)
            synchronizer(effort.device)()
            note = _another_number(found, exact, dtype)
            rows[name] = about | {"library": name, "first_s": time.perf_counter() - began}
            rows[name] |= {"note": note}
            if note is None:
                steps[name] = partial(_step, score, asking, y)
                peak = peak_bytes(steps[name], effort.device)
                rows[name]["peak_mib"] = peak / 2**20
        except Exception as error:  # an exception of a library is recorded in its row
            steps.pop(name, None)
            rows[name] = about | {"library": name, "note": raised(error)}
    forwards: dict[str, Callable[[], object]] = {
        name: partial(_forward, scores[name], x, y) for name in steps
    }
    for column, calls in (("forward_ms", forwards), ("step_ms", steps)):
        for name, taken in milliseconds(calls, effort).items():
            rows[name][column] = taken
    bandwidth = document.facts.get("copied_bytes_per_s")
    for name, row in rows.items():
        if name in steps and bandwidth:
            work = limits.least_work(
                shape, taps=11, scales=1, backward=True, itemsize=dtype.itemsize
            )
            row["step_over_floor"] = row["step_ms"] / (1e3 * work.bytes / bandwidth)
        document.add("races", row)


def differentiated(score: Score, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The score, and its gradient to the first image."""
    asking = x.detach().clone().requires_grad_()
    value = score(asking, y)
    (gradient,) = torch.autograd.grad(value, asking)
    return value.detach().double(), gradient.double()


def _another_number(
    found: tuple[Tensor, Tensor], exact: tuple[Tensor, Tensor], dtype: torch.dtype
) -> str | None:
    off = float((found[0] - exact[0]).abs())
    norm = exact[1].norm()
    slope_off = float((found[1] - exact[1]).norm() / norm)
    value_allowed, slope_allowed = ALLOWED[dtype]
    if off <= value_allowed and slope_off <= slope_allowed:
        return None
    return f"computes another value: off by {off:.1e}, gradient by {slope_off:.1e} of its norm"


def _forward(score: Score, x: Tensor, y: Tensor) -> Tensor:
    with torch.no_grad():
        return score(x, y)


def _step(score: Score, asking: Tensor, y: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(score(asking, y), asking)
    return gradient


def text(shape: Shape) -> str:
    """For a table."""
    return "x".join(map(str, shape))


def word(dtype: torch.dtype) -> str:
    """For a table."""
    return str(dtype).removeprefix("torch.")
