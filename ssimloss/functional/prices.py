"""Costs of logits with the label real or fake, for each kind of adversarial loss.

``R``, ``K`` and ``G`` of the table in :mod:`ssimloss.functional.adversarial`.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

from torch import Tensor
from torch.nn import functional as nnf

from ssimloss import _checks
from ssimloss._options import Options

Kind = Literal["cross_entropy", "least_squares", "hinge", "wasserstein", "softplus"]
KINDS: tuple[str, ...] = get_args(Kind)
Relativistic = Literal["average", "paired"]
RELATIVISTIC: tuple[str, ...] = get_args(Relativistic)
Smoothed = Literal["real", "both"]
SMOOTHED: tuple[str, ...] = get_args(Smoothed)
Targets = tuple[float, float, float]
_PRESETS = (
    "conventions.ADVERSARIAL has the names of papers and other libraries: "
    "AdversarialLoss(**conventions.ADVERSARIAL['lsgan'])"
)

Price = Callable[[Tensor], Tensor]


class Prices(NamedTuple):
    """The costs of logits ``(N, ...)`` with the label real and with the label fake."""

    real: Price
    fake: Price


class PriceOptions(Options):
    """The form of an adversarial loss.

    Args:
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"``, or
            ``"softplus"``, which is cross entropy as in StyleGAN, without labels.
        relativistic: None, ``"average"`` (relative to the mean of the other side, over batch and
            patches of this process) or ``"paired"`` (image by image).
        targets: targets of least squares for fake, real and the generator: ``a, b, c`` of the
            paper. None means ``(0, 1, 1)``, and in relativistic forms ``(-1, 1, 1)``, as published.
        square_weight: factor of the squares. None means 0.5 as in the paper, and 1 in relativistic
            forms; CycleGAN has 1 everywhere.
    """

    kind: Kind
    relativistic: Relativistic | None = None
    targets: Targets | None = None
    square_weight: float | None = None

    def __post_init__(self) -> None:
        """Check the options, and that the kind has them."""
        super().__post_init__()
        _checks.choice("kind", self.kind, KINDS, way_out=_PRESETS)
        if self.relativistic is not None:
            _checks.choice("relativistic", self.relativistic, RELATIVISTIC)
        if self.targets is not None:
            if not isinstance(self.targets, (tuple, list)) or len(self.targets) != 3:
                raise TypeError(
                    f"targets must be three numbers (fake, real, generator), got {self.targets!r}"
                )
            for i, value in enumerate(self.targets):
                _checks.number(f"targets[{i}]", value)
        if self.square_weight is not None:
            _checks.positive("square_weight", self.square_weight)
        for name in ("targets", "square_weight"):
            if getattr(self, name) is not None and self.kind != "least_squares":
                raise ValueError(
                    f"{name} must be None for kind={self.kind!r}: only least squares have targets"
                )


def discriminator_prices(
    options: PriceOptions, smoothing: float = 0.0, smoothed: Smoothed = "real"
) -> Prices:
    """``R`` and ``K``."""
    _, real, _ = _targets(options)
    return _prices(options, real, smoothing, smoothed)


def generator_prices(options: PriceOptions, saturating: bool) -> Prices:
    """The generator's costs of real and fake logits in a relativistic form. The paired form uses
    ``r - f``.
    """
    discriminator = discriminator_prices(options)
    if saturating:
        return Prices(lambda x: -discriminator.real(x), lambda x: -discriminator.fake(x))
    fooling = _fooling(options)
    if options.relativistic == "paired":
        return Prices(lambda x: fooling(-x), discriminator.real)
    return Prices(discriminator.fake, fooling)


def generator_price(options: PriceOptions, saturating: bool) -> Price:
    """``G``."""
    if options.kind in ("hinge", "wasserstein"):
        return lambda x: -x
    if saturating:
        return lambda x: -_cross_entropy(x, 0.0)
    return _fooling(options)


def _fooling(options: PriceOptions) -> Price:
    """``R`` with the generator's own target, ``c``."""
    _, _, generator = _targets(options)
    return _prices(options, generator, 0.0, "real").real


def _prices(options: PriceOptions, real: float, smoothing: float, smoothed: Smoothed) -> Prices:
    """``R`` and ``K`` with this target of real logits."""
    if options.kind == "hinge":
        return Prices(lambda x: nnf.relu(1 - x), lambda x: nnf.relu(1 + x))
    if options.kind == "wasserstein":
        return Prices(lambda x: -x, lambda x: x)
    fake, _, _ = _targets(options)
    gap = smoothing * (real - fake)
    real, fake = real - gap, fake + gap if smoothed == "both" else fake
    if options.kind == "least_squares":
        weight = _square_weight(options)
        return Prices(
            lambda x: weight * (x - real).square(), lambda x: weight * (x - fake).square()
        )
    return Prices(lambda x: _cross_entropy(x, real), lambda x: _cross_entropy(x, fake))


def _targets(options: PriceOptions) -> Targets:
    """The labels of fake, real and the generator; 0, 1 and 1 for cross entropy."""
    if options.targets is not None:
        return options.targets
    if options.kind == "least_squares" and options.relativistic is not None:
        return (-1.0, 1.0, 1.0)
    return (0.0, 1.0, 1.0)


def _square_weight(options: PriceOptions) -> float:
    if options.square_weight is not None:
        return options.square_weight
    return 0.5 if options.relativistic is None else 1.0


def _cross_entropy(x: Tensor, label: float) -> Tensor:
    """``-label log sigmoid(x) - (1 - label) log sigmoid(-x)``. A part of weight 0 is left out, so
    that an infinite logit does not cause NaN.
    """
    if label == 1:
        return -nnf.logsigmoid(x)
    if label == 0:
        return -nnf.logsigmoid(-x)
    return -label * nnf.logsigmoid(x) - (1 - label) * nnf.logsigmoid(-x)
