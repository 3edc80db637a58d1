"""Call forms of other libraries: change the import line, keep the calls.

Each function passes its arguments on to this library under their names here; nothing is computed
twice. ``docs/drop_ins.md`` lists what differs from the originals. Importing this package imports no
other library. The registry entries of BasicSR, neosr and traiNNer-redux are modules of their own:
``import ssimloss.compat.basicsr`` registers them. ``combined_from_template`` makes one criterion
of the losses in a configuration of neosr or traiNNer-redux.
"""

from ssimloss.compat import loss_utils, piq, pytorch_msssim
from ssimloss.compat._fused import fused_ssim, fused_ssim3d
from ssimloss.compat._templates import combined_from_template

__all__ = [
    "combined_from_template",
    "fused_ssim",
    "fused_ssim3d",
    "loss_utils",
    "piq",
    "pytorch_msssim",
]
