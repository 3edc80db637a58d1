"""Where files of weights are: the folder ``SSIMLOSS_WEIGHTS``, the package, torchvision's cache."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from ssimloss import _files
from ssimloss.weights._catalogue import INCEPTION, WeightsFile, catalogue
from ssimloss.weights._download import DownloadFailed, download
from ssimloss.weights._verify import demand_whole

VARIABLE = "SSIMLOSS_WEIGHTS"
_MAY_DOWNLOAD = ContextVar("may_download", default=True)
# An installed package brings the files along; in a checkout they lie at the top of the repository.
_INSTALLED = Path(__file__).parent / "bundled"
_CHECKOUT = Path(__file__).parents[2] / "weights"

# What needs no download and takes the place of torchvision's networks, in an error.
_OFFLINE = (
    "  offline   network='embedded' in a loss that takes a network; LPIPS('alexnet') or",
    "            'squeeze'; metrics.measure('lpips'); weights='random' to try something out",
)
_OFFLINE_INCEPTION = (
    "  offline   InceptionMetrics(network=..., head=...) with a network of your own, whose numbers",
    "            are others; weights='random' to try something out",
)


def cache() -> Path:
    """torchvision's own folder, which follows ``TORCH_HOME``."""
    hub = sys.modules.get("torch.hub")  # torch.hub.set_dir moves it, too
    return Path(_usual_hub() if hub is None else hub.get_dir()) / "checkpoints"


def _usual_hub() -> str:
    """What ``torch.hub.get_dir`` returns in a process that has not set it, without torch."""
    caches = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.getenv("TORCH_HOME", os.path.join(caches, "torch"))
    return os.path.join(os.path.expanduser(home), "hub")


def folders() -> dict[str, Path]:
    """The folders that are searched, in this order."""
    named = os.environ.get(VARIABLE)
    chosen = {VARIABLE: Path(named).expanduser()} if named else {}
    return {**chosen, "bundled": _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT, "cache": cache()}


def find(entry: WeightsFile) -> Path | None:
    """The first file of that name, not yet verified; None if no folder has it.

    Raises:
        RuntimeError: ``SSIMLOSS_WEIGHTS`` does not name a folder.
    """
    for name, folder in folders().items():
        if name == VARIABLE and not folder.is_dir():
            raise RuntimeError(
                f"{VARIABLE} must name a folder, got {folder}; create it or unset the variable"
            )
        if (folder / entry.file).is_file():
            return folder / entry.file
    return None


@contextlib.contextmanager
def without_downloads() -> Iterator[None]:
    """Within this context, a file that is not installed raises a RuntimeError with the command that
    downloads it.
    """
    token = _MAY_DOWNLOAD.set(False)
    try:
        yield
    finally:
        _MAY_DOWNLOAD.reset(token)


def obtain(entry: WeightsFile) -> Path:
    """The path of a verified file, which is downloaded if no folder has it.

    Raises:
        RuntimeError: the file found is damaged, or there is none and it cannot be downloaded.
    """
    path = find(entry)
    return fetch(entry) if path is None else demand_whole(entry, path)


def fetch(entry: WeightsFile, folder: Path | None = None) -> Path:
    """Download a file into torchvision's cache, or into ``folder``, unless it is there and whole.

    Raises:
        RuntimeError: no network, the disk refuses, the bytes are not those expected, or a damaged
            file lies in the place. The message names the file, its URL, its SHA-256, where to put
            it and the commands that do so.
    """
    path = (folder or cache()) / entry.file
    if not path.is_file():
        if entry.url is None:
            raise RuntimeError(
                f"{entry.file} comes with the package and is missing from {path.parent}; "
                "install the package again"
            )
        if not _MAY_DOWNLOAD.get():
            raise RuntimeError(
                f"{entry.title} are not installed ({entry.size / 1e6:.0f} MB): "
                f"{entry.fetch_command}"
            )
        try:
            download(entry.url, path, entry.sha256, size=entry.size)
        except DownloadFailed as error:
            # Without the chain of errors behind it, a hundred lines of sockets and urllib.
            raise RuntimeError(_by_hand(entry, str(error))) from None
    return demand_whole(entry, path)


def _by_hand(entry: WeightsFile, reason: str) -> str:
    chosen = os.environ.get(VARIABLE)
    return "\n".join(
        (
            f"{entry.title} are not on this machine and could not be downloaded: {reason}",
            f"  file      {entry.file} ({entry.size / 1e6:.1f} MB)",
            f"  URL       {entry.url}",
            f"  SHA-256   starts with {entry.sha256} (these digits are published, in the file's "
            "name)",
            f"  put it in {cache()}, or in a folder named by {VARIABLE} "
            f"({f'now {chosen}' if chosen else 'not set'})",
            f"  command   {entry.fetch_command}    on a machine with a network; then, with the "
            "file on this machine,",
            f"            ssimloss weights import {entry.file}",
            *(_OFFLINE_INCEPTION if entry.name == INCEPTION.name else _OFFLINE),
        )
    )


def import_file(source: Path, folder: Path | None = None) -> tuple[WeightsFile, Path]:
    """Copy a file into torchvision's cache, or into ``folder``, under the name that is searched.

    It is recognised by its SHA-256, whatever it is called.

    Raises:
        RuntimeError: its SHA-256 is that of no known file, or it cannot be read or written.
    """
    source = source.expanduser()
    folder = folder or cache()
    try:
        entry = _recognised(source)
        path = folder / entry.file
        with _files.replacing(path) as partial:
            shutil.copyfile(source, partial)
            demand_whole(entry, partial)
    except OSError as error:
        raise RuntimeError(
            f"cannot import {source}: {error.filename or source}: {error.strerror or error}"
        ) from error
    return entry, path


def _recognised(path: Path) -> WeightsFile:
    rows, found = catalogue(), _files.sha256(path)
    for row in rows:
        if found.startswith(row.sha256):
            return row
    namesake = next((row for row in rows if row.file == path.name), None)
    if namesake is not None:
        demand_whole(namesake, path)
    raise RuntimeError(
        f"{path} must be a file that ssimloss weights list --all shows, got SHA-256 {found}; "
        f"weights of your own need no import, pass weights={str(path)!r}"
    )
