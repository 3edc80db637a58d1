"""The examined loss: its inputs, how it is called, and its precision."""

import contextlib
import copy
import dataclasses
import functools
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from ssimloss import _checks
from ssimloss._warnings import is_between
from ssimloss.combined.calls import describe
from ssimloss.doctor import picture
from ssimloss.doctor.signature import (
    Argument,
    Form,
    Loss,
    Role,
    arguments_named,
    arguments_of,
)

# Sides of images to try in this order: even and odd, unequal. MS-SSIM needs 176.
SIDES = ((48, 60), (96, 100), (176, 180), (256, 260))
_MARGIN = 0.02  # of the range; keeps small steps inside it, since some losses raise outside
_CHANNELS = (6, 8)  # of the features that replace those of a network


class LossRaised(Exception):
    """The loss raised an exception, which is ``__cause__``."""

    def __init__(self, cause: BaseException) -> None:
        """Keep type, first line and place of the cause as the message."""
        first = str(cause).strip().split("\n")[0][:300]
        told = f"{type(cause).__name__}: {first}" if first else type(cause).__name__
        super().__init__(told + _place_of(cause))


@dataclass(frozen=True, eq=False)
class Subject:
    """A loss and the images on which it is examined.

    ``pred`` and ``target`` below are the two inputs, whatever their names in the loss. For an
    adversarial loss, they are the logits of generated and of real images.
    """

    loss: Loss
    name: str
    arguments: tuple[Argument, ...]
    low: float = 0.0
    span: float = 1.0
    image: Tensor | None = None  # (N, C, H, W) in [0, 1]
    spec: str | None = None  # how another process finds the loss
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    eager: Loss | None = None
    sides: tuple[int, int] = SIDES[0]
    channels: int = 3
    rounding: torch.dtype | None = None  # dtype to which features are rounded

    # --- what it takes ----------------------------------------------------------------------------

    @property
    def role(self) -> Role:
        """The kind of loss."""
        kinds = [argument.kind for argument in self.arguments]
        if "fake_logits" in kinds:  # the loss minimises over the input that comes first
            return "discriminator" if kinds[0] == "real_logits" else "generator"
        return "pair" if "target" in kinds else "single"

    @property
    def of_images(self) -> bool:
        """Whether it takes images, not logits."""
        return self.role in ("pair", "single")

    @property
    def has_second(self) -> bool:
        """Whether it compares two inputs."""
        return any(a.kind in ("target", "real_logits") for a in self.arguments)

    @property
    def called(self) -> str:
        """The call, for example ``loss(pred, target)``."""
        shown = [
            f"{a.name}={a.kind}"
            if a.by_keyword and a.name != a.kind
            else f"{a.name}=..."
            if a.by_keyword
            else a.name
            for a in self.arguments
        ]
        return f"loss({', '.join(shown)})"

    @property
    def module(self) -> nn.Module | None:
        """The module behind the loss, None for a function."""
        owner = self.loss
        while isinstance(owner, functools.partial):
            owner = owner.func
        owner = getattr(owner, "__self__", owner)
        return owner if isinstance(owner, nn.Module) else None

    # --- images -----------------------------------------------------------------------------------

    def target(self, count: int = 2, dtype: torch.dtype = torch.float32) -> Tensor:
        """Crops of the picture, ``(count, C, H, W)``; for logits, those of real images."""
        if not self.of_images:
            return _logits(count, 11).to(dtype)
        whole = picture.drawn() if self.image is None else self.image
        parts = picture.crops(whole, count, *self.sides)
        if parts.shape[1] != self.channels:
            parts = parts.mean(1, keepdim=True).expand(-1, self.channels, -1, -1)
        return self.scaled(_MARGIN + (1 - 2 * _MARGIN) * parts).to(dtype)

    def scaled(self, image: Tensor) -> Tensor:
        """Scale from [0, 1] to the range of the loss."""
        return self.low + self.span * image

    def start(
        self, name: str = "noisy", count: int = 2, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """A damaged copy of :meth:`target`; for logits, those of generated images."""
        if not self.of_images:
            seed = list(picture.STARTS).index(name)
            return _logits(count, 12 + seed).to(dtype)
        unit = (self.target(count, torch.float64) - self.low) / self.span
        damaged = picture.STARTS[name](unit).clamp(_MARGIN / 2, 1 - _MARGIN / 2)
        return self.scaled(damaged).to(dtype)

    def within(self, image: Tensor) -> Tensor:
        """Clamp to the range of the loss."""
        return image.clamp(self.low, self.low + self.span)

    # --- calls ------------------------------------------------------------------------------------

    def raw(self, pred: Tensor, target: Tensor) -> Any:
        """Call the loss and return its result.

        Raises:
            LossRaised: the loss raised an exception.
        """
        with raising():
            return self._result(pred, target)

    def _result(self, pred: Tensor, target: Tensor) -> Any:
        args, named = self.passed(pred, target)
        return self.loss(*args, **named)

    def passed(self, pred: Tensor, target: Tensor) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments of the call."""
        args: list[Any] = []
        named: dict[str, Any] = {}
        for argument in self.arguments:
            value: Any = True
            if argument.kind != "is_real":
                value = pred if argument.kind in ("pred", "fake_logits") else target
                value = self._formed(value, argument.form)
            if argument.by_keyword:
                named[argument.name] = value
            else:
                args.append(value)
        return args, named

    def __call__(self, pred: Tensor, target: Tensor, *, seeded: bool = True) -> Tensor:
        """The value as a scalar, with the same random numbers at every call."""
        if not seeded:
            return scalar(self.raw(pred, target))
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would seed the generators of GPUs too, which are not restored here.
            torch.default_generator.manual_seed(0)
            return scalar(self.raw(pred, target))

    def value(self, pred: Tensor, target: Tensor) -> float:
        """The value as a number."""
        with torch.no_grad():
            return float(self(pred, target))

    def value_or_warning(self, pred: Tensor, target: Tensor) -> tuple[float, bool]:
        """The value, and whether the call warned."""
        with warnings.catch_warnings(record=True) as told, torch.no_grad():
            warnings.simplefilter("always")
            with raising(quiet=False):
                return float(scalar(self._result(pred, target))), bool(told)

    def gradient(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        to: Literal["pred", "target"] = "pred",
        scale: float = 1.0,
        seeded: bool = True,
    ) -> tuple[Tensor, Tensor | None]:
        """The detached value, and the gradient of ``scale`` times the value; None without gradient.

        Raises:
            LossRaised: the forward or the backward pass raised an exception.
        """
        leaf = (pred if to == "pred" else target).detach().clone().requires_grad_()
        moved = leaf.clone()  # not a leaf, like the output of a network
        other = (target if to == "pred" else pred).detach().clone()
        value = self(*((moved, other) if to == "pred" else (other, moved)), seeded=seeded)
        if not value.requires_grad:
            return value, None
        with raising():
            (found,) = torch.autograd.grad(
                value, leaf, torch.full_like(value, scale), allow_unused=True
            )
        return value.detach(), found

    def _formed(self, value: Tensor, form: Form) -> Any:
        """The tensor, or features computed from it."""
        if form == "tensor":
            return value
        with torch.autocast(value.device.type, enabled=False):
            maps = features(value.double())  # exact, so that errors are those of the loss
        if self.rounding is not None:
            maps = [m + (m.to(self.rounding).double() - m).detach() for m in maps]
        maps = [m.to(value.dtype) for m in maps]
        if form == "list":
            return maps
        layers = getattr(self.loss, "keywords", {}).get("layers", {})
        names = list(layers) if isinstance(layers, Mapping) and layers else ["shallow", "deep"]
        return {name: maps[min(i, len(maps) - 1)] for i, name in enumerate(names)}

    # --- precision --------------------------------------------------------------------------------

    @functools.cached_property
    def double(self) -> "Subject | None":
        """The same loss in float64; None if it does not compute in float64."""
        for cast_too in (False, True):
            try:
                found = self._cast() if cast_too else self
                pred, target = found.start(count=1), found.target(1)
                if found(pred.double(), target.double()).dtype is torch.float64:
                    return found
            except (LossRaised, TypeError, RuntimeError):
                continue
        return None

    def _cast(self) -> "Subject":
        """A copy whose module has float64 parameters."""
        if self.module is None:
            raise TypeError("a function has no parameters to cast")
        copied = copy.deepcopy(self.loss)
        found = dataclasses.replace(self, loss=copied)
        assert found.module is not None
        found.module.double()
        return found


def _place_of(error: BaseException) -> str:
    """File and line of an error: the last ones outside of this package and of PyTorch; empty if the
    loss is theirs.
    """
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not is_between(frame.filename)]
    return f", in {theirs[-1].filename}, line {theirs[-1].lineno}" if theirs else ""


@contextlib.contextmanager
def raising(*, quiet: bool = True) -> Iterator[None]:
    """Convert any exception of the loss to :class:`LossRaised`, because it is a finding. ``quiet``
    drops its warnings.
    """
    try:
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter("ignore")
            yield
    except LossRaised:
        raise
    except Exception as error:
        raise LossRaised(error) from error


def scalar(result: Any) -> Tensor:
    """The mean of a tensor; the sum over a tuple, a list or a dictionary of tensors.

    Raises:
        LossRaised: there is no floating point tensor in it.
    """
    if isinstance(result, Tensor):
        if not result.dtype.is_floating_point:
            raise LossRaised(TypeError(f"the loss returned a tensor of {result.dtype}"))
        return result if result.ndim == 0 else result.mean()
    parts = list(result.values()) if isinstance(result, Mapping) else result
    if isinstance(parts, (list, tuple)):
        found = [scalar(part) for part in parts if isinstance(part, Tensor)]
        if found:
            return torch.stack(found).sum()
    raise LossRaised(TypeError(f"the loss returned {type(result).__name__}, not a tensor"))


def _logits(count: int, seed: int) -> Tensor:
    """Logits of an untrained discriminator. Real and fake ones have the same mean, just below 0,
    where each form of the generator's loss raises them.
    """
    drawn = picture.noise((count, 1, 6, 8), seed)
    return drawn - drawn.mean() - 0.1


def features(image: Tensor) -> list[Tensor]:
    """Two maps ``(N, 6, H/2, W/2)`` and ``(N, 8, H/4, W/4)`` of a fixed network, which replace
    those of a trained one.
    """
    maps, current = [], image
    for i, channels in enumerate(_CHANNELS):
        current = nnf.avg_pool2d(current, 2, ceil_mode=True)
        width = current.shape[1]
        weight = picture.noise((channels, width, 3, 3), 30 + i) / (3 * width**0.5)
        current = nnf.softplus(nnf.conv2d(current, weight.to(current), padding=1), beta=5)
        maps.append(current)
    return maps


def subject_of(
    loss: Loss,
    *,
    inputs: Sequence[str] | None = None,
    data_range: float | tuple[float, float] | None = None,
    image: Tensor | None = None,
    eager: Loss | None = None,
    spec: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Subject:
    """The subject for a loss, with inputs found from its signature.

    Raises:
        TypeError: the loss cannot be called, or its inputs are not known.
        ValueError: ``inputs`` has an unknown name, or the range or the image is unusable.
    """
    if isinstance(loss, type):
        raise TypeError(f"loss must be built first: {loss.__name__}(...), got the class")
    if not callable(loss):
        raise TypeError(f"loss must be callable, got {type(loss).__name__}")
    arguments = arguments_named(inputs) if inputs is not None else arguments_of(loss)
    if data_range is None:
        own = getattr(loss, "keywords", {}).get("data_range", getattr(loss, "data_range", 1.0))
        data_range = own if isinstance(own, (int, float, tuple)) else 1.0
    low, span = _checks.data_range(data_range)
    if image is not None:
        _checks.image("image", image)
        if image.shape[1] not in (1, 3):
            raise ValueError(f"image must be (N, 1 or 3, H, W), got {tuple(image.shape)}")
        image = image.detach().double().cpu()
    return Subject(
        loss, describe(loss), arguments, low, span, image, spec, dict(options or {}), eager
    )
