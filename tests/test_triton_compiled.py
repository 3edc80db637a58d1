"""The Triton kernel, compiled for GPUs that are not here: what it takes of a multiprocessor, and
that rows written by one thread are read by another only behind a barrier.

The rows lie in global memory that only one block uses. PTX orders a block's accesses to it around
``bar.sync`` as long as loads stay coherent and on their side; on AMD's GPUs the wavefronts of a
workgroup share one L1 cache, which serves them in order unless the workgroup is split.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("triton", minversion="3.3", reason="needs Triton 3.3 (PyTorch 2.7)")

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ssimloss.kernels.gpu.decimation import decimate, undecimate
from ssimloss.kernels.gpu.equations import EQUATIONS
from ssimloss.kernels.gpu.walk import walk

pytestmark = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") == "1", reason="the interpreter compiles nothing"
)

LANES = 128
CUDA = Path(triton.__file__).parent / "backends/nvidia/bin"


class Case(NamedTuple):
    """Value and gradient to one image, and the registers of a thread, which docs/kernels.md has
    too. 128 leave room for four blocks in a multiprocessor, 168 for three, 255 for two.
    """

    arch: int | str
    registers: int
    equation: str = "ssim"
    taps: int = 11
    padding: str = "valid"
    dtype: str = "fp32"
    is_masked: bool = False

    @property
    def target(self) -> GPUTarget:
        if isinstance(self.arch, str):
            return GPUTarget("hip", self.arch, 64)
        return GPUTarget("cuda", self.arch, 32)

    @property
    def staged_loads(self) -> int:
        """Of rows of both images, of the mask, and of three maps of derivatives."""
        return (5 + self.is_masked) * self.taps


NVIDIA = [
    Case(90, 128),
    Case(100, 144),
    Case(80, 128),
    Case(90, 168, padding="reflect", dtype="bf16", is_masked=True),
    Case(90, 168, "structure"),
    Case(90, 128, "information", 5, "reflect"),
    Case(90, 128, "shared_information", 5),
]
# Masks and bfloat16 alone, and longer windows, which take up to six seconds each.
MORE_OF_NVIDIA = [
    Case(90, 168, padding="reflect", dtype="bf16"),
    Case(90, 168, is_masked=True),
    Case(90, 168, "information", 9, "reflect"),
    Case(80, 255, "information", 17, "reflect"),
    Case(90, 255, "shared_information", 17),
]
AMD = [Case("gfx942", 168), Case("gfx942", 128, "information", 5, "reflect")]


def compiled(case: Case, monkeypatch: Any, folder: Path) -> Any:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(folder))
    equation = EQUATIONS[case.equation]
    constants: dict[str, Any] = {
        "K": case.taps,
        "POINT": equation.point,
        "FIELDS": equation.fields,
        "SUMS": equation.sums,
        "PADDING": case.padding,
        "PIXEL": "none",
        "LANES": LANES,
        "HALO": 1 << (case.taps - 2).bit_length(),
    }
    absent = ["upstream", "grad_y", "values"]
    absent += [] if case.is_masked else ["mask"]
    absent += [] if equation.sums == 2 else ["factors"]
    constants |= dict.fromkeys(absent)
    count = {"information": 1, "shared_information": 3}.get(case.equation, 2)
    types: dict[str, Any] = dict.fromkeys(("x", "y"), f"*{case.dtype}")
    types |= dict.fromkeys(("mask", "factors", "grad_x", "partials", "scratch"), "*fp32")
    types |= {"window": ("fp32",) * case.taps, "constants": ("fp32",) * count}
    return built(walk, types, constants, case.target, LANES // case.target.warp_size)


def built(kernel: Any, types: dict[str, Any], constants: Any, target: GPUTarget, warps: int) -> Any:
    types |= dict.fromkeys(constants, "constexpr")
    types |= {
        parameter.name: parameter.annotation_type
        for parameter in kernel.params
        if parameter.name not in types
    }
    options = {"num_warps": warps, "num_stages": 1, "enable_fp_fusion": True}
    return triton.compile(ASTSource(kernel, types, constants), target=target, options=options)


def accesses(ptx: str, position: int) -> str:
    """In the order of the text: L and S for loads and stores of staged rows, B for barriers.

    Args:
        position: of the staging area among the parameters.
    """
    names = re.findall(r"\.param \S+ (?:\S+ )*?(\w+_param_\d+)", ptx)
    scratch = names[position]
    derived: set[str] = set()  # registers that hold an address in it
    found = []
    for line in ptx.splitlines():
        loaded = re.match(rf"\s*ld\.param\.b64\s+(%rd\d+), \[{scratch}\]", line)
        moved = re.match(
            r"\s*(?:add\.s64|mov\.b64|cvta\S*|mad\.\S+|selp\.b64)\s+(%rd\d+), (.*);", line
        )
        accessed = re.search(r"(ld|st)\.global.*\[ ?(%rd\d+)", line)
        if loaded:
            derived.add(loaded[1])
        elif moved and derived & {*re.findall(r"%rd\d+", moved[2])}:
            derived.add(moved[1])
        elif "bar.sync" in line:
            found.append("B")
        elif accessed and accessed[2] in derived:
            found.append("L" if accessed[1] == "ld" else "S")
    return "".join(found)


def orders_rows(found: str, loads: int, of_images: int = 0) -> bool:
    """Rows are stored and, behind a barrier, read and stored by turns; each step ends with one.

    Args:
        of_images: loads at the head of the loop, which may stand at the end of the text.
    """
    step = rf"L{{{loads}}}S+B+"
    turned = rf"L{{{loads - of_images}}}S+BL{{{of_images}}}B*"
    return bool(re.fullmatch(rf"B*S+B(?:{step}|{turned})", found))


@pytest.mark.parametrize(
    "case",
    [*NVIDIA, *(pytest.param(case, marks=pytest.mark.sweep) for case in MORE_OF_NVIDIA)],
    ids=lambda case: "-".join(map(str, case)),
)
def test_nvidia(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = compiled(case, monkeypatch, tmp_path)
    ptx = found.asm["ptx"]
    assert "ld.global.nc" not in ptx
    # After x, y, mask, factors, grad_x and partials.
    order = accesses(ptx, 4 + case.is_masked + (EQUATIONS[case.equation].sums == 2))
    assert orders_rows(order, case.staged_loads, (2 + case.is_masked) * case.taps), order
    binary = tmp_path / "kernel.cubin"
    binary.write_bytes(found.asm["cubin"])

    def dumped(what: str) -> str:
        return subprocess.check_output([CUDA / "cuobjdump", what, binary], text=True)

    usage = dumped("--dump-resource-usage")
    taken = {name: int(size) for name, size in re.findall(r"(REG|STACK|SHARED|LOCAL):(\d+)", usage)}
    assert taken["REG"] <= case.registers
    assert (taken["STACK"], taken["LOCAL"]) == (0, 0)
    assert taken["SHARED"] <= 1024  # which is what the system keeps for itself
    assert found.metadata.shared <= 64
    instructions = re.findall(r"\b(LDG|STG|BAR|LDL|STL)(\S*)", dumped("--dump-sass"))
    names = [name for name, _ in instructions]
    assert names.count("BAR") == ptx.count("bar.sync")
    assert names.count("LDG") >= case.staged_loads
    assert not {"LDL", "STL"} & {*names}  # nothing is spilled
    assert not [kind for name, kind in instructions if name == "LDG" and "CONSTANT" in kind]


@pytest.mark.parametrize("case", AMD, ids=lambda case: "-".join(map(str, case)))
def test_amd(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = compiled(case, monkeypatch, tmp_path)
    text = found.asm["amdgcn"]
    sizes = {name: int(size) for name, size in re.findall(r"^\s+\.(\w+):\s+(\d+)$", text, re.M)}
    assert sizes["vgpr_count"] <= case.registers
    for name in ("vgpr_spill_count", "sgpr_spill_count", "private_segment_fixed_size"):
        assert sizes[name] == 0, name
    assert found.metadata.shared <= 64
    assert re.search(r"\.amdhsa_tg_split 0\b", text)
    # After the first row and after each step.
    assert len(re.findall(r"^\s+s_barrier", text, re.M)) >= 2


@pytest.mark.parametrize("kernel", [decimate, undecimate])
def test_halving_compiles(kernel: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants = {"K": 3, "PADDING": "reflect", "BY_ROWS": True, "BLOCK": 1024}
    constants |= {"ADDS": True} if kernel is undecimate else {}
    types: dict[str, Any] = {"fine": "*fp32", "coarse": "*fp32", "window": ("fp32",) * 3}
    for target in (Case(90, 0).target, Case("gfx942", 0).target):
        found = built(kernel, dict(types), constants, target, 128 // target.warp_size)
        assert found.metadata.shared == 0


def test_a_load_before_the_barrier_is_seen() -> None:
    right = "BBSSSSSSSB" + 55 * "L" + "SSSSSSSB" + "B"
    assert orders_rows(right, 55)
    for wrong in (
        right.replace("SB" + "L", "SL", 1),
        right.replace("LS", "SL", 1),
        right.replace("SBL", "SLB", 1),
        right.removesuffix("BB"),
    ):
        assert not orders_rows(wrong, 55, 22), wrong
    turned = "BBSSSSSSSB" + 33 * "L" + "SSSSSSSB" + 22 * "L" + "BB"
    assert orders_rows(turned, 55, 22)
    assert not orders_rows(turned.replace("SBL", "SL"), 55, 22)
