"""Functional transforms: ``torch.vmap``, ``torch.func``, forward-mode differentiation and
vectorised Jacobians serve every loss, and agree with ``backward()``.

Kernels have no forward-mode derivative, so ``backend="auto"`` takes the equation there and a named
backend raises.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
from discovery import LOSSES, build, evaluate, photos, recipe, small_network
from torch import Tensor, nn

import ssimloss.functional as F
from ssimloss import color, kernels, video
from ssimloss.networks import FeatureExtractor

pytestmark = pytest.mark.usefixtures("one_thread")

Function = Callable[[Tensor], Tensor]
# PyTorch's own loops, where it has no rule for a batch.
SLOW = "There is a performance drop because we have not yet implemented the batching rule"
NOT_IN_PYTORCH = "Batching rule not implemented for aten::flatten.using_ints"
NAMED = {
    name if room is F else f"video.{name}": getattr(room, name)  # both have a vif
    for room in (F, video)
    for name in room.__all__
    if inspect.isfunction(getattr(room, name))
    and "backend" in inspect.signature(getattr(room, name)).parameters
    and name != "motion"  # of one clip; its features are those of vmaf_features
}


def small(name: str) -> tuple[nn.Module, Tensor, Tensor]:
    """A loss, and float64 images no larger than it needs."""
    options = recipe(name).small
    pred, target = photos(name, torch.float64)
    height, width = recipe(name).small_sides or (min(n, 24) for n in pred.shape[-2:])
    if name == "LPIPS":
        height, width = 32, 34
    return build(name, **options), pred[..., :height, :width], target[..., :height, :width]


def agree(found: Tensor, expected: Tensor) -> bool:
    assert found.shape == expected.shape
    return bool((found - expected).norm() <= 1e-9 * max(expected.norm(), 1e-3))


# Those that contain the others: what a vectorised gradient or a Hessian needs, the gradient and its
# derivative along a direction need too. Without second derivatives, nothing contains jacfwd.
OUTER = ("vmap of grad", "grads batched", "grad of jvp", "grad of grad", "hessian")
OUTER_OF_FIRST = ("vmap of grad", "grads batched", "jacfwd")


def unserved(
    f: Function,
    x: Tensor,
    *,
    only: tuple[str, ...] = (),
    second: bool = True,
    legacy: bool = True,
) -> list[str]:
    """What does not agree with plain differentiation, by name; PyTorch's error if one raises.

    Args:
        f: of images to a scalar.
        only: the transforms to run; by default, all.
        second: whether the gradient is the derivative, so that derivatives of it can be compared.
        legacy: whether PyTorch itself serves vectorised forward-mode Jacobians of what ``f`` calls.
    """
    v = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(5))
    leaf = x.clone().requires_grad_()
    (first,) = torch.autograd.grad(f(leaf), leaf)
    slope, batch = (first * v).sum(), torch.stack([x, 0.9 * x + 0.05])

    def along(t: Tensor) -> Tensor:
        return torch.stack([f(x + t[0] * v), f(x - t[1] * v)])

    def tangent() -> Tensor:
        with forward_ad.dual_level():
            return forward_ad.unpack_dual(f(forward_ad.make_dual(x, v))).tangent

    def batched() -> Tensor:
        return torch.autograd.grad(f(leaf), leaf, x.new_tensor([1.0, -2.0]), is_grads_batched=True)

    def jacobian(strategy: str) -> Tensor:
        return torch.autograd.functional.jacobian(along, zeros, vectorize=True, strategy=strategy)

    zeros = x.new_zeros(2)
    both = torch.stack([slope, -slope]).diag()
    cases: dict[str, tuple[Callable[[], Tensor], Tensor]] = {
        "vmap": (lambda: torch.vmap(f)(batch), torch.stack([f(image) for image in batch])),
        "grad": (lambda: torch.func.grad(f)(x), first),
        "vjp": (lambda: torch.func.vjp(f, x)[1](x.new_tensor(2.0))[0], 2 * first),
        "vmap of grad": (lambda: torch.vmap(torch.func.grad(f))(batch)[0], first),
        "jvp": (lambda: torch.func.jvp(f, (x,), (v,))[1], slope),
        "dual numbers": (tangent, slope),
        "jacfwd": (lambda: torch.func.jacfwd(along)(zeros), both),
        "grads batched": (lambda: batched()[0], torch.stack([first, -2 * first])),
        "jacobian": (lambda: jacobian("reverse-mode"), both),
    }
    if legacy:
        cases["jacobian, forward"] = (lambda: jacobian("forward-mode"), both)
    if second:
        (graph,) = torch.autograd.grad(f(leaf), leaf, create_graph=True)
        curved = torch.zeros_like(x)
        if graph.requires_grad:
            (curved,) = torch.autograd.grad((graph * v).sum(), leaf)
        grad = torch.func.grad(f)
        cases |= {
            "jvp of grad": (lambda: torch.func.jvp(grad, (x,), (v,))[1], curved),
            "grad of jvp": (
                lambda: torch.func.grad(lambda y: torch.func.jvp(f, (y,), (v,))[1])(x),
                curved,
            ),
            "grad of grad": (lambda: torch.func.grad(lambda y: (grad(y) * v).sum())(x), curved),
            "hessian": (
                lambda: torch.func.hessian(lambda t: f(x + t[0] * v))(zeros[:1])[0, 0],
                (curved * v).sum(),
            ),
        }
    wrong = []
    for case, (run, expected) in cases.items():
        if only and case not in only:
            continue
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", SLOW)
            try:
                if not agree(run(), expected):
                    wrong.append(case)
            except (RuntimeError, NotImplementedError) as error:  # what PyTorch raises
                wrong.append(f"{case}: {error}")
    return wrong


@pytest.mark.parametrize(
    "name",
    LOSSES,
)
def test_every_loss_is_served(name: str) -> None:
    """By the transforms that contain the others, which the functions below are asked for."""
    module, pred, target = small(name)
    how = recipe(name)
    found = unserved(
        lambda image: evaluate(name, module, image, target),
        pred,
        only=OUTER if how.is_derivative else OUTER_OF_FIRST,
        second=how.is_derivative,
    )
    assert not found, "\n".join(found)


def test_pytorch_has_no_vectorised_forward_jacobian_of_max_pooling() -> None:
    """Which is why that of networks is left out above; remove this when it fails."""
    image, v = torch.rand(2, 1, 1, 4, 4, dtype=torch.float64)
    with pytest.raises(RuntimeError, match=NOT_IN_PYTORCH):
        torch.autograd.functional.jacobian(
            lambda t: nn.functional.max_pool2d(image + t[0] * v, 2).sum(),
            torch.zeros(1, dtype=torch.float64),
            vectorize=True,
            strategy="forward-mode",
        )


OTHERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ssim_map": lambda x, y: F.ssim_map(x, y).square().sum(),
    "ssim, mask": lambda x, y: F.ssim(x, y, mask=y[:, :1] > 0.3),
    "ssim, image": lambda x, y: F.ssim(x, y, reduction="image").square().sum(),
    "psnr": lambda x, y: F.psnr(x, y),
    "l1, image": lambda x, y: F.l1(x, y, reduction="image").square().sum(),
    "gram_matrix": lambda x, _: F.gram_matrix(x, patch_size=5).square().sum(),
    "soft_argmax": lambda x, _: F.soft_argmax(x).square().sum(),
    "imresize": lambda x, _: F.imresize(x, size=(11, 40)).square().sum(),
    "lecam_penalty": lambda x, y: F.lecam_penalty(
        x[:, :1], y[:, :1], real_average=0.1, fake_average=-0.1
    ),
    "rgb_to_ycbcr": lambda x, _: color.rgb_to_ycbcr(x).square().sum(),
}


@pytest.mark.parametrize("name", OTHERS)
def test_functions_without_a_module_are_served(name: str) -> None:
    pred, target = (image[..., :18, :20] for image in photos("L1Loss", torch.float64))
    found = unserved(lambda image: OTHERS[name](image, target), pred)
    assert not found, "\n".join(found)


class Branching(nn.Module):
    """A network without a graph of its own, with a layer in place."""

    def __init__(self, *, traced: bool) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, 2)
        self.traced = traced

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.conv(x))
        return self.pool(y + y if self.traced or x.shape[0] else y)


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("route", ["Chain", "Traced", "Hooked"])
def test_networks_are_served(route: str, checkpoint: bool) -> None:
    network = small_network() if route == "Chain" else Branching(traced=route == "Traced")
    layers = ["relu1", "relu3"] if route == "Chain" else ["relu", "pool"]
    extractor = FeatureExtractor(network, layers, checkpoint=checkpoint)
    chosen, _ = extractor._backbone.route(extractor.layers, torch.float64)
    assert type(chosen).__name__ == route
    pred, _ = (image[..., :18, :20] for image in photos("L1Loss", torch.float64))
    found = unserved(
        lambda image: sum(f.square().mean() for f in extractor(image).values()), pred, legacy=False
    )
    assert not found, "\n".join(found)


# Options for images as small as possible; features and a clip in place of images.
SMALL: dict[str, dict[str, Any]] = {
    "ms_ssim": {"window_size": 3},
    "ms_swd": {"scales": 2, "projections": 4, "patch_size": 3},
    "ssimulacra2": {"min_size": "fewer_scales"},
    "fdl": {"layers": {"a": 1.0}, "projections": 2, "patch_size": 3},
    "sliced": {"layers": {"a": 1.0}, "projections": 2},
    "projected": {"layers": {"a": 1.0}},
}


@pytest.mark.skipif(kernels.why_not("cpu") is not None, reason="no native library")
@pytest.mark.parametrize("name", NAMED)
def test_a_named_backend_runs_or_gives_its_reason(name: str) -> None:
    needs_more = "ms_ssim" in name or name in ("vif", "vif_loss")
    sides = (48, 50) if needs_more else (20, 22)
    options = next((found for start, found in SMALL.items() if start in name), {})
    pred, target = torch.rand(2, 2, 1, *sides, dtype=torch.float64)

    def f(image: Tensor) -> Tensor:
        images: tuple[Any, ...] = (image, target)
        if name.startswith("total_variation"):
            images = (image,)
        elif "layers" in options:
            images = {"a": image}, {"a": target}
        if name.startswith("warping"):
            found = NAMED[name](image, flow=target[1:].expand(1, 2, *sides), backend="cpu")
        else:
            found = NAMED[name](*images, backend="cpu", **options)
        if isinstance(found, dict):
            found = torch.stack(list(found.values()))
        return found.square().mean() if found.ndim else found

    v = torch.randn_like(pred)
    batch = torch.stack([pred, 0.9 * pred])
    leaf = pred.clone().requires_grad_()
    (first,) = torch.autograd.grad(f(leaf), leaf)
    assert agree(torch.func.grad(f)(pred), first)
    assert agree(torch.vmap(f)(batch), torch.stack([f(image) for image in batch]))
    for forward in (f, torch.func.grad(f)):
        with pytest.raises(RuntimeError, match=r"backend='cpu' cannot run: .*forward-mode.*'auto'"):
            torch.func.jvp(forward, (pred,), (v,))


# --- the check itself -----------------------------------------------------------------------------


class Doubled(torch.autograd.Function):
    """Squares with the gradient doubled where a transform follows them."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.square()

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:  # noqa: ARG004
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * gradient

    @staticmethod
    def jvp(ctx, tangent: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 4 * x * tangent


class Bare(torch.autograd.Function):
    """Squares without rules."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


def test_planted_faults_are_found() -> None:
    x = torch.rand(3, dtype=torch.float64)
    assert not unserved(lambda image: image.square().sum(), x)
    wrong = unserved(lambda image: Doubled.apply(image).sum(), x)
    assert {"jvp", "dual numbers", "jacfwd"} <= set(wrong)
    missing = [line.partition(":")[0] for line in unserved(lambda i: Bare.apply(i).sum(), x)]
    assert {"vmap", "jvp", "jvp of grad", "hessian"} <= set(missing)
    assert unserved(lambda image: Doubled.apply(image).sum(), x, only=OUTER) == ["grad of jvp"]
    first = unserved(lambda image: Doubled.apply(image).sum(), x, only=OUTER_OF_FIRST)
    assert first == ["jacfwd"]
    assert len(unserved(lambda i: Bare.apply(i).sum(), x, only=OUTER)) >= 4
