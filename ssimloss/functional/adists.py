"""A-DISTS: DISTS with local statistics, where the content decides what is compared as texture and
what as structure.

Ding, Liu, Zou, Wang & Ma 2021 ("Locally adaptive structure and texture similarity for image quality
assessment"), https://github.com/dingkeyan93/A-DISTS.
"""

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import constant
from ssimloss._options import Reduced
from ssimloss._precision import full_precision, product, promote
from ssimloss._reduce import Scores
from ssimloss._roots import root
from ssimloss.filters import blur, window_weights
from ssimloss.functional._recomputation import in_steps
from ssimloss.functional.features import Features, check_features, native_dtype
from ssimloss.measure import Measure

AdaptsTo = Literal["target", "pred"]
ADAPTS_TO: tuple[str, ...] = get_args(AdaptsTo)
C = 1e-6  # of both similarities
LEAST = 1e-12  # added to divisors
# A dispersion that varies by less than this many roundings is constant.
ROUNDING = 32
# Elements of a map per step: 8 MiB in float32 for each of about ten maps.
STEP = 2**21


class ADISTSOptions(Reduced):
    """Options of A-DISTS.

    Args:
        window_size: side of the Gaussian window of local statistics, an odd number of positions of
            each layer; its standard deviation is a third of that.
        adapts_to: the image whose content decides: ``"target"``, or ``"pred"`` as the authors'
            program with the image under test as its first argument.
    """

    window_size: int = 21
    adapts_to: AdaptsTo = "target"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if _checks.count("window_size", self.window_size, least=3) % 2 == 0:
            raise ValueError(f"window_size must be odd, got {self.window_size}")
        _checks.choice("adapts_to", self.adapts_to, ADAPTS_TO)


def _adists(pred_features: Features, target_features: Features, options: ADISTSOptions) -> Scores:
    """A-DISTS: one minus the mean over positions of ``sum_c w_c ((1 - p) l_c + p s_c)``, the
    similarities ``l`` of texture and ``s`` of structure of each channel under a Gaussian window.

    Features ``x`` and ``y`` are divided by the norm of their channel. With their local moments,
    ``l = (2 mu_x mu_y + c) / (mu_x^2 + mu_y^2 + c)`` and
    ``s = (2 cov_xy + c) / (var_x + var_y + c)``.

    The map ``p``, between 0 and 1, follows from the dispersion ``mean_c var / mu`` of undivided
    features: it is high at edges and low in texture and on flat areas. Each layer's map is
    multiplied by that of the next deeper layer. The weight ``w_c`` of a channel follows from its
    entropy over positions, held within half a standard deviation of the mean.

    In a layer with fewer than two positions of the window, moments are those of the whole image.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``, deepest last. The
            original uses the image on a scale of [0, 1] and five layers of VGG16 with L2 pooling.
        reduction: ``"mean"`` and ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar, or ``(N,)``. Values lie in [0, 2] for features that are not negative, above 1 only
        for opposite structures. Channels of large layers are compared in steps of bounded memory,
        which the backward pass computes again.

    Raises:
        ValueError: layers differ, ``window_size`` is even or below 3, or an option value is
            unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: the authors' code A-DISTS.py, whose map of structure and weights of channels differ
    from those of its older ADISTS(MM21).py. Agrees with it to its rounding where it is finite: it
    is NaN where the window has a single position. On flat images its map is a matter of rounding;
    here it is 0.
    """
    check_features(
        pred_features, target_features, pred_features if isinstance(pred_features, Mapping) else ()
    )
    content = target_features if options.adapts_to == "target" else pred_features
    shares = _structure_shares(content, options.window_size)
    weights = _channel_weights(content)
    parts = [
        _unlike(
            pred_features[layer],
            target_features[layer],
            weights[layer],
            shares[layer],
            options.window_size,
        )
        for layer in pred_features
    ]
    return Scores(torch.stack(parts, 1).sum(1), dtype=native_dtype(pred_features, target_features))


@full_precision
def _unlike(pred: Tensor, target: Tensor, weights: Tensor, share: Tensor, size: int) -> Tensor:
    """``mean_p sum_c w (1 - p) (1 - l) + w p (1 - s)`` of one layer, ``(N,)``, with each ``1 -``
    computed in the numerator.
    """
    pred, target = promote(pred, target)

    def of_some(pred: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        (x, mean_x), (y, mean_y) = (_centred(_unit_planes(plane)) for plane in (pred, target))
        maps = (x, y, x.square() + y.square(), (x - y).square())
        mu_x, mu_y, power, squares = _local(torch.cat(maps, 1), size).chunk(4, 1)
        spread = (power - mu_x.square() - mu_y.square()).clamp_min(0)
        structure = (squares - (mu_x - mu_y).square()).clamp_min(0) / (spread + C)
        mu_x, mu_y = mu_x + mean_x, mu_y + mean_y
        texture = (mu_x - mu_y).square() / (mu_x.square() + mu_y.square() + C)
        unlike = (texture + share * (structure - texture)).mean((2, 3))
        return (unlike * weights).sum(1)

    return _over_channels(of_some, pred, target, weights)


@full_precision
def _structure_shares(content: Features, size: int) -> dict[str, Tensor]:
    """``p`` of each layer, ``(N, 1, h, w)``, from the deepest one up."""
    shares: dict[str, Tensor] = {}
    share: Tensor | None = None
    for layer in reversed(list(content)):
        features, _ = promote(content[layer], content[layer])
        gamma, rounding = _dispersion(features, size)
        local = _is_local(features, size)
        found = _rescaled(_logistic(gamma, rounding)) if local else torch.sigmoid(gamma)
        if share is not None:
            found = found * _stretched(share, (found.shape[2], found.shape[3]))
        share = shares[layer] = _rescaled(found) if local else found
    return shares


def _dispersion(features: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """``mean_c var / mu``, and how much of it rounding can be: ``(N, 1, h, w)`` each."""
    eps = torch.finfo(features.dtype).eps

    def of_some(features: Tensor) -> Tensor:
        centred, _ = _centred(features)
        maps = (features, features.square(), centred, centred.square())
        mean, squares, mean_centred, squares_centred = _local(torch.cat(maps, 1), size).chunk(4, 1)
        # Where features are few, those of 0 keep a variance of exactly 0 this way.
        direct = squares < squares_centred
        least = torch.where(direct, squares, squares_centred)
        variance = (least - torch.where(direct, mean, mean_centred).square()).clamp_min(0)
        rounding = eps * least + eps**2 * squares  # of the sums, and of the features
        both = torch.stack((variance, rounding), 1) / (mean.clamp_min(0) + LEAST).unsqueeze(1)
        return both.sum(2)

    gamma, rounding = (_over_channels(of_some, features) / features.shape[1]).chunk(2, 1)
    return gamma, rounding.detach()


def _logistic(gamma: Tensor, rounding: Tensor) -> Tensor:
    """The logistic function of standardised dispersions, 1/2 where they only differ by rounding."""
    centred = gamma - gamma.mean((2, 3), keepdim=True)
    count = gamma.shape[2] * gamma.shape[3]
    deviation = root(centred.square().sum((2, 3), keepdim=True) / (count - 1))
    varies = deviation > ROUNDING * rounding.amax((2, 3), keepdim=True)
    standardised = centred / (torch.where(varies, deviation, 1) + LEAST)
    return torch.sigmoid(torch.where(varies, standardised, 0))


def _rescaled(maps: Tensor) -> Tensor:
    """From 0 to 1 in each image; 0 for a constant map."""
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    span = high - low
    some = span > 0
    return torch.where(some, (maps - low) / (torch.where(some, span, 1) + LEAST), 0)


def _stretched(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """``(N, 1, h, w)`` resized bilinearly to ``(N, 1, *size)``, corners aligned.

    Matrices are used because the backward pass of torch's own resizing uses atomics on CUDA.
    """
    rows, columns = (_between(maps.shape[2 + i], size[i], maps) for i in (0, 1))
    batch = len(maps)
    along = product(rows.expand(batch, -1, -1), maps.squeeze(1))
    return product(along, columns.expand(batch, -1, -1).mT).unsqueeze(1)


def _between(size: int, to: int, like: Tensor) -> Tensor:
    """``(to, size)`` weights of linear interpolation from the first to the last of ``size``."""
    step = (size - 1) / max(to - 1, 1)
    places = torch.arange(to, device=like.device, dtype=like.dtype) * step
    sources = torch.arange(size, device=like.device, dtype=like.dtype)
    return (1 - (places.unsqueeze(1) - sources).abs()).clamp_min(0)


@full_precision
def _channel_weights(content: Features) -> dict[str, Tensor]:
    """``w`` of each layer, ``(N, C)``, which sum to 1 over all layers. If no channel has entropy,
    all weights are equal.
    """
    entropies = {}
    for layer, features in content.items():
        features, _ = promote(features, features)
        entropy = _over_channels(_entropy, features, joined=True)
        mean = entropy.mean(1, keepdim=True)
        entropies[layer] = entropy / (mean + LEAST / entropy.shape[1])
    weights = torch.cat(list(entropies.values()), 1)
    weights = torch.where(weights.sum(1, keepdim=True) > 0, weights, 1)
    weights = weights / weights.sum(1, keepdim=True)
    mean = weights.mean(1, keepdim=True)
    reach = root((weights - mean).square().mean(1, keepdim=True)) / 2
    weights = torch.minimum(torch.maximum(weights, mean - reach), mean + reach)
    weights = weights / weights.sum(1, keepdim=True)
    sizes = [entropy.shape[1] for entropy in entropies.values()]
    return dict(zip(entropies, torch.split(weights, sizes, 1), strict=True))


def _entropy(features: Tensor) -> Tensor:
    """The entropy in bits of each channel as a distribution over positions, ``(N, C)``; 0 if all
    features are 0.
    """
    features = _unit_planes(features.relu())  # which bounds the slope at the smallest features
    share = features / (features.sum((2, 3), keepdim=True) + LEAST)
    return -(share * torch.log2(share + LEAST)).sum((2, 3))


def _unit_planes(features: Tensor) -> Tensor:
    """Each channel divided by its norm. One of zeros stays zero, and its gradient is finite."""
    squared = features.square().sum((2, 3), keepdim=True)
    norm = torch.where(squared > 0, squared, 1).sqrt()
    return features / norm.clamp_min(LEAST)


def _centred(features: Tensor) -> tuple[Tensor, Tensor]:
    """Each channel without its mean, for the digits of variances; and that mean, a constant."""
    mean = features.detach().mean((2, 3), keepdim=True)
    return features - mean, mean


def _is_local(features: Tensor, size: int) -> bool:
    """Whether the window has more than one position."""
    height, width = features.shape[2] - size + 1, features.shape[3] - size + 1
    return min(height, width) > 0 and height * width > 1


def _local(maps: Tensor, size: int) -> Tensor:
    """The mean under the window at every position, or over the whole image."""
    if not _is_local(maps, size):
        return maps.mean((2, 3), keepdim=True)
    return blur(maps, constant(window_weights("gaussian", size, size / 3), maps))


def _over_channels(
    function: Callable[..., Tensor], *planes: Tensor, joined: bool = False
) -> Tensor:
    """The sum, or the joined values, of ``function`` over steps of channels that need bounded
    memory and are computed again for the gradient.
    """
    n, channels, height, width = planes[0].shape
    step = min(max(STEP // max(n * height * width, 1), 1), channels)
    if step == channels:
        return function(*planes)
    of_some = in_steps(function)
    pieces = zip(*(torch.split(each, step, 1) for each in planes), strict=True)
    found = [of_some(*some) for some in pieces]
    return torch.cat(found, 1) if joined else torch.stack(found).sum(0)


ADISTS = Measure(
    "adists",
    "A-DISTS",
    "",
    "lower",
    0.0,
    (0.0, 2.0),
    "Ding et al. 2021",
    _adists,
    ADISTSOptions,
    role="index",
    autocast=True,
)
adists = ADISTS.loss
