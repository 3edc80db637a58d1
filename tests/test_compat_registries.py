"""Entries in the registries of BasicSR, neosr and traiNNer-redux. The frameworks are not installed;
packages written here have their interface: the registry, ``build_loss``, and the part of a training
step that calls a loss.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import battery
import pytest
import torch
import yaml
from torch import Tensor, nn

import ssimloss
from ssimloss import CombinedLoss, Term

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.usefixtures("one_thread")

EXAMPLES = Path(__file__).parents[1] / "examples" / "registries"
FRAMEWORKS = ("basicsr", "neosr", "traiNNer")

# Names are in lower case in traiNNer-redux; ``register`` appends a suffix in all three, ``get``
# tries the framework's own.
REGISTRY = """
class Registry:
    def __init__(self):
        self.entries = {}

    def register(self, value=None, suffix=None):
        if value is None:
            return lambda found: self.register(found, suffix) or found
        name = value.__name__CASE + (f"_{suffix}" if suffix else "")
        assert name not in self.entries, f"{name} was already registered"
        self.entries[name] = value

    def get(self, name, suffix="PACKAGE"):
        for key in (nameCASE, f"{nameCASE}_{suffix}"):
            if key in self.entries:
                return self.entries[key]
        raise KeyError(name)

    def __contains__(self, name):
        return nameCASE in self.entries

    def keys(self):
        return self.entries.keys()


LOSS_REGISTRY = Registry()
"""
LOSSES = """
import copy
import torch
from PACKAGE.utils.registry import LOSS_REGISTRY


class Own(torch.nn.Module):
    def __init__(self, loss_weight=1.0, reduction="mean"):
        super().__init__()
        self.loss_weight = loss_weight


for name in NAMES:
    LOSS_REGISTRY.register(type(name, (Own,), {}))


def build_loss(opt):
    opt = copy.deepcopy(opt)
    return LOSS_REGISTRY.get(opt.pop("type"))(**opt)
"""
OWN = {
    "basicsr": ("L1Loss", "MSELoss", "CharbonnierLoss", "PerceptualLoss", "WeightedTVLoss"),
    "neosr": ("L1Loss", "MSELoss", "HuberLoss", "mssim_loss", "dists_loss"),
    "traiNNer": ("L1Loss", "CharbonnierLoss", "SSIMLoss", "MSSSIML1Loss", "PerceptualLoss"),
}


@pytest.fixture(params=FRAMEWORKS)
def framework(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The ``losses`` of a framework with our losses registered; ``name`` is the package's."""
    name: str = request.param
    write(tmp_path, name, LOSSES.replace("NAMES", repr(OWN[name])))
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module(f"ssimloss.compat.{name}")
    found = importlib.import_module(f"{name}.losses")
    found.name = name
    yield found
    forget(name)


def write(folder: Path, name: str, losses: str) -> None:
    for package in ("", "losses", "utils"):
        (folder / name / package).mkdir(exist_ok=True)
        (folder / name / package / "__init__.py").write_text("")
    (folder / name / "losses" / "__init__.py").write_text(losses.replace("PACKAGE", name))
    case = ".lower()" if name == "traiNNer" else ""
    registry = REGISTRY.replace("PACKAGE", name).replace("CASE", case)
    (folder / name / "utils" / "registry.py").write_text(registry)


def forget(name: str) -> None:
    for module in [*sys.modules]:
        if module.split(".")[0] == name or module == f"ssimloss.compat.{name}":
            del sys.modules[module]


def sections(name: str) -> list[dict[str, Any]]:
    """The losses of the example that belongs to a framework, as it reads them."""
    if name == "neosr":
        train = tomllib.loads((EXAMPLES / "neosr.toml").read_text("utf-8"))["train"]
    else:
        train = yaml.safe_load((EXAMPLES / f"{name}.yml").read_text("utf-8"))["train"]
    return train["losses"] if name == "traiNNer" else list(train.values())


def training_step(framework: ModuleType, options: list[dict[str, Any]], *images: Tensor) -> Tensor:
    """What a model of the framework adds up; traiNNer-redux weighs, neosr wants channels_last."""
    total = torch.zeros(())
    for section in options:
        loss = framework.build_loss(section)
        if framework.name == "neosr":
            loss = loss.to("cpu", memory_format=torch.channels_last, non_blocking=True)
        factor = abs(loss.loss_weight) if framework.name == "traiNNer" else 1
        total = total + loss(*images) * factor
    return total


def test_examples(framework: ModuleType) -> None:
    """The file of each framework, loaded and called, is the sum that it describes."""
    pred, target = (image.float() for image in battery.pictures(64, 48))
    options = sections(framework.name)
    options[0]["terms"]["content"] |= {"start": 0, "ramp": 0}  # to be seen in the first step
    options[0]["loss_weight"] = 0.5
    by_hand = 0.5 * CombinedLoss(
        pixel=ssimloss.CharbonnierLoss(),
        ssim=Term(ssimloss.SSIMLoss(), 0.2),
        content=Term(ssimloss.PerceptualLoss("embedded"), 0.1),
    )(pred, target)
    if len(options) > 1:
        by_hand = by_hand + 0.1 * ssimloss.MSSSIMLoss(min_size="fewer_scales")(pred, target)
    leaf = pred.clone().requires_grad_()
    total = training_step(framework, options, leaf, target)
    battery.close(total, by_hand, 1e-6)
    total.backward()
    assert leaf.grad.abs().sum() > 0


def test_schedules_of_the_examples_count_steps(framework: ModuleType) -> None:
    loss = framework.build_loss(sections(framework.name)[0]).loss
    assert loss.terms["content"].start == 1000
    pred = torch.rand(1, 3, 32, 32, requires_grad=True)
    loss(pred, pred.detach())
    assert loss.step == 1
    loss.step = 2000  # where a training is resumed
    loss(pred, pred.detach())
    assert loss.last.weights["content"] == pytest.approx(0.1 * 1001 / 4000)


def test_names(framework: ModuleType) -> None:
    """A name of the framework stays its own; ours has the suffix everywhere."""
    registry = sys.modules[f"{framework.name}.utils.registry"].LOSS_REGISTRY
    for name in ("SSIMLoss", "MSSSIMLoss", "L1Loss", "CharbonnierLoss", "LPIPS", "CombinedLoss"):
        taken = name in OWN[framework.name]
        assert (registry.get(name) is not registry.get(f"{name}_ssimloss")) == taken
        assert registry.get(f"{name}_ssimloss").__name__ == name
    for name in OWN[framework.name]:
        assert registry.get(name).__module__ == f"{framework.name}.losses"
    assert "AdversarialLoss" not in registry
    assert "FeatureMatchingLoss" not in registry


def test_weight_reduction_and_mask(framework: ModuleType) -> None:
    pair = battery.pictures(32, 24)
    mask = battery.hole(pair[0].shape)
    factor = 1 if framework.name == "traiNNer" else 0.25
    for reduction in ("mean", "sum", "none"):
        section = {"type": "L1Loss_ssimloss", "loss_weight": 0.25, "reduction": reduction}
        loss = framework.build_loss(section)
        expected = ssimloss.L1Loss(reduction=reduction)
        battery.close(loss(*pair), factor * expected(*pair), 0)
        battery.close(loss(*pair, weight=mask), factor * expected(*pair, mask=mask), 0)
    variation = framework.build_loss({"type": "TotalVariationLoss"})
    battery.close(variation(*pair), ssimloss.TotalVariationLoss()(pair[0]), 0)
    with pytest.raises(ValueError, match="weight must be None for FocalFrequencyLoss, which has"):
        framework.build_loss({"type": "FocalFrequencyLoss"})(*pair, weight=mask)


def test_errors(framework: ModuleType) -> None:
    for error, message, section in (
        (TypeError, "did you mean 'window_size'", {"type": "SSIMLoss_ssimloss", "window_sise": 7}),
        (
            TypeError,
            "loss_weight must be a number",
            {"type": "SSIMLoss_ssimloss", "loss_weight": "1e-3"},
        ),
        (TypeError, "terms must map names to terms", {"terms": ["SSIMLoss"]}),
        (ValueError, r"terms\['a'\] must name its loss", {"terms": {"a": {"weight": 1.0}}}),
        (
            ValueError,
            r"terms\['a'\].loss must be one of 'Average.*got 'SSIM'",
            {"terms": {"a": "SSIM"}},
        ),
        (TypeError, "weigth", {"terms": {"a": {"loss": "SSIMLoss", "weigth": 1.0}}}),
        (ValueError, "at least one term", {"terms": {}}),
    ):
        with pytest.raises(error, match=message):
            framework.build_loss({"type": "CombinedLoss", **section})


def test_a_missing_framework(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, words in (
        ("basicsr", "BasicSR.*pip install"),
        ("neosr", "neosr"),
        ("traiNNer", "traiNNer-redux"),
    ):
        with pytest.raises(ImportError, match=f"ssimloss.compat.{name} needs {words}"):
            importlib.import_module(f"ssimloss.compat.{name}")
    write(tmp_path, "basicsr", "import nowhere_to_be_found")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        importlib.import_module("ssimloss.compat.basicsr")
    forget("basicsr")


def test_entries_are_ordinary_modules(framework: ModuleType) -> None:
    """A training state dict gets nothing but the counters of a sum."""
    loss = framework.build_loss({"type": "PerceptualLoss_ssimloss", "network": "embedded"})
    assert isinstance(loss, nn.Module)
    assert not [*loss.parameters()]
    assert not loss.state_dict()
