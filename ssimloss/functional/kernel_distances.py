"""Squared maximum mean discrepancies of two sets of features: KID and CMMD, as losses.

Gretton et al. 2012; with a polynomial kernel Binkowski et al. 2018, with a Gaussian one Jayasumana
et al. 2024. Features on Apple's GPUs, which have no float64, are copied to the host, where the
result then is.
"""

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Options
from ssimloss._precision import to_float64_device
from ssimloss._torch import plain
from ssimloss.measure import Measure


class PolynomialOptions(Options):
    """Options of the kernel distance.

    Args:
        degree: degree of the polynomial, at least 1.
        gamma: factor of the inner product, positive; ``1 / D`` for None.
        coef0: constant that is added to the product.
    """

    degree: int = 3
    gamma: float | None = None
    coef0: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.count("degree", self.degree)
        if self.gamma is not None:
            _checks.positive("gamma", self.gamma)
        _checks.number("coef0", self.coef0)


def _kernel_distance(features_a: Tensor, features_b: Tensor, options: PolynomialOptions) -> Tensor:
    """KID: the unbiased squared maximum mean discrepancy under
    ``k(x, y) = (gamma x.y + coef0)^degree``, differentiable.

    ``mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean k(a_i, b_j)`` over all rows, in
    float64. It is not biased by the number of rows and can be slightly negative.

    Args:
        features_a, features_b: ``(N_a, D)`` and ``(N_b, D)``, one row per image, any scale.

    Returns:
        A float64 scalar.

    Raises:
        ValueError: not two dimensions, fewer than 2 rows, another ``D`` or device.
        TypeError: features that are not floating point.

    Source: Binkowski et al. 2018; defaults as in the authors' code.
    ``metrics.kernel_distance`` is its mean over random subsets.
    """
    a, b = _sets(features_a, features_b)
    gamma = 1 / a.shape[1] if options.gamma is None else options.gamma

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        power: Tensor = (gamma * x @ y.T + options.coef0) ** options.degree
        return power

    def within(x: Tensor) -> Tensor:
        values = kernel(x, x)
        return (values.sum() - values.diagonal().sum()) / (len(x) * (len(x) - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()


class GaussianOptions(Options):
    """Options of CMMD.

    Args:
        sigma: width of the kernel, in the features' own units; positive.
        scale: factor of the result, positive.
    """

    sigma: float = 10.0
    scale: float = 1000.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.positive("sigma", self.sigma)
        _checks.positive("scale", self.scale)


def _cmmd(features_a: Tensor, features_b: Tensor, options: GaussianOptions) -> Tensor:
    """CMMD: the squared maximum mean discrepancy under a Gaussian kernel, differentiable.

    ``scale (mean k(a_i, a_j) + mean k(b_i, b_j) - 2 mean k(a_i, b_j))`` with
    ``k(x, y) = exp(-|x - y|^2 / (2 sigma^2))`` over all pairs, those of a row with itself included,
    in float64. The distance is 0 for equal sets, and biased upwards by at most
    ``scale (1 / N_a + 1 / N_b)``.

    Args:
        features_a, features_b: ``(N_a, D)`` and ``(N_b, D)``, one row per image. The publication
            uses CLIP's image embeddings, scaled to unit length; other features may need another
            ``sigma``.

    Returns:
        A float64 scalar of at least 0, but for rounding.

    Raises:
        ValueError: not two dimensions, fewer than 2 rows, another ``D`` or device, a ``sigma`` or
            ``scale`` that is not positive.
        TypeError: features that are not floating point.

    Source: Jayasumana et al. 2024; defaults and the pairs on the diagonal as in the authors'
    program.
    """
    a, b = _sets(features_a, features_b)
    centre = b.detach().mean(0)  # distances are small beside the norms without it
    a, b = a - centre, b - centre
    squares_a, squares_b = a.square().sum(1), b.square().sum(1)

    def mean_kernel(x: Tensor, y: Tensor, squares_x: Tensor, squares_y: Tensor) -> Tensor:
        squared = squares_x[:, None] + squares_y[None, :] - 2 * x @ y.T
        return (-squared / (2 * options.sigma**2)).exp().mean()

    within = mean_kernel(a, a, squares_a, squares_a) + mean_kernel(b, b, squares_b, squares_b)
    return options.scale * (within - 2 * mean_kernel(a, b, squares_a, squares_b))


def _sets(features_a: Tensor, features_b: Tensor) -> tuple[Tensor, Tensor]:
    features_a, features_b = plain(features_a), plain(features_b)
    _checks.feature_sets("features_a", features_a, "features_b", features_b)
    return to_float64_device(features_a).double(), to_float64_device(features_b).double()


KERNEL_DISTANCE = Measure(
    "kernel_distance",
    "kernel distance of sets of features (KID)",
    "",
    "lower",
    0.0,
    (-float("inf"), float("inf")),
    "Binkowski et al. 2018",
    _kernel_distance,
    PolynomialOptions,
    role="loss",
)
kernel_distance_loss = KERNEL_DISTANCE.loss

CMMD = Measure(
    "cmmd",
    "Gaussian kernel distance of sets of features (CMMD)",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Jayasumana et al. 2024",
    _cmmd,
    GaussianOptions,
    role="loss",
)
cmmd_loss = CMMD.loss
