"""Devices that are not here: every loss and function on fake tensors of CUDA and Apple's GPUs, and
backward on meta tensors (see ``fakes``).

No tensor on another device, no float64 on Apple's GPUs, no synchronisation of the host in a
training step, no product of ours in TF32 and no operator that is not deterministic on CUDA, but for
what stands here with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from discovery import LOSSES, VARIANTS, evaluate, fresh, one_word_at_a_time, recipe
from fakes import Watch, step, watched, without_float64
from oldest import needs_torch
from torch import Tensor, nn

import ssimloss.functional as F
from ssimloss import CombinedLoss, measure, metrics

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    needs_torch(2, 7, "fake CUDA tensors ask for a driver"),
]

DEVICES = ("cuda:1", "mps", "meta")  # with cuda:0 the current one
# What test_metric_devices.py runs on Apple's GPUs, with values: the same equations.
MEASURED = {each.module for each in measure.registered() if each.name in metrics.measures.known()}
# Without criteria that differentiate in the forward pass, which takes a real device.
CLOSED = [
    name
    for name in (*LOSSES, *VARIANTS)
    if name in LOSSES or not (recipe(name).is_deep or "on_nonfinite" in name)
]
# What may wait for the host, or copy from it, by device: part of a name, and why.
EIGENVALUES = dict.fromkeys(
    ("IWSSIM", "VIFWavelet"), "PyTorch has no eigenvalues that the host does not wait for"
)
MAY_WAIT = {
    "cuda:0": EIGENVALUES,
    "cuda:1": EIGENVALUES,
    "meta": EIGENVALUES,
    "mps": {
        "IWSSIM": "there are no eigenvalues on Apple's GPUs",
        "VIFWavelet": "the same",
        "downscale": "imresize makes its matrices in float64, which Apple's GPUs do not have",
        "imresize": "imresize makes its matrices in float64, which Apple's GPUs do not have",
        "cmmd_loss": "distances of sets are in float64, which Apple's GPUs do not have",
        "kernel_distance_loss": "distances of sets are in float64, as of cmmd_loss",
        "class_logits": "labels are looked at where they lie on the host",
    },
}


def may_wait(name: str, device: str) -> bool:
    return any(part in name for part in MAY_WAIT.get(device, ()))


def images(device: torch.device, *shape: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Two that ask for gradients, where a graph can be made."""
    grad = device.type != "mps"
    return [torch.empty(shape, dtype=dtype, device=device, requires_grad=grad) for _ in range(2)]


def differentiated(value: Tensor, given: Sequence[Tensor]) -> None:
    """The backward pass, where the engine runs."""
    if value.is_meta:
        torch.autograd.grad(value.sum(), given, allow_unused=True)


def noted(
    name: str, device: str, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype = torch.float32
) -> Watch:
    """What the mode notes in a training step with a loss of ``discovery``."""
    options = recipe(name).small if name in LOSSES else {}
    height, width = recipe(name).small_sides or recipe(name).sides
    module = fresh(name, **options)
    allowed = {"tf32": recipe(name).is_deep, "host": may_wait(name, device)}
    with watched(device, monkeypatch, **allowed) as watch:
        module = module.to(watch.device)
        if isinstance(module, CombinedLoss):
            # Every 100th step counts pixels and sends the counts to the host, without waiting.
            module.step = 1
        pair = images(watch.device, 2, recipe(name).channels, height, width, dtype=dtype)

        def run() -> None:
            value = evaluate(name, module, *pair)
            assert (value.device, value.shape) == (watch.device, ())
            differentiated(value, pair if recipe(name).takes_target else pair[:1])

        step(watch, run)
    return watch


@pytest.mark.parametrize("name", [name for name in CLOSED if name in LOSSES])
def test_every_loss(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward in half precision, on a device that is not the current one; the rest as of variants,
    which are on that device in float32.
    """
    assert not noted(name, "cuda:1", monkeypatch, torch.bfloat16).found
    if name not in MEASURED:
        assert not noted(name, "mps", monkeypatch).found
    check_backward(name, monkeypatch)


def check_backward(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device without float64, which takes every step that others take."""
    with without_float64(monkeypatch):
        watch = noted(name, "meta", monkeypatch)
    copies = may_wait(name, "mps")  # float64 values that are made on the host
    assert not [line for line in watch.found if "float64" in line or not copies]
    if not recipe(name).is_deep:  # the networks' layers are their owner's choice
        assert not_deterministic(watch.operators) <= NOT_DETERMINISTIC.keys()


@pytest.mark.parametrize("name", one_word_at_a_time(n for n in CLOSED if n in VARIANTS))
def test_every_variant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward on a device that is not the current one, backward as on one without float64."""
    assert not noted(name, "cuda:1", monkeypatch).found
    check_backward(name, monkeypatch)


# --- functions ------------------------------------------------------------------------------------

Features = dict[str, Tensor]
# Of two images (N, 3, H, W), what is called and returns tensors.
FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "adversarial_discriminator_loss": lambda x, y: F.adversarial_discriminator_loss(
        x[:, :1], y[:, :1], kind="hinge", relativistic="average", flip_probability=0.1
    ),
    "adversarial_generator_loss": lambda x, _: F.adversarial_generator_loss(
        x[:, :1], kind="softplus"
    ),
    "cmmd_loss": lambda x, y: F.cmmd_loss(features(x), features(y)),
    "class_logits": lambda x, _: F.class_logits(
        x.mean((2, 3)), torch.zeros(len(x), dtype=torch.int64, device=x.device)
    ),
    "contextual_bilateral_loss": lambda x, y: F.contextual_bilateral_loss(
        {"a": x}, {"a": y}, layers={"a": 1.0}
    ),
    "contextual_loss": lambda x, y: F.contextual_loss({"a": x}, {"a": y}, layers={"a": 1.0}),
    "deep_similarity": lambda x, y: F.deep_similarity(
        {"a": x}, {"a": y}, layers={"a": 1.0}, map_size=(20, 31)
    ),
    "adists": lambda x, y: F.adists({"a": x}, {"a": y}, window_size=7),
    "dists": lambda x, y: F.dists({"a": x}, {"a": y}, alpha=[ones(x)], beta=[ones(x)]),
    "fdl_loss": lambda x, y: F.fdl_loss({"a": x}, {"a": y}, layers={"a": 1.0}, projections=3),
    "feature_matching_loss": lambda x, y: F.feature_matching_loss([x], [y]),
    "gradient_penalty": lambda x, y: F.gradient_penalty(critic, x, y),
    "gram_matrix": lambda x, _: F.gram_matrix(x),
    "heatmap_loss": lambda x, y: F.heatmap_loss(x, y, compare="coordinates"),
    "imresize": lambda x, _: F.imresize(x, scale=0.5),
    "kernel_distance_loss": lambda x, y: F.kernel_distance_loss(features(x), features(y)),
    "lecam_penalty": lambda x, y: F.lecam_penalty(
        x[:, :1], y[:, :1], real_average=0.1, fake_average=-0.1
    ),
    "lpips": lambda x, y: F.lpips({"a": x}, {"a": y}, heads=[ones(x)]),
    "ms_ssim_db": lambda x, y: F.ms_ssim_db(x, y, window_size=3, scale_weights=(0.5, 0.3, 0.2)),
    "perceptual_loss": lambda x, y: F.perceptual_loss({"a": x}, {"a": y}, layers={"a": 1.0}),
    "prior_loss": lambda x, y: F.prior_loss(x, y),
    "projected_distribution_loss": lambda x, y: F.projected_distribution_loss(
        {"a": x}, {"a": y}, layers={"a": 1.0}
    ),
    "psnr": lambda x, y: F.psnr(x, y),
    "psnr_hvs": lambda x, y: F.psnr_hvs(x, y),
    "psnr_hvs_m": lambda x, y: F.psnr_hvs_m(x, y),
    "r1_penalty": lambda x, _: F.r1_penalty(critic, x),
    "r2_penalty": lambda x, _: F.r2_penalty(critic, x),
    "sliced_wasserstein_loss": lambda x, y: F.sliced_wasserstein_loss(
        {"a": x}, {"a": y}, layers={"a": 1.0}
    ),
    "soft_argmax": lambda x, _: F.soft_argmax(x),
    "ssim_map": lambda x, y: F.ssim_map(x, y, mask=torch.ones_like(x)),
    "temporal_difference_loss": lambda x, y: F.temporal_difference_loss(x, y),
    "texture_loss": lambda x, y: F.texture_loss({"a": x}, {"a": y}, layers={"a": 1.0}),
    "wavelet_guidance": lambda x, _: F.wavelet_guidance(x, wavelet="haar"),
    "warping_error_loss": lambda x, y: F.warping_error_loss(x, flow=y[1:, :2]),
    "wavelet_transform": lambda x, _: F.wavelet_transform(x, transform="decimated")[0],
}
# What reads values, which fake tensors have not; test_metric_devices.py runs it.
READS_VALUES = {"frechet_distance": "its errors tell which features are not finite"}
# Distances of sets are in float64, which Apple's GPUs do not have: there they are on the host.
OF_FEATURES = ("cmmd_loss", "kernel_distance_loss")
PENALTIES = ("gradient_penalty", "r1_penalty", "r2_penalty")  # which call the engine themselves


def features(images: Tensor) -> Tensor:
    """Rows of 26 numbers."""
    return images[:, 0].flatten(0, 1)


def critic(image: Tensor) -> Tensor:
    return image.square().mean((1, 2, 3))


def ones(like: Tensor) -> Tensor:
    return torch.ones(like.shape[1], device=like.device)


def test_no_function_escapes() -> None:
    """Each is the function of a module of ``discovery``, its score, or stands in the table."""
    of_modules = [
        function
        for each in measure.registered()
        if each.module in LOSSES
        for function in (each.loss, each.score)
    ]
    alone = {name for name in F.__all__ if getattr(F, name) not in of_modules}
    assert alone - FUNCTIONS.keys() == READS_VALUES.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for device in DEVICES:
        if name in PENALTIES and device != "meta":
            continue
        with watched(device, monkeypatch, host=may_wait(name, device)) as watch:
            pair = images(watch.device, 2, 3, 24, 26)
            given = [image.requires_grad_() for image in pair] if device == "meta" else pair

            def run(given: Sequence[Tensor] = given) -> None:
                value = FUNCTIONS[name](*given)
                on_host = name in OF_FEATURES and watch.device.type == "mps"
                assert value.device == (torch.device("cpu") if on_host else watch.device)
                if name not in PENALTIES:
                    differentiated(value, given)

            step(watch, run)
        assert not watch.found, device


# --- deterministic algorithms ---------------------------------------------------------------------

# Operators on PyTorch's list that losses use all the same, each named in docs/devices.md.
NOT_DETERMINISTIC = {
    "convolution": "cuDNN chooses deterministic algorithms in PyTorch's deterministic mode",
    "gather": "class_logits takes one logit of each row, so that no two gradients are added",
    "adaptive_avg_pool2d": "of masks, which have no gradient",
    "scatter": "the median in FSIM takes one value of each row, so that no two gradients are added",
    "index_put": "with accumulate=True, which sorts on CUDA",
}


def listed() -> Iterator[tuple[str, bool]]:
    """The operators that the installed PyTorch calls non-deterministic on CUDA: part of a name, and
    whether the gradient is meant.
    """
    text = re.sub(r"\s+", " ", torch.use_deterministic_algorithms.__doc__ or "")
    for entry in text.split(" * ")[1:]:
        found = re.match(r":(?:class|func|attr|meth):`~?(?:torch\.)?([\w.]+)` ?(.*)", entry)
        assert found, f"an entry of another form: {entry[:80]}"
        name, condition = found[1].split(".")[-1], found[2]
        if "CPU tensor" in condition and "CUDA" not in condition:
            continue
        if "quantized" in condition or "sparse" in condition:
            continue
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().rstrip("_")
        name = {"nllloss": "nll_loss", "ctcloss": "ctc_loss"}.get(name, name)
        name = {"interpolate": "upsample_(linear|bilinear|bicubic|trilinear)"}.get(name, name)
        name = "convolution" if re.match(r"conv(_transpose)?\d", name) else name
        yield name, "differentiate" in condition or "requires grad" in condition


def not_deterministic(operators: set[str]) -> set[str]:
    """The operators among these that are on the list."""
    found = set()
    for name, of_gradient in listed():
        pattern = rf"aten\._?{name}\w*{'_backward' if of_gradient and name != 'gather' else ''}\b"
        found |= {name for operator in operators if re.match(pattern, operator)}
    return found


def test_exceptions_are_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "devices.md").read_text()
    for operator in NOT_DETERMINISTIC:
        assert f"| `{operator}` |" in text
    for name in ("imresize", "downscale", "labels"):
        assert name in text.partition("## Synchronisation")[2].partition("##")[0]


def test_the_list_is_read() -> None:
    names = {name for name, _ in listed()}
    assert {"convolution", "reflection_pad2d", "avg_pool3d", "adaptive_avg_pool2d"} <= names
    assert {"scatter_reduce", "put", "histc", "median", "nll_loss"} <= names
    used = {"aten.upsample_bilinear2d_backward.default", "aten.reflection_pad2d_backward.default"}
    assert len(not_deterministic(used)) == 2
    assert not not_deterministic({"aten.reflection_pad2d.default", "aten.avg_pool2d.default"})


# --- the checks themselves, on planted faults -----------------------------------------------------


class Faulty(nn.Module):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).square().mean()


class MadeOnTheCPU(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return super().forward(pred, target) * torch.tensor([1.0]).to(pred.device)[0]


class MadeOnTheCurrentDevice(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        device = pred.device if pred.device.type != "cuda" else torch.device("cuda", 0)
        torch.zeros(3, device=device)
        return super().forward(pred, target)


class Float64(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).square().mean(dtype=torch.float64).float()


class ReadsAValue(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        value = super().forward(pred, target)
        return value / 2 if value.detach().max().item() > 1 else value


class IndexesByMask(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        torch.ops.aten.index.Tensor(pred.detach(), [target.detach() > 0])
        return super().forward(pred, target)


class ConvolvesInTF32(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        taps = torch.full((1, pred.shape[1], 3, 3), 0.1, device=pred.device)
        return nn.functional.conv2d(pred - target, taps).square().mean()


class GuardsForwardOnly(Faulty):
    """Whose backward pass runs under the trainer's flags."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        from ssimloss._flags import IEEE

        with IEEE:
            x, y = pred.flatten(2), target.flatten(2)
            return torch.bmm(x, y.mT).square().mean()


class AddsWithAtomics(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return nn.functional.pad(pred - target, (1, 1, 1, 1), mode="reflect").square().mean()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (MadeOnTheCPU, "copies between devices"),
        (MadeOnTheCurrentDevice, "on .*index=0"),
        (Float64, "makes float64"),
        (ReadsAValue, "waits for the device|_local_scalar_dense|meta"),
        (IndexesByMask, "waits for the device|nonzero"),
        (ConvolvesInTF32, r"convolution\.default may run in TF32"),
        (GuardsForwardOnly, r"bmm\.default may run in TF32"),
        (AddsWithAtomics, "reflection_pad2d"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_planted_fault_is_found(
    fault: type[nn.Module],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(LOSSES, fault.__name__, fault)
    with pytest.raises((AssertionError, RuntimeError, NotImplementedError)) as raised:
        test_every_loss(fault.__name__, monkeypatch)
    assert re.search(message, str(raised.value))


def test_sound_loss_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted faults fail for their faults, not for being planted."""
    monkeypatch.setitem(LOSSES, "Faulty", Faulty)
    test_every_loss("Faulty", monkeypatch)
