"""Warnings at the line of the caller, however many functions of this package lie between."""

import inspect
import os
import sys
import warnings

import torch

# Decorators such as torch.no_grad, and the call of a module, lie between.
_BETWEEN = tuple(
    os.path.dirname(os.path.abspath(file)) + os.sep for file in (__file__, inspect.getfile(torch))
)


def is_between(file: str) -> bool:
    """Whether a file is one of this package or of PyTorch."""
    return file.startswith(_BETWEEN)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the first frame outside of this package and of PyTorch."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and is_between(frame.f_code.co_filename):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
