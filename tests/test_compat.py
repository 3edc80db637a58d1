"""The call forms of other libraries: their values, gradients, signatures, and errors that name
their arguments. Installed libraries are called. fused-ssim needs a CUDA compiler, and
gaussian-splatting is not a package: these two are compared with their formulas.
"""

from __future__ import annotations

import copy
import functools
import inspect
import types
from collections.abc import Callable

import battery
import photographs
import piq
import pytest
import pytorch_msssim
import torch
from deep import agree, images, random_state, torchvision_features
from torch import Tensor, nn

from ssimloss import compat, losses
from ssimloss.compat import fused_ssim, fused_ssim3d, loss_utils
from ssimloss.compat.piq import networks
from ssimloss.filters import window_weights
from ssimloss.networks import dists_weights, lpips_heads

pytestmark = pytest.mark.usefixtures("one_thread")

TIGHT = 1e-12


def gaussian(taps: int = 11) -> Tensor:
    return torch.tensor(window_weights("gaussian", taps, 1.5), dtype=torch.float64)


def splatting(x: Tensor, y: Tensor, border: int = 5, taps: int = 11) -> Tensor:
    """The map that fused-ssim and gaussian-splatting average, ``(C, H, W)`` or ``(N, C, H, W)``."""

    def blur(image: Tensor) -> Tensor:
        window = torch.outer(gaussian(taps), gaussian(taps)).expand(x.shape[-3], 1, taps, taps)
        return nn.functional.conv2d(image, window, padding=border, groups=x.shape[-3])

    mu_x, mu_y = blur(x), blur(y)
    light = (2 * mu_x * mu_y + 0.01**2) / (mu_x**2 + mu_y**2 + 0.01**2)
    covariance = blur(x * y) - mu_x * mu_y
    variances = blur(x * x) - mu_x**2 + blur(y * y) - mu_y**2
    return light * (2 * covariance + 0.03**2) / (variances + 0.03**2)


# --- fused-ssim and gaussian-splatting ------------------------------------------------------------


def layouts() -> dict[str, Callable[[Tensor], Tensor]]:
    """Images as renderers hand them over."""
    return {
        "batch": lambda image: image,
        "channels_last": lambda image: image.contiguous(memory_format=torch.channels_last),
        "single": lambda image: image[0],
        "permuted": lambda image: image[0].permute(1, 2, 0).contiguous().permute(2, 0, 1),
        "cut": lambda image: image[..., 2:-1, 1::2],
    }


@pytest.mark.parametrize("layout", layouts())
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_fused_ssim(layout: str, padding: str) -> None:
    """Values and the gradients to both images; splatfacto passes the truth first."""
    arrange = layouts()[layout]
    border = 5 if padding == "same" else 0
    agree(
        lambda x, y: fused_ssim(arrange(x), arrange(y), padding),
        lambda x, y: splatting(arrange(x), arrange(y), border).mean(),
        *battery.pictures(24, 33),
        tolerance=TIGHT,
    )


def test_fused_ssim_options() -> None:
    x, y = (image.requires_grad_() for image in battery.pictures())
    assert fused_ssim(x, y).requires_grad
    assert not fused_ssim(x, y, train=False).requires_grad
    volumes = [torch.rand(1, 2, 12, 13, 14, dtype=torch.float64) for _ in range(2)]
    whole = pytorch_msssim.ssim(
        *volumes, data_range=1, win=gaussian().expand(2, 1, 1, 1, 11).contiguous()
    )
    battery.close(fused_ssim3d(*volumes, padding="valid"), whole, TIGHT)


def test_loss_utils() -> None:
    x, y = battery.pictures(24, 33)
    for taps in (11, 7):
        per_image = functools.partial(splatting, border=taps // 2, taps=taps)
        for average in (True, False):
            agree(
                lambda x, y, taps=taps, average=average: loss_utils.ssim(x, y, taps, average),
                lambda x, y, average=average, per_image=per_image: (
                    per_image(x, y).mean() if average else per_image(x, y).mean((1, 2, 3))
                ),
                x,
                y,
                tolerance=TIGHT,
            )
    assert loss_utils.ssim(x[0], y[0], size_average=False).shape == ()
    for arrange in (*layouts().values(), lambda image: image[0, 0, 0], lambda image: image.mT):
        agree(
            lambda x, y, to=arrange: loss_utils.l1_loss(to(x), to(y)),
            lambda x, y, to=arrange: (to(x) - to(y)).abs().mean(),
            x,
            y,
        )
        agree(
            lambda x, y, to=arrange: loss_utils.l2_loss(to(x), to(y)),
            lambda x, y, to=arrange: (to(x) - to(y)).square().mean(),
            x,
            y,
        )


# --- pytorch-msssim -------------------------------------------------------------------------------


def test_pytorch_msssim_ssim() -> None:
    """With a float64 window; its own is float32, and 1 - 7e-8 in sum."""
    x, y = (255 * image for image in battery.pictures(24, 33))
    for options in (
        {},
        {"size_average": False, "K": [0.02, 0.05]},
        {"nonnegative_ssim": True, "size_average": False, "data_range": 200},
    ):
        ours, theirs = (
            functools.partial(module.ssim, **options)
            for module in (compat.pytorch_msssim, pytorch_msssim)
        )
        exact = functools.partial(theirs, win=gaussian().repeat(3, 1, 1, 1))
        agree(ours, exact, x, y, tolerance=TIGHT)
        battery.close(ours(x, y), theirs(x, y), 1e-5)
    narrow = gaussian(7).repeat(3, 1, 1, 1)
    agree(
        functools.partial(compat.pytorch_msssim.ssim, win=narrow),
        functools.partial(pytorch_msssim.ssim, win=narrow),
        x,
        y,
        tolerance=TIGHT,
    )
    inverted = torch.cat([x[:1], 255 - y[:1]])  # the second has a negative mean
    for average in (True, False):
        options = {"nonnegative_ssim": True, "size_average": average}
        battery.close(
            compat.pytorch_msssim.ssim(inverted, y[:1].expand_as(inverted), **options),
            pytorch_msssim.ssim(inverted, y[:1].expand_as(inverted), **options),
            1e-5,
        )


def test_pytorch_msssim_spatial_axes() -> None:
    """Volumes; an axis of one pixel is dropped."""
    volumes = [torch.rand(2, 3, 12, 13, 14, dtype=torch.float64) for _ in range(2)]
    module = compat.pytorch_msssim.SSIM(data_range=1, spatial_dims=3)
    theirs = pytorch_msssim.SSIM(data_range=1, spatial_dims=3)
    theirs.win = gaussian().repeat(3, 1, 1, 1, 1)
    agree(module, theirs, *volumes, tolerance=TIGHT)
    pair = battery.pictures()
    flat = [image[:, :, None] for image in pair]
    battery.close(compat.pytorch_msssim.ssim(*flat), compat.pytorch_msssim.ssim(*pair), 0)
    with pytest.raises(ValueError, match=r"X must have 3 channels and 3 spatial axes.*channel=3"):
        module(*pair)
    with pytest.raises(ValueError, match=r"build SSIM with channel=1, spatial_dims=2"):
        compat.pytorch_msssim.SSIM()(*(image[:, :1] for image in pair))


def test_pytorch_msssim_ms_ssim() -> None:
    """Odd sides at several scales; the image with a negative term has the value of the original."""
    x, y = (255 * image for image in photographs.batch(177, 181, dtype=torch.float64))
    exact = {"win": gaussian().repeat(3, 1, 1, 1)}
    for options in ({}, {"size_average": False, "weights": [0.2, 0.3, 0.5], "K": (0.02, 0.05)}):
        agree(
            functools.partial(compat.pytorch_msssim.ms_ssim, **options),
            functools.partial(pytorch_msssim.ms_ssim, **options, **exact),
            x[:2],
            y[:2],
            tolerance=1e-11,
        )
    options = {"size_average": False, "data_range": 255}
    battery.close(
        compat.pytorch_msssim.MS_SSIM(**options)(x[:1], 255 - x[:1]),
        pytorch_msssim.MS_SSIM(**options)(x[:1], 255 - x[:1]),
        1e-5,
    )


# --- piq ------------------------------------------------------------------------------------------

PIQ_CALLS: dict[str, list[dict[str, object]]] = {
    "ssim": [
        {},
        {"reduction": "none", "kernel_size": 7, "kernel_sigma": 1.2},
        {"reduction": "sum"},
    ],
    "psnr": [{}, {"reduction": "none"}, {"convert_to_greyscale": True, "reduction": "sum"}],
    "gmsd": [{}, {"reduction": "none", "t": 0.01}],
    "SSIMLoss": [{}, {"downsample": False, "k1": 0.02, "reduction": "none"}],
    "GMSDLoss": [{}],
    "TVLoss": [{}, {"norm_type": "l1", "reduction": "sum"}, {"norm_type": "l2_squared"}],
}


@pytest.mark.parametrize("name", PIQ_CALLS)
@pytest.mark.parametrize("data_range", [1.0, 255])
def test_piq(name: str, data_range: float) -> None:
    pair = [data_range * image for image in battery.pictures(25, 34)]
    pair = pair[:1] if name == "TVLoss" else pair
    for options in PIQ_CALLS[name]:
        more = options if name == "TVLoss" else {"data_range": data_range, **options}
        ours, theirs = getattr(compat.piq, name), getattr(piq, name)
        if inspect.isclass(ours):
            agree(ours(**more), theirs(**more), *pair, tolerance=TIGHT)
        else:
            agree(
                functools.partial(ours, **more),
                functools.partial(theirs, **more),
                *pair,
                tolerance=TIGHT,
            )


def test_piq_shrinks_and_returns_both_parts() -> None:
    pair = [image[:, :1, ::1] for image in photographs.tensors("large", torch.float64)]
    for ours, theirs in zip(
        compat.piq.ssim(*pair, full=True), piq.ssim(*pair, full=True), strict=True
    ):
        battery.close(ours, theirs, TIGHT)


def test_piq_multi_scale() -> None:
    """Weights that are given are divided by their sum, in the class also those that are not."""
    pair = [image[:2, :2] for image in photographs.batch(163, 165, dtype=torch.float64)]
    weights = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)
    for reduction, given in (("mean", None), ("none", weights)):
        options = {"reduction": reduction, "scale_weights": given}
        agree(
            functools.partial(compat.piq.multi_scale_ssim, **options),
            functools.partial(piq.multi_scale_ssim, **options),
            *pair,
            tolerance=1e-11,
        )
    ours, theirs = (module.MultiScaleSSIMLoss() for module in (compat.piq, piq))
    agree(ours, theirs, *pair, tolerance=1e-6)  # its weights are float32
    assert ours(*pair) != 1 - compat.piq.multi_scale_ssim(*pair)


def test_sums_of_losses_add_up() -> None:
    """piq returns 1 - sum(score)."""
    pair = battery.pictures()
    each = compat.piq.SSIMLoss(reduction="none")(*pair)
    battery.close(compat.piq.SSIMLoss(reduction="sum")(*pair), each.sum(), TIGHT)
    theirs = piq.SSIMLoss(reduction="sum")(*pair)
    battery.close(theirs, each.sum() - (len(each) - 1), TIGHT)


def test_gradients_that_are_nan_in_the_originals() -> None:
    flat = torch.full((1, 3, 32, 32), 0.5, dtype=torch.float64)
    for name in ("gmsd", "total_variation"):
        gradients = []
        for module in (piq, compat.piq):
            leaf = flat.clone().requires_grad_()
            arguments = (leaf, flat) if name == "gmsd" else (leaf,)
            getattr(module, name)(*arguments).backward()
            gradients.append(leaf.grad)
        assert gradients[0].isnan().any()
        assert gradients[1].isfinite().all()


@pytest.fixture
def random_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """VGG16 with one set of random weights on both sides; the published heads for piq."""
    state = random_state("vgg16")
    chain = torchvision_features("vgg16")
    found = types.SimpleNamespace
    monkeypatch.setattr(piq.perceptual, "vgg16", lambda **_: found(features=copy.deepcopy(chain)))
    heads = [head.double().view(1, -1, 1, 1) for head in lpips_heads("vgg16", "v0.1")]
    alpha, beta = (torch.cat(list(part)).double() for part in dists_weights())
    total = alpha.sum() + beta.sum()
    weighed = {
        name: part.view(1, -1, 1, 1) / total for name, part in (("alpha", alpha), ("beta", beta))
    }
    monkeypatch.setattr(
        torch.hub,
        "load_state_dict_from_url",
        lambda url, **_: heads if "lpips" in url else weighed,
    )
    for module, name in ((networks, "FeatureExtractor"), (losses, "LPIPS"), (losses, "DISTS")):
        built = functools.partial(getattr(module, name), weights=state)
        monkeypatch.setattr(module, name, built)


@pytest.mark.usefixtures("random_networks")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ContentLoss", {}),
        (
            "ContentLoss",
            {
                "layers": ["relu1_2", "pool2", "relu3_1"],
                "weights": [1.0, torch.tensor(0.5), 0.25],
                "replace_pooling": True,
                "distance": "mae",
                "reduction": "sum",
                "mean": [0.5, 0.5, 0.5],
                "std": [0.2, 0.2, 0.2],
                "normalize_features": True,
            },
        ),
        ("StyleLoss", {"layers": ("relu1_1", "relu2_2"), "weights": (1.0, 2.0)}),
        ("StyleLoss", {"normalize_features": True, "reduction": "none", "distance": "mae"}),
        ("LPIPS", {"reduction": "sum"}),
        ("DISTS", {"reduction": "none"}),
    ],
)
def test_piq_networks(name: str, options: dict[str, object]) -> None:
    """piq keeps the mean and the standard deviation in float32: 1e-7 of them."""
    pair = images(33, 32)
    ours, theirs = (getattr(module, name)(**options) for module in (compat.piq, piq))
    agree(ours, theirs, *pair, tolerance=1e-5)


class Squares(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return (x - y).square().mean((1, 2, 3))


@pytest.mark.usefixtures("random_networks")
def test_dists_shrinks_large_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both with a quick comparison in place of the network's."""
    pair = photographs.tensors("large", torch.float64)
    ours, theirs = compat.piq.DISTS(), piq.DISTS()
    ours.dists = Squares()
    monkeypatch.setattr(piq.ContentLoss, "forward", lambda _, x, y: Squares()(x, y).mean())
    battery.close(ours(*pair), 1 - theirs(*pair), TIGHT)
    assert (ours(*pair) - Squares()(*pair).mean()).abs() > 1e-6


# --- signatures, errors, imports ------------------------------------------------------------------


def fused_reference(img1, img2, padding="same", train=True):  # fused-ssim 0ac916a
    ...


def ssim_reference(img1, img2, window_size=11, size_average=True):  # gaussian-splatting 15d64e6
    ...


def loss_reference(network_output, gt):  # gaussian-splatting 15d64e6
    ...


def signature(function: Callable[..., object]) -> list[tuple[str, object, object]]:
    """Names, kinds and defaults; a default tuple may stand for a list."""
    return [
        (p.name, p.kind, tuple(p.default) if isinstance(p.default, list) else p.default)
        for p in inspect.signature(function).parameters.values()
    ]


@pytest.mark.parametrize("module", [pytorch_msssim, piq], ids=lambda module: module.__name__)
def test_signatures_of_installed_packages(module: types.ModuleType) -> None:
    ours = getattr(compat, module.__name__)
    for name in ours.__all__:
        mine, original = getattr(ours, name), getattr(module, name)
        assert signature(mine) == signature(original), name
        if inspect.isclass(original):
            assert signature(mine.forward) == signature(original.forward), name


def test_signatures_of_other_packages() -> None:
    for function, original in (
        (fused_ssim, fused_reference),
        (fused_ssim3d, fused_reference),
        (loss_utils.ssim, ssim_reference),
        (loss_utils.l1_loss, loss_reference),
        (loss_utils.l2_loss, loss_reference),
    ):
        assert signature(function) == signature(original)


IMAGE = torch.rand(1, 3, 12, 40)
SMALL = IMAGE[..., :10, :]
P, Q = compat.pytorch_msssim, compat.piq
WRONG: list[tuple[type[Exception], str, Callable[[], object]]] = [
    (ValueError, r"^img2 must have the shape of img1", lambda: fused_ssim(IMAGE, IMAGE[..., 1:])),
    (
        ValueError,
        r"^img2 must have the shape of img1",
        lambda: fused_ssim(IMAGE, IMAGE[0, None, :1]),
    ),
    (TypeError, r"^img1 must be floating.*img1 / 255", lambda: fused_ssim(IMAGE.byte(), IMAGE)),
    (TypeError, r"^img2 must be a torch.Tensor", lambda: fused_ssim(IMAGE, None)),
    (
        ValueError,
        r"padding must be one of 'same', 'valid'",
        lambda: fused_ssim(IMAGE, IMAGE, "zeros"),
    ),
    (
        ValueError,
        r"^img1 and img2 of \(10, 40\) pixels .* window of 11; .*padding='same'",
        lambda: fused_ssim(SMALL, SMALL, "valid"),
    ),
    (
        ValueError,
        r"^img1 must have its channels in dim",
        lambda: fused_ssim(*[torch.rand(1, 16, 16, 3)] * 2),
    ),
    (
        ValueError,
        r"^img2 must have the shape of img1",
        lambda: loss_utils.ssim(IMAGE, IMAGE[:, :1]),
    ),
    (ValueError, r"window_size must be odd", lambda: loss_utils.ssim(IMAGE, IMAGE, 8)),
    (
        ValueError,
        r"^gt must have the shape of network_o",
        lambda: loss_utils.l1_loss(IMAGE, IMAGE[:, :1]),
    ),
    (
        TypeError,
        r"^network_output must be floating",
        lambda: loss_utils.l2_loss(IMAGE.int(), IMAGE),
    ),
    (ValueError, r"^Y must have the shape of X", lambda: P.ssim(IMAGE, IMAGE[..., 1:])),
    (ValueError, r"^X and Y of \(10, 40\).*smaller win_size$", lambda: P.ssim(SMALL, SMALL)),
    (ValueError, r"^win_size must be odd, got 8", lambda: P.ssim(IMAGE, IMAGE, win_size=8)),
    (ValueError, r"^win_sigma must be positive", lambda: P.ssim(IMAGE, IMAGE, win_sigma=0)),
    (ValueError, r"^K\[1\] must be positive", lambda: P.ssim(IMAGE, IMAGE, K=(0.01, 0))),
    (ValueError, r"^K must be two numbers", lambda: P.ms_ssim(IMAGE, IMAGE, K=(0.01,))),
    (
        ValueError,
        r"^win must be one window",
        lambda: P.ssim(IMAGE, IMAGE, win=torch.ones(3, 1, 1, 11)),
    ),
    (ValueError, r"^win must have shape", lambda: P.ssim(IMAGE, IMAGE, win=torch.ones(11))),
    (ValueError, r"^win must be None", lambda: P.ms_ssim(IMAGE, IMAGE, win=gaussian())),
    (ValueError, r"^X must be images", lambda: P.ms_ssim(*[torch.rand(1, 1, 8, 8, 8)] * 2)),
    (
        ValueError,
        r"^X and Y of \(12, 40\).*161 pixels.*larger crops, fewer weights or a smaller win_size",
        lambda: P.ms_ssim(IMAGE, IMAGE),
    ),
    (ValueError, r"spatial_dims must be 2 or 3", lambda: P.SSIM(spatial_dims=1)),
    (ValueError, r"^y must have the shape of x", lambda: Q.ssim(IMAGE, IMAGE[..., 1:])),
    (
        ValueError,
        r"^x must have shape \(N, C, H, W\)",
        lambda: Q.ssim(*[torch.rand(1, 3, 16, 16, 2)] * 2),
    ),
    (ValueError, r"^x and y of \(10, 40\).*smaller kernel_size$", lambda: Q.ssim(SMALL, SMALL)),
    (ValueError, r"^kernel_size must be odd", lambda: Q.SSIMLoss(kernel_size=8)),
    (ValueError, r"^kernel_sigma must be positive", lambda: Q.ssim(IMAGE, IMAGE, kernel_sigma=0)),
    (
        ValueError,
        r"reduction must be one of 'none', 'mean', 'sum'",
        lambda: Q.TVLoss(reduction="image"),
    ),
    (
        ValueError,
        r"norm_type must be one of 'l1', 'l2'",
        lambda: Q.total_variation(IMAGE, norm_type="l3"),
    ),
    (ValueError, r"^x must be gray .* or RGB", lambda: Q.gmsd(IMAGE[:, :2], IMAGE[:, :2])),
    (
        ValueError,
        r"fewer scale_weights or a smaller kernel_size",
        lambda: Q.multi_scale_ssim(IMAGE, IMAGE),
    ),
    (
        ValueError,
        r"weights must have one number for each of the 2",
        lambda: Q.ContentLoss(layers=("a", "b")),
    ),
    (ValueError, r"replace_pooling must be False", lambda: Q.LPIPS(replace_pooling=True)),
    (ValueError, r"mean must be .*scale the images to \[0, 1\]", lambda: Q.DISTS(mean=[0, 0, 0])),
]


def test_errors_name_the_arguments_of_the_call() -> None:
    for error, message, call in WRONG:
        with pytest.raises(error, match=message) as caught:
            call()
        assert "pred" not in str(caught.value)
        assert "target" not in str(caught.value)


def test_options_are_attributes() -> None:
    loss = compat.piq.SSIMLoss(reduction="sum")
    assert "reduction='sum'" in repr(loss)
    before = loss(IMAGE, 0.5 * IMAGE)
    loss.kernel_size = 7
    assert loss(IMAGE, 0.5 * IMAGE) != before
