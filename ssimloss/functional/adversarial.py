"""Adversarial losses of a generator and a discriminator, computed from the discriminator's logits.

Each kind defines a cost ``R(x)`` of a logit whose label is real, ``K(x)`` of a logit whose label is
fake, and ``G(x)`` for the generator. With ``r`` and ``f`` the logits of real and generated images
and ``E`` the mean over the batch::

    cross_entropy   R = -log sigmoid(x)   K = -log sigmoid(-x)   G = R                [1]
    softplus        the same, without labels to smooth                                [2]
    least_squares   R = (x - b)^2 / 2     K = (x - a)^2 / 2      G = (x - c)^2 / 2    [3]
    hinge           R = max(0, 1 - x)     K = max(0, 1 + x)      G = -x               [4]
    wasserstein     R = -x                K = x                  G = R                [5]

                    discriminator                      generator
    plain           E R(r) + E K(f)                    E G(f)
    average         E R(r - E f) + E K(f - E r)        E K(r - E f) + E R(f - E r)    [6]
    paired          E R(r - f)                         E R(f - r)                     [6, 7]

    [1] Goodfellow et al. 2014                [5] Arjovsky, Chintala & Bottou 2017
    [2] Karras et al. 2019 (StyleGAN)         [6] Jolicoeur-Martineau 2018
    [3] Mao et al. 2017                       [7] Huang et al. 2024 (R3GAN)
    [4] Lim & Ye 2017
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, reduce
from ssimloss.functional._processes import mean_over_processes
from ssimloss.functional.logits import (
    Leaf,
    Logits,
    Scaled,
    check_alike,
    leaves,
    over_scales,
    own_class,
    require_finite,
)
from ssimloss.functional.prices import (
    SMOOTHED,
    Price,
    PriceOptions,
    Prices,
    Relativistic,
    Smoothed,
    discriminator_prices,
    generator_price,
    generator_prices,
)
from ssimloss.measure import Measure

Total = Literal["sum", "mean"]
TOTALS: tuple[str, ...] = get_args(Total)


class JudgementOptions(Scaled, PriceOptions, Reduced):
    """Options of both sides of an adversarial loss.

    Args:
        total: ``"sum"`` or ``"mean"`` of the parts for real and for fake logits (``"mean"``:
            CycleGAN, ESRGAN). For the generator, only the relativistic average has both parts.
        synchronize: compute the average over all processes of ``torch.distributed`` instead of each
            alone (as other libraries do). All processes need equal batches, and each must call the
            loss and its backward pass.
        check_finite: raise for logits that are not finite. This reads values: it waits for the
            device, and does not compile.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` of each tensor of logits;
            ``"none"`` only for a single tensor.
    """

    total: Total = "sum"
    synchronize: bool = False
    check_finite: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("total", self.total, TOTALS)
        _checks.flag("synchronize", self.synchronize)
        _checks.flag("check_finite", self.check_finite)


class GeneratorOptions(JudgementOptions):
    """Options of the generator's loss.

    Args:
        saturating: for cross entropy and softplus, minimise minus the discriminator's loss (the
            minimax game) instead of the loss with labels exchanged. Its gradient vanishes where the
            discriminator is confident.
        detach_real: treat the real logits as constants (ESRGAN), so that no graph of the
            discriminator is kept for them. This does not change the gradient of a generator,
            unless real logits depend on the generator.
    """

    saturating: bool = False
    detach_real: bool = True

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.flag("saturating", self.saturating)
        _checks.flag("detach_real", self.detach_real)
        if self.saturating and self.kind not in ("cross_entropy", "softplus"):
            raise ValueError(
                f"saturating must be False for kind={self.kind!r}: only cross entropy has a "
                "saturating form"
            )


class DiscriminatorOptions(JudgementOptions):
    """Options of the discriminator's loss.

    Args:
        label_smoothing: how far the label of real moves towards that of fake, at most 0.5; for
            cross entropy and least squares.
        smoothed: smooth the ``"real"`` labels only (one-sided, Salimans et al. 2016), or ``"both"``
            labels.
        flip_probability: probability that the label of an image (in the paired form, of a pair) is
            flipped.
        detach_average: treat the average of the other side as a constant (BasicSR's ESRGAN), unlike
            the paper.
    """

    label_smoothing: float = 0.0
    smoothed: Smoothed = "real"
    flip_probability: float = 0.0
    detach_average: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("smoothed", self.smoothed, SMOOTHED)
        _checks.flag("detach_average", self.detach_average)
        _checks.fraction("flip_probability", self.flip_probability)
        smoothing = _checks.fraction("label_smoothing", self.label_smoothing)
        has_labels = self.kind in ("cross_entropy", "least_squares")
        if smoothing > 0.5 or (smoothing and not has_labels):
            raise ValueError(
                "label_smoothing must be at most 0.5, and 0 for kinds without labels, got "
                f"{self.label_smoothing!r} for kind={self.kind!r}"
            )


class AdversarialOptions(GeneratorOptions, DiscriminatorOptions):
    """Options of both losses; each uses its own."""


def _adversarial_discriminator(
    real_logits: Logits,
    fake_logits: Logits,
    options: DiscriminatorOptions,
    *,
    labels: Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Tensor:
    """The discriminator's loss, computed from its logits (not probabilities) for real and for
    generated images.

    Detach the generated images before the discriminator, ``discriminator(fake.detach())``; the loss
    cannot do this from the logits.

    Args:
        real_logits, fake_logits: ``(N,)``, ``(N, 1)`` or a map of patches ``(N, 1, H, W)``; or
            lists of such over scales, over discriminators, or over both. Equal shapes and lengths.
        labels: for class-specific discriminators, integers ``(N,)``; logits are then
            ``(N, K, ...)`` or a list of K, see :func:`class_logits`.
        rng: generator of the flips, on the device of the logits; None is PyTorch's default. Each
            call draws ``2 N`` numbers, ``N`` if paired.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of the logits for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, labels are out of range (see
            :func:`class_logits`), option values are unknown, or the kind does not have an option.
        TypeError: integers, or something that is neither a tensor nor a list.

    If a logit is NaN, the result is NaN; only ``check_finite`` raises for it.
    """
    real, fake = _both(real_logits, fake_logits, labels, options)
    prices = discriminator_prices(options, options.label_smoothing, options.smoothed)
    flips = _flips(real[0].logits, options.flip_probability, options.relativistic, rng)
    values = [
        (r.weight, _judged(r.logits, f.logits, options, prices, flips, options.detach_average))
        for r, f in zip(real, fake, strict=True)
    ]
    return over_scales(values, options.reduction)


def _adversarial_generator(
    fake_logits: Logits,
    options: GeneratorOptions,
    *,
    real_logits: Logits | None = None,
    labels: Tensor | None = None,
) -> Tensor:
    """The generator's loss, from the discriminator's logits (not probabilities) for its images.

    Args:
        fake_logits: logits of generated images, with the graph that leads back to the generator:
            ``(N,)``, ``(N, 1)`` or a map of patches ``(N, 1, H, W)``; or lists of such over scales,
            over discriminators, or over both.
        real_logits: logits of real images, with the same shapes. Relativistic forms need them;
            others ignore them.
        labels: for class-specific discriminators, integers ``(N,)``; logits are then
            ``(N, K, ...)`` or a list of K, see :func:`class_logits`.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of the logits for ``"none"``.

    Raises:
        ValueError: a relativistic form has no real logits; shapes, lengths or devices differ,
            labels are out of range (see :func:`class_logits`), option values are unknown, or the
            kind does not have an option.
        TypeError: integers, or something that is neither a tensor nor a list.

    Labels of real and fake are neither smoothed nor flipped here. If a logit is NaN, the result is
    NaN.
    """
    if options.relativistic is None:
        fake = _leaves("fake_logits", fake_logits, labels, options)
        price = generator_price(options, options.saturating)
        return over_scales(
            [(leaf.weight, _priced(leaf.logits, price, options.reduction)) for leaf in fake],
            options.reduction,
        )
    if real_logits is None:
        raise ValueError(
            f"real_logits must be given for relativistic={options.relativistic!r}, which compares "
            "fake logits with them"
        )
    real, fake = _both(real_logits, fake_logits, labels, options)
    prices = generator_prices(options, options.saturating)
    values = []
    for r, f in zip(real, fake, strict=True):
        r_logits = r.logits.detach() if options.detach_real else r.logits
        values.append((r.weight, _judged(r_logits, f.logits, options, prices)))
    return over_scales(values, options.reduction)


ADVERSARIAL_DISCRIMINATOR = Measure(
    "adversarial_discriminator",
    "adversarial loss of the discriminator",
    "",
    "lower",
    None,
    (float("-inf"), float("inf")),
    "Goodfellow et al. 2014",
    _adversarial_discriminator,
    DiscriminatorOptions,
    role="loss",
    autocast=True,  # disabled for each tensor of a list, because tensors may be on any device
)
adversarial_discriminator_loss = ADVERSARIAL_DISCRIMINATOR.loss

ADVERSARIAL_GENERATOR = Measure(
    "adversarial_generator",
    "adversarial loss of the generator",
    "",
    "lower",
    None,
    (float("-inf"), float("inf")),
    "Goodfellow et al. 2014",
    _adversarial_generator,
    GeneratorOptions,
    role="loss",
    autocast=True,
)
adversarial_generator_loss = ADVERSARIAL_GENERATOR.loss


@full_precision
def _judged(
    r: Tensor,
    f: Tensor,
    options: JudgementOptions,
    prices: Prices,
    flips: tuple[Tensor | None, Tensor | None] = (None, None),
    detach_average: bool = False,
) -> Tensor:
    """Both sides of one tensor of logits."""
    dtype, reduction = native_dtype(r, f), options.reduction
    r, f = promote(r, f)
    flipped_real, flipped_fake = (
        None if flip is None else flip.view(-1, *[1] * (r.ndim - 1)) for flip in flips
    )
    if options.relativistic == "paired":
        return reduce(_price(r - f, prices.real, prices.fake, flipped_real), reduction, dtype=dtype)
    if options.relativistic == "average":
        mean_r, mean_f = reduce(r, "mean"), reduce(f, "mean")
        if options.synchronize:
            mean_r, mean_f = mean_over_processes(mean_r), mean_over_processes(mean_f)
        if detach_average:
            mean_r, mean_f = mean_r.detach(), mean_f.detach()
        r, f = r - mean_f, f - mean_r
    values = _price(r, prices.real, prices.fake, flipped_real) + _price(
        f, prices.fake, prices.real, flipped_fake
    )
    return reduce(values if options.total == "sum" else values / 2, reduction, dtype=dtype)


def _price(x: Tensor, price: Price, other: Price, flip: Tensor | None) -> Tensor:
    return price(x) if flip is None else torch.where(flip, other(x), price(x))


@full_precision
def _priced(f: Tensor, price: Price, reduction: Reduction) -> Tensor:
    """One side of one tensor of logits."""
    return reduce(price(promote(f, f)[0]), reduction, dtype=f.dtype)


def _flips(
    logits: Tensor,
    probability: float,
    relativistic: Relativistic | None,
    rng: torch.Generator | None,
) -> tuple[Tensor | None, Tensor | None]:
    """Which labels of real and of fake images ``(N,)`` are flipped; the same at every scale."""
    if rng is not None:
        if not isinstance(rng, torch.Generator):
            raise TypeError(f"rng must be a torch.Generator or None, got {type(rng).__name__}")
        if rng.device != logits.device and logits.device.type != "meta":
            raise ValueError(
                f"rng must be on the device of the logits ({logits.device}), got {rng.device}; "
                "torch.Generator(logits.device)"
            )
    if probability == 0:
        return None, None
    sides = 1 if relativistic == "paired" else 2
    shape = (sides, logits.shape[0])
    drawn = torch.rand(shape, generator=rng, dtype=torch.float32, device=logits.device)
    flipped = drawn < probability
    return flipped[0], flipped[-1]


def _both(
    real_logits: Logits, fake_logits: Logits, labels: Tensor | None, options: JudgementOptions
) -> tuple[list[Leaf], list[Leaf]]:
    """The tensors of both sides, which have equal shapes."""
    real = _leaves("real_logits", real_logits, labels, options)
    fake = _leaves("fake_logits", fake_logits, labels, options)
    check_alike("fake_logits", fake, "real_logits", real)
    return real, fake


def _leaves(
    name: str, logits: Logits, labels: Tensor | None, options: JudgementOptions
) -> list[Leaf]:
    """The tensors of one side, with the logits of each image's own class."""
    own = logits if labels is None else own_class(name, logits, labels)
    found = leaves(name, own, options.scales)
    if options.check_finite:
        require_finite(found)
    return found
