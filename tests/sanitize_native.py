"""The native library under AddressSanitizer and UndefinedBehaviorSanitizer, with images of fixed
and of random sizes.

``make sanitize``, or ``python tests/sanitize_native.py --seconds 300 --seed 7``. For each
instruction set of this processor, or one by ``--instructions avx2``: builds the library of that set
alone with the sanitizers, starts itself anew with their runtime loaded first, and calls every
primitive, with fixed sizes, then with random ones. Images and results lie in memory of exactly
their size, which the sanitizer surrounds, so that one pixel read or written too far ends the run.
Numbers are compared with the eager equations on the way. Not a test of pytest: the sanitizers'
runtime has to be in the process before Python is.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

ROOT = Path(__file__).parents[1]
SETS = ("avx512", "avx2", "baseline")
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined"
# 1 thread and several, a plane per vector and many, one tile and several, odd and even, the least
# that a window allows.
SIZES = [
    (1, 1, 11, 11),
    (2, 3, 16, 17),
    (16, 3, 24, 24),
    (5, 1, 33, 64),
    (1, 2, 12, 700),
    (1, 1, 40, 1301),
    (1, 3, 130, 47),
    (1, 1, 177, 190),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=60,
        help="of random sizes for each instruction set, after the fixed ones (default 60)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--instructions", choices=SETS, help="one instruction set (default: all of this processor)"
    )
    parser.add_argument(
        "--folder", type=Path, help="where instrumented libraries are kept (default: nowhere)"
    )
    options = parser.parse_args()
    if "SSIMLOSS_SANITIZED" in os.environ:
        work(Path(os.environ["SSIMLOSS_SANITIZED"]), options.seconds, options.seed)
        return
    sets = [name for name in SETS if has_instructions(name)]
    if options.instructions is not None:
        if options.instructions not in sets:
            parser.error(f"this processor has {', '.join(sets)}, not {options.instructions}")
        sets = [options.instructions]
    with tempfile.TemporaryDirectory() as temporary:
        for name in sets:
            library = build((options.folder or Path(temporary)).absolute() / name, name)
            # The C++ runtime as well: the sanitizer looks for its exceptions before PyTorch has
            # loaded it.
            runtime = " ".join(file_of_compiler(name) for name in ("libasan.so", "libstdc++.so"))
            environment = {
                **os.environ,
                "SSIMLOSS_SANITIZED": str(library),
                "LD_PRELOAD": runtime,
                # Python never frees what it keeps to its end
                "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0",
                "UBSAN_OPTIONS": "print_stacktrace=1",
            }
            command = [sys.executable, __file__, "--seconds", str(options.seconds)]
            command += ["--seed", str(options.seed)]
            subprocess.run(command, env=environment, cwd=ROOT, check=True)


def compiler() -> str:
    return os.environ.get("CXX", "g++")


def file_of_compiler(name: str) -> str:
    """Where the compiler keeps a library."""
    return subprocess.run(
        [compiler(), f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()


def build(folder: Path, instructions: str) -> Path:
    print(f"building {instructions} with {SANITIZERS}", flush=True)
    environment = {
        **os.environ,
        "SSIMLOSS_BUILD": "require",
        "SSIMLOSS_INSTRUCTIONS": instructions,
        # -g1: lines of the source for stack traces, without variables, which take long to build
        "SSIMLOSS_CXXFLAGS": f"{SANITIZERS} -O1 -g1 -fno-omit-frame-pointer",
        "SSIMLOSS_LDFLAGS": SANITIZERS,
    }
    command = [
        sys.executable,
        "setup.py",
        "--quiet",
        "build_ext",
        "--build-lib",
        folder / "lib",
        "--build-temp",
        folder / "objects",
    ]
    subprocess.run(list(map(str, command)), cwd=ROOT, env=environment, check=True)
    return folder / "lib" / "ssimloss" / "kernels" / "libssimloss.so"


def work(library: Path, seconds: float, seed: int) -> None:
    import torch

    from ssimloss.kernels import library as native

    native.use(library)
    call, called = native.call, set()

    def noted(function: str, structure: bytes) -> None:
        called.add(function)
        call(function, structure)

    native.call = noted
    choose = random.Random(seed)
    cases = 0
    paddings = ("valid", "reflect", "replicate", "zeros")
    for size, padding in itertools.product(SIZES, paddings):
        cases += case(choose, size, 11, padding)
    missing = set(native.FUNCTIONS) - called
    assert not missing, f"functions that no call reached: {sorted(missing)}"
    print(f"{native.describe()}: fixed sizes done, {cases} calls", flush=True)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        torch.set_num_threads(choose.choice((1, 2, 3)))
        padding = choose.choice(("valid", "reflect", "replicate", "zeros"))
        taps = choose.choice((1, 3, 5, 7, 11, 11, 15, 21, 33))
        least = {"valid": taps, "reflect": taps // 2 + 1}.get(padding, 1)
        wide = choose.random() < 0.2
        size = (
            choose.randint(1, 3 if wide else 9),
            choose.randint(1, 4),
            least + choose.randint(0, 50),
            least + choose.randint(0, 1300 if wide else 90),
        )
        cases += case(choose, size, taps, padding)
    print(f"{cases} calls, no complaint of the sanitizers, all numbers as in eager")


def has_instructions(name: str) -> bool:
    """Whether this processor has them, which are then in use."""
    from ssimloss.kernels import use_instructions

    try:
        use_instructions(name)
    except ValueError:
        return False
    return True


def sums(pred: Tensor, target: Tensor, *, kind: str, backend: str) -> Tensor:
    """What VMAF's VIF, ADM or motion adds up of the first channels, as codes."""
    import importlib

    from ssimloss.kernels import scale_sums

    name = {"information": "vif", "detail": "adm", "change": "motion"}[kind]
    module = importlib.import_module(f"ssimloss.video.{name}")
    x, y = (image[:, :1] for image in (pred, target))
    if kind == "change":
        return module._changes(x, y, backend)
    measured = module.measured_of(100.0)
    if backend == "eager":
        return module.sums_of_distorted(x, y, measured)
    equation = module.sums_of_distorted  # of which no derivative is asked for here
    return scale_sums(x, y, measured, backend=backend, equation=equation)


def preparations(choose: random.Random, pred: Tensor, target: Tensor) -> int:
    """Images and 8-bit codes as protocols prepare and compare them; the number of calls."""
    import torch

    from ssimloss.conventions.preparation import equation
    from ssimloss.kernels import Steps, prepared_images, squared_errors

    quantize, rounds = choose.random() < 0.5, choose.random() < 0.5
    luma = (0.3, 0.6, 0.1, 0.05) if pred.shape[1] == 3 and choose.random() < 0.7 else ()
    weights = tuple(weight / 255 for weight in luma[:3]) + luma[3:] if quantize else luma
    crop = choose.randint(0, (min(pred.shape[2:]) - 1) // 2)
    low = choose.choice((0.0, -0.25))
    steps = Steps(low, 1.0, quantize or rounds, quantize, rounds, crop, weights)
    codes = ((255 * image).round().to(torch.uint8) for image in (pred, target))
    of_codes = steps._replace(low=0.0, span=255.0)
    for images, done in (((pred, target), steps), (tuple(codes), of_codes)):
        for dtype in (torch.float32, torch.float64):
            found = prepared_images(*images, done, dtype, backend="cpu")
            exact = [equation(image, done, dtype) for image in images]
            assert torch.equal(torch.stack(found), torch.stack(exact)), (images[0].dtype, done)
        done = done._replace(round=False)
        one, other = (equation(image, done, torch.float64) for image in images)
        torch.testing.assert_close(
            squared_errors(*images, done, backend="cpu"),
            (one - other).square().mean((1, 2, 3)),
            rtol=1e-12,
            atol=1e-15,
        )
    return 6


def variation(pred: Tensor, target: Tensor, *, norm: str, backend: str) -> Tensor:
    """Total variation of both images, which has one."""
    import ssimloss.functional as F

    return sum(F.total_variation(i, norm=norm, backend=backend) for i in (pred, target))


def sorted_planes(pred: Tensor, target: Tensor, *, power: int, backend: str) -> Tensor:
    """The sum over positions of the distance of sorted values: a mean of many has a gradient that
    float16 rounds to few digits.
    """
    from ssimloss.functional.projections import sorted_distance

    total = pred.shape[2] * pred.shape[3]
    return total * sorted_distance(pred, target, None, power=power, backend=backend)


def along_a_flow(pred: Tensor, target: Tensor, *, backend: str) -> Tensor:
    """The first image, interpolated where the first channel of the second one leads.

    Positions are exact in float32 and never whole: next to a whole one, where the gradient jumps, a
    rounding decides between its values.
    """
    from ssimloss._precision import promote
    from ssimloss.functional.warping_error import warp

    pred, target = promote(pred, target)
    moved = 30 * target[:, :1]
    steps = (512 * moved.detach().float()).floor().to(moved.dtype)
    flow = (2 * steps + 1) / 1024 - 14 + (moved - moved.detach())
    return warp(pred, flow.expand(-1, 2, -1, -1), backend=backend)[0]


def blocks(pred: Tensor, target: Tensor, *, backend: str, factor: int, border: str) -> Tensor:
    """Means of blocks of weighted sums of the channels of both images."""
    from ssimloss._precision import promote
    from ssimloss.functional._gradient_similarity import channel_means

    rows = ((0.3, 0.6, 0.1), (0.5, -0.2, -0.3))
    x, y = (
        channel_means(image, rows, factor, backend, low=0.25, scale=3.0, border=border)
        for image in promote(pred, target)
    )
    return x * y


def information(
    pred: Tensor, target: Tensor, *, backend: str, weights: tuple[float, ...]
) -> Tensor:
    """IW-SSIM, whose function takes no backend."""
    import ssimloss.functional as F

    module = importlib.import_module("ssimloss.functional.iw_ssim")
    chosen = module._backend
    if backend == "eager":
        module._backend = lambda *_: "eager"
    try:
        return F.iw_ssim(pred, target, scale_weights=weights, reduction="image")
    finally:
        module._backend = chosen


def case(choose: random.Random, size: tuple[int, int, int, int], taps: int, padding: str) -> int:
    """Every primitive once on images of this size; the number of calls."""
    import torch

    import ssimloss.functional as F

    dtype = choose.choice(
        (torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16)
    )
    pred, target = torch.rand(2, *size).to(dtype).unbind()
    layout = choose.choice(("as it is", "channels_last", "sliced"))
    pred, target = pred.clone(), target.clone()  # memory of their own
    if layout == "channels_last":
        pred = pred.to(memory_format=torch.channels_last)
    elif layout == "sliced":
        pred = torch.nn.functional.pad(pred, (1, 2))[..., 1:-2]
    asks = choose.choice(((True, False), (False, True), (True, True), (False, False)))
    window = {"window_size": taps, "sigma": 0.3 + taps / 6}
    pooling = choose.choice(("floor", "zeros", "replicate", "symmetric"))
    calls = [
        (F.ssim, {"padding": padding, "reduction": "image", **window}),
        (F.ssim_map, {"padding": padding, **window}),
        (F.ssim_l1_loss, {"padding": padding, "eps": choose.choice((None, 1e-3)), **window}),
        (choose.choice((F.l1_loss, F.l2_loss, F.charbonnier_loss, F.huber, F.clipped)), {}),
        (sorted_planes, {"power": choose.choice((1, 2))}),
        (along_a_flow, {}),
        (F.structure_correlation, {"padding": padding, **window}),
        (F.gradient_ssim, {"padding": padding, **window}),
    ]
    filtered = [
        (F.gmsd, {"deviation": choose.choice(("sample", "population")), "reduction": "image"}),
        (F.edge_loss, {"operator": choose.choice(("sobel", "scharr", "laplacian"))}),
        (F.gradient_difference_loss, {"alpha": choose.choice((1, 2))}),
    ]
    if min(size[2:]) >= 4:
        filtered.append((F.ms_gmsd, {"scale_weights": (0.3, 0.7), "reduction": "image"}))
    if min(size[2:]) >= 8:
        colors = {"scale_weights": (0.2, 0.3, 0.5), "planes": "yiq_coarsest"}
        filtered.append((F.ms_gmsd, {**colors, "reduction": "image"}))
    if min(size[2:]) >= 3:
        filtered.append((F.mdsi, {"reduction": "image"}))
    norm = choose.choice(("anisotropic", "isotropic", "squared"))
    calls.append((variation, {"norm": norm}))
    if size[1] in (1, 3):
        calls += filtered
        calls.append((F.ciede2000, {"reduction": choose.choice(("image", "sum"))}))
        calls.append((F.flip, {"pixels_per_degree": choose.choice((1.0, 20.0, 67.0, 150.0))}))
        if min(size[2:]) >= 8:
            calls += [(f, {"reduction": "image"}) for f in (F.psnr_hvs, F.psnr_hvs_m)]
            worst = choose.choice((0.05, 0.5, 1.0))
            calls.append((F.dss, {"reduction": "image", "worst": worst}))
        if min(size[2:]) >= 41:
            calls.append((information, {"weights": (0.2, 0.3, 0.5)}))
            calls.append((F.vif, {"reduction": "image", "noise": choose.choice((0.4, 2.0))}))
        border = choose.choice(("zeros", "zeros_after", "replicate", "drop"))
        calls.append((blocks, {"factor": choose.choice((1, 2, 3, 5)), "border": border}))
        if min(size[2:]) >= 16:
            calls.append((F.haarpsi, {"reduction": "image", "alpha": choose.choice((4.2, 20.0))}))
            visible = {"reduction": "image", "min_size": "fewer_scales"}
            calls.append((F.ssimulacra2, visible))
            calls.append((F.fsim, {"reduction": "image"}))
    mask = (torch.rand(size[0], choose.choice((1, size[1])), *size[2:]) - 0.3).clamp(min=0)
    # Of one pixel or two under a window, float32 does not know the correlation.
    for loss, weights in ((F.ssim, mask), (F.structure_correlation, mask + 0.3)):
        calls.append((loss, {"padding": padding, "mask": weights, **window}))
    if padding == "valid" or taps % 2:
        sigmas = choose.choice(((0.5, 1.0, 2.0, 4.0, 8.0), (0.3,), (1.0, 0.7)))
        calls.append(
            (F.ms_ssim_l1_loss, {"padding": padding, "window_size": taps, "sigmas": sigmas})
        )
    if min(size[2:]) >= taps:
        combined = {
            "combination": choose.choice(("product", "product", "weighted_sum")),
            "negative": choose.choice(("clamp", "relu", "shift")),
            "channels": choose.choice(("separate", "joint")),
        }
        calls.append(
            (
                F.ms_ssim,
                {
                    "min_size": "fewer_scales",
                    "pooling": pooling,
                    "reduction": "none",
                    **combined,
                    **window,
                },
            )
        )
    if min(size[2:]) >= 16:
        calls += [(sums, {"kind": kind}) for kind in ("information", "detail", "change")]
    for loss, options in calls:
        found, differentiable = [], options.get("kind") != "change"
        # Scaled before the native library and the equation see them: both are to round alike.
        given = [64 + 128 * image if "kind" in options else image for image in (pred, target)]
        for backend in ("cpu", "eager"):
            images = [
                image.detach().requires_grad_(ask and differentiable)
                for image, ask in zip(given, asks, strict=True)
            ]
            if backend == "eager":
                images = [
                    image.detach().double().requires_grad_(image.requires_grad) for image in images
                ]
            value = loss(*images, backend=backend, **options)
            asking = [image for image in images if image.requires_grad]
            found.append(
                [value.detach(), *(torch.autograd.grad(value.sum(), asking) if asking else ())]
            )
        if loss is F.fsim and dtype is not torch.float64:
            # By rounding, the median of the noise may be another pixel, which gets its gradient.
            found = [numbers[:1] for numbers in found]
        for one, other in zip(*found, strict=True):
            error = (one.double() - other).norm() / other.norm().clamp(min=1e-12)
            allowed = {torch.float32: 1e-3, torch.float64: 1e-9}.get(dtype, 0.1)
            assert error <= allowed, (
                f"{loss.__name__} {size} {dtype} {layout} {asks} {options}: {error:.1e} from eager"
            )
    return len(calls) + preparations(choose, pred, target)


if __name__ == "__main__":
    main()
