"""Cycle consistency: CycleGAN's formula, every distance, both directions, the identity term, images
that are shrunk again, errors.
"""

from __future__ import annotations

import copy
import functools

import battery
import numpy as np
import pytest
import reference
import torch
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F
from ssimloss import CombinedLoss, CycleConsistencyLoss, SSIMLoss, Term

pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = ("l1", "l2", "charbonnier", "ssim")


def loss_of(word: str) -> battery.Loss:
    return functools.partial(F.cycle_consistency_loss, distance=word)


def enlarged(target: Tensor, seed: int = 0) -> Tensor:
    """What a network might make of low resolution: twice as large, and not quite right."""
    noise = torch.randn(
        *target.shape[:2],
        *(2 * side for side in target.shape[2:]),
        generator=torch.Generator().manual_seed(seed),
    )
    return F.imresize(target, scale=2) + 0.05 * noise.to(target)


# --- values ---------------------------------------------------------------------------------------


def test_it_is_cyclegans_objective() -> None:
    """Zhu et al. 2017: lambda 10 on both cycles, and half of it on both identities, all L1; domains
    of different sizes and batches.
    """
    a, back_a, same_a = (torch.rand(2, 3, 8, 9, dtype=torch.float64) for _ in range(3))
    b, back_b, same_b = (torch.rand(3, 3, 7, 5, dtype=torch.float64) for _ in range(3))
    expected = 0.0
    for real, back, same in ((a, back_a, same_a), (b, back_b, same_b)):
        real, back, same = (image.numpy() for image in (real, back, same))
        expected += 10 * np.abs(back - real).mean() + 10 * 0.5 * np.abs(same - real).mean()
    loss = 10 * CycleConsistencyLoss()([back_a, back_b], [a, b], identity=[same_a, same_b])
    battery.close(loss, expected)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_the_loss_of_that_name(word: str) -> None:
    pred, target = battery.pictures()
    named = {
        "l1": F.l1_loss,
        "l2": F.l2_loss,
        "charbonnier": F.charbonnier_loss,
        "ssim": F.ssim_loss,
    }[word]
    mask = battery.hole(pred.shape)
    for reduction in ("mean", "sum", "image", "none"):
        for given in (None, mask):
            found = F.cycle_consistency_loss(
                pred, target, distance=word, mask=given, reduction=reduction
            )
            battery.close(found, named(pred, target, mask=given, reduction=reduction), 0)
    images = [image * 2 - 1 for image in (pred, target)]
    battery.close(
        F.cycle_consistency_loss(*images, distance="ssim", data_range=(-1, 1)),
        F.ssim_loss(*images, data_range=(-1, 1)),
        0,
    )


def test_any_callable_is_a_distance() -> None:
    pred, target = battery.pictures()
    for distance in (
        SSIMLoss(),
        F.edge_loss,
        nn.SmoothL1Loss(),
        lambda x, y: (x - y).pow(4).mean(),
    ):
        battery.close(
            CycleConsistencyLoss(distance=distance)(pred, target), distance(pred, target), 0
        )
    with_identity = CycleConsistencyLoss(distance=SSIMLoss(), identity_weight=0.25)(
        pred, target, identity=0.9 * target
    )
    battery.close(
        with_identity, F.ssim_loss(pred, target) + 0.25 * F.ssim_loss(0.9 * target, target)
    )
    mask = battery.hole(pred.shape)
    battery.close(
        CycleConsistencyLoss(distance=SSIMLoss())(pred, target, mask=mask),
        F.ssim_loss(pred, target, mask=mask),
        0,
    )
    images = CycleConsistencyLoss(distance=SSIMLoss(reduction="image"))(pred, target)
    battery.close(images, F.ssim_loss(pred, target, reduction="image"), 0)


@pytest.mark.parametrize("word", WORDS)
def test_directions_and_identities_add_up(word: str) -> None:
    pred, target = battery.pictures()
    same = target.roll(1, -1)
    mask = battery.hole(pred.shape)
    masks = {"mask": mask}
    loss = functools.partial(F.cycle_consistency_loss, distance=word)
    for reduction in ("mean", "sum", "image", "none"):
        one = loss(pred, target, identity=same, identity_weight=0.3, reduction=reduction, **masks)
        parts = (
            loss(pred, target, reduction=reduction, **masks),
            loss(same, target, reduction=reduction, **masks),
        )
        battery.close(one, parts[0] + 0.3 * parts[1])
        if reduction != "none":
            both = loss(
                (pred, target),
                (target, same),
                identity=(same, same),
                identity_weight=0.3,
                reduction=reduction,
                mask=(mask, mask),
            )
            battery.close(
                both,
                one
                + loss(
                    target, same, identity=same, identity_weight=0.3, reduction=reduction, **masks
                ),
            )


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 1.5])
def test_downscale_is_matlabs_bicubic(factor: float) -> None:
    """Like the image of a camera: the reduced image should equal the low resolution."""
    pred, small = (
        battery.pictures(24, 33)[0],
        reference.imresize(battery.pictures(24, 33)[1].numpy(), scale=1 / factor),
    )
    shrunk = reference.imresize(pred.numpy(), scale=1 / factor)
    for reduction, expected in (
        ("mean", np.abs(shrunk - small).mean()),
        ("none", np.abs(shrunk - small)),
    ):
        found = F.cycle_consistency_loss(
            pred, torch.from_numpy(small), downscale=factor, reduction=reduction
        )
        battery.close(found, torch.as_tensor(expected))


def test_downscale_may_be_a_network() -> None:
    target = battery.pictures(dtype=torch.float32)[1]
    pred = enlarged(target).requires_grad_()
    network = nn.Conv2d(3, 3, 2, stride=2)
    criterion = CycleConsistencyLoss(downscale=network)
    loss = criterion(pred, target)
    battery.close(loss, F.l1_loss(network(pred), target), 0)
    assert criterion.downscale is network, "neither copied"
    loss.backward()
    assert network.weight.grad.norm() > 0, "nor frozen"
    assert pred.grad.norm() > 0
    battery.close(
        CycleConsistencyLoss(downscale=nn.AvgPool2d(2))(pred, target),
        F.l1_loss(nn.functional.avg_pool2d(pred, 2), target),
        0,
    )


def test_a_super_resolver_that_keeps_the_low_resolution_has_no_loss() -> None:
    """And a shift by one pixel, which a loss at low resolution can see, costs."""
    image = battery.pictures(24, 32)[1]
    low = F.imresize(image, scale=1 / 2)
    assert F.cycle_consistency_loss(image, low, downscale=2) == 0
    assert F.cycle_consistency_loss(image.roll(1, -1), low, downscale=2) > 1e-3


# --- batteries ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["l1", "l2", "charbonnier"])
def test_map_and_mask(name: str) -> None:
    """What is asked of every loss beside this is asked in test_every_loss.py, of every distance,
    with the identity term, and of images that are shrunk.
    """
    battery.reductions(loss_of(name))
    battery.mask_is_a_crop(loss_of(name))


def test_a_gradient_reaches_every_pixel_of_the_large_image() -> None:
    pred, low = (
        battery.pictures(24, 32)[0].requires_grad_(),
        torch.zeros(3, 3, 12, 16, dtype=torch.float64),
    )
    F.cycle_consistency_loss(pred, low, downscale=2, distance="l2").backward()
    assert (pred.grad != 0).all()


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_is_one_graph() -> None:
    torch.compiler.reset()
    criterion = CycleConsistencyLoss(downscale=2, distance="ssim")
    target = battery.pictures(dtype=torch.float32)[1]
    compiled = torch.compile(criterion, fullgraph=True, backend="aot_eager")
    back = [enlarged(target), enlarged(target, 1)]
    sent, same = [target, target], [target * 0.9, target]
    found, expected = ([image.requires_grad_() for image in back] for _ in range(2))
    losses = compiled(found, sent, identity=same), criterion(expected, sent, identity=same)
    battery.close(*losses, 1e-5)
    battery.close(
        *(
            torch.stack(torch.autograd.grad(loss, images))
            for loss, images in zip(losses, (found, expected), strict=True)
        ),
        1e-4,
    )


def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The identity forgotten; the image not antialiased; one direction dropped."""
    from ssimloss.functional import cycle_consistency as consistency

    with monkeypatch.context() as patch:
        patch.setattr(
            consistency, "_shrunk", lambda image, target, _: image[..., ::2, ::2] + 0 * target
        )
        for check in (
            lambda: test_downscale_is_matlabs_bicubic(2),
            test_a_super_resolver_that_keeps_the_low_resolution_has_no_loss,
        ):
            with pytest.raises(AssertionError):
                check()
    whole = consistency._directions
    with monkeypatch.context() as patch:
        patch.setattr(consistency, "_directions", lambda *lists: whole(*lists)[:1])
        with pytest.raises(AssertionError):
            test_it_is_cyclegans_objective()
    with monkeypatch.context() as patch:
        patch.setattr(
            consistency,
            "_directions",
            lambda pred, target, _, mask: whole(pred, target, None, mask),
        )
        with pytest.raises(AssertionError):
            test_it_is_cyclegans_objective()


# --- within CombinedLoss --------------------------------------------------------------------------


def test_terms_take_lists_or_tensors_by_name() -> None:
    a, b = battery.pictures()
    criterion = CombinedLoss(
        cycle=Term(CycleConsistencyLoss(), 10.0, inputs=("back", "real", "identity")),
        shrunk=Term(
            CycleConsistencyLoss(downscale=2, distance="charbonnier"),
            0.5,
            inputs=("enlarged", "low", "mask"),
        ),
    )
    low, mask = F.imresize(a, scale=1 / 2), torch.ones(3, 1, 12, 16, dtype=torch.float64).tril()
    loss = criterion(back=(b, a), real=(a, b), identity=(a, a), enlarged=b, low=low, mask=mask)
    cycle = F.cycle_consistency_loss([b, a], [a, b], identity=[a, a])
    shrunk = F.cycle_consistency_loss(b, low, downscale=2, distance="charbonnier", mask=mask)
    battery.close(loss, 10 * cycle + 0.5 * shrunk)


def test_networks_are_registered() -> None:
    network = nn.Conv2d(3, 3, 2, stride=2)
    criterion = CycleConsistencyLoss(downscale=network, distance=SSIMLoss())
    assert {name for name, _ in criterion.named_children()} == {"downscale", "distance"}
    assert "downscale" in repr(criterion)
    assert criterion.double().downscale.weight.dtype is torch.float64
    assert not list(CycleConsistencyLoss(downscale=4).parameters())
    assert (
        repr(CycleConsistencyLoss(downscale=4, distance="ssim"))
        == "CycleConsistencyLoss(data_range=1.0, distance='ssim', identity_weight=0.5, downscale=4)"
    )


def test_networks_are_exchanged_and_copied_like_any_child() -> None:
    target = battery.pictures(dtype=torch.float32)[1]
    pred = enlarged(target)
    criterion = CycleConsistencyLoss(downscale=nn.Conv2d(3, 3, 2, stride=2))
    for network in (nn.AvgPool2d(2), nn.MaxPool2d(2)):
        criterion.add_module("downscale", network)
        battery.close(criterion(pred, target), F.l1_loss(network(pred), target), 0)
    criterion.downscale = nn.Conv2d(3, 3, 2, stride=2)
    twin = copy.deepcopy(criterion)
    with torch.no_grad():
        twin.downscale.weight.zero_()
    battery.close(twin(pred, target), F.l1_loss(twin.downscale(pred), target), 0)
    battery.close(criterion(pred, target), F.l1_loss(criterion.downscale(pred), target), 0)


# --- errors ---------------------------------------------------------------------------------------


def test_bad_options_are_named() -> None:
    wrong: list[tuple[type[Exception], str, dict]] = [
        (
            ValueError,
            "distance must be one of 'l1', 'l2', 'charbonnier', 'ssim', got 'lpips'",
            {"distance": "lpips"},
        ),
        (TypeError, "distance is the class SSIMLoss, not a loss; build it", {"distance": SSIMLoss}),
        (TypeError, "distance must be one of .* or a callable of", {"distance": 3}),
        (ValueError, "identity_weight must not be negative, got -1", {"identity_weight": -1}),
        (
            ValueError,
            "downscale must be at least 1, got 0.5; 4 makes each side a fourth",
            {"downscale": 0.5},
        ),
        (ValueError, "downscale must be finite", {"downscale": float("nan")}),
        (
            TypeError,
            "downscale must be a factor such as 4, or a network, got str",
            {"downscale": "bicubic"},
        ),
        (
            TypeError,
            "downscale must be a factor such as 4, or a network, got bool",
            {"downscale": True},
        ),
        (TypeError, "downscale is the class AvgPool2d, not a network", {"downscale": nn.AvgPool2d}),
        (
            ValueError,
            'reduction must be "mean" with a callable distance',
            {"distance": SSIMLoss(), "reduction": "sum"},
        ),
        (
            ValueError,
            "data_range must span a positive interval",
            {"distance": "ssim", "data_range": (1, 1)},
        ),
    ]
    image = torch.rand(1, 3, 16, 16)
    for error, message, options in wrong:
        with pytest.raises(error, match=message):
            CycleConsistencyLoss(**options)
        with pytest.raises(error, match=message):
            F.cycle_consistency_loss(image, image, **options)


def test_bad_images_are_named() -> None:
    image, small = torch.rand(2, 3, 8, 10), torch.rand(2, 3, 4, 5)
    wrong: list[tuple[type[Exception], str, tuple, dict]] = [
        (
            ValueError,
            r"target must have the shape \(2, 3, 4, 5\) of the pred that downscale shrinks",
            (image, image),
            {"downscale": 2},
        ),
        (
            ValueError,
            r"target must have the shape \(2, 3, 3, 4\) of the pred",
            (image, small),
            {"downscale": 3},
        ),
        (
            TypeError,
            "downscale must return a tensor, got tuple",
            (image, small),
            {"downscale": lambda x: (x, x)},
        ),
        (
            TypeError,
            "distance must return a tensor, got float",
            (image, image),
            {"distance": lambda x, _: float(x.sum())},
        ),
        (ValueError, "identity must have the shape of target", (image, image), {"identity": small}),
        (TypeError, "identity must be floating point", (image, image), {"identity": image.byte()}),
        (
            TypeError,
            "pred must be a torch.Tensor like target, got list; or pass lists for both",
            ([image], image),
            {},
        ),
        (
            TypeError,
            "target must be a torch.Tensor like pred, got list; or pass lists for both",
            (image, [image]),
            {},
        ),
        (
            TypeError,
            "mask must be a torch.Tensor like pred, got list",
            (image, image),
            {"mask": [image]},
        ),
        (
            ValueError,
            "target must hold 2 tensors as pred does, one for each direction, got 1",
            ([image, image], [image]),
            {},
        ),
        (
            ValueError,
            "identity must hold 1 tensors",
            ([image], [image]),
            {"identity": [image, image]},
        ),
        (
            ValueError,
            "pred must hold one tensor for each direction, got an empty list",
            ([], []),
            {},
        ),
        (
            TypeError,
            r"target\[1\] must be floating point",
            ([image, image], [image, image.byte()]),
            {},
        ),
        (TypeError, r"pred\[0\] must be a torch.Tensor, got NoneType", ([None], [image]), {}),
        (
            ValueError,
            'reduction="none" needs a single direction, got 2',
            ([image, image], [image, image]),
            {"reduction": "none"},
        ),
        (
            ValueError,
            "pred must hold batches of one size",
            ([image, image[:1]], [image, image[:1]]),
            {"reduction": "image"},
        ),
    ]
    for error, message, images, options in wrong:
        with pytest.raises(error, match=message):
            F.cycle_consistency_loss(*images, **options)


def test_it_is_exported() -> None:
    assert {"CycleConsistencyLoss"} <= set(ssimloss.__all__)
    assert {"cycle_consistency_loss", "imresize"} <= set(F.__all__)
