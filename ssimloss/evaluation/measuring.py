"""Values of batches of files, which threads decode ahead of the device that measures."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path

import torch
from torch import Tensor

from ssimloss._precision import widened
from ssimloss.evaluation._orientations import Orientation
from ssimloss.evaluation._values import values_of
from ssimloss.evaluation.images import Alpha, Header, Image, ImageError, read
from ssimloss.evaluation.plan import Batch
from ssimloss.evaluation.records import Row
from ssimloss.evaluation.result import ImageRecord
from ssimloss.metrics import ImageMeasure

_AHEAD = 2  # batches that are being decoded while one is measured
_CPU_PIXELS = 1 << 18  # measured at a time on a CPU, whose caches hold few images

Decoded = dict[Path, Image | ImageError]


def decoded(
    batches: Sequence[Batch],
    records: Sequence[ImageRecord],
    alpha: Alpha,
    pool: Executor,
    orientation: Orientation = "apply",
    data_range: float | None = None,
) -> Iterator[tuple[Batch, Decoded]]:
    """Each batch with its files, in order. Only the next two batches are decoded ahead."""
    waiting: deque[tuple[Batch, dict[Path, Future[Image | ImageError]]]] = deque()
    for batch in batches:
        paths = [
            path
            for i in batch.images
            for path in (records[i].reference, *(records[i].distorted[m] for m in batch.methods))
        ]
        waiting.append(
            (
                batch,
                {
                    path: pool.submit(_decoded, path, alpha, orientation, data_range)
                    for path in dict.fromkeys(paths)
                },
            )
        )
        if len(waiting) > _AHEAD:
            yield _awaited(waiting.popleft())
    while waiting:
        yield _awaited(waiting.popleft())


def _decoded(
    path: Path, alpha: Alpha, orientation: Orientation, data_range: float | None
) -> Image | ImageError:
    try:
        return read(path, alpha=alpha, orientation=orientation, data_range=data_range)
    except ImageError as error:
        return error


def _awaited(
    waiting: tuple[Batch, dict[Path, Future[Image | ImageError]]],
) -> tuple[Batch, Decoded]:
    batch, files = waiting
    return batch, {path: future.result() for path, future in files.items()}


def measured(
    batch: Batch,
    files: Decoded,
    records: Sequence[ImageRecord],
    measures: Sequence[ImageMeasure],
    device: torch.device,
) -> list[Row]:
    """One row for each image and method: its values, or why there are none.

    Raises:
        RuntimeError: the device has too little memory.
    """
    rows: list[Row] = []
    at_once = len(batch.images)
    if device.type == "cpu":
        at_once = max(1, _CPU_PIXELS // (batch.header.height * batch.header.width))
    for method, header in zip(batch.methods, batch.distorted, strict=True):
        good: list[tuple[int, Image, Image]] = []
        for place, index in enumerate(batch.images):
            reference, distorted = records[index].reference, records[index].distorted[method]
            target, pred = (
                _as_planned(reference, files[reference], batch.header),
                _as_planned(distorted, files[distorted], header),
            )
            if isinstance(target, Image) and isinstance(pred, Image):
                good.append((place, pred, target))
            else:
                rows.append(
                    Row(
                        place,
                        method,
                        error=f"reference {target}"
                        if isinstance(target, ImageError)
                        else str(pred),
                    )
                )
        for start in range(0, len(good), at_once):
            try:
                rows += _rows(good[start : start + at_once], method, measures, device)
            except torch.OutOfMemoryError as error:
                raise RuntimeError(
                    f"{device} has too little memory for {len(good)} images of "
                    f"{header.height}x{header.width} at once; a smaller batch_size (--batch-size) "
                    "needs less"
                ) from error
    return rows


def _as_planned(path: Path, image: Image | ImageError, header: Header) -> Image | ImageError:
    if isinstance(image, ImageError) or (*image.pixels.shape, image.bit_depth) == (
        header.channels,
        *header.size,
        header.bit_depth,
    ):
        return image
    return ImageError(path, "changed after its header was read; evaluate once it is complete")


def _rows(
    good: Sequence[tuple[int, Image, Image]],
    method: str,
    measures: Sequence[ImageMeasure],
    device: torch.device,
) -> list[Row]:
    images, preds, targets = zip(*good, strict=True)
    pred, target = _on_device(preds, device), _on_device(targets, device)
    if pred.dtype != target.dtype:
        pred, target = _unit(pred), _unit(target)
    rows = [Row(index, method) for index in images]
    errors: list[list[str]] = [[] for _ in images]
    for measure, values in zip(measures, values_of(measures, pred, target), strict=True):
        for row, told, value in zip(rows, errors, values, strict=True):
            if isinstance(value, str):
                told.append(f"{measure.title}: {value}")
            else:
                row.values[measure.name] = value
    return [
        Row(row.image, method, row.values, "; ".join(told))
        for row, told in zip(rows, errors, strict=True)
    ]


def _on_device(images: Sequence[Image], device: torch.device) -> Tensor:
    """``(N, C, H, W)`` on the device: uint8 as in the files, or float64 over the data range."""
    pixels = [image.pixels for image in images]
    stacked = pixels[0][None] if len(pixels) == 1 else torch.stack(pixels)
    if device.type == "cuda":
        stacked = stacked.pin_memory()
    stacked = stacked.to(device, non_blocking=True)
    return stacked if stacked.dtype is torch.uint8 else widened(stacked) / images[0].data_range


def _unit(images: Tensor) -> Tensor:
    """float64 in [0, 1], of the 8-bit side of a pair whose other side is not."""
    return widened(images) / 255 if images.dtype is torch.uint8 else images
