"""Spectra of images: the orthonormal 2-D DFT of each channel.

Images are real, so reduced results use half of the plane. Each of its columns stands for two
frequencies, except the first and, for even widths, the last. Under ``torch.compile`` the transform
runs in eager mode, and torch warns about it.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss._reduce import Reduction


def spectra(images: Tensor, reduction: Reduction) -> Tensor:
    """The spectrum of ``(N, ..., H, W)``: whole for ``"none"``, else the half that determines the
    other one for real images.
    """
    transform = torch.fft.fft2 if reduction == "none" else torch.fft.rfft2
    some = (
        images if images.shape[0] else torch.cat((images, images.new_zeros(1, *images.shape[1:])))
    )  # MKL does not support an empty batch
    found: Tensor = transform(some, norm="ortho")
    return found[: images.shape[0]]


def with_mean(spectrum: Tensor, mean: Tensor, pixels: int) -> Tensor:
    """The orthonormal spectrum of images from that of the images without their means
    ``(N, C, 1, 1)``.

    The mean only meets the first frequency. If it were transformed with the image, its rounding
    would spread over all others, which for a flat image are 0.
    """
    height, width = spectrum.shape[2:]
    return spectrum + pad(mean * math.sqrt(pixels), (0, width - 1, 0, height - 1))


def multiplicity(images: Tensor) -> Tensor:
    """The number of columns of the full plane per column of the half plane: ``(W // 2 + 1,)`` with
    1, 2, 2, ...
    """
    width = images.shape[-1]
    columns = torch.arange(width // 2 + 1, device=images.device)
    return torch.where((columns == 0) | (2 * columns == width), 1, 2).to(images.dtype)


def check_sides(pred: Tensor, target: Tensor, patch_factor: int = 1) -> None:
    _checks.images(pred, target)
    height, width = pred.shape[2:]
    if not height or not width:
        raise _checks.TooSmallError(
            f"pred must have sides of at least 1 pixel, got {tuple(pred.shape)}; a spectrum needs "
            "a sample"
        )
    if height % patch_factor or width % patch_factor:
        raise ValueError(
            f"patch_factor must divide both sides {(height, width)}, got {patch_factor}; crop the "
            "images"
        )
