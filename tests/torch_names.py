"""Names of PyTorch and torchvision that the package uses, and those that the oldest supported
versions have. Run as a script with these installed, it writes the latter to ``goldens``.
"""

from __future__ import annotations

import ast
import importlib
import textwrap
import types
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
RECORD = Path(__file__).parent / "goldens" / "torch-2.6-names.txt"
LIBRARIES = ("torch", "torchvision")
OPERATORS = ("torch.ops.",)  # namespaces that are filled when somebody asks; of ours, at import
OWN = "torch.ops.ssimloss"
# Classes that share names with tensors: these are taken for theirs.
OTHERS = (object, str, bytes, int, list, tuple, dict, set)


def used(sources: Iterable[str]) -> set[str]:
    """Dotted names such as ``torch.nn.functional.pad``, and ``torch.Tensor.amax`` for any attribute
    ``amax``, whatever it is an attribute of.
    """
    return {name for source in sources for name in _used(ast.parse(source))}


def _used(tree: ast.Module) -> Iterator[str]:
    aliases: dict[str, str] = {}  # what the names of this module stand for
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in LIBRARIES:
                    yield alias.name
                    top = alias.name.split(".")[0]
                    aliases[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES:
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield f"{node.module}.{alias.name}"
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if hasattr(torch.Tensor, node.attr) and not any(hasattr(o, node.attr) for o in OTHERS):
                yield f"torch.Tensor.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in aliases:
            name, outer = aliases[node.id], parents.get(node)
            while isinstance(outer, ast.Attribute):
                name, outer = f"{name}.{outer.attr}", parents.get(outer)
            yield name


def resolved(name: str) -> object:
    """What the name stands for in the installed versions.

    Raises:
        AttributeError, ImportError: there is no such thing.
    """
    parts = name.split(".")
    found: object = importlib.import_module(parts[0])
    for count, part in enumerate(parts[1:], 2):
        if not hasattr(found, part) and isinstance(found, types.ModuleType):
            importlib.import_module(".".join(parts[:count]))
        found = getattr(found, part)
    return found


def of_package() -> set[str]:
    """The names that the package uses."""
    paths = sorted((ROOT / "ssimloss").rglob("*.py"))
    names = used(path.read_text(encoding="utf-8") for path in paths)
    return {name for name in names if name != OWN and not name.startswith(f"{OWN}.")}


def installed(names: Iterable[str]) -> dict[str, list[str]]:
    """Of each namespace that holds one of the names, what the installed versions have there; of
    private names and of operators, those that are asked for.
    """
    found: dict[str, set[str]] = {}
    for namespace, _, name in sorted(one.rpartition(".") for one in names if "." in one):
        resolved(f"{namespace}.{name}")
        public = [each for each in dir(resolved(namespace)) if not each.startswith("_")]
        found.setdefault(namespace, set()).add(name)
        if not namespace.startswith(OPERATORS):
            found[namespace].update(public)
    return {namespace: sorted(members) for namespace, members in found.items()}


def recorded() -> set[str]:
    """The names that the oldest supported versions have."""
    names = set(LIBRARIES)
    for line in RECORD.read_text(encoding="utf-8").splitlines():
        if line.endswith(":"):
            namespace = line[:-1]
        else:
            names |= {f"{namespace}.{name}" for name in line.split()}
    return names


if __name__ == "__main__":
    lines = []
    for namespace, members in installed(of_package()).items():
        lines += [f"{namespace}:", *textwrap.wrap(" ".join(members), 98, break_on_hyphens=False)]
    RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")
