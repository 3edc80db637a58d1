"""Loss blocks of templates of neosr and traiNNer-redux as one CombinedLoss; the blocks are written
here in the formats of five published templates.
"""

from __future__ import annotations

import sys
from typing import Any

import battery
import pytest
import torch
import torch.nn.functional as tnf
import yaml

import ssimloss
from ssimloss import CombinedLoss, Term
from ssimloss.compat import combined_from_template

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.usefixtures("one_thread")

# train_esrgan.toml, the losses that are on.
NEOSR_GAN = """
[train]
ema = 0.999
wavelet_guided = true
wavelet_init = 80000
[train.optim_g]
type = "adan_sf"
lr = 8e-4
[train.mssim_opt]
type = "mssim_loss"
loss_weight = 1.0
[train.consistency_opt]
type = "consistency_loss"
loss_weight = 1.0
[train.ldl_opt]
type = "ldl_loss"
loss_weight = 1.0
[train.fdl_opt]
type = "fdl_loss"
model = "dinov2"
loss_weight = 0.75
[train.gan_opt]
type = "gan_loss"
gan_type = "bce"
loss_weight = 0.3
"""
# The same file with the losses that it has in comments.
NEOSR_OPTIONAL = """
[train.perceptual_opt]
type = "vgg_perceptual_loss"
loss_weight = 0.5
criterion = "l1"
[train.ff_opt]
type = "ff_loss"
loss_weight = 0.35
"""
# ESRGAN_OTF_gan.yml: losses of weight 0 are off.
REDUX_GAN = """
train:
  total_iter: 450000
  losses:
    - {type: mssimloss, loss_weight: 0.5}
    - {type: perceptualloss, criterion: charbonnier, loss_weight: 0.01}
    - {type: hsluvloss, criterion: charbonnier, loss_weight: 1.0}
    - {type: ganloss, gan_type: vanilla, loss_weight: 0.1}
    - {type: distsloss, loss_weight: 0}
    - {type: ldlloss, loss_weight: 0}
    - {type: ffloss, loss_weight: 0}
    - {type: cosimloss, loss_weight: 0}
    - {type: fliploss, loss_weight: 0}
    - {type: sobeledgeloss, loss_weight: 0}
"""
# ESRGAN_fidelity.yml.
REDUX_FIDELITY = """
train:
  losses:
    - type: charbonnierloss
      loss_weight: 1.0
"""
# ESRGAN_OTF_gan.yml with the recommended weight of its frequency loss, and hinge.
REDUX_FREQUENCY = """
losses:
  - {type: l1loss, loss_weight: 1.0}
  - {type: ffloss, loss_weight: 0.2}
  - {type: ganloss, gan_type: hinge, loss_weight: 0.1}
"""


def read(text: str) -> dict[str, Any]:
    return tomllib.loads(text) if "[train" in text else yaml.safe_load(text)


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Five scales of MS-SSIM need 161 pixels."""
    target = torch.rand(2, 3, 192, 176, generator=torch.Generator().manual_seed(0))
    pred = 0.8 * target + 0.1 * target.roll(3, -1)
    return pred, target, torch.linspace(-2, 2, len(pred))[:, None]


@pytest.mark.parametrize("text", [NEOSR_GAN, REDUX_GAN], ids=["neosr", "redux"])
def test_what_is_not_here_or_differs_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"must hold .* losses that this library") as caught:
        combined_from_template(read(text))
    told = str(caught.value)
    missing = {"consistency_loss", "wavelet_guided"}
    missing = missing if text is NEOSR_GAN else {"hsluvloss"}
    assert all(f"{kind} does not exist" in told for kind in missing)
    assert told.count("does not exist") == len(missing)  # nothing of weight 0
    assert "skip=" in told
    assert "nearest=True" in told
    with pytest.raises(ValueError, match=r"differs: .*nearest=True") as caught:
        combined_from_template(read(text), skip=missing)
    assert "does not exist" not in str(caught.value)
    assert ("fdl_loss differs: neosr compares features of DINOv2" in told) == (text is NEOSR_GAN)


def test_gan_template_of_neosr() -> None:
    skip = ("consistency_loss", "fdl_loss", "wavelet_guided")  # FDL needs weights of VGG19
    criterion = combined_from_template(read(NEOSR_GAN), nearest=True, skip=skip)
    pred, target, logits = batch()
    pred.requires_grad_()
    value = criterion(pred, target, fake_logits=logits)
    structure = ssimloss.MSSSIMLoss(pooling="zeros")(pred, target)
    adversarial = tnf.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    by_hand = structure + ssimloss.LDLLoss()(pred, target) + 0.3 * adversarial
    battery.close(value, by_hand, 1e-6)
    value.backward()
    assert pred.grad.abs().sum() > 0


def test_fidelity_and_frequency_templates_of_redux() -> None:
    """Equal to the frameworks' formulas."""
    pred, target, logits = batch()
    fidelity = combined_from_template(read(REDUX_FIDELITY))
    assert [*fidelity.terms] == ["charbonnier"]
    formula = ((pred - target).double().square() + 1e-12).sqrt().mean()
    battery.close(fidelity(pred, target), formula.float(), 1e-6)
    frequency = combined_from_template(read(REDUX_FREQUENCY)["losses"])
    spectrum = torch.fft.fft2((pred - target).double().mean(0), norm="ortho").abs()
    weight = spectrum / spectrum.amax((1, 2), keepdim=True)
    formula = tnf.l1_loss(pred, target) + 0.2 * (weight * spectrum**2).mean() - 0.1 * logits.mean()
    battery.close(frequency(pred, target, fake_logits=logits), formula.float(), 1e-5)


@pytest.mark.parametrize(
    ("text", "options", "term"),
    [
        (NEOSR_OPTIONAL, {"distance": "l1", "feature_scale": 0.1}, "perceptual"),
        (REDUX_GAN, {"distance": "charbonnier", "eps": 1e-6}, "perceptual"),
    ],
    ids=["neosr", "redux"],
)
def test_perceptual_terms(
    text: str, options: dict[str, Any], term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers and distance of the frameworks; built here on random weights."""
    plain = ssimloss.PerceptualLoss
    made = []

    def random(*args: Any, **given: Any) -> ssimloss.PerceptualLoss:
        made.append((args, given))
        return plain("embedded", distance=given["distance"])

    monkeypatch.setattr("ssimloss.losses.PerceptualLoss", random)
    criterion = combined_from_template(read(text), nearest=True, skip=("HSLuvLoss",))
    assert isinstance(criterion, CombinedLoss)
    assert isinstance(criterion.terms[term], Term)
    ((args, given),) = made
    assert args == ("vgg19",)
    assert given.items() >= options.items()
    assert given["layers"] == dict(conv1_2=0.1, conv2_2=0.1, conv3_4=1, conv4_4=1, conv5_4=1)


FDL = {"type": "fdl_loss", "loss_weight": 0.75}
FD = {"type": "perceptualloss", "loss_weight": 0.5, "criterion": "fd"}


@pytest.mark.parametrize("model", ["vgg", "dinov2", "resnet", "effnet"])
def test_fdl_of_neosr(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its network, layers and factor; only on VGG19 are they those of neosr."""
    plain, made = ssimloss.FDLLoss, []

    def small(network: str, **given: Any) -> ssimloss.FDLLoss:
        made.append((network, given))
        return plain("embedded", layers={"relu1_2": 1.0}, projections=given["projections"])

    monkeypatch.setattr("ssimloss.losses.FDLLoss", small)
    template = {"fdl_opt": {**FDL, "model": model}}
    if model != "vgg":
        with pytest.raises(ValueError, match=r"fdl_loss differs: neosr .*nearest=True"):
            combined_from_template(template)
    criterion = combined_from_template(template, nearest=model != "vgg")
    ((network, given),) = made
    expected = {"resnet": "resnet101", "effnet": "efficientnet_b7"}.get(model, "vgg19")
    assert network == expected
    assert set(given["layers"]) <= set(ssimloss.networks.FeatureExtractor.available_layers(network))
    if network == "vgg19":
        convention = dict(ssimloss.conventions.FDL["neosr"])
        assert {"network": network, **given}.items() >= convention.items()
    pred, target = (image[..., :24, :24] for image in batch()[:2])
    alone = plain("embedded", layers={"relu1_2": 1.0}, projections=24)(pred, target)
    battery.close(criterion(pred, target), 0.0075 * alone, 1e-6)


def test_fd_of_redux(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, made = ssimloss.FDLLoss, []

    def small(network: str, **given: Any) -> ssimloss.FDLLoss:
        made.append((network, given))
        return plain("embedded", projections=2, patch_size=1)

    monkeypatch.setattr("ssimloss.losses.FDLLoss", small)
    with pytest.raises(ValueError, match="perceptualloss differs: traiNNer-redux pads"):
        combined_from_template([FD])
    criterion = combined_from_template([FD], nearest=True)
    ((network, given),) = made
    assert network == "vgg19"
    layers = dict(relu1_2=1e-3, relu2_2=1e-3, relu3_4=1e-2, relu4_4=1e-2, relu5_4=1e-2)
    assert given["layers"] == pytest.approx(layers)
    assert given["projections"] == 256
    assert criterion.terms["perceptual"].weight == 0.5


def test_errors() -> None:
    l1 = {"type": "l1loss", "loss_weight": 1.0}
    two = combined_from_template([l1, {**l1, "type": "L1Loss"}])
    assert [*two.terms] == ["l1", "l1_2"]
    for error, message, template in (
        (TypeError, "as a mapping, or a list of losses, got str; read a file", "train.yml"),
        (ValueError, "at least one loss of a weight other than 0", [{**l1, "loss_weight": 0}]),
        (ValueError, r"losses\[1\] must be a mapping with a type", [l1, "l1loss"]),
        (ValueError, r"l1.loss_weight must be given for l1loss", [{"type": "l1loss"}]),
        (TypeError, "l1.loss_weight must be a number", [{**l1, "loss_weight": "1e-3"}]),
        (
            ValueError,
            r"l1 \(l1loss\) must have options .*, got \['beta'\]; remove",
            [{**l1, "beta": 2}],
        ),
        (
            ValueError,
            "gan_type must be one of 'bce', 'mse', got 'huber'",
            {"gan_opt": {"type": "gan_loss", "gan_type": "huber"}},
        ),
        (
            ValueError,
            "vgg_weights must have 5 numbers, got 2",
            {"fdl_opt": {**FDL, "model": "vgg", "vgg_weights": [1.0, 0.5]}},
        ),
    ):
        with pytest.raises(error, match=message):
            combined_from_template(template)  # type: ignore[arg-type]
