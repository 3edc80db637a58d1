"""Every convention against the code it is named after: live where that is installed, else
against the numbers it printed.

``python -m pytest tests/test_parity.py -q -s`` (``make parity``) prints how far each is from its
program.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import oldest
import photographs
import pytest
import reference
import torch
from torch import Tensor

from ssimloss import conventions
from ssimloss.conventions import (
    CHARBONNIER,
    DSSIM,
    MS_SSIM,
    MS_SSIM_L1,
    PSNR,
    SSIM,
    TOTAL_VARIATION,
    Convention,
)
from ssimloss.functional._wavelets import filters as wavelet_filters

Program = Callable[[Tensor, Tensor], float]

# Odd sides, gray, three small colour images of unequal quality at once; where images are shrunk,
# also large ones with odd sides.
CASES = ("odd", "gray", "small batch")
SHRUNK = (*CASES, "large", "huge")
# Pyramids that are even, and odd at several levels.
MS_SSIM_CASES = ("even", "mixed", "batch")
IW_SSIM_CASES = ("even", "odd", "gray", "batch")
GOLDENS = Path(__file__).parent / "goldens"


@functools.cache
def images(case: str) -> tuple[Tensor, Tensor]:
    """Unequal real photographs, float64 in [0, 1]."""
    if case == "crops":
        pred, target = photographs.batch()
        return pred[..., 60:102, 90:138], target[..., 60:102, 90:138]
    if case == "small batch":
        pred, target = photographs.batch()
        return pred[..., 40:136, 48:156], target[..., 40:136, 48:156]
    if case == "wide crops":  # of odd sides, for what needs 113 pixels
        pred, target = photographs.batch()
        return pred[:1, :, 20:133, 30:149], target[:1, :, 20:133, 30:149]
    return photographs.batch() if case == "batch" else photographs.tensors(case)


def one_by_one(function: Callable[[np.ndarray, np.ndarray], float]) -> Program:
    """A program for one image ``(H, W, C)``: the mean over the batch."""

    def program(pred: Tensor, target: Tensor) -> float:
        pairs = zip(
            pred.permute(0, 2, 3, 1).numpy(), target.permute(0, 2, 3, 1).numpy(), strict=True
        )
        return float(np.mean([function(p, t) for p, t in pairs]))

    return program


# --- the implementations, as their users call them ------------------------------------------------


def skimage_ssim(**options: object) -> Program:
    from skimage.metrics import structural_similarity

    return one_by_one(
        lambda p, t: structural_similarity(t, p, data_range=1.0, channel_axis=2, **options)
    )


def skimage_psnr() -> Program:
    from skimage.metrics import peak_signal_noise_ratio

    return one_by_one(lambda p, t: peak_signal_noise_ratio(t, p, data_range=1.0))


def skimage_ciede2000() -> Program:
    from skimage.color import deltaE_ciede2000, rgb2lab

    return one_by_one(lambda p, t: deltaE_ciede2000(rgb2lab(t), rgb2lab(p)).mean())


def skimage_cie76() -> Program:
    from skimage.color import deltaE_cie76, rgb2lab

    return one_by_one(lambda p, t: deltaE_cie76(rgb2lab(t), rgb2lab(p)).mean())


def scipy_pearson() -> Program:
    from scipy.stats import pearsonr

    return equation(
        lambda p, t: np.array(
            [
                pearsonr(a.ravel(), b.ravel())[0]
                for x, y in zip(p, t, strict=True)
                for a, b in zip(x, y, strict=True)
            ]
        )
    )


def parts_of_spectra(pred: Tensor, target: Tensor) -> float:
    """As ``torch.rfft(..., signal_ndim=2, onesided=False)`` returned them."""
    x, y = (torch.view_as_real(torch.fft.fft2(image)) for image in (pred, target))
    return float(torch.nn.functional.l1_loss(x, y))


def pytorch_msssim(name: str) -> Program:
    import pytorch_msssim as program

    return lambda p, t: getattr(program, name)(p, t, data_range=1.0).item()


def piq(name: str, **options: object) -> Program:
    import piq as program

    return lambda p, t: getattr(program, name)(p, t, data_range=1.0, **options).item()


def piq_total_variation(**options: object) -> Program:
    import piq as program

    return lambda p, _: program.total_variation(p, **options).item()


def torchmetrics(name: str) -> Program:
    import torchmetrics.functional.image as program

    return lambda p, t: getattr(program, name)(p, t, data_range=1.0).item()


def torchmetrics_total_variation() -> Program:
    from torchmetrics.functional.image import total_variation

    return lambda p, _: total_variation(p).item()


def mean_of(function: Callable[..., Tensor]) -> Program:
    return lambda p, t: function(p, t).mean().item()


def kornia_ssim(padding: str) -> Program:
    import kornia.metrics

    return mean_of(lambda p, t: kornia.metrics.ssim(p, t, 11, max_val=1.0, padding=padding))


def kornia_dssim(padding: str) -> Program:
    import kornia.losses

    return mean_of(lambda p, t: kornia.losses.ssim_loss(p, t, 11, max_val=1.0, padding=padding))


def kornia_mix() -> Program:
    import kornia.losses

    return mean_of(kornia.losses.MS_SSIMLoss().double())


def kornia_psnr() -> Program:
    import kornia.metrics

    return mean_of(lambda p, t: kornia.metrics.psnr(p, t, max_val=1.0))


def kornia_charbonnier() -> Program:
    import kornia.losses

    return mean_of(lambda p, t: kornia.losses.charbonnier_loss(p, t, reduction="mean"))


def kornia_total_variation(reduction: str) -> Program:
    import kornia.losses

    if reduction == "sum":
        return mean_of(lambda p, _: kornia.losses.total_variation(p).sum(1))
    return mean_of(lambda p, _: kornia.losses.total_variation(p, reduction="mean").mean(1))


def monai(name: str, **options: object) -> Program:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        from monai import metrics

    return lambda p, t: getattr(metrics, name)(**options)(p, t).mean().item()


def equation(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Program:
    """``tests/reference.py``, where there is no program to run."""
    return lambda p, t: float(np.mean(function(p.numpy(), t.numpy())))


def of_codes(function: Callable[..., np.ndarray]) -> Program:
    """A program on rgb2gray(uint8)."""
    rgb2gray = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])

    def gray(image: np.ndarray) -> np.ndarray:
        codes = np.round(image * 255)
        return np.floor(np.einsum("c,nchw->nhw", rgb2gray, codes) + 0.5)[:, None]

    return equation(lambda p, t: function(gray(p), gray(t), data_range=255.0))


def zhao(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """alpha (1 - l_5 prod cs_j) + (1 - alpha) G_5 |x - y| of Zhao et al. 2017, at every pixel,
    borders reflected.
    """
    every = {"padding": "reflect", "window_size": 33}
    score = reference.ssim_map(pred, target, sigma=8.0, exponents=(1, 0, 0), **every)
    for sigma in (0.5, 1.0, 2.0, 4.0, 8.0):
        score = score * reference.ssim_map(pred, target, sigma=sigma, exponents=(0, 1, 1), **every)
    difference = reference.pad(np.abs(pred - target), 33, "reflect")
    blurred = sum(
        weight * difference[at]
        for weight, at in reference.taps(reference.window("gaussian", 33, 8.0), difference.shape)
    )
    return 0.84 * (1 - score) + 0.16 * blurred


def wgsr(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The loss of WGSR: its low-pass filter has sum 1, and luma runs from 16 to 235."""
    low, high = wavelet_filters("sym7")
    luma = [
        16 + np.tensordot([65.481, 128.553, 24.966], image, (0, 1))[:, None]
        for image in (pred, target)
    ]
    return reference.wavelet(
        *luma,
        np.divide(low, sum(low)),
        high,
        level_weights=(1.0,),
        band_weights=(0.01, 0.01, 0.05),
        approximation_weight=0.1,
    )


LIVE: dict[str, tuple[str, Callable[[], Program], tuple[str, ...]]] = {
    "SSIM/skimage": ("scikit-image", skimage_ssim, CASES),
    "SSIM/skimage_gaussian": ("scikit-image", lambda: skimage_ssim(gaussian_weights=True), CASES),
    "SSIM/skimage_wang": (
        "scikit-image",
        lambda: skimage_ssim(gaussian_weights=True, sigma=1.5, use_sample_covariance=False),
        CASES,
    ),
    "SSIM/pytorch_msssim": ("pytorch-msssim", lambda: pytorch_msssim("ssim"), CASES),
    "SSIM/monai": ("monai", lambda: monai("SSIMMetric", spatial_dims=2), CASES),
    "SSIM/piq": ("piq", lambda: piq("ssim"), SHRUNK),
    "SSIM/piq_full_size": ("piq", lambda: piq("ssim", downsample=False), CASES),
    "SSIM/torchmetrics": (
        "torchmetrics",
        lambda: torchmetrics("structural_similarity_index_measure"),
        CASES,
    ),
    "SSIM/kornia": ("kornia", lambda: kornia_ssim("same"), CASES),
    "SSIM/kornia_valid": ("kornia", lambda: kornia_ssim("valid"), CASES),
    "DSSIM/kornia": ("kornia", lambda: kornia_dssim("same"), CASES),
    "DSSIM/kornia_valid": ("kornia", lambda: kornia_dssim("valid"), CASES),
    "MS_SSIM/pytorch_msssim": ("pytorch-msssim", lambda: pytorch_msssim("ms_ssim"), MS_SSIM_CASES),
    "MS_SSIM/piq": ("piq", lambda: piq("multi_scale_ssim"), MS_SSIM_CASES),
    "MS_SSIM/torchmetrics": (
        "torchmetrics",
        lambda: torchmetrics("multiscale_structural_similarity_index_measure"),
        MS_SSIM_CASES,
    ),
    "MS_SSIM/monai": (
        "monai",
        lambda: monai("MultiScaleSSIMMetric", spatial_dims=2),
        MS_SSIM_CASES,
    ),
    "GMSD/xue2014": ("reference.py", lambda: equation(reference.gmsd), CASES),
    "GMSD/matlab": ("reference.py", lambda: of_codes(reference.gmsd), ("odd", "batch")),
    "GMSD/piq": ("piq", lambda: piq("gmsd"), CASES),
    "MS_GMSD/zhang2017": ("reference.py", lambda: equation(reference.ms_gmsd), ("crops",)),
    "MS_GMSD/zhang2017_color": (
        "reference.py",
        lambda: equation(lambda p, t: reference.ms_gmsd(p, t, color=True)),
        ("crops",),
    ),
    "MS_GMSD/piq": ("piq", lambda: piq("multi_scale_gmsd"), CASES),
    "MS_GMSD/piq_color": (
        "piq",
        lambda: piq("multi_scale_gmsd", chromatic=True),
        ("odd", "batch"),
    ),
    "FSIM/zhang2011": ("reference.py", lambda: equation(reference.fsim), ("crops",)),
    "FSIM/zhang2011_luma": (
        "reference.py",
        lambda: equation(lambda p, t: reference.fsim(p, t, color=False)),
        ("crops",),
    ),
    "FSIM/matlab": ("reference.py", lambda: equation(reference.fsim), ("crops", "large")),
    "FSIM/piq": ("piq", lambda: piq("fsim"), ("odd", "batch", "large")),
    "FSIM/piq_luma": ("piq", lambda: piq("fsim", chromatic=False), ("odd", "gray")),
    "VSI/zhang2014": ("reference.py", lambda: equation(reference.vsi), ("crops",)),
    "VSI/matlab": ("reference.py", lambda: equation(reference.vsi), ("crops", "large")),
    "VSI/piq": ("piq", lambda: piq("vsi"), ("odd", "huge")),
    "SR_SIM/zhang2012": ("reference.py", lambda: equation(reference.sr_sim), ("crops",)),
    "SR_SIM/matlab": ("reference.py", lambda: equation(reference.sr_sim), ("crops", "large")),
    "SR_SIM/piq": ("piq", lambda: piq("srsim"), ("odd", "gray", "huge")),
    "SR_SIM/piq_color": ("piq", lambda: piq("srsim", chromatic=True), ("odd", "large")),
    "DSS/balanov2015": ("reference.py", lambda: equation(reference.dss), ("crops",)),
    "DSS/matlab": ("reference.py", lambda: of_codes(reference.dss), ("crops",)),
    "DSS/piq": ("piq", lambda: piq("dss"), ("odd", "gray", "batch")),
    "MDSI/nafchi2016": ("reference.py", lambda: equation(reference.mdsi), ("crops",)),
    "MDSI/piq": ("piq", lambda: piq("mdsi"), ("odd", "batch", "large", "huge")),
    "HAARPSI/reisenhofer2018": ("reference.py", lambda: equation(reference.haarpsi), ("crops",)),
    "HAARPSI/piq": ("piq", lambda: piq("haarpsi"), CASES),
    "VIF/sheikh2006": ("reference.py", lambda: equation(reference.vif), ("crops",)),
    "VIF/matlab": ("reference.py", lambda: of_codes(reference.vif), ("crops",)),
    "VIF/piq": ("piq", lambda: piq("vif_p"), CASES),
    "IW_SSIM/wang2011": ("reference.py", lambda: equation(reference.iw_ssim), ("odd",)),
    "IW_SSIM/matlab": ("reference.py", lambda: of_codes(reference.iw_ssim), ("odd",)),
    "IW_SSIM/piq": ("piq", lambda: piq("information_weighted_ssim"), IW_SSIM_CASES),
    "PSNR_HVS/egiazarian2006": ("reference.py", lambda: equation(reference.psnr_hvs), ("crops",)),
    "PSNR_HVS/matlab": ("reference.py", lambda: of_codes(reference.psnr_hvs), ("crops",)),
    "PSNR_HVS_M/ponomarenko2007": (
        "reference.py",
        lambda: equation(lambda p, t: reference.psnr_hvs(p, t, masks=True)),
        ("crops",),
    ),
    "PSNR_HVS_M/matlab": (
        "reference.py",
        lambda: of_codes(functools.partial(reference.psnr_hvs, masks=True)),
        ("crops",),
    ),
    "NLPD/laparra2016": ("reference.py", lambda: equation(reference.nlpd), ("crops",)),
    "NLPD/matlab": ("reference.py", lambda: of_codes(reference.nlpd), ("crops",)),
    "CW_SSIM/sampat2009": ("reference.py", lambda: equation(reference.cw_ssim), ("odd",)),
    "CW_SSIM/matlab": ("reference.py", lambda: of_codes(reference.cw_ssim), ("odd",)),
    "FLIP/andersson2020": ("reference.py", lambda: equation(reference.flip), ("crops",)),
    "SSIMULACRA2/sneyers2023": (
        "reference.py",
        lambda: equation(reference.ssimulacra2),
        ("wide crops",),
    ),
    "CIEDE2000/cie2001": ("reference.py", lambda: equation(reference.ciede2000), ("crops",)),
    "CIEDE2000/skimage": ("scikit-image", skimage_ciede2000, ("odd", "batch")),
    "WAVELET/korkmaz2024": ("reference.py", lambda: equation(wgsr), ("crops",)),
    "MS_SSIM_L1/zhao2017": ("reference.py", lambda: equation(zhao), ("crops",)),
    "MS_SSIM_L1/kornia": ("kornia", kornia_mix, ("crops",)),
    "PSNR/skimage": ("scikit-image", skimage_psnr, CASES),
    "PSNR/piq": ("piq", lambda: piq("psnr"), CASES),
    "PSNR/piq_gray": ("piq", lambda: piq("psnr", convert_to_greyscale=True), ("odd", "batch")),
    "PSNR/torchmetrics": ("torchmetrics", lambda: torchmetrics("peak_signal_noise_ratio"), CASES),
    "PSNR/kornia": ("kornia", kornia_psnr, CASES),
    "PSNR/monai": ("monai", lambda: monai("PSNRMetric", max_val=1.0), CASES),
    "COLOR_CONSISTENCY/cielab": (
        "reference.py",
        lambda: equation(reference.color_consistency),
        ("crops",),
    ),
    "COLOR_CONSISTENCY/cie1976": ("scikit-image", skimage_cie76, ("odd", "batch")),
    "COLOR_CONSISTENCY/ottosson2020": (
        "reference.py",
        lambda: equation(lambda p, t: reference.color_consistency(p, t, space="oklab")),
        ("crops",),
    ),
    "HSLUV/continuous": ("reference.py", lambda: equation(reference.hsluv), ("crops",)),
    "HUBER/pytorch": ("torch", lambda: mean_of(torch.nn.functional.huber_loss), CASES),
    "COSINE_DISTANCE/offset": (
        "reference.py",
        lambda: equation(reference.cosine_distance),
        ("odd", "batch"),
    ),
    "FFT/mimo_unet": ("torch", lambda: parts_of_spectra, CASES),
    "NCC/constant": ("reference.py", lambda: equation(reference.ncc), CASES),
    "NCC/scipy": ("scipy", scipy_pearson, CASES),
    "GRADIENT_VARIANCE/abrahamyan2022": (
        "reference.py",
        lambda: equation(reference.gradient_variance),
        ("crops",),
    ),
    "LAPLACIAN_PYRAMID/bojanowski2018": (
        "reference.py",
        lambda: equation(reference.pyramid_distance),
        ("crops",),
    ),
    "LAPLACIAN_PYRAMID/niklaus2018": (
        "reference.py",
        lambda: equation(
            lambda p, t: reference.pyramid_distance(
                p, t, level_weights=(1, 1 / 2, 1 / 4, 1 / 8, 1 / 16)
            )
        ),
        ("crops",),
    ),
    "LDL/liang2022": ("reference.py", lambda: equation(reference.ldl), ("crops",)),
    "CHARBONNIER/lapsrn": ("reference.py", lambda: equation(reference.charbonnier), CASES),
    "CHARBONNIER/basicsr": (
        "reference.py",
        lambda: equation(lambda p, t: reference.charbonnier(p, t, eps=1e-12, form="eps")),
        CASES,
    ),
    "CHARBONNIER/kornia": ("kornia", kornia_charbonnier, CASES),
    "TOTAL_VARIATION/basicsr": (
        "reference.py",
        lambda: equation(lambda p, _: reference.total_variation(p, kind="mean")),
        CASES,
    ),
    "TOTAL_VARIATION/rudin_osher_fatemi": (
        "reference.py",
        lambda: equation(lambda p, _: reference.total_variation(p, kind="isotropic")),
        CASES,
    ),
    "TOTAL_VARIATION/kornia": ("kornia", lambda: kornia_total_variation("sum"), CASES),
    "TOTAL_VARIATION/kornia_mean": ("kornia", lambda: kornia_total_variation("mean"), CASES),
    "TOTAL_VARIATION/torchmetrics": ("torchmetrics", torchmetrics_total_variation, CASES),
    "TOTAL_VARIATION/piq": ("piq", piq_total_variation, CASES),
    "TOTAL_VARIATION/piq_l1": ("piq", lambda: piq_total_variation(norm_type="l1"), CASES),
    "TOTAL_VARIATION/piq_l2_squared": (
        "piq",
        lambda: piq_total_variation(norm_type="l2_squared"),
        CASES,
    ),
}


# --- what the implementations printed -------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Printed:
    """One number of a golden file, and the convention that should give it."""

    file: str
    case: str
    value: float
    name: str
    crop_border: int | None = None
    channel: int | None = None  # of an RGB image, where the original code was given one channel


def wang_matlab(row: dict) -> Iterator[dict]:
    options, gray = row["options"], row["case"] == "gray"
    if row["quantity"] == "ssim_index":
        if options["channel"] == "rgb2gray":
            yield {"name": "SSIM/wang2004" if gray else "SSIM/matlab_ssim"}
        else:
            yield {"name": "SSIM/wang2004", "channel": "RGB".index(options["channel"])}
    elif row["quantity"] == "ssim":
        yield {"name": "SSIM/matlab_wang" if gray else "SSIM/matlab_ssim_downsampled"}
    elif row["quantity"] == "msssim" and options["method"] == "product":
        yield {"name": "MS_SSIM/wang2003" if gray else "MS_SSIM/matlab_wang"}
    elif row["quantity"] == "msssim" and not gray:
        yield {"name": "MS_SSIM/matlab_weighted_sum"}
    elif row["quantity"] == "ssim_mscale_new" and options["method"] == "product" and not gray:
        yield {"name": "MS_SSIM/matlab_old"}


def mad_matlab(row: dict) -> Iterator[dict]:
    yield {"name": "MAD/matlab" if row["options"]["class"] == "uint8" else "MAD/larson2010"}


def vif_wavelet_matlab(row: dict) -> Iterator[dict]:
    yield {"name": f"VIF_WAVELET/{'sheikh2006' if row['case'] == 'gray' else 'matlab'}"}


def enhanced_ssim(row: dict) -> Iterator[dict]:
    if row["case"] == "gray" and not row["options"]:  # of others, luma or options differ
        yield {"name": "ENHANCED_SSIM/venkataramanan2021"}


def basicsr(row: dict) -> Iterator[dict]:
    measure = {"calculate_psnr": "PSNR", "calculate_ssim": "SSIM"}[row["quantity"]]
    # Which the original code takes as it is.
    luma = row["options"]["test_y_channel"] and row["case"] != "gray"
    yield {
        "name": f"{measure}/basicsr{'' if luma else '_rgb'}",
        "crop_border": row["options"]["crop_border"],
    }


def tensorflow(row: dict) -> Iterator[dict]:
    measure = {
        "ssim": "SSIM",
        "ssim_multiscale": "MS_SSIM",
        "psnr": "PSNR",
        "total_variation": "TOTAL_VARIATION",
    }[row["quantity"]]
    if row["options"]["precision"] == "double" or measure == "PSNR":
        yield {"name": f"{measure}/tensorflow"}


def gaussian_splatting(row: dict) -> Iterator[dict]:
    if row["options"]["precision"] == "double":
        yield {
            "name": {"_ssim": "SSIM/fused_ssim", "ssim": "SSIM/gaussian_splatting"}[row["quantity"]]
        }


def pyiqa(row: dict) -> Iterator[dict]:
    options = row["options"]
    if row["quantity"] in ("NLPD", "MAD"):
        yield {"name": f"{row['quantity']}/pyiqa"}
        return
    luma = (
        {"yiq": "", "ycbcr": "_ycbcr"}[options["color_space"]]
        if options["test_y_channel"]
        else "_rgb"
    )
    if row["quantity"] == "PSNR":
        luma = {"": "_y", "_rgb": ""}.get(luma, luma)
    if options.get("downsample"):
        luma = "_downsampled" if luma == "" else "not named"
    if luma != "not named":
        yield {"name": f"{row['quantity']}/pyiqa{luma}"}


def frame_analytics(row: dict) -> Iterator[dict]:
    yield {"name": f"{row['quantity'].upper()}/frame_analytics"}


def iqa_optimization(row: dict) -> Iterator[dict]:
    yield {"name": f"{row['quantity']}/iqa_optimization"}


def ssimulacra2(row: dict) -> Iterator[dict]:
    if row["options"]["filter"] == "recursion":
        yield {"name": "SSIMULACRA2/libjxl"}


def flip(row: dict) -> Iterator[dict]:
    if row["quantity"] == "frame_analytics":
        yield {"name": "FLIP/frame_analytics"}
    elif not row["options"]:
        yield {"name": "FLIP/flip_evaluator"}


def ldl(row: dict) -> Iterator[dict]:
    options = row["options"]
    # A convention takes no pred_ema, and the target as such sets no weight to 0.
    if options.get("img_ema", options.get("output_ema", "target")) == "target":
        squares = "_l2" if options.get("criterion") == "l2" else ""
        yield {"name": f"LDL/{row['quantity']}{squares}"}


def fft_loss(row: dict) -> Iterator[dict]:
    yield {"name": f"FFT/{row['quantity']}"}


def ms_swd(_: dict) -> Iterator[dict]:
    yield {"name": "MS_SWD/he2024"}


def color_loss(row: dict) -> Iterator[dict]:
    if row["options"]["scale"] == 4:
        yield {"name": "COLOR_CONSISTENCY/trainner"}


def trainner(row: dict) -> Iterator[dict]:
    options = row["options"]
    criterion = "" if options.get("criterion") in (None, "l1") else f"_{options['criterion']}"
    if row["quantity"] == "HSLuvLoss":
        yield {"name": f"HSLUV/trainner{'_2025' if 'commit' in options else criterion}"}
    elif row["quantity"] in ("AverageLoss", "BicubicLoss"):
        kind = "" if row["quantity"] == "AverageLoss" else "_bicubic"
        yield {"name": f"AVERAGE/trainner{kind}{criterion}"}
    elif row["quantity"] == "CosimLoss":
        yield {"name": "COSINE_DISTANCE/trainner"}
    elif row["quantity"] == "NCCLoss":
        yield {"name": "NCC/trainner"}
    elif row["quantity"] == "GradientVarianceLoss":
        kind = {"charbonnier": "", "l1": "_l1", "l2": "_l2"}[options["criterion"]]
        yield {"name": f"GRADIENT_VARIANCE/trainner{kind}"}


def neosr(row: dict) -> Iterator[dict]:
    names = {"HuberLoss": "HUBER/neosr", "ncc_loss": "NCC/neosr"}
    kind = "_l1" if row["options"].get("criterion") == "l1" else ""
    if row["quantity"] != "wavelet_guided":  # no loss: test_detail.py
        yield {"name": names.get(row["quantity"], f"CLIPPED/neosr{kind}")}


def laplacian_pyramid(row: dict) -> Iterator[dict]:
    name = {"LapLoss": "rife", "laplacian_loss": "robust_video_matting"}[row["quantity"]]
    yield {"name": f"LAPLACIAN_PYRAMID/{name}"}


def printed() -> list[Printed]:
    found = []
    for mapping in (
        wang_matlab,
        mad_matlab,
        vif_wavelet_matlab,
        enhanced_ssim,
        basicsr,
        tensorflow,
        gaussian_splatting,
        pyiqa,
        frame_analytics,
        iqa_optimization,
        ssimulacra2,
        flip,
        ldl,
        color_loss,
        trainner,
        neosr,
        ms_swd,
        fft_loss,
        laplacian_pyramid,
    ):
        for row in json.loads((GOLDENS / f"{mapping.__name__}.json").read_text())["values"]:
            if not row["quantity"].startswith("sum of"):
                found += [
                    Printed(mapping.__name__, row["case"], row["value"], **which)
                    for which in mapping(row)
                ]
    return found


# --- comparing ------------------------------------------------------------------------------------


def find(name: str) -> Convention:
    measure, _, bare = name.partition("/")
    return conventions.TABLES[measure][bare]


def ours(
    convention: Convention, pred: Tensor, target: Tensor, crop_border: int | None = None
) -> float:
    """Our number, averaged where there is one per image; by ``**`` where the convention is nothing
    but options.
    """
    if not convention.measure.takes_target:
        return convention(pred).mean().item()
    called = convention(pred, target, crop_border=crop_border)
    if not convention.must_be_called:
        unpacked = convention.measure.score(pred, target, **convention)
        assert torch.equal(called, unpacked)
    return called.mean().item()


@functools.cache
def program(name: str) -> Program:
    return LIVE[name][1]()


@functools.cache
def theirs(name: str, case: str) -> float:
    return program(name)(*images(case))


def compare(name: str, value: float, expected: float) -> float:
    """The difference, which must be within the convention's tolerance."""
    difference, tolerance = abs(value - expected), find(name).tolerance
    assert difference <= tolerance, (
        f"{name}: {value!r} here, {expected!r} there, {difference:.2e} apart, {tolerance:g} allowed"
    )
    return difference


pytestmark = pytest.mark.usefixtures("one_thread")


RESULTS: dict[str, list[tuple[str, float, str]]] = {}


@pytest.fixture(scope="module", autouse=True)
def _table() -> Iterator[None]:
    """Prints the table after the last test; seen with ``-s``."""
    yield
    rows = [("program", "version", "convention", "cases", "max difference", "bound")]
    for name in (c.full_name for table in conventions.TABLES.values() for c in table.values()):
        if name in RESULTS:
            cases = list(dict.fromkeys(case for case, _, _ in RESULTS[name]))
            largest = max(difference for _, difference, _ in RESULTS[name])
            unit = f" {find(name).table.unit}".rstrip()
            what, version = RESULTS[name][0][2].split("|")
            rows.append(
                (
                    what,
                    version,
                    name,
                    " ".join(cases),
                    f"{largest:.1e}{unit}",
                    f"{find(name).tolerance:.0e}{unit}",
                )
            )
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    print(
        "\n\n"
        + "\n".join(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )
    )


def note(name: str, case: str, difference: float, source: str) -> None:
    RESULTS.setdefault(name, []).append((case, difference, source))


@pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name, (_, _, cases) in LIVE.items() for case in cases]
)
def test_live(name: str, case: str) -> None:
    package = LIVE[name][0]
    if name == "MS_SSIM_L1/kornia" and not oldest.KORNIA:
        pytest.skip("kornia 0.8 and older compute another mix")
    version = "-" if package == "reference.py" else importlib.metadata.version(package)
    note(
        name,
        case,
        compare(name, ours(find(name), *images(case)), theirs(name, case)),
        f"{package}|{version}",
    )


@pytest.mark.parametrize(
    "row", printed(), ids=lambda row: f"{row.name}-{row.case}-{row.crop_border}-{row.channel}"
)
def test_printed(row: Printed) -> None:
    pred, target = images(row.case)
    if row.channel is not None:
        pred, target = pred[:, row.channel][:, None], target[:, row.channel][:, None]
    if not find(row.name).measure.takes_target:
        pred = target  # the file holds the total variation of the target
    value = ours(find(row.name), pred, target, row.crop_border)
    note(
        row.name, row.case, compare(row.name, value, row.value), f"{find(row.name).version}|printed"
    )


def test_every_convention_is_compared() -> None:
    every = {c.full_name for table in conventions.TABLES.values() for c in table.values()}
    assert every == LIVE.keys() | {row.name for row in printed()}


def test_bounds() -> None:
    """1e-6 in float64, 1e-5 for pytorch-msssim; wider only where the original code itself
    is in float32.
    """
    wider = {
        c.full_name: c.tolerance
        for table in conventions.TABLES.values()
        for c in table.values()
        if c.tolerance > 1e-6
    }
    assert wider == WIDER


WIDER = {
    "ENHANCED_SSIM/venkataramanan2021": 5e-6,
    "SSIM/pytorch_msssim": 1e-5,
    "MS_SSIM/pytorch_msssim": 1e-5,
    "SSIM/monai": 5e-5,
    "MS_SSIM/monai": 5e-5,
    "SSIM/gaussian_splatting": 2e-5,
    "SSIMULACRA2/libjxl": 0.02,
    "FLIP/flip_evaluator": 2e-6,
    "PSNR/basicsr": 1e-5,
    "PSNR/tensorflow": 1e-5,
    "PSNR/torchmetrics": 2e-6,
    "MS_SSIM_L1/kornia": 2e-5,
}


# --- the comparison notices faults ----------------------------------------------------------------


def smallest(name: str) -> str:
    return next(case for case in ("crops", "wide crops", "odd", "mixed") if case in LIVE[name][2])


@pytest.mark.parametrize("name", LIVE)
def test_a_shift_by_one_pixel_is_noticed(name: str) -> None:
    case = smallest(name)
    pred, target = images(case)
    shifted = torch.cat((pred[..., 1:], pred[..., :1]), dim=3)
    if not find(name).measure.takes_target:
        shifted = pred[..., 1:]
    with pytest.raises(AssertionError, match="apart"):
        compare(
            name, ours(find(name), shifted, target[..., : shifted.shape[3]]), theirs(name, case)
        )


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in LIVE
        if n.split("/")[0] in ("SSIM", "DSSIM", "MS_SSIM")
        and find(n).state.get("window", "gaussian") == "gaussian"
    ],
)
def test_another_sigma_is_noticed(name: str) -> None:
    case = smallest(name)
    faulty = dataclasses.replace(find(name), options={**find(name).options, "sigma": 1.6})
    with pytest.raises(AssertionError, match="apart"):
        compare(name, ours(faulty, *images(case)), theirs(name, case))


@pytest.mark.parametrize(
    "name", sorted({row.name for row in printed() if find(row.name).preparation.luma})
)
def test_swapped_channels_are_noticed(name: str) -> None:
    row = next(row for row in printed() if row.name == name)
    pred, target = images(row.case)
    with pytest.raises(AssertionError, match="apart"):
        compare(name, ours(find(name), pred.flip(1), target.flip(1), row.crop_border), row.value)


@pytest.mark.parametrize(
    ("convention", "fault"),
    [
        (SSIM["skimage"], {"covariance": "population"}),
        (SSIM["piq"], {"downsample": "matlab"}),
        (SSIM["torchmetrics"], {"padding": "replicate"}),
        (MS_SSIM["pytorch_msssim"], {"pooling": "symmetric"}),
        (MS_SSIM["piq"], {"channels": "joint"}),
        (MS_SSIM["torchmetrics"], {"coarsest_padding": "valid"}),
        (DSSIM["kornia"], {"padding": "zeros"}),
        (MS_SSIM_L1["kornia"], {"alpha": 0.0251}),
        (PSNR["torchmetrics"], {"pooling": "image"}),
        (PSNR["piq"], {"eps": 0.0}),
        (CHARBONNIER["basicsr"], {"eps": 1e-3}),
        (TOTAL_VARIATION["piq"], {"norm": "isotropic"}),
    ],
    ids=lambda value: value.full_name if isinstance(value, Convention) else str(value),
)
def test_another_option_is_noticed(convention: Convention, fault: dict) -> None:
    name = convention.full_name
    case = (
        "large"
        if "downsample" in fault
        else next(case for case in ("crops", "mixed", "small batch") if case in LIVE[name][2])
    )
    faulty = dataclasses.replace(convention, options={**convention.options, **fault})
    with pytest.raises(AssertionError, match="apart"):
        compare(name, ours(faulty, *images(case)), theirs(name, case))
