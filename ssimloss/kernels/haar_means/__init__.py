"""The weighted mean of unlike Haar coefficients of HaarPSI, and its gradients."""

from ssimloss.kernels.haar_means.haar import Haar
from ssimloss.kernels.haar_means.operator import HAAR_MEANS, haar_means

__all__ = ["HAAR_MEANS", "Haar", "haar_means"]
