"""Who may import whom: the imports of every file, read with ``ast``, are compared with one table.

There are no circles, neither in the table nor between files.
"""

from __future__ import annotations

import ast
import functools
import graphlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import mutants
import pytest
import torch
from torch import nn

PACKAGE = Path(__file__).parents[1] / "ssimloss"
NAME = PACKAGE.name

# Room (a folder or a module directly under ssimloss/) -> the rooms it may import. A room may always
# import itself.
_GROUND = {"_checks", "_torch", "_flags", "_version", "_files", "_ranges", "_debug"}
_GROUND |= {"_spellings", "_keywords", "_memory", "_words", "_docstrings", "_warnings"}
_NUMERICS = {"_reduce", "_precision", "_options", "_constants", "_roots", "_documentation"}
_NUMERICS |= {"_references"}
_SIGNAL = {"filters", "color", "image_gradients", "resize"}
_LOW = _GROUND | _NUMERICS | _SIGNAL
MAY_IMPORT: dict[str, set[str]] = {
    **{
        room: set()
        for room in ("_version", "_files", "_flags", "_torch", "_memory", "_words", "_warnings")
    },
    **{
        room: set()
        for room in (
            "_version",
            "_files",
            "_flags",
            "_torch",
            "_spellings",
            "_memory",
            "_words",
            "_docstrings",
        )
    },
    "_checks": {"_words"},
    "_spellings": {"_words"},
    "_keywords": {"_spellings", "_words"},
    "_ranges": {"_checks"},
    "_debug": {"_checks", "_torch", "_ranges", "_keywords"},
    "_reduce": _GROUND,
    "_precision": _GROUND,
    "_constants": _GROUND,
    "_references": _GROUND,
    "_roots": set(),
    "_options": _GROUND | {"_reduce"},
    "_documentation": _GROUND | {"_options"},
    "filters": _GROUND | _NUMERICS,
    "color": _GROUND | _NUMERICS,
    "image_gradients": _GROUND | _NUMERICS,
    "resize": _GROUND | _NUMERICS,
    "judgements": _GROUND,  # a convex fit of weights to people's judgements
    "kernels": _LOW,
    "measure": _GROUND | _NUMERICS,
    # How conventions are described, prepared and compared; the sets stand with their measures.
    "conventions": _LOW | {"kernels", "measure"},
    "functional": _LOW | {"kernels", "measure", "conventions"},
    "weights": _GROUND,
    "networks": _LOW | {"weights"},
    "video": _LOW | {"kernels", "measure", "functional", "networks", "weights"},
    "losses": _LOW | {"measure", "functional", "networks", "judgements", "video"},
    "combined": _LOW,  # it knows no loss
    "metrics": _LOW | {"measure", "functional", "networks", "conventions", "losses", "combined"},
    # Folders of images, compared: files in, tables and a page out.
    "evaluation": _LOW | {"measure", "functional", "conventions", "networks", "metrics"},
    # Call forms of other libraries.
    "compat": _LOW | {"functional", "networks", "losses", "combined"},
    # Which measure to trust and to train with.
    "study": _LOW | {"measure", "functional", "weights", "networks", "metrics", "evaluation"},
    # A loss or a machine, examined.
    "doctor": _LOW | {"kernels", "functional", "weights", "combined"},
}
# Everything, and imported by nothing: the table of contents and the command line.
ON_TOP = {"__init__", "_contents", "cli"}
COMMANDS = {"kernels/__main__.py"}  # part of the command line, wherever they lie

# Packages from elsewhere, by room; the standard library and torch are free to all. What is not
# listed here is free to none.
ANYWHERE = {"torch", "numpy"}
THIRD_PARTY: dict[str, set[str]] = {
    "_checks": {"typing_extensions"},
    "_options": {"typing_extensions"},
    "weights": {"torchvision", "safetensors", "filelock"},
    "networks": {"torchvision"},
    "kernels": {"triton"},
    "combined": {"matplotlib", "lightning"},
    "metrics": {"torchmetrics", "torch_fidelity", "typing_extensions", "scipy"},
    "evaluation": {"PIL", "matplotlib", "torchvision", "av", "tifffile"},
    "study": {"scipy", "PIL", "openpyxl"},
    "cli": {"typer", "rich", "PIL", "matplotlib", "torchvision"},
}
# Of those, the ones that importing ssimloss must not import: only inside a function. (The rooms of
# the optional extras may import theirs at the top.)
ONLY_IN_FUNCTIONS = {"triton", "torchvision", "safetensors", "filelock", "av", "tifffile"}
# Files of which that is true instead: they need such a package from the first line on, and only
# functions, and each other, import them.
LAZY = {"combined/lightning.py"}
LAZY |= {f"kernels/gpu/{name}.py" for name in ("walk", "rows", "equations", "decimation")}
LAZY |= {f"compat/{framework}.py" for framework in ("basicsr", "neosr", "traiNNer")}

# Rooms that hold equations know neither files, nor the environment, nor modules with state.
EQUATIONS = _NUMERICS | _SIGNAL | {"_checks", "functional", "conventions", "measure"}
SYSTEM = {"os", "pathlib", "io", "tempfile", "shutil", "urllib", "socket", "subprocess"}

# Private names of PyTorch stand in one file. torchmetrics has hooks of such names, which classes
# override where they are.
USES_PRIVATE_NAMES = "_torch.py"
OVERRIDES_TORCHMETRICS = {
    "metrics/_image_metric.py",
    "metrics/image.py",
}


def _private(names: Iterable[str]) -> frozenset[str]:
    return frozenset(n for n in names if n.startswith("_") and not n.endswith("__"))


OF_MODULES = _private([*dir(nn.Module), *vars(nn.Module())])
OF_TENSORS = _private(dir(torch.Tensor))
OF_STATE_DICTS = frozenset({"_metadata"})
OF_MODULES_AND_STATE_DICTS = OF_MODULES | OF_STATE_DICTS
OF_FUNCTIONS = ("_dynamo", "_torchdynamo")  # what torch.compile reads from a function or a tensor


def called(node: ast.Call) -> str:
    """The last name of what is called; ``ast.unparse`` takes far longer."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


class Import(NamedTuple):
    line: int
    module: str
    later: bool  # in a function, or for type checkers only


def imports(tree: ast.AST, package: str) -> Iterator[Import]:
    """Every import of a file that lies in ``package`` (dotted), also those in functions and by a
    literal name.
    """

    def visit(node: ast.AST, later: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, later)
        elif isinstance(node, ast.ImportFrom):
            above = (
                package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            )
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(node.lineno, f"{base}.{alias.name}", later)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield Import(node.lineno, str(argument.value), later)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.body:
                yield from visit(child, True)
            for child in node.orelse:
                yield from visit(child, later)
            return
        in_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, later or in_function)

    return visit(tree, False)


@functools.cache
def sources() -> dict[str, str]:
    """The text of every file of the package, by its path inside it."""
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@functools.cache
def parsed(path: str, text: str) -> tuple[tuple[ast.AST, ...], tuple[Import, ...]]:
    """The nodes of a file's tree, walked once, and its imports."""
    tree = ast.parse(text)
    package = ".".join((NAME, *PurePosixPath(path).parts[:-1]))
    return tuple(ast.walk(tree)), tuple(imports(tree, package))


def room_of(parts: list[str]) -> str:
    """The room of ``ssimloss.<parts>``; a name that the table of contents re-exports
    belongs to it.
    """
    return parts[0] if parts and (parts[0] in MAY_IMPORT or parts[0] in ON_TOP) else "__init__"


def has_private_part(parts: list[str]) -> bool:
    """Whether a module or name below a room is ``_private``."""
    return any(part.startswith("_") and not part.startswith("__") for part in parts[1:])


def violations(overlay: Mapping[str, str] | None = None) -> list[str]:
    """Violations of the tables, one line each; ``overlay`` replaces or adds files."""
    files = sources() | (overlay or {})
    found = [complaint for path, text in files.items() for complaint in complaints(path, text)]
    ring = circle({path: direct_imports(path, text, files) for path, text in files.items()})
    return [*found, f"import circle: {' -> '.join(ring)}"] if ring else found


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Nodes that lead to each other, each to the next one; empty if there are none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def direct_imports(path: str, text: str, files: Mapping[str, str]) -> set[str]:
    """The files that a file imports while it is imported itself, packages above them apart."""
    found = set()
    for _, module, later in parsed(path, text)[1]:
        top, *rest = module.split(".")
        if later or top != NAME:
            continue
        # ``ssimloss.functional.ssim.x``: the longest part of it that is a file
        for n in range(len(rest), -1, -1):
            stem = "/".join(rest[:n])
            names = (f"{stem}.py", f"{stem}/__init__.py") if stem else ("__init__.py",)
            target = next((name for name in names if name in files), None)
            if target is not None:
                found.add(target)
                break
    return found - {path}


@functools.cache
def complaints(path: str, text: str) -> list[str]:
    """The violations of one file."""
    inside = PurePosixPath(path)
    room = "cli" if path in COMMANDS else inside.parts[0].removesuffix(".py")
    if room not in MAY_IMPORT and room not in ON_TOP:
        return [f"{path}: the room {room!r} is not in the table of this test"]
    nodes, imported = parsed(path, text)
    here, found = f"{NAME}/{path}", []
    for line, module, later in imported:
        top, *rest = module.split(".")
        if top == NAME:
            to = room_of(rest)
            if room not in ON_TOP and to != room and to not in MAY_IMPORT[room]:
                found.append(f"{here}:{line}: {room} may not import {to} ({module})")
            elif (
                not later
                and path not in LAZY
                and any(f"{'/'.join(rest[:n])}.py" in LAZY for n in range(1, len(rest) + 1))
            ):
                found.append(f"{here}:{line}: {module} is imported inside functions only")
            elif to == "cli" and room != "cli":
                found.append(f"{here}:{line}: nothing imports cli ({module})")
            elif to != room and has_private_part(rest):
                found.append(f"{here}:{line}: {module} is private to {to}")
        elif top in ONLY_IN_FUNCTIONS and not later and room != "cli" and path not in LAZY:
            found.append(f"{here}:{line}: {top} is imported inside functions only")
        elif (
            top not in ANYWHERE | THIRD_PARTY.get(room, set())
            and top not in sys.stdlib_module_names
        ):
            found.append(f"{here}:{line}: {room} may not import {top}")
        elif room in EQUATIONS and top in SYSTEM:
            found.append(f"{here}:{line}: {room} holds equations and may not import {top}")
    found += [f"{here}:{line}: {what}" for line, what in _forbidden_code(nodes, room)]
    if path not in {USES_PRIVATE_NAMES, *OVERRIDES_TORCHMETRICS}:
        found += [
            f"{here}:{line}: {name} is private to PyTorch; use it in {USES_PRIVATE_NAMES}"
            for line, name in _private_names(nodes, imported)
        ]
    return found


def _forbidden_code(nodes: Iterable[ast.AST], room: str) -> Iterator[tuple[int, str]]:
    for node in nodes:
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
            and isinstance(node.func, ast.Name)
            and node.func.id == "open"
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


def _private_names(
    nodes: Iterable[ast.AST], imported: Iterable[Import]
) -> Iterator[tuple[int, str]]:
    """Line and name of each use of a private name of PyTorch.

    That is a private part of a module path or of an attribute chain that starts at something
    imported from torch; a private attribute of modules, tensors, state dicts or compiled functions;
    a method that overrides one. Also where ``getattr`` and its like take it as a literal.
    """
    from_torch = set()
    defined = {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
    for line, module, _ in imported:
        if module.split(".")[0] == "torch" and _private(module.split(".")):
            yield line, module
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ""
            for alias in node.names:
                if (module or alias.name).split(".")[0] == "torch":
                    from_torch.add(alias.asname or alias.name.split(".")[0])

    def is_private(name: str) -> bool:
        if name in OF_TENSORS and name not in OF_MODULES:
            return name not in defined  # a method of ours may have such a name
        return name in OF_MODULES_AND_STATE_DICTS or name.startswith(OF_FUNCTIONS)

    for node in nodes:
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name in OF_MODULES:
                    yield method.lineno, method.name
        if isinstance(node, ast.Attribute):
            root = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            starts_at_torch = isinstance(root, ast.Name) and root.id in from_torch
            if is_private(node.attr) or (starts_at_torch and _private([node.attr])):
                yield node.lineno, ast.unparse(node)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"getattr", "setattr", "hasattr", "delattr"}
            and isinstance(node.args[1], ast.Constant)
        ):
            name = str(node.args[1].value)
            starts_at_torch = ast.unparse(node.args[0]).split(".")[0] in from_torch
            if is_private(name) or (starts_at_torch and _private([name])):
                yield node.lineno, name


def test_files_that_are_excepted_still_need_it() -> None:
    """Otherwise they belong out of the list."""
    for file in OVERRIDES_TORCHMETRICS:
        assert list(_private_names(*parsed(file, sources()[file]))), file


def test_every_import_is_allowed() -> None:
    assert violations() == []


def test_table_has_no_circle() -> None:
    """A table that allowed A to import B and B to import A would enforce no layers."""
    assert circle(MAY_IMPORT) == []
    assert set(circle(MAY_IMPORT | {"_checks": {"functional"}})) >= {"_checks", "functional"}


@pytest.mark.parametrize(
    ("file", "code", "complaint"),
    [
        (
            "functional/l1.py",
            "from ssimloss.losses import L1Loss",
            "functional may not import losses",
        ),
        (
            "conventions/lookup.py",
            "def later():\n    import ssimloss.functional",
            "conventions may not import functional",
        ),
        (
            "functional/l1.py",
            "from ..losses.pixel import L1Loss",
            "functional may not import losses",
        ),
        (
            "functional/l1.py",
            "from ssimloss import L1Loss",
            "functional may not import __init__",
        ),
        (
            "functional/l1.py",
            "import importlib\nimportlib.import_module('ssimloss.losses')",
            "functional may not import losses",
        ),
        ("functional/l1.py", "import os", "functional holds equations and may not import os"),
        ("functional/l1.py", "import scipy.signal", "functional may not import scipy"),
        (
            "functional/l1.py",
            "from torch import nn\nclass Twin(nn.Module): ...",
            "Twin is an nn.Module",
        ),
        ("functional/l1.py", "def read():\n    return open('x')", "functional opens a file"),
        ("filters.py", "from ssimloss import functional", "filters may not import functional"),
        (
            "losses/texture.py",
            "from ssimloss.kernels import native",
            "losses may not import kernels",
        ),
        ("losses/texture.py", "def score(x):\n    return 1 - x", "compute nothing themselves"),
        (
            "combined/terms.py",
            "from ssimloss.losses import L1Loss",
            "combined may not import losses",
        ),
        ("kernels/fused.py", "import triton", "triton is imported inside functions only"),
        (
            "kernels/fused.py",
            "from ssimloss.kernels.gpu import walk",
            "is imported inside functions only",
        ),
        (
            "kernels/fused.py",
            "from ssimloss.kernels.gpu.walk import walk",
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
        (
            "weights/_read.py",
            "import safetensors",
            "safetensors is imported inside functions only",
        ),
        (
            "networks/vgg.py",
            "def read():\n    import safetensors",
            "networks may not import safetensors",
        ),
        ("networks/vgg.py", "def read():\n    return open('x')", "networks opens a file"),
        (
            "losses/texture.py",
            "def command():\n    from ssimloss.cli import main",
            "losses may not import cli",
        ),
        ("utils.py", "import torch", "the room 'utils' is not in the table"),
        (
            "color/luma.py",
            "import torch\nflag = torch._C._is_tracing",
            "torch._C is private to PyTorch",
        ),
        ("color/luma.py", "import torch.nn as n\nn.modules.conv._ConvNd", "_ConvNd is private"),
        ("color/luma.py", "from torch import Tensor as T\nT._make_subclass", "T._make_subclass is"),
        ("color/luma.py", "from torch._C import _functorch", "torch._C._functorch is private"),
        (
            "color/luma.py",
            "import importlib\nimportlib.import_module('torch._dynamo')",
            "torch._dynamo",
        ),
        ("color/luma.py", "import torch\ngetattr(torch, '_C')", "_C is private to PyTorch"),
        (
            "color/luma.py",
            "def changes(x):\n    return x._version",
            "x._version is private to PyTorch",
        ),
        (
            "color/luma.py",
            "def own(module):\n    return getattr(module, '_buffers')",
            "_buffers is",
        ),
        (
            "color/luma.py",
            "def keep(state):\n    state._metadata = {}",
            "state._metadata is private",
        ),
        (
            "color/luma.py",
            "def f(): ...\nf._torchdynamo_disable = True",
            "f._torchdynamo_disable is",
        ),
        (
            "losses/pixel.py",
            "class Twin(L1Loss):\n    def _apply(self, fn, recurse=True): ...",
            "_apply is private to PyTorch",
        ),
        (
            "losses/texture.py",
            "from ssimloss.functional._moments import moments",
            "ssimloss.functional._moments.moments is private to functional",
        ),
        (
            "losses/texture.py",
            "def later():\n    from ssimloss.functional import _moments",
            "ssimloss.functional._moments is private to functional",
        ),
        (
            "metrics/planted.py",
            "from ssimloss.functional.ssim import _ssim",
            "ssimloss.functional.ssim._ssim is private to functional",
        ),
        ("cli/_app.py", "from ..weights import _read", "ssimloss.weights._read is private"),
        ("filters.py", "from ssimloss._reduce import _mean", "is private to _reduce"),
    ],
)
def test_planted_fault_is_found(file: str, code: str, complaint: str) -> None:
    before = sources().get(file)
    found = set(complaints(file, f"{before or ''}\n{code}\n"))
    found -= set(complaints(file, before)) if before else set()
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        (  # through a third file, spelled in three ways
            {
                "functional/one.py": "from ssimloss.functional.two import x",
                "functional/two.py": "from ssimloss.functional import three",
                "functional/three.py": "from .one import x",
            },
            {"functional/one.py", "functional/two.py", "functional/three.py"},
        ),
        (  # a file and the table of contents that imports it
            {"losses/__init__.py": "from .one import x", "losses/one.py": "from . import L1Loss"},
            {"losses/__init__.py", "losses/one.py"},
        ),
        (  # inside a function, and for type checkers only
            {
                "functional/one.py": "def later():\n    from ssimloss.functional.two import x",
                "functional/two.py": "import ssimloss.functional.three",
                "functional/three.py": "from typing import TYPE_CHECKING\n"
                "if TYPE_CHECKING:\n    from ssimloss.functional.two import x\n"
                "else:\n    from ssimloss.functional.one import x",
            },
            set(),
        ),
    ],
    ids=["three files", "table of contents", "later"],
)
def test_planted_circle_is_found(overlay: dict[str, str], expected: set[str]) -> None:
    found = circle({path: direct_imports(path, text, overlay) for path, text in overlay.items()})
    assert set(found) == expected


def test_rules_are_asked_of_the_whole_package() -> None:
    """Every file, and files that are added; circles too."""
    planted = dict.fromkeys(
        [*sources(), "functional/planted.py"], "from ssimloss.losses import L1Loss"
    )
    found = violations(planted)
    for path in planted:
        room = "cli" if path in COMMANDS else path.split("/")[0].removesuffix(".py")
        allowed = room in ON_TOP or room == "losses" or "losses" in MAY_IMPORT[room]
        complaint = f"{NAME}/{path}:1: {room} may not import losses (ssimloss.losses.L1Loss)"
        assert allowed != (complaint in found), path
    ring = {
        "filters.py": "import ssimloss.color.luma\n" + sources()["filters.py"],
        "color/luma.py": "import ssimloss.filters\n" + sources()["color/luma.py"],
    }
    assert any("import circle" in line for line in violations(ring))


def test_planted_faults_stand_where_they_are_planted() -> None:
    """Each snippet of ``tests/mutants.py`` exactly once, so that all of them can be planted."""
    assert len(mutants.located(PACKAGE)) == len(mutants.FAULTS)
