"""Keyword arguments: misspelt ones, those of other libraries, and numbers of NumPy."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import discovery
import numpy as np
import pytest
import torch

import ssimloss
import ssimloss.functional as F
from ssimloss import _spellings, color, conventions, metrics, networks, resize
from ssimloss.networks import ExtractorOptions

pytestmark = pytest.mark.usefixtures("one_thread")

# --- misspelt -------------------------------------------------------------------------------------

# Names of terms are keywords there; whatever composes losses has dataclasses of its own.
OF_COMBINED = [
    name
    for name in ssimloss.__all__
    if str(getattr(getattr(ssimloss, name), "__module__", "")).startswith("ssimloss.combined")
]
WITHOUT_KEYWORDS = ("ImageMeasure", "Protocol", "ImageMetric", "EpochScores", "Measure")
CALLABLES: dict[str, Callable[..., Any]] = {
    **{f"F.{name}": getattr(F, name) for name in F.__all__},
    **{
        name: getattr(ssimloss, name)
        for name in ssimloss.__all__
        if inspect.isclass(getattr(ssimloss, name))
        and name not in (*OF_COMBINED, *WITHOUT_KEYWORDS)
    },
    **{
        f"metrics.{name}": getattr(metrics, name)
        for name in metrics.__all__
        if callable(getattr(metrics, name)) and name not in (*WITHOUT_KEYWORDS, "in_buckets")
    },
    "luma": color.luma,
    "FeatureExtractor": networks.FeatureExtractor,
    "imresize": resize.imresize,
    "conventions": conventions.SSIM["skimage"].__call__,
}


@pytest.mark.parametrize("name", CALLABLES)
def test_an_unknown_keyword_is_named_before_anything_else(name: str) -> None:
    """Over the whole surface; also where a required argument is missing as well."""
    with pytest.raises(TypeError, match=r"\w+\(\) (has no \w+ 'quxquux'|needs )") as caught:
        CALLABLES[name](quxquux=1)
    if "needs" not in str(caught.value):
        assert re.search(r"the (option|input)s are |follows from|fixes", str(caught.value))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda x: F.ssim(x, x, data_rang=1), "did you mean 'data_range'"),
        (lambda x: F.l1_loss(x, x, msk=x), "did you mean 'mask'"),
        (lambda x: ssimloss.SSIMLoss()(x, x, msk=x), "did you mean 'mask'"),
        (lambda x: ssimloss.LPIPS(weigths="random"), "did you mean 'weights'"),  # noqa: ARG005
        (lambda x: ssimloss.L1Loss(weigth=0.1), "Term"),  # noqa: ARG005
        (lambda x: F.l1_loss(x, x, weigth=x), "did you mean 'mask'"),
        (lambda x: metrics.Validator(["psnr"], protocl=None), "did you mean 'protocol'"),  # noqa: ARG005
        (lambda x: metrics.measure("ssim", window_size=7), "metrics.SSIM(window_size=7)"),  # noqa: ARG005
        (lambda x: metrics.measure("ssim", wieghts="random"), "did you mean 'weights'"),  # noqa: ARG005
        (lambda x: ssimloss.SSIMLoss()(x, x, data_range=2), "built: SSIMLoss(data_range=...)"),
        (lambda x: F.ssim(img1=x, img2=x), "'img1' is 'pred' here, 'img2' is 'target' here"),
        (lambda x: F.ssim(x, targets=x), "needs target; 'targets' is 'target' here"),
        (lambda x: ssimloss.PriorLoss(net=None), "did you mean 'network'"),  # noqa: ARG005
    ],
)
def test_what_was_meant_is_told(call: Callable[[Any], Any], told: str) -> None:
    with pytest.raises(TypeError, match=re.escape(told)):
        call(torch.rand(1, 3, 16, 16))


def test_known_keywords_are_told_nothing() -> None:
    """Not even if another library has the name for something else."""
    x = torch.rand(1, 3, 16, 16)
    assert F.ssim(pred=x, target=x, reduction="image", k1=0.02).shape == (1,)
    assert ssimloss.SSIML1Loss(weight=0.5)(x, x) == 0  # BasicSR's "weight" is a mask


# --- other libraries ------------------------------------------------------------------------------


def peers() -> dict[str, tuple[Callable[..., Any], Callable[..., Any]]]:
    """Their names next to ours."""
    import kornia
    import lpips
    import monai.losses
    import piq
    import pytorch_msssim
    import skimage.metrics
    import torchmetrics.functional.image as tm

    lpips_loss = ssimloss.LPIPS(weights="random")
    return {
        "pytorch-msssim ssim": (pytorch_msssim.ssim, F.ssim),
        "pytorch-msssim ms_ssim": (pytorch_msssim.ms_ssim, F.ms_ssim),
        "pytorch-msssim SSIM": (pytorch_msssim.SSIM, ssimloss.SSIMLoss),
        "pytorch-msssim MS_SSIM": (pytorch_msssim.MS_SSIM, ssimloss.MSSSIMLoss),
        "piq ssim": (piq.ssim, F.ssim),
        "piq SSIMLoss": (piq.SSIMLoss, ssimloss.SSIMLoss),
        "piq multi_scale_ssim": (piq.multi_scale_ssim, F.ms_ssim),
        "piq psnr": (piq.psnr, F.psnr),
        "piq gmsd": (piq.gmsd, F.gmsd),
        "piq total_variation": (piq.total_variation, F.total_variation),
        "piq ContentLoss": (piq.ContentLoss, ssimloss.PerceptualLoss),
        "piq LPIPS": (piq.LPIPS, ssimloss.LPIPS),
        "lpips LPIPS": (lpips.LPIPS, ssimloss.LPIPS),
        "lpips LPIPS.forward": (lpips.LPIPS.forward, lpips_loss),
        "torchmetrics ssim": (tm.structural_similarity_index_measure, F.ssim),
        "torchmetrics ms_ssim": (tm.multiscale_structural_similarity_index_measure, F.ms_ssim),
        "torchmetrics psnr": (tm.peak_signal_noise_ratio, F.psnr),
        "torchmetrics lpips": (tm.learned_perceptual_image_patch_similarity, ssimloss.LPIPS),
        "torchmetrics tv": (tm.total_variation, F.total_variation),
        "kornia ssim_loss": (kornia.losses.ssim_loss, F.ssim_loss),
        "kornia MS_SSIMLoss": (kornia.losses.MS_SSIMLoss, ssimloss.MSSSIML1Loss),
        "kornia psnr_loss": (kornia.losses.psnr_loss, F.psnr),
        "kornia charbonnier_loss": (kornia.losses.charbonnier_loss, F.charbonnier_loss),
        "skimage ssim": (skimage.metrics.structural_similarity, F.ssim),
        "skimage psnr": (skimage.metrics.peak_signal_noise_ratio, F.psnr),
        "MONAI SSIMLoss": (monai.losses.SSIMLoss, ssimloss.SSIMLoss),
    }


# Without an equivalent here: what the error lists is all there is.
UNTOLD = (
    "self",
    "return_contrast_sensitivity",
    "gradient",
    "allow_layers_weights_mismatch",
    "kwargs",
)
UNTOLD_BY = {"piq LPIPS": ("distance",)}
# BasicSR's, TensorFlow's and fused-ssim's, which are not installed.
BY_HAND: dict[str, tuple[str, Callable[..., Any]]] = {
    "BasicSR L1Loss": ("loss_weight", ssimloss.L1Loss),
    "BasicSR CharbonnierLoss": ("loss_weight", ssimloss.CharbonnierLoss),
    "BasicSR PerceptualLoss": (
        "layer_weights vgg_type use_input_norm range_norm perceptual_weight style_weight criterion",
        ssimloss.PerceptualLoss,
    ),
    "BasicSR GANLoss": (
        "gan_type real_label_val fake_label_val loss_weight",
        ssimloss.AdversarialLoss,
    ),
    "BasicSR calculate_psnr": ("crop_border input_order test_y_channel img img2", F.psnr),
    "TensorFlow ssim": ("max_val filter_size filter_sigma return_index_map img1 img2", F.ssim),
    "TensorFlow ssim_multiscale": ("max_val power_factors filter_size filter_sigma", F.ms_ssim),
    "torch L1Loss": ("size_average reduce", ssimloss.L1Loss),
}


def told(ours: Callable[..., Any], keyword: str) -> str:
    """The message on a keyword; empty if it is one of ours."""
    images = () if inspect.isclass(ours) else (torch.rand(1, 3, 64, 64),) * 2
    known = inspect.signature(ours.forward if isinstance(ours, torch.nn.Module) else ours)
    if keyword in known.parameters:
        return ""
    images = images[: sum(p.default is p.empty for p in known.parameters.values())]
    if _spellings.image_of(keyword) in known.parameters:
        images = ()
    with pytest.raises(TypeError) as caught:
        ours(*images, **{keyword: None})
    return str(caught.value)


def test_keywords_of_other_libraries_are_translated() -> None:
    """Each keyword of their signatures is one of ours, or its error names ours."""
    untold = {}
    for name, (theirs, ours) in peers().items():
        for keyword in list(inspect.signature(theirs).parameters):
            of_images = _spellings.image_of(keyword) and inspect.isclass(ours)
            if keyword in UNTOLD or keyword in UNTOLD_BY.get(name, ()) or of_images:
                continue
            said = told(ours, keyword)
            assert keyword not in said or repr(keyword) in said
            if re.search(r"the (option|input)s are", said):
                untold[f"{name} {keyword}"] = said
    for name, (keywords, ours) in BY_HAND.items():
        for keyword in keywords.split():
            if re.search(r"the (option|input)s are", told(ours, keyword)):
                untold[f"{name} {keyword}"] = keyword
    assert untold == {}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: F.ssim(0, 0, win_size=7), "did you mean 'window_size'?"),
        (lambda: F.ssim(0, 0, size_average=False), "'reduction' ('mean' for True, 'image' for "),
        (lambda: ssimloss.LPIPS(net="alex"), "did you mean 'network'?"),
        (lambda: ssimloss.LPIPS(net_type="alex"), "did you mean 'network'?"),
        (lambda: metrics.LPIPS(net_type="alex"), "did you mean 'network'?"),
        (lambda: ssimloss.L1Loss(loss_weight=0.1), "Term(loss, 0.1)"),
        (lambda: F.l1_loss(0, 0, weight=0), "did you mean 'mask' (weights of pixels)?"),
        (lambda: metrics.SSIM(kernel_size=11), "did you mean 'window_size'?"),
        (lambda: metrics.PSNR(max_val=1.0), "did you mean 'data_range' (a number, or lo and hi)?"),
        (lambda: metrics.MSSSIM(betas=(1.0,)), "did you mean 'scale_weights'"),
        (lambda: metrics.SuperResolutionProtocol(4, crop_border=4), "did you mean 'border'"),
        (lambda: ssimloss.LPIPS(weights="random")(0, 0, normalize=True), "'data_range' (1.0 for"),
        (lambda: ssimloss.AdversarialLoss(gan_type="hinge"), "did you mean 'kind'?"),
    ],
)
def test_translations(call: Callable[[], Any], expected: str) -> None:
    with pytest.raises(TypeError, match=re.escape(expected)):
        call()


def test_every_translation_leads_to_an_option() -> None:
    """No entry is for an option that nothing has."""
    options = {name for each in CALLABLES.values() for name in inspect.signature(each).parameters}
    for keyword, advice in _spellings._OPTIONS.items():
        for option, meaning in advice:
            assert option in options or (not option and meaning), keyword


# --- numbers of NumPy -----------------------------------------------------------------------------

NUMBERS = {float: np.float32, int: np.int64, bool: np.bool_, str: np.str_}


def as_numpy(value: Any) -> Any:
    if type(value) in NUMBERS:
        return NUMBERS[type(value)](value)
    if isinstance(value, tuple):
        return tuple(map(as_numpy, value))
    if isinstance(value, Mapping):
        return {name: as_numpy(item) for name, item in value.items()}
    return value


def exactly(value: Any) -> Any:
    """The Python number that the one of NumPy is."""
    return value.item() if isinstance(value, np.generic) else value


@pytest.mark.parametrize(
    "name", [n for n in discovery.LOSSES if n not in (*OF_COMBINED, "AdversarialLoss")]
)
def test_numbers_of_numpy_are_numbers(name: str) -> None:
    """For every option; what is kept is Python's, as it goes into kernels, files and messages."""
    options = {
        option: value
        for option, value in discovery.build(name).options.items()
        if type(value) in (*NUMBERS, tuple, dict) and option != "weights"
    }
    given = {option: as_numpy(value) for option, value in options.items()}
    loss = (discovery.recipe(name).build or discovery.LOSSES[name])(**given)
    for option, value in given.items():
        kept = getattr(loss, option)
        assert type(kept) is not type(value) or not isinstance(value, np.generic), option
        if not isinstance(value, (tuple, dict)):
            assert kept == exactly(value)
    assert "np." not in repr(loss)
    pair = discovery.photos(name)
    expected = discovery.evaluate(name, discovery.build(name), *pair)
    torch.testing.assert_close(discovery.evaluate(name, loss, *pair), expected, rtol=1e-5, atol=0)
    for option, value in given.items():
        if isinstance(value, np.generic) and option not in ExtractorOptions.__annotations__:
            setattr(loss, option, value)  # later, too
            assert type(getattr(loss, option)) is type(exactly(value))


@pytest.mark.parametrize(
    "call",
    [
        lambda n: F.ssim(n.x, n.y, data_range=n(1.0), window_size=n(7), k1=n(0.01)),
        lambda n: F.ssim(n.x, n.y, data_range=(n(-1.0), n(1.0))),
        lambda n: F.ms_ssim(n.x, n.y, scale_weights=[n(0.5), n(0.5)]),
        lambda n: metrics.SSIM(window_size=n(7))(n.x, n.y),
        lambda n: metrics.measure("psnr", metrics.SuperResolutionProtocol(n(2)))(n.x, n.y),
        lambda n: F.soft_argmax(n.x, sharpness=n(20.0)),
        lambda n: F.imresize(n.x, scale=n(0.5)),
        lambda n: metrics.inception_score(n.x.flatten(1), splits=n(1)),
        lambda n: ssimloss.CombinedLoss(a=ssimloss.Term(ssimloss.L1Loss(), n(0.5)))(n.x, n.y),
        lambda n: conventions.PSNR["basicsr"](n.x, n.y, crop_border=n(4)),
    ],
)
def test_numbers_of_numpy_elsewhere(call: Callable[[Any], Any]) -> None:
    class Plain:
        x, y = torch.rand(2, 1, 3, 32, 32)

        def __call__(self, value: Any) -> Any:
            return value

    class NumPy(Plain):
        def __call__(self, value: Any) -> Any:
            return np.float32(value) if isinstance(value, float) else np.int64(value)

    theirs, ours = call(NumPy()), call(Plain())
    torch.testing.assert_close(theirs, ours)


# --- names and positions that another library has -------------------------------------------------

IMAGES = torch.rand(2, 1, 3, 16, 16)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ssimloss.MSELoss, "'MSELoss'; did you mean L2Loss?"),
        (lambda: F.mse, "'mse'; did you mean l2?"),
        (lambda: F.tv, "'tv'; did you mean total_variation?"),
        (lambda: F.vmaf, "'vmaf'; did you mean ssimloss.video.vmaf, or ssimloss.VMAFLoss?"),
        (lambda: F.charbonier, "'charbonier'; did you mean charbonnier?"),
        (lambda: ssimloss.SSIM, "did you mean SSIMLoss, or metrics.SSIM?"),
        (lambda: ssimloss.SSIMLos, "did you mean SSIMLoss?"),
        (lambda: metrics.FID, r"did you mean metrics.InceptionMetrics\(\['fid'\]\)"),
        (lambda: metrics.PeakSignalNoiseRatio, "did you mean metrics.PSNR?"),
        (lambda: ssimloss.nothing_like_it, "has no attribute 'nothing_like_it'$"),
    ],
)
def test_classes_of_other_libraries(call: Callable[[], object], words: str) -> None:
    with pytest.raises(AttributeError, match=words):
        call()


def test_translated_classes_exist() -> None:
    for meant in _spellings._CLASSES.values():
        for expression in meant.split(", or "):
            name = re.sub(r"\(.*", "", expression)
            assert callable(functools.reduce(getattr, name.split("."), ssimloss)), expression
    for meant in _spellings._FUNCTIONS.values():
        for expression in meant.split(", or "):
            name = re.sub(r"[(,].*", "", expression)
            home = ssimloss if name.startswith("ssimloss.") else F
            parts = name.removeprefix("ssimloss.").split(".")
            assert callable(functools.reduce(getattr, parts, home)), expression


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: F.ssim(*IMAGES, 1.0),
            r"everything else by keyword \(data_range=, window=, .*got 3",
        ),
        (lambda: F.charbonnier_loss(*IMAGES, 1e-3), r"by keyword \(eps=, at_zero=, .*mask="),
        (lambda: ssimloss.CharbonnierLoss(1e-3), r"options by keyword \(eps=, .*got 1 positional"),
        (lambda: ssimloss.GradientShare(0.9), r"takes nothing by position.*\(decay=, bounds=\)"),
        (lambda: ssimloss.Term(F.l1, 0.1, 5), r"takes loss, weight by position.*\(inputs=, start="),
        (lambda: ssimloss.CombinedLoss(F.l1), r"terms by name.*CombinedLoss\(\*\*terms\)"),  # type: ignore[misc]
        (lambda: ssimloss.CombinedLoss(a=(F.l1, 0.1)), r"got tuple; write Term\(loss, weight\)"),  # type: ignore[arg-type]
        (
            lambda: ssimloss.CombinedLoss(a=ssimloss.measure.find("l1")),  # type: ignore[arg-type]
            "got Measure; pass its loss",
        ),
        (
            lambda: ssimloss.CombinedLoss(a=F.l1)(IMAGES[0], gt=IMAGES[1]),
            "'gt'; did you mean 'target'?",
        ),
        (lambda: ssimloss.Term(F.l1, "1e-3"), "in a YAML file, write a point"),  # type: ignore[arg-type]
    ],
)
def test_calls_of_other_libraries(call: Callable[[], object], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mse", "did you mean 'l2'?"),
        ("MAE", "did you mean 'l1'?"),
        ("psnr-y", "protocol='basicsr'"),
        ("niqe", "no measures without a reference"),
        ("fid", "metrics.InceptionMetrics"),
        ("ms_ssim_l1", "'ms_ssim_l1' is a loss without a name as a measure"),
        (F.l1, r"Validator\(\{'mine': loss\}\)"),
    ],
)
def test_measures_of_other_libraries(name: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        metrics.measure(name)


def test_words_of_other_libraries() -> None:
    with pytest.raises(ValueError, match=r"conventions.ADVERSARIAL\['lsgan'\]"):
        ssimloss.AdversarialLoss("lsgan")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"got 'means'; did you mean 'mean'\?"):
        F.ssim(*IMAGES, reduction="means")  # type: ignore[arg-type]
    with pytest.raises(KeyError, match=r"no convention 'pyqa'; .*; did you mean 'pyiqa'\?"):
        conventions.SSIM["pyqa"]
    with pytest.raises(KeyError, match="'ssim' is a measure, not a convention; name one of SSIM/"):
        conventions.describe("ssim")
