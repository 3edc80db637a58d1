"""The fused primitives as PyTorch operators: ``torch.ops.ssimloss.*``.

Each takes the name of the backend that computes it where there are several, allocates what it
returns, and has a fake twin, so that ``torch.compile``, export and ``opcheck`` see its shapes. An
operator that reduces returns the gradients of its means along with them, ready up to one factor per
mean; what is not wanted comes back without elements.

Means and gradients are float64 if either image is, else float32.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import _cpu

_SIMILARITY = (
    "Tensor x, Tensor y, float[] window, float c1, float c2, float low, str part, str padding"
)
_PIXEL = "str pixel, float eps, float similarity_weight, float pixel_weight"
_SCALES = "str pooling, float[] weights, str combination, str negative, str channels"
_PYRAMID = f"Tensor x, Tensor y, float[] window, float c1, float c2, float low, {_SCALES}"
_WANTED = "bool want_x, bool want_y"

torch.library.define(
    "ssimloss::similarity_means",
    f"({_SIMILARITY}, {_PIXEL}, {_WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
)
torch.library.define("ssimloss::similarity_map", f"({_SIMILARITY}, str backend) -> Tensor")
torch.library.define(
    "ssimloss::similarity_map_backward",
    f"(Tensor upstream, {_SIMILARITY}, {_WANTED}, str backend) -> (Tensor, Tensor)",
)
torch.library.define(
    "ssimloss::pyramid_scores", f"({_PYRAMID}, {_WANTED}) -> (Tensor, Tensor, Tensor)"
)
torch.library.define(
    "ssimloss::pixel_means",
    "(Tensor x, Tensor y, str kind, float eps, bool want) -> (Tensor, Tensor)",
)


def computing_dtype(x: Tensor, y: Tensor) -> torch.dtype:
    """Of everything that is computed: float64 if either image is, else float32."""
    return torch.float64 if torch.float64 in (x.dtype, y.dtype) else torch.float32


def _check(x: Tensor, y: Tensor, backend: str, *, taps: int = 1, scales: int = 1) -> None:
    """What the functions above the operators make sure of, for whoever calls an operator by hand: a
    kernel reads memory unasked.
    """
    if x.ndim != 4 or x.shape != y.shape or x.device != y.device:
        raise ValueError(
            f"x and y must be (N, C, H, W) of one shape on one device, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    if not 1 <= taps <= _cpu.MAX_TAPS or not 1 <= scales <= _cpu.MAX_SCALES:
        raise ValueError(
            f"kernels have 1 to {_cpu.MAX_TAPS} taps and 1 to {_cpu.MAX_SCALES} scales, got "
            f"{taps} and {scales}"
        )
    if backend == "cpu" and (
        x.device.type != "cpu" or x.dtype not in _cpu.DTYPES or y.dtype not in _cpu.DTYPES
    ):
        raise ValueError(
            f"backend='cpu' takes floating point tensors on the CPU, got {x.dtype} and {y.dtype} "
            f"on {x.device}"
        )


# --- one scale: the mean of each plane's map, (N, C) ----------------------------------------------


@torch.library.register_fake("ssimloss::similarity_means")
def _empty_similarity_means(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    means = x.new_empty(x.shape[:2], dtype=computing_dtype(x, y))
    return means, *_empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::similarity_means", "default")
def _similarity_means(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    window, *rest, want_x, want_y, backend = options
    _check(x, y, backend, taps=len(window))
    if x.numel() and backend == "triton":
        arguments: Any = (x, y, tuple(window), *rest, want_x, want_y)
        means, grad_x, grad_y = _triton().similarity_means(*arguments)
        return means, _or_nothing(grad_x, x), _or_nothing(grad_y, x)
    return similarity_means_here(x, y, *options)


def similarity_means_here(
    x: Tensor, y: Tensor, *options: Any, slope: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """What the operator does on a CPU, for whoever has made sure that nothing follows the tensors;
    the gradients times ``slope``.
    """
    means, grad_x, grad_y = _empty_similarity_means(x, y, *options)
    if x.numel():
        _cpu.similarity_means(
            x, y, options[:6], options[6:10], _or_none(grad_x), _or_none(grad_y), means, slope
        )
    return means, grad_x, grad_y


# --- one scale: the map, (N, C, H', W') -----------------------------------------------------------


@torch.library.register_fake("ssimloss::similarity_map")
def _empty_similarity_map(x: Tensor, y: Tensor, *options: Any) -> Tensor:
    window, *_, padding, _backend = options
    lost = len(window) - 1 if padding == "valid" else 0
    return x.new_empty(
        (*x.shape[:2], x.shape[2] - lost, x.shape[3] - lost), dtype=computing_dtype(x, y)
    )


@torch.library.impl("ssimloss::similarity_map", "default")
def _similarity_map(x: Tensor, y: Tensor, *options: Any) -> Tensor:
    window, *rest, backend = options
    _check(x, y, backend, taps=len(window))
    similarities: Tensor
    if x.numel() and backend == "triton":
        similarities = _triton().similarity_map(x, y, tuple(window), *rest)
        return similarities
    similarities = _empty_similarity_map(x, y, *options)
    if x.numel():
        _cpu.similarity_map(x, y, options[:6], similarities)
    return similarities


@torch.library.register_fake("ssimloss::similarity_map_backward")
def _empty_similarity_map_backward(
    _upstream: Tensor, x: Tensor, y: Tensor, *options: Any
) -> tuple[Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    return _empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::similarity_map_backward", "default")
def _similarity_map_backward(
    upstream: Tensor, x: Tensor, y: Tensor, *options: Any
) -> tuple[Tensor, Tensor]:
    window, *rest, want_x, want_y, backend = options
    _check(x, y, backend, taps=len(window))
    if x.numel() and backend == "triton":
        grad_x, grad_y = _triton().similarity_map_backward(
            upstream, x, y, tuple(window), *rest, want_x, want_y
        )
        return _or_nothing(grad_x, x), _or_nothing(grad_y, x)
    gradients = _empty_gradients(x, y, want_x, want_y)
    if x.numel() and (want_x or want_y):
        _cpu.similarity_map_backward(
            upstream, x, y, options[:6], _or_none(gradients[0]), _or_none(gradients[1])
        )
    return gradients


# --- all scales: MS-SSIM of each plane, (N, C), or of each image, (N, 1) --------------------------


@torch.library.register_fake("ssimloss::pyramid_scores")
def _empty_pyramid_scores(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, channels, want_x, want_y = options
    scores = x.new_empty(
        (x.shape[0], 1 if channels == "joint" else x.shape[1]), dtype=computing_dtype(x, y)
    )
    return (
        scores,
        scores.new_empty(x.shape if want_x else 0),
        scores.new_empty(x.shape if want_y else 0),
    )


@torch.library.impl("ssimloss::pyramid_scores", "default")
def _pyramid_scores(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *comparison, pooling, weights, combination, negative, channels, _, _ = options
    _check(x, y, "cpu", taps=len(comparison[0]), scales=len(weights))
    scores, grad_x, grad_y = _empty_pyramid_scores(x, y, *options)
    if x.numel():
        shapes = pyramid_shapes(x.shape[2], x.shape[3], len(weights), pooling)
        combined = weights, combination, negative, channels
        _cpu.pyramid(
            x,
            y,
            (*comparison, "ssim", "valid"),
            shapes,
            combined,
            _or_none(grad_x),
            _or_none(grad_y),
            scores,
        )
    return scores, grad_x, grad_y


@functools.lru_cache(maxsize=64)
def pyramid_shapes(height: int, width: int, scales: int, pooling: str) -> _cpu.Pyramid:
    """Of the scales of an image; ``pooling`` treats an odd size as in
    :func:`ssimloss.functional.ms_ssim`.
    """
    sizes: list[tuple[int, int]] = [(height, width)]
    before: list[tuple[int, int]] = []
    for _ in range(scales - 1):
        height, width = sizes[-1]
        odd = (height % 2, width % 2)
        begin = {"zeros": odd, "replicate": (max(odd), max(odd))}.get(pooling, (0, 0))
        added = odd if pooling == "symmetric" else begin
        before.append(begin)
        sizes.append(((height + added[0]) // 2, (width + added[1]) // 2))
    return _cpu.Pyramid(
        tuple(sizes), tuple(before), {"floor": "none", "zeros": "zeros"}.get(pooling, "edge")
    )


# --- distances per pixel: the mean of each image, (N,) --------------------------------------------


@torch.library.register_fake("ssimloss::pixel_means")
def _empty_pixel_means(
    x: Tensor, y: Tensor, _kind: str, _eps: float, want: bool
) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape[0], dtype=computing_dtype(x, y)), _empty_gradients(
        x, y, want, False
    )[0]


@torch.library.impl("ssimloss::pixel_means", "default")
def _pixel_means(x: Tensor, y: Tensor, kind: str, eps: float, want: bool) -> tuple[Tensor, Tensor]:
    """The gradient is that to ``x``; its opposite is that to ``y``."""
    _check(x, y, "cpu")
    means, grad = _empty_pixel_means(x, y, kind, eps, want)
    if x.numel():
        _cpu.pixel_means(x, y, kind, eps, _or_none(grad), means)
    else:
        means.zero_()
    return means, grad


def _triton() -> Any:
    """The module, imported where it is used: Triton is not everywhere, and takes long."""
    from ssimloss.kernels import _triton as module

    return module


def _empty_gradients(x: Tensor, y: Tensor, want_x: bool, want_y: bool) -> tuple[Tensor, Tensor]:
    dtype = computing_dtype(x, y)
    return (
        torch.empty_like(x, dtype=dtype) if want_x else x.new_empty(0, dtype=dtype),
        torch.empty_like(y, dtype=dtype) if want_y else y.new_empty(0, dtype=dtype),
    )


def _or_none(gradient: Tensor) -> Tensor | None:
    return gradient if gradient.numel() else None


def _or_nothing(gradient: Tensor | None, like: Tensor) -> Tensor:
    return like.new_empty(0, dtype=torch.float32) if gradient is None else gradient


# --- torch.vmap: one call after another; a batch belongs into the images' first dimension ---------


def _one_by_one(operator: Any) -> Callable[..., tuple[Any, Any]]:
    def rule(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Any, Any]:
        calls = []
        for index in range(info.batch_size):
            chosen = [
                a.select(dim, index) if isinstance(dim, int) else a
                for a, dim in zip(arguments, in_dims, strict=True)
            ]
            calls.append(operator(*chosen))
        if isinstance(calls[0], Tensor):
            return torch.stack(calls), 0
        stacked = tuple(torch.stack(results) for results in zip(*calls, strict=True))
        return stacked, (0,) * len(stacked)

    return rule


for _name in (
    "similarity_means",
    "similarity_map",
    "similarity_map_backward",
    "pyramid_scores",
    "pixel_means",
):
    torch.library.register_vmap(
        f"ssimloss::{_name}", _one_by_one(getattr(torch.ops.ssimloss, _name))
    )
