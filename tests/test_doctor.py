"""The doctor finds every planted fault by the check that is meant to, and accuses no sound loss."""

from __future__ import annotations

import functools
import gc
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import broken_losses as broken
import discovery
import photographs
import processes
import pytest
import torch
from oldest import needs_torch
from torch import nn
from typer.testing import CliRunner, Result

import ssimloss
import ssimloss.functional as F
from ssimloss import doctor, weights
from ssimloss.cli._app import app
from ssimloss.doctor import CHECKS, examine, this_machine
from ssimloss.doctor.records import EXIT_CODES, Examination, Finding
from ssimloss.doctor.this_machine import Line, Machine

pytestmark = pytest.mark.usefixtures("one_thread", "frozen_garbage")
SLOW = ("graph_breaks", "processes", "cost")  # seconds each: compiler, interpreters, repetitions

# Sound losses, and the checks on which they fail for a reason.
SOUND: dict[str, tuple[Callable[..., object], dict[str, str]]] = {
    "l1": (nn.L1Loss(), {}),
    "mse": (nn.MSELoss(), {}),
    "smooth l1": (nn.SmoothL1Loss(beta=0.1), {}),
    "plain ssim": (broken.plain_ssim, {}),
    "charbonnier": (broken.charbonnier, {}),
    "hinge generator": (broken.hinge_generator, {}),
    "paired softplus": (broken.paired_softplus, {}),
    "adaptive": (broken.Adaptive(), {"parameters": "information"}),
}

# Fault -> check that finds it, its severity, and words of the message.
FAULTS: dict[str, tuple[Callable[..., object], str, str, str]] = {
    "similarity": (broken.similarity, "improves", "error", "similarity returned as a loss"),
    "similarity, value": (broken.similarity, "minimum", "error", "lower value than the target"),
    "negative": (broken.negative_distance, "improves", "error", "image worse"),
    "psnr": (F.psnr, "improves", "error", "image worse"),
    "no_grad": (broken.under_no_grad, "gradient", "error", "no gradient reaches pred"),
    "detached": (broken.detached, "gradient", "error", "exactly zero"),
    "relativistic hinge": (broken.relativistic_hinge, "gradient", "error", "terms cancel"),
    "one channel": (broken.first_channel_only, "gradient", "error", "channel 1, 2 of pred"),
    "fake logits": (broken.lowers_fake_logits, "improves", "error", "does not raise the logits"),
    "half": (broken.half_precision_moments, "precision", "error", "the value is off by"),
    "pooled sigma": (broken.pooled_sigma, "channels", "information", "mixes them"),
    "crossed sigma": (broken.crossed_sigma, "minimum", "error", "not the minimum"),
    "in place": (broken.clamps_in_place, "in_place", "error", "pred in place"),
    "in place and back": (broken.centres_target_in_place, "in_place", "error", "target in place"),
    "target": (broken.leaks_to_target, "target", "error", "target require a gradient"),
    "swapped": (broken.swapped_gradients, "gradcheck", "error", "-1 times"),
    "halved": (broken.halved_gradient, "gradcheck", "warning", "2 times"),
    "item": (broken.reads_a_value, "synchronizations", "warning", "_local_scalar_dense at broken"),
    "mask": (broken.indexes_by_mask, "synchronizations", "warning", "index at broken_losses"),
    "numpy": (broken.goes_to_numpy, "synchronizations", "warning", "cpu() at broken_losses"),
    "range": (broken.asserts_the_range, "finite", "error", "out of range: raises AssertionError"),
    "root": (broken.root_of_zero, "finite", "error", "identical images: the gradient is not"),
    "batch": (broken.norm_of_batch, "batch", "warning", "depends on the other images"),
    "dropout": (broken.drops_pixels, "repeatable", "warning", "random generator of torch"),
    "random crop": (broken.crops_at_random, "repeatable", "warning", "random generator of Python"),
    "graph": (broken.KeepsGraphs(), "releases", "warning", "keeps the graph of pred alive"),
    "map": (broken.per_image, "returns", "error", "shape (2,), not a scalar"),
    "number": (broken.a_number, "returns", "error", "float, not a tensor"),
}


@pytest.fixture(scope="module")
def frozen_garbage() -> None:
    """What earlier tests left is not searched again by each check that collects garbage."""
    gc.collect()
    gc.freeze()


def failures(found: Examination) -> dict[str, str]:
    return {f.check: f.severity for f in found.failures if f.check != "accepts"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_by_its_check(name: str) -> None:
    loss, check, severity, words = FAULTS[name]
    found = examine(loss, checks=[check])[check]
    assert (found.outcome, found.severity) == ("fail", severity), found
    assert words in found.message
    json.loads(Examination("", "", (), (found,)).to_json())


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_loss_is_not_accused(name: str) -> None:
    loss, expected = SOUND[name]
    found = examine(loss, skip=SLOW)
    assert failures(found) == expected, found
    assert found.exit_code == 0


def test_corners_at_flat_areas_are_no_fault() -> None:
    found = examine(F.gradient_difference_loss, checks=["gradcheck"])["gradcheck"]
    assert found.outcome == "pass", found.message


def test_a_break_of_the_graph() -> None:
    sound = examine(broken.charbonnier, checks=["graph_breaks"])["graph_breaks"]
    assert sound.outcome == "pass", sound
    breaks = examine(broken.breaks_the_graph, checks=["graph_breaks"])["graph_breaks"]
    assert (breaks.outcome, breaks.severity) == ("fail", "warning"), breaks
    assert breaks.numbers["breaks"] == 1


@processes.needs_gloo
def test_processes_that_train_otherwise() -> None:
    found = examine(broken.depends_on_the_rank, checks=["processes"])["processes"]
    assert (found.outcome, found.severity) == ("fail", "error"), found
    assert "differs from that of one by 1" in found.message
    local = examine(lambda pred, target: (pred - target).abs().mean(), checks=["processes"])
    assert local["processes"].outcome == "not applicable"
    assert "pickled" in local["processes"].message


def test_cost_beside_the_eager_form() -> None:
    def other(pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return 2 * (pred - target).abs().mean()

    found = examine(nn.L1Loss(), eager=other, checks=["cost"])["cost"]
    assert (found.outcome, found.severity) == ("fail", "error")
    assert "differs from the eager form" in found.message
    own = examine(ssimloss.SSIMLoss(), checks=["cost"])["cost"].numbers
    assert set(own["milliseconds"]) == {"loss", "l1", "eager"}
    assert own["values"][0] == pytest.approx(own["values"][1], rel=1e-4)
    alone = examine(nn.L1Loss(), checks=["cost"])["cost"]
    assert alone.outcome == "not applicable"
    assert "pass eager=" in alone.message


# --- our own --------------------------------------------------------------------------------------

# What is known of our losses and is no fault: (loss, check) -> reason. Notes are not listed.
KNOWN = {
    **{
        (name, "gradcheck"): reason
        for names, reason in (
            (
                ("FocalFrequencyLoss", "focal_frequency_loss"),
                "the paper's weights are constants of the gradient",
            ),
            (
                ("FSIMLoss", "fsim_loss"),
                "the slope of the power of the colour similarity is held near 0",
            ),
        )
        for name in names
    },
    **{
        (name, check): "more contrast than the target's has a better value, by definition"
        for name in ("VIFLoss", "vif_loss", "VIFWaveletLoss", "vif_wavelet_loss", "VMAFLoss")
        for check in ("improves", "minimum")
    },
    **{
        (f"AdversarialLoss {kind} average {side}", "batch"): "compares with the mean of the batch"
        for kind in ("cross_entropy", "least_squares", "hinge", "softplus")
        for side in ("generator", "discriminator")
    },
}


def _features(name: str) -> Callable[..., object]:
    return functools.partial(getattr(F, name), layers={"shallow": 1.0, "deep": 0.5})


def subjects() -> dict[str, Callable[[], Callable[..., object]]]:
    """Every loss that the package exports, as a module and as a function, built when needed."""
    found: dict[str, Callable[[], Callable[..., object]]] = {}
    for name in discovery.LOSSES:
        if name != "AdversarialLoss":
            found[name] = functools.partial(discovery.fresh, name)
    for kind in ("cross_entropy", "least_squares", "hinge", "wasserstein", "softplus"):
        for relativistic in (None, "average", "paired"):
            for side in ("generator", "discriminator"):
                name = f"AdversarialLoss {kind} {relativistic} {side}"
                loss = ssimloss.AdversarialLoss(kind, relativistic)  # type: ignore[arg-type]
                found[name] = functools.partial(getattr, loss, f"{side}_loss")
    of_features = (
        *("contextual_loss", "contextual_bilateral_loss", "perceptual_loss", "texture_loss"),
        *("projected_distribution_loss", "sliced_wasserstein_loss", "fdl_loss", "deep_similarity"),
    )
    for name in F.__all__:
        if name in of_features:
            found[name] = functools.partial(_features, name)
        elif name.endswith("_loss") and not name.startswith("adversarial_"):
            found[name] = functools.partial(getattr, F, name)
    return found


SUBJECTS = subjects()
SAMPLE = (
    "SSIMLoss",
    "CharbonnierLoss",
    "TotalVariationLoss",
    "TextureLoss",
    "CombinedLoss",
    "FeatureMatchingLoss",
    "AdversarialLoss hinge average generator",
    "AdversarialLoss least_squares None discriminator",
)


def assert_known(name: str, found: Examination) -> None:
    worse = {f.check: f for f in found.failures if f.severity != "information"}
    assert [f for check, f in worse.items() if (name, check) not in KNOWN] == [], found
    assert found["returns"].outcome == "pass"
    assert all(f.message for f in found.findings)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_of_our_losses(name: str) -> None:
    assert_known(name, examine(SUBJECTS[name](), skip=SLOW))  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.sweep
@needs_torch(2, 7, "what older versions compile is asked in test_every_loss.py")
@pytest.mark.parametrize("name", SUBJECTS)
def test_every_loss_of_ours(name: str) -> None:
    assert_known(name, examine(SUBJECTS[name]()))  # type: ignore[arg-type]


def test_functions_that_are_no_loss_of_images() -> None:
    """Checks that do not apply state the reason; a total variation does not improve pairs."""
    smooth = examine(ssimloss.TotalVariationLoss(), skip=SLOW)
    for check in ("improves", "minimum", "symmetric", "channels"):
        assert smooth[check].outcome == "not applicable"
    assert "improves no pair" in smooth["improves"].message
    hinge = examine(ssimloss.AdversarialLoss("hinge").generator_loss, skip=SLOW)
    assert hinge["improves"].outcome == "pass"
    assert {c for c in ("minimum", "accepts") if hinge[c].outcome == "not applicable"} == {
        "minimum",
        "accepts",
    }
    assert hinge.called == "loss(fake_logits, real_logits=...)"


# --- how a loss is called -------------------------------------------------------------------------


def test_inputs_follow_from_the_signature() -> None:
    def gan(input: torch.Tensor, target_is_real: bool, is_disc: bool = False) -> torch.Tensor:
        del is_disc
        return nn.functional.softplus(-input if target_is_real else input).mean()

    assert examine(gan, checks=["improves"])["improves"].outcome == "pass"  # as BasicSR's GANLoss

    def both(x: torch.Tensor, y: torch.Tensor, weight: float = 1.0) -> torch.Tensor:
        return weight * (x - y).abs().mean()

    assert examine(both, checks=["returns"]).called == "loss(x, y)"
    assert examine(ssimloss.SSIMLoss(data_range=255), checks=["improves"]).worst is None
    assert examine(broken.charbonnier, data_range=(-1, 1), checks=["improves"]).worst is None

    def three(one: torch.Tensor, two: torch.Tensor, three: torch.Tensor) -> torch.Tensor:
        return (one - two).abs().mean() + 0 * three.mean()

    with pytest.raises(TypeError, match=r"inputs must be given for .*three.*inputs="):
        examine(three)
    named = examine(three, inputs=("pred", "target", "target"), checks=["improves"])
    assert named["improves"].outcome == "pass"
    with pytest.raises(TypeError, match=r"loss must be built first: L1Loss\(\.\.\.\)"):
        examine(nn.L1Loss)
    with pytest.raises(ValueError, match="checks must be one of 'returns'"):
        examine(nn.L1Loss(), checks=["improve"])
    with pytest.raises(ValueError, match="inputs must be one of 'pred'"):
        examine(three, inputs=("image",))


def test_a_loss_that_cannot_be_called() -> None:
    def refuses(pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError("no images please")

    found = examine(refuses)
    assert found.exit_code == 1
    assert "NotImplementedError: no images please" in found["returns"].message
    assert {f.outcome for f in found.findings if f.check != "returns"} == {"not applicable"}
    line = refuses.__code__.co_firstlineno + 1
    assert found["returns"].message.endswith(f"no images please, in {__file__}, line {line}")
    assert [f.check for f in found.listed] == ["returns"]
    assert "cannot be called" not in str(found)
    assert found.summary == "0 passed, 1 error, 0 warnings, 0 notes, 19 do not apply"


def test_the_loss_itself_stays_as_it_is() -> None:
    criterion = discovery.fresh("CombinedLoss")
    before = criterion.state_dict()
    torch.manual_seed(3)
    state = torch.get_rng_state()
    with torch.no_grad():  # as a user may call it
        assert examine(criterion, checks=["improves", "gradient"]).worst is None
    assert torch.equal(torch.get_rng_state(), state)
    assert criterion.state_dict() == before


def test_a_photograph_in_place_of_the_picture() -> None:
    image = torch.from_numpy(photographs.photograph("astronaut")).permute(2, 0, 1)[None] / 255
    assert examine(ssimloss.MSSSIMLoss(), image=image, checks=["improves"]).worst is None
    found = examine(broken.similarity, image=image, checks=["improves", "minimum"])
    assert failures(found) == {"improves": "error", "minimum": "error"}
    with pytest.raises(ValueError, match=r"image must be at least 48 x 60"):
        examine(nn.L1Loss(), image=image[..., :20, :20])


def test_records() -> None:
    found = examine(broken.under_no_grad, checks=["improves", "gradient", "symmetric"])
    assert found.exit_code == EXIT_CODES["error"] == 1
    read = json.loads(found.to_json())
    assert [f["check"] for f in read["findings"]] == ["improves", "gradient", "symmetric"]
    assert read["findings"][1].keys() == Finding.__annotations__.keys()
    assert str(found).count("\n") >= 3
    assert found.summary in str(found)
    warned = examine(broken.norm_of_batch, checks=["batch"])
    assert (warned.worst, warned.exit_code) == ("warning", 3)
    assert len({check.name for check in CHECKS}) == len(CHECKS)


# --- command line ---------------------------------------------------------------------------------

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    def run(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, ["doctor", *arguments])
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def test_command_examines_a_loss(run: Run) -> None:
    few = ("--checks", "returns,improves,batch")
    options = ("--options", '{"window_size": 7}', "--json")
    read = json.loads(run("ssimloss:SSIMLoss", *few, *options).stdout)
    assert read["loss"].startswith("SSIMLoss(data_range=1.0, ")
    assert "window_size=7, " in read["loss"]
    assert [f["outcome"] for f in read["findings"]] == ["pass"] * 3
    table = run("broken_losses:similarity", *few, status=1).stdout
    assert "FAIL" in table
    assert "similarity returned as a loss" in " ".join(table.split())
    assert run("broken_losses:norm_of_batch", *few, status=3)
    hinge = ("ssimloss:AdversarialLoss.generator_loss", "--options", '{"kind": "hinge"}')
    assert "fake_logits" in run(*hinge, *few).stdout


def test_command_errors_name_the_way_out(run: Run) -> None:
    for arguments, words in (
        (("SSIMLoss",), "module:callable"),
        (("ssimloss:SSIMLos",), "close to it: SSIMLoss"),
        (("nowhere:Loss",), "No module named 'nowhere'"),
        (("losses/nowhere.py:Loss",), "without .py: losses.nowhere:Loss, in a folder on"),
        (("ssimloss:SSIMLoss", "--options", "7"), "must be a JSON object"),
        (("ssimloss:SSIMLoss", "--options", "{"), "--options must be JSON"),
        (("ssimloss:SSIMLoss", "--options", '{"sigm": 1}'), "did you mean 'sigma'"),
        (("ssimloss:SSIMLoss", "--checks", "speed"), "checks must be one of"),
        (("ssimloss:SSIMLoss", "--data-range", "a"), "--data-range must be"),
        (("ssimloss:AdversarialLoss.generator_loss",), 'needs options kind: --options \'{"kind"'),
        (("ssimloss:__version__",), "must be callable"),
        (("--skip", "cost"), "--skip must come with the name of a loss"),
    ):
        assert words in " ".join(run(*arguments, status=2).output.split()), arguments
    for name in ("basicsr", "neosr", "trainner"):
        told = run(f"{name}:L1Loss", status=1).output
        assert "is not installed" in told
        assert "install" in told


REGISTRY = """
class Registry:
    def __init__(self):
        self._entries = {}
    def register(self):
        def keep(value):
            self._entries[value.__name__SUFFIX] = value
            return value
        return keep
    def get(self, name, suffix=None):
        print("looking up", name)
        if nameSUFFIX not in self._entries:
            raise KeyError(name)
        return self._entries[nameSUFFIX]
    def keys(self):
        return self._entries.keys()
LOSS_REGISTRY = Registry()
"""
LOSSES = """
import torch
from PACKAGE.utils.registry import LOSS_REGISTRY
print("loading losses")
@LOSS_REGISTRY.register()
class WeightedL1(torch.nn.Module):
    def __init__(self, loss_weight=1.0, reduction="mean"):
        super().__init__()
        self.loss_weight = loss_weight
    def forward(self, pred, target, weight=None, **kwargs):
        return self.loss_weight * (pred - target).abs().mean()
"""


@pytest.fixture(params=["basicsr", "neosr", "traiNNer"])
def framework(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A package that registers losses as these frameworks do; traiNNer-redux in lower case."""
    name: str = request.param
    suffix = ".lower()" if name == "traiNNer" else ""
    for folder in ("", "losses", "utils"):
        (tmp_path / name / folder).mkdir(exist_ok=True)
        (tmp_path / name / folder / "__init__.py").write_text("")
    (tmp_path / name / "losses" / "__init__.py").write_text(LOSSES.replace("PACKAGE", name))
    registry = tmp_path / name / "utils" / "registry.py"
    registry.write_text(REGISTRY.replace("SUFFIX", suffix))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in [m for m in sys.modules if m.split(".")[0] == name]:
        del sys.modules[module]


def test_registry_of_a_framework(run: Run, framework: str) -> None:
    checks = ("--checks", "returns,improves", "--options", '{"loss_weight": 0.5}', "--json")
    read = json.loads(run(f"{framework}:WeightedL1", *checks).stdout)  # alone on stdout
    assert read["called"] == "loss(pred, target)"
    assert read["exit_code"] == 0
    told = run(f"{framework}:WeightedL2", status=2).output
    assert f"not in the registry of {framework}: " in told
    assert "eighted" in told.split("registry")[1]


def test_registry_of_a_broken_framework(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "neosr" / "losses").mkdir(parents=True)
    (tmp_path / "neosr" / "losses" / "__init__.py").write_text("import nowhere_to_be_found")
    monkeypatch.syspath_prepend(str(tmp_path))
    told = " ".join(run("neosr:L1Loss", status=1).output.split())
    assert "neosr cannot be imported: No module named 'nowhere_to_be_found'" in told
    for module in [m for m in sys.modules if m.split(".")[0] == "neosr"]:
        del sys.modules[module]


# --- machine --------------------------------------------------------------------------------------


def test_machine(run: Run) -> None:
    found = doctor.machine()
    assert found.broken == (), found
    topics = {line.topic for line in found.lines}
    assert {"version", "device", "backend", "weights"} <= topics
    states = {line.name: line for line in found.lines if line.topic == "backend"}
    assert states["eager"].state == "ok"
    if not torch.cuda.is_available():
        assert states["triton"].state == "absent"
        assert "does not run: " in states["triton"].message
    read = json.loads(run("--json").stdout)
    assert read["exit_code"] == 0
    assert {fact["name"] for fact in read["facts"]} >= {row.name for row in weights.BUNDLED}
    table = run().stdout
    assert all(line.name in table for line in found.lines)


def test_machine_that_is_broken(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged file of weights, a backend that computes something else, an old package."""
    entry = weights.BUNDLED[0]
    (tmp_path / entry.file).write_bytes(b"damaged")
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    module = this_machine
    monkeypatch.setattr(module, "why_not", lambda name: None if name == "cpu" else "no GPU")
    monkeypatch.setattr(module, "_errors", lambda _backend: (1e-2, 1e-6))
    versions = {"torch": "2.1.0", "numpy": "1.20"}
    real = module.importlib.metadata.version
    monkeypatch.setattr(
        module.importlib.metadata, "version", lambda name: versions.get(name) or real(name)
    )
    monkeypatch.setattr(
        module.importlib.metadata,
        "requires",
        lambda _name: ["torch>=2.6", "numpy", "nowhere>=1; extra == 'video'", "gone>=2"],
    )
    found = doctor.machine()
    assert {line.name for line in found.broken} == {"cpu", "torch", "gone", entry.name}
    extra = next(line for line in found.lines if line.topic == "extra")
    assert extra.state == "absent"
    assert "pip install 'ssimloss[video]'" in extra.message
    assert run(status=1)
    assert Machine((Line("extra", "x", "absent", ""),)).exit_code == 0
