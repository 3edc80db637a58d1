"""Metrics on devices that are not here: every measure, metric class, protocol, convention and
statistic of sets, and CombinedLoss, on tensors that report CUDA or an Apple GPU and have values
(see ``fakes``).

The values are those of the CPU. While a batch is measured, no tensor is on another device, none on
an Apple GPU is float64, the host does not wait for the device, and no product of this package or of
its networks is in TF32, except for what ``MAY_WAIT`` lists. ``compute`` may wait.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from covering import REPEATED
from fakes import tf32_allowed, watched
from oldest import needs_torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

import ssimloss
import ssimloss.functional as F
from ssimloss import CombinedLoss, Measure, Term, conventions, measure, metrics
from ssimloss._precision import WITHOUT_FLOAT64
from ssimloss.evaluation import measuring
from ssimloss.evaluation.images import Image

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*data_range"),  # of noise beside differences
    needs_torch(2, 7, "CUDA tensors ask for a driver"),
]

DEVICES = ("cuda:1", "mps")  # with cuda:0 the current one
# What may wait for the device, or copy from it, while a batch is measured: a pattern of names, the
# kinds of device, and why.
MAY_WAIT = {
    "^statistics": (
        DEVICES,
        "computed once, of a whole set; the errors tell what is not finite",
    ),
    "explain_difference": (DEVICES, "returns Python numbers"),
    "iw_ssim|IWSSIM|IW_SSIM|vif_wavelet|VIF_?WAVELET|VIFWavelet": (
        DEVICES,
        "PyTorch has no eigenvalues that the host does not wait for, Apple's GPUs none at all",
    ),
    "in_buckets": (DEVICES, "sends the order of the images to the device"),
    "pixels of files": (DEVICES, "come from the host"),
    "CombinedLoss": (DEVICES, "sends counts of pixels, every 100th step, and does not wait for it"),
}
# Names in ssimloss.metrics that compute nothing from tensors of a device.
NOT_RUN = {
    "MEASURES": "names",
    "PROTOCOLS": "names",
    "Protocol": "the base of protocols",
    "ImageMeasure": "the base of measures",
    "ImageMetric": "the base of metric classes",
    "EpochScores": "numbers on the host",
    "BestCheckpoint": "numbers on the host",
    "RateCurve": "numbers on the host",
    "bd_rate": "numbers on the host",
    "bd_quality": "numbers on the host",
}


def may_wait(name: str, device: str) -> bool:
    return any(re.search(part, name) and device in kinds for part, (kinds, _) in MAY_WAIT.items())


class Subject:
    """Something that owns tensors, how it takes a batch, and how it tells its result."""

    def __init__(
        self,
        owner: Any,
        update: str = "__call__",
        compute: str | None = None,
        call: Callable[..., Any] = lambda function, pred, target: function(pred, target),
    ) -> None:
        self.owner, self.call = owner, call
        self.names = update, compute

    def on(self, device: torch.device) -> Subject:
        """A copy there."""
        there = copy.copy(self)
        there.owner = copy.deepcopy(self.owner)
        if hasattr(there.owner, "to"):
            there.owner.to(device)
        return there

    def update(self, pred: Tensor, target: Tensor) -> Any:
        return self.call(getattr(self.owner, self.names[0]), pred, target)

    def compute(self) -> Any:
        return None if self.names[1] is None else getattr(self.owner, self.names[1])()


def weights_of(name: str) -> str:
    return "random" if name.startswith(("lpips", "dists", "adists")) else "imagenet"


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten())


def both_sets(update: Callable[..., object], pred: Tensor, target: Tensor) -> None:
    update(pred, real=False)
    update(target, real=True, index=torch.arange(2, device=target.device))


def rows(images: Tensor) -> Tensor:
    """Features ``(N, 16)`` of few images."""
    return images[:, 0, :10, :16].flatten(0, 1)


def of_convention(found: conventions.Convention) -> Subject:
    border = {"crop_border": 4} if found.preparation.crop else {}
    count = 2 if found.measure.takes_target else 1
    return Subject(found, call=lambda function, *images: function(*images[:count], **border))


def explained(table: conventions.Table) -> Subject:
    """The first of a table against the last."""
    a, *_, b = table.values()
    border = {"crop_border": 4} if a.preparation.crop or b.preparation.crop else {}
    count = 2 if table.measure.takes_target else 1

    def run(_: object, *images: Tensor) -> float:
        return conventions.explain_difference(a, b, *images[:count], **border).difference

    return Subject(None, "__repr__", call=run)


def pixels(_: object, pred: Tensor, target: Tensor) -> Tensor:
    """Of two files, on the device of ``pred``."""
    del target
    image = torch.arange(48, dtype=torch.uint8).view(3, 4, 4)
    files = [Image(image, bit_depth=8)] * 2
    return measuring._on_device(files, pred.device)


def criterion() -> CombinedLoss:
    return CombinedLoss(pixel=Term(ssimloss.L1Loss(), 0.5, ramp=3), ssim=ssimloss.SSIMLoss())


def metric(name: str, *arguments: Any, **options: Any) -> Subject:
    return Subject(getattr(metrics, name)(*arguments, **options), "update", "compute")


def of_sets(function: Callable[..., Any], sets: int = 2, **options: Any) -> Subject:
    return Subject(
        function, call=lambda f, *images: f(*[rows(image) for image in images[:sets]], **options)
    )


def subjects() -> Iterator[tuple[str, Callable[[], Subject]]]:
    """Everything that is known now, by name; built when it is run."""
    for name in metrics.measures.known():
        make = functools.partial(metrics.measure, name, weights=weights_of(name))
        yield f"measure {name}", lambda make=make: Subject(make())
    for each in metrics.measures.registered().values():
        if each.metric:
            yield each.metric, functools.partial(metric, each.metric, keep_values=True)
    yield "PSNR of all pixels", lambda: metric("PSNR", pooling="batch")
    yield "PSNR of a protocol", lambda: metric("PSNR", protocol="basicsr", scale=4)
    for name in ("LPIPS", "DISTS", "ADISTS"):
        yield name, functools.partial(metric, name, weights="random")
    yield (
        "DeepSimilarity",
        lambda: metric("DeepSimilarity", network(), layers={"0": 1.0}),
    )
    yield "LossMetric of a function", lambda: metric("LossMetric", F.l1_loss)
    yield "LossMetric of a module", lambda: metric("LossMetric", ssimloss.SSIMLoss())
    yield "LossMetric of a measure", lambda: metric("LossMetric", metrics.measure("embedded"))
    yield (
        "InceptionMetrics",
        lambda: Subject(
            metrics.InceptionMetrics(
                network=network(), head=nn.Linear(32, 5), subset_size=2, subsets=3, splits=2
            ),
            "update",
            "compute",
            both_sets,
        ),
    )
    # Each measure is run by itself above: one of each kind.
    kinds = ["psnr", "ms_gmsd", "l1", "ssim", "ciede2000", "embedded"]
    yield "Validator", lambda: Subject(metrics.Validator(kinds), "update", "compute")
    yield (
        "Validator of values",
        lambda: Subject(metrics.Validator(["psnr"], keep_values=True), "update", "values"),
    )
    scales = {"basicsr": 4, "basicsr_rgb": 4, "edsr": 4}
    for name in metrics.PROTOCOLS:
        found = metrics.protocol(name, scale=scales.get(name))
        for definition in ("psnr", "ssim", "ms_ssim"):
            yield f"protocol {name} {definition}", functools.partial(Subject, found, definition)
    yield "SuperResolutionProtocol", lambda: Subject(metrics.SuperResolutionProtocol(2), "prepare")
    for key, table in conventions.TABLES.items():
        for each in table.values():
            yield f"convention {each.full_name}", functools.partial(of_convention, each)
        if len(table) > 1:
            yield f"explain_difference {key}", functools.partial(explained, table)
    yield "statistics frechet_distance", lambda: of_sets(metrics.frechet_distance)
    yield (
        "statistics kernel_distance",
        lambda: of_sets(metrics.kernel_distance, subset_size=4, subsets=3),
    )
    yield "statistics inception_score", lambda: of_sets(metrics.inception_score, 1)
    yield (
        "in_buckets",
        lambda: Subject(
            metrics.measure("psnr"), call=lambda f, *images: metrics.in_buckets(f, *images)
        ),
    )
    yield "pixels of files", lambda: Subject(None, "__repr__", call=pixels)
    yield "CombinedLoss", lambda: Subject(criterion(), "__call__", "log")


SUBJECTS = dict(subjects())


def images_for(name: str) -> list[Tensor]:
    """Noise and more of it; five scales need large images, of small patches 81 pixels, pyramids of
    wavelets 64 and 72.
    """
    five = "ms_ssim|MSSSIM|MS_SSIM(?!_L1)|iw_ssim|IW_?SSIM|(?i:ssimulacra2)"
    sides = {five: 182, "ms_swd|MS_?SWD": 81, "cw_ssim|CW_?SSIM": 64, "(?i:vif_?wavelet)": 72}
    side = next((side for names, side in sides.items() if re.search(names, name)), 48)
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, side, side + 2, generator=generator)
    return [(target + 0.2 * torch.rand(target.shape, generator=generator)) / 1.2, target]


def numbers(result: Any) -> list[Tensor]:
    """Every tensor and number in it, on the host."""
    leaves = [leaf for leaf in tree_leaves(result) if isinstance(leaf, (Tensor, float, int))]
    return [torch.as_tensor(leaf).cpu().double().detach() for leaf in leaves]


def results(subject: Subject, *images: Tensor) -> tuple[Any, Any]:
    return subject.update(*images), subject.compute()


def faults(name: str, device: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a subject does on a device that it must not do."""
    subject, images = SUBJECTS[name](), images_for(name)
    expected = numbers(results(subject.on(torch.device("cpu")), *images))
    with watched(device, monkeypatch, values=True, host=may_wait(name, device)) as watch:
        there = [image.to(watch.device) for image in images]
        with watch.moving():
            moved = subject.on(watch.device)
            if isinstance(moved.owner, metrics.Validator):  # its networks follow the first batch
                moved.update(*there)
                moved.owner.reset()
        with watch:
            of_batch = moved.update(*there)
        of_set = "statistics" in name and device in WITHOUT_FLOAT64  # which are on the host
        made = {leaf.device for leaf in tree_leaves(of_batch) if isinstance(leaf, Tensor)}
        assert made <= {torch.device("cpu") if of_set else watch.device}
        with watch.moving():
            found = numbers((of_batch, moved.compute()))
    exact = device.startswith("cuda")
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6 if exact else 1e-4, atol=1e-5)
    return watch.found


def devices_of(name: str) -> tuple[str, ...]:
    """Of conventions and metric classes whose measure meets both devices under its own name, the
    one that has no float64.
    """
    _, _, convention = name.partition("convention ")
    if convention:
        of_measure = conventions.TABLES[convention.partition("/")[0]].measure.name
    else:
        classes = {each.metric: key for key, each in metrics.measures.registered().items()}
        of_measure = classes.get(name) or name.lower()
    return DEVICES[1:] if f"measure {of_measure}" in SUBJECTS else DEVICES


# Both conventions of each table are run by themselves; what is between them mixes their options.
# One of each kind: prepared, of windows, of several scales, of one image. `make sweep` does the
# rest.
EXPLAINED = {"PSNR", "SSIM", "MS_GMSD", "TOTAL_VARIATION"}


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    _, _, table = name.partition("explain_difference ")
    _, _, convention = name.partition("convention ")
    left_out = (table and table not in EXPLAINED) or convention in REPEATED
    return [pytest.mark.sweep] if left_out else []


@pytest.mark.parametrize("name", [pytest.param(n, marks=marks_of(n)) for n in SUBJECTS])
def test_metric(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for device in devices_of(name):
        assert not faults(name, device, monkeypatch), device


def test_no_metric_escapes() -> None:
    """Every public name of ``metrics`` is run, or listed with a reason."""
    run = {word for name in SUBJECTS for word in name.split()}
    assert set(metrics.__all__) - run == set(NOT_RUN)
    assert dict(subjects()).keys() == SUBJECTS.keys()


# --- the checks themselves, on planted faults -----------------------------------------------------


def sound(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).square().mean((1, 2, 3))


def constant_on_the_host(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) * torch.ones(1).to(pred.device)


def constant_on_the_current_device(pred: Tensor, target: Tensor) -> Tensor:
    torch.ones(1, device=pred.device.type)
    return sound(pred, target)


def in_float64(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred.double(), target.double())


def reads_a_value(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) / max(1.0, float(pred.max()))


def convolves_in_tf32(pred: Tensor, target: Tensor) -> Tensor:
    taps = torch.full((1, 3, 1, 1), 1 / 3, dtype=pred.dtype, device=pred.device)
    with tf32_allowed():
        return sound(nn.functional.conv2d(pred, taps), nn.functional.conv2d(target, taps))


def differs_there(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) * (1 if pred.device.type == "cpu" else 1.01)


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        (sound, ""),
        (constant_on_the_host, "_to_copy.default copies between devices"),
        (constant_on_the_current_device, r"ones.default on .*index=0"),
        (in_float64, "_to_copy.default makes float64"),
        (reads_a_value, "_to_copy.default copies between devices"),
        (convolves_in_tf32, "convolution.default may run in TF32"),
        (differs_there, "not equal|not close"),
    ],
)
def test_planted_fault_is_found(
    equation: Callable[..., Tensor], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a measure that a user registers, whose name and metric class follow."""
    Measure(
        "planted", "planted", "", "lower", 0.0, (0.0, 1.0), "nobody", equation, metric="Planted"
    )
    try:
        planted = {name: make for name, make in subjects() if name not in SUBJECTS}
        assert planted.keys() == {"measure planted", "Planted"}
        for name, make in planted.items():
            with monkeypatch.context() as alone:  # each on both devices
                alone.setitem(SUBJECTS, name, make)
                if not message:
                    test_metric(name, monkeypatch)
                    continue
                with pytest.raises(AssertionError) as raised:
                    test_metric(name, monkeypatch)
                assert re.search(message, str(raised.value))
    finally:
        measure.unregister("planted")
