"""Small clips for tests: uncompressed y4m files that any machine makes again to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from libvmaf import blurred, noise, texture

Array = np.ndarray
# y4m's name -> FFmpeg's, width and height of a chroma sample, bits
FORMATS = {
    "420jpeg": ("yuv420p", 2, 2, 8),
    "444": ("yuv444p", 1, 1, 8),
    "420p10": ("yuv420p10le", 2, 2, 10),
    "422p10": ("yuv422p10le", 2, 1, 10),
}


def luma(number: int = 6, size: tuple[int, int] = (48, 64), bits: int = 8) -> tuple[Array, Array]:
    """A pan ``(T, H, W)`` and the same, blurred and noisy, with codes of all ``bits``."""
    height, width = size
    wide = texture(height + number, width + 2 * number, 3)
    pan = np.stack([wide[t : t + height, 2 * t : 2 * t + width] for t in range(number)])
    worse = np.stack([blurred(frame, 1) for frame in pan]) + noise(pan.shape, 3, 4)
    step = 1 << (bits - 8)
    fine = np.abs(noise(pan.shape, step - 1, 5)) if step > 1 else 0
    return pan * step + fine, (worse * step + fine).clip(0, 256 * step - 1)


def y4m(
    path: Path, frames: Array, kind: str = "420jpeg", rate: str = "25:1", more: str = ""
) -> Path:
    """Uncompressed frames, with chroma that differs from sample to sample."""
    _, across, down, bits = FORMATS[kind]
    _, height, width = frames.shape
    chroma = texture(-(-height // down), -(-width // across), 9) << (bits - 8)
    sample = np.uint8 if bits == 8 else np.dtype("<u2")
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C{kind}{more}\n".encode())
        for frame in frames:
            file.write(b"FRAME\n")
            for plane in (frame, chroma, chroma[::-1]):
                file.write(plane.astype(sample).tobytes())
    return path
