"""The Triton kernel of measures of local moments: values, sums and gradients in one walk down a
strip of columns.

A program owns a strip of columns and walks down its rows, one column per thread. It stages each
image row in a few kilobytes of scratch memory that only this program uses, so that they stay in the
L1 cache. Shifted reads filter along the row. The result is pushed into a filter down the columns,
whose partial sums stay in registers. If a gradient is needed, the resulting row of derivatives
passes through the transposed filter in the same way, one step later. There are two staged rows of
each kind: one is read while the other is written. A barrier per step separates both.

The filtered rows are ``a`` and ``b``, computed from the images, their squares, and, if the equation
needs their covariance, their product. For SSIM, ``a`` and ``b`` are sum and difference, which need
no product: ``V(a^2) - V(a)^2`` is ``var_x + var_y + 2 cov_xy``, and ``V(b^2) - V(b)^2`` is
``var_x + var_y - 2 cov_xy``. ``equations.py`` has the equations. Under a mask ``m``, moments are
normalised, ``V(m a) / V(m)``, and the weight of a position is ``V(m)``.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, assignment, misc"

import triton
import triton.language as tl

from ssimloss.kernels.gpu.rows import (
    fields,
    filter_products,
    filter_transposed,
    fold,
    folding_weights,
    idle,
    pixels,
    push,
    push_each,
    read,
    shift,
    stage,
    to_image,
    write_row,
)


@triton.jit
def _moments(filtered, CROSSED: tl.constexpr, MASKED: tl.constexpr):
    """Means of ``a`` and ``b``; their variances and covariance; the filtered mask."""
    v_a, v_b, v_aa, v_bb = filtered[0], filtered[1], filtered[2], filtered[3]
    v_ab, mass = v_aa, v_aa
    if CROSSED:
        v_ab = filtered[4]
    if MASKED:
        mass = filtered[4 + CROSSED]
        over = 1.0 / tl.where(mass <= 0, 1.0, mass)
        v_a, v_b, v_aa, v_bb, v_ab = v_a * over, v_b * over, v_aa * over, v_bb * over, v_ab * over
    cov = 0.0
    if CROSSED:
        cov = v_ab - v_a * v_b
    return (v_a, v_b), (v_aa - v_a * v_a, v_bb - v_b * v_b, cov), mass


@triton.jit
def _derived(means, slopes, CROSSED: tl.constexpr):
    """Derivatives of the result of an equation with respect to V(a) and V(b), twice those with
    respect to V(a^2) and V(b^2), and that with respect to V(a b).
    """
    of_a, of_b, of_var_a, of_var_b, of_cov = slopes
    of_a -= of_var_a * means[0]
    of_b -= of_var_b * means[1]
    if CROSSED:
        of_a -= of_cov * means[1]
        of_b -= of_cov * means[0]
    return of_a, of_b, of_var_a, of_var_b, of_cov


@triton.jit
def _for_one(derived, IMAGE: tl.constexpr, FIELDS: tl.constexpr, CROSSED: tl.constexpr):
    """The three maps of the gradient to one image: factors of ``a`` and of ``b``, and the rest."""
    of_a, of_b, of_aa, of_bb, of_ab = derived
    plain = to_image(of_a, of_b, IMAGE, FIELDS)
    if CROSSED:
        along_a, along_b = (
            to_image(of_aa, of_ab, IMAGE, FIELDS),
            to_image(of_ab, of_bb, IMAGE, FIELDS),
        )
        return along_a, along_b, plain
    if IMAGE == "x":
        return of_aa, of_bb, plain
    return of_aa, -of_bb, plain


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


# A thread reads one number at a time. Compiling again for sizes, strides and addresses divisible by
# 16 would not make it faster.
_RUNTIME = [
    *("x", "y", "mask", "upstream", "factors", "grad_x", "grad_y", "values", "partials", "scratch"),
    *(
        f"{image}_{axis}"
        for image in ("x", "y", "mask", "upstream", "grad_x", "grad_y")
        for axis in ("n", "c", "h", "w")
    ),
    *("channels", "height", "width", "row_strips", "column_strips"),
    *("lo", "eps", "scale", "pixel_scale"),
]


@triton.jit(do_not_specialize=_RUNTIME)
def walk(
    x,
    y,
    mask,  # None without one
    upstream,  # gradient of the map; None: 1 at every position
    factors,  # of the sums of each plane, (N C, SUMS), instead of ``scale``
    grad_x,  # None if not needed, like the next two
    grad_y,
    values,  # the map, (N C, H', W')
    partials,  # the sums of each program, (sums, programs)
    scratch,
    x_n: tl.int64,  # strides
    x_c: tl.int64,
    x_h: tl.int64,
    x_w: tl.int64,
    y_n: tl.int64,
    y_c: tl.int64,
    y_h: tl.int64,
    y_w: tl.int64,
    mask_n: tl.int64,
    mask_c: tl.int64,
    mask_h: tl.int64,
    mask_w: tl.int64,
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
    constants,  # of the equation
    lo: tl.float32,
    eps: tl.float32,
    scale: tl.float32,  # of values and derivatives
    pixel_scale: tl.float32,
    K: tl.constexpr,
    POINT: tl.constexpr,  # the equation, a function
    FIELDS: tl.constexpr,
    SUMS: tl.constexpr,
    PADDING: tl.constexpr,
    PIXEL: tl.constexpr,
    LANES: tl.constexpr,
    HALO: tl.constexpr,
):
    """Walk down one strip.

    A window is identified by the row and column of the padded image where it begins, ``-(K // 2)``
    for the first one of a padded image.
    """
    BORDER: tl.constexpr = 0 if PADDING == "valid" else K // 2
    WANT_X: tl.constexpr = grad_x is not None
    WANT_Y: tl.constexpr = grad_y is not None
    SPREAD: tl.constexpr = WANT_X or WANT_Y
    BOTH: tl.constexpr = WANT_X and WANT_Y
    ONE: tl.constexpr = "x" if WANT_X else "y"  # the image whose gradient is needed, if only one
    FOLDS: tl.constexpr = SPREAD and (PADDING == "reflect" or PADDING == "replicate")
    MASKED: tl.constexpr = mask is not None
    CROSSED: tl.constexpr = FIELDS != "sum_and_difference"
    ROWS: tl.constexpr = 2 + MASKED  # staged rows of the images
    FILTERED: tl.constexpr = 4 + CROSSED + MASKED
    MAPS: tl.constexpr = (4 + CROSSED if BOTH else 3) if SPREAD else 0  # of derivatives
    LEAD: tl.constexpr = (
        K - 1 if SPREAD else BORDER
    )  # columns from the strip's first window to its first pixel
    OWN: tl.constexpr = LANES - K + 1 if SPREAD else LANES  # pixel columns of a strip
    WIDTH: tl.constexpr = LANES + HALO

    program = tl.program_id(0)
    plane = program // (row_strips * column_strips)
    strip = (program // column_strips % row_strips).to(tl.int64)
    n, c = (plane // channels).to(tl.int64), (plane % channels).to(tl.int64)
    sizes = (height, width)
    image_x, image_y = (x + n * x_n + c * x_c, x_h, x_w), (y + n * y_n + c * y_c, y_h, y_w)
    image_mask = image_x
    if MASKED:
        image_mask = (mask + n * mask_n + c * mask_c, mask_h, mask_w)
    images = (image_x, image_y, image_mask)
    shifts = (
        shift(image_x, image_mask, sizes, lo, K, PADDING, MASKED),
        shift(image_y, image_mask, sizes, lo, K, PADDING, MASKED),
    )
    offset_a, offset_b = fields(shifts[0] - lo, shifts[1] - lo, FIELDS)

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

    # The strip that owns a pixel also computes the contributions of padded rows that repeat it.
    first_pixel, last_pixel = top, bottom
    if FOLDS:
        first_pixel = tl.where(top == 0, -BORDER, top)
        last_pixel = tl.where(bottom == height, height + BORDER, bottom)
    first_row = top - BORDER
    end = tl.minimum(bottom, map_height) - BORDER + K - 1
    if SPREAD:
        first_row = tl.maximum(first_pixel - K + 1, -BORDER)
        end = last_pixel + K  # derivatives are spread one step after they are made

    staged_images = scratch + program.to(tl.int64) * (2 * (ROWS + MAPS) * WIDTH)
    staged_maps = staged_images + 2 * ROWS * WIDTH
    halo = LANES + tl.arange(0, HALO)
    halo_column = left - LEAD + halo
    first = read(images, shifts, first_row, begin, sizes, lo, FIELDS, MASKED, PADDING)
    stage(staged_images, lane, first, WIDTH, ROWS)
    first = read(images, shifts, first_row, halo_column, sizes, lo, FIELDS, MASKED, PADDING)
    stage(staged_images, halo, first, WIDTH, ROWS)
    states = idle(LANES, K, FILTERED)
    if SPREAD:
        for m in tl.static_range(MAPS):
            tl.store(staged_maps + (MAPS + m) * WIDTH + lane, tl.zeros([LANES], tl.float32))
        spread_states = idle(LANES, K, MAPS)
        if upstream is not None:
            upstream_plane = upstream + n * upstream_n + c * upstream_c
        if WANT_X:
            image_grad_x = (grad_x + n * grad_x_n + c * grad_x_c, grad_x_h, grad_x_w)
        if WANT_Y:
            image_grad_y = (grad_y + n * grad_y_n + c * grad_y_c, grad_y_h, grad_y_w)
        weights = window
        if FOLDS:
            weights = folding_weights(window, column, width, K, PADDING)
        backwards = ()
        for k in tl.static_range(K):
            backwards += (window[K - 1 - k],)
    of_sums = (1.0, 1.0)
    if factors is not None:
        of_sums = (tl.load(factors + plane * SUMS), tl.load(factors + (plane * SUMS + SUMS - 1)))
    tl.debug_barrier()

    sums = tl.zeros([LANES], tl.float32)
    if SUMS == 2 or MASKED:
        others = tl.zeros([LANES], tl.float32)
    distances = tl.zeros([LANES], tl.float32)
    slot = 0
    row = first_row
    for _ in range(first_row, end):
        filtered = filter_products(
            staged_images + slot * (ROWS * WIDTH) + lane, window, WIDTH, K, CROSSED, MASKED
        )
        states, filtered = push_each(states, filtered, window, K, FILTERED)
        # Read the next step's pixels early.
        following = read(images, shifts, row + 1, begin, sizes, lo, FIELDS, MASKED, PADDING)
        beyond = read(images, shifts, row + 1, halo_column, sizes, lo, FIELDS, MASKED, PADDING)
        means, variances, mass = _moments(filtered, CROSSED, MASKED)

        value, slopes = POINT(
            (means[0] + offset_a, means[1] + offset_b), variances, constants, of_sums
        )
        # A condition on the row is part of a mask, as a bound on its columns.
        map_row = row - K + 1 + BORDER
        row_valid = (row - K + 1 >= first_row) & (map_row < map_height)
        valid = (position >= 0) & (position < tl.where(row_valid, map_width, 0))
        own = (position >= left) & (
            position < tl.where(row_valid & (map_row >= top) & (map_row < bottom), map_right, 0)
        )

        if MASKED:
            sums += tl.where(own, value[0] * mass, 0.0)
            others += tl.where(own, mass, 0.0)
        else:
            sums += tl.where(own, value[0], 0.0)
        if SUMS == 2:
            others += tl.where(own, value[1], 0.0)
        if values is not None:
            at = values + (map_offset + map_row.to(tl.int64) * map_width)
            tl.store(at, value[0], mask=own)

        if SPREAD:
            staged = staged_maps + (1 - slot) * (MAPS * WIDTH) + lane
            moved, spread = (), ()
            for m in tl.static_range(MAPS):
                gathered = filter_transposed(staged + m * WIDTH, weights, K)
                state, gathered = push(spread_states[m], gathered, backwards, K)
                moved += (state,)
                spread += (gathered,)
            spread_states = moved
            pixel_row = row - K
            until = tl.where(pixel_row >= first_pixel, right, 0)
            inside = (pixel_row >= top) & (pixel_row < bottom)
            pixel_x = pixels(image_x, pixel_row, column, sizes, lo, PADDING)
            pixel_y = pixels(image_y, pixel_row, column, sizes, lo, PADDING)
            a, b = fields(pixel_x - shifts[0], pixel_y - shifts[1], FIELDS)
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
            real_row = fold(pixel_row, height, PADDING)
            if BOTH:
                of_a, of_b = spread[0] + a * spread[2], spread[1] + b * spread[3]
                if CROSSED:
                    of_a += b * spread[4]
                    of_b += a * spread[4]
                to_x, to_y = to_image(of_a, of_b, "x", FIELDS), to_image(of_a, of_b, "y", FIELDS)
            else:
                to_x = spread[2] + a * spread[0] + b * spread[1]
                to_y = to_x
            if MASKED:
                weight = pixels(image_mask, pixel_row, column, sizes, 1.0, PADDING)
                to_x = tl.where(weight != 0, weight * to_x, 0.0)
                to_y = tl.where(weight != 0, weight * to_y, 0.0)
            if WANT_X:
                write_row(image_grad_x, real_row, column, to_x + slope, until, written, FOLDS)
            if WANT_Y:
                write_row(image_grad_y, real_row, column, to_y - slope, until, written, FOLDS)
            derived = _derived(means, slopes, CROSSED)
            if not BOTH:
                derived = _for_one(derived, ONE, FIELDS, CROSSED)
            counts = valid
            if MASKED:
                counts = valid & (mass > 0)
            made = staged_maps + slot * (MAPS * WIDTH) + lane
            factor = scale
            if upstream is not None:
                at = upstream_plane + map_row.to(tl.int64) * upstream_h
                factor *= tl.load(at + position.to(tl.int64) * upstream_w, mask=valid, other=0.0)
            for m in tl.static_range(MAPS):
                of_map = derived[m]
                if factors is None:
                    of_map *= factor
                tl.store(made + m * WIDTH, tl.where(counts, of_map, 0.0))
        elif PIXEL != "none":
            pixel_x = pixels(image_x, row, column, sizes, lo, PADDING)
            pixel_y = pixels(image_y, row, column, sizes, lo, PADDING)
            distance, slope = _distance(pixel_x, pixel_y, eps, PIXEL)
            distances += tl.where(
                column < tl.where((row >= top) & (row < bottom), right, 0), distance, 0.0
            )

        row += 1
        slot = 1 - slot
        stage(staged_images + slot * (ROWS * WIDTH), lane, following, WIDTH, ROWS)
        stage(staged_images + slot * (ROWS * WIDTH), halo, beyond, WIDTH, ROWS)
        tl.debug_barrier()

    total = tl.sum(sums) * scale
    if PIXEL != "none":
        total += tl.sum(distances) * pixel_scale
    tl.store(partials + program, total)
    if SUMS == 2 or MASKED:
        tl.store(partials + (tl.num_programs(0) + program), tl.sum(others))
