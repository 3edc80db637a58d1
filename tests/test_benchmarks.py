"""The benchmark tells the truth: it refuses to time another value, and its memory and quartiles
are those of known calls.
"""

from __future__ import annotations

import gc
import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import ssimloss.functional as F
from benchmarks import __main__ as benchmark
from benchmarks import contenders, limits, report, resident, timing
from benchmarks import evaluation as files
from benchmarks.family import __main__ as family
from benchmarks.family import cases, inputs, measuring
from benchmarks.family import report as family_report
from ssimloss import _memory as memory
from ssimloss import measure

CPU = torch.device("cpu")
MIB = 2**20


def filled(mib: int) -> Tensor:
    return torch.ones(mib * MIB // 4)


def test_settled_memory_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what a caller has frozen, as the tests have, stays frozen."""
    frozen = [0]
    monkeypatch.setattr(gc, "get_freeze_count", lambda: frozen[0])
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(frozen.pop() + 1))
    monkeypatch.setattr(gc, "unfreeze", lambda: frozen.append(0 * frozen.pop()))
    with memory.settled():
        assert frozen == [1]
        with memory.settled():
            assert frozen == [1]
        assert frozen == [1]
    assert frozen == [0]


@pytest.mark.filterwarnings("ignore")  # the profiler's own
def test_peak_memory_of_known_allocations() -> None:
    def one_after_the_other() -> None:
        for _ in range(4):
            filled(8)

    def all_at_once() -> Tensor:
        return torch.cat([filled(8), filled(8)])

    kept = filled(32)

    assert memory.peak_bytes(one_after_the_other, CPU) == 8 * MIB
    assert memory.peak_bytes(all_at_once, CPU) == 32 * MIB
    assert memory.peak_bytes(lambda: kept.add_(1), CPU) < 1024, (
        "what was there before does not count"
    )
    asking = filled(8).requires_grad_()
    # 8 for the square, then 8 for its incoming gradient and 8 for the product; the expanded
    # gradient of the sum takes 4 bytes.
    assert (
        16 * MIB
        <= memory.peak_bytes(lambda: torch.autograd.grad(asking.square().sum(), asking), CPU)
        <= 25 * MIB
    )


def test_summary_is_median_and_quartiles_of_the_quiet_calls() -> None:
    summary = timing.Samples(quiet=[1.0, 2.0, 3.0, 4.0, 5.0], disturbed=[100.0] * 9).summary()
    assert [summary[key] for key in ("lower_quartile_s", "median_s", "upper_quartile_s")] == [
        2.0,
        3.0,
        4.0,
    ]
    assert summary["quiet"] is True
    assert timing.Samples(disturbed=[2.0]).summary() == {
        "median_s": 2.0,
        "lower_quartile_s": 2.0,
        "upper_quartile_s": 2.0,
        "calls": 1,
        "quiet": False,
        "discarded_slices": 0,
    }


def test_contenders_take_turns() -> None:
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) for name in "abc"}
    samples = timing.time_interleaved(calls, rounds=2, slice_s=0.0, least_calls=1, tries=1)
    assert order[-6:] == ["a", "b", "c", "b", "c", "a"]
    assert all(len(s.quiet) + len(s.disturbed) == 2 for s in samples.values())


def test_disturbed_slices_are_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, True, False, True, True, True])
    monkeypatch.setattr(timing.Neighbours, "disturbed", lambda self: next(answers))  # noqa: ARG005
    samples = timing.time_interleaved(
        {"only": lambda: None}, rounds=2, slice_s=0.0, least_calls=1, tries=3, wait_s=0
    )["only"]
    assert (len(samples.quiet), len(samples.disturbed), samples.discarded) == (1, 1, 4)
    assert not samples.is_quiet


def test_longer_calls_take_longer() -> None:
    """A sanity check of the clock, with a margin no load can eat: nothing here asserts speed."""
    samples = timing.time_interleaved(
        {"short": lambda: None, "long": lambda: time.sleep(0.02)},
        rounds=1,
        slice_s=0.0,
        least_calls=3,
        tries=1,
    )
    assert (
        samples["long"].summary()["median_s"]
        >= 0.02
        > samples["short"].summary()["lower_quartile_s"]
    )


def test_limits_grow_with_the_work() -> None:
    machine = limits.measure(CPU, megabytes=1, side=64, tries=1)
    assert machine.bytes_per_s > 0
    assert machine.flops_per_s > 0
    forward = limits.least_work((1, 3, 64, 64), taps=11, scales=1, backward=False)
    backward = limits.least_work((1, 3, 64, 64), taps=11, scales=1, backward=True)
    assert forward.bytes == 2 * 3 * 64 * 64 * 4
    assert machine.least_seconds(backward) > machine.least_seconds(forward)
    # A pyramid of two scales has a quarter more pixels.
    assert (
        limits.least_work((1, 3, 64, 64), taps=11, scales=2, backward=False).flops
        == forward.flops * 5 // 4
    )


@pytest.mark.parametrize("shape", [(1, 3, 176, 180), (1, 3, 177, 203), (2, 3, 112, 128)], ids=str)
def test_every_library_computes_our_number(shape: contenders.Shape) -> None:
    """At even sizes, at odd ones, where pyramids differ, and where five scales do not fit."""
    images = contenders.images(shape, CPU)
    found = contenders.definitions(shape)
    assert {definition.name for definition in found} == {
        "ssim",
        "ssim_reflect",
        "ms_ssim",
        "ms_ssim_joint",
        "l1",
        "charbonnier",
        "ssim_l1",
    }
    for definition in found:
        assert definition.peers
        for library, peer in definition.peers.items():
            value, gradient = contenders.difference(peer, definition.ours, *images)
            assert value <= contenders.VALUE_TOLERANCE, f"{definition.name}, {library}: {value}"
            assert gradient <= contenders.GRADIENT_TOLERANCE, (
                f"{definition.name}, {library}: {gradient}"
            )


@pytest.mark.filterwarnings("ignore")
def test_another_number_is_not_timed() -> None:
    planted = contenders.Definition(
        "planted",
        "planted",
        F.ssim,
        {"other": contenders.Peer(lambda p, t: F.ssim(p, t, sigma=1.4))},
    )
    effort = {"rounds": 1, "slice_s": 0.0, "tries": 1}
    ours, other = benchmark.compare(planted, (1, 1, 32, 32), CPU, limits.Machine(1e9, 1e9), effort)
    assert ours["forward"]["median_s"] > 0
    assert "forward" not in other
    assert "another value" in other["refused"]


@pytest.mark.filterwarnings("ignore")
def test_a_library_that_refuses_the_size_is_reported() -> None:
    def refuse(pred: Tensor, target: Tensor) -> Tensor:
        raise ValueError(f"too small: {pred.shape == target.shape}")

    planted = contenders.Definition(
        "planted", "planted", F.ssim, {"other": contenders.Peer(refuse)}
    )
    _, other = benchmark.compare(
        planted,
        (1, 1, 32, 32),
        CPU,
        limits.Machine(1e9, 1e9),
        {"rounds": 1, "slice_s": 0.0, "tries": 1},
    )
    assert other["refused"] == "refuses: too small: True"


@pytest.mark.filterwarnings("ignore")
def test_report_has_what_it_needs_to_be_judged(tmp_path: Path) -> None:
    benchmark.main(
        [
            "--quick",
            "--only",
            "ssim",
            "--shape",
            "1x1x32x32",
            "--device",
            "cpu",
            "--out",
            str(tmp_path),
            "--name",
            "tiny",
        ]
    )
    results = json.loads((tmp_path / "tiny.json").read_text(encoding="utf-8"))
    assert {"date", "device", "threads", "versions", "load_average"} <= results["metadata"].keys()
    assert {row["library"] for row in results["rows"]} == {
        "ssimloss",
        "pytorch-msssim",
        "piq",
        "kornia",
    }
    for row in results["rows"]:
        assert row["forward"]["median_s"] > 0
        assert row["peak_bytes"] > 0
        assert 0 < row["limit_share"] < 1
    table = (tmp_path / "tiny.md").read_text(encoding="utf-8")
    assert table.count("| 1x1x32x32 |") == 4
    # Whoever is faster or leaner than we are is named first, each time by how much.
    (ours,) = (row for row in results["rows"] if row["library"] == "ssimloss")
    for factor in (1, 1e6, 1e-12):  # as measured, far slower, far faster
        for what in ("forward", "backward"):
            ours[what]["median_s"] *= factor
        wins = [
            f"{row['library']} is {ours[what]['median_s'] / row[what]['median_s']:.2f} times as"
            for row in results["rows"]
            for what in ("forward", "backward")
            if row[what]["median_s"] < ours[what]["median_s"]
        ]
        leaner = [
            f"{row['library']} needs less memory"
            for row in results["rows"]
            if row["peak_bytes"] < ours["peak_bytes"]
        ]
        said = report.markdown(results).split("\n## ")[0]
        assert all(win in said for win in wins + leaner), said
        assert said.count("times as fast as ours") == len(wins)
        assert said.count("needs less memory") == len(leaner)
        assert ("Where others win" in said) == bool(wins + leaner)
        assert ("No library measured here" in said) == (not wins + leaner)
    assert not wins


def test_loops_over_files_compute_what_evaluate_does(tmp_path: Path) -> None:
    files.make_photographs(tmp_path / "made", 2)
    loops = {
        files.OURS: lambda: files.ours(tmp_path / "made"),
        files.SCIKIT: lambda: files.image_by_image(tmp_path / "made", files.scikit_image),
        files.TORCH: lambda: files.image_by_image(tmp_path / "made", files.plain_torch),
    }
    differences = files.check_agreement(loops)
    row = timing.Samples(quiet=[1.0]).summary() | {"images_per_s": 2.0}
    rows = {name: {**row, "difference": differences.get(name, {})} for name in loops}
    libraries = ("torch", "ssimloss", "scikit-image", "pillow")
    about = {
        "device": "",
        "threads": 1,
        "date": "",
        "system": "",
        "instructions": "",
        "versions": dict.fromkeys(libraries, "1"),
    }
    assert "| ssimloss | 1.00 (1.00-1.00) | 2.0 | 1.00 | - |" in files.markdown(
        {"metadata": about, "rows": rows, "images": 2, "peak_bytes": {"100": 2**20}}
    )
    files.repeated(tmp_path / "made", tmp_path / "more", 5)
    assert len(files.ours(tmp_path / "more")) == 5
    loops[files.SCIKIT] = lambda: {
        name: values | {"ssim": values["ssim"] + 1e-8}
        for name, values in files.ours(tmp_path / "made").items()
    }
    with pytest.raises(RuntimeError, match="scikit-image, image by image computes another ssim: 1"):
        files.check_agreement(loops)


@pytest.mark.skipif(not resident.is_measured(), reason="only Linux counts the peak of a process")
def test_peak_resident_memory_of_a_known_allocation() -> None:
    """Outside PyTorch's allocator, and of a size that glibc returns at once."""
    kept: list[np.ndarray] = []
    found = [
        resident.peak_resident_bytes(call)
        for call in (lambda: None, lambda: np.ones(8 * MIB), lambda: kept.append(np.ones(8 * MIB)))
    ]
    assert found[0] < MIB
    # The kernel adds up the pages of a thread 64 at a time, 0.25 MiB.
    assert all(abs(peak - 64 * MIB) <= MIB / 2 for peak in found[1:])


def test_no_measure_escapes_the_table_of_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each registered one has a case, and inputs that it accepts."""
    monkeypatch.setattr(inputs, "images", lambda shape, _: (torch.rand(shape), torch.rand(shape)))
    found = list(cases.cases())
    package = [
        each for each in measure.registered() if each.equation.__module__.startswith("ssimloss.")
    ]
    assert {case.measure.name for case in found} == {each.name for each in package}
    assert {case.name for case in found} >= set(cases.PEERS)
    for each in package:
        of = inputs.inputs(each, (1, 3, 16, 16))
        options = dict(of.options)
        images, tensors = each.bind(of.arguments, options, each.name)
        each.record.make(options, each.name)
        assert len(images) == len(each.images)
        assert set(each.required_tensors) <= set(tensors)
        assert of.asking.requires_grad


def test_family_counts_equal_values_only() -> None:
    """Of values above 1 the relative difference decides; the gradient is told."""
    gradient = torch.tensor([3.0, 4.0], dtype=torch.float64)
    ours = measuring.First(40.0, gradient, 0.0)
    for value, factor, equal in (
        (40.0005, 1.5, True),
        (40.0005, None, True),
        (40.001, 1.0, False),
        (math.nan, 1.0, False),
    ):
        theirs = None if factor is None else factor * gradient
        found = measuring.compared(measuring.First(value, theirs, 0.0), ours)
        assert found["equal"] is equal
        assert found["gradient_difference"] == (None if factor is None else factor - 1)


@pytest.mark.filterwarnings("ignore")  # of the peers
def test_family_reports_missed_bars_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "PEERS", {"GMSD/piq": {"piq": cases.PEERS["GMSD/piq"]["piq"]}})
    family.main(["--quick", "--only", "gmsd", "--shape", "1x3x32x32", "--out", str(tmp_path)])
    rows = json.loads((tmp_path / "family.json").read_text(encoding="utf-8"))["rows"]
    ours, piq = rows
    assert ours["definition"] == piq["definition"] == "GMSD/piq"
    assert piq["equal"]
    assert piq["forward"]["median_s"] > 0
    assert (piq["peak_bytes"] is not None) == resident.is_measured()
    text = (tmp_path / "family.md").read_text(encoding="utf-8")
    assert text.index("Another library is faster") < text.index("| GMSD/piq | 1x3x32x32 | piq |")

    for mode in ("forward", "backward"):
        piq[mode]["median_s"] = 1.0
    piq["peak_bytes"] = 2 * MIB
    for seconds, memory_of_ours, faster, below, heavier in (
        (0.2, MIB, 0, 0, 0),
        (0.25, MIB, 0, 1, 0),
        (1.5, MIB + 1, 2, 1, 1),
    ):
        for mode in ("forward", "backward"):
            ours[mode]["median_s"] = seconds
        ours["peak_bytes"] = memory_of_ours
        groups = family_report.grouped([ours, piq])
        assert len(list(family_report.slower(groups))) == faster
        assert len(list(family_report.below_five(groups))) == below
        assert len(list(family_report.heavier(groups))) == heavier
        assert not list(family_report.elsewhere(groups))
    unmeasured = {"metadata": report.metadata(CPU), "rows": [ours | {"peak_bytes": None}]}
    assert "leanest library:** not measured" in family_report.markdown(unmeasured)
    # What computes another value counts in no bar, but is named where it is faster.
    piq["equal"] = False
    for bar in (family_report.slower, family_report.below_five, family_report.heavier):
        assert not list(bar(groups))
    assert len(list(family_report.elsewhere(groups))) == 2


@pytest.mark.filterwarnings("ignore")  # of the peers
def test_family_continues_a_run_that_was_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a case in which nothing is timed in turn."""
    monkeypatch.setattr(cases, "PEERS", {})
    monkeypatch.setattr(measuring, "LONG_S", 0.0)
    options = ["--only", "gmsd", "--rounds", "1", "--out", str(tmp_path)]
    family.main([*options, "--shape", "1x3x32x32", "--quick"])
    path = tmp_path / "family.json"
    cut = json.loads(path.read_text(encoding="utf-8"))
    cut["rows"][0]["peak_bytes"] = None
    path.write_text(json.dumps(cut), encoding="utf-8")
    shapes = ("--shape", "1x3x32x32", "--shape", "1x3x40x32")
    found = family.main([*options, *shapes, "--resume", "--quick"])["rows"]
    assert [row["shape"] for row in found] == [[1, 3, 32, 32], [1, 3, 40, 32]]
    assert found[0]["backward"] == cut["rows"][0]["backward"]
    assert all((row["peak_bytes"] is not None) == resident.is_measured() for row in found)
    cut["metadata"]["versions"]["torch"] = "0"
    path.write_text(json.dumps(cut), encoding="utf-8")
    with pytest.raises(SystemExit, match="of another machine or of other versions"):
        family.main([*options, "--resume", "--quick"])
    with pytest.raises(SystemExit, match="continues the run in --out, which is missing"):
        family.main(["--only", "gmsd", "--resume", "--quick"])


def test_family_calls_nothing_that_takes_too_long() -> None:
    rows = [
        {"library": library, "shape": [1, 3, 16, 16], "backward": {"median_s": seconds}}
        for library, seconds in (("ssimloss", 0.1), ("piq", 10.0))
    ]
    assert measuring.too_long((1, 3, 16, 16), rows) == {}
    long = measuring.too_long((1, 3, 32, 32), [*rows, {"library": "other", "shape": [1]}])
    assert long == {"piq": 40.0}

    def never(*_: Tensor) -> Tensor:
        raise AssertionError("was called")

    case = cases.Case(measure.find("gmsd"), None, {"piq": never})
    found = measuring.measured(case, (1, 3, 32, 32), {"rounds": 1, "slice_s": 0.0}, long)
    measuring.take_memory(found)
    ours, piq = (each.row for each in found)
    assert ours["backward"]["median_s"] > 0
    assert piq["too_long_s"] == 40.0
    line = "| gmsd | 1x3x32x32 | piq |  | not called | about 40 s |  |  |"
    results = {"metadata": report.metadata(CPU), "rows": [ours, piq]}
    assert line in family_report.markdown(results)
