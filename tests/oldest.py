"""Tests that an older version of PyTorch or of a peer cannot pass, each with the reason."""

from __future__ import annotations

import importlib.metadata

import pytest
import torch

TORCH = tuple(int(part) for part in torch.__version__.split(".")[:2])


def needs_torch(major: int, minor: int, reason: str) -> pytest.MarkDecorator:
    """Skip below this version."""
    return pytest.mark.skipif(
        (major, minor) > TORCH, reason=f"PyTorch {torch.__version__.split('+')[0]}: {reason}"
    )


def has_package(name: str, major: int, minor: int) -> bool:
    """Whether this version of it is installed, or a newer one."""
    found = importlib.metadata.version(name).split(".")
    return (major, minor) <= (int(found[0]), int(found[1]))


# What the newest one for Python 3.10 does otherwise: its mix of MS-SSIM and L1, its bfloat16.
KORNIA = has_package("kornia", 0, 9)
