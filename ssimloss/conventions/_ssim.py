"""SSIM as programs compute it.

``tolerance`` is what ``tests/test_parity.py`` allows against the program itself, or against numbers
that it printed.
"""

from typing import Any

from ssimloss.conventions import _measures
from ssimloss.conventions import _programs as p
from ssimloss.conventions._convention import Convention


def _ssim(
    name: str,
    title: str,
    program: str,
    version: str,
    tolerance: float,
    exact: str = p.ROUNDING,
    **rest: Any,
) -> Convention:
    return Convention(_measures.SSIM, name, title, program, version, tolerance, exact, **rest)


SSIM: dict[str, Convention] = p.Table(
    [
        _ssim(
            "wang2004",
            "the paper's definition, without downsampling",
            "Wang's ssim_index.m",
            p.OCTAVE,
            1e-12,
            notes=(
                "Also what pytorch-msssim, TensorFlow, MONAI, piq without downsampling and kornia "
                "with padding='valid' compute.",
            ),
        ),
        _ssim(
            "matlab_wang",
            "Wang's program of 2009, which shrinks large images first",
            "Wang's ssim.m",
            p.OCTAVE,
            1e-12,
            options={"downsample": "matlab"},
            notes=(
                "Takes gray images on a scale of 0 to 255; matlab_ssim_downsampled makes them of "
                "RGB.",
                "piq shrinks by the same factor but another filter, and rounds 2.5 down where "
                "MATLAB rounds up.",
            ),
        ),
        _ssim(
            "matlab_ssim",
            "gray 8-bit images in MATLAB, as in tables of image quality databases",
            "Wang's ssim_index.m on rgb2gray(uint8)",
            p.OCTAVE,
            1e-12,
            preparation=p.MATLAB_GRAY,
            gray="wang2004",
        ),
        _ssim(
            "matlab_ssim_downsampled",
            "gray 8-bit images in MATLAB, shrunk first",
            "Wang's ssim.m on rgb2gray(uint8)",
            p.OCTAVE,
            1e-12,
            options={"downsample": "matlab"},
            preparation=p.MATLAB_GRAY,
            gray="matlab_wang",
        ),
        _ssim(
            "skimage",
            "scikit-image as it comes",
            "structural_similarity(data_range=..., channel_axis=...)",
            p.SKIMAGE,
            1e-12,
            options={"window": "uniform", "window_size": 7, "covariance": "sample"},
            notes=(
                "The program reflects the border, crops the map by 3 and averages: whole windows "
                "only.",
            ),
        ),
        _ssim(
            "skimage_gaussian",
            "scikit-image with Gaussian weights and its own covariance",
            "structural_similarity(gaussian_weights=True)",
            p.SKIMAGE,
            1e-12,
            options={"covariance": "sample"},
        ),
        _ssim(
            "skimage_wang",
            "scikit-image as its manual says to match the paper",
            "structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)",
            p.SKIMAGE,
            1e-12,
            same_as="wang2004",
        ),
        _ssim(
            "pytorch_msssim",
            "pytorch-msssim",
            "ssim(data_range=...)",
            p.PYTORCH_MSSSIM,
            1e-5,
            p.FLOAT32_WINDOW,
            same_as="wang2004",
            notes=(
                "Its data_range is 255 unless given, its nonnegative_ssim clamps the mean of a "
                "channel at 0 where asked to.",
            ),
        ),
        _ssim(
            "tensorflow",
            "TensorFlow",
            "tf.image.ssim",
            p.TENSORFLOW,
            1e-12,
            "in float64; it computes in float32: 5e-5",
            same_as="wang2004",
        ),
        _ssim(
            "monai",
            "MONAI",
            "SSIMMetric(spatial_dims=2), SSIMLoss is 1 - it",
            p.MONAI,
            5e-5,
            "the program computes in float32 whatever the images are, and E[x^2] - E[x]^2 cancels "
            "there",
            same_as="wang2004",
        ),
        _ssim(
            "piq",
            "piq as it comes: shrinks large images first",
            "piq.ssim(data_range=...)",
            p.PIQ,
            1e-12,
            options={"downsample": "auto"},
            notes=("Images of 384 pixels and more on the shorter side are shrunk.",),
        ),
        _ssim(
            "piq_full_size",
            "piq without downsampling",
            "piq.ssim(downsample=False)",
            p.PIQ,
            1e-12,
            same_as="wang2004",
        ),
        _ssim(
            "torchmetrics",
            "torchmetrics as it comes: reflected border",
            "structural_similarity_index_measure(data_range=...)",
            p.TORCHMETRICS,
            1e-12,
            options={"padding": "reflect"},
            notes=(
                "The window has 2 int(3.5 sigma + 0.5) + 1 taps: 11 for sigma 1.5, whatever "
                "kernel_size says.",
                "Without data_range it takes the largest difference in the batch; a data_range "
                "(lo, hi) clamps, but does not subtract lo.",
            ),
        ),
        _ssim(
            "kornia",
            "kornia as it comes: reflected border",
            "kornia.metrics.ssim(window_size=11, max_val=...).mean()",
            p.KORNIA,
            1e-6,
            p.DENOMINATOR,
            options={"padding": "reflect"},
            notes=("Its loss is another number: DSSIM/kornia. Its window_size has no default.",),
        ),
        _ssim(
            "kornia_valid",
            "kornia with whole windows only",
            "kornia.metrics.ssim(window_size=11, padding='valid').mean()",
            p.KORNIA,
            1e-6,
            p.DENOMINATOR,
            same_as="wang2004",
        ),
        _ssim(
            "fused_ssim",
            "fused-ssim and 3D Gaussian Splatting: zeros beyond the border",
            "_ssim of utils/loss_utils.py in gaussian-splatting",
            "gaussian-splatting 15d64e6",
            1e-12,
            "with a float64 window; the program's float32 window sums to 1 - 7e-8: 2e-5",
            options={"padding": "zeros"},
            notes=(
                "The programs take images in [0, 1] only. fused-ssim itself, which needs CUDA, "
                "was not run.",
            ),
        ),
        _ssim(
            "gaussian_splatting",
            "3D Gaussian Splatting",
            "ssim of utils/loss_utils.py",
            "gaussian-splatting 15d64e6",
            2e-5,
            "its float32 window sums to 1 - 7e-8",
            options={"padding": "zeros"},
            same_as="fused_ssim",
        ),
        _ssim(
            "basicsr",
            "the SSIM of super-resolution papers, on the Y channel",
            "calculate_ssim(crop_border=..., test_y_channel=True)",
            p.BASICSR,
            1e-6,
            "its luma is float32",
            preparation=p.BASICSR_Y,
            gray="basicsr_rgb",
            notes=p.BASICSR_NOTE,
        ),
        _ssim(
            "basicsr_rgb",
            "BasicSR on all channels",
            "calculate_ssim(crop_border=..., test_y_channel=False)",
            p.BASICSR,
            1e-12,
            preparation=p.BASICSR_RGB,
            notes=p.BASICSR_NOTE,
        ),
        _ssim(
            "pyiqa",
            "IQA-PyTorch's 'ssim': Y of YIQ, rounded",
            "SSIM(); create_metric('ssim')",
            p.PYIQA,
            1e-6,
            p.FLOAT32_WINDOW,
            options={"negative_structure": "zero"},
            preparation=p.PYIQA_YIQ,
            gray="pyiqa_rgb",
            notes=p.PYIQA_NOTE,
        ),
        _ssim(
            "pyiqa_ycbcr",
            "IQA-PyTorch on Y of YCbCr, rounded",
            "SSIM(color_space='ycbcr')",
            p.PYIQA,
            1e-6,
            p.FLOAT32_WINDOW,
            options={"negative_structure": "zero"},
            preparation=p.PYIQA_YCBCR,
            gray="pyiqa_rgb",
            notes=p.PYIQA_NOTE,
        ),
        _ssim(
            "pyiqa_downsampled",
            "IQA-PyTorch with downsample=True: Y of YIQ, rounded, shrunk",
            "SSIM(downsample=True)",
            p.PYIQA,
            1e-6,
            p.FLOAT32_WINDOW,
            options={"negative_structure": "zero", "downsample": "auto"},
            preparation=p.PYIQA_YIQ,
            gray="pyiqa_rgb",
            notes=p.PYIQA_NOTE,
        ),
        _ssim(
            "pyiqa_rgb",
            "IQA-PyTorch's 'ssimc': all channels, rounded",
            "SSIM(test_y_channel=False); create_metric('ssimc')",
            p.PYIQA,
            1e-6,
            p.FLOAT32_WINDOW,
            options={"negative_structure": "zero"},
            preparation=p.PYIQA_RGB,
            notes=p.PYIQA_NOTE,
        ),
    ]
)


def _dssim(name: str, title: str, program: str, **rest: Any) -> Convention:
    return Convention(_measures.DSSIM, name, title, program, p.KORNIA, 1e-6, p.DENOMINATOR, **rest)


DSSIM: dict[str, Convention] = p.Table(
    [
        _dssim(
            "kornia",
            "kornia's SSIM loss: half of 1 - SSIM",
            "kornia.losses.ssim_loss(window_size=11)",
            options={"padding": "reflect"},
            notes=(
                "It is half of ssim_loss, so the same weight weighs half as much beside other "
                "losses.",
            ),
        ),
        _dssim(
            "kornia_valid",
            "kornia's SSIM loss, whole windows only",
            "kornia.losses.ssim_loss(window_size=11, padding='valid')",
        ),
    ]
)
