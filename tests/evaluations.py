"""Evaluations for the tests of what is drawn of them: image files, noisy copies, and values."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import photographs
from PIL import Image

from ssimloss.evaluation import Comparison, Evaluation, ImageRecord, MetricInfo, Summary

PSNR = MetricInfo("psnr", "PSNR", "dB", True, "PSNR: the images as they are; 10 log10(L^2 / MSE)")
SSIM = MetricInfo("ssim", "SSIM", "", True, "SSIM: Gaussian window of 11 taps")
DISTANCE = MetricInfo("l1", "L1", "", False, "L1: mean of |x - y|")
HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\"&lt; "
    "\u2028 ä漢字.png"
)
LONG = "a_name_that_goes_on_" * 12 + "and_on.png"
ABOUT = {
    "Protocol": "plain: all channels\nimages: as they are",
    "Versions": "ssimloss 1, torch 2",
    "Device": "cpu",
    "<b>Command</b>": "evaluate",
}


def save(path: Path, pixels: np.ndarray) -> Path:
    """uint8 or uint16 ``(H, W)`` or ``(H, W, C)``, without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels).save(
        path
    )
    return path


def noisy(image: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).round().astype(np.uint8)


def summed(metrics: list[MetricInfo], methods: list[str], images: list[ImageRecord]) -> Evaluation:
    """Means and comparisons of what the images have; intervals and probabilities are made up."""
    found = Evaluation(ABOUT, metrics, methods, images)
    for metric in metrics:
        columns = {
            m: {
                i.name: i.values[m][metric.name]
                for i in images
                if metric.name in i.values.get(m, {})
            }
            for m in methods
        }
        for method, column in columns.items():
            finite = [value for value in column.values() if math.isfinite(value)]
            ordered = sorted(
                (name for name in column if not math.isnan(column[name])), key=column.__getitem__
            )
            worst, best = (
                (ordered[0], ordered[-1]) if metric.higher_is_better else (ordered[-1], ordered[0])
            )
            mean, std, infinite = (
                float(np.mean(finite)),
                float(np.std(finite)),
                len(column) - len(finite),
            )
            found.summaries.append(
                Summary(
                    method,
                    metric.name,
                    len(column),
                    mean,
                    std,
                    mean - std / 4,
                    mean + std / 4,
                    best,
                    worst,
                    infinite,
                )
            )
        for first, second in [(a, b) for n, a in enumerate(methods) for b in methods[n + 1 :]]:
            shared = [
                columns[first][n] - columns[second][n]
                for n in columns[first]
                if n in columns[second]
            ]
            if shared:
                difference = float(np.mean(shared))
                found.comparisons.append(
                    Comparison(
                        metric.name,
                        first,
                        second,
                        9,
                        difference,
                        difference - 0.1,
                        difference + 0.1,
                        0.0004,
                        0.0008,
                    )
                )
    return found


def on_disk(
    folder: Path, methods: list[str], *, number: int = 12, gray: bool = False
) -> Evaluation:
    """Small photographs and noisy copies, with hostile names, equal images, a damaged one and one
    without a value.
    """
    whole = photographs.photograph("camera" if gray else "astronaut")
    images = []
    for index in range(number):
        top, left = 17 * index % 300, 29 * index % 300
        truth = whole[top : top + 60, left : left + (90 if index % 2 else 48)]
        name = {1: HOSTILE, 2: LONG}.get(index, f"photograph_{index}.png")
        record = ImageRecord(
            index, name, save(folder / "reference" / f"{index}.png", truth), {}, truth.shape[:2]
        )
        for k, method in enumerate(methods):
            seen = truth if index == 3 else noisy(truth, 3 + 2 * (number - index) + k, index)
            record.distorted[method] = save(folder / str(k) / f"{index}.png", seen)
            if index == 4:
                record.errors[method] = "<i>4.png</i>: is damaged: the file ends early"
                continue
            error = (seen.astype(float) - truth) / 255
            mse = float((error**2).mean())
            values = {
                "psnr": 10 * math.log10(1 / mse) if mse else math.inf,
                "ssim": 1 - 8 * mse,
                "l1": float(np.abs(error).mean()),
            }
            record.values[method] = values | ({"ssim": math.nan} if index == 5 else {})
        images.append(record)
    found = summed([PSNR, SSIM, DISTANCE], methods, images)
    found.unmatched = ["extra_<b>9</b>.png has no partner"]
    return found


def without_files(number: int, methods: list[str]) -> Evaluation:
    """Many images that are nowhere, with random values."""
    random = np.random.default_rng(0)
    images = [
        ImageRecord(
            i,
            f"set{i % 7}/image_{i}.png",
            Path(f"none/{i}.png"),
            {m: Path(f"none/{m}/{i}.png") for m in methods},
            (480, 640),
        )
        for i in range(number)
    ]
    for record in images:
        for method in methods:
            record.values[method] = {
                "psnr": float(random.normal(28, 3)),
                "ssim": float(random.beta(9, 2)),
            }
    return summed([PSNR, SSIM], methods, images)
