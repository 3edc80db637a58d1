"""Verdicts on kernels, each in its own file, so that any number of processes may write at once. The
file is named after the kernel's specialisation, the device, the driver and versions.
"""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Hashable, Sequence
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import torch

from ssimloss import _files
from ssimloss._version import __version__

FOLDER = "SSIMLOSS_CACHE"
Outcome = Literal["taken", "slower", "wrong", "fails", "unproved"]


class Verdict(NamedTuple):
    """Whether ``"auto"`` uses a kernel, and why."""

    outcome: Outcome
    reason: str
    milliseconds: dict[str, tuple[float, float]] = {}  # noqa: RUF012 - kernel and eager form

    @property
    def is_taken(self) -> bool:
        """Whether ``"auto"`` uses the kernel."""
        return self.outcome == "taken"


class Key(NamedTuple):
    """A kernel's specialisation on a device."""

    operator: str
    specialisation: tuple[Hashable, ...]
    dtypes: tuple[torch.dtype, torch.dtype]
    wanted: tuple[bool, bool]
    device: torch.device

    def words(self) -> str:
        """A readable description of the specialisation."""
        dtypes = " and ".join(dict.fromkeys(str(d).removeprefix("torch.") for d in self.dtypes))
        gradients = {
            (False, False): "no gradient",
            (True, False): "gradient to the first image",
            (False, True): "gradient to the second image",
            (True, True): "both gradients",
        }
        options = ", ".join(map(str, self.specialisation))
        return f"{self.operator} ({options}), {dtypes}, {gradients[self.wanted]}"


def folder() -> Path:
    """The folder of the verdicts: ``SSIMLOSS_CACHE``, the user's cache, or, for a user without a
    home, one among temporary files.
    """
    named = os.environ.get(FOLDER)
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        place = Path(named or caches).expanduser()
    except RuntimeError:
        place = Path(tempfile.gettempdir())
    return place / "kernels" if named else place / "ssimloss" / "kernels"


class Record(NamedTuple):
    """A verdict with its kernel and environment."""

    kernel: str
    environment: dict[str, str]
    verdict: Verdict
    date: str


def versions() -> dict[str, str]:
    """Versions of this package, its kernels and PyTorch, which are part of each environment."""
    return {"ssimloss": __version__, "code": _code(), "torch": torch.__version__}


@cache
def _code() -> str:
    """A digest of the kernels' source, which in a checkout changes between versions."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def _path(key: Key, environment: dict[str, str]) -> Path:
    identity = json.dumps([key.words(), environment], sort_keys=True)
    return folder() / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.json"


def remembered(key: Key, environment: dict[str, str]) -> Verdict | None:
    """The verdict of an earlier process."""
    record = _read(_path(key, environment))
    return None if record is None else record.verdict


def _read(path: Path) -> Record | None:
    """The record in a file; None if the file does not exist or cannot be parsed."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        times = {title: (float(a), float(b)) for title, (a, b) in fields["milliseconds"].items()}
        verdict = Verdict(fields["outcome"], str(fields["reason"]), times)
        record = Record(
            str(fields["kernel"]), dict(fields["environment"]), verdict, str(fields["date"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if verdict.outcome in get_args(Outcome) else None


def keep(key: Key, environment: dict[str, str], verdict: Verdict) -> None:
    """Write a verdict to its file. If that fails, warn once."""
    fields = {
        "kernel": key.words(),
        "environment": environment,
        **verdict._asdict(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    try:
        _files.write_text(_path(key, environment), json.dumps(fields, indent=1) + "\n")
    except OSError as error:
        _warn_of_folder(str(folder()), error.strerror or str(error))


@cache
def _warn_of_folder(name: str, reason: str) -> None:
    """Warn once per process."""
    warnings.warn(
        f"ssimloss cannot save the verdicts on its kernels in {name} ({reason}), and will prove "
        f"kernels again in every process; set {FOLDER} to a writable folder",
        stacklevel=2,
    )


def records() -> list[Record]:
    """Every verdict that is kept, by kernel."""
    found = (_read(path) for path in folder().glob("*.json"))
    return sorted((record for record in found if record is not None), key=lambda r: r.kernel)


def forget(environments: Sequence[dict[str, str]]) -> None:
    """Remove the verdicts for these environments from the folder.

    Raises:
        OSError: a file cannot be removed.
    """
    for path in folder().glob("*.json"):
        record = _read(path)
        if record is not None and record.environment in environments:
            path.unlink(missing_ok=True)
