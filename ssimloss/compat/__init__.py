"""The interfaces of other libraries: change the import line, keep the calls.

Each function passes its arguments to this library under their names here; there is no second
implementation. ``docs/drop_ins.md`` lists the differences from the originals. Importing this
package imports no other library. The registry entries of BasicSR, neosr and traiNNer-redux are
separate modules: ``import ssimloss.compat.basicsr`` registers them. ``combined_from_template``
builds one criterion from the losses in a configuration of neosr or traiNNer-redux.
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
