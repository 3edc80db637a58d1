"""FID, KID and Inception score of folders: the features of each file once, kept by its SHA-256."""

import io
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ssimloss import _files
from ssimloss._precision import widened
from ssimloss.evaluation._orientations import Orientation
from ssimloss.evaluation.digests import digests_of
from ssimloss.evaluation.images import Alpha, ImageError, read
from ssimloss.evaluation.pairs import Pair
from ssimloss.evaluation.result import SetSummary
from ssimloss.evaluation.sharding import World
from ssimloss.networks import Weights
from ssimloss.networks.sources import weights_digest

TITLES: Final = {"fid": "FID", "kid": "KID", "is": "Inception score"}
VARIABLE = "SSIMLOSS_CACHE"  # a folder that holds others, as that of the kernels
_LEAST: Final = {"fid": 2, "kid": 1000, "is": 10}  # images that the definition divides into parts
_SPREAD: Final = {"kid": "kid_std", "is": "is_std"}
_MOST_AT_ONCE = 16

_Features = dict[str, Tensor]  # by the SHA-256 of the file


class SetMetrics:
    """The network and the measures to compute."""

    def __init__(self, names: Sequence[str], weights: Weights, device: torch.device) -> None:
        """Load the network.

        Raises:
            RuntimeError: its weights are not installed; the error states how to get them.
            ModuleNotFoundError: the extra ``metrics`` is not installed.
        """
        from ssimloss.metrics import InceptionMetrics

        self.names = tuple(names)
        chosen: Any = self.names
        self.metric = InceptionMetrics(chosen, weights=weights).to(device)
        self.device = device
        self.digest = weights_digest(self.metric.network)
        self.words = "random weights" if weights == "random" else f"weights {self.digest[:16]}"

    def demand_enough(self, count: int) -> None:
        """Raise where there are too few images for a definition."""
        for name in self.names:
            if count < _LEAST[name]:
                raise ValueError(
                    f"{name!r} needs at least {_LEAST[name]} images in a set, got {count}; leave "
                    "it out of metrics"
                )

    def summaries(
        self,
        pairs: Sequence[Pair],
        methods: Sequence[str],
        pool: Executor,
        world: World,
        alpha: Alpha,
        orientation: Orientation,
        data_range: float | None,
    ) -> list[SetSummary]:
        """One for each metric and method: all references against all files of the method.

        A set with a file that cannot be read has no value, because the set without it has
        another value.

        Raises:
            ValueError: too few images.
        """
        references = [pair.reference for pair in pairs]
        theirs = {m: [p.distorted[m] for p in pairs if m in p.distorted] for m in methods}
        for files in (references, *theirs.values()):
            self.demand_enough(len(files))
        every = list(dict.fromkeys([*references, *(f for of in theirs.values() for f in of)]))
        keys = digests_of(every, pool, world)
        decode = partial(_pixels, alpha=alpha, orientation=orientation, data_range=data_range)
        places = {keys[path]: path for path in reversed(every) if keys[path]}
        mine = list(places)[world.rank :: world.size]
        known: _Features = {}
        refused = {path: f"{path}: cannot be read" for path in every if not keys[path]}
        for features, errors in world.gather(
            self._features([places[key] for key in mine], mine, pool, decode)
        ):
            known |= features
            refused |= {path: errors[keys[path]] for path in every if keys[path] in errors}
        found: dict[str, dict[str, float]] = {}
        told: dict[str, str] = {}
        for method, files in theirs.items():
            lost = [refused[path] for path in (*references, *files) if path in refused]
            if lost:
                more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
                told[method] = f"{lost[0]}{more}; a set without it has another value"
            else:
                found[method] = self._measured(references, files, keys, known)
        better = {"fid": False, "kid": False, "is": True}
        return [
            SetSummary(
                method=method,
                metric=name,
                title=TITLES[name],
                higher_is_better=better[name],
                value=found.get(method, {}).get(name, math.nan),
                std=found.get(method, {}).get(_SPREAD.get(name, ""), math.nan),
                count=len(theirs[method]),
                reference_count=len(references),
                description=f"{TITLES[name]} of Inception features (torch-fidelity's, "
                f"{self.words})",
                error=told.get(method, ""),
            )
            for name in self.names
            for method in methods
        ]

    def _measured(
        self,
        references: Sequence[Path],
        files: Sequence[Path],
        keys: dict[Path, str],
        known: _Features,
    ) -> dict[str, float]:
        of_references, of_files = (
            torch.stack([known[keys[path]] for path in paths]).to(self.device)
            for paths in (references, files)
        )
        return {
            name: value.item()
            for name, value in self.metric.of_features(of_references, of_files).items()
        }

    def _features(
        self, paths: Sequence[Path], keys: Sequence[str], pool: Executor, decode: Any
    ) -> tuple[_Features, dict[str, str]]:
        """Features that are kept or computed now, on the CPU; and why others cannot be computed."""
        found: _Features = {}
        errors: dict[str, str] = {}
        todo: list[tuple[Path, str]] = []
        for path, key in zip(paths, keys, strict=True):
            kept = _kept(self._place(key, decode))
            if kept is None:
                todo.append((path, key))
            else:
                found[key] = kept
        for start in range(0, len(todo), _MOST_AT_ONCE):
            several = todo[start : start + _MOST_AT_ONCE]
            images: dict[str, Tensor] = {}
            decoded = pool.map(decode, (path for path, _ in several))
            for (_, key), image in zip(several, decoded, strict=True):
                if isinstance(image, ImageError):
                    errors[key] = str(image)
                else:
                    images[key] = image
            for group in _of_one_kind(images):
                batch = torch.stack([images[key] for key in group]).to(self.device)
                for key, row in zip(group, self.metric.extract(batch).cpu(), strict=True):
                    found[key] = row.clone()
                    _keep(self._place(key, decode), found[key])
        return found, errors

    def _place(self, key: str, decode: Any) -> Path:
        """Where features are kept: by network, by how the file is read, by its bytes."""
        reading = "-".join(map(str, decode.keywords.values()))
        return _folder() / f"{self.digest[:16]}-{reading}" / key[:2] / f"{key}.npy"


def _of_one_kind(images: dict[str, Tensor]) -> Iterable[list[str]]:
    groups: dict[object, list[str]] = {}
    for key, image in images.items():
        groups.setdefault((image.shape, image.dtype), []).append(key)
    return groups.values()


def _pixels(
    path: Path, *, alpha: Alpha, orientation: Orientation, data_range: float | None
) -> Tensor | ImageError:
    """``(C, H, W)``: uint8, or float64 with white at 1; or the error of a file that is refused."""
    try:
        image = read(path, alpha=alpha, orientation=orientation, data_range=data_range)
    except ImageError as error:
        return error
    if image.pixels.dtype is torch.uint8:
        return image.pixels
    return widened(image.pixels) / image.data_range


def _folder() -> Path:
    """The cache of the user, which ``SSIMLOSS_CACHE`` moves."""
    named = os.environ.get(VARIABLE)
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        place = Path(named or caches).expanduser()
    except RuntimeError:  # a user without a home
        place = Path(tempfile.gettempdir())
    return place / "features" if named else place / "ssimloss" / "features"


def _kept(path: Path) -> Tensor | None:
    try:
        return torch.from_numpy(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError):
        return None  # not there, or not whole: computed again


def _keep(path: Path, features: Tensor) -> None:
    content = io.BytesIO()
    np.save(content, features.numpy(), allow_pickle=False)
    try:
        _files.write(path, lambda file: file.write(content.getvalue()))
    except OSError:
        return  # a folder that cannot be written costs time alone
