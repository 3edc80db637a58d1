"""Luma and YCbCr against their standards and the implementations that use them."""

from __future__ import annotations

import math

import battery
import numpy as np
import photographs
import pytest
import reference
import torch
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import color
from ssimloss.color.luma import LUMA
from ssimloss.color.pu21 import PARAMETERS, PU21S

TRANSFORMS = (
    color.rgb_to_ycbcr,
    color.ycbcr_to_rgb,
    color.rgb_to_lab,
    color.rgb_to_oklab,
    color.rgb_to_hsluv,
)
STANDARDS = ("bt601_studio", "bt601", "matlab", "bt709")


def primaries(data_range: float = 1.0) -> torch.Tensor:
    """Red, green, blue, white and black pixels, ``(1, 3, 1, 5)``."""
    return (
        torch.cat((torch.eye(3, dtype=torch.float64), torch.ones(3, 1), torch.zeros(3, 1)), 1).view(
            1, 3, 1, 5
        )
        * data_range
    )


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standard", "expected"),
    [
        ("bt601_studio", [81.481, 144.553, 40.966, 235.0, 16.0]),
        ("bt601", [76.245, 149.685, 29.07, 255.0, 0.0]),
        (
            "matlab",
            [0.298936021293775 * 255, 0.587043074451121 * 255, 0.114020904255103 * 255, 255.0, 0.0],
        ),
        ("bt709", [54.213, 182.376, 18.411, 255.0, 0.0]),
    ],
)
def test_luma_of_primaries(standard: str, expected: list[float]) -> None:
    actual = color.luma(primaries(255), standard, data_range=255)
    battery.close(actual, torch.tensor(expected, dtype=torch.float64).view(1, 1, 1, 5))
    battery.close(color.luma(primaries(), standard) * 255, actual)


def test_ycbcr_of_primaries() -> None:
    expected = [
        [81.481, 144.553, 40.966, 235, 16],
        [90.203, 53.797, 240, 128, 128],
        [240, 34.214, 109.786, 128, 128],
    ]
    battery.close(
        color.rgb_to_ycbcr(primaries(255), 255),
        torch.tensor(expected, dtype=torch.float64).view(1, 3, 1, 5),
    )


@pytest.mark.parametrize("standard", ["bt601_studio", "bt601"])
def test_reference(standard: str) -> None:
    x, _ = photographs.arrays("odd")
    battery.close(
        color.luma(torch.from_numpy(x), standard), torch.from_numpy(reference.luma(x, standard))
    )


def test_other_programs() -> None:
    import kornia
    import skimage.color

    image, _ = photographs.tensors("mixed")
    array = image[0].permute(1, 2, 0).numpy()
    ycbcr = torch.from_numpy(skimage.color.rgb2ycbcr(array)).permute(2, 0, 1)[None]
    battery.close(color.luma(image) * 255, ycbcr[:, :1])
    battery.close(color.rgb_to_ycbcr(image) * 255, ycbcr)
    battery.close(color.ycbcr_to_rgb(ycbcr, 255), image * 255)
    battery.close(color.luma(image, "bt601"), kornia.color.rgb_to_y(image))
    battery.close(
        color.luma(image, "bt601")[0, 0], torch.from_numpy(skimage.color.rgb2yiq(array)[..., 0])
    )


def test_matlab_rgb2gray() -> None:
    """The original's own matrix, to its printed digits, and its uint8 result on a photograph to the
    last bit.
    """
    row = np.linalg.inv([[1.0, 0.956, 0.621], [1.0, -0.272, -0.647], [1.0, -1.106, 1.703]])[0]
    battery.close(
        torch.tensor(LUMA["matlab"][0], dtype=torch.float64), torch.from_numpy(row), 1e-14
    )
    _, target = photographs.case("odd")
    gray = color.luma(torch.from_numpy(reference.images(target)), "matlab", data_range=255)
    assert np.array_equal(
        (gray + 0.5).floor().byte()[0, 0].numpy(), reference.matlab_rgb2gray(target)
    )


def test_standards_differ() -> None:
    image, _ = photographs.tensors("odd")
    values = [color.luma(image, standard) for standard in STANDARDS]
    for i, value in enumerate(values):
        for other in values[:i]:
            with pytest.raises(AssertionError, match="off by"):
                battery.close(value, other, 1e-5)
    with pytest.raises(AssertionError, match="off by"):
        battery.close(color.luma(image.flip(1)), values[0], 1e-3)  # BGR


# --- properties -----------------------------------------------------------------------------------


def test_studio_range_is_the_classic_decibel() -> None:
    pred, target = photographs.tensors("even")
    studio, full = (
        F.psnr(color.luma(pred, standard), color.luma(target, standard))
        for standard in ("bt601_studio", "bt601")
    )
    battery.close(studio - full, 20 * math.log10(255 / 219), 1e-11)


@pytest.mark.parametrize("standard", STANDARDS)
def test_data_range(standard: str) -> None:
    image, _ = battery.pictures()
    unit = color.luma(image, standard)
    battery.close(color.luma(2 * image - 1, standard, data_range=(-1, 1)), 2 * unit - 1)
    battery.close(color.luma(65535 * image, standard, data_range=65535), 65535 * unit)


def test_round_trip() -> None:
    image, _ = battery.pictures()
    for data_range, scaled in ((1.0, image), (255.0, 255 * image), ((-1.0, 1.0), 2 * image - 1)):
        battery.close(
            color.ycbcr_to_rgb(color.rgb_to_ycbcr(scaled, data_range), data_range), scaled
        )
        battery.close(
            color.rgb_to_ycbcr(scaled, data_range)[:, :1], color.luma(scaled, data_range=data_range)
        )


def test_oklab_of_primaries() -> None:
    """The digits that its author and CSS Color 4 print: red, green, blue, white, black."""
    expected = [
        [0.627955, 0.866440, 0.452014, 1, 0],
        [0.224863, -0.233888, -0.032457, 0, 0],
        [0.125846, 0.179498, -0.311528, 0, 0],
    ]
    found = color.rgb_to_oklab(primaries(255), 255)
    battery.close(found, torch.tensor(expected, dtype=torch.float64).view(1, 3, 1, 5), 1e-6)


def test_lab_is_that_of_scikit_image() -> None:
    from skimage.color import rgb2lab

    image, _ = battery.pictures()
    expected = rgb2lab(image.permute(0, 2, 3, 1).numpy())
    battery.close(color.rgb_to_lab(image).permute(0, 2, 3, 1), torch.as_tensor(expected))


# Codes of 10000 cd/m^2 as the SI/TI programs of ITU-T P.910 print them.
BRIGHTEST = {"banding": 520.4673, "banding_glare": 595.3939, "peaks": 380.9853}
BRIGHTEST["peaks_glare"] = 407.5066


@pytest.mark.parametrize("variant", PU21S)
def test_pu21(variant: color.PU21) -> None:
    """Against the inverse of the equation, in steps of luminance from black to the brightest."""
    luminance = torch.logspace(math.log10(0.005), 4, 50, dtype=torch.float64).view(1, 1, 5, 10)
    codes = color.pu21_encode(luminance, variant=variant)
    p1, p2, p3, p4, p5, p6, p7 = (np.float64(p) for p in PARAMETERS[variant])
    root = (codes.numpy() / p7 + p6) ** (1 / p5)
    battery.close(torch.tensor(((root - p1) / (p2 - p3 * root)) ** (1 / p4)), luminance, 1e-9)
    assert abs(codes.flatten()[0]) < 2e-7  # printed as 0
    assert abs(codes.flatten()[-1] - BRIGHTEST[variant]) < 5.1e-5
    hundred = color.pu21_encode(torch.full((1, 1, 1, 1), 100.0), variant=variant).item()
    assert abs(hundred - 256) < 6
    if variant == "banding_glare":
        battery.close(color.pu21_encode(luminance), codes)


def test_pu21_beyond_its_range() -> None:
    """Values and slopes stay those of the ends, also for values that are not finite."""
    values = [-5.0, 0.0, 0.005, 1e4, 2e4, math.inf, -math.inf]
    image = torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1).requires_grad_()
    codes = color.pu21_encode(image)
    codes.sum().backward()
    ends = torch.tensor([2, 2, 2, 3, 3, 3, 2])
    assert torch.equal(codes.flatten(), codes.flatten()[ends])
    assert image.grad is not None
    slopes = image.grad.flatten()
    assert torch.equal(slopes[:5], slopes[ends[:5]])
    assert (slopes[:5] > 1e-3).all()
    assert (slopes[5:] == 0).all()
    assert color.pu21_encode(torch.full((1, 1, 1, 1), math.nan)).isnan().all()


def test_pu21_gradient_and_dtypes() -> None:
    image = 10 ** (4 * torch.rand(2, 3, 4, 5, dtype=torch.float64)) / 2
    assert torch.autograd.gradcheck(color.pu21_encode, (image.requires_grad_(),))
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        rounded = image.detach().to(dtype)
        codes = color.pu21_encode(rounded)
        assert codes.dtype is torch.float32
        battery.close(codes, color.pu21_encode(rounded.double()).float(), 1e-6)
    compiled = torch.compile(color.pu21_encode, fullgraph=True, backend="aot_eager")
    battery.close(compiled(image), color.pu21_encode(image), 1e-14)


def test_pu21_errors() -> None:
    image = torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match=r"variant must be one of 'banding', .* got 'glare'"):
        color.pu21_encode(image, variant="glare")
    with pytest.raises(TypeError, match="image must be floating point"):
        color.pu21_encode(image.byte())
    with ssimloss.debug(), pytest.raises(ValueError, match="pu21_encode: image must be finite"):
        color.pu21_encode(image / 0)


# --- gradient, dtypes -----------------------------------------------------------------------------


def test_derivative() -> None:
    image = torch.rand(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    for transform in (color.luma, *TRANSFORMS):
        assert torch.autograd.gradcheck(transform, (image,))


def to_vectors(image: Tensor) -> Tensor:
    """The hue in the first channel, from 0 to 360, as a vector of length 100."""
    angle = torch.deg2rad(image[:, :1].double())
    return torch.cat((100 * angle.cos(), 100 * angle.sin()), 1).to(image.dtype)


@pytest.mark.parametrize(
    "transform",
    [color.luma, *TRANSFORMS],
    ids=lambda transform: transform.__name__,
)
def test_dtypes_layouts_and_empty(transform: object) -> None:
    image, _ = battery.pictures()
    powers = transform in TRANSFORMS[2:]
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        rounded = image.to(dtype)
        assert transform(rounded).dtype is dtype
        # Those with powers subtract nearly equal planes, times up to 500, and so their rounding.
        steps = 4 if powers else 1
        found, expected = transform(rounded), transform(rounded.double())
        if transform is color.rgb_to_hsluv:  # hues 0 and 359.9 are neighbours
            found, expected = (torch.cat((to_vectors(x), x[:, 1:]), 1) for x in (found, expected))
        battery.close(found, expected, steps * torch.finfo(dtype).eps)
    # Vector and scalar code round the last bit of a power differently.
    last = image.to(memory_format=torch.channels_last)
    battery.close(transform(last), transform(image), 1e-15 if powers else 0)
    assert transform(image[:0]).shape[0] == 0
    compiled = torch.compile(transform, fullgraph=True, backend="aot_eager")
    battery.close(compiled(image), transform(image), 1e-14)


# --- errors ---------------------------------------------------------------------------------------


def test_bad_arguments() -> None:
    image = torch.rand(1, 3, 8, 8)
    with pytest.raises(
        ValueError,
        match="standard must be one of 'bt601_studio', 'bt601', 'matlab', 'bt709', got 'rec601'",
    ):
        color.luma(image, "rec601")
    for transform in (color.luma, *TRANSFORMS):
        with pytest.raises(
            ValueError,
            match=r"image must have three channels .*got 4 in shape \(1, 4, 8, 8\); remove the "
            r"alpha channel",
        ):
            transform(torch.rand(1, 4, 8, 8))
        with pytest.raises(
            ValueError,
            match=r"image must have three channels .*got 1 .*a gray image is its own luma",
        ):
            transform(image[:, :1])
        with pytest.raises(
            ValueError, match=r"got 8 in shape \(1, 8, 9, 3\); channels are the second dimension"
        ):
            transform(torch.rand(1, 8, 9, 3))
        with pytest.raises(
            ValueError, match=r"image must have shape \(N, C, H, W\), got \(3, 8, 8\)"
        ):
            transform(image[0])
        with pytest.raises(TypeError, match=r"image must be floating point, got torch.uint8"):
            transform(image.byte())
        with pytest.raises(ValueError, match="data_range must span a positive interval, got 0"):
            transform(image, data_range=0)
