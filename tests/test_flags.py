"""PyTorch's precision flags: own arithmetic and the networks of metrics multiply in IEEE float32
whatever they allow, the networks of losses follow them, and they are left as they were.

``test_devices.py`` looks at the convolutions and matrix products of every loss, forward and
backward.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from typing import Any

import photographs
import pytest
import torch
from discovery import small_network
from fakes import Watch, in_tf32, tf32_allowed, watched
from oldest import needs_torch
from torch import Tensor
from torch._dynamo.backends.common import aot_autograd

import ssimloss
import ssimloss.functional as F
from ssimloss import _precision, filters, metrics
from ssimloss._flags import IEEE
from ssimloss._precision import product
from ssimloss.filters import blur
from ssimloss.networks import _winograd

NEW = hasattr(torch.backends, "fp32_precision")
BACKENDS = torch.backends


def state() -> list[object]:
    """Every flag, as any reader would see it."""
    found: list[object] = []
    if NEW:
        found += [BACKENDS.fp32_precision]
        for backend in (BACKENDS.cudnn, BACKENDS.mkldnn):
            found += [backend.fp32_precision, backend.conv.fp32_precision]
        found += [BACKENDS.cuda.matmul.fp32_precision, BACKENDS.mkldnn.matmul.fp32_precision]
    for read in (
        torch.get_float32_matmul_precision,
        lambda: BACKENDS.cudnn.allow_tf32,
        lambda: BACKENDS.cuda.matmul.allow_tf32,
    ):
        try:
            found.append(read())
        except RuntimeError:  # the old names, once somebody has used the new one
            found.append("refused")
    return found


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = state()
    yield
    torch.set_float32_matmul_precision("highest")
    BACKENDS.cudnn.allow_tf32 = True
    if NEW:
        BACKENDS.fp32_precision = "none"
        for backend in (BACKENDS.mkldnn, BACKENDS.cudnn):
            backend.fp32_precision = "none"
        BACKENDS.mkldnn.conv.fp32_precision = "none"
        BACKENDS.mkldnn.matmul.fp32_precision = BACKENDS.cuda.matmul.fp32_precision = "none"
        BACKENDS.cudnn.conv.fp32_precision = "tf32"
    assert state() == before


def _old_names() -> None:
    BACKENDS.cudnn.allow_tf32 = True
    BACKENDS.cuda.matmul.allow_tf32 = True


def _matmul_precision() -> None:
    torch.set_float32_matmul_precision("medium")


def _one_flag_for_all() -> None:
    BACKENDS.fp32_precision = "tf32"


def _new_names() -> None:
    BACKENDS.cudnn.conv.fp32_precision = "tf32"
    BACKENDS.cuda.matmul.fp32_precision = "tf32"
    BACKENDS.mkldnn.conv.fp32_precision = "bf16"


SETTINGS = [lambda: None, _old_names, _matmul_precision]
SETTINGS += [_one_flag_for_all, _new_names] if NEW else []


@pytest.mark.parametrize("settings", SETTINGS)
def test_region_forbids_and_takes_back(settings: Callable[[], None]) -> None:
    settings()
    before = state()
    assert in_tf32()  # cuDNN allows it from the start
    with IEEE:
        assert not in_tf32()
        with contextlib.suppress(KeyError), IEEE:
            raise KeyError
        assert not in_tf32()
    assert state() == before


@pytest.mark.skipif(not NEW, reason="one flag for all backends came later")
def test_flags_go_on_following_the_flag_of_all() -> None:
    """A change taken back must not pin what was inherited."""
    BACKENDS.fp32_precision = "tf32"
    with IEEE:
        assert not in_tf32()
    BACKENDS.fp32_precision = "ieee"
    assert not in_tf32()


def test_threads_share_one_change() -> None:
    """The last one out takes it back; who leaves earlier does not."""
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with IEEE:
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=stay)
    with IEEE:
        thread.start()
        assert inside.wait(10)
    assert not in_tf32()
    leave.set()
    thread.join()
    assert in_tf32()


def _child(found: multiprocessing.Queue[bool]) -> None:
    outside = in_tf32()
    with IEEE:
        found.put(outside and not in_tf32())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
def test_a_forked_process_starts_outside() -> None:
    """Whatever a thread of the parent was doing: that thread is not in the child."""
    context = multiprocessing.get_context("fork")
    found: multiprocessing.Queue[bool] = context.Queue()
    with IEEE:
        process = context.Process(target=_child, args=(found,))
        process.start()
    assert found.get(timeout=30)
    process.join()


# --- own arithmetic -------------------------------------------------------------------------------


def _blurred(x: Tensor) -> Tensor:
    return blur(x, torch.ones(3, device=x.device)).square().sum()


def _multiplied(x: Tensor) -> Tensor:
    planes = x.flatten(2)
    return product(planes, planes.mT).square().sum()


@pytest.mark.parametrize("f", [_blurred, _multiplied])
def test_every_derivative_is_in_float32(
    f: Callable[[Tensor], Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On meta tensors, whose operations are those of any GPU."""
    grad = torch.func.grad(f)
    with watched("meta", monkeypatch) as watch:
        x = torch.empty(2, 3, 8, 9, device="meta", requires_grad=True)
        with watch:
            (first,) = torch.autograd.grad(f(x), x, create_graph=True)
            torch.autograd.grad(first.sum(), x)
            torch.func.jvp(grad, (x.detach(),), (x.detach(),))
            torch.vmap(grad)(x.detach()[None])
    assert watch.multiplied > 10
    assert not watch.found


def operators(run: Callable[[Tensor], Tensor], x: Tensor) -> set[str]:
    """Of the graphs that ``torch.compile`` makes of a function and of its gradient."""
    seen: set[str] = set()

    def note(graph: torch.fx.GraphModule, _: object) -> Callable[..., object]:
        seen.update(str(node.target) for node in graph.graph.nodes if node.op == "call_function")
        return graph.forward

    torch.compiler.reset()
    compiled = torch.compile(
        run, backend=aot_autograd(fw_compiler=note, bw_compiler=note), fullgraph=True
    )
    torch.autograd.grad(compiled(x), x)
    return seen


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: F.ssim_loss(x, y, backend="eager"),
        lambda x, y: F.ms_ssim_l1_loss(x, y, window_size=3, sigmas=(0.5, 1.0), backend="eager"),
        lambda x, y: F.texture_loss({"a": x}, {"a": y}, layers={"a": 1.0}),
        lambda x, y: F.imresize(x - y, scale=0.5).square().mean(),
    ],
    ids=["ssim", "ms_ssim_l1", "texture", "imresize"],
)
def test_compiled_code_has_no_product_that_follows_the_flags(
    loss: Callable[[Tensor, Tensor], Tensor],
) -> None:
    """Convolutions and products are operators of this package, see the next test."""
    x, y = torch.rand(2, 1, 3, 16, 18)
    found = operators(lambda image: loss(image, y), x.requires_grad_())
    assert {"ssimloss.correlate.default", "ssimloss.product.default"} & found
    assert not [name for name in found if name.startswith(("aten.conv", "aten.bmm", "aten.mm"))]


def test_the_operators_of_compiled_code_set_the_flags_as_they_run() -> None:
    """By what they call, since a mode does not look into an operator."""
    x, watch = torch.rand(1, 3, 8, 9), Watch(torch.device("cpu"))
    with tf32_allowed(), watch:
        filters._dense_correlation(x, torch.ones(3), 2, 1)
        _precision._product(x[0], x[0].mT)
    assert watch.multiplied == 2
    assert not watch.found


@pytest.mark.parametrize("transposed", [False, True])
def test_winograd_is_in_float32(transposed: bool) -> None:
    """Its products stand for a convolution, with less room for rounding."""
    x, weight = torch.rand(1, 8, 12, 12), torch.rand(8, 8, 3, 3)
    watch = Watch(torch.device("cpu"), host=True)
    with tf32_allowed(), watch:
        if transposed:
            _winograd.convolve_transposed(x, weight)
        else:
            _winograd.convolve(x, weight, None)
    assert watch.multiplied >= 3
    assert not watch.found


# --- networks -------------------------------------------------------------------------------------


@needs_torch(2, 7, "fake CUDA tensors ask for a driver")
@pytest.mark.parametrize("name", ["embedded", "lpips", "dists"])
def test_networks_of_metrics_are_in_float32(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = "imagenet" if name == "embedded" else "random"
    measure = metrics.measure(name, weights=weights)
    with watched("cuda", monkeypatch) as watch:
        pred, target = (torch.empty(2, 3, 64, 64, device="cuda") for _ in range(2))
        with watch:
            measure.to("cuda")(pred, target)
    assert watch.multiplied >= 10
    assert not [line for line in watch.found if "TF32" in line]


def test_functions_of_the_user_are_measured_in_float32() -> None:
    """In a ``Validator`` and a ``LossMetric``, whose number must not depend on a flag."""
    pytest.importorskip("torchmetrics")
    seen = []

    def function(pred: Tensor, target: Tensor) -> Tensor:
        seen.append(in_tf32())
        return (pred - target).square().mean((1, 2, 3))

    pred, target = photographs.batch(24, 24, dtype=torch.float32)
    with tf32_allowed():
        metrics.Validator({"mine": function}).update(pred, target)
        metrics.LossMetric(function).update(pred, target)
    assert seen
    assert not any(seen)


def test_networks_of_losses_follow_the_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = ssimloss.PerceptualLoss(small_network(), layers={"relu3": 1.0})
    with watched("meta", monkeypatch) as watch:
        x, y = (torch.empty(1, 3, 24, 24, device="meta", requires_grad=True) for _ in range(2))
        with watch:
            torch.autograd.grad(loss.to("meta")(x, y), x)
    assert watch.multiplied == 9  # three convolutions of each image and of the gradient
    assert len([line for line in watch.found if "TF32" in line]) == watch.multiplied


def test_a_product_with_a_constant_keeps_only_the_constant() -> None:
    image, rows = torch.ones(1, 2, 3, requires_grad=True), torch.ones(1, 3, 2)
    # PyTorch 2.6 frees what a node keeps with its result.
    for result, other in ((product(image, rows), 0), (product(rows, image), 1)):
        kept: Any = result.grad_fn
        assert kept.saved_tensors[other] is None
        assert kept.saved_tensors[1 - other] is rows
