"""Rows of bordered images in Triton: how they are read, filtered along and down, and written."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, assignment"

import triton
import triton.language as tl

SAMPLES = tl.constexpr(64)


@triton.jit
def fold(index, size, PADDING: tl.constexpr):
    """The row or column of the image that padding repeats at an index. It always exists."""
    if PADDING == "reflect":
        index = tl.maximum(index, -index)
        index = tl.minimum(index, 2 * (size - 1) - index)
    return tl.minimum(tl.maximum(index, 0), size - 1)


@triton.jit
def pixels(image, row, columns, sizes, lo, PADDING: tl.constexpr):
    """Pixels of a row of the padded image, float32. ``image`` holds the address of a plane and its
    strides along rows and columns.
    """
    at = image[0] + fold(row, sizes[0], PADDING).to(tl.int64) * image[1]
    value = tl.load(at + fold(columns, sizes[1], PADDING).to(tl.int64) * image[2]).to(tl.float32)
    if PADDING == "zeros":
        value = tl.where(
            (columns >= 0) & (columns < sizes[1]) & (row >= 0) & (row < sizes[0]), value, lo
        )
    return value


@triton.jit
def shift(image, mask, sizes, lo, K: tl.constexpr, PADDING: tl.constexpr, MASKED: tl.constexpr):
    """Mean of pixels spread over a padded plane. Pixels that are not finite are left out, because
    they must only affect their own windows.

    It is rounded to eight bits above ``lo``, so that subtracting it from most pixels is exact.
    """
    sample = tl.arange(0, SAMPLES)
    row = (sample.to(tl.int64) * sizes[0]) // SAMPLES
    column = (
        (sample * 27 % SAMPLES).to(tl.int64) * sizes[1]
    ) // SAMPLES  # 27 is odd: each column of the grid once
    value = tl.load(image[0] + row * image[1] + column * image[2]).to(tl.float32)
    counts = tl.abs(value) < float("inf")
    if MASKED:
        counts = counts & (tl.load(mask[0] + row * mask[1] + column * mask[2]).to(tl.float32) != 0)
    above = tl.where(counts, value - lo, 0.0)
    mean = tl.sum(above) / tl.maximum(tl.sum(counts.to(tl.float32)), 1.0)
    if PADDING == "zeros":  # a small plane is mostly border
        height, width = sizes[0].to(tl.float32), sizes[1].to(tl.float32)
        mean *= (height / (height + K - 1)) * (width / (width + K - 1))
    return lo + (mean.to(tl.int32, bitcast=True) & -65536).to(tl.float32, bitcast=True)


@triton.jit
def fields(x, y, FIELDS: tl.constexpr):
    """The two rows ``a`` and ``b``. They, their squares and, except for sum and difference, their
    product are filtered.
    """
    if FIELDS == "sum_and_difference":
        return x + y, x - y
    if FIELDS == "reference_and_difference":
        return y, y - x
    return x, y


@triton.jit
def to_image(of_a, of_b, IMAGE: tl.constexpr, FIELDS: tl.constexpr):
    """The derivative with respect to an image, from those with respect to ``a`` and ``b``."""
    if FIELDS == "sum_and_difference":
        if IMAGE == "x":
            return of_a + of_b
        return of_a - of_b
    if FIELDS == "reference_and_difference":
        if IMAGE == "x":
            return -of_b
        return of_a + of_b
    if IMAGE == "x":
        return of_a
    return of_b


@triton.jit
def read(
    images,
    shifts,
    row,
    columns,
    sizes,
    lo,
    FIELDS: tl.constexpr,
    MASKED: tl.constexpr,
    PADDING: tl.constexpr,
):
    """A row of ``a`` and ``b``, from centred images, and of the mask, if there is one."""
    x = pixels(images[0], row, columns, sizes, lo, PADDING) - shifts[0]
    y = pixels(images[1], row, columns, sizes, lo, PADDING) - shifts[1]
    a, b = fields(x, y, FIELDS)
    found = (a, b)
    if MASKED:
        weight = pixels(images[2], row, columns, sizes, 1.0, PADDING)
        found = (tl.where(weight != 0, a, 0.0), tl.where(weight != 0, b, 0.0), weight)
    return found


@triton.jit
def stage(staged, at, values, WIDTH: tl.constexpr, COUNT: tl.constexpr):
    """Store columns of several rows, so that every thread can read them after the next barrier."""
    for index in tl.static_range(COUNT):
        tl.store(staged + index * WIDTH + at, values[index])


@triton.jit
def filter_products(
    staged,
    window,
    WIDTH: tl.constexpr,
    K: tl.constexpr,
    CROSSED: tl.constexpr,
    MASKED: tl.constexpr,
):
    """Filter along staged rows: ``a``, ``b``, ``a^2``, ``b^2``, if ``CROSSED`` ``a b``, and the
    mask. All others are multiplied by the mask.
    """
    a, b = tl.load(staged), tl.load(staged + WIDTH)
    weight = window[0]
    if MASKED:
        weight = window[0] * tl.load(staged + 2 * WIDTH)
    weighted_a, weighted_b = weight * a, weight * b
    v_a, v_b, v_aa, v_bb, v_mask = weighted_a, weighted_b, weighted_a * a, weighted_b * b, weight
    v_ab = v_aa
    if CROSSED:
        v_ab = weighted_a * b
    for k in tl.static_range(1, K):
        a, b = tl.load(staged + k), tl.load(staged + (WIDTH + k))
        weight = window[k]
        if MASKED:
            weight = window[k] * tl.load(staged + (2 * WIDTH + k))
            v_mask += weight
        v_a += weight * a
        v_b += weight * b
        v_aa += weight * a * a
        v_bb += weight * b * b
        if CROSSED:
            v_ab += weight * a * b
    filtered = (v_a, v_b, v_aa, v_bb)
    if CROSSED:
        filtered += (v_ab,)
    if MASKED:
        filtered += (v_mask,)
    return filtered


@triton.jit
def filter_transposed(staged, weights, K: tl.constexpr):
    """Sum for each pixel, along a staged row of derivatives, the contributions of its ``K``
    windows.
    """
    total = weights[K - 1] * tl.load(staged)
    for k in tl.static_range(1, K):
        total += weights[K - 1 - k] * tl.load(staged + k)
    return total


@triton.jit
def folding_weights(window, column, width, K: tl.constexpr, PADDING: tl.constexpr):
    """Weight of a pixel column in each of its ``K`` windows, including the padded columns that
    repeat it.
    """
    weights = ()
    for k in tl.static_range(K):
        weight = tl.zeros_like(column).to(tl.float32) + window[k]
        for i in tl.static_range(1, K // 2 + 1):
            if (
                PADDING == "reflect"
                # column i shows 2 i to its left; a replicated border shows column 0 at i to its
                # left
            ):
                if k >= 2 * i:
                    weight += tl.where(column == i, window[k - 2 * i], 0.0)
                if k + 2 * i < K:
                    weight += tl.where(column == width - 1 - i, window[k + 2 * i], 0.0)
            else:
                if k >= i:
                    weight += tl.where(column == 0, window[k - i], 0.0)
                if k + i < K:
                    weight += tl.where(column == width - 1, window[k + i], 0.0)
        weights += (weight,)
    return weights


@triton.jit
def idle(LANES: tl.constexpr, K: tl.constexpr, COUNT: tl.constexpr):
    """The initial states of filters down the columns."""
    states = ()
    for _ in tl.static_range(COUNT):
        state = ()
        for _ in tl.static_range(K - 1):
            state += (tl.zeros([LANES], tl.float32),)
        states += (state,)
    return states


@triton.jit
def push(state, row, window, K: tl.constexpr):
    """Push a row into a filter down the columns. Return its new state and the output of the window
    that ends with this row.

    ``state[j]`` is the partial sum of the window that will end ``j`` rows after the next push.
    """
    if K == 1:
        return state, window[0] * row
    moved = ()
    for j in tl.static_range(K - 2):
        moved += (state[j + 1] + window[K - 2 - j] * row,)
    moved += (window[0] * row,)
    return moved, state[0] + window[K - 1] * row


@triton.jit
def push_each(states, rows, window, K: tl.constexpr, COUNT: tl.constexpr):
    """The same for several filters: new states, and outputs."""
    moved, found = (), ()
    for index in tl.static_range(COUNT):
        state, output = push(states[index], rows[index], window, K)
        moved += (state,)
        found += (output,)
    return moved, found


@triton.jit
def write_row(gradient, row, columns, value, until, written, FOLDS: tl.constexpr):
    """Write the columns before ``until`` of a row of a gradient. Where padding repeats the row, add
    to the values ``written`` before.
    """
    at = gradient[0] + row.to(tl.int64) * gradient[1] + columns.to(tl.int64) * gradient[2]
    if FOLDS:
        value += tl.load(at, mask=columns < tl.where(written, until, 0), other=0.0)
    tl.store(at, value, mask=columns < until)
