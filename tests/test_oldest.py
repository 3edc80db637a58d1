"""The package uses nothing of PyTorch that its oldest supported version lacks."""

from __future__ import annotations

import re

import oldest
import pytest
import torch
import torch_names


def test_the_oldest_version_has_every_name() -> None:
    missing = torch_names.of_package() - torch_names.recorded()
    assert not missing, (
        f"PyTorch 2.6 may lack {', '.join(sorted(missing))}. If it has them, record its names: "
        "make set-up-oldest, then .venv-oldest/bin/python tests/torch_names.py. If an attribute is "
        "not one of a tensor, add its class to OTHERS in tests/torch_names.py."
    )


def test_newer_names_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """However they are reached: as an attribute, through an alias or an import, of a tensor."""
    monkeypatch.setattr(torch.Tensor, "newer", None, raising=False)
    source = """
import torch
import torch.nn.functional as F
from torch import nn as layers
from torch.nn import Newer as Layer

def function(x):
    from torchvision.transforms import newer
    F.newer(torch.pad, layers.functional.pad), torch.newer.deeper(x.newer().sum())
"""
    found = torch_names.used([source]) - torch_names.recorded()
    assert found == {
        "torch.Tensor.newer",
        "torch.newer.deeper",
        "torch.nn.Newer",
        "torch.nn.functional.newer",
        "torch.pad",
        "torchvision.transforms.newer",
    }


@pytest.mark.skipif(oldest.TORCH != (2, 6), reason="compares with PyTorch 2.6")
def test_the_record_is_that_of_the_oldest_version() -> None:
    for name in torch_names.recorded():
        torch_names.resolved(name)


def test_the_record_is_of_the_version_that_is_required() -> None:
    project = (torch_names.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'"torch>=([\d.]+)"', project)
    assert torch_names.RECORD.name == f"torch-{version}-names.txt"
