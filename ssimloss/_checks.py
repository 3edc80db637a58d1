"""Argument errors: every message names the argument, what was expected, what came, and the way out.

Checks read metadata only (types, dtypes, shapes, Python numbers), never tensor values, so they cost
no synchronisation.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

Word = TypeVar("Word", bound=str)
DataRange = float | tuple[float, float]

_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_LAYOUT = {3: "(N, C, L)", 4: "(N, C, H, W)", 5: "(N, C, D, H, W)"}


def floating(name: str, value: Tensor) -> None:
    """Demand a floating point tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} must be a torch.Tensor, got {type(value).__name__}; torch.as_tensor({name}) "
            "makes one"
        )
    if not value.dtype.is_floating_point:
        raise TypeError(
            f"{name} must be floating point, got {value.dtype}; cast it, and pass data_range=255 "
            "for 8-bit values"
        )
    dense(name, value)
    if value.dtype not in _DTYPES:
        raise TypeError(
            f"{name} must be float16, bfloat16, float32 or float64, got {value.dtype}; cast it "
            f"with {name}.float()"
        )


def image(name: str, value: Tensor, *, ndim: tuple[int, ...] = (4,)) -> None:
    """Demand a floating point tensor of one of the given ranks."""
    floating(name, value)
    if value.ndim not in ndim:
        layouts = " or ".join(_LAYOUT[n] for n in ndim)
        raise ValueError(
            f"{name} must have shape {layouts}, got {tuple(value.shape)}; add the missing "
            f"dimensions with {name}.unsqueeze(0) or reshape it"
        )


def dense(name: str, value: Tensor) -> None:
    """Demand a dense tensor: not sparse, not nested, not in a layout of a library."""
    if value.layout is not torch.strided or value.is_nested:
        kind = f"a nested tensor of {value.layout}" if value.is_nested else str(value.layout)
        way_out = "compare its parts one by one" if value.is_nested else f"pass {name}.to_dense()"
        raise TypeError(f"{name} must be a dense tensor, got {kind}; {way_out}")


def matrix(name: str, value: Tensor, *, rows: int) -> None:
    """Demand a floating point ``(N, D)`` of at least so many rows."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} must be a torch.Tensor, got {type(value).__name__}; torch.as_tensor({name}) "
            "makes one"
        )
    if not value.dtype.is_floating_point:
        raise TypeError(
            f"{name} must be floating point, got {value.dtype}; cast it with {name}.double()"
        )
    if value.ndim != 2:
        raise ValueError(
            f"{name} must have shape (N, D), got {tuple(value.shape)}; {name}.flatten(1) makes "
            "one row per image"
        )
    if len(value) < rows:
        raise ValueError(
            f"{name} must have at least {rows} rows, got {len(value)}; gather more images"
        )


def images(pred: Tensor, target: Tensor, *, ndim: tuple[int, ...] = (4,)) -> None:
    """Demand two floating point images of one shape on one device."""
    if isinstance(pred, Tensor) and isinstance(target, Tensor):  # one look at what is right
        dense = pred.layout is target.layout is torch.strided
        if dense and not pred.is_nested and not target.is_nested:
            fits = pred.shape == target.shape and pred.ndim in ndim
            known = pred.dtype in _DTYPES and target.dtype in _DTYPES
            if fits and known and pred.device == target.device:
                return
    image("pred", pred, ndim=ndim)
    image("target", target, ndim=ndim)
    same_shape("target", target, "pred", pred)


def same_shape(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Demand equal shapes (nothing is broadcast: a forgotten dimension would change the loss
    silently) and one device.
    """
    if value.shape != other.shape:
        raise ValueError(
            f"{name} must have the shape of {other_name} {tuple(other.shape)}, got "
            f"{tuple(value.shape)}; images are never broadcast, expand or resize one of them"
        )
    if value.device != other.device:
        raise ValueError(
            f"{name} must be on the device of {other_name} ({other.device}), got {value.device}; "
            f"move it with .to({other_name}.device)"
        )


def mask(value: Tensor | None, pred: Tensor) -> None:
    """Demand ``(N, 1 or C, ...)`` weights, bool or floating point, on the device of ``pred``."""
    if value is None:
        return
    if not isinstance(value, Tensor):
        raise TypeError(f"mask must be a torch.Tensor or None, got {type(value).__name__}")
    if value.dtype is not torch.bool and not value.dtype.is_floating_point:
        raise TypeError(
            f"mask must be bool or floating point weights, got {value.dtype}; use mask.bool()"
        )
    dense("mask", value)
    n, c, *space = pred.shape
    if tuple(value.shape) not in ((n, 1, *space), (n, c, *space)):
        raise ValueError(
            f"mask must have shape {(n, 1, *space)} or {(n, c, *space)} for pred of "
            f"{tuple(pred.shape)}, got {tuple(value.shape)}; expand it over the batch with "
            "mask.expand(...)"
        )
    if value.device != pred.device:
        raise ValueError(
            f"mask must be on the device of pred ({pred.device}), got {value.device}; move it "
            "with .to(pred.device)"
        )


def data_range(value: DataRange) -> tuple[float, float]:
    """Return ``(lo, span)`` of a data range ``L`` (meaning ``[0, L]``) or ``(lo, hi)``."""
    way_out = "pass 1.0 for [0, 1], 255 for 8-bit values, (-1, 1) for tanh outputs"
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"data_range must be a number or (lo, hi), got {value!r}; {way_out}")
        lo, hi = (number("data_range", v) for v in value)
    else:
        lo, hi = 0.0, number("data_range", value)
    if not hi > lo:
        raise ValueError(f"data_range must span a positive interval, got {value!r}; {way_out}")
    return lo, hi - lo


def number(name: str, value: float) -> float:
    """Demand a finite Python number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {type(value).__name__} {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return float(value)


def positive(name: str, value: float) -> float:
    """Demand a finite number above 0."""
    if not number(name, value) > 0:
        raise ValueError(f"{name} must be positive, got {value!r}")
    return float(value)


def non_negative(name: str, value: float) -> float:
    """Demand a finite number of at least 0."""
    if number(name, value) < 0:
        raise ValueError(f"{name} must not be negative, got {value!r}")
    return float(value)


def fraction(name: str, value: float) -> float:
    """Demand a number in [0, 1]."""
    if not 0 <= number(name, value) <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {value!r}")
    return float(value)


def count(name: str, value: int, *, least: int = 1) -> int:
    """Demand an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__} {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value


def weights(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """Demand a non-empty sequence of finite, non-negative numbers that are not all zero."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(
            f"{name} must be a sequence of numbers, got {type(values).__name__} {values!r}"
        )
    if not values:
        raise ValueError(f"{name} must hold at least one number, got an empty sequence")
    checked = tuple(non_negative(f"{name}[{i}]", v) for i, v in enumerate(values))
    if not any(checked):
        raise ValueError(f"{name} must not be all zero, got {tuple(values)!r}")
    return checked


def flag(name: str, value: bool) -> None:
    """Raise unless ``value`` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {type(value).__name__} {value!r}")


def choice(name: str, value: str, options: Iterable[str]) -> None:
    """Demand one of a closed set of words; the error lists them."""
    options = tuple(options)
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
