"""MS-SSIM: SSIM over the scales of a pyramid.

The product over scales ``j`` of ``mean(contrast_structure_j) ^ w_j``, including the luminance at
the coarsest scale (Wang, Simoncelli & Bovik 2003).
"""

from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced, derived
from ssimloss._precision import native_dtype
from ssimloss._reduce import Scores
from ssimloss.filters import check_window_options, make_window, pad, window_weights
from ssimloss.functional._equations import MEANS, halve, pyramid_means, similarity_mean
from ssimloss.functional._moments import (
    check_inputs,
    contrast_structure,
    local_statistics,
    luminance,
    shrunk,
    valid_pixels,
)
from ssimloss.functional._plane_means import plane_means
from ssimloss.functional._powers import NEGATIVES, Negative, product_of_powers
from ssimloss.functional._records import Stabilised
from ssimloss.kernels import (
    MAX_SCALES,
    MAX_TAPS,
    PYRAMID_SCORES,
    SIMILARITY_ALONE,
    SIMILARITY_MEANS,
    Backed,
    Comparison,
    Part,
    Scales,
    pyramid_scores,
    select,
    similarity_means,
    use,
)
from ssimloss.measure import Measure

MinSize = Literal["error", "fewer_scales"]
MIN_SIZES: tuple[str, ...] = get_args(MinSize)
PyramidPooling = Literal["floor", "zeros", "replicate", "symmetric"]
PYRAMID_POOLINGS: tuple[str, ...] = get_args(PyramidPooling)
Combination = Literal["product", "weighted_sum"]
COMBINATIONS: tuple[str, ...] = get_args(Combination)
Channels = Literal["separate", "joint"]
CHANNELS: tuple[str, ...] = get_args(Channels)
CoarsestPadding = Literal["valid", "reflect"]
COARSEST_PADDINGS: tuple[str, ...] = get_args(CoarsestPadding)

WANG_2003 = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # they sum to 1.0001 and are used as printed


class MSSSIMOptions(Backed, Stabilised, Reduced):
    """Options of MS-SSIM.

    Args:
        window_size, sigma: the Gaussian window at every scale; ``window_size`` odd unless
            ``coarsest_padding="valid"``.
        scale_weights: exponent of each scale, finest first; their number is the number of scales.
        negative: the treatment of a mean t that is not positive, for which a fractional power is
            not defined. ``"clamp"`` replaces values below 1e-3 by ``1e-6 / (2e-3 - t)``, which is
            positive and rising. This is nearly 0 and nearly flat, so the gradient used there is not
            its derivative, but the gradient at ``2e-3 - t``. ``"relu"`` replaces t by 0; the
            gradient of the whole channel is then 0. ``"relu_map"`` clamps every position at 0
            before the mean, which raises t (pyiqa). ``"shift"`` replaces every t by
            ``(t + 1) / 2``, which is another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses the scales that fit, with their weights normalised to sum to 1.
        pooling: halving of odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages over channels; ``"joint"``
            averages over channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
    """

    window_size: int = 11
    sigma: float = 1.5
    scale_weights: tuple[float, ...] = WANG_2003
    negative: Negative = "clamp"
    min_size: MinSize = "error"
    pooling: PyramidPooling = "floor"
    combination: Combination = "product"
    channels: Channels = "separate"
    coarsest_padding: CoarsestPadding = "valid"
    finest: Comparison = derived()
    uncovered: str | None = derived()

    def __post_init__(self) -> None:
        """Check the options, and prepare those of the kernel."""
        super().__post_init__()
        _checks.choice("coarsest_padding", self.coarsest_padding, COARSEST_PADDINGS)
        check_window_options(
            window="gaussian",
            window_size=self.window_size,
            sigma=self.sigma,
            padding=self.coarsest_padding,
        )
        _checks.weights("scale_weights", self.scale_weights)
        _checks.choice("negative", self.negative, NEGATIVES)
        _checks.choice("min_size", self.min_size, MIN_SIZES)
        _checks.choice("pooling", self.pooling, PYRAMID_POOLINGS)
        _checks.choice("combination", self.combination, COMBINATIONS)
        _checks.choice("channels", self.channels, CHANNELS)
        window = window_weights("gaussian", self.window_size, self.sigma)
        finest = Comparison(window, self.c1, self.c2, self.low, "ssim", "valid")
        self.derive(finest=finest, uncovered=self._uncovered())

    def _uncovered(self) -> str | None:
        """Why no kernel supports these options."""
        if self.negative == "relu_map":
            return "no kernel supports negative='relu_map'"
        if self.window_size > MAX_TAPS:
            return (
                f"kernels have windows of up to {MAX_TAPS} taps, and window_size is "
                f"{self.window_size}"
            )
        return None

    def weights_for(self, height: int, width: int) -> tuple[float, ...]:
        """The weights of the scales used for an image of this size."""
        wanted = len(self.scale_weights)
        fitting, size = 0, (height, width)
        while fitting < wanted and min(size) >= self.window_size:
            fitting += 1
            size = _halved(*size, self.pooling)
        if fitting == wanted:
            return tuple(self.scale_weights)
        if fitting == 0 and self.min_size == "fewer_scales":
            raise _checks.TooSmallError(
                f"pred and target of {(height, width)} pixels are smaller than the window of "
                f"{self.window_size}; use larger crops or a smaller window_size"
            )
        if self.min_size == "error":
            least = self.window_size * 2 ** (wanted - 1) - (
                2 ** (wanted - 1) - 1 if self.pooling != "floor" else 0
            )
            raise _checks.TooSmallError(
                f"pred and target of {(height, width)} pixels are too small: {wanted} scales of a "
                f"{self.window_size} pixel window need at least {least} pixels on the shorter "
                f"side, and {fitting} scales fit; use larger crops, min_size='fewer_scales', "
                "fewer scale_weights or a smaller window_size"
            )
        total = sum(self.scale_weights[:fitting])
        if total == 0:
            raise _checks.TooSmallError(
                f"scale_weights of the {fitting} scales that fit are all zero; use larger crops "
                "or other scale_weights"
            )
        return tuple(w / total for w in self.scale_weights[:fitting])


def ms_ssim_scores(
    pred: Tensor, target: Tensor, options: MSSSIMOptions, *, mask: Tensor | None = None
) -> Scores:
    """Multi-scale structural similarity, 1 for equal images.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``. Five scales of an
            11 pixel window need 176 pixels.
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images. Images without a valid
            pixel do not count in the mean.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C)`` for ``"none"``, ``(N, 1)`` with
        ``channels="joint"``.

    Raises:
        ValueError: images are too small, shapes differ, or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.

    Source: Wang, Simoncelli & Bovik 2003. ``ssimloss.conventions.MS_SSIM`` has the options of other
    programs.
    """
    check_inputs(pred, target, mask, ndim=(4,))
    weights = options.weights_for(*pred.shape[2:])
    uncovered = "no kernel supports masks" if mask is not None else options.uncovered
    backend = select(
        options.backend,
        pred,
        target,
        SIMILARITY_MEANS,
        uncovered=uncovered,
        uses=lambda: [
            use(pred, target, (comparison, SIMILARITY_ALONE), MEANS, promoted=True)
            for comparison in _comparisons(options, len(weights))
        ],
    )
    dtype = native_dtype(pred, target)
    in_one_call = options.coarsest_padding == "valid" and len(weights) <= MAX_SCALES
    if backend in PYRAMID_SCORES and in_one_call:
        words = options.combination, options.negative, options.channels
        scales = Scales(options.pooling, weights, *words)
        equation = partial(_pyramid, weights=weights, options=options)
        scores = pyramid_scores(
            pred, target, options.finest, scales, backend=backend, equation=equation
        )
        return Scores(scores, None, 1, dtype)
    terms, counted = _scale_by_scale(pred, target, options, mask, len(weights), backend)
    if options.channels == "joint" and counted is not None:
        valid = counted.sum(1, keepdim=True)
        terms = (terms * counted).sum(2, keepdim=True) / torch.where(valid > 0, valid, 1)
        counted = (valid > 0).to(counted.dtype)
    # The weight of a score is 1 if its plane has a valid pixel.
    return Scores(_combined(terms, weights, options), counted, 1, dtype)


MS_SSIM = Measure(
    "ms_ssim",
    "MS-SSIM",
    "",
    "higher",
    1.0,
    (0.0, 1.0),
    "Wang, Simoncelli & Bovik 2003",
    ms_ssim_scores,
    MSSSIMOptions,
    module="MSSSIMLoss",
    metric="MSSSIM",
    definition="ms_ssim",
    advice='Crops below 176 pixels need ``min_size="fewer_scales"``.',
    agrees="piq, torchmetrics, TensorFlow, msssim.m: 1e-9 to 1e-13; pytorch-msssim: 5e-6",
)
ms_ssim, ms_ssim_loss = MS_SSIM.score, MS_SSIM.loss


def _pyramid(x: Tensor, y: Tensor, weights: tuple[float, ...], options: MSSSIMOptions) -> Tensor:
    """The scores by the kernel of a whole pyramid."""
    terms = pyramid_means(x, y, options.finest, len(weights), options.pooling)
    return _combined(terms, weights, options)


def _combined(terms: Tensor, weights: tuple[float, ...], options: MSSSIMOptions) -> Tensor:
    """The means ``(S, N, C)`` of all scales as scores ``(N, C)``, or ``(N, 1)`` for
    joint channels.
    """
    if options.channels == "joint":
        terms = terms.mean(2, keepdim=True)
    if options.combination == "weighted_sum":
        score = sum(
            (w * t for w, t in zip(weights, terms.unbind(), strict=True)),
            start=torch.zeros_like(terms[0]),
        )
        return score / sum(weights)
    return product_of_powers(terms, weights, options.negative)


def _comparisons(options: MSSSIMOptions, scales: int) -> list[Comparison]:
    """The comparison at each scale, for images whose range begins at 0."""
    window, c1, c2 = options.finest.window, options.finest.c1, options.finest.c2
    finer = Comparison(window, c1, c2, 0.0, "contrast_structure", "valid")
    return [finer] * (scales - 1) + [Comparison(window, c1, c2, 0.0, "ssim", "valid")]


def _scale_by_scale(
    pred: Tensor,
    target: Tensor,
    options: MSSSIMOptions,
    mask: Tensor | None,
    scales: int,
    backend: str,
) -> tuple[Tensor, Tensor | None]:
    """The means ``(S, N, C)`` of all scales, and, with a mask, whether a plane has valid pixels."""
    x, y, mask = valid_pixels(pred, target, options.low, mask)
    window = make_window("gaussian", options.window_size, options.sigma, x)
    comparisons = _comparisons(options, scales)
    terms = []
    for scale in range(scales):
        coarsest = scale == scales - 1
        if coarsest and options.coarsest_padding == "reflect":
            amount = (options.window_size - 1) // 2
            x, y = pad(x, amount, "reflect"), pad(y, amount, "reflect")
            mask = None if mask is None else pad(mask, amount, "reflect")
        if backend == "eager":
            part: Part = "ssim" if coarsest else "contrast_structure"
            terms.append(_scale_means(x, y, window, options, part, mask))
        else:
            comparison = comparisons[scale]
            equation = partial(similarity_mean, comparison=comparison)
            terms.append(similarity_means(x, y, comparison, backend=backend, equation=equation))
        if not coarsest:
            x, y, mask = shrunk(partial(halve, pooling=options.pooling), x, y, mask)
    # At the coarsest scale: pixels that pooling drops at an odd border do not count.
    counted = None if mask is None else (mask.flatten(2).sum(2) > 0).to(x.dtype).expand(x.shape[:2])
    return torch.stack(terms), counted


def _scale_means(
    x: Tensor, y: Tensor, window: Tensor, options: MSSSIMOptions, part: Part, mask: Tensor | None
) -> Tensor:
    """Mean similarity ``(N, C)`` at one scale."""
    c1, c2 = options.c1, options.c2
    every_position = options.negative == "relu_map"
    if mask is None and not every_position:
        return plane_means(x, y, window, c1=c1, c2=c2, sample_factor=1.0, part=part)
    statistics = local_statistics(x, y, window, 1.0, mask)
    values = contrast_structure(statistics, c2)
    if every_position:
        values = values.relu()
    if part == "ssim":
        values = luminance(statistics, c1) * values
    if statistics.mass is None:
        return values.mean(3).mean(2)
    mass = statistics.mass.expand_as(values).sum((2, 3))
    return (values * statistics.mass).sum((2, 3)) / torch.where(mass > 0, mass, 1)


def _halved(height: int, width: int, pooling: PyramidPooling) -> tuple[int, int]:
    """Sizes of the next scale."""
    if pooling == "floor":
        return height // 2, width // 2
    if pooling == "replicate":
        extra = max(height % 2, width % 2)
        return (height + extra) // 2, (width + extra) // 2
    return (height + 1) // 2, (width + 1) // 2
