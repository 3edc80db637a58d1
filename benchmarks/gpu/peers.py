"""SSIM of other libraries: those that can be imported, and those in a folder.

A folder holds wheels, which are unpacked, and sources (folders or archives), which pip builds
without a network. They go into a temporary folder on ``sys.path``.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

_BUILD_S = 150
Score = Callable[[Tensor, Tensor], Tensor]


class Peer(NamedTuple):
    """A library's SSIM."""

    module: str
    definition: str  # the border, as our ``padding``
    score: Callable[[], Score]  # imports it


class Found(NamedTuple):
    """The libraries that can be timed, and why the others cannot."""

    scores: dict[str, tuple[str, Score]]  # library -> definition and function
    absent: dict[str, str]


def _pytorch_msssim() -> Score:
    function = importlib.import_module("pytorch_msssim").ssim
    return partial(function, data_range=1.0)


def _torchmetrics() -> Score:
    module = importlib.import_module("torchmetrics.functional.image")
    return partial(module.structural_similarity_index_measure, data_range=1.0)


def _frame_analytics() -> Score:
    return partial(importlib.import_module("frame_analytics").ssim, data_range=1.0)


def _fused(module: str) -> Score:
    return partial(importlib.import_module(module).fused_ssim, padding="valid")


PEERS = {
    "pytorch-msssim": Peer("pytorch_msssim", "valid", _pytorch_msssim),
    "torchmetrics": Peer("torchmetrics", "reflect", _torchmetrics),
    "frame-analytics": Peer("frame_analytics", "valid", _frame_analytics),
    "fused-ssim": Peer("fused_ssim", "valid", partial(_fused, "fused_ssim")),
    "fussim": Peer("fussim", "valid", partial(_fused, "fussim")),
}


def found(folder: Path | None, wanted: tuple[str, ...] = ()) -> Found:
    """Every library that this machine can run, or a selection of them."""
    problems = {} if folder is None else install(folder)
    scores: dict[str, tuple[str, Score]] = {}
    absent = dict(problems)
    for name, peer in PEERS.items():
        if wanted and name not in wanted:
            absent.setdefault(name, "not asked for")
            continue
        if importlib.util.find_spec(peer.module) is None:
            absent.setdefault(name, "not installed; --peers FOLDER adds it")
            continue
        try:
            scores[name] = peer.definition, peer.score()
        except (ImportError, OSError, AttributeError, RuntimeError) as error:
            absent[name] = f"cannot be imported: {error}"
    return Found(scores, absent)


def install(folder: Path) -> dict[str, str]:
    """Add the packages in the folder to ``sys.path``; return those that failed, and why."""
    if not folder.is_dir():
        return {str(folder): "is no folder"}
    place = Path(tempfile.mkdtemp(prefix="peers-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    problems = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                wheel.extractall(place)
        elif path.is_dir() or path.name.endswith((".tar.gz", ".zip")):
            problem = _built(path, place)
            if problem is not None:
                problems[path.name] = problem
    sys.path.insert(0, str(place))
    importlib.invalidate_caches()
    return problems


def _built(source: Path, place: Path) -> str | None:
    """Build a source distribution into a folder; return the error, or None."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command = [*pip, "--no-build-isolation", "--target", str(place), str(source)]
    environment = dict(os.environ)
    if torch.cuda.is_available():  # for this GPU only
        capability = ".".join(map(str, torch.cuda.get_device_capability()))
        environment.setdefault("TORCH_CUDA_ARCH_LIST", capability)
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_BUILD_S
        )
    except subprocess.TimeoutExpired:
        return f"the build took more than {_BUILD_S} s"
    if result.returncode == 0:
        return None
    return f"does not build: {result.stderr.strip()[-300:]}"
