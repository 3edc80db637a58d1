"""Files that cannot be compared: the error, and what decoders raise, in words."""

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from ssimloss.evaluation._structure import DamagedError, tiff_numbers

# What Pillow raises for bytes that are no image, over years of damaged files; a warning is one
# where warnings are errors.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    EOFError,
    struct.error,
    zlib.error,
    Pillow.DecompressionBombError,
    Warning,
)
# These errors are not caused by the file; the next file would raise them too.
SYSTEM_ERRORS = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENOMEM}


class ImageError(RuntimeError):
    """A file that cannot be compared. The message names the file, the problem and a fix."""

    def __init__(self, path: Path, what: str) -> None:
        """``what`` follows the file's name."""
        super().__init__(f"{path}: {what}")
        self.path = path
        self.what = what


@contextmanager
def worded(path: Path, *errors: type[BaseException]) -> Iterator[None]:
    """Convert these ``errors`` to :class:`ImageError` with the name of the file. The block must
    only contain calls whose errors are caused by the file; other errors pass unchanged.
    """
    try:
        yield
    except errors as error:
        if isinstance(error, OSError) and error.errno in SYSTEM_ERRORS:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise ImageError(path, _words(path, error)) from error


def _words(path: Path, error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    # A damaged header makes Pillow ask for what the system calls invalid.
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return f"cannot be read ({error.strerror})"
    if isinstance(error, UnidentifiedImageError):
        if path.stat().st_size == 0:
            return "is empty"
        with path.open("rb") as file:
            numbers = tiff_numbers(file)
        if numbers is not None:
            return f"is a TIFF of {numbers}, which is not read; save it as PNG, or as .npy"
        return "is no PNG, JPEG, TIFF, WebP, BMP or .npy image, or its header is damaged"
    if isinstance(error, (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning)):
        return (
            f"is larger than Pillow opens ({error}); compare crops of it or, if you trust it, "
            "raise PIL.Image.MAX_IMAGE_PIXELS in Python"
        )
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, ValueError) and "MAX_TEXT" in str(error):
        return (
            f"holds more text or a larger colour profile than Pillow reads ({error}); save it "
            "without metadata"
        )
    if isinstance(error, ValueError) and "imagecodecs" in str(error):
        return (
            "is compressed in a way that tifffile decodes with imagecodecs alone; pip install "
            "imagecodecs, or save it uncompressed"
        )
    if isinstance(error, DamagedError):
        return f"is damaged: {error}"
    return f"cannot be decoded ({error or type(error).__name__}); the file is damaged or truncated"
