"""Small labelled images: the handwritten digits inside the scikit-learn wheel, or a folder with a
subfolder for each class.

Nothing is downloaded. Every fifth image of each class is held out, to measure the accuracy of the
classifier.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from runs.files import InputError
from super_resolution.photographs import SUFFIXES
from torch import Tensor

SIDES = (8, 16, 32, 64)
SMALLEST_CLASS = 10  # images


@dataclass(frozen=True)
class Images:
    """Images ``(N, C, side, side)`` in [-1, 1], as a generator with a tanh makes them, and their
    classes ``(N,)``.
    """

    classes: list[str]
    training: Tensor
    training_labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor

    def fingerprint(self) -> str:
        """A short hash of all images, so that a resumed run can tell that they changed."""
        digest = hashlib.sha256(repr(self.classes).encode())
        for values in (self.training, self.training_labels, self.held_out, self.held_out_labels):
            digest.update(values.numpy().tobytes())
        return digest.hexdigest()[:16]


def load(data: Path | None, side: int | None) -> Images:
    """The digits of 8x8 pixels, or the folder's images at 32x32, unless ``side`` says otherwise."""
    return _digits(side or 8) if data is None else _folder(data, side or 32)


def _digits(side: int) -> Images:
    if importlib.util.find_spec("sklearn") is None:
        raise InputError(
            "the digits are in scikit-learn, which is not installed: pip install 'scikit-learn', "
            "or give --data FOLDER"
        )
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = torch.from_numpy(found.images).float()[:, None] / 8 - 1  # 0 to 16
    return _split(
        [str(digit) for digit in range(10)],
        _resized(pixels, side),
        torch.from_numpy(found.target).long(),
    )


def _folder(folder: Path, side: int) -> Images:
    if not folder.is_dir():
        raise InputError(f"--data {folder}: no such folder")
    by_class = {
        inside.name: sorted(
            path for path in inside.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        for inside in sorted(folder.iterdir())
        if inside.is_dir()
    }
    by_class = {name: paths for name, paths in by_class.items() if paths}
    if len(by_class) < 2:
        raise InputError(
            f"--data {folder}: needs a subfolder of images for each class, at least two, found "
            f"{len(by_class)}; the classes are what samples are judged by"
        )
    for name, paths in by_class.items():
        if len(paths) < SMALLEST_CLASS:
            raise InputError(
                f"--data {folder}: needs at least {SMALLEST_CLASS} images of each class, found "
                f"{len(paths)} of {name}"
            )
    pixels = torch.cat([_read(path, side) for paths in by_class.values() for path in paths])
    counts = torch.tensor([len(paths) for paths in by_class.values()])
    return _split(list(by_class), pixels, torch.arange(len(by_class)).repeat_interleave(counts))


def _read(path: Path, side: int) -> Tensor:
    """The middle square of a file, ``(1, 3, side, side)``."""
    try:
        with Image.open(path) as opened:
            square = ImageOps.fit(
                ImageOps.exif_transpose(opened).convert("RGB"),
                (side, side),
                Image.Resampling.BICUBIC,
            )
            pixels = np.array(square)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable image ({error})") from error
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1


def _resized(images: Tensor, side: int) -> Tensor:
    if images.shape[-1] == side:
        return images
    return torch.nn.functional.interpolate(
        images, size=(side, side), mode="bicubic", antialias=True
    ).clamp(-1, 1)


def _split(classes: list[str], images: Tensor, labels: Tensor) -> Images:
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(len(classes)):
        held_out[(labels == label).nonzero().flatten()[::5]] = True
    return Images(classes, images[~held_out], labels[~held_out], images[held_out], labels[held_out])
