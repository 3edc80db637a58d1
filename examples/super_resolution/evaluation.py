"""PSNR-Y, SSIM and MS-SSIM as super-resolution papers report them:
``ssimloss.metrics.SuperResolutionProtocol``.

Both images are 8 bit, ``scale`` pixels of border are cut off, and luma is BT.601 studio range (16
to 235), unrounded, in float64; SSIM is that of Wang et al. 2004, MS-SSIM that of Wang et al. 2003
in five scales.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from ssimloss import color
from ssimloss.metrics import SuperResolutionProtocol, Validator
from super_resolution.photographs import Photograph, enlarge, to_float, to_uint8

METRICS = ("psnr_y", "ssim", "ms_ssim")
SMALLEST_MS_SSIM = 161  # five scales of an 11-pixel window


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


def luma(image: Tensor) -> Tensor:
    """Bytes ``(3, H, W)`` to studio-range Y ``(1, 1, H, W)``, float64, 16 to 235."""
    return color.luma(image[None].double(), standard="bt601_studio", data_range=255)


def measure(pred: Tensor, truth: Tensor, scale: int) -> Scores:
    """All three scores of two uint8 images ``(3, H, W)``."""
    protocol = SuperResolutionProtocol(scale)
    fits = min(pred.shape[1:]) - 2 * scale >= SMALLEST_MS_SSIM
    validator = Validator(
        ["psnr", "ssim", *(["ms_ssim"] if fits else [])], protocol, data_range=255
    )
    validator.update(pred[None].double(), truth[None].double())
    scores = validator.compute()
    return Scores(scores["psnr"], scores["ssim"], scores.get("ms_ssim", float("nan")))


@torch.inference_mode()
def super_resolve(network: nn.Module, photograph: Photograph, device: torch.device) -> Tensor:
    """The network's enlargement of the low resolution as 8 bit, uint8 ``(3, H, W)`` on the CPU."""
    low = to_float(photograph.low[None]).to(device, memory_format=torch.channels_last)
    return to_uint8(network(low))[0].cpu()


def bicubic_result(photograph: Photograph, scale: int) -> Result:
    image = to_uint8(enlarge(to_float(photograph.low[None]), scale))[0]
    return Result(image, measure(image, photograph.truth, scale))


def network_result(
    network: nn.Module, photograph: Photograph, scale: int, device: torch.device
) -> Result:
    image = super_resolve(network, photograph, device)
    return Result(image, measure(image, photograph.truth, scale))


def mean_psnr_y(network: nn.Module, photographs: Sequence[Photograph], scale: int) -> float:
    """The mean over photographs of each one's PSNR-Y, with one synchronisation."""
    validator = Validator(["psnr"], SuperResolutionProtocol(scale))
    pairs = (
        (
            to_float(p.low[None]).contiguous(memory_format=torch.channels_last),
            to_float(p.truth[None]),
        )
        for p in photographs
    )
    return validator.run(network, pairs)["psnr"]


def mean_psnr_y_of(
    images: Sequence[Tensor], photographs: Sequence[Photograph], scale: int
) -> float:
    """The same of uint8 images ``(3, H, W)`` that are there already."""
    validator = Validator(["psnr"], SuperResolutionProtocol(scale))
    for image, photograph in zip(images, photographs, strict=True):
        validator.update(to_float(image[None]), to_float(photograph.truth[None]))
    return validator.compute()["psnr"]


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The mean of each metric over the photographs on which it is defined."""
    columns = {
        metric: torch.tensor([asdict(score)[metric] for score in scores], dtype=torch.float64)
        for metric in METRICS
    }
    return Scores(**{metric: column.nanmean().item() for metric, column in columns.items()})


def gradient_ratio(pred: Tensor, truth: Tensor) -> float:
    """The mean gradient of the luma relative to that of the truth; below 1 if detail was smoothed
    away.
    """

    def steepness(image: Tensor) -> Tensor:
        y = luma(image)
        return y.diff(dim=2).abs().mean() + y.diff(dim=3).abs().mean()

    return (steepness(pred) / steepness(truth)).item()
