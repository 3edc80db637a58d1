"""What modules print: everything that decides their number. Equal prints mean equal values."""

from __future__ import annotations

import functools

import discovery
import pytest
import torch
from torch import nn

import ssimloss
from ssimloss import AdversarialLoss, CombinedLoss, SSIMLoss, Term, metrics
from ssimloss import functional as F
from ssimloss.networks import FeatureExtractor

# Twins of functions show every option that is set, as test_twins.py demands. The options of
# CombinedLoss leave its value alone; what decides it are the terms, further down.
STATEFUL = [n for n in discovery.LOSSES if not discovery.recipe(n).twin and n != "CombinedLoss"]


@pytest.mark.parametrize("name", STATEFUL)
def test_modules_that_differ_in_value_differ_in_what_they_print(name: str) -> None:
    """Each option in turn; one that is not shown must not change the value."""
    base = discovery.build(name)
    options = discovery.alternatives(discovery.LOSSES[name])
    for option, value in ((o, v) for o, v in options if o != "network"):  # of 100 MB and more
        try:
            other = discovery.build(name, **{option: value})
        except (
            TypeError,
            ValueError,
            RuntimeError,
        ):  # not with the other options at their defaults
            continue
        if repr(other) == repr(base):
            images = discovery.photos(name)
            found = [discovery.evaluate(name, module, *images) for module in (base, other)]
            assert torch.equal(*found), option


def heads(seed: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.rand(channels, generator=random) for channels in (64, 192, 384, 256, 256)]


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())


# Pairs of other settings than words and numbers: weights, networks, protocols, functions.
DIFFERENT = {
    "weights of an own network": lambda k: FeatureExtractor(network(k), ["0"]),
    "preparation of an extractor": lambda k: FeatureExtractor(
        network(0), ["0"], normalization=("imagenet", "none")[k]
    ),
    "heads of LPIPS": lambda k: ssimloss.LPIPS(heads=("v0.1", heads(0))[k]),
    "given heads of LPIPS": lambda k: ssimloss.LPIPS(heads=heads(k)),
    "a window": lambda k: SSIMLoss(window=torch.tensor([1.0, 2.0 + k, 1.0])),
    "the loss of a term": lambda k: CombinedLoss(a=SSIMLoss(window_size=(7, 11)[k])),
    "the owner of a method": lambda k: Term(
        AdversarialLoss(("hinge", "wasserstein")[k]).generator_loss, inputs=("fake_logits",)
    ),
    "an argument of a partial": lambda k: Term(
        functools.partial(F.charbonnier_loss, eps=(1e-3, 1e-6)[k])
    ),
    "the backbone of a term": lambda k: CombinedLoss(
        a=ssimloss.PerceptualLoss(network(k), layers={"0": 1.0})
    ),
    "a metric's option": lambda k: metrics.SSIM(window_size=(7, 11)[k]),
    "a metric's protocol": lambda k: metrics.PSNR(protocol="basicsr", scale=(2, 4)[k]),
    "a metric's function": lambda k: metrics.LossMetric((F.l1_loss, F.l2_loss)[k]),
    "a validator's protocol": lambda k: metrics.Validator(["psnr"], "basicsr", scale=(2, 4)[k]),
    "the network of set statistics": lambda k: metrics.InceptionMetrics(
        ["fid"], network=network(k)
    ),
    "an option of set statistics": lambda k: metrics.InceptionMetrics(
        ["kid"], network=network(0), subsets=(10, 20)[k]
    ),
    "a measure's protocol": lambda k: metrics.measure("psnr", "basicsr", scale=(2, 4)[k]),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_settings_that_are_no_words_are_shown(what: str) -> None:
    build = DIFFERENT[what]
    assert repr(build(0)) == repr(build(0))
    assert repr(build(0)) != repr(build(1))


def test_what_is_printed() -> None:
    assert repr(SSIMLoss()) == (
        "SSIMLoss(data_range=1.0, window='gaussian', window_size=11, sigma=1.5, padding='valid', "
        "k1=0.01, k2=0.03, exponents=(1.0, 1.0, 1.0), covariance='population')"
    )
    random = ssimloss.PerceptualLoss("squeezenet1_1", layers={"relu1": 1.0}, weights="random")
    assert "weights='random'" in repr(random)
    assert "'imagenet'" not in repr(FeatureExtractor(network(0), ["0"], normalization="none")), (
        "no weights that nobody loaded"
    )
