"""Numerics: finite values and gradients, the derivative, and the error of each dtype."""

import dataclasses
import math

import torch
from torch import Tensor

from ssimloss.doctor import picture
from ssimloss.doctor.records import Severity, Verdict, failed, failed_as, not_applicable, passed
from ssimloss.doctor.subject import LossRaised, Subject

_HALF = (torch.float16, torch.bfloat16)
_TINY = ((1, 1), (2, 3), (7, 7), (10, 16), (16, 11))
_DERIVATIVE = 1e-3  # allowed relative error of a directional derivative in float64
_GRAIN = 1e-3  # of the range: noise that makes neighbours differ
# Allowed relative errors of value and gradient: a warning beyond the first, an error beyond the
# second. Half precision rounds to 3 digits; its own rounding of inputs is not counted.
_ALLOWED = {
    torch.float32: ((1e-2, 0.05), (1e-1, 0.5)),
    torch.float16: ((2e-2, 0.10), (1e-1, 0.5)),
    torch.bfloat16: ((2e-2, 0.10), (1e-1, 0.5)),
}
_LARGEST_SCALE = 2.0**15  # like that of a loss scaler; representable in float16


def edges(subject: Subject) -> dict[str, tuple[Tensor, Tensor]]:
    """Inputs at which losses in use turn NaN or infinite."""
    target, pred = subject.target(1), subject.start("blurred", 1)
    if not subject.of_images:
        zero = torch.zeros_like(target)
        return {
            "equal logits": (zero, zero),
            "identical logits": (target, target),
            "confident logits": (zero - 100, zero + 100),
            "wrong logits": (zero + 100, zero - 100),
            "huge logits": (1e4 * pred, 1e4 * target),
            "tiny logits": (1e-20 * pred, 1e-20 * target),
        }
    unit = (target - subject.low) / subject.span
    black, white, flat = (subject.scaled(torch.full_like(unit, level)) for level in (0.0, 1.0, 0.5))
    photo = (pred - subject.low) / subject.span
    return {
        "identical images": (target, target),
        "black": (black, black),
        "white": (white, white),
        "black against white": (black, white),
        "black against a photograph": (black, target),
        "a photograph against black": (target, black),
        "constant and equal": (flat, flat),
        "constant and different": (flat, subject.scaled(torch.full_like(unit, 0.75))),
        "constant against a photograph": (flat, target),
        "anti-correlated": (subject.scaled(1 - unit), target),
        "out of range": (subject.scaled(3 * photo - 1), target),
        "far out of range": (subject.scaled(2000 * photo - 1000), target),
        "slightly out of range": (subject.scaled(1.0001 * unit / unit.max()), target),
        "almost identical": (target + 1e-6 * subject.span, target),
        "values near 1e-20": (1e-20 * photo, 2e-20 * photo),
    }


def finite(subject: Subject) -> Verdict:
    """Value and gradient at the edges, and at tiny sizes."""
    faults, refused = {}, {}
    pairs = edges(subject)
    for name, (pred, target) in pairs.items():
        try:
            problem = _problem(subject, pred, target)
        except LossRaised as error:
            problem = f"raises {error}"
        if problem:
            faults[name] = problem
    sizes = _TINY if subject.of_images else ()
    for height, width in sizes:
        corner = (slice(0, 1), slice(None), slice(0, height), slice(0, width))
        try:
            problem = _problem(
                subject,
                subject.start("blurred", 1)[corner].contiguous(),
                subject.target(1)[corner].contiguous(),
            )
        except LossRaised as error:
            refused[f"{height} x {width}"] = str(error)
            continue
        if problem:
            faults[f"{height} x {width} pixels"] = problem
    tail = f"; refuses {', '.join(refused)} pixels" if refused else ""
    if not faults:
        count = len(pairs) + len(sizes) - len(refused)
        return passed(f"value and gradient are finite at {count} edges{tail}", refused=refused)
    shown = "; ".join(f"{name}: {problem}" for name, problem in list(faults.items())[:4])
    more = f"; {len(faults) - 4} more" if len(faults) > 4 else ""
    return failed(shown + more + tail, faults=faults, refused=refused)


def _problem(subject: Subject, pred: Tensor, target: Tensor) -> str | None:
    """Describe the value or gradient that is not finite; None if both are finite."""
    value, gradient = subject.gradient(pred, target)
    if not bool(value.isfinite()):
        return f"the value is {float(value)}"
    if gradient is not None and not bool(gradient.isfinite().all()):
        bad = int((~gradient.isfinite()).sum())
        return f"the gradient is not finite at {bad} of {gradient.numel()} places"
    return None


def derivative(subject: Subject) -> Verdict:
    """The gradient against central differences in float64."""
    exact = subject.double
    if exact is None:
        return not_applicable("it does not compute in float64, where differences are reliable")
    ratios = {}
    for name in ("noisy", "blurred"):
        pred, target = exact.start(name, dtype=torch.float64), exact.target(dtype=torch.float64)
        # Flat areas of the picture are corners of losses on differences of neighbours.
        pred = pred + _GRAIN * exact.span * picture.noise(tuple(pred.shape), 6).to(pred)
        found = exact.gradient(pred, target)[1]
        if found is None or not bool(found.any()):
            return not_applicable("no gradient reaches pred")
        # Along the gradient, so that the derivative is far above rounding.
        weight = 0.5 + torch.sigmoid(picture.noise(tuple(found.shape), 5))
        direction = found.sign() * weight
        analytic = float((found * direction).sum())
        ratios[name] = min(
            (
                _difference(exact, pred, target, direction, step) / analytic
                for step in _steps(exact)
            ),
            key=lambda ratio: abs(ratio - 1),
        )
    worst = max(ratios.values(), key=lambda ratio: abs(ratio - 1))
    if abs(worst - 1) <= _DERIVATIVE:
        return passed(
            f"the gradient is the derivative of the value to {abs(worst - 1):.0e}", **ratios
        )
    opposite = worst < 0.1 or worst > 10
    return failed_as(
        "error" if opposite else "warning",
        f"the value changes by {worst:.4g} times what the gradient predicts: part of the graph is "
        "detached, or a backward pass is wrong",
        **ratios,
    )


def _steps(subject: Subject) -> tuple[float, ...]:
    """The ratio for the best step: large steps cross corners of ``|x|``, small ones lose digits."""
    return tuple(size * subject.span for size in (1e-8, 1e-7, 1e-6, 1e-5))


def _difference(
    subject: Subject, pred: Tensor, target: Tensor, direction: Tensor, step: float
) -> float:
    ahead, behind = (subject.value(pred + sign * step * direction, target) for sign in (1.0, -1.0))
    return (ahead - behind) / (2 * step)


# --- dtypes ---------------------------------------------------------------------------------------


def precision(subject: Subject) -> Verdict:
    """Errors of float32, float16, bfloat16 and autocast against float64 on the same inputs."""
    if subject.double is None:
        return not_applicable("it does not compute in float64, against which dtypes are measured")
    numbers: dict[str, object] = {}
    worst: tuple[Severity, str] | None = None
    notes = []
    for dtype, autocast in (
        (torch.float32, False),
        (torch.float16, False),
        (torch.bfloat16, False),
        (torch.float32, True),
        (torch.bfloat16, True),
    ):
        title = ("autocast, " if autocast else "") + str(dtype).removeprefix("torch.")
        for name, (pred, target) in _pairs(subject).items():
            try:
                errors = _errors(subject, pred.to(dtype), target.to(dtype), autocast)
            except LossRaised as error:
                notes.append(f"{title}: raises {error}")
                break
            numbers[f"{title}, {name}"] = errors
            allowed = _ALLOWED[torch.bfloat16 if autocast else dtype]
            severity = _judge(errors, allowed)
            if severity and (worst is None or (severity, worst[0]) == ("error", "warning")):
                worst = (
                    severity,
                    (
                        f"{title}, {name}: the value is off by {_percent(errors[0])}, "
                        f"the gradient by {_percent(errors[1])}"
                    ),
                )
    tail = f"; {'; '.join(notes)}" if notes else ""
    if worst is not None:
        return failed_as(
            worst[0], f"{worst[1]}; compute in float32 with autocast off{tail}", **numbers
        )
    if any("not implemented for" not in note for note in notes):  # an operator of the CPU
        return failed_as("warning", tail.removeprefix("; "), **numbers)
    half = [e[0] for title, e in numbers.items() if "float16" in title]  # type: ignore[index]
    largest = f"{max(half):.1e}" if half else "unknown"
    return passed(f"half precision changes the value by at most {largest}{tail}", **numbers)


def _judge(
    errors: tuple[float, float], allowed: tuple[tuple[float, float], tuple[float, float]]
) -> Severity | None:
    found: Severity | None = None
    for error, (warn, fail) in zip(errors, allowed, strict=True):
        if not error <= fail:  # NaN too
            return "error"
        if error > warn:
            found = "warning"
    return found


def _pairs(subject: Subject) -> dict[str, tuple[Tensor, Tensor]]:
    """Images on which half precision is inaccurate: texture, nearly equal images, and a flat bright
    patch, whose variance suffers from cancellation.
    """
    pred, target = subject.start(), subject.target()
    if not subject.of_images:
        return {"logits": (pred, target), "large logits": (20 * pred, 20 * target)}
    shape = tuple(target.shape)
    bright = subject.scaled(0.9 + 0.01 * picture.noise(shape, 6)).float()
    other = subject.scaled(0.9 + 0.01 * picture.noise(shape, 7)).float()
    near = target + subject.span * picture.noise(shape, 8).float() / 255
    return {
        "photographs": (pred, target),
        "near identical images": (near, target),
        "a flat bright patch": (bright, bright.lerp(other, 0.25)),
    }


def _errors(subject: Subject, pred: Tensor, target: Tensor, autocast: bool) -> tuple[float, float]:
    """Relative errors of value and gradient. The gradient is scaled like that of a loss scaler."""
    assert subject.double is not None
    exact = dataclasses.replace(subject.double, rounding=pred.dtype)
    value, slope = exact.gradient(pred.double(), target.double())
    largest = 0.0 if slope is None else float(slope.abs().max())
    # A power of two, like that of a scaler.
    scale = 1.0 if largest == 0 else min(2.0 ** round(-_log2(largest)), _LARGEST_SCALE)
    while True:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            found, gradient = subject.gradient(pred, target, scale=scale)
        if gradient is None or scale <= 1 or bool(gradient.isfinite().all()):
            break
        scale = max(scale / 16, 1.0)  # a scaler does the same if the gradient overflows
    # The effect of rounding the inputs is not an error of the loss. Values near zero are therefore
    # compared with a thousandth of the change caused by one level of 255.
    floor = 1e-3 * largest * subject.span / 255 * pred.numel()
    off = abs(float(found) - float(value)) / max(abs(float(value)), floor, 1e-30)
    if slope is None or gradient is None or largest == 0:
        return off, 0.0
    expected = slope * scale
    return off, float((gradient.double() - expected).norm() / expected.norm())


def _percent(error: float) -> str:
    return f"{error:.1%}" if math.isfinite(error) else "a number that is not finite"


def _log2(value: float) -> float:
    return float(torch.tensor(value, dtype=torch.float64).log2())
