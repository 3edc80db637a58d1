"""Images as protocols prepare them: the kernel against the equation to the last bit, exact levels,
8-bit images as they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction

import photographs
import pytest
import torch
from torch import Tensor

from ssimloss.conventions import Preparation
from ssimloss.conventions.preparation import equation
from ssimloss.kernels import Steps, library, prepared_images, squared_errors, use_instructions
from ssimloss.metrics import SuperResolutionProtocol, Validator, measure

pytestmark = pytest.mark.usefixtures("one_thread")
needs_library = pytest.mark.skipif(library.why_not() is not None, reason=str(library.why_not()))

STUDIO = (65.481, 128.553, 24.966)


def codes(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


# Every branch of the kernel: levels or not, luma or all channels, rounded or not, a border, a range
# that starts at 0 and one that does not.
STEPS = (
    Steps(0.0, 1.0, True, True, False, 3, (*(w / 255 / 255 for w in STUDIO), 16 / 255)),
    Steps(-1.0, 2.0, True, True, False, 0, ()),
    Steps(0.0, 1.0, True, True, True, 1, (0.299 / 255, 0.587 / 255, 0.114 / 255, 0.0)),
    Steps(0.0, 0.7, True, False, False, 0, (0.299, 0.587, 0.114, 0.0)),
    Steps(0.0, 1.0, False, False, True, 0, ()),
    Steps(0.0, 1.0, False, False, True, 0, (0.299, 0.587, 0.114, 0.0)),
    Steps(0.0, 1.0, False, False, False, 0, ()),
)


def layouts(image: Tensor) -> Iterator[Tensor]:
    yield image
    yield image.to(memory_format=torch.channels_last)
    yield image.mT.contiguous().mT
    yield image[:, :, ::2, 1::2]


@needs_library
@pytest.mark.parametrize("steps", STEPS)
def test_the_kernel_equals_the_equation(steps: Steps, every_set: list[str]) -> None:
    """Bit by bit, for every dtype, layout and instruction set; rows longer than the kernel's
    stretch; ties between two levels, values beyond the range, NaN.
    """
    random = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 13, 1043, generator=random, dtype=torch.float64) * 1.4 - 0.2
    ties = (torch.arange(255) + 0.5) / 255
    image[0, 0, 5, 4:259] = image[1, 2, 6, 4:259] = ties
    image[0, 1, 4, 8], image[0, 2, 5, 9] = torch.nan, -torch.inf
    dtypes = torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8
    for name, source in itertools.product(every_set, dtypes):
        use_instructions(name)
        eight_bit = source is torch.uint8
        given = codes(2, 3, 13, 1043) if eight_bit else image.to(source)
        done = steps._replace(span=255.0) if eight_bit else steps
        for one, dtype in itertools.product(layouts(given), (torch.float32, torch.float64)):
            found = prepared_images(one, one.flip(3), done, dtype, backend="cpu")
            for made, of in zip(found, (one, one.flip(3)), strict=True):
                expected = equation(of, done, dtype)
                assert made.dtype is expected.dtype is dtype
                assert torch.equal(made.nan_to_num(nan=-9.0), expected.nan_to_num(nan=-9.0))


@needs_library
@pytest.mark.parametrize("steps", [steps for steps in STEPS if not steps.round])
def test_squared_errors_are_those_of_prepared_images(
    steps: Steps, every_set: list[str], threads: Callable[[int], None]
) -> None:
    """For every dtype and layout: the same digits by any instruction set, batch and number of
    threads, and those of prepared images to the rounding of float64. A NaN in an image is the value
    of that image alone.
    """
    random = torch.Generator().manual_seed(0)
    image = torch.rand(3, 3, 13, 1043, generator=random, dtype=torch.float64) * 1.4 - 0.2
    image[0, 0, 5, 4:259] = (torch.arange(255) + 0.5) / 255
    for source in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8):
        eight_bit = source is torch.uint8
        given = codes(3, 3, 13, 1043) if eight_bit else image.to(source)
        done = steps._replace(span=255.0) if eight_bit else steps
        for x in layouts(given):
            y = x.flip(3)
            found = []
            for name, count in itertools.product(every_set, (1, 2)):
                use_instructions(name)
                threads(count)
                found.append(squared_errors(x, y, done, backend="cpu"))
                found += [squared_errors(x[1:2], y[1:2], done, backend="cpu").expand(3)]
            assert all(torch.equal(one[1], found[0][1]) for one in found)
            assert all(torch.equal(one, found[0]) for one in found[::2])
            exact = (equation(x, done, torch.float64) - equation(y, done, torch.float64)).square()
            torch.testing.assert_close(found[0], exact.mean((1, 2, 3)), rtol=1e-13, atol=0)
            if not eight_bit:
                x = x.clone()
                x[1, 2, x.shape[2] // 2, 30] = torch.nan
                found = squared_errors(x, y, done, backend="cpu").tolist()
                assert [value != value for value in found] == [False, True, False]


@needs_library
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_squared_errors_of_levels_are_exact(dtype: torch.dtype) -> None:
    """Their sum is a whole number, which is divided once."""
    x, y = codes(2, 3, 300, 700), codes(2, 3, 300, 700, seed=1)
    sums = (x.long() - y.long()).square().sum((1, 2, 3)).tolist()
    if dtype is not torch.uint8:
        x, y = x.to(dtype) / 255, y.to(dtype) / 255
    steps = Steps(0.0, 255.0 if dtype is torch.uint8 else 1.0, True, True, False, 0, ())
    expected = [float(Fraction(total, x[0].numel() * 255**2)) for total in sums]
    assert squared_errors(x, y, steps, backend="cpu").tolist() == expected


@needs_library
def test_the_operators() -> None:
    """Schema, fake twin and transform; what they are given is checked: they read memory unasked."""
    x = torch.rand(2, 3, 17, 20)
    operator = torch.ops.ssimloss.prepared_images
    errors = torch.ops.ssimloss.squared_errors
    torch.library.opcheck(operator.default, (x, x.flip(3), *STEPS[0], torch.float64, "cpu"))
    torch.library.opcheck(errors.default, (x, x.flip(3), *STEPS[0], "cpu"))
    assert errors(x[:0], x[:0], *STEPS[0], "cpu").shape == (0,)
    with pytest.raises(ValueError, match="does not support rounded luma"):
        errors(x, x, *STEPS[2], "cpu")
    batched = torch.vmap(lambda one: operator(one, x, *STEPS[0], torch.float64, "cpu"))(
        x[:, None].expand(2, 2, 3, 17, 20)
    )
    alone = operator(x[:1].expand_as(x), x, *STEPS[0], torch.float64, "cpu")
    assert torch.equal(batched[0], alone)
    luma, plain = STEPS[0], STEPS[6]
    for error, message, given in (
        (ValueError, "of one shape", (x, x[..., 1:], plain, torch.float64)),
        (ValueError, "images of 3 channels", (x[:, :2], x[:, :2], luma, torch.float64)),
        (ValueError, "crop=9 leaves no pixels", (x, x, plain._replace(crop=9), torch.float64)),
        (ValueError, "crop=-1 leaves", (x, x, plain._replace(crop=-1), torch.float64)),
        (ValueError, "clamp=True", (x, x, plain._replace(quantize=True), torch.float64)),
        (ValueError, "dtype must be", (x, x, plain, torch.float16)),
        (RuntimeError, "of one dtype", (x, x.double(), plain, torch.float64)),
        (RuntimeError, "no kernel supports torch.int32", (x.int(), x.int(), plain, torch.float64)),
    ):
        one, other, steps, dtype = given
        with pytest.raises(error, match=message):
            operator(one, other, *steps, dtype, "cpu")
        if "dtype must be" not in message:
            with pytest.raises(error, match=message):
                errors(one, other, *steps, "cpu")


def test_where_a_gradient_is_asked_for_the_equation_serves() -> None:
    """Of a luma that is not rounded, the gradient is its weights."""
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64).requires_grad_()
    luma = Preparation(luma="bt601")(image, image.detach(), data_range=1.0, crop_border=None)[0]
    luma.sum().backward()
    assert image.grad is not None
    assert torch.allclose(image.grad[0, :, 0, 0], torch.tensor([0.299, 0.587, 0.114]).double())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_the_luma_of_levels_is_exact(dtype: torch.dtype) -> None:
    """The PSNR of flat images is that of rational arithmetic, also where lumas almost cancel."""
    pairs = (
        ((250, 250, 250), (250, 250, 249)),
        ((9, 200, 30), (11, 199, 30)),
        ((0, 1, 0), (2, 0, 0)),
    )
    for first, second in pairs:
        difference = sum(
            Fraction(w).limit_denominator(1000) * (a - b)
            for w, a, b in zip(STUDIO, first, second, strict=True)
        )
        exact = -20 * torch.log10(
            torch.tensor(float(abs(difference) / 255 / 255), dtype=torch.float64)
        )
        x, y = (
            torch.tensor(color, dtype=torch.uint8)[None, :, None, None].expand(1, 3, 40, 40)
            for color in (first, second)
        )
        if dtype is not torch.uint8:
            x, y = x.to(dtype) / 255, y.to(dtype) / 255
        found = measure("psnr", "basicsr", scale=2)(x, y)
        assert found.item() == pytest.approx(exact.item(), abs=1e-10)


# The protocols prepare in different ways; of the measures, one defined by the protocol, one that is
# registered, one that takes colours, one with a network.
@pytest.mark.parametrize("protocol", ["plain", "basicsr", "edsr", "pyiqa"])
def test_8_bit_images_have_the_values_of_what_they_stand_for(protocol: str) -> None:
    x, y = codes(2, 3, 60, 70), codes(2, 3, 60, 70, seed=1)
    scale = {"scale": 2} if protocol in ("basicsr", "edsr") else {}
    for name in ("psnr", "ssim", "l1", "gmsd", "embedded"):
        found = measure(name, protocol, **scale)  # type: ignore[arg-type]
        values = found(x, y)
        divided = found(x.double() / 255, y.double() / 255)
        if name == "psnr" and protocol in ("plain", "pyiqa"):
            # Differences of codes are exact, those of codes divided by 255 are rounded.
            torch.testing.assert_close(values, divided, rtol=1e-14, atol=0)
        else:
            assert torch.equal(values, divided), name
        assert torch.equal(values, found(x.double(), y.double(), data_range=255)), name
    assert not torch.equal(found(x, y, data_range=300), values)


def test_validator_takes_8_bit_images(
    recwarn: pytest.WarningsRecorder, threads: Callable[[int], None]
) -> None:
    """Their range is 255, which they fit; batches and threads leave the digits alone."""
    x, y = codes(3, 3, 60, 70), codes(3, 3, 60, 70, seed=1)
    scores = []
    for count, batch in ((1, 3), (2, 1), (3, 2)):
        threads(count)
        validator = Validator(["psnr", "ssim", "embedded"], "basicsr", scale=2)
        for pred, target, index in zip(
            *(t.split(batch) for t in (x, y, torch.arange(3))), strict=True
        ):
            validator.update(pred, target, index)
        scores.append([validator.values()[name].tolist() for name in ("psnr", "ssim")])
    assert scores[0] == scores[1] == scores[2]
    validator = Validator(["psnr", "ssim"], "basicsr", scale=2)
    validator.update(x.float() / 255, y.float() / 255, torch.arange(3))
    assert scores[0] == [validator.values()[name].tolist() for name in ("psnr", "ssim")]
    assert not recwarn
    with pytest.raises(TypeError, match="both be floating point or both uint8"):
        validator.update(x, y.float())


def test_float32_is_as_close_as_it_says() -> None:
    """On a photograph, on a crop of it with pixels far from its median, and on adversarial images:
    bright flat stripes beside dark ones, whose variances cancel, and flat images whose lumas differ
    by a tenth of a level.
    """
    pred, target = photographs.tensors("even")
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0)).double() / 128
    stripes = (torch.arange(target.shape[3]) // 32 % 2 * 0.9).double().expand_as(target)
    flat = torch.full_like(target, 0.98)
    bluer = flat.clone()
    bluer[:, 2] += 1 / 255
    for name, x, y, of_ssim in (
        ("photograph", pred, target, 3e-7),
        ("crop", pred[:, :, 32:96, 128:192], target[:, :, 32:96, 128:192], 5e-7),
        ("stripes", stripes + noise, stripes + noise.flip(2), 2e-6),
        ("flat", flat, bluer, 3e-7),
    ):
        for protocol in (SuperResolutionProtocol(4), None):
            limits = {"ssim": of_ssim, "ms_ssim": of_ssim, "psnr": 2e-6}
            if name == "crop":  # too small for five scales
                del limits["ms_ssim"]
            for metric, limit in limits.items():
                fast = measure(metric, protocol, precision="float32")
                exact = measure(metric, protocol)(x.float().double(), y.float().double())
                difference = fast(x.float(), y.float()) - exact
                assert difference.abs().item() <= limit, (name, metric, protocol)
    # Black and white blocks, shifted by a pixel: each protocol has another window or other moments.
    blocks = torch.rand(1, 1, 17, 17, generator=torch.Generator().manual_seed(2)) > 0.5
    pixels = blocks.float().repeat_interleave(16, 2).repeat_interleave(16, 3).expand(1, 3, -1, -1)
    x, y = pixels[..., :256, 1:257], pixels[..., :256, :256]
    for window, of_photograph, of_blocks in (
        (None, 3e-7, 5e-6), ("skimage", 3e-7, 5e-5), ("pyiqa", 1e-6, 2e-4)
    ):  # fmt: skip
        fast, exact = (measure("ssim", window, precision=p) for p in ("float32", "float64"))
        for a, b, limit in ((pred.float(), target.float(), of_photograph), (x, y, of_blocks)):
            difference = fast(a, b) - exact(a.double(), b.double())
            assert difference.abs().item() <= limit, (window, limit)
    described = measure("ssim", precision="float32").describe()
    assert "compared in float32, up to 1e-6 from float64 on photographs" in described
    assert measure("psnr", precision="float32").describe() == measure("psnr").describe()
    assert "float32" not in measure("psnr").describe()
    with pytest.raises(ValueError, match="precision is for measures in closed form"):
        measure("embedded", precision="float32")


def test_one_image_is_not_written_over_the_value_of_another() -> None:
    """Images of a batch are prepared in the same memory, one after the other; a value that is a
    view of it stays what it was.
    """
    images = codes(3, 3, 20, 30)
    values = SuperResolutionProtocol(2).compared(lambda x, _: x[:, 0, 0, 0], images, images)
    assert len(set(values.tolist())) == 3
    alone = [SuperResolutionProtocol(2).prepare(i, i)[0][0, 0, 0, 0] for i in images.split(1)]
    assert values.tolist() == torch.stack(alone).tolist()
