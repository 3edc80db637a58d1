"""Adversarial losses: what a generator and a discriminator minimise, as functions of the
discriminator's logits.

Each kind has a price ``R(x)`` of a logit that should say "real", and ``K(x)`` of one that should
say "fake". With ``r`` and ``f`` the logits of real and generated images and ``E`` the mean over the
batch:

    cross_entropy   R = -log sigmoid(x)   K = -log sigmoid(-x)   G = R                Goodfellow et
    al. 2014 softplus        the same, without labels to smooth
    Karras et al. 2019 (StyleGAN) least_squares   R = (x - b)^2 / 2     K = (x - a)^2 / 2      G =
    (x - c)^2 / 2    Mao et al. 2017 hinge           R = max(0, 1 - x)     K = max(0, 1 + x)      G
    = -x               Lim & Ye 2017 wasserstein     R = -x                K = x                  G
    = R                Arjovsky, Chintala & Bottou 2017

                    discriminator                        generator
    plain           E R(r) + E K(f)                      E G(f)
    average         E R(r - E f) + E K(f - E r)          E K(r - E f) + E R(f - E r)
    Jolicoeur-Martineau 2018 paired          E R(r - f)                           E R(f - r)
    Jolicoeur-Martineau 2018; R3GAN (Huang et al. 2024)
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn import functional as nnf

from ssimloss import _checks
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss.functional._logits import (
    Leaf,
    Logits,
    Scales,
    check_alike,
    check_scales,
    leaves,
    over_scales,
    own_class,
    require_finite,
)
from ssimloss.functional._processes import mean_over_processes

Kind = Literal["cross_entropy", "least_squares", "hinge", "wasserstein", "softplus"]
KINDS: tuple[str, ...] = get_args(Kind)
Relativistic = Literal["average", "paired"]
RELATIVISTIC: tuple[str, ...] = get_args(Relativistic)
Total = Literal["sum", "mean"]
TOTALS: tuple[str, ...] = get_args(Total)
Smoothed = Literal["real", "both"]
SMOOTHED: tuple[str, ...] = get_args(Smoothed)
Targets = tuple[float, float, float]

Price = Callable[[Tensor], Tensor]


class Prices(NamedTuple):
    """The price of logits ``(N, ...)`` that should say "real", and of such that
    should say "fake".
    """

    real: Price
    fake: Price


def check_adversarial_options(
    *,
    kind: str,
    relativistic: str | None,
    saturating: bool = False,
    targets: Targets | None = None,
    square_weight: float | None = None,
    label_smoothing: float = 0.0,
    smoothed: str = "real",
    flip_probability: float = 0.0,
    total: str = "sum",
    detach_real: bool = True,
    detach_average: bool = False,
    synchronize: bool = False,
    scales: str = "mean",
    check_finite: bool = False,
    reduction: str = "mean",
) -> None:
    """Raise for options that an adversarial loss refuses, among them those that its kind does not
    know.
    """
    _checks.choice("kind", kind, KINDS)
    if relativistic is not None:
        _checks.choice("relativistic", relativistic, RELATIVISTIC)
    _checks.choice("smoothed", smoothed, SMOOTHED)
    _checks.choice("total", total, TOTALS)
    check_scales(scales)
    check_reduction(reduction)
    for name, flag in (
        ("saturating", saturating),
        ("detach_real", detach_real),
        ("detach_average", detach_average),
        ("synchronize", synchronize),
        ("check_finite", check_finite),
    ):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, got {type(flag).__name__} {flag!r}")
    _checks.fraction("flip_probability", flip_probability)
    smoothing = _checks.fraction("label_smoothing", label_smoothing)
    if smoothing > 0.5 or (smoothing and kind not in ("cross_entropy", "least_squares")):
        raise ValueError(
            "label_smoothing must be at most 0.5, and 0 for kinds without labels, got "
            f"{label_smoothing!r} for kind={kind!r}"
        )
    if saturating and kind not in ("cross_entropy", "softplus"):
        raise ValueError(
            f"saturating must be False for kind={kind!r}: only cross entropy has a saturating form"
        )
    if targets is not None:
        if not isinstance(targets, tuple | list) or len(targets) != 3:
            raise TypeError(
                f"targets must be three numbers (fake, real, generator), got {targets!r}"
            )
        for i, value in enumerate(targets):
            _checks.number(f"targets[{i}]", value)
    if square_weight is not None:
        _checks.positive("square_weight", square_weight)
    for name, given in (
        ("targets", targets is not None),
        ("square_weight", square_weight is not None),
    ):
        if given and kind != "least_squares":
            raise ValueError(
                f"{name} must be None for kind={kind!r}: only least squares have targets"
            )


def adversarial_discriminator_loss(
    real_logits: Logits,
    fake_logits: Logits,
    *,
    kind: Kind,
    relativistic: Relativistic | None = None,
    targets: Targets | None = None,
    square_weight: float | None = None,
    label_smoothing: float = 0.0,
    smoothed: Smoothed = "real",
    flip_probability: float = 0.0,
    rng: torch.Generator | None = None,
    total: Total = "sum",
    detach_average: bool = False,
    synchronize: bool = False,
    labels: Tensor | None = None,
    scales: Scales = "mean",
    check_finite: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    """What a discriminator minimises, of its logits (not probabilities) for real and for generated
    images.

    The generated images are to be detached before they are judged,
    ``discriminator(fake.detach())``: logits cannot undo it.

    Args:
        real_logits, fake_logits: ``(N,)``, ``(N, 1)`` or a map of patches ``(N, 1, H, W)``; or
            lists of such over scales, over discriminators, or over both. Equal shapes and lengths.
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"``, or
            ``"softplus"``: cross entropy as StyleGAN writes it, without labels.
        relativistic: None, ``"average"`` (against the mean of the other side, over batch and
            patches of this process) or ``"paired"`` (image by image).
        targets: of least squares, for fake, real and the generator: ``a, b, c`` of the paper. None
            means ``(0, 1, 1)``, and in relativistic forms ``(-1, 1, 1)``, as published.
        square_weight: factor of the squares. None means 0.5 as in the paper, and 1 in relativistic
            forms; CycleGAN has 1 everywhere.
        label_smoothing: how far the label of real moves towards that of fake (of cross entropy and
            least squares), at most 0.5.
        smoothed: ``"real"`` only (one-sided, Salimans et al. 2016), or the labels of ``"both"``.
        flip_probability: probability with which an image (in the paired form, a pair) is taken for
            one of the other side.
        rng: source of the flips, on the device of the logits; None is PyTorch's own. ``2 N``
            numbers are drawn per call, ``N`` if paired.
        total: of the part of the real and that of the fake, ``"sum"``, or ``"mean"`` (half each:
            CycleGAN, ESRGAN).
        detach_average: take the average of the other side as a constant (BasicSR's ESRGAN); the
            paper does not.
        synchronize: take the average over all processes of ``torch.distributed``, which must hold
            equal batches, and not of each alone (as programs do). Every process has to call the
            loss, and its backward pass.
        labels: of class-specific discriminators, integers ``(N,)``; logits are then ``(N, K, ...)``
            or a list of K, see :func:`class_logits`.
        scales: of lists, ``"mean"`` or ``"sum"`` (pix2pixHD) of their entries.
        check_finite: raise for logits that are not finite. Reads the values: it waits for the
            device, and does not compile.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` (of one tensor) of each tensor
            of logits.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of the logits for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, labels outside their range (see
            :func:`class_logits`), unknown words, options that the kind does not have.
        TypeError: integers, or something that is neither a tensor nor a list.

    NaN in the logits is NaN in the result: nothing hides it, and nothing but ``check_finite`` looks
    for it.
    """
    check_adversarial_options(
        kind=kind,
        relativistic=relativistic,
        targets=targets,
        square_weight=square_weight,
        label_smoothing=label_smoothing,
        smoothed=smoothed,
        flip_probability=flip_probability,
        total=total,
        detach_average=detach_average,
        synchronize=synchronize,
        scales=scales,
        check_finite=check_finite,
        reduction=reduction,
    )
    real, fake = _both(real_logits, fake_logits, labels, scales, check_finite)
    prices = _prices(kind, relativistic, targets, square_weight, label_smoothing, smoothed)
    flips = _flips(real[0].logits, flip_probability, relativistic, rng)

    values = [
        (
            r.weight,
            _judged(
                r.logits,
                f.logits,
                prices,
                flips,
                relativistic,
                total,
                detach_average,
                synchronize,
                reduction,
            ),
        )
        for r, f in zip(real, fake, strict=True)
    ]
    return over_scales(values, reduction)


def adversarial_generator_loss(
    fake_logits: Logits,
    *,
    real_logits: Logits | None = None,
    kind: Kind,
    relativistic: Relativistic | None = None,
    saturating: bool = False,
    targets: Targets | None = None,
    square_weight: float | None = None,
    total: Total = "sum",
    detach_real: bool = True,
    synchronize: bool = False,
    labels: Tensor | None = None,
    scales: Scales = "mean",
    check_finite: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    """What a generator minimises, of the discriminator's logits (not probabilities) for its images.

    Args:
        fake_logits: logits of generated images, with the graph that leads back to the generator; as
            for :func:`adversarial_discriminator_loss`.
        real_logits: logits of real images, which relativistic forms need and others do not look at.
        saturating: of cross entropy and softplus, minus the discriminator's loss (the minimax game)
            and not the loss with the roles exchanged. Its gradient vanishes where the discriminator
            is sure.
        total: of the two parts of the relativistic average, ``"sum"`` or ``"mean"`` (ESRGAN).
        detach_real: take the real logits as constants (ESRGAN), so that no graph of the
            discriminator is kept for them. The gradient of a generator does not depend on it,
            unless real logits depend on the generator.
        kind, relativistic, targets, square_weight, synchronize, labels, scales, check_finite,
        reduction: as for
            :func:`adversarial_discriminator_loss`. Labels are neither smoothed nor flipped here.

    Returns, Raises: as for :func:`adversarial_discriminator_loss`; ValueError without the real
    logits that a relativistic form needs.
    """
    check_adversarial_options(
        kind=kind,
        relativistic=relativistic,
        saturating=saturating,
        targets=targets,
        square_weight=square_weight,
        total=total,
        detach_real=detach_real,
        synchronize=synchronize,
        scales=scales,
        check_finite=check_finite,
        reduction=reduction,
    )
    if relativistic is None:
        fake = _leaves("fake_logits", fake_logits, labels, scales, check_finite)
        price = _generator_price(kind, targets, square_weight, saturating)
        return over_scales(
            [(leaf.weight, _priced(leaf.logits, price, reduction)) for leaf in fake], reduction
        )
    if real_logits is None:
        raise ValueError(
            f"real_logits must be given where relativistic={relativistic!r}: fake logits are "
            "compared with them"
        )
    real, fake = _both(real_logits, fake_logits, labels, scales, check_finite)
    prices = _generator_prices(kind, relativistic, targets, square_weight, saturating)
    values = []
    for r, f in zip(real, fake, strict=True):
        r_logits = r.logits.detach() if detach_real else r.logits
        values.append(
            (
                r.weight,
                _judged(
                    r_logits,
                    f.logits,
                    prices,
                    (None, None),
                    relativistic,
                    total,
                    False,
                    synchronize,
                    reduction,
                ),
            )
        )
    return over_scales(values, reduction)


@full_precision
def _judged(
    r: Tensor,
    f: Tensor,
    prices: Prices,
    flips: tuple[Tensor | None, Tensor | None],
    relativistic: Relativistic | None,
    total: Total,
    detach_average: bool,
    synchronize: bool,
    reduction: Reduction,
) -> Tensor:
    """Both sides of one tensor of logits."""
    dtype = native_dtype(r, f)
    r, f = promote(r, f)
    flipped_real, flipped_fake = (
        None if flip is None else flip.view(-1, *[1] * (r.ndim - 1)) for flip in flips
    )
    if relativistic == "paired":
        return reduce(_price(r - f, prices.real, prices.fake, flipped_real), reduction, dtype=dtype)
    if relativistic == "average":
        mean_r, mean_f = reduce(r, "mean"), reduce(f, "mean")
        if synchronize:
            mean_r, mean_f = mean_over_processes(mean_r), mean_over_processes(mean_f)
        if detach_average:
            mean_r, mean_f = mean_r.detach(), mean_f.detach()
        r, f = r - mean_f, f - mean_r
    values = _price(r, prices.real, prices.fake, flipped_real) + _price(
        f, prices.fake, prices.real, flipped_fake
    )
    return reduce(values if total == "sum" else values / 2, reduction, dtype=dtype)


def _price(x: Tensor, price: Price, other: Price, flip: Tensor | None) -> Tensor:
    return price(x) if flip is None else torch.where(flip, other(x), price(x))


@full_precision
def _priced(f: Tensor, price: Price, reduction: Reduction) -> Tensor:
    """One side of one tensor of logits."""
    return reduce(price(promote(f, f)[0]), reduction, dtype=f.dtype)


def _prices(
    kind: Kind,
    relativistic: Relativistic | None,
    targets: Targets | None,
    square_weight: float | None,
    smoothing: float = 0.0,
    smoothed: Smoothed = "real",
) -> Prices:
    """``R`` and ``K`` of a kind."""
    if kind == "hinge":
        return Prices(lambda x: nnf.relu(1 - x), lambda x: nnf.relu(1 + x))
    if kind == "wasserstein":
        return Prices(lambda x: -x, lambda x: x)
    if kind == "least_squares":
        fake, real, _ = _targets(targets, relativistic)
        weight = _square_weight(square_weight, relativistic)
    else:
        fake, real = 0.0, 1.0
    gap = smoothing * (real - fake)
    real, fake = real - gap, fake + gap if smoothed == "both" else fake
    if kind == "least_squares":
        return Prices(
            lambda x: weight * (x - real).square(), lambda x: weight * (x - fake).square()
        )
    return Prices(lambda x: _cross_entropy(x, real), lambda x: _cross_entropy(x, fake))


def _generator_prices(
    kind: Kind,
    relativistic: Relativistic,
    targets: Targets | None,
    square_weight: float | None,
    saturating: bool,
) -> Prices:
    """What real and fake logits cost the generator in a relativistic form; what is paired is
    ``r - f``.
    """
    discriminator = _prices(kind, relativistic, targets, square_weight)
    if saturating:
        return Prices(lambda x: -discriminator.real(x), lambda x: -discriminator.fake(x))
    if relativistic == "paired":
        return Prices(
            lambda x: _fooling(kind, relativistic, targets, square_weight)(-x), discriminator.real
        )
    return Prices(discriminator.fake, _fooling(kind, relativistic, targets, square_weight))


def _fooling(
    kind: Kind,
    relativistic: Relativistic | None,
    targets: Targets | None,
    square_weight: float | None,
) -> Price:
    """``R`` with the generator's own target, ``c``."""
    if kind == "least_squares":
        fake, _, generator = _targets(targets, relativistic)
        targets = (fake, generator, generator)
    return _prices(kind, relativistic, targets, square_weight).real


def _generator_price(
    kind: Kind, targets: Targets | None, square_weight: float | None, saturating: bool
) -> Price:
    """``G`` of a kind."""
    if kind in ("hinge", "wasserstein"):
        return lambda x: -x
    if saturating:
        return lambda x: -_cross_entropy(x, 0.0)
    return _fooling(kind, None, targets, square_weight)


def _targets(targets: Targets | None, relativistic: Relativistic | None) -> Targets:
    return (
        targets
        if targets is not None
        else (0.0, 1.0, 1.0)
        if relativistic is None
        else (-1.0, 1.0, 1.0)
    )


def _square_weight(square_weight: float | None, relativistic: Relativistic | None) -> float:
    return square_weight if square_weight is not None else 0.5 if relativistic is None else 1.0


def _cross_entropy(x: Tensor, label: float) -> Tensor:
    """``-label log sigmoid(x) - (1 - label) log sigmoid(-x)``; a part of weight 0 is left out, so
    that an infinite logit is no NaN.
    """
    if label == 1:
        return -nnf.logsigmoid(x)
    if label == 0:
        return -nnf.logsigmoid(-x)
    return -label * nnf.logsigmoid(x) - (1 - label) * nnf.logsigmoid(-x)


def _flips(
    logits: Tensor,
    probability: float,
    relativistic: Relativistic | None,
    rng: torch.Generator | None,
) -> tuple[Tensor | None, Tensor | None]:
    """Which real and which fake images ``(N,)`` are taken for the other side; the same at every
    scale.
    """
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
    drawn = torch.rand(sides, logits.shape[0], generator=rng, device=logits.device) < probability
    return drawn[0], drawn[-1]


def _both(
    real_logits: Logits,
    fake_logits: Logits,
    labels: Tensor | None,
    scales: Scales,
    check_finite: bool,
) -> tuple[list[Leaf], list[Leaf]]:
    """The tensors of both sides, which are alike."""
    real = _leaves("real_logits", real_logits, labels, scales, check_finite)
    fake = _leaves("fake_logits", fake_logits, labels, scales, check_finite)
    check_alike("fake_logits", fake, "real_logits", real)
    return real, fake


def _leaves(
    name: str, logits: Logits, labels: Tensor | None, scales: Scales, check_finite: bool
) -> list[Leaf]:
    """The tensors of one side, of each image's own class."""
    found = leaves(name, logits if labels is None else own_class(name, logits, labels), scales)
    if check_finite:
        require_finite(found)
    return found
