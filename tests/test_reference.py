"""The reference itself: closed forms, cases worked by hand, scikit-image, and every golden number
of the original implementations.
"""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import numpy as np
import photographs
import pytest
import reference

from ssimloss import weights
from ssimloss.functional._wavelets import filters

# Of pairs of photographs; those of clips are in test_vmaf.py.
GOLDENS = sorted(
    path for path in (Path(__file__).parent / "goldens").glob("*.json") if path.stem != "libvmaf"
)


# --- original implementations ---------------------------------------------------------------------


@functools.cache
def pair_u8(case: str) -> tuple[np.ndarray, np.ndarray]:
    return photographs.case(case)


def pair(case: str) -> list[np.ndarray]:
    """``(N, C, H, W)``, 0..255."""
    if case == "batch":
        return [
            images.transpose(0, 3, 1, 2).astype(np.float64) for images in photographs.batch_u8()
        ]
    return [reference.images(image) for image in pair_u8(case)]


@functools.cache
def ssim(case: str, padding: str = "valid") -> float:
    return reference.ssim(*pair(case), data_range=255.0, padding=padding)


@functools.cache
def ms_ssim(case: str, negative: str, pooling: str) -> float:
    return float(
        reference.ms_ssim(*pair(case), data_range=255.0, negative=negative, pooling=pooling).mean()
    )


@functools.cache
def matlab_plane(case: str, channel: str) -> list[np.ndarray]:
    """``(1, 1, H, W)`` of one channel, or of rgb2gray; gray images as they are."""
    if channel in ("R", "G", "B"):
        images = [image[..., "RGB".index(channel)] for image in pair_u8(case)]
    else:
        images = [
            image if image.shape[2] == 1 else reference.matlab_rgb2gray(image)
            for image in pair_u8(case)
        ]
    return [reference.images(image) for image in images]


@functools.cache
def matlab_terms(case: str, channel: str) -> np.ndarray:
    """Of the older code, whose two methods share them."""
    return reference.ms_ssim_terms(*matlab_plane(case, channel), data_range=255.0).ravel()


def wang_matlab(case: str, quantity: str, options: dict) -> tuple[float, float]:
    """The value and the tolerance, as in the functions below: double precision, so 1e-12."""
    pred, target = pair_u8(case)
    if quantity.startswith("sum of rgb2gray"):
        image = pred if "pred" in quantity else target
        return float(
            np.sum(
                image if image.shape[2] == 1 else reference.matlab_rgb2gray(image), dtype=np.int64
            )
        ), 0
    x, y = matlab_plane(case, options["channel"])
    if quantity == "ssim_index":
        return reference.ssim(x, y, data_range=255.0), 1e-12
    if quantity == "ssim":
        return reference.ssim(x, y, data_range=255.0, downsample="matlab"), 1e-12
    if quantity == "msssim":
        return reference.ms_ssim(
            x, y, data_range=255.0, pooling="symmetric", method=options["method"]
        ).item(), 1e-12
    # the older code drops odd rows and leaves the coarsest term without its weight
    terms = matlab_terms(case, options["channel"])
    weights = np.array(reference.MS_SSIM_WEIGHTS[:4])
    if options["method"] == "product":
        return float(np.prod(terms[:4] ** weights) * terms[4]), 1e-12
    return float(terms[:4] @ weights / sum(reference.MS_SSIM_WEIGHTS) + terms[4]), 1e-12


def mad_matlab(case: str, quantity: str, options: dict) -> tuple[float, float]:
    assert quantity == "MAD_index"
    white = 254.0 if options["class"] == "uint8" else 255.0
    return reference.mad(
        *matlab_plane(case, "rgb2gray"), data_range=255.0, white=white
    ).item(), 1e-10


def vif_wavelet_matlab(case: str, quantity: str, options: dict) -> tuple[float, float]:
    assert (quantity, options) == ("vifvec", {})
    return reference.vif_wavelet(*matlab_plane(case, "rgb2gray"), data_range=255.0).item(), 1e-11


def enhanced_ssim(case: str, quantity: str, options: dict) -> tuple[float, float]:
    """Its sums are float32."""
    assert quantity == "SSIM, cov"
    return reference.enhanced_ssim(
        *matlab_plane(case, "rgb2gray"), data_range=255.0, **options
    ).item(), 5e-6


def basicsr(case: str, quantity: str, options: dict) -> tuple[float, float]:
    in_float32 = options["test_y_channel"]
    x, y = reference.super_resolution_pair(
        *pair_u8(case), crop_border=options["crop_border"], y_channel=in_float32
    )
    if quantity == "calculate_psnr":
        return reference.psnr(x, y, data_range=255.0).item(), 1e-5 if in_float32 else 1e-12
    return reference.ssim(x, y, data_range=255.0), 1e-6 if in_float32 else 1e-12


def tensorflow(case: str, quantity: str, options: dict) -> tuple[float, float]:
    x, y = pair(case)
    double = options["precision"] == "double"
    if quantity == "ssim":
        return ssim(case), 1e-12 if double else 5e-5
    if quantity == "ssim_multiscale":
        return ms_ssim(case, "relu", "symmetric"), 1e-12 if double else 1e-5
    if quantity == "psnr":
        return reference.psnr(x, y, data_range=255.0).item(), 1e-5
    return reference.total_variation(y / 255, kind="sum").item(), 1e-9


def gaussian_splatting(case: str, quantity: str, options: dict) -> tuple[float, float]:
    """Its window, rounded to float32, sums to 1 - 7e-8, which moves the variance of bright flat
    patches by 7e-8 of their squared mean.
    """
    tolerance = {("_ssim", "double"): 1e-12, ("ssim", "double"): 2e-5, ("ssim", "float32"): 5e-5}[
        quantity, options["precision"]
    ]
    return ssim(case, "zeros"), tolerance


def pyiqa_luma(image: np.ndarray, color_space: str) -> np.ndarray:
    weights, offset = {"yiq": ((0.299, 0.587, 0.114), 0), "ycbcr": ((65.481, 128.553, 24.966), 16)}[
        color_space
    ]
    scale = 255.0 if color_space == "yiq" else 1.0
    return (
        sum(
            float(np.float32(weight)) * image[:, channel : channel + 1] / 255
            for channel, weight in enumerate(weights)
        )
        * scale
        + offset
    )


def pyiqa(case: str, quantity: str, options: dict) -> tuple[float, float]:
    """PSNR adds 1e-8 to the error. SSIM rounds to gray levels (float32 luma weights decide ties)
    and cuts contrast-structure off at 0.
    """
    x, y = pair(case)
    if quantity == "MAD":
        return reference.mad(x, y, data_range=255.0, pyiqa=True).item(), 1e-6
    if quantity == "NLPD":
        x, y = (pyiqa_luma(image, "yiq") for image in (x, y))
        return reference.nlpd(x, y, data_range=255.0, wide=False).item(), 1e-8
    if options["test_y_channel"] and x.shape[1] == 3:
        x, y = (pyiqa_luma(image, options["color_space"]) for image in (x, y))
    if quantity == "PSNR":
        return reference.psnr(x, y, data_range=255.0, eps=1e-8).item(), 1e-6
    x, y = np.round(x), np.round(y)

    def parts(**more: object) -> tuple[np.ndarray, np.ndarray]:
        luminance, contrast, structure, _ = reference.ssim_terms(x, y, data_range=255.0, **more)
        return luminance, np.maximum(contrast * structure, 0)

    if quantity == "SSIM":
        luminance, structure = parts(downsample="auto" if options["downsample"] else None)
        return float((luminance * structure).mean()), 1e-6
    terms = []
    for scale in range(5):
        luminance, structure = parts()
        terms.append((structure if scale < 4 else structure * luminance).mean())
        x, y = reference.halve(x, "zeros"), reference.halve(y, "zeros")
    return float(np.prod(np.array(terms) ** reference.MS_SSIM_WEIGHTS)), 1e-6


def focal_frequency_loss(case: str, quantity: str, options: dict) -> tuple[float, float]:
    assert quantity == "FocalFrequencyLoss"
    x, y = pair(case)
    return reference.focal_frequency(x / 255, y / 255, **options), 1e-14


def ldl(case: str, _: str, options: dict) -> tuple[float, float]:
    x, y = (image / 255 for image in pair(case))
    ema = options.get("img_ema", options.get("output_ema", "target"))
    found = reference.ldl(
        x,
        y,
        ema={"target": None, "pred rolled by 1 column": np.roll(x, 1, 3)}[ema],
        distance=options.get("criterion", "l1"),
    ).mean()
    return found, 1e-12 * found


def fft_loss(case: str, quantity: str, options: dict) -> tuple[float, float]:
    assert options == {}
    x, y = (image / 255 for image in pair(case))
    return reference.fft_l1(x, y, onesided=quantity != "fftformer").mean(), 1e-12


def ms_swd(case: str, _: str, options: dict) -> tuple[float, float]:
    assert options == {}
    x, y = pair(case)
    return reference.ms_swd(x, y, data_range=255.0).item(), 1e-7


def projected_distribution(case: str, _: str, options: dict) -> tuple[float, float]:
    """The program adds up positions."""
    assert options == {}
    x, y = (image / 255 for image in pair(case))
    found = x.shape[2] * x.shape[3] * reference.projected_distribution(x, y).mean()
    return found, 1e-12 * found


def color_loss(case: str, _: str, options: dict) -> tuple[float, float]:
    """Its matrix is rounded to float32."""
    x, y = (image / 255 for image in pair(case))
    more = {"space": "ycbcr", "distance": "l1", "downscale": options["scale"]}
    return reference.color_consistency(x, y, **more).mean(), 1e-9


def trainner(case: str, quantity: str, options: dict) -> tuple[float, float]:
    x, y = (image / 255 for image in pair(case))
    if quantity == "HSLuvLoss":  # it bounds divisors from below
        found = reference.hsluv(
            x,
            y,
            edges="thresholds",
            white_test="pred" if "commit" in options else "both",
            distance=options["criterion"],
            eps=1e-6,
        )
        return found.mean(), 1e-8
    if quantity in ("AverageLoss", "BicubicLoss"):
        name = "area" if quantity == "AverageLoss" else "bicubic"
        options = {"distance": options["criterion"], "factor": options["scale"], "eps": 1e-6}
        return reference.average(x, y, name=name, **options).mean(), 1e-14
    if quantity == "CosimLoss":  # it raises values below 1e-12 to it
        found = reference.cosine_distance(x, y, offset=1e-12, factor=options["cosim_lambda"])
        return found.mean(), 1e-11
    if quantity == "NCCLoss":
        return (1 - reference.ncc(x, y, k=0.0).mean()) / 2, 1e-13
    if quantity == "GradientVarianceLoss":
        options = {"distance": options["criterion"], "patch_size": options["patch_size"]}
        return reference.gradient_variance(x, y, eps=1e-6, **options).mean(), 1e-12
    raise ValueError(quantity)


def neosr(case: str, quantity: str, options: dict) -> tuple[float, float]:
    x, y = (image / 255 for image in pair(case))
    if quantity == "HuberLoss":
        return reference.huber(x, y).mean(), 1e-14
    if quantity == "chc_loss":
        distance = {"huber": "charbonnier", "l1": "l1"}[options["criterion"]]
        limits = {"low": 0.003921, "high": 0.996078}
        return reference.clipped(x, y, distance=distance, eps=1e-6, **limits).mean(), 1e-14
    if quantity == "wavelet_guided":  # the low-pass filter of the program has the sum 1
        low, high = (np.array(taps) for taps in filters("sym19"))
        weights = [0.0, 0.0, 0.0]
        weights[options["band"]] = 255 * (0.035, 0.025, 0.02)[options["band"]]
        found = reference.wavelet(
            reference.luma(x),
            reference.luma(y),
            low / low.sum(),
            high,
            level_weights=(1.0,),
            band_weights=weights,
            approximation_weight=0.0,
        )
        return found.item(), 1e-11
    assert quantity == "ncc_loss"
    return (1 - reference.ncc(x, y, k=0.0).mean()) / 2, 1e-13


def lpips(case: str, quantity: str, options: dict) -> tuple[float, float]:
    """Its shift and scale of the network's input are rounded to float32."""
    assert quantity == "LPIPS"
    assert not options
    mean, std = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    images = [
        (image / 255 - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]
        for image in pair(case)  # a gray one is repeated
    ]
    state, heads = (
        {name: tensor.numpy().astype(np.float64) for name, tensor in found.items()}
        for found in map(weights.load_bundled, ("alexnet_features", "lpips_alexnet_v0.1"))
    )
    features = [reference.alexnet(image, state) for image in images]
    found = reference.lpips(*features, list(heads.values())).item()
    return found, 1e-6 * found


def laplacian_pyramid(case: str, quantity: str, _: dict) -> tuple[float, float]:
    x, y = (image / 255 for image in pair(case))
    weights = {"LapLoss": (1, 1, 1, 1, 1, 0), "laplacian_loss": (0.2, 0.4, 0.8, 1.6, 3.2, 0)}
    return reference.pyramid_distance(x, y, level_weights=weights[quantity]).item(), 1e-14


def adists(case: str, _: str, options: dict) -> tuple[float, float]:
    """Layers are the image, shrunk."""
    layers = [
        [
            image[:, :, : h * f, : w * f].reshape(*image.shape[:2], h, f, w, f).mean((3, 5))
            for f in (2, 4, 16)
            for h, w in [(image.shape[2] // f, image.shape[3] // f)]
        ]
        for image in (image / 255 for image in pair(case))
    ]
    return reference.adists(*layers, content=options["adapts_to"]).item(), 1e-10


def frame_analytics(case: str, quantity: str, options: dict) -> tuple[float, float]:
    """IW-SSIM separately for every channel, with another threshold for variances of 0; one error
    over all channels for PSNR-HVS, in float32.
    """
    assert not options
    x, y = (image.transpose(1, 0, 2, 3) for image in pair(case))
    if quantity != "iw_ssim":
        masks = {"psnr_hvs": False, "psnr_hvs_m": True}[quantity]
        errors = [reference.hvs_error(a, b, masks) for a, b in zip(x[:, 0], y[:, 0], strict=True)]
        return 10 * math.log10(255**2 / np.mean(errors)), 1e-6
    values = reference.iw_ssim(x, y, data_range=255.0, even=True, normalised=False)
    return float(values.mean()), 1e-10


def iqa_optimization(case: str, quantity: str, options: dict) -> tuple[float, float]:
    """In float32."""
    assert (quantity, options) == ("VSI", {})
    return reference.vsi(*pair(case), data_range=255.0, full=True).item(), 1e-6


@functools.cache
def ssimulacra2_value(case: str) -> float:
    return reference.ssimulacra2(*pair(case), data_range=255.0).item()


def ssimulacra2(case: str, quantity: str, options: dict) -> tuple[float, float]:
    """The recursive filter is in float32, and so is all but the sums."""
    assert quantity == "ssimulacra2"
    tolerance = {"recursion": 0.02, "response": 0.0015}[options["filter"]]
    return ssimulacra2_value(case), tolerance


def flip(case: str, quantity: str, options: dict) -> tuple[float, float]:
    resolution = {"ppd": 67.0} if quantity == "frame_analytics" else options
    given = {"pixels_per_degree": resolution["ppd"]} if resolution else {}
    value = reference.flip(*pair(case), data_range=255.0, **given).item()
    return value, 1e-8 if quantity == "frame_analytics" else 2e-6


def matlab_imresize(case: str, _: str, options: dict) -> tuple[np.ndarray, float]:
    image = small_matrices()[case]
    return reference.imresize(
        image, size=options["size"], antialias=options["antialias"]
    ), 1e-12 * image.max()


def small_matrices() -> dict[str, np.ndarray]:
    """The inputs of ``goldens/matlab_imresize.json``, ``(H, W)``."""
    matrices = {f"ramp{side}": np.arange(float(side**2)).reshape(side, side) for side in (4, 8, 15)}
    corner = np.zeros((4, 4))
    corner[[0, 1, 0, 0], [0, 0, 1, 3]] = 100, 10, 1, 100
    return {**matrices, "top_left": corner, "bottom_right": corner[::-1, ::-1]}


def golden_rows() -> list:
    rows = []
    for path in GOLDENS:
        for row in json.loads(path.read_text())["values"]:
            words = [
                path.stem,
                row["quantity"],
                row["case"],
                *(f"{key}={value}" for key, value in row["options"].items()),
            ]
            # Its code does not shrink images: large ones take seconds and add nothing.
            repeats = path.stem == "basicsr" and row["case"] in ("large", "huge")
            marks = [pytest.mark.sweep] if repeats else []
            name = "-".join(words).replace(" ", "_")
            rows.append(pytest.param(path.stem, row, id=name, marks=marks))
    return rows


@pytest.mark.parametrize(("program", "row"), golden_rows())
def test_golden(program: str, row: dict):
    value, tolerance = globals()[program](row["case"], row["quantity"], row["options"])
    assert np.abs(value - np.asarray(row["value"])).max() <= tolerance, (
        f"{value!r} here, {row['value']!r} there"
    )


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_golden_inputs_are_the_bytes_we_make(path: Path):
    for case, recorded in json.loads(path.read_text())["inputs"].items():
        pred, target = photographs.batch_u8() if case == "batch" else pair_u8(case)
        assert [photographs.sha256(pred), photographs.sha256(target)] == [
            recorded["pred_sha256"],
            recorded["target_sha256"],
        ]
        assert not np.array_equal(pred, target)


@pytest.mark.parametrize(
    "fault",
    [
        {"sigma": 1.45},
        {"window_size": 9},
        {"k2": 0.031},
        {"padding": "reflect"},
        {"covariance": "sample"},
        {"data_range": 256.0},
    ],
    ids=str,
)
def test_golden_notices_a_planted_fault(fault: dict):
    golden = json.loads((Path(__file__).parent / "goldens" / "wang_matlab.json").read_text())
    (expected,) = [
        row["value"]
        for row in golden["values"]
        if (row["case"], row["quantity"]) == ("gray", "ssim_index")
    ]
    assert abs(reference.ssim(*pair("gray"), **{"data_range": 255.0, **fault}) - expected) > 1e-6


# --- closed forms and hand-made cases -------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 17, 13), (1, 1, 12, 13, 14)], ids=["image", "volume"])
@pytest.mark.parametrize("padding", ["valid", "reflect", "replicate"])
def test_ssim_of_constants_is_the_luminance_term(shape: tuple, padding: str):
    x, y = np.full(shape, 0.2), np.full(shape, 0.7)
    expected = (2 * 0.2 * 0.7 + 1e-4) / (0.2**2 + 0.7**2 + 1e-4)
    np.testing.assert_allclose(reference.ssim_map(x, y, padding=padding), expected, rtol=1e-13)


def test_ssim_of_one_window_by_hand():
    """3x3 uniform window over one pixel 9 in zeros against one pixel 18 in zeros: means 1, 2;
    variances 8, 32; covariance 16.
    """
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 9
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    options = {"data_range": 255.0, "window": "uniform", "window_size": 3}
    expected = (2 * 1 * 2 + c1) / (1 + 4 + c1) * (2 * 16 + c2) / (8 + 32 + c2)
    assert reference.ssim(x, 2 * x, **options) == pytest.approx(expected, rel=1e-14)
    expected = (2 * 1 * 2 + c1) / (1 + 4 + c1) * (2 * 18 + c2) / (9 + 36 + c2)  # times 9/8
    assert reference.ssim(x, 2 * x, covariance="sample", **options) == pytest.approx(
        expected, rel=1e-14
    )
    # The structure term is 1.
    luminance, contrast = (2 * 1 * 2 + c1) / (1 + 4 + c1), (2 * 16 + c2) / (8 + 32 + c2)
    assert reference.ssim(x, 2 * x, exponents=(0.5, 2, 3), **options) == pytest.approx(
        luminance**0.5 * contrast**2, rel=1e-13
    )


def test_negative_structure_keeps_its_sign_under_a_fractional_power():
    x = np.random.RandomState(0).random_sample((1, 1, 11, 11))
    whole = reference.ssim(x, 1 - x, exponents=(0, 0, 1))
    assert whole < -0.9
    assert reference.ssim(x, 1 - x, exponents=(0, 0, 0.5)) == pytest.approx(-np.sqrt(-whole))


@pytest.mark.parametrize("case", ["even", "odd", "gray"])
def test_agrees_with_scikit_image(case: str):
    metrics = pytest.importorskip("skimage.metrics")
    x, y = photographs.arrays(case)
    options = {"data_range": 1.0, "channel_axis": 0}
    default = metrics.structural_similarity(x[0], y[0], **options)
    assert reference.ssim(
        x, y, window="uniform", window_size=7, covariance="sample"
    ) == pytest.approx(default, abs=1e-12)
    gaussian = metrics.structural_similarity(
        x[0], y[0], gaussian_weights=True, use_sample_covariance=False, **options
    )
    assert reference.ssim(x, y) == pytest.approx(gaussian, abs=1e-12)
    assert reference.psnr(x, y).item() == pytest.approx(
        metrics.peak_signal_noise_ratio(y, x, data_range=1.0), abs=1e-12
    )


def test_volume_agrees_with_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    x, y = np.random.RandomState(0).random_sample((2, 1, 1, 9, 10, 11))
    y = (x + y) / 2
    expected = metrics.structural_similarity(x[0, 0], y[0, 0], data_range=1.0)
    assert reference.ssim(
        x, y, window="uniform", window_size=7, covariance="sample"
    ) == pytest.approx(expected, abs=1e-12)


def test_data_range_pair_is_a_shift():
    x, y = photographs.arrays("odd")
    assert reference.ssim(2 * x - 1, 2 * y - 1, data_range=(-1.0, 1.0)) == pytest.approx(
        reference.ssim(x, y), abs=1e-13
    )


@pytest.mark.parametrize("padding", ["valid", "reflect", "replicate", "zeros"])
def test_masked_pixels_never_matter(padding: str):
    x, y = (image[..., :40, :50] for image in photographs.arrays("odd"))
    mask = np.ones((1, 1, 40, 50))
    assert reference.ssim(x, y, mask=mask, padding=padding) == pytest.approx(
        reference.ssim(x, y, padding=padding), abs=1e-14
    )
    mask[..., 5:20, 10:40] = 0
    spoiled = np.where(mask == 0, np.nan, x)
    assert reference.ssim(spoiled, y, mask=mask, padding=padding) == reference.ssim(
        x, y, mask=mask, padding=padding
    )
    assert reference.ssim(spoiled, y, mask=mask, downsample=2) == reference.ssim(
        x, y, mask=mask, downsample=2
    )
    # a mask that keeps a rectangle leaves, at positions wholly inside it, what cropping would give
    inside = np.zeros_like(mask)
    inside[..., 3:33, 4:44] = 1
    whole = reference.ssim_map(x, y, mask=inside)[..., 3:23, 4:34]
    np.testing.assert_allclose(
        whole, reference.ssim_map(x[..., 3:33, 4:44], y[..., 3:33, 4:44]), atol=1e-13
    )


def test_downsampling_factors():
    # Halves: 1.5 -> 2, 2.5 -> 2 in Python, 3 in MATLAB.
    factors = [(255, 1, 1), (384, 2, 2), (640, 2, 3), (645, 3, 3)]
    for side, python, matlab in factors:
        shape = (1, 1, side, side + 9)
        assert reference.downsampling_factor(shape, "auto") == python
        assert reference.downsampling_factor(shape, "matlab") == matlab
    ramp = np.arange(5.0).reshape(1, 1, 1, 5).repeat(5, axis=2)
    np.testing.assert_array_equal(reference.average_pool(ramp, 2)[0, 0, 0], [0.5, 2.5])
    np.testing.assert_allclose(reference.matlab_pool(ramp, 2)[0, 0, 0], [0.5, 2.5, 4])
    # Boxes are centred, blocks are not.
    np.testing.assert_allclose(reference.matlab_pool(ramp, 3)[0, 0, 0], [1 / 3, 3])


def test_halving_of_an_odd_side():
    row = np.array([1.0, 2, 3, 4, 5]).reshape(1, 1, 1, 5).repeat(2, axis=2)
    expected = {
        "floor": [1.5, 3.5],
        "zeros": [0.5, 2.5, 4.5],
        "replicate": [1, 2.5, 4.5],
        "symmetric": [1.5, 3.5, 5],
    }
    for pooling, values in expected.items():
        np.testing.assert_allclose(reference.halve(row, pooling)[0, 0, 0], values)


def test_ms_ssim_of_constants_is_the_coarsest_luminance():
    x, y = np.full((1, 2, 176, 180), 0.2), np.full((1, 2, 176, 180), 0.7)
    luminance = (2 * 0.2 * 0.7 + 1e-4) / (0.2**2 + 0.7**2 + 1e-4)
    np.testing.assert_allclose(reference.ms_ssim(x, y), luminance**0.1333, rtol=1e-13)
    # 64, 32, 16
    small = reference.ms_ssim(x[..., :64, :64], y[..., :64, :64], min_size="fewer_scales")
    np.testing.assert_allclose(
        small, luminance ** (0.3001 / (0.0448 + 0.2856 + 0.3001)), rtol=1e-13
    )
    with pytest.raises(ValueError, match="only 3 of 5"):
        reference.ms_ssim(x[..., :64, :64], y[..., :64, :64])


def test_negative_terms():
    terms = np.array([-1.0, 0.0, 1e-3, 0.5])
    np.testing.assert_allclose(reference.alive(terms), [1e-6 / 1.002, 5e-4, 1e-3, 0.5])
    np.testing.assert_allclose(reference.alive(terms, "relu"), [0, 0, 1e-3, 0.5])
    np.testing.assert_allclose(reference.alive(terms, "shift"), [0, 0.5, 0.5005, 0.75])
    slopes = np.diff(reference.alive(np.array([1e-3 - 1e-9, 1e-3, 1e-3 + 1e-9]))) / 1e-9
    np.testing.assert_allclose(slopes, 1, rtol=1e-5)


def test_structure_correlation_at_flat_windows():
    flat, noise = (
        np.full((1, 1, 11, 11), 0.3),
        np.random.RandomState(0).random_sample((1, 1, 11, 11)),
    )
    assert reference.structure_correlation(flat, flat + 0.4) == 1
    assert reference.structure_correlation(flat, noise) == 0
    assert reference.structure_correlation(noise, 0.2 - 3 * noise) == pytest.approx(-1)


def test_gradient_ssim():
    x, y = photographs.arrays("gray")
    assert reference.gradient_ssim(x, x) == pytest.approx(1)
    assert reference.gradient_ssim(x, x[..., ::-1]) < reference.gradient_ssim(x, y) < 1
    ramp = np.arange(20.0).repeat(20).reshape(1, 1, 20, 20) / 20
    # Equal gradients: only the luminance differs.
    shifted = reference.gradient_ssim(ramp, ramp + 0.1, reduction="none")
    luminance = reference.ssim_map(ramp, ramp + 0.1, exponents=(1, 0, 0))
    np.testing.assert_allclose(shifted, luminance, rtol=1e-12)


def test_psnr_of_a_known_error():
    x = np.zeros((2, 3, 4, 5))
    y = x.copy()
    y[0], y[1] = 0.1, 0.01
    np.testing.assert_allclose(reference.psnr(x, y), [20, 40], rtol=1e-13)
    np.testing.assert_allclose(
        reference.psnr_pooled(x, y), -10 * np.log10((0.01 + 0.0001) / 2), rtol=1e-13
    )
    np.testing.assert_allclose(
        reference.psnr(x, y, data_range=(-1.0, 1.0)), 20 * np.log10([20, 200])
    )
    assert np.isinf(reference.psnr(x, x)).all()
    np.testing.assert_allclose(reference.psnr(x, x, eps=1e-8), 80)


def test_charbonnier_forms():
    x, y = np.array([[[[3.0]]]]), np.array([[[[0.0]]]])
    assert reference.charbonnier(x, y, eps=4.0).item() == 5
    assert reference.charbonnier(x, y, eps=16.0, form="eps").item() == 5
    assert reference.charbonnier(x, y, form="barron").item() == pytest.approx(np.sqrt(10) - 1)


def test_total_variation_by_hand():
    x = np.array([[[[0.0, 3.0], [4.0, 4.0]]]])  # dx: 3, 0; dy: 4, 1
    expected = {"mean": 4, "sum": 8, "squared": 26, "l2": np.sqrt(26), "isotropic": 5 + 1}
    for kind, value in expected.items():
        assert reference.total_variation(x, kind=kind).item() == pytest.approx(value)


def test_edge_operators_on_ramps():
    down, right = np.meshgrid(np.arange(5.0), np.arange(6.0), indexing="ij")
    for ramp, (gx, gy) in ((right, (1, 0)), (down, (0, 1))):
        x = ramp[None, None]
        for operator, gain in ((reference.sobel, 8), (reference.scharr, 32)):
            for gradient, slope in zip(operator(x), (gx, gy), strict=True):
                np.testing.assert_array_equal(gradient[..., 1:-1, 1:-1], gain * slope)
        np.testing.assert_array_equal(reference.laplacian(x)[..., 1:-1, 1:-1], 0)
    np.testing.assert_array_equal(
        reference.laplacian(right[None, None] ** 2)[..., 1:-1], np.full((1, 1, 5, 4), 2.0)
    )


def test_gradient_difference_by_hand():
    x, y = np.array([[[[0.0, 3.0], [4.0, 4.0]]]]), np.array([[[[0.0, -1.0], [1.0, 1.0]]]])
    # |dx| 3, 0 against 1, 0; |dy| 4, 1 against 1, 2
    assert reference.gradient_difference(x, y, reduction="sum") == 2 + 0 + 3 + 1
    assert reference.gradient_difference(x, y) == 1 + 2
    assert reference.gradient_difference(x, y, alpha=2.0) == 2 + 5


def test_frequency():
    x, y = (image[..., :31, :18] for image in photographs.arrays("odd"))
    np.testing.assert_allclose(reference.dft2(x), np.fft.fft2(x, norm="ortho"), atol=1e-12)
    one = np.zeros((1, 1, 4, 4))
    one[..., 0, 0] = (
        1  # every frequency 1/4, so the weight is 1 everywhere and Parseval gives the mean square
    )
    assert reference.focal_frequency(one, 0 * one) == pytest.approx(1 / 16)
    assert reference.focal_frequency(x, x) == 0
    # A shift changes phases only.
    np.testing.assert_allclose(
        reference.fourier_magnitude_l1(x, np.roll(x, 5, axis=-1)), 0, atol=1e-12
    )
    assert reference.fourier_magnitude_l1(x, y).mean() > 0.01


def test_luma_of_black_and_white():
    white, black = np.ones((1, 3, 1, 1)), np.zeros((1, 3, 1, 1))
    assert (
        reference.luma(white).item() * 255,
        reference.luma(black).item() * 255,
    ) == pytest.approx((235, 16))
    assert (
        reference.luma(white, "bt601").item(),
        reference.luma(black, "bt601").item(),
    ) == pytest.approx((1, 0))
    np.testing.assert_array_equal(
        reference.matlab_rgb2gray(np.array([[[255, 255, 255], [255, 0, 0], [0, 0, 1]]], np.uint8)),
        [[255, 76, 0]],
    )


# --- photographs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", photographs.CASES)
def test_pairs_are_usable(case: str):
    pred, target = pair_u8(case)
    assert pred.dtype == target.dtype == np.uint8
    assert pred.shape == target.shape
    for image in (pred, target):
        assert image.min() <= 5
        assert image.max() >= 230
    assert (pred != target).any(axis=(0, 1)).all()
    assert (
        20
        < reference.psnr(reference.images(pred), reference.images(target), data_range=255.0).item()
        < 35
    )


def test_tensors_are_the_arrays():
    torch = pytest.importorskip("torch")
    pred, target = photographs.tensors("odd")
    assert pred.dtype == torch.float64
    assert pred.shape == (1, 3, 191, 253)
    assert pred.is_contiguous()
    np.testing.assert_array_equal(target.numpy(), photographs.arrays("odd")[1])
    pred, target = photographs.batch(dtype=torch.float32)
    assert pred.shape == target.shape == (3, 3, 176, 208)
    assert pred.is_contiguous()
    assert pred.dtype == torch.float32
    assert torch.equal(pred[2, :, :, :104], target[2, :, :, :104])
