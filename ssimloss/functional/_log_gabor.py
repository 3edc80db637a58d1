"""Log-Gabor filters: Gaussians of the logarithm of the frequency, and of its direction.

Field, "Relations between the statistics of natural images and the response properties of cortical
cells", 1987.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def radial(radius: Array, wavelength: float, deviation: float) -> Array:
    """The factor of a scale, for frequencies in cycles per pixel above 0, a wavelength in pixels
    and the deviation of the natural logarithm.
    """
    found: Array = np.exp(-(np.log(radius * wavelength) ** 2) / (2 * deviation**2))
    return found


def angular(angle: Array, direction: float, spread: float) -> Array:
    """The factor of one of two opposite directions, for angles and a deviation in radians."""
    turned = angle - direction
    around = np.arctan2(np.sin(turned), np.cos(turned))
    found: Array = np.exp(-(around**2) / (2 * spread**2))
    return found
