"""Tensors that are not plain memory of numbers: subclasses, wrappers, lazy views, fake, sparse and
nested tensors, over the whole public surface.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from discovery import (
    LOSSES,
    build,
    evaluate,
    options,
    photos,
    recipe,
    small_network,
    value_and_gradients,
)
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map

import ssimloss
import ssimloss.functional as F
from ssimloss import metrics
from ssimloss.kernels import why_not

pytestmark = pytest.mark.usefixtures("one_thread")

needs_library = pytest.mark.skipif(why_not("cpu") is not None, reason="no native library here")


# --- subclasses with memory of their own ----------------------------------------------------------


class Strict(Tensor):
    """Refuses sizes that are not a tuple, as MONAI's MetaTensor does."""

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        makes = name in ("new_empty", "new_zeros", "new_ones", "new_full")
        if makes and not isinstance(args[1], tuple):
            raise TypeError(f"{name}(): argument 'size' must be tuple of ints, not int")
        return super().__torch_function__(func, types, args, kwargs or {})


class Named(Tensor):
    """Carries an attribute, without which its results cannot be used."""

    title: str

    @staticmethod
    def __new__(cls, values: Tensor, title: str = "an image") -> Named:
        made = Tensor._make_subclass(cls, values, values.requires_grad)
        made.title = title
        return made


def meta_tensor(values: Tensor) -> Tensor:
    """MONAI's, where it is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, and of what it imports
        monai = pytest.importorskip("monai.data")
    made: Tensor = monai.MetaTensor(values)
    return made


def tv_image(values: Tensor) -> Tensor:
    """torchvision's."""
    from torchvision import tv_tensors

    return tv_tensors.Image(values)


SUBCLASSES: dict[str, Callable[[Tensor], Tensor]] = {
    "strict": lambda values: values.as_subclass(Strict),
    "with an attribute": Named,
    "MetaTensor": meta_tensor,
    "tv_tensors.Image": tv_image,
    "Parameter": nn.Parameter,
}
with_subclass = pytest.mark.parametrize("kind", SUBCLASSES)


def close(found: Tensor, expected: Tensor, off: float = 0.0) -> None:
    """Of values and gradients, relative to the largest; their classes may differ. ``off`` is what
    ``expected`` is itself away from float64, where another backend may compute ``found``.
    """
    found = found.detach().as_subclass(Tensor)
    scale = float(expected.abs().max())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=max(1e-5, 3 * off) * scale)


def error(name: str, gradients: Sequence[Tensor]) -> float:
    """What these gradients are away from float64, relative to the largest."""
    _, exact = value_and_gradients(name, build(name), *(each.double() for each in photos(name)))
    return max(
        float((ours - truth).abs().max() / truth.abs().max())
        for ours, truth in zip(gradients, exact, strict=True)
    )


def arrangements(make: Callable[[Tensor], Tensor], name: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Both images of a kind, and each together with a plain one; all require gradients."""
    images = photos(name)
    mixed = ((make, make), (make, Tensor.clone), (Tensor.clone, make))
    for kinds in mixed if recipe(name).takes_target else mixed[:1]:
        pred, target = (kind(image.clone()) for kind, image in zip(kinds, images, strict=True))
        yield pred.requires_grad_(), target.requires_grad_()


def check_subclass(kind: str, name: str, count: int) -> None:
    """The value is that of plain tensors and a plain tensor itself; gradients arrive. Of the first
    ``count`` arrangements.
    """
    module = build(name)
    value, gradients = value_and_gradients(name, module, *photos(name))
    for images in list(arrangements(SUBCLASSES[kind], name))[:count]:
        found = evaluate(name, module, *images)
        assert type(found) is Tensor
        close(found, value)
        found.backward()
        for image, gradient in zip(images, gradients, strict=False):
            assert image.grad is not None
            close(image.grad, gradient)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_subclasses(name: str) -> None:
    """Of the most particular one: all kinds are unwrapped in one place."""
    check_subclass("strict", name, 3)


# One of each kind of loss: of pixels, of windows, of several scales, of features, and a sum.
@with_subclass
@pytest.mark.parametrize(
    "name", ["L1Loss", "SSIMLoss", "MSSSIMLoss", "GMSDLoss", "PerceptualLoss", "CombinedLoss"]
)
def test_kinds_of_losses_of_every_subclass(kind: str, name: str) -> None:
    check_subclass(kind, name, 1)


@with_subclass
def test_unreduced_values_and_masks_of_subclasses(kind: str) -> None:
    make = SUBCLASSES[kind]
    pred, target = photos("SSIMLoss")
    mask = torch.rand(2, 1, *pred.shape[2:])
    # All of them for one kind, since the kinds are unwrapped in one place.
    for name in LOSSES if kind == "strict" else ("L1Loss", "SSIMLoss", "PerceptualLoss"):
        if recipe(name).has_reduction and recipe(name).takes_target:
            module = build(name, reduction="none")
            images = photos(name)
            expected = evaluate(name, module, *images)
            found = evaluate(name, module, *(make(image.clone()) for image in images))
            assert type(found) is Tensor
            close(found, expected)
    for loss in (F.ssim, F.l1_loss, F.gradient_difference_loss, F.ms_ssim_l1_loss):
        found = loss(make(pred.clone()), target, mask=make(mask.clone()))
        assert type(found) is Tensor
        close(found, loss(pred, target, mask=mask))
    assert type(F.ssim_map(make(pred.clone()), target)) is Tensor


@with_subclass
def test_measures_of_subclasses(kind: str) -> None:
    """Names, metric classes, ``Validator``, ``LossMetric``; states stay plain tensors."""
    make = SUBCLASSES[kind]
    pred, target = torch.rand(2, 1, 3, 192, 180)
    images = make(pred.clone()), make(target.clone())
    # All of them for one kind, since the kinds are unwrapped in one place.
    names = metrics.MEASURES if kind == "strict" else ("psnr", "ssim", "ms_gmsd", "vmaf", "l1")
    for name in names:
        if not name.startswith("lpips") and name not in ("dists", "adists"):
            found = metrics.measure(name)(*images)
            assert type(found) is Tensor
            close(found, metrics.measure(name)(pred, target))

    def mean_error(pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).abs().mean((1, 2, 3))

    for metric in (
        metrics.PSNR(),
        metrics.LossMetric(ssimloss.L1Loss()),
        metrics.LossMetric(mean_error),
    ):
        metric.update(*images)
        assert type(metric.total) is Tensor
        assert type(metric.compute()) is Tensor
    validator = metrics.Validator({"psnr": "psnr", "error": mean_error})
    assert {type(value) for value in validator.update(*images).values()} == {Tensor}
    if kind != "tv_tensors.Image":  # which has at least three dimensions
        rows = make(pred[0, 0].clone()), make(target[0, 0].clone())
        assert type(metrics.frechet_distance(*rows)) is Tensor
        assert {type(part) for part in metrics.inception_score(rows[0])} == {Tensor}
        assert {type(p) for p in metrics.kernel_distance(*rows, subset_size=50)} == {Tensor}


@with_subclass
def test_discriminators_and_sums_of_subclasses(kind: str) -> None:
    make = SUBCLASSES[kind]
    real, fake = (make(torch.rand(4, 3, 8, 8)) for _ in range(2))
    judge = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 1, 3))
    logits = {"real_logits": make(judge(real)), "fake_logits": make(judge(fake))}
    found = [
        F.gradient_penalty(judge, real, fake),
        F.r1_penalty(judge, real),
        F.r2_penalty(judge, fake),
        F.lecam_penalty(**logits, real_average=make(torch.rand(1, 1, 1)), fake_average=0.1),
        F.adversarial_discriminator_loss(**logits, kind="hinge"),
        ssimloss.AdversarialLoss("hinge").generator_loss([logits["fake_logits"]]),
        ssimloss.CombinedLoss(off=ssimloss.Term(ssimloss.L1Loss(), start=9))(real, fake),
        ssimloss.CombinedLoss(own=lambda a, b: (a - b).abs().mean())(real, fake),
    ]
    assert {type(value) for value in found} == {Tensor}
    features = ssimloss.networks.FeatureExtractor(small_network(), ["relu1"])(real)
    assert type(features["relu1"]) is Tensor


@pytest.mark.parametrize("kind", ["strict", "MetaTensor"])
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_losses_of_subclasses(kind: str) -> None:
    """Dynamo does not trace ``as_subclass``: the graph begins after it."""
    make = SUBCLASSES[kind]
    module = ssimloss.CombinedLoss(l1=ssimloss.L1Loss(), ssim=ssimloss.SSIMLoss())
    pred, target = photos("SSIMLoss")
    expected = module(pred, target)
    torch.compiler.reset()
    found = torch.compile(module, backend="eager")(make(pred.clone()), make(target.clone()))
    assert type(found) is Tensor
    close(found, expected)


# --- classes that dispatch operations themselves --------------------------------------------------


class Wrapper(Tensor):
    """Holds a tensor, as distributed tensors do; nothing is written into a plain one."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Wrapper:
        return Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), dtype=held.dtype, device=held.device
        )

    def __init__(self, held: Tensor) -> None:
        self.held = held

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        assert func.namespace != "ssimloss", "a kernel's operator, of which such classes know none"
        changed = args[:1] if func._schema.is_mutable else ()
        written = (kwargs["out"],) if "out" in kwargs else changed
        for tensor in written:
            assert isinstance(tensor, cls), f"{func} writes into a plain tensor"

        def of(value: Any) -> Any:
            return value.held if isinstance(value, cls) else value

        def wrapped(value: Any) -> Any:
            return cls(value) if isinstance(value, Tensor) else value

        found = func(*tree_map(of, args), **tree_map(of, kwargs))
        return args[0] if func._schema.is_mutable else tree_map(wrapped, found)


@pytest.mark.parametrize("name", [name for name in LOSSES if not recipe(name).shared])
def test_wrappers(name: str) -> None:
    module = build(name)
    # Wrappers take the equation, not a kernel, which may round otherwise: where a similarity of
    # colours is nearly 0, the slope of VSI's power 0.02 is thousands of times that rounding.
    takes_backend = "backend" in options(type(module))
    plain = build(name, backend="eager") if takes_backend else module
    value, gradients = value_and_gradients(name, plain, *photos(name))
    off = 0.0 if takes_backend else error(name, gradients)
    # Both are wrapped, then one of them; which one alternates between the losses.
    both, *one_of_them = arrangements(Wrapper, name)
    for images in (both, *one_of_them[list(LOSSES).index(name) % 2 :][:1]):
        asked = [image.detach().requires_grad_() for image in images]
        found = evaluate(name, module, *asked)
        assert isinstance(found, Wrapper)
        close(found.held, value)
        wanted = asked if recipe(name).takes_target else asked[:1]
        for ours, theirs in zip(torch.autograd.grad(found, wanted), gradients, strict=True):
            close(ours.held if isinstance(ours, Wrapper) else ours, theirs, off)


@pytest.mark.parametrize("backend", ["auto", "eager"])
def test_a_fake_image_beside_a_real_one(backend: str) -> None:
    """Outside of its mode: the result has no values, and none are made up."""
    pred, target = photos("SSIMLoss")
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    fake = mode.from_tensor(target)
    for loss in (F.ssim, F.ssim_map, F.l1_loss, F.ssim_l1_loss):
        for images in ((pred, fake), (fake, pred), (fake, fake)):
            assert isinstance(loss(*images, backend=backend), type(fake))


# --- what is refused ------------------------------------------------------------------------------


def other_layouts(image: Tensor) -> dict[str, Tensor]:
    """Of an image ``(2, C, H, W)``."""
    found = {"torch.sparse_coo": image.to_sparse(), "torch._mkldnn": image.to_mkldnn()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both are in beta
        found["torch.sparse_csr"] = image.to_sparse_csr()
        found["nested"] = torch.nested.nested_tensor(list(image))
    return found


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if name not in ("AdversarialLoss", "FeatureMatchingLoss")]
)
def test_images_that_are_not_dense_are_named(name: str) -> None:
    pred, target = photos(name)
    for layout, other in other_layouts(pred).items():
        with pytest.raises(TypeError, match=rf"pred must be a dense tensor, got .*{layout}"):
            evaluate(name, build(name), other, target)
        if recipe(name).takes_target:
            with pytest.raises(TypeError, match=rf"target must be a dense tensor, got .*{layout}"):
                evaluate(name, build(name), target, other)
    with pytest.raises(TypeError, match=r"pred must be float16, .* got torch.float8_e4m3fn; cast"):
        evaluate(name, build(name), pred.to(torch.float8_e4m3fn), target)


def test_masks_that_are_not_dense_are_named() -> None:
    pred, target = photos("L1Loss")
    mask = torch.ones_like(pred[:, :1])
    for layout, other in other_layouts(mask).items():
        with pytest.raises(TypeError, match=rf"mask must be a dense tensor, got .*{layout}"):
            F.l1_loss(pred, target, mask=other)


@needs_library
def test_freed_storage() -> None:
    """PyTorch itself crashes on such a tensor."""
    pred, target = photos("SSIMLoss")
    pred.untyped_storage().resize_(0)
    for loss in (F.ssim, F.l1_loss, F.ssim_map, F.ssim_l1_loss):
        for images in ((pred, target), (target, pred)):
            with pytest.raises(RuntimeError, match="no longer has memory"):
                loss(*images, backend="cpu")


# --- inference mode -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_inference_mode(name: str) -> None:
    """A target from a loader in inference mode can be trained with; validation under it returns the
    same values.
    """
    pred, target = photos(name)
    module = build(name)
    value, gradients = value_and_gradients(name, module, pred, target)
    off = error(name, gradients)
    with torch.inference_mode():
        made = pred.clone(), target.clone()
        close(evaluate(name, module, *made), value)
        close(evaluate(name, module, pred, target), value)
        own = module if recipe(name).shared else build(name)  # tensors of its own are ordinary ones
    close(evaluate(name, module, *made), value)
    leaf = pred.clone().requires_grad_()
    found = evaluate(name, own, leaf, made[1])
    close(found, value)
    (gradient,) = torch.autograd.grad(found, leaf, create_graph=True)
    close(gradient, gradients[0], off)
    if recipe(name).takes_target:
        leaf = target.clone().requires_grad_()
        found = evaluate(name, own, made[0], leaf)
        close(torch.autograd.grad(found, leaf)[0], gradients[1], off)


def test_masks_and_labels_made_in_inference_mode() -> None:
    with torch.inference_mode():
        labels, real = torch.tensor([0, 2]), torch.rand(2, 3, 8, 8)
        logits = torch.rand(2, 4)
        masks = {side: torch.rand(2, 1, side, side) for side in (48, 180)}
    for name in LOSSES:
        parameters = inspect.signature(LOSSES[name].forward).parameters
        if "mask" in parameters:
            side = 180 if name == "MSSSIMLoss" else 48
            pred, target = torch.rand(2, 2, 3, side, side)
            leaf = pred.requires_grad_()
            images = (leaf, target) if "target" in parameters else (leaf,)
            if name == "FeatureMatchingLoss":
                images = ([leaf], [target])
            value = build(name)(*images, mask=masks[side])
            expected = build(name)(*images, mask=masks[side].clone())
            close(value, expected.detach())
            close(*(torch.autograd.grad(v, leaf)[0] for v in (value, expected)))
    fake = torch.rand(2, 4, requires_grad=True)
    loss = ssimloss.AdversarialLoss("hinge", relativistic="paired")
    loss.generator_loss(fake, real_logits=logits, labels=labels).backward()
    judge = nn.Conv2d(3, 1, 8)
    for penalty in (F.r1_penalty(judge, real), F.gradient_penalty(judge, real, real.clone())):
        penalty.backward()
    assert fake.grad is not None
    assert judge.weight.grad is not None
