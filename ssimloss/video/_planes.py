"""Luma planes on the scale of 8-bit codes, on which the features of VMAF are defined."""

import math

from torch import Tensor

from ssimloss import _checks, _debug
from ssimloss._checks import DataRange
from ssimloss._precision import computing_dtype
from ssimloss.filters import pad
from ssimloss.kernels import LEAST_SIDE

_LEAST = LEAST_SIDE["information"]
_BITS = (8, 10, 12, 16)


def gain_of(low: float, span: float) -> float:
    """The factor to 8-bit codes: codes of b bits are divided by ``2^(b - 8)``, as in libvmaf; any
    other range is scaled to 255.
    """
    for bits in _BITS:
        if low == 0 and span == 2**bits - 1:
            return float(2.0 ** (8 - bits))
    return 255 / span


def check_pair(reference: Tensor, distorted: Tensor, *, frames: bool = False) -> None:
    """Check that both tensors are luma planes ``(..., 1, H, W)`` of one shape; with ``frames``,
    clips ``(..., T, 1, H, W)``.
    """
    for name, image in (("reference", reference), ("distorted", distorted)):
        check_planes(name, image)
    if frames and reference.ndim < 4:
        raise ValueError(
            f"reference must have shape (T, 1, H, W), got {tuple(reference.shape)}; one frame is "
            "reference.unsqueeze(0)"
        )
    if distorted.shape != reference.shape:
        raise ValueError(
            f"distorted must have the shape of reference {tuple(reference.shape)}, got "
            f"{tuple(distorted.shape)}; scale distorted to the size of reference first"
        )
    if distorted.device != reference.device:
        raise ValueError(
            f"distorted must be on the device of reference, {reference.device}, got "
            f"{distorted.device}"
        )


def check_planes(name: str, image: Tensor) -> None:
    """Check for floating point ``(..., 1, H, W)`` of at least 16 pixels a side."""
    _checks.floating(name, image)
    if image.ndim < 3 or image.shape[-3] != 1:
        raise ValueError(
            f"{name} must have shape (..., 1, H, W), luma planes, got {tuple(image.shape)}; "
            "ssimloss.color.luma converts RGB"
        )
    check_size(name, image)


def check_size(name: str, image: Tensor) -> None:
    """Raise for images of less than 16 pixels a side."""
    if min(image.shape[-2:]) < _LEAST:
        raise _checks.TooSmallError(
            f"{name} must have at least {_LEAST} pixels a side, which four scales need, got "
            f"{tuple(image.shape[-2:])}; use larger crops"
        )


def codes(image: Tensor, data_range: DataRange, name: str) -> Tensor:
    """``(..., 1, H, W)`` as planes ``(M, 1, H, W)`` of 8-bit codes, in float32 at least."""
    if _debug.STATE.enabled:
        _debug.check("video", {name: image}, data_range=data_range)
    low, span = _checks.data_range(data_range)
    planes = image.reshape(math.prod(image.shape[:-3]), 1, *image.shape[-2:])
    return scaled(planes.to(computing_dtype(planes)), low, span)


def scaled(planes: Tensor, low: float, span: float) -> Tensor:
    """The same for planes that have their computing dtype already."""
    gain = gain_of(low, span)
    shifted = planes - low if low != 0 else planes
    return shifted * gain if gain != 1 else shifted


def centred(planes: Tensor) -> Tensor:
    """Subtract an integer near the mean from planes. No feature depends on it, and squares of
    smaller numbers lose fewer digits.
    """
    mean = planes.detach().mean(-1, keepdim=True).mean(-2, keepdim=True)
    return planes - mean.round()


def mirrored(planes: Tensor, amount: int) -> Tensor:
    """Pad all sides by reflection without repeating the edge."""
    return pad(planes, amount, "reflect")
