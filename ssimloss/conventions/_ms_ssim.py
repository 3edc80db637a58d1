"""MS-SSIM, and its mix with L1, as programs compute them."""

from typing import Any

from ssimloss.conventions import _measures
from ssimloss.conventions import _programs as p
from ssimloss.conventions._convention import Convention


def _ms_ssim(
    name: str,
    title: str,
    program: str,
    version: str,
    tolerance: float,
    exact: str = p.ROUNDING,
    **rest: Any,
) -> Convention:
    return Convention(_measures.MS_SSIM, name, title, program, version, tolerance, exact, **rest)


_WANG_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_MATLAB_MS_SSIM = {"pooling": "symmetric"}
_PYIQA_MS_SSIM = {"pooling": "zeros", "channels": "joint", "negative": "relu_map"}

MS_SSIM: dict[str, Convention] = p.Table(
    [
        _ms_ssim(
            "wang2003",
            "the paper's definition",
            "Wang's msssim.m, method 'product', on gray images",
            p.OCTAVE,
            1e-12,
            options=_MATLAB_MS_SSIM,
            notes=(
                "The weights sum to 1.0001 and are used as printed.",
                "A negative mean, on which the program becomes complex, is bent to stay positive "
                "here, for the gradient's sake.",
            ),
        ),
        _ms_ssim(
            "matlab_wang",
            "gray 8-bit images in MATLAB",
            "Wang's msssim.m, method 'product', on rgb2gray(uint8)",
            p.OCTAVE,
            1e-12,
            options=_MATLAB_MS_SSIM,
            preparation=p.MATLAB_GRAY,
            gray="wang2003",
        ),
        _ms_ssim(
            "matlab_weighted_sum",
            "gray 8-bit images in MATLAB, a sum instead of the product",
            "Wang's msssim.m, method 'wtd_sum', on rgb2gray(uint8)",
            p.OCTAVE,
            1e-12,
            options=_MATLAB_MS_SSIM | {"combination": "weighted_sum"},
            preparation=p.MATLAB_GRAY,
            notes=("The weights are divided by their sum.",),
        ),
        _ms_ssim(
            "matlab_old",
            "Wang's older program: the coarsest scale has the weight 1, odd rows are dropped",
            "Wang's ssim_mscale_new.m, method 'product', on rgb2gray(uint8)",
            p.OCTAVE,
            1e-12,
            options={"scale_weights": (*_WANG_WEIGHTS[:4], 1.0)},
            preparation=p.MATLAB_GRAY,
        ),
        _ms_ssim(
            "tensorflow",
            "TensorFlow",
            "tf.image.ssim_multiscale",
            p.TENSORFLOW,
            1e-12,
            "in float64; it computes in float32: 1e-5",
            options={"pooling": "symmetric", "negative": "relu"},
        ),
        _ms_ssim(
            "pytorch_msssim",
            "pytorch-msssim",
            "ms_ssim(data_range=...)",
            p.PYTORCH_MSSSIM,
            1e-5,
            p.FLOAT32_WINDOW,
            options={"pooling": "zeros", "negative": "relu"},
            notes=("Its data_range is 255 unless given.",),
        ),
        _ms_ssim(
            "piq",
            "piq",
            "piq.multi_scale_ssim(data_range=...)",
            p.PIQ,
            1e-12,
            options={"pooling": "replicate", "negative": "relu"},
        ),
        _ms_ssim(
            "torchmetrics",
            "torchmetrics: reflected border at the coarsest scale, channels averaged first",
            "multiscale_structural_similarity_index_measure(data_range=...)",
            p.TORCHMETRICS,
            1e-9,
            "its weights are float32",
            options={"channels": "joint", "coarsest_padding": "reflect", "negative": "relu"},
        ),
        _ms_ssim(
            "monai",
            "MONAI: channels averaged first",
            "MultiScaleSSIMMetric(spatial_dims=2)",
            p.MONAI,
            5e-5,
            "the program computes in float32 whatever the images are",
            options={"channels": "joint", "negative": "relu"},
        ),
        _ms_ssim(
            "pyiqa",
            "IQA-PyTorch's 'ms_ssim': Y of YIQ, rounded",
            "MS_SSIM(); create_metric('ms_ssim')",
            p.PYIQA,
            1e-6,
            p.FLOAT32_WINDOW,
            options=_PYIQA_MS_SSIM,
            preparation=p.PYIQA_YIQ,
            gray="pyiqa_rgb",
            notes=p.PYIQA_NOTE,
        ),
        _ms_ssim(
            "pyiqa_ycbcr",
            "IQA-PyTorch on Y of YCbCr, rounded",
            "MS_SSIM(color_space='ycbcr')",
            p.PYIQA,
            1e-6,
            p.FLOAT32_WINDOW,
            options=_PYIQA_MS_SSIM,
            preparation=p.PYIQA_YCBCR,
            gray="pyiqa_rgb",
            notes=p.PYIQA_NOTE,
        ),
        _ms_ssim(
            "pyiqa_rgb",
            "IQA-PyTorch on all channels, rounded",
            "MS_SSIM(test_y_channel=False)",
            p.PYIQA,
            1e-6,
            p.FLOAT32_WINDOW,
            options=_PYIQA_MS_SSIM,
            preparation=p.PYIQA_RGB,
            notes=p.PYIQA_NOTE,
        ),
    ]
)

MS_SSIM_L1: dict[str, Convention] = p.Table(
    [
        Convention(
            _measures.MS_SSIM_L1,
            "zhao2017",
            "the paper's definition, at every pixel",
            "none to run; its equation",
            "tests/reference.py",
            1e-7,
            "Gaussians are cut at 6 sigma",
        ),
        Convention(
            _measures.MS_SSIM_L1,
            "kornia",
            "kornia: zeros beyond the border, another alpha, times 200",
            "kornia.losses.MS_SSIMLoss()",
            p.KORNIA,
            2e-5,
            "1e-6 of the value; its windows are float32",
            options={"padding": "zeros", "alpha": 0.025, "factor": 200.0},
            notes=("Older releases paired channels with the wrong scales.",),
        ),
    ]
)
