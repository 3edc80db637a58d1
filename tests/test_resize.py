"""``imresize``: MATLAB's own numbers, the NumPy reference, properties, gradients,
dtypes, errors.
"""

from __future__ import annotations

import json
from pathlib import Path

import battery
import pytest
import reference
import torch
from test_every_loss import layouts
from test_reference import small_matrices
from torch import Tensor

import ssimloss.functional as F

MATLAB = json.loads(
    (Path(__file__).parent / "goldens" / "matlab_imresize.json").read_text(encoding="utf-8")
)["values"]

pytestmark = pytest.mark.usefixtures("one_thread")

# Both sides shrunk by a whole factor, of sides that it divides and that it does not; by factors
# that are not whole; enlarged; one side each way; a scale of 1; a kernel wider than the image,
# mirrored several times.
SCALES: list[tuple[tuple[int, int], float | tuple[float, float]]] = [
    ((24, 30), 1 / 2),
    ((25, 31), 1 / 2),
    ((25, 31), 1 / 3),
    ((25, 31), 1 / 4),
    ((25, 31), 0.3),
    ((25, 31), 0.77),
    ((9, 11), 2),
    ((9, 11), 3),
    ((9, 11), 1.6),
    ((13, 10), (0.4, 1.7)),
    ((13, 10), (2.0, 1 / 2)),
    ((7, 8), 1.0),
    ((3, 2), 1 / 4),
    ((1, 1), 1 / 8),
]


def picture(height: int, width: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return battery.pictures(height, width, dtype)[1][:2]


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", MATLAB, ids=lambda row: f"{row['case']}-{row['options']}".replace(" ", "_")
)
def test_it_is_matlabs(row: dict) -> None:
    image = torch.from_numpy(small_matrices()[row["case"]].copy())[None, None]
    found = F.imresize(
        image, size=tuple(row["options"]["size"]), antialias=row["options"]["antialias"]
    )
    battery.close(found[0, 0], torch.tensor(row["value"], dtype=torch.float64), 1e-13)


def test_another_program_is_not_matlab() -> None:
    """The comparison above sees a kernel that is off, and a border that is cut off and not
    mirrored.
    """
    (row,) = (row for row in MATLAB if row["case"] == "ramp8" and row["options"]["size"] == [4, 4])
    image, value = (
        torch.from_numpy(small_matrices()["ramp8"])[None, None],
        torch.tensor(row["value"], dtype=torch.float64),
    )
    others = (
        torch.nn.functional.interpolate(image, size=(4, 4), mode="bicubic", antialias=True),
        torch.nn.functional.interpolate(image, size=(4, 4), mode="bicubic"),
        F.imresize(image, size=(4, 4), antialias=False),
        F.imresize(image.mT, size=(4, 4)),
    )
    for other in others:
        with pytest.raises(AssertionError):
            battery.close(other[0, 0], value, 1e-3)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(("sides", "scale"), SCALES)
def test_it_is_the_reference(
    sides: tuple[int, int], scale: float | tuple[float, float], antialias: bool
) -> None:
    image = picture(*sides)
    expected = reference.imresize(image.numpy(), scale=scale, antialias=antialias)
    battery.close(
        F.imresize(image, scale=scale, antialias=antialias), torch.from_numpy(expected), 1e-13
    )


def test_sides_are_rounded_up_and_a_scale_is_not_a_size() -> None:
    """For 25 pixels, a half is 13 pixels at distances of 2, and ``size`` 13 is 13 pixels at
    distances of 25 / 13.
    """
    image = picture(25, 31)
    assert F.imresize(image, scale=1 / 2).shape == (2, 3, 13, 16)
    assert F.imresize(image, scale=(1 / 3, 1.01)).shape == (2, 3, 9, 32)
    by_size = F.imresize(image, size=(13, 16))
    assert (by_size - F.imresize(image, scale=1 / 2)).abs().max() > 1e-2
    battery.close(by_size, F.imresize(image, scale=(13 / 25, 16 / 31)))


def test_constants_and_scale_one_stay() -> None:
    image = picture(9, 14)
    battery.close(F.imresize(image, scale=1), image, 1e-15)
    for scale in (1 / 3, 0.7, 2.3):
        battery.close(
            F.imresize(torch.full_like(image, 0.3), scale=scale),
            torch.full_like(F.imresize(image, scale=scale), 0.3),
            1e-15,
        )


def test_it_commutes_with_flips_and_turns() -> None:
    image = picture(16, 20)
    for scale in (1 / 2, 1 / 4, 3):
        small = F.imresize(image, scale=scale)
        battery.close(F.imresize(image.flip(2), scale=scale), small.flip(2), 1e-13)
        battery.close(F.imresize(image.flip(3), scale=scale), small.flip(3), 1e-13)
        battery.close(F.imresize(image.mT, scale=scale), small.mT, 1e-13)


def test_inside_it_is_torchs_antialiased_bicubic() -> None:
    """Which is another implementation: the same kernel, whose border alone is treated otherwise."""
    image = picture(64, 80)
    for factor in (2, 4):
        ours, theirs = (
            F.imresize(image, scale=1 / factor),
            torch.nn.functional.interpolate(
                image, size=(64 // factor, 80 // factor), mode="bicubic", antialias=True
            ),
        )
        battery.close(ours[..., 2:-2, 2:-2], theirs[..., 2:-2, 2:-2], 1e-13)
        assert (ours - theirs).abs().max() > 1e-3


# --- gradients, dtypes, memory --------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1 / 2, 0.6, (1.5, 1 / 3)])
def test_gradient_is_the_derivative(scale: float | tuple[float, float]) -> None:
    image = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: F.imresize(x, scale=scale), image)
    assert torch.autograd.gradgradcheck(lambda x: F.imresize(x, scale=scale), image)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(dtype: torch.dtype) -> None:
    image = picture(25, 31).to(dtype)
    found = F.imresize(image, scale=1 / 3)
    assert found.dtype is dtype
    exact = F.imresize(image.double(), scale=1 / 3)
    assert ((found.double() - exact).abs() <= torch.finfo(dtype).eps / 2 * exact.abs() + 1e-6).all()


def test_autocast_changes_nothing_forwards_or_backwards() -> None:
    image = picture(25, 31, torch.float32).requires_grad_()

    def both() -> tuple[Tensor, Tensor]:
        small = F.imresize(image, scale=1 / 2)
        return small, torch.autograd.grad((small**3).sum(), image)[0]

    expected = both()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = both()
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_float32_is_near_and_layouts_change_nothing() -> None:
    image = picture(40, 48)
    exact = F.imresize(image, scale=1 / 4)
    battery.close(F.imresize(image.float(), scale=1 / 4), exact, 1e-6)
    for changed in layouts(image).values():
        battery.close(F.imresize(changed, scale=1 / 4), exact, 1e-14)


def test_empty_batch() -> None:
    assert F.imresize(torch.zeros(0, 3, 8, 10), scale=1 / 2).shape == (0, 3, 4, 5)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("dynamic", [False, True])
def test_compiled_is_one_graph(dynamic: bool) -> None:
    torch.compiler.reset()
    compiled = torch.compile(
        lambda x: F.imresize(x, scale=1 / 2), fullgraph=True, dynamic=dynamic, backend="aot_eager"
    )
    for sides in ((24, 30), (25, 40)) if dynamic else ((25, 40),):
        image = picture(*sides, torch.float32).requires_grad_()
        small, expected = compiled(image), F.imresize(image, scale=1 / 2)
        battery.close(small, expected, 1e-6)
        battery.close(
            *(torch.autograd.grad((x**2).sum(), image)[0] for x in (small, expected)), 1e-5
        )


@pytest.mark.cuda
def test_cuda_equals_cpu() -> None:
    image = picture(50, 61, torch.float32)
    battery.close(F.imresize(image.cuda(), scale=1 / 3).cpu(), F.imresize(image, scale=1 / 3), 1e-6)


# --- errors ---------------------------------------------------------------------------------------


def test_bad_arguments_are_named() -> None:
    image = torch.rand(1, 3, 8, 9)
    wrong: list[tuple[type[Exception], str, Tensor, dict]] = [
        (
            ValueError,
            "exactly one of scale and size must be given, got scale=None and size=None",
            image,
            {},
        ),
        (
            ValueError,
            "exactly one of scale and size must be given",
            image,
            {"scale": 0.5, "size": (4, 4)},
        ),
        (ValueError, "scale must be positive, got 0", image, {"scale": 0}),
        (ValueError, "scale must be positive, got -1", image, {"scale": (0.5, -1)}),
        (ValueError, "scale must be finite", image, {"scale": float("nan")}),
        (ValueError, "scale must be a number or", image, {"scale": (0.5, 0.5, 0.5)}),
        (TypeError, "scale must be a number, got str", image, {"scale": "half"}),
        (TypeError, r"size must be \(height, width\), got 4", image, {"size": 4}),
        (ValueError, "size must be at least 1, got 0", image, {"size": (4, 0)}),
        (TypeError, "size must be an integer, got float", image, {"size": (4, 2.5)}),
        (
            TypeError,
            "antialias must be True or False, got 1",
            image,
            {"scale": 0.5, "antialias": 1},
        ),
        (TypeError, "image must be floating point, got torch.uint8", image.byte(), {"scale": 0.5}),
        (
            ValueError,
            r"image must have shape \(N, C, H, W\), got \(3, 8, 9\)",
            image[0],
            {"scale": 0.5},
        ),
        (
            ValueError,
            r"image must have pixels, got \(1, 3, 0, 9\)",
            image[:, :, :0],
            {"scale": 0.5},
        ),
    ]
    for error, message, bad, options in wrong:
        with pytest.raises(error, match=message):
            F.imresize(bad, **options)
