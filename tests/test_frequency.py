"""Focal frequency, Fourier magnitude and FFT."""

from __future__ import annotations

import functools
import math

import battery
import photographs
import pytest
import reference
import torch

import ssimloss
import ssimloss.functional as F

# ours and the authors' package: each option alone, and together where they meet
OPTIONS = {
    "default": ({}, {}),
    "alpha": ({"alpha": 0.5}, {"alpha": 0.5}),
    "patches": ({"patch_factor": 3}, {"patch_factor": 3}),
    "batch mean": ({"spectrum": "batch_mean"}, {"ave_spectrum": True}),
    "log": ({"weighting": "log"}, {"log_matrix": True}),
    "batch": ({"peak": "batch"}, {"batch_matrix": True}),
    "all": (
        {
            "alpha": 1.5,
            "patch_factor": 2,
            "spectrum": "batch_mean",
            "weighting": "log",
            "peak": "batch",
        },
        {
            "alpha": 1.5,
            "patch_factor": 2,
            "ave_spectrum": True,
            "log_matrix": True,
            "batch_matrix": True,
        },
    ),
}
LOSSES = {
    "focal frequency": F.focal_frequency_loss,
    "focal frequency, patches, log": functools.partial(
        F.focal_frequency_loss, weighting="log", alpha=0.5
    ),
    "Fourier magnitude": F.fourier_magnitude_loss,
    "FFT": F.fft_loss,
}


pytestmark = pytest.mark.usefixtures("one_thread")


# --- values ---------------------------------------------------------------------------------------


def test_values_by_hand() -> None:
    """0.5 + 0.3 cos against 0.5 + 0.1 cos, 8 x 6 pixels: two frequencies of magnitude 0.15 sqrt(48)
    and 0.05 sqrt(48).
    """
    wave = torch.cos(2 * math.pi * torch.arange(6, dtype=torch.float64) / 6).expand(1, 1, 8, 6)
    pred, target = 0.5 + 0.3 * wave, 0.5 + 0.1 * wave
    battery.close(F.fourier_magnitude_loss(pred, target, reduction="sum"), 2 * 0.1 * math.sqrt(48))
    # Weight 1 at both.
    battery.close(F.focal_frequency_loss(pred, target, reduction="sum"), 2 * 0.1**2 * 48)
    # an error of the mean, 0.2 sqrt(48), twice theirs: they weigh a half, at alpha = 2 a quarter
    battery.close(
        F.focal_frequency_loss(pred + 0.2, target, reduction="sum"), 48 * (0.04 + 2 * 0.5 * 0.01)
    )
    battery.close(
        F.focal_frequency_loss(pred + 0.2, target, alpha=2, reduction="sum"),
        48 * (0.04 + 2 * 0.25 * 0.01),
    )
    magnitudes = F.fourier_magnitude_loss(pred, target, reduction="none")[0, 0]
    assert [tuple(where) for where in (magnitudes > 1e-9).nonzero().tolist()] == [(0, 1), (0, 5)]


@pytest.mark.parametrize("name", OPTIONS)
def test_authors_package(name: str) -> None:
    from focal_frequency_loss import FocalFrequencyLoss

    ours, theirs = OPTIONS[name]
    images = tuple(image[..., 60:120, 60:126] for image in photographs.batch())
    loss = functools.partial(F.focal_frequency_loss, **ours)
    peer = FocalFrequencyLoss(**theirs)
    for actual, expected in zip(
        battery.differentiate(loss, *images), battery.differentiate(peer, *images), strict=True
    ):
        battery.close(actual, expected, 1e-11)
    battery.close(loss(*images, reduction="none").mean(), peer(*images), 1e-11)
    for other in OPTIONS:
        if other != name:
            with pytest.raises(AssertionError, match="off by"):
                battery.close(
                    F.focal_frequency_loss(*images, **OPTIONS[other][0]), peer(*images), 1e-6
                )


@pytest.mark.parametrize("name", OPTIONS)
def test_focal_frequency_reference(name: str) -> None:
    ours, theirs = OPTIONS[name]
    pred, target = battery.pictures(24, 30)
    expected = reference.focal_frequency(pred.numpy(), target.numpy(), **theirs)
    battery.close(F.focal_frequency_loss(pred, target, **ours), expected, 1e-11)


def test_fourier_magnitude_reference() -> None:
    for width in (30, 31, 1):
        pred, target = battery.pictures(24, width)
        expected = torch.from_numpy(reference.fourier_magnitude_l1(pred.numpy(), target.numpy()))
        battery.close(F.fourier_magnitude_loss(pred, target, reduction="none"), expected, 1e-11)
        battery.close(F.fourier_magnitude_loss(pred, target), expected.mean(), 1e-11)


def test_fft_reference() -> None:
    for options in ({}, {"norm": "ortho"}, {"onesided": True}):
        for width in (30, 31, 1):
            pred, target = battery.pictures(24, width)
            expected = torch.from_numpy(reference.fft_l1(pred.numpy(), target.numpy(), **options))
            loss = functools.partial(F.fft_loss, **options)
            battery.close(loss(pred, target, reduction="none"), expected, 1e-11)
            battery.close(loss(pred, target), expected.mean(), 1e-11)
            battery.close(loss(pred, target, reduction="image"), expected.mean((1, 2, 3)), 1e-11)


def test_fft_gradient_of_the_programs() -> None:
    """As others write it: stacked parts of two spectra."""
    images = battery.pictures()
    for transform, onesided in ((torch.fft.fft2, False), (torch.fft.rfft2, True)):

        def theirs(pred: torch.Tensor, target: torch.Tensor, transform=transform) -> torch.Tensor:
            x, y = (torch.view_as_real(transform(image)) for image in (pred, target))
            return torch.nn.functional.l1_loss(x, y)

        ours = functools.partial(F.fft_loss, onesided=onesided)
        for actual, expected in zip(
            battery.differentiate(ours, *images),
            battery.differentiate(theirs, *images),
            strict=True,
        ):
            battery.close(actual, expected, 1e-12)


@pytest.mark.parametrize("width", [1, 2, 3, 8, 9])
def test_half_plane_is_the_full_plane(width: int) -> None:
    images = torch.rand(2, 2, 3, 5, width, dtype=torch.float64)
    for loss in LOSSES.values():
        full = loss(*images, reduction="none")
        battery.close(loss(*images), full.mean())
        battery.close(loss(*images, reduction="sum"), full.sum())
        battery.close(loss(*images, reduction="image"), full.mean((1, 2, 3)))


def test_properties() -> None:
    pred, target = battery.pictures()
    for loss in LOSSES.values():
        assert loss(target, target) == 0
    # Parseval: with equal weights it is the mean square
    battery.close(F.focal_frequency_loss(pred, target, alpha=0), F.l2_loss(pred, target))
    assert F.focal_frequency_loss(pred, target) < F.l2_loss(pred, target)
    battery.close(
        F.focal_frequency_loss(3 * pred, 3 * target), 9 * F.focal_frequency_loss(pred, target)
    )
    # a magnitude knows no place
    assert F.fourier_magnitude_loss(target.roll((3, 5), (2, 3)), target) < 1e-14
    battery.close(
        F.fourier_magnitude_loss(pred.roll(4, 3), target), F.fourier_magnitude_loss(pred, target)
    )
    assert F.fourier_magnitude_loss(pred, target) <= F.l2_loss(pred, target).sqrt()


def test_batch_of_one() -> None:
    pred, target = (image[:1] for image in battery.pictures())
    expected = F.focal_frequency_loss(pred, target)
    battery.close(F.focal_frequency_loss(pred, target, spectrum="batch_mean"), expected)
    assert (
        F.focal_frequency_loss(pred, target, spectrum="batch_mean", reduction="none").shape
        == pred.shape
    )
    with pytest.raises(AssertionError, match="off by"):  # three channels share the batch's peak
        battery.close(F.focal_frequency_loss(pred, target, peak="batch"), expected, 1e-3)


def test_patches_are_where_they_were() -> None:
    pred, target = battery.pictures(24, 30)
    pred[:, :, :12], pred[..., 15:] = target[:, :, :12], target[..., 15:]
    values = F.focal_frequency_loss(pred, target, patch_factor=2, reduction="none")
    assert (values[:, :, 12:, :15] > 0).any()
    assert (values[:, :, :12] == 0).all()
    assert (values[..., 15:] == 0).all()


# --- gradient -------------------------------------------------------------------------------------


def test_derivative() -> None:
    battery.derivative_is_right(F.fourier_magnitude_loss)
    battery.derivative_is_right(F.fft_loss)
    battery.derivative_is_right(functools.partial(F.focal_frequency_loss, alpha=0))
    pred, target = battery.pictures()
    _, gradient = battery.differentiate(F.focal_frequency_loss, pred, target)
    # The weight is held constant: downhill, though not the whole derivative.
    assert (gradient * (pred - target)).sum() > 0
    battery.close((gradient * (pred - target)).sum(), 2 * F.focal_frequency_loss(pred, target))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_all_options_are_finite_everywhere(options: tuple[dict[str, object], object]) -> None:
    # One of the images is a single pixel.
    ours = {name: value for name, value in options[0].items() if name != "patch_factor"}
    battery.finite_everywhere(functools.partial(F.focal_frequency_loss, **ours))


def test_fft_has_no_gradient_of_rounding() -> None:
    """Two images that differ by a brightness differ in one frequency. The sign of the rounding of
    the others would be a gradient as large as that of any difference.
    """
    target = battery.pictures(60, 70, dtype=torch.float32)[1] * 0.5
    for pred, shift in ((target + 0.25, 0.25), (torch.full_like(target, 0.1), None)):
        other = target if shift else torch.full_like(target, 0.3)
        value, gradient = battery.differentiate(F.fft_loss, pred, other)
        expected = torch.full_like(pred, (1 if shift else -1) / 2 / pred.numel())
        battery.close(gradient, expected, 1e-6)
        battery.close(value, (shift or 0.2) / 2, 1e-4)  # the rounding of the images adds up


def test_magnitudes_of_tiny_images() -> None:
    """The loss is homogeneous: its gradient does not depend on the scale, down to numbers whose
    squares are 0; the value does not lose digits before the images do.
    """
    pred, target = battery.pictures(dtype=torch.float32)
    value, gradient = battery.differentiate(F.fourier_magnitude_loss, pred, target)
    for exponent, tolerance in ((-40, 1e-6), (-80, 1e-6), (-130, 1e-3), (-140, 1e-1)):
        scale = 2.0**exponent
        tiny = battery.differentiate(F.fourier_magnitude_loss, pred * scale, target * scale)
        battery.close(tiny[0].double() / scale, value, tolerance)
        if exponent >= -80:
            battery.close(tiny[1], gradient, 1e-5)
    # Black: each frequency grows towards that of the target.
    black = battery.differentiate(F.fourier_magnitude_loss, 0 * pred, target)[1]
    near = battery.differentiate(F.fourier_magnitude_loss, 1e-3 * target, target)[1]
    battery.close(black, near, 1e-3)


# --- battery --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_reductions(name: str) -> None:
    battery.reductions(LOSSES[name])


def test_empty_batch_of_the_batch_options() -> None:
    empty = torch.zeros(0, 3, 8, 8)
    for options in ({"spectrum": "batch_mean"}, {"peak": "batch"}):
        assert F.focal_frequency_loss(empty, empty, **options) == 0


def test_two_names() -> None:
    assert (F.focal_frequency, F.fourier_magnitude, F.fft) == (
        F.focal_frequency_loss,
        F.fourier_magnitude_loss,
        F.fft_loss,
    )


def test_compiles() -> None:
    battery.compiles(LOSSES["focal frequency, patches, log"], "aot_eager")


def test_bad_options() -> None:
    image = torch.rand(1, 3, 8, 9)
    for build in (
        functools.partial(F.focal_frequency_loss, image, image),
        ssimloss.FocalFrequencyLoss,
    ):
        with pytest.raises(ValueError, match=r"alpha must not be negative, got -0.5"):
            build(alpha=-0.5)
        with pytest.raises(TypeError, match=r"patch_factor must be an integer, got float 2.0"):
            build(patch_factor=2.0)
        with pytest.raises(
            ValueError, match="spectrum must be one of 'image', 'batch_mean', got 'batch'"
        ):
            build(spectrum="batch")
        with pytest.raises(ValueError, match="weighting must be one of 'power', 'log', got 'exp'"):
            build(weighting="exp")
        with pytest.raises(
            ValueError, match="peak must be one of 'spectrum', 'batch', got 'image'"
        ):
            build(peak="image")
        with pytest.raises(
            ValueError, match='reduction must not be "image" with spectrum="batch_mean"'
        ):
            build(spectrum="batch_mean", reduction="image")
    with pytest.raises(
        ValueError, match=r"patch_factor must divide both sides \(8, 9\), got 2; crop"
    ):
        F.focal_frequency_loss(image, image, patch_factor=2)
    for loss in LOSSES.values():
        with pytest.raises(
            ValueError, match=r"pred must have sides of at least 1 pixel, got \(1, 3, 0, 9\)"
        ):
            loss(image[:, :, :0], image[:, :, :0])
