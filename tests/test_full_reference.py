"""Full-reference measures of gradients, colours and wavelets against the equations of their papers,
and what only one of them promises.

What every loss promises is asked of it in ``test_every_loss.py``, what other programs compute in
``test_parity.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import battery
import photographs
import pytest
import reference
import torch
from torch import Tensor

import ssimloss.functional as F


def pair(height: int, width: int, channels: int = 3) -> tuple[Tensor, Tensor]:
    """Two photographs and their degraded copies."""
    pred, target = photographs.batch(height, width)
    return pred[:2, :channels], target[:2, :channels]


# Odd sides and gray in another range; options that the conventions of test_parity.py do not have.
REFERENCES: dict[str, tuple[Callable[..., Tensor], Callable[..., object], dict, dict]] = {
    "ms_gmsd": (F.ms_gmsd, reference.ms_gmsd, {"scale_weights": (0.2, 0.8)}, {}),
    "fsim": (F.fsim, reference.fsim, {}, {}),
    "mdsi": (F.mdsi, reference.mdsi, {"alpha": 0.3}, {}),
    "haarpsi": (F.haarpsi, reference.haarpsi, {"c": 5.0, "alpha": 5.8}, {}),
    "vif": (F.vif, reference.vif, {"noise": 0.4}, {}),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_equals_the_paper(name: str) -> None:
    function, paper, options, others = REFERENCES[name]
    for channels, low, scale in ((3, 0.0, 1.0), (1, -1.0, 2.0)):
        pred, target = (scale * image + low for image in pair(45, 42, channels))
        data_range = (low, low + scale)
        expected = paper(pred.numpy(), target.numpy(), data_range=data_range, **options, **others)
        found = function(pred, target, data_range=data_range, reduction="image", **options)
        battery.close(found, torch.as_tensor(expected), 1e-10)


@pytest.mark.parametrize("name", REFERENCES)
def test_errors_name_channels_and_sides(name: str) -> None:
    function = REFERENCES[name][0]
    with pytest.raises(ValueError, match=r"gray \(N, 1, H, W\) or RGB \(N, 3, H, W\), got .*4, 32"):
        function(torch.rand(1, 4, 32, 32), torch.rand(1, 4, 32, 32))
