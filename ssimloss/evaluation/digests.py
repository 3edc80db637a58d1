"""SHA-256 of many files, which identifies equal files wherever they are stored."""

from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

from ssimloss import _files
from ssimloss.evaluation._image_errors import ImageError, worded
from ssimloss.evaluation.sharding import World


def digests_of(paths: Iterable[Path], pool: Executor, world: World) -> dict[Path, str]:
    """The SHA-256 of each file, empty for one that cannot be read; each process reads a share.

    Raises:
        OSError: the system cannot read files: it has too many open, no memory, or a disk that
            fails.
    """
    every = list(dict.fromkeys(paths))
    mine = every[world.rank :: world.size]
    found: dict[Path, str] = {}
    for part in world.gather(dict(zip(mine, pool.map(_digest, mine), strict=True))):
        found |= part
    return found


def _digest(path: Path) -> str:
    try:
        with worded(path, OSError):
            return _files.sha256(path)
    except ImageError:
        return ""
