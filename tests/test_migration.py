"""The pages ``docs/howto/replace_*.md``: both cells of each row return the same numbers."""

from __future__ import annotations

import functools
import re
import types
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import photographs
import pytest
import torch

import ssimloss
import ssimloss.functional as F
from ssimloss import conventions, weights
from ssimloss.metrics import protocol

PAGES = sorted((Path(__file__).parents[1] / "docs" / "howto").glob("replace_*.md"))
ROWS = [
    pytest.param(*row, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, row in enumerate(
        re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", page.read_text(encoding="utf-8"), re.M)
    )
]
# Windows rounded to float32, and 1e-8 added to an error.
TOLERANCES = {"pytorch_msssim": 1e-5, "lpips": 1e-5}


# --- programs that do not install here, as formulas --------------------------------------------


def fused_ssim(x: torch.Tensor, y: torch.Tensor, padding: str = "same") -> torch.Tensor:
    """The function of the Gaussian splatting code that the kernel replaces."""
    t = torch.arange(11, dtype=x.dtype) - 5
    line = torch.exp(-(t**2) / (2 * 1.5**2))
    line = line / line.sum()
    window = (line[:, None] * line).expand(3, 1, 11, 11)

    def blur(image: torch.Tensor) -> torch.Tensor:
        around = 5 if padding == "same" else 0
        return torch.nn.functional.conv2d(image, window, padding=around, groups=3)

    mu_x, mu_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mu_x**2, blur(y * y) - mu_y**2
    cov_xy = blur(x * y) - mu_x * mu_y
    similarity = ((2 * mu_x * mu_y + 0.01**2) * (2 * cov_xy + 0.03**2)) / (
        (mu_x**2 + mu_y**2 + 0.01**2) * (var_x + var_y + 0.03**2)
    )
    return similarity.mean()


class Charbonnier:
    """BasicSR's ``CharbonnierLoss``, whose eps is added to the square."""

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def __call__(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.sqrt((x - y) ** 2 + self.eps).mean()


def weighted_tv(x: torch.Tensor) -> torch.Tensor:
    """BasicSR's ``WeightedTVLoss``."""
    return (x[:, :, :-1] - x[:, :, 1:]).abs().mean() + (x[..., :-1] - x[..., 1:]).abs().mean()


def calculate_psnr(
    x: torch.Tensor, y: torch.Tensor, crop_border: int, test_y_channel: bool = False
) -> torch.Tensor:
    """BasicSR's, of files as ``tensor2img`` writes them; the mean over the images."""

    def prepared(image: torch.Tensor) -> torch.Tensor:
        levels = (image.clamp(0, 1) * 255).round()
        if test_y_channel:
            of_rgb = torch.tensor([65.481, 128.553, 24.966], dtype=image.dtype).view(3, 1, 1)
            levels = (levels / 255 * of_rgb).sum(1, keepdim=True) + 16
        return levels[..., crop_border:-crop_border, crop_border:-crop_border]

    error = (prepared(x) - prepared(y)).square().mean((1, 2, 3))
    return (10 * torch.log10(255**2 / error)).mean()


BASICSR = types.SimpleNamespace(
    L1Loss=torch.nn.L1Loss,
    MSELoss=torch.nn.MSELoss,
    CharbonnierLoss=Charbonnier,
    WeightedTVLoss=lambda: weighted_tv,
    calculate_psnr=calculate_psnr,
)


@functools.cache
def package_lpips(net: str, spatial: bool = False) -> torch.nn.Module:
    """The package's network with the AlexNet that travels here, in place of a download."""
    import lpips
    import torchvision

    network = torchvision.models.alexnet()
    network.load_state_dict(weights.load_bundled("alexnet_features"), strict=False)
    with mock.patch("torchvision.models.alexnet", return_value=network):
        return lpips.LPIPS(net=net, spatial=spatial, pnet_rand=True, verbose=False)


def evaluate(cell: str, side: int | None = None) -> Any:
    import kornia
    import piq
    import pytorch_msssim
    import skimage.metrics
    import torchmetrics.functional.image

    x, y = photographs.tensors("even", torch.float64)
    x, y = (image[..., :side, :side] for image in (x, y))
    x, y = torch.cat([x, (x + y) / 2]), torch.cat([y, y])
    names = {name: getattr(ssimloss, name) for name in ssimloss.__all__} | {
        "F": F,
        "conventions": conventions,
        "protocol": protocol,
        "kornia": kornia,
        "piq": piq,
        "pytorch_msssim": pytorch_msssim,
        "skimage": skimage,
        "tm": torchmetrics.functional.image,
        "lpips": types.SimpleNamespace(LPIPS=package_lpips),
        "fused_ssim": types.SimpleNamespace(fused_ssim=fused_ssim),
        "basicsr": BASICSR,
        "x": x.float() if "lpips" in cell or "LPIPS" in cell else x,
        "y": y.float() if "lpips" in cell or "LPIPS" in cell else y,
        "a": np.moveaxis(x[0].numpy(), 0, 2),
        "b": np.moveaxis(y[0].numpy(), 0, 2),
    }
    with torch.no_grad():
        return torch.as_tensor(eval(cell, names), dtype=torch.float64)


@pytest.mark.parametrize(("theirs", "ours"), ROWS)
def test_both_sides_of_a_row_agree(theirs: str, ours: str) -> None:
    tolerance = next((t for name, t in TOLERANCES.items() if name in theirs), 1e-6)
    # Whole photographs for five scales.
    side = None if re.search("ms_ssim|multi|weighted", f"{theirs} {ours}", re.I) else 100
    found, expected = evaluate(ours, side), evaluate(theirs, side)
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_the_tables_are_read() -> None:
    assert len(PAGES) >= 7
    for page in PAGES:
        rows = page.read_text(encoding="utf-8").count("\n| `")
        assert sum(str(row.id).startswith(f"{page.stem}-") for row in ROWS) == rows >= 2, page.name


def test_a_wrong_row_is_noticed() -> None:
    with pytest.raises(AssertionError):
        test_both_sides_of_a_row_agree("piq.ssim(x, y)", 'F.ssim(x, y, padding="reflect")')
