"""Measures of the libraries that the README's table compares, and the table's answers for each.

Each question is answered by running the library, or by a search of its code for a name that could
be run. ``python tests/peers.py`` writes the answers into ``benchmarks/results/features.json``, from
which ``make generate`` writes the table. It needs the extra ``bench``, and pyiqa, which no extra
installs: it brings packages of several gigabytes. Tests do not run pyiqa or frame-analytics, which
compiles for a minute.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import re
import socket
import subprocess
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
LIBRARIES = (
    "ssimloss",
    "pytorch-msssim",
    "piq",
    "kornia",
    "torchmetrics",
    "frame-analytics",
    "pyiqa",
)


def of_pyiqa(name: str) -> Score:
    """A metric of pyiqa, which has no option for the range of the images."""

    def score(x: Tensor, y: Tensor, data_range: Any = 1.0, **options: Any) -> Tensor:
        import pyiqa

        if data_range != 1.0:
            raise TypeError("pyiqa takes images in [0, 1] only")
        found: Tensor = pyiqa.create_metric(name, as_loss=True)(x, y, **options)
        return found.mean()

    return score


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
        "pyiqa": of_pyiqa("ssim"),
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
        "pyiqa": of_pyiqa("ms_ssim"),
    }[library]


def other(library: str, measure: str) -> Callable[[], Score] | None:
    """What builds another measure of a library; None if the library has none of that name."""
    import frame_analytics
    import piq
    import torchmetrics
    import torchmetrics.functional.video as video

    import ssimloss

    def vmaf(pred: Tensor, target: Tensor) -> Tensor:
        """That of torchmetrics, for clips of one frame; needs vmaf-torch and einops."""
        clips = pred.unsqueeze(2), target.unsqueeze(2)
        return video.video_multi_method_assessment_fusion(*clips)

    return {
        ("VMAF", "ssimloss"): lambda: ssimloss.VMAFLoss(),
        ("VMAF", "torchmetrics"): lambda: vmaf,
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
        ("LPIPS", "pyiqa"): lambda: of_pyiqa("lpips"),
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


def names(library: str) -> set[str]:
    """The classes and functions in the code of an installed library, and of its modules."""
    files = importlib.metadata.files(library) or ()
    code = (file.locate().read_text("utf-8") for file in files if file.suffix == ".py")
    return {
        name for text in code for name in re.findall(r"^(?:class|def) (\w+)", text, re.MULTILINE)
    }


SUMS = re.compile(
    r"(?i)(combin|composite|weighted|multi|total)_?(e?d_?)?loss|loss_?(balanc|weighting|sum)|balancer"
    r"|grad_?norm|gradient_?share|uncertainty_?weight|pc_?grad|mgda"
)


# Decorator of pyiqa: multiplies the map of one loss by weights.
NO_SUMS = {"weighted_loss"}


def balances(library: str) -> bool:
    """A sum of losses shares the gradient equally between terms of different scale, and reports a
    term without a gradient.
    """
    from ssimloss import CombinedLoss, GradientShare, L1Loss

    if library != "ssimloss":
        found = sorted(filter(SUMS.search, names(library) - NO_SUMS))
        assert not found, f"{library} may sum losses; ask {found}"
        return False
    x, y = photographs.tensors("even")
    criterion = CombinedLoss(
        one=L1Loss(), other=lambda p, t: 1000 * F.ssim_loss(p, t), balance=GradientShare()
    )
    criterion(x.clone().requires_grad_(), y).backward()
    shares = criterion.last.gradient_shares
    dead = CombinedLoss(dead=lambda p, t: F.l1(p.detach(), t))
    try:
        dead(x.clone().requires_grad_(), y)
    except ValueError as error:
        reported = "term 'dead' trains nothing" in str(error)
    return reported and all(abs(float(share) - 0.5) < 1e-3 for share in shares.values())


def evaluates(library: str) -> bool:
    """A command compares folders of files, with intervals and a report page."""
    from PIL import Image
    from typer.testing import CliRunner

    from ssimloss.cli._app import app
    from ssimloss.evaluation import Evaluation

    if library not in ("ssimloss", "pyiqa"):
        distribution = importlib.metadata.distribution(library)
        found = [*distribution.entry_points.select(group="console_scripts")]
        found += [file for file in distribution.files or () if file.name == "__main__.py"]
        assert not found, f"{library} may evaluate files; run {found}"
        return False
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        for name, change in (("truth", 0), ("ours", 4)):
            (Path(folder) / name).mkdir()
            for number in range(3):
                pixels = torch.full((32, 32, 3), 100 + change * number, dtype=torch.uint8)
                Image.fromarray(pixels.numpy()).save(f"{folder}/{name}/{number}.png")
        if library == "pyiqa":
            command = ["pyiqa", "psnr", "--target", f"{folder}/ours", "--ref", f"{folder}/truth"]
            before = set(Path(folder).rglob("*"))
            run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
            # One mean; no interval, no file.
            *_, printed = run.stdout.splitlines()
            values = re.findall(r"\d+\.\d+", printed)
            assert len(values) == 1, f"pyiqa prints {printed}"
            assert "mean" in printed, f"pyiqa prints {printed}"
            assert set(Path(folder).rglob("*")) == before, "pyiqa writes files"
            return False
        command = ["evaluate", f"{folder}/truth", f"{folder}/ours", "--metrics", "l1"]
        result = CliRunner().invoke(app, [*command, "--out", str(out)])
        rows = Evaluation.from_json((out / "per_image.json").read_text()).summaries
        return (
            result.exit_code == 0 and (out / "index.html").exists() and rows[0].low < rows[0].high
        )


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
    "VMAF with a gradient": functools.partial(trains, measure="VMAF"),
    "weights balanced by gradients, terms without a gradient reported": balances,
    "command for folders of files: intervals and a report page": evaluates,
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
