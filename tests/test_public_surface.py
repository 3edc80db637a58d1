"""The public names and their signatures, against ``public_surface.txt``: nothing is added, renamed
or given another default by accident.
"""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from torch import nn

import ssimloss

SNAPSHOT = Path(__file__).with_name("public_surface.txt")
REGENERATE = ".venv/bin/python tests/test_public_surface.py"
MODULES = (
    ssimloss,
    *(
        value
        for name in ssimloss.__all__
        if isinstance(value := getattr(ssimloss, name), types.ModuleType)
    ),
)


def spell(annotation: object) -> str:
    """A type in one spelling, whatever the version of Python prints; closed sets of words are
    written out.
    """
    if annotation is None or annotation is type(None):
        return "None"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(map(repr, arguments))
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(spell, arguments))
    if isinstance(annotation, list):
        return f"[{', '.join(map(spell, annotation))}]"
    if annotation is Ellipsis:
        return "..."
    if origin is np.ndarray:  # the shape of an NDArray is spelled otherwise by older numpy
        return f"NDArray[{spell(*typing.get_args(arguments[1]))}]"
    name = getattr(origin or annotation, "__name__", None) or str(annotation)
    return f"{name}[{', '.join(map(spell, arguments))}]" if arguments else name


def signature(function: typing.Callable[..., object], name: str) -> str:
    """``name(parameters) -> result``, one option per line once it is long."""
    found = inspect.signature(function, eval_str=True)
    parameters, stars = [], False
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(
            parameter.kind, ""
        )
        if parameter.kind is parameter.KEYWORD_ONLY and not stars:
            parameters.append("*")
        stars = stars or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        text = prefix + parameter.name
        if parameter.annotation is not parameter.empty:
            text += f": {spell(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            text += (
                f" = {getattr(parameter.default, '__qualname__', None) or repr(parameter.default)}"
            )
        parameters.append(text)
    has_result = found.return_annotation is not found.empty and not inspect.isclass(function)
    result = f" -> {spell(found.return_annotation)}" if has_result else ""
    line = f"{name}({', '.join(parameters)}){result}"
    if len(line) <= 120:
        return line
    indent = " " * (len(name) - len(name.lstrip()))
    return "\n".join(
        [
            f"{name}(",
            *(f"{indent}    {parameter}," for parameter in parameters),
            f"{indent}){result}",
        ]
    )


def members(cls: type) -> Iterator[str]:
    """The public methods and properties that a class of ours defines itself, or inherits from one
    of ours.
    """
    ours = [base for base in cls.__mro__ if base.__module__.startswith("ssimloss")]
    for name in sorted({name for base in ours for name in vars(base) if not name.startswith("_")}):
        member = inspect.getattr_static(cls, name)
        if hasattr(nn.Module, name) and name != "forward":
            continue
        if isinstance(member, property):
            yield f"    .{name} -> {spell(typing.get_type_hints(member.fget)['return'])}"
        elif isinstance(member, classmethod | staticmethod) or inspect.isfunction(member):
            yield signature(getattr(cls, name), f"    .{name}")


def names(module: types.ModuleType) -> list[str]:
    """What a module exports: its ``__all__``, or without one, the functions and
    classes it defines.
    """
    own = (
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and name[0] != "_"
    )
    return sorted(getattr(module, "__all__", own))


def surface() -> str:
    """Every public name, one paragraph each."""
    paragraphs = []
    for module in MODULES:
        for name in names(module):
            value, full = getattr(module, name), f"{module.__name__}.{name}"
            if inspect.isclass(value) and issubclass(value, BaseException):
                paragraphs.append(f"class {full}: a {value.__base__.__name__}")
            elif inspect.isclass(value):
                paragraphs.append("\n".join([f"class {signature(value, full)}", *members(value)]))
            elif callable(value):
                same = f" is {value.__name__}" if value.__name__ != name else ""
                paragraphs.append(full + same if same else signature(value, full))
            elif isinstance(value, Mapping):
                paragraphs.append(f"{full}: {', '.join(map(str, value))}")
            else:
                paragraphs.append(f"{full}: {type(value).__name__}")
    return "\n\n".join(paragraphs) + "\n"


def test_surface_is_the_snapshot() -> None:
    recorded = SNAPSHOT.read_text(encoding="utf-8") if SNAPSHOT.exists() else ""
    difference = list(
        difflib.unified_diff(
            recorded.splitlines(), surface().splitlines(), "recorded", "now", lineterm="", n=1
        )
    )
    if difference:
        pytest.fail(
            "\n".join(
                [
                    *difference,
                    f"the public surface changed; if that is meant: {REGENERATE}, and name the "
                    "change in CHANGELOG.md",
                ]
            ),
            pytrace=False,
        )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_all_names_are_there_and_listed_once(module: types.ModuleType) -> None:
    assert len(set(names(module))) == len(names(module)) > 0
    assert [name for name in names(module) if not hasattr(module, name)] == []


def test_options_are_keywords() -> None:
    """Two images go by position, options never: a new option may then stand anywhere
    in the list.
    """
    for name in ssimloss.functional.__all__:
        function = getattr(ssimloss.functional, name)
        options = [
            p for p in inspect.signature(function).parameters.values() if p.default is not p.empty
        ]
        assert all(p.kind is p.KEYWORD_ONLY for p in options), name
        assert not any(
            p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            for p in inspect.signature(function).parameters.values()
        ), name


if __name__ == "__main__":
    SNAPSHOT.write_text(surface(), encoding="utf-8")
    print(f"wrote {SNAPSHOT.name}, {len(surface().splitlines())} lines")
