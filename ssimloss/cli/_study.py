"""``ssimloss study``: which measure to trust and to train with, in one process or under
``torchrun``.

Exit status: 0 on success; 1 if the machine or a file fails; 2 for wrong arguments; 130 and 143 if
interrupted or terminated.
"""

import os
import textwrap
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table as Drawn

from ssimloss.cli._options import Device, Overwrite, Resume
from ssimloss.cli._progress import progress
from ssimloss.cli._told import shown, stoppable

_HEADING = 10  # characters in a line of a heading
_LISTED = 5  # problems that the terminal shows; the page has all


def study(
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IMAGES",
            help="Folders or files; default: photographs of scikit-image.",
        ),
    ] = None,
    judgements: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A CSV file of judgements, or the folder of TID2013, KADID-10k, LIVE, CSIQ, "
            "PIPAL or BAPPS; can be repeated.",
        ),
    ] = None,
    judged_images: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The folder that paths in CSV files are relative to."),
    ] = None,
    measures: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Names or module:attribute, separated by commas; can be repeated; default: all.",
        ),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="Weights of deep networks: imagenet, random, or a file.")
    ] = "imagenet",
    quick: Annotated[
        bool, typer.Option("--quick", help="One image and few steps; takes minutes.")
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(metavar="MS", help="Longest time of the loss in a step, for advice."),
    ] = None,
    aggregate: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTS",
            help="Weights of the aggregate, such as agreement=2,speed=0; default: 1 each.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="For tables, pictures and the page.")
    ] = Path("study"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    cost_again: Annotated[
        bool,
        typer.Option(
            "--cost-again", help="With --resume: measure the cost again, on a quiet machine."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    device: Device = "auto",
) -> None:
    """Compare measures on your images: agreement with people, orderings, fitness as a loss, cost.

    Under torchrun each process takes a share.
    """
    # The profiler, which measures memory, warns on every CPU that there is no GPU.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    from ssimloss.study import Study

    leads = os.environ.get("RANK", "0") == "0"
    console = Console(stderr=True, quiet=not leads)
    with stoppable(out):
        names = [name.strip() for part in measures or () for name in part.split(",")]
        one = Study(
            images or None,
            judgements or (),
            judged_images,
            None if measures is None else [name for name in names if name],
            weights,
            quick,
            aggregate_weights={} if aggregate is None else _weights(aggregate),
            budget_ms=budget,
            out=out,
            resume=resume,
            overwrite=overwrite,
            cost_again=cost_again,
            seed=seed,
            device=device,
        )
        with progress(console, unit="tasks", first="reading images") as show:
            result = one.run(show)
    if not leads:
        return
    from ssimloss.study.table import shown as text
    from ssimloss.study.tables import tables_of

    overview = tables_of(result)[0]
    drawn = Drawn(box=None, pad_edge=False)
    for column in overview.columns:
        justify: Literal["left", "right"] = "right" if column.format else "left"
        # Narrow headings leave room for the names of measures.
        heading = textwrap.fill(column.title, _HEADING, break_long_words=False)
        drawn.add_column(heading, justify=justify, overflow="fold")
    for row in overview.rows:
        drawn.add_row(
            *(shown(text(cell, column)) for cell, column in zip(row, overview.columns, strict=True))
        )
    output = Console(highlight=False)
    output.print(drawn)
    output.print(overview.note, style="dim")
    for sentence in result.advice:
        output.print(f"- {shown(sentence)}", markup=False)
    for problem in result.problems[:_LISTED]:
        typer.echo(shown(problem), err=True)
    if len(result.problems) > _LISTED:
        typer.echo(f"{len(result.problems) - _LISTED} more, listed in the page", err=True)
    typer.echo(f"wrote {out / 'index.html'}")


def _weights(text: str) -> dict[str, float]:
    found = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise ValueError(
                f"--aggregate must be NAME=NUMBER, separated by commas, got {part!r}"
            ) from None
    return found
