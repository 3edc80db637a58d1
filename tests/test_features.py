"""What deep features are made into: Gram matrices, unit vectors, weights at their resolution; and
their checks.
"""

from __future__ import annotations

import battery
import pytest
import reference
import torch
from torch import Tensor

import ssimloss.functional as F
from ssimloss._precision import product
from ssimloss.functional import features as deep

pytestmark = pytest.mark.usefixtures("one_thread")


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# --- Gram matrices --------------------------------------------------------------------------------


@pytest.mark.parametrize("normalization", deep.GRAM_NORMALIZATIONS)
# One image; all odd; fewer positions than channels.
@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (2, 4, 5, 7), (3, 6, 2, 1)], ids=str)
def test_gram_is_the_sum_over_positions(normalization: str, shape: tuple[int, ...]) -> None:
    features = some(*shape)
    found = F.gram_matrix(features, normalization=normalization)
    battery.close(found, torch.from_numpy(reference.gram(features.numpy(), normalization)), 1e-13)
    assert torch.autograd.gradcheck(
        lambda x: F.gram_matrix(x, normalization=normalization), features[:1].requires_grad_()
    )
    for other in deep.GRAM_NORMALIZATIONS:
        if other != normalization and not (
            len(features) == 1 and {other, normalization} == {"chw", "bchw"}
        ):
            with pytest.raises(AssertionError):
                battery.close(
                    found, torch.from_numpy(reference.gram(features.numpy(), other)), 1e-3
                )


@pytest.mark.parametrize(
    ("size", "stride"), [(1, None), (2, None), (3, 1), (2, 3), (4, 2)], ids=str
)
def test_gram_of_windows(size: int, stride: int | None) -> None:
    """Overlapping, side by side, with gaps; the sides are divided by none of them evenly."""
    features = some(2, 3, 7, 9)
    found = F.gram_matrix(features, normalization="hw", patch_size=size, stride=stride)
    windows = reference.windows(features.numpy(), size, stride or size)
    expected = torch.stack(
        [torch.from_numpy(reference.gram(windows[:, p], "hw")) for p in range(windows.shape[1])], 1
    )
    battery.close(found, expected, 1e-13)


def test_gram_in_half_precision_is_float32() -> None:
    """Undivided sums over positions do not fit float16."""
    features = 40 * torch.ones(1, 2, 16, 16, dtype=torch.float16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = F.gram_matrix(features, normalization="none")
    assert found.dtype is torch.float32
    assert (found == 1600 * 256).all()


def test_gram_arguments() -> None:
    with pytest.raises(
        ValueError,
        match=r"normalization must be one of 'chw', 'hw', 'none', 'bchw', 'gatys', got 'nc'",
    ):
        F.gram_matrix(some(1, 2, 3, 4), normalization="nc")
    with pytest.raises(ValueError, match=r"features must have shape \(N, C, H, W\), got \(2, 3\)"):
        F.gram_matrix(some(2, 3))
    with pytest.raises(
        TypeError, match=r"features must be a floating point tensor, got torch\.int64"
    ):
        F.gram_matrix(torch.ones(1, 2, 3, 4, dtype=torch.int64))
    with pytest.raises(
        ValueError, match="patch_size must be at most 3, the shorter side of features"
    ):
        F.gram_matrix(some(1, 2, 3, 4), patch_size=4)
    with pytest.raises(ValueError, match="stride must be None without patch_size, got 2"):
        F.gram_matrix(some(1, 2, 3, 4), stride=2)
    with pytest.raises(ValueError, match="patch_size must be None with normalization"):
        F.gram_matrix(some(1, 2, 3, 4), normalization="bchw", patch_size=2)


# --- unit vectors ---------------------------------------------------------------------------------


def test_unit_vectors_keep_the_value_of_lpips_and_have_a_gradient_at_zero() -> None:
    features = torch.cat(
        [
            some(2, 5, 3, 4),
            torch.zeros(2, 5, 3, 1, dtype=torch.float64),
            1e-12 * some(2, 5, 3, 1, seed=1),
        ],
        3,
    )
    battery.close(
        deep.unit_vectors(features), torch.from_numpy(reference.unit(features.numpy())), 1e-15
    )
    for dtype in (torch.float64, torch.float32):
        x = features.to(dtype).requires_grad_()
        (gradient,) = torch.autograd.grad(
            (deep.unit_vectors(x) * some(1, 5, 1, 1, seed=2).to(dtype)).sum(), x
        )
        assert gradient.isfinite().all()
        assert (gradient[..., 4] == 0).all()
        assert (gradient[..., :4] != 0).all()
    assert torch.autograd.gradcheck(deep.unit_vectors, features[..., :4].clone().requires_grad_())
    assert torch.autograd.gradgradcheck(
        deep.unit_vectors, features[:1, :3, :2, :1].clone().requires_grad_()
    )


# --- weights at the resolution of features --------------------------------------------------------


def test_weights_are_the_share_of_each_positions_area() -> None:
    """6 x 5 pixels to 3 x 2 positions: rows in pairs, columns 0-2 and 2-4, as adaptive averages
    overlap.
    """
    mask = torch.zeros(1, 1, 6, 5, dtype=torch.bool)
    mask[..., :3, :2] = True
    found = deep.area_weights(mask, some(1, 7, 3, 2))
    torch.testing.assert_close(
        found, torch.tensor([[[[2 / 3, 0], [1 / 3, 0], [0, 0]]]], dtype=torch.float64)
    )
    per_channel = torch.stack([mask[0, 0], ~mask[0, 0]])[None]
    torch.testing.assert_close(
        deep.area_weights(per_channel, some(1, 7, 3, 2)),
        torch.full((1, 1, 3, 2), 0.5, dtype=torch.float64),
    )


def test_masked_pixels_are_gray() -> None:
    image, mask = torch.rand(2, 3, 4, 5), torch.rand(2, 1, 4, 5) > 0.5
    gray = deep.without_masked_pixels(image * torch.where(mask, 1, torch.nan), mask, (-1.0, 3.0))
    assert torch.equal(gray, torch.where(mask, image, 1.0))
    assert deep.without_masked_pixels(image, None, 1.0) is image


def test_unit_range() -> None:
    image = torch.tensor([-1.0, 0.0, 1.0])
    assert torch.equal(deep.unit_range(image, (-1, 1)), torch.tensor([0.0, 0.5, 1.0]))
    assert torch.equal(deep.unit_range(255 * image.half(), 255), torch.tensor([-1.0, 0.0, 1.0]))


# --- products -------------------------------------------------------------------------------------


def test_gradient_of_a_product_is_not_lowered_by_autocast() -> None:
    """Nor is its second derivative; PyTorch's own is, in a backward pass that runs within the
    region.
    """
    a, b = some(2, 4, 5).float().requires_grad_(), some(2, 5, 3).float().requires_grad_()

    def gradients(multiply: object) -> list[Tensor]:
        first = torch.autograd.grad((multiply(a, b) ** 3).sum(), (a, b), create_graph=True)
        return [*first, *torch.autograd.grad(sum((g**2).sum() for g in first), (a, b))]

    expected = gradients(torch.bmm)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=True):
        lowered = torch.autograd.grad(
            torch.autocast("cpu", enabled=False)(torch.bmm)(a, b).sum(), a
        )[0]
        found = torch.autograd.grad(torch.autocast("cpu", enabled=False)(product)(a, b).sum(), a)[0]
    (plain,) = torch.autograd.grad(torch.bmm(a, b).sum(), a)
    assert torch.equal(found, plain)
    assert not torch.equal(lowered, plain)
    for ours, theirs in zip(gradients(product), expected, strict=True):
        battery.close(ours, theirs, 1e-6)
    assert torch.autograd.gradgradcheck(
        product, (some(1, 2, 3).requires_grad_(), some(1, 3, 2).requires_grad_())
    )


# --- checks ---------------------------------------------------------------------------------------


PLANE = torch.ones(1, 2, 3, 4)
UNFIT = [
    ([PLANE], {}, TypeError, "pred_features must map names of layers to tensors, got list"),
    (
        {"b": PLANE},
        {},
        ValueError,
        r"pred_features must hold the layers \['a'\], got \['b'\]; extract \['a'\] too",
    ),
    ({"a": PLANE}, {}, ValueError, r"target_features must hold the layers \['a'\], got \[\]"),
    (
        {"a": PLANE.int()},
        {"a": None},
        TypeError,
        r"pred_features\['a'\] must be a floating point tensor, got torch\.int32",
    ),
    (
        {"a": PLANE},
        {"a": None},
        TypeError,
        r"target_features\['a'\] must be a floating point tensor, got NoneType",
    ),
    (
        {"a": PLANE[0]},
        {"a": PLANE[0]},
        ValueError,
        r"pred_features\['a'\] must have shape \(N, C, H, W\), got \(2, 3, 4\)",
    ),
    (
        {"a": PLANE},
        {"a": PLANE[:, :1]},
        ValueError,
        r"must have the shape of pred_features\['a'\] \(1, 2, 3, 4\), got \(1, 1, 3, 4\)",
    ),
    ({"a": PLANE}, {"a": PLANE.to("meta")}, ValueError, r"must be on the device .* got meta"),
]


@pytest.mark.parametrize(("pred", "target", "error", "message"), UNFIT, ids=range(len(UNFIT)))
def test_features_that_do_not_fit_are_named(
    pred: object, target: object, error: type[Exception], message: str
) -> None:
    for loss in (F.texture_loss, F.contextual_loss, F.deep_similarity):
        with pytest.raises(error, match=message):
            loss(pred, target, layers={"a": 1.0})


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        (["a"], TypeError, "layers must map names to weights"),
        ({}, ValueError, "layers must name at least one layer"),
        ({"a": -1.0}, ValueError, r"layers\['a'\] must not be negative, got -1.0"),
        ({"a": "1"}, TypeError, r"layers\['a'\] must be a number"),
        ({"a": 0.0}, ValueError, "layers must have a weight other than 0"),
    ],
    ids=str,
)
def test_layers_that_weigh_nothing_are_refused(
    layers: object, error: type[Exception], message: str
) -> None:
    features = {"a": torch.ones(1, 2, 3, 4)}
    for loss in (F.perceptual_loss, F.texture_loss, F.contextual_loss, F.deep_similarity):
        with pytest.raises(error, match=message):
            loss(features, features, layers=layers)
