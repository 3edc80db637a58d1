"""How the SSIM family is differentiated: the gradient made in the forward pass, its parts, its
second derivative, its price.

The values are the business of ``test_structure`` and ``test_multiscale``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch
from battery import close, compiles, differentiate, hole, pictures
from oldest import needs_torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

import ssimloss.functional as F
from ssimloss.filters import make_window
from ssimloss.functional import _plane_means
from ssimloss.functional._moments import local_statistics
from ssimloss.functional._plane_means import plane_means
from ssimloss.kernels import why_not

Loss = Callable[..., Tensor]


pytestmark = pytest.mark.usefixtures("one_thread")


# --- the analytic gradient is that of the plain equation ------------------------------------------

# An odd and an even window, one without symmetry, the sample factor, and constants small enough for
# variances to matter.
SETTINGS = {
    "gaussian": (
        make_window("gaussian", 11, 1.5, torch.empty(0, dtype=torch.float64)),
        1e-4,
        9e-4,
        1.0,
    ),
    "even, sample": (torch.full((8,), 0.125, dtype=torch.float64), 1e-4, 9e-4, 64 / 63),
    "one-sided": (torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64), 1e-2, 1e-5, 1.0),
}


def both_ways(
    pred: Tensor, target: Tensor, setting: str, part: str, asks: tuple[bool, bool] = (True, True)
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Means and gradients for a random weight per plane: analytic, and by automatic differentiation
    of the plain equation.
    """
    window, c1, c2, factor = SETTINGS[setting]
    window = window.to(pred.dtype)
    upstream = torch.linspace(-1, 2, pred.shape[0] * pred.shape[1], dtype=pred.dtype).view(
        pred.shape[:2]
    )
    results = []
    for function in (
        functools.partial(plane_means, c1=c1, c2=c2, sample_factor=factor, part=part),
        lambda x, y, w: _plane_means._plain(x, y, w, c1, c2, factor, part),
    ):
        images = [
            image.clone().requires_grad_(ask)
            for image, ask in zip((pred, target), asks, strict=True)
        ]
        means = function(*images, window)
        gradients = torch.autograd.grad(
            means, [image for image in images if image.requires_grad], upstream
        )
        results.append((means.detach(), *gradients))
    return results[0], results[1]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("part", ["ssim", "contrast_structure"])
def test_analytic_gradient_in_float64(setting: str, part: str) -> None:
    pred, target = pictures()
    for asks in ((True, True), (True, False), (False, True)):
        for analytic, plain in zip(*both_ways(pred, target, setting, part, asks), strict=True):
            close(analytic, plain)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("part", ["ssim", "contrast_structure"])
def test_analytic_gradient_in_float32(setting: str, part: str) -> None:
    """Against float64: no worse than twice the plain equation's own error, plus 16 roundings, about
    one per filter tap.
    """
    bright = (0.9 + 0.01 * torch.randn(3, 3, 24, 31)).clamp(0, 1)
    for pred, target in (
        pictures(dtype=torch.float32),
        (bright, bright.roll(1, -1)),
        (bright * 0.1, bright),
    ):
        exact = both_ways(pred.double(), target.double(), setting, part)[1]
        for analytic, plain, truth in zip(
            *both_ways(pred, target, setting, part), exact, strict=True
        ):
            own = (plain.double() - truth).norm() / truth.norm()
            close(analytic, truth, 2 * own.item() + 16 * torch.finfo(torch.float32).eps)


def test_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The windows turned on the way back pass with a symmetric window only."""
    pred, target = pictures()
    turned = _plane_means.blur_transposed
    monkeypatch.setattr(
        _plane_means, "blur_transposed", lambda x, w, **o: turned(x, w.flip(0) if o else w, **o)
    )
    both_ways(pred, target, "gaussian", "ssim")
    analytic, plain = both_ways(pred, target, "one-sided", "ssim")
    with pytest.raises(AssertionError, match="off by"):
        close(analytic[1], plain[1])


@pytest.mark.parametrize("elements", [1, 40, 31 * 14, 31 * 24 * 4])
def test_chunks(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a plane, whole planes, several planes at a time: the same sums in another order."""
    pred, target = pictures()
    calls = []
    one = _plane_means._chunk
    monkeypatch.setattr(
        _plane_means, "_chunk", lambda x, *rest: calls.append(tuple(x.shape)) or one(x, *rest)
    )
    for setting, part in (("one-sided", "ssim"), ("even, sample", "contrast_structure")):
        whole = both_ways(pred, target, setting, part)[0]
        assert calls == [(9, 24, 31)]
        calls.clear()
        with monkeypatch.context() as patch:
            patch.setattr(_plane_means, "_CHUNK_CPU", elements)
            for some, all_at_once in zip(
                both_ways(pred, target, setting, part)[0], whole, strict=True
            ):
                close(some, all_at_once)
            assert len(calls) >= 3
            assert max(planes * height * width for planes, height, width in calls) <= max(
                elements, 8 * 5 * 31
            )
            calls.clear()


def test_planes_are_not_mixed() -> None:
    """The gradient of one plane's mean is 0 in every other plane."""
    pred, target = pictures()
    pred.requires_grad_()
    (gradient,) = torch.autograd.grad(F.ssim(pred, target, reduction="image")[1], pred)
    assert (gradient[[0, 2]] == 0).all()
    assert (gradient[1].abs().amax((1, 2)) > 0).all()


# --- second derivatives and transforms ------------------------------------------------------------

SMALL: dict[str, Loss] = {
    "ssim": functools.partial(F.ssim_loss, window_size=3),
    "ssim, asymmetric window": functools.partial(
        F.ssim_loss, window=torch.tensor([3.0, 1.0]), reduction="image"
    ),
    "ssim, reflect": functools.partial(F.ssim_loss, window_size=3, padding="reflect"),
    "ssim, map": functools.partial(F.ssim_loss, window_size=3, reduction="none"),
    "ssim, exponents": functools.partial(F.ssim_loss, window_size=3, exponents=(0.5, 1.5, 0.7)),
    "ms_ssim": functools.partial(F.ms_ssim_loss, window_size=2, scale_weights=(0.4, 0.6)),
    "ms_ssim, shift": functools.partial(
        F.ms_ssim_loss, window_size=2, scale_weights=(0.4, 0.6), negative="shift"
    ),
    "ms_ssim_l1": functools.partial(F.ms_ssim_l1_loss, window_size=3, sigmas=(0.5, 1.0)),
    "gradient_ssim": functools.partial(F.gradient_ssim_loss, window_size=3),
    "structure_correlation": functools.partial(F.structure_correlation_loss, window_size=3),
}
every_loss = pytest.mark.parametrize("name", SMALL)


def small_pair() -> tuple[Tensor, Tensor]:
    pred, target = torch.rand(2, 1, 1, 5, 4, dtype=torch.float64)
    return pred, target


@every_loss
def test_gradgradcheck(name: str) -> None:
    """The second derivative, mixed parts included, for each subset of images that asks."""
    pair = small_pair()
    for asks in ((True, True), (True, False), (False, True)):
        images = tuple(
            image.clone().requires_grad_(ask) for image, ask in zip(pair, asks, strict=True)
        )
        assert torch.autograd.gradgradcheck(
            SMALL[name], images, atol=1e-6, rtol=1e-4, fast_mode=not all(asks)
        )


@every_loss
def test_function_transforms(name: str) -> None:
    """``torch.func``: the gradient, a vector-Jacobian product, a Jacobian row per image, a
    derivative of a derivative.
    """
    pred, target = (torch.rand(2, 1, 5, 4, dtype=torch.float64) for _ in range(2))
    loss = SMALL[name]

    def total(image: Tensor) -> Tensor:
        return loss(image, target).sum()

    expected = differentiate(loss, pred, target)[1]
    close(torch.func.grad(total)(pred), expected)
    close(torch.func.vjp(total, pred)[1](torch.ones((), dtype=torch.float64))[0], expected)
    close(
        torch.func.grad(lambda other: loss(pred, other).sum())(target),
        differentiate(lambda t, p: loss(p, t), target, pred)[1],
    )
    rows = torch.func.jacrev(lambda image: loss(image, target, reduction="image"))(pred)
    alone = torch.stack(
        [
            differentiate(lambda p, t, i=i: loss(p, t, reduction="image")[i], pred, target)[1]
            for i in range(2)
        ]
    )
    close(rows, alone)
    direction = torch.rand_like(pred)
    twice = torch.func.grad(lambda image: (torch.func.grad(total)(image) * direction).sum())(pred)
    image = pred.clone().requires_grad_()
    first = torch.autograd.grad(total(image), image, create_graph=True)[0]
    close(twice, torch.autograd.grad((first * direction).sum(), image)[0])


@every_loss
def test_images_made_from_one_another(name: str) -> None:
    """With a graph of the gradient, each path is counted once where target was computed from pred,
    or is pred.
    """
    base = small_pair()[0].requires_grad_()
    loss = SMALL[name]
    for pair in (
        lambda b: (b, 0.5 * b + 0.3 * b.flip(3)),
        lambda b: (b.square(), b),
        lambda b: (b, b.detach()),
        lambda b: (b, b),
    ):
        expected = torch.autograd.grad(loss(*pair(base)).sum(), base)[0]
        found = torch.autograd.grad(loss(*pair(base)).sum(), base, create_graph=True)[0]
        close(found + 1, expected + 1)  # which is 0 for equal images
        close(
            torch.func.grad(lambda b, pair=pair: loss(*pair(b)).sum())(base.detach()) + 1,
            expected + 1,
        )


@every_loss
def test_gradient_penalty(name: str) -> None:
    """A norm of the gradient trains what made the image: its derivative against a finite
    difference.
    """
    pred, target = (torch.rand(1, 1, 7, 6, dtype=torch.float64) for _ in range(2))

    def penalty(gain: Tensor) -> Tensor:
        image = pred * gain
        (gradient,) = torch.autograd.grad(
            SMALL[name](image, target).sum(), image, create_graph=True
        )
        return gradient.square().sum()

    gain = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(penalty(gain), gain)
    ahead, behind = (
        penalty((gain.detach() + step).requires_grad_()).detach() for step in (1e-6, -1e-6)
    )
    torch.testing.assert_close(found, (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-9)


@every_loss
def test_second_derivative_under_autocast(name: str) -> None:
    """The plain equation, taken up in the backward pass, is not lowered to bfloat16 there."""
    pred, target = (image.float() for image in small_pair())
    pred.requires_grad_()
    expected = torch.autograd.grad(SMALL[name](pred, target).sum(), pred, create_graph=True)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = torch.autograd.grad(SMALL[name](pred, target).sum(), pred, create_graph=True)[0]
        second = torch.autograd.grad(found.square().sum(), pred)[0]
    close(found, expected, 1e-6)
    close(second, torch.autograd.grad(expected.square().sum(), pred)[0], 1e-6)


@every_loss
def test_backward_twice(name: str) -> None:
    """Through a retained graph; the stored gradient is not scaled in place."""
    pred, target = small_pair()
    pred.requires_grad_()
    total = SMALL[name](pred, target).sum()
    (3 * total).backward(retain_graph=True)
    first = pred.grad.clone()
    total.backward()
    close(pred.grad, first * 4 / 3)
    with pytest.raises(RuntimeError, match="second time"):
        total.backward()


def test_recomputed_activations() -> None:
    pred, target = pictures()
    expected = differentiate(F.ssim_loss, pred, target)
    found = differentiate(
        lambda p, t: checkpoint(F.ssim_loss, p, t, use_reentrant=False), pred, target
    )
    close(found[0], expected[0], 0)
    close(found[1], expected[1], 0)


def test_no_graph_where_none_is_wanted() -> None:
    pred, target = pictures()
    pred.requires_grad_()
    with torch.no_grad():
        assert not F.ssim_loss(pred, target).requires_grad
    with torch.inference_mode():
        assert F.ssim_loss(pred, target).isfinite()
    assert not F.ssim_loss(pred.detach(), target).requires_grad


# --- compiled -------------------------------------------------------------------------------------

COMPILED: dict[str, Loss] = {
    "ssim": F.ssim_loss,
    "ms_ssim": functools.partial(F.ms_ssim_loss, min_size="fewer_scales"),
    "ms_ssim_l1": functools.partial(F.ms_ssim_l1_loss, window_size=9),
    "gradient_ssim": F.gradient_ssim_loss,
    "structure_correlation": F.structure_correlation_loss,
}


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("name", COMPILED)
def test_compiles(name: str) -> None:
    """One graph with eager's value and gradient; ``test_every_loss`` does the same with generated
    code.
    """
    compiles(COMPILED[name], "aot_eager")


@needs_torch(2, 7, "options of operators are compiled again with each batch size")
@pytest.mark.filterwarnings("ignore")
def test_compiled_for_any_batch_size() -> None:
    """One graph serves every later batch, the smaller last one of an epoch included."""
    graphs = []

    def count(graph: torch.fx.GraphModule, _: list[object]) -> Callable[..., object]:
        graphs.append(graph)
        return graph.forward

    torch.compiler.reset()
    compiled = torch.compile(F.ssim_loss, fullgraph=True, backend=count)
    pred, target = (image.float() for image in pictures(16, 17))
    for size in (3, 2, 6, 5, 4):
        batch = [image.repeat(2, 1, 1, 1)[:size] for image in (pred, target)]
        found, expected = differentiate(compiled, *batch), differentiate(F.ssim_loss, *batch)
        close(found[0], expected[0], 1e-6)
        close(found[1], expected[1], 1e-5)
    assert len(graphs) <= 2, "recompiled for every batch size"


# --- what it costs --------------------------------------------------------------------------------


class _NoSynchronisation(TorchDispatchMode):
    """Fails where a value, or a shape that depends on values, has to be fetched from the device."""

    def __torch_dispatch__(
        self, func: object, types: object, args: tuple[object, ...] = (), kwargs: object = None
    ) -> object:
        forbidden = (
            "_local_scalar_dense",
            "nonzero",
            "masked_select",
            "unique",
            "is_nonzero",
            "equal.default",
            "allclose",
        )
        booleans = any(
            isinstance(tensor, Tensor) and tensor.dtype is torch.bool
            for tensor in torch.utils._pytree.tree_leaves(args[1:])
        )
        by_mask = str(func).startswith("aten.index") and booleans
        assert not by_mask, f"{func} waits for the device"
        assert not any(word in str(func) for word in forbidden), f"{func} waits for the device"
        return func(*args, **(kwargs or {}))  # type: ignore[operator, arg-type]


EVERYTHING: dict[str, Loss] = {
    **COMPILED,
    "ssim, custom window": functools.partial(
        F.ssim_loss, window=torch.tensor([1.0, 2.0, 1.0]), padding="reflect"
    ),
    "ssim, exponents": functools.partial(
        F.ssim_loss, exponents=(0.5, 1.5, 0.7), data_range=(-1, 1)
    ),
    "ssim, map": functools.partial(F.ssim_loss, reduction="none", downsample=2),
    "ms_ssim, relu": functools.partial(
        F.ms_ssim_loss, min_size="fewer_scales", negative="relu", channels="joint"
    ),
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_nothing_waits_for_the_device(name: str) -> None:
    for dtype in (torch.float32, torch.float64):
        pred, target = pictures(dtype=dtype)
        mask = hole(pred.shape)
        with _NoSynchronisation():
            for keywords in ({}, {"mask": mask}):
                differentiate(EVERYTHING[name], pred, target, **keywords)


def test_waiting_is_found() -> None:
    image = torch.rand(3)
    for fault in (
        lambda: image.sum().item(),
        lambda: image[image > 0.5],
        lambda: bool(image.any()),
        lambda: torch.equal(image, image),
    ):
        with _NoSynchronisation(), pytest.raises(AssertionError, match="waits for the device"):
            fault()


class _Memory(TorchDispatchMode):
    """Counts the bytes of the tensors alive that operators have made since it was entered, and the
    most there were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(
        self, func: object, types: object, args: tuple[object, ...] = (), kwargs: object = None
    ) -> object:
        before = {
            tensor.untyped_storage()._cdata
            for tensor in torch.utils._pytree.tree_leaves((args, kwargs))
            if isinstance(tensor, Tensor)
        }
        made = func(*args, **(kwargs or {}))  # type: ignore[operator, arg-type]
        self.alive = {key: entry for key, entry in self.alive.items() if not entry[0].expired()}
        for tensor in torch.utils._pytree.tree_leaves(made):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.alive and storage._cdata not in before:
                    self.alive[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
        self.peak = max(self.peak, sum(size for _, size in self.alive.values()))
        return made


def peak(run: Callable[[], object], pred: Tensor) -> float:
    """Peak memory in units of the image."""
    with _Memory() as memory:
        run()
    return memory.peak / (pred.numel() * pred.element_size())


def test_peak_memory_is_counted() -> None:
    """In-place operations, views and freed tensors cost nothing; tensors kept for backward do."""
    image = torch.rand(64, 64)
    assert peak(lambda: image + 1, image) == 1
    assert peak(lambda: (image + 1).mul_(2).view(-1), image) == 1
    assert peak(lambda: ((image + 1) + 1) + 1, image) == 2
    assert peak(lambda: torch.stack([image, image]), image) == 2
    leaf = image.clone().requires_grad_()
    assert peak(lambda: leaf.exp().exp().exp(), image) == 3
    assert peak(lambda: image.clone().copy_(image), image) == 1


def test_peak_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eager, of one large image, forward and backward: the gradient, its scaled copy, and buffers
    that do not grow with the image.

    A plain evaluation keeps more than twenty maps of its size. Rows of a plane are worked on at a
    time; without that it is far more.
    """
    ssim, ms_ssim = (
        functools.partial(loss, backend="eager") for loss in (F.ssim_loss, F.ms_ssim_loss)
    )
    pred, target = torch.rand(1, 3, 512, 512, requires_grad=True), torch.rand(1, 3, 512, 512)
    backward = peak(lambda: torch.autograd.grad(ssim(pred, target), pred), pred)
    multiscale = peak(lambda: torch.autograd.grad(ms_ssim(pred, target), pred), pred)
    with torch.no_grad():
        forward = peak(lambda: ssim(pred, target), pred)
    both = pred, target.requires_grad_()
    to_both = peak(lambda: torch.autograd.grad(ssim(*both), both), pred)
    print(
        f"\npeak memory / image: SSIM {backward:.2f}, to both images {to_both:.2f}, forward only "
        f"{forward:.2f}, MS-SSIM {multiscale:.2f}"
    )
    assert forward < 3.2
    assert backward < 6
    assert to_both < 8
    assert multiscale < 6

    monkeypatch.setattr(_plane_means, "_CHUNK_CPU", 1 << 40)
    assert peak(lambda: torch.autograd.grad(ssim(pred, target), pred), pred) > 12, (
        "the test does not see lost chunks"
    )


@pytest.mark.skipif(why_not("cpu") is not None, reason="no native library")
def test_peak_memory_of_the_native_library() -> None:
    """The gradient, and means: nothing of an image's size besides."""
    pred, target = torch.rand(1, 3, 512, 512, requires_grad=True), torch.rand(1, 3, 512, 512)
    for loss in (F.ssim_loss, F.ms_ssim_loss, F.l1_loss, F.charbonnier_loss, F.ssim_l1_loss):
        assert peak(lambda loss=loss: torch.autograd.grad(loss(pred, target), pred), pred) < 1.001
        with torch.no_grad():
            assert peak(lambda loss=loss: loss(pred, target), pred) < 0.001


@pytest.mark.parametrize("part", ["ssim", "contrast_structure"])
def test_gradient_where_the_variance_is_clamped(part: _plane_means.Part) -> None:
    """A window with negative lobes has negative variances, which count as 0: they must then have no
    slope either.
    """
    generator = torch.Generator().manual_seed(0)
    x, y = (
        torch.rand(1, 2, 12, 13, dtype=torch.float64, generator=generator).requires_grad_()
        for _ in range(2)
    )
    window = torch.tensor([-0.1, 0.6, 0.6, -0.1], dtype=torch.float64)
    constants = {"c1": 1e-4, "c2": 9e-4, "sample_factor": 1.0, "part": part}
    variances = local_statistics(x, y, window, 1.0, None).var_sum
    assert 0.05 < (variances == 0).double().mean() < 0.95
    ours = torch.autograd.grad(plane_means(x, y, window, **constants).sum(), (x, y))
    plain = torch.autograd.grad(
        _plane_means._plain(x, y, window, *constants.values()).sum(), (x, y)
    )
    for found, expected in zip(ours, plain, strict=True):
        torch.testing.assert_close(
            found, expected, rtol=1e-10, atol=1e-12 * float(expected.abs().max())
        )
