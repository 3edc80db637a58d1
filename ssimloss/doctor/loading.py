"""A loss by name: ``module:callable``, or an entry of the registry of a training framework."""

import contextlib
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ssimloss._words import near

# Frameworks whose losses register themselves when PACKAGE.losses is imported, in
# PACKAGE.utils.registry.LOSS_REGISTRY: name -> how to install it.
FRAMEWORKS = {
    "basicsr": "pip install basicsr",
    "neosr": "install it from its repository",
    "traiNNer": "install traiNNer-redux from its repository",
}


def load(spec: str, options: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """Import the loss with this name and build it with options.

    Args:
        spec: ``"module:callable"``, such as ``"ssimloss:SSIMLoss"`` or
            ``"ssimloss:AdversarialLoss.generator_loss"``; or an entry of a registry,
            ``"basicsr:L1Loss"``, ``"neosr:..."``, ``"traiNNer:..."``.
        options: keyword arguments for the constructor of a class, or for calls of a function.

    Raises:
        ValueError: nothing has this name, or it is not callable.
        TypeError: the class does not take these options.
        RuntimeError: the framework is not installed, or importing it failed.
    """
    module, colon, path = spec.partition(":")
    if not colon or not module or not path:
        raise ValueError(
            f"loss must be 'module:callable', such as 'ssimloss:SSIMLoss', got {spec!r}"
        )
    with contextlib.redirect_stdout(sys.stderr):  # frameworks print while they load
        names = {name.lower(): name for name in FRAMEWORKS}
        found = (
            _registered(names[module.lower()], path)
            if module.lower() in names
            else _imported(spec, module, path)
        )
        return _built(spec, found, dict(options or {}))


def _imported(spec: str, module: str, path: str) -> list[Any]:
    """The objects on the path from the module to the attribute, without the module."""
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        way_out = "the module must be installed or on PYTHONPATH"
        if module.endswith(".py"):
            name = module.removesuffix(".py").removeprefix("./").replace("/", ".")
            way_out = f"modules are named without .py: {name}:{path}, in a folder on PYTHONPATH"
        raise ValueError(f"loss {spec!r} cannot be imported: {error}; {way_out}") from error
    way = []
    for part in path.split("."):
        if not hasattr(found, part):
            close = near(part, [n for n in dir(found) if n[0] != "_"], 3)
            hint = f"; close to it: {', '.join(close)}" if close else ""
            raise ValueError(f"loss {spec!r} cannot be imported: no {part!r} in it{hint}")
        found = getattr(found, part)
        way.append(found)
    return way


def _registered(package: str, name: str) -> list[Any]:
    """An entry of the registry of a framework."""
    try:
        importlib.import_module(f"{package}.losses")
        registry = importlib.import_module(f"{package}.utils.registry").LOSS_REGISTRY
    except ModuleNotFoundError as error:
        if error.name == package:
            raise RuntimeError(
                f"{package} is not installed, so its losses cannot be examined; "
                f"{FRAMEWORKS[package]}"
            ) from error
        raise RuntimeError(
            f"{package} cannot be imported: {error}; examine its class directly, "
            f"'{package}.losses.MODULE:{name}', or install what it needs"
        ) from error
    except (ImportError, AttributeError) as error:
        raise RuntimeError(f"{package} cannot be imported: {error}") from error
    try:
        return [registry.get(name)]
    except KeyError as error:
        known = [str(key) for key in registry.keys()]  # noqa: SIM118 - a registry is no dict
        close = near(name, known, 3) or sorted(known)
        raise ValueError(
            f"loss {name!r} is not in the registry of {package}: {', '.join(close)}"
        ) from error


def _built(spec: str, way: list[Any], options: dict[str, Any]) -> Callable[..., Any]:
    """Build a class with the options. For ``Class.method``, return the method of the object."""
    *owners, last = way
    if owners and inspect.isclass(owners[-1]) and not inspect.isclass(last):
        method: Callable[..., Any] = getattr(_called(spec, owners[-1], options), last.__name__)
        return method
    if inspect.isclass(last):
        built: Callable[..., Any] = _called(spec, last, options)
        return built
    if not callable(last):
        raise ValueError(f"loss {spec!r} must be callable, got {type(last).__name__}")
    return functools.partial(last, **options) if options else last


def _called(spec: str, cls: Any, options: dict[str, Any]) -> Any:
    needed = [
        p.name
        for p in inspect.signature(cls).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    missing = [name for name in needed if name not in options]
    if missing:
        raise TypeError(
            f"loss {spec!r} needs options {', '.join(missing)}: "
            f"--options '{{\"{missing[0]}\": ...}}'"
        )
    return cls(**options)
