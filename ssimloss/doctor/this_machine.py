"""The state of this machine: versions, devices, backends, extras and weights."""

import importlib.metadata
import json
import platform
import re
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ssimloss import functional, weights
from ssimloss._version import __version__
from ssimloss.doctor import picture
from ssimloss.doctor.records import counted
from ssimloss.kernels.backends import MACHINE, why_not

State = Literal["ok", "absent", "broken"]
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*(?:>=\s*(?P<least>[\d.]+))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[\w-]+)['\"]")
_DISTRIBUTION = "ssimloss"
_FOR_DEVELOPERS = {"examples", "peers", "test", "bench", "dev"}
_FLOOR = 1e-6  # relative error that rounding explains in float32


@dataclass(frozen=True)
class Line:
    """One fact. ``state`` is ``"ok"``, ``"absent"`` (optional; the text tells how to install it) or
    ``"broken"``.
    """

    topic: str
    name: str
    state: State
    message: str


@dataclass(frozen=True)
class Machine:
    """The facts about this machine.

    Attributes:
        lines: facts in order, by topic.
    """

    lines: tuple[Line, ...] = field(default_factory=tuple)

    @property
    def broken(self) -> tuple[Line, ...]:
        """Facts about parts that are installed but do not work."""
        return tuple(line for line in self.lines if line.state == "broken")

    @property
    def exit_code(self) -> int:
        """1 if something is broken, else 0. Absent parts are not broken."""
        return 1 if self.broken else 0

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the facts as JSON."""
        content: dict[str, Any] = {"exit_code": self.exit_code, "facts": []}
        content["facts"] = [vars(line) for line in self.lines]
        return json.dumps(content, indent=indent)

    def __str__(self) -> str:
        """One line per fact."""
        width = max(len(line.name) for line in self.lines)
        shown = []
        for line in self.lines:
            mark = {"ok": "", "absent": "(absent) ", "broken": "BROKEN "}[line.state]
            shown.append(f"{line.topic:<9} {line.name:<{width}}  {mark}{line.message}")
        return "\n".join(shown)


def machine() -> Machine:
    """Check versions, devices, backends (each computes a small problem), extras and weights."""
    return Machine((*_versions(), *_devices(), *_backends(), *_packages(), *_weights()))


def _versions() -> list[Line]:
    found = {
        "ssimloss": __version__,
        "python": f"{platform.python_version()} on {platform.platform()}",
        "torch": f"{torch.__version__}, {counted(torch.get_num_threads(), 'thread')}",
        "cuda": torch.version.cuda or "none in this build of torch",
    }
    return [Line("version", name, "ok", text) for name, text in found.items()]


def _devices() -> list[Line]:
    lines = [Line("device", "cpu", "ok", platform.processor() or platform.machine())]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            found = torch.cuda.get_device_properties(index)
            memory = found.total_memory / 2**30
            lines.append(Line("device", f"cuda:{index}", "ok", f"{found.name}, {memory:.0f} GiB"))
    if torch.backends.mps.is_available():
        lines.append(Line("device", "mps", "ok", "Apple GPU"))
    return lines


def _backends() -> list[Line]:
    lines = [Line("backend", "eager", "ok", "runs on any device")]
    for name in MACHINE:
        reason = why_not(name)
        if reason is not None:
            lines.append(Line("backend", name, "absent", f"does not run: {reason}"))
        else:
            lines.append(_tried(name))
    return lines


def _tried(name: str) -> Line:
    try:
        own, eager = _errors(name)
    except RuntimeError as error:
        return Line("backend", name, "broken", f"raises {error}")
    if own > 4 * eager + _FLOOR:
        return Line(
            "backend", name, "broken", f"SSIM is off by {own:.1e}, in eager form by {eager:.1e}"
        )
    return Line("backend", name, "ok", f"runs; SSIM is right to {own:.0e}")


def _errors(backend: str) -> tuple[float, float]:
    """Relative errors of SSIM's gradient on a small problem against float64: of the backend and of
    eager form.
    """
    device = "cuda" if backend == "triton" and torch.cuda.is_available() else "cpu"
    target = picture.crops(picture.drawn(), 1, 48, 60).float()
    pred = picture.noisy(target)

    def gradient(dtype: torch.dtype, backend: str, device: str) -> Tensor:
        x, y = (image.to(device, dtype) for image in (pred, target))
        x.requires_grad_()
        value = functional.ssim_loss(x, y, backend=backend)  # type: ignore[arg-type]
        return torch.autograd.grad(value, x)[0].double().cpu()

    exact = gradient(torch.float64, "eager", "cpu")
    own, eager = (
        float((gradient(torch.float32, each, device) - exact).norm() / exact.norm())
        for each in (backend, "eager")
    )
    return own, eager


def _packages() -> list[Line]:
    """Packages that ssimloss requires, and those of its extras, as its metadata lists them."""
    try:
        required = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return [
            Line(
                "extra",
                "metadata",
                "absent",
                "ssimloss is on the path but not installed: pip "
                "install ssimloss, so that its requirements are known",
            )
        ]
    lines = []
    for text in required:
        extra = _EXTRA.search(text)
        needed = _REQUIREMENT.match(text)
        if needed is None or needed["name"] == _DISTRIBUTION or "[" in text.split(";")[0]:
            continue
        if extra and extra["extra"] in _FOR_DEVELOPERS:
            continue
        topic = "extra" if extra else "package"
        title = f"{extra['extra']}: {needed['name']}" if extra else needed["name"]
        try:
            version = importlib.metadata.version(needed["name"])
        except importlib.metadata.PackageNotFoundError:
            way_out = f"pip install 'ssimloss[{extra['extra']}]'" if extra else "pip install it"
            state: State = "absent" if extra else "broken"
            lines.append(Line(topic, title, state, f"not installed; {way_out}"))
            continue
        if _number(version) < _number(needed["least"] or "0"):
            lines.append(Line(topic, title, "broken", f"{version} is older than {needed['least']}"))
        else:
            lines.append(Line(topic, title, "ok", version))
    return lines


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.match(r"[\d.]*", version)[0].split(".") if part)  # type: ignore[index]


def _weights() -> list[Line]:
    lines = [
        Line("weights", "folder", "ok" if folder.is_dir() else "absent", f"{title}: {folder}")
        for title, folder in weights.folders().items()
    ]
    bundled = {entry.name for entry in weights.BUNDLED}
    for entry in weights.catalogue():
        path = weights.find(entry)
        if path is None:
            if entry.name in bundled:
                lines.append(
                    Line(
                        "weights",
                        entry.name,
                        "broken",
                        "is missing from the package; install ssimloss again",
                    )
                )
            continue
        try:
            weights.demand_whole(entry, path)
        except RuntimeError as error:
            lines.append(Line("weights", entry.name, "broken", str(error)))
        else:
            lines.append(Line("weights", entry.name, "ok", str(path)))
    return lines
