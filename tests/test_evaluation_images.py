"""The reader of image files: what it decodes equals what was stored; what it cannot, it refuses by
name.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import photographs
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageFile

from ssimloss.evaluation import ImageError, inspect, read

ORIENTATION = 0x0112


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png16(pixels: np.ndarray, *extra: bytes) -> bytes:
    """``(H, W, C)`` of 16 bit as a PNG, by the book; 1 to 4 channels."""
    height, width, channels = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = (
        chunk(b"IHDR", head),
        *extra,
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture
def photo() -> Pillow.Image:
    return Pillow.fromarray(photographs.pair("chelsea", 60, 83, 40, 120)[1])


def planes(image: Pillow.Image) -> torch.Tensor:
    pixels = torch.from_numpy(np.array(image))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def assert_pillow_misses(path: Path, truth: torch.Tensor) -> None:
    """Pillow alone decodes the damaged file without an error, to another picture."""
    with Pillow.open(path) as opened:
        assert not torch.equal(planes(opened), truth)


# Lossless formats hold the pixels to the bit; for lossy ones the decoder's own answer is the truth.
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "bmp", "jpg"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_the_stored_ones(
    tmp_path: Path, photo: Pillow.Image, suffix: str, mode: str
) -> None:
    path = tmp_path / f"photo é,\n.{suffix}"
    photo.convert(mode).save(path, **({"lossless": True} if suffix == "webp" else {}))
    image = read(path)
    with Pillow.open(path) as opened:
        truth = planes(opened.convert("RGB") if suffix == "webp" else opened)  # WebP knows no gray
    assert torch.equal(image.pixels, truth)
    assert image.pixels.is_contiguous()
    assert (image.bit_depth, image.data_range, image.pixels.dtype) == (8, 255, torch.uint8)
    header = inspect(path)
    assert (header.channels, *header.size) == tuple(image.pixels.shape)
    if suffix != "jpg" and not (suffix == "webp" and mode == "L"):
        assert torch.equal(image.pixels, planes(photo.convert(mode)))


def test_suffix_does_not_matter(tmp_path: Path, photo: Pillow.Image) -> None:
    photo.save(tmp_path / "photo.jpg", format="PNG")
    assert torch.equal(read(str(tmp_path / "photo.jpg")).pixels, planes(photo))


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png(tmp_path: Path, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7, channels))
    (tmp_path / "deep.png").write_bytes(png16(pixels))
    image = read(tmp_path / "deep.png")
    assert (image.bit_depth, image.data_range, image.pixels.dtype) == (16, 65535, torch.int32)
    assert torch.equal(image.pixels, torch.from_numpy(pixels).permute(2, 0, 1).int())
    assert inspect(tmp_path / "deep.png").bit_depth == 16
    alpha = np.dstack([pixels, np.full((5, 7), 65535)])
    (tmp_path / "opaque.png").write_bytes(png16(alpha))
    assert torch.equal(read(tmp_path / "opaque.png").pixels, image.pixels)


def test_16_bit_gray_tiff(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7)).astype(np.uint16)
    Pillow.fromarray(pixels).save(tmp_path / "deep.tif")
    image = read(tmp_path / "deep.tif")
    assert image.bit_depth == inspect(tmp_path / "deep.tif").bit_depth == 16
    assert np.array_equal(image.pixels[0].numpy(), pixels)


@pytest.mark.parametrize("layout", ["plain", "big-endian", "deflate", "strips", "tiles"])
def test_16_bit_rgb_tiff_is_not_reduced_to_8(tmp_path: Path, layout: str) -> None:
    """Pillow alone silently reads it as 8 bit."""
    tifffile = pytest.importorskip("tifffile")
    options = {
        "plain": {},
        "big-endian": {"byteorder": ">"},
        "deflate": {"compression": "zlib", "predictor": True},
        "strips": {"rowsperstrip": 3},
        "tiles": {"tile": (16, 16)},
    }[layout]
    path = tmp_path / "deep.tif"
    pixels = np.random.default_rng(0).integers(0, 65536, (21, 34, 3)).astype(np.uint16)
    tifffile.imwrite(path, pixels, photometric="rgb", **options)
    with Pillow.open(path) as opened:
        assert opened.mode == "RGB", "this is the trap"
    image, header = read(path), inspect(path)
    assert np.array_equal(image.pixels.permute(1, 2, 0).numpy(), pixels)
    assert (image.bit_depth, image.pixels.dtype) == (16, torch.int32)
    assert (header.size, header.channels, header.bit_depth) == ((21, 34), 3, 16)
    alpha = np.dstack([pixels, np.full((21, 34), 65535, np.uint16)])
    tifffile.imwrite(path, alpha, photometric="rgb", extrasamples=["unassalpha"], **options)
    assert torch.equal(read(path).pixels, image.pixels)
    alpha[0, 0, 3] = 65534
    tifffile.imwrite(path, alpha, photometric="rgb", extrasamples=["unassalpha"], **options)
    with pytest.raises(ImageError, match="has transparent pixels"):
        read(path)


def test_16_bit_rgb_tiff_that_pillow_would_mix_up_is_refused(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = np.random.default_rng(0).integers(0, 65536, (3, 21, 34)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", planarconfig="separate")
    for reader in (read, inspect):
        with pytest.raises(ImageError, match=r"is a TIFF of 16 bit, .*; save it as 16-bit PNG"):
            reader(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["gray", "RGB", "planes", "deflate"])
def test_float_tiff(tmp_path: Path, kind: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "float.tif"
    pixels = np.random.default_rng(0).normal(0.5, 1, (5, 7, 3)).astype(np.float32)
    shown = {"gray": pixels[..., 0], "planes": pixels.transpose(2, 0, 1)}.get(kind, pixels)
    options = {"planes": {"planarconfig": "separate"}, "deflate": {"compression": "zlib"}}
    photometric = "minisblack" if kind == "gray" else "rgb"
    tifffile.imwrite(path, shown, photometric=photometric, **options.get(kind, {}))
    image, header = read(path, data_range=2), inspect(path, data_range=2)
    truth = pixels[..., :1] if kind == "gray" else pixels
    assert np.array_equal(image.pixels.permute(1, 2, 0).numpy(), truth), "also beyond the range"
    assert (image.data_range, image.bit_depth, image.pixels.dtype) == (2, 32, torch.float32)
    assert (header.channels, *header.size, header.bit_depth) == (*image.pixels.shape, 32)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=r"float.tif: (is damaged|cannot be decoded|.*header)"):
        read(path, data_range=2)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_arrays_of_numpy(tmp_path: Path, kind: str, channels: int | None) -> None:
    """In either byte order and memory order; the data range of floats is the named one."""
    shape = (5, 7) if channels is None else (5, 7, channels)
    pixels = (np.random.default_rng(0).random(shape) * 255).astype(kind)
    for number, stored in enumerate(
        (pixels, np.asfortranarray(pixels), pixels.astype(pixels.dtype.newbyteorder(">")))
    ):
        path = tmp_path / f"{number}.npy"
        np.save(path, stored)
        image, header = read(path, data_range=200.0), inspect(path, data_range=200.0)
        assert np.array_equal(image.pixels.permute(1, 2, 0).numpy(), pixels.reshape(5, 7, -1))
        peak = {"uint8": 255, "uint16": 65535, "float32": 200}[kind]
        assert (image.data_range, header.size, header.channels) == (peak, (5, 7), channels or 1)


def test_arrays_and_floats_that_are_refused(tmp_path: Path) -> None:
    gray = np.ones((5, 7), np.float32)
    arrays = {
        "a.npy": (gray.astype(np.float64), "holds values of type float64; save it as uint8"),
        "b.npy": (gray.astype(np.int64), "holds values of type int64; save it as uint8"),
        "c.npy": (gray[None].repeat(3, 0), r"has shape \(3, 5, 7\); .* \(height, width, 3\)"),
        "d.npy": (gray[:0], r"has shape \(0, 7, 1\)"),
        "e.npy": (np.array([gray, "x"], object), "holds values of type object"),
    }
    for name, (array, _) in arrays.items():
        np.save(tmp_path / name, array, allow_pickle=True)
    np.save(tmp_path / "f.npy", gray)
    content = (tmp_path / "f.npy").read_bytes()
    (tmp_path / "g.npy").write_bytes(b"\x76\x2f\x31\x01" + bytes(60))
    refusals = {name: words for name, (_, words) in arrays.items()} | {
        "g.npy": "is an OpenEXR file, which is not read; save .* as a .npy of float32, .*1.0"
    }
    for name, words in refusals.items():
        for reader in (read, inspect):
            with pytest.raises(ImageError, match=f"{name}: .*{words}"):
                reader(tmp_path / name, data_range=1.0)
    for reader in (read, inspect):
        with pytest.raises(ImageError, match=r"whose range no file states; .* --data-range 1.0"):
            reader(tmp_path / "f.npy")
        with pytest.raises(ValueError, match="data_range must be positive"):
            reader(tmp_path / "f.npy", data_range=0)
    for spoilt in (content[:-4], content + b"more"):
        (tmp_path / "f.npy").write_bytes(spoilt)
        with pytest.raises(ImageError, match=r"is damaged: its header says 268 bytes, and the"):
            read(tmp_path / "f.npy", data_range=1.0)
    for value in (np.nan, np.inf):
        gray[2, 3] = value
        np.save(tmp_path / "f.npy", gray)
        with pytest.raises(ImageError, match="holds values that are NaN or infinite"):
            read(tmp_path / "f.npy", data_range=1.0)


def test_palette_and_bilevel(tmp_path: Path, photo: Pillow.Image) -> None:
    few = photo.quantize(17)
    few.save(tmp_path / "palette.png")
    assert torch.equal(read(tmp_path / "palette.png").pixels, planes(few.convert("RGB")))
    assert inspect(tmp_path / "palette.png").channels == 3
    for suffix in ("png", "tif", "bmp"):
        photo.convert("1").save(tmp_path / f"two.{suffix}")
        assert torch.equal(
            read(tmp_path / f"two.{suffix}").pixels, planes(photo.convert("1").convert("L"))
        )


def test_alpha(tmp_path: Path, photo: Pillow.Image) -> None:
    photo.putalpha(255)
    photo.save(tmp_path / "opaque.png")
    assert torch.equal(read(tmp_path / "opaque.png").pixels, planes(photo)[:3])
    hole = photo.copy()
    hole.putpixel((3, 2), (1, 2, 3, 254))
    few = photo.convert("RGB").quantize(17)
    color = photo.getpixel((5, 5))[:3]
    hole.save(tmp_path / "hole.png")
    hole.convert("LA").save(tmp_path / "gray.png")
    hole.save(tmp_path / "hole.tif")
    hole.save(tmp_path / "hole.webp", lossless=True, exact=True)
    few.save(tmp_path / "palette.png", transparency=few.getpixel((5, 5)))
    photo.convert("RGB").save(tmp_path / "color.png", transparency=color)
    deep = np.full((5, 7, 4), 65535)
    (tmp_path / "deep_opaque.png").write_bytes(png16(deep))
    assert len(read(tmp_path / "deep_opaque.png").pixels) == 3
    deep[0, 0, 3] = 65534
    (tmp_path / "deep.png").write_bytes(png16(deep))
    (tmp_path / "deep_gray.png").write_bytes(png16(deep[..., 2:]))
    (tmp_path / "deep_color.png").write_bytes(
        png16(deep[..., :3], chunk(b"tRNS", struct.pack(">HHH", 65535, 65535, 65535)))
    )
    (tmp_path / "deep_unused.png").write_bytes(
        png16(deep[..., :3], chunk(b"tRNS", struct.pack(">HHH", 65535, 65535, 65534)))
    )
    assert len(read(tmp_path / "deep_unused.png").pixels) == 3, (
        "a transparent colour that no pixel has"
    )
    for name in (
        "hole.png",
        "gray.png",
        "hole.tif",
        "hole.webp",
        "palette.png",
        "color.png",
        "deep.png",
        "deep_gray.png",
        "deep_color.png",
    ):
        with pytest.raises(
            ImageError, match=f"{name}: has transparent pixels; flatten it .* alpha='drop'"
        ):
            read(tmp_path / name)
        dropped = read(tmp_path / name, alpha="drop").pixels
        assert len(dropped) == inspect(tmp_path / name).channels == (1 if "gray" in name else 3), (
            name
        )
    assert torch.equal(read(tmp_path / "hole.png", alpha="drop").pixels, planes(hole)[:3])
    with pytest.raises(ValueError, match="alpha must be one of 'error', 'drop', got 'white'"):
        read(tmp_path / "opaque.png", alpha="white")  # type: ignore[arg-type]


# Every way a camera can be held, in each format that can say so.
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_orientation(tmp_path: Path, suffix: str) -> None:
    # Blocks of 16 pixels of one colour each, so that lossy formats keep what is where.
    blocks = np.kron(
        np.random.default_rng(0).integers(0, 2, (4, 3, 1)) * 200 + 20, np.ones((16, 16, 3))
    ).astype(np.uint8)
    turned = [
        blocks,
        blocks[:, ::-1],
        blocks[::-1, ::-1],
        blocks[::-1],
        blocks.swapaxes(0, 1),
        np.rot90(blocks, -1),
        np.rot90(blocks, 2).swapaxes(0, 1),
        np.rot90(blocks, 1),
    ]
    for orientation, truth in enumerate(turned, 1):
        exif = Pillow.Exif()
        exif[ORIENTATION] = orientation
        path = tmp_path / f"{orientation}.{suffix}"
        Pillow.fromarray(blocks).save(path, exif=exif)
        image = read(path)
        assert image.pixels.shape[1:] == truth.shape[:2] == inspect(path).size, orientation
        assert np.abs(image.pixels.permute(1, 2, 0).numpy().astype(int) - truth).max() < 30, (
            orientation
        )


def test_orientation_that_a_png_tells_behind_its_pixels(
    tmp_path: Path, photo: Pillow.Image
) -> None:
    exif = Pillow.Exif()
    exif[ORIENTATION] = 6
    photo.save(tmp_path / "photo.png")
    content = (tmp_path / "photo.png").read_bytes()
    (tmp_path / "photo.png").write_bytes(
        content[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + content[-12:]
    )
    assert read(tmp_path / "photo.png").pixels.shape == (3, 83, 60)
    assert inspect(tmp_path / "photo.png").size == (83, 60)


def test_header_is_read_without_the_pixels(
    tmp_path: Path, photo: Pillow.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    for suffix in ("png", "jpg", "tif", "webp", "bmp"):
        photo.save(tmp_path / f"photo.{suffix}")

    def decode(*arguments: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    for path in tmp_path.iterdir():
        assert inspect(path).size == (60, 83)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _zero_tail(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) // 2))


@pytest.mark.parametrize("damage", [_truncate, _cut, _zero_tail])
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_damage_is_an_error(
    tmp_path: Path, photo: Pillow.Image, suffix: str, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / f"photo.{suffix}"
    photo.save(path, **({"compression": "tiff_adobe_deflate"} if suffix == "tif" else {}))
    read(path)
    damage(path)
    with pytest.raises(ImageError, match=r"photo\.\w+: .*(damaged|truncated)"):
        read(path)


def test_truncated_files_are_refused_whatever_the_program_allows(
    tmp_path: Path, photo: Pillow.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training scripts often set this flag; Pillow then fills the missing part."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    photo.quantize(40).save(tmp_path / "palette.png")
    content = (tmp_path / "palette.png").read_bytes().replace(b"PLTE", b"\x7fLTE")
    (tmp_path / "palette.png").write_bytes(content)
    for suffix in ("jpg", "bmp", "tif"):
        photo.save(tmp_path / f"photo.{suffix}")
        _truncate(tmp_path / f"photo.{suffix}")
    for path in sorted(tmp_path.iterdir()):
        with Pillow.open(path) as opened:
            opened.load()
    paths = [*tmp_path.iterdir()] * 8
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(read, path) for path in paths]:
            assert isinstance(future.exception(), ImageError)
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_one_bit_of_a_png(tmp_path: Path) -> None:
    """Pillow compares the checksums of the pixels in ``verify`` alone, not when it decodes."""
    content = bytearray(png16(np.random.default_rng(0).integers(0, 65536, (5, 7, 3))))
    content[-30] ^= 1
    (tmp_path / "flip.png").write_bytes(content)
    with pytest.raises(
        ImageError,
        match=r"flip.png: cannot be decoded \(broken PNG file \(bad header checksum in "
        r"b'IDAT'\)\); the file is damaged or truncated",
    ):
        read(tmp_path / "flip.png")


def test_png_without_its_last_bytes(tmp_path: Path, photo: Pillow.Image) -> None:
    """Neither ``verify`` nor ``load`` of Pillow reads the checksum of the last chunk."""
    path = tmp_path / "photo.png"
    photo.save(path)
    content = path.read_bytes()
    for lost in range(1, 14):
        path.write_bytes(content[:-lost])
        if lost <= 4:
            with Pillow.open(path) as opened:
                opened.verify()
        with pytest.raises(ImageError, match="truncated"):
            read(path)
    path.write_bytes(content + b"trailing data")
    assert torch.equal(read(path).pixels, planes(photo))


def test_png_without_pixels(tmp_path: Path) -> None:
    content = png16(np.zeros((5, 7, 3), np.int64))
    (tmp_path / "empty.png").write_bytes(content[:33] + content[-12:])
    for reader in (read, inspect):
        with pytest.raises(ImageError, match="is damaged: it has no pixels"):
            reader(tmp_path / "empty.png")


def test_jpeg_whose_data_goes_on_after_its_end(tmp_path: Path, photo: Pillow.Image) -> None:
    """One byte makes an end of image in the middle; decoders fill the rest with gray and are
    content.
    """
    photo.save(tmp_path / "photo.jpg")
    truth = read(tmp_path / "photo.jpg").pixels
    content = bytearray((tmp_path / "photo.jpg").read_bytes())
    stuffed = content.find(b"\xff\x00", len(content) // 3)
    content[stuffed + 1] = 0xD9
    (tmp_path / "photo.jpg").write_bytes(content)
    assert_pillow_misses(tmp_path / "photo.jpg", truth)
    with pytest.raises(ImageError, match="its data goes on after an end of image"):
        read(tmp_path / "photo.jpg")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}])
@pytest.mark.parametrize("lost", [1, 3, 40, 400])
def test_jpeg_whose_data_end_before_the_picture(
    tmp_path: Path, photo: Pillow.Image, options: dict[str, object], lost: int
) -> None:
    """Cut, and given an end again: decoders fill the rest with gray."""
    path = tmp_path / "photo.jpg"
    photo.save(path, **options)
    truth = read(path).pixels
    content = path.read_bytes()
    path.write_bytes(content[: -2 - lost] + b"\xff\xd9")
    assert_pillow_misses(path, truth)
    with pytest.raises(ImageError, match=r"its data end before the last pixel"):
        read(path)


def test_jpeg_whose_markers_make_no_sense(tmp_path: Path, photo: Pillow.Image) -> None:
    path = tmp_path / "photo.jpg"
    photo.save(path, restart_marker_blocks=3)
    truth = read(path).pixels
    content = path.read_bytes()
    stuffed = content.find(b"\xff\x00", len(content) // 2)
    table = content.index(b"\xff\xdb")
    cases = {
        # A byte too many in a quantization table.
        "a marker is missing at byte": content[: table + 9] + b"\1" + content[table + 9 :],
        # A 0xFF of the data whose 0 is lost.
        "marker 0x50 at byte .* has no business there": (
            content[: stuffed + 1] + b"\x50" + content[stuffed + 2 :]
        ),
        "restart markers are out of order": content.replace(b"\xff\xd2", b"\xff\xd3"),
    }
    for words, damaged in cases.items():
        path.write_bytes(damaged)
        assert_pillow_misses(path, truth)
        with pytest.raises(ImageError, match=words):
            read(path)


def test_jpeg_that_is_truncated_at_a_marker(tmp_path: Path, photo: Pillow.Image) -> None:
    """Pillow notices that data are missing only if they do not end in a marker."""
    path = tmp_path / "photo.jpg"
    photo.save(path)
    truth = read(path).pixels
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=r"cannot be decoded \(image file is truncated"):
        read(path)
    path.write_bytes(content[: len(content) // 2] + b"\xff\xd0")
    assert_pillow_misses(path, truth)
    with pytest.raises(ImageError, match=r"is damaged: it is truncated: .* no end of image"):
        read(path)


def test_what_cameras_append_is_no_damage(tmp_path: Path, photo: Pillow.Image) -> None:
    photo.save(tmp_path / "photo.jpg")
    content = (tmp_path / "photo.jpg").read_bytes()
    truth = read(tmp_path / "photo.jpg").pixels
    for behind in (bytes(100), content, b"\0\0\0\x18ftypmp42" + bytes(50), b"SEFT trailer"):
        (tmp_path / "photo.jpg").write_bytes(content + behind)
        assert torch.equal(read(tmp_path / "photo.jpg").pixels, truth)
    photo.save(tmp_path / "two.mpo", save_all=True, append_images=[photo])
    assert torch.equal(read(tmp_path / "two.mpo").pixels, truth)


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"restart_marker_blocks": 3},
        {"comment": b"x" * 300},
        {"subsampling": 0},
    ],
)
def test_kinds_of_jpeg(tmp_path: Path, photo: Pillow.Image, options: dict[str, object]) -> None:
    photo.save(tmp_path / "photo.jpg", **options)
    with Pillow.open(tmp_path / "photo.jpg") as opened:
        assert torch.equal(read(tmp_path / "photo.jpg").pixels, planes(opened))


def _tiff(pixels: np.ndarray, bits: int, kind: int) -> bytes:
    """Gray, with the tags behind the pixels."""
    (height, width), data = pixels.shape, pixels.tobytes()
    short, long = 3, 4
    tags = [
        (256, short, width), (257, short, height), (258, short, bits), (259, short, 1),
        (262, short, 1), (273, long, 8), (277, short, 1), (278, short, height),
        (279, long, len(data)), (339, short, kind),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, size, 1, value) for tag, size, value in tags)
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    return head + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_refused_by_kind(tmp_path: Path, photo: Pillow.Image) -> None:
    photo.convert("CMYK").save(tmp_path / "a.jpg")
    photo.convert("CMYK").save(tmp_path / "a.tif")
    Pillow.fromarray(np.zeros((4, 5), np.float32)).save(tmp_path / "b.tif")
    Pillow.fromarray(np.zeros((4, 5), np.int32)).save(tmp_path / "c.tif")
    for name in ("d.tif", "d.webp", "d.png"):
        photo.save(tmp_path / name, save_all=True, append_images=[photo.rotate(90, expand=False)])
    (tmp_path / "e.png").write_bytes(b"")
    (tmp_path / "f.png").write_text("no image")
    (tmp_path / "g").mkdir()
    photo.convert("LAB").save(tmp_path / "i.tif")
    # 8 bit, run-length coded, 256 colours.
    head = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 8, 1, 6, 0, 0, 256, 0)
    rle = (
        b"BM"
        + struct.pack("<IHHI", 14 + 40 + 1024 + 6, 0, 0, 14 + 40 + 1024)
        + head
        + bytes(1024)
        + b"\2\0\0\0\0\1"
    )
    photo.save(tmp_path / "j.tif", compression="jpeg")
    photo.convert("1").save(tmp_path / "k.tif", compression="group4")
    (tmp_path / "l.bmp").write_bytes(rle)
    (tmp_path / "m.tif").write_bytes(_tiff(np.zeros((4, 5)), 64, 3))
    os.mkfifo(tmp_path / "o.png")
    (tmp_path / "p.png").symlink_to("/dev/zero")
    refusals = {
        "a.jpg": "is CMYK; convert it to RGB",
        "a.tif": "is CMYK; convert it to RGB",
        "b.tif": "holds floating-point numbers, whose range no file states; pass the value",
        "c.tif": "signed or mixed numbers, whose range the file does not state; save it as PNG",
        "d.tif": "holds 2 frames or pages; save the one",
        "d.webp": "holds 2 frames",
        "d.png": "holds 2 frames",
        "e.png": "is empty",
        "f.png": "is no PNG, JPEG, TIFF, WebP, BMP or .npy image",
        "g": r"cannot be read \(Is a directory\)",
        "h.png": "there is no such file",
        "i.tif": "has pixels of kind 'LAB'; convert it to gray or RGB",
        "j.tif": "is a TIFF with JPEG or fax compression, .* save it as PNG",
        "k.tif": "is a TIFF with JPEG or fax compression",
        "l.bmp": "is a run-length coded BMP, .* save it as PNG",
        "m.tif": "is a TIFF of 64-bit floating point numbers, which is not read; save",
        "o.png": "is not a regular file but a pipe, socket or device; copy",
        "p.png": "is not a regular file but a pipe",
    }
    for name, words in refusals.items():
        for reader in (read, inspect):
            with pytest.raises(ImageError, match=f"{name}: .*{words}"):
                reader(tmp_path / name)


def test_tiff_without_all_its_strips(tmp_path: Path, photo: Pillow.Image) -> None:
    """Pillow leaves missing parts black."""
    photo.save(tmp_path / "photo.tif")
    content = (tmp_path / "photo.tif").read_bytes()
    length = struct.pack("<HHII", 257, 4, 1, 60)
    assert length in content
    (tmp_path / "photo.tif").write_bytes(
        content.replace(length, struct.pack("<HHII", 257, 4, 1, 80))
    )
    with Pillow.open(tmp_path / "photo.tif") as opened:
        assert not planes(opened)[:, 60:].any()
    with pytest.raises(ImageError, match="it needs 2 strips or tiles of pixels and has 1"):
        read(tmp_path / "photo.tif")


def test_tiff_whose_pixels_reach_beyond_its_end(tmp_path: Path) -> None:
    """Without the tag for 16 bit, Pillow reads the first bits as a picture of 1 bit."""
    path = tmp_path / "deep.tif"
    deep = np.random.default_rng(0).integers(0, 65536, (37, 44)).astype(np.uint16)
    Pillow.fromarray(deep).save(path)
    truth = read(path).pixels
    content = path.read_bytes()
    bits = struct.pack("<HH", 258, 3)
    assert bits in content
    path.write_bytes(content.replace(bits, struct.pack("<HH", 58, 3))[:-40])
    assert_pillow_misses(path, truth)
    with pytest.raises(ImageError, match=r"it is truncated: .* bytes, and pixels beyond"):
        read(path)


def test_lossless_compressions_of_tiff(tmp_path: Path, photo: Pillow.Image) -> None:
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"):
        photo.save(tmp_path / "photo.tif", compression=compression)
        assert torch.equal(read(tmp_path / "photo.tif").pixels, planes(photo)), compression


def test_decompression_bomb(
    tmp_path: Path, photo: Pillow.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo.save(tmp_path / "bomb.png")
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(
        ImageError,
        match=r"is larger than Pillow opens .*; compare crops of it or, if you trust it, raise .* "
        r"in Python",
    ):
        read(tmp_path / "bomb.png")


def test_damaged_files_are_refused_or_decoded_wholly(tmp_path: Path) -> None:
    """A few hundred of those that ``tests/fuzz_images.py`` makes by thousands."""
    from fuzz_images import fuzz, seeds

    outcomes = fuzz(400, 1, tmp_path)
    assert outcomes.total() == 400
    assert {result for _, result in outcomes} == {"refused", "as it was", "another image"}
    assert all(outcomes[name, "refused"] >= 5 for name in seeds()), "they are damaged"


@pytest.mark.parametrize("kind", ["VP8X", "VP8L"])
def test_webp_whose_exif_ends_in_zeros_is_whole(
    tmp_path: Path, photo: Pillow.Image, kind: str
) -> None:
    """Cameras leave room there; only pixels that end so were lost."""
    path = tmp_path / "photo.webp"
    photo.save(path, exif=b"Exif\0\0II*\0\x08\0\0\0" + bytes(200), lossless=kind == "VP8L")
    assert path.read_bytes().endswith(bytes(100))
    with Pillow.open(path) as opened:
        assert torch.equal(read(path).pixels, planes(opened))
    content = path.read_bytes()
    pixels = content.index(b"VP8L" if kind == "VP8L" else b"VP8 ")
    end = pixels + 8 + int.from_bytes(content[pixels + 4 : pixels + 8], "little")
    truth = read(path).pixels
    path.write_bytes(content[: end - 100] + bytes(100) + content[end:])
    assert_pillow_misses(path, truth)
    with pytest.raises(ImageError, match="its pixels end in nothing but zeros"):
        read(path)


def test_what_the_system_refuses_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for path, words in {
        tmp_path / "loop.png": "Too many levels of symbolic links",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path: "Is a directory",
    }.items():
        for reader in (read, inspect):
            with pytest.raises(ImageError, match=rf"cannot be read \({words}\)$"):
                reader(path)


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ESTALE])
def test_a_system_that_fails_is_no_error_of_the_file(
    tmp_path: Path, photo: Pillow.Image, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The next file would fare alike, so that all of them would be left out."""

    def fail(*arguments: object, **options: object) -> None:
        del arguments, options
        raise OSError(number, os.strerror(number))

    photo.save(tmp_path / "photo.png")
    monkeypatch.setattr(Path, "open", fail)
    for reader in (read, inspect):
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            reader(tmp_path / "photo.png")
        assert caught.value.filename == str(tmp_path / "photo.png")


@pytest.mark.parametrize(
    "name", ["_header", "_planes", "_tags", "demand_whole_tiff", "_without_alpha"]
)
def test_a_mistake_of_ours_is_no_damage(
    tmp_path: Path, photo: Pillow.Image, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def mistaken(*arguments: object) -> None:
        raise TypeError(f"of {len(arguments)}")

    photo.putalpha(255)
    photo.save(tmp_path / "photo.tif")
    monkeypatch.setattr(f"ssimloss.evaluation._pillow_files.{name}", mistaken)
    with pytest.raises(TypeError, match="of "):
        read(tmp_path / "photo.tif")
