"""The native library's ``squared_errors``."""

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.prepared_images import Steps, packed


def squared_errors(x: Tensor, y: Tensor, steps: Steps) -> Tensor:
    """Means ``(N,)`` in float64; the images are not empty."""
    found = torch.empty(len(x), dtype=torch.float64, device=x.device)
    weights = library.doubles(steps.weights)
    library.call("ssimloss_squared_errors", packed(x, y, steps, weights, found))
    return found
