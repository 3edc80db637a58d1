"""Slow float64 NumPy reference of the package's equations, written from the papers; imports nothing
from ``ssimloss``. The equations are in ``tests/references``, one file per family.

Images are ``(N, C, H, W)``, volumes ``(N, C, D, H, W)``. Windows are summed tap by tap with the
full n-dimensional window and moments are taken in two passes about each window's own mean, so
nothing here shares a shortcut (separable filters, E[x^2] - E[x]^2) with the package. Where the
papers leave a choice open, the docstring says which one is made.
"""

# ruff: noqa: F403 - this file is the index
from references.adversarial import *
from references.basics import *
from references.color import *
from references.deep import *
from references.distributions import *
from references.edges import *
from references.flip import *
from references.gradient_similarity import *
from references.hvs import *
from references.information import *
from references.pixels import *
from references.pyramids import *
from references.sets import *
from references.ssimulacra2 import *
from references.structure import *
from references.trainer_losses import *
from references.transforms import *
from references.vmaf import *
