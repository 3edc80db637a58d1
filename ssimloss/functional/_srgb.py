"""The transfer function of sRGB: encoded values to linear light.

IEC 61966-2-1: a line up to 0.04045, a power of 2.4 above.
"""

import torch
from torch import Tensor

_KNEE = 0.04045


def linear_light(encoded: Tensor) -> Tensor:
    """sRGB values, black 0 and white 1, to linear light. Both curves continue beyond the range."""
    power = ((encoded.clamp(min=_KNEE) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= _KNEE, encoded / 12.92, power)
