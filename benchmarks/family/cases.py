"""Which library computes which measure, and in which of our definitions.

A definition is a convention of :mod:`ssimloss.conventions`, or a measure with its default options.
Each registered measure has at least one case; without a library beside it, it is timed alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.contenders import installed
from ssimloss import measure
from ssimloss.conventions import Convention, find
from ssimloss.measure import Measure

Score = Callable[..., Tensor]
COMPILING = "frame-analytics"  # compiles functions with torch.compile when they are first called


@dataclass(frozen=True)
class Case:
    """A definition of a measure, and the libraries that compute it."""

    measure: Measure
    convention: Convention | None = None  # None: our default options
    peers: Mapping[str, Score] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``gmsd``, or ``GMSD/piq``."""
        return self.measure.name if self.convention is None else self.convention.full_name

    @property
    def ours(self) -> Score:
        """Our function of this definition."""
        if self.convention is None:
            return self.measure.score
        ranged: dict[str, Any] = {"data_range": 1.0} if self.measure.takes_data_range else {}
        if self.convention.must_be_called:
            return partial(self.convention, **ranged)
        return partial(self.measure.score, **ranged, **self.convention)


def _function(module: str, name: str, **options: object) -> Score:
    """A library's function with options, imported when it is called."""

    def score(*images: Tensor) -> Tensor:
        found: Tensor = getattr(importlib.import_module(module), name)(*images, **options)
        return found

    return score


def _piq(name: str, **options: object) -> dict[str, Score]:
    return {"piq": _function("piq", name, data_range=1.0, **options)}


def _frame_analytics(name: str, **options: object) -> dict[str, Score]:
    return {"frame-analytics": _function("frame_analytics", name, **options)}


def _torchmetrics(name: str, **options: object) -> dict[str, Score]:
    return {"torchmetrics": _function("torchmetrics.functional.image", name, **options)}


def _torch(name: str) -> dict[str, Score]:
    return {"torch": _function("torch.nn.functional", name)}


_RANGE = {"data_range": 1.0}
_LUMA = {"data_range": 1.0, "luma": "bt601"}
# Definition -> library -> its function. A library is named here if it computes the
# quantity; whether in the same definition is decided by its value on the images of the run.
PEERS: dict[str, dict[str, Score]] = {
    "l1": _torch("l1_loss") | _frame_analytics("l1"),
    "l2": _torch("mse_loss") | _frame_analytics("mse"),
    "huber": _torch("huber_loss") | _frame_analytics("huber"),
    "charbonnier": _frame_analytics("charbonnier"),
    "TOTAL_VARIATION/piq": {"piq": _function("piq", "total_variation")},
    "TOTAL_VARIATION/piq_l1": {"piq": _function("piq", "total_variation", norm_type="l1")},
    "TOTAL_VARIATION/torchmetrics": _torchmetrics("total_variation"),
    "PSNR/piq": _piq("psnr"),
    "PSNR/torchmetrics": _torchmetrics("peak_signal_noise_ratio", **_RANGE)
    | _frame_analytics("psnr", **_RANGE),
    "ciede2000": _frame_analytics("ciede2000", **_RANGE),
    "SSIM/wang2004": _piq("ssim", downsample=False) | _frame_analytics("ssim", **_RANGE),
    "SSIM/piq": _piq("ssim") | _frame_analytics("ssim", downsample=True, **_RANGE),
    "SSIM/torchmetrics": _torchmetrics("structural_similarity_index_measure", **_RANGE),
    "ms_ssim": _frame_analytics("ms_ssim", **_RANGE),
    "MS_SSIM/piq": _piq("multi_scale_ssim"),
    "MS_SSIM/torchmetrics": _torchmetrics(
        "multiscale_structural_similarity_index_measure", **_RANGE
    ),
    "IW_SSIM/piq": _piq("information_weighted_ssim") | _frame_analytics("iw_ssim", **_LUMA),
    "IW_SSIM/frame_analytics": _frame_analytics("iw_ssim", **_RANGE),
    "GMSD/piq": _piq("gmsd") | _frame_analytics("gmsd", **_LUMA),
    "MS_GMSD/piq": _piq("multi_scale_gmsd") | _frame_analytics("ms_gmsd", **_LUMA),
    "MS_GMSD/piq_color": _piq("multi_scale_gmsd", chromatic=True),
    "FSIM/piq": _piq("fsim") | _frame_analytics("fsimc", **_RANGE),
    "FSIM/piq_luma": _piq("fsim", chromatic=False) | _frame_analytics("fsim", **_LUMA),
    "VSI/piq": _piq("vsi") | _frame_analytics("vsi", **_RANGE),
    "SR_SIM/piq": _piq("srsim") | _frame_analytics("srsim", **_RANGE),
    "SR_SIM/piq_color": _piq("srsim", chromatic=True) | _frame_analytics("srsimc", **_RANGE),
    "MDSI/piq": _piq("mdsi") | _frame_analytics("mdsi", **_RANGE),
    "HAARPSI/piq": _piq("haarpsi") | _frame_analytics("haarpsi", **_RANGE),
    "DSS/piq": _piq("dss") | _frame_analytics("dss", **_RANGE),
    "VIF/piq": _piq("vif_p") | _frame_analytics("vifp", **_LUMA),
    "nlpd": _frame_analytics("nlpd", **_LUMA),
    "FLIP/frame_analytics": _frame_analytics("flip", **_RANGE),
    "ssimulacra2": _frame_analytics("ssimulacra2", **_RANGE),
    "PSNR_HVS/frame_analytics": _frame_analytics("psnr_hvs", **_RANGE),
    "PSNR_HVS_M/frame_analytics": _frame_analytics("psnr_hvs_m", **_RANGE),
}


def cases() -> Iterator[Case]:
    """Every registered measure of the package: in each definition with peers, or alone."""
    found: dict[str, list[Case]] = {}
    for name, listed in PEERS.items():
        convention = find(name) if "/" in name else None
        of = measure.find(name) if convention is None else convention.measure
        peers = {library: score for library, score in listed.items() if installed(library)}
        found.setdefault(of.name, []).append(Case(of, convention, peers))
    for each in measure.registered():
        if each.equation.__module__.startswith("ssimloss."):
            yield from found.get(each.name, [Case(each)])


def compile_peers(enabled: bool) -> None:
    """Whether frame-analytics compiles, as it does by default; if so, afresh.

    After a second shape, functions would be compiled for all sizes, which is slower.
    """
    if enabled:
        torch.compiler.reset()
    library = importlib.import_module("frame_analytics")
    library.set_compile_enabled(enabled)
    for name in ("dss", "iwssim", "ms_gmsd", "nlpd", "vifp"):  # which keep a switch of their own
        importlib.import_module(f"frame_analytics.{name}").set_compile_enabled(enabled)
