"""Loss blocks of templates of BasicSR, neosr and traiNNer-redux as one CombinedLoss; the blocks are
written here in the formats of six published templates.
"""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import battery
import pytest
import torch
import torch.nn.functional as tnf
import yaml

import ssimloss
import ssimloss.functional as F
from ssimloss import CombinedLoss, Term
from ssimloss.compat import combined_from_template
from ssimloss.compat._counterparts import ABSENT, BASICSR, COUNTERPARTS, NEOSR, REDUX
from ssimloss.conventions import (
    AVERAGE,
    CLIPPED,
    COLOR_CONSISTENCY,
    GRADIENT_VARIANCE,
    HSLUV,
    HUBER,
)

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
# train_realesrgan_x4plus.yml, with the loss of style on.
BASICSR_GAN = """
train:
  ema_decay: 0.999
  pixel_opt: {type: L1Loss, loss_weight: 1.0, reduction: mean}
  tv_opt: {type: WeightedTVLoss, loss_weight: 0.01}
  perceptual_opt:
    type: PerceptualLoss
    layer_weights: {conv1_2: 0.1, conv5_4: 1}
    vgg_type: vgg19
    use_input_norm: true
    range_norm: false
    perceptual_weight: 0.5
    style_weight: 20.0
    criterion: l1
  gan_opt:
    type: GANLoss
    gan_type: vanilla
    real_label_val: 1.0
    fake_label_val: 0.0
    loss_weight: 0.1
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
    template = read(text)
    missing = {"kl_loss"} if text is NEOSR_GAN else set()
    for kind in missing:
        template["train"]["kl_opt"] = {"type": kind, "loss_weight": 1.0}
    with pytest.raises(ValueError, match=r"must hold .* losses that this library") as caught:
        combined_from_template(template)
    told = str(caught.value)
    assert all(f"{kind} does not exist" in told for kind in missing)
    assert told.count("does not exist") == len(missing)  # nothing of weight 0
    assert ("skip=" in told) is bool(missing)
    assert "nearest=True" in told
    with pytest.raises(ValueError, match=r"differs: .*nearest=True") as caught:
        combined_from_template(template, skip=missing)
    assert "does not exist" not in str(caught.value)
    assert ("fdl_loss differs: neosr compares features of DINOv2" in told) == (text is NEOSR_GAN)
    assert ("wavelet_guided differs: neosr passes the bands" in told) == (text is NEOSR_GAN)


def test_gan_template_of_neosr() -> None:
    skip = ("fdl_loss", "wavelet_guided")  # FDL needs weights of VGG19
    criterion = combined_from_template(read(NEOSR_GAN), nearest=True, skip=skip)
    pred, target, logits = batch()
    pred.requires_grad_()
    value = criterion(pred, target, fake_logits=logits)
    structure = ssimloss.MSSSIMLoss(pooling="zeros")(pred, target)
    adversarial = tnf.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    colour = ssimloss.ColorConsistencyLoss(space="oklab", planes="all", distance="l1")(pred, target)
    by_hand = structure + colour + ssimloss.LDLLoss()(pred, target) + 0.3 * adversarial
    battery.close(value, by_hand, 1e-6)
    value.backward()
    assert pred.grad.abs().sum() > 0


def test_wavelet_guidance_of_neosr() -> None:
    """From iteration 80,000 on, counted from 1 as neosr does, the logits are those of the bands."""
    skip = ("fdl_loss", "mssim_loss", "consistency_loss", "ldl_loss")
    criterion = combined_from_template(read(NEOSR_GAN), nearest=True, skip=skip)
    assert [*criterion.terms] == ["gan", "wavelet_guided"]
    image, discriminator = torch.rand(2, 3, 24, 24), torch.nn.Conv2d(3, 1, 5)
    image.requires_grad_()
    logits = discriminator(F.wavelet_guidance(image))
    of_image, of_bands = torch.full_like(logits, -1.0), 0.3 * tnf.softplus(-logits).mean()
    for step, expected in ((79_998, 0.3 * tnf.softplus(-of_image).mean()), (79_999, of_bands)):
        criterion.step = step
        battery.close(criterion(fake_logits=of_image, guided_logits=logits), expected, 1e-6)
    criterion(guided_logits=logits).backward()
    assert image.grad.abs().sum() > 0
    at_once = {"gan_opt": {"type": "gan_loss", "loss_weight": 0.3}, "wavelet_guided": True}
    found = combined_from_template(at_once, nearest=True)
    assert [*found.terms] == ["wavelet_guided"]
    battery.close(found(guided_logits=logits), of_bands, 1e-6)
    assert [*combined_from_template(at_once, skip=["wavelet_guided"]).terms] == ["gan"]
    pixel = {"pixel_opt": {"type": "L1Loss", "loss_weight": 1.0}}
    assert [*combined_from_template(at_once | pixel, skip=["gan_loss"]).terms] == ["pixel"]
    with pytest.raises(ValueError, match="wavelet_guided must be off without gan_opt"):
        combined_from_template({"wavelet_guided": True, "pix_opt": {"type": "L1Loss"}})


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


def test_fft_loss_of_redux() -> None:
    pred, target, _ = batch()
    criterion = combined_from_template(
        {"losses": [{"type": "l1loss", "loss_weight": 1}, {"type": "fftloss", "loss_weight": 0.05}]}
    )
    parts = torch.view_as_real(torch.fft.rfft2((pred - target).double()))
    formula = tnf.l1_loss(pred, target) + 0.05 * parts.abs().mean()
    battery.close(criterion(pred, target), formula.float(), 1e-6)


MEAN, STD = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 1, 3, 1, 1)


def network() -> torch.nn.Sequential:
    """Random weights; the names of two layers are those of the template."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first, second = torch.nn.Conv2d(3, 6, 3, padding=1), torch.nn.Conv2d(6, 8, 3)
    layers = {"conv1_2": first, "relu1_2": torch.nn.ReLU(), "conv5_4": second}
    return torch.nn.Sequential(OrderedDict(layers))


def features(image: torch.Tensor) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        first = network()[0](image)
        return {"conv1_2": first, "conv5_4": network()[2](first.relu())}


def basicsr_gram(maps: torch.Tensor) -> torch.Tensor:
    flat = maps.flatten(2)  # (N, C, H W)
    return flat @ flat.mT / maps[0].numel()


def test_gan_template_of_basicsr() -> None:
    """Equal to the framework's formulas; the loss of style is a term of its own."""
    template = read(BASICSR_GAN)
    perceptual = template["train"]["perceptual_opt"]
    perceptual["vgg_type"] = network()
    pred, target, logits = batch()
    criterion = combined_from_template(template)
    assert [*criterion.terms] == ["pixel", "tv", "perceptual", "perceptual_style", "gan"]
    x, y = (features((image - MEAN) / STD) for image in (pred, target))
    weights = {"conv1_2": 0.1, "conv5_4": 1.0}
    content = sum(w * tnf.l1_loss(x[key], y[key]) for key, w in weights.items())
    style = sum(
        w * tnf.l1_loss(basicsr_gram(x[key]), basicsr_gram(y[key])) for key, w in weights.items()
    )
    tv = sum(pred.diff(dim=dim).abs().mean() for dim in (2, 3))
    adversarial = tnf.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    by_hand = tnf.l1_loss(pred, target) + 0.01 * tv + 0.5 * content + 20 * style + 0.1 * adversarial
    battery.close(criterion(pred, target, fake_logits=logits), by_hand, 1e-6)
    assert 20 * style > 0.01 * by_hand
    without = combined_from_template(template, skip=["PerceptualLoss"])
    assert [*without.terms] == ["pixel", "tv", "gan"]
    perceptual["perceptual_weight"] = 0
    assert [*combined_from_template(template).terms] == ["pixel", "tv", "perceptual_style", "gan"]
    template["train"]["gan_opt"]["real_label_val"] = 0.9
    with pytest.raises(ValueError, match="real_label_val must be 1, as labels are not smoothed"):
        combined_from_template(template)


def test_names_of_perceptual_sections_of_basicsr() -> None:
    """Every loss of several sections has a term, with its own options; equal names raise."""
    pred, target, _ = batch()
    options = {"type": "PerceptualLoss", "vgg_type": network(), "layer_weights": {"conv1_2": 1.0}}
    template = {
        "style_opt": {**options, "style_weight": 3.0, "criterion": "l2", "range_norm": True},
        "fine_opt": {**options, "style_weight": 7.0, "use_input_norm": False},
    }
    criterion = combined_from_template(template)
    found = {name: term.weight for name, term in criterion.terms.items()}
    assert found == {"style": 1, "style_style": 3, "fine": 1, "fine_style": 7}
    x, y = (features(((image + 1) / 2 - MEAN) / STD)["conv1_2"] for image in (pred, target))
    by_hand = tnf.mse_loss(x, y) + 3 * tnf.mse_loss(basicsr_gram(x), basicsr_gram(y))
    x, y = (features(image)["conv1_2"] for image in (pred, target))
    by_hand += tnf.l1_loss(x, y) + 7 * tnf.l1_loss(basicsr_gram(x), basicsr_gram(y))
    battery.close(criterion(pred, target), by_hand, 1e-6)
    template["fine_style_opt"] = {"type": "L1Loss"}
    with pytest.raises(ValueError, match="must have one loss named 'fine_style', got two; rename"):
        combined_from_template(template)


def test_options_that_a_framework_does_not_have() -> None:
    """The guidance is neosr's; the perceptual loss of BasicSR has a weight for each of its two."""
    gan = {"type": "GANLoss", "gan_type": "hinge"}
    for framework, losses in (
        (BASICSR, {"gan_opt": gan}),
        (REDUX, {"losses": [{**gan, "loss_weight": 1.0}]}),
    ):
        template = {**losses, "wavelet_guided": True}
        with pytest.raises(ValueError, match=f"wavelet_guided must be off .* {framework}.*skip="):
            combined_from_template(template)
        for same in (losses, {**losses, "wavelet_guided": False}):
            assert [*combined_from_template(same).terms] == ["gan"]
        assert [*combined_from_template(template, skip=["wavelet_guided"]).terms] == ["gan"]
    pixel = {"type": "L1Loss"}
    for weight in (0, 2.0):
        section = {"type": "PerceptualLoss", "layer_weights": {"a": 1.0}, "loss_weight": weight}
        template = {"pixel_opt": pixel, "perceptual_opt": section}
        with pytest.raises(ValueError, match=r"perceptual_weight and style_weight, .*loss_weight"):
            combined_from_template(template)
        assert [*combined_from_template(template, skip=["PerceptualLoss"]).terms] == ["pixel"]


def test_psnr_and_scales_of_redux() -> None:
    """Equal to the formulas of the framework."""
    pred, target, logits = batch()
    weights = torch.tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1)
    both = torch.stack((pred, target))
    for options, (x, y) in (
        ({}, both),
        ({"to_y": True}, ((weights * both).sum(2, keepdim=True) + 16) / 255),
    ):
        section = {"type": "psnrloss", "loss_weight": 0.5, **options}
        expected = 5 * ((x - y).square().mean((1, 2, 3)) + 1e-8).log10().mean()
        battery.close(combined_from_template([section])(pred, target), expected, 1e-6)
    section = {"type": "multiscaleganloss", "gan_type": "lsgan", "loss_weight": 2.0}
    found = combined_from_template([section])(fake_logits=[logits, torch.zeros(2, 1, 3, 3)])
    battery.close(found, (logits - 1).square().mean() + 1, 1e-6)


def test_ldl_and_color_losses_of_redux() -> None:
    """The moving average comes as a keyword argument; neosr has none."""
    pred, target, _ = batch()
    ema = target + 1.5 * (pred - target).roll(1, -1)
    sections = [
        {"type": "ldlloss", "loss_weight": 3.0, "criterion": "l2"},
        {"type": "colorloss", "loss_weight": 0.5, "scale": 3},
    ]
    criterion = combined_from_template(sections)
    assert [*criterion.terms] == ["ldl", "color"]
    residual, of_ema = ((image - target).abs().sum(1, keepdim=True) for image in (pred, ema))
    windows = tnf.pad(residual, (3, 3, 3, 3), mode="reflect").unfold(2, 7, 1).unfold(3, 7, 1)
    weight = residual.var((1, 2, 3), keepdim=True) ** 0.2 * windows.var((-1, -2))
    weight = torch.where(residual < of_ema, 0, weight)
    assert 0.1 < (weight == 0).float().mean() < 0.9
    planes = [
        tnf.avg_pool2d(ssimloss.color.rgb_to_ycbcr(image)[:, 1:], 3) for image in (pred, target)
    ]
    formula = 3 * tnf.mse_loss(weight * pred, weight * target) + 0.5 * tnf.l1_loss(*planes)
    battery.close(criterion(pred, target, pred_ema=ema), formula, 1e-5)
    with pytest.raises(TypeError, match="pred_ema"):
        criterion(pred, target)
    section = {"type": "ldl_loss", "criterion": "l2", "ksize": 5, "loss_weight": 2}
    found = combined_from_template({"ldl_opt": section})(pred, target)
    battery.close(found, 2 * ssimloss.LDLLoss(distance="l2", window_size=5)(pred, target), 1e-6)


# As options of the section, and the convention that is equal to the framework with its factor.
MAPPED = {
    "HSLuvLoss": ({"criterion": "charbonnier"}, HSLUV["trainner_charbonnier"]),
    "AverageLoss": ({"criterion": "l2"}, AVERAGE["trainner_l2"]),
    "BicubicLoss": ({}, AVERAGE["trainner_bicubic"]),
    "ColorLoss": ({"scale": 4}, COLOR_CONSISTENCY["trainner"]),
    "GradientVarianceLoss": ({}, GRADIENT_VARIANCE["trainner"]),
    "HuberLoss": ({}, HUBER["neosr"]),
    "chc_loss": ({"criterion": "l1"}, CLIPPED["neosr_l1"]),
}


@pytest.mark.parametrize("kind", MAPPED)
def test_losses_that_are_equal(kind: str) -> None:
    """Options of their section and its weight arrive."""
    pred, target = battery.pictures()
    options, convention = MAPPED[kind]
    section = {"type": kind, "loss_weight": 0.25, **options}
    neosr = kind in ("HuberLoss", "chc_loss")
    criterion = combined_from_template({"pixel_opt": section} if neosr else [section])
    battery.close(criterion(pred, target), 0.25 * convention(pred, target))


def test_factors_beside_the_weight() -> None:
    pred, target = battery.pictures()
    cosine = {"type": "cosimloss", "loss_weight": 0.5, "cosim_lambda": 3}
    lumas = [ssimloss.color.luma(image, "bt601") for image in (pred, target)]
    light = ssimloss.ColorConsistencyLoss(planes="lightness", distance="l1")(pred, target)
    for section, expected in (
        (cosine, 1.5 * ssimloss.CosineDistanceLoss()(pred, target)),
        ({"type": "cosimloss", "loss_weight": 1}, 5 * ssimloss.CosineDistanceLoss()(pred, target)),
        ({"type": "nccloss", "loss_weight": 2.0}, ssimloss.NCCLoss()(pred, target)),
        ({"type": "lumaloss", "loss_weight": 2.0}, light / 50),
        ({"type": "sobeledgeloss"}, 4 * ssimloss.EdgeLoss(distance="l2")(*lumas)),
        ({"type": "ssimloss"}, ssimloss.SSIMLoss()(pred, target)),
    ):
        with pytest.raises(ValueError, match=r"differs: traiNNer-redux"):
            combined_from_template([section])
        battery.close(combined_from_template([section], nearest=True)(pred, target), expected)


def test_distances_of_patches_and_scales_with_their_defaults() -> None:
    pred, target = battery.pictures(48, 40)
    for section, expected in (
        (
            {"swd_opt": {"type": "msswd_loss", "loss_weight": 2.0, "num_proj": 8}},
            0.2 * ssimloss.MSSWDLoss(scales=3, projections=8)(pred, target),
        ),
        (
            [{"type": "msssiml1loss", "loss_weight": 3.0, "gaussian_sigmas": [0.5, 2.0]}],
            3
            * ssimloss.MSSSIML1Loss(alpha=0.1, sigmas=(0.5, 2), window_size=9, padding="zeros")(
                pred, target
            ),
        ),
    ):
        with pytest.raises(ValueError, match=r"differs: (neosr|traiNNer-redux) compares"):
            combined_from_template(section)
        battery.close(combined_from_template(section, nearest=True)(pred, target), expected)


def test_factors_of_zero_and_below() -> None:
    """A factor of 0 is a weight of 0; only losses with a factor have an option for it."""
    l1, cosine = {"type": "l1loss", "loss_weight": 1.0}, {"type": "cosimloss", "loss_weight": 1.0}
    assert [*combined_from_template([l1, {**cosine, "cosim_lambda": 0}]).terms] == ["l1"]
    with pytest.raises(ValueError, match=r"cosim.cosim_lambda must not be negative, got -1"):
        combined_from_template([{**cosine, "cosim_lambda": -1}], nearest=True)
    with pytest.raises(ValueError, match=r"must have options with a counterpart .*, got \[''\]"):
        combined_from_template([{**l1, "": 3.0}])


def test_the_page_lists_every_counterpart() -> None:
    page = (Path(__file__).parents[1] / "docs" / "drop_ins.md").read_text(encoding="utf-8")
    table, absent = page[page.index("| BasicSR | neosr | traiNNer-redux |") :].split("\n\n")[:2]
    for column, framework in enumerate((BASICSR, NEOSR, REDUX), start=1):
        cells = [row.split("|")[column].split(":")[0] for row in table.splitlines()[2:]]
        names = r"`(\w+[lL]oss|wavelet_guided|style_weight)`"
        assert set(re.findall(names, " ".join(cells))) == set(COUNTERPARTS[framework])
        assert all(f"`{kind}`" in absent for kind in ABSENT[framework])


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
    criterion = combined_from_template(read(text), nearest=True)
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


@pytest.mark.parametrize("kind", ["regular", "bilateral"])
def test_contextual_of_redux(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {}

    def small(network: str, **given: Any) -> ssimloss.L1Loss:
        made.update(network=network, **given)
        return ssimloss.L1Loss()

    name = "ContextualLoss" if kind == "regular" else "ContextualBilateralLoss"
    monkeypatch.setattr(f"ssimloss.losses.{name}", small)
    section = {"type": "contextualloss", "loss_weight": 0.3, "calc_type": kind, "z_norm": True}
    with pytest.raises(
        ValueError, match="contextualloss differs: traiNNer-redux compares no layer"
    ):
        combined_from_template([section])
    combined_from_template([section], nearest=True)
    assert made == {
        "network": "vgg19",
        "layers": {"conv3_2": 1.0, "conv4_2": 1.0},
        "distance": "cosine",
        "bandwidth": 0.5,
        "normalization": "imagenet",
        "data_range": (-1.0, 1.0),
    } | ({"form": "similarity"} if kind == "bilateral" else {})


def test_losses_that_are_absent_are_told_why() -> None:
    for framework in (NEOSR, REDUX):
        for kind, why in ABSENT[framework].items():
            section = {"type": kind, "loss_weight": 1.0}
            template: Any = {"an_opt": section} if framework == NEOSR else [section]
            told = re.escape(f"{kind} does not exist in this library: {why}")
            with pytest.raises(ValueError, match=rf"{told}; leave losses out with skip="):
                combined_from_template(template, nearest=True)


def test_errors() -> None:
    l1 = {"type": "l1loss", "loss_weight": 1.0}
    two = combined_from_template([l1, {**l1, "type": "L1Loss"}])
    assert [*two.terms] == ["l1", "l1_2"]
    for error, message, template in (
        (TypeError, "as a mapping, or a list of losses, got str; read a file", "train.yml"),
        (ValueError, "at least one loss with a weight other than 0", [{**l1, "loss_weight": 0}]),
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
            "downscale_factor and blur_strength must be off",
            [{"type": "hsluvloss", "loss_weight": 1, "blur_strength": 3}],
        ),
        (
            ValueError,
            "loss_lambda must be 0, as a cosine term",
            {"pixel_opt": {"type": "chc_loss", "loss_lambda": 0.02}},
        ),
        (
            ValueError,
            "saturation and brightness must be 1",
            {"color_opt": {"type": "consistency_loss", "saturation": 1.1}},
        ),
        (
            ValueError,
            r"got \['lambda'\]; remove",
            [{"type": "cosimloss", "loss_weight": 1, "lambda": 2}],
        ),
        (
            ValueError,
            "vgg_weights must have 5 numbers, got 2",
            {"fdl_opt": {**FDL, "model": "vgg", "vgg_weights": [1.0, 0.5]}},
        ),
    ):
        with pytest.raises(error, match=message):
            combined_from_template(template, nearest=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "ldl_loss", "criterion": "huber"}, "criterion must be one of 'l1', 'l2', got"),
        ({"type": "ldl_loss", "ksize": 6}, "ksize must be odd, got 6"),
        (
            {"type": "LDLLoss", "criterion": "charbonnier"},
            "criterion must be one of 'l1', 'l2', got",
        ),
        ({"type": "ColorLoss", "criterion": "l2"}, "criterion must be one of 'l1', got 'l2'"),
        ({"type": "ColorLoss", "scale": 0.5}, "scale must be at least 1, got 0.5"),
        ({"type": "msswd_loss", "stride": 2}, "stride must be 1, as every patch"),
        ({"type": "PSNRLoss", "reduction": "sum"}, "reduction must be one of 'mean', got 'sum'"),
        ({"type": "SSIMLoss", "downsample": True}, "downsample and crop_border must be off"),
        ({"type": "ContextualLoss", "use_vgg": False}, "crop_quarter must be off and use_vgg on"),
        ({"type": "msswd_loss", "c": 1}, "c must be 3, as CIELAB"),
        (
            {"type": "MSSSIML1Loss", "gaussian_sigmas": [1.0, 2.25]},
            "4 times the last of gaussian_sigmas must be even",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_values_without_a_counterpart_are_named(options: dict[str, Any], message: str) -> None:
    section, kind = {**options, "loss_weight": 1.0}, options["type"]
    template: Any = {"an_opt": section} if kind in COUNTERPARTS[NEOSR] else [section]
    with pytest.raises(ValueError, match=rf"{message}.*; change .* skip=\('{kind}',\)"):
        combined_from_template(template, nearest=True)


def test_skip_names_types() -> None:
    """A section or a misspelt type left nothing out, silently."""
    gan = {"type": "GANLoss", "gan_type": "hinge", "loss_weight": 0.1}
    template = {"pixel_opt": {"type": "MSELoss"}, "gan_opt": gan}
    assert [*combined_from_template(template, skip=["GANLoss", "PerceptualLoss"]).terms] == [
        "pixel"
    ]
    for wrong in ("gan_opt", "GANLos"):
        with pytest.raises(ValueError, match=f"got '{wrong}'; the template has 'MSELoss', 'GANL"):
            combined_from_template(template, skip=[wrong])
    with pytest.raises(TypeError, match=r"got 'GANLoss'; write \('GANLoss',\)"):
        combined_from_template(template, skip="GANLoss")


def test_classes_of_this_library_are_no_types() -> None:
    """``L2Loss`` exists here; no type tells BasicSR from neosr."""
    template = {"train": {"pixel_opt": {"type": "L2Loss", "loss_weight": 1.0}}}
    message = r"hold BasicSR or neosr losses .* L2Loss is a class of this library.* type: MSELoss\?"
    with pytest.raises(ValueError, match=message):
        combined_from_template(template)
    template["train"]["other_opt"] = {"type": "ff_loss"}
    with pytest.raises(ValueError, match="hold neosr losses"):
        combined_from_template(template)
