"""Call forms of other libraries: change the import line, keep the calls.

Each function passes its arguments on to this library under their names here; nothing is computed
twice. ``docs/drop_ins.md`` lists what differs from the originals. Importing this package imports no
other library. The registry entries of BasicSR, neosr and traiNNer-redux are modules of their own:
``import ssimloss.compat.basicsr`` registers them.
"""

from ssimloss.compat import loss_utils, piq, pytorch_msssim
from ssimloss.compat._fused import fused_ssim, fused_ssim3d

__all__ = ["fused_ssim", "fused_ssim3d", "loss_utils", "piq", "pytorch_msssim"]
