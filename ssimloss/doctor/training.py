"""A loss in training: whether descent improves the image, and which tensors get a gradient."""

import gc
import weakref
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor

from ssimloss.doctor import picture
from ssimloss.doctor.records import Verdict, failed, failed_as, not_applicable, passed
from ssimloss.doctor.subject import Subject, raising

_STEPS = 30
_PACE = 0.008  # size of one step, relative to the range
# Bounds relative to the distance at the start: below the first is better, above the second worse.
_FALLS, _RISES = 0.99, 1.05
_NO_PAIR = "it takes one image and improves no pair"


def improves(subject: Subject) -> Verdict:
    """Descend from three starts and measure how far the result is from the target.

    The distances are independent of the loss: the root mean square error, and the difference of
    local means and standard deviations, which also recognises a texture that is not aligned.
    """
    if not subject.of_images:
        return _separates(subject)
    if subject.role == "single":
        return not_applicable(_NO_PAIR)
    target = subject.target(1)
    numbers: dict[str, Any] = {}
    better = worse = fell = 0
    for name in picture.STARTS:
        start = subject.start(name, 1)
        if subject.gradient(start, target)[1] is None:
            return failed("no gradient reaches pred, so nothing can be minimised")
        found, before, after = _descend(subject, start, target)
        pixels = _rmse(found, target) / _rmse(start, target)
        texture = _statistics(found, target) / _statistics(start, target)
        numbers[name] = {"loss": [before, after], "rmse_ratio": pixels, "texture_ratio": texture}
        fell += after < before
        better += pixels < _FALLS or (pixels < _RISES and texture < _FALLS)
        worse += pixels > _RISES and texture > _FALLS
    shown = ", ".join(f"{n['rmse_ratio']:.2f} from {name}" for name, n in numbers.items())
    if better == len(numbers):
        return passed(f"descent multiplies the pixel error by {shown}", **numbers)
    if fell <= len(numbers) // 2:
        return failed(
            f"descent along the gradient does not lower the loss itself (pixel error {shown})",
            **numbers,
        )
    best = subject.value(target, target)
    if worse > len(numbers) // 2 and all(best < n["loss"][0] for n in numbers.values()):
        return failed_as(
            "warning",
            f"descent multiplies the pixel error by {shown}: the value is lowest at the target, "
            "but descent does not lead there; combine it with a pixel loss",
            **numbers,
        )
    if worse > len(numbers) // 2:
        return failed(
            f"minimising it makes the image worse: descent multiplies the pixel error by {shown}; "
            "is a similarity returned as a loss? Return 1 - similarity",
            **numbers,
        )
    return failed_as(
        "information",
        f"descent multiplies the pixel error by {shown}: alone it does not improve each image; "
        "combine it with a pixel loss",
        **numbers,
    )


def _separates(subject: Subject) -> Verdict:
    """For logits: whether the generator's step raises those of its images, or the discriminator's
    step pulls real and fake ones apart.
    """
    fake, real = subject.start(count=4), subject.target(4)
    _, gradient = subject.gradient(fake, real)
    if gradient is None:
        return failed("no gradient reaches the logits of generated images")
    move = -float(gradient.mean())
    if subject.role == "generator":
        if move > 0:
            return passed("a step of the generator raises the logits of its images", step=move)
        return failed(
            "a step of the generator does not raise the logits of its images: the sign is wrong or "
            "the terms cancel",
            step=move,
        )
    _, other = subject.gradient(fake, real, to="target")
    lift = -float(other.mean()) if other is not None else 0.0
    numbers = {"step_fake": move, "step_real": lift}
    if lift > move:
        return passed("a step of the discriminator pulls real and fake logits apart", **numbers)
    return failed(
        "a step of the discriminator does not pull real and fake logits apart: the sign is wrong, "
        "or the loss is a penalty, which this check does not fit",
        **numbers,
    )


def _descend(subject: Subject, start: Tensor, target: Tensor) -> tuple[Tensor, float, float]:
    """Adam on the pixels, with the first gradient scaled to 1."""
    image = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=_PACE * subject.span, betas=(0.8, 0.95), eps=0.1)
    first, scale = None, 1.0
    for _ in range(_STEPS):
        value, gradient = subject.gradient(image, target)
        if gradient is None or not bool(gradient.isfinite().all()):
            break
        if first is None:
            first = float(value)
            scale = 1 / max(float(gradient.square().mean().sqrt()), 1e-30)
        image.grad = gradient * scale
        optimizer.step()
        with torch.no_grad():
            image.copy_(subject.within(image))
    found = image.detach()
    last = subject.value(found, target)
    return found, float("nan") if first is None else first, last


def _rmse(x: Tensor, y: Tensor) -> float:
    return float((x - y).square().mean().sqrt())


def _statistics(x: Tensor, y: Tensor) -> float:
    """Difference of means and standard deviations in windows of 8 x 8 pixels."""

    def moments(image: Tensor) -> Tensor:
        mean = nnf.avg_pool2d(image, 8, 4)
        spread = (nnf.avg_pool2d(image.square(), 8, 4) - mean.square()).clamp_min(0).sqrt()
        return torch.cat([mean, spread], 1)

    return _rmse(moments(x), moments(y))


def minimum(subject: Subject) -> Verdict:
    """Whether no image has a lower value than the target itself."""
    if subject.role != "pair":
        return not_applicable(_NO_PAIR if subject.of_images else "logits have no target")
    dtype = torch.float64 if subject.double is not None else torch.float32
    subject = subject.double or subject
    target = subject.target(2, dtype)
    best = subject.value(target, target)
    if not best < float("inf"):
        return failed(f"the value at the target itself is {best}", at_target=best)
    unit = (target - subject.low) / subject.span
    moved = {
        "noise of 2 %": unit + 0.02 * picture.noise(tuple(unit.shape), 41).to(unit),
        "2 % brighter": unit + 0.02,
        "2 % more contrast": 0.5 + 1.02 * (unit - 0.5),
        "one channel shifted by 2 %": unit
        + 0.02 * nnf.one_hot(torch.tensor(0), unit.shape[1]).to(unit)[:, None, None],
        "a slight blur": unit.lerp(picture.blurred(unit), 0.1),
        **{name: picture.STARTS[name](unit) for name in picture.STARTS},
    }
    values = {
        name: subject.value(subject.within(subject.scaled(image)), target)
        for name, image in moved.items()
    }
    away = _descend(subject, target, target)[0]
    if bool(away.isfinite().all()):
        values["descent from the target"] = subject.value(away, target)
    span = max(abs(value - best) for value in values.values())
    lower = {name: v for name, v in values.items() if v < best - 1e-3 * span - 1e-9 * abs(best)}
    numbers = {"at_target": best, **values}
    if not lower and span > 0:
        return passed(f"the target itself has the lowest value ({best:.4g})", **numbers)
    if span == 0:
        return failed("the value is the same for every image", **numbers)
    worst = min(lower, key=lambda name: lower[name])
    if "noise" in lower and "blurred" in lower and "noisy" in lower:
        return failed(
            f"a damaged image has a lower value than the target ({worst}: {lower[worst]:.4g}, "
            f"target: {best:.4g}); is a similarity returned as a loss?",
            **numbers,
        )
    return failed(
        f"the target is not the minimum: {lower[worst]:.4g} with {worst}, {best:.4g} at the target",
        **numbers,
    )


def gradient(subject: Subject) -> Verdict:
    """Whether a gradient above rounding error reaches each image and channel."""
    ways = ["pred"] if subject.role != "discriminator" else ["pred", "target"]
    numbers = {}
    for start in ("noisy", "noise"):
        pred, target = subject.start(start), subject.target()
        for way in ways:
            what = _input_name(subject, way)
            found = subject.gradient(pred, target, to=way)[1]  # type: ignore[arg-type]
            if found is None:
                return failed(
                    f"no gradient reaches {what}: the value is computed under torch.no_grad(), "
                    "detached, or made from Python numbers"
                )
            if not bool(found.any()):
                return failed(
                    f"the gradient to {what} is exactly zero: the loss rounds or compares values, "
                    "whose derivative is 0, or its terms cancel"
                )
            if subject.double is not None:
                exact = subject.double.gradient(pred.double(), target.double(), to=way)[1]  # type: ignore[arg-type]
                if exact is not None and bool(exact.isfinite().all()):
                    error = float((found - exact).norm() / max(float(found.norm()), 1e-300))
                    if error > 0.5:
                        return failed(
                            f"the gradient to {what} is rounding error only: in float64 it is "
                            f"{float(exact.abs().max()):.1e}, in float32 "
                            f"{float(found.abs().max()):.1e}; its terms cancel",
                            relative_error=error,
                        )
            alive = (found.abs().amax((-2, -1)) > 0).sum(0).tolist()
            numbers[f"{start}_{way}_largest"] = float(found.abs().max())
            if min(alive) < len(found):
                where = [i for i, count in enumerate(alive) if count < len(found)]
                return failed_as(
                    "error" if subject.role != "generator" else "warning",
                    f"no gradient reaches channel {', '.join(map(str, where))} of {what} in "
                    f"{len(found) - min(alive)} of {len(found)} images (start: {start}): these "
                    "pixels are not trained there",
                    **numbers,
                )
    names = " and ".join(_input_name(subject, way) for way in ways)
    return passed(f"a gradient reaches {names}, in each image and channel", **numbers)


def _input_name(subject: Subject, way: str) -> str:
    """The name of the input in the loss."""
    wanted = ("pred", "fake_logits") if way == "pred" else ("target", "real_logits")
    return next(a.name for a in subject.arguments if a.kind in wanted)


def target_is_left_alone(subject: Subject) -> Verdict:
    """Whether a target without ``requires_grad`` stays a constant."""
    if not subject.has_second:
        return not_applicable("it takes no target")
    if subject.role == "discriminator":
        return not_applicable("a discriminator learns from both of its inputs")
    name = _input_name(subject, "target")
    pred, target = subject.start(), subject.target()
    leaf = pred.clone().requires_grad_()
    value = subject(leaf.clone(), target)
    if value.requires_grad:
        with raising():
            torch.autograd.backward(value)
    if target.requires_grad or target.grad is not None:
        return failed(
            f"the loss makes {name} require a gradient, and a backward pass accumulates into "
            f"{name}.grad: this would keep graphs alive and train the network behind {name}",
            requires_grad=target.requires_grad,
        )
    module = subject.module
    trained = [] if module is None else [n for n, p in module.named_parameters() if p.requires_grad]
    passes = subject.gradient(pred, target, to="target")[1] is not None
    tail = (
        f"a {name} that requires a gradient receives one: detach it if a network computed it"
        if passes
        else f"a {name} that requires a gradient receives none"
    )
    return passed(f"a constant {name} stays constant; {tail}", passes=passes, trained=len(trained))


def parameters(subject: Subject) -> Verdict:
    """The parameters that the loss would train, and its modules in training mode."""
    module = subject.module
    if module is None:
        return not_applicable("it is a function, which has no parameters")
    named = dict(module.named_parameters())
    trained = [name for name, p in named.items() if p.requires_grad]
    saved = sum(t.numel() for t in module.state_dict().values() if isinstance(t, Tensor))
    numbers = {"parameters": len(named), "trainable": len(trained), "state_dict_elements": saved}
    if not trained:
        return passed(
            f"it has no trainable tensors; {saved} elements enter a checkpoint", **numbers
        )
    return failed(
        f"{len(trained)} of its tensors require a gradient ({', '.join(trained[:3])}"
        f"{', ...' if len(trained) > 3 else ''}): an optimiser of all parameters trains them; call "
        "requires_grad_(False) if they are constants",
        **numbers,
    )


class _Sentinel:
    """An object that lives as long as the graph that holds it."""


class _Watched(torch.autograd.Function):
    """The identity. Its node in the graph holds a sentinel."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, sentinel: _Sentinel) -> Tensor:
        """Keep the sentinel with the node."""
        ctx.sentinel = sentinel
        return image.view_as(image)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # noqa: ARG004 - the signature is PyTorch's
        """Pass the gradient on."""
        return gradients[0], None


def releases(subject: Subject) -> Verdict:
    """Whether the graph and the images can be freed after the step."""
    sentinel = _Sentinel()
    pred: Tensor = _Watched.apply(subject.start().requires_grad_(), sentinel)
    target = subject.target()
    value = subject(pred, target)
    if value.requires_grad:
        with raising():
            torch.autograd.backward(value)
    watched: dict[str, Any] = {
        "pred": weakref.ref(pred),
        "target": weakref.ref(target),
        "the graph of pred": weakref.ref(sentinel),
    }
    del pred, target, value, sentinel
    gc.collect()
    kept = [name for name, reference in watched.items() if reference() is not None]
    if not kept:
        return passed("no graph or image is kept alive after a step")
    return failed(
        f"the loss keeps {' and '.join(kept)} alive after the step, and so their memory; store "
        "detached values only"
    )
