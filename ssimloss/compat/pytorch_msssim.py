"""SSIM and MS-SSIM with the interfaces of pytorch-msssim (VainF/pytorch-msssim)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss import functional as F
from ssimloss.compat._arguments import check_odd, check_window, named
from ssimloss.compat._modules import WithOptions

__all__ = ["MS_SSIM", "SSIM", "ms_ssim", "ssim"]

_NAMES = {
    "pred": "X",
    "target": "Y",
    "window_size": "win_size",
    "sigma": "win_sigma",
    "scale_weights": "weights",
    "k1": "K[0]",
    "k2": "K[1]",
    " min_size='fewer_scales',": "",
}


@named(_NAMES)
def ssim(
    X: Tensor,
    Y: Tensor,
    data_range: float = 255,
    size_average: bool = True,
    win_size: int = 11,
    win_sigma: float = 1.5,
    win: Tensor | None = None,
    K: Sequence[float] = (0.01, 0.03),
    nonnegative_ssim: bool = False,
) -> Tensor:
    """SSIM under whole Gaussian windows.

    Args:
        X, Y: images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` in ``[0, data_range]``. Spatial
            axes of length 1 are dropped, as in the original.
        data_range: 255 by default, unlike elsewhere in this library.
        size_average: ``False`` returns ``(N,)``.
        win_size, win_sigma: odd number of taps, and standard deviation of the window.
        win: a window in the original's layout ``(C, 1, ..., taps)``, equal for all channels and
            with unit sum. It replaces ``win_size`` and ``win_sigma``.
        K: the constants ``(K1, K2)``.
        nonnegative_ssim: clamp the mean of each channel at 0.

    Returns:
        A scalar, or ``(N,)``.

    Raises:
        ValueError: shapes differ; images are smaller than the window (the original then skips the
            blur along the short axis); or the window is even or unsuitable.
        TypeError: tensors have integers.

    Source: pytorch-msssim 1.0.0. Agrees to float64 rounding with a float64 window. The original
    window is float32, which changes its value by up to 5e-6.
    """
    X, Y = _squeezed("X", X), _squeezed("Y", Y)
    window = "gaussian" if win is None else _row(win)
    taps = win_size if isinstance(window, str) else window.numel()
    check_odd("win_size", taps)
    check_window("X and Y", X.shape[2:], taps, "a smaller win_size")
    options = {"data_range": data_range, "window": window, "sigma": win_sigma, **_constants(K)}
    if not nonnegative_ssim:
        options["reduction"] = "mean" if size_average else "image"
        return F.ssim(X, Y, window_size=taps, **options)
    values = F.ssim(X, Y, window_size=taps, reduction="none", **options).flatten(2).mean(2).relu()
    return values.mean() if size_average else values.mean(1)


@named(_NAMES)
def ms_ssim(
    X: Tensor,
    Y: Tensor,
    data_range: float = 255,
    size_average: bool = True,
    win_size: int = 11,
    win_sigma: float = 1.5,
    win: Tensor | None = None,
    weights: Sequence[float] | None = None,
    K: Sequence[float] = (0.01, 0.03),
) -> Tensor:
    """MS-SSIM of images ``(N, C, H, W)``, with the arguments of :func:`ssim` and ``weights``.

    Args:
        win: must be None.
        weights: weights of the scales, finest first; Wang's five by default.

    Returns:
        A scalar, or ``(N,)``.

    Raises:
        ValueError: the inputs are volumes, or images are too small for all scales (five need 161
            pixels).
    """
    X, Y = _squeezed("X", X), _squeezed("Y", Y)
    if win is not None:
        raise ValueError(
            "win must be None for ms_ssim, whose window is a Gaussian; pass win_size and win_sigma"
        )
    if X.ndim == 5:
        raise ValueError(
            f"X must be images (N, C, H, W), got {tuple(X.shape)}; compare the slices of a volume, "
            "X.movedim(2, 1).flatten(0, 1), or use ssim, which takes volumes"
        )
    check_odd("win_size", win_size)
    scales: dict[str, Any] = {} if weights is None else {"scale_weights": tuple(weights)}
    return F.ms_ssim(
        X,
        Y,
        data_range=data_range,
        window_size=win_size,
        sigma=win_sigma,
        negative="relu",
        pooling="zeros",
        reduction="mean" if size_average else "image",
        **scales,
        **_constants(K),
    )


class _Module(WithOptions):
    """Base class of both modules, with their check of images."""

    def __init__(self, channel: int, spatial_dims: int, **options: Any) -> None:
        super().__init__(**options)
        self.channel = _checks.count("channel", channel)
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, got {spatial_dims!r}")
        self.spatial_dims = spatial_dims

    def _check(self, X: Tensor) -> None:
        """Check that images have the channels and axes that the module was built for."""
        image = _squeezed("X", X)
        if image.ndim != self.spatial_dims + 2 or image.shape[1] != self.channel:
            raise ValueError(
                f"X must have {self.channel} channels and {self.spatial_dims} spatial axes, got "
                f"{tuple(X.shape)}; build {type(self).__name__} with channel={image.shape[1]}, "
                f"spatial_dims={image.ndim - 2}"
            )


class SSIM(_Module):
    """:func:`ssim` as a module: the score, not a loss.

    Args:
        channel, spatial_dims: numbers of channels and of spatial axes of the images.
    """

    def __init__(
        self,
        data_range: float = 255,
        size_average: bool = True,
        win_size: int = 11,
        win_sigma: float = 1.5,
        channel: int = 3,
        spatial_dims: int = 2,
        K: Sequence[float] = (0.01, 0.03),
        nonnegative_ssim: bool = False,
    ) -> None:
        """Keep the options; see the class."""
        super().__init__(
            channel,
            spatial_dims,
            data_range=data_range,
            size_average=size_average,
            win_size=win_size,
            win_sigma=win_sigma,
            K=K,
            nonnegative_ssim=nonnegative_ssim,
        )

    def forward(self, X: Tensor, Y: Tensor) -> Tensor:
        """A scalar, or ``(N,)`` with ``size_average=False``."""
        self._check(X)
        return ssim(X, Y, **self.options)


class MS_SSIM(_Module):
    """:func:`ms_ssim` as a module: the score, not a loss.

    Args:
        channel, spatial_dims: numbers of channels and of spatial axes of the images; 3 spatial axes
            raise an error.
    """

    def __init__(
        self,
        data_range: float = 255,
        size_average: bool = True,
        win_size: int = 11,
        win_sigma: float = 1.5,
        channel: int = 3,
        spatial_dims: int = 2,
        weights: Sequence[float] | None = None,
        K: Sequence[float] = (0.01, 0.03),
    ) -> None:
        """Keep the options; see the class."""
        super().__init__(
            channel,
            spatial_dims,
            data_range=data_range,
            size_average=size_average,
            win_size=win_size,
            win_sigma=win_sigma,
            weights=weights,
            K=K,
        )

    def forward(self, X: Tensor, Y: Tensor) -> Tensor:
        """A scalar, or ``(N,)`` with ``size_average=False``."""
        self._check(X)
        return ms_ssim(X, Y, **self.options)


def _squeezed(name: str, image: Tensor) -> Tensor:
    """The image without its spatial axes of length 1."""
    _checks.floating(name, image)
    axes = [axis for axis in range(2, image.ndim) if image.shape[axis] != 1]
    squeezed = image.reshape(*image.shape[:2], *(image.shape[axis] for axis in axes))
    _checks.image(name, squeezed, ndim=_checks.VOLUMES)
    return squeezed


def _constants(K: Sequence[float]) -> dict[str, Any]:
    if not _checks.is_sequence(K) or len(K) != 2:
        raise ValueError(f"K must be two numbers (K1, K2), got {K!r}")
    return {"k1": K[0], "k2": K[1]}


def _row(win: Tensor) -> Tensor:
    """The 1-D window from the original's layout ``(C, 1, ..., taps)``."""
    _checks.floating("win", win)
    if win.ndim == 0 or win.numel() != win.shape[0] * win.shape[-1]:
        raise ValueError(f"win must have shape (C, 1, ..., taps), got {tuple(win.shape)}")
    rows = win.reshape(win.shape[0], -1)
    alike = torch.allclose(rows, rows[:1].expand_as(rows))
    if not alike or abs(float(rows[0].sum()) - 1) > 1e-5:
        raise ValueError("win must be one window of unit sum for all channels; pass win / win.sum")
    return rows[0]
