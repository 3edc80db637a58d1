"""The pictures of the page, as data URIs: a thumbnail of every reference, and the full pictures and
maps of the worst images.

Images of up to ``LARGEST`` pixels a side are shown whole. A larger image is cropped to its worst
region at full resolution. Maps are stored as gray levels; the page colours them and reads values
from them.
"""

import base64
import io
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from PIL import Image as Pillow
from PIL import ImageOps
from torch import Tensor

from ssimloss.evaluation._depths import depth_words
from ssimloss.evaluation._maps import (
    Region,
    cut,
    error_limit,
    error_words,
    pillow,
    similarity,
    tone_words,
    toned,
    tones,
    unit,
    worst_region,
)
from ssimloss.evaluation._orientations import Orientation, orientation_words
from ssimloss.evaluation.images import Image, ImageError, read
from ssimloss.evaluation.result import Evaluation, ImageRecord

LARGEST = 768  # pixels a side
THUMBNAIL_CHARACTERS = 13_000_000  # in base64; both limits keep the page under 30 MB
PICTURE_CHARACTERS = 13_000_000

# (largest number of images, pixels of the longer side)
_THUMBNAIL_SIDES = ((1500, 160), (6000, 96), (20_000, 48))
_LOSSLESS = 128 * 128  # images of up to this many pixels are stored without loss
_QUALITY, _THUMBNAIL_QUALITY = 92, 60
_REACH = 5  # pixels from the centre of an SSIM window to its edge
_THREADS = min(4, os.cpu_count() or 1)


def draw_thumbnails(evaluation: Evaluation, most: int) -> list[str | None]:
    """A thumbnail of each reference: ``None`` if it cannot be read, or once the thumbnails would
    take more than ``most`` characters.
    """
    side = next((side for number, side in _THUMBNAIL_SIDES if len(evaluation.images) <= number), 0)
    if not side:
        return [None] * len(evaluation.images)
    with ThreadPoolExecutor(_THREADS) as pool:
        drawn = list(
            pool.map(
                lambda image: _thumbnail(
                    image, side, evaluation.orientation, evaluation.data_range
                ),
                evaluation.images,
            )
        )
    left, kept = most, []
    for thumbnail in drawn:
        left -= len(thumbnail or "")
        kept.append(thumbnail if left >= 0 else None)
    return kept


def worst_images(evaluation: Evaluation, worst: int) -> list[int]:
    """Indices in ``evaluation.images`` of the ``worst`` images of each metric and method: first
    every worst image, then every second-worst.
    """
    ranked = []
    for metric in evaluation.metrics:
        sign = 1 if metric.higher_is_better else -1
        for method in evaluation.methods:
            values = [
                image.values.get(method, {}).get(metric.name, math.nan)
                for image in evaluation.images
            ]
            standing = sorted(
                (sign * value, place) for place, value in enumerate(values) if not math.isnan(value)
            )
            ranked.append([place for _, place in standing[:worst]])
    return list(
        dict.fromkeys(
            places[rank] for rank in range(worst) for places in ranked if rank < len(places)
        )
    )


def draw_pictures(
    evaluation: Evaluation, places: Sequence[int], most: int
) -> dict[int, dict[str, Any]]:
    """Map each index to what the page shows of the image, in this order, until the pictures take
    ``most`` characters.
    """
    drawn: dict[int, dict[str, Any]] = {}
    waiting = iter(places)
    with ThreadPoolExecutor(_THREADS) as pool:
        while batch := list(islice(waiting, _THREADS)):
            for place, picture in zip(
                batch,
                pool.map(
                    lambda p: draw_picture(
                        evaluation.images[p],
                        evaluation.methods,
                        evaluation.orientation,
                        evaluation.data_range,
                    ),
                    batch,
                ),
                strict=True,
            ):
                if picture is None:
                    continue
                most -= characters(picture)
                if most < 0:
                    return drawn
                drawn[place] = picture
    return drawn


def draw_picture(
    record: ImageRecord,
    methods: Sequence[str],
    orientation: Orientation = "apply",
    data_range: float | None = None,
) -> dict[str, Any] | None:
    """The reference, results and maps of one image; ``None`` if the reference cannot be read or no
    result has its size.

    Keys: ``shape`` and ``corner`` of the region shown; ``reference``; ``results``, ``ssim`` and
    ``error`` with an entry for each method, ``None`` if it has none; ``limit`` and ``unit`` of the
    error map; ``note``, a text.
    """
    reference = _read(record.reference, orientation, data_range)
    if reference is None:
        return None
    results = [
        _read(record.distorted[method], orientation, data_range)
        if method in record.distorted
        else None
        for method in methods
    ]
    return picture_of(reference, results, methods, orientation)


def picture_of(
    reference: Image,
    results: Sequence[Image | None],
    methods: Sequence[str],
    orientation: Orientation = "apply",
) -> dict[str, Any] | None:
    """The pictures and maps of decoded images."""
    results = [
        r if r is not None and r.pixels.shape[1:] == reference.pixels.shape[1:] else None
        for r in results
    ]
    if not any(results):
        return None
    levels, truth = reference.levels, unit(reference)
    preds = [None if r is None else unit(r) for r in results]
    errors = [None if p is None or len(p) != len(truth) else p.sub(truth).abs_() for p in preds]
    region = worst_region(
        [error for error in errors if error is not None],
        truth.shape[1:],
        largest=(LARGEST, LARGEST),
    )
    shown = tones(reference)
    means = [None if error is None else cut(error, region).mean(0) for error in errors]
    limit = error_limit([mean for mean in means if mean is not None], levels)
    return {
        "shape": region[2:],
        "corner": region[:2],
        "reference": _webp(pillow(cut(toned(reference, shown), region))),
        "results": [
            None if r is None else _webp(pillow(cut(toned(r, shown), region))) for r in results
        ],
        "ssim": [
            None if e is None or p is None else _gray(_similarity(p, truth, region))
            for p, e in zip(preds, errors, strict=True)
        ],
        "error": [None if mean is None else _gray(mean * (levels / limit)) for mean in means],
        "limit": limit,
        "unit": error_words(reference),
        "note": _note(
            truth.shape[1:],
            region,
            tone_words(shown, levels),
            _depths(methods, reference, results),
            _orientations(methods, reference, results, orientation),
        ),
    }


def _thumbnail(
    record: ImageRecord,
    side: int,
    orientation: Orientation = "apply",
    data_range: float | None = None,
) -> str | None:
    # An image with values was decoded completely before.
    drawn = _reduced_jpeg(record.reference, side, orientation) if record.values else None
    if drawn is None:
        image = _read(record.reference, orientation, data_range)
        if image is None:
            return None
        return thumbnail_of(image, side)
    return _reduced(drawn, side)


def thumbnail_of(image: Image, side: int) -> str:
    """The thumbnail of a decoded image, at most ``side`` pixels wide and high."""
    return _reduced(pillow(toned(image, tones(image))), side)


def _reduced(drawn: Pillow.Image, side: int) -> str:
    drawn.thumbnail((side, side), Pillow.Resampling.BOX)
    return _webp(drawn, quality=_THUMBNAIL_QUALITY)


def _reduced_jpeg(path: Path, side: int, orientation: Orientation) -> Pillow.Image | None:
    """A JPEG decoded at the reduced size of a thumbnail, in a quarter of the time; ``None`` for
    other files.
    """
    try:
        with Pillow.open(path, formats=("JPEG",)) as image:
            if image.mode not in ("L", "RGB"):
                return None
            image.draft(None, (2 * side, 2 * side))
            return ImageOps.exif_transpose(image) if orientation == "apply" else image.copy()
    except (OSError, SyntaxError, ValueError):
        return None


def _read(path: Path, orientation: Orientation, data_range: float | None) -> Image | None:
    try:
        return read(path, alpha="drop", orientation=orientation, data_range=data_range)
    except ImageError:
        return None


def _similarity(pred: Tensor, target: Tensor, region: Region) -> Tensor | None:
    """The SSIM map of a region, including windows that extend beyond its edge."""
    top, left, height, width = region
    above, before = min(top, _REACH), min(left, _REACH)
    wider = (top - above, left - before, above + height + _REACH, before + width + _REACH)
    values = similarity(cut(pred, wider), cut(target, wider))
    return None if values is None else values[above : above + height, before : before + width]


def _gray(values: Tensor | None) -> str | None:
    """A map ``(H, W)`` of values in [0, 1] as a gray picture."""
    return (
        None
        if values is None
        else _webp(pillow((values * 255).round().clamp(0, 255).to(torch.uint8)[None]))
    )


def _webp(image: Pillow.Image, quality: int = _QUALITY) -> str:
    buffer = io.BytesIO()
    lossless = quality == _QUALITY and image.width * image.height <= _LOSSLESS
    image.save(buffer, "WEBP", lossless=lossless, quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _depths(methods: Sequence[str], reference: Image, results: Sequence[Image | None]) -> str:
    """A sentence for each method whose result differs in bit depth from the reference."""
    found = [
        (m, depth_words(reference.bit_depth, r.bit_depth))
        for m, r in zip(methods, results, strict=True)
        if r is not None
    ]
    return " ".join(f"{method}: {words}." for method, words in found if words)


def _orientations(
    methods: Sequence[str],
    reference: Image,
    results: Sequence[Image | None],
    orientation: Orientation,
) -> str:
    """A sentence for each method whose result or reference has an orientation tag."""
    found = [
        (m, orientation_words(reference.orientation, r.orientation, orientation))
        for m, r in zip(methods, results, strict=True)
        if r is not None
    ]
    return " ".join(f"{method}: {words}." for method, words in found if words)


def _note(size: Sequence[int], region: Region, *more: str) -> str:
    top, left, height, width = region
    words = []
    if (height, width) != tuple(size):
        words.append(
            f"The image is too large for this page, which shows {height} \N{MULTIPLICATION SIGN} "
            f"{width} pixels (height \N{MULTIPLICATION SIGN} width) from x {left}, y {top}, where "
            "the error is largest."
        )
    words += filter(None, more)
    if height * width > _LOSSLESS:
        words.append("Shown with slight compression (WebP).")
    return " ".join(words)


def characters(value: object) -> int:
    """The number of characters in all strings of a picture."""
    if isinstance(value, str):
        return len(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(characters, inside))
