"""Photographs, their low resolution, and random crops of both.

Nothing is downloaded: the default photographs are files inside the scikit-image and scikit-learn
wheels, found without importing either. Low resolution is the truth reduced by antialiased bicubic
interpolation and rounded to 8 bit, as a file of that size would be.
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from runs.files import InputError
from torch import Tensor
from torch.nn.functional import interpolate

# What --data is, for the help of scripts.
HELP = (
    "your photographs: sorted by path, the 1st, 11th, 21st ... (at most 8) are held out, the "
    "others train; without it, those inside the scikit-image and scikit-learn wheels"
)

# Lossless colour photographs, never trained on.
HELD_OUT = (
    "skimage/data/astronaut.png",
    "skimage/data/chelsea.png",
    "skimage/data/coffee.png",
    "skimage/data/motorcycle_left.png",
)

# In the wheels of scikit-image >= 0.22 and scikit-learn >= 1.3. Left out: motorcycle_right.png,
# which shows the held-out motorcycle from the side; drawings (logo, horse,
# phantom, chessboards, colour wheel); pictures almost without detail (cell, clock, microaneurysms).
TRAINING = (
    "skimage/data/brick.png",  # gray, as the next ones to gravel
    "skimage/data/camera.png",
    "skimage/data/coins.png",
    "skimage/data/grass.png",
    "skimage/data/gravel.png",
    "skimage/data/moon.png",
    "skimage/data/page.png",
    "skimage/data/text.png",
    "skimage/data/ihc.png",
    "skimage/data/hubble_deep_field.jpg",
    # soft, so that the network also sees photographs that are not perfectly sharp
    "skimage/data/retina.jpg",
    "skimage/data/rocket.jpg",
    "sklearn/datasets/images/china.jpg",
    "sklearn/datasets/images/flower.jpg",
)

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True)
class Photograph:
    """A photograph and its low resolution, both uint8 RGB."""

    name: str
    truth: Tensor  # (3, H, W), sides divisible by the scale
    low: Tensor  # (3, H / scale, W / scale)


def shipped_files() -> tuple[list[Path], list[Path]]:
    """Training and held-out files inside the installed wheels."""
    return [_in_wheel(path) for path in TRAINING], [_in_wheel(path) for path in HELD_OUT]


def _in_wheel(path: str) -> Path:
    package, inside = path.split("/", 1)
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        name = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[package]
        raise InputError(
            f"the default photographs are in {name}, which is not installed: pip install "
            f"'{name}', or give --data FOLDER"
        )
    return Path(found.origin).parent / inside


def folder_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Training and held-out files of a folder and its subfolders: sorted by path, the 1st, 11th,
    21st, ... (at most 8) are held out.
    """
    if not folder.is_dir():
        raise InputError(f"--data {folder}: no such folder")
    files = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if len(files) < 2:
        kinds = " ".join(sorted(SUFFIXES))
        raise InputError(
            f"--data {folder}: needs at least two photographs, one to train on and one held out, "
            f"found {len(files)} ({kinds})"
        )
    held_out = files[::10][:8]
    return [path for path in files if path not in set(held_out)], held_out


def load(path: Path, scale: int, *, smallest: int, reason: str) -> Photograph:
    """Read one photograph as RGB, cut its sides to multiples of ``scale``, and reduce it.

    Raises:
        InputError: the file cannot be decoded, has more than 8 bit, or a side is under ``smallest``
            pixels.
    """
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith(("I", "F")):
                raise InputError(
                    f"{path}: {image.mode} pixels; convert the photograph to 8 bit first"
                )
            pixels = np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable image ({error})") from error
    truth = torch.from_numpy(pixels).permute(2, 0, 1)
    height, width = (side - side % scale for side in truth.shape[1:])
    if min(height, width) < smallest:
        raise InputError(
            f"{path}: {truth.shape[1]}x{truth.shape[2]} pixels, needs at least "
            f"{smallest}x{smallest} {reason}"
        )
    truth = truth[:, :height, :width].contiguous()
    return Photograph(path.stem, truth, to_uint8(reduce(to_float(truth[None]), scale))[0])


def load_all(data: Path | None, scale: int, crop: int) -> tuple[list[Photograph], list[Photograph]]:
    """Training and held-out photographs: those in the wheels, or those of the folder ``data``."""
    training, held_out = shipped_files() if data is None else folder_files(data)
    return (
        [
            load(path, scale, smallest=crop, reason="for one crop; remove it or lower --crop")
            for path in training
        ],
        [
            load(path, scale, smallest=11 + 2 * scale, reason="to measure SSIM; remove it")
            for path in held_out
        ],
    )


def fingerprint(photographs: Sequence[Photograph]) -> str:
    """A short hash of every pixel, so that a resumed run can tell that its photographs changed."""
    digest = hashlib.sha256()
    for photograph in photographs:
        digest.update(repr(tuple(photograph.truth.shape)).encode())
        digest.update(photograph.truth.numpy().tobytes())
    return digest.hexdigest()[:16]


def to_float(image: Tensor) -> Tensor:
    """Bytes to [0, 1]."""
    return image.float() / 255


def to_uint8(image: Tensor) -> Tensor:
    """[0, 1] to bytes: clamped and rounded, as saving a file does."""
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


def reduce(image: Tensor, scale: int) -> Tensor:
    """Antialiased bicubic reduction of ``(N, 3, H, W)``; the kernel (a = -0.5, widened by
    ``scale``) is the one of MATLAB and Pillow.
    """
    return interpolate(
        image,
        size=(image.shape[2] // scale, image.shape[3] // scale),
        mode="bicubic",
        antialias=True,
    )


def enlarge(image: Tensor, scale: int) -> Tensor:
    """Bicubic enlargement with the same kernel; without ``antialias`` torch would use a = -0.75."""
    return interpolate(
        image, size=(image.shape[2] * scale, image.shape[3] * scale), mode="bicubic", antialias=True
    )


class PatchSampler:
    """Endless random batches ``(low, truth)`` in [0, 1]: a photograph by its area, a crop, one of
    eight flips and turns.

    Its own random generator is all its state, so ``state_dict`` is enough to continue with the very
    same crops.
    """

    def __init__(
        self, photographs: Sequence[Photograph], *, scale: int, crop: int, batch: int, seed: int
    ) -> None:
        if crop % scale:
            raise InputError(f"--crop {crop} is not divisible by --scale {scale}")
        self.photographs = photographs
        self.scale, self.crop, self.batch = scale, crop, batch
        self.area = torch.tensor([float(photograph.low[0].numel()) for photograph in photographs])
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self) -> tuple[Tensor, Tensor]:
        """One batch: ``low`` ``(batch, 3, crop / scale, crop / scale)`` and ``truth``
        ``(batch, 3, crop, crop)``.
        """
        chosen = torch.multinomial(
            self.area, self.batch, replacement=True, generator=self.generator
        ).tolist()
        places = torch.rand(self.batch, 2, generator=self.generator, dtype=torch.float64).tolist()
        turns = torch.randint(8, (self.batch,), generator=self.generator).tolist()
        low, truth = zip(*map(self._patch, chosen, places, turns), strict=True)
        return to_float(torch.stack(low)), to_float(torch.stack(truth))

    def _patch(self, index: int, place: Sequence[float], turn: int) -> tuple[Tensor, Tensor]:
        photograph, side = self.photographs[index], self.crop // self.scale
        height, width = photograph.low.shape[1:]
        top, left = int(place[0] * (height - side + 1)), int(place[1] * (width - side + 1))
        low = photograph.low[:, top : top + side, left : left + side]
        top, left = top * self.scale, left * self.scale
        truth = photograph.truth[:, top : top + self.crop, left : left + self.crop]
        return _turned(low, turn), _turned(truth, turn)

    def state_dict(self) -> dict[str, Tensor]:
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.generator.set_state(state["generator"])


def _turned(patch: Tensor, turn: int) -> Tensor:
    patch = torch.rot90(patch, turn % 4, (1, 2))
    return patch.flip(2) if turn >= 4 else patch
