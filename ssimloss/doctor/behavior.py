"""Behaviour that papers rarely state: batches, channels, symmetry, side effects, odd inputs."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ssimloss._torch import version
from ssimloss.doctor.records import Verdict, failed, not_applicable, passed
from ssimloss.doctor.subject import LossRaised, Subject

_EQUAL = 1e-4  # relative; the order of a float32 sum of 1e4 numbers changes it by 1e-6


def returns(subject: Subject) -> Verdict:
    """Whether a call returns a value that ``backward()`` can start from."""
    result = subject.raw(subject.start(), subject.target())
    if not isinstance(result, Tensor):
        value = subject(subject.start(), subject.target())
        return failed(
            f"it returns {type(result).__name__}, not a tensor; the checks below use the sum of "
            "the tensors in it",
            value=float(value.detach()),
        )
    if result.ndim:
        return failed(
            f"it returns shape {tuple(result.shape)}, not a scalar; backward() needs one, and the "
            "checks below use the mean",
            shape=list(result.shape),
        )
    if result.dtype is not torch.float32:
        return failed(f"it returns {result.dtype} for float32 images", dtype=str(result.dtype))
    return passed(
        f"a scalar, {float(result.detach()):.6g} between the picture and a noisy copy of it"
    )


def batch(subject: Subject) -> Verdict:
    """The value of a batch against the mean of its images' values."""
    pred = torch.cat([subject.start(name, 1) for name in ("noisy", "blurred", "noise")])
    target = subject.target(3)
    exact = subject.double
    if exact is not None:
        subject, pred, target = exact, pred.double(), target.double()
    together = subject.value(pred, target)
    singles = [subject.value(pred[i : i + 1], target[i : i + 1]) for i in range(3)]
    mean = sum(singles) / 3
    numbers = {"batch": together, "singles": singles}
    if _near(together, mean):
        return passed("the value of a batch is the mean over its images", **numbers)
    if _near(together, 3 * mean):
        return passed(
            "the value of a batch is the sum over its images, so it grows with the batch", **numbers
        )
    off = abs(together - mean) / max(abs(mean), 1e-30)
    return failed(
        f"the value of a batch of 3 differs from the mean of its images by {off:.2g}: it depends "
        "on the other images, and on how a batch is split over processes",
        **numbers,
    )


def symmetric(subject: Subject) -> Verdict:
    """Whether pred and target may be exchanged."""
    if subject.role != "pair":
        return not_applicable("it does not compare two images")
    pred, target = subject.start("blurred"), subject.target()
    one, other = subject.value(pred, target), subject.value(target, pred)
    numbers = {"value": one, "exchanged": other}
    if _near(one, other):
        return passed("exchanging pred and target does not change the value", **numbers)
    return failed(
        f"exchanging pred and target changes {one:.6g} to {other:.6g}: their order matters",
        **numbers,
    )


def channels(subject: Subject) -> Verdict:
    """Whether the value is the mean over the channels, each as a gray image repeated."""
    if subject.role != "pair":
        return not_applicable("it does not compare two images")
    count = subject.channels
    if count == 1:
        return not_applicable("it takes images of one channel")
    exact = subject.double or subject
    dtype = torch.float64 if subject.double is not None else torch.float32
    # Channels of different contrast, so that a loss that mixes them differs from the mean.
    pred, target = (image.roll(1, 1) for image in (subject.start("blurred", 1), subject.target(1)))
    gains = torch.linspace(0.3, 1, count).to(pred)[:, None, None]
    pred, target = ((subject.low + (i - subject.low) * gains).to(dtype) for i in (pred, target))
    whole = exact.value(pred, target)
    apart = [
        exact.value(
            *(image[:, c : c + 1].expand_as(image).contiguous() for image in (pred, target))
        )
        for c in range(count)
    ]
    mean = sum(apart) / count
    numbers = {"value": whole, "channels": apart}
    if _near(whole, mean):
        return passed("the value is the mean over the channels", **numbers)
    return failed(
        f"the value {whole:.6g} is not the mean over the channels {mean:.6g}: it mixes them, as "
        "luma or a network does; this is a fault if it should treat them separately",
        **numbers,
    )


def leaves_inputs(subject: Subject) -> Verdict:
    """Whether pred and target are unchanged after forward and backward."""
    for with_graph in (True, False):
        leaf = subject.start()
        pred = leaf.requires_grad_().clone() if with_graph else leaf.clone()
        target = subject.target()
        images = {"pred": (pred, pred.detach().clone()), "target": (target, target.clone())}
        before = {name: version(image) for name, (image, _) in images.items()}
        value = subject(pred, target)
        if with_graph and value.requires_grad:
            try:
                torch.autograd.grad(value, leaf, allow_unused=True)
            except RuntimeError as error:
                if all(version(image) == before[name] for name, (image, _) in images.items()):
                    raise LossRaised(error) from error
        changed = [
            name
            for name, (image, copy) in images.items()
            if version(image) != before[name] or not torch.equal(image.detach(), copy)
        ]
        if changed:
            return failed(
                f"it changes {' and '.join(changed)} in place: later computations with these "
                "images are wrong",
                changed=changed,
            )
    return passed("the images are unchanged after the step")


def repeatable(subject: Subject) -> Verdict:
    """Whether two calls agree bit for bit, and whether they draw random numbers."""
    pred, target = subject.start(), subject.target()
    with _own_generators() as states:
        before = states()
        one = subject.gradient(pred, target, seeded=False)
        drawn = [name for name, state in states().items() if not _same(state, before[name])]
        other = subject.gradient(pred, target, seeded=False)
    values = [float(one[0]), float(other[0])]
    equal = _same(one[0], other[0]) and (
        one[1] is None or (other[1] is not None and _same(one[1], other[1]))
    )
    numbers = {"values": values, "generators": drawn}
    if drawn:
        result = "the same" if equal else "another"
        return failed(
            f"it draws from the random generator of {', '.join(drawn)} at every call, with "
            f"{result} result: it changes the random numbers of the rest of the training",
            **numbers,
        )
    if not equal:
        return failed(
            f"two calls with the same images differ ({values[0]:.9g}, {values[1]:.9g}): it has a "
            "state, or its sums are not deterministic",
            **numbers,
        )
    return passed("two calls agree bit for bit and draw no random numbers", **numbers)


@contextmanager
def _own_generators() -> Iterator[Callable[[], dict[str, object]]]:
    """A reader of the states of the global generators, which are restored afterwards."""

    def states() -> dict[str, object]:
        return {
            "torch": torch.get_rng_state(),
            # The global generator is the one to test.
            "NumPy": cast("tuple[Any, ...]", np.random.get_state())[1:3],  # noqa: NPY002
            "Python": random.getstate(),
        }

    kept = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield states
    finally:
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        random.setstate(kept[2])


def _same(one: object, other: object) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return bool(torch.equal(one, other))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(
            np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
            for a, b in zip(one, other, strict=True)
        )
    return one == other


def accepts(subject: Subject) -> Verdict:
    """Which unusual inputs it accepts without an error or a warning."""
    if not subject.of_images:
        return not_applicable("it takes logits, which have no range and no layout of pixels")
    pred, target = subject.start(), subject.target()
    taken, refused = [], []
    for name, (x, y) in _unusual(subject, pred, target).items():
        try:
            value, told = subject.value_or_warning(x, y)
        except LossRaised:
            refused.append(name)
            continue
        if told:
            refused.append(name)
        else:
            taken.append(f"{name} ({value:.4g})")
    shown = f"accepts silently: {', '.join(taken)}" if taken else "accepts nothing unusual"
    rest = f"; refuses or warns: {', '.join(refused)}" if refused else ""
    numbers = {"accepted": taken, "refused": refused}
    return failed(shown + rest, **numbers) if taken else passed(shown + rest, **numbers)


def _unusual(subject: Subject, pred: Tensor, target: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    def eight_bit(image: Tensor) -> Tensor:
        return ((image - subject.low) / subject.span * 255).round().clamp(0, 255)

    found = {
        "values in [0, 255]" if subject.span < 100 else "values in [0, 1]": (
            (eight_bit(pred), eight_bit(target))
            if subject.span < 100
            else (pred / 255, target / 255)
        ),
        "values below the range": (pred - subject.span, target - subject.span),
        "integers (uint8)": (eight_bit(pred).byte(), eight_bit(target).byte()),
        "(C, H, W) without a batch": (pred[0], target[0]),
        "channels last (N, H, W, C)": (
            pred.movedim(1, -1).contiguous(),
            target.movedim(1, -1).contiguous(),
        ),
        "one channel": (pred[:, :1], target[:, :1]),
        "four channels": (
            torch.cat([pred, pred[:, :1]], 1),
            torch.cat([target, target[:, :1]], 1),
        ),
        "an empty batch": (pred[:0], target[:0]),
    }
    if subject.role == "pair":
        found |= {
            "one target for the batch (broadcast)": (pred, target[:1]),
            "a gray target (broadcast)": (pred, target[:, :1]),
            "pred in float16, target in float32": (pred.half(), target),
        }
    return found


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _EQUAL * max(abs(one), abs(other)) + 1e-12
