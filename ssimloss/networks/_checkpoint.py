"""Activation checkpoints: the backward pass recomputes the activations of some layers."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ssimloss._torch import is_transformed

Result = TypeVar("Result")


def pays(image: Tensor) -> bool:
    """Whether a graph would keep activations and checkpoints are possible. The hooks that they need
    do not work under ``torch.func``.
    """
    return torch.is_grad_enabled() and image.requires_grad and not is_transformed()


def run_again(function: Callable[[Tensor], Result], image: Tensor) -> Result:
    """``function(image)``, which the backward pass runs a second time."""
    result: Result = checkpoint(function, image, use_reentrant=False, preserve_rng_state=False)
    return result
