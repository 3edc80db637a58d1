"""Tests that an older version of PyTorch cannot pass, each with the reason."""

from __future__ import annotations

import pytest
import torch

TORCH = tuple(int(part) for part in torch.__version__.split(".")[:2])


def needs_torch(major: int, minor: int, reason: str) -> pytest.MarkDecorator:
    """Skip below this version."""
    return pytest.mark.skipif(
        (major, minor) > TORCH, reason=f"PyTorch {torch.__version__.split('+')[0]}: {reason}"
    )
