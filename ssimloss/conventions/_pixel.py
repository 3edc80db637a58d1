"""PSNR, Charbonnier distance and total variation as programs compute them."""

from typing import Any

from ssimloss.conventions import _measures
from ssimloss.conventions import _programs as p
from ssimloss.conventions._convention import Convention
from ssimloss.conventions._preparation import Preparation


def _psnr(
    name: str,
    title: str,
    program: str,
    version: str,
    tolerance: float,
    exact: str = p.ROUNDING,
    **rest: Any,
) -> Convention:
    return Convention(_measures.PSNR, name, title, program, version, tolerance, exact, **rest)


PSNR: dict[str, Convention] = p.Table(
    [
        _psnr(
            "basicsr",
            "the PSNR of super-resolution papers, on the Y channel",
            "calculate_psnr(crop_border=..., test_y_channel=True)",
            p.BASICSR,
            1e-5,
            "its luma is float32",
            preparation=p.BASICSR_Y,
            gray="basicsr_rgb",
            notes=p.BASICSR_NOTE,
        ),
        _psnr(
            "basicsr_rgb",
            "BasicSR on all channels",
            "calculate_psnr(crop_border=..., test_y_channel=False)",
            p.BASICSR,
            1e-10,
            preparation=p.BASICSR_RGB,
            notes=p.BASICSR_NOTE,
        ),
        _psnr(
            "pyiqa",
            "IQA-PyTorch's 'psnr': all channels",
            "PSNR(); create_metric('psnr')",
            p.PYIQA,
            1e-6,
            options={"eps": 1e-8},
            notes=("Nothing is clamped or rounded; 80 dB for equal images.",),
        ),
        _psnr(
            "pyiqa_y",
            "IQA-PyTorch's 'psnry': Y of YIQ, full range",
            "PSNR(test_y_channel=True); create_metric('psnry')",
            p.PYIQA,
            1e-6,
            "its luma weights are float32",
            options={"eps": 1e-8},
            preparation=Preparation(luma="bt601_float32"),
            gray="pyiqa",
            notes=(
                "Reads 20 log10(255 / 219) = 1.322 dB lower than the studio luma of the papers.",
                "Nothing is clamped or rounded.",
            ),
        ),
        _psnr(
            "pyiqa_ycbcr",
            "IQA-PyTorch on Y of YCbCr, the luma of the papers",
            "PSNR(test_y_channel=True, color_space='ycbcr')",
            p.PYIQA,
            1e-6,
            options={"eps": 1e-8},
            preparation=Preparation(luma="bt601_studio"),
            gray="pyiqa",
            notes=("Nothing is clamped or rounded.",),
        ),
        _psnr(
            "piq",
            "piq as it comes",
            "piq.psnr(data_range=...)",
            p.PIQ,
            1e-10,
            options={"eps": 1e-8},
        ),
        _psnr(
            "piq_gray",
            "piq on the luma",
            "piq.psnr(convert_to_greyscale=True)",
            p.PIQ,
            1e-10,
            options={"eps": 1e-8},
            preparation=Preparation(luma="bt601"),
            gray="piq",
        ),
        _psnr(
            "torchmetrics",
            "torchmetrics as it comes: one error for the whole batch",
            "peak_signal_noise_ratio(data_range=...)",
            p.TORCHMETRICS,
            2e-6,
            "the program takes the logarithm of 10 in float32: 4.5e-8 of the value",
            options={"pooling": "batch"},
            notes=("With dim=(1, 2, 3) it is the mean of per-image values: skimage.",),
        ),
        _psnr(
            "kornia",
            "kornia: one error for the whole batch",
            "kornia.metrics.psnr(max_val=...)",
            p.KORNIA,
            1e-10,
            options={"pooling": "batch"},
            same_as="torchmetrics",
        ),
        _psnr(
            "skimage",
            "the definition, one image at a time",
            "peak_signal_noise_ratio(data_range=...)",
            p.SKIMAGE,
            1e-10,
        ),
        _psnr(
            "tensorflow",
            "TensorFlow",
            "tf.image.psnr",
            p.TENSORFLOW,
            1e-5,
            "it computes in float32",
            same_as="skimage",
        ),
        _psnr("monai", "MONAI", "PSNRMetric(max_val=...)", p.MONAI, 1e-10, same_as="skimage"),
    ]
)


def _charbonnier(name: str, title: str, program: str, version: str, **rest: Any) -> Convention:
    return Convention(
        _measures.CHARBONNIER, name, title, program, version, 1e-12, p.ROUNDING, **rest
    )


CHARBONNIER: dict[str, Convention] = p.Table(
    [
        _charbonnier(
            "lapsrn",
            "the formula as published, eps = 1e-3",
            "LapSRN (Lai et al. 2017)",
            "tests/reference.py",
        ),
        _charbonnier(
            "basicsr",
            "eps = 1e-12 under the root is 1e-6 in front of it",
            "CharbonnierLoss()",
            "BasicSR 1.4.2; its formula",
            options={"eps": 1e-6},
            notes=(
                "The program writes sqrt(d^2 + 1e-12), which is 0 in float16 and has no gradient "
                "there; here it is computed in float32.",
                "Also mmagic and pyiqa, and sqrt(d^2 + eps^2) with eps = 1e-6.",
            ),
        ),
        _charbonnier(
            "kornia",
            "eps = 1, 0 for equal images: nearly L2 for images in [0, 1]",
            "kornia.losses.charbonnier_loss(reduction='mean')",
            p.KORNIA,
            options={"eps": 1.0, "at_zero": "zero"},
            notes=("The program's reduction is 'none' unless told.",),
        ),
    ]
)


def _total_variation(
    name: str, title: str, program: str, version: str, tolerance: float = 1e-9, **rest: Any
) -> Convention:
    return Convention(
        _measures.TOTAL_VARIATION, name, title, program, version, tolerance, p.ROUNDING, **rest
    )


TOTAL_VARIATION: dict[str, Convention] = p.Table(
    [
        _total_variation(
            "basicsr",
            "mean |dx| + mean |dy|",
            "WeightedTVLoss()",
            "BasicSR 1.4.2; its formula",
            1e-12,
        ),
        _total_variation(
            "kornia",
            "the sum, its default",
            "kornia.losses.total_variation().sum(1)",
            p.KORNIA,
            options={"within_image": "sum", "reduction": "image"},
            notes=(
                "The program gives one number per image and channel, (N, C); added over channels "
                "they are this, (N,).",
            ),
        ),
        _total_variation(
            "kornia_mean",
            "the mean",
            "kornia.losses.total_variation(reduction='mean').mean(1)",
            p.KORNIA,
            options={"reduction": "image"},
            notes=(
                "The program gives one number per image and channel, (N, C); averaged over "
                "channels they are this, (N,).",
            ),
        ),
        _total_variation(
            "torchmetrics",
            "the sum over the whole batch, its default",
            "total_variation()",
            p.TORCHMETRICS,
            options={"within_image": "sum", "reduction": "sum"},
        ),
        _total_variation(
            "tensorflow",
            "the sum of each image",
            "tf.image.total_variation",
            p.TENSORFLOW,
            options={"within_image": "sum", "reduction": "image"},
        ),
        _total_variation(
            "piq",
            "the root of all squares of an image, its default",
            "piq.total_variation()",
            p.PIQ,
            options={"norm": "image_l2", "within_image": "sum"},
        ),
        _total_variation(
            "piq_l1",
            "the sum of an image",
            "piq.total_variation(norm_type='l1')",
            p.PIQ,
            options={"within_image": "sum"},
        ),
        _total_variation(
            "piq_l2_squared",
            "the sum of squares of an image",
            "piq.total_variation(norm_type='l2_squared')",
            p.PIQ,
            options={"norm": "squared", "within_image": "sum"},
        ),
        _total_variation(
            "rudin_osher_fatemi",
            "isotropic, the sum of an image",
            "none to run; its equation (1992)",
            "tests/reference.py",
            options={"norm": "isotropic", "within_image": "sum"},
        ),
    ]
)
