"""SSIM at one scale.

``ssim = luminance^alpha * contrast^beta * structure^gamma`` under a sliding window, per channel
(Wang, Bovik, Sheikh & Simoncelli 2004, eq. 12).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal, get_args

from torch import Tensor

from ssimloss import _checks, _debug, _options
from ssimloss._documentation import sign_without
from ssimloss._options import derived
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Scores, slope_of
from ssimloss._torch import plain
from ssimloss.filters import (
    average_pool,
    box_subsample,
    make_window,
    window_weights,
)
from ssimloss.functional import _local_sums
from ssimloss.functional._equations import (
    LOCAL_SUMS,
    MAP,
    MEANS,
    masked_similarity,
    similarity,
    similarity_mean,
)
from ssimloss.functional._moments import (
    bordered,
    check_inputs,
    contrast_structure,
    deviation_product,
    flat_variance,
    local_statistics,
    luminance,
    map_size,
    shrunk,
    signed_power,
    valid_pixels,
)
from ssimloss.functional._plane_means import plane_means
from ssimloss.functional._records import Stabilised, Windowed
from ssimloss.kernels import (
    MAX_TAPS,
    MOMENT_SUMS,
    SIMILARITY_ALONE,
    SIMILARITY_MAP,
    SIMILARITY_MEANS,
    Backed,
    Backend,
    Comparison,
    Local,
    Use,
    select,
    similarity_map,
    similarity_means,
    use,
)
from ssimloss.measure import Measure

Covariance = Literal["population", "sample"]
COVARIANCES: tuple[str, ...] = get_args(Covariance)
Downsample = int | Literal["auto", "matlab"] | None
Exponents = tuple[float, float, float]


class SSIMOptions(Backed, Stabilised, Windowed):
    """Options of SSIM.

    Args:
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A power of a negative term keeps its sign, ``sign(s) |s|^gamma``. An
            exponent of 0 leaves the term out. The gradient of a flat window's deviation is that of
            the covariance.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over all axes.
        downsample: shrink the images first. An ``int`` averages blocks of that factor, ``"auto"``
            blocks of ``f = max(1, round(min(H, W) / 256))`` (piq). ``"matlab"`` does the same as
            ``ssim.m``: a box filter of that f with symmetric border, then every f-th sample.
    """

    exponents: Exponents = (1.0, 1.0, 1.0)
    covariance: Covariance = "population"
    downsample: Downsample = None
    is_plain: bool = derived()
    comparison: Comparison | None = derived()
    uncovered: str | None = derived()

    def __post_init__(self) -> None:
        """Check the options, and prepare those of the kernel."""
        super().__post_init__()
        if len(_checks.weights("exponents", self.exponents)) != 3:
            raise ValueError(
                "exponents must be three numbers (luminance, contrast, structure), got "
                f"{self.exponents!r}"
            )
        check_covariance(self.covariance, self.taps)
        if isinstance(self.downsample, str):
            _checks.choice("downsample", self.downsample, ("auto", "matlab"))
        elif self.downsample is not None:
            _checks.count("downsample", self.downsample)
        is_plain = tuple(self.exponents) == (1, 1, 1)
        self.derive(is_plain=is_plain, uncovered=self._uncovered(is_plain))
        self.derive(comparison=None if isinstance(self.window, Tensor) else self._comparison())

    def _uncovered(self, is_plain: bool) -> str | None:
        if not is_plain:
            return "no kernel supports exponents other than 1"
        if isinstance(self.window, Tensor):
            return "no kernel supports a window tensor, since its values would have to be read"
        if self.taps > MAX_TAPS:
            return f"kernels have windows of up to {MAX_TAPS} taps, and window_size is {self.taps}"
        return None

    def _comparison(self) -> Comparison:
        assert isinstance(self.window, str)
        weights = window_weights(self.window, self.window_size, self.sigma)
        # (2 u cov + C2) / (u var + C2) for the sample factor u
        c2 = self.c2 / sample_factor(self.covariance, self.taps, 2)
        return Comparison(weights, self.c1, c2, self.low, "ssim", self.padding)


def check_covariance(covariance: str, taps: int) -> None:
    """Raise for an unknown value, and for a sample of one."""
    _checks.choice("covariance", covariance, COVARIANCES)
    if covariance == "sample" and taps < 2:
        raise ValueError(
            "covariance='sample' divides by the number of window taps minus one; use a window "
            "of at least 2 taps"
        )


def sample_factor(covariance: Covariance, taps: int, axes: int) -> float:
    """The factor of variances and covariance."""
    count = taps**axes
    return count / (count - 1) if covariance == "sample" else 1.0


def _ssim(
    pred: Tensor, target: Tensor, options: SSIMOptions, *, mask: Tensor | None = None
) -> Scores:
    """Structural similarity: 1 for equal images, in [-1, 1] for images of non-negative values.

    ``(2 mu_x mu_y + C1) (2 cov_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2))`` with
    ``C = (k L)^2``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately. float16 and bfloat16 are computed in
            float32.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; the weight of a window is its share of valid pixels.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.

    Source: Wang et al. 2004. ``ssimloss.conventions.SSIM`` has the options of other libraries, and
    how closely each agrees.
    """
    check_inputs(pred, target, mask)
    if mask is not None:
        kernels, reason = MOMENT_SUMS["similarity"], _uncovered_mask(options, pred, mask)
        uses = partial(_uses_masked, pred, target, options)
    else:
        kernels = SIMILARITY_MAP if options.reduction == "none" else SIMILARITY_MEANS
        reason = uncovered(options, mask, pred.ndim)
        uses = partial(_uses, pred, target, options)
    backend = select(options.backend, pred, target, kernels, uncovered=reason, uses=uses)
    if backend != "eager":
        if mask is not None:
            return _fused_masked(pred, target, mask, options, backend)
        return _fused(pred, target, options, backend)
    x, y, mask = valid_pixels(pred, target, options.low, mask)
    x, y, mask = _downsampled(x, y, mask, options.downsample)
    x, y, mask = bordered(x, y, mask, options.taps, options.padding)
    window = make_window(options.window, options.window_size, options.sigma, x)
    axes = x.ndim - 2
    factor = sample_factor(options.covariance, options.taps, axes)
    dtype = native_dtype(pred, target)
    if options.is_plain and mask is None and axes == 2 and options.reduction != "none":
        means = plane_means(
            x, y, window, c1=options.c1, c2=options.c2, sample_factor=factor, part="ssim"
        )
        positions = (x.shape[2] - options.taps + 1) * (x.shape[3] - options.taps + 1)
        return Scores(means, None, positions, dtype)
    statistics = local_statistics(x, y, window, factor, mask, separate=not options.is_plain)
    if options.is_plain:
        values = luminance(statistics, options.c1) * contrast_structure(statistics, options.c2)
    else:
        assert statistics.cov_xy is not None
        alpha, beta, gamma = options.exponents
        c2, deviations = (
            options.c2,
            deviation_product(statistics, flat_variance(x.dtype, options.span)),
        )
        contrast = (2 * deviations + c2) / (statistics.var_sum + c2)
        structure = (statistics.cov_xy + c2 / 2) / (deviations + c2 / 2)
        values = (
            signed_power(luminance(statistics, options.c1), alpha)
            * signed_power(contrast, beta)
            * signed_power(structure, gamma)
        )
    return Scores(values, statistics.mass, 1, dtype)


SSIM = Measure(
    "ssim",
    "SSIM",
    "",
    "higher",
    1.0,
    (-1.0, 1.0),
    "Wang, Bovik, Sheikh & Simoncelli 2004",
    _ssim,
    SSIMOptions,
    module="SSIMLoss",
    metric="SSIM",
    definition="ssim",
    advice="Alone it hardly constrains brightness and colour: add a pixel loss or use "
    ":class:`MSSSIML1Loss`.",
    agrees="scikit-image, piq, kornia, torchmetrics, TensorFlow, ssim.m, BasicSR: 1e-7 to 1e-13; "
    "pytorch-msssim: 5e-6",
)
ssim, ssim_loss = SSIM.score, SSIM.loss


def ssim_map(*images: Any, **given: Any) -> Tensor:
    """The map of SSIM without reduction, ``(N, C, H', W')``.

    With ``padding="reflect"`` it has the size of the images. Under a mask, it is the similarity at
    each position without the weight, and 0 where the weight is 0. ``ssim(..., reduction="none")``
    is the map times the weight, whose sum is ``"sum"``.
    """
    images, tensors = SSIM.bind(images, given, "ssim_map")
    if "reduction" in given:
        known = _options.without(SSIMOptions, ("reduction",))
        raise _options.unknown("reduction", "ssim_map", known)
    record = SSIMOptions.make({**given, "reduction": "none"}, "ssim_map")
    if _debug.STATE.enabled:
        SSIM.check_values(images, record, tensors)
    return _scores(*plain(images), record, **plain(tensors)).as_map()


_scores: Callable[..., Scores] = full_precision(_ssim)
sign_without(ssim_map, SSIM, ("reduction",))


def uncovered(options: SSIMOptions, mask: Tensor | None, ndim: int) -> str | None:
    """Why no kernel supports this call, None if one may."""
    if mask is not None:
        return "no kernel supports masks"
    if ndim != 4:
        return "no kernel supports volumes"
    return options.uncovered


def _uses(pred: Tensor, target: Tensor, options: SSIMOptions) -> list[Use]:
    """What :func:`_fused` calls."""
    comparison, promoted = options.comparison, options.downsample is not None
    assert comparison is not None
    if options.reduction == "none":
        return [use(pred, target, (comparison,), MAP, promoted=promoted)]
    return [use(pred, target, (comparison, SIMILARITY_ALONE), MEANS, promoted=promoted)]


def _fused(pred: Tensor, target: Tensor, options: SSIMOptions, backend: Backend) -> Scores:
    dtype, x, y, comparison = native_dtype(pred, target), pred, target, options.comparison
    assert comparison is not None
    if options.downsample is not None:
        x, y = promote(pred, target)
        x, y, _ = _downsampled(x, y, None, options.downsample)
    height, width = map_size(x.shape[2:], options.taps, options.padding)
    if options.reduction == "none":
        equation = partial(similarity, comparison=comparison)
        values = similarity_map(x, y, comparison, backend=backend, equation=equation)
        return Scores(values, None, 1, dtype)
    positions = height * width
    # As a loss, because losses need gradients.
    slope = -slope_of(options.reduction, x.shape[:2])
    if options.reduction == "sum":
        slope *= positions
    equation = partial(similarity_mean, comparison=comparison)
    means = similarity_means(x, y, comparison, backend=backend, equation=equation, slope=slope)
    return Scores(means, None, positions, dtype)


def _uncovered_mask(options: SSIMOptions, pred: Tensor, mask: Tensor) -> str | None:
    """Why no kernel supports this call with a mask, None if one may."""
    by_sums = _local_sums.uncovered(pred, mask, options.window, options.taps, options.reduction)
    return by_sums or options.uncovered


def _uses_masked(pred: Tensor, target: Tensor, options: SSIMOptions) -> list[Use]:
    """What :func:`_fused_masked` calls."""
    assert options.comparison is not None
    called = _local(options.comparison), True
    return [use(pred, target, called, LOCAL_SUMS, promoted=options.downsample is not None)]


def _local(comparison: Comparison) -> Local:
    window, c1, c2, low, _, padding = comparison
    return Local("similarity", window, (len(window),), c1, c2, low, padding)


def _fused_masked(
    pred: Tensor, target: Tensor, mask: Tensor, options: SSIMOptions, backend: Backend
) -> Scores:
    x, y, weights, comparison = pred, target, mask, options.comparison
    assert comparison is not None
    if options.downsample is not None:
        x, y, valid = valid_pixels(pred, target, options.low, mask)
        x, y, shrunk = _downsampled(x, y, valid, options.downsample)
        assert shrunk is not None
        weights, comparison = shrunk, comparison._replace(low=0.0)
    scores = _local_sums.local_scores(
        x,
        y,
        weights,
        _local(comparison),
        partial(masked_similarity, mask=weights, comparison=comparison),
        backend=backend,
        reduction=options.reduction,
    )
    return replace(scores, dtype=native_dtype(pred, target))


def _downsampled(
    x: Tensor, y: Tensor, mask: Tensor | None, downsample: Downsample
) -> tuple[Tensor, Tensor, Tensor | None]:
    if downsample is None:
        return x, y, mask
    shortest = min(x.shape[2:])
    if downsample == "matlab":
        if x.ndim != 4:
            raise ValueError(
                "downsample='matlab' is defined for images (N, C, H, W) only; pass volumes an "
                "integer factor"
            )
        factor = max(1, int(shortest / 256 + 0.5))
    else:
        factor = max(1, round(shortest / 256)) if downsample == "auto" else downsample
    if factor == 1:
        return x, y, mask
    if factor > shortest:
        raise _checks.TooSmallError(
            f"downsample={factor} is larger than the images {tuple(x.shape[2:])}; use a smaller "
            "factor"
        )
    shrink = box_subsample if downsample == "matlab" else average_pool
    return shrunk(partial(shrink, factor=factor), x, y, mask)
