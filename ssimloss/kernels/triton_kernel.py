"""The Triton kernel of the similarity of two images: value, map and gradient in one walk down a
strip of columns.

A program owns a strip of columns and walks down its rows, one column per thread. Each image row is
staged in a few kilobytes of scratch memory that only this program uses, so that they stay in the L1
cache; it is filtered along the row by shifted reads and pushed into a filter down the columns whose
partial sums stay in registers. Where a gradient is wanted, the row of derivatives that comes out
takes the same way through the transposed filter, one step later. A barrier per step orders the
staged rows, of which there are two of each kind: one is read while the other is written.

Instead of x and y their sum s and difference d are filtered: one multiplication less per tap, and
``1 - S`` of nearly equal images keeps its digits. ``V(s^2) - V(s)^2`` is
``var_x + var_y + 2 cov_xy``, and ``V(d^2) - V(d)^2`` is ``var_x + var_y - 2 cov_xy``.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, assignment"

import triton
import triton.language as tl

SAMPLES = tl.constexpr(64)


@triton.jit
def _fold(index, size, PADDING: tl.constexpr):
    """The row or column of the image that shows at an index beyond its border; one that exists in
    any case.
    """
    if PADDING == "reflect":
        index = tl.maximum(index, -index)
        index = tl.minimum(index, 2 * (size - 1) - index)
    return tl.minimum(tl.maximum(index, 0), size - 1)


@triton.jit
def _pixels(image, row, columns, sizes, lo, PADDING: tl.constexpr):
    """Pixels of a row of the bordered image, float32. ``image``: a plane's address and its strides
    along rows and columns.
    """
    at = image[0] + _fold(row, sizes[0], PADDING).to(tl.int64) * image[1]
    value = tl.load(at + _fold(columns, sizes[1], PADDING).to(tl.int64) * image[2]).to(tl.float32)
    if PADDING == "zeros":
        value = tl.where(
            (columns >= 0) & (columns < sizes[1]) & (row >= 0) & (row < sizes[0]), value, lo
        )
    return value


@triton.jit
def _shift(image, sizes, lo, K: tl.constexpr, PADDING: tl.constexpr):
    """Mean of pixels spread over a bordered plane, those left out that are not finite: they must
    not reach beyond their windows.
    """
    sample = tl.arange(0, SAMPLES)
    row = (sample.to(tl.int64) * sizes[0]) // SAMPLES
    column = (
        (sample * 27 % SAMPLES).to(tl.int64) * sizes[1]
    ) // SAMPLES  # 27 is odd: each column of the grid once
    value = tl.load(image[0] + row * image[1] + column * image[2]).to(tl.float32)
    finite = tl.abs(value) < float("inf")
    mean = tl.sum(tl.where(finite, value, 0.0)) / tl.maximum(tl.sum(finite.to(tl.float32)), 1.0)
    if PADDING == "zeros":  # a small plane is mostly border
        height, width = sizes[0].to(tl.float32), sizes[1].to(tl.float32)
        mean = lo + (mean - lo) * (height / (height + K - 1)) * (width / (width + K - 1))
    return mean


@triton.jit
def _sum_and_difference(x, y, row, columns, sizes, shift_x, shift_y, lo, PADDING: tl.constexpr):
    """``x + y`` and ``x - y`` of a row of the bordered images, both centred."""
    centred_x = _pixels(x, row, columns, sizes, lo, PADDING) - shift_x
    centred_y = _pixels(y, row, columns, sizes, lo, PADDING) - shift_y
    return centred_x + centred_y, centred_x - centred_y


@triton.jit
def _stage(staged, at, s, d, WIDTH: tl.constexpr):
    """Store columns of s and d where every thread can read them after the next barrier."""
    tl.store(staged + at, s)
    tl.store(staged + WIDTH + at, d)


@triton.jit
def _filter_images(staged, window, WIDTH: tl.constexpr, K: tl.constexpr):
    """Filter s, d, s^2 and d^2 along a staged row."""
    s, d = tl.load(staged), tl.load(staged + WIDTH)
    s_weighted, d_weighted = window[0] * s, window[0] * d
    v_s, v_d, v_ss, v_dd = s_weighted, d_weighted, s_weighted * s, d_weighted * d
    for k in tl.static_range(1, K):
        s, d = tl.load(staged + k), tl.load(staged + (WIDTH + k))
        v_s += window[k] * s
        v_d += window[k] * d
        v_ss += window[k] * s * s
        v_dd += window[k] * d * d
    return v_s, v_d, v_ss, v_dd


@triton.jit
def _filter_transposed(staged, weights, K: tl.constexpr):
    """Gather along a staged row of derivatives what the ``K`` windows over each pixel pass on to
    it.
    """
    total = weights[K - 1] * tl.load(staged)
    for k in tl.static_range(1, K):
        total += weights[K - 1 - k] * tl.load(staged + k)
    return total


@triton.jit
def _folding_weights(window, column, width, K: tl.constexpr, PADDING: tl.constexpr):
    """Weight of a pixel column in each of the ``K`` windows over it, together with the columns
    beyond the border that repeat it.
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
def _idle(LANES: tl.constexpr, K: tl.constexpr):
    """A filter down the columns that has seen no row."""
    state = ()
    for _ in tl.static_range(K - 1):
        state += (tl.zeros([LANES], tl.float32),)
    return state


@triton.jit
def _push(state, row, window, K: tl.constexpr):
    """Push a row into a filter down the columns; returns its new state and the output of the window
    that ends with this row.

    ``state[j]`` is what the window that will end ``j`` rows after the next push has gathered.
    """
    if K == 1:
        return state, window[0] * row
    moved = ()
    for j in tl.static_range(K - 2):
        moved += (state[j + 1] + window[K - 2 - j] * row,)
    moved += (window[0] * row,)
    return moved, state[0] + window[K - 1] * row


@triton.jit
def _similarity(v_s, v_d, v_ss, v_dd, mean_x, mean_y, c1, c2, PART: tl.constexpr):
    """S and its derivatives with respect to V(x), V(y), V(x^2 + y^2), the last one doubled, and V(x
    y).

    ``mean_x`` and ``mean_y`` are added to the centred means for luminance.
    """
    var_s, var_d = v_ss - v_s * v_s, v_dd - v_d * v_d
    var = 0.5 * (var_s + var_d)  # var_x + var_y
    varies = var > 0
    inverse = 1.0 / (tl.where(varies, var, 0.0) + c2)
    similarity = (0.5 * (var_s - var_d) + c2) * inverse
    v_x, v_y = 0.5 * (v_s + v_d), 0.5 * (v_s - v_d)
    mu_x, mu_y = v_x + mean_x, v_y + mean_y
    inverse_l = 1.0 / (mu_x * mu_x + mu_y * mu_y + c1)
    luminance = (2.0 * mu_x * mu_y + c1) * inverse_l
    d_luminance = 2.0 * similarity * inverse_l
    d_product = 2.0 * inverse
    if PART == "ssim":
        d_product *= luminance
    d_squares = tl.where(varies, -d_product * similarity, 0.0)
    d_x, d_y = -(v_y * d_product + v_x * d_squares), -(v_x * d_product + v_y * d_squares)
    if PART == "ssim":
        similarity *= luminance
        d_x += d_luminance * (mu_y - mu_x * luminance)
        d_y += d_luminance * (mu_x - mu_y * luminance)
    return similarity, d_x, d_y, d_squares, d_product


@triton.jit
def _distance(x, y, eps, PIXEL: tl.constexpr):
    """The pixel loss, and its derivative with respect to x."""
    difference = x - y
    if PIXEL == "l1":
        return tl.abs(difference), tl.where(
            difference > 0, 1.0, tl.where(difference < 0, -1.0, 0.0 * difference)
        )
    distance = tl.sqrt(difference * difference + eps * eps)
    return distance, difference / tl.where(distance == 0, 1.0, distance)


@triton.jit
def _write_row(gradient, row, columns, value, until, written, FOLDS: tl.constexpr):
    """Write columns before ``until`` of a row of a gradient, or, where borders fold on to it, add
    to what was ``written`` before.
    """
    at = gradient[0] + row.to(tl.int64) * gradient[1] + columns.to(tl.int64) * gradient[2]
    if FOLDS:
        value += tl.load(at, mask=columns < tl.where(written, until, 0), other=0.0)
    tl.store(at, value, mask=columns < until)


# A thread reads one number at a time: nothing is won by compiling again for sizes, strides and
# addresses divisible by 16.
_RUNTIME = [
    *("x", "y", "upstream", "grad_x", "grad_y", "similarity", "partials", "scratch"),
    *(
        f"{image}_{axis}"
        for image in ("x", "y", "upstream", "grad_x", "grad_y")
        for axis in ("n", "c", "h", "w")
    ),
    *("channels", "height", "width", "row_strips", "column_strips"),
    *("c1", "c2", "lo", "eps", "similarity_scale", "pixel_scale"),
]


@triton.jit(do_not_specialize=_RUNTIME)
def similarity_kernel(
    x,
    y,
    upstream,  # of the map; None: 1 at every position
    grad_x,  # None where not wanted, as the two below
    grad_y,
    similarity,  # the map, (N C, H', W')
    partials,  # what each program adds to the mean of its plane
    scratch,
    x_n: tl.int64,  # strides
    x_c: tl.int64,
    x_h: tl.int64,
    x_w: tl.int64,
    y_n: tl.int64,
    y_c: tl.int64,
    y_h: tl.int64,
    y_w: tl.int64,
    upstream_n: tl.int64,
    upstream_c: tl.int64,
    upstream_h: tl.int64,
    upstream_w: tl.int64,
    grad_x_n: tl.int64,
    grad_x_c: tl.int64,
    grad_x_h: tl.int64,
    grad_x_w: tl.int64,
    grad_y_n: tl.int64,
    grad_y_c: tl.int64,
    grad_y_h: tl.int64,
    grad_y_w: tl.int64,
    channels: tl.int32,
    height: tl.int32,
    width: tl.int32,
    row_strips: tl.int32,
    column_strips: tl.int32,
    window,
    c1: tl.float32,
    c2: tl.float32,
    lo: tl.float32,
    eps: tl.float32,
    similarity_scale: tl.float32,
    pixel_scale: tl.float32,
    K: tl.constexpr,
    PART: tl.constexpr,
    PADDING: tl.constexpr,
    PIXEL: tl.constexpr,
    LANES: tl.constexpr,
    HALO: tl.constexpr,
):
    """Walk down one strip.

    A window is named by the row and column of the bordered image where it begins, ``-(K // 2)`` for
    the first one of a bordered image.
    """
    BORDER: tl.constexpr = 0 if PADDING == "valid" else K // 2
    WANT_X: tl.constexpr = grad_x is not None
    WANT_Y: tl.constexpr = grad_y is not None
    SPREAD: tl.constexpr = WANT_X or WANT_Y
    FOLDS: tl.constexpr = SPREAD and (PADDING == "reflect" or PADDING == "replicate")
    LEAD: tl.constexpr = (
        K - 1 if SPREAD else BORDER
    )  # columns from the strip's first window to its first pixel
    OWN: tl.constexpr = LANES - K + 1 if SPREAD else LANES  # pixel columns of a strip
    WIDTH: tl.constexpr = LANES + HALO
    MAPS: tl.constexpr = 2 + WANT_X + WANT_Y if SPREAD else 0  # of derivatives

    program = tl.program_id(0)
    plane = program // (row_strips * column_strips)
    strip = (program // column_strips % row_strips).to(tl.int64)
    n, c = (plane // channels).to(tl.int64), (plane % channels).to(tl.int64)
    sizes = (height, width)
    image_x, image_y = (x + n * x_n + c * x_c, x_h, x_w), (y + n * y_n + c * y_c, y_h, y_w)
    shift_x, shift_y = (
        _shift(image_x, sizes, lo, K, PADDING),
        _shift(image_y, sizes, lo, K, PADDING),
    )

    # The pixels [top, bottom) x [left, right) are this program's, and so are the positions of the
    # map with these numbers.
    top, bottom = (
        (strip * height // row_strips).to(tl.int32),
        ((strip + 1) * height // row_strips).to(tl.int32),
    )
    left = program % column_strips * OWN
    lane = tl.arange(0, LANES)
    column = left + lane
    begin = column - LEAD  # where this lane's window begins
    position = begin + BORDER  # of that window on the map
    map_height, map_width = height - K + 1 + 2 * BORDER, width - K + 1 + 2 * BORDER
    right, map_right = tl.minimum(left + OWN, width), tl.minimum(left + OWN, map_width)
    map_offset = plane.to(tl.int64) * map_height * map_width + position

    # The strip that owns a pixel also makes what rows beyond the border, which show this pixel,
    # pass on to it.
    first_pixel, last_pixel = top, bottom
    if FOLDS:
        first_pixel = tl.where(top == 0, -BORDER, top)
        last_pixel = tl.where(bottom == height, height + BORDER, bottom)
    first_row = top - BORDER
    end = tl.minimum(bottom, map_height) - BORDER + K - 1
    if SPREAD:
        first_row = tl.maximum(first_pixel - K + 1, -BORDER)
        end = last_pixel + K  # derivatives are spread one step after they are made

    staged_images = scratch + program.to(tl.int64) * (2 * (2 + MAPS) * WIDTH)
    staged_maps = staged_images + 4 * WIDTH
    halo = LANES + tl.arange(0, HALO)
    halo_column = left - LEAD + halo
    s, d = _sum_and_difference(
        image_x, image_y, first_row, begin, sizes, shift_x, shift_y, lo, PADDING
    )
    _stage(staged_images, lane, s, d, WIDTH)
    s, d = _sum_and_difference(
        image_x, image_y, first_row, halo_column, sizes, shift_x, shift_y, lo, PADDING
    )
    _stage(staged_images, halo, s, d, WIDTH)
    state_s, state_d, state_ss, state_dd = (
        _idle(LANES, K),
        _idle(LANES, K),
        _idle(LANES, K),
        _idle(LANES, K),
    )
    if SPREAD:
        for m in tl.static_range(MAPS):
            tl.store(staged_maps + (MAPS + m) * WIDTH + lane, tl.zeros([LANES], tl.float32))
        state_squares, state_product, state_x, state_y = (
            _idle(LANES, K),
            _idle(LANES, K),
            _idle(LANES, K),
            _idle(LANES, K),
        )
        if upstream is not None:
            upstream_plane = upstream + n * upstream_n + c * upstream_c
        if WANT_X:
            image_grad_x = (grad_x + n * grad_x_n + c * grad_x_c, grad_x_h, grad_x_w)
        if WANT_Y:
            image_grad_y = (grad_y + n * grad_y_n + c * grad_y_c, grad_y_h, grad_y_w)
        weights = window
        if FOLDS:
            weights = _folding_weights(window, column, width, K, PADDING)
        backwards = ()
        for k in tl.static_range(K):
            backwards += (window[K - 1 - k],)
    tl.debug_barrier()

    similarities, distances = tl.zeros([LANES], tl.float32), tl.zeros([LANES], tl.float32)
    slot = 0
    row = first_row
    for _ in range(first_row, end):
        # Read early what the next step needs.
        next_s, next_d = _sum_and_difference(
            image_x, image_y, row + 1, begin, sizes, shift_x, shift_y, lo, PADDING
        )
        halo_s, halo_d = _sum_and_difference(
            image_x, image_y, row + 1, halo_column, sizes, shift_x, shift_y, lo, PADDING
        )

        h_s, h_d, h_ss, h_dd = _filter_images(
            staged_images + slot * (2 * WIDTH) + lane, window, WIDTH, K
        )
        state_s, v_s = _push(state_s, h_s, window, K)
        state_d, v_d = _push(state_d, h_d, window, K)
        state_ss, v_ss = _push(state_ss, h_ss, window, K)
        state_dd, v_dd = _push(state_dd, h_dd, window, K)
        value, d_x, d_y, d_squares, d_product = _similarity(
            v_s, v_d, v_ss, v_dd, shift_x - lo, shift_y - lo, c1, c2, PART
        )

        # A condition on the row enters a mask as a bound on its columns.
        map_row = row - K + 1 + BORDER
        row_valid = (row - K + 1 >= first_row) & (map_row < map_height)
        valid = (position >= 0) & (position < tl.where(row_valid, map_width, 0))
        own = (position >= left) & (
            position < tl.where(row_valid & (map_row >= top) & (map_row < bottom), map_right, 0)
        )
        similarities += tl.where(own, value, 0.0)
        if similarity is not None:
            tl.store(similarity + (map_offset + map_row.to(tl.int64) * map_width), value, mask=own)

        if SPREAD:
            staged = staged_maps + (1 - slot) * (MAPS * WIDTH) + lane
            state_squares, of_squares = _push(
                state_squares, _filter_transposed(staged, weights, K), backwards, K
            )
            state_product, of_product = _push(
                state_product, _filter_transposed(staged + WIDTH, weights, K), backwards, K
            )
            pixel_row = row - K
            until = tl.where(pixel_row >= first_pixel, right, 0)
            inside = (pixel_row >= top) & (pixel_row < bottom)
            pixel_x = _pixels(image_x, pixel_row, column, sizes, lo, PADDING)
            pixel_y = _pixels(image_y, pixel_row, column, sizes, lo, PADDING)
            slope = tl.zeros([LANES], tl.float32)
            if PIXEL != "none":
                distance, slope = _distance(pixel_x, pixel_y, eps, PIXEL)
                slope *= tl.where(inside, pixel_scale, 0.0)
                distances += tl.where(column < tl.where(inside, right, 0), distance, 0.0)
            written = pixel_row >= height
            if PADDING == "reflect":
                written = written | ((pixel_row >= 1) & (pixel_row <= BORDER))
            if PADDING == "replicate":
                written = written | ((pixel_row > -BORDER) & (pixel_row <= 0))
            real_row = _fold(pixel_row, height, PADDING)
            if WANT_X:
                state_x, of_mean = _push(
                    state_x, _filter_transposed(staged + 2 * WIDTH, weights, K), backwards, K
                )
                gradient = (
                    of_mean
                    + (pixel_x - shift_x) * of_squares
                    + (pixel_y - shift_y) * of_product
                    + slope
                )
                _write_row(image_grad_x, real_row, column, gradient, until, written, FOLDS)
            if WANT_Y:
                state_y, of_mean = _push(
                    state_y,
                    _filter_transposed(staged + (MAPS - 1) * WIDTH, weights, K),
                    backwards,
                    K,
                )
                gradient = (
                    of_mean
                    + (pixel_y - shift_y) * of_squares
                    + (pixel_x - shift_x) * of_product
                    - slope
                )
                _write_row(image_grad_y, real_row, column, gradient, until, written, FOLDS)
            factor = similarity_scale
            if upstream is not None:
                at = upstream_plane + map_row.to(tl.int64) * upstream_h
                factor *= tl.load(at + position.to(tl.int64) * upstream_w, mask=valid, other=0.0)
            made = staged_maps + slot * (MAPS * WIDTH) + lane
            tl.store(made, tl.where(valid, d_squares * factor, 0.0))
            tl.store(made + WIDTH, tl.where(valid, d_product * factor, 0.0))
            if WANT_X:
                tl.store(made + 2 * WIDTH, tl.where(valid, d_x * factor, 0.0))
            if WANT_Y:
                tl.store(made + (MAPS - 1) * WIDTH, tl.where(valid, d_y * factor, 0.0))
        elif PIXEL != "none":
            pixel_x = _pixels(image_x, row, column, sizes, lo, PADDING)
            pixel_y = _pixels(image_y, row, column, sizes, lo, PADDING)
            distance, slope = _distance(pixel_x, pixel_y, eps, PIXEL)
            distances += tl.where(
                column < tl.where((row >= top) & (row < bottom), right, 0), distance, 0.0
            )

        row += 1
        slot = 1 - slot
        _stage(staged_images + slot * (2 * WIDTH), lane, next_s, next_d, WIDTH)
        _stage(staged_images + slot * (2 * WIDTH), halo, halo_s, halo_d, WIDTH)
        tl.debug_barrier()

    total = tl.sum(similarities) * similarity_scale
    if PIXEL != "none":
        total += tl.sum(distances) * pixel_scale
    tl.store(partials + program, total)
