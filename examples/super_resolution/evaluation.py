"""PSNR-Y, SSIM and MS-SSIM as super-resolution papers report them.

Both images are 8 bit, ``scale`` pixels of border are cut off, and luma is BT.601 studio range (16 to 235), unrounded, in float64.
PSNR takes 255 as its peak; SSIM (Wang et al. 2004, window inside the image) and MS-SSIM (Wang et al. 2003, five scales) are measured on
the same luma with ``data_range=255``.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

import ssimloss.functional as F
from ssimloss import color
from super_resolution.photographs import Photograph, enlarge, to_float, to_uint8

METRICS = ("psnr_y", "ssim", "ms_ssim")
SMALLEST_MS_SSIM = 176  # five scales of an 11-pixel window


@dataclass(frozen=True)
class Scores:
    """``ms_ssim`` is NaN for photographs too small for its five scales."""

    psnr_y: float
    ssim: float
    ms_ssim: float


@dataclass(frozen=True)
class Result:
    """One enlarged photograph, uint8 ``(3, H, W)``, and its scores."""

    image: Tensor
    scores: Scores


def luma(image: Tensor, border: int) -> Tensor:
    """Bytes ``(3, H, W)`` to studio-range Y ``(1, 1, H - 2 border, W - 2 border)``, float64, 16 to 235."""
    inside = image[None, :, border : image.shape[1] - border, border : image.shape[2] - border]
    return color.luma(inside.double(), standard="bt601_studio", data_range=255)


def psnr_y(pred: Tensor, truth: Tensor, scale: int) -> float:
    """PSNR of the luma of two uint8 images, in dB."""
    return F.psnr(luma(pred, scale), luma(truth, scale), data_range=255).item()


def measure(pred: Tensor, truth: Tensor, scale: int) -> Scores:
    """All three scores of two uint8 images ``(3, H, W)``."""
    y, y_true = luma(pred, scale), luma(truth, scale)
    ms_ssim = F.ms_ssim(y, y_true, data_range=255).item() if min(y.shape[2:]) >= SMALLEST_MS_SSIM else float("nan")
    return Scores(F.psnr(y, y_true, data_range=255).item(), F.ssim(y, y_true, data_range=255).item(), ms_ssim)


@torch.inference_mode()
def super_resolve(network: nn.Module, photograph: Photograph, device: torch.device) -> Tensor:
    """The network's enlargement of the low resolution as 8 bit, uint8 ``(3, H, W)`` on the CPU."""
    low = to_float(photograph.low[None]).to(device, memory_format=torch.channels_last)
    return to_uint8(network(low))[0].cpu()


def bicubic_result(photograph: Photograph, scale: int) -> Result:
    image = to_uint8(enlarge(to_float(photograph.low[None]), scale))[0]
    return Result(image, measure(image, photograph.truth, scale))


def network_result(network: nn.Module, photograph: Photograph, scale: int, device: torch.device) -> Result:
    image = super_resolve(network, photograph, device)
    return Result(image, measure(image, photograph.truth, scale))


def mean_psnr_y(network: nn.Module, photographs: Sequence[Photograph], scale: int, device: torch.device) -> float:
    """The mean over photographs of each one's PSNR-Y."""
    values = [psnr_y(super_resolve(network, photograph, device), photograph.truth, scale) for photograph in photographs]
    return sum(values) / len(values)


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The mean of each metric over the photographs on which it is defined."""
    columns = {metric: torch.tensor([asdict(score)[metric] for score in scores], dtype=torch.float64) for metric in METRICS}
    return Scores(**{metric: column.nanmean().item() for metric, column in columns.items()})


def gradient_ratio(pred: Tensor, truth: Tensor) -> float:
    """How steep the luma is on average, as a part of the truth's: below 1 where detail was smoothed away."""

    def steepness(image: Tensor) -> Tensor:
        y = luma(image, 0)
        return y.diff(dim=2).abs().mean() + y.diff(dim=3).abs().mean()

    return (steepness(pred) / steepness(truth)).item()
