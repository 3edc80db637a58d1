"""The mean squared error of two images after a program has prepared them."""

from ssimloss.kernels.squared_errors.operator import SQUARED_ERRORS, squared_errors

__all__ = ["SQUARED_ERRORS", "squared_errors"]
