"""The photographs that the embedded network is trained on, and those held out for its examination.

Nothing is downloaded: all are files inside the scikit-image and scikit-learn wheels, found without
importing either.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

# The held-out photographs of the super-resolution demo are among these: the network may serve as
# its loss.
HELD_OUT = {
    "astronaut": "skimage/data/astronaut.png",
    "chelsea": "skimage/data/chelsea.png",
    "coffee": "skimage/data/coffee.png",
    # motorcycle_right.png shows the same scene from the side and is not used
    "motorcycle": "skimage/data/motorcycle_left.png",
    "brick": "skimage/data/brick.png",  # gray, as grass and gravel
    "grass": "skimage/data/grass.png",
    "gravel": "skimage/data/gravel.png",
    "tissue": "skimage/data/ihc.png",
    "print": "skimage/data/page.png",
}
TRAINING = {
    "camera": "skimage/data/camera.png",  # gray, as coins, moon, handwriting, cell and clock
    "coins": "skimage/data/coins.png",
    "moon": "skimage/data/moon.png",
    "handwriting": "skimage/data/text.png",
    "hubble": "skimage/data/hubble_deep_field.jpg",
    "retina": "skimage/data/retina.jpg",
    "rocket": "skimage/data/rocket.jpg",
    "cell": "skimage/data/cell.png",
    "clock": "skimage/data/clock_motion.png",
    "china": "sklearn/datasets/images/china.jpg",
    "flower": "sklearn/datasets/images/flower.jpg",
}


@dataclass(frozen=True)
class Texture:
    """A part of a photograph with uniform texture, chosen by eye; ``reduce`` scales its pattern to
    the size of a crop.
    """

    photograph: str
    top: int
    left: int
    height: int
    width: int
    reduce: int = 1


HELD_OUT_TEXTURES = {
    "brick": Texture("brick", 0, 0, 512, 512, reduce=2),
    "grass": Texture("grass", 0, 0, 512, 512, reduce=2),
    "gravel": Texture("gravel", 0, 0, 512, 512, reduce=2),
    "tissue": Texture("tissue", 0, 0, 512, 512, reduce=2),
    "print": Texture("print", 46, 0, 64, 384),
    "wood": Texture("coffee", 0, 488, 256, 64),
    "floor": Texture("motorcycle", 436, 0, 64, 256),
}


def read(path: str) -> Tensor:
    """A file inside a wheel as ``(3, H, W)`` in [0, 1]."""
    package, inside = path.split("/", 1)
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        name = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[package]
        raise ModuleNotFoundError(
            f"the photographs are in {name}, which is not installed: pip install '{name}'"
        )
    with Image.open(Path(found.origin).parent / inside) as opened:
        pixels = np.array(opened.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def cut(texture: Texture, photograph: Tensor) -> Tensor:
    """The texture as ``(1, h, w)``, the mean of its colours."""
    bottom, right = texture.top + texture.height, texture.left + texture.width
    gray = photograph[:, texture.top : bottom, texture.left : right].mean(0, keepdim=True)
    size = (texture.height // texture.reduce, texture.width // texture.reduce)
    return (
        interpolate(gray[None], size=size, mode="bicubic", antialias=True)[0]
        if texture.reduce > 1
        else gray
    )
