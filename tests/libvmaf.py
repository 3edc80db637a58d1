"""The original code of VMAF, for tests: libvmaf inside the ffmpeg of the wheel imageio-ffmpeg;
and clips that any machine makes again to the last bit.

``python tests/libvmaf.py`` writes ``tests/goldens/libvmaf.json`` again.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

Array = np.ndarray
GOLDENS = Path(__file__).with_name("goldens") / "libvmaf.json"
MODELS = ("vmaf_float_v0.6.1", "vmaf_v0.6.1", "vmaf_float_v0.6.1neg", "vmaf_v0.6.1neg")
FEATURES = (
    *(f"vif_scale{s}" for s in range(4)),
    "adm2",
    *(f"adm_scale{s}" for s in range(4)),
    "motion",
    "motion2",
)


# --- clips ----------------------------------------------------------------------------------------


def texture(height: int, width: int, seed: int) -> Array:
    """Detail at all scales, ``(height, width)`` codes from 16 to 235: integers alone, so that every
    machine makes the same.
    """
    state = np.arange(height * width, dtype=np.uint64) + np.uint64(seed * 7919 + 1)
    for multiplier in (2654435761, 2246822519, 3266489917):
        state = (state ^ (state >> np.uint64(15))) * np.uint64(multiplier) % np.uint64(2**32)
    noise = (state >> np.uint64(16)).astype(np.int64).reshape(height, width) % 256
    total = np.zeros((height, width), np.int64)
    for shift in range(6):
        step = 1 << shift
        coarse = noise[::step, ::step].repeat(step, 0).repeat(step, 1)[:height, :width]
        if shift:
            coarse = blurred(coarse, step)
        total += coarse * (shift + 1)
    low, high = int(total.min()), int(total.max())
    return 16 + (total - low) * 219 // (high - low)


def blurred(image: Array, radius: int) -> Array:
    """Means of ``2 radius + 1`` pixels along both axes, with a mirrored border, of integers."""
    for axis in (-2, -1):
        length = image.shape[axis]
        wide = np.concatenate(
            [
                np.take(image, range(min(radius, length - 1), 0, -1), axis),
                image,
                np.take(image, range(length - 2, length - 2 - min(radius, length - 1), -1), axis),
            ],
            axis,
        )
        total = sum(
            np.take(wide, range(k, k + length), axis) for k in range(wide.shape[axis] - length + 1)
        )
        image = total // (wide.shape[axis] - length + 1)
    return image


def noise(shape: tuple[int, ...], amplitude: int, seed: int) -> Array:
    """Integers in [-amplitude, amplitude]."""
    flat = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(seed * 104729 + 3)
    for multiplier in (2654435761, 2246822519):
        flat = (flat ^ (flat >> np.uint64(13))) * np.uint64(multiplier) % np.uint64(2**32)
    return ((flat >> np.uint64(8)).astype(np.int64) % (2 * amplitude + 1) - amplitude).reshape(
        shape
    )


def clips(depth: int = 8) -> dict[str, tuple[Array, Array]]:
    """Reference and distorted luma ``(T, H, W)``, integer codes of ``depth`` bits."""
    wide = texture(120, 200, 1)
    pan = np.stack([wide[t : t + 96, 2 * t : 2 * t + 128] for t in range(10)])
    small = np.stack([np.roll(texture(108, 176, 2), 3 * t, 1) for t in range(9)])
    odd = np.stack([texture(121, 161, 3)[t : t + 67, 2 * t : 2 * t + 83] for t in range(10)])
    odd[6:] = texture(67, 83, 9)  # a scene cut
    odd[3:5] = 0
    still = np.repeat(texture(64, 96, 5)[None], 6, 0)
    drifting = np.stack([texture(100, 160, 15)[2 * t : 2 * t + 64, t : t + 96] for t in range(9)])
    pairs = {
        "pan, blurred": (pan, np.stack([blurred(f, 1 + t // 4) for t, f in enumerate(pan)])),
        "noise and contrast": (small, (small - 128) * 4 // 5 + 128 + noise(small.shape, 9, 6)),
        "odd size, black frames, a cut": (odd, odd + noise(odd.shape, 4, 8) * (odd > 0)),
        "sharpened": (drifting, 2 * drifting - blurred(drifting, 1)),
        "static": (still, blurred(still, 1)),
        "identical": (still[:2], still[:2]),
    }
    if depth > 8:  # finer codes, that are no multiples of those of 8 bits
        gain = 2 ** (depth - 8)
        pairs = {
            name: tuple(clip * gain + np.abs(noise(clip.shape, gain - 1, 11)) for clip in pair)
            for name, pair in pairs.items()
        }
    top = 2**depth - 1
    return {name: (x.clip(0, top), y.clip(0, top)) for name, (x, y) in pairs.items()}


# --- the program ----------------------------------------------------------------------------------


@functools.cache
def ffmpeg() -> str | None:
    """The path of an ffmpeg that has libvmaf, None where there is none."""
    try:
        import imageio_ffmpeg
    except ImportError:
        return None
    path = imageio_ffmpeg.get_ffmpeg_exe()
    filters = subprocess.run([path, "-hide_banner", "-filters"], capture_output=True, text=True)
    return path if " libvmaf " in filters.stdout else None


def measured(
    reference: Array, distorted: Array, model: str = "vmaf_float_v0.6.1", depth: int = 8
) -> list[dict[str, float]]:
    """What libvmaf reports for each frame: ``vmaf`` and the features by our names."""
    executable = ffmpeg()
    assert executable is not None
    _, height, width = reference.shape
    kind = np.uint8 if depth == 8 else np.dtype("<u2")
    chroma = np.full(2 * ((height + 1) // 2) * ((width + 1) // 2), 2 ** (depth - 1), kind)
    name = "yuv420p" if depth == 8 else f"yuv420p{depth}le"
    with tempfile.TemporaryDirectory() as folder:
        inputs = []
        for label, clip in (("dist", distorted), ("ref", reference)):
            path = Path(folder, f"{label}.yuv")
            with path.open("wb") as file:
                for frame in clip:
                    file.write(frame.astype(kind).tobytes())
                    file.write(chroma.tobytes())
            size = f"{width}x{height}"
            inputs += ["-f", "rawvideo", "-pix_fmt", name, "-s", size, "-r", "25", "-i", str(path)]
        graph = f"libvmaf=model=version={model}:log_fmt=json:log_path=log.json:n_threads=1"
        command = [executable, "-v", "error", *inputs, "-lavfi", graph, "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        log = json.loads(Path(folder, "log.json").read_text())
    return [_named(frame["metrics"]) for frame in log["frames"]]


def _named(metrics: Mapping[str, float]) -> dict[str, float]:
    found = {}
    for name, value in metrics.items():
        short = name.removeprefix("integer_").removeprefix("float_").removesuffix("_score")
        found[short] = value
    return found


def record() -> None:
    """Write the goldens again: every clip, by every model."""
    import imageio_ffmpeg

    found = {}
    for name, pair in clips().items():
        found[name] = {}
        for model in MODELS:
            frames = measured(*pair, model)
            found[name][model] = {
                key: [frame[key] for frame in frames]
                for key in ("vmaf", *FEATURES)
                if all(key in frame for frame in frames)
            }
    deep = clips(10)["pan, blurred"]
    scores = [frame["vmaf"] for frame in measured(*deep, depth=10)]
    about = {
        "program": "libvmaf in the ffmpeg of the wheel imageio-ffmpeg",
        "version": f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}",
        "command": "ffmpeg -f rawvideo -pix_fmt yuv420p -i dist.yuv -f rawvideo -pix_fmt yuv420p "
        "-i ref.yuv -lavfi libvmaf=model=version=MODEL:log_fmt=json -f null -",
        "input": "tests/libvmaf.py: clips()",
    }
    text = json.dumps({**about, "clips": found, "10 bit": scores}, indent=1)
    # One line for each feature.
    text = re.sub(r"\[\s+([^\]]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    GOLDENS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
