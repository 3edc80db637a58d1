"""Measures of the libraries that the README's table compares, and the table's answers for each.

Each question is answered by running the library. ``python tests/peers.py`` writes the answers into
``benchmarks/results/features.json``, from which ``make generate`` writes the table. frame-analytics
compiles for a minute, so that the tests run the others only.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import photographs
import torch
from torch import Tensor

import ssimloss.functional as F

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "features.json"
Score = Callable[..., Tensor]
LIBRARIES = ("ssimloss", "pytorch-msssim", "piq", "kornia", "torchmetrics", "frame-analytics")


def ssim(library: str) -> Score:
    """``(pred, target, data_range) -> score`` with the library's own default definition."""
    import frame_analytics
    import kornia
    import piq
    import pytorch_msssim
    import torchmetrics.functional.image as tm

    return {
        "frame-analytics": lambda x, y, r=1.0, **o: frame_analytics.ssim(
            x, y, data_range=r, **o
        ).mean(),
        "ssimloss": lambda x, y, r=1.0, **o: F.ssim(x, y, data_range=r, **o),
        "pytorch-msssim": lambda x, y, r=1.0, **o: pytorch_msssim.ssim(x, y, data_range=r, **o),
        "piq": lambda x, y, r=1.0, **o: piq.ssim(x, y, data_range=r, **o),
        "kornia": lambda x, y, r=1.0, **o: kornia.metrics.ssim(x, y, 11, max_val=r, **o).mean(),
        "torchmetrics": lambda x, y, r=1.0, **o: tm.structural_similarity_index_measure(
            x, y, data_range=r, **o
        ),
    }[library]


def ms_ssim(library: str) -> Score | None:
    """The same of MS-SSIM."""
    import frame_analytics
    import piq
    import pytorch_msssim
    import torchmetrics.functional.image as tm

    return {
        "frame-analytics": lambda x, y: frame_analytics.ms_ssim(x, y, data_range=1.0).mean(),
        "ssimloss": F.ms_ssim,
        "pytorch-msssim": lambda x, y: pytorch_msssim.ms_ssim(x, y, data_range=1.0),
        "piq": piq.multi_scale_ssim,
        "kornia": None,
        "torchmetrics": lambda x, y: tm.multiscale_structural_similarity_index_measure(
            x, y, data_range=1.0
        ),
    }[library]


def other(library: str, measure: str) -> Callable[[], Score] | None:
    """What builds another measure of a library; None if the library has none of that name."""
    import frame_analytics
    import piq
    import torchmetrics

    import ssimloss

    return {
        ("FLIP", "ssimloss"): lambda: F.flip,
        ("FLIP", "frame-analytics"): lambda: functools.partial(
            frame_analytics.flip, data_range=1.0
        ),
        ("SSIMULACRA 2", "ssimloss"): lambda: F.ssimulacra2,
        ("SSIMULACRA 2", "frame-analytics"): lambda: functools.partial(
            frame_analytics.ssimulacra2, data_range=1.0
        ),
        ("LPIPS", "ssimloss"): lambda: ssimloss.LPIPS(),
        ("LPIPS", "piq"): lambda: piq.LPIPS(),
        ("LPIPS", "torchmetrics"): lambda: torchmetrics.image.LearnedPerceptualImagePatchSimilarity(
            net_type="alex", normalize=True
        ),
        ("LPIPS", "frame-analytics"): lambda: frame_analytics.LPIPS(data_range=1.0),
    }.get((measure, library))


def works(call: Callable[[], Any]) -> Any:
    """What a call returns, None where it refuses."""
    try:
        return call()
    except (
        TypeError,
        ValueError,
        RuntimeError,
        AssertionError,
        IndexError,
        AttributeError,
        OSError,
    ):
        return None


def has_ms_ssim(library: str) -> bool:
    return ms_ssim(library) is not None


def alive(library: str) -> bool:
    """The gradients of SSIM and MS-SSIM are finite at black images and at equal ones, and at the
    negative of an image they are finite and not 0.
    """
    x, _ = photographs.tensors("even")
    black = torch.zeros_like(x)
    scores = [score for score in (ssim(library), ms_ssim(library)) if score is not None]
    for score in scores:
        for pred, target in ((x, 1 - x), (black, black), (x, x)):
            pred = pred.clone().requires_grad_()
            value = score(pred, target)
            if not value.requires_grad:
                return False
            value.backward()
            differs = not torch.equal(pred, target)
            if not pred.grad.isfinite().all() or (differs and not pred.grad.any()):
                return False
    return True


def takes_masks(library: str) -> bool:
    x, y = photographs.tensors("even")
    mask = torch.ones_like(x[:, :1])
    return works(lambda: ssim(library)(x, y, mask=mask)) is not None


def takes_ranges(library: str) -> bool:
    """Images in [-1, 1] score as the same images in [0, 1]."""
    x, y = photographs.tensors("even")
    found = works(lambda: ssim(library)(2 * x - 1, 2 * y - 1, (-1.0, 1.0)))
    return found is not None and abs(float(found) - float(ssim(library)(x, y))) < 1e-4


def takes_volumes(library: str) -> bool:
    """SSIM in three dimensions: the score does not depend on which axis is which."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 1, 1, 16, 16, 16, generator=generator)
    found = works(lambda: ssim(library)(x, y))
    turned = works(lambda: ssim(library)(x.transpose(2, 4), y.transpose(2, 4)))
    return found is not None and bool((found - turned).abs().max() < 1e-6)


def half(library: str) -> bool:
    """Of bfloat16 images SSIM is within 1 % of that of the same values in float64."""
    x, y = (image.bfloat16() for image in photographs.tensors("even"))
    found = works(lambda: ssim(library)(x, y))
    exact = float(ssim(library)(x.double(), y.double()))
    return found is not None and abs(float(found) - exact) < 0.01 * exact


def trains(library: str, measure: str) -> bool:
    """The measure computes from what is installed, and its gradient at a degraded photograph is
    finite and not 0.
    """
    build = other(library, measure)
    if build is None:
        return False
    x, y = photographs.tensors("even")
    pred = x.float().clone().requires_grad_()
    with (
        tempfile.TemporaryDirectory() as empty,
        mock.patch("torch.hub.get_dir", return_value=empty),
        mock.patch.object(socket, "getaddrinfo", side_effect=OSError("no network")),
    ):
        value = works(lambda: build()(pred, y.float()))
    if value is None or not value.requires_grad:
        return False
    value.sum().backward()
    return pred.grad is not None and bool(pred.grad.isfinite().all() and pred.grad.any())


QUESTIONS: dict[str, Callable[[str], bool]] = {
    "MS-SSIM": has_ms_ssim,
    "gradient alive at inverted, black and equal images": alive,
    "SSIM under a mask": takes_masks,
    "SSIM of images in [-1, 1]": takes_ranges,
    "SSIM of volumes": takes_volumes,
    "SSIM of bfloat16 within 1 %": half,
    "FLIP with a gradient": functools.partial(trains, measure="FLIP"),
    "SSIMULACRA 2 with a gradient": functools.partial(trains, measure="SSIMULACRA 2"),
    "LPIPS with a gradient, without a download": functools.partial(trains, measure="LPIPS"),
}


def main() -> None:
    """Ask every library, write the answers."""
    answers = {
        question: {library: ask(library) for library in LIBRARIES}
        for question, ask in QUESTIONS.items()
    }
    versions = {library: importlib.metadata.version(library) for library in LIBRARIES}
    RESULTS.write_text(json.dumps({"versions": versions, "answers": answers}, indent=1) + "\n")


if __name__ == "__main__":
    main()
