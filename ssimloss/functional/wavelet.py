"""Distance of wavelet coefficients: the sub-bands of a decimated or a stationary transform.

``a[k] = sum_t h[t] x[2 k + t]`` and ``d[k] = sum_t g[t] x[2 k + t]`` along rows and columns; the
stationary transform keeps every ``k`` and spreads the filters instead (Mallat 1989; Nason &
Silverman 1995). As a loss of super-resolution: Korkmaz, Tekalp & Dogan 2024.
"""

import math
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._options import Reduced
from ssimloss._precision import autocast_off, computing_dtype, native_dtype, promote
from ssimloss._reduce import Scores, reduce
from ssimloss.color import luma
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, distance
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.preparation import Preparation
from ssimloss.functional._distance import Distance, check_distance, distance_of
from ssimloss.functional._filter_bank import split
from ssimloss.functional._gradient_similarity import check_least_side
from ssimloss.functional._wavelets import WAVELETS, WaveletName
from ssimloss.measure import Measure

Transform = Literal["stationary", "decimated"]
TRANSFORMS: tuple[str, ...] = get_args(Transform)

_GAIN = math.sqrt(2)  # sum of an orthonormal low-pass filter


class WaveletOptions(Reduced):
    """Options of the wavelet distance.

    Args:
        wavelet: ``"haar"``, ``"db2"``, ``"db4"`` (Daubechies; their number is that of vanishing
            moments), ``"sym7"``, ``"sym19"`` (the most symmetric of them), or ``"cdf97"``, the
            pair 9/7 of JPEG 2000.
        transform: ``"stationary"`` has a coefficient at every pixel, so that a shifted error costs
            the same; ``"decimated"`` halves each level.
        level_weights: weights of the levels, finest first; their number is the number of levels.
        band_weights: weights of the details of each level: LH (horizontal edges), HL (vertical
            edges) and HH (diagonals). At least one must not be 0.
        approximation_weight: weight of LL, the low-pass rest after the last level.
        distance: ``rho``: ``"charbonnier"`` ``sqrt(d^2 + eps^2)``, ``"l1"`` ``|d|``, or ``"l2"``
            ``d^2``.
        eps: of Charbonnier, in the images' own units; the mean of a band is ``eps``, not 0, at
            equal images.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    wavelet: WaveletName = "haar"
    transform: Transform = "stationary"
    level_weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    band_weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    approximation_weight: float = 1.0
    distance: Distance = "charbonnier"
    eps: float = 1e-3

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("wavelet", self.wavelet, WAVELETS)
        _checks.choice("transform", self.transform, TRANSFORMS)
        _checks.weights("level_weights", self.level_weights)
        if self.band_weights == (0, 0, 0):
            raise ValueError(
                f"band_weights must not be all zero, got {self.band_weights!r}; to compare LL "
                "alone, the image at a coarser scale, use a pixel loss of shrunk images"
            )
        _check_band_weights(self.band_weights, "; approximation_weight is that of LL")
        _checks.non_negative("approximation_weight", self.approximation_weight)
        check_distance(self.distance, self.eps)


def _check_band_weights(weights: tuple[float, ...], way_out: str = "") -> None:
    if len(_checks.weights("band_weights", weights)) != 3:
        raise ValueError(
            f"band_weights must hold three numbers, for LH, HL and HH, got {weights!r}{way_out}"
        )


def _wavelet(pred: Tensor, target: Tensor, options: WaveletOptions) -> Scores:
    """Distance of wavelet coefficients: the weighted sum over levels and sub-bands of the mean
    ``rho(W pred - W target)``.

    Filters of orthonormal wavelets have the norm 1: white noise is equally large in every band,
    smooth errors grow with the level. Each channel is transformed by itself. Images continue
    periodically, as in PyWavelets' ``swt2`` and its mode ``periodization``.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range. With weights for ``K`` levels, both
            sides have more than ``2^(K - 1)`` pixels: smaller images have no details at level
            ``K``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images are too small, there are not three band
            weights, all weights are 0, or an option value is unknown.
        TypeError: integer tensors.

    Source: Korkmaz, Tekalp & Dogan 2024, eq. 5, which is ``conventions.WAVELET["korkmaz2024"]``.
    Coefficients agree with PyWavelets 1.9 to 1e-12 in float64.
    """
    _checks.images(pred, target)
    deepest = max(level for level, weight in enumerate(options.level_weights) if weight)
    check_least_side(pred, 2**deepest + 1, f"for the details of {deepest + 1} levels")
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    rest = pred - target  # the transform is linear: one is enough
    total = rest.new_zeros(rest.shape[0])
    for level, level_weight in enumerate(options.level_weights):
        rest, details = _analysed(rest, options.wavelet, options.transform, level)
        for band, band_weight in zip(details, options.band_weights, strict=True):
            if level_weight * band_weight:
                total = total + level_weight * band_weight * _mean(band, options)
    if options.approximation_weight:
        total = total + options.approximation_weight * _mean(rest, options)
    return Scores(total, None, 1, dtype)


def _mean(band: Tensor, options: WaveletOptions) -> Tensor:
    return reduce(distance_of(band, options.distance, options.eps), "image")


@keywords()
def wavelet_transform(
    image: Tensor,
    *,
    wavelet: WaveletName = "haar",
    transform: Transform = "stationary",
    levels: int = 1,
) -> tuple[Tensor, list[Tensor]]:
    """The approximation, and the details of each level, finest first.

    :func:`wavelet_guidance` prepares the details for a discriminator.

    Args:
        image: float ``(N, C, H, W)``, any range.
        wavelet, transform: as in :func:`wavelet_loss`.
        levels: how many.

    Returns:
        LL of the last level ``(N, C, H', W')``, and LH, HL, HH of each as ``(N, C, 3, H', W')``:
        of the image's size for ``"stationary"``, half of it per level, rounded up, for
        ``"decimated"`` (a side that is odd repeats its last row or column).

    Raises:
        ValueError: a side is 0, ``levels`` is below 1, or an option value is unknown.
        TypeError: an integer tensor.
    """
    _checks.image("image", image)
    _check_sides("image", image)
    _checks.choice("wavelet", wavelet, WAVELETS)
    _checks.choice("transform", transform, TRANSFORMS)
    _checks.count("levels", levels)
    with autocast_off(image):
        rest, found = image.to(computing_dtype(image)), []
        for level in range(levels):
            rest, details = _analysed(rest, wavelet, transform, level)
            found.append(torch.stack(details, 2).to(image.dtype))
        return rest.to(image.dtype), found


@keywords()
def wavelet_guidance(
    image: Tensor,
    *,
    wavelet: WaveletName = "sym19",
    band_weights: tuple[float, float, float] = (0.035, 0.025, 0.02),
    data_range: DataRange = 1.0,
) -> Tensor:
    """The details of an image that a discriminator judges in place of the image: LH, HL and HH of
    one level of the stationary transform of the studio luma.

    Three channels go in and come out, so any discriminator of RGB images takes them::

        fake_logits = discriminator(F.wavelet_guidance(pred))
        real_logits = discriminator(F.wavelet_guidance(target))

    Pass the bands in both steps, that of the generator and that of the discriminator.

    Args:
        image: float RGB ``(N, 3, H, W)`` with values in ``data_range``.
        wavelet: as in :func:`wavelet_loss`.
        band_weights: factors of LH (horizontal edges), HL (vertical edges) and HH (diagonals), of
            8-bit codes. The default is neosr's; ``(1, 1, 1)`` with ``wavelet="sym7"`` is WGSR's.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``.

    Returns:
        ``(N, 3, H, W)`` in the image's dtype, with the image's graph.

    Raises:
        ValueError: the image is not RGB or has no pixel, there are not three weights, all are 0, or
            an option value is unknown.
        TypeError: an integer tensor.

    Source: Korkmaz, Tekalp & Dogan 2024; neosr's ``wavelet_guided``, which it equals to 1e-10.
    Their low-pass filter has the sum 1, where that of the wavelet has ``sqrt(2)``. neosr passes the
    bands to the discriminator's step alone, without a graph.
    """
    _check_band_weights(band_weights)
    _checks.image("image", image)
    _check_sides("image", image)
    _checks.choice("wavelet", wavelet, WAVELETS)
    _, span = _checks.data_range(data_range)
    with autocast_off(image):
        y = luma(image.to(computing_dtype(image)), "bt601_studio", data_range) * (255 / span)
        _, bands = _analysed(y, wavelet, "stationary", 0)
        # LH and HL have one low-pass filter, HH has none.
        factors = (band_weights[0] / _GAIN, band_weights[1] / _GAIN, band_weights[2])
        weighted = [factor * band for factor, band in zip(factors, bands, strict=True)]
        return torch.cat(weighted, 1).to(image.dtype)


def _check_sides(name: str, image: Tensor) -> None:
    if 0 in image.shape[2:]:
        raise _checks.TooSmallError(
            f"{name} must have sides of at least 1 pixel, got {tuple(image.shape)}; a transform "
            "needs a sample"
        )


def _analysed(
    image: Tensor, wavelet: str, transform: str, level: int
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """LL, and (LH, HL, HH), of which the first letter is the filter along rows."""
    step = 1 if transform == "decimated" else 2**level
    low, high = split(image, 3, wavelet, step, transform)
    (ll, lh), (hl, hh) = (split(half, 2, wavelet, step, transform) for half in (low, high))
    return ll, (lh, hl, hh)


WAVELET = Measure(
    "wavelet",
    "wavelet distance",
    "",
    "lower",
    None,
    (0.0, float("inf")),
    "Korkmaz, Tekalp & Dogan 2024",
    _wavelet,
    WaveletOptions,
    formula="sum over the sub-bands of three levels of the stationary Haar transform of the mean "
    "Charbonnier distance of coefficients of images on a scale of [0, 1]",
    module="WaveletLoss",
    metric="Wavelet",
    agrees="PyWavelets' coefficients: 1e-12",
)
wavelet = wavelet_loss = WAVELET.loss


# --- conventions ----------------------------------------------------------------------------------


def _scaled(
    pred: Tensor, target: Tensor, *, data_range: float = 1.0, factor: float = 1.0, **options: Any
) -> Tensor:
    """Of prepared images, whose range is [0, 1]."""
    assert data_range == 1
    return factor * wavelet_loss(pred, target, **options)


def _weights(state: Any) -> str:
    bands = zip(("LH", "HL", "HH"), state["band_weights"], strict=True)
    parts = (*bands, ("LL", state["approximation_weight"]))
    return ", ".join(f"{weight:.4g} {name}" for name, weight in parts)


_ATTRIBUTES = (
    *PREPARATION,
    Attribute(
        "transform",
        ("wavelet", "transform", "level_weights"),
        lambda s: f"{s['transform']} {s['wavelet']}, {len(s['level_weights'])} levels",
        lambda s: (
            f"{s['transform']} transform of {s['wavelet']}, levels weighted by "
            f"{', '.join(f'{v:g}' for v in s['level_weights'])}"
        ),
    ),
    Attribute("bands", ("band_weights", "approximation_weight"), _weights, _weights),
    distance("mean {} of coefficients"),
    Attribute(
        "factor",
        ("factor",),
        lambda s: f"{s['factor']:g}",
        lambda s: f"times {s['factor']:g}" if s["factor"] != 1 else "",
    ),
    OVER_BATCH,
)

CONVENTIONS = Table(
    "WAVELET",
    WAVELET,
    _ATTRIBUTES,
    Convention(
        "korkmaz2024",
        "the authors' loss of one level, on studio luma of 255 codes",
        "WGSR, train_WGSR.json: pixel_weight, pixel_weight_lh, _hl and _hh",
        "tests/reference.py",
        1e-9,
        # The original code's low-pass filter has sum 1, that of the wavelet sqrt(2).
        options={
            "wavelet": "sym7",
            "level_weights": (1.0,),
            "band_weights": (0.01 / _GAIN, 0.01 / _GAIN, 0.05),
            "approximation_weight": 0.1 / 2,
            "distance": "l1",
            "factor": 255.0,
        },
        preparation=Preparation(luma="bt601_studio"),
        notes=("Its adversarial loss judges LH, HL and HH: F.wavelet_guidance.",),
    ),
    title="wavelet distance",
    function=_scaled,
)
