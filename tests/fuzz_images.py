"""Thousands of damaged image files for the reader:
``python tests/fuzz_images.py [how many] [seed]``; the suite runs a few hundred.

What is read must be an error of the reader's own, or an image: of the format's kind, the same each
time (nothing uninitialised), and, where the format has checksums, the undamaged one.
"""

from __future__ import annotations

import io
import random
import shutil
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import photographs
import torch
from PIL import Image as Pillow
from test_evaluation_images import png16

from ssimloss.evaluation import ImageError, inspect, read


def seeds() -> dict[str, bytes]:
    """Small photographs in all the ways in which they are stored."""
    photo = Pillow.fromarray(photographs.pair("chelsea", 37, 44, 60, 150)[1])
    deep = np.asarray(photo).astype(np.int64) * 257 + np.arange(44)[:, None]

    def saved(kind: str, image: Pillow.Image = photo, **options: object) -> bytes:
        file = io.BytesIO()
        image.save(file, kind, **options)
        return file.getvalue()

    exif = Pillow.Exif()
    exif[0x0112] = 6
    alpha = photo.copy()
    alpha.putalpha(255)
    return {
        "rgb.png": saved("PNG"),
        "gray.png": saved("PNG", photo.convert("L")),
        "palette.png": saved("PNG", photo.quantize(40)),
        "alpha.png": saved("PNG", alpha, exif=exif),
        "deep.png": png16(deep),
        "deep_gray.png": png16(deep[..., :1]),
        "photo.jpg": saved("JPEG", exif=exif),
        "gray.jpg": saved("JPEG", photo.convert("L")),
        "progressive.jpg": saved("JPEG", progressive=True),
        "restarts.jpg": saved("JPEG", restart_marker_blocks=2),
        "raw.tif": saved("TIFF", exif=exif),
        "deflate.tif": saved("TIFF", compression="tiff_adobe_deflate"),
        "lzw.tif": saved("TIFF", compression="tiff_lzw"),
        "packbits.tif": saved("TIFF", compression="packbits"),
        "deep.tif": saved("TIFF", Pillow.fromarray(deep[..., 0].astype(np.uint16))),
        "deep_rgb.tif": tiff(deep.astype("<u2")),
        "float.tif": tiff((deep / 65535).astype("<f4")),
        "bytes.npy": as_npy(np.asarray(photo)),
        "float.npy": as_npy((deep / 65535).astype(np.float32)),
        "lossy.webp": saved("WEBP", exif=exif),
        "lossless.webp": saved("WEBP", lossless=True),
        "alpha.webp": saved("WEBP", alpha),
        "rgb.bmp": saved("BMP"),
        "palette.bmp": saved("BMP", photo.quantize(40)),
    }


def tiff(pixels: np.ndarray) -> bytes:
    """``(H, W, 3)`` of uint16 or float32 as a TIFF of one strip, by the book."""
    height, width, _ = pixels.shape
    bits, kind = (32, 3) if pixels.dtype.kind == "f" else (16, 1)
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, 256), (277, 3, 1, 3), (279, 4, 1, pixels.nbytes),
        (339, 3, 1, kind),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *entry) for entry in entries
    )
    head = b"II*\0" + struct.pack("<I", 16) + struct.pack("<HHHH", bits, bits, bits, 0)
    return (head + directory + bytes(4)).ljust(256, b"\0") + pixels.tobytes()


def as_npy(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, pixels)
    return file.getvalue()


def damaged(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """One to four faults of a disk, a network or a careless program; headers are hit as often as
    pixels.
    """
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(min(len(spoilt), chance.choice((40, 400, 10**9)))) if spoilt else 0
        length = chance.choice((1, 2, 4, 16, 100))
        kind = chance.randrange(9)
        if kind == 0 and spoilt:
            spoilt[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            spoilt[at : at + 1] = bytes(
                [chance.choice((0, 1, 0x7F, 0x80, 0xD8, 0xD9, 0xFF, chance.randrange(256)))]
            )
        elif kind == 2:
            del spoilt[at:]
        elif kind == 3:
            del spoilt[at : at + length]
        elif kind == 4:
            spoilt[at:at] = chance.randbytes(length)
        elif kind == 5:
            spoilt[at : at + length] = bytes(min(length, len(spoilt) - at))
        elif kind == 6:
            spoilt[at : at + length] = b"\xff" * min(length, len(spoilt) - at)
        elif kind == 7:
            spoilt[at:at] = spoilt[max(0, at - length) : at]
        else:
            spoilt[at:] = other[at:]
    return bytes(spoilt)


def outcome(path: Path, truths: list[torch.Tensor]) -> str:
    """``"refused"``, ``"as it was"`` or ``"another image"``; raises for what must not be."""
    try:
        image = read(path, alpha="drop", data_range=1.0)
    except ImageError as error:
        return "refused" if str(path) in str(error) else "refused without its name"
    again = read(path, alpha="drop", data_range=1.0)
    header = inspect(path, data_range=1.0)
    assert torch.equal(image.pixels, again.pixels), (
        "another image each time: something is not decoded"
    )
    assert (header.channels, *header.size, header.bit_depth) == (
        *image.pixels.shape,
        image.bit_depth,
    ), "the header says something else"
    kinds = {8: torch.uint8, 16: torch.int32, 32: torch.float32}
    assert image.pixels.dtype == kinds[image.bit_depth]
    if image.bit_depth < 32:
        assert image.pixels.min() >= 0
        assert image.pixels.max() <= image.data_range
    return (
        "as it was"
        if any(torch.equal(image.pixels, truth) for truth in truths)
        else "another image"
    )


def fuzz(count: int, seed: int, folder: Path) -> Counter[tuple[str, str]]:
    """Damage each of the seeds in turn; ``(file, outcome) -> how often``. After a failure the file
    is in ``folder``.
    """
    chance = random.Random(seed)
    originals = seeds()
    truths = {}
    for name, content in originals.items():
        (folder / name).write_bytes(content)
        truths[name] = read(folder / name, alpha="drop", data_range=1.0).pixels
    outcomes: Counter[tuple[str, str]] = Counter()
    for i in range(count):
        name = list(originals)[i % len(originals)]
        path = folder / f"damaged-{name}"
        path.write_bytes(
            damaged(originals[name], originals[chance.choice(list(originals))], chance)
        )
        result = outcome(path, list(truths.values()))  # one file may have become another one
        is_png = path.read_bytes().startswith(b"\x89PNG")
        assert not (is_png and result == "another image"), (
            f"file {i} of seed {seed}, {path}: a PNG with right checksums"
        )
        outcomes[name, result] += 1
    return outcomes


def main() -> None:
    count, seed = (int(word) for word in (sys.argv[1:] + ["5000", "0"][len(sys.argv) - 1 :]))
    warnings.simplefilter("ignore")
    began = time.perf_counter()
    folder = Path(tempfile.mkdtemp())
    outcomes = fuzz(count, seed, folder)
    for name in seeds():
        print(
            f"{name:16}",
            *(
                f"{result}: {outcomes[name, result]:5}"
                for result in ("refused", "as it was", "another image")
            ),
            sep="   ",
        )
    shutil.rmtree(folder)
    print(f"{count} files in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
