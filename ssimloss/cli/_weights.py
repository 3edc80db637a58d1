"""``ssimloss weights``: list files of weights, find, download, verify and import them.

Exit status: 0 for success; 1 for a file that is missing, damaged or cannot be downloaded; 2 for
wrong arguments.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ssimloss import weights
from ssimloss._words import near, spelled
from ssimloss.cli._told import told
from ssimloss.weights import WeightsFile

app = typer.Typer(
    no_args_is_help=True, help="Pretrained weights: list, find, fetch, verify and import them."
)

# What losses are usually built on.
_FAMILIAR = re.compile(r"(vgg|resnet)\d+(_bn)?|alexnet|squeezenet1_[01]|inception")
_FIRST = "IMAGENET1K_V1"  # torchvision's word for the weights that "imagenet" means
_TO_BRING = (
    "not here: ssimloss weights fetch NAME downloads the file; without a network, download it",
    "elsewhere, and ssimloss weights import FILE puts it in its place",
)
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
    """The file that a command line names.

    Raises:
        ValueError: an unknown name or word; a word for a name that has one file.
    """
    single = {row.name: row for row in (*weights.BUNDLED, weights.INCEPTION)}
    if found := spelled(name, single):
        if word != weights.IMAGENET:
            raise ValueError(
                f"--weights {word} is for networks that have several files, and {found} has one; "
                "leave it out"
            )
        return single[found]
    # The installed torchvision may have other networks, and has aliases of words; importing it
    # takes seconds.
    wanted = _FIRST if word == weights.IMAGENET else word
    network = spelled(name, {row.name for row in weights.recorded()})
    for row in weights.recorded():
        if (row.name, row.word) == (network, wanted):
            return row
    known = [*single, *weights.networks()]
    network = spelled(name, known)
    if network is None:
        close = near(name, known, 3)
        hint = (
            f"close to it: {', '.join(close)}" if close else "ssimloss weights list --all shows all"
        )
        raise ValueError(f"no weights are called {name!r}; {hint}")
    return weights.published(network, word)


def _demand_names(word: str) -> None:
    if word != weights.IMAGENET:
        raise ValueError(f"--weights {word} needs the name of a network")


def _lying(entry: WeightsFile) -> list[tuple[str, Path]]:
    """Name of the folder and path, for each folder that has the file."""
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
    """List files of weights: name, size, whether the file is here, and licence."""
    rows = []
    for entry in weights.catalogue():
        places = [name for name, _ in _lying(entry)]
        if everything or entry.url is None or places or _FAMILIAR.fullmatch(entry.name):
            size = f"{entry.size / 1e6:.1f}" if entry.size >= 1e5 else f"{entry.size / 1e6:.3f}"
            present = f"here: {', '.join(places)}" if places else "not here"
            rows.append((entry.name, entry.word, entry.file, size, present, entry.licence))
    console = Console()
    _print_rows(console if console.is_terminal else Console(width=_PIPE_WIDTH), rows)
    if any(row[4] == "not here" for row in rows):
        typer.echo("\n" + "\n".join(_TO_BRING))


def _print_rows(console: Console, rows: Sequence[Sequence[str]]) -> None:
    """A table; two lines for each file if the table would be cut."""
    heads = ("name", "weights", "file", "MB", "where", "licence")
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
        typer.Argument(help="A network or a bundled file; by default, the folders themselves."),
    ] = None,
    word: Word = weights.IMAGENET,
) -> None:
    """Print the folders that are searched, in this order, or the path of one file."""
    if name is None:
        with told():
            _demand_names(word)
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
    with told():
        entries = [_entry(name, word) for name in names]
        bundled = [entry.name for entry in entries if entry.url is None]
        if bundled and to is not None:
            raise ValueError(
                f"--to is for downloads, and {', '.join(bundled)} comes with the package; leave it "
                "out"
            )
        for entry in entries:
            typer.echo(weights.fetch(entry, to) if entry.url is not None else weights.obtain(entry))


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="What to verify; by default, every file found."),
    ] = None,
    word: Word = weights.IMAGENET,
) -> None:
    """Compare the SHA-256 of files with the known one; downloads publish its first digits."""
    with told():
        if not names:
            _demand_names(word)
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
    """Verify files of weights and copy them into the folder that is searched."""
    for file in files:
        with told():
            entry, path = weights.import_file(file, to)
        typer.echo(f"{path}: {entry.title}")
