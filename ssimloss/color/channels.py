"""Functions of RGB channels that all conversions share."""

import torch
from torch import Tensor

from ssimloss import _checks, _debug
from ssimloss._checks import DataRange

_KNEE = 0.04045  # of sRGB: linear up to this value, a power above


def linear_light(encoded: Tensor) -> Tensor:
    """Convert sRGB values in [0, 1] to linear light (IEC 61966-2-1). Values outside [0, 1] are
    converted by the same formulas.
    """
    power = ((encoded.clamp(min=_KNEE) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= _KNEE, encoded / 12.92, power)


def weigh(image: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Weighted sum of the channels, ``(N, 1, H, W)``. Weights are Python numbers, because tensors
    would have to be copied to the device.
    """
    first, second, third = (weight * image[:, i : i + 1] for i, weight in enumerate(weights))
    return first + second + third


def check_image(image: Tensor, expected: str, data_range: DataRange) -> None:
    """Raise unless the image is floating point with shape ``(N, 3, H, W)``."""
    _checks.image("image", image)
    channels = image.shape[1]
    if channels == 3:
        if _debug.STATE.enabled:
            _debug.check("color", {"image": image}, data_range=data_range)
        return
    way_out = {
        1: "a gray image is its own luma in full range; use it as it is, or expand it to three "
        "channels with .expand(-1, 3, -1, -1)",
        4: "remove the alpha channel by image[:, :3]",
    }.get(channels, "channels are the second dimension, (N, 3, H, W)")
    raise ValueError(
        f"image must have {expected}, got {channels} in shape {tuple(image.shape)}; {way_out}"
    )
