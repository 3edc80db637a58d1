"""Activation checkpoints: layers whose activations are computed again in the backward pass."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ssimloss._torch import is_transformed

Result = TypeVar("Result")


def pays(image: Tensor) -> bool:
    """Whether there is a graph that would keep activations, and nothing that forbids checkpoints:
    the hooks which they need do not work under ``torch.func``.
    """
    return torch.is_grad_enabled() and image.requires_grad and not is_transformed()


def run_again(function: Callable[[Tensor], Result], image: Tensor) -> Result:
    """``function(image)``, run a second time in the backward pass."""
    result: Result = checkpoint(function, image, use_reentrant=False, preserve_rng_state=False)
    return result
