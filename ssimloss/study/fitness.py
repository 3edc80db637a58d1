"""Fitness as a loss: what image results from minimising a measure, how fast, and how do the other
measures judge it?

Adam minimises each measure over the pixels of a distorted image, with the same step size for all.
Adam does not depend on the scale of a loss, so that no measure gains from its unit. Pixels are
clamped to [0, 1] after each step.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ssimloss.study import distortions
from ssimloss.study.subjects import Subject

STEP_SIZE: Final = 0.02  # of Adam at the first step, for pixels in [0, 1]; it follows a cosine
STEPS: Final = 200
_QUARTER: Final = 0.25  # cycles per pixel
_SHARE: Final = 0.9  # of the decrease of the loss, for the speed
_MARKS: Final = 20  # values of the loss that are kept for each descent


@dataclass(frozen=True)
class Descent:
    """One descent.

    Args:
        final: the value of every measure for the resulting image, by name; NaN if one failed.
        curve: the loss at evenly spaced steps, from the first to the last.
        steps_to_90: the number of steps to nine tenths of the decrease; None if the loss did not
            decrease.
        invented: energy above a quarter of a cycle per pixel that the reference lacks, relative to
            the energy of the reference without its mean.
        dead: share of the pixel values whose gradient at the start is 0 or not finite, among those
            that differ from the reference.
        error: why the descent stopped early; empty if it did not.
    """

    final: dict[str, float]
    curve: list[float]
    steps_to_90: int | None
    invented: float
    dead: float
    error: str = ""


@dataclass(frozen=True)
class Sensitivity:
    """How much a measure changes under changes that hardly anybody sees, relative to its change
    under visible blur (sigma 1.5 pixels).
    """

    shift: float  # by one pixel
    scale: float  # enlarged by 1 %
    brightness: float  # brighter by 2/255


def starts(reference: Tensor, seed: int) -> dict[str, Tensor]:
    """The distorted images that descents start from.

    Args:
        reference: ``(1, 3, H, W)`` in [0, 1].
        seed: of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    one = torch.ones(1)
    height, width = reference.shape[-2:]
    small = interpolate(reference, scale_factor=0.25, mode="bicubic", antialias=True)
    return {
        "noise": torch.rand(reference.shape, generator=generator),
        "blur": distortions.gaussian_blur(reference, 2.0 * one, generator).clamp(0, 1),
        "compression": distortions.blocking(reference, 0.3 * one, generator).clamp(0, 1),
        "downscaling": interpolate(small, size=(height, width), mode="bicubic").clamp(0, 1),
    }


def descend(
    subject: Subject,
    start: Tensor,
    reference: Tensor,
    judges: Sequence[Subject],
    *,
    steps: int = STEPS,
    step_size: float = STEP_SIZE,
) -> tuple[Descent, Tensor]:
    """Minimise one measure over the pixels, from ``start`` towards ``reference``.

    Args:
        subject: a measure with a loss.
        start, reference: ``(1, C, H, W)`` in [0, 1].
        judges: measures that judge the result.
        steps: number of steps of Adam.
        step_size: of the first step.

    Returns:
        The record of the descent, and the resulting image ``(1, C, H, W)``.
    """
    assert subject.loss is not None
    pixels = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=step_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, 0.01 * step_size)
    losses: list[float] = []
    dead, error = math.nan, ""
    for step in range(steps):
        value, gradient, error = _differentiated(subject, pixels, reference)
        if step == 0 and gradient is not None:
            dead = _dead(gradient, pixels.detach() != reference)
        if error or gradient is None:
            break
        losses.append(value)
        pixels.grad = gradient
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            pixels.clamp_(0, 1)
    picture = pixels.detach()
    descent = Descent(
        final={judge.name: _judged(judge, picture, reference) for judge in judges},
        curve=_marks(losses),
        steps_to_90=_steps_to(losses, _SHARE),
        invented=invented_energy(picture, reference),
        dead=1.0 if math.isnan(dead) else dead,
        error=error,
    )
    return descent, picture


def sensitivity(subject: Subject, reference: Tensor) -> Sensitivity:
    """See :class:`Sensitivity`; NaN if the measure fails, or does not increase under blur."""
    inner = reference[..., 1:-1, 1:-1]
    height, width = inner.shape[-2:]
    generator = torch.Generator()
    large = interpolate(reference, scale_factor=1.01, mode="bicubic", align_corners=False)
    top, left = (
        (side - small) // 2 for side, small in zip(large.shape[-2:], (height, width), strict=True)
    )
    changed = {
        "shift": reference[..., 1:-1, 2:],
        "scale": large[..., top : top + height, left : left + width].clamp(0, 1),
        "brightness": (inner + 2 / 255).clamp(0, 1),
        "blur": distortions.gaussian_blur(inner, torch.full((1,), 1.5), generator).clamp(0, 1),
    }
    same = _distance(subject, inner, inner)
    same = same if math.isfinite(same) else 0.0
    moved = {name: _distance(subject, image, inner) - same for name, image in changed.items()}
    blur = moved.pop("blur")
    if not math.isfinite(blur) or blur <= 0:
        return Sensitivity(math.nan, math.nan, math.nan)
    return Sensitivity(**{name: value / blur for name, value in moved.items()})


@torch.no_grad()
def invented_energy(picture: Tensor, reference: Tensor) -> float:
    """High frequencies of the image that the reference lacks; see :class:`Descent`."""
    ours, theirs = (
        torch.fft.fft2(image.double() - image.double().mean((-2, -1), keepdim=True)).abs().square()
        for image in (picture, reference)
    )
    rows, columns = (torch.fft.fftfreq(side, dtype=torch.float64) for side in reference.shape[-2:])
    high = torch.hypot(rows[:, None], columns[None, :]) > _QUARTER
    total = float(theirs.sum())
    return float((ours - theirs).clamp(min=0)[..., high].sum()) / total if total > 0 else math.nan


def ranks(finals: Mapping[str, float], *, higher_is_better: bool) -> dict[str, float]:
    """The rank of each loss by one judge's values of their images, 1 for the best.

    Ties share the mean of their ranks. NaN shares the last ranks, after every number.
    """
    sign = -1.0 if higher_is_better else 1.0
    keyed = {n: (1, 0.0) if math.isnan(v) else (0, sign * v) for n, v in finals.items()}
    order = sorted(keyed.values())
    return {name: order.index(key) + 1 + (order.count(key) - 1) / 2 for name, key in keyed.items()}


# --- parts ----------------------------------------------------------------------------------------


def _differentiated(
    subject: Subject, pixels: Tensor, reference: Tensor
) -> tuple[float, Tensor | None, str]:
    """Value, gradient, and why the descent cannot continue."""
    assert subject.loss is not None
    try:
        value = subject.loss(pixels, reference)
        if not value.requires_grad:
            return math.nan, None, "the loss has no gradient"
        (gradient,) = torch.autograd.grad(value, pixels, allow_unused=True)
    except (ValueError, TypeError, RuntimeError) as error:
        return math.nan, None, str(error)
    if gradient is None:
        return math.nan, None, "the loss does not depend on the image"
    if not gradient.isfinite().all():
        return math.nan, gradient, "the gradient is not finite"
    if not gradient.any():
        return math.nan, gradient, "the gradient is 0 everywhere"
    return float(value.detach()), gradient, ""


def _dead(gradient: Tensor, differs: Tensor) -> float:
    dead = ((gradient == 0) | ~gradient.isfinite()) & differs
    return float(dead.sum()) / max(1, int(differs.sum()))


def _judged(judge: Subject, picture: Tensor, reference: Tensor) -> float:
    return _tried(lambda: judge.measure(picture, reference))


def _distance(subject: Subject, image: Tensor, reference: Tensor) -> float:
    return _tried(lambda: subject.distance(image, reference))


def _tried(call: Callable[[], Tensor]) -> float:
    """The value, or NaN if the measure refuses the image; the tables show that."""
    try:
        return float(call())
    except (ValueError, TypeError, RuntimeError):
        return math.nan


def _marks(losses: Sequence[float]) -> list[float]:
    if not losses:
        return []
    last = len(losses) - 1
    places = dict.fromkeys(round(last * mark / (_MARKS - 1)) for mark in range(_MARKS))
    return [losses[place] for place in places]


def _steps_to(losses: Sequence[float], share: float) -> int | None:
    if not losses or not min(losses) < losses[0]:
        return None
    goal = losses[0] - share * (losses[0] - min(losses))
    return next(step for step, value in enumerate(losses) if value <= goal)
