"""Laplacian pyramid distance: ``sum_j w_j mean rho(L_j(pred - target))`` over the bands ``L_j`` of
a Laplacian pyramid. The last band is the low-pass image that remains.

Bojanowski, Joulin, Lopez-Paz & Szlam, "Optimizing the latent space of generative networks", 2018,
after Ling & Okada 2006; Burt & Adelson 1983 for the pyramid.
"""

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores, reduce
from ssimloss.conventions.attributes import OVER_BATCH, Attribute, distance
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._distance import Distance, check_distance, distance_of
from ssimloss.functional._gradient_similarity import check_least_side
from ssimloss.functional._pyramids import expanded, reduced
from ssimloss.measure import Measure

_OUTER = 1 / 16  # of the filter 1 4 6 4 1


class LaplacianPyramidOptions(Reduced):
    """Options of the Laplacian pyramid distance.

    Args:
        level_weights: one weight for each band, finest first; the last band is the low-pass image
            that remains.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier, in the images' own units; for equal images, the mean of a band
            is ``eps``, not 0.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    level_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)
    distance: Distance = "l1"
    eps: float = 1e-3

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.weights("level_weights", self.level_weights)
        check_distance(self.distance, self.eps)


def _laplacian_pyramid(pred: Tensor, target: Tensor, options: LaplacianPyramidOptions) -> Scores:
    """Distance of Laplacian pyramids: edges count at every scale.

    The paper sums the absolute values of band ``j`` with the weight ``2^(2 j)``. Band ``j`` has
    ``2^(2 j)`` times fewer pixels than the image, so this equals the sum of the means of the bands
    times the number of pixels. The default is the sum of the means.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range, at least
            ``2^(levels - 1) + 1`` pixels on the short side: 17 for five bands.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are too small, weights are negative or all 0, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: Bojanowski et al. 2018; five bands with halved weights are those of Niklaus & Liu 2018.
    """
    _checks.images(pred, target)
    levels = len(options.level_weights)
    check_least_side(pred, 2 ** (levels - 1) + (levels > 1), f"for {levels} bands")
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    rest = pred - target  # bands are linear, so the difference is decomposed once
    total = rest.new_zeros(rest.shape[0])
    for level, weight in enumerate(options.level_weights):
        band = rest
        if level < levels - 1:
            rest = reduced(rest, _OUTER, "reflect")
            size = (band.shape[2], band.shape[3])
            band = band - expanded(rest, _OUTER, size, "reflect")
        if weight:
            values = distance_of(band, options.distance, options.eps)
            total = total + weight * reduce(values, "image")
    return Scores(total, None, 1, dtype)


LAPLACIAN_PYRAMID = Measure(
    "laplacian_pyramid",
    "Laplacian pyramid distance",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Bojanowski et al. 2018",
    _laplacian_pyramid,
    LaplacianPyramidOptions,
    formula="sum over five bands of a Laplacian pyramid of the mean of |x - y|, of images on a "
    "scale of [0, 1] (Bojanowski et al. 2018)",
    module="LaplacianPyramidLoss",
    metric="LaplacianPyramid",
    agrees="the papers' formulas: 1e-12",
)
laplacian_pyramid = laplacian_pyramid_loss = LAPLACIAN_PYRAMID.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "LAPLACIAN_PYRAMID",
    LAPLACIAN_PYRAMID,
    (
        Attribute(
            "bands",
            ("level_weights",),
            lambda s: ", ".join(f"{weight:g}" for weight in s["level_weights"]),
            lambda s: (
                f"{len(s['level_weights'])} bands of a Laplacian pyramid with the filter "
                "1 4 6 4 1, weighted by "
                f"{', '.join(f'{weight:g}' for weight in s['level_weights'])}"
            ),
        ),
        distance("mean {} of each band"),
        OVER_BATCH,
    ),
    Convention(
        "bojanowski2018",
        "the sum of the means of five bands",
        "sum over j of 2^(2 j) |L_j|_1, over the number of pixels",
        "tests/reference.py",
        1e-12,
        notes=("The paper does not state the number of bands.",),
    ),
    Convention(
        "niklaus2018",
        "means of five bands with halved weights",
        "sum over j of 2^j |L_j|_1, over the number of pixels",
        "tests/reference.py",
        1e-12,
        options={"level_weights": (1.0, 0.5, 0.25, 0.125, 0.0625)},
    ),
    Convention(
        "rife",
        "the sum of the means of five bands",
        "LapLoss()",
        "RIFE 5d8adbd",
        1e-12,
        options={"level_weights": (1.0, 1.0, 1.0, 1.0, 1.0, 0.0)},
        notes=(
            "The image that remains has no weight.",
            "The program needs sides that are multiples of 32.",
        ),
    ),
    Convention(
        "robust_video_matting",
        "means of five bands, weighted by doubles",
        "laplacian_loss(pred, target)",
        "RobustVideoMatting 53d74c6",
        1e-12,
        options={"level_weights": (0.2, 0.4, 0.8, 1.6, 3.2, 0.0)},
        notes=(
            "The image that remains has no weight.",
            "The program multiplies means by 2^j / 5, where the papers weight sums.",
            "At odd sides, it crops each band to an even size first.",
        ),
    ),
)
