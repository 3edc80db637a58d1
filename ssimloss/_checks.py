"""Argument checks: every error names the argument, the expectation, the value and a fix.

Checks read metadata only (types, dtypes, shapes, Python numbers), never tensor values, so they cost
no synchronisation. Checks of words and names are in ``_words``, which does not import torch.
"""

import numbers
import sys
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from typing_extensions import TypeIs

from ssimloss._words import choice as choice

Word = TypeVar("Word", bound=str)
DataRange = float | tuple[float, float]
_LARGEST = sys.float_info.max

_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_LAYOUT = {3: "(N, C, L)", 4: "(N, C, H, W)", 5: "(N, C, D, H, W)"}
VOLUMES = (4, 5)  # ranks for measures of images and volumes
_COLORS = (1, 3, 4)  # channels of a picture
_LEAST_SIDE = 8  # pixels; a picture is larger, maps of features may be smaller
_LONGEST = 8  # a picture is less than this many times longer than wide


class TooSmallError(ValueError):
    """The images are too small."""


def not_a_tensor(name: str, value: object) -> TypeError:
    """The error for a value that is not a tensor, with the call that converts it."""
    kind = type(value)
    described = kind.__name__
    way_out = f"torch.as_tensor({name}) makes one"
    if kind.__module__.partition(".")[0] == "PIL":
        described = "a PIL image"
        way_out = f"torchvision.transforms.functional.to_tensor({name})[None] returns one in [0, 1]"
    elif kind.__module__ == "numpy" and hasattr(value, "shape"):
        shape, dtype = tuple(value.shape), str(getattr(value, "dtype", ""))
        described = f"numpy.ndarray {shape} of {dtype}"
        way_out = f"torch.from_numpy({name}){_to_channels_first(shape)} makes one"
        if dtype == "uint8":
            way_out = way_out.replace(" makes", " / 255 makes") + " in [0, 1]"
    elif kind in (list, tuple) and value and all(isinstance(v, Tensor) for v in value):  # type: ignore[attr-defined]
        described = f"a {described} of {len(value)} tensors"  # type: ignore[arg-type]
        way_out = f"torch.stack({name}) joins images (C, H, W), torch.cat({name}) joins batches"
    elif isinstance(value, str) or hasattr(value, "__fspath__"):
        way_out = "read the file first, for example with torchvision.io.decode_image"
    elif value is None:
        way_out = "the value was not computed, or not returned"
    return TypeError(f"{name} must be a torch.Tensor, got {described}; {way_out}")


def _to_channels_first(shape: tuple[int, ...]) -> str:
    """The call that converts a tensor of this shape to ``(N, C, H, W)``."""
    if len(shape) == 2:
        return "[None, None]"
    if len(shape) == 3:
        return ".permute(2, 0, 1)[None]" if shape[-1] in _COLORS else "[None]"
    return ".permute(0, 3, 1, 2)" if len(shape) == 4 and shape[-1] in _COLORS else ""


def floating(name: str, value: Tensor) -> None:
    """Check for a floating point tensor."""
    if not isinstance(value, Tensor):
        raise not_a_tensor(name, value)
    if value.dtype.is_complex:
        raise TypeError(
            f"{name} must be floating point, got {value.dtype}; compare {name}.abs(), or real and "
            f"imaginary parts as channels"
        )
    if not value.dtype.is_floating_point:
        raise TypeError(
            f"{name} must be floating point, got {value.dtype}; cast it: {name}.float() / 255 "
            "brings 8-bit values to [0, 1]"
        )
    dense(name, value)
    if value.dtype not in _DTYPES:
        raise TypeError(
            f"{name} must be float16, bfloat16, float32 or float64, got {value.dtype}; cast it "
            f"with {name}.float()"
        )


def maps(name: str, value: Tensor, *, ndim: tuple[int, ...] = (4,)) -> None:
    """Check for a floating point tensor of one of the given ranks, of any sizes."""
    floating(name, value)
    _ranked(name, value, ndim)


def image(name: str, value: Tensor, *, ndim: tuple[int, ...] = (4,)) -> None:
    """Check for a floating point tensor of one of the given ranks, with channels first."""
    maps(name, value, ndim=ndim)
    _channels_first(name, value)


def stored_image(name: str, value: Tensor) -> None:
    """Check for an image as above, or one of uint8, as files have them."""
    if isinstance(value, Tensor) and value.dtype is torch.uint8:
        dense(name, value)
    else:
        floating(name, value)
    _ranked(name, value, (4,))
    _channels_first(name, value)


def stored_images(pred: Tensor, target: Tensor) -> None:
    """Check for two stored images, whose shapes may differ."""
    if isinstance(pred, Tensor) and isinstance(target, Tensor):  # fast path for valid images
        dense = pred.layout is target.layout is torch.strided
        if dense and not pred.is_nested and not target.is_nested:
            known = pred.dtype is torch.uint8 or pred.dtype in _DTYPES
            alike = pred.dtype is target.dtype and pred.shape == target.shape
            if known and alike and pred.ndim == 4:
                _channels_first("pred", pred)
                return
    stored_image("pred", pred)
    stored_image("target", target)


def _ranked(name: str, value: Tensor, ndim: tuple[int, ...]) -> None:
    if value.ndim not in ndim:
        layouts = " or ".join(_LAYOUT[n] for n in ndim)
        raise ValueError(
            f"{name} must have shape {layouts}, got {tuple(value.shape)}; "
            f"{_to_rank(name, tuple(value.shape))}"
        )


def _to_rank(name: str, shape: tuple[int, ...]) -> str:
    """The fix for a tensor of another rank."""
    if len(shape) == 5:
        return (
            f"compare the frames of a clip (N, T, C, H, W), {name}.flatten(0, 1), or the slices of "
            f"a volume, {name}.movedim(2, 1).flatten(0, 1)"
        )
    if len(shape) in (2, 3):
        return f"{name}{_to_channels_first(shape)} adds the missing dimensions"
    return f"reshape it, for example with {name}.view"


def _channels_first(name: str, value: Tensor) -> None:
    """Raise for a picture with channels in the last dimension, or a clip with frames before the
    channels, for which a loss would silently compute a wrong value.

    Feature maps may have any size. They are treated as pictures only if they have at most 4 columns
    and at least 8 rows, four times as many as columns, or 3 columns and as many rows as channels.
    Smaller pictures that are not square cannot be distinguished from maps, and are accepted.
    """
    shape = value.shape
    if len(shape) == 5 and shape[2] == 3 and shape[1] > 4:
        if min(shape[3], shape[4]) >= 4 * 3:
            raise ValueError(
                f"{name} looks like a clip (N, T, C, H, W), but must be images (N, C, H, W) or "
                f"volumes (N, C, D, H, W), got {tuple(shape)}; compare the frames, "
                f"{name}.flatten(0, 1), or move the depth of a volume, {name}.movedim(2, -1)"
            )
        return
    if shape[-1] > 4 or shape[-1] not in _COLORS:
        return
    sides = shape[1:-1]
    least = min(sides[1:])
    is_large = least >= max(4 * shape[-1], _LEAST_SIDE) and max(sides) <= _LONGEST * min(sides)
    if sides[0] > 4 and (is_large or (shape[-1] == 3 and len(set(sides)) == 1)):
        order = (0, len(shape) - 1, *range(1, len(shape) - 1))
        raise ValueError(
            f"{name} must have its channels in dimension 1, {_LAYOUT[len(shape)]}, got "
            f"{tuple(shape)}; {name}.permute{order} moves them there. Maps that are "
            f"{shape[-1]} pixels wide pass as {name}.mT"
        )


def dense(name: str, value: Tensor) -> None:
    """Check for a dense tensor: not sparse, nested, or in a library's own layout."""
    if value.layout is not torch.strided or value.is_nested:
        kind = f"a nested tensor of {value.layout}" if value.is_nested else str(value.layout)
        way_out = "compare its parts one by one" if value.is_nested else f"pass {name}.to_dense()"
        raise TypeError(f"{name} must be a dense tensor, got {kind}; {way_out}")


def matrix(name: str, value: Tensor, *, rows: int) -> None:
    """Check for a floating point ``(N, D)`` of at least so many rows."""
    if not isinstance(value, Tensor):
        raise not_a_tensor(name, value)
    if not value.dtype.is_floating_point:
        raise TypeError(
            f"{name} must be floating point, got {value.dtype}; cast it with {name}.double()"
        )
    if value.ndim != 2:
        raise ValueError(
            f"{name} must have shape (N, D), got {tuple(value.shape)}; {name}.flatten(1) returns "
            "one row per image"
        )
    if len(value) < rows:
        raise ValueError(
            f"{name} must have at least {rows} rows, got {len(value)}; gather more images"
        )


def feature_sets(name_a: str, a: Tensor, name_b: str, b: Tensor) -> None:
    """Check for two sets of features, ``(N_a, D)`` and ``(N_b, D)`` of at least 2 rows each."""
    matrix(name_a, a, rows=2)
    matrix(name_b, b, rows=2)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{name_b} must have the {a.shape[1]} columns of {name_a}, got {b.shape[1]}; use the "
            "same layer for both"
        )
    if a.device != b.device:
        raise ValueError(
            f"{name_b} must be on the device of {name_a} ({a.device}), got {b.device}; move it"
        )


def images(pred: Tensor, target: Tensor, *, ndim: tuple[int, ...] = (4,)) -> None:
    """Check for two floating point images of one shape on one device."""
    if isinstance(pred, Tensor) and isinstance(target, Tensor):  # fast path for valid images
        dense = pred.layout is target.layout is torch.strided
        if dense and not pred.is_nested and not target.is_nested:
            fits = pred.shape == target.shape and pred.ndim in ndim
            known = pred.dtype in _DTYPES and target.dtype in _DTYPES
            if fits and known and pred.device == target.device:
                _channels_first("pred", pred)
                return
    image("pred", pred, ndim=ndim)
    image("target", target, ndim=ndim)
    same_shape("target", target, "pred", pred)


def long_side(pred: Tensor, least: int, why: str) -> None:
    """Check for images of at least so many pixels on the long side."""
    if max(pred.shape[2:]) < least:
        raise TooSmallError(
            f"pred and target must have at least {least} pixels on the long side, {why}, got "
            f"{tuple(pred.shape[2:])}; use larger crops"
        )


def same_shape(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Check for equal shapes and one device. Nothing is broadcast: a missing dimension would
    silently change the loss.
    """
    if value.shape != other.shape:
        raise ValueError(
            f"{name} must have the shape of {other_name} {tuple(other.shape)}, got "
            f"{tuple(value.shape)}; images are never broadcast; expand or resize one of them"
        )
    if value.device != other.device:
        raise ValueError(
            f"{name} must be on the device of {other_name} ({other.device}), got {value.device}; "
            f"move it with .to({other_name}.device)"
        )


def mask(value: Tensor | None, pred: Tensor) -> None:
    """Check for ``(N, 1 or C, ...)`` weights, bool or floating point, on the device of ``pred``."""
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
        has_channels = tuple(value.shape) != (n, *space)
        way_out = (
            "expand it over the batch with mask.expand(...)"
            if has_channels
            else "add the channels with mask.unsqueeze(1)"
        )
        raise ValueError(
            f"mask must have shape {(n, 1, *space)} or {(n, c, *space)} for pred of "
            f"{tuple(pred.shape)}, got {tuple(value.shape)}; {way_out}"
        )
    if value.device != pred.device:
        raise ValueError(
            f"mask must be on the device of pred ({pred.device}), got {value.device}; move it "
            "with .to(pred.device)"
        )


def is_sequence(value: object) -> TypeIs[Sequence[object]]:
    """Whether it is a tuple, a list, or the sequence type of a configuration file."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def data_range(value: DataRange) -> tuple[float, float]:
    """Return ``(lo, span)`` of a data range ``L`` (meaning ``[0, L]``) or ``(lo, hi)``."""
    way_out = "pass 1.0 for [0, 1], 255 for 8-bit values, (-1, 1) for tanh outputs"
    if is_sequence(value):
        if len(value) != 2:
            raise ValueError(f"data_range must be a number or (lo, hi), got {value!r}; {way_out}")
        lo, hi = (number("data_range", v) for v in value)
    else:
        lo, hi = 0.0, number("data_range", value)
    if not hi > lo:
        raise ValueError(f"data_range must span a positive interval, got {value!r}; {way_out}")
    return lo, hi - lo


def number(name: str, value: float) -> float:
    """Check for a finite number, of Python or NumPy."""
    if isinstance(value, bool) or not isinstance(value, (int, float, numbers.Real)):
        raise TypeError(
            f"{name} must be a number, got {type(value).__name__} {value!r}{_as_text(value)}"
        )
    if isinstance(value, np.generic):
        value = value.item()
    # By comparison, because torch.compile does not support math.isfinite for dynamic numbers.
    if not abs(value) <= _LARGEST:
        raise ValueError(f"{name} must be finite, got {value!r}")
    return float(value)


def _as_text(value: object) -> str:
    """What to do about a number that is text, as YAML reads ``1e-3``; empty for other values."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        return ""
    return "; convert it with float(); in a YAML file, write a point, as in 1.0e-3"


def positive(name: str, value: float) -> float:
    """Check for a finite number above 0."""
    if not number(name, value) > 0:
        raise ValueError(f"{name} must be positive, got {value!r}")
    return float(value)


def non_negative(name: str, value: float) -> float:
    """Check for a finite number of at least 0."""
    if number(name, value) < 0:
        raise ValueError(f"{name} must not be negative, got {value!r}")
    return float(value)


def fraction(name: str, value: float) -> float:
    """Check for a number in [0, 1]."""
    if not 0 <= number(name, value) <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {value!r}")
    return float(value)


def count(name: str, value: int, *, least: int = 1) -> int:
    """Check for an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, (int, numbers.Integral)):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__} {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def weights(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """Check for a non-empty sequence of finite, non-negative numbers that are not all zero."""
    if not is_sequence(values):
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
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {type(value).__name__} {value!r}")
