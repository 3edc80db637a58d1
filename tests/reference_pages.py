"""The pages under ``docs/reference``: one for each measure of images, one for each package.

``tests/generate.py`` writes them. Sphinx fills in the docstrings when the site is built. Pictures
come from ``make pictures``, costs from ``benchmarks/results/cost.json``.
"""

from __future__ import annotations

import importlib
import inspect
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

import ssimloss
from ssimloss import conventions, measure
from ssimloss.metrics.measures import name_of

ROOT = Path(__file__).parents[1]
REFERENCE = Path("docs/reference")
PICTURES = ROOT / "docs" / "pictures" / "measures"
HEAD = "<!-- Written by tests/generate.py; edit the docstrings. -->\n"

# Other public packages: page, title, what it contains, package, which names.
ROOMS: tuple[tuple[str, str, str, str, Callable[[str], bool]], ...] = (
    (
        "combined",
        "CombinedLoss",
        "The weighted sum of losses, its schedules, balance, alarms and history. "
        "Guide: [CombinedLoss](../combined.md).",
        "ssimloss",
        lambda name: name in ssimloss.combined.__all__,
    ),
    (
        "deep_features",
        "Losses on deep features",
        "Losses with a frozen network. Guide: [deep features](../perceptual.md).",
        "ssimloss",
        lambda name: (
            _home(ssimloss, name).startswith("ssimloss.losses.")
            and name not in _derived_modules()
            and name != "AdversarialLoss"
        ),
    ),
    (
        "adversarial",
        "Adversarial losses and penalties",
        "Guide: [adversarial losses](../adversarial.md).",
        "ssimloss.functional",
        lambda name: any(word in name for word in ("adversarial", "penalty", "feature_matching")),
    ),
    (
        "functions",
        "Other functions",
        "Functions of feature maps, which the modules on deep features call, and MATLAB's resize.",
        "ssimloss.functional",
        lambda name: (
            name not in _measure_functions()
            and not any(word in name for word in ("adversarial", "penalty", "feature_matching"))
        ),
    ),
    (
        "metrics",
        "Metrics and validation",
        "Protocols, `Validator`, checkpoints, torchmetrics classes, FID and KID. "
        "Guide: [metrics and validation](../metrics.md).",
        "ssimloss.metrics",
        lambda _: True,
    ),
    (
        "conventions",
        "Conventions",
        "Named definitions of other libraries. Guide: [which SSIM, which PSNR](../conventions.md).",
        "ssimloss.conventions",
        lambda name: not isinstance(getattr(conventions, name), conventions.Table),
    ),
    (
        "networks",
        "Networks",
        "Frozen feature extractors. Guide: [networks](../networks.md).",
        "ssimloss.networks",
        lambda name: name[0].isupper() and not name.isupper() and "_" not in name,
    ),
    (
        "video",
        "Video",
        "VMAF and its features. Guide: [VMAF](../vmaf.md).",
        "ssimloss.video",
        lambda name: name not in _measure_functions(),
    ),
    (
        "evaluation",
        "Evaluation of files",
        "The functions behind `ssimloss evaluate` and `ssimloss compare`. "
        "Guide: [evaluation](../evaluation.md).",
        "ssimloss.evaluation",
        lambda _: True,
    ),
    (
        "doctor",
        "Doctor",
        "Examines a loss or a machine. Guide: [doctor](../doctor.md).",
        "ssimloss.doctor",
        lambda _: True,
    ),
    (
        "weights",
        "Weights",
        "Names, files and licences of pretrained weights. Guide: [weights](../weights.md).",
        "ssimloss.weights",
        lambda name: (
            name
            in (
                "Weights",
                "WeightsFile",
                "published",
                "find",
                "fetch",
                "import_file",
                "without_downloads",
            )
        ),
    ),
    (
        "measure",
        "Measure",
        "The record of a measure, and the registry. Guide: [measures](../measures.md).",
        "ssimloss.measure",
        lambda name: (
            name in ("Measure", "Scores", "Reduced", "Ranged", "find", "registered")
            or name == "unregister"
        ),
    ),
)


def shown_measures() -> list[measure.Measure]:
    """The registered measures of images, in the order of the tables."""
    roles = ["score", "index", "distance", "loss"]
    found = [
        each
        for each in measure.registered()
        if each.images[0].name == "pred" and each.images[0].annotation is torch.Tensor
    ]
    return sorted(found, key=lambda one: roles.index(one.role or "score"))


def functions(each: measure.Measure) -> list[str]:
    """The functions of a measure by their public places below ``ssimloss``."""
    names = [each.score.__name__, each.loss.__name__]
    if each.role == "distance":
        names.insert(0, each.name)
    home = each.loss.__module__.removeprefix("ssimloss.")
    return [f"{home}.{name}" for name in dict.fromkeys(names)]


def values(each: measure.Measure) -> str:
    """The range, with an arrow to the better end: ``[−1, 1] ↑``."""
    low, high = each.range
    first = "(" if math.isinf(low) else "["
    last = ")" if math.isinf(high) else "]"
    arrow = "↑" if each.better == "higher" else "↓"
    unit = f" {each.unit}" if each.unit else ""
    return f"{first}{number(low)}, {number(high)}{last}{unit} {arrow}"


def number(value: float) -> str:
    """A number with the minus sign and the infinity sign of a table."""
    return f"{value:g}".replace("inf", "∞").replace("-", "−")


def costs() -> dict[str, dict[str, float]]:
    """The results of ``python -m benchmarks.cost``, by measure."""
    path = ROOT / "benchmarks" / "results" / "cost.json"
    if not path.exists():
        return {}
    rows: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))["measures"]
    return rows


def page(each: measure.Measure) -> str:
    """The page of a measure."""
    facts = {
        "values": values(each)
        + ("" if each.perfect is None else f", perfect: {number(each.perfect)}"),
        "functions": ", ".join(f"`ssimloss.{name}`" for name in functions(each)),
        "module": f"`ssimloss.{each.module}`" if each.module else "",
        "name in metrics and commands": f"`{name_of(each)}`" if each.is_named else "",
        "torchmetrics class": f"`ssimloss.metrics.{each.metric}`" if each.metric else "",
        "paper": each.source,
        "agrees with": each.agrees,
        "mask": "yes" if any(tensor.name == "mask" for tensor in each.tensors) else "no",
    }
    tables = [table for table in conventions.TABLES.values() if table.measure is each]
    if tables:
        facts["conventions"] = "; ".join(
            f"[`conventions.{table.key}`](../../conventions.md): "
            + ", ".join(f"`{name}`" for name in table)
            for table in tables
        )
    if cost := costs().get(each.name):
        facts["cost"] = (
            f"{cost['ratio']:.1f} times PyTorch's `l1_loss`, forward and backward "
            "([measured](../../../benchmarks/results/cost.md))"
        )
    rows = "".join(f"| {key} | {value} |\n" for key, value in facts.items() if value)
    picture = ""
    if (PICTURES / f"{each.name}.webp").exists():
        picture = (
            f"![A photograph, a degraded copy, and a step of descent on {each.title}]"
            f"(../../pictures/measures/{each.name}.webp)\n\n"
            "Bottom left: the map of the measure, or, if it has none, the change from the copy to "
            "the photograph. Bottom right: a step of gradient descent at the copy, summed over the "
            "channels. It brightens orange pixels and darkens blue ones.\n\n"
        )
    documented = [f".. autofunction:: ssimloss.{name}" for name in functions(each)]
    if each.module:
        documented.append(f".. autoclass:: ssimloss.{each.module}\n   :members: forward")
    body = "\n\n".join(_once(each, documented))
    return (
        f"# {each.title[0].upper()}{each.title[1:]}\n\n{HEAD}\n| | |\n|---|---|\n{rows}\n{picture}"
        f"```{{eval-rst}}\n{body}\n```\n"
    )


def _once(each: measure.Measure, documented: list[str]) -> list[str]:
    """A distance and its loss are one function: the second name is not documented again."""
    if each.role == "distance":
        return documented[1:]
    return documented


def index() -> str:
    """The list of the measures."""
    rows = "".join(
        f"| [{each.title}]({each.name}.md) | "
        f"{', '.join(f'`{name}`' for name in functions(each))} | {values(each)} |\n"
        for each in shown_measures()
    )
    tree = "\n".join(each.name for each in shown_measures())
    return (
        f"# Measures of images\n\n{HEAD}\nEach page shows the definition, the range, the cost, "
        "and a step of gradient descent on a photograph.\n\n"
        f"| measure | functions in `ssimloss` | values |\n|---|---|---|\n{rows}\n"
        f"```{{toctree}}\n:hidden:\n\n{tree}\n```\n"
    )


def room(title: str, holds: str, package: str, wanted: Callable[[str], bool]) -> str:
    """The page of a package: a table of its names, and their documentation."""
    module = importlib.import_module(package)
    names = [name for name in _public(module) if not name.startswith("_") and wanted(name)]
    if title.startswith("Adversarial"):
        names = [*names, "AdversarialLoss", "FeatureMatchingLoss"]
    parts = []
    for name in names:
        home = package if hasattr(module, name) else "ssimloss"
        value = getattr(importlib.import_module(home), name)
        if inspect.ismodule(value):
            continue
        if inspect.isclass(value):
            members = "" if issubclass(value, tuple | Warning) else "\n   :members:"
            parts.append(f".. autoclass:: {home}.{name}{members}")
        elif inspect.isroutine(value):
            parts.append(f".. autofunction:: {home}.{name}")
    body = "\n\n".join(parts)
    return f"# {title}\n\n{HEAD}\n{holds}\n\n```{{eval-rst}}\n{body}\n```\n"


def pages() -> Iterator[tuple[Path, str]]:
    """Each page and its text."""
    yield REFERENCE / "measures" / "index.md", index()
    for each in shown_measures():
        yield REFERENCE / "measures" / f"{each.name}.md", page(each)
    for name, *rest in ROOMS:
        yield REFERENCE / f"{name}.md", room(*rest)


def _public(module: object) -> list[str]:
    names = getattr(module, "__all__", None)
    return list(names) if names is not None else [n for n in vars(module) if n[0] != "_"]


def _home(module: object, name: str) -> str:
    return str(getattr(getattr(module, name), "__module__", ""))


def _derived_modules() -> set[str]:
    return {str(each.module) for each in measure.registered() if each.module}


def _measure_functions() -> set[str]:
    return {name.rsplit(".", 1)[1] for each in shown_measures() for name in functions(each)}
