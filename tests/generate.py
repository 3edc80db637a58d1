"""Writes what follows from the registered measures, and from results: type stubs, and tables of the
documents.

``make generate`` writes; ``make check`` runs this with ``--check``, which fails where a file is not
what would be written. Type checkers and editors read the stubs in place of ``__init__.py``; they
show the signatures and the documentation that the classes and functions have at run time.
"""

from __future__ import annotations

import argparse
import ast
import collections.abc
import dataclasses
import importlib
import inspect
import json
import subprocess
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import reference_pages
import torch
import typing_extensions

import ssimloss
from ssimloss import _options, metrics, weights
from ssimloss.conventions import Table
from ssimloss.evaluation.sets import TITLES
from ssimloss.metrics.deep_features import DISTANCES
from ssimloss.metrics.measures import name_of
from ssimloss.metrics.protocols import OF_SCALE, SUMMARIES
from ssimloss.networks.sources import layout_of

ROOT = Path(__file__).parents[1]
# Some of the networks, in the table of default layers.
SHOWN_NETWORKS = (
    *("vgg19", "vgg16", "vgg11", "embedded", "alexnet", "squeezenet1_1", "resnet50"),
    *("convnext_tiny", "efficientnet_b0", "mobilenet_v3_large", "inception_v3"),
)
FULL_HD, FRAMES = [1080, 1920], 2  # of benchmarks/vmaf.py
STUBBED = ("conventions", "functional", "losses", "metrics", "networks", "video")
HEAD = "# Written by tests/generate.py from the measures; edit those.\n"


class Stub:
    """The text of one stub, with the imports that it needs."""

    def __init__(self, package: types.ModuleType) -> None:
        self.package = package
        self.imports: set[str] = set()
        self.body: list[str] = []

    def text(self) -> str:
        """The stub, not yet formatted."""
        names = list(self.package.__all__)
        again: list[str] = []
        for name in names:
            value = getattr(self.package, name)
            if isinstance(value, Table):
                self.body.append(f"{name}: {self.name(Table)}\n")
            elif inspect.isclass(value) and _is_derived(value):
                self.body.append(self.of_class(name, value))
            elif callable(value) and not inspect.isclass(value) and _is_signed(value):
                self.body.append(self.of_function(name, value))
            else:
                again.append(self.again(name, value))
        listed = "".join(f"    {name!r},\n" for name in names)
        doc = f'"""{inspect.cleandoc(self.package.__doc__ or "")}\n"""\n'
        later = [text for text in self.body if not text.startswith(("def", "class"))]  # aliases
        first = [text for text in self.body if text not in later]
        imports = [*sorted(self.imports), *sorted(again)]
        listing = f"__all__ = [\n{listed}]\n"
        return "\n".join([HEAD + doc, *imports, listing, *first, *later])

    def again(self, name: str, value: Any) -> str:
        """Import again what has types where it is defined."""
        home = getattr(value, "__module__", "")
        if not isinstance(home, str) or not home.startswith("ssimloss."):
            home = self._imported_from(name)
        return f"from {home} import {name} as {name}"

    def _imported_from(self, name: str) -> str:
        """The module that the package imports a name from."""
        for node in ast.walk(ast.parse(inspect.getsource(self.package))):
            if isinstance(node, ast.ImportFrom) and any(name == each.name for each in node.names):
                return str(node.module)
        raise LookupError(f"{self.package.__name__} imports no {name}")

    def of_function(self, name: str, function: Callable[..., Any]) -> str:
        """A function with its signature and docstring."""
        if function.__name__ != name and function.__name__ in self.package.__all__:
            return f"{name} = {function.__name__}"
        return (
            f"def {name}{self.parameters(function)}:\n{_docstring(function.__doc__) or '    ...'}\n"
        )

    def of_class(self, name: str, cls: type) -> str:
        """A class with its constructor, its methods, and its options as attributes."""
        bases = ", ".join(self.spell(base) for base in cls.__bases__)
        lines = [f"class {name}({bases}):", _docstring(cls.__doc__)]
        attributes = _attributes(cls)
        for option in getattr(cls, "_places", ()):
            record = cls.records[cls._places[option]]
            attributes[option] = _options.fields(record)[option].annotation
        lines += [f"    {member}: {self.spell(kind)}" for member, kind in attributes.items()]
        lines.append(f"    def __init__{self.parameters(cls, first='self', returns='None')}: ...")
        for member, value in vars(cls).items():
            if isinstance(value, property):
                result = typing.get_type_hints(value.fget)["return"]
                lines.append(f"    @property\n    def {member}(self) -> {self.spell(result)}:")
                documented = _docstring(value.fget.__doc__)
                lines.append(textwrap.indent(documented, "    ") or "        ...")
            elif isinstance(value, staticmethod) and not member.startswith("_"):
                lines.append(f"    @staticmethod\n    def {member}{self.parameters(value)}:")
                lines.append(textwrap.indent(_docstring(value.__doc__), "    ") or "        ...")
            elif inspect.isfunction(value) and not member.startswith("_"):
                lines.append(f"    def {member}{self.parameters(value)}:")
                lines.append(textwrap.indent(_docstring(value.__doc__), "    ") or "        ...")
                if member == "forward":
                    lines.append(f"    def __call__{self.parameters(value)}: ...")
        return "\n".join(lines) + "\n"

    def parameters(self, function: Any, first: str = "", returns: str = "") -> str:
        """``(a: A, *, b: B = 1) -> C``."""
        signature = inspect.signature(function, eval_str=not _is_signed(function))
        parts = [first] if first else []
        star = False
        for p in signature.parameters.values():
            if p.kind is p.KEYWORD_ONLY and not star:
                parts.append("*")
                star = True
            stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
            star = star or stars == "*"
            text = stars + p.name
            if p.annotation is not p.empty and p.name != "self":
                text += f": {self.spell(p.annotation)}"
            if p.default is not p.empty:
                text += f" = {_default(p.default)}"
            parts.append(text)
        result = returns or self.spell(signature.return_annotation)
        return f"({', '.join(parts)}) -> {result}"

    def spell(self, annotation: Any) -> str:
        """A type as source, whose modules are noted for import."""
        if annotation is None or annotation is types.NoneType:
            return "None"
        if annotation is Ellipsis:
            return "..."
        if isinstance(annotation, str):
            return repr(annotation)
        if isinstance(annotation, list):
            return f"[{', '.join(map(self.spell, annotation))}]"
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing_extensions.Unpack:
            self.imports.add("from typing_extensions import Unpack")
            return f"Unpack[{self.name(arguments[0])}]"
        if origin is typing.Literal:
            self.imports.add("from typing import Literal")
            return f"Literal[{', '.join(map(repr, arguments))}]"
        if origin in (typing.Union, types.UnionType):
            return " | ".join(map(self.spell, arguments))
        if origin is not None:
            inner = ", ".join(map(self.spell, arguments))
            return f"{self.name(origin)}[{inner}]"
        return self.name(annotation)

    def name(self, value: Any) -> str:
        """The qualified name of a class."""
        if value is typing.Any or value is inspect.Parameter.empty:
            self.imports.add("from typing import Any")
            return "Any"
        module = value.__module__
        if module == "builtins":
            return str(value.__qualname__)
        if getattr(torch, value.__name__, None) is value:
            module = "torch"
        if value is torch.dtype:  # an option has this name too
            self.imports.add("import torch")
            return "torch.dtype"
        if (
            value.__name__ in self.package.__all__
            and getattr(self.package, value.__name__) is value
        ):
            return str(value.__name__)
        if value is collections.abc.Callable:
            module = "collections.abc"
        self.imports.add(f"from {module} import {value.__qualname__}")
        return str(value.__qualname__)


def _is_signed(value: Any) -> bool:
    return "__signature__" in vars(value)


def _is_derived(cls: type) -> bool:
    """Whether a class has the signature that its records give it."""
    signed = _is_signed(cls) or _is_signed(vars(cls).get("__init__", cls))
    return signed and cls.__module__.startswith("ssimloss.")


def _attributes(cls: type) -> dict[str, Any]:
    """What the body of a class declares of its public attributes."""
    declared = inspect.get_annotations(cls, eval_str=True)
    return {
        name: kind
        for name, kind in declared.items()
        if not name.startswith("_") and typing.get_origin(kind) is not typing.ClassVar
    }


def _docstring(text: str | None) -> str:
    if not text:
        return ""
    lines = inspect.cleandoc(text).replace("\\", "\\\\").split("\n")
    body = "\n".join(f"    {line}" if line else "" for line in lines)
    ends = '"""' if len(lines) == 1 else '\n    """'
    return f'    """{body.lstrip()}{ends}\n'


def _default(value: Any) -> str:
    if isinstance(value, str | int | float | None | bool):
        return repr(value)
    if isinstance(value, tuple) and all(isinstance(item, str | int | float) for item in value):
        return repr(value)
    return "..."


def formatted(text: str, name: str) -> str:
    """With sorted imports, laid out by ruff."""
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", name, "-"]
        done = subprocess.run(ruff, input=text, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            raise RuntimeError(f"{name} cannot be formatted: {done.stderr}")
        text = done.stdout
    return text


def measure_table() -> str:
    """The registered measures of images as a Markdown table."""
    lines = [
        "| measure | function | module | values | perfect | mask | paper | name | agrees with |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in reference_pages.shown_measures():
        named = [name.removeprefix("functional.") for name in reference_pages.functions(each)]
        cells = (
            f"[{each.title}](reference/measures/{each.name}.md)",
            ", ".join(f"`{name}`" for name in named),
            f"`{each.module}`" if each.module else "",
            reference_pages.values(each),
            "" if each.perfect is None else reference_pages.number(each.perfect),
            "yes" if any(tensor.name == "mask" for tensor in each.tensors) else "no",
            each.source,
            f"`{name_of(each)}`" if each.is_named else "",
            each.agrees,
        )
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines)


def _results(name: str) -> Any:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))


def _rows(name: str) -> list[dict[str, Any]]:
    """The rows of a table in benchmarks/results."""
    rows: list[dict[str, Any]] = _results(name)["rows"]
    return rows


def numbers() -> str:
    """Three numbers for the top of the README, each with its source."""
    rows = {
        row["library"]: row
        for row in _results("cpu-ssim")["rows"]
        if row["definition"] == "ssim" and row["shape"] == [8, 3, 256, 256]
    }
    ours, theirs = rows["ssimloss"], rows["pytorch-msssim"]
    times = {name: row["backward"]["median_s"] for name, row in rows.items()}
    faster = times["pytorch-msssim"] / times["ssimloss"]
    files = _results("evaluation")["rows"]
    ratio = files["scikit-image, image by image"]["median_s"] / files["ssimloss"]["median_s"]
    frames = {
        row["library"]: row
        for row in _rows("vmaf")
        if row["measure"] == "VMAF"
        and row["what"] == "forward + backward"
        and row["size"] == FULL_HD
    }
    video = {name: row["median_s"] / FRAMES for name, row in frames.items()}
    return "\n".join(
        textwrap.fill(line, 100, subsequent_indent="  ", break_on_hyphens=False)
        for line in [
            f"- **{faster:.0f} times** as fast as pytorch-msssim: SSIM with its gradient, "
            f"{1000 * times['ssimloss']:.1f} ms instead of "
            f"{1000 * times['pytorch-msssim']:.0f} ms for 8 RGB images of 256 x 256, with "
            f"{ours['peak_bytes'] / 2**20:.0f} MiB instead of {theirs['peak_bytes'] / 2**20:.0f} "
            "MiB, on two threads of a CPU "
            "([benchmark](benchmarks/results/cpu-ssim.md)).",
            f"- **{ratio:.1f} times** as fast as scikit-image's functions: PSNR and SSIM of 200 "
            "pairs of PNG files, decoding included, with the same values to 1e-14 "
            "([benchmark](benchmarks/results/evaluation.md)).",
            f"- **{video['vmaf-torch'] / video['ssimloss']:.0f} times** as fast as vmaf-torch: "
            f"VMAF with its gradient, {1000 * video['ssimloss']:.0f} ms instead of "
            f"{1000 * video['vmaf-torch']:.0f} ms for a frame of 1920 x 1080, on one thread; "
            "scores are within 0.03 of libvmaf's float model "
            "([benchmark](benchmarks/results/vmaf.md)).",
        ]
    )


def features() -> str:
    """What each library does, asked by ``tests/peers.py``."""
    found = _results("features")
    libraries = list(found["versions"])
    said = {True: "yes", False: "no"}
    lines = [
        f"| | {' | '.join(libraries)} | fused-ssim † |",
        f"|---|{'---|' * (len(libraries) + 1)}",
    ]
    for question, answers in found["answers"].items():
        # By its documentation; the rest was not run, since it needs a GPU.
        documented = "no" if question == "MS-SSIM" else "not run"
        cells = [said[answers[library]] for library in libraries]
        lines.append(f"| {question} | {' | '.join((*cells, documented))} |")
    return "\n".join(lines)


def whole_demo_table() -> str:
    """What ``make demo`` measures."""
    measures = {"psnr_y": ("PSNR-Y", ".2f"), "ssim": ("SSIM", ".4f"), "ms_ssim": ("MS-SSIM", ".4f")}
    kinds = {"bicubic": "", "ours": "", "gain": "+"}
    columns = [
        (f"{title} {kind}", f"{key}_{kind}", sign + digits)
        for key, (title, digits) in measures.items()
        for kind, sign in kinds.items()
    ]
    lines = [
        f"| photograph | {' | '.join(title for title, _, _ in columns)} |",
        f"| --- |{' ---: |' * len(columns)}",
    ]
    for row in _rows("demo"):
        cells = [format(row[key], digits) for _, key, digits in columns]
        lines.append(f"| {row['photograph']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def texture_sentence() -> str:
    """What the texture term costs in PSNR."""
    with_term, without = (_rows(name)[-1]["psnr_y_ours"] for name in ("demo_texture", "demo"))
    return (
        f"Measured with the defaults: a mean of {with_term:.2f} dB with the term, {without:.2f} dB "
        "without."
    )


def balance_table() -> str:
    """Ways to choose the weights, trained on super-resolution with three seeds."""
    lines = [
        "| weights | PSNR, dB | SSIM | LPIPS | shares of the gradient at the end, % |",
        "|---|---|---|---|---|",
    ]
    for row in _rows("balance"):
        if row["part"] == "super_resolution":
            cells = (
                row["variant"].replace("x 1e-04", "× 1e-4").replace("x 1e+04", "× 1e4"),
                f"{row['psnr']:.2f}",
                f"{row['ssim']:.4f}",
                f"{row['lpips']:.4f}",
                row["shares"].replace(" %", "").replace("charbonnier", "pixel"),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def added_losses_table() -> str:
    """What a loss that is added to Charbonnier changes; the marks are those of the study."""
    marks = {"better": " ▲", "slightly better": " △", "worse": " ▼", "slightly worse": " ▽"}
    digits = {"psnr": 3, "ssim": 4, "lpips": 4, "structure": 4, "ciede2000": 3, "flip": 4}
    lines = [
        "| added loss | seeds | PSNR, dB | SSIM | LPIPS | DISTS | CIEDE2000 | FLIP | step | "
        "weight |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in _rows("added_losses"):
        cells = [row["added"], str(row["seeds"])]
        for metric, count in digits.items():
            told = row.get(f"{metric}_verdict")
            number = f"{row[metric]:{'' if told is None else '+'}.{count}f}"
            cells.append(f"({number})" if told == "unclear" else number + marks.get(told, ""))
        weight = row["weight"]
        cells += [f"{row['step']:.1f}", "" if weight is None else f"{weight:.2g}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def layers_table() -> str:
    """The default layers of the losses over deep features, by network, as a Markdown table."""
    losses = (
        ssimloss.PerceptualLoss,
        ssimloss.TextureLoss,
        ssimloss.ContextualLoss,
        ssimloss.DeepPerceptualSimilarity,
    )
    names = " | ".join(f"`{loss.__name__}`" for loss in losses)
    lines = [f"| network | {names} |", "|---|---|---|---|---|"]
    for network in SHOWN_NETWORKS:
        layout = network if network == "embedded" else layout_of(network)
        cells = [" ".join(loss.usual.of(layout)) for loss in losses]
        lines.append(f"| `{network}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def with_part(text: str, name: str, part: str) -> str:
    """A document with what stands between two comments of this name."""
    begin, end = f"<!-- {name}: written by tests/generate.py -->", f"<!-- end of {name} -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{part}\n{end}{rest.split(end)[1]}"


def contents() -> dict[Path, str]:
    """Every generated file and what belongs in it."""
    found: dict[Path, str] = {}
    for path, name, table in (
        ("docs/losses.md", "measures", measure_table),
        ("README.md", "numbers", numbers),
        ("README.md", "features", features),
        ("docs/examples.md", "demo", whole_demo_table),
        ("docs/examples.md", "texture", texture_sentence),
        ("docs/perceptual.md", "default layers", layers_table),
        ("docs/choosing_weights.md", "balance", balance_table),
        ("docs/does_it_help.md", "added losses", added_losses_table),
    ):
        text = found.get(Path(path)) or (ROOT / path).read_text(encoding="utf-8")
        found[Path(path)] = with_part(text, name, table())
    found.update(reference_pages.pages())
    found[Path("ssimloss/weights/torchvision.json")] = published_weights()
    found[Path("ssimloss/cli/names.json")] = command_line_names()
    for name in STUBBED:
        package = importlib.import_module(f"ssimloss.{name}")
        path = Path(package.__file__).with_suffix(".pyi").relative_to(ROOT)
        found[path] = formatted(Stub(package).text(), str(path))
    return found


def published_weights() -> str:
    """What the installed torchvision publishes, a row on each line."""
    names = [(network, word) for network in weights.networks() for word in weights.words(network)]
    rows = dict.fromkeys(weights.published(*name) for name in names)  # a word may have an alias
    return listed(json.dumps(dataclasses.asdict(row)) for row in rows)


def command_line_names() -> str:
    """What ``ssimloss evaluate --help`` lists."""
    found = {
        "metrics": {name: title_of(name) for name in metrics.MEASURES},
        "sets": TITLES,
        "protocols": SUMMARIES,
        "protocols of a scale": OF_SCALE,
    }
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def title_of(name: str) -> str:
    """The title of a measure; of a deep one without its weights, which may not be here."""
    deep: dict[str, Any] = {"weights": "random"} if name in DISTANCES else {}
    return metrics.measure(name, **deep).title


def listed(lines: Iterable[str]) -> str:
    """A JSON list of these lines."""
    return "[\n" + ",\n".join(lines) + "\n]\n"


def stale(files: Iterable[tuple[Path, str]]) -> list[Path]:
    """Those that differ from what belongs in them."""
    return [
        path
        for path, text in files
        if not (ROOT / path).exists() or (ROOT / path).read_text(encoding="utf-8") != text
    ]


def main() -> None:
    """Write, or with ``--check`` compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 on differences")
    check = parser.parse_args().check
    files = contents()
    differing = stale(files.items())
    if check and differing:
        sys.exit(f"not up to date: {', '.join(map(str, differing))}; run make generate")
    for path in differing:
        (ROOT / path).write_text(files[path], encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
