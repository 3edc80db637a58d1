"""The photographs of a study: the user's, or those that scikit-image contains."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from ssimloss._files import MissingFileError
from ssimloss.evaluation.images import SUFFIXES, ImageError, read

# Photographs of different subjects in the package scikit-image.
DEFAULT: Final = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "motorcycle_left.png",
    "rocket.jpg",
    "brick.png",
    "grass.png",
    "gravel.png",
)


def find_pictures(source: str | Path | Sequence[str | Path] | None) -> dict[str, Path]:
    """Files by name.

    Args:
        source: a folder, a file, a list of them, or None for photographs of scikit-image.

    Raises:
        MissingFileError: a path does not exist.
        ValueError: a folder has no images, or two files have the same name.
        ModuleNotFoundError: ``source`` is None, and scikit-image is not installed.
    """
    if source is None:
        return {Path(name).stem: _inside_skimage(name) for name in DEFAULT}
    sources = [source] if isinstance(source, (str, Path)) else list(source)
    found: dict[str, Path] = {}
    for place in (Path(one).expanduser() for one in sources):
        if not place.exists():
            raise MissingFileError(f"images must be folders or files, {place} does not exist")
        files = [place] if place.is_file() else _files_in(place)
        if not files:
            raise ValueError(f"{place} holds no image ({', '.join(sorted(SUFFIXES))})")
        for file in files:
            other = found.setdefault(file.stem, file)
            if other != file:
                raise ValueError(
                    f"images must have different names, got {other} and {file}; rename one, since "
                    "results are reported by name"
                )
    return found


def load_pictures(
    files: dict[str, Path], side: int, most: int | None = None
) -> tuple[dict[str, Tensor], list[str]]:
    """Photographs ``(3, H, W)`` in [0, 1], and messages about files that cannot be used.

    Args:
        files: by name.
        side: an image must be larger than this in both directions.
        most: largest number of images; None for all.

    Raises:
        ValueError: no file can be used.
    """
    images: dict[str, Tensor] = {}
    problems: list[str] = []
    for name, path in files.items():
        if most is not None and len(images) == most:
            break
        try:
            found = read(path)
        except ImageError as error:
            problems.append(str(error))
            continue
        pixels = found.pixels.float() / found.data_range
        if min(pixels.shape[1:]) <= side:
            height, width = pixels.shape[1:]
            problems.append(
                f"{path} has {width} x {height} pixels; both sides must be larger than {side}, the "
                "side of a crop"
            )
            continue
        images[name] = pixels.expand(3, -1, -1).contiguous()
    if not images:
        raise ValueError(f"no image can be studied: {'; '.join(problems[:3])}")
    return images, problems


def _files_in(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()
    )


def _inside_skimage(name: str) -> Path:
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            "without images, the study uses the photographs of scikit-image, which is not "
            "installed: pip install scikit-image, or pass a folder of images"
        )
    return Path(found.origin).parent / "data" / name


def to_png(picture: Tensor, path: Path) -> None:
    """Write ``(1, 3, H, W)`` in [0, 1] as 8-bit PNG."""
    from PIL import Image

    from ssimloss import _files

    pixels = (255 * picture[0].detach().cpu()).round().clamp(0, 255).to(torch.uint8)
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    _files.write(path, lambda file: image.save(file, format="PNG"))
