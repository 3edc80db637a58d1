"""``ssimloss weights``: which weights there are, where they lie, whether they are whole, and how
they get here.

Exit status: 0 for done, 1 for missing, damaged or not to be had, 2 for a command that makes no
sense.
"""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ssimloss import weights
from ssimloss.cli._told import told
from ssimloss.weights import WeightsFile

app = typer.Typer(
    no_args_is_help=True, help="Pretrained weights: list, find, fetch, verify and import them."
)

# What losses are usually built on.
_FAMILIAR = re.compile(r"(vgg|resnet)\d+(_bn)?|alexnet|squeezenet1_[01]|inception")
_FIRST = "IMAGENET1K_V1"  # torchvision's word for the weights that "imagenet" means
_PIPE_WIDTH = 200  # columns where there is no terminal, so that no file name is cut

Word = Annotated[
    str,
    typer.Option(
        "--weights", metavar="WORD", help="torchvision's name of the weights, where it has several."
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--to", metavar="FOLDER", help="Where to put the file; otherwise torchvision's cache."
    ),
]


def _entry(name: str, word: str) -> WeightsFile:
    wanted = _FIRST if word == weights.IMAGENET else word
    for row in (*weights.BUNDLED, weights.INCEPTION, *weights.recorded()):
        if row.name == name and (row.url is None or row.word in (word, wanted)):
            return row
    # A word has aliases, and the torchvision that is installed may have other networks.
    own = [row.name for row in (*weights.BUNDLED, weights.INCEPTION)]
    known = [*own, *weights.networks()]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3)
        hint = (
            f"close to it: {', '.join(close)}" if close else "ssimloss weights list --all shows all"
        )
        raise typer.BadParameter(f"no weights are called {name!r}; {hint}", param_hint="NAME")
    return weights.INCEPTION if name == weights.INCEPTION.name else weights.published(name, word)


def _lying(entry: WeightsFile) -> list[tuple[str, Path]]:
    """The folders that have the file, by name, and the file."""
    return [
        (name, folder / entry.file)
        for name, folder in weights.folders().items()
        if (folder / entry.file).is_file()
    ]


@app.command("list")
def list_(
    everything: Annotated[
        bool, typer.Option("--all", help="Every classification network of torchvision.")
    ] = False,
) -> None:
    """Show name, file, size, where it is present, and licence."""
    rows = []
    for entry in weights.catalogue():
        places = [name for name, _ in _lying(entry)]
        if everything or entry.url is None or places or _FAMILIAR.fullmatch(entry.name):
            size = f"{entry.size / 1e6:.1f}" if entry.size >= 1e5 else f"{entry.size / 1e6:.3f}"
            present = ", ".join(places) or "-"
            rows.append((entry.name, entry.word, entry.file, size, present, entry.licence))
    console = Console()
    _print_rows(console if console.is_terminal else Console(width=_PIPE_WIDTH), rows)


def _print_rows(console: Console, rows: Sequence[Sequence[str]]) -> None:
    """A table, or where that would be cut, two lines for each file."""
    heads = ("name", "weights", "file", "MB", "present in", "licence")
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    if sum(widths) + 2 * (len(heads) - 1) <= console.width:
        table = Table(*heads, box=None, pad_edge=False)
        table.columns[3].justify = "right"
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    for name, word, file, size, present, licence in rows:
        first = f"{name:<{widths[0]}}  {word:<{widths[1]}}  {size:>{widths[3]}} MB  {present}"
        second = f"  {file}  {licence}"
        whole = [second] if len(second) <= console.width else [f"  {file}", f"  {licence}"]
        for line in (first, *whole):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def where(
    name: Annotated[
        str | None,
        typer.Argument(help="A network or a bundled file; without, the folders that are searched."),
    ] = None,
    word: Word = weights.IMAGENET,
) -> None:
    """Print the folders that are searched, in this order, or the path of one file."""
    if name is None:
        if weights.VARIABLE not in weights.folders():
            typer.echo(f"{weights.VARIABLE:<16} not set")
        for title, folder in weights.folders().items():
            typer.echo(f"{title:<16} {folder}{'' if folder.is_dir() else '    (does not exist)'}")
        return
    with told():
        entry = _entry(name, word)
        path = weights.find(entry)
        if path is None:
            raise RuntimeError(
                f"{entry.file} is in none of the folders; run: {entry.fetch_command}"
            )
    typer.echo(path)


@app.command()
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="Networks, as torchvision calls them, or inception, that of FID."
        ),
    ],
    word: Word = weights.IMAGENET,
    to: Folder = None,
) -> None:
    """Download weights that are not on this machine, and print the path of each file."""
    for name in names:
        with told():
            entry = _entry(name, word)
            typer.echo(weights.fetch(entry, to) if entry.url is not None else weights.obtain(entry))


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="What to verify; without, every file that is here."),
    ] = None,
    word: Word = weights.IMAGENET,
) -> None:
    """Compare files with their SHA-256: all of it for bundled files, the published digits for the
    others.
    """
    with told():
        entries = [_entry(name, word) for name in names] if names else weights.catalogue()
    faults = 0
    for entry in entries:
        places = _lying(entry)
        for _, path in places:
            try:
                weights.demand_whole(entry, path)
            except RuntimeError as error:
                faults += 1
                typer.echo(f"DAMAGED  {path}\n         {error}")
            else:
                typer.echo(f"ok       {path}")
        if not places and (names or entry.url is None):
            faults += 1
            typer.echo(f"MISSING  {entry.file}")
    if faults:
        raise typer.Exit(1)


@app.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Files brought from elsewhere, under any name."),
    ],
    to: Folder = None,
) -> None:
    """Verify files of weights and put them where they are looked for."""
    for file in files:
        with told():
            entry, path = weights.import_file(file, to)
        typer.echo(f"{path}: {entry.title}")
