"""The README's table "Coming from other libraries": both cells of a row are run and give the same
number.
"""

import re
from pathlib import Path

import numpy as np
import photographs
import pytest
import torch

import ssimloss.functional as F
from ssimloss import CharbonnierLoss, SSIMLoss, TotalVariationLoss

README = Path(__file__).parent.parent / "README.md"
ROWS = re.findall(
    r"^\| `(.+?)` \| `(.+?)` \|$",
    README.read_text(encoding="utf-8").split("## Coming from other libraries")[1].split("\n## ")[0],
    re.M,
)
# Needs a CUDA compiler; its definition is tested against goldens in test_parity.py.
NOT_INSTALLABLE = ("fused_ssim",)


def basicsr_charbonnier(x, y, eps):
    """BasicSR's ``CharbonnierLoss``, which takes eps squared."""
    return torch.sqrt((x - y) ** 2 + eps).mean()


def basicsr_tv(x):
    """BasicSR's ``WeightedTVLoss``: mean absolute differences along each axis, added."""
    return (x[:, :, :-1] - x[:, :, 1:]).abs().mean() + (x[..., :-1] - x[..., 1:]).abs().mean()


def evaluate(cell: str) -> float:
    import kornia
    import piq
    import pytorch_msssim
    import skimage.metrics
    import torchmetrics

    x, y = photographs.tensors("even")
    names = {
        "F": F,
        "CharbonnierLoss": CharbonnierLoss,
        "SSIMLoss": SSIMLoss,
        "TotalVariationLoss": TotalVariationLoss,
        "kornia": kornia,
        "piq": piq,
        "pytorch_msssim": pytorch_msssim,
        "skimage": skimage,
        "torchmetrics": torchmetrics,
        "basicsr_charbonnier": basicsr_charbonnier,
        "basicsr_tv": basicsr_tv,
        "x": x,
        "y": y,
        "a": np.moveaxis(x[0].numpy(), 0, 2),
        "b": np.moveaxis(y[0].numpy(), 0, 2),
    }
    return float(eval(cell, names))


@pytest.mark.parametrize(
    ("theirs", "ours"), [row for row in ROWS if not row[0].startswith(NOT_INSTALLABLE)]
)
def test_both_sides_of_a_row_agree(theirs: str, ours: str) -> None:
    tolerance = 1e-5 if "pytorch_msssim" in theirs else 1e-6  # its window is rounded to float32
    assert evaluate(theirs) == pytest.approx(evaluate(ours), abs=tolerance)


def test_the_table_is_read() -> None:
    assert len(ROWS) >= 10


def test_a_wrong_row_is_noticed() -> None:
    assert evaluate("piq.ssim(x, y)") != pytest.approx(
        evaluate('F.ssim(x, y, padding="reflect")'), abs=1e-6
    )
