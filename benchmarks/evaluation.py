"""``python -m benchmarks.evaluation``: PSNR and SSIM of a folder of photographs, compared with
loops that process one image at a time.

200 pairs of PNG files of about 512x512: crops of the photographs in the scikit-image and
scikit-learn wheels and degraded copies, the same in every run. All contenders decode the files and
compute one definition (``plain``: all channels, SSIM of Wang et al. 2004); their values are
compared before anything is timed. Peak memory is that of a separate process, for few and for many
images.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch.nn.functional import conv2d

from benchmarks import report
from benchmarks.contenders import version
from benchmarks.timing import time_interleaved
from ssimloss.evaluation import evaluate

PHOTOGRAPHS = (
    "skimage/data/astronaut.png",
    "skimage/data/coffee.png",
    "skimage/data/motorcycle_left.png",
    "skimage/data/motorcycle_right.png",
    "skimage/data/ihc.png",
    "skimage/data/hubble_deep_field.jpg",
    "skimage/data/retina.jpg",
    "skimage/data/rocket.jpg",
    "sklearn/datasets/images/china.jpg",
    "sklearn/datasets/images/flower.jpg",
)
SIDES = range(496, 529, 4)  # of a crop, if the photograph is large enough
OURS, SCIKIT, TORCH = "ssimloss", "scikit-image, image by image", "torch, image by image"
# Tolerances of each image's value; the larger one is for float32 with uncentred moments, as in IQA
# libraries.
AGREES = {SCIKIT: {"psnr": 1e-9, "ssim": 1e-9}, TORCH: {"psnr": 1e-3, "ssim": 1e-4}}
FEW, MANY = 100, 2000

Values = dict[str, dict[str, float]]  # file -> metric -> value


def main() -> None:
    """Print the table, and write it with ``--out``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--many",
        type=int,
        default=MANY,
        help=f"images of the larger measurement of memory; the smaller one has {FEW}",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="folder for evaluation.json and evaluation.md (default: not written)",
    )
    # The process whose memory is measured.
    parser.add_argument("--peak", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak is not None:
        ours(options.peak)
        print(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            * (1 if sys.platform == "darwin" else 1024)
        )
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measured(Path(folder), options.images, options.rounds, options.many)
    text = markdown(results)
    print(text)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "evaluation.md").write_text(text, encoding="utf-8")
        (options.out / "evaluation.json").write_text(
            json.dumps(results, indent=1) + "\n", encoding="utf-8"
        )


def measured(folder: Path, images: int, rounds: int, many: int) -> dict[str, Any]:
    """Images per second of each, and our peak memory for ``FEW`` and ``many`` images."""
    about = report.metadata(torch.device("cpu"))  # measured before the benchmark adds to the load
    about["versions"] |= {library: version(library) for library in ("scikit-image", "pillow")}
    make_photographs(folder / "timed", images)
    loops: dict[str, Callable[[], Values]] = {
        OURS: lambda: ours(folder / "timed"),
        SCIKIT: lambda: image_by_image(folder / "timed", scikit_image),
        TORCH: lambda: image_by_image(folder / "timed", plain_torch),
    }
    differences = check_agreement(loops)
    samples = time_interleaved(dict(loops), rounds=rounds, slice_s=0.0, least_calls=1, tries=2)
    rows = {}
    for name in loops:
        summary = samples[name].summary()
        rows[name] = {
            **summary,
            "images_per_s": images / summary["median_s"],
            "difference": differences.get(name, {}),
        }
    peaks = {}
    for count in (FEW, many):
        repeated(folder / "timed", folder / f"{count}", count)
        peaks[str(count)] = peak_bytes(folder / f"{count}")
    return {"metadata": about, "images": images, "rows": rows, "peak_bytes": peaks}


def make_photographs(folder: Path, count: int) -> None:
    """Folders ``reference`` and ``distorted`` with this many PNG files each."""
    random = np.random.default_rng(0)
    whole = [Image.open(_in_wheel(path)).convert("RGB") for path in PHOTOGRAPHS]
    for name in ("reference", "distorted"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        photograph = whole[i % len(whole)]
        width, height = (min(side, int(random.choice(SIDES))) for side in photograph.size)
        left, top = (
            int(random.integers(photograph.width - width + 1)),
            int(random.integers(photograph.height - height + 1)),
        )
        crop = photograph.crop((left, top, left + width, top + height))
        crop.save(folder / "reference" / f"{i:04}.png")
        _degraded(crop, random).save(folder / "distorted" / f"{i:04}.png")


def _degraded(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Blurred, compressed or noisy."""
    kind = random.integers(3)
    if kind == 0:
        return image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.5, 2.5))))
    if kind == 1:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(random.integers(15, 90)))
        return Image.open(file).convert("RGB")
    noisy = np.asarray(image) + random.normal(
        0, random.uniform(3, 20), (image.height, image.width, 3)
    )
    return Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8))


def _in_wheel(path: str) -> Path:
    package, inside = path.split("/", 1)
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(
            f"the photographs are in the wheel of {package}: pip install scikit-image scikit-learn"
        )
    return Path(found.origin).parent / inside


def repeated(source: Path, folder: Path, count: int) -> None:
    """As many files as needed, as links to the existing ones."""
    for name in ("reference", "distorted"):
        files = sorted((source / name).iterdir())
        (folder / name).mkdir(parents=True)
        for i in range(count):
            os.link(files[i % len(files)], folder / name / f"{i:05}.png")


def ours(folder: Path) -> Values:
    """The whole evaluation: headers, plan, values and statistics."""
    found = evaluate(
        folder / "reference",
        {"distorted": folder / "distorted"},
        metrics=("psnr", "ssim"),
        device="cpu",
    )
    return {image.name: image.values["distorted"] for image in found.images}


def image_by_image(
    folder: Path,
    values: Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any]], tuple[float, float]],
) -> Values:
    """A typical script: read two files and compare them, one pair after another."""
    found = {}
    for path in sorted((folder / "reference").iterdir()):
        with Image.open(path) as target, Image.open(folder / "distorted" / path.name) as pred:
            psnr, ssim = values(np.array(pred), np.array(target))
        found[path.stem] = {"psnr": psnr, "ssim": ssim}
    return found


def scikit_image(pred: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> tuple[float, float]:
    """With the options of Wang's SSIM."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    psnr = peak_signal_noise_ratio(target, pred, data_range=255)
    return float(psnr), float(
        structural_similarity(target, pred, data_range=255, channel_axis=2, **wang)
    )


def plain_torch(pred: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> tuple[float, float]:
    """As in IQA libraries for PyTorch: float32, one two-dimensional window for each channel, five
    filtered maps.
    """
    x, y = (torch.from_numpy(image).permute(2, 0, 1)[None].float() for image in (pred, target))
    with torch.no_grad():
        psnr = 10 * torch.log10(255**2 / (x - y).square().mean())
        taps = torch.exp(-(torch.arange(-5.0, 6.0) ** 2) / (2 * 1.5**2))
        window = torch.outer(taps, taps)
        window = (window / window.sum()).expand(3, 1, 11, 11).contiguous()
        mu_x, mu_y, xx, yy, xy = (
            conv2d(image, window, groups=3) for image in (x, y, x * x, y * y, x * y)
        )
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        contrast = (2 * (xy - mu_x * mu_y) + c2) / (xx - mu_x**2 + yy - mu_y**2 + c2)
        ssim = ((2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1) * contrast).mean()
    return float(psnr), float(ssim)


def check_agreement(loops: dict[str, Callable[[], Values]]) -> dict[str, dict[str, float]]:
    """The largest difference of each from ours; raises if one computes another value."""
    found = {name: loop() for name, loop in loops.items()}
    differences = {}
    for name, limits in AGREES.items():
        differences[name] = {
            metric: max(
                abs(found[name][file][metric] - values[metric])
                for file, values in found[OURS].items()
            )
            for metric in limits
        }
        for metric, limit in limits.items():
            if not differences[name][metric] <= limit:
                raise RuntimeError(
                    f"{name} computes another {metric}: {differences[name][metric]:.1e} from ours"
                )
    return differences


def peak_bytes(folder: Path) -> int:
    """The peak memory of a process that evaluates this folder."""
    command = [sys.executable, "-m", "benchmarks.evaluation", "--peak", str(folder)]
    return int(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    )


def markdown(results: dict[str, Any]) -> str:
    """Images per second, and memory."""
    about, rows = results["metadata"], results["rows"]
    libraries = ("torch", "ssimloss", "scikit-image", "pillow")
    lines = [
        f"# Evaluation of files: {about['device']}, {about['threads']} threads",
        "",
        f"{about['date']}, {about['system']}, {about['instructions']}, "
        + ", ".join(f"{library} {about['versions'][library]}" for library in libraries)
        + f". PSNR and SSIM of {results['images']} pairs of PNG files of about 512x512, "
        "decoding included; median (quartiles) over runs; a star marks times taken while "
        "other processes computed.",
        "",
        "| | s | images per second | ours is faster by | largest difference (PSNR, SSIM) |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        low, middle, high = (
            row[key] for key in ("lower_quartile_s", "median_s", "upper_quartile_s")
        )
        differences = ", ".join(f"{value:.0e}" for value in row["difference"].values()) or "-"
        star = "" if row["quiet"] else "*"
        lines.append(
            f"| {name} | {middle:.2f} ({low:.2f}-{high:.2f}){star} | {row['images_per_s']:.1f} | "
            f"{middle / rows[OURS]['median_s']:.2f} | {differences} |"
        )
    lines += ["", "| images | peak memory of our process, MiB |", "|---|---|"]
    lines += [f"| {count} | {peak / 2**20:.0f} |" for count, peak in results["peak_bytes"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
