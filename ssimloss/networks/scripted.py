"""Networks of ``torch.jit`` as frozen modules."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ssimloss._torch import FollowsMoves, apply_to_tensors


class Scripted(FollowsMoves):
    """A network of ``torch.jit``, hidden from ``parameters()`` and ``state_dict()``, since its
    parameters cannot be turned into buffers.
    """

    def __init__(self, network: torch.jit.ScriptModule) -> None:  # noqa: D107 - see the class
        super().__init__()
        with torch.no_grad():  # otherwise the copies of parameters are not leaves
            copied: nn.Module = copy.deepcopy(network).eval()
        for parameter in copied.parameters():
            parameter.requires_grad_(False)
        self._hidden = (copied,)  # in a tuple, so that nn.Module does not register it

    def forward(self, image: Tensor) -> Any:
        """The network's result for the image, which is converted to the network's dtype."""
        network = self._hidden[0]
        dtype = next((p.dtype for p in network.parameters() if p.is_floating_point()), image.dtype)
        return network(image.to(dtype))

    def _moved(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Move and cast the network too."""
        apply_to_tensors(self._hidden[0], fn)
