"""Damage that Pillow decodes to a wrong picture without an error.

JPEG, WebP and TIFF have no checksums. These checks find markers that make no sense, data that end
before the picture or continue after it, missing strips, and pixels that end in the zeros of a
download that was given room and stopped. For each check, ``tests/test_evaluation_images.py`` holds
a file that Pillow decodes without an error.
"""

import re
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from PIL import ImageFile, PngImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

# Compressions: none, LZW, deflate, PackBits, deflate, LZMA, Zstandard.
LOSSLESS_TIFF = {1, 5, 8, 32773, 32946, 34925, 50000}
# The tags that state where the pixels are.
TIFF_LAYOUT = (256, 257, 273, 277, 278, 279, 284, 322, 323, 324, 325)

_START_OF_IMAGE = b"\xff\xd8\xff"
_END_OF_IMAGE = b"\xff\xd9"
# Tables, scans, restart interval, comment, applications.
_JPEG_SEGMENTS = {0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)}
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END = 0xDA, 0xD9
# No marker, and no data that decode to nothing.
_EXCESS = bytes(range(0x35, 0xF5, 3))
# Any marker; a 0xFF of the data itself is followed by 0.
_IN_SCAN = re.compile(rb"\xff+([^\x00\xff])")
_ZEROS = 64
_BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339  # tags of TIFF
_USUAL_BITS = {1, 2, 4, 8, 16}
_FLOATING = 3
_SAMPLE_FORMATS = {
    1: "unsigned integers",
    2: "signed integers",
    3: "floating point numbers",
    4: "undefined values",
    5: "complex integers",
    6: "complex floating point numbers",
}


class DamagedError(ValueError):
    """The bytes contradict themselves; the message states where."""


class _Strict:
    """A context with two settings of Pillow, in several threads at once.

    ``ImageFile.LOAD_TRUNCATED_IMAGES`` is off. Training scripts often set it; Pillow then fills
    what a file lacks and skips checksums. ``PngImagePlugin.MAX_TEXT_CHUNK`` is as large as all text
    of a file may be: Pillow refuses images whose colour profile or text, such as the workflow of a
    generator, has more than a megabyte.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._outside = False, 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._readers:
                self._outside = ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_CHUNK
                ImageFile.LOAD_TRUNCATED_IMAGES = False
                PngImagePlugin.MAX_TEXT_CHUNK = max(
                    PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
                )
            self._readers += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._readers -= 1
            if not self._readers:
                outside = self._outside
                ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_CHUNK = outside


strict_pillow = _Strict()


def tiff_samples(file: IO[bytes]) -> tuple[int, int] | None:
    """Bits and format (a key of the table above) of the values of a TIFF; None where the channels
    differ, for another file, or one whose tags are damaged.
    """
    head = file.read(8)
    if head[2:3] == b"+":  # BigTIFF, with offsets of 64 bit
        head += file.read(8)
    try:
        tags = ImageFileDirectory_v2(head)
        file.seek(tags.next)
        tags.load(file)
        bits, kinds = (
            {*numbers} if isinstance(numbers := tags.get(tag, 1), tuple) else {numbers}
            for tag in (_BITS_PER_SAMPLE, _SAMPLE_FORMAT)
        )
    except (SyntaxError, OSError, ValueError, TypeError, LookupError, struct.error, Warning):
        return None
    if len(bits) > 1 or len(kinds) > 1 or not kinds <= _SAMPLE_FORMATS.keys():
        return None
    return bits.pop(), kinds.pop()


def tiff_numbers(file: IO[bytes]) -> str | None:
    """What the pixels of a TIFF consist of that no image in 8 or 16 bit has, such as "64-bit
    floating point numbers"; None for another file.
    """
    bits, kind = tiff_samples(file) or (1, 1)
    if kind == 1 and bits in _USUAL_BITS:
        return None
    return f"{bits}-bit {_SAMPLE_FORMATS[kind]}"


def is_float_tiff(file: IO[bytes]) -> bool:
    """Whether it is a TIFF of floating-point numbers of up to 32 bit."""
    bits, kind = tiff_samples(file) or (1, 1)
    return kind == _FLOATING and bits <= 32


def padded_jpeg(content: bytes) -> bytes:
    """The same picture, with excess data at the end of each scan and restart interval.

    Where data end too early, libjpeg fills the picture with gray and only warns, and Pillow ignores
    the warning. Excess data change nothing if nothing is missing, so the file is whole if both
    decode to the same pixels.

    Raises:
        DamagedError: the image has no end, a marker stands where none can, restart markers are out
            of order, or data follows the end.
    """
    ends = list(_scan_ends(content))
    parts = [
        content[start:end] for start, end in zip([0, *ends], [*ends, len(content)], strict=True)
    ]
    return _EXCESS.join(parts)


def _scan_ends(content: bytes) -> Iterator[int]:
    """Where markers end a scan or a restart interval."""
    at = 2
    while True:
        if content[at : at + 1] != b"\xff":
            raise DamagedError(
                _truncated(content) if at >= len(content) else f"a marker is missing at byte {at}"
            )
        while content[at : at + 1] == b"\xff":
            at += 1
        if at >= len(content):
            raise DamagedError(_truncated(content))
        marker = content[at]
        at += 1
        if marker == _END:
            break
        if marker not in _JPEG_SEGMENTS | _JPEG_FRAMES:
            raise DamagedError(f"marker {marker:#04x} at byte {at - 1} has no business there")
        at += int.from_bytes(content[at : at + 2], "big")
        if marker == _START_OF_SCAN:
            for restarts, found in enumerate(_IN_SCAN.finditer(content, at)):
                yield found.start()
                if found[1][0] != 0xD0 + restarts % 8:
                    at = found.start()
                    break
            else:
                raise DamagedError(_truncated(content))
            if 0xD0 <= found[1][0] <= 0xD7:
                raise DamagedError(f"restart markers are out of order at byte {at}")
    # Some cameras append a second picture or other data; neither looks like the rest of a scan.
    behind = content[at:].rstrip(b"\0")
    if behind.endswith(_END_OF_IMAGE) and _START_OF_IMAGE not in behind:
        raise DamagedError(f"its data goes on after an end of image at byte {at - 2}")


def demand_whole_tiff(tags: Mapping[int, Sequence[int]], size: int) -> None:
    """Pillow leaves what has no strip or tile black.

    Args:
        tags: number -> values, those of ``TIFF_LAYOUT``.
        size: of the file, in bytes.

    Raises:
        DamagedError: strips or tiles are missing, or reach beyond the end of the file.
    """
    (width, *_), (height, *_) = tags[256], tags[257]
    planes = tags.get(277, (1,))[0] if tags.get(284, (1,))[0] == 2 else 1
    tiled = 324 in tags
    across, down = (
        (max(1, tags.get(tag, (0,))[0]) for tag in (322, 323))
        if tiled
        else (width, max(1, tags.get(278, (height,))[0]))
    )
    offsets, counts = (tags.get(tag, ()) for tag in ((324, 325) if tiled else (273, 279)))
    needed = -(-width // across) * -(-height // down) * planes
    if not len(offsets) == len(counts) == needed:
        raise DamagedError(
            f"it needs {needed} strips or tiles of pixels and has {min(len(offsets), len(counts))}"
        )
    if any(offset + count > size for offset, count in zip(offsets, counts, strict=True)):
        raise DamagedError(f"it is truncated: {size} bytes, and pixels beyond")


def demand_filled_webp(content: bytes) -> None:
    """To a WebP decoder zeros are as good as any data; data that are no pixels, such as padded
    EXIF, may well end in them.

    Raises:
        DamagedError: pixels end in zeros, as no compressed data do.
    """
    at = 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at : at + 4] in (b"VP8 ", b"VP8L", b"ANMF") and content[
            at + 8 : at + 8 + size
        ].endswith(bytes(_ZEROS)):
            raise DamagedError("its pixels end in nothing but zeros")
        at += 8 + size + size % 2


def _truncated(content: bytes) -> str:
    return f"it is truncated: {len(content)} bytes, and no end of image"
