"""Who may import whom: the imports of every file, read with ``ast``, against one table."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "ssimloss"

# Room (a folder or a module directly under ssimloss/) -> the rooms it may import. A room may always
# import itself.
_ARGUMENTS = {"_checks", "_torch", "_reduce", "_precision"}
_SIGNAL = {"filters", "color", "gradients"}
MAY_IMPORT: dict[str, set[str]] = {
    "_version": set(),
    "_files": set(),
    "_checks": set(),
    "_torch": set(),
    "_precision": {"_checks"},
    "_reduce": {"_checks", "_precision"},
    "weights": {"_checks", "_torch", "_files"},
    "filters": {"_checks", "_precision"},
    "color": {"_checks", "_precision"},
    "gradients": {"_checks", "_precision", "filters"},
    "kernels": {"_checks", "_torch", "_version", "_precision", "filters"},
    "functional": _ARGUMENTS | _SIGNAL | {"kernels"},
    # Above functional, not beside filters: explain_difference computes both of the conventions it
    # compares.
    "conventions": {"functional", "color", "_checks"},
    "networks": {"weights", "_checks", "_torch", "_precision"},
    "losses": {"functional", "networks"} | _ARGUMENTS,
    "combined": {"_checks", "_torch"},
    "video": {"functional", "networks"} | _ARGUMENTS | _SIGNAL,
    "metrics": {"functional", "networks", "conventions", "color", "_files", "_version"}
    | _ARGUMENTS,
    # Folders of images, compared: files in, tables and a page out.
    "evaluation": {"metrics", "functional", "conventions", "color", "_files", "_version"}
    | _ARGUMENTS,
}
# Everything, and imported by nothing: the table of contents and the command line.
ON_TOP = {"__init__", "cli"}

# Packages from elsewhere, by room; the standard library and torch are free to all. What is not
# listed here is free to none.
ANYWHERE = {"torch", "numpy"}
THIRD_PARTY: dict[str, set[str]] = {
    "weights": {"torchvision"},
    "networks": {"torchvision"},
    "kernels": {"triton"},
    "video": {"av"},
    "metrics": {"torchmetrics", "torch_fidelity"},
    "evaluation": {"PIL", "matplotlib", "torchvision"},
    "cli": {"typer", "rich", "PIL", "matplotlib", "torchvision"},
}
# Of those, the ones that importing ssimloss must not import: only inside a function. (The rooms of
# the optional extras may import theirs at the top.)
ONLY_IN_FUNCTIONS = {"triton", "torchvision", "av"}
# Files of which that is true instead: they need such a package from the first line on, and only
# functions import them.
LAZY = {"kernels/triton_kernel.py"}

# Rooms that hold equations know neither files, nor the environment, nor modules with state.
EQUATIONS = {"_checks", "_reduce", "_precision", "functional", "conventions"} | _SIGNAL
SYSTEM = {"os", "pathlib", "io", "tempfile", "shutil", "urllib", "socket", "subprocess"}


class Import(NamedTuple):
    line: int
    module: str
    in_function: bool


def imports(tree: ast.AST, package: str) -> Iterator[Import]:
    """Every import of a file that lies in ``package`` (dotted), also those in functions and by a
    literal name.
    """

    def visit(node: ast.AST, in_function: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, in_function)
        elif isinstance(node, ast.ImportFrom):
            above = (
                package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            )
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(node.lineno, f"{base}.{alias.name}", in_function)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
            "import_module",
            "__import__",
        ):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield Import(node.lineno, str(argument.value), in_function)
        for child in ast.iter_child_nodes(node):
            yield from visit(
                child,
                in_function
                or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda),
            )

    return visit(tree, False)


def room_of(parts: list[str]) -> str:
    """The room of ``ssimloss.<parts>``; a name that the table of contents re-exports
    belongs to it.
    """
    return parts[0] if parts and (parts[0] in MAY_IMPORT or parts[0] in ON_TOP) else "__init__"


def violations(package: Path) -> list[str]:
    """What is against the tables, one line each."""
    found = []
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        room = inside.parts[0].removesuffix(".py")
        if room not in MAY_IMPORT and room not in ON_TOP:
            found.append(f"{inside}: the room {room!r} is not in the table of this test")
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        here = f"{package.name}/{inside}"
        for line, module, in_function in imports(
            tree, ".".join((package.name, *inside.parts[:-1]))
        ):
            top, *rest = module.split(".")
            if top == package.name:
                to = room_of(rest)
                if room not in ON_TOP and to != room and to not in MAY_IMPORT[room]:
                    found.append(f"{here}:{line}: {room} may not import {to} ({module})")
                elif not in_function and any(
                    f"{'/'.join(rest[:n])}.py" in LAZY for n in range(1, len(rest) + 1)
                ):
                    found.append(f"{here}:{line}: {module} is imported inside functions only")
                elif to == "cli" and room != "cli":
                    found.append(f"{here}:{line}: nothing imports cli ({module})")
            elif (
                top in ONLY_IN_FUNCTIONS
                and not in_function
                and room != "cli"
                and inside.as_posix() not in LAZY
            ):
                found.append(f"{here}:{line}: {top} is imported inside functions only")
            elif (
                top not in ANYWHERE | THIRD_PARTY.get(room, set())
                and top not in sys.stdlib_module_names
            ):
                found.append(f"{here}:{line}: {room} may not import {top}")
            elif room in EQUATIONS and top in SYSTEM:
                found.append(f"{here}:{line}: {room} holds equations and may not import {top}")
        found += [f"{here}:{line}: {what}" for line, what in _forbidden_code(tree, room)]
    return found


def _forbidden_code(tree: ast.AST, room: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if (
            room in EQUATIONS
            and isinstance(node, ast.ClassDef)
            and any(ast.unparse(base).endswith("Module") for base in node.bases)
        ):
            yield node.lineno, f"{room} holds functions, {node.name} is an nn.Module"
        if room in EQUATIONS and isinstance(node, ast.Global):
            yield node.lineno, f"{room} keeps no global state"
        if (
            room not in {"weights", "cli", "evaluation", "_files"}
            and isinstance(node, ast.Call)
            and ast.unparse(node.func) == "open"
        ):
            yield node.lineno, f"{room} opens a file; that is for weights and evaluation"
        if room == "kernels" and isinstance(node, ast.arg) and node.arg == "reduction":
            yield node.lineno, "kernels know no reduction"
        if (
            room == "losses"
            and isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow | ast.MatMult)
        ):
            yield node.lineno, "losses call a function and compute nothing themselves"


def test_every_import_is_allowed() -> None:
    assert violations(PACKAGE) == []


def test_table_has_no_cycle() -> None:
    """A table that allowed A to import B and B to import A would enforce no layers."""

    def below(room: str, above: tuple[str, ...]) -> None:
        assert room not in above, f"cycle in the table: {' -> '.join((*above, room))}"
        for lower in MAY_IMPORT[room]:
            below(lower, (*above, room))

    for room in MAY_IMPORT:
        below(room, ())


@pytest.mark.parametrize(
    ("file", "code", "complaint"),
    [
        (
            "functional/pixel.py",
            "from ssimloss.losses import L1Loss",
            "functional may not import losses",
        ),
        (
            "functional/pixel.py",
            "def later():\n    import ssimloss.conventions",
            "functional may not import conventions",
        ),
        (
            "functional/pixel.py",
            "from ..losses.pixel import L1Loss",
            "functional may not import losses",
        ),
        (
            "functional/pixel.py",
            "from ssimloss import L1Loss",
            "functional may not import __init__",
        ),
        (
            "functional/pixel.py",
            "import importlib\nimportlib.import_module('ssimloss.losses')",
            "functional may not import losses",
        ),
        ("functional/pixel.py", "import os", "functional holds equations and may not import os"),
        ("functional/pixel.py", "import scipy.signal", "functional may not import scipy"),
        (
            "functional/pixel.py",
            "from torch import nn\nclass Twin(nn.Module): ...",
            "Twin is an nn.Module",
        ),
        ("functional/pixel.py", "def read():\n    return open('x')", "functional opens a file"),
        ("filters.py", "from ssimloss import functional", "filters may not import functional"),
        ("losses/pixel.py", "from ssimloss.kernels import native", "losses may not import kernels"),
        ("losses/pixel.py", "def score(x):\n    return 1 - x", "compute nothing themselves"),
        (
            "combined/terms.py",
            "from ssimloss.losses import L1Loss",
            "combined may not import losses",
        ),
        ("kernels/fused.py", "import triton", "triton is imported inside functions only"),
        (
            "kernels/fused.py",
            "from ssimloss.kernels import triton_kernel",
            "is imported inside functions only",
        ),
        (
            "kernels/fused.py",
            "from ssimloss.kernels.triton_kernel import walk",
            "is imported inside functions only",
        ),
        ("kernels/fused.py", "def ssim(x, reduction): ...", "kernels know no reduction"),
        ("networks/vgg.py", "import torchvision", "torchvision is imported inside functions only"),
        (
            "weights/_store.py",
            "import torchvision",
            "torchvision is imported inside functions only",
        ),
        (
            "weights/_read.py",
            "from ssimloss.networks import FeatureExtractor",
            "weights may not import networks",
        ),
        ("weights/_read.py", "import safetensors", "weights may not import safetensors"),
        ("networks/vgg.py", "def read():\n    return open('x')", "networks opens a file"),
        (
            "losses/pixel.py",
            "def command():\n    from ssimloss.cli import main",
            "losses may not import cli",
        ),
        ("utils.py", "import torch", "the room 'utils' is not in the table"),
    ],
)
def test_planted_fault_is_found(tmp_path: Path, file: str, code: str, complaint: str) -> None:
    planted = tmp_path / "ssimloss"
    shutil.copytree(PACKAGE, planted, ignore=shutil.ignore_patterns("__pycache__"))
    path = planted / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"{path.read_text(encoding='utf-8') if path.exists() else ''}\n{code}\n", encoding="utf-8"
    )
    assert any(complaint in line for line in set(violations(planted)) - set(violations(PACKAGE))), (
        violations(planted)
    )
