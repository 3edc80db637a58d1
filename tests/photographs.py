"""Real photographs for tests, and a degraded copy of each: the same bytes on every machine.

The photographs are the lossless ones inside the scikit-image wheel, so nothing is downloaded and no
decoder rounds. The degraded copy is made with integers only (legacy ``RandomState`` integers, a 3x3
binomial blur, quantisation within 8x8 blocks, a contrast change), so its SHA-256 can stand in a
golden file. Both images of a pair reach values at or near 0 and 255 (the cat stops at 231) and
differ in every channel.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

FILES = {
    "astronaut": ("astronaut.png",),  # 512x512
    "chelsea": ("chelsea.png",),  # 300x451, a cat
    "coffee": ("coffee.png",),  # 400x600
    # 1000x741: the two views, one above the other.
    "motorcycle": ("motorcycle_left.png", "motorcycle_right.png"),
    "camera": ("camera.png",),  # 512x512, gray
    "brick": ("brick.png",),  # 512x512, gray, low contrast
    "moon": ("moon.png",),  # 512x512, gray, mostly smooth
}

# Few and chosen: even sides, odd sides, sides whose pyramid is odd at several levels, odd sides
# where round(min / 256) is 2 and 3 (blocks and centred boxes then differ), and one gray image. All
# are at least 176 on the short side, so five MS-SSIM scales fit.
CASES = {
    "even": {"name": "astronaut", "height": 192, "width": 224, "top": 0, "left": 128},
    "odd": {"name": "chelsea", "height": 191, "width": 253, "top": 40, "left": 120},
    "mixed": {"name": "astronaut", "height": 181, "width": 218, "top": 300, "left": 200},
    "large": {"name": "coffee", "height": 391, "width": 593, "top": 5, "left": 3},
    "huge": {"name": "motorcycle", "height": 645, "width": 741, "top": 180, "left": 0},
    "gray": {"name": "camera", "height": 256, "width": 256, "top": 60, "left": 130},
}


@functools.cache
def _decoded(name: str) -> np.ndarray:
    from PIL import Image

    package = importlib.util.find_spec("skimage")  # finds the wheel without importing it
    if package is None or package.origin is None:
        raise ModuleNotFoundError(
            "the photographs are in the scikit-image wheel: install the test extra"
        )
    parts = []
    for file in FILES[name]:
        with Image.open(Path(package.origin).parent / "data" / file) as opened:
            parts.append(np.array(opened))
    image = np.concatenate(parts, axis=0)
    image = image[..., None] if image.ndim == 2 else image[..., :3]
    image.setflags(write=False)
    return image


def photograph(name: str = "astronaut") -> np.ndarray:
    """One photograph, uint8 ``(H, W, 3)``, or ``(H, W, 1)`` for the gray ones."""
    return _decoded(name).copy()


def degrade(image: np.ndarray, seed: int = 0) -> np.ndarray:
    """A plausible bad copy of a uint8 ``(H, W, C)`` image: blurred, blocky, of another contrast and
    colour, noisy.
    """
    height, width, channels = image.shape
    x = image.astype(np.int64)

    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    x = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:] + 8) // 16

    for top in range(0, height, 8):
        for left in range(0, width, 8):
            block = x[top : top + 8, left : left + 8]
            mean = block.sum(axis=(0, 1)) // (block.shape[0] * block.shape[1])
            x[top : top + 8, left : left + 8] = mean + (block - mean + 4) // 9 * 9

    gain = np.array([36, 34, 37])[:channels]  # in 32nds
    x = 128 + (x - 128) * gain // 32 + np.array([3, -2, 5])[:channels]

    random = np.random.RandomState(seed)
    noise = random.randint(-7, 8, size=(2, height, width, channels), dtype=np.int32).sum(axis=0)
    return np.clip(x + noise, 0, 255).astype(np.uint8)


def pair(
    name: str = "astronaut",
    height: int | None = None,
    width: int | None = None,
    top: int = 0,
    left: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """``(pred, target)``, both uint8 ``(H, W, C)``; ``target`` is the crop, ``pred`` its degraded
    copy.
    """
    pred, target = _pair(name, height, width, top, left)
    return pred.copy(), target.copy()


@functools.cache
def _pair(
    name: str, height: int | None, width: int | None, top: int, left: int
) -> tuple[np.ndarray, np.ndarray]:
    whole = _decoded(name)
    height = whole.shape[0] - top if height is None else height
    width = whole.shape[1] - left if width is None else width
    target = whole[top : top + height, left : left + width]
    assert target.shape[:2] == (height, width), (
        f"{name} is {whole.shape[:2]}; the crop asked for leaves it"
    )
    return degrade(target), target


def case(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The pair of one row of ``CASES``."""
    return pair(**CASES[name])


def sha256(image: np.ndarray) -> str:
    """SHA-256 of the bytes in C order, as written beside a golden value."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def arrays(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The pair of one row of ``CASES`` as float64 ``(1, C, H, W)`` arrays in [0, 1]."""
    pred, target = (image.transpose(2, 0, 1)[None].astype(np.float64) / 255 for image in case(name))
    return pred, target


def tensors(name: str, dtype: torch.dtype | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """The pair of one row of ``CASES`` as ``(1, C, H, W)`` tensors in [0, 1], float64
    unless told.
    """
    import torch

    pred, target = (
        torch.from_numpy(array.copy()).to(dtype or torch.float64) for array in arrays(name)
    )
    return pred, target


def batch_u8(height: int = 176, width: int = 208) -> tuple[np.ndarray, np.ndarray]:
    """Three different colour photographs of one size, uint8 ``(3, H, W, 3)``, of unequal quality:
    the third is equal in its left half.
    """
    pairs = [
        pair("astronaut", height, width, 10, 140),
        pair("chelsea", height, width, 50, 100),
        pair("coffee", height, width, 120, 200),
    ]
    pred, target = (np.stack(images) for images in zip(*pairs, strict=True))
    pred[2, :, : width // 2] = target[2, :, : width // 2]
    return pred, target


def batch(
    height: int = 176, width: int = 208, dtype: torch.dtype | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """``batch_u8`` as ``(3, 3, H, W)`` tensors in [0, 1], float64 unless told."""
    import torch

    pred, target = (image.to(dtype or torch.float64, copy=True) for image in _batch(height, width))
    return pred, target


@functools.cache
def _batch(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    pred, target = (
        torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)) / 255)
        for images in batch_u8(height, width)
    )
    return pred, target
