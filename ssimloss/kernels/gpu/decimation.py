"""Filtering and subsampling of planes by 2 along one axis, and the transpose, in Triton."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, assignment"

import triton
import triton.language as tl

from ssimloss.kernels.gpu.rows import fold

# Strides of a tensor: of planes, along the axis and across it.
_STRIDES = ("fine_n", "fine_along", "fine_across", "coarse_n", "coarse_along", "coarse_across")
_RUNTIME = ["fine", "coarse", *_STRIDES, "planes", "length", "halved", "across"]


@triton.jit
def _place(index, rows, columns):
    """Plane, row and column of an element of ``(planes, rows, columns)``."""
    return index // (rows * columns), index // columns % rows, index % columns


@triton.jit(do_not_specialize=_RUNTIME)
def decimate(
    fine,  # (planes, length, across), or with its axes exchanged
    coarse,  # (planes, halved, across), the output
    fine_n: tl.int64,
    fine_along: tl.int64,
    fine_across: tl.int64,
    coarse_n: tl.int64,
    coarse_along: tl.int64,
    coarse_across: tl.int64,
    planes: tl.int64,
    length: tl.int32,
    halved: tl.int32,
    across: tl.int32,
    window,
    K: tl.constexpr,
    PADDING: tl.constexpr,
    BY_ROWS: tl.constexpr,  # the axis is that of rows
    BLOCK: tl.constexpr,
):
    """``coarse[i] = sum_k window[k] fine[2 i + k - border]``."""
    BORDER: tl.constexpr = 0 if PADDING == "valid" else K // 2
    index = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    if BY_ROWS:
        plane, i, j = _place(index, halved.to(tl.int64), across.to(tl.int64))
    else:
        plane, j, i = _place(index, across.to(tl.int64), halved.to(tl.int64))
    exists = plane < planes
    column = fine + plane * fine_n + j * fine_across
    total = tl.zeros([BLOCK], tl.float32)
    for k in tl.static_range(K):
        at = fold(2 * i + (k - BORDER), length.to(tl.int64), PADDING)
        total += window[k] * tl.load(column + at * fine_along, mask=exists, other=0.0).to(
            tl.float32
        )
    at = coarse + plane * coarse_n + i * coarse_along + j * coarse_across
    tl.store(at, total, mask=exists)


@triton.jit(do_not_specialize=_RUNTIME)
def undecimate(
    fine,  # the output, written or added to
    coarse,
    fine_n: tl.int64,
    fine_along: tl.int64,
    fine_across: tl.int64,
    coarse_n: tl.int64,
    coarse_along: tl.int64,
    coarse_across: tl.int64,
    planes: tl.int64,
    length: tl.int32,
    halved: tl.int32,
    across: tl.int32,
    window,
    K: tl.constexpr,
    PADDING: tl.constexpr,
    BY_ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
    ADDS: tl.constexpr,
):
    """The transpose: each sample of ``fine`` sums the samples of ``coarse`` that it contributes to,
    directly or by its reflections beyond the border.
    """
    BORDER: tl.constexpr = 0 if PADDING == "valid" else K // 2
    index = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    if BY_ROWS:
        plane, p, j = _place(index, length.to(tl.int64), across.to(tl.int64))
    else:
        plane, j, p = _place(index, across.to(tl.int64), length.to(tl.int64))
    exists = plane < planes
    column = coarse + plane * coarse_n + j * coarse_across
    total = tl.zeros([BLOCK], tl.float32)
    for side in tl.static_range(1 if BORDER == 0 else 3):
        shown = p
        seen = exists
        if side == 1:
            shown = -p
            seen = exists & (p > 0)
        if side == 2:
            shown = 2 * (length - 1) - p
            seen = exists & (p < length - 1)
        for k in tl.static_range(K):
            twice = shown + (BORDER - k)
            reads = seen & (twice % 2 == 0) & (twice >= 0) & (twice < 2 * halved)
            total += window[k] * tl.load(column + twice // 2 * coarse_along, mask=reads, other=0.0)
    at = fine + plane * fine_n + p * fine_along + j * fine_across
    if ADDS:
        total += tl.load(at, mask=exists, other=0.0)
    tl.store(at, total, mask=exists)
