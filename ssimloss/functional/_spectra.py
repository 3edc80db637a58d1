"""Spectra of images: the orthonormal 2-D DFT of each channel.

Images are real, so reduced results use half of the plane. Each of its columns stands for two
frequencies, except the first and, for even widths, the last. Under ``torch.compile`` the transform
runs in eager mode, and torch warns about it.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss._torch import is_traced


def spectra(images: Tensor, *, whole: bool) -> Tensor:
    """The spectrum of ``(N, ..., H, W)``, or the half that determines the other one for real
    images.
    """
    some = (
        images if images.shape[0] else torch.cat((images, images.new_zeros(1, *images.shape[1:])))
    )  # MKL does not support an empty batch
    found = torch.fft.fft2(some, norm="ortho") if whole else _half(some)
    result: Tensor = found[: images.shape[0]]
    return result


def _half(images: Tensor) -> Tensor:
    """``torch.fft.rfft2``, whose derivative in PyTorch transforms the whole plane, three times as
    slowly as this one.
    """
    if torch.compiler.is_compiling() or is_traced():
        whole: Tensor = torch.fft.rfft2(images, norm="ortho")
        return whole
    found: Tensor = _Half.apply(images)
    return found


class _Half(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor) -> Tensor:
        found: Tensor = torch.fft.rfft2(images, norm="ortho")
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], _output: Tensor) -> None:
        ctx.width = inputs[0].shape[-1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        found: Tensor = _Adjoint.apply(gradient, ctx.width)
        return found

    @staticmethod
    def jvp(_ctx: Any, tangent: Tensor) -> Tensor:
        return _half(tangent)


def _hermitian(column: Tensor) -> Tensor:
    """The part of the spectrum ``(..., H, 1)`` of real numbers that a real column has."""
    return (column + column.flip(-2).roll(1, -2).conj_physical()) / 2


class _Adjoint(torch.autograd.Function):
    """The real part of the inverse transform of half a plane, each of whose columns counts once."""

    generate_vmap_rule = True

    @staticmethod
    def forward(spectrum: Tensor, width: int) -> Tensor:
        # irfft2 counts columns twice, except the first and, for even widths, the last one. It
        # expects these to be Hermitian, as for a real image.
        inner = spectrum[..., 1 : (width + 1) // 2]
        parts = [torch.view_as_complex(torch.view_as_real(inner) / 2)]
        parts.insert(0, _hermitian(spectrum[..., :1]))
        if width % 2 == 0:
            parts.append(_hermitian(spectrum[..., -1:]))
        half = torch.cat(parts, -1)
        found: Tensor = torch.fft.irfft2(half, s=(spectrum.shape[-2], width), norm="ortho")
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], _output: Tensor) -> None:
        ctx.width = inputs[1]

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _half(gradient), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _width: None) -> Tensor:
        found: Tensor = _Adjoint.apply(tangent, ctx.width)
        return found


def with_mean(spectrum: Tensor, mean: Tensor, pixels: int) -> Tensor:
    """The orthonormal spectrum of images from that of the images without their means
    ``(N, C, 1, 1)``.

    The mean only meets the first frequency. If it were transformed with the image, its rounding
    would spread over all others, which for a flat image are 0.
    """
    height, width = spectrum.shape[2:]
    return spectrum + pad(mean * math.sqrt(pixels), (0, width - 1, 0, height - 1))


def multiplicity(width: int, like: Tensor) -> Tensor:
    """The number of columns of the full plane per column of the half plane: ``(W // 2 + 1,)`` with
    1, 2, 2, ...
    """
    columns = torch.arange(width // 2 + 1, device=like.device)
    return torch.where((columns == 0) | (2 * columns == width), 1, 2).to(like.dtype)


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
