"""``ssimloss doctor``: this machine, or a loss.

Exit status for a machine: 0, or 1 if something is broken. For a loss: 0 for notes at most, 1 for an
error or a framework that cannot be imported, 3 for warnings only. 2 for wrong arguments.
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ssimloss.cli._told import shown, told

if TYPE_CHECKING:
    from torch import Tensor

    from ssimloss.doctor import Examination, Machine

_PIPE_WIDTH = 120
_STYLES = {"FAIL": "bold red", "warn": "yellow", "note": "cyan", "pass": "green", "n/a": "dim"}


def doctor(
    loss: Annotated[
        str | None,
        typer.Argument(
            metavar="[LOSS]",
            help="module:callable, such as ssimloss:SSIMLoss; or an entry of a registry, such as "
            "basicsr:L1Loss, neosr:NAME, traiNNer:NAME. Without it, the machine.",
        ),
    ] = None,
    options: Annotated[
        str,
        typer.Option(metavar="JSON", help="Options of the loss: '{\"window_size\": 7}'."),
    ] = "{}",
    inputs: Annotated[
        str,
        typer.Option(
            metavar="KINDS",
            help="Inputs of the loss, if its signature is unclear: pred, target, fake_logits, "
            "real_logits, is_real, or name=kind for keywords, separated by commas.",
        ),
    ] = "",
    data_range: Annotated[
        str,
        typer.Option(
            metavar="RANGE",
            help="Data range of the images: 255, or -1,1; by default the loss's own.",
        ),
    ] = "",
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A photograph to examine with, instead of a drawn picture."
        ),
    ] = None,
    checks: Annotated[
        str, typer.Option(metavar="NAMES", help="Checks to run, separated by commas.")
    ] = "",
    skip: Annotated[
        str, typer.Option(metavar="NAMES", help="Checks to leave out, separated by commas.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this machine, or examine a loss.

    Exit status of an examination: 0 for notes at most, 1 for an error, 3 for warnings only, 2 for
    wrong arguments.
    """
    from ssimloss.doctor import examine_named, machine

    if loss is None:
        given = {
            "--options": options != "{}",
            "--inputs": inputs,
            "--data-range": data_range,
            "--image": image,
            "--checks": checks,
            "--skip": skip,
        }
        with told():
            if used := [name for name, value in given.items() if value]:
                raise ValueError(f"{', '.join(used)} must come with the name of a loss")
            found = machine()
        typer.echo(found.to_json()) if as_json else _print_machine(found)
        raise typer.Exit(found.exit_code)
    # The result is alone on stdout, whatever a loss prints.
    with told(), redirect_stdout(sys.stderr):
        examination = examine_named(
            loss,
            _parsed(options),
            inputs=_split(inputs) or None,
            data_range=_range(data_range),
            image=None if image is None else _read(image),
            checks=_split(checks) or None,
            skip=_split(skip),
        )
    typer.echo(examination.to_json()) if as_json else _print(examination)
    raise typer.Exit(examination.exit_code)


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"--options must be JSON, such as '{{\"sigma\": 2}}': {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"--options must be a JSON object, got {text}")
    return found


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _range(text: str) -> float | tuple[float, float] | None:
    if not text:
        return None
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise ValueError(f"--data-range must be a number or two, such as 255 or -1,1, got {text!r}")
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _read(path: Path) -> "Tensor":
    """A photograph ``(1, 1 or 3, H, W)`` in [0, 1]."""
    import torch

    from ssimloss.evaluation.images import read

    pixels = read(path, alpha="drop").pixels
    return pixels[None].double() / (255 if pixels.dtype is torch.uint8 else 65535)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)


def _print(found: "Examination") -> None:
    console = _console()
    table = Table("check", "result", "severity", "found", box=None, pad_edge=False)
    for f in found.listed:
        style = _STYLES[f.shown]
        table.add_row(
            f.check,
            f"[{style}]{f.shown}[/]",
            f.severity,
            escape(shown(f.message)),
        )
    size = f" with {' x '.join(map(str, found.shape))}" if found.shape else ""
    console.print(
        shown(f"{found.loss}, called as {found.called}{size}"), markup=False, highlight=False
    )
    console.print(table)
    console.print(found.summary, markup=False, highlight=False)


def _print_machine(found: "Machine") -> None:
    console = _console()
    table = Table("topic", "name", "state", "found", box=None, pad_edge=False)
    for line in found.lines:
        style = {"ok": "green", "absent": "dim", "broken": "bold red"}[line.state]
        table.add_row(
            line.topic, escape(line.name), f"[{style}]{line.state}[/]", escape(shown(line.message))
        )
    console.print(table)
