"""Adversarial losses: signs by finite difference, fixed points, formulas of papers and their code,
labels, lists, classes, processes.
"""

from __future__ import annotations

import copy
import inspect
import math
import pickle
import sys
from pathlib import Path

import processes
import pytest
import reference
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf
from torch.nn.parallel import DistributedDataParallel

import ssimloss.functional as F
from ssimloss import AdversarialLoss, CombinedLoss, FeatureMatchingLoss, Term, conventions
from ssimloss.functional.prices import KINDS

FORMS = [None, "average", "paired"]
CASES = [(kind, form) for kind in KINDS for form in FORMS]
every_case = pytest.mark.parametrize(("kind", "form"), CASES, ids=lambda value: str(value))


def logits(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Of real and of generated images, on both sides of every corner of a hinge."""
    generator = torch.Generator().manual_seed(seed)
    real, fake = 1.5 * torch.randn(
        2, *(shape or (5, 1, 3, 4)), generator=generator, dtype=torch.float64
    )
    return (real + 0.3).to(dtype), (fake - 0.2).to(dtype)


def asks(*tensors: Tensor) -> list[Tensor]:
    return [tensor.detach().clone().requires_grad_() for tensor in tensors]


def close(found: Tensor | float, expected: Tensor | float, tolerance: float = 1e-12) -> None:
    found, expected = (
        torch.as_tensor(value, dtype=torch.float64).detach() for value in (found, expected)
    )
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


# --- values ---------------------------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("shape", [(7,), (7, 1), (3, 1, 5, 4)], ids=str)
def test_value_is_that_of_the_formula(kind: str, form: str | None, shape: tuple[int, ...]) -> None:
    real, fake = logits(*shape)
    loss = AdversarialLoss(kind, form)
    close(
        loss.discriminator_loss(real, fake),
        reference.discriminator_loss(kind, form, real.numpy(), fake.numpy()),
    )
    close(
        loss.generator_loss(fake, real_logits=real),
        reference.generator_loss(kind, form, real.numpy(), fake.numpy()),
    )


def test_the_formula_can_fail() -> None:
    """Exchanged sides, and the average where pairs are meant, are other numbers."""
    real, fake = logits()
    for kind, form in CASES:
        right = reference.discriminator_loss(kind, form, real.numpy(), fake.numpy())
        assert (
            abs(reference.discriminator_loss(kind, form, fake.numpy(), real.numpy()) - right) > 1e-3
        )
    assert (
        abs(
            reference.generator_loss("hinge", "paired", real.numpy(), fake.numpy())
            - reference.generator_loss("hinge", "average", real.numpy(), fake.numpy())
        )
        > 1e-3
    )


def test_against_torch() -> None:
    real, fake = logits()
    bce = nnf.binary_cross_entropy_with_logits
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    for kind in ("cross_entropy", "softplus"):
        loss = AdversarialLoss(kind)
        close(loss.discriminator_loss(real, fake), bce(real, ones) + bce(fake, zeros))
        close(loss.generator_loss(fake), bce(fake, ones))
        close(AdversarialLoss(kind, saturating=True).generator_loss(fake), -bce(fake, zeros))
    smoothed = AdversarialLoss("cross_entropy", label_smoothing=0.1)
    close(smoothed.discriminator_loss(real, fake), bce(real, 0.9 * ones) + bce(fake, zeros))
    both = AdversarialLoss("cross_entropy", label_smoothing=0.1, smoothed="both")
    close(both.discriminator_loss(real, fake), bce(real, 0.9 * ones) + bce(fake, 0.1 * ones))
    # torch's hinge_embedding_loss of -x and a label of -1 is max(0, 1 + x).
    hinge = nnf.hinge_embedding_loss(-fake, -ones) + nnf.hinge_embedding_loss(real, -ones)
    close(AdversarialLoss("hinge").discriminator_loss(real, fake), hinge)
    margin = nnf.margin_ranking_loss(real, fake, ones, margin=1.0)
    close(AdversarialLoss("hinge", "paired").discriminator_loss(real, fake), margin)
    close(
        AdversarialLoss("least_squares", square_weight=1.0).generator_loss(fake),
        nnf.mse_loss(fake, ones),
    )
    close(
        AdversarialLoss("cross_entropy", "paired").discriminator_loss(real, fake),
        nnf.soft_margin_loss(real - fake, ones),
    )


def basicsr(gan_type: str, x: Tensor, real: bool, is_disc: bool) -> Tensor:
    """GANLoss of BasicSR 1.4.2, as a formula."""
    label = torch.full_like(x, float(real))
    if gan_type == "vanilla":
        return nnf.binary_cross_entropy_with_logits(x, label)
    if gan_type == "lsgan":
        return nnf.mse_loss(x, label)
    if gan_type == "hinge":
        return (1 + (-x if real else x)).relu().mean() if is_disc else -x.mean()
    sign = -1 if real else 1
    return (
        (sign * x).mean()
        if gan_type == "wgan"
        else torch.logaddexp(sign * x, torch.zeros_like(x)).mean()
    )


@pytest.mark.parametrize("gan_type", ["vanilla", "lsgan", "hinge", "wgan", "wgan_softplus"])
def test_presets_of_basicsr(gan_type: str) -> None:
    real, fake = logits()
    loss = AdversarialLoss(**conventions.ADVERSARIAL[f"basicsr_{gan_type}"])
    close(
        loss.discriminator_loss(real, fake),
        basicsr(gan_type, real, True, True) + basicsr(gan_type, fake, False, True),
    )
    close(loss.generator_loss(fake), basicsr(gan_type, fake, True, False))


@pytest.mark.parametrize("name", ["esrgan", "basicsr_esrgan"])
def test_presets_of_esrgan(name: str) -> None:
    """Values and gradients; the averages are constants for the discriminator in BasicSR's two
    backward passes.
    """
    loss = AdversarialLoss(**conventions.ADVERSARIAL[name])
    real, fake = asks(*logits())
    constant = (lambda x: x.detach()) if name == "basicsr_esrgan" else (lambda x: x)
    parts = basicsr("vanilla", real - constant(fake.mean()), True, True) + basicsr(
        "vanilla", fake - constant(real.mean()), False, True
    )
    found, expected = (
        torch.autograd.grad(value, (real, fake))
        for value in (loss.discriminator_loss(real, fake), parts / 2)
    )
    close(loss.discriminator_loss(real, fake), parts / 2)
    for ours, theirs in zip(found, expected, strict=True):
        close(ours, theirs)
    constant_real = real.detach()
    parts = basicsr("vanilla", constant_real - fake.mean(), False, False) + basicsr(
        "vanilla", fake - constant_real.mean(), True, False
    )
    close(loss.generator_loss(fake, real_logits=real), parts / 2)
    close(
        *(
            torch.autograd.grad(value, fake)[0]
            for value in (loss.generator_loss(fake, real_logits=real), parts / 2)
        )
    )
    assert torch.autograd.grad(
        loss.generator_loss(fake, real_logits=real), real, allow_unused=True
    ) == (None,)


def test_the_hinge_that_cancels_is_not_here() -> None:
    """BasicSR's hinge in its ESRGANModel has no gradient for the generator; the published form has
    one.
    """
    real, fake = logits()
    (fake,) = asks(fake)
    theirs = (
        basicsr("hinge", real - fake.mean(), False, False)
        + basicsr("hinge", fake - real.mean(), True, False)
    ) / 2
    assert torch.autograd.grad(theirs, fake)[0].abs().max() < 1e-15
    ours = AdversarialLoss("hinge", "average").generator_loss(fake, real_logits=real)
    assert (torch.autograd.grad(ours, fake)[0] < 0).all()


def test_against_monai() -> None:
    """Where the conventions agree; it puts hinge logits through tanh, and least squares through a
    leaky ReLU unless told.
    """
    monai = pytest.importorskip("monai.losses.adversarial_loss")
    real, fake = ([side, side[:, :, :2]] for side in logits(dtype=torch.float32))
    theirs = monai.PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)
    ours = AdversarialLoss(**conventions.ADVERSARIAL["cyclegan"])
    close(
        ours.discriminator_loss(real, fake),
        (theirs(real, True, True) + theirs(fake, False, True)) / 2,
        1e-6,
    )
    close(ours.generator_loss(fake), theirs(fake, True, False), 1e-6)
    theirs = monai.PatchAdversarialLoss(criterion="bce")
    ours = AdversarialLoss("cross_entropy")
    close(
        ours.discriminator_loss(real, fake),
        theirs(real, True, True) + theirs(fake, False, True),
        1e-5,
    )
    theirs = monai.PatchAdversarialLoss(criterion="hinge")
    ours, plain = AdversarialLoss("hinge"), theirs(real, True, True) + theirs(fake, False, True)
    close(ours.discriminator_loss([x.tanh() for x in real], [x.tanh() for x in fake]), plain, 1e-6)
    assert abs(ours.discriminator_loss(real, fake) - plain) > 1e-2


def test_presets_of_the_authors() -> None:
    real, fake = logits()
    mse = lambda x, t: (x - t).square().mean()  # noqa: E731
    of = {
        name: AdversarialLoss(**conventions.ADVERSARIAL[name]) for name in conventions.ADVERSARIAL
    }
    close(of["lsgan"].discriminator_loss(real, fake), (mse(real, 1) + mse(fake, 0)) / 2)
    close(of["lsgan"].generator_loss(fake), mse(fake, 1) / 2)
    close(of["cyclegan"].discriminator_loss(real, fake), (mse(real, 1) + mse(fake, 0)) / 2)
    close(of["cyclegan"].generator_loss(fake), mse(fake, 1))
    scales = ([real, real[..., :2]], [fake, fake[..., :2]])
    close(of["pix2pixhd"].generator_loss(scales[1]), mse(fake, 1) + mse(fake[..., :2], 1))
    halves = (mse(real, 1) + mse(fake, 0) + mse(real[..., :2], 1) + mse(fake[..., :2], 0)) / 2
    close(of["pix2pixhd"].discriminator_loss(*scales), halves)
    close(
        of["r3gan"].generator_loss(fake, real_logits=real),
        nnf.softplus(real - fake, threshold=700).mean(),
    )
    close(
        of["r3gan"].discriminator_loss(real, fake), nnf.softplus(fake - real, threshold=700).mean()
    )
    bce = nnf.binary_cross_entropy_with_logits
    total = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
    for name, share in (("gan", 1.0), ("srgan", 1.0), ("real_esrgan", 1.0), ("pix2pix", 0.5)):
        close(of[name].discriminator_loss(real, fake), share * total)
        close(of[name].generator_loss(fake), bce(fake, torch.ones_like(fake)))
    close(
        of["sagan"].discriminator_loss(real, fake),
        (1 - real).relu().mean() + (1 + fake).relu().mean(),
    )
    # Equation 8 of Mao et al. 2017.
    pearson = AdversarialLoss("least_squares", targets=(-1.0, 1.0, 0.0))
    close(
        pearson.discriminator_loss(real, fake) + pearson.generator_loss(fake),
        (mse(real, 1) + mse(fake, -1) + mse(fake, 0)) / 2,
    )


def test_presets_say_who_detaches_what() -> None:
    for name, convention in conventions.ADVERSARIAL.items():
        text = conventions.describe(f"ADVERSARIAL/{name}")
        assert "detach" in text
        assert f'ssimloss.AdversarialLoss(**conventions.ADVERSARIAL["{name}"])' in text
        assert str(convention) == text
        assert pickle.loads(pickle.dumps(convention)) is copy.deepcopy(convention) is convention
        if convention.same_as:
            ours, theirs = (
                AdversarialLoss(**conventions.ADVERSARIAL[n]).options
                for n in (name, convention.same_as)
            )
            assert ours == theirs
    with pytest.raises(KeyError, match="no convention 'dcgan'; there are gan, lsgan"):
        conventions.ADVERSARIAL["dcgan"]


# --- signs, fixed points, life --------------------------------------------------------------------


@every_case
def test_signs_by_finite_difference(kind: str, form: str | None) -> None:
    """The discriminator wants real logits up and fake ones down, the generator fake ones up; of
    each logit, about halfway between the targets of least squares, inside the corners of hinges.
    """
    loss = AdversarialLoss(kind, form)
    real, fake = (0.5 + 0.1 * side for side in logits(4, 1))
    step = 1e-6
    for i in range(4):
        nudge = torch.zeros_like(real)
        nudge[i] = step
        up = loss.discriminator_loss(real + nudge, fake) - loss.discriminator_loss(
            real - nudge, fake
        )
        down = loss.discriminator_loss(real, fake + nudge) - loss.discriminator_loss(
            real, fake - nudge
        )
        fooled = loss.generator_loss(fake + nudge, real_logits=real) - loss.generator_loss(
            fake - nudge, real_logits=real
        )
        assert up < -0.01 * step
        assert down > 0.01 * step
        assert fooled < -0.01 * step
        asked = asks(real, fake)
        gradients = torch.autograd.grad(loss.discriminator_loss(*asked), asked)
        close(
            torch.stack([gradients[0][i], gradients[1][i]]).squeeze(),
            torch.stack([up, down]) / (2 * step),
            1e-6,
        )
        close(
            torch.autograd.grad(loss.generator_loss(asked[1], real_logits=real), asked[1])[0][
                i
            ].squeeze(),
            fooled / (2 * step),
            1e-6,
        )


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("kind", ["cross_entropy", "softplus"])
def test_saturating_is_minus_the_discriminator(kind: str, form: str | None) -> None:
    """The minimax game: of the parts that the generator moves. Where the discriminator is sure,
    hardly any gradient is left.
    """
    real, fake = asks(*logits())
    loss = AdversarialLoss(kind, form, saturating=True)
    ours, theirs = (
        torch.autograd.grad(v, fake)[0]
        for v in (loss.generator_loss(fake, real_logits=real), loss.discriminator_loss(real, fake))
    )
    close(ours, -theirs)
    sure = torch.full((4,), -9.0, dtype=torch.float64, requires_grad=True)
    weak, strong = (
        AdversarialLoss(kind, form, saturating=s).generator_loss(sure, real_logits=-sure.detach())
        for s in (True, False)
    )
    assert (
        torch.autograd.grad(weak, sure)[0].abs().max()
        < 1e-3
        < torch.autograd.grad(strong, sure)[0].abs().min()
    )


def test_fixed_points() -> None:
    """Values and gradients where papers state them."""
    zero, one = torch.zeros(4, 1, dtype=torch.float64), torch.ones(4, 1, dtype=torch.float64)
    log2 = math.log(2)
    # A discriminator that cannot tell says 1/2 (Goodfellow et al. 2014, theorem 1).
    for kind in ("cross_entropy", "softplus"):
        close(AdversarialLoss(kind).discriminator_loss(zero, zero), 2 * log2)
        close(AdversarialLoss(kind).generator_loss(zero), log2)
        for level in (zero, 3 * one):  # relativistic forms do not know the level
            close(AdversarialLoss(kind, "average").discriminator_loss(level, level), 2 * log2)
            close(AdversarialLoss(kind, "paired").generator_loss(level, real_logits=level), log2)
    assert AdversarialLoss("hinge").discriminator_loss(one, -one) == 0
    assert AdversarialLoss("hinge", "average").discriminator_loss(one / 2, -one / 2) == 0
    assert AdversarialLoss("hinge", "average").generator_loss(one / 2, real_logits=-one / 2) == 0
    assert AdversarialLoss("least_squares").discriminator_loss(one, zero) == 0
    assert AdversarialLoss("least_squares").generator_loss(one) == 0
    assert AdversarialLoss("least_squares", "average").discriminator_loss(one, zero) == 0
    assert AdversarialLoss("least_squares", targets=(-1.0, 1.0, 0.0)).generator_loss(zero) == 0
    # Of one half each, the best discriminator is the mean of the targets (Mao et al. 2017), and has
    # no gradient there.
    (same,) = asks(one / 2)
    assert (
        torch.autograd.grad(AdversarialLoss("least_squares").discriminator_loss(same, same), same)[
            0
        ]
        .abs()
        .max()
        == 0
    )
    for kind, form in CASES:
        # Equal logits: the discriminator's and the generator's loss are the same.
        if form is not None:
            loss = AdversarialLoss(kind, form)
            close(loss.discriminator_loss(zero, zero), loss.generator_loss(zero, real_logits=zero))
    # Minus the distance of the means.
    assert AdversarialLoss("wasserstein").discriminator_loss(2 * one, zero) == -2


@every_case
@pytest.mark.parametrize("gap", [0.0, 5.0, 200.0])
def test_generator_is_alive(kind: str, form: str | None, gap: float) -> None:
    """However sure the discriminator is, in float32; least squares and hinge grow or stay, cross
    entropy keeps slope 1.
    """
    real, fake = asks(torch.full((4, 1), gap), torch.full((4, 1), -gap))
    gradient = torch.autograd.grad(
        AdversarialLoss(kind, form).generator_loss(fake, real_logits=real), fake
    )[0]
    assert (gradient < -0.1 / 4).all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("kind", "form"), [(kind, form) for kind, form in CASES if kind != "hinge"], ids=str
)
def test_gradcheck(kind: str, form: str | None) -> None:
    """And the derivative of the gradient. Hinges, which have corners, are compared by finite
    difference above.
    """
    loss = AdversarialLoss(kind, form, detach_real=False)
    for pair in (asks(*logits(3, 1, 2, 2)), asks(*logits(3))):
        assert torch.autograd.gradcheck(loss.discriminator_loss, pair)
        assert torch.autograd.gradcheck(lambda r, f: loss.generator_loss(f, real_logits=r), pair)
        assert torch.autograd.gradgradcheck(loss.discriminator_loss, pair)


# --- dtypes and compilation -----------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_and_autocast(kind: str, form: str | None, dtype: torch.dtype) -> None:
    loss = AdversarialLoss(kind, form)
    pair = logits(dtype=dtype)
    exact = [side.double() for side in pair]
    for lists in (False, True):  # a list hides its tensors from whoever looks for a device
        shown = [[side] for side in pair] if lists else pair
        for context in (
            torch.autocast("cpu", enabled=False),
            torch.autocast("cpu", dtype=torch.bfloat16),
        ):
            with context:
                found = (
                    loss.discriminator_loss(*shown),
                    loss.generator_loss(shown[1], real_logits=shown[0]),
                )
            assert all(value.dtype is torch.float32 for value in found)
            close(found[0], loss.discriminator_loss(*exact), 1e-6)
            close(found[1], loss.generator_loss(exact[1], real_logits=exact[0]), 1e-6)
    real, fake = asks(*pair)
    for gradient in torch.autograd.grad(loss.discriminator_loss(real, fake), (real, fake)):
        assert gradient.dtype is dtype
    assert (
        AdversarialLoss(kind, form, reduction="none").generator_loss(fake, real_logits=real).dtype
        is dtype
    )
    single = logits(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(
            loss.discriminator_loss(*single),
            AdversarialLoss(kind, form).discriminator_loss(*single),
        )


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_equals_eager(form: str | None) -> None:
    """Both methods of every kind in one graph."""
    pair = asks(*logits(dtype=torch.float32))
    losses = [AdversarialLoss(kind, form) for kind in KINDS]

    def both(real: Tensor, fake: Tensor) -> Tensor:
        return torch.stack(
            [
                part
                for loss in losses
                for part in (
                    loss.discriminator_loss([real, fake], [fake, real]),
                    loss.generator_loss(fake, real_logits=real),
                )
            ]
        )

    torch.compiler.reset()
    expected = both(*pair)
    found = torch.compile(both, fullgraph=True, backend="aot_eager")(*pair)
    torch.testing.assert_close(found, expected, rtol=2e-6, atol=2e-6)
    for ours, theirs in zip(
        *(torch.autograd.grad(value.sum(), pair) for value in (found, expected)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_class_labels_compile() -> None:
    """Their values are then left to gather."""
    real, fake = logits(4, 3, dtype=torch.float32)
    labels = torch.tensor([0, 2, 2, 0])
    loss = AdversarialLoss("hinge")
    torch.compiler.reset()
    found = torch.compile(loss.discriminator_loss, fullgraph=True, backend="aot_eager")(
        real, fake, labels=labels
    )
    torch.testing.assert_close(found, loss.discriminator_loss(real, fake, labels=labels))


# --- options --------------------------------------------------------------------------------------


@every_case
def test_reductions(kind: str, form: str | None) -> None:
    real, fake = logits()
    sides = {"real_logits": real, "fake_logits": fake}
    for method in ("discriminator_loss", "generator_loss"):
        values = {
            r: getattr(AdversarialLoss(kind, form, reduction=r), method)(**sides)
            for r in ("mean", "sum", "image", "none")
        }
        assert values["none"].shape == real.shape
        close(values["sum"], values["none"].sum())
        close(values["image"], values["none"].mean((1, 2, 3)))
        close(values["mean"], values["none"].mean())


def test_lists_over_scales_and_discriminators() -> None:
    (a, b), (c, d) = logits(3, 1, 4, 4), logits(3, 1, 2, 2, seed=1)
    e, f = logits(3, seed=2)
    one = AdversarialLoss("cross_entropy", "average")
    parts = [one.discriminator_loss(*pair) for pair in ((a, b), (c, d), (e, f))]
    close(one.discriminator_loss([a, c], [b, d]), (parts[0] + parts[1]) / 2)
    close(
        one.discriminator_loss([[a, c], [e]], ((b, d), (f,))),
        (parts[0] + parts[1]) / 4 + parts[2] / 2,
    )
    added = AdversarialLoss("cross_entropy", "average", scales="sum")
    close(added.discriminator_loss([[a, c], [e]], [[b, d], [f]]), sum(parts))
    close(
        added.generator_loss([[b, d], [f]], real_logits=[[a, c], [e]]),
        sum(one.generator_loss(f, real_logits=r) for f, r in ((b, a), (d, c), (f, e))),
    )
    images = AdversarialLoss("cross_entropy", reduction="image").discriminator_loss(
        [a, c, e], [b, d, f]
    )
    close(
        images[1],
        AdversarialLoss("cross_entropy").discriminator_loss(
            *([side[1:2] for side in sides] for sides in ((a, c, e), (b, d, f)))
        ),
    )


def test_flipped_labels() -> None:
    """Repeatable from a generator, of whole images, at the probability asked for, the same at every
    scale.
    """
    real, fake = logits(400, 1, 2, 2)
    noisy = AdversarialLoss("cross_entropy", flip_probability=0.25, reduction="none")

    def draw(seed: int) -> Tensor:
        return noisy.discriminator_loss(real, fake, rng=torch.Generator().manual_seed(seed))

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))
    plain, exchanged = (
        AdversarialLoss("cross_entropy", reduction="none").discriminator_loss(*pair)
        for pair in ((real, fake), (fake, real))
    )
    one_sided = [
        nnf.softplus(s * x, threshold=700) + nnf.softplus(t * y, threshold=700)
        for s, t, x, y in ((1, 1, real, fake), (-1, -1, real, fake))
    ]
    choices = torch.stack(
        [plain, one_sided[0], one_sided[1], -nnf.logsigmoid(-real) - nnf.logsigmoid(fake)]
    )
    which = (draw(3) - choices).abs().amax((2, 3)).argmin(0).flatten()
    assert (draw(3) - choices).abs().amax((2, 3)).amin(0).max() < 1e-12
    share = torch.bincount(which, minlength=4) / len(which)
    torch.testing.assert_close(
        share, torch.tensor([9 / 16, 3 / 16, 3 / 16, 1 / 16]), rtol=0, atol=0.08
    )
    everywhere = AdversarialLoss("hinge", flip_probability=1.0)
    close(
        everywhere.discriminator_loss(real, fake),
        (1 + real).relu().mean() + (1 - fake).relu().mean(),
    )
    paired = AdversarialLoss("cross_entropy", "paired", flip_probability=1.0)
    close(
        paired.discriminator_loss(real, fake),
        AdversarialLoss("cross_entropy", "paired").discriminator_loss(fake, real),
    )
    assert exchanged.shape == plain.shape
    torch.manual_seed(1)
    first = noisy.discriminator_loss(real, fake)
    torch.manual_seed(1)
    assert torch.equal(noisy.discriminator_loss(real, fake), first)
    close(
        noisy.generator_loss(fake),
        AdversarialLoss("cross_entropy", reduction="none").generator_loss(fake),
    )


def test_smoothed_least_squares() -> None:
    real, fake = logits()
    ours = AdversarialLoss(
        "least_squares", targets=(-1.0, 1.0, 0.5), label_smoothing=0.1, square_weight=1.0
    )
    close(
        ours.discriminator_loss(real, fake),
        (real - 0.8).square().mean() + (fake + 1).square().mean(),
    )
    close(ours.generator_loss(fake), (fake - 0.5).square().mean())


# --- class-specific discriminators ----------------------------------------------------------------


def test_each_image_is_judged_by_its_class() -> None:
    """In one tensor, in a list, in a list over scales; classes without an image get a zero
    gradient, and their NaN is not looked at.
    """
    labels = torch.tensor([2, 0, 2, 0])
    per_class = [logits(4, 1, 3, 3, seed=k) for k in range(3)]
    reals, fakes = ([pair[i] for pair in per_class] for i in (0, 1))
    own = [
        torch.stack([side[k][i] for i, k in enumerate(labels.tolist())]) for side in (reals, fakes)
    ]
    for kind, form in CASES:
        loss = AdversarialLoss(kind, form)
        expected = loss.discriminator_loss(*own)
        close(loss.discriminator_loss(reals, fakes, labels=labels), expected)
        close(
            loss.discriminator_loss(torch.cat(reals, 1), torch.cat(fakes, 1), labels=labels.int()),
            expected,
        )
        close(
            loss.generator_loss(fakes, real_logits=reals, labels=labels),
            loss.generator_loss(own[1], real_logits=own[0]),
        )
        scales = ([[side, side[..., :1]] for side in sides] for sides in (reals, fakes))
        close(
            loss.discriminator_loss(*scales, labels=labels),
            loss.discriminator_loss(*([s, s[..., :1]] for s in own)),
        )
    asked = asks(*fakes)
    AdversarialLoss("hinge").generator_loss(asked, labels=labels).backward()
    assert (asked[1].grad == 0).all()
    assert (asked[0].grad[[1, 3]] < 0).all()
    assert (asked[0].grad[[0, 2]] == 0).all()
    spoilt = [fakes[0], torch.full_like(fakes[1], math.nan), fakes[2]]
    close(
        AdversarialLoss("hinge").generator_loss(spoilt, labels=labels),
        AdversarialLoss("hinge").generator_loss(own[1]),
    )
    vectors = torch.stack([side[:, 0, 0, 0] for side in fakes], 1)
    close(
        F.class_logits(vectors, labels),
        F.class_logits([side[:, 0, 0, 0] for side in fakes], labels),
    )
    assert F.class_logits(vectors, labels).shape == (4, 1)


# --- feature matching -----------------------------------------------------------------------------


def test_feature_matching_of_linear_discriminators() -> None:
    """Maps that are a multiple of the image: a closed form, and the gradient with it."""
    real, fake = logits(2, 3, 6, 6)
    (fake,) = asks(fake)
    factors = [[1.0, -2.0], [0.5, 3.0]]
    maps = lambda image: [[factor * image for factor in scale] for scale in factors]  # noqa: E731
    found = FeatureMatchingLoss()(maps(fake), maps(real))
    close(found, 0.5 * (1 + 2 + 0.5 + 3) * (fake - real).abs().mean())
    close(torch.autograd.grad(found, fake)[0], 0.5 * 6.5 * (fake - real).sign() / fake.numel())
    close(
        FeatureMatchingLoss(scales="sum", layers="mean", distance="l2")(maps(fake), maps(real)),
        (5 / 2 + 9.25 / 2) * (fake - real).square().mean(),
    )
    close(
        FeatureMatchingLoss(reduction="image")(maps(fake), maps(real)),
        3.25 * (fake - real).abs().mean((1, 2, 3)),
    )
    close(
        FeatureMatchingLoss(layers="mean")(maps(fake)[0], maps(real)[0]),
        1.5 * (fake - real).abs().mean(),
    )


def test_feature_matching_is_that_of_pix2pixhd() -> None:
    """GAN_Feat of its original code, as a formula, with its 3 layers and 2 discriminators."""
    outputs = [
        [
            [
                torch.rand(
                    2, 2**j, 8, 8, generator=torch.Generator().manual_seed(10 * s + 5 * i + j)
                )
                for j in range(5)
            ]
            for i in range(2)
        ]
        for s in range(2)
    ]
    fake, real = outputs
    expected = sum(
        1 / 2 * 4.0 / (3 + 1) * nnf.l1_loss(fake[i][j], real[i][j].detach())
        for i in range(2)
        for j in range(4)
    )
    close(
        FeatureMatchingLoss()([maps[:-1] for maps in fake], [maps[:-1] for maps in real]),
        expected,
        1e-6,
    )
    (target,) = asks(real[0][0])
    assert not FeatureMatchingLoss()([fake[0][0]], [target]).requires_grad
    assert FeatureMatchingLoss(detach_target=False)([fake[0][0]], [target]).requires_grad


def test_bad_features_are_named() -> None:
    image = torch.rand(2, 3, 4, 4)
    for pred, target, error, message in (
        (image, [image], TypeError, "pred must be a list of feature maps"),
        (
            [image],
            [image, image],
            ValueError,
            r"target\[0\] must be as long as pred\[0\] \(1\), got 2",
        ),
        ([[image]], [[image], [image]], ValueError, r"target must be as long as pred \(1\), got 2"),
        ([[image], []], [[image], []], ValueError, "at least one feature map at every scale"),
        ([], [], ValueError, "at least one feature map"),
        ([image, [image]], [image, [image]], TypeError, "feature maps only, or lists of them only"),
        (
            [image],
            [image[:, :1]],
            ValueError,
            r"target\[0\]\[0\] must have the shape of pred\[0\]\[0\]",
        ),
    ):
        with pytest.raises(error, match=message):
            FeatureMatchingLoss()(pred, target)
    with pytest.raises(ValueError, match="reduction must not be 'none' for 2 tensors"):
        FeatureMatchingLoss(reduction="none")([image, image], [image, image])


# --- modules, terms, errors -----------------------------------------------------------------------


def test_methods_have_the_options_of_their_functions() -> None:
    """Each option of the module goes to the function, or functions, that know it; labels and rng
    are given at the call.
    """
    module = inspect.signature(AdversarialLoss).parameters
    at_call = {"labels", "rng", "real_logits", "fake_logits"}
    known: set[str] = set()
    for function in (F.adversarial_generator_loss, F.adversarial_discriminator_loss):
        for name, parameter in inspect.signature(function).parameters.items():
            if name not in at_call:
                known.add(name)
                assert module[name].annotation == parameter.annotation
                assert name == "kind" or module[name].default == parameter.default
    assert known == set(module)
    assert repr(AdversarialLoss("hinge", "paired", total="mean")) == (
        "AdversarialLoss(kind='hinge', relativistic='paired', scales='mean', total='mean', "
        "smoothed='real', detach_real=True)"
    )
    real, fake = logits()
    ours = AdversarialLoss(
        "least_squares",
        "average",
        targets=(-2.0, 0.5, 0.25),
        square_weight=0.3,
        label_smoothing=0.2,
        smoothed="both",
        total="mean",
    )
    shared = {
        "kind": "least_squares",
        "relativistic": "average",
        "targets": (-2.0, 0.5, 0.25),
        "square_weight": 0.3,
        "total": "mean",
    }
    assert ours.generator_loss(fake, real_logits=real) == F.adversarial_generator_loss(
        fake, real_logits=real, **shared
    )
    assert ours.discriminator_loss(real, fake) == F.adversarial_discriminator_loss(
        real, fake, label_smoothing=0.2, smoothed="both", **shared
    )


def test_as_terms_of_a_combined_loss() -> None:
    real, fake = asks(*logits())
    gan = AdversarialLoss("cross_entropy", "average")
    criterion = CombinedLoss(
        adversarial=Term(gan.generator_loss, 5e-3, inputs=("fake_logits", "real_logits")),
        late=Term(AdversarialLoss("hinge").generator_loss, 1.0, inputs=("fake_logits",), start=1),
    )
    first = criterion(fake_logits=fake, real_logits=real)
    close(first, 5e-3 * gan.generator_loss(fake, real_logits=real))
    close(criterion(fake_logits=fake, real_logits=real), first - fake.mean())
    assert "adversarial" in dict(criterion.named_children())


def test_bad_input_is_named() -> None:
    real, fake = logits()
    loss = AdversarialLoss("hinge")
    labels = torch.tensor([0, 1, 2, 0, 1])
    wide = torch.rand(5, 3)
    for call, error, message in (
        (
            lambda: loss.discriminator_loss([real, real], [fake]),
            ValueError,
            r"fake_logits must hold as many tensors as real_logits",
        ),
        (
            lambda: loss.discriminator_loss([real, [real]], [[fake], fake]),
            ValueError,
            r"in lists of the same lengths",
        ),
        (
            lambda: loss.discriminator_loss(real, fake[:2]),
            ValueError,
            r"fake_logits must have the shape of real_logits \(5, 1, 3, 4\)",
        ),
        (
            lambda: loss.discriminator_loss([real], [fake[..., :1]]),
            ValueError,
            r"fake_logits\[0\] must have the shape of real_logits\[0\]",
        ),
        (
            lambda: loss.discriminator_loss(real, fake.to("meta")),
            ValueError,
            "fake_logits must be on the device of real_logits",
        ),
        (lambda: loss.generator_loss([]), ValueError, "fake_logits must hold at least one tensor"),
        (
            lambda: loss.generator_loss([[fake], []]),
            ValueError,
            r"fake_logits\[1\] must hold at least one tensor",
        ),
        (
            lambda: loss.generator_loss(fake.long()),
            TypeError,
            "fake_logits must be floating point, got torch.int64",
        ),
        (
            lambda: loss.generator_loss(None),
            TypeError,
            "fake_logits must be a torch.Tensor or a list",
        ),
        (
            lambda: loss.generator_loss(wide),
            ValueError,
            r"fake_logits must have shape .* got \(5, 3\); pass labels",
        ),
        (
            lambda: loss.generator_loss(wide, labels=labels + 1),
            ValueError,
            r"labels must lie in \[0, 3\) for 3 classes, got 1 to 3",
        ),
        (
            lambda: loss.generator_loss(wide, labels=labels - 1),
            ValueError,
            r"labels must lie in \[0, 3\)",
        ),
        (
            lambda: loss.generator_loss(wide, labels=labels[:3]),
            ValueError,
            r"labels must have shape \(5,\)",
        ),
        (
            lambda: loss.generator_loss(wide, labels=labels.float()),
            TypeError,
            "labels must be a tensor of integers",
        ),
        (
            lambda: loss.generator_loss(wide[:, 0], labels=labels),
            ValueError,
            r"fake_logits must have shape \(N, K\)",
        ),
        (
            lambda: loss.generator_loss([wide[:, :1], wide[:3, :1]], labels=labels),
            ValueError,
            r"must have the same form for every class: fake_logits\[1\]",
        ),
        (lambda: loss.generator_loss([], labels=labels), ValueError, "one entry per class"),
        (
            lambda: AdversarialLoss("hinge", "average").generator_loss(fake),
            ValueError,
            "real_logits must be given for relativistic='average'",
        ),
        (
            lambda: AdversarialLoss("hinge", reduction="none").generator_loss([fake, fake]),
            ValueError,
            "reduction must not be 'none' for 2",
        ),
        (
            lambda: loss.discriminator_loss(real, fake, rng=3),
            TypeError,
            "rng must be a torch.Generator",
        ),
        (
            lambda: AdversarialLoss("wgan"),
            ValueError,
            "kind must be one of 'cross_entropy', 'least_squares', 'hinge', 'wasserstein', "
            "'softplus'",
        ),
        (
            lambda: AdversarialLoss("hinge", "paired "),
            ValueError,
            "relativistic must be one of 'average', 'paired'",
        ),
        (
            lambda: AdversarialLoss("hinge", label_smoothing=0.1),
            ValueError,
            "label_smoothing must be .* 0 for kinds without labels",
        ),
        (
            lambda: AdversarialLoss("cross_entropy", label_smoothing=0.6),
            ValueError,
            "label_smoothing must be at most 0.5",
        ),
        (
            lambda: AdversarialLoss("hinge", saturating=True),
            ValueError,
            "saturating must be False for kind='hinge'",
        ),
        (
            lambda: AdversarialLoss("hinge", targets=(0.0, 1.0, 1.0)),
            ValueError,
            "targets must be None for kind='hinge'",
        ),
        (
            lambda: AdversarialLoss("least_squares", targets=(0.0, 1.0)),
            TypeError,
            "targets must be three numbers",
        ),
        (
            lambda: AdversarialLoss("least_squares", square_weight=0.0),
            ValueError,
            "square_weight must be positive",
        ),
        (
            lambda: AdversarialLoss("hinge", flip_probability=1.5),
            ValueError,
            "flip_probability must lie in",
        ),
        (
            lambda: AdversarialLoss("hinge", scales="max"),
            ValueError,
            "scales must be one of 'mean', 'sum'",
        ),
        (
            lambda: AdversarialLoss("hinge", detach_real="yes"),
            TypeError,
            "detach_real must be True or False",
        ),
    ):
        with pytest.raises(error, match=message):
            call()


@every_case
def test_nan_is_never_hidden_and_named_where_asked(kind: str, form: str | None) -> None:
    for bad in (math.nan, math.inf, -math.inf):
        real, fake = logits()
        fake[1, 0, 0, 0] = bad
        if math.isnan(bad):
            loss = AdversarialLoss(kind, form)
            assert loss.discriminator_loss(real, fake).isnan()
            assert loss.generator_loss(fake, real_logits=real).isnan()
        checked = AdversarialLoss(kind, form, check_finite=True)
        with pytest.raises(
            ValueError, match=r"fake_logits must be finite, got [01] NaN and [01] infinite of 60"
        ):
            checked.discriminator_loss(real, fake)
        with pytest.raises(ValueError, match=r"fake_logits\[0\] must be finite"):
            checked.generator_loss([fake], real_logits=[real])
    assert checked.generator_loss(real, real_logits=real).isfinite()


# --- two processes --------------------------------------------------------------------------------


class Critic(nn.Module):
    """Logits of two scales; no normalisation, which would look at the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.last = nn.ModuleList(nn.Conv2d(4, 1, 3, padding=1) for _ in range(2))

    def forward(self, image: Tensor) -> list[Tensor]:
        map_ = nnf.leaky_relu(self.first(image), 0.2)
        return [self.last[0](map_), self.last[1](nnf.avg_pool2d(map_, 2))]


def gan_step(
    kind: str, form: str | None, images: tuple[Tensor, Tensor], *, distributed: bool
) -> list[Tensor]:
    """One step of both networks, with an R1 penalty: all gradients."""
    torch.manual_seed(0)
    generator, critic = nn.Conv2d(3, 3, 3, padding=1).double(), Critic().double()
    networks = [
        DistributedDataParallel(n, broadcast_buffers=False) if distributed else n
        for n in (generator, critic)
    ]
    loss = AdversarialLoss(kind, form, synchronize=True)
    low, real = images
    # Of a parameter that got no gradient, DistributedDataParallel complains in the second step.
    for _ in range(2):
        generator.zero_grad()
        critic.zero_grad()
        fake = networks[0](low)
        judged = loss.discriminator_loss(
            networks[1](real), networks[1](fake.detach())
        ) + F.r1_penalty(networks[1], real)
        judged.backward()
        of_critic = [p.grad.clone() for p in critic.parameters()]
        F.r1_penalty(networks[1], real).backward()  # lazily, alone
        critic.requires_grad_(False)
        loss.generator_loss(critic(fake), real_logits=critic(real)).backward()
        critic.requires_grad_(True)
    return [*of_critic, *(p.grad.clone() for p in generator.parameters())]


def batch() -> tuple[Tensor, Tensor]:
    low, real = torch.rand(
        2, 4, 3, 12, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    return low, real


@processes.needs_gloo
def test_two_processes_make_the_step_of_one(tmp_path: Path) -> None:
    """Of every kind and form; the relativistic average is synchronised."""
    processes.start(__file__, tmp_path)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for kind, form in CASES:
            for ours, expected in zip(
                found[f"{kind} {form}"],
                gan_step(kind, form, batch(), distributed=False),
                strict=True,
            ):
                torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-13)


def main(folder: Path, rank: int) -> None:
    processes.meet(folder, rank)
    half = tuple(images[2 * rank : 2 * rank + 2] for images in batch())
    torch.save(
        {f"{kind} {form}": gan_step(kind, form, half, distributed=True) for kind, form in CASES},
        folder / f"{rank}.pt",
    )
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
