"""``python -m benchmarks.vmaf``: VMAF and VIF on one thread, compared with vmaf-torch, piq and
libvmaf.

Values are compared before anything is timed. A call processes two frames, including their motion;
the table holds milliseconds per frame. libvmaf runs in the ffmpeg of the wheel imageio-ffmpeg,
which also decodes raw video: its time per frame is the difference between a long and a short clip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.timing import time_interleaved
from ssimloss import video
from ssimloss._memory import peak_bytes

Score = Callable[[Tensor, Tensor], Tensor]
SIZES = ((324, 576), (1080, 1920))
FRAMES = 2
LONG, SHORT = 24, 4  # frames of libvmaf's clips


def main() -> None:
    """Print the table, and write it with ``--out``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="folder for vmaf.json and vmaf.md (default: not written)",
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for size in SIZES:
        for row in measured(size, options.rounds):
            rows.append(row)
            shown = f"{row['measure']} {row['what']} {row['library']}"
            print(size, shown, f"{1e3 * row['median_s'] / FRAMES:.1f} ms per frame", flush=True)
    about = report.metadata(torch.device("cpu"))
    text = markdown(about, rows)
    print(text)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "vmaf.md").write_text(text, encoding="utf-8")
        content = json.dumps({"metadata": about, "rows": rows}, indent=1)
        (options.out / "vmaf.json").write_text(content + "\n", encoding="utf-8")


def clip(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Clips of integer 8-bit codes: moving detail, and a blurred and noisy copy."""
    generator = torch.Generator().manual_seed(0)
    height, width = size
    drawn = torch.rand(1, 1, height // 4 + 8, width // 4 + 8, generator=generator)
    wide = torch.nn.functional.interpolate(drawn, scale_factor=4, mode="bicubic")
    wide = (255 * wide + 12 * torch.randn(wide.shape, generator=generator)).clamp(0, 255).round()
    frames = [wide[..., 2 * t : 2 * t + height, 3 * t : 3 * t + width] for t in range(FRAMES)]
    reference = torch.cat(frames)
    noise = 3 * torch.randn(reference.shape, generator=generator)
    blurred = torch.nn.functional.avg_pool2d(reference, 3, 1, 1, count_include_pad=False)
    return reference, (blurred + noise).clamp(0, 255).round()


def contenders() -> dict[str, dict[str, Score]]:
    """The contenders: measure -> library -> the mean over frames, ``(reference, distorted)``."""
    import piq
    from vmaf_torch import VMAF

    theirs = VMAF()
    return {
        "VMAF": {
            "ssimloss": lambda x, y: video.vmaf(x, y, clip=False),
            "vmaf-torch": lambda x, y: theirs(x, y).mean(),
        },
        "VIF": {
            "ssimloss": lambda x, y: video.vif(x, y).mean(),
            "piq": lambda x, y: piq.vif_p(y, x, data_range=255.0),
        },
    }


def step(score: Score, reference: Tensor, distorted: Tensor) -> Tensor:
    """The gradient to the distorted clip."""
    distorted = distorted.detach().requires_grad_()
    return torch.autograd.grad(score(reference, distorted), distorted)[0]


def measured(size: tuple[int, int], rounds: int) -> Iterator[dict[str, Any]]:
    """The rows of one size, one at a time."""
    pair = clip(size)
    for measure, scores in contenders().items():
        if measure == "VMAF":  # piq's VIF has other borders and special cases
            check_agreement(scores, pair)
        for what in ("forward", "forward + backward"):
            calls: dict[str, Callable[[], object]] = {}
            for library, score in scores.items():
                call = torch.no_grad()(score) if what == "forward" else partial(step, score)
                calls[library] = partial(call, *pair)
            samples = time_interleaved(calls, rounds=rounds, slice_s=0.05, least_calls=1, tries=1)
            peaks = {name: peak_bytes(call, torch.device("cpu")) for name, call in calls.items()}
            for library in scores:
                timed = samples[library].summary()
                row = {"size": size, "measure": measure, "what": what, "library": library}
                yield {**row, **timed, "peak_bytes": peaks[library]}
        if measure == "VMAF":
            row = {"size": size, "measure": measure, "what": "forward", "library": "libvmaf"}
            yield {**row, "median_s": FRAMES * libvmaf_seconds(pair), "quiet": True}


def check_agreement(scores: dict[str, Score], pair: tuple[Tensor, Tensor]) -> None:
    """Raise if a contender computes another score or gradient."""
    one, other = (score(*pair) for score in scores.values())
    ours, theirs = (step(score, *pair).flatten() for score in scores.values())
    apart = float((one - other).abs())
    along = float(torch.cosine_similarity(ours, theirs, dim=0))
    if not (apart < 0.02 and along > 0.999):
        raise RuntimeError(f"scores are {apart:.2g} apart, the cosine of gradients is {along:.5f}")


def libvmaf_seconds(pair: tuple[Tensor, Tensor]) -> float:
    """Seconds per frame of libvmaf's float model on one thread."""
    import imageio_ffmpeg

    height, width = pair[0].shape[-2:]
    chroma = bytes([128]) * (2 * ((height + 1) // 2) * ((width + 1) // 2))
    with tempfile.TemporaryDirectory() as folder:
        inputs: list[list[str]] = []
        for name, frames in zip(("ref", "dist"), pair, strict=True):
            planes = [frame.byte().numpy().tobytes() + chroma for frame in frames]
            path = Path(folder, f"{name}.yuv")
            path.write_bytes(b"".join(planes[t % FRAMES] for t in range(LONG)))
            form = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}"]
            inputs.insert(0, [*form, "-i", str(path)])
        seconds = []
        for count in (SHORT, LONG):
            filters = "libvmaf=model=version=vmaf_float_v0.6.1:n_threads=1"
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "1"]
            command += [*inputs[0], *inputs[1], "-filter_threads", "1", "-lavfi", filters]
            command += ["-frames:v", str(count), "-f", "null", "-"]
            times = []
            for _ in range(3):
                start = time.perf_counter()
                subprocess.run(command, check=True)
                times.append(time.perf_counter() - start)
            seconds.append(min(times))
    return (seconds[1] - seconds[0]) / (LONG - SHORT)


def markdown(about: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """One line for each contender, relative to ours."""
    versions = ", ".join(
        f"{name} {about['versions'][name]}" for name in ("torch", "ssimloss", "piq", "vmaf-torch")
    )
    lines = [
        f"# VMAF: {about['device']}, one thread",
        "",
        f"{about['date']}, {about['system']}, {about['instructions']}, {versions}. Float32, "
        "milliseconds per frame; a star marks times taken while other processes computed. libvmaf "
        "is its float model in ffmpeg.",
        "",
        "| frame | measure | what | library | ms | times ours | peak MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    ours = {
        (row["size"], row["measure"], row["what"]): row["median_s"]
        for row in rows
        if row["library"] == "ssimloss"
    }
    for row in rows:
        height, width = row["size"]
        times = row["median_s"] / ours[row["size"], row["measure"], row["what"]]
        peak = f"{row['peak_bytes'] / 2**20:.0f}" if "peak_bytes" in row else ""
        star = "" if row["quiet"] else "*"
        lines.append(
            f"| {width}x{height} | {row['measure']} | {row['what']} | {row['library']} | "
            f"{1e3 * row['median_s'] / FRAMES:.1f}{star} | {times:.1f} | {peak} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
