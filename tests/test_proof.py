"""``"auto"`` takes a kernel that proves itself, and no other: stand-ins on the CPU that are right,
wrong at one border or in one dtype, slow, that raise, do not compile or compile for long; verdicts
in files, several processes at once.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

import ssimloss.functional as F
from ssimloss.functional import _equations
from ssimloss.kernels import (
    MOMENT_SUMS,
    SIMILARITY_MAP,
    SIMILARITY_MEANS,
    Comparison,
    Kernel,
    Mixed,
    backends,
    proof,
    verdicts,
)
from ssimloss.kernels import __main__ as command
from ssimloss.kernels.gpu import trials
from ssimloss.kernels.moment_sums import triton as moments_kernel
from ssimloss.kernels.similarity_map import triton as map_kernel
from ssimloss.kernels.similarity_means import triton as means_kernel

pytestmark = pytest.mark.usefixtures("one_thread", "cache")
ROOT = Path(__file__).parents[1]
PAIR = torch.rand(2, 1, 2, 24, 26, generator=torch.Generator().manual_seed(3))


class StandIn:
    """A kernel that computes with the equation and has a fault if configured. In a race it does
    less work than the equation, and sleeps if configured to be slow.
    """

    def __init__(
        self,
        fault: Callable[[Any, Tensor], Tensor] = lambda _, value: value,
        compile: Callable[[], object] = lambda: None,
        rest: float = 0.0,
    ) -> None:
        self.fault, self.compile, self.rest = fault, compile, rest
        self.runs = 0  # as the operator's kernel
        self.trials = 0

    def solve(
        self, x: Tensor, y: Tensor, setting: trials.Setting, wanted: Any, upstream: Tensor | None
    ) -> proof.Results:
        options = self.options(setting, x.device)
        equation = _equations.similarity if upstream is not None else _equations.mixed_mean
        found = trials.differentiated(equation, x, y, options, wanted, upstream)
        found = {name: value.float() for name, value in found.items()}
        found["the value"] = self.fault((setting, x.dtype, wanted), found["the value"])
        return found

    def race(self, x: Tensor, y: Tensor, comparison: Any, *_: Any, **__: Any) -> Tensor:
        if self.rest:
            time.sleep(self.rest)
        height, width = comparison.map_size(*x.shape[2:])
        product = (x * y)[..., :height, :width]
        return product.mean((2, 3)) if self.more else product

    def options(self, setting: trials.Setting, _: torch.device) -> tuple[Any, ...]:
        return setting.comparison, *self.more

    def trial(self, use: proof.Use, device: torch.device) -> proof.Trial:
        self.trials += 1
        self.more = use.options[1:]
        size = None if self.more else size_of_map
        way = trials.Way(lambda *_: [], self.solve, self.race, self.options, size)
        made = trials.trial(use.options[0], use, device, way)
        return made._replace(compile=self.compile)

    def means(self, x: Tensor, y: Tensor, *options: Any) -> Any:
        self.runs += 1
        *options, want_x, want_y = options
        wanted = want_x, want_y
        # Autograd does not record inside an operator: in a thread of its own it does.
        apart = proof._Apart(
            lambda: trials.differentiated(_equations.mixed_mean, x, y, options, wanted)
        )
        apart.wait()
        value, *gradients = (each.float() for each in apart.value().values())
        left = iter(gradients)
        return value, *(next(left) if want else None for want in (want_x, want_y))

    def map(self, x: Tensor, y: Tensor, comparison: Any) -> Tensor:
        self.runs += 1
        return _equations.similarity(x, y, comparison).detach()


def size_of_map(setting: trials.Setting) -> Sequence[int]:
    return *setting.shape[:2], *setting.comparison.map_size(*setting.shape[2:])


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty folder for verdicts, and a process that knows none."""
    monkeypatch.setenv(verdicts.FOLDER, str(tmp_path))
    forget(monkeypatch)
    yield tmp_path / "kernels"
    verdicts._warn_of_folder.cache_clear()


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "_known", {})
    monkeypatch.setattr(proof, "_compiling", {})


def environment(_: torch.device) -> dict[str, str]:
    return {"device": "a stand-in"}


def install(monkeypatch: pytest.MonkeyPatch, kernel: StandIn) -> StandIn:
    """Let ``"auto"`` meet the stand-in on the CPU. A busy machine takes longer than the limits."""
    monkeypatch.setattr(proof, "_limits", (120.0, 60.0))
    monkeypatch.setattr(backends, "AUTOMATIC", {"cpu": "triton"})
    for name, table, run, of in (
        ("similarity_means", SIMILARITY_MEANS, kernel.means, means_kernel),
        ("similarity_map", SIMILARITY_MAP, kernel.map, map_kernel),
    ):
        tried = of.PROOF._replace(trial=kernel.trial, environment=environment)
        monkeypatch.setitem(proof.PROOFS, name, tried)
        monkeypatch.setitem(table, "triton", Kernel(lambda x, y: None, run, name))  # noqa: ARG005
    small = [trials.Setting("crops", (1, 1, 40, 40), None)]
    monkeypatch.setattr(
        trials,
        "_raced",
        lambda used: [each._replace(comparison=trials.comparison_of(used, 0.0)) for each in small],
    )
    return kernel


def outcomes(folder: Path) -> list[str]:
    return [json.loads(path.read_text())["outcome"] for path in folder.glob("*.json")]


def test_a_right_and_fast_kernel_is_taken(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """For means, maps, several scales and a mix; once per specialisation, and later from a file."""
    kernel = install(monkeypatch, StandIn())
    x, y = PAIR
    calls: dict[str, Callable[[], Tensor]] = {
        "ssim": lambda: F.ssim(x, y, padding="reflect"),
        "gradient": lambda: F.ssim(x.clone().requires_grad_(), y, padding="reflect").detach(),
        "map": lambda: F.ssim_map(x, y),
        "ms_ssim": lambda: F.ms_ssim(x, y, window_size=3, scale_weights=(0.4, 0.6)),
        "mixed": lambda: F.ssim_l1_loss(x, y),
    }
    expected = {}
    with monkeypatch.context() as patch:
        patch.setattr(backends, "AUTOMATIC", {})
        expected = {name: call() for name, call in calls.items()}
    for name, call in calls.items():
        before = kernel.runs
        torch.testing.assert_close(call(), expected[name], rtol=1e-5, atol=1e-6)
        assert kernel.runs > before, name
    assert outcomes(cache) == ["taken"] * 6  # MS-SSIM compares in two ways
    assert kernel.trials == 6
    for again in (False, True):
        if again:
            forget(monkeypatch)  # as another process, which reads the files
        for call in calls.values():
            call()
    assert kernel.trials == 6


def faulty_border(about: Any, value: Tensor) -> Tensor:
    return value * 1.001 if about[0].comparison.padding == "reflect" else value


def faulty_dtype(about: Any, value: Tensor) -> Tensor:
    return value * 1.001 if about[1] is torch.bfloat16 else value


def not_a_number(about: Any, value: Tensor) -> Tensor:
    return value * torch.nan if about[0].name == "smallest" else value


def raising(about: Any, value: Tensor) -> Tensor:
    if about[2] == (True, False):
        raise ZeroDivisionError("of the kernel")
    return value


@pytest.mark.parametrize(
    ("fault", "wrong", "words"),
    [
        (faulty_border, {"padding": "reflect"}, r"reflect.*the value is off by 1\.0e-03"),
        (faulty_dtype, {"dtype": torch.bfloat16}, r"bfloat16.*the value is off by 1\.0e-03"),
        (not_a_number, {"padding": "zeros"}, "smallest 1x2x1x2.*is off by nan"),
        (raising, {"wants": True}, "raises ZeroDivisionError: of the kernel"),
    ],
)
def test_a_wrong_kernel_is_never_taken(
    monkeypatch: pytest.MonkeyPatch, cache: Path, fault: Any, wrong: dict[str, Any], words: str
) -> None:
    """One warning states the difference; a correct kernel is taken."""
    kernel = install(monkeypatch, StandIn(fault))

    def call(padding: str = "valid", dtype: torch.dtype = torch.float32, wants: bool = False):
        x, y = (image.to(dtype) for image in PAIR)
        return F.ssim(x.requires_grad_(wants), y, padding=padding).detach()

    if fault is not not_a_number:
        call()
        assert kernel.runs == 1
    with pytest.warns(UserWarning, match=rf"{words}.*report") as caught:
        value = call(**wrong)
    assert len(caught) == 1
    with monkeypatch.context() as patch:
        patch.setattr(backends, "AUTOMATIC", {})
        assert torch.equal(value, call(**wrong))
    runs, tried = kernel.runs, kernel.trials
    call(**wrong)
    forget(monkeypatch)
    call(**wrong)
    assert (kernel.runs, kernel.trials) == (runs, tried)
    assert {"wrong", "fails"} & {*outcomes(cache)}


class LocalStandIn(StandIn):
    """Of sums of local moments; ``fault`` takes the kind of measure."""

    def solve(
        self, x: Tensor, y: Tensor, setting: trials.Setting, wanted: Any, upstream: Tensor | None
    ) -> proof.Results:
        options = self.options(setting, x.device)
        found = trials.differentiated(_equations.local_sums, x, y, options, wanted, upstream)
        found["the value"] = self.fault(self.used.kind, found["the value"])
        return found

    def race(self, x: Tensor, y: Tensor, *_: Any, **__: Any) -> Tensor:
        return (x * y).sum((2, 3)).expand(2, -1, -1)

    def options(self, setting: trials.Setting, device: torch.device) -> tuple[Any, ...]:
        window, c1, c2, low, _, padding = setting.comparison
        c1 = trials.flat_variance(setting) if self.used.kind == "structure" else c1
        local = self.used._replace(windows=window, c1=c1, c2=c2, low=low, padding=padding)
        return setting.mask(device) if self.is_masked else None, local

    def trial(self, use: proof.Use, device: torch.device) -> proof.Trial:
        self.trials += 1
        self.used, self.is_masked = use.options
        way = trials.Way(lambda *_: [], self.solve, self.race, self.options, least=4)
        made = trials.trial(self.used.widest(), use, device, way)
        return made._replace(compile=self.compile)

    def sums(self, x: Tensor, y: Tensor, mask: Any, local: Any, *_: bool) -> Any:
        self.runs += 1
        return _equations.local_sums(x, y, mask, local).detach(), None, None


def test_a_wrong_equation_leaves_the_others_their_verdicts(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """r* and SSIM under a mask have one operator, and SSIM is another's."""
    of_ssim = install(monkeypatch, StandIn())
    planted = LocalStandIn(lambda kind, value: value * 1.001 if kind == "structure" else value)
    monkeypatch.setitem(
        proof.PROOFS,
        "moment_sums",
        moments_kernel.PROOF._replace(trial=planted.trial, environment=environment),
    )
    served = Kernel(lambda x, y: None, planted.sums, "moment_sums")  # noqa: ARG005
    for kind in ("similarity", "structure"):
        monkeypatch.setitem(MOMENT_SUMS, kind, {"triton": served})
    x, y = PAIR
    with pytest.warns(UserWarning, match=r"moment_sums \(structure, 11, .*off by 1\.0e-03"):
        F.structure_correlation(x, y)
    F.structure_correlation(x, y)
    assert planted.runs == 0
    F.ssim(x, y, mask=torch.ones_like(x))
    assert (planted.runs, planted.trials) == (1, 2)
    F.ssim(x, y)
    assert of_ssim.runs == 1
    assert sorted(outcomes(cache)) == ["taken", "taken", "wrong"]


def test_a_slow_kernel_is_not_taken_and_not_warned_of(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    kernel = install(monkeypatch, StandIn(rest=0.01))
    F.ssim(*PAIR)
    assert kernel.runs == 0
    assert outcomes(cache) == ["slower"]
    (record,) = verdicts.records()
    assert record.kernel.startswith(
        "similarity_means (11, ssim, valid, none), float32, no gradient"
    )
    assert "at crops 1x1x40x40" in record.verdict.reason
    monkeypatch.setattr(command, "_gpus", lambda: [torch.device("cpu")])
    lines = list(command._verdicts())
    assert lines[0].endswith(f"1 verdicts for this machine, 0 for others, in {cache}")
    assert lines[1].startswith("  slower   a stand-in: similarity_means (11, ssim, valid, none)")


def test_one_that_does_not_compile_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise SyntaxError("unknown instruction")

    kernel = install(monkeypatch, StandIn(compile=fail))
    with pytest.warns(UserWarning, match="it does not compile SyntaxError: unknown instruction"):
        F.ssim(*PAIR)
    F.ssim(*PAIR)
    assert (kernel.runs, kernel.trials) == (0, 1)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.OutOfMemoryError("none is left"), None),
        (OSError(28, "No space left on device"), "attempt to prove it raises OSError"),
    ],
)
def test_what_is_not_the_kernels_fault_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, cache: Path, error: Exception, words: str | None
) -> None:
    """The equation serves in this process, and the next one tries again."""

    def fail(*_: Any) -> None:
        raise error

    if words is None:
        kernel = install(monkeypatch, StandIn(fault=fail))
        F.ssim(*PAIR)
    else:
        kernel = install(monkeypatch, StandIn(compile=fail))
        with pytest.warns(UserWarning, match=words):
            F.ssim(*PAIR)
    F.ssim(*PAIR)
    assert (kernel.runs, kernel.trials, outcomes(cache)) == (0, 1, [])
    forget(monkeypatch)
    kernel.fault, kernel.compile = lambda _, value: value, lambda: None
    F.ssim(*PAIR)
    assert (kernel.runs, kernel.trials) == (1, 2)


def test_the_equation_serves_while_a_kernel_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call waits for part of the time, the next ones do not wait at all."""
    done = threading.Event()
    kernel = install(monkeypatch, StandIn(compile=lambda: done.wait(30)))
    monkeypatch.setattr(proof, "_limits", (5.0, 0.2))
    began = time.monotonic()
    for _ in range(20):
        F.ssim(*PAIR)
    assert time.monotonic() - began < 2
    assert (kernel.runs, kernel.trials) == (0, 1)
    done.set()
    ((_, compilation),) = proof._compiling.values()
    assert compilation.wait(10)
    F.ssim(*PAIR)
    assert (kernel.runs, kernel.trials) == (1, 1)


def test_problems_that_take_too_long_leave_it_unproved(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """In this process; another one tries again, and so does the command, without a limit."""
    kernel = install(monkeypatch, StandIn(rest=0.01))
    monkeypatch.setattr(proof, "_limits", (0.001, 0.0005))
    for _ in range(3):
        F.ssim(*PAIR)
    assert (kernel.runs, kernel.trials, outcomes(cache)) == (0, 1, [])
    forget(monkeypatch)
    with proof.without_limit():
        F.ssim(*PAIR)
    assert kernel.trials == 2
    assert outcomes(cache) == ["slower"]


def test_nothing_is_proved_in_a_captured_graph_or_a_compiled_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernel = install(monkeypatch, StandIn())
    with monkeypatch.context() as patch:
        patch.setattr(proof, "_may_prove", lambda device: False)  # noqa: ARG005
        F.ssim(*PAIR)
    compiled = torch.compile(lambda x, y: F.ssim(x, y), backend="eager", fullgraph=True)
    compiled(*PAIR)
    assert (kernel.runs, kernel.trials) == (0, 0)
    F.ssim(*PAIR)  # proves it
    assert (kernel.runs, kernel.trials) == (1, 1)
    forget(monkeypatch)  # and now from the file
    torch._dynamo.reset()
    compiled(*PAIR)
    assert (kernel.runs, kernel.trials) == (2, 1)


def test_what_forbids_to_wait_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    for capturing, debugging, expected in ((False, 0, True), (True, 0, False), (False, 2, False)):
        monkeypatch.setattr(
            torch.cuda, "is_current_stream_capturing", lambda value=capturing: value
        )
        monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda value=debugging: value)
        assert proof._may_prove(cuda) is expected
    assert proof._may_prove(torch.device("cpu"))


def test_the_callers_modes_do_not_reach_the_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict found within them is the same."""
    kernel = install(monkeypatch, StandIn())

    def refuse(_: Tensor) -> Tensor:
        raise AssertionError("a tensor of the problems was saved for the caller's backward")

    x, y = PAIR
    with torch.inference_mode():
        F.ssim(x, y)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        F.ssim(x, y, padding="zeros")
    asking = x.clone().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, refuse):
        F.ssim(asking, y)
    torch.utils.checkpoint.checkpoint(
        lambda image: F.ssim(image, y, padding="reflect"), asking, use_reentrant=False
    ).backward()
    with FakeTensorMode():
        F.ssim(*torch.empty(2, 1, 2, 24, 26), padding="replicate")
    assert [verdict.outcome for verdict in proof._known.values()] == ["taken"] * 5
    assert kernel.trials == 5


@pytest.mark.parametrize("reason", ["no folder", "full"])
def test_a_folder_that_cannot_be_written_costs_one_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reason: str
) -> None:
    kernel = install(monkeypatch, StandIn())
    if reason == "full":

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(verdicts._files, "write_text", full)
    else:  # a file stands in its place, which also stops whoever may write everywhere
        (tmp_path / "file").write_text("")
        monkeypatch.setenv(verdicts.FOLDER, str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="cannot save the verdicts .*set SSIMLOSS_CACHE"):
        F.ssim(*PAIR)
    F.ssim(*PAIR, padding="zeros")  # without another warning, which would raise
    F.ssim(*PAIR)
    assert (kernel.runs, kernel.trials) == (3, 2)


def test_where_verdicts_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(verdicts.FOLDER, "~/here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert verdicts.folder() == tmp_path / "here" / "kernels"
    monkeypatch.delenv(verdicts.FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert verdicts.folder() == tmp_path / ".cache" / "ssimloss" / "kernels"

    def homeless(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert verdicts.folder() == Path(tempfile.gettempdir()) / "ssimloss" / "kernels"


def test_files_that_cannot_be_understood_are_replaced(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    kernel = install(monkeypatch, StandIn())
    F.ssim(*PAIR)
    (file,) = cache.glob("*.json")
    for content in ("", "[]", '{"outcome": "taken"}', file.read_text().replace("taken", "maybe")):
        file.write_text(content)
        forget(monkeypatch)
        F.ssim(*PAIR)
        assert outcomes(cache) == ["taken"]
    assert kernel.trials == 5
    assert kernel.runs == 5


def test_another_environment_has_its_own_verdict(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    kernel = install(monkeypatch, StandIn())
    F.ssim(*PAIR)
    monkeypatch.setattr(torch, "__version__", "99.0")
    forget(monkeypatch)
    F.ssim(*PAIR)
    assert kernel.trials == 2
    assert outcomes(cache) == ["taken"] * 2
    monkeypatch.setattr(command, "_gpus", lambda: [torch.device("cpu")])
    assert "1 verdicts for this machine, 1 for others" in next(command._verdicts())
    proof.forget([proof.environment("similarity_means", torch.device("cpu"))])
    assert len(outcomes(cache)) == 1


def test_a_verdict_costs_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """In turn with a named backend: some microseconds; a hundred are allowed."""
    install(monkeypatch, StandIn())
    x, y = PAIR
    F.ssim(x, y)
    comparison = Comparison((1.0 / 11,) * 11, 1e-4, 9e-4, 0.0, "ssim", "valid")
    options = comparison, Mixed()

    def uses() -> list[proof.Use]:
        return [proof.use(x, y, options, _equations.MEANS)]

    calls = {
        name: functools.partial(backends.select, name, x, y, SIMILARITY_MEANS, uses=uses)
        for name in ("auto", "triton")
    }
    assert [call() for call in calls.values()] == ["triton", "triton"]
    seconds = dict.fromkeys(calls, float("inf"))
    for _ in range(7):
        for name, call in calls.items():
            began = time.perf_counter()
            for _ in range(100):
                call()
            seconds[name] = min(seconds[name], (time.perf_counter() - began) / 100)
    assert seconds["auto"] < seconds["triton"] + 100e-6


ANOTHER = """
import os, sys, pytest, torch
sys.path.insert(0, {tests!r})
import test_proof as t
torch.set_num_threads(1)
assert not t.proof._known and not t.proof._compiling  # by importing
child = os.fork()  # spares one of the two processes the imports
with pytest.MonkeyPatch.context() as patch:
    kernel = t.install(patch, t.StandIn())
    t.F.ssim(*t.PAIR)
    t.F.ssim(*t.PAIR, padding="zeros")
print(kernel.runs, kernel.trials, flush=True)
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_processes_at_once(cache: Path) -> None:
    """Each finds or reads each verdict, and no file is torn or left over."""
    program = ANOTHER.format(tests=str(ROOT / "tests"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0
    found = [line.split() for line in done.stdout.splitlines()]
    assert [runs for runs, _ in found] == ["2", "2"]
    assert all(int(tried) <= 2 for _, tried in found)
    assert outcomes(cache) == ["taken"] * 2
    assert [path.suffix for path in cache.iterdir()] == [".json"] * 2


def test_renewing(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    kernel = install(monkeypatch, StandIn())
    F.ssim(*PAIR)
    monkeypatch.setattr(command, "_gpus", lambda: [torch.device("cpu")])
    monkeypatch.setattr(command, "MACHINE", {"triton": lambda: None})
    monkeypatch.setattr(command, "AUTOMATIC", {"cuda": "triton"})
    usual = {"ssim": F.ssim, "ssim_map": F.ssim_map}
    monkeypatch.setattr(command, "_USUAL", usual)
    monkeypatch.setattr(command, "_DTYPES", (torch.float32,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        command.renew()
    assert kernel.trials == 5
    assert outcomes(cache) == ["taken"] * 4
