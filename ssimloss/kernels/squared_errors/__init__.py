"""The mean squared error of two images after their preparation as in another implementation."""

from ssimloss.kernels.squared_errors.operator import SQUARED_ERRORS, squared_errors

__all__ = ["SQUARED_ERRORS", "squared_errors"]
