"""Penalties that regularise a discriminator: on its gradient, and on its logits::

    gradient_penalty   E (||grad D(x)|| - 1)^2 at x between real and generated images   [1]
    r1, r2             E ||grad D(x)||^2 at real, at generated images                   [2]
    lecam              E max(0, D(real) - a_f)^2 + E max(0, a_r - D(fake))^2            [3]

    [1] Gulrajani et al. 2017 (WGAN-GP)
    [2] Mescheder, Geiger & Nowozin 2018
    [3] Tseng et al. 2021

They take the discriminator as a callable and differentiate it themselves.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss._precision import autocast_off, computing_dtype, full_precision, promote
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss._roots import root
from ssimloss._torch import is_compiler_loaded, plain
from ssimloss.functional.logits import (
    Logits,
    Scales,
    check_alike,
    check_scales,
    leaves,
    over_scales,
)

Discriminator = Callable[[Tensor], Logits]
Norm = Literal["sample", "channel"]
NORMS: tuple[str, ...] = get_args(Norm)
Sides = Literal["both", "above"]
SIDES: tuple[str, ...] = get_args(Sides)
LeCamForm = Literal["clipped", "square"]
LECAM_FORMS: tuple[str, ...] = get_args(LeCamForm)


@keywords()
def gradient_penalty(
    discriminator: Discriminator,
    real: Tensor,
    fake: Tensor,
    *,
    target: float = 1.0,
    sides: Sides = "both",
    norm: Norm = "sample",
    rng: torch.Generator | None = None,
    scaler: torch.amp.GradScaler | None = None,
    scales: Scales = "mean",
    reduction: Reduction = "mean",
) -> Tensor:
    """The deviation of the discriminator's gradient norm from 1, between real and generated images:
    ``(||grad D(x)|| - target)^2``.

    ``x = u real + (1 - u) fake`` with one ``u`` from [0, 1) per image. The caller applies the
    weight, 10 in the paper.

    Args:
        discriminator: from images to logits in the form of :func:`adversarial_discriminator_loss`.
            For a map of patches, the gradient is that of the sum; for that of the mean, pass
            ``lambda x: discriminator(x).mean((2, 3))``. Each tensor of a list has its own penalty.
        real, fake: images ``(N, ...)``, treated as constants.
        target: target of the norm; 0 is the zero-centred penalty.
        sides: penalise norms on ``"both"`` sides of the target, or only ``"above"`` (one-sided).
        norm: ``"sample"`` is over a whole image as in the paper; ``"channel"`` is over the channels
            of each pixel as in BasicSR, with much smaller values.
        rng: generator of ``u``, on the device of the images; None is PyTorch's default.
        scaler: None runs the discriminator in float32 with autocast off; a module in half precision
            gets images in its own dtype. With a ``GradScaler``, it runs under the surrounding
            autocast. The logits are scaled before the backward pass, and the gradient is divided by
            the scale, so that float16 does not underflow.
        scales: ``"mean"`` or ``"sum"`` of the penalties of a list.
        reduction: over images (and pixels); ``"none"`` returns ``(N,)``, or ``(N, 1, ...)`` for
            ``norm="channel"``.

    Raises:
        ValueError: shapes differ, the logits do not depend on the image, or an option value is
            unknown.
        TypeError: integers, or a discriminator that cannot be called.
        RuntimeError: it is called inside ``torch.compile``, which has no second derivatives. A
            compiled discriminator is run in eager mode here.

    Scale the result by the scaler like any other loss. The discriminator runs as it is: with batch
    normalisation in training mode, images influence each other.
    """
    _check_discriminator(discriminator)
    _checks.number("target", target)
    _checks.choice("sides", sides, SIDES)
    _checks.choice("norm", norm, NORMS)
    check_scales(scales)
    check_reduction(reduction)
    _check_images("real", real)
    _check_images("fake", fake)
    _checks.same_shape("fake", fake, "real", real)
    if rng is not None and rng.device != real.device:
        raise ValueError(
            f"rng must be on the device of the images ({real.device}), got {rng.device}"
        )
    real, fake = promote(plain(real).detach(), plain(fake).detach())
    u = torch.rand(
        len(real), *[1] * (real.ndim - 1), generator=rng, dtype=real.dtype, device=real.device
    )
    between = fake + u * (real - fake)

    def penalty(gradient: Tensor) -> Tensor:
        squares = (
            gradient.square().sum(1, keepdim=True)
            if norm == "channel"
            else gradient.flatten(1).square().sum(1)
        )
        if target == 0:
            return reduce(squares, reduction)
        excess = root(squares) - target
        return reduce((excess.relu() if sides == "above" else excess).square(), reduction)

    return _penalised(discriminator, between, penalty, scaler, scales, reduction)


@keywords()
def r1_penalty(
    discriminator: Discriminator,
    real: Tensor,
    *,
    scaler: torch.amp.GradScaler | None = None,
    scales: Scales = "mean",
    reduction: Reduction = "mean",
) -> Tensor:
    """Squared gradient of the discriminator at real images, ``||grad D(x)||^2``: summed over each
    image, averaged over the batch.

    The caller applies the weight, ``gamma / 2`` in Mescheder et al. 2018, and the interval of a
    lazy penalty. Every k-th step with k times the weight is
    ``Term(functools.partial(r1_penalty, discriminator), k * gamma / 2, inputs=("real",),
    interval=k)``.

    Args:
        discriminator: from images to logits or lists of them. For a map of patches, the gradient is
            that of the sum; for that of the mean, pass
            ``lambda x: discriminator(x).mean((2, 3))``.
        real: images ``(N, ...)``, treated as constants.
        scaler: None runs the discriminator in float32 with autocast off; a module in half precision
            gets images in its own dtype. With a ``GradScaler``, it runs under the surrounding
            autocast, and float16 does not underflow.
        scales: ``"mean"`` or ``"sum"`` of the penalties of a list.
        reduction: over images; ``"none"`` returns ``(N,)``.

    Raises: as :func:`gradient_penalty`.
    """
    return _squared_gradient(discriminator, "real", real, scaler, scales, reduction)


@keywords()
def r2_penalty(
    discriminator: Discriminator,
    fake: Tensor,
    *,
    scaler: torch.amp.GradScaler | None = None,
    scales: Scales = "mean",
    reduction: Reduction = "mean",
) -> Tensor:
    """Squared gradient of the discriminator at generated images; otherwise as :func:`r1_penalty`.
    R3GAN uses both.

    Args:
        discriminator: from images to logits or lists of them. For a map of patches, the gradient is
            that of the sum; for that of the mean, pass
            ``lambda x: discriminator(x).mean((2, 3))``.
        fake: images ``(N, ...)``, treated as constants.
        scaler: None runs the discriminator in float32 with autocast off; a module in half precision
            gets images in its own dtype. With a ``GradScaler``, it runs under the surrounding
            autocast, and float16 does not underflow.
        scales: ``"mean"`` or ``"sum"`` of the penalties of a list.
        reduction: over images; ``"none"`` returns ``(N,)``.

    Raises: as :func:`gradient_penalty`.
    """
    return _squared_gradient(discriminator, "fake", fake, scaler, scales, reduction)


@keywords()
def lecam_penalty(
    real_logits: Logits,
    fake_logits: Logits,
    *,
    real_average: Tensor | float,
    fake_average: Tensor | float,
    form: LeCamForm = "clipped",
    scales: Scales = "mean",
    reduction: Reduction = "mean",
) -> Tensor:
    """Distance of logits from the moving average of the other side:
    ``max(0, r - a_f)^2 + max(0, a_r - f)^2``.

    The caller keeps the averages as tensors in the checkpoint, and updates them after the step:
    ``real_average.lerp_(real_logits.detach().mean(), 0.01)``. The caller also applies the weight,
    0.3 in the authors' runs.

    Args:
        real_logits, fake_logits: ``(N,)``, ``(N, 1)`` or a map of patches ``(N, 1, H, W)``; or
            lists of such over scales, over discriminators, or over both. Equal shapes and lengths.
        real_average, fake_average: moving averages ``a_r`` and ``a_f`` of the logits, scalars,
            treated as constants.
        form: ``"clipped"`` as in the authors' code, or ``"square"`` without the maximum, as in the
            paper.
        scales: ``"mean"`` or ``"sum"`` of the losses of a list.
        reduction: over logits; ``"none"`` keeps their shape.

    Raises:
        ValueError: shapes or lengths differ, averages are not scalars, or an option value is
            unknown.
        TypeError: integers.
    """
    _checks.choice("form", form, LECAM_FORMS)
    check_scales(scales)
    check_reduction(reduction)
    real, fake = (
        leaves("real_logits", plain(real_logits), scales),
        leaves("fake_logits", plain(fake_logits), scales),
    )
    check_alike("fake_logits", fake, "real_logits", real)
    mean_r, mean_f = _average("real_average", real_average), _average("fake_average", fake_average)
    values = [
        (r.weight, _lecam(r.logits, f.logits, mean_r, mean_f, form, reduction))
        for r, f in zip(real, fake, strict=True)
    ]
    return over_scales(values, reduction)


@full_precision
def _lecam(
    r: Tensor,
    f: Tensor,
    mean_r: Tensor | float,
    mean_f: Tensor | float,
    form: LeCamForm,
    reduction: Reduction,
) -> Tensor:
    dtype = torch.promote_types(r.dtype, f.dtype)
    r, f = promote(r, f)
    above, below = r - mean_f, mean_r - f
    if form == "clipped":
        above, below = above.relu(), below.relu()
    return reduce(above.square() + below.square(), reduction, dtype=dtype)


def _average(name: str, value: Tensor | float) -> Tensor | float:
    if not isinstance(value, Tensor):
        return _checks.number(name, value)
    if value.numel() != 1 or not value.dtype.is_floating_point:
        raise ValueError(
            f"{name} must be a floating point scalar, got {value.dtype} of shape "
            f"{tuple(value.shape)}"
        )
    return plain(value).detach().reshape(())


def _squared_gradient(
    discriminator: Discriminator,
    name: str,
    images: Tensor,
    scaler: torch.amp.GradScaler | None,
    scales: Scales,
    reduction: Reduction,
) -> Tensor:
    _check_discriminator(discriminator)
    check_scales(scales)
    check_reduction(reduction)
    _check_images(name, images)

    def penalty(gradient: Tensor) -> Tensor:
        return reduce(gradient.flatten(1).square().sum(1), reduction)

    return _penalised(
        discriminator,
        plain(images).detach().to(computing_dtype(images)),
        penalty,
        scaler,
        scales,
        reduction,
    )


def _penalised(
    discriminator: Discriminator,
    images: Tensor,
    penalty: Callable[[Tensor], Tensor],
    scaler: torch.amp.GradScaler | None,
    scales: Scales,
    reduction: Reduction,
) -> Tensor:
    """``penalty`` of the gradient of the logits with respect to each image, with a graph if
    gradients are enabled.
    """
    if torch.compiler.is_compiling():
        raise RuntimeError(
            "penalties need a second derivative, which torch.compile does not support; call them "
            "outside of the compiled step"
        )
    wanted = torch.is_grad_enabled()
    x = images.requires_grad_()
    own = _half_precision_of(discriminator)
    with torch.enable_grad(), _eager():
        with autocast_off(x) if scaler is None else nullcontext():
            given = x if own is None else x.to(own)
            logits = leaves("the discriminator's logits", discriminator(given), scales)
        with autocast_off(x):
            values = []
            for leaf in logits:
                value = penalty(_gradient(leaf.logits, x, scaler, wanted))
                if isinstance(discriminator, DistributedDataParallel):
                    value = (
                        value + leaf.logits.flatten()[:0].sum()
                    )  # every parameter needs a gradient, otherwise other processes wait for it
                values.append((leaf.weight, value))
            total = over_scales(values, reduction)
    return total if wanted else total.detach()


def _gradient(
    logits: Tensor, x: Tensor, scaler: torch.amp.GradScaler | None, wanted: bool
) -> Tensor:
    """The gradient of the sum of the logits, in float32 at least, divided by the scaler's scale."""
    gradient = None
    if logits.requires_grad:
        ones = torch.ones_like(logits)
        seed = ones if scaler is None else scaler.scale(ones)
        (gradient,) = torch.autograd.grad(
            logits, x, seed, create_graph=wanted, retain_graph=True, allow_unused=True
        )
    if gradient is None:
        raise ValueError(
            "discriminator must depend on its images differentiably: its logits have no gradient "
            "to them"
        )
    if scaler is None:
        return gradient
    one = torch.ones((), dtype=torch.float32, device=x.device)
    return gradient / scaler.scale(one)


def _half_precision_of(discriminator: Discriminator) -> torch.dtype | None:
    """The dtype of a discriminator in half precision, which accepts only images of this dtype.

    Under autocast, parameters are float32.
    """
    if not isinstance(discriminator, nn.Module):
        return None
    dtype = next((p.dtype for p in discriminator.parameters() if p.is_floating_point()), None)
    return dtype if dtype in (torch.float16, torch.bfloat16) else None


def _eager() -> AbstractContextManager[Any]:
    """Run compiled networks uncompiled, because compiled code has no second derivative."""
    return torch.compiler.set_stance("force_eager") if is_compiler_loaded() else nullcontext()


def _check_discriminator(discriminator: Discriminator) -> None:
    if not callable(discriminator):
        raise TypeError(
            "discriminator must be callable, from images to logits, got "
            f"{type(discriminator).__name__}"
        )


def _check_images(name: str, images: Tensor) -> None:
    if not isinstance(images, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor of images, got {type(images).__name__}")
    if not images.dtype.is_floating_point:
        raise TypeError(f"{name} must be floating point, got {images.dtype}; cast it")
    if images.ndim < 2:
        raise ValueError(f"{name} must have shape (N, ...), got {tuple(images.shape)}")
