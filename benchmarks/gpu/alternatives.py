"""The Triton kernel with other threads per strip, warps and strips of rows."""

from __future__ import annotations

from functools import partial

import torch

from benchmarks.contenders import images
from benchmarks.gpu.document import Document, Row, raised
from benchmarks.gpu.effort import Budget, Effort, milliseconds
from benchmarks.gpu.races import text, word
from ssimloss.filters import window_weights
from ssimloss.kernels import SIMILARITY_ALONE, Comparison, why_not
from ssimloss.kernels.gpu.launch import Division
from ssimloss.kernels.similarity_means.triton import similarity_means

_LEAST_ROWS = 32  # of a strip


def run(document: Document, effort: Effort, budget: Budget) -> None:
    """Value and gradient in float32; every division must compute the same as the usual one."""
    reason = why_not("triton")
    if reason is not None:
        document.leave_out("alternatives", reason)
        return
    comparison = Comparison(window_weights("gaussian", 11, 1.5), 1e-4, 9e-4, 0.0, "ssim", "valid")
    for shape in effort.shapes:
        about = {"shape": text(shape), "dtype": word(torch.float32)}
        if budget.is_spent():
            document.leave_out(f"alternatives at {text(shape)}", "no time was left")
            continue
        x, y = images(shape, effort.device)
        fixed = x, y, comparison, SIMILARITY_ALONE, True, False
        expected, slope, _ = similarity_means(*fixed)
        assert slope is not None
        times = milliseconds({"usual": partial(similarity_means, *fixed)}, effort)
        document.add("alternatives", about | {"lanes": "usual", "step_ms": times["usual"]})
        for division in divisions(effort, shape[2]):
            row: Row = about | division._asdict()
            if budget.is_spent():
                document.leave_out(f"alternatives at {text(shape)}: {division}", "no time was left")
                break
            call = partial(similarity_means, *fixed, division)
            try:
                found, found_slope, _ = call()
                assert found_slope is not None
                off = float((found - expected).abs().max())
                slope_off = float((found_slope - slope).norm() / slope.norm())
                if off > 1e-5 or slope_off > 1e-4:
                    row["note"] = f"computes another value: off by {off:.1e} and {slope_off:.1e}"
                else:
                    row["step_ms"] = milliseconds({"it": call}, effort)["it"]
            except Exception as error:  # of this division, such as too many registers
                row["note"] = raised(error)
            document.add("alternatives", row)


def divisions(effort: Effort, rows: int) -> list[Division]:
    """One column per thread, and two."""
    return [
        Division(lanes, strips, warps)
        for lanes in effort.lanes
        for warps in sorted({max(1, lanes // 32), max(1, lanes // 64)}, reverse=True)
        for strips in effort.row_strips
        if strips == 1 or rows // strips >= _LEAST_ROWS
    ]
