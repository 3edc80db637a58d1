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
from typing import Any

import pytest

pytest.importorskip("triton", minversion="3.3", reason="needs Triton 3.3 (PyTorch 2.7)")

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ssimloss.kernels.triton_kernel import similarity_kernel

pytestmark = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") == "1", reason="the interpreter compiles nothing"
)

TAPS, LANES = 11, 128
ADDRESSES = r"add\.s64|mov\.b64|cvta\S*|mad\.\S+|selp\.b64"  # what makes one of another
STAGED_LOADS = 5 * TAPS  # a row of s, of d, and of three maps of derivatives
CUDA = Path(triton.__file__).parent / "backends/nvidia/bin"
# Registers of a thread; docs/kernels.md has the same numbers. 128 leave room for four blocks in a
# multiprocessor, 168 for three.
REGISTERS = {80: 128, 90: 128, 100: 144, "gfx942": 168}
REGISTERS_WITH_BORDERS = 168


def compiled(target: GPUTarget, padding: str, dtype: str, monkeypatch: Any, folder: Path) -> Any:
    """Value and gradient to one image."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(folder))
    constants: dict[str, Any] = {
        "K": TAPS,
        "PART": "ssim",
        "PADDING": padding,
        "PIXEL": "none",
        "LANES": LANES,
        "HALO": 16,
    }
    constants |= dict.fromkeys(("upstream", "grad_y", "similarity"))
    types: dict[str, Any] = dict.fromkeys(("x", "y"), f"*{dtype}")
    types |= dict.fromkeys(("grad_x", "partials", "scratch"), "*fp32")
    types |= {"window": ("fp32",) * TAPS} | dict.fromkeys(constants, "constexpr")
    types |= {
        parameter.name: parameter.annotation_type
        for parameter in similarity_kernel.params
        if parameter.name not in types
    }
    source = ASTSource(similarity_kernel, types, constants)
    warps = LANES // target.warp_size
    options = {"num_warps": warps, "num_stages": 1, "enable_fp_fusion": True}
    return triton.compile(source, target=target, options=options)


def accesses(ptx: str) -> str:
    """In the order of the text: L and S for loads and stores of staged rows, B for barriers."""
    names = re.findall(r"\.param \S+ (?:\S+ )*?(\w+_param_\d+)", ptx)
    scratch = names[4]  # after x, y, grad_x and partials
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


def orders_rows(found: str) -> bool:
    """Rows are stored and, behind a barrier, read and stored by turns; each step ends with one."""
    return bool(re.fullmatch(rf"B*S+BL{{{STAGED_LOADS}}}S+B+", found))


@pytest.mark.parametrize(
    ("arch", "padding", "dtype"),
    [(80, "valid", "fp32"), (90, "valid", "fp32"), (100, "valid", "fp32"), (90, "reflect", "bf16")],
)
def test_nvidia(
    arch: int, padding: str, dtype: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = compiled(GPUTarget("cuda", arch, 32), padding, dtype, monkeypatch, tmp_path)
    ptx = found.asm["ptx"]
    assert "ld.global.nc" not in ptx
    assert orders_rows(accesses(ptx)), accesses(ptx)
    binary = tmp_path / "kernel.cubin"
    binary.write_bytes(found.asm["cubin"])

    def dumped(what: str) -> str:
        return subprocess.check_output([CUDA / "cuobjdump", what, binary], text=True)

    usage = dumped("--dump-resource-usage")
    taken = {name: int(size) for name, size in re.findall(r"(REG|STACK|SHARED|LOCAL):(\d+)", usage)}
    assert taken["REG"] <= (REGISTERS[arch] if padding == "valid" else REGISTERS_WITH_BORDERS)
    assert (taken["STACK"], taken["LOCAL"]) == (0, 0)
    assert taken["SHARED"] <= 1024  # which is what the system keeps for itself
    assert found.metadata.shared <= 64
    instructions = re.findall(r"\b(LDG|STG|BAR|LDL|STL)(\S*)", dumped("--dump-sass"))
    names = [name for name, _ in instructions]
    assert names.count("BAR") == ptx.count("bar.sync")
    assert names.count("LDG") >= STAGED_LOADS
    assert not {"LDL", "STL"} & {*names}  # nothing is spilled
    assert not [kind for name, kind in instructions if name == "LDG" and "CONSTANT" in kind]


def test_amd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = compiled(GPUTarget("hip", "gfx942", 64), "valid", "fp32", monkeypatch, tmp_path)
    text = found.asm["amdgcn"]
    sizes = {name: int(size) for name, size in re.findall(r"^\s+\.(\w+):\s+(\d+)$", text, re.M)}
    assert sizes["vgpr_count"] <= REGISTERS["gfx942"]
    for name in ("vgpr_spill_count", "sgpr_spill_count", "private_segment_fixed_size"):
        assert sizes[name] == 0, name
    assert found.metadata.shared <= 64
    assert re.search(r"\.amdhsa_tg_split 0\b", text)
    # After the first row and after each step.
    assert len(re.findall(r"^\s+s_barrier", text, re.M)) >= 2


def test_a_load_before_the_barrier_is_seen() -> None:
    right = "BBSSSSSSSB" + STAGED_LOADS * "L" + "SSSSSSSB" + "B"
    assert orders_rows(right)
    for wrong in (
        right.replace("SB" + "L", "SL", 1),
        right.replace("LS", "SL", 1),
        right.replace("SBL", "SLB", 1),
        right.removesuffix("BB"),
    ):
        assert not orders_rows(wrong), wrong
