"""Full-reference measures of gradients, colours and wavelets: compared with the equations of their
papers, and what only one of them guarantees. ``test_every_loss.py`` tests what every loss
guarantees, ``test_parity.py`` compares with other libraries.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

import battery
import photographs
import pytest
import reference
import torch
from torch import Tensor

import ssimloss.functional as F
from ssimloss import conventions
from ssimloss.kernels import why_not


def pair(height: int, width: int, channels: int = 3) -> tuple[Tensor, Tensor]:
    """Two photographs and their degraded copies."""
    pred, target = photographs.batch(height, width)
    return pred[:2, :channels], target[:2, :channels]


# Odd sides and gray in another range; options that the conventions of test_parity.py do not have.
REFERENCES: dict[str, tuple[Callable[..., Tensor], Callable[..., object], dict, dict]] = {
    "ms_gmsd": (F.ms_gmsd, reference.ms_gmsd, {"scale_weights": (0.2, 0.8)}, {}),
    "fsim": (F.fsim, reference.fsim, {}, {}),
    "vsi": (F.vsi, reference.vsi, {"alpha": 0.6, "beta": 0.3}, {}),
    "sr_sim": (
        F.sr_sim,
        reference.sr_sim,
        {"alpha": 0.3, "planes": "yiq"},
        {"alpha": 0.3, "color": True},
    ),
    "mdsi": (F.mdsi, reference.mdsi, {"alpha": 0.3}, {}),
    "haarpsi": (F.haarpsi, reference.haarpsi, {"c": 5.0, "alpha": 5.8}, {}),
    "ciede2000": (
        F.ciede2000,
        reference.ciede2000,
        {"k_l": 2.0, "k_c": 0.5, "k_h": 1.5},
        {"k": (2.0, 0.5, 1.5)},
    ),
    "vif": (F.vif, reference.vif, {"noise": 0.4}, {}),
    "vif_wavelet": (F.vif_wavelet, reference.vif_wavelet, {"levels": 3, "noise": 2.0}, {}),
    "psnr_hvs": (F.psnr_hvs, reference.psnr_hvs, {}, {}),
    "psnr_hvs_m": (F.psnr_hvs_m, functools.partial(reference.psnr_hvs, masks=True), {}, {}),
    "dss": (F.dss, reference.dss, {"sigma": 1.2, "worst": 0.3}, {}),
    "mad": (F.mad, reference.mad, {"pixels_per_degree": 48.0, "blend": (2.0, 3.0)}, {}),
    "enhanced_ssim": (
        F.enhanced_ssim,
        reference.enhanced_ssim,
        {"window_size": 4, "stride": 3, "viewing_distance": 5.0},
        {},
    ),
    "nlpd": (F.nlpd, reference.nlpd, {}, {}),
    "cw_ssim": (F.cw_ssim, reference.cw_ssim, {"levels": 2, "orientations": 5, "k": 0.3}, {}),
    "iw_ssim": (F.iw_ssim, reference.iw_ssim, {"scale_weights": (0.2, 0.5, 0.4), "noise": 2.0}, {}),
    "flip": (F.flip, reference.flip, {"pixels_per_degree": 25.0}, {}),
    "ssimulacra2": (F.ssimulacra2, reference.ssimulacra2, {}, {}),
    "ms_swd": (
        F.ms_swd,
        reference.ms_swd,
        {"scales": 3, "projections": 6, "patch_size": 5, "seed": 7},
        {},
    ),
    "color_consistency": (
        F.color_consistency,
        reference.color_consistency,
        {"space": "oklab", "planes": "all", "downscale": 4},
        {},
    ),
}
SIDES = {"ssimulacra2": (115, 114)}  # six scales, odd sides on the way


@pytest.mark.parametrize("name", REFERENCES)
def test_equals_the_paper(name: str) -> None:
    function, paper, options, others = REFERENCES[name]
    for channels, low, scale in ((3, 0.0, 1.0), (1, -1.0, 2.0)):
        pred, target = (scale * image + low for image in pair(*SIDES.get(name, (45, 42)), channels))
        data_range = (low, low + scale)
        expected = paper(pred.numpy(), target.numpy(), data_range=data_range, **(others or options))
        found = function(pred, target, data_range=data_range, reduction="image", **options)
        battery.close(found, torch.as_tensor(expected), 1e-10)


@pytest.mark.parametrize("name", REFERENCES)
def test_errors_name_channels_and_sides(name: str) -> None:
    function = REFERENCES[name][0]
    with pytest.raises(ValueError, match=r"gray \(N, 1, H, W\) or RGB \(N, 3, H, W\), got .*4, 32"):
        function(torch.rand(1, 4, 32, 32), torch.rand(1, 4, 32, 32))


NAN_OPTIONS: dict[str, dict] = {
    "enhanced_ssim": {"viewing_distance": 3.0},
    "iw_ssim": {"scale_weights": (0.3, 0.7)},
    "vif_wavelet": {"levels": 3},
    "cw_ssim": {"levels": 2},
    "ms_swd": {"scales": 2, "projections": 4},
    "ssimulacra2": {"min_size": "fewer_scales"},
    "wavelet": {"wavelet": "sym7", "transform": "decimated"},
}
OF_IMAGES = [*REFERENCES, "wavelet", "ldl", "gmsd"]


@pytest.mark.parametrize("name", OF_IMAGES)
def test_nan_in_an_image_is_its_value_alone(name: str) -> None:
    """At a corner and inside, near detail and in a flat image, with and without the kernels."""
    function, options = getattr(F, name), {"reduction": "image", **NAN_OPTIONS.get(name, {})}
    for dtype, corner in ((torch.float32, True), (torch.float64, False)):
        pred, target = (image[:3].to(dtype) for image in photographs.batch(45, 42))
        pred[2] = target[2] = 0.5
        before = function(pred, target, **options)
        for spoilt, images in ((1, pred), (2, pred), (1, target)):
            row, column = (0, 0) if corner else (20, 21)
            kept = images[spoilt].clone()
            images[spoilt, 1, row, column] = torch.nan
            found = function(pred, target, **options)
            images[spoilt] = kept
            assert found.isnan().tolist() == [i == spoilt for i in range(3)]
            others = [i for i in range(3) if i != spoilt]
            assert torch.equal(found[others], before[others])


# Pairs of colours in CIELAB and their difference, from the test data of Sharma, Wu & Dalal 2005:
# blue, where hue turns; gray; mean hues about 180 degrees; far apart; ordinary.
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
]


@pytest.mark.parametrize(("one", "two", "expected"), SHARMA)
def test_published_colour_differences(one: tuple, two: tuple, expected: float) -> None:
    assert reference.ciede2000_of_lab(one, two) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("function", [F.psnr_hvs, F.psnr_hvs_m])
def test_weighted_psnr_has_a_finite_gradient(function: Callable[..., Tensor]) -> None:
    """At equal images, where it is infinite, at flat ones and at subnormal numbers; alive at flat
    ones.
    """
    _, target = pair(40, 50)
    flat = torch.full_like(target, 0.5)
    for pred, scale in ((target, 1), (flat, 1), (0 * flat, 1), (2 * target, 1e-40), (flat, 1e-25)):
        images = [(scale * image).float().requires_grad_() for image in (pred, target)]
        value = function(*images)
        value.backward()
        assert value.isposinf() if pred is target else not value.isnan()
        assert all(image.grad.isfinite().all() for image in images if image.grad is not None)
        if pred is flat and scale == 1:
            assert images[0].grad is not None
            assert (images[0].grad.abs().amax((2, 3)) > 0).all()


def test_masked_differences_do_not_count() -> None:
    """A faint pattern in a busy block is masked, in a flat one it is not; a mean never is."""
    generator = torch.Generator().manual_seed(0)
    busy = torch.rand(1, 1, 16, 16, generator=generator, dtype=torch.float64)
    pattern = torch.cos(torch.pi * 7 * (2 * torch.arange(16.0).double() + 1) / 16) / 255
    assert F.psnr_hvs_m(busy + pattern, busy) > 200  # of roundings
    assert F.psnr_hvs(busy + pattern, busy) < 80
    assert F.psnr_hvs_m(busy + 1 / 255, busy) == pytest.approx(F.psnr_hvs(busy + 1 / 255, busy))
    flat = torch.full_like(busy, 0.5)
    assert F.psnr_hvs_m(flat + pattern, flat) < 80


def test_dct_subbands_count_the_worst_positions() -> None:
    """Two of 40 blocks, three of 50: MATLAB rounds halves up, piq to even. One of few blocks."""
    for sides, both in (((64, 40), True), ((80, 40), False)):
        pred, target = pair(*sides)
        found = F.dss(pred, target, reduction="image")
        other = conventions.DSS["piq"](pred, target, reduction="image")
        assert torch.equal(found, other) is both
    pred, target = pair(80, 40)
    three = F.dss(pred, target, worst=0.06)
    battery.close(three, F.dss(pred, target))
    tiny = F.dss(pred[..., :8, :8], target[..., :8, :8])
    assert 0 < tiny < 1
    with pytest.raises(ValueError, match="worst must be above 0"):
        F.dss(pred, target, worst=0.0)
    with pytest.raises(ValueError, match=r"sigma must be at least 0\.24"):
        F.dss(pred, target, sigma=0.1)


def test_information_of_flat_blocks_far_beyond_the_range() -> None:
    """In float32, the variance that the covariance leaves unexplained is not negative."""
    rows, columns = torch.arange(181)[:, None], torch.arange(193)
    pred, target = (
        100 * ((rows // high + columns // wide) % 2).float().expand(1, 1, -1, -1)
        for high, wide in ((16, 16), (13, 19))
    )
    value, gradient = battery.differentiate(F.iw_ssim, pred, target)
    assert 0 < value < 1
    assert gradient.isfinite().all()


def test_second_derivatives_where_eigenvalues_coincide() -> None:
    """Of a reference that is equal to its rotation by 90 degrees, pairs of eigenvalues are equal.
    Flat and periodic references have many that are 0.
    """
    noise = torch.rand(1, 1, 25, 25, generator=torch.Generator().manual_seed(0)).double()
    turned = torch.stack([noise.rot90(k, (2, 3)) for k in range(4)]).mean(0)
    pred = 0.7 * turned + 0.3 * noise
    stripes = (torch.arange(25) % 2).double().expand_as(noise)

    def slope(target: Tensor, *, graph: bool = False) -> Tensor:
        target.requires_grad_()
        value = F.iw_ssim(pred, target, scale_weights=(0.5, 0.5))
        return torch.autograd.grad(value, target, create_graph=graph)[0]

    flat = torch.full_like(noise, 0.3)
    for case, target in {"flat": flat, "stripes": stripes, "turned": turned}.items():
        (second,) = torch.autograd.grad((slope(target, graph=True) * noise).sum(), target)
        assert second.isfinite().all(), case
    step = 1e-6 * noise
    difference = slope(turned.detach() + step) - slope(turned.detach() - step)
    battery.close(second, difference / 2e-6, 1e-6)


def test_flat_images_learn_from_dct_subbands() -> None:
    """Where deviations are 0, which is where piq's gradient is NaN."""
    _, target = pair(64, 64)
    flat = torch.full_like(target, 0.5).requires_grad_()
    F.dss_loss(flat, target).backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()
    step = flat.detach() - 0.1 * flat.grad / flat.grad.abs().amax()
    assert F.dss_loss(step, target) < F.dss_loss(flat.detach(), target)


def test_invisible_errors_are_no_distortion() -> None:
    """A change of brightness alone, and anything against black; noise in a flat image shows."""
    flat = torch.full((1, 1, 40, 44), 0.5, dtype=torch.float64)
    noise = 0.1 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(0)).double()
    for pred, target, visible in (
        (flat + 0.1, flat, False),
        (flat + noise, 0 * flat, False),
        (flat + noise, flat, True),
        (flat, flat + noise, True),
    ):
        image = pred.clone().requires_grad_()
        value = F.mad(image, target)
        value.backward()
        assert image.grad is not None
        assert image.grad.isfinite().all()
        assert (value > 10) if visible else (value == 0)
        assert image.grad.any() == visible
    with pytest.raises(ValueError, match="at least 34 pixels on the short side"):
        F.mad(flat[..., :33], flat[..., :33])
    with pytest.raises(ValueError, match="blend must be two numbers"):
        F.mad(flat, flat, blend=(1.0,))


def large_prime_sides(
    function: Callable[..., Tensor], *, flat_target: bool = True, **options: object
) -> None:
    """Noise against a flat image, at sides whose Fourier transforms round most."""
    for height, width in ((131, 40), (65, 62)):
        generator = torch.Generator().manual_seed(1)
        noise = torch.rand(1, 1, height, width, generator=generator)
        flat = torch.full_like(noise, 0.3337)
        for pred, target in ((flat, noise), (noise, flat))[: 1 + flat_target]:
            (value, slope), (exact, exact_slope) = (
                battery.differentiate(function, pred.to(dtype), target.to(dtype), **options)
                for dtype in (torch.float32, torch.float64)
            )
            battery.close(value, exact, 1e-5)
            battery.close(slope, exact_slope, 1e-3)


@pytest.mark.parametrize("backend", ["eager", "cpu"])
def test_flat_images_have_no_phase_congruency(backend: str) -> None:
    """The rounding of a transform's mean is no structure: the slope was 1e5 times as steep."""
    if why_not(backend) is not None:
        pytest.skip(f"no backend {backend}")
    large_prime_sides(F.fsim_loss, backend=backend)


def test_complex_wavelets_of_flat_images_have_no_phase() -> None:
    """The slope of a flat image points to the phase of the target, not to that of rounding."""
    large_prime_sides(F.cw_ssim_loss, flat_target=False, levels=2)


def test_most_apparent_distortion_of_flat_images_in_every_dtype() -> None:
    """What counts as rounding does not depend on the dtype; values differed by 9 %."""
    large_prime_sides(F.mad)


@pytest.mark.parametrize("convention", ["larson2010", "pyiqa"])
def test_most_apparent_distortion_of_one_image_out_of_range(convention: str) -> None:
    """Its fourth powers exceed float32."""
    noise, other = torch.rand(2, 1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    function = conventions.MAD[convention]
    for pred, target in ((1e7 * noise, other), (other, 1e7 * noise)):
        image = pred.clone().requires_grad_()
        value = function(image, target)
        (slope,) = torch.autograd.grad(value, image)
        battery.close(value, function(pred.double(), target.double()), 1e-5)
        assert slope.isfinite().all()


def test_variation_of_similarity() -> None:
    """Worse images keep larger values where the mean is negative; of a mask, only what is shown
    counts; a uniformly bad image is near 0.
    """
    pred, target = pair(64, 72, 1)
    options = {"viewing_distance": 3.0}
    value = F.enhanced_ssim(pred, target, **options)
    negative = (1 - target).requires_grad_()
    worst = F.enhanced_ssim(negative, target, viewing_distance=1.0)
    worst.backward()
    assert worst > 1 > value
    assert negative.grad is not None
    assert negative.grad.isfinite().all()
    assert F.enhanced_ssim(0 * pred, target, **options) < value
    mask = torch.ones_like(target)
    mask[..., 30:] = 0
    hidden = torch.where(mask > 0, pred, 1 - pred)
    shown = F.enhanced_ssim(pred, target, mask=mask, **options)
    battery.close(F.enhanced_ssim(hidden, target, mask=mask, **options), shown)
    assert abs(shown - value) > 0.01 * value
    with pytest.raises(
        ValueError, match=r"shrunk to \(10, 12\), are smaller than the window of 11"
    ):
        F.enhanced_ssim(pred[..., :40, :48], target[..., :40, :48])


def test_sliced_distance_ignores_places_and_takes_the_seed() -> None:
    """Mirrored patches of one pixel are the same set; another seed is another number, the same one
    in each call; a flat image learns colours.
    """
    pred, target = pair(24, 24)
    options = {"scales": 1, "patch_size": 1, "projections": 8}
    battery.close(F.ms_swd(target.flip(3), target, **options), torch.zeros(()).double(), 1e-12)
    one, two = F.ms_swd(pred, target, **options), F.ms_swd(pred, target, seed=1, **options)
    assert torch.equal(one, F.ms_swd(pred, target, **options))
    assert not torch.equal(one, two)
    flat = torch.full_like(target, 0.1).requires_grad_()
    F.ms_swd(flat, target, **options).backward()
    assert flat.grad is not None
    step = flat.detach() - 0.05 * flat.grad / flat.grad.abs().amax()
    assert F.ms_swd(step, target, **options) < F.ms_swd(flat.detach(), target, **options)
    for wrong, match in (
        ({"patch_size": 4}, "patch_size must be odd, got 4"),
        ({"seed": -1}, "seed must be at least 0"),
    ):
        with pytest.raises(ValueError, match=match):
            F.ms_swd(pred, target, **wrong)
    with pytest.raises(ValueError, match="at least 81 pixels on the short side, for 5 scales"):
        F.ms_swd(pred, target)


# White against a saturated colour near white, where a published hue loss is 0; gray, black and
# white against a colour, and against themselves.
COLOR_EDGES = {
    "near white": ((1.0, 1.0, 1.0), (1.0, 0.97, 1.0)),
    "gray": ((0.5, 0.5, 0.5), (0.5, 0.6, 0.5)),
    "black": ((0.0, 0.0, 0.0), (0.2, 0.0, 0.0)),
    "near black": ((0.0, 0.0, 0.0), (0.004, 0.0, 0.0)),
}


@pytest.mark.parametrize("space", ["cielab", "oklab", "ycbcr"])
@pytest.mark.parametrize("edge", COLOR_EDGES)
def test_colors_at_the_edges_of_the_cube(space: str, edge: str) -> None:
    """The gradient is finite, points to the missing colour, and is 0 at equal colours."""
    pred, target = (
        torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 4, 4) for colour in COLOR_EDGES[edge]
    )
    for distance in ("euclidean", "l1"):
        image = pred.clone().requires_grad_()
        F.color_consistency(image, target, space=space, distance=distance).backward()
        assert image.grad is not None
        assert image.grad.isfinite().all()
        assert ((image.grad * (target - pred)).sum((1, 2, 3)) < 0).all()
        equal = pred.clone().requires_grad_()
        F.color_consistency(equal, pred, space=space, distance=distance).backward()
        assert equal.grad is not None
        assert (equal.grad == 0).all()


def test_gray_images_have_no_chroma_to_learn() -> None:
    """What rounding makes of their chroma has no gradient: float32 agrees with float64."""
    gray = torch.rand(2, 1, 24, 24, generator=torch.Generator().manual_seed(4)) * 0.6 + 0.2
    for pair in (gray, torch.tensor([0.3, 0.7]).view(2, 1, 1, 1).expand(-1, -1, 24, 24)):
        found = []
        for dtype in (torch.float32, torch.float64):
            pred, target = pair.to(dtype).expand(-1, 3, -1, -1).split(1)
            pred = pred.clone().requires_grad_()
            found.append(torch.autograd.grad(F.flip(pred, target), pred)[0].double())
            distance = F.color_consistency(pred, target, space="ycbcr", distance="l1")
            assert not torch.autograd.grad(distance, pred)[0].any(), (pair.shape, dtype)
        assert float((found[0] - found[1]).norm() / found[1].norm()) < 1e-3, pair.shape


def test_nan_stays_near_in_flip() -> None:
    """Also at the first pixel, which is subtracted from the others."""
    pred, target = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(5)).unbind()
    pred[..., 0, 0] = torch.nan
    assert F.flip(pred, target, reduction="none").isnan().sum() == 121  # 21 x 21 from a corner


def test_empty_batches_of_every_color_space() -> None:
    for space in ("oklab", "cielab", "ycbcr"):
        empty = torch.rand(0, 3, 16, 16)
        found = F.color_consistency(empty, empty, space=space, reduction="image")
        assert found.shape == (0,), space


def test_lightness_alone() -> None:
    """Colour moves none of it, and both parts make up the whole."""
    pred, target = pair(24, 24)
    parts = [
        F.color_consistency(pred, target, planes=planes, reduction="none")
        for planes in ("lightness", "chroma", "all")
    ]
    battery.close(parts[0].square() + parts[1].square(), parts[2].square(), 1e-9)
    expected = reference.color_consistency(
        pred.numpy(), target.numpy(), planes="lightness", space="ycbcr", distance="l1"
    )
    options = {"planes": "lightness", "space": "ycbcr", "distance": "l1"}
    found = F.color_consistency(pred, target, reduction="image", **options)
    battery.close(found, torch.as_tensor(expected))


def test_blocks_count_their_valid_pixels() -> None:
    pred, target = pair(24, 24)
    mask = battery.hole(pred.shape)
    mask[:, :, 4:8, 8:12] = False  # a whole block
    options = {"downscale": 4, "space": "oklab"}
    hidden = torch.where(mask, pred, pred.flip(1))
    expected = F.color_consistency(pred, target, mask=mask, **options)
    battery.close(F.color_consistency(hidden, target, mask=mask, **options), expected)
    shown = F.color_consistency(pred, target, mask=mask, reduction="none", **options)
    assert (shown[:, :, 1, 2] == 0).all()
    assert not torch.equal(expected, F.color_consistency(pred, target, **options))


def test_a_flat_image_learns_the_haar_coefficients_of_the_other() -> None:
    """The magnitude of a coefficient has no derivative at 0: its slope is towards the target."""
    target = pair(40, 50, 1)[1]
    pred = torch.full_like(target, 0.5).requires_grad_()
    (gradient,) = torch.autograd.grad(F.haarpsi(pred, target, reduction="sum"), pred)
    assert ((gradient * (target - 0.5)).sum((1, 2, 3)) > 0).all()


def test_information_is_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbourhoods are collected some rows at a time."""
    pred, target = pair(45, 42)
    options = {"scale_weights": (0.4, 0.6), "reduction": "image"}
    whole = F.iw_ssim(pred, target, **options)
    module = importlib.import_module("ssimloss.functional.iw_ssim")
    monkeypatch.setattr(module, "_CHUNK_CPU", 200)
    battery.close(F.iw_ssim(pred, target, **options), whole, 1e-13)


def test_information_of_a_smooth_target_in_float32() -> None:
    """A band of a ramp holds only rounding, which is no information."""
    target = pair(64, 64, 1)[1][:1]
    target[..., :32] = torch.linspace(0, 1, 64, dtype=target.dtype)[:, None]
    pred = target + 0.05 * torch.rand(target.shape, generator=torch.Generator().manual_seed(0))
    options = {"scale_weights": (0.5, 0.5)}
    single = F.iw_ssim(pred.float(), target.float(), **options)
    battery.close(single.double(), F.iw_ssim(pred, target, **options), 1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_steepest_haarpsi(dtype: torch.dtype) -> None:
    """At the largest alpha, the value and the gradient are finite also for the most unlike."""
    target = pair(16, 16)[1].to(dtype)
    assert F.haarpsi(target, target, alpha=40) == 1
    for pred in (1 - target, torch.zeros_like(target)):
        pred.requires_grad_()
        value = F.haarpsi(pred, 255 * target, alpha=40, c=1e-3, reduction="sum")
        (gradient,) = torch.autograd.grad(value, pred)
        assert 0 <= value < 0.1
        assert gradient.isfinite().all()


def test_options_beyond_what_can_be_computed() -> None:
    images = pair(16, 16)
    with pytest.raises(ValueError, match="alpha must be at most 40, got 41; there"):
        F.haarpsi(*images, alpha=41)
    with pytest.raises(ValueError, match=r"pixels_per_degree must be at least 1, got 0\.6"):
        F.flip(*images, pixels_per_degree=0.6)


@pytest.mark.parametrize(
    "function",
    [
        F.gmsd,
        F.mdsi,
        F.ms_gmsd,
        functools.partial(F.ms_gmsd, planes="yiq"),
        F.ncc,
        F.psnr,
        functools.partial(F.ms_ssim_db, scale_weights=(0.5, 0.5)),
    ],
)
def test_an_image_without_weight_does_not_count(function: Callable[..., Tensor]) -> None:
    pred, target = pair(40, 50)
    mask = torch.ones_like(target[:, :1])
    mask[1] = 0
    expected = function(pred[:1], target[:1])
    battery.close(function(pred, target, mask=mask), expected)
    assert function(pred, target, mask=0 * mask) == 0


@pytest.mark.parametrize("function", [F.gmsd, F.ms_gmsd, F.haarpsi])
def test_a_block_weighs_as_its_lightest_pixel(function: Callable[..., Tensor]) -> None:
    """With one hidden pixel in each block of 2 x 2, nothing is left."""
    pred, target = pair(40, 50, 1)
    mask = torch.ones_like(target)
    mask[..., ::2, 1::2] = 0
    assert function(pred, target) != 0
    assert function(pred, target, mask=mask) == 0


def test_flip_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some rows at a time: the same map and gradients of the first and second order."""
    pred, target = (image[:2].requires_grad_() for image in pair(45, 42))
    module = importlib.import_module("ssimloss.functional.flip")
    calls, found = [], []
    one = module._difference
    monkeypatch.setattr(
        module, "_difference", lambda *planes: calls.append(planes[0].shape[2]) or one(*planes)
    )
    for step in (2**16, 2000):
        monkeypatch.setattr(module, "_STEP", step)
        value = F.flip(pred, target, pixels_per_degree=20.0, reduction="none")
        plain = torch.autograd.grad(value.sum(), (pred, target))
        value = F.flip(pred, target, pixels_per_degree=20.0, reduction="none")
        first = torch.autograd.grad(value.square().sum(), (pred, target), create_graph=True)
        (second,) = torch.autograd.grad(first[0].square().sum(), pred)
        found.append((value.detach(), *plain, *(each.detach() for each in first), second))
    assert calls[0] == 45
    assert {11, 1} <= {*calls}  # 45 rows in steps of 11
    for some, whole in zip(*found, strict=True):
        battery.close(some, whole, 1e-12)


def test_vif_wavelet_second_derivatives() -> None:
    """Against differences of gradients; finite where eigenvalues coincide."""
    pred, target = (image[:1] for image in pair(20, 24, 1))
    generator = torch.Generator().manual_seed(0)
    to_pred, to_target = torch.randn(2, *pred.shape, generator=generator, dtype=torch.float64)

    def slopes(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
        gradients = torch.autograd.grad(F.vif_wavelet(x, y, levels=2), (x, y), create_graph=True)
        along = (gradients[0] * to_pred).sum() + (gradients[1] * to_target).sum()
        return (*gradients, *torch.autograd.grad(along, (x, y)))

    step = 1e-6
    after = slopes(pred + step * to_pred, target + step * to_target)
    before = slopes(pred - step * to_pred, target - step * to_target)
    seconds = slopes(pred, target)[2:]
    for plus, minus, second in zip(after[:2], before[:2], seconds, strict=True):
        difference = (plus - minus).detach() / (2 * step)
        assert (difference - second).norm() < 1e-6 * second.norm()
    stripes = target[:, :, :1].expand_as(target).contiguous()
    for reference_image in (torch.full_like(target, 0.5), stripes):
        assert all(slope.isfinite().all() for slope in slopes(pred, reference_image))
    assert F.vif_wavelet(pred, torch.full_like(target, 0.5), levels=2) == 1
    with pytest.raises(ValueError, match=r"at least 72 pixels on the short side, for 4 levels"):
        F.vif_wavelet(pred, target)
