"""What several tables say alike: versions, how closely a program can be met, what it does to the
images first.
"""

from collections.abc import Iterable

from ssimloss.conventions._convention import Convention
from ssimloss.conventions._preparation import Preparation

BASICSR_RGB = Preparation(clamp=True, quantise=True, crop=True)
BASICSR_Y = Preparation(clamp=True, quantise=True, crop=True, luma="bt601_studio")
MATLAB_GRAY = Preparation(clamp=True, quantise=True, luma="matlab", round=True)
PYIQA_RGB = Preparation(round=True)
PYIQA_YIQ = Preparation(luma="bt601_float32", round=True)
PYIQA_YCBCR = Preparation(luma="bt601_studio", round=True)

ROUNDING = "float64 rounding"
FLOAT32_WINDOW = "the program builds its window in float32"
DENOMINATOR = "it adds 1e-12 to the denominator, 1e-5 of it in black patches"

BASICSR = "BasicSR 1.4.2"
KORNIA = "kornia 0.9.0"
MONAI = "MONAI 1.6.1"
OCTAVE = "GNU Octave 7.3"
PIQ = "piq 0.8.0"
PYIQA = "IQA-PyTorch (pyiqa) 01ae427"
PYTORCH_MSSSIM = "pytorch-msssim 1.0.0"
SKIMAGE = "scikit-image 0.26"
TENSORFLOW = "TensorFlow 2.21"
TORCHMETRICS = "torchmetrics 1.9.0"

PYIQA_NOTE = (
    "The program clamps nothing, and passes the gradient straight through its rounding; here the "
    "gradient of rounding is 0.",
)
BASICSR_NOTE = (
    "The order is that of the program: tensor2img (clamp, times 255, round), crop, luma, float64.",
)


class Table(dict[str, Convention]):
    """Conventions of one measure by name; an unknown name is answered with those there are."""

    def __init__(self, conventions: Iterable[Convention]) -> None:
        super().__init__((convention.name, convention) for convention in conventions)

    def __missing__(self, name: str) -> Convention:
        raise KeyError(f"no convention {name!r}; there are {', '.join(self)}")
